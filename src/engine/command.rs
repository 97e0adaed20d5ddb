//! What a person, a strategy or a program asks of the engine. A command may be refused; the answer is an [`Outcome`] to
//! the asker alone, while what happened because of it goes to everyone as facts.

mod placed;

use super::alerts::{AlertId, AlertSpec};
use super::changes::{ChangeCause, ExDate, PositionChange};
use super::difference::{Remedy, Subject};
use super::programs::Program;
use crate::domain::{
    AccountKey, BrokerId, ClientOrderId, InstrumentId, LimitName, LimitValue, OrderChange, OrderSpec, Price,
    SafeText, Scope, SessionId, StopMoves, TradingState,
};
use serde::{Deserialize, Serialize};

pub use placed::Placed;

/// Where a command comes from, as the engine's process knows it (the asker can't choose it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The session.
    pub session: SessionId,
    /// What kind of session.
    pub kind: SessionKind,
}

/// What a session may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// A full-screen terminal: trades when it holds the trading token and is armed.
    Terminal,
    /// A one-shot command from a shell: trades when its user said so and, on a live account, armed the shell.
    Shell,
    /// Looks only.
    Monitor,
    /// A program at the network's door: trades where its key may, and off the simulator while a person armed programs.
    Program,
}

/// The protective and profit-taking children of an entry, as absolute prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Legs {
    /// Trigger of a protective stop.
    pub stop: Option<Price>,
    /// Price of a profit-taking limit.
    pub target: Option<Price>,
    /// How the stop moves by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves: Option<StopMoves>,
}
impl Legs {
    /// True without any leg.
    pub fn is_empty(&self) -> bool {
        self.stop.is_none() && self.target.is_none()
    }
}

/// What a person saw before they sent an order. The engine refuses an order that adds risk where this is outdated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Of the order and its children as they were previewed; [`super::digest::digest`] makes it.
    pub digest: SafeText,
    /// The best bid then; nothing where nobody bid.
    pub bid: Option<Price>,
    /// The best ask then; nothing where nobody offered.
    pub ask: Option<Price>,
    /// How long ago the preview was made, in milliseconds, by the asker's clock: two clocks need not agree.
    pub age_ms: u64,
    /// It was said to only take off what is held: where that has changed meanwhile, it must not open anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reduces: bool,
}

/// One of several orders that are placed together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Made by the asker; repeated for every retry.
    pub id: ClientOrderId,
    /// The order.
    pub spec: OrderSpec,
    /// Its children.
    pub legs: Legs,
    /// What a person saw of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// A session begins. Sent by the engine's process itself.
    OpenSession,
    /// A session ended, by its own word or because its socket did.
    CloseSession,
    /// Who a terminal from elsewhere is. Sent by the engine's process itself.
    NameSession {
        /// Who.
        who: Program,
    },
    /// A program came in by the network. Sent by the engine's process itself.
    OpenProgram {
        /// Who.
        who: Program,
    },
    /// Place an order, with children if `legs` has any.
    Submit {
        /// Made by the asker; repeated for every retry.
        id: ClientOrderId,
        /// The order.
        spec: OrderSpec,
        /// Its children.
        legs: Legs,
        /// What a person saw of it before they sent it; nothing where nobody looked, as for a program. A terminal's order
        /// that adds risk must have it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Seen>,
    },
    /// Place a limit order or a stop with a limit; while the broker is away, park it: it leaves under the conditions of
    /// [`super::parking`] alone. A person's to ask.
    Park {
        /// Made by the asker; repeated for every retry.
        id: ClientOrderId,
        /// The order.
        spec: OrderSpec,
        /// For how many seconds; the usual time without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<u32>,
        /// What a person saw of it, as for [`Command::Submit`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Seen>,
    },
    /// The second word for a parked order, once the broker is back.
    ConfirmParked {
        /// Which.
        id: ClientOrderId,
    },
    /// Place several orders: all of them, or none where one would be denied.
    SubmitAll {
        /// In this order: each is checked as if those before it were recorded.
        orders: Vec<Entry>,
    },
    /// Place two orders of which one shrinks as the other fills.
    SubmitPair {
        /// The first order's id; also the group's name.
        first: ClientOrderId,
        /// The first order.
        first_spec: OrderSpec,
        /// The second order's id.
        second: ClientOrderId,
        /// The second order.
        second_spec: OrderSpec,
        /// What a person saw of the first, then of the second; empty where nobody looked.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        seen: Vec<Seen>,
    },
    /// Place an order, and another that waits until all of the first has filled: then it leaves, if every control still
    /// passes. It ends where the first ends in any other way.
    SubmitThen {
        /// The first order's id.
        first: ClientOrderId,
        /// The first order.
        first_spec: OrderSpec,
        /// The second order's id.
        second: ClientOrderId,
        /// The second order: of the same account, in any instrument.
        second_spec: OrderSpec,
        /// What a person saw of the first, then of the second; empty where nobody looked.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        seen: Vec<Seen>,
    },
    /// Change a live order.
    Modify {
        /// Which.
        id: ClientOrderId,
        /// What.
        change: OrderChange,
    },
    /// Cancel a live order.
    Cancel {
        /// Which.
        id: ClientOrderId,
    },
    /// Cancel the live orders of an account.
    CancelAll {
        /// Whose.
        account: AccountKey,
        /// Of one instrument only.
        instrument: Option<InstrumentId>,
        /// Protective stops too. Otherwise they stay and are named in the outcome.
        stops_too: bool,
    },
    /// Close what is held of one instrument at the market, less what working exits already close.
    Close {
        /// The closing order's id.
        id: ClientOrderId,
        /// Whose.
        account: AccountKey,
        /// Of what.
        instrument: InstrumentId,
    },
    /// Close the position in one instrument and take every order off it, proven by the broker's own word: entries and
    /// targets first, then the exit, the protective stop last.
    Flatten {
        /// The closing order's id.
        id: ClientOrderId,
        /// Whose.
        account: AccountKey,
        /// Of what.
        instrument: InstrumentId,
    },
    /// Flatten these instruments of an account, with one result. Nothing that adds risk is taken there meanwhile.
    FlattenAccount {
        /// Whose.
        account: AccountKey,
        /// Each instrument with the id of its closing order.
        exits: Vec<(InstrumentId, ClientOrderId)>,
    },
    /// Allow more or less risk.
    SetTrading {
        /// Where.
        account: AccountKey,
        /// To what.
        state: TradingState,
        /// Why, in words.
        reason: SafeText,
    },
    /// Let nothing leave that adds risk, and cancel what would add it; stops and what only closes stay unless they are to go too.
    Halt {
        /// Where; everywhere without.
        account: Option<AccountKey>,
        /// Why, in words.
        reason: SafeText,
        /// Protective stops too: what is held is then unprotected.
        stops_too: bool,
    },
    /// Change one limit while the engine runs. Stricter is anybody's who may act; looser takes who may add risk; above what
    /// config.toml allows, `confirmation` is the last four characters of the account.
    SetLimit {
        /// Of which account; of all without.
        account: Option<AccountKey>,
        /// Of one instrument, user or key instead, in whichever account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<Scope>,
        /// Which.
        name: LimitName,
        /// To what; nothing to take config.toml's again.
        value: Option<LimitValue>,
        /// For how many minutes, at most [`super::risk::change::LONGEST_MINUTES`]; then it reverts by itself.
        minutes: Option<u32>,
        /// What the person typed.
        confirmation: SafeText,
        /// Who asks, in words, where they have a name.
        by: SafeText,
    },
    /// Take the trading token from whoever has it.
    TakeToken,
    /// Allow this session to add risk in an account. `confirmation` is the last four characters of a live account's id.
    Arm {
        /// Where.
        account: AccountKey,
        /// What the person typed.
        confirmation: SafeText,
    },
    /// Stop allowing it.
    Disarm {
        /// Where.
        account: AccountKey,
    },
    /// Allow programs to add risk in an account for a time. `confirmation` as for [`Command::Arm`].
    ArmPrograms {
        /// Where.
        account: AccountKey,
        /// What the person typed.
        confirmation: SafeText,
        /// For how many minutes, at most [`super::programs::LONGEST_MINUTES`].
        minutes: u32,
        /// Of one key alone, by its name or the characters that name it; all that come in by the network without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<SafeText>,
    },
    /// Stop allowing it.
    DisarmPrograms {
        /// Where.
        account: AccountKey,
        /// What one key was allowed; everything without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<SafeText>,
    },
    /// Take the broker's position of one instrument for ours, where both differ and nobody can explain it.
    AcceptDifference {
        /// Whose.
        account: AccountKey,
        /// Of what.
        instrument: InstrumentId,
    },
    /// Do something about a line of the difference view, as it was seen.
    Resolve {
        /// Whose.
        account: AccountKey,
        /// Which line.
        subject: Subject,
        /// What is done.
        remedy: Remedy,
        /// The fingerprint of what stood on it.
        seen: u32,
    },
    /// Acknowledge that executions of some time are not known.
    AcceptGap {
        /// Whose.
        account: AccountKey,
    },
    /// Cancel the newer of two orders that the broker has under one client order id. The older stays.
    AcceptDouble {
        /// Whose.
        account: AccountKey,
    },
    /// A person has looked at what opened the circuit breaker of a broker.
    AcknowledgeBreaker {
        /// Whose.
        broker: BrokerId,
        /// Who, in words.
        by: SafeText,
    },
    /// A program takes the dead-man lease, renews it, or gives it back; see [`super::lease`].
    Lease {
        /// For how long, in seconds; nothing to give it back.
        seconds: Option<u32>,
    },
    /// Record a change of a position that is no trade. A person's to say; see [`super::changes`].
    ChangePosition {
        /// Whose.
        account: AccountKey,
        /// Of what.
        instrument: InstrumentId,
        /// Why.
        cause: ChangeCause,
        /// What it does.
        change: PositionChange,
        /// As it was said.
        note: SafeText,
    },
    /// Record from when an instrument trades without something, or forget it.
    SetExDate {
        /// Which instrument.
        instrument: InstrumentId,
        /// The date; nothing to forget it.
        ex: Option<ExDate>,
    },
    /// Read and compare now what the broker knows.
    Reconcile {
        /// Whose.
        account: AccountKey,
    },
    /// Make an alert.
    SetAlert {
        /// What is waited for.
        spec: Box<AlertSpec>,
    },
    /// Remove an alert.
    RemoveAlert {
        /// Which; all where none is named.
        id: Option<AlertId>,
    },
    /// Stop evaluating an alert, or go on.
    PauseAlert {
        /// Which.
        id: AlertId,
        /// True to stop.
        paused: bool,
    },
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Recorded. Facts up to `sequence` belong to it.
    Done {
        /// The last event of the batch.
        sequence: u64,
        /// Something worth saying, such as `kept: 2 stops`.
        note: Option<SafeText>,
    },
    /// The same command again: it had been recorded before, and nothing new was done.
    Known {
        /// The order that already has this id.
        id: ClientOrderId,
    },
    /// Refused by the controls; recorded as a denial.
    Denied(Denial),
    /// Refused to the asker; nothing was recorded.
    Refused(Denial),
}

/// Why something was refused: a stable code, words, and what would pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {text}", code = .code.as_str())]
pub struct Denial {
    /// Stable, for programs.
    pub code: DenialCode,
    /// For people: what was wrong, and the nearest value that would pass.
    pub text: SafeText,
    /// That value alone, for programs, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<SafeText>,
}
impl Denial {
    /// A denial with its words.
    pub fn new(code: DenialCode, text: impl Into<SafeText>) -> Self {
        Self {
            code,
            text: text.into(),
            nearest: None,
        }
    }
    /// The same with the nearest value that would pass.
    #[must_use]
    pub fn near(self, value: impl std::fmt::Display) -> Self {
        Self {
            nearest: Some(SafeText::new(&value.to_string())),
            ..self
        }
    }
}

/// Names the codes once: variant, text, and what it means.
macro_rules! denial_codes {
    ($($variant:ident = $text:literal, $doc:literal;)*) => {
        /// Stable codes of refusals. Never renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum DenialCode { $(#[doc = $doc] #[serde(rename = $text)] $variant,)* }
        impl DenialCode {
            /// All codes with their meaning, for the documents.
            pub const ALL: &[(Self, &str)] = &[$((Self::$variant, $doc),)*];
            /// The code as programs see it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}
denial_codes! {
    UnknownInstrument = "UNKNOWN_INSTRUMENT", "No instrument has this name.";
    UnknownAccount = "UNKNOWN_ACCOUNT", "No broker reported this account.";
    UnknownOrder = "UNKNOWN_ORDER", "No order has this id.";
    IdReused = "ID_REUSED", "Another order already has this id; no order was touched.";
    NotLive = "NOT_LIVE", "The order has ended.";
    NotTradable = "NOT_TRADABLE", "The instrument is quoted only, or has expired.";
    BadQuantity = "BAD_QUANTITY", "The quantity is not positive or not a multiple of the lot.";
    BadPrice = "BAD_PRICE", "A price is missing, not positive, or not a multiple of the tick.";
    BadOrder = "BAD_ORDER", "The parts of the order contradict each other.";
    NotSupported = "NOT_SUPPORTED", "The account's broker has no such order; the words name the nearest that it has.";
    MaxQuantity = "MAX_QUANTITY", "Larger than the largest quantity allowed in one order.";
    MaxValue = "MAX_VALUE", "Worth more than the largest value allowed in one order.";
    MaxPosition = "MAX_POSITION", "The position that could result is larger than allowed; working orders count in full.";
    MaxOrders = "MAX_ORDERS", "Too many live orders in this instrument.";
    Collar = "PRICE_COLLAR", "The price is too far from the market.";
    NoPrice = "NO_PRICE", "There is no price to check the order against.";
    Duplicate = "DUPLICATE", "An equal order was sent a moment ago.";
    Rate = "ORDER_RATE", "Too many orders in a short time.";
    Short = "SHORT", "It sells more than is held, and a short was not asked for or is not allowed.";
    NotReady = "VENUE_NOT_READY", "The link to the broker is not ready; only cancels and reducing orders pass. Place it again when it is READY, or park it.";
    Breaker = "BREAKER_OPEN", "The circuit breaker of the broker is open; only cancels and reducing orders pass.";
    Trading = "TRADING_STATE", "Trading in the account is halted, or only reducing orders pass.";
    NotArmed = "NOT_ARMED", "The session is not armed for this account.";
    NoToken = "NO_TOKEN", "Another terminal holds the trading token.";
    Lease = "LEASE_OVER", "The program's lease was not renewed in time; only cancels and reducing orders pass until it is.";
    ReadOnly = "READ_ONLY", "The session only looks.";
    NothingToClose = "NOTHING_TO_CLOSE", "The position is flat, or working orders already close all of it.";
    Confirmation = "CONFIRMATION", "What was typed does not match the account.";
    PositionUnknown = "POSITION_UNKNOWN", "What the broker holds is not known yet.";
    Unexplained = "UNEXPLAINED", "The broker's position differs from ours, or more was executed than ordered, and nobody has explained it.";
    Storage = "STORAGE", "The journal can't be written; only cancels pass.";
    NotOurs = "NOT_OURS", "The order was made by another session of the broker: only that one may touch it.";
    NothingToAccept = "NOTHING_TO_ACCEPT", "There is no confirmed difference, no gap and no doubled order to accept.";
    BadAlert = "BAD_ALERT", "The alert can't be as it is asked for; the words say why.";
    UnknownAlert = "UNKNOWN_ALERT", "No alert has this number.";
    StalePreview = "STALE_PREVIEW", "The market moved or time passed since the order was previewed, another order was, or none was and the asker is a terminal; look again.";
    Expiring = "EXPIRING", "The future's last trading days are here; it can be closed, not opened.";
    WorthUnknown = "WORTH_UNKNOWN", "What the account is worth is not known, and a limit is a share of it; only cancels and reducing orders pass.";
    DailyLoss = "DAILY_LOSS", "The loss of the session reached its limit; only cancels and reducing orders pass.";
    HeldBack = "HELD_BACK", "Entries filled again and again, or exits lost in a row; nothing is opened for a while.";
    MaxGross = "MAX_GROSS", "Gross exposure could become larger than the account allows; working orders count in full.";
    MaxName = "MAX_NAME", "One position could become a larger share of the account than allowed.";
    Concentration = "CONCENTRATION", "One issuer's shares and the options on them could become a larger share of the account than allowed.";
    Sector = "SECTOR", "One sector could become a larger share of the account than allowed.";
    BuyingPower = "BUYING_POWER", "Less excess liquidity would be left than has to stay.";
    WhatIf = "WHAT_IF_UNKNOWN", "What the order would bind is asked of the broker first, and it gave no answer in time; send it again, or a smaller one.";
    Drawdown = "DRAWDOWN", "The account fell further from its highest worth than it may; only cancels and reducing orders pass.";
    Slippage = "SLIPPAGE", "The session's executions cost more than they may against the market they were sent at; only cancels and reducing orders pass.";
    MaxContracts = "MAX_CONTRACTS", "More contracts of futures could be held, in all or of one, than may; working orders count in full.";
    Restricted = "RESTRICTED", "The instrument is on the restricted list; it can be closed, not opened.";
    OutsideHours = "OUTSIDE_HOURS", "The market is not in its hours, or they are not known, and the order would trade at once.";
    InstrumentHalted = "INSTRUMENT_HALTED", "Trading in the instrument is halted, and the order has no price to wait with.";
    ShortRestricted = "SHORT_RESTRICTED", "Short sales of it have to be above the best bid now (Rule 201 of Regulation SHO).";
    Spread = "SPREAD", "The market is too wide to be crossed by an entry without a price.";
    CloseBand = "CLOSE_BAND", "The price lies too far beyond the previous close.";
    SelfCross = "SELF_CROSS", "It would trade with an order of the same account.";
    BadLimit = "BAD_LIMIT", "The limit can't be set to that; the words say what it can be.";
    Busy = "BUSY", "A change of this order, or a flatten of the instrument, is already under way.";
}
