//! Positions counted a second time, from the facts alone and by the execution's name (I4): what the engine's ledgers hold
//! must be the same.

use super::{Checker, Wrong, wrong};
use std::collections::{BTreeMap, BTreeSet};
use tradewind::domain::*;
use tradewind::engine::{Actor, Event, Fact, State};

type Place = (AccountKey, InstrumentId);

/// What is held by the facts.
#[derive(Clone, Debug, Default)]
pub struct Shadow {
    opening: BTreeMap<Place, Quantity>,
    executions: BTreeMap<(AccountKey, ExecutionBase), (InstrumentId, u32, Quantity)>,
    contained: BTreeSet<(AccountKey, ExecutionBase)>,
    held: BTreeMap<Place, Quantity>,
}

impl Shadow {
    fn add(&mut self, place: Place, change: Quantity) {
        let held = self.held.entry(place).or_default();
        *held = held.saturating_add(change);
    }

    /// Counts one fact.
    pub fn count(&mut self, event: &Event) -> Result<(), Wrong> {
        match &event.fact {
            Fact::OpeningRead {
                account,
                positions,
                executions,
            } => {
                self.contained
                    .extend(executions.iter().map(|base| (*account, *base)));
                for (instrument, quantity, _) in positions {
                    let place = (*account, *instrument);
                    let before = self.opening.insert(place, *quantity).unwrap_or_default();
                    self.add(place, quantity.saturating_sub(before));
                }
            }
            Fact::Executed { execution } => {
                let key = (execution.account, execution.id.base);
                let signed = execution.side.signed(execution.quantity);
                let entry = (execution.instrument, execution.id.revision, signed);
                if self.contained.contains(&key) || self.executions.insert(key, entry).is_some() {
                    return wrong(Checker::I4, format!("{} is booked twice", execution.id));
                }
                self.add((execution.account, execution.instrument), signed);
            }
            Fact::Corrected { execution } => {
                let key = (execution.account, execution.id.base);
                let signed = execution.side.signed(execution.quantity);
                if let Some((instrument, revision, before)) = self.executions.get_mut(&key) {
                    let (place, change) = ((key.0, *instrument), signed.saturating_sub(*before));
                    if *revision >= execution.id.revision {
                        return wrong(Checker::I4, format!("{} replaces what is newer", execution.id));
                    }
                    (*revision, *before) = (execution.id.revision, signed);
                    self.add(place, change);
                }
            }
            Fact::PositionAdjusted {
                account,
                instrument,
                change,
                ..
            } => {
                if !matches!(event.actor, Actor::Session(_)) {
                    let words = format!("{account} {instrument} moved by {change}, and no person said so");
                    return wrong(Checker::I4, words);
                }
                self.add((*account, *instrument), *change);
            }
            _ => {}
        }
        Ok(())
    }

    /// The engine's ledgers hold the same.
    pub fn compare(&self, state: &State) -> Result<(), Wrong> {
        let zero = Quantity::ZERO;
        for (place, ledger) in &state.ledgers {
            let counted = self.held.get(place).copied().unwrap_or(zero);
            if ledger.position.quantity != counted {
                let (account, instrument) = place;
                let words = format!(
                    "{account} {instrument}: the ledger holds {}, its executions are {counted}",
                    ledger.position.quantity
                );
                return wrong(Checker::I4, words);
            }
        }
        Ok(())
    }
}
