//! An alert by webhook: one POST with JSON. Redirects are not followed: what was told to nobody else stays so.

use super::{Message, Tried};
use std::time::Duration;

/// Where to post.
pub(super) struct Webhook {
    client: reqwest::Client,
    url: reqwest::Url,
}
impl std::fmt::Debug for Webhook {
    /// Without the address, which may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("host", &self.url.host_str())
            .finish()
    }
}

impl Webhook {
    pub(super) fn new(url: &str, timeout: Duration) -> Result<Self, String> {
        // Once a process; a second time it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url =
            reqwest::Url::parse(url).map_err(|error| format!("alerts.webhook is no address: {error}"))?;
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("tradewind/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| error.without_url().to_string())?;
        Ok(Self { client, url })
    }

    /// Posts once.
    pub(super) async fn post(&self, message: &Message) -> Tried {
        let request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header(
                "idempotency-key",
                format!("{}-{}", message.profile, message.firing),
            )
            .body(message.json().to_string());
        let status = match request.send().await {
            Ok(answer) => answer.status(),
            Err(error) => return Tried::Failed(reasons(&error.without_url())),
        };
        let text = format!("it answered {status}");
        match status.as_u16() {
            200..=299 => Tried::Done,
            // Too early, too many, a timeout: later it may go.
            408 | 425 | 429 | 500.. => Tried::Failed(text),
            _ => Tried::Hopeless(text),
        }
    }
}

/// An error with what is behind it: the first alone says only that something failed.
fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
