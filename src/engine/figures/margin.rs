//! What margin binds of an account: by the broker's own word, now and as it says that it will be; where it says nothing, by
//! the public terms of the broker for what is held, and for that with all that works. The one is what counts, the other an
//! estimate; which of both it is is always said.

use crate::domain::{AccountKey, Currency, Instrument, InstrumentId, Money, Quantity, Side};
use crate::engine::port::Health;
use crate::engine::state::State;
use crate::engine::{terms, worth};
use crate::market::Market;
use std::collections::BTreeSet;

/// Whose word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The broker's.
    Broker,
    /// Counted here by the broker's public terms.
    Terms,
    /// Nobody's.
    Nobody,
}

/// One state of margin, in the account's base currency. Nothing of what is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// Initial margin.
    pub initial: Option<Money>,
    /// Maintenance margin.
    pub maintenance: Option<Money>,
    /// What is left for new risk.
    pub available: Option<Money>,
    /// What is left before the broker sells.
    pub excess: Option<Money>,
}

/// What margin binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Margin {
    /// Whose word it is.
    pub source: Source,
    /// In what.
    pub base: Currency,
    /// Now.
    pub now: Bound,
    /// By the broker's word after its next change of margins; by our count with all that works executed.
    pub ahead: Bound,
    /// The hour at which the broker's next change comes, by its clock.
    pub hour: Option<i64>,
    /// What of our count is not known.
    pub unknown: Option<String>,
}

impl Margin {
    /// What `ahead` is.
    pub fn ahead_word(&self) -> &'static str {
        match self.source {
            Source::Broker => "look-ahead",
            Source::Terms | Source::Nobody => "with orders",
        }
    }
}

/// What margin binds of an account.
pub fn margin(state: &State, market: &Market, health: Option<&Health>, account: AccountKey) -> Margin {
    let base = state.accounts.get(&account).map(|entry| entry.account.base);
    let base = base.unwrap_or(Currency::USD);
    told(health, account, base).unwrap_or_else(|| counted(state, market, account, base))
}

/// By the broker's word.
fn told(health: Option<&Health>, account: AccountKey, base: Currency) -> Option<Margin> {
    let figures = health?.figures.get(&account)?;
    let pick = |name: &str| {
        let currencies = [base.as_str(), "BASE", ""];
        let named = |currency: &str| {
            figures
                .iter()
                .find(|(known, of, _)| known.as_str() == name && of.as_str() == currency)
                .map(|(.., amount)| *amount)
        };
        currencies.iter().find_map(|currency| named(currency))
    };
    let bound = |prefix: &str| {
        let of = |name: &str| pick(&format!("{prefix}{name}"));
        Bound {
            initial: of("InitMarginReq"),
            maintenance: of("MaintMarginReq"),
            available: of("AvailableFunds"),
            excess: of("ExcessLiquidity"),
        }
    };
    let (now, ahead) = (bound(""), bound("LookAhead"));
    if now == Bound::default() && ahead == Bound::default() {
        return None;
    }
    let hour = pick("LookAheadNextChange").map(|hour| hour.to_f64().floor());
    #[expect(clippy::cast_possible_truncation, reason = "an hour of the day")]
    let hour = hour
        .filter(|hour| (1.0..24.0).contains(hour))
        .map(|hour| hour as i64);
    Some(Margin {
        source: Source::Broker,
        base,
        now,
        ahead,
        hour,
        unknown: None,
    })
}

/// By the public terms: what is held, and what could come of it.
fn counted(state: &State, market: &Market, account: AccountKey, base: Currency) -> Margin {
    let of = |instrument: &Instrument, quantity: Quantity| -> Result<Money, String> {
        if quantity.is_zero() {
            return Ok(Money::ZERO);
        }
        let id = instrument.id;
        let mark = market.mark(id);
        let price = mark.ok_or_else(|| format!("{id} has no price now"))?.price;
        let own = terms::margin(account.broker, instrument, quantity, price);
        let own = own.ok_or_else(|| format!("{} does not tell what {id} binds", account.broker))?;
        Ok(worth::convert(state, market, own, instrument.currency, base)?.amount)
    };
    let (mut now, mut ahead) = (Ok(Money::ZERO), Ok(Money::ZERO));
    let held = state.ledgers.keys().filter(|(owner, _)| *owner == account);
    let worked = state.live.iter().filter(|(owner, ..)| *owner == account);
    let all: BTreeSet<InstrumentId> = held
        .map(|(_, id)| *id)
        .chain(worked.map(|(_, id, _)| *id))
        .collect();
    for id in all {
        let Some(instrument) = state.instruments.get(&id) else {
            continue;
        };
        let held = state.position(account, id).quantity;
        let toward = |side: Side| held.saturating_add(side.signed(state.working(account, id, side)));
        let worst = toward(Side::Buy)
            .abs()
            .max(toward(Side::Sell).abs())
            .max(held.abs());
        let add = |sum: &mut Result<Money, String>, quantity| {
            let part = of(instrument, quantity);
            if let Ok(before) = sum {
                *sum = part.map(|part| before.saturating_add(part));
            }
        };
        add(&mut now, held.abs());
        add(&mut ahead, worst);
    }
    let unknown = now.as_ref().err().or(ahead.as_ref().err()).cloned();
    let worth = worth::net_liquidation(state, market, account)
        .map(|(worth, _)| worth)
        .ok();
    let bound = |initial: Result<Money, String>| {
        let initial = initial.ok();
        Bound {
            initial,
            available: worth
                .zip(initial)
                .and_then(|(worth, bound)| worth.checked_sub(bound)),
            ..Bound::default()
        }
    };
    let (now, ahead) = (bound(now), bound(ahead));
    let nobody = now.initial.is_none() && ahead.initial.is_none();
    Margin {
        source: if nobody { Source::Nobody } else { Source::Terms },
        base,
        now,
        ahead,
        hour: None,
        unknown,
    }
}
