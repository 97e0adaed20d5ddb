//! Which indicator, in words: `sma 20`, `bb 20 2`, `macd 12 26 9`. What it is made of, where it belongs on a chart, and how
//! its lines are called.

use super::{
    Adx, Atr, Bollinger, Ema, Keltner, LONGEST, Macd, Obv, RollingVwap, Rsi, Seed, Sma, Stochastic, Study,
    Vwap, Wma,
};
use std::fmt;
use std::str::FromStr;

/// Which indicator, with its periods in bars. Widths of bands are in hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StudySpec {
    /// Simple moving average of closes.
    Sma(usize),
    /// Exponential moving average of closes, seeded with the mean of the first closes.
    Ema(usize),
    /// Exponential moving average of closes, seeded with the first close.
    EmaFirst(usize),
    /// Weighted moving average of closes.
    Wma(usize),
    /// Volume-weighted average price since the session's start.
    Vwap,
    /// Volume-weighted average price of the last bars.
    RollingVwap(usize),
    /// Bollinger's bands: period, and hundredths of a standard deviation.
    Bollinger(usize, u32),
    /// Keltner's channel: period of the average, of the range, and hundredths of a range.
    Keltner(usize, usize, u32),
    /// Wilder's relative strength index, 0 to 100.
    Rsi(usize),
    /// Moving average convergence divergence: fast, slow, signal.
    Macd(usize, usize, usize),
    /// The same from averages that are seeded with the first close.
    MacdFirst(usize, usize, usize),
    /// Wilder's average true range, in the unit of prices.
    Atr(usize),
    /// Wilder's average directional index with its two parts, 0 to 100.
    Adx(usize),
    /// On-balance volume, in shares, contracts or coins.
    Obv,
    /// Slow stochastic: period, smoothing of %K, and of %D; 0 to 100.
    Stochastic(usize, usize, usize),
}

/// Where an indicator belongs on a chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// Among the bars: its values are prices.
    Bars,
    /// In a part of its own, from 0 to 100, with lines at these two.
    Percent(f64, f64),
    /// In a part of its own, as far as its values reach.
    Own,
}

impl StudySpec {
    /// Those that a chart offers, with their usual periods.
    pub const OFFERED: [Self; 13] = [
        Self::Sma(20),
        Self::Ema(9),
        Self::Ema(21),
        Self::Wma(20),
        Self::Vwap,
        Self::Bollinger(20, 200),
        Self::Keltner(20, 10, 200),
        Self::Rsi(14),
        Self::Macd(12, 26, 9),
        Self::Atr(14),
        Self::Adx(14),
        Self::Obv,
        Self::Stochastic(14, 3, 3),
    ];

    /// The indicator, without bars.
    pub fn build(self) -> Box<dyn Study> {
        match self {
            Self::Sma(period) => Box::new(Sma::new(period)),
            Self::Ema(period) => Box::new(Ema::new(period, Seed::Mean)),
            Self::EmaFirst(period) => Box::new(Ema::new(period, Seed::First)),
            Self::Wma(period) => Box::new(Wma::new(period)),
            Self::Vwap => Box::new(Vwap::default()),
            Self::RollingVwap(period) => Box::new(RollingVwap::new(period)),
            Self::Bollinger(period, width) => Box::new(Bollinger::new(period, f64::from(width) / 100.0)),
            Self::Keltner(period, range, width) => {
                Box::new(Keltner::new(period, range, f64::from(width) / 100.0))
            }
            Self::Rsi(period) => Box::new(Rsi::new(period)),
            Self::Macd(fast, slow, signal) => Box::new(Macd::new(fast, slow, signal, Seed::Mean)),
            Self::MacdFirst(fast, slow, signal) => Box::new(Macd::new(fast, slow, signal, Seed::First)),
            Self::Atr(period) => Box::new(Atr::new(period)),
            Self::Adx(period) => Box::new(Adx::new(period)),
            Self::Obv => Box::new(Obv::default()),
            Self::Stochastic(period, slow, signal) => Box::new(Stochastic::new(period, slow, signal)),
        }
    }
    /// Where it belongs on a chart.
    pub fn place(self) -> Place {
        match self {
            Self::Rsi(_) => Place::Percent(30.0, 70.0),
            Self::Stochastic(..) => Place::Percent(20.0, 80.0),
            Self::Adx(_) => Place::Percent(20.0, 40.0),
            Self::Macd(..) | Self::MacdFirst(..) | Self::Atr(_) | Self::Obv => Place::Own,
            _ => Place::Bars,
        }
    }
    /// True where the value is a price, so that it is drawn among the bars and not below them.
    pub fn is_price(self) -> bool {
        self.place() == Place::Bars
    }
    /// The names of its lines, in the order of [`super::Lines`].
    pub fn lines(self) -> &'static [&'static str] {
        match self {
            Self::Bollinger(..) | Self::Keltner(..) => &["mid", "upper", "lower"],
            Self::Macd(..) | Self::MacdFirst(..) => &["macd", "signal", "hist"],
            Self::Adx(_) => &["adx", "+di", "-di"],
            Self::Stochastic(..) => &["k", "d"],
            _ => &[""],
        }
    }
    /// The word it is called by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sma(_) => "sma",
            Self::Ema(_) => "ema",
            Self::EmaFirst(_) => "emafirst",
            Self::Wma(_) => "wma",
            Self::Vwap => "vwap",
            Self::RollingVwap(_) => "rvwap",
            Self::Bollinger(..) => "bb",
            Self::Keltner(..) => "keltner",
            Self::Rsi(_) => "rsi",
            Self::Macd(..) => "macd",
            Self::MacdFirst(..) => "macdfirst",
            Self::Atr(_) => "atr",
            Self::Adx(_) => "adx",
            Self::Obv => "obv",
            Self::Stochastic(..) => "stoch",
        }
    }
    /// The same with its first period longer or shorter by so many bars, held within 1 (an index of directions: 2) and
    /// [`LONGEST`].
    #[must_use]
    pub fn longer(mut self, by: isize) -> Self {
        let least = if matches!(self, Self::Adx(_)) { 2 } else { 1 };
        if let Self::Sma(period)
        | Self::Ema(period)
        | Self::EmaFirst(period)
        | Self::Wma(period)
        | Self::RollingVwap(period)
        | Self::Bollinger(period, _)
        | Self::Keltner(period, ..)
        | Self::Rsi(period)
        | Self::Macd(period, ..)
        | Self::MacdFirst(period, ..)
        | Self::Atr(period)
        | Self::Adx(period)
        | Self::Stochastic(period, ..) = &mut self
        {
            *period = period.saturating_add_signed(by).clamp(least, LONGEST);
        }
        self
    }
}

impl fmt::Display for StudySpec {
    /// `sma 20`, `vwap`, `bb 20 2`, `macd 12 26 9`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match *self {
            Self::Vwap | Self::Obv => Ok(()),
            Self::Sma(period)
            | Self::Ema(period)
            | Self::EmaFirst(period)
            | Self::Wma(period)
            | Self::RollingVwap(period)
            | Self::Rsi(period)
            | Self::Atr(period)
            | Self::Adx(period) => write!(f, " {period}"),
            Self::Bollinger(period, width) => write!(f, " {period} {}", f64::from(width) / 100.0),
            Self::Keltner(period, range, width) => {
                write!(f, " {period} {range} {}", f64::from(width) / 100.0)
            }
            Self::Macd(a, b, c) | Self::MacdFirst(a, b, c) | Self::Stochastic(a, b, c) => {
                write!(f, " {a} {b} {c}")
            }
        }
    }
}

/// Why a text names no indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a study is sma, ema, wma, rvwap, rsi, atr or adx with a period of 1 to 1000 bars (sma 20), bb 20 2, keltner 20 10 2, \
     macd 12 26 9, stoch 14 3 3, vwap or obv"
)]
pub struct StudyError;

/// The numbers after a name, each once.
struct Numbers<'a, I: Iterator<Item = &'a str>>(I);

impl<'a, I: Iterator<Item = &'a str>> Numbers<'a, I> {
    /// A period; the usual one where nothing is said.
    fn period(&mut self, usual: usize) -> Result<usize, StudyError> {
        let period = self
            .0
            .next()
            .map_or(Ok(usual), |word| word.parse().map_err(|_| StudyError))?;
        Some(period)
            .filter(|period| (1..=LONGEST).contains(period))
            .ok_or(StudyError)
    }
    /// Hundredths of a width of 0.1 to 20.
    fn width(&mut self, usual: u32) -> Result<u32, StudyError> {
        let Some(word) = self.0.next() else {
            return Ok(usual);
        };
        let (whole, part) = word.split_once('.').unwrap_or((word, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 2 || whole.len() > 2 || word.ends_with('.') {
            return Err(StudyError);
        }
        let hundredths = format!("{whole}{part:0<2}")
            .parse::<u32>()
            .map_err(|_| StudyError)?;
        Some(hundredths)
            .filter(|width| (10..=2_000).contains(width))
            .ok_or(StudyError)
    }
}

impl FromStr for StudySpec {
    type Err = StudyError;
    /// Reads `sma 20`; what is not said is as usual.
    fn from_str(text: &str) -> Result<Self, StudyError> {
        let mut words = text.split_ascii_whitespace();
        let name = words.next().ok_or(StudyError)?.to_ascii_lowercase();
        let mut n = Numbers(words);
        let spec = match name.as_str() {
            "sma" | "ma" => Self::Sma(n.period(20)?),
            "ema" => Self::Ema(n.period(20)?),
            "emafirst" => Self::EmaFirst(n.period(20)?),
            "wma" => Self::Wma(n.period(20)?),
            "vwap" => Self::Vwap,
            "rvwap" => Self::RollingVwap(n.period(20)?),
            "bb" | "bollinger" => Self::Bollinger(n.period(20)?, n.width(200)?),
            "keltner" | "kc" => Self::Keltner(n.period(20)?, n.period(10)?, n.width(200)?),
            "rsi" => Self::Rsi(n.period(14)?),
            "macd" => Self::Macd(n.period(12)?, n.period(26)?, n.period(9)?),
            "macdfirst" => Self::MacdFirst(n.period(12)?, n.period(26)?, n.period(9)?),
            "atr" => Self::Atr(n.period(14)?),
            "adx" => Self::Adx(n.period(14)?.max(2)),
            "obv" => Self::Obv,
            "stoch" | "stochastic" => Self::Stochastic(n.period(14)?, n.period(3)?, n.period(3)?),
            _ => return Err(StudyError),
        };
        match n.0.next() {
            None => Ok(spec),
            Some(_) => Err(StudyError),
        }
    }
}
