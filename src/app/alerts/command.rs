//! An alert by command: a program with fixed arguments, without a shell. What happened goes through its environment and its
//! standard input, never into an argument, so no text from outside is ever read as a word of a command line.

use super::{Message, Tried};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process;

/// What a program needs of our environment; all the rest, such as what holds our own settings, stays here.
const KEPT: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
];

/// The program.
#[derive(Debug)]
pub(super) struct Command {
    program: String,
    arguments: Vec<String>,
}

impl Command {
    pub(super) fn new(program: &str, arguments: &[String]) -> Self {
        Self {
            program: program.to_owned(),
            arguments: arguments.to_vec(),
        }
    }

    /// Runs it once. Dropped before its end, the program and what it started are killed.
    pub(super) async fn run(&self, message: &Message) -> Tried {
        let mut command = process::Command::new(&self.program);
        let kept = KEPT
            .iter()
            .filter_map(|name| Some((*name, std::env::var_os(name)?)));
        command
            .args(&self.arguments)
            .env_clear()
            .envs(kept)
            .env("TRADEWIND_ALERT_TEXT", &message.text)
            .env("TRADEWIND_ALERT_ID", &message.alert)
            .env("TRADEWIND_ALERT_AT", &message.at)
            .env("TRADEWIND_ALERT_STAGE", &message.stage)
            .env("TRADEWIND_ALERT_FIRING", message.firing.to_string())
            .env("TRADEWIND_ALERT_PROFILE", &message.profile)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return Tried::Failed(format!("{} can't be run: {error}", self.program)),
        };
        let mut group = Group(child.id());
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read is no fault.
            let _ = stdin.write_all(message.json().to_string().as_bytes()).await;
        }
        let ended = child.wait().await;
        // What it left behind on purpose, such as a sound that still plays, goes on.
        group.0 = None;
        match ended {
            Ok(status) if status.success() => Tried::Done,
            Ok(status) => Tried::Failed(format!("{} ended with {status}", self.program)),
            Err(error) => Tried::Failed(format!("{}: {error}", self.program)),
        }
    }
}

/// The process group of a program, killed where its run is given up.
struct Group(Option<u32>);
impl Drop for Group {
    fn drop(&mut self) {
        let pid = self.0.and_then(|pid| i32::try_from(pid).ok());
        if let Some(group) = pid.and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        }
    }
}
