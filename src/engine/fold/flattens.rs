//! How facts move a flatten, and the flatten of a whole account, through their steps.

use super::{Fact, State};
use crate::domain::{AccountKey, ClientOrderId, Execution, InstrumentId, Timestamp};
use crate::engine::state::{AccountFlattening, FlattenStep, Flattening};

impl State {
    pub(super) fn begin_flatten(
        &mut self,
        account: AccountKey,
        instrument: InstrumentId,
        exit: ClientOrderId,
        at: Timestamp,
    ) {
        let flattening = Flattening {
            exit,
            since: at,
            step: FlattenStep::Clearing,
            step_since: at,
            sent: None,
            asked: 0,
            fills: 0,
            realized_before: self.realized_in(account, instrument),
        };
        self.flattening.insert((account, instrument), flattening);
    }

    pub(super) fn fold_flatten(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::FlattenStepped {
                account,
                instrument,
                step,
                exit,
            } => {
                // The next pass is the first that begins after this.
                let asked = self.accounts.get(account).map_or(0, |entry| entry.passes);
                if let Some(flattening) = self.flattening.get_mut(&(*account, *instrument)) {
                    flattening.step = *step;
                    flattening.step_since = at;
                    flattening.sent = exit.or(flattening.sent);
                    flattening.asked = asked.saturating_add(1);
                }
            }
            Fact::FlattenEnded {
                account,
                instrument,
                failure,
            } => {
                self.flattening.remove(&(*account, *instrument));
                if let Some(all) = self.waiting_for(*account, *instrument) {
                    match failure {
                        Some(_) => all.failed.push(*instrument),
                        None => all.flat = all.flat.saturating_add(1),
                    }
                }
            }
            Fact::FlatConfirmed {
                account,
                instrument,
                fills,
                realized,
                currency,
            } => {
                self.flattening.remove(&(*account, *instrument));
                if let Some(all) = self.waiting_for(*account, *instrument) {
                    all.flat = all.flat.saturating_add(1);
                    all.fills = all.fills.saturating_add(*fills);
                    let sum = all.realized.entry(*currency).or_default();
                    *sum = sum.saturating_add(*realized);
                }
            }
            Fact::AccountFlattenStarted { account, instruments } => {
                let waiting = instruments.iter().copied().collect();
                let all = AccountFlattening {
                    waiting,
                    ..AccountFlattening::default()
                };
                self.flattening_accounts.insert(*account, all);
            }
            Fact::AccountFlattenEnded { account, .. } => {
                self.flattening_accounts.remove(account);
            }
            _ => {}
        }
    }

    /// The account's flatten, where this instrument was still waited for; it no longer is.
    fn waiting_for(
        &mut self,
        account: AccountKey,
        instrument: InstrumentId,
    ) -> Option<&mut AccountFlattening> {
        let all = self.flattening_accounts.get_mut(&account)?;
        all.waiting.remove(&instrument).then_some(all)
    }

    pub(super) fn count_fill(&mut self, execution: &Execution) {
        let key = (execution.account, execution.instrument);
        if let Some(flattening) = self.flattening.get_mut(&key) {
            flattening.fills = flattening.fills.saturating_add(1);
        }
    }

    /// A new process has all the time that the one before had.
    pub(super) fn resume_flattens(&mut self, at: Timestamp) {
        for flattening in self.flattening.values_mut() {
            flattening.since = at;
            flattening.step_since = at;
        }
    }
}
