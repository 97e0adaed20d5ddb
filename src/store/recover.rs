//! The way back after any end: the newest usable snapshot, then every event after it, each checked against the chain. Sends
//! nothing and decides nothing; what the broker did meanwhile is found by reconciling.

use super::error::StoreError;
use super::journal::Journal;
use super::snapshot::{Snapshot, SnapshotFile};
use crate::engine::State;

/// A state brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The state after the journal's last event.
    pub state: State,
    /// The sequence of the snapshot it began from; zero where it began from nothing.
    pub snapshot: u64,
    /// How many events were folded after that.
    pub replayed: u64,
    /// Why a snapshot that is there was not used. Worth a line in the log; nothing is lost.
    pub note: Option<String>,
}

/// Brings the state back. A snapshot that can't be read or was folded by another version is left out and the journal is
/// replayed from its beginning; one that contradicts the journal, a gap, and a changed record are errors.
pub fn recover(journal: &Journal) -> Result<Recovered, StoreError> {
    let reader = journal.reader();
    let (usable, note) = match SnapshotFile::beside(reader.file()).read() {
        Ok(usable) => (usable, None),
        Err(why) => (
            None,
            Some(format!(
                "the snapshot is not used: {why}; the whole journal is replayed"
            )),
        ),
    };
    let begin = match usable {
        Some(snapshot) => snapshot,
        None => Snapshot {
            state: State::default(),
            hash: reader.meta.genesis(),
        },
    };
    let snapshot = begin.state.sequence;
    if reader.hash_at(snapshot)? != Some(begin.hash) {
        return Err(StoreError::Contradiction {
            file: reader.file().to_owned(),
            sequence: snapshot,
        });
    }
    let mut state = begin.state;
    reader.read_checked(snapshot, begin.hash, |event| {
        state.apply(&event);
        Ok(())
    })?;
    Ok(Recovered {
        replayed: state.sequence - snapshot,
        state,
        snapshot,
        note,
    })
}
