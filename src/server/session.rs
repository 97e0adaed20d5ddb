//! One session: greets, then passes what it is asked to the engine and what it is told to the socket. Reading and writing
//! are two halves that never wait for each other; answers may overtake one another, each carries its token. The same over
//! the socket of this machine and over the network: a pair of streams, and what its door allows.

use super::handle::{QUEUE, Told, Wanted};
use crate::domain::{SafeText, SessionId};
use crate::engine::planted::point;
use crate::engine::programs::Program;
use crate::engine::{FOLD_VERSION, SessionKind};
use crate::wire::{
    ClientMessage, FrameReader, FrameWriter, Hello, Mark, PROTOCOL_VERSION, Query, Reply, ServerMessage,
    Welcome,
};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};

/// A caller that does not greet within this time is let go.
const GREETING_WITHIN: Duration = Duration::from_secs(5);

/// Answers on their way to the socket.
const ANSWERS: usize = 256;

/// What the door by which a session came in allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// The socket of this machine, for this user's own processes: anything.
    Local,
    /// The network: a terminal, and one that only looks where the key allows no more.
    Remote {
        /// Whether the key allows to trade.
        trades: bool,
    },
}

impl Door {
    /// What a session that asks to be `kind` is.
    fn admits(self, kind: SessionKind) -> Result<SessionKind, &'static str> {
        match (self, kind) {
            (Self::Local, kind) => Ok(kind),
            (Self::Remote { .. }, SessionKind::Shell) => {
                Err("only terminals come in by this address; programs use /api/v1 and /ws")
            }
            (Self::Remote { trades: true }, SessionKind::Terminal) => Ok(SessionKind::Terminal),
            (Self::Remote { .. }, _) => Ok(SessionKind::Monitor),
        }
    }
    /// Why a question is not passed on.
    fn refuses(self, kind: SessionKind, query: &Query) -> Option<&'static str> {
        match (self, kind, query) {
            (Self::Remote { .. }, _, Query::Stop) => {
                Some("an engine is stopped on its own machine: 'tradewind stop' there")
            }
            (_, SessionKind::Monitor, Query::Margin { .. }) => {
                Some("a session that only looks asks the broker nothing about orders")
            }
            _ => None,
        }
    }
}

type Reader<R> = FrameReader<R, ClientMessage>;
type Writer<W> = FrameWriter<W, ServerMessage>;

/// Runs a connection to its end.
pub(super) async fn run<R, W>(
    (read, write): (R, W),
    door: Door,
    who: Option<Program>,
    engine: mpsc::Sender<Wanted>,
    stop: watch::Receiver<bool>,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (mut reader, mut writer) = (FrameReader::new(read), FrameWriter::new(write));
    let hello = match tokio::time::timeout(GREETING_WITHIN, reader.read()).await {
        Ok(Ok(Some(ClientMessage::Hello(hello)))) => hello,
        Ok(Ok(None)) | Err(_) => return,
        Ok(Ok(Some(_))) => return goodbye(&mut writer, "the first message has to be a greeting").await,
        Ok(Err(error)) => return goodbye(&mut writer, &error.to_string()).await,
    };
    if let Err(reason) = fits(&hello) {
        return goodbye(&mut writer, &reason).await;
    }
    let kind = match door.admits(hello.kind) {
        Ok(kind) => kind,
        Err(reason) => return goodbye(&mut writer, reason).await,
    };
    let Some(welcome) = open(&engine, kind, who).await else {
        return goodbye(&mut writer, "the engine is stopping").await;
    };
    let session = Session {
        id: welcome.session,
        kind,
        door,
        engine,
    };
    if writer.write(&ServerMessage::Welcome(welcome)).await.is_ok() {
        // Whatever ends it, the engine hears of it: what it held is free for the next.
        let talk = AssertUnwindSafe(session.talk(reader, writer, stop)).catch_unwind();
        if talk.await.is_err() {
            tracing::error!(session = session.id.0, "a session ended in a panic; others go on");
        }
    }
    let _ = session.engine.send(Wanted::Close { session: session.id }).await;
}

/// Same protocol always; the same fold for those that fold.
fn fits(hello: &Hello) -> Result<(), String> {
    let ours = env!("CARGO_PKG_VERSION");
    if hello.protocol != PROTOCOL_VERSION {
        return Err(format!(
            "this engine ({ours}) speaks protocol {PROTOCOL_VERSION}, the caller ({}) {}: restart the engine with 'tradewind restart'",
            hello.build, hello.protocol
        ));
    }
    if hello.fold != FOLD_VERSION {
        return Err(format!(
            "this engine ({ours}) folds version {FOLD_VERSION}, the caller ({}) {}: 'tradewind restart' starts the newer one; working orders stay at the broker",
            hello.build, hello.fold
        ));
    }
    Ok(())
}

async fn open(engine: &mpsc::Sender<Wanted>, kind: SessionKind, who: Option<Program>) -> Option<Welcome> {
    let (answer, opened) = oneshot::channel();
    engine.send(Wanted::Open { kind, who, answer }).await.ok()?;
    opened.await.ok()
}

async fn goodbye<W: AsyncWrite + Unpin>(writer: &mut Writer<W>, reason: &str) {
    tracing::info!(reason, "a caller was turned away");
    let _ = writer
        .write(&ServerMessage::Goodbye {
            reason: SafeText::new(reason),
        })
        .await;
    let _ = writer.close().await;
}

struct Session {
    id: SessionId,
    kind: SessionKind,
    door: Door,
    engine: mpsc::Sender<Wanted>,
}

impl Session {
    async fn talk<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
        &self,
        mut reader: Reader<R>,
        mut writer: Writer<W>,
        mut stop: watch::Receiver<bool>,
    ) {
        let (answers, mut answered) = mpsc::channel::<ServerMessage>(ANSWERS);
        let (queue, mut told) = mpsc::channel::<Told>(QUEUE);
        // Handed over with the first subscription; while it is here, `told` stays open.
        let mut queue = Some(queue);
        let listening = async {
            loop {
                match reader.read().await {
                    Ok(Some(message)) => {
                        if !self.hear(message, &answers, &mut queue).await {
                            return None;
                        }
                    }
                    Ok(None) => return None,
                    Err(error) => return Some(error.to_string()),
                }
            }
        };
        let telling = async {
            loop {
                let message = tokio::select! {
                    biased;
                    Some(answer) = answered.recv() => answer,
                    told = told.recv() => match told {
                        Some(told) => message(told),
                        None => return Some("too slow: more was told than the queue holds; attach again".to_owned()),
                    },
                };
                if writer.write(&message).await.is_err() {
                    return None;
                }
            }
        };
        let reason = tokio::select! {
            reason = listening => reason,
            reason = telling => reason,
            _ = stop.changed() => Some("the engine is stopping".to_owned()),
        };
        if let Some(reason) = reason {
            goodbye(&mut writer, &reason).await;
        }
    }

    /// Hands the session's queue over, once; false where the session has to end.
    async fn subscribe(&self, queue: &mut Option<mpsc::Sender<Told>>, after: Option<Mark>) -> bool {
        let Some(queue) = queue.take() else { return true };
        let wanted = Wanted::Subscribe {
            session: self.id,
            queue,
            after,
        };
        self.engine.send(wanted).await.is_ok()
    }

    /// Passes one message on; false where the session has to end.
    async fn hear(
        &self,
        message: ClientMessage,
        answers: &mpsc::Sender<ServerMessage>,
        queue: &mut Option<mpsc::Sender<Told>>,
    ) -> bool {
        match message {
            ClientMessage::Hello(_) => false,
            ClientMessage::Subscribe => self.subscribe(queue, None).await,
            ClientMessage::Resume { after } => self.subscribe(queue, Some(after)).await,
            // What other screens show is not for one who only looks.
            ClientMessage::Link { .. } if self.kind == SessionKind::Monitor => true,
            ClientMessage::Watch { instruments, depth } => self
                .engine
                .send(Wanted::Watch {
                    session: self.id,
                    instruments,
                    depth,
                    prompt: false,
                })
                .await
                .is_ok(),
            ClientMessage::Link { group, instrument } => self
                .engine
                .send(Wanted::Link {
                    session: self.id,
                    group,
                    instrument,
                })
                .await
                .is_ok(),
            ClientMessage::Ping { token } => answers.send(ServerMessage::Pong { token }).await.is_ok(),
            ClientMessage::Command { token, command } => {
                point("session");
                let (answer, answered) = oneshot::channel();
                let wanted = Wanted::Command {
                    session: self.id,
                    kind: self.kind,
                    command,
                    answer,
                };
                if self.engine.send(wanted).await.is_err() {
                    return false;
                }
                let answers = answers.clone();
                tokio::spawn(async move {
                    if let Ok(outcome) = answered.await {
                        let _ = answers.send(ServerMessage::Outcome { token, outcome }).await;
                    }
                });
                true
            }
            ClientMessage::Query { token, query } => {
                if let Some(reason) = self.door.refuses(self.kind, &query) {
                    let reason = SafeText::new(reason);
                    let reply = Reply::Failed { reason };
                    return answers.send(ServerMessage::Reply { token, reply }).await.is_ok();
                }
                let (answer, answered) = oneshot::channel();
                if self
                    .engine
                    .send(Wanted::Query {
                        kind: self.kind,
                        query,
                        answer,
                    })
                    .await
                    .is_err()
                {
                    return false;
                }
                let answers = answers.clone();
                tokio::spawn(async move {
                    // Whoever should have answered has died of it, or the engine is stopping: the asker hears so.
                    let reply = answered.await.unwrap_or_else(|_| Reply::Failed {
                        reason: SafeText::new("no answer could be made; the engine's log says why"),
                    });
                    let _ = answers.send(ServerMessage::Reply { token, reply }).await;
                });
                true
            }
        }
    }
}

fn message(told: Told) -> ServerMessage {
    match told {
        Told::Snapshot(snapshot) => ServerMessage::Snapshot(Box::new(snapshot.as_ref().clone())),
        Told::Resumed => ServerMessage::Resumed,
        Told::Events(events) => ServerMessage::Events(events.as_ref().clone()),
        Told::Market(batch) => ServerMessage::Market(batch),
        Told::Linked(group, instrument) => ServerMessage::Linked { group, instrument },
    }
}
