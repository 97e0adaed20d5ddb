//! The settings of those who come in by the port: from where, how often, how large, and how long a sign-in lasts.

use serde::{Deserialize, Serialize};

/// Who may come in by the port, how often, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DoorSettings {
    /// Addresses and networks that may call at all; none for everybody.
    pub allow: Vec<String>,
    /// Origins whose pages may read and call.
    pub cors: Vec<String>,
    /// Origins whose pages may open a WebSocket, beside the port's own.
    pub origins: Vec<String>,
    /// Calls a second from one address; 0 for no limit.
    pub calls_per_address: u32,
    /// Calls a second by one key or session; 0 for no limit.
    pub calls_per_key: u32,
    /// Halts and cancels a second from one address, beside all other calls.
    pub brakes_per_address: u32,
    /// Connections at once.
    pub connections: u32,
    /// Of these, from one address.
    pub connections_per_address: u32,
    /// Seconds that the head of a call may take to come.
    pub head_s: u32,
    /// Seconds that a call may take as a whole.
    pub call_s: u32,
    /// Kilobytes of a body.
    pub body_kb: u32,
    /// Levels that a body may be nested.
    pub json_depth: u32,
    /// Minutes of an access token.
    pub access_minutes: u32,
    /// Minutes after which a session that is not used is over.
    pub idle_minutes: u32,
    /// Hours after which a session is over in any case.
    pub session_hours: u32,
    /// Minutes for which a second factor that was given again counts.
    pub step_up_minutes: u32,
}

impl Default for DoorSettings {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            cors: Vec::new(),
            origins: Vec::new(),
            calls_per_address: 500,
            calls_per_key: 250,
            brakes_per_address: 20,
            connections: 2_048,
            connections_per_address: 1_024,
            head_s: 5,
            call_s: 10,
            body_kb: 64,
            json_depth: 32,
            access_minutes: 10,
            idle_minutes: 30,
            session_hours: 12,
            step_up_minutes: 5,
        }
    }
}

impl DoorSettings {
    /// The first value out of range: its key, and what would be right.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let whole = [
            (
                "server.doors.calls_per_address",
                self.calls_per_address,
                0,
                1_000_000,
            ),
            ("server.doors.calls_per_key", self.calls_per_key, 0, 1_000_000),
            (
                "server.doors.brakes_per_address",
                self.brakes_per_address,
                1,
                1_000_000,
            ),
            ("server.doors.connections", self.connections, 16, 100_000),
            (
                "server.doors.connections_per_address",
                self.connections_per_address,
                8,
                100_000,
            ),
            ("server.doors.head_s", self.head_s, 1, 60),
            ("server.doors.call_s", self.call_s, 1, 120),
            ("server.doors.body_kb", self.body_kb, 4, 2_048),
            ("server.doors.json_depth", self.json_depth, 8, 100),
            ("server.doors.access_minutes", self.access_minutes, 1, 60),
            ("server.doors.idle_minutes", self.idle_minutes, 5, 1_440),
            ("server.doors.session_hours", self.session_hours, 1, 720),
            ("server.doors.step_up_minutes", self.step_up_minutes, 1, 60),
        ];
        for (key, value, least, most) in whole {
            if !(least..=most).contains(&value) {
                return Err((key, format!("{value} is out of range; {least} to {most}")));
            }
        }
        for (key, origins) in [
            ("server.doors.cors", &self.cors),
            ("server.doors.origins", &self.origins),
        ] {
            if let Some(bad) = origins.iter().find(|origin| !is_origin(origin)) {
                let text = format!("'{bad}' is no origin, such as \"https://desk.example\"");
                return Err((key, text));
            }
        }
        Ok(())
    }
}

/// Whether it is a scheme and a host, as a browser says it: no path, no star.
fn is_origin(text: &str) -> bool {
    let place = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    place.is_some_and(|place| {
        !place.is_empty()
            && place
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c))
    })
}
