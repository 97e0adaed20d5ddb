//! Words of the order line that are about what is shown: they go to a pane, bring it in view, or touch the connection.

use super::desk::{Desk, Effect, Modal, Pledge, Question, Tone};
use super::forecast::span;
use super::layout::{PaneId, WORKSPACES, arrange};
use super::link::{Ask, ToEngine};
use super::pane::{View, Wish};
use super::plan::Undone;
use crate::domain::{Timestamp, counted};
use ratatui::text::Span;

/// What a pane made of a word: what it wishes, or what is wrong with it.
type Taken = Result<Vec<Wish>, String>;

impl Desk {
    /// Hands a word's rest to its pane and brings that in view.
    pub(super) fn tell_pane(&mut self, word: &str, rest: &str, now: Timestamp) -> Vec<Effect> {
        match self.pane_takes(word, rest, now) {
            Some((id, Ok(wishes))) => {
                self.bring(id);
                self.grant(wishes, now)
            }
            Some((_, Err(why))) => {
                self.say(Tone::Warn, why, now);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// The first pane whose word it is, and what it made of it. What a list looked like before can be taken back.
    fn pane_takes(&mut self, word: &str, rest: &str, now: Timestamp) -> Option<(PaneId, Taken)> {
        let ids: Vec<PaneId> = self.panes.iter().map(|place| place.id).collect();
        // Of several of a kind the focused one is meant.
        let focused = ids.iter().copied().filter(|id| *id == self.focus);
        for id in focused.chain(ids.iter().copied()) {
            let view = View {
                instrument: self.instrument_of(id),
                ..self.world.view(now)
            };
            let Some(place) = self.panes.iter_mut().find(|place| place.id == id) else {
                continue;
            };
            let before = place.pane.remember();
            if let Some(taken) = place.pane.word(word, rest, &view) {
                if before != place.pane.remember() {
                    self.plan.note(Undone::Pane(id, before));
                }
                return Some((id, taken));
            }
        }
        None
    }

    /// The terminal has no colours: panes are told, once.
    pub fn without_colour(&mut self) {
        for place in &mut self.panes {
            place.pane.without_colour();
        }
    }

    /// Gives a pane the focus; in the first workspace that has it, where this one doesn't.
    pub(super) fn bring(&mut self, id: PaneId) {
        let has = |workspace: u8| {
            let node = self.plan.workspaces.get(usize::from(workspace));
            node.is_some_and(|node| {
                let layout = arrange(node, None, self.body);
                layout.slots.iter().any(|slot| slot.tabs.contains(&id))
            })
        };
        if !has(self.workspace) {
            let all = 0..u8::try_from(WORKSPACES.len()).unwrap_or(0);
            if let Some(other) = all.into_iter().find(|other| has(*other)) {
                self.go(other);
            }
        }
        self.focus_on(id);
    }

    /// Makes the connection to the broker, or cuts it: that asks first where something is held or works.
    pub(super) fn ask_connection(&mut self, up: bool, now: Timestamp) -> Vec<Effect> {
        if !self.is_attached() {
            self.say(Tone::Warn, "not sent: there is no link to the engine", now);
            return Vec::new();
        }
        let state = &self.world.state;
        let held = state
            .ledgers
            .values()
            .any(|ledger| !ledger.position.quantity.is_zero());
        let is_inside = self
            .world
            .account
            .is_some_and(|account| account.broker.as_str() == "sim");
        if !up && is_inside {
            let text = "the simulated exchange is a part of the engine: there is no connection to cut";
            self.say(Tone::Plain, text, now);
            return Vec::new();
        }
        if !up && (held || !state.live.is_empty()) {
            self.modal = Some(Modal::Question(Question {
                text: "Enter cuts the connection, Esc keeps it".to_owned(),
                pledge: Pledge::Disconnect,
                at: now,
            }));
            return Vec::new();
        }
        vec![Effect::Tell(ToEngine::Ask(Ask::Connection(up)))]
    }
}

/// What nobody here watches any more once the connection is cut.
pub(super) fn left_alone(view: &View<'_>) -> Vec<Span<'static>> {
    let held = view
        .state
        .ledgers
        .values()
        .filter(|ledger| !ledger.position.quantity.is_zero())
        .count();
    let (waiting, working) = view
        .state
        .all_live()
        .partition::<Vec<_>, _>(|order| view.state.waits(order) && !order.phase.is_at_broker());
    let mut spans = vec![span(
        format!(
            "{} and {} stay at the broker; fills are seen only after :connect",
            counted(held, "position"),
            counted(working.len(), "order")
        ),
        view.theme.warn,
    )];
    if !waiting.is_empty() {
        spans.push(span(
            format!(
                "; held here and not sent meanwhile: {}",
                counted(waiting.len(), "waiting order")
            ),
            view.theme.warn,
        ));
    }
    spans
}
