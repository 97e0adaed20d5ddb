//! The circuit breaker of each broker. Where a broker refuses, does not answer, answers late, or holds something else than we
//! think, and where the clock, the journal or an invariant of ours is off, it opens: nothing that adds risk leaves to that
//! broker, cancels and exits pass. It is half open once every account was read twice completely since (the read, and a round
//! trip behind it), what lasts is over, and, after a broken invariant, a mismatch or a doubled order, a person has
//! acknowledged it. Then one order at a time may add risk: the broker's acceptance of it closes the breaker, a refusal or
//! silence opens it again.
//!
//! What it is stands in the state, by facts; what is counted on the way is memory and begins anew with the process. A
//! breaker of a strategy is to be another owner beside the broker.

mod invariants;
mod watch;

use super::command::{Denial, DenialCode};
use super::event::{Event, Fact};
use super::state::State;
use crate::domain::{AccountKey, BrokerId, ClientOrderId, LinkState, Phase, SafeText, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) use invariants::{before, broken};
pub use watch::{Commits, SLOW_FOR, Watch};

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

/// Something that opens a breaker.
struct Trip {
    broker: BrokerId,
    cause: BreakerCause,
    text: String,
    lasts: bool,
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
            Fact::ParkReleased { id, .. } | Fact::ChainReleased { id, .. } => {
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
