//! What is seen at a glance, and what people should see: the dashboard's summary, notifications, how fast things are, and
//! the settings.

use super::super::body::Asked;
use super::super::replica::Known;
use super::super::{ApiError, Context};
use super::names;
use super::page::{Answer, Page};
use super::pnl::{AccountTotals, account_totals};
use super::risk::{AccountRisk, account_risk};
use super::system::LinkRow;
use crate::domain::Timestamp;
use crate::engine::state::Notice;
use crate::server::doors::{Caller, Role};
use crate::server::views;
use crate::server::views::notice::{NoticeRow, Scope};
use crate::server::views::rows::{ExecutionRow, OrderRow, PositionRow};
use crate::wire::{Query, Reply};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(dashboard))
        .routes(routes!(notifications))
        .routes(routes!(performance))
        .routes(routes!(settings))
}

/// Rows of each list of the summary.
const ROWS: usize = 10;

/// Everything at a glance, as far as the caller may see it.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct Dashboard {
    now: String,
    /// Orders could leave now.
    ready: bool,
    links: Vec<LinkRow>,
    totals: Vec<AccountTotals>,
    risk: Vec<AccountRisk>,
    /// What is held.
    positions: Vec<PositionRow>,
    /// The newest orders that live.
    orders: Vec<OrderRow>,
    /// How many live in all.
    live_orders: usize,
    /// The newest executions.
    executions: Vec<ExecutionRow>,
    /// The newest notifications.
    notifications: Vec<NoticeRow>,
    /// The event up to which this is true.
    sequence: u64,
}

/// The summary.
#[utoipa::path(get, path = "/dashboard", tag = "overview", responses((status = 200, body = Dashboard)))]
async fn dashboard(State(context): State<Context>, caller: Caller) -> Json<Dashboard> {
    let now = (context.about.clock)();
    Json(context.replica.read(|known| summary(known, &caller, now)))
}

pub(in super::super) fn summary(known: &Known, caller: &Caller, now: Timestamp) -> Dashboard {
    let state = &known.state;
    let mut orders = views::orders(state);
    orders.retain(|order| order.phase.is_live() && caller.sees(order.spec.account));
    let mut executions = views::executions(state);
    executions.retain(|execution| caller.sees(execution.account));
    let mut positions = views::seen_position_rows(state, &known.market, |key| caller.sees(key));
    positions.retain(|row| row.quantity != "0");
    let accounts = || names::accounts(known, caller);
    Dashboard {
        now: now.to_string(),
        ready: super::system::unready(known, now).is_empty(),
        links: super::system::links(known),
        totals: accounts().map(|key| account_totals(known, key, now)).collect(),
        risk: accounts().map(|key| account_risk(known, key, now)).collect(),
        positions,
        live_orders: orders.len(),
        orders: orders.into_iter().take(ROWS).map(OrderRow::from).collect(),
        executions: executions
            .into_iter()
            .take(ROWS)
            .map(ExecutionRow::from)
            .collect(),
        notifications: seen(known, caller)
            .into_iter()
            .take(ROWS)
            .map(NoticeRow::from)
            .collect(),
        sequence: state.sequence,
    }
}

/// Notices that the caller may see, the newest first.
pub(in super::super) fn seen<'a>(known: &'a Known, caller: &Caller) -> Vec<&'a Notice> {
    let may = |notice: &&Notice| {
        caller.accounts.is_none()
            || match known.scopes.get(&notice.sequence) {
                Some(Scope::Account(account)) => caller.sees(*account),
                Some(Scope::General) => true,
                Some(Scope::Unknown) | None => false,
            }
    };
    known.state.notices.iter().rev().filter(may).collect()
}

/// Which notifications.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct After {
    /// Only those of later events.
    after: Option<u64>,
    /// Only warnings.
    warnings: Option<bool>,
}

/// What people should see, the newest first: denials, fills, rejections, surprises. The newest 200 are kept; the journal
/// has all.
#[utoipa::path(get, path = "/notifications", tag = "overview", params(Page, After),
               responses((status = 200, body = Answer<NoticeRow>)))]
async fn notifications(
    State(context): State<Context>,
    caller: Caller,
    Asked(page): Asked<Page>,
    Asked(after): Asked<After>,
) -> Result<Json<Answer<NoticeRow>>, ApiError> {
    context.replica.read(|known| {
        let mut all = seen(known, &caller);
        all.retain(|notice| {
            let warning = notice.level == crate::engine::state::NoticeLevel::Warning;
            after.after.is_none_or(|after| notice.sequence > after)
                && (after.warnings != Some(true) || warning)
        });
        page.of(
            &all,
            known.state.sequence,
            |notice| notice.sequence.to_string(),
            |notice| NoticeRow::from(*notice),
        )
    })
}

/// How fast things are.
#[derive(Debug, Serialize, ToSchema)]
struct Performance {
    /// Seconds since the engine began.
    uptime_s: u64,
    /// Events since the journal began.
    sequence: u64,
    /// Terminals attached.
    clients: u32,
    /// How long ago the engine last told anything, in milliseconds.
    told_ms_ago: Option<u64>,
    /// Instruments that have a quote whose source is there.
    quoted: usize,
    /// The connection to each broker, where it tells.
    brokers: Vec<BrokerRow>,
}

/// How a connection to a broker is.
#[derive(Debug, Serialize, ToSchema)]
struct BrokerRow {
    broker: String,
    /// The last round trip of a heartbeat, in microseconds.
    round_trip_us: Option<u64>,
    /// How often the connection was made again.
    reconnects: u32,
    /// From an order's record to its bytes on the broker's socket.
    sent: Option<SentRow>,
}

/// How long the last orders took to leave, in microseconds.
#[derive(Debug, Serialize, ToSchema)]
struct SentRow {
    /// What half of them don't exceed.
    p50_us: u64,
    /// What 99 in a hundred don't exceed.
    p99_us: u64,
    /// How many they are.
    of: u32,
}

/// How fast things are, as far as it is measured.
#[utoipa::path(get, path = "/system/performance", tag = "system", responses((status = 200, body = Performance)))]
async fn performance(State(context): State<Context>, _caller: Caller) -> Result<Json<Performance>, ApiError> {
    let Reply::Status(status) = context.ask(Query::Status).await? else {
        return Err(ApiError::unavailable(
            "the engine gave another answer than was asked for",
        ));
    };
    let now = (context.about.clock)();
    Ok(Json(context.replica.read(|known| {
        Performance {
            uptime_s: status.uptime_s,
            sequence: status.sequence,
            clients: status.clients,
            told_ms_ago: known
                .told_at
                .map(|at| u64::try_from(now.since(at).as_millis()).unwrap_or(u64::MAX)),
            quoted: known.market.quoted(),
            brokers: status
                .health
                .iter()
                .map(|health| BrokerRow {
                    broker: health.broker.to_string(),
                    round_trip_us: health.round_trip_us,
                    reconnects: health.reconnects,
                    sent: health.sent.map(|sent| SentRow {
                        p50_us: sent.p50_us,
                        p99_us: sent.p99_us,
                        of: sent.of,
                    }),
                })
                .collect(),
        }
    })))
}

/// A setting.
#[derive(Debug, Serialize, ToSchema)]
struct SettingRow {
    /// Such as `limits.max_order_value`.
    key: String,
    /// As in the file; what is secret says only that it is set.
    value: String,
    /// `default`, a file and its line, an environment variable, or a flag.
    source: String,
    /// When a change of it takes effect: `restart` of the engine, or `attach` of the next terminal.
    applies: &'static str,
}

/// Every setting with its value and its source. For administrators: settings name people, files and commands.
#[utoipa::path(get, path = "/settings", tag = "system", params(Page), responses((status = 200, body = Answer<SettingRow>)))]
async fn settings(
    State(context): State<Context>,
    caller: Caller,
    Asked(page): Asked<Page>,
) -> Result<Json<Answer<SettingRow>>, ApiError> {
    caller.require(Role::Admin)?;
    let sequence = context.replica.read(|known| known.state.sequence);
    page.of(
        &context.given.settings,
        sequence,
        |setting| setting.key.clone(),
        |setting| SettingRow {
            key: setting.key.clone(),
            value: setting.value.clone(),
            source: setting.source.clone(),
            applies: if of_the_terminal(&setting.key) {
                "attach"
            } else {
                "restart"
            },
        },
    )
}

fn of_the_terminal(key: &str) -> bool {
    ["terminal.", "keys.", "watchlists."]
        .iter()
        .any(|section| key.starts_with(section))
}
