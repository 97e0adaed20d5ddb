//! The file in which a terminal remembers things: read at the start, written by a thread of its own, so that a slow disk
//! never holds up the desk. A file that can't be read is put aside, never written over. Several terminals of a profile
//! share the file: each writes only what it changed itself.

use crate::tui::{DeskMemory, Keep};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use toml::{Table, Value};

/// What was remembered, and what is wrong with it.
pub(super) fn load(file: &Path) -> (DeskMemory, Option<String>) {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (DeskMemory::default(), None),
        Err(error) => return (DeskMemory::default(), Some(put_aside(file, &error.to_string()))),
    };
    match DeskMemory::read(&text) {
        Ok(memory) => (memory, None),
        Err(why) => (DeskMemory::default(), Some(put_aside(file, &why))),
    }
}

/// Renames a file that can't be used, and says so.
fn put_aside(file: &Path, why: &str) -> String {
    let name = file.display();
    let free = (1..1_000)
        .map(|n| file.with_extension(format!("toml.broken-{n}")))
        .find(|aside| !aside.exists());
    match free.as_ref().map(|aside| fs::rename(file, aside)) {
        Some(Ok(())) => {
            let aside = free.unwrap_or_default();
            format!(
                "what this terminal remembered can't be used and lies in {}: {why}",
                aside.display()
            )
        }
        _ => format!("what this terminal remembered can't be used: {name}: {why}"),
    }
}

/// Writes what is to be remembered.
#[derive(Debug)]
pub(super) struct Keeper {
    texts: Arc<Mutex<Option<mpsc::Sender<String>>>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread. `known` is what the file held when it was read.
    pub(super) fn start(file: PathBuf, known: &DeskMemory) -> Self {
        let (tell, texts) = mpsc::channel::<String>();
        let mut base: Table = toml::from_str(&known.text()).unwrap_or_default();
        let write = move || {
            while let Ok(mut text) = texts.recv() {
                while let Ok(newer) = texts.try_recv() {
                    text = newer;
                }
                if let Err(error) = keep(&file, &mut base, &text) {
                    tracing::warn!(%error, file = %file.display(), "what this terminal remembers could not be written");
                }
            }
        };
        let thread = std::thread::Builder::new().name("memory".to_owned()).spawn(write);
        Self {
            texts: Arc::new(Mutex::new(Some(tell))),
            thread: thread.ok(),
        }
    }
    /// Takes texts from the desk; never waits.
    pub(super) fn keep(&self) -> Keep {
        let texts = Arc::clone(&self.texts);
        Keep(Arc::new(move |text| {
            if let Ok(texts) = texts.lock()
                && let Some(tell) = texts.as_ref()
            {
                let _ = tell.send(text);
            }
        }))
    }
}

impl Drop for Keeper {
    /// Waits until the last text is written.
    fn drop(&mut self) {
        if let Ok(mut texts) = self.texts.lock() {
            texts.take();
        }
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes what is remembered panicked");
        }
    }
}

/// Lays what changed since `base` over the file as it is now.
fn keep(file: &Path, base: &mut Table, text: &str) -> io::Result<()> {
    let wanted: Table = toml::from_str(text).map_err(|error| io::Error::other(error.to_string()))?;
    let there = match fs::read_to_string(file) {
        Ok(there) => toml::from_str(&there).unwrap_or_else(|error: toml::de::Error| {
            tracing::warn!("{}", put_aside(file, error.message()));
            Table::new()
        }),
        Err(_) => Table::new(),
    };
    let merged = merged(base, &wanted, there);
    let head: String = text.lines().take_while(|line| line.starts_with('#')).collect();
    let body = toml::to_string(&merged).map_err(|error| io::Error::other(error.to_string()))?;
    write_whole(file, format!("{head}\n{body}").as_bytes())?;
    *base = wanted;
    Ok(())
}

/// `there` with what differs between `base` and `wanted`.
fn merged(base: &Table, wanted: &Table, mut there: Table) -> Table {
    for key in base.keys().filter(|key| !wanted.contains_key(*key)) {
        there.remove(key);
    }
    for (key, value) in wanted {
        let before = base.get(key);
        if before == Some(value) && there.contains_key(key) {
            continue;
        }
        let inner = match (before, value, there.get(key)) {
            (Some(Value::Table(before)), Value::Table(wanted), Some(Value::Table(there))) => {
                Value::Table(merged(before, wanted, there.clone()))
            }
            _ => value.clone(),
        };
        there.insert(key.clone(), inner);
    }
    there
}

/// Writes a file so that it is there whole, or as it was.
fn write_whole(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = file.with_extension(format!("toml.{}", std::process::id()));
    let written = fs::File::create(&new).and_then(|mut out| {
        out.write_all(bytes)?;
        out.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&new, file));
    if done.is_err() {
        let _ = fs::remove_file(&new);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_is_put_aside_and_two_terminals_keep_each_others_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("terminal.toml");
        fs::write(&file, "version = ]").unwrap();
        let (memory, fault) = load(&file);
        assert_eq!(memory, DeskMemory::default());
        assert!(fault.unwrap().contains("terminal.toml.broken-1"));
        assert_eq!(
            fs::read_to_string(folder.path().join("terminal.toml.broken-1")).unwrap(),
            "version = ]"
        );
        fs::write(&file, "version = 99\n").unwrap();
        assert!(load(&file).1.unwrap().contains("version 99"));

        let (one, two) = (
            Keeper::start(file.clone(), &memory),
            Keeper::start(file.clone(), &memory),
        );
        let with = |name: &str, theme: &str| {
            let mut memory = DeskMemory {
                theme: theme.to_owned(),
                ..DeskMemory::default()
            };
            memory.layouts.insert(name.to_owned(), "chart".to_owned());
            memory.text()
        };
        (one.keep().0)(with("mine", "light"));
        drop(one);
        (two.keep().0)(with("other", ""));
        drop(two);
        let (memory, fault) = load(&file);
        assert_eq!(fault, None);
        assert_eq!(memory.theme, "light", "the second terminal did not change it");
        assert_eq!(memory.layouts.keys().collect::<Vec<_>>(), ["mine", "other"]);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            3,
            "nothing is left behind"
        );
    }
}
