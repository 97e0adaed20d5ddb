//! Passwords: what one has to be, and how it is kept (argon2id, 19 MiB, two passes). Hashing takes tens of milliseconds of a
//! core and is never done on a task.

use super::secret::chance_bytes;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Characters of a password at least.
pub const SHORTEST: usize = 12;
/// Bytes at most: more would only keep the machine busy.
pub const LONGEST: usize = 256;

/// Pieces of memory that are kept: as many as hash at once.
const KEPT: usize = 2;

/// Whether it may be a password of this user.
///
/// # Errors
/// Why not, in words.
pub fn check(password: &str, user: &str) -> Result<(), String> {
    if password.chars().count() < SHORTEST {
        return Err(format!("a password has at least {SHORTEST} characters"));
    }
    if password.len() > LONGEST {
        return Err(format!("a password has at most {LONGEST} bytes"));
    }
    if password.to_lowercase().contains(&user.to_lowercase()) {
        return Err("a password does not contain the user's name".to_owned());
    }
    let kinds = password.chars().collect::<std::collections::BTreeSet<_>>().len();
    if kinds < 5 {
        return Err("a password has at least five different characters".to_owned());
    }
    Ok(())
}

/// Memory to hash in, kept from one to the next: what is given back to the allocator by many threads in turn, each of them
/// would keep.
static MEMORY: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

/// The hash of a password under these parameters.
fn digest(password: &str, salt: &[u8], params: &Params) -> Option<Output> {
    let mut memory = MEMORY
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop()
        .unwrap_or_default();
    memory.resize(params.block_count(), Block::default());
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let mut out = vec![0; length];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let done = argon.hash_password_into_with_memory(password.as_bytes(), salt, &mut out, &mut memory);
    let mut all = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() < KEPT {
        all.push(memory);
    }
    done.ok()?;
    Output::new(&out).ok()
}

/// The password as it is kept; nothing where the machine gives no chance.
pub fn hashed(password: &str) -> Option<String> {
    let (salt, params) = (chance_bytes::<16>()?, Params::default());
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).ok()?,
        salt: Some(Salt::new(&salt).ok()?),
        hash: Some(digest(password, &salt, &params)?),
    };
    Some(hash.to_string())
}

/// Whether this is the password that is kept so. Takes as long where nobody is known.
pub fn is_right(password: &str, kept: Option<&str>) -> bool {
    static NOBODY: OnceLock<Option<String>> = OnceLock::new();
    let nobody = NOBODY.get_or_init(|| hashed("nobody has this password"));
    let (kept, known) = match (kept, nobody) {
        (Some(kept), _) => (kept, true),
        (None, Some(nobody)) => (nobody.as_str(), false),
        (None, None) => return false,
    };
    let right = password.len() <= LONGEST && is_of(password, kept) == Some(true);
    right && known
}

fn is_of(password: &str, kept: &str) -> Option<bool> {
    let kept = PasswordHash::new(kept).ok()?;
    if kept.algorithm != Algorithm::Argon2id.ident() {
        return None;
    }
    let params = Params::try_from(&kept).ok()?;
    // Compared in a time that tells nothing.
    Some(digest(password, kept.salt.as_ref()?, &params)? == kept.hash?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_right_alone_and_weak_ones_are_refused() {
        let kept = hashed("correct horse battery").unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(is_right("correct horse battery", Some(&kept)));
        assert!(!is_right("correct horse batterz", Some(&kept)));
        assert!(!is_right("nobody has this password", None));
        assert!(!is_right("correct horse battery", Some("cut")));
        for bad in [
            "short",
            "anna-has-a-long-one",
            "aaaaaaaaaaaaaaaa",
            &"xyzab".repeat(60),
        ] {
            assert!(check(bad, "anna").is_err(), "{bad}");
        }
        assert!(check("correct horse battery", "anna").is_ok());
    }
}
