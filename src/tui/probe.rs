//! Whether the person can have seen what Enter would send. Behind each frame that shows a new preview the terminal is asked
//! whether it is well (`CSI 5 n`); it answers in the order of its input, so its answer says that the frame before has been
//! read and drawn. Over a slow link that is a round trip later than the engine's host thinks. A terminal that never answers
//! is waited for a bounded time in place of it, and the person is told. Panic keys do not ask.
//!
//! Answers bear no number: one that is lost would make each later one stand for the question before its own. So a question that
//! waits far longer than the terminal takes is given up with all behind it, and the next are asked in other words, what the
//! terminal is (`CSI c`): what comes late in the old words counts for nothing.
//!
//! A multiplexer answers for itself: then the answer says that it has the frame, and the last stretch to the eye is not
//! measured.

use super::desk::{Desk, Modal, Pledge, Tone};
use super::ticket::{NotYet, may_confirm};
use crate::domain::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// How a terminal is asked, and how it answers. Every terminal since the VT100 knows both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Question {
    /// Device status report: `CSI 5 n`, `CSI 0 n`.
    #[default]
    Status,
    /// Primary device attributes: `CSI c`, `CSI ? … c`.
    Attributes,
}

impl Question {
    /// What is sent behind a frame.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Status => b"\x1b[5n",
            Self::Attributes => b"\x1b[c",
        }
    }
    fn other(self) -> Self {
        match self {
            Self::Status => Self::Attributes,
            Self::Attributes => Self::Status,
        }
    }
}

/// A preview of a terminal that does not answer has to stand this long.
pub const MUTE_STANDS: Duration = Duration::from_secs(1);
/// An answer that takes longer than this, and than so many times what the one before took, is lost.
pub const LOST_AFTER: Duration = Duration::from_secs(3);
const LOST_TIMES: u32 = 4;
/// Losses in a row after which a terminal that has answered counts as one that does not.
const LOSSES: u8 = 2;
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
    /// In which words the terminal is asked.
    question: Question,
    /// Questions without an answer, all in these words: for which preview, and when asked.
    waiting: VecDeque<(Option<Timestamp>, Timestamp)>,
    /// The newest preview that the terminal has shown.
    shown: Option<Timestamp>,
    /// When the first question left.
    began: Option<Timestamp>,
    /// It has answered before, and still does.
    answers: bool,
    /// Times in a row that answers were given up.
    lost: u8,
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
    fn answered(&mut self, question: Question, now: Timestamp) {
        if question != self.question {
            return;
        }
        let Some((preview, asked)) = self.waiting.pop_front() else {
            return;
        };
        self.answers = true;
        self.lost = 0;
        self.round_trip = Some(now.since(asked));
        self.shown = self.shown.max(preview);
    }
    /// Gives up what was lost. From one that has never answered everything may still come.
    fn give_up_lost(&mut self, now: Timestamp) {
        let patience = LOST_AFTER.max(self.round_trip.unwrap_or_default() * LOST_TIMES);
        let late = |(_, asked): &(_, Timestamp)| now.since(*asked) >= patience;
        if !self.answers || !self.waiting.front().is_some_and(late) {
            return;
        }
        self.forget();
        self.question = self.question.other();
        self.lost = self.lost.saturating_add(1);
        self.answers = self.lost < LOSSES;
    }
    /// The words of the next question.
    pub fn question(&self) -> Question {
        self.question
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
        let mute = !self.answers && now.since(preview) >= MUTE_STANDS;
        !self.on || self.shown.is_some_and(|shown| shown >= preview) || mute
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
    pub(super) fn probe_answered(&mut self, question: Question, now: Timestamp) {
        self.probe.answered(question, now);
    }
    /// Asks again where an answer was lost; a terminal that does not answer is told of once. Called once a second.
    pub(super) fn watch_terminal(&mut self, now: Timestamp) {
        self.probe.give_up_lost(now);
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
