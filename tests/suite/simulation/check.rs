//! What must hold: while it runs, and after everything has come to rest.

use super::world::World;
use std::collections::{BTreeMap, BTreeSet};
use tradewind::domain::*;
use tradewind::engine::State;
use tradewind::venue::{Venue, VenueEvent, VenueRequest, VenueSnapshot};

/// Nothing that adds risk leaves outside Ready and Active, judged from the position alone.
pub fn may_leave(
    state: &State,
    id: ClientOrderId,
    spec: &OrderSpec,
    instead: &[(ClientOrderId, Quantity)],
) -> Result<(), String> {
    let link = state.link(spec.account.broker);
    let trading = state.accounts.get(&spec.account).map(|account| account.trading);
    let held = state.position(spec.account, spec.instrument);
    let closes = held.side() == Some(spec.side.opposite()) && spec.quantity <= held.quantity.abs();
    if state
        .flattening
        .values()
        .any(|flattening| flattening.sent == Some(id))
    {
        // What could execute beside it ends in the step that begins it.
        let ends = |order: &Order| {
            instead
                .iter()
                .any(|(id, left)| *id == order.id && *left == order.leaves())
        };
        let alone = state
            .live_orders(spec.account, spec.instrument)
            .all(|order| order.id == id || order.external || ends(order));
        if !alone || !closes {
            return Err(format!(
                "the exit {id} {spec} left while others work, holding {}",
                held.quantity
            ));
        }
    }
    let connected = matches!(link, LinkState::Syncing | LinkState::Ready | LinkState::Degraded);
    if link == LinkState::Ready && trading == Some(TradingState::Active) || closes && connected {
        return Ok(());
    }
    Err(format!(
        "{id} {spec} left with the link {link:?}, trading {trading:?}, holding {}",
        held.quantity
    ))
}

/// The terms of one order in the order in which the exchange gave it them, and how far the engine has heard.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    given: Vec<(Quantity, OrderKind)>,
    asked: Option<(Quantity, OrderKind)>,
    heard: usize,
}

impl Terms {
    pub fn given(&mut self, quantity: Quantity, kind: OrderKind) {
        self.given.push((quantity, kind));
    }
    pub fn placed(&mut self, spec: &OrderSpec) {
        if self.given.is_empty() {
            self.given(spec.quantity, spec.kind);
        }
    }
    pub fn asked(&mut self, spec: &OrderSpec, change: OrderChange) {
        let quantity = change.quantity.unwrap_or(spec.quantity);
        self.asked = Some((quantity, change.applied_to(spec.kind)));
    }
    /// What the engine takes for the terms never goes back to older ones.
    pub fn heard(&mut self, quantity: Quantity, kind: OrderKind) -> Result<(), String> {
        let terms = (quantity, kind);
        match self.given.iter().rposition(|given| *given == terms) {
            Some(at) if at >= self.heard => self.heard = at,
            // An old answer that says just what is being asked can't be told from the new one.
            _ if self.given.is_empty() || self.asked == Some(terms) => {}
            _ => {
                return Err(format!(
                    "{quantity} {kind} is not what the exchange has: {self:?}"
                ));
            }
        }
        Ok(())
    }
}

/// Live, replayed and the exchange's own books say the same.
pub fn books(world: &World, venue: &mut Venue) -> Result<(), String> {
    let state = world.state();
    let mut replayed = State::default();
    for event in &world.journal {
        replayed.apply(event);
    }
    if replayed != *state || replayed.digest() != state.digest() {
        return Err("the replayed state differs from the live one".into());
    }
    if state.link(world.broker) != LinkState::Ready {
        return Err(format!("the link is {:?}", state.links));
    }
    for account in &world.accounts {
        let mut out = Vec::new();
        let request = VenueRequest::Snapshot {
            pass: 0,
            account: *account,
        };
        venue
            .handle(request, world.now, &mut out)
            .map_err(|error| error.to_string())?;
        let read = out.into_iter().find_map(|event| match event {
            VenueEvent::Snapshot(read) => Some(read),
            _ => None,
        });
        let read = read.ok_or("no snapshot")?;
        orders(state, *account, &read)?;
        executions(state, *account, &read)?;
        holdings(state, *account, &read)?;
        protection(state, *account)?;
    }
    if !state.flattening.is_empty() || !state.flattening_accounts.is_empty() {
        return Err(format!(
            "still flattening: {:?} {:?}",
            state.flattening, state.flattening_accounts
        ));
    }
    Ok(())
}

fn orders(state: &State, account: AccountKey, read: &VenueSnapshot) -> Result<(), String> {
    let there: BTreeMap<ClientOrderId, _> = read.orders.iter().map(|order| (order.id, order)).collect();
    if there.len() != read.orders.len() {
        return Err("the exchange has two orders of one name".into());
    }
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
            let same = theirs.phase == order.phase && theirs.filled == order.filled;
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
            let never_there = matches!(order.phase, Phase::Denied | Phase::NotSent | Phase::Absent)
                || child && matches!(order.phase, Phase::Created | Phase::Cancelled);
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

fn executions(state: &State, account: AccountKey, read: &VenueSnapshot) -> Result<(), String> {
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
        let Some(ours) = by_id.get(&theirs.id) else {
            // Contained in the opening positions.
            continue;
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

fn holdings(state: &State, account: AccountKey, read: &VenueSnapshot) -> Result<(), String> {
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
        own && order.spec.role == Role::StopLoss && order.phase != Phase::Created
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

/// What the exchange's own books hold of an instrument, how many orders but those made by phone live there, and whether
/// the phone traded it unheard or since `since`: nobody can reckon with that.
pub fn held_there(
    state: &State,
    venue: &mut Venue,
    (account, instrument): (AccountKey, InstrumentId),
    since: Timestamp,
    now: Timestamp,
) -> Option<(Quantity, usize, bool)> {
    let mut out = Vec::new();
    venue
        .handle(VenueRequest::Snapshot { pass: 0, account }, now, &mut out)
        .ok()?;
    let read = out.into_iter().find_map(|event| match event {
        VenueEvent::Snapshot(read) => Some(read),
        _ => None,
    })?;
    let held = read.positions.iter().find(|(id, ..)| *id == instrument);
    let by_phone = |id: Option<ClientOrderId>| id.is_some_and(|id| id.as_str().starts_with("PHONE"));
    let unheard = read.executions.iter().any(|execution| {
        let heard = state.executions.contains_key(&(account, execution.id.base));
        let late = !heard || execution.at >= since;
        execution.instrument == instrument && late && by_phone(execution.order)
    });
    let live = read.orders.iter().filter(|order| {
        order.spec.instrument == instrument && order.phase.is_live() && !by_phone(Some(order.id))
    });
    Some((
        held.map_or(Quantity::ZERO, |(_, quantity, _)| *quantity),
        live.count(),
        unheard,
    ))
}
