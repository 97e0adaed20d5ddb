//! What the broker says of orders, in the engine's words. Pure: keeps which number, durable name and reference belong to
//! which order, joins fees to executions, and says what has to be looked up. An order's end comes from its status alone.

use super::codes::{OrderWord, order_word};
use super::translate;
use crate::domain::{
    AccountKey, BrokerId, ClientOrderId, Currency, Execution, Fee, OrderKind, OrderSpec, Phase, Quantity,
    SafeText,
};
use crate::engine::Report;
use ibapi::orders::{CommissionReport, OrderData, OrderStatus, OrderStatusKind};
use std::collections::BTreeMap;

/// What came of a word of the broker.
#[allow(
    clippy::large_enum_variant,
    reason = "reports are nearly all of it; a box would cost each of them an allocation"
)]
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// For the engine.
    Report(AccountKey, Report),
    /// What became of this order is not clear: if it still is not in a moment, everything has to be read.
    LookUp(ClientOrderId),
    /// For people.
    Told(SafeText),
}

impl Said {
    /// An acknowledgement of a second order names the reference that it was found under: so it is found at all.
    fn found_under(&mut self, reference: ClientOrderId) {
        if let Self::Report(_, Report::Accepted { id, .. }) = self {
            *id = reference;
        }
    }
}

/// An order of ours as the connection knows it.
#[derive(Clone, Debug)]
struct Entry {
    account: AccountKey,
    /// What it is by the last word, or as it was sent.
    terms: (Quantity, OrderKind),
    /// What a change under way would make of it.
    wanted: Option<(Quantity, OrderKind)>,
    /// It was acknowledged.
    accepted: bool,
    /// It has ended, by its status.
    ended: bool,
    /// Said to be inactive, and nobody said why yet.
    inactive: bool,
    /// Why it was refused, where a number said so.
    refused: Option<SafeText>,
    /// What the broker last said about it.
    note: Option<SafeText>,
    /// Executed by its status, and by its executions.
    filled: Quantity,
    booked: Quantity,
}

/// Orders and executions of one connection.
#[derive(Debug)]
pub struct Orders {
    broker: BrokerId,
    client_id: i32,
    entries: BTreeMap<ClientOrderId, Entry>,
    by_number: BTreeMap<i32, ClientOrderId>,
    by_perm: BTreeMap<i64, ClientOrderId>,
    /// The durable name of each order; a second one under its reference is a second order.
    first: BTreeMap<ClientOrderId, i64>,
    executions: BTreeMap<String, Execution>,
    fees: BTreeMap<String, Fee>,
}

impl Orders {
    /// Nothing is known yet.
    pub fn new(broker: BrokerId, client_id: i32) -> Self {
        Self {
            broker,
            client_id,
            entries: BTreeMap::new(),
            by_number: BTreeMap::new(),
            by_perm: BTreeMap::new(),
            first: BTreeMap::new(),
            executions: BTreeMap::new(),
            fees: BTreeMap::new(),
        }
    }

    /// An order is about to be sent.
    pub fn sending(&mut self, id: ClientOrderId, number: i32, spec: &OrderSpec) {
        self.by_number.insert(number, id);
        self.entries
            .insert(id, Entry::new(spec.account, (spec.quantity, spec.kind)));
    }

    /// A change is about to be sent: what the order will be.
    pub fn changing(&mut self, id: ClientOrderId, number: i32, spec: &OrderSpec) {
        self.by_number.insert(number, id);
        let entry = self
            .entries
            .entry(id)
            .or_insert_with(|| Entry::new(spec.account, (spec.quantity, spec.kind)));
        entry.wanted = Some((spec.quantity, spec.kind));
    }

    /// An order made before this connection is about to be cancelled.
    pub fn touching(&mut self, id: ClientOrderId, number: i32, account: AccountKey) {
        self.by_number.insert(number, id);
        self.entries
            .entry(id)
            .or_insert_with(|| Entry::new(account, (Quantity::ZERO, OrderKind::Market)));
    }

    /// Everything was read: what was unclear is what the read says.
    pub fn looked_up(&mut self) {
        for entry in self.entries.values_mut() {
            entry.note = None;
            entry.booked = entry.booked.max(entry.filled);
        }
    }

    /// The account of an order.
    pub fn account(&self, id: ClientOrderId) -> Option<AccountKey> {
        self.entries.get(&id).map(|entry| entry.account)
    }

    /// True while it is not clear what became of an order that had to be looked up.
    pub fn is_unclear(&self, id: ClientOrderId) -> bool {
        self.entries.get(&id).is_some_and(|entry| {
            let undecided = (entry.refused.is_some() || entry.note.is_some()) && !entry.ended;
            undecided || entry.filled > entry.booked
        })
    }

    /// Orders that were refused by a number, and of which no status has told the end: a complete read decides.
    pub fn refused(&self) -> Vec<(ClientOrderId, AccountKey, SafeText)> {
        let refused = |(id, entry): (&ClientOrderId, &Entry)| {
            let reason = entry
                .refused
                .clone()
                .filter(|_| !entry.ended && !entry.accepted)?;
            Some((*id, entry.account, reason))
        };
        self.entries.iter().filter_map(refused).collect()
    }

    /// An order has ended by a complete read.
    pub fn ended(&mut self, id: ClientOrderId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.ended = true;
        }
    }

    /// Binds an order's durable name and, for one of our session, its number. Tells the order that they belong to: where
    /// the reference has a durable name already, this is a second order, which goes by its own.
    pub fn bind(&mut self, id: ClientOrderId, perm_id: i64, number: Option<i32>) -> ClientOrderId {
        let id = match self.by_perm.get(&perm_id) {
            Some(known) => *known,
            None if perm_id > 0 => {
                let first = *self.first.entry(id).or_insert(perm_id);
                let second = (first != perm_id).then(|| ClientOrderId::new(&perm_id.to_string()).ok());
                let id = second.flatten().unwrap_or(id);
                self.by_perm.insert(perm_id, id);
                id
            }
            None => id,
        };
        if let Some(number) = number {
            self.by_number.entry(number).or_insert(id);
        }
        id
    }

    fn find(&self, perm_id: i64, number: i32, client_id: i32) -> Option<ClientOrderId> {
        let ours = || {
            (client_id == self.client_id)
                .then(|| self.by_number.get(&number))
                .flatten()
        };
        self.by_perm.get(&perm_id).or_else(ours).copied()
    }

    /// An order as it is.
    pub fn on_open_order(&mut self, data: &OrderData) -> Vec<Said> {
        let order = &data.order;
        if order.what_if {
            return Vec::new();
        }
        let named = translate::client_order_id(&order.order_ref);
        let Some(id) = named.or_else(|| self.find(order.perm_id, data.order_id, order.client_id)) else {
            return Vec::new();
        };
        let ours = order.client_id == self.client_id;
        let under = id;
        let id = self.bind(id, order.perm_id, ours.then_some(data.order_id));
        let Ok(account) = order.account.parse() else {
            return Vec::new();
        };
        let account = AccountKey {
            broker: self.broker,
            account,
        };
        let mut said = self.status(
            id,
            order.perm_id,
            account,
            &data.order_state.status,
            &data.order_state.reject_reason,
        );
        if under != id {
            for one in &mut said {
                one.found_under(under);
            }
        }
        if let (Some(quantity), Some(kind)) =
            (translate::quantity(order.total_quantity), translate::kind(order))
        {
            said.extend(self.terms(id, account, (quantity, kind)));
        }
        said
    }

    /// What an order is now. Only what was asked for, or is news, is told.
    fn terms(&mut self, id: ClientOrderId, account: AccountKey, now: (Quantity, OrderKind)) -> Option<Said> {
        let entry = self.entries.entry(id).or_insert_with(|| Entry::new(account, now));
        // The trigger of a trailing stop moves with the market: that is no other order.
        let same = |terms: (Quantity, OrderKind)| terms.0 == now.0 && terms.1.agrees_with(now.1);
        let asked = entry.wanted.is_some_and(same);
        let news = entry.wanted.is_none() && !same(entry.terms);
        if !asked && !news {
            return None;
        }
        entry.wanted = None;
        entry.terms = now;
        let (quantity, kind) = now;
        Some(Said::Report(account, Report::Modified { id, quantity, kind }))
    }

    /// An order's status.
    pub fn on_status(&mut self, status: &OrderStatus) -> Vec<Said> {
        let Some(id) = self.find(status.perm_id, status.order_id, status.client_id) else {
            // Of an order that nobody told us of yet: the next read brings it.
            return Vec::new();
        };
        let ours = status.client_id == self.client_id;
        let id = self.bind(id, status.perm_id, ours.then_some(status.order_id));
        let Some(account) = self.account(id) else {
            return Vec::new();
        };
        let mut said = self.status(id, status.perm_id, account, &status.status, "");
        if let (Some(filled), Some(entry)) = (translate::quantity(status.filled), self.entries.get_mut(&id)) {
            entry.filled = entry.filled.max(filled);
            if entry.filled > entry.booked {
                said.push(Said::LookUp(id));
            }
        }
        if status.why_held == "locate" {
            said.push(Said::Told(SafeText::new(&format!(
                "{id} is held while shares are located"
            ))));
        }
        said
    }

    fn status(
        &mut self,
        id: ClientOrderId,
        perm_id: i64,
        account: AccountKey,
        status: &OrderStatusKind,
        why: &str,
    ) -> Vec<Said> {
        let entry = self
            .entries
            .entry(id)
            .or_insert_with(|| Entry::new(account, (Quantity::ZERO, OrderKind::Market)));
        if !why.is_empty() {
            entry.note = Some(SafeText::new(why));
        }
        let broker_id = translate::broker_order_id(perm_id);
        let accepted = |phase| {
            let broker_id = broker_id?;
            Some(Said::Report(account, Report::Accepted { id, broker_id, phase }))
        };
        let said = match status {
            OrderStatusKind::PreSubmitted => accepted(Phase::Held),
            OrderStatusKind::Submitted => accepted(Phase::Working),
            OrderStatusKind::Cancelled | OrderStatusKind::ApiCancelled => {
                entry.ended = true;
                Some(Said::Report(account, entry.end(id)))
            }
            OrderStatusKind::Inactive if entry.refused.is_some() => {
                entry.ended = true;
                Some(Said::Report(account, entry.end(id)))
            }
            OrderStatusKind::Inactive => {
                // Why, another message says; until then it counts as alive.
                entry.inactive = true;
                Some(Said::LookUp(id))
            }
            OrderStatusKind::Filled => {
                entry.ended = true;
                // A market order may fill before anything else is said of it: it learns its durable name all the same.
                accepted(Phase::Working)
            }
            // On its way, or being cancelled: nothing that is not known.
            _ => None,
        };
        if matches!(status, OrderStatusKind::PreSubmitted | OrderStatusKind::Submitted) {
            entry.accepted = true;
        }
        said.into_iter().collect()
    }

    /// A number that names an order.
    pub fn on_error(&mut self, number: i32, code: i32, message: &str) -> Vec<Said> {
        let text = SafeText::new(&format!("{message} ({code})"));
        let Some(id) = self.by_number.get(&number).copied() else {
            return vec![Said::Told(SafeText::new(&format!("order {number}: {text}")))];
        };
        let Some(entry) = self.entries.get_mut(&id) else {
            return Vec::new();
        };
        let account = entry.account;
        let word = order_word(code, entry.wanted.is_some());
        match word {
            OrderWord::Alive => vec![Said::Told(SafeText::new(&format!("{id}: {text}")))],
            OrderWord::Refused if entry.wanted.take().is_some() => {
                vec![Said::Report(account, Report::ModifyRejected { id, reason: text })]
            }
            OrderWord::Refused => {
                entry.refused = Some(text);
                if std::mem::take(&mut entry.inactive) {
                    entry.ended = true;
                    return vec![Said::Report(account, entry.end(id))];
                }
                vec![Said::LookUp(id)]
            }
            OrderWord::CancelRefused => vec![
                Said::Report(account, Report::CancelRejected { id, reason: text }),
                Said::LookUp(id),
            ],
            OrderWord::Cancelled => {
                entry.note = Some(text);
                vec![Said::LookUp(id)]
            }
            OrderWord::Unclear => {
                entry.note = Some(text.clone());
                vec![
                    Said::Told(SafeText::new(&format!("{id}: {text}"))),
                    Said::LookUp(id),
                ]
            }
        }
    }

    /// An execution, new or told again, with its fee where that is known.
    pub fn on_execution(&mut self, their_id: &str, mut execution: Execution) -> Said {
        execution.fee = self.fees.get(their_id).copied();
        let known = self.executions.insert(their_id.to_owned(), execution.clone());
        let named = execution
            .broker_order
            .and_then(|id| id.as_str().parse().ok())
            .and_then(|perm: i64| self.by_perm.get(&perm).copied());
        let first = known.is_none() && execution.id.revision <= 1;
        if let Some(entry) = named.or(execution.order).and_then(|id| self.entries.get_mut(&id))
            && first
        {
            entry.booked = entry.booked.saturating_add(execution.quantity);
        }
        Said::Report(execution.account, Report::Executed(execution))
    }

    /// The fee of an execution, before or after the execution itself. What is not set is not known.
    pub fn on_commission(&mut self, report: &CommissionReport) -> Option<Said> {
        // -1 stands for "not yet".
        let is_set = report.commission.to_bits() != (-1.0_f64).to_bits();
        let amount = translate::money(report.commission).filter(|_| is_set)?;
        let currency: Currency = report.currency.parse().ok()?;
        let fee = Fee { amount, currency };
        self.fees.insert(report.execution_id.clone(), fee);
        let execution = self.executions.get_mut(&report.execution_id)?;
        execution.fee = Some(fee);
        Some(Said::Report(
            execution.account,
            Report::Executed(execution.clone()),
        ))
    }

    /// The fee of an execution, where it is known.
    pub fn fee(&self, their_id: &str) -> Option<Fee> {
        self.fees.get(their_id).copied()
    }
}

impl Entry {
    fn new(account: AccountKey, terms: (Quantity, OrderKind)) -> Self {
        Self {
            account,
            terms,
            wanted: None,
            accepted: false,
            ended: false,
            inactive: false,
            refused: None,
            note: None,
            filled: Quantity::ZERO,
            booked: Quantity::ZERO,
        }
    }

    /// How an order ended of which the status says that it did: refused where a number said so before it ever worked.
    fn end(&self, id: ClientOrderId) -> Report {
        match &self.refused {
            Some(reason) if self.filled.is_zero() => Report::Rejected {
                id,
                reason: reason.clone(),
            },
            _ => Report::Cancelled {
                id,
                reason: self
                    .note
                    .clone()
                    .unwrap_or_else(|| SafeText::new("cancelled at the broker")),
            },
        }
    }
}

#[cfg(test)]
#[path = "orders_tests.rs"]
mod tests;
