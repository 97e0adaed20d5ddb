//! Executions that the state remembers: a week of them.

use super::super::{ApiError, Context};
use super::page::{Answer, Page};
use crate::server::doors::Caller;
use crate::server::views;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};

pub(super) fn routes() -> Router<Context> {
    Router::new().route("/executions", get(list))
}

/// The newest first.
async fn list(
    State(context): State<Context>,
    caller: Caller,
    Query(page): Query<Page>,
) -> Result<Json<Answer>, ApiError> {
    context.replica.read(|known| {
        let mut all = views::executions(&known.state);
        all.retain(|execution| caller.sees(execution.account));
        page.of(
            &all,
            known.state.sequence,
            |execution| format!("{}.{}", execution.id.base.as_str(), execution.id.revision),
            |execution| views::execution(execution),
        )
    })
}
