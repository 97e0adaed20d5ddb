//! The engine's log as files: one a day, a new one where that is full, the oldest taken away where there are too many days or bytes.
//! A file is only ever written to at its end and keeps its name, so that collectors may follow it. What is taken away, and what
//! could not be written, is told in the next line.
//!
//! Leaves to others: what a line looks like, and who waits for whom (`logging`).

use super::clock::wall;
use crate::metrics::metrics;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Days with a file.
    pub(super) days: usize,
    /// Bytes of one file. A line is never cut, so that a file may be larger by less than one line, or be one line.
    pub(super) file: u64,
    /// Bytes of all files together.
    pub(super) all: u64,
}

/// Whose file one is, its day, and which of that day's it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    day: String,
    number: u32,
}

impl Turn {
    fn file_name(&self, name: &str) -> String {
        match self.number {
            0 => format!("{name}.{}.log", self.day),
            number => format!("{name}.{}.{number}.log", self.day),
        }
    }
    /// Of a file's name; nothing where it is none of ours.
    fn of(name: &str, file: &str) -> Option<Self> {
        let middle = file.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".log")?;
        let (day, number) = match middle.split_once('.') {
            None => (middle, 0),
            Some((day, number)) => (day, number.parse().ok()?),
        };
        let is_day = day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        is_day.then(|| Self {
            day: day.to_owned(),
            number,
        })
    }
}

/// The files of one program in a folder, the newest first. A folder or a link of such a name is none of ours.
fn files(folder: &Path, name: &str) -> Vec<(Turn, PathBuf, u64)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let turn = Turn::of(name, entry.file_name().to_str()?)?;
            let about = std::fs::symlink_metadata(entry.path()).ok()?;
            about.is_file().then(|| (turn, entry.path(), about.len()))
        })
        .collect();
    files.sort_by_key(|(turn, ..)| Reverse(turn.clone()));
    files
}

/// The newest file of a program.
pub(super) fn newest(folder: &Path, name: &str) -> Option<PathBuf> {
    files(folder, name).into_iter().next().map(|(_, path, _)| path)
}

/// Today, in UTC.
fn today() -> String {
    wall().to_string().chars().take(10).collect()
}

/// What writes into them: one line a call.
pub(super) struct LogFiles {
    folder: PathBuf,
    name: String,
    bounds: Bounds,
    today: Box<dyn Fn() -> String + Send>,
    tell: Box<dyn Fn(String) + Send>,
    turn: Turn,
    file: File,
    size: u64,
    /// Since this process began nothing was taken away yet.
    fresh: bool,
    /// Lines that the disk did not take, not told yet.
    lost: u64,
}

impl LogFiles {
    /// Opens the newest file of today, or makes one. `tell` gets what a reader has to know of the files, and must not wait.
    ///
    /// # Errors
    /// The folder can't be made, or the file not written.
    pub(super) fn open(
        folder: &Path,
        name: &str,
        bounds: Bounds,
        tell: impl Fn(String) + Send + 'static,
    ) -> io::Result<Self> {
        Self::on(folder, name, bounds, today, tell)
    }

    fn on(
        folder: &Path,
        name: &str,
        bounds: Bounds,
        today: impl Fn() -> String + Send + 'static,
        tell: impl Fn(String) + Send + 'static,
    ) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o750).create(folder)?;
        let day = today();
        let last = files(folder, name).into_iter().next();
        let number = last
            .filter(|(turn, ..)| turn.day == day)
            .map_or(0, |(turn, ..)| turn.number);
        let turn = Turn { day, number };
        let (file, size) = append(&folder.join(turn.file_name(name)))?;
        Ok(Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            bounds,
            today: Box::new(today),
            tell: Box::new(tell),
            turn,
            file,
            size,
            fresh: true,
            lost: 0,
        })
    }

    /// The file that the next line of so many bytes belongs into.
    fn turn_to(&mut self, more: u64) -> io::Result<()> {
        let day = (self.today)();
        // A clock that goes back writes on where it is: names stay in the order of what is in them.
        let turn = if day > self.turn.day {
            Turn { day, number: 0 }
        } else if self.size > 0 && self.size.saturating_add(more) > self.bounds.file {
            Turn {
                day: self.turn.day.clone(),
                number: self.turn.number.saturating_add(1),
            }
        } else {
            if std::mem::take(&mut self.fresh) {
                self.take_away();
            }
            return Ok(());
        };
        (self.file, self.size) = append(&self.folder.join(turn.file_name(&self.name)))?;
        self.turn = turn;
        self.fresh = false;
        self.take_away();
        Ok(())
    }

    /// Takes the oldest away, so that what is kept and a full current file are within the bounds.
    fn take_away(&self) {
        let room = self.bounds.all.saturating_sub(self.bounds.file);
        let (mut days, mut kept) = (BTreeSet::from([self.turn.day.clone()]), 0u64);
        let (mut gone, mut bytes, mut full) = (0u64, 0u64, false);
        for (turn, path, size) in files(&self.folder, &self.name) {
            if turn == self.turn {
                continue;
            }
            days.insert(turn.day);
            kept = kept.saturating_add(size);
            // From the first that is too much on all older ones go: what is left has no holes.
            let over = kept > room;
            full |= over;
            if (full || days.len() > self.bounds.days) && std::fs::remove_file(&path).is_ok() {
                gone += 1;
                bytes = bytes.saturating_add(size);
            }
        }
        if gone > 0 {
            let why = if full { "log.max_mb" } else { "log.keep_days" };
            (self.tell)(format!(
                "{gone} older log file(s) with {bytes} bytes were taken away, as {why} says"
            ));
        }
    }
}

fn append(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

impl Write for LogFiles {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        // A new file that can't be made leaves the one that is there: late is better than nowhere.
        let turned = self.turn_to(length);
        if let Err(error) = self.file.write_all(line).and(turned) {
            self.lost += 1;
            metrics().log_lost.inc();
            return Err(error);
        }
        self.size = self.size.saturating_add(length);
        if self.lost > 0 {
            let lost = std::mem::take(&mut self.lost);
            (self.tell)(format!(
                "{lost} line(s) of the log could not be written, and are lost"
            ));
        }
        Ok(line.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn a_noisy_day_fills_its_share_and_no_more_and_says_what_was_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let (day, told) = (
            Arc::new(Mutex::new("2026-11-27".to_owned())),
            Arc::new(Mutex::new(Vec::new())),
        );
        let bounds = Bounds {
            days: 2,
            file: 100,
            all: 400,
        };
        let open = || {
            let (day, told) = (Arc::clone(&day), Arc::clone(&told));
            let today = move || day.lock().unwrap().clone();
            LogFiles::on(folder.path(), "engine", bounds, today, move |text| {
                told.lock().unwrap().push(text);
            })
            .unwrap()
        };
        let names = || -> Vec<String> {
            let files = files(folder.path(), "engine").into_iter();
            files.map(|(turn, ..)| turn.file_name("engine")).collect()
        };
        // What is not ours is never taken away.
        for other in ["gateway.2026-11-01.log", "engine.notes.log", "engine.out"] {
            std::fs::write(folder.path().join(other), [b'x'; 500]).unwrap();
        }
        let mut log = open();
        for _ in 0..25 {
            log.write_all(&[b'a'; 40]).unwrap();
        }
        let sizes: u64 = files(folder.path(), "engine").iter().map(|(.., size)| size).sum();
        assert!(sizes <= bounds.all, "{sizes}");
        assert_eq!(
            names(),
            [
                "engine.2026-11-27.12.log",
                "engine.2026-11-27.11.log",
                "engine.2026-11-27.10.log",
                "engine.2026-11-27.9.log"
            ]
        );
        assert!(
            told.lock()
                .unwrap()
                .iter()
                .all(|text| text.contains("1 older log file(s) with 80 bytes"))
        );
        // Another process goes on at the end of the newest.
        drop(log);
        let mut log = open();
        log.write_all(&[b'b'; 40]).unwrap();
        assert_eq!(
            newest(folder.path(), "engine").unwrap(),
            folder.path().join("engine.2026-11-27.12.log")
        );
        for next in ["2026-11-28", "2026-11-29"] {
            next.clone_into(&mut day.lock().unwrap());
            log.write_all(&[b'c'; 400]).unwrap();
        }
        assert_eq!(names(), ["engine.2026-11-29.log"]);
        assert!(folder.path().join("engine.notes.log").exists());
    }
}
