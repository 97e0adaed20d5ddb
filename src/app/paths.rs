//! Where a profile keeps its things. One folder a profile: journal, the exchange's books, bars; and a run folder with the
//! socket, the lock and the log, closed to other users.

use super::mistake::Mistake;
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The longest path a Unix socket may have on Linux (108 with its end mark).
const SOCKET_PATH_MAX: usize = 100;

/// The folders and files of one profile.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The profile's folder.
    pub profile: PathBuf,
}

impl Paths {
    /// The profile's folder under `data_dir`, or under the platform's place for data where that is empty.
    ///
    /// # Errors
    /// A profile name that is no plain file name, or no home folder.
    pub fn new(data_dir: &str, profile: &str) -> Result<Self> {
        let plain = !profile.is_empty()
            && profile.len() <= 40
            && profile
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !plain {
            let what = format!(
                "'{}' is no profile name: letters, digits, - and _ only, at most 40",
                profile.escape_default()
            );
            return Err(Mistake::new(anyhow::Error::msg(what)).into());
        }
        let base = if data_dir.is_empty() {
            platform_data_dir()?
        } else {
            PathBuf::from(data_dir)
        };
        let base =
            std::path::absolute(&base).with_context(|| format!("the data folder {}", base.display()))?;
        Ok(Self {
            profile: base.join(profile),
        })
    }
    /// The journal of events.
    pub fn journal(&self) -> PathBuf {
        self.profile.join("journal.db")
    }
    /// The built-in exchange's own books.
    pub fn venue(&self) -> PathBuf {
        self.profile.join("venue.db")
    }
    /// Who may come in by the network.
    pub fn doors(&self) -> PathBuf {
        self.profile.join("doors.db")
    }
    /// What all keys of the doors are derived from.
    pub fn doors_secret(&self) -> PathBuf {
        self.profile.join("doors.secret")
    }
    /// The certificate of our own making, and its key.
    pub fn tls(&self) -> PathBuf {
        self.profile.join("tls.pem")
    }
    /// Where the HTTP port listens, while it does.
    pub fn http_address(&self) -> PathBuf {
        self.run().join("http.address")
    }
    /// The log of availability.
    pub fn availability(&self) -> PathBuf {
        self.profile.join("availability.db")
    }
    /// What accounts won day by day.
    pub fn pnl_days(&self) -> PathBuf {
        self.profile.join("pnl.db")
    }
    /// Stored bars.
    pub fn bars(&self) -> PathBuf {
        self.profile.join("bars.db")
    }
    /// Which accounts of brokers an engine of this data folder trades: beside the profiles, because they must not share one.
    pub fn accounts(&self) -> PathBuf {
        self.profile.with_file_name(".accounts")
    }
    /// What the terminal remembers of itself.
    pub fn terminal(&self) -> PathBuf {
        self.profile.join("terminal.toml")
    }
    /// Socket, lock, pid and log.
    pub fn run(&self) -> PathBuf {
        self.profile.join("run")
    }
    /// The lock that decides who is the engine.
    pub fn lock(&self) -> PathBuf {
        self.run().join("engine.lock")
    }
    /// The engine's socket; a short path elsewhere where the run folder's would be too long for a socket.
    pub fn socket(&self) -> PathBuf {
        self.socket_named("engine.sock")
    }
    /// A file that halts the engine while it is there.
    pub fn halt(&self) -> PathBuf {
        self.run().join("halt")
    }
    /// The gateway's ledger of its clients' orders.
    pub fn gateway(&self) -> PathBuf {
        self.profile.join("gateway.db")
    }
    /// Where a gateway takes an operator's words.
    pub fn gateway_socket(&self) -> PathBuf {
        self.socket_named("gateway.sock")
    }
    fn socket_named(&self, name: &str) -> PathBuf {
        let usual = self.run().join(name);
        if usual.as_os_str().len() <= SOCKET_PATH_MAX {
            return usual;
        }
        use sha2::Digest;
        let digest = sha2::Sha256::digest(usual.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        short_run_dir().join(format!("{name}.sock"))
    }
    /// Makes the folders, private to this user.
    ///
    /// # Errors
    /// A folder that can't be made or made private.
    pub fn create(&self) -> Result<()> {
        for folder in [self.profile.clone(), self.run()] {
            private_dir(&folder)?;
        }
        if let Some(parent) = self.socket().parent().filter(|parent| *parent != self.run()) {
            private_dir(parent)?;
        }
        Ok(())
    }
}

/// A per-user folder with a short name, for sockets whose usual path is too long.
fn short_run_dir() -> PathBuf {
    let uid = rustix::process::getuid().as_raw();
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(dir) if dir.len() < 60 && !dir.is_empty() => PathBuf::from(dir).join("tradewind"),
        _ => PathBuf::from(format!("/tmp/tradewind-{uid}")),
    }
}

/// Which accounts of brokers an engine of this user trades, whatever its data folder; nothing where the user has no home.
pub fn user_accounts() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let base = etcetera::choose_base_strategy().ok()?;
    let state = base.state_dir().unwrap_or_else(|| base.data_dir());
    Some(state.join("tradewind").join("accounts"))
}

fn private_dir(path: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("can't make the folder {}", path.display()))?;
    let metadata = fs::symlink_metadata(path)?;
    use std::os::unix::fs::MetadataExt;
    if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
        bail!(
            "{} is not a folder of this user; choose another with --data-dir",
            path.display()
        );
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .with_context(|| format!("can't make {} private", path.display()))?;
    }
    Ok(())
}

fn platform_data_dir() -> Result<PathBuf> {
    use etcetera::BaseStrategy;
    let base = etcetera::choose_base_strategy().context("no home folder: give a place with --data-dir")?;
    Ok(base.data_dir().join("tradewind"))
}

/// Where config.toml is looked for when none is named.
pub fn platform_config_file() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    Some(
        etcetera::choose_base_strategy()
            .ok()?
            .config_dir()
            .join("tradewind")
            .join("config.toml"),
    )
}
