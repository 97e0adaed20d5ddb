//! Which certificate the port shows: the settings' files, or one that is made once and kept in the profile's folder. And
//! `tradewind tls show`, which tells its fingerprint to a person who carries it to another machine.

use super::mistake::Mistake;
use super::paths::Paths;
use crate::config::{Encryption, Settings};
use crate::server::tls::{Files, Tls, chain, make_once};
use crate::wire::fingerprint;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;

/// The encryption of a port on `address`; none where there is to be none.
///
/// # Errors
/// The certificate can't be used or made.
pub(super) fn open(settings: &Settings, paths: &Paths, address: IpAddr) -> Result<Option<Tls>> {
    // Files that the settings name are theirs to mend; one of our own making is not.
    let mut named = false;
    let files = match settings.server.encryption(address.is_loopback()) {
        Encryption::None => return Ok(None),
        Encryption::Files => {
            named = true;
            given(settings)
        }
        Encryption::SelfMade => {
            make_once(&paths.tls(), &settings.profile, &names(address))?;
            Files::SelfMade(paths.tls())
        }
    };
    let tls = match Tls::open(files) {
        Err(error) if named => return Err(Mistake::new(error).into()),
        opened => opened?,
    };
    tracing::info!(fingerprint = tls.fingerprint(), "the port is encrypted");
    Ok(Some(tls))
}

fn given(settings: &Settings) -> Files {
    Files::Given {
        cert: PathBuf::from(&settings.server.tls_cert),
        key: PathBuf::from(&settings.server.tls_key),
    }
}

/// By what names this machine may be called.
fn names(address: IpAddr) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let plain = |host: &str| {
        !host.is_empty()
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
    };
    if plain(&host) {
        names.push(host);
    }
    if !address.is_unspecified() {
        names.push(address.to_string());
    }
    names.sort();
    names.dedup();
    names
}

/// Prints which certificate the port shows.
///
/// # Errors
/// There is none yet, or it can't be read.
pub fn show(settings: &Settings, paths: &Paths, json: bool) -> Result<()> {
    let own = settings.server.tls_cert.is_empty();
    let file = if own {
        paths.tls()
    } else {
        PathBuf::from(&settings.server.tls_cert)
    };
    if own && !file.exists() {
        bail!(
            "no certificate was made in this profile yet: 'tradewind serve --listen ADDRESS' makes one where others can reach the address, or with --tls"
        );
    }
    let chain = chain(&file)?;
    let shown = fingerprint(chain.first().context("an empty file")?);
    let mut out = std::io::stdout().lock();
    if json {
        let told = json!({ "file": file, "self_made": own, "fingerprint": shown });
        writeln!(out, "{told}")?;
    } else {
        let kind = if own {
            "made by tradewind"
        } else {
            "given by server.tls_cert"
        };
        writeln!(out, "{shown}\n{} ({kind})", file.display())?;
    }
    Ok(())
}
