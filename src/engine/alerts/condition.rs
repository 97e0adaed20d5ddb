//! What an alert waits for: tests combined with and, or. Stored in facts, so fields are added to and never changed. Text out
//! is the sentence's own language, so that what is shown can be typed.

use super::grammar;
use crate::domain::{AccountKey, BrokerId, Currency, InstrumentId, Money, Price, Quantity, SafeText};
use crate::market::Timeframe;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Tests, combined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Every one of these.
    All(Vec<Condition>),
    /// At least one of these.
    Any(Vec<Condition>),
    /// One test.
    Is(Test),
}

impl Condition {
    /// Tells every test, in the order of the sentence.
    pub fn each(&self, tell: &mut impl FnMut(&Test)) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.each(tell);
                }
            }
            Self::Is(test) => tell(test),
        }
    }
    /// How many tests there are, and how deep they lie.
    pub fn size(&self) -> (usize, usize) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts
                .iter()
                .map(Self::size)
                .fold((0, 1), |(count, deep), (more, below)| {
                    (count + more, deep.max(below + 1))
                }),
            Self::Is(_) => (1, 0),
        }
    }
    /// The first instrument that a test names.
    pub fn instrument(&self) -> Option<InstrumentId> {
        let mut first = None;
        self.each(&mut |test| first = first.or(test.instrument()));
        first
    }
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// What the market says of an instrument.
    Market {
        /// Of what.
        instrument: InstrumentId,
        /// This
        left: Value,
        /// compared so
        op: Op,
        /// with that.
        right: Value,
    },
    /// Profit of an account, or of one instrument in it.
    Profit {
        /// Whose.
        account: AccountKey,
        /// Of one instrument only.
        instrument: Option<InstrumentId>,
        /// In which currency; nothing is converted.
        currency: Currency,
        /// Of the day, or of what is held.
        of: Profit,
        /// Compared so
        op: Op,
        /// with this.
        amount: Money,
    },
    /// What is held.
    Position {
        /// Whose.
        account: AccountKey,
        /// Of what.
        instrument: InstrumentId,
        /// Compared so
        op: Op,
        /// with this.
        quantity: Quantity,
    },
    /// Something became of an order.
    Order {
        /// On this instrument only.
        instrument: Option<InstrumentId>,
        /// What.
        became: OrderWord,
    },
    /// The link to a broker is so, for at least so long.
    Link {
        /// Which; any where none is named.
        broker: Option<BrokerId>,
        /// How it is.
        is: LinkWord,
        /// For how many seconds.
        for_s: u32,
    },
    /// The system is so.
    System(SystemWord),
}

impl Test {
    /// The instrument that it names.
    pub fn instrument(&self) -> Option<InstrumentId> {
        match self {
            Self::Market { instrument, .. } | Self::Position { instrument, .. } => Some(*instrument),
            Self::Profit { instrument, .. } | Self::Order { instrument, .. } => *instrument,
            Self::Link { .. } | Self::System(_) => None,
        }
    }
}

/// What the market is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A price.
    Price(Field),
    /// The change from the previous close, in percent.
    DayPercent,
    /// A study's value at the newest finished bar.
    Study {
        /// Such as `rsi 14`, as [`crate::market::studies::StudySpec`] reads it.
        study: SafeText,
        /// On bars of which length.
        timeframe: Timeframe,
    },
    /// A number as typed: a price, a percentage, a study's value.
    Number(Price),
}

/// Which price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The last print; the middle of the quote where nothing prints.
    Last,
    /// The best bid.
    Bid,
    /// The best ask.
    Ask,
    /// Halfway.
    Mid,
}
impl Field {
    /// As the sentence says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Bid => "bid",
            Self::Ask => "ask",
            Self::Mid => "mid",
        }
    }
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// It was not above, and now is.
    CrossesAbove,
    /// It was not below, and now is.
    CrossesBelow,
}
impl Op {
    /// As the sentence says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::CrossesAbove => "crosses above",
            Self::CrossesBelow => "crosses below",
        }
    }
    /// Whether `a` stands so to `b` now. That a crossing also needs a before is the caller's.
    pub fn holds<T: PartialOrd>(self, a: &T, b: &T) -> bool {
        match self {
            Self::Above | Self::CrossesAbove => a > b,
            Self::AtLeast => a >= b,
            Self::Below | Self::CrossesBelow => a < b,
            Self::AtMost => a <= b,
            Self::Equal => a == b,
        }
    }
    /// True for what is told at the moment it changes sides.
    pub fn crosses(self) -> bool {
        matches!(self, Self::CrossesAbove | Self::CrossesBelow)
    }
}

/// Which profit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profit {
    /// Since the trading day began.
    Day,
    /// Of what is held.
    Open,
}

/// What may become of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderWord {
    /// All of it was executed.
    Filled,
    /// The broker or the controls refused it, or it never left.
    Rejected,
    /// It was cancelled or ran out.
    Cancelled,
    /// It works for at least so many seconds.
    Working(u32),
}

/// How a link may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkWord {
    /// There is no connection, whatever is tried.
    Down,
    /// Connected, and not to be relied on.
    Degraded,
    /// All is well.
    Ready,
}
impl LinkWord {
    fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Degraded => "degraded",
            Self::Ready => "ready",
        }
    }
}

/// What may be wrong with the system as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemWord {
    /// Trading in an account is halted; a journal that can't be written halts too.
    Halted,
    /// An account may only reduce.
    Reducing,
    /// A position differs from the broker's, and nothing explains it.
    Mismatch,
    /// Executions of some time are not known.
    Gap,
}
impl SystemWord {
    /// As the sentence says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Halted => "halted",
            Self::Reducing => "reducing",
            Self::Mismatch => "mismatch",
            Self::Gap => "gap",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, between) = match self {
            Self::Is(test) => return test.fmt(f),
            Self::All(parts) => (parts, " and "),
            Self::Any(parts) => (parts, " or "),
        };
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                f.write_str(between)?;
            }
            match part {
                Self::Is(test) => test.fmt(f)?,
                nested => write!(f, "({nested})")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Market {
                instrument,
                left,
                op,
                right,
            } => {
                write!(f, "{instrument}")?;
                match left {
                    Value::Price(Field::Last) => {}
                    other => write!(f, " {other}")?,
                }
                write!(f, " {} {right}", op.word())
            }
            Self::Profit {
                instrument,
                currency,
                of,
                op,
                amount,
                ..
            } => {
                let of = match of {
                    Profit::Day => "day",
                    Profit::Open => "open",
                };
                match instrument {
                    Some(instrument) => write!(f, "pnl {of} {instrument} {} {amount}", op.word()),
                    None => write!(f, "pnl {of} {currency} {} {amount}", op.word()),
                }
            }
            Self::Position {
                instrument,
                op,
                quantity,
                ..
            } => write!(f, "position {instrument} {} {quantity}", op.word()),
            Self::Order { instrument, became } => {
                f.write_str("order ")?;
                if let Some(instrument) = instrument {
                    write!(f, "{instrument} ")?;
                }
                match became {
                    OrderWord::Filled => f.write_str("filled"),
                    OrderWord::Rejected => f.write_str("rejected"),
                    OrderWord::Cancelled => f.write_str("cancelled"),
                    OrderWord::Working(seconds) => write!(f, "working {}", grammar::span_text(*seconds)),
                }
            }
            Self::Link { broker, is, for_s } => {
                f.write_str("link ")?;
                if let Some(broker) = broker {
                    write!(f, "{broker} ")?;
                }
                f.write_str(is.word())?;
                match for_s {
                    0 => Ok(()),
                    seconds => write!(f, " {}", grammar::span_text(*seconds)),
                }
            }
            Self::System(word) => write!(f, "system {}", word.word()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Price(field) => f.write_str(field.word()),
            Self::DayPercent => f.write_str("day%"),
            Self::Study { study, timeframe } => write!(f, "{timeframe} {study}"),
            Self::Number(number) => number.fmt(f),
        }
    }
}
