//! One limit, changed over the network. Stricter takes the role trade; looser the role admin and the second factor again,
//! which stands for what a person types at the desk.

use super::super::body::{At, Body};
use super::super::{ApiError, Context};
use super::names;
use crate::domain::{SafeText, Scope};
use crate::engine::Command;
use crate::engine::risk::change;
use crate::server::doors::{Caller, Role};
use crate::server::views::limits::{AccountLimits, account_limits};
use crate::server::views::rows::text;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(set))
}

/// What a limit is to be.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct LimitWish {
    /// To what, as in config.toml; config.toml's own again without.
    value: Option<String>,
    /// Of which account; the usual one without.
    account: Option<String>,
    /// Of all accounts: wants the role admin, and a key that sees all.
    all: bool,
    /// Of one instrument, user or key instead, in whichever account: `instrument:TSLA`, `user:ann`, `key:bot`. Wants the role
    /// admin, and a key that sees all.
    scope: Option<String>,
    /// For how long, as `30m` or `2h`, at most 24 hours; then it reverts by itself.
    #[serde(rename = "for")]
    time: Option<String>,
}

/// A limit that was changed.
#[derive(Debug, Serialize, ToSchema)]
struct Changed {
    /// What the engine has to say of it.
    note: Option<String>,
    /// The account's limits as they are now.
    limits: AccountLimits,
}

/// Changes a limit of an account, or of all. Looser than it is wants the role admin and the second factor again.
#[utoipa::path(put, path = "/risk/limits/{name}", tag = "risk", request_body = LimitWish,
               params(("name" = String, Path, description = "as in config.toml, such as max_order_value")),
               responses((status = 200, body = Changed)))]
async fn set(
    State(context): State<Context>,
    caller: Caller,
    At(name): At<String>,
    Body(wish): Body<LimitWish>,
) -> Result<Json<Changed>, ApiError> {
    caller.require(Role::Trade)?;
    let now = (context.about.clock)();
    let name =
        change::name(&name).map_err(|what| ApiError::new(StatusCode::NOT_FOUND, "UNKNOWN_LIMIT", what))?;
    let value = wish.value.as_deref().map(|value| name.read(value)).transpose();
    let value = value.map_err(ApiError::bad)?;
    let minutes = wish.time.as_deref().map(change::time).transpose();
    let minutes = minutes.map_err(ApiError::bad)?;
    let scope = wish.scope.as_deref().map(Scope::parse).transpose();
    let scope = scope.map_err(ApiError::bad)?;
    let (account, looser) = context.replica.read(|known| {
        let account = names::meant(known, &context, &caller, wish.account.as_ref())?;
        let limits = &known.state.limits;
        let wanted = value.unwrap_or_else(|| limits.get(name));
        let seen = names::accounts(known, &caller).filter(|key| wish.all || *key == account);
        let looser = match &scope {
            // Taking one away is looser.
            Some(scope) => {
                let now = known.state.tighter(scope).get(&name).copied();
                now.is_some_and(|now| value.is_none_or(|value| name.is_looser(value, now)))
            }
            None => seen
                .map(|key| known.state.limits_of(key).get(name))
                .any(|now| name.is_looser(wanted, now)),
        };
        let above = scope.is_none() && name.is_looser(wanted, limits.get(name));
        Ok::<_, ApiError>((account, looser || above))
    })?;
    let of_all = wish.all || scope.is_some();
    if of_all && caller.accounts.is_some() {
        return Err(ApiError::forbidden("this key sees some accounts only; name one"));
    }
    if looser || of_all {
        caller.require(Role::Admin)?;
        caller.require_step_up(now)?;
    }
    let command = Command::SetLimit {
        account: (!wish.all).then_some(account),
        scope,
        name,
        value,
        minutes,
        // Who got here has proved who they are.
        confirmation: SafeText::new(if looser { change::last_four(&account) } else { "" }),
        by: SafeText::new(&caller.name),
    };
    let done = context.act(&caller, command).await?;
    let limits = context
        .replica
        .read(|known| account_limits(&known.state, &known.market, account, known.venue_now(now)));
    Ok(Json(Changed {
        note: text(done.note),
        limits,
    }))
}
