//! `tradewind arm-api` and `disarm-api`: whether programs at the HTTP port may add risk.

use super::{Result, Shell, ShellError, choose_account, told};
use crate::app::paths::Paths;
use crate::domain::SafeText;
use crate::engine::{Command, programs};
use serde_json::json;

/// Lets programs add risk in an account for a time.
///
/// # Errors
/// A time that can't be understood (wrong usage), a refusal, or no engine.
pub async fn arm_programs(
    paths: &Paths,
    time: &str,
    confirmation: &str,
    account: Option<&str>,
    json: bool,
) -> Result<()> {
    let minutes = programs::minutes(time).map_err(ShellError::Usage)?;
    let mut shell = Shell::connect(paths, json).await?;
    let (state, _) = shell.state().await?;
    let default = shell.status().await?.default_account;
    let account = choose_account(&state, account, default)?;
    let command = Command::ArmPrograms {
        account,
        confirmation: SafeText::new(confirmation),
        minutes,
    };
    let note = told(shell.engine.command(command).await?)?;
    let (state, _) = shell.state().await?;
    let until = state.programs_armed.get(&account).map(ToString::to_string);
    let value =
        json!({"account": account.account.as_str(), "broker": account.broker.as_str(), "until": until});
    shell.print(&value, || note.map_or("done".to_owned(), |note| note.to_string()))
}

/// Stops letting them.
///
/// # Errors
/// A refusal, or no engine.
pub async fn disarm_programs(paths: &Paths, account: Option<&str>, json: bool) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let (state, _) = shell.state().await?;
    let default = shell.status().await?.default_account;
    let account = choose_account(&state, account, default)?;
    told(shell.engine.command(Command::DisarmPrograms { account }).await?)?;
    let value =
        json!({"account": account.account.as_str(), "broker": account.broker.as_str(), "until": null});
    shell.print(&value, || format!("programs may no longer add risk in {account}"))
}
