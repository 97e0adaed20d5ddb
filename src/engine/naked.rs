//! The watch on what nothing protects: a position, or the part of it, that no stop at the broker covers. It is told once when
//! that has lasted for a moment, with no terminal attached too, and again only after it was covered or flat in between. Until
//! when a stop is on its way is no nakedness: the children of a bracket need a moment to reach the broker.
//!
//! What counts as cover is [`State::protected`]: stops that the broker has. Leaves to others: putting a stop there (the
//! sentence `protect`, the port's `/positions/{account}/{symbol}/stop`), closing what lost its stop (`close_unprotected`).

use super::event::{Event, Fact};
use super::state::State;
use super::timing::NAKED_AFTER;
use crate::domain::{AccountKey, InstrumentId, Quantity, Side, Timestamp};
use serde::{Deserialize, Serialize};

/// What of a position nothing covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Naked {
    /// How much, without a sign.
    pub quantity: Quantity,
    /// Which way the position is.
    pub side: Side,
    /// Since when.
    pub since: Timestamp,
    /// A stop was there and is no more; otherwise the position came without one.
    pub lost: bool,
    /// It was told.
    pub told: bool,
}

/// Tells when a position that is not covered is to be told of. What is being flattened goes away by itself, and before the
/// broker was read nobody knows what is held.
pub(super) fn deadlines(state: &State, mut tell: impl FnMut(Timestamp, AccountKey, InstrumentId)) {
    for ((account, instrument), naked) in &state.naked {
        let goes = state.flattening.contains_key(&(*account, *instrument));
        if !naked.told && !goes && state.positions_known(*account) {
            tell(naked.since.after(NAKED_AFTER), *account, *instrument);
        }
    }
}

/// The fact that tells of it.
pub(super) fn found(state: &State, account: AccountKey, instrument: InstrumentId) -> Option<Fact> {
    let naked = state.naked.get(&(account, instrument))?;
    Some(Fact::NakedFound {
        account,
        instrument,
        quantity: naked.quantity,
        lost: naked.lost,
    })
}

/// In words, with what to do.
pub(super) fn words(account: AccountKey, instrument: InstrumentId, quantity: Quantity, lost: bool) -> String {
    let why = if lost {
        "the stop is gone"
    } else {
        "no stop at the broker"
    };
    format!(
        "NAKED: {quantity} {instrument} in {}, {why}; protect {instrument} at PRICE (p in the positions) puts one there",
        account.account
    )
}

impl State {
    /// Looks at what an event may have changed: what is held, or what covers it.
    pub(super) fn watch_cover(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::Executed { execution } | Fact::Corrected { execution } => {
                self.look_at_cover(execution.account, execution.instrument, false, at);
            }
            Fact::PositionAdjusted {
                account, instrument, ..
            }
            | Fact::PositionChanged {
                account, instrument, ..
            } => self.look_at_cover(*account, *instrument, false, at),
            Fact::OpeningRead { account, .. } => {
                let held = self.ledgers.keys().filter(|(owner, _)| owner == account);
                let held: Vec<InstrumentId> = held.map(|(_, instrument)| *instrument).collect();
                for instrument in held {
                    self.look_at_cover(*account, instrument, false, at);
                }
            }
            Fact::NakedFound {
                account, instrument, ..
            } => {
                if let Some(naked) = self.naked.get_mut(&(*account, *instrument)) {
                    naked.told = true;
                }
            }
            fact => {
                // Only a stop covers anything.
                let order = fact.order().and_then(|id| self.orders.get(&id));
                if let Some(order) = order.filter(|order| order.spec.kind.is_stop()) {
                    let (account, instrument) = (order.spec.account, order.spec.instrument);
                    self.look_at_cover(account, instrument, true, at);
                }
            }
        }
    }

    fn look_at_cover(&mut self, account: AccountKey, instrument: InstrumentId, by_stop: bool, at: Timestamp) {
        let key = (account, instrument);
        let position = self.position(account, instrument);
        let bare = || {
            let covered = self.protected(account, instrument);
            position.quantity.abs().saturating_sub(covered)
        };
        let Some((side, quantity)) = position
            .side()
            .map(|side| (side, bare()))
            .filter(|(_, bare)| bare.is_positive())
        else {
            self.naked.remove(&key);
            return;
        };
        match self.naked.get_mut(&key).filter(|naked| naked.side == side) {
            Some(naked) => naked.quantity = quantity,
            None => {
                let naked = Naked {
                    quantity,
                    side,
                    since: at,
                    lost: by_stop,
                    told: false,
                };
                self.naked.insert(key, naked);
            }
        }
    }
}
