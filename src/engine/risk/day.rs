//! An account's session and what became of it: what the account was worth when the session began, and the result since,
//! realised, open and fees, in its base currency. What is not known counts at its worst, or the answer is that it is not
//! known: never zero. Executions move the result, never cash: cash comes later than the trade that it pays.
//!
//! A session is 24 hours from 17:00 in New York on, by the venue's clock (a tape's is years away from ours): before any
//! exchange here begins its next trading day, and after all of them in America closed their last.

use crate::domain::{
    AccountKey, Breach, CalendarId, Currency, Instrument, InstrumentId, InstrumentKind, Limits, Money, Price,
    Quantity, Timestamp,
};
use crate::engine::state::{Ledger, State};
use crate::engine::{terms, worth};
use crate::market::Market;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How far the loss of a session has come. It only goes up until the next session begins, or a person ends what may be ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossStage {
    /// Nowhere near.
    #[default]
    None,
    /// People were warned.
    Warned,
    /// Only what reduces passes.
    Reducing,
    /// The largest loss was reached.
    Reached,
}
impl LossStage {
    /// Those that something happens at.
    pub const ALL: [Self; 3] = [Self::Warned, Self::Reducing, Self::Reached];
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "within",
            Self::Warned => "warned",
            Self::Reducing => "reduce only",
            Self::Reached => "reached",
        }
    }
}

/// The session of an account, as it stands in the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskDay {
    /// When it began, by the venue's clock.
    pub from: Timestamp,
    /// When the next one begins.
    pub until: Timestamp,
    /// What the account was worth then, at its least, in its base currency.
    pub opening: Money,
    /// The prices at which what was held then counts.
    pub marks: BTreeMap<InstrumentId, Price>,
    /// How far its loss has come.
    pub stage: LossStage,
    /// What the largest loss did, once it was reached.
    pub does: Option<Breach>,
}

impl RiskDay {
    /// The loss from which on a stage is reached; nothing where its limits are off.
    pub fn threshold(&self, limits: &Limits, stage: LossStage) -> Option<Money> {
        let (bps, quarters) = match stage {
            LossStage::None => return None,
            LossStage::Warned => (limits.daily_loss_warn_bps, 2),
            LossStage::Reducing => (limits.daily_loss_reduce_bps, 3),
            LossStage::Reached => (limits.daily_loss_lock_bps, 4),
        };
        let share = (bps > 0).then(|| part(self.opening, bps));
        let amount = limits.max_daily_loss;
        let amount = (amount > Money::ZERO).then(|| Money::from_raw(amount.raw() / 4 * quarters));
        match (share, amount) {
            (Some(share), Some(amount)) => Some(share.min(amount)),
            (share, amount) => share.or(amount),
        }
    }

    /// The stage that a result has come to by itself.
    pub fn stage_of(&self, limits: &Limits, result: Money) -> LossStage {
        let loss = Money::ZERO.saturating_sub(result);
        let reached = |stage: &LossStage| {
            let threshold = self.threshold(limits, *stage);
            threshold.is_some_and(|threshold| loss > Money::ZERO && loss >= threshold)
        };
        let stage = LossStage::ALL.into_iter().rev().find(reached);
        let most = match limits.daily_loss_does {
            Breach::Refuse => LossStage::Warned,
            Breach::ReduceOnly => LossStage::Reducing,
            _ => LossStage::Reached,
        };
        stage.unwrap_or_default().min(most)
    }

    /// True where a person can end what the loss did: it comes back where the loss is still as large.
    pub fn may_be_ended(&self) -> bool {
        match self.stage {
            LossStage::Reducing => true,
            LossStage::Reached => self.does.is_some_and(|does| does < Breach::Lock),
            LossStage::None | LossStage::Warned => false,
        }
    }
}

/// Where an account stands in its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its base currency, in which everything here is.
    pub base: Currency,
    /// The session.
    pub day: RiskDay,
    /// What was won since; negative is a loss.
    pub result: Money,
}
impl Standing {
    /// What the account is worth, at its least: what it began with, and what it made of it.
    pub fn worth(&self) -> Money {
        self.day.opening.saturating_add(self.result)
    }
    /// What was lost.
    pub fn loss(&self) -> Money {
        Money::ZERO.saturating_sub(self.result).max(Money::ZERO)
    }
}

/// Basis points of an amount; nothing of a negative one.
pub fn part(of: Money, bps: u32) -> Money {
    Money::from_raw((of.raw().max(0) / 10_000).saturating_mul(i128::from(bps)))
}

/// Where an account stands at `at` of the venue's clock: by the session in the state, or by one that would begin now.
///
/// # Errors
/// What of it is not known, in words.
pub fn standing(state: &State, market: &Market, key: AccountKey, at: Timestamp) -> Result<Standing, String> {
    let known = state.days.get(&key).filter(|day| at < day.until);
    let day = match known {
        Some(day) => day.clone(),
        None => begin(state, market, key, at)?,
    };
    Ok(Standing {
        base: base_of(state, key)?,
        result: result(state, market, key, &day)?,
        day,
    })
}

pub(super) fn base_of(state: &State, key: AccountKey) -> Result<Currency, String> {
    let account = state.accounts.get(&key).filter(|account| account.opened);
    let account = account.ok_or_else(|| format!("what {key} holds has not been read yet"))?;
    Ok(account.account.base)
}

/// The session that `at` lies in, as it begins with what is known now. What is held from before counts at the previous close
/// where the market's day began after the session did, else at its mark now.
///
/// # Errors
/// What of it is not known, in words.
pub fn begin(state: &State, market: &Market, key: AccountKey, at: Timestamp) -> Result<RiskDay, String> {
    let session = CalendarId::Always
        .trading_day(at)
        .ok_or_else(|| format!("no session is known for {at}"))?;
    let mut marks = BTreeMap::new();
    for (id, ledger) in ledgers(state, key) {
        if before(ledger, session.start).is_zero() {
            continue;
        }
        let ticker = market.ticker(id);
        let close = ticker.and_then(|ticker| {
            let began = ticker.trading_day?.start;
            ticker.previous_close.filter(|_| began >= session.start)
        });
        let mark = close.or_else(|| market.mark(id).map(|mark| mark.price));
        marks.insert(id, mark.ok_or_else(|| no_price(id))?);
    }
    let mut day = RiskDay {
        from: session.start,
        until: session.next,
        opening: Money::ZERO,
        marks,
        stage: LossStage::None,
        does: None,
    };
    let worth = least_worth(state, market, key)?;
    day.opening = worth.saturating_sub(result(state, market, key, &day)?);
    Ok(day)
}

fn ledgers(state: &State, key: AccountKey) -> impl Iterator<Item = (InstrumentId, &Ledger)> {
    let all = state.ledgers.iter().filter(move |((owner, _), _)| *owner == key);
    all.map(|((_, id), ledger)| (*id, ledger))
}

fn no_price(id: InstrumentId) -> String {
    format!("{id} is held and has no price now")
}

/// What of a position is from before `from`.
fn before(ledger: &Ledger, from: Timestamp) -> Quantity {
    let since = ledger.executions.iter().filter(|execution| execution.at >= from);
    since.fold(ledger.position.quantity, |rest, execution| {
        rest.saturating_sub(execution.side.signed(execution.quantity))
    })
}

/// The result of a session: realised, open and fees, in the account's base currency.
///
/// # Errors
/// What of it is not known, in words.
pub fn result(state: &State, market: &Market, key: AccountKey, day: &RiskDay) -> Result<Money, String> {
    let base = base_of(state, key)?;
    let mut sum = Money::ZERO;
    for (id, ledger) in ledgers(state, key) {
        let Some(instrument) = state.instruments.get(&id) else {
            continue;
        };
        let (won, foreign) = of_one(market, key, instrument, ledger, day)?;
        sum = add(sum, in_base(state, market, won, instrument.currency, base)?)?;
        for (fee, currency) in foreign {
            let fee = in_base(state, market, fee, currency, base)?;
            sum = add(sum, fee.negated())?;
        }
    }
    Ok(sum)
}

fn add(sum: Money, more: Money) -> Result<Money, String> {
    sum.checked_add(more)
        .ok_or_else(|| "the account's result is more than can be counted".to_owned())
}

fn in_base(
    state: &State,
    market: &Market,
    amount: Money,
    from: Currency,
    base: Currency,
) -> Result<Money, String> {
    if amount == Money::ZERO || from == base {
        return Ok(amount);
    }
    worth::convert(state, market, amount, from, base).map(|converted| converted.amount)
}

/// One instrument's result in its own currency, and fees that were charged in others. What is held now at its mark, less
/// what it cost since the session began, less what was held then at its mark then.
fn of_one(
    market: &Market,
    key: AccountKey,
    instrument: &Instrument,
    ledger: &Ledger,
    day: &RiskDay,
) -> Result<(Money, Vec<(Money, Currency)>), String> {
    let id = instrument.id;
    let value = |price: Price, quantity: Quantity| {
        price
            .notional(quantity, instrument.multiplier)
            .ok_or_else(|| format!("{id} is worth more than can be counted"))
    };
    let (mut won, mut foreign) = (Money::ZERO, Vec::new());
    for execution in ledger
        .executions
        .iter()
        .filter(|execution| execution.at >= day.from)
    {
        let paid = value(execution.price, execution.side.signed(execution.quantity))?;
        won = won.saturating_sub(paid);
        match execution.fee {
            Some(fee) if fee.currency == instrument.currency => won = won.saturating_sub(fee.amount),
            Some(fee) => foreign.push((fee.amount, fee.currency)),
            None => {
                let worst = terms::worst_fee(key.broker, instrument, execution.quantity, paid.abs());
                won = won.saturating_sub(worst);
            }
        }
    }
    let held = ledger.position.quantity;
    if !held.is_zero() {
        let mark = market.mark(id).ok_or_else(|| no_price(id))?;
        won = won.saturating_add(value(mark.price, held)?);
    }
    let overnight = before(ledger, day.from);
    if !overnight.is_zero() {
        // What came to be held otherwise than by an execution since then has made no result yet.
        let mark = day.marks.get(&id).copied();
        let mark = mark.or_else(|| market.mark(id).map(|mark| mark.price));
        won = won.saturating_sub(value(mark.ok_or_else(|| no_price(id))?, overnight)?);
    }
    Ok((won, foreign))
}

/// What an account is worth at its least. Cash in a currency that nobody quotes counts nothing where it is owned, and is
/// unknown where it is owed; what is held needs a price.
fn least_worth(state: &State, market: &Market, key: AccountKey) -> Result<Money, String> {
    let account = state.accounts.get(&key).filter(|account| account.opened);
    let account = &account
        .ok_or_else(|| format!("what {key} holds has not been read yet"))?
        .account;
    let cash = account.cash.as_ref();
    let mut sum = Money::ZERO;
    for (currency, amount) in cash.ok_or_else(|| format!("the cash of {key} is not known"))? {
        match in_base(state, market, *amount, *currency, account.base) {
            Ok(amount) => sum = add(sum, amount)?,
            Err(_) if *amount > Money::ZERO => {}
            Err(what) => return Err(what),
        }
    }
    for (id, ledger) in ledgers(state, key) {
        let held = ledger.position.quantity;
        let Some(instrument) = state.instruments.get(&id).filter(|_| !held.is_zero()) else {
            continue;
        };
        let mark = market.mark(id).ok_or_else(|| no_price(id))?.price;
        let value = match instrument.kind {
            InstrumentKind::Future | InstrumentKind::Forex => {
                ledger.position.unrealized(mark, instrument.multiplier)
            }
            _ => mark.notional(held, instrument.multiplier),
        };
        let value = value.ok_or_else(|| format!("{id} is worth more than can be counted"))?;
        sum = add(
            sum,
            in_base(state, market, value, instrument.currency, account.base)?,
        )?;
    }
    Ok(sum)
}
