//! What moves together: correlations of daily returns over the last sixty days on which both of a pair traded, and the pairs
//! that are one bet under two names.

use super::days::{Histories, together};
use super::exposure::{Exposure, Held};
use crate::domain::{InstrumentId, Money};
use crate::market::statistics::{pearson, spearman};

/// Days that are looked at.
pub const DAYS: usize = 60;
/// With fewer there is no figure.
pub const LEAST: usize = 20;
/// From which on two positions count as one name, where all of [`DAYS`] are there.
pub const ONE_NAME: f64 = 0.8;
/// The largest positions that are compared.
pub const MOST: usize = 24;

/// One pair.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pair {
    /// Returns that it is counted from.
    pub days: usize,
    /// Pearson's correlation.
    pub pearson: Option<f64>,
    /// Spearman's, of the ranks.
    pub spearman: Option<f64>,
}

/// Two positions that move as one: both win or both lose.
#[derive(Clone, Debug, PartialEq)]
pub struct OneName {
    /// The larger.
    pub first: InstrumentId,
    /// The other.
    pub second: InstrumentId,
    /// Pearson's correlation.
    pub pearson: f64,
    /// What both are worth together, without signs, in the base currency.
    pub together: Option<Money>,
}

/// All pairs of what is held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Correlation {
    /// What is compared, the largest position first.
    pub instruments: Vec<InstrumentId>,
    /// Row by row, in their order.
    pub pairs: Vec<Vec<Pair>>,
    /// Those that are one bet.
    pub one_name: Vec<OneName>,
    /// Positions that are left out because there are too many.
    pub left_out: usize,
}

/// Counts them.
pub fn correlation(exposure: &Exposure, histories: &Histories) -> Correlation {
    let held: Vec<&Held> = exposure.held.iter().take(MOST).collect();
    let row = |first: &&Held| held.iter().map(|second| pair(histories, first, second)).collect();
    let pairs: Vec<Vec<Pair>> = held.iter().map(row).collect();
    let mut one_name = Vec::new();
    for (i, (first, row)) in held.iter().zip(&pairs).enumerate() {
        for (second, pair) in held.iter().zip(row).skip(i + 1) {
            if let Some(pearson) = as_one(pair, first, second) {
                let amount = |held: &Held| held.in_base.as_ref().ok().map(|value| value.abs());
                one_name.push(OneName {
                    first: first.instrument,
                    second: second.instrument,
                    pearson,
                    together: amount(first)
                        .zip(amount(second))
                        .and_then(|(a, b)| a.checked_add(b)),
                });
            }
        }
    }
    Correlation {
        instruments: held.iter().map(|held| held.instrument).collect(),
        left_out: exposure.held.len() - held.len(),
        pairs,
        one_name,
    }
}

/// The correlation of two instruments.
pub fn of(histories: &Histories, first: InstrumentId, second: InstrumentId) -> Pair {
    let Ok(past) = together(histories, &[first, second], DAYS) else {
        return Pair::default();
    };
    let days = past.days.len();
    let both = past
        .returns
        .split_first()
        .and_then(|(a, rest)| Some((a, rest.first()?)));
    let both = both.filter(|_| days >= LEAST);
    Pair {
        days,
        pearson: both.and_then(|(a, b)| pearson(a, b)),
        spearman: both.and_then(|(a, b)| spearman(a, b)),
    }
}

fn pair(histories: &Histories, first: &Held, second: &Held) -> Pair {
    if first.instrument != second.instrument {
        return of(histories, first.instrument, second.instrument);
    }
    let days = histories.get(&first.instrument).map_or(0, super::Days::len);
    Pair {
        days: days.saturating_sub(1).min(DAYS),
        pearson: Some(1.0),
        spearman: Some(1.0),
    }
}

/// The correlation of a pair that is one bet: it moves alike and is held alike, or moves against each other and is held so.
fn as_one(pair: &Pair, first: &Held, second: &Held) -> Option<f64> {
    let alike = first.quantity.is_negative() == second.quantity.is_negative();
    let pearson = pair.pearson.filter(|_| pair.days >= DAYS)?;
    let effect = if alike { pearson } else { -pearson };
    (effect > ONE_NAME).then_some(pearson)
}
