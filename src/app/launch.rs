//! Finding the engine, and starting it in the background where none runs. The engine is never the terminal's child: a small
//! parent in a session of its own starts it, and starts it again after a crash; it ends when the engine ends in order.

use super::paths::Paths;
use super::run_lock::holder;
use super::serve::build;
use crate::attach::{AttachError, Attached};
use crate::engine::SessionKind;
use anyhow::{Context, Result, bail};
use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take before it is given up: a long journal on a slow disk is read for a while.
const START_WITHIN: Duration = Duration::from_secs(60);
/// After so long a person is told what is waited for.
const TOLD_AFTER: Duration = Duration::from_secs(2);
/// An engine that crashed is started again at most this often …
const RESTARTS: usize = 3;
/// … within this span; then it stays down.
const RESTART_SPAN: Duration = Duration::from_secs(300);

/// Attaches to the profile's engine, starting one first where none runs.
///
/// # Errors
/// It can't be started or refuses this build: in words, with the remedy.
pub async fn attach_or_start(paths: &Paths, flags: &[String], kind: SessionKind) -> Result<Attached> {
    match Attached::connect(&paths.socket(), kind, &build()).await {
        Err(AttachError::NoEngine(_)) => {}
        other => return Ok(other?),
    }
    paths.create()?;
    // One that is on its way already is waited for: a second would only be turned away.
    let mut parent = match holder(paths) {
        Some(_) => None,
        None => Some(start_parent(paths, flags)?),
    };
    let (begun, mut told) = (Instant::now(), false);
    loop {
        tokio::time::sleep(Duration::from_millis(10)).await;
        match Attached::connect(&paths.socket(), kind, &build()).await {
            Err(AttachError::NoEngine(_)) => {}
            other => return Ok(other?),
        }
        let ended = match parent.as_mut() {
            Some(parent) => parent.try_wait()?.is_some_and(|status| !status.success()),
            None => true,
        };
        if ended && holder(paths).is_none() {
            bail!("the engine did not start:\n{}", last_words(paths));
        }
        if ended {
            parent = None;
        }
        if begun.elapsed() > START_WITHIN {
            bail!(
                "the engine did not answer within {} s; its log is in {}",
                START_WITHIN.as_secs(),
                paths.run().display()
            );
        }
        if begun.elapsed() > TOLD_AFTER && !std::mem::replace(&mut told, true) {
            let _ = writeln!(std::io::stderr(), "tradewind: the engine is starting …");
        }
    }
}

/// Whether an engine of this profile, if one runs, may be stopped and started again from here.
///
/// # Errors
/// Somebody else keeps it running: with how it is restarted there.
pub fn may_restart(paths: &Paths) -> Result<()> {
    match holder(paths).and_then(super::keeper::remedy) {
        Some(remedy) => bail!("the engine is not restarted from here: {remedy}"),
        None => Ok(()),
    }
}

fn start_parent(paths: &Paths, flags: &[String]) -> Result<Child> {
    let out = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(output(paths))?;
    let program = std::env::current_exe().context("this program's own file can't be found")?;
    Command::new(program)
        .arg("supervise")
        .args(flags)
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .spawn()
        .context("the engine's process can't be started")
}

fn output(paths: &Paths) -> std::path::PathBuf {
    paths.run().join("engine.out")
}

fn last_words(paths: &Paths) -> String {
    let text = std::fs::read_to_string(output(paths)).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(12).collect();
    if lines.is_empty() {
        return format!("it said nothing; its log is in {}", paths.run().display());
    }
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// The small parent: runs the engine as its child, and again after a crash.
///
/// # Errors
/// The engine could not be started, or crashed too often.
pub fn supervise(flags: &[String]) -> Result<()> {
    // Fails only where this process leads a session already, which is as good.
    let _ = rustix::process::setsid();
    let program = std::env::current_exe().context("this program's own file can't be found")?;
    let mut crashes: VecDeque<Instant> = VecDeque::new();
    loop {
        let status = Command::new(&program)
            .arg("serve")
            .args(flags)
            // Nobody reads the output of an engine in the background, and nothing bounds it.
            .args(["--log-to", "files"])
            .stdin(Stdio::null())
            .status()?;
        // An engine that ended by itself said why; only one that was killed or panicked is started again.
        let crashed = status.signal().is_some() || status.code() == Some(101);
        if !crashed {
            if status.success() {
                return Ok(());
            }
            bail!("the engine ended: {status}");
        }
        let now = Instant::now();
        crashes.push_back(now);
        crashes.retain(|at| now.duration_since(*at) < RESTART_SPAN);
        if crashes.len() > RESTARTS {
            bail!(
                "the engine crashed {} times within {} minutes and stays down; its log says why",
                crashes.len(),
                RESTART_SPAN.as_secs() / 60
            );
        }
    }
}
