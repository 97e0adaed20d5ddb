//! What a call is told that did not go well: a stable code, what happened, and what can be done. The same shape
//! everywhere, so that a program needs one reader for all of them.

use crate::domain::Timestamp;
use crate::engine::Denial;
use crate::server::doors::{Caller, Role};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The answer's status.
    pub status: StatusCode,
    /// Stable, upper case: what a program looks at.
    pub code: String,
    /// In words: what happened, where, and what can be done.
    pub message: String,
    /// The nearest value that would pass, where there is one.
    pub nearest: Option<String>,
    /// Seconds after which to try again.
    pub retry_after: Option<u64>,
}

/// The code of a refusal, with the answer, for those that note it.
#[derive(Clone, Debug)]
pub(super) struct Code(pub(super) String);

/// What every refusal looks like.
#[derive(Serialize, ToSchema)]
#[schema(as = Refusal)]
pub(super) struct Body<'a> {
    error: Words<'a>,
}

/// A refusal in words.
#[derive(Serialize, ToSchema)]
#[schema(as = RefusalWords)]
pub(super) struct Words<'a> {
    /// Stable, upper case: what a program looks at.
    #[schema(example = "PRICE_COLLAR")]
    code: &'a str,
    /// What happened, where, and what can be done.
    message: &'a str,
    /// The nearest value that would pass, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<&'a str>,
}

impl ApiError {
    /// With a code and words.
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            nearest: None,
            retry_after: None,
        }
    }
    /// What was asked for is not there.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", format!("there is no {what}"))
    }
    /// What was sent can't be understood.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }
    /// Nobody known asks.
    pub fn unknown_caller(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message)
    }
    /// Known, and not allowed to.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
    }
    /// It comes too early: so many seconds.
    pub fn too_many(message: impl Into<String>, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY", message)
        }
    }
    /// The address is there, and not for this method.
    pub fn no_such_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            "this address does not take that method; the answer's Allow line names those that it takes",
        )
    }
    /// It can't be done now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "NOT_READY", message)
        }
    }
}

impl Caller {
    /// Refuses one who may not do what a role may.
    ///
    /// # Errors
    /// It may not.
    pub fn require(&self, role: Role) -> Result<(), ApiError> {
        if self.may(role) {
            return Ok(());
        }
        Err(ApiError::forbidden(format!(
            "this wants the role {role}; {} has {}",
            self.name, self.role
        )))
    }
    /// The same of a person. A program by its key proves itself with each call, and its role is what it may: one that may trade
    /// must be able to get out.
    ///
    /// # Errors
    /// It is a person's session, and not stepped up.
    pub fn require_step_up_of_person(&self, now: Timestamp) -> Result<(), ApiError> {
        match self.key {
            Some(_) => Ok(()),
            None => self.require_step_up(now),
        }
    }
    /// Refuses one who has not proved who they are again, a short while ago.
    ///
    /// # Errors
    /// They have not.
    pub fn require_step_up(&self, now: Timestamp) -> Result<(), ApiError> {
        if self.is_stepped_up(now) {
            return Ok(());
        }
        Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "STEP_UP",
            "this wants your second factor again: POST /api/v1/auth/step-up",
        ))
    }
}

impl From<Denial> for ApiError {
    /// The engine's own code and words.
    fn from(denial: Denial) -> Self {
        let code = denial.code.as_str();
        let status = super::act::status_of(code);
        let wait = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        Self {
            nearest: denial.nearest.map(|value| value.to_string()),
            retry_after: wait.then_some(1),
            ..Self::new(status, code, denial.text.to_string())
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Body {
            error: Words {
                code: &self.code,
                message: &self.message,
                nearest: self.nearest.as_deref(),
            },
        };
        let mut answer = (self.status, axum::Json(body)).into_response();
        answer.extensions_mut().insert(Code(self.code.clone()));
        if let Some(seconds) = self.retry_after
            && let Ok(value) = axum::http::HeaderValue::from_str(&seconds.to_string())
        {
            answer.headers_mut().insert("retry-after", value);
        }
        answer
    }
}
