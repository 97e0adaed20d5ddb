//! A text as words with their places, and what is wrong with one of them.

use crate::domain::SafeText;
use std::ops::Range;

/// A word and where it stands in the sentence, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As typed.
    pub text: String,
    /// Where.
    pub at: Range<usize>,
}

impl Word {
    /// True where it is this word, however it is written.
    pub(super) fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }
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

pub(super) fn wrong<T>(at: Range<usize>, text: impl Into<String>) -> Result<T, SentenceError> {
    Err(SentenceError {
        at,
        text: text.into(),
    })
}

/// The beginning of a word, harmless to show.
pub(super) fn shown(text: &str) -> String {
    SafeText::new(text).as_str().chars().take(24).collect()
}

/// Words of a text, one after the other. What stands in braces is one word, spaces and all.
pub(super) struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }
    /// Words are parted by plain spaces: what only looks like one came from somewhere else and is refused as a word.
    pub(super) fn peek(&self) -> Option<Word> {
        let rest = self.text.get(self.at..)?;
        let start = self.at + (rest.len() - rest.trim_ascii_start().len());
        let rest = self.text.get(start..)?;
        let braced = rest
            .starts_with('{')
            .then(|| rest.find('}'))
            .flatten()
            .map(|end| &rest[..=end]);
        let word = braced.or_else(|| rest.split_ascii_whitespace().next())?;
        Some(Word {
            text: word.to_owned(),
            at: start..start + word.len(),
        })
    }
    pub(super) fn take_if(&mut self, wanted: &str) -> Option<Word> {
        let word = self.peek().filter(|word| word.is(wanted))?;
        self.at = word.at.end;
        Some(word)
    }
    /// The next word where it begins as a number does.
    pub(super) fn take_number(&mut self) -> Option<Word> {
        let begins = |word: &Word| word.text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        let word = self.peek().filter(begins)?;
        self.at = word.at.end;
        Some(word)
    }
    pub(super) fn next_unless(&mut self, ends: &[&str]) -> Option<Word> {
        let next = self.peek()?;
        if ends.iter().any(|end| next.is(end)) {
            return None;
        }
        self.next()
    }
    pub(super) fn need(&mut self, what: &str) -> Result<Word, SentenceError> {
        match self.next() {
            Some(word) => Ok(word),
            None => wrong(self.text.len()..self.text.len(), format!("missing: {what}")),
        }
    }
    /// Nothing may follow.
    pub(super) fn end(&mut self) -> Result<(), SentenceError> {
        match self.next() {
            Some(extra) => wrong(extra.at, format!("'{}' is not expected here", shown(&extra.text))),
            None => Ok(()),
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
