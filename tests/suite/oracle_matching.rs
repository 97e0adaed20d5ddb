//! The book against streams of operations whose events an independent engine wrote down, event for event, and
//! against a few miniature streams of our own. Streams are pairs `NAME.in.jsonl.gz`, `NAME.exp.jsonl.gz`
//! anywhere under `oracle/matching` of `$TRADEWIND_SHARED`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use tradewind::domain::Side;
use tradewind::exchange::book::{
    Algorithm, Book, BookConfig, BookEvent, Modify, NO_OWNER, NewOrder, Op, OrderType, TimeInForce,
};

#[test]
fn oracle_matching_streams() {
    let required = std::env::var("TRADEWIND_REQUIRE_ORACLES").is_ok_and(|v| v == "1");
    let streams = match std::env::var_os("TRADEWIND_SHARED") {
        Some(shared) => find_streams(&Path::new(&shared).join("oracle/matching")),
        None => Vec::new(),
    };
    if streams.is_empty() {
        assert!(
            !required,
            "oracles are required, but no matching stream lies under $TRADEWIND_SHARED"
        );
        println!("no oracles found, skipped");
        return;
    }
    let mut operations = 0;
    for input in &streams {
        let name = input.to_string_lossy().into_owned();
        let expected = PathBuf::from(name.replace(".in.jsonl", ".exp.jsonl"));
        operations += run_stream(&name, &read_lines(input), &read_lines(&expected));
    }
    println!(
        "oracle_matching_streams: {} streams, {operations} operations identical",
        streams.len()
    );
}

/// Every input file under `folder`, at any depth, in a fixed order.
fn find_streams(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.to_string_lossy();
        if path.is_dir() {
            found.extend(find_streams(&path));
        } else if name.ends_with(".in.jsonl.gz") || name.ends_with(".in.jsonl") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read_lines(path: &Path) -> Vec<Value> {
    let file = File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let reader: Box<dyn BufRead> = if path.extension().is_some_and(|e| e == "gz") {
        Box::new(BufReader::new(GzDecoder::new(file)))
    } else {
        Box::new(BufReader::new(file))
    };
    let parse = |(n, line): (usize, std::io::Result<String>)| {
        let line = line.unwrap_or_else(|e| panic!("{}:{}: {e}", path.display(), n + 1));
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{}:{}: {e}", path.display(), n + 1))
    };
    reader.lines().enumerate().map(parse).collect()
}

/// Plays one stream and compares; gives back how many operations it had.
fn run_stream(name: &str, input: &[Value], expected: &[Value]) -> usize {
    let (config, ops) = input.split_first().expect("a stream begins with its config");
    assert_eq!(
        ops.len(),
        expected.len(),
        "{name}: one line of events an operation"
    );
    let mut book = Book::new(book_config(config));
    for (op, want) in ops.iter().zip(expected) {
        let got = json!({ "seq": op["seq"], "ev": play(&mut book, op) });
        assert_eq!(&got, want, "{name}: after {op}");
    }
    ops.len()
}

fn book_config(config: &Value) -> BookConfig {
    let algorithm = match config["algo"].as_str() {
        Some("fifo") => Algorithm::Fifo,
        Some("prorata") => Algorithm::ProRata {
            min_allocation: int(config, "min_alloc").unwrap_or(0),
        },
        other => panic!("unknown algorithm {other:?}"),
    };
    BookConfig {
        algorithm,
        ..BookConfig::default()
    }
}

/// Applies one operation and gives its events as the streams write them.
fn play(book: &mut Book, op: &Value) -> Vec<Value> {
    let mut events = Vec::new();
    book.apply(int(op, "ts").expect("ts"), &parse_op(op), &mut events);
    let mut shown: Vec<Value> = events.iter().map(show).collect();
    if op["op"] == "book" {
        shown.push(show_book(book, op["depth"] == "l3"));
    }
    shown
}

fn int(value: &Value, key: &str) -> Option<i64> {
    value
        .get(key)
        .filter(|v| !v.is_null())
        .map(|v| v.as_i64().unwrap_or_else(|| panic!("{key} in {value}")))
}

fn id(op: &Value) -> u64 {
    op["id"].as_u64().expect("id")
}

fn parse_op(op: &Value) -> Op {
    match op["op"].as_str().expect("op") {
        "new" => Op::New(parse_order(op)),
        "cancel" => Op::Cancel { id: id(op) },
        "modify" => Op::Modify(Modify {
            id: id(op),
            qty: int(op, "qty"),
            price: int(op, "px"),
            stop: int(op, "stop"),
        }),
        "session_end" => Op::SessionEnd,
        "time" | "book" => Op::Time,
        other => panic!("unknown op {other}"),
    }
}

fn parse_order(op: &Value) -> NewOrder {
    // A price that is missing where it is needed is a bad one.
    let (price, stop) = (int(op, "px").unwrap_or(0), int(op, "stop").unwrap_or(0));
    NewOrder {
        id: id(op),
        owner: NO_OWNER,
        side: if op["side"] == "B" { Side::Buy } else { Side::Sell },
        order_type: match op["type"].as_str().expect("type") {
            "limit" => OrderType::Limit { price },
            "market" => OrderType::Market,
            "stop" => OrderType::Stop { stop },
            "stop_limit" => OrderType::StopLimit { stop, price },
            other => panic!("unknown type {other}"),
        },
        tif: match op["tif"].as_str().expect("tif") {
            "GTC" => TimeInForce::Gtc,
            "DAY" => TimeInForce::Day,
            "GTD" => TimeInForce::Gtd(int(op, "exp").unwrap_or(i64::MIN)),
            "IOC" => TimeInForce::Ioc,
            "FOK" => TimeInForce::Fok,
            other => panic!("unknown tif {other}"),
        },
        qty: int(op, "qty").expect("qty"),
        display: int(op, "disp"),
    }
}

fn show(event: &BookEvent) -> Value {
    match *event {
        BookEvent::Accepted { id } => json!({"e": "accepted", "id": id}),
        BookEvent::Rejected { id, why } => json!({"e": "rejected", "id": id, "why": why.code()}),
        BookEvent::Trade(t) => json!({"e": "trade", "px": t.price, "qty": t.qty, "maker": t.maker,
            "taker": t.taker, "side": if t.side == Side::Buy { "B" } else { "S" }}),
        BookEvent::Done { id, why, leaves, .. } => {
            json!({"e": "done", "id": id, "why": why.code(), "leaves": leaves})
        }
        BookEvent::Triggered { id } => json!({"e": "triggered", "id": id}),
        BookEvent::Modified { id, leaves, kept } => {
            json!({"e": "modified", "id": id, "leaves": leaves, "kept": kept})
        }
    }
}

fn show_book(book: &Book, queues: bool) -> Value {
    let side = |side: Side| -> Value {
        if queues {
            book.queues(side).map(|l| json!([l.price, l.orders])).collect()
        } else {
            let qty = |qty: i128| i64::try_from(qty).expect("fits the stream's numbers");
            book.levels(side)
                .map(|l| json!([l.price, qty(l.qty), l.orders]))
                .collect()
        }
    };
    json!({"e": "book", "last": book.last(), "stops": book.pending_stops(),
        "bids": side(Side::Buy), "asks": side(Side::Sell)})
}

/// Runs a stream written as text, `operation => events` a line.
fn miniature(name: &str, config: &str, lines: &str) {
    let mut book = Book::new(book_config(&serde_json::from_str(config).expect("config")));
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (op, want) = line.split_once(" => ").expect("operation => events");
        let mut op: Value = serde_json::from_str(op).expect("operation");
        if op.get("ts").is_none() {
            op["ts"] = json!(0);
        }
        let want: Value = serde_json::from_str(want).expect("events");
        assert_eq!(Value::from(play(&mut book, &op)), want, "{name}: after {op}");
    }
}

#[test]
fn oracle_miniature_iceberg_queues_again_behind_what_is_shown() {
    miniature(
        "iceberg",
        r#"{"algo":"fifo"}"#,
        r#"
{"op":"new","id":1,"side":"S","type":"limit","tif":"GTC","qty":10,"px":100,"disp":4} => [{"e":"accepted","id":1}]
{"op":"new","id":2,"side":"S","type":"limit","tif":"GTC","qty":3,"px":100} => [{"e":"accepted","id":2}]
{"op":"new","id":3,"side":"B","type":"limit","tif":"IOC","qty":8,"px":100} => [{"e":"accepted","id":3},{"e":"trade","px":100,"qty":4,"maker":1,"taker":3,"side":"B"},{"e":"trade","px":100,"qty":3,"maker":2,"taker":3,"side":"B"},{"e":"done","id":2,"why":"filled","leaves":0},{"e":"trade","px":100,"qty":1,"maker":1,"taker":3,"side":"B"},{"e":"done","id":3,"why":"filled","leaves":0}]
{"op":"book"} => [{"e":"book","last":100,"stops":[],"bids":[],"asks":[[100,3,1]]}]
{"op":"book","depth":"l3"} => [{"e":"book","last":100,"stops":[],"bids":[],"asks":[[100,[[1,3,2]]]]}]
{"op":"new","id":4,"side":"B","type":"limit","tif":"FOK","qty":6,"px":100} => [{"e":"accepted","id":4},{"e":"done","id":4,"why":"fok","leaves":6}]
{"op":"modify","id":1,"qty":8} => [{"e":"modified","id":1,"leaves":3,"kept":true}]
{"op":"book","depth":"l3"} => [{"e":"book","last":100,"stops":[],"bids":[],"asks":[[100,[[1,3,0]]]]}]
"#,
    );
}

#[test]
fn oracle_miniature_stops_cascade_in_order_of_acceptance() {
    miniature(
        "stops",
        r#"{"algo":"fifo"}"#,
        r#"
{"op":"new","id":1,"side":"B","type":"limit","tif":"GTC","qty":1,"px":100} => [{"e":"accepted","id":1}]
{"op":"new","id":2,"side":"B","type":"limit","tif":"GTC","qty":1,"px":99} => [{"e":"accepted","id":2}]
{"op":"new","id":3,"side":"B","type":"limit","tif":"GTC","qty":1,"px":98} => [{"e":"accepted","id":3}]
{"op":"new","id":9,"side":"S","type":"stop","tif":"GTC","qty":1,"stop":99} => [{"e":"accepted","id":9}]
{"op":"new","id":7,"side":"S","type":"stop_limit","tif":"GTC","qty":5,"stop":100,"px":99} => [{"e":"accepted","id":7}]
{"op":"new","id":5,"side":"S","type":"market","tif":"GTC","qty":1} => [{"e":"accepted","id":5},{"e":"trade","px":100,"qty":1,"maker":1,"taker":5,"side":"S"},{"e":"done","id":1,"why":"filled","leaves":0},{"e":"done","id":5,"why":"filled","leaves":0},{"e":"triggered","id":7},{"e":"trade","px":99,"qty":1,"maker":2,"taker":7,"side":"S"},{"e":"done","id":2,"why":"filled","leaves":0},{"e":"triggered","id":9},{"e":"trade","px":98,"qty":1,"maker":3,"taker":9,"side":"S"},{"e":"done","id":3,"why":"filled","leaves":0},{"e":"done","id":9,"why":"filled","leaves":0}]
{"op":"book"} => [{"e":"book","last":98,"stops":[],"bids":[],"asks":[[99,4,1]]}]
{"op":"new","id":7,"side":"S","type":"market","tif":"GTC","qty":1} => [{"e":"rejected","id":7,"why":"duplicate_id"}]
"#,
    );
}

#[test]
fn oracle_miniature_pro_rata_gives_the_rest_first_come_first_served() {
    miniature(
        "prorata",
        r#"{"algo":"prorata","min_alloc":2}"#,
        r#"
{"op":"new","id":1,"side":"S","type":"limit","tif":"GTC","qty":1,"px":50} => [{"e":"accepted","id":1}]
{"op":"new","id":2,"side":"S","type":"limit","tif":"GTC","qty":6,"px":50} => [{"e":"accepted","id":2}]
{"op":"new","id":3,"side":"S","type":"limit","tif":"GTC","qty":13,"px":50} => [{"e":"accepted","id":3}]
{"op":"new","id":4,"side":"B","type":"market","tif":"IOC","qty":10} => [{"e":"accepted","id":4},{"e":"trade","px":50,"qty":1,"maker":1,"taker":4,"side":"B"},{"e":"done","id":1,"why":"filled","leaves":0},{"e":"trade","px":50,"qty":3,"maker":2,"taker":4,"side":"B"},{"e":"trade","px":50,"qty":6,"maker":3,"taker":4,"side":"B"},{"e":"done","id":4,"why":"filled","leaves":0}]
{"op":"book"} => [{"e":"book","last":50,"stops":[],"bids":[],"asks":[[50,10,2]]}]
"#,
    );
}

#[test]
fn oracle_miniature_dates_end_in_order_of_date_then_acceptance() {
    miniature(
        "dates",
        r#"{"algo":"fifo"}"#,
        r#"
{"op":"new","id":1,"side":"B","type":"limit","tif":"GTD","qty":1,"px":10,"exp":50} => [{"e":"accepted","id":1}]
{"op":"new","id":2,"side":"B","type":"limit","tif":"GTD","qty":1,"px":10,"exp":40} => [{"e":"accepted","id":2}]
{"op":"new","id":3,"side":"S","type":"stop","tif":"GTD","qty":1,"stop":5,"exp":40} => [{"e":"accepted","id":3}]
{"op":"new","id":4,"side":"B","type":"limit","tif":"DAY","qty":1,"px":9} => [{"e":"accepted","id":4}]
{"op":"modify","id":1,"px":11} => [{"e":"modified","id":1,"leaves":1,"kept":false}]
{"op":"cancel","id":1,"ts":50} => [{"e":"done","id":2,"why":"expired","leaves":1},{"e":"done","id":3,"why":"expired","leaves":1},{"e":"done","id":1,"why":"expired","leaves":1},{"e":"rejected","id":1,"why":"unknown_id"}]
{"op":"session_end","ts":50} => [{"e":"done","id":4,"why":"day_end","leaves":1}]
"#,
    );
}
