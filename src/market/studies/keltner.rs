//! Keltner's channel: an exponential average of closes, and so many average true ranges above and below it.

use super::{Atr, Ema, Lines, Sample, Seed, Study, by_copy};

/// Middle, upper and lower line. Average and range are each as TA-Lib has them; the channel itself it has not.
#[derive(Clone, Debug)]
pub struct Keltner {
    middle: Ema,
    range: Atr,
    multiple: f64,
}

impl Keltner {
    /// The average over `period` bars and the range over `range` bars, each 1 to [`super::LONGEST`].
    pub fn new(period: usize, range: usize, multiple: f64) -> Self {
        Self {
            middle: Ema::new(period, Seed::Mean),
            range: Atr::new(range),
            multiple,
        }
    }
}

impl Study for Keltner {
    fn update(&mut self, bar: &Sample) -> Option<f64> {
        self.middle.update(bar);
        self.range.update(bar);
        self.value()
    }
    fn lines(&self) -> Lines {
        let (Some(middle), Some(range)) = (self.middle.value(), self.range.value()) else {
            return [None; 3];
        };
        let away = self.multiple * range;
        [Some(middle), Some(middle + away), Some(middle - away)]
    }
    fn reset(&mut self) {
        self.middle.reset();
        self.range.reset();
    }
    by_copy!();
}
