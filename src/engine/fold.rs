//! The one fold: how a fact changes the state. Total: it never fails and never panics, whatever is in the fact, because
//! replicas, recovery and replay all run it. What may become a fact is decided before; a step that the order table does
//! not know leaves the phase as it is.

mod alerts;
mod flattens;
mod ledgers;
mod notices;
mod risk;

use super::command::SessionKind;
use super::event::{Event, Fact};
use super::order_flow::{Step, next};
use super::planted::{Bug, planted};
use super::state::{AccountState, Group, Link, Mismatch, State, Submission};
use crate::domain::{
    Account, AccountKey, ClientOrderId, Distance, InstrumentId, LinkState, Money, Order, OrderChange,
    OrderSpec, Pending, Phase, Price, Quantity, SafeText, Timestamp, TradingState,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many submissions an account remembers for its duplicate and rate controls: as many as its burst needs.
const RECENT_KEPT: std::ops::RangeInclusive<usize> = 64..=4_096;

/// What a reading found to differ.
#[derive(Clone, Copy)]
struct Differing<'a> {
    /// Ours, and the broker's.
    found: &'a [(InstrumentId, Quantity, Quantity)],
    /// What the broker paid on average, where it says so.
    averages: &'a [(InstrumentId, Price)],
}

impl State {
    /// Folds one event. Events come in order, each once; one that does not follow is left out, because a replica that
    /// missed one has to ask for a snapshot (see [`State::follows`]).
    pub fn apply(&mut self, event: &Event) {
        if !self.follows(event) {
            return;
        }
        self.sequence = event.sequence;
        self.at = event.at;
        self.fold(event);
        self.fold_breakers(&event.fact, event.at);
        self.fold_leases(event);
        self.fold_sender(&event.fact, event.actor, event.at);
        if let Some(id) = event.fact.order() {
            self.index(id);
            self.leave_parking(id);
            self.tend_chains(id);
            self.end_trial(id);
            self.count_cancel(id, &event.fact, event.at);
        }
        self.watch_cover(event);
        self.notice(event);
    }

    /// Keeps the indices of live orders in step with one order.
    fn index(&mut self, id: ClientOrderId) {
        let Some(order) = self.orders.get(&id) else { return };
        self.working.keep(order);
        let key = (order.spec.account, order.spec.instrument, id);
        if order.phase.is_live() {
            self.live.insert(key);
        } else {
            self.live.remove(&key);
        }
    }

    /// True for the event that comes next.
    pub fn follows(&self, event: &Event) -> bool {
        event.sequence == self.sequence.wrapping_add(1)
    }

    fn fold(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::EngineStarted { .. } => self.begin_run(at),
            Fact::LimitsSet { limits } => self.limits = limits.clone(),
            Fact::SessionOpened { session, kind } => {
                self.sessions.insert(*session, *kind);
            }
            Fact::SessionClosed { session } => {
                self.sessions.remove(session);
                self.armed.retain(|(armed, _)| armed != session);
                self.token = self.token.filter(|holder| holder != session);
            }
            Fact::TokenMoved { to } => {
                let sessions = &self.sessions;
                self.armed
                    .retain(|(armed, _)| sessions.get(armed) != Some(&SessionKind::Terminal));
                self.token = *to;
            }
            Fact::Armed { session, account } => {
                self.armed.insert((*session, *account));
            }
            Fact::Disarmed { session, account, .. } => {
                self.armed.remove(&(*session, *account));
            }
            Fact::ProgramOpened { session, .. } => {
                self.sessions.insert(*session, SessionKind::Program);
            }
            Fact::ProgramsArmed { account, until } => {
                self.programs_armed.insert(*account, *until);
            }
            Fact::ProgramsDisarmed { account, .. } => {
                self.programs_armed.remove(account);
            }
            Fact::KeyArmed { account, key, until } => {
                self.keys_armed.insert((*account, key.clone()), *until);
            }
            Fact::KeyDisarmed { account, key, .. } => {
                self.keys_armed.remove(&(*account, key.clone()));
            }
            Fact::TradingChanged {
                account,
                state,
                reason,
            } => {
                if *state != TradingState::Halted {
                    self.halts.remove(account);
                }
                if let Some(entry) = self.accounts.get_mut(account) {
                    entry.trading = *state;
                    entry.trading_reason = (*state != TradingState::Active).then(|| reason.clone());
                }
            }
            Fact::GapFound { account, from, until } => {
                if let Some(entry) = self.accounts.get_mut(account) {
                    let from = entry.gap.map_or(*from, |gap| gap.0.min(*from));
                    entry.gap = Some((from, *until));
                }
            }
            Fact::GapAccepted { account } => {
                if let Some(entry) = self.accounts.get_mut(account) {
                    entry.gap = None;
                }
            }
            Fact::NumbersRaised { broker, to } => {
                let highest = self.numbers.entry(*broker).or_default();
                *highest = (*highest).max(*to);
            }
            Fact::PauseChanged { broker, pause } => match pause {
                Some(pause) => drop(self.pauses.insert(*broker, pause.clone())),
                None => drop(self.pauses.remove(broker)),
            },
            Fact::LinkImpaired { broker, reason } => {
                if let Some(link) = self.links.get_mut(broker) {
                    link.impaired = reason.clone();
                }
            }
            Fact::PositionAdjusted {
                account,
                instrument,
                change,
                price,
                ..
            } => {
                if let Some(entry) = self.accounts.get_mut(account) {
                    entry.overfilled.remove(instrument);
                }
                if !change.is_zero() {
                    self.adjust(*account, *instrument, *change, *price, at);
                }
            }
            Fact::PositionChanged {
                account,
                instrument,
                change,
                ..
            } => self.fold_change(*account, *instrument, *change, at),
            Fact::ExDateSet { instrument, ex } => match ex {
                Some(ex) => drop(self.ex_dates.insert(*instrument, ex.clone())),
                None => drop(self.ex_dates.remove(instrument)),
            },
            Fact::InstrumentListed { instrument } => {
                self.instruments.insert(instrument.id, instrument.clone());
                self.relist(instrument.id, instrument.multiplier);
            }
            Fact::AccountReported { account } => self.report_account(account),
            Fact::BalanceReported { account, cash } => {
                if let Some(entry) = self.accounts.get_mut(account) {
                    entry.account.cash = Some(cash.clone());
                }
            }
            Fact::LinkChanged {
                broker,
                state,
                reason,
            } => {
                if *state == LinkState::Down {
                    self.forget_readings(|account| account.broker == *broker);
                }
                self.note_outage(*broker, *state, at);
                // A new connection begins whole; what is away, the broker says again.
                let connected = !matches!(state, LinkState::Down | LinkState::Connecting);
                let impaired = self.links.get(broker).and_then(|link| link.impaired.clone());
                let lost_since = self
                    .links
                    .get(broker)
                    .and_then(|link| link.lost_since)
                    .or(Some(at));
                self.links.insert(
                    *broker,
                    Link {
                        state: *state,
                        reason: reason.clone(),
                        since: at,
                        impaired: impaired.filter(|_| connected),
                        lost_since: lost_since.filter(|_| !connected),
                    },
                );
            }
            Fact::ReconcileStarted { account, pass } => {
                if let Some(entry) = self.accounts.get_mut(account) {
                    entry.reading = Some((*pass, at));
                    entry.passes = entry.passes.max(*pass);
                }
            }
            Fact::ReconcileEnded {
                account,
                failure,
                mismatches,
                averages,
                ..
            } => {
                let differing = Differing {
                    found: mismatches,
                    averages,
                };
                self.end_reading(*account, failure.is_none(), differing, at);
            }
            Fact::OpeningRead {
                account,
                positions,
                executions,
            } => self.open_account(*account, positions, executions, event),
            Fact::Submitted { id, spec, oco, quote } => {
                self.submit(*id, spec, *oco, at);
                if let Some(order) = self.orders.get_mut(id) {
                    order.arrival = quote.as_ref().and_then(crate::market::Quote::mid);
                }
            }
            Fact::Denied { id, spec, denial } => {
                let reason = SafeText::new(&denial.to_string());
                self.insert_order(Order {
                    reason: Some(reason),
                    ended_at: Some(at),
                    ..blank(*id, spec, Phase::Denied, at)
                });
            }
            Fact::ChildReleased { id, quantity } => {
                if let Some(order) = self.step(*id, Step::Release, at) {
                    order.spec.quantity = *quantity;
                    order.sent_at = Some(at);
                }
                self.number(*id);
            }
            Fact::OrderParked { .. }
            | Fact::ParkAsked { .. }
            | Fact::ParkConfirmed { .. }
            | Fact::ParkReleased { .. } => self.fold_parking(&event.fact, at),
            Fact::OrderChained { .. } | Fact::ChainReleased { .. } => self.fold_chain(&event.fact, at),
            Fact::Executed { execution } => {
                self.execute(execution, event);
                self.count_fill(execution);
            }
            Fact::Corrected { execution } => self.correct(execution, event),
            Fact::FeeReported {
                account,
                execution,
                fee,
            } => self.charge(*account, *execution, *fee),
            Fact::FlattenStarted {
                account,
                instrument,
                exit,
            } => {
                self.begin_flatten(*account, *instrument, *exit, at);
                self.fold_scale_out(&event.fact, at);
            }
            Fact::ScaleOutStarted { .. } | Fact::ScaleOutEnded { .. } => self.fold_scale_out(&event.fact, at),
            Fact::FlattenStepped { .. }
            | Fact::FlattenEnded { .. }
            | Fact::FlatConfirmed { .. }
            | Fact::AccountFlattenStarted { .. }
            | Fact::AccountFlattenEnded { .. } => self.fold_flatten(&event.fact, at),
            Fact::Adopted { order } => self.adopt(order),
            Fact::Trimmed {
                orders_before,
                executions_before,
            } => self.trim(*orders_before, *executions_before),
            Fact::Overfilled { id, .. } => {
                let of = self
                    .orders
                    .get(id)
                    .map(|order| (order.spec.account, order.spec.instrument));
                let entry = of.and_then(|(account, instrument)| {
                    self.accounts.get_mut(&account).map(|entry| (entry, instrument))
                });
                if let Some((entry, instrument)) = entry {
                    entry.overfilled.insert(instrument);
                }
            }
            Fact::DoubleFound { id, broker_id } => {
                if let Ok(name) = ClientOrderId::new(broker_id.as_str()) {
                    self.doubles.insert(name, *id);
                }
            }
            Fact::Surprised { .. }
            | Fact::BrokerTold { .. }
            | Fact::NakedFound { .. }
            | Fact::BreakerMoved { .. }
            | Fact::BreakerAcknowledged { .. }
            | Fact::LeaseRenewed { .. }
            | Fact::LeaseEnded { .. } => {}
            Fact::DifferenceIgnored { ignored } => self.leave(ignored, at),
            Fact::HaltBegan { .. }
            | Fact::HaltConfirmed { .. }
            | Fact::CancelsUnconfirmed { .. }
            | Fact::HaltFileChanged { .. } => self.fold_halt(&event.fact, event.sequence, at),
            Fact::RulesSet { .. } | Fact::PeakRaised { .. } => self.fold_peak(&event.fact),
            Fact::SenderNamed { .. } | Fact::SenderStopped { .. } | Fact::SenderResumed { .. } => {}
            Fact::LimitBreached { .. } | Fact::BreachEnded { .. } => self.fold_breach(&event.fact, at),
            Fact::RiskDayBegan { .. }
            | Fact::LossStaged { .. }
            | Fact::RiskHeld { .. }
            | Fact::RiskReleased { .. }
            | Fact::LimitChanged { .. }
            | Fact::LimitReverted { .. }
            | Fact::SectorsSet { .. }
            | Fact::ScopesSet { .. }
            | Fact::ScopedLimitChanged { .. }
            | Fact::ScopedLimitReverted { .. }
            | Fact::FundsReported { .. } => self.fold_risk(&event.fact, at),
            Fact::AlertSet { .. }
            | Fact::AlertRemoved { .. }
            | Fact::AlertPaused { .. }
            | Fact::AlertFired { .. }
            | Fact::AlertRearmed { .. }
            | Fact::AlertExpired { .. }
            | Fact::AlertDelivered { .. }
            | Fact::BrokerAway { .. } => self.fold_alert(event),
            fact => self.fold_order(fact, at),
        }
    }

    /// Facts that move one order that is already known.
    fn fold_order(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::NotSent { id, reason } => self.end(*id, Step::Withhold, Some(reason), at),
            Fact::Cancelled { id, reason } => self.end(*id, Step::Cancel, Some(reason), at),
            Fact::Rejected { id, reason } => self.end(*id, Step::Reject, Some(reason), at),
            Fact::Expired { id } => self.end(*id, Step::Expire, None, at),
            Fact::Absent { id } => self.end(*id, Step::GiveUp, None, at),
            Fact::Lost { id } => self.end(*id, Step::Lose, None, at),
            Fact::Accepted { id, broker_id, phase } => {
                let step = if *phase == Phase::Held {
                    Step::Hold
                } else {
                    Step::Work
                };
                if let Some(order) = self.step(*id, step, at) {
                    order.ended_at = None;
                }
                if let Some(order) = self.orders.get_mut(id) {
                    order.broker_id = order.broker_id.or(Some(*broker_id));
                    order.acked_at = order.acked_at.or(Some(at));
                    order.missing = None;
                    self.bound.insert((order.spec.account.broker, *broker_id), *id);
                }
            }
            Fact::Doubted { id, reason } => {
                if let Some(order) = self.step(*id, Step::Doubt, at) {
                    order.reason = Some(reason.clone());
                }
            }
            Fact::Triggered { id } => {
                self.step(*id, Step::Work, at);
            }
            Fact::ModifyRequested { id, change } => self.edit(*id, |order| {
                order.pending = Some(Pending::Modify { change: *change });
                order.pending_since = Some(at);
            }),
            Fact::BracketResized { group, set_aside } => {
                if let Some(group) = self.groups.get_mut(group) {
                    group.set_aside = *set_aside;
                }
            }
            Fact::StopPlanned { id, moves } => self.plan_stop(*id, *moves),
            Fact::StopAdvanced { .. } => {}
            Fact::Modified { id, quantity, kind } => {
                self.stop_was_moved(*id, *kind);
                self.edit(*id, |order| {
                    order.spec.quantity = *quantity;
                    order.spec.kind = *kind;
                    answer_change(order, at);
                });
                if self
                    .orders
                    .get(id)
                    .is_some_and(|order| order.leaves().is_positive())
                    && let Some(order) = self.step(*id, Step::Enlarge, at)
                {
                    order.ended_at = None;
                }
                self.complete(*id, at);
            }
            Fact::ModifyRefused { id, reason } => {
                self.stop_was_refused(*id, at);
                self.edit(*id, |order| {
                    answer_change(order, at);
                    order.reason = Some(reason.clone());
                });
                self.complete(*id, at);
            }
            Fact::CancelRequested { id } => self.edit(*id, |order| {
                order.pending = Some(Pending::Cancel);
                order.pending_since = Some(at);
            }),
            Fact::CancelRefused { id, reason } => self.edit(*id, |order| {
                order.pending = None;
                order.reason = Some(reason.clone());
            }),
            Fact::OrderNumbered { id, number, foreign } => self.edit(*id, |order| {
                order.number = Some(*number);
                order.foreign = *foreign;
            }),
            Fact::Missed { id } => self.edit(*id, |order| {
                let (count, since) = order.missing.unwrap_or((0, at));
                order.missing = Some((count.saturating_add(1), since));
            }),
            _ => {}
        }
    }

    /// A new process: nobody is attached, nothing is being read, and every link has to be made again.
    fn begin_run(&mut self, at: Timestamp) {
        self.sessions.clear();
        self.armed.clear();
        self.programs_armed.clear();
        self.keys_armed.clear();
        self.token = None;
        self.forget_readings(|_| true);
        self.trimmed.1 = at;
        if planted(Bug::NumberUsedTwice) {
            self.numbers.clear();
        }
        // The broker tells them again.
        self.funds.clear();
        // The adapter tells the one that is on by now.
        self.pauses.clear();
        let brokers: Vec<_> = self.links.keys().copied().collect();
        for broker in brokers {
            self.note_outage(broker, LinkState::Down, at);
        }
        self.resume_flattens(at);
        self.resume_scale_outs();
        self.resume_halts(at);
        self.resume_parking();
        self.resume_breakers();
        for link in self.links.values_mut() {
            *link = Link {
                state: LinkState::Down,
                reason: None,
                since: at,
                impaired: None,
                lost_since: Some(at),
            };
        }
    }

    fn forget_readings(&mut self, of: impl Fn(&AccountKey) -> bool) {
        for (_, entry) in self.accounts.iter_mut().filter(|(key, _)| of(key)) {
            entry.reading = None;
        }
    }

    fn report_account(&mut self, account: &Account) {
        match self.accounts.get_mut(&account.key) {
            Some(entry) => {
                let cash = account.cash.clone().or_else(|| entry.account.cash.take());
                entry.account = Account {
                    cash,
                    ..account.clone()
                };
            }
            None => {
                self.accounts.insert(
                    account.key,
                    AccountState {
                        account: account.clone(),
                        trading: TradingState::Active,
                        trading_reason: None,
                        opened: false,
                        reading: None,
                        read_at: None,
                        passes: 0,
                        mismatches: BTreeMap::new(),
                        gap: None,
                        overfilled: BTreeSet::new(),
                        recent: VecDeque::new(),
                    },
                );
            }
        }
    }

    fn end_reading(
        &mut self,
        key: AccountKey,
        complete: bool,
        Differing { found, averages }: Differing<'_>,
        at: Timestamp,
    ) {
        let Some(entry) = self.accounts.get_mut(&key) else {
            return;
        };
        entry.reading = None;
        self.attempts.insert(key, at);
        if !complete {
            return;
        }
        entry.read_at = Some(at);
        let old = std::mem::take(&mut entry.mismatches);
        for (instrument, ours, theirs) in found {
            // What fills on their way explain differs from pass to pass; what nobody explains stays the same.
            let same = |mismatch: &&Mismatch| {
                mismatch.theirs.saturating_sub(mismatch.ours) == theirs.saturating_sub(*ours)
            };
            let before = old.get(instrument).filter(same);
            let (passes, since) = before.map_or((0, at), |mismatch| (mismatch.passes, mismatch.since));
            entry.mismatches.insert(
                *instrument,
                Mismatch {
                    ours: *ours,
                    theirs: *theirs,
                    passes: passes.saturating_add(1),
                    since,
                    average: averages
                        .iter()
                        .find(|(id, _)| id == instrument)
                        .map(|(_, price)| *price),
                },
            );
        }
    }

    fn submit(&mut self, id: ClientOrderId, spec: &OrderSpec, oco: Option<ClientOrderId>, at: Timestamp) {
        let waits = spec.parent.is_some();
        let phase = if waits { Phase::Created } else { Phase::InFlight };
        let order = Order {
            oco,
            sent_at: (!waits).then_some(at),
            ..blank(id, spec, phase, at)
        };
        self.insert_order(order);
        if let Some(group) = oco {
            let entry = self.groups.entry(group).or_insert_with(|| Group {
                parent: spec.parent,
                size: spec.quantity,
                members: Vec::new(),
                set_aside: Quantity::ZERO,
            });
            if !entry.members.contains(&id) {
                entry.members.push(id);
            }
        }
        if waits {
            // It only closes what its entry opens, and nobody sent it.
            return;
        }
        self.sent_now(id, spec, at);
    }

    /// An order of its own leaves: it gets its number, and counts for the duplicate and rate controls.
    pub(super) fn sent_now(&mut self, id: ClientOrderId, spec: &OrderSpec, at: Timestamp) {
        self.number(id);
        let kept = usize::try_from(self.limits_of(spec.account).rate_burst).unwrap_or(usize::MAX);
        let kept = kept.clamp(*RECENT_KEPT.start(), *RECENT_KEPT.end());
        if let Some(account) = self.accounts.get_mut(&spec.account) {
            account.recent.push_back(Submission {
                at,
                instrument: spec.instrument,
                side: spec.side,
                quantity: spec.quantity,
                price: named_price(spec),
            });
            while account.recent.len() > kept && !planted(Bug::NeverForgets) {
                account.recent.pop_front();
            }
        }
    }

    /// Gives a released order the next number of its broker. An order has one number for life.
    fn number(&mut self, id: ClientOrderId) {
        if let Some(order) = self.orders.get_mut(&id)
            && order.number.is_none()
            && order.phase == Phase::InFlight
        {
            let highest = self.numbers.entry(order.spec.account.broker).or_default();
            *highest = highest.saturating_add(1);
            order.number = Some(*highest);
        }
    }

    /// An order that is already known is never overwritten by another of its name.
    pub(super) fn insert_order(&mut self, order: Order) {
        self.orders.entry(order.id).or_insert(order);
    }

    /// Takes a legal step; nothing where the order is unknown or the step not legal.
    pub(super) fn step(&mut self, id: ClientOrderId, step: Step, at: Timestamp) -> Option<&mut Order> {
        let order = self.orders.get_mut(&id)?;
        let back = (planted(Bug::StatusMovesBack) && step == Step::Work).then_some(Phase::Working);
        order.phase = back.or(next(order.phase, step))?;
        order.missing = None;
        order.reason = None;
        if !order.phase.is_live() {
            order.ended_at = Some(at);
            // What may come back is still to be cancelled when it does.
            let may_return = matches!(order.phase, Phase::Absent | Phase::Lost);
            order.pending = order
                .pending
                .filter(|pending| may_return && *pending == Pending::Cancel);
        }
        Some(order)
    }

    fn end(&mut self, id: ClientOrderId, step: Step, reason: Option<&SafeText>, at: Timestamp) {
        if let Some(order) = self.step(id, step, at)
            && let Some(reason) = reason
        {
            order.reason = Some(reason.clone());
        }
    }

    pub(super) fn edit(&mut self, id: ClientOrderId, change: impl FnOnce(&mut Order)) {
        if let Some(order) = self.orders.get_mut(&id) {
            change(order);
        }
    }

    /// An order of which all has been executed is filled, whatever was said before.
    fn complete(&mut self, id: ClientOrderId, at: Timestamp) {
        let full = self
            .orders
            .get(&id)
            .is_some_and(|o| o.filled.is_positive() && o.filled >= asked_quantity(o));
        if full {
            self.step(id, Step::Fill, at);
        }
    }
}

/// What may execute by all that was asked: a change that makes the order larger may have taken effect unheard.
pub(super) fn asked_quantity(order: &Order) -> Quantity {
    match order.pending {
        Some(Pending::Modify { change }) => change
            .quantity
            .map_or(order.spec.quantity, |quantity| quantity.max(order.spec.quantity)),
        _ => order.spec.quantity,
    }
}

/// A change was answered. When that was is kept as [`Order::pending_since`]: a read of the broker that began before it may
/// show the order as it was before the change.
fn answer_change(order: &mut Order, at: Timestamp) {
    order.pending = order.pending.filter(|pending| *pending == Pending::Cancel);
    if order.pending.is_none() {
        order.pending_since = Some(at);
    }
}

/// The price by which the duplicate control tells orders apart, or a trailing stop's distance; zero for a market order.
pub(super) fn named_price(spec: &OrderSpec) -> Price {
    let distance = || match spec.kind.distance()? {
        Distance::Amount { amount } => Some(amount),
        Distance::Percent { hundredths } => Some(Price::from_raw(hundredths.into())),
    };
    let own = spec.kind.limit().or(spec.kind.trigger());
    own.or_else(distance).unwrap_or(Price::ZERO)
}

/// An order at its very beginning.
pub(super) fn blank(id: ClientOrderId, spec: &OrderSpec, phase: Phase, at: Timestamp) -> Order {
    Order {
        id,
        asked: spec.clone(),
        spec: spec.clone(),
        phase,
        filled: Quantity::ZERO,
        filled_value: Money::ZERO,
        broker_id: None,
        pending: None,
        pending_since: None,
        oco: None,
        reason: None,
        external: false,
        foreign: false,
        number: None,
        arrival: None,
        created_at: at,
        sent_at: None,
        acked_at: None,
        ended_at: None,
        missing: None,
        after: None,
    }
}

/// Kept beside the fold because both must agree on what a change makes of an order.
pub fn changed(spec: &OrderSpec, change: OrderChange) -> OrderSpec {
    OrderSpec {
        quantity: change.quantity.unwrap_or(spec.quantity),
        kind: change.applied_to(spec.kind),
        ..spec.clone()
    }
}
