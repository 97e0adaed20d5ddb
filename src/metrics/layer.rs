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

#[cfg(test)]
mod tests {
    #[test]
    fn a_part_is_the_first_folder_of_ours() {
        assert_eq!(super::part("tradewind::store::writer"), "store");
        assert_eq!(super::part("hyper::proto"), "other");
    }
}
