//! Rows F35 to F40 of the fault matrix: what a disk, another process or a person does to the journal. Whatever it is, the
//! engine refuses to start in words, or holds exactly the state that it held; nothing is deleted, and what takes risk away
//! still leaves. `TRADEWIND_FLIPS=n` flips so many bytes, `TRADEWIND_FLIPS_SEED` begins elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use super::harness::{Home, Ran, block_on, until};
use super::store::facts::{NOW, events};
use rand_core::Rng;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::mpsc::channel;
use tradewind::domain::TradingState;
use tradewind::engine::{Command, Outcome, SessionKind, State};
use tradewind::store::{
    Journal, JournalReader, JournalSettings, SnapshotFile, Stamp, StoreError, Writer, recover,
};
use tradewind::wire::{Query, Reply};

const SETTINGS: JournalSettings = JournalSettings {
    max_bytes: 64 << 20,
    reserve_bytes: 4_096,
};
/// Bytes that an ordinary run flips.
const FLIPS: u64 = 200;
/// Events of the journal that they are flipped in.
const EVENTS: u64 = 300;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Files of a journal, by their names.
type Files = BTreeMap<&'static str, Vec<u8>>;

const NAMES: [&str; 4] = ["journal.db", "journal.db-wal", "journal.snapshot", "journal.head"];

/// A folder in memory where the machine has a place for that.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn read(folder: &Path) -> Files {
    let there = |name: &&'static str| Some((*name, std::fs::read(folder.join(name)).ok()?));
    // SQLite makes an empty log wherever it looks.
    let filled = |file: &(&str, Vec<u8>)| !file.1.is_empty();
    NAMES.iter().filter_map(there).filter(filled).collect()
}

fn put(folder: &Path, files: &Files) -> PathBuf {
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    folder.join("journal.db")
}

/// A journal as a killed engine leaves it, and its state: a part of it is in the snapshot, a part in the file, the rest in
/// the log.
fn left_behind() -> (Files, State) {
    let folder = folder();
    let path = folder.path().join("journal.db");
    let (mut journal, _) = Journal::open(&path, SETTINGS, NOW).unwrap();
    let mut state = State::default();
    for batch in events(1, EVENTS).chunks(3) {
        journal.append(batch, Stamp::default()).unwrap();
        batch.iter().for_each(|event| state.apply(event));
        match journal.last() {
            120 => SnapshotFile::beside(&path)
                .write(journal.reader(), &state)
                .unwrap(),
            210 => journal.checkpoint().unwrap(),
            _ => {}
        }
    }
    let files = read(folder.path());
    assert_eq!(files.len(), NAMES.len());
    (files, state)
}

fn start(path: &Path) -> Result<(State, String), StoreError> {
    let (journal, opened) = Journal::open(path, SETTINGS, NOW)?;
    Ok((recover(&journal)?.state, opened.prefix))
}

/// F38. Found at the start, found by the check of the older part that runs behind it, or of no meaning: never another state.
#[test]
fn f38_a_flipped_byte_anywhere_is_found_or_changes_nothing() {
    let (files, state) = left_behind();
    let whole = folder();
    let (same, prefix) = start(&put(whole.path(), &files)).unwrap();
    assert_eq!(same, state);
    let flips = setting("TRADEWIND_FLIPS").unwrap_or(FLIPS);
    let seed = setting("TRADEWIND_FLIPS_SEED").unwrap_or(1);
    let mut chance = rand_pcg::Pcg64::new(seed.into(), 38);
    let (mut refused, mut behind, mut harmless) = (0, 0, 0);
    for turn in 0..flips {
        // Half of them in the file, a quarter in the log, the rest in what lies beside.
        let name = NAMES[[0, 0, 1, 0, 0, 1, 2, 3][usize::try_from(turn % 8).unwrap()]];
        let at = usize::try_from(chance.next_u64()).unwrap() % files[name].len();
        let bit = u8::try_from(chance.next_u64() % 255 + 1).unwrap();
        let what = format!("seed {seed}: byte {at} of {name} xor {bit:#04x}");
        let mut flipped = files.clone();
        flipped.get_mut(name).unwrap()[at] ^= bit;
        let folder = folder();
        let path = put(folder.path(), &flipped);
        match start(&path) {
            Ok((found, its)) => {
                assert_eq!((found == state, &its), (true, &prefix), "{what}: another state");
                match is_whole(&path) {
                    true => harmless += 1,
                    false => behind += 1,
                }
            }
            Err(error) => {
                refused += 1;
                let said = error.to_string();
                let remedies = ["backup", "newer version again", "name another data directory"];
                let has_one = remedies.iter().any(|remedy| said.contains(remedy));
                assert!(has_one && said.contains("journal"), "{what}: {said}");
                let left = read(folder.path()) == flipped;
                assert!(left, "{what}: refused, and not left as it was");
            }
        }
    }
    println!(
        "{flips} flipped bytes: {refused} refused, {behind} found behind the start, {harmless} of no meaning"
    );
    // Many lie in pages that a newer one in the log stands for, and in old frames of it.
    assert!(refused * 10 > flips, "only {refused} of {flips} were refused");
}

/// What the check behind a start looks at.
fn is_whole(path: &Path) -> bool {
    let chain = || -> Result<bool, StoreError> {
        let reader = JournalReader::open(path)?;
        let report = reader.verify_after(0, reader.begins().1, u32::MAX)?;
        Ok(report.fault.is_none() && report.events == EVENTS)
    };
    let pages = || -> rusqlite::Result<bool> {
        let file = Connection::open(path)?;
        file.query_row("PRAGMA quick_check(1)", [], |row| {
            Ok(row.get::<_, String>(0)? == "ok")
        })
    };
    chain().unwrap_or(false) && pages().unwrap_or(false)
}

/// F39. Each leaves a file that is whole in itself and shorter than what was written.
#[test]
fn f39_a_lost_log_an_older_copy_and_an_emptied_file_are_refused_and_left_alone() {
    let (files, state) = left_behind();
    let without = |name| {
        let mut files = files.clone();
        files.remove(name);
        files
    };
    let with = |name, bytes: &[u8]| {
        let mut files = files.clone();
        files.insert(name, bytes.to_vec());
        files
    };
    let log = &files["journal.db-wal"];
    let older = {
        let folder = folder();
        let path = folder.path().join("journal.db");
        let (mut journal, _) = Journal::open(&path, SETTINGS, NOW).unwrap();
        journal.append(&events(1, 150), Stamp::default()).unwrap();
        drop(journal);
        std::fs::read(path).unwrap()
    };
    let mut copied = without("journal.db-wal");
    copied.insert("journal.db", older);
    let cases = [
        ("its log deleted", without("journal.db-wal")),
        ("its log emptied", with("journal.db-wal", b"")),
        ("its log cut", with("journal.db-wal", &log[..log.len() / 4])),
        ("its log's header damaged", {
            let mut log = log.clone();
            log[5] ^= 1;
            with("journal.db-wal", &log)
        }),
        ("the file deleted", without("journal.db")),
        ("the file emptied", with("journal.db", b"")),
        ("an older copy in its place", copied),
    ];
    for (what, mut damaged) in cases {
        // The snapshot would find some of them too: this is about the note.
        damaged.remove("journal.snapshot");
        let folder = folder();
        let path = put(folder.path(), &damaged);
        let error = start(&path).expect_err(what);
        assert!(
            matches!(error, StoreError::Shorter { sequence: EVENTS, .. }),
            "{what}: {error}"
        );
        let said = error.to_string();
        assert!(said.contains("journal.head") && said.contains("backup"), "{said}");
        damaged.retain(|_, bytes| !bytes.is_empty());
        assert!(
            read(folder.path()) == damaged,
            "{what}: it was not left as it was"
        );
        // What was there, put back.
        let path = put(folder.path(), &files);
        let _ = std::fs::remove_file(folder.path().join("journal.db-shm"));
        assert_eq!(start(&path).unwrap().0, state, "{what}");
    }
    // A person who knows says so, and goes on from what there is.
    let mut known = without("journal.db-wal");
    known.remove("journal.head");
    known.remove("journal.snapshot");
    let folder = folder();
    let (kept, _) = start(&put(folder.path(), &known)).unwrap();
    assert!(kept.sequence < EVENTS);
}

/// F39. Copied by `cp` while it is written, file and log at different moments: whole batches, or refused.
#[test]
fn f39_a_copy_of_a_journal_in_use_gives_whole_batches_or_is_refused() {
    let source = folder();
    let path = source.path().join("journal.db");
    let (mut journal, _) = Journal::open(&path, SETTINGS, NOW).unwrap();
    let all = events(1, 240);
    let (mut kept, mut refused) = (0, 0);
    let mut copies = Vec::new();
    for (turn, batch) in all.chunks(3).enumerate() {
        copies.push(std::fs::read(&path).unwrap());
        let before = copies[turn.saturating_sub(7)].clone();
        journal.append(batch, Stamp::default()).unwrap();
        if turn % 11 == 10 {
            journal.checkpoint().unwrap();
        }
        let log = std::fs::read(path.with_extension("db-wal")).unwrap();
        let copy = folder();
        let files = Files::from([("journal.db", before), ("journal.db-wal", log)]);
        match start(&put(copy.path(), &files)) {
            Ok((state, _)) => {
                assert!(state.sequence.is_multiple_of(3));
                let mut expected = State::default();
                let known = usize::try_from(state.sequence).unwrap();
                all[..known].iter().for_each(|event| expected.apply(event));
                assert_eq!(state, expected);
                kept += 1;
            }
            Err(_) => refused += 1,
        }
    }
    println!("{kept} copies were whole, {refused} were refused");
    assert!(kept > 0);
}

/// F40. The lock of the run folder keeps a second engine away; where even that failed, the journal takes one story only.
#[test]
fn f40_of_two_writers_one_is_refused_and_the_chain_holds() {
    let folder = folder();
    let path = folder.path().join("journal.db");
    let (mut first, _) = Journal::open(&path, SETTINGS, NOW).unwrap();
    first.append(&events(1, 3), Stamp::default()).unwrap();
    let (mut second, _) = Journal::open(&path, SETTINGS, NOW).unwrap();
    first.append(&events(4, 3), Stamp::default()).unwrap();
    let error = second.append(&events(4, 3), Stamp::default()).unwrap_err();
    assert!(error.to_string().contains("another engine"), "{error}");
    first.append(&events(7, 3), Stamp::default()).unwrap();
    assert!(second.append(&events(4, 6), Stamp::default()).is_err());
    assert_eq!((first.verify().unwrap().fault, first.last()), (None, 9));
}

/// A file system of its own, as small as it is told, and gone with this.
struct Small(tempfile::TempDir);

impl Small {
    /// Nothing where this machine does not let us.
    fn mounted(bytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={bytes}");
        let mut mount = Process::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path());
        let mounted = mount.output().is_ok_and(|ran| ran.status.success());
        mounted.then_some(Self(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Process::new("umount").arg(self.0.path()).output();
    }
}

/// F35. A disk that is really full, not a limit of ours: the reserve gives room for what must be recorded.
#[test]
fn f35_a_full_disk_opens_the_reserve_and_loses_nothing() {
    let Some(small) = Small::mounted(4 << 20) else {
        println!(
            "skipped: no file system can be mounted here; a limit of the journal's own size is tried all the same"
        );
        return;
    };
    let path = small.0.path().join("journal.db");
    let settings = JournalSettings {
        max_bytes: 64 << 20,
        reserve_bytes: 512 << 10,
    };
    let (journal, opened) = Journal::open(&path, settings, NOW).unwrap();
    assert!(opened.has_reserve);
    let writer = Writer::start(journal).unwrap();
    let (sender, answers) = channel();
    let (mut last, mut on_reserve) = (0, 0);
    let failure = loop {
        let sender = sender.clone();
        writer
            .submit(events(last + 1, 3), Stamp::default(), move |result, _| {
                sender.send(result).unwrap();
            })
            .unwrap();
        match answers.recv().unwrap() {
            Ok(committed) => {
                last = committed.last;
                on_reserve += u64::from(committed.on_reserve);
            }
            Err(error) => break error,
        }
    };
    assert!(failure.is_full(), "{failure}");
    assert!(
        on_reserve > 10,
        "only {on_reserve} batches found room in the reserve"
    );
    drop(writer);
    // Somebody makes room: everything that was answered is there.
    let resized = Process::new("mount")
        .args(["-o", "remount,size=16m"])
        .arg(small.0.path())
        .output();
    assert!(resized.unwrap().status.success());
    let (journal, _) = Journal::open(&path, settings, NOW).unwrap();
    assert_eq!(journal.read_range(1, u32::MAX).unwrap(), events(1, last));
    assert_eq!(journal.verify().unwrap().fault, None);
    drop(journal);
}

// --- the real program -----------------------------------------------------------------------------------------------

fn is_halted(home: &Home) -> bool {
    home.json(&["status"])["trading"][0]["state"] == "halted"
}

/// F36. Another process holds the database's lock: what is not durable does not leave, what takes risk away does.
#[test]
fn f36_while_another_process_holds_the_lock_no_order_leaves_and_cancels_do() {
    let home = Home::new();
    let _engine = home.serve(&[]);
    home.order("buy 10 AAPL mkt");
    home.order("buy 3 MSFT @1 gtc");
    let ask = |sentence| home.command(&["order", sentence, "--yes"]).spawn().unwrap();
    let outside = Connection::open(home.file("journal.db")).unwrap();
    until("the lock", || outside.execute_batch("BEGIN IMMEDIATE").ok());
    let buy = ask("buy 1 AAPL mkt");
    let cancel = ask("x MSFT");
    until("the cancel in the exchange's books", || {
        let orders = home.books().orders;
        orders.iter().any(|order| order.1 == "cancelled").then_some(())
    });
    until("the halt", || is_halted(&home).then_some(()));
    assert_eq!(
        home.books().orders.len(),
        2,
        "an order left whose intent is not durable"
    );
    outside.execute_batch("ROLLBACK").unwrap();
    assert!(Ran::from(cancel.wait_with_output().unwrap()).code == Some(0));
    drop(buy.wait_with_output().unwrap());
    assert_eq!(
        home.books().orders.len(),
        2,
        "what waited was overtaken by the halt"
    );
    assert!(is_halted(&home));
    home.agrees_with_the_exchange();
    block_on(async {
        let mut shell = home.attach(SessionKind::Shell).await;
        let Reply::State(told) = shell.query(Query::State).await.unwrap() else {
            panic!("no state");
        };
        for account in told.state.accounts.keys() {
            let command = Command::SetTrading {
                account: *account,
                state: TradingState::Active,
                reason: "the lock is gone".into(),
            };
            assert!(matches!(
                shell.command(command).await.unwrap(),
                Outcome::Done { .. }
            ));
        }
    });
    home.order("buy 2 AAPL mkt");
    home.agrees_with_the_exchange();
}

/// F38, F39 and F36 at a start, with the real program: refused or halted, and never deleted.
#[test]
fn f38_f39_a_damaged_or_shortened_journal_is_refused_or_halts_and_is_never_deleted() {
    let home = Home::new();
    let mut engine = home.serve(&[]);
    let order = home.order("buy 10 AAPL mkt");
    home.order("buy 3 MSFT @1 gtc");
    let before = home.standing();
    engine.kill();
    // The log goes, as where somebody copies or tidies up by hand.
    let (file, log) = (home.file("journal.db"), home.file("journal.db-wal"));
    let kept = [std::fs::read(&file).unwrap(), std::fs::read(&log).unwrap()];
    std::fs::remove_file(&log).unwrap();
    home.run(&["serve"])
        .refused(1, &["journal.db", "-wal", "journal.head", "backup"]);
    assert_eq!(std::fs::read(&file).unwrap(), kept[0]);
    std::fs::write(&log, &kept[1]).unwrap();
    let mut engine = home.serve(&[]);
    assert_eq!(home.standing(), before);
    home.done(&["stop"]);
    assert_eq!(engine.ended(), Some(0));

    // A byte in a record that the snapshot stands for: found behind the start.
    let id = order["client_order_id"].as_str().unwrap();
    let whole = std::fs::read(&file).unwrap();
    let damaged = flipped_within(&whole, id);
    std::fs::write(&file, &damaged).unwrap();
    let mut engine = home.serve(&[]);
    until("the halt", || is_halted(&home).then_some(()));
    assert_eq!(home.standing().1, before.1, "the state is the snapshot's");
    home.run(&["order", "buy 1 AAPL mkt", "--yes"])
        .refused(1, &["HALT"]);
    let copy = home.folder().join("copy");
    let copied = home.run(&["backup", copy.to_str().unwrap()]);
    assert!(
        copied.code == Some(1) && copied.err.contains("was changed"),
        "{copied:?}"
    );
    let deep = home.run(&["doctor", "--deep"]);
    assert!(deep.out.contains("was changed"), "{deep:?}");
    home.done(&["stop"]);
    assert_eq!(engine.ended(), Some(0));

    // Without the snapshot the record counts: no start.
    std::fs::remove_file(home.file("journal.snapshot")).unwrap();
    let damaged = std::fs::read(&file).unwrap();
    home.run(&["serve"])
        .refused(1, &["journal.db", "was changed", "backup"]);
    assert_eq!(std::fs::read(&file).unwrap(), damaged);
    // Nor while another process holds the lock; then it is as it was.
    std::fs::write(&file, flipped_within(&damaged, id)).unwrap();
    let outside = Connection::open(&file).unwrap();
    outside
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
        .unwrap();
    home.run(&["serve"]).refused(1, &["journal.db", "locked"]);
    outside.execute_batch("ROLLBACK").unwrap();
    drop(outside);
    let _engine = home.serve(&[]);
    assert_eq!(home.standing().1, before.1);
    home.agrees_with_the_exchange();
}

/// One letter changed wherever a text stands; a second time, the same undone.
fn flipped_within(bytes: &[u8], text: &str) -> Vec<u8> {
    let mut other = text.as_bytes().to_vec();
    other[4] ^= 1;
    let mut changed = bytes.to_vec();
    for at in 0..bytes.len().saturating_sub(other.len()) {
        let part = &bytes[at..at + other.len()];
        if part == text.as_bytes() || part == other {
            changed[at + 4] ^= 1;
        }
    }
    assert_ne!(changed, bytes, "{text} is nowhere");
    changed
}
