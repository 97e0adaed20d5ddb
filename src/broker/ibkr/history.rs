//! Bars of the past from the broker: what to ask for so many bars, within what the broker allows, and its bars in our words.

use super::budget::Window;
use super::contracts::Contracts;
use super::session::lock;
use super::{Env, translate};
use crate::domain::{CalendarId, InstrumentId, InstrumentKind, Timestamp};
use crate::market::{Bar, Timeframe};
use ibapi::Client;
use ibapi::market_data::TradingHours;
use ibapi::market_data::historical::{
    Bar as TheirBar, BarSize, BarTimestamp, Duration as Span, ToDuration, WhatToShow,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Requests in ten minutes; the broker allows sixty.
const REQUESTS: usize = 55;
const REQUESTS_IN: Duration = Duration::from_secs(600);

/// What the broker allows of history, and what of it is used.
pub(super) fn window() -> Window {
    Window::new(REQUESTS_IN, REQUESTS)
}

/// Asks for bars.
pub(super) async fn bars(
    env: &Env,
    client: &Client,
    contracts: &Arc<Mutex<Contracts>>,
    allowed: &Arc<Mutex<Window>>,
    (instrument, timeframe, count): (InstrumentId, Timeframe, u32),
) -> Result<Vec<Bar>, String> {
    let found = {
        let contracts = lock(contracts);
        contracts.contract(instrument).zip(
            contracts
                .get(instrument)
                .map(|known| (known.kind, known.calendar)),
        )
    };
    let Some((contract, (kind, calendar))) = found else {
        return Err(format!("the broker's contract of {instrument} is not known"));
    };
    let Some((size, span)) = question(timeframe, count) else {
        return Err(format!("the broker has no bars of {timeframe}"));
    };
    if let Err(wait) = lock(allowed).take(env.now()) {
        return Err(format!(
            "{REQUESTS} requests for history in ten minutes are used up; again in {} s",
            wait.as_secs() + 1
        ));
    }
    let what = match kind {
        InstrumentKind::Forex => WhatToShow::MidPoint,
        InstrumentKind::Crypto => WhatToShow::AggTrades,
        _ => WhatToShow::Trades,
    };
    env.pass().await;
    let asked = client
        .historical_data(&contract, size)
        .duration(span)
        .what_to_show(what)
        .trading_hours(hours(timeframe, kind))
        .fetch()
        .await;
    match asked {
        Ok(history) => Ok(history
            .bars
            .iter()
            .filter_map(|bar| translated(bar, calendar))
            .collect()),
        Err(error) => Err(error.to_string()),
    }
}

/// A day of what is listed on exchanges closes with its official close, which changes are measured from; all else goes on
/// outside the regular session.
fn hours(timeframe: Timeframe, kind: InstrumentKind) -> TradingHours {
    match (timeframe, kind) {
        (Timeframe::Day, InstrumentKind::Equity | InstrumentKind::Option | InstrumentKind::Index) => {
            TradingHours::Regular
        }
        _ => TradingHours::Extended,
    }
}

/// How the broker is asked for so many bars; nothing for lengths that it has no bars of.
fn question(timeframe: Timeframe, count: u32) -> Option<(BarSize, Span)> {
    let count = i32::try_from(count).unwrap_or(i32::MAX).clamp(1, 100_000);
    let (size, seconds) = match timeframe {
        Timeframe::Seconds(5) => (BarSize::Sec5, 5),
        Timeframe::Seconds(60) => (BarSize::Min, 60),
        Timeframe::Seconds(300) => (BarSize::Min5, 300),
        Timeframe::Seconds(900) => (BarSize::Min15, 900),
        Timeframe::Seconds(3_600) => (BarSize::Hour, 3_600),
        Timeframe::Day => (BarSize::Day, 86_400),
        _ => return None,
    };
    let span = match timeframe {
        // A day and more is asked for in days, a year and more in years.
        Timeframe::Day if count > 365 => (count / 252 + 1).min(20).years(),
        Timeframe::Day => (count.saturating_mul(7) / 5 + 1).days(),
        _ => match count.saturating_mul(seconds) {
            total if total <= 86_400 => total.max(60).seconds(),
            total => (total / 86_400 + 1).min(30).days(),
        },
    };
    Some((size, span))
}

/// A bar in our words; nothing where a part of it is no number.
fn translated(bar: &TheirBar, calendar: CalendarId) -> Option<Bar> {
    let start = match bar.date {
        BarTimestamp::DateTime(at) => Timestamp(i64::try_from(at.unix_timestamp_nanos()).ok()?),
        BarTimestamp::Date(date) => {
            let month = i8::try_from(u8::from(date.month())).ok()?;
            let day = i8::try_from(date.day()).ok()?;
            let date = jiff::civil::Date::new(i16::try_from(date.year()).ok()?, month, day).ok()?;
            calendar.calendar().day(date)?.start
        }
    };
    // Currencies have no volume: -1.
    let volume = translate::quantity(bar.volume.max(0.0))?.raw();
    let average = translate::price(bar.wap).filter(|_| bar.wap > 0.0);
    let close = translate::price(bar.close)?;
    Some(Bar {
        start,
        open: translate::price(bar.open)?,
        high: translate::price(bar.high)?,
        low: translate::price(bar.low)?,
        close,
        volume: i128::from(volume),
        value: i128::from(volume) * i128::from(average.unwrap_or(close).raw()),
        count: u64::try_from(bar.count).unwrap_or(0),
        revision: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_bars_are_asked_for_in_units_that_the_broker_takes() {
        let asked = |timeframe, count| question(timeframe, count).map(|(_, span)| span.to_string());
        assert_eq!(asked(Timeframe::S5, 600).as_deref(), Some("3000 S"));
        assert_eq!(asked(Timeframe::M1, 600).as_deref(), Some("36000 S"));
        assert_eq!(asked(Timeframe::M5, 600).as_deref(), Some("3 D"));
        assert_eq!(asked(Timeframe::Day, 250).as_deref(), Some("351 D"));
        assert_eq!(asked(Timeframe::Day, 600).as_deref(), Some("3 Y"));
        assert_eq!(asked(Timeframe::Week, 10), None);
        let hours = |timeframe, kind| format!("{:?}", hours(timeframe, kind));
        assert_eq!(hours(Timeframe::Day, InstrumentKind::Equity), "Regular");
        assert_eq!(hours(Timeframe::Day, InstrumentKind::Future), "Extended");
        assert_eq!(hours(Timeframe::M1, InstrumentKind::Equity), "Extended");
    }
}
