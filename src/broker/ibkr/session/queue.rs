//! Orders and changes that wait for the budget, so that a cancel can take back what has not left: overtaken by its cancel an
//! order would be unknown to the broker, and work after all when it arrives. Pure.

use std::collections::BTreeMap;

/// What waits under one order number.
#[derive(Debug, Default)]
struct Waiting {
    /// Orders and changes.
    count: u32,
    /// The order itself is among them, and first.
    has_order: bool,
    /// A cancel came: nothing of it leaves any more.
    taken_back: bool,
}

/// What waits for the budget, by order number.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<i32, Waiting>,
}

impl Queue {
    /// An order, or a change of one, begins to wait.
    pub(super) fn waits(&mut self, number: i32, change: bool) {
        let entry = self.waiting.entry(number).or_default();
        entry.count = entry.count.saturating_add(1);
        entry.has_order |= !change;
    }

    /// What waited longest for a number may leave now; true where it was taken back.
    pub(super) fn leaves(&mut self, number: i32) -> bool {
        let Some(entry) = self.waiting.get_mut(&number) else {
            return false;
        };
        entry.count = entry.count.saturating_sub(1);
        // What waits behind the order is a change of it.
        entry.has_order = false;
        let taken_back = entry.taken_back;
        if entry.count == 0 {
            self.waiting.remove(&number);
        }
        taken_back
    }

    /// A cancel: nothing of this number that waits leaves any more. True where the order itself has not left, so that there
    /// is nothing to cancel at the broker.
    pub(super) fn take_back(&mut self, number: i32) -> bool {
        self.waiting.get_mut(&number).is_some_and(|entry| {
            entry.taken_back = true;
            entry.has_order
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancel_takes_back_what_has_not_left_and_goes_to_the_broker_for_what_has() {
        let mut queue = Queue::default();
        queue.waits(1, false);
        queue.waits(1, true);
        queue.waits(2, false);
        assert!(queue.take_back(1), "the order is here yet");
        assert!(
            queue.leaves(1) && queue.leaves(1),
            "neither it nor its change leaves"
        );
        assert!(!queue.leaves(2), "another number's order does");
        assert!(!queue.take_back(2), "it has left: the broker has to cancel it");
        queue.waits(2, true);
        assert!(!queue.take_back(2));
        assert!(queue.leaves(2), "a change never follows a cancel");
        queue.waits(2, true);
        assert!(!queue.leaves(2) && queue.waiting.is_empty());
    }
}
