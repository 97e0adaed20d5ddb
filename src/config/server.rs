//! The settings of the port for programs, browsers and remote terminals.

use serde::{Deserialize, Serialize};

/// The port for programs, browsers and remote terminals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// Address and port to listen on; empty for none.
    pub listen: String,
    /// Who may read the engine's figures at `/metrics`.
    pub metrics: MetricsSetting,
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
