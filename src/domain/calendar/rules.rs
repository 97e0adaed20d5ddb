//! Session rules as data: for each calendar its hours, its holidays by rule, and the days that no rule
//! foretold. Turning them into moments is the parent's work. Sources: the exchanges' published holiday
//! calendars; NYSE rule 7.2 for observed days. Hours are today's throughout the range of years.

use super::CalendarId;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// The first and the last year that the rules know.
pub(super) const YEARS: (i16, i16) = (2005, 2030);

/// Hour and minute of the local clock.
pub(super) type Clock = (i8, i8);

/// One calendar's rules.
pub(super) struct Rules {
    /// Name of the time zone that the clock times below are told in.
    pub zone: &'static str,
    /// When the day's trading begins with everything before the regular hours; `true` where that is on the
    /// evening before.
    pub start: (Clock, bool),
    /// Start of the regular hours; nothing where they are the whole day.
    pub open: Option<Clock>,
    /// End of the regular hours.
    pub close: Clock,
    /// How long trading goes on after the regular hours, in minutes.
    pub after_minutes: i32,
    /// True where Saturday and Sunday are trading days too.
    pub weekends: bool,
    /// What recurs.
    pub holidays: &'static [Holiday],
    /// What happened once; outranks what recurs.
    pub once: &'static [(Ymd, Effect)],
}

/// Year, month, day.
pub(super) type Ymd = (i16, i8, i8);

/// What a holiday does to the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// No trading.
    Closed,
    /// Regular hours end early, at this local time.
    ClosesAt(Clock),
}

/// Where in a year a holiday falls.
#[derive(Clone, Copy)]
pub(super) enum On {
    /// The same date each year, moved by the shift where it falls on a weekend.
    Fixed(i8, i8, Shift),
    /// The n-th weekday of a month (-1 is the last), and so many days after it.
    Nth(i8, Weekday, i8, i8),
    /// So many days after Easter Sunday.
    Easter(i32),
    /// The last weekday before a date.
    WeekdayBefore(i8, i8),
}

/// What happens to a holiday on a weekend.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    /// It is lost.
    Lost,
    /// Sunday's is kept on Monday, Saturday's is lost.
    Monday,
    /// Sunday's is kept on Monday, Saturday's on Friday.
    Nearest,
    /// It only counts on Monday to Thursday: the eve of a holiday that makes no long weekend.
    MondayToThursday,
}

/// One recurring holiday.
pub(super) struct Holiday {
    on: On,
    years: (i16, i16),
    effect: Effect,
}

const fn closed(on: On) -> Holiday {
    during(YEARS.0, YEARS.1, on, Effect::Closed)
}
const fn early(on: On, at: Clock) -> Holiday {
    during(YEARS.0, YEARS.1, on, Effect::ClosesAt(at))
}
const fn during(from: i16, to: i16, on: On, effect: Effect) -> Holiday {
    Holiday {
        on,
        years: (from, to),
        effect,
    }
}

impl Holiday {
    /// The date on which it is kept in `year`, with what it does; nothing where it is not kept.
    pub(super) fn in_year(&self, year: i16) -> Option<(Date, Effect)> {
        if year < self.years.0 || year > self.years.1 {
            return None;
        }
        self.on.in_year(year).map(|date| (date, self.effect))
    }
}

impl On {
    fn in_year(self, year: i16) -> Option<Date> {
        match self {
            Self::Fixed(month, day, shift) => shift.apply(Date::new(year, month, day).ok()?),
            Self::Nth(month, weekday, nth, plus) => {
                let first = Date::new(year, month, 1).ok()?;
                let date = first.nth_weekday_of_month(nth, weekday).ok()?;
                date.checked_add(i32::from(plus).days()).ok()
            }
            Self::Easter(plus) => easter(year)?.checked_add(plus.days()).ok(),
            Self::WeekdayBefore(month, day) => {
                let date = Date::new(year, month, day).ok()?;
                let back = match date.weekday() {
                    Weekday::Monday => 3,
                    Weekday::Sunday => 2,
                    _ => 1,
                };
                date.checked_sub(back.days()).ok()
            }
        }
    }
}

impl Shift {
    fn apply(self, date: Date) -> Option<Date> {
        match (self, date.weekday()) {
            (Self::MondayToThursday, Weekday::Friday | Weekday::Saturday | Weekday::Sunday) => None,
            (Self::Nearest, Weekday::Saturday) => date.yesterday().ok(),
            (Self::Nearest | Self::Monday, Weekday::Sunday) => date.tomorrow().ok(),
            _ => Some(date),
        }
    }
}

/// Easter Sunday of the Gregorian calendar (the anonymous algorithm, as printed by Meeus).
fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let month = (h + l - 7 * m + 114) / 31;
    let day = (h + l - 7 * m + 114) % 31 + 1;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

const NEW_YEAR: On = On::Fixed(1, 1, Shift::Monday);
const KING: On = On::Nth(1, Weekday::Monday, 3, 0);
const PRESIDENTS: On = On::Nth(2, Weekday::Monday, 3, 0);
const GOOD_FRIDAY: On = On::Easter(-2);
const MEMORIAL: On = On::Nth(5, Weekday::Monday, -1, 0);
const JUNETEENTH: On = On::Fixed(6, 19, Shift::Nearest);
const BEFORE_INDEPENDENCE: On = On::Fixed(7, 3, Shift::MondayToThursday);
const INDEPENDENCE: On = On::Fixed(7, 4, Shift::Nearest);
const LABOR: On = On::Nth(9, Weekday::Monday, 1, 0);
const THANKSGIVING: On = On::Nth(11, Weekday::Thursday, 4, 0);
const AFTER_THANKSGIVING: On = On::Nth(11, Weekday::Thursday, 4, 1);
const CHRISTMAS_EVE: On = On::Fixed(12, 24, Shift::MondayToThursday);
const CHRISTMAS: On = On::Fixed(12, 25, Shift::Nearest);

static US_EQUITY: Rules = Rules {
    zone: "America/New_York",
    start: ((4, 0), false),
    open: Some((9, 30)),
    close: (16, 0),
    after_minutes: 240,
    weekends: false,
    holidays: &[
        closed(NEW_YEAR),
        closed(KING),
        closed(PRESIDENTS),
        closed(GOOD_FRIDAY),
        closed(MEMORIAL),
        during(2022, YEARS.1, JUNETEENTH, Effect::Closed),
        early(BEFORE_INDEPENDENCE, (13, 0)),
        closed(INDEPENDENCE),
        closed(LABOR),
        closed(THANKSGIVING),
        early(AFTER_THANKSGIVING, (13, 0)),
        early(CHRISTMAS_EVE, (13, 0)),
        closed(CHRISTMAS),
    ],
    once: &[
        ((2007, 1, 2), Effect::Closed),   // mourning for G. Ford
        ((2012, 10, 29), Effect::Closed), // hurricane Sandy
        ((2012, 10, 30), Effect::Closed),
        ((2018, 12, 5), Effect::Closed), // mourning for G. H. W. Bush
        ((2025, 1, 9), Effect::Closed),  // mourning for J. Carter
    ],
};

/// Until spring 2014 the holiday halt of the equity-index contracts was at 10:30 Chicago, since then it is at
/// noon.
const HALT_THEN: Effect = Effect::ClosesAt((10, 30));
const HALT_NOW: Effect = Effect::ClosesAt((12, 0));
const FIRST: i16 = YEARS.0;
const LAST: i16 = YEARS.1;

/// A holiday halt ends the trading day here; trades after it belong to the next one, which begins that evening.
static CME_GLOBEX: Rules = Rules {
    zone: "America/Chicago",
    start: ((17, 0), true),
    open: None,
    close: (16, 0),
    after_minutes: 0,
    weekends: false,
    holidays: &[
        closed(NEW_YEAR),
        closed(GOOD_FRIDAY),
        closed(CHRISTMAS),
        during(FIRST, 2014, KING, HALT_THEN),
        during(2015, LAST, KING, HALT_NOW),
        during(FIRST, 2014, PRESIDENTS, HALT_THEN),
        during(2015, LAST, PRESIDENTS, HALT_NOW),
        during(FIRST, 2013, MEMORIAL, HALT_THEN),
        during(2014, LAST, MEMORIAL, HALT_NOW),
        during(2022, LAST, JUNETEENTH, HALT_NOW),
        during(FIRST, 2013, INDEPENDENCE, HALT_THEN),
        during(2014, LAST, INDEPENDENCE, HALT_NOW),
        during(FIRST, 2013, LABOR, HALT_THEN),
        during(2014, LAST, LABOR, HALT_NOW),
        during(FIRST, 2013, THANKSGIVING, HALT_THEN),
        during(2014, LAST, THANKSGIVING, HALT_NOW),
        early(BEFORE_INDEPENDENCE, (12, 15)),
        early(AFTER_THANKSGIVING, (12, 15)),
        early(CHRISTMAS_EVE, (12, 15)),
    ],
    once: &[
        ((2007, 1, 2), Effect::ClosesAt((8, 15))),
        // Good Fridays with an employment report: an opening until 08:15.
        ((2010, 4, 2), Effect::ClosesAt((8, 15))),
        ((2012, 4, 6), Effect::ClosesAt((8, 15))),
        ((2015, 4, 3), Effect::ClosesAt((8, 15))),
        ((2021, 4, 2), Effect::ClosesAt((8, 15))),
        ((2023, 4, 7), Effect::ClosesAt((8, 15))),
        ((2026, 4, 3), Effect::ClosesAt((8, 15))),
        ((2012, 10, 29), Effect::ClosesAt((8, 15))),
        ((2012, 10, 30), Effect::ClosesAt((8, 15))),
        ((2018, 12, 5), Effect::ClosesAt((8, 30))),
        ((2025, 1, 9), Effect::ClosesAt((8, 30))),
    ],
};

static FOREX: Rules = Rules {
    zone: "America/New_York",
    start: ((17, 0), true),
    open: None,
    close: (17, 0),
    after_minutes: 0,
    weekends: false,
    holidays: &[
        closed(On::Fixed(1, 1, Shift::Lost)),
        closed(On::Fixed(12, 25, Shift::Lost)),
    ],
    once: &[],
};

static XETRA: Rules = Rules {
    zone: "Europe/Berlin",
    start: ((9, 0), false),
    open: None,
    close: (17, 30),
    after_minutes: 0,
    weekends: false,
    holidays: &[
        closed(On::Fixed(1, 1, Shift::Lost)),
        closed(GOOD_FRIDAY),
        closed(On::Easter(1)),
        closed(On::Fixed(5, 1, Shift::Lost)),
        during(2015, 2021, On::Easter(50), Effect::Closed),
        during(2014, 2021, On::Fixed(10, 3, Shift::Lost), Effect::Closed),
        closed(On::Fixed(12, 24, Shift::Lost)),
        closed(On::Fixed(12, 25, Shift::Lost)),
        closed(On::Fixed(12, 26, Shift::Lost)),
        closed(On::Fixed(12, 31, Shift::Lost)),
        during(2010, LAST, On::WeekdayBefore(12, 31), Effect::ClosesAt((14, 0))),
    ],
    once: &[
        ((2007, 5, 28), Effect::Closed),
        ((2017, 10, 31), Effect::Closed), // 500 years of the Reformation
    ],
};

static ALWAYS: Rules = Rules {
    zone: "America/New_York",
    start: ((17, 0), true),
    open: None,
    close: (17, 0),
    after_minutes: 0,
    weekends: true,
    holidays: &[],
    once: &[],
};

/// The rules of a calendar.
pub(super) fn rules(id: CalendarId) -> &'static Rules {
    match id {
        CalendarId::Always => &ALWAYS,
        CalendarId::UsEquity => &US_EQUITY,
        CalendarId::CmeGlobex => &CME_GLOBEX,
        CalendarId::Forex => &FOREX,
        CalendarId::Xetra => &XETRA,
    }
}
