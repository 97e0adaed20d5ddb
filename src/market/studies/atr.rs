//! Wilder's average true range: how far a bar reaches, the gap from the last close included.

use super::{Sample, Study, WilderMean};

/// The average, in the unit of prices; nothing before `period` true ranges, of which the first bar has none.
#[derive(Clone, Copy, Debug)]
pub struct Atr {
    period: usize,
    close: Option<f64>,
    mean: WilderMean,
}

impl Atr {
    /// Over `period` bars, 1 to [`super::LONGEST`].
    pub fn new(period: usize) -> Self {
        Self {
            period,
            close: None,
            mean: WilderMean::new(period),
        }
    }
}

impl Study for Atr {
    fn update(&mut self, bar: &Sample) -> Option<f64> {
        if let Some(close) = self.close.replace(bar.close) {
            self.mean.add(bar.high.max(close) - bar.low.min(close));
        }
        self.value()
    }
    fn peek(&self, bar: &Sample) -> Option<f64> {
        let mut copy = *self;
        copy.update(bar)
    }
    fn value(&self) -> Option<f64> {
        self.mean.value()
    }
    fn reset(&mut self) {
        *self = Self::new(self.period);
    }
}
