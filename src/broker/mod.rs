//! One folder an adapter. Each turns the engine's requests into a broker's own words and what the broker says into
//! `BrokerEvent`s; none of them decides anything. This file is what they have in common: the engine's task knows an
//! [`Adapter`] and cannot tell one from another.

pub mod ibkr;
pub mod sim;

use crate::domain::{ClientOrderId, InstrumentId, OrderSpec, SafeText, Timestamp};
use crate::engine::port::{Health, Margin};
use crate::engine::{BrokerEvent, Request};
use crate::market::{Bar, Depth, Print, Quote, Terms, Timeframe};
use tokio::sync::oneshot;

/// The engine's end of a broker.
pub trait Adapter: Send + std::fmt::Debug {
    /// Sends a request. Never waits.
    ///
    /// # Errors
    /// It provably did not leave.
    fn send(&self, request: Request) -> Result<(), NotSent>;
    /// Market data that somebody wants now, in place of what was wanted before. A broker that sends everything ignores it.
    fn want(&self, want: Want);
    /// Asks for what only the broker knows. An answer that never comes is a dropped sender.
    fn ask(&self, question: Question, answer: oneshot::Sender<Answer>);
    /// True where the broker has a history that has to be asked for.
    fn has_history(&self) -> bool;
    /// Makes the connection, or cuts it and leaves it cut until it is made again. Orders stay where they are. What became
    /// of it is told as events.
    ///
    /// # Errors
    /// There is no connection that could be cut.
    fn connection(&self, up: bool) -> Result<(), &'static str>;
    /// True where what carries requests and reports has ended by itself: nothing it was given will be sent.
    fn has_died(&self) -> bool;
    /// Ends it and waits until it has ended. Orders stay where they are.
    fn stop(self: Box<Self>);
}

/// What an adapter says, in order.
#[derive(Debug)]
pub enum FromBroker {
    /// To the engine's port.
    Broker(Box<BrokerEvent>),
    /// Market data of one step.
    Market(Vec<MarketData>),
    /// The broker's time.
    Clock(Timestamp),
    /// The feed of an instrument counts its prints anew.
    Restarted(InstrumentId),
    /// How the connection is.
    Health(Box<Health>),
}

/// One piece of market data.
#[derive(Clone, Debug)]
pub enum MarketData {
    /// A quote.
    Quote(Quote),
    /// A trade.
    Print(Print),
    /// A book.
    Depth(Depth),
    /// What is said of an instrument beside its prices.
    Terms(Terms),
}

/// Market data that somebody wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// Instruments, the most important first: what is held and what works before what is only looked at.
    pub lines: Vec<InstrumentId>,
    /// Instruments whose book is wanted, the most important first.
    pub depth: Vec<InstrumentId>,
}

/// What only a broker knows.
#[derive(Clone, Debug)]
pub enum Question {
    /// Instruments by what a person typed; those that fit exactly get listed.
    Find(SafeText),
    /// Bars of the past, the newest `count`.
    Bars {
        /// Of what.
        instrument: InstrumentId,
        /// How long each.
        timeframe: Timeframe,
        /// How many.
        count: u32,
    },
    /// What an order would bind, were it sent.
    Margin {
        /// The order.
        spec: Box<OrderSpec>,
        /// A number that is used for nothing else.
        number: i32,
    },
}

/// The answer to a [`Question`].
#[derive(Clone, Debug)]
pub enum Answer {
    /// What was found: the id of those that are listed by now, and a line for people.
    Found(Vec<(Option<InstrumentId>, SafeText)>),
    /// Bars, oldest first.
    Bars(Vec<Bar>),
    /// What the order would bind.
    Margin(Box<Margin>),
    /// The broker would not take the order that was asked about: its words.
    Refused(SafeText),
    /// Why there is no answer.
    Failed(SafeText),
}

/// A request that did not leave.
#[derive(Clone, Copy, Debug)]
pub struct NotSent {
    /// The order it would have placed.
    pub order: Option<ClientOrderId>,
    /// Why.
    pub reason: &'static str,
}
