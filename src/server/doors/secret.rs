//! The profile's secret: 32 bytes of chance in a file that only this user may read. Every key that the doors need is derived
//! from it for one purpose, so that what is known of one says nothing of another, and a copy of the book alone opens nothing.

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Letters that can't be mistaken for one another: what people may have to type.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Bytes of the secret.
const LENGTH: usize = 32;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file can't be read or made.
    #[error("the doors' secret {path} can't be used: {why}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        why: std::io::Error,
    },
    /// Others may read it, or it is not what this program writes.
    #[error("the doors' secret {path} {what}")]
    Wrong {
        /// The file.
        path: String,
        /// What is wrong, and what to do.
        what: &'static str,
    },
    /// Chance is not to be had.
    #[error("the system gave no random numbers")]
    Chance,
}

/// The secret. Never shown, not in debugging output either.
#[derive(Clone)]
pub struct Secret(hmac::Key);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Reads the file, or makes one where there is none.
    ///
    /// # Errors
    /// It can't be read or made, or others may read it.
    pub fn open(path: &Path) -> Result<Self, SecretError> {
        let file_error = |why| SecretError::File {
            path: path.display().to_string(),
            why,
        };
        let wrong = |what| SecretError::Wrong {
            path: path.display().to_string(),
            what,
        };
        if !path.exists() {
            make(path).map_err(|error| error.map_or(SecretError::Chance, file_error))?;
        }
        let mode = std::fs::metadata(path).map_err(file_error)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(wrong("may be read by others: chmod 600, and sign everybody out"));
        }
        let text = std::fs::read_to_string(path).map_err(file_error)?;
        let bytes = unhex(text.trim()).filter(|bytes| bytes.len() == LENGTH);
        let bytes = bytes.ok_or_else(|| {
            wrong(
                "is no secret of this program: put it aside, and one is made; then everybody signs in again",
            )
        })?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }
    /// A key for one purpose.
    pub fn key(&self, purpose: &str) -> hmac::Key {
        hmac::Key::new(
            hmac::HMAC_SHA256,
            hmac::sign(&self.0, purpose.as_bytes()).as_ref(),
        )
    }
}

/// Writes a new secret beside and moves it into place, so that a half-written one is never read. Where another process was
/// quicker, its secret stays.
fn make(path: &Path) -> Result<(), Option<std::io::Error>> {
    let text = hex(&chance_bytes::<LENGTH>().ok_or(None)?);
    let suffix = hex(&chance_bytes::<4>().ok_or(None)?);
    let beside = path.with_extension(suffix);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .map_err(Some)?;
    let written = writeln!(file, "{text}").and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match std::fs::hard_link(&beside, path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    let _ = std::fs::remove_file(&beside);
    linked.map_err(Some)
}

/// Bytes of chance; nothing where the system gives none.
pub(super) fn chance_bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0_u8; N];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes)
}

/// So many characters of chance, five bits each.
pub fn chance_text(length: usize) -> Option<String> {
    let mut bytes = vec![0_u8; length];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(letters(&bytes))
}

/// Five bits of each byte as a letter.
pub(super) fn letters(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]))
        .collect()
}

/// Bytes as hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Hexadecimal text as bytes; nothing where it is none.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_private_and_refused_where_others_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("doors.secret");
        let tag = |secret: &Secret| hmac::sign(&secret.key("a"), b"x").as_ref().to_vec();
        let (one, two) = (Secret::open(&path).unwrap(), Secret::open(&path).unwrap());
        assert_eq!(tag(&one), tag(&two));
        assert_ne!(tag(&one), hmac::sign(&one.key("b"), b"x").as_ref());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Secret::open(&path), Err(SecretError::Wrong { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "cut").unwrap();
        assert!(matches!(Secret::open(&path), Err(SecretError::Wrong { .. })));
    }
}
