//! The examples in the protocol's document are made here, and held to what is really sent.

use super::facts::{NOW, aapl, events, id, limit, price, quote, text};
use super::{bless, here};
use tradewind::domain::SessionId;
use tradewind::engine::{Actor, Command, Denial, DenialCode, Event, Fact, Legs, Outcome, SessionKind, State};
use tradewind::market::{Bar, Timeframe};
use tradewind::wire::{
    ClientMessage, Hello, Mark, MarketBatch, Message, PROTOCOL_VERSION, Query, Reply, ServerMessage,
    SnapshotMessage, Welcome, decode, encode, frame_limit,
};

/// A dump as in the document: sixteen bytes a line in hex, and what of it is text.
fn dump(bytes: &[u8]) -> String {
    let line = |part: &[u8]| {
        let hex: Vec<String> = part.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = part.iter().map(|byte| {
            if byte.is_ascii_graphic() {
                char::from(*byte)
            } else {
                '.'
            }
        });
        format!("{:<47}  {}\n", hex.join(" "), shown.collect::<String>())
    };
    bytes.chunks(16).map(line).collect()
}

fn undump(text: &str) -> Vec<u8> {
    let pairs = text
        .lines()
        .flat_map(|line| line.get(..47).unwrap_or("").split_whitespace());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn client_examples() -> Vec<(&'static str, ClientMessage)> {
    let hello = Hello {
        protocol: PROTOCOL_VERSION,
        fold: 1,
        build: text("0.1.0"),
        kind: SessionKind::Shell,
    };
    let legs = Legs {
        stop: Some(price("187")),
        target: None,
        moves: None,
    };
    let command = Command::Submit {
        id: id(),
        spec: limit(),
        legs,
        seen: None,
    };
    let query = Query::Bars {
        instrument: aapl(),
        timeframe: Timeframe::Seconds(60),
        count: 500,
    };
    let watch = ClientMessage::Watch {
        instruments: vec![aapl()],
        depth: Vec::new(),
    };
    let command = ClientMessage::Command {
        token: 1,
        command: Box::new(command),
    };
    let after = Mark {
        sequence: 41,
        hash: 0x0123_4567_89AB_CDEF,
    };
    vec![
        ("Hello", ClientMessage::Hello(hello)),
        ("Subscribe", ClientMessage::Subscribe),
        ("Resume", ClientMessage::Resume { after }),
        ("Watch", watch),
        ("Ping", ClientMessage::Ping { token: 9 }),
        ("Command", command),
        ("Query", ClientMessage::Query { token: 2, query }),
    ]
}

fn server_examples() -> Vec<(&'static str, ServerMessage)> {
    let welcome = Welcome {
        protocol: PROTOCOL_VERSION,
        fold: 1,
        build: text("0.1.0"),
        session: SessionId(3),
        kind: SessionKind::Shell,
        prefix: text("TW"),
        venue_offset_ns: 0,
        venue_speed_milli: 1000,
    };
    let bar = Bar {
        start: NOW,
        open: price("189.4"),
        high: price("189.6"),
        low: price("189.4"),
        close: price("189.5"),
        volume: 30_000_000_000,
        value: 5_684_000_000_000_000_000_000,
        count: 3,
        revision: 2,
    };
    let market = MarketBatch {
        quotes: vec![quote()],
        gaps: vec![aapl()],
        bars: vec![(aapl(), Timeframe::Seconds(60), bar)],
        ..MarketBatch::default()
    };
    let event = Event {
        sequence: 41,
        at: NOW,
        batch: 41,
        actor: Actor::Session(SessionId(3)),
        cause: None,
        fact: Fact::CancelRequested { id: id() },
    };
    let denial = Denial::new(DenialCode::Collar, "the nearest price allowed is 195.18");
    let reason = text("the engine is stopping");
    let reply = Reply::Failed {
        reason: text("no such instrument"),
    };
    let outcome = Outcome::Denied(denial);
    vec![
        ("Welcome", ServerMessage::Welcome(welcome)),
        ("Goodbye", ServerMessage::Goodbye { reason }),
        ("Resumed", ServerMessage::Resumed),
        ("Market", ServerMessage::Market(market)),
        ("Pong", ServerMessage::Pong { token: 9 }),
        ("Events", ServerMessage::Events(vec![event])),
        ("Outcome", ServerMessage::Outcome { token: 1, outcome }),
        ("Reply", ServerMessage::Reply { token: 2, reply }),
    ]
}

/// Puts the dump of `bytes` behind its mark in the document.
fn put_example(document: &mut String, mark: &str, bytes: &[u8]) {
    let begin = document
        .find(mark)
        .unwrap_or_else(|| panic!("{mark} is not in the document"))
        + mark.len();
    let old = document[begin..].strip_prefix("\n```text\n").map_or(0, |rest| {
        "\n```text\n".len() + rest.find("```").expect("an open block") + "```".len()
    });
    document.replace_range(begin..begin + old, &format!("\n```text\n{}```", dump(bytes)));
}

fn example<'a>(document: &'a str, mark: &str) -> &'a str {
    let block = document
        .split_once(mark)
        .and_then(|(_, rest)| rest.strip_prefix("\n```text\n"));
    block
        .and_then(|rest| rest.split_once("```"))
        .unwrap_or_else(|| panic!("{mark} has no example"))
        .0
}

fn check_examples<M: Message + PartialEq + std::fmt::Debug>(document: &mut String, examples: &[(&str, M)]) {
    for (name, message) in examples {
        let mark = format!("<!-- example: {} {name} -->", M::FROM);
        let frame = encode(message).unwrap();
        if bless() {
            put_example(document, &mark, &frame);
        }
        let shown = undump(example(document, &mark));
        let size = frame_limit::<M>(shown[..4].try_into().unwrap()).unwrap();
        assert_eq!(size + 4, shown.len(), "{mark}");
        assert_eq!(&decode::<M>(&shown[4..]).unwrap(), message, "{mark}");
        assert_eq!(shown, frame, "{mark} is written differently now");
    }
}

#[test]
fn the_examples_in_the_protocol_document_are_what_is_sent() {
    let path = here("docs/PROTOCOL.md");
    let mut document = std::fs::read_to_string(&path).unwrap();
    check_examples(&mut document, &client_examples());
    check_examples(&mut document, &server_examples());
    if bless() {
        std::fs::write(&path, &document).unwrap();
    }
    let version = format!("- `protocol` is {PROTOCOL_VERSION}. ");
    assert!(
        document.contains(&version),
        "docs/PROTOCOL.md does not say: {version}"
    );
    let marks = document.matches("<!-- example: ").count();
    assert_eq!(
        marks,
        client_examples().len() + server_examples().len(),
        "an example that nothing checks"
    );
}

/// The names that a type of the protocol has, as its reader tells them to who gets one wrong.
fn names<T: serde::de::DeserializeOwned>(wrong: &str) -> Vec<String> {
    let error = match serde_json::from_str::<T>(wrong) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{wrong} is taken"),
    };
    let (_, list) = error.split_once("expected one of ").unwrap();
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_protocol_document_has_every_command_query_and_message() {
    let document = std::fs::read_to_string(here("docs/PROTOCOL.md")).unwrap();
    let own = ["open_session", "close_session", "name_session", "open_program"];
    let mut all = names::<Command>(r#"{"command":"?"}"#);
    assert!(all.len() > 30, "{all:?}");
    all.retain(|name| !own.contains(&name.as_str()));
    all.extend(names::<Query>(r#""?""#));
    all.extend(names::<ClientMessage>(r#""?""#));
    all.extend(names::<ServerMessage>(r#""?""#));
    let missing: Vec<&String> = all
        .iter()
        .filter(|name| !document.contains(&format!("\n| `{name}` |")))
        .collect();
    assert!(missing.is_empty(), "docs/PROTOCOL.md has no row for {missing:?}");
}

/// A whole state crosses the socket and the disk in the same encoding.
#[test]
fn a_state_crosses_the_protocol_unchanged() {
    let mut state = State::default();
    events(1, 120).iter().for_each(|event| state.apply(event));
    assert!(!state.orders.is_empty() && !state.ledgers.is_empty() && !state.instruments.is_empty());
    let message = ServerMessage::Snapshot(Box::new(SnapshotMessage { state, now: NOW }));
    let frame = encode(&message).unwrap();
    assert_eq!(decode::<ServerMessage>(&frame[4..]).unwrap(), message);
}
