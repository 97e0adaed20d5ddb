//! How sessions reach the engine: a bounded inbox of what they want, and for each session a bounded queue of what it is
//! told. Facts are never dropped: a session whose queue is full is cut off and comes back by snapshot. Market data waits
//! in the engine's process and is conflated until there is room.

use crate::domain::{InstrumentId, SessionId};
use crate::engine::programs::Program;
use crate::engine::{Command, Event, Outcome, SessionKind};
use crate::wire::{Mark, MarketBatch, Query, Reply, SnapshotMessage, Welcome};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// What a session may be told before it has to read: events come in batches, so this is many seconds of a busy day.
pub const QUEUE: usize = 1_024;

/// What a session wants of the engine's process.
#[derive(Debug)]
pub enum Wanted {
    /// A session begins: its number and what it has to know.
    Open {
        /// Of what kind.
        kind: SessionKind,
        /// Who, where it comes by the network.
        who: Option<Program>,
        /// The answer.
        answer: oneshot::Sender<Welcome>,
    },
    /// A program came in by the network: the number under which it commands. The record of who it is is durable before
    /// anything that it commands.
    OpenProgram {
        /// Who.
        who: Program,
        /// The answer.
        answer: oneshot::Sender<SessionId>,
    },
    /// A session ended.
    Close {
        /// Which.
        session: SessionId,
    },
    /// A session wants the state and its events.
    Subscribe {
        /// Which.
        session: SessionId,
        /// Where to tell it.
        queue: mpsc::Sender<Told>,
        /// The last event that it has; nothing for one that begins.
        after: Option<Mark>,
    },
    /// A session wants market data of these, in place of those it wanted before.
    Watch {
        /// Which session.
        session: SessionId,
        /// All instruments.
        instruments: Vec<InstrumentId>,
        /// Those with depth.
        depth: Vec<InstrumentId>,
        /// Wants each piece the moment it comes, all of them, as long as it keeps up.
        prompt: bool,
    },
    /// A session asks for something to be done.
    Command {
        /// Which session.
        session: SessionId,
        /// Of what kind.
        kind: SessionKind,
        /// What.
        command: Box<Command>,
        /// The answer, given when the facts are stored.
        answer: oneshot::Sender<Outcome>,
    },
    /// A link group shows another instrument.
    Link {
        /// Who says so.
        session: SessionId,
        /// The group's letter.
        group: char,
        /// What it shows.
        instrument: InstrumentId,
    },
    /// A question.
    Query {
        /// Who asks.
        kind: SessionKind,
        /// What.
        query: Query,
        /// The answer.
        answer: oneshot::Sender<Reply>,
    },
}

/// What a session is told.
#[derive(Clone, Debug)]
pub enum Told {
    /// The state to begin with.
    Snapshot(Arc<SnapshotMessage>),
    /// No state is needed: what it has is what came before the events that follow.
    Resumed,
    /// Events that follow it.
    Events(Arc<Vec<Event>>),
    /// Market data.
    Market(MarketBatch),
    /// What a link group shows.
    Linked(char, InstrumentId),
}
