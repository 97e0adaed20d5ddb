//! What is told of sign-in, sessions, users, keys and the audit log: the shapes of the answers, for the document. What stands
//! in them is their routes'.

use super::users::names;
use crate::server::doors::audit::{Entry, Row};
use crate::server::doors::{StoredKey, StoredUser};
use serde::Serialize;
use utoipa::ToSchema;

/// All there is of something, in one page.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Everything<T: ToSchema> {
    pub(super) items: Vec<T>,
    /// Always null: there is one page.
    pub(super) next: Option<String>,
}

impl<T: ToSchema> Everything<T> {
    pub(super) fn of(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// What somebody holds who came in.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct SignedInRow {
    /// The session.
    pub(super) session: String,
    pub(super) user: String,
    /// When the session ends, whatever is done.
    pub(super) ends: String,
    /// Of a program: `Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_type: Option<&'static str>,
    /// Of a program: what it calls with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) access_token: Option<String>,
    /// Of a program: seconds until that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_in: Option<u64>,
    /// Of a program: what the next access token is asked for with, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<String>,
    /// Of a page: what it sends along with every change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) csrf_token: Option<String>,
}

/// A session ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignedOutRow {
    pub(super) signed_out: bool,
}

/// Who calls, and what that may do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MeRow {
    pub(super) name: String,
    /// `view`, `trade` or `admin`.
    pub(super) role: &'static str,
    /// What it may see; null for all.
    pub(super) accounts: Option<Vec<String>>,
    /// The key that it came by.
    pub(super) key: Option<String>,
    /// The parts of the API that it may call; null for all that its role may.
    pub(super) scopes: Option<Vec<String>>,
    /// The session that it came by.
    pub(super) session: Option<String>,
    pub(super) address: String,
    /// Until when it may do what only somebody who proved themselves again may.
    pub(super) stepped_up_until: Option<String>,
    /// In a session: what a page sends along with every change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) csrf_token: Option<String>,
    /// In a session: whether there is a second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) second_factor: Option<bool>,
    /// In a session: recovery codes that are not used yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recovery_codes_left: Option<u32>,
}

/// The password was changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PasswordChanged {
    pub(super) changed: bool,
}

/// A session of somebody.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignedInSession {
    pub(super) id: String,
    pub(super) user: String,
    /// A page's, which holds it by a cookie.
    pub(super) page: bool,
    pub(super) made: String,
    /// When it was last used.
    pub(super) seen: String,
    pub(super) ends: String,
    /// From where it began.
    pub(super) address: String,
    /// It is the one that asks.
    pub(super) current: bool,
}

/// A session ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionEnded {
    pub(super) ended: String,
}

/// More may be done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SteppedUp {
    /// Until then.
    pub(super) until: String,
}

/// A second factor that was begun.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Enrolled {
    /// In base 32, as authenticators take it.
    pub(super) secret: String,
    /// The same as an address, for a picture of it.
    pub(super) uri: String,
}

/// Codes that open once each in place of the second factor.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecoveryCodes {
    pub(super) recovery_codes: Vec<String>,
}

/// Whether there is a second factor.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SecondFactor {
    pub(super) second_factor: bool,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserRow {
    pub(super) name: String,
    /// `view`, `trade` or `admin`.
    pub(super) role: &'static str,
    /// What they may see; null for all.
    pub(super) accounts: Option<Vec<String>>,
    pub(super) second_factor: bool,
    pub(super) made: String,
}

impl From<&StoredUser> for UserRow {
    fn from(user: &StoredUser) -> Self {
        Self {
            name: user.name.clone(),
            role: user.role.word(),
            accounts: names(user.accounts.as_ref()),
            second_factor: user.has_second_factor(),
            made: user.made.to_string(),
        }
    }
}

/// A user has a new password.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserReset {
    pub(super) name: String,
    /// Everywhere.
    pub(super) signed_out: bool,
}

/// Who or what was taken away.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Removed {
    pub(super) removed: String,
}

/// A key, without what proves it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyRow {
    /// The characters that name it.
    pub(super) id: String,
    pub(super) name: String,
    /// `view`, `trade` or `admin`.
    pub(super) role: &'static str,
    /// What it may see; null for all.
    pub(super) accounts: Option<Vec<String>>,
    /// The parts of the API that it may call; null for all that its role may.
    pub(super) scopes: Option<Vec<String>>,
    /// Each call of it has to be signed.
    pub(super) signed: bool,
    pub(super) made: String,
    /// Null for never.
    pub(super) expires: Option<String>,
    /// From where it may call; empty for anywhere.
    pub(super) addresses: Vec<String>,
}

impl From<&StoredKey> for KeyRow {
    fn from(key: &StoredKey) -> Self {
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            role: key.role.word(),
            accounts: names(key.accounts.as_ref()),
            scopes: key.scopes.as_ref().map(|scopes| scopes.iter().cloned().collect()),
            signed: key.is_signed(),
            made: key.made.to_string(),
            expires: key.expires.map(|at| at.to_string()),
            addresses: key.addresses.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A new key, with what proves it: told this once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyMade {
    #[serde(flatten)]
    pub(super) key: KeyRow,
    /// What the program shows with each call, or signs with.
    pub(super) token: String,
}

/// A page of the audit log, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditPage {
    pub(super) items: Vec<AuditRow>,
    /// The cursor of the next page; null on the last.
    pub(super) next: Option<String>,
}

/// A record and its place in the chain.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditRow {
    /// Its number.
    sequence: u64,
    /// Null where it can't be read any more: 'tradewind audit verify' says why.
    #[schema(value_type = Option<AuditEntryShape>)]
    record: Option<Entry>,
    /// Over it and the hash of the one before.
    hash: String,
}

/// One thing that a caller did or tried.
#[derive(ToSchema)]
#[schema(as = AuditEntry)]
#[allow(dead_code, reason = "the shape of a record, for the document alone")]
struct AuditEntryShape {
    /// When, UTC.
    at: String,
    /// Who; empty for a stranger.
    who: String,
    /// With which role.
    role: String,
    /// From where: an address, or `local` for a person on the engine's machine.
    from: String,
    /// By which key.
    key: Option<String>,
    /// In which session.
    session: Option<String>,
    /// The address of the call, or the command.
    route: String,
    /// What was done, as a stable word; `call` for the call as a whole.
    what: String,
    /// In words.
    detail: Option<String>,
    /// `done`, a status, or the code of a refusal.
    outcome: String,
    /// The call's number, as in its answer's `x-request-id`.
    request: Option<String>,
}

impl From<&Row> for AuditRow {
    fn from(row: &Row) -> Self {
        Self {
            sequence: row.sequence,
            record: serde_json::from_str(&row.record).ok(),
            hash: row.hash.clone(),
        }
    }
}
