//! The file that halts: `halt` in the run folder, beside the socket. Anybody who may write there (a person with a shell, a
//! script, another program's watchdog) halts the engine with it, with no terminal, no key and no port: `touch run/halt`. What
//! stands in it becomes the reason. It is looked for several times a second and is never touched: while it is there the engine
//! stays halted, over restarts too. What it means is the engine's to decide (`engine/halt.rs`).

use crate::domain::SafeText;
use crate::engine::halt::HaltFile;
use crate::engine::planted::point;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

/// It is looked for this often: well within the second in which it has to be seen.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// So much of it is read.
const READ_MAX: u64 = 2_048;
/// So much of it is shown.
const SHOWN: usize = 200;

/// The file as it is now. Whatever lies there under this name halts, be it a folder or unreadable: who put it there meant it.
/// Where even that can't be told, it counts as there.
pub(super) fn look(path: &Path) -> Option<HaltFile> {
    let reason = match std::fs::symlink_metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return None,
        Err(error) => format!("can't be looked at: {error}"),
        // Only what is a plain file is opened: a pipe would be waited for.
        Ok(about) if about.is_file() => read(path).unwrap_or_else(|error| format!("can't be read: {error}")),
        Ok(_) => String::new(),
    };
    let shown: String = reason.trim().chars().take(SHOWN).collect();
    let reason = if shown.is_empty() {
        "no reason given"
    } else {
        &shown
    };
    Some(HaltFile {
        place: SafeText::new(&path.display().to_string()),
        reason: SafeText::new(reason),
    })
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(READ_MAX)
        .read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Looks for it from now on, and tells what has changed since `before`. A disk that hangs holds up nobody but this.
pub(super) fn watch(path: PathBuf, before: Option<HaltFile>) -> mpsc::Receiver<Option<HaltFile>> {
    let (tell, told) = mpsc::channel(4);
    tokio::spawn(async move {
        let mut last = before;
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            point("halt file");
            let place = path.clone();
            let Ok(now) = tokio::task::spawn_blocking(move || look(&place)).await else {
                continue;
            };
            if now != last {
                last.clone_from(&now);
                if tell.send(now).await.is_err() {
                    return;
                }
            }
            if tell.is_closed() {
                return;
            }
        }
    });
    told
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::look;

    #[test]
    fn whatever_lies_there_halts_and_its_text_is_harmless() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("halt");
        let reason = || look(&path).map(|file| file.reason.to_string());
        assert_eq!(reason(), None);
        assert_eq!(look(&folder.path().join("no/such/halt")), None);
        std::fs::write(&path, "").unwrap();
        assert_eq!(reason().as_deref(), Some("no reason given"));
        std::fs::write(&path, "  CPI at 8:30\nback at 9  ").unwrap();
        assert_eq!(reason().as_deref(), Some("CPI at 8:30 back at 9"));
        std::fs::write(&path, [0xFF, 0x1B, b'[', b'2', b'J', 0xFE]).unwrap();
        assert!(!reason().unwrap().contains('\u{1b}'));
        std::fs::write(&path, vec![b'x'; 1 << 20]).unwrap();
        assert_eq!(reason().unwrap().len(), 200);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(reason().as_deref(), Some("no reason given"));
        std::fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("/nowhere", &path).unwrap();
        assert_eq!(reason().as_deref(), Some("no reason given"));
    }
}
