//! An alert by e-mail, over SMTP. The password is read from its file for each message, so that a new one needs no restart.

use super::{Message, Tried};
use crate::config::{AlertSettings, MailTls};
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::path::PathBuf;
use std::time::Duration;

/// A subject is at most so many characters.
const SUBJECT: usize = 120;

/// Who writes to whom, and over which server.
#[derive(Debug)]
pub(super) struct Mail {
    host: String,
    port: u16,
    tls: MailTls,
    user: String,
    password: PathBuf,
    from: Mailbox,
    to: Vec<Mailbox>,
    timeout: Duration,
}

impl Mail {
    pub(super) fn new(settings: &AlertSettings, timeout: Duration) -> Result<Self, String> {
        let mailbox = |key: &str, text: &String| {
            text.parse::<Mailbox>()
                .map_err(|error| format!("alerts.{key}: '{text}' is no address: {error}"))
        };
        // Once a process; a second time it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            host: settings.smtp_host.clone(),
            port: settings.smtp_port,
            tls: settings.smtp_tls,
            user: settings.smtp_user.clone(),
            password: PathBuf::from(&settings.smtp_password_file),
            from: mailbox("mail_from", &settings.mail_from)?,
            to: settings
                .mail_to
                .iter()
                .map(|to| mailbox("mail_to", to))
                .collect::<Result<_, _>>()?,
            timeout,
        })
    }

    /// Sends once.
    pub(super) async fn send(&self, message: &Message) -> Tried {
        let letter = match self.letter(message) {
            Ok(letter) => letter,
            Err(error) => return Tried::Hopeless(error),
        };
        let transport = match self.transport() {
            Ok(transport) => transport,
            Err(error) => return Tried::Failed(error),
        };
        match transport.send(letter).await {
            Ok(_) => Tried::Done,
            Err(error) if error.is_permanent() => Tried::Hopeless(error.to_string()),
            Err(error) => Tried::Failed(error.to_string()),
        }
    }

    fn letter(&self, message: &Message) -> Result<lettre::Message, String> {
        let subject: String = format!("[tradewind] {}", message.text)
            .chars()
            .take(SUBJECT)
            .collect();
        let mut letter = lettre::Message::builder()
            .from(self.from.clone())
            .subject(subject)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            letter = letter.to(to.clone());
        }
        letter.body(message.letter()).map_err(|error| error.to_string())
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
        let parameters = || TlsParameters::new(self.host.clone()).map_err(|error| error.to_string());
        let tls = match self.tls {
            MailTls::None => Tls::None,
            MailTls::Starttls => Tls::Required(parameters()?),
            MailTls::Tls => Tls::Wrapper(parameters()?),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .tls(tls)
            .timeout(Some(self.timeout));
        if !self.user.is_empty() {
            let password = std::fs::read_to_string(&self.password).map_err(|error| {
                format!(
                    "the password in {} can't be read: {error}",
                    self.password.display()
                )
            })?;
            let password = password.trim_end_matches(['\r', '\n']).to_owned();
            transport = transport.credentials(Credentials::new(self.user.clone(), password));
        }
        Ok(transport.build())
    }
}
