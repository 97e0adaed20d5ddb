//! What must hold after each event, in every build. Where it does not, the breaker of the broker opens, and a person looks.

use super::{BreakerCause, Trip, opened};
use crate::domain::{BrokerId, Quantity};
use crate::engine::event::{Event, Fact};
use crate::engine::state::State;

/// Looks at each event as it is folded, in every build: what must hold, holds, or the breaker of the broker opens.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Before {
    held: Option<Quantity>,
}

/// How it was before an event is folded.
pub(in crate::engine) fn before(state: &State, fact: &Fact) -> Before {
    let held = match fact {
        Fact::Executed { execution } => {
            let known = state
                .executions
                .contains_key(&(execution.account, execution.id.base));
            let held = state.position(execution.account, execution.instrument).quantity;
            (!known && state.accounts.contains_key(&execution.account)).then_some(held)
        }
        _ => None,
    };
    Before { held }
}

/// What does not hold after it.
pub(in crate::engine) fn broken(state: &State, event: &Event, before: Before) -> Option<Fact> {
    let (broker, text) = moved(state, &event.fact, before).or_else(|| indexed(state, &event.fact))?;
    Some(opened(&Trip {
        broker,
        cause: BreakerCause::Invariant,
        text: format!("an invariant is broken, event {}: {text}", event.sequence),
        lasts: false,
    }))
}

/// An execution moves its position by what was executed.
fn moved(state: &State, fact: &Fact, before: Before) -> Option<(BrokerId, String)> {
    let Fact::Executed { execution } = fact else {
        return None;
    };
    let held = state.position(execution.account, execution.instrument).quantity;
    let wanted = before
        .held?
        .saturating_add(execution.side.signed(execution.quantity));
    (held != wanted).then(|| {
        let text = format!(
            "{} {} are held after execution {}, {wanted} should be",
            held, execution.instrument, execution.id
        );
        (execution.account.broker, text)
    })
}

/// The indices of what lives agree with each order, and nothing is filled by less than nothing.
fn indexed(state: &State, fact: &Fact) -> Option<(BrokerId, String)> {
    let order = state.orders.get(&fact.order()?)?;
    let key = (order.spec.account, order.spec.instrument, order.id);
    let listed = state.live.contains(&key);
    let wrong = listed != order.phase.is_live() || !state.working.agrees(order) || order.filled.is_negative();
    wrong.then(|| {
        let text = format!(
            "{} is {} and {} filled",
            order.id,
            order.phase.word(),
            order.filled
        );
        (order.spec.account.broker, text)
    })
}
