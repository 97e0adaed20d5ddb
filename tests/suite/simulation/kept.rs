//! Plans that are kept in files: failures that were mended (`regressions.txt`) and the plans that find each planted bug
//! (`planted.txt`). A line is one of them; `#` begins a remark.

use super::faults::Faults;
use super::plan::{Plan, read_spans, spans};
use std::path::PathBuf;

/// A file of the simulation's folder.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/suite/simulation")
        .join(name)
}

/// Its lines without remarks, each split at white space.
pub fn lines(name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path(name)).unwrap();
    let bare = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    bare.filter(|line| !line.is_empty())
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect()
}

/// A plan from its three words: seed, faults, deeds.
pub fn plan(words: &[String]) -> Result<Plan, String> {
    let [seed, faults, deeds] = words else {
        return Err(format!("a plan has a seed, faults and deeds, not {words:?}"));
    };
    Ok(Plan {
        seed: seed.parse().map_err(|error| format!("{seed}: {error}"))?,
        faults: Faults::parse(faults)?,
        deeds: read_spans(deeds)?,
    })
}

/// And back.
pub fn words(plan: &Plan) -> String {
    format!("{} {} {}", plan.seed, plan.faults, spans(&plan.deeds))
}
