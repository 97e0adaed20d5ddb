//! How far the journal was written, noted in a small file beside it. A database whose write-ahead log was deleted or
//! damaged, or that was put back from an older copy, is whole in itself and only shorter: nothing within it says so. This
//! file does. It is written after each commit and never synced, so it costs no time of the disk; what a loss of power leaves
//! of it is never ahead of the journal, because the journal was synced first. One that is missing or torn says nothing.

use super::error::StoreError;
use super::row::Hash;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"TWHEAD1\n";
/// Magic, sequence, hash, and a digest of the three.
const SIZE: usize = 8 + 8 + 32 + 32;

/// The last event that was written, and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub sequence: u64,
    pub hash: Hash,
}

impl Mark {
    fn encode(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..16].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[16..48].copy_from_slice(&self.hash);
        let digest: Hash = Sha256::digest(&bytes[..48]).into();
        bytes[48..].copy_from_slice(&digest);
        bytes
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; SIZE] = bytes.try_into().ok()?;
        let mark = Self {
            sequence: u64::from_be_bytes(bytes[8..16].try_into().ok()?),
            hash: bytes[16..48].try_into().ok()?,
        };
        (mark.encode() == *bytes).then_some(mark)
    }
}

/// The place of a journal's mark, and the file once it was opened for writing.
#[derive(Debug)]
pub(super) struct HeadFile {
    path: PathBuf,
    file: Option<File>,
}

impl HeadFile {
    /// The one that belongs to the journal at `journal`.
    pub fn beside(journal: &Path) -> Self {
        Self {
            path: journal.with_extension("head"),
            file: None,
        }
    }
    /// What it says; nothing where it is missing or not whole.
    pub fn read(&self) -> Option<Mark> {
        Mark::decode(&std::fs::read(&self.path).ok()?)
    }
    /// Notes how far the journal is. An error is none: an older note is true as well, it only finds less.
    pub fn note(&mut self, mark: &Mark) {
        if self.file.is_none() {
            self.file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&self.path)
                .ok();
        }
        if let Some(file) = &self.file {
            let _ = file.write_all_at(&mark.encode(), 0);
        }
    }
    /// The error that says so, where a journal lacks what is noted here.
    pub fn lacking(&self, journal: &Path, mark: &Mark) -> StoreError {
        StoreError::Shorter {
            file: journal.to_owned(),
            sequence: mark.sequence,
            mark: self.path.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_and_a_damaged_one_says_nothing() {
        let mark = Mark {
            sequence: 4_711,
            hash: [7; 32],
        };
        let bytes = mark.encode();
        assert_eq!(Mark::decode(&bytes), Some(mark));
        for at in 0..SIZE {
            let mut damaged = bytes;
            damaged[at] ^= 1;
            assert_eq!(Mark::decode(&damaged), None, "byte {at}");
            assert_eq!(Mark::decode(&bytes[..at]), None);
        }
    }
}
