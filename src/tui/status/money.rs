//! The money on the status bar: the day's profit, the open one, and the worth, each as one figure in the account's own
//! currency. What was converted has a `~` before it; where a rate is missing the currencies stand beside each other instead,
//! and nothing is added.

use super::Part;
use crate::domain::{AccountKey, Currency, Money, Timestamp};
use crate::tui::desk::Desk;
use crate::tui::forecast::{bold, span};
use crate::tui::profit::{Total, in_base, totals};
use crate::tui::widgets::number;
use ratatui::text::Span;

/// Day, open, worth; the day goes last of them.
pub(super) fn parts(desk: &Desk, account: AccountKey, now: Timestamp) -> [Part; 3] {
    let view = desk.world.view(now);
    let all = totals(&view, account);
    let base = desk
        .world
        .state
        .accounts
        .get(&account)
        .map(|state| state.account.base);
    let part = |(label, worth): (&str, u8), pick: fn(&Total) -> Option<Money>, is_profit: bool| {
        let mut amounts: Vec<(Currency, Option<Money>)> = all
            .iter()
            .map(|(currency, total)| (*currency, pick(total)))
            .collect();
        let mut first = true;
        amounts.retain(|(_, amount)| std::mem::take(&mut first) || *amount != Some(Money::ZERO));
        let sum = base
            .filter(|_| amounts.len() > 1)
            .and_then(|base| Some((base, in_base(&view, account, &amounts)?)));
        let figures = Figures {
            desk,
            base,
            is_profit,
            is_converted: sum.is_some(),
            amounts: sum.map_or(amounts, |(base, sum)| vec![(base, Some(sum))]),
        };
        Part {
            worth,
            short: Some(figures.spans(label, false)),
            spans: figures.spans(label, true),
        }
    };
    [
        part(("day", 8), |total| total.day, true),
        part(("open", 3), |total| total.open, true),
        part(("net", 3), |total| total.net, false),
    ]
}

/// One total: in one currency, or in several that nobody can add.
struct Figures<'a> {
    desk: &'a Desk,
    base: Option<Currency>,
    amounts: Vec<(Currency, Option<Money>)>,
    is_profit: bool,
    is_converted: bool,
}

impl Figures<'_> {
    /// At most two currencies, the others counted. Short is without the minor unit, and without the account's own currency.
    fn spans(&self, label: &str, is_long: bool) -> Vec<Span<'static>> {
        let theme = &self.desk.world.theme;
        let mut spans = vec![span(format!("{label} "), theme.dim)];
        for (i, (currency, amount)) in self.amounts.iter().take(2).enumerate() {
            let gap = if i > 0 { " · " } else { "" };
            spans.push(match amount {
                _ if self.desk.world.masked => span(format!("{gap}····"), theme.dim),
                None => span(format!("{gap}{}", number::UNKNOWN), theme.dim),
                Some(amount) => self.amount(gap, *amount, *currency, is_long),
            });
            // The account's own currency goes without saying where it is the only one.
            let is_plain = self.amounts.len() == 1 && Some(*currency) == self.base;
            if !is_plain || (self.is_converted && is_long) {
                spans.push(span(format!(" {currency}"), theme.dim));
            }
        }
        let more = self.amounts.len().saturating_sub(2);
        if more > 0 {
            spans.push(span(format!(" · {more} more"), theme.dim));
        }
        if self.amounts.is_empty() {
            spans.push(span(number::UNKNOWN, theme.dim));
        }
        spans
    }

    /// One amount, a profit with its arrow.
    fn amount(&self, gap: &str, amount: Money, currency: Currency, is_long: bool) -> Span<'static> {
        let theme = &self.desk.world.theme;
        let decimals = if is_long {
            currency.minor_decimals().min(4)
        } else {
            0
        };
        let gap = if self.is_converted {
            format!("{gap}~")
        } else {
            gap.to_owned()
        };
        if !self.is_profit {
            return span(format!("{gap}{}", number::money(amount, decimals)), theme.text);
        }
        let colour = match amount.raw().signum() {
            1 => theme.up,
            -1 => theme.down,
            _ => theme.text,
        };
        bold(format!("{gap}{}", number::profit(amount, decimals)), colour)
    }
}
