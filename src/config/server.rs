//! The settings of the port for programs, browsers and remote terminals.

use super::doors::DoorSettings;
use serde::{Deserialize, Serialize};

/// The port for programs, browsers and remote terminals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// Address and port to listen on; empty for none.
    pub listen: String,
    /// Encrypt on this machine's own addresses too; others are always encrypted, but behind a proxy.
    pub tls: bool,
    /// A certificate with its chain, PEM; empty for one of our own making.
    pub tls_cert: String,
    /// Its private key, PEM.
    pub tls_key: String,
    /// A proxy that encrypts stands in front: nothing is encrypted here, whatever the address.
    pub behind_proxy: bool,
    /// Addresses and networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<String>,
    /// The rules of TopStepX about where its accounts may be traded from are known and kept.
    pub topstepx_terminals: bool,
    /// Who may read the engine's figures at `/metrics`.
    pub metrics: MetricsSetting,
    /// Who may come in, how often, and for how long.
    pub doors: DoorSettings,
}

/// Who may read the engine's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricsSetting {
    /// Callers of this machine, and others with a key.
    #[default]
    Local,
    /// Callers with a key.
    Key,
    /// Nobody.
    Off,
}

/// How what crosses the port is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    None,
    /// With a certificate of our own making.
    SelfMade,
    /// With the certificate of the files in the settings.
    Files,
}

impl ServerSettings {
    /// How the port is encrypted, where `local` says that only this machine reaches it.
    pub fn encryption(&self, local: bool) -> Encryption {
        match (self.tls_cert.is_empty(), self.tls, local || self.behind_proxy) {
            (false, ..) => Encryption::Files,
            (true, true, _) | (true, false, false) => Encryption::SelfMade,
            (true, false, true) => Encryption::None,
        }
    }
    /// The first value that can't be: its key, and what would be right.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let lacks = |key, other: &str| Err((key, format!("has to be given where {other} is")));
        match (self.tls_cert.is_empty(), self.tls_key.is_empty()) {
            (true, false) => lacks("server.tls_cert", "server.tls_key"),
            (false, true) => lacks("server.tls_key", "server.tls_cert"),
            _ => self.doors.check(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_others_reach_is_in_the_clear_unless_a_proxy_is_named() {
        let plain = ServerSettings::default();
        assert_eq!(plain.encryption(true), Encryption::None);
        assert_eq!(plain.encryption(false), Encryption::SelfMade);
        let behind = ServerSettings {
            behind_proxy: true,
            ..ServerSettings::default()
        };
        assert_eq!(behind.encryption(false), Encryption::None);
        let files = ServerSettings {
            tls_cert: "a.pem".into(),
            ..behind
        };
        assert_eq!(files.encryption(true), Encryption::Files);
        assert_eq!(files.check().unwrap_err().0, "server.tls_key");
    }
}
