//! What the exchange in the box lists: some two dozen instruments with the economics of the real ones and reference prices
//! that need not be today's. Futures are dated contracts
//! computed from a moment; there is no early roll: a contract is listed until it expires. Trading them is left to others.

use crate::domain::{
    BrokerId, CalendarId, Currency, Instrument, InstrumentId, InstrumentKind, Multiplier, Price, Quantity,
    SafeText, Text, TickTable, Timestamp,
};
use jiff::civil::{Date, Weekday};
use std::collections::BTreeMap;

/// The broker name under which the venue is known.
pub const BROKER: &str = "sim";

/// An instrument with what its market is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The instrument.
    pub instrument: Instrument,
    /// A price to begin with.
    pub reference: Price,
    /// A usual daily move (one standard deviation), in hundredths of a percent.
    pub daily_move: u32,
    /// Usual distance of bid and ask, in ticks.
    pub spread: i64,
    /// Usual distance between neighbouring price levels, in ticks.
    pub gap: i64,
    /// Usual size of one level.
    pub size: Quantity,
    /// Things that happen a minute: orders, cancels, trades.
    pub pace: u32,
}

/// One line of the table below: id, name, kind, currency, tick, lot, calendar, then the market's character.
struct Row {
    id: &'static str,
    name: &'static str,
    kind: InstrumentKind,
    currency: &'static str,
    /// Lower ends of price bands and their ticks, in 1e-9.
    ticks: &'static [(i64, i64)],
    lot: i64,
    calendar: CalendarId,
    reference: i64,
    daily_move: u32,
    spread: i64,
    gap: i64,
    /// In lots.
    size: i64,
    pace: u32,
}

/// A cent as a raw price.
pub(super) const CENT: i64 = 10_000_000;
/// One as a raw price.
pub(super) const ONE: i64 = 1_000_000_000;
/// One share as a raw quantity.
pub(super) const SHARE: i64 = 100_000_000;
const CENTS: &[(i64, i64)] = &[(0, CENT)];
/// The bands of the most liquid shares in Europe.
const EUROPE: &[(i64, i64)] = &[
    (0, CENT / 2),
    (50 * ONE, CENT),
    (100 * ONE, 2 * CENT),
    (200 * ONE, 5 * CENT),
    (500 * ONE, 10 * CENT),
];

/// A New York share: reference price in cents, daily move, spread in cents, shares a level.
const fn share(
    id: &'static str,
    name: &'static str,
    cents: i64,
    daily_move: u32,
    spread: i64,
    size: i64,
) -> Row {
    Row {
        id,
        name,
        kind: InstrumentKind::Equity,
        currency: "USD",
        ticks: CENTS,
        lot: SHARE,
        calendar: CalendarId::UsEquity,
        reference: cents * CENT,
        daily_move,
        spread,
        gap: 1,
        size,
        pace: 300,
    }
}

const SPOT: &[Row] = &[
    share("AAPL", "Apple Inc.", 18_950, 150, 1, 300),
    share("MSFT", "Microsoft Corporation", 41_520, 140, 2, 200),
    share("NVDA", "NVIDIA Corporation", 12_480, 280, 1, 600),
    share("SPY", "SPDR S&P 500 ETF Trust", 52_140, 90, 1, 800),
    share("QQQ", "Invesco QQQ Trust", 44_610, 120, 1, 600),
    share("AMZN", "Amazon.com, Inc.", 18_230, 180, 1, 300),
    share("GOOGL", "Alphabet Inc. Class A", 17_140, 170, 1, 300),
    share("META", "Meta Platforms, Inc.", 50_260, 220, 4, 120),
    share("TSLA", "Tesla, Inc.", 24_875, 350, 2, 250),
    share("AMD", "Advanced Micro Devices, Inc.", 16_340, 300, 1, 300),
    share("JPM", "JPMorgan Chase & Co.", 20_415, 120, 1, 200),
    share("GLD", "SPDR Gold Shares", 21_730, 90, 1, 300),
    share("TLT", "iShares 20+ Year Treasury Bond ETF", 9_385, 90, 1, 900),
    Row {
        id: "SAP",
        name: "SAP SE",
        kind: InstrumentKind::Equity,
        currency: "EUR",
        ticks: EUROPE,
        lot: SHARE,
        calendar: CalendarId::Xetra,
        reference: 18_764 * CENT,
        daily_move: 150,
        spread: 2,
        gap: 1,
        size: 150,
        pace: 180,
    },
    pair("EUR.USD", "Euro / US dollar", "USD", 10_000, 1_085_420_000, 45),
    pair(
        "GBP.USD",
        "British pound / US dollar",
        "USD",
        10_000,
        1_271_350_000,
        50,
    ),
    pair(
        "USD.JPY",
        "US dollar / Japanese yen",
        "JPY",
        1_000_000,
        151_482_000_000,
        55,
    ),
    coin(
        "BTC.USD",
        "Bitcoin / US dollar",
        68_412 * ONE,
        1_000,
        40_000,
        300,
        100,
    ),
    coin(
        "ETH.USD",
        "Ether / US dollar",
        3_518 * ONE,
        10_000,
        6_000,
        350,
        10,
    ),
];

/// A currency pair with a tick in 1e-9; a lot is one unit of the base currency.
const fn pair(
    id: &'static str,
    name: &'static str,
    currency: &'static str,
    tick: i64,
    reference: i64,
    daily_move: u32,
) -> Row {
    // One static slice a tick: the two ticks that pairs have.
    let ticks: &'static [(i64, i64)] = if tick == 10_000 {
        &[(0, 10_000)]
    } else {
        &[(0, 1_000_000)]
    };
    Row {
        id,
        name,
        kind: InstrumentKind::Forex,
        currency,
        ticks,
        lot: SHARE,
        calendar: CalendarId::Forex,
        reference,
        daily_move,
        spread: 4,
        gap: 2,
        size: 1_000_000,
        pace: 360,
    }
}

/// A coin in dollars and cents: lot in 1e-8, lots a level, daily move, ticks between levels.
const fn coin(
    id: &'static str,
    name: &'static str,
    reference: i64,
    lot: i64,
    size: i64,
    daily_move: u32,
    gap: i64,
) -> Row {
    Row {
        id,
        name,
        kind: InstrumentKind::Crypto,
        currency: "USD",
        ticks: CENTS,
        lot,
        calendar: CalendarId::Always,
        reference,
        daily_move,
        spread: gap * 2,
        gap,
        size,
        pace: 420,
    }
}

/// A root of dated contracts.
struct Root {
    root: &'static str,
    name: &'static str,
    tick: i64,
    multiplier: i64,
    months: &'static [i8],
    reference: i64,
    /// How much dearer each further contract is, in hundredths of a percent.
    carry: i64,
    daily_move: u32,
    spread: i64,
    size: i64,
    /// Contracts listed.
    listed: usize,
}

const QUARTERS: &[i8] = &[3, 6, 9, 12];
const MONTHS: &[i8] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

const ROOTS: &[Root] = &[
    Root {
        root: "ES",
        name: "E-mini S&P 500",
        tick: ONE / 4,
        multiplier: 50,
        months: QUARTERS,
        reference: 5_248 * ONE,
        carry: 90,
        daily_move: 95,
        spread: 1,
        size: 60,
        listed: 2,
    },
    Root {
        root: "NQ",
        name: "E-mini Nasdaq-100",
        tick: ONE / 4,
        multiplier: 20,
        months: QUARTERS,
        reference: 18_340 * ONE,
        carry: 95,
        daily_move: 125,
        spread: 3,
        size: 8,
        listed: 2,
    },
    Root {
        root: "CL",
        name: "Crude Oil",
        tick: CENT,
        multiplier: 1000,
        months: MONTHS,
        reference: 78 * ONE,
        carry: -40,
        daily_move: 210,
        spread: 1,
        size: 25,
        listed: 1,
    },
];

/// Month letters from January on.
const LETTERS: &[u8; 12] = b"FGHJKMNQUVXZ";

/// The month letter and the last moment a contract of `root` trades. Index futures: 09:30 New York on the third Friday.
/// Crude oil: 14:30 New York on the third business day before the 25th of the month before (or before the business day
/// ahead of it, where the 25th is none); holidays are not known here.
fn expiry(root: &str, year: i16, month: i8) -> Option<Timestamp> {
    let first = Date::new(year, month, 1).ok()?;
    let at = if root == "CL" {
        let mut day = first.yesterday().ok()?.with().day(25).build().ok()?;
        let mut left = 3;
        while is_weekend(day) {
            day = day.yesterday().ok()?;
        }
        while left > 0 {
            day = day.yesterday().ok()?;
            left -= i32::from(!is_weekend(day));
        }
        day.at(14, 30, 0, 0)
    } else {
        first
            .nth_weekday_of_month(3, Weekday::Friday)
            .ok()?
            .at(9, 30, 0, 0)
    };
    let zone = jiff::tz::TimeZone::get("America/New_York").ok()?;
    zone.to_ambiguous_timestamp(at)
        .compatible()
        .ok()
        .map(Timestamp::from_jiff)
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// The contract's id, `ESZ6`, or with the decade where another contract of this list has that id.
fn contract_id(root: &str, year: i16, month: i8) -> Option<String> {
    let letter = LETTERS.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    Some(format!("{root}{}{}", char::from(*letter), year.rem_euclid(10)))
}

/// The contracts of a root that are not expired at `now`, nearest first.
fn contracts(root: &Root, now: Timestamp, real_hours: bool) -> Vec<Listing> {
    let Some(today) = now
        .to_jiff()
        .map(|at| at.to_zoned(jiff::tz::TimeZone::UTC).date())
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for year in today.year()..=today.year().saturating_add(2) {
        for month in root.months {
            if found.len() == root.listed {
                return found;
            }
            let nearest = i64::try_from(found.len()).unwrap_or(0);
            let live = expiry(root.root, year, *month).filter(|at| *at > now);
            found.extend(live.and_then(|at| contract(root, year, *month, at, nearest, real_hours)));
        }
    }
    found
}

fn contract(
    root: &Root,
    year: i16,
    month: i8,
    expires: Timestamp,
    nearest: i64,
    real_hours: bool,
) -> Option<Listing> {
    let dearer = root.reference / 10_000 * root.carry * nearest;
    let ticks = TickTable::uniform(Price::from_raw(root.tick))?;
    let reference = ticks.toward_less_risk(
        Price::from_raw(root.reference.saturating_add(dearer)),
        crate::domain::Side::Buy,
    );
    let month_name = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    .get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    let instrument = instrument(Facts {
        id: &contract_id(root.root, year, month)?,
        name: &format!("{} {month_name} {year}", root.name),
        kind: InstrumentKind::Future,
        currency: Currency::USD,
        multiplier: Multiplier::whole(root.multiplier)?,
        ticks,
        lot: Quantity::ONE,
        calendar: if real_hours {
            CalendarId::CmeGlobex
        } else {
            CalendarId::Always
        },
        root: Some(root.root),
        expires: Some(expires),
    })?;
    Some(Listing {
        instrument,
        reference,
        daily_move: root.daily_move,
        spread: root.spread,
        gap: 1,
        size: Quantity::whole(root.size >> nearest.min(2))?,
        pace: if nearest == 0 { 420 } else { 120 },
    })
}

/// The arguments of [`instrument`].
pub(super) struct Facts<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub kind: InstrumentKind,
    pub currency: Currency,
    pub multiplier: Multiplier,
    pub ticks: TickTable,
    pub lot: Quantity,
    pub calendar: CalendarId,
    pub root: Option<&'a str>,
    pub expires: Option<Timestamp>,
}

pub(super) fn instrument(facts: Facts<'_>) -> Option<Instrument> {
    let own = BrokerId::new(BROKER).ok().zip(Text::new(facts.id).ok());
    Some(Instrument {
        id: InstrumentId::new(facts.id).ok()?,
        name: SafeText::new(facts.name),
        kind: facts.kind,
        currency: facts.currency,
        multiplier: facts.multiplier,
        ticks: facts.ticks,
        lot: facts.lot,
        calendar: facts.calendar,
        root: facts.root.and_then(|root| Text::new(root).ok()),
        expires: facts.expires,
        broker_ids: own.into_iter().collect::<BTreeMap<_, _>>(),
        option: None,
        sector: sector(facts.id).map(SafeText::new),
        listed_on: None,
    })
}

/// The sector of a share or a fund, in the words of those who classify the real ones.
fn sector(id: &str) -> Option<&'static str> {
    Some(match id {
        "AAPL" | "MSFT" | "NVDA" | "AMD" | "SAP" => "Technology",
        "GOOGL" | "META" => "Communications",
        "AMZN" | "TSLA" => "Consumer, Cyclical",
        "JPM" => "Financial",
        "SPY" | "QQQ" | "GLD" | "TLT" => "Funds",
        _ => return None,
    })
}

pub(super) fn table(bands: &[(i64, i64)]) -> Option<TickTable> {
    TickTable::banded(
        bands
            .iter()
            .map(|(from, tick)| (Price::from_raw(*from), Price::from_raw(*tick)))
            .collect(),
    )
}

fn listing(row: &Row, real_hours: bool) -> Option<Listing> {
    let instrument = instrument(Facts {
        id: row.id,
        name: row.name,
        kind: row.kind,
        currency: row.currency.parse().ok()?,
        multiplier: Multiplier::ONE,
        ticks: table(row.ticks)?,
        lot: Quantity::from_raw(row.lot),
        calendar: if real_hours {
            row.calendar
        } else {
            CalendarId::Always
        },
        root: None,
        expires: None,
    })?;
    Some(Listing {
        instrument,
        reference: Price::from_raw(row.reference),
        daily_move: row.daily_move,
        spread: row.spread,
        gap: row.gap,
        size: Quantity::from_raw(row.lot.saturating_mul(row.size)),
        pace: row.pace,
    })
}

/// Kind, name and currency of an instrument that is listed by this id, contracts aside.
pub(super) fn known(id: &str) -> Option<(InstrumentKind, &'static str, &'static str)> {
    let row = SPOT.iter().find(|row| row.id == id)?;
    Some((row.kind, row.name, row.currency))
}

/// Everything listed at `now`. With `real_hours` false every instrument trades always, so that whoever starts on a
/// Saturday sees a market that moves.
pub fn listings(now: Timestamp, real_hours: bool) -> Vec<Listing> {
    let shares = SPOT.iter().filter_map(|row| listing(row, real_hours));
    let futures = ROOTS.iter().flat_map(|root| contracts(root, now, real_hours));
    shares.chain(futures).collect()
}

/// An instrument that was listed once and is not in [`listings`] any more: an expired contract that an account may still
/// hold. The year's digit is read as the one nearest to `now`.
pub fn delisted(id: InstrumentId, now: Timestamp, real_hours: bool) -> Option<Listing> {
    let text = id.as_str();
    let root = ROOTS
        .iter()
        .find(|root| text.strip_prefix(root.root).is_some_and(|rest| rest.len() == 2))?;
    let code = &text.as_bytes()[root.root.len()..];
    let month = i8::try_from(LETTERS.iter().position(|letter| *letter == code[0])? + 1).ok()?;
    let digit = i16::from(code[1].checked_sub(b'0').filter(|digit| *digit < 10)?);
    let today = now.to_jiff()?.to_zoned(jiff::tz::TimeZone::UTC).date().year();
    let year = (today - 5..today + 5).find(|year| year.rem_euclid(10) == digit)?;
    contract(root, year, month, expiry(root.root, year, month)?, 0, real_hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn ids(listings: &[Listing]) -> Vec<&str> {
        listings
            .iter()
            .map(|listing| listing.instrument.id.as_str())
            .collect()
    }

    #[test]
    fn the_list_is_whole_and_its_prices_are_on_tick() {
        let list = listings(at("2026-11-21T12:00:00Z"), false);
        let names = ids(&list);
        for wanted in [
            "AAPL", "MSFT", "NVDA", "SPY", "SAP", "EUR.USD", "USD.JPY", "BTC.USD", "ESZ6", "ESH7", "CLF7",
        ] {
            assert!(names.contains(&wanted), "{wanted} in {names:?}");
        }
        for listing in &list {
            assert!(
                listing.instrument.ticks.allows(listing.reference),
                "{}",
                listing.instrument.id
            );
            assert!(
                listing.instrument.allows_quantity(listing.size),
                "{}",
                listing.instrument.id
            );
            assert_eq!(listing.instrument.calendar, CalendarId::Always);
        }
    }

    #[test]
    fn a_contract_is_listed_until_its_last_moment() {
        // The third Friday of December 2026 is the 18th; New York has winter time.
        let before = listings(at("2026-12-18T14:29:59Z"), true);
        let after = listings(at("2026-12-18T14:30:00Z"), true);
        assert!(ids(&before).contains(&"ESZ6") && !ids(&before).contains(&"ESM7"));
        assert!(!ids(&after).contains(&"ESZ6") && ids(&after).contains(&"ESM7"));
        let old = delisted(
            InstrumentId::new("ESZ6").unwrap(),
            at("2027-01-05T00:00:00Z"),
            true,
        )
        .unwrap();
        assert_eq!(old.instrument.expires.unwrap(), at("2026-12-18T14:30:00Z"));
        assert!(
            delisted(
                InstrumentId::new("XXZ6").unwrap(),
                at("2027-01-05T00:00:00Z"),
                true
            )
            .is_none()
        );
    }
}
