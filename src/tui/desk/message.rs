//! The message line: what it says, and what waits behind it. The answer to the hand's own key stands for some seconds above
//! alerts and above what an open line says. How it looks is `foot`'s.

use super::Desk;
use crate::domain::{SafeText, Timestamp};
use std::time::Duration;

/// How long a message stays.
const MESSAGE_STAYS: Duration = Duration::from_secs(8);
/// How long a warning stays, where no alert waits for its place.
const WARNING_STAYS: Duration = Duration::from_secs(20);
/// How long something may be held back and still be news.
const HELD_BACK: Duration = Duration::from_secs(60);
/// How long a warning, or that a command was taken, stands above what an open line or ticket says.
const NEWS: Duration = Duration::from_secs(3);
/// How long the answer to the hand's own key stands above that, and above alerts.
const ANSWER_IS_NEWS: Duration = Duration::from_secs(5);

/// How a message sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// For the record.
    Plain,
    /// A fill.
    Good,
    /// Needs a look.
    Warn,
}

/// Where a message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The desk itself.
    Desk,
    /// Something happened.
    Notice,
    /// An alert fired.
    Alert,
    /// A command of this terminal was taken, and there is no more to say of it.
    Taken,
    /// What came of a command of this terminal, or of a key that sends one.
    Answer,
}

/// What the message line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// In words.
    pub text: String,
    /// How it sounds.
    pub tone: Tone,
    /// Where it comes from.
    pub kind: Kind,
    /// Since when.
    pub at: Timestamp,
    /// It answers a key: it goes with what was open when it was said.
    pub by_key: bool,
    /// How many others it hides.
    pub more: usize,
}

impl Message {
    /// One that hides nothing.
    pub(super) fn new(kind: Kind, tone: Tone, text: &str, now: Timestamp) -> Self {
        Self {
            text: SafeText::new(text).to_string(),
            tone,
            kind,
            at: now,
            by_key: false,
            more: 0,
        }
    }
    /// Its words, and how many others there are.
    pub fn words(&self) -> String {
        match self.more {
            0 => self.text.clone(),
            more => format!("{}  (+{more} more)", self.text),
        }
    }
    /// True while it stands above what an open line, ticket or question says.
    pub fn is_news(&self, now: Timestamp) -> bool {
        let age = now.since(self.at);
        self.says_all(now) || age < NEWS && (self.is_answer(now) || self.tone > Tone::Plain)
    }
    fn is_answer(&self, now: Timestamp) -> bool {
        matches!(self.kind, Kind::Taken | Kind::Answer) && now.since(self.at) < ANSWER_IS_NEWS
    }
    /// True while it says all that notices of its own command would.
    pub(super) fn says_all(&self, now: Timestamp) -> bool {
        self.kind == Kind::Answer && self.is_answer(now)
    }
    /// True where a message gives way to this one for now.
    fn stands_before(&self, other: &Self, now: Timestamp) -> bool {
        let is_loud = self.tone > Tone::Plain;
        match other.kind {
            Kind::Alert if self.kind != Kind::Alert => {
                self.is_answer(now) || is_loud && now.since(self.at) < ANSWER_IS_NEWS
            }
            _ if other.tone > Tone::Plain => false,
            _ => is_loud || self.says_all(now),
        }
    }
}

impl Desk {
    /// Says something on the message line.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>, now: Timestamp) {
        self.message = Some(Message::new(Kind::Desk, tone, &text.into(), now));
    }

    /// Answers the hand's own key. An alert that has the line waits behind it.
    pub(in crate::tui) fn answer(&mut self, kind: Kind, tone: Tone, text: impl Into<String>, now: Timestamp) {
        let mut answer = Message::new(kind, tone, &text.into(), now);
        if let Some(alert) = self.message.take_if(|shown| shown.kind == Kind::Alert) {
            self.held_back = Some(alert);
        }
        answer.more = self.alert_waits(now).map_or(0, |alert| alert.more + 1);
        self.message = Some(answer);
    }

    /// Tells what happened, or holds it back while an answer or something louder has its time.
    pub(super) fn tell(&mut self, told: Message, now: Timestamp) {
        match self
            .message
            .as_mut()
            .filter(|shown| shown.stands_before(&told, now))
        {
            Some(shown) => {
                // What is only for the record waits without a word.
                if told.tone > Tone::Plain {
                    shown.more += told.more + 1;
                }
                self.hold_back(told, now);
            }
            None => self.message = Some(told),
        }
    }

    /// Keeps a message for later; of alerts the newest, which counts the others.
    pub(super) fn hold_back(&mut self, mut told: Message, now: Timestamp) {
        let waits = self.alert_waits(now).map(|alert| alert.more + 1);
        match waits {
            Some(_) if told.kind != Kind::Alert => return,
            Some(count) => told.more += count,
            None => {}
        }
        self.held_back = Some(told);
    }

    fn alert_waits(&self, now: Timestamp) -> Option<&Message> {
        let is_new = |held: &&Message| held.kind == Kind::Alert && now.since(held.at) <= HELD_BACK;
        self.held_back.as_ref().filter(is_new)
    }

    /// Lets an old message go; true where something changed.
    pub fn tick(&mut self, now: Timestamp) -> bool {
        self.toasts.forget(now);
        let waits = self.alert_waits(now).is_some();
        let gone = match &self.message {
            Some(message) => {
                let is_long = message.tone == Tone::Warn && !waits;
                let stays = if is_long { WARNING_STAYS } else { MESSAGE_STAYS };
                now.since(message.at) > stays
            }
            // It was taken away by a key.
            None => waits,
        };
        if gone {
            let waited = self.held_back.take();
            self.message = waited
                .filter(|held| now.since(held.at) <= HELD_BACK)
                .map(|held| Message { at: now, ..held });
        }
        gone
    }
}
