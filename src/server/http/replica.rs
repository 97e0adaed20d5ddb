//! The state and the market as readers of this port see them: one session of the engine, folded here. A reader takes what
//! it needs under a lock that is held for microseconds and never across a wait. What the session is told goes on to
//! whoever listens, in the same order.

use crate::domain::{InstrumentId, SessionId, Timestamp};
use crate::engine::{Fact, SessionKind, State};
use crate::market::{BarUpdate, Market};
use crate::server::handle::{QUEUE, Told, Wanted};
use crate::wire::{MarketBatch, Welcome};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// How long after a lost session the next is asked for.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// What a listener may lag behind before it has to begin with a snapshot again.
const HEARD_MAX: usize = 4_096;
/// How many instruments are watched at most: brokers count lines.
const WATCHED: usize = 100;

/// What is known here.
#[derive(Debug)]
pub struct Known {
    /// The engine's state.
    pub state: State,
    /// Market data.
    pub market: Market,
    /// What the engine said of itself.
    pub welcome: Option<Welcome>,
    /// True while the session stands and its snapshot has come.
    pub synced: bool,
    /// The engine's time when it last told anything.
    pub told_at: Option<Timestamp>,
    /// How the connection to each broker is, where it tells.
    pub health: Vec<crate::engine::port::Health>,
}

/// Shared by everybody who reads.
#[derive(Clone, Debug)]
pub struct Replica {
    known: Arc<RwLock<Known>>,
    told: broadcast::Sender<Told>,
    /// Whether somebody wants each piece of market data the moment it comes.
    prompt: watch::Sender<bool>,
}

impl Default for Replica {
    fn default() -> Self {
        Self {
            known: Arc::new(RwLock::new(Known {
                state: State::default(),
                market: Market::replica(),
                welcome: None,
                synced: false,
                told_at: None,
                health: Vec::new(),
            })),
            told: broadcast::channel(HEARD_MAX).0,
            prompt: watch::channel(false).0,
        }
    }
}

impl Replica {
    /// Reads. The function must be short: the fold waits for it.
    pub fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
    /// Says whether somebody wants each piece of market data the moment it comes.
    pub(super) fn be_prompt(&self, prompt: bool) {
        self.prompt
            .send_if_modified(|now| std::mem::replace(now, prompt) != prompt);
    }
    /// What is told from now on.
    pub fn listen(&self) -> broadcast::Receiver<Told> {
        self.told.subscribe()
    }
    fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }
    /// Takes what the engine tells; the instruments that have to be watched now, where that changed.
    fn take(&self, told: Told) -> Result<Option<Vec<InstrumentId>>, ()> {
        let watch = self.change(|known| match &told {
            Told::Snapshot(snapshot) => {
                for instrument in snapshot.state.instruments.values() {
                    known.market.list(instrument.clone());
                }
                known.state = snapshot.state.clone();
                known.told_at = Some(snapshot.now);
                known.synced = true;
                Ok(Some(watched(&known.state)))
            }
            Told::Events(events) => {
                let mut listed = false;
                for event in events.iter() {
                    if event.sequence <= known.state.sequence {
                        continue;
                    }
                    if event.sequence != known.state.sequence + 1 {
                        return Err(());
                    }
                    if let Fact::InstrumentListed { instrument } = &event.fact {
                        known.market.list(instrument.clone());
                        listed = true;
                    }
                    known.state.apply(event);
                    known.told_at = Some(event.at);
                }
                Ok(listed.then(|| watched(&known.state)))
            }
            Told::Market(batch) => {
                take_market(&mut known.market, batch);
                if let Some(health) = &batch.health {
                    known.health.retain(|other| other.broker != health.broker);
                    known.health.push(health.as_ref().clone());
                }
                Ok(None)
            }
            // Which instrument terminals look at together is theirs.
            Told::Linked(..) | Told::Resumed => Ok(None),
        })?;
        // Nobody listening is no fault.
        let _ = self.told.send(told);
        Ok(watch)
    }
}

/// What is watched: what is held or worked first, then the rest, no more than brokers give lines for.
fn watched(state: &State) -> Vec<InstrumentId> {
    let held = state
        .ledgers
        .iter()
        .filter(|(_, ledger)| !ledger.position.quantity.is_zero())
        .map(|((_, id), _)| *id);
    let worked = state.live.iter().map(|(_, id, _)| *id);
    let mut wanted: Vec<InstrumentId> = Vec::new();
    for id in held.chain(worked).chain(state.instruments.keys().copied()) {
        if wanted.len() < WATCHED && !wanted.contains(&id) {
            wanted.push(id);
        }
    }
    wanted
}

fn take_market(market: &mut Market, batch: &MarketBatch) {
    for quote in &batch.quotes {
        market.on_quote(*quote);
    }
    for depth in &batch.depths {
        market.on_depth(depth.clone());
    }
    // A replica takes its bars ready-made, so a print changes none here.
    let mut none = Vec::new();
    for print in &batch.prints {
        market.on_print(*print, &mut none);
    }
    for (instrument, timeframe, bar) in &batch.bars {
        market.apply_bar(&BarUpdate {
            instrument: *instrument,
            timeframe: *timeframe,
            bar: *bar,
        });
    }
}

/// Keeps the replica like the engine until `stop` changes. A session that is lost is opened again.
pub(super) async fn follow(engine: mpsc::Sender<Wanted>, replica: Replica, mut stop: watch::Receiver<bool>) {
    loop {
        let session = tokio::select! {
            _ = stop.changed() => return,
            session = one(&engine, &replica) => session,
        };
        replica.change(|known| known.synced = false);
        if let Some(session) = session {
            tracing::warn!("the session of the HTTP port was cut off; it begins again with a snapshot");
            let _ = engine.send(Wanted::Close { session }).await;
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

/// One session, until it is cut off.
async fn one(engine: &mpsc::Sender<Wanted>, replica: &Replica) -> Option<SessionId> {
    let (answer, opened) = oneshot::channel();
    let kind = SessionKind::Monitor;
    engine.send(Wanted::Open { kind, answer }).await.ok()?;
    let welcome = opened.await.ok()?;
    let session = welcome.session;
    replica.change(|known| known.welcome = Some(welcome));
    let (queue, mut told) = mpsc::channel(QUEUE);
    let after = None;
    let subscribe = Wanted::Subscribe {
        session,
        queue,
        after,
    };
    engine.send(subscribe).await.ok()?;
    let mut prompt = replica.prompt.subscribe();
    loop {
        let instruments = tokio::select! {
            message = told.recv() => match message.map(|message| replica.take(message)) {
                Some(Ok(None)) => continue,
                Some(Ok(Some(instruments))) => instruments,
                Some(Err(())) | None => return Some(session),
            },
            _ = prompt.changed() => replica.read(|known| watched(&known.state)),
        };
        let watch = Wanted::Watch {
            session,
            instruments,
            // Nobody reads books here, and brokers count each.
            depth: Vec::new(),
            prompt: *prompt.borrow_and_update(),
        };
        engine.send(watch).await.ok()?;
    }
}
