//! Large orders: the broker's own word of what one would bind, asked before it is recorded, in place of an estimate. Its answers lie
//! beside the market's data (`market/what_if.rs`), are not recorded, and hold for half a minute. Nothing is asked of what only takes off
//! what is held. Who asks, and lets the order wait meanwhile, is `app/what_ifs.rs`; which orders of a command there are to ask about,
//! `decide/what_if.rs`.

use super::day::{self, part};
use super::funds::passing;
use super::worth::money;
use super::{Check, Effect, Stands, effect, reduces_now};
use crate::domain::{
    AccountKey, Currency, Instrument, InstrumentKind, LimitName, Limits, Money, Order, OrderSpec, Phase,
    Price, Quantity, Side,
};
use crate::engine::abilities::Abilities;
use crate::engine::command::{Denial, DenialCode};
use crate::engine::worth;
use crate::market::AskedFor;
use crate::market::what_if::{Binds, Told, WhatIf};

/// Whether a broker can be asked about an order at all, however large it is: what the order itself tells.
pub(in crate::engine) fn can_be_asked_about(spec: &OrderSpec) -> bool {
    Abilities::of(spec.account.broker).tells_margin && spec.parent.is_none() && spec.quantity.is_positive()
}

impl Check<'_> {
    /// Whether an order is so large that the broker has to be asked about it, where it can tell.
    ///
    /// A contract counts by the value that it moves, not by its margin: what it binds is what is asked. An option that is sold
    /// may bind many times its price, so each is asked about. What is not known counts as large.
    pub(super) fn is_asked_about(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        price: Option<Price>,
        limits: &Limits,
    ) -> bool {
        let above = limits.what_if_above;
        if above <= Money::ZERO || !can_be_asked_about(spec) {
            return false;
        }
        if instrument.kind == InstrumentKind::Option && spec.side == Side::Sell {
            return true;
        }
        let value = price.and_then(|price| price.notional(spec.quantity, instrument.multiplier));
        let base = day::base_of(self.state, spec.account).ok();
        let converted = value.zip(base).and_then(|(value, base)| {
            worth::convert(self.state, self.market, value.abs(), instrument.currency, base).ok()
        });
        converted.is_none_or(|converted| converted.amount > above)
    }

    /// Whether the broker has to be asked about an order, whatever it does to what is held, and has given no answer that holds.
    pub(in crate::engine) fn is_unanswered(&self, spec: &OrderSpec) -> bool {
        let Some(instrument) = self.state.instruments.get(&spec.instrument) else {
            return false;
        };
        let limits = self.limits(spec);
        self.is_asked_about(spec, instrument, self.entry_price(spec), &limits)
            && self.binds_told(spec).is_none()
    }

    /// An order that adds risk, and is large, is recorded only where the broker has said what it would bind: the last control
    /// of an order that is sent ([`Check::order`]). Asked alone where the rest was asked before: when a parked order gets its second word.
    ///
    /// # Errors
    /// It said nothing, or that it would not take the order.
    pub(in crate::engine) fn answered(&self, spec: &OrderSpec) -> Result<(), Denial> {
        if effect(self.state, spec) == Effect::Reduces || !self.is_unanswered(spec) {
            return Ok(());
        }
        let told = self.told(spec).map(|answer| &answer.told);
        if let Some(Told::Refused(words)) = told {
            let text = format!("the broker would not take it: {words}");
            return Err(Denial::new(DenialCode::BuyingPower, text));
        }
        let why = match told {
            Some(Told::Nothing(why)) => format!(" ({why})"),
            _ => String::new(),
        };
        let base = day::base_of(self.state, spec.account).map_or(String::new(), |base| format!(" {base}"));
        let text = format!(
            "the broker is asked first what an order above {:.0}{base} would bind ({}), and has not told{why}; nothing was sent: \
             send it again, or one below that",
            self.limits(spec).what_if_above.round_to(0),
            LimitName::WhatIfAbove,
        );
        Err(Denial::new(DenialCode::WhatIf, text))
    }

    /// What the broker said of exactly this order, where it still holds.
    fn told(&self, spec: &OrderSpec) -> Option<&WhatIf> {
        self.market.what_ifs().fresh(&AskedFor::from(spec), self.now)
    }

    /// Whether the broker has said what an order would bind, and that holds.
    pub(super) fn has_told(&self, spec: &OrderSpec) -> bool {
        self.binds_told(spec).is_some()
    }

    fn binds_told(&self, spec: &OrderSpec) -> Option<(&WhatIf, &Binds)> {
        let answer = self.told(spec)?;
        match &answer.told {
            Told::Binds(binds) => Some((answer, binds)),
            Told::Refused(_) | Told::Nothing(_) => None,
        }
    }

    /// By the broker's word as much of the excess liquidity is left as has to stay, and all of the initial margin is there. Passes
    /// what it said nothing about: the estimate is asked then, and [`Check::answered`] where the order is sent.
    pub(super) fn by_the_brokers_word(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        limits: &Limits,
        stands: &Stands<'_>,
    ) -> Result<(), Denial> {
        let Some((answer, binds)) = self.binds_told(spec) else {
            return Ok(());
        };
        let Ok(standing) = stands.get() else {
            // Said already where a share of it is asked for.
            return Ok(());
        };
        let base = standing.base;
        let warning = match binds.warning.as_str() {
            "" => String::new(),
            words => format!(" ({words})"),
        };
        if let Some(lacks) = binds.lacks {
            let currency = binds.currency.unwrap_or(base);
            let text = format!(
                "by the broker's word {} of initial margin would be missing{warning}",
                money(lacks, currency)
            );
            return Err(Denial::new(DenialCode::BuyingPower, text).near(Quantity::ZERO));
        }
        let unknown = |what: String| {
            let text = format!(
                "what the broker said of it can't be held against anything: {what}; nothing was sent"
            );
            Denial::new(DenialCode::WhatIf, text)
        };
        let in_base = |amount: Money, from: Currency| {
            let converted = worth::convert(self.state, self.market, amount, from, base);
            converted.map(|converted| converted.amount).map_err(unknown)
        };
        let currency = binds.currency.unwrap_or(base);
        let initial = in_base(binds.initial, currency)?;
        let by_answer = binds
            .excess_after
            .map(|after| in_base(after, currency))
            .transpose()?;
        let funds = self.state.funds.get(&spec.account);
        let by_account = funds
            .map(|funds| in_base(funds.excess, funds.currency))
            .transpose()?
            .map(|excess| excess.saturating_sub(initial));
        let left = match (by_answer, by_account) {
            (Some(one), Some(other)) => one.min(other),
            (Some(left), None) | (None, Some(left)) => left,
            (None, None) => return Err(unknown("no excess liquidity is told".to_owned())),
        };
        let left = left.saturating_sub(self.bound_beside(spec.account, answer, base));
        let keep = part(standing.worth(), limits.min_excess_bps);
        if limits.min_excess_bps == 0 || left >= keep {
            return Ok(());
        }
        let room = left.saturating_add(initial).saturating_sub(keep);
        let passes = passing(spec.quantity, room, initial, instrument);
        let text = format!(
            "by the broker's word it binds {}, and {} of excess liquidity would be left; {} have to stay; {passes} would pass{warning}",
            money(initial, base),
            money(left, base),
            money(keep, base)
        );
        Err(Denial::new(DenialCode::BuyingPower, text).near(passes))
    }

    /// What orders bind that an answer can't know of, in the account's base currency: those recorded since it was asked for, and
    /// those that the broker has not confirmed. By its own word where that is here, else all that they are worth.
    fn bound_beside(&self, account: AccountKey, answer: &WhatIf, base: Currency) -> Money {
        let counts = |order: &&Order| {
            let there = order.phase.is_live() && order.phase != Phase::Parked || order.filled.is_positive();
            let unseen = matches!(order.phase, Phase::Created | Phase::InFlight | Phase::Uncertain);
            order.spec.account == account
                && order.spec.parent.is_none()
                && there
                && (unseen || order.created_at >= answer.at)
                && !reduces_now(self.state, order)
        };
        let all = self.state.orders.values().filter(counts);
        all.map(|order| self.bound_by(&order.spec, base))
            .fold(Money::ZERO, Money::saturating_add)
    }

    fn bound_by(&self, spec: &OrderSpec, base: Currency) -> Money {
        let Some(instrument) = self.state.instruments.get(&spec.instrument) else {
            return Money::ZERO;
        };
        let in_base = |amount: Money, from: Currency| {
            let converted = worth::convert(self.state, self.market, amount, from, base);
            converted.map_or(amount, |converted| converted.amount)
        };
        if let Some(Told::Binds(binds)) = self
            .market
            .what_ifs()
            .about(&AskedFor::from(spec))
            .map(|answer| &answer.told)
        {
            return in_base(binds.initial, binds.currency.unwrap_or(base)).max(Money::ZERO);
        }
        let price = self.entry_price(spec).unwrap_or(Price::ZERO);
        let value = self.binds(spec, instrument, price).or_else(|| {
            price
                .notional(spec.quantity, instrument.multiplier)
                .map(Money::abs)
        });
        in_base(value.unwrap_or(Money::ZERO), instrument.currency)
    }
}
