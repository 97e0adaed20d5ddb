//! The words for changes of a position that are no trade, and for the dates that they come with. What they do is told in
//! `engine/changes.rs`.

use super::commands::Desk;
use super::{Decision, sessions};
use crate::domain::{AccountKey, InstrumentId, SafeText};
use crate::engine::changes::{self, ChangeCause, ExDate, PositionChange};
use crate::engine::command::{Denial, DenialCode};
use crate::engine::event::Fact;
use crate::engine::programs;

impl Desk<'_> {
    pub(super) fn change_position(
        &self,
        account: AccountKey,
        instrument: InstrumentId,
        what: (ChangeCause, PositionChange, &SafeText),
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        programs::by_a_person(self.origin)?;
        changes::decide(self.state, account, instrument, what).map(Decision::done)
    }

    pub(super) fn set_ex_date(
        &self,
        instrument: InstrumentId,
        ex: Option<ExDate>,
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        programs::by_a_person(self.origin)?;
        super::commands::known_instrument(self.state, instrument)?;
        if let Some(wrong) = ex.as_ref().filter(|ex| ex.day().is_none()) {
            let text = format!("'{}' is no date such as 2026-12-04", wrong.date);
            return Err(Denial::new(DenialCode::BadOrder, text));
        }
        Ok(Decision::done(vec![Fact::ExDateSet { instrument, ex }]))
    }
}
