//! What a world does, from one number: which faults are on, and which of its deeds are done. A plan can be written on one
//! line and read back, so that a failure that was made small is repeated by one command.

use super::chance::Chance;
use super::faults::Faults;
use std::collections::BTreeSet;

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub seed: u64,
    pub faults: Faults,
    /// The deeds that are done, by their number; the others only take their time.
    pub deeds: BTreeSet<u64>,
}

impl Plan {
    /// The whole plan of a seed. Worlds are of different lengths: many short ones find what hides early, a long one what
    /// needs to pile up.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::stream(seed, u64::MAX - 1);
        let deeds = *chance.pick(&[60, 60, 120, 120, 250, 500]);
        Self {
            seed,
            faults: Faults::of(seed),
            deeds: (0..deeds).collect(),
        }
    }

    /// How many deeds there are until the last that is done.
    pub fn length(&self) -> u64 {
        self.deeds.last().map_or(0, |last| last + 1)
    }

    /// The command that repeats it; `bug` is planted.
    pub fn command(&self, bug: Option<&str>) -> String {
        let bug = bug.map_or(String::new(), |bug| format!(" TRADEWIND_SIM_BUG={bug}"));
        format!(
            "TRADEWIND_SIM_SEED={} TRADEWIND_SIM_FAULTS={} TRADEWIND_SIM_DEEDS={}{bug} cargo test --test suite simulation::worlds -- --nocapture",
            self.seed,
            self.faults,
            spans(&self.deeds)
        )
    }
}

/// `0-3,7,12-13`; `none` for none.
pub fn spans(deeds: &BTreeSet<u64>) -> String {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for deed in deeds {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == *deed => *last = *deed,
            _ => spans.push((*deed, *deed)),
        }
    }
    if spans.is_empty() {
        return "none".to_owned();
    }
    let words: Vec<String> = spans
        .iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    words.join(",")
}

/// Reads what [`spans`] wrote.
pub fn read_spans(text: &str) -> Result<BTreeSet<u64>, String> {
    let mut deeds = BTreeSet::new();
    for span in text.split(',').filter(|span| !matches!(*span, "" | "none")) {
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{span}: {error}"));
        deeds.extend(number(first)?..=number(last)?);
    }
    Ok(deeds)
}
