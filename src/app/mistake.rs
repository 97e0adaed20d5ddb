//! What the settings ask for can't be, and only other settings or the files that they name help: an exit code of its own, so that whoever
//! starts engines by himself (systemd) does not try again and again. What may mend itself (a port that is taken, a full disk) is none of
//! these. The settings' own errors, with file, line and key, are `config`'s.

/// A mistake in the settings, in words, with its cause.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Mistake(String);

impl Mistake {
    /// An error that comes from the settings alone.
    pub fn new(error: impl Into<anyhow::Error>) -> Self {
        Self(format!("{:#}", error.into()))
    }
}

/// The exit code of a start that the settings forbid: EX_CONFIG of sysexits.h, which systemd knows too.
pub const EXIT_CODE: u8 = 78;
