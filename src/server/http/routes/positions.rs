//! Positions: the list, and one of them.

use super::super::replica::Known;
use super::super::{ApiError, Context};
use super::page::{Answer, Page};
use crate::server::doors::Caller;
use crate::server::views;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;

pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route("/positions", get(list))
        .route("/positions/{account}/{symbol}", get(one))
}

/// Those of accounts that the caller may see.
fn seen(known: &Known, caller: &Caller) -> Vec<Value> {
    views::seen_positions(&known.state, &known.market, |key| caller.sees(key))
}

fn id(row: &Value) -> String {
    let named = |key: &str| row[key].as_str().unwrap_or("");
    format!("{}/{}", named("account"), named("symbol"))
}

async fn list(
    State(context): State<Context>,
    caller: Caller,
    Query(page): Query<Page>,
) -> Result<Json<Answer>, ApiError> {
    context.replica.read(|known| {
        let rows = seen(known, &caller);
        page.of(&rows, known.state.sequence, id, Value::clone)
    })
}

async fn one(
    State(context): State<Context>,
    caller: Caller,
    Path((account, symbol)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let wanted = format!("{account}/{}", symbol.to_ascii_uppercase());
    context
        .replica
        .read(|known| seen(known, &caller).into_iter().find(|row| id(row) == wanted))
        .map(Json)
        .ok_or_else(|| ApiError::not_found(format!("position of {symbol} in account '{account}'")))
}
