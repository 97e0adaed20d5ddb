//! The fold of what holds accounts back, and of limits that change while the engine runs.

use super::{Fact, State};
use crate::domain::{LimitValue, SafeText, Timestamp};
use crate::engine::risk::{Hold, HoldCause, LimitChange, LossStage, RiskDay};
use crate::engine::state::Funds;

impl State {
    pub(super) fn fold_risk(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::SectorsSet { sectors } => self.sectors = sectors.clone(),
            Fact::RiskDayBegan {
                account,
                from,
                until,
                opening,
                marks,
            } => {
                let day = RiskDay {
                    from: *from,
                    until: *until,
                    opening: *opening,
                    marks: marks.clone(),
                    stage: LossStage::None,
                    does: None,
                };
                self.fold_peak(fact);
                self.days.insert(*account, day);
                self.fold_breach(fact, at);
            }
            Fact::LossStaged {
                account, stage, does, ..
            } => {
                if let Some(day) = self.days.get_mut(account) {
                    day.stage = day.stage.max(*stage);
                    day.does = Some(*does);
                }
            }
            Fact::RiskHeld {
                account,
                cause,
                until,
                text,
            } => {
                let hold = Hold {
                    since: at,
                    until: *until,
                    text: text.clone(),
                };
                self.holds.insert((*account, *cause), hold);
            }
            Fact::RiskReleased {
                account,
                cause: HoldCause::DailyLoss,
                ..
            } => {
                if let Some(day) = self.days.get_mut(account) {
                    day.stage = LossStage::Warned;
                    day.does = None;
                }
            }
            Fact::RiskReleased { account, cause, .. } => {
                self.holds.remove(&(*account, *cause));
                self.released.insert((*account, *cause), at);
            }
            Fact::LimitChanged {
                account,
                name,
                value,
                until,
                by,
                ..
            } => {
                let change = changed(*value, *until, by, at);
                self.limit_changes.insert((*account, *name), change);
            }
            Fact::LimitReverted { account, name, .. } => {
                self.limit_changes.remove(&(*account, *name));
            }
            Fact::ScopesSet { scopes } => self.scoped = scopes.clone(),
            Fact::ScopedLimitChanged {
                scope,
                name,
                value,
                until,
                by,
                ..
            } => {
                let change = changed(*value, *until, by, at);
                self.scoped_changes.insert((scope.clone(), *name), change);
            }
            Fact::ScopedLimitReverted { scope, name, .. } => {
                self.scoped_changes.remove(&(scope.clone(), *name));
            }
            Fact::FundsReported {
                account,
                currency,
                excess,
                lends,
            } => {
                let funds = Funds {
                    currency: *currency,
                    excess: *excess,
                    lends: *lends,
                    at,
                };
                self.funds.insert(*account, funds);
            }
            _ => {}
        }
    }
}

/// A limit as it was changed just now.
fn changed(value: LimitValue, until: Option<Timestamp>, by: &SafeText, at: Timestamp) -> LimitChange {
    LimitChange {
        value,
        since: at,
        until,
        by: by.clone(),
    }
}
