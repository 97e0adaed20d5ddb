//! Where live orders are kept: one cache line each, in a table by id and slot. Queues run through the records
//! (`prev`, `next`); what few orders have (display size, date, stop) lies aside in [`Extra`], and dates are
//! sorted besides. Also the order on its way in, which becomes a record only if something is left of it.

use super::dates::Dates;
use super::{NewOrder, OrderType, TimeInForce};
use crate::domain::Side;
pub(super) use crate::exchange::table::NIL;
use crate::exchange::table::{IdTable, Keyed};

/// The lifetime without its date, which is in [`Extra`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tif {
    Gtc,
    Day,
    Gtd,
    Ioc,
    Fok,
}

/// What a live order is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// In the queue of its price.
    Resting,
    /// Waiting to be elected, then a market order.
    PendingStop,
    /// Waiting to be elected, then a limit order.
    PendingStopLimit,
}

/// One live order: a single cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Order {
    pub id: u64,
    /// Price as the ladder of its side sorts it; see [`super::ladder`].
    pub key: i64,
    /// Lots on display; for a pending stop, all of them.
    pub visible: i64,
    /// Lots behind the display.
    pub hidden: i64,
    /// Size as last stated, what has been filled included: `filled = total - visible - hidden`.
    pub total: i64,
    /// Rank of acceptance; never changes.
    pub entry: u64,
    pub prev: u32,
    pub next: u32,
    pub owner: u32,
    pub side: Side,
    pub tif: Tif,
    pub state: State,
    pub iceberg: bool,
}

impl Order {
    /// Lots still open.
    pub(super) const fn leaves(&self) -> i64 {
        self.visible + self.hidden
    }

    /// Whether the order waits for a print instead of resting.
    pub(super) fn is_pending(&self) -> bool {
        self.state != State::Resting
    }
}

/// What few orders have. Only meaningful for the orders that have it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extra {
    /// Lots an iceberg shows at a time.
    pub display: i64,
    /// When a good-till-date order ends.
    pub expires: i64,
    /// Stop price in ticks of a pending stop.
    pub stop: i64,
}

impl Keyed for Order {
    #[inline]
    fn id(&self) -> u64 {
        self.id
    }
}

/// The records of all live orders.
#[derive(Clone, Debug)]
pub(super) struct Slab {
    orders: IdTable<Order>,
    extras: Vec<Extra>,
    dates: Dates,
}

impl Slab {
    pub(super) fn new() -> Self {
        Self {
            orders: IdTable::new(),
            extras: Vec::new(),
            dates: Dates::new(),
        }
    }

    /// Stores an order and says where. The caller keeps the number of live orders below
    /// [`MAX_LIVE`](super::MAX_LIVE).
    #[inline]
    pub(super) fn insert(&mut self, order: Order) -> u32 {
        let at = self.orders.insert(order);
        if self.extras.len() < self.orders.slots() {
            self.extras.push(Extra::default());
        }
        at
    }

    /// Drops an order that is in no queue any more.
    #[inline]
    pub(super) fn remove(&mut self, at: u32) {
        let order = self.orders.get(at);
        if order.tif == Tif::Gtd {
            self.dates
                .remove(self.extras[at as usize].expires, order.entry, at);
        }
        self.orders.remove(at);
    }

    /// Stores what few orders have, and the date where there is one.
    #[cold]
    pub(super) fn keep_extra(&mut self, at: u32, taker: &Taker, stop: i64) {
        self.extras[at as usize] = Extra {
            display: taker.display,
            expires: taker.expires,
            stop,
        };
        if taker.tif == Tif::Gtd {
            self.dates.insert(taker.expires, taker.entry, at);
        }
    }

    /// Orders that end by themselves.
    #[inline]
    pub(super) fn dates(&self) -> &Dates {
        &self.dates
    }

    /// The slot of a live order.
    #[inline]
    pub(super) fn find(&self, id: u64) -> Option<u32> {
        self.orders.find(id)
    }

    /// Orders alive.
    #[inline]
    pub(super) fn live(&self) -> usize {
        self.orders.live()
    }

    #[inline]
    pub(super) fn get(&self, at: u32) -> &Order {
        self.orders.get(at)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: u32) -> &mut Order {
        self.orders.get_mut(at)
    }

    #[inline]
    pub(super) fn extra(&self, at: u32) -> &Extra {
        &self.extras[at as usize]
    }

    #[inline]
    pub(super) fn extra_mut(&mut self, at: u32) -> &mut Extra {
        &mut self.extras[at as usize]
    }
}

/// An order on its way in: matched first, and only what is left becomes an [`Order`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Taker {
    pub id: u64,
    pub owner: u32,
    pub side: Side,
    pub tif: Tif,
    /// Never rests.
    pub market: bool,
    /// Worst key of the opposite ladder it trades with.
    pub limit: i64,
    pub leaves: i64,
    pub total: i64,
    /// Display size; 0 for an order shown whole.
    pub display: i64,
    pub expires: i64,
    pub entry: u64,
}

impl Taker {
    /// A validated order, `entry`th to be accepted.
    #[inline]
    pub(super) fn new(order: &NewOrder, entry: u64) -> Self {
        let (tif, expires) = split_tif(order.tif);
        let (market, limit) = match order.order_type {
            OrderType::Limit { price } | OrderType::StopLimit { price, .. } => {
                (false, limit_key(order.side, price))
            }
            OrderType::Market | OrderType::Stop { .. } => (true, super::MAX_PRICE),
        };
        Self {
            id: order.id,
            owner: order.owner,
            side: order.side,
            tif,
            market,
            limit,
            leaves: order.qty,
            total: order.qty,
            display: order.display.unwrap_or(0),
            expires,
            entry,
        }
    }

    /// A live order that starts over as an aggressor, with what it has open.
    pub(super) fn from_live(order: &Order, extra: &Extra) -> Self {
        Self {
            id: order.id,
            owner: order.owner,
            side: order.side,
            tif: order.tif,
            market: order.state == State::PendingStop,
            // A key on one's own side is the negated worst key on the other.
            limit: -order.key,
            leaves: order.leaves(),
            total: order.total,
            display: if order.iceberg { extra.display } else { 0 },
            expires: extra.expires,
            entry: order.entry,
        }
    }

    /// The record of this order once it waits or rests in `state`, showing `visible` of its lots.
    #[inline]
    pub(super) fn at_rest(&self, state: State, visible: i64) -> Order {
        Order {
            id: self.id,
            key: -self.limit,
            visible,
            hidden: self.leaves - visible,
            total: self.total,
            entry: self.entry,
            prev: NIL,
            next: NIL,
            owner: self.owner,
            side: self.side,
            tif: self.tif,
            state,
            iceberg: self.display > 0,
        }
    }

    /// Lots shown when the order comes to rest.
    #[inline]
    pub(super) fn first_display(&self) -> i64 {
        if self.display > 0 {
            self.display.min(self.leaves)
        } else {
            self.leaves
        }
    }
}

/// The worst key of the opposite ladder that an order at `price` trades with.
#[inline]
pub(super) const fn limit_key(side: Side, price: i64) -> i64 {
    match side {
        Side::Buy => price,
        Side::Sell => -price,
    }
}

/// The lifetime and its date (0 where there is none).
#[inline]
pub(super) const fn split_tif(tif: TimeInForce) -> (Tif, i64) {
    match tif {
        TimeInForce::Gtc => (Tif::Gtc, 0),
        TimeInForce::Day => (Tif::Day, 0),
        TimeInForce::Gtd(at) => (Tif::Gtd, at),
        TimeInForce::Ioc => (Tif::Ioc, 0),
        TimeInForce::Fok => (Tif::Fok, 0),
    }
}
