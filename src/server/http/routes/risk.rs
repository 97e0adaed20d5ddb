//! Risk: what is allowed and how much of it is taken; halting, resuming and flattening. A trader halts; only an
//! administrator who has proved themselves again resumes.

use super::super::body::Body;
use super::super::replica::Known;
use super::super::{ApiError, Context};
use super::halts::{self, HaltRow, HaltWish};
use super::names;
use crate::domain::{AccountClass, AccountKey, Currency, Money, Price, SafeText, Timestamp, TradingState};
use crate::engine::Command;
use crate::engine::breaker::BreakerState;
use crate::engine::programs::armed_until;
use crate::server::doors::{Caller, Role};
use crate::server::views::limits::{AccountLimits, account_limits};
use crate::server::views::rows::{text, time, word};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(risk))
        .routes(routes!(halt))
        .routes(routes!(resume))
        .routes(routes!(flatten))
}

/// Whether programs may add risk in an account, and until when; a caller, where its key was armed alone.
pub(super) fn armed(
    known: &Known,
    account: AccountKey,
    caller: Option<&Caller>,
    now: Timestamp,
) -> (bool, Option<Timestamp>) {
    let class = known
        .state
        .accounts
        .get(&account)
        .map(|entry| entry.account.class);
    let key = caller.and_then(|caller| Some((caller.key.as_deref()?, caller.name.as_str())));
    let until = armed_until(&known.state, account, key, now);
    (class == Some(AccountClass::Sim) || until.is_some(), until)
}

/// What is allowed, and how much of it is taken.
#[derive(Debug, Serialize, ToSchema)]
struct Risk {
    /// The limits of config.toml.
    limits: LimitsRow,
    /// What is in force in each account: every limit with its source, how much of it is used, and the distance to its breach.
    usage: Vec<AccountLimits>,
    /// The accounts that the caller may see.
    accounts: Vec<AccountRisk>,
    /// Circuit breakers that have opened once.
    breakers: Vec<BreakerRow>,
    /// What stands in the halt file, while it is there: until it is removed nobody can resume.
    halt_file: Option<String>,
    /// The event up to which this is true.
    sequence: u64,
}

/// The circuit breaker of a broker.
#[derive(Debug, Serialize, ToSchema)]
struct BreakerRow {
    broker: String,
    /// `closed`, `half_open` (one order at a time may add risk) or `open` (cancels and reducing orders pass).
    state: Option<String>,
    /// `rejects`, `in_doubt`, `slow_answers`, `clock`, `slow_journal`, `mismatches` or `invariant`.
    cause: Option<String>,
    /// Why it is so, in words.
    reason: String,
    since: String,
    /// A person has to acknowledge it at the desk first.
    needs_a_person: bool,
}

fn breakers(state: &crate::engine::State) -> Vec<BreakerRow> {
    let rows = state.breakers.iter().map(|(broker, breaker)| BreakerRow {
        broker: broker.to_string(),
        state: word(breaker.state),
        cause: word(breaker.cause),
        reason: breaker.text.to_string(),
        since: breaker.since.to_string(),
        needs_a_person: breaker.state == BreakerState::Open && breaker.needs_a_person(state, *broker),
    });
    rows.collect()
}

/// The limits of config.toml.
#[derive(Debug, Serialize, ToSchema)]
struct LimitsRow {
    /// Shares in one order.
    max_quantity_equity: String,
    /// Contracts in one order.
    max_quantity_future: String,
    /// Units of currency in one order.
    max_quantity_forex: String,
    /// Coins in one order.
    max_quantity_crypto: String,
    /// Option contracts in one order.
    max_quantity_option: String,
    /// The value of one order, in the instrument's currency.
    max_order_value: String,
    /// The value of one position, working orders counted in full.
    max_position_value: String,
    /// Live orders in one instrument.
    max_live_orders: u32,
    /// How far through the market a price may lie, in basis points.
    collar_bps: u32,
    /// Equal orders within this many milliseconds are refused.
    duplicate_window_ms: u64,
    /// Orders at once.
    rate_burst: u32,
    /// Orders a second after that.
    rate_per_second: u32,
    /// Selling what is not held is allowed where it is asked for.
    allow_short: bool,
}

/// An account's risk.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct AccountRisk {
    broker: String,
    account: String,
    /// `live`, `paper` or `sim`.
    class: String,
    /// `active`, `reducing` or `halted`.
    trading: String,
    /// Why it is not active.
    trading_reason: Option<String>,
    /// Why nothing that adds risk leaves though trading is active: the loss of the session, repeated executions, losing exits.
    held_back: Option<String>,
    /// Programs may add risk there now: all, or the key that asks.
    programs_armed: bool,
    /// Until when; null on a simulated account, where that does not end.
    programs_armed_until: Option<String>,
    /// Orders that live.
    live_orders: usize,
    /// What is held and what works, by currency.
    exposure: Vec<Exposure>,
    /// Of each instrument that is held or worked.
    positions: Vec<PositionRisk>,
    /// Flattens under way.
    flattening: Vec<FlatteningRow>,
    /// How far the cancels of its halt have come; null where it is not halted.
    halt: Option<HaltRow>,
}

/// What is held, in one currency. Null where a price is not known.
#[derive(Debug, Serialize, ToSchema)]
struct Exposure {
    currency: String,
    /// The sum of all positions' values.
    gross: Option<String>,
    /// Longs less shorts.
    net: Option<String>,
}

/// One instrument's risk.
#[derive(Debug, Serialize, ToSchema)]
struct PositionRisk {
    symbol: String,
    quantity: String,
    /// What it is worth at its mark.
    value: Option<String>,
    currency: String,
    /// How much of it working protective stops cover.
    protected: String,
    /// What live buy orders could still execute.
    working_buys: String,
    /// What live sell orders could still execute.
    working_sells: String,
}

/// A flatten under way.
#[derive(Debug, Serialize, ToSchema)]
struct FlatteningRow {
    symbol: String,
    /// How far it has come, in words.
    step: &'static str,
    since: Option<String>,
}

/// Limits, exposure and state.
#[utoipa::path(get, path = "/risk", tag = "risk", responses((status = 200, body = Risk)))]
async fn risk(State(context): State<Context>, caller: Caller) -> Json<Risk> {
    let now = (context.about.clock)();
    Json(context.replica.read(|known| {
        let limits = &known.state.limits;
        Risk {
            limits: LimitsRow {
                max_quantity_equity: limits.max_quantity_equity.to_string(),
                max_quantity_future: limits.max_quantity_future.to_string(),
                max_quantity_forex: limits.max_quantity_forex.to_string(),
                max_quantity_crypto: limits.max_quantity_crypto.to_string(),
                max_quantity_option: limits.max_quantity_option.to_string(),
                max_order_value: limits.max_order_value.to_string(),
                max_position_value: limits.max_position_value.to_string(),
                max_live_orders: limits.max_live_orders,
                collar_bps: limits.collar_bps,
                duplicate_window_ms: limits.duplicate_window_ms,
                rate_burst: limits.rate_burst,
                rate_per_second: limits.rate_per_second,
                allow_short: limits.allow_short,
            },
            usage: names::accounts(known, &caller)
                .map(|key| account_limits(&known.state, &known.market, key, known.venue_now(now)))
                .collect(),
            accounts: names::accounts(known, &caller)
                .map(|key| {
                    let mut row = account_risk(known, key, now);
                    let (armed, until) = armed(known, key, Some(&caller), now);
                    row.programs_armed = armed;
                    row.programs_armed_until = until.map(|until| until.to_string());
                    row
                })
                .collect(),
            breakers: breakers(&known.state),
            halt_file: text(known.state.halt_file.as_ref().map(|file| &file.reason)),
            sequence: known.state.sequence,
        }
    }))
}

pub(in super::super) fn account_risk(known: &Known, key: AccountKey, now: Timestamp) -> AccountRisk {
    let state = &known.state;
    let entry = state.accounts.get(&key);
    let (programs, until) = armed(known, key, None, now);
    let mut positions = Vec::new();
    let mut sums: BTreeMap<Currency, (Option<Money>, Option<Money>)> = BTreeMap::new();
    for id in known.state.concerned(key) {
        let Some(instrument) = state.instruments.get(&id) else {
            continue;
        };
        let position = state.position(key, id);
        let mark: Option<Price> = known.market.mark(id).map(|mark| mark.price);
        let value = if position.quantity.is_zero() {
            Some(Money::ZERO)
        } else {
            mark.and_then(|mark| mark.notional(position.quantity, instrument.multiplier))
        };
        let zero = || (Some(Money::ZERO), Some(Money::ZERO));
        let sum = sums.entry(instrument.currency).or_insert_with(zero);
        let add = |sum: Option<Money>, part: Option<Money>| sum?.checked_add(part?);
        sum.0 = add(sum.0, value.map(Money::abs));
        sum.1 = add(sum.1, value);
        let decimals = instrument.currency.minor_decimals();
        positions.push(PositionRisk {
            symbol: id.to_string(),
            quantity: position.quantity.to_string(),
            value: value.map(|value| format!("{:.*}", decimals as usize, value.round_to(decimals))),
            currency: instrument.currency.to_string(),
            protected: state.protected(key, id).to_string(),
            working_buys: state.working(key, id, crate::domain::Side::Buy).to_string(),
            working_sells: state.working(key, id, crate::domain::Side::Sell).to_string(),
        });
    }
    let exposure = sums.into_iter().map(|(currency, (gross, net))| {
        let decimals = currency.minor_decimals();
        let money = |sum: Money| format!("{:.*}", decimals as usize, sum.round_to(decimals));
        Exposure {
            currency: currency.to_string(),
            gross: gross.map(money),
            net: net.map(money),
        }
    });
    AccountRisk {
        broker: key.broker.to_string(),
        account: key.account.to_string(),
        class: entry.map_or(String::new(), |entry| entry.account.class.word().to_lowercase()),
        trading: entry.map_or(String::new(), |entry| entry.trading.word().to_lowercase()),
        trading_reason: text(entry.and_then(|entry| entry.trading_reason.as_ref())),
        held_back: crate::engine::risk::held_back(state, key, None).map(|denial| denial.text.to_string()),
        programs_armed: programs,
        programs_armed_until: time(until),
        live_orders: state.all_live().filter(|order| order.spec.account == key).count(),
        exposure: exposure.collect(),
        positions,
        flattening: state
            .flattening
            .iter()
            .filter(|((owner, _), _)| *owner == key)
            .map(|((_, id), flattening)| FlatteningRow {
                symbol: id.to_string(),
                step: flattening.step.word(),
                since: time(Some(flattening.since)),
            })
            .collect(),
        halt: halts::row(state, key),
    }
}

/// Where, and why.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Where {
    /// Which account; every one that the caller may see without.
    account: Option<String>,
    /// Why, in words, for everybody to read.
    reason: Option<String>,
}

/// What was done, account by account.
#[derive(Debug, Serialize, ToSchema)]
struct Told {
    /// The accounts as they are now.
    accounts: Vec<ToldAccount>,
}

/// What was done in an account.
#[derive(Debug, Serialize, ToSchema)]
struct ToldAccount {
    account: String,
    /// `active`, `reducing` or `halted`.
    trading: String,
    /// What the engine has to say, such as `2 cancels, kept: 1 stop`.
    note: Option<String>,
}

/// Halts trading: nothing that adds risk leaves any more, entries are cancelled (those requests are the first to leave),
/// stops, targets and whatever only takes off what is held stay unless `stops_too`. `GET /risk` tells of each cancel until the broker has confirmed it.
#[utoipa::path(post, path = "/risk/halt", tag = "risk", request_body = HaltWish, responses((status = 200, body = Told)))]
async fn halt(
    State(context): State<Context>,
    caller: Caller,
    Body(wish): Body<HaltWish>,
) -> Result<Json<Told>, ApiError> {
    caller.require(Role::Trade)?;
    let stops_too = wish.stops_too;
    let place = Where {
        account: wish.account,
        reason: wish.reason,
    };
    let command = |account, reason| Command::Halt {
        account: Some(account),
        reason,
        stops_too,
    };
    set(&context, &caller, &place, TradingState::Halted, &command).await
}

/// Resumes trading. Wants the role admin and the second factor again; on an account that is not simulated, that programs
/// are armed there.
#[utoipa::path(post, path = "/risk/resume", tag = "risk", request_body = Where, responses((status = 200, body = Told)))]
async fn resume(
    State(context): State<Context>,
    caller: Caller,
    Body(place): Body<Where>,
) -> Result<Json<Told>, ApiError> {
    caller.require(Role::Admin)?;
    caller.require_step_up((context.about.clock)())?;
    let command = |account, reason| Command::SetTrading {
        account,
        state: TradingState::Active,
        reason,
    };
    set(&context, &caller, &place, TradingState::Active, &command).await
}

async fn set(
    context: &Context,
    caller: &Caller,
    place: &Where,
    to: TradingState,
    command: &(dyn Fn(AccountKey, SafeText) -> Command + Sync),
) -> Result<Json<Told>, ApiError> {
    let accounts = context.replica.read(|known| match &place.account {
        Some(name) => names::account(known, caller, name).map(|key| vec![key]),
        None => Ok(names::accounts(known, caller).collect()),
    })?;
    let reason = place
        .reason
        .as_deref()
        .map(str::trim)
        .filter(|reason| !reason.is_empty());
    let reason = reason.map_or_else(
        || SafeText::new(&format!("by {} over the network", caller.name)),
        |reason| SafeText::new(&format!("{reason} (by {} over the network)", caller.name)),
    );
    let (mut told, mut failed) = (Vec::new(), None);
    for account in accounts {
        // One account that can't be halted must not keep the others from it.
        match context.act(caller, command(account, reason.clone())).await {
            Ok(done) => told.push(ToldAccount {
                account: account.account.to_string(),
                trading: to.word().to_lowercase(),
                note: text(done.note),
            }),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(Json(Told { accounts: told })),
    }
}

/// What is to be flattened.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct FlattenWish {
    /// Which account; the usual one without.
    account: Option<String>,
    /// Which instrument; all that the account holds or works without.
    symbol: Option<String>,
}

/// A flatten that began.
#[derive(Debug, Serialize, ToSchema)]
struct Flattening {
    account: String,
    /// What the engine has to say: how many orders go, and which stops stay until the exit is in.
    note: Option<String>,
    /// The account as it is now; `flattening` empties once it is done, and a notification tells how it ended.
    risk: AccountRisk,
}

/// Flattens an instrument or a whole account: cancels what works, closes what is held, proven by the broker's own word.
/// Wants a person's second factor again; a key needs none.
#[utoipa::path(post, path = "/risk/flatten", tag = "risk", request_body = FlattenWish,
               responses((status = 202, body = Flattening)))]
async fn flatten(
    State(context): State<Context>,
    caller: Caller,
    Body(wish): Body<FlattenWish>,
) -> Result<(StatusCode, Json<Flattening>), ApiError> {
    let now = (context.about.clock)();
    caller.require(Role::Trade)?;
    caller.require_step_up_of_person(now)?;
    let (account, command) = context.replica.read(|known| {
        let account = names::meant(known, &context, &caller, wish.account.as_ref())?;
        let command = match &wish.symbol {
            Some(symbol) => Command::Flatten {
                id: context.new_id_from(known),
                account,
                instrument: names::instrument(known, symbol, now)?,
            },
            None => Command::FlattenAccount {
                account,
                exits: known
                    .state
                    .concerned(account)
                    .into_iter()
                    .map(|instrument| (instrument, context.new_id_from(known)))
                    .collect(),
            },
        };
        Ok::<_, ApiError>((account, command))
    })?;
    let done = context.act(&caller, command).await?;
    let risk = context.replica.read(|known| account_risk(known, account, now));
    let told = Flattening {
        account: account.account.to_string(),
        note: text(done.note),
        risk,
    };
    Ok((StatusCode::ACCEPTED, Json(told)))
}
