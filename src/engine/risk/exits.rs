//! The exits of a bracket against its entry: a stop lies where the entry loses, a target where it gains. One rule for the
//! sentence that names them, the preview that counts with them and the decision that places them.

use super::Check;
use crate::domain::{OrderKind, OrderSpec, Price, Role, Side, TimeInForce};
use crate::engine::command::{Denial, DenialCode, Legs};

/// An exit on the wrong side of its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misplaced {
    /// Which of the two.
    pub role: Role,
    /// Where it goes, in words.
    pub text: String,
}

impl From<Misplaced> for Denial {
    fn from(misplaced: Misplaced) -> Self {
        Self::new(DenialCode::BadPrice, misplaced.text)
    }
}

impl Check<'_> {
    /// Both exits on their sides of what the entry is measured at. Without a price there is nothing to hold them against.
    ///
    /// # Errors
    /// The first exit that lies at the entry or beyond it.
    pub fn sides(&self, spec: &OrderSpec, legs: Legs) -> Result<(), Misplaced> {
        let Some(entry) = self.entry_price(spec) else {
            return Ok(());
        };
        let stop = legs.stop.map(|price| (price, Role::StopLoss));
        let target = legs.target.map(|price| (price, Role::Target));
        stop.into_iter()
            .chain(target)
            .try_for_each(|(price, role)| on_its_side(spec.side, entry, price, role))
    }

    /// The exits as orders that close what the entry opens and live until cancelled, each with its number: 1 is the stop, 2 the
    /// target. Whose children they are is not in them yet.
    ///
    /// # Errors
    /// `BAD_PRICE` for one on the wrong side, and what no venue would take.
    pub fn exits(&self, spec: &OrderSpec, legs: Legs) -> Result<Vec<(u8, OrderSpec)>, Denial> {
        self.sides(spec, legs)?;
        let stop = legs
            .stop
            .map(|trigger| (1, Role::StopLoss, OrderKind::Stop { trigger }));
        let target = legs
            .target
            .map(|price| (2, Role::Target, OrderKind::Limit { price }));
        let instrument = self.state.instruments.get(&spec.instrument);
        let mut exits = Vec::new();
        for (number, role, kind) in stop.into_iter().chain(target) {
            let exit = OrderSpec {
                side: spec.side.opposite(),
                kind,
                tif: TimeInForce::Gtc,
                display: None,
                allow_short: true,
                role,
                ..spec.clone()
            };
            if let Some(instrument) = instrument {
                self.well_formed(&exit, instrument)?;
            }
            exits.push((number, exit));
        }
        Ok(exits)
    }
}

fn on_its_side(side: Side, entry: Price, price: Price, role: Role) -> Result<(), Misplaced> {
    let above = (side == Side::Buy) == (role == Role::Target);
    let right = if above { price > entry } else { price < entry };
    if right {
        return Ok(());
    }
    let word = if role == Role::Target { "target" } else { "stop" };
    let toward = if above { "above" } else { "below" };
    Err(Misplaced {
        role,
        text: format!(
            "the {word} of a {} goes {toward} the entry at {entry}",
            side.word().to_lowercase()
        ),
    })
}
