//! Snapshots of the state: a shortcut for the start, never the truth. One file beside the journal, replaced as a whole, with
//! the fold's version, the sequence, the journal's hash there, and a digest. What can't be used is told and left out; the
//! journal alone is always enough.

use super::error::StoreError;
use super::format::{from_msgpack, to_msgpack};
use super::reader::JournalReader;
use super::row::Hash;
use crate::engine::{FOLD_VERSION, State};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"TWSNAP1\n";
/// Magic, fold version, sequence, the journal's hash, digest.
const HEADER: usize = 8 + 4 + 8 + 32 + 32;

/// A state as it was after `state.sequence` events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The state.
    pub state: State,
    /// The journal's hash of its last event.
    pub hash: Hash,
}

/// The place of a journal's snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile(PathBuf);

impl SnapshotFile {
    /// The snapshot that belongs to the journal at `journal`.
    pub fn beside(journal: &Path) -> Self {
        Self(journal.with_extension("snapshot"))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Keeps `state`, whose last event must be committed: its hash is looked up in the journal. The old snapshot stays
    /// whole until the new one is. Takes as long as the disk does: not for the task that folds.
    pub fn write(&self, journal: &JournalReader, state: &State) -> Result<(), StoreError> {
        let hash = journal
            .hash_at(state.sequence)?
            .ok_or_else(|| StoreError::Sequence {
                file: journal.file().to_owned(),
                last: journal.head().map_or(0, |head| head.0),
                found: state.sequence,
            })?;
        let bytes = encode(state, &hash).map_err(|what| StoreError::Failed {
            file: self.0.clone(),
            doing: "encoding a snapshot",
            what,
        })?;
        self.replace(&bytes)
            .map_err(|error| StoreError::io(&self.0, "writing a snapshot", &error))
    }

    fn replace(&self, bytes: &[u8]) -> std::io::Result<()> {
        let new = self.0.with_extension("snapshot-new");
        let mut out = File::create(&new)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        std::fs::rename(&new, &self.0)?;
        match self.0.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    }

    /// The snapshot; nothing where there is none; in words why one that is there can't be used.
    pub fn read(&self) -> Result<Option<Snapshot>, String> {
        let bytes = match std::fs::read(&self.0) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        decode(&bytes).map(Some)
    }

    /// The sequence in its header, without reading the rest.
    pub fn sequence(&self) -> Option<u64> {
        let mut bytes = [0; HEADER];
        File::open(&self.0).ok()?.read_exact(&mut bytes).ok()?;
        Header::parse(&bytes).map(|header| header.sequence)
    }
}

/// A snapshot's bytes: the header, then the state.
pub(super) fn encode(state: &State, hash: &Hash) -> Result<Vec<u8>, String> {
    let body = to_msgpack(state)?;
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FOLD_VERSION.to_be_bytes());
    bytes.extend_from_slice(&state.sequence.to_be_bytes());
    bytes.extend_from_slice(hash);
    let digest = digest(&bytes, &body);
    bytes.extend_from_slice(&digest);
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// The snapshot in its bytes; in words why they can't be used.
pub(super) fn decode(bytes: &[u8]) -> Result<Snapshot, String> {
    let header = Header::parse(bytes).ok_or("it is no snapshot, or was cut short")?;
    if header.fold != FOLD_VERSION {
        return Err(format!(
            "it was folded by version {}, this is version {FOLD_VERSION}",
            header.fold
        ));
    }
    let body = &bytes[HEADER..];
    if digest(&bytes[..HEADER - 32], body) != header.digest {
        return Err("its digest does not fit its content".into());
    }
    let state: State = from_msgpack(body)?;
    if state.sequence != header.sequence {
        return Err("its header and its content name different events".into());
    }
    Ok(Snapshot {
        state,
        hash: header.hash,
    })
}

/// Where a snapshot of any fold's version says that it was made, if its digest fits: the event and its hash.
pub(super) fn made_at(bytes: &[u8]) -> Option<(u64, Hash)> {
    let header = Header::parse(bytes)?;
    let fits = digest(&bytes[..HEADER - 32], &bytes[HEADER..]) == header.digest;
    fits.then_some((header.sequence, header.hash))
}

struct Header {
    fold: u32,
    sequence: u64,
    hash: Hash,
    digest: Hash,
}
impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (fold, rest) = rest.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (hash, rest) = rest.split_first_chunk()?;
        let (digest, _) = rest.split_first_chunk()?;
        (magic == MAGIC).then_some(Self {
            fold: u32::from_be_bytes(*fold),
            sequence: u64::from_be_bytes(*sequence),
            hash: *hash,
            digest: *digest,
        })
    }
}

fn digest(header: &[u8], body: &[u8]) -> Hash {
    Sha256::new()
        .chain_update(header)
        .chain_update(body)
        .finalize()
        .into()
}
