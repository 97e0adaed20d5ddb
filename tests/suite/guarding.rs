//! The file that halts, and what differs between us and the broker, through the real program and its port.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what only they use"
)]

use crate::harness::{Home, UNHURRIED, block_on, until, until_right};
use crate::rest::{Program, serve};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tradewind::domain::{AccountId, AccountKey, BrokerId, TradingState};
use tradewind::engine::{Command, Outcome, SessionKind};

/// The account's row of `/risk`.
fn risk(bot: &Program) -> Value {
    bot.get("/risk").is(200)["accounts"][0].clone()
}

/// A price so far below the market that an order there rests, and within the collar.
fn below(bot: &Program, symbol: &str) -> String {
    let quote = until("a quote", || {
        let quote = bot.get(&format!("/market/{symbol}/quote")).body;
        quote["bid"].is_string().then_some(quote)
    });
    let bid: f64 = quote["bid"].as_str().unwrap().parse().unwrap();
    format!("{:.2}", bid * 0.97)
}

fn account() -> AccountKey {
    AccountKey {
        broker: BrokerId::new("sim").unwrap(),
        account: AccountId::new("SIM100001").unwrap(),
    }
}

/// What a shell is told that commands this.
fn told(home: &Home, command: Command) -> Outcome {
    block_on(async {
        home.attach(SessionKind::Shell)
            .await
            .command(command)
            .await
            .unwrap()
    })
}

fn resume(home: &Home) -> Outcome {
    let command = Command::SetTrading {
        account: account(),
        state: TradingState::Active,
        reason: "a test".into(),
    };
    told(home, command)
}

#[test]
fn a_file_halts_within_a_second_keeps_stops_and_holds_over_a_restart_until_it_is_removed() {
    let home = Home::with(&format!("account = \"SIM100001\"\n{UNHURRIED}"));
    let engine = serve(&home);
    let bot = Program::new(&home, "bot", &["--role", "trade"]);
    let price = below(&bot, "AAPL");
    home.order("buy 100 AAPL mkt");
    let held = |bot: &Program| bot.get("/positions/SIM100001/AAPL").body["quantity"] == "100";
    until("the fill", || held(&bot).then_some(()));
    let stop = bot
        .post("/positions/SIM100001/AAPL/stop", &json!({"trigger": price}))
        .is(201);
    let stop = stop["orders"][0]["client_order_id"].as_str().unwrap().to_owned();
    bot.in_phase(&stop, "held");
    for number in 0..3 {
        let order = json!({"symbol": "MSFT", "side": "buy", "quantity": "1", "type": "limit", "price": below(&bot, "MSFT"), "client_order_id": format!("entry-{number}")});
        bot.post("/orders", &order).is(201);
        bot.in_phase(&format!("entry-{number}"), "working");
    }

    let file = home.file("run/halt");
    std::fs::write(&file, "CPI at 8:30\n").unwrap();
    let written = Instant::now();
    until("the halt", || (risk(&bot)["trading"] == "halted").then_some(()));
    let seen_after = written.elapsed();
    // A second is what is promised; the test leaves a slow machine some room.
    assert!(seen_after < Duration::from_secs(10), "{seen_after:?}");
    for number in 0..3 {
        bot.in_phase(&format!("entry-{number}"), "cancelled");
    }
    until_right(|| {
        let row = risk(&bot);
        let right = row["halt"]["cancelled"] == 3
            && row["halt"]["waiting"].as_array().is_some_and(Vec::is_empty)
            && row["trading_reason"] == "halt file: CPI at 8:30"
            && row["positions"][0]["protected"] == "100";
        right.then_some(()).ok_or_else(|| row.to_string())
    });
    bot.in_phase(&stop, "held");
    let buy = json!({"symbol": "MSFT", "side": "buy", "quantity": "1", "type": "market"});
    bot.post("/orders", &buy).refused(422, "TRADING_STATE");

    // The next process is halted before anybody is heard, and says what to remove.
    home.done(&["stop"]);
    drop(engine);
    // Its port says that it is not ready to trade: what is waited for is that it answers.
    let _engine = home.serve(&["--listen", "127.0.0.1:0"]);
    let bot = bot.again(&home);
    until("an answer", || {
        (bot.get("/risk").body["accounts"][0]["trading"] == "halted").then_some(())
    });
    assert_eq!(bot.get("/risk").is(200)["halt_file"], "CPI at 8:30");
    assert_eq!(risk(&bot)["trading"], "halted");
    bot.in_phase(&stop, "held");
    bot.post("/orders", &buy).refused(422, "TRADING_STATE");
    match resume(&home) {
        Outcome::Refused(denial) => assert!(denial.text.as_str().contains("remove "), "{denial}"),
        other => panic!("{other:?}"),
    }
    std::fs::remove_file(&file).unwrap();
    until("the file's end", || {
        bot.get("/risk").is(200)["halt_file"].is_null().then_some(())
    });
    assert_eq!(risk(&bot)["trading"], "halted", "removing it resumes nothing");
    assert!(matches!(resume(&home), Outcome::Done { .. }));
    assert_eq!(risk(&bot)["trading"], "active");
    home.agrees_with_the_exchange();
}

/// The journal is gone and the exchange is not: what works there was made elsewhere, as far as anybody here knows. It is a
/// line over the port, which is acted on as it was seen, or not at all.
#[test]
fn an_order_that_nobody_here_knows_is_a_line_that_can_be_cancelled_as_it_was_seen() {
    let home = Home::with(&format!("account = \"SIM100001\"\n{UNHURRIED}"));
    let engine = serve(&home);
    let bot = Program::new(&home, "bot", &["--role", "trade"]);
    let order = json!({"symbol": "AAPL", "side": "buy", "quantity": "10", "type": "limit", "tif": "gtc", "price": below(&bot, "AAPL"), "client_order_id": "bot-1"});
    bot.post("/orders", &order).is(201);
    bot.in_phase("bot-1", "working");
    assert_eq!(bot.get("/differences").is(200)["differences"], json!([]));
    home.done(&["stop"]);
    drop(engine);
    for entry in std::fs::read_dir(home.file("")).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("journal") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }

    let _engine = serve(&home);
    let bot = bot.again(&home);
    let line = until("the line", || {
        let lines = bot.get("/differences").is(200)["differences"].clone();
        lines.as_array().and_then(|lines| lines.first().cloned())
    });
    assert_eq!(
        (&line["kind"], &line["symbol"], &line["ours"], &line["blocks"]),
        (&json!("unknown"), &json!("AAPL"), &json!("none"), &json!(false)),
        "{line}"
    );
    let deed = |action: &str, seen: u64| json!({"id": line["id"], "action": action, "seen": seen});
    let seen = line["seen"].as_u64().unwrap();
    bot.post("/differences", &deed("cancel", seen ^ 1))
        .refused(409, "STALE_PREVIEW");
    bot.post("/differences", &deed("adopt", seen))
        .refused(403, "READ_ONLY");
    bot.post("/differences", &deed("sell", seen)).is(400);
    bot.post(
        "/differences",
        &json!({"id": "gap", "action": "cancel", "seen": 0}),
    )
    .refused(409, "NOTHING_TO_ACCEPT");
    bot.post("/reconcile", &json!({})).is(202);
    let mine = home.json(&["differences"]);
    assert_eq!(mine[0]["seen"], line["seen"], "a shell sees the same");
    bot.post("/differences", &deed("cancel", seen)).is(202);
    until("the end of the line", || {
        let lines = bot.get("/differences").is(200)["differences"].clone();
        (lines == json!([])).then_some(())
    });
    let id = line["id"]
        .as_str()
        .unwrap()
        .trim_start_matches("order:")
        .to_owned();
    bot.in_phase(&id, "cancelled");
    let looker = Program::new(&home, "looker", &["--role", "view"]);
    looker.get("/differences").is(200);
    looker.post("/reconcile", &json!({})).is(403);
}
