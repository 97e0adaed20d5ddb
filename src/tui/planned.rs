//! The planned pause of a broker in the few cells that the status bar has for it.

use super::world::World;
use crate::domain::Timestamp;
use crate::engine::pause::{Pause, countdown};
use std::time::Duration;

/// A pause is shown this long before it begins.
pub const SHOWN_AHEAD: Duration = Duration::from_secs(15 * 60);

/// What the bar says of a pause of the account's broker, and whether it holds orders back already.
pub fn words(world: &World, now: Timestamp) -> Option<(String, bool)> {
    let account = world.account?;
    if let Some(pause) = world.state.pauses.get(&account.broker) {
        let words = if now < pause.at {
            format!("PAUSED {} {}", kind(pause), countdown(pause.at.since(now)))
        } else {
            format!("PAUSED {} left", countdown(pause.until.since(now)))
        };
        return Some((words, true));
    }
    let (health, _) = world.health()?;
    let soon = |pause: &&Pause| pause.at > now && pause.at.since(now) <= SHOWN_AHEAD;
    let pause = health.planned.iter().find(soon)?;
    Some((
        format!("{} in {}", kind(pause), countdown(pause.at.since(now))),
        false,
    ))
}

/// Its first word: `restart`, `reset`, `TWS` for what TWS wants.
fn kind(pause: &Pause) -> &str {
    let text = pause.what.as_str();
    text.split_once(' ').map_or(text, |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::sample;

    #[test]
    fn a_pause_counts_down_to_its_beginning_and_then_to_its_end() {
        let mut world = sample::desk().0.world;
        let now = sample::now();
        assert_eq!(words(&world, now), None);
        let broker = world.account.unwrap().broker;
        let pause = Pause {
            what: "restart of TWS at 23:45 New York".into(),
            at: now.after(Duration::from_secs(100)),
            until: now.after(Duration::from_secs(400)),
        };
        world.state.pauses.insert(broker, pause.clone());
        let said = |at| words(&world, at).unwrap();
        assert_eq!(said(now), ("PAUSED restart 1:40".to_owned(), true));
        assert_eq!(said(pause.at), ("PAUSED 5:00 left".to_owned(), true));
    }
}
