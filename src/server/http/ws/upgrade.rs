//! From a request to a socket: the handshake of RFC 6455, then the connection in two halves. One decodes what a client says; the
//! other is its lane, on which whoever makes frames for many may send them as they are.

use super::super::error::ApiError;
use super::lane::Lane;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, WriteHalf};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// Names the subprotocols that a client speaks, and the one that was chosen.
const PROTOCOLS: &str = "sec-websocket-protocol";

/// The half of a socket that encrypts what is written to it.
pub(super) type Sealed = WriteHalf<TokioIo<Upgraded>>;

/// A client's socket.
pub(super) struct Socket {
    /// What it says.
    pub heard: WebSocketStream<Ear>,
    /// The way out.
    pub lane: Arc<Lane>,
    /// Where the writer writes, if the lane has no socket of its own.
    pub sealed: Option<Sealed>,
}

/// The half that is read. What the decoder answers by itself, to pings, takes its turn on the lane.
pub(super) struct Ear {
    from: Box<dyn AsyncRead + Send + Unpin>,
    lane: Arc<Lane>,
}

/// The first of `known` that a client speaks.
pub(super) fn chosen(headers: &HeaderMap, known: &[&'static str]) -> Option<&'static str> {
    let offered: Vec<&str> = headers
        .get_all(PROTOCOLS)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|all| all.split(','))
        .map(str::trim)
        .collect();
    known.iter().copied().find(|one| offered.contains(one))
}

/// The answer that makes a socket of the request's connection.
///
/// # Errors
/// The request does not ask for one, or in a way that can't be followed.
pub(super) fn answer(request: &Request, protocol: Option<&'static str>) -> Result<Response, ApiError> {
    let mut answer = create_response_with_body(request, Body::empty).map_err(|error| {
        ApiError::new(
            StatusCode::UPGRADE_REQUIRED,
            "UPGRADE",
            format!("this address is a WebSocket: {error}"),
        )
    })?;
    if let Some(protocol) = protocol {
        let headers = answer.headers_mut();
        headers.insert(PROTOCOLS, HeaderValue::from_static(protocol));
    }
    Ok(answer)
}

/// A socket of a connection that has become one.
pub(super) async fn open(connection: Upgraded, config: WebSocketConfig) -> Socket {
    let (from, early, lane, sealed): (Box<dyn AsyncRead + Send + Unpin>, _, _, _) =
        match connection.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => {
                let (from, to) = parts.io.into_inner().into_split();
                (Box::new(from), parts.read_buf, Lane::new(Some(to)), None)
            }
            Err(sealed) => {
                let (from, to) = tokio::io::split(TokioIo::new(sealed));
                (Box::new(from), Default::default(), Lane::new(None), Some(to))
            }
        };
    let lane = Arc::new(lane);
    let ear = Ear {
        from,
        lane: Arc::clone(&lane),
    };
    let heard = WebSocketStream::from_partially_read(ear, early.to_vec(), Role::Server, Some(config)).await;
    Socket { heard, lane, sealed }
}

impl AsyncRead for Ear {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.from).poll_read(context, buffer)
    }
}

impl AsyncWrite for Ear {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.lane.answer(bytes);
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_the_first_that_both_know_however_it_names_them() {
        let mut headers = HeaderMap::new();
        assert_eq!(chosen(&headers, &["a", "b"]), None);
        headers.append(PROTOCOLS, HeaderValue::from_static("tradewind.key.x, b"));
        assert_eq!(chosen(&headers, &["a", "b"]), Some("b"));
        headers.append(PROTOCOLS, HeaderValue::from_static("c ,a"));
        assert_eq!(chosen(&headers, &["a", "b"]), Some("a"));
        headers.append(PROTOCOLS, HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(chosen(&headers, &["d"]), None);
    }

    #[test]
    fn only_a_request_for_a_socket_becomes_one() {
        let request = |version: &str| {
            axum::http::Request::get("/ws")
                .header("connection", "keep-alive, Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", version)
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
                .body(Body::empty())
                .unwrap()
        };
        // The example of RFC 6455, 1.3.
        let made = answer(&request("13"), Some("a")).unwrap();
        assert_eq!(
            made.headers()["sec-websocket-accept"],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(made.headers()[PROTOCOLS], "a");
        assert_eq!(made.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(answer(&request("8"), None).unwrap_err().code, "UPGRADE");
        let plain = axum::http::Request::get("/ws").body(Body::empty()).unwrap();
        assert_eq!(answer(&plain, None).unwrap_err().code, "UPGRADE");
    }
}
