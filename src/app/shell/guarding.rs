//! `tradewind halt`, `resume`, `differences`, `reconcile`, `acknowledge` and `record`: what a person does with a shell and no terminal.

use super::{Result, Shell, ShellError, choose_account, rows, table, told};
use crate::app::clock::Clock;
use crate::app::identity::IdMaker;
use crate::app::paths::Paths;
use crate::domain::{SafeText, TradingState};
use crate::engine::difference::{Difference, Remedy, Subject, differences};
use crate::engine::{Command, State, changes};
use serde_json::{Value, json};

/// Halts every account.
///
/// # Errors
/// A refusal, or no engine.
pub async fn halt(paths: &Paths, reason: &str, stops_too: bool, json: bool) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let reason = if reason.trim().is_empty() {
        "from a shell"
    } else {
        reason.trim()
    };
    let command = Command::Halt {
        account: None,
        reason: SafeText::new(reason),
        stops_too,
    };
    let note = told(shell.engine.command(command).await?)?;
    let (state, _) = shell.state().await?;
    let halted = halted(&state);
    let value = json!({"halted": halted, "note": note.as_ref().map(ToString::to_string)});
    shell.print(&value, || {
        let note = note.map_or(String::new(), |note| format!(": {note}"));
        format!("halted{note}")
    })
}

/// Allows risk again in an account, or in every one that holds it back. Whether this shell may is the engine's to say.
///
/// # Errors
/// A refusal, no such account, or no engine.
pub async fn resume(paths: &Paths, account: Option<&str>, json: bool) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let (state, _) = shell.state().await?;
    let accounts = match account {
        Some(name) => vec![choose_account(&state, Some(name), None)?],
        None => {
            let all = state.accounts.iter();
            let held = all.filter(|(_, entry)| entry.trading != TradingState::Active);
            held.map(|(key, _)| *key).collect()
        }
    };
    for account in &accounts {
        let command = Command::SetTrading {
            account: *account,
            state: TradingState::Active,
            reason: SafeText::new("from a shell"),
        };
        told(shell.engine.command(command).await?)?;
    }
    let names: Vec<String> = accounts.iter().map(ToString::to_string).collect();
    shell.print(&json!({"resumed": names}), || match names.as_slice() {
        [] => "no account is halted or only reduces".to_owned(),
        names => format!("risk is allowed again in {}", names.join(", ")),
    })
}

fn halted(state: &State) -> Vec<String> {
    state.halts.keys().map(|key| key.account.to_string()).collect()
}

fn row(line: &Difference) -> Value {
    json!({"id": line.subject.to_string(), "kind": line.kind.name(), "symbol": line.instrument.map(|id| id.to_string()),
           "ours": line.ours, "theirs": line.theirs, "intent": line.intent,
           "since": line.since.map(|at| at.to_string()), "certain": line.is_certain, "blocks": line.blocks(),
           "ignored_by": line.ignored.as_ref().map(|ignored| ignored.by.to_string()),
           "ignored_until": line.ignored.as_ref().and_then(|ignored| ignored.until).map(|until| until.to_string()),
           "actions": line.remedies, "seen": line.seen, "account": line.account.account.to_string()})
}

/// Where ours and the broker's do not agree, in every account or the one that is named.
///
/// # Errors
/// No engine, or no such account.
pub async fn list_differences(paths: &Paths, account: Option<&str>, json: bool) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let (state, now) = shell.state().await?;
    let accounts = match account {
        Some(name) => vec![choose_account(&state, Some(name), None)?],
        None => state.accounts.keys().copied().collect(),
    };
    let lines = accounts
        .into_iter()
        .flat_map(|account| differences(&state, account, now));
    let values: Vec<Value> = lines.map(|line| row(&line)).collect();
    let columns = [
        "id",
        "kind",
        "symbol",
        "ours",
        "theirs",
        "intent",
        "since",
        "blocks",
        "ignored_by",
        "seen",
        "account",
    ];
    shell.print(&Value::Array(values.clone()), || {
        table(&columns, &rows(&values, &columns))
    })
}

/// What is done about one line, as it was listed.
#[derive(Debug)]
pub struct Wish<'a> {
    /// `adopt`, `ignore`, `cancel` or `flatten`.
    pub action: &'a str,
    /// The line's name.
    pub line: &'a str,
    /// The fingerprint that was listed with it.
    pub seen: u32,
    /// For how long it is ignored.
    pub minutes: u32,
}

/// Does something about a line.
///
/// # Errors
/// Words that can't be understood (wrong usage), a refusal, or no engine.
pub async fn resolve(paths: &Paths, wish: &Wish<'_>, account: Option<&str>, json: bool) -> Result<()> {
    let subject: Subject = wish.line.parse().map_err(ShellError::Usage)?;
    let mut shell = Shell::connect(paths, json).await?;
    let (state, _) = shell.state().await?;
    let default = shell.status().await?.default_account;
    let account = choose_account(&state, account, default)?;
    let remedy = match wish.action {
        "adopt" => Remedy::Adopt,
        "split" => Remedy::Split,
        "ignore" => Remedy::Ignore {
            minutes: wish.minutes,
        },
        "cancel" => Remedy::Cancel,
        _ => {
            let mut ids = IdMaker::new(shell.engine.welcome.prefix.as_str(), Clock::start());
            Remedy::Flatten { exit: ids.next_id() }
        }
    };
    let command = Command::Resolve {
        account,
        subject,
        remedy,
        seen: wish.seen,
    };
    let note = told(shell.engine.command(command).await?)?;
    let value =
        json!({"id": wish.line, "action": wish.action, "note": note.as_ref().map(ToString::to_string)});
    shell.print(&value, || note.map_or("done".to_owned(), |note| note.to_string()))
}

/// Reads and compares what the broker knows, now.
///
/// # Errors
/// A refusal, or no engine.
pub async fn reconcile(paths: &Paths, account: Option<&str>, json: bool) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let (state, _) = shell.state().await?;
    let default = shell.status().await?.default_account;
    let account = choose_account(&state, account, default)?;
    let note = told(shell.engine.command(Command::Reconcile { account }).await?)?;
    let text = note.map_or("the broker is being read".to_owned(), |note| note.to_string());
    shell.print(
        &json!({"account": account.account.as_str(), "note": text}),
        || text.clone(),
    )
}

/// A person has looked at what opened the circuit breaker of the account's broker.
///
/// # Errors
/// A refusal, or no engine.
pub async fn acknowledge(paths: &Paths, account: Option<&str>, json: bool) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let (state, _) = shell.state().await?;
    let default = shell.status().await?.default_account;
    let broker = choose_account(&state, account, default)?.broker;
    let by = SafeText::new("a person in a shell");
    let command = Command::AcknowledgeBreaker { broker, by };
    told(shell.engine.command(command).await?)?;
    let text = format!("breaker of {broker}: acknowledged");
    shell.print(&json!({"broker": broker.as_str()}), || text.clone())
}

/// Records a change of a position that is no trade.
///
/// # Errors
/// Words that can't be understood (wrong usage), a refusal, or no engine.
pub async fn record(paths: &Paths, what: &str, account: Option<&str>, json: bool) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let (state, now) = shell.state().await?;
    let default = shell.status().await?.default_account;
    let account = choose_account(&state, account, default)?;
    let command = changes::read(what, &state, account, now).map_err(ShellError::Usage)?;
    told(shell.engine.command(command).await?)?;
    let value = json!({"account": account.account.as_str(), "recorded": what});
    shell.print(&value, || format!("recorded: {what}"))
}
