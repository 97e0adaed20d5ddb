//! Accounts: class, cash by currency, what they are worth, and whether risk may be added.

use super::super::body::At;
use super::super::replica::Known;
use super::super::{ApiError, Context};
use super::names;
use super::page::Answer;
use super::pnl::{TotalRow, totals};
use crate::domain::{AccountKey, Currency, Money, Timestamp};
use crate::server::doors::Caller;
use crate::server::views::rows::{text, time};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
struct AccountRow {
    broker: String,
    account: String,
    /// `live`, `paper` or `sim`.
    class: String,
    /// The currency it is kept in.
    base: String,
    /// `active`, `reducing` or `halted`.
    trading: String,
    /// Why it is not active.
    trading_reason: Option<String>,
    /// By currency; null until the broker told.
    cash: Option<BTreeMap<String, String>>,
    /// When the broker was last read completely.
    read_at: Option<String>,
}

/// An account in full.
#[derive(Debug, Serialize, ToSchema)]
struct AccountDetail {
    #[serde(flatten)]
    account: AccountRow,
    /// What it is worth, by currency.
    totals: Vec<TotalRow>,
    /// What the broker says of it beyond its cash.
    figures: Vec<Figure>,
}

/// Something that the broker says of an account.
#[derive(Debug, Serialize, ToSchema)]
struct Figure {
    /// As the broker names it.
    name: String,
    currency: String,
    amount: String,
}

fn show(known: &Known, key: AccountKey) -> Option<AccountRow> {
    let state = known.state.accounts.get(&key)?;
    let amounts = |cash: &BTreeMap<Currency, Money>| -> BTreeMap<String, String> {
        let told = cash
            .iter()
            .map(|(currency, amount)| (currency.to_string(), amount.to_string()));
        told.collect()
    };
    Some(AccountRow {
        broker: key.broker.to_string(),
        account: key.account.to_string(),
        class: state.account.class.word().to_lowercase(),
        base: state.account.base.to_string(),
        trading: state.trading.word().to_lowercase(),
        trading_reason: text(state.trading_reason.as_ref()),
        // Not told is null: unknown is not zero.
        cash: state.account.cash.as_ref().map(amounts),
        read_at: time(state.read_at),
    })
}

fn detail(known: &Known, key: AccountKey, now: Timestamp) -> Option<AccountDetail> {
    let told = known.health.iter().filter_map(|health| health.figures.get(&key));
    Some(AccountDetail {
        account: show(known, key)?,
        totals: totals(known, key, now),
        figures: told
            .flatten()
            .map(|(name, currency, amount)| Figure {
                name: name.to_string(),
                currency: currency.to_string(),
                amount: amount.to_string(),
            })
            .collect(),
    })
}

/// The accounts that the caller may see.
#[utoipa::path(get, path = "/accounts", tag = "accounts", responses((status = 200, body = Answer<AccountRow>)))]
async fn list(State(context): State<Context>, caller: Caller) -> Json<Answer<AccountRow>> {
    Json(context.replica.read(|known| {
        Answer {
            items: names::accounts(known, &caller)
                .filter_map(|key| show(known, key))
                .collect(),
            next: None,
            sequence: known.state.sequence,
        }
    }))
}

/// One account.
#[utoipa::path(get, path = "/accounts/{account}", tag = "accounts", params(("account" = String, Path, description = "Its name", example = "SIM100001")),
               responses((status = 200, body = AccountDetail)))]
async fn one(
    State(context): State<Context>,
    caller: Caller,
    At(account): At<String>,
) -> Result<Json<AccountDetail>, ApiError> {
    let now = (context.about.clock)();
    context.replica.read(|known| {
        let key = names::account(known, &caller, &account)?;
        let detail = detail(known, key, now).map(Json);
        detail.ok_or_else(|| super::super::act::no_account(&account))
    })
}
