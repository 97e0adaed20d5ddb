//! API keys, for admins who proved themselves again a short while ago. A key is shown once, in the answer that made it.

use super::super::Context;
use super::super::error::ApiError;
use super::auth::aside;
use super::secret_body::Secretly;
use super::told::{Everything, KeyMade, KeyRow, Removed};
use super::users::{accounts, admin, within};
use crate::server::doors::{Caller, KeyError, KeySpec, Role};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(remove))
}

/// Days that a key may last at most.
const DAYS_MAX: u32 = 3_650;
/// Characters of a key's name at most.
const NAME_MAX: usize = 60;

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Taken(_) => Self::new(StatusCode::CONFLICT, "TAKEN", error.to_string()),
            KeyError::Unknown => Self::not_found("such key"),
            _ => {
                tracing::error!(%error, "the book of keys");
                Self::unavailable("keys can't be read or written now; try again")
            }
        }
    }
}

/// Keys, without what proves them; for admins.
#[utoipa::path(get, path = "/keys", tag = "keys", responses((status = 200, body = Everything<KeyRow>)))]
async fn list(State(context): State<Context>, caller: Caller) -> Result<Json<Everything<KeyRow>>, ApiError> {
    admin(&context, &caller)?;
    let doors = context.doors.clone();
    let keys = aside(move || doors.keys(|keys, _| keys.all())).await?;
    Ok(Json(Everything::of(keys.iter().map(KeyRow::from).collect())))
}

/// What is sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = KeysNewKey)]
struct NewKey {
    name: String,
    #[schema(value_type = String, example = "view")]
    role: Role,
    #[serde(default)]
    accounts: Option<Vec<String>>,
    #[serde(default)]
    days: Option<u32>,
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    addresses: BTreeSet<IpAddr>,
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    scopes: Option<BTreeSet<String>>,
    #[serde(default)]
    signed: bool,
}

/// Makes a key, which is shown this once; after a step-up.
#[utoipa::path(post, path = "/keys", tag = "keys", request_body = NewKey, responses((status = 201, body = KeyMade)))]
async fn add(
    State(context): State<Context>,
    caller: Caller,
    Secretly(wanted): Secretly<NewKey>,
) -> Result<(StatusCode, Json<KeyMade>), ApiError> {
    admin(&context, &caller)?;
    let now = (context.about.clock)();
    let plain = |text: &str, most| {
        let all = text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-@ ".contains(c));
        all && (1..=most).contains(&text.len())
    };
    if !plain(&wanted.name, NAME_MAX) {
        let words = format!("a key's name has 1 to {NAME_MAX} letters, digits, '.', '_', '-', '@' or spaces");
        return Err(ApiError::bad(words));
    }
    if wanted.days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
        return Err(ApiError::bad(format!("days are out of range; 1 to {DAYS_MAX}")));
    }
    let mut scopes = wanted.scopes.iter().flatten();
    if scopes.any(|scope| !plain(scope, 40) || scope.contains(' ')) {
        return Err(ApiError::bad("a scope is a part of the API, such as orders"));
    }
    let spec = KeySpec {
        accounts: accounts(&caller, wanted.accounts)?,
        name: wanted.name,
        role: wanted.role,
        expires: wanted
            .days
            .map(|days| now.after(Duration::from_secs(86_400 * u64::from(days)))),
        addresses: wanted.addresses,
        scopes: wanted.scopes,
        signed: wanted.signed,
    };
    let (doors, made) = (context.doors.clone(), spec.clone());
    let (token, key) = aside(move || {
        doors.keys(|keys, secret| {
            let key = keys.add(&spec, secret, now)?;
            let stored = keys.all()?.into_iter().find(|stored| stored.id == key.id);
            Ok::<_, KeyError>((key.token, stored.ok_or(KeyError::Unknown)?))
        })
    })
    .await?;
    let words = format!("{} ({}), {}", made.name, made.role, key.id);
    context.audit(&caller, "key.add", words, "done");
    let key = KeyRow::from(&key);
    let told = KeyMade { key, token };
    Ok((StatusCode::CREATED, Json(told)))
}

/// Takes a key away; after a step-up.
#[utoipa::path(delete, path = "/keys/{id}", tag = "keys", params(("id" = String, Path, description = "The key, or its name")), responses((status = 200, body = Removed)))]
async fn remove(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Removed>, ApiError> {
    admin(&context, &caller)?;
    let (doors, wanted) = (context.doors.clone(), id.clone());
    let keys = aside(move || doors.keys(|keys, _| keys.all())).await?;
    let key = keys.iter().find(|key| key.id == wanted || key.name == wanted);
    let key = key.ok_or_else(|| ApiError::not_found(format!("key '{id}'")))?;
    within(&caller, key.accounts.as_ref())?;
    let (doors, id) = (context.doors.clone(), key.id.clone());
    aside(move || doors.keys(|keys, _| keys.remove(&id))).await?;
    context.audit(&caller, "key.remove", format!("{}, {}", key.name, key.id), "done");
    Ok(Json(Removed {
        removed: key.id.clone(),
    }))
}
