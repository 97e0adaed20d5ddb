//! What happens at the same local time again and again: a text such as `Sun-Fri 00:15-01:45 America/New_York`, and when it
//! comes next. Days are those of the zone, and each day has its occurrence exactly once: an hour that a daylight change
//! leaves out is met at the first moment after it, one that comes twice the first time. Knows no clock: the moment is an
//! argument.

use super::time::Timestamp;
use jiff::ToSpan;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use std::fmt;
use std::str::FromStr;

/// Days in their order, as they are written.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// How far ahead the next occurrence is looked for: a day of the week, and the days at either end.
const AHEAD: i64 = 9;

/// A time of day on some days of the week, with an end or without.
#[derive(Clone, Debug, PartialEq)]
pub struct Recurring {
    /// From Monday on.
    days: [bool; 7],
    from: Time,
    /// The end, on the next day where it is not later than the beginning; nothing for a moment.
    until: Option<Time>,
    zone: TimeZone,
    /// The zone as people say it: `New York`.
    place: String,
}

/// One occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// When it begins.
    pub at: Timestamp,
    /// When it is over; the same moment where it has no end of its own.
    pub until: Timestamp,
}

impl Recurring {
    /// The first occurrence that is not over at `now`, and lasts at least `least` longer than its own end: for a moment
    /// whose effects last. Nothing outside the years that a calendar knows.
    pub fn next(&self, now: Timestamp, least: std::time::Duration) -> Option<Occurrence> {
        let today = now.to_jiff()?.to_zoned(self.zone.clone()).date();
        (-2..AHEAD).find_map(|days| {
            let occurrence = self.on(today.checked_add(days.days()).ok()?)?;
            let until = occurrence.until.after(least);
            (until > now).then_some(Occurrence { until, ..occurrence })
        })
    }

    /// The occurrence of a day of the zone's, where it has one.
    pub fn on(&self, day: Date) -> Option<Occurrence> {
        let index = usize::try_from(day.weekday().to_monday_zero_offset()).ok()?;
        if !self.days.get(index).copied().unwrap_or(false) {
            return None;
        }
        let at = self.moment(day, self.from)?;
        let until = match self.until {
            None => at,
            Some(until) if until > self.from => self.moment(day, until)?,
            Some(until) => self.moment(day.tomorrow().ok()?, until)?,
        };
        // A daylight change may take all of a short one away.
        Some(Occurrence {
            at,
            until: until.max(at),
        })
    }

    fn moment(&self, day: Date, time: Time) -> Option<Timestamp> {
        let zoned = day.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
        Some(Timestamp::from_jiff(zoned.timestamp()))
    }
}

/// As people say it: `23:45 New York`, `00:15 to 01:45 New York`, and `Sun 01:00 New York` where it is one day's.
impl fmt::Display for Recurring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chosen = DAYS
            .iter()
            .zip(self.days)
            .filter(|(_, on)| *on)
            .map(|(day, _)| day);
        if let (Some(only), None) = (chosen.next(), chosen.next()) {
            write!(f, "{only} ")?;
        }
        write!(f, "{}", self.from.strftime("%H:%M"))?;
        if let Some(until) = self.until {
            write!(f, " to {}", until.strftime("%H:%M"))?;
        }
        write!(f, " {}", self.place)
    }
}

/// `[DAY[-DAY]] HH:MM[-HH:MM] ZONE`; without days it is every day's.
impl FromStr for Recurring {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| {
            format!(
                "'{}' {what}; write it as \"23:45 America/New_York\" or \"Sun-Fri 00:15-01:45 America/New_York\"",
                text.escape_default()
            )
        };
        let parts: Vec<&str> = text.split_whitespace().collect();
        let (days, times, zone) = match parts.as_slice() {
            [times, zone] => ([true; 7], *times, *zone),
            [days, times, zone] => {
                let days = weekdays(days).ok_or_else(|| wrong("has days that are none (Mon to Sun)"))?;
                (days, *times, *zone)
            }
            _ => return Err(wrong("is no time with its zone")),
        };
        let (from, until) = match times.split_once('-') {
            None => (times, None),
            Some((from, until)) => (from, Some(until)),
        };
        let time = |part: &str| clock(part).ok_or_else(|| wrong("has a time that is none (00:00 to 23:59)"));
        Ok(Self {
            days,
            from: time(from)?,
            until: until.map(time).transpose()?,
            zone: TimeZone::get(zone).map_err(|_| wrong("names no zone that is known"))?,
            place: zone.rsplit('/').next().unwrap_or(zone).replace('_', " "),
        })
    }
}

fn clock(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| {
        let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse::<i8>().ok()).flatten()
    };
    Time::new(digits(hour)?, digits(minute)?, 0, 0).ok()
}

/// `Sun`, or `Sun-Fri`, which goes over the week's end.
fn weekdays(text: &str) -> Option<[bool; 7]> {
    let day = |name: &str| DAYS.iter().position(|day| day.eq_ignore_ascii_case(name));
    let (first, last) = match text.split_once('-') {
        None => (day(text)?, day(text)?),
        Some((first, last)) => (day(first)?, day(last)?),
    };
    let mut days = [false; 7];
    for step in 0..7 {
        let at = (first + step) % 7;
        days[at] = true;
        if at == last {
            break;
        }
    }
    Some(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }
    fn recurring(text: &str) -> Recurring {
        text.parse().unwrap()
    }
    fn next(what: &Recurring, now: &str) -> (Timestamp, Timestamp) {
        let occurrence = what.next(at(now), Duration::ZERO).unwrap();
        (occurrence.at, occurrence.until)
    }

    #[test]
    fn windows_over_midnight_belong_to_the_day_they_begin_on() {
        let weekend = recurring("Fri 23:00-03:00 America/New_York");
        let expected = (at("2026-11-28T04:00:00Z"), at("2026-11-28T08:00:00Z"));
        for now in ["2026-11-27T12:00:00Z", "2026-11-28T07:59:59Z"] {
            assert_eq!(next(&weekend, now), expected, "{now}");
        }
        assert_eq!(
            next(&weekend, "2026-11-28T08:00:00Z").0,
            at("2026-12-05T04:00:00Z")
        );
        assert_eq!(weekend.to_string(), "Fri 23:00 to 03:00 New York");
    }

    #[test]
    fn days_go_over_the_week_s_end_and_saturday_is_left_out() {
        let nightly = recurring("Sun-Fri 00:15-01:45 America/New_York");
        // 28 November 2026 is a Saturday.
        assert_eq!(
            next(&nightly, "2026-11-27T06:45:00Z").0,
            at("2026-11-29T05:15:00Z")
        );
    }

    #[test]
    fn an_hour_that_is_left_out_comes_right_after_and_one_that_comes_twice_comes_once() {
        let early = recurring("02:30 America/New_York");
        assert_eq!(next(&early, "2026-03-08T05:00:00Z").0, at("2026-03-08T07:30:00Z"));
        let twice = recurring("01:30 America/New_York");
        assert_eq!(next(&twice, "2026-11-01T04:00:00Z").0, at("2026-11-01T05:30:00Z"));
        assert_eq!(next(&twice, "2026-11-01T05:30:00Z").0, at("2026-11-02T06:30:00Z"));
    }

    #[test]
    fn what_is_no_time_says_how_one_is_written() {
        for wrong in [
            "",
            "23:45",
            "24:00 UTC",
            "2:5 UTC",
            "noon UTC",
            "Xyz 01:00 UTC",
            "01:00 Mars/Base",
            "01:00-x UTC",
            "Mon 01:00 UTC now",
        ] {
            let error = wrong.parse::<Recurring>().unwrap_err();
            assert!(error.contains("America/New_York"), "{error}");
        }
    }
}
