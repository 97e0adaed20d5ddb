//! What is traded and on which terms: how an instrument's prices and quantities become ticks and lots, what it
//! takes as margin, how a trade is settled, and what it costs.

use super::book::{Algorithm, Book, BookConfig, IdPolicy, Profile};
use super::report::Rejection;
use crate::domain::{Currency, Instrument, InstrumentKind, Money, Price, Quantity, Side};

/// Largest value of one order: a million million units of the currency. Keeps every sum within its type.
pub const MAX_ORDER_VALUE: Money = Money::from_raw(10i128.pow(29));

/// Parts per million.
const MILLION: i128 = 1_000_000;

/// An instrument on its terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What is traded. Its finest tick and its lot are what the book counts in.
    pub instrument: Instrument,
    /// Who trades first at a price.
    pub algorithm: Algorithm,
    /// What an account must have for a position.
    pub margin: Margin,
    /// What changes hands in a trade.
    pub settlement: Settlement,
    /// What a trade costs each side.
    pub fees: FeeSchedule,
}

/// What an account must have for a position and for the orders that may enlarge it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Margin {
    /// The full value; nothing can be sold that is not held.
    Cash,
    /// A part of the value, in parts per million (500,000 is half), long or short.
    Rate {
        /// Parts per million of the value.
        ppm: u32,
    },
    /// An amount per contract, long or short.
    PerContract {
        /// Initial margin of one contract, in the instrument's currency.
        initial: Money,
    },
}

/// What changes hands in a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Units against their full price: shares, coins.
    Delivery,
    /// Nothing at first; what is closed pays its profit or loss in cash: futures, currencies on margin.
    Difference,
}

/// What a trade costs. All parts that are set add up, over the fills of one order, to no less than `minimum`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeeSchedule {
    /// For each share, contract or coin.
    pub per_unit: Money,
    /// Of the traded value, in parts per million (100 is one basis point).
    pub ppm: u32,
    /// For each order that trades at all.
    pub minimum: Money,
}

impl FeeSchedule {
    /// So much a share, and no less than `minimum` for an order that trades.
    #[must_use]
    pub const fn per_share(rate: Money, minimum: Money) -> Self {
        Self {
            per_unit: rate,
            ppm: 0,
            minimum,
        }
    }

    /// So much a contract.
    #[must_use]
    pub const fn per_contract(rate: Money) -> Self {
        Self {
            per_unit: rate,
            ppm: 0,
            minimum: Money::ZERO,
        }
    }

    /// So many basis points of the value.
    #[must_use]
    pub const fn basis_points(points: u32) -> Self {
        Self {
            per_unit: Money::ZERO,
            ppm: points.saturating_mul(100),
            minimum: Money::ZERO,
        }
    }

    /// What an order has cost once `quantity` of it, worth `value`, has traded; rounded half-even to `decimals`.
    pub(super) fn total(&self, quantity: Quantity, value: Money, decimals: u32) -> Money {
        let units =
            self.per_unit.raw().saturating_mul(i128::from(quantity.raw())) / i128::from(Quantity::ONE.raw());
        let share = value.raw().saturating_mul(i128::from(self.ppm)) / MILLION;
        let fee = Money::from_raw(units.saturating_add(share)).round_to(decimals);
        if quantity.is_positive() {
            fee.max(self.minimum)
        } else {
            Money::ZERO
        }
    }

    pub(super) fn is_free(&self) -> bool {
        *self == Self::default()
    }
}

/// Why an instrument cannot be listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// Listed before.
    #[error("{0} is listed already")]
    Duplicate(String),
    /// An index or the like.
    #[error("{0} is quoted but cannot be traded; list something that can")]
    NotTradable(String),
    /// Options: nothing here exercises them or asks for their margin.
    #[error("{0} is an option; this exchange lists none")]
    NoOptions(String),
    /// Lot, tick and multiplier give no exact value.
    #[error("{0}: one tick of one lot has no exact positive value; check tick, lot and multiplier")]
    Inexact(String),
}

/// A listing at work: its book and the numbers that settlement needs.
#[derive(Clone, Debug)]
pub(super) struct Market {
    pub listing: Listing,
    pub book: Book,
    /// Index into each member's balances.
    pub currency: usize,
    /// Raw price units of one tick.
    tick: i64,
    /// Raw quantity units of one lot.
    lot: i64,
    /// Raw money of one tick of one lot.
    tick_value: i128,
    /// Whether every trade's value is a whole number of minor units by itself.
    whole_values: bool,
    /// Places of the currency's minor unit.
    pub decimals: u32,
    /// Price to value positions at before the first print, in ticks.
    pub reference: Option<i64>,
    /// Counts operations that changed something.
    pub revision: u64,
}

impl Market {
    pub fn new(listing: Listing, currency: usize) -> Result<Self, ListingError> {
        let instrument = &listing.instrument;
        let name = || instrument.id.to_string();
        match instrument.kind {
            InstrumentKind::Index => return Err(ListingError::NotTradable(name())),
            InstrumentKind::Option => return Err(ListingError::NoOptions(name())),
            _ => {}
        }
        let (tick, lot) = (instrument.ticks.finest(), instrument.lot);
        let tick_value = exact_value(tick, lot, instrument).ok_or_else(|| ListingError::Inexact(name()))?;
        let decimals = instrument.currency.minor_decimals();
        let value = Money::from_raw(tick_value);
        let config = BookConfig {
            algorithm: listing.algorithm,
            profile: Profile::Desk,
            ids: IdPolicy::Ascending,
        };
        Ok(Self {
            book: Book::new(config),
            currency,
            tick: tick.raw(),
            lot: lot.raw(),
            tick_value,
            whole_values: value.round_to(decimals) == value,
            decimals,
            reference: None,
            revision: 0,
            listing,
        })
    }

    pub fn money(&self) -> Currency {
        self.listing.instrument.currency
    }

    /// A price in ticks; refused where it is not an allowed one, naming one that is.
    pub fn ticks(&self, price: Price, side: Side) -> Result<i64, Rejection> {
        let table = &self.listing.instrument.ticks;
        if price <= Price::ZERO {
            return Err(Rejection::BadPrice { price });
        }
        if !table.allows(price) || price.raw() % self.tick != 0 {
            let less_risk = table.toward_less_risk(price, side);
            let nearest = if less_risk > Price::ZERO {
                less_risk
            } else {
                table.tick_at(price)
            };
            return Err(Rejection::OffTick {
                price,
                nearest,
                tick: table.tick_at(price),
            });
        }
        Ok(price.raw() / self.tick)
    }

    /// A quantity in lots; refused where it is not a positive whole number of them.
    pub fn lots(&self, quantity: Quantity) -> Result<i64, Rejection> {
        let instrument = &self.listing.instrument;
        if instrument.allows_quantity(quantity) {
            return Ok(quantity.raw() / self.lot);
        }
        let nearest = instrument.quantity_down(quantity).max(instrument.lot);
        Err(Rejection::OffLot {
            quantity,
            nearest,
            lot: instrument.lot,
        })
    }

    /// Ticks that came from a price.
    pub fn price(&self, ticks: i64) -> Price {
        Price::from_raw(ticks.saturating_mul(self.tick))
    }

    /// Lots of one order or position; both are kept within what a quantity holds.
    pub fn quantity(&self, lots: i64) -> Quantity {
        Quantity::from_raw(lots.saturating_mul(self.lot))
    }

    /// Lots of a whole price level, held at the end of the range.
    pub fn level_quantity(&self, lots: i128) -> Quantity {
        self.quantity(i64::try_from(lots).unwrap_or(i64::MAX))
    }

    /// Most lots a position and its working orders may come to.
    pub fn max_lots(&self) -> i64 {
        i64::MAX / self.lot
    }

    /// Exact value of `lots` at a price, signed as the lots are; held at the ends of the range.
    pub fn value(&self, ticks: i64, lots: i64) -> Money {
        let product = (i128::from(ticks) * i128::from(lots)).saturating_mul(self.tick_value);
        Money::from_raw(product)
    }

    /// Value of a trade as it is settled: half-even to the currency's minor unit.
    pub fn settled_value(&self, ticks: i64, lots: i64) -> Money {
        let value = self.value(ticks, lots);
        if self.whole_values {
            value
        } else {
            value.round_to(self.decimals)
        }
    }

    /// The price to value positions at, in ticks: last print, else best bid or ask, else the reference.
    pub fn mark(&self) -> Option<i64> {
        let book = &self.book;
        book.last()
            .or(book.best_bid())
            .or(book.best_ask())
            .or(self.reference)
    }

    /// What `lots` held or to be held, worth `value`, ask for.
    pub fn required(&self, lots: i64, value: Money) -> Money {
        match self.listing.margin {
            Margin::Cash => value,
            Margin::Rate { ppm } => Money::from_raw(value.raw() / MILLION * i128::from(ppm)),
            Margin::PerContract { initial } => {
                let contracts = i128::from(self.quantity(lots).raw());
                Money::from_raw(initial.raw().saturating_mul(contracts) / i128::from(Quantity::ONE.raw()))
            }
        }
    }
}

/// Value of one tick of one lot, if it is positive and needs no rounding.
fn exact_value(tick: Price, lot: Quantity, instrument: &Instrument) -> Option<i128> {
    let units = i128::from(tick.raw()) * i128::from(lot.raw());
    let scaled = units.checked_mul(i128::from(instrument.multiplier.raw()))?;
    (scaled > 0 && scaled % MILLION == 0).then_some(scaled / MILLION)
}
