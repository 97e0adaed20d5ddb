//! What the log of availability comes to: the share of each day and month, with what was planned, what a person stopped and what was
//! an outage told apart. Reads only.

use super::super::day_book::open;
use super::{DAY, LAYOUT, MINUTE, Row, seconds};
use crate::domain::Timestamp;
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Seconds of a day or a month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Span {
    up: i64,
    /// Not up, and not planned.
    down: i64,
    paused: i64,
    /// No engine, after an ordered end.
    stopped: i64,
    /// Of what was not up: how long, by reason.
    reasons: BTreeMap<String, i64>,
}

impl Span {
    /// The share that was up of what should have been, in percent; nothing where nothing should have been.
    #[allow(clippy::cast_precision_loss, reason = "shown, never counted with")]
    fn percent(&self) -> Option<f64> {
        let all = self.up + self.down;
        (all > 0).then(|| self.up as f64 * 100.0 / all as f64)
    }
    fn add(&mut self, other: &Self) {
        self.up += other.up;
        self.down += other.down;
        self.paused += other.paused;
        self.stopped += other.stopped;
        for (reason, seconds) in &other.reasons {
            *self.reasons.entry(reason.clone()).or_default() += seconds;
        }
    }
}

/// What an engine that was not there is called.
const GONE: &str = "no engine, and it did not end in order";

/// Days, from the rows and the marks. `until` is the end of what is looked at, where an engine should still be running.
fn days(rows: &[(i64, Row)], marks: &[(i64, String)], until: Option<i64>) -> BTreeMap<i64, Span> {
    let mut days: BTreeMap<i64, Span> = BTreeMap::new();
    for (minute, row) in rows {
        let day = days.entry(minute.div_euclid(DAY) * DAY).or_default();
        (day.up, day.paused, day.down) = (day.up + row.up, day.paused + row.paused, day.down + row.down);
        if row.paused + row.down > 0 {
            *day.reasons.entry(row.reason.clone()).or_default() += row.paused + row.down;
        }
    }
    // Where each engine ended, and how; and where the next began.
    let starts: Vec<i64> = marks
        .iter()
        .filter(|(_, what)| what == "start")
        .map(|(at, _)| *at)
        .collect();
    for (turn, start) in starts.iter().enumerate() {
        let next = starts.get(turn + 1).copied().or(until);
        let Some(next) = next else { continue };
        let within = |at: i64| at >= *start && at <= next;
        let stop = marks
            .iter()
            .filter(|(at, what)| what == "stop" && within(*at))
            .map(|(at, _)| *at)
            .next_back();
        let last = rows
            .iter()
            .map(|(minute, _)| minute + MINUTE)
            .rfind(|end| within(*end));
        let ended = stop.or(last).unwrap_or(*start);
        gap(&mut days, ended, next, stop.is_some());
    }
    days
}

/// A stretch without an engine, day by day.
fn gap(days: &mut BTreeMap<i64, Span>, mut from: i64, to: i64, in_order: bool) {
    while from < to {
        let day = from.div_euclid(DAY) * DAY;
        let end = to.min(day + DAY);
        let span = days.entry(day).or_default();
        if in_order {
            span.stopped += end - from;
        } else {
            span.down += end - from;
            *span.reasons.entry(GONE.to_owned()).or_default() += end - from;
        }
        from = end;
    }
}

/// Spans of days, or of months, each with its name.
type Named = Vec<(String, Span)>;

/// The days that were counted, and the months.
fn read(file: &Path, running: bool, now: Timestamp) -> Result<(Named, Named)> {
    anyhow::ensure!(
        file.exists(),
        "there is no log of availability yet: an engine writes {} from its first minute on",
        file.display()
    );
    let connection = open(file, LAYOUT)?;
    let rows: Vec<(i64, Row)> = connection
        .prepare("SELECT minute, up, paused, down, reason FROM minutes ORDER BY minute")?
        .query_map([], |row| {
            let counted = Row {
                up: row.get(1)?,
                paused: row.get(2)?,
                down: row.get(3)?,
                reason: row.get(4)?,
            };
            Ok((row.get(0)?, counted))
        })?
        .collect::<Result<_, _>>()?;
    let marks: Vec<(i64, String)> = connection
        .prepare("SELECT at, what FROM marks ORDER BY at, rowid")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    // The minute under way of an engine that runs is not kept yet, and no gap.
    let days = days(&rows, &marks, (!running).then(|| seconds(now)));
    let mut months: BTreeMap<String, Span> = BTreeMap::new();
    for (day, span) in &days {
        months.entry(date(*day)[..7].to_owned()).or_default().add(span);
    }
    let days = days.into_iter().map(|(day, span)| (date(day), span)).collect();
    Ok((days, months.into_iter().collect()))
}

/// The share of each day and month, for programs.
///
/// # Errors
/// There is no such log, or it can't be read.
pub(in crate::app) fn json(file: &Path, running: bool, now: Timestamp) -> Result<Value> {
    let (days, months) = read(file, running, now)?;
    let list = |spans: &[(String, Span)], name| {
        spans
            .iter()
            .map(|(at, span)| value(name, at, span))
            .collect::<Vec<_>>()
    };
    Ok(json!({"days": list(&days, "day"), "months": list(&months, "month")}))
}

/// `tradewind availability`: the share of each day and month.
///
/// # Errors
/// There is no such log, or it can't be read.
pub fn tell(file: &Path, running: bool, now: Timestamp, as_json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{:#}", json(file, running, now)?)?;
        return Ok(());
    }
    let (days, months) = read(file, running, now)?;
    for (at, span) in days.iter().chain(&months) {
        writeln!(out, "{}", words(at, span))?;
    }
    Ok(())
}

/// `2026-11-27` of a day's first second.
fn date(day: i64) -> String {
    Timestamp(day.saturating_mul(1_000_000_000))
        .to_string()
        .chars()
        .take(10)
        .collect()
}

fn value(name: &str, at: &str, span: &Span) -> Value {
    json!({name: at, "percent": span.percent(), "up_s": span.up, "down_s": span.down, "paused_s": span.paused,
           "stopped_s": span.stopped, "reasons": span.reasons})
}

fn words(at: &str, span: &Span) -> String {
    let percent = span
        .percent()
        .map_or_else(|| "--".to_owned(), |percent| format!("{percent:.3} %"));
    let mut text = format!("{at:<10} {percent:>10}  up {}", length(span.up));
    for (what, seconds) in [
        ("down", span.down),
        ("planned", span.paused),
        ("stopped", span.stopped),
    ] {
        if seconds > 0 {
            let _ = write!(text, ", {what} {}", length(seconds));
        }
    }
    for (reason, seconds) in &span.reasons {
        let _ = write!(text, "\n{:>24}{} {reason}", "", length(*seconds));
    }
    text
}

fn length(seconds: i64) -> String {
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(up: i64, paused: i64, down: i64, reason: &str) -> Row {
        Row {
            up,
            paused,
            down,
            reason: reason.to_owned(),
        }
    }
    fn mark(at: i64, what: &str) -> (i64, String) {
        (at, what.to_owned())
    }

    #[test]
    fn what_was_planned_and_what_a_person_stopped_is_no_outage_and_a_crash_is() {
        let start = 20_000 * DAY;
        let rows: Vec<(i64, Row)> = (0..10)
            .map(|n| {
                let row = match n {
                    3 => row(30, 30, 0, "restart of TWS"),
                    4 => row(0, 0, 60, "the link to ibkr is down"),
                    _ => row(60, 0, 0, ""),
                };
                (start + n * MINUTE, row)
            })
            .collect();
        // Ended in order after the tenth minute, begun again an hour later, and gone without a word two minutes after.
        let mut rows = rows;
        rows.extend([
            (start + 4_200, row(60, 0, 0, "")),
            (start + 4_260, row(60, 0, 0, "")),
        ]);
        let marks = [
            mark(start, "start"),
            mark(start + 600, "stop"),
            mark(start + 4_200, "start"),
        ];
        let running = days(&rows, &marks, None);
        let day = &running[&start];
        assert_eq!(
            (day.up, day.paused, day.down, day.stopped),
            (8 * 60 + 30 + 120, 30, 60, 3_600)
        );
        assert_eq!(day.reasons["restart of TWS"], 30);
        // Where none runs now, the second end was none in order: down from its last minute on, over midnight too.
        let gone = days(&rows, &marks, Some(start + DAY + 100));
        assert_eq!(gone[&start].down, 60 + DAY - 4_320);
        assert_eq!(gone[&(start + DAY)].down, 100);
        assert_eq!(gone[&(start + DAY)].percent(), Some(0.0));
        assert_eq!(Span::default().percent(), None);
    }
}
