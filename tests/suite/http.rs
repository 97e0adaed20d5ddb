//! The HTTP port of the real program, over real sockets: who may come in, what is told, and that a crowd of slow callers
//! keeps nobody else out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what only they use"
)]

use crate::harness::{Home, UNHURRIED, block_on, until};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tokio::net::TcpStream as Stream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Nothing that is asked takes this long.
const PATIENCE: Duration = Duration::from_secs(120);

/// An answer: its status and its body.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Value,
}

fn connect(at: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(at).expect("the port is open");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Asks once; `key` goes along where there is one.
fn get(at: SocketAddr, path: &str, key: Option<&str>) -> Answer {
    let key = key.map_or(String::new(), |key| format!("Authorization: Bearer {key}\r\n"));
    say(
        at,
        &format!("GET {path} HTTP/1.1\r\nHost: here\r\n{key}Connection: close\r\n\r\n"),
    )
}

/// Says these bytes and reads to the end.
fn say(at: SocketAddr, words: &str) -> Answer {
    let mut stream = connect(at);
    stream.write_all(words.as_bytes()).unwrap();
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text.as_str(), ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer {
        status: status.unwrap_or(0),
        head: head.to_owned(),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

fn made(home: &Home, name: &str, more: &[&str]) -> String {
    let mut words = vec!["api-key", "add", name];
    words.extend(more);
    home.done(&words).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_key_opens_what_its_accounts_allow_and_the_port_tells_what_the_engine_knows() {
    let home = Home::new();
    let _engine = home.serve(&["--listen", "127.0.0.1:0"]);
    let at = home.port();
    until("readiness", || {
        (get(at, "/ready", None).status == 200).then_some(())
    });
    assert_eq!(get(at, "/health", None).status, 200);

    let nobody = get(at, "/api/v1/orders", None);
    assert_eq!(
        (nobody.status, &nobody.body["error"]["code"]),
        (401, &"UNAUTHENTICATED".into())
    );
    let all = made(&home, "all", &["--role", "view"]);
    let one = made(&home, "one", &["--account", "SIM100002"]);
    let sent = home.order("buy 10 AAPL");
    let id = sent["client_order_id"].as_str().unwrap().to_owned();
    let told = |path: &str, key: &str| get(at, &format!("/api/v1{path}"), Some(key));
    let orders = until("the order", || {
        let orders = told("/orders", &all);
        (orders.body["items"][0]["filled"] == "10").then_some(orders)
    });
    assert_eq!(orders.body["items"][0]["client_order_id"], id.as_str());
    assert_eq!(told(&format!("/orders/{id}"), &all).body["symbol"], "AAPL");
    assert_eq!(told("/positions/SIM100001/aapl", &all).body["quantity"], "10");
    // In how many pieces it was filled is the market's affair.
    assert_eq!(told("/executions", &all).body["items"][0]["symbol"], "AAPL");
    assert_eq!(told("/accounts", &all).body["items"].as_array().unwrap().len(), 2);
    // What a key may not see is as if it were not there.
    assert_eq!(told("/orders", &one).body["items"].as_array().unwrap().len(), 0);
    assert_eq!(told(&format!("/orders/{id}"), &one).status, 404);
    assert_eq!(told("/positions/SIM100001/AAPL", &one).status, 404);
    assert_eq!(
        told("/executions", &one).body["items"].as_array().unwrap().len(),
        0
    );
    assert_eq!(told("/accounts", &one).body["items"][0]["account"], "SIM100002");
    assert!(
        !told("/system/status", &one).body["trading"]
            .to_string()
            .contains("SIM100001")
    );
    // Wrong questions have answers of one shape.
    for (path, status) in [
        ("/nothing", 404),
        ("/orders?limit=0", 400),
        ("/orders?state=odd", 400),
        ("/orders/%00", 404),
    ] {
        let answer = told(path, &all);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(answer.body["error"]["code"].is_string(), "{path}: {answer:?}");
    }
    // A key that is taken away opens nothing from then on.
    home.done(&["api-key", "remove", "all"]);
    assert_eq!(told("/orders", &all).status, 401);
    // Whoever has no key hears that trading is halted, once, and nobody's words.
    home.done(&["halt", "lunch by anna"]);
    let halted = get(at, "/ready", None);
    assert_eq!(halted.status, 503);
    assert_eq!(halted.body["reasons"], serde_json::json!(["trading is halted"]));
    home.done(&["resume"]);
    until("it is ready again", || {
        (get(at, "/ready", None).status == 200).then_some(())
    });
}

#[test]
fn callers_who_say_nothing_keep_nobody_out_and_large_words_are_refused() {
    let home = Home::new();
    home.write_config("[sim]\nparticipants = false\n");
    let _engine = home.serve(&["--listen", "127.0.0.1:0"]);
    let at = home.port();
    let mut slow: Vec<TcpStream> = (0..400).map(|_| connect(at)).collect();
    for stream in &mut slow {
        let _ = stream.write_all(b"GET /api/v1/orders HTT");
    }
    assert_eq!(get(at, "/health", None).status, 200);
    // A slow caller is let go once its time is over, and nothing is left of it.
    let mut rest = Vec::new();
    let _ = slow[0].read_to_end(&mut rest);
    drop(slow);
    let long = "x".repeat(100_000);
    let answer = say(
        at,
        &format!("GET /health HTTP/1.1\r\nHost: here\r\nX-Long: {long}\r\n\r\n"),
    );
    assert!((400..500).contains(&answer.status), "{answer:?}");
    assert!(!answer.head.contains("200"));
    assert_eq!(get(at, "/health", None).status, 200);
}

#[test]
fn an_address_that_is_none_is_refused() {
    let home = Home::new();
    home.run(&["serve", "--listen", "here"])
        .refused(78, &["server.listen", "127.0.0.1:7600"]);
}

/// A WebSocket to the port that speaks JSON (or msgpack).
struct Listener {
    socket: WebSocketStream<MaybeTlsStream<Stream>>,
    packed: bool,
}

impl Listener {
    async fn open(at: SocketAddr, key: &str, packed: bool) -> Result<Self, Error> {
        let mut request = format!("ws://{at}/ws").into_client_request()?;
        let headers = request.headers_mut();
        headers.insert("authorization", format!("Bearer {key}").parse().unwrap());
        if !packed {
            headers.insert("sec-websocket-protocol", "tradewind.v1.json".parse().unwrap());
        }
        let (socket, _) = connect_async(request).await?;
        Ok(Self { socket, packed })
    }
    async fn ask(&mut self, asked: Value) {
        let message = if self.packed {
            Message::Binary(rmp_serde::to_vec_named(&asked).unwrap().into())
        } else {
            Message::Text(asked.to_string().into())
        };
        self.socket.send(message).await.unwrap();
    }
    /// The next message that `wanted` takes.
    async fn hear(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let hearing = async {
            loop {
                let message = self.socket.next().await.expect("it goes on").expect("it goes on");
                let value: Value = match message {
                    Message::Text(text) => serde_json::from_str(&text).unwrap(),
                    Message::Binary(bytes) => rmp_serde::from_slice(&bytes).unwrap(),
                    _ => continue,
                };
                if wanted(&value) {
                    return value;
                }
            }
        };
        tokio::time::timeout(PATIENCE, hearing)
            .await
            .unwrap_or_else(|_| panic!("in vain waited for {what}"))
    }
}

#[test]
fn a_websocket_tells_a_snapshot_and_what_follows_in_both_encodings() {
    let home = Home::new();
    let _engine = home.serve(&["--listen", "127.0.0.1:0"]);
    let at = home.port();
    let (key, other) = (
        made(&home, "all", &[]),
        made(&home, "one", &["--account", "SIM100002"]),
    );
    until("readiness", || {
        (get(at, "/ready", None).status == 200).then_some(())
    });
    block_on(async {
        assert!(
            Listener::open(at, "tw_nothing", false).await.is_err(),
            "a stranger came in"
        );
        let mut plain = Listener::open(at, &key, false).await.unwrap();
        let mut packed = Listener::open(at, &key, true).await.unwrap();
        let mut limited = Listener::open(at, &other, false).await.unwrap();
        for listener in [&mut plain, &mut packed, &mut limited] {
            let hello = listener.hear("a greeting", |said| said["type"] == "hello").await;
            assert_eq!(hello["protocol"], 2);
            listener
                .ask(json!({"op": "subscribe", "id": 1, "topic": "orders"}))
                .await;
            listener.ask(json!({"op": "subscribe", "id": 2, "topic": "quotes", "symbols": ["aapl"], "batch_ms": 0})).await;
            let orders = listener
                .hear("orders", |said| said["type"] == "snapshot" && said["id"] == 1)
                .await;
            assert_eq!(orders["data"], json!([]));
            let quote = listener
                .hear("a quote", |said| {
                    said["type"] == "update" && said["topic"] == "quotes"
                })
                .await;
            assert_eq!(quote["data"][0]["symbol"], "AAPL");
        }
        home.order("buy 10 AAPL");
        let filled = |said: &Value| said["topic"] == "orders" && said["data"][0]["filled"] == "10";
        for listener in [&mut plain, &mut packed] {
            let order = listener.hear("a fill", filled).await;
            assert_eq!(order["data"][0]["phase"], "filled");
        }
        // What it may not see it is not told, though others are; and bad words end nothing.
        limited.ask(json!({"op": "fly"})).await;
        limited
            .ask(json!({"op": "subscribe", "id": 3, "topic": "weather"}))
            .await;
        limited
            .ask(json!({"op": "subscribe", "id": 4, "topic": "quotes", "symbols": ["NOPE"]}))
            .await;
        limited.ask(json!({"op": "ping", "token": 9})).await;
        let mut seen = Vec::new();
        loop {
            let said = limited.hear("a pong", |said| said["type"] != "update").await;
            if said["type"] == "pong" {
                break;
            }
            seen.push(said);
        }
        assert!(seen.iter().all(|said| said["type"] == "error"), "{seen:?}");
        assert_eq!(seen.len(), 3);
    });
}

#[test]
fn a_call_over_the_websocket_is_a_call_of_the_api_and_stops_go_first() {
    let home = Home::with(UNHURRIED);
    let _engine = home.serve(&["--listen", "127.0.0.1:0"]);
    let at = home.port();
    let (trader, viewer) = (
        made(&home, "trader", &["--role", "trade"]),
        made(&home, "viewer", &[]),
    );
    until("readiness", || {
        (get(at, "/ready", None).status == 200).then_some(())
    });
    let order = |id: u32, key: &str| {
        json!({"op": "call", "id": id, "method": "POST", "path": "/api/v1/orders",
               "body": {"sentence": "buy 1 AAPL @1"}, "idempotency_key": key})
    };
    block_on(async {
        for packed in [false, true] {
            let key = if packed { "b" } else { "a" };
            let mut socket = Listener::open(at, &trader, packed).await.unwrap();
            let answer = |id: u32| move |said: &Value| said["type"] == "answer" && said["id"] == id;
            socket.ask(order(1, key)).await;
            let placed = socket.hear("the order's answer", answer(1)).await;
            assert_eq!(placed["status"], 201, "{placed}");
            assert!(placed["request"].as_str().is_some_and(|id| !id.is_empty()));
            // The same again is the same order, and a read shows one.
            socket.ask(order(2, key)).await;
            let again = socket.hear("the second answer", answer(2)).await;
            assert_eq!(again["status"], 200, "{again}");
            socket
                .ask(json!({"op": "call", "id": 3, "method": "GET", "path": "/api/v1/orders?state=open"}))
                .await;
            let listed = socket.hear("the list", answer(3)).await;
            assert_eq!(listed["status"], 200, "{listed}");
            let id = placed["body"]["orders"][0]["client_order_id"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            assert!(
                listed["body"].to_string().contains(&id) && !id.is_empty(),
                "{placed} {listed}"
            );
            let path = format!("/api/v1/orders/{id}");
            socket
                .ask(json!({"op": "call", "id": 4, "method": "DELETE", "path": path}))
                .await;
            let cancelled = socket.hear("the cancel's answer", answer(4)).await;
            assert!(
                cancelled["status"].as_u64().is_some_and(|status| status < 300),
                "{cancelled}"
            );
            // What is no call is told so, and ends nothing.
            for (id, path) in [
                (5, "/health"),
                (6, "/api/v1/auth/sign-in"),
                (7, "http://elsewhere/api/v1/orders"),
            ] {
                socket
                    .ask(json!({"op": "call", "id": id, "method": "POST", "path": path}))
                    .await;
                let wrong = socket.hear("what is wrong", |said| said["id"] == id).await;
                assert_eq!(wrong["type"], "error", "{wrong}");
            }
        }
        // Who may only look is refused as over HTTP.
        let mut socket = Listener::open(at, &viewer, false).await.unwrap();
        socket.ask(order(1, "c")).await;
        let refused = socket.hear("the refusal", |said| said["id"] == 1).await;
        assert_eq!(refused["status"], 403, "{refused}");
    });
    assert_eq!(home.list("orders").len(), 2);
}

#[test]
fn a_client_that_was_cut_off_goes_on_from_its_number_and_misses_nothing() {
    let home = Home::new();
    let _engine = home.serve(&["--listen", "127.0.0.1:0"]);
    let at = home.port();
    let key = made(&home, "all", &[]);
    until("readiness", || {
        (get(at, "/ready", None).status == 200).then_some(())
    });
    block_on(async {
        let asked = json!({"op": "subscribe", "id": 1, "topic": "orders"});
        let mut first = Listener::open(at, &key, false).await.unwrap();
        first.ask(asked.clone()).await;
        let begun = first
            .hear("orders", |said| said["type"] == "snapshot" && said["id"] == 1)
            .await;
        drop(first);
        home.order("buy 10 AAPL @1");
        let again = |stream: &Value| {
            let mut again = asked.clone();
            again["stream"] = stream.clone();
            again["after"] = begun["number"].clone();
            again
        };
        let mut second = Listener::open(at, &key, false).await.unwrap();
        second.ask(again(&begun["stream"])).await;
        let goes_on = second.hear("going on", |said| said["id"] == 1).await;
        assert_eq!(
            (&goes_on["type"], &goes_on["number"]),
            (&json!("resumed"), &begun["number"])
        );
        let mut number = begun["number"].as_u64().unwrap();
        loop {
            let update = second
                .hear("what was missed", |said| said["type"] == "update")
                .await;
            number += 1;
            assert_eq!(update["number"], number, "one after another");
            if update["data"][0]["phase"] == "working" {
                break;
            }
        }
        // A stream that is not this one is begun anew.
        let mut third = Listener::open(at, &key, false).await.unwrap();
        third.ask(again(&json!(4_711))).await;
        let anew = third.hear("a snapshot", |said| said["id"] == 1).await;
        assert_eq!(anew["type"], "snapshot");
        assert_eq!(anew["data"][0]["phase"], "working");
    });
}

#[test]
fn every_topic_begins_with_what_is_known_and_goes_on_with_what_happens() {
    let home = Home::new();
    let _engine = home.serve(&["--listen", "127.0.0.1:0"]);
    let at = home.port();
    let key = made(&home, "all", &[]);
    until("readiness", || {
        (get(at, "/ready", None).status == 200).then_some(())
    });
    block_on(async {
        let mut listener = Listener::open(at, &key, true).await.unwrap();
        let hello = listener.hear("a greeting", |said| said["type"] == "hello").await;
        let topics: Vec<String> = serde_json::from_value(hello["topics"].clone()).unwrap();
        assert_eq!(topics.len(), 14);
        for (id, topic) in topics.iter().enumerate() {
            let mut asked = json!({"op": "subscribe", "id": id, "topic": topic});
            if ["bars", "depth", "indicators"].contains(&topic.as_str()) {
                // Each says what it lacks.
                listener.ask(asked.clone()).await;
                let said = listener
                    .hear("a complaint", |said| said["type"] == "error" && said["id"] == id)
                    .await;
                assert_eq!(said["code"], "BAD_REQUEST", "{said}");
                asked["symbols"] = json!(["AAPL"]);
            }
            if topic == "indicators" {
                asked["studies"] = json!(["ema 9"]);
                asked["timeframe"] = json!("5m");
            }
            listener.ask(asked).await;
            let begun = listener
                .hear(topic, |said| said["type"] == "snapshot" && said["id"] == id)
                .await;
            let row = &begun["data"][0];
            match topic.as_str() {
                "bars" => {
                    let named = (&row["symbol"], &row["timeframe"]);
                    assert_eq!(named, (&json!("AAPL"), &json!("1m")));
                    let from = row["start"].as_str().unwrap();
                    let path = format!("/api/v1/market/AAPL/bars?from={from}&count=5000");
                    let told = &get(at, &path, Some(&key)).body["items"][0];
                    let same = |field: &str| row[field] == told[field];
                    let all = ["start", "open", "high", "low", "close", "volume", "count"];
                    assert!(all.into_iter().all(same), "{row} is {told}");
                }
                "depth" => assert!(row["bids"][0]["price"].is_string(), "{begun}"),
                "indicators" => assert!(row["studies"][0]["lines"][0]["values"][0].is_string(), "{begun}"),
                "pnl" => assert_eq!(row["account"], "SIM100001"),
                "risk" => assert_eq!(row["trading"], "active"),
                "dashboard" => assert_eq!(row["ready"], true),
                _ => {}
            }
        }
        home.order("buy 10 AAPL");
        let mut waited: Vec<&str> = vec![
            "orders",
            "executions",
            "positions",
            "pnl",
            "risk",
            "notifications",
            "dashboard",
            "bars",
            "indicators",
            "depth",
            "quotes",
        ];
        while !waited.is_empty() {
            let update = listener
                .hear(&format!("{waited:?}"), |said| said["type"] == "update")
                .await;
            waited.retain(|topic| update["topic"] != *topic);
        }
    });
    the_shortest_client_reads_and_listens(&key, at);
}

/// The client of 60 lines in the documents: a read over REST, a snapshot and what follows over the WebSocket.
fn the_shortest_client_reads_and_listens(key: &str, at: SocketAddr) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/client.py");
    assert!(std::fs::read_to_string(script).unwrap().lines().count() <= 60);
    let mut client = std::process::Command::new("python3");
    client
        .args([script, &at.to_string(), "AAPL"])
        .env("TRADEWIND_KEY", key)
        .stdout(std::process::Stdio::piped());
    // Where there is no python3 nothing can be shown.
    let Ok(mut client) = client.spawn() else { return };
    let mut wanted = vec!["held ", "quotes {", "orders {"];
    for line in std::io::BufRead::lines(std::io::BufReader::new(client.stdout.take().unwrap())) {
        let line = line.unwrap();
        wanted.retain(|word| !line.starts_with(word));
        if wanted.is_empty() {
            break;
        }
    }
    let _ = client.kill();
    let _ = client.wait();
    assert!(wanted.is_empty(), "it ended without {wanted:?}");
}

#[test]
fn the_client_in_the_documents_works() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/watch.py");
    let home = Home::new();
    let _engine = home.serve(&["--listen", "127.0.0.1:0", "--tls"]);
    let at = home.port();
    let key = made(&home, "watcher", &[]);
    let pin = home
        .done(&["tls", "show"])
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    until("readiness", || {
        (home.run(&["health", "--ready"]).code == Some(0)).then_some(())
    });
    home.order("buy 10 AAPL @1");
    let watch = |key: &str, place: &str, more: &[&str]| {
        std::process::Command::new("python3")
            .args([script, place, "AAPL", "--count", "5"])
            .args(more)
            .env("TRADEWIND_KEY", key)
            .output()
            .map(crate::harness::Ran::from)
    };
    let place = format!("wss://{at}");
    let Ok(ran) = watch(&key, &place, &["--pin", &pin]) else {
        eprintln!("skipped: no python3 here");
        return;
    };
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out.lines().count(), 5, "{ran:?}");
    assert!(
        ran.out.lines().any(|line| line.starts_with("quotes {")),
        "{ran:?}"
    );
    assert!(
        ran.out.lines().any(|line| line.starts_with("orders {")),
        "{ran:?}"
    );
    // What is wrong is said at once, in words, and the key is shown to nobody else.
    let other = format!("sha256:{}", "0".repeat(64));
    let plain = at.to_string();
    let cases: [(&str, &str, &[&str], &str); 5] = [
        ("", &place, &[], "api-key add"),
        (&key, &plain, &[], "this port is encrypted"),
        (&key, &place, &[], "--pin"),
        (&key, &place, &["--pin", &other], "was not shown"),
        ("tw_wrong", &place, &["--pin", &pin], "UNAUTHENTICATED"),
    ];
    for (key, place, more, word) in cases {
        watch(key, place, more).unwrap().refused(1, &[word]);
    }
}
