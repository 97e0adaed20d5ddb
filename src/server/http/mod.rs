//! The door for everybody else: one port with REST under `/api/v1`, health, and what is built on them. It knows the engine
//! as an inbox, like every session, and answers reads from a replica that folds the same events as a terminal's, so that
//! a thousand readers cost the engine one session. What each address is lies in `routes/`, one file each; who may call
//! is told by the doors.

mod accept;
mod act;
mod body;
pub mod error;
pub mod guard;
mod noted;
mod openapi;
mod port;
pub mod proxy;
pub mod replica;
pub mod routes;
pub mod terminal;
mod ws;

use super::doors::Doors;
use super::doors::audit::Audit;
use super::handle::Wanted;
use super::tls::Tls;
use crate::domain::Timestamp;
use crate::engine::sentence::Templates;
use guard::{Guard, GuardSettings};
use port::Port;
use proxy::Proxies;
use replica::Replica;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

pub use act::Hand;
pub use error::ApiError;

/// Whose clock says what time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What callers may take of this machine. All of it is bounded before anything is allocated.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Connections at once.
    pub connections: usize,
    /// Of these, from one address.
    pub connections_per_address: usize,
    /// TLS handshakes under way at once.
    pub handshakes: usize,
    /// Of these, from one address.
    pub handshakes_per_address: usize,
    /// How long a handshake may take.
    pub handshake_within: Duration,
    /// How long the head of a request may take to arrive.
    pub head_within: Duration,
    /// How long a request may take as a whole.
    pub request_within: Duration,
    /// Bytes of a request's body.
    pub body_max: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 2_048,
            connections_per_address: 1_024,
            handshakes: 1_024,
            handshakes_per_address: 512,
            handshake_within: Duration::from_secs(5),
            head_within: Duration::from_secs(5),
            request_within: Duration::from_secs(10),
            body_max: 64 * 1024,
        }
    }
}

/// What lies between a caller and the port.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// The encryption; none on a port that only this machine or a proxy reaches.
    pub tls: Option<Tls>,
    /// Whose word for who calls is taken.
    pub proxies: Proxies,
}

/// What does not change while the door is open.
#[derive(Clone)]
pub struct About {
    /// Version and build.
    pub build: String,
    /// The profile.
    pub profile: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The clock.
    pub clock: Clock,
    /// Who may read the engine's figures.
    pub figures_for: FiguresFor,
    /// Whether terminals elsewhere may trade live TopStepX accounts.
    pub topstepx_terminals: bool,
}

/// Who may read the engine's figures without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FiguresFor {
    /// Callers of this machine.
    Local,
    /// Nobody: a key is wanted.
    Keys,
    /// Nobody at all, with a key neither.
    Nobody,
}

impl std::fmt::Debug for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("About")
            .field("build", &self.build)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// What the settings give, as far as callers can use or see it.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Named exits of order sentences.
    pub templates: Templates,
    /// Lists of symbols, by their names.
    pub watchlists: BTreeMap<String, Vec<String>>,
    /// Every setting, secrets masked.
    pub settings: Vec<Setting>,
    /// The account that is meant where none is named.
    pub account: Option<String>,
}

/// One setting.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Such as `limits.max_order_value`.
    pub key: String,
    /// Its value as in the file.
    pub value: String,
    /// Where it came from.
    pub source: String,
}

/// What every route can reach. Every layer of every call holds one: a clone is one count and no more.
#[derive(Clone, Debug)]
pub struct Context(Arc<Reach>);

impl std::ops::Deref for Context {
    type Target = Reach;
    fn deref(&self) -> &Reach {
        &self.0
    }
}

/// What is in a [`Context`].
#[derive(Debug)]
pub struct Reach {
    /// What does not change.
    pub about: About,
    /// The replica.
    pub replica: Replica,
    /// The streams of the WebSocket.
    pub(crate) hub: ws::Hub,
    /// The way from the WebSocket's calls to the routes.
    pub(crate) calls: ws::CallSender,
    /// Who may call.
    pub doors: Doors,
    /// What callers did.
    pub audit: Audit,
    /// What every call passes.
    pub guard: Guard,
    /// The engine's inbox.
    pub engine: mpsc::Sender<Wanted>,
    /// Changes when the engine stops.
    pub stop: watch::Receiver<bool>,
    /// What the settings give.
    pub given: Given,
    /// What is kept for commands.
    pub hand: Hand,
}

/// Who may come in, by which rules, and where it is noted.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Who may call.
    pub doors: Doors,
    /// What callers did.
    pub audit: Audit,
    /// What every call passes.
    pub guard: GuardSettings,
}

/// How a port is to be served.
#[derive(Debug)]
pub struct Plan {
    /// What does not change.
    pub about: About,
    /// What the settings give.
    pub given: Given,
    /// What callers may take of this machine.
    pub limits: HttpLimits,
    /// How connections come in.
    pub entry: Entry,
    /// Who may come in.
    pub gate: Gate,
}

/// Serves until `stop` changes.
pub async fn serve_http(
    listener: TcpListener,
    plan: Plan,
    engine: mpsc::Sender<Wanted>,
    stop: watch::Receiver<bool>,
) {
    let Plan {
        about,
        given,
        limits,
        entry,
        gate,
    } = plan;
    let replica = Replica::default();
    let hub = ws::Hub::new(replica.clone(), Arc::clone(&about.clock));
    let (calls, called) = ws::call_channel();
    let clock = Arc::clone(&about.clock);
    let context = Context(Arc::new(Reach {
        about,
        replica: replica.clone(),
        hub: hub.clone(),
        calls,
        doors: gate.doors,
        audit: gate.audit,
        guard: Guard::new(gate.guard),
        engine: engine.clone(),
        stop: stop.clone(),
        given,
        hand: Hand::default(),
    }));
    let port = Arc::new(Port::new(context, limits.request_within));
    let following = replica::follow(engine, replica, clock, stop.clone());
    let streaming = hub.run(stop.clone());
    let calling = called.serve(Arc::clone(&port), stop.clone());
    tokio::join!(
        following,
        streaming,
        calling,
        accept::accept(listener, port, limits, entry, stop)
    );
}
