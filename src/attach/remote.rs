//! The way to an engine elsewhere: TCP, TLS, a WebSocket at `/terminal`, and in it the same frames as on the socket of this
//! machine. A link on which nothing is heard is given up within seconds, and what was not sent by then is thrown away: an
//! order must never arrive later than the moment it was meant for.

use super::place::Place;
use super::trust::{self, Trust};
use super::{AttachError, Attached, Why};
use crate::domain::SafeText;
use crate::engine::SessionKind;
use crate::wire::socket::{End, PIECE, Pace, Piece, READ_BUFFER, WAITING, carry};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::fmt;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Request};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// How long it may take to get in: connecting, the handshake and the upgrade, each.
const STEP_WITHIN: Duration = Duration::from_secs(10);
/// How patient this end is. A person wants to know soon that a link is dead.
const PACE: Pace = Pace {
    ping_every: Duration::from_secs(1),
    silent_for: Duration::from_secs(5),
    write_within: Duration::from_secs(5),
};
/// The header by which a terminal says which one it is.
const TERMINAL: &str = "x-tradewind-terminal";

/// An engine elsewhere, and what opens its door.
#[derive(Clone)]
pub struct Remote {
    /// Where it is.
    pub place: Place,
    /// The key, or an access token.
    pub key: String,
    /// How its certificate is judged.
    pub trust: Trust,
    /// Which terminal this is, the same for as long as it runs: by it a terminal that comes back ends what it left behind.
    pub terminal: String,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is nobody's to read, in a log least of all.
        f.debug_struct("Remote")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Attached {
    /// Connects to an engine elsewhere and greets it. The key is shown only to one whose certificate is trusted.
    ///
    /// # Errors
    /// It can't be reached or trusted, or it refuses: why, and what can be done.
    pub async fn connect_remote(
        remote: &Remote,
        kind: SessionKind,
        build: &str,
    ) -> Result<Self, AttachError> {
        let place = &remote.place;
        let stream = in_time(place, "connecting", dial(place)).await?;
        // Kept to throw away what a dead link would still deliver.
        let socket = stream
            .as_fd()
            .try_clone_to_owned()
            .map_err(|error| unreachable(place, error))?;
        if !place.encrypted {
            return Box::pin(upgrade(stream, socket, remote, kind, build)).await;
        }
        let (config, seen) = trust::config(&remote.trust).map_err(|error| unreachable(place, error))?;
        let name = rustls::pki_types::ServerName::try_from(place.host.clone())
            .map_err(|error| unreachable(place, error))?;
        let connector = TlsConnector::from(Arc::new(config));
        let shaking = async {
            let shaken = connector.connect(name, stream).await;
            shaken.map_err(|error| match trust::judged(&remote.trust, &place.name(), &seen) {
                Some(judged) => judged.into(),
                None => unreachable(place, format!("no TLS is spoken there, or not ours ({error})")),
            })
        };
        let stream = in_time(place, "the handshake", Box::pin(shaking)).await?;
        Box::pin(upgrade(stream, socket, remote, kind, build)).await
    }
}

fn unreachable(place: &Place, what: impl fmt::Display) -> AttachError {
    AttachError::Unreachable {
        place: place.to_string(),
        what: what.to_string(),
    }
}

async fn in_time<T>(
    place: &Place,
    step: &str,
    doing: impl Future<Output = Result<T, AttachError>>,
) -> Result<T, AttachError> {
    timeout(STEP_WITHIN, doing).await.map_err(|_| {
        unreachable(
            place,
            format!("{step} took longer than {} s", STEP_WITHIN.as_secs()),
        )
    })?
}

async fn dial(place: &Place) -> Result<TcpStream, AttachError> {
    let stream = TcpStream::connect((place.host.as_str(), place.port))
        .await
        .map_err(|error| unreachable(place, format!("can't be reached: {error}")))?;
    let peer: IpAddr = stream
        .peer_addr()
        .map_err(|error| unreachable(place, error))?
        .ip();
    // A name of this machine may have been given another meaning.
    if !place.encrypted && !peer.to_canonical().is_loopback() {
        return Err(unreachable(
            place,
            format!("is {peer}, another machine, and ws:// is not encrypted: use wss://"),
        ));
    }
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

fn request(remote: &Remote) -> Result<Request<()>, AttachError> {
    let place = &remote.place;
    let scheme = if place.encrypted { "wss" } else { "ws" };
    let mut request = format!("{scheme}://{}{}", place.name(), place.path)
        .into_client_request()
        .map_err(|error| unreachable(place, error))?;
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", remote.key)).map_err(|_| {
        AttachError::Refused(SafeText::new(
            "the key has characters that no key has: look at TRADEWIND_KEY or --key-file",
        ))
    })?;
    bearer.set_sensitive(true);
    let headers = request.headers_mut();
    headers.insert("authorization", bearer);
    if let Ok(name) = HeaderValue::try_from(&remote.terminal) {
        headers.insert(HeaderName::from_static(TERMINAL), name);
    }
    Ok(request)
}

async fn upgrade<S>(
    stream: S,
    socket: OwnedFd,
    remote: &Remote,
    kind: SessionKind,
    build: &str,
) -> Result<Attached, AttachError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let place = &remote.place;
    let request = request(remote)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(8 * PIECE))
        .max_frame_size(Some(8 * PIECE));
    let upgrading = async {
        client_async_with_config(request, stream, Some(config))
            .await
            .map_err(|error| refusal(place, &error))
    };
    let (web, _) = in_time(place, "the upgrade", upgrading).await?;
    let (near, far) = tokio::io::duplex(WAITING);
    let why = Why::default();
    let told = why.clone();
    tokio::spawn(async move {
        let end = carry(adapted(web), near, PACE, || Ok(())).await;
        match &end {
            End::Ours => {}
            End::Theirs(reason) if reason.is_empty() => {}
            End::Theirs(reason) | End::Refused(reason) => told.tell(reason.clone()),
            End::Dead(reason) => told.tell(reason.clone()),
        }
        if matches!(end, End::Dead(_)) {
            let _ = rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO));
        }
    });
    let (read, write) = tokio::io::split(far);
    Attached::greet((Box::new(read), Box::new(write)), why, kind, build).await
}

/// Why the door stayed shut, in the engine's words where it gave any.
fn refusal(place: &Place, error: &Error) -> AttachError {
    let Error::Http(response) = error else {
        return unreachable(place, error);
    };
    let body = response.body().as_deref().unwrap_or_default();
    let words = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|body| Some(body.get("error")?.get("message")?.as_str()?.to_owned()));
    let status = response.status();
    match (words, status.as_u16()) {
        (words, 401 | 403) => {
            let words = words.unwrap_or_else(|| "the engine does not take this key".to_owned());
            AttachError::NotAdmitted(SafeText::new(&words))
        }
        (Some(words), _) => AttachError::Refused(SafeText::new(&words)),
        (None, 404) => unreachable(
            place,
            "takes no terminals there: is it a tradewind engine, and the path right?",
        ),
        (None, _) => unreachable(place, format!("answered {status}")),
    }
}

/// The socket in the words of the stream that goes through it.
fn adapted<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<S>,
) -> impl Stream<Item = Result<Piece, Error>> + Sink<Piece, Error = Error> + Unpin {
    let heard = |message: Result<Message, Error>| {
        message.map(|message| match message {
            Message::Binary(bytes) => Piece::Bytes(bytes.into()),
            Message::Ping(_) => Piece::Ping,
            Message::Pong(_) | Message::Frame(_) => Piece::Alive,
            Message::Text(_) => Piece::Strange,
            Message::Close(frame) => {
                Piece::Close(frame.map(|frame| frame.reason.to_string()).unwrap_or_default())
            }
        })
    };
    let said = |piece| {
        std::future::ready(Ok(match piece {
            Piece::Bytes(bytes) => Message::Binary(bytes.into()),
            Piece::Ping => Message::Ping(Vec::new().into()),
            Piece::Alive | Piece::Strange => Message::Pong(Vec::new().into()),
            Piece::Close(_) => Message::Close(Some(CloseFrame {
                code: CloseCode::Normal,
                reason: "".into(),
            })),
        }))
    };
    socket.map(heard).with(said)
}
