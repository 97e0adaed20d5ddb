//! Orders as clients know them: placing, changing, cancelling, and the table of them. What an order's status is follows
//! from its [`Stage`]; what the venue says of it is read in `reports`, families and groups are kept in `groups`.

use super::contracts::Listed;
use super::convert;
use super::core::{Gateway, GatewayError};
use super::ledger::{Ledger, LedgerError, Row};
use super::session::ConnectionId;
use super::tws::proto;
use crate::domain::{
    AccountId, ClientOrderId, InstrumentId, Money, Multiplier, OrderChange, OrderKind, OrderSpec, Price,
    Quantity, Role, SafeText, Side, TimeInForce, Timestamp,
};
use crate::venue::{ENDED_KEPT, VenueRequest};
use std::collections::{BTreeMap, BTreeSet};

/// Why a request is refused: the wire's code, and words.
pub(super) type Refusal = (i32, String);

/// How far an order has come, as the gateway sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Placed without being transmitted: waits for the last of its family.
    Untransmitted,
    /// A child that waits for its parent.
    Waiting,
    /// Handed to the exchange, which has not answered.
    Asked,
    /// A stop that waits for its trigger.
    Held,
    /// On the book.
    Working,
    /// Entirely executed.
    Filled,
    /// Ended by a cancel or by time.
    Cancelled,
    /// Refused.
    Inactive,
}

impl Stage {
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Filled | Self::Cancelled | Self::Inactive)
    }
    /// Never yet at the exchange.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Untransmitted | Self::Waiting)
    }
    /// As the ledger writes it. What the exchange knows better is only `asked` here.
    fn word(self) -> &'static str {
        match self {
            Self::Untransmitted => "untransmitted",
            Self::Waiting => "waiting",
            Self::Asked | Self::Held | Self::Working => "asked",
            Self::Filled => "filled",
            Self::Cancelled => "cancelled",
            Self::Inactive => "inactive",
        }
    }
    fn from_word(word: &str) -> Self {
        match word {
            "untransmitted" => Self::Untransmitted,
            "waiting" => Self::Waiting,
            "filled" => Self::Filled,
            "cancelled" => Self::Cancelled,
            "inactive" => Self::Inactive,
            _ => Self::Asked,
        }
    }
}

/// One order.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub perm: i64,
    pub client: i32,
    pub order_id: i32,
    pub account: AccountId,
    pub instrument: InstrumentId,
    /// As TWS names what it is for.
    pub contract: proto::Contract,
    /// As placed and changed since; also what is stored.
    pub order: proto::Order,
    /// The permanent id of its parent.
    pub parent: Option<i64>,
    pub stage: Stage,
    pub filled: Quantity,
    /// Price times quantity of what was executed, without the multiplier.
    pub value: Money,
    pub last_price: Option<Price>,
    pub fees: Money,
    pub reason: SafeText,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// The client has asked for its end.
    pub cancel_asked: bool,
    /// What it becomes when the exchange agrees.
    pub changing: Option<Box<proto::Order>>,
    /// Clients were told that it is cancelled, while it works: a fault on demand.
    pub played_dead: bool,
}

impl Order {
    fn new(
        ids: (i64, i32, i32),
        of: (AccountId, InstrumentId),
        body: proto::PlaceOrderRequest,
        at: Timestamp,
    ) -> Self {
        Self {
            perm: ids.0,
            client: ids.1,
            order_id: ids.2,
            account: of.0,
            instrument: of.1,
            contract: body.contract.unwrap_or_default(),
            order: body.order.unwrap_or_default(),
            parent: None,
            stage: Stage::Untransmitted,
            filled: Quantity::ZERO,
            value: Money::ZERO,
            last_price: None,
            fees: Money::ZERO,
            reason: SafeText::default(),
            created_at: at,
            ended_at: None,
            cancel_asked: false,
            changing: None,
            played_dead: false,
        }
    }
    pub fn total(&self) -> Quantity {
        convert::quantity(self.order.total_quantity.as_deref()).unwrap_or(Quantity::ZERO)
    }
    /// What can still execute.
    pub fn remaining(&self) -> Quantity {
        Quantity::from_raw(self.total().saturating_sub(self.filled).raw().max(0))
    }
    pub fn average(&self) -> f64 {
        let average = self.value.per_unit(self.filled, Multiplier::ONE);
        average.map_or(0.0, Price::to_f64)
    }
    /// What clients are told.
    pub fn status(&self) -> &'static str {
        match self.stage {
            _ if self.played_dead => "Cancelled",
            Stage::Untransmitted | Stage::Asked => "PendingSubmit",
            Stage::Waiting | Stage::Held => "PreSubmitted",
            Stage::Working if self.order.order_type.as_deref() == Some("MKT") => "PreSubmitted",
            Stage::Working => "Submitted",
            Stage::Filled => "Filled",
            Stage::Cancelled => "Cancelled",
            Stage::Inactive => "Inactive",
        }
    }
    fn row(&self) -> Row {
        Row {
            perm: self.perm,
            client: self.client,
            order_id: self.order_id,
            account: self.account.to_string(),
            instrument: self.instrument.to_string(),
            parent: self.parent,
            state: self.stage.word().to_owned(),
            reason: self.reason.as_str().to_owned(),
            created_at: self.created_at,
            ended_at: self.ended_at,
            body: proto::PlaceOrderRequest {
                order_id: Some(self.order_id),
                contract: Some(self.contract.clone()),
                order: Some(self.order.clone()),
                ..Default::default()
            },
        }
    }
    fn from_row(row: Row) -> Option<Self> {
        let of = (
            AccountId::new(&row.account).ok()?,
            InstrumentId::new(&row.instrument).ok()?,
        );
        let fresh = Self::new((row.perm, row.client, row.order_id), of, row.body, row.created_at);
        Some(Self {
            parent: row.parent,
            stage: Stage::from_word(&row.state),
            reason: SafeText::new(&row.reason),
            ended_at: row.ended_at,
            ..fresh
        })
    }
}

/// The table of orders: those that live, and those that ended within a day.
#[derive(Debug, Default)]
pub(super) struct Orders {
    by_perm: BTreeMap<i64, Order>,
    by_key: BTreeMap<(i32, i32), i64>,
    highest: BTreeMap<i32, i32>,
    next_perm: i64,
    /// Changed since the ledger was last written.
    dirty: BTreeSet<i64>,
}

impl Orders {
    pub fn open(ledger: &Ledger, now: Timestamp) -> Result<Self, GatewayError> {
        let (next_perm, highest) = ledger.ids()?;
        let mut orders = Self {
            next_perm,
            highest,
            ..Self::default()
        };
        let rows = ledger.load(now.before(ENDED_KEPT))?;
        for order in rows.into_iter().filter_map(Order::from_row) {
            orders.by_key.insert((order.client, order.order_id), order.perm);
            orders.by_perm.insert(order.perm, order);
        }
        Ok(orders)
    }
    pub fn get(&self, perm: i64) -> Option<&Order> {
        self.by_perm.get(&perm)
    }
    /// An order to be changed: it will be written.
    pub fn change(&mut self, perm: i64) -> Option<&mut Order> {
        self.dirty.insert(perm);
        self.by_perm.get_mut(&perm)
    }
    pub fn find(&self, client: i32, order_id: i32) -> Option<&Order> {
        self.get(*self.by_key.get(&(client, order_id))?)
    }
    pub fn all(&self) -> impl Iterator<Item = &Order> {
        self.by_perm.values()
    }
    pub fn next_order_id(&self, client: i32) -> i32 {
        self.highest.get(&client).copied().unwrap_or(0).saturating_add(1)
    }
    fn insert(&mut self, order: Order) {
        let highest = self.highest.entry(order.client).or_default();
        *highest = order.order_id.max(*highest);
        self.by_key.insert((order.client, order.order_id), order.perm);
        self.dirty.insert(order.perm);
        self.by_perm.insert(order.perm, order);
    }
    fn take_perm(&mut self) -> i64 {
        self.next_perm += 1;
        self.next_perm - 1
    }
    pub fn write(&mut self, ledger: &mut Ledger) -> Result<(), LedgerError> {
        if self.dirty.is_empty() {
            return Ok(());
        }
        let changed = self.dirty.iter().filter_map(|perm| self.by_perm.get(perm));
        let rows: Vec<Row> = changed.map(Order::row).collect();
        ledger.write(rows.iter())?;
        self.dirty.clear();
        Ok(())
    }
    /// Lets go of orders that ended before `since`: the ledger has them.
    pub fn tidy(&mut self, since: Timestamp) {
        let Self {
            by_perm,
            by_key,
            dirty,
            ..
        } = self;
        by_perm.retain(|perm, order| {
            let keep = dirty.contains(perm) || order.ended_at.is_none_or(|at| at >= since);
            if !keep {
                by_key.remove(&(order.client, order.order_id));
            }
            keep
        });
    }
}

/// What the venue calls an order.
pub(super) fn venue_id(perm: i64) -> Option<ClientOrderId> {
    ClientOrderId::new(&format!("G{perm}")).ok()
}

/// The permanent id behind what the venue calls an order.
pub(super) fn perm_of(id: ClientOrderId) -> Option<i64> {
    id.as_str().strip_prefix('G')?.parse().ok()
}

/// What the exchange is asked for.
struct Asked {
    side: Side,
    quantity: Quantity,
    kind: OrderKind,
    tif: TimeInForce,
    display: Option<Quantity>,
}

fn refused(code: i32, words: impl Into<String>) -> Refusal {
    (code, words.into())
}

/// What an order asks for that this exchange does not do. It is refused rather than left out.
fn unsupported(order: &proto::Order) -> Option<&'static str> {
    // Orders that a text client read from us and sends again say "None".
    let text = |text: &Option<String>| text.as_deref().is_some_and(|text| !matches!(text, "" | "None"));
    let yes = |flag: Option<bool>| flag == Some(true);
    let count = |number: Option<i32>| number.is_some_and(|number| number > 0 && number != i32::MAX);
    let amount = |number: Option<f64>| convert::given(number).is_some_and(|number| number > 0.0);
    let asked = [
        (!order.conditions.is_empty(), "a condition"),
        (text(&order.algo_strategy), "an algorithm"),
        (yes(order.all_or_none), "all or none"),
        (count(order.min_qty), "a minimum quantity"),
        (yes(order.hidden), "a hidden order"),
        (text(&order.good_after_time), "a start time"),
        (amount(order.discretionary_amt), "a discretionary amount"),
        (text(&order.hedge_type), "a hedge"),
        (amount(order.scale_price_increment), "a scale"),
        (text(&order.adjusted_order_type), "an adjusted stop"),
        (amount(order.cash_qty), "a cash quantity"),
        (text(&order.fa_group), "an allocation to a group"),
        (yes(order.post_only), "post only"),
    ];
    asked.into_iter().find(|(asked, _)| *asked).map(|(_, what)| what)
}

fn read(order: &proto::Order, listed: &Listed) -> Result<Asked, Refusal> {
    if let Some(what) = unsupported(order) {
        let words = format!("Order rejected - reason: {what} is not supported by this exchange");
        return Err(refused(201, words));
    }
    let side = convert::side(order.action.as_deref()).ok_or_else(|| {
        refused(
            321,
            "Error validating request: the action is neither BUY nor SELL",
        )
    })?;
    let quantity = convert::quantity(order.total_quantity.as_deref())
        .filter(|quantity| quantity.is_positive())
        .ok_or_else(|| refused(434, "The order size cannot be zero"))?;
    if !listed.instrument.allows_quantity(quantity) {
        let words = format!(
            "Error validating request: sizes are multiples of {}",
            listed.instrument.lot
        );
        return Err(refused(321, words));
    }
    let display = order.display_size.filter(|size| (1..i32::MAX).contains(size));
    Ok(Asked {
        side,
        quantity,
        kind: kind(order, listed)?,
        tif: time_in_force(order)?,
        display: display.and_then(|size| Quantity::whole(i64::from(size))),
    })
}

fn kind(order: &proto::Order, listed: &Listed) -> Result<OrderKind, Refusal> {
    let limit = || level(order.lmt_price, listed, "limit");
    let trigger = || level(order.aux_price, listed, "trigger");
    match order.order_type.as_deref().unwrap_or_default() {
        "MKT" => Ok(OrderKind::Market),
        "LMT" => Ok(OrderKind::Limit { price: limit()? }),
        "STP" => Ok(OrderKind::Stop { trigger: trigger()? }),
        "STP LMT" | "STPLMT" => Ok(OrderKind::StopLimit {
            trigger: trigger()?,
            price: limit()?,
        }),
        other => Err(refused(
            201,
            format!(
                "Order rejected - reason: order type '{}' is not supported by this exchange",
                other.escape_default()
            ),
        )),
    }
}

fn level(value: Option<f64>, listed: &Listed, what: &str) -> Result<Price, Refusal> {
    let price = convert::price(value)
        .filter(|price| *price > Price::ZERO)
        .ok_or_else(|| {
            refused(
                321,
                format!("Error validating request: the {what} price is missing or not positive"),
            )
        })?;
    if listed.instrument.ticks.allows(price) {
        return Ok(price);
    }
    Err(refused(
        110,
        "The price does not conform to the minimum price variation for this contract.",
    ))
}

fn time_in_force(order: &proto::Order) -> Result<TimeInForce, Refusal> {
    match order.tif.as_deref().unwrap_or_default() {
        "" | "DAY" => Ok(TimeInForce::Day),
        "GTC" => Ok(TimeInForce::Gtc),
        "IOC" => Ok(TimeInForce::Ioc),
        "FOK" => Ok(TimeInForce::Fok),
        "GTD" => convert::time(order.good_till_date.as_deref().unwrap_or_default())
            .map(|until| TimeInForce::Gtd { until })
            .ok_or_else(|| refused(391, "The time or time-zone entered is invalid")),
        other => Err(refused(
            201,
            format!(
                "Order rejected - reason: time in force '{}' is not supported by this exchange",
                other.escape_default()
            ),
        )),
    }
}

impl Gateway {
    /// What the venue is to be asked for an order as it stands.
    pub(super) fn spec(&self, order: &Order) -> Result<OrderSpec, Refusal> {
        let listed = self
            .contracts
            .get(order.instrument)
            .ok_or_else(|| refused(200, "No security definition has been found for the request"))?;
        let asked = read(&order.order, listed)?;
        Ok(OrderSpec {
            account: self.key(order.account),
            instrument: order.instrument,
            side: asked.side,
            quantity: asked.quantity,
            kind: asked.kind,
            tif: asked.tif,
            display: asked.display,
            allow_short: true,
            role: Role::Entry,
            parent: None,
            // The exchange in the box trades at all hours: there is nothing outside them.
            outside_hours: false,
        })
    }

    /// A request made whole: contract and account resolved, everything checked that can be.
    fn draft(&self, ids: (i64, i32, i32), request: &proto::PlaceOrderRequest) -> Result<Order, Refusal> {
        let attached = request.attached_orders.as_ref();
        if attached.is_some_and(|orders| orders.sl_order_id.or(orders.pt_order_id).is_some_and(|id| id > 0)) {
            let words =
                "Order rejected - reason: attached orders are not supported; send children with a parent id";
            return Err(refused(201, words));
        }
        let listed = self
            .contracts
            .resolve(request.contract.as_ref())
            .map_err(|(code, words)| refused(code, words))?;
        let mut order = request.order.clone().unwrap_or_default();
        let name = order.account.clone().unwrap_or_default();
        let account = match (name.as_str(), self.accounts.as_slice()) {
            ("", [only]) => *only,
            ("", _) => return Err(refused(435, "You must specify an account.")),
            (name, _) => self
                .account_named(Some(name))
                .ok_or_else(|| refused(321, super::accounts::NO_SUCH_ACCOUNT))?,
        };
        order.account = Some(account.to_string());
        order.tif = order.tif.filter(|tif| !tif.is_empty()).or(Some("DAY".to_owned()));
        order.client_id = Some(ids.1);
        order.order_id = Some(ids.2);
        order.perm_id = Some(ids.0);
        let body = proto::PlaceOrderRequest {
            contract: Some(listed.contract.clone()),
            order: Some(order),
            ..Default::default()
        };
        let draft = Order::new(ids, (account, listed.instrument.id), body, self.now);
        self.spec(&draft)?;
        Ok(draft)
    }

    pub(super) fn place_order(&mut self, at: ConnectionId, client: i32, request: proto::PlaceOrderRequest) {
        let order_id = request.order_id.unwrap_or(0);
        if request.order.as_ref().and_then(|order| order.what_if) == Some(true) {
            return self.what_if(at, (client, order_id), &request);
        }
        match self.orders.find(client, order_id) {
            Some(known) if known.stage.is_live() && !known.played_dead => {
                return self.change_order(at, known.perm, &request);
            }
            Some(_) => return self.error(at, order_id, 103, "Duplicate order id"),
            None => {}
        }
        let known = self.ledger.knows(client, order_id);
        let refusal = match known {
            Ok(true) => Some(refused(103, "Duplicate order id")),
            Err(why) => Some(refused(201, format!("Order rejected - reason: {why}"))),
            Ok(false) if order_id <= 0 => Some(refused(
                321,
                "Error validating request: the order id is not positive",
            )),
            Ok(false) => None,
        };
        if let Some((code, words)) = refusal {
            return self.error(at, order_id, code, &words);
        }
        let perm = self.orders.take_perm();
        let drafted = self
            .draft((perm, client, order_id), &request)
            .and_then(|draft| self.with_parent(draft));
        match drafted {
            Ok(order) => self.take_order(at, order),
            Err((code, words)) => self.error(at, order_id, code, &words),
        }
    }

    /// Keeps a new order and does with it what its family lets it.
    fn take_order(&mut self, at: ConnectionId, order: Order) {
        let (perm, order_id) = (order.perm, order.order_id);
        let transmit = order.order.transmit == Some(true);
        self.orders.insert(order);
        if transmit {
            self.transmit(perm);
        } else if self.write_ledger() {
            self.tell_order(at, perm);
        } else {
            self.error(
                at,
                order_id,
                201,
                "Order rejected - reason: the gateway's ledger can't be written",
            );
        }
    }

    /// Hands an order to the exchange; it is durable here before.
    pub(super) fn send(&mut self, perm: i64) {
        let Some(spec) = self.orders.get(perm).map(|order| self.spec(order)) else {
            return;
        };
        let (Ok(spec), Some(id)) = (spec, venue_id(perm)) else {
            return self.refuse(perm, 201, &SafeText::from("the order can't be read any more"));
        };
        let Some(order) = self.orders.change(perm) else {
            return;
        };
        order.stage = Stage::Asked;
        let is_child = order.parent.is_some();
        if let Some((code, words)) = self.faults.rejects(is_child) {
            return self.refuse(perm, code, &SafeText::from(words.as_str()));
        }
        if self.write_ledger() {
            if self.faults.tells_pending() {
                self.tell_owner(perm);
            }
            self.ask(VenueRequest::Place { id, spec });
        } else {
            self.refuse(
                perm,
                201,
                &SafeText::from("the gateway's ledger can't be written"),
            );
        }
    }

    /// The same order id again, while the order lives: a change.
    fn change_order(&mut self, at: ConnectionId, perm: i64, request: &proto::PlaceOrderRequest) {
        let Some(old) = self.orders.get(perm).cloned() else {
            return;
        };
        let new = match self.draft((perm, old.client, old.order_id), request) {
            Ok(new) => new,
            Err((code, words)) => return self.error(at, old.order_id, code, &words),
        };
        if !same_order(&old, &new) {
            return self.error(
                at,
                old.order_id,
                105,
                "Order being modified does not match original order.",
            );
        }
        let transmit = new.order.transmit == Some(true);
        if old.stage.is_ours() {
            if let Some(order) = self.orders.change(perm) {
                order.order = new.order;
            }
            if transmit && old.stage == Stage::Untransmitted {
                return self.transmit(perm);
            }
            return self.tell_order(at, perm);
        }
        let (Ok(before), Ok(after)) = (self.spec(&old), self.spec(&new)) else {
            return;
        };
        if (before.tif, before.display) != (after.tif, after.display) {
            let words = "Error validating request: time in force and display size can't be changed here; cancel and place anew";
            return self.error(at, old.order_id, 321, words);
        }
        let change = OrderChange {
            distance: None,
            quantity: (after.quantity != before.quantity).then_some(after.quantity),
            price: after
                .kind
                .limit()
                .filter(|price| Some(*price) != before.kind.limit()),
            trigger: after
                .kind
                .trigger()
                .filter(|price| Some(*price) != before.kind.trigger()),
        };
        let Some(order) = self.orders.change(perm) else {
            return;
        };
        if change == OrderChange::default() {
            order.order = new.order;
            return self.tell_order(at, perm);
        }
        order.changing = Some(Box::new(new.order));
        if let Some(id) = venue_id(perm) {
            let account = before.account;
            self.ask(VenueRequest::Modify { account, id, change });
        }
    }

    pub(super) fn cancel_order(&mut self, at: ConnectionId, client: i32, order_id: i32) {
        let Some((perm, stage, status)) = self
            .orders
            .find(client, order_id)
            .map(|order| (order.perm, order.stage, order.status()))
        else {
            let words = match self.ledger.knows(client, order_id) {
                Ok(true) => (
                    10148,
                    format!(
                        "OrderId {order_id} that needs to be cancelled cannot be cancelled, state: Cancelled."
                    ),
                ),
                _ => (
                    10147,
                    format!("OrderId {order_id} that needs to be cancelled is not found."),
                ),
            };
            return self.error(at, order_id, words.0, &words.1);
        };
        if !stage.is_live() || status == "Cancelled" {
            let words = format!(
                "OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {status}."
            );
            return self.error(at, order_id, 10148, &words);
        }
        if self.faults.plays_dead() && stage == Stage::Working {
            return self.play_dead(perm);
        }
        self.cancel(perm, true);
    }

    /// Ends an order, here or at the exchange.
    pub(super) fn cancel(&mut self, perm: i64, by_client: bool) {
        let Some(order) = self.orders.change(perm) else {
            return;
        };
        order.cancel_asked |= by_client;
        let (stage, account) = (order.stage, order.account);
        if stage.is_ours() {
            self.end(perm, Stage::Cancelled, &SafeText::default());
        } else if let Some(id) = venue_id(perm).filter(|_| stage.is_live()) {
            let account = self.key(account);
            self.ask(VenueRequest::Cancel { account, id });
        }
    }

    /// Cancels every order of every client.
    pub(super) fn global_cancel(&mut self) {
        let live = self.orders.all().filter(|order| order.stage.is_live());
        // Children first: a parent's end would end them for another reason.
        let mut live: Vec<(bool, i64)> = live.map(|order| (order.parent.is_none(), order.perm)).collect();
        live.sort_unstable();
        for (_, perm) in live {
            self.cancel(perm, true);
        }
    }

    fn what_if(&mut self, at: ConnectionId, ids: (i32, i32), request: &proto::PlaceOrderRequest) {
        let tried = self.draft((0, ids.0, ids.1), request).and_then(|draft| {
            let spec = self.spec(&draft)?;
            let trial = self.venue.trial(&spec, self.now);
            let trial = trial.map_err(|why| refused(201, format!("Order rejected - reason: {why}")))?;
            Ok((draft, trial))
        });
        match tried {
            Ok((draft, trial)) => {
                let message = proto::OpenOrder {
                    order_id: Some(ids.1),
                    contract: Some(draft.contract),
                    order: Some(draft.order),
                    order_state: Some(super::reports::trial_state(&trial)),
                };
                self.tell(at, message);
            }
            Err((code, words)) => self.error(at, ids.1, code, &words),
        }
    }
}

/// Is this the same order as far as it can't be changed?
fn same_order(old: &Order, new: &Order) -> bool {
    let kind = |order: &Order| order.order.order_type.clone();
    let side = |order: &Order| convert::side(order.order.action.as_deref());
    old.instrument == new.instrument
        && old.account == new.account
        && side(old) == side(new)
        && kind(old) == kind(new)
}
