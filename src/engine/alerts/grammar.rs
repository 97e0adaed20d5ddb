//! The alert sentence, the same on the desk's command line and in the shell. Names are looked up while it is read; errors
//! point at the word. Grammar:
//!
//! ```text
//! sentence  := condition { clause } | "list" | ("remove" | "rm") (N | "all") | ("pause" | "resume") N
//! condition := both { "or" both }          both := part { "and" part }          part := "(" condition ")" | test
//! test      := SYMBOL [value] compare (NUMBER | value)
//!            | "pnl" ["day" | "open"] [SYMBOL | CURRENCY] compare MONEY
//!            | "position" SYMBOL compare QUANTITY
//!            | "order" [SYMBOL] ("filled" | "rejected" | "cancelled" | "working" SPAN)
//!            | "link" [BROKER] ("down" | "degraded" | "ready") [SPAN]
//!            | "system" ("halted" | "reducing" | "mismatch" | "gap")
//! value     := "last" | "bid" | "ask" | "mid" | "day%" | [TIMEFRAME] STUDY { NUMBER } [TIMEFRAME]
//! compare   := ">" | ">=" | "<" | "<=" | "=" | "above" | "below" | "crosses" ["above" | "below"]
//! clause    := "once" | "repeat" [SPAN] | "expires" (DATE | MOMENT | SPAN) | "do" deed { ("," | "and") deed }
//! deed      := "notify" | "terminal" | "command" | "webhook" | "mail" | "stage" 'ORDER SENTENCE'
//! ```
//!
//! Without a value the last price is meant, without a TIMEFRAME bars of a minute. A SPAN is `30s`, `5m`, `2h` or `3d`; a DATE
//! stands for the end of that trading day. `crosses` alone is `crosses above` where the price is below now, and the other
//! way round. An alert fires once unless `repeat` is said, and is told in every way that is set up unless `do` names some.

use super::condition::{Condition, Field, LinkWord, Op, OrderWord, Profit, SystemWord, Test, Value};
use super::words::{Word, Words, shown, wrong};
use super::{AlertId, AlertSpec, Channel, SHORTEST_REPEAT, TESTS, USUAL_REPEAT};
use crate::domain::{
    AccountKey, BrokerId, Currency, InstrumentId, Money, Price, Quantity, SafeText, Timestamp,
};
use crate::engine::sentence::{self, SentenceError};
use crate::engine::state::State;
use crate::market::studies::StudySpec;
use crate::market::{Market, Timeframe};
use jiff::civil::Date;
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

/// How deep parentheses may lie.
const DEEPEST: usize = 8;
/// The longest sentence, in bytes.
const LONGEST: usize = 400;

/// What names in a sentence are looked up in.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The state.
    pub state: &'a State,
    /// The market: where `crosses` alone has to know the side.
    pub market: &'a Market,
    /// The account that is meant where none can be named.
    pub account: Option<AccountKey>,
    /// The engine's time: what an expiry is counted from.
    pub now: Timestamp,
    /// The venue's time: which contract a root stands for.
    pub venue_now: Timestamp,
}

/// What a sentence says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Make an alert.
    Make(Box<AlertSpec>),
    /// Show them.
    List,
    /// Remove one, or all.
    Remove(Option<AlertId>),
    /// Stop or go on evaluating one.
    Pause(AlertId, bool),
}

/// Reads a sentence, without the word `alert` before it.
///
/// # Errors
/// The first word that does not fit, with what would; the end of the text where something is missing.
pub fn read(text: &str, names: &Names<'_>) -> Result<Said, SentenceError> {
    if text.len() > LONGEST {
        return wrong(
            text.floor_char_boundary(LONGEST)..text.len(),
            format!("a sentence has at most {LONGEST} characters"),
        );
    }
    let mut words = Words::of(text)?;
    if let Some(said) = housekeeping(&mut words)? {
        return Ok(said);
    }
    let mut tests = 0;
    let condition = any(&mut words, names, 0, &mut tests)?;
    let mut spec = AlertSpec {
        condition,
        repeat_s: None,
        expires: None,
        channels: BTreeSet::new(),
        stage: None,
    };
    while let Some(word) = words.take() {
        clause(&mut spec, &word, &mut words, names)?;
    }
    Ok(Said::Make(Box::new(spec)))
}

/// `list`, `remove 3`, `pause 3`, `resume 3`.
fn housekeeping(words: &mut Words) -> Result<Option<Said>, SentenceError> {
    let Some(first) = words.peek() else {
        return wrong(words.end..words.end, "what to wait for, such as alert AAPL > 200");
    };
    let said = match first.lower().as_str() {
        "list" => {
            words.take();
            Said::List
        }
        "remove" | "rm" => {
            words.take();
            let which = words.need("which alert: its number, or all")?;
            Said::Remove(if which.lower() == "all" {
                None
            } else {
                Some(number(&which)?)
            })
        }
        verb @ ("pause" | "resume") => {
            words.take();
            let which = words.need("which alert: its number")?;
            Said::Pause(number(&which)?, verb == "pause")
        }
        _ => return Ok(None),
    };
    match words.take() {
        Some(extra) => wrong(extra.at, format!("'{}' is not expected here", shown(&extra.text))),
        None => Ok(Some(said)),
    }
}

fn number(word: &Word) -> Result<AlertId, SentenceError> {
    match word.text.parse() {
        Ok(id) if id > 0 => Ok(AlertId(id)),
        _ => wrong(
            word.at.clone(),
            format!("'{}' is no number of an alert", shown(&word.text)),
        ),
    }
}

fn any(
    words: &mut Words,
    names: &Names<'_>,
    depth: usize,
    tests: &mut usize,
) -> Result<Condition, SentenceError> {
    let mut parts = vec![all(words, names, depth, tests)?];
    while words.take_if("or").is_some() {
        parts.push(all(words, names, depth, tests)?);
    }
    Ok(only_or(parts, Condition::Any))
}

fn all(
    words: &mut Words,
    names: &Names<'_>,
    depth: usize,
    tests: &mut usize,
) -> Result<Condition, SentenceError> {
    let mut parts = vec![part(words, names, depth, tests)?];
    while words.take_if("and").is_some() {
        parts.push(part(words, names, depth, tests)?);
    }
    Ok(only_or(parts, Condition::All))
}

fn only_or(mut parts: Vec<Condition>, combine: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            combine(parts)
        }
        None => combine(parts),
    }
}

fn part(
    words: &mut Words,
    names: &Names<'_>,
    depth: usize,
    tests: &mut usize,
) -> Result<Condition, SentenceError> {
    let first = words.need("a test, such as AAPL > 200")?;
    if first.text == "(" && !first.quoted {
        if depth >= DEEPEST {
            return wrong(first.at, format!("parentheses lie at most {DEEPEST} deep"));
        }
        let inside = any(words, names, depth + 1, tests)?;
        let close = words.need("the closing parenthesis")?;
        if close.text != ")" {
            return wrong(
                close.at,
                format!(
                    "'{}' is not expected here: and, or, or a closing parenthesis",
                    shown(&close.text)
                ),
            );
        }
        return Ok(inside);
    }
    *tests += 1;
    if *tests > TESTS {
        return wrong(first.at, format!("an alert has at most {TESTS} tests"));
    }
    test(&first, words, names).map(Condition::Is)
}

fn test(first: &Word, words: &mut Words, names: &Names<'_>) -> Result<Test, SentenceError> {
    match first.lower().as_str() {
        "pnl" => profit(words, names),
        "position" => {
            let instrument = symbol(&words.need("the symbol, such as position AAPL > 100")?, names)?;
            let op = compare(words)?;
            let quantity = words.need("a quantity, such as position AAPL > 100")?;
            Ok(Test::Position {
                account: account(first, names)?,
                instrument,
                op: plain(op)?,
                quantity: parse::<Quantity>(&quantity)?,
            })
        }
        "order" => order(words, names),
        "link" => link(words, names),
        "system" => {
            let word = words.need("what of the system: halted, reducing, mismatch or gap")?;
            Ok(Test::System(match word.lower().as_str() {
                "halted" => SystemWord::Halted,
                "reducing" => SystemWord::Reducing,
                "mismatch" => SystemWord::Mismatch,
                "gap" => SystemWord::Gap,
                _ => {
                    return wrong(
                        word.at,
                        format!(
                            "'{}' is not known: halted, reducing, mismatch or gap",
                            shown(&word.text)
                        ),
                    );
                }
            }))
        }
        _ => market(first, words, names),
    }
}

fn market(first: &Word, words: &mut Words, names: &Names<'_>) -> Result<Test, SentenceError> {
    let instrument = symbol(first, names)?;
    let left = match value(words, None)? {
        Some(value) => value,
        None => Value::Price(Field::Last),
    };
    let op = compare(words)?;
    let usual = match &left {
        Value::Study { timeframe, .. } => Some(*timeframe),
        _ => None,
    };
    let right = match value(words, usual)? {
        Some(value) => value,
        None => {
            let word = words.need("a number or a study to compare with, such as > 200")?;
            let text = match left {
                Value::DayPercent => word.text.strip_suffix('%').unwrap_or(&word.text),
                _ => &word.text,
            };
            Value::Number(parse::<Price>(&Word {
                text: text.to_owned(),
                ..word.clone()
            })?)
        }
    };
    let op = match op {
        (Op::CrossesAbove, true, _) => side(instrument, &left, &right, names),
        (op, ..) => op,
    };
    Ok(Test::Market {
        instrument,
        left,
        op,
        right,
    })
}

/// Which way a price has to go to cross a number.
fn side(instrument: InstrumentId, left: &Value, right: &Value, names: &Names<'_>) -> Op {
    let now = match left {
        Value::Price(field) => super::measure::price(names.market, instrument, *field),
        _ => None,
    };
    match (now, right) {
        (Some(now), Value::Number(than)) if now > *than => Op::CrossesBelow,
        _ => Op::CrossesAbove,
    }
}

/// A value where the next words name one. `usual` is the timeframe of the other side.
fn value(words: &mut Words, usual: Option<Timeframe>) -> Result<Option<Value>, SentenceError> {
    let Some(word) = words.peek() else { return Ok(None) };
    let field = match word.lower().as_str() {
        "last" | "price" => Some(Value::Price(Field::Last)),
        "bid" => Some(Value::Price(Field::Bid)),
        "ask" => Some(Value::Price(Field::Ask)),
        "mid" => Some(Value::Price(Field::Mid)),
        "day%" | "change%" | "chg%" => Some(Value::DayPercent),
        _ => None,
    };
    if field.is_some() {
        words.take();
        return Ok(field);
    }
    let mut timeframe = word.lower().parse::<Timeframe>().ok();
    if timeframe.is_some() {
        words.take();
    }
    let name = match words.peek() {
        Some(name) if name.text.starts_with(|c: char| c.is_ascii_alphabetic()) && !is_compare(&name) => name,
        _ if timeframe.is_some() => {
            let at = words.here();
            return wrong(at, "a study after the timeframe, such as 5m ema 9");
        }
        _ => return Ok(None),
    };
    words.take();
    let (mut study, mut at) = (name.lower(), name.at);
    while let Some(next) = words.peek() {
        if let Ok(said) = next.lower().parse::<Timeframe>() {
            timeframe = Some(said);
        } else if next.text.starts_with(|c: char| c.is_ascii_digit()) {
            study = format!("{study} {}", next.text);
            at.end = next.at.end;
        } else {
            break;
        }
        words.take();
    }
    if let Err(error) = study.parse::<StudySpec>() {
        return wrong(
            at,
            format!(
                "'{}' is no price (last, bid, ask, mid, day%) and no study: {error}",
                shown(&study)
            ),
        );
    }
    let timeframe = timeframe.or(usual).unwrap_or(Timeframe::M1);
    if timeframe.base().is_none() {
        return wrong(
            at,
            format!("there are no bars of {timeframe}: a length that 5 s divides"),
        );
    }
    Ok(Some(Value::Study {
        study: SafeText::new(&study),
        timeframe,
    }))
}

fn is_compare(word: &Word) -> bool {
    matches!(word.lower().as_str(), "above" | "below" | "crosses")
}

/// A comparison; whether it is a crossing whose side is not said; and where it stands.
fn compare(words: &mut Words) -> Result<(Op, bool, Range<usize>), SentenceError> {
    let word = words.need("a comparison, such as > 200")?;
    let op = match word.lower().as_str() {
        ">" | "above" => Op::Above,
        ">=" => Op::AtLeast,
        "<" | "below" => Op::Below,
        "<=" => Op::AtMost,
        "=" | "==" => Op::Equal,
        "crosses" => {
            let said = words.take_if("above").map(|_| Op::CrossesAbove);
            let said = said.or_else(|| words.take_if("below").map(|_| Op::CrossesBelow));
            return Ok((said.unwrap_or(Op::CrossesAbove), said.is_none(), word.at));
        }
        _ => {
            return wrong(
                word.at,
                format!(
                    "'{}' is no comparison: >, >=, <, <=, =, crosses above or crosses below",
                    shown(&word.text)
                ),
            );
        }
    };
    Ok((op, false, word.at))
}

/// What only prices can do is refused elsewhere.
fn plain((op, _, at): (Op, bool, Range<usize>)) -> Result<Op, SentenceError> {
    if op.crosses() {
        return wrong(at, "crosses is for prices and studies; use > or <");
    }
    Ok(op)
}

fn profit(words: &mut Words, names: &Names<'_>) -> Result<Test, SentenceError> {
    let at = words.here();
    let of = if words.take_if("open").is_some() {
        Profit::Open
    } else {
        words.take_if("day");
        Profit::Day
    };
    let account = account(
        &Word {
            text: "pnl".to_owned(),
            at,
            quoted: false,
        },
        names,
    )?;
    let base = names.state.accounts.get(&account).map(|entry| entry.account.base);
    let (mut instrument, mut currency) = (None, base);
    if let Some(word) = words
        .peek()
        .filter(|word| word.text.starts_with(|c: char| c.is_ascii_alphabetic()))
        && !is_compare(&word)
    {
        words.take();
        match (
            known_currency(&word, names),
            names.state.resolve(&word.text, names.venue_now),
        ) {
            (None, Some(found)) => (instrument, currency) = (Some(found.id), Some(found.currency)),
            (Some(known), _) => currency = Some(known),
            (None, None) => {
                return wrong(
                    word.at,
                    format!("'{}' is no symbol and no currency here", shown(&word.text)),
                );
            }
        }
    }
    let op = plain(compare(words)?)?;
    let amount = words.need("an amount of money, such as pnl day < -500")?;
    Ok(Test::Profit {
        account,
        instrument,
        currency: currency.unwrap_or(Currency::USD),
        of,
        op,
        amount: parse::<Money>(&amount)?,
    })
}

fn order(words: &mut Words, names: &Names<'_>) -> Result<Test, SentenceError> {
    let mut word = words.need("what became of an order: filled, rejected, cancelled or working 5m")?;
    let mut instrument = None;
    let known = |word: &Word| {
        matches!(
            word.lower().as_str(),
            "filled" | "rejected" | "cancelled" | "working"
        )
    };
    if !known(&word) {
        instrument = Some(symbol(&word, names)?);
        word = words.need("what became of the order: filled, rejected, cancelled or working 5m")?;
    }
    let became = match word.lower().as_str() {
        "filled" => OrderWord::Filled,
        "rejected" => OrderWord::Rejected,
        "cancelled" => OrderWord::Cancelled,
        "working" => OrderWord::Working(span(&words.need("for how long it works, such as working 5m")?)?),
        _ => {
            return wrong(
                word.at,
                format!(
                    "'{}' is not known: filled, rejected, cancelled or working 5m",
                    shown(&word.text)
                ),
            );
        }
    };
    Ok(Test::Order { instrument, became })
}

fn link(words: &mut Words, names: &Names<'_>) -> Result<Test, SentenceError> {
    let mut word = words.need("how the link is: down, degraded or ready")?;
    let is = |word: &Word| match word.lower().as_str() {
        "down" => Some(LinkWord::Down),
        "degraded" => Some(LinkWord::Degraded),
        "ready" => Some(LinkWord::Ready),
        _ => None,
    };
    let mut broker = None;
    if is(&word).is_none() {
        let named = BrokerId::new(&word.lower()).ok();
        broker = named.filter(|id| names.state.links.contains_key(id));
        if broker.is_none() {
            return wrong(
                word.at,
                format!(
                    "'{}' is no broker here, and not down, degraded or ready",
                    shown(&word.text)
                ),
            );
        }
        word = words.need("how the link is: down, degraded or ready")?;
    }
    let Some(is) = is(&word) else {
        return wrong(
            word.at,
            format!("'{}' is not known: down, degraded or ready", shown(&word.text)),
        );
    };
    let for_s = match words.peek().map(|word| span(&word)) {
        Some(Ok(seconds)) => {
            words.take();
            seconds
        }
        _ => 0,
    };
    Ok(Test::Link { broker, is, for_s })
}

fn clause(
    spec: &mut AlertSpec,
    word: &Word,
    words: &mut Words,
    names: &Names<'_>,
) -> Result<(), SentenceError> {
    match word.lower().as_str() {
        "once" => spec.repeat_s = None,
        "repeat" => {
            let said = words
                .peek()
                .filter(|word| word.text.starts_with(|c: char| c.is_ascii_digit()));
            let seconds = match said {
                Some(said) => {
                    words.take();
                    let seconds = span(&said)?;
                    if seconds < SHORTEST_REPEAT {
                        return wrong(
                            said.at,
                            format!("it repeats after {SHORTEST_REPEAT}s at the soonest"),
                        );
                    }
                    seconds
                }
                None => USUAL_REPEAT,
            };
            spec.repeat_s = Some(seconds);
        }
        "expires" | "until" => {
            let when = words.need("until when, such as expires 2026-12-24 or expires 5d")?;
            let until = moment(&when, spec, names)?;
            if until <= names.now {
                return wrong(when.at, format!("'{}' is over already", shown(&when.text)));
            }
            spec.expires = Some(until);
        }
        "do" => {
            deed(spec, words)?;
            while words.take_if(",").or_else(|| words.take_if("and")).is_some() {
                deed(spec, words)?;
            }
        }
        other => {
            let text = format!(
                "'{}' is not expected: and, or, once, repeat, expires or do",
                shown(other)
            );
            return wrong(word.at.clone(), text);
        }
    }
    Ok(())
}

fn deed(spec: &mut AlertSpec, words: &mut Words) -> Result<(), SentenceError> {
    let word =
        words.need("what to do: notify, terminal, command, webhook, mail or stage 'buy 100 AAPL @bid'")?;
    let lower = word.lower();
    if let Some(channel) = Channel::ALL.into_iter().find(|channel| channel.word() == lower) {
        spec.channels.insert(channel);
        return Ok(());
    }
    match lower.as_str() {
        "notify" => spec.channels.clear(),
        "stage" => {
            let order = words.need("the order in quotes, such as stage 'buy 100 AAPL @bid'")?;
            if !order.quoted {
                return wrong(order.at, "the order stands in quotes: stage 'buy 100 AAPL @bid'");
            }
            // One that could never be read is refused now, not when it is needed.
            sentence::parse(&order.text).map_err(|error| SentenceError {
                at: order.at.start + 1 + error.at.start..order.at.start + 1 + error.at.end,
                text: error.text,
            })?;
            spec.stage = Some(SafeText::new(&order.text));
        }
        _ => {
            return wrong(
                word.at,
                format!(
                    "'{}' is nothing to do: notify, terminal, command, webhook, mail or stage",
                    shown(&word.text)
                ),
            );
        }
    }
    Ok(())
}

/// A moment, a span from now, or a date: the end of that trading day of the first instrument, else of the day in UTC.
fn moment(word: &Word, spec: &AlertSpec, names: &Names<'_>) -> Result<Timestamp, SentenceError> {
    if let Some(at) = Timestamp::parse(&word.text) {
        return Ok(at);
    }
    if let Ok(seconds) = span(word) {
        return Ok(names.now.after(Duration::from_secs(u64::from(seconds))));
    }
    // A date's parser also takes a time of no zone, and would drop it.
    let date = word.text.parse::<Date>().ok().filter(|_| word.text.len() == 10);
    let Some(date) = date else {
        return wrong(
            word.at.clone(),
            format!(
                "'{}' is no moment: 2026-12-24T15:00Z, 2026-12-24 or 5d",
                shown(&word.text)
            ),
        );
    };
    let of = spec
        .condition
        .instrument()
        .and_then(|id| names.state.instruments.get(&id));
    let day = of.and_then(|instrument| instrument.calendar.calendar().day(date));
    let end = day.map(|day| day.end).or_else(|| {
        let next = date.tomorrow().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Timestamp::from_jiff(next.timestamp()))
    });
    end.map_or_else(|| wrong(word.at.clone(), "that day is too far away"), Ok)
}

/// `30s`, `5m`, `2h`, `3d` as seconds.
fn span(word: &Word) -> Result<u32, SentenceError> {
    let text = word.text.as_str();
    let unit = [('s', 1u32), ('m', 60), ('h', 3_600), ('d', 86_400)];
    let found = unit
        .into_iter()
        .find_map(|(letter, unit)| Some((text.strip_suffix(letter)?, unit)));
    let seconds = found.and_then(|(digits, unit)| digits.parse::<u32>().ok()?.checked_mul(unit));
    match seconds {
        Some(seconds) if (1..=366 * 86_400).contains(&seconds) && !text.starts_with('+') => Ok(seconds),
        _ => wrong(
            word.at.clone(),
            format!("'{}' is no span of time: 30s, 5m, 2h or 3d", shown(text)),
        ),
    }
}

/// Seconds as the sentence says them: `2m`.
pub fn span_text(seconds: u32) -> String {
    let unit = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let found = unit
        .into_iter()
        .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    match found {
        Some((unit, letter)) => format!("{}{letter}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

fn symbol(word: &Word, names: &Names<'_>) -> Result<InstrumentId, SentenceError> {
    match names.state.resolve(&word.text, names.venue_now) {
        Some(instrument) if !word.quoted => Ok(instrument.id),
        _ => wrong(
            word.at.clone(),
            format!(
                "'{}' is not known: a symbol, pnl, position, order, link or system",
                shown(&word.text)
            ),
        ),
    }
}

fn account(word: &Word, names: &Names<'_>) -> Result<AccountKey, SentenceError> {
    match names.account {
        Some(account) => Ok(account),
        None => wrong(word.at.clone(), "no account is known yet"),
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(word: &Word) -> Result<T, SentenceError> {
    word.text
        .parse()
        .or_else(|error: T::Err| wrong(word.at.clone(), error.to_string()))
}

/// A currency that is in use: another word of three letters is a symbol with a slip in it.
fn known_currency(word: &Word, names: &Names<'_>) -> Option<Currency> {
    let said: Currency = word.text.to_ascii_uppercase().parse().ok()?;
    let listed = names
        .state
        .instruments
        .values()
        .map(|instrument| instrument.currency);
    let accounts = names.state.accounts.values().map(|entry| &entry.account);
    let held = accounts.flat_map(|account| {
        account
            .cash
            .iter()
            .flatten()
            .map(|(currency, _)| *currency)
            .chain([account.base])
    });
    listed.chain(held).any(|known| known == said).then_some(said)
}
