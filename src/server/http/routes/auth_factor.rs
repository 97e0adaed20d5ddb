//! The second factor: setting it up, giving it again for what wants that, recovery codes, taking it away.

use super::super::Context;
use super::super::error::ApiError;
use super::auth::{aside, prove, session_of};
use super::secret_body::Secretly;
use super::told::{Enrolled, RecoveryCodes, SecondFactor, SteppedUp};
use crate::server::doors::{Caller, SignIn, totp};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(step_up))
        .routes(routes!(enrol))
        .routes(routes!(confirm))
        .routes(routes!(remove))
        .routes(routes!(recovery))
}

/// What is sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInCode)]
struct Code {
    code: String,
}

/// What is sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInPassword)]
struct Again {
    password: String,
    #[serde(default)]
    code: Option<String>,
}

/// A fresh code: for some minutes more may be done.
#[utoipa::path(post, path = "/auth/step-up", tag = "sign-in", request_body = Code, responses((status = 200, body = SteppedUp)))]
async fn step_up(
    State(context): State<Context>,
    caller: Caller,
    Secretly(shown): Secretly<Code>,
) -> Result<Json<SteppedUp>, ApiError> {
    let session = session_of(&caller)?;
    let (doors, name, address) = (context.doors.clone(), caller.name.clone(), caller.address);
    let now = (context.about.clock)();
    let until = aside(move || {
        if !doors.users(|users| users.user(&name).map(|user| user.has_second_factor()))? {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "NO_SECOND_FACTOR",
                "this wants a second factor, and you have none: POST /api/v1/auth/totp/enrol",
            ));
        }
        Ok(doors.step_up(&name, &session, &shown.code, address, now)?)
    })
    .await;
    let outcome = if until.is_ok() { "done" } else { "refused" };
    context.audit(&caller, "step-up", "", outcome);
    Ok(Json(SteppedUp {
        until: until?.to_string(),
    }))
}

/// Begins a second factor: by the password, and by a code of the one that it is to replace.
#[utoipa::path(post, path = "/auth/totp/enrol", tag = "sign-in", request_body = Again, responses((status = 200, body = Enrolled)))]
async fn enrol(
    State(context): State<Context>,
    caller: Caller,
    Secretly(shown): Secretly<Again>,
) -> Result<Json<Enrolled>, ApiError> {
    session_of(&caller)?;
    let ask = SignIn {
        user: caller.name.clone(),
        password: shown.password,
        code: shown.code,
        page: false,
    };
    prove(&context, &caller, ask).await?;
    let (doors, name) = (context.doors.clone(), caller.name.clone());
    let secret = aside(move || doors.users(|users| users.enrol(&name))).await?;
    context.audit(&caller, "totp.enrol", "", "done");
    let uri = totp::address(&caller.name, context.doors.profile(), &secret);
    let secret = totp::base32(&secret);
    Ok(Json(Enrolled { secret, uri }))
}

/// Confirms it by a code; answers with recovery codes, this once.
#[utoipa::path(post, path = "/auth/totp/confirm", tag = "sign-in", request_body = Code, responses((status = 200, body = RecoveryCodes)))]
async fn confirm(
    State(context): State<Context>,
    caller: Caller,
    Secretly(shown): Secretly<Code>,
) -> Result<Json<RecoveryCodes>, ApiError> {
    session_of(&caller)?;
    let (doors, name, address) = (context.doors.clone(), caller.name.clone(), caller.address);
    let now = (context.about.clock)();
    let codes = aside(move || doors.confirm(&name, &shown.code, address, now)).await?;
    context.audit(&caller, "totp.confirm", "", "done");
    Ok(Json(RecoveryCodes {
        recovery_codes: codes,
    }))
}

/// Takes it away; after a step-up.
#[utoipa::path(post, path = "/auth/totp/remove", tag = "sign-in", responses((status = 200, body = SecondFactor)))]
async fn remove(State(context): State<Context>, caller: Caller) -> Result<Json<SecondFactor>, ApiError> {
    caller.require_step_up((context.about.clock)())?;
    let (doors, name) = (context.doors.clone(), caller.name.clone());
    aside(move || doors.users(|users| users.drop_second(&name))).await?;
    context.audit(&caller, "totp.remove", "", "done");
    Ok(Json(SecondFactor { second_factor: false }))
}

/// New recovery codes in place of the old ones; after a step-up.
#[utoipa::path(post, path = "/auth/recovery-codes", tag = "sign-in", responses((status = 200, body = RecoveryCodes)))]
async fn recovery(State(context): State<Context>, caller: Caller) -> Result<Json<RecoveryCodes>, ApiError> {
    caller.require_step_up((context.about.clock)())?;
    let (doors, name) = (context.doors.clone(), caller.name.clone());
    let codes = aside(move || doors.users(|users| users.fresh_recovery(&name))).await?;
    context.audit(&caller, "recovery-codes", "", "done");
    Ok(Json(RecoveryCodes {
        recovery_codes: codes,
    }))
}
