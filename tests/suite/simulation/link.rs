//! What lies between engine and exchange: two queues that misbehave as much as the seed says.

use std::collections::BTreeMap;
use std::time::Duration;
use tradewind::domain::Timestamp;

/// A seeded generator (SplitMix64): all chance of a world.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66_D1CE_4E5B)
    }
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// From 0 to `end`, without `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
    /// True so many times in a thousand.
    pub fn permille(&mut self, chance: u64) -> bool {
        self.below(1_000) < chance
    }
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
    pub fn millis(&mut self, end: u64) -> Duration {
        Duration::from_millis(self.below(end))
    }
}

/// How one direction misbehaves, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manners {
    pub drop: u64,
    pub repeat: u64,
    pub delay: u64,
    /// The longest delay, in milliseconds.
    pub longest: u64,
}

impl Manners {
    /// Each fault is on in some worlds and off in others, so that each is also seen alone.
    pub fn of(chance: &mut Chance) -> Self {
        let longest = *chance.pick(&[100, 100, 2_000, 9_000, 45_000]);
        let mut sometimes = |most| {
            if chance.permille(500) {
                chance.below(most)
            } else {
                0
            }
        };
        Self {
            drop: sometimes(200),
            repeat: sometimes(200),
            delay: sometimes(500),
            longest,
        }
    }
}

/// One direction. Without faults it keeps the order and takes five milliseconds.
#[derive(Debug)]
pub struct Lane<T> {
    queue: BTreeMap<(Timestamp, u64), T>,
    next: u64,
    pub manners: Manners,
    pub dropped: u64,
    pub repeated: u64,
}

impl<T: Clone> Lane<T> {
    pub fn new(manners: Manners) -> Self {
        Self {
            queue: BTreeMap::new(),
            next: 0,
            manners,
            dropped: 0,
            repeated: 0,
        }
    }
    pub fn send(&mut self, message: T, now: Timestamp, chance: &mut Chance) {
        if chance.permille(self.manners.drop) {
            self.dropped += 1;
            return;
        }
        let copies = if chance.permille(self.manners.repeat) {
            2
        } else {
            1
        };
        self.repeated += copies - 1;
        for _ in 0..copies {
            let mut at = now.after(Duration::from_millis(5));
            if chance.permille(self.manners.delay) {
                at = at.after(chance.millis(self.manners.longest));
            }
            self.next += 1;
            self.queue.insert((at, self.next), message.clone());
        }
    }
    pub fn due(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }
    pub fn take(&mut self, now: Timestamp) -> Option<T> {
        if self.due()? > now {
            return None;
        }
        self.queue.pop_first().map(|(_, message)| message)
    }
    /// The line is cut: each message under way survives with this chance.
    pub fn cut(&mut self, survive: u64, chance: &mut Chance) {
        let before = self.queue.len();
        self.queue.retain(|_, _| chance.permille(survive));
        self.dropped += (before - self.queue.len()) as u64;
    }
}
