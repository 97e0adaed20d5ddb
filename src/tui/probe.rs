//! Whether the person can have seen what Enter would send. Behind each frame that shows a new preview the terminal is asked
//! whether it is well (`CSI 5 n`); it answers in the order of its input, so its answer says that the frame before has been
//! read and drawn. Over a slow link that is a round trip later than the engine's host thinks. A terminal that never answers
//! is waited for a bounded time in place of it, and the person is told. Panic keys do not ask.
//!
//! A multiplexer answers for itself: then the answer says that it has the frame, and the last stretch to the eye is not
//! measured.

use super::desk::{Desk, Modal, Pledge, Tone};
use super::ticket::{NotYet, may_confirm};
use crate::domain::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// What is sent behind a frame: device status report, which every terminal since the VT100 knows.
pub const QUESTION: &[u8] = b"\x1b[5n";
/// A preview of a terminal that has never answered has to stand this long.
pub const MUTE_STANDS: Duration = Duration::from_secs(1);
/// One that has answered before is waited for this long: the link is slow, or it was lost.
pub const SLOW_STANDS: Duration = Duration::from_secs(10);
/// A terminal that has not answered after this is told of.
const TOLD_AFTER: Duration = Duration::from_secs(3);
/// Questions under way at most.
const UNDER_WAY: usize = 16;

/// Questions asked of the terminal, and its answers.
#[derive(Debug, Default)]
pub struct Probe {
    /// Asked at all: a desk without a terminal has nobody to ask.
    on: bool,
    /// The preview that was asked for last.
    asked: Option<Timestamp>,
    /// Questions without an answer: for which preview, and when asked.
    waiting: VecDeque<(Option<Timestamp>, Timestamp)>,
    /// The newest preview that the terminal has shown.
    shown: Option<Timestamp>,
    /// When the first question left.
    began: Option<Timestamp>,
    /// It has answered before.
    answers: bool,
    told: bool,
    round_trip: Option<Duration>,
}

impl Probe {
    /// From now on the terminal is asked.
    pub fn start(&mut self) {
        self.on = true;
    }
    /// True where a question should leave behind the frame that shows the preview of this moment.
    fn wants(&self, preview: Option<Timestamp>) -> bool {
        let new = preview.is_some() && preview != self.asked;
        self.on && (new || self.began.is_none()) && self.waiting.len() < UNDER_WAY
    }
    fn sent(&mut self, preview: Option<Timestamp>, now: Timestamp) {
        self.asked = preview.or(self.asked);
        self.began = self.began.or(Some(now));
        self.waiting.push_back((preview, now));
    }
    /// The terminal answered the oldest question.
    fn answered(&mut self, now: Timestamp) {
        let Some((preview, asked)) = self.waiting.pop_front() else {
            return;
        };
        self.answers = true;
        self.round_trip = Some(now.since(asked));
        self.shown = self.shown.max(preview);
    }
    /// How long the terminal takes to answer, where it has.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }
    /// True while an answer may still come: nobody else should read it.
    pub fn is_waiting(&self) -> bool {
        self.answers && !self.waiting.is_empty()
    }
    /// The questions that went with a terminal that was given back are not answered to us.
    pub fn forget(&mut self) {
        self.waiting.clear();
        self.asked = None;
    }
    /// Whether the preview of this moment has been shown.
    fn has_shown(&self, preview: Timestamp, now: Timestamp) -> bool {
        let patience = if self.answers { SLOW_STANDS } else { MUTE_STANDS };
        !self.on || self.shown.is_some_and(|shown| shown >= preview) || now.since(preview) >= patience
    }
}

impl Desk {
    /// Since when what Enter would send has been as it is; nothing where Enter sends nothing.
    fn preview(&self) -> Option<Timestamp> {
        match &self.modal {
            Some(Modal::Ticket(ticket)) => Some(ticket.seen_at()),
            Some(Modal::Question(question)) => Some(question.at),
            Some(Modal::Line(line)) => {
                let pinned = line.pin.as_ref().map(|pin| pin.at);
                Some(pinned.map_or(line.changed_at, |at| at.max(line.changed_at)))
            }
            _ => None,
        }
    }
    /// True where the terminal is to be asked behind the next frame.
    pub fn wants_probe(&self) -> bool {
        self.probe.wants(self.preview())
    }
    /// The question left behind a frame of this moment.
    pub fn probe_sent(&mut self, now: Timestamp) {
        self.probe.sent(self.preview(), now);
    }
    /// The terminal answered.
    pub(super) fn probe_answered(&mut self, now: Timestamp) {
        self.probe.answered(now);
    }
    /// A terminal that does not answer is told of once.
    pub(super) fn tell_mute(&mut self, now: Timestamp) {
        let silent = self
            .probe
            .began
            .is_some_and(|began| now.since(began) >= TOLD_AFTER);
        if silent && !self.probe.answers && !self.probe.told && self.message.is_none() {
            self.probe.told = true;
            let text = "this terminal does not answer when asked: a preview has to stand for 1 s before Enter counts";
            self.say(Tone::Plain, text, now);
        }
    }
    /// Whether Enter may send what has been shown since `preview`: after a quiet gap of that key, and once the terminal
    /// has shown it.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn may_send(&self, preview: Timestamp, now: Timestamp) -> Result<(), NotYet> {
        may_confirm(preview, self.enter_at, now)?;
        self.has_shown(preview, now)
    }
    /// The second half of [`Desk::may_send`].
    pub(super) fn has_shown(&self, preview: Timestamp, now: Timestamp) -> Result<(), NotYet> {
        if self.probe.has_shown(preview, now) {
            Ok(())
        } else {
            Err(NotYet::Unshown)
        }
    }
    /// The same for a question. One of a panic key waits for no terminal.
    pub(super) fn may_pledge(&self, pledge: Pledge, at: Timestamp, now: Timestamp) -> Result<(), NotYet> {
        match pledge {
            Pledge::Flatten(_) => may_confirm(at, self.enter_at, now),
            _ => self.may_send(at, now),
        }
    }
}
