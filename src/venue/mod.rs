//! The exchange as a running service: one synchronous struct that owns an [`Exchange`], the traders who populate it or the
//! tape that moves it, and its own durable books. Time is an argument; nothing here waits, sleeps or asks what time it is.
//!
//! Customers' orders and trades are in the books before anybody hears of them: what an operation brings about is held back
//! until its one transaction is committed. If a commit fails, nothing of it is told, the market stands still, and the next
//! call tries again. After a crash [`Venue::open`] comes back with accounts, positions, live orders in their queues, and ids
//! that go on; participants do not survive and need not, since they quote around a seeded function of time ([`fair`]).
//!
//! [`universe`] says what is listed, [`participants`] who trades, [`tape`] plays recordings, [`floor`] brings them together,
//! [`customers`] handles orders, [`house`] tries and sweeps for whoever runs it, [`recover`] starts and restarts, [`books`] are the file.

pub mod books;
mod customers;
pub mod fair;
pub mod file;
mod floor;
mod house;
mod ladder;
pub mod message;
mod participants;
mod recover;
mod replace;
pub mod tape;
#[cfg(test)]
mod tests;
pub mod universe;

pub use books::{Books, BooksError, MemoryBooks, SqliteBooks};
pub use house::Trial;
pub use message::{OrderReport, Report, VenueEvent, VenueRequest, VenueSnapshot};
pub use tape::{FileReport, Speed, Tape, TapeError};

use crate::domain::{
    Account, AccountClass, AccountId, AccountKey, BrokerId, Currency, Instrument, InstrumentId, Money,
    Timestamp,
};
use crate::exchange::{Exchange, ListingNo, MemberNo, Outbox};
use crate::market::{Bar, Timeframe};
use books::{Changes, OrderRecord};
use floor::Pit;
use ladder::Act;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tape::TapeClock;

/// How long ended orders are told in snapshots.
pub const ENDED_KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long executions are told in snapshots.
pub const EXECUTIONS_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How far behind a crowd may fall before what it missed is left out.
const CROWD_LAG: Duration = Duration::from_secs(5);
/// How long after a failed commit the next is tried.
const RETRY: Duration = Duration::from_millis(250);
/// Most moments of crowd and tape that one call of [`Venue::advance`] works through.
const MOST_MOMENTS: usize = 20_000;

/// Who moves the market.
#[derive(Debug, Default)]
pub enum Population {
    /// The built-in traders: a market that moves by itself.
    #[default]
    Crowd,
    /// Recorded prints and quotes. The venue's time is the tape's.
    Tape(Box<Tape>, Speed),
    /// Nobody: customers trade with each other alone. For tests.
    Nobody,
}

/// An account as it is opened on a first day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSetup {
    /// Its name.
    pub account: AccountId,
    /// The currency totals are in.
    pub base: Currency,
    /// What is paid in.
    pub cash: BTreeMap<Currency, Money>,
}

/// How a venue is run.
#[derive(Debug)]
pub struct VenueSettings {
    /// The broker name in account keys.
    pub broker: BrokerId,
    /// Chance of the participants.
    pub seed: u64,
    /// Whether instruments keep the hours of the real ones; otherwise all trade always. A tape keeps real ones.
    pub real_hours: bool,
    /// Accounts to open where the books do not have them yet.
    pub accounts: Vec<AccountSetup>,
    /// How long a request is on its way. Zero by default.
    pub latency: Duration,
    /// Who moves the market.
    pub population: Population,
}

impl VenueSettings {
    /// The built-in market with the account `SIM100001`: 1,000,000 USD, 100,000 EUR and, so that every instrument can be
    /// traded, 15,000,000 JPY. Nothing only where `broker` is no broker's name.
    pub fn new(broker: &str, seed: u64) -> Option<Self> {
        let yen = "JPY".parse().ok()?;
        let cash = [
            (Currency::USD, Money::whole(1_000_000)),
            (Currency::EUR, Money::whole(100_000)),
            (yen, Money::whole(15_000_000)),
        ];
        Some(Self {
            broker: BrokerId::new(broker).ok()?,
            seed,
            real_hours: false,
            accounts: vec![AccountSetup {
                account: AccountId::new("SIM100001").ok()?,
                base: Currency::USD,
                cash: cash.into_iter().collect(),
            }],
            latency: Duration::ZERO,
            population: Population::Crowd,
        })
    }
}

/// Why the venue can't go on. Nothing that was not committed has been told.
#[derive(Debug, thiserror::Error)]
pub enum VenueError {
    /// The books can't be opened, read or written.
    #[error(transparent)]
    Books(#[from] BooksError),
    /// An instrument can't be listed.
    #[error("an instrument can't be listed: {0}")]
    Listing(#[from] crate::exchange::ListingError),
    /// The books hold something that is not listed.
    #[error(
        "the exchange's books hold {0}, which is not listed here; a tape and the built-in market each need a profile \
         (or data directory) of their own"
    )]
    NotListed(InstrumentId),
    /// A state in the books that the exchange does not take back.
    #[error("the exchange's books can't be restored: {0}")]
    Restore(String),
}

/// The venue. See the module's text.
#[derive(Debug)]
pub struct Venue {
    broker: BrokerId,
    latency: Duration,
    exchange: Exchange,
    maker: MemberNo,
    taker: MemberNo,
    instruments: Vec<Instrument>,
    pits: Vec<Pit>,
    by_listing: BTreeMap<ListingNo, usize>,
    by_instrument: BTreeMap<InstrumentId, usize>,
    members: BTreeMap<AccountId, MemberNo>,
    accounts: BTreeMap<MemberNo, (AccountId, Currency)>,
    /// Live orders and those that ended lately, by number.
    orders: BTreeMap<u64, OrderRecord>,
    ids: BTreeMap<(AccountId, crate::domain::ClientOrderId), u64>,
    /// The late ones, by number.
    executions: BTreeMap<u64, crate::domain::Execution>,
    last_execution: u64,
    last_rank: u64,
    tape: Option<Box<Tape>>,
    tape_clock: Option<TapeClock>,
    /// When the tape goes on.
    tape_next: Option<Timestamp>,
    delayed: VecDeque<(Timestamp, VenueRequest)>,
    books: Box<dyn Books>,
    /// Not yet committed.
    changes: Changes,
    /// Not told before the commit.
    pending: Vec<VenueEvent>,
    outbox: Outbox,
    acts: Vec<Act>,
    now: Timestamp,
    /// When orders and executions that nobody asks for any more are next let go.
    tidy_at: Timestamp,
}

impl Venue {
    /// Everything listed, in a stable order.
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// The customers' accounts with their cash.
    pub fn accounts(&self) -> Vec<Account> {
        let account = |(member, (account, base)): (&MemberNo, &(AccountId, Currency))| Account {
            key: self.key(*account),
            class: AccountClass::Sim,
            base: *base,
            cash: Some(self.exchange.cash(*member).into_iter().collect()),
        };
        self.accounts.iter().map(account).collect()
    }

    /// The last moment that the venue has worked through.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What is listed with the terms it trades on, for previews of margin and fees.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// What came of the tape's files; empty without a tape.
    pub fn tape_reports(&self) -> &[FileReport] {
        self.tape.as_ref().map_or(&[], |tape| tape.reports())
    }

    /// The venue's time, where that is not the world's: on a tape. `monotonic` is time outside, since any fixed moment.
    /// Call [`Venue::advance`] with the answer.
    pub fn clock(&mut self, monotonic: Duration) -> Option<Timestamp> {
        let (now, next) = (self.now, self.tape_next);
        self.tape_clock
            .as_mut()
            .map(|clock| clock.at(monotonic, now, next).max(now))
    }

    /// How long to wait outside from venue time `now` until [`Venue::next_wake`].
    pub fn wait(&self, now: Timestamp) -> Duration {
        let span = self.next_wake().since(now);
        self.tape_clock.map_or(span, |clock| clock.outside(span))
    }

    /// Invented bars before `now`, oldest first, the last one running until `now`: so that a chart is not empty on the
    /// first day. Nothing for an unknown instrument and nothing on a tape, whose history is its own.
    pub fn history(
        &self,
        instrument: InstrumentId,
        timeframe: Timeframe,
        count: usize,
        now: Timestamp,
    ) -> Vec<Bar> {
        let pit = self
            .by_instrument
            .get(&instrument)
            .and_then(|pit| self.pits.get(*pit));
        let crowd = pit.and_then(|pit| pit.crowd.as_ref());
        crowd.map_or_else(Vec::new, |crowd| crowd.fair().history(timeframe, count, now))
    }

    /// Takes a request at `now`. Whatever it brings about is committed before it is appended to `out`. An error means that
    /// the books could not be written: nothing of the request has been told, and what it did is told by a later call that
    /// can write.
    pub fn handle(
        &mut self,
        request: VenueRequest,
        now: Timestamp,
        out: &mut Vec<VenueEvent>,
    ) -> Result<(), VenueError> {
        self.flush(out)?;
        if self.tape.is_some() {
            // What was recorded before the request was there before it.
            self.catch_up(now)?;
        }
        let now = self.turn(now);
        if self.latency > Duration::ZERO {
            self.delayed.push_back((now.after(self.latency), request));
            return Ok(());
        }
        self.serve(&request, now)?;
        self.tell_books(now);
        self.flush(out)
    }

    /// Lets participants, tape, dates and delayed requests act up to `now`, in the order of time. After a long sleep what
    /// the participants missed is left out. One call works through a bounded number of moments; [`Venue::next_wake`] says
    /// when to call again.
    pub fn advance(&mut self, now: Timestamp, out: &mut Vec<VenueEvent>) -> Result<(), VenueError> {
        self.flush(out)?;
        self.catch_up(now)?;
        let now = self.now;
        if now >= self.tidy_at {
            self.tidy(now);
        }
        self.tell_books(now);
        self.flush(out)
    }

    /// Works through what is due up to `now`, in the order of time, a bounded number of moments.
    fn catch_up(&mut self, now: Timestamp) -> Result<(), VenueError> {
        self.skip_slept(now);
        for _ in 0..MOST_MOMENTS {
            let Some((at, due)) = self.due(now) else {
                self.turn(now);
                break;
            };
            let at = self.turn(at);
            match due {
                Due::Request => {
                    if let Some((_, request)) = self.delayed.pop_front() {
                        self.serve(&request, at)?;
                    }
                }
                Due::Dates => {
                    self.exchange.advance(at, &mut self.outbox);
                    self.absorb(at, None);
                }
                Due::Expiry(pit) => self.expire(pit, at),
                Due::Tape => self.play_next(at),
                Due::Crowd(pit) => self.wake_crowd(pit, at),
            }
        }
        Ok(())
    }

    /// When [`Venue::advance`] wants to be called next; [`Timestamp::MAX`] for never.
    pub fn next_wake(&self) -> Timestamp {
        if !self.changes.is_empty() {
            // A commit failed: not again at once.
            return self.now.after(RETRY);
        }
        if !self.pending.is_empty() {
            return self.now;
        }
        self.due(Timestamp::MAX)
            .map_or(Timestamp::MAX, |(at, _)| at.max(self.now))
    }

    /// What is due first, up to `now`.
    fn due(&self, now: Timestamp) -> Option<(Timestamp, Due)> {
        let mut first: Option<(Timestamp, Due)> = None;
        let mut offer = |at: Option<Timestamp>, due: Due| {
            if let Some(at) = at
                && at <= now
                && first.is_none_or(|first| at < first.0)
            {
                first = Some((at, due));
            }
        };
        offer(self.exchange.next_expiry(), Due::Dates);
        offer(self.delayed.front().map(|delayed| delayed.0), Due::Request);
        offer(self.tape_next, Due::Tape);
        for (number, pit) in self.pits.iter().enumerate().filter(|(_, pit)| !pit.expired) {
            offer(pit.listing.instrument.expires, Due::Expiry(number));
            offer(
                pit.crowd.as_ref().map(participants::Crowd::next_wake),
                Due::Crowd(number),
            );
        }
        first
    }

    fn play_next(&mut self, at: Timestamp) {
        let Some(tape) = self.tape.as_mut() else {
            self.tape_next = None;
            return;
        };
        let moment = tape.take(at);
        self.tape_next = tape.next_at();
        if let Some(moment) = moment {
            self.play(&moment);
        }
    }

    /// Time never goes back.
    fn turn(&mut self, now: Timestamp) -> Timestamp {
        self.now = self.now.max(now);
        self.now
    }

    fn key(&self, account: AccountId) -> AccountKey {
        AccountKey {
            broker: self.broker,
            account,
        }
    }

    /// Commits what changed, then tells what was held back.
    fn flush(&mut self, out: &mut Vec<VenueEvent>) -> Result<(), VenueError> {
        if !self.changes.is_empty() {
            self.books.commit(&self.changes)?;
            self.changes = Changes::default();
        }
        out.append(&mut self.pending);
        Ok(())
    }

    /// Lets go of what is past its time.
    fn tidy(&mut self, now: Timestamp) {
        let (ended, executed) = (now.before(ENDED_KEPT), now.before(EXECUTIONS_KEPT));
        let ids = &mut self.ids;
        self.orders.retain(|_, order| {
            let keep = order.ended_at.is_none_or(|at| at >= ended);
            if !keep {
                ids.remove(&(order.spec.account.account, order.id));
            }
            keep
        });
        self.executions.retain(|_, execution| execution.at >= executed);
        self.tidy_at = now.after(Duration::from_secs(3600));
    }
}

/// What may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// Orders whose date comes.
    Dates,
    /// A request that was on its way.
    Request,
    /// The next moment of the tape.
    Tape,
    /// The last moment of a contract.
    Expiry(usize),
    /// A crowd wants to act.
    Crowd(usize),
}
