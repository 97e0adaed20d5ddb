//! What goes into a book: operations and orders as their senders state them, in ticks and lots. Nothing
//! here is validated; the book does that, in a fixed order, when the operation is applied.

use super::RejectReason;
use crate::domain::Side;

/// Highest price a book takes, in ticks. (`i64::MAX` itself marks an empty side.)
pub const MAX_PRICE: i64 = i64::MAX - 1;

/// Most orders that may be alive in one book.
pub const MAX_LIVE: usize = 1 << 24;

/// The owner that is nobody: never held to be the same party as anyone, itself included.
pub const NO_OWNER: u32 = 0;

/// One operation on a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Enter an order.
    New(NewOrder),
    /// Take an order out.
    Cancel {
        /// The order.
        id: u64,
    },
    /// Change an order; what is absent stays.
    Modify(Modify),
    /// Nothing but the clock moves.
    Time,
    /// The trading day is over: DAY orders end.
    SessionEnd,
}

/// An order as it is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Never used before in this book.
    pub id: u64,
    /// Who is behind it, for self-trade prevention and reports; [`NO_OWNER`] for nobody in particular.
    pub owner: u32,
    /// Buy or sell.
    pub side: Side,
    /// How it is priced.
    pub order_type: OrderType,
    /// How long it lives.
    pub tif: TimeInForce,
    /// Lots.
    pub qty: i64,
    /// Lots shown at a time, for an iceberg.
    pub display: Option<i64>,
}

/// A change to a live order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modify {
    /// The order.
    pub id: u64,
    /// New total size in lots, what has been filled included.
    pub qty: Option<i64>,
    /// New limit price in ticks.
    pub price: Option<i64>,
    /// New stop price in ticks, for a pending stop.
    pub stop: Option<i64>,
}

/// How an order is priced; prices in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderType {
    /// Trades at its price or better, and rests.
    Limit {
        /// Limit price.
        price: i64,
    },
    /// Trades at any price, never rests.
    Market,
    /// Waits for a print at or beyond `stop`, then is a market order.
    Stop {
        /// Stop price.
        stop: i64,
    },
    /// Waits for a print at or beyond `stop`, then is a limit order.
    StopLimit {
        /// Stop price.
        stop: i64,
        /// Limit price once elected.
        price: i64,
    },
}

impl OrderType {
    /// Limit price in ticks, if the type has one.
    #[must_use]
    pub const fn price(&self) -> Option<i64> {
        match self {
            Self::Limit { price } | Self::StopLimit { price, .. } => Some(*price),
            Self::Market | Self::Stop { .. } => None,
        }
    }

    /// Stop price in ticks, if the type has one.
    #[must_use]
    pub const fn stop(&self) -> Option<i64> {
        match self {
            Self::Stop { stop } | Self::StopLimit { stop, .. } => Some(*stop),
            Self::Limit { .. } | Self::Market => None,
        }
    }
}

/// How long an order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeInForce {
    /// Until cancelled.
    Gtc,
    /// Until the session ends.
    Day,
    /// Until the clock reaches this time.
    Gtd(i64),
    /// Fills what it can at once, the rest is cancelled.
    Ioc,
    /// Fills whole at once or not at all.
    Fok,
}

/// A live order put back as it stood, without matching: what a restart needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoredOrder {
    /// The order with its full original size; a stop that was already elected is stated as the limit order
    /// it became.
    pub order: NewOrder,
    /// Lots still open.
    pub leaves: i64,
    /// Of these, lots an iceberg showed; absent: what it would show if it had just come to rest.
    pub visible: Option<i64>,
    /// Rank of acceptance. The order of *calls* makes the queue; this makes the order of expiry and election.
    pub entry: u64,
}

/// Why an order could not be put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// It would not have been accepted or cannot rest.
    Invalid(RejectReason),
    /// An immediate or market order never rests.
    CannotRest,
    /// It would cross the other side.
    WouldCross,
}
