//! Time as an argument: UTC nanoseconds, and spans of them. Nothing here asks what time it is; the one place that does
//! hands a [`Timestamp`] inward. Text is RFC 3339.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A moment: nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted. Years 1678 to 2262.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The first moment that can be told; used as "never".
    pub const MIN: Self = Self(i64::MIN);
    /// The last moment that can be told; used as "no deadline".
    pub const MAX: Self = Self(i64::MAX);
    /// From whole seconds since 1970.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND))
    }
    /// From milliseconds since 1970.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }
    /// Whole seconds since 1970, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SECOND)
    }
    /// This moment plus `span`, held at the end of time.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)),
        )
    }
    /// The whole second in which this moment lies: for what people are told and nobody counts in nanoseconds.
    #[must_use]
    pub fn to_the_second(self) -> Self {
        Self::from_seconds(self.seconds())
    }
    /// This moment minus `span`, held at the beginning of time.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)),
        )
    }
    /// How long after `earlier` this moment is; zero where it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
    /// As a calendar library's moment; nothing for the two ends that stand for "never".
    pub fn to_jiff(self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_nanosecond(i128::from(self.0)).ok()
    }
    /// From a calendar library's moment; held at the ends of the range.
    pub fn from_jiff(at: jiff::Timestamp) -> Self {
        Self(
            i64::try_from(at.as_nanosecond()).unwrap_or(if at.as_second() < 0 { i64::MIN } else { i64::MAX }),
        )
    }
    /// Reads RFC 3339 text such as `2013-10-07T13:30:00Z`.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(Self::from_jiff)
    }
    /// As people read it where their own zone is not known: day and time to the second, and the zone.
    pub fn short(self) -> String {
        self.to_jiff().map_or_else(
            || "--".to_owned(),
            |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        )
    }
}
impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_jiff() {
            Some(at) => write!(f, "{at}"),
            None => f.write_str("--"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_rfc_3339_and_the_ends_hold() {
        let at = Timestamp::parse("2013-10-07T13:30:00.25Z").unwrap();
        assert_eq!(at.0, 1_381_152_600_250_000_000);
        assert_eq!(at.to_string(), "2013-10-07T13:30:00.25Z");
        assert_eq!(Timestamp::MAX.after(Duration::from_secs(1)), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.since(Timestamp::MAX), Duration::ZERO);
    }
}
