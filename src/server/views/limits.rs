//! Limits as programs see them: each with what it is set to, by what, how much of it is used and how far its breach is; and the
//! session that the account's loss is counted in.

use crate::domain::{AccountKey, Currency, Money, RulePack, Timestamp};
use crate::engine::State;
use crate::engine::risk::usage::{Amount, Look, Usage, look};
use crate::engine::risk::{LossStage, drawdown};
use crate::market::Market;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The limits of an account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AccountLimits {
    /// Which broker.
    pub broker: String,
    /// Which account.
    pub account: String,
    /// The account's base currency, in which amounts here are.
    pub currency: String,
    /// Every limit that can be changed while the engine runs.
    pub limits: Vec<LimitRow>,
    /// The session that the loss is counted in; null where it is not known.
    pub session: Option<SessionRow>,
    /// Why nothing that adds risk leaves now, where something holds it back.
    pub held_back: Option<String>,
    /// What is not known of the account's worth, in words; its shares can't be held then, and nothing is opened.
    pub unknown: Option<String>,
    /// Of each future that is held: how many ticks of all contracts take what is left until the largest loss.
    pub distance: Vec<TicksRow>,
    /// The rule pack that the account is held to; null where it has none.
    pub rules: Option<RulesRow>,
    /// What is left beyond margin, by the broker's word; null where it tells nothing: then nothing is held against it.
    pub excess_liquidity: Option<String>,
}

/// A firm's rule pack, and where the account stands in it. Limits that follow from it are among the others.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RulesRow {
    /// What it is called.
    pub title: String,
    /// When it was written down.
    pub dated: String,
    /// From where.
    pub source: String,
    /// `end of day`, `intraday` or `static`.
    pub drawdown: &'static str,
    /// The highest worth that counts.
    pub high: Option<String>,
    /// The firm's own floor; the engine acts above it.
    pub floor: Option<String>,
    /// What is still to be won.
    pub target_left: Option<String>,
    /// What the best day that is over won.
    pub best_day: Option<String>,
    /// What part of all that was won the best day is, today counted, in per cent; null where nothing was won.
    pub best_day_percent: Option<u32>,
    /// What part it may be.
    pub consistency_percent: Option<u32>,
    /// When nothing may be held.
    pub flat: Option<String>,
}

/// One limit.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LimitRow {
    /// As in config.toml.
    pub name: String,
    /// What it is.
    pub what: &'static str,
    /// What it is set to, as in config.toml.
    pub value: String,
    /// What config.toml says: above that takes the second factor.
    pub ceiling: String,
    /// `config.toml`, or who changed it and until when.
    pub source: String,
    /// Until when the change holds; null where it has no end or there is none.
    pub until: Option<String>,
    /// What it is made of now, in money or a count; null where that is not known, or it is asked of each order alone.
    pub used: Option<String>,
    /// What that may become; null as `used`, and where it is off.
    pub most: Option<String>,
    /// Money until its breach.
    pub left: Option<String>,
    /// How much of it is used, in per cent, rounded up.
    pub percent: Option<u32>,
    /// True where it is switched off.
    pub off: bool,
    /// What a breach does: `refuse`, `reduce_only`, `cancel_entries`, `lock` or `liquidate`.
    pub does: &'static str,
    /// The code of its refusal.
    pub code: &'static str,
    /// Breaches of it that stand, each with its instrument where it is one's, and since when.
    pub breached: Vec<BreachRow>,
}

/// A breach that stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BreachRow {
    /// Of which instrument, or of which issuer's; null where it is the account's as a whole.
    pub symbol: Option<String>,
    /// Since when.
    pub since: String,
}

/// A session, in the base currency.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionRow {
    /// When it began, by the venue's clock.
    pub from: String,
    /// When the next one begins.
    pub until: String,
    /// What the account was worth then, at its least.
    pub opening: String,
    /// Realised, open and fees since.
    pub result: String,
    /// `within`, `warned`, `reduce only` or `reached`.
    pub stage: &'static str,
}

/// The distance to the largest loss in one future.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TicksRow {
    /// To the breach of which limit.
    pub limit: &'static str,
    /// Which.
    pub symbol: String,
    /// How many contracts are held; negative is short.
    pub contracts: String,
    /// So many ticks against them.
    pub ticks: i64,
}

/// The limits of an account, at `at` of the venue's clock.
pub fn account_limits(state: &State, market: &Market, key: AccountKey, at: Timestamp) -> AccountLimits {
    let base = state.accounts.get(&key).map(|entry| entry.account.base);
    let base = base.unwrap_or(Currency::USD);
    let Look {
        standing,
        limits,
        ticks,
        held_back,
    } = look(state, market, key, at);
    let session = standing.as_ref().ok().map(|standing| SessionRow {
        from: standing.day.from.to_string(),
        until: standing.day.until.to_string(),
        opening: money(standing.day.opening, base),
        result: money(standing.result, base),
        stage: standing.day.stage.max(LossStage::None).word(),
    });
    let rules = state.pack(key).map(|pack| {
        let standing = standing.as_ref().ok();
        rules(
            state,
            key,
            pack,
            standing.map(|standing| (standing.worth(), standing.result)),
        )
    });
    let funds = state.funds.get(&key);
    AccountLimits {
        broker: key.broker.to_string(),
        account: key.account.to_string(),
        currency: base.to_string(),
        limits: limits.iter().map(|usage| row(usage, base)).collect(),
        session,
        held_back,
        unknown: standing.err(),
        distance: ticks
            .iter()
            .map(|ticks| TicksRow {
                limit: ticks.limit.as_str(),
                symbol: ticks.instrument.to_string(),
                contracts: ticks.contracts.to_string(),
                ticks: ticks.ticks,
            })
            .collect(),
        rules,
        excess_liquidity: funds.map(|funds| money(funds.excess, funds.currency)),
    }
}

/// An account in its rule pack; with its worth and the session's result where they are known.
fn rules(state: &State, key: AccountKey, pack: &RulePack, now: Option<(Money, Money)>) -> RulesRow {
    let shown = |amount| money(amount, pack.currency);
    let high = drawdown::high(state, key);
    let best = state.peaks.get(&key).map(|peak| peak.best_day);
    let won = now.map(|(worth, _)| worth.saturating_sub(pack.start));
    let best_now = now.map(|(_, today)| today.max(best.unwrap_or_default()));
    let percent = best_now.zip(won).and_then(|(best, won)| {
        let is_won = won > Money::ZERO && best > Money::ZERO;
        is_won.then(|| u32::try_from(best.raw() / (won.raw() / 100).max(1)).unwrap_or(u32::MAX))
    });
    RulesRow {
        title: pack.title.to_string(),
        dated: pack.dated.to_string(),
        source: pack.source.to_string(),
        drawdown: pack.drawdown.word(),
        high: high.map(shown),
        floor: high.and_then(|high| pack.floor(high)).map(shown),
        target_left: pack
            .profit_target
            .zip(won)
            .map(|(target, won)| shown(target.saturating_sub(won).max(Money::ZERO))),
        best_day: best.map(shown),
        best_day_percent: percent,
        consistency_percent: pack.consistency_percent,
        flat: pack.flat.as_ref().map(ToString::to_string),
    }
}

/// The same as JSON.
pub fn view(state: &State, market: &Market, key: AccountKey, at: Timestamp) -> Value {
    serde_json::to_value(account_limits(state, market, key, at)).unwrap_or_default()
}

fn row(usage: &Usage, base: Currency) -> LimitRow {
    let amount = |amount: Amount| match amount {
        Amount::Money(amount) => money(amount, base),
        Amount::Count(count) => count.to_string(),
    };
    let until = usage.change.as_ref().and_then(|change| change.until);
    LimitRow {
        name: usage.name.to_string(),
        what: usage.name.what(),
        value: usage.value.to_string(),
        ceiling: usage.ceiling.to_string(),
        source: usage.change.as_ref().map_or_else(
            || "config.toml".to_owned(),
            |change| match change.until {
                Some(until) => format!("{} until {until}", change.by),
                None => change.by.to_string(),
            },
        ),
        until: until.map(|until| until.to_string()),
        used: usage.used.map(amount),
        most: usage.most.map(amount),
        left: usage.left().map(|left| money(left, base)),
        percent: usage.percent(),
        off: usage.is_off(),
        does: usage.does.word(),
        code: usage.code.as_str(),
        breached: usage
            .breached
            .iter()
            .map(|(of, since)| BreachRow {
                symbol: of.map(|id| id.to_string()),
                since: since.to_string(),
            })
            .collect(),
    }
}

fn money(amount: Money, currency: Currency) -> String {
    let decimals = currency.minor_decimals();
    format!("{:.*}", decimals as usize, amount.round_to(decimals))
}
