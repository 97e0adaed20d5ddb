//! `tradewind api-key`: makes, lists and removes the keys by which programs come in. Works whether an engine runs or not; one
//! that runs sees the change with the next call.

use super::clock::wall;
use super::doors;
use super::paths::Paths;
use super::shell::table;
use crate::domain::{AccountId, Timestamp};
use crate::server::doors::{KeyBook, KeySpec, Role, StoredKey};
use anyhow::{Result, bail};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

/// What a new key is to be, as typed.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Its name.
    pub name: String,
    /// `view`, `trade` or `admin`.
    pub role: String,
    /// Accounts it may see; none for all.
    pub accounts: Vec<String>,
    /// Days until it ends; none for never.
    pub days: Option<u32>,
    /// Addresses from which it may be used; none for any.
    pub addresses: Vec<String>,
    /// Parts of the API that it may call; none for all.
    pub scopes: Vec<String>,
    /// Whether each call has to be signed.
    pub signed: bool,
}

fn book(paths: &Paths) -> Result<KeyBook> {
    paths.create()?;
    Ok(KeyBook::open(&paths.doors())?)
}

/// Accounts by their names; none for all.
pub(super) fn accounts(names: &[String]) -> Result<Option<BTreeSet<AccountId>>> {
    let mut accounts = BTreeSet::new();
    for name in names {
        match AccountId::new(name) {
            Ok(id) => accounts.insert(id),
            Err(_) => bail!("'{name}' is no name of an account"),
        };
    }
    Ok((!accounts.is_empty()).then_some(accounts))
}

/// Makes a key and prints it: the only time that it is shown.
///
/// # Errors
/// A word is not understood, the name is taken, or the book can't be written.
pub fn add(paths: &Paths, wish: &Wish, json: bool) -> Result<()> {
    let now = wall();
    let accounts = accounts(&wish.accounts)?;
    let mut addresses = BTreeSet::new();
    for text in &wish.addresses {
        match text.parse() {
            Ok(address) => addresses.insert(address),
            Err(_) => bail!("'{text}' is no address, such as 192.168.1.20"),
        };
    }
    let role: Role = wish.role.parse().map_err(anyhow::Error::msg)?;
    let until = |days: u32| now.after(Duration::from_secs(86_400 * u64::from(days)));
    let spec = KeySpec {
        name: wish.name.clone(),
        role,
        accounts,
        expires: wish.days.map(until),
        addresses,
        scopes: (!wish.scopes.is_empty()).then(|| wish.scopes.iter().cloned().collect()),
        signed: wish.signed,
    };
    let key = book(paths)?.add(&spec, &doors::secret(paths)?, now)?;
    doors::note(paths, "key.add", &format!("{} ({role}), {}", spec.name, key.id))?;
    let mut out = std::io::stdout().lock();
    if json {
        let value = json!({"name": spec.name, "id": key.id, "role": role.word(), "token": key.token, "signed": spec.signed});
        writeln!(out, "{value}")?;
    } else {
        writeln!(out, "{}", key.token)?;
        let mut told = std::io::stderr().lock();
        writeln!(
            told,
            "this is the only time that the key '{}' ({role}) is shown",
            spec.name
        )?;
    }
    Ok(())
}

/// Lists the keys, without what proves them.
///
/// # Errors
/// The book can't be read.
pub fn list(paths: &Paths, json: bool) -> Result<()> {
    let keys = book(paths)?.all()?;
    let mut out = std::io::stdout().lock();
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    if json {
        let rows: Vec<_> = keys
            .iter()
            .map(|key| {
                json!({"id": key.id, "name": key.name, "role": key.role.word(), "made": key.made.to_string(),
                       "signed": key.is_signed(), "scopes": key.scopes,
                       "expires": time(key.expires),
                       "accounts": key.accounts.as_ref().map(|ids| ids.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>()),
                       "addresses": key.addresses.iter().map(ToString::to_string).collect::<Vec<_>>()})
            })
            .collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
        return Ok(());
    }
    if keys.is_empty() {
        writeln!(
            std::io::stderr().lock(),
            "no keys: 'tradewind api-key add NAME --role view' makes one"
        )?;
    }
    let rows: Vec<Vec<String>> = keys.iter().map(row).collect();
    if !rows.is_empty() {
        writeln!(out, "{}", table(&HEAD, &rows))?;
    }
    Ok(())
}

const HEAD: [&str; 8] = [
    "id",
    "name",
    "role",
    "accounts",
    "scopes",
    "addresses",
    "calls",
    "ends",
];

/// A key for people: what is not narrowed down says so in a word.
fn row(key: &StoredKey) -> Vec<String> {
    let listed = |names: Vec<String>, all: &str| match names.is_empty() {
        true => all.to_owned(),
        false => names.join(","),
    };
    let accounts = key.accounts.iter().flatten().map(|id| id.as_str().to_owned());
    let scopes = key.scopes.iter().flatten().cloned();
    let addresses = key.addresses.iter().map(ToString::to_string);
    // To the minute: seconds of a day's end help nobody.
    let ends = |at: Timestamp| at.to_string().chars().take(16).collect::<String>() + "Z";
    vec![
        key.id.clone(),
        key.name.clone(),
        key.role.word().to_owned(),
        listed(accounts.collect(), "all"),
        listed(scopes.collect(), "all"),
        listed(addresses.collect(), "any"),
        if key.is_signed() { "signed" } else { "token" }.to_owned(),
        key.expires.map_or_else(|| "never".to_owned(), ends),
    ]
}

/// Takes a key away.
///
/// # Errors
/// There is none of this name, or the book can't be written.
pub fn remove(paths: &Paths, name: &str) -> Result<()> {
    if book(paths)?.remove(name)? {
        return doors::note(paths, "key.remove", name);
    }
    bail!("there is no key '{name}'; 'tradewind api-key list' shows them")
}
