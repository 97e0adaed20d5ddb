//! Sessions of users: begun by a sign-in, ended by a sign-out, by being taken away, by time, or by a refresh token that comes
//! a second time: then one of two has stolen it, and which of them can't be told. Tokens and cookies are made from the
//! profile's secret and the session's name; the book keeps neither.

use super::secret::{Secret, chance_text, letters};
use super::users::{UserBook, UserError};
use crate::domain::Timestamp;
use ring::hmac;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Letters that name a session: 80 bits.
const NAME_LENGTH: usize = 16;
/// Sessions of one user: one more ends the oldest.
const SESSIONS_MAX: usize = 20;
/// That a session was used is written down this seldom.
const SEEN_EVERY: Duration = Duration::from_secs(30);

/// How long things last.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// An access token.
    pub access: Duration,
    /// A session that is not used.
    pub idle: Duration,
    /// A session, however much it is used.
    pub session: Duration,
    /// What somebody may who proved themselves again.
    pub step_up: Duration,
}

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its name.
    pub id: String,
    /// Whose.
    pub user: String,
    /// Whether a page holds it, by a cookie, or a program, by tokens.
    pub page: bool,
    /// When it began.
    pub made: Timestamp,
    /// When it was used last, to half a minute.
    pub seen: Timestamp,
    /// When it ends at the latest.
    pub ends: Timestamp,
    /// From where it was begun.
    pub address: String,
    /// Until when it may do what only somebody who proved themselves again may.
    pub stepped_up: Option<Timestamp>,
    /// How often it was refreshed.
    generation: i64,
}

impl Session {
    fn is_good(&self, terms: &Terms, now: Timestamp) -> bool {
        now < self.ends && now < self.seen.after(terms.idle)
    }
}

/// Makes and reads what sessions are held by.
#[derive(Clone)]
pub(super) struct Marks {
    refresh: hmac::Key,
    cookie: hmac::Key,
    csrf: hmac::Key,
}

impl Marks {
    pub(super) fn new(secret: &Secret) -> Self {
        Self {
            refresh: secret.key("refresh tokens"),
            cookie: secret.key("page cookies"),
            csrf: secret.key("page forms"),
        }
    }
    fn mark(key: &hmac::Key, words: &str) -> String {
        letters(hmac::sign(key, words.as_bytes()).as_ref())
    }
    /// Compared as marks of what was given: how long it takes tells nothing.
    fn same(key: &hmac::Key, words: &str, given: &str) -> bool {
        let expected = Self::mark(key, words);
        let tag = |text: &str| hmac::sign(key, text.as_bytes());
        tag(&expected).as_ref() == tag(given).as_ref()
    }
    fn refresh_token(&self, id: &str, generation: i64) -> String {
        let words = format!("{id}.{generation}");
        let mark = Self::mark(&self.refresh, &words);
        format!("tr_{words}.{mark}")
    }
    fn read_refresh<'a>(&self, token: &'a str) -> Option<(&'a str, i64)> {
        let (words, mark) = token.strip_prefix("tr_")?.rsplit_once('.')?;
        let (id, generation) = words.split_once('.')?;
        Self::same(&self.refresh, words, mark).then_some(())?;
        Some((id, generation.parse().ok()?))
    }
    /// What a page's cookie holds.
    pub(super) fn cookie(&self, id: &str) -> String {
        format!("tp_{id}.{}", Self::mark(&self.cookie, id))
    }
    /// The session that a cookie holds.
    pub(super) fn read_cookie<'a>(&self, value: &'a str) -> Option<&'a str> {
        let (id, mark) = value.strip_prefix("tp_")?.split_once('.')?;
        Self::same(&self.cookie, id, mark).then_some(id)
    }
    /// What a page sends along with every change.
    pub(super) fn csrf(&self, id: &str) -> String {
        Self::mark(&self.csrf, id)
    }
    /// Whether it is this session's.
    pub(super) fn is_csrf(&self, id: &str, given: &str) -> bool {
        Self::same(&self.csrf, id, given)
    }
}

/// What became of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refreshed {
    /// The session goes on, with a new token.
    On(Session, String),
    /// It was used before: the session was ended.
    Reused(String),
    /// It opens nothing.
    Unknown,
}

impl UserBook {
    /// Begins a session.
    ///
    /// # Errors
    /// The book can't be written.
    pub(super) fn begin(
        &mut self,
        user: &str,
        page: bool,
        address: IpAddr,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Session, UserError> {
        self.sweep(user, terms, now)?;
        let session = Session {
            id: chance_text(NAME_LENGTH).ok_or(UserError::Machine)?,
            user: user.to_owned(),
            page,
            made: now,
            seen: now,
            ends: now.after(terms.session),
            address: address.to_string(),
            stepped_up: None,
            generation: 0,
        };
        self.version = None;
        self.file.execute(
            "INSERT INTO sessions (id, user, kind, made, seen, ends, address, generation) VALUES (?,?,?,?,?,?,?,0)",
            params![
                session.id,
                user,
                if page { "page" } else { "token" },
                now.0,
                now.0,
                session.ends.0,
                session.address
            ],
        )?;
        Ok(session)
    }
    /// Takes away what is over, and the oldest sessions of a user that has too many.
    fn sweep(&mut self, user: &str, terms: &Terms, now: Timestamp) -> Result<(), UserError> {
        self.refresh()?;
        let over = self.sessions.values().filter(|one| !one.is_good(terms, now));
        let mut gone: Vec<String> = over.map(|one| one.id.clone()).collect();
        let theirs = self.sessions.values().filter(|one| one.user == user);
        let mut theirs: Vec<&Session> = theirs.filter(|one| one.is_good(terms, now)).collect();
        theirs.sort_by_key(|one| one.seen);
        let many = (theirs.len() + 1).saturating_sub(SESSIONS_MAX);
        gone.extend(theirs.iter().take(many).map(|one| one.id.clone()));
        for id in gone {
            self.end(&id)?;
        }
        Ok(())
    }
    /// The first refresh token of a session.
    pub(super) fn first_token(marks: &Marks, session: &Session) -> String {
        marks.refresh_token(&session.id, session.generation)
    }
    /// Takes a refresh token and gives the next.
    ///
    /// # Errors
    /// The book can't be written.
    pub(super) fn rotate(
        &mut self,
        marks: &Marks,
        token: &str,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Refreshed, UserError> {
        let Some((id, generation)) = marks.read_refresh(token) else {
            return Ok(Refreshed::Unknown);
        };
        let Some(session) = self.session(id, terms, now)? else {
            return Ok(Refreshed::Unknown);
        };
        self.version = None;
        let taken = self.file.execute(
            "UPDATE sessions SET generation = generation + 1, seen = ?3 WHERE id = ?1 AND generation = ?2",
            params![id, generation, now.0],
        )?;
        if taken == 0 {
            self.end(id)?;
            return Ok(Refreshed::Reused(session.user));
        }
        let next = marks.refresh_token(id, generation + 1);
        Ok(Refreshed::On(session, next))
    }
    /// A session that is good now.
    ///
    /// # Errors
    /// The book can't be read.
    pub fn session(&mut self, id: &str, terms: &Terms, now: Timestamp) -> Result<Option<Session>, UserError> {
        self.refresh()?;
        Ok(self
            .sessions
            .get(id)
            .filter(|one| one.is_good(terms, now))
            .cloned())
    }
    /// Notes that it was used. Kept here, and written down seldom.
    ///
    /// # Errors
    /// The book can't be written.
    pub(super) fn touch(&mut self, id: &str, now: Timestamp) -> Result<(), UserError> {
        let Some(session) = self.sessions.get_mut(id) else {
            return Ok(());
        };
        if now.since(session.seen) < SEEN_EVERY {
            return Ok(());
        }
        session.seen = now;
        self.file
            .prepare_cached("UPDATE sessions SET seen = ?2 WHERE id = ?1")?
            .execute(params![id, now.0])?;
        Ok(())
    }
    /// Notes that its user proved themselves again.
    ///
    /// # Errors
    /// The book can't be written.
    pub(super) fn step_up(&mut self, id: &str, until: Timestamp) -> Result<(), UserError> {
        self.version = None;
        self.file.execute(
            "UPDATE sessions SET stepped_up = ?2 WHERE id = ?1",
            params![id, until.0],
        )?;
        Ok(())
    }
    /// Ends a session; false where there is none.
    ///
    /// # Errors
    /// The book can't be written.
    pub fn end(&mut self, id: &str) -> Result<bool, UserError> {
        self.version = None;
        Ok(self.file.execute("DELETE FROM sessions WHERE id = ?1", [id])? > 0)
    }
    /// The good sessions of a user, or of all, the newest first.
    ///
    /// # Errors
    /// The book can't be read.
    pub fn sessions_of(
        &mut self,
        user: Option<&str>,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Vec<Session>, UserError> {
        self.refresh()?;
        let wanted = |one: &&Session| one.is_good(terms, now) && user.is_none_or(|user| one.user == user);
        let mut found: Vec<Session> = self.sessions.values().filter(wanted).cloned().collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.made));
        Ok(found)
    }
}

/// All sessions of the book.
pub(super) fn read(file: &Connection) -> Result<BTreeMap<String, Session>, rusqlite::Error> {
    let mut query = file.prepare_cached(
        "SELECT id, user, kind, made, seen, ends, address, generation, stepped_up FROM sessions",
    )?;
    let rows = query.query_map([], |row| {
        Ok(Session {
            id: row.get(0)?,
            user: row.get(1)?,
            page: row.get::<_, String>(2)? == "page",
            made: Timestamp(row.get(3)?),
            seen: Timestamp(row.get(4)?),
            ends: Timestamp(row.get(5)?),
            address: row.get(6)?,
            generation: row.get(7)?,
            stepped_up: row.get::<_, Option<i64>>(8)?.map(Timestamp),
        })
    })?;
    rows.map(|one| one.map(|one| (one.id.clone(), one))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Hashed, Role, UserSpec};
    use super::*;

    const TERMS: Terms = Terms {
        access: Duration::from_secs(600),
        idle: Duration::from_secs(1_800),
        session: Duration::from_secs(43_200),
        step_up: Duration::from_secs(300),
    };
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_refresh_token_that_comes_twice_ends_the_session_and_time_does_too() {
        let folder = tempfile::tempdir().unwrap();
        let secret = Secret::open(&folder.path().join("s")).unwrap();
        let mut book = UserBook::open(&folder.path().join("doors.db"), &secret).unwrap();
        let marks = Marks::new(&secret);
        let anna = UserSpec {
            name: "anna".to_owned(),
            role: Role::View,
            accounts: None,
        };
        let password = Hashed::of("correct horse battery", "anna").unwrap();
        book.add(&anna, &password, at(0)).unwrap();
        let session = book.begin("anna", false, HERE, &TERMS, at(0)).unwrap();
        let first = UserBook::first_token(&marks, &session);
        let Refreshed::On(_, second) = book.rotate(&marks, &first, &TERMS, at(60)).unwrap() else {
            panic!("the first token opens");
        };
        assert!(book.session(&session.id, &TERMS, at(60)).unwrap().is_some());
        let other = book.begin("anna", false, HERE, &TERMS, at(60)).unwrap();
        assert_eq!(
            book.rotate(&marks, &first, &TERMS, at(61)).unwrap(),
            Refreshed::Reused("anna".to_owned())
        );
        assert_eq!(
            book.rotate(&marks, &second, &TERMS, at(61)).unwrap(),
            Refreshed::Unknown
        );
        // The other session goes on, until it is idle for too long.
        assert!(book.session(&other.id, &TERMS, at(60 + 1_799)).unwrap().is_some());
        assert!(book.session(&other.id, &TERMS, at(60 + 1_800)).unwrap().is_none());
        for n in 0..30 {
            book.begin("anna", true, HERE, &TERMS, at(100 + n)).unwrap();
        }
        let all = book.sessions_of(Some("anna"), &TERMS, at(130)).unwrap();
        assert_eq!(all.len(), SESSIONS_MAX);
        let cookie = marks.cookie(&all[0].id);
        assert_eq!(marks.read_cookie(&cookie), Some(all[0].id.as_str()));
        assert_eq!(marks.read_cookie(&cookie.replace("tp_", "tp_a")), None);
        assert!(marks.is_csrf(&all[0].id, &marks.csrf(&all[0].id)));
        assert!(!marks.is_csrf(&all[1].id, &marks.csrf(&all[0].id)));
        for bad in ["", "tr_", "tr_a.0.b", &first.replace(".0.", ".1.")] {
            assert_eq!(marks.read_refresh(bad), None, "{bad}");
        }
        book.remove("anna").unwrap();
        assert!(book.sessions_of(None, &TERMS, at(130)).unwrap().is_empty());
    }
}
