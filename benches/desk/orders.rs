//! An order's way: over the socket into the exchange and back, and from a key in a real terminal into the book. Beside both,
//! in turns with them, a bare SQLite commit of a row of the same size in the same folder.

use crate::engine::{Engine, SYMBOL, runtime, state};
use crate::figures::{self, Figures};
use crate::terminal::{self, Terminal};
use std::time::{Duration, Instant};
use tradewind::app::clock::Clock;
use tradewind::app::identity::IdMaker;
use tradewind::attach::Attached;
use tradewind::domain::{
    AccountKey, ClientOrderId, InstrumentId, OrderKind, OrderSpec, Price, Quantity, Role, Side, TimeInForce,
};
use tradewind::engine::{Command, Fact, Legs, Outcome, SessionKind};
use tradewind::store::format;
use tradewind::wire::{ClientMessage, ServerMessage};

/// Nothing that is waited for takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A limit that rests: below any market of the instrument.
const RESTING: &str = "100";

/// The yardstick: one row, one transaction, written through.
struct Bare {
    connection: rusqlite::Connection,
    body: Vec<u8>,
    rows: i64,
}

impl Bare {
    fn open(engine: &Engine, account: AccountKey) -> Self {
        let connection = rusqlite::Connection::open(engine.folder.path().join("bare.db")).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000;
                 CREATE TABLE journal(sequence INTEGER PRIMARY KEY, at_ns INTEGER, mono_ns INTEGER, wall_ns INTEGER,
                 batch INTEGER, actor TEXT, cause INTEGER, kind INTEGER, version INTEGER, body BLOB, hash BLOB)",
            )
            .unwrap();
        let submitted = Fact::Submitted {
            id: ClientOrderId::new("TW01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(),
            spec: spec(account, OrderKind::Market, Side::Buy),
            oco: None,
            quote: None,
        };
        let body = format::encode(&submitted).unwrap().body;
        Self {
            connection,
            body,
            rows: 0,
        }
    }
    fn commit(&mut self) -> f64 {
        self.rows += 1;
        let sql = "INSERT INTO journal VALUES(?1, 1, 0, 0, ?1, 'session:1', NULL, 20, 1, ?2, zeroblob(32))";
        let mut statement = self.connection.prepare(sql).unwrap();
        let begun = Instant::now();
        statement.execute((self.rows, &self.body)).unwrap();
        begun.elapsed().as_secs_f64()
    }
}

fn spec(account: AccountKey, kind: OrderKind, side: Side) -> OrderSpec {
    OrderSpec {
        account,
        instrument: InstrumentId::new(SYMBOL).unwrap(),
        side,
        quantity: Quantity::ONE,
        kind,
        tif: TimeInForce::Day,
        display: None,
        allow_short: true,
        role: Role::Entry,
        parent: None,
        outside_hours: false,
    }
}

/// A session that sends and hears everything.
struct Caller {
    attached: Attached,
    ids: IdMaker,
    account: AccountKey,
    token: u64,
}

/// When what was heard of one order, from the moment it was sent, in seconds.
#[derive(Default)]
struct Heard {
    outcome: Option<f64>,
    accepted: Option<f64>,
    filled: Option<f64>,
    cancelled: Option<f64>,
}

impl Caller {
    async fn new(engine: &Engine) -> Self {
        let mut attached = engine.connect(SessionKind::Shell).await;
        let account = loop {
            let now = state(&mut attached).await.state;
            match now.accounts.iter().find(|(_, account)| account.read_at.is_some()) {
                Some((key, _)) => break *key,
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        let ids = IdMaker::new(attached.welcome.prefix.as_str(), Clock::start());
        attached.writer.write(&ClientMessage::Subscribe).await.unwrap();
        Self {
            attached,
            ids,
            account,
            token: 1_000,
        }
    }
    /// Sends a command about `id` and listens until `enough`.
    async fn ask(&mut self, command: Command, id: ClientOrderId, enough: fn(&Heard) -> bool) -> Heard {
        self.token += 1;
        let message = ClientMessage::Command {
            token: self.token,
            command: Box::new(command),
        };
        let begun = Instant::now();
        self.attached.writer.write(&message).await.unwrap();
        let mut heard = Heard::default();
        while !enough(&heard) {
            let message = self
                .attached
                .reader
                .read()
                .await
                .unwrap()
                .expect("the engine talks");
            let at = begun.elapsed().as_secs_f64();
            match message {
                ServerMessage::Outcome { token, outcome } if token == self.token => {
                    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
                    heard.outcome = Some(at);
                }
                ServerMessage::Events(events) => {
                    for event in events.iter().filter(|event| event.fact.order() == Some(id)) {
                        match event.fact {
                            Fact::Accepted { .. } => heard.accepted = Some(at),
                            Fact::Executed { .. } => heard.filled = Some(at),
                            Fact::Cancelled { .. } => heard.cancelled = Some(at),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        heard
    }
    fn submit(&mut self, kind: OrderKind, side: Side) -> (ClientOrderId, Command) {
        let id = self.ids.next_id();
        let command = Command::Submit {
            id,
            spec: spec(self.account, kind, side),
            legs: Legs::default(),
        };
        (id, command)
    }
}

/// Limit orders that rest and are cancelled, and market orders that fill, one at a time.
pub fn over_the_socket(engine: &Engine, rounds: usize) {
    let price: Price = RESTING.parse().unwrap();
    let [mut bare, mut outcome, mut accepted, mut cancelled, mut filled]: [Vec<f64>; 5] = Default::default();
    runtime().block_on(async {
        let mut caller = Caller::new(engine).await;
        let mut yardstick = Bare::open(engine, caller.account);
        let warm_up = rounds / 10;
        for round in 0..rounds + warm_up {
            let plain = yardstick.commit();
            let (id, submit) = caller.submit(OrderKind::Limit { price }, Side::Buy);
            let rests = caller
                .ask(submit, id, |h| h.outcome.is_some() && h.accepted.is_some())
                .await;
            let ends = caller
                .ask(Command::Cancel { id }, id, |h| {
                    h.outcome.is_some() && h.cancelled.is_some()
                })
                .await;
            let side = if round % 2 == 0 { Side::Buy } else { Side::Sell };
            let (id, submit) = caller.submit(OrderKind::Market, side);
            let fills = caller
                .ask(submit, id, |h| h.outcome.is_some() && h.filled.is_some())
                .await;
            if round >= warm_up {
                bare.push(plain);
                outcome.extend(rests.outcome);
                accepted.extend(rests.accepted);
                cancelled.extend(ends.cancelled);
                filled.extend(fills.filled);
            }
        }
    });
    println!(
        "\norders over the socket, {rounds} of each, one at a time; yardstick: a bare SQLite FULL commit"
    );
    let yardstick = Figures::of(bare);
    figures::head("ms");
    for (name, times) in [
        ("command -> outcome (1 commit)", outcome),
        ("command -> acknowledged (2)", accepted),
        ("command -> filled (2)", filled),
        ("cancel -> cancelled (1)", cancelled),
    ] {
        figures::row(name, &Figures::of(times), &yardstick, 1e3);
    }
    figures::row("bare commit", &yardstick, &yardstick, 1e3);
}

/// A person's way: a sentence stands in the order line, and Enter sends it. Another process hears the engine.
pub fn by_key(engine: &Engine, rounds: usize, size: (u16, u16)) {
    let mut terminal = Terminal::open(&engine.folder, &["attach"], size);
    terminal.wait_for("a price in the list", terminal::shows_a_market);
    let (mut bare, mut booked, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    let runtime = runtime();
    let mut caller = runtime.block_on(Caller::new(engine));
    let mut yardstick = Bare::open_again(engine, caller.account);
    for round in 0..rounds {
        // No two are alike: what is looked for on the screen was not there before.
        let quantity = 1_000 + round;
        terminal.press(&format!(":buy {quantity} {SYMBOL} @1.00"));
        // Longer than a preview has to stand, and than the pause between two Enters that both count.
        terminal.settle(Duration::from_millis(750));
        runtime.block_on(caller.drain());
        bare.push(yardstick.commit());
        let begun = Instant::now();
        terminal.press("\r");
        booked.push((runtime.block_on(caller.accepted()) - begun).as_secs_f64());
        let row = format!("{quantity}");
        let at = terminal.wait_for("the order in its pane", |screen| {
            terminal::shows_order(screen, &row)
        });
        shown.push((at - begun).as_secs_f64());
        // One at a time: the controls allow only so many.
        runtime.block_on(caller.cancel_all());
    }
    println!("\nkeys in a terminal, {rounds} orders; yardstick: a bare SQLite FULL commit");
    let yardstick = Figures::of(bare);
    figures::head("ms");
    figures::row(
        "Enter -> in the book (2 commits)",
        &Figures::of(booked),
        &yardstick,
        1e3,
    );
    figures::row(
        "Enter -> order on the screen",
        &Figures::of(shown),
        &yardstick,
        1e3,
    );
    figures::row("bare commit", &yardstick, &yardstick, 1e3);
    println!("aim: in the book within 5 ms at p99 on a quiet disk");
}

impl Bare {
    fn open_again(engine: &Engine, account: AccountKey) -> Self {
        let _ = std::fs::remove_file(engine.folder.path().join("bare.db"));
        let _ = std::fs::remove_file(engine.folder.path().join("bare.db-wal"));
        let _ = std::fs::remove_file(engine.folder.path().join("bare.db-shm"));
        Self::open(engine, account)
    }
}

impl Caller {
    /// Takes what waits, until nothing came for a moment.
    async fn drain(&mut self) {
        let quiet = Duration::from_millis(5);
        while let Ok(message) = tokio::time::timeout(quiet, self.attached.reader.read()).await {
            message.unwrap().expect("the engine talks");
        }
    }
    /// When the next acknowledgement is heard.
    async fn accepted(&mut self) -> Instant {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.attached.reader.read()).await;
            let message = message
                .expect("the order is taken")
                .unwrap()
                .expect("the engine talks");
            let at = Instant::now();
            if let ServerMessage::Events(events) = message
                && events
                    .iter()
                    .any(|event| matches!(event.fact, Fact::Accepted { .. }))
            {
                return at;
            }
        }
    }
    async fn cancel_all(&mut self) {
        let command = Command::CancelAll {
            account: self.account,
            instrument: None,
            stops_too: true,
        };
        self.attached.command(command).await.unwrap();
    }
}
