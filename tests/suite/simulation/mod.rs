//! The engine against the exchange's own books: random commands, a link that delays, drops, repeats, reorders and cuts, a
//! slow journal, crashes of either side at any point. One thread and a virtual clock a world, everything from one number.
//! Then the faults stop, and soon the engine's live state, the state replayed from its journal and the exchange's books
//! must say the same.
//!
//! `TRADEWIND_SIM_SEEDS=n` runs so many seeds, `TRADEWIND_SIM_SEED=n` one alone (with `TRADEWIND_SIM_STEPS=n` only its first
//! steps), printing what happened.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: a panic fails it, and one world alone is printed step by step"
)]

mod check;
mod deeds;
mod link;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use world::{Tally, World};

/// Seeds of an ordinary run.
const SEEDS: u64 = 500;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs one world for so many steps; what it counted, or what was wrong.
fn run(seed: u64, steps: Option<u64>, loud: bool) -> Result<Tally, String> {
    let world = || World::new(seed, loud).run(steps);
    catch_unwind(AssertUnwindSafe(world)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", words.unwrap_or_default()))
    })
}

/// The fewest steps of a failing seed that still fail, found by halving.
fn shrink(seed: u64, steps: u64) -> (u64, String) {
    let (mut passes, mut fails, mut why) = (0, steps, String::new());
    while passes + 1 < fails {
        let middle = passes.midpoint(fails);
        match run(seed, Some(middle), false) {
            Ok(_) => passes = middle,
            Err(words) => (fails, why) = (middle, words),
        }
    }
    (fails, why)
}

#[test]
fn live_state_is_replayed_state_is_the_exchanges_own_books() {
    if let Some(seed) = setting("TRADEWIND_SIM_SEED") {
        let tally = run(seed, setting("TRADEWIND_SIM_STEPS"), true);
        println!("{tally:?}");
        assert!(tally.is_ok(), "seed {seed}: {}", tally.unwrap_err());
        return;
    }
    let seeds = setting("TRADEWIND_SIM_SEEDS").unwrap_or(SEEDS);
    // Worlds know nothing of each other: two run side by side, each in a thread of its own.
    let worker = |first: u64| {
        let mut total = Tally::default();
        let mut failures = Vec::new();
        for seed in (first..seeds).step_by(2) {
            match run(seed, None, false) {
                Ok(tally) if seed % 25 == 0 && run(seed, None, false).as_ref() != Ok(&tally) => {
                    failures.push((seed, "the same seed gave another trace".to_owned()));
                }
                Ok(tally) => total.add(&tally),
                Err(why) => failures.push((seed, why)),
            }
            if failures.len() > 2 {
                break;
            }
        }
        (total, failures)
    };
    let (mut total, failures) = std::thread::scope(|scope| {
        let other = scope.spawn(|| worker(1));
        let (mut total, mut failures) = worker(0);
        let (more, others) = other.join().unwrap();
        total.add(&more);
        failures.extend(others);
        (total, failures)
    });
    total.trace = 0;
    println!("simulation: {seeds} seeds, {total:?}");
    let mut words = String::new();
    for (seed, why) in &failures {
        let (steps, short) = shrink(*seed, world::STEPS);
        words += &format!(
            "\nseed {seed}: {why}\n  repeat: TRADEWIND_SIM_SEED={seed}; shortest: TRADEWIND_SIM_STEPS={steps}: {short}"
        );
    }
    assert!(failures.is_empty(), "{words}");
    if seeds >= 100 {
        // A simulation in which nothing happens proves nothing.
        for (what, count) in [
            ("executions", total.executions),
            ("uncertain", total.uncertain),
            ("absent", total.absent),
            ("engine crashes", total.engine_crashes),
            ("venue crashes", total.venue_crashes),
            ("cuts", total.cuts),
            ("dropped", total.dropped),
            ("repeated", total.repeated),
            ("children", total.children),
            ("flattened", total.flattened),
            ("accounts flattened", total.accounts_flattened),
            ("exits", total.exits),
            ("exits in place of stops", total.swaps),
            ("killed while clearing", total.killed_in[0]),
            ("killed while reading", total.killed_in[1]),
            ("killed while exiting", total.killed_in[3]),
            ("killed while proving", total.killed_in[5]),
            ("withheld", total.withheld),
        ] {
            assert!(count > seeds / 20, "{what}: only {count} in {seeds} seeds");
        }
    }
}
