//! The book of users: name, role, accounts, the hash of a password, and the second factor. Users are made by a person on
//! this machine or by an admin; there is none at first. The secret of the second factor is sealed with the profile's
//! secret, recovery codes are kept as keyed hashes: a copy of the book alone opens nothing.

use super::secret::{Secret, chance_bytes, chance_text};
use super::sessions::Session;
use super::{Role, book, password, totp};
use crate::domain::{AccountId, Timestamp};
use ring::{aead, hmac};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Characters of a name at most.
const NAME_MAX: usize = 40;
/// Users of one profile at most.
const USERS_MAX: usize = 1_000;
/// Recovery codes that are given at once.
const RECOVERY: usize = 10;
/// Letters of one: 60 bits.
const RECOVERY_LENGTH: usize = 12;

/// What is wrong with a user, or the book.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// There is none of this name.
    #[error("there is no user '{0}'; 'tradewind user list' shows them")]
    Unknown(String),
    /// The name is taken.
    #[error("a user '{0}' exists already; 'tradewind user reset {0}' gives a new password")]
    Taken(String),
    /// What was asked for can't be.
    #[error("{0}")]
    Bad(String),
    /// The code is wrong, or was used.
    #[error("the code is not right; each opens once, within half a minute of its time")]
    Code,
    /// The book can't be read or written.
    #[error("the book of users can't be used: {0}")]
    Book(#[from] rusqlite::Error),
    /// Chance or memory is not to be had.
    #[error("the system gave no random numbers, or no memory to hash a password")]
    Machine,
}

/// A password as it is kept: made before the book is asked, because that takes a while.
#[derive(Clone)]
pub struct Hashed(String);

impl Hashed {
    /// Of a password that may be this user's. Blocks: not for a task.
    ///
    /// # Errors
    /// It is too weak, or the machine has no chance or memory.
    pub fn of(password: &str, user: &str) -> Result<Self, UserError> {
        password::check(password, user).map_err(UserError::Bad)?;
        password::hashed(password).map(Self).ok_or(UserError::Machine)
    }
}

impl std::fmt::Debug for Hashed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hashed")
    }
}

/// What a user is to be.
#[derive(Clone, Debug)]
pub struct UserSpec {
    /// The name: lower-case letters, digits, `.`, `_`, `-`, `@`.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The accounts it may see; nothing means all.
    pub accounts: Option<BTreeSet<AccountId>>,
}

/// A user as it is kept.
#[derive(Clone)]
pub struct StoredUser {
    /// The name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The accounts it may see; nothing means all.
    pub accounts: Option<BTreeSet<AccountId>>,
    /// When it was made.
    pub made: Timestamp,
    pub(super) password: String,
    /// The second factor, sealed.
    second: Option<Vec<u8>>,
    /// One that is not confirmed yet, sealed.
    wanted: Option<Vec<u8>>,
    /// The step whose code was used last.
    used: u64,
}

impl std::fmt::Debug for StoredUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredUser")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl StoredUser {
    /// Whether a second factor is wanted at sign-in.
    pub fn has_second_factor(&self) -> bool {
        self.second.is_some()
    }
}

/// The book.
pub struct UserBook {
    pub(super) file: Connection,
    pub(super) version: Option<i64>,
    pub(super) users: BTreeMap<String, StoredUser>,
    pub(super) sessions: BTreeMap<String, Session>,
    seal: [u8; 32],
    recovery: hmac::Key,
}

impl std::fmt::Debug for UserBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserBook")
            .field("users", &self.users.len())
            .finish_non_exhaustive()
    }
}

/// Whether it may be a name.
fn check_name(name: &str) -> Result<(), UserError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-@".contains(c);
    if (1..=NAME_MAX).contains(&name.len()) && name.chars().all(plain) {
        return Ok(());
    }
    Err(UserError::Bad(format!(
        "a user's name has 1 to {NAME_MAX} lower-case letters, digits, '.', '_', '-' or '@'"
    )))
}

impl UserBook {
    /// Opens the book, an empty one where there is none.
    ///
    /// # Errors
    /// The file can't be opened, or is of a later program.
    pub fn open(path: &Path, secret: &Secret) -> Result<Self, UserError> {
        let seal = hmac::sign(&secret.key("second factors"), b"");
        Ok(Self {
            file: book::open(path)?,
            version: None,
            users: BTreeMap::new(),
            sessions: BTreeMap::new(),
            seal: seal.as_ref().try_into().map_err(|_| UserError::Machine)?,
            recovery: secret.key("recovery codes"),
        })
    }
    /// Makes a user.
    ///
    /// # Errors
    /// The name is taken or no name, or the book can't be written.
    pub fn add(&mut self, spec: &UserSpec, password: &Hashed, now: Timestamp) -> Result<(), UserError> {
        check_name(&spec.name)?;
        self.refresh()?;
        if self.users.contains_key(&spec.name) {
            return Err(UserError::Taken(spec.name.clone()));
        }
        if self.users.len() >= USERS_MAX {
            return Err(UserError::Bad(format!("{USERS_MAX} users are the most")));
        }
        let accounts = spec.accounts.as_ref().map(|ids| {
            let names: Vec<&str> = ids.iter().map(AccountId::as_str).collect();
            names.join(",")
        });
        self.version = None;
        let made = self.file.execute(
            "INSERT OR IGNORE INTO users (name, role, accounts, password, made) VALUES (?,?,?,?,?)",
            params![spec.name, spec.role.word(), accounts, password.0, now.0],
        )?;
        if made == 0 {
            return Err(UserError::Taken(spec.name.clone()));
        }
        Ok(())
    }
    /// All users, by name.
    ///
    /// # Errors
    /// The book can't be read.
    pub fn all(&mut self) -> Result<Vec<StoredUser>, UserError> {
        self.refresh()?;
        Ok(self.users.values().cloned().collect())
    }
    /// One user.
    ///
    /// # Errors
    /// There is none, or the book can't be read.
    pub fn user(&mut self, name: &str) -> Result<&StoredUser, UserError> {
        self.refresh()?;
        self.users
            .get(name)
            .ok_or_else(|| UserError::Unknown(name.to_owned()))
    }
    /// Takes a user away, and their sessions.
    ///
    /// # Errors
    /// There is none, or the book can't be written.
    pub fn remove(&mut self, name: &str) -> Result<(), UserError> {
        self.version = None;
        match self.file.execute("DELETE FROM users WHERE name = ?1", [name])? {
            0 => Err(UserError::Unknown(name.to_owned())),
            _ => Ok(()),
        }
    }
    /// Gives a new password and ends the user's sessions, but for the one that is named.
    ///
    /// # Errors
    /// There is no such user, or the book can't be written.
    pub fn reset(&mut self, name: &str, password: &Hashed, but: Option<&str>) -> Result<(), UserError> {
        self.user(name)?;
        self.version = None;
        let tx = self.file.transaction()?;
        tx.execute(
            "UPDATE users SET password = ?2 WHERE name = ?1",
            params![name, password.0],
        )?;
        tx.execute(
            "DELETE FROM sessions WHERE user = ?1 AND id <> ?2",
            params![name, but.unwrap_or("")],
        )?;
        Ok(tx.commit()?)
    }
    /// Begins a second factor: its secret, which counts once a code of it was confirmed.
    ///
    /// # Errors
    /// There is no such user, or the book can't be written.
    pub fn enrol(&mut self, name: &str) -> Result<[u8; totp::SECRET], UserError> {
        self.user(name)?;
        let secret = chance_bytes::<{ totp::SECRET }>().ok_or(UserError::Machine)?;
        let sealed = self.sealed(name, &secret)?;
        self.version = None;
        self.file.execute(
            "UPDATE users SET second_wanted = ?2 WHERE name = ?1",
            params![name, sealed],
        )?;
        Ok(secret)
    }
    /// Confirms it by a code, and gives recovery codes: the only time that they are shown.
    ///
    /// # Errors
    /// Nothing was begun, the code is wrong, or the book can't be written.
    pub fn confirm(&mut self, name: &str, code: &str, now: Timestamp) -> Result<Vec<String>, UserError> {
        let user = self.user(name)?.clone();
        let sealed = user.wanted.as_ref().ok_or_else(|| {
            UserError::Bad("no second factor was begun: ask for its secret first".to_owned())
        })?;
        let secret = self.unsealed(name, sealed).ok_or(UserError::Machine)?;
        let step = totp::accepted(&secret, code, now, 0).ok_or(UserError::Code)?;
        let codes = self.fresh_recovery(name)?;
        self.version = None;
        self.file.execute(
            "UPDATE users SET second = second_wanted, second_wanted = NULL, second_step = ?2 WHERE name = ?1",
            params![name, i64::try_from(step).unwrap_or(i64::MAX)],
        )?;
        Ok(codes)
    }
    /// Gives new recovery codes in place of the old ones.
    ///
    /// # Errors
    /// The book can't be written.
    pub fn fresh_recovery(&mut self, name: &str) -> Result<Vec<String>, UserError> {
        let codes: Option<Vec<String>> = (0..RECOVERY).map(|_| chance_text(RECOVERY_LENGTH)).collect();
        let codes = codes.ok_or(UserError::Machine)?;
        let hashes: Vec<_> = codes.iter().map(|code| self.recovery_hash(name, code)).collect();
        let tx = self.file.transaction()?;
        tx.execute("DELETE FROM recovery WHERE user = ?1", [name])?;
        for hash in hashes {
            tx.execute(
                "INSERT INTO recovery (user, code) VALUES (?1, ?2)",
                params![name, hash],
            )?;
        }
        tx.commit()?;
        let spaced = |code: String| format!("{}-{}-{}", &code[..4], &code[4..8], &code[8..]);
        Ok(codes.into_iter().map(spaced).collect())
    }
    /// How many recovery codes are left.
    ///
    /// # Errors
    /// The book can't be read.
    pub fn recovery_left(&mut self, name: &str) -> Result<u32, UserError> {
        let count = "SELECT COUNT(*) FROM recovery WHERE user = ?1";
        Ok(self.file.query_row(count, [name], |row| row.get(0))?)
    }
    /// Takes the second factor away.
    ///
    /// # Errors
    /// There is no such user, or the book can't be written.
    pub fn drop_second(&mut self, name: &str) -> Result<(), UserError> {
        self.user(name)?;
        self.version = None;
        let tx = self.file.transaction()?;
        tx.execute("DELETE FROM recovery WHERE user = ?1", [name])?;
        tx.execute(
            "UPDATE users SET second = NULL, second_wanted = NULL WHERE name = ?1",
            [name],
        )?;
        Ok(tx.commit()?)
    }
    /// Takes a code of the second factor, or a recovery code; each opens once.
    ///
    /// # Errors
    /// It is wrong or was used, or the book can't be written.
    pub fn take_code(&mut self, name: &str, code: &str, now: Timestamp) -> Result<(), UserError> {
        let user = self.user(name)?.clone();
        let sealed = user.second.as_ref().ok_or(UserError::Code)?;
        let secret = self.unsealed(name, sealed).ok_or(UserError::Machine)?;
        if let Some(step) = totp::accepted(&secret, code, now, user.used) {
            // Where two come at once, the file says which was first.
            let step = i64::try_from(step).unwrap_or(i64::MAX);
            self.version = None;
            let taken = self.file.execute(
                "UPDATE users SET second_step = ?2 WHERE name = ?1 AND second_step < ?2",
                params![name, step],
            )?;
            return if taken == 1 { Ok(()) } else { Err(UserError::Code) };
        }
        let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
        if plain.len() != RECOVERY_LENGTH {
            return Err(UserError::Code);
        }
        let hash = self.recovery_hash(name, &plain.to_ascii_lowercase());
        let taken = self.file.execute(
            "DELETE FROM recovery WHERE user = ?1 AND code = ?2",
            params![name, hash],
        )?;
        if taken == 1 { Ok(()) } else { Err(UserError::Code) }
    }
    fn recovery_hash(&self, name: &str, code: &str) -> Vec<u8> {
        hmac::sign(&self.recovery, format!("{name} {code}").as_bytes())
            .as_ref()
            .to_vec()
    }
    fn sealing(&self) -> Result<aead::LessSafeKey, UserError> {
        let key = aead::UnboundKey::new(&aead::CHACHA20_POLY1305, &self.seal);
        Ok(aead::LessSafeKey::new(key.map_err(|_| UserError::Machine)?))
    }
    /// Sealed for this user: a nonce of chance, and what is hidden.
    fn sealed(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, UserError> {
        let nonce = chance_bytes::<{ aead::NONCE_LEN }>().ok_or(UserError::Machine)?;
        let mut hidden = secret.to_vec();
        let bound = aead::Aad::from(name.as_bytes());
        self.sealing()?
            .seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(nonce), bound, &mut hidden)
            .map_err(|_| UserError::Machine)?;
        Ok([nonce.as_slice(), &hidden].concat())
    }
    fn unsealed(&self, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, hidden) = sealed.split_at_checked(aead::NONCE_LEN)?;
        let nonce = aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut hidden = hidden.to_vec();
        let bound = aead::Aad::from(name.as_bytes());
        let plain = self
            .sealing()
            .ok()?
            .open_in_place(nonce, bound, &mut hidden)
            .ok()?;
        Some(plain.to_vec())
    }
    /// Reads the book again where it changed.
    pub(super) fn refresh(&mut self) -> Result<(), UserError> {
        let version = book::changes(&self.file)?;
        if self.version == Some(version) {
            return Ok(());
        }
        self.users = read_users(&self.file)?;
        self.sessions = super::sessions::read(&self.file)?;
        self.version = Some(version);
        Ok(())
    }
}

fn read_users(file: &Connection) -> Result<BTreeMap<String, StoredUser>, rusqlite::Error> {
    let mut query = file.prepare_cached(
        "SELECT name, role, accounts, password, made, second, second_wanted, second_step FROM users",
    )?;
    let rows = query.query_map([], |row| {
        let role: String = row.get(1)?;
        let accounts: Option<String> = row.get(2)?;
        let accounts = accounts.map(|text: String| {
            let names = book::list(&text);
            names
                .iter()
                .filter_map(|name| AccountId::new(name).ok())
                .collect()
        });
        Ok(StoredUser {
            name: row.get(0)?,
            // A role that is not known may look, and no more.
            role: role.parse().unwrap_or(Role::View),
            accounts,
            password: row.get(3)?,
            made: Timestamp(row.get(4)?),
            second: row.get(5)?,
            wanted: row.get(6)?,
            used: u64::try_from(row.get::<_, i64>(7)?).unwrap_or(0),
        })
    })?;
    rows.map(|user| user.map(|user| (user.name.clone(), user)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(folder: &tempfile::TempDir) -> UserBook {
        let secret = Secret::open(&folder.path().join("s")).unwrap();
        UserBook::open(&folder.path().join("doors.db"), &secret).unwrap()
    }

    fn anna() -> UserSpec {
        UserSpec {
            name: "anna".to_owned(),
            role: Role::Trade,
            accounts: None,
        }
    }

    #[test]
    fn a_second_factor_counts_once_confirmed_and_each_code_opens_once() {
        let folder = tempfile::tempdir().unwrap();
        let (mut book, mut other) = (book(&folder), book(&folder));
        let now = Timestamp::from_seconds(30_000);
        let password = Hashed::of("correct horse battery", "anna").unwrap();
        book.add(&anna(), &password, now).unwrap();
        assert!(matches!(
            book.add(&anna(), &password, now),
            Err(UserError::Taken(_))
        ));
        let secret = book.enrol("anna").unwrap();
        assert!(!book.user("anna").unwrap().has_second_factor());
        assert!(matches!(
            book.confirm("anna", "000000", now),
            Err(UserError::Code)
        ));
        let recovery = book.confirm("anna", &totp::code(&secret, 1_000), now).unwrap();
        assert!(book.user("anna").unwrap().has_second_factor());
        let next = totp::code(&secret, 1_001);
        // The code of the confirmation is used up; the next opens once, whoever asks.
        assert!(book.take_code("anna", &totp::code(&secret, 1_000), now).is_err());
        assert!(other.take_code("anna", &next, now).is_ok());
        assert!(book.take_code("anna", &next, now).is_err());
        assert!(book.take_code("anna", &recovery[3].to_uppercase(), now).is_ok());
        assert!(other.take_code("anna", &recovery[3], now).is_err());
        assert_eq!(book.recovery_left("anna").unwrap(), 9);
        let file = std::fs::read(folder.path().join("doors.db")).unwrap();
        let log = std::fs::read(folder.path().join("doors.db-wal")).unwrap_or_default();
        for bytes in [file, log] {
            assert!(!bytes.windows(20).any(|part| part == secret));
        }
        book.drop_second("anna").unwrap();
        assert!(!other.user("anna").unwrap().has_second_factor());
        assert_eq!(book.recovery_left("anna").unwrap(), 0);
        book.remove("anna").unwrap();
        assert!(matches!(other.user("anna"), Err(UserError::Unknown(_))));
    }

    #[test]
    fn what_is_sealed_for_one_opens_for_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let book = book(&folder);
        let sealed = book.sealed("anna", b"hidden").unwrap();
        assert_eq!(book.unsealed("anna", &sealed).unwrap(), b"hidden");
        assert_eq!(book.unsealed("bert", &sealed), None);
        assert_eq!(book.unsealed("anna", &sealed[1..]), None);
        for name in ["", "Anna", "a b", "é", &"a".repeat(41), "a,b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
