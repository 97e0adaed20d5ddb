//! The dead-man lease of programs that opt in. Who holds one says again and again that it is alive; when it does not, the
//! entries it sent meanwhile are cancelled, and it may only reduce until it says so once more. Protective stops stay, nothing is
//! ever flattened, and nobody else's orders are touched. A lease belongs to a key (to a user without one), whatever the
//! session: it outlives connections and the engine, which starts each lease anew, because nobody could renew it meanwhile.

use super::command::{Denial, DenialCode, Origin, SessionKind};
use super::decide::{Decision, cancel, is_protective, may_act};
use super::event::{Actor, Event, Fact};
use super::state::State;
use crate::domain::{ClientOrderId, SafeText, SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a lease is where nothing is said, in seconds.
pub const USUAL_SECONDS: u32 = 60;
/// The shortest and the longest.
pub const SECONDS: std::ops::RangeInclusive<u32> = 15..=300;
/// One that was renewed this recently is not recorded again.
const RENEWED_LATELY: Duration = Duration::from_secs(5);

/// A lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// For so long each renewal holds.
    pub seconds: u32,
    /// When it was last renewed.
    pub renewed_at: Timestamp,
    /// It ran out: its holder only reduces until it is renewed.
    pub ran_out: bool,
    /// Live orders that its holder sent under it.
    pub orders: BTreeSet<ClientOrderId>,
}
impl Lease {
    /// When it runs out.
    pub fn until(&self) -> Timestamp {
        self.renewed_at.after(Duration::from_secs(self.seconds.into()))
    }
}

/// All leases, and which session is whose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leases {
    /// By holder: `key` and its id, or `user` and their name.
    pub held: BTreeMap<SafeText, Lease>,
    /// Whose each session of a program is.
    pub sessions: BTreeMap<SessionId, SafeText>,
}

impl Leases {
    /// The holder of a session, where it is a program's.
    pub fn holder(&self, session: SessionId) -> Option<&SafeText> {
        self.sessions.get(&session)
    }
    /// The lease of a session.
    pub fn of(&self, session: SessionId) -> Option<&Lease> {
        self.held.get(self.holder(session)?)
    }
}

/// Who holds the leases of a program: its key, or its user where it came without one.
pub fn holder(name: &SafeText, key: Option<&SafeText>) -> SafeText {
    match key {
        Some(key) => SafeText::new(&format!("key {key}")),
        None => SafeText::new(&format!("user {name}")),
    }
}

/// Takes a lease or renews it; nothing to give it back.
pub(super) fn decide(
    state: &State,
    origin: Origin,
    seconds: Option<u32>,
    now: Timestamp,
) -> Result<Decision, Denial> {
    may_act(origin)?;
    let holder = match state.leases.holder(origin.session) {
        Some(holder) if origin.kind == SessionKind::Program => holder.clone(),
        _ => {
            let text = "a lease is for programs that come in by the network";
            return Err(Denial::new(DenialCode::BadOrder, text));
        }
    };
    let known = state.leases.held.get(&holder);
    let Some(seconds) = seconds else {
        let fact = known.map(|_| Fact::LeaseEnded {
            holder,
            ran_out: false,
        });
        return Ok(Decision::done(fact.into_iter().collect()));
    };
    if !SECONDS.contains(&seconds) {
        let text = format!(
            "a lease is of {} to {} seconds, not {seconds}",
            SECONDS.start(),
            SECONDS.end()
        );
        return Err(Denial::new(DenialCode::BadOrder, text));
    }
    let lately = known.is_some_and(|lease| {
        !lease.ran_out && lease.seconds == seconds && now.since(lease.renewed_at) < RENEWED_LATELY
    });
    let fact = (!lately).then_some(Fact::LeaseRenewed { holder, seconds });
    Ok(Decision::done(fact.into_iter().collect()))
}

/// Why a program may not add risk, where its lease ran out.
pub(super) fn denies(state: &State, session: SessionId) -> Option<Denial> {
    let lease = state.leases.of(session).filter(|lease| lease.ran_out)?;
    let text = format!(
        "your lease of {} s ran out at {}; only cancels and reducing orders pass until you renew it (PUT /api/v1/lease)",
        lease.seconds,
        lease.until()
    );
    Some(Denial::new(DenialCode::Lease, text))
}

/// When the next lease runs out.
pub(super) fn deadlines(state: &State, mut tell: impl FnMut(Timestamp, &SafeText)) {
    for (holder, lease) in state.leases.held.iter().filter(|(_, lease)| !lease.ran_out) {
        tell(lease.until(), holder);
    }
}

/// What a lease that ran out leads to: its holder's entries go, protective stops stay.
pub(super) fn ran_out(state: &State, holder: &SafeText) -> Vec<Fact> {
    let Some(lease) = state.leases.held.get(holder).filter(|lease| lease.ran_out) else {
        return Vec::new();
    };
    let orders = lease.orders.iter().filter_map(|id| state.orders.get(id));
    orders
        .filter(|order| order.phase.is_live() && !order.foreign && !is_protective(state, order))
        .map(|order| cancel(order, "the lease of its sender ran out"))
        .collect()
}

impl State {
    /// Facts that leases change by.
    pub(super) fn fold_leases(&mut self, event: &Event) {
        match &event.fact {
            Fact::EngineStarted { .. } => {
                self.leases.sessions.clear();
                for lease in self.leases.held.values_mut().filter(|lease| !lease.ran_out) {
                    lease.renewed_at = event.at;
                }
            }
            Fact::ProgramOpened {
                session, name, key, ..
            } => {
                let holder = holder(name, key.as_ref());
                self.leases.sessions.insert(*session, holder);
            }
            Fact::SessionClosed { session } => drop(self.leases.sessions.remove(session)),
            Fact::LeaseRenewed { holder, seconds } => {
                let known = self.leases.held.remove(holder);
                let lease = Lease {
                    seconds: *seconds,
                    renewed_at: event.at,
                    ran_out: false,
                    orders: known.map(|lease| lease.orders).unwrap_or_default(),
                };
                self.leases.held.insert(holder.clone(), lease);
            }
            Fact::LeaseEnded {
                holder,
                ran_out: true,
            } => {
                if let Some(lease) = self.leases.held.get_mut(holder) {
                    lease.ran_out = true;
                }
            }
            Fact::LeaseEnded { holder, .. } => drop(self.leases.held.remove(holder)),
            Fact::Submitted { id, .. } | Fact::OrderChained { id, .. } => {
                if let Actor::Session(session) = event.actor
                    && let Some(holder) = self.leases.sessions.get(&session)
                    && let Some(lease) = self.leases.held.get_mut(holder)
                {
                    lease.orders.insert(*id);
                }
            }
            fact => {
                let ended =
                    |id: &ClientOrderId| self.orders.get(id).is_none_or(|order| !order.phase.is_live());
                if let Some(id) = fact.order().filter(ended) {
                    for lease in self.leases.held.values_mut() {
                        lease.orders.remove(&id);
                    }
                }
            }
        }
    }
}
