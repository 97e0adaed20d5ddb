//! What of what is held moves together, as a map: each pair's correlation of daily returns, its strength as a shade and as a
//! number, and below it the pairs that are one bet under two names. `=` turns from Pearson's to Spearman's.

use super::{Kept, percent};
use crate::engine::figures::Figures;
use crate::engine::figures::correlation::{Correlation, DAYS, Pair};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::panes::read;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Cells of a label, and of one pair.
const LABEL: u16 = 9;
const CELL: u16 = 7;
/// How strong a correlation is, as a shade: from 0, 0.2, 0.4, 0.6 and 0.8 on.
const SHADES: [char; 5] = ['·', '░', '▒', '▓', '█'];
/// From which on a cell has a ground.
const WARM: f64 = 0.4;

/// The map.
#[derive(Debug, Default)]
pub struct CorrelationPane {
    kept: Kept,
    /// Of the ranks.
    by_ranks: bool,
}

impl CorrelationPane {
    /// Of the account on the desk.
    pub fn new() -> Self {
        Self::default()
    }

    fn value(&self, pair: &Pair) -> Option<f64> {
        if self.by_ranks {
            pair.spearman
        } else {
            pair.pearson
        }
    }

    /// The map: as many rows and columns as there is room for. Answers how many are left out.
    fn map(&self, pen: &mut Pen<'_>, view: &View<'_>, found: &Correlation) -> usize {
        let columns = usize::from(pen.width().saturating_sub(LABEL + 1) / CELL);
        let rows = usize::from(pen.height().saturating_sub(1));
        let shown = found.instruments.len().min(columns);
        let named = |id: &crate::domain::InstrumentId| {
            if view.instrument == Some(*id) {
                bold(view.theme.bright)
            } else {
                ink(view.theme.dim)
            }
        };
        for (x, id) in (0u16..).zip(found.instruments.iter().take(shown)) {
            let from = LABEL + 1 + x * CELL;
            pen.right_within(from, from + CELL - 1, 0, id.as_str(), named(id));
        }
        for (y, (id, row)) in (1u16..)
            .zip(found.instruments.iter().zip(&found.pairs))
            .take(rows)
        {
            pen.put_within(1, LABEL, y, id.as_str(), named(id));
            for (x, pair) in (0u16..).zip(row.iter().take(shown)) {
                let from = LABEL + 1 + x * CELL;
                self.cell(&mut pen.part(from, y, CELL - 1, 1), view, pair, x + 1 == y);
            }
        }
        found.instruments.len().saturating_sub(shown.min(rows.max(1)))
    }

    fn cell(&self, pen: &mut Pen<'_>, view: &View<'_>, pair: &Pair, itself: bool) {
        let theme = view.theme;
        if itself {
            pen.right(CELL - 1, 0, "1", theme.faint);
            return;
        }
        let Some(value) = self.value(pair) else {
            pen.right(CELL - 1, 0, number::UNKNOWN, theme.faint);
            return;
        };
        let (colour, ground) = if value < 0.0 {
            (theme.down, theme.down_back)
        } else {
            (theme.up, theme.up_back)
        };
        if value.abs() >= WARM {
            pen.ground(0, 0, CELL - 1, 1, ground);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 5")]
        let shade = (value.abs() * 5.0) as usize;
        let shade = SHADES.get(shade.min(SHADES.len() - 1)).copied().unwrap_or(' ');
        pen.glyph(0, 0, shade, ink(colour));
        let style = if value.abs() >= 0.8 {
            bold(colour)
        } else {
            ink(theme.text)
        };
        pen.right(CELL - 1, 0, &format!("{value:.2}"), style);
    }
}

/// The pairs that are one bet, as many as there is room for.
fn one_name(pen: &mut Pen<'_>, view: &View<'_>, all: &Figures) {
    let end = pen.width().saturating_sub(1);
    for (y, one) in (0..pen.height()).zip(&all.correlation.one_name) {
        let share = percent(all.exposure.share_bps(one.together));
        let text = format!(
            "! {} and {} are one bet: {:.2}, together {} % of the account",
            one.first,
            one.second,
            one.pearson,
            view.ours(share)
        );
        pen.put_within(1, end, y, &text, view.theme.warn);
    }
}

/// Why there is no figure of any pair.
fn no_days(found: &Correlation) -> Option<String> {
    let mut pairs = found
        .pairs
        .iter()
        .enumerate()
        .flat_map(|(y, row)| row.iter().skip(y + 1));
    let most = pairs.clone().map(|pair| pair.days).max()?;
    let none = pairs.all(|pair| pair.pearson.is_none());
    none.then(|| {
        format!(
            "{most} days are here on which a pair traded, {} are wanted",
            crate::engine::figures::correlation::LEAST
        )
    })
}

impl Pane for CorrelationPane {
    fn name(&self) -> &'static str {
        "correlation"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let which = if self.by_ranks { "of ranks" } else { "of returns" };
        let mut right = format!("{DAYS} days  ░ .2 ▒ .4 ▓ .6 █ .8");
        if let Some(old) = read::stale(view) {
            right.push_str(&format!("  {old}"));
        }
        (format!("CORRELATION {which}"), right)
    }

    fn render(&self, view: &View<'_>, area: Rect, _focused: bool, buf: &mut Buffer) -> Hits {
        let drawn = self.kept.look(view, |all| {
            let mut pen = Pen::new(buf, area);
            let all = match all {
                Ok(all) if all.correlation.instruments.len() > 1 => all,
                Ok(_) => return Some("two positions or more are compared here".to_owned()),
                Err(why) => return Some(why.to_owned()),
            };
            if let Some(why) = no_days(&all.correlation) {
                return Some(why);
            }
            let (wide, high) = (pen.width(), pen.height());
            let wanted = u16::try_from(all.correlation.instruments.len()).unwrap_or(u16::MAX);
            let below = u16::try_from(all.correlation.one_name.len()).unwrap_or(u16::MAX);
            // A line for the most telling pair goes before the last row of the map.
            let below = below.min(
                high.saturating_sub(wanted.saturating_add(1))
                    .max(u16::from(high > 4)),
            );
            let left_out = self.map(&mut pen.part(0, 0, wide, high - below), view, &all.correlation);
            if left_out + all.correlation.left_out > 0 && wide > 40 {
                let text = format!("+{} more", left_out + all.correlation.left_out);
                pen.put_within(1, LABEL, 0, &text, view.theme.faint);
            }
            one_name(&mut pen.part(0, high - below, wide, below), view, all);
            None
        });
        let words = drawn.unwrap_or_else(|| Some("no account yet".to_owned()));
        if let Some(words) = words {
            Pen::new(buf, area).say(&read::nothing(view, &words), view.theme.dim);
        }
        Hits::default()
    }

    fn act(&mut self, action: Action, _view: &View<'_>) -> Option<Vec<Wish>> {
        if action != Action::Sort {
            return None;
        }
        self.by_ranks = !self.by_ranks;
        Some(Vec::new())
    }

    fn wants(&self, view: &View<'_>) -> Option<Wish> {
        self.kept.wants(view)
    }
}
