//! The port as one function, from a request to its answer: what every call passes, in order, then its route. Calls that come
//! over the WebSocket take the same way. It stands around the routes as a whole: a layer of the router is put around each
//! route and copied for each call, one inside the other.

use super::error::ApiError;
use super::{Context, act, guard, noted, routes};
use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use std::time::Duration;

/// The port.
#[derive(Clone, Debug)]
pub(super) struct Port {
    routes: Router,
    context: Context,
    /// How long a call may take.
    within: Duration,
}

impl Port {
    pub(super) fn new(context: Context, within: Duration) -> Self {
        Self {
            routes: routes::all(context.clone()),
            context,
            within,
        }
    }

    /// Answers one request.
    pub(super) async fn answer(&self, request: Request) -> Response {
        let guarded = |request| guard::guard(&self.context, request, |request| self.route(request));
        noted::noted(request, guarded).await
    }

    /// Has a request answered by its route. One that takes longer than it may is ended with words.
    async fn route(&self, request: Request) -> Response {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let routes = TowerToHyperService::new(self.routes.clone());
        let late = match tokio::time::timeout(self.within, routes.call(request)).await {
            Ok(Ok(answer)) => return answer,
            Err(_) if reads => ApiError::unavailable(format!(
                "not answered within {} s; try again",
                self.within.as_secs()
            )),
            Err(_) => act::unanswered(),
        };
        late.into_response()
    }
}
