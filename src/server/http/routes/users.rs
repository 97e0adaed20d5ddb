//! Users, for admins who proved themselves again a short while ago. An admin who may not see every account makes and changes
//! nobody who sees more.

use super::super::Context;
use super::super::error::ApiError;
use super::auth::aside;
use super::secret_body::Secretly;
use super::told::{Everything, Removed, UserReset, UserRow};
use crate::domain::AccountId;
use crate::server::doors::{Caller, Hashed, Role, UserError, UserSpec};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(remove))
        .routes(routes!(reset))
}

/// Accounts by their names; nothing for all.
///
/// # Errors
/// A name that is none, or an account that the caller may not see.
pub(super) fn accounts(
    caller: &Caller,
    names: Option<Vec<String>>,
) -> Result<Option<BTreeSet<AccountId>>, ApiError> {
    let named = names.map(|names| {
        let ids = names.iter().map(|name| {
            AccountId::new(name).map_err(|_| ApiError::bad("an account's name can't be understood"))
        });
        ids.collect::<Result<BTreeSet<_>, _>>()
    });
    let named = named.transpose()?;
    within(caller, named.as_ref())?;
    Ok(named)
}

/// Refuses where somebody sees what the caller does not.
pub(super) fn within(caller: &Caller, accounts: Option<&BTreeSet<AccountId>>) -> Result<(), ApiError> {
    let Some(own) = &caller.accounts else {
        return Ok(());
    };
    match accounts {
        Some(accounts) if accounts.is_subset(own) => Ok(()),
        _ => Err(ApiError::forbidden(
            "nobody may be given, or be changed who has, accounts that you may not see",
        )),
    }
}

/// An admin who proved themselves again.
pub(super) fn admin(context: &Context, caller: &Caller) -> Result<(), ApiError> {
    caller.require(Role::Admin)?;
    caller.require_step_up((context.about.clock)())
}

/// Names of accounts; null for all.
pub(super) fn names(accounts: Option<&BTreeSet<AccountId>>) -> Option<Vec<String>> {
    accounts.map(|ids| ids.iter().map(|id| id.as_str().to_owned()).collect())
}

/// Users; for admins who see every account.
#[utoipa::path(get, path = "/users", tag = "users", responses((status = 200, body = Everything<UserRow>)))]
async fn list(State(context): State<Context>, caller: Caller) -> Result<Json<Everything<UserRow>>, ApiError> {
    admin(&context, &caller)?;
    let doors = context.doors.clone();
    let users = aside(move || doors.users(|users| users.all())).await?;
    Ok(Json(Everything::of(users.iter().map(UserRow::from).collect())))
}

/// What is sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UsersNewUser)]
struct NewUser {
    name: String,
    #[schema(value_type = String, example = "view")]
    role: Role,
    #[serde(default)]
    accounts: Option<Vec<String>>,
    password: String,
}

/// Makes a user; after a step-up.
#[utoipa::path(post, path = "/users", tag = "users", request_body = NewUser, responses((status = 201, body = UserRow)))]
async fn add(
    State(context): State<Context>,
    caller: Caller,
    Secretly(wanted): Secretly<NewUser>,
) -> Result<(StatusCode, Json<UserRow>), ApiError> {
    admin(&context, &caller)?;
    let spec = UserSpec {
        accounts: accounts(&caller, wanted.accounts)?,
        name: wanted.name,
        role: wanted.role,
    };
    let now = (context.about.clock)();
    let place = context.doors.place("", caller.address, now).await?;
    let (doors, made) = (context.doors.clone(), spec.clone());
    aside(move || {
        let _place = place;
        let password = Hashed::of(&wanted.password, &spec.name)?;
        doors.users(|users| users.add(&spec, &password, now))
    })
    .await?;
    context.audit(
        &caller,
        "user.add",
        format!("{} ({})", made.name, made.role),
        "done",
    );
    let told = UserRow {
        role: made.role.word(),
        accounts: names(made.accounts.as_ref()),
        name: made.name,
        second_factor: false,
        made: now.to_string(),
    };
    Ok((StatusCode::CREATED, Json(told)))
}

/// What is sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UsersNewPassword)]
struct NewPassword {
    password: String,
}

/// A new password; the user is signed out everywhere.
#[utoipa::path(post, path = "/users/{name}/reset", tag = "users", request_body = NewPassword, params(("name" = String, Path, description = "The user")), responses((status = 200, body = UserReset)))]
async fn reset(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
    Secretly(wanted): Secretly<NewPassword>,
) -> Result<Json<UserReset>, ApiError> {
    may_change(&context, &caller, &name).await?;
    let now = (context.about.clock)();
    let place = context.doors.place("", caller.address, now).await?;
    let (doors, user) = (context.doors.clone(), name.clone());
    aside(move || {
        let _place = place;
        let password = Hashed::of(&wanted.password, &user)?;
        doors.users(|users| users.reset(&user, &password, None))
    })
    .await?;
    context.audit(&caller, "user.reset", &name, "done");
    Ok(Json(UserReset {
        name,
        signed_out: true,
    }))
}

/// Takes a user away; after a step-up.
#[utoipa::path(delete, path = "/users/{name}", tag = "users", params(("name" = String, Path, description = "The user")), responses((status = 200, body = Removed)))]
async fn remove(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Removed>, ApiError> {
    may_change(&context, &caller, &name).await?;
    if name == caller.name {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "OWN_USER",
            "nobody takes themselves away; another admin does, or 'tradewind user remove'",
        ));
    }
    let (doors, user) = (context.doors.clone(), name.clone());
    aside(move || doors.users(|users| users.remove(&user))).await?;
    context.audit(&caller, "user.remove", &name, "done");
    Ok(Json(Removed { removed: name }))
}

async fn may_change(context: &Context, caller: &Caller, name: &str) -> Result<(), ApiError> {
    admin(context, caller)?;
    let (doors, user) = (context.doors.clone(), name.to_owned());
    let found =
        aside(move || doors.users(|users| Ok::<_, UserError>(users.user(&user)?.accounts.clone()))).await?;
    within(caller, found.as_ref())
}
