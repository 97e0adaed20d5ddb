//! Every address of the port, one file each subject. A subject's file makes a router; this one puts them together, under
//! the bounds that hold for all.

mod accounts;
mod audit;
mod auth;
mod auth_factor;
mod executions;
mod keys;
mod orders;
mod page;
mod positions;
mod secret_body;
mod system;
mod users;

use super::error::ApiError;
use super::{Context, HttpLimits};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use std::time::Duration;

/// All of them.
pub(super) fn all(context: Context, limits: &HttpLimits) -> Router {
    let api = Router::new()
        .merge(accounts::routes())
        .merge(executions::routes())
        .merge(orders::routes())
        .merge(positions::routes())
        .merge(auth::routes())
        .merge(auth_factor::routes())
        .merge(users::routes())
        .merge(keys::routes())
        .merge(audit::routes())
        .merge(system::api());
    Router::new()
        .nest("/api/v1", api)
        .merge(system::routes())
        .merge(super::ws::routes())
        .merge(super::terminal::routes())
        .fallback(|| async { Err::<(), _>(ApiError::not_found("such address; the API begins with /api/v1")) })
        .layer(DefaultBodyLimit::max(limits.body_max))
        .layer(from_fn_with_state(limits.request_within, in_time))
        .layer(from_fn_with_state(context.clone(), super::guard::guard))
        .with_state(context)
}

/// A request that takes longer than it may is ended with words.
async fn in_time(State(within): State<Duration>, request: Request, next: Next) -> Result<Response, ApiError> {
    tokio::time::timeout(within, next.run(request))
        .await
        .map_err(|_| ApiError::unavailable(format!("not answered within {} s; try again", within.as_secs())))
}
