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
use tradewind::market::studies::{Lines, Sample, StudySpec};

/// The indicator of a column such as `sma_20`, and which of its lines the column is; nothing where we have none of that
/// name. Columns of studies with several lines carry their usual periods in the oracle's conventions only.
fn spec_of(column: &str) -> Option<(StudySpec, usize)> {
    let (text, line) = match column {
        "tr" => ("atr 1", 0),
        "macd" => ("macd 12 26 9", 0),
        "macd_signal" => ("macd 12 26 9", 1),
        "macd_hist" => ("macd 12 26 9", 2),
        "macdp" => ("macdfirst 12 26 9", 0),
        "macdp_signal" => ("macdfirst 12 26 9", 1),
        "macdp_hist" => ("macdfirst 12 26 9", 2),
        "bb_pctb" => ("bb 20 2", 3),
        "bb_mid" => ("bb 20 2", 0),
        "bb_upper" => ("bb 20 2", 1),
        "bb_lower" => ("bb 20 2", 2),
        "adx_14" => ("adx 14", 0),
        "pdi_14" => ("adx 14", 1),
        "mdi_14" => ("adx 14", 2),
        "stoch_k" => ("stoch 14 3 3", 0),
        "stoch_d" => ("stoch 14 3 3", 1),
        "vwap_roll_20" => ("rvwap 20", 0),
        _ => return Some((column.replace('_', " ").parse().ok()?, 0)),
    };
    Some((text.parse().unwrap(), line))
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

/// One line; the fourth is where the close lies between the lower band (0) and the upper one (1).
fn of(lines: Lines, line: usize, bar: &Sample) -> Option<f64> {
    match (line, lines) {
        (3, [_, Some(upper), Some(lower)]) => Some((bar.close - lower) / (upper - lower)),
        (3, _) => None,
        _ => lines[line],
    }
}

fn check(path: &Path, column: &str, (spec, line): (StudySpec, usize)) {
    let mut study = spec.build();
    for (number, row) in Table::read(path).rows().enumerate() {
        let what = || format!("{}: {column} at row {number}", path.display());
        let bar = sample(row);
        let peeked = of(study.peek_lines(&bar), line, &bar);
        study.update(&bar);
        let ours = of(study.lines(), line, &bar);
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
    let (mut ran, mut names) = (0, std::collections::BTreeSet::new());
    for path in files::files_in(&root.join("oracle/indicators")) {
        for column in Table::read(&path).columns() {
            if let Some(spec) = spec_of(column) {
                check(&path, column, spec);
                names.insert(column.to_owned());
                ran += 1;
            }
        }
    }
    // A column that silently names nothing any more would be checked no more.
    let wanted = "sma_20 ema_20 emafirst_12 rsi_14 macd macd_signal macd_hist macdp bb_upper bb_mid bb_lower bb_pctb tr atr_14 \
                  adx_14 pdi_14 mdi_14 obv vwap vwap_roll_20 stoch_k stoch_d";
    let missing: Vec<&str> = wanted
        .split_whitespace()
        .filter(|name| !names.contains(*name))
        .collect();
    assert!(missing.is_empty(), "not compared: {missing:?}");
    files::report("studies", ran);
}
