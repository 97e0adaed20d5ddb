//! Opens the HTTP port where the settings ask for one. What others can reach is encrypted, unless the settings name a proxy
//! that does it. A hang-up signal reads the certificate's files again.

use super::clock::Clock;
use super::doors;
use super::mistake::Mistake;
use super::paths::Paths;
use super::serve::build;
use super::tls;
use crate::config::{Loaded, MetricsSetting, Settings};
use crate::server::doors::audit::Audit;
use crate::server::handle::Wanted;
use crate::server::http::proxy::Proxies;
use crate::server::http::{About, Entry, FiguresFor, Gate, Given, Plan, Setting, serve_http};
use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// A port that is open and not yet served.
#[derive(Debug)]
pub(super) struct Port {
    listener: TcpListener,
    listen: SocketAddr,
    entry: Entry,
    gate: Gate,
}

/// Opens the port, where one is wanted.
///
/// # Errors
/// The address can't be understood or is taken; the certificate or the book of keys can't be used.
pub(super) async fn open(settings: &Settings, paths: &Paths, audit: Option<Audit>) -> Result<Option<Port>> {
    let wanted = settings.server.listen.as_str();
    let Some(audit) = audit.filter(|_| !wanted.is_empty()) else {
        return Ok(None);
    };
    let address = wanted
        .parse::<SocketAddr>()
        .with_context(|| format!("server.listen: '{wanted}' is no address and port, such as 127.0.0.1:7600"));
    let address = address.map_err(Mistake::new)?;
    let proxies = Proxies::parse(&settings.server.trusted_proxies)
        .map_err(|what| Mistake::new(anyhow::anyhow!("server.trusted_proxies: {what}")))?;
    let entry = Entry {
        tls: tls::open(settings, paths, address.ip())?,
        proxies,
    };
    let encrypted = entry.tls.is_some() || settings.server.behind_proxy;
    let gate = doors::open(settings, paths, encrypted, audit)?;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("server.listen: can't listen on {address}"))?;
    let listen = listener.local_addr()?;
    tracing::info!(%listen, "the HTTP port is open");
    // Where port 0 was asked for, others have to learn which one it became.
    std::fs::write(paths.http_address(), format!("{listen}\n"))
        .with_context(|| format!("{} can't be written", paths.http_address().display()))?;
    Ok(Some(Port {
        listener,
        listen,
        entry,
        gate,
    }))
}

impl Port {
    /// Where it listens and what it shows, for people.
    pub(super) fn announcement(&self) -> String {
        match &self.entry.tls {
            None => format!("listening on http://{}", self.listen),
            Some(tls) => format!(
                "listening on https://{}\ncertificate {}",
                self.listen,
                tls.fingerprint()
            ),
        }
    }
    /// Serves it until `stop` changes.
    pub(super) async fn serve(
        self,
        loaded: &Loaded,
        clock: Clock,
        engine: mpsc::Sender<Wanted>,
        stop: watch::Receiver<bool>,
    ) {
        let settings = &loaded.settings;
        let about = About {
            build: build(),
            profile: settings.profile.clone(),
            listen: self.listen,
            clock: Arc::new(move || clock.now()),
            figures_for: match settings.server.metrics {
                MetricsSetting::Local => FiguresFor::Local,
                MetricsSetting::Key => FiguresFor::Keys,
                MetricsSetting::Off => FiguresFor::Nobody,
            },
            topstepx_terminals: settings.server.topstepx_terminals,
        };
        let reloading = tokio::spawn(reload(self.entry.clone()));
        serve_http(
            self.listener,
            Plan {
                about,
                given: given(loaded),
                limits: doors::limits(settings),
                entry: self.entry,
                gate: self.gate,
            },
            engine,
            stop,
        )
        .await;
        reloading.abort();
    }
}

/// Reads the certificate's files again whenever a hang-up signal comes. What can't be used is told, and changes nothing.
async fn reload(entry: Entry) {
    let (Some(tls), Ok(mut hang_up)) = (entry.tls, signal(SignalKind::hangup())) else {
        return;
    };
    while hang_up.recv().await.is_some() {
        match tls.reload() {
            Ok(fingerprint) => tracing::info!(fingerprint, "the certificate was read again"),
            Err(error) => {
                tracing::error!(%error, "the certificate could not be read again; the one before is shown on");
            }
        }
    }
}

/// What the settings give that callers can use or see.
fn given(loaded: &Loaded) -> Given {
    let settings = &loaded.settings;
    let row = |(key, value, source): (String, String, String)| Setting { key, value, source };
    Given {
        templates: settings.templates.clone(),
        watchlists: settings.watchlists.clone(),
        settings: loaded.effective().into_iter().map(row).collect(),
        account: (!settings.account.is_empty()).then(|| settings.account.clone()),
    }
}
