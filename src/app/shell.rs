//! One-shot commands for shells and programs. Nothing but the answer goes to standard output; reasons go to standard
//! error. None of them starts an engine.

mod alerts;
mod guarding;
mod limits;
mod order;
mod programs;
mod risk;

pub use alerts::{alert, alerts};
pub use guarding::{Wish, acknowledge, halt, list_differences, reconcile, record, resolve, resume};
pub use limits::{LimitOptions, limits};
pub use order::{OrderOptions, order};
pub(super) use order::{choose_account, market, told, usage};
pub use programs::{Arming, arm_programs, disarm_programs};
pub use risk::risk;

use super::paths::Paths;
use super::serve::build;
use crate::attach::{AttachError, Attached};
use crate::domain::Timestamp;
use crate::engine::{Denial, SessionKind, State};
use crate::market::{Print, Quote};
use crate::server::views::{self, Marks};
use crate::wire::{Query, Reply, StatusReply};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

/// How a one-shot command ends other than well.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// No engine to reach: exit code 3.
    #[error("{0}")]
    NoEngine(String),
    /// Refused or failed: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// Refused by the engine, with its code: exit code 1.
    #[error("{0}")]
    Refused(Box<Denial>),
    /// Wrong usage: exit code 2.
    #[error("{0}")]
    Usage(String),
}

impl ShellError {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoEngine(_) => 3,
            Self::Usage(_) => 2,
            Self::Failed(_) | Self::Refused(_) => 1,
        }
    }
    /// For programs, in the shape of the port's refusals.
    fn json(&self) -> Value {
        let (code, message, nearest) = match self {
            Self::NoEngine(_) => ("NO_ENGINE", self.to_string(), None),
            Self::Usage(_) => ("USAGE", self.to_string(), None),
            Self::Failed(_) => ("FAILED", self.to_string(), None),
            Self::Refused(denial) => (
                denial.code.as_str(),
                denial.text.to_string(),
                denial.nearest.as_ref(),
            ),
        };
        let mut error = json!({"code": code, "message": message});
        if let Some(nearest) = nearest {
            error["nearest"] = nearest.to_string().into();
        }
        json!({"error": error})
    }
    /// What the engine refused, on standard output too, as the answer of a command with `--json`: who reads there needs one reader
    /// for both. Where nobody could answer nothing is told there.
    pub fn tell(&self) {
        if let Self::Refused(_) = self {
            let _ = answer(&format!("{:#}", self.json()));
        }
    }
}

impl From<AttachError> for ShellError {
    fn from(error: AttachError) -> Self {
        match error {
            AttachError::NoEngine(_) => Self::NoEngine(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}
impl From<std::io::Error> for ShellError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

pub(super) type Result<T> = std::result::Result<T, ShellError>;

fn failed<T>(text: impl Into<String>) -> Result<T> {
    Err(ShellError::Failed(text.into()))
}

/// A connection for one command.
pub(super) struct Shell {
    pub(super) engine: Attached,
    json: bool,
}

impl Shell {
    pub(super) async fn connect(paths: &Paths, json: bool) -> Result<Self> {
        let engine = Attached::connect(&paths.socket(), SessionKind::Shell, &build()).await;
        let engine = engine.map_err(|error| match error {
            AttachError::NoEngine(_) => {
                let profile = paths.profile.file_name().unwrap_or_default().to_string_lossy();
                ShellError::NoEngine(format!(
                    "profile {profile}: {error}; --profile NAME means another one"
                ))
            }
            other => other.into(),
        })?;
        Ok(Self { engine, json })
    }
    pub(super) async fn state(&mut self) -> Result<(State, Timestamp)> {
        match self.engine.query(Query::State).await? {
            Reply::State(snapshot) => Ok((snapshot.state, snapshot.now)),
            other => failed(format!("an unexpected answer: {}", word(&other))),
        }
    }
    pub(super) async fn status(&mut self) -> Result<StatusReply> {
        match self.engine.query(Query::Status).await? {
            Reply::Status(status) => Ok(*status),
            other => failed(format!("an unexpected answer: {}", word(&other))),
        }
    }
    pub(super) async fn quotes(&mut self) -> Result<(Vec<Quote>, Vec<Print>)> {
        match self
            .engine
            .query(Query::Quotes {
                instruments: Vec::new(),
            })
            .await?
        {
            Reply::Quotes(quotes, prints) => Ok((quotes, prints)),
            other => failed(format!("an unexpected answer: {}", word(&other))),
        }
    }
    pub(super) fn print(&self, value: &Value, table: impl FnOnce() -> String) -> Result<()> {
        answer(&if self.json { format!("{value:#}") } else { table() })
    }
}

/// The answer on standard output, and nothing else.
pub(super) fn answer(text: &str) -> Result<()> {
    match writeln!(std::io::stdout().lock(), "{}", text.trim_end()) {
        // Whoever reads has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// The answer of `tradewind stop --json`, once the engine has stopped.
///
/// # Errors
/// Standard output can't be written.
pub fn say_stopped() -> Result<()> {
    answer(&format!("{:#}", json!({"stopped": true})))
}

fn word(reply: &Reply) -> String {
    match reply {
        Reply::Failed { reason } => reason.to_string(),
        _ => "not what was asked".into(),
    }
}

/// Lines up columns: the first row is the head; numbers are right-aligned.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return "none".into();
    }
    let width = |i: usize| {
        rows.iter()
            .filter_map(|row| row.get(i))
            .map(|c| c.chars().count())
            .chain([head[i].len()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let numeric = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+'));
    let line = |cells: Vec<&str>, aligned_like: &[String]| -> String {
        let cell = |(i, text): (usize, &&str)| {
            let right = aligned_like.get(i).is_some_and(|text| numeric(text));
            if right {
                format!("{text:>width$}", width = widths[i])
            } else {
                format!("{text:<width$}", width = widths[i])
            }
        };
        cells
            .iter()
            .enumerate()
            .map(cell)
            .collect::<Vec<_>>()
            .join("  ")
            .trim_end()
            .to_owned()
    };
    let mut lines = vec![line(head.to_vec(), &rows[0])];
    lines.extend(
        rows.iter()
            .map(|row| line(row.iter().map(String::as_str).collect(), row)),
    );
    lines.join("\n")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "--".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn rows(values: &[Value], columns: &[&str]) -> Vec<Vec<String>> {
    values
        .iter()
        .map(|value| columns.iter().map(|column| cell(&value[*column])).collect())
        .collect()
}

/// `tradewind status`.
///
/// # Errors
/// No engine, or no answer.
pub async fn status(paths: &Paths, json: bool) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let (status, (state, _)) = (shell.status().await?, shell.state().await?);
    let value = views::status(&status, &state);
    shell.print(&value, || {
        let mut text = format!(
            "engine {} of profile {}, process {}, up {} s, event {}, {} terminals\n",
            status.build, status.profile, status.pid, status.uptime_s, status.sequence, status.clients
        );
        for link in value["links"].as_array().into_iter().flatten() {
            let why = link["reason"]
                .as_str()
                .map_or(String::new(), |why| format!(": {why}"));
            text += &format!(
                "link     {}: {}{why}\n",
                cell(&link["broker"]),
                cell(&link["state"])
            );
        }
        for account in value["trading"].as_array().into_iter().flatten() {
            text += &format!(
                "account  {}/{} ({}): {}\n",
                cell(&account["broker"]),
                cell(&account["account"]),
                cell(&account["class"]),
                cell(&account["state"])
            );
        }
        if status.settings.is_empty() {
            text += "settings all at their defaults\n";
        }
        for (key, value, source) in &status.settings {
            text += &format!("setting  {key} = {value}  ({source})\n");
        }
        text
    })
}

/// `tradewind orders`.
///
/// # Errors
/// No engine, or no answer.
pub async fn orders(paths: &Paths, json: bool) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let (state, _) = shell.state().await?;
    let values: Vec<Value> = views::orders(&state).into_iter().map(views::order).collect();
    let columns = [
        "symbol",
        "side",
        "quantity",
        "type",
        "price",
        "trigger",
        "filled",
        "average_price",
        "phase",
        "account",
        "client_order_id",
        "reason",
    ];
    shell.print(&Value::Array(values.clone()), || {
        table(&columns, &rows(&values, &columns))
    })
}

/// `tradewind executions`.
///
/// # Errors
/// No engine, or no answer.
pub async fn executions(paths: &Paths, json: bool) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let (state, _) = shell.state().await?;
    let values: Vec<Value> = views::executions(&state)
        .into_iter()
        .map(views::execution)
        .collect();
    let columns = [
        "at",
        "symbol",
        "side",
        "quantity",
        "price",
        "fee",
        "currency",
        "account",
        "execution_id",
    ];
    shell.print(&Value::Array(values.clone()), || {
        table(&columns, &rows(&values, &columns))
    })
}

/// `tradewind positions`.
///
/// # Errors
/// No engine, or no answer.
pub async fn positions(paths: &Paths, json: bool) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let ((state, _), (quotes, prints)) = (shell.state().await?, shell.quotes().await?);
    let values = views::positions(&state, &Marks::new(&quotes, &prints));
    let columns = [
        "symbol",
        "quantity",
        "average_price",
        "market_price",
        "unrealized_pnl",
        "realized_pnl",
        "fees",
        "currency",
        "account",
    ];
    shell.print(&Value::Array(values.clone()), || {
        table(&columns, &rows(&values, &columns))
    })
}

/// `tradewind log`: the newest `count` events, or those from a sequence on.
///
/// # Errors
/// No engine, or no answer.
pub async fn log(paths: &Paths, json: bool, from: Option<u64>, count: u32) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let newest = shell.status().await?.sequence;
    let from = from
        .unwrap_or_else(|| newest.saturating_sub(u64::from(count)).saturating_add(1))
        .max(1);
    let events = match shell.engine.query(Query::Log { from, count }).await? {
        Reply::Log(events) => events,
        other => return failed(format!("the log can't be read: {}", word(&other))),
    };
    let values: Vec<Value> = events
        .iter()
        .map(|event| {
            json!({"sequence": event.sequence, "at": event.at.to_string(), "batch": event.batch, "cause": event.cause,
                   "actor": event.actor, "kind": event.fact.word(), "fact": event.fact})
        })
        .collect();
    shell.print(&Value::Array(values), || {
        let line = |event: &crate::engine::Event| {
            let body = serde_json::to_value(&event.fact).unwrap_or(Value::Null);
            let body = body.get(event.fact.word()).cloned().unwrap_or(body);
            format!(
                "{:>7}  {:<30}  {:<18}  {body}",
                event.sequence,
                event.at.to_string(),
                event.fact.word()
            )
        };
        if events.is_empty() {
            "none".into()
        } else {
            events.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    })
}

/// `tradewind stop`: asks the engine to stop and waits until it has. An engine that does not understand this build is
/// asked by a signal, which it takes as the same ordered stop.
///
/// # Errors
/// No engine, or it goes on.
pub async fn stop(paths: &Paths) -> Result<()> {
    match Shell::connect(paths, false).await {
        Ok(mut shell) => {
            // One that stops at once may close the connection before its answer.
            if let Ok(Reply::Failed { reason }) = shell.engine.query(Query::Stop).await {
                return failed(format!("the engine goes on: {reason}"));
            }
        }
        Err(error) => match super::run_lock::holder(paths).and_then(rustix::process::Pid::from_raw) {
            None => return Err(error),
            Some(holder) => rustix::process::kill_process(holder, rustix::process::Signal::TERM)
                .map_err(|why| ShellError::Failed(format!("{error}; nor can it be signalled: {why}")))?,
        },
    }
    for _ in 0..1_000 {
        if super::run_lock::holder(paths).is_none() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    failed("the engine was asked to stop and still runs after 10 s; its log says more")
}
