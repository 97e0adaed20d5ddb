//! How two people, or a person and a program, compare a certificate: by its SHA-256, as `sha256:` and 64 digits.

use sha2::{Digest, Sha256};

/// What fingerprints begin with.
const KIND: &str = "sha256:";

/// The fingerprint of a certificate in DER.
pub fn fingerprint(certificate: &[u8]) -> String {
    let digest = Sha256::digest(certificate);
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{KIND}{digits}")
}

/// A fingerprint as typed: with `sha256:` or without, in capitals or not, with colons between its bytes or not.
///
/// # Errors
/// It is none.
pub fn parse_fingerprint(text: &str) -> Result<String, String> {
    let lower = text.trim().to_ascii_lowercase();
    let digits: String = lower
        .strip_prefix(KIND)
        .unwrap_or(&lower)
        .chars()
        .filter(|c| *c != ':')
        .collect();
    if digits.len() != 64 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(format!(
            "'{}' is no fingerprint: sha256: and 64 hexadecimal digits, as 'tradewind tls show' prints it",
            text.escape_default()
        ));
    }
    Ok(format!("{KIND}{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_however_it_was_copied_and_nothing_else_is() {
        let printed = fingerprint(b"abc");
        assert_eq!(
            printed,
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let digits = printed.strip_prefix(KIND).unwrap();
        let pairs: Vec<String> = digits
            .as_bytes()
            .chunks(2)
            .map(|two| String::from_utf8_lossy(two).into_owned())
            .collect();
        for text in [
            digits.to_owned(),
            digits.to_uppercase(),
            format!("SHA256:{}", pairs.join(":")),
            format!(" {printed}\n"),
        ] {
            assert_eq!(
                parse_fingerprint(&text).as_deref(),
                Ok(printed.as_str()),
                "{text}"
            );
        }
        for bad in [
            "",
            "sha256:",
            &digits[1..],
            &format!("{digits}0"),
            "md5:00",
            &digits.replace('a', "g"),
        ] {
            assert!(parse_fingerprint(bad).is_err(), "{bad}");
        }
    }
}
