//! The words of the order line that a chart takes: its studies, the length of its bars, and how they are drawn. They go to
//! the chart with the focus, else to the one in view.

use super::desk::{Desk, Effect, Tone};
use super::layout::PaneId;
use crate::domain::Timestamp;

impl Desk {
    /// Hands a word to a chart and tells what came of it.
    pub(super) fn chart_word(&mut self, word: &str, rest: &str, now: Timestamp) -> Vec<Effect> {
        let charts = [PaneId::Chart, PaneId::Chart2, PaneId::Chart3, PaneId::Chart4];
        let wanted = if charts.contains(&self.focus) {
            self.focus
        } else {
            PaneId::Chart
        };
        let view = self.world.view(now);
        let answer = self
            .panes
            .iter_mut()
            .find(|place| place.id == wanted)
            .and_then(|place| place.pane.word(word, rest, &view));
        match answer {
            Some(Ok((said, wishes))) => {
                self.say(Tone::Plain, said, now);
                self.grant(wishes, now)
            }
            Some(Err(why)) => {
                self.say(Tone::Warn, why, now);
                Vec::new()
            }
            None => Vec::new(),
        }
    }
    /// The terminal has no colours: panes are told, once.
    pub fn without_colour(&mut self) {
        for place in &mut self.panes {
            place.pane.without_colour();
        }
    }
}
