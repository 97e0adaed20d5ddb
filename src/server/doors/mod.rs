//! Who may come in by the network, and what they may do. A caller proves who it is by an API key, or by a session that
//! began with a password and, where one is set up, a second factor. Keys and users are made by a person on this machine or
//! by an admin, and kept as hashes. What a caller may do is told by its role; what it may see, by its accounts. What callers
//! did is in the audit log. Knows no HTTP.

pub mod audit;
mod book;
mod keys;
mod nonces;
pub mod password;
pub mod secret;
mod sessions;
mod sign_in;
mod token;
pub mod totp;
mod tries;
mod users;

pub use keys::{KeyBook, KeyError, KeySpec, NewKey, StoredKey};
pub use nonces::Signature;
pub use sessions::{Session, Terms};
pub use sign_in::{Place, Refused, SignIn, SignedIn};
pub use users::{Hashed, StoredUser, UserBook, UserError, UserSpec};

use crate::domain::{AccountId, AccountKey, SafeText, Timestamp};
use crate::engine::programs::Program;
use nonces::Nonces;
use secret::Secret;
use serde::{Deserialize, Serialize};
use sessions::Marks;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use token::Tokens;
use tries::Tries;

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
    /// Which session it came by, where it came by one.
    pub session: Option<String>,
    /// From where.
    pub address: IpAddr,
    /// Until when it may do what only somebody who proved themselves again may; nothing for never.
    pub stepped_up: Option<Timestamp>,
    /// The parts of the API it may call, such as `orders`; nothing means all that its role may.
    pub scopes: Option<BTreeSet<String>>,
    /// Whether each call of it has to be signed: then it changes nothing over a connection that one signature opened.
    pub signs: bool,
    /// The call's number, as in its answer's `x-request-id`, the logs and the audit log.
    pub request: String,
    /// What was called: method and address.
    pub route: String,
}

impl Caller {
    /// Who it is to the engine.
    pub fn program(&self) -> Program {
        Program {
            name: SafeText::new(&self.name),
            key: self.key.as_deref().map(SafeText::new),
            address: SafeText::new(&self.address.to_string()),
        }
    }
    /// Nobody in particular who sees these accounts and does nothing: for what is shown to many alike.
    pub fn watcher(accounts: Option<BTreeSet<AccountId>>) -> Self {
        Self {
            name: String::new(),
            role: Role::View,
            accounts,
            key: None,
            session: None,
            address: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
            stepped_up: None,
            scopes: None,
            signs: false,
            request: String::new(),
            route: String::new(),
        }
    }
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
#[derive(Clone)]
pub struct Doors(Arc<Inner>);

struct Inner {
    keys: Mutex<KeyBook>,
    users: Mutex<UserBook>,
    tries: Mutex<Tries>,
    nonces: Mutex<Nonces>,
    secret: Secret,
    tokens: Tokens,
    marks: Marks,
    terms: Terms,
    profile: String,
    hashing: Arc<tokio::sync::Semaphore>,
    waiting: tokio::sync::Semaphore,
}

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doors").finish_non_exhaustive()
    }
}

fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Doors {
    /// Over the book of a profile.
    ///
    /// # Errors
    /// The file can't be opened, or is of a later program.
    pub fn open(path: &Path, secret: Secret, profile: &str, terms: Terms) -> Result<Self, UserError> {
        let keys = KeyBook::open(path).map_err(|error| match error {
            KeyError::Book(error) => UserError::Book(error),
            other => UserError::Bad(other.to_string()),
        })?;
        Ok(Self(Arc::new(Inner {
            keys: Mutex::new(keys),
            users: Mutex::new(UserBook::open(path, &secret)?),
            tries: Mutex::default(),
            nonces: Mutex::default(),
            tokens: Tokens::new(&secret, profile),
            marks: Marks::new(&secret),
            secret,
            terms,
            profile: profile.to_owned(),
            hashing: Arc::new(tokio::sync::Semaphore::new(sign_in::HASHING_AT_ONCE)),
            waiting: tokio::sync::Semaphore::new(sign_in::WAITING_AT_ONCE),
        })))
    }
    /// A mark of a name that was tried, by which the same name is known again and which tells nothing of it.
    pub fn mark_of(&self, name: &str) -> String {
        let key = self.0.secret.key("tried names");
        let tag = ring::hmac::sign(&key, name.as_bytes());
        secret::letters(&tag.as_ref()[..8])
    }
    /// How long things last.
    pub fn terms(&self) -> &Terms {
        &self.0.terms
    }
    /// The profile that they lead to.
    pub fn profile(&self) -> &str {
        &self.0.profile
    }
    /// The book of users, alone.
    pub fn users<T>(&self, ask: impl FnOnce(&mut UserBook) -> T) -> T {
        ask(&mut held(&self.0.users))
    }
    /// The book of keys, alone, and the secret that keys are made with.
    pub fn keys<T>(&self, ask: impl FnOnce(&mut KeyBook, &Secret) -> T) -> T {
        ask(&mut held(&self.0.keys), &self.0.secret)
    }
    /// Whose key `token` is.
    ///
    /// # Errors
    /// Why it opens nothing. What a stranger is told is the same whatever is wrong with it.
    pub fn by_key(&self, token: &str, address: IpAddr, now: Timestamp) -> Result<Caller, KeyError> {
        let mut keys = held(&self.0.keys);
        Ok(caller_of(keys.find(token, address, now)?, address))
    }
    /// Whose key signed a call.
    ///
    /// # Errors
    /// Why it opens nothing: no such key, another signature, too old or too new, or a call that came before.
    pub fn by_signature(
        &self,
        signature: &Signature<'_>,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Caller, KeyError> {
        let mut keys = held(&self.0.keys);
        let key = keys.signing(signature.key, address, now)?;
        let ours = key.signing_key(&self.0.secret).ok_or(KeyError::Unknown)?;
        if !signature.is_right(&ours) {
            return Err(KeyError::Unknown);
        }
        held(&self.0.nonces).take(signature, now)?;
        Ok(caller_of(key, address))
    }
    /// Whose access token this is, while its session stands.
    pub fn by_token(&self, token: &str, address: IpAddr, now: Timestamp) -> Option<Caller> {
        let claims = self.0.tokens.read(token, now)?;
        let caller = self.by_session(&claims.sid, false, address, now)?;
        (caller.name == claims.sub).then_some(caller)
    }
    /// Whose cookie this is, while its session stands.
    pub fn by_cookie(&self, value: &str, address: IpAddr, now: Timestamp) -> Option<Caller> {
        let id = self.0.marks.read_cookie(value)?;
        self.by_session(id, true, address, now)
    }
    fn by_session(&self, id: &str, page: bool, address: IpAddr, now: Timestamp) -> Option<Caller> {
        let mut users = held(&self.0.users);
        let session = users.session(id, &self.0.terms, now).ok().flatten()?;
        if session.page != page {
            return None;
        }
        // That it was used can't be written: it is over a little earlier, and nothing else.
        let _ = users.touch(id, now);
        let user = users.user(&session.user).ok()?;
        Some(Caller {
            name: user.name.clone(),
            role: user.role,
            accounts: user.accounts.clone(),
            key: None,
            session: Some(session.id),
            address,
            stepped_up: session.stepped_up,
            scopes: None,
            signs: false,
            request: String::new(),
            route: String::new(),
        })
    }
    /// Whether somebody who came in once may still be here: for connections that last.
    pub fn is_still_good(&self, caller: &Caller, now: Timestamp) -> bool {
        if let Some(key) = &caller.key {
            let mut keys = held(&self.0.keys);
            let stored = keys.still(key, caller.address, now);
            return stored.is_some_and(|key| key.role >= caller.role && key.accounts == caller.accounts);
        }
        let Some(id) = &caller.session else {
            return false;
        };
        let mut users = held(&self.0.users);
        let Ok(Some(session)) = users.session(id, &self.0.terms, now) else {
            return false;
        };
        let _ = users.touch(id, now);
        users
            .user(&session.user)
            .is_ok_and(|user| user.role >= caller.role && user.accounts == caller.accounts)
    }
    /// What a page sends along with every change.
    pub fn csrf(&self, session: &str) -> String {
        self.0.marks.csrf(session)
    }
    /// Whether it is this session's.
    pub fn is_csrf(&self, session: &str, given: &str) -> bool {
        self.0.marks.is_csrf(session, given)
    }
}

fn caller_of(key: &StoredKey, address: IpAddr) -> Caller {
    Caller {
        name: key.name.clone(),
        role: key.role,
        accounts: key.accounts.clone(),
        key: Some(key.id.clone()),
        session: None,
        address,
        stepped_up: None,
        scopes: key.scopes.clone(),
        signs: key.is_signed(),
        request: String::new(),
        route: String::new(),
    }
}
