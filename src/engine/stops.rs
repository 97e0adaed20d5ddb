//! Protective stops that move by themselves: on each piece of market data of their instrument they are counted anew, and
//! where one has to move, the broker's own order is changed; none is ever taken off for it. What is decided rests on the
//! state alone (where the stop is, what was paid), so a new process goes on where the one before was.

use super::event::Fact;
use super::state::State;
use crate::domain::{
    ClientOrderId, InstrumentId, LinkState, Mover, Order, OrderChange, OrderKind, Phase, Price, StopMoves,
    Timestamp,
};
use crate::market::{Market, Quality};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A change that the broker refused is not asked for again before this.
const AFTER_REFUSAL: Duration = Duration::from_secs(30);

/// How one stop moves by itself, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopPlan {
    /// What was said when the order was made.
    pub moves: StopMoves,
    /// When the broker last refused to move it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_at: Option<Timestamp>,
}

/// What has to move now that data of `instrument` came.
pub(super) fn on_market(
    state: &State,
    market: &Market,
    instrument: InstrumentId,
    now: Timestamp,
) -> Vec<Fact> {
    let planned = state.stop_plans.iter();
    let moving = planned.filter_map(|(id, plan)| {
        let stop = state.orders.get(id)?;
        let (to, by) = (stop.spec.instrument == instrument)
            .then(|| next(state, market, stop, plan, now))
            .flatten()?;
        let change = OrderChange {
            trigger: Some(to),
            ..OrderChange::default()
        };
        let id = *id;
        Some([
            Fact::StopAdvanced { id, to, by },
            Fact::ModifyRequested { id, change },
        ])
    });
    moving.flatten().collect()
}

/// Where a stop goes, where it goes anywhere.
fn next(
    state: &State,
    market: &Market,
    stop: &Order,
    plan: &StopPlan,
    now: Timestamp,
) -> Option<(Price, Mover)> {
    let OrderKind::Stop { trigger } = stop.spec.kind else {
        return None;
    };
    let (account, instrument) = (stop.spec.account, stop.spec.instrument);
    let side = stop.spec.side.opposite();
    let is_there = matches!(stop.phase, Phase::Held | Phase::Working)
        && stop.pending.is_none()
        && !stop.foreign
        && !state.waits(stop);
    let rests = plan.refused_at.is_some_and(|at| now.since(at) < AFTER_REFUSAL);
    let reachable = matches!(state.link(account.broker), LinkState::Ready | LinkState::Degraded);
    let guards = state.position(account, instrument).side() == Some(side);
    let flattening = state.flattening.contains_key(&(account, instrument));
    if !is_there || rests || !reachable || !guards || flattening {
        return None;
    }
    // Prices that are late, or from before a halt, would put a stop into a market that has turned.
    let quote = market.quote(instrument);
    let quote = quote.filter(|quote| matches!(quote.quality, Quality::Live | Quality::Derived))?;
    let entry = state.orders.get(&stop.spec.parent?)?.average_price()?;
    let ticks = &state.instruments.get(&instrument)?.ticks;
    // What a long position is sold at is the bid.
    let (out, _) = quote.opposite(side.opposite())?;
    plan.moves.next(side, entry, trigger, out, ticks)
}

impl State {
    /// What was said of how a stop moves.
    pub(super) fn plan_stop(&mut self, id: ClientOrderId, moves: StopMoves) {
        let plan = StopPlan {
            moves,
            refused_at: None,
        };
        self.stop_plans.insert(id, plan);
    }

    /// A stop that was put further away, by hand here or at the broker, is in hand: it no longer moves by itself.
    pub(super) fn stop_was_moved(&mut self, id: ClientOrderId, kind: OrderKind) {
        let Some(order) = self.orders.get(&id).filter(|_| self.stop_plans.contains_key(&id)) else {
            return;
        };
        let further = match (order.spec.kind.trigger(), kind.trigger()) {
            (Some(before), Some(now)) if order.spec.side == crate::domain::Side::Sell => now < before,
            (Some(before), Some(now)) => now > before,
            _ => true,
        };
        if further {
            self.stop_plans.remove(&id);
        }
    }

    /// The broker refused to move it.
    pub(super) fn stop_was_refused(&mut self, id: ClientOrderId, at: Timestamp) {
        if let Some(plan) = self.stop_plans.get_mut(&id) {
            plan.refused_at = Some(at);
        }
    }
}
