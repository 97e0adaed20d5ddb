//! Whether it lives, whether it is ready, and what it says of itself.

use super::super::Context;
use super::super::replica::Known;
use crate::domain::{LinkState, Timestamp, TradingState};
use crate::server::doors::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::time::Duration;

/// The engine tells something at least this often while it lives: its sessions hear the market, and its timers fire.
const SILENT_AFTER: Duration = Duration::from_secs(60);

/// Without a key: they say nothing of accounts.
pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
}

/// Under `/api/v1`.
pub(super) fn api() -> Router<Context> {
    Router::new().route("/system/status", get(status))
}

/// The process lives: nothing else is said by it.
async fn health() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

/// Whether orders could leave now. 503 with every reason where they could not.
async fn ready(State(context): State<Context>) -> (StatusCode, Json<Value>) {
    let now = (context.about.clock)();
    let reasons = context.replica.read(|known| unready(known, now));
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(json!({"ready": reasons.is_empty(), "reasons": reasons})),
    )
}

/// Why it is not ready.
fn unready(known: &Known, now: Timestamp) -> Vec<String> {
    let mut reasons = Vec::new();
    if !known.synced {
        reasons.push("the engine has not told its state yet".to_owned());
    }
    if known.synced && known.told_at.is_some_and(|at| now.since(at) > SILENT_AFTER) {
        reasons.push(format!(
            "the engine has told nothing for more than {} s",
            SILENT_AFTER.as_secs()
        ));
    }
    if known.synced && known.state.links.is_empty() {
        reasons.push("no broker is connected".to_owned());
    }
    for (broker, link) in &known.state.links {
        if link.state != LinkState::Ready {
            let why = link
                .reason
                .as_ref()
                .map_or(String::new(), |reason| format!(": {reason}"));
            reasons.push(format!("the link to {broker} is {}{why}", link.state.word()));
        }
    }
    for (key, account) in &known.state.accounts {
        if account.trading == TradingState::Halted {
            let why = account
                .trading_reason
                .as_ref()
                .map_or(String::new(), |reason| format!(": {reason}"));
            reasons.push(format!("an account at {} is halted{why}", key.broker));
        }
    }
    reasons
}

/// Build, links and accounts, as far as the caller may see them.
async fn status(State(context): State<Context>, caller: Caller) -> Json<Value> {
    let about = &context.about;
    let now = (about.clock)();
    Json(context.replica.read(|known| {
        let state = &known.state;
        let links: Vec<Value> = state
            .links
            .iter()
            .map(|(broker, link)| {
                json!({"broker": broker.as_str(), "state": link.state.word(), "since": link.since.to_string(),
                       "reason": link.reason.as_ref().map(ToString::to_string)})
            })
            .collect();
        let trading: Vec<Value> = state
            .accounts
            .iter()
            .filter(|(key, _)| caller.sees(**key))
            .map(|(key, account)| {
                json!({"broker": key.broker.as_str(), "account": key.account.as_str(),
                       "state": account.trading.word().to_lowercase(),
                       "class": account.account.class.word().to_lowercase(),
                       "reason": account.trading_reason.as_ref().map(ToString::to_string)})
            })
            .collect();
        let reasons = unready(known, now);
        json!({"build": about.build, "profile": about.profile, "now": now.to_string(), "sequence": state.sequence,
               "ready": reasons.is_empty(), "reasons": reasons, "links": links, "trading": trading,
               "sessions": state.sessions.len()})
    }))
}
