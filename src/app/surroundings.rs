//! What the engine lives on, looked at every few seconds beside its task: room on the disks of the profile and the log, the size
//! of the journal, the end of the port's certificate, and lines that the log lost. Figures for who watches from elsewhere; the
//! doctor says the same to a person, with what to do.

use super::doctor::certificate_ends;
use super::logging;
use super::paths::Paths;
use crate::config::Settings;
use crate::metrics::metrics;
use std::path::{Path, PathBuf};

/// Where to look.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    journal: PathBuf,
    profile: PathBuf,
    logs: PathBuf,
    certificate: Option<PathBuf>,
}

impl Surroundings {
    /// Of an engine with these settings; its journal may become so large.
    pub(super) fn new(settings: &Settings, paths: &Paths, journal_max: u64) -> Self {
        metrics().journal.1.set(whole(journal_max));
        Self {
            journal: paths.journal(),
            profile: paths.profile.clone(),
            logs: logging::folder(&settings.log, paths),
            certificate: super::doctor::certificate_file(settings, paths),
        }
    }

    /// Looks, on a thread that may wait for a disk.
    pub(super) fn look(&self) {
        let here = self.clone();
        tokio::task::spawn_blocking(move || here.measure());
    }

    fn measure(&self) {
        let all = metrics();
        let size = std::fs::metadata(&self.journal).map_or(0, |about| about.len());
        all.journal.0.set(whole(size));
        for (name, folder) in [("profile", &self.profile), ("log", &self.logs)] {
            if let Some((free, size)) = room(folder) {
                all.disk_free.of(name).set(free);
                all.disk_size.of(name).set(size);
            }
        }
        let ends = self.certificate.as_deref().and_then(certificate_ends);
        all.certificate
            .set(ends.map_or(0, |ends| ends.0.div_euclid(1_000_000_000)));
        logging::tell_lost();
    }
}

/// Bytes of a folder's disk: what this user may still write, and all.
fn room(folder: &Path) -> Option<(i64, i64)> {
    let about = rustix::fs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| whole(blocks.saturating_mul(about.f_frsize));
    Some((bytes(about.f_bavail), bytes(about.f_blocks)))
}

fn whole(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
