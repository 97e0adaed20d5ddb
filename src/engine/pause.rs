//! A planned pause of a broker: a restart of its program, or hours in which it resets itself. It is known before it begins;
//! while it lasts nothing that adds risk leaves, what works and protects stays where it is, and a link that goes away is
//! no alarm. When it is over, everything is read again.

use crate::domain::{BrokerId, LinkState, SafeText, Timestamp};
use crate::engine::event::Fact;
use crate::engine::state::State;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A planned pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Of what, and when in words: `restart of TWS at 23:45 New York`.
    pub what: SafeText,
    /// When it happens. Quiet begins a little earlier.
    pub at: Timestamp,
    /// When it is over.
    pub until: Timestamp,
}

impl Pause {
    /// What it is and how long until it begins, or until it is over: `restart of TWS at 23:45 New York, in 1:40`.
    pub fn words(&self, now: Timestamp) -> String {
        format!("{}, {}", self.what, self.left(now))
    }

    /// How long until it begins, or until it is over: `in 1:40`, `over in 3:59`.
    pub fn left(&self, now: Timestamp) -> String {
        if now < self.at {
            format!("in {}", countdown(self.at.since(now)))
        } else {
            format!("over in {}", countdown(self.until.since(now)))
        }
    }
}

/// `1:40`, `1:01:40`, `2d 3h`: rounded up to the second, so that it never says that something is over before it is.
pub fn countdown(left: Duration) -> String {
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{rest:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{rest:02}"),
        _ => format!("{days}d {hours}h"),
    }
}

/// A broker's adapter says which pause it is in by the calendar. At its end what happened meanwhile has to be read; a link
/// that has not come back by then is an alarm after all.
pub(super) fn decide(state: &State, broker: BrokerId, pause: Option<&Pause>) -> Vec<Fact> {
    let before = state.pauses.get(&broker);
    if before == pause {
        return Vec::new();
    }
    let mut facts = vec![Fact::PauseChanged {
        broker,
        pause: pause.cloned(),
    }];
    let (Some(ended), None, Some(link)) = (before, pause, state.links.get(&broker)) else {
        return facts;
    };
    if matches!(link.state, LinkState::Down | LinkState::Connecting) {
        let why = link
            .reason
            .as_ref()
            .map_or(String::new(), |why| format!(": {why}"));
        let text = format!("{broker} has not come back from the planned {}{why}", ended.what);
        facts.push(Fact::Surprised {
            text: SafeText::new(&text),
        });
    } else {
        let text = format!("read again after the planned {}", ended.what);
        facts.push(Fact::LinkChanged {
            broker,
            state: LinkState::Syncing,
            reason: Some(SafeText::new(&text)),
        });
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_never_ends_early() {
        let words = |millis| countdown(Duration::from_millis(millis));
        assert_eq!(
            [
                words(0),
                words(1),
                words(99_001),
                words(3_700_000),
                words(183_600_000)
            ],
            ["0:00", "0:01", "1:40", "1:01:40", "2d 3h"]
        );
    }
}
