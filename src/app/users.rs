//! `tradewind user`: makes, lists, resets and removes the people who may sign in, and sets up their second factor. Works
//! whether an engine runs or not; one that runs sees the change with the next call. A password comes from a prompt that
//! shows nothing, from standard input or from a file, never from the command line, where others could read it.

use super::api_keys::accounts;
use super::clock::wall;
use super::doors;
use super::paths::Paths;
use crate::domain::AccountId;
use crate::server::doors::{Hashed, Role, UserBook, UserSpec, password, totp};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::Path;

/// What a new user is to be, as typed.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The name.
    pub name: String,
    /// `view`, `trade` or `admin`.
    pub role: String,
    /// Accounts it may see; none for all.
    pub accounts: Vec<String>,
}

/// Bytes that are read where a password is expected.
const READ_MAX: u64 = 4_096;

fn book(paths: &Paths) -> Result<UserBook> {
    paths.create()?;
    Ok(UserBook::open(&paths.doors(), &doors::secret(paths)?)?)
}

/// Makes a user.
///
/// # Errors
/// The name is taken, the password too weak, or the book can't be written.
pub fn add(paths: &Paths, wish: &Wish, file: Option<&Path>) -> Result<()> {
    let role: Role = wish.role.parse().map_err(anyhow::Error::msg)?;
    let spec = UserSpec {
        name: wish.name.clone(),
        role,
        accounts: accounts(&wish.accounts)?,
    };
    let mut book = book(paths)?;
    let password = secret_from(file, &wish.name)?;
    book.add(&spec, &Hashed::of(&password, &wish.name)?, wall())?;
    doors::note(paths, "user.add", &format!("{} ({role})", spec.name))?;
    say(&format!(
        "{} may sign in ({role}); 'tradewind user totp enrol {}' sets up a second factor",
        spec.name, spec.name
    ))
}

/// Lists the users.
///
/// # Errors
/// The book can't be read.
pub fn list(paths: &Paths, json: bool) -> Result<()> {
    let users = book(paths)?.all()?;
    let mut out = std::io::stdout().lock();
    let names = |ids: &std::collections::BTreeSet<AccountId>| -> Vec<String> {
        ids.iter().map(|id| id.as_str().to_owned()).collect()
    };
    if json {
        let rows: Vec<_> = users
            .iter()
            .map(|user| {
                json!({"name": user.name, "role": user.role.word(), "made": user.made.to_string(),
                       "accounts": user.accounts.as_ref().map(names), "second_factor": user.has_second_factor()})
            })
            .collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
        return Ok(());
    }
    if users.is_empty() {
        say("no users: 'tradewind user add NAME --role view' makes one")?;
    }
    for user in users {
        let seen = user
            .accounts
            .as_ref()
            .map_or_else(|| "all accounts".to_owned(), |ids| names(ids).join(","));
        let second = if user.has_second_factor() {
            "second factor"
        } else {
            "password alone"
        };
        writeln!(
            out,
            "{:<20} {:<6} {second:<15} {seen}",
            user.name,
            user.role.word()
        )?;
    }
    Ok(())
}

/// Gives a new password, and ends all sessions.
///
/// # Errors
/// There is no such user, the password is too weak, or the book can't be written.
pub fn reset(paths: &Paths, name: &str, file: Option<&Path>) -> Result<()> {
    let mut book = book(paths)?;
    book.user(name)?;
    let password = secret_from(file, name)?;
    book.reset(name, &Hashed::of(&password, name)?, None)?;
    doors::note(paths, "user.reset", name)?;
    say(&format!(
        "{name} has a new password, and is signed out everywhere"
    ))
}

/// Takes a user away, and all their sessions.
///
/// # Errors
/// There is no such user, or the book can't be written.
pub fn remove(paths: &Paths, name: &str) -> Result<()> {
    book(paths)?.remove(name)?;
    doors::note(paths, "user.remove", name)
}

/// Sets up a second factor: shows its secret, and takes a code of it.
///
/// # Errors
/// There is no such user, the code is wrong, or the book can't be written.
pub fn enrol(paths: &Paths, name: &str, profile: &str, json: bool) -> Result<()> {
    let mut book = book(paths)?;
    let secret = book.enrol(name)?;
    let mut out = std::io::stdout().lock();
    let address = totp::address(name, profile, &secret);
    if json {
        writeln!(
            out,
            "{}",
            json!({"secret": totp::base32(&secret), "uri": address})
        )?;
    } else {
        writeln!(out, "secret {}\n{address}", totp::base32(&secret))?;
    }
    out.flush()?;
    drop(out);
    doors::note(paths, "user.totp.enrol", name)?;
    if std::io::stdin().is_terminal() {
        return confirm(paths, name, json);
    }
    say(&format!(
        "this is the only time that it is shown; it counts once confirmed: 'tradewind user totp confirm {name}' reads a code"
    ))
}

/// Takes a code of a second factor that was begun, and shows recovery codes.
///
/// # Errors
/// Nothing was begun, the code is wrong, or the book can't be written.
pub fn confirm(paths: &Paths, name: &str, json: bool) -> Result<()> {
    let code = line_from("code of the authenticator: ", false)?;
    let codes = book(paths)?.confirm(name, code.trim(), wall())?;
    doors::note(paths, "user.totp.confirm", name)?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", json!({"recovery_codes": codes}))?;
        return Ok(());
    }
    for code in codes {
        writeln!(out, "{code}")?;
    }
    say(
        "the second factor counts from now on. Each of these codes opens once in its place; they are not shown again",
    )
}

/// Takes the second factor away.
///
/// # Errors
/// There is no such user, or the book can't be written.
pub fn drop_second(paths: &Paths, name: &str) -> Result<()> {
    book(paths)?.drop_second(name)?;
    doors::note(paths, "user.totp.remove", name)
}

fn say(words: &str) -> Result<()> {
    Ok(writeln!(std::io::stderr().lock(), "{words}")?)
}

/// A password: from a file, from standard input, or typed twice without being shown.
fn secret_from(file: Option<&Path>, user: &str) -> Result<String> {
    if let Some(path) = file {
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(READ_MAX).read_to_string(&mut text))
            .with_context(|| format!("{} can't be read", path.display()))?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    let first = line_from("password: ", true)?;
    if std::io::stdin().is_terminal() {
        password::check(&first, user).map_err(anyhow::Error::msg)?;
        if line_from("once more: ", true)? != first {
            bail!("the two are not the same");
        }
    }
    Ok(first)
}

/// One line of standard input; where a person types it, after a prompt, and unseen where it is `hidden`.
fn line_from(prompt: &str, hidden: bool) -> Result<String> {
    let stdin = std::io::stdin();
    let typed = stdin.is_terminal();
    let unseen = (typed && hidden).then(Unseen::new).transpose()?;
    if typed {
        let mut told = std::io::stderr().lock();
        write!(told, "{prompt}")?;
        told.flush()?;
    }
    let mut line = String::new();
    stdin.lock().take(READ_MAX).read_line(&mut line)?;
    if unseen.is_some() {
        say("")?;
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The terminal does not show what is typed while this lives.
struct Unseen(rustix::termios::Termios);

impl Unseen {
    fn new() -> Result<Self> {
        let stdin = std::io::stdin();
        let was = rustix::termios::tcgetattr(&stdin).context("the terminal can't be told to show nothing")?;
        let mut quiet = was.clone();
        quiet.local_modes.remove(rustix::termios::LocalModes::ECHO);
        rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Flush, &quiet)
            .context("the terminal can't be told to show nothing")?;
        Ok(Self(was))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        let now = rustix::termios::OptionalActions::Now;
        let _ = rustix::termios::tcsetattr(std::io::stdin(), now, &self.0);
    }
}
