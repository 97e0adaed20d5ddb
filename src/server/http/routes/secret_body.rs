//! Bodies that hold secrets: read strictly, and what is wrong with one is told by its place, never by its words.

use super::super::error::ApiError;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

/// A body of JSON whose words are told to nobody.
pub(super) struct Secretly<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Secretly<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get("content-type");
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
        // A page of another origin can send anything but this without being asked about it.
        let kind = kind.split(';').next().unwrap_or("").trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "NOT_JSON",
                "a body is JSON: Content-Type: application/json",
            ));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| ApiError::bad("the body ended before it was whole"))?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            ApiError::bad(format!(
                "the body can't be understood at line {}, column {}: a field is missing, unknown or of another kind",
                error.line(),
                error.column()
            ))
        })
    }
}
