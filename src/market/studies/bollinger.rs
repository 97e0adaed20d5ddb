//! Bollinger's bands: the mean of the last closes, and so many standard deviations above and below it.

use super::window::Window;
use super::{Lines, Sample, Study, by_copy};

/// Middle, upper and lower band. The deviation is that of the population, as TA-Lib's is.
#[derive(Clone, Debug)]
pub struct Bollinger {
    closes: Window,
    deviations: f64,
}

impl Bollinger {
    /// Over `period` bars, 1 to [`super::LONGEST`], with bands so many deviations away.
    pub fn new(period: usize, deviations: f64) -> Self {
        Self {
            closes: Window::new(period),
            deviations,
        }
    }
}

impl Study for Bollinger {
    fn update(&mut self, bar: &Sample) -> Option<f64> {
        self.closes.push(bar.close);
        self.closes.mean()
    }
    fn lines(&self) -> Lines {
        let (Some(mean), Some(closes)) = (self.closes.mean(), self.closes.values()) else {
            return [None; 3];
        };
        // Differences from the mean keep the digits that a difference of squares would lose.
        let squares: f64 = closes.map(|close| (close - mean) * (close - mean)).sum();
        let away = self.deviations * (squares / self.closes.length()).sqrt();
        [Some(mean), Some(mean + away), Some(mean - away)]
    }
    fn reset(&mut self) {
        self.closes.clear();
    }
    by_copy!();
}
