//! What can be traded: identity, economics, tick table, and which calendar it keeps. An instrument is the same one at
//! every broker; how a broker names it stands beside it. Rules that refuse an order by its price or size are here as
//! questions ([`Instrument::nearest_price`]); who asks them is the engine and the exchange.

use super::calendar::{CalendarId, TradingDay};
use super::id::{BrokerId, InstrumentId};
use super::number::{Currency, Multiplier, Price, Quantity};
use super::order::Side;
use super::text::{SafeText, Text};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The kind of thing an instrument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstrumentKind {
    /// Shares and funds.
    Equity,
    /// A dated contract with a multiplier.
    Future,
    /// A currency pair; the quantity is in the base currency.
    Forex,
    /// A coin against a currency.
    Crypto,
    /// Quoted, not tradable.
    Index,
    /// The right to buy or sell something else; its terms are in [`Instrument::option`].
    Option,
}

/// Which right an option gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionRight {
    /// To buy.
    Call,
    /// To sell.
    Put,
}

/// What an option is about, beside its expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OptionTerms {
    /// What it can be exercised into.
    pub underlying: InstrumentId,
    /// At which price.
    pub strike: Price,
    /// A call or a put.
    pub right: OptionRight,
    /// True where it can be exercised on any day, false where only at its end; nothing where the broker does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub american: Option<bool>,
}

/// Allowed prices by band: from each band's lower end upward, prices are multiples of its tick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(Price, Price)>", into = "Vec<(Price, Price)>")]
pub struct TickTable(Vec<(Price, Price)>);

impl TickTable {
    /// One tick at every price; nothing where the tick is not positive.
    pub fn uniform(tick: Price) -> Option<Self> {
        Self::banded(vec![(Price::ZERO, tick)])
    }
    /// Bands as (lower end, tick), ascending, the first from zero; nothing where that does not hold.
    pub fn banded(bands: Vec<(Price, Price)>) -> Option<Self> {
        let starts_at_zero = bands.first().is_some_and(|band| band.0 == Price::ZERO);
        let ascending = bands.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let positive = bands.iter().all(|band| band.1 > Price::ZERO);
        (starts_at_zero && ascending && positive).then_some(Self(bands))
    }
    /// The tick in force at `price`. Negative prices use the first band.
    pub fn tick_at(&self, price: Price) -> Price {
        self.0
            .iter()
            .rev()
            .find(|band| price >= band.0)
            .or(self.0.first())
            .map_or(Price::from_raw(1), |band| band.1)
    }
    /// The smallest tick of any band: the unit in which an exchange counts.
    pub fn finest(&self) -> Price {
        self.0
            .iter()
            .map(|band| band.1)
            .min()
            .unwrap_or(Price::from_raw(1))
    }
    /// True where `price` is a multiple of the tick in force at it.
    pub fn allows(&self, price: Price) -> bool {
        price.raw() % self.tick_at(price).raw() == 0
    }
    /// The nearest allowed price that is no worse for the owner: down for a buy, up for a sell.
    pub fn toward_less_risk(&self, price: Price, side: Side) -> Price {
        let tick = self.tick_at(price).raw();
        let down = price.raw().div_euclid(tick).saturating_mul(tick);
        match side {
            Side::Sell if down != price.raw() => Price::from_raw(down.saturating_add(tick)),
            _ => Price::from_raw(down),
        }
    }
    /// `price` moved by `ticks` (negative is down), crossing bands as it goes; held at the ends of the range.
    pub fn step(&self, price: Price, ticks: i64) -> Price {
        let mut at = price;
        // Bands are few and steps are a hand's: more than this many is a mistake of the caller, not a loop to run.
        for _ in 0..ticks.unsigned_abs().min(100_000) {
            let below = Price::from_raw(at.raw().saturating_sub(1));
            let tick = self.tick_at(if ticks < 0 { below } else { at }).raw();
            at = Price::from_raw(if ticks < 0 {
                at.raw().saturating_sub(tick)
            } else {
                at.raw().saturating_add(tick)
            });
        }
        at
    }
}
impl TryFrom<Vec<(Price, Price)>> for TickTable {
    type Error = &'static str;
    fn try_from(bands: Vec<(Price, Price)>) -> Result<Self, Self::Error> {
        Self::banded(bands).ok_or("a tick table starts at price 0, ascends, and has positive ticks")
    }
}
impl From<TickTable> for Vec<(Price, Price)> {
    fn from(table: TickTable) -> Self {
        table.0
    }
}

/// An instrument as every part of the house knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    /// Its one identity, also what people type.
    pub id: InstrumentId,
    /// What people read: `Apple Inc.`
    pub name: SafeText,
    /// What kind of thing it is.
    pub kind: InstrumentKind,
    /// The currency prices and P&L are in.
    pub currency: Currency,
    /// Units of the underlying per contract.
    pub multiplier: Multiplier,
    /// Allowed prices.
    pub ticks: TickTable,
    /// The smallest step of a quantity, and the smallest quantity.
    pub lot: Quantity,
    /// When it trades.
    pub calendar: CalendarId,
    /// The root it belongs to (`ES` for `ESZ6`), for dated contracts.
    pub root: Option<Text<8>>,
    /// The last moment it trades, for dated contracts.
    pub expires: Option<Timestamp>,
    /// How each broker names it.
    pub broker_ids: BTreeMap<BrokerId, Text<32>>,
    /// The terms of an option; nothing for everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<OptionTerms>,
    /// What the broker says of its sector or industry; nothing where it says none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector: Option<SafeText>,
    /// Where it is listed first, by the broker's word (`NASDAQ`, `PINK`); nothing where it says none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_on: Option<Text<16>>,
}

impl Instrument {
    /// True where `quantity` is positive and a multiple of the lot.
    pub fn allows_quantity(&self, quantity: Quantity) -> bool {
        quantity.is_positive() && self.lot.is_positive() && quantity.raw() % self.lot.raw() == 0
    }
    /// True for shares that no exchange lists: quotes there bind nobody. By the names that Interactive Brokers has for these
    /// markets: `PINK`, `GREY`, `OTCLNKECN`, `OTCBB`.
    pub fn is_over_the_counter(&self) -> bool {
        let market = self.listed_on.as_ref().map_or("", |market| market.as_str());
        self.kind == InstrumentKind::Equity
            && ["PINK", "GREY", "OTC"]
                .iter()
                .any(|name| market.starts_with(name))
    }
    /// The largest allowed quantity not above `quantity`: sizes are only ever rounded toward less exposure.
    pub fn quantity_down(&self, quantity: Quantity) -> Quantity {
        let lot = self.lot.raw().max(1);
        Quantity::from_raw(quantity.raw().div_euclid(lot).saturating_mul(lot).max(0))
    }
    /// Decimals that show every allowed price near `price` exactly, at least two where the tick is finer than one.
    pub fn decimals_at(&self, price: Price) -> u32 {
        match self.ticks.tick_at(price).decimals() {
            1 => 2,
            decimals => decimals,
        }
    }
    /// `price` as text with this instrument's decimals.
    pub fn show(&self, price: Price) -> String {
        format!("{:.*}", self.decimals_at(price) as usize, price)
    }
    /// True at and after the last moment it trades.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expiry| now >= expiry)
    }
    /// The last trading day of a dated contract; nothing where it has no end, or lies beyond its calendar's years.
    pub fn last_trading_day(&self) -> Option<TradingDay> {
        // Brokers give the end of a date or the moment itself. Twelve hours before either lies in that trading day.
        let within = self.expires?.before(Duration::from_secs(12 * 3_600));
        self.calendar.trading_day(within)
    }
    /// From when on no position in a future should be opened: the beginning of the trading day before its last, two days
    /// before its end where the calendar knows neither. First notice days are not known here. Nothing for what has no end.
    pub fn entries_end(&self) -> Option<Timestamp> {
        let expires = self.expires.filter(|_| self.kind == InstrumentKind::Future)?;
        let before = || {
            let last = self.last_trading_day()?;
            self.calendar.calendar().previous_day(last.start)
        };
        Some(before().map_or_else(
            || expires.before(Duration::from_secs(2 * 86_400)),
            |day| day.start,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    #[test]
    fn bands_change_the_tick_and_rounding_never_adds_risk() {
        let table =
            TickTable::banded(vec![(Price::ZERO, price("0.0001")), (price("1"), price("0.01"))]).unwrap();
        assert!(table.allows(price("0.9999")) && !table.allows(price("1.0001")));
        assert_eq!(table.toward_less_risk(price("1.005"), Side::Buy), price("1"));
        assert_eq!(table.toward_less_risk(price("1.005"), Side::Sell), price("1.01"));
        assert_eq!(
            table.toward_less_risk(price("-0.00005"), Side::Buy),
            price("-0.0001")
        );
        assert_eq!(table.step(price("1.01"), -2), price("0.9999"));
        assert_eq!(table.step(price("0.9999"), 2), price("1.01"));
        assert!(TickTable::banded(vec![(price("1"), price("0.01"))]).is_none());
        assert!(TickTable::uniform(Price::ZERO).is_none());
    }
}
