//! The engine against the exchange's own books: random commands of sane and mad people, a link that delays, drops, repeats,
//! reorders, is cut and half open, a disk that is slow, full and fails, clocks that jump, a broker that corrects, repeats
//! and forgets, crashes of either side at any point. One thread and a virtual clock a world, everything from one number.
//! Then the faults stop, and within a minute the engine's live state, the state replayed from its journal and the
//! exchange's books must say the same. What is checked all the while stands in `check/mod.rs`, what can go wrong in
//! `faults.rs`.
//!
//! `TRADEWIND_SIM_SEEDS=n` runs so many seeds from `TRADEWIND_SIM_FIRST` on, at most for `TRADEWIND_SIM_MINUTES`, `TRADEWIND_SIM_SEED=n` one alone, printing what
//! happened, `TRADEWIND_SIM_FAULTS` and `TRADEWIND_SIM_DEEDS` narrow it, `TRADEWIND_SIM_BUG` plants a bug in it. A failing
//! seed is made small and printed as one command. `TRADEWIND_SIM_HUNT=n` looks for each planted bug in so many seeds anew.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: a panic fails it, and one world alone is printed step by step"
)]

mod chance;
mod check;
mod deeds;
mod disk;
mod faults;
mod habits;
mod house;
mod kept;
mod lanes;
mod line;
mod people;
mod plan;
#[cfg(debug_assertions)]
mod planted;
mod process;
mod shrink;
mod tally;
mod world;

use check::{Checker, Wrong};
use plan::Plan;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tally::Tally;
use world::World;

/// Seeds of an ordinary run.
const SEEDS: u64 = 500;
/// Runs that making one failure small may take.
const SHRINK_RUNS: u32 = 600;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs one world; what it counted, or what was wrong.
fn run(plan: &Plan, loud: bool) -> Result<Tally, Wrong> {
    let world = || World::new(plan.clone(), loud).run();
    catch_unwind(AssertUnwindSafe(world)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Wrong {
            checker: Checker::Panic,
            words: words.unwrap_or_default(),
        })
    })
}

/// Runs a world twice: the same plan gives the same trace (I12).
fn run_twice(plan: &Plan) -> Result<Tally, Wrong> {
    let first = run(plan, false)?;
    let second = run(plan, false)?;
    if first == second {
        return Ok(first);
    }
    Err(Wrong {
        checker: Checker::I12,
        words: "the same seed gave another trace".into(),
    })
}

/// Every so many seeds are run twice.
fn played(plan: &Plan) -> Result<Tally, Wrong> {
    if plan.seed.is_multiple_of(20) {
        run_twice(plan)
    } else {
        run(plan, false)
    }
}

/// A failure as a person can use it: made small, with the command that repeats it.
fn told(plan: &Plan, wrong: &Wrong) -> String {
    let again = |plan: &Plan| match wrong.checker {
        Checker::I12 => run_twice(plan).err(),
        _ => run(plan, false).err(),
    };
    let (small, why) = shrink::shrink(plan, wrong.clone(), SHRINK_RUNS, again);
    format!(
        "\nseed {}: {wrong}\n  small: {why}\n  repeat: {}\n  keep:   {}",
        plan.seed,
        small.command(None),
        kept::words(&small)
    )
}

/// One plan alone, as the environment narrows it.
fn alone(seed: u64) {
    let mut plan = Plan::of(seed);
    if let Ok(faults) = std::env::var("TRADEWIND_SIM_FAULTS") {
        plan.faults = faults::Faults::parse(&faults).unwrap();
    }
    if let Ok(deeds) = std::env::var("TRADEWIND_SIM_DEEDS") {
        plan.deeds = plan::read_spans(&deeds).unwrap();
    }
    #[cfg(debug_assertions)]
    planted::from_environment();
    println!("faults: {}", plan.faults);
    let done = run(&plan, true);
    println!("{done:?}");
    let mut words = String::new();
    if let Err(wrong) = &done {
        words = told(&plan, wrong);
    }
    assert!(done.is_ok(), "{words}");
}

#[test]
fn worlds_settle_to_the_books_of_their_exchange() {
    if let Some(seed) = setting("TRADEWIND_SIM_SEED") {
        return alone(seed);
    }
    let mut words = String::new();
    for line in kept::lines("regressions.txt") {
        let plan = kept::plan(&line).unwrap();
        if let Err(wrong) = run(&plan, false) {
            words += &format!(
                "\na failure that was mended is back: {wrong}\n  repeat: {}",
                plan.command(None)
            );
        }
    }
    assert!(words.is_empty(), "{words}");
    let seeds = setting("TRADEWIND_SIM_SEEDS").unwrap_or(SEEDS);
    let first = setting("TRADEWIND_SIM_FIRST").unwrap_or(0);
    let began = Instant::now();
    let until = setting("TRADEWIND_SIM_MINUTES").map(|minutes| began + Duration::from_secs(minutes * 60));
    let is_over = || until.is_some_and(|until| Instant::now() > until);
    // Worlds know nothing of each other: two run side by side, each in a thread of its own.
    let next = AtomicU64::new(first);
    let worker = || {
        let mut total = Tally::default();
        let mut failures = Vec::new();
        loop {
            if is_over() || failures.len() > 2 {
                return (total, failures);
            }
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds {
                return (total, failures);
            }
            let plan = Plan::of(seed);
            match played(&plan) {
                Ok(tally) => total.add(&tally),
                Err(wrong) => failures.push((plan, wrong)),
            }
        }
    };
    let (total, failures) = std::thread::scope(|scope| {
        let other = scope.spawn(worker);
        let (mut total, mut failures) = worker();
        let (more, others) = other.join().unwrap();
        total.add(&more);
        failures.extend(others);
        (total, failures)
    });
    let seconds = began.elapsed().as_secs_f64();
    // What was run, not what was asked for: every seed that was taken was played to its end.
    let seeds = (next.load(Ordering::Relaxed) - first).min(seeds);
    println!(
        "simulation: {seeds} seeds from {first} on in {seconds:.1} s, {:.1} a second, {total:?}",
        seeds as f64 / seconds
    );
    for (plan, wrong) in &failures {
        words += &told(plan, wrong);
    }
    assert!(failures.is_empty(), "{words}");
    if seeds >= 200 {
        // A simulation in which nothing happens proves nothing.
        let mut missing = total.missing(seeds);
        for (step, killed) in [(0, 20), (1, 20), (3, 20), (5, 20)] {
            if total.killed_in[step] < seeds / killed / 10 {
                missing.push(format!("killed in step {step}: only {}", total.killed_in[step]));
            }
        }
        assert!(missing.is_empty(), "of {seeds} seeds: {missing:?}");
    }
}
