//! What the desk sends: commands with the words that tell of them, what panes wish for, and the questions that come before.

use super::{Desk, Effect, Modal, Pledge, Question, Tone};
use crate::domain::{
    AccountClass, AccountKey, ClientOrderId, InstrumentId, Pending, Phase, Quantity, SafeText, Timestamp,
    TradingState, counted,
};
use crate::engine::Command;
use crate::engine::difference::Remedy;
use crate::tui::differences::Deed;
use crate::tui::link::ToEngine;
use crate::tui::moves::last_moves;
use crate::tui::pane::Wish;
use crate::tui::ticket::Ticket;
use std::collections::BTreeMap;

impl Desk {
    /// Sends a command; `what` is how its answer is told.
    pub(in crate::tui) fn send(&mut self, command: Command, what: String, now: Timestamp) -> Vec<Effect> {
        if !self.is_attached() {
            self.say(
                Tone::Warn,
                format!("not sent: {}: there is no link to the engine", unsent(&what)),
                now,
            );
            return Vec::new();
        }
        if let Some(why) = self.held_by_frost(&command) {
            self.say(Tone::Warn, format!("not sent: {}: {why}", unsent(&what)), now);
            return Vec::new();
        }
        let token = self.next_token;
        self.next_token += 1;
        self.waiting.insert(token, what);
        vec![Effect::Tell(ToEngine::Command { token, command })]
    }
    /// The account on the desk, or a message that there is none.
    pub(in crate::tui) fn need_account(&mut self, now: Timestamp) -> Option<AccountKey> {
        if self.world.account.is_none() {
            self.say(Tone::Warn, "no account is known yet", now);
        }
        self.world.account
    }
    /// Account and instrument on the desk, or a message that there are none.
    pub(in crate::tui) fn need_instrument(&mut self, now: Timestamp) -> Option<(AccountKey, InstrumentId)> {
        let account = self.need_account(now)?;
        let instrument = self.instrument();
        if instrument.is_none() {
            self.say(
                Tone::Warn,
                "no instrument is on the desk: / searches for one",
                now,
            );
        }
        Some((account, instrument?))
    }
    /// Asks for another trading state.
    pub(in crate::tui) fn set_trading(&mut self, state: TradingState, now: Timestamp) -> Vec<Effect> {
        let Some(account) = self.need_account(now) else {
            return Vec::new();
        };
        let reason = SafeText::new("from a terminal");
        self.send(
            Command::SetTrading {
                account,
                state,
                reason,
            },
            format!("trading {}", state.word()),
            now,
        )
    }
    /// Real, paper or simulated.
    pub fn class(&self) -> Option<AccountClass> {
        Some(self.world.state.accounts.get(&self.world.account?)?.account.class)
    }

    /// Does what a pane wishes.
    pub(in crate::tui) fn grant(&mut self, wishes: Vec<Wish>, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        for wish in last_moves(wishes) {
            match wish {
                Wish::Select(instrument) => effects.extend(self.select(instrument)),
                Wish::Send(command) => effects.extend(self.send_or_ask(*command, now)),
                Wish::Edit(id) => self.edit(id, now),
                Wish::Move(id, price) => effects.extend(self.move_order(id, price, now)),
                Wish::Ticket(side, price) => self.ticket_at(side, price, now),
                Wish::Bars(instrument, timeframe) => self.ask_bars(instrument, timeframe, &mut effects),
                Wish::Ask(ask) => effects.push(Effect::Tell(ToEngine::Ask(ask))),
                Wish::Say(text) => self.say(Tone::Plain, text, now),
                Wish::Confirm(text, pledge) => self.put_question(text, pledge, now),
            }
        }
        effects.extend(self.ask());
        effects
    }

    /// Asks before what a pane wants is done.
    pub(super) fn put_question(&mut self, text: String, pledge: Pledge, now: Timestamp) {
        let pledge = match pledge {
            Pledge::Resolve(about) if about.deed == Deed::Ignore => {
                Pledge::Resolve(about.for_hours(self.count))
            }
            other => other,
        };
        self.modal = Some(Modal::Question(Question {
            text,
            pledge,
            at: now,
        }));
    }

    /// Cancels at once, unless that takes the last protection off a position: then it asks.
    pub(super) fn send_or_ask(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let Command::Cancel { id } = command else {
            let what = words(&command);
            return self.send(command, what, now);
        };
        if let Some(naked) = self.left_naked(id) {
            let text = format!("cancelling this stop leaves {naked} NAKED: Enter cancels it, Esc keeps it");
            self.modal = Some(Modal::Question(Question {
                text,
                pledge: Pledge::Cancel(id),
                at: now,
            }));
            return Vec::new();
        }
        self.cancel(id, now)
    }
    pub(in crate::tui) fn cancel(&mut self, id: ClientOrderId, now: Timestamp) -> Vec<Effect> {
        let what = self
            .world
            .state
            .orders
            .get(&id)
            .map_or(String::new(), |order| order.spec.to_string());
        self.send(Command::Cancel { id }, format!("cancel asked: {what}"), now)
    }
    /// What flattening an account concerns: each instrument that is held or has live orders, what is held, and how many
    /// orders work there.
    pub fn to_flatten(&self, account: AccountKey) -> Vec<(InstrumentId, Quantity, usize)> {
        let state = &self.world.state;
        let mut found: BTreeMap<InstrumentId, (Quantity, usize)> = BTreeMap::new();
        for ((owner, id), ledger) in &state.ledgers {
            if *owner == account && !ledger.position.quantity.is_zero() {
                found.entry(*id).or_default().0 = ledger.position.quantity;
            }
        }
        for order in state.all_live().filter(|order| order.spec.account == account) {
            found.entry(order.spec.instrument).or_default().1 += 1;
        }
        found
            .into_iter()
            .map(|(id, (held, orders))| (id, held, orders))
            .collect()
    }
    pub(in crate::tui) fn flatten_account(&mut self, account: AccountKey, now: Timestamp) -> Vec<Effect> {
        let exits = self.to_flatten(account);
        let exits = exits.into_iter().map(|(id, ..)| (id, (self.new_id)())).collect();
        let command = Command::FlattenAccount { account, exits };
        let what = words(&command);
        self.send(command, what, now)
    }
    /// What would stand without a stop if this order went: `300 AAPL`.
    pub(super) fn left_naked(&self, id: ClientOrderId) -> Option<String> {
        let state = &self.world.state;
        let order = state
            .orders
            .get(&id)
            .filter(|order| order.spec.kind.is_stop() && order.phase.is_live())?;
        let (account, instrument) = (order.spec.account, order.spec.instrument);
        let position = state.position(account, instrument);
        if position.side() != Some(order.spec.side.opposite()) {
            return None;
        }
        let others = state
            .live_orders(account, instrument)
            .filter(|other| other.id != id && other.spec.kind.is_stop() && other.spec.side == order.spec.side)
            // One that waits for its entry, is on its way, or is itself being cancelled guards nothing.
            .filter(|other| matches!(other.phase, Phase::Held | Phase::Working) && !state.waits(other))
            .filter(|other| !matches!(other.pending, Some(Pending::Cancel)))
            .fold(Quantity::ZERO, |sum, other| sum.saturating_add(other.leaves()));
        let bare = position.quantity.abs().saturating_sub(others);
        bare.is_positive().then(|| format!("{bare} {instrument}"))
    }
    pub(super) fn edit(&mut self, id: ClientOrderId, now: Timestamp) {
        let state = &self.world.state;
        let found = state
            .orders
            .get(&id)
            .and_then(|order| Some((order, state.instruments.get(&order.spec.instrument)?)));
        match found {
            Some((order, instrument)) if order.phase.is_live() => {
                let quote = self.world.market.quote(instrument.id);
                let ticket = Ticket::modify(order, instrument, quote, now);
                self.modal = Some(Modal::Ticket(Box::new(ticket)));
            }
            _ => self.say(Tone::Warn, "the order has ended", now),
        }
    }
}

/// What was to be sent, without the word that it was.
fn unsent(what: &str) -> &str {
    what.strip_prefix("sent ").unwrap_or(what)
}

/// A command as the message line tells it.
pub(in crate::tui) fn words(command: &Command) -> String {
    match command {
        Command::Submit { spec, .. } | Command::Park { spec, .. } => format!("sent {spec}"),
        Command::ConfirmParked { .. } => "confirmed what is parked".to_owned(),
        Command::SubmitPair {
            first_spec,
            second_spec,
            ..
        } => format!("sent {first_spec} or {second_spec}"),
        Command::SubmitThen {
            first_spec,
            second_spec,
            ..
        } => format!("sent {first_spec}, then {second_spec}"),
        Command::SubmitAll { orders } => {
            let all: Vec<String> = orders.iter().map(|entry| entry.spec.to_string()).collect();
            format!("sent {}", all.join(", "))
        }
        Command::Modify { .. } => "change asked".to_owned(),
        Command::Cancel { .. } => "cancel asked".to_owned(),
        Command::CancelAll {
            instrument: Some(id), ..
        } => format!("cancel asked: every order on {id}"),
        Command::CancelAll { .. } => "cancel asked: every order of the account".to_owned(),
        Command::Close { instrument, .. } => format!("closing {instrument}"),
        Command::Flatten { instrument, .. } => format!("flattening {instrument}"),
        Command::FlattenAccount { account, exits } => {
            let all = counted(exits.len(), "instrument");
            format!("flattening {}: {all}", account.account)
        }
        Command::SetTrading { state, .. } => format!("trading {}", state.word()),
        Command::Halt { stops_too: true, .. } => "trading HALTED, protective stops go too".to_owned(),
        Command::Halt { .. } => "trading HALTED".to_owned(),
        Command::SetLimit {
            name,
            value: Some(value),
            ..
        } => format!("limit {name} {value}"),
        Command::SetLimit { name, .. } => format!("limit {name} as in config.toml"),
        Command::TakeToken => "this terminal has the trading token".to_owned(),
        Command::Arm { .. } => "arming".to_owned(),
        Command::Disarm { .. } => "disarmed".to_owned(),
        Command::AcceptDifference { instrument, .. } => {
            format!("taking the broker's position of {instrument} for ours")
        }
        Command::AcceptGap { .. } => "gap acknowledged".to_owned(),
        Command::AcceptDouble { .. } => "cancelling the newer of two orders under one reference".to_owned(),
        Command::Resolve { remedy, subject, .. } => match remedy {
            Remedy::Adopt => format!("{subject}: taken for known"),
            Remedy::Split => format!("{subject}: recorded as a split"),
            Remedy::Ignore { .. } => format!("{subject}: left as it is"),
            Remedy::Cancel => format!("{subject}: cancel asked"),
            Remedy::Flatten { .. } => format!("{subject}: flattening"),
        },
        Command::AcknowledgeBreaker { broker, .. } => format!("breaker of {broker}: acknowledged"),
        Command::ChangePosition { note, .. } => format!("recorded: {note}"),
        Command::SetExDate {
            instrument,
            ex: Some(ex),
        } => format!("{instrument} is ex {} from {}", ex.what, ex.date),
        Command::SetExDate { instrument, ex: None } => format!("{instrument} has no ex-date"),
        Command::Reconcile { .. } => "reading what the broker knows".to_owned(),
        Command::SetAlert { spec } => format!("alert {}", spec.condition),
        Command::RemoveAlert { id: Some(id) } => format!("alert {id} removed"),
        Command::RemoveAlert { id: None } => "all alerts removed".to_owned(),
        Command::PauseAlert { id, paused: true } => format!("alert {id} paused"),
        Command::PauseAlert { id, .. } => format!("alert {id} goes on"),
        Command::ArmPrograms { minutes, key, .. } => match key {
            None => format!("programs may add risk for {minutes} minutes"),
            Some(key) => format!("the key {key} may add risk for {minutes} minutes"),
        },
        Command::DisarmPrograms { key: None, .. } => "programs are disarmed".to_owned(),
        Command::DisarmPrograms { key: Some(key), .. } => format!("the key {key} is disarmed"),
        Command::OpenSession
        | Command::CloseSession
        | Command::NameSession { .. }
        | Command::OpenProgram { .. }
        | Command::Lease { .. } => String::new(),
    }
}
