//! What the engine tells the desk, and what the desk asks it for: state, facts, answers, outcomes, the link's end.

use super::{BARS_ASKED, BARS_ROLLED, Desk, Effect, Kind, Message, Tone, WATCHED};
use crate::domain::{AccountKey, InstrumentId, SafeText, Timestamp};
use crate::engine::state::{Notice, NoticeLevel};
use crate::engine::{Actor, Event, Fact, Outcome};
use crate::market::{BarUpdate, Timeframe};
use crate::tui::link::{Answer, Ask, FromEngine, ToEngine};
use crate::tui::pane::Wish;
use crate::tui::panes::read;
use crate::tui::watched::watched;
use crate::tui::world::Link;
use std::time::Duration;

impl Desk {
    /// Takes what the engine tells.
    pub fn on_engine(&mut self, message: FromEngine, now: Timestamp) -> Vec<Effect> {
        self.world.heard_at = now;
        match message {
            FromEngine::Attached {
                session,
                build,
                engine_older,
                venue_offset_ns,
                venue_speed_milli,
                ..
            } => {
                self.world.session = Some(session);
                self.world.build = build;
                self.world.link = Link::Attached;
                self.world.is_known = false;
                self.world.only_looks = false;
                self.world.health.clear();
                let venue = Timestamp(now.0.saturating_add(venue_offset_ns));
                self.world.venue_clock = (venue, now, venue_speed_milli);
                self.asked_bars.clear();
                self.world.market.forget_bars();
                self.watched.clear();
                self.watched_depth.clear();
                if let Some(older) = engine_older {
                    self.say(Tone::Warn, older, now);
                }
            }
            FromEngine::Snapshot(state, _) => self.take_snapshot(*state),
            FromEngine::Resumed => self.world.is_known = true,
            FromEngine::OnlyLooks => self.world.only_looks = true,
            FromEngine::Events(events) => self.take_events(&events, now),
            FromEngine::Quotes(quotes) => {
                self.world.market.received_at(now);
                for quote in quotes {
                    self.world.market.on_quote(quote);
                }
            }
            FromEngine::Terms(all) => all.into_iter().for_each(|terms| {
                self.world.market.on_terms(terms);
            }),
            FromEngine::Depths(depths) => depths.into_iter().for_each(|depth| {
                self.world.market.on_depth(depth);
            }),
            FromEngine::Prints(prints) => {
                // A replica takes its bars ready-made, so a print changes none here.
                let mut none = Vec::new();
                self.world.market.received_at(now);
                for print in prints {
                    self.world.market.on_print(print, &mut none);
                }
            }
            FromEngine::BarUpdates(bars) => {
                for (instrument, timeframe, bar) in bars {
                    self.world.take_bar(&BarUpdate {
                        instrument,
                        timeframe,
                        bar,
                    });
                }
            }
            FromEngine::Bars(instrument, timeframe, bars) => {
                self.world.market.set_bars(instrument, timeframe, bars);
            }
            FromEngine::Outcome { token, outcome } => self.take_outcome(token, outcome, now),
            FromEngine::Lost { reason } => self.lose(reason, now),
            // The loop's own.
            FromEngine::Written { .. } | FromEngine::ReadAt(_) => {}
            FromEngine::RoundTrip(span) => self.world.round_trip = Some(span),
            FromEngine::Health(health) => {
                self.world.health.insert(health.broker, (*health, now));
            }
            FromEngine::Margin { token, margin } => self.take_margin(token, margin),
            FromEngine::Answered(Ask::Books(day), answer) => return self.take_books(day, answer),
            FromEngine::Answered(ask, answer) => self.take_answer(ask, &answer, now),
            FromEngine::Found(found) => self.take_found(&found, now),
            FromEngine::Linked { group, instrument } => self.take_link(group, instrument),
            FromEngine::Failed(reason) => self.say(Tone::Warn, reason.to_string(), now),
        }
        self.pin_line(now);
        self.ask()
    }

    /// Hands an answer to the panes; one about the connection is told.
    pub(super) fn take_answer(&mut self, ask: Ask, answer: &Answer, now: Timestamp) {
        for place in &mut self.panes {
            place.pane.answered(&ask, answer);
        }
        match answer {
            Answer::Words(text) => self.say(Tone::Plain, text.to_string(), now),
            Answer::Failed(why) => self.say(Tone::Warn, why.to_string(), now),
            _ => {}
        }
    }

    /// Asks what panes want to know, once a second.
    pub(in crate::tui) fn ask_for_panes(&mut self, now: Timestamp) -> Vec<Effect> {
        if !self.is_attached() {
            return Vec::new();
        }
        let view = self.world.view(now);
        let wanted = self.panes.iter_mut().filter_map(|place| place.pane.asks(&view));
        wanted.map(|ask| Effect::Tell(ToEngine::Ask(ask))).collect()
    }

    /// What the broker found: an instrument that is listed by now goes on the desk, others are named.
    pub(super) fn take_found(&mut self, found: &[(Option<InstrumentId>, SafeText)], now: Timestamp) {
        let listed = found.iter().find_map(|(id, _)| *id);
        // The answer may come before the event that lists it.
        self.found = listed;
        self.show_found();
        let lines: Vec<&str> = found.iter().take(4).map(|(_, line)| line.as_str()).collect();
        let text = match (listed, found.len()) {
            (Some(_), _) => lines.join(", "),
            (None, count) => format!("{count} similar: {}", lines.join(" | ")),
        };
        self.say(Tone::Plain, text, now);
    }

    /// Puts what was looked for on the desk, once it is listed.
    pub(super) fn show_found(&mut self) {
        let listed = |id: &InstrumentId| self.world.state.instruments.contains_key(id);
        if let Some(id) = self.found.take_if(|id| listed(id)) {
            self.world.instrument = Some(id);
        }
    }
    /// The instruments whose book and bars are shown: the desk's first, then those of groups that panes follow.
    pub(super) fn looked_at(&self) -> Vec<InstrumentId> {
        let mut all: Vec<InstrumentId> = self.world.instrument.into_iter().collect();
        for pane in self.plan.links.keys() {
            all.extend(self.instrument_of(*pane).filter(|id| !all.contains(id)));
        }
        all
    }

    pub(super) fn take_snapshot(&mut self, state: crate::engine::State) {
        if self.last_notice == 0 {
            self.last_notice = state.notices.back().map_or(0, |notice| notice.sequence);
        }
        self.alarm.take_snapshot(&state);
        self.world.take_snapshot(state);
        let accounts = &self.world.state.accounts;
        let here = |account: &AccountKey| accounts.contains_key(account);
        let account = self
            .wanted_account
            .filter(here)
            .or(self.world.account.filter(here));
        self.world.account = account.or_else(|| accounts.keys().next().copied());
        let known = |id: &InstrumentId| self.world.state.instruments.contains_key(id);
        let instrument = self.world.instrument.filter(known);
        self.world.instrument = instrument.or_else(|| self.world.state.instruments.keys().next().copied());
    }

    pub(super) fn take_events(&mut self, events: &[Event], now: Timestamp) {
        for event in events {
            if !self.world.fold(event) {
                tracing::warn!(
                    have = self.world.state.sequence,
                    got = event.sequence,
                    "events are missing"
                );
                self.say(
                    Tone::Warn,
                    "events are missing: what is shown may be old until the link is renewed",
                    now,
                );
                return;
            }
            self.alarm.take_event(event, &self.world.state);
        }
        if self.world.account.is_none() {
            self.world.account = self.world.state.accounts.keys().next().copied();
        }
        if self.world.instrument.is_none() {
            self.world.instrument = self.world.state.instruments.keys().next().copied();
        }
        self.show_found();
        self.tell_notices(events, now);
    }

    /// Puts the newest of the new notices on the message line; a fill or a warning is not covered by what is less, and nothing but
    /// another alert by an alert.
    pub(super) fn tell_notices(&mut self, events: &[Event], now: Timestamp) {
        let is_new =
            |notice: &&Notice| notice.sequence > self.last_notice && notice.level > NoticeLevel::Info;
        let view = self.world.view(now);
        let in_zone = |notice: &Notice| Notice {
            text: SafeText::new(&read::in_zone(&view, notice.text.as_str(), notice.at)),
            ..notice.clone()
        };
        let notices = self.world.state.notices.iter();
        let mut new: Vec<_> = notices.filter(is_new).map(in_zone).collect();
        if let Some(last) = self.world.state.notices.back() {
            self.last_notice = self.last_notice.max(last.sequence);
        }
        self.toasts.take(&new, now);
        // What a command of this terminal did is in its answer.
        let ours = self.world.session.map(Actor::Session);
        let event_of = |notice: &Notice| events.iter().find(|event| event.sequence == notice.sequence);
        if self.message.as_ref().is_some_and(|shown| shown.says_all(now)) {
            new.retain(|notice| event_of(notice).is_none_or(|event| Some(event.actor) != ours));
        }
        let kind = |notice: &Notice| match event_of(notice).map(|event| &event.fact) {
            Some(Fact::AlertFired { .. }) => Kind::Alert,
            _ => Kind::Notice,
        };
        let (alerts, others): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|notice| kind(notice) == Kind::Alert);
        let told = |kind, notices: &[Notice]| {
            let notice = notices
                .iter()
                .max_by_key(|notice| (notice.level, notice.sequence))?;
            let mut message = Message::new(kind, tone_of(notice.level), notice.text.as_str(), now);
            message.more = notices.len() - 1;
            Some(message)
        };
        if let Some(message) = told(Kind::Notice, &others) {
            self.tell(message, now);
        }
        if let Some(message) = told(Kind::Alert, &alerts) {
            self.tell(message, now);
        }
    }

    pub(super) fn take_outcome(&mut self, token: u64, outcome: Outcome, now: Timestamp) {
        let what = self.waiting.remove(&token).unwrap_or_default();
        match outcome {
            Outcome::Done { note: Some(note), .. } => {
                self.answer(Kind::Answer, Tone::Plain, format!("{what}: {note}"), now);
            }
            Outcome::Done { note: None, .. } => {
                // The fill of this very order may have been told already: that says more.
                let says_more = |m: &Message| m.tone > Tone::Plain && m.kind != Kind::Alert;
                let shown = self.message.as_ref().filter(|m| says_more(m));
                let told = shown.is_some_and(|m| now.since(m.at) < Duration::from_secs(1));
                if !told && !what.is_empty() {
                    self.answer(Kind::Taken, Tone::Plain, what, now);
                }
            }
            Outcome::Known { .. } => {
                let text = format!("{what}: it was recorded before");
                self.answer(Kind::Answer, Tone::Plain, text, now);
            }
            Outcome::Denied(denial) => {
                self.answer(Kind::Answer, Tone::Warn, format!("denied: {what}: {denial}"), now);
            }
            Outcome::Refused(denial) => {
                self.answer(
                    Kind::Answer,
                    Tone::Warn,
                    format!("refused: {what}: {denial}"),
                    now,
                );
            }
        }
    }

    pub(super) fn lose(&mut self, reason: String, now: Timestamp) {
        let unanswered = std::mem::take(&mut self.waiting).len();
        if unanswered > 0 {
            let text = format!(
                "{unanswered} without an answer when the link was lost: look at the orders once it is back"
            );
            self.say(Tone::Warn, text, now);
        }
        let since = match self.world.link {
            Link::Lost(since, _) => since,
            _ => now,
        };
        self.world.link = Link::Lost(since, reason);
        self.miss_books();
    }

    /// Asks for the data that the desk shows and has not asked for yet.
    pub(in crate::tui) fn ask(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !self.is_attached() {
            return effects;
        }
        let depth = self.looked_at();
        let mut seen = depth.clone();
        seen.extend(self.panes.iter().flat_map(|place| place.pane.seen()));
        let wanted = watched(&self.world, &seen, &self.watched, WATCHED);
        if !wanted.is_empty() && (wanted != self.watched || depth != self.watched_depth) {
            self.watched.clone_from(&wanted);
            self.watched_depth.clone_from(&depth);
            effects.push(Effect::Tell(ToEngine::Watch {
                instruments: wanted,
                depth,
            }));
        }
        for instrument in self.looked_at() {
            for timeframe in Timeframe::BASE {
                self.ask_bars(instrument, timeframe, &mut effects);
            }
        }
        let now = self.world.heard_at;
        let wanted: Vec<Wish> = self
            .panes
            .iter()
            .filter_map(|place| place.pane.wants(&self.view_of(place.id, now)))
            .collect();
        for wish in wanted {
            if let Wish::Bars(instrument, timeframe) = wish {
                self.ask_bars(instrument, timeframe, &mut effects);
            }
        }
        effects
    }
    /// Asks for bars once. Those of a length that no engine tells of are rolled up here: more of their base is asked for.
    pub(super) fn ask_bars(
        &mut self,
        instrument: InstrumentId,
        timeframe: Timeframe,
        effects: &mut Vec<Effect>,
    ) {
        self.world.market.want_bars(instrument, timeframe);
        let base = timeframe.base().unwrap_or(timeframe);
        let count = if base == timeframe {
            BARS_ASKED
        } else {
            BARS_ROLLED
        };
        if self.asked_bars.insert((instrument, timeframe)) {
            effects.push(Effect::Tell(ToEngine::Bars {
                instrument,
                timeframe: base,
                count,
            }));
        }
    }
}

/// How a notice sounds.
fn tone_of(level: NoticeLevel) -> Tone {
    match level {
        NoticeLevel::Info | NoticeLevel::Told => Tone::Plain,
        NoticeLevel::Fill => Tone::Good,
        NoticeLevel::Warning => Tone::Warn,
    }
}
