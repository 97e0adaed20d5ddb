//! How much, in words: a quantity, money, a risk, or a part of what is held. Nothing is looked up here.

use super::Amount;
use super::words::{SentenceError, Word, Words, shown, wrong};
use crate::domain::{Currency, Distance, Money, Quantity};
use std::ops::Range;

/// The example that every error about an amount ends with.
const EXAMPLE: &str = "a quantity, such as buy 100 AAPL";

/// The amount that stands next, and where.
pub(super) fn amount(words: &mut Words<'_>) -> Result<(Amount, Range<usize>), SentenceError> {
    let word = words.need(EXAMPLE)?;
    if word.is("all") {
        return Ok((Amount::All, word.at));
    }
    if word.is("half") {
        return Ok((Amount::Half, word.at));
    }
    if word.is("risk") {
        let size = words.need("how much to risk, such as risk 1% or risk 500usd")?;
        let at = word.at.start..size.at.end;
        return Ok((risk(&size)?, at));
    }
    let amount = match money(&word)? {
        Some((amount, currency)) => Amount::Value(amount, currency),
        None => Amount::Quantity(quantity(&word)?),
    };
    Ok((amount, word.at))
}

fn risk(word: &Word) -> Result<Amount, SentenceError> {
    if let Some((amount, currency)) = money(word)? {
        return Ok(Amount::Risk(amount, currency));
    }
    match word.text.parse::<Distance>() {
        Ok(Distance::Percent { hundredths }) if word.text.ends_with('%') => {
            no_leading_zero(word)?;
            Ok(Amount::RiskShare(hundredths))
        }
        _ => wrong(
            word.at.clone(),
            format!(
                "'{}' is no risk: risk 1% of net liquidation, or risk 500usd",
                shown(&word.text)
            ),
        ),
    }
}

/// Money: `10000usd`, or `$10000` for dollars; nothing where the word is of another form.
fn money(word: &Word) -> Result<Option<(Money, Currency)>, SentenceError> {
    let text = word.text.as_str();
    let (number, currency) = match text.strip_prefix('$') {
        Some(number) => (number, Currency::USD),
        None => {
            let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
            let (number, letters) = text.split_at(end);
            let plain = !number.is_empty() && letters.bytes().all(|byte| byte.is_ascii_alphabetic());
            match letters.to_ascii_uppercase().parse::<Currency>() {
                Ok(currency) if plain => (number, currency),
                _ => return Ok(None),
            }
        }
    };
    no_leading_zero(&Word {
        text: number.to_owned(),
        at: word.at.clone(),
    })?;
    match number.parse::<Money>() {
        Ok(amount) if amount > Money::ZERO => Ok(Some((amount, currency))),
        Ok(_) => wrong(word.at.clone(), "an amount of money is above zero"),
        Err(error) => wrong(word.at.clone(), error.to_string()),
    }
}

/// A quantity never begins with a zero that means nothing: what a shell leaves of `$10000` in double quotes is `0000`.
fn no_leading_zero(word: &Word) -> Result<(), SentenceError> {
    let text = word.text.as_str();
    let more = text.as_bytes().get(1);
    if text.starts_with('0') && more.is_some_and(u8::is_ascii_digit) {
        let text = format!(
            "'{}' begins with a zero: did a shell eat a part of it?",
            shown(text)
        );
        return wrong(word.at.clone(), text);
    }
    Ok(())
}

/// A quantity above zero.
pub(super) fn quantity(word: &Word) -> Result<Quantity, SentenceError> {
    no_leading_zero(word)?;
    match word.text.parse::<Quantity>() {
        Ok(quantity) if quantity.is_positive() => Ok(quantity),
        Ok(_) => wrong(word.at.clone(), "a quantity is above zero"),
        Err(error) => wrong(word.at.clone(), error.to_string()),
    }
}
