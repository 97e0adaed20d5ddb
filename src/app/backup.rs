//! `tradewind backup`: copies a profile while its engine runs. Each database is copied page by page as of one moment, the
//! journal before the exchange's books, so that a copy never knows of an order that its exchange does not; then each copy is
//! checked, and the sums of all files are written down. Archived files of the journal belong to a profile as well, and are in the
//! copy unless whoever asks has them already.

use super::doctor;
use super::paths::Paths;
use super::profile_files;
use crate::store::{ARCHIVE, JournalReader};
use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::Permissions;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file of sums, as `sha256sum --check` reads it.
const SUMS: &str = "SHA256SUMS";

/// What became of a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// The files in it.
    pub files: Vec<String>,
    /// Archived files that are not.
    pub left_out: Vec<String>,
}

/// Copies the profile into an empty or new folder, with its archived days or without them.
///
/// # Errors
/// There is no profile, the folder is not empty, or a file can't be read, written or is damaged.
pub fn backup(paths: &Paths, to: &Path, archived: bool) -> Result<Copied> {
    ensure!(
        paths.journal().exists(),
        "there is no profile in {}: nothing to copy",
        paths.profile.display()
    );
    if to.exists() {
        let mut entries =
            std::fs::read_dir(to).with_context(|| format!("can't look into {}", to.display()))?;
        ensure!(
            entries.next().is_none(),
            "{} is not empty: name a new folder",
            to.display()
        );
    } else {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(to);
        made.with_context(|| format!("can't make {}", to.display()))?;
    }
    close_to_others(to)?;
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    for file in in_order(paths)? {
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let copy = to.join(name);
        if file.extension().is_some_and(|end| end == "db") {
            database(&file, &copy).with_context(|| format!("can't copy {}", file.display()))?;
            let (_, said) = doctor::check_database(&copy, false)?;
            if said != "ok" {
                bail!("the copy of {name} is damaged: {said}; see 'tradewind doctor --deep'");
            }
            if file == paths.journal() {
                let names = days(&file, to, archived)?;
                let reader = JournalReader::open(&copy)?;
                let report = match archived {
                    true => reader.verify()?,
                    false => reader.verify_own()?,
                };
                if let Some((event, fault)) = report.fault {
                    let of = report.file.strip_prefix(to).unwrap_or(&report.file);
                    bail!(
                        "the copy of {} is damaged: event {event} {}; an older backup is the better one",
                        of.display(),
                        fault.word()
                    );
                }
                match archived {
                    true => files.extend(names),
                    false => left_out = names,
                }
            }
        } else {
            std::fs::copy(&file, &copy).with_context(|| format!("can't copy {}", file.display()))?;
        }
        std::fs::set_permissions(&copy, Permissions::from_mode(0o600))?;
        files.push(name.to_owned());
    }
    let mut sums = String::new();
    for name in &files {
        let _ = writeln!(sums, "{}  {name}", sum(&to.join(name))?);
    }
    let file = to.join(SUMS);
    std::fs::write(&file, sums)?;
    std::fs::set_permissions(&file, Permissions::from_mode(0o600))?;
    Ok(Copied { files, left_out })
}

/// The archived files that the journal goes on from, by their names in a profile; copied where that is wanted. They never change,
/// so that a plain copy is one as of any moment.
fn days(journal: &Path, to: &Path, copied: bool) -> Result<Vec<String>> {
    let folder = to.join(ARCHIVE);
    let mut names = Vec::new();
    let older = match JournalReader::open(journal)?.archived() {
        Err(_) if !copied => return Ok(vec![format!("{ARCHIVE}/")]),
        older => older.context("archived days can't be copied (--without-archive leaves them out)")?,
    };
    for file in older.into_iter().map(|older| older.file) {
        let Some(name) = file.file_name() else { continue };
        if copied {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)?;
            std::fs::copy(&file, folder.join(name))
                .with_context(|| format!("can't copy {}", file.display()))?;
        }
        names.push(format!("{ARCHIVE}/{}", name.to_string_lossy()));
    }
    Ok(names)
}

/// The files of the profile: the journal first, then everything that follows from it.
fn in_order(paths: &Paths) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(&paths.profile)
        .with_context(|| format!("can't look into {}", paths.profile.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_none_or(|name| profile_files::left_out(name).is_none())
        })
        .collect();
    files.sort_by_key(|path| (*path != paths.journal(), path.clone()));
    Ok(files)
}

/// A folder that was there may be open to others; what comes into it is theirs in no moment.
fn close_to_others(folder: &Path) -> Result<()> {
    let mode = std::fs::metadata(folder)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    std::fs::set_permissions(folder, Permissions::from_mode(0o700)).with_context(|| {
        format!(
            "{} is open to other users and can't be closed: name a folder of your own",
            folder.display()
        )
    })
}

fn database(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    source.busy_timeout(Duration::from_secs(10))?;
    let mut target = Connection::open(to)?;
    // All pages in one step: a step at a time begins again with every change of a busy engine.
    rusqlite::backup::Backup::new(&source, &mut target)?.run_to_completion(i32::MAX, Duration::ZERO, None)?;
    // One file without companions, so that its sum covers all of it: with a log beside it whoever only looks makes two more. An engine
    // that opens the copy sets its own mode again.
    target.pragma_update(None, "journal_mode", "DELETE")
}

fn sum(file: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let mut reader = std::fs::File::open(file)?;
    let mut block = vec![0; 1 << 16];
    loop {
        let count = std::io::Read::read(&mut reader, &mut block)?;
        if count == 0 {
            break;
        }
        hash.update(&block[..count]);
    }
    Ok(hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
