//! Limits that the market, a fee or a foreign order can breach with no order of ours: what an account came to be is held
//! against them on market data and on facts. What happens then is the limit's own setting (`limits.on_breach`). A breach has to
//! last for a second before it is one, and what is back has to stay back for ten, well within the limit: so that nothing flaps
//! at the edge. Both are facts, stand in the state, and outlive the process.
//!
//! The loss of a session has stages and an end of its own (`day`, `watch`); what follows from a breach of either is here. What a
//! limit is made of is measured in `measure`.

use super::day::Standing;
use super::measure::{Ground, Measure};
use super::table::Control;
use super::usage::Amount;
use super::worth::{issuer, money};
use crate::domain::{
    AccountKey, Breach, ClientOrderId, Currency, InstrumentId, LimitName, Limits, OnBreach, SafeText,
    Timestamp,
};
use crate::engine::command::{Denial, DenialCode};
use crate::engine::event::Fact;
use crate::engine::halt;
use crate::engine::planted::{Bug, planted};
use crate::engine::state::State;
use crate::market::Market;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a breach has to last.
const LASTS: Duration = Duration::from_secs(1);
/// How long what is back has to stay back.
const RETURNS: Duration = Duration::from_secs(10);

/// Which limit, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BreachKey {
    /// Whose.
    pub account: AccountKey,
    /// Which limit.
    pub name: LimitName,
    /// Of which instrument, or of which issuer's; nothing where it is the account's as a whole.
    pub of: Option<InstrumentId>,
}

/// A breach that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breached {
    /// Since when, by our clock.
    pub since: Timestamp,
    /// What it does.
    pub does: Breach,
    /// What it was made of when it was found.
    pub used: Amount,
    /// What that may be.
    pub most: Amount,
    /// In what, where it is money.
    pub currency: Currency,
}

/// What the watch remembers of breaches: no part of the state.
#[derive(Clone, Debug, Default)]
pub(super) struct Breaches {
    /// Beyond a limit, and since when.
    over: BTreeMap<BreachKey, Timestamp>,
    /// Back within one, and since when.
    back: BTreeMap<BreachKey, Timestamp>,
}

impl Breaches {
    /// When something has lasted long enough.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let over = self.over.values().map(|since| since.after(LASTS));
        over.chain(self.back.values().map(|since| since.after(RETURNS)))
            .min()
    }

    /// The accounts of which something has.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = AccountKey> {
        let lasted = move |(key, since): (&BreachKey, &Timestamp), long| {
            (now.since(*since) >= long).then_some(key.account)
        };
        let over = self.over.iter().filter_map(move |entry| lasted(entry, LASTS));
        over.chain(self.back.iter().filter_map(move |entry| lasted(entry, RETURNS)))
    }

    /// Nothing can be said of an account, or of one of its limits.
    pub(super) fn forget(&mut self, account: AccountKey, name: Option<LimitName>) {
        let other = |key: &BreachKey| key.account != account || name.is_some_and(|name| name != key.name);
        self.over.retain(|key, _| other(key));
        self.back.retain(|key, _| other(key));
    }

    /// Holds an account against its limits.
    pub(super) fn judge(
        &mut self,
        state: &State,
        market: &Market,
        key: AccountKey,
        standing: &Standing,
        now: Timestamp,
    ) -> Vec<Fact> {
        let limits = state.limits_of(key);
        let ground = Ground::new((state, market), key, &limits, Some(standing));
        let mut facts = Vec::new();
        for name in OnBreach::NAMES.iter().copied() {
            match ground.measures(name) {
                Ok(found) => {
                    self.found(state, (key, name), &limits, &found, now, &mut facts);
                    self.returned(state, (key, name), &found, now, &mut facts);
                }
                Err(_) => self.forget(key, Some(name)),
            }
        }
        facts
    }

    fn found(
        &mut self,
        state: &State,
        (account, name): (AccountKey, LimitName),
        limits: &Limits,
        found: &[Measure],
        now: Timestamp,
        facts: &mut Vec<Fact>,
    ) {
        let is_over = |of: Option<InstrumentId>| {
            let measure = found.iter().find(|measure| measure.of == of);
            measure.is_some_and(|measure| measure.is_over(name))
        };
        self.over
            .retain(|key, _| (key.account, key.name) != (account, name) || is_over(key.of));
        for measure in found.iter().filter(|measure| measure.is_over(name)) {
            let key = BreachKey {
                account,
                name,
                of: measure.of,
            };
            if state.breaches.contains_key(&key) {
                self.over.remove(&key);
                continue;
            }
            let since = *self.over.entry(key).or_insert(now);
            if now.since(since) < LASTS {
                continue;
            }
            self.over.remove(&key);
            facts.push(Fact::LimitBreached {
                account,
                name,
                of: measure.of,
                used: measure.used,
                most: measure.most,
                currency: measure.currency,
                does: limits.on_breach.get(name).unwrap_or(Breach::Refuse),
            });
        }
    }

    /// What is back, is off, or is not there any more. A lock ends with the session, whatever is back.
    fn returned(
        &mut self,
        state: &State,
        (account, name): (AccountKey, LimitName),
        found: &[Measure],
        now: Timestamp,
        facts: &mut Vec<Fact>,
    ) {
        let standing = state.breaches.iter();
        let standing = standing.filter(|(key, _)| (key.account, key.name) == (account, name));
        for (key, breach) in standing {
            let measure = found.iter().find(|measure| measure.of == key.of);
            if breach.does >= Breach::Lock || measure.is_some_and(|measure| !measure.is_back(name)) {
                self.back.remove(key);
                continue;
            }
            let since = *self.back.entry(*key).or_insert(now);
            if now.since(since) < RETURNS {
                continue;
            }
            self.back.remove(key);
            let reason = match measure {
                Some(measure) => format!(
                    "{} of {}",
                    shown(measure.used, measure.currency),
                    shown(measure.most, measure.currency)
                ),
                None => "nothing of it is left, or it is switched off".to_owned(),
            };
            facts.push(Fact::BreachEnded {
                account,
                name,
                of: key.of,
                reason: SafeText::new(&reason),
            });
        }
        self.back.retain(|key, _| state.breaches.contains_key(key));
    }
}

/// An amount with its unit.
fn shown(amount: Amount, currency: Currency) -> String {
    match amount {
        Amount::Money(amount) => money(amount, currency),
        Amount::Count(count) => count.to_string(),
    }
}

/// Whether a breach concerns an instrument.
fn concerns(state: &State, name: LimitName, of: Option<InstrumentId>, id: InstrumentId) -> bool {
    let by_issuer = name == LimitName::MaxIssuerBps;
    let known = || state.instruments.get(&id).filter(|_| by_issuer).map(issuer);
    of.is_none_or(|of| of == id || known() == Some(of))
}

/// Why nothing that adds risk leaves an account, in one instrument or whatever it is in, because a limit is breached.
pub(super) fn held(state: &State, account: AccountKey, instrument: Option<InstrumentId>) -> Option<Denial> {
    if planted(Bug::BreachHoldsNothing) {
        return None;
    }
    let meant = |key: &BreachKey| match instrument {
        Some(id) => concerns(state, key.name, key.of, id),
        None => key.of.is_none(),
    };
    let (key, breach) = state
        .breaches
        .iter()
        .find(|(key, breach)| key.account == account && breach.does >= Breach::ReduceOnly && meant(key))?;
    let code = Control::of(key.name).map_or(DenialCode::HeldBack, |control| control.code);
    let end = match breach.does {
        Breach::Lock | Breach::Liquidate => match state.days.get(&account) {
            Some(day) => format!("until {}", day.until),
            None => "until the next session".to_owned(),
        },
        _ => "until it is well within it".to_owned(),
    };
    let text = format!(
        "{}: only cancels and reducing orders pass {end}",
        of_what(key.name, key.of, *breach)
    );
    Some(Denial::new(code, text))
}

fn of_what(name: LimitName, of: Option<InstrumentId>, breach: Breached) -> String {
    let of = of.map_or(String::new(), |id| format!(" of {id}"));
    format!(
        "{name}{of} is breached, {} of {}",
        shown(breach.used, breach.currency),
        shown(breach.most, breach.currency)
    )
}

/// The words of a breach.
pub(in crate::engine) fn words(key: BreachKey, breach: Breached) -> String {
    let does = match breach.does {
        Breach::Refuse => "nothing that adds to it passes",
        Breach::ReduceOnly => "only what reduces passes until it is well within it",
        Breach::CancelEntries => "entries are cancelled, only what reduces passes until it is well within it",
        Breach::Lock => "LOCKED until the next session, entries are cancelled",
        Breach::Liquidate => "LOCKED until the next session, it is being flattened",
    };
    format!("{}: {}: {does}", key.account, of_what(key.name, key.of, breach))
}

/// What follows from a breach of a limit, as its setting says: of some instruments, or of the account as a whole.
pub(in crate::engine) fn follows(
    state: &State,
    sequence: u64,
    (account, name, of): (AccountKey, LimitName, Option<InstrumentId>),
    does: Breach,
) -> Vec<Fact> {
    let meant = |id: InstrumentId| concerns(state, name, of, id);
    after(
        state,
        sequence,
        account,
        does,
        (&meant, of.is_none()),
        name.as_str(),
    )
}

/// What follows from the loss of a session.
pub(in crate::engine) fn after_loss(
    state: &State,
    sequence: u64,
    account: AccountKey,
    does: Breach,
) -> Vec<Fact> {
    after(
        state,
        sequence,
        account,
        does,
        (&|_| true, true),
        "the loss of the session",
    )
}

fn after(
    state: &State,
    sequence: u64,
    account: AccountKey,
    does: Breach,
    (of, whole): (&dyn Fn(InstrumentId) -> bool, bool),
    what: &str,
) -> Vec<Fact> {
    if does < Breach::CancelEntries || planted(Bug::BreachCancelsNothing) {
        return Vec::new();
    }
    let mut facts = halt::entries(state, account, of, &format!("{what} reached its limit"));
    if does >= Breach::Liquidate && !state.flattening_accounts.contains_key(&account) {
        facts.extend(flattened(state, sequence, account, of, whole));
    }
    facts
}

/// Flattens what a breach concerns: with one result where that is all of the account.
fn flattened(
    state: &State,
    sequence: u64,
    account: AccountKey,
    of: &dyn Fn(InstrumentId) -> bool,
    whole: bool,
) -> Vec<Fact> {
    let instruments: Vec<InstrumentId> = state
        .concerned(account)
        .into_iter()
        .filter(|id| of(*id))
        .collect();
    let mut facts = Vec::new();
    for (n, instrument) in instruments.iter().enumerate() {
        let name = ClientOrderId::new(&format!("LOSS{sequence:018}X{n:03}"));
        let begun = state.flattening.contains_key(&(account, *instrument));
        if let Some(exit) = name
            .ok()
            .filter(|exit| !begun && !state.orders.contains_key(exit))
        {
            facts.push(Fact::FlattenStarted {
                account,
                instrument: *instrument,
                exit,
            });
        }
    }
    if whole && !instruments.is_empty() {
        facts.insert(0, Fact::AccountFlattenStarted { account, instruments });
    }
    facts
}

impl State {
    /// Facts about breaches. A session's locks end with it.
    pub(in crate::engine) fn fold_breach(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::LimitBreached {
                account,
                name,
                of,
                used,
                most,
                currency,
                does,
            } => {
                let key = BreachKey {
                    account: *account,
                    name: *name,
                    of: *of,
                };
                let breach = Breached {
                    since: at,
                    does: *does,
                    used: *used,
                    most: *most,
                    currency: *currency,
                };
                self.breaches.insert(key, breach);
            }
            Fact::BreachEnded {
                account, name, of, ..
            } => {
                let key = BreachKey {
                    account: *account,
                    name: *name,
                    of: *of,
                };
                self.breaches.remove(&key);
            }
            Fact::RiskDayBegan { account, .. } => {
                self.breaches
                    .retain(|key, breach| key.account != *account || breach.does < Breach::Lock);
            }
            _ => {}
        }
    }
}
