//! Words of an alert sentence: where each stands, and one after the other. What they mean is `grammar`'s.

use crate::domain::SafeText;
use crate::engine::sentence::SentenceError;
use std::ops::Range;

/// An error that points at a part of the sentence.
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

/// A word, and where it stands in the sentence, in bytes.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) at: Range<usize>,
    /// It stood in quotes, which are not part of it.
    pub(super) quoted: bool,
}
impl Word {
    pub(super) fn lower(&self) -> String {
        if self.quoted {
            // What stands in quotes is never a word of the language.
            return format!("'{}'", self.text);
        }
        self.text.to_ascii_lowercase()
    }
}

/// Words of a sentence, one after the other.
pub(super) struct Words {
    all: Vec<Word>,
    next: usize,
    /// Where the text ends.
    pub(super) end: usize,
}
impl Words {
    /// The words of a sentence.
    pub(super) fn of(text: &str) -> Result<Self, SentenceError> {
        Ok(Self {
            all: split(text)?,
            next: 0,
            end: text.len(),
        })
    }
    pub(super) fn peek(&self) -> Option<Word> {
        self.all.get(self.next).cloned()
    }
    pub(super) fn take(&mut self) -> Option<Word> {
        let word = self.peek()?;
        self.next += 1;
        Some(word)
    }
    pub(super) fn take_if(&mut self, wanted: &str) -> Option<Word> {
        self.peek().filter(|word| word.lower() == wanted)?;
        self.take()
    }
    pub(super) fn here(&self) -> Range<usize> {
        self.peek().map_or(self.end..self.end, |word| word.at)
    }
    pub(super) fn need(&mut self, what: &str) -> Result<Word, SentenceError> {
        match self.take() {
            Some(word) => Ok(word),
            None => wrong(self.end..self.end, format!("missing: {what}")),
        }
    }
}

/// Splits a sentence: at spaces, around parentheses, commas and comparisons, and not within quotes.
fn split(text: &str) -> Result<Vec<Word>, SentenceError> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(first) = rest.chars().next() else { break };
        let (length, quoted) = match first {
            // The same characters that end a word: one that ended a word and was none to skip would be read for ever.
            space if space.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            '\'' | '"' => match rest[1..].find(first) {
                Some(inside) => (inside + 2, true),
                None => return wrong(at..text.len(), format!("the closing {first} is missing")),
            },
            '(' | ')' | ',' => (1, false),
            '>' | '<' | '=' if rest[1..].starts_with('=') => (2, false),
            '>' | '<' | '=' => (1, false),
            _ => {
                let ends = |c: char| c.is_ascii_whitespace() || "'\"(),><=".contains(c);
                (rest.find(ends).unwrap_or(rest.len()), false)
            }
        };
        let inside = if quoted { 1..length - 1 } else { 0..length };
        words.push(Word {
            text: rest[inside].to_owned(),
            at: at..at + length,
            quoted,
        });
        at += length;
    }
    Ok(words)
}
