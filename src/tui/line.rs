//! The order line: what is being typed after `:`, its history, and what it means. A sentence is the engine's own language;
//! a few words are the desk's. Reading is a pure function of the text and the view, so that the preview beside the line
//! and the Enter that sends can't differ.

use super::forecast::{Forecast, forecast};
use super::palette::action_named;
use super::pane::View;
use super::panes::watchlist::filter::Filter;
use super::pin::Pin;
use super::theme::nearest;
use super::ticket::Ticket;
use crate::domain::{AccountKey, ClientOrderId, Currency, Money, Timestamp};
use crate::engine::Command;
use crate::engine::sentence::{Resolved, Scene, Sentence, SentenceError, names_account, parse, resolve};
use std::ops::Range;
use tui_input::{Input, InputRequest};

/// How many lines the history keeps.
const HISTORY: usize = 100;

/// The words of the desk itself, with what may follow and what they do.
pub const DESK_WORDS: &[(&str, &str, &str)] = &[
    ("theme", "NAME", "other colours"),
    (
        "arm",
        "[LAST FOUR] | api [15m] [LAST FOUR]",
        "allow this terminal (or programs, for a time) to add risk; a live account wants the last four of its name",
    ),
    ("disarm", "[api]", "stop allowing it"),
    ("token", "", "take the trading token from whoever has it"),
    (
        "halt",
        "[all]",
        "let nothing leave that adds risk, and cancel entries; with all protective stops too",
    ),
    ("reduce", "", "let only what reduces a position leave"),
    ("resume", "", "allow risk again"),
    (
        "differences",
        "",
        "where ours and the broker's do not agree, and what to do about it",
    ),
    (
        "limit",
        "NAME VALUE|config [for TIME] [all] [LAST FOUR]",
        "set a limit while the engine runs; above config.toml's it wants the last four of the account",
    ),
    (
        "record",
        "split|dividend|expire|assign|transfer|exdate SYMBOL …",
        "a change of a position that is no trade: split AAPL 4:1, transfer AAPL -50; exdate AAPL 2026-12-04 split 4:1",
    ),
    (
        "acknowledge",
        "",
        "you have looked at what opened the broker's circuit breaker; it is tried again once everything was read",
    ),
    ("reconcile", "", "read and compare what the broker knows, now"),
    (
        "accept",
        "SYMBOL|gap",
        "take the broker's position for ours, or acknowledge a gap in executions",
    ),
    (
        "find",
        "SYMBOL",
        "ask the broker for an instrument: ES FUT CME, SAP STK IBIS EUR",
    ),
    (
        "alert",
        "AAPL > 200 [repeat 5m] [expires 5d] | list | remove N | pause N",
        "say when it comes true, with no terminal attached too",
    ),
    ("account", "NAME", "another account on the desk"),
    (
        "layout",
        "[save|drop] NAME|reset",
        "lay this workspace out as saved by that name",
    ),
    ("workspace", "NAME", "another workspace"),
    ("pane", "NAME", "show a pane here, as a tab"),
    ("split", "NAME", "show a pane below this one"),
    ("vsplit", "NAME", "show a pane to the right of this one"),
    ("do", "ACTION", "any action of the key table by its name"),
    (
        "orders",
        "open|today|all SYMBOL TEXT",
        "which orders are listed; all are those of all days",
    ),
    (
        "executions",
        "today|week|all SYMBOL TEXT",
        "which executions are listed",
    ),
    ("activity", "all|fills|warnings TEXT", "what the feed tells of"),
    (
        "log",
        "error|warn|info|debug TEXT",
        "which lines of the program's log are shown",
    ),
    ("preopen", "", "what to look at before the open"),
    (
        "close",
        "",
        "alone: what to look at before the close; with a symbol: close the position",
    ),
    (
        "statement",
        "[2026-11-25|yesterday]",
        "what was traded today, or on another day, and what it made",
    ),
    ("connect", "", "make the connection to the broker again"),
    (
        "disconnect",
        "",
        "cut the connection to the broker; its orders stay, nobody here sees them",
    ),
    (
        "watch",
        "[add|remove] SYMBOL, group|drop NAME",
        "change the watchlist, or open a list of your own",
    ),
    (
        "filter",
        "[last > 5 and volume > 1m]",
        "show only such rows of the watchlist; alone, all",
    ),
    (
        "columns",
        "[NAME ...]",
        "the columns of the watchlist; alone, the usual ones",
    ),
    ("sort", "COLUMN [up|down]", "the order of the watchlist"),
    (
        "tape",
        "[SIZE | large SIZE]",
        "leave smaller prints out, or mark large ones; alone, all",
    ),
    (
        "study",
        "add NAME|remove NAME|clear",
        "studies of the chart: study add rsi 14, study remove rsi",
    ),
    ("bars", "LENGTH", "how long the chart's bars are: bars 15m"),
    (
        "style",
        "NAME",
        "how the chart is drawn: candles, bars, heikin-ashi, line, area; or ascii",
    ),
    ("help", "", "the keys"),
    ("quit", "", "leave; the engine goes on"),
    ("stop", "", "stop the engine and leave"),
];

/// The line being typed.
#[derive(Clone, Debug)]
pub struct Line {
    input: Input,
    /// When the text last changed: what it means has stood since.
    pub changed_at: Timestamp,
    /// Which of the history's lines is shown, counted from the newest; nothing for a line of its own.
    recalled: Option<usize>,
    /// What Enter sends, where the line is an order or several.
    pub pin: Option<Pin>,
    /// When the text as it is was last read in order to pin it.
    pub tried_at: Option<Timestamp>,
    /// The ticket that it goes on from: what leaving the line comes back to.
    pub draft: Option<Box<Ticket>>,
}

/// Commands, and what they would do.
#[derive(Clone, Debug, Default)]
pub struct Meaning {
    /// In the order they are sent.
    pub commands: Vec<Command>,
    /// What each would do.
    pub ahead: Vec<Forecast>,
    /// What was rounded, converted or chosen.
    pub notes: Vec<String>,
}

/// What a line means.
#[derive(Clone, Debug)]
pub enum Reading {
    /// Nothing is typed.
    Empty,
    /// A word of the desk, and what follows it.
    Desk(&'static str, String),
    /// A symbol alone: put it on the desk.
    Symbol(crate::domain::InstrumentId),
    /// Commands, and what they would do.
    Commands(Meaning),
    /// Flatten the whole account, which asks first.
    FlattenAccount,
    /// It means nothing; where, and why.
    Wrong(Range<usize>, String),
}

impl Line {
    /// An empty line.
    pub fn new(now: Timestamp) -> Self {
        Self {
            input: Input::default(),
            changed_at: now,
            recalled: None,
            pin: None,
            tried_at: None,
            draft: None,
        }
    }
    /// What is typed.
    pub fn text(&self) -> &str {
        self.input.value()
    }
    /// Where the cursor is, in columns from the line's beginning.
    pub fn cursor(&self) -> usize {
        self.input.visual_cursor()
    }
    /// Changes the text or moves in it.
    pub fn edit(&mut self, request: InputRequest, now: Timestamp) {
        if self.input.handle(request).is_some_and(|change| change.value) {
            self.changed_at = now;
            self.recalled = None;
            (self.pin, self.tried_at) = (None, None);
        }
    }
    /// Puts text in at the cursor.
    pub fn insert(&mut self, text: &str, now: Timestamp) {
        for c in text.chars().filter(|c| !c.is_control()).take(256) {
            self.edit(InputRequest::InsertChar(c), now);
        }
    }
    /// Shows an older (or newer) line.
    pub fn recall(&mut self, history: &[String], older: bool, now: Timestamp) {
        let next = match (self.recalled, older) {
            (None, true) => Some(0),
            (Some(n), true) => Some((n + 1).min(history.len().saturating_sub(1))),
            (Some(0) | None, false) => None,
            (Some(n), false) => Some(n - 1),
        };
        let text = next
            .and_then(|n| history.iter().rev().nth(n))
            .cloned()
            .unwrap_or_default();
        self.input = Input::new(text);
        self.changed_at = now;
        (self.pin, self.tried_at) = (None, None);
        self.recalled = next.filter(|_| !history.is_empty());
    }
    /// Takes the rest of a word in, where the line ends.
    pub fn complete(&mut self, rest: &str, now: Timestamp) {
        self.edit(InputRequest::GoToEnd, now);
        self.insert(rest, now);
    }
}

/// Adds a line to the history, once.
pub fn remember(history: &mut Vec<String>, text: &str) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    history.retain(|line| line != text);
    history.push(text.to_owned());
    history.drain(..history.len().saturating_sub(HISTORY));
}

/// What `text` means now. `new_id` names the orders of a sentence.
pub fn read(text: &str, view: &View<'_>, new_id: &mut dyn FnMut() -> ClientOrderId) -> Reading {
    let Some(first) = text.split_whitespace().next() else {
        return Reading::Empty;
    };
    let lower = first.to_ascii_lowercase();
    // With a symbol it is the order that closes.
    let is_word = |word: &str| word == lower && (word != "close" || text.trim() == first);
    if lower == "alert" {
        return super::alerts::read_line(text, view);
    }
    if let Some((word, ..)) = DESK_WORDS.iter().find(|(word, ..)| is_word(word)) {
        let rest = text.trim_start()[first.len()..].trim();
        if *word == "filter"
            && !rest.is_empty()
            && let Err(error) = Filter::parse(rest)
        {
            // Where the rest begins, so that the mark stands under the word that is wrong.
            let from = text.find(rest).unwrap_or(0);
            return Reading::Wrong(error.at.start + from..error.at.end + from, error.text);
        }
        return Reading::Desk(word, rest.to_owned());
    }
    let alone = text.split_whitespace().count() == 1;
    if alone && lower.contains('-') && action_named(&lower).is_some() {
        return Reading::Desk("do", lower);
    }
    if let (true, Some(instrument)) = (alone, view.state.resolve(first, view.venue_now)) {
        return Reading::Symbol(instrument.id);
    }
    let wrong = |SentenceError { at, text }| Reading::Wrong(at, text);
    let sentence = match parse(text) {
        Ok(Sentence::Flat {
            symbol: None,
            last_four,
        }) => {
            let named = view
                .account
                .map(|account| names_account(view.state, account, last_four.as_ref()));
            return match named {
                Some(Err(error)) => wrong(error),
                _ => Reading::FlattenAccount,
            };
        }
        Ok(sentence) => sentence,
        Err(error) => return wrong(with_hint(error, &lower)),
    };
    let Some(account) = view.account else {
        return Reading::Wrong(0..0, "no account is known yet".to_owned());
    };
    let scene = Scene {
        state: view.state,
        market: view.market,
        account,
        now: view.venue_now,
        net_liquidation: told_worth(view, account),
        templates: view.templates,
    };
    match resolve(&sentence, &scene, new_id) {
        Ok(Resolved { commands, notes }) => Reading::Commands(Meaning {
            ahead: commands.iter().map(|command| forecast(command, view)).collect(),
            commands,
            notes,
        }),
        Err(error) => wrong(error),
    }
}

/// What the broker says the account is worth, where it tells.
fn told_worth(view: &View<'_>, account: AccountKey) -> Option<(Money, Currency)> {
    let (health, _) = view.health?;
    let mut figures = health.figures.get(&account)?.iter();
    let (_, currency, worth) = figures.find(|(name, ..)| name.as_str() == "NetLiquidation")?;
    Some((*worth, currency.as_str().parse().ok()?))
}

/// A verb that is nearly a word of the desk is named.
fn with_hint(error: SentenceError, first: &str) -> SentenceError {
    let near = nearest(first, DESK_WORDS.iter().map(|(word, ..)| *word));
    match near {
        Some(word) if error.at.start == 0 => SentenceError {
            text: format!("'{first}' is no verb; did you mean '{word}'?"),
            ..error
        },
        _ => error,
    }
}
