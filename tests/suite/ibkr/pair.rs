//! A desk and a gateway, each a real process with data of its own, that end with their test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use crate::gateway::Gateway;
use crate::harness::{Engine, Home, Ran, UNHURRIED, block_on, until, until_right};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use tradewind::app::{clock::Clock, identity::IdMaker};
use tradewind::attach::Attached;
use tradewind::domain::{ClientOrderId, InstrumentId, OrderChange, Quantity, SafeText};
use tradewind::engine::state::NoticeLevel;
use tradewind::engine::{Command, Outcome, SessionKind, State};
use tradewind::market::Timeframe;
use tradewind::wire::{Query, Reply};

pub fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

/// The desk's session number at the gateway.
pub const CLIENT: i32 = 17;

pub struct Pair {
    pub desk: Home,
    pub exchange: Home,
    engine: Option<Engine>,
    gateway: Option<Gateway>,
    port: u16,
}

impl Pair {
    pub fn new() -> Self {
        Self::with("")
    }
    /// With more settings of the broker.
    pub fn with(settings: &str) -> Self {
        let exchange = Home::new();
        let gateway = Gateway::with(&exchange, &["--accounts", "DU100001,DU100002"]);
        let port = gateway.address.port();
        Self::behind(exchange, gateway, port, settings)
    }
    /// With a gateway that is reached at this port.
    pub fn behind(exchange: Home, gateway: Gateway, port: u16, settings: &str) -> Self {
        let mut pair = Self {
            desk: Home::with(&config(port, settings)),
            exchange,
            engine: None,
            gateway: Some(gateway),
            port,
        };
        pair.start_engine();
        pair
    }
    pub fn port(&self) -> u16 {
        self.port
    }
    pub fn at(&self) -> std::net::SocketAddr {
        self.gateway.as_ref().unwrap().address
    }

    pub fn start_engine(&mut self) {
        self.engine = Some(self.desk.serve(&[]));
        // Orders to the market want a price.
        until("prices", || {
            let quotes = self.quotes();
            (quotes >= 2).then_some(())
        });
    }
    /// Other settings of the broker, for the next engine.
    pub fn settings(&self, settings: &str) {
        self.desk.write_config(&config(self.port, settings));
    }
    pub fn kill_engine(&mut self) {
        self.engine.take().unwrap().kill();
    }
    pub fn kill_gateway(&mut self) {
        self.gateway.take().unwrap().kill();
    }
    /// Again, on the same data and at the same port.
    pub fn start_gateway(&mut self, more: &[&str]) {
        let port = self.port.to_string();
        let mut arguments = vec!["--accounts", "DU100001,DU100002"];
        arguments.extend(more);
        self.gateway = Some(Gateway::at(&self.exchange, &port, &arguments));
    }
    pub fn ready(&self) {
        until("a link that is ready", || self.desk.is_ready().then_some(()));
    }
    /// The state of the link, and why it is so.
    pub fn link(&self) -> String {
        text(&self.link_row(), "state").to_owned()
    }
    pub fn link_row(&self) -> Value {
        self.desk.json(&["status"])["links"][0].clone()
    }
    /// Makes the connection of the desk's engine, or cuts it.
    pub fn connection(&self, up: bool) {
        block_on(async {
            let mut session = self.desk.attach(SessionKind::Shell).await;
            let told = session.query(Query::Connection { up }).await.unwrap();
            assert!(matches!(told, Reply::Told { .. }), "{told:?}");
        });
    }
    pub fn fault(&self, words: &str) {
        self.exchange.done(&["gateway", "fault", words]);
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.desk.run(arguments)
    }
    /// An order, and what became of it within the moment that the shell waits.
    #[track_caller]
    pub fn order(&self, sentence: &str) -> Value {
        self.desk.json(&["order", sentence, "--yes", "--arm", "0001"])[0].clone()
    }
    /// An order that ends by itself: how.
    #[track_caller]
    pub fn ended(&self, sentence: &str) -> String {
        let ran = self.run(&["order", sentence, "--yes", "--arm", "0001", "--json"]);
        let rows: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{sentence}: {ran:#?}"));
        let id = text(&rows[0], "client_order_id").to_owned();
        let dead = [
            "filled",
            "cancelled",
            "expired",
            "rejected",
            "absent",
            "lost",
            "not_sent",
        ];
        until("its end", || {
            let phase = text(&self.row(&id), "phase").to_owned();
            dead.contains(&phase.as_str()).then_some(phase)
        })
    }
    #[track_caller]
    pub fn sentence(&self, sentence: &str) {
        self.desk.done(&["order", sentence, "--yes", "--arm", "0001"]);
    }
    /// Sends an order and waits for nothing but its being recorded: its id.
    pub fn submit(&self, sentence: &str) -> ClientOrderId {
        self.submit_to("DU100001", sentence)
    }
    pub fn submit_to(&self, account: &str, sentence: &str) -> ClientOrderId {
        block_on(async {
            let mut session = self.desk.attach(SessionKind::Shell).await;
            let state = state(&mut session).await;
            let key = *state
                .accounts
                .keys()
                .find(|key| key.account.as_str() == account)
                .unwrap();
            let prefix = session.welcome.prefix.as_str().to_owned();
            let mut ids = IdMaker::new(&prefix, Clock::start());
            let mut id = || ids.next_id();
            let parsed = tradewind::engine::sentence::parse(sentence).unwrap();
            let market = tradewind::market::Market::new();
            let commands = {
                let templates = tradewind::engine::sentence::Templates::new();
                let scene = tradewind::engine::sentence::Scene {
                    state: &state,
                    market: &market,
                    account: key,
                    now: state.at,
                    net_liquidation: None,
                    templates: &templates,
                };
                tradewind::engine::sentence::resolve(&parsed, &scene, &mut id)
            }
            .unwrap();
            let confirmation = SafeText::new("0001");
            session
                .command(Command::Arm {
                    account: key,
                    confirmation,
                })
                .await
                .unwrap();
            let mut made = None;
            for command in commands.commands {
                if let Command::Submit { id, .. } = &command {
                    made = Some(*id);
                }
                let outcome = session.command(command).await.unwrap();
                assert!(matches!(outcome, Outcome::Done { .. }), "{sentence}: {outcome:?}");
            }
            made.unwrap()
        })
    }
    pub fn command(&self, command: Command) -> Outcome {
        block_on(async {
            let mut session = self.desk.attach(SessionKind::Shell).await;
            let state = state(&mut session).await;
            for account in state.accounts.keys() {
                let confirmation = SafeText::new("0001");
                let arm = Command::Arm {
                    account: *account,
                    confirmation,
                };
                session.command(arm).await.unwrap();
            }
            session.command(command).await.unwrap()
        })
    }
    /// Changes an order and waits until the broker has done so.
    #[track_caller]
    pub fn modify(&self, order: &Value, quantity: Option<&str>, price: Option<&str>) {
        let id: ClientOrderId = text(order, "client_order_id").parse().unwrap();
        let change = OrderChange {
            quantity: quantity.map(|text| text.parse().unwrap()),
            price: price.map(|text| text.parse().unwrap()),
            ..OrderChange::default()
        };
        let outcome = self.command(Command::Modify { id, change });
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
        until_right(|| {
            let row = self.row(id.as_str());
            let done = quantity.is_none_or(|wanted| text(&row, "quantity") == wanted)
                && price
                    .is_none_or(|wanted| text(&row, "price") == wanted || text(&row, "phase") == "filled");
            if done {
                Ok(())
            } else {
                Err(format!("a changed order: {row}"))
            }
        });
    }
    #[track_caller]
    pub fn row(&self, id: &str) -> Value {
        let rows = self.desk.list("orders");
        rows.into_iter()
            .find(|row| text(row, "client_order_id") == id)
            .unwrap_or_else(|| panic!("no order {id}"))
    }
    /// Waits until an order is in this phase.
    #[track_caller]
    pub fn comes_to(&self, id: &str, phase: &str) {
        until_right(|| {
            let row = self.row(id);
            if text(&row, "phase") == phase {
                Ok(())
            } else {
                Err(format!("{phase}: {row}"))
            }
        });
    }
    /// Orders that can still execute.
    pub fn live(&self) -> Vec<Value> {
        let live = ["in_flight", "uncertain", "held", "working", "created"];
        let mut rows = self.desk.list("orders");
        rows.retain(|row| live.contains(&text(row, "phase")));
        rows
    }
    /// What the first account holds of a symbol.
    pub fn held(&self, symbol: &str) -> i64 {
        let rows = self.desk.list("positions");
        let row = rows
            .iter()
            .find(|row| text(row, "symbol") == symbol && text(row, "account") == "DU100001");
        row.map_or(0, |row| text(row, "quantity").parse().unwrap())
    }
    /// What has a price on both sides.
    fn quoted(&self) -> Vec<InstrumentId> {
        block_on(async {
            let mut session = self.desk.attach(SessionKind::Shell).await;
            let query = Query::Quotes {
                instruments: Vec::new(),
            };
            match session.query(query).await.unwrap() {
                Reply::Quotes(quotes, _) => quotes
                    .iter()
                    .filter(|quote| quote.bid.is_some() && quote.ask.is_some() && quote.quality.is_there())
                    .map(|quote| quote.instrument)
                    .collect(),
                other => panic!("{other:?}"),
            }
        })
    }
    fn quotes(&self) -> usize {
        self.quoted().len()
    }
    /// Waits for the price of an instrument that has just become known.
    pub fn until_quoted(&self, symbol: &str) {
        let id = InstrumentId::new(symbol).unwrap();
        until(symbol, || self.quoted().contains(&id).then_some(()));
    }
    pub fn has_prices(&self) -> bool {
        self.quotes() >= 2
    }
    pub fn find(&self, words: &str) -> Vec<(Option<String>, String)> {
        block_on(async {
            let mut session = self.desk.attach(SessionKind::Shell).await;
            let query = Query::Find {
                text: SafeText::new(words),
            };
            match session.query(query).await.unwrap() {
                Reply::Found(found) => found
                    .into_iter()
                    .map(|(id, line)| (id.map(|id| id.to_string()), line.to_string()))
                    .collect(),
                other => panic!("{words}: {other:?}"),
            }
        })
    }
    pub fn bars(&self, symbol: &str, seconds: u32, count: u32) -> usize {
        block_on(async {
            let mut session = self.desk.attach(SessionKind::Shell).await;
            let query = Query::Bars {
                instrument: InstrumentId::new(symbol).unwrap(),
                timeframe: Timeframe::Seconds(seconds),
                count,
            };
            match session.query(query).await.unwrap() {
                Reply::Bars(bars) => bars.len(),
                other => panic!("{other:?}"),
            }
        })
    }
    /// How much history was asked for lately.
    pub fn history_asked(&self) -> u32 {
        block_on(async {
            let mut session = self.desk.attach(SessionKind::Shell).await;
            match session.query(Query::Status).await.unwrap() {
                Reply::Status(status) => status.health[0]
                    .budgets
                    .iter()
                    .find(|budget| budget.name.as_str().starts_with("history"))
                    .map_or(0, |budget| budget.used),
                other => panic!("{other:?}"),
            }
        })
    }
    /// Everything that the log of the desk's engine says.
    pub fn log(&self) -> String {
        self.desk.log()
    }
    /// What people were told, newest last.
    pub fn notices(&self) -> String {
        block_on(async {
            let mut session = self.desk.attach(SessionKind::Shell).await;
            let state = state(&mut session).await;
            state
                .notices
                .iter()
                .map(|notice| format!("{}\n", notice.text))
                .collect()
        })
    }

    /// What people were warned of.
    pub fn warnings(&self) -> Vec<String> {
        block_on(async {
            let mut session = self.desk.attach(SessionKind::Shell).await;
            let state = state(&mut session).await;
            let loud = state
                .notices
                .iter()
                .filter(|told| told.level == NoticeLevel::Warning);
            loud.map(|told| told.text.to_string()).collect()
        })
    }

    /// Another desk with these settings says so of its link.
    #[track_caller]
    pub fn complains(&self, settings: &str, words: &[&str]) {
        let desk = Home::with(&format!("[broker]\nuse = \"ibkr\"\n[broker.ibkr]\n{settings}\n"));
        let _engine = desk.begin(&[]);
        until_right(|| {
            let ran = desk.run(&["status", "--json"]);
            let status: Value = serde_json::from_str(&ran.out).map_err(|_| format!("{ran:?}"))?;
            let row = &status["links"][0];
            let told = text(row, "reason");
            if words.iter().all(|word| told.contains(word)) {
                Ok(())
            } else {
                Err(format!("{words:?} in {row}"))
            }
        });
        assert!(desk.run(&["orders"]).code == Some(0), "the desk stays up");
    }

    /// Waits until the desk and the exchange's own books say the same: orders, executions, positions.
    #[track_caller]
    pub fn agrees(&self) {
        until_right(|| self.compare());
    }
    /// The same of executions and positions alone: an order whose statuses were lost never told what the broker calls it.
    #[track_caller]
    pub fn agrees_on_what_is_held(&self) {
        until_right(|| self.compare_holdings());
    }
    fn compare(&self) -> Result<(), String> {
        self.compare_orders()?;
        self.compare_holdings()
    }
    fn compare_orders(&self) -> Result<(), String> {
        let books = self.exchange.books();
        let theirs: BTreeMap<String, (String, String)> = books
            .orders
            .iter()
            .map(|(id, phase, filled)| {
                (
                    id.trim_start_matches('G').to_owned(),
                    (phase.clone(), filled.clone()),
                )
            })
            .collect();
        let mut ours: BTreeMap<String, (String, String)> = BTreeMap::new();
        for row in self.desk.list("orders") {
            let name = text(&row, "broker_order_id").to_owned();
            let said = (text(&row, "phase").to_owned(), text(&row, "filled").to_owned());
            if !name.is_empty() && ours.insert(name.clone(), said).is_some() {
                return Err(format!("one order for {name}"));
            }
        }
        for (name, (phase, filled)) in &theirs {
            match ours.get(name) {
                None if phase == "rejected" => {}
                None => return Err(format!("order {name}, {phase} at the exchange, among {ours:?}")),
                Some((said, told)) => {
                    let same = said == phase || (phase == "expired" && said == "cancelled");
                    if !same || told != filled {
                        return Err(format!(
                            "order {name} as at the exchange ({phase} {filled}), not {said} {told}"
                        ));
                    }
                }
            }
        }
        for (name, (phase, filled)) in &ours {
            let never_there = ["held", "cancelled", "rejected"].contains(&phase.as_str()) && filled == "0";
            if !theirs.contains_key(name) && !never_there {
                return Err(format!("order {name} ({phase} {filled}) at the exchange too"));
            }
        }
        if let Some(row) = self
            .desk
            .list("orders")
            .iter()
            .find(|row| ["in_flight", "uncertain"].contains(&text(row, "phase")))
        {
            return Err(format!("nothing in doubt: {row}"));
        }
        Ok(())
    }
    fn compare_holdings(&self) -> Result<(), String> {
        let books = self.exchange.books();
        let mut ours: Vec<[String; 4]> = Vec::new();
        for row in self.desk.list("executions") {
            ours.push(["execution_id", "quantity", "price", "fee"].map(|name| text(&row, name).to_owned()));
        }
        let mut theirs: Vec<[String; 4]> = books
            .executions
            .iter()
            .map(|execution| {
                [
                    execution.id.base.to_string(),
                    execution.quantity.to_string(),
                    execution.price.to_string(),
                    execution.fee.map_or(String::new(), |fee| fee.amount.to_string()),
                ]
            })
            .collect();
        ours.sort();
        theirs.sort();
        if ours != theirs {
            return Err(format!(
                "equal executions: {ours:?} and at the exchange {theirs:?}"
            ));
        }
        let flat = |quantity: &Quantity| !quantity.is_zero();
        let ours: BTreeMap<(String, String), i64> = self
            .desk
            .list("positions")
            .iter()
            .map(|row| {
                let quantity: Quantity = text(row, "quantity").parse().unwrap();
                (
                    (text(row, "account").to_owned(), text(row, "symbol").to_owned()),
                    quantity,
                )
            })
            .filter(|(_, quantity)| flat(quantity))
            .map(|(key, quantity)| (key, quantity.raw()))
            .collect();
        let theirs: BTreeMap<(String, String), i64> = books
            .positions
            .iter()
            .filter(|(_, _, quantity)| flat(quantity))
            .map(|(account, symbol, quantity)| ((account.clone(), symbol.clone()), quantity.raw()))
            .collect();
        if ours != theirs {
            return Err(format!(
                "equal positions: {ours:?} and at the exchange {theirs:?}"
            ));
        }
        Ok(())
    }
}

fn config(port: u16, settings: &str) -> String {
    format!(
        "{UNHURRIED}[broker]\nuse = \"ibkr\"\n[broker.ibkr]\nport = \"{port}\"\nclient_id = {CLIENT}\nresets = []\nlogin = \"\"\nsymbols = [\"AAPL\", \"MSFT\"]\n{settings}\n"
    )
}

async fn state(session: &mut Attached) -> State {
    match session.query(Query::State).await.unwrap() {
        Reply::State(snapshot) => snapshot.state,
        other => panic!("{other:?}"),
    }
}

/// A server of a version that nobody speaks any more.
pub fn too_old() -> u16 {
    serve(|mut stream| {
        let mut greeting = [0; 64];
        let _ = stream.read(&mut greeting);
        let reply = b"176\x0020261126 12:00:00 EST\0";
        let mut frame = u32::try_from(reply.len()).unwrap().to_be_bytes().to_vec();
        frame.extend_from_slice(reply);
        let _ = stream.write_all(&frame);
        let _ = stream.read(&mut greeting);
    })
}

/// A server that takes connections and never says a word.
pub fn silent() -> u16 {
    serve(|mut stream| {
        let mut bytes = [0; 64];
        while matches!(stream.read(&mut bytes), Ok(1..)) {}
    })
}

fn serve(answer: impl Fn(std::net::TcpStream) + Send + Copy + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    port
}
