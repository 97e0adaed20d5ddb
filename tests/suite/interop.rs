//! The gateway against clients that others wrote, each in its own process: ib_async and both generations of the official
//! Python client. What they check is in `tests/interop`; here they are installed, started and heard. Runs where
//! TRADEWIND_INTEROP=1, and must run where TRADEWIND_INTEROP_REQUIRED=1; packages are fetched once a target folder.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use super::harness::Home;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

/// Packages by the folder they go to. The recent official client comes without what it is generated for.
const IB_ASYNC: (&str, &[&str]) = ("ib_async-2.1.0", &["ib_async==2.1.0"]);
const RECENT: (&str, &[&str]) = ("ibapi-10.46.1", &["nautilus-ibapi==10.46.1", "protobuf==5.29.5"]);
const OLD: (&str, &[&str]) = ("ibapi-9.81.1", &["ibapi==9.81.1.post1"]);

/// What runs one script at a time: they wait for a market that lives, and the machine may be small.
static ONE: Mutex<()> = Mutex::new(());

#[test]
fn ib_async_trades_here() {
    run(IB_ASYNC, "with_ib_async.py", None);
}

#[test]
fn the_official_client_of_today_trades_here() {
    run(RECENT, "with_ibapi.py", Some("225"));
}

/// At versions at which the text changed, with another encoder than the old one's.
#[test]
fn the_official_client_speaks_text_here_too() {
    for version in ["178", "169", "163"] {
        run(RECENT, "with_ibapi.py", Some(version));
    }
}

#[test]
fn the_official_client_of_long_ago_trades_here() {
    run(OLD, "with_ibapi.py", Some("157"));
}

fn on(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| value == "1")
}

fn run(packages: (&str, &[&str]), script: &str, version: Option<&str>) {
    if !on("TRADEWIND_INTEROP") {
        println!(
            "interoperability with {}: skipped, TRADEWIND_INTEROP is not 1",
            packages.0
        );
        return;
    }
    let _one = ONE.lock();
    let (python, library) = match installed(packages) {
        Ok(found) => found,
        Err(why) if on("TRADEWIND_INTEROP_REQUIRED") => panic!("{} is required: {why}", packages.0),
        Err(why) => {
            println!("interoperability with {}: skipped, {why}", packages.0);
            return;
        }
    };
    let home = Home::new();
    let gateway = Gateway::start(&home);
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
    let ended = Command::new(python)
        .arg("-B")
        .arg(scripts.join(script))
        .args(["127.0.0.1", &gateway.port])
        .args(version)
        .env("PYTHONPATH", library)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, words) = (
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr),
    );
    let checks = out.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(
        ended.status.success(),
        "{script} with {}:\n{out}\n{words}",
        packages.0
    );
    assert!(checks > 20, "only {checks} checks of {script} ran:\n{out}");
    println!("interoperability with {}: {checks} checks", packages.0);
}

/// A Python of our own, and the folder that holds the packages; made where they are not there yet.
fn installed((name, packages): (&str, &[&str])) -> Result<(PathBuf, PathBuf), String> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop");
    let python = PYTHON.get_or_init(|| {
        let python = root.join("python/bin/python");
        if !python.exists() {
            let made = Command::new("python3")
                .args(["-m", "venv"])
                .arg(root.join("python"))
                .output();
            done("a Python environment can't be made", made)?;
        }
        Ok(python)
    });
    let (python, library) = (python.clone()?, root.join(name));
    if !library.exists() {
        // Into a folder aside first: half an installation is none.
        let aside = root.join(format!("{name}.part"));
        let _ = std::fs::remove_dir_all(&aside);
        let fetched = Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--target",
            ])
            .arg(&aside)
            .args(packages)
            .output();
        done("the packages can't be fetched", fetched)?;
        std::fs::rename(&aside, &library).map_err(|error| error.to_string())?;
    }
    Ok((python, library))
}

fn done(what: &str, ended: std::io::Result<std::process::Output>) -> Result<(), String> {
    match ended {
        Ok(ended) if ended.status.success() => Ok(()),
        Ok(ended) => Err(format!("{what}: {}", String::from_utf8_lossy(&ended.stderr))),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

/// A gateway with two accounts that ends with its test.
struct Gateway {
    child: Child,
    port: String,
}

impl Gateway {
    fn start(home: &Home) -> Self {
        let mut command = home.command(&["gateway", "--port", "0", "--accounts", "DU100001,DU100002"]);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line.trim().rsplit(':').next().unwrap().to_owned();
        assert!(line.starts_with("listening on "), "the gateway says '{line}'");
        Self { child, port }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
