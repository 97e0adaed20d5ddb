//! `tradewind attach wss://…`: what a person gives to reach an engine elsewhere, and what is remembered of it. The key comes
//! from the environment or a file, never from the command line, where every process could read it. The certificate is the
//! one that was pinned, the one that was taken before, or one that this machine trusts; otherwise a person is asked, once.

use super::paths::{self, Paths};
use super::serve::build;
use crate::attach::{AttachError, Attached, Place, Remote, Trust, TrustError};
use crate::engine::SessionKind;
use crate::wire::parse_fingerprint;
use anyhow::{Context, Result, bail};
use std::fs::OpenOptions;
use std::io::{BufRead, IsTerminal, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the key is looked for.
const KEY_VARIABLE: &str = "TRADEWIND_KEY";
/// The largest file of a key.
const KEY_MAX: u64 = 16 * 1024;
/// How long between two tries to come back to an engine of this machine.
const AGAIN_AFTER: Duration = Duration::from_millis(300);
/// The longest between two tries to come back to one elsewhere.
const AGAIN_AT_MOST: Duration = Duration::from_secs(5);
/// How long until one that refused is asked again.
const AGAIN_WHEN_REFUSED: Duration = Duration::from_secs(30);

/// What a person gave.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Where the engine is.
    pub place: Place,
    /// The file of the key.
    pub key_file: Option<PathBuf>,
    /// The fingerprint of the certificate, as typed.
    pub pin: Option<String>,
}

impl Wish {
    /// The profile in which a terminal keeps what it remembers of this engine.
    pub fn profile(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let host: String = self.place.host.chars().map(plain).take(28).collect();
        format!("at-{host}-{}", self.place.port)
    }
}

/// The engine that a desk is attached to.
#[derive(Clone, Debug)]
pub(super) enum Engine {
    /// On this machine.
    Here(Paths),
    /// Elsewhere.
    There(Box<Remote>),
}

impl Engine {
    /// Attaches once.
    pub(super) async fn attach(&self, kind: SessionKind) -> Result<Attached, AttachError> {
        match self {
            Self::Here(paths) => Attached::connect(&paths.socket(), kind, &build()).await,
            Self::There(remote) => Attached::connect_remote(remote, kind, &build()).await,
        }
    }
    /// How long to wait before the next try, after so many in vain. Where a key or a certificate was refused, trying often
    /// only looks like guessing.
    pub(super) fn again_after(&self, tries: u32, refused: bool) -> Duration {
        match self {
            Self::Here(_) => AGAIN_AFTER,
            Self::There(_) if refused => AGAIN_WHEN_REFUSED,
            Self::There(_) => AGAIN_AFTER.saturating_mul(1 << tries.min(10)).min(AGAIN_AT_MOST),
        }
    }
}

/// Attaches to an engine elsewhere for the first time; a person is asked about a certificate that nobody knows.
///
/// # Errors
/// There is no key, the engine can't be reached or trusted, or it refuses.
pub(super) async fn attach(wish: &Wish, kind: SessionKind) -> Result<(Engine, Attached)> {
    let known = Known::usual()?;
    let key = key(wish.key_file.as_deref())?;
    let name = wish.place.name();
    let remembered = if wish.place.encrypted {
        known.of(&name)?
    } else {
        None
    };
    let mut remote = Remote {
        place: wish.place.clone(),
        key,
        trust: trust(wish, remembered, &known)?,
        terminal: ulid::Ulid::generate().to_string(),
    };
    let attached = match Attached::connect_remote(&remote, kind, &build()).await {
        Err(AttachError::Trust(TrustError::Unknown { place, shown, why })) if can_ask() => {
            if !agrees(&place, &shown, &why)? {
                bail!("not attached: nothing was sent, and the key was not shown");
            }
            known.remember(&name, &shown)?;
            remote.trust = trust(wish, Some(shown), &known)?;
            Attached::connect_remote(&remote, kind, &build()).await?
        }
        other => other?,
    };
    Ok((Engine::There(Box::new(remote)), attached))
}

fn trust(wish: &Wish, remembered: Option<String>, known: &Known) -> Result<Trust> {
    if let Some(pin) = &wish.pin {
        return Ok(Trust::Pin {
            known: parse_fingerprint(pin).map_err(|what| anyhow::anyhow!("--pin: {what}"))?,
            remedy: "give the new one with --pin".to_owned(),
        });
    }
    Ok(match remembered {
        Some(fingerprint) => Trust::Pin {
            known: fingerprint,
            remedy: format!(
                "take the line of {} out of {}",
                wish.place.name(),
                known.0.display()
            ),
        },
        None => Trust::System,
    })
}

fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks about a certificate that nobody knows. Anything but yes is no.
fn agrees(place: &str, shown: &str, why: &str) -> Result<bool> {
    let mut err = std::io::stderr().lock();
    write!(
        err,
        "{place} shows a certificate that is not known here ({why}):\n\n    {shown}\n\nCompare it with 'tradewind tls show' on the engine's machine. Is it the same, and shall it be remembered? [yes/no] "
    )?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

/// The key: out of the file that is named, or out of the environment.
fn key(file: Option<&Path>) -> Result<String> {
    let text = match file {
        Some(file) => {
            let told = || format!("--key-file: {}", file.display());
            let about = std::fs::metadata(file).with_context(told)?;
            if about.permissions().mode() & 0o077 != 0 {
                bail!(
                    "{}: others can read this key: make it private with chmod 600",
                    told()
                );
            }
            if about.len() > KEY_MAX {
                bail!("{}: is too large for a key", told());
            }
            std::fs::read_to_string(file).with_context(told)?
        }
        None => std::env::var(KEY_VARIABLE).unwrap_or_default(),
    };
    let key = text.trim();
    if key.is_empty() {
        bail!(
            "an engine elsewhere wants a key, from {KEY_VARIABLE} or --key-file FILE; 'tradewind api-key add NAME --role trade' on its machine makes one"
        );
    }
    Ok(key.to_owned())
}

/// The certificates that a person took before: a file with a line for each engine, its host and port and the fingerprint.
#[derive(Debug)]
struct Known(PathBuf);

impl Known {
    fn usual() -> Result<Self> {
        let config = paths::platform_config_file().context("no home folder: known engines can't be kept")?;
        Ok(Self(config.with_file_name("known_engines")))
    }
    fn lines(&self) -> Result<Vec<String>> {
        match std::fs::read_to_string(&self.0) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).with_context(|| format!("{} can't be read", self.0.display())),
        }
    }
    /// What is known of an engine. A line that can't be read is an error: it may be the one that matters.
    fn of(&self, name: &str) -> Result<Option<String>> {
        for (number, line) in self.lines()?.iter().enumerate() {
            let mut words = line.split_whitespace();
            let Some(engine) = words.next().filter(|word| !word.starts_with('#')) else {
                continue;
            };
            if engine == name {
                let fingerprint = parse_fingerprint(words.next().unwrap_or_default());
                return fingerprint.map(Some).map_err(|what| {
                    anyhow::anyhow!(
                        "{}:{}: {what}; mend or remove the line",
                        self.0.display(),
                        number + 1
                    )
                });
            }
        }
        Ok(None)
    }
    fn remember(&self, name: &str, fingerprint: &str) -> Result<()> {
        let told = || format!("{} can't be written", self.0.display());
        if let Some(folder) = self.0.parent() {
            std::fs::create_dir_all(folder).with_context(told)?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.0)
            .with_context(told)?;
        // One write: two terminals that add at once leave two whole lines.
        file.write_all(format!("{name} {fingerprint}\n").as_bytes())
            .with_context(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_once_is_known_from_then_on_and_a_spoiled_line_is_no_consent() {
        let folder = tempfile::tempdir().unwrap();
        let known = Known(folder.path().join("deep/known_engines"));
        let print = format!("sha256:{}", "ab".repeat(32));
        assert_eq!(known.of("a:1").unwrap(), None);
        known.remember("a:1", &print).unwrap();
        known.remember("[::1]:2", &print).unwrap();
        assert_eq!(known.of("a:1").unwrap(), Some(print.clone()));
        assert_eq!(known.of("[::1]:2").unwrap(), Some(print));
        assert_eq!(known.of("a:12").unwrap(), None);
        assert_eq!(
            std::fs::metadata(&known.0).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::write(&known.0, "# mine\n\na:1 sha256:12\n").unwrap();
        let said = known.of("a:1").unwrap_err().to_string();
        assert!(said.contains("known_engines:3"), "{said}");
    }

    #[test]
    fn a_key_that_others_can_read_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, " tw_abc\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(key(Some(&file)).unwrap_err().to_string().contains("chmod 600"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(key(Some(&file)).unwrap(), "tw_abc");
        std::fs::write(&file, "\n").unwrap();
        assert!(
            key(Some(&file))
                .unwrap_err()
                .to_string()
                .contains("TRADEWIND_KEY")
        );
    }
}
