//! Access tokens: JWTs (RFC 7519) of one kind only. The header is compared as a whole with the one that is written here, so
//! that no token can choose how it is checked; the signature is HMAC-SHA256 with a key derived from the profile's secret. A
//! token names a session, and opens as long as that does: what a session is lies in `sessions`.

use super::secret::Secret;
use crate::domain::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `{"typ":"JWT","alg":"HS256"}`
const HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9";
/// Who gives them out.
const ISSUER: &str = "tradewind";
/// Bytes of a token at most: longer ones are not looked at.
const LONGEST: usize = 1_024;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    /// The user.
    pub(super) sub: String,
    /// The session.
    pub(super) sid: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Gives tokens out and reads them.
#[derive(Clone)]
pub(super) struct Tokens {
    key: hmac::Key,
    audience: String,
}

impl Tokens {
    pub(super) fn new(secret: &Secret, profile: &str) -> Self {
        Self {
            key: secret.key("access tokens"),
            audience: format!("tradewind/{profile}"),
        }
    }
    /// A token of this session, good from now for so long.
    pub(super) fn give(&self, user: &str, session: &str, now: Timestamp, lasts: Duration) -> String {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: self.audience.clone(),
            sub: user.to_owned(),
            sid: session.to_owned(),
            iat: now.seconds(),
            nbf: now.seconds(),
            exp: now.after(lasts).seconds(),
        };
        let body = serde_json::to_vec(&claims).unwrap_or_default();
        let words = format!("{HEADER}.{}", encode(&body));
        let tag = hmac::sign(&self.key, words.as_bytes());
        format!("{words}.{}", encode(tag.as_ref()))
    }
    /// What a token says, if it is one of ours, for us, and good now. Why not is nobody's business.
    pub(super) fn read(&self, token: &str, now: Timestamp) -> Option<Claims> {
        if token.len() > LONGEST {
            return None;
        }
        let (words, tag) = token.rsplit_once('.')?;
        let (header, body) = words.split_once('.')?;
        if header != HEADER || body.contains('.') {
            return None;
        }
        hmac::verify(&self.key, words.as_bytes(), &decode(tag)?).ok()?;
        let claims: Claims = serde_json::from_slice(&decode(body)?).ok()?;
        let now = now.seconds();
        let good =
            claims.iss == ISSUER && claims.aud == self.audience && claims.nbf <= now && now < claims.exp;
        good.then_some(claims)
    }
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base 64 for addresses, without padding (RFC 4648).
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let byte = |at: usize| u32::from(part.get(at).copied().unwrap_or(0));
        let held = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for at in 0..=part.len() {
            let six = (held >> (18 - 6 * at)) & 63;
            text.push(char::from(LETTERS[usize::try_from(six).unwrap_or(0)]));
        }
    }
    text
}

/// The bytes; nothing where one letter is not as it is written here, to the last bit.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for part in text.as_bytes().chunks(4) {
        if part.len() == 1 {
            return None;
        }
        let mut held = 0_u32;
        for letter in part {
            let six = LETTERS.iter().position(|known| known == letter)?;
            held = (held << 6) | u32::try_from(six).ok()?;
        }
        held <<= 6 * (4 - part.len());
        let whole = held.to_be_bytes();
        let count = part.len() - 1;
        if whole[1 + count..].iter().any(|rest| *rest != 0) {
            return None;
        }
        bytes.extend_from_slice(&whole[1..=count]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> (tempfile::TempDir, Tokens) {
        let folder = tempfile::tempdir().unwrap();
        let secret = Secret::open(&folder.path().join("s")).unwrap();
        (folder, Tokens::new(&secret, "dev"))
    }

    fn signed(tokens: &Tokens, header: &str, body: &str) -> String {
        let words = format!("{}.{}", encode(header.as_bytes()), encode(body.as_bytes()));
        let tag = hmac::sign(&tokens.key, words.as_bytes());
        format!("{words}.{}", encode(tag.as_ref()))
    }

    #[test]
    fn letters_come_back_as_the_bytes_that_they_were() {
        assert_eq!(encode(b"{\"typ\":\"JWT\",\"alg\":\"HS256\"}"), HEADER);
        for length in 0..70_u8 {
            let bytes: Vec<u8> = (0..length)
                .map(|n| n.wrapping_mul(83).wrapping_add(length))
                .collect();
            assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
        for bad in ["A", "AB=", "A+", "AB ", "AAAAA", "AB", "é"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_opens_in_its_time_and_none_that_another_could_write_does() {
        let (_folder, tokens) = tokens();
        let now = Timestamp::from_seconds(1_000);
        let token = tokens.give("anna", "s1", now, Duration::from_secs(600));
        assert_eq!(tokens.read(&token, now).unwrap().sub, "anna");
        assert!(tokens.read(&token, Timestamp::from_seconds(1_599)).is_some());
        assert!(tokens.read(&token, Timestamp::from_seconds(1_600)).is_none());
        assert!(tokens.read(&token, Timestamp::from_seconds(999)).is_none());
        let right = r#"{"iss":"tradewind","aud":"tradewind/dev","sub":"anna","sid":"s1","iat":1000,"nbf":1000,"exp":1600}"#;
        let header = r#"{"typ":"JWT","alg":"HS256"}"#;
        assert!(tokens.read(&signed(&tokens, header, right), now).is_some());
        // Signed with our own key, and wrong all the same.
        for (header, body) in [
            (r#"{"typ":"JWT","alg":"none"}"#, right.to_owned()),
            (r#"{"alg":"HS256","typ":"JWT"}"#, right.to_owned()),
            (r#"{"typ":"JWT","alg":"HS512"}"#, right.to_owned()),
            (header, right.replace("tradewind/dev", "tradewind/live")),
            (header, right.replace("\"tradewind\"", "\"other\"")),
            (header, right.replace("\"nbf\":1000", "\"nbf\":1001")),
            (header, right.replace("\"exp\":1600", "\"exp\":1000")),
            (header, right.replace(",\"exp\":1600", "")),
            (header, right.replace("1600}", "1600,\"role\":\"admin\"}")),
            (header, right.replace("1600}", "1600.5}")),
        ] {
            assert!(
                tokens.read(&signed(&tokens, header, &body), now).is_none(),
                "{body}"
            );
        }
        for at in 0..token.len() {
            let mut near = token.clone().into_bytes();
            near[at] = if near[at] == b'A' { b'B' } else { b'A' };
            let near = String::from_utf8(near).unwrap();
            assert!(tokens.read(&near, now).is_none(), "{near}");
            assert!(tokens.read(&token[..at], now).is_none());
        }
    }
}
