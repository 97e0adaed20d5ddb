//! Looks at each batch of facts as it is folded: counts what happened, and holds it against what must hold at every moment.

use super::{Checker, parked, wire};
use crate::simulation::faults::Fault;
use crate::simulation::world::World;
use std::time::Duration;
use tradewind::domain::*;
use tradewind::engine::state::NOTICES_KEPT;
use tradewind::engine::{Event, Fact};

/// An order that came to the broker this long ago is in every read that is not out of time.
const IN_EVERY_READ: Duration = Duration::from_secs(16);

/// Everything of one batch.
pub fn batch(world: &mut World, events: &[Event]) {
    for event in events {
        tally(world, &event.fact);
        terms(world, &event.fact);
        if let Err(wrong) = world.wire.shadow.count(event) {
            world.wrong(wrong.checker, wrong.words);
        }
        world.perhaps_die(&event.fact);
    }
    if events
        .iter()
        .any(|event| event.fact.execution().is_some() || event.fact.moves_positions())
        && let Err(wrong) = world.wire.shadow.compare(world.engine.state())
    {
        world.wrong(wrong.checker, wrong.words);
    }
    wire::batch(world, events);
    parked::batch(world, events);
    bounded(world, events);
    for event in events {
        flat(world, &event.fact);
        given_up(world, &event.fact);
    }
}

fn tally(world: &mut World, fact: &Fact) {
    let tally = &mut world.tally;
    tally.events += 1;
    match fact {
        Fact::Executed { .. } => tally.executions += 1,
        Fact::Doubted { .. } => tally.uncertain += 1,
        Fact::Absent { .. } => tally.absent += 1,
        Fact::Lost { .. } => tally.lost += 1,
        Fact::ChildReleased { .. } => tally.children += 1,
        Fact::FlatConfirmed { .. } => tally.flattened += 1,
        Fact::FlattenEnded { .. } => tally.not_flat += 1,
        Fact::AccountFlattenEnded { .. } => tally.accounts_flattened += 1,
        Fact::TradingChanged {
            state: TradingState::Halted,
            ..
        } => tally.halts += 1,
        _ => {}
    }
}

/// I8: terms never go back.
fn terms(world: &mut World, fact: &Fact) {
    match fact {
        Fact::ModifyRequested { id, change } => {
            if let Some(order) = world.engine.state().orders.get(id) {
                let spec = order.spec.clone();
                world.terms.entry(*id).or_default().asked(&spec, *change);
            }
        }
        Fact::Modified { id, quantity, kind } => {
            let created = world
                .engine
                .state()
                .orders
                .get(id)
                .is_some_and(|order| order.phase == Phase::Created);
            if !created && let Err(why) = world.terms.entry(*id).or_default().heard(*quantity, *kind) {
                world.wrong(Checker::I8, format!("terms of {id} went back: {why}"));
            }
        }
        _ => {}
    }
}

/// I11: nothing that is kept grows without end.
fn bounded(world: &mut World, events: &[Event]) {
    let state = world.engine.state();
    let most = (state.limits.rate_burst as usize).max(64);
    let recent = state.accounts.values().map(|account| account.recent.len()).max();
    let unsettled = |event: &Event| matches!(&event.fact, Fact::Surprised { text } if text.as_str().contains("do not settle"));
    let words = if recent.is_some_and(|recent| recent > most) {
        format!("{recent:?} submissions are remembered, {most} are enough")
    } else if state.notices.len() > NOTICES_KEPT {
        format!("{} notices are kept", state.notices.len())
    } else if events.iter().any(unsettled) {
        "the rules do not settle".to_owned()
    } else {
        return;
    };
    world.wrong(Checker::I11, words);
}

/// A confirmed flat is held against the broker's own books (I7: nothing of ours can still execute, nothing is held).
fn flat(world: &mut World, fact: &Fact) {
    let Fact::FlatConfirmed {
        account, instrument, ..
    } = fact
    else {
        return;
    };
    if let Some(there) = world.held_there(*account, *instrument, world.now)
        && !there.unheard
        && (!there.held.is_zero() || there.live > 0)
    {
        let words = format!(
            "FLAT confirmed of {account} {instrument}, and the broker has {} and {} orders",
            there.held, there.live
        );
        world.wrong(Checker::I7, words);
    }
}

/// I5: what works at the broker, and has for so long that every read shows it, is not given up.
fn given_up(world: &mut World, fact: &Fact) {
    let (Fact::Absent { id } | Fact::Lost { id }) = fact else {
        return;
    };
    let arrived = world.house.arrived.get(id).copied();
    let order = world.engine.state().orders.get(id).cloned();
    // A machine that slept may hear a read from before.
    let (Some(arrived), Some(order)) = (arrived, order) else {
        return;
    };
    if world.plan.faults.has(Fault::Suspend) || world.now.since(arrived) < IN_EVERY_READ {
        return;
    }
    let read = world.view(order.spec.account);
    let lives = read.is_some_and(|read| {
        read.orders
            .iter()
            .any(|there| there.id == *id && there.phase.is_live())
    });
    if lives {
        let words = format!(
            "{id} {} is given up and works at the broker since {arrived}",
            order.spec
        );
        world.wrong(Checker::I5, words);
    }
}
