//! `tradewind arm-api` and `disarm-api`: whether programs at the HTTP port may add risk.

use super::{Result, Shell, ShellError, choose_account, told};
use crate::app::paths::Paths;
use crate::domain::SafeText;
use crate::engine::{Command, programs};
use crate::server::doors::KeyBook;
use serde_json::json;

/// What is armed, as typed.
#[derive(Clone, Copy, Debug)]
pub struct Arming<'a> {
    /// For how long.
    pub time: &'a str,
    /// The last four of a live account.
    pub confirmation: &'a str,
    /// One key alone.
    pub key: Option<&'a str>,
}

/// Lets programs add risk in an account for a time.
///
/// # Errors
/// A time that can't be understood (wrong usage), a refusal, or no engine.
pub async fn arm_programs(paths: &Paths, wish: &Arming<'_>, account: Option<&str>, json: bool) -> Result<()> {
    let minutes = programs::minutes(wish.time).map_err(ShellError::Usage)?;
    let key = wish.key.map(|name| the_key(paths, name)).transpose()?;
    let mut shell = Shell::connect(paths, json).await?;
    let (state, _) = shell.state().await?;
    let default = shell.status().await?.default_account;
    let account = choose_account(&state, account, default)?;
    let command = Command::ArmPrograms {
        account,
        confirmation: SafeText::new(wish.confirmation),
        minutes,
        key: key.clone(),
    };
    let note = told(shell.engine.command(command).await?)?;
    let (state, _) = shell.state().await?;
    let until = match &key {
        None => state.programs_armed.get(&account),
        Some(key) => state.keys_armed.get(&(account, key.clone())),
    };
    let until = until.map(ToString::to_string);
    let value = json!({"account": account.account.as_str(), "broker": account.broker.as_str(), "key": key, "until": until});
    shell.print(&value, || note.map_or("done".to_owned(), |note| note.to_string()))
}

/// The name of the key that was typed, by its name or the characters that name it.
fn the_key(paths: &Paths, typed: &str) -> Result<SafeText> {
    let known = paths.doors().exists();
    let keys = known.then(|| KeyBook::open(&paths.doors()).and_then(|mut book| book.all()));
    let keys = keys.unwrap_or(Ok(Vec::new()));
    let keys =
        keys.map_err(|error| ShellError::Failed(format!("the book of keys can't be read: {error}")))?;
    let found = keys.iter().find(|key| key.name == typed || key.id == typed);
    found.map(|key| SafeText::new(&key.name)).ok_or_else(|| {
        ShellError::Usage(format!(
            "there is no key '{}'; 'tradewind api-key list' shows them",
            SafeText::new(typed)
        ))
    })
}

/// Stops letting them.
///
/// # Errors
/// A refusal, or no engine.
pub async fn disarm_programs(
    paths: &Paths,
    key: Option<&str>,
    account: Option<&str>,
    json: bool,
) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let (state, _) = shell.state().await?;
    let default = shell.status().await?.default_account;
    let account = choose_account(&state, account, default)?;
    // What a key that is gone was allowed can be ended too.
    let key = key.map(|typed| the_key(paths, typed).unwrap_or_else(|_| SafeText::new(typed)));
    let name = key.clone();
    told(
        shell
            .engine
            .command(Command::DisarmPrograms { account, key })
            .await?,
    )?;
    let value =
        json!({"account": account.account.as_str(), "broker": account.broker.as_str(), "until": null});
    shell.print(&value, || match name {
        None => format!("programs may no longer add risk in {account}"),
        Some(name) => format!("the key {name} may no longer add risk in {account} by an arming of its own"),
    })
}
