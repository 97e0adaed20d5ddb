//! The sector of an instrument: what the trader says in the settings, else what the broker says of the contract. It is never
//! guessed: where nobody says it, it is not known, and nothing is held against it.

use crate::domain::{Instrument, InstrumentKind, SafeText};
use crate::engine::state::State;

/// What brokers call the sector of a fund: it holds many, and concentration in it says nothing.
const FUNDS: &str = "Funds";

/// Where an instrument belongs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sector {
    /// By its name.
    Named(SafeText),
    /// It has no sector but its kind: a future, a currency, a coin, an index.
    Kind(&'static str),
    /// Nobody said.
    Unknown,
}

impl Sector {
    /// As people read it.
    pub fn word(&self) -> &str {
        match self {
            Self::Named(name) => name.as_str(),
            Self::Kind(word) => word,
            Self::Unknown => "unknown",
        }
    }
    /// True where concentration in it counts: a named one that is no fund.
    pub fn counts(&self) -> bool {
        matches!(self, Self::Named(name) if name.as_str() != FUNDS)
    }
}

/// True for shares in a fund.
pub fn is_fund(state: &State, instrument: &Instrument) -> bool {
    let is = |sector| matches!(sector, Sector::Named(name) if name.as_str() == FUNDS);
    instrument.kind == InstrumentKind::Equity && is(sector(state, instrument))
}

/// The sector of an instrument; of an option that of what it is on.
pub fn sector(state: &State, instrument: &Instrument) -> Sector {
    let of = instrument.option.map(|option| option.underlying);
    let underlying = of.and_then(|id| state.instruments.get(&id));
    let id = of.unwrap_or(instrument.id);
    let told = state.sectors.get(&id).cloned();
    let told = told.or_else(|| underlying.unwrap_or(instrument).sector.clone());
    match (told, instrument.kind) {
        (Some(name), _) => Sector::Named(name),
        (None, InstrumentKind::Future) => Sector::Kind("futures"),
        (None, InstrumentKind::Forex) => Sector::Kind("currencies"),
        (None, InstrumentKind::Crypto) => Sector::Kind("coins"),
        (None, InstrumentKind::Index) => Sector::Kind("indices"),
        (None, InstrumentKind::Equity | InstrumentKind::Option) => Sector::Unknown,
    }
}
