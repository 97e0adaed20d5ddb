//! The symbol search: matches what is typed against every instrument's id, name and root, best first.

use crate::domain::{Instrument, InstrumentId};
use crate::engine::State;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use tui_input::Input;

/// The search as it stands.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// What is typed.
    pub input: Input,
    /// Which match is selected, counted from the best.
    pub selected: usize,
}

impl Search {
    /// The matches, best first.
    pub fn matches<'a>(&self, state: &'a State) -> Vec<&'a Instrument> {
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(
            self.input.value().trim(),
            CaseMatching::Ignore,
            Normalization::Smart,
        );
        let mut characters = Vec::new();
        let mut score = |text: &str, weight: u32| {
            pattern
                .score(Utf32Str::new(text, &mut characters), &mut matcher)
                .map(|score| score * weight)
        };
        let mut found: Vec<(u32, &Instrument)> = state
            .instruments
            .values()
            .filter_map(|instrument| {
                let root = instrument
                    .root
                    .map(|root| root.as_str().to_owned())
                    .unwrap_or_default();
                let best = [
                    score(instrument.id.as_str(), 4),
                    score(&root, 4),
                    score(instrument.name.as_str(), 1),
                ];
                Some((best.into_iter().flatten().max()?, instrument))
            })
            .collect();
        found.sort_by(|(a, x), (b, y)| {
            b.cmp(a)
                .then_with(|| (x.id.as_str().len(), x.id).cmp(&(y.id.as_str().len(), y.id)))
        });
        found.into_iter().map(|(_, instrument)| instrument).collect()
    }
    /// The selected match.
    pub fn chosen(&self, state: &State) -> Option<InstrumentId> {
        let matches = self.matches(state);
        matches
            .get(self.selected.min(matches.len().saturating_sub(1)))
            .map(|instrument| instrument.id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn ids_come_before_names_and_roots_find_their_contract() {
        let mut state = sample::state();
        let apple = state
            .instruments
            .values_mut()
            .find(|i| i.id.as_str() == "AAPL")
            .unwrap();
        apple.name = "Apple Inc.".into();
        let es = state
            .instruments
            .values_mut()
            .find(|i| i.id.as_str() == "ESZ6")
            .unwrap();
        es.root = crate::domain::Text::new("ES").ok();
        let first = |text: &str| {
            let search = Search {
                input: Input::new(text.to_owned()),
                selected: 0,
            };
            search.chosen(&state).map(|id| id.to_string())
        };
        assert_eq!(first("es").as_deref(), Some("ESZ6"));
        assert_eq!(first("apple").as_deref(), Some("AAPL"));
        assert_eq!(first("btc").as_deref(), Some("BTC.USD"));
        assert_eq!(first("zzzz"), None);
    }
}
