//! Who is the engine of a profile: whoever holds the lock. A file that is merely there means nothing; the kernel lets go
//! of a lock when its holder dies, so stale files are cleaned by the next holder, under the lock.

use super::locked_file::LockedFile;
use super::paths::Paths;
use anyhow::{Context, Result};
use std::time::Duration;

/// How often the lock is asked for before its holder counts as an engine …
const TRIES: u8 = 4;
/// … and how long between two tries.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// The lock, for as long as it lives.
#[derive(Debug)]
pub struct RunLock {
    _file: LockedFile,
}

impl RunLock {
    /// Takes the lock; nothing where another process has it.
    ///
    /// # Errors
    /// The run folder can't be made or the file not opened.
    #[allow(
        clippy::disallowed_methods,
        reason = "a process that begins has no runtime to wait on yet"
    )]
    pub fn take(paths: &Paths) -> Result<Option<Self>> {
        paths.create()?;
        let path = paths.lock();
        let opened = LockedFile::open(&path);
        let mut file = opened.with_context(|| format!("can't open the lock {}", path.display()))?;
        // Who only asks for the holder has the lock for an instant: one refusal is no proof of an engine.
        let mut tries = (0..TRIES).map(|turn| {
            std::thread::sleep(TRY_AGAIN_AFTER * u32::from(turn > 0));
            file.try_lock()
        });
        if !tries.any(|taken| taken) {
            return Ok(None);
        }
        file.sign(&std::process::id().to_string())?;
        let _ = std::fs::remove_file(paths.socket());
        Ok(Some(Self { _file: file }))
    }
}

/// The process that holds the lock, as it wrote itself down; nothing where nobody does.
pub fn holder(paths: &Paths) -> Option<i32> {
    let mut file = LockedFile::look(&paths.lock()).ok()?;
    let free = file.try_lock_shared();
    (!free).then(|| file.signature().parse().ok()).flatten()
}
