//! The circuit breaker of each broker. Where a broker refuses, does not answer, answers late, or holds something else than we
//! think, and where the clock, the journal or an invariant of ours is off, it opens: nothing that adds risk leaves to that
//! broker, cancels and exits pass. It is half open once every account was read twice completely since (the read, and a round
//! trip behind it), what lasts is over, and, after a broken invariant, a mismatch or a doubled order, a person has
//! acknowledged it. Then one order at a time may add risk: the broker's acceptance of it closes the breaker, a refusal or
//! silence opens it again.
//!
//! What it is stands in the state, by facts; what is counted on the way is memory and begins anew with the process. A
//! breaker of a strategy is to be another owner beside the broker.

use super::command::{Denial, DenialCode};
use super::core::Input;
use super::event::{Event, Fact};
use super::port::BrokerEvent;
use super::state::State;
use crate::domain::{
    AccountKey, BreakerRules, BrokerId, ClientOrderId, LinkState, Phase, Quantity, SafeText, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Within which time mismatches are counted.
const MISMATCHES_WITHIN: Duration = Duration::from_secs(3_600);
/// Of how many acknowledgements the percentile is taken: of a hundred the 99th is passed where two are above it.
const ANSWERS: usize = 100;
/// For so long commits have to be slow: a disk that another program keeps busy for a moment stops nobody.
pub const SLOW_FOR: Duration = Duration::from_secs(5);
/// So many quick commits in a row end it.
const QUICK: u32 = 2;
/// Complete reads of every account before it is tried.
const READS: u32 = 2;

/// Why a breaker opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerCause {
    /// The broker refused several orders in a row of time.
    Rejects,
    /// It did not answer several.
    InDoubt,
    /// It answers late.
    SlowAnswers,
    /// Its clock and ours are far apart.
    Clock,
    /// The journal is slow.
    SlowJournal,
    /// It holds something else than we think.
    Mismatches,
    /// Something here is not as it must be.
    Invariant,
}
impl BreakerCause {
    /// True where a person has to have looked.
    pub fn needs_a_person(self) -> bool {
        matches!(self, Self::Mismatches | Self::Invariant)
    }
}

/// What a breaker lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Everything.
    Closed,
    /// One order at a time that adds risk.
    HalfOpen,
    /// Cancels and exits.
    Open,
}
impl BreakerState {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half open",
            Self::Open => "OPEN",
        }
    }
}

/// The breaker of a broker that has opened once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// What it lets through.
    pub state: BreakerState,
    /// Why it opened.
    pub cause: BreakerCause,
    /// The same in words; of a closed one, why it closed.
    pub text: SafeText,
    /// Since when it is so.
    pub since: Timestamp,
    /// What opened it is still there.
    pub lasts: bool,
    /// Complete reads of each account since it opened.
    pub reads: BTreeMap<AccountKey, u32>,
    /// Who acknowledged it.
    pub acknowledged: Option<SafeText>,
    /// The order that it is tried with.
    pub trial: Option<ClientOrderId>,
}

impl Breaker {
    /// What has to happen before it is tried; nothing where it may be.
    fn waits_for(&self, state: &State, broker: BrokerId) -> Option<&'static str> {
        let read = |key: &AccountKey| self.reads.get(key).is_some_and(|reads| *reads >= READS);
        let mut accounts = state.accounts.keys().filter(|key| key.broker == broker);
        if self.needs_a_person(state, broker) {
            Some("a person looks, then :acknowledge")
        } else if self.lasts {
            Some("it lasts")
        } else if state.link(broker) != LinkState::Ready || !accounts.all(read) {
            Some("everything is read again first")
        } else {
            None
        }
    }

    /// True while nobody has acknowledged what a person has to look at.
    pub fn needs_a_person(&self, state: &State, broker: BrokerId) -> bool {
        let doubled = || {
            let orders = state.doubles.keys().filter_map(|id| state.orders.get(id));
            orders
                .into_iter()
                .any(|order| order.spec.account.broker == broker && order.phase.is_live())
        };
        self.acknowledged.is_none() && (self.cause.needs_a_person() || doubled())
    }
}

/// What the breaker of a broker says, where it is not closed: its state, why, and what it waits for.
pub fn words(state: &State, broker: BrokerId) -> Option<String> {
    let breaker = state.breakers.get(&broker)?;
    match breaker.state {
        BreakerState::Closed => None,
        BreakerState::Open => {
            let waits = breaker.waits_for(state, broker).unwrap_or("it is tried next");
            Some(format!("breaker of {broker} OPEN: {}; {waits}", breaker.text))
        }
        BreakerState::HalfOpen => Some(format!(
            "breaker of {broker} half open, after: {}; one order at a time adds risk until the broker has taken one",
            breaker.text
        )),
    }
}

/// Why nothing that adds risk leaves to a broker, where its breaker is open.
pub(super) fn denies(state: &State, broker: BrokerId) -> Option<Denial> {
    let breaker = state.breakers.get(&broker)?;
    (breaker.state == BreakerState::Open).then(|| denial(state, broker))
}

/// The same where the one order that may be tried is under way.
pub(super) fn denies_another(state: &State, broker: BrokerId) -> Option<Denial> {
    let breaker = state.breakers.get(&broker)?;
    let tried = breaker.state == BreakerState::HalfOpen && breaker.trial.is_some();
    tried.then(|| denial(state, broker))
}

fn denial(state: &State, broker: BrokerId) -> Denial {
    let words = words(state, broker).unwrap_or_default();
    Denial::new(
        DenialCode::Breaker,
        format!("{words}; cancels and reducing orders pass"),
    )
}

/// What follows from a fact: a breaker that may be tried, one that passed its trial, one that failed it.
pub(super) fn follows(state: &State, event: &Event) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (broker, breaker) in &state.breakers {
        let to = match breaker.state {
            BreakerState::Open if may_change(&event.fact) && breaker.waits_for(state, *broker).is_none() => {
                Some((BreakerState::HalfOpen, breaker.text.clone()))
            }
            BreakerState::HalfOpen => trial(state, breaker, &event.fact),
            _ => None,
        };
        facts.extend(to.map(|(to, text)| Fact::BreakerMoved {
            broker: *broker,
            to,
            cause: breaker.cause,
            text,
            lasts: false,
        }));
    }
    facts
}

/// Facts after which an open breaker may be one that can be tried.
fn may_change(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::ReconcileEnded { .. }
            | Fact::LinkChanged { .. }
            | Fact::BreakerMoved { .. }
            | Fact::BreakerAcknowledged { .. }
            | Fact::Cancelled { .. }
    )
}

fn trial(state: &State, breaker: &Breaker, fact: &Fact) -> Option<(BreakerState, SafeText)> {
    let order = state.orders.get(&breaker.trial?)?;
    if fact.order() != Some(order.id) {
        return None;
    }
    match fact {
        Fact::Accepted { .. } | Fact::Executed { .. } => {
            let text = format!("the broker took {}", order.spec);
            Some((BreakerState::Closed, SafeText::new(&text)))
        }
        Fact::Rejected { .. } | Fact::Doubted { .. } => {
            let text = format!(
                "it was tried with {}, which is {}",
                order.spec,
                order.phase.word()
            );
            Some((BreakerState::Open, SafeText::new(&text)))
        }
        _ => None,
    }
}

/// What is counted, and no part of the state.
#[derive(Clone, Debug)]
pub struct Watch {
    rules: BreakerRules,
    rejects: BTreeMap<BrokerId, VecDeque<Timestamp>>,
    doubts: BTreeMap<BrokerId, VecDeque<Timestamp>>,
    mismatches: BTreeMap<BrokerId, VecDeque<Timestamp>>,
    /// Whether each of the last acknowledgements was late.
    answers: BTreeMap<BrokerId, VecDeque<bool>>,
}

impl Default for Watch {
    fn default() -> Self {
        Self::new(BreakerRules::OFF)
    }
}

/// Something that opens a breaker.
struct Trip {
    broker: BrokerId,
    cause: BreakerCause,
    text: String,
    lasts: bool,
}

impl Watch {
    /// With the settings' rules.
    pub fn new(rules: BreakerRules) -> Self {
        Self {
            rules,
            rejects: BTreeMap::new(),
            doubts: BTreeMap::new(),
            mismatches: BTreeMap::new(),
            answers: BTreeMap::new(),
        }
    }

    /// What an input and the facts of it, folded, lead to.
    pub(super) fn on_facts(&mut self, state: &State, input: &Input, events: &[Event]) -> Vec<Fact> {
        let mut trips: Vec<Trip> = events
            .iter()
            .filter_map(|event| self.count(state, event))
            .collect();
        trips.extend(self.told(state, input));
        let mut facts: Vec<Fact> = Vec::new();
        for trip in trips {
            let known = state.breakers.get(&trip.broker);
            let graver = |breaker: &Breaker| trip.cause > breaker.cause && trip.cause.needs_a_person();
            let opens = known.is_none_or(|breaker| breaker.state != BreakerState::Open || graver(breaker));
            let twice = facts
                .iter()
                .any(|fact| matches!(fact, Fact::BreakerMoved { broker, .. } if *broker == trip.broker));
            if opens && !twice {
                facts.push(opened(&trip));
            }
        }
        facts.extend(self.over(state, input));
        facts
    }

    fn count(&mut self, state: &State, event: &Event) -> Option<Trip> {
        let order = event.fact.order().and_then(|id| state.orders.get(&id));
        let of = order.map(|order| order.spec.account.broker);
        let rules = self.rules;
        let (broker, cause, text) = match &event.fact {
            Fact::Rejected { .. } => {
                let within = Duration::from_secs(rules.rejects_s.into());
                let count = reached(
                    self.rejects.entry(of?).or_default(),
                    event.at,
                    within,
                    rules.rejects,
                )?;
                let text = format!("{count} orders were refused within {} s", rules.rejects_s);
                (of?, BreakerCause::Rejects, text)
            }
            // An outage doubts at once what was under way, and its end reads everything: counted is a broker that is there.
            Fact::Doubted { .. } if is_connected(state, of?) => {
                let within = Duration::from_secs(60 * u64::from(rules.in_doubt_minutes));
                let count = reached(
                    self.doubts.entry(of?).or_default(),
                    event.at,
                    within,
                    rules.in_doubt,
                )?;
                let text = format!(
                    "{count} orders had no answer within {} minutes",
                    rules.in_doubt_minutes
                );
                (of?, BreakerCause::InDoubt, text)
            }
            Fact::Accepted { .. } => {
                let order = order.filter(|order| order.acked_at == Some(event.at))?;
                self.answered(of?, event.at.since(order.sent_at?))?
            }
            Fact::ReconcileEnded {
                account,
                failure: None,
                ..
            } => {
                let entry = state.accounts.get(account)?;
                let new = entry
                    .mismatches
                    .values()
                    .filter(|mismatch| mismatch.passes == 2)
                    .count();
                let counted = self.mismatches.entry(account.broker).or_default();
                let mut count = None;
                for _ in 0..new {
                    count = reached(counted, event.at, MISMATCHES_WITHIN, rules.mismatches).or(count);
                }
                let text = format!("{} positions differed from ours within an hour", count?);
                (account.broker, BreakerCause::Mismatches, text)
            }
            _ => return None,
        };
        Some(Trip {
            broker,
            cause,
            text,
            lasts: false,
        })
    }

    /// An acknowledgement that took so long.
    fn answered(&mut self, broker: BrokerId, took: Duration) -> Option<(BrokerId, BreakerCause, String)> {
        let most = Duration::from_millis(self.rules.ack_p99_ms.into());
        if most.is_zero() {
            return None;
        }
        let answers = self.answers.entry(broker).or_default();
        answers.push_back(took > most);
        if answers.len() > ANSWERS {
            answers.pop_front();
        }
        let late = answers.iter().filter(|late| **late).count();
        if late < 2 || took <= most {
            return None;
        }
        answers.clear();
        let text = format!(
            "{late} of the last {ANSWERS} answers took longer than {} ms",
            most.as_millis()
        );
        Some((broker, BreakerCause::SlowAnswers, text))
    }

    /// What the process found out beside facts.
    fn told(&self, state: &State, input: &Input) -> Vec<Trip> {
        match input {
            Input::Broker {
                broker,
                event: BrokerEvent::ClockApart { seconds },
            } if self.is_apart(*seconds) => vec![Trip {
                broker: *broker,
                cause: BreakerCause::Clock,
                text: format!("the clock here and the broker's are {seconds} s apart"),
                lasts: true,
            }],
            Input::Journal { slow: Some(took) } => {
                let trip = |broker: &BrokerId| Trip {
                    broker: *broker,
                    cause: BreakerCause::SlowJournal,
                    text: format!("commits of the journal take {} ms", took.as_millis()),
                    lasts: true,
                };
                state.links.keys().map(trip).collect()
            }
            _ => Vec::new(),
        }
    }

    fn is_apart(&self, seconds: u64) -> bool {
        self.rules.clock_apart_s > 0 && seconds > u64::from(self.rules.clock_apart_s)
    }

    /// What lasted is over.
    fn over(&self, state: &State, input: &Input) -> Vec<Fact> {
        let (cause, of) = match input {
            Input::Broker {
                broker,
                event: BrokerEvent::ClockApart { seconds },
            } if !self.is_apart(*seconds) => (BreakerCause::Clock, Some(*broker)),
            Input::Journal { slow: None } => (BreakerCause::SlowJournal, None),
            _ => return Vec::new(),
        };
        let lasting = state.breakers.iter().filter(|(broker, breaker)| {
            breaker.cause == cause && breaker.lasts && of.is_none_or(|of| of == **broker)
        });
        lasting
            .map(|(broker, breaker)| Fact::BreakerMoved {
                broker: *broker,
                to: breaker.state,
                cause,
                text: breaker.text.clone(),
                lasts: false,
            })
            .collect()
    }
}

fn opened(trip: &Trip) -> Fact {
    Fact::BreakerMoved {
        broker: trip.broker,
        to: BreakerState::Open,
        cause: trip.cause,
        text: SafeText::new(&trip.text),
        lasts: trip.lasts,
    }
}

/// One more; how many they are where that is enough, and then it is counted anew.
fn reached(seen: &mut VecDeque<Timestamp>, at: Timestamp, within: Duration, most: u32) -> Option<usize> {
    let most = usize::try_from(most).ok().filter(|most| *most > 0)?;
    seen.push_back(at);
    while seen.front().is_some_and(|first| at.since(*first) > within) {
        seen.pop_front();
    }
    let count = seen.len();
    (count >= most).then(|| {
        seen.clear();
        count
    })
}

fn is_connected(state: &State, broker: BrokerId) -> bool {
    matches!(
        state.link(broker),
        LinkState::Syncing | LinkState::Ready | LinkState::Degraded
    )
}

/// Commits of the journal, timed: one that is slow stops nobody, because another program may have had the disk for a moment;
/// several in a row over five seconds are a disk that every order waits for.
#[derive(Clone, Debug)]
pub struct Commits {
    rules: BreakerRules,
    slow: u32,
    quick: u32,
    since: Timestamp,
    told: bool,
}

impl Commits {
    /// Nothing was slow yet.
    pub fn new(rules: BreakerRules) -> Self {
        Self {
            rules,
            slow: 0,
            quick: 0,
            since: Timestamp::MIN,
            told: false,
        }
    }

    /// A commit took so long; the input that follows from it.
    pub fn took(&mut self, took: Duration, now: Timestamp) -> Option<Input> {
        let most = Duration::from_millis(self.rules.commit_ms.into());
        if most.is_zero() {
            return None;
        }
        if took <= most {
            (self.slow, self.quick) = (0, self.quick.saturating_add(1));
            let over = self.told && self.quick >= QUICK;
            self.told &= !over;
            return over.then_some(Input::Journal { slow: None });
        }
        if self.slow == 0 {
            // It began when this one did.
            self.since = now.before(took);
        }
        (self.slow, self.quick) = (self.slow.saturating_add(1), 0);
        let lasts = self.slow >= self.rules.commits.max(1) && now.since(self.since) >= SLOW_FOR;
        (lasts && !std::mem::replace(&mut self.told, true)).then_some(Input::Journal { slow: Some(took) })
    }
}

/// Looks at each event as it is folded, in every build: what must hold, holds, or the breaker of the broker opens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    held: Option<Quantity>,
}

/// How it was before an event is folded.
pub(super) fn before(state: &State, fact: &Fact) -> Before {
    let held = match fact {
        Fact::Executed { execution } => {
            let known = state
                .executions
                .contains_key(&(execution.account, execution.id.base));
            let held = state.position(execution.account, execution.instrument).quantity;
            (!known && state.accounts.contains_key(&execution.account)).then_some(held)
        }
        _ => None,
    };
    Before { held }
}

/// What does not hold after it.
pub(super) fn broken(state: &State, event: &Event, before: Before) -> Option<Fact> {
    let (broker, text) = moved(state, &event.fact, before).or_else(|| indexed(state, &event.fact))?;
    Some(opened(&Trip {
        broker,
        cause: BreakerCause::Invariant,
        text: format!("an invariant is broken, event {}: {text}", event.sequence),
        lasts: false,
    }))
}

/// An execution moves its position by what was executed.
fn moved(state: &State, fact: &Fact, before: Before) -> Option<(BrokerId, String)> {
    let Fact::Executed { execution } = fact else {
        return None;
    };
    let held = state.position(execution.account, execution.instrument).quantity;
    let wanted = before
        .held?
        .saturating_add(execution.side.signed(execution.quantity));
    (held != wanted).then(|| {
        let text = format!(
            "{} {} are held after execution {}, {wanted} should be",
            held, execution.instrument, execution.id
        );
        (execution.account.broker, text)
    })
}

/// The index of what lives agrees with each order, and nothing is filled by less than nothing.
fn indexed(state: &State, fact: &Fact) -> Option<(BrokerId, String)> {
    let order = state.orders.get(&fact.order()?)?;
    let key = (order.spec.account, order.spec.instrument, order.id);
    let listed = state.live.contains(&key);
    let wrong = listed != order.phase.is_live() || order.filled.is_negative();
    wrong.then(|| {
        let text = format!(
            "{} is {} and {} filled",
            order.id,
            order.phase.word(),
            order.filled
        );
        (order.spec.account.broker, text)
    })
}

impl State {
    /// Facts that a breaker changes by, or counts.
    pub(super) fn fold_breakers(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::BreakerMoved {
                broker,
                to,
                cause,
                text,
                lasts,
            } => self.move_breaker(*broker, (*to, *cause), text, *lasts, at),
            Fact::BreakerAcknowledged { broker, by } => {
                if let Some(breaker) = self.breakers.get_mut(broker) {
                    breaker.acknowledged = Some(by.clone());
                }
            }
            Fact::ReconcileEnded {
                account,
                failure: None,
                ..
            } => {
                if let Some(breaker) = self.breakers.get_mut(&account.broker) {
                    let reads = breaker.reads.entry(*account).or_default();
                    *reads = reads.saturating_add(1);
                }
            }
            Fact::Submitted { id, spec, .. } if spec.parent.is_none() => {
                self.try_breaker(*id, spec.account.broker);
            }
            Fact::ParkReleased { id, .. } => {
                if let Some(broker) = self.orders.get(id).map(|order| order.spec.account.broker) {
                    self.try_breaker(*id, broker);
                }
            }
            _ => {}
        }
    }

    fn move_breaker(
        &mut self,
        broker: BrokerId,
        (to, cause): (BreakerState, BreakerCause),
        text: &SafeText,
        lasts: bool,
        at: Timestamp,
    ) {
        let known = self.breakers.get(&broker);
        let same = known
            .filter(|breaker| (breaker.state, breaker.cause) == (to, cause))
            .cloned();
        let breaker = match same {
            Some(breaker) => Breaker { lasts, ..breaker },
            None => Breaker {
                state: to,
                cause,
                text: text.clone(),
                since: at,
                lasts,
                reads: BTreeMap::new(),
                acknowledged: None,
                trial: None,
            },
        };
        self.breakers.insert(broker, breaker);
    }

    fn try_breaker(&mut self, id: ClientOrderId, broker: BrokerId) {
        if let Some(breaker) = self.breakers.get_mut(&broker)
            && breaker.state == BreakerState::HalfOpen
        {
            breaker.trial = breaker.trial.or(Some(id));
        }
    }

    /// A new process: what lasts is told again, and everything is read again.
    pub(super) fn resume_breakers(&mut self) {
        for breaker in self.breakers.values_mut() {
            breaker.lasts = false;
            breaker.reads.clear();
        }
    }

    /// A trial that ended without the broker's word says nothing.
    pub(super) fn end_trial(&mut self, id: ClientOrderId) {
        let phase = self.orders.get(&id).map(|order| order.phase);
        if !matches!(phase, Some(Phase::NotSent | Phase::Cancelled | Phase::Expired)) {
            return;
        }
        for breaker in self
            .breakers
            .values_mut()
            .filter(|breaker| breaker.trial == Some(id))
        {
            let told = breaker.state != BreakerState::HalfOpen;
            breaker.trial = breaker.trial.filter(|_| told);
        }
    }
}
