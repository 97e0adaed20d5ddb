//! `tradewind doctor`: looks at what goes wrong in practice, on a machine with or without an engine, and changes nothing but
//! a test file that it takes away again. Each finding says what was found and what to do. Where settings can't be read there
//! is one finding, which says so.

mod certificate;
mod database;
mod disk;
mod machine;

pub(super) use database::check as check_database;

use super::clock::{Clock, wall};
use super::keeper;
use super::logging;
use super::paths::Paths;
use super::run_lock;
use super::serve::build;
use super::shell::Shell;
use crate::config::Loaded;
use crate::domain::Timestamp;
pub(super) use certificate::{ends as certificate_ends, file as certificate_file};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// Works, and may not for long or not well.
    Warn,
    /// Does not work.
    Bad,
}

impl Level {
    /// `ok`, `note`, `warn` or `bad`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// What was found by one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check: a stable word.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do; empty where there is nothing to be done.
    pub remedy: String,
}

impl Finding {
    fn new(check: &'static str, level: Level, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            check,
            level,
            found: found.into(),
            remedy: remedy.into(),
        }
    }
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Level::Ok, found, "")
    }
    fn note(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Level::Note, found, "")
    }
}

/// All findings, and the settings that were given.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order of the checks.
    pub findings: Vec<Finding>,
    /// Key, value, source.
    pub settings: Vec<(String, String, String)>,
    /// The profile's folder.
    pub profile: PathBuf,
}

impl Report {
    /// Settings that can't be read: the only finding.
    pub fn unreadable(error: &str) -> Self {
        let remedy = "mend it, or name another file with --config";
        Self {
            findings: vec![Finding::new("config", Level::Bad, error, remedy)],
            ..Self::default()
        }
    }
    /// The worst level.
    pub fn worst(&self) -> Level {
        self.findings
            .iter()
            .map(|finding| finding.level)
            .max()
            .unwrap_or(Level::Ok)
    }
    /// 0 for nothing worse than a note, 4 for a warning, 1 for something bad.
    pub fn exit_code(&self) -> u8 {
        match self.worst() {
            Level::Ok | Level::Note => 0,
            Level::Warn => 4,
            Level::Bad => 1,
        }
    }
    /// For programs.
    pub fn json(&self) -> Value {
        let findings: Vec<Value> = self
            .findings
            .iter()
            .map(|f| json!({"check": f.check, "level": f.level.word(), "found": f.found, "remedy": f.remedy}))
            .collect();
        let settings: Vec<Value> = self
            .settings
            .iter()
            .map(|(key, value, source)| json!({"key": key, "value": value, "source": source}))
            .collect();
        json!({"build": build(), "profile": self.profile.display().to_string(), "worst": self.worst().word(),
               "findings": findings, "settings": settings})
    }
    /// For people.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for finding in &self.findings {
            lines.push(format!(
                "{:<4}  {:<11} {}",
                finding.level.word(),
                finding.check,
                finding.found
            ));
            if !finding.remedy.is_empty() {
                lines.push(format!("{:>18}→ {}", "", finding.remedy));
            }
            if finding.check == "config" {
                for (key, value, source) in &self.settings {
                    lines.push(format!("{:>18}{key} = {value}  ({source})", ""));
                }
            }
        }
        lines.join("\n")
    }
}

/// Runs every check. `deep` reads databases to the end.
pub async fn examine(loaded: &Loaded, paths: &Paths, deep: bool) -> Report {
    let (steady, began) = (Clock::start(), wall());
    let settings = &loaded.settings;
    let given = loaded.given();
    let mut findings = vec![config(given.len())];
    let holder = run_lock::holder(paths);
    let engine = match holder {
        Some(_) => told(paths).await,
        None => None,
    };
    findings.push(engine_of(holder, engine.is_some()));
    findings.extend(machine::port(settings, paths, holder).await);
    let logs = logging::folder(&settings.log, paths);
    let journal_max = super::archive::journal_settings(settings).max_bytes;
    findings.extend(disk::all(paths, &logs, journal_max));
    findings.extend(database::all(paths, deep, journal_max));
    findings.extend(certificate::all(settings, paths, began));
    findings.extend(machine::broker(settings).await);
    findings.push(machine::descriptors(settings));
    // Last, so that some time has passed in which the clock could have stepped.
    let newest = database::newest(paths);
    findings.extend(machine::clock(&steady, began, newest, engine));
    Report {
        findings,
        settings: given,
        profile: paths.profile.clone(),
    }
}

/// The steady time of the engine that runs, and the wall's at the same moment.
async fn told(paths: &Paths) -> Option<(Timestamp, Timestamp)> {
    let asking = async {
        let mut shell = Shell::connect(paths, false).await.ok()?;
        let (_, now) = shell.state().await.ok()?;
        Some((now, wall()))
    };
    tokio::time::timeout(Duration::from_secs(5), asking).await.ok()?
}

fn config(given: usize) -> Finding {
    let what = match given {
        0 => "every setting has its default".to_owned(),
        1 => "1 setting was given, all others have their default".to_owned(),
        count => format!("{count} settings were given, all others have their default"),
    };
    Finding::ok("config", what)
}

fn engine_of(holder: Option<i32>, answers: bool) -> Finding {
    match (holder, answers) {
        (None, _) => Finding::note("engine", "none runs in this profile"),
        (Some(pid), true) => Finding::ok("engine", format!("runs, process {pid}")),
        (Some(pid), false) => Finding::new(
            "engine",
            Level::Bad,
            format!("process {pid} holds the profile and does not answer on its socket"),
            keeper::remedy(pid).unwrap_or_else(|| {
                "see its log; 'tradewind restart' ends and begins it, orders stay at the broker".to_owned()
            }),
        ),
    }
}
