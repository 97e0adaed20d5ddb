//! What stands in a cell, as a terminal has it, and what of a cell's text may be sent at all.

use super::look::Packed;
use unicode_width::UnicodeWidthStr;

/// One cell of the terminal, in two numbers: a character, or a text of several or of width two by its place in the screen's
/// list, or the right half of the cell before it; and its look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Glyph {
    pub(super) text: u32,
    pub(super) look: Packed,
}
/// No character: the right half.
pub(super) const RIGHT_HALF: u32 = 1 << 30;
/// No character: from here on the places in the list.
pub(super) const CLUSTER: u32 = 1 << 31;
/// More texts than this are never on a screen at once: the list is begun anew, and the screen drawn anew.
pub(super) const CLUSTERS_MAX: usize = 1_000;

impl Glyph {
    pub(super) const BLANK: Self = Self {
        text: b' ' as u32,
        look: Packed::PLAIN,
    };
    /// The character, where it is one of width one.
    pub(super) fn char(self) -> Option<char> {
        char::from_u32(self.text)
    }
}

/// What a cell's text is to a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text<'a> {
    One(char),
    /// More than one character, or one of width two, with its width.
    Cluster(&'a str, u16),
}

/// A cell's text as it may be sent: a control character, or what shows nothing, becomes a blank.
pub(super) fn text_of(symbol: &str) -> Text<'_> {
    match *symbol.as_bytes() {
        [byte @ b' '..=b'~'] => return Text::One(char::from(byte)),
        // What rules, charts and shapes are drawn with, asked about thousands of times a frame: one of these alone has width one.
        [0xe2, 0x94..=0x96 | 0xa0..=0xa3, _] => {
            if let Some(c) = symbol.chars().next() {
                return Text::One(c);
            }
        }
        _ => {}
    }
    let mut chars = symbol.chars();
    match (chars.next(), chars.next()) {
        _ if symbol.chars().any(is_hostile) => Text::One('\u{fffd}'),
        (Some(c), None) => match symbol.width() {
            0 => Text::One(' '),
            1 => Text::One(c),
            _ => Text::Cluster(symbol, 2),
        },
        (None, _) => Text::One(' '),
        _ => match symbol.width() {
            0 => Text::One(' '),
            1 => Text::Cluster(symbol, 1),
            2 => Text::Cluster(symbol, 2),
            _ => Text::One('\u{fffd}'),
        },
    }
}

/// Characters that a terminal acts on, or that change the order in which others are shown.
pub(super) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthChar;

    #[test]
    fn what_is_not_looked_up_has_width_one_and_harms_nothing() {
        for c in ('\u{2500}'..='\u{25bf}').chain('\u{2800}'..='\u{28ff}') {
            assert_eq!((c.width(), is_hostile(c)), (Some(1), false), "{c:?}");
            assert_eq!(text_of(c.encode_utf8(&mut [0; 4])), Text::One(c));
        }
    }
}
