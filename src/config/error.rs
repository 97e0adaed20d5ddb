//! The one error of this folder: where, which key, what is wrong, and what would be right.

use super::load::Source;
use std::fmt;
use std::path::PathBuf;

/// Why the settings can't be used. Shown to people as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// The file could not be read.
    Unreadable {
        /// Which.
        file: PathBuf,
        /// What the system said.
        what: String,
    },
    /// The file is not TOML from here on.
    Syntax {
        /// Where.
        source: Source,
        /// What the parser met.
        what: String,
    },
    /// No setting has this name.
    UnknownKey {
        /// Where.
        source: Source,
        /// The whole key, such as `terminal.them`.
        key: String,
        /// The whole key that was probably meant.
        nearest: Option<String>,
        /// The keys there are in that place.
        known: Vec<String>,
    },
    /// The value is of the wrong kind or out of range.
    BadValue {
        /// Where.
        source: Source,
        /// The whole key.
        key: String,
        /// What is wrong and what would be right.
        what: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { file, what } => {
                write!(
                    f,
                    "{}: cannot be read: {what}; name another with --config",
                    file.display()
                )
            }
            Self::Syntax { source, what } => write!(f, "{source}: not valid TOML: {what}"),
            Self::UnknownKey {
                source,
                key,
                nearest,
                known,
            } => {
                write!(f, "{source}: unknown key '{key}'; ")?;
                match nearest {
                    Some(nearest) => write!(f, "did you mean '{nearest}'?"),
                    None => write!(f, "there are: {}", known.join(", ")),
                }
            }
            Self::BadValue { source, key, what } => write!(f, "{source}: {key}: {what}"),
        }
    }
}
impl std::error::Error for ConfigError {}
