//! One-shot commands for shells and programs. Nothing but the answer goes to standard output; reasons go to standard
//! error. None of them starts an engine.

mod alerts;

pub use alerts::{alert, alerts};

use super::clock::Clock;
use super::identity::IdMaker;
use super::paths::Paths;
use super::serve::build;
use crate::attach::{AttachError, Attached};
use crate::domain::{AccountKey, ClientOrderId, Order, SafeText, Timestamp};
use crate::engine::preview::{Preview, preview};
use crate::engine::sentence::{SentenceError, parse, resolve};
use crate::engine::{Command, Outcome, SessionKind, State};
use crate::market::{Market, Print, Quote};
use crate::server::views::{self, Marks};
use crate::wire::{Query, Reply, StatusReply};
use serde_json::{Value, json};
use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

/// How a one-shot command ends other than well.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// No engine to reach: exit code 3.
    #[error(transparent)]
    NoEngine(AttachError),
    /// Refused or failed: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// Wrong usage: exit code 2.
    #[error("{0}")]
    Usage(String),
}

impl From<AttachError> for ShellError {
    fn from(error: AttachError) -> Self {
        match error {
            AttachError::NoEngine(_) => Self::NoEngine(error),
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
        Ok(Self {
            engine: Attached::connect(&paths.socket(), SessionKind::Shell, &build()).await?,
            json,
        })
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
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
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

/// What `tradewind order` was told.
#[derive(Clone, Debug)]
pub struct OrderOptions {
    /// The sentence; `-` reads standard input.
    pub sentence: String,
    /// Send without asking.
    pub yes: bool,
    /// The id to use, so that a repeated call is the same order.
    pub client_order_id: Option<ClientOrderId>,
    /// The last four characters of a live account, to arm this one command.
    pub arm: Option<String>,
    /// The account; nothing for the engine's default.
    pub account: Option<String>,
    /// Answer as JSON.
    pub json: bool,
}

/// `tradewind order`: previews, asks, sends, and says what became of it.
///
/// # Errors
/// A sentence that can't be understood (wrong usage), a refusal, or no engine.
pub async fn order(paths: &Paths, options: &OrderOptions) -> Result<()> {
    let text = match options.sentence.as_str() {
        "-" => std::io::read_to_string(std::io::stdin())?.trim().to_owned(),
        text => text.to_owned(),
    };
    let sentence = parse(&text).map_err(|error| usage(&text, &error))?;
    let mut shell = Shell::connect(paths, options.json).await?;
    let (state, now) = shell.state().await?;
    let account = choose_account(
        &state,
        options.account.as_deref(),
        shell.status().await?.default_account,
    )?;
    let market = market(&state, shell.quotes().await?);
    let mut ids = IdMaker::new(shell.engine.welcome.prefix.as_str(), Clock::start());
    let mut given = options.client_order_id;
    let mut new_id = || given.take().unwrap_or_else(|| ids.next_id());
    // A root stands for the contract that trades now at the venue, whose time is a tape's on a tape.
    let venue_now = Timestamp(now.0.saturating_add(shell.engine.welcome.venue_offset_ns));
    let commands = resolve(&sentence, &state, &market, account, venue_now, &mut new_id)
        .map_err(|error| usage(&text, &error))?;
    if !options.yes {
        confirm(&state, &market, &commands, now)?;
    }
    if let Some(confirmation) = &options.arm {
        let arm = Command::Arm {
            account,
            confirmation: SafeText::new(confirmation),
        };
        told(shell.engine.command(arm).await?)?;
    }
    let mut answers = Vec::new();
    for command in commands {
        let ids = ids_of(&command);
        let note = told(shell.engine.command(command).await?)?;
        if ids.is_empty() {
            answers.push(json!({"note": note.map(|note| note.to_string())}));
        }
        for id in ids {
            let order = followed(&mut shell, id).await?;
            answers.push(order.map_or(json!({"client_order_id": id.as_str()}), |order| {
                views::order(&order)
            }));
        }
    }
    shell.print(&Value::Array(answers.clone()), || {
        answers.iter().map(sentence_of).collect::<Vec<_>>().join("\n")
    })
}

fn sentence_of(answer: &Value) -> String {
    if answer["phase"].is_null() {
        return cell(&answer["note"]);
    }
    let average = if answer["average_price"].is_null() {
        String::new()
    } else {
        format!(" @ {}", cell(&answer["average_price"]))
    };
    let reason = if answer["reason"].is_null() {
        String::new()
    } else {
        format!(" ({})", cell(&answer["reason"]))
    };
    format!(
        "{} {} {} {}: {} {}/{}{average}{reason}  {}",
        cell(&answer["side"]),
        cell(&answer["quantity"]),
        cell(&answer["symbol"]),
        cell(&answer["type"]),
        cell(&answer["phase"]),
        cell(&answer["filled"]),
        cell(&answer["quantity"]),
        cell(&answer["client_order_id"])
    )
}

fn usage(text: &str, error: &SentenceError) -> ShellError {
    let column = text
        .get(..error.at.start)
        .map_or(0, |before| before.chars().count());
    let width = text
        .get(error.at.clone())
        .map_or(1, |word| word.chars().count())
        .max(1);
    // Both quote what was given, which may be anything.
    let (error, shown) = (SafeText::new(&error.to_string()), SafeText::new(text));
    ShellError::Usage(format!(
        "{error}\n  {shown}\n  {}{}",
        " ".repeat(column),
        "^".repeat(width)
    ))
}

pub(super) fn choose_account(
    state: &State,
    wanted: Option<&str>,
    default: Option<AccountKey>,
) -> Result<AccountKey> {
    match wanted {
        None => default.ok_or_else(|| {
            ShellError::Failed("no broker has reported an account yet; try again in a moment".into())
        }),
        Some(wanted) => {
            let found = state
                .accounts
                .keys()
                .find(|key| key.account.as_str() == wanted || key.to_string() == wanted);
            found.copied().ok_or_else(|| {
                let known: Vec<String> = state.accounts.keys().map(ToString::to_string).collect();
                ShellError::Failed(format!(
                    "no account {}; known: {}",
                    SafeText::new(wanted),
                    known.join(", ")
                ))
            })
        }
    }
}

pub(super) fn market(state: &State, (quotes, prints): (Vec<Quote>, Vec<Print>)) -> Market {
    let mut market = Market::replica();
    for instrument in state.instruments.values() {
        market.list(instrument.clone());
    }
    for quote in quotes {
        market.on_quote(quote);
    }
    for print in prints {
        market.on_print(print, &mut Vec::new());
    }
    market
}

/// Shows what would be sent on standard error and asks; without a terminal to ask on, `--yes` is needed.
fn confirm(state: &State, market: &Market, commands: &[Command], now: Timestamp) -> Result<()> {
    for command in commands {
        match preview(state, market, command, now) {
            Ok(Some(preview)) => say(&describe(&preview)),
            Ok(None) => say(&plain(command)),
            Err(denial) => return failed(denial.to_string()),
        }
    }
    if !std::io::stdin().is_terminal() {
        return Err(ShellError::Usage(
            "not sent: there is no terminal to ask on; --yes sends without asking".into(),
        ));
    }
    let mut err = std::io::stderr().lock();
    write!(err, "send? [y/N] ")?;
    err.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if matches!(line.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        failed("not sent")
    }
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn plain(command: &Command) -> String {
    match command {
        Command::CancelAll {
            account,
            instrument,
            stops_too,
        } => {
            let what = instrument.map_or("every order".into(), |id| format!("orders in {id}"));
            let stops = if *stops_too {
                "protective stops too"
            } else {
                "protective stops stay"
            };
            format!("cancel {what} of {account}, {stops}")
        }
        Command::Flatten {
            account, instrument, ..
        } => format!("cancel everything in {instrument} of {account} and close the position"),
        other => format!("{other:?}"),
    }
}

fn describe(preview: &Preview) -> String {
    let currency = preview
        .currency
        .map_or(String::new(), |currency| format!(" {currency}"));
    let value = preview
        .value
        .map_or("--".into(), |value| format!("{:.2}{currency}", value.round_to(2)));
    let at = preview.price.map_or("--".into(), |price| format!("{price:.2}"));
    let mut text = format!(
        "{}  {}  at {at}, worth {value}; position {} -> {}",
        preview.spec, preview.spec.account, preview.position.0, preview.position.1
    );
    if let Some(risk) = preview.risk {
        text += &format!("; lost at the stop {:.2}{currency}", risk.round_to(2));
    }
    if let Some(other) = &preview.pair {
        text += &format!("; {other} shrinks as it fills, and the other way round; the engine holds the pair");
    } else if preview.held_by_engine {
        text += "; stop and target are held by the engine until the entry fills";
    }
    if let Some(denial) = &preview.denial {
        text += &format!("\nwould be refused: {denial}");
    }
    text
}

/// The orders that a command places.
fn ids_of(command: &Command) -> Vec<ClientOrderId> {
    match command {
        Command::Submit { id, .. } | Command::Close { id, .. } => vec![*id],
        Command::SubmitPair { first, second, .. } => vec![*first, *second],
        _ => Vec::new(),
    }
}

fn told(outcome: Outcome) -> Result<Option<SafeText>> {
    match outcome {
        Outcome::Done { note, .. } => Ok(note),
        Outcome::Known { .. } => Ok(None),
        Outcome::Denied(denial) | Outcome::Refused(denial) => failed(denial.to_string()),
    }
}

/// Watches the order for a moment, until the broker has answered: what is printed is what the broker said.
async fn followed(shell: &mut Shell, id: ClientOrderId) -> Result<Option<Order>> {
    let mut last = None;
    for _ in 0..40 {
        let (state, _) = shell.state().await?;
        last = state.orders.get(&id).cloned();
        let Some(order) = &last else { return Ok(None) };
        let answered = order.acked_at.is_some() || !order.phase.is_live();
        // A market order is worth a moment more: it is usually filled right behind its acknowledgement.
        let settled = order.spec.kind != crate::domain::OrderKind::Market || !order.phase.is_live();
        if answered && settled {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    if let Some(order) = last.as_ref().filter(|order| {
        matches!(
            order.phase,
            crate::domain::Phase::Denied | crate::domain::Phase::Rejected | crate::domain::Phase::NotSent
        )
    }) {
        let reason = order.reason.as_ref().map_or(String::new(), ToString::to_string);
        return failed(format!("{}: {}: {reason}", order.spec, order.phase.word()));
    }
    Ok(last)
}
