//! From what the terminal reports to what a person did. Joins escape sequences that a slow link tore apart (else the rest
//! of an arrow key would be read as `[` and `B`, and `B` opens an order), and tells typing from pasting even where the
//! terminal does not: more than five keys in ten milliseconds are no hand's. A paste never acts and never confirms.

use super::chord::{Chord, Key};
use crate::domain::Timestamp;
use crossterm::event::{Event, MouseButton, MouseEventKind};
use std::collections::VecDeque;
use std::time::Duration;

/// How long the rest of a torn escape sequence is waited for.
pub const ESCAPE_DELAY: Duration = Duration::from_millis(50);
/// More typed keys than this…
const PASTE_KEYS: usize = 5;
/// …in this span are a paste.
const PASTE_SPAN: Duration = Duration::from_millis(10);

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
}

/// Reads what the terminal reports.
#[derive(Debug, Default)]
pub struct Decoder {
    torn: Torn,
    recent: VecDeque<Timestamp>,
}

/// An escape sequence of which only the beginning came.
#[derive(Debug, Default)]
enum Torn {
    #[default]
    None,
    /// An escape that may be a key or a beginning, since when.
    Escape(Timestamp),
    /// `ESC [` or `ESC O` and what followed, since the last part.
    Sequence(String, Timestamp),
    /// A paste whose beginning was torn: its text, with the torn end mark's parts.
    Paste(String),
}

impl Decoder {
    /// Takes everything that was reported at one moment.
    pub fn feed(&mut self, events: &[Event], at: Timestamp) -> Vec<Input> {
        let mut done = Vec::new();
        self.expire(at, &mut done);
        for event in events {
            match event {
                Event::Key(key) => {
                    if let Some(chord) = Chord::from_event(key) {
                        self.key(chord, at, &mut done);
                    }
                }
                Event::Paste(text) => done.push(Input::Paste(harmless(text))),
                Event::Mouse(mouse) => match mouse.kind {
                    MouseEventKind::Down(MouseButton::Left) => {
                        done.push(Input::Click(mouse.column, mouse.row))
                    }
                    MouseEventKind::ScrollUp => done.push(Input::Wheel(mouse.column, mouse.row, true)),
                    MouseEventKind::ScrollDown => done.push(Input::Wheel(mouse.column, mouse.row, false)),
                    _ => {}
                },
                Event::Resize(..) => done.push(Input::Resize),
                Event::FocusGained | Event::FocusLost => {}
            }
        }
        self.tell_pastes(done, at)
    }
    /// When [`Decoder::feed`] wants to be called next, though nothing was reported.
    pub fn deadline(&self) -> Option<Timestamp> {
        match self.torn {
            Torn::Escape(at) | Torn::Sequence(_, at) => Some(at.after(ESCAPE_DELAY)),
            Torn::None | Torn::Paste(_) => None,
        }
    }

    /// An escape that stayed alone was the key; a sequence that was never finished is dropped.
    fn expire(&mut self, at: Timestamp, done: &mut Vec<Input>) {
        if self.deadline().is_some_and(|deadline| at >= deadline)
            && matches!(std::mem::take(&mut self.torn), Torn::Escape(_))
        {
            done.push(Input::Key(Chord::plain(Key::Esc)));
        }
    }

    fn key(&mut self, chord: Chord, at: Timestamp, done: &mut Vec<Input>) {
        match std::mem::take(&mut self.torn) {
            Torn::None if chord == Chord::plain(Key::Esc) => self.torn = Torn::Escape(at),
            Torn::None => done.push(Input::Key(chord)),
            Torn::Escape(_) => match chord.typed() {
                Some(c @ ('[' | 'O')) => self.torn = Torn::Sequence(c.to_string(), at),
                _ => {
                    done.push(Input::Key(Chord::plain(Key::Esc)));
                    self.key(chord, at, done);
                }
            },
            Torn::Sequence(mut text, _) => match chord.typed() {
                Some(c) => {
                    text.push(c);
                    if ('\u{40}'..='\u{7e}').contains(&c) && text != "[[" {
                        self.finish(&text, done);
                    } else if text.len() < 32 {
                        self.torn = Torn::Sequence(text, at);
                    }
                }
                None => self.key(chord, at, done),
            },
            Torn::Paste(mut text) => {
                match chord.key {
                    Key::Char(c) => text.push(c),
                    Key::Esc => text.push('\u{1b}'),
                    _ => text.push(' '),
                }
                match text.split_once("\u{1b}[201~") {
                    Some((pasted, _)) => done.push(Input::Paste(harmless(pasted))),
                    None => self.torn = Torn::Paste(text),
                }
            }
        }
    }

    /// A torn sequence is whole again.
    fn finish(&mut self, text: &str, done: &mut Vec<Input>) {
        let key = match text {
            "[A" | "OA" => Key::Up,
            "[B" | "OB" => Key::Down,
            "[C" | "OC" => Key::Right,
            "[D" | "OD" => Key::Left,
            "[H" | "OH" | "[1~" => Key::Home,
            "[F" | "OF" | "[4~" => Key::End,
            "[Z" => Key::BackTab,
            "[3~" => Key::Delete,
            "[5~" => Key::PageUp,
            "[6~" => Key::PageDown,
            "[200~" => {
                self.torn = Torn::Paste(String::new());
                return;
            }
            _ => return,
        };
        done.push(Input::Key(Chord::plain(key)));
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
            .filter(|input| typed_or_key(input).is_none())
            .collect();
        kept.push(Input::Paste(harmless(&typed.into_iter().collect::<String>())));
        kept
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

/// Any key but the moving ones: what a paste swallows, so that a control character in it does nothing either.
fn typed_or_key(input: &Input) -> Option<char> {
    match input {
        Input::Key(_) => Some(typed(input).unwrap_or(' ')),
        _ => None,
    }
}

/// Pasted text without anything that acts.
fn harmless(text: &str) -> String {
    let one_line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(4096)
        .collect();
    one_line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    fn key(code: KeyCode) -> Event {
        Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn an_arrow_torn_after_its_escape_is_an_arrow_and_never_an_order() {
        for (rest, expected) in [
            ("[B", Key::Down),
            ("OA", Key::Up),
            ("[6~", Key::PageDown),
            ("[Z", Key::BackTab),
        ] {
            for cut in 0..=rest.len() {
                let mut decoder = Decoder::default();
                let mut done = decoder.feed(&[key(KeyCode::Esc)], at(0));
                for (i, part) in [&rest[..cut], &rest[cut..]].into_iter().enumerate() {
                    let events: Vec<Event> = part.chars().map(|c| key(KeyCode::Char(c))).collect();
                    done.extend(decoder.feed(&events, at(20 + 20 * i64::try_from(i).unwrap())));
                }
                done.extend(decoder.feed(&[], at(500)));
                assert_eq!(done, [Input::Key(Chord::plain(expected))], "{rest} cut at {cut}");
            }
        }
    }

    #[test]
    fn an_escape_alone_is_told_after_the_delay_and_before_the_next_key() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(&[key(KeyCode::Esc)], at(0)), []);
        assert_eq!(decoder.deadline(), Some(at(50)));
        assert_eq!(decoder.feed(&[], at(50)), [Input::Key(Chord::plain(Key::Esc))]);
        assert_eq!(decoder.feed(&[key(KeyCode::Esc)], at(100)), []);
        let keys = decoder.feed(&[key(KeyCode::Char('b'))], at(110));
        assert_eq!(
            keys,
            [Input::Key(Chord::plain(Key::Esc)), Input::Key(Chord::char('b'))]
        );
    }

    #[test]
    fn more_keys_than_a_hand_types_are_a_paste_and_enter_is_swallowed() {
        let burst: Vec<Event> = "b100\nS\n"
            .chars()
            .map(|c| {
                key(if c == '\n' {
                    KeyCode::Enter
                } else {
                    KeyCode::Char(c)
                })
            })
            .collect();
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(&burst, at(0)), [Input::Paste("b100 S".to_owned())]);
        // The same keys typed by hand are keys.
        let mut decoder = Decoder::default();
        for (i, event) in (0..).zip(&burst) {
            let typed = decoder.feed(std::slice::from_ref(event), at(i * 60));
            assert!(matches!(typed[..], [Input::Key(_)]), "{typed:?}");
        }
        // A held key is not a paste.
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(&vec![key(KeyCode::Char('j')); 9], at(0)).len(), 9);
    }

    #[test]
    fn a_paste_whose_beginning_was_torn_is_still_a_paste() {
        let mut decoder = Decoder::default();
        let mut done = decoder.feed(&[key(KeyCode::Esc)], at(0));
        for (i, c) in (1..).zip("[200~B\nB\n".chars()) {
            let code = if c == '\n' {
                KeyCode::Enter
            } else {
                KeyCode::Char(c)
            };
            done.extend(decoder.feed(&[key(code)], at(i)));
        }
        done.extend(decoder.feed(&[key(KeyCode::Esc)], at(30)));
        for (i, c) in (31..).zip("[201~".chars()) {
            done.extend(decoder.feed(&[key(KeyCode::Char(c))], at(i)));
        }
        assert_eq!(done, [Input::Paste("B B".to_owned())]);
    }
}
