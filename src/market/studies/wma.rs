//! Weighted moving average: of the last closes the newest weighs most, each older one by one part less.

use super::window::Window;
use super::{Lines, Sample, Study, by_copy};

/// The average of the last `period` closes with weights from 1 (oldest) to `period`; nothing before there are as many.
#[derive(Clone, Debug)]
pub struct Wma {
    closes: Window,
}

impl Wma {
    /// Over `period` bars, 1 to [`super::LONGEST`].
    pub fn new(period: usize) -> Self {
        Self {
            closes: Window::new(period),
        }
    }
}

impl Study for Wma {
    fn update(&mut self, bar: &Sample) -> Option<f64> {
        self.closes.push(bar.close);
        self.value()
    }
    fn lines(&self) -> Lines {
        let weighted = self.closes.values().map(|closes| {
            let (mut sum, mut weight) = (0.0, 0.0);
            for close in closes {
                weight += 1.0;
                sum += close * weight;
            }
            sum / (weight * (weight + 1.0) / 2.0)
        });
        [weighted, None, None]
    }
    fn reset(&mut self) {
        self.closes.clear();
    }
    by_copy!();
}
