//! The journal's file closed into the archive and the next begun: one chain and one numbering over the border, older days read
//! as before, one journal in place whenever the process dies, and every archived file that is changed, cut, exchanged or gone
//! named.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what only they use"
)]

use super::harness::{Home, block_on, undecided, until};
use super::store::facts::{NOW, events};
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tradewind::engine::{SessionKind, State};
use tradewind::store::{
    Archived, Journal, JournalReader, JournalSettings, SnapshotFile, Stamp, Step, StoreError, Wanted,
    archive, archive_up_to, recover,
};
use tradewind::wire::{Query, Reply};

const SETTINGS: JournalSettings = JournalSettings {
    max_bytes: 64 << 20,
    reserve_bytes: 4_096,
};

/// Events in the first file.
const FIRST: u64 = 240;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn open(path: &Path) -> Result<Journal, StoreError> {
    Journal::open(path, SETTINGS, NOW).map(|(journal, _)| journal)
}

/// Adds events up to a number, as an engine does.
fn goes_on(path: &Path, until: u64) {
    let mut journal = open(path).unwrap();
    let from = journal.last() + 1;
    for batch in events(from, until + 1 - from).chunks(3) {
        journal.append(batch, Stamp::default()).unwrap();
    }
}

fn close(path: &Path) -> Archived {
    archive(path, SETTINGS, NOW).unwrap()
}

/// The state after so many events, folded from nothing.
fn folded(count: u64) -> State {
    let mut state = State::default();
    events(1, count).iter().for_each(|event| state.apply(event));
    state
}

/// What the journal in place brings back, with its snapshot and without.
fn starts_as(path: &Path, count: u64) {
    let expected = folded(count);
    let journal = open(path).unwrap();
    assert_eq!(journal.last(), count);
    assert_eq!(recover(&journal).unwrap().state, expected);
    let snapshot = SnapshotFile::beside(path);
    let kept = std::fs::read(snapshot.path()).ok();
    let _ = std::fs::remove_file(snapshot.path());
    assert_eq!(recover(&journal).unwrap().state, expected, "without the snapshot");
    if let Some(kept) = kept {
        std::fs::write(snapshot.path(), kept).unwrap();
    }
}

/// Every event is there and the chain holds over all files.
fn is_whole(path: &Path, count: u64) {
    let reader = JournalReader::open(path).unwrap();
    let report = reader.verify().unwrap();
    assert_eq!((report.events, report.fault), (count, None));
    assert_eq!(reader.read_range(1, u32::MAX).unwrap(), events(1, count));
}

/// A journal of three files, the first two archived, and those.
fn three_files() -> (tempfile::TempDir, PathBuf, [Archived; 2]) {
    let folder = folder();
    let path = folder.path().join("journal.db");
    goes_on(&path, FIRST);
    let first = close(&path);
    goes_on(&path, FIRST + 60);
    let second = close(&path);
    goes_on(&path, FIRST + 90);
    (folder, path, [first, second])
}

#[test]
fn numbering_chain_and_state_go_on_over_the_border() {
    let (_folder, path, [first, second]) = three_files();
    assert_eq!((first.first, first.last), (1, FIRST));
    assert_eq!((second.first, second.last), (FIRST + 1, FIRST + 60));
    let name = first.file.file_name().unwrap().to_str().unwrap();
    assert_eq!(name, "journal-000000000001-000000000240-2023-11-14-2023-11-14.db");
    for archived in [&first, &second] {
        let mode = std::fs::metadata(&archived.file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o400);
    }
    starts_as(&path, FIRST + 90);
    is_whole(&path, FIRST + 90);
    let reader = JournalReader::open(&path).unwrap();
    assert_eq!(reader.read_range(FIRST - 1, 4).unwrap(), events(FIRST - 1, 4));
    assert_eq!(reader.read_range(FIRST + 1, 2).unwrap(), events(FIRST + 1, 2));
    let files: Vec<PathBuf> = reader
        .archived()
        .unwrap()
        .into_iter()
        .map(|older| older.file)
        .collect();
    assert_eq!(files, [first.file, second.file]);
    // Whoever has the file open would hold its log open too: the next file has to wait for the reader.
    drop(reader);
    // The rule of every file: nothing of it is ever changed, its beginning and its description neither.
    let outside = Connection::open(&path).unwrap();
    for change in [
        "DELETE FROM journal WHERE sequence = 301",
        "UPDATE journal SET at_ns = 1 WHERE sequence = 301",
        "UPDATE base SET snapshot = x'00'",
        "DELETE FROM base",
        "UPDATE meta SET value = '1' WHERE key = 'follows_sequence'",
        "DELETE FROM meta WHERE key = 'follows_sequence'",
        "DELETE FROM head",
    ] {
        assert!(outside.execute(change, []).is_err(), "{change}");
    }
    drop(outside);
    // A file without events of its own is not archived: there would be nothing in it.
    let last = close(&path);
    assert_eq!(last.last, FIRST + 90);
    let error = archive(&path, SETTINGS, NOW).unwrap_err();
    assert!(error.to_string().contains("nothing to archive"), "{error}");
    starts_as(&path, FIRST + 90);
    is_whole(&path, FIRST + 90);
}

#[test]
fn dead_after_any_step_the_old_file_or_the_next_one_is_in_place_and_never_both() {
    for step in [
        Step::Closed,
        Step::Begun,
        Step::Named,
        Step::Replaced,
        Step::Sealed,
    ] {
        let folder = folder();
        let path = folder.path().join("journal.db");
        goes_on(&path, FIRST);
        let archived = archive_up_to(&path, SETTINGS, NOW, step).unwrap();
        // Whoever only reads finds everything at once.
        is_whole(&path, FIRST);
        starts_as(&path, FIRST);
        let is_archived = step >= Step::Replaced;
        assert_eq!(archived.file.exists(), is_archived, "{step:?}");
        let next = folder.path().join("journal.db-next");
        assert!(!next.exists(), "{step:?}: the next file was left lying");
        if is_archived {
            let mode = std::fs::metadata(&archived.file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o400, "{step:?}");
        }
        goes_on(&path, FIRST + 30);
        starts_as(&path, FIRST + 30);
        is_whole(&path, FIRST + 30);
        // And it can be archived, whatever died before.
        let again = close(&path);
        assert_eq!(again.first, if is_archived { FIRST + 1 } else { 1 }, "{step:?}");
        goes_on(&path, FIRST + 36);
        is_whole(&path, FIRST + 36);
    }
}

/// What the check of everything says, as an error or as a report: the file's name has to be in it.
fn found(path: &Path, what: &str) -> String {
    let checked = JournalReader::open(path).and_then(|reader| reader.verify()?.whole());
    checked.expect_err(what).to_string()
}

fn write(file: &Path, bytes: &[u8]) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn an_archived_file_that_is_changed_cut_exchanged_or_gone_is_named_and_the_engine_still_starts() {
    let (_folder, path, [first, second]) = three_files();
    let name = |archived: &Archived| archived.file.file_name().unwrap().to_string_lossy().into_owned();
    let whole = std::fs::read(&first.file).unwrap();
    let other = std::fs::read(&second.file).unwrap();
    let changed = {
        let mut bytes = whole.clone();
        let text = b"SIM100001";
        // Wherever it stands: what is left over in a page is no record.
        let places = whole.windows(text.len()).enumerate();
        for (at, _) in places.filter(|(_, part)| *part == text) {
            bytes[at + 8] ^= 1;
        }
        bytes
    };
    let shorter = {
        // Whole in itself, and it ends earlier.
        let folder = folder();
        let path = folder.path().join("journal.db");
        std::fs::write(&path, &whole).unwrap();
        let outside = Connection::open(&path).unwrap();
        outside
            .execute_batch(
                "DROP TRIGGER journal_is_never_shortened; DROP TRIGGER head_only_moves_on;
                 DELETE FROM journal WHERE sequence > 200;
                 UPDATE head SET sequence = 200, hash = (SELECT hash FROM journal WHERE sequence = 200)",
            )
            .unwrap();
        drop(outside);
        std::fs::read(path).unwrap()
    };
    for (what, bytes) in [
        ("a letter changed", changed.as_slice()),
        ("its end cut off", &whole[..whole.len() / 2]),
        ("its last events taken out", &shorter),
        ("another file in its place", &other),
        ("emptied", b""),
    ] {
        write(&first.file, bytes);
        let said = found(&path, what);
        assert!(said.contains(&name(&first)), "{what}: {said}");
        starts_as(&path, FIRST + 90);
    }
    write(&first.file, &whole);
    is_whole(&path, FIRST + 90);
    // Gone, as where somebody moved it to another disk: named, and back by a link to where it is.
    for archived in [&first, &second] {
        let away = path.with_file_name("away.db");
        std::fs::rename(&archived.file, &away).unwrap();
        let said = found(&path, "gone");
        assert!(
            said.contains(&name(archived)) && said.contains("not there"),
            "{said}"
        );
        starts_as(&path, FIRST + 90);
        let reader = JournalReader::open(&path).unwrap();
        assert_eq!(reader.read_range(FIRST + 61, 9).unwrap(), events(FIRST + 61, 9));
        let error = reader.read_range(1, 9).unwrap_err();
        assert!(matches!(error, StoreError::Elsewhere { .. }), "{error}");
        std::os::unix::fs::symlink(&away, &archived.file).unwrap();
        is_whole(&path, FIRST + 90);
        std::fs::remove_file(&archived.file).unwrap();
        std::fs::rename(&away, &archived.file).unwrap();
    }
    is_whole(&path, FIRST + 90);
}

/// A program that folds otherwise can't use the state in the file: it folds everything anew, through the archive.
#[test]
fn another_fold_begins_from_the_archived_files_and_says_so_where_they_are_gone() {
    let (_folder, path, [first, _]) = three_files();
    std::fs::remove_file(SnapshotFile::beside(&path).path()).unwrap();
    let outside = Connection::open(&path).unwrap();
    let mut base: Vec<u8> = outside
        .query_row("SELECT snapshot FROM base", [], |row| row.get(0))
        .unwrap();
    // The header: mark, fold's version, event, hash; then the digest of it and of the state.
    base[11] ^= 1;
    let digest = Sha256::new()
        .chain_update(&base[..52])
        .chain_update(&base[84..])
        .finalize();
    base[52..84].copy_from_slice(&digest);
    outside
        .execute_batch("DROP TRIGGER base_is_never_changed")
        .unwrap();
    outside.execute("UPDATE base SET snapshot = ?1", [&base]).unwrap();
    drop(outside);
    let journal = open(&path).unwrap();
    let recovered = recover(&journal).unwrap();
    assert_eq!((recovered.snapshot, recovered.replayed), (0, FIRST + 90));
    assert_eq!(recovered.state, folded(FIRST + 90));
    drop(journal);
    std::fs::remove_file(&first.file).unwrap();
    let error = recover(&open(&path).unwrap()).unwrap_err();
    assert!(matches!(error, StoreError::Elsewhere { .. }), "{error}");
}

// --- the real program -----------------------------------------------------------------------------------------------

/// How many orders and executions the journal lists, and the oldest order's symbol.
fn listed(home: &Home) -> (usize, usize) {
    block_on(async {
        let mut shell = home.attach(SessionKind::Shell).await;
        let orders = Query::Orders {
            account: None,
            instrument: None,
            before: None,
            count: 100,
        };
        let executions = Query::Executions {
            account: None,
            instrument: None,
            before: None,
            count: 100,
        };
        let (Reply::Orders(orders), Reply::Executions(executions)) = (
            shell.query(orders).await.unwrap(),
            shell.query(executions).await.unwrap(),
        ) else {
            panic!("no pages");
        };
        (orders.orders.len(), executions.executions.len())
    })
}

#[test]
fn the_program_archives_with_the_engine_stopped_and_shows_older_days_as_before() {
    let home = Home::new();
    let mut engine = home.serve(&[]);
    home.order("buy 10 AAPL mkt");
    home.json(&[
        "order",
        "buy 3 MSFT @1 gtc",
        "--yes",
        "--client-order-id",
        "old-1",
    ]);
    until("a fill", || {
        let held = home.standing().1;
        held.contains(&("AAPL".into(), "10".into())).then_some(())
    });
    let (standing, pages) = (home.standing(), listed(&home));
    home.run(&["archive"])
        .refused(1, &["an engine runs", "tradewind stop", "tradewind archive"]);
    // Killed: the log is still to be moved into the file.
    engine.kill();
    let archived = home.json(&["archive"]);
    assert_eq!(archived["first"], 1);
    let name = Path::new(archived["file"].as_str().unwrap())
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let engine = home.serve(&[]);
    assert_eq!(home.standing(), standing);
    assert_eq!(listed(&home), pages);
    home.agrees_with_the_exchange();
    // An id from archived days is known for as long as the state knows it.
    let again = home.json(&[
        "order",
        "buy 3 MSFT @1 gtc",
        "--yes",
        "--client-order-id",
        "old-1",
    ]);
    assert_eq!(home.standing(), standing, "{again}");
    let first = home.done(&["log", "--from", "1", "--count", "1"]);
    assert!(!first.trim().is_empty());
    home.order("buy 1 AAPL mkt");
    let (orders, executions) = until("a trade of today beside the archived ones", || {
        Some(listed(&home)).filter(|now| now.1 > pages.1)
    });
    assert_eq!(orders, pages.0 + 1);
    // A copy has both, and says what it has not.
    assert_eq!(undecided(&home.file("")), Vec::<String>::new());
    let copy = home.folder().join("copy");
    home.done(&["backup", copy.to_str().unwrap()]);
    let report = JournalReader::open(&copy.join("journal.db")).unwrap().verify();
    assert_eq!(report.unwrap().fault, None);
    let sums = std::fs::read_to_string(copy.join("SHA256SUMS")).unwrap();
    assert!(sums.contains(&format!("archive/{name}")), "{sums}");
    let light = home.folder().join("light");
    let ran = home.run(&["backup", light.to_str().unwrap(), "--without-archive"]);
    assert!(ran.code == Some(0) && ran.err.contains(&name), "{ran:?}");
    assert!(!light.join("archive").exists());
    home.done(&["stop"]);
    drop(engine);
    let doctor = home.run(&["doctor", "--deep"]);
    assert!(
        doctor.out.contains("1 archived files hold events 1 to") && doctor.out.contains(&name),
        "{doctor:?}"
    );
    // Gone: named, and what is left is listed.
    let file = home.file("archive").join(&name);
    std::fs::rename(&file, home.folder().join("elsewhere.db")).unwrap();
    let doctor = home.run(&["doctor"]);
    assert!(doctor.out.contains(&name) && doctor.code == Some(1), "{doctor:?}");
    let reader = JournalReader::open(&home.file("journal.db")).unwrap();
    let wanted = |before| Wanted {
        account: None,
        instrument: None,
        before,
        count: 100,
    };
    let page = reader.executions_page(wanted(None)).unwrap();
    assert_eq!(page.executions.len(), executions - pages.1);
    assert_eq!(reader.orders_page(wanted(None)).unwrap().orders.len(), 1);
    let error = reader.executions_page(wanted(page.next)).unwrap_err();
    assert!(
        page.next.is_some() && error.to_string().contains(&name),
        "{error}"
    );
}
