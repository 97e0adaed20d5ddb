//! What holds an account back from new risk beside a person's word: the loss of its session, entries that fill again and
//! again, round trips in a row, a row of losing exits. Each is a fact, survives a restart, and never holds up what reduces.

use super::breach;
use super::day::LossStage;
use super::worth::money;
use crate::domain::{
    AccountKey, Breach, ClientOrderId, Execution, InstrumentId, Limits, Money, Multiplier, Position,
    SafeText, Timestamp,
};
use crate::engine::breaker;
use crate::engine::changes;
use crate::engine::command::{Denial, DenialCode};
use crate::engine::event::Fact;
use crate::engine::state::{Ledger, State};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Within which time entries that fill are counted.
const ENTRIES_WITHIN: Duration = Duration::from_secs(5 * 60);
/// Within which time round trips are counted.
const TRIPS_WITHIN: Duration = Duration::from_secs(60);
/// Within which time losing exits are counted.
const STREAK_WITHIN: Duration = Duration::from_secs(60 * 60);

/// Why an account is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldCause {
    /// The loss of its session.
    DailyLoss,
    /// Entries filled, or round trips ended, again and again.
    RepeatedExecutions,
    /// Losing exits in a row of time.
    LossStreak,
}
impl HoldCause {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::DailyLoss => "the loss of the session",
            Self::RepeatedExecutions => "repeated executions",
            Self::LossStreak => "losing exits",
        }
    }
}

/// An account that is held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Since when, by our clock.
    pub since: Timestamp,
    /// Until when; nothing until a person resumes.
    pub until: Option<Timestamp>,
    /// What happened, and what ends it.
    pub text: SafeText,
}

/// Why an account opens nothing now, and how that ends; a circuit breaker of its broker is another thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Until when, by our clock, where that is known.
    pub until: Option<Timestamp>,
    /// A person who resumes trading ends it.
    pub may_be_ended: bool,
    /// What an entry is answered.
    pub why: Denial,
}

/// What holds an account back, in an instrument, or whatever it is in; nothing where it may open.
pub fn paused(state: &State, key: AccountKey, instrument: Option<InstrumentId>) -> Option<Pause> {
    let day = state
        .days
        .get(&key)
        .filter(|day| day.stage >= LossStage::Reducing);
    if let Some(day) = day {
        let end = if day.may_be_ended() {
            ", or until a person resumes (:resume)"
        } else {
            ""
        };
        let text = format!(
            "{key} reached the loss of its session: only cancels and reducing orders pass until {}{end}",
            day.until.short()
        );
        return Some(Pause {
            until: Some(day.until),
            may_be_ended: day.may_be_ended(),
            why: Denial::new(DenialCode::DailyLoss, text),
        });
    }
    if let Some((_, hold)) = state.holds.iter().find(|((owner, _), _)| *owner == key) {
        return Some(Pause {
            until: hold.until,
            may_be_ended: true,
            why: Denial::new(DenialCode::HeldBack, hold.text.as_str()),
        });
    }
    breach::held(state, key, instrument).map(|why| Pause {
        until: None,
        may_be_ended: false,
        why,
    })
}

/// Why nothing that adds risk leaves an account now, where something holds it back: in an instrument, or whatever it is in.
pub fn held_back(state: &State, key: AccountKey, instrument: Option<InstrumentId>) -> Option<Denial> {
    breaker::denies(state, key.broker).or_else(|| paused(state, key, instrument).map(|pause| pause.why))
}

/// What a person ends who resumes trading.
pub fn ended_by_hand(state: &State, account: AccountKey) -> Vec<Fact> {
    let reason = SafeText::new("resumed by hand");
    let loss = state.days.get(&account).filter(|day| day.may_be_ended());
    let causes = loss.map(|_| HoldCause::DailyLoss).into_iter();
    let held = state.holds.keys().filter(|(owner, _)| *owner == account);
    causes
        .chain(held.map(|(_, cause)| *cause))
        .map(|cause| Fact::RiskReleased {
            account,
            cause,
            reason: reason.clone(),
        })
        .collect()
}

/// What an execution that is booked leads to: entries that fill again and again stop, and so does who loses again and again.
pub(in crate::engine) fn after_execution(state: &State, execution: &Execution, now: Timestamp) -> Vec<Fact> {
    let account = execution.account;
    let limits = state.limits_of(account);
    let mut facts: Vec<Fact> = repeated(state, execution, &limits, now).into_iter().collect();
    if limits.loss_streak > 0 {
        let pause = Duration::from_secs(60 * u64::from(limits.loss_streak_pause_minutes));
        facts.extend(streak(state, account, limits.loss_streak, pause, now));
    }
    facts
}

/// When something last held an account back for a cause, or was ended: what was before does not count twice.
fn counted_from(
    state: &State,
    account: AccountKey,
    cause: HoldCause,
    within: Duration,
    now: Timestamp,
) -> Timestamp {
    let before = state.released.get(&(account, cause)).copied();
    now.before(within).max(before.unwrap_or(Timestamp::MIN))
}

/// Entries that fill again and again, or in and out again and again, are what a program does that has lost its way: one hold, and
/// one end of it.
fn repeated(state: &State, execution: &Execution, limits: &Limits, now: Timestamp) -> Option<Fact> {
    let (account, id) = (execution.account, execution.instrument);
    let cause = HoldCause::RepeatedExecutions;
    if state.holds.contains_key(&(account, cause)) {
        return None;
    }
    let ledger = state.ledgers.get(&(account, id))?;
    let since = |within| {
        walk(
            state,
            account,
            ledger,
            counted_from(state, account, cause, within, now),
        )
    };
    let entries = || {
        let opening = since(ENTRIES_WITHIN).filter(|step| step.opens);
        opening.map(|step| step.order).collect::<BTreeSet<_>>().len()
    };
    let trips = || since(TRIPS_WITHIN).filter(|step| step.ends).count();
    let beyond = |most: u32, count: &dyn Fn() -> usize, what: &str, within: &str| {
        let count = (most > 0).then(count)?;
        let is_beyond = count > usize::try_from(most).unwrap_or(usize::MAX);
        is_beyond.then(|| format!("{count} {what} in {id} within {within}, {most} may"))
    };
    let found = beyond(limits.max_entries_5m, &entries, "entries filled", "5 minutes")
        .or_else(|| beyond(limits.max_round_trips_1m, &trips, "round trips ended", "a minute"))?;
    let text = format!("{found}: nothing is opened in {account} until a person resumes (:resume)");
    Some(held(account, cause, None, &text))
}

fn held(account: AccountKey, cause: HoldCause, until: Option<Timestamp>, text: &str) -> Fact {
    Fact::RiskHeld {
        account,
        cause,
        until,
        text: SafeText::new(text),
    }
}

fn streak(state: &State, account: AccountKey, most: u32, pause: Duration, now: Timestamp) -> Option<Fact> {
    let cause = HoldCause::LossStreak;
    if state.holds.contains_key(&(account, cause)) {
        return None;
    }
    let losing = losing_since(
        state,
        account,
        counted_from(state, account, cause, STREAK_WITHIN, now),
    );
    if losing < usize::try_from(most).unwrap_or(usize::MAX) {
        return None;
    }
    let until = now.after(pause);
    let text = format!(
        "{losing} losing exits within an hour in {account}: nothing is opened until {}, or until a person resumes (:resume)",
        until.short()
    );
    Some(held(account, cause, Some(until), &text))
}

/// Losing exits that count now.
pub(super) fn losing_exits(state: &State, account: AccountKey) -> usize {
    let cause = HoldCause::LossStreak;
    losing_since(
        state,
        account,
        counted_from(state, account, cause, STREAK_WITHIN, state.at),
    )
}

fn losing_since(state: &State, account: AccountKey, from: Timestamp) -> usize {
    // Each exit once, with all that it realised: one order that closes in ten parts is one exit.
    let mut exits: BTreeMap<(InstrumentId, Option<ClientOrderId>, u64), Money> = BTreeMap::new();
    let ledgers = state.ledgers.iter().filter(|((owner, _), _)| *owner == account);
    for ((_, id), ledger) in ledgers {
        for step in walk(state, account, ledger, from).filter(|step| step.closes) {
            let apart = if step.order.is_some() { 0 } else { step.sequence };
            let sum = exits.entry((*id, step.order, apart)).or_default();
            *sum = sum.saturating_add(step.realized);
        }
    }
    exits.values().filter(|sum| **sum < Money::ZERO).count()
}

/// One execution, and what it did to its position.
struct Step {
    order: Option<ClientOrderId>,
    sequence: u64,
    /// More is held than before.
    opens: bool,
    /// Something of it was closed.
    closes: bool,
    /// All of it was: a round trip ended.
    ends: bool,
    /// What that realised.
    realized: Money,
}

/// The executions of a ledger that were booked since `from`, by our clock.
fn walk<'a>(
    state: &'a State,
    account: AccountKey,
    ledger: &'a Ledger,
    from: Timestamp,
) -> impl Iterator<Item = Step> + 'a {
    let mut position: Position = ledger.opening;
    let multiplier: Multiplier = ledger.multiplier;
    ledger.steps().filter_map(move |step| {
        let execution = match step {
            changes::Step::Execution(execution) => execution,
            changes::Step::Change(change) => {
                change.apply(&mut position, multiplier);
                return None;
            }
        };
        let before = position;
        position.execute(execution.side, execution.quantity, execution.price, multiplier);
        let booked = state.executions.get(&(account, execution.id.base))?;
        let closes = before.side() == Some(execution.side.opposite()) && !execution.quantity.is_zero();
        let crosses = closes && position.side() == Some(execution.side);
        (booked.at > from).then(|| Step {
            order: execution.order,
            sequence: booked.sequence,
            opens: position.quantity.abs() > before.quantity.abs() || crosses,
            closes,
            ends: crosses || closes && position.quantity.is_zero(),
            realized: position.realized.saturating_sub(before.realized),
        })
    })
}

/// The words of a stage of the session's loss.
pub(in crate::engine) fn loss_words(
    account: AccountKey,
    stage: LossStage,
    (loss, threshold): (Money, Money),
    currency: crate::domain::Currency,
    does: Breach,
    until: Timestamp,
) -> String {
    let amounts = format!(
        "the session has lost {} of {}",
        money(loss, currency),
        money(threshold, currency)
    );
    match (stage, does) {
        (LossStage::Reducing, _) => format!("{account}: {amounts}: only what reduces passes until {until}"),
        (LossStage::Reached, Breach::ReduceOnly | Breach::CancelEntries) => {
            format!(
                "{account}: {amounts}: entries are cancelled, only what reduces passes until {until}, or until a person resumes"
            )
        }
        (LossStage::Reached, Breach::Liquidate) => {
            format!("{account} LOCKED until {until}: {amounts}: it is being flattened")
        }
        (LossStage::Reached, _) => {
            format!("{account} LOCKED until {until}: {amounts}: entries are cancelled, exits pass")
        }
        (LossStage::None | LossStage::Warned, _) => format!("{account}: {amounts}, the first warning"),
    }
}
