//! What sessions ask: to be opened and closed, to be told, and questions of the state, the market and the past. Commands
//! become inputs of the engine like everything else.

use super::super::broker_side::BarsTold;
use super::super::queries::Page;
use super::{BEGIN_WITH, EngineTask, Listener};
use crate::broker::MarketData;
use crate::domain::{AccountKey, InstrumentId, SafeText, SessionId};
use crate::engine::programs::Program;
use crate::engine::{Command, Input, Origin, Outcome, SessionKind};
use crate::market::BarUpdate;
use crate::metrics::metrics;
use crate::server::handle::{Told, Wanted};
use crate::store::Wanted as PageWanted;
use crate::wire::{Mark, PROTOCOL_VERSION, Query, Reply, SnapshotMessage, StatusReply, Welcome};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

impl EngineTask {
    pub(super) fn serve(&mut self, wanted: Wanted) {
        match wanted {
            Wanted::Open { kind, who, answer } => self.open(kind, who, answer),
            Wanted::OpenProgram { who, answer } => self.open_program(who, answer),
            Wanted::Close { session } => self.close(session),
            Wanted::Subscribe {
                session,
                queue,
                after,
            } => self.subscribe(session, queue, after),
            Wanted::Watch {
                session,
                instruments,
                depth,
                prompt,
            } => self.watch(session, instruments, depth, prompt),
            Wanted::Link {
                session,
                group,
                instrument,
            } => self.link(session, group, instrument),
            Wanted::Command {
                session,
                kind,
                command,
                answer,
            } => {
                // Sessions begin and end by their sockets, not by what they say.
                if matches!(
                    *command,
                    Command::OpenSession
                        | Command::CloseSession
                        | Command::NameSession { .. }
                        | Command::OpenProgram { .. }
                ) {
                    return;
                }
                let answer = self.notes.through((session, kind), &command, answer);
                let command = *command;
                if let Some(denial) = self.alerts.lacks(&command) {
                    let _ = answer.send(Outcome::Refused(denial));
                    return;
                }
                self.command(Origin { session, kind }, command, answer);
            }
            Wanted::Query { kind, query, answer } => self.answer(kind, query, answer),
        }
    }

    pub(super) fn open(&mut self, kind: SessionKind, who: Option<Program>, answer: oneshot::Sender<Welcome>) {
        let session = SessionId(self.next_session);
        self.next_session += 1;
        self.kinds.insert(session, kind);
        if let Some(who) = &who {
            self.notes.came(session, who);
        }
        let now = self.clock.now();
        let welcome = Welcome {
            protocol: PROTOCOL_VERSION,
            fold: crate::engine::FOLD_VERSION,
            build: SafeText::new(&self.life.build),
            session,
            kind,
            prefix: SafeText::new(&self.life.prefix),
            venue_offset_ns: self.life.venue_clock.offset_ns(now),
            venue_speed_milli: self.life.venue_clock.speed_milli,
        };
        if kind == SessionKind::Terminal {
            self.step(
                Input::Command {
                    origin: Origin { session, kind },
                    command: Command::OpenSession,
                },
                None,
            );
            if let Some(who) = who {
                let origin = Origin { session, kind };
                let command = Command::NameSession { who };
                self.step(Input::Command { origin, command }, None);
            }
        }
        let _ = answer.send(welcome);
    }

    /// A program's session has no socket of its own: it is a name in the journal for what is commanded over the network.
    pub(super) fn open_program(&mut self, who: Program, answer: oneshot::Sender<SessionId>) {
        let session = SessionId(self.next_session);
        self.next_session += 1;
        let kind = SessionKind::Program;
        self.kinds.insert(session, kind);
        let origin = Origin { session, kind };
        let command = Command::OpenProgram { who };
        self.step(Input::Command { origin, command }, None);
        let _ = answer.send(session);
    }

    pub(super) fn close(&mut self, session: SessionId) {
        if self.listeners.remove(&session).is_some() {
            metrics().disconnections.of("ended").inc();
        }
        self.watches.remove(&session);
        self.notes.left(session);
        let Some(kind) = self.kinds.remove(&session) else {
            return;
        };
        if self.engine.state().sessions.contains_key(&session) {
            self.step(
                Input::Command {
                    origin: Origin { session, kind },
                    command: Command::CloseSession,
                },
                None,
            );
        }
    }

    /// Begins with the state, or with what was missed since an event that is still kept.
    pub(super) fn subscribe(&mut self, session: SessionId, queue: mpsc::Sender<Told>, after: Option<Mark>) {
        let missed = after.and_then(|mark| self.recent.after(mark));
        let (begin, from) = match (missed, self.recent.last()) {
            (Some(missed), Some(last)) => {
                let resumed = [Told::Resumed, Told::Events(Arc::new(missed))];
                (Vec::from(resumed), last)
            }
            _ => {
                let state = self.engine.state();
                let snapshot = SnapshotMessage {
                    state: state.clone(),
                    now: self.clock.now(),
                };
                (vec![Told::Snapshot(Arc::new(snapshot))], state.sequence)
            }
        };
        let links = self.links.iter();
        let links = links.map(|(group, instrument)| Told::Linked(*group, *instrument));
        if begin
            .into_iter()
            .chain(links)
            .all(|told| queue.try_send(told).is_ok())
        {
            self.listeners.insert(session, Listener { queue, from });
        }
    }

    /// Tells the other terminals what a link group shows. One that has no room for it has its own troubles.
    pub(super) fn link(&mut self, from: SessionId, group: char, instrument: InstrumentId) {
        if !('A'..='D').contains(&group) || !self.engine.state().instruments.contains_key(&instrument) {
            return;
        }
        self.links.insert(group, instrument);
        for (_, listener) in self.listeners.iter().filter(|(session, _)| **session != from) {
            let _ = listener.queue.try_send(Told::Linked(group, instrument));
        }
    }

    /// A new watch begins with what is known now, so that a desk is never empty while it waits for the next change.
    pub(super) fn watch(
        &mut self,
        session: SessionId,
        instruments: Vec<InstrumentId>,
        depth: Vec<InstrumentId>,
        prompt: bool,
    ) {
        let out = self.watches.entry(session).or_default();
        out.watch(instruments.clone(), depth.clone(), prompt);
        if let Some(health) = &self.broker.health {
            out.put_health(health.clone());
        }
        for id in &instruments {
            if let Some(quote) = self.market.quote(*id) {
                out.put(&MarketData::Quote(*quote));
            }
            if let Some(terms) = self.market.terms(*id) {
                out.put(&MarketData::Terms(terms.clone()));
            }
            if let Some(print) = self.market.last(*id) {
                out.put(&MarketData::Print(*print));
            }
            for (timeframe, count) in BEGIN_WITH {
                let bars = self.market.bars(*id, timeframe);
                for bar in bars.iter().skip(bars.len().saturating_sub(count)) {
                    out.put_bar(&BarUpdate {
                        instrument: *id,
                        timeframe,
                        bar: *bar,
                    });
                }
            }
        }
        for book in depth.iter().filter_map(|id| self.market.depth(*id)) {
            out.put(&MarketData::Depth(book.clone()));
        }
    }

    pub(super) fn answer(&mut self, kind: SessionKind, query: Query, answer: oneshot::Sender<Reply>) {
        let reply = match query {
            Query::Status => Reply::Status(Box::new(self.status())),
            Query::State => Reply::State(Box::new(SnapshotMessage {
                state: self.engine.state().clone(),
                now: self.clock.now(),
            })),
            Query::Quotes { instruments } => self.quotes(&instruments),
            Query::Bars {
                instrument,
                timeframe,
                count,
            } => match self.broker.missing(&self.market, instrument, timeframe, count) {
                Some(ask) => return self.broker.ask_bars(ask, (instrument, timeframe, count), answer),
                None => Reply::Bars(
                    self.questions
                        .bars(&self.market, instrument, timeframe, count as usize),
                ),
            },
            Query::Find { text } => return self.broker.find(text, answer),
            Query::Margin { spec } => return self.margin(spec, Some(answer)),
            Query::Log { from, count } => return self.questions.log(from, count, answer),
            Query::Orders {
                account,
                instrument,
                before,
                count,
            } => {
                return self.questions.page(
                    Page::Orders,
                    page_of(account, instrument, before, count),
                    answer,
                );
            }
            Query::Executions {
                account,
                instrument,
                before,
                count,
            } => {
                let wanted = page_of(account, instrument, before, count);
                return self.questions.page(Page::Executions, wanted, answer);
            }
            Query::History { order } => return self.questions.history(order, answer),
            Query::PnlDays {
                account,
                before,
                count,
            } => return self.days.answer((account, before, count), answer),
            Query::Curve { account, after } => Reply::Curve(self.curves.after(account, after)),
            Query::Books { day } => {
                let now = self.clock.now();
                let offset = self.life.venue_clock.offset_ns(now);
                return self.questions.books(&day, offset, now, answer);
            }
            Query::Connection { .. } if kind == SessionKind::Monitor => Reply::Failed {
                reason: SafeText::new("a session that only looks can't touch the connection"),
            },
            Query::Connection { up } => self.broker.connection(up),
            Query::Stop if kind == SessionKind::Monitor => Reply::Failed {
                reason: SafeText::new("a session that only looks can't stop the engine"),
            },
            Query::Stop => {
                tracing::info!("asked to stop");
                self.stop_soon();
                Reply::Stopping
            }
        };
        let _ = answer.send(reply);
    }

    /// History that was asked for: joined with what is here, kept, and told to everybody who waits for it.
    pub(super) fn take_history(&mut self, told: BarsTold) {
        let (instrument, timeframe) = (told.instrument, told.timeframe);
        let Some(bars) = told.bars else {
            return self.broker.again(instrument, timeframe);
        };
        let update = |bar: &crate::market::Bar| BarUpdate {
            instrument,
            timeframe,
            bar: *bar,
        };
        for bar in &bars {
            self.questions.keep_bar(&update(bar));
        }
        self.market.set_bars(instrument, timeframe, bars);
        self.engine.bars_replaced(instrument);
        let begin = BEGIN_WITH.iter().find(|(begun, _)| *begun == timeframe);
        let newest = begin.map_or(0, |(_, count)| *count);
        for bar in self.market.bars(instrument, timeframe).iter().rev().take(newest) {
            for out in self.watches.values_mut() {
                out.put_bar(&update(bar));
            }
        }
        for (wanted, count, answer) in self.broker.askers(instrument, timeframe) {
            let bars = self
                .questions
                .bars(&self.market, instrument, wanted, count as usize);
            let _ = answer.send(Reply::Bars(bars));
        }
    }

    pub(super) fn quotes(&self, wanted: &[InstrumentId]) -> Reply {
        let chosen = |id: &InstrumentId| wanted.is_empty() || wanted.contains(id);
        let ids = || self.engine.state().instruments.keys().filter(|id| chosen(id));
        let quotes = ids().filter_map(|id| self.market.quote(*id)).copied().collect();
        Reply::Quotes(
            quotes,
            ids().filter_map(|id| self.market.last(*id)).copied().collect(),
        )
    }

    pub(super) fn status(&self) -> StatusReply {
        let text = |text: &String| SafeText::new(text);
        StatusReply {
            pid: std::process::id(),
            profile: text(&self.life.profile),
            build: text(&self.life.build),
            sequence: self.engine.state().sequence,
            uptime_s: self.clock.uptime().as_secs(),
            clients: u32::try_from(
                self.kinds
                    .values()
                    .filter(|kind| **kind == SessionKind::Terminal)
                    .count(),
            )
            .unwrap_or(u32::MAX),
            settings: self
                .life
                .settings
                .iter()
                .map(|(name, value, source)| (text(name), text(value), text(source)))
                .collect(),
            default_account: self.default_account(),
            health: self.broker.health.clone().into_iter().collect(),
        }
    }

    /// The configured account, else the first that the broker reported.
    pub(super) fn default_account(&self) -> Option<AccountKey> {
        let accounts = || self.engine.state().accounts.keys();
        match &self.life.account {
            Some(wanted) => accounts().find(|key| key.account.as_str() == wanted).copied(),
            None => accounts().next().copied(),
        }
    }
}

/// A page of at most as many rows as one is meant to have.
fn page_of(
    account: Option<AccountKey>,
    instrument: Option<InstrumentId>,
    before: Option<u64>,
    count: u32,
) -> PageWanted {
    PageWanted {
        account,
        instrument,
        before,
        count: count.min(crate::engine::history::PAGE) as usize,
    }
}
