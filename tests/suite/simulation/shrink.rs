//! Makes a failing plan small: faults that it does not need are switched off, deeds that it does not need are left out
//! (delta debugging: halves first, then ever smaller pieces), as long as the same checker still finds the same kind of
//! thing.

use super::check::{Checker, Wrong};
use super::plan::Plan;
use std::collections::BTreeSet;

/// The smallest plan found within so many runs, and what is wrong in it.
pub fn shrink(
    plan: &Plan,
    first: Wrong,
    mut runs: u32,
    mut run: impl FnMut(&Plan) -> Option<Wrong>,
) -> (Plan, Wrong) {
    let checker: Checker = first.checker;
    let (mut best, mut why) = (plan.clone(), first);
    let mut fails = |plan: &Plan, why: &mut Wrong| {
        if runs == 0 {
            return false;
        }
        runs -= 1;
        match run(plan) {
            Some(wrong) if wrong.checker == checker => {
                *why = wrong;
                true
            }
            _ => false,
        }
    };
    // What comes after the failure does not matter: halve the end off first, it makes all other runs shorter.
    let mut cut = best.deeds.len() / 2;
    while cut > 0 {
        let kept = best.deeds.len() - cut;
        let shorter = Plan {
            deeds: best.deeds.iter().copied().take(kept).collect(),
            ..best.clone()
        };
        if fails(&shorter, &mut why) {
            best = shorter;
            cut = cut.min(best.deeds.len() / 2);
        } else {
            cut /= 2;
        }
    }
    loop {
        let before = (best.faults, best.deeds.len());
        for fault in best.faults.iter().collect::<Vec<_>>() {
            let fewer = Plan {
                faults: best.faults.without(fault),
                ..best.clone()
            };
            if fails(&fewer, &mut why) {
                best = fewer;
            }
        }
        let mut piece = (best.deeds.len() / 2).max(1);
        while !best.deeds.is_empty() {
            let mut at = 0;
            while at < best.deeds.len() {
                let deeds: BTreeSet<u64> = (best.deeds.iter().enumerate())
                    .filter(|(n, _)| *n < at || *n >= at + piece)
                    .map(|(_, deed)| *deed)
                    .collect();
                let fewer = Plan {
                    deeds,
                    ..best.clone()
                };
                if fails(&fewer, &mut why) {
                    best = fewer;
                } else {
                    at += piece;
                }
            }
            if piece == 1 {
                break;
            }
            piece /= 2;
        }
        if before == (best.faults, best.deeds.len()) {
            return (best, why);
        }
    }
}
