//! Accounts: class, cash by currency, and whether risk may be added.

use super::super::{ApiError, Context};
use crate::domain::{AccountKey, Currency, Money};
use crate::engine::state::AccountState;
use crate::server::doors::Caller;
use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route("/accounts", get(list))
        .route("/accounts/{account}", get(one))
}

fn show(key: &AccountKey, state: &AccountState) -> Value {
    let amounts = |cash: &BTreeMap<Currency, Money>| -> BTreeMap<String, String> {
        let told = cash
            .iter()
            .map(|(currency, amount)| (currency.to_string(), amount.to_string()));
        told.collect()
    };
    // Not told is null: unknown is not zero.
    let cash = state.account.cash.as_ref().map(amounts);
    json!({
        "broker": key.broker.as_str(),
        "account": key.account.as_str(),
        "class": state.account.class.word().to_lowercase(),
        "trading": state.trading.word().to_lowercase(),
        "trading_reason": state.trading_reason.as_ref().map(ToString::to_string),
        "cash": cash,
        "read_at": state.read_at.map(|at| at.to_string()),
    })
}

async fn list(State(context): State<Context>, caller: Caller) -> Json<Value> {
    Json(context.replica.read(|known| {
        let seen = known.state.accounts.iter().filter(|(key, _)| caller.sees(**key));
        json!({"items": seen.map(|(key, state)| show(key, state)).collect::<Vec<_>>(), "next": null,
               "sequence": known.state.sequence})
    }))
}

async fn one(
    State(context): State<Context>,
    caller: Caller,
    Path(account): Path<String>,
) -> Result<Json<Value>, ApiError> {
    context.replica.read(|known| {
        let found = known
            .state
            .accounts
            .iter()
            .find(|(key, _)| key.account.as_str() == account && caller.sees(**key));
        found
            .map(|(key, state)| Json(show(key, state)))
            .ok_or_else(|| ApiError::not_found(format!("account '{account}' that this key may see")))
    })
}
