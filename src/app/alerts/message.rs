//! What is told of a firing, the same whatever the way: as JSON for programs, as a few lines for people.

use crate::engine::alerts::Firing;
use serde_json::{Value, json};

/// What is told of a firing.
#[derive(Clone, Debug)]
pub(in crate::app) struct Message {
    /// The event that it tells of; it names the message, so that who gets it twice can tell.
    pub(super) firing: u64,
    /// The alert's number; empty where the engine tells by itself.
    pub(super) alert: String,
    /// When, RFC 3339 in UTC.
    pub(super) at: String,
    /// In words.
    pub(super) text: String,
    /// The order that waits for a person; empty for none.
    pub(super) stage: String,
    /// Which profile's engine tells.
    pub(super) profile: String,
}

impl Message {
    /// What is told of `firing`.
    pub(super) fn of(firing: &Firing, profile: &str) -> Self {
        Self {
            firing: firing.sequence,
            alert: firing.alert.map_or(String::new(), |id| id.to_string()),
            at: firing.at.to_string(),
            text: firing.text.to_string(),
            stage: firing.stage.as_ref().map_or(String::new(), ToString::to_string),
            profile: profile.to_owned(),
        }
    }
    /// For programs.
    pub(super) fn json(&self) -> Value {
        let given = |text: &String| if text.is_empty() { Value::Null } else { json!(text) };
        json!({
            "kind": if self.alert.is_empty() { "broker_away" } else { "alert" },
            "alert": self.alert.parse::<u32>().ok(),
            "firing": self.firing,
            "at": self.at,
            "text": self.text,
            "stage": given(&self.stage),
            "profile": self.profile,
        })
    }
    /// For people.
    pub(super) fn letter(&self) -> String {
        let mut text = format!("{}\n\nat {}, profile {}\n", self.text, self.at, self.profile);
        if !self.stage.is_empty() {
            text += &format!(
                "\nstaged, not sent: {}\nA terminal shows it with the key A.\n",
                self.stage
            );
        }
        text
    }
}
