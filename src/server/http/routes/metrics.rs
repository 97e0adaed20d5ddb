//! The engine's figures: `/metrics` as Prometheus reads them, and the same as JSON for whoever has a key.

use super::super::error::ApiError;
use super::super::{Context, FiguresFor};
use crate::metrics::{json, metrics, text};
use crate::server::doors::Caller;
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// At the root.
pub(super) fn routes() -> Router<Context> {
    Router::new().route("/metrics", get(prometheus))
}

/// Under `/api/v1`.
pub(super) fn api() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(figures))
}

/// Somebody who may read the figures: of this machine, or with a key, as the settings say.
struct Reader;

impl FromRequestParts<Context> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, context: &Context) -> Result<Self, ApiError> {
        match context.about.figures_for {
            FiguresFor::Nobody => Err(ApiError::not_found("such address; server.metrics is off")),
            FiguresFor::Local if is_local(parts) => Ok(Self),
            _ => Caller::from_request_parts(parts, context).await.map(|_| Self),
        }
    }
}

/// Whether a call comes from this machine and through no proxy, and was meant for it: a page in a browser that gave its own name
/// this machine's address is told nothing.
fn is_local(parts: &Parts) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let near = peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    let passed_on = ["x-forwarded-for", "forwarded", "x-real-ip", "via"];
    near && !passed_on.iter().any(|name| parts.headers.contains_key(*name)) && is_named_so(parts)
}

fn is_named_so(parts: &Parts) -> bool {
    let host = parts
        .headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

async fn prometheus(_: Reader) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, text::CONTENT_TYPE)],
        text::write(&metrics().figures()),
    )
}

/// A figure.
#[derive(ToSchema)]
#[allow(
    dead_code,
    reason = "the shape of what `metrics::json` writes, for the document alone"
)]
struct FigureTold {
    /// `counter`, `gauge` or `histogram`.
    kind: String,
    /// What it counts.
    help: String,
    samples: Vec<FigureSample>,
}

/// A figure's value; of times the count, the sum and the quantiles in seconds in its place.
#[derive(ToSchema)]
#[allow(
    dead_code,
    reason = "the shape of what `metrics::json` writes, for the document alone"
)]
struct FigureSample {
    labels: BTreeMap<String, String>,
    value: Option<f64>,
    count: Option<u64>,
    sum: Option<f64>,
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

/// The engine's own figures, those of `/metrics`: by name, each with its kind, its words and its samples; of times the count, the
/// sum and the quantiles in seconds, in place of buckets.
#[utoipa::path(get, path = "/system/metrics", tag = "system", responses((status = 200, body = BTreeMap<String, FigureTold>)))]
async fn figures(State(_): State<Context>, _: Caller) -> Json<Value> {
    Json(json::write(&metrics().figures()))
}
