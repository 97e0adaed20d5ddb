//! Limits in the real binary: a session whose loss was reached stays locked through a kill and a restart, with the way out open;
//! and a limit that was changed for a time reverts by itself, whatever process runs by then.

use super::harness::{Home, UNHURRIED, until_right};
use serde_json::Value;

fn row(home: &Home, name: &str) -> Value {
    let value = home.json(&["limits"]);
    let mut rows = value["limits"].as_array().into_iter().flatten();
    let found = rows.find(|row| row["name"] == name);
    found.cloned().unwrap_or_default()
}

fn stage(home: &Home) -> String {
    let value = home.json(&["limits"]);
    value["session"]["stage"].as_str().unwrap_or("unknown").to_owned()
}

#[test]
fn the_loss_of_a_session_locks_and_neither_kill_nor_restart_opens_it() {
    let home = Home::with(&format!("{UNHURRIED}max_daily_loss = \"4\"\n"));
    let mut engine = home.serve(&[]);
    // Each order costs a dollar: three quarters of the loss are reached before long.
    let mut held = 0;
    let refused = loop {
        let ran = home.run(&["order", "buy 1 AAPL mkt", "--yes"]);
        if ran.code != Some(0) {
            break ran;
        }
        held += 1;
        assert!(held < 40, "nobody stopped a loss of {held} fees");
    };
    refused.refused(1, &["DAILY_LOSS", "only cancels and reducing orders pass"]);
    // Out is open, and costs the rest.
    while stage(&home) != "reached" {
        assert!(held > 1, "{}", home.json(&["limits"])["session"]);
        home.order("sell 1 AAPL mkt");
        held -= 1;
        let settled = std::time::Instant::now();
        while stage(&home) != "reached" && settled.elapsed().as_secs() < 3 {
            super::harness::pause(std::time::Duration::from_millis(100));
        }
    }
    for n in 0..3 {
        home.run(&["order", "buy 1 AAPL mkt", "--yes"])
            .refused(1, &["DAILY_LOSS"]);
        match n {
            0 => engine.kill(),
            _ => drop(home.done(&["stop"])),
        }
        engine = home.serve(&[]);
        assert_eq!(stage(&home), "reached", "after start {n}");
    }
    home.order(&format!("sell {held} AAPL mkt"));
    home.run(&["order", "buy 1 AAPL mkt", "--yes"])
        .refused(1, &["DAILY_LOSS"]);
    home.agrees_with_the_exchange();
    home.done(&["stop"]);
}

#[test]
fn a_limit_changed_for_a_time_reverts_by_itself_in_another_process_too() {
    let home = Home::new();
    let mut engine = home.serve(&[]);
    let name = "max_order_value";
    home.run(&["limits", name, "2000000"])
        .refused(1, &["CONFIRMATION", "1000000, which would pass"]);
    home.run(&["limits", "max_order", "5"])
        .refused(2, &["max_order_value"]);
    let said = home.done(&["limits", name, "500", "--for", "1m"]);
    assert!(said.contains("max_order_value is 500 until"), "{said}");
    home.run(&["order", "buy 100 AAPL mkt", "--yes"])
        .refused(1, &["MAX_VALUE", "the limit is 500"]);
    engine.kill();
    let mut engine = home.serve(&[]);
    let changed = row(&home, name);
    assert_eq!(
        (&changed["value"], &changed["ceiling"]),
        (&"500".into(), &"1000000".into())
    );
    assert!(
        changed["source"].as_str().unwrap().starts_with("the shell"),
        "{changed}"
    );
    home.run(&["order", "buy 100 AAPL mkt", "--yes"])
        .refused(1, &["MAX_VALUE"]);
    until_right(|| {
        let now = row(&home, name);
        (now["value"] == "1000000" && now["source"] == "config.toml")
            .then_some(())
            .ok_or(now.to_string())
    });
    home.order("buy 100 AAPL mkt");
    assert!(
        home.done(&["log", "--count", "200", "--json"])
            .contains("limit_reverted")
    );
    // Above the ceiling with the account typed, and the next start has it still.
    home.done(&["limits", name, "2000000", "--confirm", "0001"]);
    engine.kill();
    let _engine = home.serve(&[]);
    assert_eq!(row(&home, name)["value"], "2000000");
    home.done(&["limits", name, "config"]);
    assert_eq!(row(&home, name)["value"], "1000000");
    home.done(&["stop"]);
}
