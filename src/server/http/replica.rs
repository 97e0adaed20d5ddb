//! The state and the market as readers of this port see them: one session of the engine, folded here. A reader takes what
//! it needs under a lock that is held for microseconds and never across a wait. What the session is told goes on to
//! whoever listens, in the same order.

use super::Clock;
use super::error::ApiError;
use crate::domain::{InstrumentId, SessionId, Timestamp};
use crate::engine::state::NOTICES_KEPT;
use crate::engine::{Fact, SessionKind, State};
use crate::market::{Bar, BarUpdate, Market, Timeframe};
use crate::server::handle::{QUEUE, Told, Wanted};
use crate::server::views::notice::{Scope, scope};
use crate::wire::{MarketBatch, Welcome};
use axum::http::StatusCode;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;

/// How long after a lost session the next is asked for.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// What a listener may lag behind before it has to begin with a snapshot again.
const HEARD_MAX: usize = 4_096;
/// How many instruments are watched at most: brokers count lines.
const WATCHED: usize = 100;
/// How many instruments callers may make us watch beside those, and of how many the book: brokers count these too.
const WISHES: usize = 32;
/// How long such a wish lasts after it was last asked for.
const WISHED_FOR: Duration = Duration::from_secs(60);
/// How often wishes are looked through for those that are over.
const LOOK_THROUGH_EVERY: Duration = Duration::from_secs(5);
/// How long the first data of a new wish are waited for.
const FIRST_WITHIN: Duration = Duration::from_millis(1_500);
/// How long the replica may take to follow what the engine has answered.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(2);

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
    /// Whom the newest notices concern, by their events.
    pub scopes: BTreeMap<u64, Scope>,
    /// The engine's time when it said what the venue's clock is.
    pub welcomed_at: Option<Timestamp>,
}

impl Known {
    /// The venue's time at `now`: a tape has its own, and its own speed.
    pub fn venue_now(&self, now: Timestamp) -> Timestamp {
        let Some(welcome) = &self.welcome else { return now };
        let elapsed = i128::from(now.0) - i128::from(self.welcomed_at.unwrap_or(now).0);
        let faster = elapsed * (i128::from(welcome.venue_speed_milli) - 1_000) / 1_000;
        let venue = i128::from(now.0) + i128::from(welcome.venue_offset_ns) + faster;
        Timestamp(i64::try_from(venue).unwrap_or(now.0))
    }
}

/// What a caller asked to be watched.
#[derive(Debug)]
struct Wish {
    until: Instant,
    book: bool,
    /// Something came since it was asked for.
    came: bool,
}

/// Shared by everybody who reads.
#[derive(Clone, Debug)]
pub struct Replica {
    known: Arc<RwLock<Known>>,
    wishes: Arc<Mutex<BTreeMap<InstrumentId, Wish>>>,
    wished: Arc<Notify>,
    /// The last event that is folded here.
    reached: watch::Sender<u64>,
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
                scopes: BTreeMap::new(),
                welcomed_at: None,
            })),
            wishes: Arc::default(),
            wished: Arc::default(),
            reached: watch::channel(0).0,
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
    /// Waits until an event is folded here, and no longer than a moment: what the engine has answered is then in what is
    /// read.
    pub async fn reach(&self, sequence: u64) {
        let mut reached = self.reached.subscribe();
        let _ = tokio::time::timeout(FOLLOWS_WITHIN, reached.wait_for(|at| *at >= sequence)).await;
    }
    /// Waits until something is folded here, or until a moment.
    pub async fn changed(&self, until: Instant) {
        let _ = tokio::time::timeout_at(until, self.reached.subscribe().changed()).await;
    }
    /// Has an instrument watched for a while, `book` with its depth, and waits a moment for the first data where it was
    /// not watched yet.
    ///
    /// # Errors
    /// Too many are watched at others' wish already.
    pub async fn wish(&self, id: InstrumentId, book: bool) -> Result<(), ApiError> {
        let fresh = self.note_wish(id, book)?;
        if !fresh {
            return Ok(());
        }
        self.wished.notify_one();
        let mut told = self.listen();
        let came = async {
            while !self.wishes(|wishes| wishes.get(&id).is_none_or(|wish| wish.came)) {
                if told.recv().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(FIRST_WITHIN, came).await;
        Ok(())
    }
    /// Goes on having an instrument watched that was wished for.
    pub(super) fn keep_wish(&self, id: InstrumentId, book: bool) {
        if self.note_wish(id, book).is_ok_and(|fresh| fresh) {
            self.wished.notify_one();
        }
    }
    /// Learns the history of an instrument, so that what follows stands on it.
    pub(super) fn learn_bars(&self, id: InstrumentId, timeframe: Timeframe, bars: Vec<Bar>) {
        self.change(|known| {
            known.market.set_bars(id, timeframe, bars);
            known.market.want_bars(id, timeframe);
        });
    }
    /// True where it is new.
    fn note_wish(&self, id: InstrumentId, book: bool) -> Result<bool, ApiError> {
        let until = Instant::now() + WISHED_FOR;
        let known = self.read(|known| watched(&known.state).contains(&id));
        self.wishes(|wishes| {
            if let Some(wish) = wishes.get_mut(&id) {
                wish.until = until;
                let more = book && !wish.book;
                wish.book |= book;
                wish.came &= !more;
                return Ok(more);
            }
            if known && !book {
                return Ok(false);
            }
            if wishes.len() >= WISHES {
                let text =
                    format!("{WISHES} instruments are watched on request already; try again in a minute");
                let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "TOO_MANY_BOOKS", text);
                return Err(ApiError {
                    retry_after: Some(WISHED_FOR.as_secs()),
                    ..error
                });
            }
            let came = false;
            wishes.insert(id, Wish { until, book, came });
            Ok(true)
        })
    }
    fn wishes<T>(&self, look: impl FnOnce(&mut BTreeMap<InstrumentId, Wish>) -> T) -> T {
        look(&mut self.wishes.lock().unwrap_or_else(PoisonError::into_inner))
    }
    /// True where a wish's time is over: it is forgotten.
    fn forget_wishes(&self) -> bool {
        let now = Instant::now();
        self.wishes(|wishes| {
            let before = wishes.len();
            wishes.retain(|_, wish| wish.until > now);
            wishes.len() != before
        })
    }
    /// What has to be watched now: all, and of which the book.
    fn wanted(&self) -> (Vec<InstrumentId>, Vec<InstrumentId>) {
        let (mut all, books): (Vec<_>, Vec<_>) = self.wishes(|wishes| {
            let books = wishes.iter().filter(|(_, wish)| wish.book).map(|(id, _)| *id);
            (wishes.keys().copied().collect(), books.collect())
        });
        let usual = self.read(|known| watched(&known.state));
        let already: BTreeSet<InstrumentId> = all.iter().copied().collect();
        all.extend(usual.into_iter().filter(|id| !already.contains(id)));
        all.truncate(WATCHED);
        (all, books)
    }
    /// Notes which wishes something came for.
    fn note_market(&self, batch: &MarketBatch) {
        self.wishes(|wishes| {
            let ids = batch.depths.iter().map(|depth| (depth.instrument, true));
            for (id, book) in ids.chain(batch.quotes.iter().map(|quote| (quote.instrument, false))) {
                if let Some(wish) = wishes.get_mut(&id) {
                    wish.came |= book == wish.book;
                }
            }
        });
    }
    fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }
    /// Takes what the engine tells at `now`; true where other instruments may have to be watched now.
    fn take(&self, told: Told, now: Timestamp) -> Result<bool, ()> {
        let watch = self.change(|known| match &told {
            Told::Snapshot(snapshot) => {
                for instrument in snapshot.state.instruments.values() {
                    known.market.list(instrument.clone());
                }
                known.state = snapshot.state.clone();
                known.told_at = Some(snapshot.now);
                known.welcomed_at = Some(snapshot.now);
                known.synced = true;
                known.scopes.clear();
                Ok(true)
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
                    let newest = known.state.notices.back().map(|notice| notice.sequence);
                    if newest == Some(event.sequence) {
                        let scope = scope(&known.state, &event.fact);
                        known.scopes.insert(event.sequence, scope);
                        while known.scopes.len() > NOTICES_KEPT {
                            known.scopes.pop_first();
                        }
                    }
                }
                Ok(listed)
            }
            Told::Market(batch) => {
                known.market.received_at(now);
                take_market(&mut known.market, batch);
                if let Some(health) = &batch.health {
                    known.health.retain(|other| other.broker != health.broker);
                    known.health.push(health.as_ref().clone());
                }
                Ok(false)
            }
            // Which instrument terminals look at together is theirs.
            Told::Linked(..) | Told::Resumed => Ok(false),
        })?;
        if let Told::Market(batch) = &told {
            self.note_market(batch);
        } else {
            let sequence = self.read(|known| known.state.sequence);
            self.reached.send_replace(sequence);
        }
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
    for terms in &batch.terms {
        market.on_terms(terms.clone());
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
pub(super) async fn follow(
    engine: mpsc::Sender<Wanted>,
    replica: Replica,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let session = tokio::select! {
            _ = stop.changed() => return,
            session = one(&engine, &replica, &clock) => session,
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
async fn one(engine: &mpsc::Sender<Wanted>, replica: &Replica, clock: &Clock) -> Option<SessionId> {
    let (answer, opened) = oneshot::channel();
    let kind = SessionKind::Monitor;
    engine
        .send(Wanted::Open {
            kind,
            who: None,
            answer,
        })
        .await
        .ok()?;
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
    let mut look_through = tokio::time::interval(LOOK_THROUGH_EVERY);
    loop {
        let again = tokio::select! {
            message = told.recv() => match message.map(|message| replica.take(message, clock())) {
                Some(Ok(again)) => again,
                Some(Err(())) | None => return Some(session),
            },
            _ = prompt.changed() => true,
            () = replica.wished.notified() => true,
            _ = look_through.tick() => replica.forget_wishes(),
        };
        if again {
            let (instruments, depth) = replica.wanted();
            let watch = Wanted::Watch {
                session,
                instruments,
                depth,
                prompt: *prompt.borrow_and_update(),
            };
            engine.send(watch).await.ok()?;
        }
    }
}
