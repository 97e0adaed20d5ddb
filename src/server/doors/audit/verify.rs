//! Whether the audit log is what was written: every record follows from the one before, and every signed end of the chain
//! is still in it. What is wrong is told by number. Knows neither callers nor what records mean.

use super::super::secret::{Secret, hex, unhex};
use super::AuditFiles;
use super::book::{AuditError, GUARDS, Head, NOTHING, chained, head_key, head_words, reader};
use ring::hmac;
use rusqlite::Connection;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

/// Faults that are told one by one; more of them are counted.
const FAULTS_MAX: usize = 100;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Records read.
    pub records: u64,
    /// Signed ends read.
    pub heads: u64,
    /// The last record that a signed end covers: what comes after it could be cut unseen.
    pub covered: u64,
    /// What is wrong, each with its number; empty where all is well.
    pub faults: Vec<String>,
    /// Faults beyond those told.
    pub more: u64,
}

impl Report {
    fn fault(&mut self, words: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(words);
        } else {
            self.more += 1;
        }
    }
}

/// Reads the whole log.
///
/// # Errors
/// A file can't be read.
pub fn verify(files: &AuditFiles, secret: &Secret) -> Result<Report, AuditError> {
    let mut report = Report::default();
    let heads = heads(files, secret, &mut report)?;
    if files.book.exists() {
        let mut file = reader(&files.book)?;
        // One moment of it, whatever is added meanwhile.
        let tx = file.transaction()?;
        chain(&tx, &heads, &mut report)?;
        guards(&tx, &mut report)?;
    } else if let Some((last, _)) = heads.last_key_value() {
        report.fault(format!(
            "the log is missing: records up to {last} were signed, and {} is not there",
            files.book.display()
        ));
    }
    if report.records > 0 && report.heads == 0 {
        report.fault(format!(
            "no signed end is there ({}): whether the log was made anew or cut can't be told",
            files.heads.display()
        ));
    }
    Ok(report)
}

/// The signed ends, by number; each that is not ours is a fault.
fn heads(
    files: &AuditFiles,
    secret: &Secret,
    report: &mut Report,
) -> Result<BTreeMap<u64, String>, AuditError> {
    let mut heads = BTreeMap::new();
    if !files.heads.exists() {
        return Ok(heads);
    }
    let told = |why| AuditError::Heads {
        path: files.heads.display().to_string(),
        why,
    };
    let key = head_key(secret);
    let file = std::fs::File::open(&files.heads).map_err(told)?;
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(told)?;
        report.heads += 1;
        let head = serde_json::from_str::<Head>(&line).ok().filter(|head| {
            let words = head_words(head.sequence, &head.hash);
            unhex(&head.mac).is_some_and(|mac| hmac::verify(&key, words.as_bytes(), &mac).is_ok())
        });
        match head {
            Some(head) => match heads.insert(head.sequence, head.hash.clone()) {
                Some(other) if other != head.hash => report.fault(format!(
                    "record {} was signed twice with different contents",
                    head.sequence
                )),
                _ => {}
            },
            None => report.fault(format!(
                "line {} of the signed ends was not signed with this profile's secret",
                number + 1
            )),
        }
    }
    Ok(heads)
}

fn chain(file: &Connection, heads: &BTreeMap<u64, String>, report: &mut Report) -> Result<(), AuditError> {
    let mut query = file.prepare("SELECT sequence, record, hash FROM audit ORDER BY sequence")?;
    let mut rows = query.query([])?;
    let (mut expected, mut previous) = (1_u64, NOTHING.to_vec());
    while let Some(row) = rows.next()? {
        let sequence = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
        let (record, hash): (String, Vec<u8>) = (row.get(1)?, row.get(2)?);
        report.records += 1;
        let gap = sequence != expected;
        if gap && sequence > expected {
            let last = sequence - 1;
            report.fault(if last == expected {
                format!("record {expected} is missing")
            } else {
                format!("records {expected} to {last} are missing")
            });
        } else if gap {
            report.fault(format!("record {sequence} has no place in the chain"));
        }
        // After a gap there is nothing that it could follow from.
        if !gap && chained(&previous, &record).as_slice() != hash {
            report.fault(format!(
                "record {sequence} was changed: it does not follow from record {}",
                sequence - 1
            ));
        }
        if let Some(signed) = heads.get(&sequence) {
            if *signed == hex(&hash) {
                report.covered = sequence;
            } else {
                report.fault(format!("record {sequence} is not the one that was signed"));
            }
        }
        (expected, previous) = (sequence + 1, hash);
    }
    if let Some((last, _)) = heads.last_key_value().filter(|(last, _)| **last >= expected) {
        report.fault(format!(
            "the end was cut: the log ends at record {}, and record {last} was signed",
            expected - 1
        ));
    }
    Ok(())
}

fn guards(file: &Connection, report: &mut Report) -> Result<(), AuditError> {
    for guard in GUARDS {
        let count: i64 = file.query_row(
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' AND name = ?1",
            [guard],
            |row| row.get(0),
        )?;
        if count == 0 {
            report.fault(format!("the guard {guard} was taken out of the file"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Audit, Entry, record_now};
    use super::*;
    use crate::domain::Timestamp;

    struct Log {
        _folder: tempfile::TempDir,
        files: AuditFiles,
        secret: Secret,
    }

    impl Log {
        /// Twelve records, signed at the end.
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let secret = Secret::open(&folder.path().join("s")).unwrap();
            let files = AuditFiles::of(folder.path());
            let audit = Audit::start(files.clone(), &secret).unwrap();
            for n in 0..11 {
                audit.record(Entry::local(
                    Timestamp(n),
                    "anna".to_owned(),
                    "test",
                    &format!("number {n} \u{202e}\u{1b}[2J"),
                ));
            }
            drop(audit);
            record_now(
                &files,
                &secret,
                Entry::local(Timestamp(11), "anna".to_owned(), "test", "the last"),
            )
            .unwrap();
            Self {
                _folder: folder,
                files,
                secret,
            }
        }
        /// What is found after somebody with the file in hand ran this.
        fn after(&self, statement: &str) -> Vec<String> {
            let file = Connection::open(&self.files.book).unwrap();
            let guards: Vec<String> = file
                .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
                .unwrap()
                .query_map([], |row| {
                    Ok(format!(
                        "{};{}",
                        row.get::<_, String>(0)?,
                        row.get::<_, String>(1)?
                    ))
                })
                .unwrap()
                .map(Result::unwrap)
                .collect();
            for guard in &guards {
                let name = guard.split(';').next().unwrap();
                file.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
            }
            file.execute_batch(statement).unwrap();
            for guard in &guards {
                file.execute_batch(guard.split_once(';').unwrap().1).unwrap();
            }
            verify(&self.files, &self.secret).unwrap().faults
        }
    }

    #[test]
    fn a_log_as_it_was_written_is_whole_and_refuses_to_be_changed() {
        let log = Log::new();
        let report = verify(&log.files, &log.secret).unwrap();
        assert_eq!(report.faults, Vec::<String>::new());
        assert_eq!((report.records, report.covered), (12, 12));
        let file = Connection::open(&log.files.book).unwrap();
        for statement in [
            "UPDATE audit SET record = '' WHERE sequence = 3",
            "DELETE FROM audit WHERE sequence = 12",
            "INSERT OR REPLACE INTO audit VALUES (3, '', x'00')",
        ] {
            assert!(file.execute_batch(statement).is_err(), "{statement}");
        }
        let shown = log.files.page(Some(12), 1).unwrap();
        assert_eq!(shown[0].sequence, 11);
        assert!(!shown[0].record.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    }

    #[test]
    fn a_changed_missing_or_cut_record_is_found_and_named() {
        let changed = Log::new()
            .after("UPDATE audit SET record = replace(record, 'number 4', 'number 5') WHERE sequence = 5");
        assert_eq!(changed.len(), 1, "{changed:?}");
        assert!(changed[0].contains("record 5 was changed"), "{changed:?}");
        let missing = Log::new().after("DELETE FROM audit WHERE sequence IN (6, 7)");
        assert!(missing[0].contains("records 6 to 7 are missing"), "{missing:?}");
        let cut = Log::new().after("DELETE FROM audit WHERE sequence > 9");
        assert!(
            cut[0].contains("ends at record 9") && cut[0].contains("record 12 was signed"),
            "{cut:?}"
        );
        let log = Log::new();
        std::fs::remove_file(&log.files.book).unwrap();
        assert!(log.after_nothing()[0].contains("the log is missing"));
        let log = Log::new();
        std::fs::remove_file(&log.files.heads).unwrap();
        assert!(log.after_nothing()[0].contains("no signed end"));
        let log = Log::new();
        let heads = std::fs::read_to_string(&log.files.heads).unwrap();
        std::fs::write(
            &log.files.heads,
            heads.replace("\"sequence\":12", "\"sequence\":11"),
        )
        .unwrap();
        assert!(log.after_nothing()[0].contains("was not signed"));
    }

    #[test]
    fn a_log_made_anew_from_a_changed_record_on_is_found_by_what_was_signed() {
        let log = Log::new();
        let rows = log.files.page(None, 100).unwrap();
        let (mut previous, mut statement) = (NOTHING.to_vec(), String::new());
        for row in rows.iter().rev() {
            let record = row.record.replace("number 2", "number 3").replace('\'', "''");
            let hash = chained(&previous, &record);
            statement += &format!(
                "UPDATE audit SET record = '{record}', hash = x'{}' WHERE sequence = {};",
                hex(&hash),
                row.sequence
            );
            previous = hash.to_vec();
        }
        let faults = log.after(&statement);
        assert!(
            faults
                .iter()
                .any(|fault| fault.contains("record 12 is not the one that was signed")),
            "{faults:?}"
        );
    }

    impl Log {
        fn after_nothing(&self) -> Vec<String> {
            verify(&self.files, &self.secret).unwrap().faults
        }
    }
}
