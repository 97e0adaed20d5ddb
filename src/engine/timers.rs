//! Named deadlines. The engine only states the next one; whoever drives it sleeps until then and says "timer".

use super::event::Fact;
use super::halt;
use super::lease;
use super::naked;
use super::programs;
use super::risk::{self, HoldCause};
use super::state::{AccountState, State};
use super::timing::{
    ANSWER_WITHIN, ARMED_WITHOUT_LINK, ENDED_KEPT, EXECUTIONS_KEPT, FLATTEN_READS_APART, READ_EVERY,
    READ_WITHIN, READS_APART, TRIM_EVERY,
};
use crate::domain::{
    AccountClass, AccountKey, BrokerId, LimitName, LinkState, Order, Phase, SafeText, SessionId, Timestamp,
};
use std::collections::BTreeMap;

/// What can be due.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Timer {
    /// An order was sent and not answered.
    Answer(crate::domain::ClientOrderId),
    /// A read of the broker was not answered.
    ReadAnswer(AccountKey, u64),
    /// The broker is to be read.
    Read(AccountKey, u64),
    /// The step that a flatten is at should be over by now.
    Flat(AccountKey, crate::domain::InstrumentId),
    /// Arming ends: the broker has been away for too long.
    Disarm(BrokerId),
    /// The time for which programs were armed is over.
    DisarmPrograms(AccountKey),
    /// The time for which one key was is.
    DisarmKey(AccountKey, SafeText),
    /// A cancel of a halt.
    Halt(halt::Due),
    /// A position that nothing covers is told of.
    Naked(AccountKey, crate::domain::InstrumentId),
    /// The time of a limit's change is over.
    RevertLimit(Option<AccountKey>, LimitName),
    /// The time of a tighter limit's change is over: the how many-th of them.
    RevertScoped(usize),
    /// The time for which an account is held back is over.
    ReleaseHold(AccountKey, HoldCause),
    /// A lease of a program was not renewed.
    Lease(SafeText),
    /// Old orders and executions leave the state.
    Trim,
}

/// The next deadline of all.
pub fn next_deadline(state: &State) -> Option<Timestamp> {
    let mut next: Option<Timestamp> = None;
    timers(state, |at, _| {
        next = Some(next.map_or(at, |earliest| earliest.min(at)));
    });
    next
}

/// Facts of every timer that is due.
pub(super) fn due(state: &State, now: Timestamp) -> Vec<Fact> {
    let mut facts = Vec::new();
    timers(state, |at, timer| {
        if at <= now {
            fire(state, timer, now, &mut facts);
        }
    });
    facts
}

/// Tells every running timer with its deadline.
fn timers(state: &State, mut tell: impl FnMut(Timestamp, Timer)) {
    // Only over what the broker owes an answer about: this runs after every input.
    let mut doubts: BTreeMap<AccountKey, Timestamp> = BTreeMap::new();
    for order in state.working.awaiting().filter_map(|id| state.orders.get(&id)) {
        if let Some(sent) = order.sent_at.filter(|_| order.phase == Phase::InFlight) {
            tell(sent.after(ANSWER_WITHIN), Timer::Answer(order.id));
        }
        if let Some(at) = doubted_at(order) {
            let first = doubts.entry(order.spec.account).or_insert(at);
            *first = at.min(*first);
        }
    }
    for (key, account) in &state.accounts {
        if let Some((pass, since)) = account.reading {
            tell(since.after(READ_WITHIN), Timer::ReadAnswer(*key, pass));
        } else if let Some(at) = next_read(state, *key, account, doubts.get(key).copied()) {
            tell(at, Timer::Read(*key, account.passes.saturating_add(1)));
        }
    }
    for (broker, link) in &state.links {
        if let Some(lost) = link.lost_since
            && (armed_for_real(state, *broker).next().is_some()
                || !programs::armed_at(state, *broker).is_empty())
        {
            tell(lost.after(ARMED_WITHOUT_LINK), Timer::Disarm(*broker));
        }
    }
    for (account, until) in &state.programs_armed {
        tell(*until, Timer::DisarmPrograms(*account));
    }
    for ((account, key), until) in &state.keys_armed {
        tell(*until, Timer::DisarmKey(*account, key.clone()));
    }
    for ((account, name), change) in &state.limit_changes {
        if let Some(until) = change.until {
            tell(until, Timer::RevertLimit(*account, *name));
        }
    }
    for (n, change) in state.scoped_changes.values().enumerate() {
        if let Some(until) = change.until {
            tell(until, Timer::RevertScoped(n));
        }
    }
    for ((account, cause), hold) in &state.holds {
        if let Some(until) = hold.until {
            tell(until, Timer::ReleaseHold(*account, *cause));
        }
    }
    for ((account, instrument), flattening) in &state.flattening {
        tell(
            super::flatten::deadline(flattening),
            Timer::Flat(*account, *instrument),
        );
    }
    naked::deadlines(state, |at, account, instrument| {
        tell(at, Timer::Naked(account, instrument));
    });
    lease::deadlines(state, |at, holder| tell(at, Timer::Lease(holder.clone())));
    halt::deadlines(state, |at, due| tell(at, Timer::Halt(due)));
    if !state.orders.is_empty() || !state.executions.is_empty() {
        tell(state.trimmed.1.after(TRIM_EVERY), Timer::Trim);
    }
}

/// When an account is to be read again: soon while something is in doubt, now and then otherwise.
fn next_read(
    state: &State,
    key: AccountKey,
    account: &AccountState,
    doubted: Option<Timestamp>,
) -> Option<Timestamp> {
    let link = state.links.get(&key.broker)?;
    if !matches!(
        link.state,
        LinkState::Syncing | LinkState::Ready | LinkState::Degraded
    ) {
        return None;
    }
    let attempt = state.attempts.get(&key).copied().unwrap_or(link.since);
    let last = attempt.max(link.since);
    let soonest = last.after(READS_APART);
    let mut flattening = state.flattening.iter().filter(|((owner, _), _)| *owner == key);
    if flattening.any(|(_, flattening)| flattening.waits_for_read()) {
        return Some(last.after(FLATTEN_READS_APART));
    }
    let unread = account.read_at.is_none_or(|at| at < link.since);
    if link.state != LinkState::Ready || unread || !account.mismatches.is_empty() {
        return Some(soonest);
    }
    let doubtful = doubted.map_or(Timestamp::MAX, |at| at.max(soonest));
    Some(last.after(READ_EVERY).min(doubtful))
}

/// Since when only a read can tell what an order is.
fn doubted_at(order: &Order) -> Option<Timestamp> {
    if order.phase == Phase::Uncertain || order.missing.is_some() {
        return Some(Timestamp::MIN);
    }
    let asked = order.pending.and(order.pending_since)?;
    Some(asked.after(ANSWER_WITHIN))
}

/// Who is armed for an account of this broker that is not simulated.
fn armed_for_real(state: &State, broker: BrokerId) -> impl Iterator<Item = (SessionId, AccountKey)> {
    let real = move |account: &AccountKey| {
        let known = state.accounts.get(account);
        account.broker == broker && known.is_some_and(|known| known.account.class != AccountClass::Sim)
    };
    state
        .armed
        .iter()
        .copied()
        .filter(move |(_, account)| real(account))
}

fn fire(state: &State, timer: Timer, now: Timestamp, facts: &mut Vec<Fact>) {
    match timer {
        Timer::Answer(id) => {
            let reason = SafeText::new(&format!("no answer within {} s", ANSWER_WITHIN.as_secs()));
            facts.push(Fact::Doubted { id, reason });
        }
        Timer::ReadAnswer(account, pass) => {
            let failure = Some(SafeText::new(&format!(
                "no answer within {} s",
                READ_WITHIN.as_secs()
            )));
            facts.push(Fact::ReconcileEnded {
                account,
                pass,
                failure,
                mismatches: Vec::new(),
                averages: Vec::new(),
            });
        }
        Timer::Read(account, pass) => facts.push(Fact::ReconcileStarted { account, pass }),
        Timer::Flat(account, instrument) => {
            facts.extend(super::flatten::overdue(state, account, instrument));
        }
        Timer::Disarm(broker) => {
            let reason = SafeText::new(&format!(
                "{broker} was away for {} s",
                ARMED_WITHOUT_LINK.as_secs()
            ));
            facts.extend(
                armed_for_real(state, broker).map(|(session, account)| Fact::Disarmed {
                    session,
                    account,
                    reason: reason.clone(),
                }),
            );
            let programs = programs::armed_at(state, broker).into_iter();
            facts.extend(programs.flat_map(|account| programs::disarmed(state, account, &reason)));
        }
        Timer::DisarmPrograms(account) => facts.push(Fact::ProgramsDisarmed {
            account,
            reason: SafeText::new("their time is over"),
        }),
        Timer::DisarmKey(account, key) => facts.push(Fact::KeyDisarmed {
            account,
            key,
            reason: SafeText::new("its time is over"),
        }),
        Timer::Naked(account, instrument) => facts.extend(naked::found(state, account, instrument)),
        Timer::Lease(holder) => facts.push(Fact::LeaseEnded {
            holder,
            ran_out: true,
        }),
        Timer::Halt(due) => facts.extend(halt::fire(state, due)),
        Timer::RevertLimit(account, name) => facts.push(risk::change::over(state, account, name)),
        Timer::RevertScoped(n) => {
            let of = state.scoped_changes.keys().nth(n);
            facts.extend(of.map(|(scope, name)| risk::change::scoped_over(state, scope, *name)));
        }
        Timer::ReleaseHold(account, cause) => facts.push(Fact::RiskReleased {
            account,
            cause,
            reason: SafeText::new("its time is over"),
        }),
        Timer::Trim => facts.push(Fact::Trimmed {
            orders_before: now.before(ENDED_KEPT),
            executions_before: state.trimmed.0.max(now.before(EXECUTIONS_KEPT)),
        }),
    }
}
