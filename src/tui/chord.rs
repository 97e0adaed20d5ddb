//! One key as it was pressed, with its modifiers, and its name as people write it: `b`, `B`, `Ctrl-x`, `PageDown`.

use std::fmt;

/// Which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character, capital letters as such; the space bar is one.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tabulator.
    Tab,
    /// Tabulator with shift.
    BackTab,
    /// Delete to the left.
    Backspace,
    /// Delete to the right.
    Delete,
    /// Arrow.
    Up,
    /// Arrow.
    Down,
    /// Arrow with shift.
    ShiftUp,
    /// Arrow with shift.
    ShiftDown,
    /// Arrow.
    Left,
    /// Arrow.
    Right,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// A function key.
    F(u8),
}

/// The keys that have a name.
const NAMES: [(&str, Key); 17] = [
    ("Enter", Key::Enter),
    ("Esc", Key::Esc),
    ("Tab", Key::Tab),
    ("Shift-Tab", Key::BackTab),
    ("Backspace", Key::Backspace),
    ("Delete", Key::Delete),
    ("Up", Key::Up),
    ("Down", Key::Down),
    ("Shift-Up", Key::ShiftUp),
    ("Shift-Down", Key::ShiftDown),
    ("Left", Key::Left),
    ("Right", Key::Right),
    ("Home", Key::Home),
    ("End", Key::End),
    ("PageUp", Key::PageUp),
    ("PageDown", Key::PageDown),
    ("Space", Key::Char(' ')),
];

/// A key with what was held down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chord {
    /// The key.
    pub key: Key,
    /// Control was held.
    pub ctrl: bool,
    /// Alt was held.
    pub alt: bool,
}

impl Chord {
    /// A key with nothing held.
    pub fn plain(key: Key) -> Self {
        Self {
            key,
            ctrl: false,
            alt: false,
        }
    }
    /// A character with nothing held.
    pub fn char(c: char) -> Self {
        Self::plain(Key::Char(c))
    }
    /// Reads a name; nothing for one that names no key.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(rest) = name.strip_prefix("Ctrl-") {
            return Self::parse(rest).map(|chord| Self { ctrl: true, ..chord });
        }
        if let Some(rest) = name.strip_prefix("Alt-") {
            return Self::parse(rest).map(|chord| Self { alt: true, ..chord });
        }
        if let Some((_, key)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Some(Self::plain(*key));
        }
        let mut chars = name.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => Some(Self::char(c)),
            (Some('F'), Some(_)) => name[1..].parse().ok().map(|n| Self::plain(Key::F(n))),
            _ => None,
        }
    }
    /// A sequence of names with spaces between, such as `Ctrl-x s`.
    pub fn parse_sequence(text: &str) -> Option<Vec<Self>> {
        text.split(' ').map(Self::parse).collect()
    }
    /// The character it types, where it types one.
    pub fn typed(self) -> Option<char> {
        match self.key {
            Key::Char(c) if !self.ctrl && !self.alt && !c.is_control() => Some(c),
            _ => None,
        }
    }
}

impl fmt::Display for Chord {
    /// As short as hints want it: `^x`, `b`, `Enter`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("^")?;
        }
        if self.alt {
            f.write_str("Alt-")?;
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, key)| *key == self.key) {
            return f.write_str(name);
        }
        match self.key {
            Key::Char(c) => write!(f, "{c}"),
            Key::F(n) => write!(f, "F{n}"),
            _ => Ok(()),
        }
    }
}
