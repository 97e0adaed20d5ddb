//! Daily closes by date, and the returns of several instruments on the days that all of them have: a coin trades at the
//! weekend and a share does not, so what the coin did since Friday counts on Monday.

use crate::domain::{Instrument, InstrumentId, Timestamp};
use crate::market::statistics::returns;
use crate::market::{Bar, days};
use std::collections::BTreeMap;

const DAY: i64 = 86_400;
/// From the start of a trading day to a moment within the date it is named after: from 17:00 in New York the evening
/// before, 4:00 there, 8:00 in Frankfurt and midnight alike.
const INTO_THE_DATE: i64 = 6 * 3_600;

/// The whole days of one instrument, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Days(Vec<(i64, f64)>);

/// Of each instrument.
pub type Histories = BTreeMap<InstrumentId, Days>;

impl Days {
    /// Of daily bars, oldest first. The day that is not over at `at` is left out: its close is none yet.
    pub fn of(instrument: &Instrument, bars: &[Bar], at: Timestamp) -> Self {
        let date = |bar: &Bar| bar.start.seconds().saturating_add(INTO_THE_DATE).div_euclid(DAY);
        let closes = days::whole(instrument, bars, at).iter();
        Self(closes.map(|bar| (date(bar), bar.close.to_f64())).collect())
    }
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    fn close(&self, day: i64) -> Option<f64> {
        let at = self.0.binary_search_by_key(&day, |(day, _)| *day).ok()?;
        self.0.get(at).map(|(_, close)| *close)
    }
}

/// A date as people write it: `2026-11-20`.
pub fn date(day: i64) -> String {
    let text = Timestamp::from_seconds(day.saturating_mul(DAY)).to_string();
    text.chars().take(10).collect()
}

/// Returns of several instruments on the same days.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Together {
    /// The day that each return ends with, oldest first.
    pub days: Vec<i64>,
    /// The returns, one row an instrument in the order they were asked for.
    pub returns: Vec<Vec<f64>>,
}

/// The newest `most` returns of `ids` on the days that all of them have.
///
/// # Errors
/// One of them has no history, or none that goes with the others': in words, by name.
pub fn together(histories: &Histories, ids: &[InstrumentId], most: usize) -> Result<Together, String> {
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        let days = histories.get(id).filter(|days| days.len() > 1);
        all.push(days.ok_or_else(|| format!("{id} has no daily closes here"))?);
    }
    let Some(fewest) = all.iter().min_by_key(|days| days.len()) else {
        return Ok(Together::default());
    };
    let common = |(day, _): &&(i64, f64)| all.iter().all(|other| other.close(*day).is_some());
    let mut days: Vec<i64> = fewest.0.iter().filter(common).map(|(day, _)| *day).collect();
    let cut = days.len().saturating_sub(most.saturating_add(1));
    days.drain(..cut);
    let mut rows = Vec::with_capacity(all.len());
    for (id, history) in ids.iter().zip(&all) {
        let closes: Vec<f64> = days.iter().filter_map(|day| history.close(*day)).collect();
        rows.push(
            returns(&closes).ok_or_else(|| format!("{id} closed at or below zero: it has no returns"))?,
        );
    }
    days.drain(..days.len().min(1));
    Ok(Together { days, returns: rows })
}
