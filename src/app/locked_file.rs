//! A file that one process holds: the kernel's advisory lock, which goes with the process however it ends. What a lock stands
//! for is its owner's business (`run_lock`, `account_lock`).

use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// An open lock file: locked by [`Self::try_lock`], and let go of when dropped.
///
/// Let go by name, not by the descriptor's end alone: a child of this process that another thread forks has the descriptor
/// too until it runs its own program, and with it the lock.
#[derive(Debug)]
pub(super) struct LockedFile(File);

impl LockedFile {
    /// Opens the file, not yet locked; makes an empty one, for this user alone, where there is none.
    ///
    /// # Errors
    /// The file can't be made or opened.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.mode(0o600).open(path).map(Self)
    }

    /// Opens a file that is there, to ask whether it is locked and by whom.
    ///
    /// # Errors
    /// There is none, or it can't be opened.
    pub(super) fn look(path: &Path) -> io::Result<Self> {
        File::open(path).map(Self)
    }

    /// Whether nobody has the lock; of several who ask at once, none is in the way of another.
    pub(super) fn try_lock_shared(&self) -> bool {
        flock(&self.0, FlockOperation::NonBlockingLockShared).is_ok()
    }

    /// Whether the lock is ours now: false where another process has it.
    pub(super) fn try_lock(&self) -> bool {
        flock(&self.0, FlockOperation::NonBlockingLockExclusive).is_ok()
    }

    /// Writes down who holds it, in place of who did before.
    ///
    /// # Errors
    /// The file can't be written.
    pub(super) fn sign(&mut self, holder: &str) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.rewind()?;
        writeln!(self.0, "{holder}")
    }

    /// Who wrote himself down last; empty where that can't be read.
    pub(super) fn signature(&mut self) -> String {
        let mut text = String::new();
        let _ = self.0.rewind();
        let _ = self.0.read_to_string(&mut text);
        text.trim().to_owned()
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_dropped_is_free_whoever_else_still_has_its_descriptor() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut first = LockedFile::open(&path).unwrap();
        assert!(first.try_lock());
        first.sign("the first").unwrap();
        let mut second = LockedFile::open(&path).unwrap();
        assert!(!second.try_lock() && !LockedFile::look(&path).unwrap().try_lock_shared());
        assert_eq!(second.signature(), "the first");
        // What a child has between its fork and its own program.
        let inherited = first.0.try_clone().unwrap();
        drop(first);
        assert!(second.try_lock());
        drop(inherited);
    }
}
