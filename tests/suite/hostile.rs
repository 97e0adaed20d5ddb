//! What is broken, hostile or too much, from every side that is open: settings, arguments, sentences, the socket, tapes,
//! a full journal, folders. Always an error in words, never a panic, and nothing of what was promised is lost.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use super::harness::{Home, UNHURRIED, block_on, until, until_right};
use super::oracle_files;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use tradewind::attach::Attached;
use tradewind::domain::{
    AccountKey, ClientOrderId, InstrumentId, Money, OrderKind, OrderSpec, Quantity, Role, SafeText, Side,
    TimeInForce, Timestamp,
};
use tradewind::engine::{Actor, Command, Event, FOLD_VERSION, Fact, Legs, Outcome, SessionKind, State};
use tradewind::market::{Bar, Timeframe};
use tradewind::store::{Journal, JournalSettings, Stamp};
use tradewind::wire::{ClientMessage, Hello, PROTOCOL_VERSION, Query, Reply, encode};

// --- settings and arguments -----------------------------------------------------------------------------------------

#[test]
fn broken_settings_are_refused_with_line_key_and_the_nearest_valid_key() {
    let cases: [(&str, &[&str]); 12] = [
        ("profle = \"x\"\n", &["config.toml:1:", "profle", "profile"]),
        (
            "\n[limits]\nmax_order_valu = \"5\"\n",
            &["config.toml:3:", "max_order_valu", "max_order_value"],
        ),
        ("[limts]\n", &["config.toml:1:", "limts", "limits"]),
        ("[engine\n", &["config.toml:1:"]),
        ("[terminal]\nfps = \"fast\"\n", &["config.toml:2:", "fps"]),
        ("[terminal]\nfps = 0\n", &["fps", "1 to 120"]),
        ("[tape]\nspeed = nan\n", &["speed"]),
        ("[tape]\nspeed = -1.0\n", &["speed"]),
        ("[tape]\nspeed = 1e300\n", &["speed"]),
        (
            "[limits]\nmax_order_value = \"-5\"\n",
            &["max_order_value", "above zero"],
        ),
        (
            "[limits]\nmax_quantity_equity = \"99999999999999999999999\"\n",
            &["max_quantity_equity"],
        ),
        ("[limits]\ncollar_bps = 99999999999\n", &["collar_bps"]),
    ];
    let home = Home::with("");
    for (config, words) in cases {
        home.write_config(config);
        for command in ["serve", "status"] {
            let ran = home.run(&[command]);
            assert!(ran.err.contains("config.toml"), "{config}: {ran:?}");
            ran.refused(78, words);
        }
    }
    home.write_config("");
    home.run(&["--config", "/nowhere/at all.toml", "status"])
        .refused(78, &["/nowhere/at all.toml"]);
    for (flag, value) in [
        ("--tape-speed", "NaN"),
        ("--seed", "-1"),
        ("--profile", "../x"),
        ("--theme", ""),
    ] {
        let ran = home.run(&[flag, value, "status"]);
        assert!(
            matches!(ran.code, Some(2 | 3 | 78)) && !ran.err.contains("panicked"),
            "{flag} {value}: {ran:?}"
        );
    }
    assert!(
        !home.data().exists(),
        "nothing is made from settings that are refused"
    );
}

#[test]
fn folders_that_cannot_be_used_are_named_and_long_paths_work() {
    let home = Home::new().at("plain-file");
    std::fs::write(home.data(), "not a folder").unwrap();
    home.run(&["serve"]).refused(1, &["plain-file"]);

    let home = Home::new().at("closed");
    std::fs::create_dir(home.data()).unwrap();
    std::fs::set_permissions(home.data(), std::fs::Permissions::from_mode(0o500)).unwrap();
    // Who may write everywhere, as the superuser, can't be kept out; then there is nothing to see here.
    if std::fs::File::create(home.data().join("probe")).is_err() {
        home.run(&["serve"]).refused(1, &["closed"]);
    }
    std::fs::set_permissions(home.data(), std::fs::Permissions::from_mode(0o700)).unwrap();

    let home = Home::new().at("long/".to_owned() + &"a-folder-with-a-long-name/".repeat(8));
    let mut engine = home.serve(&[]);
    home.order("buy 1 AAPL mkt");
    assert!(!home.socket().exists(), "its socket has a shorter path elsewhere");
    home.done(&["stop"]);
    assert_eq!(engine.ended(), Some(0));
    home.run(&["status"]).refused(3, &["no engine"]);
}

// --- sentences ------------------------------------------------------------------------------------------------------

#[test]
fn senseless_orders_are_refused_in_words() {
    let home = Home::new();
    let _engine = home.serve(&[]);
    let quantities = [
        "NaN",
        "inf",
        "0",
        "-5",
        "1e9",
        "99999999999999999999999999",
        "0.000000001",
        "１０",
    ];
    let prices = [
        "NaN",
        "-1",
        "0",
        "1e5",
        "99999999999999999999",
        "0.000000000001",
        ".",
        "inf",
    ];
    let mut sentences: Vec<String> = Vec::new();
    sentences.extend(
        quantities
            .iter()
            .map(|quantity| format!("buy {quantity} AAPL mkt")),
    );
    sentences.extend(prices.iter().map(|price| format!("buy 1 AAPL @{price}")));
    sentences.extend(
        [
            "",
            " ",
            "buy",
            "buy 10",
            "buy 10 AAPL @189 @190",
            "buy 10 AAPL mkt; sell 10 AAPL mkt",
            "buy 10 \u{1b}]0;owned\u{7}AAPL mkt",
            "\u{202e}buy 10 AAPL mkt",
            "sell 10 AAPL mkt",
            "close",
            "close TSLA",
        ]
        .map(str::to_owned),
    );
    sentences.push("buy 1 AAPL mkt ".repeat(5_000));
    for sentence in &sentences {
        let ran = home.run(&["order", sentence, "--yes"]);
        let shown: String = sentence.chars().take(60).collect();
        assert!(matches!(ran.code, Some(1 | 2)), "{shown:?}: {ran:?}");
        assert!(
            ran.out.is_empty() && ran.err.len() > 12 && ran.err.len() < 4_000,
            "{shown:?}: {ran:?}"
        );
        assert!(!ran.err.contains("panicked"), "{shown:?}: {ran:?}");
        let hostile = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(
            !ran.err.contains(hostile),
            "{shown:?} comes out as it went in: {ran:?}"
        );
    }
    for id in ["", "has space", "\u{1b}[m", &"x".repeat(100)] {
        let ran = home.run(&["order", "buy 1 AAPL mkt", "--yes", "--client-order-id", id]);
        ran.refused(2, &[]);
    }
    assert!(home.books().orders.is_empty(), "none of it reached the exchange");
    assert!(home.list("executions").is_empty());
    home.order("buy 1 AAPL mkt");
}

// --- the socket -----------------------------------------------------------------------------------------------------

#[test]
fn garbage_on_the_socket_harms_nobody() {
    let home = Home::new();
    let engine = home.serve(&[]);
    let connect = || UnixStream::connect(home.socket()).unwrap();
    let mut open = Vec::new();
    let pieces: [&[u8]; 7] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xFF; 64],
        &[0x7F, 0xFF, 0xFF, 0xFF],
        &[0, 0, 0, 0],
        &[0, 0, 0, 9, 0x81],
        &[0, 0, 0, 4, 0xC1, 0xC1, 0xC1, 0xC1],
        &[0x91; 4096],
    ];
    for piece in pieces {
        let mut stream = connect();
        let _ = stream.write_all(piece);
        open.push(stream);
    }
    // Whoever greets well and then talks nonsense is let go as well.
    let hello = ClientMessage::Hello(Hello {
        protocol: PROTOCOL_VERSION,
        fold: FOLD_VERSION,
        build: SafeText::new("a test"),
        kind: SessionKind::Terminal,
    });
    let mut stream = connect();
    stream.write_all(&encode(&hello).unwrap()).unwrap();
    stream
        .write_all(&[&200u32.to_be_bytes()[..], &[0x91; 200]].concat())
        .unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).unwrap();
    assert!(
        String::from_utf8_lossy(&said).contains("malformed"),
        "it is told why"
    );
    home.order("buy 1 AAPL mkt");
    // More callers than there are places: those beyond them are let go, the desk's own come in again afterwards.
    for _ in 0..300 {
        let mut stream = connect();
        let _ = stream.write_all(&[0, 0]);
        open.push(stream);
    }
    drop(open);
    until_right(|| {
        let ran = home.run(&["order", "buy 2 AAPL mkt", "--yes", "--client-order-id", "AFTER"]);
        if ran.code == Some(0) {
            Ok(())
        } else {
            Err(format!("an order gets through: {ran:?}"))
        }
    });
    assert_eq!(home.engine_pid(), engine.pid());
    assert_eq!(home.books().orders.len(), 2);
    home.agrees_with_the_exchange();
}

#[test]
fn who_never_reads_is_cut_off_while_others_go_on() {
    let home = Home::new();
    let _engine = home.serve(&[]);
    // Subscribes to everything and reads nothing.
    let idle = block_on(async {
        let mut idle = home.attach(SessionKind::Terminal).await;
        idle.writer.write(&ClientMessage::Subscribe).await.unwrap();
        idle
    });
    let sent = block_on(async {
        let mut busy = home.attach(SessionKind::Shell).await;
        let (state, account) = state_of(&mut busy).await;
        let spec = sample(account, &state);
        let mut sent = 0_u64;
        // Every command is an event or more to whoever listens; a queue of a thousand batches and a socket's buffer fill.
        while !home.log().contains("could not keep up") && sent < 20_000 {
            for _ in 0..200 {
                let token = busy.token();
                let id = ClientOrderId::new(&format!("N{sent}")).unwrap();
                let command = Command::Submit {
                    id,
                    spec: spec.clone(),
                    legs: Legs::default(),
                    seen: None,
                };
                let command = Box::new(command);
                busy.writer
                    .write(&ClientMessage::Command { token, command })
                    .await
                    .unwrap();
                sent += 1;
            }
            // The answer to a question stands behind all of them.
            busy.query(Query::Status).await.unwrap();
        }
        sent
    });
    assert!(
        home.log().contains("could not keep up"),
        "after {sent} commands it is still there"
    );
    home.order("buy 1 AAPL mkt");
    home.agrees_with_the_exchange();
    drop(idle);
}

async fn state_of(attached: &mut Attached) -> (State, AccountKey) {
    let Reply::State(snapshot) = attached.query(Query::State).await.unwrap() else {
        panic!("no state");
    };
    let account = *snapshot.state.accounts.keys().next().unwrap();
    (snapshot.state, account)
}

/// An order that the controls refuse: too many at once.
fn sample(account: AccountKey, state: &State) -> OrderSpec {
    let instrument = InstrumentId::new("AAPL").unwrap();
    assert!(state.instruments.contains_key(&instrument));
    OrderSpec {
        account,
        instrument,
        side: Side::Buy,
        quantity: Quantity::whole(999_999).unwrap(),
        kind: OrderKind::Market,
        tif: TimeInForce::Day,
        display: None,
        allow_short: false,
        role: Role::Entry,
        parent: None,
        outside_hours: false,
    }
}

// --- a full journal -------------------------------------------------------------------------------------------------

#[test]
fn a_full_journal_halts_what_adds_risk_and_loses_nothing() {
    let tight = format!("{UNHURRIED}\n[engine]\njournal_max_mb = 8\njournal_reserve_mb = 1\n");
    let home = Home::with(&tight);
    let mut engine = home.serve(&[]);
    home.order("buy 10 AAPL mkt");
    let resting = home.order("buy 3 MSFT @1 gtc");
    home.done(&["stop"]);
    assert_eq!(engine.ended(), Some(0));
    fill(&home.file("journal.db"), (8 << 20) - (96 << 10));

    let mut engine = home.serve(&[]);
    let before = home.standing();
    // Refused orders are facts too: they fill what is left.
    let halted = || home.json(&["status"])["trading"][0]["state"] == "halted";
    block_on(async {
        let mut attached = home.attach(SessionKind::Shell).await;
        let (state, account) = state_of(&mut attached).await;
        for n in 0..4_000 {
            let id = ClientOrderId::new(&format!("F{n}")).unwrap();
            let command = Command::Submit {
                id,
                spec: sample(account, &state),
                legs: Legs::default(),
                seen: None,
            };
            let outcome = attached.command(command).await.unwrap();
            assert!(!matches!(outcome, Outcome::Done { .. }));
            if n % 100 == 99 && halted() {
                break;
            }
        }
    });
    assert!(halted(), "{}", home.json(&["status"]));
    home.run(&["order", "buy 1 AAPL mkt", "--yes"])
        .refused(1, &["HALT"]);
    let positions = home.standing().1;
    assert_eq!(positions, before.1);
    // What takes risk away goes on.
    home.done(&["order", "x MSFT", "--yes"]);
    until("the cancel", || {
        let orders = home.list("orders");
        let row = orders
            .iter()
            .find(|row| row["client_order_id"] == resting["client_order_id"]);
        (row?["phase"] == "cancelled").then_some(())
    });
    home.done(&["stop"]);
    assert_eq!(engine.ended(), Some(0));

    home.write_config(&tight.replace("journal_max_mb = 8", "journal_max_mb = 64"));
    let _engine = home.serve(&[]);
    assert_eq!(home.standing().1, before.1, "nothing was lost");
    let cancelled = home
        .list("orders")
        .iter()
        .any(|row| row["client_order_id"] == resting["client_order_id"] && row["phase"] == "cancelled");
    assert!(cancelled);
    home.agrees_with_the_exchange();
}

/// Adds remarks to a journal until its file has about this size.
fn fill(path: &Path, bytes: u64) {
    let roomy = JournalSettings {
        max_bytes: 64 << 20,
        reserve_bytes: 1 << 20,
    };
    let (mut journal, opened) = Journal::open(path, roomy, Timestamp(0)).unwrap();
    let last = journal.read_range(opened.last, 1).unwrap()[0].at;
    let text = SafeText::new(&"a remark that takes space ".repeat(40));
    let mut sequence = opened.last;
    while std::fs::metadata(path).unwrap().len() < bytes {
        let batch = sequence + 1;
        let left = bytes - std::fs::metadata(path).unwrap().len();
        let count = (left / 1_400).clamp(1, 400);
        let events: Vec<Event> = (batch..batch + count)
            .map(|sequence| Event {
                sequence,
                at: last,
                batch,
                actor: Actor::Engine,
                cause: None,
                fact: Fact::Surprised { text: text.clone() },
            })
            .collect();
        sequence += count;
        journal.append(&events, Stamp::default()).unwrap();
        journal.checkpoint().unwrap();
    }
}

// --- tapes ----------------------------------------------------------------------------------------------------------

#[test]
fn bad_lines_of_a_tape_are_told_and_the_good_ones_are_used() {
    let home = Home::new();
    let tape = home.folder().join("spy.csv");
    let mut text = "time,symbol,price,size\n".to_owned();
    for second in 0..20 {
        text += &format!("2013-10-07T13:30:{second:02}Z,SPY,167.{:02},100\n", 40 + second);
        if second == 4 {
            text += "2013-10-07T13:30:04Z,SPY,NaN,100\n2013-10-07T13:30:04Z,SPY,-1,100\n";
        }
        if second == 9 {
            text += "rubbish\n2013-10-07T13:30:09Z,SPY,167.4,99999999999999999999\n";
        }
    }
    std::fs::write(&tape, text).unwrap();
    let tape = tape.to_string_lossy().into_owned();
    let _engine = home.serve(&["--tape", &tape, "--tape-speed", "0"]);
    let log = home.log();
    for line in ["spy.csv:7:", "spy.csv:8:", "spy.csv:14:", "spy.csv:15:"] {
        assert!(log.contains(line), "{line} is not in the log: {log}");
    }
    let last = until("the tape's last print", || {
        let last = block_on(async {
            let mut shell = home.attach(SessionKind::Shell).await;
            let spy = InstrumentId::new("SPY").unwrap();
            match shell
                .query(Query::Quotes {
                    instruments: vec![spy],
                })
                .await
                .unwrap()
            {
                Reply::Quotes(_, prints) => prints.last().map(|print| print.price),
                other => panic!("{other:?}"),
            }
        });
        last.filter(|price| price.to_string() == "167.59")
    });
    assert_eq!(last.to_string(), "167.59");
}

#[test]
fn tapes_that_cannot_be_played_are_refused_in_words() {
    let home = Home::new();
    let file = |name: &str, bytes: &[u8]| {
        let path = home.folder().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    };
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("a.csv", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(
        "time,symbol,price,size\n2013-10-07T13:30:00Z,SPY,1,1\n"
            .repeat(500)
            .as_bytes(),
    )
    .unwrap();
    let whole = zip.finish().unwrap().into_inner();
    let cases = [
        (
            "missing.csv",
            home.folder().join("missing.csv").to_string_lossy().into_owned(),
        ),
        ("empty.csv", file("empty.csv", b"")),
        ("header.csv", file("header.csv", b"time,symbol,price,size\n")),
        ("rubbish.csv", file("rubbish.csv", &[0xFF; 300])),
        ("cut.zip", file("cut.zip", &whole[..whole.len() / 2])),
        ("cut.csv.gz", file("cut.csv.gz", &[0x1F, 0x8B, 8, 0, 0])),
    ];
    for (name, path) in cases {
        home.run(&["serve", "--tape", &path]).refused(78, &[name]);
    }
    let good = file(
        "good.csv",
        b"time,symbol,price,size\n2013-10-07T13:30:00Z,SPY,1,1\n",
    );
    home.run(&["serve", "--tape", &good, "--tape-start", "yesterday"])
        .refused(78, &["tape.start"]);
}

/// LEAN's ticks of a day as the market: fills, position and profit to the cent, and bars as an independent program built
/// them.
#[test]
fn oracle_tape_desk_fills_to_the_cent_and_builds_the_oracles_bars() {
    let Some(shared) = oracle_files::shared() else {
        return;
    };
    let tape = shared.join("data/lean/equity/usa/tick/spy/20131007_trade.zip");
    let bars = shared.join("oracle/bars/spy_20131007_rth_1m.csv");
    if !tape.is_file() || !bars.is_file() {
        oracle_files::report("a desk on a tape", 0);
        return;
    }
    let expected: BTreeMap<i64, Vec<String>> = oracle_files::Table::read(&bars)
        .rows()
        .map(|row| {
            let cells = ["open", "high", "low", "close", "volume", "count"].map(|name| {
                let number: f64 = row.cell(name).parse().unwrap();
                number.to_string()
            });
            (row.cell("time").parse().unwrap(), cells.to_vec())
        })
        .collect();
    let home = Home::new();
    let tape = tape.to_string_lossy().into_owned();
    let arguments = [
        "--tape",
        &tape,
        "--tape-start",
        "2013-10-07T13:30:00Z",
        "--tape-speed",
        "30",
    ];
    let _engine = home.serve(&arguments);
    until("a price", || {
        let ran = home.run(&["order", "buy 100 SPY mkt", "--yes", "--client-order-id", "ENTRY"]);
        (ran.code == Some(0)).then_some(())
    });
    let filled = |id: &str| {
        until("a fill", || {
            let orders = home.list("orders");
            let row = orders.iter().find(|row| row["client_order_id"] == id)?;
            assert!(row["phase"] != "rejected" && row["phase"] != "denied", "{row}");
            (row["phase"] == "filled").then(|| row.clone())
        })
    };
    let entry = filled("ENTRY");
    // Half of it goes at a limit just below the market.
    let average: f64 = entry["average_price"].as_str().unwrap().parse().unwrap();
    let limit = format!("sell 50 SPY @{:.2}", average - 0.25);
    home.done(&["order", &limit, "--yes", "--client-order-id", "EXIT"]);
    filled("EXIT");
    home.agrees_with_the_exchange();
    let (position, executions) = (home.list("positions")[0].clone(), home.list("executions"));
    let (realized, fees) = to_the_cent(&executions);
    assert_eq!(position["quantity"], "50");
    assert_eq!(
        position["realized_pnl"],
        format!("{realized:.2}"),
        "{executions:?}"
    );
    assert_eq!(position["fees"], format!("{fees:.2}"));

    let wanted = 3;
    let built = until("three whole minutes", || {
        let bars = block_on(async {
            let mut shell = home.attach(SessionKind::Shell).await;
            let instrument = InstrumentId::new("SPY").unwrap();
            let query = Query::Bars {
                instrument,
                timeframe: Timeframe::M1,
                count: 100,
            };
            match shell.query(query).await.unwrap() {
                Reply::Bars(bars) => bars,
                other => panic!("{other:?}"),
            }
        });
        // The last one is unfinished.
        let whole: Vec<Bar> = bars
            .into_iter()
            .rev()
            .skip(1)
            .filter(|bar| expected.contains_key(&bar.start.seconds()))
            .collect();
        (whole.len() >= wanted).then_some(whole)
    });
    for bar in &built {
        let number = |text: String| text.parse::<f64>().unwrap().to_string();
        let row = vec![
            number(bar.open.to_string()),
            number(bar.high.to_string()),
            number(bar.low.to_string()),
            number(bar.close.to_string()),
            (bar.volume / i128::from(Quantity::ONE.raw())).to_string(),
            bar.count.to_string(),
        ];
        assert_eq!(
            row,
            expected[&bar.start.seconds()],
            "the minute from {}",
            bar.start
        );
    }
    oracle_files::report("a desk on a tape, whole minutes", built.len());
}

/// Profit of what was closed, at average cost, and all fees: by hand, from the executions alone, oldest first.
fn to_the_cent(executions: &[Value]) -> (Money, Money) {
    let number = |row: &Value, name: &str| -> i128 {
        let money: Money = row[name].as_str().unwrap().parse().unwrap();
        money.raw()
    };
    let unit = Money::whole(1).raw();
    let (mut held, mut cost, mut realized, mut fees) = (0, 0, 0, 0);
    for row in executions.iter().rev() {
        let (quantity, price) = (number(row, "quantity") / unit, number(row, "price"));
        fees += number(row, "fee");
        if row["side"] == "buy" {
            held += quantity;
            cost += quantity * price;
        } else {
            let share = cost * quantity / held;
            realized += quantity * price - share;
            (held, cost) = (held - quantity, cost - share);
        }
    }
    let money = |raw: i128| Money::from_raw(raw).round_to(2);
    (money(realized), money(fees))
}
