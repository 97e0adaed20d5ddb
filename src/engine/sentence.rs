//! The order sentence, the same on the desk's command line and in the shell: parsed into words first, then resolved
//! against the state and the market into commands. Errors point at the word. Grammar:
//!
//! ```text
//! sentence := order ["oco" order] | "x" (SYMBOL | "all") ["all"] | "close" SYMBOL | "flat" SYMBOL
//! order    := ("buy"|"b"|"sell"|"s") QUANTITY SYMBOL [price] { word }
//! price    := "@" PRICE | "@bid" | "@ask" | "@mid" | "@last" | "mkt" | "stp" PRICE ["lmt" PRICE]
//! word     := "day" | "gtc" | "ioc" | "fok" | "short" | "stop" PRICE | "target" PRICE | "show" QUANTITY
//! ```
//!
//! Without a price the order goes to the market. `@bid`, `@ask`, `@mid` and `@last` are snapshots, taken when the sentence
//! is resolved and moved to a valid tick that is no worse. Of two orders with `oco` between them one shrinks as the other
//! fills, such as a target and a stop for what is held; both have one symbol and quantity. `x` keeps protective stops unless a last `all` is said.

use super::command::{Command, Legs};
use super::state::State;
use crate::domain::{
    AccountKey, ClientOrderId, Instrument, OrderKind, OrderSpec, Price, Quantity, Role, SafeText, Side,
    TimeInForce, Timestamp,
};
use crate::market::Market;
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
    pub tif: TimeInForce,
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
        tif: TimeInForce::Day,
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
    matches!(lower.as_str(), "mkt" | "market" | "lmt" | "limit" | "stp") || lower.starts_with('@')
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
        "day" => order.tif = TimeInForce::Day,
        "gtc" => order.tif = TimeInForce::Gtc,
        "ioc" => order.tif = TimeInForce::Ioc,
        "fok" => order.tif = TimeInForce::Fok,
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
                "'{}' is not expected: a price (@189.50, mkt), day, gtc, ioc, fok, stop, target, show or short",
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
        tif: words.tif,
        display: words.display,
        allow_short: words.short,
        role: Role::Entry,
        parent: None,
    })
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
            (TimeInForce::Gtc, "188")
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
