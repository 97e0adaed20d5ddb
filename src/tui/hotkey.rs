//! Lines behind keys, actions by name, and when the popup of a prefix is shown. A line behind a key is put into the order
//! line and previewed there; it sends by itself only where the settings say so for that very key, this terminal is armed,
//! and nothing speaks against it.

use super::action::Action;
use super::desk::{Desk, Effect, Modal, Tone};
use super::keymap::Context;
use super::line::{self, Line, Reading};
use super::palette::action_named;
use super::pin::Pin;
use super::world::Standing;
use crate::domain::Timestamp;
use std::time::Duration;

/// How long a prefix waits before its popup comes; who knows the keys never sees it.
pub const POPUP_AFTER: Duration = Duration::from_millis(250);
/// A key that is heard again within this time is held, not pressed.
const HELD: Duration = Duration::from_millis(600);

impl Desk {
    /// True where the popup of a prefix is to be shown. That of the panic keys comes at once.
    pub fn shows_continuations(&self, now: Timestamp) -> bool {
        !self.pressed.is_empty() && (self.is_panic_prefix() || now.since(self.pressed_at) >= POPUP_AFTER)
    }
    /// When the screen changes by itself, though nothing happens.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        let waits = !self.pressed.is_empty() && !self.is_panic_prefix();
        waits.then(|| self.pressed_at.after(POPUP_AFTER))
    }
    fn is_panic_prefix(&self) -> bool {
        let next = self.keymap.continuations(self.context(), &self.pressed);
        next.iter().any(|entry| entry.context == Context::Anywhere)
    }
    pub(super) fn open_help(&mut self) {
        self.help_filter.clear();
        self.help_typing = false;
        self.modal = Some(Modal::Help(0));
    }

    /// Does an action by its name, as its key would.
    pub(super) fn do_named(&mut self, name: &str, now: Timestamp) -> Vec<Effect> {
        match action_named(name) {
            Some(Action::CommandLine) | None => {
                self.say(
                    Tone::Warn,
                    format!("there is no action '{name}': ? lists them"),
                    now,
                );
                Vec::new()
            }
            Some(action) => self.act(action, now),
        }
    }

    /// Does the line behind a key.
    pub(super) fn hotkey(&mut self, number: u8, now: Timestamp) -> Vec<Effect> {
        let Some(hotkey) = self.keymap.hotkeys.get(usize::from(number)).cloned() else {
            return Vec::new();
        };
        let is_held = self
            .hotkey_heard
            .is_some_and(|(last, at)| last == number && now.since(at) < HELD);
        self.hotkey_heard = Some((number, now));
        if is_held {
            return Vec::new();
        }
        let mut line = Line::new(now);
        line.insert(&hotkey.line, now);
        let (view, preview_id) = (self.world.view(now), self.preview_id);
        let reading = line::read(line.text(), &view, &mut || preview_id);
        let may_send = match &reading {
            Reading::Commands(meaning) => {
                self.world.standing() == Standing::Armed
                    && meaning.ahead.iter().all(|forecast| forecast.denial.is_none())
            }
            Reading::Desk(..) | Reading::Symbol(_) => true,
            _ => false,
        };
        if hotkey.send && may_send && self.is_attached() {
            // It was read and weighed when the settings were written: nothing is waited for.
            if let Reading::Commands(meaning) = reading {
                line.pin = Pin::new(meaning, &view).map(|pin| pin.confirmed(now));
            }
            return self.act_on_line(Action::Enter, line, now);
        }
        if hotkey.send {
            self.say(
                Tone::Warn,
                "not sent: this terminal is not armed, or something speaks against it",
                now,
            );
        }
        self.modal = Some(Modal::Line(line));
        Vec::new()
    }
}
