//! An order: what was asked ([`OrderSpec`]), and how far it has come ([`Order`], [`Phase`]). Which phase may follow which
//! stands in one table in `engine::order_flow`; here are the nouns only.

use super::id::{AccountKey, BrokerOrderId, ClientOrderId, InstrumentId};
use super::number::{Money, Multiplier, Price, Quantity};
use super::text::SafeText;
use super::time::Timestamp;
use super::trail::Distance;
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
    /// A stop whose trigger follows the market at `distance` while it moves the owner's way, and stays while it doesn't.
    Trail {
        /// Where the trigger is now; nothing until the broker has told.
        trigger: Option<Price>,
        /// How far behind the best price seen.
        distance: Distance,
    },
    /// A trailing stop that becomes a limit order: at the trigger, less (sell) or more (buy) by `offset`.
    TrailLimit {
        /// Where the trigger is now; nothing until the broker has told.
        trigger: Option<Price>,
        /// How far behind the best price seen.
        distance: Distance,
        /// How far beyond the trigger the limit lies, zero or above.
        offset: Price,
    },
    /// At the closing auction's price, whatever it is.
    MarketOnClose,
    /// At the closing auction's price, if that is `price` or better.
    LimitOnClose {
        /// The worst price accepted.
        price: Price,
    },
    /// Rests halfway between bid and ask and follows them, no further than `cap`.
    Midprice {
        /// The worst price accepted, where there is one.
        cap: Option<Price>,
    },
}
impl OrderKind {
    /// The limit price as stated, where it has one: of a midprice order its cap. A trailing limit has none of its own:
    /// see [`OrderKind::trailing_limit`].
    pub fn limit(self) -> Option<Price> {
        match self {
            Self::Limit { price } | Self::StopLimit { price, .. } | Self::LimitOnClose { price } => {
                Some(price)
            }
            Self::Midprice { cap } => cap,
            Self::Market
            | Self::Stop { .. }
            | Self::Trail { .. }
            | Self::TrailLimit { .. }
            | Self::MarketOnClose => None,
        }
    }
    /// The trigger price, where it has one and it is known.
    pub fn trigger(self) -> Option<Price> {
        match self {
            Self::Stop { trigger } | Self::StopLimit { trigger, .. } => Some(trigger),
            Self::Trail { trigger, .. } | Self::TrailLimit { trigger, .. } => trigger,
            Self::Market
            | Self::Limit { .. }
            | Self::MarketOnClose
            | Self::LimitOnClose { .. }
            | Self::Midprice { .. } => None,
        }
    }
    /// How far its trigger trails the market, for trailing stops.
    pub fn distance(self) -> Option<Distance> {
        match self {
            Self::Trail { distance, .. } | Self::TrailLimit { distance, .. } => Some(distance),
            _ => None,
        }
    }
    /// The limit that a trailing stop-limit of `side` has with its trigger at `trigger`; nothing for every other kind,
    /// and where it would not fit.
    pub fn trailing_limit(self, side: Side, trigger: Price) -> Option<Price> {
        match (self, side) {
            (Self::TrailLimit { offset, .. }, Side::Buy) => trigger.checked_add(offset),
            (Self::TrailLimit { offset, .. }, Side::Sell) => trigger.checked_sub(offset),
            _ => None,
        }
    }
    /// True for orders that wait for a trigger, known or not: what protects a position.
    pub fn is_stop(self) -> bool {
        matches!(
            self,
            Self::Stop { .. } | Self::StopLimit { .. } | Self::Trail { .. } | Self::TrailLimit { .. }
        )
    }
    /// True for orders that wait for the closing auction.
    pub fn is_on_close(self) -> bool {
        matches!(self, Self::MarketOnClose | Self::LimitOnClose { .. })
    }
    /// True where both are one and the same order: equal, but for the trigger of a trailing stop, which the market moves.
    pub fn agrees_with(self, other: Self) -> bool {
        let still = |kind| match kind {
            Self::Trail { distance, .. } => Self::Trail {
                trigger: None,
                distance,
            },
            Self::TrailLimit { distance, offset, .. } => Self::TrailLimit {
                trigger: None,
                distance,
                offset,
            },
            kind => kind,
        };
        still(self) == still(other)
    }
    /// The short word traders use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Market => "mkt",
            Self::Limit { .. } => "lmt",
            Self::Stop { .. } => "stp",
            Self::StopLimit { .. } => "stp lmt",
            Self::Trail { .. } => "trail",
            Self::TrailLimit { .. } => "trail lmt",
            Self::MarketOnClose => "moc",
            Self::LimitOnClose { .. } => "loc",
            Self::Midprice { .. } => "mid",
        }
    }
    /// As people read it, with prices as `show` writes them.
    pub fn text(self, show: impl Fn(Price) -> String) -> String {
        let now = |trigger: Option<Price>| trigger.map_or(String::new(), |at| format!(", now {}", show(at)));
        match self {
            Self::Market => "mkt".to_owned(),
            Self::Limit { price } => format!("lmt {}", show(price)),
            Self::Stop { trigger } => format!("stp {}", show(trigger)),
            Self::StopLimit { trigger, price } => format!("stp {} lmt {}", show(trigger), show(price)),
            Self::Trail { trigger, distance } => format!("trail {}{}", distance.text(&show), now(trigger)),
            Self::TrailLimit {
                trigger,
                distance,
                offset,
            } => format!(
                "trail {} lmt {}{}",
                distance.text(&show),
                show(offset),
                now(trigger)
            ),
            Self::MarketOnClose => "moc".to_owned(),
            Self::LimitOnClose { price } => format!("loc {}", show(price)),
            Self::Midprice { cap: None } => "mid".to_owned(),
            Self::Midprice { cap: Some(cap) } => format!("mid {}", show(cap)),
        }
    }
}
impl fmt::Display for OrderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(|price| format!("{price:.2}")))
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
    /// In the opening auction; what does not trade there is cancelled.
    Opg,
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
            Self::Opg => "opg",
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
    /// It may also trigger and trade outside the regular session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outside_hours: bool,
}

impl fmt::Display for OrderSpec {
    /// As a trader would say it: `BUY 100 AAPL lmt 189.50 day`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {} {}{}",
            self.side.word(),
            self.quantity,
            self.instrument,
            self.kind,
            self.tif.word(),
            if self.outside_hours { " outside" } else { "" }
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
    /// Kept here for a moment because the broker was away, by a person's wish: it never left, and leaves only if all that
    /// it was made for still holds.
    Parked,
}
impl Phase {
    /// True while the order may still execute, as far as we know. All of these but the parked count in exposure: those
    /// pass every control anew before they leave.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            Self::Created | Self::InFlight | Self::Uncertain | Self::Held | Self::Working | Self::Parked
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
            Self::Parked => "PARKED",
        }
    }
}

/// What a modify changes; an absent field stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderChange {
    /// The new total quantity, what is filled included.
    pub quantity: Option<Quantity>,
    /// The new limit price, or the cap of a midprice order.
    pub price: Option<Price>,
    /// The new trigger.
    pub trigger: Option<Price>,
    /// How far a trailing stop trails from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<Distance>,
}
impl OrderChange {
    /// `kind` with the changed prices. A price that the kind does not have is left out.
    pub fn applied_to(self, kind: OrderKind) -> OrderKind {
        match kind {
            OrderKind::Market | OrderKind::MarketOnClose => kind,
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
            OrderKind::Trail { trigger, distance } => OrderKind::Trail {
                trigger: self.trigger.or(trigger),
                distance: self.distance.unwrap_or(distance),
            },
            OrderKind::TrailLimit {
                trigger,
                distance,
                offset,
            } => OrderKind::TrailLimit {
                trigger: self.trigger.or(trigger),
                distance: self.distance.unwrap_or(distance),
                offset,
            },
            OrderKind::LimitOnClose { price } => OrderKind::LimitOnClose {
                price: self.price.unwrap_or(price),
            },
            OrderKind::Midprice { cap } => OrderKind::Midprice {
                cap: self.price.or(cap),
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
    /// The order that had to fill before this one could leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ClientOrderId>,
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
    /// The middle of the quote that the controls used when the intent was recorded; nothing where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<Price>,
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
