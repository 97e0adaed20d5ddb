//! What margin binds where the broker does not say it, as the simulated exchange does not: the engine's estimate by public
//! terms, each figure with a `~`, now and with all that works. What it rests on is `engine/figures/margin.rs`.

use crate::domain::{AccountKey, Money};
use crate::engine::figures::margin::{Bound, Source, margin};
use crate::engine::terms::buying_power;
use crate::tui::pane::View;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, ink};

/// Where the columns of numbers end.
const COLUMNS: [u16; 2] = [34, 51];
/// Label and figure of a row.
type Figure = (&'static str, fn(&Bound) -> Option<Money>);
const FIGURES: [Figure; 4] = [
    ("initial margin", |bound| bound.initial),
    ("maint. margin", |bound| bound.maintenance),
    ("available funds", |bound| bound.available),
    ("excess liquidity", |bound| bound.excess),
];

/// Draws as many rows as there is room for, most important first. Answers how many it took.
pub(super) fn draw(pen: &mut Pen<'_>, view: &View<'_>, account: AccountKey) -> u16 {
    let margin = margin(view.state, view.market, None, account);
    if margin.source != Source::Terms {
        return 0;
    }
    let (theme, wide) = (view.theme, pen.width());
    let head = format!("~ by public terms, {}", margin.base);
    pen.put_within(1, COLUMNS[0] + 1, 0, &head, theme.faint);
    let has_ahead = wide > COLUMNS[1];
    if has_ahead {
        pen.right(COLUMNS[1], 0, margin.ahead_word(), theme.faint);
    }
    let decimals = margin.base.minor_decimals();
    let amount = |amount: Option<Money>| match amount {
        Some(money) => (format!("~{}", number::money(money, decimals)), ink(theme.text)),
        None => (number::UNKNOWN.to_owned(), ink(theme.faint)),
    };
    let mut y = 1;
    for (label, of) in FIGURES {
        let (now, ahead) = (of(&margin.now), of(&margin.ahead));
        if now.is_none() && ahead.is_none() {
            continue;
        }
        pen.put(1, y, label, theme.dim);
        let (text, style) = amount(now);
        pen.right_within(18, COLUMNS[0], y, &text, style);
        if has_ahead {
            let (text, style) = amount(ahead);
            pen.right(COLUMNS[1], y, &text, style);
        }
        y += 1;
        if label == "available funds" {
            let power = |funds: Option<Money>| funds.and_then(|funds| buying_power(account.broker, funds));
            let (now, ahead) = (power(now), power(ahead));
            pen.put(1, y, "buying power", theme.dim);
            let (text, style) = amount(now);
            pen.right_within(18, COLUMNS[0], y, &text, style);
            if has_ahead {
                let (text, style) = amount(ahead);
                pen.right(COLUMNS[1], y, &text, style);
            }
            y += 1;
        }
    }
    if let Some(why) = &margin.unknown {
        let end = wide.saturating_sub(1);
        pen.put_within(1, end, y, &format!("{} {why}", number::UNKNOWN), theme.dim);
        y += 1;
    }
    y + 1
}
