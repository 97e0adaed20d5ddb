//! Counts warnings and errors as they go into the log, by the part of the program that wrote them.

use super::metrics;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// The counting layer.
#[derive(Clone, Copy, Debug, Default)]
pub struct CountErrors;

impl<S: Subscriber> Layer<S> for CountErrors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            _ => return,
        };
        metrics().error(part(event.metadata().target()), level);
    }
}

/// `store` of `tradewind::store::writer`; what is not ours counts together.
fn part(target: &str) -> &str {
    match target.strip_prefix("tradewind::") {
        Some(path) => path.split("::").next().unwrap_or("other"),
        None => "other",
    }
}

/// All parts that may write a line: the folders of the program, what lies beside them, and everybody else. A counter that is there
/// before its first error is the only one whose first error a rule on its growth can see.
pub(super) const PARTS: [&str; 17] = [
    "app", "attach", "broker", "cli", "config", "domain", "engine", "exchange", "gateway", "market",
    "metrics", "other", "server", "store", "tui", "venue", "wire",
];
/// What is counted of each.
pub(super) const LEVELS: [&str; 2] = ["error", "warn"];

#[cfg(test)]
mod tests {
    #[test]
    fn every_folder_of_the_program_is_a_part() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        let mut parts: Vec<String> = entries
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().into_string().unwrap())
            .chain(["other".to_owned()])
            .collect();
        parts.sort();
        assert_eq!(parts, super::PARTS);
    }

    #[test]
    fn a_part_is_the_first_folder_of_ours() {
        assert_eq!(super::part("tradewind::store::writer"), "store");
        assert_eq!(super::part("hyper::proto"), "other");
    }
}
