//! Which instruments quotes are wanted of. Brokers count lines: where more is listed than may be watched, what is held and
//! what works comes first, then what is on the desk and in sight, and the rest of the lines stay where they were.

use super::world::World;
use crate::domain::InstrumentId;
use std::collections::BTreeSet;

/// What to watch, most important first, at most `limit` of them. `before` is what was watched so far: as long as it has
/// all that matters it stays, so that scrolling asks for no more than it must.
pub(super) fn watched(
    world: &World,
    seen: &[InstrumentId],
    before: &[InstrumentId],
    limit: usize,
) -> Vec<InstrumentId> {
    let listed = &world.state.instruments;
    if listed.len() <= limit {
        return listed.keys().copied().collect();
    }
    let held = world
        .state
        .ledgers
        .iter()
        .filter(|(_, ledger)| !ledger.position.quantity.is_zero())
        .map(|((_, id), _)| *id);
    let working = world.state.live.iter().map(|(_, id, _)| *id);
    let matter = held
        .chain(working)
        .chain(world.instrument)
        .chain(seen.iter().copied());
    let (mut chosen, mut known) = (Vec::with_capacity(limit), BTreeSet::new());
    for id in matter {
        if chosen.len() < limit && listed.contains_key(&id) && known.insert(id) {
            chosen.push(id);
        }
    }
    let there: BTreeSet<&InstrumentId> = before.iter().collect();
    if !before.is_empty() && chosen.iter().all(|id| there.contains(id)) {
        return before.to_vec();
    }
    let rest = before.iter().chain(listed.keys());
    for id in rest {
        if chosen.len() >= limit {
            break;
        }
        if listed.contains_key(id) && known.insert(*id) {
            chosen.push(*id);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::sample;

    #[test]
    fn what_is_held_and_seen_comes_first_and_the_rest_stays() {
        let (desk, _) = sample::desk();
        let mut world = desk.world;
        let id = |name: &str| InstrumentId::new(name).unwrap();
        assert_eq!(
            watched(&world, &[], &[], 100).len(),
            8,
            "all, where all may be watched"
        );
        // Held or working: AAPL, ESZ6, NVDA, SAP and MSFT.
        let first = watched(&world, &[id("SPY")], &[], 6);
        assert_eq!(first.len(), 6);
        for held in ["AAPL", "ESZ6", "MSFT", "NVDA", "SAP", "SPY"] {
            assert!(first.contains(&id(held)), "{held}");
        }
        assert_eq!(watched(&world, &[], &first, 6), first, "nothing new matters");
        world.instrument = Some(id("EUR.USD"));
        let then = watched(&world, &[id("BTC.USD")], &first, 6);
        assert!(
            then.contains(&id("EUR.USD")) && !then.contains(&id("SPY")),
            "{then:?}"
        );
        assert!(!then.contains(&id("BTC.USD")), "held things first: {then:?}");
    }
}
