//! The names of lines of the difference view, their kinds, and what can be done about one.

use crate::domain::{ClientOrderId, InstrumentId, SafeText};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a line is about: its name, `position:AAPL`, `order:TW01…`, `overfill:AAPL`, `gap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// Executions of some time are not known.
    Gap,
    /// What is held of an instrument.
    Position(InstrumentId),
    /// More was executed in it than ordered.
    Overfill(InstrumentId),
    /// One order.
    Order(ClientOrderId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap => f.write_str("gap"),
            Self::Position(id) => write!(f, "position:{id}"),
            Self::Overfill(id) => write!(f, "overfill:{id}"),
            Self::Order(id) => write!(f, "order:{id}"),
        }
    }
}
impl FromStr for Subject {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let instrument = |id: &str| InstrumentId::new(id).map_err(|error| error.to_string());
        match text.split_once(':') {
            None if text == "gap" => Ok(Self::Gap),
            Some(("position", id)) => Ok(Self::Position(instrument(id)?)),
            Some(("overfill", id)) => Ok(Self::Overfill(instrument(id)?)),
            Some(("order", id)) => ClientOrderId::new(id)
                .map(Self::Order)
                .map_err(|error| error.to_string()),
            _ => Err(format!(
                "'{}' names no difference: gap, position:AAPL, overfill:AAPL or order:ID",
                SafeText::new(&text.chars().take(48).collect::<String>())
            )),
        }
    }
}
impl TryFrom<String> for Subject {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

/// What kind of line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A position that differs.
    Position,
    /// More was executed than ordered.
    Overfill,
    /// The broker gives no executions of some time.
    Gap,
    /// A second order under one client order id.
    Doubled,
    /// Sent, and whether it arrived is not known.
    InDoubt,
    /// A halt's cancel that the broker has not confirmed in time.
    Unconfirmed,
    /// The broker's list lacks an order of ours.
    Missing,
    /// A cancel or a change without an answer.
    Unanswered,
    /// An order that was acknowledged once and that the broker no longer knows.
    Lost,
    /// An order at the broker that was not made here.
    Unknown,
}
impl Kind {
    /// As a person reads it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Position => "position differs",
            Self::Overfill => "overfilled",
            Self::Gap => "gap of executions",
            Self::Doubled => "doubled",
            Self::InDoubt => "in doubt",
            Self::Unconfirmed => "cancel unconfirmed",
            Self::Missing => "missing there",
            Self::Unanswered => "no answer",
            Self::Lost => "lost",
            Self::Unknown => "made elsewhere",
        }
    }
    /// As programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::Overfill => "overfill",
            Self::Gap => "gap",
            Self::Doubled => "doubled",
            Self::InDoubt => "in_doubt",
            Self::Unconfirmed => "unconfirmed",
            Self::Missing => "missing",
            Self::Unanswered => "unanswered",
            Self::Lost => "lost",
            Self::Unknown => "unknown",
        }
    }
    /// True where arming waits until somebody has explained it.
    pub(super) fn blocks(self) -> bool {
        matches!(
            self,
            Self::Position | Self::Overfill | Self::Gap | Self::Doubled | Self::InDoubt
        )
    }
}

/// What can be done about a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Remedy {
    /// Take the broker's word for ours, or the order for a known one.
    Adopt,
    /// Record the split that the broker's position and its average price tell of.
    Split,
    /// Leave it for so many minutes, with one's name on it.
    Ignore {
        /// So many.
        minutes: u32,
    },
    /// Cancel the order.
    Cancel,
    /// Take the broker's word and close what is held, every order on the instrument first.
    Flatten {
        /// The closing order's id.
        exit: ClientOrderId,
    },
}
impl Remedy {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::Split => "split",
            Self::Ignore { .. } => "ignore",
            Self::Cancel => "cancel",
            Self::Flatten { .. } => "flatten",
        }
    }
}
