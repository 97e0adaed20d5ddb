//! `tradewind archive`: closes the journal's file into the profile's archive and begins the next, with the engine stopped. What
//! happens to files, and in which order, is in `store/archive.rs`; here is who may, and what is said.

use super::clock;
use super::paths::Paths;
use super::run_lock::{RunLock, holder};
use crate::config::Settings;
use crate::store::{self, Archived, JournalSettings};
use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

/// The journal as the settings bound it.
pub(super) fn journal_settings(settings: &Settings) -> JournalSettings {
    JournalSettings {
        max_bytes: u64::from(settings.engine.journal_max_mb) << 20,
        reserve_bytes: u64::from(settings.engine.journal_reserve_mb) << 20,
    }
}

/// Archives the profile's journal, and keeps every engine away meanwhile.
///
/// # Errors
/// An engine runs, there is no journal or nothing in it, or it is not whole. It is then in place as it was.
pub fn archive(settings: &Settings, paths: &Paths) -> Result<Archived> {
    ensure!(
        paths.journal().exists(),
        "there is no journal in {}: nothing to archive",
        paths.profile.display()
    );
    let Some(_lock) = RunLock::take(paths)? else {
        let process = holder(paths).map_or_else(String::new, |pid| format!(" (process {pid})"));
        bail!(
            "an engine runs on this profile{process}: 'tradewind stop' first, then 'tradewind archive', then start it again; orders that work stay at the broker meanwhile"
        );
    };
    Ok(store::archive(
        &paths.journal(),
        journal_settings(settings),
        clock::wall(),
    )?)
}

/// What was archived, for people.
pub fn text(archived: &Archived) -> String {
    format!(
        "{}: events {} to {}, {} KiB, checked and kept as it was; the journal goes on with event {}",
        archived.file.display(),
        archived.first,
        archived.last,
        archived.bytes.div_ceil(1 << 10),
        archived.last + 1
    )
}

/// What was archived, for programs.
pub fn told(archived: &Archived) -> Value {
    json!({
        "file": archived.file,
        "first": archived.first,
        "last": archived.last,
        "from": archived.from.to_string(),
        "until": archived.until.to_string(),
        "bytes": archived.bytes,
    })
}
