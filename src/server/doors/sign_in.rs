//! Signing in: a password, a second factor where there is one, and then a session. Who fails waits; hashing has few places,
//! so that a crowd of strangers takes neither the machine's memory nor the engine's cores. What is said is the same whether
//! name, password or code was wrong.

use super::sessions::{Refreshed, Session};
use super::{Doors, UserBook, UserError, held, password};
use crate::domain::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Passwords hashed at once: 19 MiB and a core each.
pub(super) const HASHING_AT_ONCE: usize = 2;

/// Calls that may wait for that; one more is told to come again.
pub(super) const WAITING_AT_ONCE: usize = 32;

/// A place to hash in.
#[derive(Debug)]
pub struct Place(#[allow(dead_code, reason = "given back when it is dropped")] OwnedSemaphorePermit);

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// What somebody shows to come in.
#[derive(Clone)]
pub struct SignIn {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
    /// A code of the second factor, or a recovery code.
    pub code: Option<String>,
    /// Whether a page asks, which holds its session by a cookie.
    pub page: bool,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What somebody holds who came in.
#[derive(Clone)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// For a program: the access token.
    pub access: Option<String>,
    /// For a program: what the next access token is asked for with.
    pub refresh: Option<String>,
    /// For a page: what its cookie holds.
    pub cookie: Option<String>,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// Why somebody does not come in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Too many failures: so many seconds.
    #[error("too many failed tries; the next is looked at in {0} s")]
    Wait(u64),
    /// Too many try at once.
    #[error("too many sign in at once; try again in a second")]
    Busy,
    /// Name, password or code: which, is not said.
    #[error("name, password or code is wrong")]
    Wrong,
    /// The password is right, and a code is wanted.
    #[error("the second factor is wanted too: send \"code\" along")]
    SecondFactor,
    /// What was shown is over, or was used before.
    #[error("{0}")]
    Over(&'static str),
    /// The book can't be used.
    #[error(transparent)]
    Book(#[from] UserError),
}

impl Doors {
    /// A place to hash in, once one is free. Held while one of those below hashes; they block and are never run on a task.
    ///
    /// # Errors
    /// Too many wait already, or this user has to wait here anyway.
    pub async fn place(&self, user: &str, address: IpAddr, now: Timestamp) -> Result<Place, Refused> {
        if let Some(wait) = held(&self.0.tries).waits(user, address, now) {
            return Err(Refused::Wait(whole_seconds(wait)));
        }
        let _waiting = self.0.waiting.try_acquire().map_err(|_| Refused::Busy)?;
        let hashing = Arc::clone(&self.0.hashing).acquire_owned().await;
        Ok(Place(hashing.map_err(|_| Refused::Busy)?))
    }
    fn begin(&self, user: &str, address: IpAddr, now: Timestamp) -> Result<(), Refused> {
        held(&self.0.tries)
            .begin(user, address, now)
            .map_err(|wait| Refused::Wait(whole_seconds(wait)))
    }
    /// Signs in. Hashes, under a place: blocks.
    ///
    /// # Errors
    /// Why not.
    pub fn sign_in(&self, ask: &SignIn, address: IpAddr, now: Timestamp) -> Result<SignedIn, Refused> {
        self.prove(ask, address, now)?;
        let session = held(&self.0.users).begin(&ask.user, ask.page, address, &self.0.terms, now)?;
        let marks = &self.0.marks;
        let token = |session: &Session| {
            self.0
                .tokens
                .give(&session.user, &session.id, now, self.0.terms.access)
        };
        Ok(SignedIn {
            access: (!ask.page).then(|| token(&session)),
            refresh: (!ask.page).then(|| UserBook::first_token(marks, &session)),
            cookie: ask.page.then(|| marks.cookie(&session.id)),
            session,
        })
    }
    /// Whether this is the user, by password and second factor. Hashes, under a place: blocks.
    ///
    /// # Errors
    /// It is not.
    pub fn prove(&self, ask: &SignIn, address: IpAddr, now: Timestamp) -> Result<(), Refused> {
        self.begin(&ask.user, address, now)?;
        let user = held(&self.0.users).user(&ask.user).ok().cloned();
        let kept = user.as_ref().map(|user| user.password.as_str());
        if !password::is_right(&ask.password, kept) {
            return Err(Refused::Wrong);
        }
        if user.is_some_and(|user| user.has_second_factor()) {
            let Some(code) = &ask.code else {
                held(&self.0.tries).undo(&ask.user, address, now);
                return Err(Refused::SecondFactor);
            };
            held(&self.0.users)
                .take_code(&ask.user, code, now)
                .map_err(wrong)?;
        }
        held(&self.0.tries).right(&ask.user, address, now);
        Ok(())
    }
    /// Takes a refresh token and gives the next, with an access token.
    ///
    /// # Errors
    /// It opens nothing, or came a second time: then its session was ended.
    pub fn refresh(&self, token: &str, now: Timestamp) -> Result<SignedIn, Refused> {
        let marks = &self.0.marks;
        match held(&self.0.users).rotate(marks, token, &self.0.terms, now)? {
            Refreshed::On(session, refresh) => Ok(SignedIn {
                access: Some(
                    self.0
                        .tokens
                        .give(&session.user, &session.id, now, self.0.terms.access),
                ),
                refresh: Some(refresh),
                cookie: None,
                session,
            }),
            Refreshed::Reused(user) => {
                tracing::warn!(user, "a refresh token came a second time: its session was ended");
                Err(Refused::Over(
                    "this refresh token was used before: its session was ended; sign in again",
                ))
            }
            Refreshed::Unknown => Err(Refused::Over("this refresh token opens nothing; sign in again")),
        }
    }
    /// Takes a code from somebody who is here; until when they may do more.
    ///
    /// # Errors
    /// It is wrong, or came too early after others that were.
    pub fn step_up(
        &self,
        user: &str,
        session: &str,
        code: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Timestamp, Refused> {
        self.begin(user, address, now)?;
        let mut users = held(&self.0.users);
        users.take_code(user, code, now).map_err(wrong)?;
        let until = now.after(self.0.terms.step_up);
        users.step_up(session, until)?;
        held(&self.0.tries).right(user, address, now);
        Ok(until)
    }
    /// Confirms a second factor that was begun; wrong codes count like any others.
    ///
    /// # Errors
    /// It is wrong, nothing was begun, or it came too early.
    pub fn confirm(
        &self,
        user: &str,
        code: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Vec<String>, Refused> {
        self.begin(user, address, now)?;
        let codes = held(&self.0.users).confirm(user, code, now).map_err(wrong)?;
        held(&self.0.tries).right(user, address, now);
        Ok(codes)
    }
}

/// A wrong code is told like everything that is wrong.
fn wrong(error: UserError) -> Refused {
    match error {
        UserError::Code => Refused::Wrong,
        other => Refused::Book(other),
    }
}
