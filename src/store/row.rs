//! One record of the journal: an event in its stored form, and the hash that chains it to the one before.

use super::error::StoreError;
use super::format;
use super::journal::Stamp;
use crate::domain::{BrokerId, SessionId, Timestamp};
use crate::engine::planted::{Bug, planted};
use crate::engine::{Actor, Event};
use sha2::{Digest, Sha256};
use std::path::Path;

/// A SHA-256.
pub type Hash = [u8; 32];

/// A record as it stands in the table, its hash apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub sequence: i64,
    pub at_ns: i64,
    pub mono_ns: i64,
    pub wall_ns: i64,
    pub batch: i64,
    pub actor: String,
    pub cause: Option<i64>,
    pub kind: u16,
    pub version: u16,
    pub body: Vec<u8>,
}

impl Row {
    /// The record of an event that follows `last`.
    pub fn new(file: &Path, last: u64, event: &Event, stamp: Stamp) -> Result<Self, StoreError> {
        let unfit = || StoreError::Sequence {
            file: file.to_owned(),
            last,
            found: event.sequence,
        };
        if last.checked_add(1) != Some(event.sequence) {
            return Err(unfit());
        }
        let signed = |number: u64| i64::try_from(number).map_err(|_| unfit());
        let encoded = format::encode(&event.fact)?;
        Ok(Self {
            sequence: signed(event.sequence)?,
            at_ns: event.at.0,
            mono_ns: stamp.mono_ns,
            wall_ns: stamp.wall_ns,
            batch: signed(event.batch)?,
            actor: actor_text(event.actor),
            cause: event.cause.map(signed).transpose()?,
            kind: encoded.kind,
            version: encoded.version,
            body: encoded.body,
        })
    }

    /// The event it holds. Kinds and versions that this program does not know are refused as newer.
    pub fn event(&self, file: &Path) -> Result<Event, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt {
            file: file.to_owned(),
            what: format!("event {}: {what}", self.sequence),
        };
        let newer = |what, found: u16, known: u16| StoreError::Newer {
            file: file.to_owned(),
            what,
            found: found.into(),
            known: known.into(),
        };
        if self.kind > format::highest_kind() {
            return Err(newer("event kind", self.kind, format::highest_kind()));
        }
        if self.version > format::version_of(self.kind) {
            return Err(newer(
                "event version",
                self.version,
                format::version_of(self.kind),
            ));
        }
        let unsigned = |number: i64| u64::try_from(number).map_err(|_| corrupt("a negative number"));
        let fact = format::decode(self.kind, self.version, &self.body)
            .map_err(|error| corrupt(&error.to_string()))?;
        Ok(Event {
            sequence: unsigned(self.sequence)?,
            at: Timestamp(self.at_ns),
            batch: unsigned(self.batch)?,
            actor: actor_from(&self.actor).ok_or_else(|| corrupt("an unknown actor"))?,
            cause: self.cause.map(unsigned).transpose()?,
            fact,
        })
    }

    /// SHA-256 of the hash before and this record in its canonical form: whole numbers as eight bytes, big-endian, the
    /// kind and the version as two, texts and contents after their length, a missing cause as -1.
    pub fn hash(&self, before: &Hash) -> Hash {
        let mut hasher = Sha256::new();
        if !planted(Bug::ChainForgets) {
            hasher.update(before);
        }
        let cause = self.cause.unwrap_or(-1);
        for number in [
            self.sequence,
            self.at_ns,
            self.mono_ns,
            self.wall_ns,
            self.batch,
            cause,
        ] {
            hasher.update(number.to_be_bytes());
        }
        hasher.update(self.kind.to_be_bytes());
        hasher.update(self.version.to_be_bytes());
        for part in [self.actor.as_bytes(), &self.body] {
            hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }
}

fn actor_text(actor: Actor) -> String {
    match actor {
        Actor::Session(SessionId(number)) => format!("session:{number}"),
        Actor::Broker(broker) => format!("broker:{broker}"),
        Actor::Timer => "timer".into(),
        Actor::Engine => "engine".into(),
    }
}

fn actor_from(text: &str) -> Option<Actor> {
    match text.split_once(':') {
        Some(("session", number)) => number
            .parse()
            .ok()
            .map(|number| Actor::Session(SessionId(number))),
        Some(("broker", broker)) => BrokerId::new(broker).ok().map(Actor::Broker),
        None if text == "timer" => Some(Actor::Timer),
        None if text == "engine" => Some(Actor::Engine),
        _ => None,
    }
}
