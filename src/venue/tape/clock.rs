//! The tape's clock: tape time runs from the first event, or where the user said, at any speed. What time it is outside
//! is an argument, a monotonic span since any fixed moment.

use crate::domain::Timestamp;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How fast a tape runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// So many thousandths of the recorded speed, from 1 to 1,000,000,000.
    Thousandths(u64),
    /// As fast as the machine can.
    Max,
}

impl Default for Speed {
    fn default() -> Self {
        Self::Thousandths(1000)
    }
}

impl FromStr for Speed {
    type Err = String;
    /// Reads `1`, `60`, `60x`, `0.5` or `max`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("max") {
            return Ok(Self::Max);
        }
        text.trim_end_matches('x')
            .parse::<crate::domain::Price>()
            .ok()
            .map(|number| number.raw() / 1_000_000)
            .and_then(|thousandths| u64::try_from(thousandths).ok())
            .filter(|thousandths| (1..=1_000_000_000).contains(thousandths))
            .map(Self::Thousandths)
            .ok_or_else(|| {
                let shown: String = text.chars().filter(|c| c.is_ascii_graphic()).take(24).collect();
                format!(
                    "'{shown}' is no speed of a tape; use a number from 0.001 to 1000000, such as 60, or max"
                )
            })
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thousandths(n) => write!(
                f,
                "{}x",
                crate::domain::Multiplier::from_raw(
                    i64::try_from(*n).unwrap_or(i64::MAX).saturating_mul(1000)
                )
            ),
            Self::Max => f.write_str("max"),
        }
    }
}

/// Maps monotonic time outside to tape time.
#[derive(Clone, Copy, Debug)]
pub struct TapeClock {
    speed: Speed,
    /// Tape time at `origin`.
    start: Timestamp,
    /// Outside time when the clock started: the first time it was asked.
    origin: Option<Duration>,
}

impl TapeClock {
    /// A clock that starts at `start` when it is first asked.
    pub fn new(start: Timestamp, speed: Speed) -> Self {
        Self {
            speed,
            start,
            origin: None,
        }
    }

    /// The tape time at outside time `monotonic`. At [`Speed::Max`] that is one second of tape beyond `reached`, or the
    /// next event where the tape has a longer gap.
    pub fn at(
        &mut self,
        monotonic: Duration,
        reached: Timestamp,
        next_event: Option<Timestamp>,
    ) -> Timestamp {
        let origin = *self.origin.get_or_insert(monotonic);
        match self.speed {
            Speed::Max => match next_event {
                Some(event) => reached.after(Duration::from_secs(1)).max(event),
                None => reached,
            },
            Speed::Thousandths(n) => {
                let run = monotonic
                    .saturating_sub(origin)
                    .as_nanos()
                    .saturating_mul(u128::from(n))
                    / 1000;
                Timestamp(
                    self.start
                        .0
                        .saturating_add(i64::try_from(run).unwrap_or(i64::MAX)),
                )
            }
        }
    }

    /// How long to wait outside for `span` of tape to pass.
    pub fn outside(&self, span: Duration) -> Duration {
        match self.speed {
            Speed::Max => Duration::ZERO,
            Speed::Thousandths(n) => {
                let nanos = span.as_nanos().saturating_mul(1000) / u128::from(n.max(1));
                Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tape_time_is_outside_time_times_speed() {
        let start = Timestamp::from_seconds(1_000);
        let speed: Speed = "60x".parse().unwrap();
        let mut clock = TapeClock::new(start, speed);
        let second = Duration::from_secs(1);
        assert_eq!(clock.at(second * 7, start, None), start);
        assert_eq!(clock.at(second * 8, start, None), start.after(second * 60));
        assert_eq!(clock.outside(second * 60), second);
        assert_eq!(
            (speed.to_string(), "0.5".parse::<Speed>().unwrap().to_string()),
            ("60x".into(), "0.5x".into())
        );
        for bad in ["", "0", "-1", "NaN", "1e3", "99999999", "fast"] {
            assert!(bad.parse::<Speed>().is_err(), "{bad}");
        }
    }
}
