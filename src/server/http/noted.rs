//! What is noted of every request: its id, how it ended and how long it took. The id is the caller's (`X-Request-Id`) or
//! one of our making; it stands in every line that the request leaves in the log, and is told back.

use crate::metrics::metrics;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use std::cell::Cell;
use std::future::Future;
use std::time::Instant;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken from a caller.
const LONGEST: usize = 64;

tokio::task_local! {
    /// Whether the request that is being answered asked the engine.
    static ASKED: Cell<bool>;
}

/// The engine is asked on behalf of the request that is being answered.
pub(super) fn asks_the_engine() {
    // Outside of a request nobody counts.
    let _ = ASKED.try_with(|asked| asked.set(true));
}

/// Has a request answered, and notes it.
pub(super) async fn noted<A: Future<Output = Response>>(
    mut request: Request,
    answer: impl FnOnce(Request) -> A,
) -> Response {
    let given = request
        .headers()
        .get(REQUEST_ID)
        .filter(|id| is_plain(id))
        .cloned();
    let id = given.unwrap_or_else(made);
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let method = request.method().clone();
    let text = id.to_str().unwrap_or_default().to_owned();
    let span = tracing::info_span!("request", request_id = text);
    let began = Instant::now();
    let asked = ASKED.scope(Cell::new(false), async {
        let response = answer(request).instrument(span.clone()).await;
        (response, ASKED.with(Cell::get))
    });
    let (mut response, asked) = asked.await;
    let took = began.elapsed();
    let status = response.status();
    // The route's own words: what a caller puts into an address may be a secret that went astray.
    let route = response.extensions().get::<MatchedPath>();
    let path = match route {
        Some(route) => route.as_str(),
        None if status == StatusCode::NOT_FOUND => "no such address",
        None => "turned away before its route",
    };
    let class = match status.as_u16() / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "other",
    };
    let all = metrics();
    all.http.of(class).inc();
    all.http_time.observe(took);
    if matches!(status.as_u16(), 401 | 403 | 429) {
        all.refused.of(status.as_str()).inc();
    }
    if method == Method::GET && status.is_success() && path.starts_with("/api/") {
        all.reads.of(if asked { "engine" } else { "memory" }).inc();
    }
    span.in_scope(|| {
        let (status, us) = (
            status.as_u16(),
            u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        );
        // What changes something is worth a line; who only reads would fill the log.
        if method == Method::GET || method == Method::HEAD {
            tracing::debug!(target: "tradewind::request", %method, path, status, us, "answered");
        } else {
            tracing::info!(target: "tradewind::request", %method, path, status, us, "answered");
        }
        all.took("a request over HTTP", took);
    });
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// Letters, digits, and what ids are made of elsewhere: nothing that could forge a line of the log.
fn is_plain(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=LONGEST).contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'))
}

fn made() -> HeaderValue {
    HeaderValue::from_str(&ulid::Ulid::generate().to_string()).unwrap_or(HeaderValue::from_static("-"))
}
