//! Rule 201 of Regulation SHO, as our own data show it: a share listed in the United States that falls ten per cent or more below its
//! previous close may be sold short only above the best bid, for the rest of that day and the whole next one. No broker here
//! tells of it; it follows from the day's low, the previous close, and the two daily bars before. What is not known restricts
//! nobody here: the exchanges hold the rule themselves.

use super::data::Timeframe;
use super::{Bar, Market};
use crate::domain::{CalendarId, Instrument, InstrumentKind, Price, Timestamp};

/// A short sale has to be above the bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restricted {
    /// The price that it fell to.
    pub low: Price,
    /// The close before.
    pub close: Price,
    /// Until when: the end of trading of a day.
    pub until: Timestamp,
}

/// Whether an instrument is restricted at `at` of the venue's clock.
pub fn restricted(market: &Market, instrument: &Instrument, at: Timestamp) -> Option<Restricted> {
    if instrument.kind != InstrumentKind::Equity || instrument.calendar != CalendarId::UsEquity {
        return None;
    }
    let today = instrument.calendar.trading_day(at)?;
    let ticker = market.ticker(instrument.id)?;
    let is_of_today = ticker.trading_day.is_some_and(|day| day.date == today.date);
    let day = ticker.day.filter(|_| is_of_today);
    if let Some((day, close)) = day
        .zip(ticker.previous_close)
        .filter(|(day, close)| fell(day.low, *close))
    {
        let next = instrument.calendar.trading_day(today.next);
        return Some(Restricted {
            low: day.low,
            close,
            until: next.map_or(today.end, |next| next.end),
        });
    }
    let bars = market.bars(instrument.id, Timeframe::Day);
    let before = bars.partition_point(|bar| bar.start < today.start);
    let [close, yesterday] = bars.get(before.checked_sub(2)?..before)? else {
        return None;
    };
    fell(yesterday.low, close.close)
        .then_some(Restricted {
            low: yesterday.low,
            close: close.close,
            until: today.end,
        })
        .filter(|_| follows(instrument, yesterday, today.start))
}

/// Ten per cent or more.
fn fell(low: Price, close: Price) -> bool {
    close > Price::ZERO && i128::from(low.raw()) * 10 <= i128::from(close.raw()) * 9
}

/// True where a daily bar is that of the trading day right before.
fn follows(instrument: &Instrument, bar: &Bar, start: Timestamp) -> bool {
    let day = instrument.calendar.trading_day(bar.start);
    day.is_some_and(|day| day.next == start)
}

#[cfg(test)]
mod tests {
    use super::super::tests::instrument;
    use super::*;
    use crate::domain::{InstrumentId, Quantity};
    use crate::market::{Print, Quality, Quote};

    fn share() -> Instrument {
        Instrument {
            calendar: CalendarId::UsEquity,
            kind: InstrumentKind::Equity,
            ..instrument()
        }
    }
    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }
    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }
    fn bar(start: &str, low: &str, close: &str) -> Bar {
        Bar {
            start: CalendarId::UsEquity.trading_day(at(start)).unwrap().start,
            open: price(close),
            high: price(close),
            low: price(low),
            close: price(close),
            volume: 1,
            value: 1,
            count: 1,
            revision: 0,
        }
    }
    /// Tuesday and Wednesday before Thanksgiving 2026, of which the second fell as far as `low`.
    fn market(low: &str) -> Market {
        let mut market = Market::new();
        market.list(share());
        let bars = vec![
            bar("2026-11-24T16:00:00Z", "99", "100"),
            bar("2026-11-25T16:00:00Z", low, "95"),
        ];
        market.set_bars(share().id, Timeframe::Day, bars);
        market
    }
    fn id() -> InstrumentId {
        share().id
    }

    #[test]
    fn the_day_after_a_fall_of_a_tenth_is_restricted_and_the_one_after_that_is_not() {
        let after = |low: &str, when: &str| restricted(&market(low), &share(), at(when));
        // Friday after the holiday is the next trading day.
        let found = after("90", "2026-11-27T15:00:00Z").unwrap();
        assert_eq!((found.low, found.close), (price("90"), price("100")));
        assert_eq!(
            found.until,
            CalendarId::UsEquity
                .trading_day(at("2026-11-27T15:00:00Z"))
                .unwrap()
                .end
        );
        assert_eq!(after("90.01", "2026-11-27T15:00:00Z"), None);
        assert_eq!(
            after("90", "2026-11-30T15:00:00Z"),
            None,
            "a day that we have no bar of lies between"
        );
    }

    #[test]
    fn a_fall_of_today_holds_until_the_end_of_the_next_day() {
        let mut market = market("95");
        let now = at("2026-11-27T15:00:00Z");
        market.on_quote(Quote {
            instrument: id(),
            bid: Some((price("86"), Quantity::ONE)),
            ask: Some((price("87"), Quantity::ONE)),
            at: now,
            quality: Quality::Live,
        });
        assert_eq!(restricted(&market, &share(), now), None, "a quote is no trade");
        let print = |number: u64, text: &str| Print {
            instrument: id(),
            number,
            at: now,
            price: price(text),
            size: Quantity::ONE,
            aggressor: None,
        };
        market.on_print(print(1, "86"), &mut Vec::new());
        assert_eq!(
            restricted(&market, &share(), now),
            None,
            "86 of 95 is less than a tenth"
        );
        market.on_print(print(2, "85.5"), &mut Vec::new());
        let found = restricted(&market, &share(), now).unwrap();
        let monday = CalendarId::UsEquity
            .trading_day(at("2026-11-30T15:00:00Z"))
            .unwrap();
        assert_eq!((found.close, found.until), (price("95"), monday.end));
        let coin = Instrument {
            calendar: CalendarId::Always,
            ..share()
        };
        assert_eq!(restricted(&market, &coin, now), None);
    }
}
