//! The books as they stood when a trading day ended, made anew from the whole journal, archived files too: nothing of what the
//! running state has folded into its opening positions is missing. What was executed on the day and booked later (an outage, a
//! correction, a fee) is in it; what was executed after the day is not.

use super::error::StoreError;
use super::reader::JournalReader;
use crate::domain::{Execution, Timestamp};
use crate::engine::{Event, Fact, State};
use jiff::civil::Date;
use std::ops::ControlFlow;

/// Kinds among which are all that make the books: instruments, accounts, opening positions, executions, and what moves a
/// position without a trade.
const BOOKS: std::ops::RangeInclusive<u16> = 10..=112;

impl JournalReader {
    /// The state at the end of `date`, as far as instruments, accounts and ledgers go. `venue_offset_ns` is what the venue's
    /// clock is ahead of ours.
    ///
    /// # Errors
    /// The journal, or an archived file of it, can't be read: the error names the file.
    pub fn books_at_end_of(&self, date: Date, venue_offset_ns: i64) -> Result<State, StoreError> {
        let mut books = State::default();
        self.visit(BOOKS, 0..u64::MAX, &mut |event| {
            if belongs(&books, &event, date, venue_offset_ns) {
                // The fold takes events without a gap only.
                books.sequence = event.sequence.saturating_sub(1);
                books.apply(&event);
            }
            ControlFlow::Continue(())
        })?;
        Ok(books)
    }
}

fn belongs(books: &State, event: &Event, date: Date, offset: i64) -> bool {
    let before = |calendar: crate::domain::CalendarId, at: Timestamp| {
        let calendar = calendar.calendar();
        // A day without trading ends with the trading day before it.
        calendar.trading_day(at).is_none_or(|day| day.date <= date)
    };
    let venue = Timestamp(event.at.0.saturating_add(offset));
    let traded = |execution: &Execution| {
        let instrument = books.instruments.get(&execution.instrument);
        instrument.is_some_and(|instrument| before(instrument.calendar, execution.at))
    };
    match &event.fact {
        Fact::InstrumentListed { .. } | Fact::FeeReported { .. } => true,
        Fact::AccountReported { .. } => true,
        Fact::Executed { execution } | Fact::Corrected { execution } => traded(execution),
        Fact::OpeningRead { .. } => before(crate::domain::CalendarId::Always, venue),
        Fact::PositionAdjusted { instrument, .. } | Fact::PositionChanged { instrument, .. } => books
            .instruments
            .get(instrument)
            .is_some_and(|instrument| before(instrument.calendar, venue)),
        _ => false,
    }
}
