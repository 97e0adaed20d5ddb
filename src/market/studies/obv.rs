//! Granville's on-balance volume: volume added where the close rises, taken away where it falls.

use super::{Sample, Study};

/// The sum, which begins with the first bar's volume; an unchanged close adds nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Obv {
    close: Option<f64>,
    sum: f64,
}

impl Study for Obv {
    fn update(&mut self, bar: &Sample) -> Option<f64> {
        match self.close.replace(bar.close) {
            None => self.sum = bar.volume,
            Some(before) if bar.close > before => self.sum += bar.volume,
            Some(before) if bar.close < before => self.sum -= bar.volume,
            Some(_) => {}
        }
        self.value()
    }
    fn peek(&self, bar: &Sample) -> Option<f64> {
        let mut copy = *self;
        copy.update(bar)
    }
    fn value(&self) -> Option<f64> {
        self.close.map(|_| self.sum)
    }
    fn reset(&mut self) {
        *self = Self::default();
    }
}
