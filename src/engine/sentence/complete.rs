//! What may come next in a sentence that is being typed: verbs, amounts, symbols, and the words of an order that are not
//! said yet. It knows the grammar, not the screen; whoever asks shows the first, or all.

use super::Templates;
use super::clauses::JOINTS;
use super::words::{Word, Words};
use crate::engine::state::State;

/// The verbs, long before short.
pub const VERBS: &[&str] = &[
    "buy",
    "sell",
    "close",
    "flat",
    "x",
    "reverse",
    "breakeven",
    "protect",
    "confirm",
];
const SIDES: &[&str] = &["buy", "sell"];
const AMOUNTS: &[&str] = &["all", "half", "risk"];
/// Words of an order, by what they are about: of each kind one is said.
const CLAUSES: &[&[&str]] = &[
    &[
        "@bid", "@ask", "@mid", "@last", "mkt", "stp", "trail", "moc", "loc", "mid",
    ],
    &["stop"],
    &["target"],
    &["tpl"],
    &["day", "gtc", "ioc", "fok", "opg", "gtd"],
    &["outside"],
    &["short"],
    &["show"],
    &["park"],
    &["oco"],
    &["then"],
];
/// Words of an order that something has to follow.
const WITH_VALUE: &[&str] = &["lmt", "stp", "trail", "loc", "stop", "target", "show", "gtd", "@"];
/// How many names are offered at most.
const MOST: usize = 12;

/// What may stand where the text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Verb,
    /// Behind `oco` or `then` an order is all there can be.
    Side,
    Amount,
    Symbol,
    SymbolOrAll,
    All,
    Clause,
    Template,
    /// A number, or nothing at all.
    Value,
}

/// The words that fit where the text ends and begin with what is typed there, in the order they are likely.
pub fn complete(text: &str, state: &State, templates: &Templates) -> Vec<String> {
    let typed = text
        .rsplit(|c: char| c.is_ascii_whitespace())
        .next()
        .unwrap_or_default();
    let before = &text[..text.len() - typed.len()];
    let words: Vec<Word> = Words::new(before).collect();
    let begins = |word: &&&str| {
        let head = word.get(..typed.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(typed))
    };
    let fixed =
        |words: &[&str]| -> Vec<String> { words.iter().filter(begins).map(|w| (*w).to_owned()).collect() };
    match place(&words) {
        Place::Amount if typed.starts_with('{') => symbols(typed, state),
        Place::Verb => fixed(VERBS),
        Place::Side => fixed(SIDES),
        Place::Amount => fixed(AMOUNTS),
        Place::Symbol => symbols(typed, state),
        Place::SymbolOrAll => {
            let mut all = fixed(&["all"]);
            all.extend(symbols(typed, state));
            all
        }
        Place::All => fixed(&["all"]),
        Place::Clause => clauses(&words, &begins),
        Place::Template => {
            let names: Vec<&str> = templates.keys().map(String::as_str).collect();
            fixed(&names)
        }
        Place::Value => Vec::new(),
    }
}

fn place(words: &[Word]) -> Place {
    // A second order begins behind oco or then.
    let from = words
        .iter()
        .rposition(|word| JOINTS.iter().any(|joint| word.is(joint)))
        .map_or(0, |at| at + 1);
    let words = &words[from..];
    let Some((verb, rest)) = words.split_first() else {
        return if from == 0 { Place::Verb } else { Place::Side };
    };
    let verb = verb.text.to_ascii_lowercase();
    match (verb.as_str(), rest) {
        ("buy" | "b" | "sell" | "s", rest) => in_order(rest),
        ("x" | "cancel" | "flat" | "flatten", []) => Place::SymbolOrAll,
        ("x" | "cancel", [_]) => Place::All,
        ("close" | "reverse" | "rev" | "breakeven" | "be" | "protect" | "confirm", []) => Place::Symbol,
        _ => Place::Value,
    }
}

fn in_order(rest: &[Word]) -> Place {
    let risk = rest.first().is_some_and(|word| word.is("risk"));
    let head = if risk { 3 } else { 2 };
    match rest {
        [] => Place::Amount,
        [first, ..] if first.text.starts_with('{') && !first.text.ends_with('}') => Place::Symbol,
        [first] if first.text.starts_with('{') => Place::Amount,
        [_] if risk => Place::Value,
        _ if rest.len() < head => Place::Symbol,
        [.., last] if last.is("tpl") => Place::Template,
        [.., last] if rest.len() > head && WITH_VALUE.iter().any(|word| last.is(word)) => Place::Value,
        _ => Place::Clause,
    }
}

/// The words of an order that are not said yet.
fn clauses(words: &[Word], begins: &dyn Fn(&&&str) -> bool) -> Vec<String> {
    let is_said = |kind: &&&[&str]| {
        let mut said = words.iter();
        said.any(|word| {
            kind.iter().any(|known| word.is(known)) || (kind[0] == "@bid" && word.text.starts_with('@'))
        })
    };
    let mut open: Vec<String> = Vec::new();
    if words.last().is_some_and(|word| word.text.starts_with('@')) {
        open.extend(["peg"].iter().filter(begins).map(|word| (*word).to_owned()));
    }
    for kind in CLAUSES.iter().filter(|kind| !is_said(kind)) {
        open.extend(kind.iter().filter(begins).map(|word| (*word).to_owned()));
    }
    // What follows the market is rarer than anything that can be said once.
    if open.first().is_some_and(|word| word == "peg") && open.len() > 1 {
        open.rotate_left(1);
    }
    open
}

/// Instruments and roots that begin so; in braces the last of them counts.
fn symbols(typed: &str, state: &State) -> Vec<String> {
    let (head, last) = match typed.rfind(['{', ',']) {
        Some(at) => typed.split_at(at + 1),
        None => ("", typed),
    };
    let upper = last.to_ascii_uppercase();
    if upper.is_empty() {
        return Vec::new();
    }
    let mut names: Vec<&str> = state
        .instruments
        .values()
        .flat_map(|i| {
            i.root
                .as_ref()
                .map(|root| root.as_str())
                .into_iter()
                .chain([i.id.as_str()])
        })
        .filter(|name| name.starts_with(&upper))
        .collect();
    names.dedup();
    names.sort_by_key(|name| (name.len(), *name));
    names.dedup();
    names
        .into_iter()
        .take(MOST)
        .map(|name| format!("{head}{name}"))
        .collect()
}
