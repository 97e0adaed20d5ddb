//! In a debug build, and nowhere else: known bugs that a test can switch on, one at a time and for its own thread, so that
//! the simulation can show that it would find them. A release build has neither the switch nor the bugs: there
//! [`planted`] is false for the compiler, and what hangs on it is left out. Each hook is one line beside the right code;
//! which checker has to find which bug stands in `tests/suite/simulation/planted.txt`.

#[cfg(debug_assertions)]
use std::cell::Cell;

/// Names the bugs once: variant, text, and what is wrong.
macro_rules! bugs {
    ($($variant:ident = $text:literal, $doc:literal;)*) => {
        /// A bug that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Bug { $(#[doc = $doc] $variant,)* }
        impl Bug {
            /// All of them, each with its name and what is wrong.
            pub const ALL: &[(Self, &str, &str)] = &[$((Self::$variant, $text, $doc),)*];
        }
    };
}
bugs! {
    ResentAfterTimeout = "resent-after-timeout", "An order that was not answered in time is sent again.";
    FailedReadIsEmpty = "failed-read-is-empty", "A read of the broker that failed is taken for one that found nothing.";
    ExecutionTwice = "execution-twice", "An execution that is told again is booked again.";
    SentBeforeCommit = "sent-before-commit", "An order leaves before its intent is durable.";
    FillAfterCancelLost = "fill-after-cancel-lost", "A cancel's answer is taken as final: a fill that comes later is dropped.";
    FillBeforeAnswerLost = "fill-before-answer-lost", "A fill that overtakes the acknowledgement finds no order and is dropped.";
    MovedByStatus = "moved-by-status", "An order's status moves the position, and so does its execution.";
    ModifyMakesTwo = "modify-makes-two", "A change that leaves while the link is being read goes out under a new number: two orders.";
    PartBesideStop = "part-beside-stop", "The exit of a part leaves while the stop still covers all of it.";
    ExitTooLarge = "exit-too-large", "The exit of a flatten is larger than what is held.";
    HaltNotHeld = "halt-not-held", "Entries pass while an account is halted.";
    HaltCancelsNothing = "halt-cancels-nothing", "A halt leaves entries on the market.";
    FullDiskGoesOn = "full-disk-goes-on", "A journal that runs on its reserve does not halt anything.";
    ReplaySends = "replay-sends", "A new process sends again what the one before had sent.";
    SiblingNotReduced = "sibling-not-reduced", "A fill of a bracket's child does not take from the other.";
    CorrectionAdded = "correction-added", "A corrected execution is added to the one that it replaces.";
    WorkingNotCounted = "working-not-counted", "Working orders don't count in the largest position.";
    RefusedCancelEnds = "refused-cancel-ends", "An order whose cancel was refused is taken for cancelled.";
    NumberUsedTwice = "number-used-twice", "A new process begins to count orders from one again.";
    RateNotHeld = "rate-not-held", "Any number of orders a second passes.";
    DoubleEnter = "double-enter", "The same order twice within the window passes.";
    KnownIdIgnored = "known-id-ignored", "A command that is repeated under its id is a new one.";
    LateFeeLost = "late-fee-lost", "A fee that comes after its execution is dropped.";
    ReadyAtOnce = "ready-at-once", "A link that is up counts as ready before anything was read.";
    StatusMovesBack = "status-moves-back", "A late status takes an order that has ended back to working.";
    ChangedInMemory = "changed-in-memory", "Something that decides is changed in memory and not recorded.";
    ChainForgets = "chain-forgets", "A record's hash leaves out the hash before it.";
    NeverForgets = "never-forgets", "A buffer that should be bounded is not.";
    HaltHoldsExit = "halt-holds-exit", "A halt, a hold or a breach keeps back a flatten's exit because of the stop that it replaces.";
    BreachCancelsNothing = "breach-cancels-nothing", "A breach that cancels entries leaves them on the market.";
    BreachHoldsNothing = "breach-holds-nothing", "What adds risk passes while a limit is breached that lets only reducing pass.";
    CostNotHeld = "cost-not-held", "An order costs more than one order may.";
    Wavers = "wavers", "The order of facts depends on something outside the seed.";
}

#[cfg(debug_assertions)]
thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// Switches one bug on for this thread, or all of them off. Not in a release build.
#[cfg(debug_assertions)]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// True where this bug is switched on.
#[cfg(debug_assertions)]
pub(crate) fn planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// True on every second call while [`Bug::Wavers`] is on: what no seed decides.
#[cfg(debug_assertions)]
pub(crate) fn wavers() -> bool {
    let calls = CALLS.get();
    CALLS.set(calls.wrapping_add(u64::from(planted(Bug::Wavers))));
    calls % 3 == 1
}

/// Never: a release build has no bugs on purpose.
#[cfg(not(debug_assertions))]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}

/// Never: a release build has no bugs on purpose.
#[cfg(not(debug_assertions))]
pub(crate) const fn wavers() -> bool {
    false
}

#[cfg(debug_assertions)]
static AT_POINTS: std::sync::OnceLock<fn(&str)> = std::sync::OnceLock::new();

/// What happens at the named places of this process, as a test of the real program asked for it. Not in a release build.
#[cfg(debug_assertions)]
pub fn at_points(hook: fn(&str)) {
    let _ = AT_POINTS.set(hook);
}

/// A named place where a test of the real program can let something happen. Nothing in a release build.
#[inline]
pub fn point(name: &str) {
    #[cfg(debug_assertions)]
    if let Some(hook) = AT_POINTS.get() {
        hook(name);
    }
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_is_planted_for_its_own_thread_alone_and_no_name_is_given_twice() {
        #[cfg(debug_assertions)]
        {
            plant(Some(Bug::DoubleEnter));
            assert!(planted(Bug::DoubleEnter) && !planted(Bug::RateNotHeld));
            plant(None);
        }
        assert!(!planted(Bug::DoubleEnter));
        for (i, (_, name, _)) in Bug::ALL.iter().enumerate() {
            assert!(
                Bug::ALL[i + 1..].iter().all(|(_, other, _)| other != name),
                "{name}"
            );
        }
    }
}
