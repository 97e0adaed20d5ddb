//! Alerts: the list, making one by its sentence, pausing and removing. A caller that may see some accounts only sees, and
//! makes, those that tell of no other: an alert on any order, or on any account's state, would.

use super::super::body::{At, Body};
use super::super::replica::Known;
use super::super::{ApiError, Context};
use super::names;
use super::page::Answer;
use super::wish::misread;
use crate::domain::SafeText;
use crate::engine::Command;
use crate::engine::alerts::grammar::{Names, Said, read};
use crate::engine::alerts::{Alert, AlertId, Condition, Test};
use crate::server::doors::{Caller, Role};
use crate::server::views::rows::{text, time};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(list, make))
        .routes(routes!(one, change, remove))
}

/// An alert.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct AlertRow {
    /// Its number.
    pub(in super::super) id: u32,
    /// What is waited for, in the words of its sentence.
    condition: String,
    /// `armed`, `waits`, `paused`, `fired`, `expired`.
    state: &'static str,
    /// Seconds between two firings at least; null for one that fires once.
    repeat_s: Option<u32>,
    expires: Option<String>,
    made_at: Option<String>,
    /// How often it fired.
    fired: u32,
    fired_at: Option<String>,
    /// What was seen then.
    seen: Vec<SeenRow>,
    /// Where it is told; empty for every way that is set up.
    channels: Vec<&'static str>,
    /// The order sentence that it puts before a person.
    stage: Option<String>,
}

/// What a test looked at.
#[derive(Debug, Serialize, ToSchema)]
struct SeenRow {
    what: String,
    value: String,
}

fn show(id: AlertId, alert: &Alert) -> AlertRow {
    AlertRow {
        id: id.0,
        condition: alert.spec.condition.to_string(),
        state: alert.word(),
        repeat_s: alert.spec.repeat_s,
        expires: time(alert.spec.expires),
        made_at: time(Some(alert.made_at)),
        fired: alert.fired,
        fired_at: time(alert.fired_at),
        seen: alert
            .seen
            .iter()
            .map(|seen| SeenRow {
                what: seen.what.to_string(),
                value: seen.value.to_string(),
            })
            .collect(),
        channels: alert.spec.channels.iter().map(|channel| channel.word()).collect(),
        stage: text(alert.spec.stage.as_ref()),
    }
}

/// Whether an alert tells of nothing but what the caller may see.
fn sees(caller: &Caller, condition: &Condition) -> bool {
    if caller.accounts.is_none() {
        return true;
    }
    let mut all = true;
    condition.each(&mut |test| {
        all &= match test {
            Test::Market { .. } | Test::Link { .. } => true,
            Test::Profit { account, .. } | Test::Position { account, .. } => caller.sees(*account),
            // Of any account.
            Test::Order { .. } | Test::System(_) => false,
        }
    });
    all
}

fn no_alert(id: &str) -> ApiError {
    ApiError::not_found(format!("alert '{}' that this key may see", SafeText::new(id)))
}

/// The alert of an address, if the caller may see it.
fn found<'a>(known: &'a Known, caller: &Caller, id: &str) -> Result<(AlertId, &'a Alert), ApiError> {
    let number = id.parse::<u32>().map_err(|_| no_alert(id))?;
    let alert = known.state.alerts.all.get(&AlertId(number));
    let seen = alert.filter(|alert| sees(caller, &alert.spec.condition));
    seen.map(|alert| (AlertId(number), alert))
        .ok_or_else(|| no_alert(id))
}

/// The alerts that a caller may see, by number.
pub(in super::super) fn seen<'a>(
    known: &'a Known,
    caller: &'a Caller,
) -> impl Iterator<Item = AlertRow> + 'a {
    let all = known.state.alerts.all.iter();
    all.filter(|(_, alert)| sees(caller, &alert.spec.condition))
        .map(|(id, alert)| show(*id, alert))
}

/// Alerts, by number.
#[utoipa::path(get, path = "/alerts", tag = "alerts", responses((status = 200, body = Answer<AlertRow>)))]
async fn list(State(context): State<Context>, caller: Caller) -> Json<Answer<AlertRow>> {
    Json(context.replica.read(|known| Answer {
        items: seen(known, &caller).collect(),
        next: None,
        sequence: known.state.sequence,
    }))
}

/// One alert.
#[utoipa::path(get, path = "/alerts/{id}", tag = "alerts", params(("id" = String, Path, description = "Its number", example = "1")),
               responses((status = 200, body = AlertRow)))]
async fn one(
    State(context): State<Context>,
    caller: Caller,
    At(id): At<String>,
) -> Result<Json<AlertRow>, ApiError> {
    context.replica.read(|known| {
        let (id, alert) = found(known, &caller, &id)?;
        Ok(Json(show(id, alert)))
    })
}

/// What is to be told.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Make {
    /// In the words of the desk.
    #[schema(example = "AAPL > 200 expires 5d")]
    sentence: String,
    /// The account that profit and positions are of; the usual one without.
    account: Option<String>,
}

/// Makes an alert by its sentence.
#[utoipa::path(post, path = "/alerts", tag = "alerts", request_body = Make, responses((status = 201, body = AlertRow)))]
async fn make(
    State(context): State<Context>,
    caller: Caller,
    Body(wanted): Body<Make>,
) -> Result<(StatusCode, Json<AlertRow>), ApiError> {
    caller.require(Role::Trade)?;
    let now = (context.about.clock)();
    let sentence = wanted.sentence.trim();
    let spec = context.replica.read(|known| {
        let account = match &wanted.account {
            Some(name) => Some(names::account(known, &caller, name)?),
            None => names::meant(known, &context, &caller, None).ok(),
        };
        let names = Names {
            state: &known.state,
            market: &known.market,
            account,
            now,
            venue_now: known.venue_now(now),
        };
        match read(sentence, &names).map_err(|error| misread(sentence, &error))? {
            Said::Make(spec) => Ok(spec),
            _ => Err(ApiError::bad(
                "this makes alerts: list, pause and remove have addresses of their own",
            )),
        }
    })?;
    if !sees(&caller, &spec.condition) {
        return Err(ApiError::forbidden(
            "this key may see some accounts only, and such an alert would tell of others",
        ));
    }
    let wanted = spec.condition.clone();
    context.act(&caller, Command::SetAlert { spec }).await?;
    context.replica.read(|known| {
        let made = known.state.alerts.all.iter().rev();
        let mut made = made.filter(|(_, alert)| alert.spec.condition == wanted);
        let row = made
            .next()
            .map(|(id, alert)| (StatusCode::CREATED, Json(show(*id, alert))));
        row.ok_or_else(|| ApiError::unavailable("the alert is set, and was not told back in time"))
    })
}

/// What is to become of it.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Pause {
    /// True to stop evaluating it, false to go on.
    paused: bool,
}

/// Stops evaluating an alert, or goes on.
#[utoipa::path(patch, path = "/alerts/{id}", tag = "alerts", request_body = Pause,
               params(("id" = String, Path, description = "Its number", example = "1")), responses((status = 200, body = AlertRow)))]
async fn change(
    State(context): State<Context>,
    caller: Caller,
    At(id): At<String>,
    Body(wanted): Body<Pause>,
) -> Result<Json<AlertRow>, ApiError> {
    caller.require(Role::Trade)?;
    let number = context
        .replica
        .read(|known| found(known, &caller, &id).map(|(number, _)| number))?;
    let command = Command::PauseAlert {
        id: number,
        paused: wanted.paused,
    };
    context.act(&caller, command).await?;
    context.replica.read(|known| {
        let (id, alert) = found(known, &caller, &id)?;
        Ok(Json(show(id, alert)))
    })
}

/// Removes an alert.
#[utoipa::path(delete, path = "/alerts/{id}", tag = "alerts", params(("id" = String, Path, description = "Its number", example = "1")),
               responses((status = 204)))]
async fn remove(
    State(context): State<Context>,
    caller: Caller,
    At(id): At<String>,
) -> Result<StatusCode, ApiError> {
    caller.require(Role::Trade)?;
    let number = context
        .replica
        .read(|known| found(known, &caller, &id).map(|(number, _)| number))?;
    context
        .act(&caller, Command::RemoveAlert { id: Some(number) })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
