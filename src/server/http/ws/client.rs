//! One client, from its greeting to its end. It holds a place in each stream that it reads, and takes what is new there
//! whenever it is woken: many messages, one write.

use super::super::Context;
use super::calls::Calls;
use super::frame::{Asked, Encoding, PROTOCOL, Said, Wish};
use super::stream::{Key, News, Place};
use super::topic::{self, Kind, Params};
use crate::domain::{InstrumentId, SafeText};
use crate::market::Timeframe;
use crate::market::studies::StudySpec;
use crate::metrics::metrics;
use crate::server::doors::Caller;
use crate::wire::{Query, Reply};
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::SinkExt;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{interval, timeout};

/// Updates are gathered for so long where nothing is said.
const USUAL_BATCH: Duration = Duration::from_millis(50);
/// The longest that a client may ask for.
const LONGEST_BATCH: Duration = Duration::from_secs(1);
/// Instruments of one topic that rests on books or bars, which brokers count.
const SYMBOLS_MAX: usize = 8;
/// Indicators of one topic.
const STUDIES_MAX: usize = 8;
/// Topics of one client.
const TOPICS_MAX: usize = 64;
/// How long one write may take.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// A client that has said nothing for this long is asked whether it is there, and let go when it does not answer by the next.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How soon a client is let go whose key or session is over.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// One subscription: where this client is in a stream.
type Topics = BTreeMap<u32, Place>;

struct Client {
    socket: WebSocket,
    context: Context,
    caller: Caller,
    encoding: Encoding,
    wake: Arc<Notify>,
    topics: Topics,
    calls: Calls,
}

/// Why a topic can't be begun: a stable code, and words.
type Wrong = (&'static str, String);

/// How a connection ends.
enum End {
    /// The client is gone.
    Gone,
    /// It does not take what it is told.
    TooSlow(&'static str),
    /// Nothing was heard of it.
    Silent,
    /// What it came in by holds no more.
    Over,
    /// The engine stops.
    Stopping,
}

impl End {
    /// For the figures.
    fn word(&self) -> &'static str {
        match self {
            Self::Gone => "ended",
            Self::TooSlow(_) => "too_slow",
            Self::Silent => "silent",
            Self::Over => "over",
            Self::Stopping => "stopping",
        }
    }
    /// For the client, where it is there to hear it.
    fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Gone => None,
            Self::TooSlow(reason) => Some(reason),
            Self::Silent => Some("nothing was heard for a while"),
            Self::Over => Some("this key or session is over; come in again"),
            Self::Stopping => Some("the engine is stopping"),
        }
    }
}

/// Runs one connection to its end.
pub(super) async fn run(socket: WebSocket, context: Context, caller: Caller, encoding: Encoding) {
    let calls = Calls::new(&context, encoding);
    let mut client = Client {
        socket,
        calls,
        context,
        caller,
        encoding,
        wake: Arc::default(),
        topics: Topics::new(),
    };
    let all = metrics();
    all.clients.of("websocket").add(1);
    let end = client.talk().await;
    all.clients.of("websocket").add(-1);
    all.disconnections.of(end.word()).inc();
    if let Some(reason) = end.reason() {
        tracing::info!(name = client.caller.name, reason, "a WebSocket client is let go");
        let _ = timeout(Duration::from_secs(1), client.close(reason)).await;
    }
}

impl Client {
    async fn talk(&mut self) -> End {
        let build = self.context.about.build.clone();
        let hello = Said::Hello {
            protocol: PROTOCOL,
            build: &build,
            topics: topic::ALL,
        };
        let hello = self.encoding.message(&hello);
        if let Err(end) = self.send(vec![hello]).await {
            return end;
        }
        let wake = Arc::clone(&self.wake);
        let mut ping = interval(PING_EVERY);
        let mut heard = true;
        ping.tick().await;
        let mut look = interval(LOOKED_AT_EVERY);
        let mut stop = self.context.stop.clone();
        loop {
            tokio::select! {
                asked = self.socket.recv() => {
                    heard = true;
                    match asked {
                        Some(Ok(message)) => if let Err(end) = self.hear(message).await {
                            return end;
                        },
                        Some(Err(_)) | None => return End::Gone,
                    }
                }
                Some(answer) = self.calls.next() => if let Err(end) = self.send(vec![answer]).await {
                    return end;
                },
                () = wake.notified() => if let Err(end) = self.tell().await {
                    return end;
                },
                _ = stop.changed() => return End::Stopping,
                _ = look.tick() => {
                    let now = (self.context.about.clock)();
                    if !self.context.doors.is_still_good(&self.caller, now) {
                        return End::Over;
                    }
                }
                _ = ping.tick() => {
                    if !std::mem::take(&mut heard) {
                        return End::Silent;
                    }
                    if timeout(WRITE_WITHIN, self.socket.send(Message::Ping(Bytes::new()))).await.is_err() {
                        return End::Gone;
                    }
                }
            }
        }
    }

    /// Sends what is new in every stream, as one write.
    async fn tell(&mut self) -> Result<(), End> {
        let mut messages = Vec::new();
        for (id, place) in &mut self.topics {
            match place.stream.since(place.at) {
                News::Frames(frames, at) => {
                    messages.extend(frames);
                    place.at = at;
                }
                // The newest is what counts: all that it missed is replaced.
                News::Gone if !place.stream.key.kind.is_fact() => {
                    metrics().dropped.of("rows").inc();
                    let (at, snapshot) = place.stream.again(*id, &self.context.replica);
                    messages.push(snapshot);
                    place.at = at;
                }
                News::Gone => {
                    return Err(End::TooSlow(
                        "too slow: more was told than is kept; subscribe again",
                    ));
                }
            }
        }
        self.send(messages).await
    }

    /// Sends messages as one write.
    async fn send(&mut self, messages: Vec<Message>) -> Result<(), End> {
        if messages.is_empty() {
            return Ok(());
        }
        let writing = async {
            for message in messages {
                self.socket.feed(message).await?;
            }
            self.socket.flush().await
        };
        match timeout(WRITE_WITHIN, writing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::TooSlow("too slow: what was sent was not read")),
        }
    }

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        let bytes = match &message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes.as_ref(),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::Gone),
        };
        let asked = match self.encoding.asked(bytes) {
            Ok(asked) => asked,
            Err(why) => return self.complain(None, "BAD_REQUEST", why).await,
        };
        match asked {
            Asked::Ping { token } => {
                let pong = self.encoding.message(&Said::Pong { token });
                self.send(vec![pong]).await
            }
            Asked::Unsubscribe { id } => {
                self.topics.remove(&id);
                Ok(())
            }
            Asked::Call(wanted) => {
                let id = wanted.id;
                match self.calls.take(wanted, &self.caller) {
                    Ok(()) => Ok(()),
                    Err((code, why)) => self.complain(Some(id), code, why).await,
                }
            }
            Asked::Subscribe(wish) => match self.begin(&wish).await {
                Ok(first) => {
                    self.send(vec![first]).await?;
                    self.tell().await
                }
                Err((code, why)) => self.complain(Some(wish.id), code, why).await,
            },
        }
    }

    async fn complain(&mut self, id: Option<u32>, code: &str, message: String) -> Result<(), End> {
        let said = self.encoding.message(&Said::Error { id, code, message });
        self.send(vec![said]).await
    }

    /// Begins a topic: its first message, which is a snapshot or, where the client had this stream and its window still
    /// reaches so far, that it goes on.
    async fn begin(&mut self, wish: &Wish) -> Result<Message, Wrong> {
        let word = wish.topic.as_str();
        let kind = Kind::of(word).ok_or_else(|| {
            let all = topic::ALL.join(", ");
            (
                "UNKNOWN_TOPIC",
                format!("there is no topic '{}'; there are {all}", SafeText::new(word)),
            )
        })?;
        let batch = wish.batch_ms.map_or(USUAL_BATCH, Duration::from_millis);
        if batch > LONGEST_BATCH {
            let most = LONGEST_BATCH.as_millis();
            let why = format!("batch_ms {} is out of range; 0 to {most}", batch.as_millis());
            return Err(("BAD_REQUEST", why));
        }
        if self.topics.len() >= TOPICS_MAX && !self.topics.contains_key(&wish.id) {
            return Err(("TOO_MANY", format!("{TOPICS_MAX} topics are open; end one first")));
        }
        let params = self.params(kind, wish)?;
        prepare(&self.context.clone(), kind, &params).await?;
        let key = Key::new(kind, params, batch, self.encoding, &self.caller);
        let stream = self.context.hub.stream(key).ok_or_else(|| {
            let why = "too many different streams are open here; ask for what others ask for, or later";
            ("TOO_MANY", why.to_owned())
        })?;
        let had = wish.stream.zip(wish.after);
        let after = had
            .filter(|(had, _)| *had == stream.number)
            .map(|(_, after)| after);
        // A name that is used again means the new one alone.
        self.topics.remove(&wish.id);
        let (place, first) = stream.join(
            wish.id,
            after,
            self.context.hub.reader(),
            Arc::clone(&self.wake),
            &self.context.replica,
        );
        self.topics.insert(wish.id, place);
        Ok(first)
    }

    fn params(&self, kind: Kind, wish: &Wish) -> Result<Params, Wrong> {
        let bad = |why: String| ("BAD_REQUEST", why);
        let symbols: BTreeSet<InstrumentId> = self.context.replica.read(|known| {
            let found = wish.symbols.iter().map(|symbol| {
                InstrumentId::new(&symbol.to_ascii_uppercase())
                    .ok()
                    .filter(|id| known.state.instruments.contains_key(id))
                    .ok_or_else(|| {
                        let why = format!("there is no instrument '{}'", SafeText::new(symbol));
                        ("NOT_FOUND", why)
                    })
            });
            found.collect::<Result<_, _>>()
        })?;
        if kind.wants_symbols() && !(1..=SYMBOLS_MAX).contains(&symbols.len()) {
            return Err(bad(format!("{} wants symbols, 1 to {SYMBOLS_MAX}", kind.word())));
        }
        let of_bars = matches!(kind, Kind::Bars | Kind::Indicators);
        let timeframe = match wish.timeframe.as_deref().filter(|_| of_bars) {
            Some(word) => Some(
                word.parse::<Timeframe>()
                    .map_err(|error| bad(error.to_string()))?,
            ),
            None => of_bars.then_some(Timeframe::M1),
        };
        let mut studies = Vec::new();
        for word in wish.studies.iter().filter(|_| kind == Kind::Indicators) {
            let spec = word.parse::<StudySpec>();
            studies.push(spec.map_err(|error| bad(error.to_string()))?.to_string());
        }
        if kind == Kind::Indicators && !(1..=STUDIES_MAX).contains(&studies.len()) {
            return Err(bad(format!("indicators wants studies, 1 to {STUDIES_MAX}")));
        }
        Ok(Params {
            symbols,
            timeframe,
            studies,
        })
    }

    async fn close(&mut self, reason: &'static str) {
        let goodbye = self.encoding.message(&Said::Goodbye { reason });
        let _ = self.socket.send(goodbye).await;
        let close = CloseFrame {
            code: axum::extract::ws::close_code::POLICY,
            reason: reason.into(),
        };
        let _ = self.socket.send(Message::Close(Some(close))).await;
    }
}

/// Has what a topic rests on: a book that is watched, bars that go back.
async fn prepare(context: &Context, kind: Kind, params: &Params) -> Result<(), Wrong> {
    let replica = &context.replica;
    for id in params.symbols.iter().filter(|_| kind == Kind::Depth) {
        replica
            .wish(*id, true)
            .await
            .map_err(|error| ("TOO_MANY", error.message))?;
    }
    let Some(timeframe) = params.timeframe else {
        return Ok(());
    };
    for id in &params.symbols {
        if replica.read(|known| known.market.bars(*id, timeframe).len() >= topic::BARS) {
            continue;
        }
        let query = Query::Bars {
            instrument: *id,
            timeframe,
            count: u32::try_from(topic::BARS).unwrap_or(u32::MAX),
        };
        // Without its history a chart begins now.
        if let Ok(Reply::Bars(bars)) = context.ask(query).await {
            replica.learn_bars(*id, timeframe, bars);
        }
    }
    Ok(())
}
