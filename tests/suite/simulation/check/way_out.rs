//! The way out stays open (I9): what keeps new risk back never keeps back a flatten's exit that only takes off what is held,
//! counted from the orders and the position alone.

use super::{Checker, closes};
use crate::simulation::world::World;
use tradewind::domain::*;
use tradewind::engine::Fact;

/// A request was withheld, by this fact, which is not folded yet.
pub fn withheld(world: &mut World, fact: &Fact) {
    let Fact::NotSent { id, reason } = fact else {
        return;
    };
    let state = world.engine.state();
    let current = state
        .flattening
        .values()
        .any(|flattening| flattening.sent == Some(*id));
    let Some(exit) = state.orders.get(id).filter(|_| current) else {
        return;
    };
    let spec = &exit.spec;
    // An exit that did not leave in time, or that was cancelled first, has its own reason; so has one without a link.
    let waits = exit.phase == Phase::InFlight && exit.pending.is_none();
    let linked = state.link(spec.account.broker) == LinkState::Ready;
    // The exchange in the box takes the exit in place of every order of ours; a group counts once, wherever it is.
    let replaces = spec.account.broker.as_str() == "sim";
    let beside = state.orders.values().filter(|order| {
        let same = (order.spec.account, order.spec.instrument) == (spec.account, spec.instrument);
        let there = order.phase.is_live() && order.phase != Phase::Parked;
        same && there && order.id != *id && order.spec.side == spec.side
    });
    let alone = beside.into_iter().all(|order| {
        let joined = exit.oco.is_some() && order.oco == exit.oco && order.leaves() <= exit.leaves();
        !order.foreign && !order.external && (replaces || joined)
    });
    if waits && linked && alone && closes(state, spec, spec.quantity) {
        let words = format!("the exit {id} {spec} only closes and was kept back: {reason}");
        world.wrong(Checker::I9, words);
    }
}
