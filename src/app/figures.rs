//! What the engine's task counts as it goes: the walk of each order by step, what became of orders, trades, links, queues,
//! and minutes for the log of availability. Counts and notes only; decides nothing. Each step of an order also leaves one line
//! in the log with its client order id, by which a request, its command and the broker's answer are found together.

use super::availability::Minutes;
use super::surroundings::Surroundings;
use crate::domain::{BrokerId, ClientOrderId, LinkState, Phase, Timestamp, TradingState};
use crate::engine::{Actor, Event, Fact, Request, SessionKind, State};
use crate::metrics::metrics;
use crate::store::Committed;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Orders whose walk is measured at once; of more than these the times are not told.
const WALKS_MAX: usize = 4_096;
/// What the engine lives on is looked at this often, in seconds.
const LOOK_EVERY: u32 = 10;

/// Where one order is on its walk: nanoseconds of the steady clock.
#[derive(Clone, Copy, Debug)]
struct Walk {
    taken: i64,
    decided: i64,
    durable: Option<i64>,
    sent: Option<i64>,
}

/// What the task counts.
#[derive(Debug)]
pub(super) struct Figures {
    walks: BTreeMap<ClientOrderId, Walk>,
    began: Option<i64>,
    ready_once: BTreeSet<BrokerId>,
    minutes: Minutes,
    second: Option<i64>,
    surroundings: Surroundings,
    looks: u32,
}

/// What the task knows of its queues and sessions, once a second.
#[derive(Debug)]
pub(super) struct Queues<'a> {
    /// Batches that wait for the disk.
    pub(super) journal: usize,
    /// The fullest queue of a session.
    pub(super) told: usize,
    /// Who is attached.
    pub(super) kinds: &'a BTreeMap<crate::domain::SessionId, SessionKind>,
    /// True once the journal is on its reserve.
    pub(super) storage_failed: bool,
}

impl Figures {
    /// Nothing was counted yet.
    pub(super) fn new(surroundings: Surroundings, minutes: Minutes) -> Self {
        Self {
            walks: BTreeMap::new(),
            began: None,
            ready_once: BTreeSet::new(),
            minutes,
            second: None,
            surroundings,
            looks: 0,
        }
    }

    /// An input is taken up.
    pub(super) fn taken(&mut self, now_ns: i64) {
        self.began = Some(now_ns);
    }

    /// Its facts are folded.
    pub(super) fn folded(&mut self, events: &[Event], state: &State, now_ns: i64) {
        let began = self.began.take().unwrap_or(now_ns);
        metrics().took("deciding", nanos(began, now_ns));
        for event in events {
            self.fact(event, state, began, now_ns);
        }
    }

    fn fact(&mut self, event: &Event, state: &State, began: i64, now_ns: i64) {
        let all = metrics();
        if let Some(status) = status(&event.fact, state) {
            all.orders.of(status).inc();
        }
        match &event.fact {
            Fact::Submitted { id, .. } => {
                // A child waits for its parent: how long is no matter of speed.
                let leaves = state
                    .orders
                    .get(id)
                    .is_some_and(|order| order.phase == Phase::InFlight);
                if leaves && self.walks.len() < WALKS_MAX {
                    all.order_step.of("decide").observe(nanos(began, now_ns));
                    let walk = Walk {
                        taken: began,
                        decided: now_ns,
                        durable: None,
                        sent: None,
                    };
                    self.walks.insert(*id, walk);
                }
            }
            Fact::Executed { execution } => {
                if let Some(instrument) = state.instruments.get(&execution.instrument) {
                    let value = execution
                        .price
                        .notional(execution.quantity, instrument.multiplier);
                    let kind = format!("{:?}", instrument.kind).to_lowercase();
                    let value = value.map_or(0.0, crate::domain::Money::to_f64);
                    all.traded(
                        &kind,
                        execution.quantity.to_f64(),
                        instrument.currency.as_str(),
                        value,
                    );
                }
            }
            Fact::LinkChanged {
                broker, state: link, ..
            } => {
                let up = *link == LinkState::Ready;
                let came_back = up && !self.ready_once.insert(*broker);
                all.link(broker.as_str(), link.word(), up, came_back);
            }
            _ => {}
        }
        let Some(id) = order_of(&event.fact) else { return };
        let (step, sequence) = (event.fact.word(), event.sequence);
        match event.actor {
            Actor::Broker(broker) => {
                tracing::info!(target: "tradewind::order", client_order_id = %id, step, sequence, %broker, "the broker answered");
                self.answered(id, now_ns);
            }
            Actor::Session(session) => {
                tracing::info!(target: "tradewind::order", client_order_id = %id, step, sequence, session = session.0, "commanded");
            }
            _ => {
                tracing::info!(target: "tradewind::order", client_order_id = %id, step, sequence, "followed");
            }
        }
        if matches!(event.fact, Fact::NotSent { .. } | Fact::Doubted { .. }) {
            self.walks.remove(&id);
        }
    }

    fn answered(&mut self, id: ClientOrderId, now_ns: i64) {
        if let Some(sent) = self.walks.remove(&id).and_then(|walk| walk.sent) {
            metrics().order_step.of("answer").observe(nanos(sent, now_ns));
            metrics().took("the broker's answer", nanos(sent, now_ns));
        }
    }

    /// They are durable.
    pub(super) fn stored(&mut self, events: &[Event], committed: &Committed, now_ns: i64) {
        let all = metrics();
        all.events.add(u64::try_from(events.len()).unwrap_or(0));
        all.sequence
            .set(i64::try_from(committed.last).unwrap_or(i64::MAX));
        if let Some(took) = committed.took {
            all.commit.observe(took);
            all.took("a commit of the journal", took);
        }
        for event in events {
            if let Fact::Submitted { id, .. } = &event.fact
                && let Some(walk) = self.walks.get_mut(id)
            {
                walk.durable = Some(now_ns);
                all.order_step.of("commit").observe(nanos(walk.decided, now_ns));
                tracing::info!(target: "tradewind::order", client_order_id = %id, step = "stored", sequence = event.sequence, "durable");
            }
        }
    }

    /// A request was handed to the broker's adapter.
    pub(super) fn sent(&mut self, request: &Request, now_ns: i64) {
        let (id, step) = match request {
            Request::Place { id, .. } => (id, "sent"),
            Request::Modify { id, .. } => (id, "change_sent"),
            Request::Cancel { id, .. } => (id, "cancel_sent"),
            Request::Snapshot { .. } => return,
        };
        tracing::info!(target: "tradewind::order", client_order_id = %id, step, "handed to the broker's adapter");
        if let Request::Place { .. } = request
            && let Some(walk) = self.walks.get_mut(id)
        {
            let all = metrics();
            if let Some(durable) = walk.durable {
                all.order_step.of("release").observe(nanos(durable, now_ns));
            }
            let whole = nanos(walk.taken, now_ns);
            all.order_step.of("to_broker").observe(whole);
            all.took("an order's way to the broker", whole);
            walk.sent = Some(now_ns);
        }
    }

    /// Looks at what has no moment of its own, once a second.
    pub(super) fn look(&mut self, now: Timestamp, state: &State, queues: &Queues<'_>) {
        let second = now.0.div_euclid(1_000_000_000);
        if self.second == Some(second) {
            return;
        }
        let passed = self.second.map_or(0, |last| second.saturating_sub(last));
        self.second = Some(second);
        let all = metrics();
        all.queues.of("journal").set_count(queues.journal);
        all.queues.of("told").set_count(queues.told);
        for (name, kind) in [
            ("terminal", SessionKind::Terminal),
            ("shell", SessionKind::Shell),
            ("monitor", SessionKind::Monitor),
            ("program", SessionKind::Program),
        ] {
            all.clients
                .of(name)
                .set_count(queues.kinds.values().filter(|other| **other == kind).count());
        }
        for (name, phase) in [
            ("created", Phase::Created),
            ("parked", Phase::Parked),
            ("in_flight", Phase::InFlight),
            ("uncertain", Phase::Uncertain),
            ("held", Phase::Held),
            ("working", Phase::Working),
        ] {
            all.orders_now
                .of(name)
                .set_count(state.all_live().filter(|order| order.phase == phase).count());
        }
        let up = is_up(state) && !queues.storage_failed;
        let halted = state
            .accounts
            .values()
            .any(|account| account.trading == TradingState::Halted);
        all.ready.0.set(i64::from(up && !halted));
        all.ready.1.set(i64::from(!state.pauses.is_empty()));
        self.minutes.note(now, passed, up, state);
        if self.looks.is_multiple_of(LOOK_EVERY) {
            self.surroundings.look();
        }
        self.looks = self.looks.wrapping_add(1);
    }

    /// The engine ends in order.
    pub(super) fn end(&mut self, now: Timestamp) {
        self.minutes.end(now);
    }
}

fn nanos(from: i64, to: i64) -> Duration {
    Duration::from_nanos(u64::try_from(to.saturating_sub(from)).unwrap_or(0))
}

/// Whether every broker is connected, read and compared.
fn is_up(state: &State) -> bool {
    !state.links.is_empty() && state.links.values().all(|link| link.state == LinkState::Ready)
}

/// The status that an order came to by a fact.
fn status(fact: &Fact, state: &State) -> Option<&'static str> {
    Some(match fact {
        Fact::Submitted { .. } | Fact::OrderChained { .. } => "submitted",
        Fact::Denied { .. } => "denied",
        Fact::Accepted { .. } => "accepted",
        Fact::Cancelled { .. } => "cancelled",
        Fact::Expired { .. } => "expired",
        Fact::Rejected { .. } => "rejected",
        Fact::NotSent { .. } => "not_sent",
        Fact::Doubted { .. } => "uncertain",
        Fact::Absent { .. } => "absent",
        Fact::Lost { .. } => "lost",
        Fact::Adopted { .. } => "adopted",
        Fact::Executed { execution } => {
            let order = execution.order.and_then(|id| state.orders.get(&id))?;
            if order.phase != Phase::Filled {
                return None;
            }
            "filled"
        }
        _ => return None,
    })
}

/// The order that a fact is about.
fn order_of(fact: &Fact) -> Option<ClientOrderId> {
    match fact {
        Fact::Submitted { id, .. }
        | Fact::OrderChained { id, .. }
        | Fact::ChainReleased { id, .. }
        | Fact::Denied { id, .. }
        | Fact::ChildReleased { id, .. }
        | Fact::NotSent { id, .. }
        | Fact::Accepted { id, .. }
        | Fact::Doubted { id, .. }
        | Fact::Triggered { id }
        | Fact::ModifyRequested { id, .. }
        | Fact::Modified { id, .. }
        | Fact::ModifyRefused { id, .. }
        | Fact::CancelRequested { id }
        | Fact::CancelRefused { id, .. }
        | Fact::Cancelled { id, .. }
        | Fact::Expired { id }
        | Fact::Rejected { id, .. }
        | Fact::Missed { id }
        | Fact::Absent { id }
        | Fact::Lost { id } => Some(*id),
        Fact::Executed { execution } | Fact::Corrected { execution } => execution.order,
        _ => None,
    }
}
