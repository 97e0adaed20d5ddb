//! The controls that look at an account as a whole, in its base currency: the loss of its session, gross exposure, and how
//! much of it one name and one issuer may be.

use super::day::{LossStage, Standing, part};
use super::{Check, Stands};
use crate::domain::{
    AccountKey, Currency, Instrument, InstrumentId, InstrumentKind, Limits, Money, OrderSpec, Price,
    Quantity, Side,
};
use crate::engine::command::{Denial, DenialCode};
use crate::engine::figures::sectors::{self, Sector};
use crate::engine::state::State;
use crate::engine::working::Lane;
use crate::engine::worth;
use crate::market::Market;
use std::collections::{BTreeMap, BTreeSet};

impl Check<'_> {
    /// All of them, for an order that adds risk.
    pub(super) fn account_as_a_whole(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        price: Price,
        limits: &Limits,
        stands: &Stands<'_>,
    ) -> Result<(), Denial> {
        if !needs_worth(limits) {
            return Ok(());
        }
        let unknown = |what: String| {
            let text = format!(
                "{what}: the limits that are shares of the account's worth can't be held; cancels and reducing orders pass"
            );
            Denial::new(DenialCode::WorthUnknown, text)
        };
        let standing = stands.get().map_err(unknown)?;
        daily_loss(standing, limits)?;
        self.drawdown(spec, standing, limits)?;
        self.slippage(spec, standing, limits)?;
        let exposure = Exposure::new(self.state, self.market, spec.account, standing.base);
        let order = Order {
            spec,
            instrument,
            unit: exposure.unit(instrument, price).map_err(unknown)?,
        };
        let worth = standing.worth();
        let gross = gross_bps(self.state, spec.account, limits);
        if gross > 0 {
            let others = exposure.gross(Some(instrument.id)).map_err(unknown)?;
            let most = part(worth, gross);
            let what = || format!("gross exposure of {}", share(gross));
            order.within(&exposure, others, most, DenialCode::MaxGross, what)?;
        }
        if !is_bought(instrument) {
            return Ok(());
        }
        if limits.max_name_bps > 0 {
            let most = part(worth, limits.max_name_bps);
            let what = || format!("{} of the account in one name", share(limits.max_name_bps));
            order.within(&exposure, Money::ZERO, most, DenialCode::MaxName, what)?;
        }
        if limits.max_issuer_bps > 0 && instrument.kind != InstrumentKind::Crypto {
            let others = exposure.issuer(instrument).map_err(unknown)?;
            let most = part(worth, limits.max_issuer_bps);
            let what = || {
                format!(
                    "{} of the account in what {} issued and options on it",
                    share(limits.max_issuer_bps),
                    issuer(instrument)
                )
            };
            order.within(&exposure, others, most, DenialCode::Concentration, what)?;
        }
        if limits.max_sector_bps > 0 {
            let sector = sectors::sector(self.state, instrument);
            if sector.counts() {
                let others = exposure.sector(&sector, Some(instrument.id)).map_err(unknown)?;
                let what = || {
                    let share = share(limits.max_sector_bps);
                    format!("{share} of the account in {}", sector.word())
                };
                let most = part(worth, limits.max_sector_bps);
                order.within(&exposure, others, most, DenialCode::Sector, what)?;
            }
        }
        Ok(())
    }
}

/// Gross exposure that an account may come to, in basis points of its worth: where its broker lends nothing, no more than all
/// of it. 0 is off.
pub(super) fn gross_bps(state: &State, key: AccountKey, limits: &Limits) -> u32 {
    let lends = state.funds.get(&key).and_then(|funds| funds.lends);
    match limits.max_gross_bps {
        0 => 0,
        set if lends == Some(false) => set.min(10_000),
        set => set,
    }
}

/// True where a limit is on that needs to know what the account is worth.
fn needs_worth(limits: &Limits) -> bool {
    let shares = [
        limits.daily_loss_reduce_bps,
        limits.daily_loss_lock_bps,
        limits.max_gross_bps,
        limits.max_name_bps,
        limits.max_issuer_bps,
        limits.max_sector_bps,
        limits.max_slippage_bps,
    ];
    limits.max_daily_loss > Money::ZERO
        || limits.max_drawdown > Money::ZERO
        || shares.iter().any(|bps| *bps > 0)
}

/// The loss as it is in this moment, whatever was recorded of it: an order does not wait for a fact to be refused.
fn daily_loss(standing: &Standing, limits: &Limits) -> Result<(), Denial> {
    let loss = standing.loss();
    for stage in [LossStage::Reducing, LossStage::Reached] {
        let Some(threshold) = standing.day.threshold(limits, stage) else {
            continue;
        };
        if loss > Money::ZERO && loss >= threshold {
            let text = format!(
                "the session has lost {}, the limit is {}; only cancels and reducing orders pass until {}",
                money(loss, standing.base),
                money(threshold, standing.base),
                standing.day.until
            );
            return Err(Denial::new(DenialCode::DailyLoss, text));
        }
    }
    Ok(())
}

/// An amount with its currency, as people read it.
pub(super) fn money(amount: Money, currency: Currency) -> String {
    let decimals = currency.minor_decimals();
    format!("{:.*} {currency}", decimals as usize, amount.round_to(decimals))
}

/// Basis points as per cent: `20 %`, `0.05 %`.
pub(super) fn share(bps: u32) -> String {
    match bps % 100 {
        0 => format!("{} %", bps / 100),
        rest => format!("{}.{rest:02} %", bps / 100),
    }
}

/// What is paid for in full: shares, options, coins. A contract or a currency that is settled by difference is held against
/// its own limits and gross exposure.
pub(in crate::engine) fn is_bought(instrument: &Instrument) -> bool {
    matches!(
        instrument.kind,
        InstrumentKind::Equity | InstrumentKind::Option | InstrumentKind::Crypto
    )
}

/// Whose an instrument is, as far as that is known: the underlying of an option, else itself.
pub(super) fn issuer(instrument: &Instrument) -> InstrumentId {
    instrument
        .option
        .map_or(instrument.id, |option| option.underlying)
}

/// The order that is looked at.
struct Order<'a> {
    spec: &'a OrderSpec,
    instrument: &'a Instrument,
    /// What one unit is worth in the base currency.
    unit: Money,
}

impl Order<'_> {
    /// Whether this name, with all that works, stays within `most` beside `others`; with the quantity that would pass.
    fn within(
        &self,
        exposure: &Exposure<'_>,
        others: Money,
        most: Money,
        code: DenialCode,
        what: impl Fn() -> String,
    ) -> Result<(), Denial> {
        let (side, id) = (self.spec.side, self.instrument.id);
        let before = exposure.worst(id);
        let working = exposure.toward(id, side);
        let after = working.saturating_add(self.spec.quantity).abs().max(before);
        if after <= before {
            return Ok(());
        }
        let value = times(self.unit, after).and_then(|value| value.checked_add(others));
        if value.is_some_and(|value| value <= most) {
            return Ok(());
        }
        let room = most.saturating_sub(others).max(Money::ZERO);
        let cap = fits(room, self.unit, self.instrument);
        let passes = Quantity::from_raw(cap.saturating_sub(working).raw().max(0));
        let passes = self.instrument.quantity_down(passes.min(self.spec.quantity));
        let shown = value.map_or_else(
            || "more than can be counted".into(),
            |value| money(value, exposure.base),
        );
        let text = format!(
            "with working orders it could come to {shown}; the limit is {}, {}; {passes} would pass",
            money(most, exposure.base),
            what()
        );
        Err(Denial::new(code, text).near(passes))
    }
}

/// What an account could come to hold, in its base currency: working orders counted in full, at the mark. Gathered once, in one
/// walk over the instruments that are held or worked.
#[derive(Clone, Debug)]
pub struct Exposure<'a> {
    state: &'a State,
    market: &'a Market,
    pub(super) base: Currency,
    /// By instrument, in their order.
    all: Vec<(InstrumentId, Come<'a>)>,
}

/// What one instrument could come to.
#[derive(Clone, Copy, Debug, Default)]
struct Come<'a> {
    held: Quantity,
    buys: Quantity,
    sells: Quantity,
    /// What lives of it.
    lane: Option<&'a Lane>,
}

impl<'a> Come<'a> {
    fn new(held: Quantity, lane: Option<&'a Lane>) -> Self {
        let of = |side| lane.map_or(Quantity::ZERO, |lane| lane.could_execute(side));
        Self {
            held,
            buys: of(Side::Buy),
            sells: of(Side::Sell),
            lane,
        }
    }
    /// The larger of what both sides could come to, and of what is held.
    fn worst(self) -> Quantity {
        let long = self.held.saturating_add(self.buys);
        let short = self.held.negated().saturating_add(self.sells);
        long.abs().max(short.abs()).max(self.held.abs())
    }
    /// The highest price that a working order names: what it is counted at where the market has none.
    fn asked(self) -> Option<Price> {
        self.lane.and_then(Lane::highest)
    }
}

impl<'a> Exposure<'a> {
    /// Of an account whose base currency is `base`.
    pub fn new(state: &'a State, market: &'a Market, key: AccountKey, base: Currency) -> Self {
        let mut held = state.held(key).peekable();
        let mut all = Vec::new();
        for (id, lane) in state.working.lanes(key) {
            while let Some((other, quantity)) = held.next_if(|(other, _)| *other < id) {
                all.push((other, Come::new(quantity, None)));
            }
            let own = held.next_if(|(other, _)| *other == id);
            let quantity = own.map_or(Quantity::ZERO, |(_, quantity)| quantity);
            all.push((id, Come::new(quantity, Some(lane))));
        }
        all.extend(held.map(|(id, quantity)| (id, Come::new(quantity, None))));
        Self {
            state,
            market,
            base,
            all,
        }
    }

    fn come(&self, id: InstrumentId) -> Come<'a> {
        let at = self.all.binary_search_by_key(&id, |(id, _)| *id);
        at.ok()
            .and_then(|at| self.all.get(at))
            .map_or_else(Come::default, |(_, come)| *come)
    }

    /// What would be held if all of one side executed, counted in that side's direction.
    fn toward(&self, id: InstrumentId, side: Side) -> Quantity {
        let come = self.come(id);
        match side {
            Side::Buy => come.held.saturating_add(come.buys),
            Side::Sell => come.held.negated().saturating_add(come.sells),
        }
    }

    /// How many of an instrument could be held, either way.
    pub fn worst(&self, id: InstrumentId) -> Quantity {
        self.come(id).worst()
    }

    /// What one unit at `price` is worth in the base currency; the dearer of that and the mark.
    fn unit(&self, instrument: &Instrument, price: Price) -> Result<Money, String> {
        let mark = self.market.mark(instrument.id).map(|mark| mark.price);
        let price = mark.map_or(price, |mark| mark.max(price));
        let one = price
            .notional(Quantity::ONE, instrument.multiplier)
            .map(Money::abs);
        let one = one.ok_or_else(|| format!("{} is worth more than can be counted", instrument.id))?;
        if instrument.currency == self.base {
            return Ok(one);
        }
        worth::convert(self.state, self.market, one, instrument.currency, self.base)
            .map(|converted| converted.amount)
    }

    /// What an instrument could come to.
    ///
    /// # Errors
    /// It has no price, or its currency no rate.
    pub fn of(&self, id: InstrumentId) -> Result<Money, String> {
        self.value(id, self.come(id))
    }

    fn value(&self, id: InstrumentId, come: Come<'a>) -> Result<Money, String> {
        let worst = come.worst();
        let Some(instrument) = self.state.instruments.get(&id).filter(|_| !worst.is_zero()) else {
            return Ok(Money::ZERO);
        };
        let mark = self.market.mark(id).map(|mark| mark.price);
        let price = mark.or_else(|| come.asked());
        let price = price.ok_or_else(|| format!("{id} is held or worked and has no price now"))?;
        times(self.unit(instrument, price)?, worst)
            .ok_or_else(|| format!("{id} is worth more than can be counted"))
    }

    /// Everything but one instrument.
    ///
    /// # Errors
    /// As [`Exposure::of`].
    pub fn gross(&self, but: Option<InstrumentId>) -> Result<Money, String> {
        self.sum(|id| Some(id) != but)
    }

    /// What else of the same issuer.
    fn issuer(&self, instrument: &Instrument) -> Result<Money, String> {
        let of = issuer(instrument);
        self.sum(|id| {
            let known = || self.state.instruments.get(&id);
            id != instrument.id && known().is_some_and(|other| issuer(other) == of)
        })
    }

    /// What each name, or each issuer, could come to, of what is paid for.
    ///
    /// # Errors
    /// As [`Exposure::of`].
    pub fn each(&self, by_issuer: bool) -> Result<BTreeMap<InstrumentId, Money>, String> {
        let mut sums = BTreeMap::<InstrumentId, Money>::new();
        for (id, come) in self.all.iter().copied() {
            let Some(instrument) = self.state.instruments.get(&id).filter(|i| is_bought(i)) else {
                continue;
            };
            let of = if by_issuer { issuer(instrument) } else { id };
            let sum = sums.entry(of).or_default();
            *sum = plus(*sum, self.value(id, come)?)?;
        }
        Ok(sums)
    }

    /// Some of the instruments.
    fn sum(&self, chosen: impl Fn(InstrumentId) -> bool) -> Result<Money, String> {
        let mut all = self.all.iter().filter(|(id, _)| chosen(*id));
        all.try_fold(Money::ZERO, |sum, (id, come)| plus(sum, self.value(*id, *come)?))
    }

    /// What one sector could come to, longs and shorts added, but for one instrument; nothing of what does not count.
    ///
    /// # Errors
    /// As [`Exposure::of`].
    pub fn sector(&self, sector: &Sector, but: Option<InstrumentId>) -> Result<Money, String> {
        if !sector.counts() {
            return Ok(Money::ZERO);
        }
        self.sum(|id| {
            let known = || self.state.instruments.get(&id).filter(|i| is_bought(i));
            Some(id) != but && known().is_some_and(|other| sectors::sector(self.state, other) == *sector)
        })
    }

    /// The largest that one sector could come to, and which; nothing where that is not known, or no sector is.
    pub fn largest_sector(&self) -> Option<(Sector, Money)> {
        let known = |id: InstrumentId| self.state.instruments.get(&id).filter(|i| is_bought(i));
        let sectors = self.concerned().filter_map(known);
        let sectors: BTreeSet<Sector> = sectors.map(|one| sectors::sector(self.state, one)).collect();
        let mut largest = None;
        for sector in sectors.into_iter().filter(Sector::counts) {
            let sum = self.sector(&sector, None).ok()?;
            if largest.as_ref().is_none_or(|(_, most)| sum > *most) {
                largest = Some((sector, sum));
            }
        }
        largest
    }

    /// What is held or worked.
    pub fn concerned(&self) -> impl Iterator<Item = InstrumentId> {
        self.all.iter().map(|(id, _)| *id)
    }
}

fn plus(sum: Money, more: Money) -> Result<Money, String> {
    sum.checked_add(more)
        .ok_or_else(|| "the exposure is more than can be counted".to_owned())
}

/// A value for so many units.
pub(super) fn times(unit: Money, quantity: Quantity) -> Option<Money> {
    let one = i128::from(Quantity::ONE.raw());
    let quantity = i128::from(quantity.raw());
    let whole = unit.raw().checked_mul(quantity / one)?;
    let rest = (unit.raw() / one).checked_mul(quantity % one)?;
    whole.checked_add(rest).map(Money::from_raw)
}

/// The largest whole-lot quantity that an amount has room for.
pub(super) fn fits(room: Money, unit: Money, instrument: &Instrument) -> Quantity {
    if unit <= Money::ZERO {
        return Quantity::ZERO;
    }
    let raw = room.raw().saturating_mul(i128::from(Quantity::ONE.raw())) / unit.raw();
    instrument.quantity_down(Quantity::from_raw(i64::try_from(raw).unwrap_or(i64::MAX)))
}
