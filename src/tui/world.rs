//! What the desk looks at: the replica of the state, the market, which account and instrument are on the desk, and whose
//! clock says what. Folds what the engine tells; knows nothing of keys and panes.

use super::pane::View;
use super::theme::Theme;
use super::times::Times;
use crate::domain::{AccountKey, BrokerId, InstrumentId, SessionId, Timestamp};
use crate::engine::port::Health;
use crate::engine::sentence::Templates;
use crate::engine::{Event, Fact, State};
use crate::market::{BarUpdate, Market};
use std::collections::BTreeMap;
use std::time::Duration;

/// How the desk stands to the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// No engine has answered yet, since when.
    Starting(Timestamp),
    /// Attached.
    Attached,
    /// Was attached; since when not, and why.
    Lost(Timestamp, String),
}

/// What universal time is looked at through.
static UTC: jiff::tz::TimeZone = jiff::tz::TimeZone::UTC;

/// Whose time is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zone {
    /// The exchange's, where the instrument trades.
    #[default]
    Exchange,
    /// This machine's.
    Local,
    /// Universal time.
    Utc,
}
impl Zone {
    /// As a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Local => "local",
            Self::Utc => "UTC",
        }
    }
    /// By its word; the exchange's for any other.
    pub fn of(word: &str) -> Self {
        [Self::Local, Self::Utc]
            .into_iter()
            .find(|zone| zone.word() == word)
            .unwrap_or_default()
    }
    /// The one after it.
    pub fn next(self) -> Self {
        match self {
            Self::Exchange => Self::Local,
            Self::Local => Self::Utc,
            Self::Utc => Self::Exchange,
        }
    }
}

/// What this terminal's session may do in the desk's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may add risk.
    Armed,
    /// It holds the token and is not armed.
    Disarmed,
    /// Nobody holds the token.
    NoToken,
    /// Another terminal holds it.
    TokenElsewhere,
    /// It only looks.
    Looks,
}

/// The replica and what is on the desk.
#[derive(Debug)]
pub struct World {
    /// The engine's state, folded here.
    pub state: State,
    /// Market data.
    pub market: Market,
    /// The market as it was when the desk was frozen, which is what is shown.
    pub frozen: Option<(Timestamp, Box<Market>)>,
    /// The account on the desk.
    pub account: Option<AccountKey>,
    /// The instrument on the desk.
    pub instrument: Option<InstrumentId>,
    /// Colours.
    pub theme: Theme,
    /// Amounts and names are hidden.
    pub masked: bool,
    /// Whose time is shown.
    pub zone: Zone,
    /// The zone of the machine that this terminal runs on.
    pub local_zone: jiff::tz::TimeZone,
    /// Something is open that a person is about to confirm.
    pub holding: bool,
    /// How we stand to the engine.
    pub link: Link,
    /// Our session there.
    pub session: Option<SessionId>,
    /// The engine's version and build.
    pub build: String,
    /// A snapshot has come since we attached.
    pub is_known: bool,
    /// Whether this session only looks.
    pub only_looks: bool,
    /// The last round trip.
    pub round_trip: Option<Duration>,
    /// How long the terminal's own parts of the way take.
    pub times: Times,
    /// How the connection to each broker is, where it tells, and when it last did.
    pub health: BTreeMap<BrokerId, (Health, Timestamp)>,
    /// When anything last came from the engine.
    pub heard_at: Timestamp,
    /// The venue's clock: its time at a moment of ours, and its speed in thousandths.
    pub venue_clock: (Timestamp, Timestamp, u32),
    /// Named exits from the settings.
    pub templates: Templates,
}

impl World {
    /// Nothing is known yet.
    pub fn new(theme: Theme, now: Timestamp) -> Self {
        Self {
            state: State::default(),
            market: Market::replica(),
            frozen: None,
            account: None,
            instrument: None,
            theme,
            masked: false,
            zone: Zone::Exchange,
            local_zone: jiff::tz::TimeZone::UTC,
            holding: false,
            link: Link::Starting(now),
            session: None,
            build: String::new(),
            is_known: false,
            only_looks: false,
            round_trip: None,
            times: Times::default(),
            health: BTreeMap::new(),
            heard_at: now,
            venue_clock: (now, now, 1_000),
            templates: Templates::new(),
        }
    }
    /// What panes look at.
    pub fn view(&self, now: Timestamp) -> View<'_> {
        View {
            state: &self.state,
            market: self.frozen.as_ref().map_or(&self.market, |(_, market)| market),
            now,
            venue_now: self.venue_time(now),
            account: self.account,
            instrument: self.instrument,
            theme: &self.theme,
            attached: self.link == Link::Attached && self.is_known,
            masked: self.masked,
            zone: self.zone(),
            holding: self.holding,
            health: self.health().map(|(health, at)| (health, *at)),
            round_trip: self.round_trip,
            times: &self.times,
            templates: &self.templates,
        }
    }
    /// How the connection to the broker of the account on the desk is, where it tells.
    pub fn health(&self) -> Option<&(Health, Timestamp)> {
        self.health.get(&self.account?.broker)
    }
    /// The zone that a person chose; nothing for the exchange's own.
    pub fn zone(&self) -> Option<&jiff::tz::TimeZone> {
        match self.zone {
            Zone::Exchange => None,
            Zone::Local => Some(&self.local_zone),
            Zone::Utc => Some(&UTC),
        }
    }
    /// The venue's time.
    pub fn venue_time(&self, now: Timestamp) -> Timestamp {
        let (venue, ours, speed) = self.venue_clock;
        let passed = i128::from(now.0.saturating_sub(ours.0)) * i128::from(speed) / 1_000;
        Timestamp(venue.0.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX)))
    }
    /// Takes a whole state.
    pub fn take_snapshot(&mut self, state: State) {
        for instrument in state.instruments.values() {
            self.market.list(instrument.clone());
        }
        self.state = state;
        self.is_known = true;
    }
    /// Folds one event; false where some before it are missing. One that is known already is passed over.
    pub fn fold(&mut self, event: &Event) -> bool {
        if event.sequence <= self.state.sequence {
            return true;
        }
        if event.sequence != self.state.sequence + 1 {
            return false;
        }
        if let Fact::InstrumentListed { instrument } = &event.fact {
            self.market.list(instrument.clone());
        }
        self.state.apply(event);
        true
    }
    /// Takes a changed bar.
    pub fn take_bar(&mut self, update: &BarUpdate) {
        self.market.apply_bar(update);
    }
    /// What this session may do in the desk's account.
    pub fn standing(&self) -> Standing {
        if self.only_looks {
            return Standing::Looks;
        }
        match (self.state.token, self.session, self.account) {
            (None, ..) => Standing::NoToken,
            (Some(token), Some(session), Some(account)) if token == session => {
                if self.state.armed.contains(&(session, account)) {
                    Standing::Armed
                } else {
                    Standing::Disarmed
                }
            }
            _ => Standing::TokenElsewhere,
        }
    }
}
