//! What a bad day has cost by the history of what is held and by a normal distribution, what a move would do, and what
//! margin binds now and ahead. A move that takes what is left until the session locks says so. All of it counted from what
//! is said beside it: days and their span, the benchmark, whose word margin is.

use super::{Kept, counted, percent, whole};
use crate::domain::Money;
use crate::engine::figures::margin::{Bound, Source};
use crate::engine::figures::{Figures, ValueAtRisk};
use crate::engine::risk::LossStage;
use crate::engine::risk::day::standing;
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::panes::read;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Where the columns of numbers end.
const ENDS: [u16; 4] = [24, 36, 48, 60];

/// The pane.
#[derive(Debug, Default)]
pub struct AtRisk {
    kept: Kept,
}

impl AtRisk {
    /// Of the account on the desk.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Writes rows from the top.
struct Page<'a, 'b> {
    pen: &'a mut Pen<'b>,
    view: &'a View<'a>,
    y: u16,
}

impl Page<'_, '_> {
    fn head(&mut self, text: &str, heads: &[&str]) {
        let faint = ink(self.view.theme.faint);
        let cells: Vec<(String, Style)> = heads.iter().map(|head| ((*head).to_owned(), faint)).collect();
        self.row(text, faint, &cells);
    }
    /// A label and numbers; those that have no room are left out, the last first.
    fn row(&mut self, label: &str, style: Style, cells: &[(String, Style)]) {
        let wide = self.pen.width();
        if self.y >= self.pen.height() {
            return;
        }
        let room = |end: u16| end < wide;
        let end = if cells.is_empty() || !room(ENDS[0]) {
            wide.saturating_sub(1)
        } else {
            ENDS[0] - 11
        };
        // In a narrow pane the first number stands at its right edge.
        if !room(ENDS[0]) && !cells.is_empty() {
            let (text, style) = &cells[0];
            self.pen
                .right_within(wide / 2, wide.saturating_sub(1), self.y, text, *style);
            self.pen
                .put_within(1, (wide / 2).max(1), self.y, label, self.view.theme.dim);
            self.y += 1;
            return;
        }
        self.pen.put_within(1, end, self.y, label, style);
        for ((text, style), end) in cells.iter().zip(ENDS).filter(|(_, end)| room(*end)) {
            self.pen.right_within(end - 11, end, self.y, text, *style);
        }
        self.y += 1;
    }
    fn words(&mut self, text: &str, style: impl Into<Style>) {
        if self.y < self.pen.height() {
            self.pen
                .put_within(1, self.pen.width().saturating_sub(1), self.y, text, style);
            self.y += 1;
        }
    }
    fn gap(&mut self, wanted: u16) {
        // A blank row only where everything after it has room all the same.
        self.y += u16::from(self.y > 0 && self.pen.height() > self.y + wanted);
    }
    fn loss(&self, amount: Option<f64>) -> (String, Style) {
        amount.map_or_else(
            || (number::UNKNOWN.to_owned(), ink(self.view.theme.faint)),
            |amount| (self.view.ours(counted(amount)), ink(self.view.theme.text)),
        )
    }
}

fn at_risk(page: &mut Page<'_, '_>, all: &Figures) {
    let theme = page.view.theme;
    let base = all.exposure.base;
    let found: &ValueAtRisk = match &all.at_risk {
        Ok(found) => found,
        Err(why) => {
            page.head("A BAD DAY", &[]);
            return page.words(&format!("{} {why}", number::UNKNOWN), theme.dim);
        }
    };
    page.head("A BAD DAY", &["at risk", "beyond", "by normal", "beyond"]);
    for level in &found.levels {
        let label = format!("1 in {:.0}", 1.0 / (1.0 - level.confidence));
        let (past, normal) = (level.historical, level.parametric);
        if past.is_none() {
            let text = format!(
                "{label}: {} days are wanted, {} are here",
                level.wants, found.days
            );
            page.words(&text, theme.dim);
            continue;
        }
        let cells = [
            page.loss(past.map(|tail| tail.at_risk)),
            page.loss(past.map(|tail| tail.beyond)),
            page.loss(normal.map(|tail| tail.at_risk)),
            page.loss(normal.map(|tail| tail.beyond)),
        ];
        page.row(&label, ink(theme.text), &cells);
    }
    if let Some(usual) = found.daily_move {
        let text = page.view.ours(counted(usual));
        page.row("usual move", ink(theme.dim), &[(text, ink(theme.text))]);
    }
    if let Some((worst, day)) = &found.worst {
        let (text, _) = page.loss(Some(*worst));
        page.row(
            "worst day",
            ink(theme.dim),
            &[(text, ink(theme.text)), (day.clone(), ink(theme.dim))],
        );
    }
    let (from, until) = &found.span;
    page.words(
        &format!("{base}, {} days from {from} to {until}", found.days),
        theme.faint,
    );
}

fn stress(page: &mut Page<'_, '_>, all: &Figures) {
    let theme = page.view.theme;
    let stress = &all.stress;
    let benchmark = stress
        .benchmark
        .map_or_else(|| "market".to_owned(), |id| id.to_string());
    page.head("IF IT MOVES", &["all alike", &format!("with {benchmark}")]);
    let left = left_until_lock(page.view, all);
    let result = |result: f64| {
        let locks = left.is_some_and(|left| result <= -left);
        let sign = match result {
            result if result.abs() < 0.5 => "",
            result if result < 0.0 => "▼ ",
            _ => "▲ ",
        };
        let text = page.view.ours(counted(result.abs()));
        let style = match (locks, result < 0.0) {
            (true, _) => bold(theme.error),
            (_, true) => ink(theme.down),
            _ => ink(theme.up),
        };
        // What locks the session says so without a colour too.
        (format!("{}{sign}{text}", if locks { "!" } else { "" }), style)
    };
    let unknown = || (number::UNKNOWN.to_owned(), ink(theme.faint));
    let rows: Vec<(String, [(String, Style); 2])> = crate::engine::figures::stress::MOVES
        .iter()
        .enumerate()
        .map(|(at, percent)| {
            let all = stress.all.as_ref().ok().and_then(|rows| rows.get(at));
            let market = stress.market.as_ref().ok().and_then(|rows| rows.get(at));
            let cells = [
                all.map_or_else(unknown, |(_, amount)| result(amount.to_f64())),
                market.map_or_else(unknown, |(_, amount)| result(*amount)),
            ];
            (format!("{percent:+} %"), cells)
        })
        .collect();
    for (label, cells) in &rows {
        page.row(label, ink(theme.text), cells);
    }
    for why in [stress.all.as_ref().err(), stress.market.as_ref().err()]
        .into_iter()
        .flatten()
    {
        page.words(&format!("{} {why}", number::UNKNOWN), theme.dim);
    }
    if let Some(beta) = stress.beta {
        page.words(
            &format!("the account moves {beta:.2} of what {benchmark} does"),
            theme.faint,
        );
    }
    if rows
        .iter()
        .any(|(_, cells)| cells.iter().any(|(text, _)| text.starts_with('!')))
    {
        page.words("! takes all that is left until the session locks", theme.error);
    }
}

/// What may still be lost until the session locks.
fn left_until_lock(view: &View<'_>, all: &Figures) -> Option<f64> {
    let account = all.exposure.account;
    let standing = standing(view.state, view.market, account, view.venue_now).ok()?;
    let limits = view.state.limits_of(account);
    let most = standing.day.threshold(&limits, LossStage::Reached)?;
    // Where nothing is left it is locked already: the limits say so.
    let left = most.saturating_sub(standing.loss());
    (left > Money::ZERO).then(|| left.to_f64())
}

fn margin(page: &mut Page<'_, '_>, all: &Figures) {
    let theme = page.view.theme;
    let margin = &all.margin;
    let whose = match margin.source {
        Source::Broker => format!("MARGIN {}", all.exposure.account.broker),
        Source::Terms => "MARGIN ~".to_owned(),
        Source::Nobody => "MARGIN".to_owned(),
    };
    page.head(&whose, &["now", margin.ahead_word(), "of worth"]);
    let mut row = |label: &str, of: fn(&Bound) -> Option<Money>, shared: bool| {
        let (now, ahead) = (of(&margin.now), of(&margin.ahead));
        if now.is_none() && ahead.is_none() && margin.source != Source::Broker {
            return;
        }
        let share = all.exposure.share_bps(now).filter(|_| shared);
        let share = share.map_or_else(String::new, |share| percent(Some(share)) + " %");
        let amount = |amount: Option<Money>| {
            let low = amount.is_some_and(|amount| amount < Money::ZERO);
            let style = match amount {
                None => ink(theme.faint),
                Some(_) if low => bold(theme.error),
                Some(_) => ink(theme.text),
            };
            (page.view.ours(whole(amount)), style)
        };
        let cells = [amount(now), amount(ahead), (share, ink(theme.dim))];
        page.row(label, ink(theme.dim), &cells);
    };
    row("initial", |bound| bound.initial, true);
    row("maintenance", |bound| bound.maintenance, true);
    row("available", |bound| bound.available, false);
    row("excess", |bound| bound.excess, false);
    if let Some(hour) = margin.hour {
        page.words(
            &format!("changes at {hour}:00 of the broker's clock"),
            theme.faint,
        );
    }
    if let Some(why) = &margin.unknown {
        page.words(&format!("{} {why}", number::UNKNOWN), theme.dim);
    }
    if margin.source == Source::Terms {
        page.words("~ by the broker's public terms", theme.faint);
    }
}

impl Pane for AtRisk {
    fn name(&self) -> &'static str {
        "atrisk"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let right = self.kept.look(view, |all| {
            let found = all.ok()?.at_risk.as_ref().ok()?;
            let level = found
                .levels
                .iter()
                .rev()
                .find_map(|level| Some((level, level.historical?)))?;
            let amount = view.ours(counted(level.1.at_risk));
            Some(format!(
                "1 day in {:.0} loses {amount} or more",
                1.0 / (1.0 - level.0.confidence)
            ))
        });
        let mut right = right.flatten().unwrap_or_default();
        if let Some(old) = read::stale(view) {
            right.push_str(&format!("  {old}"));
        }
        ("AT RISK".to_owned(), right)
    }

    fn render(&self, view: &View<'_>, area: Rect, _focused: bool, buf: &mut Buffer) -> Hits {
        let drawn = self.kept.look(view, |all| {
            let all = all.map_err(str::to_owned)?;
            let mut pen = Pen::new(buf, area);
            let mut page = Page {
                pen: &mut pen,
                view,
                y: 0,
            };
            at_risk(&mut page, all);
            page.gap(9);
            stress(&mut page, all);
            page.gap(7);
            margin(&mut page, all);
            Ok::<(), String>(())
        });
        let words = drawn.unwrap_or_else(|| Err("no account yet".to_owned())).err();
        if let Some(words) = words {
            Pen::new(buf, area).say(&read::nothing(view, &words), view.theme.dim);
        }
        Hits::default()
    }

    fn act(&mut self, _action: Action, _view: &View<'_>) -> Option<Vec<Wish>> {
        None
    }

    fn wants(&self, view: &View<'_>) -> Option<Wish> {
        self.kept.wants(view)
    }
}
