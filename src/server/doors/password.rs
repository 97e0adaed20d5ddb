//! Passwords: what one has to be, and how it is kept (argon2id, 19 MiB, two passes). Hashing takes tens of milliseconds of a
//! core and is never done on a task.

use super::secret::chance_bytes;
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use std::sync::OnceLock;

/// Characters of a password at least.
pub const SHORTEST: usize = 12;
/// Bytes at most: more would only keep the machine busy.
pub const LONGEST: usize = 256;

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

/// The password as it is kept; nothing where the machine gives no chance or no memory.
pub fn hashed(password: &str) -> Option<String> {
    let salt = chance_bytes::<16>()?;
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .ok()?;
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
    let right = password.len() <= LONGEST
        && PasswordHash::new(kept).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        });
    right && known
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
