//! Whether the engine at the other end is the one that is meant: by the fingerprint of its certificate, where one is known,
//! and otherwise by those whom this machine trusts for certificates of any name. Keeps nothing: what is known is handed in,
//! and what was seen is handed out.

use crate::wire::fingerprint;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use std::sync::{Arc, Mutex, PoisonError};

/// Why an engine's certificate was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// Another one is known. Either somebody stands between, or the engine has another certificate.
    #[error(
        "THE CERTIFICATE OF {place} HAS CHANGED.\nknown {known}\nshown {shown}\nSomebody may stand between you and the engine: nothing was sent, and \
         the key was not shown. If the certificate was changed on purpose, compare with 'tradewind tls show' on the engine's machine and {remedy}"
    )]
    Changed {
        /// The engine.
        place: String,
        /// What is known of it.
        known: String,
        /// What it shows.
        shown: String,
        /// What to do where it was changed on purpose.
        remedy: String,
    },
    /// None is known, and nobody whom this machine trusts vouches for it.
    #[error(
        "the certificate of {place} is not known here: {why}\nit shows {shown}\ncompare with 'tradewind tls show' on the engine's machine, then give it with --pin"
    )]
    Unknown {
        /// The engine.
        place: String,
        /// What it shows.
        shown: String,
        /// What this machine says of it.
        why: String,
    },
}

/// Whom to believe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The certificate of this fingerprint, and none other.
    Pin {
        /// The fingerprint, as `wire::fingerprint` writes it.
        known: String,
        /// What a person does where the certificate was changed on purpose.
        remedy: String,
    },
    /// Whoever those vouch for whom this machine trusts.
    System,
}

/// What the engine showed, as seen during the handshake.
pub(super) type Seen = Arc<Mutex<Option<(String, Option<String>)>>>;

/// The settings of one connection's TLS, and where it is noted what the engine showed.
///
/// # Errors
/// The library refuses its own settings.
pub(super) fn config(trust: &Trust) -> Result<(ClientConfig, Seen), Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let seen = Seen::default();
    let judge = match trust {
        Trust::Pin { known, .. } => Judge::Pin(known.clone()),
        // A machine that trusts nobody can't judge: the person is asked as for any unknown certificate.
        Trust::System => match rustls_platform_verifier::Verifier::new(Arc::clone(&provider)) {
            Ok(verifier) => Judge::System(verifier),
            Err(error) => Judge::Nobody(error.to_string()),
        },
    };
    let verifier = Verifier {
        judge,
        provider: Arc::clone(&provider),
        seen: Arc::clone(&seen),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((config, seen))
}

/// What a failed handshake means, by what was seen in it; nothing where the certificate was not the trouble.
pub(super) fn judged(trust: &Trust, place: &str, seen: &Seen) -> Option<TrustError> {
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (shown, why) = seen?;
    let (place, why) = (place.to_owned(), why?);
    Some(match trust {
        Trust::Pin { known, remedy } => TrustError::Changed {
            place,
            known: known.clone(),
            shown,
            remedy: remedy.clone(),
        },
        Trust::System => TrustError::Unknown { place, shown, why },
    })
}

#[derive(Debug)]
enum Judge {
    Pin(String),
    System(rustls_platform_verifier::Verifier),
    Nobody(String),
}

/// Judges the certificate, and notes it whatever the judgement.
#[derive(Debug)]
struct Verifier {
    judge: Judge,
    provider: Arc<CryptoProvider>,
    seen: Seen,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = fingerprint(end_entity);
        let judged = match &self.judge {
            Judge::Pin(known) if *known == shown => Ok(ServerCertVerified::assertion()),
            Judge::Pin(_) => Err(Error::General("another certificate is known".to_owned())),
            Judge::System(verifier) => {
                verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            Judge::Nobody(why) => Err(Error::General(why.clone())),
        };
        let why = judged.as_ref().err().map(ToString::to_string);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((shown, why));
        judged
    }
    // Whatever vouches for the certificate, the engine has to prove that it has its key.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
