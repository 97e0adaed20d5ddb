//! `tradewind alert` and `tradewind alerts`: making, listing and removing alerts from a shell.

use super::{Result, Shell, cell, choose_account, market, rows, table, told, usage};
use crate::app::paths::Paths;
use crate::domain::Timestamp;
use crate::engine::alerts::grammar::{Names, Said, read};
use crate::engine::alerts::{Alert, AlertId, Firing};
use crate::engine::{Command, State};
use serde_json::{Value, json};

/// `tradewind alert`: makes, removes or pauses one by sentence.
///
/// # Errors
/// A sentence that can't be understood (wrong usage), a refusal, or no engine.
pub async fn alert(paths: &Paths, sentence: &str, account: Option<&str>, json: bool) -> Result<()> {
    let text = sentence.trim();
    let mut shell = Shell::connect(paths, json).await?;
    let (state, now) = shell.state().await?;
    let default = shell.status().await?.default_account;
    let market = market(&state, shell.quotes().await?);
    let names = Names {
        state: &state,
        market: &market,
        account: choose_account(&state, account, default).ok(),
        now,
        venue_now: Timestamp(now.0.saturating_add(shell.engine.welcome.venue_offset_ns)),
    };
    let command = match read(text, &names).map_err(|error| usage(text, &error))? {
        Said::List => return print(&shell, &state),
        Said::Make(spec) => Command::SetAlert { spec },
        Said::Remove(id) => Command::RemoveAlert { id },
        Said::Pause(id, paused) => Command::PauseAlert { id, paused },
    };
    let made = matches!(command, Command::SetAlert { .. });
    let note = told(shell.engine.command(command).await?)?;
    let (state, _) = shell.state().await?;
    let newest = state.alerts.all.iter().next_back().filter(|_| made);
    let value = newest.map_or(json!({"done": true}), |(id, alert)| view(&state, *id, alert));
    shell.print(&value, || match newest {
        Some((id, alert)) => format!("alert {id}: {}", alert.spec.condition),
        None => note.map_or("done".to_owned(), |note| note.to_string()),
    })
}

/// `tradewind alerts`: all that the engine keeps.
///
/// # Errors
/// No engine, or no answer.
pub async fn alerts(paths: &Paths, json: bool) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let (state, _) = shell.state().await?;
    print(&shell, &state)
}

fn print(shell: &Shell, state: &State) -> Result<()> {
    let all = state.alerts.all.iter();
    let values: Vec<Value> = all.map(|(id, alert)| view(state, *id, alert)).collect();
    let columns = [
        "id",
        "condition",
        "state",
        "fired",
        "fired_at",
        "expires",
        "stage",
    ];
    shell.print(&Value::Array(values.clone()), || {
        let mut text = table(&columns, &rows(&values, &columns));
        for firing in state.alerts.firings.iter().rev().take(10) {
            let tries: Vec<String> = firing.deliveries.iter().map(|delivery| delivery.word()).collect();
            text += &format!("\n{}  {}  {}", firing.at, firing.text, tries.join(", "));
        }
        text
    })
}

/// An alert for programs. Names are added to, never changed.
fn view(state: &State, id: AlertId, alert: &Alert) -> Value {
    let time = |at: Option<Timestamp>| at.map_or(Value::Null, |at| json!(at.to_string()));
    let firings = state
        .alerts
        .firings
        .iter()
        .rev()
        .filter(|firing| firing.alert == Some(id));
    json!({
        "id": id.0,
        "condition": alert.spec.condition.to_string(),
        "state": alert.word(),
        "repeat_s": alert.spec.repeat_s,
        "expires": time(alert.spec.expires),
        "made_at": time(Some(alert.made_at)),
        "fired": alert.fired,
        "fired_at": time(alert.fired_at),
        "seen": alert.seen.iter().map(|seen| json!({"what": seen.what, "value": seen.value})).collect::<Vec<_>>(),
        "channels": alert.spec.channels,
        "stage": alert.spec.stage,
        "firings": firings.map(told_of).collect::<Vec<_>>(),
    })
}

fn told_of(firing: &Firing) -> Value {
    let tries = firing.deliveries.iter().map(|delivery| {
        json!({"channel": delivery.channel, "attempts": delivery.attempts, "at": delivery.at.to_string(),
               "failure": delivery.failure, "final": delivery.is_final})
    });
    json!({"firing": firing.sequence, "at": firing.at.to_string(), "text": cell(&json!(firing.text)), "deliveries": tries.collect::<Vec<_>>()})
}
