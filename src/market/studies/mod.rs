//! Indicators that grow with their bars: each new bar costs the same few operations, whatever came before,
//! and no allocation. Conventions are TA-Lib's, VWAP's price is (high + low + close) / 3. One file an
//! indicator; a new one is a file, a line in [`StudySpec`] and its column in the oracle's test. What to draw
//! is the chart's business.

mod atr;
mod ema;
mod rsi;
mod sma;
mod vwap;

use super::data::Bar;
use std::fmt;
use std::str::FromStr;

pub use atr::Atr;
pub use ema::{Ema, Seed};
pub use rsi::Rsi;
pub use sma::Sma;
pub use vwap::Vwap;

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

/// An indicator that is fed bar by bar.
pub trait Study: fmt::Debug + Send {
    /// Takes a finished bar and answers the value at it; nothing while warming up.
    fn update(&mut self, bar: &Sample) -> Option<f64>;
    /// The value that [`Study::update`] would answer, without taking the bar: for the bar that still changes.
    fn peek(&self, bar: &Sample) -> Option<f64>;
    /// The value at the last finished bar.
    fn value(&self) -> Option<f64>;
    /// Forgets all bars.
    fn reset(&mut self);
}

/// Which indicator, with its period in bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StudySpec {
    /// Simple moving average of closes.
    Sma(usize),
    /// Exponential moving average of closes, seeded with the mean of the first closes.
    Ema(usize),
    /// Exponential moving average of closes, seeded with the first close.
    EmaFirst(usize),
    /// Volume-weighted average price since the session's start.
    Vwap,
    /// Wilder's relative strength index, 0 to 100.
    Rsi(usize),
    /// Wilder's average true range, in the unit of prices.
    Atr(usize),
}

impl StudySpec {
    /// The indicator, without bars.
    pub fn build(self) -> Box<dyn Study> {
        match self {
            Self::Sma(period) => Box::new(Sma::new(period)),
            Self::Ema(period) => Box::new(Ema::new(period, Seed::Mean)),
            Self::EmaFirst(period) => Box::new(Ema::new(period, Seed::First)),
            Self::Vwap => Box::new(Vwap::default()),
            Self::Rsi(period) => Box::new(Rsi::new(period)),
            Self::Atr(period) => Box::new(Atr::new(period)),
        }
    }
    /// True where the value is a price, so that it is drawn among the bars and not below them.
    pub fn is_price(self) -> bool {
        !matches!(self, Self::Rsi(_) | Self::Atr(_))
    }
}

impl fmt::Display for StudySpec {
    /// `sma 20`, `vwap`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sma(period) => write!(f, "sma {period}"),
            Self::Ema(period) => write!(f, "ema {period}"),
            Self::EmaFirst(period) => write!(f, "emafirst {period}"),
            Self::Vwap => f.write_str("vwap"),
            Self::Rsi(period) => write!(f, "rsi {period}"),
            Self::Atr(period) => write!(f, "atr {period}"),
        }
    }
}

/// Why a text names no indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a study is sma, ema, emafirst, rsi or atr with a period of 1 to 1000 bars (sma 20), or vwap")]
pub struct StudyError;

impl FromStr for StudySpec {
    type Err = StudyError;
    /// Reads `sma 20`; without a period it is the usual one.
    fn from_str(text: &str) -> Result<Self, StudyError> {
        let mut words = text.split_ascii_whitespace();
        let name = words.next().ok_or(StudyError)?;
        let told = words
            .next()
            .map(str::parse::<usize>)
            .transpose()
            .map_err(|_| StudyError)?;
        let period =
            |usual: usize| Some(told.unwrap_or(usual)).filter(|period| (1..=LONGEST).contains(period));
        if words.next().is_some() {
            return Err(StudyError);
        }
        match name {
            "sma" => period(20).map(Self::Sma),
            "ema" => period(20).map(Self::Ema),
            "emafirst" => period(20).map(Self::EmaFirst),
            "vwap" => told.is_none().then_some(Self::Vwap),
            "rsi" => period(14).map(Self::Rsi),
            "atr" => period(14).map(Self::Atr),
            _ => None,
        }
        .ok_or(StudyError)
    }
}

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
mod tests {
    use super::*;

    #[test]
    fn a_peek_tells_what_the_update_will_and_changes_nothing() {
        let bar = |n: i64| {
            let close = 100.0 + f64::from(i32::try_from(n * 37 % 11).unwrap());
            Sample {
                open: close,
                high: close + 1.0,
                low: close - 2.0,
                close,
                volume: 5.0,
                session: n / 30,
            }
        };
        for text in ["sma 5", "ema 5", "emafirst 5", "vwap", "rsi 5", "atr 5"] {
            let spec: StudySpec = text.parse().unwrap();
            assert_eq!(spec.to_string(), text);
            let mut study = spec.build();
            for n in 0..100 {
                let _ = study.peek(&bar(n + 3));
                let peeked = study.peek(&bar(n));
                assert_eq!(
                    peeked.map(f64::to_bits),
                    study.update(&bar(n)).map(f64::to_bits),
                    "{text} at {n}"
                );
                assert_eq!(
                    study.value().map(f64::to_bits),
                    peeked.map(f64::to_bits),
                    "{text} at {n}"
                );
            }
            study.reset();
            assert_eq!(study.value(), None, "{text}");
        }
        for bad in ["", "sma 0", "sma 1001", "sma -1", "vwap 3", "sma 5 5", "what"] {
            assert!(bad.parse::<StudySpec>().is_err(), "{bad}");
        }
    }
}
