//! Who calls: by a key, a signed call, an access token or a page's cookie. A cookie alone changes nothing: the page says
//! along with every change what only it can know.

use super::super::error::ApiError;
use super::text;
use crate::domain::Timestamp;
use crate::server::doors::{Caller, Doors, KeyError, Signature};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use std::net::IpAddr;

/// The cookie of a page's session on a port that is encrypted: bound to this host and to encryption by its name.
pub(in super::super) const COOKIE_SECURE: &str = "__Host-tradewind";
/// On one that is not.
pub(in super::super) const COOKIE: &str = "tradewind";
/// What a page sends along.
const CSRF: &str = "x-csrf-token";

/// Whether a method changes nothing.
pub(super) fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

/// The value of a cookie.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all("cookie").iter();
    let pairs = all
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(given, _)| *given == name)
        .map(|(_, value)| value)
}

/// The token of a call: `Authorization: Bearer …`, or `X-API-Key: …`; a browser, which can't say these for a WebSocket, names it
/// as a subprotocol, `tradewind.key.…`.
fn token(headers: &HeaderMap) -> Option<&str> {
    let bearer = text(headers, "authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let named = || {
        let all = text(headers, "sec-websocket-protocol")?.split(',');
        all.filter_map(|one| one.trim().strip_prefix("tradewind.key."))
            .next()
    };
    bearer.or_else(|| text(headers, "x-api-key")).or_else(named)
}

/// Who calls.
///
/// # Errors
/// Nobody that is known, or a page without what it has to send along.
pub(super) fn who(
    doors: &Doors,
    parts: &Parts,
    body: &[u8],
    address: IpAddr,
    encrypted: bool,
    now: Timestamp,
) -> Result<Caller, ApiError> {
    let headers = &parts.headers;
    if headers.contains_key("x-signature") {
        return signed(doors, parts, body, address, now);
    }
    if let Some(token) = token(headers) {
        return by_token(doors, token, address, now);
    }
    let name = if encrypted { COOKIE_SECURE } else { COOKIE };
    let Some(value) = cookie(headers, name) else {
        return Err(ApiError::unknown_caller(
            "this address wants a key (Authorization: Bearer tw_...; 'tradewind api-key add NAME --role view' makes one) or a sign-in (POST /api/v1/auth/sign-in)",
        ));
    };
    let caller = doors
        .by_cookie(value, address, now)
        .ok_or_else(|| ApiError::unknown_caller("this session is over; sign in again"))?;
    if !is_safe(&parts.method) {
        let given = text(headers, CSRF).unwrap_or("");
        let session = caller.session.as_deref().unwrap_or("");
        if !doors.is_csrf(session, given) {
            return Err(ApiError::new(
                axum::http::StatusCode::FORBIDDEN,
                "CSRF",
                "a page has to send X-CSRF-Token along: what its sign-in was answered with, or GET /api/v1/auth/me",
            ));
        }
    }
    Ok(caller)
}

fn by_token(doors: &Doors, token: &str, address: IpAddr, now: Timestamp) -> Result<Caller, ApiError> {
    if token.starts_with("tw_") {
        return doors.by_key(token, address, now).map_err(told);
    }
    doors.by_token(token, address, now).ok_or_else(|| {
        ApiError::unknown_caller(
            "this access token opens nothing here, or no more; refresh it or sign in again",
        )
    })
}

fn signed(
    doors: &Doors,
    parts: &Parts,
    body: &[u8],
    address: IpAddr,
    now: Timestamp,
) -> Result<Caller, ApiError> {
    let wanted = |name: &str| {
        text(&parts.headers, name).ok_or_else(|| {
            ApiError::unknown_caller(format!(
                "a signed call wants x-api-key, x-timestamp, x-nonce and x-signature; {name} is missing"
            ))
        })
    };
    let key = token(&parts.headers).and_then(|token| token.strip_prefix("tw_"));
    let signature = Signature {
        key: key.ok_or_else(|| {
            ApiError::unknown_caller("a signed call names its key: x-api-key: tw_ and its eight characters")
        })?,
        method: parts.method.as_str(),
        path: parts.uri.path_and_query().map_or("/", |path| path.as_str()),
        body,
        timestamp: wanted("x-timestamp")?,
        nonce: wanted("x-nonce")?,
        mac: wanted("x-signature")?,
    };
    doors.by_signature(&signature, address, now).map_err(told)
}

fn told(error: KeyError) -> ApiError {
    match error {
        KeyError::Elsewhere(_) => ApiError::forbidden(error.to_string()),
        KeyError::Book(_) => {
            tracing::error!(%error, "the book of keys");
            ApiError::unavailable("keys can't be checked now; try again")
        }
        _ => ApiError::unknown_caller(error.to_string()),
    }
}
