//! The real binary from outside: who starts an engine, what programs read of it, and that nothing is lost or doubled
//! whatever dies. After each death the exchange's own books, in its own file, are the judge.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use super::harness::{
    Desk, Home, alone, block_on, is_alive, pause, signal, supervisor_of, until, until_right,
};
use rand_core::Rng;
use rustix::process::Signal;
use serde_json::Value;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};
use tokio::net::UnixStream;
use tradewind::domain::SafeText;
use tradewind::engine::{FOLD_VERSION, SessionKind};
use tradewind::wire::{
    ClientMessage, FrameReader, FrameWriter, Hello, PROTOCOL_VERSION, ServerMessage, Welcome,
};

const ONE_SHOT: [&[&str]; 7] = [
    &["status"],
    &["orders"],
    &["positions"],
    &["executions"],
    &["log"],
    &["order", "buy 1 AAPL mkt", "--yes"],
    &["stop"],
];

/// The keys of an object, in order.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} should be a text"))
}

#[track_caller]
fn is_decimal(value: &Value) {
    let text = text(value);
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain =
        digits.chars().all(|c| c.is_ascii_digit() || c == '.') && digits.starts_with(|c: char| c != '.');
    assert!(plain && !text.is_empty(), "{text} is no plain decimal number");
}

#[track_caller]
fn is_time(value: &Value) {
    let text = text(value);
    assert!(
        text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(),
        "{text} is not RFC 3339 in UTC"
    );
}

#[test]
fn only_the_bare_program_starts_an_engine_and_stop_leaves_nothing() {
    let _alone = alone();
    let home = Home::new();
    for command in ONE_SHOT.iter().chain([&["attach"] as &[&str]].iter()) {
        home.run(command).refused(3, &["no engine", "tradewind serve"]);
    }
    home.run(&[]).refused(1, &["needs a terminal"]);
    assert!(!home.data().exists(), "a question leaves no trace");

    let mut desk = Desk::ready(&home, (80, 24));
    let engine = home.engine_pid();
    let supervisor = supervisor_of(engine).expect("an engine in the background has a small parent");
    assert_eq!(home.json(&["status"])["clients"], 1);
    desk.types("q");
    desk.comes_to("the way out", |_| true);
    desk.types("d");
    assert_eq!(desk.ends(), 0);
    desk.is_given_back();
    assert_eq!(home.engine_pid(), engine, "the engine goes on without a terminal");
    let group = |pid: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ")
            .unwrap()
            .1
            .split(' ')
            .nth(3)
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        group(engine),
        supervisor.to_string(),
        "a session of its own, led by the small parent"
    );

    assert_eq!(home.done(&["stop"]), "");
    until("nothing left running", || {
        (!is_alive(engine) && !is_alive(supervisor)).then_some(())
    });
    assert!(!home.socket().exists());
    home.run(&["status"]).refused(3, &["no engine"]);
}

#[test]
fn programs_read_the_agreed_names() {
    let home = Home::new();
    let engine = home.serve(&[]);
    let status = home.json(&["status"]);
    let agreed = [
        "pid", "profile", "build", "sequence", "uptime_s", "clients", "links", "trading",
    ];
    for name in agreed {
        assert!(keys(&status).contains(&name), "status has no {name}");
    }
    assert_eq!(
        (status["pid"].as_i64(), text(&status["profile"])),
        (Some(engine.pid().into()), "t")
    );
    assert!(status["sequence"].as_u64().unwrap() > 0 && status["uptime_s"].is_u64());
    assert!(text(&status["build"]).starts_with(env!("CARGO_PKG_VERSION")));
    let link = &status["links"][0];
    assert_eq!((text(&link["broker"]), text(&link["state"])), ("sim", "ready"));
    assert_eq!(link["accounts"], serde_json::json!(["SIM100001", "SIM100002"]));
    let trading = &status["trading"][0];
    let row = (
        text(&trading["broker"]),
        text(&trading["account"]),
        text(&trading["state"]),
    );
    assert_eq!(row, ("sim", "SIM100001", "active"));
    let won = status["settings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["key"] == "profile")
        .unwrap();
    assert!(text(&won["source"]).contains("TRADEWIND_PROFILE"), "{won}");

    let market = home.order("buy 100 AAPL mkt");
    assert_eq!(
        (text(&market["phase"]), text(&market["filled"])),
        ("filled", "100")
    );
    let limit = home.order("sell 40 AAPL @9999.5 gtc");
    assert_eq!(
        (text(&limit["phase"]), text(&limit["price"]), text(&limit["tif"])),
        ("working", "9999.5", "gtc")
    );
    let denied = home.run(&["order", "buy 999999 AAPL mkt", "--yes"]);
    denied.refused(1, &["MAX_QUANTITY", "10000"]);

    let orders = home.list("orders");
    assert_eq!(orders.len(), 3, "those denied are listed too");
    let agreed = [
        "broker",
        "account",
        "client_order_id",
        "broker_order_id",
        "symbol",
        "side",
        "quantity",
        "filled",
        "price",
        "phase",
        "reason",
    ];
    for row in &orders {
        for name in agreed {
            assert!(keys(row).contains(&name), "an order has no {name}");
        }
        is_decimal(&row["quantity"]);
        is_decimal(&row["filled"]);
        is_time(&row["created_at"]);
        let never_left = row["phase"] == "denied";
        assert_eq!(row["broker_order_id"].is_null(), never_left);
        assert_eq!(row["reason"].is_null(), !never_left);
        assert_eq!(row["price"].is_null(), row["type"] != "lmt");
    }
    let executions = home.list("executions");
    let sum: i64 = executions
        .iter()
        .map(|row| text(&row["quantity"]).parse::<i64>().unwrap())
        .sum();
    assert_eq!(sum, 100);
    for row in &executions {
        assert_eq!(row["client_order_id"], market["client_order_id"]);
        assert_eq!(
            (text(&row["currency"]), row["revision"].as_u64()),
            ("USD", Some(1))
        );
        is_decimal(&row["price"]);
        is_decimal(&row["fee"]);
        is_time(&row["at"]);
        assert!(!text(&row["execution_id"]).is_empty());
    }
    let positions = home.list("positions");
    assert_eq!(positions.len(), 1);
    assert_eq!(
        (text(&positions[0]["symbol"]), text(&positions[0]["quantity"])),
        ("AAPL", "100")
    );
    for name in ["average_price", "market_price", "realized_pnl", "unrealized_pnl"] {
        is_decimal(&positions[0][name]);
    }
    let log = home.json(&["log", "--from", "1", "--count", "3"]);
    let numbers: Vec<u64> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
    home.agrees_with_the_exchange();
}

#[test]
fn what_is_not_confirmed_is_not_sent_and_a_repeated_order_is_one_order() {
    let home = Home::new();
    let _engine = home.serve(&[]);
    let preview = home.run(&["order", "buy 10 AAPL mkt"]);
    preview.refused(2, &["BUY 10 AAPL", "position 0 -> 10", "--yes"]);
    for wrong in [
        &["order"] as &[&str],
        &["order", "buy", "--yes"],
        &["order", "buy 10 NOSUCH mkt", "--yes"],
        &["order", "hold 10 AAPL", "--yes"],
        &["status", "--jsno"],
        &["nosuch"],
    ] {
        home.run(wrong).refused(2, &[]);
    }
    let refused = ["order", "buy 1 AAPL mkt", "--yes", "--account", "NOSUCH"];
    home.run(&refused).refused(1, &["NOSUCH", "SIM100001"]);
    // What is refused by a control would stand there too.
    assert!(
        home.list("orders").is_empty(),
        "nothing of this reached the engine"
    );

    let send = |sentence: &str| {
        home.run(&[
            "order",
            sentence,
            "--yes",
            "--json",
            "--client-order-id",
            "MINE-1",
        ])
    };
    let first = send("buy 10 AAPL mkt");
    let second = send("buy 10 AAPL mkt");
    assert_eq!((first.code, second.code), (Some(0), Some(0)), "{second:?}");
    assert_eq!(first.out, second.out, "the same id is the same order");
    for other in ["buy 11 AAPL mkt", "sell 10 AAPL mkt"] {
        let ran = send(other);
        assert!(ran.code == Some(1) && ran.err.contains("MINE-1"), "{ran:?}");
        // Who reads standard output is told too, in the place of the order that is none.
        let told: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(told[0]["error"]["code"], "ID_REUSED", "{ran:?}");
    }
    assert_eq!(home.list("orders").len(), 1);
    home.agrees_with_the_exchange();
    assert_eq!(home.books().orders.len(), 1);
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Kills in one home: the lists that are compared after each stay short.
const KILLS_A_HOME: u64 = 100;

/// F34. `TRADEWIND_KILLS=n` kills so often, for at most `TRADEWIND_KILL_MINUTES`, `TRADEWIND_KILL_SEED` at other moments.
#[test]
fn an_engine_killed_between_intent_and_fill_loses_and_doubles_nothing() {
    let rounds = setting("TRADEWIND_KILLS").unwrap_or(20);
    let until =
        setting("TRADEWIND_KILL_MINUTES").map(|minutes| Instant::now() + Duration::from_secs(minutes * 60));
    let mut chance = rand_pcg::Pcg64::new(setting("TRADEWIND_KILL_SEED").unwrap_or(7).into(), 11);
    let (mut killed, mut unanswered, mut absent) = (0, 0, 0);
    let mut slowest = Duration::ZERO;
    while killed < rounds && until.is_none_or(|until| Instant::now() < until) {
        let done = kills(KILLS_A_HOME.min(rounds - killed), until, &mut chance);
        killed += done.kills;
        unanswered += done.unanswered;
        absent += done.absent;
        slowest = slowest.max(done.slowest);
    }
    println!(
        "{killed} kills, {unanswered} orders without an answer, {absent} that never arrived, ready again within {:.2} s",
        slowest.as_secs_f64()
    );
}

/// What was done in one home.
struct Killed {
    kills: u64,
    unanswered: usize,
    absent: usize,
    /// The longest from a start to an engine that is ready.
    slowest: Duration,
}

fn kills(rounds: u64, until: Option<Instant>, chance: &mut rand_pcg::Pcg64) -> Killed {
    // A slow way to the exchange makes the time between intent and fill long enough to be hit.
    let home = Home::with(&format!(
        "{}\n[sim]\nlatency_ms = 15\n",
        super::harness::UNHURRIED
    ));
    let (mut done, mut unanswered, mut slowest) = (0, 0, Duration::ZERO);
    let mut engine = home.serve(&[]);
    for round in 0..rounds {
        if until.is_some_and(|until| Instant::now() > until) {
            break;
        }
        done += 1;
        let sentences = [
            format!("buy {} AAPL mkt", 1 + round % 7),
            format!("sell {} MSFT mkt short", 1 + round % 5),
        ];
        let ids = [format!("K{round}-0"), format!("K{round}-1")];
        let asks = |n: usize| ["order", &sentences[n], "--yes", "--client-order-id", &ids[n]];
        let asked = [0, 1].map(|n| home.command(&asks(n)).spawn().unwrap());
        pause(Duration::from_micros(chance.next_u64() % 70_000));
        engine.kill();
        let answered = asked.map(|order| order.wait_with_output().unwrap().status.success());
        unanswered += answered.iter().filter(|answered| !**answered).count();

        let begun = Instant::now();
        engine = home.serve(&[]);
        slowest = slowest.max(begun.elapsed());
        home.agrees_with_the_exchange();
        let orders = home.list("orders");
        for n in [0, 1] {
            let known = orders.iter().any(|row| row["client_order_id"] == *ids[n]);
            assert!(known || !answered[n], "an answered order is there");
            // Whoever got no answer asks again: with the same id that can never be a second order.
            home.done(&asks(n));
        }
        until_right(|| {
            let open = home
                .list("orders")
                .into_iter()
                .find(|row| row["phase"] != "filled" && row["phase"] != "absent");
            open.map_or(Ok(()), |row| {
                Err(format!(
                    "all filled or known never to have arrived, but for {row}"
                ))
            })
        });
        home.agrees_with_the_exchange();
    }
    engine.kill();
    let _engine = home.serve(&[]);
    home.agrees_with_the_exchange();
    let books = home.books();
    let mut ids: Vec<&String> = books.orders.iter().map(|order| &order.0).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), books.orders.len(), "no id has two orders");
    let orders = home.list("orders");
    assert_eq!(u64::try_from(orders.len()).unwrap(), 2 * done);
    let absent = orders.iter().filter(|row| row["phase"] == "absent").count();
    assert_eq!(books.orders.len() + absent, orders.len());
    Killed {
        kills: done,
        unanswered,
        absent,
        slowest,
    }
}

#[test]
fn the_small_parent_starts_a_killed_engine_again_but_not_for_ever() {
    let _alone = alone();
    let home = Home::new();
    let desk = Desk::ready(&home, (80, 24));
    let mut engine = home.engine_pid();
    let supervisor = supervisor_of(engine).unwrap();
    home.order("buy 10 AAPL mkt");
    home.order("buy 5 AAPL @1");
    let before = home.standing();
    for _ in 0..3 {
        signal(engine, Signal::KILL);
        engine = until("another engine", || {
            (home.is_ready() && home.engine_pid() != engine).then(|| home.engine_pid())
        });
        assert_eq!(supervisor_of(engine), Some(supervisor));
        assert_eq!(home.standing(), before);
        home.agrees_with_the_exchange();
    }
    desk.shows("● ready");
    signal(engine, Signal::KILL);
    until("the small parent to give up", || {
        (!is_alive(supervisor)).then_some(())
    });
    home.run(&["status"]).refused(3, &["no engine"]);
    let said = std::fs::read_to_string(home.file("run/engine.out")).unwrap();
    assert!(said.contains("crashed 4 times within 5 minutes"), "{said}");
    desk.shows("LINK LOST");
    let _engine = home.serve(&[]);
    assert_eq!(home.standing(), before, "started by hand it goes on where it was");
    desk.shows("● ready");
}

#[test]
fn an_ordered_end_keeps_orders_and_positions_and_leaves_no_process() {
    let home = Home::new();
    let mut engine = home.serve(&[]);
    home.order("buy 10 AAPL mkt");
    home.order("sell 4 AAPL @9999 gtc");
    home.order("buy 3 MSFT @1");
    let before = home.standing();
    signal(engine.pid(), Signal::TERM);
    assert_eq!(engine.ended(), Some(0), "SIGTERM is an ordered stop");
    assert!(!home.socket().exists());
    let mut engine = home.serve(&[]);
    assert_eq!(home.standing(), before);
    home.agrees_with_the_exchange();

    let mut second = home.begin(&[]);
    assert_eq!(second.ended(), Some(1), "two engines never share a profile");
    let said = std::fs::read_to_string(home.folder().join("serve.out")).unwrap();
    assert!(
        said.contains("runs in this profile already") && said.contains(&engine.pid().to_string()),
        "{said}"
    );
    assert_eq!(home.engine_pid(), engine.pid(), "and the first one is unharmed");

    assert_eq!(
        serde_json::from_str::<Value>(&home.done(&["stop", "--json"])).unwrap(),
        serde_json::json!({"stopped": true})
    );
    assert_eq!(engine.ended(), Some(0));
    let mut engine = home.serve(&[]);
    assert_eq!(home.standing(), before);
    engine.kill();
    assert!(home.socket().exists(), "a killed engine leaves its socket");
    home.run(&["status"]).refused(3, &["no engine"]);
    let engine = home.serve(&[]);
    assert_eq!(
        home.standing(),
        before,
        "stale files are cleaned by the next engine"
    );

    home.done(&["restart"]);
    let pid = home.engine_pid();
    assert!(pid != engine.pid() && supervisor_of(pid).is_some());
    until("its links", || home.is_ready().then_some(()));
    assert_eq!(home.standing(), before);
    home.done(&["stop"]);
}

#[test]
fn terminals_come_and_go_and_the_engine_stays_as_it_is() {
    let _alone = alone();
    let home = Home::new();
    let first = Desk::ready(&home, (80, 24));
    let engine = home.engine_pid();
    home.order("buy 10 AAPL mkt");
    home.order("buy 5 AAPL @1");
    let before = home.standing();
    let digest = || home.json(&["status"])["state_digest"].clone();
    let alone_there = digest();
    let mut second = Desk::ready(&home, (160, 45));
    until("two sessions", || {
        (home.json(&["status"])["clients"] == 2).then_some(())
    });
    first.shows("ARMED");
    second.shows("READ-ONLY");
    signal(first.pid(), Signal::KILL);
    until("one session", || {
        (home.json(&["status"])["clients"] == 1).then_some(())
    });
    assert_eq!(home.standing(), before);
    signal(second.pid(), Signal::HUP);
    second.ends();
    until("no session", || {
        (home.json(&["status"])["clients"] == 0).then_some(())
    });
    assert_eq!((home.standing(), home.engine_pid()), (before.clone(), engine));
    let third = Desk::ready(&home, (160, 45));
    third.shows("AAPL");
    assert_eq!(home.standing(), before);
    assert_ne!(digest(), Value::Null);
    assert_ne!(alone_there, Value::Null);
    home.agrees_with_the_exchange();
    home.done(&["stop"]);
}

// --- builds side by side --------------------------------------------------------------------------------------------

/// Answers every greeting at the socket with what `answer` makes of it, in place of an engine of another build.
fn another_build(home: &Home, answer: fn(Hello) -> ServerMessage) {
    std::fs::create_dir_all(home.file("run")).unwrap();
    let listener = UnixListener::bind(home.socket()).unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        block_on(async move {
            let listener = tokio::net::UnixListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let (read, write) = stream.into_split();
                let mut reader: FrameReader<_, ClientMessage> = FrameReader::new(read);
                let mut writer: FrameWriter<_, ServerMessage> = FrameWriter::new(write);
                if let Ok(Some(ClientMessage::Hello(hello))) = reader.read().await {
                    let _ = writer.write(&answer(hello)).await;
                }
            }
        });
    });
}

fn welcome(protocol: u32, fold: u32) -> ServerMessage {
    ServerMessage::Welcome(Welcome {
        protocol,
        fold,
        build: SafeText::new("0.0.7"),
        session: tradewind::domain::SessionId(1),
        kind: SessionKind::Terminal,
        prefix: SafeText::new("AA"),
        venue_offset_ns: 0,
        venue_speed_milli: 1_000,
    })
}

#[test]
fn an_engine_of_another_build_is_named_with_the_remedy() {
    let cases: [fn(Hello) -> ServerMessage; 3] = [
        |hello| ServerMessage::Goodbye {
            reason: SafeText::new(&format!(
                "this engine (0.0.7) folds version 0, the caller ({}) {}: 'tradewind restart' starts the newer one",
                hello.build, hello.fold
            )),
        },
        |_| welcome(PROTOCOL_VERSION, FOLD_VERSION + 1),
        |_| welcome(PROTOCOL_VERSION + 1, FOLD_VERSION),
    ];
    for answer in cases {
        let home = Home::new();
        another_build(&home, answer);
        for command in &ONE_SHOT[..6] {
            home.run(command).refused(1, &["0.0.7", "tradewind restart"]);
        }
        home.run(&["attach"]).refused(1, &[]);
    }
}

#[test]
fn a_real_engine_turns_other_builds_away_in_words_and_goes_on() {
    let home = Home::new();
    let engine = home.serve(&[]);
    let greet = |protocol: u32, fold: u32| {
        block_on(async {
            let (read, write) = UnixStream::connect(home.socket()).await.unwrap().into_split();
            let mut reader: FrameReader<_, ServerMessage> = FrameReader::new(read);
            let mut writer: FrameWriter<_, ClientMessage> = FrameWriter::new(write);
            let hello = Hello {
                protocol,
                fold,
                build: SafeText::new("9.9.9"),
                kind: SessionKind::Terminal,
            };
            writer.write(&ClientMessage::Hello(hello)).await.unwrap();
            match reader.read().await.unwrap() {
                Some(ServerMessage::Goodbye { reason }) => reason.to_string(),
                other => panic!("no goodbye but {other:?}"),
            }
        })
    };
    for (protocol, fold) in [
        (PROTOCOL_VERSION, FOLD_VERSION + 1),
        (PROTOCOL_VERSION + 1, FOLD_VERSION),
    ] {
        let reason = greet(protocol, fold);
        for word in [env!("CARGO_PKG_VERSION"), "9.9.9", "tradewind restart"] {
            assert!(reason.contains(word), "no {word} in: {reason}");
        }
    }
    assert_eq!(home.engine_pid(), engine.pid());
    home.order("buy 1 AAPL mkt");
}

#[test]
fn an_engine_that_cannot_be_talked_to_is_stopped_and_restarted_all_the_same() {
    let home = Home::new();
    let mut engine = home.serve(&[]);
    home.order("buy 10 AAPL mkt");
    home.order("buy 3 MSFT @1");
    let before = home.standing();
    // Another build's engine to whoever calls: its socket answers in words that are not understood.
    std::fs::remove_file(home.socket()).unwrap();
    another_build(&home, |_| welcome(PROTOCOL_VERSION, FOLD_VERSION + 1));
    home.run(&["orders"]).refused(1, &["tradewind restart"]);
    let _alone = alone();
    let mut desk = Desk::open(&home, &[], (100, 24));
    desk.shows("restart the engine now?");
    desk.types("n\r");
    assert_eq!(desk.ends(), 1, "nothing is restarted that was not asked for");
    assert!(is_alive(engine.pid()));
    let mut desk = Desk::open(&home, &[], (100, 24));
    desk.shows("restart the engine now?");
    desk.types("y\r");
    desk.shows("● ready");
    assert_eq!(engine.ended(), Some(0), "it was an ordered stop");
    assert_eq!(home.standing(), before);

    let engine = home.engine_pid();
    std::fs::remove_file(home.socket()).unwrap();
    home.done(&["restart"]);
    assert!(!is_alive(engine), "nor is one in the way that lost its socket");
    until("its links", || home.is_ready().then_some(()));
    assert_eq!(home.standing(), before);
    home.agrees_with_the_exchange();
    home.done(&["stop"]);
}

#[test]
fn books_and_journals_of_a_newer_build_are_refused_and_left_alone() {
    let home = Home::new();
    let mut engine = home.serve(&[]);
    home.order("buy 10 AAPL mkt");
    let before = home.standing();
    home.done(&["stop"]);
    engine.ended();
    for name in ["journal.db", "venue.db"] {
        let file = rusqlite::Connection::open(home.file(name)).unwrap();
        let version: i64 = file
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap();
        let set = |version: i64| file.pragma_update(None, "user_version", version).unwrap();
        // Far ahead: a file that goes on from an archived one is a version ahead of one that begins the journal.
        set(version + 100);
        home.run(&["serve"]).refused(1, &[name, "newer"]);
        set(version);
    }
    let _engine = home.serve(&[]);
    assert_eq!(home.standing(), before);
    home.agrees_with_the_exchange();
}
