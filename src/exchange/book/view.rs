//! Looking at a book: best prices, levels, queues, single orders, pending stops. Reads only.

use super::ladder::NONE;
use super::matching::side_index;
use super::slab::{Order, State, Tif};
use super::{Book, MAX_PRICE, OrderType, TimeInForce};
use crate::domain::Side;

/// One price as everybody sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelView {
    /// Ticks.
    pub price: i64,
    /// Lots on display.
    pub qty: i128,
    /// Orders.
    pub orders: u32,
}

/// One price with its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueView {
    /// Ticks.
    pub price: i64,
    /// Orders from the front of the queue: id, lots on display, lots hidden.
    pub orders: Vec<(u64, i64, i64)>,
}

/// One live order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// Id.
    pub id: u64,
    /// Owner as given.
    pub owner: u32,
    /// Side.
    pub side: Side,
    /// How it is priced; an elected stop is by then a limit order.
    pub order_type: OrderType,
    /// How long it lives.
    pub tif: TimeInForce,
    /// Size as last stated, what has been filled included.
    pub total: i64,
    /// Lots on display.
    pub visible: i64,
    /// Lots behind the display.
    pub hidden: i64,
    /// Lots an iceberg shows at a time.
    pub display: Option<i64>,
    /// Rank of acceptance.
    pub entry: u64,
}

impl OrderView {
    /// Lots still open.
    #[must_use]
    pub const fn leaves(&self) -> i64 {
        self.visible + self.hidden
    }

    /// Lots filled so far.
    #[must_use]
    pub const fn filled(&self) -> i64 {
        self.total - self.leaves()
    }

    /// Whether the order waits for a print instead of resting.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        self.order_type.stop().is_some()
    }
}

impl Book {
    /// Price of the last print, in ticks.
    #[must_use]
    pub fn last(&self) -> Option<i64> {
        self.last
    }

    /// Highest buy price, in ticks.
    #[must_use]
    pub fn best_bid(&self) -> Option<i64> {
        let key = self.ladders[0].best();
        (key != NONE).then_some(-key)
    }

    /// Lowest sell price, in ticks.
    #[must_use]
    pub fn best_ask(&self) -> Option<i64> {
        let key = self.ladders[1].best();
        (key != NONE).then_some(key)
    }

    /// Levels of one side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = LevelView> {
        self.ladders[side_index(side)]
            .levels()
            .map(|(key, level)| LevelView {
                price: key.abs(),
                qty: level.visible,
                orders: level.count,
            })
    }

    /// Levels of one side with their queues, best first.
    pub fn queues(&self, side: Side) -> impl Iterator<Item = QueueView> {
        self.ladders[side_index(side)]
            .levels()
            .map(|(key, level)| QueueView {
                price: key.abs(),
                orders: level
                    .queue(&self.slab)
                    .map(|(_, o)| (o.id, o.visible, o.hidden))
                    .collect(),
            })
    }

    /// Ids of the pending stops in order of acceptance.
    #[must_use]
    pub fn pending_stops(&self) -> Vec<u64> {
        let mut pending: Vec<&Order> = self.stops.pending().map(|at| self.slab.get(at)).collect();
        pending.sort_unstable_by_key(|order| order.entry);
        pending.into_iter().map(|order| order.id).collect()
    }

    /// A live order.
    #[must_use]
    pub fn order(&self, id: u64) -> Option<OrderView> {
        let at = self.slab.find(id)?;
        let (order, extra) = (self.slab.get(at), self.slab.extra(at));
        let price = order.key.abs();
        Some(OrderView {
            id,
            owner: order.owner,
            side: order.side,
            order_type: match order.state {
                State::Resting => OrderType::Limit { price },
                State::PendingStop => OrderType::Stop { stop: extra.stop },
                State::PendingStopLimit => OrderType::StopLimit {
                    stop: extra.stop,
                    price,
                },
            },
            tif: match order.tif {
                Tif::Gtc => TimeInForce::Gtc,
                Tif::Day => TimeInForce::Day,
                Tif::Gtd => TimeInForce::Gtd(extra.expires),
                Tif::Ioc => TimeInForce::Ioc,
                Tif::Fok => TimeInForce::Fok,
            },
            total: order.total,
            visible: order.visible,
            hidden: order.hidden,
            display: order.iceberg.then_some(extra.display),
            entry: order.entry,
        })
    }

    /// The worst price that a market order of `lots` by `owner` would meet if it came now, in ticks; `None` where
    /// there is nobody to trade with.
    #[must_use]
    pub fn worst_price(&self, side: Side, lots: i64, owner: u32) -> Option<i64> {
        self.reach(side, lots, MAX_PRICE, owner).1.map(i64::abs)
    }

    /// Number of live orders, pending stops included.
    #[must_use]
    pub fn live_orders(&self) -> usize {
        self.slab.live()
    }

    /// When the next order ends by its date.
    #[must_use]
    pub fn next_expiry(&self) -> Option<i64> {
        self.slab.dates().first()
    }
}
