//! The desk: everything the screen shows and every half-finished thing a person has under their hands. It takes what the
//! engine tells and what a person does (`update`), and answers with effects; it draws nothing, sends nothing, and knows
//! the time only as an argument.

mod message;
mod sent;
mod told;

pub use message::{Kind, Message, Tone};
pub(in crate::tui) use sent::words;

use super::again::LastOrder;
use super::alerts::Alarm;
use super::chord::Chord;
use super::differences::About;
use super::keymap::Keymap;
use super::layout::{PaneId, WORKSPACES};
use super::line::Line;
use super::link::ToEngine;
use super::memory::DeskMemory;
use super::pane::Pane;
use super::panes::{
    AccountPane, Activity, AlertsPane, AtRisk, Chart, Connections, CorrelationPane, CurvePane, DepthChart,
    DepthPane, Differences, Executions, ExposurePane, LimitsPane, LogPane, Orders, Overview, PositionDetail,
    Positions, TapePane, Watchlist,
};
use super::plan::Plan;
use super::probe::Probe;
use super::run::{Exit, TuiSettings};
use super::search::Search;
use super::theme::Theme;
use super::ticket::{FirstQuantities, Ticket};
use super::what_if::WhatIf;
use super::world::{Link, World};
use crate::domain::{AccountClass, AccountKey, ClientOrderId, InstrumentId, Quantity, SafeText, Timestamp};
use crate::engine::State;
use crate::market::Timeframe;
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
    /// Of each workspace its panes by when they last had the focus there, newest first: which tab is in front, and where the
    /// focus comes back to.
    recent: [Vec<PaneId>; WORKSPACES.len()],
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
    /// The order that was sent last.
    pub(super) last_order: Option<LastOrder>,
    /// The books of the day whose statement is open, or why there are none; nothing before they come.
    pub(super) books: Option<Result<Box<State>, SafeText>>,
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
                place(PaneId::Exposure, ExposurePane::new()),
                place(PaneId::Limits, LimitsPane::new()),
                place(PaneId::AtRisk, AtRisk::new()),
                place(PaneId::Correlation, CorrelationPane::new()),
            ],
            focus: PaneId::Watchlist,
            recent: Default::default(),
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
            last_order: None,
            books: None,
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

    /// True while a whole state is here and the link stands.
    pub fn is_attached(&self) -> bool {
        self.world.link == Link::Attached && self.world.is_known
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
        let recent = self.recent_here().iter();
        recent
            .copied()
            .find(|pane| tabs.contains(pane))
            .or_else(|| tabs.first().copied())
    }
    /// The panes of this workspace by when they last had the focus, newest first.
    pub(super) fn recent_here(&self) -> &[PaneId] {
        self.recent
            .get(usize::from(self.workspace))
            .map_or(&[], Vec::as_slice)
    }
    /// Gives a pane the focus.
    pub fn focus_on(&mut self, pane: PaneId) {
        self.focus = pane;
        self.bring_to_front(&[pane]);
    }
    /// Puts panes of this workspace in front of others that share their places, the first of them as the newest.
    pub(super) fn bring_to_front(&mut self, panes: &[PaneId]) {
        if let Some(recent) = self.recent.get_mut(usize::from(self.workspace)) {
            recent.retain(|other| !panes.contains(other));
            recent.splice(0..0, panes.iter().copied());
        }
    }
    /// Forgets what was in front in this workspace.
    pub(super) fn forget_fronts(&mut self) {
        if let Some(recent) = self.recent.get_mut(usize::from(self.workspace)) {
            recent.clear();
        }
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
