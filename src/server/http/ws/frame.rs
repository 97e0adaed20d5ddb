//! What crosses the WebSocket, and how it becomes bytes. Messages to clients are maps with a `type`; those from clients
//! are maps with an `op`. Decimal numbers are text, times are RFC 3339, unknown is null, as everywhere on this port.

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};

/// The number of this vocabulary: raised when an older client could misread a message.
pub(super) const PROTOCOL: u32 = 2;

/// How messages become bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Encoding {
    /// Msgpack, with names.
    Msgpack,
    /// JSON.
    Json,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Asked {
    /// Begin a topic.
    Subscribe(Wish),
    /// End a topic.
    Unsubscribe {
        /// The client's name for it.
        id: u32,
    },
    /// Make a call of the API.
    Call(Wanted),
    /// Are you there?
    Ping {
        /// Comes back.
        #[serde(default)]
        token: u64,
    },
}

/// A topic that a client wants. `id` is the client's name for it and comes back with its snapshot.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// The client's name for it.
    pub id: u32,
    /// Which topic.
    pub topic: String,
    /// Of which instruments; all that the topic has where none is said.
    #[serde(default)]
    pub symbols: Vec<String>,
    /// Of bars of which length, for `bars` and `indicators`: `5s`, `1m` where nothing is said, `1d`.
    #[serde(default)]
    pub timeframe: Option<String>,
    /// Which indicators, in words: `ema 21`, `macd 12 26 9`.
    #[serde(default)]
    pub studies: Vec<String>,
    /// Milliseconds for which updates are gathered, 0 to 1000; 50 where nothing is said.
    #[serde(default)]
    pub batch_ms: Option<u64>,
    /// The stream that the client had, to go on there.
    #[serde(default)]
    pub stream: Option<u64>,
    /// The number of the last update of that stream that the client has.
    #[serde(default)]
    pub after: Option<u64>,
}

/// A call of the API: what `id` is to the client comes back with the answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// The client's name for it.
    pub id: u32,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Such as `/api/v1/orders?limit=5`.
    pub path: String,
    /// What a request over HTTP would have as its JSON.
    #[serde(default)]
    pub body: Option<Value>,
    /// What a request over HTTP would have as its `Idempotency-Key`.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// To a client.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Said<'a> {
    /// First of all.
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
        /// The engine's build.
        build: &'a str,
        /// The topics there are.
        topics: &'a [&'a str],
    },
    /// All of a topic as it is.
    Snapshot {
        /// The client's name for it.
        id: u32,
        /// The stream that follows: its updates carry this number, and all that read it get the same bytes.
        stream: u64,
        /// Which topic.
        topic: &'a str,
        /// The number of the last update that is contained; the next has the next.
        number: u64,
        /// The last event of the engine that is contained.
        sequence: u64,
        /// Rows.
        data: Vec<Value>,
    },
    /// The client goes on where it was: what it has missed follows.
    Resumed {
        /// The client's name for it.
        id: u32,
        /// The stream.
        stream: u64,
        /// Which topic.
        topic: &'a str,
        /// The number that the client gave.
        number: u64,
    },
    /// What changed since.
    Update {
        /// The stream.
        stream: u64,
        /// Which topic.
        topic: &'a str,
        /// One more than that of the update before.
        number: u64,
        /// The last event of the engine that is contained.
        sequence: u64,
        /// When this was made, by the engine's clock.
        time: String,
        /// The rows are all there are now: what else was told is gone.
        #[serde(skip_serializing_if = "is_false")]
        whole: bool,
        /// Rows that changed, as they are now.
        data: Vec<Value>,
    },
    /// How a call went.
    Answer {
        /// The client's name for it.
        id: u32,
        /// The status that HTTP would have.
        status: u16,
        /// The call's number in the logs and the audit log.
        request: String,
        /// Seconds after which to try again.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
        /// What HTTP would have answered.
        body: Value,
    },
    /// The answer to a ping.
    Pong {
        /// The client's.
        token: u64,
    },
    /// Something could not be done; the connection goes on.
    Error {
        /// The client's name for what it asked, where that could be read.
        id: Option<u32>,
        /// Stable, for programs.
        code: &'a str,
        /// In words.
        message: String,
    },
    /// The last message before the connection is closed.
    Goodbye {
        /// Why.
        reason: &'a str,
    },
}

/// A message as it goes over the wire, its header included: made once, whoever reads it. What comes from this end is not
/// masked (RFC 6455, 5.1), so all get the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Framed(Bytes);

impl Framed {
    fn of(frame: Frame) -> Self {
        let mut bytes = Vec::with_capacity(frame.len());
        // Writing to memory does not fail.
        let _ = frame.format(&mut bytes);
        Self(bytes.into())
    }
    /// Are you there?
    pub(super) fn ping() -> Self {
        Self::of(Frame::ping(Bytes::new()))
    }
    /// The end of a connection that this end ends, with its reason, or the answer to a client that leaves.
    pub(super) fn close(reason: Option<&'static str>) -> Self {
        Self::of(Frame::close(Some(CloseFrame {
            code: match reason {
                Some(_) => CloseCode::Policy,
                None => CloseCode::Normal,
            },
            reason: reason.unwrap_or_default().into(),
        })))
    }
    /// All of it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Encoding {
    /// A message as bytes.
    pub(super) fn bytes(self, said: &Said<'_>) -> Vec<u8> {
        match self {
            Self::Json => serde_json::to_vec(said).unwrap_or_default(),
            Self::Msgpack => rmp_serde::to_vec_named(said).unwrap_or_default(),
        }
    }
    /// A message as it is sent: JSON goes as text, msgpack as bytes.
    pub(super) fn message(self, said: &Said<'_>) -> Framed {
        let kind = match self {
            Self::Json => Data::Text,
            Self::Msgpack => Data::Binary,
        };
        Framed::of(Frame::message(self.bytes(said), OpCode::Data(kind), true))
    }
    /// What a client said. JSON is text; msgpack is read through the same shape, so that both mean the same.
    pub(super) fn asked(self, bytes: &[u8]) -> Result<Asked, String> {
        let value: Value = match self {
            Self::Json => serde_json::from_slice(bytes).map_err(|error| error.to_string())?,
            Self::Msgpack => rmp_serde::from_slice(bytes).map_err(|error| error.to_string())?,
        };
        serde_json::from_value(value).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;

    /// What a message says, taken out of its frame.
    pub(in super::super) fn said(framed: &Framed) -> Value {
        let mut bytes = std::io::Cursor::new(framed.bytes());
        let (header, length) = FrameHeader::parse(&mut bytes).unwrap().unwrap();
        let from = usize::try_from(bytes.position()).unwrap();
        let said = &framed.bytes()[from..];
        assert!(header.is_final && header.mask.is_none() && said.len() as u64 == length);
        match header.opcode {
            OpCode::Data(Data::Text) => serde_json::from_slice(said).unwrap(),
            _ => rmp_serde::from_slice(said).unwrap(),
        }
    }

    #[test]
    fn both_encodings_mean_the_same_and_garbage_is_words() {
        let text = br#"{"op":"subscribe","id":7,"topic":"quotes","symbols":["AAPL"],"batch_ms":0}"#;
        let json = Encoding::Json.asked(text).unwrap();
        let value: Value = serde_json::from_slice(text).unwrap();
        let packed = rmp_serde::to_vec_named(&value).unwrap();
        assert_eq!(Encoding::Msgpack.asked(&packed).unwrap(), json);
        for bad in [
            &b"{}"[..],
            b"[",
            b"\xc1",
            b"{\"op\":\"fly\"}",
            b"",
            b"{\"op\":\"ping\",\"token\":-1}",
        ] {
            assert!(Encoding::Json.asked(bad).is_err());
            assert!(Encoding::Msgpack.asked(bad).is_err());
        }
        let pong = Said::Pong { token: 3 };
        let back = said(&Encoding::Msgpack.message(&pong));
        assert_eq!(back, said(&Encoding::Json.message(&pong)));
        assert_eq!(back["token"], 3);
    }

    /// One of each message, under the name by which the document has it.
    fn examples() -> Vec<(&'static str, String, Vec<u8>)> {
        let said = |name, said: &Said<'_>| {
            let bytes = Encoding::Msgpack.bytes(said);
            (name, serde_json::to_string(said).unwrap(), bytes)
        };
        let asked = |name, asked: Value| {
            let bytes = rmp_serde::to_vec_named(&asked).unwrap();
            Encoding::Msgpack.asked(&bytes).unwrap();
            (name, asked.to_string(), bytes)
        };
        let quote = serde_json::json!({"symbol": "AAPL", "bid": "189.97", "ask": "189.99"});
        vec![
            asked(
                "subscribe",
                serde_json::json!({"op": "subscribe", "id": 1, "topic": "quotes", "symbols": ["AAPL"], "batch_ms": 50}),
            ),
            asked("unsubscribe", serde_json::json!({"op": "unsubscribe", "id": 1})),
            asked("ping", serde_json::json!({"op": "ping", "token": 7})),
            said(
                "hello",
                &Said::Hello {
                    protocol: PROTOCOL,
                    build: "0.1.0",
                    topics: &["quotes", "orders"],
                },
            ),
            said(
                "snapshot",
                &Said::Snapshot {
                    id: 1,
                    stream: 12,
                    topic: "quotes",
                    number: 344,
                    sequence: 81,
                    data: vec![quote.clone()],
                },
            ),
            said(
                "resumed",
                &Said::Resumed {
                    id: 1,
                    stream: 12,
                    topic: "quotes",
                    number: 344,
                },
            ),
            said(
                "update",
                &Said::Update {
                    stream: 12,
                    topic: "quotes",
                    number: 345,
                    sequence: 81,
                    time: "2026-01-05T15:00:00.25Z".to_owned(),
                    whole: false,
                    data: vec![quote],
                },
            ),
            asked(
                "call",
                serde_json::json!({"op": "call", "id": 2, "method": "POST", "path": "/api/v1/orders", "body": {"sentence": "buy 1 AAPL @100"}, "idempotency_key": "a-1"}),
            ),
            said(
                "answer",
                &Said::Answer {
                    id: 2,
                    status: 403,
                    request: "01JH0000000000000000000000".to_owned(),
                    retry_after: None,
                    body: serde_json::json!({"error": {"code": "ROLE", "message": "this wants the role trade"}}),
                },
            ),
            said("pong", &Said::Pong { token: 7 }),
            said(
                "error",
                &Said::Error {
                    id: Some(1),
                    code: "NOT_FOUND",
                    message: "there is no instrument 'NOPE'".to_owned(),
                },
            ),
            said(
                "goodbye",
                &Said::Goodbye {
                    reason: "the engine is stopping",
                },
            ),
        ]
    }

    fn shown(text: &str, bytes: &[u8]) -> String {
        let lines = bytes.chunks(24).map(|line| {
            let line: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            line.join(" ")
        });
        let lines: Vec<String> = lines.collect();
        format!("```text\n{text}\n{}\n```\n", lines.join("\n"))
    }

    #[test]
    fn the_document_has_each_message_with_its_bytes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/WEBSOCKET.md");
        let text = std::fs::read_to_string(path).unwrap();
        let mut wanted = text.clone();
        for (name, told, bytes) in examples() {
            let begin = format!("<!-- example: {name} -->\n");
            let from = wanted.find(&begin).expect(name) + begin.len();
            let length = wanted[from..].find("<!-- /example -->").expect(name);
            wanted.replace_range(from..from + length, &shown(&told, &bytes));
        }
        if std::env::var_os("TRADEWIND_BLESS").is_some() {
            std::fs::write(path, &wanted).unwrap();
        } else {
            assert!(
                wanted == text,
                "TRADEWIND_BLESS=1 cargo test --lib the_document_has writes docs/WEBSOCKET.md anew"
            );
        }
    }
}
