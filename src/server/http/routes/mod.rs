//! Every address of the port, one file each subject. A subject's file makes a router; this one puts them together, under
//! the bounds that hold for all.

mod accounts;
mod executions;
mod orders;
mod page;
mod positions;
mod system;
mod web;

use super::error::ApiError;
use super::{Context, HttpLimits};
use crate::server::doors::{Caller, KeyError};
use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// All of them.
pub(super) fn all(context: Context, limits: &HttpLimits) -> Router {
    let api = Router::new()
        .merge(accounts::routes())
        .merge(executions::routes())
        .merge(orders::routes())
        .merge(positions::routes())
        .merge(system::api())
        .merge(web::api());
    Router::new()
        .nest("/api/v1", api)
        .merge(system::routes())
        .merge(super::ws::routes())
        .merge(web::routes())
        .fallback(|| async { Err::<(), _>(ApiError::not_found("such address; the API begins with /api/v1")) })
        .layer(DefaultBodyLimit::max(limits.body_max))
        .layer(from_fn_with_state(limits.request_within, in_time))
        .with_state(context)
}

/// A request that takes longer than it may is ended with words.
async fn in_time(State(within): State<Duration>, request: Request, next: Next) -> Result<Response, ApiError> {
    tokio::time::timeout(within, next.run(request))
        .await
        .map_err(|_| ApiError::unavailable(format!("not answered within {} s; try again", within.as_secs())))
}

/// From where a call comes.
fn address(parts: &Parts) -> IpAddr {
    parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip())
}

/// The token of a call: `Authorization: Bearer …`, or `X-API-Key: …`; a browser, which can't say these for a WebSocket, names it
/// as a subprotocol, `tradewind.key.…`.
fn token(parts: &Parts) -> Option<&str> {
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let named = || {
        let all = text("sec-websocket-protocol")?.split(',');
        all.filter_map(|one| one.trim().strip_prefix("tradewind.key."))
            .next()
    };
    bearer.or_else(|| text("x-api-key")).or_else(named)
}

impl FromRequestParts<Context> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, context: &Context) -> Result<Self, ApiError> {
        let token = token(parts).ok_or_else(|| {
            ApiError::unknown_caller(
                "this address wants a key: Authorization: Bearer tw_...; 'tradewind api-key add NAME --role view' makes one",
            )
        })?;
        let now = (context.about.clock)();
        context
            .doors
            .by_key(token, address(parts), now)
            .map_err(|error| match error {
                KeyError::Elsewhere(_) => ApiError::forbidden(error.to_string()),
                KeyError::Book(_) => {
                    tracing::error!(%error, "the book of keys");
                    ApiError::unavailable("keys can't be checked now; try again")
                }
                _ => ApiError::unknown_caller(error.to_string()),
            })
    }
}
