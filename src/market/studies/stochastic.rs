//! Lane's slow stochastic: where the close lies between the lowest low and the highest high, smoothed twice.

use super::window::Window;
use super::{Lines, Sample, Study, by_copy};

/// %K and %D, 0 to 100; 0 where nothing has moved at all. Both begin with the first %D, as TA-Lib's do.
#[derive(Clone, Debug)]
pub struct Stochastic {
    highs: Window,
    lows: Window,
    raw: Window,
    slow: Window,
}

impl Stochastic {
    /// Over `period` bars, %K smoothed over `slow` and %D over `signal` of its values, each 1 to [`super::LONGEST`].
    pub fn new(period: usize, slow: usize, signal: usize) -> Self {
        Self {
            highs: Window::new(period),
            lows: Window::new(period),
            raw: Window::new(slow),
            slow: Window::new(signal),
        }
    }
}

impl Study for Stochastic {
    fn update(&mut self, bar: &Sample) -> Option<f64> {
        self.highs.push(bar.high);
        self.lows.push(bar.low);
        if let (Some((low, _)), Some((_, high))) = (self.lows.ends(), self.highs.ends()) {
            let range = high - low;
            self.raw.push(if range > 0.0 {
                100.0 * (bar.close - low) / range
            } else {
                0.0
            });
            if let Some(slow) = self.raw.mean() {
                self.slow.push(slow);
            }
        }
        self.value()
    }
    fn lines(&self) -> Lines {
        match (self.raw.mean(), self.slow.mean()) {
            (Some(k), Some(d)) => [Some(k), Some(d), None],
            _ => [None; 3],
        }
    }
    fn reset(&mut self) {
        for window in [&mut self.highs, &mut self.lows, &mut self.raw, &mut self.slow] {
            window.clear();
        }
    }
    by_copy!();
}
