//! What a statement tells beside trades: splits, dividends in shares, transfers, expiries, assignments. Each becomes a proposal,
//! in the words that record it (`:record split AAPL 4:1`): a person says them, and the fact carries their cause.
//!
//! Read are the sections Corporate Actions, Transfers and Option Exercises of activity statements and of Flex queries, found
//! by the names of their columns. What is none of these kinds (a merger, a spin-off, cash) is named and proposes nothing.

use super::{Head, lines, moment};
use crate::domain::{Price, Quantity, SafeText, Timestamp};
use crate::engine::changes::ChangeCause;

/// A change of a position as a statement tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// In which line of the file, from 1.
    pub line: usize,
    /// Whose, where the file says it.
    pub account: Option<String>,
    /// Of what, in the file's word.
    pub symbol: String,
    /// What it is; nothing where that is no kind that can be recorded.
    pub cause: Option<ChangeCause>,
    /// How much more is held, or less.
    pub quantity: Quantity,
    /// So many new for so many old, of a split.
    pub ratio: Option<(u32, u32)>,
    /// At what price, where it is booked like a trade.
    pub price: Option<Price>,
    /// When, where it can be read.
    pub at: Option<Timestamp>,
    /// The file's own words.
    pub said: String,
}

/// What a line begins: a table of one of these kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Corporate,
    Transfers,
    Options,
}

impl Section {
    fn of(name: &str) -> Option<Self> {
        match name {
            "Corporate Actions" => Some(Self::Corporate),
            "Transfers" => Some(Self::Transfers),
            "Option Exercises, Assignments and Expirations" | "Option Cash Settlements" => {
                Some(Self::Options)
            }
            _ => None,
        }
    }
    /// Of a file whose sections have no names: by a column that no other has.
    fn of_head(head: &Head) -> Option<Self> {
        let has = |what| head.has(what);
        if !has("quantity") || !(has("symbol") || has("description")) {
            None
        } else if has("action") {
            Some(Self::Corporate)
        } else if has("direction") {
            Some(Self::Transfers)
        } else if has("event") && !has("side") && !has("id") {
            // Tables of trades may name the kind of each, too.
            Some(Self::Options)
        } else {
            None
        }
    }
}

/// True where a line is the head of such a table.
pub(super) fn is_head(head: &Head) -> bool {
    Section::of_head(head).is_some()
}

/// What a statement tells beside trades; empty where it tells nothing.
///
/// # Errors
/// In words: the line that can't be read.
pub fn read_actions(text: &str) -> Result<Vec<Action>, String> {
    let mut table: Option<(Section, Head)> = None;
    let mut actions = Vec::new();
    for (number, fields) in (1..).zip(lines(text)?) {
        let first = fields.first().map_or("", String::as_str);
        let kind = fields.get(1).map_or("", String::as_str);
        let head = Head::read(&fields);
        match (Section::of(first), kind) {
            (Some(section), "Header") => {
                table = Some((section, head));
                continue;
            }
            (Some(_), "Data") => {}
            (None, "Header" | "Data" | "SubTotal" | "Total" | "Notes") | (Some(_), _) => continue,
            (None, _) => {
                if let Some(section) = Section::of_head(&head) {
                    table = Some((section, head));
                    continue;
                }
                if head.is_one() {
                    table = None;
                }
            }
        }
        let Some((section, head)) = &table else { continue };
        let quantity = head.of("quantity", &fields);
        if quantity.is_empty() || head.of("symbol", &fields).starts_with("Total") {
            continue;
        }
        let action = action(number, *section, head, &fields)?;
        // Cash alone moves no position.
        if !action.quantity.is_zero() {
            actions.push(action);
        }
    }
    Ok(actions)
}

fn action(line: usize, section: Section, head: &Head, fields: &[String]) -> Result<Action, String> {
    let number = |what: &str| head.of(what, fields).replace(',', "");
    let wrong = |what: &str| {
        let said: String = head.of(what, fields).chars().take(24).collect();
        format!("line {line}: the {what} '{}' is no number", SafeText::new(&said))
    };
    let mut quantity: Quantity = number("quantity").parse().map_err(|_| wrong("quantity"))?;
    let text = |what: &str| head.of(what, fields).to_owned();
    let said = match section {
        Section::Corporate => [text("action"), text("description")].join(" "),
        Section::Transfers => [text("type"), text("direction")].join(" "),
        Section::Options => [text("event"), text("type")].join(" "),
    };
    let said = said.trim().to_owned();
    let words = said.to_ascii_lowercase();
    let has = |word: &str| words.contains(word);
    let price = || number("price").parse::<Price>().ok();
    let (cause, price) = match section {
        Section::Transfers => {
            if has("out") {
                quantity = quantity.abs().negated();
            }
            let at = price().filter(|price| *price > Price::ZERO);
            // What comes costs what it is valued at; what goes takes its cost along.
            (Some(ChangeCause::Transfer), at.filter(|_| quantity.is_positive()))
        }
        Section::Options if has("expir") => (Some(ChangeCause::Expiry), Some(Price::ZERO)),
        Section::Options if has("assign") || has("exercise") => (
            Some(ChangeCause::Assignment),
            Some(price().unwrap_or(Price::ZERO)),
        ),
        Section::Options => (None, None),
        Section::Corporate if has("split") => (Some(ChangeCause::Split), None),
        Section::Corporate if has("stock dividend") => (Some(ChangeCause::Dividend), None),
        Section::Corporate => (None, None),
    };
    let ratio = (cause == Some(ChangeCause::Split))
        .then(|| ratio(&words))
        .flatten();
    let symbol = match text("symbol") {
        // `AAPL(US0378331005) Split 4 for 1 …`
        none if none.is_empty() => {
            let described = text("description");
            described.split(['(', ' ']).next().unwrap_or("").to_owned()
        }
        symbol => symbol,
    };
    Ok(Action {
        line,
        account: Some(text("account")).filter(|text| !text.is_empty()),
        symbol,
        // A split without its ratio can't be recorded as one.
        cause: cause.filter(|cause| *cause != ChangeCause::Split || ratio.is_some()),
        quantity,
        ratio,
        price,
        at: moment(&text("time")),
        said,
    })
}

/// `split 4 for 1`, `split 4:1`, `1-for-10 reverse split`.
fn ratio(words: &str) -> Option<(u32, u32)> {
    let plain = words.replace("-for-", " for ").replace(':', " for ");
    let all: Vec<&str> = plain
        .split(|c: char| c.is_whitespace() || c == '(' || c == ')' || c == ',')
        .filter(|word| !word.is_empty())
        .collect();
    all.windows(3).find_map(|three| match three {
        [new, "for", old] => Some((new.parse().ok()?, old.parse().ok()?)),
        _ => None,
    })
}

impl Action {
    /// The words that record it, of an instrument as it is called here.
    pub fn words(&self, symbol: &str) -> Option<String> {
        let at = |price: Option<Price>| price.map_or_else(String::new, |price| format!(" @{price}"));
        let sign = if self.quantity.is_positive() { "+" } else { "" };
        let quantity = self.quantity;
        Some(match self.cause? {
            ChangeCause::Split => {
                let (new, old) = self.ratio?;
                format!("split {symbol} {new}:{old}")
            }
            ChangeCause::Dividend => format!("dividend {symbol} {}", quantity.abs()),
            ChangeCause::Expiry => format!("expire {symbol}"),
            ChangeCause::Assignment => format!("assign {symbol} {sign}{quantity}{}", at(self.price)),
            ChangeCause::Transfer => format!("transfer {symbol} {sign}{quantity}{}", at(self.price)),
        })
    }
}
