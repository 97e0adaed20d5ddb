//! Signed calls: what is signed, and that none is taken twice. A call says when it was made, and a word that it uses once;
//! both are under the signature, with method, address and a hash of the body.

use super::KeyError;
use super::secret::{hex, unhex};
use crate::domain::Timestamp;
use ring::hmac;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How far a call's time may be from ours.
const WINDOW: Duration = Duration::from_secs(30);
/// Calls remembered: one more is refused until the oldest is too old anyway.
const REMEMBERED: usize = 100_000;
/// Letters of a word that is used once.
const NONCE: std::ops::RangeInclusive<usize> = 8..=64;

/// What a signed call says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Signature<'a> {
    /// The characters that name the key.
    pub key: &'a str,
    /// `GET`, `POST`, ...
    pub method: &'a str,
    /// Path and query, as sent.
    pub path: &'a str,
    /// The body, as sent.
    pub body: &'a [u8],
    /// Milliseconds since 1970, as sent.
    pub timestamp: &'a str,
    /// A word that is used once: 8 to 64 letters, digits, `-`, `_`.
    pub nonce: &'a str,
    /// HMAC-SHA256, hexadecimal.
    pub mac: &'a str,
}

impl Signature<'_> {
    /// What is signed: five lines.
    pub fn words(&self) -> String {
        let body = hex(&Sha256::digest(self.body));
        format!(
            "{}\n{}\n{body}\n{}\n{}",
            self.method, self.path, self.timestamp, self.nonce
        )
    }
    /// Whether it was made with this key.
    pub(super) fn is_right(&self, key: &hmac::Key) -> bool {
        let mac = unhex(self.mac).filter(|mac| mac.len() == 32);
        mac.is_some_and(|mac| hmac::verify(key, self.words().as_bytes(), &mac).is_ok())
    }
}

/// The signed calls of the last minute.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    seen: BTreeSet<(String, String)>,
    by_time: BTreeMap<(i64, u64), (String, String)>,
    count: u64,
}

impl Nonces {
    /// Takes a call whose signature is right.
    ///
    /// # Errors
    /// It is too old or too new, or came before.
    pub(super) fn take(&mut self, signature: &Signature<'_>, now: Timestamp) -> Result<(), KeyError> {
        let stale = KeyError::Stale;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !NONCE.contains(&signature.nonce.len()) || !signature.nonce.chars().all(plain) {
            return Err(stale("x-nonce wants 8 to 64 letters, digits, '-' or '_'"));
        }
        let at = signature.timestamp.parse::<i64>().ok().filter(|at| {
            // Far from any number that would overflow as nanoseconds.
            (0..9_000_000_000_000).contains(at)
        });
        let at = at.map(Timestamp::from_millis);
        let at = at.ok_or(stale("x-timestamp wants milliseconds since 1970"))?;
        if at.since(now) > WINDOW || now.since(at) > WINDOW {
            return Err(stale(
                "this signed call is more than 30 s from now by this machine's clock",
            ));
        }
        while let Some(entry) = self.by_time.first_entry() {
            if entry.key().0 >= now.0 {
                break;
            }
            self.seen.remove(&entry.remove());
        }
        if self.seen.len() >= REMEMBERED {
            return Err(stale("too many signed calls within a minute; try again"));
        }
        let call = (signature.key.to_owned(), signature.nonce.to_owned());
        if !self.seen.insert(call.clone()) {
            return Err(stale(
                "this signed call came before; each wants a word of its own in x-nonce",
            ));
        }
        self.count += 1;
        // Until it would be too old by its own time.
        self.by_time.insert((at.after(WINDOW).0, self.count), call);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(timestamp: &'a str, nonce: &'a str, mac: &'a str) -> Signature<'a> {
        Signature {
            key: "abcdefgh",
            method: "POST",
            path: "/api/v1/orders?x=1",
            body: b"{}",
            timestamp,
            nonce,
            mac,
        }
    }

    #[test]
    fn a_signed_call_is_taken_once_in_its_time() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"k");
        let unsigned = call("100000", "word-one", "");
        let mac = hex(hmac::sign(&key, unsigned.words().as_bytes()).as_ref());
        assert!(call("100000", "word-one", &mac).is_right(&key));
        assert!(!call("100001", "word-one", &mac).is_right(&key));
        assert!(!call("100000", "word-two", &mac).is_right(&key));
        for bad in ["", "00", &mac[..62], "zz"] {
            assert!(!call("100000", "word-one", bad).is_right(&key));
        }
        let (mut nonces, now) = (Nonces::default(), Timestamp::from_seconds(100));
        assert!(nonces.take(&call("129999", "word-one", ""), now).is_ok());
        assert!(nonces.take(&call("129999", "word-one", ""), now).is_err());
        // Long after its time it is forgotten, and refused for its age instead.
        let later = Timestamp::from_seconds(161);
        assert!(nonces.take(&call("129999", "word-one", ""), later).is_err());
        assert!(nonces.take(&call("161000", "word-two", ""), later).is_ok());
        assert_eq!(nonces.seen.len(), 1);
        for (time, nonce) in [
            ("69999", "word-ten"),
            ("130001", "word-ten"),
            ("-1", "word-ten"),
            ("99999999999999999999", "word-ten"),
            ("100000", "short"),
            ("100000", "word ten"),
        ] {
            assert!(
                nonces.take(&call(time, nonce, ""), now).is_err(),
                "{time} {nonce}"
            );
        }
    }
}
