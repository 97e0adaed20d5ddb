//! Executions: those that the state remembers, a week of them, and those of all days.

use super::super::body::Asked;
use super::super::{ApiError, Context};
use super::names;
use super::orders::Past;
use super::page::{Answer, Page};
use crate::engine::history::Traded;
use crate::server::doors::Caller;
use crate::server::views;
use crate::server::views::rows::{ExecutionRow, text};
use crate::wire::{Query, Reply};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(history))
}

/// Which executions.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Of this instrument.
    symbol: Option<String>,
    /// Of this account.
    account: Option<String>,
    /// Of this order.
    client_order_id: Option<String>,
}

/// Executions of a week, the newest first.
#[utoipa::path(get, path = "/executions", tag = "executions", params(Page, Filter),
               responses((status = 200, body = Answer<ExecutionRow>)))]
async fn list(
    State(context): State<Context>,
    caller: Caller,
    Asked(page): Asked<Page>,
    Asked(filter): Asked<Filter>,
) -> Result<Json<Answer<ExecutionRow>>, ApiError> {
    context.replica.read(|known| {
        let account = names::narrowed(known, &caller, filter.account.as_ref())?;
        let mut all = views::executions(&known.state);
        all.retain(|execution| {
            let symbol = |wanted: &String| execution.instrument.as_str().eq_ignore_ascii_case(wanted);
            let order = |wanted: &String| execution.order.is_some_and(|id| id.as_str() == wanted);
            caller.sees(execution.account)
                && filter.symbol.as_ref().is_none_or(symbol)
                && account.is_none_or(|wanted| execution.account == wanted)
                && filter.client_order_id.as_ref().is_none_or(order)
        });
        page.of(
            &all,
            known.state.sequence,
            |execution| format!("{}.{}", execution.id.base.as_str(), execution.id.revision),
            |execution| ExecutionRow::from(*execution),
        )
    })
}

/// An execution, and how its price compares with what was hoped for.
#[derive(Debug, Serialize, ToSchema)]
struct PastExecution {
    #[serde(flatten)]
    execution: ExecutionRow,
    /// The middle of the market when the order was sent, else the order's own price.
    hoped: Option<String>,
    /// How much worse it was, for one unit; negative was better.
    slippage: Option<String>,
}

impl From<&Traded> for PastExecution {
    fn from(traded: &Traded) -> Self {
        Self {
            execution: ExecutionRow::from(&traded.execution),
            hoped: text(traded.hoped.map(crate::engine::history::Hoped::price)),
            slippage: text(traded.slippage()),
        }
    }
}

/// Executions of all days, newest first, each in its newest revision.
#[utoipa::path(get, path = "/history/executions", tag = "executions", params(Past),
               responses((status = 200, body = Answer<PastExecution>)))]
async fn history(
    State(context): State<Context>,
    caller: Caller,
    Asked(past): Asked<Past>,
) -> Result<Json<Answer<PastExecution>>, ApiError> {
    let (account, instrument, before, count) = past.wanted(&context, &caller)?;
    let query = Query::Executions {
        account,
        instrument,
        before,
        count,
    };
    let Reply::Executions(page) = context.ask(query).await? else {
        return Err(ApiError::unavailable(
            "the journal gave another answer than was asked for",
        ));
    };
    let sequence = context.replica.read(|known| known.state.sequence);
    let seen = page
        .executions
        .iter()
        .filter(|traded| caller.sees(traded.execution.account));
    Ok(Json(Answer {
        items: seen.map(PastExecution::from).collect(),
        next: page.next.map(|next| next.to_string()),
        sequence,
    }))
}
