//! What the sheets say of days that bite.

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn a_half_day_is_seen_and_a_change_of_clocks_is_none() {
    let day = |id: CalendarId, text: &str| id.trading_day(at(text)).unwrap();
    // The day after Thanksgiving closes at 13:00.
    let half = day(CalendarId::UsEquity, "2026-11-27T15:00:00Z");
    assert!(is_half(CalendarId::UsEquity, &half));
    assert_eq!(clock(CalendarId::UsEquity, half.close), "13:00 NY");
    let whole = day(CalendarId::UsEquity, "2026-11-25T15:00:00Z");
    assert!(!is_half(CalendarId::UsEquity, &whole));
    let spring = day(CalendarId::Always, "2026-03-08T12:00:00Z");
    assert!(!is_half(CalendarId::Always, &spring));
}
