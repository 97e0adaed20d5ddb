//! Whether it lives, whether it is ready, and what it says of itself.

use super::super::Context;
use super::super::replica::Known;
use crate::domain::{LinkState, Timestamp, TradingState};
use crate::server::doors::Caller;
use crate::server::views::rows::text;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The engine tells something at least this often while it lives: its sessions hear the market, and its timers fire.
const SILENT_AFTER: Duration = Duration::from_secs(60);

/// Without a key: they say nothing of accounts.
pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(ready))
}

/// Under `/api/v1`.
pub(super) fn api() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(status))
}

/// That the process lives.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `alive`.
    status: &'static str,
}

/// Whether orders could leave now.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    ready: bool,
    /// Why not.
    reasons: Vec<String>,
}

/// The process lives: nothing else is said by it.
#[utoipa::path(get, path = "/health", tag = "system", security(()), responses((status = 200, body = Health)))]
async fn health() -> Json<Health> {
    Json(Health { status: "alive" })
}

/// Whether orders could leave now. 503 with every reason where they could not.
#[utoipa::path(get, path = "/ready", tag = "system", security(()),
               responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
async fn ready(State(context): State<Context>) -> (StatusCode, Json<Readiness>) {
    let now = (context.about.clock)();
    let reasons = context.replica.read(|known| unready(known, now));
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let ready = reasons.is_empty();
    (status, Json(Readiness { ready, reasons }))
}

/// Why it is not ready, for everybody who asks without a key too: no word of a person or a broker, no account. Those who may see them
/// find them in the status, at links and accounts.
pub(in crate::server::http) fn unready(known: &Known, now: Timestamp) -> Vec<String> {
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
            reasons.push(format!("the link to {broker} is {}", link.state.word()));
        }
    }
    let mut accounts = known.state.accounts.values();
    if accounts.any(|account| account.trading == TradingState::Halted) {
        reasons.push("trading is halted".to_owned());
    }
    reasons
}

/// The link to a broker.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinkRow {
    broker: String,
    /// `down`, `connecting`, `syncing`, `ready`, `degraded`.
    state: String,
    since: String,
    reason: Option<String>,
}

pub(super) fn links(known: &Known) -> Vec<LinkRow> {
    let all = known.state.links.iter();
    all.map(|(broker, link)| LinkRow {
        broker: broker.to_string(),
        state: link.state.word().to_owned(),
        since: link.since.to_string(),
        reason: text(link.reason.as_ref()),
    })
    .collect()
}

/// What the engine says of itself.
#[derive(Debug, Serialize, ToSchema)]
struct Status {
    build: String,
    profile: String,
    now: String,
    /// The last event.
    sequence: u64,
    /// Orders could leave now.
    ready: bool,
    /// Why not.
    reasons: Vec<String>,
    links: Vec<LinkRow>,
    /// The accounts that the caller may see.
    trading: Vec<TradingRow>,
    /// Terminals and programs that are attached.
    sessions: usize,
}

/// Whether risk may be added in an account.
#[derive(Debug, Serialize, ToSchema)]
struct TradingRow {
    broker: String,
    account: String,
    /// `active`, `reducing` or `halted`.
    state: String,
    /// `live`, `paper` or `sim`.
    class: String,
    reason: Option<String>,
}

/// Build, links and accounts, as far as the caller may see them.
#[utoipa::path(get, path = "/system/status", tag = "system", responses((status = 200, body = Status)))]
async fn status(State(context): State<Context>, caller: Caller) -> Json<Status> {
    let about = &context.about;
    let now = (about.clock)();
    Json(context.replica.read(|known| {
        let state = &known.state;
        let trading = state
            .accounts
            .iter()
            .filter(|(key, _)| caller.sees(**key))
            .map(|(key, account)| TradingRow {
                broker: key.broker.to_string(),
                account: key.account.to_string(),
                state: account.trading.word().to_lowercase(),
                class: account.account.class.word().to_lowercase(),
                reason: text(account.trading_reason.as_ref()),
            });
        let reasons = unready(known, now);
        Status {
            build: about.build.clone(),
            profile: about.profile.clone(),
            now: now.to_string(),
            sequence: state.sequence,
            ready: reasons.is_empty(),
            reasons,
            links: links(known),
            trading: trading.collect(),
            sessions: state.sessions.len(),
        }
    }))
}
