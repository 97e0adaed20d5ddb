//! What is stored must come back: frozen formats, a chain that shows every change, a journal that fills up in order, torn
//! files, and a start from a snapshot that ends where a start from nothing does. The protocol's document is held to the
//! code here too, because it describes the same formats. `TRADEWIND_BLESS=1` writes golden files and examples anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may stop"
)]

#[path = "golden/facts.rs"]
pub mod facts;
#[path = "golden/protocol.rs"]
mod protocol;

use facts::{NOW, additions, events, facts};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use tradewind::domain::{InstrumentKind, Money};
use tradewind::engine::{Event, Fact, State};
use tradewind::store::{
    Fault, Journal, JournalReader, JournalSettings, Opened, SnapshotFile, Stamp, StoreError, Writer, format,
    recover,
};

const ROOMY: JournalSettings = JournalSettings {
    max_bytes: 64 << 20,
    reserve_bytes: 1 << 20,
};

fn bless() -> bool {
    std::env::var_os("TRADEWIND_BLESS").is_some_and(|value| value == "1")
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn open(path: &Path) -> Result<(Journal, Opened), StoreError> {
    Journal::open(path, ROOMY, NOW)
}

/// A journal of `count` events in a folder of its own, three to a transaction.
fn journal(count: u64) -> (tempfile::TempDir, PathBuf, Journal) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (mut journal, _) = open(&path).unwrap();
    for batch in events(1, count).chunks(3) {
        journal.append(batch, Stamp::default()).unwrap();
    }
    (folder, path, journal)
}

fn read_all(journal: &Journal) -> Vec<Event> {
    journal.read_range(1, u32::MAX).unwrap()
}

// --- formats ------------------------------------------------------------------------------------------------------

#[test]
fn stored_formats_are_frozen() {
    let folder = here("tests/suite/golden/v1");
    if bless() {
        for fact in facts()
            .into_iter()
            .filter(|fact| format::version_of(fact.kind()) == 1)
        {
            let stem = format!("{:02}_{}", fact.kind(), fact.word());
            let json = serde_json::to_string_pretty(&fact).unwrap() + "\n";
            std::fs::write(
                folder.join(format!("{stem}.msgpack")),
                format::encode(&fact).unwrap().body,
            )
            .unwrap();
            std::fs::write(folder.join(format!("{stem}.json")), json).unwrap();
        }
    }
    for (kind, word) in Fact::KINDS {
        let stem = format!("{kind:02}_{word}");
        let stored = std::fs::read(folder.join(format!("{stem}.msgpack")))
            .unwrap_or_else(|error| panic!("kind {stem} has no golden file ({error}); every kind needs one"));
        let readable = std::fs::read_to_string(folder.join(format!("{stem}.json"))).unwrap();
        let fact = format::decode(*kind, 1, &stored).unwrap_or_else(|error| panic!("{stem}: {error}"));
        let expected: Fact = serde_json::from_str(&readable).unwrap();
        assert_eq!(fact, expected, "{stem} means something else now");
        if format::version_of(*kind) == 1 {
            let again = format::encode(&fact).unwrap();
            assert_eq!((again.kind, again.version), (*kind, 1));
            assert_eq!(
                again.body, stored,
                "{stem} is written differently now: it needs a new version"
            );
        }
        for bad in [
            &stored[..stored.len() - 1],
            &[&stored[..], &[0xC0]].concat(),
            &[],
            &[0xC1],
        ] {
            assert!(
                format::decode(*kind, 1, bad).is_err(),
                "{stem} took a damaged body"
            );
        }
        assert!(format::decode(*kind, format::version_of(*kind) + 1, &stored).is_err());
    }
    assert!(format::decode(9999, 1, &[0x80]).is_err());
}

/// What came to a kind later is absent from its older files and keeps its own form from then on.
#[test]
fn what_came_later_is_frozen_too() {
    for (what, fact) in additions() {
        let stem = format!("{:02}_{}_{what}", fact.kind(), fact.word());
        let encoded = format::encode(&fact).unwrap();
        let version = encoded.version;
        let path = here(&format!("tests/suite/golden/v{version}")).join(format!("{stem}.msgpack"));
        if bless() {
            std::fs::write(&path, &encoded.body).unwrap();
            let json = serde_json::to_string_pretty(&fact).unwrap() + "\n";
            std::fs::write(path.with_extension("json"), json).unwrap();
        }
        let stored = std::fs::read(&path).unwrap_or_else(|error| panic!("{stem}: {error}"));
        let readable = std::fs::read_to_string(path.with_extension("json")).unwrap();
        let expected: Fact = serde_json::from_str(&readable).unwrap();
        assert_eq!(
            format::decode(fact.kind(), 1, &stored).unwrap(),
            expected,
            "{stem}"
        );
        assert_eq!((expected, encoded.body), (fact, stored), "{stem}");
    }
}

/// The second format of the limits: what it does not name was not there, and holds nobody back.
#[test]
fn limits_from_before_the_later_ones_mean_none_of_them() {
    let path = here("tests/suite/golden/v2/02_limits_set_option_limit.msgpack");
    let stored = std::fs::read(&path).unwrap();
    let readable = std::fs::read_to_string(path.with_extension("json")).unwrap();
    let expected: Fact = serde_json::from_str(&readable).unwrap();
    assert_eq!(format::decode(2, 2, &stored).unwrap(), expected);
    let third = here("tests/suite/golden/v3/02_limits_set_option_limit.msgpack");
    let readable = std::fs::read_to_string(third.with_extension("json")).unwrap();
    let third = format::decode(2, 3, &std::fs::read(&third).unwrap()).unwrap();
    assert_eq!(third, serde_json::from_str(&readable).unwrap());
    let Fact::LimitsSet { limits } = expected else {
        panic!("{expected:?}")
    };
    assert_eq!(limits.clone().without_later_ones(), limits);
    // The third: those of the account as a whole were there, those that came after were not.
    let path = here("tests/suite/golden/v3/02_limits_set_option_limit.msgpack");
    let readable = std::fs::read_to_string(path.with_extension("json")).unwrap();
    let expected: Fact = serde_json::from_str(&readable).unwrap();
    assert_eq!(
        format::decode(2, 3, &std::fs::read(&path).unwrap()).unwrap(),
        expected
    );
    // The fourth: all but round trips.
    let path = here("tests/suite/golden/v4/02_limits_set_option_limit.msgpack");
    let readable = std::fs::read_to_string(path.with_extension("json")).unwrap();
    let expected: Fact = serde_json::from_str(&readable).unwrap();
    let Fact::LimitsSet { limits } = &expected else {
        panic!("{expected:?}")
    };
    assert_eq!((limits.max_entries_5m, limits.max_round_trips_1m), (30, 0));
    assert_eq!(
        format::decode(2, 4, &std::fs::read(&path).unwrap()).unwrap(),
        expected
    );
    // The fifth: one collar held for all kinds of instruments, and nothing asked what an order costs.
    let path = here("tests/suite/golden/v5/02_limits_set_option_limit.msgpack");
    let readable = std::fs::read_to_string(path.with_extension("json")).unwrap();
    let expected: Fact = serde_json::from_str(&readable).unwrap();
    let Fact::LimitsSet { limits } = &expected else {
        panic!("{expected:?}")
    };
    let collars = [
        InstrumentKind::Future,
        InstrumentKind::Forex,
        InstrumentKind::Option,
    ];
    assert!(
        collars
            .iter()
            .all(|kind| limits.collar(*kind, false) == limits.collar_bps)
    );
    assert_eq!((limits.max_order_cost, limits.max_order_bps), (Money::ZERO, 0));
    assert_eq!(
        format::decode(2, 5, &std::fs::read(&path).unwrap()).unwrap(),
        expected
    );
    // The sixth: funds had the collar of shares, and nothing was asked of where, when and how old.
    let path = here("tests/suite/golden/v6/02_limits_set_option_limit.msgpack");
    let readable = std::fs::read_to_string(path.with_extension("json")).unwrap();
    let expected: Fact = serde_json::from_str(&readable).unwrap();
    let Fact::LimitsSet { limits } = &expected else {
        panic!("{expected:?}")
    };
    assert_eq!(limits.collar(InstrumentKind::Equity, true), limits.collar_bps);
    let none = (
        limits.max_volume_bps,
        limits.pause_before_halt_minutes,
        limits.max_price_age_seconds,
    );
    assert_eq!((none, limits.allow_otc), ((0, 0, 0), true));
    assert_eq!(
        format::decode(2, 6, &std::fs::read(&path).unwrap()).unwrap(),
        expected
    );
}

// --- the journal --------------------------------------------------------------------------------------------------

#[test]
fn what_is_stored_comes_back_and_nothing_else_is_taken() {
    let (_folder, path, mut journal) = journal(100);
    assert_eq!(read_all(&journal), events(1, 100));
    assert_eq!(journal.read_range(40, 5).unwrap(), events(40, 5));
    for wrong in [
        events(100, 1),
        events(102, 1),
        [events(101, 1), events(103, 1)].concat(),
    ] {
        let error = journal.append(&wrong, Stamp::default()).unwrap_err();
        assert!(matches!(error, StoreError::Sequence { .. }), "{error}");
    }
    assert_eq!(journal.last(), 100);
    let report = JournalReader::open(&path).unwrap().verify().unwrap();
    assert_eq!(
        (report.events, report.head, report.fault),
        (100, journal.head(), None)
    );
    drop(journal);
    let (journal, opened) = open(&path).unwrap();
    assert_eq!(
        (opened.events, opened.is_new, opened.created_at),
        (100, false, NOW)
    );
    assert!(opened.prefix.len() == 2 && opened.has_reserve);
    assert_eq!(read_all(&journal), events(1, 100));
    let outside = Connection::open(&path).unwrap();
    for sql in [
        "UPDATE journal SET at_ns = 0",
        "DELETE FROM journal",
        "UPDATE head SET sequence = 3",
        "DELETE FROM head",
    ] {
        assert!(outside.execute_batch(sql).is_err(), "{sql} was allowed");
    }
}

#[test]
fn every_change_from_outside_is_found_where_it_is() {
    let unlock = "DROP TRIGGER journal_is_never_changed; DROP TRIGGER journal_is_never_shortened; DROP TRIGGER head_only_moves_on;";
    let flip = "UPDATE journal SET body = CAST(substr(body, 1, 5) || x'FF' || substr(body, 7) AS BLOB) WHERE sequence = 17";
    let cut_with_head = "DELETE FROM journal WHERE sequence > 30; UPDATE head SET sequence = 30";
    for (sql, fault) in [
        (flip, (17, Fault::Changed)),
        (
            "UPDATE journal SET at_ns = at_ns + 1 WHERE sequence = 1",
            (1, Fault::Changed),
        ),
        (
            "UPDATE journal SET cause = NULL WHERE sequence = 20",
            (20, Fault::Changed),
        ),
        (
            "UPDATE journal SET actor = 'timer' WHERE sequence = 16",
            (16, Fault::Changed),
        ),
        (
            "UPDATE journal SET hash = zeroblob(32) WHERE sequence = 40",
            (40, Fault::Changed),
        ),
        ("DELETE FROM journal WHERE sequence = 12", (12, Fault::Missing)),
        ("DELETE FROM journal WHERE sequence < 4", (1, Fault::Missing)),
        ("DELETE FROM journal WHERE sequence > 30", (31, Fault::Cut)),
        (cut_with_head, (30, Fault::Changed)),
        ("DELETE FROM journal", (1, Fault::Cut)),
    ] {
        let (_folder, path, journal) = journal(40);
        drop(journal);
        let outside = Connection::open(&path).unwrap();
        outside.execute_batch(unlock).unwrap();
        outside.execute_batch(sql).unwrap();
        drop(outside);
        let report = JournalReader::open(&path).unwrap().verify().unwrap();
        assert_eq!(report.fault, Some(fault), "{sql}");
        let error = open(&path)
            .and_then(|(journal, _)| recover(&journal))
            .unwrap_err();
        assert!(matches!(error, StoreError::Chain { .. }), "{sql}: {error}");
        assert!(error.to_string().contains("journal.db") && error.to_string().contains("backup"));
    }
}

#[test]
fn a_full_journal_loses_nothing_and_the_reserve_still_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let small = JournalSettings {
        max_bytes: 128 << 10,
        reserve_bytes: 128 << 10,
    };
    let (mut journal, _) = Journal::open(&path, small, NOW).unwrap();
    let reserve = folder.path().join("journal.db.reserve");
    assert_eq!(std::fs::metadata(&reserve).unwrap().len(), 128 << 10);
    let error = loop {
        if let Err(error) = journal.append(&events(journal.last() + 1, 3), Stamp::default()) {
            break error;
        }
    };
    assert!(error.is_full(), "{error}");
    let last = journal.last();
    assert!(last > 30 && last % 3 == 0);
    assert_eq!(read_all(&journal), events(1, last));
    drop(journal);

    // The writer goes on in the reserve and says so, and the journal has no gap.
    let (journal, opened) = Journal::open(&path, small, NOW).unwrap();
    assert_eq!(opened.last, last);
    let writer = Writer::start(journal).unwrap();
    let (sender, answers) = channel();
    let mut next = last + 1;
    let failure = loop {
        let (sender, batch) = (sender.clone(), events(next, 3));
        writer
            .submit(batch, Stamp::default(), move |result, _| {
                sender.send(result).unwrap();
            })
            .unwrap();
        match answers.recv().unwrap() {
            Ok(committed) => assert!(committed.on_reserve && committed.last == next + 2),
            Err(error) => break error,
        }
        next += 3;
    };
    assert!(failure.is_full() && next > last + 1 && !reserve.exists());
    writer
        .submit(events(next, 3), Stamp::default(), move |result, _| {
            sender.send(result).unwrap();
        })
        .unwrap();
    assert!(
        answers.recv().unwrap().is_err(),
        "after a failure nothing may be taken for stored"
    );
    let journal = writer.stop().unwrap();
    assert_eq!(read_all(&journal), events(1, next - 1));
    drop(journal);

    // More room, as the error advises: it goes on.
    let (mut journal, opened) = open(&path).unwrap();
    assert!(opened.has_reserve);
    journal.append(&events(next, 3), Stamp::default()).unwrap();
    assert_eq!(journal.verify().unwrap().fault, None);
}

#[test]
fn the_writer_answers_in_order_and_keeps_everything() {
    let (_folder, _path, journal) = journal(0);
    let writer = Writer::start(journal).unwrap();
    let (sender, answers) = channel();
    for batch in events(1, 3000).chunks(3) {
        let sender = sender.clone();
        writer
            .submit(batch.to_vec(), Stamp::default(), move |result, events| {
                sender.send((result.unwrap(), events)).unwrap();
            })
            .unwrap();
    }
    let journal = writer.stop().unwrap();
    drop(sender);
    let told: Vec<_> = answers.iter().collect();
    assert_eq!(told.len(), 1000);
    assert!(
        told.iter()
            .zip(1..)
            .all(|((committed, _), n)| committed.last == n * 3 && !committed.on_reserve)
    );
    let back: Vec<Event> = told.into_iter().flat_map(|(_, events)| events).collect();
    assert_eq!(back, events(1, 3000));
    assert_eq!(read_all(&journal), back);
    assert_eq!(journal.verify().unwrap().fault, None);
}

/// What a power cut leaves: the write-ahead log ends anywhere, or holds a torn page. Whole batches come back, or a clear
/// error; never half a batch, never a panic.
#[test]
fn a_torn_write_ahead_log_gives_whole_batches() {
    let (folder, path, journal) = journal(60);
    let log = std::fs::read(path.with_extension("db-wal")).unwrap();
    let base = std::fs::read(&path).unwrap();
    drop(journal);
    let all = events(1, 60);
    let mut seen = std::collections::BTreeSet::new();
    for part in 0..=64 {
        for damage in [false, true] {
            let mut log = log.clone();
            let at = (log.len() * part / 64).min(log.len() - 1);
            if damage {
                log[at] ^= 0x55;
            } else {
                log.truncate(at);
            }
            let torn = folder.path().join(format!("torn{part}{damage}.db"));
            std::fs::write(&torn, &base).unwrap();
            std::fs::write(torn.with_extension("db-wal"), &log).unwrap();
            let (mut journal, opened) =
                open(&torn).unwrap_or_else(|error| panic!("{part} {damage}: {error}"));
            let kept = read_all(&journal);
            assert_eq!(kept, all[..kept.len()], "part {part}");
            assert!(kept.len().is_multiple_of(3) && opened.events == kept.len() as u64);
            assert_eq!(recover(&journal).unwrap().state.sequence, journal.last());
            journal
                .append(&events(journal.last() + 1, 3), Stamp::default())
                .unwrap();
            assert_eq!(journal.verify().unwrap().fault, None);
            seen.insert(kept.len());
        }
    }
    assert!(seen.len() > 10, "the cuts met only {seen:?}");
}

#[test]
fn files_that_are_not_ours_or_not_whole_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let result = open(&path).and_then(|(journal, _)| recover(&journal));
        let said = result.expect_err(name).to_string();
        assert!(said.contains(name) && said.len() > 60, "{said}");
        said
    };
    let noise: Vec<u8> = (0..20_000u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1])
        .collect();
    assert!(refused("noise.db", &noise).contains("not a journal"));
    refused(
        "text.db",
        b"dear journal, today I bought a hundred shares of AAPL and it went up",
    );

    let other = folder.path().join("other.db");
    Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE t(x)")
        .unwrap();
    let content = std::fs::read(&other).unwrap();
    assert!(refused("other.db", &content).contains("not a journal"));
    assert_eq!(
        std::fs::read(&other).unwrap(),
        content,
        "another program's file was changed"
    );

    let (_kept, path, journal) = journal(400);
    drop(journal);
    let whole = std::fs::read(&path).unwrap();
    for part in 1..16 {
        refused(&format!("short{part}.db"), &whole[..whole.len() * part / 16]);
    }
    // A flipped byte anywhere is found by the database, by the chain, or was in a place that means nothing.
    for part in 0..200 {
        let mut flipped = whole.clone();
        let at = (whole.len() - 1) * part / 200;
        flipped[at] ^= 0x20;
        let path = folder.path().join("flipped.db");
        std::fs::write(&path, &flipped).unwrap();
        if let Ok(recovered) = open(&path).and_then(|(journal, _)| recover(&journal)) {
            assert_eq!(
                recovered.state.sequence, 400,
                "a flip at byte {at} lost events in silence"
            );
        }
        for rest in ["db-wal", "db-shm"] {
            let _ = std::fs::remove_file(path.with_extension(rest));
        }
    }

    let outside = Connection::open(&path).unwrap();
    outside.execute_batch("PRAGMA user_version = 3").unwrap();
    drop(outside);
    let said = open(&path).unwrap_err().to_string();
    assert!(
        said.contains("newer program (schema 3, this one knows up to 2)"),
        "{said}"
    );
}

#[test]
fn an_event_of_a_newer_kind_is_refused_as_newer() {
    for (column, value) in [("kind", "900"), ("version", "2")] {
        let (_folder, path, journal) = journal(3);
        drop(journal);
        let outside = Connection::open(&path).unwrap();
        let sql = format!(
            "DROP TRIGGER journal_is_never_changed; UPDATE journal SET {column} = {value} WHERE sequence = 2"
        );
        outside.execute_batch(&sql).unwrap();
        let said = JournalReader::open(&path)
            .unwrap()
            .read_range(1, 9)
            .unwrap_err()
            .to_string();
        assert!(said.contains("newer program") && said.contains(value), "{said}");
    }
}

// --- snapshots ----------------------------------------------------------------------------------------------------

#[test]
fn a_start_from_a_snapshot_ends_where_a_start_from_nothing_does() {
    let (_folder, path, mut journal) = journal(90);
    let fresh = recover(&journal).unwrap();
    assert_eq!(
        (fresh.snapshot, fresh.replayed, fresh.note.clone()),
        (0, 90, None)
    );
    let mut live = State::default();
    events(1, 90).iter().for_each(|event| live.apply(event));
    assert_eq!(fresh.state.digest(), live.digest());

    let file = SnapshotFile::beside(&path);
    file.write(journal.reader(), &fresh.state).unwrap();
    journal.append(&events(91, 30), Stamp::default()).unwrap();
    let mut ahead = fresh.state;
    events(91, 31).iter().for_each(|event| ahead.apply(event));
    assert!(
        file.write(journal.reader(), &ahead).is_err(),
        "a snapshot of what is not durable"
    );
    drop(journal);

    let (journal, opened) = open(&path).unwrap();
    assert_eq!(opened.snapshot, Some(90));
    let quick = recover(&journal).unwrap();
    assert_eq!((quick.snapshot, quick.replayed), (90, 30));
    let good = std::fs::read(file.path()).unwrap();
    std::fs::remove_file(file.path()).unwrap();
    let slow = recover(&journal).unwrap();
    assert_eq!((slow.snapshot, slow.replayed), (0, 120));
    assert_eq!(quick.state, slow.state);

    // One that can't be used is told and left out.
    let mut older_fold = good.clone();
    older_fold[11] ^= 0x40;
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for bad in [&good[..good.len() - 1], &good[..20], b"", &older_fold, &flipped] {
        std::fs::write(file.path(), bad).unwrap();
        let recovered = recover(&journal).unwrap();
        assert_eq!(recovered.state, slow.state);
        assert!(
            recovered
                .note
                .is_some_and(|note| note.contains("whole journal is replayed"))
        );
    }
    // One that tells another story than the journal is an error: somebody must look.
    let (_other_folder, other_path, other) = self::journal(120);
    std::fs::write(SnapshotFile::beside(&other_path).path(), &good).unwrap();
    assert!(matches!(
        recover(&other),
        Err(StoreError::Contradiction { sequence: 90, .. })
    ));
}
