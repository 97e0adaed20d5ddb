//! One input, one batch: decide, number, fold, and follow what follows, until nothing does. The caller stores the batch
//! before it tells anyone or lets a request leave.

use super::alerts;
use super::breaker;
use super::chain;
use super::command::{Command, Origin, Outcome};
use super::decide::{self, Decision};
use super::event::{Actor, Event, Fact};
use super::follow;
use super::halt::HaltFile;
use super::parking;
use super::planted::{Bug, planted};
use super::port::BrokerEvent;
use super::release::{self, Release};
use super::risk;
use super::scale_out;
use super::state::State;
use super::stops;
use super::timers;
use crate::domain::{
    AccountId, BreakerRules, BrokerId, InstrumentId, LimitName, LimitValue, Limits, OrderSpec, RulePack,
    SafeText, Scope, Timestamp,
};
use crate::market::Market;
use std::collections::BTreeMap;
use std::time::Duration;

/// What can wake the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A process begins: once, before anything else.
    Start {
        /// The program's version and build.
        build: SafeText,
        /// The limits of config.toml.
        limits: Box<Limits>,
    },
    /// Somebody asks for something.
    Command {
        /// Who.
        origin: Origin,
        /// What.
        command: Command,
    },
    /// A broker says something.
    Broker {
        /// Which.
        broker: BrokerId,
        /// What.
        event: BrokerEvent,
    },
    /// The next deadline has come.
    Timer,
    /// The halt file in the run folder appeared, changed or went; also how it is when a process begins.
    HaltFile {
        /// As it is now.
        file: Option<HaltFile>,
    },
    /// Commits of the journal have become slow, or quick again.
    Journal {
        /// How long the last one took, where they are slow.
        slow: Option<Duration>,
    },
    /// What the settings say of the sectors of instruments: once, when a process begins.
    Sectors {
        /// All of it.
        sectors: BTreeMap<InstrumentId, SafeText>,
    },
    /// What config.toml says beside the limits of every account: once, after the start.
    Rules {
        /// Tighter limits, by what they are of.
        scopes: BTreeMap<Scope, BTreeMap<LimitName, LimitValue>>,
        /// Rule packs of firms.
        packs: BTreeMap<AccountId, RulePack>,
    },
    /// The journal could not be written: no more risk.
    StorageFailed {
        /// Why.
        reason: SafeText,
    },
}

impl Input {
    fn actor(&self) -> Actor {
        match self {
            Self::Command { origin, .. } => Actor::Session(origin.session),
            Self::Broker { broker, .. } => Actor::Broker(*broker),
            Self::Timer => Actor::Timer,
            Self::Start { .. }
            | Self::Rules { .. }
            | Self::StorageFailed { .. }
            | Self::HaltFile { .. }
            | Self::Journal { .. }
            | Self::Sectors { .. } => Actor::Engine,
        }
    }
}

/// All facts of one input, and the answer to its asker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// In order; to be stored in one transaction.
    pub events: Vec<Event>,
    /// The answer, for a command.
    pub outcome: Option<Outcome>,
}

/// Where the clock of a new process begins: at the wall clock, but never before what was recorded last. One that began
/// earlier would stand still until it has caught up, and with it every deadline and every window of the controls.
pub fn clock_begins(state: &State, wall: Timestamp) -> Timestamp {
    wall.max(state.at)
}

/// More facts than this from one input mean that the rules chase each other; the batch ends with a loud fact.
const FACTS_PER_BATCH: usize = 4_096;

/// The state and the one way to change it.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    state: State,
    /// Evaluates alerts; nothing it remembers is part of the state.
    alerts: alerts::Watch,
    /// Looks at the loss of each session; nothing it remembers is part of the state.
    losses: risk::Watch,
    /// Knows how old the quotes of parked orders are; nothing it remembers is part of the state.
    parking: parking::Watch,
    /// Counts what opens the breakers of brokers; nothing it remembers is part of the state.
    breakers: breaker::Watch,
}

impl Engine {
    /// An engine over a recovered state.
    pub fn new(state: State) -> Self {
        Self {
            state,
            alerts: alerts::Watch::default(),
            losses: risk::Watch::default(),
            parking: parking::Watch::default(),
            breakers: breaker::Watch::default(),
        }
    }

    /// The same with the settings' rules about breakers; without them only a broken invariant opens one.
    #[must_use]
    pub fn with_breakers(self, rules: BreakerRules) -> Self {
        Self {
            breakers: breaker::Watch::new(rules),
            ..self
        }
    }

    /// The same with the settings' rules about alerts.
    #[must_use]
    pub fn with_alerts(self, rules: alerts::Rules) -> Self {
        Self {
            alerts: alerts::Watch::new(rules),
            ..self
        }
    }

    /// The state, to read.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Decides one input and folds what follows from it.
    pub fn step(&mut self, market: &Market, input: &Input, now: Timestamp) -> Batch {
        // A clock that went back stands still until it has caught up: decide, fold and timers see one time.
        let now = now.max(self.state.at);
        let Decision { facts, outcome } = decide::decide(&self.state, market, input, now);
        let mut batch = Batch::default();
        self.fold_all(facts, input.actor(), now, &mut batch.events);
        let tripped = self.breakers.on_facts(&self.state, input, &batch.events);
        self.fold_all(tripped, Actor::Engine, now, &mut batch.events);
        if !batch.events.is_empty() || matches!(input, Input::Timer) {
            let lost = self.losses.on_facts(&self.state, market, &batch.events, now);
            self.fold_all(lost, Actor::Engine, now, &mut batch.events);
            let parked = self.parking.judge(&self.state, market, now);
            self.fold_all(parked, Actor::Engine, now, &mut batch.events);
            let chained = chain::judge(&self.state, market, now);
            self.fold_all(chained, Actor::Engine, now, &mut batch.events);
            let parts = scale_out::judge(&self.state, now);
            self.fold_all(parts, Actor::Engine, now, &mut batch.events);
            let facts = self.alerts.on_facts(&self.state, market, &batch.events, now);
            self.fold_alerts(facts, now, &mut batch.events);
        }
        if planted(Bug::ChangedInMemory) && matches!(input, Input::Timer) {
            self.state.trimmed.1 = now;
        }
        batch.outcome = outcome.map(|outcome| match outcome {
            Outcome::Done { note, .. } => Outcome::Done {
                sequence: self.state.sequence,
                note,
            },
            other => other,
        });
        batch
    }

    /// The orders of a command that the broker has to be asked about before it is decided: what they would bind. Nothing is
    /// changed by asking.
    pub fn to_ask(
        &self,
        market: &Market,
        (origin, command): (Origin, &Command),
        now: Timestamp,
    ) -> Vec<OrderSpec> {
        decide::to_ask(&self.state, market, (origin, command), now.max(self.state.at))
    }

    /// Whether the request that an event calls for may leave, asked after the event is stored.
    pub fn release(&self, event: &Event) -> Release {
        release::release(&self.state, event)
    }

    /// Folds a fact that the engine's process found out by itself, with what follows from it: a request that did not
    /// leave, or something a person should see.
    pub fn record(&mut self, fact: Fact, now: Timestamp) -> Batch {
        let now = now.max(self.state.at);
        let mut batch = Batch::default();
        self.fold_all(vec![fact], Actor::Engine, now, &mut batch.events);
        batch
    }

    /// Market data of an instrument came and are in `market`: stops that move by themselves are moved, then alerts that
    /// concern it are evaluated.
    pub fn on_market(&mut self, market: &Market, instrument: InstrumentId, now: Timestamp) -> Batch {
        let now = now.max(self.state.at);
        let mut batch = Batch::default();
        let mut decided = self.losses.on_market(&self.state, market, instrument, now);
        if !self.state.stop_plans.is_empty() {
            decided.extend(stops::on_market(&self.state, market, instrument, now));
        }
        decided.extend(self.parking.on_market(&self.state, market, instrument, now));
        self.fold_all(decided, Actor::Engine, now, &mut batch.events);
        let mut facts = Vec::new();
        if !batch.events.is_empty() {
            facts = self.alerts.on_facts(&self.state, market, &batch.events, now);
        }
        facts.extend(self.alerts.on_market(&self.state, market, instrument, now));
        self.fold_alerts(facts, now, &mut batch.events);
        batch
    }

    /// The bars of an instrument were joined with others: studies that alerts wait for are made anew.
    pub fn bars_replaced(&mut self, instrument: InstrumentId) {
        self.alerts.bars_replaced(instrument);
    }

    /// When [`Input::Timer`] is wanted next.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let alerts = self.alerts.next_deadline();
        let own = timers::next_deadline(&self.state);
        let losses = self.losses.next_deadline();
        let parked = self.parking.next_deadline(&self.state);
        let parts = scale_out::next_deadline(&self.state);
        let all = own.into_iter().chain(alerts).chain(losses);
        all.chain(parked).chain(parts).min()
    }

    /// What alerts say is folded into the batch that made them look.
    fn fold_alerts(&mut self, facts: Vec<Fact>, now: Timestamp, events: &mut Vec<Event>) {
        if facts.is_empty() {
            return;
        }
        let batch = events
            .first()
            .map_or(self.state.sequence.saturating_add(1), |event| event.batch);
        for fact in facts {
            events.push(self.fold_one(fact, Actor::Engine, None, batch, now));
        }
        self.alerts.settle(&self.state, now);
    }

    fn fold_all(&mut self, facts: Vec<Fact>, actor: Actor, now: Timestamp, events: &mut Vec<Event>) {
        let first = events.first().map(|event| event.batch);
        let batch = first.unwrap_or_else(|| self.state.sequence.saturating_add(1));
        // What is there already was followed.
        let mut next = events.len();
        for fact in facts {
            self.fold_checked((fact, actor, None), batch, now, events);
        }
        while next < events.len() {
            let mut facts = follow::follow(&self.state, &events[next], now);
            facts.extend(breaker::follows(&self.state, &events[next]));
            let cause = events[next].sequence;
            next += 1;
            for fact in facts {
                if events.len() >= FACTS_PER_BATCH {
                    let text = SafeText::new(
                        "the engine's rules do not settle; trading by hand at the broker is advised",
                    );
                    events.push(self.fold_one(
                        Fact::Surprised { text },
                        Actor::Engine,
                        Some(cause),
                        batch,
                        now,
                    ));
                    return;
                }
                self.fold_checked((fact, Actor::Engine, Some(cause)), batch, now, events);
            }
        }
    }

    /// Folds a fact and looks whether what must hold does.
    fn fold_checked(
        &mut self,
        (fact, actor, cause): (Fact, Actor, Option<u64>),
        batch: u64,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let before = breaker::before(&self.state, &fact);
        let event = self.fold_one(fact, actor, cause, batch, now);
        let broken = breaker::broken(&self.state, &event, before);
        events.push(event);
        if let Some(fact) = broken {
            let sequence = self.state.sequence;
            events.push(self.fold_one(fact, Actor::Engine, Some(sequence), batch, now));
        }
    }

    fn fold_one(
        &mut self,
        fact: Fact,
        actor: Actor,
        cause: Option<u64>,
        batch: u64,
        now: Timestamp,
    ) -> Event {
        let sequence = self.state.sequence.saturating_add(1);
        let event = Event {
            sequence,
            at: now,
            batch,
            actor,
            cause,
            fact,
        };
        self.state.apply(&event);
        event
    }
}
