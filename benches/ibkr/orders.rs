//! An order's way out and back: by command and by key, one at a time, and then many at once.

use crate::bare::Bare;
use crate::caller::Caller;
use crate::engine::{SYMBOL, runtime};
use crate::figures::{self, Figures};
use crate::pair::Pair;
use crate::proxy::{Kind, Note};
use crate::terminal::{self, Terminal};
use crate::yardstick::IbAsync;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tradewind::domain::{ClientOrderId, OrderKind, Price, SafeText, Side};
use tradewind::engine::{Command, Fact, Outcome};
use tradewind::wire::ServerMessage;

/// A limit that rests: below any market of the instrument.
const RESTING: &str = "100";
/// From one order to the next. With its cancel each is two messages, and no message may have to wait for the budget: what
/// waiting costs is the burst's to say.
const PAUSE: Duration = Duration::from_millis(100);
/// Messages a second by default, and what cancels may use beyond them.
const BUDGET: usize = 40;
const RESERVE: usize = 8;

/// What both ways are measured against, taken in turns with them.
struct Beside<'a> {
    bare: Bare,
    ib_async: &'a mut Option<IbAsync>,
    commits: Vec<f64>,
    returns: Vec<f64>,
    arrivals: Vec<f64>,
}

impl<'a> Beside<'a> {
    fn new(bare: Bare, ib_async: &'a mut Option<IbAsync>) -> Self {
        let mut beside = Self {
            bare,
            ib_async,
            commits: Vec::new(),
            returns: Vec::new(),
            arrivals: Vec::new(),
        };
        // The first are slower than any that follows.
        for _ in 0..5 {
            beside.once();
        }
        beside.forget();
        beside
    }
    fn once(&mut self) {
        self.commits.push(self.bare.commit());
        if let Some(ib_async) = self.ib_async {
            let (returned, arrived) = ib_async.place();
            self.returns.push(returned);
            self.arrivals.push(arrived);
        }
    }
    fn forget(&mut self) {
        self.commits.clear();
        self.returns.clear();
        self.arrivals.clear();
    }
    /// `out` is the series that ends where ib_async's does: with the bytes.
    fn table(self, rows: Vec<(&str, Vec<f64>)>, out: usize) {
        let commit = Figures::of(self.commits);
        let rows: Vec<(&str, Figures)> = rows
            .into_iter()
            .map(|(name, seconds)| (name, Figures::of(seconds)))
            .collect();
        figures::head("ms; ratios to a bare SQLite FULL commit");
        for (name, figures) in &rows {
            figures::row(name, figures, &commit, 1e3);
        }
        figures::row("bare commit", &commit, &commit, 1e3);
        let Some(ib_async) = self.ib_async else { return };
        println!();
        figures::head(&format!("ms; ratios to {} -> bytes", ib_async.name));
        let theirs = Figures::of(self.arrivals);
        if let Some((name, figures)) = rows.get(out) {
            figures::row(name, figures, &theirs, 1e3);
        }
        let returned = Figures::of(self.returns);
        figures::row("placeOrder: call -> it returns", &returned, &theirs, 1e3);
        figures::row("placeOrder: call -> bytes", &theirs, &theirs, 1e3);
    }
}

/// Allows this session to add risk.
async fn arm(caller: &mut Caller) {
    let name = caller.account.account;
    let name = name.as_str();
    let command = Command::Arm {
        account: caller.account,
        confirmation: SafeText::new(&name[name.len().saturating_sub(4)..]),
    };
    caller.send(command).await;
    caller.next(|fact| matches!(fact, Fact::Armed { .. })).await;
}

/// Cancels everything; nothing that is said meanwhile goes unheard.
async fn cancel_all(caller: &mut Caller) {
    let command = Command::CancelAll {
        account: caller.account,
        instrument: None,
        stops_too: true,
    };
    caller.send(command).await;
}

fn seconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64()
}

/// Limit orders that rest and are cancelled, by command over the engine's socket.
pub fn by_command(pair: &Pair, ib_async: &mut Option<IbAsync>, rounds: usize) {
    let price: Price = RESTING.parse().unwrap();
    let [mut out, mut back, mut whole, mut cancels, mut ends]: [Vec<f64>; 5] = Default::default();
    let beside = runtime().block_on(async {
        let mut caller = Caller::new(&pair.engine).await;
        arm(&mut caller).await;
        let mut beside = Beside::new(Bare::open(&pair.engine, caller.account), ib_async);
        let warm_up = rounds / 10;
        for round in 0..rounds + warm_up {
            if round == warm_up {
                beside.forget();
            }
            tokio::time::sleep(PAUSE).await;
            caller.drain().await;
            beside.once();
            pair.proxy.all();
            let (id, submit) = caller.submit(OrderKind::Limit { price }, Side::Buy);
            let rests = caller
                .ask(submit, id, |h| h.outcome.is_some() && h.accepted.is_some())
                .await;
            let placed = pair.proxy.next(|note| note.kind == Kind::Place);
            let told = pair.proxy.next(|note| tells_of(note, &placed));
            let ended = caller
                .ask(Command::Cancel { id }, id, |h| h.cancelled.is_some())
                .await;
            let cancelled = pair.proxy.next(|note| note.kind == Kind::Cancel);
            if round >= warm_up {
                out.push(seconds(rests.begun, placed.at));
                back.extend(rests.accepted.map(|at| seconds(told.at, at)));
                whole.extend(rests.after(rests.accepted));
                cancels.push(seconds(ended.begun, cancelled.at));
                ends.extend(ended.after(ended.cancelled));
            }
        }
        beside
    });
    println!("\norders by command, {rounds}, one at a time; on the way out lies one commit");
    beside.table(
        vec![
            ("command -> PlaceOrder bytes", out),
            ("status bytes -> event heard", back),
            ("command -> acknowledged", whole),
            ("cancel -> CancelOrder bytes", cancels),
            ("cancel -> cancelled", ends),
        ],
        0,
    );
}

/// Word that this order is at the exchange.
fn tells_of(note: &Note, placed: &Note) -> bool {
    matches!(note.kind, Kind::Alive(_)) && note.number == placed.number
}

/// A person's way: a sentence stands in the order line of an armed desk, and Enter sends it.
pub fn by_key(pair: &Pair, ib_async: &mut Option<IbAsync>, rounds: usize, size: (u16, u16)) {
    let runtime = runtime();
    let mut terminal = armed(pair, size);
    let [mut out, mut back, mut whole]: [Vec<f64>; 3] = Default::default();
    let mut caller = runtime.block_on(Caller::new(&pair.engine));
    let mut beside = Beside::new(Bare::open_again(&pair.engine, caller.account), ib_async);
    for round in 0..rounds {
        // No two are alike: what is looked for on the screen was not there before.
        let quantity = format!("{}", 1_000 + round);
        terminal.press(&format!(":buy {quantity} {SYMBOL} @1.00"));
        // Longer than a preview has to stand in a terminal that does not answer, as this one; on a slow machine it comes late.
        terminal.settle(Duration::from_millis(2_500));
        runtime.block_on(caller.drain());
        beside.once();
        pair.proxy.all();
        let begun = Instant::now();
        terminal.press("\r");
        let placed = pair.proxy.next(|note| note.kind == Kind::Place);
        let works = |note: &Note| note.kind == Kind::Alive(true) && note.number == placed.number;
        let told = pair.proxy.next(works);
        let at = terminal.wait_for("the order in its pane", |screen| {
            terminal::shows_order(screen, &quantity)
        });
        out.push(seconds(begun, placed.at));
        back.push(seconds(told.at, at));
        whole.push(seconds(begun, at));
        runtime.block_on(async {
            cancel_all(&mut caller).await;
            caller.next(|fact| matches!(fact, Fact::Cancelled { .. })).await;
        });
    }
    println!("\nkeys in a terminal, {rounds} orders; on the way out lies one commit");
    beside.table(
        vec![
            ("Enter -> PlaceOrder bytes", out),
            ("status bytes -> order in its pane", back),
            ("Enter -> order in its pane", whole),
        ],
        0,
    );
}

/// A desk that a person has armed by typing the end of the account's name.
fn armed(pair: &Pair, size: (u16, u16)) -> Terminal {
    let mut terminal = Terminal::open(&pair.engine.folder, &["attach"], size);
    terminal.wait_for("a price in the list", terminal::shows_a_market);
    terminal.press(":arm 0001");
    terminal.settle(Duration::from_millis(750));
    terminal.press("\r");
    terminal.wait_for("an armed desk", |screen| screen.contents().contains("ARMED"));
    terminal
}

/// As many orders as one session can send, all acknowledged and then all cancelled; and what the socket saw of it.
pub fn burst(pair: &Pair, orders: usize) {
    let price: Price = RESTING.parse().unwrap();
    runtime().block_on(async {
        let mut caller = Caller::new(&pair.engine).await;
        arm(&mut caller).await;
        // What was sent before must not count against these.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        caller.drain().await;
        pair.proxy.all();
        let begun = Instant::now();
        let mut waiting = BTreeSet::new();
        for _ in 0..orders {
            let (id, submit) = caller.submit(OrderKind::Limit { price }, Side::Buy);
            waiting.insert(id);
            caller.send(submit).await;
        }
        let sent = begun.elapsed();
        let accepted = |fact: &Fact| matches!(fact, Fact::Accepted { .. });
        let acknowledged = gone(&mut caller, waiting.clone(), accepted).await - begun;
        let begun = Instant::now();
        cancel_all(&mut caller).await;
        let cancelled = |fact: &Fact| matches!(fact, Fact::Cancelled { .. });
        let ended = gone(&mut caller, waiting, cancelled).await - begun;
        told(pair, orders, sent, acknowledged, ended);
    });
}

/// When the last of these orders was heard of so.
async fn gone(
    caller: &mut Caller,
    mut waiting: BTreeSet<ClientOrderId>,
    wanted: impl Fn(&Fact) -> bool,
) -> Instant {
    loop {
        let (at, message) = caller.hear().await;
        match message {
            ServerMessage::Outcome { outcome, .. } => {
                assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
            }
            ServerMessage::Events(events) => {
                for event in events.iter().filter(|event| wanted(&event.fact)) {
                    if let Some(id) = event.fact.order() {
                        waiting.remove(&id);
                    }
                }
            }
            _ => {}
        }
        if waiting.is_empty() {
            return at;
        }
    }
}

fn told(pair: &Pair, orders: usize, sent: Duration, acknowledged: Duration, ended: Duration) {
    let notes = pair.proxy.all();
    let at = |wanted: fn(Kind) -> bool| -> Vec<Instant> {
        notes
            .iter()
            .filter(|note| wanted(note.kind))
            .map(|note| note.at)
            .collect()
    };
    let trading = at(|kind| matches!(kind, Kind::Place | Kind::Cancel));
    let orders_alone = at(|kind| kind == Kind::Place);
    let cancels_alone = at(|kind| kind == Kind::Cancel);
    let everything = at(|kind| !matches!(kind, Kind::Alive(_)));
    let a_minute = |time: Duration| orders as f64 / time.as_secs_f64() * 60.0;
    println!("\na burst of {orders} orders, then a cancel of all");
    println!("sent by the session within {:.0} ms", sent.as_secs_f64() * 1e3);
    println!(
        "acknowledged within {:.2} s: {:.0} orders a minute; aim: 100 and more",
        acknowledged.as_secs_f64(),
        a_minute(acknowledged)
    );
    println!(
        "cancelled within {:.2} s: {:.0} cancels a minute",
        ended.as_secs_f64(),
        a_minute(ended)
    );
    println!(
        "on the socket, {} messages; most of them in any second:",
        everything.len()
    );
    let second = Duration::from_secs(1);
    for (name, moments, allowed) in [
        ("orders", &orders_alone, BUDGET),
        ("cancels", &cancels_alone, BUDGET + RESERVE),
        ("orders and cancels", &trading, BUDGET + RESERVE),
        ("messages of any kind", &everything, BUDGET + RESERVE),
    ] {
        let most = most_within(second, moments);
        let verdict = if most > allowed { "   ABOVE IT" } else { "" };
        println!("{name:<34}{most:>10}   allowed {allowed}{verdict}");
    }
}

/// The most of these moments that lie within one span.
fn most_within(span: Duration, moments: &[Instant]) -> usize {
    let mut moments = moments.to_vec();
    moments.sort();
    let (mut first, mut most) = (0, 0);
    for (last, at) in moments.iter().enumerate() {
        while *at - moments[first] >= span {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}
