//! The limits of the account, those that are nearest to their breach first: how much of each is used, as a number and as a bar,
//! what is left, what a breach does; above them what holds the account back now and the session that its loss is counted
//! in. The same figures that decide (`engine/risk/usage`), so that nobody sees another distance than an order meets.

use crate::domain::{AccountKey, Currency, LimitName, LimitValue, TradingState};
use crate::engine::risk::paused;
use crate::engine::risk::usage::{Amount, Look, Usage, look};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::panes::read;
use crate::tui::widgets::columns::{self, Cell, Column, table};
use crate::tui::widgets::list::Cursor;
use crate::tui::widgets::text::{Pen, bold, ink};
use crate::tui::widgets::{number, sparkline};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Cells of a bar.
const BAR: u16 = 10;
/// In what order the columns stand.
const COLUMNS: [Column; 7] = [
    Column::text("limit", 21, 0),
    Column::number("used %", 6, 0),
    Column::text("", BAR, 2),
    Column::number("used", 10, 3),
    Column::number("of", 10, 1),
    Column::number("left", 10, 4),
    Column::text("a breach", 13, 5),
];
/// From so many per cent on a limit is marked, and from so many it is loud.
const NEAR: u32 = 75;
const REACHED: u32 = 100;
/// With fewer rows nothing stands above the list but what is loud.
const WITH_HEAD: u16 = 6;

/// The limits.
#[derive(Debug, Default)]
pub struct LimitsPane {
    cursor: Cursor<LimitName>,
}

impl LimitsPane {
    /// Of the account on the desk.
    pub fn new() -> Self {
        Self::default()
    }
}

/// What is known, the account and its currency.
fn looked(view: &View<'_>) -> Option<(Look, AccountKey, Currency)> {
    let account = view.account?;
    let entry = view.state.accounts.get(&account)?;
    let look = look(view.state, view.market, account, view.venue_now);
    Some((look, account, entry.account.base))
}

/// What is measured first, the most used on top; then what each order is held against; then what is off.
fn rows(look: &Look) -> Vec<&Usage> {
    let mut rows: Vec<&Usage> = look.limits.iter().collect();
    rows.sort_by_key(|usage| {
        let group = match (usage.percent(), usage.is_off()) {
            (Some(_), false) => 0,
            (None, false) => 1,
            (_, true) => 2,
        };
        (group, std::cmp::Reverse(usage.percent().unwrap_or(0)))
    });
    rows
}

fn names(rows: &[&Usage]) -> Vec<LimitName> {
    rows.iter().map(|usage| usage.name).collect()
}

fn amount(amount: Option<Amount>) -> String {
    match amount {
        Some(Amount::Money(amount)) => number::money(amount.round_to(0), 0),
        Some(Amount::Count(count)) => count.to_string(),
        None => String::new(),
    }
}

/// What is set, as people read it.
fn set(value: &LimitValue) -> String {
    match value {
        LimitValue::Quantity(most) => number::quantity(*most),
        LimitValue::Money(most) => number::money(most.round_to(0), 0),
        other => other.to_string(),
    }
}

fn cells(view: &View<'_>, usage: &Usage) -> [Cell; 7] {
    let theme = view.theme;
    let used = usage.percent().filter(|_| !usage.is_off());
    let (sign, style) = match used {
        Some(percent) if percent >= REACHED => ("!", bold(theme.error)),
        Some(percent) if percent >= NEAR => ("!", bold(theme.warn)),
        Some(_) => ("", ink(theme.text)),
        None => ("", ink(theme.dim)),
    };
    let money = |text: String| Cell::new(view.ours(text), ink(theme.text));
    let value = match (used, usage.is_off()) {
        (_, true) => "off".to_owned(),
        (Some(_), _) => amount(usage.most),
        (None, _) => set(&usage.value),
    };
    let percent = used.map_or_else(String::new, |percent| {
        if percent == u32::MAX {
            "over".to_owned()
        } else {
            percent.to_string()
        }
    });
    let changed = if usage.change.is_some() { "*" } else { "" };
    [
        Cell::new(format!("{sign}{}{changed}", usage.name), style),
        Cell::new(percent, style),
        Cell::new(
            used.map_or_else(String::new, |percent| sparkline::bar(percent.into(), 100, BAR)),
            style,
        ),
        money(if used.is_some() {
            amount(usage.used)
        } else {
            String::new()
        }),
        money(value),
        money(
            used.and(usage.left())
                .map_or_else(String::new, |left| number::money(left.round_to(0), 0)),
        ),
        Cell::new(
            if usage.is_off() { "" } else { usage.does.word() },
            ink(theme.dim),
        ),
    ]
}

/// What stands above the list: what is loud first.
fn above(view: &View<'_>, look: &Look, account: AccountKey, base: Currency) -> Vec<(String, Style)> {
    let theme = view.theme;
    let mut lines = Vec::new();
    if let Some(file) = &view.state.halt_file {
        lines.push((format!("! HALTED by file: {}", file.reason), bold(theme.error)));
    }
    let entry = view.state.accounts.get(&account);
    if let Some(entry) = entry.filter(|entry| entry.trading != TradingState::Active) {
        let why = entry
            .trading_reason
            .as_ref()
            .map_or_else(String::new, |why| format!(": {why}"));
        let word = entry.trading.word().to_uppercase();
        lines.push((format!("! {word}{why}"), bold(theme.error)));
    }
    if let Some(pause) = paused(view.state, account, None) {
        let until = pause
            .until
            .map_or_else(String::new, |at| format!(" until {}", read::moment(view, at)));
        let lifts = if pause.may_be_ended {
            "; :resume lifts it"
        } else {
            ""
        };
        lines.push((format!("! HELD BACK{until}{lifts}"), bold(theme.error)));
    }
    if let Some(why) = &look.held_back {
        lines.push((format!("! {why}"), bold(theme.error)));
    }
    match &look.standing {
        Ok(standing) => {
            let decimals = base.minor_decimals();
            let text = format!(
                "session {} {base} until {}, loss: {}",
                number::profit(standing.result, decimals),
                read::when(view, standing.day.until),
                standing.day.stage.word()
            );
            lines.push((view.ours(text), ink(theme.dim)));
        }
        Err(why) => lines.push((format!("! {why}: nothing is opened"), ink(theme.warn))),
    }
    for ticks in &look.ticks {
        let text = format!(
            "{} {}: {} ticks against it take what is left",
            ticks.instrument,
            number::quantity_signed(ticks.contracts),
            ticks.ticks
        );
        lines.push((view.ours(text), ink(theme.dim)));
    }
    lines
}

impl Pane for LimitsPane {
    fn name(&self) -> &'static str {
        "limits"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let mut right = Vec::new();
        if let Some((look, ..)) = looked(view) {
            let over = |least: u32| {
                let rows = look.limits.iter().filter(|usage| !usage.is_off());
                rows.filter(|usage| usage.percent().is_some_and(|percent| percent >= least))
                    .count()
            };
            match (over(REACHED), over(NEAR)) {
                (0, 0) => right.push("none is near".to_owned()),
                (0, near) => right.push(format!("{near} near")),
                (reached, _) => right.push(format!("{reached} REACHED")),
            }
        }
        right.extend(read::stale(view));
        ("LIMITS".to_owned(), right.join("  "))
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let Some((look, account, base)) = looked(view) else {
            pen.say(&read::nothing(view, "no account yet"), view.theme.dim);
            return Hits::default();
        };
        let (wide, high) = (pen.width(), pen.height());
        let lines = above(view, &look, account, base);
        let loud = |(text, _): &&(String, Style)| text.starts_with('!');
        // Half of the pane at most; where it is low only what is loud.
        let shown: Vec<&(String, Style)> = if high >= WITH_HEAD {
            lines.iter().take(usize::from(high / 2)).collect()
        } else {
            lines.iter().filter(loud).take(usize::from(high > 1)).collect()
        };
        for (y, (text, style)) in (0u16..).zip(&shown) {
            pen.put_within(1, wide.saturating_sub(1), y, text, *style);
        }
        let top = u16::try_from(shown.len()).unwrap_or(0);
        let mut pen = pen.part(0, top, wide, high.saturating_sub(top));
        let rows = rows(&look);
        let cursor = self.cursor.position(&names(&rows)).filter(|_| focused);
        let look = columns::Look {
            head: view.theme.faint,
            selection: view.theme.selection,
        };
        let rows = table(&mut pen, COLUMNS, look, rows.len(), cursor, |at| {
            rows.get(at)
                .map_or_else(Default::default, |usage| cells(view, usage))
        });
        Hits { rows }
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        let (look, ..) = looked(view)?;
        let rows = rows(&look);
        let names = names(&rows);
        if action == Action::Enter {
            let held = self.cursor.position(&names).and_then(|at| rows.get(at));
            let words = held.map(|usage| {
                let by = usage
                    .change
                    .as_ref()
                    .map_or_else(String::new, |change| format!(", set by {}", change.by));
                format!(
                    "{} is {}{by}: {}; :limit {} VALUE sets it",
                    usage.name,
                    usage.value,
                    usage.name.what(),
                    usage.name
                )
            });
            return Some(words.map(Wish::Say).into_iter().collect());
        }
        self.cursor.act(action, &names, None).then(Vec::new)
    }

    fn click(&mut self, index: usize, view: &View<'_>) -> Vec<Wish> {
        if let Some((look, ..)) = looked(view)
            && let Some(usage) = rows(&look).get(index)
        {
            self.cursor.hold(usage.name);
        }
        Vec::new()
    }
}
