//! The newest lines of the engine's log, for the desk's log pane: looked at once a second, read from where the last look
//! ended. The file is the engine's; nothing is kept but a bounded number of lines.

use super::log_files::newest;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Lines kept.
const KEPT: usize = 2_000;
/// A longer line is cut: one of them must not fill the pane's memory.
const LONGEST: usize = 400;
/// How much of a log is read at first, and at most in one look.
const READ: u64 = 128 * 1024;
/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// What is said where an engine's lines may be in no file.
pub(super) const ELSEWHERE: &str = "log.to is \"stdout\": the engine's lines are where its output goes (journalctl, docker logs, kubectl logs)";

/// The lines, shared with the pane.
pub(super) type Lines = Arc<Mutex<VecDeque<String>>>;

/// Where reading stands.
#[derive(Debug, Default)]
struct Place {
    file: Option<PathBuf>,
    at: u64,
}

/// Follows the log in a folder until the desk lets go of its lines.
pub(super) async fn follow(folder: PathBuf, lines: Lines) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut place = Place::default();
    loop {
        tick.tick().await;
        let (folder, mut here) = (folder.clone(), std::mem::take(&mut place));
        // A disk may be slow, and the desk's loop must not wait for it.
        let looked = tokio::task::spawn_blocking(move || {
            let new = here.look(&folder);
            (here, new)
        });
        let Ok((here, new)) = looked.await else { return };
        place = here;
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend(new);
        let over = lines.len().saturating_sub(KEPT);
        lines.drain(..over);
    }
}

impl Place {
    /// What was written since the last look; nothing where the log can't be read, for the desk goes on without it.
    fn look(&mut self, folder: &Path) -> Vec<String> {
        let Some(newest) = newest(folder, "engine") else {
            return Vec::new();
        };
        let began = self.file.as_ref() != Some(&newest);
        let Ok(mut file) = File::open(&newest) else {
            return Vec::new();
        };
        let size = file.metadata().map_or(0, |about| about.len());
        let from = if began {
            size.saturating_sub(READ)
        } else {
            self.at.min(size).max(size.saturating_sub(READ))
        };
        let skipped = from > 0 && (began || from > self.at);
        let mut bytes = Vec::new();
        if file.seek(SeekFrom::Start(from)).is_err() || file.take(READ).read_to_end(&mut bytes).is_err() {
            return Vec::new();
        }
        // Only whole lines: the rest comes with the next look.
        let end = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        bytes.truncate(end);
        self.file = Some(newest);
        self.at = from.saturating_add(u64::try_from(end).unwrap_or(0));
        let text = String::from_utf8_lossy(&bytes);
        text.lines()
            .skip(usize::from(skipped))
            .map(|line| readable(line).chars().take(LONGEST).collect())
            .collect()
    }
}

/// A line as people read it: one that is a JSON object is told in the order of the plain ones.
fn readable(line: &str) -> Cow<'_, str> {
    let parsed = line
        .starts_with('{')
        .then(|| serde_json::from_str::<Value>(line).ok());
    let Some(Value::Object(mut fields)) = parsed.flatten() else {
        return Cow::Borrowed(line);
    };
    let mut take = |name: &str| match fields.remove(name) {
        Some(Value::String(text)) => text,
        other => other.map_or(String::new(), |value| value.to_string()),
    };
    let (at, level, target, message) = (take("timestamp"), take("level"), take("target"), take("message"));
    let mut text = format!("{at} {level:>5} {target}: {message}");
    for (name, value) in &fields {
        let _ = write!(text, " {name}={value}");
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn lines_come_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engine.2026-11-27.log");
        let mut place = Place::default();
        assert!(place.look(folder.path()).is_empty());
        let mut file = File::create(&path).unwrap();
        write!(file, "one\ntwo\nthr").unwrap();
        assert_eq!(place.look(folder.path()), ["one", "two"]);
        writeln!(file, "ee").unwrap();
        assert_eq!(place.look(folder.path()), ["three"]);
        assert!(place.look(folder.path()).is_empty());
        // The next day's file is the newest from its first line on.
        std::fs::write(folder.path().join("engine.2026-11-28.log"), "four\n").unwrap();
        assert_eq!(place.look(folder.path()), ["four"]);
        // And where a day has several, the one with the highest number.
        for number in [9, 10] {
            let name = format!("engine.2026-11-28.{number}.log");
            std::fs::write(folder.path().join(name), format!("{number}\n")).unwrap();
        }
        assert_eq!(place.look(folder.path()), ["10"]);
        // What is written for a collector is read by people too.
        let line = r#"{"timestamp":"T","level":"WARN","message":"slow","target":"tradewind::store","ms":7}"#;
        assert_eq!(readable(line), "T  WARN tradewind::store: slow ms=7");
    }
}
