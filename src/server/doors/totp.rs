//! The second factor: codes of six digits by time (RFC 6238 over RFC 4226, SHA-1, 30 seconds), which every authenticator
//! program knows. Remembers nothing: which step was used last is the caller's to keep.

use crate::domain::Timestamp;
use ring::hmac;

/// Seconds of a step.
const STEP: i64 = 30;
/// Steps before and after now that are taken: clocks differ.
const WINDOW: u64 = 1;
/// Digits of a code.
const DIGITS: usize = 6;
/// Bytes of a shared secret.
pub(super) const SECRET: usize = 20;

/// The step of a moment.
fn step_at(now: Timestamp) -> u64 {
    u64::try_from(now.seconds() / STEP).unwrap_or(0)
}

/// The code of a step.
pub fn code(secret: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes([tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]]);
    format!("{:06}", number % 1_000_000)
}

/// The step whose code this is, if it may be used now: within the window, and later than the one that was used last.
pub fn accepted(secret: &[u8], given: &str, now: Timestamp, used: u64) -> Option<u64> {
    let given: String = given.chars().filter(|c| !c.is_whitespace()).collect();
    if given.len() != DIGITS {
        return None;
    }
    let step = step_at(now);
    let mut found = None;
    // All are looked at, whatever was found: how long it takes tells nothing.
    for step in step.saturating_sub(WINDOW)..=step + WINDOW {
        let code = code(secret, step);
        let differs = code
            .bytes()
            .zip(given.bytes())
            .fold(0, |differs, (a, b)| differs | (a ^ b));
        if differs == 0 && step > used {
            found = Some(step);
        }
    }
    found
}

/// The secret as people type it (RFC 4648, base 32 without padding).
pub fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut text, mut held, mut bits) = (String::new(), 0_u32, 0_u32);
    let mut put = |value: u32| text.push(char::from(LETTERS[usize::try_from(value & 31).unwrap_or(0)]));
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            put(held >> bits);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        put(held << (5 - bits));
    }
    text
}

/// What an authenticator program takes in one.
pub fn address(user: &str, profile: &str, secret: &[u8]) -> String {
    let plain = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
                other => format!("%{other:02X}"),
            })
            .collect()
    };
    format!(
        "otpauth://totp/tradewind%20{profile}:{user}?secret={}&issuer=tradewind%20{profile}",
        base32(secret),
        profile = plain(profile),
        user = plain(user),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the last six of eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = b"12345678901234567890";
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(code(secret, step_at(Timestamp::from_seconds(seconds))), expected);
        }
        assert_eq!(base32(secret), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(base32(b"f"), "MY");
        assert_eq!(base32(b"foob"), "MZXW6YQ");
    }

    #[test]
    fn a_code_opens_once_within_a_step_of_its_time() {
        let secret = b"12345678901234567890";
        let now = Timestamp::from_seconds(3_000);
        for (step, taken) in [(98, false), (99, true), (100, true), (101, true), (102, false)] {
            let found = accepted(secret, &code(secret, step), now, 0);
            assert_eq!(found, taken.then_some(step));
        }
        assert_eq!(accepted(secret, &code(secret, 100), now, 100), None);
        assert_eq!(accepted(secret, &code(secret, 101), now, 100), Some(101));
        for bad in ["", "000000", "28708", "2870822", "äöü"] {
            assert_eq!(accepted(secret, bad, now, 0), None);
        }
    }
}
