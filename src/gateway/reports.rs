//! What the venue reports, turned into what the table of orders holds and what clients are told; and the answers to
//! questions about orders and executions.

use super::convert;
use super::core::{Gateway, GatewayError};
use super::orders::{Order, Stage, perm_of, venue_id};
use super::session::ConnectionId;
use super::tws::proto;
use crate::domain::{
    AccountKey, ClientOrderId, Execution, Money, Multiplier, OrderKind, OrderSpec, Phase, Quantity, SafeText,
    Timestamp,
};
use crate::venue::{EXECUTIONS_KEPT, OrderReport, Report, Trial, VenueEvent, VenueRequest, VenueSnapshot};

/// An execution with what clients are told beside it.
#[derive(Clone, Debug)]
pub(super) struct Fill {
    pub execution: Execution,
    pub perm: i64,
    pub client: i32,
    pub order_id: i32,
    pub order_ref: Option<String>,
    /// Of the order so far, this one included.
    pub cumulated: Quantity,
    /// Average price of that.
    pub average: f64,
    /// Profit of what it closed, its fee taken off.
    pub realized: Option<Money>,
}

impl Gateway {
    /// Brings the table in line with what the venue holds, after a start.
    pub(super) fn recover(&mut self, now: Timestamp) -> Result<(), GatewayError> {
        self.now = now;
        for account in self.accounts.clone() {
            let (account, mut events) = (self.key(account), Vec::new());
            self.venue
                .handle(VenueRequest::Snapshot { pass: 0, account }, now, &mut events)?;
            for event in events {
                match event {
                    VenueEvent::Snapshot(snapshot) => self.take_snapshot(snapshot),
                    other => self.events.push_back(other),
                }
            }
        }
        let asked = self.orders.all().filter(|order| order.stage == Stage::Asked);
        let lost: Vec<i64> = asked.map(|order| order.perm).collect();
        for perm in lost {
            // Written here and never seen there: asking again under the same name can't make a second order.
            self.send(perm);
        }
        self.settle();
        let waiting = self.orders.all().filter(|order| order.stage == Stage::Waiting);
        let mut parents: Vec<i64> = waiting.filter_map(|order| order.parent).collect();
        parents.dedup();
        for parent in parents {
            if self.orders.get(parent).is_none_or(|order| !order.stage.is_live()) {
                self.parent_ended(parent);
            }
        }
        self.settle();
        self.finish_groups();
        self.settle();
        Ok(())
    }

    /// A group whose member traded just before a crash: what should have followed follows now.
    fn finish_groups(&mut self) {
        let traded = self.orders.all().filter(|order| {
            let cancels = order.order.oca_type == Some(1)
                && order.order.oca_group.as_ref().is_some_and(|g| !g.is_empty());
            order.stage == Stage::Filled || cancels && order.filled.is_positive()
        });
        for perm in traded.map(|order| order.perm).collect::<Vec<_>>() {
            self.group_traded(perm, Quantity::ZERO);
        }
    }

    fn take_snapshot(&mut self, snapshot: VenueSnapshot) {
        let filled: Vec<_> = snapshot
            .orders
            .iter()
            .map(|report| (report.id, report.filled))
            .collect();
        for report in snapshot.orders {
            self.take_order_report(report);
        }
        for execution in snapshot.executions {
            self.note_fill(execution);
        }
        for (id, filled) in filled {
            // Older executions than are told count as well.
            if let Some(order) = perm_of(id).and_then(|perm| self.orders.change(perm)) {
                order.filled = filled;
            }
        }
    }

    fn take_order_report(&mut self, report: OrderReport) {
        let Some(order) = perm_of(report.id).and_then(|perm| self.orders.change(perm)) else {
            return;
        };
        let stage = match report.phase {
            Phase::Held => Stage::Held,
            Phase::Filled => Stage::Filled,
            Phase::Cancelled | Phase::Expired => Stage::Cancelled,
            Phase::Rejected => Stage::Inactive,
            _ => Stage::Working,
        };
        if !stage.is_live() && order.ended_at.is_none() {
            order.ended_at = Some(self.now);
        }
        order.stage = stage;
        adopt(&mut order.order, &report.spec);
    }

    /// Counts an execution to its order and keeps it. Nothing for an order that did not come from here.
    fn note_fill(&mut self, execution: Execution) -> Option<Fill> {
        let perm = execution.order.and_then(perm_of)?;
        let order = self.orders.change(perm)?;
        order.filled = order.filled.saturating_add(execution.quantity);
        let value = execution.price.notional(execution.quantity, Multiplier::ONE);
        order.value = order.value.saturating_add(value.unwrap_or(Money::ZERO));
        order.last_price = Some(execution.price);
        order.fees = order
            .fees
            .saturating_add(execution.fee.map_or(Money::ZERO, |fee| fee.amount));
        let fill = Fill {
            perm,
            client: order.client,
            order_id: order.order_id,
            order_ref: order.order.order_ref.clone(),
            cumulated: order.filled,
            average: order.average(),
            realized: None,
            execution,
        };
        let since = self.now.before(EXECUTIONS_KEPT);
        while self.fills.front().is_some_and(|fill| fill.execution.at < since) {
            self.fills.pop_front();
        }
        self.fills.push_back(fill.clone());
        Some(fill)
    }

    /// One report of the venue.
    pub(super) fn report(&mut self, account: AccountKey, report: Report) {
        match report {
            Report::Executed(execution) => self.executed(execution),
            Report::Balance { .. } => self.note_balance(account.account),
            Report::Accepted { id, phase, .. } => self.on_order(id, |gateway, perm| {
                if let Some(order) = gateway.orders.change(perm) {
                    order.stage = if phase == Phase::Held {
                        Stage::Held
                    } else {
                        Stage::Working
                    };
                }
                gateway.tell_owner(perm);
            }),
            Report::Triggered { id } => self.on_order(id, |gateway, perm| {
                if let Some(order) = gateway.orders.change(perm) {
                    order.stage = Stage::Working;
                }
                gateway.tell_owner(perm);
            }),
            Report::Rejected { id, reason } => {
                self.on_order(id, |gateway, perm| gateway.refuse(perm, 201, &reason));
            }
            Report::Modified { id, quantity, kind } => self.on_order(id, |gateway, perm| {
                if let Some(order) = gateway.orders.change(perm) {
                    if let Some(changed) = order.changing.take() {
                        order.order = *changed;
                    }
                    adopt_terms(&mut order.order, quantity, kind);
                }
                gateway.tell_owner(perm);
            }),
            Report::ModifyRejected { id, reason } => self.on_order(id, |gateway, perm| {
                if let Some(order) = gateway.orders.change(perm) {
                    order.changing = None;
                }
                gateway.owner_error(
                    perm,
                    321,
                    &format!("Error validating request: the change is refused: {reason}"),
                );
            }),
            Report::CancelRejected { id, reason } => self.on_order(id, |gateway, perm| {
                gateway.owner_error(perm, 10148, &format!("the order cannot be cancelled: {reason}"));
            }),
            Report::Cancelled { id, reason } => {
                self.on_order(id, |gateway, perm| gateway.end(perm, Stage::Cancelled, &reason));
            }
            Report::Expired { id } => {
                let reason = SafeText::from("the order's time is over");
                self.on_order(id, |gateway, perm| gateway.end(perm, Stage::Cancelled, &reason));
            }
        }
    }

    fn on_order(&mut self, id: ClientOrderId, then: impl FnOnce(&mut Self, i64)) {
        match perm_of(id).filter(|perm| self.orders.get(*perm).is_some()) {
            Some(perm) => then(self, perm),
            None => tracing::warn!(%id, "the exchange speaks of an order that is not in the ledger"),
        }
    }

    fn executed(&mut self, execution: Execution) {
        let (account, instrument, quantity) = (
            execution.account.account,
            execution.instrument,
            execution.quantity,
        );
        let Some(mut fill) = self.note_fill(execution) else {
            return;
        };
        self.moved.insert((account, instrument));
        fill.realized = self.realize(&fill);
        if let Some(last) = self.fills.back_mut() {
            last.realized = fill.realized;
        }
        let perm = fill.perm;
        let full = self
            .orders
            .get(perm)
            .is_some_and(|order| order.remaining().is_zero());
        let now = self.now;
        if full && let Some(order) = self.orders.change(perm) {
            order.stage = Stage::Filled;
            order.ended_at = Some(now);
            order.played_dead = false;
        }
        if let Some(owner) = self.connection_of(fill.client) {
            let details = self.execution_details(&fill, -1);
            self.tell(owner, details);
            if full {
                self.tell_order(owner, perm);
            } else {
                self.tell_status(owner, perm);
            }
            let commission = self.commission(&fill);
            self.tell(owner, commission);
        }
        self.group_traded(perm, quantity);
        if full {
            self.parent_ended(perm);
        }
    }

    /// An order has ended otherwise than by its last fill.
    pub(super) fn end(&mut self, perm: i64, stage: Stage, reason: &SafeText) {
        let now = self.now;
        let Some(order) = self.orders.change(perm).filter(|order| order.stage.is_live()) else {
            return;
        };
        order.stage = stage;
        order.ended_at = Some(now);
        order.reason = reason.clone();
        order.changing = None;
        let told_before = std::mem::take(&mut order.played_dead);
        let words = if order.cancel_asked { "" } else { reason.as_str() };
        let words = format!("Order Canceled - reason:{words}");
        if let Some(owner) = self.owner(perm).filter(|_| !told_before) {
            self.tell_status(owner, perm);
            self.owner_error(perm, 202, &words);
        }
        self.parent_ended(perm);
    }

    /// An order was refused.
    pub(super) fn refuse(&mut self, perm: i64, code: i32, reason: &SafeText) {
        let now = self.now;
        if let Some(order) = self.orders.change(perm) {
            order.stage = Stage::Inactive;
            order.ended_at = Some(now);
            order.reason = reason.clone();
        }
        self.owner_error(perm, code, &format!("Order rejected - reason:{reason}"));
        if let Some(owner) = self.owner(perm) {
            self.tell_status(owner, perm);
        }
        self.parent_ended(perm);
    }

    fn owner(&self, perm: i64) -> Option<ConnectionId> {
        self.connection_of(self.orders.get(perm)?.client)
    }

    pub(super) fn owner_error(&mut self, perm: i64, code: i32, words: &str) {
        let order_id = self.orders.get(perm).map(|order| order.order_id);
        if let (Some(owner), Some(order_id)) = (self.owner(perm), order_id) {
            self.error(owner, order_id, code, words);
        }
    }

    /// Tells the owner how an order stands.
    pub(super) fn tell_owner(&mut self, perm: i64) {
        if let Some(owner) = self.owner(perm) {
            self.tell_order(owner, perm);
        }
    }

    /// The order, then its status.
    pub(super) fn tell_order(&mut self, at: ConnectionId, perm: i64) {
        if let Some(message) = self.orders.get(perm).map(open_order) {
            self.tell(at, message);
            self.tell_status(at, perm);
        }
    }

    pub(super) fn tell_status(&mut self, at: ConnectionId, perm: i64) {
        if let Some(message) = self.orders.get(perm).map(order_status) {
            self.tell(at, message);
        }
    }

    pub(super) fn tell_open_orders(&mut self, at: ConnectionId, client: Option<i32>) {
        let live = self
            .orders
            .all()
            .filter(|order| order.stage.is_live() && !order.played_dead);
        let own = live.filter(|order| client.is_none_or(|client| client == order.client));
        for perm in own.map(|order| order.perm).collect::<Vec<_>>() {
            self.tell_order(at, perm);
        }
        self.tell(at, proto::OpenOrdersEnd {});
    }

    pub(super) fn tell_completed_orders(&mut self, at: ConnectionId) {
        let done = self
            .orders
            .all()
            .filter(|order| matches!(order.stage, Stage::Filled | Stage::Cancelled | Stage::Inactive));
        for message in done.filter_map(completed).collect::<Vec<_>>() {
            self.tell(at, message);
        }
        self.tell(at, proto::CompletedOrdersEnd {});
    }

    pub(super) fn tell_executions(&mut self, at: ConnectionId, request: &proto::ExecutionRequest) {
        let filter = request.execution_filter.clone().unwrap_or_default();
        let req_id = request.req_id.unwrap_or(-1);
        let wanted: Vec<Fill> = self
            .fills
            .iter()
            .filter(|fill| self.wanted(fill, &filter))
            .cloned()
            .collect();
        for fill in wanted {
            let details = self.execution_details(&fill, req_id);
            self.tell(at, details);
            let commission = self.commission(&fill);
            self.tell(at, commission);
        }
        self.tell(at, proto::ExecutionDetailsEnd { req_id: Some(req_id) });
    }

    /// Does a filter let this one through? Without days it lets today's through only.
    fn wanted(&self, fill: &Fill, filter: &proto::ExecutionFilter) -> bool {
        let text = |asked: &Option<String>| asked.clone().filter(|text| !text.is_empty());
        let at = fill.execution.at;
        let days = filter
            .last_n_days
            .filter(|days| (1..=7).contains(days))
            .unwrap_or(0);
        let span = std::time::Duration::from_secs(86_400 * u64::from(days.unsigned_abs()));
        let on_day = if filter.specific_dates.is_empty() {
            at >= convert::midnight(self.now).before(span)
        } else {
            let day: Option<i32> = convert::date(at).parse().ok();
            day.is_some_and(|day| filter.specific_dates.contains(&day))
        };
        let since = text(&filter.time).and_then(|time| convert::time(&time));
        let Some(listed) = self.contracts.get(fill.execution.instrument) else {
            return false;
        };
        let is = |asked: &Option<String>, value: Option<&str>| {
            text(asked).is_none_or(|asked| value == Some(asked.as_str()))
        };
        let side =
            text(&filter.side).is_none_or(|side| convert::side(Some(&side)) == Some(fill.execution.side));
        on_day
            && since.is_none_or(|since| at >= since)
            && side
            && filter
                .client_id
                .filter(|id| *id != 0)
                .is_none_or(|id| id == fill.client)
            && is(&filter.acct_code, Some(fill.execution.account.account.as_str()))
            && is(&filter.symbol, listed.contract.symbol.as_deref())
            && is(&filter.sec_type, listed.contract.sec_type.as_deref())
            && is(&filter.exchange, listed.contract.exchange.as_deref())
    }

    pub(super) fn execution_details(&self, fill: &Fill, req_id: i32) -> proto::ExecutionDetails {
        let execution = &fill.execution;
        let contract = self
            .contracts
            .get(execution.instrument)
            .map(|listed| listed.contract.clone());
        let exchange = contract.as_ref().and_then(|contract| contract.exchange.clone());
        proto::ExecutionDetails {
            req_id: Some(req_id),
            contract,
            execution: Some(proto::Execution {
                order_id: Some(fill.order_id),
                exec_id: Some(self.faults.execution_id(execution)),
                time: Some(convert::stamp(execution.at)),
                acct_number: Some(execution.account.account.to_string()),
                exchange,
                side: Some(convert::bought(execution.side).to_owned()),
                shares: Some(execution.quantity.to_string()),
                price: Some(execution.price.to_f64()),
                perm_id: Some(fill.perm),
                client_id: Some(fill.client),
                is_liquidation: Some(false),
                cum_qty: Some(fill.cumulated.to_string()),
                avg_price: Some(fill.average),
                order_ref: fill.order_ref.clone(),
                ev_rule: Some(String::new()),
                ev_multiplier: Some(0.0),
                model_code: Some(String::new()),
                last_liquidity: Some(match execution.maker {
                    Some(true) => 1,
                    Some(false) => 2,
                    None => 0,
                }),
                is_price_revision_pending: Some(false),
                ..Default::default()
            }),
        }
    }

    pub(super) fn commission(&self, fill: &Fill) -> proto::CommissionAndFeesReport {
        let fee = fill.execution.fee;
        proto::CommissionAndFeesReport {
            exec_id: Some(self.faults.execution_id(&fill.execution)),
            commission_and_fees: Some(fee.map_or(0.0, |fee| fee.amount.to_f64())),
            currency: fee.map(|fee| fee.currency.to_string()),
            realized_pnl: Some(fill.realized.map_or(convert::UNSET, Money::to_f64)),
            bond_yield: Some(convert::UNSET),
            yield_redemption_date: None,
        }
    }

    /// Clients hear that an order is cancelled, which goes on working: what trades then is a fill after a cancel.
    pub(super) fn play_dead(&mut self, perm: i64) {
        let Some(order) = self.orders.change(perm) else {
            return;
        };
        order.played_dead = true;
        let account = order.account;
        if let Some(owner) = self.owner(perm) {
            self.tell_status(owner, perm);
            self.owner_error(perm, 202, "Order Canceled - reason:");
        }
        if let Some(id) = venue_id(perm) {
            let mut events = Vec::new();
            let result = self.venue.sweep(account, id, self.now, &mut events);
            self.events.extend(events);
            self.note_books(result.map(|_| ()));
        }
        self.work();
        if self.orders.get(perm).is_some_and(|order| order.stage.is_live()) {
            // Nothing met it: then it is cancelled in truth.
            self.cancel(perm, false);
        }
    }
}

/// What the exchange has of an order is how it is.
fn adopt(order: &mut proto::Order, spec: &OrderSpec) {
    adopt_terms(order, spec.quantity, spec.kind);
}

fn adopt_terms(order: &mut proto::Order, quantity: Quantity, kind: OrderKind) {
    order.total_quantity = Some(quantity.to_string());
    if let Some(price) = kind.limit() {
        order.lmt_price = Some(price.to_f64());
    }
    if let Some(trigger) = kind.trigger() {
        order.aux_price = Some(trigger.to_f64());
    }
}

/// An order's fields as clients are told them: ids and quantities always there.
fn told(order: &Order) -> proto::Order {
    let given = |value: Option<f64>| Some(convert::given(value).unwrap_or(0.0));
    proto::Order {
        client_id: Some(order.client),
        order_id: Some(order.order_id),
        perm_id: Some(order.perm),
        parent_id: Some(order.order.parent_id.unwrap_or(0)),
        total_quantity: Some(order.total().to_string()),
        lmt_price: given(order.order.lmt_price),
        aux_price: given(order.order.aux_price),
        filled_quantity: Some(order.filled.to_string()),
        transmit: Some(order.stage != Stage::Untransmitted),
        what_if: Some(false),
        ..order.order.clone()
    }
}

fn open_order(order: &Order) -> proto::OpenOrder {
    proto::OpenOrder {
        order_id: Some(order.order_id),
        contract: Some(order.contract.clone()),
        order: Some(told(order)),
        order_state: Some(state(order)),
    }
}

fn state(order: &Order) -> proto::OrderState {
    proto::OrderState {
        status: Some(order.status().to_owned()),
        commission_and_fees: (!order.filled.is_zero()).then(|| order.fees.to_f64()),
        commission_and_fees_currency: order.contract.currency.clone(),
        reject_reason: Some(if order.stage == Stage::Inactive {
            order.reason.to_string()
        } else {
            String::new()
        }),
        warning_text: Some(String::new()),
        completed_time: Some(order.ended_at.map_or_else(String::new, convert::stamp)),
        completed_status: Some(String::new()),
        ..Default::default()
    }
}

fn order_status(order: &Order) -> proto::OrderStatus {
    proto::OrderStatus {
        order_id: Some(order.order_id),
        status: Some(order.status().to_owned()),
        filled: Some(order.filled.to_string()),
        remaining: Some(order.remaining().to_string()),
        avg_fill_price: Some(order.average()),
        perm_id: Some(order.perm),
        parent_id: Some(order.order.parent_id.unwrap_or(0)),
        last_fill_price: Some(order.last_price.map_or(0.0, crate::domain::Price::to_f64)),
        client_id: Some(order.client),
        why_held: Some(if order.stage == Stage::Waiting {
            "child".to_owned()
        } else {
            String::new()
        }),
        mkt_cap_price: Some(0.0),
    }
}

/// A completed order: its quantity is what was left, beside what was filled.
fn completed(order: &Order) -> Option<proto::CompletedOrder> {
    order.ended_at?;
    let mut state = state(order);
    state.completed_status = Some(match order.stage {
        Stage::Filled => format!("Filled Size: {}", order.filled),
        Stage::Inactive => format!("Rejected: {}", order.reason),
        _ if order.cancel_asked => "Cancelled by Trader".to_owned(),
        _ => format!("Cancelled: {}", order.reason),
    });
    Some(proto::CompletedOrder {
        contract: Some(order.contract.clone()),
        order: Some(proto::Order {
            // Neither who placed it nor under which id: for that there are the permanent id and the reference.
            client_id: None,
            order_id: None,
            total_quantity: Some(order.remaining().to_string()),
            parent_perm_id: order.parent,
            ..told(order)
        }),
        order_state: Some(state),
    })
}

/// The state in the answer to a what-if.
pub(super) fn trial_state(trial: &Trial) -> proto::OrderState {
    let change = |(before, after): (Money, Money)| Some(after.saturating_sub(before).to_f64());
    let (before, after) = trial.required;
    let fee = trial.fee.to_f64();
    proto::OrderState {
        status: Some("PreSubmitted".to_owned()),
        init_margin_before: Some(before.to_f64()),
        maint_margin_before: Some(before.to_f64()),
        equity_with_loan_before: Some(trial.equity.0.to_f64()),
        init_margin_change: change(trial.required),
        maint_margin_change: change(trial.required),
        equity_with_loan_change: change(trial.equity),
        init_margin_after: Some(after.to_f64()),
        maint_margin_after: Some(after.to_f64()),
        equity_with_loan_after: Some(trial.equity.1.to_f64()),
        commission_and_fees: Some(fee),
        min_commission_and_fees: Some(fee),
        max_commission_and_fees: Some(fee),
        commission_and_fees_currency: Some(trial.currency.to_string()),
        margin_currency: Some(trial.currency.to_string()),
        warning_text: Some(String::new()),
        ..Default::default()
    }
}
