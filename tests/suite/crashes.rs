//! Row F41 of the fault matrix: a panic in the engine's process. In a part that all rest on it ends the process, the small
//! parent starts the next, and that holds what the one before held; in what serves one caller it ends that caller's call.
//! The places are named (`engine/planted.rs`) and are there in a debug build only.
#![cfg(debug_assertions)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what only they use")]

use super::harness::{Home, block_on, supervisor_of, until};
use serde_json::Value;
use tradewind::engine::SessionKind;
use tradewind::wire::{Query, Reply};

fn home() -> Home {
    let home = Home::new().variable("TRADEWIND_MISHAP", "engine");
    home.done(&["restart"]);
    until("its links", || home.is_ready().then_some(()));
    home
}

/// From now on the next that comes by this place panics.
fn plant(home: &Home, place: &str) {
    let file = home.folder().join("mishap");
    std::fs::write(&file, place).unwrap();
    std::fs::rename(file, home.file("run/mishap")).unwrap();
}

/// The process that answers, if one does.
fn engine(home: &Home) -> Option<i64> {
    let said: Value = serde_json::from_str(&home.run(&["status", "--json"]).out).ok()?;
    said["pid"].as_i64()
}

fn said(home: &Home) -> String {
    std::fs::read_to_string(home.file("run/engine.out")).unwrap()
}

#[test]
fn f41_a_panic_in_a_part_that_all_rest_on_ends_the_process_and_the_next_goes_on() {
    // One parent starts three times within five minutes, and then no more.
    for places in [["engine", "journal", "venue"], ["halt file", "door", "signals"]] {
        let home = home();
        home.order("buy 10 AAPL mkt");
        home.order("buy 3 MSFT @1 gtc");
        let before = home.standing();
        let parent = supervisor_of(home.engine_pid());
        for place in places {
            let old = engine(&home);
            plant(&home, place);
            until(&format!("another engine after '{place}'"), || {
                let new = engine(&home)?;
                (Some(new) != old && home.is_ready()).then_some(())
            });
            assert!(
                said(&home).contains(&format!("a mishap at '{place}'")),
                "{}",
                said(&home)
            );
            assert_eq!(supervisor_of(home.engine_pid()), parent);
            assert_eq!(home.standing(), before, "{place}");
            home.agrees_with_the_exchange();
        }
        home.done(&["stop"]);
    }
}

#[test]
fn f41_a_panic_that_serves_one_caller_ends_that_callers_call_and_nothing_else() {
    let home = home();
    let pid = home.engine_pid();
    plant(&home, "session");
    let lost = home.run(&["order", "buy 10 AAPL mkt", "--yes"]);
    assert!(!matches!(lost.code, None | Some(0)), "{lost:?}");
    assert!(home.books().orders.is_empty());
    home.order("buy 10 AAPL mkt");
    plant(&home, "page");
    let page = || {
        block_on(async {
            let mut shell = home.attach(SessionKind::Shell).await;
            let wanted = Query::Orders {
                account: None,
                instrument: None,
                before: None,
                count: 10,
            };
            shell.query(wanted).await.unwrap()
        })
    };
    let (first, second) = (page(), page());
    assert!(
        matches!(&first, Reply::Failed { reason } if reason.to_string().contains("log")),
        "{first:?}"
    );
    assert!(matches!(&second, Reply::Orders(_)), "{second:?}");
    assert_eq!(home.engine_pid(), pid);
    until("the sessions' end", || {
        (home.json(&["status"])["clients"] == 0).then_some(())
    });
    home.agrees_with_the_exchange();
    home.done(&["stop"]);
}
