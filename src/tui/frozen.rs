//! FROZEN: the prices on the screen stand still, so that they can be read, and nothing can be sent by them. Orders, fills
//! and messages go on, and so do the panic keys: what takes risk away needs no price.

use super::desk::{Desk, Tone};
use crate::domain::{Timestamp, TradingState};
use crate::engine::Command;

impl Desk {
    /// Freezes, or thaws.
    pub(super) fn toggle_frozen(&mut self, now: Timestamp) {
        if self.world.frozen.take().is_some() {
            return self.say(Tone::Plain, "prices move again", now);
        }
        self.world.frozen = Some((now, Box::new(self.world.market.clone())));
        let text = "FROZEN: prices stand still and nothing is sent but panic keys; Space f thaws";
        self.say(Tone::Warn, text, now);
    }
    /// Why this command does not leave while frozen, where it doesn't.
    pub(super) fn held_by_frost(&self, command: &Command) -> Option<&'static str> {
        let takes_risk_away = matches!(
            command,
            Command::CancelAll { .. }
                | Command::Flatten { .. }
                | Command::FlattenAccount { .. }
                | Command::Disarm { .. }
                | Command::Halt { .. }
                | Command::SetTrading {
                    state: TradingState::Halted | TradingState::Reducing,
                    ..
                }
        );
        (self.world.frozen.is_some() && !takes_risk_away).then_some("the desk is FROZEN; Space f thaws it")
    }
}
