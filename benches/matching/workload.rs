//! The operations that every candidate is given, and the sums that each must reach.

use super::yardstick::MapBook;
use std::collections::HashMap;

/// One step of the workload. Packed small, so that reading it costs the candidates little.
#[derive(Clone, Copy)]
pub struct Step {
    pub kind: Kind,
    pub buy: bool,
    pub qty: u32,
    pub price: u32,
    /// Of the order; for a cancel, of the order to cancel.
    pub id: u32,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Limit,
    Cancel,
    Market,
}

/// What every candidate must agree on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    pub fills: u64,
    pub qty: u64,
    pub cancels: u64,
    pub notional: u64,
    pub bid: u64,
    pub ask: u64,
}

impl Sums {
    pub fn trade(&mut self, price: u32, qty: u32) {
        self.fills += 1;
        self.qty += u64::from(qty);
        self.notional += u64::from(qty) * u64::from(price);
    }
}

/// The sums of the standard workload, as independent engines found them.
pub const STANDARD: Sums = Sums {
    fills: 398_057,
    qty: 15_023_448,
    cancels: 299_726,
    notional: 1_502_917_025_954,
    bid: 100_119,
    ask: 100_120,
};
pub const STANDARD_STEPS: u32 = 1_000_000;

/// SplitMix64.
pub struct Random(u64);

impl Random {
    /// The next number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 33) % bound
    }

    fn below_u32(&mut self, bound: u32) -> u32 {
        u32::try_from(self.below(u64::from(bound))).expect("below a u32")
    }
}

/// Live ids in the order that random choice indexes: removal fills the gap with the last.
#[derive(Default)]
pub struct Live {
    pub ids: Vec<u32>,
    pub place: HashMap<u32, usize>,
}

impl Live {
    pub fn add(&mut self, id: u32) {
        self.place.insert(id, self.ids.len());
        self.ids.push(id);
    }

    pub fn remove(&mut self, id: u32) {
        if let Some(at) = self.place.remove(&id) {
            self.ids.swap_remove(at);
            if let Some(moved) = self.ids.get(at) {
                self.place.insert(*moved, at);
            }
        }
    }
}

/// The workload. A book of ordered maps runs along, since cancels name orders that are alive.
pub fn workload(steps: u32) -> Vec<Step> {
    let (mut random, mut book, mut live) = (Random(42), MapBook::default(), Live::default());
    let mut middle = 100_000u32;
    let mut made = Vec::new();
    for id in 0..steps {
        if id % 64 == 0 {
            middle = middle + random.below_u32(3) - 1;
        }
        let (kind, buy) = (random.below(10), random.below(2) == 0);
        let step = if kind < 6 || live.ids.len() < 50 {
            let (a, b) = (random.below_u32(10), random.below_u32(10));
            let away = 1 + a.min(b);
            let price = if buy { middle - away } else { middle + away };
            Step {
                kind: Kind::Limit,
                buy,
                qty: 1 + random.below_u32(99),
                price,
                id,
            }
        } else if kind < 9 {
            let at = usize::try_from(random.below(live.ids.len() as u64)).expect("an index");
            Step {
                kind: Kind::Cancel,
                buy: false,
                qty: 0,
                price: 0,
                id: live.ids[at],
            }
        } else {
            Step {
                kind: Kind::Market,
                buy,
                qty: 1 + random.below_u32(299),
                price: 0,
                id,
            }
        };
        book.ended.clear();
        book.step(&step);
        if step.kind == Kind::Limit && book.places.contains_key(&id) {
            live.add(id);
        }
        for ended in book.ended.drain(..) {
            live.remove(ended);
        }
        made.push(step);
    }
    made
}

/// A number of the workload, which are all small.
pub fn small(n: i64) -> u32 {
    u32::try_from(n).expect("the workload's numbers are small")
}
