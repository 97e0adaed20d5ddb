//! A broker with the habits of TWS, in front of the exchange: it knows orders by numbers and takes an unknown number for a
//! new order whatever it is called; it keeps a family until its last child has come, lets children wait until their parent
//! has ended, and lets a fill of one in a group take from the others; orders of other sessions are only shown. What it was
//! told survives everything: it is a big company.

use std::collections::BTreeMap;
use tradewind::domain::*;
use tradewind::engine::{BrokerOrder, Family, Report, Request, Snapshot};
use tradewind::venue::VenueRequest;

/// What follows from something said to the broker, or by the exchange.
#[derive(Clone, Debug)]
pub enum Step {
    Ask(VenueRequest),
    Tell(AccountKey, Report),
    /// Something is unclear: the engine should read.
    Unclear,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Waits for the last of its family.
    Untransmitted,
    /// Waits for its parent to end.
    Waiting,
    /// At the exchange, as far as the broker knows.
    Sent,
    Ended(Phase),
}

#[derive(Clone, Debug)]
struct Kept {
    reference: ClientOrderId,
    spec: OrderSpec,
    parent: Option<i32>,
    group: Option<ClientOrderId>,
    stage: Stage,
    filled: Quantity,
    /// It never got to the exchange.
    ours: bool,
}

impl Kept {
    fn lives(&self) -> bool {
        !matches!(self.stage, Stage::Ended(_))
    }
}

/// The broker.
#[derive(Debug, Default)]
pub struct Habits {
    orders: BTreeMap<i32, Kept>,
}

fn perm(number: i32) -> BrokerOrderId {
    BrokerOrderId::new(&format!("P{number}")).unwrap()
}

/// What the exchange calls an order.
fn venue_id(number: i32) -> ClientOrderId {
    ClientOrderId::new(&format!("T{number:08}")).unwrap()
}

fn number_of(id: ClientOrderId) -> Option<i32> {
    id.as_str()
        .strip_prefix('T')
        .filter(|rest| rest.len() == 8)?
        .parse()
        .ok()
}

fn share(size: Quantity, part: Quantity, whole: Quantity) -> Quantity {
    if whole.is_zero() {
        return size;
    }
    let product = i128::from(size.raw()) * i128::from(part.raw()) / i128::from(whole.raw());
    let one = i128::from(Quantity::ONE.raw());
    Quantity::from_raw(i64::try_from((product / one * one).max(one)).unwrap())
}

impl Habits {
    /// The lowest number that is still taken.
    pub fn next_number(&self) -> i32 {
        self.orders.last_key_value().map_or(1, |(highest, _)| highest + 1)
    }

    /// How many live orders have this reference.
    pub fn live_under(&self, reference: ClientOrderId) -> usize {
        let under = self.orders.values().filter(|kept| kept.reference == reference);
        under.filter(|kept| kept.lives()).count()
    }

    pub fn serve(&mut self, request: Request, steps: &mut Vec<Step>) {
        match request {
            Request::Place {
                id,
                spec,
                number,
                family,
                ..
            } => self.place(number, id, spec, family, steps),
            Request::Modify {
                account,
                id,
                number,
                change,
                spec,
                family,
                ..
            } => {
                let known = number.and_then(|number| Some((number, self.orders.get_mut(&number)?)));
                let Some((number, kept)) = known else {
                    // An unknown number is a new order, whatever it is called.
                    return self.place(number.unwrap_or_default(), id, spec, family, steps);
                };
                match kept.stage {
                    Stage::Untransmitted | Stage::Waiting => {
                        kept.spec.quantity = change.quantity.unwrap_or(kept.spec.quantity);
                        kept.spec.kind = change.applied_to(kept.spec.kind);
                        let report = modified(kept);
                        steps.push(Step::Tell(account, report));
                    }
                    Stage::Sent => steps.push(Step::Ask(VenueRequest::Modify {
                        account,
                        id: venue_id(number),
                        change,
                    })),
                    Stage::Ended(_) => {
                        let reason = "Cannot modify a filled order (104)".into();
                        steps.push(Step::Tell(account, Report::ModifyRejected { id, reason }));
                    }
                }
            }
            Request::Cancel {
                account, id, number, ..
            } => {
                let number = number.filter(|number| self.orders.get(number).is_some_and(Kept::lives));
                if let Some(number) = number {
                    return self.cancel(number, steps);
                }
                let reason = "OrderId that needs to be cancelled is not found (10147)".into();
                steps.push(Step::Tell(account, Report::CancelRejected { id, reason }));
                steps.push(Step::Unclear);
            }
            Request::Snapshot { .. } => {}
        }
    }

    fn place(
        &mut self,
        number: i32,
        id: ClientOrderId,
        spec: OrderSpec,
        family: Option<Family>,
        steps: &mut Vec<Step>,
    ) {
        let account = spec.account;
        let refuse = |words: &str| {
            let reason = words.into();
            Step::Tell(account, Report::Rejected { id, reason })
        };
        if let Some(known) = self.orders.get(&number) {
            // A live number is a change, here of nothing; a dead one is refused (103), and what it is has to be asked.
            if !known.lives() {
                steps.push(Step::Unclear);
            }
            return;
        }
        if number <= 0 {
            return steps.push(refuse("The order id is not positive (321)"));
        }
        let parent = family.and_then(|family| family.parent);
        if let Some(parent) = parent {
            match self.orders.get(&parent) {
                None => return steps.push(refuse("Can't find the parent (135)")),
                Some(kept) if !kept.lives() && kept.filled.is_zero() => {
                    return steps.push(refuse("The parent has ended (201)"));
                }
                Some(_) => {}
            }
        }
        let kept = Kept {
            reference: id,
            spec,
            parent,
            group: family.and_then(|family| family.group),
            stage: Stage::Untransmitted,
            filled: Quantity::ZERO,
            ours: true,
        };
        self.orders.insert(number, kept);
        if family.is_none_or(|family| family.complete) {
            self.transmit(number, steps);
        }
    }

    fn transmit(&mut self, number: i32, steps: &mut Vec<Step>) {
        let Some(parent) = self.orders[&number].parent else {
            return self.send(number, steps);
        };
        for (number, kept) in &mut self.orders {
            if kept.parent == Some(parent) && kept.stage == Stage::Untransmitted {
                kept.stage = Stage::Waiting;
                let (id, broker_id, phase) = (kept.reference, perm(*number), Phase::Held);
                let report = Report::Accepted { id, broker_id, phase };
                steps.push(Step::Tell(kept.spec.account, report));
            }
        }
        match self.orders.get(&parent).map(|kept| kept.stage) {
            Some(Stage::Untransmitted) => self.send(parent, steps),
            Some(Stage::Ended(_)) => self.parent_ended(parent, steps),
            _ => {}
        }
    }

    fn send(&mut self, number: i32, steps: &mut Vec<Step>) {
        let kept = self.orders.get_mut(&number).unwrap();
        kept.stage = Stage::Sent;
        kept.ours = false;
        steps.push(Step::Ask(VenueRequest::Place {
            id: venue_id(number),
            spec: kept.spec.clone(),
        }));
    }

    fn cancel(&mut self, number: i32, steps: &mut Vec<Step>) {
        let kept = self.orders.get_mut(&number).unwrap();
        let account = kept.spec.account;
        if kept.stage == Stage::Sent {
            let id = venue_id(number);
            return steps.push(Step::Ask(VenueRequest::Cancel { account, id }));
        }
        kept.stage = Stage::Ended(Phase::Cancelled);
        let (id, reason) = (kept.reference, "cancelled while it waited".into());
        steps.push(Step::Tell(account, Report::Cancelled { id, reason }));
        self.parent_ended(number, steps);
    }

    /// What becomes of the children when their parent has ended.
    fn parent_ended(&mut self, parent: i32, steps: &mut Vec<Step>) {
        let (filled, total) = {
            let kept = &self.orders[&parent];
            (kept.filled, kept.spec.quantity)
        };
        let children = self.orders.iter().filter(|(_, kept)| kept.parent == Some(parent));
        let children: Vec<i32> = children.map(|(number, _)| *number).collect();
        for child in children {
            let kept = self.orders.get_mut(&child).unwrap();
            match kept.stage {
                Stage::Untransmitted | Stage::Waiting if filled.is_zero() => self.cancel(child, steps),
                Stage::Waiting => {
                    let fair = share(kept.spec.quantity, filled.min(total), total);
                    if fair != kept.spec.quantity {
                        kept.spec.quantity = fair;
                        let report = modified(kept);
                        steps.push(Step::Tell(kept.spec.account, report));
                    }
                    self.send(child, steps);
                }
                _ => {}
            }
        }
    }

    /// An order of a group traded: the others shrink, or go where it is done.
    fn group_traded(&mut self, number: i32, traded: Quantity, steps: &mut Vec<Step>) {
        let kept = &self.orders[&number];
        let (group, account, done) = (kept.group, kept.spec.account, !kept.lives());
        let before = kept
            .spec
            .quantity
            .saturating_sub(kept.filled)
            .saturating_add(traded);
        let fellows = self.orders.iter().filter(|(other, fellow)| {
            let same = group.is_some() && fellow.group == group && fellow.spec.account == account;
            same && **other != number && fellow.lives()
        });
        let fellows: Vec<i32> = fellows.map(|(number, _)| *number).collect();
        for other in fellows {
            let kept = self.orders.get_mut(&other).unwrap();
            let left = kept.spec.quantity.saturating_sub(kept.filled);
            let total = kept.spec.quantity.saturating_sub(share(left, traded, before));
            if done || total <= kept.filled {
                self.cancel(other, steps);
            } else if kept.stage == Stage::Sent {
                let change = OrderChange {
                    quantity: Some(total),
                    ..OrderChange::default()
                };
                let id = venue_id(other);
                steps.push(Step::Ask(VenueRequest::Modify { account, id, change }));
            } else {
                kept.spec.quantity = total;
                let report = modified(kept);
                steps.push(Step::Tell(account, report));
            }
        }
    }

    /// A report of the exchange in the broker's names, and what follows from it.
    pub fn hear(&mut self, account: AccountKey, report: Report, steps: &mut Vec<Step>) {
        let venue = |report: &Report| match report {
            Report::Accepted { id, .. } | Report::Rejected { id, .. } | Report::Triggered { id } => Some(*id),
            Report::Modified { id, .. } | Report::ModifyRejected { id, .. } | Report::Expired { id } => {
                Some(*id)
            }
            Report::Cancelled { id, .. } | Report::CancelRejected { id, .. } => Some(*id),
            Report::Executed(execution) => execution.order,
            Report::Balance { .. } | Report::Funds { .. } => None,
        };
        let Some(number) = venue(&report).and_then(number_of) else {
            // Of another session's orders only trades and ends are told.
            let ends = matches!(report, Report::Cancelled { .. } | Report::Expired { .. });
            if ends
                || matches!(
                    report,
                    Report::Balance { .. } | Report::Funds { .. } | Report::Executed(_)
                )
            {
                steps.push(Step::Tell(account, report));
            }
            return;
        };
        let Some(kept) = self.orders.get_mut(&number) else {
            return;
        };
        let named = kept.reference;
        let mut traded = None;
        let told = match report {
            Report::Accepted { phase, .. } => Report::Accepted {
                id: named,
                broker_id: perm(number),
                phase,
            },
            Report::Executed(execution) => {
                kept.filled = kept.filled.saturating_add(execution.quantity);
                traded = Some(execution.quantity);
                if kept.filled >= kept.spec.quantity {
                    kept.stage = Stage::Ended(Phase::Filled);
                }
                Report::Executed(named_as(execution, named, number))
            }
            Report::Modified { quantity, kind, .. } => {
                (kept.spec.quantity, kept.spec.kind) = (quantity, kind);
                modified(kept)
            }
            Report::Rejected { reason, .. } => {
                kept.stage = Stage::Ended(Phase::Rejected);
                Report::Rejected { id: named, reason }
            }
            Report::Cancelled { reason, .. } => {
                kept.stage = Stage::Ended(Phase::Cancelled);
                Report::Cancelled { id: named, reason }
            }
            Report::Expired { .. } => {
                kept.stage = Stage::Ended(Phase::Expired);
                Report::Expired { id: named }
            }
            Report::Triggered { .. } => Report::Triggered { id: named },
            Report::ModifyRejected { reason, .. } => Report::ModifyRejected { id: named, reason },
            Report::CancelRejected { reason, .. } => Report::CancelRejected { id: named, reason },
            told @ (Report::Balance { .. } | Report::Funds { .. }) => told,
        };
        let ended = !kept.lives();
        steps.push(Step::Tell(account, told));
        if let Some(traded) = traded {
            self.group_traded(number, traded, steps);
        }
        if ended {
            self.parent_ended(number, steps);
        }
    }

    /// What the exchange has, after it was away: what was not heard is caught up with.
    pub fn resync(&mut self, read: &Snapshot, steps: &mut Vec<Step>) {
        for order in &read.orders {
            let Some(number) = number_of(order.id) else {
                continue;
            };
            let Some(kept) = self.orders.get_mut(&number) else {
                continue;
            };
            let more = order.filled.saturating_sub(kept.filled);
            kept.filled = order.filled.max(kept.filled);
            (kept.spec.quantity, kept.spec.kind) = (order.spec.quantity, order.spec.kind);
            let ends = kept.lives() && !order.phase.is_live();
            if ends {
                kept.stage = Stage::Ended(order.phase);
            }
            if more.is_positive() {
                self.group_traded(number, more, steps);
            }
            if ends {
                self.parent_ended(number, steps);
            }
        }
    }

    /// The exchange's read in the broker's names, with what never got there.
    pub fn view(&self, mut read: Snapshot) -> Snapshot {
        for order in &mut read.orders {
            match number_of(order.id).and_then(|number| Some((number, self.orders.get(&number)?))) {
                Some((number, kept)) => {
                    order.id = kept.reference;
                    order.broker_id = perm(number);
                    order.number = Some(number);
                }
                None => order.foreign = true,
            }
        }
        for (number, kept) in self.orders.iter().filter(|(_, kept)| kept.ours) {
            if kept.spec.account == read.account {
                read.orders.push(BrokerOrder {
                    id: kept.reference,
                    broker_id: perm(*number),
                    spec: kept.spec.clone(),
                    phase: match kept.stage {
                        Stage::Ended(phase) => phase,
                        _ => Phase::Held,
                    },
                    filled: Quantity::ZERO,
                    number: Some(*number),
                    foreign: false,
                });
            }
        }
        for execution in &mut read.executions {
            if let Some(number) = execution.order.and_then(number_of)
                && let Some(kept) = self.orders.get(&number)
            {
                *execution = named_as(execution.clone(), kept.reference, number);
            }
        }
        read
    }
}

fn modified(kept: &Kept) -> Report {
    Report::Modified {
        id: kept.reference,
        quantity: kept.spec.quantity,
        kind: kept.spec.kind,
    }
}

fn named_as(execution: Execution, reference: ClientOrderId, number: i32) -> Execution {
    Execution {
        order: Some(reference),
        broker_order: Some(perm(number)),
        ..execution
    }
}
