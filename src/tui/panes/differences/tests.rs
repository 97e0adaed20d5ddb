//! The difference view: what its keys ask, and that nothing is asked of a line that can't have it.

use super::*;
use crate::domain::{Phase, Quantity};
use crate::engine::state::Mismatch;
use crate::tui::panes::fixture::{Desk, account, id};
use std::time::Duration;

fn differing() -> Desk {
    let mut desk = Desk::rich();
    let mismatch = Mismatch {
        ours: Quantity::whole(100).unwrap(),
        theirs: Quantity::whole(150).unwrap(),
        passes: 3,
        since: desk.now.before(Duration::from_secs(40)),
        average: None,
    };
    let entry = desk.state.accounts.get_mut(&account()).unwrap();
    entry.mismatches.insert(id("AAPL"), mismatch);
    desk
}

fn wished(pane: &mut Differences, action: Action, desk: &Desk) -> Wish {
    pane.act(action, &desk.view()).unwrap().remove(0)
}

#[test]
fn keys_ask_about_the_selected_line_as_it_was_seen_and_about_no_other() {
    let desk = differing();
    let mut pane = Differences::new();
    let lines = differences(&desk.state, account(), desk.now);
    assert_eq!(lines[0].subject, Subject::Position(id("AAPL")));
    assert!(
        lines.iter().any(|line| line.ours == "sent, no answer"),
        "{lines:?}"
    );
    assert!(
        matches!(wished(&mut pane, Action::Adopt, &desk), Wish::Say(_)),
        "nothing is selected"
    );
    pane.act(Action::Top, &desk.view());
    let Wish::Confirm(text, Pledge::Resolve(about)) = wished(&mut pane, Action::Adopt, &desk) else {
        panic!("it asks");
    };
    assert!(text.contains("+150"), "{text}");
    assert_eq!((about.subject, about.seen), (lines[0].subject, lines[0].seen));
    // A position is no order: there is nothing to cancel.
    let Wish::Say(can) = wished(&mut pane, Action::Cancel, &desk) else {
        panic!("it says what can be done");
    };
    assert!(can.contains("o takes") && !can.contains("cancels"), "{can}");
    // What is in doubt can be cancelled.
    pane.act(Action::Down, &desk.view());
    assert!(matches!(
        wished(&mut pane, Action::Cancel, &desk),
        Wish::Confirm(..)
    ));
    let doubtful = desk
        .state
        .orders
        .values()
        .filter(|order| order.phase == Phase::Uncertain);
    assert_eq!(doubtful.count(), 1);
}
