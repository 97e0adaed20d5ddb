//! The dead-man lease of the caller's key: taken and renewed by one call, seen, and given back. What its end does is the
//! engine's affair (`engine/lease.rs`).

use super::super::body::Body;
use super::super::{ApiError, Context};
use crate::domain::SafeText;
use crate::engine::Command;
use crate::engine::lease::{Lease, USUAL_SECONDS, holder};
use crate::server::doors::{Caller, Role};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(lease, renew, give_back))
}

/// For how long.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct LeaseWish {
    /// 15 to 300; 60 without.
    seconds: Option<u32>,
}

/// The caller's lease.
#[derive(Debug, Serialize, ToSchema)]
struct LeaseRow {
    /// The caller has one.
    held: bool,
    /// For how long each renewal holds.
    seconds: Option<u32>,
    /// When it runs out unless it is renewed.
    until: Option<String>,
    /// It ran out: only cancels and reducing orders pass until it is renewed.
    ran_out: bool,
    /// Orders sent under it that live: these are cancelled when it runs out, but for protective stops.
    orders: Vec<String>,
}

fn row(context: &Context, caller: &Caller) -> LeaseRow {
    let name = SafeText::new(&caller.name);
    let holder = holder(&name, caller.key.as_deref().map(SafeText::new).as_ref());
    context.replica.read(|known| {
        let lease: Option<&Lease> = known.state.leases.held.get(&holder);
        LeaseRow {
            held: lease.is_some(),
            seconds: lease.map(|lease| lease.seconds),
            until: lease.map(|lease| lease.until().to_string()),
            ran_out: lease.is_some_and(|lease| lease.ran_out),
            orders: lease.map_or_else(Vec::new, |lease| {
                lease.orders.iter().map(ToString::to_string).collect()
            }),
        }
    })
}

/// The caller's dead-man lease.
#[utoipa::path(get, path = "/lease", tag = "lease", responses((status = 200, body = LeaseRow)))]
async fn lease(State(context): State<Context>, caller: Caller) -> Result<Json<LeaseRow>, ApiError> {
    caller.require(Role::Trade)?;
    Ok(Json(row(&context, &caller)))
}

/// Takes the lease, or renews it: to be called three times within its time. Where it is not, what the caller sent under it
/// is cancelled, protective stops stay, and the caller only reduces until it calls again. Nothing is flattened.
#[utoipa::path(put, path = "/lease", tag = "lease", request_body = LeaseWish, responses((status = 200, body = LeaseRow)))]
async fn renew(
    State(context): State<Context>,
    caller: Caller,
    Body(wish): Body<LeaseWish>,
) -> Result<Json<LeaseRow>, ApiError> {
    let seconds = Some(wish.seconds.unwrap_or(USUAL_SECONDS));
    context.act(&caller, Command::Lease { seconds }).await?;
    Ok(Json(row(&context, &caller)))
}

/// Gives it back: what the caller sent stays as it is.
#[utoipa::path(delete, path = "/lease", tag = "lease", responses((status = 200, body = LeaseRow)))]
async fn give_back(State(context): State<Context>, caller: Caller) -> Result<Json<LeaseRow>, ApiError> {
    context.act(&caller, Command::Lease { seconds: None }).await?;
    Ok(Json(row(&context, &caller)))
}
