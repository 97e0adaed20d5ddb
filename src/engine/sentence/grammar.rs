//! From text to a sentence: verbs, what they are about, and how orders are joined. What may be said of one order is in
//! `clauses`.

use super::amount::amount;
use super::clauses::{self, Clauses};
use super::words::{SentenceError, Word, Words, shown, wrong};
use super::{OrderWords, Sentence};
use crate::domain::{ExitError, ExitPrice, Side};

/// How many symbols may stand in braces: more is no basket, and the rate control would refuse it.
const MOST_SYMBOLS: usize = 20;

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
        "reverse" | "rev" => Sentence::Reverse {
            symbol: words.need("the symbol to reverse, such as reverse ES")?,
        },
        "breakeven" | "be" => Sentence::Breakeven {
            symbol: words.need("the symbol whose stop moves to the average price, such as breakeven AAPL")?,
        },
        "confirm" => Sentence::Confirm {
            symbol: words.need("the symbol of what is parked, such as confirm AAPL")?,
        },
        "protect" => {
            let symbol =
                words.need("the symbol to protect, such as protect AAPL at 185 or protect AAPL at -20t")?;
            words.take_if("at");
            let place = clauses::exit(&words.need("where the stop goes: a price, or -20t from the market")?)?;
            if matches!(place.place, ExitPrice::Multiple(_)) {
                return wrong(place.at, ExitError::StopInR.to_string());
            }
            Sentence::Protect { symbol, place }
        }
        "flat" | "flatten" => {
            let symbol = words.need("the symbol to flatten, such as flat AAPL, or flat all")?;
            let all = symbol.is("all");
            Sentence::Flat {
                last_four: if all { last_four(&mut words)? } else { None },
                symbol: (!all).then_some(symbol),
            }
        }
        other => {
            return wrong(
                verb.at,
                format!(
                    "'{}' is no verb: buy, sell, x, close, reverse, breakeven, protect, flat or confirm",
                    shown(other)
                ),
            );
        }
    };
    words.end()?;
    Ok(sentence)
}

/// What may stand behind `flat all`: the end of the account's name.
fn last_four(words: &mut Words<'_>) -> Result<Option<Word>, SentenceError> {
    match words.next() {
        Some(word) if word.text.chars().count() != 4 => {
            let text = format!("'{}' is not expected here", shown(&word.text));
            wrong(word.at, text)
        }
        word => Ok(word),
    }
}

/// Parses a sentence that comes from a shell, a script or a file: there a `$` is somebody else's.
///
/// # Errors
/// As [`parse`], and at the first word with a `$`.
pub fn parse_outside(text: &str) -> Result<Sentence, SentenceError> {
    if let Some(word) = Words::new(text).find(|word| word.text.contains('$')) {
        let amount: String = word
            .text
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == '.')
            .take(20)
            .collect();
        let example = if amount.is_empty() { "10000" } else { &amount };
        return wrong(
            word.at,
            format!("'$' is for the desk only, a shell replaces it: write {example}usd"),
        );
    }
    parse(text)
}

pub(super) fn side(word: &Word) -> Option<Side> {
    match word.text.to_ascii_lowercase().as_str() {
        "buy" | "b" => Some(Side::Buy),
        "sell" | "s" => Some(Side::Sell),
        _ => None,
    }
}

/// One order, one in each of several instruments, or two with `oco` between them. The words of an order go on to the end
/// of the sentence or to `oco`.
fn orders(words: &mut Words<'_>, side_of_first: Side) -> Result<Sentence, SentenceError> {
    let mut first = order(words, side_of_first)?;
    if let Some(then) = words.take_if("then") {
        return chained(words, first, &then);
    }
    let Some(oco) = words.take_if("oco") else {
        return Ok(match first.len() {
            1 => Sentence::Order(Box::new(first.remove(0))),
            _ => Sentence::Basket(first),
        });
    };
    if first.len() > 1 {
        return wrong(oco.at, "oco joins two orders of one symbol, not a basket");
    }
    let first = first.remove(0);
    let Some(verb) = words.next() else {
        // Behind a stop and a target it says what they are anyway.
        if (first.stop.is_some() && first.target.is_some()) || first.template.is_some() {
            return Ok(Sentence::Order(Box::new(first)));
        }
        return wrong(
            oco.at,
            "oco needs a stop and a target before it, or a second order after it, such as oco sell 100 AAPL stp 180",
        );
    };
    let Some(side) = side(&verb) else {
        return wrong(
            verb.at,
            format!("'{}' is no order: buy or sell goes after oco", shown(&verb.text)),
        );
    };
    let mut second = order(words, side)?;
    if second.len() > 1 {
        return wrong(oco.at, "oco joins two orders of one symbol, not a basket");
    }
    let second = second.remove(0);
    let has_legs =
        |order: &OrderWords| order.stop.is_some() || order.target.is_some() || order.template.is_some();
    if has_legs(&first) || has_legs(&second) {
        return wrong(
            oco.at,
            "orders of a pair have no stop and target of their own; stp makes an order a stop",
        );
    }
    if let Some(park) = first.park.as_ref().or(second.park.as_ref()) {
        return wrong(park.at.clone(), "one order is parked at a time, no pair");
    }
    words.end()?;
    Ok(Sentence::Pair(Box::new((first, second))))
}

/// An order and the one that follows once it has filled: two orders by themselves, with nothing that hangs on either.
fn chained(
    words: &mut Words<'_>,
    mut first: Vec<OrderWords>,
    then: &Word,
) -> Result<Sentence, SentenceError> {
    let verb = words.need("an order behind then, such as then sell 100 AAPL @195")?;
    let Some(side) = side(&verb) else {
        return wrong(
            verb.at,
            format!("'{}' is no order: buy or sell goes after then", shown(&verb.text)),
        );
    };
    let mut second = order(words, side)?;
    if first.len() > 1 || second.len() > 1 {
        return wrong(then.at.clone(), "then joins two orders, no baskets");
    }
    let (first, second) = (first.remove(0), second.remove(0));
    for order in [&first, &second] {
        let legs = [&order.stop, &order.target].into_iter().flatten().next();
        let hangs = legs
            .map(|leg| &leg.at)
            .or(order.template.as_ref().map(|word| &word.at));
        if let Some(at) = hangs {
            let text = "orders joined by then have no stop and target of their own; stp makes an order a stop, and stop and target without then make a bracket";
            return wrong(at.clone(), text);
        }
        if let Some(park) = &order.park {
            return wrong(
                park.at.clone(),
                "one order is parked at a time, none that another follows",
            );
        }
    }
    if second.amount.closes() {
        let text = "what it closes is not held yet: say how much, such as then sell 100 AAPL @195";
        return wrong(second.amount_at, text);
    }
    if let Some(word) = words.next() {
        return wrong(word.at, "one order follows another, no third one and no pair");
    }
    Ok(Sentence::Then(Box::new((first, second))))
}

fn cancel(words: &mut Words<'_>) -> Result<Sentence, SentenceError> {
    let symbol = words.need("what to cancel: x AAPL, or x all")?;
    let stops_too = words.take_if("all").is_some();
    Ok(Sentence::Cancel {
        symbol: (!symbol.is("all")).then_some(symbol),
        stops_too,
    })
}

/// One order, or the same words for each symbol in braces.
fn order(words: &mut Words<'_>, side: Side) -> Result<Vec<OrderWords>, SentenceError> {
    let braced = |words: &Words<'_>| words.peek().is_some_and(|word| word.text.starts_with('{'));
    let (symbols, (amount, amount_at)) = if braced(words) {
        let symbols = basket(&words.need("symbols")?)?;
        (symbols, amount(words)?)
    } else {
        let amount = amount(words)?;
        let symbol = words.need("a symbol, such as buy 100 AAPL")?;
        let symbols = if symbol.text.starts_with('{') {
            basket(&symbol)?
        } else {
            vec![symbol]
        };
        (symbols, amount)
    };
    let clauses = clauses::read(words)?;
    let order = |symbol: Word| -> Result<OrderWords, SentenceError> {
        let Clauses {
            price,
            peg,
            tif,
            outside,
            stop,
            target,
            template,
            display,
            short,
            park,
        } = clauses.clone();
        Ok(OrderWords {
            side,
            amount,
            amount_at: amount_at.clone(),
            symbol,
            price,
            peg,
            tif,
            outside,
            stop,
            target,
            template,
            display,
            short,
            park,
        })
    };
    let alone = symbols.len() == 1;
    if let Some(park) = clauses.park.as_ref().filter(|_| !alone) {
        return wrong(park.at.clone(), "one order is parked at a time, no basket");
    }
    let orders: Vec<OrderWords> = symbols.into_iter().map(order).collect::<Result<_, _>>()?;
    orders.iter().try_for_each(clauses::agree)?;
    Ok(orders)
}

/// The symbols in braces.
fn basket(word: &Word) -> Result<Vec<Word>, SentenceError> {
    let Some(inside) = word
        .text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    else {
        return wrong(word.at.clone(), "the brace is not closed: {AAPL,MSFT,NVDA}");
    };
    let mut symbols: Vec<Word> = Vec::new();
    let mut at = word.at.start + 1;
    for part in inside.split(',') {
        let start = at + (part.len() - part.trim_ascii_start().len());
        let text = part.trim_ascii();
        let place = start..start + text.len();
        at += part.len() + 1;
        if text.is_empty() || text.contains(|c: char| c.is_ascii_whitespace() || c == '{') {
            let place = if place.is_empty() { word.at.clone() } else { place };
            return wrong(place, "symbols in braces are parted by commas: {AAPL,MSFT,NVDA}");
        }
        if symbols.iter().any(|known| known.is(text)) {
            return wrong(place, format!("'{}' stands there twice", shown(text)));
        }
        symbols.push(Word {
            text: text.to_owned(),
            at: place,
        });
    }
    if symbols.len() > MOST_SYMBOLS {
        let text = format!("{} symbols; a basket has at most {MOST_SYMBOLS}", symbols.len());
        return wrong(word.at.clone(), text);
    }
    Ok(symbols)
}
