//! Volume-weighted average price, since the session's start or over the last bars. The price of a bar is (high + low +
//! close) / 3.

use super::window::Window;
use super::{Lines, Sample, Study, by_copy};

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

/// The average over the last `period` bars; nothing before there are as many, or without volume in them.
#[derive(Clone, Debug)]
pub struct RollingVwap {
    values: Window,
    volumes: Window,
}

impl RollingVwap {
    /// Over `period` bars, 1 to [`super::LONGEST`].
    pub fn new(period: usize) -> Self {
        Self {
            values: Window::new(period),
            volumes: Window::new(period),
        }
    }
}

impl Study for RollingVwap {
    fn update(&mut self, bar: &Sample) -> Option<f64> {
        self.values
            .push((bar.high + bar.low + bar.close) / 3.0 * bar.volume);
        self.volumes.push(bar.volume);
        self.value()
    }
    fn lines(&self) -> Lines {
        let sums = self.values.mean().zip(self.volumes.mean());
        let average = sums
            .filter(|(_, volume)| *volume > 0.0)
            .map(|(value, volume)| value / volume);
        [average, None, None]
    }
    fn reset(&mut self) {
        self.values.clear();
        self.volumes.clear();
    }
    by_copy!();
}
