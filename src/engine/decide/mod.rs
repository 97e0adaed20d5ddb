//! Pure choice: reads the state and the market, changes neither, and answers with facts. One file for each kind of input.

mod accept;
mod basket;
mod broker;
mod chained;
mod changes;
mod closing;
mod commands;
mod differences;
mod flatten;
mod orders;
mod parking;
mod resize;
mod sessions;
mod submit;
mod trading;
mod what_if;

pub(super) use basket::{Ahead, fold_ahead};
pub(super) use broker::{accepted, book};
pub(super) use chained::{filled_ahead, of_second};
pub(super) use closing::{closing, exit};
pub(super) use flatten::not_flattening;
pub use orders::change_refused;
pub(super) use sessions::{may_act, may_add_risk, may_arm};
pub(super) use what_if::to_ask;

use super::command::{Denial, Outcome};
use super::core::Input;
use super::event::Fact;
use super::halt;
use super::planted::{Bug, planted};
use super::risk;
use super::state::State;
use super::timers;
use crate::domain::{ClientOrderId, Order, Phase, Role, SafeText, Timestamp, TradingState};
use crate::market::Market;

/// What an input leads to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// In order.
    pub facts: Vec<Fact>,
    /// The answer to the asker of a command. `Done`'s sequence is filled in after the fold.
    pub outcome: Option<Outcome>,
}

impl Decision {
    fn facts(facts: Vec<Fact>) -> Self {
        Self { facts, outcome: None }
    }
    pub(super) fn done(facts: Vec<Fact>) -> Self {
        Self {
            facts,
            outcome: Some(Outcome::Done {
                sequence: 0,
                note: None,
            }),
        }
    }
    pub(super) fn noted(facts: Vec<Fact>, note: &str) -> Self {
        Self {
            facts,
            outcome: Some(Outcome::Done {
                sequence: 0,
                note: Some(SafeText::new(note)),
            }),
        }
    }
    fn refused(denial: Denial) -> Self {
        Self {
            facts: Vec::new(),
            outcome: Some(Outcome::Refused(denial)),
        }
    }
}

/// Decides one input.
pub fn decide(state: &State, market: &Market, input: &Input, now: Timestamp) -> Decision {
    match input {
        Input::Start { build, limits } => {
            let mut facts = vec![Fact::EngineStarted { build: build.clone() }];
            if state.limits != **limits || state.sequence == 0 {
                facts.extend(risk::change::over_new_ceiling(state, limits));
                facts.push(Fact::LimitsSet {
                    limits: limits.as_ref().clone(),
                });
            }
            Decision::facts(facts)
        }
        Input::Command { origin, command } => commands::decide(state, market, *origin, command, now),
        Input::Broker { broker, event } => Decision::facts(broker::decide(state, *broker, event, now)),
        Input::Timer => Decision::facts(timers::due(state, now)),
        Input::Sectors { sectors } if state.sectors == *sectors => Decision::default(),
        Input::Sectors { sectors } => Decision::facts(vec![Fact::SectorsSet {
            sectors: sectors.clone(),
        }]),
        Input::Rules { scopes, packs } => {
            let mut facts = Vec::new();
            if state.packs != *packs {
                facts.push(Fact::RulesSet { packs: packs.clone() });
            }
            facts.extend(risk::change::scopes(
                state,
                &risk::change::with_packs(scopes, packs),
            ));
            Decision::facts(facts)
        }
        Input::StorageFailed { .. } if planted(Bug::FullDiskGoesOn) => Decision::default(),
        // What follows from it, the breakers' watch says.
        Input::Journal { .. } => Decision::default(),
        Input::HaltFile { file } => Decision::facts(halt::file(state, file.as_ref())),
        Input::StorageFailed { reason } => {
            let text = SafeText::new(&format!("the journal {reason}: halted, only cancels pass"));
            let halt = |account| Fact::TradingChanged {
                account,
                state: TradingState::Halted,
                reason: text.clone(),
            };
            Decision::facts(state.accounts.keys().copied().map(halt).collect())
        }
    }
}

/// The fact that cancels a live order: at once where it never left, else by asking the broker.
pub(super) fn cancel(order: &Order, why: &str) -> Fact {
    match order.phase {
        Phase::Created | Phase::Parked => Fact::Cancelled {
            id: order.id,
            reason: SafeText::new(why),
        },
        _ => Fact::CancelRequested { id: order.id },
    }
}

/// True for a stop that protects what is held: what panic keys leave alone.
pub(super) fn is_protective(state: &State, order: &Order) -> bool {
    if order.phase == Phase::Parked || order.phase == Phase::Created && order.after.is_some() {
        // What never left guards nothing.
        return false;
    }
    let held = state.position(order.spec.account, order.spec.instrument).side();
    (order.spec.role == Role::StopLoss && order.spec.parent.is_some())
        || (order.spec.kind.is_stop() && held == Some(order.spec.side.opposite()))
}

/// The live order of this id, or why there is none.
pub(super) fn live(state: &State, id: ClientOrderId) -> Result<&Order, Denial> {
    use super::command::DenialCode::{NotLive, UnknownOrder};
    let order = state
        .orders
        .get(&id)
        .ok_or_else(|| Denial::new(UnknownOrder, format!("no order {id}")))?;
    if !order.phase.is_live() {
        return Err(Denial::new(
            NotLive,
            format!("{} is {}", order.spec, order.phase.word()),
        ));
    }
    Ok(order)
}
