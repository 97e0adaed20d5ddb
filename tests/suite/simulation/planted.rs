//! Bugs on purpose (`src/engine/planted.rs`), to show that the checkers find them: a zero of failures says nothing without
//! that. Each was looked for in seeds from 0 on, made small, and is kept in `planted.txt`; an ordinary run plays those: with
//! the bug the plan fails, by the checker that is named, and without it passes.
//!
//! `TRADEWIND_SIM_HUNT=10000` looks for each of them anew and prints how many seeds it took; with `TRADEWIND_BLESS=1` the
//! file is written. Where the engine has changed so much that a kept plan does not reach its bug any more, it is looked for
//! in a thousand seeds, and the line to keep instead is printed.

use super::check::{Checker, Wrong};
use super::plan::Plan;
use super::{SHRINK_RUNS, kept, run, run_twice, setting, shrink};
use std::sync::atomic::{AtomicUsize, Ordering};
use tradewind::engine::planted::{Bug, plant};

/// Seeds in which a bug is looked for whose kept plan does not find it any more.
const AGAIN: u64 = 1_000;

fn named(name: &str) -> Bug {
    let found = Bug::ALL.iter().find(|(_, known, _)| *known == name);
    found.unwrap_or_else(|| unreachable!("no bug is called {name}")).0
}

fn name(bug: Bug) -> &'static str {
    Bug::ALL
        .iter()
        .find(|(known, ..)| *known == bug)
        .map_or("", |(_, name, _)| name)
}

/// Plants what `TRADEWIND_SIM_BUG` names.
pub fn from_environment() {
    if let Ok(name) = std::env::var("TRADEWIND_SIM_BUG") {
        plant(Some(named(&name)));
    }
}

/// A plan with a bug in it, or without.
fn with(bug: Option<Bug>, plan: &Plan) -> Option<Wrong> {
    plant(bug);
    let done = if bug == Some(Bug::Wavers) {
        run_twice(plan)
    } else {
        run(plan, false)
    };
    plant(None);
    done.err()
}

/// Where a bug was found.
struct Found {
    bug: Bug,
    seeds: u64,
    plan: Plan,
    wrong: Wrong,
}

impl Found {
    fn line(&self) -> String {
        format!(
            "{} {} {} {} # {}",
            name(self.bug),
            self.wrong.checker,
            self.seeds,
            kept::words(&self.plan),
            self.wrong
                .words
                .chars()
                .take(160)
                .collect::<String>()
                .replace('#', "")
        )
    }
}

/// Looks for a bug in so many seeds, and makes the first find small.
fn hunt(bug: Bug, seeds: u64) -> Option<Found> {
    for seed in 0..seeds {
        let plan = Plan::of(seed);
        let Some(wrong) = with(Some(bug), &plan).filter(|wrong| wrong.checker != Checker::Panic) else {
            continue;
        };
        if with(None, &plan).is_some() {
            continue;
        }
        let (small, why) = shrink::shrink(&plan, wrong.clone(), SHRINK_RUNS, |plan| with(Some(bug), plan));
        // What was left out must not have been what kept a right engine right.
        let (plan, wrong) = if with(None, &small).is_none() {
            (small, why)
        } else {
            (plan, wrong)
        };
        return Some(Found {
            bug,
            seeds: seed + 1,
            plan,
            wrong,
        });
    }
    None
}

/// All bugs, two at a time.
fn hunt_all(bugs: &[Bug], seeds: u64) -> Vec<(Bug, Option<Found>)> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut found = Vec::new();
        while let Some(bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let one = hunt(*bug, seeds);
            match &one {
                Some(one) => println!("{}", one.line()),
                None => println!("{} NOT FOUND in {seeds} seeds", name(*bug)),
            }
            found.push((*bug, one));
        }
        found
    };
    let mut all = std::thread::scope(|scope| {
        let other = scope.spawn(worker);
        let mut all = worker();
        all.extend(other.join().unwrap());
        all
    });
    all.sort_by_key(|(bug, _)| *bug);
    all
}

#[test]
fn planted_bugs_are_found() {
    if let Some(seeds) = setting("TRADEWIND_SIM_HUNT") {
        let only = std::env::var("TRADEWIND_SIM_BUG").ok();
        let bugs = Bug::ALL
            .iter()
            .filter(|(_, name, _)| only.as_deref().is_none_or(|only| only == *name));
        let all = hunt_all(&bugs.map(|(bug, ..)| *bug).collect::<Vec<_>>(), seeds);
        let missing: Vec<&str> = all
            .iter()
            .filter(|(_, one)| one.is_none())
            .map(|(bug, _)| name(*bug))
            .collect();
        if std::env::var_os("TRADEWIND_BLESS").is_some_and(|value| value == "1") && only.is_none() {
            let mut text = String::from(
                "# Which plan finds which planted bug: bug, checker, seeds that were tried until then, seed, faults, deeds.\n\
                 # Written by TRADEWIND_SIM_HUNT=10000 TRADEWIND_BLESS=1 cargo test --test suite simulation::planted -- --nocapture\n",
            );
            for found in all.iter().filter_map(|(_, one)| one.as_ref()) {
                text += &(found.line() + "\n");
            }
            std::fs::write(kept::path("planted.txt"), text).unwrap();
        }
        assert!(missing.is_empty(), "not found in {seeds} seeds: {missing:?}");
        return;
    }
    let (mut lines, mut outdated, mut words) = (0, Vec::new(), String::new());
    for line in kept::lines("planted.txt") {
        lines += 1;
        let [bug, checker, _, rest @ ..] = line.as_slice() else {
            unreachable!("{line:?} is too short");
        };
        let (bug, plan) = (named(bug), kept::plan(rest).unwrap());
        if let Some(wrong) = with(None, &plan) {
            words += &format!("\n{}: its plan fails without it: {wrong}", name(bug));
        }
        match with(Some(bug), &plan) {
            Some(wrong) if wrong.checker.to_string() == *checker => {}
            _ => outdated.push(bug),
        }
    }
    assert!(words.is_empty(), "{words}");
    assert_eq!(lines, Bug::ALL.len(), "each bug has one line in planted.txt");
    for (bug, found) in hunt_all(&outdated, AGAIN) {
        match found {
            Some(found) => println!("planted.txt is outdated, keep instead: {}", found.line()),
            None => words += &format!("\n{}: not found in {AGAIN} seeds any more", name(bug)),
        }
    }
    assert!(words.is_empty(), "{words}");
}
