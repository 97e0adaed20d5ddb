//! What else an account pane has room for: all currencies in the account's own with the rates that took, how the money is
//! spread over what is held, and the other accounts beside this one. And the one warning that may not be missed: too
//! little left to hold the positions with.

use super::{read, theirs};
use crate::domain::{AccountKey, Currency, InstrumentId, Money};
use crate::engine::state::AccountState;
use crate::tui::pane::View;
use crate::tui::profit::{self, Total};
use crate::tui::widgets::columns::{Cell, Column, Look, table};
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink, wrap};

/// Less of the worth than this, in percent, is a warning: brokers close positions by themselves where none is left.
const TIGHT: f64 = 10.0;
/// Cells of a bar.
const BAR: u16 = 20;
/// Where bars begin.
const AT: u16 = 12;

/// The columns of the accounts.
const COLUMNS: [Column; 6] = [
    Column::text("account", 12, 0),
    Column::text("class", 5, 4),
    Column::text("trading", 8, 2),
    Column::number("net", 15, 0),
    Column::number("open P&L", 12, 3),
    Column::number("day P&L", 12, 1),
];

/// The warning for the title.
pub(super) fn tight(view: &View<'_>) -> Option<String> {
    let state = view.state.accounts.get(&view.account?)?;
    let left = theirs::excess_percent(view, state)?;
    (left < TIGHT).then(|| format!("! EXCESS LIQUIDITY {left:.1} %"))
}

/// Draws from row `y` on, as many rows as there is room for.
pub(super) fn draw(
    pen: &mut Pen<'_>,
    view: &View<'_>,
    state: &AccountState,
    figures: &[(Currency, Total)],
    mut y: u16,
) {
    let (wide, high) = (pen.width(), pen.height());
    let end = wide.saturating_sub(1);
    if let Some(words) = tight(view).filter(|_| y < high) {
        let words = format!("{words}: a broker sells by itself when none is left");
        pen.put_within(1, end, y, &words, bold(view.theme.warn));
        y += 1;
    }
    let key = state.account.key;
    if figures.len() > 1 && y < high {
        let nets: Vec<_> = figures
            .iter()
            .map(|(currency, total)| (*currency, total.net))
            .collect();
        let base = state.account.base;
        let sum = profit::in_base(view, key, &nets);
        let sum = sum.map_or(number::UNKNOWN.to_owned(), |sum| {
            number::money(sum, base.minor_decimals())
        });
        let mut text = format!("all in {}: net {sum}", base.as_str());
        for (currency, _) in figures.iter().filter(|(currency, _)| *currency != base) {
            text.push_str(&read::rate_words(view, key, *currency));
        }
        for line in wrap(&text, usize::from(wide.saturating_sub(2)))
            .into_iter()
            .take(2)
        {
            pen.put_within(1, end, y, line, view.theme.dim);
            y += 1;
        }
        y += 1;
    }
    y = others(pen, view, y);
    allocation(pen, view, key, figures, y);
}

/// All accounts, one a row, where there is more than one. Each in its own currency: no sum is made of them.
fn others(pen: &mut Pen<'_>, view: &View<'_>, y: u16) -> u16 {
    let accounts: Vec<&AccountState> = view.state.accounts.values().collect();
    let (wide, high) = (pen.width(), pen.height());
    if accounts.len() < 2 || high < y.saturating_add(3) {
        return y;
    }
    let rows = u16::try_from(accounts.len())
        .unwrap_or(u16::MAX)
        .saturating_add(1);
    let rows = rows.min(high - y);
    let look = Look {
        head: view.theme.faint,
        selection: view.theme.selection,
    };
    let here = accounts
        .iter()
        .position(|account| Some(account.account.key) == view.account);
    table(
        &mut pen.part(0, y, wide, rows),
        COLUMNS,
        look,
        accounts.len(),
        here,
        |at| {
            accounts
                .get(at)
                .map_or_else(Default::default, |account| cells(view, account))
        },
    );
    y.saturating_add(rows).saturating_add(1)
}

fn cells(view: &View<'_>, state: &AccountState) -> [Cell; 6] {
    let theme = view.theme;
    let base = state.account.base;
    let totals = profit::totals(view, state.account.key);
    let all = |part: fn(&Total) -> Option<Money>| {
        let parts: Vec<_> = totals
            .iter()
            .map(|(currency, total)| (*currency, part(total)))
            .collect();
        (!parts.is_empty())
            .then(|| profit::in_base(view, state.account.key, &parts))
            .flatten()
    };
    let gain = |money: Option<Money>| {
        let colour = money.map_or(theme.faint, |money| read::profit_color(view, money));
        Cell::new(read::profit(money, Some(base)), ink(colour))
    };
    let net = all(|total| total.net).map_or(number::UNKNOWN.to_owned(), |net| {
        format!("{} {}", number::money(net, base.minor_decimals()), base.as_str())
    });
    [
        Cell::new(state.account.key.account.as_str(), ink(theme.text)),
        Cell::new(state.account.class.word(), ink(theme.dim)),
        Cell::new(state.trading.word(), ink(theme.dim)),
        Cell::new(net, ink(theme.bright)),
        gain(all(|total| total.open)),
        gain(all(|total| total.day)),
    ]
}

/// How large each position is beside the account's worth, the largest first; what can't be valued or converted is named
/// as unknown, with no bar.
fn allocation(
    pen: &mut Pen<'_>,
    view: &View<'_>,
    key: AccountKey,
    figures: &[(Currency, Total)],
    mut y: u16,
) {
    let nets: Vec<_> = figures
        .iter()
        .map(|(currency, total)| (*currency, total.net))
        .collect();
    let worth = profit::in_base(view, key, &nets).map(Money::to_f64);
    let mut parts: Vec<(InstrumentId, Option<f64>, bool)> = view
        .state
        .ledgers
        .iter()
        .filter(|((owner, _), ledger)| *owner == key && !ledger.position.quantity.is_zero())
        .map(|((_, id), ledger)| {
            let short = ledger.position.quantity.is_negative();
            let value = view.market.mark(*id).and_then(|mark| {
                let value = mark.price.notional(ledger.position.quantity, ledger.multiplier)?;
                let currency = view.state.instruments.get(id)?.currency;
                let (rate, _) = profit::rate_to_base(view, key, currency)?;
                rate.convert(value.abs())
            });
            let share = value.zip(worth).filter(|(_, worth)| *worth > 0.0);
            (
                *id,
                share.map(|(value, worth)| 100.0 * value.to_f64() / worth),
                short,
            )
        })
        .collect();
    if parts.is_empty() || y >= pen.height() {
        return;
    }
    parts.sort_by(|a, b| {
        b.1.unwrap_or(-1.0)
            .total_cmp(&a.1.unwrap_or(-1.0))
            .then(a.0.cmp(&b.0))
    });
    let theme = view.theme;
    pen.put(1, y, "held at its mark, of the worth", theme.faint);
    y += 1;
    let most = parts.iter().filter_map(|part| part.1).fold(1.0, f64::max);
    for (id, share, short) in parts {
        if y >= pen.height() {
            return;
        }
        pen.put_within(1, AT - 1, y, id.as_str(), theme.text);
        let words = match share {
            None => number::UNKNOWN.to_owned(),
            Some(share) => format!("{share:.1} %{}", if short { " short" } else { "" }),
        };
        let full = (1..=BAR).filter(|cell| {
            let reach = share.unwrap_or(0.0) / most * f64::from(BAR);
            f64::from(*cell) - 0.5 <= reach
        });
        let colour = if short { theme.down } else { theme.up };
        for cell in full {
            pen.glyph(AT + cell - 1, y, if short { '▒' } else { '█' }, colour);
        }
        pen.put_within(AT + BAR + 1, pen.width(), y, &words, theme.dim);
        y += 1;
    }
}
