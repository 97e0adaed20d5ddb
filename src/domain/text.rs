//! Text that came from outside, made harmless at the door. [`SafeText`] holds what is shown to people; [`Text`] holds
//! short identifiers inline, without an allocation, so that keys of the state can be copied. Neither can hold a control,
//! escape, bidirectional or zero-width character, so no terminal, file name or page ever meets one.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::cmp::Ordering;
use std::fmt;

/// True for characters that change how other text is shown, or that a terminal would act on.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// How many of something, in words: `1 order`, `3 orders`.
pub fn counted(count: impl TryInto<u64>, one: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {one}{s}")
}

/// Text for people: reasons, names, messages. At most [`SafeText::MAX`] characters, none of them hostile.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SafeText(String);

impl SafeText {
    /// Longest text kept, in characters; what is longer is cut and ends in an ellipsis.
    pub const MAX: usize = 512;
    /// Keeps what is harmless; each run of hostile characters becomes one space.
    pub fn new(text: &str) -> Self {
        let mut safe = String::with_capacity(text.len().min(Self::MAX));
        let mut gap = false;
        for (count, c) in text.chars().enumerate() {
            if count >= Self::MAX {
                safe.push('…');
                break;
            }
            if is_hostile(c) {
                gap = true;
                continue;
            }
            if gap && !safe.is_empty() && !safe.ends_with(' ') && c != ' ' {
                safe.push(' ');
            }
            gap = false;
            safe.push(c);
        }
        Self(safe)
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl From<&str> for SafeText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}
impl From<String> for SafeText {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}
impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
impl<'de> Deserialize<'de> for SafeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(deserializer)?))
    }
}

/// Why a text is no identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{shown}' is no {what}: 1 to {most} visible ASCII characters without spaces")]
pub struct TextError {
    /// The beginning of the refused text, made harmless.
    pub shown: SafeText,
    /// What it should have been.
    pub what: &'static str,
    /// The longest allowed, in bytes.
    pub most: usize,
}

/// A short identifier kept inline: 1 to `N` visible ASCII characters, no space.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Text<const N: usize>([u8; N]);

/// By bytes, eight at a time: the maps of the state are ordered by these, and a call for each comparison would be a large part
/// of what an order takes. The last eight may overlap those before, which are equal then.
impl<const N: usize> Ord for Text<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (own, _) = self.0.as_chunks::<8>();
        let (its, _) = other.0.as_chunks::<8>();
        for (own, its) in own.iter().zip(its) {
            if own != its {
                return u64::from_be_bytes(*own).cmp(&u64::from_be_bytes(*its));
            }
        }
        match (self.0.last_chunk::<8>(), other.0.last_chunk::<8>()) {
            (Some(own), Some(its)) => u64::from_be_bytes(*own).cmp(&u64::from_be_bytes(*its)),
            _ => self.0.cmp(&other.0),
        }
    }
}
impl<const N: usize> PartialOrd for Text<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Text<N> {
    /// No text at all: sorts before every identifier, and is none.
    pub(super) const EMPTY: Self = Self([0; N]);
    /// Checks and keeps `text`.
    pub fn new(text: &str) -> Result<Self, TextError> {
        let bytes = text.as_bytes();
        if bytes.is_empty() || bytes.len() > N || !bytes.iter().all(u8::is_ascii_graphic) {
            let shown = SafeText::new(&text.chars().take(48).collect::<String>());
            return Err(TextError {
                shown,
                what: "identifier",
                most: N,
            });
        }
        let mut kept = [0; N];
        kept[..bytes.len()].copy_from_slice(bytes);
        Ok(Self(kept))
    }
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(N);
        // Only ASCII is ever kept, so this is always text.
        std::str::from_utf8(&self.0[..end]).unwrap_or("")
    }
}
impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl<const N: usize> Serialize for Text<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
impl<'de, const N: usize> Deserialize<'de> for Text<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn identifiers_are_ordered_by_their_bytes(
            (start, one, two) in ("[a-c]{0,17}", "[!-~]{1,3}", "[!-~]{1,3}"),
        ) {
            let (one, two) = (format!("{start}{one}"), format!("{start}{two}"));
            prop_assert_eq!(Text::<20>::new(&one)?.cmp(&Text::new(&two)?), one.cmp(&two));
            prop_assert_eq!(Text::<24>::new(&one)?.cmp(&Text::new(&two)?), one.cmp(&two));
            if one.len() <= 5 && two.len() <= 5 {
                prop_assert_eq!(Text::<5>::new(&one)?.cmp(&Text::new(&two)?), one.cmp(&two));
            }
        }
    }

    #[test]
    fn nothing_that_a_terminal_would_act_on_gets_in() {
        let hostile = "\u{1b}]52;c;AAAA\u{7}buy\u{202E}ecaf\u{200B}\u{9b}31m\n\ttwo";
        let safe = SafeText::new(hostile);
        assert_eq!(safe.as_str(), "]52;c;AAAA buy ecaf 31m two");
        assert!(!safe.as_str().chars().any(is_hostile));
        let long = SafeText::new(&"x".repeat(10_000));
        assert_eq!(long.as_str().chars().count(), SafeText::MAX + 1);
    }

    #[test]
    fn identifiers_are_short_visible_ascii() {
        assert_eq!(Text::<8>::new("ESZ6").unwrap().as_str(), "ESZ6");
        for bad in ["", "NINECHARS", "a b", "é", "\u{1b}[m", "a\0b"] {
            assert!(Text::<8>::new(bad).is_err(), "{bad:?}");
        }
    }
}
