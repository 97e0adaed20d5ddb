//! The other end: how a terminal or a shell command reaches an engine, on this machine by its socket or on another one over
//! the network. Connects, greets, and from then on sends and reads whole messages. Whether an engine runs, and starting one,
//! is for others.

mod place;
mod remote;
mod trust;

pub use place::Place;
pub use remote::Remote;
pub use trust::{Trust, TrustError};

use crate::domain::SafeText;
use crate::engine::{Command, FOLD_VERSION, Outcome, SessionKind};
use crate::wire::{
    ClientMessage, FrameReader, FrameWriter, Hello, PROTOCOL_VERSION, Query, Reply, ServerMessage, Welcome,
    WireError,
};
use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;

/// How long an engine may take to answer a greeting or a question.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Why an engine could not be reached or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// Nothing listens.
    #[error("no engine runs here ({0}); 'tradewind' starts one, or 'tradewind serve' in the foreground")]
    NoEngine(std::io::Error),
    /// The engine refused, in its own words.
    #[error("{0}")]
    Refused(SafeText),
    /// An engine elsewhere does not let this key in, in its own words.
    #[error("{0}")]
    NotAdmitted(SafeText),
    /// The engine is of a build that can't be understood by this one.
    #[error(
        "the engine that runs here ({engine}) differs in {what} from this program ({ours}): 'tradewind restart' starts \
         this build's engine; working orders stay at the broker"
    )]
    OtherBuild {
        /// The engine's build.
        engine: SafeText,
        /// This program's build.
        ours: SafeText,
        /// In what they differ.
        what: String,
    },
    /// An engine elsewhere can't be reached.
    #[error("{place}: {what}")]
    Unreachable {
        /// Which.
        place: String,
        /// Why, in words.
        what: String,
    },
    /// An engine elsewhere shows a certificate that is not the one that is known, or none that is.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The engine closed the connection.
    #[error("the engine closed the connection")]
    Closed,
    /// Nothing came in time.
    #[error("the engine did not answer within {} s", ANSWER_WITHIN.as_secs())]
    Silent,
    /// What came was not understood.
    #[error(transparent)]
    Wire(#[from] WireError),
}

impl AttachError {
    /// True where an engine of this build would be the remedy.
    pub fn wants_restart(&self) -> bool {
        match self {
            Self::OtherBuild { .. } => true,
            // An engine says so itself, in words, because words are what every build understands.
            Self::Refused(reason) => reason.as_str().contains("tradewind restart"),
            _ => false,
        }
    }
}

/// The engine checks its callers; this is the caller's own check, for engines that are older than theirs.
fn fits(welcome: &Welcome, build: &str) -> Result<(), AttachError> {
    let what = if welcome.protocol != PROTOCOL_VERSION {
        format!("protocol ({} and {PROTOCOL_VERSION})", welcome.protocol)
    } else if welcome.fold != FOLD_VERSION {
        format!("fold ({} and {FOLD_VERSION})", welcome.fold)
    } else {
        return Ok(());
    };
    Err(AttachError::OtherBuild {
        engine: welcome.build.clone(),
        ours: SafeText::new(build),
        what,
    })
}

/// A stream from an engine, whichever way it takes.
pub trait Reading: AsyncRead + Send + Unpin + Debug {}
impl<T: AsyncRead + Send + Unpin + Debug> Reading for T {}
/// A stream to an engine, whichever way it takes.
pub trait Writing: AsyncWrite + Send + Unpin + Debug {}
impl<T: AsyncWrite + Send + Unpin + Debug> Writing for T {}

/// Why the link ended, where whoever carries it knows more than that it did.
#[derive(Clone, Debug, Default)]
pub struct Why(Arc<Mutex<Option<String>>>);

impl Why {
    /// The reason, once there is one.
    pub fn told(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn tell(&self, why: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }
}

/// A greeted connection.
#[derive(Debug)]
pub struct Attached {
    /// What the engine said of itself.
    pub welcome: Welcome,
    /// Messages from the engine.
    pub reader: FrameReader<Box<dyn Reading>, ServerMessage>,
    /// Messages to the engine.
    pub writer: FrameWriter<Box<dyn Writing>, ClientMessage>,
    /// Why the link ended, once it has.
    pub why: Why,
    next_token: u64,
}

impl Attached {
    /// Connects to the engine at `socket` and greets it.
    ///
    /// # Errors
    /// Nothing listens, the engine refuses this build, or it does not answer.
    pub async fn connect(socket: &Path, kind: SessionKind, build: &str) -> Result<Self, AttachError> {
        let stream = UnixStream::connect(socket).await.map_err(AttachError::NoEngine)?;
        let (read, write) = stream.into_split();
        Self::greet((Box::new(read), Box::new(write)), Why::default(), kind, build).await
    }

    /// Greets the engine at the other end of a pair of streams.
    async fn greet(
        (read, write): (Box<dyn Reading>, Box<dyn Writing>),
        why: Why,
        kind: SessionKind,
        build: &str,
    ) -> Result<Self, AttachError> {
        let (mut reader, mut writer) = (FrameReader::new(read), FrameWriter::new(write));
        let hello = Hello {
            protocol: PROTOCOL_VERSION,
            fold: FOLD_VERSION,
            build: SafeText::new(build),
            kind,
        };
        writer.write(&ClientMessage::Hello(hello)).await?;
        match tokio::time::timeout(ANSWER_WITHIN, reader.read()).await {
            Err(_) => Err(AttachError::Silent),
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(None)) => Err(why.told().map_or(AttachError::Closed, |why| {
                AttachError::Refused(SafeText::new(&why))
            })),
            Ok(Ok(Some(ServerMessage::Welcome(welcome)))) => {
                fits(&welcome, build)?;
                Ok(Self {
                    welcome,
                    reader,
                    writer,
                    why,
                    next_token: 1,
                })
            }
            Ok(Ok(Some(ServerMessage::Goodbye { reason }))) => Err(AttachError::Refused(reason)),
            Ok(Ok(Some(_))) => Err(AttachError::Refused(SafeText::new(
                "the engine did not begin with a welcome",
            ))),
        }
    }

    /// Asks one question and waits for its answer.
    ///
    /// # Errors
    /// The connection ended, or nothing came in time.
    pub async fn query(&mut self, query: Query) -> Result<Reply, AttachError> {
        let token = self.token();
        self.writer.write(&ClientMessage::Query { token, query }).await?;
        self.wait(|message| match message {
            ServerMessage::Reply {
                token: answered,
                reply,
            } if answered == token => Some(reply),
            _ => None,
        })
        .await
    }

    /// Sends one command and waits for its outcome.
    ///
    /// # Errors
    /// The connection ended, or nothing came in time.
    pub async fn command(&mut self, command: Command) -> Result<Outcome, AttachError> {
        let token = self.token();
        self.writer
            .write(&ClientMessage::Command {
                token,
                command: Box::new(command),
            })
            .await?;
        self.wait(|message| match message {
            ServerMessage::Outcome {
                token: answered,
                outcome,
            } if answered == token => Some(outcome),
            _ => None,
        })
        .await
    }

    /// A token that was not used on this connection before.
    pub fn token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token
    }

    async fn wait<T>(
        &mut self,
        mut wanted: impl FnMut(ServerMessage) -> Option<T>,
    ) -> Result<T, AttachError> {
        let answer = async {
            loop {
                match self.reader.read().await? {
                    None => return Err(AttachError::Closed),
                    Some(ServerMessage::Goodbye { reason }) => return Err(AttachError::Refused(reason)),
                    Some(message) => {
                        if let Some(answer) = wanted(message) {
                            return Ok(answer);
                        }
                    }
                }
            }
        };
        tokio::time::timeout(ANSWER_WITHIN, answer)
            .await
            .map_err(|_| AttachError::Silent)?
    }
}
