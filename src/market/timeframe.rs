//! Where a bar begins and ends: the arithmetic of [`Timeframe`]. Seconds are counted in UTC; days, weeks and
//! months are those of the instrument's calendar, and beyond the calendar's years there are none.

use super::data::Timeframe;
use crate::domain::calendar::Span;
use crate::domain::{CalendarId, Timestamp};
use std::fmt;
use std::str::FromStr;

/// Seconds in a day of UTC.
const DAY: i64 = 86_400;

impl Timeframe {
    /// Five seconds.
    pub const S5: Self = Self::Seconds(5);
    /// One minute.
    pub const M1: Self = Self::Seconds(60);
    /// Five minutes.
    pub const M5: Self = Self::Seconds(300);
    /// Fifteen minutes.
    pub const M15: Self = Self::Seconds(900);
    /// One hour.
    pub const H1: Self = Self::Seconds(3_600);
    /// Those that are built from prints for every instrument; all others are rolled up from these.
    pub const BASE: [Self; 5] = [Self::S5, Self::M1, Self::M5, Self::H1, Self::Day];

    /// Those that a chart offers, shortest first.
    pub const CHARTED: [Self; 13] = [
        Self::S5,
        Self::Seconds(15),
        Self::Seconds(30),
        Self::M1,
        Self::Seconds(120),
        Self::M5,
        Self::M15,
        Self::Seconds(1_800),
        Self::H1,
        Self::Seconds(14_400),
        Self::Day,
        Self::Week,
        Self::Month,
    ];

    /// The interval that `at` lies in; nothing beyond the calendar's years or the end of time.
    pub fn interval(self, calendar: CalendarId, at: Timestamp) -> Option<Span> {
        match self {
            Self::Seconds(length) => seconds_interval(i64::from(length.max(1)), at),
            Self::Day => calendar.calendar().day_bounds(at),
            Self::Week => calendar.calendar().week_bounds(at),
            Self::Month => calendar.calendar().month_bounds(at),
        }
    }
    /// The base timeframe from which bars of this one are best rolled up: the longest that tiles it. Itself
    /// where it is one, nothing for lengths that no base timeframe divides.
    pub fn base(self) -> Option<Self> {
        match self {
            Self::Day | Self::Week | Self::Month => Some(Self::Day),
            Self::Seconds(length) if length > 0 && i64::from(length) <= DAY => [3_600, 300, 60, 5]
                .into_iter()
                .find(|base| length % base == 0)
                .map(Self::Seconds),
            Self::Seconds(_) => None,
        }
    }
}

fn seconds_interval(length: i64, at: Timestamp) -> Option<Span> {
    let second = at.seconds();
    let midnight = second.div_euclid(DAY).checked_mul(DAY)?;
    let start = midnight.checked_add((second - midnight) / length * length)?;
    let end = start.checked_add(length)?.min(midnight.checked_add(DAY)?);
    Some(Span {
        start: Timestamp::from_seconds(start),
        end: Timestamp::from_seconds(end),
    })
}

impl fmt::Display for Timeframe {
    /// `5s`, `1m`, `4h`, `1d`, `1w`, `1mo`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Seconds(length) if length > 0 && length % 3_600 == 0 => write!(f, "{}h", length / 3_600),
            Self::Seconds(length) if length > 0 && length % 60 == 0 => write!(f, "{}m", length / 60),
            Self::Seconds(length) => write!(f, "{length}s"),
            Self::Day => f.write_str("1d"),
            Self::Week => f.write_str("1w"),
            Self::Month => f.write_str("1mo"),
        }
    }
}

/// Why a text is no timeframe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a timeframe is 1s to 59s, 1m to 59m, 1h to 24h, 1d, 1w or 1mo (1M)")]
pub struct TimeframeError;

impl FromStr for Timeframe {
    type Err = TimeframeError;
    fn from_str(text: &str) -> Result<Self, TimeframeError> {
        match text {
            "1d" => return Ok(Self::Day),
            "1w" => return Ok(Self::Week),
            "1mo" | "1M" => return Ok(Self::Month),
            _ => {}
        }
        let (digits, unit, most) = [('s', 1, 59), ('m', 60, 59), ('h', 3_600, 24)]
            .into_iter()
            .find_map(|(letter, unit, most)| Some((text.strip_suffix(letter)?, unit, most)))
            .ok_or(TimeframeError)?;
        match digits.parse::<u32>() {
            Ok(count) if (1..=most).contains(&count) => Ok(Self::Seconds(count * unit)),
            _ => Err(TimeframeError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_their_moment_and_restart_at_midnight() {
        let at = Timestamp::parse("2013-10-07T23:59:58.5Z").unwrap();
        for length in [1, 5, 7, 60, 3_600, 14_400, 86_400, 100_000] {
            let span = Timeframe::Seconds(length)
                .interval(CalendarId::Always, at)
                .unwrap();
            assert!(span.contains(at), "{length}");
            assert!(span.end <= Timestamp::parse("2013-10-08T00:00:00Z").unwrap());
        }
        assert_eq!(Timeframe::Day.interval(CalendarId::Forex, Timestamp::MAX), None);
        let _ = Timeframe::M1.interval(CalendarId::Forex, Timestamp::MAX);
        let _ = Timeframe::M1.interval(CalendarId::Forex, Timestamp::MIN);
    }

    #[test]
    fn names_read_back() {
        for text in ["5s", "1m", "15m", "4h", "1d", "1w", "1mo"] {
            assert_eq!(text.parse::<Timeframe>().unwrap().to_string(), text);
        }
        assert!("0m".parse::<Timeframe>().is_err() && "99999999999s".parse::<Timeframe>().is_err());
        assert_eq!(Timeframe::Seconds(14_400).base(), Some(Timeframe::H1));
        assert_eq!(Timeframe::M15.base(), Some(Timeframe::M5));
        assert_eq!(Timeframe::Seconds(7).base(), None);
    }
}
