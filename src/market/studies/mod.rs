//! Indicators that grow with their bars: a new bar costs the same whatever came before, a few operations or,
//! for what looks at a window, as many as the window is long. Conventions are TA-Lib's, VWAP's price is (high + low +
//! close) / 3, Keltner's channel (which TA-Lib lacks) is an average with multiples of the true range. One file an
//! indicator; a new one is a file, a line in [`StudySpec`] and its column in the oracle's test. What to draw
//! is the chart's business.

mod adx;
mod atr;
mod bollinger;
mod ema;
mod keltner;
mod macd;
mod obv;
mod rsi;
mod sma;
mod spec;
mod stochastic;
mod vwap;
mod window;
mod wma;

use super::data::Bar;
use std::fmt;

pub use adx::Adx;
pub use atr::Atr;
pub use bollinger::Bollinger;
pub use ema::{Ema, Seed};
pub use keltner::Keltner;
pub use macd::Macd;
pub use obv::Obv;
pub use rsi::Rsi;
pub use sma::Sma;
pub use spec::{Place, StudyError, StudySpec};
pub use stochastic::Stochastic;
pub use vwap::{RollingVwap, Vwap};
pub use wma::Wma;

/// The longest period of an indicator, in bars.
pub const LONGEST: usize = 1_000;

/// A bar as indicators see it: in binary, which never becomes a price again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Shares, contracts or coins.
    pub volume: f64,
    /// Names the session: where it changes, sums that belong to a session start anew. The start of the
    /// trading day will do.
    pub session: i64,
}

impl Sample {
    /// From a bar and the name of its session.
    #[allow(
        clippy::cast_precision_loss,
        reason = "statistics accept the rounding of a double"
    )]
    pub fn of(bar: &Bar, session: i64) -> Self {
        Self {
            open: bar.open.to_f64(),
            high: bar.high.to_f64(),
            low: bar.low.to_f64(),
            close: bar.close.to_f64(),
            volume: bar.volume as f64 / 1e8,
            session,
        }
    }
}

/// The lines of an indicator at a bar, in the order of [`StudySpec::lines`]; nothing where there is no such line, or while
/// it is warming up.
pub type Lines = [Option<f64>; 3];

/// An indicator that is fed bar by bar. One of several lines has its first as its value.
pub trait Study: fmt::Debug + Send {
    /// Takes a finished bar and answers the value at it; nothing while warming up.
    fn update(&mut self, bar: &Sample) -> Option<f64>;
    /// The value that [`Study::update`] would answer, without taking the bar: for the bar that still changes.
    fn peek(&self, bar: &Sample) -> Option<f64>;
    /// The value at the last finished bar.
    fn value(&self) -> Option<f64>;
    /// Forgets all bars.
    fn reset(&mut self);
    /// All lines at the last finished bar.
    fn lines(&self) -> Lines {
        [self.value(), None, None]
    }
    /// The lines that would stand after [`Study::update`], without taking the bar. Copies what looks at a window.
    fn peek_lines(&self, bar: &Sample) -> Lines {
        [self.peek(bar), None, None]
    }
}

/// What a study of several lines, or of a window, answers in [`Study`]: its value is its first line, a peek works on a
/// copy.
macro_rules! by_copy {
    () => {
        fn peek(&self, bar: &Sample) -> Option<f64> {
            self.peek_lines(bar)[0]
        }
        fn peek_lines(&self, bar: &Sample) -> Lines {
            let mut copy = self.clone();
            copy.update(bar);
            copy.lines()
        }
        fn value(&self) -> Option<f64> {
            self.lines()[0]
        }
    };
}
use by_copy;

/// A mean over the first values, then Wilder's: the old one weighs (period - 1) / period.
#[derive(Clone, Copy, Debug)]
struct WilderMean {
    period: f64,
    seen: f64,
    mean: f64,
}

impl WilderMean {
    #[allow(clippy::cast_precision_loss, reason = "a period is at most a thousand")]
    fn new(period: usize) -> Self {
        Self {
            period: period.clamp(1, LONGEST) as f64,
            seen: 0.0,
            mean: 0.0,
        }
    }
    fn add(&mut self, value: f64) {
        if self.seen < self.period {
            self.seen += 1.0;
            // Summed first and divided once at the end of the warm-up, as the convention's first mean is.
            self.mean += value;
            if self.seen >= self.period {
                self.mean /= self.period;
            }
        } else {
            self.mean = (self.mean * (self.period - 1.0) + value) / self.period;
        }
    }
    fn value(&self) -> Option<f64> {
        (self.seen >= self.period).then_some(self.mean)
    }
}

#[cfg(test)]
mod tests;
