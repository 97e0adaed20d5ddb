//! Every action by its name, on the order line: what is typed as a first word is matched against the words of the desk and
//! the actions of the key table, and the best are shown with their keys. What a line of an order means is not its business.

use super::action::Action;
use super::desk::Desk;
use super::keymap::{Context, Keymap, TABLE};
use super::line::DESK_WORDS;
use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// One line of the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What to type: the word of the desk, or the action's name.
    pub word: String,
    /// What may follow it.
    pub args: &'static str,
    /// What it does.
    pub what: String,
    /// Its keys, where it has some.
    pub keys: String,
}

/// The action of this name that is done on the desk.
pub fn action_named(name: &str) -> Option<Action> {
    let on_desk = |context: Context| matches!(context, Context::Desk | Context::Anywhere);
    TABLE
        .iter()
        .find(|binding| on_desk(binding.context) && binding.action.name() == name)
        .map(|binding| binding.action)
}

/// What fits a word that is being typed, best first.
pub fn matches(typed: &str, keymap: &Keymap) -> Vec<Found> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::new(typed, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
    let mut characters = Vec::new();
    let mut found: Vec<(u32, usize, Found)> = all(keymap)
        .into_iter()
        .filter_map(|found| {
            let name = pattern.score(Utf32Str::new(&found.word, &mut characters), &mut matcher);
            let what = pattern.score(Utf32Str::new(&found.what, &mut characters), &mut matcher);
            // A name that begins so is meant before anything else; words about it come last.
            let bare = found.word.strip_prefix("do ").unwrap_or(&found.word);
            let begins = u32::from(bare.starts_with(typed)) * 1_000 + u32::from(bare == typed) * 10_000;
            let best = name.map(|score| score * 4 + begins).or(what)?;
            Some((best, found.word.len(), found))
        })
        .collect();
    found.sort_by(|(a, long, x), (b, longer, y)| {
        b.cmp(a).then_with(|| (long, &x.word).cmp(&(longer, &y.word)))
    });
    found.into_iter().map(|(.., found)| found).collect()
}

fn all(keymap: &Keymap) -> Vec<Found> {
    let words = DESK_WORDS.iter().map(|(word, args, what)| Found {
        word: (*word).to_owned(),
        args,
        what: (*what).to_owned(),
        keys: String::new(),
    });
    let mut all: Vec<Found> = words.collect();
    for context in [Context::Desk, Context::Anywhere] {
        for binding in TABLE.iter().filter(|binding| binding.context == context) {
            let name = binding.action.name();
            let word = if name.contains('-') {
                name
            } else {
                format!("do {name}")
            };
            let keys = keymap.keys_of(context, binding.action).join("  ");
            match all.iter_mut().find(|found| found.word == word) {
                Some(known) if keys.is_empty() => known.keys.push_str(""),
                Some(known) => known.keys = format!("{}  {keys}", known.keys).trim().to_owned(),
                None => all.push(Found {
                    word,
                    args: "",
                    what: binding.help.to_owned(),
                    keys,
                }),
            }
        }
    }
    all
}

impl Desk {
    /// What the palette shows beside a line; nothing once the first word is whole and means something.
    pub fn palette(&self, text: &str) -> Vec<Found> {
        let typed = text.trim_start();
        let rest = typed.strip_prefix("do ").unwrap_or(typed);
        if typed.is_empty() || rest.contains(' ') {
            return Vec::new();
        }
        matches(&rest.to_ascii_lowercase(), &self.keymap)
    }
    /// The best of the palette, where what is typed is not yet it.
    pub(super) fn completed(&self, text: &str) -> Option<String> {
        let best = self.palette(text).into_iter().next()?;
        (best.word != text.trim()).then_some(best.word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_of_the_desk_is_found_by_its_name_and_shows_its_key() {
        let map = Keymap::default();
        for binding in TABLE
            .iter()
            .filter(|b| matches!(b.context, Context::Desk | Context::Anywhere))
        {
            let name = binding.action.name();
            assert_eq!(action_named(&name), Some(binding.action), "{name}");
            let found = matches(&name, &map);
            assert!(
                found[0].word.ends_with(&name) || found[0].word == name,
                "{name}: {:?}",
                found[0]
            );
        }
        let first = |typed: &str| {
            matches(typed, &map)
                .into_iter()
                .next()
                .map(|found| (found.word, found.keys))
        };
        assert_eq!(
            first("wstrade"),
            Some(("workspace-trade".to_owned(), "g t".to_owned()))
        );
        assert_eq!(
            first("cancel-all"),
            Some(("cancel-all".to_owned(), "^x a".to_owned()))
        );
        assert_eq!(first("layout").unwrap().0, "layout");
        assert_eq!(first("zzzzqqq"), None);
    }
}
