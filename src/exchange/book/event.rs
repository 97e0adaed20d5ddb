//! What a book says back: the events of one operation, in the exact order they happen. Plain numbers
//! (ticks, lots, ids); naming accounts, money and reports is left to the exchange around the book.

use crate::domain::Side;

/// One thing that happened in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookEvent {
    /// The order passed validation and is now alive.
    Accepted {
        /// The order.
        id: u64,
    },
    /// The operation was refused; nothing in the book changed.
    Rejected {
        /// The order named by the operation.
        id: u64,
        /// Why.
        why: RejectReason,
    },
    /// Two orders met.
    Trade(Trade),
    /// The order left the book for good.
    Done {
        /// The order.
        id: u64,
        /// Why.
        why: DoneReason,
        /// Lots that were never filled.
        leaves: i64,
        /// The order's owner, as given when it was entered.
        owner: u32,
    },
    /// A pending stop was elected and now runs as a market or limit order.
    Triggered {
        /// The order.
        id: u64,
    },
    /// The order was changed.
    Modified {
        /// The order.
        id: u64,
        /// Lots open after the change.
        leaves: i64,
        /// Whether the order kept its place in the queue.
        kept: bool,
    },
}

/// A print: one maker met one taker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The resting order's price, in ticks.
    pub price: i64,
    /// Lots traded.
    pub qty: i64,
    /// The resting order.
    pub maker: u64,
    /// The order that came in.
    pub taker: u64,
    /// Lots the maker still has open, hidden ones included.
    pub maker_leaves: i64,
    /// Lots the taker still has open.
    pub taker_leaves: i64,
    /// Owner of the maker.
    pub maker_owner: u32,
    /// Owner of the taker.
    pub taker_owner: u32,
    /// Side of the taker.
    pub side: Side,
}

/// Why an operation was refused. The order of the variants is the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// The id was used before, be it by an order that was itself refused.
    DuplicateId,
    /// Quantity is not positive.
    BadQty,
    /// A limit price is missing, not positive or above [`MAX_PRICE`](super::MAX_PRICE).
    BadPrice,
    /// A stop price is not positive.
    BadStop,
    /// A display size is not allowed here, not positive or above the order's size.
    BadDisplay,
    /// A good-till-date order whose time has already come.
    Expired,
    /// The book holds [`MAX_LIVE`](super::MAX_LIVE) orders and takes no more.
    BookFull,
    /// No live order has this id.
    UnknownId,
    /// The order is a pending stop, and the profile does not let those be changed.
    NotModifiable,
}

impl RejectReason {
    /// The word used in logs and streams.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::DuplicateId => "duplicate_id",
            Self::BadQty => "bad_qty",
            Self::BadPrice => "bad_price",
            Self::BadStop => "bad_stop",
            Self::BadDisplay => "bad_display",
            Self::Expired => "expired",
            Self::BookFull => "book_full",
            Self::UnknownId => "unknown_id",
            Self::NotModifiable => "not_modifiable",
        }
    }
}

/// Why an order left the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoneReason {
    /// Nothing is left to fill.
    Filled,
    /// Cancelled by its owner, or reduced to nothing.
    Cancelled,
    /// Its date came.
    Expired,
    /// The session of a DAY order ended.
    DayEnd,
    /// An immediate-or-cancel order could not fill further.
    Ioc,
    /// A fill-or-kill order could not fill whole; nothing traded.
    Fok,
    /// A market order found no one left to trade with.
    NoLiquidity,
    /// Pulled because its owner's newer order would have traded with it (profile desk).
    SelfTrade,
}

impl DoneReason {
    /// The word used in logs and streams.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Filled => "filled",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::DayEnd => "day_end",
            Self::Ioc => "ioc",
            Self::Fok => "fok",
            Self::NoLiquidity => "no_liquidity",
            Self::SelfTrade => "self_trade",
        }
    }
}
