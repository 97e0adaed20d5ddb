//! Wilder's relative strength index: the part of the gains in all moves of the close, in percent.

use super::{Sample, Study, WilderMean};

/// The index, 0 to 100; 0 where nothing has moved at all. There is none before `period` moves.
#[derive(Clone, Copy, Debug)]
pub struct Rsi {
    period: usize,
    close: Option<f64>,
    gains: WilderMean,
    losses: WilderMean,
}

impl Rsi {
    /// Over `period` moves, 1 to [`super::LONGEST`].
    pub fn new(period: usize) -> Self {
        let mean = WilderMean::new(period);
        Self {
            period,
            close: None,
            gains: mean,
            losses: mean,
        }
    }
}

impl Study for Rsi {
    fn update(&mut self, bar: &Sample) -> Option<f64> {
        if let Some(close) = self.close.replace(bar.close) {
            self.gains.add((bar.close - close).max(0.0));
            self.losses.add((close - bar.close).max(0.0));
        }
        self.value()
    }
    fn peek(&self, bar: &Sample) -> Option<f64> {
        let mut copy = *self;
        copy.update(bar)
    }
    fn value(&self) -> Option<f64> {
        let (gains, losses) = (self.gains.value()?, self.losses.value()?);
        let moves = gains + losses;
        Some(if moves > 0.0 { 100.0 * gains / moves } else { 0.0 })
    }
    fn reset(&mut self) {
        *self = Self::new(self.period);
    }
}
