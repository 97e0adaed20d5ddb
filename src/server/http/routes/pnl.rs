//! Profit: what each account is worth and won, by currency, by instrument of the day, and over the time that this engine
//! runs. No two currencies are added.

use super::super::body::Asked;
use super::super::replica::Known;
use super::super::{ApiError, Context};
use super::names;
use crate::domain::{AccountKey, Money, Timestamp};
use crate::engine::pnl;
use crate::engine::statement::Statement;
use crate::server::doors::Caller;
use crate::server::views::rows::{text, time};
use crate::wire::{Query, Reply};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(summary))
        .routes(routes!(day))
        .routes(routes!(history))
        .routes(routes!(days))
}

/// Points of one answer.
const POINTS: usize = 3_000;

/// One currency of an account. Null where a price that it takes is not known.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TotalRow {
    currency: String,
    /// Cash and what is held at its mark.
    net: Option<String>,
    /// Profit of what is held, at its mark.
    open: Option<String>,
    /// Profit since each instrument's trading day began, fees taken off.
    day: Option<String>,
    /// Realised since the journal began, fees taken off.
    realized: Option<String>,
}

pub(super) fn totals(known: &Known, key: AccountKey, now: Timestamp) -> Vec<TotalRow> {
    let at = known.venue_now(now);
    let realized = known.state.realized(key);
    let all = pnl::totals(&known.state, &known.market, at, key).into_iter();
    all.map(|(currency, total)| {
        let decimals = currency.minor_decimals();
        let money = |sum: Money| format!("{:.*}", decimals as usize, sum.round_to(decimals));
        TotalRow {
            currency: currency.to_string(),
            net: total.net.map(money),
            open: total.open.map(money),
            day: total.day.map(money),
            realized: realized.get(&currency).copied().map(money),
        }
    })
    .collect()
}

/// The profit of the accounts that the caller may see.
#[derive(Debug, Serialize, ToSchema)]
struct Summary {
    accounts: Vec<AccountTotals>,
    /// The event up to which this is true.
    sequence: u64,
}

/// An account's profit.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct AccountTotals {
    broker: String,
    account: String,
    /// Its own currency.
    base: Option<String>,
    totals: Vec<TotalRow>,
}

pub(in super::super) fn account_totals(known: &Known, key: AccountKey, now: Timestamp) -> AccountTotals {
    let entry = known.state.accounts.get(&key);
    AccountTotals {
        broker: key.broker.to_string(),
        account: key.account.to_string(),
        base: text(entry.map(|entry| entry.account.base)),
        totals: totals(known, key, now),
    }
}

/// What each account is worth and won.
#[utoipa::path(get, path = "/pnl", tag = "pnl", responses((status = 200, body = Summary)))]
async fn summary(State(context): State<Context>, caller: Caller) -> Json<Summary> {
    let now = (context.about.clock)();
    Json(context.replica.read(|known| {
        Summary {
            accounts: names::accounts(known, &caller)
                .map(|key| account_totals(known, key, now))
                .collect(),
            sequence: known.state.sequence,
        }
    }))
}

/// Whose.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// Which account; the usual one without.
    account: Option<String>,
}

/// A trading day, by instrument.
#[derive(Debug, Serialize, ToSchema)]
struct Day {
    account: String,
    /// Until when, by the venue's clock.
    until: Option<String>,
    items: Vec<DayRow>,
}

/// An instrument's day.
#[derive(Debug, Serialize, ToSchema)]
struct DayRow {
    symbol: String,
    currency: String,
    /// How often it was traded.
    fills: usize,
    bought: String,
    sold: String,
    /// So far as they are known.
    fees: String,
    /// Executions whose fee is not known yet.
    fees_unknown: usize,
    /// By average cost, fees not taken off.
    realized: String,
    /// At the mark, fees taken off.
    day: Option<String>,
    /// What is held now.
    held: String,
    /// What it is valued at.
    mark: Option<String>,
}

/// The trading day of an account, by instrument: those that were traded or are held.
#[utoipa::path(get, path = "/pnl/day", tag = "pnl", params(Whose), responses((status = 200, body = Day)))]
async fn day(
    State(context): State<Context>,
    caller: Caller,
    Asked(whose): Asked<Whose>,
) -> Result<Json<Day>, ApiError> {
    let now = (context.about.clock)();
    context.replica.read(|known| {
        let key = names::meant(known, &context, &caller, whose.account.as_ref())?;
        let statement = Statement::of(&known.state, &known.market, known.venue_now(now), key);
        let items = statement.rows.iter().map(|row| {
            let decimals = row.currency.minor_decimals();
            let money = |sum: Money| format!("{:.*}", decimals as usize, sum.round_to(decimals));
            DayRow {
                symbol: row.instrument.to_string(),
                currency: row.currency.to_string(),
                fills: row.fills,
                bought: row.bought.to_string(),
                sold: row.sold.to_string(),
                fees: money(row.fees),
                fees_unknown: row.fees_unknown,
                realized: money(row.realized),
                day: row.day.map(money),
                held: row.held.to_string(),
                mark: text(row.mark),
            }
        });
        Ok(Json(Day {
            account: key.account.to_string(),
            until: time(Some(statement.until)),
            items: items.collect(),
        }))
    })
}

/// Which stretch.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Stretch {
    /// Which account; the usual one without.
    account: Option<String>,
    /// Only later points, RFC 3339, by the venue's clock.
    after: Option<String>,
}

/// Worth and profit over time.
#[derive(Debug, Serialize, ToSchema)]
struct Curves {
    account: String,
    /// One for each currency.
    curves: Vec<Curve>,
}

/// Points of one currency, oldest first.
#[derive(Debug, Serialize, ToSchema)]
struct Curve {
    currency: String,
    points: Vec<Point>,
}

/// A moment of a curve. Null where a price was not known.
#[derive(Debug, Serialize, ToSchema)]
struct Point {
    /// By the venue's clock.
    at: Option<String>,
    /// Worth.
    net: Option<String>,
    /// Profit since the trading day began.
    day: Option<String>,
}

/// Worth and profit since this engine began: a point a minute, and after every trade.
#[utoipa::path(get, path = "/pnl/history", tag = "pnl", params(Stretch), responses((status = 200, body = Curves)))]
async fn history(
    State(context): State<Context>,
    caller: Caller,
    Asked(stretch): Asked<Stretch>,
) -> Result<Json<Curves>, ApiError> {
    let after = names::moment(stretch.after.as_ref(), "after")?.unwrap_or(Timestamp::MIN);
    let account = context
        .replica
        .read(|known| names::meant(known, &context, &caller, stretch.account.as_ref()))?;
    let Reply::Curve(all) = context.ask(Query::Curve { account, after }).await? else {
        return Err(ApiError::unavailable(
            "the engine gave another answer than was asked for",
        ));
    };
    let curves = all.into_iter().map(|(currency, points)| {
        let decimals = currency.minor_decimals();
        let money = |sum: Money| format!("{:.*}", decimals as usize, sum.round_to(decimals));
        let skip = points.len().saturating_sub(POINTS);
        Curve {
            currency: currency.to_string(),
            points: points
                .iter()
                .skip(skip)
                .map(|point| Point {
                    at: time(Some(point.at)),
                    net: point.net.map(money),
                    day: point.day.map(money),
                })
                .collect(),
        }
    });
    Ok(Json(Curves {
        account: account.account.to_string(),
        curves: curves.collect(),
    }))
}

/// Which days.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Days {
    /// Which account; the usual one without.
    account: Option<String>,
    /// Only sessions that began before this time, RFC 3339, by the venue's clock.
    before: Option<String>,
    /// Rows at most, one for each session and currency: 1 to 1000, 100 where nothing is said.
    limit: Option<u32>,
}

/// What an account won day by day.
#[derive(Debug, Serialize, ToSchema)]
struct PnlDays {
    account: String,
    /// The newest first.
    items: Vec<PnlDayRow>,
}

/// How an account stood at the last known moment of a session, in one currency.
#[derive(Debug, Serialize, ToSchema)]
struct PnlDayRow {
    currency: String,
    /// When the session began, by the venue's clock: 17:00 in New York.
    from: Option<String>,
    /// When it ended, or will.
    until: Option<String>,
    /// The last moment that is known of it.
    at: Option<String>,
    /// Worth.
    net: Option<String>,
    /// Realised and open, fees taken off, since the last moment of the day before that is kept; null on the first.
    profit: Option<String>,
}

/// What an account won day by day, beyond the life of one engine: a row for each session and currency.
#[utoipa::path(get, path = "/pnl/days", tag = "pnl", params(Days), responses((status = 200, body = PnlDays)))]
async fn days(
    State(context): State<Context>,
    caller: Caller,
    Asked(wanted): Asked<Days>,
) -> Result<Json<PnlDays>, ApiError> {
    let before = names::moment(wanted.before.as_ref(), "before")?.unwrap_or(Timestamp::MAX);
    let count = wanted.limit.unwrap_or(100);
    if !(1..=1_000).contains(&count) {
        return Err(ApiError::bad(format!("limit {count} is out of range; 1 to 1000")));
    }
    let account = context
        .replica
        .read(|known| names::meant(known, &context, &caller, wanted.account.as_ref()))?;
    let query = Query::PnlDays {
        account,
        before,
        count,
    };
    let Reply::PnlDays(all) = context.ask(query).await? else {
        return Err(ApiError::unavailable(
            "the days can't be read now; the engine's log says why",
        ));
    };
    let items = all.into_iter().map(|day| {
        let decimals = day.currency.minor_decimals();
        let money = |sum: Money| format!("{:.*}", decimals as usize, sum.round_to(decimals));
        PnlDayRow {
            currency: day.currency.to_string(),
            from: time(Some(day.from)),
            until: time(Some(day.until)),
            at: time(Some(day.at)),
            net: day.net.map(money),
            profit: day.profit.map(money),
        }
    });
    Ok(Json(PnlDays {
        account: account.account.to_string(),
        items: items.collect(),
    }))
}
