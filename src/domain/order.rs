//! An order: what was asked ([`OrderSpec`]), and how far it has come ([`Order`], [`Phase`]). Which phase may follow which
//! stands in one table in `engine::order_flow`; here are the nouns only.

use super::id::{AccountKey, BrokerOrderId, ClientOrderId, InstrumentId};
use super::number::{Money, Multiplier, Price, Quantity};
use super::text::SafeText;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Adds to the position.
    Buy,
    /// Takes from the position.
    Sell,
}
impl Side {
    /// The other side.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
    /// `quantity` as a change of position: positive for a buy.
    pub fn signed(self, quantity: Quantity) -> Quantity {
        match self {
            Self::Buy => quantity,
            Self::Sell => quantity.negated(),
        }
    }
    /// `BUY` or `SELL`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }
}

/// How an order executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OrderKind {
    /// At the best price there is.
    Market,
    /// At `price` or better.
    Limit {
        /// The worst price accepted.
        price: Price,
    },
    /// Becomes a market order when a print reaches `trigger`.
    Stop {
        /// The price that wakes it.
        trigger: Price,
    },
    /// Becomes a limit order when a print reaches `trigger`.
    StopLimit {
        /// The price that wakes it.
        trigger: Price,
        /// The worst price accepted.
        price: Price,
    },
}
impl OrderKind {
    /// The limit price, where it has one.
    pub fn limit(self) -> Option<Price> {
        match self {
            Self::Limit { price } | Self::StopLimit { price, .. } => Some(price),
            Self::Market | Self::Stop { .. } => None,
        }
    }
    /// The trigger price, where it has one.
    pub fn trigger(self) -> Option<Price> {
        match self {
            Self::Stop { trigger } | Self::StopLimit { trigger, .. } => Some(trigger),
            Self::Market | Self::Limit { .. } => None,
        }
    }
    /// True for orders that wait for a trigger: what protects a position.
    pub fn is_stop(self) -> bool {
        self.trigger().is_some()
    }
    /// The short word traders use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Market => "mkt",
            Self::Limit { .. } => "lmt",
            Self::Stop { .. } => "stp",
            Self::StopLimit { .. } => "stp lmt",
        }
    }
}
impl fmt::Display for OrderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Market => write!(f, "mkt"),
            Self::Limit { price } => write!(f, "lmt {price:.2}"),
            Self::Stop { trigger } => write!(f, "stp {trigger:.2}"),
            Self::StopLimit { trigger, price } => write!(f, "stp {trigger:.2} lmt {price:.2}"),
        }
    }
}

/// How long an order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TimeInForce {
    /// Until the session ends.
    Day,
    /// Until cancelled.
    Gtc,
    /// What can trade at once trades; the rest is cancelled.
    Ioc,
    /// All at once or nothing.
    Fok,
    /// Until a moment.
    Gtd {
        /// When it expires.
        until: Timestamp,
    },
}
impl TimeInForce {
    /// The short word traders use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Gtc => "gtc",
            Self::Ioc => "ioc",
            Self::Fok => "fok",
            Self::Gtd { .. } => "gtd",
        }
    }
}

/// What an order is for in its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// An order of its own, or the entry of a bracket.
    #[default]
    Entry,
    /// The profit-taking child of a bracket.
    Target,
    /// The protective child of a bracket.
    StopLoss,
}

/// Everything that is asked for. Two specs that are equal are the same order under the same client id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSpec {
    /// For which account.
    pub account: AccountKey,
    /// Of what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much in all, positive.
    pub quantity: Quantity,
    /// How it executes.
    pub kind: OrderKind,
    /// How long it lives.
    pub tif: TimeInForce,
    /// The part shown, for icebergs.
    pub display: Option<Quantity>,
    /// The asker knows that this sells more than is held, or opens a short.
    pub allow_short: bool,
    /// What it is for.
    pub role: Role,
    /// The entry this order belongs to: it waits until that one has filled.
    pub parent: Option<ClientOrderId>,
}

impl fmt::Display for OrderSpec {
    /// As a trader would say it: `BUY 100 AAPL lmt 189.50 day`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {} {}",
            self.side.word(),
            self.quantity,
            self.instrument,
            self.kind,
            self.tif.word()
        )
    }
}

/// How far an order has come. A partial fill is no phase: it is `filled > 0`. A pending cancel or modify is no phase
/// either: see [`Order::pending`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Durable here, not released: it waits for its parent.
    Created,
    /// Refused by our own controls; never left.
    Denied,
    /// Released to the broker; no answer yet.
    InFlight,
    /// Released, and no answer for five seconds or the link lost: it may be there or not. Never sent again by itself.
    Uncertain,
    /// At the broker, off the book: a stop that waits for its trigger.
    Held,
    /// On the book.
    Working,
    /// Entirely executed.
    Filled,
    /// Ended by a cancel; what was filled stays filled.
    Cancelled,
    /// Ended by time.
    Expired,
    /// Refused by the broker.
    Rejected,
    /// Provably never left us.
    NotSent,
    /// Was uncertain, then missing from two complete reads of the broker's orders. A late report revives it.
    Absent,
    /// Acknowledged once, now nowhere at the broker. A late report revives it.
    Lost,
}
impl Phase {
    /// True while the order may still execute, as far as we know: what counts in exposure.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            Self::Created | Self::InFlight | Self::Uncertain | Self::Held | Self::Working
        )
    }
    /// True while the broker may have it.
    pub fn is_at_broker(self) -> bool {
        matches!(
            self,
            Self::InFlight | Self::Uncertain | Self::Held | Self::Working
        )
    }
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "waiting",
            Self::Denied => "denied",
            Self::InFlight => "in flight",
            Self::Uncertain => "uncertain",
            Self::Held => "held",
            Self::Working => "working",
            Self::Filled => "filled",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::NotSent => "not sent",
            Self::Absent => "absent",
            Self::Lost => "lost",
        }
    }
}

/// What a modify changes; an absent field stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderChange {
    /// The new total quantity, what is filled included.
    pub quantity: Option<Quantity>,
    /// The new limit price.
    pub price: Option<Price>,
    /// The new trigger.
    pub trigger: Option<Price>,
}
impl OrderChange {
    /// `kind` with the changed prices. A price that the kind does not have is left out.
    pub fn applied_to(self, kind: OrderKind) -> OrderKind {
        match kind {
            OrderKind::Market => kind,
            OrderKind::Limit { price } => OrderKind::Limit {
                price: self.price.unwrap_or(price),
            },
            OrderKind::Stop { trigger } => OrderKind::Stop {
                trigger: self.trigger.unwrap_or(trigger),
            },
            OrderKind::StopLimit { trigger, price } => OrderKind::StopLimit {
                trigger: self.trigger.unwrap_or(trigger),
                price: self.price.unwrap_or(price),
            },
        }
    }
}

/// What has been asked of the broker about a live order and is not yet answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Pending {
    /// A cancel.
    Cancel,
    /// A change.
    Modify {
        /// What is to change.
        change: OrderChange,
    },
}

/// An order and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What the asker calls it.
    pub id: ClientOrderId,
    /// What was asked for at first: the same id with this content again is the same order.
    pub asked: OrderSpec,
    /// What it is now, as changed since.
    pub spec: OrderSpec,
    /// How far it has come.
    pub phase: Phase,
    /// Executed so far.
    pub filled: Quantity,
    /// Price times quantity of what was executed, for the average; without the multiplier.
    pub filled_value: Money,
    /// The broker's durable name, once it told.
    pub broker_id: Option<BrokerOrderId>,
    /// Asked and not yet answered.
    pub pending: Option<Pending>,
    /// When that was asked, or last answered.
    pub pending_since: Option<Timestamp>,
    /// Orders of one group: when one fills, the others shrink or go.
    pub oco: Option<ClientOrderId>,
    /// Why it is as it is, in words, where there is something to say.
    pub reason: Option<SafeText>,
    /// Made elsewhere (another program, the broker's own screens) and adopted.
    pub external: bool,
    /// Only the session of the broker that made it may cancel or change it, and that is not ours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub foreign: bool,
    /// The number that our session gave it when it was released: what brokers that count orders call it on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i32>,
    /// When the intent was recorded.
    pub created_at: Timestamp,
    /// When it was released to the broker.
    pub sent_at: Option<Timestamp>,
    /// When the broker first answered.
    pub acked_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// In how many complete reads of the broker's orders it has been missing, and since when.
    pub missing: Option<(u32, Timestamp)>,
}

impl Order {
    /// What may still execute, never negative.
    pub fn leaves(&self) -> Quantity {
        Quantity::from_raw(self.spec.quantity.saturating_sub(self.filled).raw().max(0))
    }
    /// The average price of what was executed.
    pub fn average_price(&self) -> Option<Price> {
        self.filled_value.per_unit(self.filled, Multiplier::ONE)
    }
}
