//! How much of one core the market costs at its busiest: 100,000 quotes and 20,000 prints a second over 22 instruments,
//! through the market and the conflation for one reader. Prints seconds of work per second of market.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement")]

use std::collections::BTreeMap;
use std::time::Instant;
use tradewind::domain::{
    CalendarId, Currency, Instrument, InstrumentId, InstrumentKind, Multiplier, Price, Quantity, TickTable,
    Timestamp,
};
use tradewind::market::conflate::{Conflater, PrintRing};
use tradewind::market::{Market, Print, Quality, Quote};

const INSTRUMENTS: usize = 22;
const SECONDS: usize = 20;
const QUOTES: usize = 100_000;
/// So many quotes come with one print.
const PER_PRINT: usize = 5;
/// How often a reader takes what waits.
const DRAINS: usize = 30;

fn listed(id: InstrumentId) -> Option<Instrument> {
    Some(Instrument {
        id,
        name: id.as_str().into(),
        kind: InstrumentKind::Equity,
        currency: Currency::USD,
        multiplier: Multiplier::ONE,
        ticks: TickTable::uniform(Price::from_raw(10_000_000))?,
        lot: Quantity::ONE,
        calendar: CalendarId::UsEquity,
        root: None,
        expires: None,
        broker_ids: BTreeMap::new(),
        option: None,
        sector: None,
        listed_on: None,
    })
}

fn main() {
    let mut market = Market::new();
    let ids: Vec<InstrumentId> = (0..INSTRUMENTS)
        .filter_map(|n| InstrumentId::new(&format!("SYM{n}")).ok())
        .collect();
    ids.iter()
        .filter_map(|id| listed(*id))
        .for_each(|instrument| market.list(instrument));
    let (mut conflater, mut ring) = (Conflater::new(), PrintRing::new(10_000));
    let (mut bars, mut updates, mut tape) = (Vec::new(), Vec::new(), Vec::new());
    let start = Timestamp::parse("2026-03-09T14:00:00Z").unwrap_or_default();
    let mut sent = 0;
    let began = Instant::now();
    for (n, count) in (0..SECONDS * QUOTES).zip(0i64..) {
        let at = Timestamp(start.0 + count * 10_000);
        let tick = ((count * 2_654_435_761) >> 7) % 50;
        let bid = Price::from_raw(100_000_000_000 + tick * 10_000_000);
        let ask = Price::from_raw(bid.raw() + 10_000_000);
        let quote = Quote {
            instrument: ids[n % INSTRUMENTS],
            bid: Some((bid, Quantity::ONE)),
            ask: Some((ask, Quantity::ONE)),
            at,
            quality: Quality::Live,
        };
        market.on_quote(quote);
        conflater.put_quote(quote);
        if n % PER_PRINT == 0 {
            let number = (n / PER_PRINT / INSTRUMENTS) as u64 + 1;
            let instrument = ids[(n / PER_PRINT) % INSTRUMENTS];
            let print = Print {
                instrument,
                number,
                at,
                price: bid,
                size: Quantity::ONE,
                aggressor: None,
            };
            market.on_print(print, &mut bars);
            ring.push(print);
            bars.drain(..).for_each(|bar| conflater.put_bar(bar));
        }
        if n % (QUOTES / DRAINS) == 0 {
            conflater.drain(&mut updates);
            ring.drain(&mut tape);
            sent += updates.len() + tape.len();
            updates.clear();
            tape.clear();
        }
    }
    let taken = began.elapsed().as_secs_f64() / SECONDS as f64;
    println!("quotes a second       {QUOTES}");
    println!("prints a second       {}", QUOTES / PER_PRINT);
    println!("sent a second         {}", sent / SECONDS);
    println!("part of one core      {:.1} %", 100.0 * taken);
}
