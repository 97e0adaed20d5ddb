//! Which orders of a command the broker has to be asked about before it is decided: those that nothing but its answer keeps back.

use super::commands::{self, Desk};
use crate::domain::{OrderSpec, Timestamp};
use crate::engine::command::{Command, DenialCode, Origin, Outcome};
use crate::engine::fold::changed;
use crate::engine::risk;
use crate::engine::state::State;
use crate::market::Market;

/// The orders of a command about which the broker has to be asked, and gave no answer that holds. None where the command is done
/// without one, or is refused whatever the answer is: nobody is asked for nothing.
pub(in crate::engine) fn to_ask(
    state: &State,
    market: &Market,
    (origin, command): (Origin, &Command),
    now: Timestamp,
) -> Vec<OrderSpec> {
    let desk = Desk {
        state,
        market,
        origin,
        now,
    };
    let mut specs = unanswered(&desk, command);
    if specs.is_empty() {
        return specs;
    }
    let waits = match commands::decide(state, market, origin, command, now).outcome {
        Some(Outcome::Denied(denial) | Outcome::Refused(denial)) => {
            // What was refused by an earlier answer may be taken by now.
            matches!(denial.code, DenialCode::WhatIf | DenialCode::BuyingPower)
        }
        _ => false,
    };
    if !waits {
        specs.clear();
    }
    specs
}

/// Those that are large and unanswered: nothing is copied where there is none.
fn unanswered(desk: &Desk<'_>, command: &Command) -> Vec<OrderSpec> {
    let state = desk.state;
    let is_unanswered = |spec: &OrderSpec| risk::can_be_asked_about(spec) && desk.check().is_unanswered(spec);
    match command {
        Command::Modify { id, change } => {
            let order = state.orders.get(id);
            let more = order.and_then(|order| risk::grown(order, &changed(&order.spec, *change)));
            more.filter(is_unanswered).into_iter().collect()
        }
        Command::ConfirmParked { id } => {
            let parked = state.parking.orders.get(id);
            let adds = parked.is_some_and(|parked| !parked.terms.closes);
            let order = state.orders.get(id).filter(|_| adds);
            let spec = order.map(|order| &order.spec);
            spec.filter(|spec| is_unanswered(spec))
                .cloned()
                .into_iter()
                .collect()
        }
        _ => {
            let specs = command.places().map(|order| order.spec);
            specs.filter(|spec| is_unanswered(spec)).cloned().collect()
        }
    }
}
