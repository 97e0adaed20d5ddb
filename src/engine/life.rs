//! How long an order lives, as a moment: a day order by the calendar of its instrument and by what its broker takes for a day, one
//! with a date by that. What the broker does about it is the broker's.

use super::abilities::Abilities;
use crate::domain::calendar::TradingDay;
use crate::domain::{Instrument, OrderSpec, TimeInForce, Timestamp};
use jiff::tz::TimeZone;

/// The day that a day order is for, sent at `at` by the market's clock: after a day's end the next one. Nothing where the
/// calendar does not know.
pub fn day_of(instrument: &Instrument, at: Timestamp) -> Option<TradingDay> {
    let calendar = instrument.calendar.calendar();
    let today = calendar.trading_day(at);
    today.filter(|day| at < day.end).or_else(|| calendar.next_day(at))
}

/// Until when an order that is sent at `at`, by the market's clock, lives at the longest. Nothing for one with no end, one that ends at
/// once, and where the calendar does not know. At a broker with orders for the hours outside the regular ones a day order
/// that is none of those ends with the regular ones.
pub fn until(spec: &OrderSpec, instrument: &Instrument, at: Timestamp) -> Option<Timestamp> {
    match spec.tif {
        TimeInForce::Gtd { until } => Some(until),
        TimeInForce::Day if Abilities::of(spec.account.broker).outside_hours && !spec.outside_hours => {
            let calendar = instrument.calendar.calendar();
            let today = calendar.trading_day(at).filter(|day| at < day.close);
            today.or_else(|| calendar.next_day(at)).map(|day| day.close)
        }
        TimeInForce::Day => day_of(instrument, at).map(|day| day.end),
        _ => None,
    }
}

/// A moment as people read it, in their zone, with as much of a date as it takes to tell it from one near `at`:
/// `16:00 EST`, `Mon 30 Nov 16:00 EST`, `24 Dec 2027 16:00 EST`.
pub fn moment(until: Timestamp, at: Timestamp, zone: &TimeZone) -> Option<String> {
    let (then, now) = (
        until.to_jiff()?.to_zoned(zone.clone()),
        at.to_jiff()?.to_zoned(zone.clone()),
    );
    let pattern = if then.date() == now.date() {
        "%H:%M %Z"
    } else if then.year() != now.year() {
        "%-d %b %Y %H:%M %Z"
    } else {
        "%a %-d %b %H:%M %Z"
    };
    Some(then.strftime(pattern).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CalendarId, InstrumentKind, Side};
    use crate::engine::tests::{instrument, limit, spec};

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_day_order_ends_with_the_day_that_its_broker_knows() {
        let listed = Instrument {
            calendar: CalendarId::UsEquity,
            ..instrument("AAPL", InstrumentKind::Equity, 1)
        };
        let zone = TimeZone::get("America/New_York").unwrap();
        let mut order = spec(Side::Buy, 1, limit("99"));
        order.account.broker = crate::domain::BrokerId::new("sim").unwrap();
        let ends = |order: &OrderSpec, sent: &str| {
            let sent = at(sent);
            moment(until(order, &listed, sent).unwrap(), sent, &zone).unwrap()
        };
        // The exchange in the box trades to the end of the day; elsewhere a day is the regular hours unless it says more.
        assert_eq!(ends(&order, "2026-11-25T18:00:00Z"), "20:00 EST");
        assert_eq!(ends(&order, "2026-11-26T01:30:00Z"), "Fri 27 Nov 17:00 EST");
        order.account.broker = crate::domain::BrokerId::new("ibkr").unwrap();
        assert_eq!(ends(&order, "2026-11-25T18:00:00Z"), "16:00 EST");
        assert_eq!(ends(&order, "2026-11-25T22:00:00Z"), "Fri 27 Nov 13:00 EST");
        order.outside_hours = true;
        assert_eq!(ends(&order, "2026-11-25T22:00:00Z"), "20:00 EST");
        order.tif = TimeInForce::Gtd {
            until: at("2027-12-24T15:00:00Z"),
        };
        assert_eq!(ends(&order, "2026-11-25T18:00:00Z"), "24 Dec 2027 10:00 EST");
    }
}
