//! What every answer says to a browser: run nothing that is not ours, show it in no frame, guess no kinds, keep nothing of
//! the API. And who of other origins may read: nobody but those that the settings list.

use super::GuardSettings;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

/// The page's own scripts and styles, and nothing from elsewhere.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Methods of the API, for other origins.
const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
/// Headers that other origins may send.
const HEADERS: &str = "authorization, content-type, idempotency-key, x-api-key, x-timestamp, x-nonce, x-signature, x-request-id";

/// The number of a call, in its answer.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// Puts them on.
pub(super) fn finish(
    answer: &mut Response,
    settings: &GuardSettings,
    origin: Option<&str>,
    id: &str,
    api: bool,
) {
    let headers = answer.headers_mut();
    set(headers, header::CONTENT_SECURITY_POLICY, CSP);
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, header::X_FRAME_OPTIONS, "DENY");
    set(headers, header::REFERRER_POLICY, "no-referrer");
    let own = HeaderName::from_static;
    set(headers, own("cross-origin-opener-policy"), "same-origin");
    set(headers, own("cross-origin-resource-policy"), "same-origin");
    set(
        headers,
        own("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    );
    if api {
        set(headers, header::CACHE_CONTROL, "no-store");
    }
    if settings.encrypted {
        set(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(origin) = origin.filter(|origin| settings.cors.contains(*origin))
        && let Ok(value) = HeaderValue::from_str(origin)
    {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        set(
            headers,
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "retry-after, x-request-id",
        );
        headers.insert(
            own("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        );
    }
}

/// The answer to a browser that asks whether a page of another origin may call; nothing where it does not ask that.
pub(super) fn preflight(method: &Method, headers: &HeaderMap, settings: &GuardSettings) -> Option<Response> {
    if method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let origin = super::text(headers, "origin")?;
    if !settings.cors.contains(origin) {
        return Some(StatusCode::FORBIDDEN.into_response());
    }
    let mut answer = StatusCode::NO_CONTENT.into_response();
    let headers = answer.headers_mut();
    set(headers, header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    set(headers, header::ACCESS_CONTROL_MAX_AGE, "600");
    Some(answer)
}

/// Whether a page of this origin may change something or open a socket: our own, or one that is listed.
pub(super) fn is_ours(headers: &HeaderMap, origin: &str, settings: &GuardSettings) -> bool {
    if settings.cors.contains(origin) || settings.origins.contains(origin) {
        return true;
    }
    let place = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    place.is_some_and(|place| {
        super::text(headers, "host").is_some_and(|host| host.eq_ignore_ascii_case(place))
    })
}
