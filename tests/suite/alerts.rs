//! Alerts in the real binary: made by a shell, fired with no terminal attached, told by a command, kept across a kill; and
//! the desk, where a line makes one and its firing is said.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what only they use"
)]

use super::harness::{Desk, Home, UNHURRIED, alone, until};
use serde_json::Value;

fn alert(home: &Home, id: u64) -> Value {
    let all = home.list("alerts");
    all.into_iter().find(|row| row["id"] == id).unwrap_or_default()
}

#[test]
fn an_alert_fires_with_nobody_attached_is_told_by_command_and_survives_a_kill() {
    let home = Home::new();
    let file = home.folder().join("told");
    let script = "printf '%s' \"$TRADEWIND_ALERT_TEXT\" > \"$0.new\" && mv \"$0.new\" \"$0\"";
    let command = serde_json::json!(["/bin/sh", "-c", script, file]);
    home.write_config(&format!("{UNHURRIED}\n[alerts]\ncommand = {command}\n"));
    let mut engine = home.serve(&[]);

    home.run(&["alert", "APPL > 200"])
        .refused(2, &["'APPL' is not known", "^^^^"]);
    home.done(&["alert", "AAPL bid > 1 do command"]);
    let told = until("the command's file", || std::fs::read_to_string(&file).ok());
    assert!(told.starts_with("alert 1: AAPL bid > 1 (AAPL bid "), "{told}");
    let fired = until("its delivery in the list", || {
        let row = alert(&home, 1);
        (row["firings"][0]["deliveries"][0]["final"] == true).then_some(row)
    });
    assert_eq!((&fired["state"], &fired["fired"]), (&"fired".into(), &1.into()));
    assert_eq!(fired["firings"][0]["text"].as_str(), Some(told.as_str()));
    assert_eq!(fired["firings"][0]["deliveries"][0]["failure"], Value::Null);

    home.done(&[
        "alert",
        "AAPL > 99999 repeat 10m expires 30d do command, stage 'buy 1 AAPL @bid'",
    ]);
    home.done(&["alert", "MSFT > 1 and position MSFT > 5"]);
    home.done(&["alert", "pause 3"]);
    std::fs::remove_file(&file).unwrap();
    let before = home.list("alerts");
    engine.kill();
    let _engine = home.serve(&[]);
    assert_eq!(home.list("alerts"), before);
    assert!(!file.exists(), "what was told is not told again");

    // It goes on where it was: prices come, and a fact makes the other half true.
    home.done(&["alert", "resume 3"]);
    home.order("buy 6 MSFT mkt");
    let told = until("the second firing", || std::fs::read_to_string(&file).ok());
    assert!(
        told.starts_with("alert 3: MSFT > 1 and position MSFT > 5"),
        "{told}"
    );
    assert_eq!(home.list("orders").len(), 1, "an alert sends no order");
    home.done(&["alert", "remove all"]);
    assert_eq!(home.list("alerts").len(), 0);
    home.done(&["stop"]);
}

#[test]
fn the_desk_makes_an_alert_by_line_and_says_when_it_fires() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::ready(&home, (120, 35));
    desk.types("a");
    desk.shows(":alert AAPL >");
    desk.escapes();
    desk.types(":alert AAPL > 99999 or APPL < 3");
    desk.shows("'APPL' is not known");
    desk.escapes();
    desk.says("alert AAPL bid > 1 do notify, stage 'buy 3 AAPL @1'", || {
        alert(&home, 1)["state"] == "fired"
    });
    desk.shows("ALERT 1: AAPL bid > 1");
    desk.types("A");
    desk.shows(":buy 3 AAPL @1");
    assert_eq!(home.list("orders").len(), 0);
    desk.escapes();
    desk.shows_no_more(":buy 3 AAPL @1");
    desk.types("q");
    desk.shows("leave; the engine");
    desk.types("d");
    desk.ends();
    home.done(&["stop"]);
}
