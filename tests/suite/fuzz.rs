//! Every parser against inputs that nobody meant: what is valid, changed a little, cut, spliced and swollen, from one seed. A
//! parser reads it or refuses it in words, and never panics, hangs or takes more memory than the input is worth.
//!
//! `TRADEWIND_FUZZ=n` gives each parser so many inputs, for at most `TRADEWIND_FUZZ_MINUTES`, `TRADEWIND_FUZZ_SEED` another beginning. An input that brings a parser
//! down is written into the folder of temporary files of the build, and its path told. Frames of the WebSocket go over a
//! real socket: `TRADEWIND_FUZZ_FRAMES=n`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test: what it counted is printed"
)]

use super::harness::{Home, block_on, until};
use super::oracle_files::{files_in, shared, text};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tradewind::config::Settings;
use tradewind::domain::{Money, Price, Quantity, SafeText, Timestamp};
use tradewind::engine::alerts::grammar::{Names, read};
use tradewind::engine::sentence::{parse, parse_outside};
use tradewind::engine::{Fact, State};
use tradewind::gateway::tws::frame::Frames;
use tradewind::gateway::tws::message::{Incoming, Outgoing};
use tradewind::gateway::tws::{OLDEST, proto};
use tradewind::market::Market;
use tradewind::market::studies::StudySpec;
use tradewind::store::format;
use tradewind::tui::input::Decoder;
use tradewind::tui::panes::watchlist::filter::Filter;
use tradewind::tui::theme::Theme;
use tradewind::venue::tape::Tape;
use tradewind::wire::{ClientMessage, ServerMessage, decode};

/// Inputs of each parser in an ordinary run.
const INPUTS: u64 = 3_000;
/// Frames over the socket in an ordinary run.
const FRAMES: u64 = 3_000;
/// No input is longer: limits of what is read at once have tests of their own.
const LONGEST: usize = 32 * 1024;
/// What parsers like to trip over.
const SPITE: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"-1",
    b"0",
    b"9223372036854775807",
    b"9223372036854775808",
    b"1e308",
    b"-0.0",
    b"NaN",
    b"inf",
    b"2147483647",
    b"1.7976931348623157e308",
    b"\"",
    b"'",
    b"{",
    b"}",
    b"[[[[[[[[",
    b"((((((((",
    b",",
    b"\n",
    b"\r\n",
    b"\t",
    b"=",
    b"\\u0000",
    b"\xe2\x80\xae",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\x92\xb9",
    b"\x1b]52;c;eA==\x07",
    b"\x1b[200~",
    b" ",
    b"\xdf\xff\xff\xff\xff",
    b"\xdd\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
];

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Chance from a seed: splitmix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    /// Below `end`; nought where that is nought.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap();
        usize::try_from(self.next() % end).unwrap()
    }
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.below(length + 1);
        from..from + self.below((length - from).min(64) + 1)
    }
    /// One of the corpus with a few changes.
    fn input(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(5) {
            self.change(&mut input, corpus);
        }
        input.truncate(LONGEST);
        input
    }
    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len());
        let range = self.range(input.len());
        match self.below(9) {
            0 if !input.is_empty() => input[at] ^= 1 << self.below(8),
            1 if !input.is_empty() => input[at] = self.next().to_be_bytes()[0],
            2 => input.truncate(at),
            3 => {
                input.drain(range);
            }
            4 => {
                let again = input[range.clone()].repeat(1 + self.below(40));
                input.splice(range.start..range.start, again);
            }
            5 | 6 => {
                let spite = SPITE[self.below(SPITE.len())];
                let end = if self.below(2) == 0 {
                    range.start
                } else {
                    range.end
                };
                input.splice(range.start..end, spite.iter().copied());
            }
            7 => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => {
                let noise: Vec<u8> = (0..self.below(12))
                    .map(|_| self.next().to_be_bytes()[0])
                    .collect();
                input.splice(range, noise);
            }
        }
    }
}

/// Feeds a parser. What brings it down is kept, so that it can be looked at.
fn feed(name: &str, corpus: &[Vec<u8>], parser: impl Fn(&[u8])) {
    let seed = setting("TRADEWIND_FUZZ_SEED").unwrap_or(1);
    let inputs = setting("TRADEWIND_FUZZ").unwrap_or(INPUTS);
    let mut chance = Chance(seed);
    for valid in corpus {
        parser(valid);
    }
    let until =
        setting("TRADEWIND_FUZZ_MINUTES").map(|minutes| Instant::now() + Duration::from_secs(minutes * 60));
    let mut fed = 0;
    for number in 0..inputs {
        if number % 1_000 == 0 && until.is_some_and(|until| Instant::now() > until) {
            break;
        }
        fed += 1;
        let input = chance.input(corpus);
        if catch_unwind(AssertUnwindSafe(|| parser(&input))).is_err() {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
            std::fs::write(&file, &input).unwrap();
            panic!(
                "{name}: input {number} of seed {seed} brings it down: {}",
                file.display()
            );
        }
    }
    println!(
        "{name}: {fed} inputs of seed {seed}, from {} that are valid",
        corpus.len()
    );
}

fn texts<'a>(all: impl IntoIterator<Item = &'a str>) -> Vec<Vec<u8>> {
    all.into_iter().map(|one| one.as_bytes().to_vec()).collect()
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = std::fs::read_dir(here(folder))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    all.sort();
    all
}

/// Bytes as a parser of text gets them.
fn lossy(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[test]
fn what_people_type() {
    let sentences = texts([
        "buy 100 AAPL @ 189.50 day",
        "b 2 ES @bid stop -8t target 2R oco",
        "buy 100 AAPL @ 189 then sell 100 AAPL @ 195",
        "sell all NVDA mkt",
        "b 10000usd MSFT @mid",
        "b risk 1% TSLA @ask stop 241.20",
        "s 5 ES stp 5001 outside gtd 2026-12-24",
        "b {AAPL,MSFT} 5000usd mkt show 10",
        "x AAPL all",
        "close half AAPL",
        "reverse ES",
        "b 1 AAPL trail 2% loc",
        "b 1 AAPL tpl swing",
    ]);
    feed("sentence", &sentences, |bytes| {
        let text = lossy(bytes);
        for parsed in [parse(&text), parse_outside(&text)] {
            if let Err(error) = parsed {
                assert!(text.get(error.at).is_some(), "it points into the text");
            }
        }
    });
    let alerts = texts([
        "AAPL > 200 and ES < 5000 expires 5d",
        "AAPL crosses above 15m ema 21 repeat 1h",
        "pnl day AAPL < -500 do notify, stage 'buy 3 AAPL @1'",
        "order AAPL working 5m or link sim down 30s",
        "(position ES > 2 or system halted) once",
        "remove all",
        "pause 3",
    ]);
    let (state, market) = (State::default(), Market::default());
    let names = Names {
        state: &state,
        market: &market,
        account: None,
        now: Timestamp(1_700_000_000_000_000_000),
        venue_now: Timestamp(1_700_000_000_000_000_000),
    };
    feed("alert", &alerts, |bytes| {
        let text = lossy(bytes);
        if let Err(error) = read(&text, &names) {
            assert!(text.get(error.at).is_some(), "it points into the text");
        }
    });
    let filters = texts([
        "last > 5 and volume > 1m",
        "% > 2 or (spread < 0.02 and symbol = AAPL)",
        "not position > 0",
    ]);
    feed("filter", &filters, |bytes| {
        let _ = Filter::parse(&lossy(bytes));
    });
    let numbers = texts([
        "189.50",
        "-0.000000001",
        "9223372036.854775807",
        "1m",
        "ema 21",
        "macd 12 26 9",
        "2026-01-05T15:00:00.25Z",
    ]);
    feed("number", &numbers, |bytes| {
        let text = lossy(bytes);
        // What is read says the same when it is written and read again.
        if let Ok(price) = text.parse::<Price>() {
            assert_eq!(price.to_string().parse::<Price>().ok(), Some(price));
        }
        if let Ok(quantity) = text.parse::<Quantity>() {
            assert_eq!(quantity.to_string().parse::<Quantity>().ok(), Some(quantity));
        }
        if let Ok(money) = text.parse::<Money>() {
            assert_eq!(money.to_string().parse::<Money>().ok(), Some(money));
        }
        if let Ok(study) = text.parse::<StudySpec>() {
            assert_eq!(study.to_string().parse::<StudySpec>().ok(), Some(study));
        }
        let _ = Timestamp::parse(&text);
        let safe = SafeText::new(&text);
        assert!(!safe.as_str().chars().any(char::is_control));
    });
    let keys = texts([
        "b100\r",
        "\x1b[200~buy\x1b[201~",
        "\x1b[<0;12;4M",
        "\x1bOP",
        "\x1b[1;5A",
        "\x18f",
        "\u{e9}\u{65e5}",
        "\x1b[0n",
    ]);
    feed("terminal", &keys, |bytes| {
        let mut decoder = Decoder::default();
        let moment = |n: usize| Timestamp(i64::try_from(n).unwrap() * 3_000_000);
        for (n, part) in bytes.chunks(7).enumerate() {
            let _ = decoder.feed(part, moment(n));
        }
        let _ = decoder.feed(&[], moment(1_000_000));
    });
}

#[test]
fn what_files_hold() {
    let config = std::fs::read(here("config.toml")).unwrap();
    let part = |from: usize| config[from * config.len() / 8..].to_vec();
    let mut configs: Vec<Vec<u8>> = (0..8).map(part).collect();
    configs.extend(texts([
        "[limits]\nmax_order_value = \"1000\"\n",
        "[keys]\n\"F2\" = \"buy\"\n",
        "[server]\nlisten = \"127.0.0.1:0\"\n",
    ]));
    feed("config", &configs, |bytes| {
        let _ = Settings::from_text(&lossy(bytes), Path::new("config.toml"), &[]);
    });
    let themes: Vec<Vec<u8>> = files("themes").into_iter().map(|(_, bytes)| bytes).collect();
    feed("theme", &themes, |bytes| {
        let _ = Theme::read("theme", &lossy(bytes));
    });
    // Every version that a kind was ever written in has golden files; none is left out because it is new.
    let newest = Fact::KINDS
        .iter()
        .map(|(kind, _)| format::version_of(*kind))
        .max();
    for version in 1..=newest.unwrap() {
        let mut facts = Vec::new();
        for (name, bytes) in files(&format!("tests/suite/golden/v{version}")) {
            let Some(kind) = name.split('_').next().and_then(|kind| kind.parse::<u16>().ok()) else {
                continue;
            };
            facts.push([kind.to_be_bytes().to_vec(), bytes].concat());
        }
        assert!(
            facts.iter().any(|fact| {
                let (kind, body) = fact.split_first_chunk::<2>().unwrap();
                format::decode(u16::from_be_bytes(*kind), version, body).is_ok()
            }),
            "no golden file of version {version} is read"
        );
        feed(&format!("journal v{version}"), &facts, |bytes| {
            if let Some((kind, body)) = bytes.split_first_chunk::<2>() {
                let _ = format::decode(u16::from_be_bytes(*kind), version, body);
            }
        });
    }
    let folder = tempfile::tempdir().unwrap();
    let tapes = texts([
        "time,symbol,price,size,bid,ask\n2026-01-05T15:00:00Z,AAPL,189.5,100,189.4,189.6\n2026-01-05T15:00:01Z,AAPL,189.6,50,189.5,189.7\n",
        "34200000,1674100,100,Q,0\n34200100,1674200,50,P,0\n",
    ]);
    for name in [
        "t.csv",
        "equity/usa/tick/spy/20131007_trade.csv",
        "equity/usa/minute/spy/20131007_trade.csv",
        "t.csv.gz",
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        feed(&format!("tape {}", name.replace('/', "-")), &tapes, |bytes| {
            // A new file: one that is shortened in place waits for the disk.
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, bytes).unwrap();
            if let Ok(mut tape) = Tape::open(std::slice::from_ref(&path), None) {
                let mut last = Timestamp::MIN;
                while let Some(moment) = tape.take(Timestamp::MAX) {
                    assert!(moment.at >= last, "time goes on");
                    last = moment.at;
                }
            }
        });
    }
}

#[test]
fn what_sockets_bring() {
    let frames =
        |all: &[Incoming]| -> Vec<Vec<u8>> { all.iter().map(|one| one.to_frame()[4..].to_vec()).collect() };
    let stock = proto::Contract {
        symbol: Some("AAPL".into()),
        sec_type: Some("STK".into()),
        exchange: Some("SMART".into()),
        currency: Some("USD".into()),
        ..Default::default()
    };
    let order = proto::Order {
        action: Some("BUY".into()),
        total_quantity: Some("10".into()),
        order_type: Some("LMT".into()),
        lmt_price: Some(189.5),
        tif: Some("DAY".into()),
        ..Default::default()
    };
    let asked = frames(&[
        Incoming::from(proto::StartApiRequest {
            client_id: Some(7),
            ..Default::default()
        }),
        Incoming::from(proto::PlaceOrderRequest {
            order_id: Some(1),
            contract: Some(stock.clone()),
            order: Some(order),
            ..Default::default()
        }),
        Incoming::from(proto::HistoricalDataRequest {
            req_id: Some(9),
            contract: Some(stock),
            bar_size_setting: Some("1 min".into()),
            duration: Some("20 D".into()),
            what_to_show: Some("TRADES".into()),
            ..Default::default()
        }),
    ]);
    feed("TWS protobuf to the gateway", &asked, |bytes| {
        let _ = Incoming::decode(i32::MAX, bytes);
        let _ = Outgoing::decode(bytes);
    });
    let mut fields = texts([
        "71\x002\x007\x00\x00",
        "3\x001\x000\x00AAPL\x00STK\x00\x000\x00\x00\x00SMART\x00\x00USD\x00\x00\x00\x00\x00BUY\x0010\x00LMT\x00189.5\x00\x00DAY\x00",
        "20\x009\x000\x00AAPL\x00STK\x00\x000\x00\x00\x00SMART\x00\x00USD\x00\x00\x000\x00\x001 min\x0020 D\x001\x00TRADES\x002\x000\x00\x00",
        "9\x001\x009\x00AAPL\x00STK\x00",
        "1\x0011\x001\x00265598\x00AAPL\x00STK\x00\x000\x00\x00\x00SMART\x00\x00USD\x00\x00\x000\x00\x000\x000\x00\x00",
    ]);
    if let Some(root) = shared() {
        for file in files_in(&root.join("oracle/tws")) {
            let lines: Vec<String> = text(&file).lines().step_by(40).map(str::to_owned).collect();
            let told = lines
                .iter()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            fields.extend(told.filter_map(|row| {
                let all = row["fields"]
                    .as_array()?
                    .iter()
                    .filter_map(|field| field.as_str());
                Some(all.flat_map(|field| [field.as_bytes(), b"\0"].concat()).collect())
            }));
        }
    }
    feed("TWS text to the gateway", &fields, |bytes| {
        for version in [OLDEST, 200] {
            let _ = Incoming::decode(version, bytes);
        }
    });
    let lengths: Vec<Vec<u8>> = asked
        .iter()
        .map(|body| [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat())
        .collect();
    feed("TWS lengths", &lengths, |bytes| {
        let mut frames = Frames::default();
        for part in bytes.chunks(11) {
            frames.push(part);
            while let Ok(Some(body)) = frames.next_frame() {
                assert!(body.len() <= bytes.len());
            }
        }
    });
    let examples = protocol_examples();
    assert!(examples.len() > 5, "docs/PROTOCOL.md has its examples");
    feed("socket", &examples, |bytes| {
        let _ = decode::<ClientMessage>(bytes);
        let _ = decode::<ServerMessage>(bytes);
    });
}

/// The contents of the messages that docs/PROTOCOL.md has in bytes, without their lengths.
fn protocol_examples() -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(here("docs/PROTOCOL.md")).unwrap();
    let mut all = vec![Vec::new()];
    for line in text.lines() {
        // Sixteen bytes a line, and beside them what of it is text.
        let hex = line.get(..47).unwrap_or(line).trim_end();
        let bytes: Option<Vec<u8>> = hex
            .split(' ')
            .map(|two| u8::from_str_radix(two, 16).ok().filter(|_| two.len() == 2))
            .collect();
        match bytes {
            Some(bytes) => all.last_mut().unwrap().extend(bytes),
            None if all.last().is_some_and(|last| !last.is_empty()) => all.push(Vec::new()),
            None => {}
        }
    }
    all.into_iter()
        .filter_map(|one| Some(one.get(4..)?.to_vec()))
        .collect()
}

/// Whatever crosses it, the WebSocket answers or ends, and the engine goes on trading.
#[test]
fn frames_of_the_websocket_harm_nobody() {
    let home = Home::with("[server.doors]\ncalls_per_address = 0\ncalls_per_key = 0\n");
    let _engine = home.serve(&["--listen", "127.0.0.1:0"]);
    let at = home.port();
    let made = home.done(&["api-key", "add", "fuzz", "--role", "view"]);
    let key = made.lines().next().unwrap().to_owned();
    let corpus: Vec<Vec<u8>> = [
        json!({"op": "subscribe", "id": 1, "topic": "quotes", "symbols": ["AAPL"], "batch_ms": 1000}),
        json!({"op": "subscribe", "id": 2, "topic": "indicators", "symbols": ["AAPL"], "timeframe": "5m", "studies": ["ema 21"]}),
        json!({"op": "subscribe", "id": 3, "topic": "orders", "stream": 9, "after": 3}),
        json!({"op": "unsubscribe", "id": 1}),
        json!({"op": "ping", "token": 7}),
        json!({"op": "call", "id": 4, "method": "GET", "path": "/api/v1/orders?limit=1"}),
        json!({"op": "call", "id": 5, "method": "POST", "path": "/api/v1/orders", "body": {"sentence": "buy 1 AAPL"}, "idempotency_key": "k"}),
    ]
    .iter()
    .flat_map(|said| [said.to_string().into_bytes(), rmp_serde::to_vec_named(said).unwrap()])
    .collect();
    let frames = setting("TRADEWIND_FUZZ_FRAMES").unwrap_or(FRAMES);
    let mut chance = Chance(setting("TRADEWIND_FUZZ_SEED").unwrap_or(1));
    let (mut sent, mut answered, mut ended) = (0, 0u64, 0u64);
    block_on(async {
        while sent < frames {
            let mut request = format!("ws://{at}/ws").into_client_request().unwrap();
            let headers = request.headers_mut();
            headers.insert("authorization", format!("Bearer {key}").parse().unwrap());
            if chance.below(2) == 0 {
                headers.insert("sec-websocket-protocol", "tradewind.v1.json".parse().unwrap());
            }
            let Ok((socket, _)) = connect_async(request).await else {
                continue;
            };
            let (mut say, mut hear) = socket.split();
            let listening = tokio::spawn(async move {
                let mut heard = 0u64;
                while let Some(Ok(_)) = hear.next().await {
                    heard += 1;
                }
                heard
            });
            for _ in 0..500 {
                let input = chance.input(&corpus);
                let message = match String::from_utf8(input) {
                    Ok(text) if chance.below(4) > 0 => Message::Text(text.into()),
                    Ok(text) => Message::Binary(text.into_bytes().into()),
                    Err(error) => Message::Binary(error.into_bytes().into()),
                };
                sent += 1;
                if say.send(message).await.is_err() {
                    ended += 1;
                    break;
                }
            }
            let _ = tokio::time::timeout(Duration::from_secs(10), say.close()).await;
            answered += tokio::time::timeout(Duration::from_secs(60), listening)
                .await
                .unwrap()
                .unwrap();
        }
    });
    println!("websocket: {sent} frames, {answered} answers and updates, {ended} connections ended early");
    assert!(answered > 0);
    until("a fill", || {
        home.order("buy 1 AAPL mkt");
        home.list("executions").first().cloned()
    });
    assert!(home.list("orders").iter().all(|row| row["symbol"] == "AAPL"));
    home.agrees_with_the_exchange();
}
