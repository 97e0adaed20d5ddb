//! Good-till-date orders by the time they end. Books without any pay one comparison an operation.

use std::collections::BTreeSet;

/// `(expires, entry, slot)` of every live order with a date.
#[derive(Clone, Debug)]
pub(super) struct Dates {
    by_time: BTreeSet<(i64, u64, u32)>,
    next: i64,
}

impl Dates {
    pub(super) fn new() -> Self {
        Self {
            by_time: BTreeSet::new(),
            next: i64::MAX,
        }
    }

    /// Whether an order ends at or before `now`.
    #[inline]
    pub(super) fn due(&self, now: i64) -> bool {
        self.next <= now && !self.by_time.is_empty()
    }

    /// The slot of the order that ends first, if it ends at or before `now`.
    pub(super) fn first_due(&self, now: i64) -> Option<u32> {
        self.by_time
            .first()
            .filter(|(expires, _, _)| *expires <= now)
            .map(|(_, _, at)| *at)
    }

    /// When the first order ends.
    pub(super) fn first(&self) -> Option<i64> {
        self.by_time.first().map(|(expires, _, _)| *expires)
    }

    #[cold]
    pub(super) fn insert(&mut self, expires: i64, entry: u64, at: u32) {
        self.by_time.insert((expires, entry, at));
        self.renew();
    }

    #[cold]
    pub(super) fn remove(&mut self, expires: i64, entry: u64, at: u32) {
        self.by_time.remove(&(expires, entry, at));
        self.renew();
    }

    fn renew(&mut self) {
        self.next = self.first().unwrap_or(i64::MAX);
    }
}
