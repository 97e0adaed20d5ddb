//! Appel's moving average convergence divergence: a fast less a slow exponential average, and an average of that.

use super::{Ema, Lines, Sample, Seed, Study, by_copy};

/// The difference, its signal, and what is between them. TA-Lib's way begins all three together, once the signal is there;
/// its fast average is seeded so late that both averages have their first value at the same bar.
#[derive(Clone, Debug)]
pub struct Macd {
    fast: Ema,
    slow: Ema,
    signal: Ema,
    difference: Option<f64>,
    /// Closes that the fast average still leaves out.
    waits: usize,
    delay: usize,
}

impl Macd {
    /// Averages over `fast`, `slow` and `signal` bars, each 1 to [`super::LONGEST`]; the shorter of the first two is the
    /// fast one.
    pub fn new(fast: usize, slow: usize, signal: usize, seed: Seed) -> Self {
        let (fast, slow) = (fast.min(slow), fast.max(slow));
        let delay = if seed == Seed::Mean { slow - fast } else { 0 };
        Self {
            fast: Ema::new(fast, seed),
            slow: Ema::new(slow, seed),
            signal: Ema::new(signal, seed),
            difference: None,
            waits: delay,
            delay,
        }
    }
}

impl Study for Macd {
    fn update(&mut self, bar: &Sample) -> Option<f64> {
        let fast = match self.waits.checked_sub(1) {
            Some(fewer) => {
                self.waits = fewer;
                None
            }
            None => self.fast.update(bar),
        };
        let slow = self.slow.update(bar);
        self.difference = fast.zip(slow).map(|(fast, slow)| fast - slow);
        if let Some(difference) = self.difference {
            self.signal.add(difference);
        }
        self.value()
    }
    fn lines(&self) -> Lines {
        match (self.difference, self.signal.value()) {
            (Some(difference), Some(signal)) => [Some(difference), Some(signal), Some(difference - signal)],
            _ => [None; 3],
        }
    }
    fn reset(&mut self) {
        self.fast.reset();
        self.slow.reset();
        self.signal.reset();
        (self.difference, self.waits) = (None, self.delay);
    }
    by_copy!();
}
