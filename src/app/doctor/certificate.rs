//! Of the port's certificate: from when to when it holds, and that its key belongs to it. The two times are read from the
//! certificate itself; nothing of it is believed.

use super::super::paths::Paths;
use super::{Finding, Level};
use crate::config::{Encryption, Settings};
use crate::domain::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Days before the end from which on it is worth a warning.
const SOON: i64 = 21;
const DAY_NS: i64 = 86_400_000_000_000;

/// What there is to say of the certificate of the settings.
pub(super) fn all(settings: &Settings, paths: &Paths, now: Timestamp) -> Vec<Finding> {
    let Some((cert, key)) = files(settings, paths) else {
        return vec![Finding::note(
            "certificate",
            "the port has none yet, or needs none",
        )];
    };
    let bad = |found: String| {
        vec![Finding::new(
            "certificate",
            Level::Bad,
            found,
            "name the files of a certificate and its key, PEM, readable by the engine's user",
        )]
    };
    let chain: Result<Vec<_>, _> = match CertificateDer::pem_file_iter(&cert) {
        Ok(chain) => chain.collect(),
        Err(error) => return bad(format!("{cert}: {error}")),
    };
    let chain: Vec<CertificateDer<'static>> = match chain {
        Ok(chain) if !chain.is_empty() => chain,
        Ok(_) => return bad(format!("{cert}: there is no certificate in it")),
        Err(error) => return bad(format!("{cert}: {error}")),
    };
    let mut findings = vec![dates(&cert, &chain[0], now)];
    findings.push(match PrivateKeyDer::from_pem_file(&key) {
        Err(error) => return bad(format!("{key}: {error}")),
        Ok(der) => belongs(&cert, &key, chain, &der),
    });
    findings.extend(closed(&key));
    findings
}

/// When the certificate in a file ends; nothing where that can't be read.
pub(in crate::app) fn ends(file: &Path) -> Option<Timestamp> {
    let mut chain = CertificateDer::pem_file_iter(file).ok()?;
    Some(validity(&chain.next()?.ok()?)?.1)
}

/// The certificate's file, where the port shows one.
pub(in crate::app) fn file(settings: &Settings, paths: &Paths) -> Option<PathBuf> {
    files(settings, paths).map(|(cert, _)| PathBuf::from(cert))
}

/// The files of the settings, or the one of our own making, where the port is encrypted by it.
fn files(settings: &Settings, paths: &Paths) -> Option<(String, String)> {
    let server = &settings.server;
    let address = server.listen.parse::<std::net::SocketAddr>();
    let local = address.map_or(true, |address| address.ip().is_loopback());
    match server.encryption(local) {
        Encryption::Files => Some((server.tls_cert.clone(), server.tls_key.clone())),
        Encryption::SelfMade if paths.tls().exists() => {
            let both = paths.tls().to_string_lossy().into_owned();
            Some((both.clone(), both))
        }
        _ => None,
    }
}

fn dates(file: &str, certificate: &CertificateDer<'_>, now: Timestamp) -> Finding {
    let Some((from, until)) = validity(certificate) else {
        let found = format!("{file}: from when to when it holds can't be read");
        return Finding::new("certificate", Level::Bad, found, "ask for a new one");
    };
    let days = until.0.saturating_sub(now.0).div_euclid(DAY_NS);
    if now < from {
        let found = format!("{file} holds only from {from} on");
        return Finding::new("certificate", Level::Bad, found, "see the machine's clock");
    }
    if now >= until {
        let found = format!("{file} ended on {until}");
        return Finding::new("certificate", Level::Bad, found, "renew it");
    }
    let found = format!("{file} holds until {until}, {days} days");
    if days < SOON {
        return Finding::new("certificate", Level::Warn, found, "renew it");
    }
    Finding::ok("certificate", found)
}

fn belongs(cert: &str, key: &str, chain: Vec<CertificateDer<'static>>, der: &PrivateKeyDer<'_>) -> Finding {
    let signing = match rustls::crypto::ring::sign::any_supported_type(der) {
        Ok(signing) => signing,
        Err(error) => {
            return Finding::new(
                "certificate",
                Level::Bad,
                format!("{key}: {error}"),
                "use an ECDSA, Ed25519 or RSA key",
            );
        }
    };
    match CertifiedKey::new(chain, signing).keys_match() {
        Ok(()) => Finding::ok("certificate", "the key belongs to it"),
        Err(error) => Finding::new(
            "certificate",
            Level::Bad,
            format!("{key} does not belong to {cert}: {error}"),
            "name the key that the certificate was asked for with",
        ),
    }
}

fn closed(key: &str) -> Option<Finding> {
    let mode = std::fs::metadata(Path::new(key)).ok()?.permissions().mode();
    (mode & 0o007 != 0).then(|| {
        let found = format!("{key} can be read by every user of this machine");
        Finding::new("certificate", Level::Warn, found, format!("chmod o= {key}"))
    })
}

/// One element: its tag, its content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let (digits, rest) = (count <= 4).then(|| rest.split_at_checked(count))??;
        (
            digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)),
            rest,
        )
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// From when and until when a certificate holds: the fifth thing in it, after version, number, algorithm and issuer.
fn validity(der: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let (_, certificate, _) = element(der)?;
    let (_, mut rest, _) = element(certificate)?;
    if let Some((0xa0, _, after)) = element(rest) {
        rest = after;
    }
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (0x30, times, _) = element(rest)? else {
        return None;
    };
    let (tag, from, rest) = element(times)?;
    let from = time(tag, from)?;
    let (tag, until, _) = element(rest)?;
    Some((from, time(tag, until)?))
}

/// `YYMMDDhhmmssZ` (of 1950 to 2049) or `YYYYMMDDhhmmssZ`.
fn time(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let whole = match tag {
        0x17 if text.len() == 13 => {
            let century = if text.get(..2)? < "50" { "20" } else { "19" };
            format!("{century}{text}")
        }
        0x18 if text.len() == 15 => text.to_owned(),
        _ => return None,
    };
    let part = |from, to| whole.get(from..to);
    Timestamp::parse(&format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_writing_a_time_are_read_and_nonsense_is_not() {
        let at = |text| Timestamp::parse(text).unwrap();
        assert_eq!(time(0x17, b"261127043213Z"), Some(at("2026-11-27T04:32:13Z")));
        assert_eq!(time(0x17, b"991231235959Z"), Some(at("1999-12-31T23:59:59Z")));
        assert_eq!(time(0x18, b"20501127043213Z"), Some(at("2050-11-27T04:32:13Z")));
        assert_eq!(time(0x18, b"261127043213Z"), None);
        assert_eq!(validity(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(validity(&[]), None);
    }
}
