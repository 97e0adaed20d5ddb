//! Trades as round trips: from flat to flat.

use super::super::body::Asked;
use super::super::{ApiError, Context};
use super::names;
use super::page::{Answer, Page};
use crate::domain::{Money, Side};
use crate::engine::trips::{self, Trip};
use crate::server::doors::Caller;
use crate::server::views::rows::{text, time};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which trades.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// In this instrument.
    symbol: Option<String>,
    /// Of this account.
    account: Option<String>,
    /// `open` or `closed`; both where nothing is said.
    state: Option<String>,
    /// Only what was closed at or after this time, or is open.
    from: Option<String>,
    /// Only what was closed before this time.
    to: Option<String>,
}

/// A round trip: what was entered and left, from flat to flat.
#[derive(Debug, Serialize, ToSchema)]
struct TradeRow {
    broker: String,
    account: String,
    symbol: String,
    /// `long` or `short`.
    side: &'static str,
    /// `open` or `closed`.
    state: &'static str,
    /// Null where it began before what is remembered (a week).
    opened_at: Option<String>,
    closed_at: Option<String>,
    /// All that was entered.
    entered: String,
    /// All that was left.
    left: String,
    /// The average price of what was entered.
    entry_price: Option<String>,
    /// The average price of what was left.
    exit_price: Option<String>,
    /// Fees not taken off; null while it is open.
    profit: Option<String>,
    /// So far as they are known.
    fees: String,
    currency: Option<String>,
    executions: u32,
}

/// Round trips of a week: those that are open first, then the newest.
#[utoipa::path(get, path = "/trades", tag = "executions", params(Page, Filter),
               responses((status = 200, body = Answer<TradeRow>)))]
async fn list(
    State(context): State<Context>,
    caller: Caller,
    Asked(page): Asked<Page>,
    Asked(filter): Asked<Filter>,
) -> Result<Json<Answer<TradeRow>>, ApiError> {
    let state = filter.state.as_deref();
    if !matches!(state, None | Some("open" | "closed")) {
        return Err(ApiError::bad("state is open or closed"));
    }
    let from = names::moment(filter.from.as_ref(), "from")?;
    let to = names::moment(filter.to.as_ref(), "to")?;
    context.replica.read(|known| {
        let account = names::narrowed(known, &caller, filter.account.as_ref())?;
        let mut all = trips::all(&known.state, |key| caller.sees(key));
        all.retain(|trip| {
            let symbol = |wanted: &String| trip.instrument.as_str().eq_ignore_ascii_case(wanted);
            filter.symbol.as_ref().is_none_or(symbol)
                && account.is_none_or(|wanted| trip.account == wanted)
                && state.is_none_or(|state| (state == "open") == trip.closed_at.is_none())
                && from.is_none_or(|from| trip.closed_at.is_none_or(|at| at >= from))
                && to.is_none_or(|to| trip.closed_at.is_some_and(|at| at < to))
        });
        page.of(&all, known.state.sequence, id, |trip| {
            let currency = known
                .state
                .instruments
                .get(&trip.instrument)
                .map(|of| of.currency);
            let decimals = currency.map_or(2, |currency| currency.minor_decimals());
            let money = |sum: Money| format!("{:.*}", decimals as usize, sum.round_to(decimals));
            TradeRow {
                broker: trip.account.broker.to_string(),
                account: trip.account.account.to_string(),
                symbol: trip.instrument.to_string(),
                side: if trip.side == Side::Buy { "long" } else { "short" },
                state: if trip.closed_at.is_none() {
                    "open"
                } else {
                    "closed"
                },
                opened_at: time(trip.opened_at),
                closed_at: time(trip.closed_at),
                entered: trip.entered.to_string(),
                left: trip.left.to_string(),
                entry_price: text(trip.entry),
                exit_price: text(trip.exit),
                profit: trip.profit.map(money),
                fees: money(trip.fees),
                currency: text(currency),
                executions: trip.executions,
            }
        })
    })
}

fn id(trip: &Trip) -> String {
    let at = trip.opened_at.map_or(0, |at| at.0);
    format!("{}.{}.{at}", trip.account.account, trip.instrument)
}
