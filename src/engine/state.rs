//! The one state: every order, execution and position, and what decides whether an order may leave. Changed by
//! `fold.rs` alone. Read by everybody; numbers that follow from it (exposure, profit) are methods, not fields.

use super::alerts::Alerts;
use super::breaker::Breaker;
use super::chain::Chain;
use super::changes::{ExDate, Placed};
use super::command::SessionKind;
use super::difference::Ignored;
use super::halt::{Halt, HaltFile};
use super::lease::Leases;
use super::naked::Naked;
use super::parking::Parking;
use super::pause::Pause;
use super::risk::breach::{BreachKey, Breached};
use super::risk::drawdown::Peak;
use super::risk::scope::Senders;
use super::risk::{Hold, HoldCause, LimitChange, RiskDay, Sender};
use super::scale_out::ScaleOut;
use super::stops::StopPlan;
use super::working::Working;
use crate::domain::{
    Account, AccountId, AccountKey, BrokerId, BrokerOrderId, ClientOrderId, Currency, Execution,
    ExecutionBase, Instrument, InstrumentId, LimitName, LimitValue, Limits, LinkState, Money, Multiplier,
    Order, Phase, Position, Price, Quantity, RulePack, SafeText, Scope, SessionId, Side, Timestamp,
    TradingState,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Raised with every change of what the fold makes of a fact. Terminal and engine must agree on it to share a state.
pub const FOLD_VERSION: u32 = 10;

/// How many notices the state keeps for screens; all of them are in the journal.
pub const NOTICES_KEPT: usize = 200;

/// Everything that is known, after `sequence` events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct State {
    /// The last event folded.
    pub sequence: u64,
    /// When it happened.
    pub at: Timestamp,
    /// All instruments.
    pub instruments: BTreeMap<InstrumentId, Instrument>,
    /// All accounts.
    pub accounts: BTreeMap<AccountKey, AccountState>,
    /// The link to each broker.
    pub links: BTreeMap<BrokerId, Link>,
    /// Circuit breakers of brokers that have opened once.
    #[serde(default)]
    pub breakers: BTreeMap<BrokerId, Breaker>,
    /// Planned pauses that are on.
    #[serde(default)]
    pub pauses: BTreeMap<BrokerId, Pause>,
    /// Second orders under one client order id: each by its own name, and the first.
    #[serde(default)]
    pub doubles: BTreeMap<ClientOrderId, ClientOrderId>,
    /// The highest order number given out or reported by each broker: the next order gets the one above it.
    pub numbers: BTreeMap<BrokerId, i32>,
    /// Live orders and those that ended within a day.
    pub orders: BTreeMap<ClientOrderId, Order>,
    /// The live ones of them, by account and instrument.
    pub live: BTreeSet<(AccountKey, InstrumentId, ClientOrderId)>,
    /// What the controls count of those: follows from them, and is made anew wherever a state is read.
    #[serde(skip)]
    pub(super) working: Working,
    /// Which order a broker's durable id belongs to.
    pub bound: BTreeMap<(BrokerId, BrokerOrderId), ClientOrderId>,
    /// Protective stops that move by themselves.
    #[serde(default)]
    pub stop_plans: BTreeMap<ClientOrderId, StopPlan>,
    /// What one fill takes from the others.
    pub groups: BTreeMap<ClientOrderId, Group>,
    /// Positions with the executions that made them.
    pub ledgers: BTreeMap<(AccountKey, InstrumentId), Ledger>,
    /// Executions already booked, for a week, and the sequence of the event that booked them.
    pub executions: BTreeMap<(AccountKey, ExecutionBase), Booked>,
    /// Sessions now attached.
    pub sessions: BTreeMap<SessionId, SessionKind>,
    /// The terminal that may trade.
    pub token: Option<SessionId>,
    /// Who may add risk where.
    pub armed: BTreeSet<(SessionId, AccountKey)>,
    /// Where programs may add risk, and until when.
    #[serde(default)]
    pub programs_armed: BTreeMap<AccountKey, Timestamp>,
    /// Where one key may, by its name or the characters that name it, and until when.
    #[serde(default)]
    pub keys_armed: BTreeMap<(AccountKey, SafeText), Timestamp>,
    /// The limits in force.
    pub limits: Limits,
    /// What the settings say of the sector of instruments: it goes before the broker's word.
    #[serde(default)]
    pub sectors: BTreeMap<InstrumentId, SafeText>,
    /// Limits that were changed while the engine runs: of one account, or of all.
    #[serde(default)]
    pub limit_changes: BTreeMap<(Option<AccountKey>, LimitName), LimitChange>,
    /// Tighter limits, by what they are of.
    #[serde(default)]
    pub scoped: BTreeMap<Scope, BTreeMap<LimitName, LimitValue>>,
    /// Those that were changed while the engine runs.
    #[serde(default)]
    pub scoped_changes: BTreeMap<(Scope, LimitName), LimitChange>,
    /// Rule packs of firms, by account.
    #[serde(default)]
    pub packs: BTreeMap<AccountId, RulePack>,
    /// The highest that accounts were worth.
    #[serde(default)]
    pub peaks: BTreeMap<AccountKey, Peak>,
    /// Who sends, and who is stopped for how they do.
    #[serde(default)]
    pub senders: Senders,
    /// Who sent each order that is here.
    #[serde(default)]
    pub sent_by: BTreeMap<ClientOrderId, Sender>,
    /// The session of each account that its loss is counted in.
    #[serde(default)]
    pub days: BTreeMap<AccountKey, RiskDay>,
    /// What holds accounts back from new risk.
    #[serde(default)]
    pub holds: BTreeMap<(AccountKey, HoldCause), Hold>,
    /// Limits that are breached with no order of ours.
    #[serde(default)]
    pub breaches: BTreeMap<BreachKey, Breached>,
    /// When such a hold last ended: what was before does not count again.
    #[serde(default)]
    pub released: BTreeMap<(AccountKey, HoldCause), Timestamp>,
    /// What brokers tell of an account's excess liquidity.
    #[serde(default)]
    pub funds: BTreeMap<AccountKey, Funds>,
    /// Executions booked before this moment are part of the opening positions; when that was last moved.
    pub trimmed: (Timestamp, Timestamp),
    /// When the last read of an account ended, complete or not: a broker that can't answer is not asked in a loop.
    pub attempts: BTreeMap<AccountKey, Timestamp>,
    /// Dates from which instruments trade without something.
    #[serde(default)]
    pub ex_dates: BTreeMap<InstrumentId, ExDate>,
    /// Flattens under way.
    pub flattening: BTreeMap<(AccountKey, InstrumentId), Flattening>,
    /// Parts of positions that are being closed.
    #[serde(default)]
    pub scaling_out: BTreeMap<(AccountKey, InstrumentId), ScaleOut>,
    /// Flattens of whole accounts under way.
    #[serde(default)]
    pub flattening_accounts: BTreeMap<AccountKey, AccountFlattening>,
    /// The cancels of accounts that are halted.
    #[serde(default)]
    pub halts: BTreeMap<AccountKey, Halt>,
    /// Dead-man leases of programs.
    #[serde(default)]
    pub leases: Leases,
    /// Orders that wait here while the broker is away.
    #[serde(default)]
    pub parking: Parking,
    /// Orders that wait for another one.
    #[serde(default)]
    pub chains: BTreeMap<ClientOrderId, Chain>,
    /// Lines of the difference view that somebody leaves.
    #[serde(default)]
    pub ignored: Vec<Ignored>,
    /// What no stop at the broker covers.
    #[serde(default)]
    pub naked: BTreeMap<(AccountKey, InstrumentId), Naked>,
    /// The file that keeps the engine halted, while it is there.
    #[serde(default)]
    pub halt_file: Option<HaltFile>,
    /// What a person should see: denials, rejections, surprises.
    pub notices: VecDeque<Notice>,
    /// What people want to be told of, and what they were told.
    #[serde(default)]
    pub alerts: Alerts,
}

/// An account and what decides about its orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    /// As the broker reports it.
    pub account: Account,
    /// Whether risk may be added.
    pub trading: TradingState,
    /// Why it is as it is.
    pub trading_reason: Option<SafeText>,
    /// True once the broker's positions were read completely.
    pub opened: bool,
    /// The pass under way, and since when.
    pub reading: Option<(u64, Timestamp)>,
    /// When the last complete pass ended.
    pub read_at: Option<Timestamp>,
    /// The last pass given out.
    pub passes: u64,
    /// Positions that differ from the broker's: ours, the broker's, in how many passes, and since when.
    pub mismatches: BTreeMap<InstrumentId, Mismatch>,
    /// A stretch of time of which the broker gave no executions, and nobody has acknowledged it.
    pub gap: Option<(Timestamp, Timestamp)>,
    /// Instruments in which more was executed than an order asked for, and nobody has looked at it: nothing is added there.
    pub overfilled: BTreeSet<InstrumentId>,
    /// The last submissions, newest last, for the duplicate and rate controls.
    pub recent: VecDeque<Submission>,
}

/// What an account has beyond what its margin takes, by its broker's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funds {
    /// In what currency.
    pub currency: Currency,
    /// Excess liquidity.
    pub excess: Money,
    /// Whether the broker lends to the account; nothing where it does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lends: Option<bool>,
    /// When it was told.
    pub at: Timestamp,
}

/// A position that differs from the broker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    /// What we have.
    pub ours: Quantity,
    /// What the broker has.
    pub theirs: Quantity,
    /// In how many passes in a row.
    pub passes: u32,
    /// Since when.
    pub since: Timestamp,
    /// What the broker paid on average, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average: Option<Price>,
}
impl Mismatch {
    /// Seen twice, at least five seconds apart: no longer explained by reports that are under way.
    pub fn is_confirmed(&self, now: Timestamp) -> bool {
        self.passes >= 2 && now.since(self.since) >= super::timing::READS_APART
    }
}

/// What the duplicate control compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// When.
    pub at: Timestamp,
    /// Of what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much.
    pub quantity: Quantity,
    /// At what limit, else trigger; zero for none.
    pub price: Price,
}

/// The link to one broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// How it is.
    pub state: LinkState,
    /// Why, where there is something to say.
    pub reason: Option<SafeText>,
    /// Since when.
    pub since: Timestamp,
    /// What part of the broker is away while it is connected.
    pub impaired: Option<SafeText>,
    /// Since when there is no connection, however often one was tried.
    #[serde(default)]
    pub lost_since: Option<Timestamp>,
}

/// Orders of which a fill of one takes from the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The entry whose fills are the group's size; nothing for a plain pair.
    pub parent: Option<ClientOrderId>,
    /// The size of a plain pair.
    pub size: Quantity,
    /// Its members.
    pub members: Vec<ClientOrderId>,
    /// What of the entry the members leave alone, because it was said so.
    #[serde(default)]
    pub set_aside: Quantity,
}

/// One position and how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Of the instrument.
    pub multiplier: Multiplier,
    /// What was there before `executions`.
    pub opening: Position,
    /// The executions of the last week in the order they were booked, the newest revision of each.
    pub executions: Vec<Execution>,
    /// Changes that are no trade, each in its place among the executions.
    #[serde(default)]
    pub changes: Vec<Placed>,
    /// What is held now.
    pub position: Position,
    /// When it was last flat and then was not: the age of the position.
    pub opened_at: Option<Timestamp>,
    /// The venue's time of the newest execution that has become part of `opening`: one that is not newer and not known
    /// is a repetition.
    pub merged_until: Option<Timestamp>,
}

/// What is remembered of a booked execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booked {
    /// Its newest revision.
    pub revision: u32,
    /// The event that booked it.
    pub sequence: u64,
    /// When it was booked, by our clock: it is forgotten a week later.
    pub at: Timestamp,
    /// In which ledger it is; nothing for one that was part of the opening positions.
    pub instrument: Option<InstrumentId>,
    /// True once its fee is known.
    pub fee_known: bool,
}

/// A flatten under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flattening {
    /// The first closing order's id.
    pub exit: ClientOrderId,
    /// Since when, or since when this process runs.
    pub since: Timestamp,
    /// How far it has come.
    #[serde(default)]
    pub step: FlattenStep,
    /// Since when it is there.
    #[serde(default)]
    pub step_since: Timestamp,
    /// The closing order that was sent last.
    #[serde(default)]
    pub sent: Option<ClientOrderId>,
    /// The first pass that began after this step did: only from then on the broker's word counts.
    #[serde(default)]
    pub asked: u64,
    /// Executions on the instrument since it began.
    #[serde(default)]
    pub fills: u32,
    /// What the instrument had realised before, fees taken off.
    #[serde(default)]
    pub realized_before: Money,
}

impl Flattening {
    /// True while only the broker's word can move it on.
    pub fn waits_for_read(&self) -> bool {
        matches!(self.step, FlattenStep::Reading | FlattenStep::Proving)
    }
}

/// How far a flatten has come. The protective stop stays through the first two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlattenStep {
    /// Entries and targets are being cancelled.
    #[default]
    Clearing,
    /// The broker is asked what is held, so that the exit is no larger.
    Reading,
    /// The stop is being cancelled first, because this broker could execute both it and the exit.
    Uncovering,
    /// The exit is sent.
    Exiting,
    /// The position is flat; what is left of stops is being cancelled.
    Releasing,
    /// The broker is asked again.
    Proving,
}
impl FlattenStep {
    /// As a person reads it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clearing => "cancelling entries and targets, the stop stays",
            Self::Reading => "asking the broker what is held",
            Self::Uncovering => "cancelling the stop, then the exit",
            Self::Exiting => "exit sent",
            Self::Releasing => "flat, cancelling the stop",
            Self::Proving => "asking the broker again",
        }
    }
}

/// The flatten of a whole account: one result for all its instruments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountFlattening {
    /// Instruments whose flatten has not ended.
    pub waiting: BTreeSet<InstrumentId>,
    /// Those that are not flat.
    pub failed: Vec<InstrumentId>,
    /// How many are.
    pub flat: u32,
    /// Executions of those.
    pub fills: u32,
    /// What they realised meanwhile, fees taken off.
    pub realized: BTreeMap<Currency, Money>,
}

/// Something a person should see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The event.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// How loud.
    pub level: NoticeLevel,
    /// In words.
    pub text: SafeText,
}

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    /// For the record.
    Info,
    /// Worth a glance, and covers nothing louder: what a broker said of itself.
    Told,
    /// A fill.
    Fill,
    /// Needs a look.
    Warning,
}

impl State {
    /// The link to `broker`; down where nothing is known of it.
    pub fn link(&self, broker: BrokerId) -> LinkState {
        self.links.get(&broker).map_or(LinkState::Down, |link| link.state)
    }
    /// What is held; flat where nothing is known to be held. Ask [`State::positions_known`] before concluding.
    pub fn position(&self, account: AccountKey, instrument: InstrumentId) -> Position {
        self.ledgers
            .get(&(account, instrument))
            .map(|ledger| ledger.position)
            .unwrap_or_default()
    }
    /// True once the broker's positions of this account were read completely.
    pub fn positions_known(&self, account: AccountKey) -> bool {
        self.accounts.get(&account).is_some_and(|account| account.opened)
    }
    /// True for a child that waits for its entry: here, or at a broker that holds brackets. It closes what the entry opens,
    /// and nothing of what is held now.
    pub fn waits(&self, order: &Order) -> bool {
        self.waits_in(order.phase, order.spec.parent)
    }
    /// What an account holds, by instrument; nothing of what is flat.
    pub fn held(&self, account: AccountKey) -> impl Iterator<Item = (InstrumentId, Quantity)> {
        self.ledgers
            .range((account, InstrumentId::LOWEST)..)
            .take_while(move |((owner, _), _)| *owner == account)
            .map(|((_, id), ledger)| (*id, ledger.position.quantity))
            .filter(|(_, quantity)| !quantity.is_zero())
    }
    /// The live orders of an account, by instrument.
    pub fn live_of(&self, account: AccountKey) -> impl Iterator<Item = &Order> {
        self.live
            .range((account, InstrumentId::LOWEST, ClientOrderId::LOWEST)..)
            .take_while(move |(owner, ..)| *owner == account)
            .filter_map(|(_, _, id)| self.orders.get(id))
    }
    /// The same but for what is parked, which is at no broker and counts in no limit until it leaves.
    pub fn working_of(&self, account: AccountKey) -> impl Iterator<Item = &Order> {
        self.live_of(account).filter(|order| order.phase != Phase::Parked)
    }
    /// The instruments that an account holds or has live orders in.
    pub fn concerned(&self, account: AccountKey) -> BTreeSet<InstrumentId> {
        let worked = self.working.lanes(account).map(|(id, _)| id);
        self.held(account).map(|(id, _)| id).chain(worked).collect()
    }
    /// The live orders of an account in one instrument.
    pub fn live_orders(&self, account: AccountKey, instrument: InstrumentId) -> impl Iterator<Item = &Order> {
        self.live
            .range((account, instrument, ClientOrderId::LOWEST)..)
            .take_while(move |(owner, of, _)| *owner == account && *of == instrument)
            .filter_map(|(_, _, id)| self.orders.get(id))
    }
    /// All live orders, by account and instrument.
    pub fn all_live(&self) -> impl Iterator<Item = &Order> {
        self.live.iter().filter_map(|(_, _, id)| self.orders.get(id))
    }
    /// What live sell orders would take off a long position, or make of a short one. Children that wait for their entry
    /// are not counted: they close what it opens, and nothing else.
    pub fn working_sells(&self, account: AccountKey, instrument: InstrumentId) -> Quantity {
        self.working_now(account, instrument, Side::Sell)
    }
    /// What closing orders that can still execute would take off the position. Children that wait for their entry are
    /// not counted: what they close is not held yet.
    pub fn working_exits(&self, account: AccountKey, instrument: InstrumentId) -> Quantity {
        let Some(side) = self.position(account, instrument).side() else {
            return Quantity::ZERO;
        };
        self.working_now(account, instrument, side.opposite())
    }
    /// What protective stops cover of a position, at most all of it.
    pub fn protected(&self, account: AccountKey, instrument: InstrumentId) -> Quantity {
        let position = self.position(account, instrument);
        let Some(side) = position.side() else {
            return Quantity::ZERO;
        };
        let covered = self
            .live_orders(account, instrument)
            .filter(|o| {
                o.spec.kind.is_stop()
                    && o.spec.side != side
                    && matches!(o.phase, Phase::Held | Phase::Working)
                    && !self.waits(o)
            })
            .fold(Quantity::ZERO, |sum, order| sum.saturating_add(order.leaves()));
        covered.min(position.quantity.abs())
    }
    /// Realised profit of an account by currency since the journal's opening, fees taken off.
    pub fn realized(&self, account: AccountKey) -> BTreeMap<Currency, Money> {
        let mut sums = BTreeMap::new();
        for ((_, id), ledger) in self.ledgers.iter().filter(|((owner, _), _)| *owner == account) {
            let Some(instrument) = self.instruments.get(id) else {
                continue;
            };
            let sum: &mut Money = sums.entry(instrument.currency).or_default();
            *sum = sum
                .saturating_add(ledger.position.realized)
                .saturating_sub(ledger.position.fees);
        }
        sums
    }
    /// What one instrument has realised in an account, fees taken off.
    pub fn realized_in(&self, account: AccountKey, instrument: InstrumentId) -> Money {
        let position = self.position(account, instrument);
        position.realized.saturating_sub(position.fees)
    }
    /// The dated contract that a root stands for at `now`: the first that has not expired. An instrument's own name
    /// stands for itself.
    pub fn resolve(&self, name: &str, now: Timestamp) -> Option<&Instrument> {
        let upper = name.to_ascii_uppercase();
        if let Some(instrument) = InstrumentId::new(&upper)
            .ok()
            .and_then(|id| self.instruments.get(&id))
        {
            return Some(instrument);
        }
        self.instruments
            .values()
            .filter(|i| i.root.is_some_and(|root| root.as_str() == upper) && !i.is_expired(now))
            .min_by_key(|i| i.expires)
    }
    /// The hash of the whole state, to compare replicas.
    pub fn digest(&self) -> [u8; 32] {
        use sha2::Digest;
        // A state always serialises: it has no maps with keys that the format lacks, and no floating point.
        sha2::Sha256::digest(rmp_serde::to_vec(self).unwrap_or_default()).into()
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, to)
    }
}

/// What is read has its index again.
impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut state = Self::deserialize(from)?;
        state.reindex();
        Ok(state)
    }
}
