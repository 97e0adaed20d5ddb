//! How long this terminal stays armed: arming ends after a time without a key, and when another account comes on the
//! desk. (The engine ends it when the terminal leaves, when the token moves, and after a minute without the broker.)
//! Simulated accounts are left alone: there it protects nothing.

use super::desk::{Desk, Effect};
use super::world::Standing;
use crate::domain::{AccountClass, AccountKey, Timestamp};
use crate::engine::Command;

impl Desk {
    /// A person did something.
    pub(super) fn touched(&mut self, now: Timestamp) {
        self.touched_at = now;
    }
    /// Ends arming after the time that the settings give, where nothing was pressed for so long.
    pub(super) fn disarm_idle(&mut self, now: Timestamp) -> Vec<Effect> {
        let idle = now.since(self.touched_at);
        if self.arm_idle.is_zero() || idle < self.arm_idle || self.world.standing() != Standing::Armed {
            return Vec::new();
        }
        let Some(account) = self.world.account.filter(|account| self.is_real(*account)) else {
            return Vec::new();
        };
        // Once: the answer takes a moment.
        self.touched_at = now;
        let minutes = self.arm_idle.as_secs() / 60;
        self.send(
            Command::Disarm { account },
            format!("disarmed after {minutes} min without a key; :arm arms again"),
            now,
        )
    }
    /// Another account is on the desk than `before`, which this terminal is no longer armed for.
    pub(super) fn disarm_left(&mut self, before: Option<AccountKey>, now: Timestamp) -> Vec<Effect> {
        let Some(account) = before.filter(|before| Some(*before) != self.world.account) else {
            return Vec::new();
        };
        let armed = |session| self.world.state.armed.contains(&(session, account));
        if !self.is_real(account) || !self.world.session.is_some_and(armed) {
            return Vec::new();
        }
        let what = format!("disarmed for {}", account.account);
        self.send(Command::Disarm { account }, what, now)
    }
    fn is_real(&self, account: AccountKey) -> bool {
        let known = self.world.state.accounts.get(&account);
        known.is_some_and(|known| known.account.class != AccountClass::Sim)
    }
}
