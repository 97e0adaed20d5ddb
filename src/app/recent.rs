//! The events of the last while, for terminals that were here before: one whose link was lost for a moment gets what it
//! missed in place of the whole state. Told events only, in order; older ones fall out.

use crate::engine::Event;
use crate::wire::Mark;
use std::collections::VecDeque;
use std::sync::Arc;

/// Events that are kept: minutes of a busy day, and far less than a state.
const KEPT: usize = 4_096;

/// The events of the last while.
#[derive(Debug, Default)]
pub(super) struct Recent {
    batches: VecDeque<Arc<Vec<Event>>>,
    events: usize,
}

impl Recent {
    /// Keeps a batch that was just told.
    pub(super) fn keep(&mut self, batch: &Arc<Vec<Event>>) {
        if batch.is_empty() {
            return;
        }
        self.events += batch.len();
        self.batches.push_back(Arc::clone(batch));
        while self.events > KEPT
            && let Some(oldest) = self.batches.pop_front()
        {
            self.events -= oldest.len();
        }
    }
    /// What was told after the event that `mark` means; nothing where that event is not kept, or is another one.
    pub(super) fn after(&self, mark: Mark) -> Option<Vec<Event>> {
        let kept = || self.batches.iter().flat_map(|batch| batch.iter());
        let known = kept().find(|event| event.sequence == mark.sequence)?;
        (Mark::of(known) == mark).then(|| {
            let missed = kept().filter(|event| event.sequence > mark.sequence);
            missed.cloned().collect()
        })
    }
    /// The last that was told.
    pub(super) fn last(&self) -> Option<u64> {
        Some(self.batches.back()?.last()?.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{SafeText, Timestamp};
    use crate::engine::{Actor, Fact};

    fn event(sequence: u64, text: &str) -> Event {
        Event {
            sequence,
            at: Timestamp(1),
            actor: Actor::Engine,
            cause: None,
            batch: sequence,
            fact: Fact::Surprised {
                text: SafeText::new(text),
            },
        }
    }

    #[test]
    fn what_was_missed_is_told_to_those_of_the_same_history_alone() {
        let mut recent = Recent::default();
        for first in (1..=9).step_by(3) {
            let batch = (first..first + 3).map(|n| event(n, "so")).collect();
            recent.keep(&Arc::new(batch));
        }
        let missed = |mark| Some(recent.after(mark)?.iter().map(|e| e.sequence).collect::<Vec<_>>());
        assert_eq!(missed(Mark::of(&event(5, "so"))), Some(vec![6, 7, 8, 9]));
        assert_eq!(missed(Mark::of(&event(9, "so"))), Some(vec![]));
        assert_eq!(missed(Mark::of(&event(5, "otherwise"))), None);
        assert_eq!(missed(Mark::of(&event(10, "so"))), None);
        assert_eq!(recent.last(), Some(9));
        let many = (10..10 + KEPT as u64).map(|n| event(n, "so")).collect();
        recent.keep(&Arc::new(many));
        assert_eq!(recent.after(Mark::of(&event(9, "so"))), None);
        assert!(recent.after(Mark::of(&event(10, "so"))).is_some());
    }
}
