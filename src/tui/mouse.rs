//! The mouse: a click gives the focus, chooses a tab, a workspace or a row; the wheel rolls what is under it. No click
//! sends anything.

use super::action::Action;
use super::desk::{Desk, Effect, Modal};
use super::keymap::{Context, Danger, Entry};
use super::layout::PaneId;
use super::pane::Wish;
use super::view::Drawn;
use crate::domain::Timestamp;
use ratatui::layout::Position;

impl Desk {
    pub(super) fn on_click(&mut self, at: Position, drawn: &Drawn, now: Timestamp) -> Vec<Effect> {
        self.tour = false;
        if let Some((_, key)) = drawn.hints.iter().find(|(area, _)| area.contains(at)) {
            return self.on_hint(key, now);
        }
        if self.modal.is_some() {
            return self.click_under_ticket(at, drawn, now);
        }
        if let Some((_, workspace)) = drawn.workspaces.iter().find(|(area, _)| area.contains(at)) {
            self.go(*workspace);
            return Vec::new();
        }
        if let Some((_, pane)) = drawn.tabs.iter().find(|(area, _)| area.contains(at)) {
            self.focus_on(*pane);
            return Vec::new();
        }
        let Some((pane, _, hits)) = drawn.panes.iter().find(|(_, area, _)| area.contains(at)) else {
            return Vec::new();
        };
        self.focus_on(*pane);
        let Some((_, row)) = hits.rows.iter().find(|(area, _)| area.contains(at)) else {
            return Vec::new();
        };
        let instrument = self.instrument_of(*pane);
        let view = super::pane::View {
            instrument,
            ..self.world.view(now)
        };
        let place = self.panes.iter_mut().find(|place| place.id == *pane);
        let wishes = place.map_or_else(Vec::new, |place| place.pane.click(*row, &view));
        self.grant(wishes, now)
    }

    /// A click on the hint row is its key, but for what sends: that is for the hand on the keyboard. The beginning of keys
    /// shows what may follow.
    fn on_hint(&mut self, shown: &str, now: Timestamp) -> Vec<Effect> {
        let context = self.context();
        let here = |entry: &&Entry| entry.context == context || entry.context == Context::Anywhere;
        let entries: Vec<&Entry> = self.keymap.entries().iter().filter(here).collect();
        if let Some(entry) = entries.iter().find(|entry| entry.shown() == shown) {
            return match entry.danger {
                Danger::None | Danger::Preview => {
                    let action = entry.action;
                    self.act(action, now)
                }
                Danger::Sends | Danger::Panic => Vec::new(),
            };
        }
        let begins = entries
            .iter()
            .filter_map(|entry| entry.keys.first())
            .find(|key| key.to_string() == shown);
        if let Some(key) = begins.copied() {
            self.pressed = vec![key];
            self.pressed_at = now;
        }
        Vec::new()
    }

    /// With a ticket open only the ladder takes a click: it puts its price into the ticket.
    fn click_under_ticket(&mut self, at: Position, drawn: &Drawn, now: Timestamp) -> Vec<Effect> {
        if !matches!(self.modal, Some(Modal::Ticket(_))) {
            return Vec::new();
        }
        let ladder = drawn
            .panes
            .iter()
            .find(|(pane, area, _)| *pane == PaneId::Depth && area.contains(at));
        let Some(row) = ladder.and_then(|(_, _, hits)| {
            let hit = hits.rows.iter().find(|(area, _)| area.contains(at));
            hit.map(|(_, row)| *row)
        }) else {
            return Vec::new();
        };
        let view = super::pane::View {
            instrument: self.instrument_of(PaneId::Depth),
            ..self.world.view(now)
        };
        let place = self.panes.iter_mut().find(|place| place.id == PaneId::Depth);
        let wishes = place.map_or_else(Vec::new, |place| place.pane.click(row, &view));
        for wish in wishes {
            if let Wish::Ticket(side, price) = wish {
                self.ticket_at(side, price, now);
            }
        }
        Vec::new()
    }

    pub(super) fn on_wheel(&mut self, at: Position, up: bool, drawn: &Drawn, now: Timestamp) -> Vec<Effect> {
        let action = if up { Action::Up } else { Action::Down };
        if self.modal.is_some() {
            return match self.modal {
                Some(Modal::Help(_)) => self.act(action, now),
                _ => Vec::new(),
            };
        }
        let Some(pane) = drawn
            .panes
            .iter()
            .find(|(_, area, _)| area.contains(at))
            .map(|(pane, ..)| *pane)
        else {
            return Vec::new();
        };
        let view = super::pane::View {
            instrument: self.instrument_of(pane),
            ..self.world.view(now)
        };
        let place = self.panes.iter_mut().find(|place| place.id == pane);
        if place.is_some_and(|place| place.pane.roll(up, &view)) {
            return Vec::new();
        }
        let action = match (pane, up) {
            (PaneId::Chart | PaneId::Chart2 | PaneId::Chart3 | PaneId::Chart4, true) => Action::ZoomIn,
            (PaneId::Chart | PaneId::Chart2 | PaneId::Chart3 | PaneId::Chart4, false) => Action::ZoomOut,
            _ => action,
        };
        let wishes = self.pane_acts(pane, action, now).unwrap_or_default();
        // Rolling through a list only looks: what is on the desk stays, since the next key trades it.
        let looks = wishes
            .into_iter()
            .filter(|wish| matches!(wish, Wish::Bars(..) | Wish::Ask(_) | Wish::Say(_)))
            .collect();
        self.grant(looks, now)
    }
}
