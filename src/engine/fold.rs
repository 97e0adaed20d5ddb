//! The one fold: how a fact changes the state. Total: it never fails and never panics, whatever is in the fact, because
//! replicas, recovery and replay all run it. What may become a fact is decided before; a step that the order table does
//! not know leaves the phase as it is.

use super::command::SessionKind;
use super::event::{Event, Fact};
use super::order_flow::{Step, next};
use super::state::{
    AccountState, Booked, Flattening, Group, Ledger, Link, Mismatch, NOTICES_KEPT, Notice, NoticeLevel,
    State, Submission,
};
use crate::domain::{
    Account, AccountKey, ClientOrderId, Currency, Execution, ExecutionBase, Fee, InstrumentId, LinkState,
    Money, Multiplier, Order, OrderChange, OrderSpec, Pending, Phase, Position, Price, Quantity, SafeText,
    Timestamp, TradingState,
};
use std::collections::{BTreeMap, VecDeque};

/// How many submissions an account remembers for its duplicate and rate controls: as many as its burst needs.
const RECENT_KEPT: std::ops::RangeInclusive<usize> = 64..=4_096;

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
        if let Some(id) = event.fact.order() {
            self.index(id);
        }
        self.notice(event);
    }

    /// Keeps the index of live orders in step with one order's phase.
    fn index(&mut self, id: ClientOrderId) {
        let Some(order) = self.orders.get(&id) else { return };
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
            Fact::TradingChanged {
                account,
                state,
                reason,
            } => {
                if let Some(entry) = self.accounts.get_mut(account) {
                    entry.trading = *state;
                    entry.trading_reason = (*state != TradingState::Active).then(|| reason.clone());
                }
            }
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
                self.links.insert(
                    *broker,
                    Link {
                        state: *state,
                        reason: reason.clone(),
                        since: at,
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
                ..
            } => {
                self.end_reading(*account, failure.is_none(), mismatches, at);
            }
            Fact::OpeningRead {
                account,
                positions,
                executions,
            } => self.open_account(*account, positions, executions, event),
            Fact::Submitted { id, spec, oco, .. } => self.submit(*id, spec, *oco, at),
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
            }
            Fact::Executed { execution } => self.execute(execution, event),
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
                self.flattening.insert(
                    (*account, *instrument),
                    Flattening {
                        exit: *exit,
                        since: at,
                    },
                );
            }
            Fact::FlattenEnded {
                account, instrument, ..
            } => {
                self.flattening.remove(&(*account, *instrument));
            }
            Fact::Adopted { order } => self.adopt(order),
            Fact::Trimmed {
                orders_before,
                executions_before,
            } => self.trim(*orders_before, *executions_before),
            Fact::Overfilled { .. } | Fact::DoubleFound { .. } | Fact::Surprised { .. } => {}
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
            Fact::Modified { id, quantity, kind } => {
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
        self.token = None;
        self.forget_readings(|_| true);
        self.trimmed.1 = at;
        for link in self.links.values_mut() {
            *link = Link {
                state: LinkState::Down,
                reason: None,
                since: at,
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
        found: &[(InstrumentId, Quantity, Quantity)],
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
                },
            );
        }
    }

    fn open_account(
        &mut self,
        account: AccountKey,
        positions: &[(InstrumentId, Quantity, Option<Price>)],
        executions: &[ExecutionBase],
        event: &Event,
    ) {
        if let Some(entry) = self.accounts.get_mut(&account) {
            entry.opened = true;
        }
        for (instrument, quantity, average) in positions {
            let currency = self.currency(*instrument);
            let ledger = self.ledger(account, *instrument);
            let cost = average
                .and_then(|price| price.notional(*quantity, ledger.multiplier))
                .unwrap_or(Money::ZERO);
            ledger.opening = Position {
                quantity: *quantity,
                cost,
                ..Position::default()
            };
            ledger.refold(currency);
            ledger.opened_at = (!ledger.position.quantity.is_zero()).then_some(event.at);
        }
        for base in executions {
            let booked = Booked {
                revision: 1,
                sequence: event.sequence,
                at: event.at,
                instrument: None,
                fee_known: true,
            };
            self.executions.entry((account, *base)).or_insert(booked);
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
            });
            if !entry.members.contains(&id) {
                entry.members.push(id);
            }
        }
        if waits {
            // It only closes what its entry opens, and nobody sent it.
            return;
        }
        let kept = usize::try_from(self.limits.rate_burst).unwrap_or(usize::MAX);
        let kept = kept.clamp(*RECENT_KEPT.start(), *RECENT_KEPT.end());
        if let Some(account) = self.accounts.get_mut(&spec.account) {
            account.recent.push_back(Submission {
                at,
                instrument: spec.instrument,
                side: spec.side,
                quantity: spec.quantity,
                price: named_price(spec),
            });
            while account.recent.len() > kept {
                account.recent.pop_front();
            }
        }
    }

    /// An order that is already known is never overwritten by another of its name.
    fn insert_order(&mut self, order: Order) {
        self.orders.entry(order.id).or_insert(order);
    }

    /// Takes a legal step; nothing where the order is unknown or the step not legal.
    fn step(&mut self, id: ClientOrderId, step: Step, at: Timestamp) -> Option<&mut Order> {
        let order = self.orders.get_mut(&id)?;
        order.phase = next(order.phase, step)?;
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

    fn edit(&mut self, id: ClientOrderId, change: impl FnOnce(&mut Order)) {
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

    fn execute(&mut self, execution: &Execution, event: &Event) {
        let key = (execution.account, execution.id.base);
        if self.executions.contains_key(&key) {
            return;
        }
        let currency = self.currency(execution.instrument);
        let ledger = self.ledger(execution.account, execution.instrument);
        let was_flat = ledger.position.quantity.is_zero();
        ledger.executions.push(execution.clone());
        book(&mut ledger.position, execution, ledger.multiplier, currency);
        if was_flat || ledger.position.quantity.is_zero() {
            ledger.opened_at = (!ledger.position.quantity.is_zero()).then_some(event.at);
        }
        self.executions.insert(
            key,
            Booked {
                revision: execution.id.revision,
                sequence: event.sequence,
                at: execution.at,
                instrument: Some(execution.instrument),
                fee_known: execution.fee.is_some(),
            },
        );
        if let Some(id) = execution.order {
            self.fill(id, execution.quantity, execution.price, event.at);
        }
    }

    fn fill(&mut self, id: ClientOrderId, quantity: Quantity, price: Price, at: Timestamp) {
        self.edit(id, |order| {
            order.filled = order.filled.saturating_add(quantity);
            let value = price.notional(quantity, Multiplier::ONE).unwrap_or(Money::ZERO);
            order.filled_value = order.filled_value.saturating_add(value);
            order.missing = None;
        });
        self.complete(id, at);
    }

    /// Replaces an execution by its newer revision and folds the ledger again, so that nothing has to be undone.
    fn correct(&mut self, execution: &Execution, event: &Event) {
        let Some(booked) = self.executions.get_mut(&(execution.account, execution.id.base)) else {
            return;
        };
        if booked.revision >= execution.id.revision {
            return;
        }
        booked.revision = execution.id.revision;
        // One that was part of the opening positions can't be taken out of them: the next read shows the difference.
        let Some(instrument) = booked.instrument else {
            return;
        };
        let currency = self.currency(instrument);
        let ledger = self.ledger(execution.account, instrument);
        let Some(old) = ledger
            .executions
            .iter_mut()
            .find(|old| old.id.base == execution.id.base)
        else {
            return;
        };
        let before = std::mem::replace(old, execution.clone());
        if old.fee.is_none() {
            old.fee = before.fee;
        }
        old.order = old.order.or(before.order);
        old.instrument = instrument;
        ledger.refold(currency);
        if let Some(id) = before.order {
            self.fill(id, before.quantity.negated(), before.price, event.at);
            self.fill(id, execution.quantity, execution.price, event.at);
        }
    }

    fn charge(&mut self, account: AccountKey, base: ExecutionBase, fee: Fee) {
        let Some(booked) = self.executions.get_mut(&(account, base)) else {
            return;
        };
        booked.fee_known = true;
        let Some(instrument) = booked.instrument else {
            return;
        };
        let currency = self.currency(instrument);
        let ledger = self.ledger(account, instrument);
        if let Some(execution) = ledger
            .executions
            .iter_mut()
            .find(|execution| execution.id.base == base)
        {
            execution.fee = Some(fee);
            ledger.refold(currency);
        }
    }

    /// An order made elsewhere. Trades of it that came before it was known are its own from now on.
    fn adopt(&mut self, order: &Order) {
        if self.orders.contains_key(&order.id) {
            return;
        }
        let mut order = order.clone();
        if let Some(broker_id) = order.broker_id {
            self.bound
                .insert((order.spec.account.broker, broker_id), order.id);
            let (mut filled, mut value) = (Quantity::ZERO, Money::ZERO);
            let ledger = self.ledgers.get_mut(&(order.spec.account, order.spec.instrument));
            for execution in ledger.into_iter().flat_map(|ledger| &mut ledger.executions) {
                if execution.order.is_none() && execution.broker_order == Some(broker_id) {
                    execution.order = Some(order.id);
                    filled = filled.saturating_add(execution.quantity);
                    let paid = execution.price.notional(execution.quantity, Multiplier::ONE);
                    value = value.saturating_add(paid.unwrap_or(Money::ZERO));
                }
            }
            if filled >= order.filled {
                (order.filled, order.filled_value) = (filled, value);
            }
        }
        let id = order.id;
        self.insert_order(order);
        self.complete(id, self.at);
    }

    /// The terms of an instrument came later than what was traded in it, or changed: profit is counted by the new ones.
    fn relist(&mut self, id: InstrumentId, multiplier: Multiplier) {
        let currency = self.currency(id);
        for ((_, of), ledger) in &mut self.ledgers {
            if *of != id || ledger.multiplier == multiplier {
                continue;
            }
            let average = ledger.opening.average_price(ledger.multiplier);
            let cost = average.and_then(|price| price.notional(ledger.opening.quantity, multiplier));
            ledger.opening.cost = cost.unwrap_or(ledger.opening.cost);
            ledger.multiplier = multiplier;
            ledger.refold(currency);
        }
    }

    fn currency(&self, instrument: InstrumentId) -> Option<Currency> {
        self.instruments
            .get(&instrument)
            .map(|instrument| instrument.currency)
    }

    fn ledger(&mut self, account: AccountKey, instrument: InstrumentId) -> &mut Ledger {
        let multiplier = self
            .instruments
            .get(&instrument)
            .map_or(Multiplier::ONE, |instrument| instrument.multiplier);
        self.ledgers
            .entry((account, instrument))
            .or_insert_with(|| Ledger {
                multiplier,
                opening: Position::default(),
                executions: Vec::new(),
                position: Position::default(),
                opened_at: None,
            })
    }

    /// Lets go of what ended long ago: orders leave, executions become part of the opening positions.
    fn trim(&mut self, orders_before: Timestamp, executions_before: Timestamp) {
        let gone =
            |order: &Order| !order.phase.is_live() && order.ended_at.is_some_and(|at| at < orders_before);
        let still_needed: Vec<ClientOrderId> = self
            .orders
            .values()
            .filter(|order| !gone(order))
            .filter_map(|order| order.spec.parent)
            .collect();
        self.orders
            .retain(|id, order| !gone(order) || still_needed.contains(id));
        let orders = &self.orders;
        self.groups
            .retain(|_, group| group.members.iter().any(|id| orders.contains_key(id)));
        self.bound.retain(|_, id| orders.contains_key(id));
        // An execution is forgotten exactly when it has become part of an opening position: one that is repeated later
        // is known by its age.
        for ((account, instrument), ledger) in &mut self.ledgers {
            let currency = self
                .instruments
                .get(instrument)
                .map(|instrument| instrument.currency);
            let old = ledger
                .executions
                .iter()
                .take_while(|execution| execution.at < executions_before)
                .count();
            for execution in ledger.executions.drain(..old) {
                book(&mut ledger.opening, &execution, ledger.multiplier, currency);
                self.executions.remove(&(*account, execution.id.base));
            }
        }
        self.executions
            .retain(|_, booked| booked.instrument.is_some() || booked.at >= executions_before);
        self.trimmed = (executions_before, self.at);
    }

    /// What a person should see of an event.
    fn notice(&mut self, event: &Event) {
        let Some((level, text)) = self.words(&event.fact) else {
            return;
        };
        self.notices.push_back(Notice {
            sequence: event.sequence,
            at: event.at,
            level,
            text: SafeText::new(&text),
        });
        while self.notices.len() > NOTICES_KEPT {
            self.notices.pop_front();
        }
    }

    fn words(&self, fact: &Fact) -> Option<(NoticeLevel, String)> {
        use NoticeLevel::{Fill, Info, Warning};
        let what = |id: &ClientOrderId| {
            self.orders
                .get(id)
                .map_or_else(|| id.to_string(), |order| order.spec.to_string())
        };
        Some(match fact {
            Fact::Executed { execution: e } => {
                let fee = e
                    .fee
                    .map_or(String::new(), |fee| format!("  fee {:.2}", fee.amount));
                (
                    Fill,
                    format!(
                        "filled {} {} {} @ {:.2}{fee}",
                        e.side.word(),
                        e.quantity,
                        e.instrument,
                        e.price
                    ),
                )
            }
            Fact::Corrected { execution: e } => (
                Warning,
                format!(
                    "execution {} corrected: {} {} @ {:.2}",
                    e.id, e.quantity, e.instrument, e.price
                ),
            ),
            Fact::Denied { spec, denial, .. } => (Warning, format!("denied {spec}: {denial}")),
            Fact::Rejected { id, reason } => (Warning, format!("rejected {}: {reason}", what(id))),
            Fact::NotSent { id, reason } => (Warning, format!("not sent {}: {reason}", what(id))),
            Fact::Doubted { id, reason } => (Warning, format!("uncertain {}: {reason}", what(id))),
            Fact::Absent { id } => (
                Warning,
                format!("absent {}: it never reached the broker", what(id)),
            ),
            Fact::Lost { id } => (
                Warning,
                format!("lost {}: the broker no longer knows it", what(id)),
            ),
            Fact::Cancelled { id, .. } => (Info, format!("cancelled {}", what(id))),
            Fact::Expired { id } => (Info, format!("expired {}", what(id))),
            Fact::CancelRefused { id, reason } => (Warning, format!("cancel refused {}: {reason}", what(id))),
            Fact::ModifyRefused { id, reason } => (Warning, format!("change refused {}: {reason}", what(id))),
            Fact::Overfilled { id, excess } => (Warning, format!("OVERFILLED by {excess}: {}", what(id))),
            Fact::DoubleFound { id, broker_id } => (
                Warning,
                format!(
                    "TWO ORDERS at the broker for {}: the second is {broker_id}",
                    what(id)
                ),
            ),
            Fact::Adopted { order } => (Info, format!("adopted {}, made elsewhere", order.spec)),
            Fact::TradingChanged {
                account,
                state,
                reason,
            } => (Warning, format!("{account} {}: {reason}", state.word())),
            Fact::LinkChanged {
                broker,
                state,
                reason,
            } => {
                let why = reason
                    .as_ref()
                    .map_or(String::new(), |reason| format!(": {reason}"));
                let level = if matches!(state, LinkState::Down | LinkState::Degraded) {
                    Warning
                } else {
                    Info
                };
                (level, format!("{broker} {}{why}", state.word()))
            }
            Fact::FlattenEnded {
                instrument,
                failure: None,
                ..
            } => (Fill, format!("FLAT {instrument} confirmed, nothing working")),
            Fact::FlattenEnded {
                instrument,
                failure: Some(why),
                ..
            } => (Warning, format!("NOT FLAT {instrument}: {why}")),
            Fact::Surprised { text } => (Warning, text.to_string()),
            _ => return None,
        })
    }
}

impl Ledger {
    /// The position from its opening and all executions, in the order they were booked.
    fn refold(&mut self, currency: Option<Currency>) {
        self.position = self.opening;
        for execution in &self.executions {
            book(&mut self.position, execution, self.multiplier, currency);
        }
    }
}

/// Books one execution. A fee in another currency than the instrument's stays with its execution: sums don't mix money.
fn book(position: &mut Position, execution: &Execution, multiplier: Multiplier, currency: Option<Currency>) {
    position.execute(execution.side, execution.quantity, execution.price, multiplier);
    if let Some(fee) = execution
        .fee
        .filter(|fee| currency.is_none_or(|currency| currency == fee.currency))
    {
        position.fees = position.fees.saturating_add(fee.amount);
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

/// The price by which the duplicate control tells orders apart; zero for a market order.
pub(super) fn named_price(spec: &OrderSpec) -> Price {
    spec.kind.limit().or(spec.kind.trigger()).unwrap_or(Price::ZERO)
}

/// An order at its very beginning.
fn blank(id: ClientOrderId, spec: &OrderSpec, phase: Phase, at: Timestamp) -> Order {
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
        created_at: at,
        sent_at: None,
        acked_at: None,
        ended_at: None,
        missing: None,
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
