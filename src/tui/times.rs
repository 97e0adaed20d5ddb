//! How long the terminal's own parts of the way take: from a key to the command's bytes on the engine's socket, and from
//! bytes off that socket to the frame that shows them. The moment is an argument.

use super::link::{FromEngine, ToEngine};
use crate::domain::{Spans, Timestamp};
use std::collections::BTreeMap;

/// Commands on their way of which the writing has not been told: more are not waited for.
const ON_THE_WAY: usize = 64;

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// From reading a key to its command's last byte on the engine's socket.
    pub key: Spans,
    /// From reading market data or facts off the engine's socket to handing over the frame.
    pub screen: Spans,
}

/// Takes the times as things happen.
#[derive(Debug, Default)]
pub(super) struct Stopwatch {
    /// When the key that is being handled was read.
    typed_at: Option<Timestamp>,
    /// Commands that a key sent, by their token.
    on_the_way: BTreeMap<u64, Timestamp>,
    /// When the oldest of what no frame shows yet was read.
    read_at: Option<Timestamp>,
}

impl Stopwatch {
    /// Bytes of the keyboard were read.
    pub(super) fn typed(&mut self, now: Timestamp) {
        self.typed_at = Some(now);
    }

    /// The desk has done what its input asked for: a command is on its way, and the next is no key's.
    pub(super) fn tells(&mut self, message: &ToEngine) {
        if let (ToEngine::Command { token, .. }, Some(at)) = (message, self.typed_at) {
            if self.on_the_way.len() >= ON_THE_WAY {
                self.on_the_way.pop_first();
            }
            self.on_the_way.insert(*token, at);
        }
    }

    /// All of an input's effects were taken.
    pub(super) fn settled(&mut self) {
        self.typed_at = None;
    }

    /// Takes what is about times alone; true where it was.
    pub(super) fn takes(&mut self, message: &FromEngine, times: &mut Times) -> bool {
        match message {
            FromEngine::Written { token, at } => {
                if let Some(typed) = self.on_the_way.remove(token) {
                    times.key.add(at.since(typed));
                }
            }
            FromEngine::ReadAt(at) => self.read_at = self.read_at.or(Some(*at)),
            _ => return false,
        }
        true
    }

    /// A frame with all of it was handed over.
    pub(super) fn drew(&mut self, now: Timestamp, times: &mut Times) {
        if let Some(at) = self.read_at.take() {
            times.screen.add(now.since(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Command;
    use std::time::Duration;

    #[test]
    fn a_key_is_timed_to_its_bytes_and_data_to_their_frame() {
        let (mut watch, mut times) = (Stopwatch::default(), Times::default());
        let at = |millis| Timestamp::from_millis(millis);
        let command = |token| ToEngine::Command {
            token,
            command: Command::TakeToken,
        };
        watch.tells(&command(1));
        watch.typed(at(100));
        watch.tells(&command(2));
        watch.settled();
        for token in [1, 2, 2] {
            watch.takes(&FromEngine::Written { token, at: at(103) }, &mut times);
        }
        assert_eq!(times.key.len(), 1, "only what a key sent, and once");
        assert_eq!(times.key.percentile(50), Some(Duration::from_millis(3)));

        watch.drew(at(200), &mut times);
        assert!(times.screen.is_empty(), "nothing new was shown");
        for millis in [210, 215] {
            assert!(watch.takes(&FromEngine::ReadAt(at(millis)), &mut times));
        }
        watch.drew(at(230), &mut times);
        assert_eq!(
            times.screen.percentile(50),
            Some(Duration::from_millis(20)),
            "the oldest counts"
        );
        assert!(!watch.takes(&FromEngine::RoundTrip(Duration::ZERO), &mut times));
    }
}
