//! Whether an account may trade: halt, reduce only, resume.

use super::commands::Desk;
use super::orders::told;
use super::{Decision, sessions};
use crate::domain::{AccountKey, Order, SafeText, TradingState};
use crate::engine::command::{Denial, DenialCode};
use crate::engine::event::Fact;
use crate::engine::halt;
use crate::engine::risk;

impl Desk<'_> {
    pub(super) fn set_trading(
        &self,
        account: AccountKey,
        to: TradingState,
        reason: &SafeText,
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        let Some(entry) = self.state.accounts.get(&account) else {
            return Err(Denial::new(
                DenialCode::UnknownAccount,
                format!("no account {account}"),
            ));
        };
        if to == TradingState::Halted {
            return self.halt(Some(account), reason, false);
        }
        let ended = match to {
            TradingState::Active => {
                let mut ended = risk::ended_by_hand(self.state, account);
                ended.extend(risk::scope::resumed(self.state));
                ended
            }
            TradingState::Reducing | TradingState::Halted => Vec::new(),
        };
        if to < entry.trading || !ended.is_empty() {
            sessions::may_add_risk(self.state, self.origin, account, self.now)?;
            self.no_halt_file()?;
        }
        if to == TradingState::Active && entry.trading == to && ended.is_empty() {
            return Ok(Decision::noted(
                Vec::new(),
                &format!("{account} is {} already", to.word()),
            ));
        }
        let mut facts = vec![Fact::TradingChanged {
            account,
            state: to,
            reason: reason.clone(),
        }];
        facts.extend(ended);
        Ok(Decision::done(facts))
    }

    /// One account, or all of them. Entries go by what follows from the facts; what stays is said at once.
    pub(super) fn halt(
        &self,
        account: Option<AccountKey>,
        reason: &SafeText,
        stops_too: bool,
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        let known = self.state.accounts.keys().copied();
        let meant: Vec<AccountKey> = known
            .filter(|key| account.is_none_or(|one| one == *key))
            .collect();
        if meant.is_empty() {
            let text = account.map_or_else(
                || "no account is known yet".to_owned(),
                |account| format!("no account {account}"),
            );
            return Err(Denial::new(DenialCode::UnknownAccount, text));
        }
        let (mut facts, mut all, mut exits) = (Vec::new(), (0, 0, 0), 0);
        for account in meant {
            let (going, kept, foreign) = self.sorted(account, None, stops_too);
            let stay = |order: &&&Order| !stops_too && halt::stays(self.state, order);
            let closing = going.iter().filter(stay).count();
            exits += closing;
            all = (all.0 + going.len() - closing, all.1 + kept, all.2 + foreign);
            facts.extend(halt::halted(self.state, account, reason, stops_too));
        }
        Ok(Decision::noted(facts, &told(all.0, all.1, exits, all.2)))
    }

    /// Whoever put the file there has not taken it away: a word at a desk does not undo that.
    fn no_halt_file(&self) -> Result<(), Denial> {
        match &self.state.halt_file {
            None => Ok(()),
            Some(file) => {
                let text = format!(
                    "the halt file is still there ({}): remove {}, then resume",
                    file.reason, file.place
                );
                Err(Denial::new(DenialCode::Trading, text))
            }
        }
    }
}
