//! The desk: everything the screen shows and every half-finished thing a person has under their hands. It takes what the
//! engine tells and what a person does (`update`), and answers with effects; it draws nothing, sends nothing, and knows
//! the time only as an argument.

use super::alerts::Alarm;
use super::chord::Chord;
use super::differences::{About, Deed};
use super::keymap::Keymap;
use super::layout::PaneId;
use super::line::Line;
use super::link::{Answer, Ask, FromEngine, ToEngine};
use super::memory::DeskMemory;
use super::moves::last_moves;
use super::pane::{Pane, Wish};
use super::panes::{
    AccountPane, Activity, AlertsPane, Chart, Connections, CurvePane, DepthChart, DepthPane, Differences,
    Executions, LogPane, Orders, Overview, PositionDetail, Positions, TapePane, Watchlist,
};
use super::plan::Plan;
use super::probe::Probe;
use super::run::{Exit, TuiSettings};
use super::search::Search;
use super::theme::Theme;
use super::ticket::{FirstQuantities, Ticket};
use super::watched::watched;
use super::what_if::WhatIf;
use super::world::{Link, World};
use crate::domain::{
    AccountClass, AccountKey, ClientOrderId, InstrumentId, Pending, Phase, Quantity, SafeText, Timestamp,
    TradingState, counted,
};
use crate::engine::difference::Remedy;
use crate::engine::state::NoticeLevel;
use crate::engine::{Command, Outcome};
use crate::market::{BarUpdate, Timeframe};
use ratatui::layout::Rect;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// How many bars are asked for at once.
const BARS_ASKED: u32 = 600;
/// How many where longer ones are rolled up from them.
const BARS_ROLLED: u32 = 2_000;
/// How many instruments are watched at most: brokers count lines.
const WATCHED: usize = 100;
/// How long a message stays.
const MESSAGE_STAYS: Duration = Duration::from_secs(8);
/// How long something may be held back and still be news.
const HELD_BACK: Duration = Duration::from_secs(60);
/// How long a warning stays.
const WARNING_STAYS: Duration = Duration::from_secs(20);

/// What the loop must do beyond drawing.
#[expect(
    clippy::large_enum_variant,
    reason = "a handful a second, never stored in numbers"
)]
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Tell the engine.
    Tell(ToEngine),
    /// End.
    Leave(Exit),
    /// Forget what the terminal shows and draw everything.
    Redraw,
    /// Stop as a job of the shell.
    Suspend,
    /// Copy the row under the cursor of the focused pane, as it is shown.
    CopyRow,
    /// Bytes that make the terminal ring or notify.
    Ring(Vec<u8>),
}

/// How a message sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// For the record.
    Plain,
    /// A fill.
    Good,
    /// Needs a look.
    Warn,
}

/// What the message line says.
#[derive(Clone, Debug)]
pub struct Message {
    /// In words.
    pub text: String,
    /// How it sounds.
    pub tone: Tone,
    /// Since when.
    pub at: Timestamp,
}

/// A command that waits for Enter because of what it would do.
#[derive(Clone, Debug)]
pub struct Question {
    /// What would be done, or what speaks against it.
    pub text: String,
    /// What Enter sends. A closing order's id is made at that moment.
    pub pledge: Pledge,
    /// When it was put.
    pub at: Timestamp,
}

/// What a question's Enter sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pledge {
    /// Close a position.
    Close(AccountKey, InstrumentId),
    /// Cancel an order.
    Cancel(ClientOrderId),
    /// Cancel every order of the account, or on one instrument, protective stops too.
    CancelStopsToo(AccountKey, Option<InstrumentId>),
    /// Do something about a line of the difference view.
    Resolve(About),
    /// Halt, and cancel protective stops too.
    HaltStopsToo(AccountKey),
    /// Flatten every instrument that the account holds or has orders on.
    Flatten(AccountKey),
    /// Cut the connection to the broker.
    Disconnect,
}

/// What is open over the panes; it gets the keys first.
#[derive(Clone, Debug)]
pub enum Modal {
    /// An order ticket.
    Ticket(Box<Ticket>),
    /// A question.
    Question(Question),
    /// The order line.
    Line(Line),
    /// The symbol search.
    Search(Search),
    /// The help, scrolled by so many rows.
    Help(u16),
    /// A sheet of the day, scrolled by so many rows.
    Sheet(super::sheets::Sheet, u16),
    /// Leave, and how?
    Leaving,
}

/// One pane in its place.
#[derive(Debug)]
pub struct Place {
    /// Which.
    pub id: PaneId,
    /// Itself.
    pub pane: Box<dyn Pane + Send>,
}

/// Makes ids of orders.
pub type IdMaker = Box<dyn FnMut() -> ClientOrderId + Send>;

/// The desk.
pub struct Desk {
    /// The replica and what is on the desk.
    pub world: World,
    /// All panes.
    pub panes: Vec<Place>,
    /// The pane with the focus.
    pub focus: PaneId,
    /// Panes by when they last had the focus, newest first: which tab is in front.
    pub recent: Vec<PaneId>,
    /// The focused pane has the whole body.
    pub zoomed: bool,
    /// The workspace's number.
    pub workspace: u8,
    /// How workspaces are arranged, and what each pane follows.
    pub plan: Plan,
    /// The tour is shown until the first key.
    pub tour: bool,
    /// What was last handed on to be remembered.
    pub(super) kept: DeskMemory,
    /// The theme that the settings name.
    pub(super) configured_theme: String,
    /// What is open.
    pub modal: Option<Modal>,
    /// The beginning of a key sequence.
    pub pressed: Vec<Chord>,
    /// When it began.
    pub(super) pressed_at: Timestamp,
    /// What the help is narrowed to.
    pub help_filter: String,
    /// Keys that type go into that.
    pub(super) help_typing: bool,
    /// The line behind a key that was done last, and when that key was last heard.
    pub(super) hotkey_heard: Option<(u8, Timestamp)>,
    /// A typed count or quantity.
    pub count: Option<u32>,
    /// The message line.
    pub message: Option<Message>,
    /// What is said once a fill or a warning has had its time.
    held_back: Option<Message>,
    /// What a search at the broker found, until it is listed.
    found: Option<InstrumentId>,
    /// What the broker said the ticket's order would bind.
    pub(super) what_if: Option<WhatIf>,
    /// The profile's name.
    pub profile: String,
    /// What a first order in each kind of instrument starts with.
    pub first_quantities: FirstQuantities,
    /// The keys.
    pub keymap: Keymap,
    /// Where panes were at the last frame.
    pub body: Rect,
    /// The terminal is too small to show anything: only the panic keys and leaving hold.
    pub too_small: bool,
    /// Earlier lines, newest last.
    pub history: Vec<String>,
    pub(super) new_id: IdMaker,
    /// The id that previews use; no order ever carries it.
    pub preview_id: ClientOrderId,
    pub(super) themes: Vec<(String, String)>,
    pub(super) enter_at: Option<Timestamp>,
    /// What the terminal was asked, and answered.
    pub probe: Probe,
    /// When a person last did something.
    pub(super) touched_at: Timestamp,
    /// After so long without that, arming of a real account ends; zero for never.
    pub(super) arm_idle: Duration,
    pub(super) quantities: BTreeMap<InstrumentId, Quantity>,
    wanted_account: Option<AccountKey>,
    pub(super) next_token: u64,
    waiting: BTreeMap<u64, String>,
    asked_bars: BTreeSet<(InstrumentId, Timeframe)>,
    watched: Vec<InstrumentId>,
    watched_depth: Vec<InstrumentId>,
    last_notice: u64,
    /// Fills of the last moments.
    pub(super) toasts: super::toast::Toasts,
    /// Bells and notifications, and the order that an alert staged.
    pub(super) alarm: Alarm,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("focus", &self.focus)
            .field("modal", &self.modal)
            .finish_non_exhaustive()
    }
}

impl Desk {
    /// A desk before any engine has answered. What is wrong with the theme is the first message.
    pub fn new(settings: &TuiSettings, mut new_id: IdMaker, now: Timestamp) -> Self {
        let (theme, faults) = Theme::choose(&settings.themes, &settings.theme);
        let watchlist = Watchlist::with(&settings.watch);
        let overview = Overview::new(watchlist.shown());
        let mut desk = Self {
            world: World {
                templates: settings.templates.clone(),
                ..World::new(theme, now)
            },
            panes: vec![
                place(PaneId::Watchlist, watchlist),
                place(PaneId::Chart, Chart::new()),
                place(PaneId::Depth, DepthPane::new()),
                place(PaneId::Tape, TapePane::with(settings.large_print)),
                place(PaneId::Overview, overview),
                place(PaneId::DepthChart, DepthChart::new()),
                place(PaneId::Chart2, Chart::of("chart2", Timeframe::M5)),
                place(PaneId::Chart3, Chart::of("chart3", Timeframe::H1)),
                place(PaneId::Chart4, Chart::of("chart4", Timeframe::Day)),
                place(PaneId::Positions, Positions::new()),
                place(PaneId::Orders, Orders::new()),
                place(PaneId::Executions, Executions::new()),
                place(PaneId::Account, AccountPane::new()),
                place(PaneId::Log, LogPane::new(settings.log.clone())),
                place(PaneId::Connections, Connections::new()),
                place(PaneId::PositionDetail, PositionDetail::new()),
                place(PaneId::Activity, Activity::new()),
                place(PaneId::Curve, CurvePane::new()),
                place(PaneId::Alerts, AlertsPane::new()),
                place(PaneId::Differences, Differences::new()),
            ],
            focus: PaneId::Watchlist,
            recent: Vec::new(),
            zoomed: false,
            workspace: 0,
            plan: Plan::default(),
            tour: false,
            kept: DeskMemory::default(),
            configured_theme: settings.theme.clone(),
            modal: None,
            pressed: Vec::new(),
            pressed_at: now,
            help_filter: String::new(),
            help_typing: false,
            hotkey_heard: None,
            count: None,
            message: None,
            held_back: None,
            found: None,
            what_if: None,
            profile: settings.profile.clone(),
            first_quantities: settings.first_quantities,
            keymap: settings.opening.keymap.clone(),
            body: Rect::new(0, 1, 80, 20),
            too_small: false,
            history: Vec::new(),
            preview_id: new_id(),
            new_id,
            themes: settings.themes.clone(),
            enter_at: None,
            probe: Probe::default(),
            touched_at: now,
            arm_idle: settings.arm_idle,
            quantities: BTreeMap::new(),
            wanted_account: settings.default_account,
            next_token: 1,
            waiting: BTreeMap::new(),
            asked_bars: BTreeSet::new(),
            watched: Vec::new(),
            watched_depth: Vec::new(),
            last_notice: 0,
            toasts: super::toast::Toasts::default(),
            alarm: Alarm::new(settings.alarm),
        };
        let faults: Vec<String> = faults.into_iter().chain(settings.watch.fault()).collect();
        for fault in &faults {
            tracing::warn!("{fault}");
        }
        if let Some(fault) = faults.first() {
            let more = if faults.len() > 1 {
                format!(" (and {} more, in the log)", faults.len() - 1)
            } else {
                String::new()
            };
            desk.say(Tone::Warn, format!("{fault}{more}"), now);
        }
        desk.open(&settings.opening, now);
        desk
    }

    /// Takes what was remembered and what this start was told.
    fn open(&mut self, opening: &super::run::Opening, now: Timestamp) {
        self.world.local_zone = opening.local_zone.clone();
        self.recall(&opening.memory, opening.theme_is_told, now);
        if let Some(workspace) = opening.workspace {
            self.go(workspace);
        }
        if let Some(group) = opening.link {
            for pane in self.tab_order() {
                let before = self.plan.links.insert(pane, group);
                self.plan.told.insert(pane, before);
            }
        }
        for fault in &opening.faults {
            tracing::warn!("{fault}");
        }
        if let Some(fault) = opening.faults.first() {
            self.say(Tone::Warn, fault.clone(), now);
        }
    }

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
            FromEngine::Quotes(quotes) => quotes.into_iter().for_each(|quote| {
                self.world.market.on_quote(quote);
            }),
            FromEngine::Terms(all) => all.into_iter().for_each(|terms| {
                self.world.market.on_terms(terms);
            }),
            FromEngine::Depths(depths) => depths.into_iter().for_each(|depth| {
                self.world.market.on_depth(depth);
            }),
            FromEngine::Prints(prints) => {
                // A replica takes its bars ready-made, so a print changes none here.
                let mut none = Vec::new();
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
            FromEngine::Answered(ask, answer) => self.take_answer(ask, &answer, now),
            FromEngine::Found(found) => self.take_found(&found, now),
            FromEngine::Linked { group, instrument } => self.take_link(group, instrument),
            FromEngine::Failed(reason) => self.say(Tone::Warn, reason.to_string(), now),
        }
        self.pin_line(now);
        self.ask()
    }

    /// Hands an answer to the panes; one about the connection is told.
    fn take_answer(&mut self, ask: Ask, answer: &Answer, now: Timestamp) {
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
    pub(super) fn ask_for_panes(&mut self, now: Timestamp) -> Vec<Effect> {
        if !self.is_attached() {
            return Vec::new();
        }
        let view = self.world.view(now);
        let wanted = self.panes.iter_mut().filter_map(|place| place.pane.asks(&view));
        wanted.map(|ask| Effect::Tell(ToEngine::Ask(ask))).collect()
    }

    /// What the broker found: an instrument that is listed by now goes on the desk, others are named.
    fn take_found(&mut self, found: &[(Option<InstrumentId>, SafeText)], now: Timestamp) {
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
    fn show_found(&mut self) {
        let listed = |id: &InstrumentId| self.world.state.instruments.contains_key(id);
        if let Some(id) = self.found.take_if(|id| listed(id)) {
            self.world.instrument = Some(id);
        }
    }
    /// The instruments whose book and bars are shown: the desk's first, then those of groups that panes follow.
    fn looked_at(&self) -> Vec<InstrumentId> {
        let mut all: Vec<InstrumentId> = self.world.instrument.into_iter().collect();
        for pane in self.plan.links.keys() {
            all.extend(self.instrument_of(*pane).filter(|id| !all.contains(id)));
        }
        all
    }

    fn take_snapshot(&mut self, state: crate::engine::State) {
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

    fn take_events(&mut self, events: &[crate::engine::Event], now: Timestamp) {
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
        self.tell_notices(now);
    }

    /// Puts the newest of the new notices on the message line; a fill or a warning is not covered by what is less.
    fn tell_notices(&mut self, now: Timestamp) {
        let new: Vec<_> = self
            .world
            .state
            .notices
            .iter()
            .filter(|notice| notice.sequence > self.last_notice && notice.level > NoticeLevel::Info)
            .cloned()
            .collect();
        if let Some(last) = self.world.state.notices.back() {
            self.last_notice = self.last_notice.max(last.sequence);
        }
        self.toasts.take(&new, now);
        if let Some(notice) = new.iter().max_by_key(|notice| (notice.level, notice.sequence)) {
            let more = if new.len() > 1 {
                format!("  (+{} more)", new.len() - 1)
            } else {
                String::new()
            };
            let tone = match notice.level {
                NoticeLevel::Info | NoticeLevel::Told => Tone::Plain,
                NoticeLevel::Fill => Tone::Good,
                NoticeLevel::Warning => Tone::Warn,
            };
            self.tell(tone, format!("{}{more}", notice.text), now);
        }
    }

    /// Says something, or holds it back while something louder has its time.
    fn tell(&mut self, tone: Tone, text: String, now: Timestamp) {
        let shown = self.message.take();
        self.say(tone, text, now);
        if shown
            .as_ref()
            .is_some_and(|shown| shown.tone > Tone::Plain && tone == Tone::Plain)
        {
            self.held_back = std::mem::replace(&mut self.message, shown);
        }
    }

    fn take_outcome(&mut self, token: u64, outcome: Outcome, now: Timestamp) {
        let what = self.waiting.remove(&token).unwrap_or_default();
        match outcome {
            Outcome::Done { note: Some(note), .. } => self.say(Tone::Plain, format!("{what}: {note}"), now),
            Outcome::Done { note: None, .. } => {
                // The fill of this very order may have been told already: that says more.
                let told = self
                    .message
                    .as_ref()
                    .is_some_and(|m| m.tone > Tone::Plain && now.since(m.at) < Duration::from_secs(1));
                if !told && !what.is_empty() {
                    self.say(Tone::Plain, what, now);
                }
            }
            Outcome::Known { .. } => self.say(Tone::Plain, format!("{what}: it was recorded before"), now),
            Outcome::Denied(denial) => self.say(Tone::Warn, format!("denied: {what}: {denial}"), now),
            Outcome::Refused(denial) => self.say(Tone::Warn, format!("refused: {what}: {denial}"), now),
        }
    }

    fn lose(&mut self, reason: String, now: Timestamp) {
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
    }

    /// Asks for the data that the desk shows and has not asked for yet.
    pub(super) fn ask(&mut self) -> Vec<Effect> {
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
    fn ask_bars(&mut self, instrument: InstrumentId, timeframe: Timeframe, effects: &mut Vec<Effect>) {
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
    /// True while a whole state is here and the link stands.
    pub fn is_attached(&self) -> bool {
        self.world.link == Link::Attached && self.world.is_known
    }

    /// Says something on the message line.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>, now: Timestamp) {
        self.message = Some(Message {
            text: SafeText::new(&text.into()).to_string(),
            tone,
            at: now,
        });
    }
    /// Lets an old message go; true where something changed.
    pub fn tick(&mut self, now: Timestamp) -> bool {
        self.toasts.forget(now);
        let gone = self.message.as_ref().is_some_and(|message| {
            let stays = if message.tone == Tone::Warn {
                WARNING_STAYS
            } else {
                MESSAGE_STAYS
            };
            now.since(message.at) > stays
        });
        if gone {
            let waited = self.held_back.take();
            self.message = waited
                .filter(|held| now.since(held.at) <= HELD_BACK)
                .map(|held| Message { at: now, ..held });
        }
        gone
    }

    /// Sends a command; `what` is how its answer is told.
    pub(super) fn send(&mut self, command: Command, what: String, now: Timestamp) -> Vec<Effect> {
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
    pub(super) fn need_account(&mut self, now: Timestamp) -> Option<AccountKey> {
        if self.world.account.is_none() {
            self.say(Tone::Warn, "no account is known yet", now);
        }
        self.world.account
    }
    /// Account and instrument on the desk, or a message that there are none.
    pub(super) fn need_instrument(&mut self, now: Timestamp) -> Option<(AccountKey, InstrumentId)> {
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
    pub(super) fn set_trading(&mut self, state: TradingState, now: Timestamp) -> Vec<Effect> {
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
    pub(super) fn grant(&mut self, wishes: Vec<Wish>, now: Timestamp) -> Vec<Effect> {
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
    fn put_question(&mut self, text: String, pledge: Pledge, now: Timestamp) {
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
    fn send_or_ask(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
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
    pub(super) fn cancel(&mut self, id: ClientOrderId, now: Timestamp) -> Vec<Effect> {
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
    pub(super) fn flatten_account(&mut self, account: AccountKey, now: Timestamp) -> Vec<Effect> {
        let exits = self.to_flatten(account);
        let exits = exits.into_iter().map(|(id, ..)| (id, (self.new_id)())).collect();
        let command = Command::FlattenAccount { account, exits };
        let what = words(&command);
        self.send(command, what, now)
    }
    /// What would stand without a stop if this order went: `300 AAPL`.
    fn left_naked(&self, id: ClientOrderId) -> Option<String> {
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
    fn edit(&mut self, id: ClientOrderId, now: Timestamp) {
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

    /// The window's title.
    pub fn title(&self) -> String {
        let class = self.class().map_or("", AccountClass::word);
        let account = self
            .world
            .account
            .filter(|_| !self.world.masked)
            .map_or(String::new(), |key| key.account.to_string());
        format!("tradewind {class} {account}").trim_end().to_owned()
    }
    /// The tab in front of a place.
    pub fn front(&self, tabs: &[PaneId]) -> Option<PaneId> {
        self.recent
            .iter()
            .find(|pane| tabs.contains(pane))
            .or(tabs.first())
            .copied()
    }
    /// Gives a pane the focus.
    pub fn focus_on(&mut self, pane: PaneId) {
        self.focus = pane;
        self.recent.retain(|other| *other != pane);
        self.recent.insert(0, pane);
    }
    /// A pane by its name.
    pub fn pane(&self, id: PaneId) -> Option<&Place> {
        self.panes.iter().find(|place| place.id == id)
    }
}

fn place(id: PaneId, pane: impl Pane + Send + 'static) -> Place {
    Place {
        id,
        pane: Box::new(pane),
    }
}

/// What was to be sent, without the word that it was.
fn unsent(what: &str) -> &str {
    what.strip_prefix("sent ").unwrap_or(what)
}

/// A command as the message line tells it.
pub(super) fn words(command: &Command) -> String {
    match command {
        Command::Submit { spec, .. } | Command::Park { spec, .. } => format!("sent {spec}"),
        Command::ConfirmParked { .. } => "confirmed what is parked".to_owned(),
        Command::SubmitPair {
            first_spec,
            second_spec,
            ..
        } => format!("sent {first_spec} or {second_spec}"),
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
        Command::Arm { .. } => "armed".to_owned(),
        Command::Disarm { .. } => "disarmed".to_owned(),
        Command::AcceptDifference { instrument, .. } => {
            format!("taking the broker's position of {instrument} for ours")
        }
        Command::AcceptGap { .. } => "gap acknowledged".to_owned(),
        Command::AcceptDouble { .. } => "cancelling the newer of two orders under one reference".to_owned(),
        Command::Resolve { remedy, subject, .. } => match remedy {
            Remedy::Adopt => format!("{subject}: taken for known"),
            Remedy::Ignore { .. } => format!("{subject}: left as it is"),
            Remedy::Cancel => format!("{subject}: cancel asked"),
            Remedy::Flatten { .. } => format!("{subject}: flattening"),
        },
        Command::AcknowledgeBreaker { broker, .. } => format!("breaker of {broker}: acknowledged"),
        Command::Reconcile { .. } => "reading what the broker knows".to_owned(),
        Command::SetAlert { spec } => format!("alert {}", spec.condition),
        Command::RemoveAlert { id: Some(id) } => format!("alert {id} removed"),
        Command::RemoveAlert { id: None } => "all alerts removed".to_owned(),
        Command::PauseAlert { id, paused: true } => format!("alert {id} paused"),
        Command::PauseAlert { id, .. } => format!("alert {id} goes on"),
        Command::ArmPrograms { minutes, .. } => format!("programs may add risk for {minutes} minutes"),
        Command::DisarmPrograms { .. } => "programs are disarmed".to_owned(),
        Command::OpenSession
        | Command::CloseSession
        | Command::OpenProgram { .. }
        | Command::Lease { .. } => String::new(),
    }
}
