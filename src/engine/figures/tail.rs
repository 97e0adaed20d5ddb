//! Value at risk of what is held: what it would have won and lost on each of the last days if it had been held as it is now,
//! the loss that a day in so many does not exceed, and the mean beyond it; beside that of a normal distribution. Rates of
//! currencies are today's. One position without a history and there is no figure: a part of the risk is not the risk.

use super::days::{Histories, date, together};
use super::exposure::Exposure;
use crate::domain::{InstrumentId, InstrumentKind};
use crate::market::statistics::{self, Tail};

/// Days that are looked back on at most: a year of trading.
pub const DAYS: usize = 250;
/// The confidences that are counted, with the fewest days that such a loss can be read from: one such day among them.
pub const LEVELS: [(f64, usize); 2] = [(0.95, 20), (0.99, 100)];

/// What a day puts at risk, in the base currency.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueAtRisk {
    /// Returns that it is counted from.
    pub days: usize,
    /// The day of the first of them, and of the last.
    pub span: (String, String),
    /// By confidence, as in [`LEVELS`].
    pub levels: Vec<Level>,
    /// The usual move of a day (one standard deviation), the newest days weighing most.
    pub daily_move: Option<f64>,
    /// The worst of the days: what it would have cost, and when it was.
    pub worst: Option<(f64, String)>,
}

/// One confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// 0.95 is the worst day in twenty.
    pub confidence: f64,
    /// How many days it wants.
    pub wants: usize,
    /// From what happened; nothing where there are fewer days.
    pub historical: Option<Tail>,
    /// From a normal distribution.
    pub parametric: Option<Tail>,
}

/// Counts it.
///
/// # Errors
/// What of it is not known, in words.
pub fn value_at_risk(exposure: &Exposure, histories: &Histories) -> Result<ValueAtRisk, String> {
    if exposure.held.is_empty() {
        return Err("nothing is held".to_owned());
    }
    let mut values = Vec::with_capacity(exposure.held.len());
    for held in &exposure.held {
        values.push(held.in_base.clone()?.to_f64());
    }
    let ids: Vec<InstrumentId> = exposure.held.iter().map(|held| held.instrument).collect();
    let option = exposure
        .held
        .iter()
        .find(|held| held.kind == InstrumentKind::Option);
    if let Some(option) = option {
        let id = option.instrument;
        return Err(format!(
            "{id} is an option: what it loses is not told by the past of its premium"
        ));
    }
    let past = together(histories, &ids, DAYS)?;
    let (Some(first), Some(last)) = (past.days.first(), past.days.last()) else {
        return Err("no two days are known on which all that is held traded".to_owned());
    };
    let results: Vec<f64> = (0..past.days.len())
        .map(|day| {
            let parts = values.iter().zip(&past.returns);
            parts
                .map(|(value, returns)| value * returns.get(day).copied().unwrap_or(0.0))
                .sum()
        })
        .collect();
    let level = |(confidence, wants): (f64, usize)| {
        let enough = results.len() >= wants;
        Level {
            confidence,
            wants,
            historical: statistics::historical(&results, confidence).filter(|_| enough),
            parametric: statistics::parametric(&results, confidence).filter(|_| enough),
        }
    };
    let worst = results
        .iter()
        .zip(&past.days)
        .min_by(|(a, _), (b, _)| a.total_cmp(b));
    Ok(ValueAtRisk {
        days: results.len(),
        span: (date(*first), date(*last)),
        levels: LEVELS.into_iter().map(level).collect(),
        daily_move: statistics::ewma_variance(&results, statistics::DECAY)
            .map(f64::sqrt)
            .filter(|_| results.len() >= LEVELS[0].1),
        worst: worst.map(|(result, day)| (-result, date(*day))),
    })
}
