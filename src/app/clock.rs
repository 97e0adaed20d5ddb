//! The one file that reads the clock. Time inside the house is an argument; it comes from here. The steady clock is
//! anchored to the wall once, at start, and from then on moves with the monotonic clock alone: a step of the wall clock
//! can't make a timer fire early or a heartbeat look late. Both are kept in the journal.

use crate::domain::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A steady UTC clock. Cheap to clone; clones agree.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Anchor>);

#[derive(Debug)]
struct Anchor {
    wall: Timestamp,
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
            monotonic: Instant::now(),
        }))
    }
    /// The steady time.
    pub fn now(&self) -> Timestamp {
        self.0.wall.after(self.0.monotonic.elapsed())
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
