//! The last gate. After a fact is stored and told, this decides once more whether the request it calls for may leave:
//! halted, not ready or superseded in the meantime gives a fact instead of a request. Replay never asks, so replay can't
//! send an order. Cancels and reads pass whatever the state of trading.

use super::brackets;
use super::event::{Event, Fact};
use super::flatten;
use super::fold::changed;
use super::planted::{Bug, planted};
use super::port::Request;
use super::risk::{self, Effect};
use super::scale_out;
use super::state::State;
use crate::domain::{
    AccountKey, ClientOrderId, LinkState, Order, OrderChange, Pending, Phase, Role, SafeText, TradingState,
};

/// What release decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Release {
    /// The fact calls for no request.
    Nothing,
    /// The request may leave.
    Send(Request),
    /// It may not; this fact says so and is to be folded and stored.
    Withhold(Fact),
}

impl Fact {
    /// True for facts whose request leaves before its commit: a cancel must not wait for a disk.
    pub fn leaves_before_commit(&self) -> bool {
        let order = || matches!(self, Self::Submitted { .. } | Self::ChildReleased { .. });
        matches!(self, Self::CancelRequested { .. }) || planted(Bug::SentBeforeCommit) && order()
    }
}

pub(super) fn release(state: &State, event: &Event) -> Release {
    match &event.fact {
        // A child leaves when it is released, not when it is written down.
        Fact::Submitted { id, spec, .. } if spec.parent.is_none() => place(state, *id),
        Fact::ChildReleased { id, .. } | Fact::ParkReleased { id, .. } | Fact::ChainReleased { id, .. } => {
            place(state, *id)
        }
        Fact::ModifyRequested { id, change } => match state.orders.get(id) {
            Some(order) if order.pending == Some(Pending::Modify { change: *change }) => {
                match may_change(state, order, *change) {
                    Ok(()) => Release::Send(Request::Modify {
                        account: order.spec.account,
                        id: *id,
                        broker_id: order.broker_id,
                        number: number_of_change(state, order),
                        change: *change,
                        spec: changed(&order.spec, *change),
                        family: brackets::family(state, order),
                    }),
                    Err(reason) => Release::Withhold(Fact::ModifyRefused {
                        id: *id,
                        reason: SafeText::new(&format!("not sent: {reason}")),
                    }),
                }
            }
            // The order has ended, or is being cancelled.
            _ => Release::Nothing,
        },
        Fact::CancelRequested { id } => match state.orders.get(id) {
            // Without a link the cancel stays asked for; it is sent again first thing when the link is back.
            Some(order) if order.phase.is_at_broker() && reaches(state, order.spec.account) => {
                Release::Send(Request::Cancel {
                    account: order.spec.account,
                    id: *id,
                    broker_id: order.broker_id,
                    number: order.number,
                })
            }
            _ => Release::Nothing,
        },
        Fact::Doubted { id, .. } if planted(Bug::ResentAfterTimeout) => state
            .orders
            .get(id)
            .map_or(Release::Nothing, |order| Release::Send(placing(state, order))),
        Fact::EngineStarted { .. } if planted(Bug::ReplaySends) => {
            let sent = state.all_live().find(|order| order.phase == Phase::Uncertain);
            sent.map_or(Release::Nothing, |order| Release::Send(placing(state, order)))
        }
        Fact::ReconcileStarted { account, pass } => {
            let waited_for = state
                .accounts
                .get(account)
                .and_then(|a| a.reading)
                .is_some_and(|(p, _)| p == *pass);
            if waited_for && reaches(state, *account) {
                Release::Send(Request::Snapshot {
                    account: *account,
                    pass: *pass,
                })
            } else {
                Release::Nothing
            }
        }
        _ => Release::Nothing,
    }
}

/// True while a request can travel to the account's broker.
fn reaches(state: &State, account: AccountKey) -> bool {
    matches!(
        state.link(account.broker),
        LinkState::Syncing | LinkState::Ready | LinkState::Degraded
    )
}

fn place(state: &State, id: ClientOrderId) -> Release {
    let Some(order) = state.orders.get(&id) else {
        return Release::Nothing;
    };
    if !matches!(order.phase, Phase::InFlight | Phase::Uncertain) {
        return Release::Nothing;
    }
    let superseded = match (order.phase, order.pending) {
        // It is asked here once, before it leaves: what is in doubt already has not left.
        (Phase::Uncertain, _) => Some("it could not leave in time"),
        _ if brackets::orphaned(state, order) => Some("its entry did not leave"),
        // The cancel went ahead of it.
        (_, Some(Pending::Cancel)) => Some("cancelled before it left"),
        // An exit was measured by what was held then: it only leaves while it still closes.
        _ if flatten::is_exit(state, id) && !closes(state, order) && !planted(Bug::ExitTooLarge) => {
            Some("the position has changed")
        }
        _ if scale_out::is_exit(state, id) && !closes(state, order) && !planted(Bug::PartBesideStop) => {
            Some("the position has changed")
        }
        _ => None,
    };
    match superseded.map_or_else(|| may_leave(state, order), |why| Err(why.to_owned())) {
        Ok(()) => Release::Send(placing(state, order)),
        Err(reason) => Release::Withhold(Fact::NotSent {
            id,
            reason: SafeText::new(&reason),
        }),
    }
}

/// The request that places an order.
fn placing(state: &State, order: &Order) -> Request {
    Request::Place {
        id: order.id,
        spec: order.spec.clone(),
        number: order.number.unwrap_or_default(),
        family: brackets::family(state, order),
        created: order.created_at,
        instead: flatten::instead(state, order),
    }
}

/// The number under which an order is changed: its own, for life.
fn number_of_change(state: &State, order: &Order) -> Option<i32> {
    let broker = order.spec.account.broker;
    if planted(Bug::ModifyMakesTwo) && state.link(broker) != LinkState::Ready {
        return state.numbers.get(&broker).map(|highest| highest + 1);
    }
    order.number
}

fn may_leave(state: &State, order: &Order) -> Result<(), String> {
    allowed(
        state,
        order,
        risk::reduces_now(state, order) || protects(state, order) || flatten::exit_closes(state, order),
    )
}

/// What only shrinks or closes passes while the link carries it; everything else needs what a new order needs.
fn may_change(state: &State, order: &Order, change: OrderChange) -> Result<(), String> {
    let reduces = risk::change_effect(state, order, &changed(&order.spec, change)) == Effect::Reduces;
    allowed(state, order, reduces || protects(state, order))
}

/// A bracket's stop no larger than the position protects it, whatever else works to close it.
fn protects(state: &State, order: &Order) -> bool {
    order.spec.role == Role::StopLoss && order.spec.parent.is_some() && closes(state, order)
}

/// True where all of the order would only take off what is held.
fn closes(state: &State, order: &Order) -> bool {
    let held = state.position(order.spec.account, order.spec.instrument);
    held.side() == Some(order.spec.side.opposite()) && order.leaves() <= held.quantity.abs()
}

fn allowed(state: &State, order: &Order, reduces: bool) -> Result<(), String> {
    let (account, instrument) = (order.spec.account, order.spec.instrument);
    if let Some(pause) = state.pauses.get(&account.broker).filter(|_| !reduces) {
        return Err(format!("planned {}", pause.what));
    }
    match state.link(account.broker) {
        LinkState::Ready => {}
        LinkState::Syncing | LinkState::Degraded if reduces => {}
        link => return Err(format!("the link to {} is {}", account.broker, link.word())),
    }
    if let Some(held) = risk::held_back(state, account, Some(instrument)).filter(|_| !reduces) {
        return Err(held.text.to_string());
    }
    match state
        .accounts
        .get(&account)
        .map_or(TradingState::Halted, |account| account.trading)
    {
        TradingState::Active => Ok(()),
        _ if reduces || planted(Bug::HaltNotHeld) => Ok(()),
        trading => Err(format!("{account} is {}", trading.word())),
    }
}
