//! What programs do to orders over HTTP, on the real program and over real sockets: each round trip, what a repeated request
//! leads to in the exchange's own books, what a key of one account can learn and move of another, and what is refused. And
//! the document of the port against a program that knows nothing but it (`TRADEWIND_SCHEMATHESIS=1`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use crate::gateway::Gateway;
use crate::harness::{Engine, Home, UNHURRIED, until};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Nothing that is asked takes this long.
const PATIENCE: Duration = Duration::from_secs(120);

/// An answer: its status and its body.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.body
    }
    /// Refused, with this code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> String {
        assert_eq!(
            (self.status, &self.body["error"]["code"]),
            (status, &json!(code)),
            "{self:?}"
        );
        self.body["error"]["message"].as_str().unwrap().to_owned()
    }
}

/// A program with its key.
#[derive(Clone)]
pub struct Program {
    at: SocketAddr,
    key: String,
}

impl Program {
    pub fn new(home: &Home, name: &str, more: &[&str]) -> Self {
        let mut words = vec!["api-key", "add", name];
        words.extend(more);
        Self {
            at: home.port(),
            key: home.done(&words).lines().next().unwrap_or_default().to_owned(),
        }
    }
    /// The same program at the address that the port has by now.
    pub fn again(&self, home: &Home) -> Self {
        Self {
            at: home.port(),
            key: self.key.clone(),
        }
    }
    fn say(&self, method: &str, path: &str, more: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.at).expect("the port is open");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (key, length) = (&self.key, body.len());
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {key}\r\n{more}Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text.as_str(), ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Answer {
            status: status.unwrap_or(0),
            body: serde_json::from_str(body).unwrap_or(Value::Null),
        }
    }
    pub fn get(&self, path: &str) -> Answer {
        self.say("GET", path, "", "")
    }
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.say("POST", path, "", &body.to_string())
    }
    /// The order as it is once it is in this phase.
    #[track_caller]
    pub fn in_phase(&self, id: &str, phase: &str) -> Value {
        until(phase, || {
            let order = self.get(&format!("/orders/{id}")).body;
            (order["phase"] == phase).then_some(order)
        })
    }
}

pub fn serve(home: &Home) -> Engine {
    let engine = home.serve(&["--listen", "127.0.0.1:0"]);
    let at = home.port();
    let one = Program {
        at,
        key: String::new(),
    };
    until("readiness", || {
        let mut stream = TcpStream::connect(one.at).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let asked = "GET /ready HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
        stream.write_all(asked.as_bytes()).ok()?;
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text.starts_with("HTTP/1.1 200").then_some(())
    });
    engine
}

fn id_of(placed: &Value) -> String {
    placed["orders"][0]["client_order_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A price so far below the market that an order there rests, and within the collar.
fn resting(bot: &Program) -> String {
    let quote = until("a quote", || {
        let quote = bot.get("/market/AAPL/quote").body;
        quote["bid"].is_string().then_some(quote)
    });
    let bid: f64 = quote["bid"].as_str().unwrap().parse().unwrap();
    format!("{:.2}", bid * 0.97)
}

#[test]
fn orders_are_placed_previewed_changed_and_cancelled() {
    let home = Home::new();
    let _engine = serve(&home);
    let bot = Program::new(&home, "bot", &["--role", "trade"]);
    let price = resting(&bot);
    let order = json!({"symbol": "AAPL", "side": "buy", "quantity": "10", "type": "limit", "price": price, "client_order_id": "bot-1"});

    let preview = bot.post("/orders/preview", &order).is(200);
    assert_eq!(preview["orders"][0]["position_after"], "10", "{preview}");
    assert_eq!(
        (&preview["denial"], &preview["armed"]),
        (&Value::Null, &json!(true))
    );
    let mut seen = order;
    seen["seen"] = preview["orders"][0]["seen"].clone();
    let placed = bot
        .say("POST", "/orders?wait_ms=3000", "", &seen.to_string())
        .is(201);
    assert_eq!(
        (placed["again"].as_bool(), id_of(&placed)),
        (Some(false), "bot-1".to_owned())
    );
    bot.in_phase("bot-1", "working");
    // What was seen of another order is not what is sent.
    let mut other = seen.clone();
    other["client_order_id"] = json!("bot-2");
    other["quantity"] = json!("11");
    bot.post("/orders", &other).refused(409, "STALE_PREVIEW");

    let changed = bot.say(
        "PATCH",
        "/orders/bot-1?wait_ms=3000",
        "",
        &json!({"quantity": "7"}).to_string(),
    );
    changed.is(202);
    until("the change", || {
        (bot.get("/orders/bot-1").body["quantity"] == "7").then_some(())
    });
    let history = bot.get("/orders/bot-1").is(200)["history"].clone();
    assert_eq!(history[0]["what"], "submitted", "{history}");
    assert!(
        history[0]["who"].as_str().unwrap().starts_with("session "),
        "{history}"
    );
    bot.say("DELETE", "/orders/bot-1?wait_ms=3000", "", "").is(202);
    bot.in_phase("bot-1", "cancelled");
    bot.say("DELETE", "/orders/bot-1", "", "")
        .refused(409, "NOT_LIVE");
    bot.say("DELETE", "/orders/nobody", "", "")
        .refused(404, "UNKNOWN_ORDER");

    // Wrong wishes touch nothing, and say what would be right.
    let near = json!({"symbol": "AAPL", "side": "buy", "quantity": "1", "type": "limit", "price": format!("{price}5")});
    let answer = bot.post("/orders", &near);
    assert!(answer.body["error"]["nearest"].is_string(), "{answer:?}");
    answer.refused(422, "BAD_PRICE");
    let bad = |body: Value| bot.post("/orders", &body).status;
    assert_eq!(
        bad(json!({"symbol": "AAPL", "side": "buy", "quantity": "1", "type": "market", "stpo": "1"})),
        400
    );
    assert_eq!(
        bad(json!({"symbol": "AAPL", "side": "buy", "quantity": 1, "type": "market"})),
        400
    );
    assert_eq!(
        bad(json!({"symbol": "AAPL", "side": "buy", "quantity": "1", "type": "market", "price": "1"})),
        400
    );
    assert_eq!(bad(json!({"sentence": "buy 1 AAPL", "quantity": "1"})), 400);
    assert_eq!(bad(json!({"sentence": "buy one AAPL"})), 400);
    assert_eq!(
        bad(json!({"symbol": "NOPE", "side": "buy", "quantity": "1", "type": "market"})),
        404
    );
    assert_eq!(bad(json!([])), 400);

    // Many at once, and what is kept of them.
    for sentence in ["buy 5 AAPL mkt", &format!("buy 3 AAPL @{price}")] {
        bot.say(
            "POST",
            "/orders?wait_ms=3000",
            "",
            &json!({"sentence": sentence}).to_string(),
        )
        .is(201);
    }
    until("5 held", || {
        (bot.get("/positions/SIM100001/AAPL").body["quantity"] == "5").then_some(())
    });
    let under = format!("{:.2}", price.parse::<f64>().unwrap() * 0.98);
    let stop = bot
        .post("/positions/SIM100001/AAPL/stop", &json!({"trigger": under}))
        .is(201);
    bot.in_phase(&id_of(&stop), "held");
    let higher = format!("{:.2}", price.parse::<f64>().unwrap() * 0.99);
    let moved = bot
        .post("/positions/SIM100001/AAPL/stop", &json!({"trigger": higher}))
        .is(201);
    assert_eq!(id_of(&moved), id_of(&stop));
    until("the stop's change", || {
        (bot.get(&format!("/orders/{}", id_of(&stop))).body["trigger"]
            .as_str()?
            .parse::<f64>()
            .ok()?
            - higher.parse::<f64>().unwrap())
        .abs()
        .lt(&0.001)
        .then_some(())
    });
    let cancelled = bot.post("/orders/cancel", &json!({"symbol": "AAPL"})).is(202);
    assert_eq!(cancelled["cancelled"].as_array().unwrap().len(), 1, "{cancelled}");
    assert_eq!(cancelled["kept"][0]["client_order_id"], id_of(&stop).as_str());
    let cancelled = bot
        .post("/orders/cancel", &json!({"account": "SIM100001", "all": true}))
        .is(202);
    assert_eq!(cancelled["kept"], json!([]));
    bot.in_phase(&id_of(&stop), "cancelled");

    // A part, more than there is, and the rest.
    let part = bot
        .say(
            "POST",
            "/positions/SIM100001/AAPL/close?wait_ms=3000",
            "",
            "{\"quantity\":\"2\"}",
        )
        .is(201);
    bot.in_phase(&id_of(&part), "filled");
    until("3 held", || {
        (bot.get("/positions/SIM100001/AAPL").body["quantity"] == "3").then_some(())
    });
    bot.post("/positions/SIM100001/AAPL/close", &json!({"quantity": "4"}))
        .refused(409, "NOTHING_TO_CLOSE");
    let rest = bot.say("POST", "/positions/SIM100001/AAPL/close", "", "").is(201);
    bot.in_phase(&id_of(&rest), "filled");
    bot.post("/positions/SIM100001/AAPL/close", &json!({}))
        .refused(409, "NOTHING_TO_CLOSE");
    let trades = bot.get("/trades?state=closed").is(200);
    assert_eq!(trades["items"][0]["entered"], "5", "{trades}");
    home.agrees_with_the_exchange();
}

#[test]
fn the_same_request_again_is_the_same_order_and_never_a_second_one() {
    let home = Home::new();
    let _engine = serve(&home);
    let bot = Program::new(&home, "bot", &["--role", "trade"]);
    resting(&bot);
    let order = json!({"sentence": "buy 3 AAPL mkt", "client_order_id": "once"});
    let threads: Vec<_> = (0..20)
        .map(|_| {
            let (bot, order) = (bot.clone(), order.clone());
            std::thread::spawn(move || bot.post("/orders", &order).status)
        })
        .collect();
    let mut told: Vec<u16> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(
        told.iter().filter(|status| **status == 201).count(),
        1,
        "{told:?}"
    );
    assert!(told.iter().all(|status| matches!(status, 200 | 201)), "{told:?}");
    bot.in_phase("once", "filled");
    // By the header too, long after, and after the market moved.
    let by_header = bot.say("POST", "/orders", "Idempotency-Key: once\r\n", &order.to_string());
    assert_eq!(by_header.is(200)["again"], true);
    // The same id for something else touches nothing.
    let other = json!({"sentence": "buy 4 AAPL mkt", "client_order_id": "once"});
    bot.post("/orders", &other).refused(409, "ID_REUSED");
    let two = bot.say(
        "POST",
        "/orders",
        "Idempotency-Key: twice\r\n",
        &order.to_string(),
    );
    two.refused(400, "BAD_REQUEST");
    let books = home.books();
    assert_eq!(
        books
            .orders
            .iter()
            .filter(|(id, ..)| id.starts_with("once"))
            .count(),
        1
    );
    assert_eq!(books.orders.len(), 1, "{:?}", books.orders);
    // Denied stays denied, with the same words.
    let large = json!({"sentence": "buy 900000 AAPL mkt", "client_order_id": "large"});
    let first = bot.post("/orders", &large);
    let again = bot.post("/orders", &large);
    assert_eq!(
        (first.status, &first.body["error"]["code"]),
        (again.status, &again.body["error"]["code"])
    );
    assert_eq!(first.status, 422, "{first:?}");
}

#[test]
fn a_key_of_one_account_neither_sees_nor_moves_another_and_a_viewer_moves_nothing() {
    let home = Home::new();
    let _engine = serve(&home);
    let all = Program::new(&home, "all", &["--role", "trade"]);
    let other = Program::new(&home, "other", &["--role", "trade", "--account", "SIM100002"]);
    let viewer = Program::new(&home, "viewer", &["--role", "view"]);
    let price = resting(&all);
    let mine = json!({"sentence": format!("buy 2 AAPL @{price}"), "client_order_id": "mine", "account": "SIM100001"});
    all.post("/orders", &mine).is(201);
    all.in_phase("mine", "working");
    all.say(
        "POST",
        "/orders?wait_ms=3000",
        "",
        &json!({"sentence": "buy 7 AAPL mkt", "account": "SIM100001"}).to_string(),
    )
    .is(201);
    until("7 held", || {
        (all.get("/positions/SIM100001/AAPL").body["quantity"] == "7").then_some(())
    });
    all.post(
        "/alerts",
        &json!({"sentence": "position AAPL > 1", "account": "SIM100001"}),
    )
    .is(201);
    all.post(
        "/orders",
        &json!({"sentence": "buy 900000 AAPL mkt", "account": "SIM100001"}),
    )
    .refused(422, "MAX_QUANTITY");

    // To look at: nothing of it, by name, by number or in a sum.
    for path in [
        "/orders",
        "/executions",
        "/positions",
        "/accounts",
        "/trades",
        "/risk",
        "/risk/exposure",
        "/risk/var",
        "/risk/stress",
        "/risk/correlation",
        "/pnl",
        "/dashboard",
        "/notifications",
        "/alerts",
        "/system/status",
        "/history/orders",
        "/history/executions",
        "/pnl/day",
        "/pnl/history",
    ] {
        let told = other.get(path).is(200).to_string();
        for word in ["SIM100001", "mine", "900000", "\"7\""] {
            assert!(!told.contains(word), "{path} tells of {word}: {told}");
        }
    }
    for path in [
        "/orders/mine",
        "/positions/SIM100001/AAPL",
        "/accounts/SIM100001",
        "/alerts/1",
        "/history/orders?account=SIM100001",
        "/pnl/day?account=SIM100001",
    ] {
        assert_eq!(other.get(path).status, 404, "{path}");
    }
    other.get("/settings").refused(403, "FORBIDDEN");
    // To touch: as if it were not there.
    let moves = [
        ("PATCH", "/orders/mine", json!({"quantity": "1"}), 404),
        ("DELETE", "/orders/mine", json!({}), 404),
        (
            "POST",
            "/orders",
            json!({"sentence": "buy 1 AAPL mkt", "account": "SIM100001"}),
            404,
        ),
        (
            "POST",
            "/orders/preview",
            json!({"sentence": "sell all AAPL", "account": "SIM100001"}),
            404,
        ),
        (
            "POST",
            "/orders/cancel",
            json!({"account": "SIM100001", "all": true}),
            404,
        ),
        ("POST", "/positions/SIM100001/AAPL/close", json!({}), 404),
        (
            "POST",
            "/positions/SIM100001/AAPL/stop",
            json!({"trigger": "1"}),
            404,
        ),
        ("POST", "/risk/halt", json!({"account": "SIM100001"}), 404),
        ("DELETE", "/alerts/1", json!({}), 404),
        // An id that is taken is told to be taken, and no more.
        (
            "POST",
            "/orders",
            json!({"sentence": "buy 1 AAPL mkt", "client_order_id": "mine"}),
            409,
        ),
    ];
    for (method, path, body, status) in &moves {
        let answer = other.say(method, path, "", &body.to_string());
        assert_eq!(answer.status, *status, "{method} {path}: {answer:?}");
        assert!(!answer.body.to_string().contains("lmt"), "{answer:?}");
    }
    for (method, path, body, _) in &moves {
        if *path != "/orders/preview" {
            viewer
                .say(method, path, "", &body.to_string())
                .refused(403, "FORBIDDEN");
        }
    }
    for path in ["/risk/halt", "/risk/resume", "/risk/flatten"] {
        viewer.post(path, &json!({})).refused(403, "FORBIDDEN");
    }
    // Everything that it may see is halted and cancelled, and nothing else.
    let told = other.post("/risk/halt", &json!({"reason": "a test"})).is(200);
    assert_eq!(told["accounts"].as_array().unwrap().len(), 1);
    other.post("/orders/cancel", &json!({})).is(202);
    assert_eq!(all.get("/orders/mine").body["phase"], "working");
    let risk = all.get("/risk").is(200);
    let trading: Vec<_> = risk["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["trading"].clone())
        .collect();
    assert_eq!(trading, ["active", "halted"]);
    other
        .post("/orders", &json!({"sentence": "buy 1 AAPL mkt"}))
        .refused(422, "TRADING_STATE");
    // Nobody resumes without having proved who they are again, and a key never does; but it can always get out.
    let admin = Program::new(&home, "admin", &["--role", "admin"]);
    other.post("/risk/resume", &json!({})).refused(403, "FORBIDDEN");
    admin.post("/risk/resume", &json!({})).refused(403, "STEP_UP");
    admin
        .post("/risk/flatten", &json!({"account": "SIM100001"}))
        .is(202);
    all.in_phase("mine", "cancelled");
    assert!(admin.get("/settings").is(200)["items"].as_array().unwrap().len() > 50);
    home.agrees_with_the_exchange();
}

#[test]
fn a_limit_is_tightened_by_who_may_trade_and_loosened_by_who_has_proved_themselves() {
    let home = Home::new();
    let _engine = serve(&home);
    let bot = Program::new(&home, "bot", &["--role", "trade"]);
    let one = Program::new(&home, "one", &["--role", "trade", "--account", "SIM100002"]);
    let admin = Program::new(&home, "admin", &["--role", "admin"]);
    resting(&bot);
    let put = |who: &Program, name: &str, body: Value| {
        who.say("PUT", &format!("/risk/limits/{name}"), "", &body.to_string())
    };
    let told = put(&bot, "max_order_value", json!({"value": "500", "for": "30m"})).is(200);
    assert!(
        told["note"]
            .as_str()
            .unwrap()
            .contains("max_order_value is 500 until"),
        "{told}"
    );
    let order = json!({"sentence": "buy 100 AAPL mkt"});
    bot.post("/orders", &order).refused(422, "MAX_VALUE");
    let risk = bot.get("/risk").is(200);
    let rows = risk["usage"][0]["limits"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == "max_order_value").unwrap();
    assert_eq!(
        (&row["value"], &row["ceiling"]),
        (&json!("500"), &json!("1000000"))
    );
    assert!(
        row["source"].as_str().unwrap().starts_with("bot, a program"),
        "{row}"
    );
    assert_eq!(risk["usage"][0]["session"]["stage"], "within", "{risk}");
    put(&bot, "max_order_value", json!({"value": "600"})).refused(403, "FORBIDDEN");
    put(&admin, "max_order_value", json!({"value": "600"})).refused(403, "STEP_UP");
    put(&admin, "max_order_value", json!({})).refused(403, "STEP_UP");
    put(&bot, "max_order_value", json!({"value": "5", "all": true})).refused(403, "FORBIDDEN");
    put(&bot, "max_orders", json!({"value": "5"})).refused(404, "UNKNOWN_LIMIT");
    put(&bot, "max_order_value", json!({"value": "5", "for": "2d"})).refused(400, "BAD_REQUEST");
    put(
        &one,
        "max_order_value",
        json!({"value": "5", "account": "SIM100001"}),
    )
    .refused(404, "NOT_FOUND");
    put(&one, "max_order_value", json!({"value": "5"})).is(200);
    let of = |n: usize| risk["usage"][n]["account"].clone();
    assert_eq!((of(0), of(1)), (json!("SIM100001"), json!("SIM100002")));
    let theirs = one.get("/risk").is(200)["usage"].clone();
    assert_eq!(
        (theirs.as_array().unwrap().len(), &theirs[0]["account"]),
        (1, &json!("SIM100002"))
    );
}

#[test]
fn a_live_account_is_traded_by_programs_only_while_a_person_armed_them() {
    let exchange = Home::new();
    let gateway = Gateway::with(&exchange, &["--accounts", "U1234567,DU100002"]);
    let port = gateway.address.port();
    let home = Home::with(&format!(
        "{UNHURRIED}[server]\nlisten = \"127.0.0.1:0\"\n[broker]\nuse = \"ibkr\"\n[broker.ibkr]\nport = \"{port}\"\nclient_id = 17\nresets = []\nlogin = \"\"\nsymbols = [\"AAPL\"]\n"
    ));
    let _engine = serve(&home);
    let bot = Program::new(&home, "bot", &["--role", "trade"]);
    let price = resting(&bot);
    let order = |id: &str| json!({"sentence": format!("buy 1 AAPL @{price}"), "account": "U1234567", "client_order_id": id});
    let words = bot.post("/orders", &order("a")).refused(403, "NOT_ARMED");
    assert!(words.contains(":arm api"), "{words}");
    assert_eq!(bot.post("/orders/preview", &order("a")).is(200)["armed"], false);
    let arm = |words: &[&str]| {
        let mut all = vec!["arm-api"];
        all.extend(words);
        all.extend(["--account", "U1234567"]);
        home.run(&all)
    };
    arm(&["1m"]).refused(1, &["CONFIRMATION"]);
    arm(&["1m", "--confirm", "9999"]).refused(1, &["CONFIRMATION"]);
    arm(&["9h", "--confirm", "4567"]).refused(2, &["480"]);
    // The key that asks, by its name: for all it would be the same without.
    home.done(&[
        "arm-api",
        "1m",
        "--key",
        "bot",
        "--confirm",
        "4567",
        "--account",
        "U1234567",
    ]);
    // What was denied stays denied under its id.
    bot.post("/orders", &order("a")).refused(403, "NOT_ARMED");
    bot.post("/orders", &order("b")).is(201);
    bot.in_phase("b", "working");
    assert!(
        bot.get("/risk")
            .is(200)
            .to_string()
            .contains("programs_armed_until\":\"20")
    );
    // For that account alone.
    let paper = json!({"sentence": format!("buy 1 AAPL @{price}"), "account": "DU100002"});
    bot.post("/orders", &paper).refused(403, "NOT_ARMED");
    // It ends by itself, and what takes risk off goes on.
    until("the end of arming", || {
        (bot.get("/risk").body["accounts"]
            .as_array()?
            .iter()
            .all(|row| row["programs_armed"] == false))
        .then_some(())
    });
    bot.post("/orders", &order("c")).refused(403, "NOT_ARMED");
    bot.say("DELETE", "/orders/b", "", "").is(202);
    bot.in_phase("b", "cancelled");
    bot.post("/risk/halt", &json!({})).is(200);
    drop(gateway);
}

#[test]
fn what_is_read_is_told_in_one_shape() {
    let home = Home::new();
    let _engine = serve(&home);
    let eye = Program::new(&home, "eye", &["--role", "view"]);
    resting(&eye);
    let depth = until("a book", || {
        let depth = eye.get("/market/AAPL/depth?levels=3");
        (depth.status == 200 && depth.body["bids"][0].is_object()).then_some(depth.body)
    });
    assert!(depth["bids"].as_array().unwrap().len() <= 3);
    let ticks = until("trades", || {
        let ticks = eye.get("/market/aapl/ticks?limit=5").body;
        ticks["items"][0].is_object().then_some(ticks)
    });
    let first = ticks["items"][0]["number"].as_u64().unwrap();
    let later = eye.get(&format!("/market/AAPL/ticks?after={first}")).is(200);
    assert!(
        later["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|tick| tick["number"].as_u64() > Some(first))
    );
    let one = eye.get("/market/AAPL/ticks?after=0&limit=1").is(200);
    assert!(
        one["items"][0]["number"].as_u64() <= Some(first),
        "the oldest first: {one}"
    );
    // What a query misspells, or names that is not there, is told.
    let words = eye.get("/orders?acount=NOPE").refused(400, "BAD_REQUEST");
    assert!(words.contains("acount"), "{words}");
    eye.get("/orders?phase=live").refused(400, "BAD_REQUEST");
    for list in ["orders", "executions", "trades", "positions"] {
        eye.get(&format!("/{list}?account=NOPE"))
            .refused(404, "NOT_FOUND");
    }
    let bars = eye.get("/market/AAPL/bars?timeframe=5m&count=30").is(200);
    let count = bars["items"].as_array().unwrap().len();
    assert!((2..=30).contains(&count), "{count}");
    let studies = eye
        .get("/market/AAPL/indicators?timeframe=5m&count=30&studies=ema%209,macd")
        .is(200);
    assert_eq!(studies["start"].as_array().unwrap().len(), count);
    assert_eq!(
        studies["studies"][1]["lines"].as_array().unwrap().len(),
        3,
        "{studies}"
    );
    assert_eq!(
        eye.get("/instruments?q=aapl").is(200)["items"][0]["symbol"],
        "AAPL"
    );
    assert_eq!(eye.get("/instruments/ES").is(200)["root"], "ES");
    assert!(eye.get("/system/performance").is(200)["uptime_s"].is_u64());
    for path in [
        "/watchlists",
        "/alerts",
        "/dashboard",
        "/pnl",
        "/pnl/day",
        "/pnl/history",
        "/notifications",
        "/market/quotes",
        "/trades",
        "/history/orders",
        "/history/executions",
        "/risk",
        "/risk/exposure",
        "/risk/var",
        "/risk/stress",
        "/risk/correlation",
    ] {
        assert_eq!(eye.get(path).status, 200, "{path}");
    }
    for (path, status) in [
        ("/market/NOPE/quote", 404),
        ("/market/AAPL/bars?timeframe=1y", 400),
        ("/market/AAPL/indicators?studies=luck", 400),
        ("/trades?from=yesterday", 400),
        ("/history/orders?cursor=99999999999999999999", 400),
    ] {
        let answer = eye.get(path);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(answer.body["error"]["code"].is_string());
    }
    assert_eq!(eye.say("PUT", "/orders", "", "").status, 405);
}

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

/// What an account is exposed to adds up, a bad day is counted from days that are there, and shell and port tell the same.
#[test]
fn risk_in_figures_adds_up_and_shell_and_port_tell_it_alike() {
    let home = Home::new();
    let _engine = serve(&home);
    let eye = Program::new(&home, "eye", &["--role", "view"]);
    let nothing = eye.get("/risk/var").is(200);
    assert_eq!(nothing["unknown"], "nothing is held", "{nothing}");
    home.order("buy 10 AAPL mkt");
    home.order("buy 5 MSFT mkt");
    let names = |rows: &Value, name: &str| -> Vec<String> {
        let rows = rows.as_array().unwrap().iter();
        let mut names: Vec<String> = rows.map(|row| row[name].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    // The port hears of orders of the shell a moment after the shell does.
    let told = until("both are told", || {
        let told = eye.get("/risk/exposure").is(200);
        (names(&told["exposure"]["symbols"], "symbol") == ["AAPL", "MSFT"]).then_some(told)
    });
    let exposure = &told["exposure"];
    assert_eq!(names(&exposure["sectors"], "name"), ["Technology"]);
    assert_eq!(names(&exposure["currencies"], "name"), ["EUR", "JPY", "USD"]);
    let nets = exposure["currencies"].as_array().unwrap().iter();
    let sum: f64 = nets.map(|row| number(&row["net"])).sum();
    assert!((sum - number(&exposure["worth"])).abs() < 0.05, "{told}");
    let both: f64 = exposure["symbols"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| number(&row["in_base"]))
        .sum();
    assert!(
        (both - number(&exposure["total"]["gross"])).abs() < 0.05,
        "{told}"
    );
    assert_eq!(told["margin"]["source"], "terms");
    assert!(
        (number(&told["margin"]["now"]["initial"]) - both / 2.0).abs() < 0.05,
        "{told}"
    );
    let at_risk = eye.get("/risk/var").is(200);
    assert_eq!(at_risk["days"], 250, "{at_risk}");
    let level = |n: usize| number(&at_risk["levels"][n]["historical"]);
    assert!(
        0.0 < level(0) && level(0) < level(1) && level(1) < both,
        "{at_risk}"
    );
    let stress = eye.get("/risk/stress").is(200);
    assert_eq!(
        (&stress["all"][0]["percent"], &stress["benchmark"]),
        (&json!(-5), &json!("SPY"))
    );
    // A moment later, at other prices.
    assert!(
        (number(&stress["all"][0]["result"]) / (both * -0.05) - 1.0).abs() < 0.05,
        "{stress}"
    );
    assert_eq!(stress["market"].as_array().unwrap().len(), 6, "{stress}");
    let together = eye.get("/risk/correlation").is(200);
    assert_eq!(
        (&together["days"][0][1], &together["pearson"][0][0]),
        (&json!(60), &json!("1.0000"))
    );
    assert!(number(&together["pearson"][0][1]).abs() <= 1.0);
    let shell = home.json(&["risk"]);
    assert_eq!(
        names(&shell["exposure"]["symbols"], "symbol"),
        ["AAPL", "MSFT"],
        "{shell}"
    );
    assert_eq!(shell["value_at_risk"]["days"], 250, "{shell}");
}

/// A program that knows nothing but the document asks everything that it allows, and more: no answer may be one that the
/// document does not have, and none a fault of ours.
#[test]
fn the_document_and_the_port_agree() {
    let on = |name: &str| std::env::var_os(name).is_some_and(|value| value == "1");
    if !on("TRADEWIND_SCHEMATHESIS") {
        println!("schemathesis: skipped, TRADEWIND_SCHEMATHESIS is not 1");
        return;
    }
    let program = match schemathesis() {
        Ok(program) => program,
        Err(why) if on("TRADEWIND_INTEROP_REQUIRED") => panic!("schemathesis is required: {why}"),
        Err(why) => {
            println!("schemathesis: skipped, {why}");
            return;
        }
    };
    let home = Home::new();
    let _engine = serve(&home);
    let bot = Program::new(&home, "bot", &["--role", "admin"]);
    resting(&bot);
    let examples = std::env::var("TRADEWIND_SCHEMATHESIS_EXAMPLES").unwrap_or_else(|_| "25".into());
    // Readiness says 503 by design, and what halts comes last: nothing is placed any more after it.
    for which in [
        ["--exclude-path-regex", "^/ready$|/risk/"],
        ["--include-path-regex", "/risk/"],
    ] {
        let ended = Command::new(&program)
            .arg("run")
            .arg(format!("http://{}/docs/openapi.json", bot.at))
            .args(["--url", &format!("http://{}", bot.at)])
            .args(["--header", &format!("Authorization: Bearer {}", bot.key)])
            .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"])
            .args(["--phases", "examples,coverage,fuzzing", "--max-examples", &examples])
            .args(["--seed", "1", "--request-timeout", "30", "--no-color"])
            .args(which)
            .current_dir(home.folder())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&ended.stdout);
        let cases = out
            .lines()
            .find(|line| line.contains("generated"))
            .unwrap_or("none")
            .trim();
        assert!(
            ended.status.success(),
            "{out}\n{}",
            String::from_utf8_lossy(&ended.stderr)
        );
        println!("schemathesis {}: {cases}", which.join(" "));
    }
    home.agrees_with_the_exchange();
}

/// schemathesis in an environment of its own; made where it is not there yet.
fn schemathesis() -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis-4");
    let program = root.join("bin/schemathesis");
    if program.exists() {
        return Ok(program);
    }
    let done = |what: &str, ended: std::io::Result<std::process::Output>| match ended {
        Ok(ended) if ended.status.success() => Ok(()),
        Ok(ended) => Err(format!("{what}: {}", String::from_utf8_lossy(&ended.stderr))),
        Err(error) => Err(format!("{what}: {error}")),
    };
    // An environment knows its own place: it is made where it stays, and marked whole by its program.
    let made = Command::new("python3").args(["-m", "venv"]).arg(&root).output();
    done("a Python environment can't be made", made)?;
    let fetched = Command::new(root.join("bin/python"))
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "schemathesis>=4,<5",
        ])
        .output();
    done("schemathesis can't be fetched", fetched)?;
    Ok(program)
}

#[test]
fn a_lease_is_taken_renewed_seen_and_given_back_by_the_key_that_opted_in() {
    let home = Home::new();
    let _engine = serve(&home);
    let bot = Program::new(&home, "bot", &["--role", "trade"]);
    let eye = Program::new(&home, "eye", &["--role", "view"]);
    let price = resting(&bot);
    let put = |who: &Program, body: Value| who.say("PUT", "/lease", "", &body.to_string());
    assert_eq!(bot.get("/lease").is(200)["held"], false);
    put(&eye, json!({})).refused(403, "FORBIDDEN");
    assert_eq!(put(&bot, json!({"seconds": 14})).status, 422);
    let taken = put(&bot, json!({"seconds": 300})).is(200);
    assert_eq!(
        (&taken["held"], &taken["seconds"], &taken["ran_out"]),
        (&json!(true), &json!(300), &json!(false)),
        "{taken}"
    );
    let order = json!({"symbol": "AAPL", "side": "buy", "quantity": "1", "type": "limit", "price": price, "client_order_id": "bot-lease"});
    bot.post("/orders", &order).is(201);
    bot.in_phase("bot-lease", "working");
    assert_eq!(bot.get("/lease").is(200)["orders"], json!(["bot-lease"]));
    let back = bot.say("DELETE", "/lease", "", "").is(200);
    assert_eq!(back["held"], false, "{back}");
    assert_eq!(bot.get("/orders/bot-lease").is(200)["phase"], "working");
}
