//! What the broker says of the account: worth, what is free, margin now and as it will be, its own profit beside ours, and
//! the rates it converts at. The broker's numbers as they came: nothing here is counted by us but what says "ours".

use super::read;
use crate::domain::{Currency, Money};
use crate::engine::state::AccountState;
use crate::tui::pane::View;
use crate::tui::profit::Total;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, ink};
use std::collections::BTreeMap;

/// Label, its name at Interactive Brokers, and the name of what it will be after the next change of margins.
const FIGURES: [(&str, &str, &str); 6] = [
    ("net liquidation", "NetLiquidation", ""),
    ("available funds", "AvailableFunds", "LookAheadAvailableFunds"),
    ("buying power", "BuyingPower", ""),
    ("initial margin", "InitMarginReq", "LookAheadInitMarginReq"),
    ("maint. margin", "MaintMarginReq", "LookAheadMaintMarginReq"),
    ("excess liquidity", "ExcessLiquidity", "LookAheadExcessLiquidity"),
];
/// Where the columns of numbers end.
const COLUMNS: [u16; 2] = [34, 51];

/// The figures by name and currency.
type Told<'a> = BTreeMap<(&'a str, &'a str), Money>;

/// The account's own currency first; then what the broker calls its base.
fn pick(told: &Told<'_>, name: &str, base: Currency) -> Option<Money> {
    let currencies = [base.as_str(), "BASE", ""];
    currencies
        .iter()
        .find_map(|currency| told.get(&(name, *currency)).copied())
}

/// What is left of the worth to hold positions with, in percent, by the broker's word; nothing where it does not tell.
pub(super) fn excess_percent(view: &View<'_>, state: &AccountState) -> Option<f64> {
    let told = told(view, state);
    let base = state.account.base;
    let excess = pick(&told, "ExcessLiquidity", base)?.to_f64();
    let net = pick(&told, "NetLiquidation", base)?.to_f64();
    (net > 0.0).then(|| 100.0 * excess / net)
}

fn told<'a>(view: &View<'a>, state: &AccountState) -> Told<'a> {
    let figures = view
        .health
        .and_then(|(health, _)| health.figures.get(&state.account.key));
    figures
        .into_iter()
        .flatten()
        .map(|(name, currency, amount)| ((name.as_str(), currency.as_str()), *amount))
        .collect()
}

/// What the broker tells of times and counts: day trades left, and when its margins change next.
fn counts(told: &Told<'_>, base: Currency) -> String {
    let trades = match pick(told, "DayTradesRemaining", base).map(Money::to_f64) {
        Some(left) if left < 0.0 => "day trades without a limit".to_owned(),
        Some(left) => format!("{left:.0} day trades left"),
        None => "day trades left --".to_owned(),
    };
    let next = match pick(told, "LookAheadNextChange", base).map(Money::to_f64) {
        Some(hours) if hours > 0.0 => format!("look-ahead margin from {hours:.0}:00 on"),
        _ => "when margin changes next --".to_owned(),
    };
    format!("{trades}   {next}")
}

/// Draws as many rows as there is room for, most important first. Answers how many it took.
pub(super) fn draw(pen: &mut Pen<'_>, view: &View<'_>, state: &AccountState, ours: Option<Total>) -> u16 {
    let Some((_, at)) = view.health else {
        return 0;
    };
    let (key, base, theme) = (state.account.key, state.account.base, view.theme);
    let told = told(view, state);
    let decimals = base.minor_decimals();
    let head = format!(
        "{} says, {}, {} ago",
        key.broker,
        base.as_str(),
        number::age(view.now.since(at))
    );
    pen.put_within(1, pen.width(), 0, &head, theme.faint);
    let wide = pen.width() > COLUMNS[1];
    if wide {
        pen.right(COLUMNS[1], 0, "look-ahead", theme.faint);
    }
    let amount = |money: Option<Money>| match money {
        Some(money) => (number::money(money, decimals), ink(theme.text)),
        None => (number::UNKNOWN.to_owned(), ink(theme.faint)),
    };
    let mut y = 1;
    for (label, now, later) in FIGURES {
        pen.put(1, y, label, theme.dim);
        let (text, style) = amount(pick(&told, now, base));
        pen.right_within(18, COLUMNS[0], y, &text, style);
        if wide && !later.is_empty() {
            let (text, style) = amount(pick(&told, later, base));
            pen.right(COLUMNS[1], y, &text, style);
        }
        y += 1;
    }
    let realized = view.state.realized(key).get(&base).copied().unwrap_or_default();
    let open = ours.and_then(|total| total.open);
    // The broker counts what it realised by the day; ours is since the journal's opening, fees taken off.
    for (label, name, whose, ours) in [
        ("open P&L", "UnrealizedPnL", "ours", open),
        ("realised P&L", "RealizedPnL", "ours in all", Some(realized)),
    ] {
        pen.put(1, y, label, theme.dim);
        let theirs = pick(&told, name, base);
        let style = theirs.map_or(ink(theme.faint), |money| ink(read::profit_color(view, money)));
        pen.right_within(18, COLUMNS[0], y, &read::profit(theirs, Some(base)), style);
        let beside = format!("{whose} {}", read::profit(ours, Some(base)));
        pen.put_within(COLUMNS[0] + 2, pen.width(), y, &beside, theme.dim);
        y += 1;
    }
    let rates: Vec<String> = told
        .iter()
        .filter(|((name, currency), _)| *name == "ExchangeRate" && *currency != base.as_str())
        .filter(|((_, currency), _)| *currency != "BASE")
        .map(|((_, currency), rate)| format!("{currency} {}", number::money(*rate, 4)))
        .collect();
    if !rates.is_empty() {
        pen.put(1, y, "rates", theme.dim);
        pen.put_within(18, pen.width(), y, &rates.join("  "), theme.text);
        y += 1;
    }
    pen.put_within(1, pen.width(), y, &counts(&told, base), theme.dim);
    y + 2
}
