//! The fold of executions: what they do to ledgers and to the orders they belong to, how corrections replace them, and
//! how old ones become part of the opening positions.

use super::{Event, State};
use crate::domain::{
    AccountKey, ClientOrderId, Currency, Execution, ExecutionBase, Fee, InstrumentId, Money, Multiplier,
    Order, Position, Price, Quantity, Side, Timestamp,
};
use crate::engine::changes::{Placed, PositionChange, Step};
use crate::engine::planted::{Bug, planted};
use crate::engine::state::{Booked, Ledger};

impl State {
    pub(super) fn open_account(
        &mut self,
        account: AccountKey,
        positions: &[(InstrumentId, Quantity, Option<Price>)],
        executions: &[ExecutionBase],
        event: &Event,
    ) {
        if let Some(entry) = self.accounts.get_mut(&account) {
            entry.opened = true;
        }
        for (instrument, quantity, average) in positions {
            let currency = self.currency(*instrument);
            let ledger = self.ledger(account, *instrument);
            let cost = average
                .and_then(|price| price.notional(*quantity, ledger.multiplier))
                .unwrap_or(Money::ZERO);
            ledger.opening = Position {
                quantity: *quantity,
                cost,
                ..Position::default()
            };
            ledger.refold(currency);
            ledger.opened_at = (!ledger.position.quantity.is_zero()).then_some(event.at);
        }
        for base in executions {
            let booked = Booked {
                revision: 1,
                sequence: event.sequence,
                at: event.at,
                instrument: None,
                fee_known: true,
            };
            self.executions.entry((account, *base)).or_insert(booked);
        }
    }

    pub(super) fn execute(&mut self, execution: &Execution, event: &Event) {
        let key = (execution.account, execution.id.base);
        if self.executions.contains_key(&key) && !planted(Bug::ExecutionTwice) {
            return;
        }
        let currency = self.currency(execution.instrument);
        let ledger = self.ledger(execution.account, execution.instrument);
        let was_flat = ledger.position.quantity.is_zero();
        ledger.executions.push(execution.clone());
        book(&mut ledger.position, execution, ledger.multiplier, currency);
        if was_flat || ledger.position.quantity.is_zero() {
            ledger.opened_at = (!ledger.position.quantity.is_zero()).then_some(event.at);
        }
        self.executions.insert(
            key,
            Booked {
                revision: execution.id.revision,
                sequence: event.sequence,
                at: event.at,
                instrument: Some(execution.instrument),
                fee_known: execution.fee.is_some(),
            },
        );
        if let Some(id) = execution.order {
            self.fill(id, execution.quantity, execution.price, event.at);
        }
    }

    fn fill(&mut self, id: ClientOrderId, quantity: Quantity, price: Price, at: Timestamp) {
        self.edit(id, |order| {
            order.filled = order.filled.saturating_add(quantity);
            let value = price.notional(quantity, Multiplier::ONE).unwrap_or(Money::ZERO);
            order.filled_value = order.filled_value.saturating_add(value);
            order.missing = None;
        });
        self.complete(id, at);
    }

    /// Replaces an execution by its newer revision and folds the ledger again, so that nothing has to be undone.
    pub(super) fn correct(&mut self, execution: &Execution, event: &Event) {
        let Some(booked) = self.executions.get_mut(&(execution.account, execution.id.base)) else {
            return;
        };
        if booked.revision >= execution.id.revision {
            return;
        }
        booked.revision = execution.id.revision;
        // One that was part of the opening positions can't be taken out of them: the next read shows the difference.
        let Some(instrument) = booked.instrument else {
            return;
        };
        let currency = self.currency(instrument);
        let ledger = self.ledger(execution.account, instrument);
        let Some(old) = ledger
            .executions
            .iter_mut()
            .find(|old| old.id.base == execution.id.base)
        else {
            return;
        };
        let before = std::mem::replace(old, execution.clone());
        let twice = planted(Bug::CorrectionAdded).then(|| before.clone());
        if old.fee.is_none() {
            old.fee = before.fee;
        }
        old.order = old.order.or(before.order);
        old.instrument = instrument;
        ledger.executions.extend(twice);
        ledger.refold(currency);
        if let Some(id) = before.order {
            self.fill(id, before.quantity.negated(), before.price, event.at);
            self.fill(id, execution.quantity, execution.price, event.at);
            // The correction itself may name no order.
            self.index(id);
        }
    }

    pub(super) fn charge(&mut self, account: AccountKey, base: ExecutionBase, fee: Fee) {
        let Some(booked) = self.executions.get_mut(&(account, base)) else {
            return;
        };
        booked.fee_known = true;
        let Some(instrument) = booked.instrument else {
            return;
        };
        let currency = self.currency(instrument);
        let ledger = self.ledger(account, instrument);
        if let Some(execution) = ledger
            .executions
            .iter_mut()
            .find(|execution| execution.id.base == base)
        {
            execution.fee = Some(fee);
            ledger.refold(currency);
        }
    }

    /// An order made elsewhere. Trades of it that came before it was known are its own from now on.
    pub(super) fn adopt(&mut self, order: &Order) {
        if self.orders.contains_key(&order.id) {
            return;
        }
        let mut order = order.clone();
        if let Some(broker_id) = order.broker_id {
            self.bound
                .insert((order.spec.account.broker, broker_id), order.id);
            let (mut filled, mut value) = (Quantity::ZERO, Money::ZERO);
            let ledger = self.ledgers.get_mut(&(order.spec.account, order.spec.instrument));
            for execution in ledger.into_iter().flat_map(|ledger| &mut ledger.executions) {
                if execution.order.is_none() && execution.broker_order == Some(broker_id) {
                    execution.order = Some(order.id);
                    filled = filled.saturating_add(execution.quantity);
                    let paid = execution.price.notional(execution.quantity, Multiplier::ONE);
                    value = value.saturating_add(paid.unwrap_or(Money::ZERO));
                }
            }
            if filled >= order.filled {
                (order.filled, order.filled_value) = (filled, value);
            }
        }
        let id = order.id;
        self.insert_order(order);
        self.complete(id, self.at);
    }

    /// The terms of an instrument came later than what was traded in it, or changed: profit is counted by the new ones.
    pub(super) fn relist(&mut self, id: InstrumentId, multiplier: Multiplier) {
        let currency = self.currency(id);
        for ((_, of), ledger) in &mut self.ledgers {
            if *of != id || ledger.multiplier == multiplier {
                continue;
            }
            let average = ledger.opening.average_price(ledger.multiplier);
            let cost = average.and_then(|price| price.notional(ledger.opening.quantity, multiplier));
            ledger.opening.cost = cost.unwrap_or(ledger.opening.cost);
            ledger.multiplier = multiplier;
            ledger.refold(currency);
        }
    }

    /// A change that is no execution counts as held before them: what was traded since keeps its own prices, and what the
    /// change closes or opens is valued at `price`.
    pub(super) fn adjust(
        &mut self,
        account: AccountKey,
        instrument: InstrumentId,
        change: Quantity,
        price: Option<Price>,
        at: Timestamp,
    ) {
        let currency = self.currency(instrument);
        let ledger = self.ledger(account, instrument);
        let was_flat = ledger.position.quantity.is_zero();
        let price = price
            .or_else(|| ledger.position.average_price(ledger.multiplier))
            .unwrap_or(Price::ZERO);
        let side = if change.is_negative() {
            Side::Sell
        } else {
            Side::Buy
        };
        if ledger.changes.is_empty() {
            ledger
                .opening
                .execute(side, change.abs(), price, ledger.multiplier);
        } else {
            // What was held before a split is not what is adjusted now.
            let change = PositionChange::Book {
                quantity: change,
                price: Some(price),
            };
            let after = ledger.executions.len();
            ledger.changes.push(Placed { after, change });
        }
        ledger.refold(currency);
        if was_flat || ledger.position.quantity.is_zero() {
            ledger.opened_at = (!ledger.position.quantity.is_zero()).then_some(at);
        }
        if let Some(entry) = self.accounts.get_mut(&account) {
            entry.mismatches.remove(&instrument);
        }
    }

    fn currency(&self, instrument: InstrumentId) -> Option<Currency> {
        self.instruments
            .get(&instrument)
            .map(|instrument| instrument.currency)
    }

    pub(in crate::engine) fn ledger(&mut self, account: AccountKey, instrument: InstrumentId) -> &mut Ledger {
        let multiplier = self
            .instruments
            .get(&instrument)
            .map_or(Multiplier::ONE, |instrument| instrument.multiplier);
        self.ledgers
            .entry((account, instrument))
            .or_insert_with(|| Ledger {
                multiplier,
                opening: Position::default(),
                executions: Vec::new(),
                changes: Vec::new(),
                position: Position::default(),
                opened_at: None,
                merged_until: None,
            })
    }

    /// Lets go of what ended long ago: orders leave, executions become part of the opening positions.
    pub(super) fn trim(&mut self, orders_before: Timestamp, executions_before: Timestamp) {
        let gone =
            |order: &Order| !order.phase.is_live() && order.ended_at.is_some_and(|at| at < orders_before);
        let still_needed: Vec<ClientOrderId> = self
            .orders
            .values()
            .filter(|order| !gone(order))
            .filter_map(|order| order.spec.parent)
            .collect();
        self.orders
            .retain(|id, order| !gone(order) || still_needed.contains(id));
        let orders = &self.orders;
        self.groups
            .retain(|_, group| group.members.iter().any(|id| orders.contains_key(id)));
        self.bound.retain(|_, id| orders.contains_key(id));
        self.stop_plans.retain(|id, _| orders.contains_key(id));
        self.doubles.retain(|id, _| orders.contains_key(id));
        // An execution is forgotten exactly when it has become part of an opening position; one that is repeated later is
        // known by its age. How old it is here is told by our clock, because a tape's is years away from it.
        let booked = &mut self.executions;
        for ((account, instrument), ledger) in &mut self.ledgers {
            let currency = self
                .instruments
                .get(instrument)
                .map(|instrument| instrument.currency);
            let is_old = |execution: &&Execution| {
                booked
                    .get(&(*account, execution.id.base))
                    .is_none_or(|booked| booked.at < executions_before)
            };
            let old = ledger.executions.iter().take_while(is_old).count();
            for execution in ledger.merge(old, currency) {
                ledger.merged_until = ledger.merged_until.max(Some(execution.at));
                booked.remove(&(*account, execution.id.base));
            }
        }
        booked.retain(|_, booked| booked.instrument.is_some() || booked.at >= executions_before);
        self.trimmed = (executions_before, self.at);
    }
}

impl Ledger {
    /// The position from its opening and all executions, in the order they were booked.
    fn refold(&mut self, currency: Option<Currency>) {
        let mut position = self.opening;
        for step in self.steps() {
            match step {
                Step::Execution(execution) => book(&mut position, execution, self.multiplier, currency),
                Step::Change(change) => change.apply(&mut position, self.multiplier),
            }
        }
        self.position = position;
    }

    /// The oldest executions become part of the opening position, with the changes that came before them.
    fn merge(&mut self, old: usize, currency: Option<Currency>) -> Vec<Execution> {
        let merged: Vec<Execution> = self.executions.drain(..old).collect();
        for (index, execution) in merged.iter().enumerate() {
            self.merge_changes(index);
            book(&mut self.opening, execution, self.multiplier, currency);
        }
        if self.executions.is_empty() {
            self.merge_changes(old);
        }
        for placed in &mut self.changes {
            placed.after = placed.after.saturating_sub(old);
        }
        merged
    }

    fn merge_changes(&mut self, index: usize) {
        let due = self
            .changes
            .iter()
            .take_while(|placed| placed.after <= index)
            .count();
        for placed in self.changes.drain(..due) {
            placed.change.apply(&mut self.opening, self.multiplier);
        }
    }
}

/// Books one execution. A fee in another currency than the instrument's stays with its execution: sums don't mix money.
fn book(position: &mut Position, execution: &Execution, multiplier: Multiplier, currency: Option<Currency>) {
    position.execute(execution.side, execution.quantity, execution.price, multiplier);
    if let Some(fee) = execution
        .fee
        .filter(|fee| currency.is_none_or(|currency| currency == fee.currency))
    {
        position.fees = position.fees.saturating_add(fee.amount);
    }
}
