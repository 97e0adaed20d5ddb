//! One side's prices. Levels near the touch lie in a dense window, an array indexed by price with a bitmap of
//! the occupied ones; prices beyond it fall back to an ordered map, so that memory follows the number of
//! live levels whatever price comes. Queues run through the order records; see [`super::slab`].
//!
//! Prices are sorted by *key*: the price itself on the sell side, the negated price on the buy side. On either
//! side the best level is then the lowest key, and one code serves both.

use super::slab::{NIL, Order, Slab};
use std::collections::BTreeMap;

/// Key of "no level": above every price a book takes.
pub(super) const NONE: i64 = i64::MAX;

/// Words of the window's bitmap; a bitmap of the words fits one word in turn.
const WORDS: usize = 64;
/// Levels in the window.
const WINDOW: i64 = 64 * 64;
const HALF: i64 = WINDOW / 2;
/// Far touches after which the window is reconsidered. Moving it costs at most as much as this many of them.
const PATIENCE: u32 = 1024;

/// One price: the queue of its orders.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// First in the queue.
    pub head: u32,
    /// Last in the queue.
    pub tail: u32,
    /// Orders in the queue.
    pub count: u32,
    /// Lots on display. Wide enough for any number of orders of any size.
    pub visible: i128,
}

const EMPTY: Level = Level {
    head: NIL,
    tail: NIL,
    count: 0,
    visible: 0,
};

/// The levels of one side.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    best: i64,
    /// Key of the first level in the window.
    base: i64,
    window: Vec<Level>,
    words: [u64; WORDS],
    summary: u64,
    /// Levels outside the window, never within it.
    far: BTreeMap<i64, Level>,
    misses: u32,
}

impl Ladder {
    pub(super) fn new() -> Self {
        let window = vec![EMPTY; 64 * WORDS];
        Self {
            best: NONE,
            base: 0,
            window,
            words: [0; WORDS],
            summary: 0,
            far: BTreeMap::new(),
            misses: 0,
        }
    }

    /// Lowest occupied key, [`NONE`] if the side is empty.
    #[inline]
    pub(super) fn best(&self) -> i64 {
        self.best
    }

    /// Where the window holds `key`, if it does.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "below the size of the window")]
    fn slot(&self, key: i64) -> Option<usize> {
        let offset = key.wrapping_sub(self.base).cast_unsigned();
        (offset < WINDOW.cast_unsigned()).then_some(offset as usize)
    }

    fn key(&self, slot: usize) -> i64 {
        self.base + i64::try_from(slot).unwrap_or(0)
    }

    /// The level at an occupied key, to work on. Whoever leaves it without orders has to [`vacate`](Self::vacate) it.
    #[inline]
    pub(super) fn level_mut(&mut self, key: i64) -> &mut Level {
        match self.slot(key) {
            Some(slot) => &mut self.window[slot],
            None => self.far_level(key),
        }
    }

    #[cold]
    fn far_level(&mut self, key: i64) -> &mut Level {
        self.misses += 1;
        self.far.entry(key).or_insert(EMPTY)
    }

    /// Adds an order to the end of its price's queue.
    #[inline]
    pub(super) fn push_back(&mut self, slab: &mut Slab, at: u32, key: i64, visible: i64) {
        if self.slot(key).is_none() {
            self.consider(key);
        }
        if key < self.best {
            self.best = key;
        }
        if let Some(slot) = self.slot(key) {
            let (word, bit) = (slot / 64, slot % 64);
            self.words[word] |= 1 << bit;
            self.summary |= 1 << word;
        }
        self.level_mut(key).append(slab, at, visible);
    }

    /// Takes an order out of its price's queue.
    #[inline]
    pub(super) fn remove(&mut self, slab: &mut Slab, order: &Order) {
        let level = self.level_mut(order.key);
        level.visible -= i128::from(order.visible);
        level.count -= 1;
        level.unlink(slab, order.prev, order.next);
        if level.count == 0 {
            self.vacate(order.key);
        }
    }

    /// Lowers what is on display at a price, order untouched.
    pub(super) fn reduce(&mut self, key: i64, lots: i64) {
        self.level_mut(key).visible -= i128::from(lots);
    }

    /// Strikes an emptied key from the ladder and finds the next best.
    #[inline]
    pub(super) fn vacate(&mut self, key: i64) {
        if let Some(slot) = self.slot(key) {
            let (word, bit) = (slot / 64, slot % 64);
            self.words[word] &= !(1 << bit);
            if self.words[word] == 0 {
                self.summary &= !(1 << word);
            }
        } else {
            self.far.remove(&key);
        }
        if key == self.best {
            self.best = self.first();
        }
    }

    #[inline]
    fn first(&self) -> i64 {
        let near = if self.summary == 0 {
            NONE
        } else {
            self.key(self.first_slot())
        };
        match self.far.first_key_value() {
            Some((&far, _)) if far < near => far,
            _ => near,
        }
    }

    /// First occupied slot of a window that has one.
    #[inline]
    fn first_slot(&self) -> usize {
        let word = self.summary.trailing_zeros() as usize;
        word * 64 + self.words[word].trailing_zeros() as usize
    }

    /// Moves the window if the price that missed it says so: at once when the side is empty, otherwise when
    /// many have missed and the touch is no longer well inside.
    #[cold]
    fn consider(&mut self, key: i64) {
        if self.best == NONE {
            self.base = Self::base_around(key);
        } else if self.misses >= PATIENCE {
            self.misses = 0;
            let touch = self.best.min(key);
            let inside = self
                .slot(touch)
                .is_some_and(|slot| (512..64 * WORDS - 512).contains(&slot));
            if !inside {
                self.move_to(Self::base_around(touch));
            }
        }
    }

    /// The window base that puts `key` in the middle, kept clear of the ends of the number range.
    fn base_around(key: i64) -> i64 {
        key.saturating_sub(HALF).clamp(-i64::MAX, i64::MAX - WINDOW)
    }

    fn move_to(&mut self, base: i64) {
        while self.summary != 0 {
            let slot = self.first_slot();
            let key = self.key(slot);
            self.far
                .insert(key, std::mem::replace(&mut self.window[slot], EMPTY));
            self.words[slot / 64] &= !(1 << (slot % 64));
            if self.words[slot / 64] == 0 {
                self.summary &= !(1 << (slot / 64));
            }
        }
        self.base = base;
        let mut near = self.far.split_off(&base);
        let mut beyond = near.split_off(&(base + WINDOW));
        self.far.append(&mut beyond);
        for (key, level) in near {
            if let Some(slot) = self.slot(key) {
                self.window[slot] = level;
                self.words[slot / 64] |= 1 << (slot % 64);
                self.summary |= 1 << (slot / 64);
            }
        }
    }

    /// All levels with their keys, best first.
    pub(super) fn levels(&self) -> impl Iterator<Item = (i64, &Level)> {
        let before = self.far.range(..self.base).map(|(key, level)| (*key, level));
        let after = self.far.range(self.base..).map(|(key, level)| (*key, level));
        before.chain(self.near_levels()).chain(after)
    }

    fn near_levels(&self) -> impl Iterator<Item = (i64, &Level)> {
        let slots =
            Bits(self.summary).flat_map(|word| Bits(self.words[word]).map(move |bit| word * 64 + bit));
        slots.map(|slot| (self.key(slot), &self.window[slot]))
    }
}

impl Level {
    /// Puts an order at the back.
    #[inline]
    pub(super) fn append(&mut self, slab: &mut Slab, at: u32, visible: i64) {
        if self.tail == NIL {
            self.head = at;
        } else {
            slab.get_mut(self.tail).next = at;
        }
        let order = slab.get_mut(at);
        order.prev = self.tail;
        order.next = NIL;
        self.tail = at;
        self.count += 1;
        self.visible += i128::from(visible);
    }

    /// Joins the neighbours of an order that leaves. The caller accounts for its lots and its number.
    #[inline]
    pub(super) fn unlink(&mut self, slab: &mut Slab, prev: u32, next: u32) {
        if prev == NIL {
            self.head = next;
        } else {
            slab.get_mut(prev).next = next;
        }
        if next == NIL {
            self.tail = prev;
        } else {
            slab.get_mut(next).prev = prev;
        }
    }

    /// Slots of the queue from its front.
    pub(super) fn queue<'a>(&self, slab: &'a Slab) -> impl Iterator<Item = (u32, &'a Order)> + use<'a> {
        let step = move |at: u32| (at != NIL).then(|| (at, slab.get(at)));
        std::iter::successors(step(self.head), move |(_, order)| step(order.next))
    }
}

/// Positions of the set bits of a word, lowest first.
struct Bits(u64);

impl Iterator for Bits {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let bit = (self.0 != 0).then(|| self.0.trailing_zeros() as usize)?;
        self.0 &= self.0 - 1;
        Some(bit)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NewOrder, OrderType, TimeInForce};
    use super::*;
    use crate::domain::Side;
    use crate::exchange::book::slab::{State, Taker};

    fn add(ladder: &mut Ladder, slab: &mut Slab, id: u64, price: i64) -> u32 {
        let order_type = OrderType::Limit { price };
        let (side, tif) = (Side::Sell, TimeInForce::Gtc);
        let new = NewOrder {
            id,
            owner: 0,
            side,
            order_type,
            tif,
            qty: 1,
            display: None,
        };
        let at = slab.insert(Taker::new(&new, 0).at_rest(State::Resting, 1));
        ladder.push_back(slab, at, price, 1);
        at
    }

    #[test]
    fn nothing_stays_behind_whatever_prices_have_come_and_gone() {
        let (mut ladder, mut slab) = (Ladder::new(), Slab::new());
        let price = |n: i64| match n % 3 {
            0 => 1 + n * n,
            1 => super::super::MAX_PRICE - n,
            _ => 1_000_000_000 - n * 9_000,
        };
        for round in 0..3 {
            let orders: Vec<u32> = (0..9_000i64)
                .map(|n| add(&mut ladder, &mut slab, n.unsigned_abs(), price(n)))
                .collect();
            assert!(ladder.levels().map(|(key, _)| key).is_sorted());
            assert_eq!(ladder.levels().count(), 9_000);
            assert_eq!(ladder.best(), 1, "round {round}");
            for at in orders {
                let order = *slab.get(at);
                ladder.remove(&mut slab, &order);
                slab.remove(at);
            }
            assert_eq!((ladder.best(), ladder.summary, ladder.far.len()), (NONE, 0, 0));
        }
    }
}
