//! What a statement of another day needs beside the books of that day: the day itself as it is written, whether it has
//! begun, and the closes of its daily bars. The same for the shell and for the desk.

use super::State;
use crate::domain::{AccountKey, Instrument, InstrumentId, Price, SafeText, Timestamp};
use crate::market::Bar;
use jiff::civil::Date;
use std::collections::BTreeSet;

/// How many daily bars back a day's own close is looked for.
pub const DAYS_BACK: u32 = 1_500;

/// A day as it is written: `2026-11-25`.
///
/// # Errors
/// The text is no such day, in words.
pub fn date(text: &str) -> Result<Date, String> {
    // A date's parser also takes a time of no zone, and would drop it.
    let read = text.parse().ok().filter(|_| text.len() == 10);
    read.ok_or_else(|| format!("'{}' is no day: write it as 2026-11-25", SafeText::new(text)))
}

/// That something here trades on that day, and that it has begun by `venue_now`.
///
/// # Errors
/// In words, where neither is so.
pub fn has_begun(state: &State, day: Date, venue_now: Timestamp) -> Result<(), String> {
    let begun = state.instruments.values().any(|instrument| {
        let known = instrument.calendar.calendar().day(day);
        known.is_some_and(|day| day.start <= venue_now)
    });
    match begun {
        true => Ok(()),
        false => Err(format!(
            "{day} is no trading day of anything here, or is yet to come"
        )),
    }
}

/// What an account has traded or held in these books.
pub fn instruments(books: &State, account: AccountKey) -> BTreeSet<InstrumentId> {
    let own = books.ledgers.keys().filter(|(owner, _)| *owner == account);
    own.map(|(_, id)| *id).collect()
}

/// The last price of a day and of the trading day before it, each only from its own bar.
pub fn closes_of(bars: &[Bar], instrument: &Instrument, day: Date) -> (Option<Price>, Option<Price>) {
    let calendar = instrument.calendar.calendar();
    let close = |date: Date| {
        let of = |bar: &&Bar| calendar.trading_day(bar.start).is_some_and(|of| of.date == date);
        bars.iter().rev().find(of).map(|bar| bar.close)
    };
    let before = calendar.day(day).and_then(|day| calendar.previous_day(day.start));
    (close(day), before.and_then(|before| close(before.date)))
}
