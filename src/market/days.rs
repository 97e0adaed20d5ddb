//! Daily bars of one instrument whose day is over, and what an average one of them trades: in the amounts of the bars, not in
//! binary, because a control holds orders against it. Closes by date, and returns of several instruments, are `engine/figures/days.rs`'s.

use super::data::{Bar, Timeframe};
use crate::domain::{Instrument, Timestamp};

/// So many whole days an average volume is of.
pub const AVERAGE_OF: usize = 20;
/// So many there have to be.
const AVERAGE_AT_LEAST: usize = 5;

/// What an average day of the last twenty trades, in units of 1e-8; nothing where fewer than five whole days are known, or
/// their volumes are not.
pub fn average_volume(instrument: &Instrument, bars: &[Bar], at: Timestamp) -> Option<i128> {
    let whole = whole(instrument, bars, at);
    let last = whole.len().saturating_sub(AVERAGE_OF);
    let days = whole.get(last..)?;
    if days.len() < AVERAGE_AT_LEAST {
        return None;
    }
    let sum = days
        .iter()
        .try_fold(0_i128, |sum, bar| sum.checked_add(bar.volume))?;
    let average = sum / i128::try_from(days.len()).ok()?;
    (average > 0).then_some(average)
}

/// Daily bars without the day that is not over at `at`.
pub fn whole<'a>(instrument: &Instrument, bars: &'a [Bar], at: Timestamp) -> &'a [Bar] {
    match bars.split_last() {
        Some((last, before)) => {
            let day = Timeframe::Day.interval(instrument.calendar, last.start);
            if day.is_none_or(|day| day.end > at) {
                before
            } else {
                bars
            }
        }
        None => bars,
    }
}
