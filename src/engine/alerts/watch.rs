//! Evaluates alerts: on market data those that concern the instrument, on facts those that concern facts, and on their
//! deadlines. What it remembers (sides of crossings, when data came, studies) is no part of the state: after a restart it
//! begins anew, and the first price only says on which side it is.

use super::condition::Test;
use super::measure::{Look, Sides, link_since, span, works_since};
use super::studies::Studies;
use super::{Alert, AlertId, OrderWord, Outage, Value, profit_instruments};
use crate::domain::{BrokerId, InstrumentId, LinkState, SafeText, Timestamp};
use crate::engine::event::{Event, Fact};
use crate::engine::state::State;
use crate::market::{Market, Timeframe};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Alerts on profit are evaluated this often at most: any price of what is held moves them.
const PROFIT_EVERY: Duration = Duration::from_millis(250);
/// Bars that a study begins with where history is asked for.
pub const STUDY_BARS: u32 = 300;

/// What the settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A broker that is away for so long is told, without anybody having asked.
    pub away_after: Duration,
}
impl Default for Rules {
    fn default() -> Self {
        Self {
            away_after: Duration::from_secs(120),
        }
    }
}

/// The evaluator's memory.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    rules: Rules,
    /// Which alerts name an instrument.
    named: BTreeMap<InstrumentId, Vec<AlertId>>,
    /// Which alerts depend on it because it is held.
    held: BTreeMap<InstrumentId, Vec<AlertId>>,
    /// Which alerts rest on facts.
    on_facts: BTreeSet<AlertId>,
    heard: BTreeMap<InstrumentId, Timestamp>,
    sides: BTreeMap<AlertId, Sides>,
    studies: Studies,
    profit_at: Timestamp,
    deadline: Option<Timestamp>,
    is_ready: bool,
}

impl Watch {
    /// With the settings' rules.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }
    /// When it has to look again although nothing happens.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadline
    }
    /// The bars of an instrument were joined with others.
    pub fn bars_replaced(&mut self, instrument: InstrumentId) {
        self.studies.forget(instrument);
    }
    /// Data of an instrument came: the facts that follow.
    pub fn on_market(
        &mut self,
        state: &State,
        market: &Market,
        instrument: InstrumentId,
        now: Timestamp,
    ) -> Vec<Fact> {
        if state.alerts.is_idle() {
            return Vec::new();
        }
        if !self.is_ready {
            self.index(state);
        }
        self.heard.insert(instrument, now);
        let mut concerned: Vec<AlertId> = self.named.get(&instrument).cloned().unwrap_or_default();
        if now.since(self.profit_at) >= PROFIT_EVERY
            && let Some(more) = self.held.get(&instrument)
        {
            self.profit_at = now;
            concerned.extend(
                more.iter()
                    .filter(|id| !concerned.contains(id))
                    .copied()
                    .collect::<Vec<_>>(),
            );
        }
        self.look(state, market, &concerned, &[], now)
    }

    /// Something happened, or a deadline has come: the facts that follow. `events` are folded already.
    pub fn on_facts(
        &mut self,
        state: &State,
        market: &Market,
        events: &[Event],
        now: Timestamp,
    ) -> Vec<Fact> {
        for event in events {
            self.take(&event.fact);
        }
        if !self.is_ready {
            self.index(state);
        }
        let mut facts = self.outages(state, now);
        let over = |alert: &Alert| alert.ended.is_none() && alert.spec.expires.is_some_and(|at| at <= now);
        let expired: Vec<AlertId> = state
            .alerts
            .all
            .iter()
            .filter(|(_, alert)| over(alert))
            .map(|(id, _)| *id)
            .collect();
        facts.extend(expired.iter().map(|id| Fact::AlertExpired { id: *id }));
        let rested = |alert: &Alert| alert.rests_until().is_some_and(|at| at <= now);
        let concerned: Vec<AlertId> = state
            .alerts
            .all
            .iter()
            .filter(|(id, alert)| {
                self.on_facts.contains(id) || made(events, **id) || (alert.armed && rested(alert))
            })
            .map(|(id, _)| *id)
            .filter(|id| !expired.contains(id))
            .collect();
        facts.extend(self.look(state, market, &concerned, events, now));
        self.deadline = self.deadlines(state, now);
        facts
    }

    /// What it found is folded: which alerts there are, and when to look again, are others now.
    pub fn settle(&mut self, state: &State, now: Timestamp) {
        self.is_ready = false;
        self.deadline = self.deadlines(state, now);
    }

    /// What changes what is remembered.
    fn take(&mut self, fact: &Fact) {
        match fact {
            Fact::AlertSet { .. }
            | Fact::AlertRemoved { .. }
            | Fact::AlertPaused { .. }
            | Fact::AlertFired { .. }
            | Fact::AlertExpired { .. }
            | Fact::Executed { .. }
            | Fact::Corrected { .. }
            | Fact::OpeningRead { .. }
            | Fact::PositionChanged { .. }
            | Fact::PositionAdjusted { .. } => self.is_ready = false,
            // What was heard before is from before.
            Fact::LinkChanged {
                state: LinkState::Down | LinkState::Connecting,
                ..
            } => self.heard.clear(),
            _ => {}
        }
    }

    fn look(
        &mut self,
        state: &State,
        market: &Market,
        concerned: &[AlertId],
        events: &[Event],
        now: Timestamp,
    ) -> Vec<Fact> {
        let mut facts = Vec::new();
        for id in concerned {
            let Some(alert) = state.alerts.all.get(id).filter(|alert| alert.is_active()) else {
                continue;
            };
            let look = Look {
                state,
                market,
                now,
                heard: &self.heard,
                events,
            };
            let sides = self.sides.entry(*id).or_default();
            let said = look.condition(&alert.spec.condition, &mut self.studies, sides);
            let rested = alert.rests_until().is_none_or(|at| at <= now);
            match said.holds {
                Some(true) if alert.armed && rested => facts.push(Fact::AlertFired {
                    id: *id,
                    text: SafeText::new(&super::words(*id, &alert.spec, &said.seen)),
                    seen: said.seen,
                    quote: alert
                        .spec
                        .condition
                        .instrument()
                        .and_then(|of| market.quote(of))
                        .copied(),
                }),
                Some(false) if !alert.armed => facts.push(Fact::AlertRearmed { id: *id }),
                _ => {}
            }
        }
        facts
    }

    /// Brokers that are away for too long, each outage once.
    fn outages(&self, state: &State, now: Timestamp) -> Vec<Fact> {
        let away = state.alerts.outages.iter();
        away.filter(|(broker, outage)| !outage.told && now >= self.away_at(state, **broker, outage))
            .map(|(broker, outage)| Fact::BrokerAway {
                broker: *broker,
                since: outage.since,
            })
            .collect()
    }

    /// When an outage has lasted too long. One that was planned may last as long as planned.
    fn away_at(&self, state: &State, broker: BrokerId, outage: &Outage) -> Timestamp {
        let at = outage.since.after(self.rules.away_after);
        state.pauses.get(&broker).map_or(at, |pause| at.max(pause.until))
    }

    /// The next moment at which something may become true by time alone.
    fn deadlines(&self, state: &State, now: Timestamp) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        let mut tell = |at: Timestamp| {
            if at > now {
                next = Some(next.map_or(at, |earliest| earliest.min(at)));
            }
        };
        for (broker, outage) in state.alerts.outages.iter().filter(|(_, outage)| !outage.told) {
            tell(self.away_at(state, *broker, outage));
        }
        for alert in state.alerts.all.values().filter(|alert| alert.ended.is_none()) {
            if let Some(at) = alert.spec.expires {
                tell(at);
            }
            if let Some(at) = alert.rests_until().filter(|_| alert.is_active()) {
                tell(at);
            }
            if alert.is_active() {
                alert
                    .spec
                    .condition
                    .each(&mut |test| spans(state, test, &mut tell));
            }
        }
        next
    }

    /// Which alerts concern what.
    fn index(&mut self, state: &State) {
        self.is_ready = true;
        self.named.clear();
        self.held.clear();
        self.on_facts.clear();
        for (id, alert) in state.alerts.all.iter().filter(|(_, alert)| alert.is_active()) {
            alert.spec.condition.each(&mut |test| match test {
                Test::Market { instrument, .. } => add(&mut self.named, *instrument, *id),
                Test::Profit {
                    account, instrument, ..
                } => {
                    for of in profit_instruments(state, *account, *instrument) {
                        add(&mut self.held, of, *id);
                    }
                    self.on_facts.insert(*id);
                }
                Test::Position { .. } | Test::Order { .. } | Test::Link { .. } | Test::System(_) => {
                    self.on_facts.insert(*id);
                }
            });
        }
        let alerts = &state.alerts.all;
        self.sides.retain(|id, _| alerts.contains_key(id));
        self.studies.keep(&studies_of(state));
    }
}

fn add(index: &mut BTreeMap<InstrumentId, Vec<AlertId>>, instrument: InstrumentId, id: AlertId) {
    let ids = index.entry(instrument).or_default();
    if !ids.contains(&id) {
        ids.push(id);
    }
}

fn made(events: &[Event], id: AlertId) -> bool {
    events.iter().any(|event| match &event.fact {
        Fact::AlertSet { id: of, .. }
        | Fact::AlertPaused {
            id: of,
            paused: false,
        } => *of == id,
        _ => false,
    })
}

/// Bars that the studies of active alerts rest on, to be asked for where they are not here.
pub fn bars_wanted(state: &State) -> BTreeSet<(InstrumentId, Timeframe)> {
    let used = studies_of(state).into_iter();
    used.map(|(instrument, timeframe, _)| (instrument, timeframe))
        .collect()
}

/// Every study that an active alert rests on.
fn studies_of(state: &State) -> BTreeSet<(InstrumentId, Timeframe, SafeText)> {
    let mut used = BTreeSet::new();
    for alert in state.alerts.all.values().filter(|alert| alert.is_active()) {
        alert.spec.condition.each(&mut |test| {
            if let Test::Market {
                instrument,
                left,
                right,
                ..
            } = test
            {
                for value in [left, right] {
                    if let Value::Study { study, timeframe } = value {
                        used.insert((*instrument, *timeframe, study.clone()));
                    }
                }
            }
        });
    }
    used
}

/// When a test that waits for time to pass is to be looked at.
fn spans(state: &State, test: &Test, tell: &mut impl FnMut(Timestamp)) {
    match test {
        Test::Link { broker, is, for_s } => {
            for (id, link) in state
                .links
                .iter()
                .filter(|(id, _)| broker.is_none_or(|of| of == **id))
            {
                if let Some(since) = link_since(state, *id, link.state, link.since, *is) {
                    tell(since.after(span(*for_s)));
                }
            }
        }
        Test::Order {
            instrument,
            became: OrderWord::Working(seconds),
        } => {
            for order in state
                .all_live()
                .filter(|order| instrument.is_none_or(|of| of == order.spec.instrument))
            {
                if let Some(since) = works_since(order) {
                    tell(since.after(span(*seconds)));
                }
            }
        }
        _ => {}
    }
}
