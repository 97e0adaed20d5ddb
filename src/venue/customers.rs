//! Customers' requests, and what the exchange answers turned into records for the books and reports for the customer. A
//! record and its report are made in the same breath; neither is seen before the commit.

use super::books::{AccountRecord, OrderRecord, PositionRecord};
use super::message::{OrderReport, Report, VenueEvent, VenueRequest, VenueSnapshot};
use super::{ENDED_KEPT, EXECUTIONS_KEPT, Venue, VenueError};
use crate::domain::{
    AccountId, AccountKey, BrokerOrderId, ClientOrderId, Execution, ExecutionBase, ExecutionId, Fee, Money,
    OrderChange, OrderKind, OrderSpec, Phase, Quantity, SafeText, TimeInForce, Timestamp,
};
use crate::exchange::book::DoneReason;
use crate::exchange::{Fill, Happening, ListingNo, MemberNo, OrderNo, OrderRequest};
use std::collections::BTreeSet;

/// A change on its way through the exchange: which order, and what was asked.
pub(super) type Changing = (u64, OrderChange);

/// The durable name of an order.
fn broker_order(number: u64) -> Option<BrokerOrderId> {
    BrokerOrderId::new(&format!("SIM{number}")).ok()
}

impl Venue {
    /// Works on one request. An error is one of reading the books.
    pub(super) fn serve(&mut self, request: &VenueRequest, now: Timestamp) -> Result<(), VenueError> {
        match request {
            VenueRequest::Place { id, spec } => self.place(*id, spec, &[], now)?,
            VenueRequest::Replace { id, spec, instead } => self.place(*id, spec, instead, now)?,
            VenueRequest::Modify { account, id, change } => {
                let changed = self.live(*account, *id).and_then(|(member, number)| {
                    self.exchange
                        .modify(now, member, OrderNo(number), change, &mut self.outbox)
                        .map(|()| number)
                        .map_err(|why| why.to_string().into())
                });
                match changed {
                    Ok(number) => self.absorb(now, Some((number, *change))),
                    Err(reason) => {
                        self.absorb(now, None);
                        self.report(*account, Report::ModifyRejected { id: *id, reason });
                    }
                }
            }
            VenueRequest::Cancel { account, id } => {
                let cancelled = self.live(*account, *id).and_then(|(member, number)| {
                    self.exchange
                        .cancel(now, member, OrderNo(number), &mut self.outbox)
                        .map_err(|why| SafeText::from(why.to_string()))
                });
                self.absorb(now, None);
                if let Err(reason) = cancelled {
                    self.report(*account, Report::CancelRejected { id: *id, reason });
                }
            }
            VenueRequest::Snapshot { pass, account } => {
                if let Some(snapshot) = self.snapshot(*pass, *account, now) {
                    self.pending.push(VenueEvent::Snapshot(snapshot));
                }
            }
        }
        Ok(())
    }

    fn report(&mut self, account: AccountKey, report: Report) {
        self.pending.push(VenueEvent::Report(account, report));
    }

    /// The member and the number of a live order, or why there is none.
    fn live(&self, account: AccountKey, id: ClientOrderId) -> Result<(MemberNo, u64), SafeText> {
        let member = self.member(account)?;
        let number = self.ids.get(&(account.account, id)).copied();
        match number.and_then(|number| self.orders.get(&number)) {
            Some(order) if order.is_live() => Ok((member, order.number)),
            Some(order) => Err(format!(
                "the order is {} and can't be changed any more",
                order.phase.word()
            )
            .into()),
            None => Err("the exchange has no live order of this id".into()),
        }
    }

    fn member(&self, account: AccountKey) -> Result<MemberNo, SafeText> {
        let known = self.members.get(&account.account).copied();
        known
            .filter(|_| account.broker == self.broker)
            .ok_or_else(|| format!("the exchange has no account {account}").into())
    }

    fn place(
        &mut self,
        id: ClientOrderId,
        spec: &OrderSpec,
        instead: &[(ClientOrderId, Quantity)],
        now: Timestamp,
    ) -> Result<(), VenueError> {
        let account = spec.account;
        let member = match self.member(account) {
            Ok(member) => member,
            Err(reason) => {
                self.report(account, Report::Rejected { id, reason });
                return Ok(());
            }
        };
        if let Some(known) = self.known(account.account, id)? {
            if known.asked == *spec {
                self.repeat(&known);
            } else {
                let reason =
                    SafeText::from("duplicate: this id was used for another order, which is untouched");
                self.report(account, Report::Rejected { id, reason });
            }
            return Ok(());
        }
        let mut record = OrderRecord {
            number: self.exchange.next_numbers().0,
            id,
            asked: spec.clone(),
            spec: spec.clone(),
            phase: Phase::InFlight,
            filled: Quantity::ZERO,
            filled_value: Money::ZERO,
            fees: Money::ZERO,
            visible: None,
            triggered: false,
            day_end: None,
            rank: 0,
            reason: None,
            ended_at: None,
        };
        let placed = self
            .make_way(member, spec, instead, now)
            .and_then(|()| self.enter(member, spec, &mut record, now));
        let number = record.number;
        match placed {
            Ok(()) => {
                self.keep(record);
                self.absorb(now, None);
            }
            Err(reason) => {
                // The number is used up, so that the refusal has one of its own in the books.
                self.exchange.resume_numbers(number.saturating_add(1), 0);
                record.phase = Phase::Rejected;
                record.reason = Some(reason.clone());
                record.ended_at = Some(now);
                self.keep(record);
                self.absorb(now, None);
                self.report(account, Report::Rejected { id, reason });
            }
        }
        Ok(())
    }

    /// Hands an order to the exchange. The record learns its number and the end of its day.
    fn enter(
        &mut self,
        member: MemberNo,
        spec: &OrderSpec,
        record: &mut OrderRecord,
        now: Timestamp,
    ) -> Result<(), SafeText> {
        let pit = self
            .by_instrument
            .get(&spec.instrument)
            .and_then(|pit| self.pits.get(*pit));
        let Some(pit) = pit else {
            return Err(format!("the exchange does not list {}", spec.instrument).into());
        };
        let instrument = &pit.listing.instrument;
        if pit.expired || instrument.expires.is_some_and(|at| at <= now) {
            return Err(format!("{} has expired", spec.instrument).into());
        }
        if spec.outside_hours {
            return Err("the exchange has no hours outside the regular session; leave that out".into());
        }
        let listing = pit.number;
        if spec.tif == TimeInForce::Day {
            // After a day's end the order is for the next day.
            let calendar = instrument.calendar.calendar();
            let today = calendar.trading_day(now).filter(|day| now < day.end);
            let day = today.or_else(|| calendar.next_day(now)).ok_or_else(|| {
                SafeText::from(
                    "the calendar does not reach this day, so a DAY order has no end; use gtc or gtd",
                )
            })?;
            record.day_end = Some(day.end);
        }
        let request = OrderRequest {
            side: spec.side,
            kind: spec.kind,
            tif: in_book(spec.tif, record.day_end),
            quantity: spec.quantity,
            display: spec.display,
        };
        let placed = self
            .exchange
            .place(now, member, listing, &request, &mut self.outbox);
        record.number = placed.map_err(|why| SafeText::from(why.to_string()))?.0;
        Ok(())
    }

    /// Keeps a new or changed record, here and for the next commit.
    pub(super) fn keep(&mut self, record: OrderRecord) {
        self.ids
            .insert((record.spec.account.account, record.id), record.number);
        self.changes.orders.insert(record.number, record.clone());
        self.orders.insert(record.number, record);
    }

    /// An order by the customer's name for it, however old.
    fn known(&mut self, account: AccountId, id: ClientOrderId) -> Result<Option<OrderRecord>, VenueError> {
        let number = self.ids.get(&(account, id));
        match number.and_then(|number| self.orders.get(number)) {
            Some(order) => Ok(Some(order.clone())),
            None => Ok(self.books.order(account, id)?),
        }
    }

    /// Tells again what became of an order.
    fn repeat(&mut self, order: &OrderRecord) {
        let (account, id) = (order.spec.account, order.id);
        let reason = order.reason.clone().unwrap_or_default();
        if order.phase == Phase::Rejected {
            return self.report(account, Report::Rejected { id, reason });
        }
        let held = order.spec.kind.is_stop() && !order.triggered;
        if let Some(broker_order) = broker_order(order.number) {
            self.report(
                account,
                Report::Accepted {
                    id,
                    order: broker_order,
                    phase: if held { Phase::Held } else { Phase::Working },
                },
            );
        }
        let executions = self
            .executions
            .values()
            .filter(|execution| execution.order == Some(id));
        let executions: Vec<Execution> = executions.filter(|e| e.account == account).cloned().collect();
        for execution in executions {
            self.report(account, Report::Executed(execution));
        }
        match order.phase {
            Phase::Cancelled => self.report(account, Report::Cancelled { id, reason }),
            Phase::Expired => self.report(account, Report::Expired { id }),
            _ => {}
        }
    }

    /// Takes in what the exchange brought about: reports to customers and records for the books, prints for everybody.
    pub(super) fn absorb(&mut self, now: Timestamp, changing: Option<Changing>) {
        if self.outbox.reports.is_empty() && self.outbox.trades.is_empty() {
            return;
        }
        let mut outbox = std::mem::take(&mut self.outbox);
        let (mut touched, mut traded) = (BTreeSet::new(), BTreeSet::new());
        for report in &outbox.reports {
            let number = report.order.0;
            if !self.accounts.contains_key(&report.member) {
                if let (Happening::Done { .. }, Some(pit)) = (report.what, self.pit_of(report.listing))
                    && let Some(pit) = self.pits.get_mut(pit)
                {
                    pit.ladder.forget(report.order);
                }
                continue;
            }
            let Some(mut record) = self.orders.remove(&number) else {
                continue;
            };
            match report.what {
                Happening::Accepted => self.accepted(&mut record),
                Happening::Filled(fill) => {
                    self.filled(&mut record, &fill, now);
                    traded.insert((report.member, report.listing));
                }
                Happening::Done { why, .. } => self.done(&mut record, why, now),
                Happening::Modified { kept, .. } => self.modified(&mut record, kept, changing),
                Happening::Triggered => {
                    record.triggered = true;
                    record.phase = Phase::Working;
                    record.rank = self.next_rank();
                    let id = record.id;
                    self.report(record.spec.account, Report::Triggered { id });
                }
            }
            touched.insert(number);
            self.orders.insert(number, record);
        }
        for number in touched {
            self.note_order(number);
        }
        self.note_accounts(&traded);
        for trade in &outbox.trades {
            self.print(trade);
        }
        outbox.clear();
        self.outbox = outbox;
    }

    fn next_rank(&mut self) -> u64 {
        self.last_rank += 1;
        self.last_rank
    }

    fn accepted(&mut self, record: &mut OrderRecord) {
        record.phase = if record.spec.kind.is_stop() {
            Phase::Held
        } else {
            Phase::Working
        };
        record.rank = self.next_rank();
        if let Some(order) = broker_order(record.number) {
            let (id, phase) = (record.id, record.phase);
            self.report(record.spec.account, Report::Accepted { id, order, phase });
        }
    }

    fn filled(&mut self, record: &mut OrderRecord, fill: &Fill, now: Timestamp) {
        record.filled = fill.filled;
        self.last_execution += 1;
        let instrument = record.spec.instrument;
        let currency = self
            .by_instrument
            .get(&instrument)
            .and_then(|pit| self.pits.get(*pit))
            .map(|pit| pit.listing.instrument.currency);
        let Ok(base) = ExecutionBase::new(&format!("SIM-{}", self.last_execution)) else {
            return;
        };
        let execution = Execution {
            id: ExecutionId { base, revision: 1 },
            account: record.spec.account,
            order: Some(record.id),
            broker_order: broker_order(record.number),
            instrument,
            side: fill.side,
            quantity: fill.quantity,
            price: fill.price,
            at: now,
            fee: currency.map(|currency| Fee {
                amount: fill.fee,
                currency,
            }),
            maker: Some(fill.maker),
        };
        self.executions.insert(self.last_execution, execution.clone());
        self.changes
            .executions
            .insert(self.last_execution, execution.clone());
        self.report(record.spec.account, Report::Executed(execution));
    }

    fn done(&mut self, record: &mut OrderRecord, why: DoneReason, now: Timestamp) {
        record.ended_at = Some(now);
        let (account, id) = (record.spec.account, record.id);
        let reason = match why {
            DoneReason::Filled => {
                record.phase = Phase::Filled;
                return;
            }
            DoneReason::Expired | DoneReason::DayEnd => {
                record.phase = Phase::Expired;
                return self.report(account, Report::Expired { id });
            }
            DoneReason::Cancelled => "cancelled as asked",
            DoneReason::Ioc => "immediate or cancel: nothing more to trade with at once",
            DoneReason::Fok => "fill or kill: not all of it could trade at once",
            DoneReason::NoLiquidity => "no one left to trade with",
            DoneReason::SelfTrade => "it would have traded with a newer order of the same account",
        };
        record.phase = Phase::Cancelled;
        let reason = SafeText::from(reason);
        record.reason = Some(reason.clone());
        self.report(account, Report::Cancelled { id, reason });
    }

    fn modified(&mut self, record: &mut OrderRecord, kept: bool, changing: Option<Changing>) {
        if let Some((_, change)) = changing.filter(|(number, _)| *number == record.number) {
            record.spec.kind = change.applied_to(record.spec.kind);
            record.spec.quantity = change.quantity.unwrap_or(record.spec.quantity);
        }
        if !kept {
            record.rank = self.next_rank();
        }
        let (id, quantity, kind) = (record.id, record.spec.quantity, record.spec.kind);
        self.report(record.spec.account, Report::Modified { id, quantity, kind });
    }

    /// Brings a touched record in line with the exchange and keeps it for the commit.
    fn note_order(&mut self, number: u64) {
        let state = self.exchange.order(OrderNo(number));
        let Some(mut record) = self.orders.remove(&number) else {
            return;
        };
        if let Some(state) = state {
            record.filled_value = state.filled_value;
            record.fees = state.fees;
            if state.request.display.is_some() {
                // An iceberg that shows more than before has gone to the end of the queue.
                if record.visible.is_some_and(|before| state.visible > before) {
                    record.rank = self.next_rank();
                }
                record.visible = Some(state.visible);
            }
        }
        self.keep(record);
    }

    /// Keeps cash and positions after trades for the commit, and tells the cash.
    fn note_accounts(&mut self, traded: &BTreeSet<(MemberNo, ListingNo)>) {
        let mut members = BTreeSet::new();
        for (member, listing) in traded {
            members.insert(*member);
            let account = self.accounts.get(member).map(|account| account.0);
            let instrument = self.exchange.instrument(*listing).map(|instrument| instrument.id);
            if let (Some(account), Some(instrument), Some(position)) =
                (account, instrument, self.exchange.position(*member, *listing))
            {
                let record = PositionRecord {
                    account,
                    instrument,
                    quantity: position.quantity,
                    cost: position.cost,
                    realized: position.realized,
                };
                self.changes.positions.insert((account, instrument), record);
            }
        }
        for member in members {
            self.note_cash(member);
            if let Some((account, _)) = self.accounts.get(&member) {
                let cash = self.exchange.cash(member).into_iter().collect();
                self.report(self.key(*account), Report::Balance { cash });
            }
        }
    }

    /// Keeps a member's cash for the commit.
    pub(super) fn note_cash(&mut self, member: MemberNo) {
        if let Some((account, base)) = self.accounts.get(&member).copied() {
            let cash = self.exchange.cash(member).into_iter().collect();
            self.changes
                .accounts
                .insert(account, AccountRecord { account, base, cash });
        }
    }

    /// A contract's last moment: nobody quotes it any more, and its live orders end.
    pub(super) fn expire(&mut self, pit: usize, now: Timestamp) {
        let mut acts = Vec::new();
        let Some(floor) = self.pits.get_mut(pit) else {
            return;
        };
        floor.expired = true;
        for side in [crate::domain::Side::Buy, crate::domain::Side::Sell] {
            floor.ladder.withdraw(side, &mut acts);
        }
        let number = floor.number;
        self.perform(pit, &acts, now);
        for state in self.exchange.orders_in(number) {
            if self
                .exchange
                .cancel(now, state.member, state.order, &mut self.outbox)
                .is_ok()
            {
                for report in &mut self.outbox.reports {
                    if let Happening::Done { why, .. } = &mut report.what {
                        *why = DoneReason::Expired;
                    }
                }
            }
            self.absorb(now, None);
        }
    }

    fn snapshot(&self, pass: u64, account: AccountKey, now: Timestamp) -> Option<VenueSnapshot> {
        let member = self.member(account).ok()?;
        let own = |order: &&OrderRecord| order.spec.account == account;
        let ended = now.before(ENDED_KEPT);
        let executed = now.before(EXECUTIONS_KEPT);
        let positions = self.exchange.positions(member);
        let positions = positions
            .into_iter()
            .filter(|position| !position.quantity.is_zero());
        Some(VenueSnapshot {
            pass,
            account,
            positions: positions
                .filter_map(|position| {
                    let instrument = self.exchange.instrument(position.listing)?;
                    let average = position.cost.per_unit(position.quantity, instrument.multiplier);
                    Some((instrument.id, position.quantity, average))
                })
                .collect(),
            cash: self.exchange.cash(member).into_iter().collect(),
            orders: self
                .orders
                .values()
                .filter(own)
                .filter(|order| order.ended_at.is_none_or(|at| at >= ended))
                .filter_map(|order| {
                    Some(OrderReport {
                        id: order.id,
                        order: broker_order(order.number)?,
                        spec: order.spec.clone(),
                        phase: order.phase,
                        filled: order.filled,
                    })
                })
                .collect(),
            executions: self
                .executions
                .values()
                .filter(|execution| execution.account == account && execution.at >= executed)
                .cloned()
                .collect(),
        })
    }
}

/// How long an order lives in the book: a DAY order until the end of its own day, so that no session end is missed while
/// the venue is down.
pub(super) fn in_book(tif: TimeInForce, day_end: Option<Timestamp>) -> TimeInForce {
    match (tif, day_end) {
        (TimeInForce::Day, Some(until)) => TimeInForce::Gtd { until },
        _ => tif,
    }
}

/// How a live order stands in the book: an elected stop-limit is the limit order it became.
pub(super) fn kind_in_book(record: &OrderRecord) -> OrderKind {
    match record.spec.kind {
        OrderKind::StopLimit { price, .. } if record.triggered => OrderKind::Limit { price },
        kind => kind,
    }
}
