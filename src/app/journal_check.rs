//! What a start from a snapshot leaves unread: the journal's older part. It is checked once, behind the running engine, a
//! piece at a time so that nobody waits for it: the chain from the first record to the snapshot's, then SQLite's own check of
//! the file. The state does not rest on that part, but histories, statements and the next start without a snapshot do.

use super::doctor;
use crate::store::{JournalReader, StoreError};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::mpsc;

/// Records in one piece.
const PIECE: u32 = 5_000;
/// Between two pieces: others have the disk and the core.
const REST: Duration = Duration::from_millis(20);

/// The check while it runs: it ends with this.
#[derive(Debug)]
pub(super) struct Check {
    _ends: SyncSender<()>,
}

/// Begins the check of everything up to the event of the snapshot; where there was none, everything has been read. What it
/// finds comes in words on the other end, at most once.
///
/// # Errors
/// The thread can't be started.
pub(super) fn begin(journal: &Path, snapshot: u64) -> std::io::Result<(Check, mpsc::Receiver<String>)> {
    let (tell, found) = mpsc::channel(1);
    let (ends, ended) = sync_channel(0);
    if snapshot > 0 {
        let file = journal.to_owned();
        std::thread::Builder::new()
            .name("journal check".into())
            .spawn(move || {
                if let Some(fault) = check(&file, snapshot, &ended) {
                    let _ = tell.blocking_send(fault);
                }
            })?;
    }
    Ok((Check { _ends: ends }, found))
}

/// What is wrong; nothing where all is well or the engine ended meanwhile.
fn check(file: &Path, snapshot: u64, ended: &Receiver<()>) -> Option<String> {
    match chain(file, snapshot, ended) {
        Ok(true) => {}
        Ok(false) => return None,
        Err(error) => return Some(format!("is damaged ({error})")),
    }
    match doctor::check_database(file, false) {
        Ok((_, said)) if said == "ok" => {
            tracing::info!(events = snapshot, "the journal's older part is as it was written");
            None
        }
        Ok((_, said)) => Some(format!("is damaged ({}: {said})", file.display())),
        // Locked for a while, most likely: nothing was seen that is wrong.
        Err(error) => {
            tracing::warn!(%error, "the journal's file could not be checked");
            None
        }
    }
}

/// True once the whole part was read and holds; false where the engine ended.
fn chain(file: &Path, snapshot: u64, ended: &Receiver<()>) -> Result<bool, StoreError> {
    let reader = JournalReader::open(file)?;
    // The state does not rest on what is archived, and a start does not read it all again: that is for 'doctor --deep'. That a
    // file is gone or was cut is worth a word, though.
    if let Err(error) = reader.archived() {
        tracing::warn!(%error, "archived days can't be read");
    }
    let (mut last, mut hash) = reader.begins();
    while last < snapshot {
        let report = reader.verify_after(last, hash, PIECE)?;
        if let Some((sequence, fault)) = report.fault {
            return Err(StoreError::Chain {
                file: file.to_owned(),
                sequence,
                fault,
            });
        }
        if report.events == last {
            let fault = crate::store::Fault::Cut;
            return Err(StoreError::Chain {
                file: file.to_owned(),
                sequence: last + 1,
                fault,
            });
        }
        (last, hash) = (report.events, report.head);
        if ended.recv_timeout(REST) == Err(RecvTimeoutError::Disconnected) {
            return Ok(false);
        }
    }
    Ok(true)
}
