//! Executions, newest first: what was traded, at what price, what it cost, how much worse than hoped for it was, and
//! whether our order rested. Those of the trading day, of the week that the state remembers, or of all days by pages.

use super::pages::{Filter, Pages};
use super::read;
use crate::domain::{Currency, Execution, ExecutionBase, InstrumentId, Money, Side};
use crate::engine::history::{Hoped, Traded};
use crate::engine::pnl;
use crate::tui::action::Action;
use crate::tui::link::{Answer, Ask};
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::columns::{self, Cell, Column, Look, table};
use crate::tui::widgets::list::Cursor;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::cell::{Ref, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// In what order the columns stand.
const COLUMNS: [Column; 9] = [
    Column::text("time NY", 8, 2),
    Column::text("symbol", 7, 0),
    Column::text("side", 4, 0),
    Column::number("qty", 6, 0),
    Column::number("price", 9, 0),
    Column::number("fee", 9, 3),
    Column::number("worse by", 12, 4),
    Column::text("", 5, 5),
    Column::text("order", 10, 6),
];

/// The most executions whose fees are added up for the title, with every frame.
const SUMMED: usize = 2_000;

/// Which executions are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Span {
    /// Those of the instrument's trading day.
    Today,
    /// Those that the state remembers.
    #[default]
    Week,
    /// Those of all days.
    All,
}

impl Span {
    const WORDS: [(&'static str, Self); 3] =
        [("today", Self::Today), ("week", Self::Week), ("all", Self::All)];
    fn next(self) -> Self {
        match self {
            Self::Today => Self::Week,
            Self::Week => Self::All,
            Self::All => Self::Today,
        }
    }
    fn words(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Week => "in a week",
            Self::All => "of all days",
        }
    }
}

type Key = (InstrumentId, ExecutionBase);

/// Where a row is.
#[derive(Clone, Copy, Debug)]
enum Row {
    /// In the state: which ledger, which of its executions.
    Here(InstrumentId, usize),
    /// In the pages.
    Older(usize),
}

/// What a list was made from: where it is the same, so is the list.
type Made = (u64, usize, usize, Option<crate::domain::AccountKey>);

/// The rows, and what they were made from.
type List = (Option<Made>, Vec<(Key, Row)>);

/// The list of executions.
#[derive(Debug, Default)]
pub struct Executions {
    cursor: Cursor<Key>,
    span: Span,
    filter: Filter,
    pages: Pages<Traded>,
    list: RefCell<List>,
}

impl Executions {
    /// The executions of the account on the desk.
    pub fn new() -> Self {
        Self::default()
    }

    fn get<'a>(&'a self, view: &View<'a>, row: Row) -> Option<(&'a Execution, Option<Hoped>)> {
        match row {
            Row::Here(id, at) => {
                let execution = view.state.ledgers.get(&(view.account?, id))?.executions.get(at)?;
                let order = execution.order.and_then(|id| view.state.orders.get(&id));
                Some((execution, order.and_then(Hoped::of)))
            }
            Row::Older(at) => {
                let traded = self.pages.rows().get(at)?;
                Some((&traded.execution, traded.hoped))
            }
        }
    }

    fn takes(&self, view: &View<'_>, execution: &Execution) -> bool {
        let id = execution.instrument;
        if self.span == Span::Today {
            let instrument = view.state.instruments.get(&id);
            let began = instrument.and_then(|instrument| pnl::day_began(instrument, view.venue_now));
            if began.is_none_or(|began| execution.at < began) {
                return false;
            }
        }
        self.filter.takes(id, || {
            let order = execution.order.map_or(String::new(), |id| id.to_string());
            format!(
                "{id} {} {} {order}",
                execution.side.word(),
                execution.id.base.as_str()
            )
        })
    }

    /// The rows, newest first.
    fn list(&self, view: &View<'_>) -> Ref<'_, Vec<(Key, Row)>> {
        let ledgers = || {
            let all = view.state.ledgers.iter();
            all.filter(|(key, _)| Some(key.0) == view.account)
        };
        let known: usize = ledgers().map(|(_, ledger)| ledger.executions.len()).sum();
        let made: Made = (view.state.sequence, known, self.pages.rows().len(), view.account);
        if self.list.borrow().0 != Some(made) {
            let mut rows: Vec<(&Execution, Row)> = ledgers()
                .flat_map(|((_, id), ledger)| {
                    let all = ledger.executions.iter().enumerate();
                    all.map(|(at, execution)| (execution, Row::Here(*id, at)))
                })
                .filter(|(execution, _)| self.takes(view, execution))
                .collect();
            if self.span == Span::All {
                let here: BTreeSet<Key> = rows.iter().map(|(execution, _)| key(execution)).collect();
                let older = self.pages.rows().iter().enumerate();
                rows.extend(
                    older
                        .map(|(at, traded)| (&traded.execution, Row::Older(at)))
                        .filter(|(execution, _)| {
                            Some(execution.account) == view.account
                                && self.takes(view, execution)
                                && !here.contains(&key(execution))
                        }),
                );
            }
            rows.sort_by_key(|(execution, _)| std::cmp::Reverse((execution.at, execution.id)));
            let rows = rows.into_iter().map(|(execution, row)| (key(execution), row));
            *self.list.borrow_mut() = (Some(made), rows.collect());
        }
        Ref::map(self.list.borrow(), |list| &list.1)
    }

    fn begin(&mut self, view: &View<'_>) -> Vec<Wish> {
        *self.list.borrow_mut() = (None, Vec::new());
        let Some(account) = view.account.filter(|_| self.span == Span::All) else {
            return Vec::new();
        };
        let page = self.pages.first(account, &self.filter, view.now);
        page.map(|page| Wish::Ask(Ask::Executions(page)))
            .into_iter()
            .collect()
    }
}

fn key(execution: &Execution) -> Key {
    (execution.instrument, execution.id.base)
}

/// `0.02 mid`: by how much one unit was worse than the middle at its sending; better is negative. `lmt` where only the
/// order's own price is known.
fn slippage(view: &View<'_>, execution: &Execution, hoped: Option<Hoped>) -> Cell {
    let theme = view.theme;
    let worse = hoped.and_then(|hoped| Some((hoped, hoped.slippage(execution.side, execution.price)?)));
    let Some((hoped, worse)) = worse else {
        return Cell::new(number::UNKNOWN, ink(theme.faint));
    };
    let text = format!(
        "{} {}",
        read::worse(view, execution.instrument, execution.price, worse),
        read::hoped_word(hoped)
    );
    let colour = match worse.raw().signum() {
        1 => theme.down,
        -1 => theme.up,
        _ => theme.dim,
    };
    Cell::new(text, ink(colour))
}

fn cells(view: &View<'_>, execution: &Execution, hoped: Option<Hoped>) -> [Cell; 9] {
    let theme = view.theme;
    let color = match execution.side {
        Side::Buy => theme.buy,
        Side::Sell => theme.sell,
    };
    let quiet = ink(theme.dim);
    let fee = execution.fee.map_or_else(
        || Cell::new(number::UNKNOWN, ink(theme.faint)),
        |fee| {
            let amount = number::money(fee.amount, fee.currency.minor_decimals());
            Cell::new(format!("{amount} {}", fee.currency.as_str()), quiet)
        },
    );
    let quantity = if execution.quantity.is_zero() {
        // A correction took it back.
        Cell::new("void", ink(theme.warn))
    } else {
        Cell::new(number::quantity(execution.quantity), ink(theme.text))
    };
    let resting = match execution.maker {
        Some(true) => "maker",
        Some(false) => "taker",
        None => number::UNKNOWN,
    };
    let order = execution
        .order
        .map(|id| id.as_str().to_owned())
        .or_else(|| execution.broker_order.map(|id| id.as_str().to_owned()))
        .unwrap_or_else(|| number::UNKNOWN.to_owned());
    [
        Cell::new(read::when(view, execution.at), ink(theme.faint)),
        Cell::new(execution.instrument.as_str(), ink(theme.text)),
        Cell::new(execution.side.word(), bold(color)),
        quantity,
        Cell::new(
            number::exact_price(
                execution.price,
                read::decimals(view, execution.instrument, execution.price),
            ),
            ink(theme.text),
        ),
        fee,
        slippage(view, execution, hoped),
        Cell::new(resting, quiet),
        Cell::new(order, ink(theme.faint)),
    ]
}

/// `fees 12.00 USD`, by currency; `+2?` where so many are not told.
fn fees<'a>(executions: impl Iterator<Item = &'a Execution>) -> String {
    let (mut sums, mut unknown) = (BTreeMap::<Currency, Money>::new(), 0);
    for execution in executions {
        match execution.fee {
            Some(fee) => {
                let sum = sums.entry(fee.currency).or_default();
                *sum = sum.saturating_add(fee.amount);
            }
            None => unknown += 1,
        }
    }
    let mut parts: Vec<String> = sums
        .into_iter()
        .map(|(currency, sum)| {
            format!(
                "{} {}",
                number::money(sum, currency.minor_decimals()),
                currency.as_str()
            )
        })
        .collect();
    if unknown > 0 {
        parts.push(format!("+{unknown} not told"));
    }
    parts.join(" ")
}

impl Pane for Executions {
    fn name(&self) -> &'static str {
        "executions"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let list = self.list(view);
        let mut right = format!("{} {}", list.len(), self.span.words());
        if self.span == Span::All {
            right.push_str(&format!(" · {}", self.pages.shown()));
        } else if list.len() <= SUMMED {
            let paid = fees(list.iter().filter_map(|(_, row)| Some(self.get(view, *row)?.0)));
            if !paid.is_empty() {
                right = format!("fees {paid}  {right}");
            }
        }
        if let Some(old) = read::stale(view) {
            right.push_str(&format!("  {old}"));
        }
        (format!("EXECUTIONS{}", self.filter.shown()), right)
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let list = self.list(view);
        if list.is_empty() {
            let words = if self.pages.is_asking() && self.span == Span::All {
                "reading the journal".to_owned()
            } else if self.filter == Filter::default() && self.span != Span::Today {
                read::nothing(view, "no executions")
            } else {
                read::nothing(
                    view,
                    "no such executions: ':executions week' shows those of a week",
                )
            };
            pen.say(&words, view.theme.dim);
            return Hits::default();
        }
        let keys = || list.iter().map(|(key, _)| *key).collect::<Vec<Key>>();
        let cursor = if focused {
            self.cursor.position(&keys())
        } else {
            None
        };
        let look = Look {
            head: view.theme.faint,
            selection: view.theme.selection,
        };
        let mut columns = COLUMNS;
        columns[0].head = read::time_head(view);
        let rows = table(&mut pen, columns, look, list.len(), cursor, |at| {
            list.get(at)
                .and_then(|(_, row)| self.get(view, *row))
                .map_or_else(Default::default, |(execution, hoped)| {
                    cells(view, execution, hoped)
                })
        });
        Hits { rows }
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        if action == Action::Sort {
            self.span = self.span.next();
            return Some(self.begin(view));
        }
        let keys: Vec<Key> = self.list(view).iter().map(|(key, _)| *key).collect();
        if action == Action::Enter {
            return self.cursor.held(&keys).map(|held| vec![Wish::Select(held.0)]);
        }
        let moved = self.cursor.act(action, &keys, None);
        let at_end = self.cursor.position(&keys).is_some_and(|at| at + 1 == keys.len());
        let down = matches!(action, Action::Down | Action::PageDown | Action::Bottom);
        if self.span == Span::All && down && (at_end || keys.is_empty()) {
            let more = self.pages.more(view.now);
            return Some(
                more.map(|page| Wish::Ask(Ask::Executions(page)))
                    .into_iter()
                    .collect(),
            );
        }
        moved.then(Vec::new)
    }

    fn word(&mut self, word: &str, text: &str, view: &View<'_>) -> Option<Result<Vec<Wish>, String>> {
        if word != "executions" {
            return None;
        }
        let mut span = Span::Week;
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
        Some(Ask::Executions(page))
    }

    fn answered(&mut self, ask: &Ask, answer: &Answer) {
        if let (Ask::Executions(page), Answer::Executions(told)) = (ask, answer) {
            self.pages.take(page, told.executions.clone(), told.next);
        }
    }

    fn copied(&self, view: &View<'_>) -> Option<String> {
        let list = self.list(view);
        let keys: Vec<Key> = list.iter().map(|(key, _)| *key).collect();
        let (_, row) = list.get(self.cursor.position(&keys)?)?;
        let (execution, hoped) = self.get(view, *row)?;
        Some(columns::words(cells(view, execution, hoped)))
    }

    fn click(&mut self, index: usize, view: &View<'_>) -> Vec<Wish> {
        let key = self.list(view).get(index).map(|(key, _)| *key);
        if let Some(key) = key {
            self.cursor.hold(key);
        }
        Vec::new()
    }
}
