//! Every address of the port, one file each subject. A subject's file makes a router; this one puts them together, under
//! the bounds that hold for all.

#![allow(
    unused_qualifications,
    reason = "the macro that documents a route names its parameters in full"
)]

mod accounts;
pub(super) mod alerts;
mod audit;
mod auth;
mod auth_factor;
mod differences;
mod executions;
mod halts;
mod instruments;
mod keys;
mod lease;
mod limits;
pub(super) mod market;
mod metrics;
mod names;
mod orders;
pub(super) mod overview;
mod page;
mod place;
pub(super) mod pnl;
mod positions;
pub(super) mod risk;
mod secret_body;
mod system;
mod trades;
mod users;
mod web;
mod wish;

use super::error::ApiError;
use super::{Context, HttpLimits, openapi};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;

/// All of them, with the document that is made of them.
pub(super) fn documented() -> OpenApiRouter<Context> {
    let api = OpenApiRouter::new()
        .merge(accounts::routes())
        .merge(alerts::routes())
        .merge(audit::routes())
        .merge(auth::routes())
        .merge(auth_factor::routes())
        .merge(differences::routes())
        .merge(executions::routes())
        .merge(instruments::routes())
        .merge(keys::routes())
        .merge(lease::routes())
        .merge(market::routes())
        .merge(metrics::api())
        .merge(orders::routes())
        .merge(overview::routes())
        .merge(place::routes())
        .merge(pnl::routes())
        .merge(positions::routes())
        .merge(risk::routes())
        .merge(limits::routes())
        .merge(system::api())
        .merge(trades::routes())
        .merge(users::routes())
        .merge(web::api());
    OpenApiRouter::with_openapi(openapi::head())
        .nest("/api/v1", api)
        .merge(system::routes())
}

/// All of them.
pub(super) fn all(context: Context, limits: &HttpLimits) -> Router {
    let (router, document) = documented().split_for_parts();
    router
        .merge(metrics::routes())
        .merge(web::routes())
        .merge(openapi::routes(document))
        .merge(super::ws::routes())
        .merge(super::terminal::routes())
        .fallback(|| async { Err::<(), _>(ApiError::not_found("such address; the API begins with /api/v1")) })
        .method_not_allowed_fallback(|| async { Err::<(), _>(ApiError::no_such_method()) })
        .layer(DefaultBodyLimit::max(limits.body_max))
        .layer(from_fn_with_state(limits.request_within, in_time))
        .layer(from_fn_with_state(context.clone(), super::guard::guard))
        .layer(from_fn(super::noted::noted))
        .with_state(context)
}

/// A request that takes longer than it may is ended with words.
async fn in_time(State(within): State<Duration>, request: Request, next: Next) -> Result<Response, ApiError> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    tokio::time::timeout(within, next.run(request))
        .await
        .map_err(|_| match reads {
            true => ApiError::unavailable(format!("not answered within {} s; try again", within.as_secs())),
            false => super::act::unanswered(),
        })
}
