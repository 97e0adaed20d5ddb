//! What lies between engine and exchange: two queues that misbehave as much as the plan says.

use super::chance::Chance;
use super::faults::{Fault, Faults};
use std::collections::BTreeMap;
use std::time::Duration;
use tradewind::domain::Timestamp;

/// How one direction misbehaves, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manners {
    pub drop: u64,
    pub repeat: u64,
    pub delay: u64,
    /// The longest delay, in milliseconds.
    pub longest: u64,
    /// One message never overtakes another, as on a TCP connection.
    pub in_order: bool,
}

impl Manners {
    /// The dice are thrown whatever is switched on, so that leaving a fault out changes nothing else.
    pub fn of(chance: &mut Chance, faults: Faults, to_venue: bool) -> Self {
        let longest = *chance.pick(&[100, 100, 2_000]);
        let far = *chance.pick(&[9_000, 45_000]);
        let mut rate = |fault, most| {
            let rate = chance.below(most);
            if faults.has(fault) { rate } else { 0 }
        };
        Self {
            drop: rate(Fault::Drop, 200),
            repeat: rate(Fault::Repeat, 200),
            delay: rate(Fault::Delay, 500),
            longest: if faults.has(Fault::FarDelay) { far } else { longest },
            // What is sent to TWS goes over one TCP connection: a child never overtakes its parent.
            in_order: faults.has(Fault::InOrder) || to_venue && faults.has(Fault::Tws),
        }
    }
}

/// One direction. Without faults it keeps the order and takes five milliseconds.
#[derive(Debug)]
pub struct Lane<T> {
    queue: BTreeMap<(Timestamp, u64), T>,
    next: u64,
    last: Timestamp,
    pub manners: Manners,
    pub dropped: u64,
    pub repeated: u64,
}

impl<T: Clone> Lane<T> {
    pub fn new(manners: Manners) -> Self {
        Self {
            queue: BTreeMap::new(),
            next: 0,
            last: Timestamp::MIN,
            manners,
            dropped: 0,
            repeated: 0,
        }
    }
    /// Sends a message that takes `lag` longer than the others.
    pub fn send(&mut self, message: T, now: Timestamp, lag: Duration, chance: &mut Chance) {
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
            let mut at = now.after(Duration::from_millis(5)).after(lag);
            if chance.permille(self.manners.delay) {
                at = at.after(chance.millis(self.manners.longest));
            }
            if self.manners.in_order {
                at = at.max(self.last);
                self.last = at;
            }
            self.next += 1;
            self.queue.insert((at, self.next), message.clone());
        }
    }
    /// The network is well again: what is under way arrives within five seconds.
    pub fn hurry(&mut self, now: Timestamp) {
        let soon = now.after(Duration::from_secs(5));
        let queue = std::mem::take(&mut self.queue);
        self.queue = queue
            .into_iter()
            .map(|((at, n), message)| ((at.min(soon), n), message))
            .collect();
        self.last = self.last.min(soon);
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
    pub fn lose(&mut self) {
        self.dropped += 1;
    }
    /// The line is cut: each message under way survives with this chance; of one that keeps the order, a beginning does.
    pub fn cut(&mut self, survive: u64, chance: &mut Chance) {
        let (before, in_order) = (self.queue.len(), self.manners.in_order);
        let mut alive = true;
        self.queue.retain(|_, _| {
            let lives = chance.permille(survive);
            alive &= lives;
            if in_order { alive } else { lives }
        });
        self.dropped += (before - self.queue.len()) as u64;
        self.last = Timestamp::MIN;
    }
}
