//! How people are told of alerts: the section `[alerts]`. Each way out is off until it is set up.

use serde::{Deserialize, Serialize};

/// How people are told of alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertSettings {
    /// A broker that is away for so many minutes is told unasked.
    pub away_minutes: u32,
    /// Whether attached terminals ring.
    pub bell: bool,
    /// Which notification attached terminals send to their emulator.
    pub notify: NotifySetting,
    /// A program with its arguments; empty for none.
    pub command: Vec<String>,
    /// An address to post to; empty for none.
    pub webhook: String,
    /// The server that takes e-mail; empty for none.
    pub smtp_host: String,
    /// Its port.
    pub smtp_port: u16,
    /// How the connection to it is encrypted.
    pub smtp_tls: MailTls,
    /// Who signs in there; empty for nobody.
    pub smtp_user: String,
    /// The file with the password.
    pub smtp_password_file: String,
    /// Whose mail it is.
    pub mail_from: String,
    /// Who gets it.
    pub mail_to: Vec<String>,
    /// How often each way is tried.
    pub attempts: u32,
    /// How long one try may take, in seconds.
    pub timeout_s: u32,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            away_minutes: 2,
            bell: true,
            notify: NotifySetting::None,
            command: Vec::new(),
            webhook: String::new(),
            smtp_host: String::new(),
            smtp_port: 587,
            smtp_tls: MailTls::Starttls,
            smtp_user: String::new(),
            smtp_password_file: String::new(),
            mail_from: String::new(),
            mail_to: Vec::new(),
            attempts: 5,
            timeout_s: 10,
        }
    }
}

/// Notifications that terminal emulators know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotifySetting {
    /// None.
    #[default]
    None,
    /// OSC 9: a text.
    Osc9,
    /// OSC 777: a title and a text.
    Osc777,
    /// Both.
    Both,
}

/// How mail travels to its server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// It begins plain and must become encrypted before anything is said.
    #[default]
    Starttls,
    /// Encrypted from the first byte.
    Tls,
    /// Not encrypted: for a server on this machine, without a password.
    None,
}

impl AlertSettings {
    /// The first value out of range: its key, and what would be right.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let whole = [
            ("alerts.away_minutes", self.away_minutes, 1, 1_440),
            ("alerts.attempts", self.attempts, 1, 10),
            ("alerts.timeout_s", self.timeout_s, 1, 120),
            ("alerts.smtp_port", self.smtp_port.into(), 1, 65_535),
        ];
        for (key, value, least, most) in whole {
            if !(least..=most).contains(&value) {
                return Err((key, format!("{value} is out of range; {least} to {most}")));
            }
        }
        if self.command.first().is_some_and(String::is_empty) {
            return Err(("alerts.command", "begins with the program to run".into()));
        }
        let is_web = self.webhook.starts_with("https://") || self.webhook.starts_with("http://");
        if !self.webhook.is_empty() && !is_web {
            return Err(("alerts.webhook", "must begin with https:// or http://".into()));
        }
        if self.smtp_host.is_empty() {
            return Ok(());
        }
        if self.mail_from.is_empty() {
            return Err((
                "alerts.mail_from",
                "must name the sender, such as \"desk@example.org\"".into(),
            ));
        }
        if self.mail_to.is_empty() {
            return Err((
                "alerts.mail_to",
                "must name who gets it, such as [\"me@example.org\"]".into(),
            ));
        }
        if self.smtp_tls == MailTls::None && !self.smtp_user.is_empty() {
            let what = "a password is not sent in the clear: use \"starttls\" or \"tls\", or no smtp_user";
            return Err(("alerts.smtp_tls", what.into()));
        }
        if !self.smtp_user.is_empty() && self.smtp_password_file.is_empty() {
            return Err((
                "alerts.smtp_password_file",
                "must name the file with the password of smtp_user".into(),
            ));
        }
        Ok(())
    }
}
