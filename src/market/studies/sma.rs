//! Simple moving average: the mean of the last closes.

use super::{LONGEST, Sample, Study};

/// The mean of the last `period` closes; nothing before there are as many.
#[derive(Clone, Debug)]
pub struct Sma {
    /// The last closes; `next` is where the oldest lies.
    ring: Box<[f64]>,
    next: usize,
    sum: f64,
    full: bool,
}

impl Sma {
    /// Over `period` bars, 1 to [`LONGEST`].
    pub fn new(period: usize) -> Self {
        let ring = vec![0.0; period.clamp(1, LONGEST)].into_boxed_slice();
        Self {
            ring,
            next: 0,
            sum: 0.0,
            full: false,
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "a period is at most a thousand")]
    fn mean(&self, sum: f64) -> f64 {
        sum / self.ring.len() as f64
    }
    /// The sum with `close` in place of the oldest. Once a round it is summed anew, so that rounding can't
    /// pile up.
    fn sum_with(&self, close: f64) -> f64 {
        if self.next + 1 == self.ring.len() {
            self.ring[..self.next].iter().sum::<f64>() + close
        } else {
            self.sum - self.ring[self.next] + close
        }
    }
}

impl Study for Sma {
    fn update(&mut self, bar: &Sample) -> Option<f64> {
        self.sum = self.sum_with(bar.close);
        self.ring[self.next] = bar.close;
        self.next += 1;
        if self.next == self.ring.len() {
            self.next = 0;
            self.full = true;
        }
        self.value()
    }
    fn peek(&self, bar: &Sample) -> Option<f64> {
        let fills = self.full || self.next + 1 == self.ring.len();
        fills.then(|| self.mean(self.sum_with(bar.close)))
    }
    fn value(&self) -> Option<f64> {
        self.full.then(|| self.mean(self.sum))
    }
    fn reset(&mut self) {
        self.ring.fill(0.0);
        (self.next, self.sum, self.full) = (0, 0.0, false);
    }
}
