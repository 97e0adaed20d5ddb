//! The pin of the order line: the commands that its preview shows, with the market they were shown at. Enter sends what is
//! pinned and nothing else; where it is old, or the market moved, it is made anew and looked at again. What only takes
//! risk off is never held up by that.

use super::forecast::Forecast;
use super::line::Meaning;
use super::pane::View;
use super::ticket::NotYet;
use crate::domain::{ClientOrderId, Timestamp};
use crate::engine::digest::{self, FRESH};
use crate::engine::{Command, Seen, State};

/// What Enter would send.
#[derive(Clone, Debug)]
pub struct Pin {
    /// The commands, under ids that no order carries.
    commands: Vec<Command>,
    /// What was seen of each of their orders.
    seen: Vec<Vec<Seen>>,
    /// As it is shown.
    pub ahead: Vec<Forecast>,
    /// What was rounded or converted.
    pub notes: Vec<String>,
    /// Since when it has been shown.
    pub at: Timestamp,
    /// True where it took the place of an outdated one: then a held Enter must not confirm it.
    pub is_new_price: bool,
    /// True where it was looked at and agreed to before it came to the line: by a word, or when the settings were written.
    pub is_confirmed: bool,
    adds: bool,
}

impl Pin {
    /// Pins a meaning; nothing where it would be refused.
    pub fn new(meaning: Meaning, view: &View<'_>) -> Option<Self> {
        let Meaning {
            commands,
            ahead,
            notes,
        } = meaning;
        if commands.is_empty() || ahead.iter().any(|forecast| forecast.denial.is_some()) {
            return None;
        }
        let look = |command: &Command| {
            let orders = command.places();
            orders
                .map(|order| digest::seen_now(view.market, order.spec, order.legs))
                .collect()
        };
        Some(Self {
            seen: commands.iter().map(look).collect(),
            adds: add_risk(&commands, view.state),
            commands,
            ahead,
            notes,
            at: view.now,
            is_new_price: false,
            is_confirmed: false,
        })
    }
    /// The same in the place of one that had its time.
    #[must_use]
    pub fn anew(mut self) -> Self {
        self.is_new_price = true;
        self
    }
    /// The same, agreed to at `now`: its age no longer counts, a move of the market still does.
    #[must_use]
    pub fn confirmed(mut self, now: Timestamp) -> Self {
        (self.is_confirmed, self.at) = (true, now);
        self
    }
    /// What Enter sends.
    pub fn commands(&self) -> &[Command] {
        &self.commands
    }
    /// True where something of it may add risk.
    pub fn adds(&self) -> bool {
        self.adds
    }
    /// Why it can't be sent any more, where it can't.
    pub fn outdated(&self, view: &View<'_>) -> Option<NotYet> {
        let adds = add_risk(&self.commands, view.state);
        if adds != self.adds {
            return Some(NotYet::Changed);
        }
        if !adds {
            return None;
        }
        if view.now.since(self.at) > FRESH {
            return Some(NotYet::Old);
        }
        let mut orders = self
            .commands
            .iter()
            .zip(&self.seen)
            .flat_map(|(command, seen)| command.places().zip(seen));
        let moved = orders.any(|(order, seen)| digest::has_moved(seen, view.state, view.market, order.spec));
        moved.then_some(NotYet::Moved)
    }
    /// The commands as they are sent: under ids of their own, with what was seen of them.
    pub fn sealed(&self, now: Timestamp, new_id: &mut dyn FnMut() -> ClientOrderId) -> Vec<Command> {
        let age_ms = u64::try_from(now.since(self.at).as_millis()).unwrap_or(u64::MAX);
        let sealed = |(command, seen): (&Command, &Vec<Seen>)| {
            let seen = seen.iter().map(|seen| Seen {
                age_ms,
                ..seen.clone()
            });
            let mut command = command.clone();
            digest::attach(&mut command, seen.collect());
            digest::name(&mut command, new_id);
            command
        };
        self.commands.iter().zip(&self.seen).map(sealed).collect()
    }
}

fn add_risk(commands: &[Command], state: &State) -> bool {
    commands.iter().any(|command| digest::adds_risk(command, state))
}
