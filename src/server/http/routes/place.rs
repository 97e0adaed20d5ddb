//! Orders, to place, preview, change and cancel.

use super::super::act::{Done, content, denied_before, id_named, no_order};
use super::super::body::{Asked, At, Body};
use super::super::{ApiError, Context};
use super::names;
use super::wish::{SeenWish, Wish, distance, number};
use crate::domain::{AccountKey, ClientOrderId, Money, OrderChange, Phase};
use crate::engine::preview::{Preview, Worst, previews_by};
use crate::engine::risk::Sender;
use crate::engine::{Command, digest};
use crate::server::doors::{Caller, Role};
use crate::server::views::rows::{OrderRow, side, text};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(preview))
        .routes(routes!(cancel_all))
}

/// The longest that a caller may have its answer wait for the broker's, in milliseconds.
const WAIT_MAX_MS: u64 = 3_000;

/// How long to wait.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wait {
    /// Milliseconds to wait for the broker's answer before this one is given: 0 (where nothing is said) to 3000.
    wait_ms: Option<u64>,
}

impl Wait {
    pub(super) fn time(self) -> Result<Duration, ApiError> {
        let millis = self.wait_ms.unwrap_or(0);
        if millis > WAIT_MAX_MS {
            return Err(ApiError::bad(format!(
                "wait_ms {millis} is out of range; 0 to {WAIT_MAX_MS}"
            )));
        }
        Ok(Duration::from_millis(millis))
    }
}

/// What was placed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Placed {
    /// The orders, as they are now.
    orders: Vec<OrderRow>,
    /// What was rounded, converted or chosen, and what the engine has to say.
    notes: Vec<String>,
    /// It had been asked for before under this id: nothing new was done.
    again: bool,
}

/// Places an order, by its fields or by a sentence. The same client order id again answers the first order. 201 for a new
/// order, 200 for one that was asked for before.
#[utoipa::path(post, path = "/orders", tag = "orders", request_body = Wish,
               params(Wait, ("Idempotency-Key" = Option<String>, Header, description = "The client order id, where the body names none")),
               responses((status = 201, body = Placed), (status = 200, body = Placed)))]
pub(super) async fn place(
    State(context): State<Context>,
    caller: Caller,
    headers: HeaderMap,
    Asked(wait): Asked<Wait>,
    Body(wish): Body<Wish>,
) -> Result<(StatusCode, Json<Placed>), ApiError> {
    caller.require(Role::Trade)?;
    let wait = wait.time()?;
    let id = id_named(&headers, wish.client_order_id.as_ref())?;
    let what = content("place", &wish);
    if let Some(id) = id
        && let Some(order) = context.asked_before(&caller, id, &what).await?
    {
        return answered_before(&order);
    }
    let now = (context.about.clock)();
    let meant = context
        .replica
        .read(|known| wish.meant(known, &context, &caller, id, now))?;
    let flattens =
        |command: &Command| matches!(command, Command::Flatten { .. } | Command::FlattenAccount { .. });
    if meant.commands.iter().any(flattens) {
        caller.require_step_up_of_person(now)?;
    }
    let (mut ids, mut notes, mut last) = (Vec::new(), meant.notes, None::<Done>);
    let mut again = false;
    let count = meant.commands.len();
    for (done, command) in meant.commands.into_iter().enumerate() {
        let placed = ids_of(&command);
        let outcome = context.act(&caller, command).await.map_err(|error| ApiError {
            message: match done {
                0 => error.message.clone(),
                _ => format!("{done} of {count} were done, then: {}", error.message),
            },
            ..error
        })?;
        notes.extend(outcome.note.as_ref().map(ToString::to_string));
        again |= outcome.again;
        last = Some(outcome);
        ids.extend(placed);
    }
    // A flatten's order comes later: the engine knows it by its id meanwhile.
    if let Some((id, done)) = id.filter(|_| !ids.is_empty()).zip(last) {
        context.remember(&caller, id, what, &done);
    }
    let mut orders = Vec::new();
    for id in ids {
        if let Some(order) = context.settled(id, wait).await {
            if let Some(error) = denied_before(&order).filter(|_| again) {
                return Err(error);
            }
            orders.push(OrderRow::from(&order));
        }
    }
    let status = if again {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok((status, Json(Placed { orders, notes, again })))
}

/// The answer to a request that was answered before.
pub(super) fn answered_before(order: &crate::domain::Order) -> Result<(StatusCode, Json<Placed>), ApiError> {
    if let Some(error) = denied_before(order) {
        return Err(error);
    }
    let placed = Placed {
        orders: vec![OrderRow::from(order)],
        notes: Vec::new(),
        again: true,
    };
    Ok((StatusCode::OK, Json(placed)))
}

/// Sends one command that places one order, and answers with it.
pub(super) async fn place_one(
    context: &Context,
    caller: &Caller,
    (id, named): (ClientOrderId, bool),
    what: [u8; 32],
    command: Command,
    wait: Duration,
) -> Result<(StatusCode, Json<Placed>), ApiError> {
    let done = context.act(caller, command).await?;
    if named {
        context.remember(caller, id, what, &done);
    }
    let order = context.settled(id, wait).await;
    if let Some(error) = order.as_ref().filter(|_| done.again).and_then(denied_before) {
        return Err(error);
    }
    let status = if done.again {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let placed = Placed {
        orders: order.iter().map(OrderRow::from).collect(),
        notes: done.note.map(|note| note.to_string()).into_iter().collect(),
        again: done.again,
    };
    Ok((status, Json(placed)))
}

/// The orders that a command places, or concerns.
fn ids_of(command: &Command) -> Vec<ClientOrderId> {
    match command {
        Command::Close { id, .. } | Command::Modify { id, .. } => vec![*id],
        _ => command.places().map(|order| order.id).collect(),
    }
}

/// An order as it would be sent.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewRow {
    /// In words: `BUY 100 AAPL lmt 189.50 day`.
    order: String,
    account: String,
    symbol: String,
    side: &'static str,
    quantity: String,
    /// The price it is counted at: its own, or the other side of the market.
    price: Option<String>,
    /// Its value there.
    value: Option<String>,
    /// What prices and values are in.
    currency: Option<String>,
    /// What is held before.
    position_before: String,
    /// What would be held after it.
    position_after: String,
    /// What it would bind as initial margin: an estimate.
    margin: Option<String>,
    /// What it would cost: an estimate.
    fee: Option<String>,
    /// The protective stop.
    stop: Option<String>,
    /// The profit target.
    target: Option<String>,
    /// What is lost at the stop.
    risk: Option<String>,
    /// The most that can be lost: `less` (it takes risk off), an amount, `unlimited`, or null where that is not known.
    worst: Option<String>,
    /// It only takes off what is held.
    reduces: bool,
    /// The limit of which it takes the largest part, and how much of it in per cent.
    tightest: Option<ShareRow>,
    /// The order that has to fill before this one leaves, in words; the rest is as it would be then.
    after: Option<String>,
    /// What is worth a word though it passes: a sector near its limit, names that move as one, a halt it waits in.
    advice: Vec<String>,
    /// Why it would be refused.
    denial: Option<DenialRow>,
    /// Give this back when the order is placed: it is refused where it no longer holds.
    seen: SeenWish,
}

/// How much of a limit is taken.
#[derive(Debug, Serialize, ToSchema)]
struct ShareRow {
    limit: &'static str,
    percent: u32,
}

/// Why something would be refused.
#[derive(Debug, Serialize, ToSchema)]
struct DenialRow {
    code: &'static str,
    message: String,
    /// The nearest value that would pass, where there is one.
    nearest: Option<String>,
}

impl From<&crate::engine::Denial> for DenialRow {
    fn from(denial: &crate::engine::Denial) -> Self {
        Self {
            code: denial.code.as_str(),
            message: denial.text.to_string(),
            nearest: text(denial.nearest.as_ref()),
        }
    }
}

/// What would be sent.
#[derive(Debug, Serialize, ToSchema)]
struct Previewed {
    /// One for each order.
    orders: Vec<PreviewRow>,
    /// What was rounded, converted or chosen.
    notes: Vec<String>,
    /// Why all of them would be refused.
    denial: Option<DenialRow>,
    /// Programs may add risk in the account now.
    armed: bool,
}

/// What an order would do, and whether it would be refused; nothing is sent.
#[utoipa::path(post, path = "/orders/preview", tag = "orders", request_body = Wish,
               responses((status = 200, body = Previewed)))]
async fn preview(
    State(context): State<Context>,
    caller: Caller,
    Body(wish): Body<Wish>,
) -> Result<Json<Previewed>, ApiError> {
    let now = (context.about.clock)();
    let id = id_named(&HeaderMap::new(), wish.client_order_id.as_ref())?;
    let sender = Sender::of(&caller.program());
    context.replica.read(|known| {
        let meant = wish.meant(known, &context, &caller, id, now)?;
        let account = names::meant(known, &context, &caller, wish.account.as_ref())?;
        let mut answer = Previewed {
            orders: Vec::new(),
            notes: meant.notes,
            denial: None,
            armed: super::risk::armed(known, account, Some(&caller), now).0,
        };
        for command in &meant.commands {
            match previews_by(&known.state, &known.market, command, now, Some(&sender)) {
                Ok(all) => {
                    answer.denial = answer.denial.or(all.denial.as_ref().map(DenialRow::from));
                    let rows = all.rows.iter().map(|row| {
                        let seen = digest::seen_now(&known.market, &row.spec, row.legs);
                        preview_row(row, &seen)
                    });
                    answer.orders.extend(rows);
                }
                Err(denial) => answer.denial = answer.denial.or(Some(DenialRow::from(&denial))),
            }
        }
        Ok(Json(answer))
    })
}

fn preview_row(row: &Preview, seen: &crate::engine::Seen) -> PreviewRow {
    let decimals = row.currency.map_or(2, |currency| currency.minor_decimals());
    let money = |amount: Money| format!("{:.*}", decimals as usize, amount.round_to(decimals));
    PreviewRow {
        order: row.spec.to_string(),
        account: row.spec.account.account.to_string(),
        symbol: row.spec.instrument.to_string(),
        side: side(row.spec.side),
        quantity: row.spec.quantity.to_string(),
        price: text(row.price),
        value: row.value.map(money),
        currency: text(row.currency),
        position_before: row.position.0.to_string(),
        position_after: row.position.1.to_string(),
        margin: row.margin.map(money),
        fee: row.fee.map(money),
        stop: text(row.legs.stop),
        target: text(row.legs.target),
        risk: row.risk.map(money),
        worst: match row.worst {
            Worst::Less => Some("less".to_owned()),
            Worst::AtStop(amount) | Worst::All(amount) => Some(money(amount)),
            Worst::Unlimited => Some("unlimited".to_owned()),
            Worst::Unknown => None,
        },
        reduces: row.reduces,
        after: text(row.after.as_ref()),
        tightest: row.tightest.map(|share| ShareRow {
            limit: share.limit,
            percent: share.percent,
        }),
        advice: row.advice.iter().map(ToString::to_string).collect(),
        denial: row.denial.as_ref().map(DenialRow::from),
        seen: SeenWish {
            digest: seen.digest.to_string(),
            bid: text(seen.bid),
            ask: text(seen.ask),
            age_ms: 0,
        },
    }
}

/// What an order is to become; what is not named stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Change {
    /// The total, what is filled included.
    quantity: Option<String>,
    /// The limit.
    price: Option<String>,
    /// The trigger.
    trigger: Option<String>,
    /// How far a trailing stop trails.
    distance: Option<String>,
}

/// Changes an order that lives. The answer tells that the change was asked for; the order shows when it took effect.
#[utoipa::path(patch, path = "/orders/{id}", tag = "orders", request_body = Change,
               params(("id" = String, Path, description = "Its client order id"), Wait),
               responses((status = 202, body = OrderRow)))]
pub(super) async fn change(
    State(context): State<Context>,
    caller: Caller,
    At(id): At<String>,
    Asked(wait): Asked<Wait>,
    Body(wanted): Body<Change>,
) -> Result<(StatusCode, Json<OrderRow>), ApiError> {
    caller.require(Role::Trade)?;
    let change = OrderChange {
        quantity: number("quantity", wanted.quantity.as_ref())?,
        price: number("price", wanted.price.as_ref())?,
        trigger: number("trigger", wanted.trigger.as_ref())?,
        distance: distance(wanted.distance.as_ref())?,
    };
    if change == OrderChange::default() {
        return Err(ApiError::bad(
            "nothing is to change: name quantity, price, trigger or distance",
        ));
    }
    let wait = wait.time()?;
    let id = ClientOrderId::new(&id).map_err(|_| no_order(&id))?;
    context.act(&caller, Command::Modify { id, change }).await?;
    answered(&context, &caller, id, wait).await
}

/// Cancels an order that lives. The answer tells that the cancel was asked for; the order shows when it has ended.
#[utoipa::path(delete, path = "/orders/{id}", tag = "orders",
               params(("id" = String, Path, description = "Its client order id"), Wait),
               responses((status = 202, body = OrderRow)))]
pub(super) async fn cancel(
    State(context): State<Context>,
    caller: Caller,
    At(id): At<String>,
    Asked(wait): Asked<Wait>,
) -> Result<(StatusCode, Json<OrderRow>), ApiError> {
    caller.require(Role::Trade)?;
    let wait = wait.time()?;
    let id = ClientOrderId::new(&id).map_err(|_| no_order(&id))?;
    context.act(&caller, Command::Cancel { id }).await?;
    answered(&context, &caller, id, wait).await
}

/// The order once nothing of it is pending any more, or after a while.
async fn answered(
    context: &Context,
    caller: &Caller,
    id: ClientOrderId,
    wait: Duration,
) -> Result<(StatusCode, Json<OrderRow>), ApiError> {
    let until = tokio::time::Instant::now() + wait;
    loop {
        let order = context.replica.read(|known| known.state.orders.get(&id).cloned());
        let order = order
            .filter(|order| caller.sees(order.spec.account))
            .ok_or_else(|| no_order(id.as_str()))?;
        if order.pending.is_none() || tokio::time::Instant::now() >= until {
            return Ok((StatusCode::ACCEPTED, Json(OrderRow::from(&order))));
        }
        context.replica.changed(until).await;
    }
}

/// Which orders are to go.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Which {
    /// Of this account; of every account that the caller may see without.
    account: Option<String>,
    /// In this instrument; in all without.
    symbol: Option<String>,
    /// Protective stops too. Otherwise they stay: what is held stays protected.
    all: bool,
}

/// What a cancel at large did and left.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cancelled {
    /// Orders whose cancel was asked for.
    cancelled: Vec<String>,
    /// Orders that stay: protective stops, and those that only another session of the broker may cancel.
    kept: Vec<Kept>,
    /// What the engine said of each account.
    notes: Vec<String>,
}

/// An order that stays.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Kept {
    client_order_id: String,
    /// In words.
    order: String,
    /// Why it stays.
    why: &'static str,
}

/// Cancels many orders: of an account, in an instrument, or all that the caller may see.
#[utoipa::path(post, path = "/orders/cancel", tag = "orders", request_body = Which,
               responses((status = 202, body = Cancelled)))]
async fn cancel_all(
    State(context): State<Context>,
    caller: Caller,
    Body(which): Body<Which>,
) -> Result<(StatusCode, Json<Cancelled>), ApiError> {
    caller.require(Role::Trade)?;
    let now = (context.about.clock)();
    let (accounts, instrument) = context.replica.read(|known| {
        let accounts: Vec<AccountKey> = match &which.account {
            Some(name) => vec![names::account(known, &caller, name)?],
            None => names::accounts(known, &caller).collect(),
        };
        let symbol = which.symbol.as_ref();
        let instrument = symbol.map(|symbol| names::instrument(known, symbol, now));
        Ok::<_, ApiError>((accounts, instrument.transpose()?))
    })?;
    let mut answer = Cancelled {
        cancelled: Vec::new(),
        kept: Vec::new(),
        notes: Vec::new(),
    };
    for account in accounts {
        let live: Vec<ClientOrderId> = context.replica.read(|known| {
            let chosen = |order: &&crate::domain::Order| {
                order.spec.account == account
                    && instrument.is_none_or(|wanted| wanted == order.spec.instrument)
            };
            let live = known.state.all_live().filter(chosen);
            live.map(|order| order.id).collect()
        });
        let command = Command::CancelAll {
            account,
            instrument,
            stops_too: which.all,
        };
        let done = context.act(&caller, command).await?;
        if let Some(note) = done.note {
            answer.notes.push(format!("{account}: {note}"));
        }
        context.replica.read(|known| {
            for order in live.iter().filter_map(|id| known.state.orders.get(id)) {
                sort(order, &mut answer);
            }
        });
    }
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// Puts an order that lived before a cancel at large where it belongs. One that filled meanwhile belongs nowhere.
fn sort(order: &crate::domain::Order, answer: &mut Cancelled) {
    let gone = order.phase == Phase::Cancelled || order.pending == Some(crate::domain::Pending::Cancel);
    if gone {
        answer.cancelled.push(order.id.to_string());
    } else if order.phase.is_live() {
        answer.kept.push(Kept {
            client_order_id: order.id.to_string(),
            order: order.spec.to_string(),
            why: if order.foreign {
                "made by another session of the broker"
            } else {
                "protects what is held"
            },
        });
    }
}
