//! Risk in figures, for people and programs to look at: what an account is exposed to by symbol, sector and currency, what
//! margin binds, what a bad day has cost by the history of what is held, what a move would do, and what moves together.
//! Pure functions of state, market and daily closes. Nothing is decided by them but what `risk` takes from `sectors`, whose
//! amounts are fixed point; the rest is statistics, in binary. What is not known is said in words, never shown as zero.

pub mod correlation;
pub mod days;
pub mod exposure;
pub mod margin;
pub mod sectors;
pub mod stress;
pub mod tail;
#[cfg(test)]
mod tests;

pub use correlation::Correlation;
pub use days::{Days, Histories};
pub use exposure::{Exposure, Held, Sum};
pub use margin::Margin;
pub use sectors::Sector;
pub use stress::Stress;
pub use tail::ValueAtRisk;

use super::port::Health;
use super::state::State;
use crate::domain::{AccountKey, Instrument, InstrumentId};
use crate::market::Market;
use std::collections::BTreeSet;

/// What the market as a whole is measured by, where it is listed and has a history.
pub const BENCHMARK: &str = "SPY";

/// Everything there is to say of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// What it is exposed to.
    pub exposure: Exposure,
    /// What binds it.
    pub margin: Margin,
    /// What a bad day has cost; in words why that is not known.
    pub at_risk: Result<ValueAtRisk, String>,
    /// What a move would do.
    pub stress: Stress,
    /// What moves together.
    pub correlation: Correlation,
}

/// All of them. `health` is the broker's own word, where it is known.
///
/// # Errors
/// The account has not been read yet: in words.
pub fn look(
    state: &State,
    market: &Market,
    health: Option<&Health>,
    histories: &Histories,
    account: AccountKey,
) -> Result<Figures, String> {
    let exposure = exposure::exposure(state, market, account)?;
    Ok(Figures {
        margin: margin::margin(state, market, health, account),
        at_risk: tail::value_at_risk(&exposure, histories),
        stress: stress::stress(state, &exposure, histories),
        correlation: correlation::correlation(&exposure, histories),
        exposure,
    })
}

/// The instruments whose daily bars are wanted: what is held, and the benchmark.
pub fn wanted(state: &State, account: AccountKey) -> Vec<&Instrument> {
    let held = state.ledgers.iter();
    let held = held
        .filter(|((owner, _), ledger)| *owner == account && !ledger.position.quantity.is_zero())
        .map(|((_, id), _)| *id);
    let all: BTreeSet<InstrumentId> = held.chain(InstrumentId::new(BENCHMARK)).collect();
    all.iter().filter_map(|id| state.instruments.get(id)).collect()
}

/// The daily closes of what is wanted, as `bars` gives them, up to `at` of the venue's clock.
pub fn histories<'a>(
    state: &State,
    account: AccountKey,
    at: crate::domain::Timestamp,
    bars: impl Fn(InstrumentId) -> &'a [crate::market::Bar],
) -> Histories {
    let days = |instrument: &Instrument| (instrument.id, Days::of(instrument, bars(instrument.id), at));
    wanted(state, account).into_iter().map(days).collect()
}
