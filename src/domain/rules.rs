//! A rule pack: what a firm whose money is traded ends an account for, as data in a file. Ours are the tighter limits that follow
//! from it, at a part of the firm's amounts, so that the firm's own are never reached first. Who holds an account against them
//! is `engine::risk`.

use super::id::InstrumentId;
use super::instrument::Instrument;
use super::limits::{LimitName, LimitValue};
use super::number::{Currency, Money};
use super::recurring::{Occurrence, Recurring};
use super::text::SafeText;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// From which worth a fall is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drawdown {
    /// The highest at the end of a session.
    #[default]
    EndOfDay,
    /// The highest ever, open profit counted.
    Intraday,
    /// What the account began with.
    Static,
}
impl Drawdown {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::EndOfDay => "end of day",
            Self::Intraday => "intraday",
            Self::Static => "static",
        }
    }
}

/// How many micros count as one contract.
const MICROS: u32 = 10;

fn usual_minutes() -> u32 {
    5
}
fn usual_part() -> u32 {
    95
}

/// A firm's rules for an account. Amounts are in `currency`; what is absent the firm does not ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulePack {
    /// What it is called.
    pub title: SafeText,
    /// When it was written down.
    pub dated: SafeText,
    /// From where.
    pub source: SafeText,
    /// What amounts are in.
    pub currency: Currency,
    /// What the account begins with.
    pub start: Money,
    /// What has to be won.
    #[serde(default)]
    pub profit_target: Option<Money>,
    /// Largest loss of a session, open profit counted.
    #[serde(default)]
    pub daily_loss: Option<Money>,
    /// How far the account may fall.
    #[serde(default)]
    pub max_drawdown: Option<Money>,
    /// From where.
    #[serde(default)]
    pub drawdown: Drawdown,
    /// The floor rises no higher than this.
    #[serde(default)]
    pub drawdown_stops_at: Option<Money>,
    /// Contracts in all.
    #[serde(default)]
    pub contracts: Option<u32>,
    /// Roots of which ten count as one contract.
    #[serde(default)]
    pub micros: Vec<InstrumentId>,
    /// The best day's part of all that was won, in per cent. Shown; nothing is refused for it.
    #[serde(default)]
    pub consistency_percent: Option<u32>,
    /// When nothing may be held, such as `Mon-Fri 15:10-17:00 America/Chicago`.
    #[serde(default)]
    pub flat: Option<SafeText>,
    /// For how many minutes before that new risk is refused.
    #[serde(default = "usual_minutes")]
    pub flat_minutes: u32,
    /// Where the engine acts, in per cent of the firm's amounts.
    #[serde(default = "usual_part")]
    pub ours_percent: u32,
}

impl RulePack {
    /// Whether it can be held to.
    ///
    /// # Errors
    /// What is wrong, in words with its key.
    pub fn check(&self) -> Result<(), String> {
        let amounts = [
            ("start", Some(self.start)),
            ("profit_target", self.profit_target),
            ("daily_loss", self.daily_loss),
            ("max_drawdown", self.max_drawdown),
            ("drawdown_stops_at", self.drawdown_stops_at),
        ];
        for (key, amount) in amounts {
            if amount.is_some_and(|amount| amount <= Money::ZERO) {
                return Err(format!("{key}: must be above zero"));
            }
        }
        if !(1..=100).contains(&self.ours_percent) {
            return Err("ours_percent: 1 to 100; the engine's own limits are never beyond the firm's".into());
        }
        if self.contracts == Some(0) {
            return Err("contracts: must be above zero".into());
        }
        if self.flat_minutes > 240 {
            return Err("flat_minutes: 0 to 240".into());
        }
        if let Some(flat) = &self.flat {
            let window = flat.as_str().parse::<Recurring>();
            window.map_err(|what| format!("flat: {what}"))?;
        }
        Ok(())
    }

    /// A part of the firm's amount: where the engine acts.
    fn ours(&self, amount: Money) -> Money {
        Money::from_raw((amount.raw() / 100).saturating_mul(i128::from(self.ours_percent)))
    }

    /// The limits that follow from it.
    pub fn tighter(&self) -> BTreeMap<LimitName, LimitValue> {
        let money = |amount: Option<Money>| amount.map(|amount| LimitValue::Money(self.ours(amount)));
        let all = [
            (LimitName::MaxDailyLoss, money(self.daily_loss)),
            (LimitName::MaxDrawdown, money(self.max_drawdown)),
            (LimitName::MaxContracts, self.contracts.map(LimitValue::Count)),
        ];
        let all = all.into_iter();
        all.filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The worth from which a fall is counted, where the highest so far was `high`: the floor stops rising where the firm's does.
    pub fn counted_from(&self, high: Money) -> Money {
        match self.drawdown {
            Drawdown::Static => self.start,
            Drawdown::EndOfDay | Drawdown::Intraday => match (self.drawdown_stops_at, self.max_drawdown) {
                (Some(stops), Some(most)) => high.min(stops.saturating_add(most)),
                _ => high,
            },
        }
    }

    /// What the firm's floor is, where the highest so far was `high`; nothing where it has none.
    pub fn floor(&self, high: Money) -> Option<Money> {
        self.max_drawdown
            .map(|most| self.counted_from(high).saturating_sub(most))
    }

    /// What one contract counts, in tenths.
    pub fn tenths(&self, instrument: &Instrument) -> u32 {
        let is_it = |root: &str| self.micros.iter().any(|micro| micro.as_str() == root);
        let is_micro = instrument.root.is_some_and(|root| is_it(root.as_str()));
        if is_micro { 1 } else { MICROS }
    }

    /// The time in which nothing may be held that is on at `now`, or begins within the minutes before it.
    pub fn flat_at(&self, now: Timestamp) -> Option<Occurrence> {
        let window: Recurring = self.flat.as_ref()?.as_str().parse().ok()?;
        let before = Duration::from_secs(60 * u64::from(self.flat_minutes));
        let next = window.next(now, Duration::ZERO)?;
        (next.at.before(before) <= now).then_some(next)
    }
}
