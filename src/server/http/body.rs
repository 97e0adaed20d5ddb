//! What a call brings along: a body of JSON, a query, parts of its address. Whatever is wrong with it is answered in the
//! one shape that refusals have, and what nobody knows is refused rather than passed over: a misspelt `stpo` must not make
//! an order without its stop.

use super::error::ApiError;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// A body of JSON. An empty one is an empty object.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

/// A query.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

/// The parts of an address.
#[derive(Debug)]
pub(super) struct At<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let named = request
            .headers()
            .get("content-type")
            .map(|value| value.to_str().unwrap_or(""));
        let json = named.is_none_or(|kind| kind.split(';').next().is_some_and(is_json));
        let bytes = Bytes::from_request(request, state).await.map_err(|error| {
            let large = error.status() == StatusCode::PAYLOAD_TOO_LARGE;
            let (status, code) = if large {
                (StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE")
            } else {
                (StatusCode::BAD_REQUEST, "BAD_REQUEST")
            };
            ApiError::new(status, code, error.to_string())
        })?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return read(b"{}").map(Self);
        }
        if !json {
            let text = "a body is JSON: Content-Type: application/json";
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "NOT_JSON",
                text,
            ));
        }
        read(&bytes).map(Self)
    }
}

fn is_json(kind: &str) -> bool {
    let kind = kind.trim();
    kind.eq_ignore_ascii_case("application/json") || kind.to_ascii_lowercase().ends_with("+json")
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // A list would be taken for an object's fields in their order.
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') {
        return Err(ApiError::bad("the body is no JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let text = crate::domain::SafeText::new(&error.to_string());
        ApiError::bad(format!("the body can't be understood: {text}"))
    })
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(asked) = Query::from_request_parts(parts, state).await.map_err(|error| {
            let text = crate::domain::SafeText::new(&error.to_string());
            ApiError::bad(text.to_string())
        })?;
        Ok(Self(asked))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // What can't be read names nothing.
        let Path(at) = Path::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::not_found("such thing: a part of the address can't be read"))?;
        Ok(Self(at))
    }
}
