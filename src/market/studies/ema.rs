//! Exponential moving average of closes, with a smoothing of 2 / (period + 1).

use super::{LONGEST, Sample, Study};

/// What the average starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// The mean of the first `period` closes: TA-Lib's way. There is no value before.
    Mean,
    /// The first close: the way of most charts and of pandas. There is a value at once.
    First,
}

/// An exponential moving average.
#[derive(Clone, Copy, Debug)]
pub struct Ema {
    period: f64,
    seed: Seed,
    seen: f64,
    /// The average; the sum of closes while the mean that seeds it is gathered.
    state: f64,
}

impl Ema {
    /// Over `period` bars, 1 to [`LONGEST`].
    #[allow(clippy::cast_precision_loss, reason = "a period is at most a thousand")]
    pub fn new(period: usize, seed: Seed) -> Self {
        Self {
            period: period.clamp(1, LONGEST) as f64,
            seed,
            seen: 0.0,
            state: 0.0,
        }
    }
    /// Takes a value of whatever is averaged.
    pub(super) fn add(&mut self, value: f64) -> Option<f64> {
        if self.seen < self.warm_up() {
            self.seen += 1.0;
            self.state += value;
            if self.seen >= self.warm_up() {
                self.state /= self.warm_up();
            }
        } else {
            self.state += 2.0 / (self.period + 1.0) * (value - self.state);
        }
        self.value()
    }
    fn warm_up(&self) -> f64 {
        match self.seed {
            Seed::Mean => self.period,
            Seed::First => 1.0,
        }
    }
}

impl Study for Ema {
    fn update(&mut self, bar: &Sample) -> Option<f64> {
        self.add(bar.close)
    }
    fn peek(&self, bar: &Sample) -> Option<f64> {
        let mut copy = *self;
        copy.update(bar)
    }
    fn value(&self) -> Option<f64> {
        (self.seen >= self.warm_up()).then_some(self.state)
    }
    fn reset(&mut self) {
        (self.seen, self.state) = (0.0, 0.0);
    }
}
