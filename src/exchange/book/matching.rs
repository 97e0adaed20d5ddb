//! Price-time matching: the taker meets the best level, front of the queue first, at the maker's price. The
//! innermost loop of the exchange; what only few orders need (icebergs, dates, stops) leaves it by cold calls.

use super::ladder::Level;
use super::slab::{NIL, Order, Slab, State, Taker, Tif};
use super::{Algorithm, Book, BookEvent, DoneReason, NO_OWNER, Trade};
use crate::domain::Side;

impl Book {
    /// Runs an order from its arrival to where it ends or rests.
    #[inline]
    pub(super) fn run(&mut self, taker: &mut Taker, out: &mut Vec<BookEvent>) {
        if taker.tif == Tif::Fok && !self.can_fill(taker) {
            out.push(done(taker, DoneReason::Fok));
            return;
        }
        let opposite = side_index(taker.side) ^ 1;
        while taker.leaves > 0 {
            let key = self.ladders[opposite].best();
            if key > taker.limit {
                break;
            }
            match self.algorithm {
                Algorithm::Fifo => self.sweep(taker, opposite, key, out),
                Algorithm::ProRata { min_allocation } => {
                    self.allocate(taker, opposite, key, min_allocation, out);
                }
            }
        }
        self.finish(taker, out);
    }

    /// What becomes of an order once it has met all it can.
    #[inline]
    fn finish(&mut self, taker: &Taker, out: &mut Vec<BookEvent>) {
        if taker.leaves == 0 {
            out.push(done(taker, DoneReason::Filled));
        } else if taker.market {
            out.push(done(taker, DoneReason::NoLiquidity));
        } else if taker.tif == Tif::Ioc {
            out.push(done(taker, DoneReason::Ioc));
        } else {
            self.rest(taker, taker.first_display());
        }
    }

    /// Puts an order into the queue of its price, last.
    #[inline]
    pub(super) fn rest(&mut self, taker: &Taker, visible: i64) {
        let at = self.slab.insert(taker.at_rest(State::Resting, visible));
        if taker.tif == Tif::Gtd || taker.display > 0 {
            self.slab.keep_extra(at, taker, 0);
        }
        self.ladders[side_index(taker.side)].push_back(&mut self.slab, at, -taker.limit, visible);
    }

    /// Trades with one level, front to back, until either is exhausted.
    #[inline]
    fn sweep(&mut self, taker: &mut Taker, opposite: usize, key: i64, out: &mut Vec<BookEvent>) {
        let own = if self.profile.prevents_self_trade() {
            taker.owner
        } else {
            NO_OWNER
        };
        let level = self.ladders[opposite].level_mut(key);
        let mut printed = false;
        while taker.leaves > 0 && level.head != NIL {
            let at = level.head;
            let maker = self.slab.get(at);
            if own != NO_OWNER && maker.owner == own {
                pull(level, &mut self.slab, at, out);
                continue;
            }
            let qty = taker.leaves.min(maker.visible);
            print(taker, level, &mut self.slab, at, qty, out);
            printed = true;
        }
        if level.count == 0 {
            self.ladders[opposite].vacate(key);
        }
        if printed {
            self.printed(key.abs());
        }
    }

    /// Notes a print. Once a level is enough: its further prints are at the same price and elect no one new.
    #[inline]
    pub(super) fn printed(&mut self, price: i64) {
        self.last = Some(price);
        if self.stops.elects(price) {
            self.stops.elect(price);
        }
    }

    /// Whether everything the taker asks for is there at its price, hidden lots included.
    fn can_fill(&self, taker: &Taker) -> bool {
        self.reach(taker.side, taker.leaves, taker.limit, taker.owner).0
    }

    /// How far into the other side `lots` would reach if they could trade at `limit` and before: whether there
    /// is enough, and the last key with an order to trade with.
    pub(super) fn reach(&self, side: Side, lots: i64, limit: i64, owner: u32) -> (bool, Option<i64>) {
        let own = if self.profile.prevents_self_trade() {
            owner
        } else {
            NO_OWNER
        };
        let (mut found, mut reached) = (0i128, None);
        let levels = self.ladders[side_index(side) ^ 1].levels();
        for (key, level) in levels.take_while(|(key, _)| *key <= limit) {
            for (_, order) in level.queue(&self.slab) {
                if own == NO_OWNER || order.owner != own {
                    found += i128::from(order.leaves());
                    reached = Some(key);
                }
                if found >= i128::from(lots) {
                    return (true, reached);
                }
            }
        }
        (false, reached)
    }
}

/// `qty` lots change hands between the taker and the order at `at`, which then shows more or leaves if it has
/// nothing left on display.
#[inline]
pub(super) fn print(
    taker: &mut Taker,
    level: &mut Level,
    slab: &mut Slab,
    at: u32,
    qty: i64,
    out: &mut Vec<BookEvent>,
) {
    let maker = slab.get_mut(at);
    maker.visible -= qty;
    level.visible -= i128::from(qty);
    taker.leaves -= qty;
    out.push(BookEvent::Trade(Trade {
        price: maker.key.abs(),
        qty,
        maker: maker.id,
        taker: taker.id,
        maker_leaves: maker.leaves(),
        taker_leaves: taker.leaves,
        maker_owner: maker.owner,
        taker_owner: taker.owner,
        side: taker.side,
    }));
    if maker.visible == 0 {
        exhausted(level, slab, at, out);
    }
}

/// An order with nothing left on display shows more and queues again, or leaves.
#[inline]
fn exhausted(level: &mut Level, slab: &mut Slab, at: u32, out: &mut Vec<BookEvent>) {
    let &Order {
        id,
        owner,
        prev,
        next,
        hidden,
        ..
    } = slab.get(at);
    level.unlink(slab, prev, next);
    level.count -= 1;
    if hidden > 0 {
        replenish(level, slab, at);
        return;
    }
    out.push(BookEvent::Done {
        id,
        why: DoneReason::Filled,
        leaves: 0,
        owner,
    });
    slab.remove(at);
}

/// An iceberg shows its next part, at the back of the queue.
#[cold]
fn replenish(level: &mut Level, slab: &mut Slab, at: u32) {
    let display = slab.extra(at).display;
    let order = slab.get_mut(at);
    let shown = display.min(order.hidden);
    order.visible = shown;
    order.hidden -= shown;
    level.append(slab, at, shown);
}

/// Takes a resting order out because its owner's newer order has come to it.
#[cold]
pub(super) fn pull(level: &mut Level, slab: &mut Slab, at: u32, out: &mut Vec<BookEvent>) {
    let order = *slab.get(at);
    level.unlink(slab, order.prev, order.next);
    level.count -= 1;
    level.visible -= i128::from(order.visible);
    let why = DoneReason::SelfTrade;
    out.push(BookEvent::Done {
        id: order.id,
        why,
        leaves: order.leaves(),
        owner: order.owner,
    });
    slab.remove(at);
}

/// Which ladder a side's orders rest in.
#[inline]
pub(super) const fn side_index(side: Side) -> usize {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

#[inline]
const fn done(taker: &Taker, why: DoneReason) -> BookEvent {
    BookEvent::Done {
        id: taker.id,
        why,
        leaves: taker.leaves,
        owner: taker.owner,
    }
}
