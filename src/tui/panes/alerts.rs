//! Alerts: what each waits for, how far that is, how it stands, when it last fired and how telling people went.

mod study;

use super::read;
use crate::engine::Command;
use crate::engine::alerts::{Alert, AlertId, measure};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::columns::{self, Cell, Column, Look, table};
use crate::tui::widgets::list::Cursor;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink, width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::cell::RefCell;
use study::Values;

/// In what order the columns stand.
const COLUMNS: [Column; 7] = [
    Column::number("#", 3, 0),
    Column::text("waits for", 30, 0),
    Column::number("now", 8, 2),
    Column::number("to go", 7, 1),
    Column::text("state", 7, 0),
    Column::text("fired", 8, 3),
    Column::text("told", 12, 4),
];

/// The list of alerts.
#[derive(Debug, Default)]
pub struct AlertsPane {
    cursor: Cursor<AlertId>,
    values: RefCell<Values>,
}

impl AlertsPane {
    /// All alerts, whatever the account on the desk.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Those that are evaluated first, each group by number, the newest first.
fn rows<'a>(view: &View<'a>) -> Vec<(AlertId, &'a Alert)> {
    let mut rows: Vec<(AlertId, &Alert)> = view
        .state
        .alerts
        .all
        .iter()
        .map(|(id, alert)| (*id, alert))
        .collect();
    rows.sort_by_key(|(id, alert)| (alert.ended.is_some(), std::cmp::Reverse(*id)));
    rows
}

fn cells_of(head: &str) -> u16 {
    u16::try_from(width(head)).unwrap_or(u16::MAX)
}

fn keys(rows: &[(AlertId, &Alert)]) -> Vec<AlertId> {
    rows.iter().map(|(id, _)| *id).collect()
}

/// What the first test sees now, and how far it is from its level.
fn now_and_distance(view: &View<'_>, alert: &Alert, values: &mut Values) -> (String, String) {
    let unknown = || number::UNKNOWN.to_owned();
    let mut priced = None;
    alert.spec.condition.each(&mut |test| {
        if priced.is_none() {
            priced = measure::distance(view.market, test).zip(test.instrument());
        }
    });
    if let Some(((now, distance), id)) = priced {
        let sign = if distance.raw() > 0 { "+" } else { "" };
        let distance = read::price(view, id, distance);
        return (read::price(view, id, now), format!("{sign}{distance}"));
    }
    let mut rough = None;
    alert.spec.condition.each(&mut |test| {
        if rough.is_none() {
            rough = values.distance(view.market, test);
        }
    });
    if let Some((now, distance)) = rough {
        return (format!("{now:.2}"), format!("{distance:+.2}"));
    }
    let seen = measure::glance(view.state, view.market, &alert.spec.condition, view.now);
    let value = seen.first().map(|seen| number::grouped(seen.value.as_str()));
    (view.ours(value.unwrap_or_else(unknown)), unknown())
}

fn cells(view: &View<'_>, id: AlertId, alert: &Alert, values: &mut Values) -> [Cell; 7] {
    let theme = view.theme;
    let quiet = ink(theme.dim);
    let word = alert.word();
    let tries = view.state.alerts.last_firing(id).map(|firing| &firing.deliveries);
    let told: Vec<String> = tries
        .into_iter()
        .flatten()
        .map(|delivery| delivery.word())
        .collect();
    let failed = told.iter().any(|word| word.ends_with("FAILED"));
    // Where there is no room for how telling went, that it failed is seen all the same.
    let state = match word {
        _ if failed => Cell::new(format!("{word} !"), bold(theme.warn)),
        "armed" => Cell::new(word, ink(theme.text)),
        "fired" => Cell::new(word, bold(theme.warn)),
        other => Cell::new(other, quiet),
    };
    let (now, distance) = if alert.ended.is_some() {
        (number::UNKNOWN.to_owned(), number::UNKNOWN.to_owned())
    } else {
        now_and_distance(view, alert, values)
    };
    let fired = match alert.fired_at {
        None => Cell::new(number::UNKNOWN, ink(theme.faint)),
        Some(at) if alert.fired > 1 => Cell::new(format!("{} x{}", read::when(view, at), alert.fired), quiet),
        Some(at) => Cell::new(read::when(view, at), quiet),
    };
    let stage = alert
        .spec
        .stage
        .as_ref()
        .map_or(String::new(), |order| format!(" · stages {order}"));
    [
        Cell::new(id.to_string(), quiet),
        Cell::new(format!("{}{stage}", alert.spec.condition), ink(theme.text)),
        Cell::new(now, ink(theme.text)),
        Cell::new(distance, quiet),
        state,
        fired,
        Cell::new(told.join(", "), ink(if failed { theme.warn } else { theme.dim })),
    ]
}

impl Pane for AlertsPane {
    fn name(&self) -> &'static str {
        "alerts"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let all = view.state.alerts.all.values();
        let active = all.clone().filter(|alert| alert.is_active()).count();
        let fired = all.filter(|alert| alert.fired > 0).count();
        let mut right = vec![format!("{active} active  {fired} fired")];
        right.extend(read::stale(view));
        ("ALERTS".to_owned(), right.join("  "))
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let rows = rows(view);
        if rows.is_empty() {
            let example = view.instrument.map_or("AAPL".to_owned(), |id| id.to_string());
            let how = format!("no alerts: type :alert {example} > 200, or press a on a price");
            pen.say(&read::nothing(view, &how), view.theme.dim);
            return Hits::default();
        }
        let cursor = self.cursor.position(&keys(&rows)).filter(|_| focused);
        let look = Look {
            head: view.theme.faint,
            selection: view.theme.selection,
        };
        let mut values = self.values.borrow_mut();
        let mut columns = COLUMNS;
        let head = read::fired_head(view);
        columns[5] = Column::text(head, cells_of(head).max(8), 3);
        let rows = table(&mut pen, columns, look, rows.len(), cursor, |at| {
            rows.get(at).map_or_else(Default::default, |(id, alert)| {
                cells(view, *id, alert, &mut values)
            })
        });
        Hits { rows }
    }

    /// Bars that a study waits for, where they are not here yet.
    fn wants(&self, view: &View<'_>) -> Option<Wish> {
        let active = view.state.alerts.all.values().filter(|alert| alert.is_active());
        let mut wanted = active.flat_map(|alert| study::bars_of(&alert.spec.condition));
        let missing = wanted.find(|(id, timeframe)| view.market.bars(*id, *timeframe).is_empty());
        missing.map(|(id, timeframe)| Wish::Bars(id, timeframe))
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        let rows = rows(view);
        let keys = keys(&rows);
        let held = self.cursor.held(&keys);
        match action {
            // Never handed on: the key that cancels an order elsewhere must not find one from here.
            Action::Cancel => Some(match held {
                Some(id) => vec![Wish::Send(Box::new(Command::RemoveAlert { id: Some(id) }))],
                None => vec![Wish::Say("there is no alert to remove".to_owned())],
            }),
            Action::Modify => Some(vec![Wish::Say(
                "an alert is changed by removing it (x) and making it anew (:alert)".to_owned(),
            )]),
            Action::Enter => {
                let alert = held.and_then(|id| view.state.alerts.all.get(&id));
                let instrument = alert.and_then(|alert| alert.spec.condition.instrument());
                Some(instrument.map(Wish::Select).into_iter().collect())
            }
            _ => self.cursor.act(action, &keys, None).then(Vec::new),
        }
    }

    fn copied(&self, view: &View<'_>) -> Option<String> {
        let rows = rows(view);
        let held = self.cursor.held(&keys(&rows))?;
        let (id, alert) = rows.iter().find(|(id, _)| *id == held)?;
        let mut values = self.values.borrow_mut();
        Some(columns::words(cells(view, *id, alert, &mut values)))
    }

    fn click(&mut self, index: usize, view: &View<'_>) -> Vec<Wish> {
        if let Some(id) = keys(&rows(view)).get(index) {
            self.cursor.hold(*id);
        }
        Vec::new()
    }
}

#[cfg(test)]
pub(in crate::tui) mod tests;
