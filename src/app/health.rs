//! `tradewind health`: asks the port of the profile's engine whether it is alive, or ready. For health checks of service
//! managers and containers: no key, no other program, an exit code.

use super::paths::Paths;
use std::time::Duration;

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(4);

/// Asks `path` of the port; the answer's body.
///
/// # Errors
/// Nobody listens, nothing comes in time, or the answer is no yes: in words.
pub async fn ask(paths: &Paths, path: &str) -> Result<String, String> {
    let file = paths.http_address();
    let address = std::fs::read_to_string(&file)
        .map_err(|_| "no engine has opened a port in this profile (server.listen)".to_owned())?;
    let address = address.trim();
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    // Nothing is told to it that others may not hear, and it is on this machine: whose certificate it has does not matter.
    let client = reqwest::Client::builder()
        .timeout(WITHIN)
        .no_proxy()
        .danger_accept_invalid_certs(true)
        .build()
        .map_err(|error| error.to_string())?;
    let mut failed = String::new();
    for scheme in ["http", "https"] {
        match client
            .get(format!("{scheme}://{}{path}", near(address)))
            .send()
            .await
        {
            Ok(answer) if answer.status() == reqwest::StatusCode::BAD_REQUEST => {
                failed = "it wants TLS".to_owned();
            }
            Ok(answer) => {
                let status = answer.status();
                let body = answer.text().await.unwrap_or_default();
                return if status.is_success() {
                    Ok(body)
                } else {
                    Err(format!("{}: {body}", status.as_u16()))
                };
            }
            Err(error) => failed = chain(&error),
        }
    }
    Err(format!("{address}: {failed}"))
}

/// All addresses of this machine are reached by its own.
fn near(address: &str) -> String {
    address
        .replace("0.0.0.0:", "127.0.0.1:")
        .replace("[::]:", "[::1]:")
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = source.to_string();
        next = source.source();
    }
    text
}
