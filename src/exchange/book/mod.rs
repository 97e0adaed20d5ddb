//! The book of one instrument: takes operations in ticks and lots, matches them, and says what happened. Knows
//! no account, no money and no clock but the time that each operation brings. Prices lie in `ladder`, orders
//! in `slab`, ids in `ids`; `matching` and `prorata` trade; `stops` and `dates` are what makes an
//! order act by itself; `profile` lists where the two rule books differ.

mod dates;
mod event;
mod ids;
mod ladder;
mod matching;
mod order;
mod profile;
mod prorata;
mod slab;
mod stops;
#[cfg(test)]
mod tests;
mod view;

pub use event::{BookEvent, DoneReason, RejectReason, Trade};
pub use ids::IdPolicy;
pub use order::{
    MAX_LIVE, MAX_PRICE, Modify, NO_OWNER, NewOrder, Op, OrderType, RestoreError, RestoredOrder, TimeInForce,
};
pub use profile::{DESK_DIFFERENCES, Difference, Profile};
pub use view::{LevelView, OrderView, QueueView};

use ids::UsedIds;
use ladder::Ladder;
use matching::side_index;
use slab::{Order, Slab, State, Taker, Tif, limit_key};
use stops::Stops;

/// How a level's quantity is shared among those who rest there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// Price, then time.
    #[default]
    Fifo,
    /// Price, then size.
    ProRata {
        /// Shares below this many lots are nothing.
        min_allocation: i64,
    },
}

/// How a book behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BookConfig {
    /// Who trades first at a price.
    pub algorithm: Algorithm,
    /// Which rule book.
    pub profile: Profile,
    /// How used ids are told from new ones.
    pub ids: IdPolicy,
}

/// The order book of one instrument.
#[derive(Clone, Debug)]
pub struct Book {
    algorithm: Algorithm,
    profile: Profile,
    /// Buy side, sell side.
    ladders: [Ladder; 2],
    slab: Slab,
    used: UsedIds,
    stops: Stops,
    last: Option<i64>,
    now: i64,
    /// Orders accepted so far.
    accepted: u64,
    /// Scratch space of pro-rata rounds.
    shares: Vec<(u32, i64)>,
}

impl Default for Book {
    fn default() -> Self {
        Self::new(BookConfig::default())
    }
}

impl Book {
    /// An empty book.
    #[must_use]
    pub fn new(config: BookConfig) -> Self {
        Self {
            algorithm: config.algorithm,
            profile: config.profile,
            ladders: [Ladder::new(), Ladder::new()],
            slab: Slab::new(),
            used: UsedIds::new(config.ids),
            stops: Stops::new(),
            last: None,
            now: i64::MIN,
            accepted: 0,
            shares: Vec::new(),
        }
    }

    /// Sets the clock, ends the orders whose date has come, then does `op`. What happens is appended to `out`.
    #[inline]
    pub fn apply(&mut self, now: i64, op: &Op, out: &mut Vec<BookEvent>) {
        self.now = now;
        if self.slab.dates().due(now) {
            self.expire(out);
        }
        match op {
            Op::New(order) => self.enter(order, out),
            Op::Cancel { id } => self.cancel(*id, out),
            Op::Modify(change) => self.modify(change, out),
            Op::Time => {}
            Op::SessionEnd => self.end_session(out),
        }
    }

    /// The checks that look at a new order alone: what [`Op::New`] would refuse it for, its id aside.
    pub fn check(&self, now: i64, order: &NewOrder) -> Result<(), RejectReason> {
        if self.slab.live() >= MAX_LIVE {
            return Err(RejectReason::BookFull);
        }
        validate(order, now)
    }

    /// Puts a live order back as it stood, without matching, behind those already in its queue. On error the
    /// book is unchanged.
    pub fn restore(&mut self, restored: &RestoredOrder) -> Result<(), RestoreError> {
        let order = &restored.order;
        if restored.leaves <= 0 || restored.leaves > order.qty {
            return Err(RestoreError::Invalid(RejectReason::BadQty));
        }
        if self.slab.find(order.id).is_some() {
            return Err(RestoreError::Invalid(RejectReason::DuplicateId));
        }
        // A date that has passed ends the order with the next operation, as it would have without a restart;
        // and an order that was made smaller may by now be smaller than what it would show.
        let checked = NewOrder {
            display: order.display.map(|d| d.min(order.qty)),
            ..*order
        };
        validate(&checked, i64::MIN).map_err(RestoreError::Invalid)?;
        if self.slab.live() >= MAX_LIVE {
            return Err(RestoreError::Invalid(RejectReason::BookFull));
        }
        let mut taker = Taker::new(order, restored.entry);
        taker.leaves = restored.leaves;
        let visible = restored.visible.unwrap_or_else(|| taker.first_display());
        if visible <= 0 || visible > taker.leaves {
            return Err(RestoreError::Invalid(RejectReason::BadDisplay));
        }
        if let Some(stop) = order.order_type.stop() {
            self.claim_restored(restored);
            self.wait(&taker, order.order_type, stop);
            return Ok(());
        }
        if taker.market || matches!(taker.tif, Tif::Ioc | Tif::Fok) {
            return Err(RestoreError::CannotRest);
        }
        if self.ladders[side_index(order.side) ^ 1].best() <= taker.limit {
            return Err(RestoreError::WouldCross);
        }
        self.claim_restored(restored);
        self.rest(&taker, visible);
        Ok(())
    }

    /// States the last print, for a book that is filled again after a restart. Elects nothing by itself.
    pub fn restore_last(&mut self, price: Option<i64>) {
        self.last = price;
    }

    fn claim_restored(&mut self, restored: &RestoredOrder) {
        self.used.claim(restored.order.id);
        self.accepted = self.accepted.max(restored.entry.saturating_add(1));
    }

    #[inline]
    fn enter(&mut self, order: &NewOrder, out: &mut Vec<BookEvent>) {
        let checked = if !self.used.claim(order.id) {
            Err(RejectReason::DuplicateId)
        } else {
            self.check(self.now, order)
        };
        if let Err(why) = checked {
            out.push(BookEvent::Rejected { id: order.id, why });
            return;
        }
        out.push(BookEvent::Accepted { id: order.id });
        let mut taker = Taker::new(order, self.used.rank(order.id, self.accepted));
        self.accepted += 1;
        if let Some(stop) = order.order_type.stop() {
            self.enter_stop(&taker, order.order_type, stop);
        } else {
            self.run(&mut taker, out);
        }
        self.run_elected(out);
    }

    #[cold]
    fn enter_stop(&mut self, taker: &Taker, order_type: OrderType, stop: i64) {
        let at = self.wait(taker, order_type, stop);
        self.elect_if_satisfied(at);
    }

    /// Stores an order as a pending stop.
    fn wait(&mut self, taker: &Taker, order_type: OrderType, stop: i64) -> u32 {
        let state = match order_type {
            OrderType::Stop { .. } => State::PendingStop,
            _ => State::PendingStopLimit,
        };
        let at = self.slab.insert(taker.at_rest(state, taker.leaves));
        self.slab.keep_extra(at, taker, stop);
        self.stops.insert(taker.side, stop, taker.entry, at);
        at
    }

    /// Elects a pending stop if the last print satisfies it.
    fn elect_if_satisfied(&mut self, at: u32) {
        let (order, stop) = (self.slab.get(at), self.slab.extra(at).stop);
        if self
            .last
            .is_some_and(|last| Stops::satisfied(order.side, stop, last))
        {
            self.stops.remove(order.side, stop, order.entry, at);
            self.stops.push_elected(at);
        }
    }

    /// Runs the elected stops one by one; their prints may elect more.
    #[inline]
    fn run_elected(&mut self, out: &mut Vec<BookEvent>) {
        while let Some(at) = self.stops.next_elected() {
            self.run_stop(at, out);
        }
    }

    #[cold]
    fn run_stop(&mut self, at: u32, out: &mut Vec<BookEvent>) {
        let order = *self.slab.get(at);
        let mut taker = Taker::from_live(&order, self.slab.extra(at));
        self.slab.remove(at);
        out.push(BookEvent::Triggered { id: order.id });
        self.run(&mut taker, out);
    }

    #[inline]
    fn cancel(&mut self, id: u64, out: &mut Vec<BookEvent>) {
        match self.slab.find(id) {
            Some(at) => self.end(at, DoneReason::Cancelled, out),
            None => out.push(BookEvent::Rejected {
                id,
                why: RejectReason::UnknownId,
            }),
        }
    }

    /// Takes a live order out of wherever it is and says so.
    #[inline]
    fn end(&mut self, at: u32, why: DoneReason, out: &mut Vec<BookEvent>) {
        let order = *self.slab.get(at);
        self.take_out(at, &order);
        out.push(BookEvent::Done {
            id: order.id,
            why,
            leaves: order.leaves(),
            owner: order.owner,
        });
    }

    #[inline]
    fn take_out(&mut self, at: u32, order: &Order) {
        if order.is_pending() {
            self.stops
                .remove(order.side, self.slab.extra(at).stop, order.entry, at);
        } else {
            self.ladders[side_index(order.side)].remove(&mut self.slab, order);
        }
        self.slab.remove(at);
    }

    #[cold]
    fn expire(&mut self, out: &mut Vec<BookEvent>) {
        while let Some(at) = self.slab.dates().first_due(self.now) {
            self.end(at, DoneReason::Expired, out);
        }
    }

    fn end_session(&mut self, out: &mut Vec<BookEvent>) {
        let resting = self
            .ladders
            .iter()
            .flat_map(Ladder::levels)
            .flat_map(|(_, l)| l.queue(&self.slab));
        let pending = self.stops.pending().map(|at| (at, self.slab.get(at)));
        let mut ending: Vec<(u64, u32)> = resting
            .chain(pending)
            .filter(|(_, order)| order.tif == Tif::Day)
            .map(|(at, order)| (order.entry, at))
            .collect();
        ending.sort_unstable();
        for (_, at) in ending {
            self.end(at, DoneReason::DayEnd, out);
        }
    }

    fn modify(&mut self, change: &Modify, out: &mut Vec<BookEvent>) {
        let refuse = |why| BookEvent::Rejected { id: change.id, why };
        let Some(at) = self.slab.find(change.id) else {
            out.push(refuse(RejectReason::UnknownId));
            return;
        };
        let order = *self.slab.get(at);
        if order.is_pending() && !self.profile.pending_modifiable() {
            out.push(refuse(RejectReason::NotModifiable));
            return;
        }
        if let Err(why) = validate_change(change) {
            out.push(refuse(why));
            return;
        }
        let filled = order.total - order.leaves();
        let leaves = change.qty.map_or(order.leaves(), |qty| qty - filled);
        if leaves <= 0 {
            self.end(at, DoneReason::Cancelled, out);
        } else if order.is_pending() {
            self.modify_pending(at, change, out);
        } else {
            self.modify_resting(at, &order, change, leaves, out);
        }
        self.run_elected(out);
    }

    fn modify_resting(
        &mut self,
        at: u32,
        order: &Order,
        change: &Modify,
        leaves: i64,
        out: &mut Vec<BookEvent>,
    ) {
        let limit = change
            .price
            .map_or(-order.key, |price| limit_key(order.side, price));
        let kept = limit == -order.key && leaves <= order.leaves();
        out.push(BookEvent::Modified {
            id: order.id,
            leaves,
            kept,
        });
        if kept {
            self.cut(at, order.leaves() - leaves, change.qty.unwrap_or(order.total));
            return;
        }
        let mut taker = Taker::from_live(order, self.slab.extra(at));
        self.take_out(at, order);
        (taker.limit, taker.leaves) = (limit, leaves);
        taker.total = change.qty.unwrap_or(order.total);
        self.run(&mut taker, out);
    }

    /// Makes a resting order smaller in its place: hidden lots go first.
    fn cut(&mut self, at: u32, lots: i64, total: i64) {
        let order = self.slab.get_mut(at);
        let from_hidden = lots.min(order.hidden);
        let from_visible = lots - from_hidden;
        order.hidden -= from_hidden;
        order.visible -= from_visible;
        order.total = total;
        let (side, key) = (order.side, order.key);
        self.ladders[side_index(side)].reduce(key, from_visible);
    }

    /// Changes a pending stop in place (profile desk). A price that the order type lacks is ignored.
    fn modify_pending(&mut self, at: u32, change: &Modify, out: &mut Vec<BookEvent>) {
        let old_stop = self.slab.extra(at).stop;
        let stop = change.stop.unwrap_or(old_stop);
        self.slab.extra_mut(at).stop = stop;
        let order = self.slab.get_mut(at);
        if let Some(qty) = change.qty {
            (order.total, order.visible) = (qty, qty);
        }
        if let (State::PendingStopLimit, Some(price)) = (order.state, change.price) {
            order.key = -limit_key(order.side, price);
        }
        let order = *order;
        self.stops.remove(order.side, old_stop, order.entry, at);
        self.stops.insert(order.side, stop, order.entry, at);
        out.push(BookEvent::Modified {
            id: order.id,
            leaves: order.leaves(),
            kept: true,
        });
        self.elect_if_satisfied(at);
    }
}

/// The checks of an order that look at the order alone, in their fixed order.
#[inline]
fn validate(order: &NewOrder, now: i64) -> Result<(), RejectReason> {
    if order.qty <= 0 {
        return Err(RejectReason::BadQty);
    }
    if order.order_type.price().is_some_and(bad_price) {
        return Err(RejectReason::BadPrice);
    }
    if order.order_type.stop().is_some_and(|stop| stop <= 0) {
        return Err(RejectReason::BadStop);
    }
    if order.display.is_some_and(|display| bad_display(order, display)) {
        return Err(RejectReason::BadDisplay);
    }
    match order.tif {
        TimeInForce::Gtd(expires) if expires <= now => Err(RejectReason::Expired),
        _ => Ok(()),
    }
}

fn validate_change(change: &Modify) -> Result<(), RejectReason> {
    if change.qty.is_some_and(|qty| qty <= 0) {
        Err(RejectReason::BadQty)
    } else if change.price.is_some_and(bad_price) {
        Err(RejectReason::BadPrice)
    } else if change.stop.is_some_and(|stop| stop <= 0) {
        Err(RejectReason::BadStop)
    } else {
        Ok(())
    }
}

const fn bad_price(price: i64) -> bool {
    price <= 0 || price > MAX_PRICE
}

fn bad_display(order: &NewOrder, display: i64) -> bool {
    !matches!(order.order_type, OrderType::Limit { .. })
        || matches!(order.tif, TimeInForce::Ioc | TimeInForce::Fok)
        || display <= 0
        || display > order.qty
}
