//! Orders that were parked in an outage leave under their conditions alone (I6). What has to hold is counted here from the
//! facts and the market of the world, with the figures of the list of invariants, not with those of the engine.

use super::Checker;
use crate::simulation::world::World;
use std::collections::BTreeMap;
use std::time::Duration;
use tradewind::domain::*;
use tradewind::engine::{Event, Fact};

/// What is remembered of those that are parked.
#[derive(Clone, Debug, Default)]
pub struct Parked {
    waiting: BTreeMap<ClientOrderId, Waiting>,
    /// Those that left their place or ended, for a crash may take that back.
    gone: BTreeMap<ClientOrderId, Waiting>,
    released: Option<Timestamp>,
    durable_released: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Waiting {
    spec: OrderSpec,
    since: Timestamp,
    until: Timestamp,
    /// The last word of a person in this life of the process.
    word: Option<Timestamp>,
    held: Quantity,
    closes: bool,
    /// The middle of the market.
    market: Option<Price>,
}

impl Parked {
    /// A fact is durable.
    pub fn durable(&mut self, event: &Event) {
        if matches!(event.fact, Fact::ParkReleased { .. }) {
            self.durable_released = Some(event.at);
        }
    }

    /// A new process, which knows what was durable: who is parked by that is parked, and no word of a person is younger
    /// than it.
    pub fn begin(&mut self, lives: impl Fn(ClientOrderId) -> bool) {
        self.waiting.append(&mut self.gone);
        self.waiting.retain(|id, _| lives(*id));
        self.released = self.durable_released;
        for waiting in self.waiting.values_mut() {
            waiting.word = None;
        }
    }

    fn take(&mut self, id: ClientOrderId) -> Option<&Waiting> {
        let waiting = self.waiting.remove(&id)?;
        Some(self.gone.entry(id).insert_entry(waiting).into_mut())
    }
}

fn middle(world: &World, instrument: InstrumentId) -> Option<Price> {
    world.market.quote(instrument).and_then(|quote| quote.mid())
}

/// Facts of one batch, already folded.
pub fn batch(world: &mut World, events: &[Event]) {
    for event in events {
        match &event.fact {
            Fact::OrderParked { id, spec, terms, .. } => {
                world.tally.parked += 1;
                let waiting = Waiting {
                    spec: spec.clone(),
                    since: event.at,
                    until: terms.until,
                    word: Some(event.at),
                    held: world
                        .engine
                        .state()
                        .position(spec.account, spec.instrument)
                        .quantity,
                    closes: terms.closes,
                    market: middle(world, spec.instrument),
                };
                if let Some(words) = too_much(world, &waiting) {
                    world.wrong(Checker::I6, format!("{id} {spec} was parked: {words}"));
                }
                world.wire.parked.waiting.insert(*id, waiting);
            }
            Fact::ChainReleased { id, .. } => {
                world.tally.chained += 1;
                if let Some(words) = too_early(world, *id) {
                    world.wrong(
                        Checker::I6,
                        format!("{id} left before its first had filled: {words}"),
                    );
                }
            }
            Fact::ParkConfirmed { id, .. } => {
                if let Some(waiting) = world.wire.parked.waiting.get_mut(id) {
                    waiting.word = Some(event.at);
                }
            }
            Fact::ParkReleased { id, quantity } => {
                world.tally.unparked += 1;
                let found = match world.wire.parked.take(*id).cloned() {
                    Some(waiting) => breach(world, &waiting, *quantity, event.at),
                    None => Some("it was not parked".to_owned()),
                };
                if let Some(words) = found {
                    world.wrong(Checker::I6, format!("{id} left its place: {words}"));
                }
                world.wire.parked.released = Some(event.at);
            }
            fact => {
                let ended = matches!(fact, Fact::NotSent { .. } | Fact::Cancelled { .. });
                if let Some(id) = fact.order().filter(|_| ended) {
                    world.wire.parked.take(id);
                }
            }
        }
    }
}

/// An order leaves only behind one that the exchange has executed, all of it.
fn too_early(world: &World, id: ClientOrderId) -> Option<String> {
    let state = world.engine.state();
    let first = state.orders.get(&id)?.after?;
    match state.orders.get(&first) {
        None => Some(format!("{first} is not known")),
        Some(first) if first.filled >= first.spec.quantity => None,
        Some(first) => Some(format!("{} of {}", first.filled, first.spec)),
    }
}

/// Three at most, for five minutes at most, limits alone.
fn too_much(world: &World, waiting: &Waiting) -> Option<String> {
    let others = world.wire.parked.waiting.len();
    if others >= 3 {
        return Some(format!("{others} others are"));
    }
    if waiting.until.since(waiting.since) > Duration::from_secs(300) {
        return Some(format!("until {}", waiting.until));
    }
    waiting
        .spec
        .kind
        .limit()
        .is_none()
        .then(|| "it has no limit".to_owned())
}

fn breach(world: &World, waiting: &Waiting, quantity: Quantity, at: Timestamp) -> Option<String> {
    let state = world.engine.state();
    let (account, instrument) = (waiting.spec.account, waiting.spec.instrument);
    if state.link(account.broker) != LinkState::Ready || state.pauses.contains_key(&account.broker) {
        return Some("the link is not ready".to_owned());
    }
    if at >= waiting.until {
        return Some(format!("its time was over at {}", waiting.until));
    }
    if waiting
        .word
        .is_none_or(|word| at.since(word) > Duration::from_secs(10))
    {
        return Some(format!("the last word for it was {:?}", waiting.word));
    }
    if world
        .wire
        .parked
        .released
        .is_some_and(|last| at.since(last) < Duration::from_secs(1))
    {
        return Some("another left within a second".to_owned());
    }
    let quoted = world.quoted.get(&instrument).copied();
    if quoted.is_none_or(|quoted| world.now.since(quoted) > Duration::from_secs(2)) {
        return Some(format!("the last quote came {quoted:?}"));
    }
    let held = state.position(account, instrument).quantity;
    if waiting.closes {
        let opposite = waiting.spec.side.signed(quantity).raw().signum() == -held.raw().signum();
        return (!opposite || quantity > held.abs()).then(|| format!("{quantity} of {held} held"));
    }
    if held != waiting.held || quantity != waiting.spec.quantity {
        return Some(format!("{held} are held, {} were", waiting.held));
    }
    let (before, now) = (waiting.market?, middle(world, instrument)?);
    let moved = (i128::from(now.raw()) - i128::from(before.raw())).abs();
    (moved * 200 > i128::from(before.raw())).then(|| format!("the market went from {before} to {now}"))
}
