//! Sees when time did not pass as it should: the machine slept, or somebody set its clock. Told apart by three clocks: the
//! steady one counts sleep and nothing that is set, the processor's counts neither, the wall's both. Knows no clock itself.

use std::time::Duration;

/// Less than this is the clocks' own noise, and a clock that is set by little and little.
const NOTICED: Duration = Duration::from_secs(2);

/// What happened to the machine's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It slept for so long: everything that was known is that old.
    Slept(Duration),
    /// Its wall clock was set, by so many nanoseconds, forward where positive.
    Set(i64),
}

/// What was seen last.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockWatch {
    slept: Duration,
    apart_ns: i64,
}

impl ClockWatch {
    /// From now on: `slept` in all, and the wall clock so far ahead of the steady one.
    pub(super) fn new(slept: Duration, apart_ns: i64) -> Self {
        Self { slept, apart_ns }
    }
    /// What happened since it was looked at last. A sleep comes first; a clock that was set meanwhile is told the next time.
    pub(super) fn look(&mut self, slept: Duration, apart_ns: i64) -> Option<Moved> {
        let sleep = slept.saturating_sub(self.slept);
        if sleep > NOTICED {
            self.slept = slept;
            return Some(Moved::Slept(sleep));
        }
        let set = apart_ns.saturating_sub(self.apart_ns);
        if u128::from(set.unsigned_abs()) > NOTICED.as_nanos() {
            self.apart_ns = apart_ns;
            return Some(Moved::Set(set));
        }
        None
    }
}

impl Moved {
    /// As people read it.
    pub(super) fn words(self) -> String {
        match self {
            Self::Slept(span) => format!(
                "the machine slept for {} s: the broker is read again before anything that adds risk leaves",
                span.as_secs()
            ),
            Self::Set(by) => format!(
                "the machine's clock was set {} by {} s: deadlines here go on steadily, and times as they were; restart the engine to follow the clock",
                if by > 0 { "forward" } else { "back" },
                by.unsigned_abs() / 1_000_000_000
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn f53_a_sleep_and_a_set_clock_are_told_once_each_and_noise_never() {
        let at = |seconds| Duration::from_secs(seconds);
        let mut watch = ClockWatch::new(at(0), -5 * SECOND);
        assert_eq!(watch.look(at(1), -4 * SECOND), None);
        assert_eq!(watch.look(at(3_600), -4 * SECOND), Some(Moved::Slept(at(3_600))));
        assert_eq!(watch.look(at(3_600), -4 * SECOND), None);
        assert_eq!(
            watch.look(at(3_600), 3_595 * SECOND),
            Some(Moved::Set(3_600 * SECOND))
        );
        assert_eq!(watch.look(at(3_600), 3_595 * SECOND), None);
        // Both at once, as where a laptop wakes in another network: one after the other.
        assert_eq!(watch.look(at(3_700), -SECOND), Some(Moved::Slept(at(100))));
        assert_eq!(watch.look(at(3_700), -SECOND), Some(Moved::Set(-3_596 * SECOND)));
        assert_eq!(
            watch.look(at(3_700), i64::MIN),
            Some(Moved::Set(i64::MIN + SECOND))
        );
        assert!(Moved::Set(-7 * SECOND).words().contains("back by 7 s"));
    }
}
