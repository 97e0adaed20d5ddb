//! What is held against each limit of an account: measured here alone, for the watch that finds breaches (`breach`) and for those
//! who are shown how much is used (`usage`).

use super::day::{LossStage, Standing, part};
use super::drawdown::{fallen, tenths};
use super::losing_exits;
use super::slippage::slipped;
use super::usage::Amount;
use super::worth::{Exposure, gross_bps};
use crate::domain::{
    AccountKey, Currency, InstrumentId, InstrumentKind, LimitName, Limits, Money, Quantity, Side,
};
use crate::engine::state::State;
use crate::market::Market;

/// By which part of the limit it has to be back within it, where it is money.
const WITHIN: i128 = 20;

/// One thing that is held against a limit.
pub(super) struct Measure {
    /// Of which instrument, or of which issuer's; nothing where it is the account's as a whole.
    pub(super) of: Option<InstrumentId>,
    pub(super) used: Amount,
    pub(super) most: Amount,
    /// In what, where it is money.
    pub(super) currency: Currency,
}

impl Measure {
    /// Beyond the limit; below it where something has to be left.
    pub(super) fn is_over(&self, name: LimitName) -> bool {
        let (used, most) = (self.used.raw(), self.most.raw());
        match name {
            LimitName::MinExcessBps => used < most,
            // There it is too late.
            LimitName::MaxDrawdown => used >= most,
            _ => used > most,
        }
    }
    /// Well within it.
    pub(super) fn is_back(&self, name: LimitName) -> bool {
        let (used, most) = (self.used.raw(), self.most.raw());
        let room = match self.most {
            Amount::Money(_) => most / WITHIN,
            Amount::Count(_) => 0,
        };
        if name == LimitName::MinExcessBps {
            used >= most.saturating_add(room)
        } else {
            used <= most.saturating_sub(room)
        }
    }
}

/// What of something is used, and in which currency where that is money.
type Used = (Option<InstrumentId>, Amount, Currency);

/// What an account's limits are measured on.
pub(super) struct Ground<'a> {
    state: &'a State,
    market: &'a Market,
    key: AccountKey,
    limits: &'a Limits,
    base: Currency,
    /// Where it stands in its session, and what it could come to; nothing while that is not known.
    known: Option<(&'a Standing, Exposure<'a>)>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(
        (state, market): (&'a State, &'a Market),
        key: AccountKey,
        limits: &'a Limits,
        standing: Option<&'a Standing>,
    ) -> Self {
        let reported = || state.accounts.get(&key).map(|entry| entry.account.base);
        let base = standing.map(|standing| standing.base).or_else(reported);
        let exposure = |standing: &'a Standing| (standing, Exposure::new(state, market, key, standing.base));
        Self {
            state,
            market,
            key,
            limits,
            base: base.unwrap_or(Currency::USD),
            known: standing.map(exposure),
        }
    }

    /// Everything that is held against a limit; nothing where it is off.
    ///
    /// # Errors
    /// What of it is not known: then nobody can say that it is breached, nor that it is not.
    pub(super) fn measures(&self, name: LimitName) -> Result<Vec<Measure>, String> {
        let Some(most) = self.most(name) else {
            return Ok(Vec::new());
        };
        let measure = |(of, used, currency)| Measure {
            of,
            used,
            most,
            currency,
        };
        Ok(self.used(name)?.into_iter().map(measure).collect())
    }

    /// The largest thing that is held against a limit, whether it is on or off; nothing where that is not known, or the limit is
    /// asked of each order alone.
    pub(super) fn largest(&self, name: LimitName) -> Option<Amount> {
        let none = match name {
            LimitName::MaxLiveOrders | LimitName::MaxContractsEach => Amount::Count(0),
            LimitName::MaxNameBps
            | LimitName::MaxIssuerBps
            | LimitName::WarnSectorBps
            | LimitName::MaxSectorBps => Amount::Money(Money::ZERO),
            _ => return self.used(name).ok()?.first().map(|(_, used, _)| *used),
        };
        let all = self.used(name).ok()?.into_iter().map(|(_, used, _)| used);
        Some(all.max_by_key(|used| used.raw()).unwrap_or(none))
    }

    /// What it may come to; nothing where it is off, or not known.
    pub(super) fn most(&self, name: LimitName) -> Option<Amount> {
        let limits = self.limits;
        let standing = || self.known.as_ref().map(|(standing, _)| *standing);
        let share = |bps: u32| {
            let worth = standing().filter(|_| bps > 0)?.worth();
            Some(Amount::Money(part(worth, bps)))
        };
        let count = |most: u32| (most > 0).then_some(Amount::Count(most.into()));
        let amount = |most: Money| (most > Money::ZERO).then_some(Amount::Money(most));
        let loss = |stage| standing()?.day.threshold(limits, stage).map(Amount::Money);
        match name {
            LimitName::DailyLossWarnBps => loss(LossStage::Warned),
            LimitName::DailyLossReduceBps => loss(LossStage::Reducing),
            LimitName::DailyLossLockBps => loss(LossStage::Reached),
            LimitName::MaxDailyLoss => amount(limits.max_daily_loss),
            LimitName::WarnSectorBps => share(limits.warn_sector_bps),
            LimitName::MaxSectorBps => share(limits.max_sector_bps),
            LimitName::LossStreak => count(limits.loss_streak),
            LimitName::MaxGrossBps => share(gross_bps(self.state, self.key, limits)),
            LimitName::MaxNameBps => share(limits.max_name_bps),
            LimitName::MaxIssuerBps => share(limits.max_issuer_bps),
            LimitName::MinExcessBps => share(limits.min_excess_bps),
            LimitName::MaxPositionValue => Some(Amount::Money(limits.max_position_value)),
            LimitName::MaxLiveOrders => Some(Amount::Count(limits.max_live_orders.into())),
            LimitName::MaxTotalOrders => count(limits.max_total_orders),
            LimitName::MaxContracts => count(limits.max_contracts),
            LimitName::MaxContractsEach => count(limits.max_contracts_each),
            // Each is asked of one order alone: what that may come to by it.
            LimitName::MaxOrderCost => amount(limits.max_order_cost),
            LimitName::MaxOrderBps => share(limits.max_order_bps),
            LimitName::MaxDrawdown => amount(limits.max_drawdown),
            LimitName::MaxSlippageBps => {
                let standing = standing().filter(|_| limits.max_slippage_bps > 0)?;
                Some(Amount::Money(part(standing.day.opening, limits.max_slippage_bps)))
            }
            LimitName::KeepHours => Some(Amount::Count(0)),
            _ => None,
        }
    }

    /// Everything that is held against a limit.
    fn used(&self, name: LimitName) -> Result<Vec<Used>, String> {
        let known = self.known.as_ref();
        let known = || known.ok_or_else(|| format!("where {} stands is not known", self.key));
        let whole = |used| vec![(None, used, self.base)];
        let each = |by_issuer| {
            let all = known()?.1.each(by_issuer)?.into_iter();
            let one = |(id, used)| (Some(id), Amount::Money(used), self.base);
            Ok::<_, String>(all.map(one).collect())
        };
        Ok(match name {
            LimitName::DailyLossWarnBps
            | LimitName::DailyLossReduceBps
            | LimitName::DailyLossLockBps
            | LimitName::MaxDailyLoss => whole(Amount::Money(known()?.0.loss())),
            LimitName::WarnSectorBps | LimitName::MaxSectorBps => {
                let largest = known()?.1.largest_sector();
                largest.map_or_else(Vec::new, |(_, sum)| whole(Amount::Money(sum)))
            }
            LimitName::LossStreak => whole(count(losing_exits(self.state, self.key))),
            LimitName::MaxGrossBps => whole(Amount::Money(known()?.1.gross(None)?)),
            LimitName::MaxNameBps => each(false)?,
            LimitName::MaxIssuerBps => each(true)?,
            LimitName::MaxPositionValue => self.positions(&known()?.1),
            LimitName::MinExcessBps => {
                let funds = self.state.funds.get(&self.key);
                let funds = funds.filter(|funds| funds.currency == self.base);
                funds.map_or_else(Vec::new, |funds| whole(Amount::Money(funds.excess)))
            }
            LimitName::MaxLiveOrders => self.sides(),
            LimitName::MaxTotalOrders => whole(count(self.state.working_count(self.key))),
            LimitName::MaxDrawdown => {
                let fell = fallen(self.state, self.key, known()?.0.worth());
                whole(Amount::Money(fell))
            }
            LimitName::MaxContracts => {
                let exposure = &known()?.1;
                let tenths = tenths(self.state, self.key, |id| exposure.worst(id));
                // A part of one counts as one.
                whole(Amount::Count(
                    u64::try_from((tenths + 9) / 10).unwrap_or(u64::MAX),
                ))
            }
            LimitName::MaxContractsEach => self.futures(&known()?.1),
            LimitName::MaxSlippageBps => {
                let day = &known()?.0.day;
                let slipped = slipped(self.state, self.market, self.key, day, self.base)?;
                whole(Amount::Money(slipped))
            }
            LimitName::KeepHours => self.held_when_flat(),
            _ => Vec::new(),
        })
    }

    /// What is held while the account's rule pack wants it flat.
    fn held_when_flat(&self) -> Vec<Used> {
        let Some(pack) = self.state.pack(self.key) else {
            return Vec::new();
        };
        let held: Vec<InstrumentId> = self.state.held(self.key).map(|(id, _)| id).collect();
        let at = held.iter().filter_map(|id| self.market.venue_time(*id)).max();
        let window = at.and_then(|at| pack.flat_at(at).filter(|window| window.at <= at));
        window.map_or_else(Vec::new, |_| vec![(None, count(held.len()), self.base)])
    }

    /// Each position that could result, in its own currency. One without a price says nothing of the others.
    fn positions(&self, exposure: &Exposure<'_>) -> Vec<Used> {
        let one = |id: InstrumentId| {
            let instrument = self.state.instruments.get(&id)?;
            let mark = self.market.mark(id)?.price;
            let value = mark.notional(exposure.worst(id), instrument.multiplier)?;
            Some((Some(id), Amount::Money(value.abs()), instrument.currency))
        };
        exposure.concerned().filter_map(one).collect()
    }

    /// Contracts of each future that could be held, a part of one as one.
    fn futures(&self, exposure: &Exposure<'_>) -> Vec<Used> {
        let is_future = |id: &InstrumentId| {
            let known = self.state.instruments.get(id);
            known.is_some_and(|instrument| instrument.kind == InstrumentKind::Future)
        };
        let one = Quantity::ONE.raw();
        let contracts = |id| exposure.worst(id).raw().max(0).saturating_add(one - 1) / one;
        let each = exposure.concerned().filter(is_future);
        each.map(|id| {
            (
                Some(id),
                count(usize::try_from(contracts(id)).unwrap_or(usize::MAX)),
                self.base,
            )
        })
        .collect()
    }

    /// The longer side of live orders in each instrument.
    fn sides(&self) -> Vec<Used> {
        let lanes = self.state.working.lanes(self.key);
        let longer = lanes.map(|(id, lane)| (id, lane.orders(Side::Buy).max(lane.orders(Side::Sell))));
        let some = longer.filter(|(_, longer)| *longer > 0);
        some.map(|(id, longer)| (Some(id), count(longer), self.base))
            .collect()
    }
}

fn count(of: usize) -> Amount {
    Amount::Count(u64::try_from(of).unwrap_or(u64::MAX))
}
