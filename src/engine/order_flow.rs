//! The life of an order as one table that can be read aloud: in phase X, step Y leads to phase Z. What is not in the
//! table does not happen: `decide` asks before it makes a fact, and the fold leaves the phase where a step is not legal.
//! The bridge between what a broker says and what becomes a fact.

use crate::domain::Phase;

/// What can happen to an order's phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A waiting child is released to the broker.
    Release,
    /// It provably never left.
    Withhold,
    /// The broker has it on its book.
    Work,
    /// The broker has it off its book.
    Hold,
    /// No answer in time, or the link went.
    Doubt,
    /// All of it was executed.
    Fill,
    /// The broker has it larger than what was executed.
    Enlarge,
    /// The broker or we cancelled it.
    Cancel,
    /// Its time ended.
    Expire,
    /// The broker refused it.
    Reject,
    /// Uncertain, and twice not found.
    GiveUp,
    /// Acknowledged, and twice not found.
    Lose,
}

/// Every legal step, a line each: from, step, to.
pub const TABLE: &[(Phase, Step, Phase)] = {
    use Phase::{
        Absent, Cancelled, Created, Expired, Filled, Held, InFlight, Lost, NotSent, Parked, Rejected,
        Uncertain, Working,
    };
    &[
        // A child waits for its parent, is released, or goes with it.
        (Created, Step::Release, InFlight),
        (Created, Step::Withhold, NotSent),
        (Created, Step::Cancel, Cancelled),
        // Parked while the broker is away: it leaves under its conditions, or never.
        (Parked, Step::Release, InFlight),
        (Parked, Step::Withhold, NotSent),
        (Parked, Step::Cancel, Cancelled),
        // Released, not yet answered.
        (InFlight, Step::Withhold, NotSent),
        (InFlight, Step::Work, Working),
        (InFlight, Step::Hold, Held),
        (InFlight, Step::Doubt, Uncertain),
        (InFlight, Step::Fill, Filled), // a fill may overtake the acknowledgement
        (InFlight, Step::Cancel, Cancelled),
        (InFlight, Step::Expire, Expired),
        (InFlight, Step::Reject, Rejected),
        // Sent and unanswered: only the broker's word or two complete reads end it.
        (Uncertain, Step::Withhold, NotSent),
        (Uncertain, Step::Work, Working),
        (Uncertain, Step::Hold, Held),
        (Uncertain, Step::Fill, Filled),
        (Uncertain, Step::Cancel, Cancelled),
        (Uncertain, Step::Expire, Expired),
        (Uncertain, Step::Reject, Rejected),
        (Uncertain, Step::GiveUp, Absent),
        // Held off the book.
        (Held, Step::Work, Working),
        (Held, Step::Fill, Filled),
        (Held, Step::Cancel, Cancelled),
        (Held, Step::Expire, Expired),
        (Held, Step::Reject, Rejected), // brokers do reject a stop late
        (Held, Step::Lose, Lost),
        // On the book.
        (Working, Step::Fill, Filled),
        (Working, Step::Cancel, Cancelled),
        (Working, Step::Expire, Expired),
        (Working, Step::Reject, Rejected), // and a working order, too
        (Working, Step::Lose, Lost),
        // A change that we did not hear of had made it larger before it filled.
        (Filled, Step::Enlarge, Working),
        // Money is truth: a fill after the end completes the order.
        (Cancelled, Step::Fill, Filled),
        (Expired, Step::Fill, Filled),
        (Rejected, Step::Fill, Filled),
        (NotSent, Step::Fill, Filled),
        (Absent, Step::Fill, Filled),
        (Lost, Step::Fill, Filled),
        // What was given up comes back with a late report.
        (Absent, Step::Work, Working),
        (Absent, Step::Hold, Held),
        (Absent, Step::Cancel, Cancelled),
        (Absent, Step::Expire, Expired),
        (Absent, Step::Reject, Rejected),
        (Lost, Step::Work, Working),
        (Lost, Step::Hold, Held),
        (Lost, Step::Cancel, Cancelled),
        (Lost, Step::Expire, Expired),
        (Lost, Step::Reject, Rejected),
    ]
};

/// Where `step` leads from `phase`; nothing where that is not legal.
pub fn next(phase: Phase, step: Step) -> Option<Phase> {
    TABLE
        .iter()
        .find(|(from, by, _)| *from == phase && *by == step)
        .map(|(_, _, to)| *to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_leads_to_one_phase_and_nothing_leaves_denied() {
        for (i, (from, step, _)) in TABLE.iter().enumerate() {
            assert!(
                TABLE[i + 1..].iter().all(|(f, s, _)| f != from || s != step),
                "{from:?} {step:?} twice"
            );
            assert!(*from != Phase::Denied);
        }
    }

    #[test]
    fn an_ended_order_becomes_live_by_a_late_report_of_a_lost_one_or_by_its_size_alone() {
        for (from, step, to) in TABLE {
            if !from.is_live() && to.is_live() {
                let lost = matches!(from, Phase::Absent | Phase::Lost);
                assert!(lost || *step == Step::Enlarge, "{from:?} -> {to:?}");
            }
        }
    }
}
