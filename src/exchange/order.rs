//! Orders as members state them and as the exchange tells them back, in prices and quantities. What the exchange
//! tells of a live order is what it takes to put that order back after a restart.

use super::book::{NewOrder, OrderType, TimeInForce as BookTif};
use super::listing::Market;
use super::report::Rejection;
use super::{ListingNo, MemberNo, OrderNo};
use crate::domain::{Money, OrderKind, Quantity, Side, TimeInForce, Timestamp};

/// An order to enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRequest {
    /// Which way.
    pub side: Side,
    /// How it is priced.
    pub kind: OrderKind,
    /// How long it lives.
    pub tif: TimeInForce,
    /// How much.
    pub quantity: Quantity,
    /// How much of it is shown at a time, for an iceberg.
    pub display: Option<Quantity>,
}

/// A live order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderState {
    /// Its number.
    pub order: OrderNo,
    /// Whose.
    pub member: MemberNo,
    /// In what.
    pub listing: ListingNo,
    /// As stated or last changed; a stop that was elected is the limit order it became. The quantity is the
    /// total, what has been filled included.
    pub request: OrderRequest,
    /// Filled so far.
    pub filled: Quantity,
    /// Value of what was filled, as settled.
    pub filled_value: Money,
    /// Fees charged so far.
    pub fees: Money,
    /// Of an iceberg's open quantity, what it shows now.
    pub visible: Quantity,
}

impl OrderState {
    /// Still open.
    #[must_use]
    pub fn leaves(&self) -> Quantity {
        self.request.quantity.saturating_sub(self.filled)
    }
}

/// A request in ticks and lots.
pub(super) fn to_book(
    market: &Market,
    request: &OrderRequest,
    id: u64,
    owner: u32,
) -> Result<NewOrder, Rejection> {
    let ticks = |price| market.ticks(price, request.side);
    Ok(NewOrder {
        id,
        owner,
        side: request.side,
        order_type: match request.kind {
            OrderKind::Market => OrderType::Market,
            OrderKind::Limit { price } => OrderType::Limit { price: ticks(price)? },
            OrderKind::Stop { trigger } => OrderType::Stop {
                stop: ticks(trigger)?,
            },
            OrderKind::StopLimit { trigger, price } => OrderType::StopLimit {
                stop: ticks(trigger)?,
                price: ticks(price)?,
            },
            OrderKind::Trail { .. }
            | OrderKind::TrailLimit { .. }
            | OrderKind::MarketOnClose
            | OrderKind::LimitOnClose { .. }
            | OrderKind::Midprice { .. } => {
                return Err(Rejection::NoSuchType {
                    word: request.kind.word(),
                });
            }
        },
        tif: match request.tif {
            TimeInForce::Gtc => BookTif::Gtc,
            TimeInForce::Day => BookTif::Day,
            TimeInForce::Gtd { until } => BookTif::Gtd(until.0),
            TimeInForce::Ioc => BookTif::Ioc,
            TimeInForce::Fok => BookTif::Fok,
            TimeInForce::Opg => {
                return Err(Rejection::NoSuchLife {
                    word: request.tif.word(),
                });
            }
        },
        qty: market.lots(request.quantity)?,
        display: request.display.map(|shown| market.lots(shown)).transpose()?,
    })
}

/// How a live order is priced, in prices.
pub(super) fn kind_of(market: &Market, order_type: OrderType) -> OrderKind {
    match order_type {
        OrderType::Market => OrderKind::Market,
        OrderType::Limit { price } => OrderKind::Limit {
            price: market.price(price),
        },
        OrderType::Stop { stop } => OrderKind::Stop {
            trigger: market.price(stop),
        },
        OrderType::StopLimit { stop, price } => OrderKind::StopLimit {
            trigger: market.price(stop),
            price: market.price(price),
        },
    }
}

/// How long a live order lives.
pub(super) const fn tif_of(tif: BookTif) -> TimeInForce {
    match tif {
        BookTif::Gtc => TimeInForce::Gtc,
        BookTif::Day => TimeInForce::Day,
        BookTif::Gtd(at) => TimeInForce::Gtd { until: Timestamp(at) },
        BookTif::Ioc => TimeInForce::Ioc,
        BookTif::Fok => TimeInForce::Fok,
    }
}
