//! The wire's numbers, texts and times as the house's own, and back. A double becomes a price at nine places, exactly or
//! not at all; the largest double is the wire's word for "not given".

use crate::domain::{Money, Price, Quantity, Side, Timestamp};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// The wire's "not given".
pub(super) const UNSET: f64 = f64::MAX;

/// A double that was given.
pub(super) fn given(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite() && value.abs() < 1e300)
}

/// A price of the wire; nothing where it was not given, is zero, or does not fit.
pub(super) fn price(value: Option<f64>) -> Option<Price> {
    let value = given(value).filter(|value| value.abs() < 9e9)?;
    // Nine places are the house's; beyond them are artefacts of doubles.
    let price: Price = format!("{value:.9}").parse().ok()?;
    (price != Price::ZERO).then_some(price)
}

/// A quantity of the wire.
pub(super) fn quantity(text: Option<&str>) -> Option<Quantity> {
    text?.trim().parse().ok()
}

/// Money as the wire's tables show it.
pub(super) fn amount(money: Money) -> String {
    format!("{:.2}", money.to_f64())
}

/// `BUY` and its kin.
pub(super) fn side(action: Option<&str>) -> Option<Side> {
    match action? {
        "BUY" | "SLONG" => Some(Side::Buy),
        "SELL" | "SSHORT" => Some(Side::Sell),
        _ => None,
    }
}

/// What an execution calls a side.
pub(super) fn bought(side: Side) -> &'static str {
    match side {
        Side::Buy => "BOT",
        Side::Sell => "SLD",
    }
}

fn utc(at: Timestamp) -> Option<DateTime> {
    Some(at.to_jiff()?.to_zoned(TimeZone::UTC).datetime())
}

/// `20261126 22:00:00 UTC`: a time with its zone, which every client can read.
pub(super) fn stamp(at: Timestamp) -> String {
    utc(at).map_or_else(String::new, |at| at.strftime("%Y%m%d %H:%M:%S UTC").to_string())
}

/// `20261126`, the date in UTC.
pub(super) fn date(at: Timestamp) -> String {
    utc(at).map_or_else(String::new, |at| at.strftime("%Y%m%d").to_string())
}

/// `22:00`, as account updates are stamped.
pub(super) fn minute(at: Timestamp) -> String {
    utc(at).map_or_else(String::new, |at| at.strftime("%H:%M").to_string())
}

/// Milliseconds since 1970.
pub(super) fn millis(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000_000)
}

/// The start of the day in UTC that `at` is in.
pub(super) fn midnight(at: Timestamp) -> Timestamp {
    Timestamp(at.0.div_euclid(DAY_NS).saturating_mul(DAY_NS))
}

const DAY_NS: i64 = 86_400 * 1_000_000_000;

/// A time of the wire: `yyyymmdd-hh:mm:ss` is UTC, `yyyymmdd hh:mm:ss zone` says its zone, without one it is UTC, and a
/// date alone is its midnight.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (head, zone) = match text.match_indices(' ').nth(1) {
        Some((at, _)) => (text.get(..at)?, TimeZone::get(text.get(at..)?.trim()).ok()?),
        None => (text, TimeZone::UTC),
    };
    let civil = DateTime::strptime("%Y%m%d-%H:%M:%S", head)
        .or_else(|_| DateTime::strptime("%Y%m%d %H:%M:%S", head))
        .or_else(|_| DateTime::strptime("%Y%m%d %H:%M", head))
        .or_else(|_| Date::strptime("%Y%m%d", head).map(|date| date.at(0, 0, 0, 0)))
        .ok()?;
    zone.to_ambiguous_timestamp(civil)
        .compatible()
        .ok()
        .map(Timestamp::from_jiff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_become_exact_prices_or_nothing() {
        assert_eq!(price(Some(189.5)), "189.5".parse().ok());
        assert_eq!(price(Some(0.001_050_000_000_000_000_2)), "0.00105".parse().ok());
        for none in [
            None,
            Some(UNSET),
            Some(f64::NAN),
            Some(f64::INFINITY),
            Some(0.0),
            Some(1e12),
        ] {
            assert_eq!(price(none), None, "{none:?}");
        }
    }

    #[test]
    fn times_are_read_with_their_zone() {
        let at = Timestamp::parse("2026-11-26T22:00:00Z").unwrap();
        for text in [
            "20261126-22:00:00",
            "20261126 22:00:00 UTC",
            "20261126 17:00:00 US/Eastern",
            "20261126 22:00:00",
        ] {
            assert_eq!(time(text), Some(at), "{text}");
        }
        assert_eq!(stamp(at), "20261126 22:00:00 UTC");
        assert_eq!(time("20261126"), Some(midnight(at)));
        for bad in [
            "",
            "tomorrow",
            "20261126 22:00:00 Nowhere/Land",
            "99999999-00:00:00",
        ] {
            assert_eq!(time(bad), None, "{bad}");
        }
    }
}
