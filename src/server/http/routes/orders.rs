//! Orders: the list, and one of them.

use super::super::{ApiError, Context};
use super::page::{Answer, Page};
use crate::domain::{ClientOrderId, Order};
use crate::server::doors::Caller;
use crate::server::views;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;

pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route("/orders", get(list))
        .route("/orders/{id}", get(one))
}

/// Which orders.
#[derive(Debug, Default, Deserialize)]
struct Filter {
    /// `open` or `ended`; all that the state remembers where nothing is said.
    state: Option<String>,
    /// Of this instrument.
    symbol: Option<String>,
    /// Of this account.
    account: Option<String>,
}

impl Filter {
    fn passes(&self, order: &Order) -> bool {
        let spec = &order.spec;
        let symbol = |wanted: &String| spec.instrument.as_str().eq_ignore_ascii_case(wanted);
        let account = |wanted: &String| spec.account.account.as_str() == wanted;
        let state = |wanted: &String| (wanted == "open") == order.phase.is_live();
        self.symbol.as_ref().is_none_or(symbol)
            && self.account.as_ref().is_none_or(account)
            && self.state.as_ref().is_none_or(state)
    }
}

/// The newest first, live ones before those that ended.
async fn list(
    State(context): State<Context>,
    caller: Caller,
    Query(page): Query<Page>,
    Query(filter): Query<Filter>,
) -> Result<Json<Answer>, ApiError> {
    if let Some(other) = filter
        .state
        .as_ref()
        .filter(|word| *word != "open" && *word != "ended")
    {
        return Err(ApiError::bad(format!(
            "state '{other}' is neither open nor ended"
        )));
    }
    context.replica.read(|known| {
        let mut orders = views::orders(&known.state);
        orders.retain(|order| caller.sees(order.spec.account) && filter.passes(order));
        page.of(
            &orders,
            known.state.sequence,
            |order| order.id.to_string(),
            |order| views::order(order),
        )
    })
}

async fn one(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let wanted = ClientOrderId::new(&id).map_err(|_| ApiError::not_found(format!("order '{id}'")))?;
    context.replica.read(|known| {
        let order = known.state.orders.get(&wanted);
        order
            .filter(|order| caller.sees(order.spec.account))
            .map(|order| Json(views::order(order)))
            .ok_or_else(|| ApiError::not_found(format!("order '{id}' that ended within a day or lives")))
    })
}
