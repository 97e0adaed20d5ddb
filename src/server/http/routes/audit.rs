//! The audit log in pages, for admins.

use super::super::Context;
use super::super::body::Asked;
use super::super::error::ApiError;
use super::auth::aside;
use super::told::{AuditPage, AuditRow};
use crate::server::doors::audit::AuditError;
use crate::server::doors::{Caller, Role};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Records of a page where nothing is said, and at most.
const USUAL: usize = 100;
const MOST: usize = 1_000;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(list))
}

impl From<AuditError> for ApiError {
    fn from(error: AuditError) -> Self {
        tracing::error!(%error, "the audit log");
        Self::unavailable("the audit log can't be read now; try again")
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Records of the page.
    limit: Option<usize>,
    /// What the page before told as `next`.
    cursor: Option<u64>,
}

/// The newest first; `cursor` is the number of the last record of the page before.
#[utoipa::path(get, path = "/audit", tag = "audit", params(Page), responses((status = 200, body = AuditPage)))]
async fn list(
    State(context): State<Context>,
    caller: Caller,
    Asked(page): Asked<Page>,
) -> Result<Json<AuditPage>, ApiError> {
    caller.require(Role::Admin)?;
    let limit = page.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::bad(format!(
            "limit {limit} is out of range; 1 to {MOST}"
        )));
    }
    let audit = context.audit.clone();
    let rows = aside(move || audit.page(page.cursor, limit)).await?;
    let next = rows
        .last()
        .filter(|row| rows.len() == limit && row.sequence > 1)
        .map(|row| row.sequence.to_string());
    let items = rows.iter().map(AuditRow::from).collect();
    Ok(Json(AuditPage { items, next }))
}
