//! One client, from its greeting to its end. It takes what the engine tells out of the shared ring, keeps the newest row of
//! each name that is not sent yet, and sends a topic's rows when its time has come: many messages, one write.

use super::super::Context;
use super::frame::{Asked, Encoding, PROTOCOL, Said};
use super::topic::{self, Kind, Rows, Symbols};
use crate::domain::InstrumentId;
use crate::metrics::metrics;
use crate::server::doors::Caller;
use crate::server::handle::Told;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::SinkExt;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, interval, sleep_until, timeout};

/// Updates are gathered for so long where nothing is said.
const USUAL_BATCH: Duration = Duration::from_millis(50);
/// The longest that a client may ask for.
const LONGEST_BATCH_MS: u64 = 1_000;
/// Topics of one client.
const TOPICS_MAX: usize = 64;
/// How long one write may take.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// A client that has said nothing for this long is asked whether it is there, and let go when it does not answer by the next.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Rows of prints that may wait: more of them are left out, and the gap shows in their numbers.
const PRINTS_MAX: usize = 2_000;

/// One subscription.
struct Topic {
    kind: Kind,
    symbols: Symbols,
    batch: Duration,
    waiting: Rows,
    sequence: u64,
    due: Option<Instant>,
}

struct Client {
    socket: WebSocket,
    context: Context,
    caller: Caller,
    encoding: Encoding,
    topics: BTreeMap<u32, Topic>,
}

/// How a connection ends: with a reason for the client, or without one because it is gone.
type End = Option<&'static str>;

/// Runs one connection to its end.
pub(super) async fn run(socket: WebSocket, context: Context, caller: Caller, encoding: Encoding) {
    let mut client = Client {
        socket,
        context,
        caller,
        encoding,
        topics: BTreeMap::new(),
    };
    let all = metrics();
    all.clients.of("websocket").add(1);
    let end = client.talk().await;
    all.clients.of("websocket").add(-1);
    let how = match end {
        Some(reason) if reason.starts_with("too slow") => "too_slow",
        Some(reason) if reason.starts_with("nothing was heard") => "silent",
        Some(_) => "stopping",
        None => "ended",
    };
    all.disconnections.of(how).inc();
    if let Some(reason) = end {
        tracing::info!(name = client.caller.name, reason, "a WebSocket client is let go");
        let _ = timeout(Duration::from_secs(1), client.close(reason)).await;
    }
}

impl Client {
    async fn talk(&mut self) -> End {
        let mut told = self.context.replica.listen();
        let build = self.context.about.build.clone();
        let hello = Said::Hello {
            protocol: PROTOCOL,
            build: &build,
            topics: topic::ALL,
        };
        let hello = self.encoding.bytes(&hello);
        if let Err(end) = self.send(vec![hello]).await {
            return end;
        }
        let mut ping = interval(PING_EVERY);
        let mut heard = true;
        ping.tick().await;
        loop {
            let due = self.topics.values().filter_map(|topic| topic.due).min();
            let until = due.unwrap_or_else(|| Instant::now() + PING_EVERY);
            tokio::select! {
                biased;
                asked = self.socket.recv() => {
                    heard = true;
                    match asked {
                        Some(Ok(message)) => if let Err(end) = self.hear(message).await {
                            return end;
                        },
                        Some(Err(_)) | None => return None,
                    }
                }
                message = told.recv() => match message {
                    Ok(message) => self.note(&message),
                    Err(RecvError::Lagged(_)) => return Some("too slow: more was told than is kept; subscribe again"),
                    Err(RecvError::Closed) => return Some("the engine is stopping"),
                },
                () = sleep_until(until), if due.is_some() => {}
                _ = ping.tick() => {
                    if !std::mem::take(&mut heard) {
                        return Some("nothing was heard for a while");
                    }
                    if timeout(WRITE_WITHIN, self.socket.send(Message::Ping(Bytes::new()))).await.is_err() {
                        return None;
                    }
                }
            }
            if let Err(end) = self.flush().await {
                return end;
            }
        }
    }

    /// Notes which rows something told changes.
    fn note(&mut self, told: &Told) {
        let (topics, caller) = (&mut self.topics, &self.caller);
        let now = Instant::now();
        self.context.replica.read(|known| {
            for topic in topics.values_mut() {
                let rows = topic::changed(topic.kind, &topic.symbols, told, known, caller);
                if rows.is_empty() {
                    continue;
                }
                topic.sequence = known.state.sequence;
                topic.waiting.extend(rows);
                while topic.kind == Kind::Prints && topic.waiting.len() > PRINTS_MAX {
                    topic.waiting.pop_first();
                    metrics().dropped.of("rows").inc();
                }
                // A fact waits for nothing.
                let batch = if topic.kind.is_fact() {
                    Duration::ZERO
                } else {
                    topic.batch
                };
                topic.due.get_or_insert(now + batch);
            }
        });
    }

    /// Sends the topics whose time has come.
    async fn flush(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let mut messages = Vec::new();
        for (id, topic) in &mut self.topics {
            if topic.due.is_none_or(|due| due > now) {
                continue;
            }
            topic.due = None;
            let update = Said::Update {
                id: *id,
                topic: topic.kind.word(),
                sequence: topic.sequence,
                data: std::mem::take(&mut topic.waiting).into_values().collect(),
            };
            messages.push(self.encoding.bytes(&update));
        }
        self.send(messages).await
    }

    /// Sends messages as one write.
    async fn send(&mut self, messages: Vec<Vec<u8>>) -> Result<(), End> {
        if messages.is_empty() {
            return Ok(());
        }
        let writing = async {
            for bytes in messages {
                self.socket.feed(message(self.encoding, bytes)).await?;
            }
            self.socket.flush().await
        };
        match timeout(WRITE_WITHIN, writing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(None),
            Err(_) => Err(Some("too slow: what was sent was not read")),
        }
    }

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        let bytes = match &message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes.as_ref(),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(None),
        };
        let asked = match self.encoding.asked(bytes) {
            Ok(asked) => asked,
            Err(why) => return self.complain(None, "BAD_REQUEST", why).await,
        };
        match asked {
            Asked::Ping { token } => {
                let pong = self.encoding.bytes(&Said::Pong { token });
                self.send(vec![pong]).await
            }
            Asked::Unsubscribe { id } => {
                self.topics.remove(&id);
                Ok(())
            }
            Asked::Subscribe {
                id,
                topic,
                symbols,
                batch_ms,
                after,
            } => match self.begin(id, &topic, &symbols, batch_ms, after) {
                Ok(snapshot) => self.send(vec![snapshot]).await,
                Err((code, why)) => self.complain(Some(id), code, why).await,
            },
        }
    }

    async fn complain(&mut self, id: Option<u32>, code: &str, message: String) -> Result<(), End> {
        let said = self.encoding.bytes(&Said::Error { id, code, message });
        self.send(vec![said]).await
    }

    /// Begins a topic and answers with its snapshot. What is told between the two is in the ring, and repeats at worst.
    fn begin(
        &mut self,
        id: u32,
        word: &str,
        symbols: &[String],
        batch_ms: Option<u64>,
        after: Option<u64>,
    ) -> Result<Vec<u8>, (&'static str, String)> {
        let kind = Kind::of(word).ok_or_else(|| {
            let all = topic::ALL.join(", ");
            (
                "UNKNOWN_TOPIC",
                format!("there is no topic '{word}'; there are {all}"),
            )
        })?;
        let batch_ms = batch_ms.unwrap_or(u64::try_from(USUAL_BATCH.as_millis()).unwrap_or(50));
        if batch_ms > LONGEST_BATCH_MS {
            return Err((
                "BAD_REQUEST",
                format!("batch_ms {batch_ms} is out of range; 0 to {LONGEST_BATCH_MS}"),
            ));
        }
        if self.topics.len() >= TOPICS_MAX && !self.topics.contains_key(&id) {
            return Err(("TOO_MANY", format!("{TOPICS_MAX} topics are open; end one first")));
        }
        let caller = &self.caller;
        let begun = self.context.replica.read(|known| {
            let mut wanted = Symbols::new();
            for symbol in symbols {
                let found = InstrumentId::new(&symbol.to_ascii_uppercase())
                    .ok()
                    .filter(|id| known.state.instruments.contains_key(id));
                wanted.insert(found.ok_or_else(|| symbol.clone())?);
            }
            // Nothing happened since: the client has it all.
            let fresh = after == Some(known.state.sequence) && kind.is_fact();
            let rows = if fresh {
                Rows::new()
            } else {
                topic::all(kind, &wanted, known, caller)
            };
            Ok::<_, String>((wanted, rows, known.state.sequence))
        });
        let (symbols, rows, sequence) =
            begun.map_err(|symbol| ("NOT_FOUND", format!("there is no instrument '{symbol}'")))?;
        let snapshot = Said::Snapshot {
            id,
            topic: kind.word(),
            sequence,
            data: rows.into_values().collect(),
        };
        let snapshot = self.encoding.bytes(&snapshot);
        self.topics.insert(
            id,
            Topic {
                kind,
                symbols,
                batch: Duration::from_millis(batch_ms),
                waiting: Rows::new(),
                sequence,
                due: None,
            },
        );
        Ok(snapshot)
    }

    async fn close(&mut self, reason: &'static str) {
        let goodbye = self.encoding.bytes(&Said::Goodbye { reason });
        let _ = self.socket.send(message(self.encoding, goodbye)).await;
        let close = CloseFrame {
            code: axum::extract::ws::close_code::POLICY,
            reason: reason.into(),
        };
        let _ = self.socket.send(Message::Close(Some(close))).await;
    }
}

/// JSON goes as text, msgpack as bytes.
fn message(encoding: Encoding, bytes: Vec<u8>) -> Message {
    match encoding {
        Encoding::Json => String::from_utf8(bytes).map_or_else(
            |error| Message::Binary(error.into_bytes().into()),
            |text| Message::Text(text.into()),
        ),
        Encoding::Msgpack => Message::Binary(bytes.into()),
    }
}
