//! The order sentence, the same on the desk's command line and in the shell: parsed into words first, then resolved
//! against the state and the market into commands. Errors point at the word. Grammar:
//!
//! ```text
//! sentence := order ["oco" order] | "x" (SYMBOL | "all") ["all"] | "close" SYMBOL | "flat" SYMBOL
//! order    := ("buy"|"b"|"sell"|"s") QUANTITY SYMBOL [price] { word }
//! price    := "@" PRICE | "@bid" | "@ask" | "@mid" | "@last" | "mkt" | "stp" PRICE ["lmt" PRICE]
//!           | "trail" DISTANCE ["lmt" OFFSET] | "moc" | "loc" PRICE | "mid" [PRICE]
//! word     := "day" | "gtc" | "ioc" | "fok" | "opg" | "gtd" MOMENT | "outside" | "short"
//!           | "stop" PRICE | "target" PRICE | "show" QUANTITY
//! ```
//!
//! A DISTANCE is a difference of prices (`0.50`) or a percentage (`2%`), an OFFSET a difference. A MOMENT is RFC 3339, or a
//! date for the end of that trading day. `mid` is an order that follows the middle of the market, `@mid` a limit there.
//!
//! Without a price the order goes to the market. `@bid`, `@ask`, `@mid` and `@last` are snapshots, taken when the sentence
//! is resolved and moved to a valid tick that is no worse. Of two orders with `oco` between them one shrinks as the other
//! fills, such as a target and a stop for what is held; both have one symbol and quantity. `x` keeps protective stops unless a last `all` is said.

use super::command::{Command, Legs};
use super::state::State;
use crate::domain::{
    AccountKey, ClientOrderId, Distance, DistanceError, Instrument, OrderKind, OrderSpec, Price, Quantity,
    Role, SafeText, Side, TimeInForce, Timestamp,
};
use crate::market::Market;
use jiff::civil::Date;
use std::ops::Range;

/// A sentence, understood as words; names and prices are not looked up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sentence {
    /// Place an order.
    Order(OrderWords),
    /// Place two orders of which one shrinks as the other fills.
    Pair(OrderWords, OrderWords),
    /// Cancel orders of one symbol, or of the account.
    Cancel {
        /// Nothing means the whole account.
        symbol: Option<Word>,
        /// Protective stops too.
        stops_too: bool,
    },
    /// Close a position at the market.
    Close {
        /// Which.
        symbol: Word,
    },
    /// Cancel everything on a symbol and close.
    Flat {
        /// Which.
        symbol: Word,
    },
}

/// A word and where it stands in the sentence, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As typed.
    pub text: String,
    /// Where.
    pub at: Range<usize>,
}

/// The words of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderWords {
    /// Which way.
    pub side: Side,
    /// How much.
    pub quantity: Quantity,
    /// Of what.
    pub symbol: Word,
    /// At what price.
    pub price: PriceWords,
    /// How long.
    pub tif: TifWords,
    /// Outside the regular session too.
    pub outside: bool,
    /// Protective stop.
    pub stop: Option<Price>,
    /// Profit target.
    pub target: Option<Price>,
    /// The part shown.
    pub display: Option<Quantity>,
    /// Selling more than is held is meant.
    pub short: bool,
}

/// A price as said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriceWords {
    /// At the market.
    Market,
    /// A number.
    Limit(Price),
    /// A snapshot of the market, and where the word stands.
    Snapshot(Peg, Range<usize>),
    /// A stop order, with a limit or without.
    Stop(Price, Option<Price>),
    /// A trailing stop, and how far beyond its trigger its limit lies, where it has one.
    Trail(Distance, Option<Price>),
    /// In the closing auction, with a limit or without.
    OnClose(Option<Price>),
    /// Following the middle of the market, no further than the cap where there is one.
    Midprice(Option<Price>),
}

/// A time in force as said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TifWords {
    /// In full.
    Said(TimeInForce),
    /// Until the end of a trading day, which the instrument's calendar knows, and where the date stands.
    EndOf(Date, Range<usize>),
}

/// What a price snapshot is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peg {
    /// The best bid.
    Bid,
    /// The best ask.
    Ask,
    /// Halfway.
    Mid,
    /// The last trade.
    Last,
}

/// What is wrong with a sentence, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct SentenceError {
    /// The place in the text, in bytes; the end of the text where something is missing.
    pub at: Range<usize>,
    /// In words, with an example where that helps.
    pub text: String,
}

fn wrong<T>(at: Range<usize>, text: impl Into<String>) -> Result<T, SentenceError> {
    Err(SentenceError {
        at,
        text: text.into(),
    })
}

/// Parses a sentence.
///
/// # Errors
/// The first word that does not fit, with what would.
pub fn parse(text: &str) -> Result<Sentence, SentenceError> {
    let mut words = Words::new(text);
    let verb = words.need("a sentence such as buy 100 AAPL @189.50")?;
    if let Some(side) = side(&verb) {
        return orders(&mut words, side);
    }
    let sentence = match verb.text.to_ascii_lowercase().as_str() {
        "x" | "cancel" => cancel(&mut words)?,
        "close" => Sentence::Close {
            symbol: words.need("the symbol to close, such as close AAPL")?,
        },
        "flat" | "flatten" => Sentence::Flat {
            symbol: words.need("the symbol to flatten, such as flat AAPL")?,
        },
        other => {
            return wrong(
                verb.at,
                format!("'{}' is no verb: buy, sell, x, close or flat", shown(other)),
            );
        }
    };
    match words.next() {
        Some(extra) => wrong(extra.at, format!("'{}' is not expected here", shown(&extra.text))),
        None => Ok(sentence),
    }
}

fn side(word: &Word) -> Option<Side> {
    match word.text.to_ascii_lowercase().as_str() {
        "buy" | "b" => Some(Side::Buy),
        "sell" | "s" => Some(Side::Sell),
        _ => None,
    }
}

/// One order, or two with `oco` between them. The words of an order go on to the end of the sentence or to `oco`.
fn orders(words: &mut Words, side_of_first: Side) -> Result<Sentence, SentenceError> {
    let first = order(words, side_of_first)?;
    let Some(oco) = words.take_if("oco") else {
        return Ok(Sentence::Order(first));
    };
    let verb = words.need("the second order after oco, such as oco sell 100 AAPL stp 180")?;
    let Some(side) = side(&verb) else {
        return wrong(
            verb.at,
            format!("'{}' is no order: buy or sell goes after oco", shown(&verb.text)),
        );
    };
    let second = order(words, side)?;
    let has_legs = |order: &OrderWords| order.stop.is_some() || order.target.is_some();
    if has_legs(&first) || has_legs(&second) {
        return wrong(
            oco.at,
            "orders of a pair have no stop and target of their own; stp makes an order a stop",
        );
    }
    match words.next() {
        Some(extra) => wrong(extra.at, format!("'{}' is not expected here", shown(&extra.text))),
        None => Ok(Sentence::Pair(first, second)),
    }
}

fn cancel(words: &mut Words) -> Result<Sentence, SentenceError> {
    let symbol = words.need("what to cancel: x AAPL, or x all")?;
    let everything = symbol.text.eq_ignore_ascii_case("all");
    let stops_too = words.take_if("all").is_some();
    Ok(Sentence::Cancel {
        symbol: (!everything).then_some(symbol),
        stops_too,
    })
}

fn order(words: &mut Words, side: Side) -> Result<OrderWords, SentenceError> {
    let quantity = quantity(&words.need("a quantity, such as buy 100 AAPL")?)?;
    let symbol = words.need("a symbol, such as buy 100 AAPL")?;
    let mut order = OrderWords {
        side,
        quantity,
        symbol,
        price: PriceWords::Market,
        tif: TifWords::Said(TimeInForce::Day),
        outside: false,
        stop: None,
        target: None,
        display: None,
        short: false,
    };
    let mut priced = false;
    while let Some(word) = words.next_unless("oco") {
        if is_price(&word) && std::mem::replace(&mut priced, true) {
            return wrong(word.at, "a second price: an order has one");
        }
        order_word(&mut order, &word, words)?;
    }
    Ok(order)
}

/// True for a word that says at what price.
fn is_price(word: &Word) -> bool {
    let lower = word.text.to_ascii_lowercase();
    let prices = [
        "mkt", "market", "lmt", "limit", "stp", "trail", "moc", "loc", "mid",
    ];
    prices.contains(&lower.as_str()) || lower.starts_with('@')
}

fn order_word(order: &mut OrderWords, word: &Word, words: &mut Words) -> Result<(), SentenceError> {
    let lower = word.text.to_ascii_lowercase();
    match lower.as_str() {
        "mkt" | "market" => order.price = PriceWords::Market,
        "lmt" | "limit" => order.price = PriceWords::Limit(price(&words.need("the limit price")?)?),
        "stp" => {
            let trigger = price(&words.need("the trigger price of the stop order")?)?;
            let limit = match words.take_if("lmt") {
                Some(_) => Some(price(&words.need("the limit price of the stop order")?)?),
                None => None,
            };
            order.price = PriceWords::Stop(trigger, limit);
        }
        "trail" => {
            let distance = distance(&words.need("how far it trails, such as trail 0.50 or trail 2%")?)?;
            let offset = match words.take_if("lmt") {
                Some(_) => Some(price(&words.need("how far the limit lies beyond the trigger")?)?),
                None => None,
            };
            order.price = PriceWords::Trail(distance, offset);
        }
        "moc" => order.price = PriceWords::OnClose(None),
        "loc" => {
            order.price = PriceWords::OnClose(Some(price(&words.need("the limit price at the close")?)?));
        }
        "mid" => {
            let cap = words.take_number().map(|cap| price(&cap)).transpose()?;
            order.price = PriceWords::Midprice(cap);
        }
        "day" => order.tif = TifWords::Said(TimeInForce::Day),
        "gtc" => order.tif = TifWords::Said(TimeInForce::Gtc),
        "ioc" => order.tif = TifWords::Said(TimeInForce::Ioc),
        "fok" => order.tif = TifWords::Said(TimeInForce::Fok),
        "opg" => order.tif = TifWords::Said(TimeInForce::Opg),
        "gtd" => order.tif = until(&words.need("until when, such as gtd 2026-12-24T15:00Z")?)?,
        "outside" => order.outside = true,
        "short" => order.short = true,
        "stop" => order.stop = Some(price(&words.need("the price of the protective stop")?)?),
        "target" => order.target = Some(price(&words.need("the price of the target")?)?),
        "show" => order.display = Some(quantity(&words.need("the quantity to show")?)?),
        "@" => order.price = price_or_peg(&words.need("a price after @")?)?,
        at if at.starts_with('@') => {
            let rest = Word {
                text: word.text[1..].to_owned(),
                at: word.at.start + 1..word.at.end,
            };
            order.price = price_or_peg(&rest)?;
        }
        other => {
            let text = format!(
                "'{}' is not expected: a price (@189.50, mkt, stp, trail, moc, loc, mid), day, gtc, ioc, fok, opg, gtd, outside, stop, target, show or short",
                shown(other)
            );
            return wrong(word.at.clone(), text);
        }
    }
    Ok(())
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

/// A quantity never begins with a zero that means nothing: what a shell leaves of `$10000` in double quotes is `0000`.
fn quantity(word: &Word) -> Result<Quantity, SentenceError> {
    let text = word.text.as_str();
    if text.len() > 1 && text.starts_with('0') && !text.starts_with("0.") {
        return wrong(
            word.at.clone(),
            format!(
                "'{}' begins with a zero: did a shell eat a part of it?",
                shown(text)
            ),
        );
    }
    match text.parse::<Quantity>() {
        Ok(quantity) if quantity.is_positive() => Ok(quantity),
        Ok(_) => wrong(word.at.clone(), "a quantity is above zero"),
        Err(error) => wrong(word.at.clone(), error.to_string()),
    }
}

/// The beginning of a word, harmless to show.
fn shown(text: &str) -> String {
    SafeText::new(text).as_str().chars().take(24).collect()
}

/// Words of a text, one after the other.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }
    /// Words are parted by plain spaces: what only looks like one came from somewhere else and is refused as a word.
    fn peek(&self) -> Option<Word> {
        let rest = self.text.get(self.at..)?;
        let start = self.at + (rest.len() - rest.trim_ascii_start().len());
        let word = self.text.get(start..)?.split_ascii_whitespace().next()?;
        Some(Word {
            text: word.to_owned(),
            at: start..start + word.len(),
        })
    }
    fn take_if(&mut self, wanted: &str) -> Option<Word> {
        let word = self
            .peek()
            .filter(|word| word.text.eq_ignore_ascii_case(wanted))?;
        self.at = word.at.end;
        Some(word)
    }
    /// The next word where it begins as a number does.
    fn take_number(&mut self) -> Option<Word> {
        let begins = |word: &Word| word.text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        let word = self.peek().filter(begins)?;
        self.at = word.at.end;
        Some(word)
    }
    fn next_unless(&mut self, end: &str) -> Option<Word> {
        if self.peek()?.text.eq_ignore_ascii_case(end) {
            return None;
        }
        self.next()
    }
    fn need(&mut self, what: &str) -> Result<Word, SentenceError> {
        match self.next() {
            Some(word) => Ok(word),
            None => wrong(self.text.len()..self.text.len(), format!("missing: {what}")),
        }
    }
}

impl Iterator for Words<'_> {
    type Item = Word;
    fn next(&mut self) -> Option<Word> {
        let word = self.peek()?;
        self.at = word.at.end;
        Some(word)
    }
}

/// Looks names and prices up and makes the commands.
///
/// # Errors
/// A symbol that nobody trades (with those that are near), or a snapshot price that does not exist.
pub fn resolve(
    sentence: &Sentence,
    state: &State,
    market: &Market,
    account: AccountKey,
    now: Timestamp,
    new_id: &mut dyn FnMut() -> ClientOrderId,
) -> Result<Vec<Command>, SentenceError> {
    Ok(vec![match sentence {
        Sentence::Order(words) => Command::Submit {
            spec: spec(words, state, market, account, now)?,
            id: new_id(),
            legs: Legs {
                stop: words.stop,
                target: words.target,
            },
        },
        Sentence::Pair(first, second) => Command::SubmitPair {
            first_spec: spec(first, state, market, account, now)?,
            second_spec: spec(second, state, market, account, now)?,
            first: new_id(),
            second: new_id(),
        },
        Sentence::Cancel { symbol, stops_too } => {
            let instrument = symbol
                .as_ref()
                .map(|symbol| find(state, symbol, now))
                .transpose()?
                .map(|i| i.id);
            Command::CancelAll {
                account,
                instrument,
                stops_too: *stops_too,
            }
        }
        Sentence::Close { symbol } => Command::Close {
            id: new_id(),
            account,
            instrument: find(state, symbol, now)?.id,
        },
        Sentence::Flat { symbol } => Command::Flatten {
            id: new_id(),
            account,
            instrument: find(state, symbol, now)?.id,
        },
    }])
}

fn spec(
    words: &OrderWords,
    state: &State,
    market: &Market,
    account: AccountKey,
    now: Timestamp,
) -> Result<OrderSpec, SentenceError> {
    let instrument = find(state, &words.symbol, now)?;
    Ok(OrderSpec {
        account,
        instrument: instrument.id,
        side: words.side,
        quantity: words.quantity,
        kind: kind(words, instrument, market)?,
        tif: tif(words, instrument)?,
        display: words.display,
        allow_short: words.short,
        role: Role::Entry,
        parent: None,
        outside_hours: words.outside,
    })
}

fn tif(words: &OrderWords, instrument: &Instrument) -> Result<TimeInForce, SentenceError> {
    match &words.tif {
        TifWords::Said(tif) => Ok(*tif),
        TifWords::EndOf(date, at) => match instrument.calendar.calendar().day(*date) {
            Some(day) => Ok(TimeInForce::Gtd { until: day.end }),
            None => wrong(
                at.clone(),
                format!(
                    "{date} is no trading day of {} that we know; give a moment such as {date}T15:00Z",
                    instrument.id
                ),
            ),
        },
    }
}

fn kind(words: &OrderWords, instrument: &Instrument, market: &Market) -> Result<OrderKind, SentenceError> {
    Ok(match &words.price {
        PriceWords::Market => OrderKind::Market,
        PriceWords::Limit(price) => OrderKind::Limit { price: *price },
        PriceWords::Stop(trigger, None) => OrderKind::Stop { trigger: *trigger },
        PriceWords::Stop(trigger, Some(price)) => OrderKind::StopLimit {
            trigger: *trigger,
            price: *price,
        },
        PriceWords::Trail(distance, None) => OrderKind::Trail {
            trigger: None,
            distance: *distance,
        },
        PriceWords::Trail(distance, Some(offset)) => OrderKind::TrailLimit {
            trigger: None,
            distance: *distance,
            offset: *offset,
        },
        PriceWords::OnClose(None) => OrderKind::MarketOnClose,
        PriceWords::OnClose(Some(price)) => OrderKind::LimitOnClose { price: *price },
        PriceWords::Midprice(cap) => OrderKind::Midprice { cap: *cap },
        PriceWords::Snapshot(peg, at) => {
            let quote = market.quote(instrument.id);
            let price = match peg {
                Peg::Bid => quote.and_then(|quote| quote.bid).map(|level| level.0),
                Peg::Ask => quote.and_then(|quote| quote.ask).map(|level| level.0),
                Peg::Mid => quote.and_then(|quote| quote.mid()),
                Peg::Last => market.last(instrument.id).map(|print| print.price),
            };
            let Some(price) = price else {
                return wrong(
                    at.clone(),
                    format!("{} has no such price now; give a number", instrument.id),
                );
            };
            OrderKind::Limit {
                price: instrument.ticks.toward_less_risk(price, words.side),
            }
        }
    })
}

fn find<'a>(state: &'a State, symbol: &Word, now: Timestamp) -> Result<&'a Instrument, SentenceError> {
    if let Some(instrument) = state.resolve(&symbol.text, now) {
        return Ok(instrument);
    }
    let upper = symbol.text.to_ascii_uppercase();
    let first: String = upper.chars().take(1).collect();
    let near: Vec<&str> = state
        .instruments
        .keys()
        .map(|id| id.as_str())
        .filter(|id| !first.is_empty() && id.starts_with(&first))
        .take(5)
        .collect();
    let hint = if near.is_empty() {
        String::new()
    } else {
        format!("; did you mean {}?", near.join(", "))
    };
    wrong(
        symbol.at.clone(),
        format!("no instrument '{}'{hint}", shown(&upper)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sentences_mean_what_they_say() {
        let Ok(Sentence::Order(words)) = parse("b 100 aapl @ 189.50 gtc stop 188 target 193 show 10") else {
            panic!("parse")
        };
        assert_eq!(
            (words.side, words.quantity),
            (Side::Buy, Quantity::whole(100).unwrap())
        );
        assert_eq!(words.price, PriceWords::Limit("189.5".parse().unwrap()));
        assert_eq!(
            (words.tif, words.stop.unwrap().to_string().as_str()),
            (TifWords::Said(TimeInForce::Gtc), "188")
        );
        assert!(matches!(
            parse("sell 2 ES stp 5000 lmt 4999.75"),
            Ok(Sentence::Order(OrderWords {
                price: PriceWords::Stop(_, Some(_)),
                ..
            }))
        ));
        assert!(matches!(
            parse("sell 100 AAPL @220 oco sell 100 AAPL stp 180"),
            Ok(Sentence::Pair(
                OrderWords {
                    price: PriceWords::Limit(_),
                    ..
                },
                OrderWords {
                    price: PriceWords::Stop(_, None),
                    ..
                }
            ))
        ));
        assert!(matches!(
            parse("x AAPL all"),
            Ok(Sentence::Cancel {
                symbol: Some(_),
                stops_too: true
            })
        ));
        assert!(matches!(
            parse("x all"),
            Ok(Sentence::Cancel {
                symbol: None,
                stops_too: false
            })
        ));
        assert!(matches!(
            parse("sell 1 BTC.USD @bid"),
            Ok(Sentence::Order(OrderWords {
                price: PriceWords::Snapshot(Peg::Bid, _),
                ..
            }))
        ));
    }

    #[test]
    fn every_way_to_execute_has_its_words() {
        let words = |text: &str| match parse(text) {
            Ok(Sentence::Order(words)) => words,
            other => panic!("{text}: {other:?}"),
        };
        let number = |text: &str| text.parse::<Price>().unwrap();
        let amount = Distance::Amount {
            amount: number("0.5"),
        };
        let part = Distance::Percent { hundredths: 200 };
        for (text, price) in [
            ("sell 100 AAPL trail 0.50", PriceWords::Trail(amount, None)),
            (
                "sell 100 AAPL trail 2% lmt 0.10 gtc",
                PriceWords::Trail(part, Some(number("0.1"))),
            ),
            ("buy 100 AAPL moc", PriceWords::OnClose(None)),
            (
                "buy 100 AAPL loc 189.50",
                PriceWords::OnClose(Some(number("189.5"))),
            ),
            ("buy 100 AAPL mid", PriceWords::Midprice(None)),
            ("buy 100 AAPL mid day", PriceWords::Midprice(None)),
            (
                "buy 100 AAPL mid 189.60",
                PriceWords::Midprice(Some(number("189.6"))),
            ),
            ("buy 100 AAPL @mid", PriceWords::Snapshot(Peg::Mid, 13..17)),
        ] {
            let said = words(text).price;
            match (&said, &price) {
                (PriceWords::Snapshot(peg, _), PriceWords::Snapshot(wanted, _)) => assert_eq!(peg, wanted),
                _ => assert_eq!(said, price, "{text}"),
            }
        }
        assert!(words("sell 100 AAPL trail 1 outside gtc").outside);
        assert_eq!(words("buy 100 AAPL opg").tif, TifWords::Said(TimeInForce::Opg));
        let until = Timestamp::parse("2026-12-24T15:00:00Z").unwrap();
        assert_eq!(
            words("buy 100 AAPL @189 gtd 2026-12-24T15:00Z").tif,
            TifWords::Said(TimeInForce::Gtd { until })
        );
        assert!(matches!(
            words("buy 100 AAPL @189 gtd 2026-12-24").tif,
            TifWords::EndOf(date, _) if date.to_string() == "2026-12-24"
        ));
    }

    #[test]
    fn errors_point_at_the_word() {
        let at = |text: &str| text[parse(text).unwrap_err().at].to_owned();
        assert_eq!(at("buy 0000 MSFT"), "0000");
        assert_eq!(at("buy -5 MSFT"), "-5");
        assert_eq!(at("buy 1e9 MSFT"), "1e9");
        assert_eq!(at("buy 10 MSFT @nan"), "nan");
        assert_eq!(at("buy 10 MSFT whenever"), "whenever");
        assert_eq!(at("purchase 10 MSFT"), "purchase");
        assert_eq!(at("buy 10 MSFT @189 @190"), "@190");
        assert_eq!(at("buy 10 MSFT mkt @190"), "@190");
        assert_eq!(at("buy 10 MSFT @0"), "0");
        assert_eq!(at("buy 10 MSFT oco close MSFT"), "close");
        assert_eq!(at("buy 10 MSFT stop 5 oco sell 10 MSFT"), "oco");
        assert_eq!(at("buy 10"), "");
        assert_eq!(at("sell 10 MSFT trail"), "");
        assert_eq!(at("sell 10 MSFT trail 0%"), "0%");
        assert_eq!(at("sell 10 MSFT trail 0.125%"), "0.125%");
        assert_eq!(at("sell 10 MSFT trail 1 lmt 2%"), "2%");
        assert_eq!(at("sell 10 MSFT moc 189"), "189");
        assert_eq!(at("sell 10 MSFT loc gtc"), "gtc");
        assert_eq!(at("sell 10 MSFT mid 189 @190"), "@190");
        assert_eq!(at("sell 10 MSFT mkt gtd"), "");
        assert_eq!(at("sell 10 MSFT mkt gtd tomorrow"), "tomorrow");
        assert_eq!(at("sell 10 MSFT mkt gtd 2026-13-01"), "2026-13-01");
        assert_eq!(at("sell 10 MSFT mkt gtd 2026-12-24T15:00"), "2026-12-24T15:00");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,80}") {
            if let Err(error) = parse(&text) {
                prop_assert!(text.get(error.at).is_some());
            }
        }
    }
}
