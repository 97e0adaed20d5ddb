//! Calls of the API over a WebSocket: each is made as if it had come by itself, through the same guard, rate, scope, audit log
//! and route, in the name of who opened the socket, and answered under the client's own name for it. There is no second
//! way to trade here. Calls are made in the order they come; what only stops things waits for none of the others.

use super::super::guard::{Already, is_brake};
use super::super::port::Port;
use super::super::{ApiError, Context};
use super::client::ToWriter;
use super::frame::{Encoding, Framed, Said, Wanted};
use crate::server::doors::Caller;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, Method, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

/// Calls of one client that wait or are under way.
const CALLS_MAX: usize = 64;
/// Of those that only stop things, of one client: they wait for no other call, and for each other neither.
const BRAKES_MAX: usize = 64;
/// Calls of all clients that wait for their route.
const WAITING_MAX: usize = 1_024;
/// Bytes of an answer.
const ANSWER_MAX: usize = 4 * 1024 * 1024;
/// Where the addresses begin that may be called so.
const API: &str = "/api/v1/";
/// What sets a page's cookies, which no message can.
const SIGN_IN: &str = "/api/v1/auth/";

/// A request, and where its answer goes.
type Made = (Request, oneshot::Sender<Response>);

/// The way from the sockets to the routes.
#[derive(Clone, Debug)]
pub(crate) struct CallSender(mpsc::Sender<Made>);

/// Where that way ends.
#[derive(Debug)]
pub(in super::super) struct CallReceiver(mpsc::Receiver<Made>);

/// Makes both ends.
pub(in super::super) fn call_channel() -> (CallSender, CallReceiver) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    (CallSender(sender), CallReceiver(receiver))
}

impl CallReceiver {
    /// Hands each request to the port, until the engine stops. What is under way then ends by itself.
    pub(in super::super) async fn serve(mut self, port: Arc<Port>, mut stop: watch::Receiver<bool>) {
        loop {
            let made = tokio::select! {
                made = self.0.recv() => made,
                _ = stop.changed() => None,
            };
            let Some((request, answer)) = made else { return };
            let port = Arc::clone(&port);
            tokio::spawn(async move {
                let _ = answer.send(port.answer(request).await);
            });
        }
    }
}

impl CallSender {
    async fn call(&self, request: Request) -> Response {
        let stopping = || ApiError::unavailable("the engine is stopping").into_response();
        let (answer, answered) = oneshot::channel();
        match self.0.send((request, answer)).await {
            Ok(()) => answered.await.unwrap_or_else(|_| stopping()),
            Err(_) => stopping(),
        }
    }
}

/// The calls of one client.
pub(super) struct Calls {
    queue: mpsc::Sender<Call>,
    answer: mpsc::Sender<ToWriter>,
    brakes: Arc<Semaphore>,
    routes: CallSender,
    encoding: Encoding,
}

/// One call, ready to be made.
struct Call {
    id: u32,
    request: Request,
}

impl Calls {
    /// Of a client that speaks so, answered by its writer. Who leaves has what it asked for done, and does not hear of it.
    pub(super) fn new(context: &Context, encoding: Encoding, answer: mpsc::Sender<ToWriter>) -> Self {
        let (queue, mut waiting) = mpsc::channel::<Call>(CALLS_MAX);
        let (routes, to) = (context.calls.clone(), answer.clone());
        let in_order = routes.clone();
        tokio::spawn(async move {
            while let Some(call) = waiting.recv().await {
                let _ = to
                    .send(ToWriter::Say(make(&in_order, call, encoding).await))
                    .await;
            }
        });
        Self {
            queue,
            answer,
            brakes: Arc::new(Semaphore::new(BRAKES_MAX)),
            routes,
            encoding,
        }
    }
    /// Takes a call; what is wrong with it, where it is none.
    pub(super) fn take(&self, wanted: Wanted, caller: &Caller) -> Result<(), (&'static str, String)> {
        let id = wanted.id;
        let request = request(wanted, caller).map_err(|why| ("BAD_REQUEST", why))?;
        let call = Call { id, request };
        let full = |most| format!("{most} calls wait for their answers; send the next when one has come");
        if is_brake(call.request.method(), call.request.uri().path()) {
            // Held until the answer is taken: who reads none can't make more of them.
            let place = Arc::clone(&self.brakes).try_acquire_owned();
            let place = place.map_err(|_| ("TOO_MANY", full(BRAKES_MAX)))?;
            let (routes, to, encoding) = (self.routes.clone(), self.answer.clone(), self.encoding);
            tokio::spawn(async move {
                let _ = to.send(ToWriter::Say(make(&routes, call, encoding).await)).await;
                drop(place);
            });
            return Ok(());
        }
        self.queue
            .try_send(call)
            .map_err(|_| ("TOO_MANY", full(CALLS_MAX)))
    }
}

/// What a client wants as a request of its own.
fn request(wanted: Wanted, caller: &Caller) -> Result<Request, String> {
    let methods = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    let method = methods
        .into_iter()
        .find(|method| method.as_str() == wanted.method)
        .ok_or("method is GET, POST, PUT, PATCH or DELETE")?;
    let uri: Uri = wanted
        .path
        .parse()
        .map_err(|error| format!("the path is no address: {error}"))?;
    if !uri.path().starts_with(API) || uri.authority().is_some() || uri.path().starts_with(SIGN_IN) {
        return Err(format!(
            "the path begins with {API}, and signing in is done over HTTP"
        ));
    }
    let body = wanted.body.map(|body| body.to_string());
    let mut request = Request::new(Body::from(body.unwrap_or_default()));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    if let Some(key) = wanted.idempotency_key {
        let key = HeaderValue::from_str(&key).map_err(|_| "the idempotency_key is not plain text")?;
        headers.insert("idempotency-key", key);
    }
    let extensions = request.extensions_mut();
    extensions.insert(ConnectInfo(SocketAddr::new(caller.address, 0)));
    extensions.insert(Already(caller.clone()));
    Ok(request)
}

async fn make(routes: &CallSender, call: Call, encoding: Encoding) -> Framed {
    let response = routes.call(call.request).await;
    let (head, body) = response.into_parts();
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let (request, retry_after) = (
        text("x-request-id").unwrap_or_default().to_owned(),
        text("retry-after").and_then(|seconds| seconds.parse().ok()),
    );
    let Ok(bytes) = to_bytes(body, ANSWER_MAX).await else {
        let message = format!("the answer has more than {ANSWER_MAX} bytes; ask for a smaller page");
        return encoding.message(&Said::Error {
            id: Some(call.id),
            code: "TOO_LARGE",
            message,
        });
    };
    encoding.message(&Said::Answer {
        id: call.id,
        status: head.status.as_u16(),
        request,
        retry_after,
        body: match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned())),
        },
    })
}
