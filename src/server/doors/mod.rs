//! Who may come in by the network, and what they may do. A caller proves who it is by an API key; keys are
//! made by a person on this machine (`tradewind api-key add`), shown once, and kept as hashes. What a caller may do is told by
//! its role; what it may see, by its accounts.

mod keys;

pub use keys::{KeyBook, KeyError, KeySpec, NewKey, StoredKey};

use crate::domain::{AccountId, AccountKey, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

/// What a caller may do. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look.
    View,
    /// Place, change and cancel orders, halt, flatten.
    Trade,
    /// Change limits, users and keys, resume.
    Admin,
}

impl Role {
    /// `view`, `trade` or `admin`.
    pub fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Trade => "trade",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::View, Self::Trade, Self::Admin]
            .into_iter()
            .find(|role| role.word() == text)
            .ok_or_else(|| format!("'{text}' is no role: view, trade or admin"))
    }
}

/// Somebody who proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name, for the audit log.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The accounts it may see; nothing means all.
    pub accounts: Option<BTreeSet<AccountId>>,
    /// Which key it came by, where it came by one.
    pub key: Option<String>,
    /// From where.
    pub address: IpAddr,
    /// Until when it may do what only somebody who proved themselves again may; nothing for never.
    pub stepped_up: Option<Timestamp>,
}

impl Caller {
    /// Whether it may do what a role may.
    pub fn may(&self, role: Role) -> bool {
        self.role >= role
    }
    /// Whether it has proved who it is again, a short while ago.
    pub fn is_stepped_up(&self, now: Timestamp) -> bool {
        self.stepped_up.is_some_and(|until| now < until)
    }
    /// Whether it may see an account.
    pub fn sees(&self, account: AccountKey) -> bool {
        self.accounts
            .as_ref()
            .is_none_or(|accounts| accounts.contains(&account.account))
    }
}

/// The doors of one engine. Cheap to clone; clones are one.
#[derive(Clone, Debug)]
pub struct Doors(Arc<Mutex<KeyBook>>);

impl Doors {
    /// Over a book of keys.
    pub fn new(keys: KeyBook) -> Self {
        Self(Arc::new(Mutex::new(keys)))
    }
    /// Whose key `token` is.
    ///
    /// # Errors
    /// Why it opens nothing. What a stranger is told is the same whatever is wrong with it.
    pub fn by_key(&self, token: &str, address: IpAddr, now: Timestamp) -> Result<Caller, KeyError> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = keys.find(token, address, now)?;
        Ok(Caller {
            name: key.name.clone(),
            role: key.role,
            accounts: key.accounts.clone(),
            key: Some(key.id.clone()),
            address,
            stepped_up: None,
        })
    }
    /// Whether the key that a caller came by is still good, for those who stay.
    pub fn is_still_good(&self, caller: &Caller, now: Timestamp) -> bool {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(id) = &caller.key else { return true };
        let key = keys
            .all()
            .ok()
            .and_then(|all| all.into_iter().find(|key| key.id == *id));
        key.is_some_and(|key| key.role >= caller.role && key.expires.is_none_or(|until| now < until))
    }
}
