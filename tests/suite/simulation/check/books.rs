//! The engine against the broker's own books: after everything has come to rest (I4, I5, I13), and of each execution as it
//! is told (I4).

use super::{Checker, Wrong, breaches, wrong};
use crate::simulation::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tradewind::domain::*;
use tradewind::engine::{Snapshot, State};

/// What was just told is booked, in this revision or a newer one.
pub fn booked(world: &mut World, told: &[(AccountKey, ExecutionId)]) {
    let state = world.engine.state();
    let missed = told.iter().find(|(account, id)| {
        let booked = state.executions.get(&(*account, id.base));
        booked.is_none_or(|booked| booked.revision < id.revision)
    });
    if let Some((account, id)) = missed {
        let words = format!("{id} of {account} was told and is not booked");
        world.wrong(Checker::I4, words);
    }
}

/// A minute after the last fault: live, replayed and the broker's own books say the same.
pub fn settled(world: &mut World) -> Result<(), Wrong> {
    // What is on its way in this very moment arrives first.
    for _ in 0..200 {
        let still =
            world.to_venue.due().is_none() && world.to_engine.due().is_none() && world.commits.is_empty();
        if still || world.found.is_some() {
            break;
        }
        world.advance(world.now.after(Duration::from_millis(5)));
    }
    if let Some(found) = world.found.take() {
        return Err(found);
    }
    let state = world.state();
    let replayed = world.replayed();
    if replayed != *state || replayed.digest() != state.digest() {
        return wrong(Checker::I13, "the replayed state differs from the live one");
    }
    if state.link(world.broker) != LinkState::Ready {
        return wrong(Checker::I5, format!("the link is {:?}", state.links));
    }
    world.disk.check_chain()?;
    for account in world.accounts.clone() {
        let Some(read) = world.view(account) else {
            return wrong(Checker::I5, "the exchange does not answer");
        };
        let state = world.engine.state();
        let names: BTreeSet<ClientOrderId> = read.orders.iter().map(|order| order.id).collect();
        if names.len() != read.orders.len() {
            return wrong(Checker::I2, "the broker has two orders of one name");
        }
        let of = |checker| move |words| Wrong { checker, words };
        executions(state, account, &read).map_err(of(Checker::I4))?;
        holdings(state, account, &read).map_err(of(Checker::I4))?;
        orders(state, account, &read).map_err(of(Checker::I5))?;
        protection(state, account).map_err(of(Checker::I7))?;
        halted(world, account, &read)?;
        breaches::gone(world, account, &read)?;
    }
    Ok(())
}

/// Later still: flattens have ended, one way or the other.
pub fn quiet(world: &mut World) -> Result<(), Wrong> {
    let state = world.state();
    if !state.flattening.is_empty() || !state.flattening_accounts.is_empty() {
        let words = format!(
            "still flattening: {:?} {:?}",
            state.flattening, state.flattening_accounts
        );
        return wrong(Checker::I5, words);
    }
    if !state.scaling_out.is_empty() {
        return wrong(
            Checker::I5,
            format!("parts are still being closed: {:?}", state.scaling_out),
        );
    }
    Ok(())
}

/// I9: what a halt was to take off the market is gone.
fn halted(world: &World, account: AccountKey, read: &Snapshot) -> Result<(), Wrong> {
    let Some(halt) = world.wire.halted.get(&account).filter(|halt| halt.takes_off) else {
        return Ok(());
    };
    let stays = read
        .orders
        .iter()
        .find(|order| halt.entries.contains(&order.id) && order.phase.is_live());
    match stays {
        Some(order) => wrong(
            Checker::I9,
            format!(
                "{} {} still works, halted since {}",
                order.id, order.spec, halt.since
            ),
        ),
        None => Ok(()),
    }
}

fn orders(state: &State, account: AccountKey, read: &Snapshot) -> Result<(), String> {
    let there: BTreeMap<ClientOrderId, _> = read.orders.iter().map(|order| (order.id, order)).collect();
    for order in state
        .orders
        .values()
        .filter(|order| order.spec.account == account)
    {
        let words = || {
            format!(
                "{} {} is {:?}, pending {:?}, filled {}",
                order.id, order.spec, order.phase, order.pending, order.filled
            )
        };
        if let Some(theirs) = there.get(&order.id) {
            // A trade that was taken back leaves an order that has ended and is not full.
            let less = theirs.phase == Phase::Filled && theirs.filled < theirs.spec.quantity;
            let ended = theirs.phase == order.phase || less && order.phase == Phase::Cancelled;
            let same = ended && theirs.filled == order.filled;
            let terms = !order.phase.is_live()
                || theirs.spec.quantity == order.spec.quantity && theirs.spec.kind == order.spec.kind;
            if !same || !terms || order.phase.is_live() && order.pending.is_some() {
                return Err(format!(
                    "{}; the exchange has {} {:?} filled {}",
                    words(),
                    theirs.spec,
                    theirs.phase,
                    theirs.filled
                ));
            }
        } else {
            let child = order.spec.parent.is_some();
            // A broker in front of the exchange refuses by a number alone, and what it handed on while the exchange could
            // not write is lost there.
            let in_front = account.broker.as_str() == "ibkr";
            let never_there = matches!(order.phase, Phase::Denied | Phase::NotSent | Phase::Absent)
                || child && matches!(order.phase, Phase::Created | Phase::Cancelled)
                // It waits for another one.
                || order.phase == Phase::Created && order.after.is_some()
                // Parked, and cancelled before it left.
                || order.phase == Phase::Cancelled && order.sent_at.is_none()
                || order.phase == Phase::Parked
                || in_front && matches!(order.phase, Phase::Rejected | Phase::Lost);
            if !never_there || !order.filled.is_zero() {
                return Err(format!("{}; the exchange has no such order", words()));
            }
        }
    }
    let unknown = read
        .orders
        .iter()
        .find(|theirs| theirs.phase.is_live() && !state.orders.contains_key(&theirs.id));
    unknown.map_or(Ok(()), |theirs| {
        Err(format!(
            "{} {} works at the exchange unseen",
            theirs.id, theirs.spec
        ))
    })
}

fn executions(state: &State, account: AccountKey, read: &Snapshot) -> Result<(), String> {
    let ours: BTreeSet<ExecutionBase> = state
        .executions
        .keys()
        .filter(|(owner, _)| *owner == account)
        .map(|(_, base)| *base)
        .collect();
    let theirs: BTreeSet<ExecutionBase> = read
        .executions
        .iter()
        .map(|execution| execution.id.base)
        .collect();
    if ours != theirs || theirs.len() != read.executions.len() {
        return Err(format!("executions differ: ours {ours:?}, theirs {theirs:?}"));
    }
    let booked: Vec<&Execution> = state
        .ledgers
        .iter()
        .filter(|((owner, _), _)| *owner == account)
        .flat_map(|(_, ledger)| &ledger.executions)
        .collect();
    let by_id: BTreeMap<ExecutionId, &Execution> = booked
        .iter()
        .map(|execution| (execution.id, *execution))
        .collect();
    if by_id.len() != booked.len() {
        return Err("an execution is booked twice".into());
    }
    for theirs in &read.executions {
        let key = (account, theirs.id.base);
        let contained = state
            .executions
            .get(&key)
            .is_some_and(|booked| booked.instrument.is_none());
        if contained {
            // In the opening positions.
            continue;
        }
        let Some(ours) = by_id.get(&theirs.id) else {
            return Err(format!("execution {} is not booked in this revision", theirs.id));
        };
        let same = (ours.instrument, ours.side, ours.quantity, ours.price, ours.fee)
            == (
                theirs.instrument,
                theirs.side,
                theirs.quantity,
                theirs.price,
                theirs.fee,
            );
        if !same || ours.order.is_some() && ours.order != theirs.order {
            return Err(format!("execution differs: ours {ours:?}, theirs {theirs:?}"));
        }
    }
    Ok(())
}

fn holdings(state: &State, account: AccountKey, read: &Snapshot) -> Result<(), String> {
    let ours: BTreeMap<InstrumentId, Quantity> = state
        .ledgers
        .iter()
        .filter(|((owner, _), ledger)| *owner == account && !ledger.position.quantity.is_zero())
        .map(|((_, instrument), ledger)| (*instrument, ledger.position.quantity))
        .collect();
    let theirs: BTreeMap<InstrumentId, Quantity> = read
        .positions
        .iter()
        .map(|(instrument, quantity, _)| (*instrument, *quantity))
        .collect();
    if ours != theirs {
        return Err(format!(
            "positions of {account} differ: ours {ours:?}, theirs {theirs:?}"
        ));
    }
    let cash = state
        .accounts
        .get(&account)
        .and_then(|entry| entry.account.cash.as_ref());
    if cash != Some(&read.cash) {
        return Err(format!(
            "cash of {account} differs: ours {cash:?}, theirs {:?}",
            read.cash
        ));
    }
    Ok(())
}

/// The stops of brackets never close more than is held, all of them together.
fn protection(state: &State, account: AccountKey) -> Result<(), String> {
    let mut stops: BTreeMap<InstrumentId, Quantity> = BTreeMap::new();
    let children = state.all_live().filter(|order| {
        let own = order.spec.account == account && order.spec.parent.is_some();
        // Where the broker holds brackets, children wait there at full size until their entry has ended.
        let entry = order.spec.parent.and_then(|id| state.orders.get(&id));
        let waits = account.broker.as_str() == "ibkr" && entry.is_some_and(|entry| entry.phase.is_live());
        own && order.spec.role == Role::StopLoss && order.phase != Phase::Created && !waits
    });
    for order in children {
        let held = state.position(account, order.spec.instrument);
        let sum = stops.entry(order.spec.instrument).or_default();
        *sum = sum.saturating_add(order.leaves());
        if held.side() != Some(order.spec.side.opposite()) || *sum > held.quantity.abs() {
            return Err(format!(
                "stops of {sum} {} protect {}",
                order.spec.instrument, held.quantity
            ));
        }
    }
    Ok(())
}
