//! Every address of the port, one file each subject. A subject's file makes a router; this one puts them together, under
//! the bounds that hold for all.

#![allow(
    unused_qualifications,
    reason = "the macro that documents a route names its parameters in full"
)]

mod accounts;
pub(super) mod alerts;
mod asks;
mod audit;
mod auth;
mod auth_factor;
mod differences;
mod executions;
mod figures;
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
mod told;
mod trades;
mod users;
mod web;
mod wish;

pub(super) use system::unready;

use super::error::ApiError;
use super::{Context, openapi};
use asks::Asks;
use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
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
        .merge(figures::routes())
        .merge(limits::routes())
        .merge(system::api())
        .merge(trades::routes())
        .merge(users::routes())
        .merge(web::api());
    OpenApiRouter::with_openapi(openapi::head())
        .nest("/api/v1", api)
        .merge(system::routes())
}

/// All of them. What every call passes before its route is the port's.
pub(super) fn all(context: Context) -> Router {
    let (router, document) = documented().split_for_parts();
    let asks = Arc::new(Asks::of(&document));
    router
        .merge(metrics::routes())
        .merge(web::routes())
        .merge(openapi::routes(document))
        .merge(super::ws::routes())
        .merge(super::terminal::routes())
        .fallback(|| async { Err::<(), _>(ApiError::not_found("such address; the API begins with /api/v1")) })
        .method_not_allowed_fallback(|| async { Err::<(), _>(ApiError::no_such_method()) })
        .layer(from_fn(move |route, request, next| {
            named(Arc::clone(&asks), route, request, next)
        }))
        .with_state(context)
}

/// Says with an answer which route made it, for whoever notes it. What a query of the API asks that its route does not know is
/// refused as in a body: a misspelt `acount` must not answer for all of them.
async fn named(asks: Arc<Asks>, route: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let strange = route
        .as_ref()
        .and_then(|route| asks.strange(request.method(), route.as_str(), request.uri().query()?));
    let mut answer = match strange {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    };
    if let Some(route) = route {
        answer.extensions_mut().insert(route);
    }
    answer
}
