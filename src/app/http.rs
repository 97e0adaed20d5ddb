//! Opens the HTTP port where the settings ask for one. An address that others can reach is refused: nothing is encrypted
//! on this port yet.

use super::clock::Clock;
use super::paths::Paths;
use super::serve::build;
use crate::config::{MetricsSetting, Settings};
use crate::server::doors::{Doors, KeyBook};
use crate::server::handle::Wanted;
use crate::server::http::{About, FiguresFor, HttpLimits, serve_http};
use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

/// A port that is open and not yet served.
#[derive(Debug)]
pub(super) struct Port {
    listener: TcpListener,
    listen: SocketAddr,
    doors: Doors,
}

/// Opens the port, where one is wanted.
///
/// # Errors
/// The address can't be understood, is one that others can reach, or is taken; or the book of keys can't be opened.
pub(super) async fn open(settings: &Settings, paths: &Paths) -> Result<Option<Port>> {
    let wanted = settings.server.listen.as_str();
    if wanted.is_empty() {
        return Ok(None);
    }
    let address: SocketAddr = wanted.parse().with_context(|| {
        format!("server.listen: '{wanted}' is no address and port, such as 127.0.0.1:7600")
    })?;
    if !address.ip().is_loopback() {
        bail!(
            "server.listen: {address} can be reached by others, and nothing is encrypted on this port: use 127.0.0.1 and a tunnel (ssh -L)"
        );
    }
    let keys = KeyBook::open(&paths.doors())
        .with_context(|| format!("{} can't be opened", paths.doors().display()))?;
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
        doors: Doors::new(keys),
    }))
}

impl Port {
    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.listen
    }
    /// Serves it until `stop` changes.
    pub(super) async fn serve(
        self,
        settings: &Settings,
        clock: Clock,
        engine: mpsc::Sender<Wanted>,
        stop: watch::Receiver<bool>,
    ) {
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
        };
        serve_http(
            self.listener,
            about,
            HttpLimits::default(),
            self.doors,
            engine,
            stop,
        )
        .await;
    }
}
