//! The book of API keys: one SQLite file of the profile. A key is `tw_`, eight characters that name it, and 52 that prove
//! it; only a hash of the proof is kept. The proof has 260 bits of chance, so that a plain hash can't be searched.

use super::Role;
use crate::domain::{AccountId, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// The layout of the file.
const SCHEMA: i64 = 1;
/// Characters of a key's name and its proof; none can be mistaken for another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// How many characters name a key.
const NAME_LENGTH: usize = 8;
/// How many prove it: 52 of 32 kinds are 260 bits.
const PROOF_LENGTH: usize = 52;
/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(2);

/// What is wrong with a key, or its book.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Nobody has it, or its proof is another.
    #[error("this key is not known here; 'tradewind api-key add NAME --role view' makes one")]
    Unknown,
    /// It was good until then.
    #[error("this key expired at {0}; 'tradewind api-key add' makes another")]
    Expired(Timestamp),
    /// It is good from elsewhere only.
    #[error("this key may not be used from {0}")]
    Elsewhere(IpAddr),
    /// A name that is taken.
    #[error("a key named '{0}' exists already; 'tradewind api-key remove {0}' takes it away")]
    Taken(String),
    /// The book can't be read or written.
    #[error("the book of keys can't be used: {0}")]
    Book(#[from] rusqlite::Error),
    /// Chance is not to be had.
    #[error("the system gave no random numbers")]
    Chance,
}

/// What a key is to be.
#[derive(Clone, Debug)]
pub struct KeySpec {
    /// Its name, for people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The accounts it may see; nothing means all.
    pub accounts: Option<BTreeSet<AccountId>>,
    /// Until when it is good; nothing means until it is removed.
    pub expires: Option<Timestamp>,
    /// From where it may be used; empty means from anywhere.
    pub addresses: BTreeSet<IpAddr>,
}

/// A key as it is kept.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// The characters that name it.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The accounts it may see; nothing means all.
    pub accounts: Option<BTreeSet<AccountId>>,
    /// Until when it is good.
    pub expires: Option<Timestamp>,
    /// From where it may be used; empty means from anywhere.
    pub addresses: BTreeSet<IpAddr>,
    /// When it was made.
    pub made: Timestamp,
    hash: [u8; 32],
}

/// A key just made. This is the only time that it is whole.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What the caller sends.
    pub token: String,
    /// The characters that name it.
    pub id: String,
}

/// The book.
#[derive(Debug)]
pub struct KeyBook {
    file: Connection,
    /// SQLite's number of this file's changes by others, when it was last read.
    version: Option<i64>,
    keys: BTreeMap<String, StoredKey>,
}

impl KeyBook {
    /// Opens the book, an empty one where there is none.
    ///
    /// # Errors
    /// The file can't be opened, or is of a later program.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let file = Connection::open(path)?;
        file.busy_timeout(BUSY)?;
        file.pragma_update(None, "journal_mode", "WAL")?;
        let version: i64 = file.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > SCHEMA {
            return Err(KeyError::Book(rusqlite::Error::InvalidParameterName(format!(
                "{} is of a later version of this program",
                path.display()
            ))));
        }
        file.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             CREATE TABLE IF NOT EXISTS keys (
               id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, hash BLOB NOT NULL, role TEXT NOT NULL,
               accounts TEXT, expires INTEGER, addresses TEXT NOT NULL, made INTEGER NOT NULL) STRICT;
             PRAGMA user_version = {SCHEMA};
             COMMIT;"
        ))?;
        Ok(Self {
            file,
            version: None,
            keys: BTreeMap::new(),
        })
    }
    /// Makes a key.
    ///
    /// # Errors
    /// The name is taken, or the book can't be written.
    pub fn add(&mut self, spec: &KeySpec, now: Timestamp) -> Result<NewKey, KeyError> {
        let (id, proof) = (chance(NAME_LENGTH)?, chance(PROOF_LENGTH)?);
        let names =
            |ids: &BTreeSet<AccountId>| ids.iter().map(AccountId::as_str).collect::<Vec<_>>().join(",");
        let addresses: Vec<String> = spec.addresses.iter().map(ToString::to_string).collect();
        let done = self.file.execute(
            "INSERT INTO keys (id, name, hash, role, accounts, expires, addresses, made) VALUES (?,?,?,?,?,?,?,?)",
            params![
                id,
                spec.name,
                hash(&proof).as_slice(),
                spec.role.word(),
                spec.accounts.as_ref().map(names),
                spec.expires.map(|at| at.0),
                addresses.join(","),
                now.0
            ],
        );
        match done {
            Ok(_) => {
                self.version = None;
                Ok(NewKey {
                    token: format!("tw_{id}{proof}"),
                    id,
                })
            }
            Err(rusqlite::Error::SqliteFailure(error, _))
                if error.code == rusqlite::ErrorCode::ConstraintViolation =>
            {
                Err(KeyError::Taken(spec.name.clone()))
            }
            Err(error) => Err(error.into()),
        }
    }
    /// Takes a key away, by its name or the characters that name it; false where there is none.
    ///
    /// # Errors
    /// The book can't be written.
    pub fn remove(&mut self, name: &str) -> Result<bool, KeyError> {
        self.version = None;
        let gone = self
            .file
            .execute("DELETE FROM keys WHERE name = ?1 OR id = ?1", [name])?;
        Ok(gone > 0)
    }
    /// All keys, by name.
    ///
    /// # Errors
    /// The book can't be read.
    pub fn all(&mut self) -> Result<Vec<StoredKey>, KeyError> {
        self.refresh()?;
        let mut all: Vec<StoredKey> = self.keys.values().cloned().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }
    /// The key whose token this is, if it is good now and from here.
    ///
    /// # Errors
    /// It is not.
    pub fn find(&mut self, token: &str, address: IpAddr, now: Timestamp) -> Result<&StoredKey, KeyError> {
        self.refresh()?;
        let body = token.strip_prefix("tw_").filter(|body| body.is_ascii());
        let (id, proof) = body
            .filter(|body| body.len() == NAME_LENGTH + PROOF_LENGTH)
            .map(|body| body.split_at(NAME_LENGTH))
            .ok_or(KeyError::Unknown)?;
        let key = self.keys.get(id).ok_or(KeyError::Unknown)?;
        // Compared as hashes: how long that takes tells nothing of the proof.
        if hash(proof) != key.hash {
            return Err(KeyError::Unknown);
        }
        if let Some(expires) = key.expires.filter(|expires| *expires <= now) {
            return Err(KeyError::Expired(expires));
        }
        if !key.addresses.is_empty() && !key.addresses.contains(&address) {
            return Err(KeyError::Elsewhere(address));
        }
        Ok(key)
    }
    /// Reads the book again where another process changed it.
    fn refresh(&mut self) -> Result<(), KeyError> {
        let version: i64 = self
            .file
            .pragma_query_value(None, "data_version", |row| row.get(0))
            .optional()?
            .unwrap_or(0);
        if self.version == Some(version) {
            return Ok(());
        }
        let mut keys = BTreeMap::new();
        let mut query = self
            .file
            .prepare("SELECT id, name, hash, role, accounts, expires, addresses, made FROM keys")?;
        let rows = query.query_map([], stored)?;
        for key in rows {
            let key = key?;
            keys.insert(key.id.clone(), key);
        }
        drop(query);
        self.keys = keys;
        self.version = Some(version);
        Ok(())
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredKey> {
    let list = |text: String| -> Vec<String> {
        text.split(',')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let accounts: Option<String> = row.get(4)?;
    let accounts = accounts.map(|text| {
        list(text)
            .iter()
            .filter_map(|name| AccountId::new(name).ok())
            .collect()
    });
    let role: String = row.get(3)?;
    Ok(StoredKey {
        id: row.get(0)?,
        name: row.get(1)?,
        hash: row.get(2)?,
        // A role that is not known may look, and no more.
        role: role.parse().unwrap_or(Role::View),
        accounts,
        expires: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        addresses: list(row.get(6)?)
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect(),
        made: Timestamp(row.get(7)?),
    })
}

fn hash(proof: &str) -> [u8; 32] {
    Sha256::digest(proof.as_bytes()).into()
}

/// So many characters of chance.
fn chance(length: usize) -> Result<String, KeyError> {
    let mut bytes = vec![0_u8; length];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| KeyError::Chance)?;
    Ok(bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn spec(name: &str) -> KeySpec {
        KeySpec {
            name: name.to_owned(),
            role: Role::Trade,
            accounts: None,
            expires: None,
            addresses: BTreeSet::new(),
        }
    }

    #[test]
    fn a_key_opens_until_it_is_removed_and_nothing_near_it_ever_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("doors.db");
        let (mut book, mut other) = (KeyBook::open(&path).unwrap(), KeyBook::open(&path).unwrap());
        let now = Timestamp(1_000);
        let key = other.add(&spec("bot"), now).unwrap();
        // Made by another process while this one runs.
        assert_eq!(book.find(&key.token, HERE, now).unwrap().name, "bot");
        let mut near = key.token.clone().into_bytes();
        for at in 0..near.len() {
            let was = near[at];
            near[at] = if was == b'a' { b'b' } else { b'a' };
            let token = String::from_utf8(near.clone()).unwrap();
            assert!(
                matches!(book.find(&token, HERE, now), Err(KeyError::Unknown)),
                "{token}"
            );
            near[at] = was;
        }
        for bad in ["", "tw_", "tw_é", &key.token[1..], &format!("{}a", key.token)] {
            assert!(matches!(book.find(bad, HERE, now), Err(KeyError::Unknown)));
        }
        assert!(matches!(other.add(&spec("bot"), now), Err(KeyError::Taken(_))));
        assert!(other.remove("bot").unwrap());
        assert!(matches!(book.find(&key.token, HERE, now), Err(KeyError::Unknown)));
        let text = std::fs::read(&path).unwrap();
        let proof = &key.token.as_bytes()[11..];
        assert!(
            !text.windows(proof.len()).any(|part| part == proof),
            "the proof is in the file"
        );
    }

    #[test]
    fn a_key_is_good_for_its_time_and_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let mut book = KeyBook::open(&folder.path().join("doors.db")).unwrap();
        let there: IpAddr = "10.0.0.7".parse().unwrap();
        let key = book
            .add(
                &KeySpec {
                    expires: Some(Timestamp(50)),
                    addresses: [there].into(),
                    ..spec("phone")
                },
                Timestamp(1),
            )
            .unwrap();
        assert!(book.find(&key.token, there, Timestamp(49)).is_ok());
        assert!(matches!(
            book.find(&key.token, there, Timestamp(50)),
            Err(KeyError::Expired(_))
        ));
        assert!(matches!(
            book.find(&key.token, HERE, Timestamp(49)),
            Err(KeyError::Elsewhere(_))
        ));
    }
}
