//! Nouns: what the house talks about. Numbers, instruments and their calendars, orders, executions, positions, accounts,
//! ids and time, with what follows from them alone. Knows no other folder, no clock, no file and no socket.

pub mod account;
mod breakers;
pub mod calendar;
pub mod execution;
pub mod exit;
pub mod id;
pub mod instrument;
pub mod limits;
pub mod number;
pub mod order;
pub mod position;
pub mod recurring;
pub mod rules;
pub mod scope;
pub mod spans;
mod stop_moves;
pub mod strict;
pub mod text;
pub mod time;
pub mod trail;

pub use account::{Account, AccountClass, LinkState, TradingState};
pub use breakers::BreakerRules;
pub use calendar::CalendarId;
pub use execution::{Execution, Fee};
pub use exit::{ExitError, ExitPrice, ExitTemplate, Sign};
pub use id::{
    AccountId, AccountKey, BrokerId, BrokerOrderId, ClientOrderId, ExecutionBase, ExecutionId, InstrumentId,
    SessionId,
};
pub use instrument::{Instrument, InstrumentKind, OptionRight, OptionTerms, TickTable};
pub use limits::{Breach, LimitName, LimitValue, Limits, OnBreach};
pub use number::{Currency, Money, Multiplier, NumberError, Price, Quantity};
pub use order::{Order, OrderChange, OrderKind, OrderSpec, Pending, Phase, Role, Side, TimeInForce};
pub use position::Position;
pub use recurring::{Occurrence, Recurring};
pub use rules::{Drawdown, RulePack};
pub use scope::{Scope, Scopes, Tighter};
pub use spans::Spans;
pub use stop_moves::{Breakeven, Mover, StopMoves, Trailing};
pub use text::{SafeText, Text, counted};
pub use time::Timestamp;
pub use trail::{Distance, DistanceError};
