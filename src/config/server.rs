//! The settings of the port for programs, browsers and remote terminals.

use serde::{Deserialize, Serialize};

/// The port for programs, browsers and remote terminals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// Address and port to listen on; empty for none.
    pub listen: String,
}
