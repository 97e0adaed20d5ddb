//! The studies to choose from, over the chart: what is on stands first, the rest below. Enter takes one on or off, left
//! and right make its period shorter or longer; what is on changes at once.

use crate::market::studies::StudySpec;
use crate::tui::action::Action;
use crate::tui::pane::View;
use crate::tui::widgets::text::{Pen, bold, width};
use ratatui::style::{Modifier, Style};

/// The list with its cursor.
#[derive(Clone, Debug)]
pub struct Chooser {
    rows: Vec<(StudySpec, bool)>,
    cursor: usize,
}

impl Chooser {
    /// What is on, then what is offered beside it.
    pub fn new(on: &[StudySpec]) -> Self {
        let offered = StudySpec::OFFERED.into_iter().filter(|spec| !on.contains(spec));
        let rows = on
            .iter()
            .map(|spec| (*spec, true))
            .chain(offered.map(|spec| (spec, false)));
        Self {
            rows: rows.collect(),
            cursor: 0,
        }
    }
    /// Takes an action; false where it is not its business.
    pub fn act(&mut self, action: Action) -> bool {
        let last = self.rows.len().saturating_sub(1);
        let row = self.rows.get_mut(self.cursor);
        match (action, row) {
            (Action::Up, _) => self.cursor = self.cursor.saturating_sub(1),
            (Action::Down, _) => self.cursor = (self.cursor + 1).min(last),
            (Action::Top | Action::PageUp, _) => self.cursor = 0,
            (Action::Bottom | Action::PageDown, _) => self.cursor = last,
            (Action::Left | Action::ZoomOut, Some((spec, _))) => *spec = spec.longer(-1),
            (Action::Right | Action::ZoomIn, Some((spec, _))) => *spec = spec.longer(1),
            (Action::Enter, Some((_, on))) => *on = !*on,
            _ => return false,
        }
        true
    }
    /// What is on, each once.
    pub fn chosen(&self) -> Vec<StudySpec> {
        let mut chosen = Vec::new();
        for (spec, _) in self.rows.iter().filter(|(_, on)| *on) {
            if !chosen.contains(spec) {
                chosen.push(*spec);
            }
        }
        chosen
    }
    /// Draws the list at the upper left of the pane.
    pub fn draw(&self, pen: &mut Pen<'_>, view: &View<'_>) {
        let theme = view.theme;
        let help = "Enter on/off  h l period  Esc done";
        let wide = u16::try_from(width(help) + 2)
            .unwrap_or(u16::MAX)
            .min(pen.width());
        let rows = u16::try_from(self.rows.len()).unwrap_or(u16::MAX);
        let high = rows.saturating_add(2).min(pen.height());
        let mut pen = pen.part(0, 0, wide, high);
        pen.clear(theme.panel);
        let room = high.saturating_sub(2);
        pen.put_within(1, wide, 0, "STUDIES", bold(theme.bright));
        let cursor = u16::try_from(self.cursor).unwrap_or(u16::MAX);
        // The cursor's row is always among those that fit.
        let first = cursor.saturating_sub(room.saturating_sub(1));
        let shown = self.rows.iter().enumerate().skip(usize::from(first));
        for (y, (at, (spec, on))) in (1..=room).zip(shown) {
            let here = at == self.cursor;
            let mark = if *on { '●' } else { '○' };
            let style = if *on {
                Style::new().fg(theme.text)
            } else {
                Style::new().fg(theme.dim)
            };
            let style = if here {
                style.bg(theme.selection).add_modifier(Modifier::BOLD)
            } else {
                style
            };
            if here {
                pen.line(0, wide, y, ' ', style);
            }
            let pointer = if here { '▸' } else { ' ' };
            pen.put_within(0, wide, y, &format!("{pointer}{mark} {spec}"), style);
        }
        if high > 1 {
            pen.put_within(1, wide, high - 1, help, theme.faint);
        }
    }
}
