//! Getting about the desk, in the real program: layouts and the theme that come back after a restart, keys with another
//! meaning, the tour that is shown once, two terminals on one link group, and the desk as a stream of sentences.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what only they use")]

use super::harness::{Desk, ENTER, Home, UNHURRIED, alone, pause, signal, until, until_right};
use rustix::process::Signal;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn remembered(home: &Home) -> String {
    std::fs::read_to_string(home.file("terminal.toml")).unwrap_or_default()
}

#[test]
fn a_layout_a_theme_and_the_tour_are_remembered_over_a_restart() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::ready(&home, (160, 45));
    desk.shows("WELCOME");
    desk.types("\x0c");
    desk.shows_no_more("WELCOME");
    desk.shows("▌WATCH");
    desk.types(" wx");
    desk.shows_no_more("WATCH");
    desk.word("layout save bare");
    desk.shows("layout bare saved");
    desk.word("layout reset");
    desk.shows("WATCH");
    desk.types("u");
    desk.shows_no_more("WATCH");
    desk.word("theme light");
    desk.shows("theme light");
    until("what is remembered", || {
        let text = remembered(&home);
        (text.contains("theme = \"light\"") && text.contains("bare = ")).then_some(())
    });
    signal(desk.pid(), Signal::TERM);
    desk.ends();

    let mut desk = Desk::ready(&home, (160, 45));
    desk.shows("AAPL 1m");
    let screen = desk.text();
    assert!(
        !screen.contains("WATCH") && !screen.contains("WELCOME"),
        "{screen}"
    );
    desk.word("layout reset");
    desk.shows("WATCH");
    desk.word("layout bare");
    desk.shows_no_more("WATCH");
    signal(desk.pid(), Signal::TERM);
    desk.ends();
    assert!(remembered(&home).contains("theme = \"light\""));

    // A broken file costs what was remembered, not the desk, and is not lost.
    std::fs::write(home.file("terminal.toml"), "theme = [").unwrap();
    let mut desk = Desk::ready(&home, (160, 45));
    desk.shows("WATCH");
    signal(desk.pid(), Signal::TERM);
    desk.ends();
    let aside = std::fs::read_to_string(home.file("terminal.toml.broken-1"));
    assert_eq!(aside.unwrap(), "theme = [");
    home.done(&["stop"]);
}

#[test]
fn keys_can_mean_something_else_and_what_can_not_be_is_told_with_its_line() {
    let _alone = alone();
    let keys = "[keys]\n\"F2\" = \"buy\"\n\"b\" = \"none\"\n\"Ctrl-x f\" = \"none\"\n\"F5\" = \":buy 7 AAPL @100\"\n";
    let home = Home::with(&format!("{UNHURRIED}{keys}"));
    let ran = home.run(&["keys"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let line = UNHURRIED.lines().count() + 4;
    let told = format!("config.toml:{line}: keys.\"Ctrl-x f\": Ctrl-x is the panic prefix");
    assert!(ran.err.contains(&told), "{ran:#?}");
    assert!(ran.out.contains("flatten-symbol"), "{ran:#?}");
    let rows = home.run(&["keys", "--json"]);
    let rows: serde_json::Value = serde_json::from_str(&rows.out).unwrap();
    let buy = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["action"] == "buy")
        .unwrap();
    assert_eq!(buy["keys"][0], "F2");

    let mut desk = Desk::ready(&home, (160, 45));
    desk.shows("panic prefix");
    desk.types("b");
    desk.types("\x1bOQ");
    desk.shows("BUY  100  AAPL");
    desk.escapes();
    desk.types("\x1b[15~");
    desk.shows(":buy 7 AAPL @100");
    assert!(
        home.list("orders").is_empty(),
        "a line behind a key waits for Enter"
    );
    desk.confirms(|| home.list("orders").len() == 1);
    desk.types("\x18a");
    signal(desk.pid(), Signal::TERM);
    desk.ends();
    home.done(&["stop"]);
}

#[test]
fn terminals_on_one_link_group_show_one_instrument() {
    let _alone = alone();
    let home = Home::new();
    let _engine = home.serve(&[]);
    let mut list = Desk::open(&home, &["attach", "--link", "a"], (160, 45));
    let chart = Desk::open(
        &home,
        &["attach", "--workspace", "chart", "--link", "A"],
        (80, 24),
    );
    list.shows("● ready");
    list.shows("WATCH");
    chart.shows("AAPL 1m");
    list.types("/");
    list.types("msft");
    list.shows("Microsoft");
    list.types(ENTER);
    list.shows("MSFT 1m");
    chart.shows("MSFT 1m");
    // One that comes later sees it too.
    let late = Desk::open(
        &home,
        &["attach", "--workspace", "chart", "--link", "A"],
        (80, 24),
    );
    late.shows("MSFT 1m");
    let ran = home.run(&["attach", "--link", "E"]);
    ran.refused(2, &["no link group", "A, B, C or D"]);
}

#[test]
fn the_desk_speaks_in_plain_lines_and_nothing_goes_without_a_yes() {
    let home = Home::new();
    let _engine = home.serve(&[]);
    let mut child = home
        .command(&["attach", "--plain"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = child.stdin.take().unwrap();
    let heard = Arc::new(Mutex::new(String::new()));
    let (out, all) = (child.stdout.take().unwrap(), Arc::clone(&heard));
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let mut all = all.lock().unwrap();
            all.push_str(&line);
            all.push('\n');
        }
    });
    let says_times = |text: &str, times: usize| {
        until_right(|| {
            let heard = heard.lock().unwrap();
            let found = heard.matches(text).count();
            (found >= times)
                .then_some(())
                .ok_or_else(|| format!("'{text}' {times} times in:\n{heard}"))
        });
    };
    let says = |text: &str| says_times(text, 1);
    says("account SIM SIM100001, armed");
    // An order at the market needs one: the desk is there before the first price is.
    until("a price", || {
        typed.write_all(b"quote AAPL\n").unwrap();
        let heard = heard.lock().unwrap();
        let mut last = heard.lines().filter_map(|line| line.strip_prefix("AAPL: last "));
        last.next_back()?
            .starts_with(|c: char| c.is_ascii_digit())
            .then_some(())
    });
    typed.write_all(b"buy 10 AAPL @100\n").unwrap();
    says("type yes to send");
    typed.write_all(b"\n").unwrap();
    says("dropped; nothing was sent");
    assert!(home.list("orders").is_empty());
    typed.write_all(b"buy 10 AAPL mkt\n").unwrap();
    says_times("type yes to send", 2);
    typed.write_all(b"yes\n").unwrap();
    says("position: +10 AAPL");
    says("filled BUY 10 AAPL");
    drop(typed);
    assert!(child.wait().unwrap().success(), "the end of its input ends it");
    reader.join().unwrap();
    let heard = heard.lock().unwrap();
    assert!(!heard.chars().any(|c| c.is_control() && c != '\n'), "{heard}");
    assert!(home.is_ready(), "and the engine goes on");
}

/// The title of every pane when it has something to show, or says why it has not.
const PANES: [(&str, &str); 16] = [
    ("watch", "WATCH"),
    ("chart", "AAPL 1m"),
    ("depth", "LADDER AAPL"),
    ("positions", "POSITIONS 1"),
    ("orders", "ORDERS"),
    ("executions", "EXECUTIONS"),
    ("account", "ACCOUNT"),
    ("log", "LOG"),
    ("links", "CONNECTIONS"),
    ("detail", "DETAIL AAPL"),
    ("activity", "ACTIVITY"),
    ("tape", "TAPE AAPL"),
    ("market", "MARKET"),
    ("depthchart", "DEPTH AAPL"),
    ("alerts", "ALERTS"),
    ("curve", "CURVE"),
];

#[test]
fn every_pane_is_reached_and_a_desk_is_frozen_halted_hidden_and_clicked() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::ready(&home, (160, 45));
    desk.says("buy 5 AAPL mkt", || home.list("positions").len() == 1);
    for (name, title) in PANES {
        desk.word(&format!("pane {name}"));
        // It has the focus, wherever that is.
        desk.shows(&format!("▌{title}"));
        desk.shows_no_more("loading");
    }
    desk.word("layout reset");
    desk.types("gt");
    desk.shows("WATCH");

    // A click on a row puts it on the desk, a click on a workspace's name goes there, and neither sends.
    desk.clicks("MSFT", 0);
    desk.shows("MSFT 1m");
    desk.clicks("Portfolio", 0);
    desk.shows_no_more("MSFT 1m");
    desk.shows("▌POSITIONS 1");
    desk.types("gt");
    desk.shows("MSFT 1m");

    // The wheel rolls what is under it, and what is on the desk stays: the next key trades it.
    desk.wheels("NVDA");
    desk.types("?");
    desk.shows("KEYS");
    desk.shows("1–");
    desk.wheels("ANYWHERE");
    desk.shows_no_more("1–");
    desk.escapes();
    desk.shows("MSFT 1m");

    // Frozen, nothing leaves.
    desk.types(" f");
    desk.shows("FROZEN");
    desk.types("B");
    desk.shows("BUY  100  MSFT");
    desk.enters_until("not sent");
    desk.escapes();
    desk.types(" f");
    desk.shows_no_more("FROZEN");

    // Halted, what adds risk is denied and what takes it off is not; typing undoes it.
    desk.types("!");
    desk.shows("HALTED");
    desk.types("B");
    desk.shows("BUY  100  MSFT");
    desk.enters_until("reducing orders pass");
    desk.escapes();
    desk.says("sell all AAPL mkt", || {
        home.list("positions").iter().all(|row| row["quantity"] == "0")
    });
    desk.word("resume");
    // The feed goes on telling of it, the status bar does not.
    desk.comes_to("no halt", |screen| {
        screen.lines().next().is_some_and(|bar| !bar.contains("HALTED"))
    });
    assert!(
        home.books().orders.len() == 2,
        "the buy and the sell of AAPL and no other"
    );

    // What is ours is hidden, on the screen and in what is copied.
    let account = "SIM100001";
    desk.shows(account);
    desk.types(" p");
    desk.shows_no_more(account);
    desk.word("pane orders");
    desk.types("j");
    // What is copied is what the last frame shows.
    pause(Duration::from_millis(300));
    desk.types("yy");
    desk.shows("copied: ");
    desk.types(" p");
    desk.shows(account);
    signal(desk.pid(), Signal::TERM);
    desk.ends();
    home.done(&["stop"]);
}
