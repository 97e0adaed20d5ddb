//! When an instrument trades, as the broker writes it: `20261127:0930-20261127:1600;20261128:CLOSED`, in older programs
//! `20261127:0930-1600,1700-2300`, in the exchange's zone.

use super::translate::{moment, zone_of};
use crate::domain::Timestamp;
use crate::market::terms::Hours;
use ibapi::contracts::ContractDetails;
use jiff::tz::TimeZone;
use std::time::Duration;

/// Stretches of one kind that are kept at most: two weeks of days in two parts.
const MOST: usize = 28;

/// The hours of a contract, regular ones and all, ascending. What can't be read is left out; without a zone there are none.
pub fn hours(details: &ContractDetails) -> Vec<Hours> {
    let Some(zone) = zone_of(&details.time_zone_id) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for (texts, is_regular) in [(&details.trading_hours, false), (&details.liquid_hours, true)] {
        let days = texts.iter().flat_map(|text| text.split(';'));
        let read = days.flat_map(|day| day_of(day, &zone));
        all.extend(read.take(MOST).map(|(from, until)| Hours {
            from,
            until,
            is_regular,
        }));
    }
    all.sort_by_key(|hours| (hours.from, hours.is_regular));
    all
}

/// The stretches of one day.
fn day_of(text: &str, zone: &TimeZone) -> Vec<(Timestamp, Timestamp)> {
    let Some((date, rest)) = text.trim().split_once(':') else {
        return Vec::new();
    };
    let parts = rest.split(',').filter_map(|part| {
        let (from, until) = part.split_once('-')?;
        // The first part has its date in front already, a later one or an end may have its own.
        let named = |text: &str| match text.split_once(':') {
            Some((date, clock)) => at(date, clock, zone),
            None => at(date, text, zone),
        };
        let (from, until) = (named(from)?, named(until)?);
        // In the older form an end before its beginning is the next day's.
        let until = if until <= from {
            until.after(Duration::from_secs(86_400))
        } else {
            until
        };
        Some((from, until))
    });
    parts.collect()
}

fn at(date: &str, clock: &str, zone: &TimeZone) -> Option<Timestamp> {
    let (hour, minute) = (clock.get(..2)?, clock.get(2..4)?);
    moment(&format!("{date} {hour}:{minute}:00"), zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_what_makes_no_sense_costs_only_itself() {
        let read = |text: &str| -> Vec<String> {
            let zone = zone_of("US/Eastern").or(zone_of("America/New_York")).unwrap();
            let days = text.split(';').flat_map(|day| day_of(day, &zone));
            days.map(|(from, until)| format!("{from} {until}")).collect()
        };
        let show = |from: &str, until: &str| {
            let at = |text| Timestamp::parse(text).unwrap();
            format!("{} {}", at(from), at(until))
        };
        let friday = show("2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z");
        assert_eq!(
            read("20261127:0930-20261127:1300;20261128:CLOSED"),
            [friday.as_str()]
        );
        assert_eq!(
            read("20261127:0930-1300,1800-0200;x;20261129:9-10;:;20261340:0930-1600"),
            [friday, show("2026-11-27T23:00:00Z", "2026-11-28T07:00:00Z")]
        );
        assert!(read("").is_empty());
        assert!(hours(&ContractDetails::default()).is_empty());
    }
}
