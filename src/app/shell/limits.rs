//! `tradewind limits`: each limit with how much of it is used, and a change of one.

use super::{Result, Shell, ShellError, cell, choose_account, market, rows, table, told};
use crate::app::paths::Paths;
use crate::domain::{AccountKey, SafeText, Scope, Timestamp};
use crate::engine::Command;
use crate::engine::risk::change;
use crate::server::views::limits::view;
use serde_json::Value;

/// What is asked of one limit.
#[derive(Clone, Debug, Default)]
pub struct LimitOptions {
    /// Which, and to what; nothing to list them.
    pub set: Option<(String, String)>,
    /// For how long.
    pub time: Option<String>,
    /// The last four characters of the account.
    pub confirmation: String,
    /// Of all accounts.
    pub all: bool,
    /// Of one instrument, user or key instead.
    pub scope: Option<String>,
}

/// Lists the limits of an account, after changing one where that is asked.
///
/// # Errors
/// What can't be understood (wrong usage), a refusal, or no engine.
pub async fn limits(paths: &Paths, options: &LimitOptions, account: Option<&str>, json: bool) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let (state, _) = shell.state().await?;
    let default = shell.status().await?.default_account;
    let account = choose_account(&state, account, default)?;
    if let Some((name, value)) = &options.set {
        let command = wanted(options, name, value, account)?;
        let note = told(shell.engine.command(command).await?)?;
        if let Some(note) = note.filter(|_| !json) {
            return super::answer(note.as_str());
        }
    }
    let (state, now) = shell.state().await?;
    let market = market(&state, shell.quotes().await?);
    let venue_now = Timestamp(now.0.saturating_add(shell.engine.welcome.venue_offset_ns));
    let value = view(&state, &market, account, venue_now);
    shell.print(&value, || text(&value))
}

fn wanted(options: &LimitOptions, name: &str, value: &str, account: AccountKey) -> Result<Command> {
    let usage = ShellError::Usage;
    let name = change::name(name).map_err(usage)?;
    let value = match value {
        "config" => None,
        value => Some(name.read(value).map_err(usage)?),
    };
    let minutes = options
        .time
        .as_deref()
        .map(change::time)
        .transpose()
        .map_err(usage)?;
    Ok(Command::SetLimit {
        account: (!options.all).then_some(account),
        scope: options
            .scope
            .as_deref()
            .map(Scope::parse)
            .transpose()
            .map_err(usage)?,
        name,
        value,
        minutes,
        confirmation: SafeText::new(&options.confirmation),
        by: SafeText::new(""),
    })
}

fn text(value: &Value) -> String {
    let columns = [
        "name", "value", "used", "most", "left", "percent", "does", "source",
    ];
    let limits = value["limits"].as_array().cloned().unwrap_or_default();
    let mut text = table(&columns, &rows(&limits, &columns));
    let day = &value["session"];
    text += &format!(
        "\nsession  worth {} at its beginning, result {} {}, until {}\n",
        cell(&day["opening"]),
        cell(&day["result"]),
        cell(&value["currency"]),
        cell(&day["until"])
    );
    for row in &limits {
        for breach in row["breached"].as_array().into_iter().flatten() {
            let of = breach["symbol"]
                .as_str()
                .map_or(String::new(), |symbol| format!(" of {symbol}"));
            text += &format!(
                "breached {}{of} since {}: {}\n",
                cell(&row["name"]),
                cell(&breach["since"]),
                cell(&row["does"])
            );
        }
    }
    let rules = &value["rules"];
    if rules.is_object() {
        text += &format!(
            "rules    {} ({}): highest {}, floor {}, to win {}, best day {} ({} % of all, {} may be), flat {}\n",
            cell(&rules["title"]),
            cell(&rules["dated"]),
            cell(&rules["high"]),
            cell(&rules["floor"]),
            cell(&rules["target_left"]),
            cell(&rules["best_day"]),
            cell(&rules["best_day_percent"]),
            cell(&rules["consistency_percent"]),
            cell(&rules["flat"])
        );
    }
    for row in value["distance"].as_array().into_iter().flatten() {
        text += &format!(
            "distance {}: {} ticks of {} {}\n",
            cell(&row["limit"]),
            cell(&row["ticks"]),
            cell(&row["contracts"]),
            cell(&row["symbol"])
        );
    }
    for (what, said) in [("unknown ", &value["unknown"]), ("held    ", &value["held_back"])] {
        if let Some(said) = said.as_str() {
            text += &format!("{what} {said}\n");
        }
    }
    text
}
