//! Indicators against TA-Lib: every column of every file that names an indicator we have.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use super::oracle_files as files;
use files::{Row, Table};
use std::path::Path;
use tradewind::market::studies::{Sample, StudySpec};

/// The indicator of a column such as `sma_20`; nothing where we have none of that name.
fn spec_of(column: &str) -> Option<StudySpec> {
    column.replace('_', " ").parse().ok()
}

/// A row as a bar. Files without sessions are one session.
fn sample(row: Row<'_>) -> Sample {
    Sample {
        open: row.f64("open"),
        high: row.f64("high"),
        low: row.f64("low"),
        close: row.f64("close"),
        volume: row.find("volume").map_or(0.0, |cell| cell.parse().unwrap()),
        session: row.find("session").map_or(0, |cell| cell.parse().unwrap()),
    }
}

fn check(path: &Path, column: &str, spec: StudySpec) {
    let mut study = spec.build();
    for (number, row) in Table::read(path).rows().enumerate() {
        let what = || format!("{}: {column} at row {number}", path.display());
        let bar = sample(row);
        let peeked = study.peek(&bar);
        let ours = study.update(&bar);
        assert_eq!(
            peeked.map(f64::to_bits),
            ours.map(f64::to_bits),
            "{}: peek",
            what()
        );
        let theirs: Option<f64> = row.find(column).map(|cell| cell.parse().unwrap());
        match (ours, theirs) {
            (None, None) => {}
            (Some(a), Some(b)) => assert!(files::close(a, b, 1e-8), "{}: {a} is not {b}", what()),
            (ours, theirs) => panic!("{}: {ours:?} is not {theirs:?}", what()),
        }
    }
}

#[test]
fn oracle_studies() {
    let Some(root) = files::shared() else { return };
    let mut ran = 0;
    for path in files::files_in(&root.join("oracle/indicators")) {
        for column in Table::read(&path).columns() {
            if let Some(spec) = spec_of(column) {
                check(&path, column, spec);
                ran += 1;
            }
        }
    }
    files::report("studies", ran);
}
