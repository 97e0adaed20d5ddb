//! Time and sales: the prints of the instrument on the desk, newest first, with who came to whom, large ones marked, small
//! ones left out where a person wants that, and gaps named. Scrolled, it stands still on a copy until it is let go.

use super::read;
use crate::domain::{InstrumentId, Price, Quantity, Side};
use crate::market::{Print, Quote};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink, width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::cmp::Ordering;

/// Rows that a page goes.
const PAGE: usize = 10;
/// Cells of a row at most.
const WIDEST: u16 = 60;
/// Without a size of its own a print is large from so many times the usual one on.
const LARGE: i128 = 5;

/// Who came to whom, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// The feed says so.
    Told(Side),
    /// By the quote or the price before it.
    Guessed(Side),
    Unknown,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Print(Print, Came),
    /// So many prints never came.
    Missing(u64),
    /// The feed counts anew from here.
    Restart,
}

/// A copy of the prints, to be read in peace.
#[derive(Clone, Debug)]
struct Paused {
    id: InstrumentId,
    prints: Vec<Print>,
    /// Rows scrolled down.
    down: usize,
}

/// The prints of the instrument on the desk.
#[derive(Debug, Default)]
pub struct TapePane {
    /// Smaller prints are left out.
    least: Option<Quantity>,
    /// From what size on a print is large; from the usual sizes where nobody said.
    large: Option<Quantity>,
    paused: Option<Paused>,
}

impl TapePane {
    /// Every print, as it comes.
    pub fn new() -> Self {
        Self::default()
    }
    /// With a size from which on prints are large.
    pub fn with(large: Option<Quantity>) -> Self {
        Self {
            large,
            ..Self::default()
        }
    }
    fn paused(&self, view: &View<'_>) -> Option<&Paused> {
        self.paused
            .as_ref()
            .filter(|paused| view.instrument == Some(paused.id))
    }
    /// The prints to show, the newest last.
    fn prints(&self, view: &View<'_>) -> Vec<Print> {
        match (self.paused(view), view.instrument) {
            (Some(paused), _) => paused.prints.clone(),
            (None, Some(id)) => view.market.tape(id).copied().collect(),
            (None, None) => Vec::new(),
        }
    }
    /// How many prints have come since it stands still; nothing where it does not.
    fn waiting(&self, view: &View<'_>) -> Option<u64> {
        let paused = self.paused(view)?;
        let newest = paused.prints.last().map_or(0, |print| print.number);
        let now = view.market.last(paused.id).map_or(0, |print| print.number);
        Some(now.saturating_sub(newest))
    }
    /// Scrolls by so many rows; the first step takes the copy, above the first row it is let go.
    fn scroll(&mut self, down: bool, rows: usize, view: &View<'_>) -> bool {
        let Some(id) = view.instrument else {
            return false;
        };
        if self.paused(view).is_none() {
            if !down {
                return true;
            }
            let prints = self.prints(view);
            self.paused = Some(Paused { id, prints, down: 0 });
        }
        let most = rows_of(&self.prints(view), self.least, None)
            .len()
            .saturating_sub(1);
        if let Some(paused) = &mut self.paused {
            if down {
                paused.down = paused.down.saturating_add(rows).min(most);
            } else if paused.down == 0 {
                self.paused = None;
            } else {
                paused.down = paused.down.saturating_sub(rows);
            }
        }
        true
    }
    /// The smallest size shown, one step up or down: 1, 2, 5, 10 lots and so on, and none.
    fn step_least(&mut self, up: bool, view: &View<'_>) {
        let lot = view
            .instrument
            .and_then(|id| view.state.instruments.get(&id))
            .map_or(Quantity::ONE, |instrument| instrument.lot)
            .raw()
            .max(1);
        let steps = (0..9u32).flat_map(|power| [1, 2, 5].map(|times: i64| times * 10i64.pow(power)));
        let sizes: Vec<i64> = steps.map(|step| lot.saturating_mul(step)).collect();
        let now = self.least.map_or(0, Quantity::raw);
        let next = if up {
            sizes.iter().find(|size| **size > now).copied().or(Some(now))
        } else {
            sizes.iter().rev().find(|size| **size < now).copied()
        };
        self.least = next.map(Quantity::from_raw);
    }
    fn set(&mut self, rest: &str) -> Result<String, String> {
        let words: Vec<&str> = rest.split_whitespace().collect();
        let size = |word: &str| {
            let size: Option<Quantity> = word.replace(',', "").parse().ok();
            size.filter(|size| !size.is_negative())
                .ok_or_else(|| format!("'{word}' is no size; write 500 or 0.25"))
        };
        match words[..] {
            [] => {
                (self.least, self.large) = (None, None);
                Ok("every print; large is what is large beside the others".to_owned())
            }
            ["min", word] | [word] => {
                self.least = Some(size(word)?).filter(|size| size.is_positive());
                Ok(format!("prints from {word} on"))
            }
            ["large", word] => {
                self.large = Some(size(word)?).filter(|size| size.is_positive());
                Ok(format!("prints from {word} on are marked"))
            }
            _ => Err("tape SIZE leaves smaller prints out, tape large SIZE marks from there on, tape alone shows all".to_owned()),
        }
    }
}

/// Who came to whom in a print that follows `before`: as told; else by the quote, where it is not newer than the print;
/// else by the last price that differed.
fn came(print: &Print, before: Option<(Price, Came)>, quote: Option<&Quote>) -> Came {
    if let Some(side) = print.aggressor {
        return Came::Told(side);
    }
    let quote = quote.filter(|quote| quote.at <= print.at);
    if quote
        .and_then(|quote| quote.ask)
        .is_some_and(|ask| print.price >= ask.0)
    {
        return Came::Guessed(Side::Buy);
    }
    if quote
        .and_then(|quote| quote.bid)
        .is_some_and(|bid| print.price <= bid.0)
    {
        return Came::Guessed(Side::Sell);
    }
    match before.map(|(price, came)| (print.price.cmp(&price), came)) {
        Some((Ordering::Greater, _)) => Came::Guessed(Side::Buy),
        Some((Ordering::Less, _)) => Came::Guessed(Side::Sell),
        Some((Ordering::Equal, Came::Told(side) | Came::Guessed(side))) => Came::Guessed(side),
        _ => Came::Unknown,
    }
}

/// The rows of these prints, the newest first.
fn rows_of(prints: &[Print], least: Option<Quantity>, quote: Option<&Quote>) -> Vec<Row> {
    let (mut rows, mut before) = (Vec::with_capacity(prints.len()), None);
    let mut number = None;
    for (at, print) in prints.iter().enumerate() {
        match number.map(|number: u64| print.number.checked_sub(number)) {
            Some(Some(step)) if step > 1 => rows.push(Row::Missing(step - 1)),
            Some(None) => rows.push(Row::Restart),
            _ => {}
        }
        number = Some(print.number);
        let newest = at + 1 == prints.len();
        let came = came(print, before, quote.filter(|_| newest));
        before = Some((print.price, came));
        if least.is_none_or(|least| print.size >= least) {
            rows.push(Row::Print(*print, came));
        }
    }
    rows.reverse();
    rows
}

/// From what size on a print is large.
fn large(prints: &[Print], told: Option<Quantity>) -> i128 {
    let sum = prints
        .iter()
        .fold(0i128, |sum, print| sum + i128::from(print.size.raw()));
    let usual = sum / i128::try_from(prints.len().max(1)).unwrap_or(1);
    told.map_or_else(
        || usual.saturating_mul(LARGE).max(1),
        |told| i128::from(told.raw()),
    )
}

/// How the columns share a row, the same for all rows in sight: price and size always have their cells, the rest has what
/// is left.
struct Columns {
    /// The moment's pattern; nothing where there is no room for it.
    time: Option<&'static str>,
    /// Cells of the word for the side, with the gap before it.
    words: u16,
    /// Cells of the size.
    size: u16,
}

impl Columns {
    fn of(view: &View<'_>, id: InstrumentId, rows: &[Row], wide: u16) -> Self {
        let (mut price, mut size) = (0, 0);
        for row in rows {
            if let Row::Print(print, _) = row {
                price = price.max(width(&read::price(view, id, print.price)));
                size = size.max(width(&number::quantity(print.size)));
            }
        }
        let wide = usize::from(wide);
        // A cell free at each end, and one between columns.
        let used = |time: usize, words: usize, size: usize| {
            2 + time + usize::from(time > 0) + price + 1 + size + words
        };
        let (clock, full) = (Some("%H:%M:%S"), Some("%H:%M:%S%.3f"));
        let tries = [
            (full, 12, 6u16, 9),
            (clock, 8, 6, 9),
            (clock, 8, 6, size),
            (clock, 8, 0, size),
            (None, 0, 6, size),
        ];
        let found = tries.into_iter().find(|(time, cells, words, size)| {
            (*time != full || wide >= 44) && used(*cells, usize::from(*words), *size) <= wide
        });
        let (time, cells, words, size) = found.unwrap_or((None, 0, 0, size));
        let left = wide.saturating_sub(used(cells, usize::from(words), size));
        let size = size + (left / 2).min(9usize.saturating_sub(size));
        Self {
            time,
            words,
            size: u16::try_from(size).unwrap_or(9),
        }
    }
}

fn draw_row(
    pen: &mut Pen<'_>,
    view: &View<'_>,
    id: InstrumentId,
    y: u16,
    (row, columns): (Row, &Columns),
    large: i128,
) {
    let (theme, wide) = (view.theme, pen.width());
    let (print, came) = match row {
        Row::Print(print, came) => (print, came),
        gap => {
            let text = match gap {
                Row::Missing(1) => "··· 1 print is missing".to_owned(),
                Row::Missing(count) => format!("··· {count} prints are missing"),
                _ => "··· the feed counts anew from here".to_owned(),
            };
            pen.put_within(1, wide, y, &text, theme.warn);
            return;
        }
    };
    let (side, word) = match came {
        Came::Told(Side::Buy) => (theme.up, "BUY"),
        Came::Told(Side::Sell) => (theme.down, "SELL"),
        Came::Guessed(Side::Buy) => (theme.up, "buy?"),
        Came::Guessed(Side::Sell) => (theme.down, "sell?"),
        Came::Unknown => (theme.text, ""),
    };
    let is_large = i128::from(print.size.raw()) >= large;
    let style = |color| if is_large { bold(color) } else { ink(color) };
    // From the right: side, size; the price has what is left.
    let after = columns.time.map_or(0, |pattern| {
        pen.put(1, y, &read::local(view, Some(id), print.at, pattern), theme.faint)
    });
    let end = wide.saturating_sub(1 + columns.words);
    if columns.words > 0 {
        pen.put_within(end + 1, wide, y, word, side);
    }
    let size_from = end.saturating_sub(columns.size).max(after + 1);
    pen.right_within(
        size_from,
        end,
        y,
        &number::quantity(print.size),
        style(theme.text),
    );
    pen.right_within(
        after + 1,
        size_from.saturating_sub(1),
        y,
        &read::price(view, id, print.price),
        style(side),
    );
    if is_large {
        pen.glyph(0, y, '◆', bold(side));
    }
}

impl Pane for TapePane {
    fn name(&self) -> &'static str {
        "tape"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let left = view
            .instrument
            .map_or_else(|| "TAPE".to_owned(), |id| format!("TAPE {id}"));
        let mut parts = Vec::new();
        if let Some(large) = self.large {
            parts.push(format!("◆ ≥ {}", number::quantity(large)));
        }
        if let Some(least) = self.least {
            parts.push(format!("≥ {}", number::quantity(least)));
        }
        let old = view.instrument.and_then(|id| read::how_old(view, id));
        parts.extend(old);
        if let Some(waiting) = self.waiting(view) {
            parts.push(format!("PAUSED +{waiting}, . goes on"));
        }
        (left, parts.join("  "))
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        // A price far from its time is read on the wrong row.
        let area = Rect {
            width: area.width.min(WIDEST),
            ..area
        };
        let mut pen = Pen::new(buf, area);
        let prints = self.prints(view);
        let (Some(id), false) = (view.instrument, prints.is_empty()) else {
            let waiting = match view.instrument {
                Some(id) => format!("no print of {id} yet"),
                None => "no instrument on the desk".to_owned(),
            };
            pen.say(&read::nothing(view, &waiting), view.theme.dim);
            return Hits::default();
        };
        let quote = view.market.quote(id).filter(|_| self.paused(view).is_none());
        let rows = rows_of(&prints, self.least, quote);
        if rows.is_empty() {
            let least = self.least.map_or_else(String::new, number::quantity);
            pen.say(
                &format!("no print of {least} or more: - shows smaller ones"),
                view.theme.dim,
            );
            return Hits::default();
        }
        let large = large(&prints, self.large);
        let down = self.paused(view).map_or(0, |paused| paused.down);
        if focused && down > 0 && pen.height() > 0 {
            pen.ground(0, 0, pen.width(), 1, view.theme.selection);
        }
        let rows: Vec<Row> = rows.into_iter().skip(down).take(pen.height().into()).collect();
        let columns = Columns::of(view, id, &rows, pen.width());
        for (y, row) in (0..pen.height()).zip(rows) {
            draw_row(&mut pen, view, id, y, (row, &columns), large);
        }
        Hits::default()
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        let known = match action {
            Action::Down => self.scroll(true, 1, view),
            Action::Up => self.scroll(false, 1, view),
            Action::PageDown => self.scroll(true, PAGE, view),
            Action::PageUp => self.scroll(false, PAGE, view),
            Action::Bottom => self.scroll(true, usize::MAX, view),
            Action::Top | Action::ScrollLive | Action::Escape if self.paused.is_some() => {
                self.paused = None;
                true
            }
            Action::ZoomIn | Action::ZoomOut => {
                self.step_least(action == Action::ZoomIn, view);
                if let Some(paused) = &mut self.paused {
                    paused.down = 0;
                }
                true
            }
            _ => false,
        };
        known.then(Vec::new)
    }

    fn word(&mut self, word: &str, rest: &str, _view: &View<'_>) -> Option<Result<Vec<Wish>, String>> {
        (word == "tape").then(|| self.set(rest).map(|text| vec![Wish::Say(text)]))
    }

    fn remember(&self) -> toml::Table {
        let size = |size: Option<Quantity>| size.map(|size| toml::Value::String(size.to_string()));
        let all = [("least", size(self.least)), ("large", size(self.large))];
        all.into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect()
    }

    fn recall(&mut self, table: &toml::Table) {
        let size = |key: &str| -> Option<Quantity> {
            let size: Quantity = table.get(key)?.as_str()?.parse().ok()?;
            size.is_positive().then_some(size)
        };
        self.least = size("least");
        self.large = size("large").or(self.large);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::panes::fixture::{Desk, id, price, units};
    use crate::tui::widgets::screen_of;

    fn screen(pane: &TapePane, desk: &Desk, width: u16, height: u16) -> Vec<String> {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        pane.render(&desk.view(), buf.area, true, &mut buf);
        screen_of(&buf)
    }
    /// A print after the last one, `step` numbers on.
    fn print(desk: &mut Desk, step: u64, at: &str, size: i64, side: Option<Side>) {
        let last = *desk.market.last(id("AAPL")).unwrap();
        let print = Print {
            number: last.number + step,
            at: last.at.after(std::time::Duration::from_millis(1_500)),
            price: price(at),
            size: units(size),
            aggressor: side,
            ..last
        };
        desk.market.on_print(print, &mut Vec::new());
    }

    #[test]
    fn prints_say_who_came_and_gaps_say_how_many_are_missing() {
        let mut desk = Desk::rich();
        print(&mut desk, 1, "190.45", 10, Some(Side::Sell));
        print(&mut desk, 1, "190.46", 20, None);
        print(&mut desk, 1, "190.46", 4_000, None);
        print(&mut desk, 13, "190.45", 30, None);
        assert_eq!(
            screen(&TapePane::new(), &desk, 46, 5),
            [
                " 09:58:05.001          190.45        30 sell?",
                " ··· 12 prints are missing",
                "◆09:58:03.501          190.46     4,000 buy?",
                " 09:58:02.001          190.46        20 buy?",
                " 09:58:00.501          190.45        10 SELL",
            ]
        );
        // However narrow it is, the price is there.
        let narrow = |width| screen(&TapePane::new(), &desk, width, 1).remove(0);
        assert_eq!(narrow(31), " 09:58:05    190.45   30 sell?");
        assert_eq!(narrow(20), " 09:58:05 190.45 30");
        assert_eq!(narrow(16), "    190.45   30");
    }

    #[test]
    fn scrolled_it_stands_still_and_says_so() {
        let mut desk = Desk::rich();
        let mut pane = TapePane::new();
        pane.act(Action::Down, &desk.view());
        let before = screen(&pane, &desk, 46, 6);
        for _ in 0..300 {
            print(&mut desk, 1, "190.47", 5, Some(Side::Buy));
        }
        assert_eq!(screen(&pane, &desk, 46, 6), before);
        assert_eq!(pane.title(&desk.view()).1, "PAUSED +300, . goes on");
        // Another instrument is not the one that was paused.
        desk.instrument = Some(id("MSFT"));
        assert_eq!(pane.title(&desk.view()).1, "");
        desk.instrument = Some(id("AAPL"));
        assert!(pane.act(Action::ScrollLive, &desk.view()).is_some());
        assert!(screen(&pane, &desk, 46, 6)[0].contains("190.47"));
        assert!(
            pane.act(Action::ScrollLive, &desk.view()).is_none(),
            "the chart's again"
        );
    }

    #[test]
    fn small_prints_are_left_out_by_size() {
        let mut desk = Desk::rich();
        let mut pane = TapePane::new();
        print(&mut desk, 1, "190.47", 7_000, Some(Side::Buy));
        pane.word("tape", "5,000", &desk.view()).unwrap().unwrap();
        let lines = screen(&pane, &desk, 46, 4);
        assert!(lines[0].contains("7,000") && lines[1].is_empty(), "{lines:#?}");
        pane.act(Action::ZoomIn, &desk.view());
        assert_eq!(pane.title(&desk.view()).1, "≥ 10,000");
        assert!(
            screen(&pane, &desk, 60, 4)
                .join(" ")
                .contains("no print of 10,000 or more")
        );
        let mut other = TapePane::new();
        other.recall(&pane.remember());
        assert_eq!(other.title(&desk.view()), pane.title(&desk.view()));
        assert!(pane.word("tape", "five", &desk.view()).unwrap().is_err());
        for _ in 0..40 {
            pane.act(Action::ZoomOut, &desk.view());
        }
        assert_eq!(pane.title(&desk.view()).1, "");
    }
}
