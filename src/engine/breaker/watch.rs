//! What is counted on the way to a trip: windows in memory, which begin anew with the process, and how long commits take.

use super::{Breaker, BreakerCause, BreakerState, Trip, opened};
use crate::domain::{BreakerRules, BrokerId, LinkState, Timestamp};
use crate::engine::core::Input;
use crate::engine::event::{Event, Fact};
use crate::engine::port::BrokerEvent;
use crate::engine::state::State;
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
    pub(in crate::engine) fn on_facts(
        &mut self,
        state: &State,
        input: &Input,
        events: &[Event],
    ) -> Vec<Fact> {
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
