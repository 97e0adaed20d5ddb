//! Doing something about a line of the difference view: what the question says, and what Enter sends. And the key that begins
//! a stop under what is held. Which lines there are is the engine's.

use super::action::Action;
use super::desk::{Desk, Modal, Tone};
use super::layout::PaneId;
use super::line::Line;
use super::pane::View;
use crate::domain::{AccountKey, ClientOrderId, Timestamp};
use crate::engine::Command;
use crate::engine::difference::{Difference, LONGEST_IGNORE, Remedy, Subject, differences};

/// What a person wants done about a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Take the broker's word.
    Adopt,
    /// Record the split that it looks like.
    Split,
    /// Leave it for a time.
    Ignore,
    /// Cancel the order.
    Cancel,
    /// Close what is held.
    Flatten,
}

impl Deed {
    /// The word under which the engine offers it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::Split => "split",
            Self::Ignore => "ignore",
            Self::Cancel => "cancel",
            Self::Flatten => "flatten",
        }
    }
    /// What Enter would do, in words.
    pub fn question(self, line: &Difference) -> String {
        let of = line.instrument.map_or(String::new(), |id| format!(" {id}"));
        match (self, line.subject) {
            (Self::Adopt, Subject::Position(_)) => {
                format!("Enter takes the broker's {} for ours, Esc leaves it", line.theirs)
            }
            (Self::Adopt, Subject::Gap) => {
                "Enter says that you have compared with a statement, Esc leaves it".to_owned()
            }
            (Self::Adopt, Subject::Overfill(_)) => {
                format!("Enter says that what is held of{of} is right, Esc leaves it")
            }
            (Self::Adopt, Subject::Order(_)) => "Enter takes it for known, Esc leaves it".to_owned(),
            (Self::Split, _) => format!(
                "Enter records it as a split that makes our {} the broker's {}, Esc leaves it",
                line.ours, line.theirs
            ),
            (Self::Ignore, _) => {
                "Enter leaves it as it is for that time: it keeps nobody from arming".to_owned()
            }
            (Self::Cancel, _) => "Enter asks the broker to cancel it, Esc leaves it".to_owned(),
            (Self::Flatten, Subject::Order(_)) => {
                format!("Enter cancels every order on{of} and closes it at the market, Esc leaves it")
            }
            (Self::Flatten, _) => format!(
                "Enter takes the broker's {}, then closes{of} at the market, Esc leaves it",
                line.theirs
            ),
        }
    }
}

/// A line, as it was seen, and what is wanted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Whose.
    pub account: AccountKey,
    /// Which line.
    pub subject: Subject,
    /// The fingerprint of what stood on it.
    pub seen: u32,
    /// What is wanted.
    pub deed: Deed,
    /// For how long it is left, where it is left.
    pub minutes: u32,
}

impl About {
    /// What Enter sends. `exit` names the closing order of a flatten.
    pub fn command(self, exit: ClientOrderId) -> Command {
        let remedy = match self.deed {
            Deed::Adopt => Remedy::Adopt,
            Deed::Split => Remedy::Split,
            Deed::Ignore => Remedy::Ignore {
                minutes: self.minutes,
            },
            Deed::Cancel => Remedy::Cancel,
            Deed::Flatten => Remedy::Flatten { exit },
        };
        Command::Resolve {
            account: self.account,
            subject: self.subject,
            remedy,
            seen: self.seen,
        }
    }
    /// A typed count is the hours for which it is left.
    pub(super) fn for_hours(self, hours: Option<u32>) -> Self {
        let minutes = hours.map_or(self.minutes, |hours| hours.saturating_mul(60));
        Self {
            minutes: minutes.clamp(1, LONGEST_IGNORE),
            ..self
        }
    }
    /// The line in words, as it is now.
    pub(super) fn words(self, view: &View<'_>) -> String {
        let found = differences(view.state, self.account, view.now);
        let line = found.iter().find(|line| line.subject == self.subject);
        let said = line.map_or_else(|| "it is gone".to_owned(), Difference::words);
        match self.deed {
            Deed::Ignore => format!("for {} h: {said}", self.minutes / 60),
            _ => said,
        }
    }
}

impl Desk {
    /// `p`: the order line with the beginning of a stop for the desk's position.
    pub(super) fn protect_here(&mut self, now: Timestamp) {
        let Some((account, instrument)) = self.need_instrument(now) else {
            return;
        };
        if self.world.state.position(account, instrument).side().is_none() {
            return self.say(Tone::Plain, format!("nothing is held of {instrument}"), now);
        }
        let mut line = Line::new(now);
        line.insert(&format!("protect {instrument} at "), now);
        self.modal = Some(Modal::Line(line));
        let hint = "a price, or a distance from the market such as -20t or -0.50";
        self.say(Tone::Plain, hint, now);
    }

    /// `:differences`.
    pub(super) fn show_differences(&mut self, now: Timestamp) {
        self.pane_words("pane", PaneId::Differences.name(), now);
    }

    /// A key of the difference view pressed elsewhere.
    pub(super) fn differences_are_elsewhere(&mut self, action: Action, now: Timestamp) {
        let text = format!(
            "{} is for a line of the differences: :differences shows them",
            action.name()
        );
        self.say(Tone::Plain, text, now);
    }
}
