//! Who looks at what: how many sessions want an instrument's data, so that a subscription begins with the
//! first and ends with the last. Subscribing is the broker's work.

use crate::domain::{InstrumentId, SessionId};
use std::collections::{BTreeMap, BTreeSet};

/// Instruments by session, and how many sessions want each.
#[derive(Clone, Debug, Default)]
pub struct Watches {
    sessions: BTreeMap<SessionId, BTreeSet<InstrumentId>>,
    counts: BTreeMap<InstrumentId, usize>,
}

impl Watches {
    /// A session wants an instrument; true where it is the first that does.
    pub fn watch(&mut self, session: SessionId, instrument: InstrumentId) -> bool {
        if !self.sessions.entry(session).or_default().insert(instrument) {
            return false;
        }
        let count = self.counts.entry(instrument).or_default();
        *count += 1;
        *count == 1
    }
    /// A session no longer wants an instrument; true where it was the last that did.
    pub fn unwatch(&mut self, session: SessionId, instrument: InstrumentId) -> bool {
        let Some(wanted) = self.sessions.get_mut(&session) else {
            return false;
        };
        if !wanted.remove(&instrument) {
            return false;
        }
        if wanted.is_empty() {
            self.sessions.remove(&session);
        }
        self.give_back(instrument)
    }
    /// A session ended; the instruments that nobody wants any more.
    pub fn release(&mut self, session: SessionId) -> Vec<InstrumentId> {
        let wanted = self.sessions.remove(&session).unwrap_or_default();
        wanted
            .into_iter()
            .filter(|instrument| self.give_back(*instrument))
            .collect()
    }
    /// What a session wants, by id.
    pub fn of(&self, session: SessionId) -> impl Iterator<Item = InstrumentId> {
        self.sessions.get(&session).into_iter().flatten().copied()
    }
    /// True where a session wants the instrument.
    pub fn wants(&self, session: SessionId, instrument: InstrumentId) -> bool {
        self.sessions
            .get(&session)
            .is_some_and(|wanted| wanted.contains(&instrument))
    }
    /// What anybody wants, by id.
    pub fn wanted(&self) -> impl Iterator<Item = InstrumentId> {
        self.counts.keys().copied()
    }

    fn give_back(&mut self, instrument: InstrumentId) -> bool {
        let Some(count) = self.counts.get_mut(&instrument) else {
            return false;
        };
        *count = count.saturating_sub(1);
        let last = *count == 0;
        if last {
            self.counts.remove(&instrument);
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_out_ends_the_subscription() {
        let (a, b) = (SessionId(1), SessionId(2));
        let [x, y] = ["X", "Y"].map(|id| InstrumentId::new(id).unwrap());
        let mut watches = Watches::default();
        assert!(watches.watch(a, x) && !watches.watch(a, x) && !watches.watch(b, x) && watches.watch(b, y));
        assert!(!watches.unwatch(a, x) && !watches.unwatch(a, x));
        assert_eq!(watches.release(b), [x, y]);
        assert_eq!(watches.wanted().count(), 0);
        assert!(watches.release(b).is_empty());
    }
}
