//! The engine on a table: commands in, a broker played by hand, facts and requests out. The desk here stores and releases
//! as the engine's process does, and checks after every step what must always hold.

mod breaches;
mod breakers;
mod chained;
mod changes;
mod closing;
mod controls;
mod costs;
mod differences;
mod elsewhere;
mod entries;
mod explain;
mod flatten;
mod groups;
mod halt;
mod leases;
mod life;
mod limits;
mod losses;
mod naked;
mod packs;
mod parking;
mod planned;
mod programs;
mod property;
mod reading;
mod scale_out;
mod scopes;
mod sectors;
mod status;
mod stops;
mod vocabulary;
mod way_out;
mod what_if;

use super::port::{BrokerOrder, Report, Snapshot};
use super::working::Working;
use super::*;
use crate::domain::*;
use crate::market::{Market, Quality, Quote};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) fn p(text: &str) -> Price {
    text.parse().unwrap()
}
pub(super) fn q(count: i64) -> Quantity {
    Quantity::whole(count).unwrap()
}
pub(super) fn id(text: &str) -> ClientOrderId {
    ClientOrderId::new(text).unwrap()
}
thread_local! {
    /// The broker of this test: the exchange in the box, unless it says otherwise.
    static BROKER: std::cell::Cell<&'static str> = const { std::cell::Cell::new("sim") };
}
pub(super) fn use_broker(name: &'static str) {
    BROKER.set(name);
}
pub(super) fn broker() -> BrokerId {
    BrokerId::new(BROKER.get()).unwrap()
}
pub(super) fn account() -> AccountKey {
    AccountKey {
        broker: broker(),
        account: AccountId::new("SIM100001").unwrap(),
    }
}
pub(super) fn aapl() -> InstrumentId {
    InstrumentId::new("AAPL").unwrap()
}
pub(super) fn limit(price: &str) -> OrderKind {
    OrderKind::Limit { price: p(price) }
}

pub(super) fn instrument(name: &str, kind: InstrumentKind, multiplier: i64) -> Instrument {
    Instrument {
        id: InstrumentId::new(name).unwrap(),
        name: SafeText::new(name),
        kind,
        currency: Currency::USD,
        multiplier: Multiplier::whole(multiplier).unwrap(),
        ticks: TickTable::uniform(p("0.01")).unwrap(),
        lot: Quantity::ONE,
        calendar: CalendarId::Always,
        root: None,
        expires: None,
        broker_ids: BTreeMap::new(),
        option: None,
        sector: None,
        listed_on: None,
    }
}

pub(super) fn spec(side: Side, quantity: i64, kind: OrderKind) -> OrderSpec {
    OrderSpec {
        account: account(),
        instrument: aapl(),
        side,
        quantity: q(quantity),
        kind,
        tif: TimeInForce::Day,
        display: None,
        allow_short: false,
        role: Role::Entry,
        parent: None,
        outside_hours: false,
    }
}

/// The engine, its market, and everything it said.
pub(super) struct Desk {
    pub engine: Engine,
    pub market: Market,
    pub now: Timestamp,
    pub events: Vec<Event>,
    /// Requests that left, oldest first; taken by [`Desk::sent`].
    outbox: Vec<Request>,
    pub origin: Origin,
    fills: u32,
}

impl Desk {
    /// Started; the broker said nothing yet.
    pub fn cold(class: AccountClass) -> Self {
        let mut desk = Self {
            engine: Engine::default(),
            market: Market::new(),
            now: Timestamp::parse("2026-11-20T15:00:00Z").unwrap(),
            events: Vec::new(),
            outbox: Vec::new(),
            origin: Origin {
                session: SessionId(1),
                kind: SessionKind::Terminal,
            },
            fills: 0,
        };
        desk.market.list(instrument("AAPL", InstrumentKind::Equity, 1));
        desk.start();
        desk.command(Command::OpenSession);
        desk.broker(BrokerEvent::Instrument(Box::new(instrument(
            "AAPL",
            InstrumentKind::Equity,
            1,
        ))));
        desk.up(class);
        desk
    }
    /// Ready to trade: flat, a terminal with the token, a market of 100.00 to 100.02.
    pub fn ready() -> Self {
        let mut desk = Self::cold(AccountClass::Sim);
        desk.quote("100.00", "100.02");
        desk.read(&[], &[]);
        desk.sent();
        assert_eq!(desk.engine.state().link(broker()), LinkState::Ready);
        desk
    }
    /// Ready, holding so many shares at 100.
    pub fn holding(count: i64) -> Self {
        let mut desk = Self::cold(AccountClass::Sim);
        desk.quote("100.00", "100.02");
        let pass = desk.pass();
        let positions = vec![(aapl(), q(count), Some(p("100")))];
        desk.broker(BrokerEvent::Snapshot(Box::new(Snapshot {
            positions,
            ..snapshot(pass)
        })));
        desk.sent();
        desk
    }
    pub fn start(&mut self) {
        let limits = Box::new(self.engine.state().limits.clone());
        self.step(&Input::Start {
            build: "test".into(),
            limits,
        });
    }
    pub fn up(&mut self, class: AccountClass) {
        let accounts = vec![Account {
            key: account(),
            class,
            base: Currency::USD,
            cash: Some(cash(100_000_000)),
        }];
        self.broker(BrokerEvent::Up {
            accounts,
            next_number: None,
        });
    }
    pub fn quote(&mut self, bid: &str, ask: &str) {
        let quote = Quote {
            instrument: aapl(),
            bid: Some((p(bid), q(100))),
            ask: Some((p(ask), q(100))),
            at: self.now,
            quality: Quality::Live,
        };
        self.market.received_at(self.now);
        self.market.on_quote(quote);
    }
    /// One input, stored, told and released as the engine's process does.
    pub fn step(&mut self, input: &Input) -> Option<Outcome> {
        let batch = self.engine.step(&self.market, input, self.now);
        let outcome = batch.outcome;
        self.settle(batch.events);
        outcome
    }
    pub fn settle(&mut self, events: Vec<Event>) {
        self.events.extend(events.iter().cloned());
        invariants(self.engine.state());
        for event in events {
            match self.engine.release(&event) {
                Release::Nothing => {}
                Release::Send(request) => self.outbox.push(request),
                Release::Withhold(fact) => {
                    let batch = self.engine.record(fact, self.now);
                    self.settle(batch.events);
                }
            }
        }
    }
    /// A command whose orders are before its sender's eyes.
    pub fn command(&mut self, command: Command) -> Outcome {
        let command = self.looked_at(command);
        self.blind(command)
    }
    /// What nobody looked at yet is looked at now.
    pub fn looked_at(&self, command: Command) -> Command {
        let has_looked = match &command {
            Command::Submit { seen, .. } => seen.is_some(),
            Command::SubmitAll { orders } => orders.iter().any(|entry| entry.seen.is_some()),
            _ => false,
        };
        if has_looked {
            return command;
        }
        digest::looked_at(&self.market, command)
    }
    /// A command as it is.
    pub fn blind(&mut self, command: Command) -> Outcome {
        self.step(&Input::Command {
            origin: self.origin,
            command,
        })
        .unwrap()
    }
    pub fn broker(&mut self, event: BrokerEvent) {
        self.step(&Input::Broker {
            broker: broker(),
            event,
        });
    }
    pub fn report(&mut self, report: Report) {
        self.broker(BrokerEvent::Report {
            account: account(),
            report,
        });
    }
    pub fn submit(&mut self, name: &str, spec: OrderSpec) -> Outcome {
        self.now = self.now.after(SECOND);
        self.command(Command::Submit {
            id: id(name),
            spec,
            legs: Legs::default(),
            seen: None,
        })
    }
    pub fn bracket(&mut self, name: &str, spec: OrderSpec, stop: &str, target: &str) -> Outcome {
        self.now = self.now.after(SECOND);
        let legs = Legs {
            stop: Some(p(stop)),
            target: Some(p(target)),
            ..Legs::default()
        };
        self.command(Command::Submit {
            id: id(name),
            spec,
            legs,
            seen: None,
        })
    }
    /// Sent, acknowledged and on the book.
    pub fn working(&mut self, name: &str, spec: OrderSpec) {
        let outcome = self.submit(name, spec);
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
        self.accept(name);
    }
    pub fn accept(&mut self, name: &str) {
        let phase = if self.order(name).spec.kind.is_stop() {
            Phase::Held
        } else {
            Phase::Working
        };
        let broker_id = BrokerOrderId::new(&format!("B-{name}")).unwrap();
        self.report(Report::Accepted {
            id: id(name),
            broker_id,
            phase,
        });
    }
    /// An execution of an order, with an id of its own.
    pub fn execution(&mut self, name: &str, quantity: i64, price: &str) -> Execution {
        self.fills += 1;
        let side = self.order(name).spec.side;
        Execution {
            id: ExecutionId {
                base: ExecutionBase::new(&format!("E-{}", self.fills)).unwrap(),
                revision: 1,
            },
            account: account(),
            order: Some(id(name)),
            broker_order: None,
            instrument: aapl(),
            side,
            quantity: q(quantity),
            price: p(price),
            at: self.now,
            fee: None,
            maker: None,
        }
    }
    pub fn fill(&mut self, name: &str, quantity: i64, price: &str) -> Execution {
        let execution = self.execution(name, quantity, price);
        self.report(Report::Executed(execution.clone()));
        execution
    }
    pub fn cancelled(&mut self, name: &str) {
        self.report(Report::Cancelled {
            id: id(name),
            reason: "by request".into(),
        });
    }
    pub fn modified(&mut self, name: &str, quantity: i64) {
        let kind = self.order(name).spec.kind;
        self.report(Report::Modified {
            id: id(name),
            quantity: q(quantity),
            kind,
        });
    }
    /// Lets timers fire until `seconds` later.
    pub fn wait(&mut self, seconds: u64) {
        let end = self.now.after(SECOND * u32::try_from(seconds).unwrap());
        for _ in 0..1_000 {
            match self.engine.next_deadline() {
                Some(at) if at <= end => self.now = self.now.max(at),
                _ => {
                    self.now = end;
                    return;
                }
            }
            self.step(&Input::Timer);
        }
        panic!("timers fire for ever");
    }
    /// The pass that is waited for.
    pub fn pass(&self) -> u64 {
        self.engine.state().accounts[&account()]
            .reading
            .expect("a read is under way")
            .0
    }
    /// Answers the read that is under way: these orders, these executions, and the position that we have ourselves.
    pub fn read(&mut self, orders: &[BrokerOrder], executions: &[Execution]) {
        let held = self.engine.state().position(account(), aapl()).quantity;
        let positions = vec![(aapl(), held, None)];
        let read = Snapshot {
            positions,
            orders: orders.to_vec(),
            executions: executions.to_vec(),
            ..snapshot(self.pass())
        };
        self.broker(BrokerEvent::Snapshot(Box::new(read)));
    }
    pub fn at_broker(&self, name: &str, phase: Phase) -> BrokerOrder {
        let order = self.order(name);
        BrokerOrder {
            id: order.id,
            broker_id: BrokerOrderId::new(&format!("B-{name}")).unwrap(),
            spec: order.spec.clone(),
            phase,
            filled: order.filled,
            number: None,
            foreign: false,
        }
    }
    pub fn order(&self, name: &str) -> &Order {
        self.engine
            .state()
            .orders
            .get(&id(name))
            .unwrap_or_else(|| panic!("no order {name}"))
    }
    pub fn phase(&self, name: &str) -> Phase {
        self.order(name).phase
    }
    pub fn held(&self) -> Quantity {
        self.engine.state().position(account(), aapl()).quantity
    }
    /// What left since last asked, as short words.
    pub fn sent(&mut self) -> Vec<String> {
        self.outbox.drain(..).map(|request| words(&request)).collect()
    }
    pub fn last_word(&self) -> &str {
        self.engine
            .state()
            .notices
            .back()
            .map_or("", |notice| notice.text.as_str())
    }
}

/// Dollars of an account. Plenty, unless a test is about what an account is worth.
pub(super) fn cash(dollars: i64) -> BTreeMap<Currency, Money> {
    BTreeMap::from([(Currency::USD, Money::whole(dollars))])
}

pub(super) fn snapshot(pass: u64) -> Snapshot {
    Snapshot {
        pass,
        account: account(),
        positions: Vec::new(),
        cash: cash(100_000_000),
        orders: Vec::new(),
        executions: Vec::new(),
        complete_since: Timestamp::MIN,
    }
}

fn words(request: &Request) -> String {
    match request {
        Request::Place {
            id, spec, instead, ..
        } => {
            let ends: String = instead
                .iter()
                .map(|(id, left)| format!(" instead of {left} {id}"))
                .collect();
            format!("place {id} {spec}{ends}")
        }
        Request::Modify { id, change, .. } => {
            let quantity = change
                .quantity
                .map_or(String::new(), |quantity| format!(" to {quantity}"));
            let price = change
                .price
                .or(change.trigger)
                .map_or(String::new(), |price| format!(" @ {price}"));
            format!("modify {id}{quantity}{price}")
        }
        Request::Cancel { id, .. } => format!("cancel {id}"),
        Request::Snapshot { .. } => "read".into(),
    }
}

/// The code of a refusal and its words.
pub(super) fn refusal(outcome: Outcome) -> (DenialCode, String) {
    match outcome {
        Outcome::Denied(denial) | Outcome::Refused(denial) => (denial.code, denial.text.to_string()),
        other => panic!("not refused: {other:?}"),
    }
}

/// What holds after every event.
pub(super) fn invariants(state: &State) {
    for (id, order) in &state.orders {
        assert_eq!(*id, order.id);
        let key = (order.spec.account, order.spec.instrument, *id);
        assert_eq!(
            state.live.contains(&key),
            order.phase.is_live(),
            "index of {order:?}"
        );
        assert!(!order.filled.is_negative(), "{order:?}");
    }
    assert!(state.live.iter().all(|(_, _, id)| state.orders.contains_key(id)));
    assert_eq!(state.working, Working::of(state), "kept up is made anew");
    for (account, instrument) in state
        .live
        .iter()
        .map(|(account, instrument, _)| (*account, *instrument))
    {
        for side in [Side::Buy, Side::Sell] {
            let all = state.live_orders(account, instrument);
            let all: Vec<&Order> = all.filter(|order| order.spec.side == side).collect();
            let working = state.working(account, instrument, side);
            assert_eq!(working, counted_one_by_one(&all), "{instrument}");
            let orders = all.iter().filter(|order| order.phase != Phase::Parked);
            assert_eq!(state.working_orders(account, instrument, side), orders.count());
        }
    }
    for ((account, _), ledger) in state
        .ledgers
        .iter()
        .filter(|(_, ledger)| ledger.changes.is_empty())
    {
        let booked = ledger
            .executions
            .iter()
            .fold(ledger.opening.quantity, |sum, execution| {
                let known = &state.executions[&(*account, execution.id.base)];
                assert_eq!(known.revision, execution.id.revision);
                sum.saturating_add(execution.side.signed(execution.quantity))
            });
        assert_eq!(
            ledger.position.quantity, booked,
            "opening and newest revisions make the position"
        );
    }
}

/// What orders could execute, without an index: of a group its largest.
fn counted_one_by_one(orders: &[&Order]) -> Quantity {
    let mut sum = Quantity::ZERO;
    for order in orders.iter().filter(|order| order.phase != Phase::Parked) {
        let larger = |other: &&&Order| {
            let size = |order: &Order| (order.leaves(), order.id);
            let same = order.oco.is_some() && other.oco == order.oco && other.phase != Phase::Parked;
            same && size(other) > size(order)
        };
        if !orders.iter().any(|other| larger(&other)) {
            sum = sum.saturating_add(order.leaves());
        }
    }
    sum
}
