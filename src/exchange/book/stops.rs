//! Stops that wait, and the queue of those elected. A print elects every stop it satisfies, in order of
//! acceptance; the elected run one by one once the order that caused the print is finished. While no stop is
//! near, the hot path pays two comparisons a level.

use std::collections::{BTreeSet, VecDeque};

use crate::domain::Side;

/// Pending stops of one instrument and the election queue.
#[derive(Clone, Debug)]
pub(super) struct Stops {
    /// `(stop, entry, slot)`: lowest first, the ones a rising price elects.
    buys: BTreeSet<(i64, u64, u32)>,
    /// `(stop, entry, slot)`: highest last, the ones a falling price elects.
    sells: BTreeSet<(i64, u64, u32)>,
    /// Prints at or above elect a buy stop.
    buy_trigger: i64,
    /// Prints at or below elect a sell stop.
    sell_trigger: i64,
    elected: VecDeque<u32>,
}

impl Stops {
    pub(super) fn new() -> Self {
        Self {
            buys: BTreeSet::new(),
            sells: BTreeSet::new(),
            buy_trigger: i64::MAX,
            sell_trigger: i64::MIN,
            elected: VecDeque::new(),
        }
    }

    /// Whether a print at `price` satisfies a stop.
    pub(super) const fn satisfied(side: Side, stop: i64, price: i64) -> bool {
        match side {
            Side::Buy => price >= stop,
            Side::Sell => price <= stop,
        }
    }

    /// Whether a print at `price` elects anything.
    #[inline]
    pub(super) const fn elects(&self, price: i64) -> bool {
        price >= self.buy_trigger || price <= self.sell_trigger
    }

    pub(super) fn insert(&mut self, side: Side, stop: i64, entry: u64, at: u32) {
        match side {
            Side::Buy => self.buys.insert((stop, entry, at)),
            Side::Sell => self.sells.insert((stop, entry, at)),
        };
        self.renew_triggers();
    }

    pub(super) fn remove(&mut self, side: Side, stop: i64, entry: u64, at: u32) {
        match side {
            Side::Buy => self.buys.remove(&(stop, entry, at)),
            Side::Sell => self.sells.remove(&(stop, entry, at)),
        };
        self.renew_triggers();
    }

    /// Moves every stop that a print at `price` satisfies to the election queue, in order of acceptance.
    #[cold]
    pub(super) fn elect(&mut self, price: i64) {
        // No stop price is i64::MAX with the highest entry and slot, so the bounds split cleanly.
        let beyond = self.buys.split_off(&(price.saturating_add(1), 0, 0));
        let mut hit: Vec<_> = std::mem::replace(&mut self.buys, beyond).into_iter().collect();
        hit.extend(self.sells.split_off(&(price, 0, 0)));
        hit.sort_unstable_by_key(|(_, entry, _)| *entry);
        self.elected.extend(hit.into_iter().map(|(_, _, at)| at));
        self.renew_triggers();
    }

    /// Puts a stop at the end of the election queue.
    pub(super) fn push_elected(&mut self, at: u32) {
        self.elected.push_back(at);
    }

    /// The next elected stop.
    #[inline]
    pub(super) fn next_elected(&mut self) -> Option<u32> {
        self.elected.pop_front()
    }

    /// Slots of all pending stops, in no particular order.
    pub(super) fn pending(&self) -> impl Iterator<Item = u32> {
        self.buys.iter().chain(&self.sells).map(|(_, _, at)| *at)
    }

    fn renew_triggers(&mut self) {
        self.buy_trigger = self.buys.first().map_or(i64::MAX, |s| s.0);
        self.sell_trigger = self.sells.last().map_or(i64::MIN, |s| s.0);
    }
}
