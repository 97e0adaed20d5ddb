//! The web monitor in a real browser: Chromium, driven by a script of `tests/web`, against the real program. Runs where
//! TRADEWIND_BROWSER=1, and must run where TRADEWIND_BROWSER_REQUIRED=1. What drives the browser is fetched once a target
//! folder; Chromium is the machine's own, or the one that TRADEWIND_CHROMIUM names.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use crate::harness::{Home, until};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What drives the browser.
const DRIVER: &str = "playwright-core@1.65.1";
/// Under which names Chromium goes.
const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];
/// Flows that the script says it has gone through; fewer are a script that ends early.
const FLOWS: usize = 13;

/// Says this to the port and reads to the end.
fn say(at: &str, words: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.write_all(words.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn the_page_comes_from_the_binary_with_its_rules_and_tells_its_errors_cleanly() {
    let home = Home::new();
    let _engine = home.serve(&["--listen", "127.0.0.1:0"]);
    let at = home.port().to_string();
    let get = |path: &str, more: &str| {
        say(
            &at,
            &format!("GET {path} HTTP/1.1\r\nHost: {at}\r\n{more}Connection: close\r\n\r\n"),
        )
    };
    let page = get("/", "");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    let head = page.split("\r\n\r\n").next().unwrap().to_lowercase();
    assert!(head.contains("content-type: text/html; charset=utf-8"), "{head}");
    let rules = head
        .lines()
        .find(|line| line.starts_with("content-security-policy:"));
    let rules = rules.unwrap_or_else(|| panic!("a page without rules: {head}"));
    assert!(
        rules.contains("script-src 'self'") && !rules.contains("unsafe"),
        "{rules}"
    );
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = get("/", &format!("If-None-Match: {tag}\r\n"));
    assert!(again.starts_with("HTTP/1.1 304"), "{again}");
    for absent in [
        "/web/",
        "/web/../Cargo.toml",
        "/web/%2e%2e/Cargo.toml",
        "/web/main.ts",
    ] {
        assert!(get(absent, "").starts_with("HTTP/1.1 404"), "{absent}");
    }
    // An error of a page: from somebody known alone, without an escape, and not without end.
    let key = home.done(&["api-key", "add", "page", "--role", "view"]);
    let key = key.lines().next().unwrap();
    let tell = |key: &str, body: &str| {
        let length = body.len();
        say(
            &at,
            &format!(
                "POST /api/v1/client-errors HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            ),
        )
    };
    let body = r#"{"message":"it \u001b[31mbroke\nFAKE line","line":3}"#;
    assert!(tell("nobody", body).starts_with("HTTP/1.1 401"));
    assert!(tell(key, r#"{"odd":1}"#).starts_with("HTTP/1.1 4"));
    let taken = (0..60)
        .filter(|_| tell(key, body).starts_with("HTTP/1.1 204"))
        .count();
    assert!((30..60).contains(&taken), "{taken} were taken");
    let log = until("the error in the log", || {
        let files = std::fs::read_dir(home.file("run")).ok()?;
        let text: String = files
            .filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok())
            .collect();
        text.contains("an error of the web monitor").then_some(text)
    });
    assert!(!log.contains('\u{1b}'), "an escape is in the log");
    assert!(
        !log.lines().any(|line| line.starts_with("FAKE")),
        "a line was forged"
    );
}

fn on(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| value == "1")
}

#[test]
fn the_monitor_shows_what_happens_and_brakes_in_a_real_browser() {
    if !on("TRADEWIND_BROWSER") {
        println!("the web monitor in a browser: skipped, TRADEWIND_BROWSER is not 1");
        return;
    }
    let (chromium, packages) = match chromium().and_then(|found| Ok((found, installed()?))) {
        Ok(found) => found,
        Err(why) if on("TRADEWIND_BROWSER_REQUIRED") => panic!("a browser is required: {why}"),
        Err(why) => {
            println!("the web monitor in a browser: skipped, {why}");
            return;
        }
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web/monitor.mjs");
    let mut command = Command::new("node");
    command
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_tradewind"))
        .args([&packages, &chromium]);
    // The pictures of the README are made by the same run, where somebody wants them.
    command.args(std::env::var_os("TRADEWIND_BROWSER_PICTURES"));
    let ended = command.output().unwrap();
    let said = words(&ended);
    assert!(ended.status.success(), "{said}");
    let flows = said.lines().filter(|line| line.starts_with("ok: ")).count();
    assert!(flows >= FLOWS, "only {flows} flows ran:\n{said}");
    println!("the web monitor in a browser: {flows} flows");
}

fn words(ended: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&ended.stdout) + &text(&ended.stderr)
}

fn chromium() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("TRADEWIND_CHROMIUM") {
        return Ok(named.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let places = CHROMIUM
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = places.into_iter().find(|place| place.is_file());
    found.ok_or_else(|| format!("none of {} is installed", CHROMIUM.join(", ")))
}

/// The folder with what drives the browser, fetched where it is not there yet.
fn installed() -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("web");
    if root.exists() {
        return Ok(root);
    }
    // Into a folder aside first: half an installation is none.
    let aside = root.with_extension("part");
    let _ = std::fs::remove_dir_all(&aside);
    std::fs::create_dir_all(&aside).map_err(|error| error.to_string())?;
    std::fs::write(aside.join("package.json"), "{}").map_err(|error| error.to_string())?;
    let fetched = Command::new("npm")
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
        ])
        .arg(&aside)
        .arg(DRIVER)
        .output();
    match fetched {
        Ok(ended) if ended.status.success() => {}
        Ok(ended) => return Err(format!("{DRIVER} can't be fetched: {}", words(&ended))),
        Err(error) => return Err(format!("npm does not run: {error}")),
    }
    std::fs::rename(&aside, &root).map_err(|error| error.to_string())?;
    Ok(root)
}
