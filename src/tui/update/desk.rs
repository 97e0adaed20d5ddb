//! Actions on the desk, while nothing is open over it: tickets and questions are opened, the focus goes about, and what is a pane's
//! business is handed to the pane.

use crate::domain::{AccountClass, AccountKey, Quantity, Side, Timestamp, TradingState};
use crate::engine::Command;
use crate::engine::known;
use crate::tui::action::Action;
use crate::tui::desk::{Desk, Effect, Kind, Modal, Pledge, Question, Tone, words};
use crate::tui::keymap::Context;
use crate::tui::layout::{PaneId, WORKSPACES};
use crate::tui::line::Line;
use crate::tui::pane::{View, Wish};
use crate::tui::panes::read;
use crate::tui::plan::Undone;
use crate::tui::run::Exit;
use crate::tui::search::Search;
use crate::tui::ticket::Ticket;
use crate::tui::world::{Link, Zone};

impl Desk {
    pub(super) fn act_on_desk(&mut self, action: Action, now: Timestamp) -> Vec<Effect> {
        if let Some(effects) = self.act_on_plan(action, now) {
            return effects;
        }
        match action {
            Action::Buy => self.open_ticket(Side::Buy, false, now),
            Action::Sell => self.open_ticket(Side::Sell, false, now),
            Action::BuyMarket => self.open_ticket(Side::Buy, true, now),
            Action::SellMarket => self.open_ticket(Side::Sell, true, now),
            Action::Close => self.ask_close(now),
            Action::Search => self.modal = Some(Modal::Search(Search::default())),
            Action::CommandLine => self.modal = Some(Modal::Line(Line::new(now))),
            Action::Help => self.open_help(),
            Action::Hotkey(n) => return self.hotkey(n, now),
            Action::CopyRow => return vec![Effect::CopyRow],
            Action::Quit => return self.leave(),
            Action::NextPane => self.step_focus(true),
            Action::PreviousPane => self.step_focus(false),
            Action::Pane(n) => self.focus_nth(n),
            Action::ZoomPane => self.zoomed = !self.zoomed,
            Action::Workspace(n) => self.go(n),
            Action::ThemeNext => self.next_theme(now),
            Action::Freeze => self.toggle_frozen(now),
            Action::Mask => self.world.masked = !self.world.masked,
            Action::NextZone => self.next_zone(now),
            Action::TakeToken => return self.send(Command::TakeToken, words(&Command::TakeToken), now),
            Action::AlertHere => self.alert_here(now),
            Action::OpenStaged => self.open_staged(now),
            Action::OrderAgain => self.order_again(now),
            Action::Protect => self.protect_here(now),
            Action::Resume => return self.set_trading(TradingState::Active, now),
            Action::Escape if self.focused_has_open(now) => return self.act_on_pane(action, now),
            Action::Escape if self.message.is_some() || self.count.is_some() => self.message = None,
            Action::Escape if self.zoomed => self.zoomed = false,
            _ => return self.act_on_pane(action, now),
        }
        Vec::new()
    }

    /// Hands an action to the focused pane, or to the one whose business it is wherever the focus is.
    fn act_on_pane(&mut self, action: Action, now: Timestamp) -> Vec<Effect> {
        let times = match action {
            Action::Up
            | Action::Down
            | Action::Left
            | Action::Right
            | Action::OrderUp
            | Action::OrderDown => self.count.unwrap_or(1).clamp(1, 1_000),
            _ => 1,
        };
        let (mut wishes, mut effects) = (Vec::new(), Vec::new());
        for _ in 0..times {
            match self.pane_acts(self.focus, action, now) {
                // A list goes on from what it has just put on the desk.
                Some(more) => {
                    for wish in more {
                        match wish {
                            Wish::Select(instrument) => effects = self.select(instrument),
                            other => wishes.push(other),
                        }
                    }
                }
                None => match self.owner(action) {
                    Some(pane) if self.is_in_front(pane) => {
                        wishes.extend(self.pane_acts(pane, action, now).unwrap_or_default());
                        if action == Action::ToggleStudy {
                            // The list that opens wants the keys.
                            self.focus_on(pane);
                        }
                    }
                    Some(PaneId::Differences) => self.differences_are_elsewhere(action, now),
                    Some(PaneId::Orders) => {
                        self.say(Tone::Plain, "the orders are not in view: Tab goes there", now);
                    }
                    Some(_) => {
                        let goes = self.keymap.keys_of(
                            Context::Desk,
                            if self.zoomed {
                                Action::ZoomPane
                            } else {
                                Action::Workspace(1)
                            },
                        );
                        let goes = goes
                            .first()
                            .map_or(String::new(), |keys| format!(": {keys} shows it"));
                        self.say(
                            Tone::Plain,
                            format!("that key is the chart's, which is not in view{goes}"),
                            now,
                        );
                    }
                    _ => {}
                },
            }
        }
        effects.extend(self.grant(wishes, now));
        effects
    }

    pub(in crate::tui) fn pane_acts(
        &mut self,
        pane: PaneId,
        action: Action,
        now: Timestamp,
    ) -> Option<Vec<Wish>> {
        let instrument = self.instrument_of(pane);
        let view = View {
            instrument,
            ..self.world.view(now)
        };
        let place = self.panes.iter_mut().find(|place| place.id == pane)?;
        // What a list looked like before can be taken back.
        let before = (pane == PaneId::Watchlist).then(|| place.pane.remember());
        let wishes = place.pane.act(action, &view);
        if let Some(before) = before.filter(|before| *before != place.pane.remember()) {
            self.plan.note(Undone::Pane(pane, before));
        }
        wishes
    }

    /// The pane whose business an action is; of several charts one that is in view.
    fn owner(&self, action: Action) -> Option<PaneId> {
        let owner = owner(action)?;
        let charts = [PaneId::Chart, PaneId::Chart2, PaneId::Chart3, PaneId::Chart4];
        let seen = charts.into_iter().find(|chart| self.is_in_front(*chart));
        Some(if owner == PaneId::Chart {
            seen.unwrap_or(owner)
        } else {
            owner
        })
    }

    fn focused_has_open(&self, now: Timestamp) -> bool {
        let view = self.world.view(now);
        self.pane(self.focus)
            .is_some_and(|place| place.pane.has_open(&view))
    }

    pub(in crate::tui) fn is_in_front(&self, pane: PaneId) -> bool {
        let layout = self.layout(self.body);
        layout
            .slots
            .iter()
            .any(|slot| self.front(&slot.tabs) == Some(pane))
    }

    pub(in crate::tui) fn open_ticket(&mut self, side: Side, at_market: bool, now: Timestamp) {
        let Some((account, id)) = self.need_instrument(now) else {
            return;
        };
        let Some(instrument) = self.world.state.instruments.get(&id) else {
            return self.say(Tone::Warn, format!("nothing is known of {id} yet"), now);
        };
        let typed = self.count.and_then(|count| Quantity::whole(i64::from(count)));
        let usual = self.quantities.get(&id).copied();
        let quantity = typed
            .or(usual)
            .unwrap_or_else(|| self.first_quantities.of(instrument));
        let quote = self.world.market.quote(id);
        let mut ticket = Ticket::new((account, instrument), side, quantity, at_market, quote, now);
        ticket.market_ahead_ns = self.world.venue_time(now).0.saturating_sub(now.0);
        // A price that is held in the focused pane is meant.
        let held = self
            .pane(self.focus)
            .and_then(|place| place.pane.price(&self.view_of(self.focus, now)));
        if let Some(price) = held.filter(|_| !at_market) {
            ticket.price = Some(instrument.ticks.toward_less_risk(price, side));
        }
        self.modal = Some(Modal::Ticket(Box::new(ticket)));
    }

    fn ask_close(&mut self, now: Timestamp) {
        let Some((account, instrument)) = self.need_instrument(now) else {
            return;
        };
        let held = self.world.state.position(account, instrument).quantity;
        if held.is_zero() {
            return self.say(Tone::Plain, format!("nothing is held of {instrument}"), now);
        }
        let text = "Enter closes it, Esc keeps it".to_owned();
        self.modal = Some(Modal::Question(Question {
            text,
            pledge: Pledge::Close(account, instrument),
            at: now,
        }));
    }

    /// Asks before the whole account goes, whatever is open; what was open is dropped.
    pub(in crate::tui) fn ask_flatten_account(&mut self, now: Timestamp) {
        let Some(account) = self.need_account(now) else {
            return;
        };
        let unheard = self.unheard(account, now);
        if self.to_flatten(account).is_empty() {
            let flat = "nothing is held and nothing is working";
            let (tone, text) = match unheard {
                None => (Tone::Plain, flat.to_owned()),
                Some(unheard) => (Tone::Warn, format!("{unheard} {flat}; {}", known::ELSEWHERE)),
            };
            return self.answer(Kind::Answer, tone, text, now);
        }
        let unheard = unheard.map_or_else(String::new, |unheard| {
            format!(". {unheard}; {}", known::ELSEWHERE)
        });
        let keys = "Enter cancels all its orders, stops too, and closes these; Esc keeps them";
        self.modal = Some(Modal::Question(Question {
            text: format!("{keys}{unheard}"),
            pledge: Pledge::Flatten(account),
            at: now,
        }));
    }

    /// That what is known of an account may be old: engine or broker are not heard.
    fn unheard(&self, account: AccountKey, now: Timestamp) -> Option<String> {
        let view = View {
            instrument: self.instrument(),
            ..self.world.view(now)
        };
        let clock = |at| read::moment(&view, at);
        match &self.world.link {
            Link::Attached => known::unheard(view.state, account, clock),
            Link::Lost(since, _) => {
                let at = clock(*since);
                Some(format!("no link to the engine: as far as known at {at}"))
            }
            Link::Starting(_) => Some("no link to the engine yet: as far as known".to_owned()),
        }
    }

    /// On the simulated exchange leaving asks what is meant; elsewhere it always leaves the engine to its orders.
    pub(super) fn leave(&mut self) -> Vec<Effect> {
        if self.too_small
            || self.class().is_some_and(|class| class != AccountClass::Sim)
            || !self.world.is_known
        {
            return vec![Effect::Leave(Exit::Detached)];
        }
        self.modal = Some(Modal::Leaving);
        Vec::new()
    }

    fn next_zone(&mut self, now: Timestamp) {
        self.world.zone = self.world.zone.next();
        let text = match self.world.zone {
            Zone::Exchange => "times are the exchange's",
            Zone::Local => "times are this machine's",
            Zone::Utc => "times are UTC",
        };
        self.say(Tone::Plain, text, now);
    }

    fn step_focus(&mut self, forward: bool) {
        let order = self.tab_order();
        let here = order.iter().position(|pane| *pane == self.focus);
        let step = if forward { 1 } else { order.len().saturating_sub(1) };
        let next = here.map_or(0, |here| (here + step) % order.len().max(1));
        if let Some(pane) = order.get(next) {
            self.focus_on(*pane);
        }
    }

    fn focus_nth(&mut self, n: u8) {
        if let Some(pane) = self.tab_order().get(usize::from(n).saturating_sub(1)) {
            self.focus_on(*pane);
        }
    }

    pub(in crate::tui) fn go(&mut self, workspace: u8) {
        if usize::from(workspace) >= WORKSPACES.len() {
            return;
        }
        self.workspace = workspace;
        self.zoomed = false;
        // Back to where it was here; the first time it stays where it is, if that is in front.
        let order = self.tab_order();
        let last = self
            .recent_here()
            .iter()
            .find(|pane| order.contains(pane))
            .copied();
        let here = self
            .plan
            .tree(workspace)
            .place_of(self.focus)
            .and_then(|tabs| self.front(tabs));
        match last.or(here).or(order.first().copied()) {
            Some(pane) => self.focus_on(pane),
            None => self.keep_focus_in_view(),
        }
    }
}

/// The pane whose business an action is, where the focused one did not take it; of several of a kind the first.
fn owner(action: Action) -> Option<PaneId> {
    match action {
        Action::Cancel | Action::Modify => Some(PaneId::Orders),
        Action::Adopt | Action::AdoptSplit | Action::Ignore | Action::FlattenRow => Some(PaneId::Differences),
        Action::TimeframeNext
        | Action::TimeframePrevious
        | Action::Timeframe(_)
        | Action::ZoomIn
        | Action::ZoomOut
        | Action::ChartStyle
        | Action::ChartGlyphs
        | Action::ToggleVolume
        | Action::ToggleStudy
        | Action::ScrollLive => Some(PaneId::Chart),
        _ => None,
    }
}
