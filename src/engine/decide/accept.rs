//! What a person looks at and takes over: differences, gaps, doubled orders, breakers; and the read of a broker that they ask for.
//! Lines of the difference view are `differences`'.

use super::commands::Desk;
use super::{Decision, sessions};
use crate::domain::{AccountKey, BrokerId, InstrumentId, Quantity, SafeText};
use crate::engine::breaker::{self, BreakerState};
use crate::engine::command::{Denial, DenialCode};
use crate::engine::doubles;
use crate::engine::event::Fact;
use crate::engine::programs;

impl Desk<'_> {
    /// Only what two reads have shown is taken over: a difference may be a fill that is on its way.
    pub(super) fn accept_difference(
        &self,
        account: AccountKey,
        instrument: InstrumentId,
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        programs::by_a_person(self.origin)?;
        let entry = self.state.accounts.get(&account);
        let mismatch = entry
            .and_then(|entry| entry.mismatches.get(&instrument))
            .filter(|mismatch| mismatch.is_confirmed(self.now));
        let Some(mismatch) = mismatch else {
            if entry.is_some_and(|entry| entry.overfilled.contains(&instrument)) {
                return Ok(Decision::done(vec![Fact::PositionAdjusted {
                    account,
                    instrument,
                    change: Quantity::ZERO,
                    price: None,
                    cause: "what was executed beyond its order was accepted".into(),
                }]));
            }
            let text = format!("{account} has no difference in {instrument} that two reads confirmed");
            return Err(Denial::new(DenialCode::NothingToAccept, text));
        };
        let cause = format!(
            "the broker's {} taken over by hand, ours was {}",
            mismatch.theirs, mismatch.ours
        );
        let pass = entry.map_or(0, |entry| entry.passes).saturating_add(1);
        Ok(Decision::done(vec![
            Fact::PositionAdjusted {
                account,
                instrument,
                change: mismatch.theirs.saturating_sub(mismatch.ours),
                price: self.market.last(instrument).map(|print| print.price),
                cause: SafeText::new(&cause),
            },
            Fact::ReconcileStarted { account, pass },
        ]))
    }

    pub(super) fn accept_gap(&self, account: AccountKey) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        programs::by_a_person(self.origin)?;
        let gap = self.state.accounts.get(&account).and_then(|entry| entry.gap);
        match gap {
            Some(_) => Ok(Decision::done(vec![Fact::GapAccepted { account }])),
            None => Err(Denial::new(
                DenialCode::NothingToAccept,
                format!("the executions of {account} are known without a gap"),
            )),
        }
    }

    pub(super) fn accept_double(&self, account: AccountKey) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        programs::by_a_person(self.origin)?;
        doubles::drop_newer(self.state, account).map(|(facts, note)| Decision::noted(facts, &note))
    }

    pub(super) fn acknowledge(&self, broker: BrokerId, by: &SafeText) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        programs::by_a_person(self.origin)?;
        let breaker = self.state.breakers.get(&broker);
        let waits = breaker.filter(|breaker| {
            breaker.state == BreakerState::Open && breaker.needs_a_person(self.state, broker)
        });
        if waits.is_none() {
            let text = match breaker {
                Some(_) => breaker::words(self.state, broker),
                None => None,
            };
            let text = text.unwrap_or_else(|| format!("the breaker of {broker} is closed"));
            return Err(Denial::new(DenialCode::NothingToAccept, text));
        }
        let by = by.clone();
        Ok(Decision::done(vec![Fact::BreakerAcknowledged { broker, by }]))
    }

    pub(super) fn reconcile(&self, account: AccountKey) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        let Some(entry) = self.state.accounts.get(&account) else {
            return Err(Denial::new(
                DenialCode::UnknownAccount,
                format!("no account {account}"),
            ));
        };
        if entry.reading.is_some() {
            return Ok(Decision::noted(Vec::new(), "a read is under way"));
        }
        Ok(Decision::done(vec![Fact::ReconcileStarted {
            account,
            pass: entry.passes.saturating_add(1),
        }]))
    }
}
