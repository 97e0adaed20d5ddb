//! Breached limits, counted from the facts alone (I9): which stand, and what worked when one came that takes entries off.
//! What follows is held against what leaves over the wire and against the exchange's own books, never against the engine's
//! own list of breaches.

use super::{Checker, Wrong, wrong};
use crate::simulation::world::World;
use std::collections::{BTreeMap, BTreeSet};
use tradewind::domain::*;
use tradewind::engine::{Event, Fact, Snapshot, State};

/// Which limit of whom, and of which instrument where it is not the account's.
type Which = (AccountKey, LimitName, Option<InstrumentId>);

/// The breaches that stand, by the facts.
#[derive(Clone, Debug, Default)]
pub struct Breaches {
    standing: BTreeMap<Which, Breach>,
    /// What plainly added when a breach came that cancels entries.
    entries: BTreeMap<AccountKey, BTreeSet<ClientOrderId>>,
}

impl Breaches {
    /// Counts one fact; `state` is what it was folded into.
    pub fn count(&mut self, event: &Event) {
        match &event.fact {
            Fact::LimitBreached {
                account,
                name,
                of,
                does,
                ..
            } => drop(self.standing.insert((*account, *name, *of), *does)),
            Fact::BreachEnded {
                account, name, of, ..
            } => drop(self.standing.remove(&(*account, *name, *of))),
            Fact::RiskDayBegan { account, .. } => {
                self.standing
                    .retain(|(owner, ..), does| owner != account || *does < Breach::Lock);
            }
            _ => {}
        }
    }

    /// Orders that a breach was to take off.
    pub fn take_off(&mut self, account: AccountKey, entries: impl Iterator<Item = ClientOrderId>) {
        self.entries.entry(account).or_default().extend(entries);
    }

    /// Only what was durable counts for a new process.
    pub fn begin(&mut self, durable: &Self, state: &State) {
        self.standing.clone_from(&durable.standing);
        // A cancel that was not durable is not known to anybody, and neither is its breach.
        let going = |id: &ClientOrderId| {
            let order = state.orders.get(id);
            order.is_some_and(|order| order.pending == Some(Pending::Cancel) || !order.phase.is_live())
        };
        for entries in self.entries.values_mut() {
            entries.retain(going);
        }
    }

    /// The breach because of which nothing that adds may leave.
    pub fn holds(&self, account: AccountKey, instrument: InstrumentId) -> Option<(LimitName, Breach)> {
        let mut standing = self.standing.iter();
        let meant = |of: Option<InstrumentId>| of.is_none_or(|of| of == instrument);
        let found = standing
            .find(|((owner, _, of), does)| *owner == account && meant(*of) && **does > Breach::Refuse);
        found.map(|((_, name, _), does)| (*name, *does))
    }
}

/// A breach that cancels entries left none of them. Only what plainly adds is looked at: an order of its own on the side of
/// what is held, or where nothing is.
pub fn breached(world: &mut World, account: AccountKey, of: Option<InstrumentId>, does: Breach) {
    world.tally.breaches += 1;
    if does < Breach::CancelEntries {
        return;
    }
    let state = world.engine.state();
    let entries = state.orders.values().filter(|order| {
        let spec = &order.spec;
        let held = state.position(account, spec.instrument).side();
        let adds = held.is_none_or(|side| side == spec.side);
        let ours = spec.account == account && spec.parent.is_none() && !order.foreign;
        let meant = of.is_none_or(|of| of == spec.instrument);
        ours && meant && adds && order.phase.is_live() && !world.wire.exits.contains_key(&order.id)
    });
    let entries: Vec<(ClientOrderId, String, bool)> = entries
        .map(|order| {
            (
                order.id,
                order.spec.to_string(),
                order.pending == Some(Pending::Cancel),
            )
        })
        .collect();
    if let Some((id, spec, _)) = entries.iter().find(|(.., going)| !going) {
        let words = format!("{id} {spec} still works, and a limit was breached");
        world.wrong(Checker::I9, words);
    }
    let ids = entries.into_iter().map(|(id, ..)| id);
    world.wire.breaches.take_off(account, ids);
}

/// What breaches were to take off the market is gone from the exchange's books.
pub fn gone(world: &World, account: AccountKey, read: &Snapshot) -> Result<(), Wrong> {
    let Some(entries) = world.wire.breaches.entries.get(&account) else {
        return Ok(());
    };
    let stays = read
        .orders
        .iter()
        .find(|order| entries.contains(&order.id) && order.phase.is_live());
    match stays {
        Some(order) => wrong(
            Checker::I9,
            format!(
                "{} {} works at the exchange, and a breach was to take it off",
                order.id, order.spec
            ),
        ),
        None => Ok(()),
    }
}
