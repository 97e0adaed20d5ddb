//! Keys as a person wants them: the section `[keys]` of the settings laid over the table. A line that can't be is left out
//! and told, with what would be right; nothing here can take the panic keys, Enter or Esc away.

use super::action::Action;
use super::chord::{Chord, Key};
use super::keymap::{Context, Danger, Entry, Hotkey, Keymap, TABLE};
use super::theme::nearest;
use std::borrow::Cow;

/// The longest key sequence.
const LONGEST: usize = 4;
/// How many lines may be behind keys.
const HOTKEYS: usize = 100;

/// What a key is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant {
    /// An action by its name (`ticket.price-up` for one in an open ticket), or `none`.
    Action(String),
    /// A line.
    Hotkey(Hotkey),
}

/// The contexts that a name may begin with.
const PLACES: [(&str, Context); 6] = [
    ("ticket", Context::Ticket),
    ("line", Context::Line),
    ("search", Context::Search),
    ("help", Context::Help),
    ("leaving", Context::Leaving),
    ("desk", Context::Desk),
];

impl Keymap {
    /// The table with `wanted` (keys as written, and what they are to do) laid over it. Answers what is wrong, each with
    /// the keys that it stands beside.
    pub fn rebound(wanted: &[(String, Meant)]) -> (Self, Vec<(String, String)>) {
        let mut map = Self::default();
        let mut faults = Vec::new();
        let mut taken: Vec<(Context, Vec<Chord>)> = Vec::new();
        // What is unbound first makes room for what is bound.
        let is_none =
            |what: &Meant| matches!(what, Meant::Action(name) if name == "none" || name.ends_with(".none"));
        for (keys, what) in wanted.iter().filter(|(_, what)| is_none(what)) {
            if let Err(fault) = map.unbind(keys, what) {
                faults.push((keys.clone(), fault));
            }
        }
        for (keys, what) in wanted.iter().filter(|(_, what)| !is_none(what)) {
            if let Err(fault) = map.bind(keys, what, &mut taken) {
                faults.push((keys.clone(), fault));
            }
        }
        (map, faults)
    }

    fn unbind(&mut self, keys: &str, what: &Meant) -> Result<(), String> {
        let chords = free(keys)?;
        let context = match what {
            Meant::Action(name) => named_place(name)?.0,
            Meant::Hotkey(_) => Context::Desk,
        };
        let before = self.entries.len();
        self.entries
            .retain(|entry| entry.context != context || entry.keys != chords);
        if self.entries.len() == before {
            return Err(format!("'{keys}' does nothing there that could be unbound"));
        }
        Ok(())
    }

    fn bind(
        &mut self,
        keys: &str,
        what: &Meant,
        taken: &mut Vec<(Context, Vec<Chord>)>,
    ) -> Result<(), String> {
        let chords = free(keys)?;
        let entry = match what {
            Meant::Action(name) => action_entry(name, chords)?,
            Meant::Hotkey(hotkey) => self.hotkey_entry(hotkey, chords)?,
        };
        let types = entry.keys.first().and_then(|chord| chord.typed());
        if matches!(entry.context, Context::Line | Context::Search) && types.is_some() {
            return Err(format!(
                "'{keys}' is text there; a key with Ctrl, Alt or F is not"
            ));
        }
        if entry.context == Context::Desk && types.is_some_and(|c| c.is_ascii_digit()) {
            return Err("digits are counts and quantities on the desk".to_owned());
        }
        let mine = taken
            .iter()
            .find(|(context, other)| *context == entry.context && clash(other, &entry.keys));
        if let Some((_, other)) = mine {
            return Err(format!("it conflicts with '{}' of these settings", shown(other)));
        }
        let meets = |other: &Entry| other.context == entry.context || other.context == Context::Anywhere;
        // A key of the table is replaced; one that begins others, or goes on where another ends, is not.
        let rivals: Vec<String> = self
            .entries
            .iter()
            .filter(|other| meets(other) && clash(&other.keys, &entry.keys))
            .filter(|other| other.keys != entry.keys || other.context == Context::Anywhere)
            .map(|other| format!("'{}' ({})", other.shown(), other.action.name()))
            .collect();
        if !rivals.is_empty() {
            let first = rivals.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
            return Err(format!("it conflicts with {first}; bind that to \"none\" first"));
        }
        self.entries
            .retain(|other| other.context != entry.context || other.keys != entry.keys);
        taken.push((entry.context, entry.keys.clone()));
        self.entries.push(entry);
        Ok(())
    }

    fn hotkey_entry(&mut self, hotkey: &Hotkey, keys: Vec<Chord>) -> Result<Entry, String> {
        let line = hotkey.line.trim().trim_start_matches(':').trim();
        if line.is_empty() || line.chars().any(char::is_control) {
            return Err("a line behind a key is one line of text, such as \":buy 100 AAPL @bid\"".to_owned());
        }
        let number = u8::try_from(self.hotkeys.len()).unwrap_or(u8::MAX);
        if usize::from(number) >= HOTKEYS {
            return Err(format!("at most {HOTKEYS} lines may be behind keys"));
        }
        self.hotkeys.push(Hotkey {
            line: line.to_owned(),
            send: hotkey.send,
        });
        let how = if hotkey.send {
            "sent at once where armed"
        } else {
            "previewed"
        };
        Ok(Entry {
            keys,
            action: Action::Hotkey(number),
            context: Context::Desk,
            help: Cow::Owned(format!(":{line} ({how})")),
            danger: if hotkey.send {
                Danger::Sends
            } else {
                Danger::Preview
            },
            hint: None,
        })
    }
}

/// A key sequence that may be bound.
fn free(keys: &str) -> Result<Vec<Chord>, String> {
    let chords = Chord::parse_sequence(keys)
        .filter(|chords| (1..=LONGEST).contains(&chords.len()))
        .ok_or_else(|| format!("'{keys}' names no key: b, B, F5, Ctrl-r, Alt-1, 'Space w x'"))?;
    let panic = Chord {
        ctrl: true,
        ..Chord::char('x')
    };
    match chords.first() {
        Some(first) if *first == panic => {
            Err("Ctrl-x is the panic prefix, the same everywhere; nothing else may use it".to_owned())
        }
        Some(_)
            if chords
                .iter()
                .any(|chord| matches!(chord.key, Key::Enter | Key::Esc)) =>
        {
            Err("Enter confirms and Esc drops; they can't be bound to anything else".to_owned())
        }
        _ => Ok(chords),
    }
}

/// The context that a name begins with, and the rest of it.
fn named_place(name: &str) -> Result<(Context, &str), String> {
    let Some((place, rest)) = name.split_once('.') else {
        return Ok((Context::Desk, name));
    };
    match PLACES.iter().find(|(known, _)| *known == place) {
        Some((_, context)) => Ok((*context, rest)),
        None => {
            let known: Vec<&str> = PLACES.iter().map(|(known, _)| *known).collect();
            Err(format!("there is no place '{place}': {}", known.join(", ")))
        }
    }
}

fn action_entry(name: &str, keys: Vec<Chord>) -> Result<Entry, String> {
    let (context, word) = named_place(name)?;
    let is_here = |binding_context: Context| {
        binding_context == context || (context == Context::Desk && binding_context == Context::Anywhere)
    };
    let here = || TABLE.iter().filter(|binding| is_here(binding.context));
    let found = here().find(|binding| binding.action.name() == word);
    let Some(binding) = found else {
        let names: Vec<String> = here().map(|binding| binding.action.name()).collect();
        let hint = match nearest(word, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean '{near}'?"),
            None => "'tradewind keys' lists them".to_owned(),
        };
        return Err(format!("there is no action '{word}'; {hint}"));
    };
    Ok(Entry {
        keys,
        action: binding.action,
        // A key that a person adds holds where they said, the panic keys of the table everywhere.
        context,
        help: Cow::Borrowed(binding.help),
        danger: binding.danger,
        hint: binding.hint,
    })
}

/// True where one begins the other.
fn clash(one: &[Chord], other: &[Chord]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

fn shown(keys: &[Chord]) -> String {
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    keys.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::keymap::Meaning;
    use super::*;

    fn action(name: &str) -> Meant {
        Meant::Action(name.to_owned())
    }
    fn line(text: &str, send: bool) -> Meant {
        Meant::Hotkey(Hotkey {
            line: text.to_owned(),
            send,
        })
    }
    fn rebound(wanted: &[(&str, Meant)]) -> (Keymap, Vec<String>) {
        let wanted: Vec<(String, Meant)> = wanted.iter().map(|(k, w)| ((*k).to_owned(), w.clone())).collect();
        let (map, faults) = Keymap::rebound(&wanted);
        (
            map,
            faults
                .into_iter()
                .map(|(keys, what)| format!("{keys}: {what}"))
                .collect(),
        )
    }
    fn means(map: &Keymap, context: Context, keys: &str) -> Meaning {
        map.meaning(context, &Chord::parse_sequence(keys).unwrap())
    }

    #[test]
    fn keys_move_and_the_hints_go_with_them() {
        let (map, faults) = rebound(&[
            ("F2", action("buy")),
            ("b", action("none")),
            ("x", action("undo")),
            ("ticket.p", action("ticket.price-up")),
            ("F5", line(":buy 100 AAPL @bid", false)),
            ("F6", line("sell all AAPL mkt", true)),
        ]);
        assert_eq!(
            faults,
            ["ticket.p: 'ticket.p' names no key: b, B, F5, Ctrl-r, Alt-1, 'Space w x'"]
        );
        assert_eq!(means(&map, Context::Desk, "F2"), Meaning::Action(Action::Buy));
        assert_eq!(means(&map, Context::Desk, "b"), Meaning::Nothing);
        assert_eq!(means(&map, Context::Desk, "x"), Meaning::Action(Action::Undo));
        assert_eq!(
            means(&map, Context::Desk, "Delete"),
            Meaning::Action(Action::Cancel),
            "the other key stays"
        );
        assert_eq!(
            means(&map, Context::Desk, "F5"),
            Meaning::Action(Action::Hotkey(0))
        );
        assert_eq!(map.hotkeys[0].line, "buy 100 AAPL @bid");
        let hints = map.hints(Context::Desk);
        assert!(
            hints.contains(&("F2".to_owned(), "buy", Danger::Preview)),
            "{hints:?}"
        );
        assert!(
            hints.contains(&("Delete".to_owned(), "cancel", Danger::Sends)),
            "{hints:?}"
        );
        let sends = map
            .entries()
            .iter()
            .find(|entry| entry.action == Action::Hotkey(1))
            .unwrap();
        assert_eq!(sends.danger, Danger::Sends);
    }

    #[test]
    fn what_would_bite_is_refused_in_words() {
        for (keys, what, said) in [
            ("Ctrl-x f", action("none"), "panic prefix"),
            ("Ctrl-x", action("buy"), "panic prefix"),
            ("Enter", action("sell"), "Enter confirms"),
            ("g", action("sell"), "conflicts with 'g g'"),
            ("b b", action("sell"), "conflicts with 'b' (buy)"),
            ("5", action("sell"), "digits are counts"),
            ("Ctrl-l", action("sell"), "conflicts with '^l' (redraw)"),
            ("F3", action("sel"), "did you mean 'sell'?"),
            ("F3", action("tikket.price-up"), "there is no place 'tikket'"),
            ("k", action("line.complete"), "is text there"),
            ("F9", action("none"), "nothing there"),
            ("F3", line(":", false), "one line of text"),
        ] {
            let (map, faults) = rebound(&[(keys, what.clone())]);
            assert!(
                faults.len() == 1 && faults[0].contains(said),
                "{keys} {what:?}: {faults:?}"
            );
            assert_eq!(map.entries(), Keymap::default().entries(), "the table holds");
        }
        let (_, faults) = rebound(&[("F2", action("buy")), ("F2 a", action("sell"))]);
        assert_eq!(faults, ["F2 a: it conflicts with 'F2' of these settings"]);
    }
}
