//! The book of API keys: one SQLite file of the profile. A key is `tw_`, eight characters that name it, and 52 that prove
//! it; only a hash of the proof is kept. The proof has 260 bits of chance, so that a plain hash can't be searched.

use super::secret::{Secret, chance_bytes, chance_text, hex};
use super::{Role, book};
use crate::domain::{AccountId, Timestamp};
use ring::hmac;
use rusqlite::{Connection, Row, params};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

/// How many characters name a key.
const NAME_LENGTH: usize = 8;
/// How many prove it: 52 of 32 kinds are 260 bits.
const PROOF_LENGTH: usize = 52;

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
    /// A signed call that is too old or too new, or came before.
    #[error("{0}")]
    Stale(&'static str),
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
    /// The parts of the API it may call, such as `orders`; nothing means all that its role may.
    pub scopes: Option<BTreeSet<String>>,
    /// Whether each call has to be signed.
    pub signed: bool,
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
    /// The parts of the API it may call; nothing means all that its role may.
    pub scopes: Option<BTreeSet<String>>,
    hash: [u8; 32],
    signing: Option<Vec<u8>>,
}

impl StoredKey {
    /// Whether each call has to be signed.
    pub fn is_signed(&self) -> bool {
        self.signing.is_some()
    }
    /// With what its calls are signed, where they have to be. The book alone does not tell: the profile's secret goes in.
    pub(super) fn signing_key(&self, secret: &Secret) -> Option<hmac::Key> {
        let words = signing_words(secret, &self.id, self.signing.as_ref()?);
        Some(hmac::Key::new(hmac::HMAC_SHA256, words.as_bytes()))
    }
    /// Whether it is good now and from here.
    fn is_good(&self, address: IpAddr, now: Timestamp) -> Result<&Self, KeyError> {
        if let Some(expires) = self.expires.filter(|expires| *expires <= now) {
            return Err(KeyError::Expired(expires));
        }
        if !self.addresses.is_empty() && !self.addresses.contains(&address) {
            return Err(KeyError::Elsewhere(address));
        }
        Ok(self)
    }
}

/// What a caller signs with, as text.
fn signing_words(secret: &Secret, id: &str, salt: &[u8]) -> String {
    let key = secret.key("signed calls");
    let mut context = hmac::Context::with_key(&key);
    context.update(id.as_bytes());
    context.update(salt);
    hex(context.sign().as_ref())
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
        Ok(Self {
            file: book::open(path)?,
            version: None,
            keys: BTreeMap::new(),
        })
    }
    /// Makes a key.
    ///
    /// # Errors
    /// The name is taken, or the book can't be written.
    pub fn add(&mut self, spec: &KeySpec, secret: &Secret, now: Timestamp) -> Result<NewKey, KeyError> {
        let (id, proof) = (chance(NAME_LENGTH)?, chance(PROOF_LENGTH)?);
        let salt = chance_bytes::<16>().ok_or(KeyError::Chance)?;
        let signing = spec.signed.then_some(salt.as_slice());
        let names =
            |ids: &BTreeSet<AccountId>| ids.iter().map(AccountId::as_str).collect::<Vec<_>>().join(",");
        let addresses: Vec<String> = spec.addresses.iter().map(ToString::to_string).collect();
        let done = self.file.execute(
            "INSERT INTO keys (id, name, hash, role, accounts, expires, addresses, made, scopes, signing)
             VALUES (?,?,?,?,?,?,?,?,?,?)",
            params![
                id,
                spec.name,
                hash(&proof).as_slice(),
                spec.role.word(),
                spec.accounts.as_ref().map(names),
                spec.expires.map(|at| at.0),
                addresses.join(","),
                now.0,
                spec.scopes
                    .as_ref()
                    .map(|scopes| scopes.iter().cloned().collect::<Vec<_>>().join(",")),
                signing
            ],
        );
        match done {
            Ok(_) => {
                self.version = None;
                let token = match signing {
                    None => format!("tw_{id}{proof}"),
                    Some(salt) => format!("tws_{id}{}", signing_words(secret, &id, salt)),
                };
                Ok(NewKey { token, id })
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
        // Compared as hashes: how long that takes tells nothing of the proof. One that signs never shows a proof.
        if hash(proof) != key.hash || key.is_signed() {
            return Err(KeyError::Unknown);
        }
        key.is_good(address, now)
    }
    /// The key of this id whose calls are signed, if it is good now and from here. Who calls proves it by the signature.
    ///
    /// # Errors
    /// There is none, or it is not good.
    pub fn signing(&mut self, id: &str, address: IpAddr, now: Timestamp) -> Result<&StoredKey, KeyError> {
        self.refresh()?;
        let key = self.keys.get(id).filter(|key| key.is_signed());
        key.ok_or(KeyError::Unknown)?.is_good(address, now)
    }
    /// The key of this id as it is now; nothing where it was taken away, has expired, or may not be used from here.
    pub(super) fn still(&mut self, id: &str, address: IpAddr, now: Timestamp) -> Option<&StoredKey> {
        self.refresh().ok()?;
        self.keys.get(id)?.is_good(address, now).ok()
    }
    /// Reads the book again where another process changed it.
    fn refresh(&mut self) -> Result<(), KeyError> {
        let version = book::changes(&self.file)?;
        if self.version == Some(version) {
            return Ok(());
        }
        let mut keys = BTreeMap::new();
        let mut query = self.file.prepare(
            "SELECT id, name, hash, role, accounts, expires, addresses, made, scopes, signing FROM keys",
        )?;
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
    let accounts: Option<String> = row.get(4)?;
    let accounts = accounts.map(|text| {
        book::list(&text)
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
        addresses: book::list(&row.get::<_, String>(6)?)
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect(),
        made: Timestamp(row.get(7)?),
        scopes: row
            .get::<_, Option<String>>(8)?
            .map(|text| book::list(&text).into_iter().collect()),
        signing: row.get(9)?,
    })
}

fn hash(proof: &str) -> [u8; 32] {
    Sha256::digest(proof.as_bytes()).into()
}

/// So many characters of chance.
fn chance(length: usize) -> Result<String, KeyError> {
    chance_text(length).ok_or(KeyError::Chance)
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
            scopes: None,
            signed: false,
        }
    }

    fn secret(folder: &tempfile::TempDir) -> Secret {
        Secret::open(&folder.path().join("s")).unwrap()
    }

    #[test]
    fn a_key_opens_until_it_is_removed_and_nothing_near_it_ever_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("doors.db");
        let (mut book, mut other) = (KeyBook::open(&path).unwrap(), KeyBook::open(&path).unwrap());
        let now = Timestamp(1_000);
        let key = other.add(&spec("bot"), &secret(&folder), now).unwrap();
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
        assert!(matches!(
            other.add(&spec("bot"), &secret(&folder), now),
            Err(KeyError::Taken(_))
        ));
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
                &secret(&folder),
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

    #[test]
    fn a_key_that_signs_proves_nothing_by_being_shown() {
        let folder = tempfile::tempdir().unwrap();
        let mut book = KeyBook::open(&folder.path().join("doors.db")).unwrap();
        let wanted = KeySpec {
            signed: true,
            ..spec("signer")
        };
        let key = book.add(&wanted, &secret(&folder), Timestamp(1)).unwrap();
        assert!(matches!(
            book.find(&key.token, HERE, Timestamp(2)),
            Err(KeyError::Unknown)
        ));
        let stored = book.signing(&key.id, HERE, Timestamp(2)).unwrap();
        let ours = stored.signing_key(&secret(&folder)).unwrap();
        let words = key.token.strip_prefix(&format!("tws_{}", key.id)).unwrap();
        let theirs = hmac::Key::new(hmac::HMAC_SHA256, words.as_bytes());
        assert!(hmac::verify(&ours, b"call", hmac::sign(&theirs, b"call").as_ref()).is_ok());
    }
}
