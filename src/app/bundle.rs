//! `tradewind bundle`: one file that helps others to help: versions, settings, what the doctor found, the last lines of the
//! log, availability. Nothing goes into it as it is: every text passes a mask that takes out tokens, passwords and addresses that
//! work by being known, and gives accounts, people and keys other names, the same one everywhere.

use super::availability;
use super::clock::wall;
use super::doctor::{self, Report};
use super::logging;
use super::paths::Paths;
use super::run_lock;
use super::serve::build;
use crate::config::Loaded;
use crate::server::doors::{KeyBook, UserBook};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;

/// Of each log file at most so much, from its end; and of so many files.
const LOG_BYTES: u64 = 512 * 1024;
const LOG_FILES: usize = 4;
/// Settings that are nobody's to read, by their keys.
const SECRET: [&str; 6] = [
    "alerts.webhook",
    "alerts.command",
    "alerts.smtp_user",
    "alerts.mail_from",
    "alerts.mail_to",
    "sim.accounts",
];
/// A word after one of these is masked.
const BEFORE_SECRETS: [&str; 8] = [
    "password",
    "passwd",
    "secret",
    "token",
    "bearer",
    "authorization",
    "apikey",
    "api_key",
];
/// Names that a person or a key may have and that mean something else in what the program says.
const OUR_WORDS: [&str; 7] = ["view", "trade", "admin", "local", "root", "engine", "sim"];
/// Words without a name that are as long as this are taken for secrets.
const LONG: usize = 32;

/// Takes secrets out of texts, and names accounts anew.
#[derive(Debug, Default)]
pub(super) struct Mask {
    accounts: BTreeMap<String, String>,
    /// People and keys.
    names: BTreeMap<String, String>,
    home: Option<String>,
}

impl Mask {
    /// With the accounts that are known; others are told by how they look.
    pub(super) fn new(accounts: impl IntoIterator<Item = String>) -> Self {
        let mut mask = Self {
            accounts: BTreeMap::new(),
            names: BTreeMap::new(),
            home: std::env::var("HOME").ok().filter(|home| home.len() > 1),
        };
        for account in accounts.into_iter().filter(|account| !account.is_empty()) {
            mask.name(&account);
        }
        mask
    }
    /// Gives people, or keys, other names. What the program's own words are stays: a text without them says nothing.
    fn rename(&mut self, what: &str, names: impl IntoIterator<Item = String>) {
        let known = self.names.len();
        let theirs = names
            .into_iter()
            .filter(|name| !name.is_empty() && !OUR_WORDS.contains(&name.as_str()));
        for (turn, name) in theirs.enumerate() {
            let other = format!("{what}-{}", known + turn + 1);
            self.names.entry(name).or_insert(other);
        }
    }
    fn name(&mut self, account: &str) -> String {
        let next = format!("account-{}", self.accounts.len() + 1);
        self.accounts.entry(account.to_owned()).or_insert(next).clone()
    }
    /// The text without what is nobody's to read.
    pub(super) fn text(&mut self, text: &str) -> String {
        let text = match &self.home {
            Some(home) => text.replace(home.as_str(), "~"),
            None => text.to_owned(),
        };
        let parted = self.names.iter().filter(|(name, _)| !name.chars().all(is_word));
        let text = parted.fold(text, |text, (name, other)| text.replace(name.as_str(), other));
        let mut out = String::with_capacity(text.len());
        let (mut secret_next, mut in_address) = (false, false);
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            if end == 0 {
                // What follows scheme://host/ works by being known.
                in_address |= rest.starts_with("://");
                if c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ')') {
                    in_address = false;
                }
                // What follows a point in a token belongs to it.
                secret_next |= c == '.' && out.ends_with("***") && rest[1..].starts_with(is_word);
                secret_next &= !matches!(c, '\n' | ',' | ';' | '{' | '}');
                out.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
            let (word, after) = rest.split_at(end);
            let lower = word.to_ascii_lowercase();
            let path_part =
                in_address && out.ends_with(['/', '?', '=', '&', '@', '#']) && !out.ends_with("://");
            let of_mail = after.starts_with('@') || (out.ends_with('@') && !in_address);
            if path_part
                || of_mail
                || (secret_next && !BEFORE_SECRETS.contains(&lower.as_str()))
                || is_secret(word)
            {
                out.push_str("***");
            } else if self.accounts.contains_key(word) || is_account(word) {
                out.push_str(&self.name(word));
            } else {
                out.push_str(self.names.get(word).map_or(word, String::as_str));
            }
            secret_next = BEFORE_SECRETS.iter().any(|name| lower.ends_with(name));
            rest = after;
        }
        out
    }
    /// The same for every text in a value, and for accounts as keys.
    pub(super) fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::from(self.text(text)),
            Value::Array(all) => all.iter().map(|one| self.value(one)).collect(),
            Value::Object(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(key, value)| (self.text(key), self.value(value)))
                    .collect(),
            ),
            other => other.clone(),
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+') || !c.is_ascii()
}

/// Our own tokens, tokens of the usual form, and whatever is long and without a name.
fn is_secret(word: &str) -> bool {
    let mixed = word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().any(|b| b.is_ascii_alphabetic());
    word.starts_with("tw_") || (word.starts_with("eyJ") && word.len() > 12) || (word.len() >= LONG && mixed)
}

/// How Interactive Brokers and the exchange in the box name accounts: letters, and at least five digits.
fn is_account(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let letters = word.len() - digits.len();
    (1..=4).contains(&letters)
        && (5..=10).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Writes the bundle; the names of what is in it. With `loaded` missing the settings could not be read.
///
/// # Errors
/// The file is there already or can't be written.
pub fn write(
    file: &Path,
    loaded: Option<&Loaded>,
    paths: Option<&Paths>,
    report: &Report,
    accounts: Vec<String>,
) -> Result<Vec<String>> {
    ensure!(
        !file.exists(),
        "{} is there already: name another file",
        file.display()
    );
    let mut mask = Mask::new(
        accounts
            .into_iter()
            .chain(loaded.into_iter().flat_map(configured)),
    );
    if let Some(paths) = paths {
        let (people, keys) = known_at_the_doors(paths);
        mask.rename("user", people);
        mask.rename("key", keys);
    }
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut put = |name: &str, value: &Value| parts.push((name.to_owned(), format!("{value:#}\n")));
    put("versions.json", &versions());
    put("doctor.json", &mask.value(&hidden_settings(report.json())));
    if let Some(loaded) = loaded {
        put("settings.json", &mask.value(&settings(loaded)));
    }
    if let Some(paths) = paths {
        // A profile without an engine so far has none.
        let running = run_lock::holder(paths).is_some();
        if let Ok(days) = availability::json(&paths.availability(), running, wall()) {
            put("availability.json", &mask.value(&days));
        }
        let folder = loaded.map_or_else(
            || paths.run(),
            |loaded| logging::folder(&loaded.settings.log, paths),
        );
        for log in logs(&folder) {
            let name = log
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let text = tail(&log).with_context(|| format!("can't read {}", log.display()))?;
            let text = text.lines().map(|line| mask.text(line) + "\n").collect();
            parts.push((format!("log/{name}"), text));
        }
    }
    let out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    let out = out.with_context(|| format!("can't make {}", file.display()))?;
    let mut zip = zip::ZipWriter::new(out);
    for (name, text) in &parts {
        zip.start_file(name.as_str(), SimpleFileOptions::default())?;
        zip.write_all(text.as_bytes())?;
    }
    zip.finish()?.sync_all()?;
    Ok(parts.into_iter().map(|(name, _)| name).collect())
}

fn versions() -> Value {
    let inside = ["TMUX", "STY", "SSH_CONNECTION", "container"];
    let inside: Vec<&str> = inside
        .into_iter()
        .filter(|name| std::env::var_os(name).is_some())
        .collect();
    json!({"tradewind": build(), "fold": crate::engine::FOLD_VERSION, "protocol": crate::wire::PROTOCOL_VERSION,
           "os": std::env::consts::OS, "machine": std::env::consts::ARCH,
           "kernel": rustix::system::uname().release().to_string_lossy(),
           "sqlite": rusqlite::version(),
           "terminal": std::env::var("TERM").unwrap_or_default(),
           "inside": inside})
}

/// Accounts that the settings name.
fn configured(loaded: &Loaded) -> Vec<String> {
    let settings = &loaded.settings;
    let sim = settings.sim.accounts.iter().map(|account| account.id.clone());
    sim.chain([settings.account.clone(), settings.broker.ibkr.account.clone()])
        .collect()
}

fn is_hidden(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
    let named = ["password", "secret", "token"]
        .iter()
        .any(|word| last.contains(word))
        && !last.ends_with("_file");
    named
        || SECRET
            .iter()
            .any(|secret| key == *secret || key.starts_with(&format!("{secret}.")))
}

/// The report's own list of settings, with secrets masked by their keys.
fn hidden_settings(mut report: Value) -> Value {
    for row in report["settings"].as_array_mut().into_iter().flatten() {
        if is_hidden(row["key"].as_str().unwrap_or_default()) {
            row["value"] = "***".into();
        }
    }
    report
}

/// Every effective setting by its whole key.
fn settings(loaded: &Loaded) -> Value {
    let mut all = serde_json::Map::new();
    if let Ok(tree) = serde_json::to_value(toml::Table::try_from(&loaded.settings).unwrap_or_default()) {
        flatten("", &tree, &mut all);
    }
    Value::Object(all)
}

fn flatten(before: &str, value: &Value, all: &mut serde_json::Map<String, Value>) {
    match value {
        Value::Object(fields) if !is_hidden(before) => {
            for (name, value) in fields {
                let key = if before.is_empty() {
                    name.clone()
                } else {
                    format!("{before}.{name}")
                };
                flatten(&key, value, all);
            }
        }
        value => {
            let unset = matches!(value, Value::String(text) if text.is_empty())
                || matches!(value, Value::Array(list) if list.is_empty());
            let value = if is_hidden(before) && !unset {
                "***".into()
            } else {
                value.clone()
            };
            all.insert(before.to_owned(), value);
        }
    }
}

/// The newest log files.
fn logs(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "log" || end == "out"))
        .collect();
    files.sort_by_key(|path| {
        std::cmp::Reverse(std::fs::metadata(path).and_then(|about| about.modified()).ok())
    });
    files.truncate(LOG_FILES);
    files
}

fn tail(file: &Path) -> std::io::Result<String> {
    let mut reader = std::fs::File::open(file)?;
    let size = reader.metadata()?.len();
    reader.seek(SeekFrom::Start(size.saturating_sub(LOG_BYTES)))?;
    let mut bytes = Vec::new();
    reader.take(LOG_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The people and keys that may come in, and who makes the bundle. What can't be read is left out: the log is masked by how
/// words look all the same.
fn known_at_the_doors(paths: &Paths) -> (Vec<String>, Vec<String>) {
    let mut people: Vec<String> = std::env::var("USER").into_iter().collect();
    if !paths.doors().exists() {
        return (people, Vec::new());
    }
    if let Ok(secret) = super::doors::secret(paths)
        && let Ok(mut book) = UserBook::open(&paths.doors(), &secret)
    {
        people.extend(book.all().unwrap_or_default().into_iter().map(|user| user.name));
    }
    let keys = KeyBook::open(&paths.doors()).and_then(|mut book| book.all());
    let keys = keys.unwrap_or_default().into_iter().map(|key| key.name);
    (people, keys.collect())
}

/// The accounts that an engine which runs knows of.
pub async fn accounts(paths: &Paths) -> Vec<String> {
    let asking = async {
        let mut shell = super::shell::Shell::connect(paths, false).await.ok()?;
        let (state, _) = shell.state().await.ok()?;
        Some(
            state
                .accounts
                .keys()
                .map(|key| key.account.as_str().to_owned())
                .collect(),
        )
    };
    let told = tokio::time::timeout(std::time::Duration::from_secs(5), asking).await;
    told.ok().flatten().unwrap_or_default()
}

/// The doctor's report for a bundle.
pub async fn report(loaded: &Loaded, paths: &Paths) -> Report {
    doctor::examine(loaded, paths, false).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_accounts_change_their_name_and_the_rest_stays() {
        let mut mask = Mask::new(["Main".to_owned()]);
        let told = mask.text(
            "order 7K01JD6Z1QK9Y3W6ZP5T4R2N8QXA for DU1234567 and Main by tw_abc12Zsecret; Authorization: Bearer eyJhbGciOi.J9x; password = \"hunter2\" port 7497 at 2026-11-27T04:32:13Z",
        );
        assert!(
            told.contains("7K01JD6Z1QK9Y3W6ZP5T4R2N8QXA for account-2 and account-1"),
            "{told}"
        );
        for secret in ["DU1234567", "Main", "tw_abc", "eyJ", "J9x", "hunter2"] {
            assert!(!told.contains(secret), "{secret}: {told}");
        }
        assert!(told.contains("port 7497 at 2026-11-27T04:32:13Z"), "{told}");
        let address = mask.text("posted to https://hooks.example.org/T0/B0/xyz?key=9 by itself");
        assert!(
            address.starts_with("posted to https://hooks.example.org/***") && address.ends_with(" by itself"),
            "{address}"
        );
        assert!(!address.contains("xyz") && !address.contains("=9"), "{address}");
        // The same account has the same name in every text.
        assert_eq!(mask.text("DU1234567"), "account-2");
        // People and keys have other names too, and what their names mean elsewhere stays.
        mask.rename("user", ["anna".to_owned(), "a.b".to_owned(), "admin".to_owned()]);
        mask.rename("key", ["phone".to_owned()]);
        assert_eq!(
            mask.text("anna (admin) and a.b by phone, annals"),
            "user-1 (admin) and user-2 by key-3, annals"
        );
        assert_eq!(
            mask.value(&json!({"U7654321": ["DU1234567"]})),
            json!({"account-3": ["account-2"]})
        );
    }
}
