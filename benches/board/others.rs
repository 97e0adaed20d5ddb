//! Other programs that people leave open in a terminal, measured in the same way. What is not installed is said so.

use crate::figures::Process;
use crate::terminal::Terminal;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Each of them for so long.
pub fn all(span: Duration, size: (u16, u16)) {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = home.path().join(".config/btop");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("btop.conf"), "update_ms=1000\nshow_battery=False\n").unwrap();
    let home = home.path().to_string_lossy().into_owned();
    one("btop, every second", &["btop", "--utf-force"], &home, span, size);
    one("htop, every second", &["htop", "-d", "10"], &home, span, size);
    one(
        "bottom, every second",
        &["btm", "-r", "1000ms"],
        &home,
        span,
        size,
    );
    let board = std::env::var_os("TRADEWIND_SHARED")
        .map(|root| PathBuf::from(root).join("bench/tui/textual_watch.py"))
        .filter(|script| script.exists());
    let python = std::env::var("TRADEWIND_PYTHON").ok();
    match (board, python) {
        (Some(script), Some(python)) => {
            let script = script.to_string_lossy().into_owned();
            let words = [python.as_str(), script.as_str(), "30", "1000"];
            one(
                "Textual board, 1,000 updates/s at 30 frames",
                &words,
                &home,
                span,
                size,
            );
        }
        _ => println!(
            "{:<46}skipped: wants TRADEWIND_SHARED and TRADEWIND_PYTHON",
            "Textual board"
        ),
    }
}

fn one(name: &str, words: &[&str], home: &str, span: Duration, size: (u16, u16)) {
    let found = Command::new(words[0])
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if found.is_err() {
        return println!("{name:<46}skipped: {} is not installed", words[0]);
    }
    let mut terminal = Terminal::of(words, &[("HOME", home)], size);
    terminal.settle(crate::WARM);
    let before = Process::of(terminal.pid());
    let (begun, bytes) = (Instant::now(), terminal.bytes());
    terminal.settle(span);
    let spent = begun.elapsed().as_secs_f64();
    crate::row(
        name,
        Some((terminal.bytes() - bytes) as f64 / spent),
        &before,
        spent,
    );
}
