//! How the symbols of a tape are listed: tick, lot, multiplier and calendar, from what the path says and what is known of the
//! symbol.

use crate::domain::{CalendarId, Currency, InstrumentId, InstrumentKind, Multiplier, Price, Quantity};
use crate::venue::universe::{self, CENT, Facts, Listing, ONE, SHARE, instrument, table};

/// What a tape tells of one of its symbols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeSymbol {
    /// The symbol.
    pub id: InstrumentId,
    /// What the file's path says it is.
    pub kind: Option<InstrumentKind>,
    /// The root of a dated contract.
    pub root: Option<String>,
    /// A price of it.
    pub price: Price,
    /// Decimals of its prices.
    pub decimals: u32,
}

/// Tick and multiplier of well-known roots, in 1e-9 and whole units; from the exchanges' contract specifications.
const CONTRACTS: &[(&str, i64, i64)] = &[
    ("ES", ONE / 4, 50),
    ("NQ", ONE / 4, 20),
    ("YM", ONE, 5),
    ("RTY", ONE / 10, 50),
    ("CL", CENT, 1000),
    ("NG", ONE / 1000, 10_000),
    ("GC", ONE / 10, 100),
    ("SI", ONE / 200, 5000),
    ("ZN", ONE / 64, 1000),
    ("ZB", ONE / 32, 1000),
];

/// How a symbol of a tape is listed, with its real calendar. Shares of a dollar and more have cents as ticks, cheaper ones
/// hundredths of a cent, pairs five decimals (three in yen), coins and the rest what their prices show. Contracts of the
/// past have no expiry: on a tape they trade.
pub fn of_tape(symbol: &TapeSymbol) -> Option<Listing> {
    let text = symbol.id.as_str();
    let quote = text.split_once('.').map(|(_, quote)| quote);
    let known = universe::known(text);
    let coin = |text: &str| {
        ["BTC.", "ETH.", "LTC.", "SOL.", "XRP."]
            .iter()
            .any(|coin| text.starts_with(coin))
    };
    let kind = symbol.kind.or(known.map(|row| row.0)).unwrap_or(match quote {
        Some(_) if coin(text) => InstrumentKind::Crypto,
        Some(quote) if quote.len() == 3 && text.len() == 7 => InstrumentKind::Forex,
        _ => InstrumentKind::Equity,
    });
    let shown = 10i64.pow(9 - symbol.decimals.clamp(2, 9));
    let contract = CONTRACTS.iter().find(|row| symbol.root.as_deref() == Some(row.0));
    let (ticks, lot, calendar) = match kind {
        InstrumentKind::Equity => {
            let bands = [(0, CENT / 100), (ONE, CENT)];
            (table(&bands)?, SHARE, CalendarId::UsEquity)
        }
        InstrumentKind::Index => (table(&[(0, CENT)])?, SHARE, CalendarId::UsEquity),
        InstrumentKind::Future => (
            table(&[(0, contract.map_or(shown, |row| row.1))])?,
            SHARE,
            CalendarId::CmeGlobex,
        ),
        InstrumentKind::Forex => {
            let tick = if quote == Some("JPY") { 1_000_000 } else { 10_000 };
            (table(&[(0, tick)])?, SHARE, CalendarId::Forex)
        }
        InstrumentKind::Crypto => (table(&[(0, shown)])?, 1, CalendarId::Always),
        InstrumentKind::Option => return None,
    };
    let currency = match (kind, quote) {
        (InstrumentKind::Forex | InstrumentKind::Crypto, Some(quote)) => {
            quote.parse().unwrap_or(Currency::USD)
        }
        _ => known.and_then(|row| row.2.parse().ok()).unwrap_or(Currency::USD),
    };
    let size = match kind {
        InstrumentKind::Forex => 1_000_000 * SHARE,
        InstrumentKind::Future => 50 * SHARE,
        InstrumentKind::Crypto => SHARE,
        _ => 500 * SHARE,
    };
    let instrument = instrument(Facts {
        id: text,
        name: known.filter(|row| row.0 == kind).map_or(text, |row| row.1),
        kind,
        currency,
        multiplier: contract
            .and_then(|row| Multiplier::whole(row.2))
            .unwrap_or(Multiplier::ONE),
        ticks,
        lot: Quantity::from_raw(lot),
        calendar,
        root: symbol.root.as_deref(),
        expires: None,
    })?;
    Some(Listing {
        instrument,
        reference: symbol.price,
        daily_move: 100,
        spread: 1,
        gap: 1,
        size: Quantity::from_raw(size),
        pace: 0,
    })
}
