//! The way back after any end: the newest usable snapshot, then every event after it, each checked against the chain. Sends
//! nothing and decides nothing; what the broker did meanwhile is found by reconciling. A file that goes on from an archived one
//! has the state that it begins with in it; archived files are needed only where another version folded that.

use super::error::StoreError;
use super::journal::Journal;
use super::reader::JournalReader;
use super::snapshot::{self, Snapshot, SnapshotFile};
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
    let (usable, why) = match SnapshotFile::beside(reader.file()).read() {
        // One from before the file's own beginning shortens nothing.
        Ok(usable) => (
            usable.filter(|snapshot| snapshot.state.sequence >= reader.begins().0),
            None,
        ),
        Err(why) => (None, Some(why)),
    };
    let Some(begin) = usable else {
        let (state, snapshot) = from_the_file(reader)?;
        let part = match snapshot {
            0 => "the whole journal",
            _ => "all that is not archived",
        };
        return Ok(Recovered {
            replayed: state.sequence - snapshot,
            state,
            snapshot,
            note: why.map(|why| format!("the snapshot is not used: {why}; {part} is replayed")),
        });
    };
    let snapshot = begin.state.sequence;
    if reader.hash_at(snapshot)? != Some(begin.hash) {
        return Err(StoreError::Contradiction {
            file: reader.file().to_owned(),
            sequence: snapshot,
        });
    }
    let state = fold(reader, begin)?;
    Ok(Recovered {
        replayed: state.sequence - snapshot,
        state,
        snapshot,
        note: None,
    })
}

/// The state by the journal's own files, whatever snapshot lies beside them, and the event that it began from: the file's
/// beginning, or zero where that has to be folded anew from archived files.
pub(super) fn from_the_file(reader: &JournalReader) -> Result<(State, u64), StoreError> {
    let begins = reader.begins();
    let begin = match reader.base()?.map(|bytes| (snapshot::decode(&bytes), bytes)) {
        Some((Ok(base), _)) if (base.state.sequence, base.hash) == begins => base,
        // Whole, and folded by another version.
        Some((Err(_), bytes)) if snapshot::made_at(&bytes) == Some(begins) => nothing(reader),
        None if begins.0 == 0 => nothing(reader),
        _ => {
            return Err(StoreError::Corrupt {
                file: reader.file().to_owned(),
                what: "the state that it begins with is not as it was written".into(),
            });
        }
    };
    let from = begin.state.sequence;
    Ok((fold(reader, begin)?, from))
}

fn nothing(reader: &JournalReader) -> Snapshot {
    Snapshot {
        state: State::default(),
        hash: reader.meta.genesis(),
    }
}

/// Every event after a snapshot, each checked against the chain.
fn fold(reader: &JournalReader, begin: Snapshot) -> Result<State, StoreError> {
    let mut state = begin.state;
    reader.read_checked(state.sequence, begin.hash, |event| {
        state.apply(&event);
        Ok(())
    })?;
    Ok(state)
}
