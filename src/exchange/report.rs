//! What the exchange says: reports to the member an order belongs to, records of trades for everybody, and
//! refusals in words.

use super::book::{DoneReason, RejectReason, RestoreError};
use super::{ListingNo, MemberNo, OrderNo, TradeNo};
use crate::domain::{Currency, Money, Price, Quantity, Side, Timestamp};

/// What one operation brought about. Reused from call to call; see [`Outbox::clear`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    /// To members, in the order things happened.
    pub reports: Vec<Report>,
    /// Trades, in the order they happened.
    pub trades: Vec<TradeRecord>,
}

impl Outbox {
    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.reports.clear();
        self.trades.clear();
    }
}

/// A report to one member about one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// To whom.
    pub member: MemberNo,
    /// Which order.
    pub order: OrderNo,
    /// In what.
    pub listing: ListingNo,
    /// What happened.
    pub what: Happening,
}

/// What happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// It is alive.
    Accepted,
    /// Part or all of it traded.
    Filled(Fill),
    /// It left the exchange.
    Done {
        /// Why.
        why: DoneReason,
        /// What never traded.
        leaves: Quantity,
    },
    /// It was changed.
    Modified {
        /// Open after the change.
        leaves: Quantity,
        /// Whether it kept its place in the queue.
        kept: bool,
    },
    /// A stop was elected and now runs as a market or limit order.
    Triggered,
}

/// One side of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The trade.
    pub trade: TradeNo,
    /// Which way.
    pub side: Side,
    /// At what price.
    pub price: Price,
    /// How much.
    pub quantity: Quantity,
    /// What it cost, in the instrument's currency.
    pub fee: Money,
    /// True where the order rested and the other came to it.
    pub maker: bool,
    /// Filled so far, this fill included.
    pub filled: Quantity,
    /// Still open.
    pub leaves: Quantity,
}

/// A trade with both its sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeRecord {
    /// Unique, ascending.
    pub id: TradeNo,
    /// Of what.
    pub listing: ListingNo,
    /// At what price: the maker's.
    pub price: Price,
    /// How much.
    pub quantity: Quantity,
    /// Side of the taker.
    pub aggressor: Side,
    /// The side that rested.
    pub maker: Party,
    /// The side that came.
    pub taker: Party,
    /// When.
    pub at: Timestamp,
}

/// One side of a [`TradeRecord`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    /// Whose.
    pub member: MemberNo,
    /// Which order.
    pub order: OrderNo,
    /// What it paid for the trade.
    pub fee: Money,
}

/// Why the exchange refused. Nothing of what was asked has been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such listing.
    #[error("the exchange does not list this instrument")]
    UnknownListing,
    /// No such member.
    #[error("the exchange does not know this account")]
    UnknownMember,
    /// No live order of this member has this number.
    #[error("no working order of this account has this number; it may have filled or ended")]
    UnknownOrder,
    /// Zero or below.
    #[error("price {price} is not positive")]
    BadPrice {
        /// As asked.
        price: Price,
    },
    /// Between two allowed prices.
    #[error("price {price} is not a multiple of {tick}; the nearest that risks no more is {nearest}")]
    OffTick {
        /// As asked.
        price: Price,
        /// Allowed, and no worse for the owner.
        nearest: Price,
        /// Tick in force at the price.
        tick: Price,
    },
    /// Not positive, or not a whole number of lots.
    #[error(
        "quantity {quantity} is not a positive multiple of {lot}; the nearest that risks no more is {nearest}"
    )]
    OffLot {
        /// As asked.
        quantity: Quantity,
        /// Allowed.
        nearest: Quantity,
        /// The lot.
        lot: Quantity,
    },
    /// A way to execute that this exchange does not have.
    #[error("the exchange has no {word} orders; it takes mkt, lmt, stp and stp lmt")]
    NoSuchType {
        /// As traders say it.
        word: &'static str,
    },
    /// A time in force that this exchange does not have.
    #[error("the exchange has no {word} orders, for it has no auctions; it takes day, gtc, gtd, ioc and fok")]
    NoSuchLife {
        /// As traders say it.
        word: &'static str,
    },
    /// Too much value or quantity to settle.
    #[error("the order is too large to settle; make it smaller")]
    TooLarge,
    /// The account cannot carry it.
    #[error("insufficient funds: the order needs {needed} {currency} and {available} {currency} is free")]
    InsufficientFunds {
        /// What the order asks for beyond what is bound already.
        needed: Money,
        /// What is free.
        available: Money,
        /// In what.
        currency: Currency,
    },
    /// More sold than held where nothing can be sold short.
    #[error("selling {selling} in all, {held} held: this instrument cannot be sold short")]
    NotHeld {
        /// This order and those working.
        selling: Quantity,
        /// The position.
        held: Quantity,
    },
    /// The book's own rules.
    #[error("{}", book_words(*.0))]
    Book(RejectReason),
}

impl Rejection {
    /// The word that programs and logs use.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownListing => "unknown_instrument",
            Self::UnknownMember => "unknown_account",
            Self::UnknownOrder => "unknown_order",
            Self::BadPrice { .. } => "bad_price",
            Self::OffTick { .. } => "off_tick",
            Self::OffLot { .. } => "off_lot",
            Self::NoSuchType { .. } | Self::NoSuchLife { .. } => "not_supported",
            Self::TooLarge => "too_large",
            Self::InsufficientFunds { .. } => "insufficient_funds",
            Self::NotHeld { .. } => "not_held",
            Self::Book(why) => why.code(),
        }
    }
}

const fn book_words(why: RejectReason) -> &'static str {
    match why {
        RejectReason::DuplicateId => "this order number was used before",
        RejectReason::BadQty => "the quantity is not positive",
        RejectReason::BadPrice => "the price is out of range",
        RejectReason::BadStop => "the trigger price is out of range",
        RejectReason::BadDisplay => {
            "a display size is for resting limit orders, positive and at most the quantity"
        }
        RejectReason::Expired => "the order's date has already come",
        RejectReason::BookFull => "the book takes no more orders at the moment",
        RejectReason::UnknownId => "no working order has this number",
        RejectReason::NotModifiable => "the order cannot be changed now",
    }
}

/// Why an order could not be put back after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PutBackError {
    /// It would not be accepted today.
    #[error("{0}")]
    Refused(#[from] Rejection),
    /// It is immediate, or would cross what already rests.
    #[error("the order cannot rest where it stood: {}", restore_words(*.0))]
    CannotRest(RestoreError),
}

const fn restore_words(why: RestoreError) -> &'static str {
    match why {
        RestoreError::Invalid(why) => book_words(why),
        RestoreError::CannotRest => "it is an immediate or market order",
        RestoreError::WouldCross => "it would cross the other side; put orders back before others trade",
    }
}
