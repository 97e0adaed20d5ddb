//! What a broker says, compared with the state. It may repeat, lag and come out of order: only what is new becomes a
//! fact, and what can't be explained becomes a visible one. Nothing a broker says is refused.

use crate::domain::{
    Account, AccountKey, BrokerId, BrokerOrderId, ClientOrderId, Execution, LinkState, Order, OrderKind,
    Pending, Phase, Quantity, SafeText, Timestamp,
};
use crate::engine::doubles;
use crate::engine::event::Fact;
use crate::engine::fold::{asked_quantity, changed};
use crate::engine::order_flow::{Step, next};
use crate::engine::pause;
use crate::engine::planted::{Bug, planted};
use crate::engine::port::{BrokerEvent, Report};
use crate::engine::reconcile;
use crate::engine::state::{Booked, State};

/// Decides one word of a broker.
pub(super) fn decide(state: &State, broker: BrokerId, event: &BrokerEvent, now: Timestamp) -> Vec<Fact> {
    match event {
        BrokerEvent::Connecting => link(state, broker, LinkState::Connecting, None),
        BrokerEvent::Up {
            accounts,
            next_number,
        } => up(state, broker, accounts, *next_number),
        BrokerEvent::Impaired { reason } => impaired(state, broker, reason.as_ref()),
        BrokerEvent::Paused { pause } => pause::decide(state, broker, pause.as_ref()),
        BrokerEvent::Stale { .. } => state
            .accounts
            .iter()
            .filter(|(key, account)| key.broker == broker && account.reading.is_none())
            .map(|(key, account)| Fact::ReconcileStarted {
                account: *key,
                pass: account.passes.saturating_add(1),
            })
            .collect(),
        // What follows from it, the breakers' watch says.
        BrokerEvent::ClockApart { .. } => Vec::new(),
        BrokerEvent::Told { text } => vec![Fact::BrokerTold {
            broker,
            text: text.clone(),
        }],
        BrokerEvent::Down { reason } => down(state, broker, reason),
        BrokerEvent::Instrument(instrument) => {
            let known = state.instruments.get(&instrument.id) == Some(instrument.as_ref());
            if known {
                Vec::new()
            } else {
                vec![Fact::InstrumentListed {
                    instrument: instrument.as_ref().clone(),
                }]
            }
        }
        BrokerEvent::Report { account, report } => decide_report(state, *account, report),
        BrokerEvent::Snapshot(snapshot) => reconcile::compare(state, snapshot, now),
        BrokerEvent::SnapshotFailed {
            account,
            pass,
            reason,
        } => reconcile::failed(state, *account, *pass, reason),
        BrokerEvent::NotSent { id, reason } => when_legal(state, *id, Step::Withhold, |_| Fact::NotSent {
            id: *id,
            reason: reason.clone(),
        }),
    }
}

fn link(state: &State, broker: BrokerId, to: LinkState, reason: Option<SafeText>) -> Vec<Fact> {
    let known = state
        .links
        .get(&broker)
        .is_some_and(|link| link.state == to && (reason.is_none() || link.reason == reason));
    if known {
        Vec::new()
    } else {
        vec![Fact::LinkChanged {
            broker,
            state: to,
            reason,
        }]
    }
}

/// Up is not ready: what the broker knows has to be read and compared first, after every connection anew.
fn up(state: &State, broker: BrokerId, accounts: &[Account], next_number: Option<i32>) -> Vec<Fact> {
    let reported = accounts.iter().filter(|account| {
        state
            .accounts
            .get(&account.key)
            .is_none_or(|known| known.account.class != account.class || known.account.base != account.base)
    });
    let mut facts: Vec<Fact> = reported
        .map(|account| Fact::AccountReported {
            account: account.clone(),
        })
        .collect();
    // A broker that starts anew may begin to count lower than before: the mark only rises.
    let used = next_number.map_or(0, |next| next.saturating_sub(1));
    if used > state.numbers.get(&broker).copied().unwrap_or_default() {
        facts.push(Fact::NumbersRaised { broker, to: used });
    }
    facts.push(Fact::LinkChanged {
        broker,
        state: if planted(Bug::ReadyAtOnce) {
            LinkState::Ready
        } else {
            LinkState::Syncing
        },
        reason: None,
    });
    facts
}

/// While a part is away nothing that adds risk leaves; once it is back, what happened meanwhile has to be read first.
fn impaired(state: &State, broker: BrokerId, reason: Option<&SafeText>) -> Vec<Fact> {
    let Some(link) = state.links.get(&broker) else {
        return Vec::new();
    };
    let connected = !matches!(link.state, LinkState::Down | LinkState::Connecting);
    if !connected || link.impaired.as_ref() == reason {
        return Vec::new();
    }
    let to = if reason.is_some() {
        LinkState::Degraded
    } else {
        LinkState::Syncing
    };
    let mut facts = vec![Fact::LinkImpaired {
        broker,
        reason: reason.cloned(),
    }];
    if link.state != to {
        facts.push(Fact::LinkChanged {
            broker,
            state: to,
            reason: reason.cloned(),
        });
    }
    facts
}

fn down(state: &State, broker: BrokerId, reason: &SafeText) -> Vec<Fact> {
    let mut facts = link(state, broker, LinkState::Down, Some(reason.clone()));
    let why = SafeText::new("the link was lost before an answer");
    let unanswered = state
        .all_live()
        .filter(|o| o.phase == Phase::InFlight && o.spec.account.broker == broker);
    facts.extend(unanswered.map(|order| Fact::Doubted {
        id: order.id,
        reason: why.clone(),
    }));
    facts
}

/// One fact, where the order is known and the step is legal from its phase.
fn when_legal(state: &State, id: ClientOrderId, step: Step, fact: impl FnOnce(&Order) -> Fact) -> Vec<Fact> {
    match state.orders.get(&id) {
        Some(order) if next(order.phase, step).is_some() => vec![fact(order)],
        _ => Vec::new(),
    }
}

fn decide_report(state: &State, account: AccountKey, report: &Report) -> Vec<Fact> {
    if let Some(id) = subject(report)
        && !state.orders.contains_key(&id)
    {
        return stranger(state, account, id);
    }
    match report {
        Report::Accepted { id, broker_id, phase } => accepted(state, *id, *broker_id, *phase),
        Report::Rejected { id, reason } => when_legal(state, *id, Step::Reject, |_| Fact::Rejected {
            id: *id,
            reason: reason.clone(),
        }),
        Report::Executed(execution) => book(state, execution),
        Report::Triggered { id } => {
            let held = state
                .orders
                .get(id)
                .is_some_and(|order| order.phase == Phase::Held);
            if held {
                vec![Fact::Triggered { id: *id }]
            } else {
                Vec::new()
            }
        }
        Report::Modified { id, quantity, kind } => modified(state, *id, *quantity, *kind),
        Report::ModifyRejected { id, reason } => {
            let changing = state.orders.get(id).is_some_and(is_changing);
            if changing {
                vec![Fact::ModifyRefused {
                    id: *id,
                    reason: reason.clone(),
                }]
            } else {
                Vec::new()
            }
        }
        Report::Cancelled { id, reason } => when_legal(state, *id, Step::Cancel, |_| Fact::Cancelled {
            id: *id,
            reason: reason.clone(),
        }),
        Report::CancelRejected { id, reason } => {
            // The broker can't cancel what has not reached it yet: the wish stays, and is told again when the order shows.
            let refused = state.orders.get(id).is_some_and(|order| {
                order.pending == Some(Pending::Cancel)
                    && !matches!(order.phase, Phase::InFlight | Phase::Uncertain)
            });
            if refused && planted(Bug::RefusedCancelEnds) {
                return when_legal(state, *id, Step::Cancel, |_| Fact::Cancelled {
                    id: *id,
                    reason: reason.clone(),
                });
            }
            if refused {
                vec![Fact::CancelRefused {
                    id: *id,
                    reason: reason.clone(),
                }]
            } else {
                Vec::new()
            }
        }
        Report::Expired { id } => when_legal(state, *id, Step::Expire, |_| Fact::Expired { id: *id }),
        Report::Funds {
            currency,
            excess,
            lends,
        } => {
            let told = state.funds.get(&account);
            let same = told
                .is_some_and(|told| (told.currency, told.excess, told.lends) == (*currency, *excess, *lends));
            let known = same || !state.accounts.contains_key(&account);
            let fact = Fact::FundsReported {
                account,
                currency: *currency,
                excess: *excess,
                lends: *lends,
            };
            (!known).then_some(fact).into_iter().collect()
        }
        Report::Balance { cash } => {
            let known = state
                .accounts
                .get(&account)
                .is_some_and(|known| known.account.cash.as_ref() == Some(cash));
            if known {
                Vec::new()
            } else {
                vec![Fact::BalanceReported {
                    account,
                    cash: cash.clone(),
                }]
            }
        }
    }
}

/// The answer to a change that was asked. A change that nobody asked for may be a late repetition of an older one: what
/// the order is now, only a read tells.
fn modified(state: &State, id: ClientOrderId, quantity: Quantity, kind: OrderKind) -> Vec<Fact> {
    let Some(order) = state.orders.get(&id).filter(|order| order.phase.is_live()) else {
        return Vec::new();
    };
    if let Some(Pending::Modify { change }) = order.pending {
        let wanted = changed(&order.spec, change);
        if wanted.quantity == quantity && wanted.kind.agrees_with(kind) && quantity >= order.filled {
            return vec![Fact::Modified { id, quantity, kind }];
        }
    }
    if order.spec.quantity == quantity && order.spec.kind.agrees_with(kind) {
        // The market moves the trigger of a trailing stop: that is no change anybody has to explain. While something
        // is being asked the fact would pass for the answer; the next report tells the trigger again.
        let moved = kind != order.spec.kind && kind.trigger().is_some() && order.pending.is_none();
        return moved
            .then_some(Fact::Modified { id, quantity, kind })
            .into_iter()
            .collect();
    }
    let text = format!(
        "{} was reported changed, unasked; reading the broker's orders",
        order.spec
    );
    read_now(state, order.spec.account, &text)
}

/// Says what is odd and reads the broker, unless that is under way.
fn read_now(state: &State, account: AccountKey, text: &str) -> Vec<Fact> {
    let Some(entry) = state
        .accounts
        .get(&account)
        .filter(|entry| entry.reading.is_none())
    else {
        return Vec::new();
    };
    let text = SafeText::new(text);
    let pass = entry.passes.saturating_add(1);
    vec![Fact::Surprised { text }, Fact::ReconcileStarted { account, pass }]
}

fn is_changing(order: &Order) -> bool {
    matches!(order.pending, Some(Pending::Modify { .. }))
}

/// The order a report is about; executions name theirs themselves.
fn subject(report: &Report) -> Option<ClientOrderId> {
    match report {
        Report::Accepted { id, .. }
        | Report::Rejected { id, .. }
        | Report::Triggered { id }
        | Report::Modified { id, .. }
        | Report::ModifyRejected { id, .. }
        | Report::Cancelled { id, .. }
        | Report::CancelRejected { id, .. }
        | Report::Expired { id } => Some(*id),
        Report::Executed(_) | Report::Balance { .. } | Report::Funds { .. } => None,
    }
}

/// A report about an order that we don't know: made elsewhere, or by a journal that is gone. The broker is read at once,
/// and the read adopts it.
fn stranger(state: &State, account: AccountKey, id: ClientOrderId) -> Vec<Fact> {
    let text = format!("{account} reports order {id}, made elsewhere; reading the broker's orders");
    read_now(state, account, &text)
}

/// An acknowledgement binds the broker's durable id. A second durable id under one client id is a second order.
pub(in crate::engine) fn accepted(
    state: &State,
    id: ClientOrderId,
    broker_id: BrokerOrderId,
    phase: Phase,
) -> Vec<Fact> {
    let Some(order) = state.orders.get(&id) else {
        return Vec::new();
    };
    if let Some(bound) = order.broker_id
        && bound != broker_id
    {
        let name = state.bound.get(&(order.spec.account.broker, broker_id));
        return match name.filter(|name| **name != id) {
            Some(name) => accepted(state, *name, broker_id, phase),
            None => doubles::found(state, order, broker_id, phase, None, true),
        };
    }
    let step = if phase == Phase::Held {
        Step::Hold
    } else {
        Step::Work
    };
    let moves = next(order.phase, step).is_some() || planted(Bug::StatusMovesBack);
    if moves || order.broker_id.is_none() {
        vec![Fact::Accepted { id, broker_id, phase }]
    } else {
        Vec::new()
    }
}

/// An execution report: new, a correction, a fee that came later, or a repetition.
pub(in crate::engine) fn book(state: &State, report: &Execution) -> Vec<Fact> {
    let key = (report.account, report.id.base);
    let known = state.executions.get(&key);
    if let Some(booked) = known.filter(|_| !planted(Bug::ExecutionTwice)) {
        return match report.fee {
            _ if report.id.revision > booked.revision => correct(state, booked, report),
            Some(fee) if !booked.fee_known && !planted(Bug::LateFeeLost) => {
                vec![Fact::FeeReported {
                    account: report.account,
                    execution: report.id.base,
                    fee,
                }]
            }
            _ => Vec::new(),
        };
    }
    let ledger = state.ledgers.get(&(report.account, report.instrument));
    if ledger
        .and_then(|ledger| ledger.merged_until)
        .is_some_and(|until| report.at <= until)
    {
        // More than a week ago: it is part of the opening position already.
        return Vec::new();
    }
    let mut execution = Execution {
        quantity: report.quantity.max(Quantity::ZERO),
        ..report.clone()
    };
    let by_broker_id = report
        .broker_order
        .and_then(|id| state.bound.get(&(report.account.broker, id)))
        .copied();
    // Under one client id there may be two orders: what says that it is of another one than ours is known as is not ours.
    let by_client_id = report.order.filter(|id| {
        let order = state.orders.get(id);
        let other = |order: &Order| {
            let (bound, told) = (order.broker_id, report.broker_order);
            bound.zip(told).is_some_and(|(bound, told)| bound != told)
        };
        order.is_some_and(|order| !other(order))
    });
    execution.order = by_broker_id.or(by_client_id);
    let order = execution.order.and_then(|id| state.orders.get(&id));
    let is = |phase| order.is_some_and(|order| order.phase == phase);
    if planted(Bug::FillAfterCancelLost) && is(Phase::Cancelled)
        || planted(Bug::FillBeforeAnswerLost) && is(Phase::InFlight)
    {
        return Vec::new();
    }
    let mut facts = Vec::new();
    match order {
        None => {
            let text = format!(
                "{} {} {} @ {} executed for an order that is not ours; booked",
                report.side.word(),
                report.quantity,
                report.instrument,
                report.price
            );
            facts.push(Fact::Surprised {
                text: SafeText::new(&text),
            });
        }
        Some(order) => facts.extend(overfilled(order, execution.quantity)),
    }
    facts.push(Fact::Executed { execution });
    facts
}

/// A fact where `more` executed than the order asked for.
fn overfilled(order: &Order, more: Quantity) -> Option<Fact> {
    let excess = order
        .filled
        .saturating_add(more)
        .saturating_sub(asked_quantity(order));
    (excess.is_positive() && more.is_positive()).then(|| Fact::Overfilled {
        id: order.id,
        excess: excess.min(more),
    })
}

/// A higher revision. It belongs to the order of the one it replaces, whatever it says itself.
fn correct(state: &State, booked: &Booked, report: &Execution) -> Vec<Fact> {
    let mut execution = Execution {
        quantity: report.quantity.max(Quantity::ZERO),
        ..report.clone()
    };
    let old = booked
        .instrument
        .and_then(|id| state.ledgers.get(&(report.account, id)))
        .and_then(|ledger| ledger.executions.iter().find(|old| old.id.base == report.id.base));
    execution.order = old
        .and_then(|old| old.order)
        .filter(|id| state.orders.contains_key(id));
    let order = execution.order.and_then(|id| state.orders.get(&id));
    let more = execution
        .quantity
        .saturating_sub(old.map_or(Quantity::ZERO, |old| old.quantity));
    let mut facts: Vec<Fact> = order
        .and_then(|order| overfilled(order, more))
        .into_iter()
        .collect();
    facts.push(Fact::Corrected { execution });
    facts
}
