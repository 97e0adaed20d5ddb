//! What the port shows of itself under TLS: a certificate out of files, or one of its own making that callers pin. Reads
//! both, says in words what is wrong with them, and takes changed files over while connections stand. Who may come in is
//! told elsewhere.

use crate::wire::fingerprint;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;

/// The largest file of a certificate or key that is read.
const FILE_MAX: u64 = 256 * 1024;

/// What is wrong with a certificate or its key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file, and what can be done.
    #[error("{}: {what}; {remedy}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What can be done.
        remedy: &'static str,
    },
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Made(#[from] rcgen::Error),
    /// The library refuses its own settings.
    #[error("TLS can't be set up: {0}")]
    Setup(#[from] rustls::Error),
}

impl TlsError {
    fn file(file: &Path, what: impl ToString, remedy: &'static str) -> Self {
        Self::File {
            file: file.to_owned(),
            what: what.to_string(),
            remedy,
        }
    }
}

/// Where the certificate and its key come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// Somebody's files: the certificate with its chain, and the key.
    Given {
        /// The certificate and what leads to its issuer.
        cert: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// One file of our own that holds both.
    SelfMade(PathBuf),
}

impl Files {
    fn cert(&self) -> &Path {
        match self {
            Self::Given { cert, .. } => cert,
            Self::SelfMade(both) => both,
        }
    }
    fn key(&self) -> &Path {
        match self {
            Self::Given { key, .. } => key,
            Self::SelfMade(both) => both,
        }
    }
}

/// Makes a certificate and its key where there is none yet, in one file that only this user may read. It is good for ever:
/// callers pin it, nobody vouches for it.
///
/// # Errors
/// It can't be made or written.
pub fn make_once(file: &Path, profile: &str, names: &[String]) -> Result<(), TlsError> {
    if file.exists() {
        return Ok(());
    }
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, format!("tradewind {profile}"));
    let key = KeyPair::generate()?;
    let text = format!("{}{}", params.self_signed(&key)?.pem(), key.serialize_pem());
    let wrong = |error: std::io::Error| TlsError::file(file, error, "make its folder writable");
    // Whole or not at all: half a key would be taken for a broken one at the next start.
    let fresh = file.with_extension("new");
    let _ = std::fs::remove_file(&fresh);
    let mut out = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(wrong)?;
    out.write_all(text.as_bytes()).map_err(wrong)?;
    out.sync_all().map_err(wrong)?;
    std::fs::rename(&fresh, file).map_err(wrong)
}

fn read(file: &Path, remedy: &'static str) -> Result<Vec<u8>, TlsError> {
    let wrong = |error: std::io::Error| TlsError::file(file, error, remedy);
    let about = std::fs::metadata(file).map_err(wrong)?;
    if !about.is_file() || about.len() > FILE_MAX {
        return Err(TlsError::file(file, "is no PEM file of a usual size", remedy));
    }
    std::fs::read(file).map_err(wrong)
}

/// Reads a certificate with its chain.
///
/// # Errors
/// The file can't be read or holds none.
pub fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    const REMEDY: &str =
        "server.tls_cert wants a PEM file: the certificate first, then those that lead to its issuer";
    let text = read(file, REMEDY)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(TlsError::file(file, "holds no certificate", REMEDY)),
        Err(error) => Err(TlsError::file(file, error, REMEDY)),
    }
}

fn load(files: &Files) -> Result<CertifiedKey, TlsError> {
    const REMEDY: &str = "server.tls_key wants the PEM file of the certificate's own key, without a password";
    let key = files.key();
    let text = read(key, REMEDY)?;
    let mode = std::fs::metadata(key)
        .map(|about| about.permissions().mode())
        .unwrap_or(0);
    if mode & 0o007 != 0 {
        return Err(TlsError::file(
            key,
            "every user of this machine can read this key",
            "make it private: chmod 600",
        ));
    }
    let chain = chain(files.cert())?;
    let private = PrivateKeyDer::from_pem_slice(&text).map_err(|error| TlsError::file(key, error, REMEDY))?;
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain, private, &provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            let what = format!("is not the key of {}", files.cert().display());
            TlsError::file(key, what, REMEDY)
        }
        other => TlsError::file(key, other, REMEDY),
    })
}

/// What is shown now; another after a reload.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    fn now(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
}

/// The TLS of one port.
#[derive(Clone)]
pub struct Tls {
    files: Files,
    shown: Arc<Shown>,
    acceptor: TlsAcceptor,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// With what these files hold.
    ///
    /// # Errors
    /// They can't be used: which, why, and what can be done.
    pub fn open(files: Files) -> Result<Self, TlsError> {
        let shown = Arc::new(Shown(RwLock::new(Arc::new(load(&files)?))));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            files,
            shown,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }
    /// Reads the files again, for callers from now on; those who are in stay. On an error what was shown before is shown
    /// on.
    ///
    /// # Errors
    /// They can't be used.
    pub fn reload(&self) -> Result<String, TlsError> {
        let fresh = Arc::new(load(&self.files)?);
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(self.fingerprint())
    }
    /// Of the certificate that is shown now.
    pub fn fingerprint(&self) -> String {
        self.shown
            .now()
            .end_entity_cert()
            .map_or_else(|_| "--".to_owned(), |certificate| fingerprint(certificate))
    }
    /// Where it comes from.
    pub fn files(&self) -> &Files {
        &self.files
    }
    /// Takes a connection into TLS.
    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(folder: &Path, name: &str) -> PathBuf {
        let file = folder.join(name);
        make_once(&file, "t", &["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        file
    }

    #[test]
    fn a_certificate_is_made_once_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let file = made(folder.path(), "tls.pem");
        let first = Tls::open(Files::SelfMade(file.clone())).unwrap().fingerprint();
        made(folder.path(), "tls.pem");
        assert_eq!(
            Tls::open(Files::SelfMade(file.clone())).unwrap().fingerprint(),
            first
        );
        assert_eq!(fingerprint(&chain(&file).unwrap()[0]), first);
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn what_is_wrong_with_files_is_told_by_file_and_remedy_and_a_bad_reload_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (made(folder.path(), "one.pem"), made(folder.path(), "two.pem"));
        let given = |cert: &Path, key: &Path| Files::Given {
            cert: cert.to_owned(),
            key: key.to_owned(),
        };
        let wrong = |files| Tls::open(files).unwrap_err().to_string();
        let crossed = wrong(given(&one, &two));
        assert!(crossed.contains("two.pem: is not the key of"), "{crossed}");
        let absent = wrong(given(&folder.path().join("no.pem"), &one));
        assert!(
            absent.contains("no.pem") && absent.contains("server.tls_cert"),
            "{absent}"
        );
        let text = folder.path().join("text.pem");
        std::fs::write(&text, "hello").unwrap();
        assert!(wrong(given(&text, &one)).contains("holds no certificate"));
        let tls = Tls::open(given(&one, &one)).unwrap();
        let before = tls.fingerprint();
        std::fs::write(&one, "half").unwrap();
        assert!(tls.reload().is_err());
        assert_eq!(tls.fingerprint(), before);
        std::fs::copy(&two, &one).unwrap();
        assert_ne!(tls.reload().unwrap(), before);
        std::fs::set_permissions(&one, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(wrong(given(&one, &one)).contains("chmod 600"));
    }
}
