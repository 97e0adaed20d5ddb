//! Facts: what happened. The engine decides them, the journal stores them, and everyone who shows or uses the state folds
//! them with the same function. A stored fact is a public format: kinds are numbered here once and never renumbered, and
//! a kind's meaning never changes.

use super::alerts::{AlertId, AlertSpec, Channel, Seen};
use super::breaker::{BreakerCause, BreakerState};
use super::changes::{ChangeCause, ExDate, PositionChange};
use super::command::{Denial, Origin, SessionKind};
use super::difference::Ignored;
use super::halt::HaltFile;
use super::parking::ParkTerms;
use super::pause::Pause;
use super::risk::usage::Amount;
use super::risk::{HoldCause, LossStage, Sender};
use super::scale_out::Way;
use super::state::FlattenStep;
use crate::domain::{
    Account, AccountId, AccountKey, Breach, BrokerId, BrokerOrderId, ClientOrderId, Currency, Execution,
    ExecutionBase, Fee, Instrument, InstrumentId, LimitName, LimitValue, Limits, LinkState, Money, Mover,
    Order, OrderChange, OrderKind, OrderSpec, Phase, Price, Quantity, RulePack, SafeText, Scope, SessionId,
    StopMoves, Timestamp, TradingState,
};
use crate::market::Quote;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who made something happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A session: a terminal or a shell.
    Session(SessionId),
    /// A broker said so.
    Broker(BrokerId),
    /// The clock.
    Timer,
    /// The engine itself, because of the fact named as cause.
    Engine,
}

/// A numbered, timed fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Ascending by one from 1, without a gap.
    pub sequence: u64,
    /// When, by the engine's steady clock.
    pub at: Timestamp,
    /// The sequence of the first event of its batch: all facts of one input, stored in one transaction.
    pub batch: u64,
    /// Who made it happen.
    pub actor: Actor,
    /// The event it follows from, where the engine itself made it.
    pub cause: Option<u64>,
    /// What happened.
    pub fact: Fact,
}

/// Declares the facts with their registry numbers.
macro_rules! facts {
    ($($(#[doc = $doc:literal])+ $number:literal $name:ident $word:literal { $($(#[doc = $fdoc:literal])+ $(#[serde($($how:tt)*)])? $field:ident : $type:ty),* $(,)? })*) => {
        /// What happened. Fields are part of the stored format.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Fact {
            $($(#[doc = $doc])+ $name { $($(#[doc = $fdoc])+ $(#[serde($($how)*)])? $field: $type),* },)*
        }
        impl Fact {
            /// The number and the name of every kind, as stored. Numbers are never given twice.
            pub const KINDS: &[(u16, &str)] = &[$(($number, $word),)*];
            /// The number under which this kind is stored.
            pub fn kind(&self) -> u16 {
                match self { $(Self::$name { .. } => $number,)* }
            }
            /// The name of this kind.
            pub fn word(&self) -> &'static str {
                match self { $(Self::$name { .. } => $word,)* }
            }
        }
    };
}

facts! {
    /// An engine process began; sessions, token and arming of the one before are gone.
    1 EngineStarted "engine_started" {
        /// The program's version and build.
        build: SafeText,
    }
    /// The limits in force.
    2 LimitsSet "limits_set" {
        /// All of them.
        limits: Limits,
    }
    /// A session began.
    3 SessionOpened "session_opened" {
        /// Which.
        session: SessionId,
        /// Of what kind.
        kind: SessionKind,
    }
    /// A session ended.
    4 SessionClosed "session_closed" {
        /// Which.
        session: SessionId,
    }
    /// The trading token moved. It moves disarmed.
    5 TokenMoved "token_moved" {
        /// To whom; nobody when its holder left.
        to: Option<SessionId>,
    }
    /// A session may add risk in an account.
    6 Armed "armed" {
        /// Which session.
        session: SessionId,
        /// Where.
        account: AccountKey,
    }
    /// A session may no longer add risk in an account.
    7 Disarmed "disarmed" {
        /// Which session.
        session: SessionId,
        /// Where.
        account: AccountKey,
        /// Why.
        reason: SafeText,
    }
    /// Trading in an account allows more or less risk than before.
    8 TradingChanged "trading_changed" {
        /// Where.
        account: AccountKey,
        /// What is allowed now.
        state: TradingState,
        /// Why.
        reason: SafeText,
    }
    /// A person acknowledged that executions of a stretch of time are not known.
    9 GapAccepted "gap_accepted" {
        /// Whose.
        account: AccountKey,
    }
    /// An instrument is known, or its details changed.
    10 InstrumentListed "instrument_listed" {
        /// All its details.
        instrument: Instrument,
    }
    /// A broker reported an account.
    11 AccountReported "account_reported" {
        /// What is known of it.
        account: Account,
    }
    /// Cash changed.
    12 BalanceReported "balance_reported" {
        /// Whose.
        account: AccountKey,
        /// By currency.
        cash: BTreeMap<Currency, Money>,
    }
    /// The link to a broker changed.
    13 LinkChanged "link_changed" {
        /// Which broker.
        broker: BrokerId,
        /// To what.
        state: LinkState,
        /// Why, where there is something to say.
        reason: Option<SafeText>,
    }
    /// What the broker knows of an account is being read.
    14 ReconcileStarted "reconcile_started" {
        /// Whose.
        account: AccountKey,
        /// Which pass.
        pass: u64,
    }
    /// A pass ended: everything was read and compared, or it failed and nothing may be concluded.
    15 ReconcileEnded "reconcile_ended" {
        /// Whose.
        account: AccountKey,
        /// Which pass.
        pass: u64,
        /// Why it failed, where it did.
        failure: Option<SafeText>,
        /// Instruments whose position differs: ours, and the broker's.
        mismatches: Vec<(InstrumentId, Quantity, Quantity)>,
        /// At which average price the broker has them, where it says so.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        averages: Vec<(InstrumentId, Price)>,
    }
    /// The first complete read of an account: positions as they were found, and executions that are part of them.
    16 OpeningRead "opening_read" {
        /// Whose.
        account: AccountKey,
        /// What was held before anything that this journal knows, with the average price where known.
        positions: Vec<(InstrumentId, Quantity, Option<Price>)>,
        /// Executions contained in those positions; they are never booked again.
        executions: Vec<ExecutionBase>,
    }
    /// The broker takes only order numbers above this one: the high-water mark of all that were ever used.
    17 NumbersRaised "numbers_raised" {
        /// Which broker.
        broker: BrokerId,
        /// The highest number that is used up.
        to: i32,
    }
    /// A part of a connected broker is away, or all of it is back.
    18 LinkImpaired "link_impaired" {
        /// Which broker.
        broker: BrokerId,
        /// What is away; nothing once all of it is back.
        reason: Option<SafeText>,
    }
    /// The broker gives no executions of a stretch of time in which nobody listened: fills in it may be unknown.
    19 GapFound "gap_found" {
        /// Whose.
        account: AccountKey,
        /// The last complete read before it.
        from: Timestamp,
        /// From when on executions are known again.
        until: Timestamp,
    }
    /// An intent is durable. Without a parent it is released at once; a child waits for its parent's fills.
    20 Submitted "submitted" {
        /// The asker's id.
        id: ClientOrderId,
        /// What was asked for.
        spec: OrderSpec,
        /// The group in which one fill shrinks the others.
        oco: Option<ClientOrderId>,
        /// The quote the controls used.
        quote: Option<Quote>,
    }
    /// The controls refused an order; it never left.
    21 Denied "denied" {
        /// The asker's id.
        id: ClientOrderId,
        /// What was asked for.
        spec: OrderSpec,
        /// Why.
        denial: Denial,
    }
    /// A waiting child is released, with this much of its quantity.
    22 ChildReleased "child_released" {
        /// Which.
        id: ClientOrderId,
        /// Its total quantity now.
        quantity: Quantity,
    }
    /// A request never left: halted, not ready, or superseded in the meantime, or the adapter proved it.
    23 NotSent "not_sent" {
        /// Which order.
        id: ClientOrderId,
        /// Why.
        reason: SafeText,
    }
    /// The broker has the order. Binds its durable id.
    24 Accepted "accepted" {
        /// Which.
        id: ClientOrderId,
        /// The broker's durable name.
        broker_id: BrokerOrderId,
        /// Working or held.
        phase: Phase,
    }
    /// No answer in time, or the link went: the order may be there or not.
    25 Doubted "doubted" {
        /// Which.
        id: ClientOrderId,
        /// Why.
        reason: SafeText,
    }
    /// A held order reached the book.
    26 Triggered "triggered" {
        /// Which.
        id: ClientOrderId,
    }
    /// A change was asked of the broker.
    27 ModifyRequested "modify_requested" {
        /// Which.
        id: ClientOrderId,
        /// What.
        change: OrderChange,
    }
    /// A change took effect.
    28 Modified "modified" {
        /// Which.
        id: ClientOrderId,
        /// Total quantity now.
        quantity: Quantity,
        /// Kind and prices now.
        kind: OrderKind,
    }
    /// A change did not take effect.
    29 ModifyRefused "modify_refused" {
        /// Which.
        id: ClientOrderId,
        /// Why.
        reason: SafeText,
    }
    /// A cancel was asked of the broker.
    30 CancelRequested "cancel_requested" {
        /// Which.
        id: ClientOrderId,
    }
    /// A cancel did not take effect.
    31 CancelRefused "cancel_refused" {
        /// Which.
        id: ClientOrderId,
        /// Why.
        reason: SafeText,
    }
    /// The order ended by a cancel. What was filled stays filled.
    32 Cancelled "cancelled" {
        /// Which.
        id: ClientOrderId,
        /// Why.
        reason: SafeText,
    }
    /// The order ended by time.
    33 Expired "expired" {
        /// Which.
        id: ClientOrderId,
    }
    /// The broker refused the order.
    34 Rejected "rejected" {
        /// Which.
        id: ClientOrderId,
        /// Why.
        reason: SafeText,
    }
    /// A complete read of the broker's orders did not contain this one.
    35 Missed "missed" {
        /// Which.
        id: ClientOrderId,
    }
    /// It was uncertain, and two complete reads did not contain it: it never arrived.
    36 Absent "absent" {
        /// Which.
        id: ClientOrderId,
    }
    /// It was acknowledged once, and two complete reads did not contain it.
    37 Lost "lost" {
        /// Which.
        id: ClientOrderId,
    }
    /// An order made elsewhere is adopted.
    38 Adopted "adopted" {
        /// As the broker knows it.
        order: Box<Order>,
    }
    /// A second durable id under one client id: two orders at the broker.
    39 DoubleFound "double_found" {
        /// Which client id.
        id: ClientOrderId,
        /// The second durable name.
        broker_id: BrokerOrderId,
    }
    /// A trade of ours, seen for the first time. Moves the position.
    40 Executed "executed" {
        /// The report.
        execution: Execution,
    }
    /// A later revision of an execution replaces it; a quantity of zero removes it.
    41 Corrected "corrected" {
        /// The new report.
        execution: Execution,
    }
    /// The fee of an execution became known.
    42 FeeReported "fee_reported" {
        /// Whose.
        account: AccountKey,
        /// Of which execution.
        execution: ExecutionBase,
        /// How much.
        fee: Fee,
    }
    /// More was executed than was ordered.
    43 Overfilled "overfilled" {
        /// Which order.
        id: ClientOrderId,
        /// By how much.
        excess: Quantity,
    }
    /// A position was changed by something that is no execution.
    44 PositionAdjusted "position_adjusted" {
        /// Whose.
        account: AccountKey,
        /// Of what.
        instrument: InstrumentId,
        /// By how much: positive adds.
        change: Quantity,
        /// The price it is valued at, where one is known.
        price: Option<Price>,
        /// Why, in words.
        cause: SafeText,
    }
    /// A planned pause of a broker began, or is over.
    45 PauseChanged "pause_changed" {
        /// Which broker.
        broker: BrokerId,
        /// Which pause; nothing once it is over.
        pause: Option<Pause>,
    }
    /// The broker told under which number an order can be cancelled, and whether by us.
    46 OrderNumbered "order_numbered" {
        /// Which.
        id: ClientOrderId,
        /// The number.
        number: i32,
        /// True where only another session of the broker may touch it.
        foreign: bool,
    }
    /// A flatten began: orders are being cancelled, then `exit` closes the position.
    50 FlattenStarted "flatten_started" {
        /// Whose.
        account: AccountKey,
        /// Of what.
        instrument: InstrumentId,
        /// The id of the closing order.
        exit: ClientOrderId,
    }
    /// A flatten ended: flat and nothing working, or not, and why.
    51 FlattenEnded "flatten_ended" {
        /// Whose.
        account: AccountKey,
        /// Of what.
        instrument: InstrumentId,
        /// Why it is not flat, where it isn't.
        failure: Option<SafeText>,
    }
    /// A flatten came to its next step.
    52 FlattenStepped "flatten_stepped" {
        /// Whose.
        account: AccountKey,
        /// Of what.
        instrument: InstrumentId,
        /// Which step.
        step: FlattenStep,
        /// The closing order, where this step sends one.
        exit: Option<ClientOrderId>,
    }
    /// A flatten ended flat: the broker was asked again after the last order had ended, and holds and works nothing.
    53 FlatConfirmed "flat_confirmed" {
        /// Whose.
        account: AccountKey,
        /// Of what.
        instrument: InstrumentId,
        /// Executions since the flatten began.
        fills: u32,
        /// What was realised meanwhile, fees known so far taken off.
        realized: Money,
        /// In which currency.
        currency: Currency,
    }
    /// A flatten of a whole account began: each of its instruments, with one result.
    54 AccountFlattenStarted "account_flatten_started" {
        /// Whose.
        account: AccountKey,
        /// Of what.
        instruments: Vec<InstrumentId>,
    }
    /// The last instrument of an account's flatten ended.
    55 AccountFlattenEnded "account_flatten_ended" {
        /// Whose.
        account: AccountKey,
        /// How many instruments are flat.
        flat: u32,
        /// Those that are not.
        failed: Vec<InstrumentId>,
        /// Executions of those that are flat.
        fills: u32,
        /// What these realised, fees known so far taken off.
        realized: BTreeMap<Currency, Money>,
    }
    /// Something unexpected that a person should see.
    60 Surprised "surprised" {
        /// In words, with what can be done.
        text: SafeText,
    }
    /// A broker said something that a person should see.
    62 BrokerTold "broker_told" {
        /// Which.
        broker: BrokerId,
        /// In words.
        text: SafeText,
    }
    /// What ended long ago left the state; it stays in the journal.
    61 Trimmed "trimmed" {
        /// Orders that ended before this moment.
        orders_before: Timestamp,
        /// Executions before this moment become part of the opening positions.
        executions_before: Timestamp,
    }
    /// An alert was made.
    70 AlertSet "alert_set" {
        /// Its number.
        id: AlertId,
        /// What was asked for.
        spec: Box<AlertSpec>,
    }
    /// An alert was removed.
    71 AlertRemoved "alert_removed" {
        /// Which.
        id: AlertId,
    }
    /// An alert is no longer evaluated, or is again.
    72 AlertPaused "alert_paused" {
        /// Which.
        id: AlertId,
        /// True where it rests.
        paused: bool,
    }
    /// An alert's condition came true.
    73 AlertFired "alert_fired" {
        /// Which.
        id: AlertId,
        /// In words.
        text: SafeText,
        /// What its tests looked at.
        seen: Vec<Seen>,
        /// The quote of the first instrument that it names, as it was then.
        quote: Option<Quote>,
    }
    /// An alert that repeats may fire again: its condition was false since.
    74 AlertRearmed "alert_rearmed" {
        /// Which.
        id: AlertId,
    }
    /// An alert's time is over.
    75 AlertExpired "alert_expired" {
        /// Which.
        id: AlertId,
    }
    /// A try to tell people of a firing ended.
    76 AlertDelivered "alert_delivered" {
        /// The event that it tells of.
        firing: u64,
        /// Which way.
        channel: Channel,
        /// The how many-th try it was, from 1.
        attempt: u32,
        /// Why it failed, where it did.
        failure: Option<SafeText>,
        /// Nothing more is tried.
        is_final: bool,
    }
    /// A program came in by the network: commands of this session are its.
    85 ProgramOpened "program_opened" {
        /// Which session.
        session: SessionId,
        /// The name of its key or user.
        name: SafeText,
        /// The characters that name its key, where it came by one.
        key: Option<SafeText>,
        /// From where.
        address: SafeText,
    }
    /// Programs may add risk in an account until a moment.
    86 ProgramsArmed "programs_armed" {
        /// Where.
        account: AccountKey,
        /// Until when.
        until: Timestamp,
    }
    /// Programs may no longer add risk in an account.
    87 ProgramsDisarmed "programs_disarmed" {
        /// Where.
        account: AccountKey,
        /// Why.
        reason: SafeText,
    }
    /// One key may add risk in an account until a moment.
    140 KeyArmed "key_armed" {
        /// Where.
        account: AccountKey,
        /// The key, by its name or the characters that name it.
        key: SafeText,
        /// Until when.
        until: Timestamp,
    }
    /// What one key was allowed is over.
    141 KeyDisarmed "key_disarmed" {
        /// Where.
        account: AccountKey,
        /// The key, as it was armed.
        key: SafeText,
        /// Why.
        reason: SafeText,
    }
    /// A broker is away for longer than the settings bear. Told without anybody having asked, once an outage.
    77 BrokerAway "broker_away" {
        /// Which.
        broker: BrokerId,
        /// Since when.
        since: Timestamp,
    }
    /// A session of an account began: what its loss is counted from. What the session before it led to is over.
    88 RiskDayBegan "risk_day_began" {
        /// Whose.
        account: AccountKey,
        /// When, by the venue's clock.
        from: Timestamp,
        /// When the next one begins.
        until: Timestamp,
        /// What the account was worth, at its least, in its base currency.
        opening: Money,
        /// The prices at which what was held then counts.
        marks: BTreeMap<InstrumentId, Price>,
    }
    /// The loss of a session reached a stage. It stays until the next session begins, or a person ends what may be ended.
    89 LossStaged "loss_staged" {
        /// Whose.
        account: AccountKey,
        /// Which stage.
        stage: LossStage,
        /// What was lost, in the base currency.
        loss: Money,
        /// From which loss on the stage is reached.
        threshold: Money,
        /// The base currency.
        currency: Currency,
        /// What happens.
        does: Breach,
        /// When the next session begins, by the venue's clock.
        until: Timestamp,
    }
    /// Nothing that adds risk leaves an account, for a time or until a person resumes.
    90 RiskHeld "risk_held" {
        /// Whose.
        account: AccountKey,
        /// Why.
        cause: HoldCause,
        /// Until when, by our clock.
        until: Option<Timestamp>,
        /// In words.
        text: SafeText,
    }
    /// That is over.
    91 RiskReleased "risk_released" {
        /// Whose.
        account: AccountKey,
        /// Of what cause.
        cause: HoldCause,
        /// Why.
        reason: SafeText,
    }
    /// A limit was changed while the engine runs.
    92 LimitChanged "limit_changed" {
        /// Of which account; of all without.
        account: Option<AccountKey>,
        /// Which.
        name: LimitName,
        /// To what.
        value: LimitValue,
        /// What it was.
        before: LimitValue,
        /// Until when it holds.
        until: Option<Timestamp>,
        /// Who changed it.
        by: SafeText,
    }
    /// A limit is config.toml's again.
    93 LimitReverted "limit_reverted" {
        /// Of which account; of all without.
        account: Option<AccountKey>,
        /// Which.
        name: LimitName,
        /// What that is.
        value: LimitValue,
        /// Why.
        reason: SafeText,
    }
    /// A broker told what an account has beyond what its margin takes.
    94 FundsReported "funds_reported" {
        /// Whose.
        account: AccountKey,
        /// In what currency.
        currency: Currency,
        /// Excess liquidity.
        excess: Money,
        /// Whether the broker lends to the account; nothing where it does not tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lends: Option<bool>,
    }
    /// A limit is breached with no order of ours, and that has lasted.
    114 LimitBreached "limit_breached" {
        /// Whose.
        account: AccountKey,
        /// Which limit.
        name: LimitName,
        /// Of which instrument, or which issuer's; nothing where it is the account's as a whole.
        of: Option<InstrumentId>,
        /// What it is made of.
        used: Amount,
        /// What that may be.
        most: Amount,
        /// In what, where it is money.
        currency: Currency,
        /// What happens.
        does: Breach,
    }
    /// What was breached is well within its limit again.
    115 BreachEnded "breach_ended" {
        /// Whose.
        account: AccountKey,
        /// Which limit.
        name: LimitName,
        /// Of which instrument, or which issuer's.
        of: Option<InstrumentId>,
        /// How it is now.
        reason: SafeText,
    }
    /// The tighter limits of accounts, instruments, users and keys that are in force.
    116 ScopesSet "scopes_set" {
        /// All of them.
        scopes: BTreeMap<Scope, BTreeMap<LimitName, LimitValue>>,
    }
    /// Who a terminal from elsewhere is: what it sends is sent by them.
    117 SenderNamed "sender_named" {
        /// Its session.
        session: SessionId,
        /// The name of its key or user.
        name: SafeText,
        /// The characters that name its key, where it came by one.
        key: Option<SafeText>,
        /// From where.
        address: SafeText,
    }
    /// A tighter limit was changed while the engine runs.
    118 ScopedLimitChanged "scoped_limit_changed" {
        /// Of what.
        scope: Scope,
        /// Which.
        name: LimitName,
        /// To what.
        value: LimitValue,
        /// What it was, where there was one.
        before: Option<LimitValue>,
        /// Until when it holds.
        until: Option<Timestamp>,
        /// Who changed it.
        by: SafeText,
    }
    /// A tighter limit is config.toml's again, or none.
    119 ScopedLimitReverted "scoped_limit_reverted" {
        /// Of what.
        scope: Scope,
        /// Which.
        name: LimitName,
        /// What that is.
        value: Option<LimitValue>,
        /// Why.
        reason: SafeText,
    }
    /// A sender went over the order rate again and again: it adds no risk until somebody resumes.
    124 SenderStopped "sender_stopped" {
        /// Who.
        sender: Sender,
    }
    /// A sender that was stopped may add risk again.
    125 SenderResumed "sender_resumed" {
        /// Who.
        sender: Sender,
    }
    /// The rule packs in force, by account.
    126 RulesSet "rules_set" {
        /// All of them.
        packs: BTreeMap<AccountId, RulePack>,
    }
    /// An account is worth more than ever, and its rule pack counts that within the day.
    127 PeakRaised "peak_raised" {
        /// Whose.
        account: AccountKey,
        /// What it is worth, in its base currency.
        high: Money,
    }
    /// A person or a program took a part of what its entry opened out of a bracket's hands, or gave it back: stop and target
    /// close that much less.
    136 BracketResized "bracket_resized" {
        /// The group of both, which has the name of its entry.
        group: ClientOrderId,
        /// How much of the entry they leave alone.
        set_aside: Quantity,
    }
    /// How a protective stop moves by itself was said with its order.
    80 StopPlanned "stop_planned" {
        /// Which stop.
        id: ClientOrderId,
        /// When, and how far.
        moves: StopMoves,
    }
    /// A protective stop is moved by itself; the change that is asked for follows.
    81 StopAdvanced "stop_advanced" {
        /// Which stop.
        id: ClientOrderId,
        /// Where to.
        to: Price,
        /// Why.
        by: Mover,
    }
    /// A halt cancels these orders, in this order; it waits until the broker has confirmed the end of each.
    98 HaltBegan "halt_began" {
        /// Where.
        account: AccountKey,
        /// Which.
        orders: Vec<ClientOrderId>,
        /// Protective stops go too.
        stops_too: bool,
    }
    /// The last order of a halt has ended.
    99 HaltConfirmed "halt_confirmed" {
        /// Where.
        account: AccountKey,
        /// How many ended unfilled, or filled in part.
        cancelled: u32,
        /// How many were filled first.
        filled: u32,
    }
    /// Cancels of a halt are not confirmed in time; they are asked for on.
    100 CancelsUnconfirmed "cancels_unconfirmed" {
        /// Where.
        account: AccountKey,
        /// Which orders may still work.
        orders: Vec<ClientOrderId>,
    }
    /// Somebody has seen a line of the difference view and leaves it, for a time, or as known from now on.
    102 DifferenceIgnored "difference_ignored" {
        /// Which, who, and until when.
        ignored: Ignored,
    }
    /// A position, or a part of it, has no stop at the broker, and that has lasted for a moment.
    103 NakedFound "naked_found" {
        /// Whose.
        account: AccountKey,
        /// Of what.
        instrument: InstrumentId,
        /// How much, without a sign.
        quantity: Quantity,
        /// A stop was there and is no more.
        lost: bool,
    }
    /// The broker is away, and a person parked an order: it leaves under its conditions alone, or ends with the reason.
    104 OrderParked "order_parked" {
        /// The asker's id.
        id: ClientOrderId,
        /// What was asked for.
        spec: OrderSpec,
        /// What has to hold when it leaves.
        terms: ParkTerms,
        /// Who asked.
        by: Origin,
    }
    /// The broker is back, and a parked order waits for a person's second word.
    105 ParkAsked "park_asked" {
        /// Which.
        id: ClientOrderId,
    }
    /// A person said it.
    106 ParkConfirmed "park_confirmed" {
        /// Which.
        id: ClientOrderId,
        /// Who said it.
        by: Origin,
    }
    /// A parked order leaves.
    107 ParkReleased "park_released" {
        /// Which.
        id: ClientOrderId,
        /// Its quantity now: what only closes is no larger than what is held.
        quantity: Quantity,
    }
    /// An order was recorded that leaves once another one has filled.
    128 OrderChained "order_chained" {
        /// The asker's id.
        id: ClientOrderId,
        /// What was asked for.
        spec: OrderSpec,
        /// The order that has to fill first.
        after: ClientOrderId,
    }
    /// The order that it waited for has filled: it leaves.
    129 ChainReleased "chain_released" {
        /// Which.
        id: ClientOrderId,
        /// The market in that moment, where there was one.
        quote: Option<Quote>,
    }
    /// A part of a position is to be closed beside its own stops: they become smaller first, then `exit` leaves.
    142 ScaleOutStarted "scale_out_started" {
        /// The id of the closing order.
        exit: ClientOrderId,
        /// The closing order.
        spec: OrderSpec,
        /// What gives way to it.
        ways: Vec<Way>,
    }
    /// Closing a part ended.
    143 ScaleOutEnded "scale_out_ended" {
        /// Whose.
        account: AccountKey,
        /// Of what.
        instrument: InstrumentId,
        /// Why not all of the part was closed, where it was not.
        failure: Option<SafeText>,
    }
    /// The circuit breaker of a broker opened, is tried, or closed; or what had opened it is over.
    108 BreakerMoved "breaker_moved" {
        /// Whose.
        broker: BrokerId,
        /// What it lets through now.
        to: BreakerState,
        /// Why it had opened.
        cause: BreakerCause,
        /// In words.
        text: SafeText,
        /// What opened it is still there.
        lasts: bool,
    }
    /// A person has looked at what opened a breaker.
    109 BreakerAcknowledged "breaker_acknowledged" {
        /// Whose.
        broker: BrokerId,
        /// Who, in words.
        by: SafeText,
    }
    /// A program took a lease, or renewed it: it is alive.
    110 LeaseRenewed "lease_renewed" {
        /// Whose: `key` and its id, or `user` and their name.
        holder: SafeText,
        /// For how long.
        seconds: u32,
    }
    /// A lease ended.
    111 LeaseEnded "lease_ended" {
        /// Whose.
        holder: SafeText,
        /// It was not renewed in time; otherwise its holder gave it back.
        ran_out: bool,
    }
    /// A position changed by something that is no trade: a split, a dividend in shares, an expiry, an assignment, a transfer.
    112 PositionChanged "position_changed" {
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
    }
    /// A date from which an instrument trades without something was recorded, or taken back.
    113 ExDateSet "ex_date_set" {
        /// Which instrument.
        instrument: InstrumentId,
        /// From when, and without what; nothing to forget it.
        ex: Option<ExDate>,
    }
    /// The file that keeps the engine halted appeared, says something else, or is gone.
    101 HaltFileChanged "halt_file_changed" {
        /// As it is now; nothing where it is gone.
        file: Option<HaltFile>,
    }
    /// The settings say other sectors of instruments than before.
    120 SectorsSet "sectors_set" {
        /// All that they say, in place of what they said.
        sectors: BTreeMap<InstrumentId, SafeText>,
    }
}

impl Fact {
    /// The execution it books, where it books one.
    pub fn execution(&self) -> Option<&Execution> {
        match self {
            Self::Executed { execution } | Self::Corrected { execution } => Some(execution),
            _ => None,
        }
    }
    /// True where it moves positions other than by an execution.
    pub fn moves_positions(&self) -> bool {
        matches!(
            self,
            Self::PositionAdjusted { .. }
                | Self::PositionChanged { .. }
                | Self::FeeReported { .. }
                | Self::OpeningRead { .. }
        )
    }
    /// The order it concerns, where it concerns one.
    pub fn order(&self) -> Option<ClientOrderId> {
        match self {
            Self::Submitted { id, .. }
            | Self::Denied { id, .. }
            | Self::ChildReleased { id, .. }
            | Self::NotSent { id, .. } => Some(*id),
            Self::Accepted { id, .. }
            | Self::Doubted { id, .. }
            | Self::Triggered { id }
            | Self::OrderNumbered { id, .. }
            | Self::DoubleFound { id, .. } => Some(*id),
            Self::ModifyRequested { id, .. } | Self::Modified { id, .. } | Self::ModifyRefused { id, .. } => {
                Some(*id)
            }
            Self::StopPlanned { id, .. }
            | Self::StopAdvanced { id, .. }
            | Self::CancelRequested { id }
            | Self::CancelRefused { id, .. }
            | Self::Cancelled { id, .. }
            | Self::Expired { id } => Some(*id),
            Self::Rejected { id, .. }
            | Self::Missed { id }
            | Self::Absent { id }
            | Self::Lost { id }
            | Self::Overfilled { id, .. } => Some(*id),
            Self::OrderParked { id, .. }
            | Self::ParkAsked { id }
            | Self::ParkConfirmed { id, .. }
            | Self::ParkReleased { id, .. } => Some(*id),
            Self::OrderChained { id, .. } | Self::ChainReleased { id, .. } => Some(*id),
            Self::Adopted { order } => Some(order.id),
            Self::Executed { execution } | Self::Corrected { execution } => execution.order,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Fact;

    #[test]
    fn no_kind_is_numbered_or_named_twice() {
        for (i, (number, word)) in Fact::KINDS.iter().enumerate() {
            assert!(
                Fact::KINDS[i + 1..].iter().all(|(n, w)| n != number && w != word),
                "{number} {word}"
            );
        }
    }
}
