//! `tradewind audit`: shows the log of what callers did, and finds what was changed in it. Works whether an engine runs or
//! not.

use super::doors;
use super::paths::Paths;
use crate::server::doors::audit::{AuditFiles, Entry, verify};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::io::Write;

/// Shows the newest records, the newest last.
///
/// # Errors
/// The log can't be read.
pub fn list(paths: &Paths, count: u32, json: bool) -> Result<()> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let rows = AuditFiles::of(&paths.profile).page(None, count)?;
    let mut out = std::io::stdout().lock();
    if json {
        let rows: Vec<Value> = rows
            .iter()
            .rev()
            .map(|row| {
                let record: Value = serde_json::from_str(&row.record).unwrap_or(Value::Null);
                json!({"sequence": row.sequence, "record": record, "hash": row.hash})
            })
            .collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
        return Ok(());
    }
    for row in rows.iter().rev() {
        let entry: Entry = serde_json::from_str(&row.record).unwrap_or_default();
        let who = if entry.who.is_empty() { "--" } else { &entry.who };
        writeln!(
            out,
            "{:>7} {} {who:<16} {:<15} {:<16} {} {} {}",
            row.sequence, entry.at, entry.from, entry.what, entry.outcome, entry.route, entry.detail
        )?;
    }
    Ok(())
}

/// Reads the whole log and says what is wrong with it.
///
/// # Errors
/// Something is, or it can't be read.
pub fn check(paths: &Paths, json: bool) -> Result<()> {
    let report = verify(&AuditFiles::of(&paths.profile), &doors::secret(paths)?)?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        for fault in &report.faults {
            writeln!(out, "{fault}")?;
        }
        writeln!(
            out,
            "{} records, {} signed ends, the last of them over record {}",
            report.records, report.heads, report.covered
        )?;
    }
    match report.faults.len() {
        0 => Ok(()),
        _ => bail!(
            "the audit log is not what was written: {} faults",
            u64::try_from(report.faults.len()).unwrap_or(u64::MAX) + report.more
        ),
    }
}
