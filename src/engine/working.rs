//! The index of what lives, by account and instrument: what the controls count of each live order, and of each side how much
//! could execute. So an order is held against all that its account could come to without a look at every other order. It
//! follows from the orders alone: it is never stored and never sent, is made anew wherever a state is read ([`State::reindex`]),
//! and is kept up with each event that is folded.
//!
//! Leaves to others: which orders there are (`fold`), and what of them is held against a limit (`risk`).

use super::state::State;
use crate::domain::{
    AccountKey, ClientOrderId, InstrumentId, Order, OrderKind, OrderSpec, Phase, Price, Quantity, Side,
};
use std::collections::{BTreeMap, BTreeSet};

/// What the controls count of one live order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which way it is.
    pub side: Side,
    /// Where it stands.
    pub phase: Phase,
    /// What of it may still execute, never negative.
    pub leaves: Quantity,
    /// The orders that a fill of it takes from, and that take from it.
    pub group: Option<ClientOrderId>,
    /// The entry that it waits for, or closes.
    pub parent: Option<ClientOrderId>,
    /// The price that it names: its limit, else its trigger.
    pub named: Option<Price>,
    /// It is a limit order, and nothing else: its price is where it rests.
    pub is_limit: bool,
    /// Another session of the broker made it.
    pub foreign: bool,
    /// The broker owes an answer about it: it was sent and not acknowledged, is in doubt, was missing in a read, or has a request
    /// under way.
    pub awaits: bool,
}

impl Row {
    /// Of an order.
    pub fn of(order: &Order) -> Self {
        Self {
            side: order.spec.side,
            phase: order.phase,
            leaves: order.leaves(),
            group: order.oco,
            parent: order.spec.parent,
            named: named(&order.spec),
            is_limit: matches!(order.spec.kind, OrderKind::Limit { .. }),
            foreign: order.foreign,
            awaits: matches!(order.phase, Phase::InFlight | Phase::Uncertain)
                || order.missing.is_some()
                || order.pending.is_some(),
        }
    }
    /// False for what is parked: it passes every control anew before it leaves, and counts in none until then.
    pub fn counts(&self) -> bool {
        self.phase != Phase::Parked
    }
    /// The price at which it rests on a book, or may come to.
    pub fn resting(&self) -> Option<Price> {
        let there = matches!(self.phase, Phase::InFlight | Phase::Uncertain | Phase::Working);
        self.named.filter(|_| there && self.is_limit)
    }
}

fn named(spec: &OrderSpec) -> Option<Price> {
    spec.kind.limit().or(spec.kind.trigger())
}

/// What orders could still execute, each at its full size, but of a group only its largest member: no more than one can. Sums
/// are exact, and what is beyond the largest quantity is that.
pub fn could_execute(rows: impl Iterator<Item = Row>) -> Quantity {
    let mut sum = Sum::default();
    // A group has few members, and few groups are live at once: each is found by its name.
    let mut groups: BTreeMap<ClientOrderId, Quantity> = BTreeMap::new();
    for row in rows.filter(Row::counts) {
        match row.group {
            None => sum.alone += i128::from(row.leaves.raw()),
            Some(group) => {
                let largest = groups.entry(group).or_default();
                *largest = (*largest).max(row.leaves);
            }
        }
    }
    sum.grouped = groups.values().map(|largest| i128::from(largest.raw())).sum();
    sum.quantity()
}

/// Exact sums of what could execute: fewer than 2^64 orders of 63 bits each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    /// Of orders in no group.
    alone: i128,
    /// Of each group's largest member.
    grouped: i128,
}

impl Sum {
    fn quantity(self) -> Quantity {
        let raw = self.alone + self.grouped;
        Quantity::from_raw(i64::try_from(raw).unwrap_or(i64::MAX))
    }
}

/// One side of an instrument; what is parked is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counted {
    orders: usize,
    sum: Sum,
    /// Members of groups, by group.
    members: BTreeMap<(ClientOrderId, ClientOrderId), Quantity>,
}

impl Counted {
    fn add(&mut self, id: ClientOrderId, row: &Row) {
        self.orders += 1;
        match row.group {
            None => self.sum.alone += i128::from(row.leaves.raw()),
            Some(group) => self.change(group, |members| members.insert((group, id), row.leaves)),
        }
    }
    fn take(&mut self, id: ClientOrderId, row: &Row) {
        self.orders = self.orders.saturating_sub(1);
        match row.group {
            None => self.sum.alone -= i128::from(row.leaves.raw()),
            Some(group) => self.change(group, |members| members.remove(&(group, id))),
        }
    }
    fn change(
        &mut self,
        group: ClientOrderId,
        change: impl FnOnce(&mut BTreeMap<(ClientOrderId, ClientOrderId), Quantity>) -> Option<Quantity>,
    ) {
        let before = self.largest(group);
        let _ = change(&mut self.members);
        self.sum.grouped += self.largest(group) - before;
    }
    fn largest(&self, group: ClientOrderId) -> i128 {
        let members = self.members.range((group, ClientOrderId::LOWEST)..);
        let members = members.take_while(|((of, _), _)| *of == group);
        let largest = members.map(|(_, leaves)| *leaves).max();
        largest.map_or(0, |largest| i128::from(largest.raw()))
    }
}

/// What lives of one instrument in an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    rows: BTreeMap<ClientOrderId, Row>,
    buys: Counted,
    sells: Counted,
}

impl Lane {
    /// Each live order, parked ones too, by its id.
    pub fn rows(&self) -> impl Iterator<Item = (ClientOrderId, Row)> {
        self.rows.iter().map(|(id, row)| (*id, *row))
    }
    /// What could execute on a side.
    pub fn could_execute(&self, side: Side) -> Quantity {
        self.side(side).sum.quantity()
    }
    /// How many orders that is.
    pub fn orders(&self, side: Side) -> usize {
        self.side(side).orders
    }
    /// The highest price that an order names, a parked one too.
    pub fn highest(&self) -> Option<Price> {
        self.rows.values().filter_map(|row| row.named).max()
    }
    fn side(&self, side: Side) -> &Counted {
        match side {
            Side::Buy => &self.buys,
            Side::Sell => &self.sells,
        }
    }
    fn side_mut(&mut self, side: Side) -> &mut Counted {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }
    /// The row as it was.
    fn set(&mut self, id: ClientOrderId, row: Option<Row>) -> Option<Row> {
        let before = match row {
            Some(row) => self.rows.insert(id, row),
            None => self.rows.remove(&id),
        };
        if before == row {
            return before;
        }
        if let Some(before) = before.filter(Row::counts) {
            self.side_mut(before.side).take(id, &before);
        }
        if let Some(row) = row.filter(Row::counts) {
            self.side_mut(row.side).add(id, &row);
        }
        before
    }
}

/// The index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Working {
    lanes: BTreeMap<(AccountKey, InstrumentId), Lane>,
    /// Orders that the broker owes an answer about.
    awaiting: BTreeSet<(AccountKey, InstrumentId, ClientOrderId)>,
}

impl Working {
    /// Made anew from a state's orders.
    pub fn of(state: &State) -> Self {
        let mut working = Self::default();
        for order in state.all_live() {
            working.keep(order);
        }
        working
    }
    /// One instrument of an account, where something lives in it.
    pub fn lane(&self, account: AccountKey, instrument: InstrumentId) -> Option<&Lane> {
        self.lanes.get(&(account, instrument))
    }
    /// Every instrument of an account that something lives in, in their order.
    pub fn lanes(&self, account: AccountKey) -> impl Iterator<Item = (InstrumentId, &Lane)> {
        self.lanes
            .range((account, InstrumentId::LOWEST)..)
            .take_while(move |((owner, _), _)| *owner == account)
            .map(|((_, instrument), lane)| (*instrument, lane))
    }
    /// Live orders that the broker owes an answer about, by account and instrument.
    pub(super) fn awaiting(&self) -> impl Iterator<Item = ClientOrderId> {
        self.awaiting.iter().map(|(_, _, id)| *id)
    }
    /// Keeps up with an order as it is now.
    pub(super) fn keep(&mut self, order: &Order) {
        let (account, instrument) = (order.spec.account, order.spec.instrument);
        let row = order.phase.is_live().then(|| Row::of(order));
        let before = match row {
            Some(_) => {
                let lane = self.lanes.entry((account, instrument)).or_default();
                lane.set(order.id, row)
            }
            None => self.end(account, instrument, order.id),
        };
        let awaits = |row: Option<Row>| row.is_some_and(|row| row.awaits);
        match (awaits(before), awaits(row)) {
            (false, true) => {
                self.awaiting.insert((account, instrument, order.id));
            }
            (true, false) => {
                self.awaiting.remove(&(account, instrument, order.id));
            }
            _ => {}
        }
    }
    fn end(&mut self, account: AccountKey, instrument: InstrumentId, id: ClientOrderId) -> Option<Row> {
        let lane = self.lanes.get_mut(&(account, instrument))?;
        let before = lane.set(id, None);
        if lane.rows.is_empty() {
            self.lanes.remove(&(account, instrument));
        }
        before
    }
    /// True where an order stands in it as it is, and only while it lives.
    pub(super) fn agrees(&self, order: &Order) -> bool {
        let lane = self.lane(order.spec.account, order.spec.instrument);
        let row = lane.and_then(|lane| lane.rows.get(&order.id)).copied();
        row == order.phase.is_live().then(|| Row::of(order))
    }
}

impl State {
    /// Makes the index of what lives anew: for a state that was read, or made by hand.
    pub fn reindex(&mut self) {
        self.working = Working::of(self);
    }
    /// What live orders of `side` could still execute, each at its full size. Of a group only one member can, so the
    /// largest counts; children that wait count in full, because their entry could fill at any moment.
    pub fn working(&self, account: AccountKey, instrument: InstrumentId, side: Side) -> Quantity {
        let lane = self.working.lane(account, instrument);
        lane.map_or(Quantity::ZERO, |lane| lane.could_execute(side))
    }
    /// How many live orders of a side there are in an instrument, but for what is parked.
    pub fn working_orders(&self, account: AccountKey, instrument: InstrumentId, side: Side) -> usize {
        let lane = self.working.lane(account, instrument);
        lane.map_or(0, |lane| lane.orders(side))
    }
    /// How many live orders an account has, but for what is parked.
    pub fn working_count(&self, account: AccountKey) -> usize {
        let lanes = self.working.lanes(account);
        lanes
            .map(|(_, lane)| lane.orders(Side::Buy).saturating_add(lane.orders(Side::Sell)))
            .fold(0, usize::saturating_add)
    }
    /// What live orders of a side could execute, but for children that wait for their entry: they close what it opens, and
    /// nothing of what is held now.
    pub(super) fn working_now(&self, account: AccountKey, instrument: InstrumentId, side: Side) -> Quantity {
        let lane = self.working.lane(account, instrument);
        let rows = lane.into_iter().flat_map(Lane::rows).map(|(_, row)| row);
        could_execute(rows.filter(|row| row.side == side && !self.row_waits(row)))
    }
    /// [`State::waits`] of a row.
    pub(super) fn row_waits(&self, row: &Row) -> bool {
        self.waits_in(row.phase, row.parent)
    }
    pub(super) fn waits_in(&self, phase: Phase, parent: Option<ClientOrderId>) -> bool {
        let entry = || parent.and_then(|id| self.orders.get(&id));
        phase == Phase::Created || entry().is_some_and(|entry| entry.filled.is_zero())
    }
}
