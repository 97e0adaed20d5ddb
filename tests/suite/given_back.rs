//! The terminal is given back after anything: signals, a stop by the shell and its end, a panic in the desk's loop or in a
//! thread beside it. The modes are read off the pseudo-terminal and off a terminal's own parser, and the engine goes on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what only they use")]

use super::harness::{Desk, ENTER, Home, alone, signal};
use rustix::process::Signal;

#[test]
fn the_terminal_is_given_back_after_signals_a_stop_by_the_shell_and_a_panic() {
    let _alone = alone();
    let home = Home::new();
    for ends in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let mut desk = Desk::ready(&home, (80, 24));
        desk.is_taken();
        // In the middle of something, as it comes.
        desk.types(":buy 10 AAPL @1");
        desk.shows(":buy 10 AAPL @1");
        // Ctrl-C drops it; what is previewed next stands there for longer than it has to.
        desk.types("\x03");
        desk.shows_no_more(":buy 10 AAPL @1");
        desk.types("B");
        desk.shows("BUY  100  AAPL");
        desk.types("\x03");
        signal(desk.pid(), ends);
        assert_eq!(desk.ends(), 0, "{ends:?}");
        desk.is_given_back();
        // Nothing of the desk is left on the shell's screen, and no answer of the terminal is typed into it.
        let left = desk.text();
        let told = |line: &str| line.trim().is_empty() || line.contains("the engine is starting");
        assert!(left.lines().all(told), "{ends:?}:\n{left}");
    }
    a_stop_by_the_shell(&home);
    #[cfg(debug_assertions)]
    a_panic(&home);
    assert!(
        home.is_ready() && home.list("orders").is_empty(),
        "nothing of it traded"
    );
    assert!(home.books().orders.is_empty());
    home.done(&["stop"]);
}

fn a_stop_by_the_shell(home: &Home) {
    let script = "\"$TRADEWIND\"; echo \"stopped $?\"; read -r line; fg; echo \"ended $?\"";
    let mut desk = Desk::open_in_shell(home, script, (80, 24));
    desk.shows("● ready");
    desk.is_taken();
    // In any mode: here in a text field, where a key is text.
    desk.types(":buy 10 AAPL @1");
    desk.shows(":buy 10 AAPL @1");
    desk.types("\x1a");
    desk.shows("stopped 1");
    desk.is_given_back();
    // What is typed at the shell is the shell's.
    desk.types(ENTER);
    desk.shows(":buy 10 AAPL @1");
    desk.is_taken();
    desk.escapes();
    desk.types("?");
    desk.shows("KEYS");
    desk.escapes();
    desk.shows_no_more("KEYS");
    desk.types("q");
    desk.types("d");
    desk.shows("ended 0");
    desk.is_given_back();
}

/// A debug build has a key for it (`src/tui/mishap.rs`); a release build has none, and nothing to test it with.
#[cfg(debug_assertions)]
fn a_panic(home: &Home) {
    for (place, code) in [("loop", 101), ("thread", 1)] {
        let script = format!("TRADEWIND_MISHAP={place} \"$TRADEWIND\"; echo \"ended $?\"");
        let mut desk = Desk::open_in_shell(home, &script, (120, 35));
        desk.shows("● ready");
        desk.is_taken();
        desk.types("\x1c");
        desk.shows(&format!("ended {code}"));
        desk.is_given_back();
        desk.shows("as TRADEWIND_MISHAP asks");
        if place == "thread" {
            desk.shows("the engine goes on");
        }
    }
}
