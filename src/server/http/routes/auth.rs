//! Signing in and out: sessions of programs, by an access token and a refresh token, and of pages, by a cookie. What the
//! second factor adds lies in `auth_factor`.

use super::super::Context;
use super::super::body::Asked;
use super::super::error::ApiError;
use super::super::guard::{COOKIE, COOKIE_SECURE, Origin};
use super::secret_body::Secretly;
use super::told::{
    Everything, MeRow, PasswordChanged, SessionEnded, SignedInRow, SignedInSession, SignedOutRow,
};
use super::users::names;
use crate::server::doors::audit::Entry;
use crate::server::doors::{Caller, Doors, Hashed, Refused, Role, SignIn, SignedIn, UserError};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(sign_in))
        .routes(routes!(refresh))
        .routes(routes!(sign_out))
        .routes(routes!(me))
        .routes(routes!(change_password))
        .routes(routes!(sessions))
        .routes(routes!(end_session))
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let words = refused.to_string();
        match refused {
            Refused::Wait(seconds) => Self::too_many(words, seconds),
            Refused::Busy => Self::too_many(words, 1),
            Refused::Wrong => Self::new(StatusCode::UNAUTHORIZED, "WRONG", words),
            Refused::SecondFactor => Self::new(StatusCode::UNAUTHORIZED, "SECOND_FACTOR", words),
            Refused::Over(_) => Self::unknown_caller(words),
            Refused::Book(error) => error.into(),
        }
    }
}

impl From<UserError> for ApiError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Unknown(name) => Self::not_found(format!("user '{name}'")),
            UserError::Taken(_) => Self::new(StatusCode::CONFLICT, "TAKEN", error.to_string()),
            UserError::Bad(words) => Self::bad(words),
            UserError::Code => Self::new(StatusCode::UNAUTHORIZED, "WRONG", error.to_string()),
            UserError::Book(_) | UserError::Machine => {
                tracing::error!(%error, "the book of users");
                Self::unavailable("users can't be read or written now; try again")
            }
        }
    }
}

/// Runs what hashes or writes away from the tasks.
pub(super) async fn aside<T: Send + 'static, E: Into<ApiError> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Into::into),
        Err(error) => {
            tracing::error!(%error, "a call's work ended in a panic");
            Err(ApiError::unavailable("this went wrong here; try again"))
        }
    }
}

/// The session that a caller came by.
///
/// # Errors
/// It came by a key.
pub(super) fn session_of(caller: &Caller) -> Result<String, ApiError> {
    caller
        .session
        .clone()
        .ok_or_else(|| ApiError::forbidden("this is for people who signed in; a key has no session"))
}

/// What somebody shows to come in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInShown)]
struct Shown {
    user: String,
    password: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    page: bool,
}

/// Signs a user in: password, and the code of the second factor where there is one.
#[utoipa::path(post, path = "/auth/sign-in", tag = "sign-in", request_body = Shown, security(()), responses((status = 200, body = SignedInRow)))]
async fn sign_in(
    State(context): State<Context>,
    origin: Origin,
    Secretly(shown): Secretly<Shown>,
) -> Result<Response, ApiError> {
    let ask = SignIn {
        user: shown.user,
        password: shown.password,
        code: shown.code,
        page: shown.page,
    };
    let (doors, user, address) = (context.doors.clone(), ask.user.clone(), origin.address);
    let now = (context.about.clock)();
    let place = doors.place(&user, address, now).await?;
    let signed = aside(move || {
        let _place = place;
        Ok::<_, ApiError>(doors.sign_in(&ask, address, now))
    })
    .await?;
    let (outcome, session) = match &signed {
        Ok(signed) => ("done", signed.session.id.clone()),
        Err(Refused::SecondFactor) => ("second factor wanted", String::new()),
        Err(_) => ("refused", String::new()),
    };
    // A name that nobody has may be a password that slipped into the wrong field: it is written nowhere, but as a mark by which
    // the same name is known again.
    let known = context.doors.users(|users| users.user(&user).is_ok());
    let who = if known { user.clone() } else { String::new() };
    let detail = match &signed {
        Err(Refused::Wrong) if known => "wrong password or code".to_owned(),
        Err(_) if !known => format!("nobody has this name (mark {})", context.doors.mark_of(&user)),
        Err(other) => other.to_string(),
        Ok(_) => String::new(),
    };
    context.audit.record(Entry {
        at: now.to_string(),
        who: who.clone(),
        from: address.to_string(),
        session,
        route: origin.route,
        what: "sign-in".to_owned(),
        detail,
        outcome: outcome.to_owned(),
        request: origin.request,
        ..Entry::default()
    });
    let signed = signed.inspect_err(|error| {
        if matches!(error, Refused::Wrong) {
            tracing::warn!(user = who, %address, "a sign-in failed");
        }
    })?;
    tracing::info!(user, %address, session = signed.session.id, "signed in");
    Ok(welcome(&context, &signed))
}

/// What somebody is told who came in.
fn welcome(context: &Context, signed: &SignedIn) -> Response {
    let terms = context.doors.terms();
    let told = SignedInRow {
        session: signed.session.id.clone(),
        user: signed.session.user.clone(),
        ends: signed.session.ends.to_string(),
        ..SignedInRow::default()
    };
    let Some(cookie) = &signed.cookie else {
        let told = SignedInRow {
            token_type: Some("Bearer"),
            access_token: signed.access.clone(),
            expires_in: Some(terms.access.as_secs()),
            refresh_token: signed.refresh.clone(),
            ..told
        };
        return Json(told).into_response();
    };
    let told = SignedInRow {
        csrf_token: Some(context.doors.csrf(&signed.session.id)),
        ..told
    };
    let mut answer = Json(told).into_response();
    set_cookie(context, &mut answer, cookie, terms.session.as_secs());
    answer
}

fn set_cookie(context: &Context, answer: &mut Response, value: &str, seconds: u64) {
    let (name, secure) = match context.guard.settings.encrypted {
        true => (COOKIE_SECURE, "; Secure"),
        false => (COOKIE, ""),
    };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// What is sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInRefresh)]
struct Again {
    refresh_token: String,
}

/// A new access token for a refresh token, which is good once.
#[utoipa::path(post, path = "/auth/refresh", tag = "sign-in", request_body = Again, security(()), responses((status = 200, body = SignedInRow)))]
async fn refresh(
    State(context): State<Context>,
    Secretly(again): Secretly<Again>,
) -> Result<Response, ApiError> {
    let (doors, now) = (context.doors.clone(), (context.about.clock)());
    let signed = aside(move || doors.refresh(&again.refresh_token, now)).await?;
    Ok(welcome(&context, &signed))
}

/// Ends the session that the call came by.
#[utoipa::path(post, path = "/auth/sign-out", tag = "sign-in", responses((status = 200, body = SignedOutRow)))]
async fn sign_out(State(context): State<Context>, caller: Caller) -> Result<Response, ApiError> {
    let session = session_of(&caller)?;
    let doors = context.doors.clone();
    aside(move || doors.users(|users| users.end(&session))).await?;
    context.audit(&caller, "sign-out", "", "done");
    let mut answer = Json(SignedOutRow { signed_out: true }).into_response();
    set_cookie(&context, &mut answer, "", 0);
    Ok(answer)
}

/// Who calls, and what that may do.
#[utoipa::path(get, path = "/auth/me", tag = "sign-in", responses((status = 200, body = MeRow)))]
async fn me(State(context): State<Context>, caller: Caller) -> Result<Json<MeRow>, ApiError> {
    let now = (context.about.clock)();
    let mut told = MeRow {
        name: caller.name.clone(),
        role: caller.role.word(),
        accounts: names(caller.accounts.as_ref()),
        key: caller.key.clone(),
        scopes: caller
            .scopes
            .as_ref()
            .map(|scopes| scopes.iter().cloned().collect()),
        session: caller.session.clone(),
        address: caller.address.to_string(),
        stepped_up_until: caller
            .stepped_up
            .filter(|_| caller.is_stepped_up(now))
            .map(|at| at.to_string()),
        csrf_token: None,
        second_factor: None,
        recovery_codes_left: None,
    };
    if let Some(session) = &caller.session {
        told.csrf_token = Some(context.doors.csrf(session));
        let (doors, name) = (context.doors.clone(), caller.name.clone());
        let (second, left) = aside(move || {
            doors.users(|users| {
                let second = users.user(&name)?.has_second_factor();
                Ok::<_, UserError>((second, users.recovery_left(&name)?))
            })
        })
        .await?;
        told.second_factor = Some(second);
        told.recovery_codes_left = Some(left);
    }
    Ok(Json(told))
}

/// What is sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInNewPassword)]
struct NewPassword {
    password: String,
    new_password: String,
    #[serde(default)]
    code: Option<String>,
}

/// A new password, by the old one; all other sessions end.
#[utoipa::path(post, path = "/auth/password", tag = "sign-in", request_body = NewPassword, responses((status = 200, body = PasswordChanged)))]
async fn change_password(
    State(context): State<Context>,
    caller: Caller,
    Secretly(shown): Secretly<NewPassword>,
) -> Result<Json<PasswordChanged>, ApiError> {
    let session = session_of(&caller)?;
    let ask = SignIn {
        user: caller.name.clone(),
        password: shown.password,
        code: shown.code,
        page: false,
    };
    prove(&context, &caller, ask).await?;
    let (doors, name) = (context.doors.clone(), caller.name.clone());
    let place = doors
        .place(&name, caller.address, (context.about.clock)())
        .await?;
    aside(move || {
        let _place = place;
        let password = Hashed::of(&shown.new_password, &name)?;
        doors.users(|users| users.reset(&name, &password, Some(&session)))
    })
    .await?;
    context.audit(&caller, "password", "changed by its user", "done");
    Ok(Json(PasswordChanged { changed: true }))
}

/// Whether it is really them, again.
pub(super) async fn prove(context: &Context, caller: &Caller, ask: SignIn) -> Result<(), ApiError> {
    let (doors, address) = (context.doors.clone(), caller.address);
    let now = (context.about.clock)();
    let place = doors.place(&ask.user, address, now).await?;
    aside(move || {
        let _place = place;
        doors.prove(&ask, address, now)
    })
    .await
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// `all` for everybody's, for admins.
    of: Option<String>,
}

/// Sessions of the caller, or of everybody (`of=all`, for admins).
#[utoipa::path(get, path = "/auth/sessions", tag = "sign-in", params(Whose), responses((status = 200, body = Everything<SignedInSession>)))]
async fn sessions(
    State(context): State<Context>,
    caller: Caller,
    Asked(whose): Asked<Whose>,
) -> Result<Json<Everything<SignedInSession>>, ApiError> {
    let all = match whose.of.as_deref() {
        None | Some("me") => false,
        Some("all") => true,
        Some(other) => return Err(ApiError::bad(format!("of '{other}' is neither me nor all"))),
    };
    if all {
        caller.require(Role::Admin)?;
    } else {
        session_of(&caller)?;
    }
    let now = (context.about.clock)();
    let doors: Doors = context.doors.clone();
    let name = (!all).then(|| caller.name.clone());
    let found = aside(move || {
        let terms = *doors.terms();
        doors.users(|users| users.sessions_of(name.as_deref(), &terms, now))
    })
    .await?;
    let items = found.into_iter().map(|one| SignedInSession {
        current: caller.session.as_ref() == Some(&one.id),
        id: one.id,
        user: one.user,
        page: one.page,
        made: one.made.to_string(),
        seen: one.seen.to_string(),
        ends: one.ends.to_string(),
        address: one.address,
    });
    Ok(Json(Everything::of(items.collect())))
}

/// Ends a session: one's own, or anybody's by an admin.
#[utoipa::path(delete, path = "/auth/sessions/{id}", tag = "sign-in", params(("id" = String, Path, description = "The session")), responses((status = 200, body = SessionEnded)))]
async fn end_session(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<SessionEnded>, ApiError> {
    let now = (context.about.clock)();
    let (doors, wanted) = (context.doors.clone(), id.clone());
    let found = aside(move || {
        let terms = *doors.terms();
        doors.users(|users| users.session(&wanted, &terms, now))
    })
    .await?;
    let missing = || ApiError::not_found("session of this name that you may end");
    let session = found.ok_or_else(missing)?;
    let own = caller.session.is_some() && session.user == caller.name;
    if !own && !caller.may(Role::Admin) {
        return Err(missing());
    }
    let (doors, wanted) = (context.doors.clone(), id.clone());
    aside(move || doors.users(|users| users.end(&wanted))).await?;
    context.audit(
        &caller,
        "session.end",
        format!("{} of {}", id, session.user),
        "done",
    );
    Ok(Json(SessionEnded { ended: id }))
}
