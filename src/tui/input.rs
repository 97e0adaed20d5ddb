//! From the bytes that a terminal sends to what a person did. What arrives in one read is looked at as a whole: a sequence
//! that a slow link tore apart waits for its rest (else the rest of an arrow key would be read as `[` and `B`, and `B`
//! opens an order), and more than five keys in ten milliseconds are a paste, even where the terminal does not say so. A
//! paste never acts and never confirms.

use super::chord::{Chord, Key};
use super::probe::Question;
use crate::domain::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// How long the rest of a lone escape is waited for at a terminal that is near.
pub const ESCAPE_DELAY: Duration = Duration::from_millis(50);
/// And at most, however far the terminal is.
const LONGEST_ESCAPE_DELAY: Duration = Duration::from_millis(500);
/// How long the rest of a sequence is waited for of which more than the escape has come: nobody types that by hand.
const SEQUENCE_DELAY: Duration = Duration::from_secs(2);
/// How long after an escape was told as a key the rest of a sequence may still come, and is no keys.
const TAIL_SPAN: Duration = Duration::from_secs(1);
/// More typed keys than this…
const PASTE_KEYS: usize = 5;
/// …in this span are a paste.
const PASTE_SPAN: Duration = Duration::from_millis(10);
/// No sequence that is known is longer.
const LONGEST_SEQUENCE: usize = 32;
/// What is kept of a paste, in bytes.
const LONGEST_PASTE: usize = 16 * 1024;
/// How a terminal marks the end of a paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// What a person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Pressed a key.
    Key(Chord),
    /// Pasted text. Line ends and other control characters have become spaces.
    Paste(String),
    /// Pressed the left button at a column and row.
    Click(u16, u16),
    /// Turned the wheel at a column and row; true is up.
    Wheel(u16, u16, bool),
    /// Changed the size of the terminal.
    Resize,
    /// Nothing: the terminal answered that it has drawn what stood before the question.
    Answer(Question),
}

/// Reads what a terminal sends.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The beginning of a sequence whose rest has not come, and since when.
    torn: Vec<u8>,
    torn_at: Timestamp,
    /// Until when what looks like the rest of a sequence is one, because its escape was told as a key.
    tail_until: Timestamp,
    /// How long the terminal takes to answer.
    round_trip: Duration,
    /// A paste whose end has not come.
    paste: Option<Vec<u8>>,
    recent: VecDeque<Timestamp>,
}

/// What stands at the beginning of some bytes.
enum Found {
    /// Something (or nothing of use), so many bytes long.
    Whole(Option<Input>, usize),
    /// The mark that begins a paste.
    PasteBegins(usize),
    /// The beginning of something.
    Part,
}

impl Decoder {
    /// Takes what was read at one moment; nothing, to let a deadline pass.
    pub fn feed(&mut self, bytes: &[u8], at: Timestamp) -> Vec<Input> {
        let mut done = Vec::new();
        if self.deadline().is_some_and(|deadline| at >= deadline) {
            // An escape that stayed alone was the key; a sequence that was never finished is dropped.
            if std::mem::take(&mut self.torn) == [0x1b] {
                done.push(Input::Key(Chord::plain(Key::Esc)));
                self.tail_until = at.after(TAIL_SPAN);
            }
        }
        let mut all = std::mem::take(&mut self.torn);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        if let Some(after) = self.tail_of(rest, at) {
            rest = after;
        }
        while !rest.is_empty() {
            if self.paste.is_some() {
                rest = self.pasted(rest, &mut done);
                continue;
            }
            match found(rest) {
                Found::Whole(input, length) => {
                    done.extend(input);
                    rest = &rest[length..];
                }
                Found::PasteBegins(length) => {
                    self.paste = Some(Vec::new());
                    rest = &rest[length..];
                }
                Found::Part => {
                    self.torn = rest.to_vec();
                    self.torn_at = at;
                    break;
                }
            }
        }
        self.tell_pastes(done, at)
    }
    /// When [`Decoder::feed`] wants to be called next, though nothing was read.
    pub fn deadline(&self) -> Option<Timestamp> {
        let delay = match self.torn.len() {
            0 => return None,
            // The farther the terminal, the farther apart two parts of one sequence may come.
            1 => self.round_trip.clamp(ESCAPE_DELAY, LONGEST_ESCAPE_DELAY),
            _ => SEQUENCE_DELAY,
        };
        Some(self.torn_at.after(delay))
    }
    /// Tells how long the terminal takes to answer.
    pub fn set_round_trip(&mut self, span: Duration) {
        self.round_trip = span;
    }

    /// What stands behind the rest of a sequence whose escape was told as a key, where `bytes` begin with such a rest. Read
    /// as keys it could open an order, and no hand types it so.
    fn tail_of<'a>(&mut self, bytes: &'a [u8], at: Timestamp) -> Option<&'a [u8]> {
        if bytes.is_empty() || at >= self.tail_until {
            return None;
        }
        self.tail_until = Timestamp::MIN;
        if bytes[0] != b'[' && !(bytes[0] == b'O' && bytes.len() > 1) {
            return None;
        }
        let whole: Vec<u8> = std::iter::once(0x1b).chain(bytes.iter().copied()).collect();
        match escape(&whole) {
            Found::Whole(_, length) => Some(&bytes[(length - 1).min(bytes.len())..]),
            Found::Part => {
                self.torn = whole;
                self.torn_at = at;
                Some(&[])
            }
            Found::PasteBegins(_) => None,
        }
    }

    /// Takes bytes of a paste and answers what stands after its end.
    fn pasted<'a>(&mut self, bytes: &'a [u8], done: &mut Vec<Input>) -> &'a [u8] {
        let kept = self.paste.get_or_insert_default();
        let before = kept.len();
        kept.extend_from_slice(bytes);
        // The mark itself may be torn, so it is looked for a little before the new bytes.
        let from = before.saturating_sub(PASTE_END.len());
        let end = kept[from..]
            .windows(PASTE_END.len())
            .position(|part| part == PASTE_END)
            .map(|at| from + at);
        match end {
            Some(end) => {
                let head = &kept[..end.min(LONGEST_PASTE)];
                let text = harmless(&String::from_utf8_lossy(head));
                done.push(Input::Paste(text.trim().to_owned()));
                self.paste = None;
                &bytes[end + PASTE_END.len() - before..]
            }
            None => {
                // What it begins with says what it is: an end that happened to begin as a line does would open one. Of the
                // rest as much stays as may be a part of the mark.
                let tail = kept.len().saturating_sub(PASTE_END.len() - 1);
                if tail > LONGEST_PASTE {
                    kept.drain(LONGEST_PASTE..tail);
                }
                &[]
            }
        }
    }

    /// Turns keys that came faster than a hand types into a paste.
    fn tell_pastes(&mut self, inputs: Vec<Input>, at: Timestamp) -> Vec<Input> {
        let typed: Vec<char> = inputs.iter().filter_map(typed).collect();
        // A held key whose repeats a slow link delivers at once is no paste, as long as it only moves about.
        let held = typed
            .first()
            .is_some_and(|first| "hjkl".contains(*first) && typed.iter().all(|c| c == first));
        if held || typed.is_empty() {
            return inputs;
        }
        while self
            .recent
            .front()
            .is_some_and(|before| at.since(*before) > PASTE_SPAN)
        {
            self.recent.pop_front();
        }
        self.recent.extend(std::iter::repeat_n(at, typed.len()));
        if self.recent.len() <= PASTE_KEYS {
            return inputs;
        }
        self.recent
            .drain(..self.recent.len().saturating_sub(PASTE_KEYS + 1));
        let mut kept: Vec<Input> = inputs
            .into_iter()
            .filter(|input| !matches!(input, Input::Key(_)))
            .collect();
        // Hands on a slow line are no paste, and look like one: a blank at the edge of what came at once stays.
        kept.push(Input::Paste(harmless(&typed.into_iter().collect::<String>())));
        kept
    }
}

/// What stands at the beginning of `bytes`, which are not empty.
fn found(bytes: &[u8]) -> Found {
    let key = |key| Found::Whole(Some(Input::Key(Chord::plain(key))), 1);
    match bytes[0] {
        0x1b => escape(bytes),
        b'\r' | b'\n' => key(Key::Enter),
        b'\t' => key(Key::Tab),
        0x7f | 0x08 => key(Key::Backspace),
        control @ 1..=26 => {
            let letter = char::from(b'a' + control - 1);
            Found::Whole(
                Some(Input::Key(Chord {
                    ctrl: true,
                    ..Chord::char(letter)
                })),
                1,
            )
        }
        0 | 27..=31 => Found::Whole(None, 1),
        _ => match character(bytes) {
            Ok((c, length)) => Found::Whole(Some(Input::Key(Chord::char(c))), length),
            Err(found) => found,
        },
    }
}

/// The character at the beginning of `bytes`. A byte that begins none is passed over.
fn character(bytes: &[u8]) -> Result<(char, usize), Found> {
    let length = match bytes[0] {
        0..0x80 => 1,
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return Err(Found::Whole(None, 1)),
    };
    let Some(part) = bytes.get(..length) else {
        return Err(Found::Part);
    };
    match std::str::from_utf8(part)
        .ok()
        .and_then(|text| text.chars().next())
    {
        Some(c) if !c.is_control() => Ok((c, length)),
        _ => Err(Found::Whole(None, 1)),
    }
}

/// What an escape begins.
fn escape(bytes: &[u8]) -> Found {
    let plain = |key, length| Found::Whole(Some(Input::Key(Chord::plain(key))), length);
    match bytes.get(1) {
        None => Found::Part,
        Some(b'[') => control_sequence(bytes),
        Some(b'O') => match bytes.get(2) {
            None => Found::Part,
            Some(last) => Found::Whole(letter(*last).map(|key| Input::Key(Chord::plain(key))), 3),
        },
        Some(0x1b) => plain(Key::Esc, 1),
        Some(_) => match found(&bytes[1..]) {
            Found::Whole(Some(Input::Key(chord)), length) => {
                Found::Whole(Some(Input::Key(Chord { alt: true, ..chord })), length + 1)
            }
            Found::Whole(_, length) => Found::Whole(None, length + 1),
            Found::PasteBegins(_) | Found::Part => Found::Part,
        },
    }
}

/// `ESC [`, parameters, and a last byte that says what it is.
fn control_sequence(bytes: &[u8]) -> Found {
    // The console of Linux sends `ESC [ [ A` for F1.
    let start = if bytes.get(2) == Some(&b'[') { 3 } else { 2 };
    let Some(length) = bytes[start..]
        .iter()
        .position(|byte| !(0x20..=0x3f).contains(byte))
    else {
        return if bytes.len() > LONGEST_SEQUENCE {
            Found::Whole(None, bytes.len())
        } else {
            Found::Part
        };
    };
    let (last, whole) = (bytes[start + length], start + length + 1);
    if !(0x40..=0x7e).contains(&last) {
        // Broken off by something else, which is read by itself.
        return Found::Whole(None, start + length);
    }
    let text = std::str::from_utf8(&bytes[start..start + length]).unwrap_or_default();
    if start == 3 {
        return Found::Whole(None, whole);
    }
    if let Some(mouse) = text.strip_prefix('<') {
        return Found::Whole(mouse_input(mouse, last), whole);
    }
    let mut numbers = text.split(';').map(|number| number.parse::<u8>().unwrap_or(0));
    let (first, held) = (
        numbers.next().unwrap_or(0),
        numbers.next().unwrap_or(1).saturating_sub(1),
    );
    match last {
        b'n' if text == "0" => return Found::Whole(Some(Input::Answer(Question::Status)), whole),
        b'c' if text.starts_with('?') => {
            return Found::Whole(Some(Input::Answer(Question::Attributes)), whole);
        }
        _ => {}
    }
    let key = match last {
        b'~' if first == 200 => return Found::PasteBegins(whole),
        b'~' => numbered(first),
        b'Z' => Some(Key::BackTab),
        // Shift tells two arrows apart, and no other key.
        b'A' if held & 1 != 0 => Some(Key::ShiftUp),
        b'B' if held & 1 != 0 => Some(Key::ShiftDown),
        _ => letter(last),
    };
    let chord = |key| {
        Input::Key(Chord {
            key,
            alt: held & 2 != 0,
            ctrl: held & 4 != 0,
        })
    };
    Found::Whole(key.map(chord), whole)
}

/// Keys that a letter names.
fn letter(last: u8) -> Option<Key> {
    Some(match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        b'P'..=b'S' => Key::F(last - b'P' + 1),
        b'M' => Key::Enter,
        _ => return None,
    })
}

/// Keys that a number names.
fn numbered(number: u8) -> Option<Key> {
    Some(match number {
        1 | 7 => Key::Home,
        3 => Key::Delete,
        4 | 8 => Key::End,
        5 => Key::PageUp,
        6 => Key::PageDown,
        11..=15 => Key::F(number - 10),
        17..=21 => Key::F(number - 11),
        23 | 24 => Key::F(number - 12),
        _ => return None,
    })
}

/// `button;column;row`, pressed or (a small last letter) let go.
fn mouse_input(text: &str, last: u8) -> Option<Input> {
    let mut numbers = text.split(';').map(|number| number.parse::<u16>().ok());
    let (button, column, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let (x, y) = (column.saturating_sub(1), row.saturating_sub(1));
    match (button, last) {
        (0, b'M') => Some(Input::Click(x, y)),
        (64, b'M') => Some(Input::Wheel(x, y, true)),
        (65, b'M') => Some(Input::Wheel(x, y, false)),
        _ => None,
    }
}

/// The character that an input types, Enter as a line end.
fn typed(input: &Input) -> Option<char> {
    match input {
        Input::Key(chord) if chord.key == Key::Enter => Some('\n'),
        Input::Key(chord) => chord.typed(),
        _ => None,
    }
}

/// Pasted text without anything that acts.
fn harmless(text: &str) -> String {
    let harmless = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(harmless).take(4096).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }
    fn key(name: &str) -> Input {
        Input::Key(Chord::parse(name).unwrap())
    }

    #[test]
    fn what_is_kept_of_a_long_paste_is_its_beginning_however_it_is_torn() {
        let text = "B\r:buy 10 AAPL mkt\r".repeat(4_000);
        let whole = format!("\x1b[200~{text}\x1b[201~x");
        for part in [1_000, 4_095, 4_096, 7] {
            let mut decoder = Decoder::default();
            let parts = whole.as_bytes().chunks(part);
            let all: Vec<Input> = (0..)
                .zip(parts)
                .flat_map(|(n, part)| decoder.feed(part, at(n * 100)))
                .collect();
            let [Input::Paste(kept), last] = all.as_slice() else {
                panic!("{} inputs", all.len())
            };
            assert!(kept.len() > 4_000 && kept.starts_with("B :buy") && *last == key("x"));
        }
    }

    #[test]
    fn a_sequence_torn_anywhere_is_the_same_key_and_never_an_order() {
        let sequences = [
            ("\x1b[B", key("Down")),
            ("\x1bOA", key("Up")),
            ("\x1b[6~", key("PageDown")),
            ("\x1b[Z", key("Shift-Tab")),
            ("\x1b[1;5C", key("Ctrl-Right")),
            ("\x1bB", key("Alt-B")),
            ("\x1b[<0;12;3M", Input::Click(11, 2)),
            ("\x1b[200~B\rB\r\x1b[201~", Input::Paste("B B".to_owned())),
            ("\x1b[[A", key("Esc")),
            ("é", key("é")),
        ];
        for (text, expected) in &sequences {
            let expected: &[Input] = if *text == "\x1b[[A" {
                &[]
            } else {
                std::slice::from_ref(expected)
            };
            for cut in 0..=text.len() {
                let mut decoder = Decoder::default();
                let mut done = decoder.feed(&text.as_bytes()[..cut], at(0));
                done.extend(decoder.feed(&text.as_bytes()[cut..], at(40)));
                done.extend(decoder.feed(&[], at(500)));
                assert_eq!(done, expected, "{text:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn an_escape_alone_is_told_after_the_delay() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"\x1b", at(0)), []);
        assert_eq!(decoder.deadline(), Some(at(50)));
        assert_eq!(decoder.feed(&[], at(50)), [key("Esc")]);
        assert_eq!(decoder.feed(b"\x1b\x1b[A", at(100)), [key("Esc"), key("Up")]);
        assert_eq!(decoder.feed(b"\x1b[", at(1_200)), []);
        assert_eq!(
            decoder.feed(b"j", at(4_000)),
            [key("j")],
            "what was never finished is dropped"
        );
        decoder.set_round_trip(Duration::from_millis(300));
        assert_eq!(decoder.feed(b"\x1b", at(5_000)), []);
        assert_eq!(
            decoder.deadline(),
            Some(at(5_300)),
            "a far terminal gets more time"
        );
    }

    /// Every sequence that is known, as a terminal sends it.
    fn known() -> Vec<Vec<u8>> {
        let mut all: Vec<String> = Vec::new();
        for letter in "ABCDFHPQRSMZ".chars() {
            all.push(format!("\x1b[{letter}"));
            all.push(format!("\x1bO{letter}"));
            all.extend((2..=8).map(|held| format!("\x1b[1;{held}{letter}")));
        }
        for number in 1..=24 {
            all.push(format!("\x1b[{number}~"));
            all.push(format!("\x1b[{number};5~"));
        }
        all.extend(
            (b'!'..=b'~')
                .map(|c| format!("\x1b{}", char::from(c)))
                .filter(|alt| !matches!(alt.as_bytes()[1], b'[' | b'O')),
        );
        all.extend(["A", "B", "C", "D", "E"].map(|f| format!("\x1b[[{f}")));
        all.extend(
            [
                "\x1b[<0;12;3M",
                "\x1b[<64;212;53M",
                "\x1b[<0;1;1m",
                "\x1b[0n",
                "\x1b[I",
                "\x1b[O",
                "\x1b[?1;2c",
                "\x1b[24;80R",
                "\x1b[200~B\rb\x1b[201~",
            ]
            .map(String::from),
        );
        all.into_iter().map(String::into_bytes).collect()
    }

    #[test]
    fn every_known_sequence_cut_at_every_byte_is_what_it_is_whole() {
        for sequence in known() {
            let mut whole = Decoder::default();
            let mut expected = whole.feed(&sequence, at(0));
            expected.extend(whole.feed(&[], at(5_000)));
            for cut in 0..=sequence.len() {
                let mut decoder = Decoder::default();
                let mut done = decoder.feed(&sequence[..cut], at(0));
                done.extend(decoder.feed(&sequence[cut..], at(40)));
                done.extend(decoder.feed(&[], at(5_000)));
                assert_eq!(
                    done,
                    expected,
                    "{:?} cut at {cut}",
                    String::from_utf8_lossy(&sequence)
                );
            }
            // One byte at a time.
            let mut decoder = Decoder::default();
            let mut done = Vec::new();
            for (i, byte) in (0..).zip(&sequence) {
                done.extend(decoder.feed(&[*byte], at(i * 20)));
            }
            done.extend(decoder.feed(&[], at(5_000)));
            assert_eq!(
                done,
                expected,
                "{:?} byte by byte",
                String::from_utf8_lossy(&sequence)
            );
        }
    }

    #[test]
    fn a_sequence_whose_escape_was_given_up_is_no_keys() {
        for sequence in known()
            .into_iter()
            .filter(|sequence| matches!(sequence[1], b'[' | b'O'))
        {
            if sequence.starts_with(b"\x1b[200~") {
                continue;
            }
            let mut decoder = Decoder::default();
            decoder.feed(&sequence[..1], at(0));
            assert_eq!(decoder.feed(&[], at(60)), [key("Esc")]);
            assert_eq!(
                decoder.feed(&sequence[1..], at(300)),
                [],
                "{:?}",
                String::from_utf8_lossy(&sequence)
            );
            // What a hand types after Esc is what it types.
            let mut decoder = Decoder::default();
            decoder.feed(b"\x1b", at(0));
            decoder.feed(&[], at(60));
            assert_eq!(decoder.feed(b"b", at(200)), [key("b")]);
            // Even where every byte of it comes late.
            let mut decoder = Decoder::default();
            let mut done = Vec::new();
            for (i, byte) in (0..).zip(&sequence).filter(|_| sequence[1] == b'[') {
                done.extend(decoder.feed(&[], at(i * 100)));
                done.extend(decoder.feed(&[*byte], at(i * 100)));
            }
            let typed = |input: &Input| matches!(input, Input::Key(chord) if chord.typed().is_some());
            assert!(
                !done.iter().any(typed),
                "{:?}: {done:?}",
                String::from_utf8_lossy(&sequence)
            );
        }
    }

    #[test]
    fn more_keys_than_a_hand_types_are_a_paste_and_enter_is_swallowed() {
        let burst = b"b100\rS\r\x18f";
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(burst, at(0)), [Input::Paste("b100 S f".to_owned())]);
        // The same keys typed by hand are keys.
        let mut decoder = Decoder::default();
        for (i, byte) in (0..).zip(burst) {
            let typed = decoder.feed(&[*byte], at(i * 60));
            assert!(matches!(typed[..], [Input::Key(_)]), "{typed:?}");
        }
        // A held key is not a paste.
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"jjjjjjjjj", at(0)).len(), 9);
        // Nor are five keys of a quick hand over a slow link.
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"100b", at(0)).len(), 4);
    }

    proptest! {
        /// No bytes panic, however they are cut, and none of them makes a control character into text.
        #[test]
        fn no_bytes_are_too_wild(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
            let mut decoder = Decoder::default();
            for (i, part) in (0..).zip(&parts) {
                for input in decoder.feed(part, at(i * 20)) {
                    match input {
                        Input::Paste(text) => prop_assert!(!text.chars().any(char::is_control)),
                        Input::Key(Chord { key: Key::Char(c), .. }) => prop_assert!(!c.is_control()),
                        _ => {}
                    }
                }
            }
        }
    }
}
