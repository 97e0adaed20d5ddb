//! Limits by account, instrument, user and key beside those of every account: of all that apply to an order the strictest
//! holds, and a refusal says whose it was. Who sent an order is told by its session: the fact that opened it names them
//! (`ProgramOpened`, `SenderNamed`). A sender's own rate and loss count what that sender did alone.
//!
//! A sender that is refused for its rate three times within a minute is stopped: it adds no risk until somebody resumes.

use super::day::{RiskDay, part};
use super::table::Control;
use super::worth::money;
use super::{Check, Stands};
use crate::domain::{
    AccountKey, Execution, Instrument, InstrumentId, LimitName, LimitValue, Limits, Money, OrderSpec, Price,
    Quantity, SafeText, Scope, SessionId, Timestamp,
};
use crate::engine::command::{Denial, DenialCode, SessionKind};
use crate::engine::event::{Actor, Fact};
use crate::engine::programs::Program;
use crate::engine::state::State;
use crate::engine::{terms, worth};
use crate::market::Market;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Refusals for the rate within [`RATE_WITHIN`] that stop a sender.
const RATE_BREACHES: usize = 3;
/// Within which time they are counted.
const RATE_WITHIN: Duration = Duration::from_secs(60);
/// How many submissions of one sender are remembered: more than any burst that is held against them.
const SUBMISSIONS_KEPT: usize = 4_096;

/// Who sent an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// A terminal of this machine.
    Terminal,
    /// A shell of this machine.
    Shell,
    /// Who signed in at the network's door.
    User(SafeText),
    /// Who came by a key.
    Key {
        /// What the key is called.
        name: SafeText,
        /// The characters that name it.
        key: SafeText,
    },
}
impl Sender {
    /// By what the network's door knows of them.
    pub fn of(who: &Program) -> Self {
        match &who.key {
            Some(key) => Self::Key {
                name: who.name.clone(),
                key: key.clone(),
            },
            None => Self::User(who.name.clone()),
        }
    }
    /// The scopes whose limits hold them.
    pub fn scopes(&self) -> Vec<Scope> {
        match self {
            Self::Terminal | Self::Shell => Vec::new(),
            Self::User(name) => vec![Scope::User(name.clone())],
            Self::Key { name, key } => vec![Scope::Key(name.clone()), Scope::Key(key.clone())],
        }
    }
}
impl std::fmt::Display for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Terminal => f.write_str("the terminal"),
            Self::Shell => f.write_str("the shell"),
            Self::User(name) => write!(f, "user {name}"),
            Self::Key { name, key } => write!(f, "key {name} ({key})"),
        }
    }
}

/// What is known of who sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Senders {
    /// Sessions that came by the network.
    pub sessions: BTreeMap<SessionId, Sender>,
    /// When each of them sent an order, newest last.
    pub recent: BTreeMap<Sender, VecDeque<Timestamp>>,
    /// When each was refused for its rate, within the last minute.
    pub refused: BTreeMap<Sender, VecDeque<Timestamp>>,
    /// Those that are stopped, since when.
    pub stopped: BTreeMap<Sender, Timestamp>,
}

/// What of a sender's scope is held against what that sender did by itself.
fn is_own(name: LimitName) -> bool {
    matches!(
        name,
        LimitName::RateBurst
            | LimitName::RatePerSecond
            | LimitName::DailyLossWarnBps
            | LimitName::DailyLossReduceBps
            | LimitName::DailyLossLockBps
            | LimitName::MaxDailyLoss
    )
}

/// The scopes of an instrument: itself, its root, its underlying.
fn scopes_of(instrument: &Instrument) -> impl Iterator<Item = Scope> {
    let root = instrument
        .root
        .and_then(|root| InstrumentId::new(root.as_str()).ok());
    let root = root.filter(|root| *root != instrument.id);
    let underlying = instrument.option.map(|option| option.underlying);
    let all = [Some(instrument.id), root, underlying];
    all.into_iter().flatten().map(Scope::Instrument)
}

impl State {
    /// Who commands in a session.
    pub fn sender(&self, session: SessionId, kind: SessionKind) -> Sender {
        let known = self.senders.sessions.get(&session).cloned();
        known.unwrap_or(match kind {
            SessionKind::Shell => Sender::Shell,
            _ => Sender::Terminal,
        })
    }

    /// What a scope has in force: config.toml's, or what it was changed to.
    pub fn tighter(&self, scope: &Scope) -> BTreeMap<LimitName, LimitValue> {
        let mut limits = self.scoped.get(scope).cloned().unwrap_or_default();
        for ((of, name), change) in &self.scoped_changes {
            if of == scope {
                limits.insert(*name, change.value);
            }
        }
        limits
    }

    fn has_scopes(&self) -> bool {
        !(self.scoped.is_empty() && self.scoped_changes.is_empty())
    }

    /// Lays a scope's limits over others: what is stricter holds.
    pub(super) fn lay(&self, limits: &mut Cow<'_, Limits>, scope: &Scope) {
        if !self.has_scopes() {
            return;
        }
        for (name, value) in self.tighter(scope) {
            if scope.is_of_sender() && is_own(name) {
                continue;
            }
            let now = limits.get(name);
            if name.is_looser(now, value) {
                limits.to_mut().set(name, value);
            }
        }
    }

    /// The limits in force for an order: its account's, its instrument's, its sender's.
    pub fn limits_for(
        &self,
        account: AccountKey,
        instrument: Option<&Instrument>,
        sender: Option<&Sender>,
    ) -> Cow<'_, Limits> {
        let mut limits = self.limits_of(account);
        if self.has_scopes() {
            for scope in instrument.into_iter().flat_map(scopes_of) {
                self.lay(&mut limits, &scope);
            }
            for scope in sender.map(Sender::scopes).unwrap_or_default() {
                self.lay(&mut limits, &scope);
            }
        }
        limits
    }

    /// A limit that a sender's scopes put on what it does by itself; nothing where there is none.
    fn own_limits(&self, sender: &Sender) -> BTreeMap<LimitName, (LimitValue, Scope)> {
        let mut own: BTreeMap<LimitName, (LimitValue, Scope)> = BTreeMap::new();
        for scope in sender.scopes() {
            for (name, value) in self.tighter(&scope) {
                let stricter = own.get(&name).is_none_or(|(now, _)| name.is_looser(*now, value));
                if is_own(name) && stricter {
                    own.insert(name, (value, scope.clone()));
                }
            }
        }
        own
    }
}

impl Check<'_> {
    /// What its sender's own scopes hold an order against: how often, and what was lost so.
    pub(super) fn sender(&self, spec: &OrderSpec, stands: &Stands<'_>) -> Result<(), Denial> {
        let Some(sender) = self.sender.as_ref().filter(|_| self.state.has_scopes()) else {
            return Ok(());
        };
        let own = self.state.own_limits(sender);
        self.senders_rate(sender, &own)?;
        self.senders_loss(spec, sender, &own, stands)
    }

    fn senders_rate(
        &self,
        sender: &Sender,
        own: &BTreeMap<LimitName, (LimitValue, Scope)>,
    ) -> Result<(), Denial> {
        let count = |name: LimitName, otherwise: u32| match own.get(&name) {
            Some((LimitValue::Count(count), _)) => *count,
            _ => otherwise,
        };
        let names = [LimitName::RateBurst, LimitName::RatePerSecond];
        let Some((_, scope)) = names.into_iter().find_map(|name| own.get(&name)) else {
            return Ok(());
        };
        let all = &self.state.limits;
        let burst = count(LimitName::RateBurst, all.rate_burst).max(1);
        let per_second = count(LimitName::RatePerSecond, all.rate_per_second).max(1);
        let window = Duration::from_secs(burst.into()) / per_second;
        let sent = self.state.senders.recent.get(sender);
        let sent = sent.into_iter().flatten().rev();
        let recent = sent.take_while(|at| self.now.since(**at) < window).count();
        if recent < burst as usize {
            return Ok(());
        }
        let text = format!(
            "{sender} sent {recent} orders within {} ms; {burst} at once and {per_second} a second pass (limits of {scope})",
            window.as_millis()
        );
        Err(Denial::new(DenialCode::Rate, text))
    }

    fn senders_loss(
        &self,
        spec: &OrderSpec,
        sender: &Sender,
        own: &BTreeMap<LimitName, (LimitValue, Scope)>,
        stands: &Stands<'_>,
    ) -> Result<(), Denial> {
        let lock = own.get(&LimitName::DailyLossLockBps);
        let amount = own.get(&LimitName::MaxDailyLoss);
        let Some((_, scope)) = amount.or(lock) else {
            return Ok(());
        };
        let unknown = |what: String| {
            let text = format!("{what}: what {sender} lost can't be told; cancels and reducing orders pass");
            Denial::new(DenialCode::WorthUnknown, text)
        };
        let standing = stands.get().map_err(unknown)?;
        let result = result_of(self.state, self.market, spec.account, &standing.day, sender);
        let lost = Money::ZERO.saturating_sub(result.map_err(unknown)?);
        let most = [
            lock.and_then(|(value, _)| match value {
                LimitValue::Count(bps) if *bps > 0 => Some(part(standing.day.opening, *bps)),
                _ => None,
            }),
            amount.and_then(|(value, _)| match value {
                LimitValue::Money(most) if *most > Money::ZERO => Some(*most),
                _ => None,
            }),
        ];
        let Some(most) = most.into_iter().flatten().min() else {
            return Ok(());
        };
        if lost <= Money::ZERO || lost < most {
            return Ok(());
        }
        let text = format!(
            "{sender} lost {} in this session, {} may be (limits of {scope}); cancels and reducing orders pass until {}",
            money(lost, standing.base),
            money(most, standing.base),
            standing.day.until
        );
        Err(Denial::new(DenialCode::DailyLoss, text))
    }

    /// Adds to a refusal whose limit it was, where it was not every account's.
    pub(super) fn named(&self, spec: &OrderSpec, denial: Denial) -> Denial {
        let control = super::table::CONTROLS
            .iter()
            .find(|control| control.code == denial.code);
        let Some(scope) = control.and_then(|control| self.scope_of(spec, control)) else {
            return denial;
        };
        Denial {
            text: SafeText::new(&format!("{} (limits of {scope})", denial.text)),
            ..denial
        }
    }

    /// The scope that makes a limit of a control what it is for an order.
    fn scope_of(&self, spec: &OrderSpec, control: &Control) -> Option<Scope> {
        if !self.state.has_scopes() {
            return None;
        }
        let limits = self.limits(spec);
        let account = [Scope::Account(spec.account.account)].into_iter();
        let instrument = self.state.instruments.get(&spec.instrument);
        let sender = self.sender.as_ref().map(Sender::scopes).unwrap_or_default();
        let mut all = account
            .chain(instrument.into_iter().flat_map(scopes_of))
            .chain(sender);
        all.find(|scope| {
            let tighter = self.state.tighter(scope);
            control.limits.iter().any(|name| {
                let value = tighter.get(name);
                let is_it = value.is_some_and(|value| *value == limits.get(*name));
                is_it && name.is_looser(self.state.limits.get(*name), limits.get(*name))
            })
        })
    }
}

/// Why a sender adds no risk, where it is stopped.
pub(in crate::engine) fn stopped(state: &State, sender: &Sender) -> Option<Denial> {
    let since = state.senders.stopped.get(sender)?;
    let text = format!(
        "{sender} went over the order rate {RATE_BREACHES} times within a minute ({since}): cancels and reducing orders pass until a person resumes"
    );
    Some(Denial::new(DenialCode::HeldBack, text))
}

/// What follows from a refusal for the rate: the third within a minute stops its sender.
pub(in crate::engine) fn after_refusal(state: &State, actor: Actor) -> Option<Fact> {
    let Actor::Session(session) = actor else {
        return None;
    };
    let sender = state.actor(session);
    let often = state.senders.refused.get(&sender)?.len() >= RATE_BREACHES;
    (often && !state.senders.stopped.contains_key(&sender)).then_some(Fact::SenderStopped { sender })
}

/// What ends the stop of every sender: somebody resumed.
pub(in crate::engine) fn resumed(state: &State) -> impl Iterator<Item = Fact> {
    let stopped = state.senders.stopped.keys();
    stopped.map(|sender| Fact::SenderResumed {
        sender: sender.clone(),
    })
}

/// What a sender's own executions came to since a session began, what they left open at its mark, and fees at their worst.
///
/// # Errors
/// What of it is not known, in words.
pub fn result_of(
    state: &State,
    market: &Market,
    key: AccountKey,
    day: &RiskDay,
    sender: &Sender,
) -> Result<Money, String> {
    let account = state.accounts.get(&key).filter(|account| account.opened);
    let base = account.ok_or_else(|| format!("what {key} holds has not been read yet"))?;
    let base = base.account.base;
    let is_theirs = |execution: &&Execution| {
        let id = execution.order.filter(|_| execution.at >= day.from);
        let parent = |id| state.orders.get(&id).and_then(|order| order.spec.parent);
        let sent = id.and_then(|id| state.sent_by.get(&parent(id).unwrap_or(id)));
        sent == Some(sender)
    };
    let mut sum = Money::ZERO;
    let ledgers = state.ledgers.iter().filter(|((owner, _), _)| *owner == key);
    for ((_, id), ledger) in ledgers {
        let Some(instrument) = state.instruments.get(id) else {
            continue;
        };
        let convert = |amount: Money, from| {
            let converted = worth::convert(state, market, amount, from, base);
            converted.map(|converted| converted.amount)
        };
        let value = |price: Price, quantity: Quantity| {
            let value = price.notional(quantity, instrument.multiplier);
            value.ok_or_else(|| format!("{id} is worth more than can be counted"))
        };
        let (mut won, mut net) = (Money::ZERO, Quantity::ZERO);
        for execution in ledger.executions.iter().filter(is_theirs) {
            let signed = execution.side.signed(execution.quantity);
            let paid = value(execution.price, signed)?;
            net = net.saturating_add(signed);
            won = won.saturating_sub(paid);
            match execution.fee {
                Some(fee) => sum = sum.saturating_sub(convert(fee.amount, fee.currency)?),
                None => {
                    let worst = terms::worst_fee(key.broker, instrument, execution.quantity, paid.abs());
                    won = won.saturating_sub(worst);
                }
            }
        }
        if !net.is_zero() {
            let mark = market.mark(*id);
            let mark = mark.ok_or_else(|| format!("{id} is held and has no price now"))?;
            won = won.saturating_add(value(mark.price, net)?);
        }
        if won != Money::ZERO {
            sum = sum.saturating_add(convert(won, instrument.currency)?);
        }
    }
    Ok(sum)
}

impl State {
    /// Who an event's session is.
    fn actor(&self, session: SessionId) -> Sender {
        let is_terminal = self.sessions.contains_key(&session);
        self.sender(
            session,
            if is_terminal {
                SessionKind::Terminal
            } else {
                SessionKind::Shell
            },
        )
    }

    /// Who sends, when, and who is stopped for how they do.
    pub(in crate::engine) fn fold_sender(&mut self, fact: &Fact, actor: Actor, at: Timestamp) {
        let by = match actor {
            Actor::Session(session) => Some(self.actor(session)),
            _ => None,
        };
        match fact {
            Fact::EngineStarted { .. } => self.senders.sessions.clear(),
            Fact::ProgramOpened {
                session,
                name,
                key,
                address,
            }
            | Fact::SenderNamed {
                session,
                name,
                key,
                address,
            } => {
                let who = Program {
                    name: name.clone(),
                    key: key.clone(),
                    address: address.clone(),
                };
                self.senders.sessions.insert(*session, Sender::of(&who));
            }
            Fact::SessionClosed { session } => drop(self.senders.sessions.remove(session)),
            Fact::Submitted { id, spec, .. } if spec.parent.is_none() => {
                if let Some(by) = by {
                    remember(&mut self.senders.recent, &by, at, SUBMISSIONS_KEPT);
                    self.sent_by.insert(*id, by);
                }
            }
            Fact::OrderParked { id, by, .. } => {
                let sender = self.sender(by.session, by.kind);
                self.sent_by.insert(*id, sender);
            }
            Fact::Denied { denial, .. } if denial.code == DenialCode::Rate => {
                let refused = &self.senders.refused;
                // Several orders that were refused together are one refusal.
                let again = |by: &Sender| refused.get(by).and_then(VecDeque::back) == Some(&at);
                if let Some(by) = by.filter(|by| !again(by)) {
                    remember(&mut self.senders.refused, &by, at, RATE_BREACHES);
                    if let Some(times) = self.senders.refused.get_mut(&by) {
                        times.retain(|time| at.since(*time) < RATE_WITHIN);
                    }
                }
            }
            Fact::SenderStopped { sender } => {
                self.senders.stopped.insert(sender.clone(), at);
            }
            Fact::SenderResumed { sender } => {
                self.senders.stopped.remove(sender);
                self.senders.refused.remove(sender);
            }
            Fact::Trimmed { orders_before, .. } => {
                let orders = &self.orders;
                self.sent_by.retain(|id, _| orders.contains_key(id));
                for times in [&mut self.senders.recent, &mut self.senders.refused] {
                    times.retain(|_, times| times.back().is_some_and(|last| last >= orders_before));
                }
            }
            _ => {}
        }
    }
}

fn remember(all: &mut BTreeMap<Sender, VecDeque<Timestamp>>, of: &Sender, at: Timestamp, most: usize) {
    let times = all.entry(of.clone()).or_default();
    times.push_back(at);
    while times.len() > most {
        times.pop_front();
    }
}
