//! The account on the desk by currency: worth, cash, open profit, the day's and the realised; and whether it may trade and
//! is linked. The sums are those of the status bar. Below them what the broker itself says, where it does.

mod estimate;
mod more;
mod theirs;

use super::read;
use crate::domain::{AccountClass, AccountKey, Currency, LinkState, Money, TradingState};
use crate::engine::state::AccountState;
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::profit::{self, Total};
use crate::tui::widgets::columns::{Cell, Column, Look, table};
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink, wrap};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// In what order the columns stand.
const COLUMNS: [Column; 6] = [
    Column::text("", 5, 0),
    Column::number("net", 13, 0),
    Column::number("cash", 13, 1),
    Column::number("open P&L", 12, 2),
    Column::number("day P&L", 12, 3),
    Column::number("realised", 12, 4),
];

/// The account.
#[derive(Debug, Default)]
pub struct AccountPane;

impl AccountPane {
    /// The account on the desk.
    pub fn new() -> Self {
        Self
    }
}

/// The rows: each currency with what is known of it, the account's own first.
fn figures(view: &View<'_>, state: &AccountState) -> Vec<(Currency, Total)> {
    let totals = profit::totals(view, state.account.key);
    if !totals.is_empty() {
        return totals;
    }
    // Not told everything yet: the currencies are there, what they add up to is not.
    let base = state.account.base;
    let cash = state.account.cash.iter().flat_map(|cash| cash.keys());
    let others = cash.copied().filter(|currency| *currency != base);
    [base]
        .into_iter()
        .chain(others)
        .map(|currency| (currency, Total::default()))
        .collect()
}

fn cells(view: &View<'_>, state: &AccountState, currency: Currency, total: Total) -> [Cell; 6] {
    let theme = view.theme;
    let decimals = currency.minor_decimals();
    let amount = |money: Option<Money>, style| match money {
        Some(money) => Cell::new(number::money(money, decimals), style),
        None => Cell::new(number::UNKNOWN, ink(theme.faint)),
    };
    let gain = |money: Option<Money>| match money {
        Some(money) => Cell::new(
            number::profit(money, decimals),
            ink(read::profit_color(view, money)),
        ),
        None => Cell::new(number::UNKNOWN, ink(theme.faint)),
    };
    let cash = state.account.cash.as_ref();
    let realized = view.state.realized(state.account.key);
    [
        Cell::new(currency.as_str(), ink(theme.text)),
        amount(total.net, bold(theme.bright)),
        amount(
            cash.map(|cash| cash.get(&currency).copied().unwrap_or_default()),
            ink(theme.text),
        ),
        gain(total.open),
        gain(total.day),
        gain(Some(realized.get(&currency).copied().unwrap_or_default())),
    ]
}

/// What all of it is worth in the account's own currency, with a `~` where it took a rate.
fn net_words(account: AccountKey, state: &AccountState, view: &View<'_>) -> String {
    let base = state.account.base;
    let nets: Vec<_> = figures(view, state)
        .into_iter()
        .map(|(currency, total)| (currency, total.net))
        .collect();
    let others = nets
        .iter()
        .any(|(currency, net)| *currency != base && *net != Some(Money::ZERO));
    let net = profit::in_base(view, account, &nets).map_or_else(
        || number::UNKNOWN.to_owned(),
        |net| number::money(net, base.minor_decimals()),
    );
    format!("net {}{net} {}", if others { "~" } else { "" }, base.as_str())
}

/// Class, name, trading state and link in one line.
fn draw_head(pen: &mut Pen<'_>, view: &View<'_>, state: &AccountState) {
    let theme = view.theme;
    let class = match state.account.class {
        AccountClass::Live => bold(theme.live).bg(theme.live_back),
        AccountClass::Paper => bold(theme.paper).bg(theme.paper_back),
        AccountClass::Sim => bold(theme.sim).bg(theme.sim_back),
    };
    let mut x = pen.put(1, 0, &format!(" {} ", state.account.class.word()), class);
    x = pen.put(x + 1, 0, state.account.key.account.as_str(), theme.text);
    let trading = match state.trading {
        TradingState::Active => ink(theme.dim),
        TradingState::Reducing | TradingState::Halted => bold(theme.warn),
    };
    x = pen.put(x + 2, 0, state.trading.word(), trading);
    let link = if view.attached {
        view.state.link(state.account.key.broker)
    } else {
        LinkState::Down
    };
    let lamp = match link {
        LinkState::Ready => theme.sim,
        LinkState::Down => theme.error,
        LinkState::Connecting | LinkState::Syncing | LinkState::Degraded => theme.warn,
    };
    x = pen.put(x + 2, 0, "● ", lamp);
    let word = if view.attached { link.word() } else { "no link" };
    x = pen.put(x, 0, word, theme.dim);
    let reason = state.trading_reason.as_ref().or_else(|| {
        let link = view.state.links.get(&state.account.key.broker)?;
        link.reason.as_ref()
    });
    if let Some(reason) = reason {
        let end = pen.width().saturating_sub(1);
        pen.put_within(x + 2, end, 0, reason.as_str(), theme.warn);
    }
}

/// A stretch of time of which no executions are known, and the word that acknowledges it; answers how many rows it took.
fn draw_gap(pen: &mut Pen<'_>, view: &View<'_>, state: &AccountState, top: u16) -> u16 {
    let Some((from, until)) = state.gap else {
        return 0;
    };
    let text = format!(
        "! executions from {} to {} are not known: compare with a statement, then :accept gap",
        read::when(view, from),
        read::when(view, until)
    );
    let room = usize::from(pen.width().saturating_sub(2));
    let lines = wrap(&text, room);
    let mut rows = 0;
    for line in lines.iter().take(3) {
        let end = pen.width().saturating_sub(1);
        pen.put_within(1, end, top.saturating_add(rows), line, view.theme.warn);
        rows += 1;
    }
    rows
}

impl Pane for AccountPane {
    fn name(&self) -> &'static str {
        "account"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let right = view.account.and_then(|account| {
            let state = view.state.accounts.get(&account)?;
            Some(net_words(account, state, view))
        });
        let parts = [right, more::tight(view), read::stale(view)];
        let right: Vec<String> = parts.into_iter().flatten().collect();
        ("ACCOUNT".to_owned(), right.join("  "))
    }

    fn render(&self, view: &View<'_>, area: Rect, _focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let found = view.account.and_then(|account| view.state.accounts.get(&account));
        let Some(state) = found else {
            pen.say(&read::nothing(view, "no account yet"), view.theme.dim);
            return Hits::default();
        };
        draw_head(&mut pen, view, state);
        let (wide, high) = (pen.width(), pen.height());
        let top = if high > 4 { 2 } else { 1 };
        let figures = figures(view, state);
        let top = top + draw_gap(&mut pen, view, state, top);
        let look = Look {
            head: view.theme.faint,
            selection: view.theme.selection,
        };
        let mut below = pen.part(0, top, wide, high.saturating_sub(top));
        table(&mut below, COLUMNS, look, figures.len(), None, |at| {
            figures
                .get(at)
                .map_or_else(Default::default, |(currency, total)| {
                    cells(view, state, *currency, *total)
                })
        });
        let used = u16::try_from(figures.len()).unwrap_or(u16::MAX).saturating_add(2);
        let mut from = top.saturating_add(used);
        if view.health.is_some() && high > from {
            let mut rest = pen.part(0, from, wide, high - from);
            let used = theirs::draw(&mut rest, view, state, figures.first().map(|(_, total)| *total));
            from = from.saturating_add(used);
        }
        let says = view
            .health
            .is_some_and(|(health, _)| health.figures.contains_key(&state.account.key));
        if !says && high > from {
            let mut rest = pen.part(0, from, wide, high - from);
            from = from.saturating_add(estimate::draw(&mut rest, view, state.account.key));
        }
        more::draw(&mut pen, view, state, &figures, from);
        Hits::default()
    }

    fn act(&mut self, _action: Action, _view: &View<'_>) -> Option<Vec<Wish>> {
        None
    }
}
