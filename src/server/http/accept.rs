//! Takes connections in: bounded in number, by address, and in the time that a caller may take to say what it wants, its
//! handshake included. A caller that is slow holds a place and nothing else; one place more is refused rather than queued,
//! so that a halt gets through whatever others do.

use super::port::Port;
use super::proxy::Proxies;
use super::{Entry, HttpLimits};
use crate::server::tls::Tls;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Bytes that the head of a request may have.
const HEAD_MAX: usize = 32 * 1024;
/// Header lines of a request.
const HEADERS_MAX: usize = 64;
/// The first byte of a handshake. Nothing that is said in the clear begins with it.
const HANDSHAKE: u8 = 22;
/// What one is told who speaks in the clear to a port that does not.
const IN_THE_CLEAR: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 96\r\n\r\n{\"error\":{\"code\":\"TLS\",\"message\":\"this port is encrypted: use https:// or wss:// in its place\"}}";

/// Who is connected, by address.
#[derive(Debug, Default)]
struct Places(Mutex<BTreeMap<IpAddr, usize>>);

/// One connection's place; given back when it ends.
#[derive(Debug)]
struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

/// A connection's place, held by whoever goes on with it after its last request: a socket is one connection like any other.
#[derive(Clone, Debug)]
pub(super) struct Held(
    #[expect(dead_code, reason = "it is held, and given back by being dropped")] Arc<Place>,
);

impl Places {
    /// One place of `most`, of which an address may have `here` at once.
    fn take(self: &Arc<Self>, address: IpAddr, most: usize, here: usize) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let had = taken.get(&address).copied().unwrap_or(0);
        if all >= most || had >= here {
            return None;
        }
        taken.insert(address, had + 1);
        Some(Place {
            places: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

/// Accepts until `stop` changes.
pub(super) async fn accept(
    listener: TcpListener,
    port: Arc<Port>,
    limits: HttpLimits,
    entry: Entry,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Places::default());
    let hands = Arc::new(Places::default());
    loop {
        let accepted = tokio::select! {
            _ = stop.changed() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Behind a proxy all callers have one address: its own.
                let here = if entry.proxies.trusts(peer.ip()) {
                    limits.connections
                } else {
                    limits.connections_per_address
                };
                let Some(place) = places.take(peer.ip(), limits.connections, here) else {
                    tracing::warn!(%peer, "too many connections: one more was turned away");
                    continue;
                };
                let (port, stop) = (Arc::clone(&port), stop.clone());
                let (entry, hands) = (entry.clone(), Arc::clone(&hands));
                tokio::spawn(async move {
                    // Answers are small and wanted at once.
                    let _ = stream.set_nodelay(true);
                    let answers = Answers {
                        port,
                        peer,
                        proxies: entry.proxies,
                        held: Held(Arc::new(place)),
                    };
                    match entry.tls {
                        None => answers.talk(stream, limits, stop).await,
                        Some(tls) => {
                            if let Some(stream) = shake(stream, peer, &tls, &hands, &limits).await {
                                answers.talk(stream, limits, stop).await;
                            }
                        }
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// The handshake: bounded in number and time. Nothing where it came to nothing.
async fn shake(
    mut stream: TcpStream,
    peer: SocketAddr,
    tls: &Tls,
    hands: &Arc<Places>,
    limits: &HttpLimits,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    let Some(_place) = hands.take(peer.ip(), limits.handshakes, limits.handshakes_per_address) else {
        tracing::warn!(%peer, "too many handshakes at once: one more was turned away");
        return None;
    };
    let shaking = async {
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first != [HANDSHAKE] {
            stream.write_all(IN_THE_CLEAR).await?;
            let _ = stream.shutdown().await;
            return Err(std::io::Error::other("it spoke in the clear"));
        }
        tls.acceptor().accept(stream).await
    };
    match tokio::time::timeout(limits.handshake_within, shaking).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%peer, %error, "no handshake");
            None
        }
        Err(_) => {
            tracing::debug!(%peer, "a handshake took too long");
            None
        }
    }
}

/// Answers one connection.
struct Answers {
    port: Arc<Port>,
    peer: SocketAddr,
    proxies: Proxies,
    held: Held,
}

impl Answers {
    /// Answers one request, in the name of who really calls: behind a proxy that is whom it says it asks for.
    async fn answer(&self, request: Request<Incoming>) -> Response {
        let mut request = request.map(Body::new);
        let caller = self.proxies.caller(self.peer.ip(), request.headers());
        let from = ConnectInfo(SocketAddr::new(caller, self.peer.port()));
        request.extensions_mut().insert(from);
        request.extensions_mut().insert(self.held.clone());
        self.port.answer(request).await
    }

    /// Answers what comes until the connection ends, or `stop` changes.
    async fn talk<S>(self, stream: S, limits: HttpLimits, mut stop: watch::Receiver<bool>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let peer = self.peer;
        let own = Arc::new(self);
        let service = service_fn(move |request| {
            let own = Arc::clone(&own);
            async move { Ok::<_, Infallible>(own.answer(request).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_within)
            .max_buf_size(HEAD_MAX)
            .max_headers(HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        tokio::select! {
            ended = connection => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "a connection ended early");
                }
            }
            _ = stop.changed() => {}
        }
    }
}
