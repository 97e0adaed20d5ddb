//! What a move would do: of everything by the same share, and of the market as a whole with each position moving as it did
//! with it (its beta by daily returns). A straight line through what a move would do: of an option nothing is told by it.

use super::BENCHMARK;
use super::days::{Histories, together};
use super::exposure::{Exposure, Held};
use crate::domain::{InstrumentId, InstrumentKind, Money};
use crate::engine::state::State;
use crate::market::statistics;

/// The moves, in per cent.
pub const MOVES: [i64; 6] = [-5, -3, -1, 1, 3, 5];
/// Days that a beta is counted from, at most and at least.
pub const DAYS: usize = 250;
const LEAST: usize = 20;

/// What moves would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Stress {
    /// If everything that is held moves so far, in the order of [`MOVES`]; in words why that is not known.
    pub all: Result<Vec<(i64, Money)>, String>,
    /// If the benchmark moves so far and each position with it by its beta, in the base currency.
    pub market: Result<Vec<(i64, f64)>, String>,
    /// How much each position moves with the benchmark, in the order of what is held; in words why that is not known.
    pub betas: Vec<(InstrumentId, Result<f64, String>)>,
    /// The benchmark; nothing where it is not listed.
    pub benchmark: Option<InstrumentId>,
    /// The beta of all that is held, as a share of the account's worth: 0.5 is half of what the benchmark moves.
    pub beta: Option<f64>,
}

/// Counts them.
pub fn stress(state: &State, exposure: &Exposure, histories: &Histories) -> Stress {
    let benchmark = InstrumentId::new(BENCHMARK).ok();
    let benchmark = benchmark.filter(|id| state.instruments.contains_key(id));
    let beta = |held: &Held| (held.instrument, beta(held, benchmark, histories));
    let betas: Vec<(InstrumentId, Result<f64, String>)> = exposure.held.iter().map(beta).collect();
    let weighted: Result<f64, String> = exposure
        .held
        .iter()
        .zip(&betas)
        .try_fold(0.0, |sum, (held, (_, beta))| {
            Ok(sum + held.in_base.clone()?.to_f64() * beta.clone()?)
        });
    let worth = exposure.worth.as_ref().ok().map(|worth| worth.to_f64());
    let per_cent = |percent: i64| f64::from(i32::try_from(percent).unwrap_or(0)) / 100.0;
    Stress {
        all: every(exposure),
        beta: weighted
            .as_ref()
            .ok()
            .zip(worth.filter(|worth| *worth > 0.0))
            .map(|(weighted, worth)| weighted / worth),
        market: weighted.map(|weighted| {
            let moved = |percent: &i64| (*percent, weighted * per_cent(*percent));
            MOVES.iter().map(moved).collect()
        }),
        betas,
        benchmark,
    }
}

/// What one position and what a move of everything would make of all of them.
fn every(exposure: &Exposure) -> Result<Vec<(i64, Money)>, String> {
    let mut net = Money::ZERO;
    for held in &exposure.held {
        no_option(held)?;
        let more = net.checked_add(held.in_base.clone()?);
        net = more.ok_or_else(|| "the sum is more than can be counted".to_owned())?;
    }
    let moved = |percent: &i64| (*percent, Money::from_raw(net.raw() / 100 * i128::from(*percent)));
    Ok(MOVES.iter().map(moved).collect())
}

fn no_option(held: &Held) -> Result<(), String> {
    match held.kind {
        InstrumentKind::Option => Err(format!(
            "{} is an option: it does not move in proportion",
            held.instrument
        )),
        _ => Ok(()),
    }
}

fn beta(held: &Held, benchmark: Option<InstrumentId>, histories: &Histories) -> Result<f64, String> {
    no_option(held)?;
    let benchmark = benchmark.ok_or_else(|| format!("{BENCHMARK} is not listed here"))?;
    if held.instrument == benchmark {
        return Ok(1.0);
    }
    let past = together(histories, &[held.instrument, benchmark], DAYS)?;
    if past.days.len() < LEAST {
        let (here, id) = (past.days.len(), held.instrument);
        return Err(format!(
            "{here} days of {id} and {benchmark} are here, {LEAST} are wanted"
        ));
    }
    let beta = past
        .returns
        .split_first()
        .and_then(|(own, rest)| statistics::beta(own, rest.first()?));
    beta.ok_or_else(|| format!("{benchmark} did not move"))
}
