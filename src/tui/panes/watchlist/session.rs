//! What the market of an instrument does now, in a word with the time that is left, and how far its data can be trusted.
//! From the calendar and from what the broker says of its data; knows nothing of cells.

use crate::domain::calendar::SessionState;
use crate::domain::{CalendarId, Instrument, InstrumentId, Timestamp};
use crate::market::Quality;
use crate::market::terms::ByHours;
use crate::tui::pane::View;
use crate::tui::panes::read;
use std::time::Duration;

/// Data of an open market that are older than this are called stale.
pub const STALE: Duration = Duration::from_secs(60);
/// How long before the start of trading Xetra calls its opening auction.
const XETRA_CALL: Duration = Duration::from_secs(10 * 60);
/// How long its closing auction is called.
const XETRA_CLOSING_CALL: Duration = Duration::from_secs(5 * 60);
/// How long before the start of trading CME Globex takes orders without matching them.
const GLOBEX_PRE_OPEN: Duration = Duration::from_secs(15 * 60);

/// What a market does, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doing {
    /// In one word.
    pub word: &'static str,
    /// Until when; nothing where nobody knows.
    pub until: Option<Timestamp>,
    /// Who says so.
    pub by: &'static str,
}

/// What an instrument's market does now. A halt outranks the calendar.
pub fn doing(view: &View<'_>, instrument: &Instrument) -> Doing {
    let halted = view
        .market
        .quote(instrument.id)
        .is_some_and(|quote| quote.quality == Quality::Halted);
    if halted {
        return Doing {
            word: "HALTED",
            until: None,
            by: "broker",
        };
    }
    let calendar = by_calendar(instrument.calendar, view.venue_now);
    let told = view
        .market
        .terms(instrument.id)
        .and_then(|terms| terms.at(view.venue_now));
    by_broker(told, calendar)
}

/// What the broker's hours say outranks the calendar, but for calls of auctions and orders before the start, which they
/// count as closed or as trading.
fn by_broker(told: Option<(ByHours, Timestamp)>, calendar: Doing) -> Doing {
    let Some((what, until)) = told else {
        return calendar;
    };
    let calls = matches!(calendar.word, "auction" | "pre-open");
    let word = match what {
        ByHours::Open => "open",
        _ if calls => return calendar,
        ByHours::Pre => "pre",
        ByHours::Post => "post",
        ByHours::Closed => "closed",
    };
    Doing {
        word,
        until: Some(until),
        by: "broker",
    }
}

/// What a market does by its calendar, the calls of auctions and the hours before the start included.
pub fn by_calendar(calendar: CalendarId, now: Timestamp) -> Doing {
    let session = calendar.session_at(now);
    let left = session.until.since(now);
    let until = Some(session.until).filter(|until| *until != Timestamp::MAX);
    let word = match (session.state, calendar) {
        (SessionState::Closed, CalendarId::Xetra) if left <= XETRA_CALL => "auction",
        (SessionState::Closed, CalendarId::Xetra) => {
            let closed_at = calendar.trading_day(now).map(|day| day.close);
            let calls = closed_at.map(|close| close.after(XETRA_CLOSING_CALL));
            if let Some(end) = calls.filter(|end| now < *end) {
                return Doing {
                    word: "auction",
                    until: Some(end),
                    by: "calendar",
                };
            }
            "closed"
        }
        (SessionState::Closed, CalendarId::CmeGlobex) if left <= GLOBEX_PRE_OPEN => "pre-open",
        (SessionState::Pre, _) => "pre",
        (SessionState::Open, _) => "open",
        (SessionState::Post, _) => "post",
        (SessionState::Closed, _) => "closed",
        (SessionState::Unknown, _) => "unknown",
    };
    Doing {
        word,
        until,
        by: "calendar",
    }
}

/// A span of time in its largest unit alone, so that a countdown changes a cell once a minute and not once a second:
/// `42s`, `14m`, `5h14`, `2d`.
pub fn short(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h{:02}", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A few letters about an instrument's data: nothing where they come as they happen.
pub fn badge(view: &View<'_>, id: InstrumentId) -> String {
    if !view.attached {
        return "no link".to_owned();
    }
    if read::away(view).is_some() {
        return "away".to_owned();
    }
    match view.market.quote(id).map(|quote| quote.quality) {
        Some(Quality::Halted) => "HALT".to_owned(),
        Some(Quality::Missing) => "none".to_owned(),
        Some(Quality::Competing) => "elsewhere".to_owned(),
        Some(Quality::Frozen) => "frozen".to_owned(),
        Some(Quality::Delayed) => "delayed".to_owned(),
        Some(Quality::Derived) => "derived".to_owned(),
        Some(Quality::Live) => {
            stale(view, id).map_or_else(String::new, |age| format!("stale {}", short(age)))
        }
        None => String::new(),
    }
}

/// How old the newest of an instrument's data is, where that is too old for a market that trades.
pub fn stale(view: &View<'_>, id: InstrumentId) -> Option<Duration> {
    let ticker = view.market.ticker(id)?;
    let instrument = view.state.instruments.get(&id)?;
    let newest = ticker
        .quote
        .map(|quote| quote.at)
        .max(ticker.last.map(|print| print.at))?;
    let trades = instrument.calendar.session_at(view.venue_now).state.trades();
    let age = view.venue_now.since(newest);
    (trades && age > STALE).then_some(age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brokers_hours_outrank_the_calendar_but_not_its_auctions() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let (noon, close) = (at("2026-11-20T17:00:00Z"), at("2026-11-20T18:00:00Z"));
        let open = by_calendar(CalendarId::UsEquity, noon);
        let said = |told, calendar| {
            let doing = by_broker(told, calendar);
            (doing.word, doing.by, doing.until)
        };
        assert_eq!(said(None, open), ("open", "calendar", open.until));
        // A day that the calendar does not know to be short.
        assert_eq!(
            said(Some((ByHours::Open, close)), open),
            ("open", "broker", Some(close))
        );
        assert_eq!(
            said(Some((ByHours::Closed, close)), open),
            ("closed", "broker", Some(close))
        );
        let auction = by_calendar(CalendarId::Xetra, at("2026-11-20T07:51:00Z"));
        assert_eq!(
            said(Some((ByHours::Closed, close)), auction),
            ("auction", "calendar", auction.until)
        );
    }

    #[test]
    fn the_calendar_is_told_in_a_word_and_a_countdown() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let said = |calendar, text: &str| {
            let doing = by_calendar(calendar, at(text));
            let left = doing
                .until
                .map_or_else(String::new, |until| short(until.since(at(text))));
            format!("{} {left}", doing.word)
        };
        // A Friday in winter: New York is five hours behind UTC, Frankfurt one ahead.
        assert_eq!(said(CalendarId::UsEquity, "2026-11-20T13:30:00Z"), "pre 1h00");
        assert_eq!(said(CalendarId::UsEquity, "2026-11-20T20:59:18Z"), "open 42s");
        assert_eq!(said(CalendarId::UsEquity, "2026-11-20T21:30:00Z"), "post 3h30");
        assert_eq!(said(CalendarId::UsEquity, "2026-11-21T12:00:00Z"), "closed 1d");
        assert_eq!(said(CalendarId::Xetra, "2026-11-20T07:51:00Z"), "auction 9m");
        assert_eq!(said(CalendarId::Xetra, "2026-11-20T16:31:00Z"), "auction 4m");
        assert_eq!(said(CalendarId::Xetra, "2026-11-20T16:36:00Z"), "closed 2d");
        assert_eq!(
            said(CalendarId::CmeGlobex, "2026-11-19T22:50:00Z"),
            "pre-open 10m"
        );
        assert_eq!(said(CalendarId::UsEquity, "2031-03-03T12:00:00Z"), "unknown ");
    }
}
