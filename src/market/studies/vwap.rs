//! Volume-weighted average price since the session's start. The price of a bar is (high + low + close) / 3.

use super::{Sample, Study};

/// The average, started anew at each session; nothing before there is volume.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vwap {
    session: Option<i64>,
    value: f64,
    volume: f64,
}

impl Study for Vwap {
    fn update(&mut self, bar: &Sample) -> Option<f64> {
        if self.session != Some(bar.session) {
            *self = Self {
                session: Some(bar.session),
                ..Self::default()
            };
        }
        self.value += (bar.high + bar.low + bar.close) / 3.0 * bar.volume;
        self.volume += bar.volume;
        self.value()
    }
    fn peek(&self, bar: &Sample) -> Option<f64> {
        let mut copy = *self;
        copy.update(bar)
    }
    fn value(&self) -> Option<f64> {
        (self.volume > 0.0).then(|| self.value / self.volume)
    }
    fn reset(&mut self) {
        *self = Self::default();
    }
}
