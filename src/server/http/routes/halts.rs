//! How a halt is asked for, and how far its cancels have come: each order that the broker has not said to have ended.

use crate::domain::{AccountKey, ClientOrderId};
use crate::engine::State;
use crate::engine::halt::{Asked, Halt};
use crate::server::views::rows::time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where, why, and how much goes.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HaltWish {
    /// Which account; every one that the caller may see without.
    pub(super) account: Option<String>,
    /// Why, in words, for everybody to read.
    pub(super) reason: Option<String>,
    /// Protective stops go too: what is held is unprotected then.
    pub(super) stops_too: bool,
}

/// How far a halt has come.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HaltRow {
    /// Since when; since the engine's start where that was later.
    since: Option<String>,
    /// Protective stops were to go too.
    stops_too: bool,
    /// Orders that have ended unfilled or filled in part.
    cancelled: u32,
    /// Orders that were filled first.
    filled: u32,
    /// Orders whose end the broker has not confirmed. Each cancel is asked for again, with growing pauses, until it has.
    waiting: Vec<WaitingCancel>,
    /// Some are not confirmed in time: look at the broker's own screen.
    unconfirmed: bool,
}

/// A cancel that is not confirmed.
#[derive(Debug, Serialize, ToSchema)]
struct WaitingCancel {
    client_order_id: String,
    /// The order in words.
    order: Option<String>,
    /// How often its cancel was asked for.
    asked: u32,
    /// When last.
    asked_at: Option<String>,
}

/// The halt of an account, where it has one.
pub(super) fn row(state: &State, account: AccountKey) -> Option<HaltRow> {
    let halt: &Halt = state.halts.get(&account)?;
    let waiting = |(id, asked): (&ClientOrderId, &Asked)| WaitingCancel {
        client_order_id: id.to_string(),
        order: state.orders.get(id).map(|order| order.spec.to_string()),
        asked: asked.times,
        asked_at: time(Some(asked.last)),
    };
    Some(HaltRow {
        since: time(Some(halt.since)),
        stops_too: halt.stops_too,
        cancelled: halt.cancelled,
        filled: halt.filled,
        waiting: halt.waiting.iter().map(waiting).collect(),
        unconfirmed: halt.told && !halt.waiting.is_empty(),
    })
}
