//! Positions: the list, one of them, closing it, and its protective stop. What closes opens nothing: where less is held by
//! then, it is refused.

use super::super::act::{content, id_named, no_account};
use super::super::body::{Asked, At, Body};
use super::super::replica::Known;
use super::super::{ApiError, Context};
use super::names;
use super::page::{Answer, Page};
use super::place::{Placed, Wait, answered_before, place_one};
use super::wish::number;
use crate::domain::{
    AccountKey, ClientOrderId, InstrumentId, OrderChange, OrderKind, OrderSpec, Price, Quantity, Role, Side,
    TimeInForce,
};
use crate::engine::{Command, DenialCode, Legs, Seen, digest, in_the_way, pnl, scale_out};
use crate::server::doors::Caller;
use crate::server::views;
use crate::server::views::rows::{OrderRow, PositionRow};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(close))
        .routes(routes!(protect))
}

/// Those of accounts that the caller may see.
fn seen(known: &Known, caller: &Caller) -> Vec<PositionRow> {
    views::seen_position_rows(&known.state, &known.market, |key| caller.sees(key))
}

fn id(row: &PositionRow) -> String {
    format!("{}/{}", row.account, row.symbol)
}

/// Which positions.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Of this account.
    account: Option<String>,
    /// Only what is held now; positions that were closed with a result too where nothing is said.
    held: Option<bool>,
}

/// Positions that are held or were closed with a result.
#[utoipa::path(get, path = "/positions", tag = "positions", params(Page, Filter),
               responses((status = 200, body = Answer<PositionRow>)))]
async fn list(
    State(context): State<Context>,
    caller: Caller,
    Asked(page): Asked<Page>,
    Asked(filter): Asked<Filter>,
) -> Result<Json<Answer<PositionRow>>, ApiError> {
    context.replica.read(|known| {
        let account = names::narrowed(known, &caller, filter.account.as_ref())?;
        let mut rows = seen(known, &caller);
        rows.retain(|row| {
            account.is_none_or(|of| row.broker == of.broker.as_str() && row.account == of.account.as_str())
                && (filter.held != Some(true) || row.quantity != "0")
        });
        page.of(&rows, known.state.sequence, id, PositionRow::clone)
    })
}

/// A position, and what works for it.
#[derive(Debug, Serialize, ToSchema)]
struct PositionDetail {
    #[serde(flatten)]
    position: PositionRow,
    /// Profit since the instrument's trading day began, fees taken off.
    day_pnl: Option<String>,
    /// Orders in it that live.
    orders: Vec<OrderRow>,
    /// It is being flattened, and how far that has come.
    flattening: Option<&'static str>,
}

/// One position.
#[utoipa::path(get, path = "/positions/{account}/{symbol}", tag = "positions",
               params(("account" = String, Path, description = "Its account", example = "SIM100001"), ("symbol" = String, Path, description = "Its instrument", example = "AAPL")),
               responses((status = 200, body = PositionDetail)))]
async fn one(
    State(context): State<Context>,
    caller: Caller,
    At((account, symbol)): At<(String, String)>,
) -> Result<Json<PositionDetail>, ApiError> {
    let now = (context.about.clock)();
    context.replica.read(|known| {
        let (key, id) = place(known, &caller, &account, &symbol, now)?;
        let row = seen(known, &caller)
            .into_iter()
            .find(|row| row.account == key.account.as_str() && row.symbol == id.as_str());
        let position =
            row.ok_or_else(|| ApiError::not_found(format!("position of {id} in account '{}'", key.account)))?;
        let state = &known.state;
        let instrument = state.instruments.get(&id);
        let ledger = state.ledgers.get(&(key, id));
        let day = instrument
            .zip(ledger)
            .and_then(|(of, ledger)| pnl::day(&known.market, known.venue_now(now), of, ledger));
        let decimals = instrument.map_or(2, |of| of.currency.minor_decimals());
        Ok(Json(PositionDetail {
            position,
            day_pnl: day.map(|day| format!("{:.*}", decimals as usize, day.round_to(decimals))),
            orders: state.live_orders(key, id).map(OrderRow::from).collect(),
            flattening: state
                .flattening
                .get(&(key, id))
                .map(|flatten| flatten.step.word()),
        }))
    })
}

/// The account and the instrument of an address.
fn place(
    known: &Known,
    caller: &Caller,
    account: &str,
    symbol: &str,
    now: crate::domain::Timestamp,
) -> Result<(AccountKey, InstrumentId), ApiError> {
    let key = names::account(known, caller, account).map_err(|_| no_account(account))?;
    Ok((key, names::instrument(known, symbol, now)?))
}

/// What is to be closed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Close {
    /// How much; all that no working order closes already without.
    quantity: Option<String>,
    /// Made by the asker: the same id again is the same order.
    client_order_id: Option<String>,
}

/// Closes a position, or a part of it, at the market.
#[utoipa::path(post, path = "/positions/{account}/{symbol}/close", tag = "positions", request_body = Close,
               params(("account" = String, Path, description = "Its account", example = "SIM100001"), ("symbol" = String, Path, description = "Its instrument", example = "AAPL"), Wait,
                      ("Idempotency-Key" = Option<String>, Header, description = "The client order id, where the body names none")),
               responses((status = 201, body = Placed), (status = 200, body = Placed)))]
async fn close(
    State(context): State<Context>,
    caller: Caller,
    At((account, symbol)): At<(String, String)>,
    Asked(wait): Asked<Wait>,
    headers: HeaderMap,
    Body(wanted): Body<Close>,
) -> Result<(StatusCode, Json<Placed>), ApiError> {
    caller.require(crate::server::doors::Role::Trade)?;
    let now = (context.about.clock)();
    let wait = wait.time()?;
    let named = id_named(&headers, wanted.client_order_id.as_ref())?;
    let (key, instrument) = context
        .replica
        .read(|known| place(known, &caller, &account, &symbol, now))?;
    let what = content(&format!("close {key} {instrument}"), &wanted);
    if let Some(id) = named
        && let Some(order) = context.asked_before(&caller, id, &what).await?
    {
        return answered_before(&order);
    }
    let id = named.unwrap_or_else(|| context.new_id());
    let part: Option<Quantity> = number("quantity", wanted.quantity.as_ref())?;
    // All that is held is no part: what only protects it goes with it.
    let whole = |quantity: &Quantity| {
        context.replica.read(|known| {
            let held = known.state.position(key, instrument).quantity.abs();
            *quantity == held && in_the_way::only_protection(&known.state, key, instrument)
        })
    };
    let command = match part.filter(|quantity| !whole(quantity)) {
        None => Command::Close {
            id,
            account: key,
            instrument,
        },
        Some(quantity) => context.replica.read(|known| {
            let kind = OrderKind::Market;
            closing(
                known,
                id,
                (key, instrument),
                kind,
                Some(quantity),
                TimeInForce::Day,
            )
        })?,
    };
    place_one(&context, &caller, (id, named.is_some()), what, command, wait).await
}

/// An order that takes off what is held and opens nothing: all of it that nothing closes already, or a part.
fn closing(
    known: &Known,
    id: ClientOrderId,
    (account, instrument): (AccountKey, InstrumentId),
    kind: OrderKind,
    quantity: Option<Quantity>,
    tif: TimeInForce,
) -> Result<Command, ApiError> {
    let conflict = |code: DenialCode, text: String| ApiError::new(StatusCode::CONFLICT, code.as_str(), text);
    let state = &known.state;
    if !state.positions_known(account) {
        let text = format!("what {account} holds has not been read yet");
        return Err(ApiError::unavailable(text));
    }
    let position = state.position(account, instrument);
    let Some(side) = position.side() else {
        let text = format!("{account} holds no {instrument}");
        return Err(conflict(DenialCode::NothingToClose, text));
    };
    let held = position.quantity.abs();
    let free = held.saturating_sub(state.working_exits(account, instrument));
    let quantity = quantity.unwrap_or(free);
    let spec = OrderSpec {
        account,
        instrument,
        side: side.opposite(),
        quantity,
        kind,
        tif,
        display: None,
        allow_short: false,
        role: Role::Entry,
        parent: None,
        outside_hours: false,
    };
    // What protects the position gives way to a part of it at the market.
    let fits = quantity <= free && free.is_positive() || scale_out::ways(state, &spec).is_some();
    if !fits {
        let text = in_the_way::words(state, account, instrument).unwrap_or_else(|| {
            format!("{held} {instrument} are held, and of these {free} are closed by no working order: cancel or shrink those first")
        });
        return Err(conflict(DenialCode::NothingToClose, text));
    }
    let legs = Legs::default();
    let seen = Seen {
        reduces: true,
        ..digest::seen_now(&known.market, &spec, legs)
    };
    Ok(Command::Submit {
        id,
        spec,
        legs,
        seen: Some(seen),
    })
}

/// A protective stop.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Protect {
    /// The price that wakes it. A stop that is there already is moved to it.
    #[schema(example = "185")]
    trigger: String,
    /// The worst price then; a market order without.
    price: Option<String>,
    /// How much; all that no working order closes already without. Only for a new stop.
    quantity: Option<String>,
    /// Made by the asker: the same id again is the same order. Only for a new stop.
    client_order_id: Option<String>,
}

/// Puts a protective stop under a position, or moves the one that is there. It lives until it is cancelled.
#[utoipa::path(post, path = "/positions/{account}/{symbol}/stop", tag = "positions", request_body = Protect,
               params(("account" = String, Path, description = "Its account", example = "SIM100001"), ("symbol" = String, Path, description = "Its instrument", example = "AAPL"), Wait,
                      ("Idempotency-Key" = Option<String>, Header, description = "The client order id, where the body names none")),
               responses((status = 201, body = Placed), (status = 200, body = Placed)))]
async fn protect(
    State(context): State<Context>,
    caller: Caller,
    At((account, symbol)): At<(String, String)>,
    Asked(wait): Asked<Wait>,
    headers: HeaderMap,
    Body(wanted): Body<Protect>,
) -> Result<(StatusCode, Json<Placed>), ApiError> {
    caller.require(crate::server::doors::Role::Trade)?;
    let now = (context.about.clock)();
    let wait = wait.time()?;
    let named = id_named(&headers, wanted.client_order_id.as_ref())?;
    let (key, instrument) = context
        .replica
        .read(|known| place(known, &caller, &account, &symbol, now))?;
    let what = content(&format!("stop {key} {instrument}"), &wanted);
    if let Some(id) = named
        && let Some(order) = context.asked_before(&caller, id, &what).await?
    {
        return answered_before(&order);
    }
    if wanted.trigger.is_empty() {
        return Err(ApiError::bad("trigger is missing: the price that wakes the stop"));
    }
    let trigger: Option<Price> = number("trigger", Some(&wanted.trigger))?;
    let trigger = trigger.unwrap_or(Price::ZERO);
    let price: Option<Price> = number("price", wanted.price.as_ref())?;
    let quantity: Option<Quantity> = number("quantity", wanted.quantity.as_ref())?;
    let id = named.unwrap_or_else(|| context.new_id());
    let (id, named, command) = context.replica.read(|known| {
        let there = stops(known, key, instrument);
        let new = named.is_some() || quantity.is_some();
        match there.as_slice() {
            [only] if !new => {
                let change = OrderChange {
                    trigger: Some(trigger),
                    price,
                    ..OrderChange::default()
                };
                Ok((*only, false, Command::Modify { id: *only, change }))
            }
            [_, _, ..] if !new => Err(ApiError::new(
                StatusCode::CONFLICT,
                DenialCode::Busy.as_str(),
                "several stops protect this position: change one by its id, PATCH /api/v1/orders/{id}",
            )),
            _ => {
                let kind = match price {
                    Some(price) => OrderKind::StopLimit { trigger, price },
                    None => OrderKind::Stop { trigger },
                };
                let place = (key, instrument);
                let command = closing(known, id, place, kind, quantity, TimeInForce::Gtc)?;
                Ok((id, named.is_some(), command))
            }
        }
    })?;
    place_one(&context, &caller, (id, named), what, command, wait).await
}

/// The stops that protect a position.
fn stops(known: &Known, account: AccountKey, instrument: InstrumentId) -> Vec<ClientOrderId> {
    let state = &known.state;
    let side: Option<Side> = state.position(account, instrument).side();
    let live = state.live_orders(account, instrument).filter(|order| {
        order.spec.kind.is_stop()
            && Some(order.spec.side.opposite()) == side
            && !state.waits(order)
            && !order.foreign
    });
    live.map(|order| order.id).collect()
}
