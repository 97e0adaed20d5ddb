//! Whether anything may leave at all: link, pause, what is unexplained, the state of trading; and whether more is sold than is
//! held.

use super::worth::is_bought;
use super::{Check, Effect, held_back};
use crate::domain::{LinkState, OrderSpec, Quantity, Side, TradingState};
use crate::engine::breaker;
use crate::engine::command::{Denial, DenialCode};
use crate::engine::in_the_way;
use crate::engine::planted::{Bug, planted};
use crate::engine::state::AccountState;

impl Check<'_> {
    pub(super) fn may_leave(
        &self,
        spec: &OrderSpec,
        account: &AccountState,
        effect: Effect,
    ) -> Result<(), Denial> {
        let link = self.state.link(spec.account.broker);
        if !account.opened {
            let text = format!("what {} holds has not been read yet", spec.account);
            return Err(Denial::new(DenialCode::PositionUnknown, text));
        }
        if let Some(pause) = self.state.pauses.get(&spec.account.broker)
            && effect == Effect::Adds
        {
            let text = format!(
                "planned {}; cancels and reducing orders pass",
                pause.words(self.now)
            );
            return Err(Denial::new(DenialCode::NotReady, text));
        }
        match (link, effect) {
            (LinkState::Ready, _) | (LinkState::Degraded | LinkState::Syncing, Effect::Reduces) => {}
            (link, _) => {
                let text = format!(
                    "the link to {} is {}; only cancels and reducing orders pass: re-ticket it when it is READY, or say 'park' behind a limit",
                    spec.account.broker,
                    link.word()
                );
                return Err(Denial::new(DenialCode::NotReady, text));
            }
        }
        if let Some(mismatch) = account.mismatches.get(&spec.instrument).filter(|m| m.passes > 1)
            && effect == Effect::Adds
        {
            let text = format!(
                "{}: we have {}, the broker has {}; orders wait until both agree",
                spec.instrument, mismatch.ours, mismatch.theirs
            );
            return Err(Denial::new(DenialCode::Unexplained, text));
        }
        if account.overfilled.contains(&spec.instrument) && effect == Effect::Adds {
            let text = format!(
                "{}: more was executed than an order asked for; look at it, then accept {}: until then cancels and reducing orders pass",
                spec.instrument, spec.instrument
            );
            return Err(Denial::new(DenialCode::Unexplained, text));
        }
        if effect == Effect::Adds
            && let Some(held) = held_back(self.state, spec.account, Some(spec.instrument))
        {
            return Err(held);
        }
        if effect == Effect::Adds
            && let Some(tried) = breaker::denies_another(self.state, spec.account.broker)
        {
            return Err(tried);
        }
        match (account.trading, effect) {
            (TradingState::Active, _) | (TradingState::Reducing | TradingState::Halted, Effect::Reduces) => {
                Ok(())
            }
            _ if planted(Bug::HaltNotHeld) => Ok(()),
            (trading, Effect::Adds) => {
                let text = format!(
                    "{} is {}; cancels and reducing orders pass",
                    spec.account,
                    trading.word()
                );
                Err(Denial::new(DenialCode::Trading, text))
            }
        }
    }

    pub(super) fn short(&self, spec: &OrderSpec, account: &AccountState) -> Result<(), Denial> {
        if spec.parent.is_some() {
            return Ok(());
        }
        if spec.side == Side::Buy {
            // A short position that its stop buys back whole: what else buys would leave it long.
            let code = DenialCode::NothingToClose;
            return self
                .only_protected(spec)
                .map_or(Ok(()), |text| Err(Denial::new(code, text)));
        }
        let held = self.state.position(spec.account, spec.instrument).quantity;
        let selling = self
            .state
            .working_sells(spec.account, spec.instrument)
            .saturating_add(spec.quantity);
        if held >= selling {
            return Ok(());
        }
        let free = Quantity::from_raw(
            held.saturating_sub(selling)
                .saturating_add(spec.quantity)
                .raw()
                .max(0),
        );
        if let Some(text) = self.only_protected(spec).filter(|_| !spec.allow_short) {
            return Err(Denial::new(DenialCode::Short, text));
        }
        let limits = self.limits(spec);
        let instrument = self.state.instruments.get(&spec.instrument);
        let off = if !limits.allow_short {
            Some("shorts are off")
        } else if !limits.allow_short_sale && instrument.is_none_or(is_bought) {
            Some("shorts of shares, options and coins are off (allow_short_sale)")
        } else {
            None
        };
        if let Some(off) = off {
            let text = format!(
                "{} holds {held} {}; {free} more can be sold; {off}",
                account.account.key, spec.instrument
            );
            return Err(Denial::new(DenialCode::Short, text).near(free));
        }
        if !spec.allow_short {
            let text = format!(
                "{held} {} held, {free} more can be sold; say 'short' to sell more than that",
                spec.instrument
            );
            return Err(Denial::new(DenialCode::Short, text).near(free));
        }
        Ok(())
    }
    /// What to do, where an order would only take off what is held and nothing but its own protection is in the way.
    fn only_protected(&self, spec: &OrderSpec) -> Option<String> {
        let (account, instrument) = (spec.account, spec.instrument);
        let position = self.state.position(account, instrument);
        let held = position.quantity.abs();
        let exits = self
            .state
            .working_exits(account, instrument)
            .saturating_add(spec.quantity);
        let others = exits.saturating_sub(in_the_way::covered(self.state, account, instrument));
        let closes = position.side() == Some(spec.side.opposite());
        (closes && exits > held && others <= held)
            .then(|| in_the_way::words(self.state, account, instrument))
            .flatten()
    }
}
