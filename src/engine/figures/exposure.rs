//! What an account is exposed to, at the marks of this moment and in its base currency: by symbol, by sector, by currency,
//! longs and shorts apart. Working orders don't count here: what they could come to is held against limits in `risk`.
//!
//! By symbol and sector counts the value of what is held, of a contract its full value; of an option its premium, for
//! nobody here knows its delta. By currency counts what of the account's *worth* moves with a currency: cash, what was paid
//! for at its mark, the open profit of what is settled by difference; a currency pair counts as both of its legs. So the
//! currencies' nets add up to the worth, and the symbols' nets don't.

use super::sectors::{Sector, sector};
use crate::domain::number::PRICE_SCALE;
use crate::domain::{AccountKey, Currency, Instrument, InstrumentId, InstrumentKind, Money, Price, Quantity};
use crate::engine::state::{Ledger, State};
use crate::engine::worth::{self, convert};
use crate::market::Market;
use std::collections::BTreeMap;

/// An amount, or in words why it is not known.
pub type Known = Result<Money, String>;

/// What an account is exposed to.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposure {
    /// Whose.
    pub account: AccountKey,
    /// The currency of every amount that does not say another.
    pub base: Currency,
    /// What the account is worth.
    pub worth: Known,
    /// What is held, the largest first.
    pub held: Vec<Held>,
    /// The sum of all of it.
    pub all: Sum,
    /// By sector, the largest first.
    pub sectors: Vec<(Sector, Sum)>,
    /// By currency, the largest first.
    pub currencies: Vec<(Currency, Sum)>,
}

/// One position.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Of what.
    pub instrument: InstrumentId,
    /// What kind of thing.
    pub kind: InstrumentKind,
    /// Where it belongs.
    pub sector: Sector,
    /// How much; negative is short.
    pub quantity: Quantity,
    /// Its own currency.
    pub currency: Currency,
    /// Its mark.
    pub mark: Option<Price>,
    /// Its value in its own currency; negative is short.
    pub value: Known,
    /// The same in the base currency.
    pub in_base: Known,
}

/// Longs and shorts.
#[derive(Clone, Debug, PartialEq)]
pub struct Sum {
    /// What is held long.
    pub long: Money,
    /// What is held short, without a sign.
    pub short: Money,
    /// What of it is not known, in words: then none of the sums is.
    pub unknown: Option<String>,
}

impl Sum {
    const NOTHING: Self = Self {
        long: Money::ZERO,
        short: Money::ZERO,
        unknown: None,
    };
    /// Longs and shorts added.
    pub fn gross(&self) -> Option<Money> {
        self.long
            .checked_add(self.short)
            .filter(|_| self.unknown.is_none())
    }
    /// Longs less shorts.
    pub fn net(&self) -> Option<Money> {
        self.long
            .checked_sub(self.short)
            .filter(|_| self.unknown.is_none())
    }
    fn add(&mut self, part: &Known) {
        let side = |sum: Money, more: Money| sum.checked_add(more);
        let added = match part {
            Ok(part) if *part < Money::ZERO => side(self.short, part.abs()).map(|sum| self.short = sum),
            Ok(part) => side(self.long, *part).map(|sum| self.long = sum),
            Err(why) => {
                self.unknown.get_or_insert_with(|| why.clone());
                return;
            }
        };
        if added.is_none() {
            let why = || "the sum is more than can be counted".to_owned();
            self.unknown.get_or_insert_with(why);
        }
    }
}

impl Exposure {
    /// An amount as a share of the account's worth, in basis points (100 are 1 %); nothing where either is not known or the
    /// account is worth nothing.
    pub fn share_bps(&self, amount: Option<Money>) -> Option<i64> {
        let worth = self.worth.as_ref().ok()?.raw();
        let scaled = amount?.raw().checked_mul(10_000)?;
        (worth > 0)
            .then(|| i64::try_from(scaled.div_euclid(worth)).ok())
            .flatten()
    }
}

/// Looks at an account.
///
/// # Errors
/// What it holds has not been read yet.
pub fn exposure(state: &State, market: &Market, account: AccountKey) -> Result<Exposure, String> {
    let entry = state.accounts.get(&account).filter(|entry| entry.opened);
    let entry = entry.ok_or_else(|| format!("what {account} holds has not been read yet"))?;
    let base = entry.account.base;
    let look = Look { state, market, base };
    let mut held = Vec::new();
    let mut by_currency = BTreeMap::new();
    match &entry.account.cash {
        Some(cash) => cash.iter().for_each(|(currency, amount)| {
            look.count(&mut by_currency, *currency, Ok(*amount));
        }),
        None => {
            let why = format!("the cash of {account} is not known");
            look.count(&mut by_currency, base, Err(why));
        }
    }
    for ((_, id), ledger) in state.ledgers.iter().filter(|((owner, _), _)| *owner == account) {
        let quantity = ledger.position.quantity;
        let Some(instrument) = state.instruments.get(id).filter(|_| !quantity.is_zero()) else {
            continue;
        };
        let one = look.held(instrument, quantity);
        look.in_currencies(&mut by_currency, instrument, ledger, one.mark);
        held.push(one);
    }
    let mut all = Sum::NOTHING;
    let mut by_sector: BTreeMap<Sector, Sum> = BTreeMap::new();
    for one in &held {
        all.add(&one.in_base);
        let sum = by_sector.entry(one.sector.clone()).or_insert(Sum::NOTHING);
        sum.add(&one.in_base);
    }
    held.sort_by_key(|one| {
        std::cmp::Reverse(
            one.in_base
                .as_ref()
                .map_or(Money::from_raw(i128::MAX), |m| m.abs()),
        )
    });
    Ok(Exposure {
        account,
        base,
        worth: worth::net_liquidation(state, market, account).map(|(worth, _)| worth),
        held,
        all,
        sectors: largest_first(by_sector),
        currencies: largest_first(by_currency),
    })
}

/// What is not known comes first: it may be the largest.
fn largest_first<K>(sums: BTreeMap<K, Sum>) -> Vec<(K, Sum)> {
    let mut rows: Vec<(K, Sum)> = sums.into_iter().collect();
    rows.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.gross().unwrap_or(Money::from_raw(i128::MAX))));
    rows
}

struct Look<'a> {
    state: &'a State,
    market: &'a Market,
    base: Currency,
}

impl Look<'_> {
    fn held(&self, instrument: &Instrument, quantity: Quantity) -> Held {
        let id = instrument.id;
        let mark = self.market.mark(id).map(|mark| mark.price);
        let value = mark
            .ok_or_else(|| format!("{id} is held and has no price now"))
            .and_then(|mark| {
                let value = mark.notional(quantity, instrument.multiplier);
                value.ok_or_else(|| format!("{id} is worth more than can be counted"))
            });
        Held {
            instrument: id,
            kind: instrument.kind,
            sector: sector(self.state, instrument),
            quantity,
            currency: instrument.currency,
            mark,
            in_base: value
                .clone()
                .and_then(|value| self.in_base(value, instrument.currency)),
            value,
        }
    }

    fn in_base(&self, amount: Money, currency: Currency) -> Known {
        if amount == Money::ZERO {
            return Ok(amount);
        }
        convert(self.state, self.market, amount, currency, self.base).map(|converted| converted.amount)
    }

    fn count(&self, sums: &mut BTreeMap<Currency, Sum>, currency: Currency, amount: Known) {
        let part = amount.and_then(|amount| self.in_base(amount, currency));
        sums.entry(currency).or_insert(Sum::NOTHING).add(&part);
    }

    /// What of the worth a position is, in each currency that it is in.
    fn in_currencies(
        &self,
        sums: &mut BTreeMap<Currency, Sum>,
        instrument: &Instrument,
        ledger: &Ledger,
        mark: Option<Price>,
    ) {
        let id = instrument.id;
        let position = &ledger.position;
        let no_price = || format!("{id} is held and has no price now");
        let too_much = || format!("{id} is worth more than can be counted");
        match (instrument.kind, first_leg(id)) {
            (InstrumentKind::Forex, Some(first)) => {
                let one = Price::from_raw(10i64.pow(PRICE_SCALE));
                let bought = one.notional(position.quantity, instrument.multiplier);
                self.count(sums, first, bought.ok_or_else(too_much));
                // What it cost is owed in the other leg; a short is paid there.
                let owed = Money::ZERO.saturating_sub(position.cost);
                self.count(sums, instrument.currency, Ok(owed));
            }
            (InstrumentKind::Future | InstrumentKind::Forex, _) => {
                let open = mark.ok_or_else(no_price).and_then(|mark| {
                    let open = position.unrealized(mark, instrument.multiplier);
                    open.ok_or_else(too_much)
                });
                self.count(sums, instrument.currency, open);
            }
            _ => {
                let value = mark.ok_or_else(no_price).and_then(|mark| {
                    let value = mark.notional(position.quantity, instrument.multiplier);
                    value.ok_or_else(too_much)
                });
                self.count(sums, instrument.currency, value);
            }
        }
    }
}

/// The currency that a pair buys: the first of `EUR.USD`.
fn first_leg(id: InstrumentId) -> Option<Currency> {
    let (first, _) = id.as_str().split_once('.')?;
    first.parse().ok()
}
