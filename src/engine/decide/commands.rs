//! What is asked of the engine, each command to the file of its subject, and what all of them are decided on. Every refusal has
//! a code; what the controls refuse is recorded, what makes no sense is only answered.

use super::{Decision, sessions};
use crate::domain::{AccountKey, ClientOrderId, Instrument, InstrumentId, OrderSpec, Timestamp};
use crate::engine::alerts;
use crate::engine::command::{Command, Denial, DenialCode, Legs, Origin, Outcome, Placed, Seen};
use crate::engine::digest;
use crate::engine::event::Fact;
use crate::engine::lease;
use crate::engine::programs;
use crate::engine::risk::{self, Check, Effect, Sender};
use crate::engine::state::State;
use crate::market::Market;

/// Decides one command.
pub(super) fn decide(
    state: &State,
    market: &Market,
    origin: Origin,
    command: &Command,
    now: Timestamp,
) -> Decision {
    let desk = Desk {
        state,
        market,
        origin,
        now,
    };
    let decided = match command {
        Command::Submit { id, spec, legs, seen } => desk.submit(*id, spec, *legs, seen.as_ref()),
        Command::Park {
            id,
            spec,
            seconds,
            seen,
        } => desk.park((*id, spec), *seconds, seen.as_ref()),
        Command::ConfirmParked { id } => desk.confirm_parked(*id),
        Command::SubmitAll { orders } => desk.submit_all(orders),
        Command::SubmitPair {
            first,
            first_spec,
            second,
            second_spec,
            seen,
        } => desk.submit_pair(
            Placed::alone(*first, first_spec, seen.first()),
            Placed::alone(*second, second_spec, seen.get(1)),
        ),
        Command::SubmitThen {
            first,
            first_spec,
            second,
            second_spec,
            seen,
        } => desk.submit_then(
            Placed::alone(*first, first_spec, seen.first()),
            Placed::alone(*second, second_spec, seen.get(1)),
        ),
        Command::Modify { id, change } => desk.modify(*id, *change),
        Command::Cancel { id } => desk.cancel(*id),
        Command::CancelAll {
            account,
            instrument,
            stops_too,
        } => desk.cancel_all(*account, *instrument, *stops_too),
        Command::Close {
            id,
            account,
            instrument,
        } => desk.close(*id, *account, *instrument),
        Command::Flatten {
            id,
            account,
            instrument,
        } => desk.flatten(*id, *account, *instrument),
        Command::FlattenAccount { account, exits } => desk.flatten_account(*account, exits),
        Command::SetTrading {
            account,
            state,
            reason,
        } => desk.set_trading(*account, *state, reason),
        Command::Halt {
            account,
            reason,
            stops_too,
        } => desk.halt(*account, reason, *stops_too),
        Command::SetLimit {
            account,
            scope,
            name,
            value,
            minutes,
            confirmation,
            by,
        } => {
            let wish = risk::change::Wish {
                account: *account,
                scope: scope.as_ref(),
                name: *name,
                value: *value,
                minutes: *minutes,
                confirmation,
                by,
            };
            risk::change::decide(state, origin, &wish, now)
        }
        Command::AcceptDifference { account, instrument } => desk.accept_difference(*account, *instrument),
        Command::Resolve {
            account,
            subject,
            remedy,
            seen,
        } => desk.resolve(*account, *subject, (*remedy, *seen)),
        Command::AcceptGap { account } => desk.accept_gap(*account),
        Command::AcceptDouble { account } => desk.accept_double(*account),
        Command::AcknowledgeBreaker { broker, by } => desk.acknowledge(*broker, by),
        Command::Lease { seconds } => lease::decide(state, origin, *seconds, now),
        Command::ChangePosition {
            account,
            instrument,
            cause,
            change,
            note,
        } => desk.change_position(*account, *instrument, (*cause, *change, note)),
        Command::SetExDate { instrument, ex } => desk.set_ex_date(*instrument, ex.clone()),
        Command::Reconcile { account } => desk.reconcile(*account),
        Command::SetAlert { .. } | Command::RemoveAlert { .. } | Command::PauseAlert { .. } => {
            desk.alert(command)
        }
        Command::OpenSession
        | Command::CloseSession
        | Command::TakeToken
        | Command::Arm { .. }
        | Command::Disarm { .. } => sessions::decide(state, origin, command, now),
        Command::OpenProgram { .. }
        | Command::NameSession { .. }
        | Command::ArmPrograms { .. }
        | Command::DisarmPrograms { .. } => programs::decide(state, origin, command, now),
    };
    decided.unwrap_or_else(Decision::refused)
}

/// What a command is decided on.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) state: &'a State,
    pub(super) market: &'a Market,
    pub(super) origin: Origin,
    pub(super) now: Timestamp,
}

impl Desk<'_> {
    pub(super) fn check(&self) -> Check<'_> {
        Check {
            state: self.state,
            market: self.market,
            now: self.now,
            sender: Some(self.sender()),
        }
    }

    pub(super) fn sender(&self) -> Sender {
        self.state.sender(self.origin.session, self.origin.kind)
    }

    /// Whether this session may add risk in an account: its right to, and that it was not stopped for how it sends.
    pub(super) fn may_add(&self, account: AccountKey) -> Result<(), Denial> {
        sessions::may_add_risk(self.state, self.origin, account, self.now)?;
        risk::scope::stopped(self.state, &self.sender()).map_or(Ok(()), Err)
    }

    /// The controls of one new order, the right to place it included.
    pub(super) fn allowed(&self, spec: &OrderSpec) -> Result<(), Denial> {
        self.not_flattening(spec)?;
        if risk::effect(self.state, spec) == Effect::Adds {
            self.may_add(spec.account)?;
        }
        self.check().order(spec)
    }

    /// Alerts touch no order: any session that is no onlooker may make them.
    fn alert(&self, command: &Command) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        let facts = match command {
            Command::SetAlert { spec } => {
                let (id, facts) = alerts::decide::make(self.state, spec, self.now)?;
                return Ok(Decision::noted(facts, &format!("alert {id} is set")));
            }
            Command::RemoveAlert { id } => alerts::decide::remove(self.state, *id)?,
            Command::PauseAlert { id, paused } => alerts::decide::pause(self.state, *id, *paused)?,
            _ => Vec::new(),
        };
        Ok(Decision::done(facts))
    }

    /// Whether the asker had before their eyes what this session must have seen of an order.
    pub(super) fn was_seen(&self, seen: Option<&Seen>, spec: &OrderSpec, legs: Legs) -> Result<(), Denial> {
        digest::require(self.origin.kind, seen, self.state, self.market, spec, legs)
    }
}

/// The same command again: nothing new is done.
pub(super) fn known_as(id: ClientOrderId) -> Decision {
    Decision {
        facts: Vec::new(),
        outcome: Some(Outcome::Known { id }),
    }
}

/// Only the engine makes children: an order that names a parent would wait for ever and pass controls unasked.
pub(super) fn stands_alone(spec: &OrderSpec) -> Result<(), Denial> {
    match spec.parent {
        None => Ok(()),
        Some(parent) => Err(Denial::new(
            DenialCode::BadOrder,
            format!("an order can't be put under {parent}; submit the entry with its stop and target"),
        )),
    }
}

pub(super) fn denied(id: ClientOrderId, spec: &OrderSpec, denial: Denial) -> Decision {
    Decision {
        facts: vec![Fact::Denied {
            id,
            spec: spec.clone(),
            denial: denial.clone(),
        }],
        outcome: Some(Outcome::Denied(denial)),
    }
}

pub(super) fn known_instrument(state: &State, id: InstrumentId) -> Result<&Instrument, Denial> {
    state
        .instruments
        .get(&id)
        .ok_or_else(|| Denial::new(DenialCode::UnknownInstrument, format!("no instrument {id}")))
}
