//! One client, from its greeting to its end. It holds a place in each stream that it reads. What is new there it is sent where
//! it is made, and where that can't be, its writer takes it when it is woken: many messages, one write.

use super::super::Context;
use super::super::replica::Replica;
use super::calls::Calls;
use super::frame::{Asked, Encoding, Framed, PROTOCOL, Said, Wish};
use super::lane::Lane;
use super::stream::{Key, News, Place};
use super::topic::{self, Kind, Params};
use super::upgrade::{Ear, Sealed, Socket};
use crate::domain::{InstrumentId, SafeText};
use crate::market::Timeframe;
use crate::market::studies::StudySpec;
use crate::metrics::metrics;
use crate::server::doors::Caller;
use crate::wire::{Query, Reply};
use futures_util::StreamExt;
use futures_util::future::poll_immediate;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

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

/// How long a goodbye may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// Orders that may wait for the writer: a client that reads nothing is then heard no more either.
const TO_WRITER_MAX: usize = 64;
/// Bytes of room that a writer keeps between its turns.
const ROOM: usize = 16 * 1024;

/// One subscription: where this client is in a stream.
type Topics = BTreeMap<u32, Place>;

/// What is for the writer to do, in order.
pub(super) enum ToWriter {
    /// This, as it stands.
    Say(Framed),
    /// This first, then what its stream tells from here on, in place of what had the name before.
    Begin(u32, Box<Place>, Framed),
    /// Nothing of this name any more.
    Leave(u32),
    /// The end: this goodbye, then the close; the close alone where the client leaves by itself.
    Close(Option<&'static str>),
}

/// Hears a client. What has to be told goes to its writer: a task of its own, so that news wake nothing else.
struct Client {
    heard: WebSocketStream<Ear>,
    to_writer: mpsc::Sender<ToWriter>,
    context: Context,
    caller: Caller,
    encoding: Encoding,
    lane: Arc<Lane>,
    /// The names that are taken.
    topics: BTreeSet<u32>,
    calls: Calls,
}

/// Writes to a client: what it is ordered to, and what is new in the streams that the client reads.
struct Writer {
    lane: Arc<Lane>,
    /// Where the lane has no socket of its own.
    sealed: Option<Sealed>,
    /// What is to be sent in this turn, and how much of it was.
    out: Vec<u8>,
    sent: usize,
    to_writer: mpsc::Receiver<ToWriter>,
    topics: Topics,
    replica: Replica,
    encoding: Encoding,
}

/// Why a topic can't be begun: a stable code, and words.
type Wrong = (&'static str, String);

/// How a connection ends.
enum End {
    /// The client is gone.
    Gone,
    /// It says that it leaves.
    Leaves,
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
            Self::Gone | Self::Leaves => "ended",
            Self::TooSlow(_) => "too_slow",
            Self::Silent => "silent",
            Self::Over => "over",
            Self::Stopping => "stopping",
        }
    }
    /// For the client, where it is there to hear it.
    fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Gone | Self::Leaves => None,
            Self::TooSlow(reason) => Some(reason),
            Self::Silent => Some("nothing was heard for a while"),
            Self::Over => Some("this key or session is over; come in again"),
            Self::Stopping => Some("the engine is stopping"),
        }
    }
}

/// Runs one connection to its end.
pub(super) async fn run(socket: Socket, context: Context, caller: Caller, encoding: Encoding) {
    let Socket { heard, lane, sealed } = socket;
    let (to_writer, told) = mpsc::channel(TO_WRITER_MAX);
    let writer = Writer {
        lane: Arc::clone(&lane),
        sealed,
        out: Vec::new(),
        sent: 0,
        to_writer: told,
        topics: Topics::new(),
        replica: context.replica.clone(),
        encoding,
    };
    let client = Client {
        heard,
        calls: Calls::new(&context, encoding, to_writer.clone()),
        to_writer,
        context,
        caller,
        encoding,
        lane,
        topics: BTreeSet::new(),
    };
    let all = metrics();
    all.clients.of("websocket").add(1);
    let end = client.talk(tokio::spawn(writer.run())).await;
    all.clients.of("websocket").add(-1);
    all.disconnections.of(end.word()).inc();
}

impl Client {
    /// Talks until one of both sides ends it, and sees the writer out.
    async fn talk(mut self, mut writer: JoinHandle<End>) -> End {
        let end = tokio::select! {
            end = self.hear_on() => end,
            end = &mut writer => end.unwrap_or(End::Gone),
        };
        let reason = end.reason();
        if let Some(reason) = reason {
            tracing::info!(name = self.caller.name, reason, "a WebSocket client is let go");
        }
        if !matches!(end, End::Gone) && !writer.is_finished() {
            let goodbye = async {
                let _ = self.to_writer.send(ToWriter::Close(reason)).await;
                let _ = (&mut writer).await;
            };
            let _ = timeout(CLOSE_WITHIN, goodbye).await;
        }
        writer.abort();
        end
    }

    async fn hear_on(&mut self) -> End {
        let build = self.context.about.build.clone();
        let hello = Said::Hello {
            protocol: PROTOCOL,
            build: &build,
            topics: topic::ALL,
        };
        if let Err(end) = self.say(self.encoding.message(&hello)).await {
            return end;
        }
        let mut ping = interval(PING_EVERY);
        let mut heard = true;
        ping.tick().await;
        let mut look = interval(LOOKED_AT_EVERY);
        let mut stop = self.context.stop.clone();
        loop {
            tokio::select! {
                asked = self.heard.next() => {
                    heard = true;
                    match asked {
                        Some(Ok(message)) => if let Err(end) = self.hear(message).await {
                            return end;
                        },
                        Some(Err(_)) | None => return End::Gone,
                    }
                }
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
                    if let Err(end) = self.say(Framed::ping()).await {
                        return end;
                    }
                }
            }
        }
    }

    async fn tell_writer(&mut self, what: ToWriter) -> Result<(), End> {
        self.to_writer.send(what).await.map_err(|_| End::Gone)
    }
    async fn say(&mut self, message: Framed) -> Result<(), End> {
        self.tell_writer(ToWriter::Say(message)).await
    }

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        let bytes = match &message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes.as_ref(),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return Ok(()),
            Message::Close(_) => return Err(End::Leaves),
        };
        let asked = match self.encoding.asked(bytes) {
            Ok(asked) => asked,
            Err(why) => return self.complain(None, "BAD_REQUEST", why).await,
        };
        match asked {
            Asked::Ping { token } => {
                let pong = self.encoding.message(&Said::Pong { token });
                self.say(pong).await
            }
            Asked::Unsubscribe { id } => {
                self.topics.remove(&id);
                self.tell_writer(ToWriter::Leave(id)).await
            }
            Asked::Call(wanted) => {
                let id = wanted.id;
                match self.calls.take(wanted, &self.caller) {
                    Ok(()) => Ok(()),
                    Err((code, why)) => self.complain(Some(id), code, why).await,
                }
            }
            Asked::Subscribe(wish) => match self.begin(&wish).await {
                Ok((place, first)) => {
                    self.tell_writer(ToWriter::Begin(wish.id, Box::new(place), first))
                        .await
                }
                Err((code, why)) => self.complain(Some(wish.id), code, why).await,
            },
        }
    }

    async fn complain(&mut self, id: Option<u32>, code: &str, message: String) -> Result<(), End> {
        let said = self.encoding.message(&Said::Error { id, code, message });
        self.say(said).await
    }

    /// Begins a topic: its first message, which is a snapshot or, where the client had this stream and its window still
    /// reaches so far, that it goes on.
    async fn begin(&mut self, wish: &Wish) -> Result<(Place, Framed), Wrong> {
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
        if self.topics.len() >= TOPICS_MAX && !self.topics.contains(&wish.id) {
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
        // A name that is used again means the new one alone: the writer puts it in place of the old.
        self.topics.insert(wish.id);
        let lane = Arc::clone(&self.lane);
        Ok(stream.join(wish.id, after, lane, &self.context.replica))
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
}

impl Writer {
    /// Writes until the client is let go, is gone or takes no more.
    async fn run(mut self) -> End {
        loop {
            let what = tokio::select! {
                () = self.lane.woken() => None,
                what = self.to_writer.recv() => match what {
                    Some(what) => Some(what),
                    None => return End::Gone,
                },
            };
            let Err(end) = self.turn(what).await else {
                continue;
            };
            if let Some(reason) = end.reason() {
                self.close(Some(reason)).await;
            }
            return end;
        }
    }

    /// One turn: what waits, what is ordered, and what is new in every stream, as one write.
    async fn turn(&mut self, what: Option<ToWriter>) -> Result<(), End> {
        self.lane.begin(&mut self.out);
        match what {
            None => {}
            Some(ToWriter::Say(message)) => self.put(&message),
            Some(ToWriter::Begin(id, place, first)) => {
                self.put(&first);
                place.begin();
                self.topics.insert(id, *place);
            }
            Some(ToWriter::Leave(id)) => {
                self.topics.remove(&id);
            }
            Some(ToWriter::Close(reason)) => {
                self.close(reason).await;
                return Err(End::Gone);
            }
        }
        self.put_news()?;
        self.send().await?;
        self.lane.end();
        Ok(())
    }

    fn put(&mut self, message: &Framed) {
        self.out.extend_from_slice(message.bytes());
    }
    fn put_news(&mut self) -> Result<(), End> {
        for (id, place) in &self.topics {
            match place.stream.since(place.at()) {
                News::Frames(frames, at) => {
                    for frame in frames {
                        self.out.extend_from_slice(frame.bytes());
                    }
                    place.go_to(at);
                }
                // The newest is what counts: all that it missed is replaced.
                News::Gone if !place.stream.key.kind.is_fact() => {
                    metrics().dropped.of("rows").inc();
                    let (at, snapshot) = place.stream.again(*id, &self.replica);
                    self.out.extend_from_slice(snapshot.bytes());
                    place.go_to(at);
                }
                News::Gone => {
                    return Err(End::TooSlow(
                        "too slow: more was told than is kept; subscribe again",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Sends what was put, in the time that a write may take. Where it is given up, what was sent is known.
    async fn send(&mut self) -> Result<(), End> {
        if self.out.is_empty() {
            return Ok(());
        }
        let written = {
            let mut writing = std::pin::pin!(self.write());
            // Nearly always the socket takes it at once, and no clock is asked.
            match poll_immediate(writing.as_mut()).await {
                Some(written) => Ok(written),
                None => timeout(WRITE_WITHIN, writing).await,
            }
        };
        match written {
            Ok(Ok(())) => {
                self.out.clear();
                self.out.shrink_to(ROOM);
                self.sent = 0;
                Ok(())
            }
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::TooSlow("too slow: what was sent was not read")),
        }
    }
    async fn write(&mut self) -> std::io::Result<()> {
        while let Some(rest) = self.out.get(self.sent..).filter(|rest| !rest.is_empty()) {
            self.sent += match &mut self.sealed {
                None => self.lane.write(rest).await?,
                Some(half) => half.write(rest).await?,
            };
        }
        match &mut self.sealed {
            None => Ok(()),
            Some(half) => half.flush().await,
        }
    }

    /// The last words, as far as they are taken.
    async fn close(&mut self, reason: Option<&'static str>) {
        if let Some(reason) = reason {
            let goodbye = self.encoding.message(&Said::Goodbye { reason });
            self.put(&goodbye);
        }
        self.put(&Framed::close(reason));
        let _ = timeout(CLOSE_WITHIN, self.send()).await;
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
