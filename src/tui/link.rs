//! The two channels to the engine as the desk sees them. Who fills and empties them (a socket here, a socket elsewhere) is
//! not the desk's business: it can't tell a local engine from a remote one.

use crate::domain::{AccountKey, Currency, InstrumentId, OrderSpec, SafeText, SessionId, Timestamp};
use crate::engine::history::{ExecutionsPage, OrdersPage};
use crate::engine::pnl::CurvePoint;
use crate::engine::port::{Health, Margin};
use crate::engine::{Command, Event, Outcome, State};
use crate::market::{Bar, Depth, Print, Quote, Terms, Timeframe};
use jiff::civil::Date;
use std::time::Duration;

/// A question of a pane. The answer comes back with the question itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A page of orders of all days.
    Orders(Page),
    /// A page of executions of all days.
    Executions(Page),
    /// Worth and profit of an account after a moment of the venue's clock.
    Curve(AccountKey, Timestamp),
    /// The books as they stood at the end of a trading day.
    Books(Date),
    /// Make the connection to the broker (true), or cut it.
    Connection(bool),
}

/// Which page is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Whose.
    pub account: AccountKey,
    /// In one instrument; in all without.
    pub instrument: Option<InstrumentId>,
    /// Where the page before it ended; the newest without.
    pub before: Option<u64>,
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Orders.
    Orders(OrdersPage),
    /// Executions.
    Executions(ExecutionsPage),
    /// The curve of each currency, oldest first.
    Curve(Vec<(Currency, Vec<CurvePoint>)>),
    /// Books of a day: a state with instruments, accounts and ledgers only.
    Books(Box<State>),
    /// It is done, in words.
    Words(SafeText),
    /// There is none, and why.
    Failed(SafeText),
}

/// From the engine to the desk.
#[derive(Clone, Debug)]
pub enum FromEngine {
    /// An engine answered; its snapshot follows.
    Attached {
        /// Our session.
        session: SessionId,
        /// Its version and build, for people.
        build: String,
        /// What to say where the engine is an older build than this terminal.
        engine_older: Option<String>,
        /// The two characters that begin client order ids.
        id_prefix: String,
        /// The venue's clock minus the engine's at this moment, in nanoseconds.
        venue_offset_ns: i64,
        /// How fast the venue's clock runs, in thousandths.
        venue_speed_milli: u32,
    },
    /// The whole state, and the engine's time.
    Snapshot(Box<State>, Timestamp),
    /// The link is back, and what the desk has is what came before the events that follow.
    Resumed,
    /// This session only looks, because its key or whoever opened it says so.
    OnlyLooks,
    /// Events in order.
    Events(Vec<Event>),
    /// Newest quotes.
    Quotes(Vec<Quote>),
    /// What a broker says of instruments beside their prices.
    Terms(Vec<Terms>),
    /// Newest depths.
    Depths(Vec<Depth>),
    /// Prints in order.
    Prints(Vec<Print>),
    /// Bars that changed.
    BarUpdates(Vec<(InstrumentId, Timeframe, Bar)>),
    /// Older bars that were asked for, oldest first.
    Bars(InstrumentId, Timeframe, Vec<Bar>),
    /// The answer to a command.
    Outcome {
        /// The token it was sent with.
        token: u64,
        /// The answer.
        outcome: Outcome,
    },
    /// The link is lost; whoever holds the other end tries again.
    Lost {
        /// Why, in words.
        reason: String,
    },
    /// A command's last byte is on the engine's socket.
    Written {
        /// The token it was sent with.
        token: u64,
        /// When, by this process's clock.
        at: Timestamp,
    },
    /// What follows was read off the engine's socket at this moment, by this process's clock.
    ReadAt(Timestamp),
    /// How long a question and its answer took.
    RoundTrip(Duration),
    /// How the connection to a broker is.
    Health(Box<Health>),
    /// What a search at the broker found: the id of what is listed by now, and a line for people.
    Found(Vec<(Option<InstrumentId>, SafeText)>),
    /// What an order would bind, by the broker's word; nothing where it could not say.
    Margin {
        /// The token it was asked with.
        token: u64,
        /// The answer.
        margin: Option<Margin>,
    },
    /// Another terminal put an instrument on a link group.
    Linked {
        /// The group's letter.
        group: char,
        /// What it shows.
        instrument: InstrumentId,
    },
    /// What became of a pane's question.
    Answered(Ask, Answer),
    /// A question that got no answer, and why.
    Failed(SafeText),
}

/// From the desk to the engine.
#[expect(
    clippy::large_enum_variant,
    reason = "a handful a second, never stored in numbers"
)]
#[derive(Clone, Debug, PartialEq)]
pub enum ToEngine {
    /// Do this; the answer comes back with the token.
    Command {
        /// Chosen here.
        token: u64,
        /// What.
        command: Command,
    },
    /// Send data of these instruments, and depth of those, in place of what was asked for before.
    Watch {
        /// All that are wanted.
        instruments: Vec<InstrumentId>,
        /// The instruments whose depth is wanted.
        depth: Vec<InstrumentId>,
    },
    /// Send the newest `count` bars.
    Bars {
        /// Of what.
        instrument: InstrumentId,
        /// How long each.
        timeframe: Timeframe,
        /// How many at most.
        count: u32,
    },
    /// Look at the broker for instruments that fit what was typed.
    Find(SafeText),
    /// Ask the broker what an order would bind.
    Margin {
        /// Chosen here.
        token: u64,
        /// The order.
        spec: Box<OrderSpec>,
    },
    /// A link group shows another instrument: tell the other terminals.
    Link {
        /// The group's letter.
        group: char,
        /// What it shows.
        instrument: InstrumentId,
    },
    /// Answer a pane's question.
    Ask(Ask),
    /// Stop the engine in order.
    StopEngine,
    /// We leave; the engine goes on.
    Detach,
}
