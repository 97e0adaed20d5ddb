//! What may be said of one order after how much and of what: price, life, exits. Words come in any order, each once.

use super::amount::quantity;
use super::words::{SentenceError, Word, Words, shown, wrong};
use super::{Amount, Exit, OrderWords, ParkWords, Peg, PriceWords, TifWords};
use crate::domain::{Distance, DistanceError, ExitError, ExitPrice, Price, Quantity, TimeInForce, Timestamp};
use crate::engine::parking::LONGEST_SECONDS;
use jiff::civil::Date;
use std::ops::Range;

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Clauses {
    pub price: PriceWords,
    pub peg: Option<Range<usize>>,
    pub tif: TifWords,
    pub outside: bool,
    pub stop: Option<Exit>,
    pub target: Option<Exit>,
    pub template: Option<Word>,
    pub display: Option<Quantity>,
    pub short: bool,
    pub park: Option<ParkWords>,
}

/// What ends the words of an order.
pub(super) const JOINTS: &[&str] = &["oco", "then"];

/// Reads on to the end of the sentence, to `oco` or to `then`.
pub(super) fn read(words: &mut Words<'_>) -> Result<Clauses, SentenceError> {
    let mut clauses = Clauses {
        price: PriceWords::Market,
        peg: None,
        tif: TifWords::Said(TimeInForce::Day),
        outside: false,
        stop: None,
        target: None,
        template: None,
        display: None,
        short: false,
        park: None,
    };
    let mut said: Vec<&'static str> = Vec::new();
    while let Some(word) = words.next_unless(JOINTS) {
        if let Some(kind) = kind(&word) {
            if said.contains(&kind) {
                return wrong(word.at, format!("a second {kind}: an order has one"));
            }
            said.push(kind);
        }
        clauses.take(&word, words)?;
    }
    Ok(clauses)
}

/// What a word is about, of which an order has one.
fn kind(word: &Word) -> Option<&'static str> {
    let lower = word.text.to_ascii_lowercase();
    Some(match lower.as_str() {
        "mkt" | "market" | "lmt" | "limit" | "stp" | "trail" | "moc" | "loc" | "mid" => "price",
        "day" | "gtc" | "ioc" | "fok" | "opg" | "gtd" => "time in force",
        "stop" => "stop",
        "target" => "target",
        "tpl" => "template",
        "show" => "shown part",
        "park" => "park",
        at if at.starts_with('@') => "price",
        _ => return None,
    })
}

impl Clauses {
    fn take(&mut self, word: &Word, words: &mut Words<'_>) -> Result<(), SentenceError> {
        match word.text.to_ascii_lowercase().as_str() {
            "mkt" | "market" => self.price = PriceWords::Market,
            "lmt" | "limit" => self.price = PriceWords::Limit(price(&words.need("the limit price")?)?),
            "stp" => {
                let trigger = price(&words.need("the trigger price of the stop order")?)?;
                let limit = after_lmt(words, "the limit price of the stop order")?;
                self.price = PriceWords::Stop(trigger, limit);
            }
            "trail" => {
                let distance = distance(&words.need("how far it trails, such as trail 0.50 or trail 2%")?)?;
                let offset = after_lmt(words, "how far the limit lies beyond the trigger")?;
                self.price = PriceWords::Trail(distance, offset);
            }
            "moc" => self.price = PriceWords::OnClose(None),
            "loc" => {
                let limit = price(&words.need("the limit price at the close")?)?;
                self.price = PriceWords::OnClose(Some(limit));
            }
            "mid" => {
                let cap = words.take_number().map(|cap| price(&cap)).transpose()?;
                self.price = PriceWords::Midprice(cap);
            }
            "peg" => self.peg(word)?,
            "day" => self.tif = TifWords::Said(TimeInForce::Day),
            "gtc" => self.tif = TifWords::Said(TimeInForce::Gtc),
            "ioc" => self.tif = TifWords::Said(TimeInForce::Ioc),
            "fok" => self.tif = TifWords::Said(TimeInForce::Fok),
            "opg" => self.tif = TifWords::Said(TimeInForce::Opg),
            "gtd" => self.tif = until(&words.need("until when, such as gtd 2026-12-24T15:00Z")?)?,
            "outside" => self.outside = true,
            "short" => self.short = true,
            "park" => {
                let seconds = words.take_number().map(|time| seconds(&time)).transpose()?;
                let at = word.at.clone();
                self.park = Some(ParkWords { seconds, at });
            }
            "stop" => {
                let place = words.need("where the stop lies, such as stop 188 or stop -8t")?;
                self.stop = Some(exit(&place)?);
            }
            "target" => {
                let place =
                    words.need("where the target lies, such as target 195, target +16t or target 2R")?;
                self.target = Some(exit(&place)?);
            }
            "tpl" => self.template = Some(words.need("the name of a template of config.toml")?),
            "show" => self.display = Some(quantity(&words.need("the quantity to show")?)?),
            "@" => self.price = price_or_peg(&words.need("a price after @")?)?,
            at if at.starts_with('@') => {
                let rest = Word {
                    text: word.text[1..].to_owned(),
                    at: word.at.start + 1..word.at.end,
                };
                self.price = price_or_peg(&rest)?;
            }
            other => {
                let text = format!(
                    "'{}' is not expected: a price (@189.50, @bid, mkt, stp, trail, moc, loc, mid), day, gtc, ioc, fok, opg, gtd, outside, stop, target, tpl, show, short or park",
                    shown(other)
                );
                return wrong(word.at.clone(), text);
            }
        }
        Ok(())
    }

    /// A snapshot becomes an order that follows; anything else has nothing to follow.
    fn peg(&mut self, word: &Word) -> Result<(), SentenceError> {
        if !matches!(self.price, PriceWords::Snapshot(..)) {
            return wrong(
                word.at.clone(),
                "peg goes after @bid, @ask or @mid: the order then follows that price",
            );
        }
        self.peg = Some(word.at.clone());
        Ok(())
    }
}

fn after_lmt(words: &mut Words<'_>, what: &str) -> Result<Option<Price>, SentenceError> {
    match words.take_if("lmt") {
        Some(_) => Ok(Some(price(&words.need(what)?)?)),
        None => Ok(None),
    }
}

/// What the words of one order must have of each other.
pub(super) fn agree(order: &OrderWords) -> Result<(), SentenceError> {
    let templated = order.template.is_some();
    if let Some(exit) = &order.target
        && matches!(exit.place, ExitPrice::Multiple(_))
        && order.stop.is_none()
        && !templated
    {
        return wrong(exit.at.clone(), ExitError::NoStop.to_string());
    }
    if let Some(exit) = &order.stop
        && matches!(exit.place, ExitPrice::Multiple(_))
    {
        return wrong(exit.at.clone(), ExitError::StopInR.to_string());
    }
    let by_risk = matches!(order.amount, Amount::Risk(..) | Amount::RiskShare(_));
    if by_risk && order.stop.is_none() && !templated {
        return wrong(
            order.amount_at.clone(),
            "a size by risk needs a stop: buy risk 1% TSLA @ask stop 241.20",
        );
    }
    if let Some(park) = &order.park {
        parks(order, park)?;
    }
    if order.amount.closes() && (order.stop.is_some() || order.target.is_some() || templated) {
        return wrong(
            order.amount_at.clone(),
            "what closes a position has no stop and target of its own; oco joins two closing orders",
        );
    }
    Ok(())
}

/// What is parked has a price of its own, and nothing that hangs on it.
fn parks(order: &OrderWords, park: &ParkWords) -> Result<(), SentenceError> {
    let priced = match &order.price {
        PriceWords::Limit(_) | PriceWords::Stop(_, Some(_)) => true,
        PriceWords::Snapshot(..) => order.peg.is_none(),
        _ => false,
    };
    if !priced {
        return wrong(
            park.at.clone(),
            "park needs a limit: buy 100 AAPL @189.50 park, or stp 190 lmt 190.20 park",
        );
    }
    if order.stop.is_some() || order.target.is_some() || order.template.is_some() {
        return wrong(
            park.at.clone(),
            "what is parked has no stop and target of its own; place them when it has filled",
        );
    }
    Ok(())
}

/// A time such as `90s`, `2m` or `90`.
fn seconds(word: &Word) -> Result<u32, SentenceError> {
    let lower = word.text.to_ascii_lowercase();
    let (digits, each) = match (lower.strip_suffix('s'), lower.strip_suffix('m')) {
        (Some(digits), _) => (digits, 1),
        (_, Some(digits)) => (digits, 60),
        _ => (lower.as_str(), 1),
    };
    let count = digits
        .parse::<u32>()
        .ok()
        .and_then(|count| count.checked_mul(each));
    match count.filter(|seconds| (1..=LONGEST_SECONDS).contains(seconds)) {
        Some(seconds) => Ok(seconds),
        None => wrong(
            word.at.clone(),
            format!(
                "'{}' is no time from 1s to {LONGEST_SECONDS}s, such as park 90s",
                shown(&word.text)
            ),
        ),
    }
}

fn price_or_peg(word: &Word) -> Result<PriceWords, SentenceError> {
    let peg = match word.text.to_ascii_lowercase().as_str() {
        "bid" => Peg::Bid,
        "ask" => Peg::Ask,
        "mid" => Peg::Mid,
        "last" => Peg::Last,
        "mkt" => return Ok(PriceWords::Market),
        _ => return Ok(PriceWords::Limit(price(word)?)),
    };
    Ok(PriceWords::Snapshot(peg, word.at.clone()))
}

pub(super) fn exit(word: &Word) -> Result<Exit, SentenceError> {
    match word.text.parse() {
        Ok(place) => Ok(Exit {
            place,
            at: word.at.clone(),
        }),
        Err(error) => {
            let error: ExitError = error;
            wrong(word.at.clone(), error.to_string())
        }
    }
}

fn distance(word: &Word) -> Result<Distance, SentenceError> {
    word.text
        .parse()
        .or_else(|error: DistanceError| wrong(word.at.clone(), error.to_string()))
}

/// A moment, or a date.
fn until(word: &Word) -> Result<TifWords, SentenceError> {
    if let Some(until) = Timestamp::parse(&word.text) {
        return Ok(TifWords::Said(TimeInForce::Gtd { until }));
    }
    match word.text.parse::<Date>() {
        // A date's parser also takes a time of no zone, and would drop it.
        Ok(date) if word.text.len() == 10 => Ok(TifWords::EndOf(date, word.at.clone())),
        _ => wrong(
            word.at.clone(),
            format!(
                "'{}' is no moment: 2026-12-24T15:00Z, or 2026-12-24 for the end of that day",
                shown(&word.text)
            ),
        ),
    }
}

fn price(word: &Word) -> Result<Price, SentenceError> {
    match word.text.parse::<Price>() {
        Ok(price) if price > Price::ZERO => Ok(price),
        Ok(_) => wrong(word.at.clone(), "a price is above zero"),
        Err(error) => wrong(word.at.clone(), error.to_string()),
    }
}
