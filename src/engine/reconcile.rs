//! Comparing with the broker: at start, after every reconnect, on a timer and on request, everything the broker knows of
//! an account is read and held against the state. Unseen executions are booked first, because money is truth; then orders
//! are matched, adopted or counted as missing; then positions are compared. A difference is shown and blocks what adds
//! risk; nothing is ever traded to mend one. Reports that arrive while a read is under way are booked as they come: every
//! step here is idempotent, so their order does not matter.

use super::decide::{accepted, book};
use super::doubles;
use super::event::{Actor, Event, Fact};
use super::fold::changed;
use super::order_flow::{Step, next};
use super::planted::{Bug, planted};
use super::port::{BrokerOrder, Snapshot};
use super::state::State;
use super::timing::{ABSENT_AFTER, ANSWER_WITHIN, READS_APART};
use crate::domain::{
    AccountKey, ClientOrderId, InstrumentId, Money, Order, Pending, Phase, Price, Quantity, SafeText,
    Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// A read that failed proves nothing.
pub(super) fn failed(state: &State, account: AccountKey, pass: u64, reason: &SafeText) -> Vec<Fact> {
    match under_way(state, account, pass) {
        None => Vec::new(),
        Some(began) if planted(Bug::FailedReadIsEmpty) => {
            compare(state, &nothing(account, pass), began.max(state.at))
        }
        Some(_) => vec![Fact::ReconcileEnded {
            account,
            pass,
            failure: Some(reason.clone()),
            mismatches: Vec::new(),
            averages: Vec::new(),
        }],
    }
}

/// A read that found nothing: what a failed one never is.
fn nothing(account: AccountKey, pass: u64) -> Snapshot {
    Snapshot {
        pass,
        account,
        positions: Vec::new(),
        cash: BTreeMap::new(),
        orders: Vec::new(),
        executions: Vec::new(),
        complete_since: Timestamp::MIN,
    }
}

/// When the pass began, if it is the one that is waited for.
fn under_way(state: &State, account: AccountKey, pass: u64) -> Option<Timestamp> {
    state
        .accounts
        .get(&account)?
        .reading
        .filter(|(current, _)| *current == pass)
        .map(|(_, since)| since)
}

/// Compares one complete read.
pub(super) fn compare(state: &State, snapshot: &Snapshot, now: Timestamp) -> Vec<Fact> {
    let Some(began) = under_way(state, snapshot.account, snapshot.pass) else {
        return Vec::new();
    };
    let mut pass = Pass {
        scratch: state.clone(),
        facts: Vec::new(),
        began,
        now,
        told: state.positions_known(snapshot.account),
    };
    pass.find_gap(snapshot);
    if pass.scratch.positions_known(snapshot.account) {
        for execution in &snapshot.executions {
            let facts = book(&pass.scratch, execution);
            pass.add(facts);
        }
    } else {
        pass.open(snapshot);
    }
    for reported in &snapshot.orders {
        pass.match_order(reported);
    }
    pass.count_missing(snapshot);
    pass.compare_cash(snapshot);
    let mismatches = pass.compare_positions(snapshot);
    pass.facts.push(Fact::ReconcileEnded {
        account: snapshot.account,
        pass: snapshot.pass,
        failure: None,
        averages: averages(snapshot, &mismatches),
        mismatches,
    });
    pass.facts
}

/// One comparison: facts so far, and the state as they would leave it, so that each step sees what the one before found.
struct Pass {
    scratch: State,
    facts: Vec<Fact>,
    began: Timestamp,
    now: Timestamp,
    /// Every execution since the opening read is told as one, sooner or later: none is contained in what was there, and
    /// none is lost in a gap.
    told: bool,
}

impl Pass {
    fn add(&mut self, facts: Vec<Fact>) {
        for fact in facts {
            let sequence = self.scratch.sequence.saturating_add(1);
            let event = Event {
                sequence,
                at: self.now,
                batch: sequence,
                actor: Actor::Engine,
                cause: None,
                fact,
            };
            self.scratch.apply(&event);
            self.facts.push(event.fact);
        }
    }

    /// Executions that the broker no longer gives, from a time when nobody listened, may be missing.
    fn find_gap(&mut self, snapshot: &Snapshot) {
        let last = self
            .scratch
            .accounts
            .get(&snapshot.account)
            .and_then(|account| account.read_at);
        if let Some(from) = last.filter(|last| *last < snapshot.complete_since) {
            self.told = false;
            self.add(vec![Fact::GapFound {
                account: snapshot.account,
                from,
                until: snapshot.complete_since,
            }]);
        }
    }

    /// The first complete read: what is held now, less what this journal has booked of it, was there before.
    fn open(&mut self, snapshot: &Snapshot) {
        let account = snapshot.account;
        let contained: BTreeSet<_> = snapshot
            .executions
            .iter()
            .map(|execution| execution.id.base)
            .collect();
        let mut opening: BTreeMap<InstrumentId, (Quantity, Option<Price>)> = snapshot
            .positions
            .iter()
            .map(|(id, quantity, average)| (*id, (*quantity, *average)))
            .collect();
        for ((owner, instrument), ledger) in &self.scratch.ledgers {
            for execution in ledger
                .executions
                .iter()
                .filter(|e| *owner == account && contained.contains(&e.id.base))
            {
                let entry = opening.entry(*instrument).or_default();
                entry.0 = entry.0.saturating_sub(execution.side.signed(execution.quantity));
            }
        }
        let positions = opening
            .into_iter()
            .map(|(id, (quantity, average))| (id, quantity, average))
            .collect();
        let executions = contained.into_iter().collect();
        self.add(vec![Fact::OpeningRead {
            account,
            positions,
            executions,
        }]);
    }

    /// The order that a broker's durable name is bound to.
    fn bound_to(&self, reported: &BrokerOrder) -> Option<ClientOrderId> {
        let name = (reported.spec.account.broker, reported.broker_id);
        self.scratch.bound.get(&name).copied()
    }

    fn match_order(&mut self, reported: &BrokerOrder) {
        let id = self.bound_to(reported).unwrap_or(reported.id);
        let Some(ours) = self.scratch.orders.get(&id) else {
            if reported.phase.is_live() {
                let order = Box::new(adopt(reported, self.told, self.now));
                self.add(vec![Fact::Adopted { order }]);
            }
            return;
        };
        if planted(Bug::MovedByStatus) && reported.filled > ours.filled {
            let (spec, more) = (&ours.spec, reported.filled.saturating_sub(ours.filled));
            let (account, instrument, change) = (spec.account, spec.instrument, spec.side.signed(more));
            let cause = SafeText::new("status");
            return self.add(vec![Fact::PositionAdjusted {
                account,
                instrument,
                change,
                price: None,
                cause,
            }]);
        }
        let facts = if reported.phase.is_live() {
            self.match_live(ours, reported)
        } else {
            let mut facts = match_ended(ours, reported);
            facts.extend(bind_ended(ours, reported, !facts.is_empty()));
            facts
        };
        self.add(facts);
    }

    /// The broker has it live. Terms we know otherwise are taken over; a request without an answer is asked again
    /// (cancels) or given up (changes), now that the broker's own word on the order is here.
    fn match_live(&self, ours: &Order, reported: &BrokerOrder) -> Vec<Fact> {
        let (id, terms) = (ours.id, &reported.spec);
        // One that is bound already is not matched by its client id.
        if ours.broker_id.is_some_and(|bound| bound != reported.broker_id) {
            // Another order under the same client id: its terms say nothing about ours.
            return doubles::found(
                &self.scratch,
                ours,
                reported.broker_id,
                reported.phase,
                Some(reported),
                self.told,
            );
        }
        let mut facts = accepted(&self.scratch, id, reported.broker_id, reported.phase);
        facts.extend(doubles::numbered(&self.scratch, ours, reported));
        let revived = matches!(ours.phase, Phase::Absent | Phase::Lost) && !facts.is_empty();
        let larger = ours.phase == Phase::Filled && terms.quantity > ours.filled;
        if !(ours.phase.is_live() || revived || larger) {
            // Ended here by the broker's own later word: the read is older than that word.
            return facts;
        }
        let unanswered = ours
            .pending_since
            .is_some_and(|since| since.after(ANSWER_WITHIN) <= self.began);
        match ours.pending {
            Some(Pending::Cancel) if unanswered => facts.push(Fact::CancelRequested { id }),
            Some(Pending::Cancel) => {}
            Some(Pending::Modify { change }) if unanswered => {
                let wanted = changed(&ours.spec, change);
                facts.push(
                    if wanted.quantity == terms.quantity && wanted.kind.agrees_with(terms.kind) {
                        Fact::Modified {
                            id,
                            quantity: terms.quantity,
                            kind: terms.kind,
                        }
                    } else {
                        Fact::ModifyRefused {
                            id,
                            reason: SafeText::new("no answer, and the broker has not changed the order"),
                        }
                    },
                );
            }
            Some(Pending::Modify { .. }) => {}
            None if self.settled(ours) => {
                let differs = ours.spec.quantity != terms.quantity || ours.spec.kind != terms.kind;
                if differs && terms.quantity >= ours.filled {
                    facts.push(Fact::Modified {
                        id,
                        quantity: terms.quantity,
                        kind: terms.kind,
                    });
                }
            }
            None => {}
        }
        facts
    }

    /// True where nothing was said about the order since the read began: then the read is the newer word on its terms.
    fn settled(&self, order: &Order) -> bool {
        [order.acked_at, order.pending_since]
            .into_iter()
            .flatten()
            .all(|at| at <= self.began)
    }

    /// Orders the broker should have and did not list. One missing read proves nothing; two, far enough apart and long
    /// enough after sending, do.
    fn count_missing(&mut self, snapshot: &Snapshot) {
        // A second order under a client id does not stand for the first.
        let listed: BTreeSet<ClientOrderId> = snapshot
            .orders
            .iter()
            .map(|order| self.bound_to(order).unwrap_or(order.id))
            .collect();
        let bound: BTreeSet<_> = snapshot.orders.iter().map(|order| order.broker_id).collect();
        let began = self.began;
        let missing: Vec<Order> = self
            .scratch
            .all_live()
            .filter(|order| order.spec.account == snapshot.account && order.phase.is_at_broker())
            .filter(|order| order.sent_at.is_some_and(|sent| sent < began) || order.external)
            .filter(|order| {
                !listed.contains(&order.id) && order.broker_id.is_none_or(|id| !bound.contains(&id))
            })
            .cloned()
            .collect();
        for order in missing {
            self.miss(&order);
        }
    }

    fn miss(&mut self, order: &Order) {
        let id = order.id;
        let second_read = order
            .missing
            .is_some_and(|(_, since)| self.began.since(since) >= READS_APART);
        let long_ago = order
            .sent_at
            .is_none_or(|sent| self.began.since(sent) >= ABSENT_AFTER);
        let conclusion = match order.phase {
            Phase::Uncertain if second_read && long_ago => Fact::Absent { id },
            Phase::Held | Phase::Working if second_read => Fact::Lost { id },
            _ => Fact::Missed { id },
        };
        self.add(vec![conclusion]);
    }

    fn compare_cash(&mut self, snapshot: &Snapshot) {
        let known = self
            .scratch
            .accounts
            .get(&snapshot.account)
            .and_then(|account| account.account.cash.as_ref());
        if known != Some(&snapshot.cash) {
            self.add(vec![Fact::BalanceReported {
                account: snapshot.account,
                cash: snapshot.cash.clone(),
            }]);
        }
    }

    fn compare_positions(&self, snapshot: &Snapshot) -> Vec<(InstrumentId, Quantity, Quantity)> {
        let mut both: BTreeMap<InstrumentId, (Quantity, Quantity)> = BTreeMap::new();
        for (instrument, quantity, _) in &snapshot.positions {
            both.entry(*instrument).or_default().1 = *quantity;
        }
        for ((account, instrument), ledger) in &self.scratch.ledgers {
            if *account == snapshot.account {
                both.entry(*instrument).or_default().0 = ledger.position.quantity;
            }
        }
        both.into_iter()
            .filter(|(_, (ours, theirs))| ours != theirs)
            .map(|(id, (ours, theirs))| (id, ours, theirs))
            .collect()
    }
}

/// What the broker paid on average for what differs, where it says so: a split shows in it.
fn averages(
    snapshot: &Snapshot,
    mismatches: &[(InstrumentId, Quantity, Quantity)],
) -> Vec<(InstrumentId, Price)> {
    let differs = |id: &InstrumentId| mismatches.iter().any(|(other, ..)| other == id);
    let positions = snapshot.positions.iter().filter(|(id, ..)| differs(id));
    positions
        .filter_map(|(id, _, price)| Some((*id, (*price)?)))
        .collect()
}

/// The broker says it ended. Fills come from executions alone; an order that ended filled and isn't here stays as it is
/// until its executions are.
fn match_ended(ours: &Order, reported: &BrokerOrder) -> Vec<Fact> {
    let id = ours.id;
    let reason = SafeText::new("as read from the broker");
    if reported.phase == Phase::Filled && ours.phase.is_live() && ours.filled >= reported.spec.quantity {
        // All of it is booked, and what it was made smaller by was not heard.
        let (quantity, kind) = (reported.spec.quantity, reported.spec.kind);
        return vec![Fact::Modified { id, quantity, kind }];
    }
    if reported.phase == Phase::Filled && ours.phase.is_live() && reported.filled == ours.filled {
        // Executions of it were corrected to less, or busted, before we heard of them as they were: all that is left of
        // them is booked, and it works no more.
        let reason = SafeText::new("filled at the broker, and less was left of it by corrections");
        return vec![Fact::Cancelled { id, reason }];
    }
    let (step, fact) = match reported.phase {
        Phase::Cancelled => (Step::Cancel, Fact::Cancelled { id, reason }),
        Phase::Expired => (Step::Expire, Fact::Expired { id }),
        Phase::Rejected => (Step::Reject, Fact::Rejected { id, reason }),
        _ => return Vec::new(),
    };
    if next(ours.phase, step).is_some() {
        return vec![fact];
    }
    if ours.phase == Phase::Filled && reported.spec.quantity > ours.filled {
        // It was larger than we knew when we took it for filled.
        let (quantity, kind) = (reported.spec.quantity, reported.spec.kind);
        return vec![Fact::Modified { id, quantity, kind }, fact];
    }
    Vec::new()
}

/// An order that ended before its acknowledgement was heard still learns its durable name; the acknowledgement of an ended
/// order binds and moves nothing.
fn bind_ended(ours: &Order, reported: &BrokerOrder, ends: bool) -> Option<Fact> {
    let ended = ends || matches!(ours.phase, Phase::Filled | Phase::Cancelled | Phase::Expired);
    let unnamed = ours.broker_id.is_none() && reported.phase != Phase::Rejected;
    (ended && unnamed).then_some(Fact::Accepted {
        id: ours.id,
        broker_id: reported.broker_id,
        phase: Phase::Working,
    })
}

/// An order made elsewhere, as ours to show. Where all its executions are told, they alone say what it has filled: the
/// broker's list of them may lag behind its status, and what comes later must not count twice.
fn adopt(reported: &BrokerOrder, told: bool, now: Timestamp) -> Order {
    Order {
        id: reported.id,
        asked: reported.spec.clone(),
        spec: reported.spec.clone(),
        phase: reported.phase,
        filled: if told { Quantity::ZERO } else { reported.filled },
        filled_value: Money::ZERO,
        broker_id: Some(reported.broker_id),
        pending: None,
        pending_since: None,
        oco: None,
        reason: None,
        external: true,
        foreign: reported.foreign,
        number: reported.number,
        arrival: None,
        created_at: now,
        sent_at: None,
        acked_at: Some(now),
        ended_at: None,
        missing: None,
        after: None,
    }
}
