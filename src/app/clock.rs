//! The one file that reads the clock. Time inside the house is an argument; it comes from here. The steady clock is
//! anchored to the wall once, at start, and from then on moves with a clock that nobody sets: a step of the wall clock
//! can't make a timer fire early or a heartbeat look late. It goes on while the machine sleeps, so that a price from before
//! is as old as it is. Both are kept in the journal.

use crate::domain::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A steady UTC clock. Cheap to clone; clones agree.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Anchor>);

#[derive(Debug)]
struct Anchor {
    wall: Timestamp,
    /// Of the clock that counts sleep.
    steady: Duration,
    /// Of the one that does not.
    monotonic: Instant,
}

impl Clock {
    /// Anchored now.
    pub fn start() -> Self {
        Self::start_at(wall())
    }
    /// Anchored now, at a moment that the caller chose from [`wall`]: an engine's clock never begins before what its
    /// journal holds already.
    pub fn start_at(wall: Timestamp) -> Self {
        Self(Arc::new(Anchor {
            wall,
            steady: steady(),
            monotonic: Instant::now(),
        }))
    }
    /// The steady time.
    pub fn now(&self) -> Timestamp {
        self.0.wall.after(steady().saturating_sub(self.0.steady))
    }
    /// How long the machine slept since the anchor.
    pub fn slept(&self) -> Duration {
        let awake = self.0.monotonic.elapsed();
        steady().saturating_sub(self.0.steady).saturating_sub(awake)
    }
    /// How far the wall clock is ahead of this one, in nanoseconds.
    pub fn apart_ns(&self) -> i64 {
        wall().0.saturating_sub(self.now().0)
    }
    /// Nanoseconds since this process began to count.
    pub fn monotonic_ns(&self) -> i64 {
        i64::try_from(self.0.monotonic.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }
    /// How long since the anchor.
    pub fn uptime(&self) -> Duration {
        self.0.monotonic.elapsed()
    }
}

/// Since the machine began, its sleep counted.
fn steady() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    #[cfg(target_os = "linux")]
    let clock = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// What the machine's wall clock says. May step.
#[allow(clippy::disallowed_methods, reason = "the one place")]
pub fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_begins_ahead_of_the_wall_goes_on_from_there() {
        let ahead = wall().after(Duration::from_secs(3_600));
        let clock = Clock::start_at(ahead);
        assert!(clock.now() >= ahead);
    }
}
