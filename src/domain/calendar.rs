//! Session calendars: which trading day a moment belongs to, whether the market is open, and until when. The
//! rules are data (see `rules`) for the years 2005 to 2030; outside of them the answer is "unknown", and
//! whoever asked has to deny what depends on it. All answers are UTC moments, so daylight changes are over
//! once a calendar is built. Knows no clock: the moment is an argument.

mod rules;

use super::time::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, ToSpan};
use rules::{Clock, Effect, Rules, YEARS};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Which calendar an instrument keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarId {
    /// Every moment of every day; the trading day starts at 17:00 New York.
    Always,
    /// New York equities: 09:30 to 16:00, with pre-market from 04:00 and post-market until 20:00.
    UsEquity,
    /// CME Globex equity-index and energy futures: Sunday 17:00 to Friday 16:00 Chicago, one hour off each
    /// day from 16:00.
    CmeGlobex,
    /// Spot currencies: Sunday 17:00 to Friday 17:00 New York.
    Forex,
    /// Xetra equities: 09:00 to 17:30 Frankfurt.
    Xetra,
}

impl CalendarId {
    /// Every calendar there is.
    pub const ALL: [Self; 5] = [
        Self::Always,
        Self::UsEquity,
        Self::CmeGlobex,
        Self::Forex,
        Self::Xetra,
    ];
    /// The calendar itself. Built at the first call (some milliseconds, up to half a megabyte) and kept.
    pub fn calendar(self) -> &'static Calendar {
        static BUILT: [OnceLock<Calendar>; 5] = [const { OnceLock::new() }; 5];
        let slot = match self {
            Self::Always => &BUILT[0],
            Self::UsEquity => &BUILT[1],
            Self::CmeGlobex => &BUILT[2],
            Self::Forex => &BUILT[3],
            Self::Xetra => &BUILT[4],
        };
        slot.get_or_init(|| Calendar::build(rules::rules(self)))
    }
    /// Name of the time zone that its clock is told in.
    pub fn zone(self) -> &'static str {
        rules::rules(self).zone
    }
    /// What the market does at `at`, and until when. Short for `calendar().session_at(at)`.
    pub fn session_at(self, at: Timestamp) -> Session {
        self.calendar().session_at(at)
    }
    /// The trading day that `at` belongs to. Short for `calendar().trading_day(at)`.
    pub fn trading_day(self, at: Timestamp) -> Option<TradingDay> {
        self.calendar().trading_day(at)
    }
}

/// What a market does at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Trading before the regular hours.
    Pre,
    /// Regular hours. For markets without a pre- and post-market, all trading.
    Open,
    /// Trading after the regular hours.
    Post,
    /// No trading.
    Closed,
    /// The calendar does not reach to that moment: deny what depends on it.
    Unknown,
}

impl SessionState {
    /// True where the market trades at all.
    pub fn trades(self) -> bool {
        matches!(self, Self::Pre | Self::Open | Self::Post)
    }
}

/// A state and the moment at which it gives way to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// What the market does.
    pub state: SessionState,
    /// The first moment at which it does something else (or starts anew); [`Timestamp::MAX`] where that is
    /// not known.
    pub until: Timestamp,
}

/// One trading day. `start <= open < close <= end <= next`; a moment belongs to the day where `start <= at <
/// next`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradingDay {
    /// Its name: the date on which it ends.
    pub date: Date,
    /// When trading starts, before the regular hours or on the evening before.
    pub start: Timestamp,
    /// Start of the regular hours.
    pub open: Timestamp,
    /// End of the regular hours: the first moment that is outside of them.
    pub close: Timestamp,
    /// When trading ends: the first moment without.
    pub end: Timestamp,
    /// When the next trading day starts. What is told between `end` and here is this day's straggler.
    pub next: Timestamp,
}

impl TradingDay {
    /// True where `at` belongs to this day.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.next
    }
    /// True where `at` lies in this day's regular hours.
    pub fn is_regular(&self, at: Timestamp) -> bool {
        self.open <= at && at < self.close
    }
    /// What the market does at `at`, which has to belong to this day.
    fn session_at(&self, at: Timestamp) -> Session {
        let (state, until) = if at < self.open {
            (SessionState::Pre, self.open)
        } else if at < self.close {
            (SessionState::Open, self.close)
        } else if at < self.end {
            (SessionState::Post, self.end)
        } else {
            (SessionState::Closed, self.next)
        };
        Session { state, until }
    }
}

/// A stretch of time: `start <= at < end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first moment.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

impl Span {
    /// True where `at` lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

/// All trading days of a market in the years 2005 to 2030, ascending and without overlap.
#[derive(Debug)]
pub struct Calendar {
    days: Vec<TradingDay>,
}

impl Calendar {
    /// What the market does at `at`, and until when.
    pub fn session_at(&self, at: Timestamp) -> Session {
        match self.trading_day(at) {
            Some(day) => day.session_at(at),
            None => Session {
                state: SessionState::Unknown,
                until: self
                    .days
                    .first()
                    .map(|day| day.start)
                    .filter(|start| at < *start)
                    .unwrap_or(Timestamp::MAX),
            },
        }
    }
    /// The trading day that `at` belongs to: the last one that has started. Nothing outside of the calendar's
    /// years.
    pub fn trading_day(&self, at: Timestamp) -> Option<TradingDay> {
        let after = self.days.partition_point(|day| day.start <= at);
        let day = *self.days.get(after.checked_sub(1)?)?;
        day.contains(at).then_some(day)
    }
    /// The trading day of a date; nothing where that date is none or lies outside of the calendar's years.
    pub fn day(&self, date: Date) -> Option<TradingDay> {
        let found = self.days.binary_search_by_key(&date, |day| day.date).ok()?;
        self.days.get(found).copied()
    }
    /// From the start of the trading day at `at` to the start of the next one.
    pub fn day_bounds(&self, at: Timestamp) -> Option<Span> {
        self.trading_day(at).map(|day| Span {
            start: day.start,
            end: day.next,
        })
    }
    /// The trading days from Monday to Sunday around the one at `at`.
    pub fn week_bounds(&self, at: Timestamp) -> Option<Span> {
        let date = self.trading_day(at)?.date;
        let monday = date
            .checked_sub(i32::from(date.weekday().to_monday_zero_offset()).days())
            .ok()?;
        self.between(monday, monday.checked_add(7.days()).ok()?)
    }
    /// The trading days of the calendar month around the one at `at`.
    pub fn month_bounds(&self, at: Timestamp) -> Option<Span> {
        let first = self.trading_day(at)?.date.first_of_month();
        self.between(first, first.checked_add(1.months()).ok()?)
    }
    /// The first trading day that starts after `at`.
    pub fn next_day(&self, at: Timestamp) -> Option<TradingDay> {
        let after = self.days.partition_point(|day| day.start <= at);
        self.days.get(after).copied()
    }
    /// The trading day before the one at `at`.
    pub fn previous_day(&self, at: Timestamp) -> Option<TradingDay> {
        let day = self.trading_day(at)?;
        let here = self.days.partition_point(|other| other.start < day.start);
        self.days.get(here.checked_sub(1)?).copied()
    }

    /// From the first trading day that is not before `from` to the first that is not before `to`.
    fn between(&self, from: Date, to: Date) -> Option<Span> {
        let first = self.days.partition_point(|day| day.date < from);
        let after = self.days.partition_point(|day| day.date < to);
        Some(Span {
            start: self.days.get(first)?.start,
            end: self.days.get(after.checked_sub(1)?)?.next,
        })
    }
    /// Without a time zone (the zones are compiled in, so that none is missing) there are no days: all is unknown.
    fn build(rules: &Rules) -> Self {
        let Ok(zone) = TimeZoneDatabase::bundled().get(rules.zone) else {
            return Self { days: Vec::new() };
        };
        let mut days = Vec::new();
        for year in YEARS.0..=YEARS.1 {
            let effects = effects_of(rules, year);
            let mut date = Date::constant(year, 1, 1);
            while date.year() == year {
                days.extend(build_day(rules, &zone, date, effects.get(&date).copied()));
                let Ok(tomorrow) = date.tomorrow() else { break };
                date = tomorrow;
            }
        }
        // Until here `next` is the day's own end.
        for at in 1..days.len() {
            days[at - 1].next = days[at].start;
        }
        Self { days }
    }
}

/// The days of a year that differ from the others. A closed day outranks an early close, a single event both.
fn effects_of(rules: &Rules, year: i16) -> BTreeMap<Date, Effect> {
    let mut effects = BTreeMap::new();
    for (date, effect) in rules.holidays.iter().filter_map(|holiday| holiday.in_year(year)) {
        if effects.get(&date) != Some(&Effect::Closed) {
            effects.insert(date, effect);
        }
    }
    for ((y, month, day), effect) in rules.once {
        if let (true, Ok(date)) = (*y == year, Date::new(*y, *month, *day)) {
            effects.insert(date, *effect);
        }
    }
    effects
}

/// The trading day of a date, `next` being its own end; nothing where the market stays closed.
fn build_day(rules: &Rules, zone: &TimeZone, date: Date, effect: Option<Effect>) -> Option<TradingDay> {
    let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
    if weekend && !rules.weekends || effect == Some(Effect::Closed) {
        return None;
    }
    let at = |date: Date, clock: Clock| {
        let zoned = date.at(clock.0, clock.1, 0, 0).to_zoned(zone.clone()).ok()?;
        Some(Timestamp::from_jiff(zoned.timestamp()))
    };
    let (clock, evening_before) = rules.start;
    let start = at(
        if evening_before {
            date.yesterday().ok()?
        } else {
            date
        },
        clock,
    )?;
    let open = match rules.open {
        Some(clock) => at(date, clock)?,
        None => start,
    };
    let close = match effect {
        Some(Effect::ClosesAt(clock)) => at(date, clock)?,
        _ => at(date, rules.close)?,
    };
    let after = SignedDuration::from_mins(i64::from(rules.after_minutes)).unsigned_abs();
    let end = close.after(after);
    Some(TradingDay {
        date,
        start,
        open,
        close,
        end,
        next: end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }
    fn state(id: CalendarId, text: &str) -> (SessionState, String) {
        let session = id.session_at(at(text));
        (session.state, session.until.to_string())
    }

    #[test]
    fn new_york_on_a_half_day_and_across_daylight() {
        use SessionState::*;
        let id = CalendarId::UsEquity;
        assert_eq!(
            state(id, "2015-12-24T17:59:59Z"),
            (Open, "2015-12-24T18:00:00Z".into())
        );
        assert_eq!(
            state(id, "2015-12-24T18:00:00Z"),
            (Post, "2015-12-24T22:00:00Z".into())
        );
        assert_eq!(
            state(id, "2015-12-25T15:00:00Z"),
            (Closed, "2015-12-28T09:00:00Z".into())
        );
        assert_eq!(
            id.trading_day(at("2015-12-26T15:00:00Z"))
                .unwrap()
                .date
                .to_string(),
            "2015-12-24"
        );
        // Friday in winter time, Monday in summer time.
        assert_eq!(
            state(id, "2008-03-07T14:30:00Z"),
            (Open, "2008-03-07T21:00:00Z".into())
        );
        assert_eq!(
            state(id, "2008-03-10T13:30:00Z"),
            (Open, "2008-03-10T20:00:00Z".into())
        );
        assert_eq!(state(id, "2008-03-10T13:29:59Z").0, Pre);
    }

    #[test]
    fn the_evening_belongs_to_tomorrow() {
        let cme = CalendarId::CmeGlobex;
        let monday = cme.trading_day(at("2026-03-08T22:00:00Z")).unwrap();
        assert_eq!(monday.date.to_string(), "2026-03-09");
        assert_eq!(monday.close.to_string(), "2026-03-09T21:00:00Z");
        assert_eq!(state(cme, "2026-03-08T21:59:59Z").0, SessionState::Closed);
        assert_eq!(
            state(cme, "2026-03-09T21:30:00Z"),
            (SessionState::Closed, "2026-03-09T22:00:00Z".into())
        );
        // The Sunday on which the clocks go forward is an hour short for who never sleeps.
        let span = CalendarId::Always
            .calendar()
            .day_bounds(at("2026-03-08T12:00:00Z"))
            .unwrap();
        assert_eq!(span.end.since(span.start).as_secs(), 23 * 3600);
    }

    #[test]
    fn frankfurt_changes_its_clocks_on_another_day_than_new_york() {
        let xetra = CalendarId::Xetra;
        // New York is in summer time from 8 March 2026, Frankfurt from the 29th; 3 and 6 April are Easter.
        assert_eq!(
            state(xetra, "2026-03-27T16:29:59Z"),
            (SessionState::Open, "2026-03-27T16:30:00Z".into())
        );
        assert_eq!(
            state(xetra, "2026-03-28T12:00:00Z"),
            (SessionState::Closed, "2026-03-30T07:00:00Z".into())
        );
        assert_eq!(
            state(xetra, "2026-04-02T15:30:00Z"),
            (SessionState::Closed, "2026-04-07T07:00:00Z".into())
        );
        assert_eq!(state(xetra, "2026-12-30T13:00:00Z").0, SessionState::Closed);
    }

    #[test]
    fn past_the_years_all_is_unknown() {
        for id in CalendarId::ALL {
            for text in ["2031-02-01T15:00:00Z", "2004-06-01T15:00:00Z"] {
                assert_eq!(
                    id.session_at(at(text)).state,
                    SessionState::Unknown,
                    "{id:?} {text}"
                );
                assert_eq!(id.trading_day(at(text)), None);
            }
            assert_eq!(id.session_at(Timestamp::MAX).until, Timestamp::MAX);
            assert_eq!(id.session_at(Timestamp::MIN).state, SessionState::Unknown);
        }
    }

    #[test]
    fn days_tile_the_years_and_weeks_tile_the_days() {
        for id in CalendarId::ALL {
            let calendar = id.calendar();
            assert!(calendar.days.len() > 6_000, "{id:?}");
            for day in &calendar.days {
                assert!(day.start <= day.open && day.open < day.close, "{id:?} {day:?}");
                assert!(day.close <= day.end && day.end <= day.next, "{id:?} {day:?}");
                let week = calendar.week_bounds(day.start).unwrap();
                let month = calendar.month_bounds(day.start).unwrap();
                assert!(week.contains(day.start) && day.next <= week.end, "{id:?} {day:?}");
                assert!(
                    month.contains(day.start) && day.next <= month.end,
                    "{id:?} {day:?}"
                );
            }
            assert!(calendar.days.windows(2).all(|pair| pair[0].next == pair[1].start));
        }
    }
}
