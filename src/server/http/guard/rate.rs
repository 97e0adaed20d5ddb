//! How many calls somebody may make: so many a second, and twice as many at once after a rest. One number is kept for each
//! name: until when its past calls last. Bounded: those that have had their rest are forgotten first.

use crate::domain::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// Names remembered at most.
const REMEMBERED: usize = 8_192;

/// A rate, and who used how much of it.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    /// What one call takes; zero for no limit.
    each: Duration,
    /// What may be taken at once.
    burst: Duration,
    used: BTreeMap<K, Timestamp>,
}

impl<K: Ord + Clone> Buckets<K> {
    /// So many a second; 0 for no limit.
    pub(super) fn new(per_second: u32) -> Self {
        let each = match per_second {
            0 => Duration::ZERO,
            rate => Duration::from_secs(1) / rate,
        };
        Self {
            each,
            burst: Duration::from_secs(2),
            used: BTreeMap::new(),
        }
    }
    /// Takes one call.
    ///
    /// # Errors
    /// It is one too many: how long until the next is taken.
    pub(super) fn take(&mut self, name: &K, now: Timestamp) -> Result<(), Duration> {
        if self.each.is_zero() {
            return Ok(());
        }
        if let Some(until) = self.used.get_mut(name) {
            let from = (*until).max(now);
            let next = from.after(self.each);
            let ahead = next.since(now);
            if ahead > self.burst {
                return Err(ahead - self.burst);
            }
            *until = next;
            return Ok(());
        }
        if self.used.len() >= REMEMBERED {
            self.used.retain(|_, until| *until > now);
            if self.used.len() >= REMEMBERED {
                // A quarter at once, so that a crowd of names does not cost a look at all of them for each.
                let mut all: Vec<Timestamp> = self.used.values().copied().collect();
                let (_, quarter, _) = all.select_nth_unstable(REMEMBERED / 4);
                let quarter = *quarter;
                let mut gone = 0;
                self.used.retain(|_, until| {
                    gone += usize::from(*until <= quarter);
                    *until > quarter || gone > REMEMBERED / 4
                });
            }
        }
        self.used.insert(name.clone(), now.after(self.each));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_holds_after_a_burst_and_names_do_not_pile_up() {
        let mut buckets = Buckets::new(10);
        let now = Timestamp::from_seconds(1_000);
        let taken = (0..100).filter(|_| buckets.take(&1, now).is_ok()).count();
        assert_eq!(taken, 20);
        assert_eq!(buckets.take(&1, now), Err(Duration::from_millis(100)));
        assert!(buckets.take(&2, now).is_ok());
        let later = now.after(Duration::from_millis(250));
        assert_eq!((0..100).filter(|_| buckets.take(&1, later).is_ok()).count(), 2);
        for name in 0..30_000 {
            let _ = buckets.take(&name, now);
        }
        assert!(buckets.used.len() <= REMEMBERED);
        let mut none = Buckets::new(0);
        assert!((0..10_000).all(|_| none.take(&1, now).is_ok()));
    }
}
