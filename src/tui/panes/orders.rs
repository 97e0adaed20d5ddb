//! Orders: what is live first, then what ended within a day, then (`:orders all`) those of all days, page by page, each
//! newest first. The cursor holds an order; cancel and modify act on that one and on nothing where it holds none. Under
//! the list stands how long each step of the held one took.

use super::pages::{Filter, Pages};
use super::read;
use crate::domain::{ClientOrderId, Order, Pending, Phase, Quantity, Side, TimeInForce, Timestamp};
use crate::engine::Command;
use crate::engine::changes;
use crate::engine::history::Hoped;
use crate::market::Quality;
use crate::tui::action::Action;
use crate::tui::link::{Answer, Ask};
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::columns::{self, Cell, Column, Look, table};
use crate::tui::widgets::list::Cursor;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink, wrap};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;

/// In what order the columns stand.
const COLUMNS: [Column; 11] = [
    Column::text("time NY", 8, 6),
    Column::text("symbol", 7, 0),
    Column::text("order", 18, 0),
    Column::text("state", 10, 0),
    Column::number("filled", 7, 1),
    Column::number("avg", 9, 4),
    Column::number("latency", 7, 5),
    Column::number("age", 7, 2),
    Column::text("cancel", 8, 8),
    Column::text("reason", 12, 3).if_said().at_most(30),
    Column::text("at the broker", 14, 7).if_said(),
];
/// With fewer rows the steps of the held order have no place.
const WITH_STEPS: u16 = 7;
/// The rows that the list keeps beside them.
const LISTED: u16 = 4;

/// Which orders are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Span {
    /// Those that live.
    Open,
    /// Those that live, and those that ended within a day.
    #[default]
    Today,
    /// Those of all days.
    All,
}

impl Span {
    const WORDS: [(&'static str, Self); 3] =
        [("open", Self::Open), ("today", Self::Today), ("all", Self::All)];
    fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(_, span)| *span == self)
            .map_or("", |(word, _)| word)
    }
    fn next(self) -> Self {
        match self {
            Self::Open => Self::Today,
            Self::Today => Self::All,
            Self::All => Self::Open,
        }
    }
}

/// What a list was made from: where it is the same, so is the list.
type Made = (u64, usize, usize, usize, Option<crate::domain::AccountKey>);

/// The list of orders.
#[derive(Debug, Default)]
pub struct Orders {
    cursor: Cursor<ClientOrderId>,
    span: Span,
    filter: Filter,
    pages: Pages<ClientOrderId>,
    older: BTreeMap<ClientOrderId, Order>,
    /// The rows by id, so that a frame costs what it shows and not what there is.
    list: RefCell<(Option<Made>, Vec<ClientOrderId>)>,
}

impl Orders {
    /// The orders of the account on the desk.
    pub fn new() -> Self {
        Self::default()
    }

    fn get<'a>(&'a self, view: &View<'a>, id: ClientOrderId) -> Option<&'a Order> {
        view.state.orders.get(&id).or_else(|| self.older.get(&id))
    }

    fn takes(&self, order: &Order) -> bool {
        (self.span != Span::Open || order.phase.is_live())
            && self.filter.takes(order.spec.instrument, || {
                let spec = &order.spec;
                let names = names(order);
                format!("{spec} {} {} {names}", order.phase.word(), order.id.as_str())
            })
    }

    /// Live orders, then ended ones, newest first, then those of other days.
    fn list(&self, view: &View<'_>) -> Ref<'_, Vec<ClientOrderId>> {
        let state = view.state;
        let (known, live, older) = (state.orders.len(), state.live.len(), self.pages.rows().len());
        let made: Made = (state.sequence, known, live, older, view.account);
        if self.list.borrow().0 != Some(made) {
            let mut rows: Vec<&Order> = state
                .orders
                .values()
                .filter(|order| Some(order.spec.account) == view.account && self.takes(order))
                .collect();
            let newest = |order: &Order| (order.phase.is_live(), order.created_at, order.id);
            rows.sort_by_key(|order| std::cmp::Reverse(newest(order)));
            let mut ids: Vec<ClientOrderId> = rows.into_iter().map(|order| order.id).collect();
            if self.span == Span::All {
                let others = self.pages.rows().iter().filter(|id| {
                    !state.orders.contains_key(id)
                        && self.older.get(id).is_some_and(|order| {
                            Some(order.spec.account) == view.account && self.takes(order)
                        })
                });
                ids.extend(others);
            }
            *self.list.borrow_mut() = (Some(made), ids);
        }
        Ref::map(self.list.borrow(), |list| &list.1)
    }

    /// Asks for what the list needs and has not.
    fn begin(&mut self, view: &View<'_>) -> Vec<Wish> {
        *self.list.borrow_mut() = (None, Vec::new());
        let Some(account) = view.account.filter(|_| self.span == Span::All) else {
            return Vec::new();
        };
        let page = self.pages.first(account, &self.filter, view.now);
        page.map(|page| Wish::Ask(Ask::Orders(page)))
            .into_iter()
            .collect()
    }
}

/// `BUY 50 lmt 188.42`, with what is not usual about it.
fn order_text(view: &View<'_>, order: &Order) -> String {
    let (spec, id) = (&order.spec, order.spec.instrument);
    let price = |value| read::price(view, id, value);
    let kind = spec.kind.text(price);
    let mut text = format!("{} {} {kind}", spec.side.word(), number::quantity(spec.quantity));
    if spec.tif != TimeInForce::Day {
        text.push(' ');
        text.push_str(spec.tif.word());
    }
    if spec.outside_hours {
        text.push_str(" outside");
    }
    if let Some(display) = spec.display {
        text.push_str(&format!(" show {}", number::quantity(display)));
    }
    text
}

/// The phase with what is under way.
fn state_text(view: &View<'_>, order: &Order) -> String {
    let mut text = order.phase.word().to_owned();
    // Why, in one word: the column of reasons has no place on a narrow pane.
    let code = order
        .reason
        .as_ref()
        .and_then(|reason| reason.as_str().split_once(':'));
    if let (Phase::Denied, Some((code, _))) = (order.phase, code)
        && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
    {
        text.push_str(&format!(": {code}"));
    }
    if let Some(parked) = view.state.parking.orders.get(&order.id) {
        let left = parked.terms.until.since(view.now).as_secs();
        let word = if parked.asked { " · confirm it" } else { "" };
        text.push_str(&format!("{word} · {left} s"));
    }
    if let Some(ex) = changes::over(view.state, order, view.now) {
        text.push_str(&format!(" · OVER ex {} {}", ex.date, ex.what));
    }
    match order.pending {
        Some(Pending::Cancel) => text.push_str(" · pending cancel"),
        Some(Pending::Modify { .. }) => text.push_str(" · pending modify"),
        None => {}
    }
    let quote = view.market.quote(order.spec.instrument);
    let halted = quote.is_some_and(|quote| quote.quality == Quality::Halted);
    if halted && order.phase.is_live() {
        // No stop wakes and nothing trades before the reopening.
        text.push_str(" · halted");
    }
    if order.oco.is_some() {
        text.push_str(" · oco");
    }
    if view.state.chains.contains_key(&order.id) {
        text.push_str(" · after ");
        text.push_str(&first_of(view, order));
    }
    if view.state.doubles.contains_key(&order.id) {
        text.push_str(" · SECOND of one");
    }
    if order.foreign {
        // Not by colour alone: cancel and change are no use here.
        text.push_str(" · other session's");
    } else if order.external {
        text.push_str(" · external");
    }
    text
}

/// What an order waits for, short: `BUY 100 AAPL`.
fn first_of(view: &View<'_>, order: &Order) -> String {
    let first = order.after.and_then(|id| view.state.orders.get(&id));
    first.map_or_else(String::new, |first| {
        let spec = &first.spec;
        format!(
            "{} {} {}",
            spec.side.word(),
            number::quantity(spec.quantity),
            spec.instrument
        )
    })
}

/// Whether a cancel from here would do anything.
fn may_cancel(order: &Order) -> &'static str {
    match (order.phase.is_live(), order.foreign, order.pending) {
        (false, ..) => "",
        (true, true, _) => "not ours",
        (true, false, Some(Pending::Cancel)) => "asked",
        (true, false, _) => "yes",
    }
}

fn state_style(view: &View<'_>, order: &Order) -> Style {
    let theme = view.theme;
    match order.phase {
        Phase::Uncertain | Phase::Lost | Phase::Parked => bold(theme.warn),
        Phase::Denied | Phase::Rejected | Phase::NotSent | Phase::Absent => ink(theme.warn),
        Phase::Working => ink(theme.text),
        Phase::Filled => ink(side_color(view, order.spec.side)),
        Phase::Created | Phase::InFlight | Phase::Held | Phase::Cancelled | Phase::Expired => ink(theme.dim),
    }
}

fn side_color(view: &View<'_>, side: Side) -> ratatui::style::Color {
    match side {
        Side::Buy => view.theme.buy,
        Side::Sell => view.theme.sell,
    }
}

/// The number it was placed under and the broker's own name for it: `#12 1834567890`.
fn names(order: &Order) -> String {
    let number = order.number.map(|number| format!("#{number}"));
    let theirs = order.broker_id.map(|id| id.to_string());
    let both: Vec<String> = number.into_iter().chain(theirs).collect();
    both.join(" ")
}

/// How long each step took, and what its average is to what was hoped for: `created 09:41:02  sent +0.1 ms  acked +0.8 ms`.
fn steps(view: &View<'_>, order: &Order) -> String {
    let mut text = format!("created {}", read::when(view, order.created_at));
    let mut last = order.created_at;
    let mut step = |word: &str, at: Option<Timestamp>| {
        if let Some(at) = at {
            text.push_str(&format!("  {word} +{}", number::latency(at.since(last))));
            last = at;
        }
    };
    step("sent", order.sent_at);
    step("acked", order.acked_at);
    step(order.phase.word(), order.ended_at);
    let worse = Hoped::of(order)
        .zip(order.average_price())
        .and_then(|(hoped, average)| Some((hoped, average, hoped.slippage(order.spec.side, average)?)));
    if let Some((hoped, average, worse)) = worse {
        let against = read::hoped_word(hoped);
        text.push_str(&format!(
            "  {} {} {against}",
            read::worse(view, order.spec.instrument, average, worse),
            if worse.raw() > 0 { "worse than" } else { "against" }
        ));
    }
    text.push_str(&format!("  {}", order.id.as_str()));
    text
}

fn cells(view: &View<'_>, order: &Order) -> [Cell; 11] {
    let theme = view.theme;
    let live = order.phase.is_live();
    let quiet = ink(theme.dim);
    let side = if live {
        side_color(view, order.spec.side)
    } else {
        theme.dim
    };
    let filled = format!(
        "{}/{}",
        number::quantity(order.filled),
        number::quantity(order.spec.quantity)
    );
    let partly = order.filled > Quantity::ZERO;
    let average = order.average_price();
    let latency = order.acked_at.map_or_else(
        || number::UNKNOWN.to_owned(),
        |at| number::latency(at.since(order.created_at)),
    );
    [
        Cell::new(read::when(view, order.created_at), ink(theme.faint)),
        Cell::new(
            order.spec.instrument.as_str(),
            if live { ink(theme.text) } else { quiet },
        ),
        Cell::new(order_text(view, order), ink(side)),
        Cell::new(state_text(view, order), state_style(view, order)),
        Cell::new(filled, if partly { ink(theme.text) } else { quiet }),
        Cell::new(
            read::price_or_unknown(view, order.spec.instrument, average),
            if average.is_some() {
                ink(theme.text)
            } else {
                ink(theme.faint)
            },
        ),
        Cell::new(latency, quiet),
        Cell::new(number::age(view.now.since(order.created_at)), quiet),
        Cell::new(may_cancel(order), quiet),
        Cell::new(
            order
                .reason
                .as_ref()
                .map_or_else(String::new, |reason| read::told(reason.as_str())),
            ink(theme.dim),
        ),
        Cell::new(names(order), ink(theme.faint)),
    ]
}

/// Below the list what the held order has no column for: the whole reason, then its steps. Answers how many rows it took.
fn draw_held(pen: &mut Pen<'_>, view: &View<'_>, order: &Order) -> u16 {
    let (wide, high) = (pen.width(), pen.height());
    let (room, end) = (usize::from(wide.saturating_sub(2)), wide.saturating_sub(1));
    let (reason, steps) = (order.reason.as_ref(), steps(view, order));
    let reason = reason.map(|reason| read::told(reason.as_str()));
    let reasons = reason
        .as_deref()
        .map_or_else(Vec::new, |reason| wrap(reason, room));
    let lines = reasons.into_iter().map(|line| (line, view.theme.text));
    let steps = wrap(&steps, room);
    let lines: Vec<_> = lines
        .chain(steps.iter().map(|line| (*line, view.theme.dim)))
        .take(usize::from(high.saturating_sub(LISTED)))
        .collect();
    let used = u16::try_from(lines.len()).unwrap_or(high);
    for (y, (line, colour)) in (high - used..).zip(lines) {
        pen.put_within(1, end, y, line, colour);
    }
    used
}

impl Pane for Orders {
    fn name(&self) -> &'static str {
        "orders"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let list = self.list(view);
        // The live ones stand first.
        let open = list.partition_point(|id| {
            let order = view.state.orders.get(id);
            order.is_some_and(|order| order.phase.is_live())
        });
        let mut right = format!("open {open} · ended {}", list.len() - open);
        if self.span == Span::All {
            right.push_str(&format!(" · {}", self.pages.shown()));
        }
        if let Some(old) = read::stale(view) {
            right.push_str(&format!("  {old}"));
        }
        let narrowed = self.span != Span::Today || self.filter != Filter::default();
        let left = if narrowed {
            format!("ORDERS {}{}", self.span.word(), self.filter.shown())
        } else {
            "ORDERS".to_owned()
        };
        (left, right)
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let list = self.list(view);
        if list.is_empty() {
            let words = match (self.span, self.pages.is_asking()) {
                (Span::All, true) => "reading the journal".to_owned(),
                _ if self.filter == Filter::default() && self.span != Span::Open => {
                    read::nothing(view, "no orders")
                }
                _ => read::nothing(view, "no such orders: ':orders today' shows those of the day"),
            };
            pen.say(&words, view.theme.dim);
            return Hits::default();
        }
        let cursor = self.cursor.position(&list).filter(|_| focused);
        let look = Look {
            head: view.theme.faint,
            selection: view.theme.selection,
        };
        let (wide, high) = (pen.width(), pen.height());
        let held = cursor.filter(|_| high >= WITH_STEPS);
        let held = held.and_then(|at| self.get(view, *list.get(at)?));
        let used = held.map_or(0, |order| draw_held(&mut pen, view, order));
        let mut pen = pen.part(0, 0, wide, high - used);
        let mut columns = COLUMNS;
        columns[0].head = read::time_head(view);
        let rows = table(&mut pen, columns, look, list.len(), cursor, |at| {
            list.get(at)
                .and_then(|id| self.get(view, *id))
                .map_or_else(Default::default, |order| cells(view, order))
        });
        Hits { rows }
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        if action == Action::Sort {
            self.span = self.span.next();
            return Some(self.begin(view));
        }
        let ids: Vec<ClientOrderId> = self.list(view).clone();
        let held = self.cursor.held(&ids).and_then(|id| self.get(view, id)).cloned();
        let say = |words: &str| Some(vec![Wish::Say(words.to_owned())]);
        match (action, held) {
            (Action::Cancel | Action::Modify, None) => {
                say("no order is selected: choose one with up and down")
            }
            (Action::Cancel | Action::Modify, Some(order)) if !order.phase.is_live() => {
                say(&format!("this order has ended: {}", order.phase.word()))
            }
            (Action::Cancel | Action::Modify, Some(order)) if order.foreign => say(&format!(
                "another session of {} made this order: cancel or change it where it was made",
                order.spec.account.broker
            )),
            (Action::Cancel, Some(order)) => {
                Some(vec![Wish::Send(Box::new(Command::Cancel { id: order.id }))])
            }
            (Action::Modify, Some(order)) => Some(vec![Wish::Edit(order.id)]),
            (Action::Enter, Some(order)) => Some(vec![Wish::Select(order.spec.instrument)]),
            // Nothing to drop is somebody else's business.
            (Action::Escape, Some(_)) => {
                self.cursor.release();
                Some(Vec::new())
            }
            _ => {
                let moved = self.cursor.act(action, &ids, None);
                let at_end = self.cursor.position(&ids).is_some_and(|at| at + 1 == ids.len());
                let down = matches!(action, Action::Down | Action::PageDown | Action::Bottom);
                if self.span == Span::All && down && (at_end || ids.is_empty()) {
                    let more = self.pages.more(view.now);
                    return Some(
                        more.map(|page| Wish::Ask(Ask::Orders(page)))
                            .into_iter()
                            .collect(),
                    );
                }
                moved.then(Vec::new)
            }
        }
    }

    fn word(&mut self, word: &str, text: &str, view: &View<'_>) -> Option<Result<Vec<Wish>, String>> {
        if word != "orders" {
            return None;
        }
        let mut span = Span::Today;
        self.filter = Filter::read(text, view, |word| {
            let found = Span::WORDS.iter().find(|(name, _)| *name == word);
            found.inspect(|(_, wanted)| span = *wanted).is_some()
        });
        self.span = span;
        Some(Ok(self.begin(view)))
    }

    /// Another account on the desk, or an answer that never came: the first page is asked for again.
    fn asks(&mut self, view: &View<'_>) -> Option<Ask> {
        let account = view.account.filter(|_| self.span == Span::All)?;
        let page = self.pages.first(account, &self.filter, view.now)?;
        Some(Ask::Orders(page))
    }

    fn answered(&mut self, ask: &Ask, answer: &Answer) {
        let (Ask::Orders(page), Answer::Orders(told)) = (ask, answer) else {
            return;
        };
        let ids = told.orders.iter().map(|order| order.id).collect();
        if self.pages.take(page, ids, told.next) {
            if page.before.is_none() {
                self.older.clear();
            }
            let orders = told.orders.iter().map(|order| (order.id, order.clone()));
            self.older.extend(orders);
        }
    }

    fn copied(&self, view: &View<'_>) -> Option<String> {
        let id = self.cursor.held(&self.list(view))?;
        Some(columns::words(cells(view, self.get(view, id)?)))
    }

    fn click(&mut self, index: usize, view: &View<'_>) -> Vec<Wish> {
        let id = self.list(view).get(index).copied();
        if let Some(id) = id {
            self.cursor.hold(id);
        }
        Vec::new()
    }
}
