//! What a person does, turned into changes of the desk and effects. What is open gets the keys first and answers for
//! itself; the panic keys go before everything. Pasted text is only ever text.

use super::action::Action;
use super::again::LastOrder;
use super::chord::{Chord, Key};
use super::desk::{Desk, Effect, Modal, Pledge, Question, Tone, words};
use super::foot;
use super::forecast::forecast;
use super::input::Input;
use super::keymap::{Context, Meaning};
use super::layout::{PaneId, WORKSPACES};
use super::line::Line;
use super::link::{Ask, ToEngine};
use super::pane::Wish;
use super::plan::Undone;
use super::run::Exit;
use super::search::Search;
use super::ticket::{Purpose, Ticket};
use super::view::Drawn;
use super::world::Zone;
use crate::domain::{AccountClass, Quantity, SafeText, Side, Timestamp, TradingState};
use crate::engine::Command;
use ratatui::layout::Position;
use std::mem::{Discriminant, discriminant};
use tui_input::InputRequest;

impl Desk {
    /// Takes one thing that a person did. `drawn` tells where everything was at the last frame.
    pub fn on_input(&mut self, input: &Input, drawn: &Drawn, now: Timestamp) -> Vec<Effect> {
        if !matches!(input, Input::Answer(_) | Input::Resize) {
            self.touched(now);
        }
        let (open, said) = (self.what_is_open(), self.message.clone());
        let effects = self.take_input(input, drawn, now);
        self.let_go_of(open, said);
        self.see_alerts();
        self.pin_line(now);
        self.world.holding = self.modal.is_some();
        effects
    }
    /// What is open over the panes, told apart from what may take its place.
    fn what_is_open(&self) -> Option<(Discriminant<Modal>, Option<Timestamp>)> {
        let modal = self.modal.as_ref()?;
        let put_at = match modal {
            Modal::Question(question) => Some(question.at),
            _ => None,
        };
        Some((discriminant(modal), put_at))
    }
    /// What was said of something that was open, or before something opened, says nothing of what is open now. What the engine
    /// told stands.
    fn let_go_of(
        &mut self,
        open: Option<(Discriminant<Modal>, Option<Timestamp>)>,
        said: Option<super::desk::Message>,
    ) {
        let stands = self.message == said;
        let other = self.what_is_open() != open;
        if stands && other {
            self.message.take_if(|message| message.by_key);
        } else if let Some(message) = self.message.as_mut().filter(|_| !stands) {
            message.by_key = true;
        }
    }
    fn take_input(&mut self, input: &Input, drawn: &Drawn, now: Timestamp) -> Vec<Effect> {
        match input {
            Input::Answer(question) => {
                self.probe_answered(*question, now);
                Vec::new()
            }
            Input::Key(chord) => self.on_key(*chord, now),
            Input::Paste(text) => self.on_paste(text, now),
            Input::Click(x, y) => self.on_click(Position::new(*x, *y), drawn, now),
            Input::Wheel(x, y, up) => self.on_wheel(Position::new(*x, *y), *up, drawn, now),
            Input::Resize => vec![Effect::Redraw],
        }
    }
    /// Which keys hold now.
    pub fn context(&self) -> Context {
        match self.modal {
            // A panic key's question is answered at any size.
            Some(Modal::Question(Question {
                pledge: Pledge::Flatten(_),
                ..
            })) => Context::Ticket,
            _ if self.too_small => Context::Anywhere,
            None => Context::Desk,
            Some(Modal::Ticket(_) | Modal::Question(_)) => Context::Ticket,
            Some(Modal::Line(_)) => Context::Line,
            Some(Modal::Search(_)) => Context::Search,
            Some(Modal::Help(_) | Modal::Sheet(..)) => Context::Help,
            Some(Modal::Leaving) => Context::Leaving,
        }
    }

    fn on_key(&mut self, chord: Chord, now: Timestamp) -> Vec<Effect> {
        self.tour = false;
        let mut pressed = std::mem::take(&mut self.pressed);
        let began = !pressed.is_empty();
        if began && chord == Chord::plain(Key::Esc) {
            return Vec::new();
        }
        if !began && self.help_typing && chord.typed().is_some() && matches!(self.modal, Some(Modal::Help(_)))
        {
            self.type_key(chord, now);
            return Vec::new();
        }
        pressed.push(chord);
        // What works everywhere works after the beginning of something else, too: the panic prefix is never swallowed.
        let strange = began && self.keymap.meaning(self.context(), &pressed) == Meaning::Nothing;
        if strange && self.keymap.meaning(Context::Anywhere, &[chord]) != Meaning::Nothing {
            pressed = vec![chord];
        }
        let effects = match self.keymap.meaning(self.context(), &pressed) {
            Meaning::Prefix => {
                if !began {
                    self.pressed_at = now;
                }
                self.pressed = pressed;
                return Vec::new();
            }
            Meaning::Action(action) => {
                let effects = self.act(action, now);
                self.count = None;
                effects
            }
            Meaning::Nothing if began => {
                let names: Vec<String> = pressed.iter().map(ToString::to_string).collect();
                self.say(
                    Tone::Plain,
                    format!("{} means nothing here", names.join(" ")),
                    now,
                );
                Vec::new()
            }
            Meaning::Nothing if self.too_small => match self.keymap.meaning(Context::Desk, &[chord]) {
                _ if chord == Chord::char('q') => self.leave(),
                Meaning::Action(action) if self.modal.is_none() && action.only_looks() => {
                    self.act(action, now)
                }
                _ => Vec::new(),
            },
            Meaning::Nothing => {
                self.type_key(chord, now);
                Vec::new()
            }
        };
        if chord.key == Key::Enter {
            self.enter_at = Some(now);
        }
        effects
    }

    /// A key that is no binding: text where a field is open, a count on the desk.
    fn type_key(&mut self, chord: Chord, now: Timestamp) {
        match &mut self.modal {
            Some(Modal::Line(line)) => {
                if let Some(request) = editing(chord) {
                    line.edit(request, now);
                }
            }
            Some(Modal::Search(search)) => {
                if let Some(request) = editing(chord) {
                    search.input.handle(request);
                    search.selected = 0;
                }
            }
            Some(Modal::Ticket(ticket)) => {
                let typed = if chord.key == Key::Backspace {
                    Some('\u{8}')
                } else {
                    chord.typed()
                };
                if let Some(c) = typed {
                    ticket.type_char(c, now);
                }
            }
            Some(Modal::Help(scroll)) => {
                if chord == Chord::char('/') && !self.help_typing {
                    self.help_typing = true;
                } else if let Some(narrowed) = narrowed(&self.help_filter, chord) {
                    self.help_typing = true;
                    self.help_filter = narrowed;
                    *scroll = 0;
                }
            }
            None => {
                self.count = match chord.typed().and_then(|c| c.to_digit(10)) {
                    Some(digit) if digit > 0 || self.count.is_some() => {
                        let more = self
                            .count
                            .unwrap_or(0)
                            .checked_mul(10)
                            .and_then(|count| count.checked_add(digit));
                        more.filter(|count| *count <= 99_999_999).or(self.count)
                    }
                    _ => None,
                };
            }
            _ => {}
        }
    }

    fn on_paste(&mut self, text: &str, now: Timestamp) -> Vec<Effect> {
        self.pressed.clear();
        match &mut self.modal {
            Some(Modal::Line(line)) => line.insert(text, now),
            Some(Modal::Search(search)) => {
                for c in text.chars().take(64) {
                    search.input.handle(InputRequest::InsertChar(c));
                }
            }
            // What begins as a line does is put into one, unsent: to open a field is no action.
            None if text.starts_with(':') && !self.too_small => {
                let mut line = Line::new(now);
                line.insert(&text[1..], now);
                self.modal = Some(Modal::Line(line));
            }
            _ => self.say(
                Tone::Warn,
                "PASTE BLOCKED: pasted text is text only; open : or / first",
                now,
            ),
        }
        Vec::new()
    }

    /// Does an action. What works everywhere comes first, then what is open, then the desk.
    pub(super) fn act(&mut self, action: Action, now: Timestamp) -> Vec<Effect> {
        match action {
            Action::Redraw => return vec![Effect::Redraw],
            Action::Suspend => return vec![Effect::Suspend],
            Action::CancelSymbol | Action::CancelAll | Action::FlattenSymbol | Action::Halt => {
                return self.panic(action, now);
            }
            Action::FlattenAccount => {
                self.ask_flatten_account(now);
                return Vec::new();
            }
            _ => {}
        }
        match self.modal.take() {
            None => self.act_on_desk(action, now),
            Some(Modal::Ticket(ticket)) => self.act_on_ticket(action, ticket, now),
            Some(Modal::Question(question)) => self.act_on_question(action, question, now),
            Some(Modal::Line(line)) => self.act_on_line(action, line, now),
            Some(Modal::Search(search)) => self.act_on_search(action, search, now),
            Some(Modal::Help(scroll)) => {
                self.modal = scrolled(action, scroll).map(Modal::Help);
                Vec::new()
            }
            Some(Modal::Sheet(sheet, scroll)) => {
                self.modal = scrolled(action, scroll).map(|scroll| Modal::Sheet(sheet, scroll));
                Vec::new()
            }
            Some(Modal::Leaving) => match action {
                Action::Quit => vec![Effect::Leave(Exit::Detached)],
                Action::StopEngine => vec![Effect::Leave(Exit::StopEngine)],
                _ => Vec::new(),
            },
        }
    }

    /// The keys that take risk away at large. They work whatever is open, and leave it open.
    fn panic(&mut self, action: Action, now: Timestamp) -> Vec<Effect> {
        if action == Action::Halt {
            return self.set_trading(TradingState::Halted, now);
        }
        let command = if action == Action::CancelAll {
            let Some(account) = self.need_account(now) else {
                return Vec::new();
            };
            Command::CancelAll {
                account,
                instrument: None,
                stops_too: false,
            }
        } else {
            let Some((account, instrument)) = self.need_instrument(now) else {
                return Vec::new();
            };
            match action {
                Action::FlattenSymbol => Command::Flatten {
                    id: (self.new_id)(),
                    account,
                    instrument,
                },
                _ => Command::CancelAll {
                    account,
                    instrument: Some(instrument),
                    stops_too: false,
                },
            }
        };
        let what = words(&command);
        self.send(command, what, now)
    }

    fn act_on_desk(&mut self, action: Action, now: Timestamp) -> Vec<Effect> {
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
                None => match owner(action) {
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
                    _ => {}
                },
            }
        }
        effects.extend(self.grant(wishes, now));
        effects
    }
    pub(super) fn pane_acts(&mut self, pane: PaneId, action: Action, now: Timestamp) -> Option<Vec<Wish>> {
        let instrument = self.instrument_of(pane);
        let view = super::pane::View {
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
    fn focused_has_open(&self, now: Timestamp) -> bool {
        let view = self.world.view(now);
        self.pane(self.focus)
            .is_some_and(|place| place.pane.has_open(&view))
    }
    pub(super) fn is_in_front(&self, pane: PaneId) -> bool {
        let layout = self.layout(self.body);
        layout
            .slots
            .iter()
            .any(|slot| self.front(&slot.tabs) == Some(pane))
    }

    pub(super) fn open_ticket(&mut self, side: Side, at_market: bool, now: Timestamp) {
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
    pub(super) fn ask_flatten_account(&mut self, now: Timestamp) {
        let Some(account) = self.need_account(now) else {
            return;
        };
        if self.to_flatten(account).is_empty() {
            return self.say(Tone::Plain, "nothing is held and nothing is working", now);
        }
        self.modal = Some(Modal::Question(Question {
            text: "Enter cancels all its orders, stops too, and closes these; Esc keeps them".to_owned(),
            pledge: Pledge::Flatten(account),
            at: now,
        }));
    }

    fn act_on_ticket(&mut self, action: Action, mut ticket: Box<Ticket>, now: Timestamp) -> Vec<Effect> {
        let quote = self.world.market.quote(ticket.instrument.id).copied();
        let quote = quote.as_ref();
        let times = i64::from(self.count.unwrap_or(1).clamp(1, 1_000));
        match action {
            Action::Escape => {
                self.say(Tone::Plain, "dropped; nothing was sent", now);
                return Vec::new();
            }
            Action::Enter => return self.confirm_ticket(ticket, now),
            Action::PriceUp => ticket.step_price(times, quote, now),
            Action::PriceDown => ticket.step_price(-times, quote, now),
            Action::QuantityUp => ticket.step_quantity(times, now),
            Action::QuantityDown => ticket.step_quantity(-times, now),
            Action::NextField => ticket.next_field(true, now),
            Action::PreviousField => ticket.next_field(false, now),
            Action::NextTimeInForce => ticket.next_tif(now),
            Action::ToggleMarket => ticket.toggle_market(quote, now),
            Action::ToggleShort => ticket.short = !ticket.short,
            Action::NextStyle => ticket.next_style(quote, now),
            Action::NextTemplate => match ticket.next_template(&self.world.templates, quote, now) {
                Ok(Some(name)) => self.say(Tone::Plain, format!("template {name}"), now),
                Ok(None) => self.say(Tone::Plain, "no template", now),
                Err(why) => self.say(Tone::Warn, why, now),
            },
            Action::ToggleOutside => {
                let (broker, has_them) = (ticket.account.broker, ticket.toggle_outside(now));
                if !has_them {
                    let text = format!("{broker} has no hours outside the regular session");
                    self.say(Tone::Warn, text, now);
                }
            }
            _ => {}
        }
        self.modal = Some(Modal::Ticket(ticket));
        Vec::new()
    }

    fn confirm_ticket(&mut self, mut ticket: Box<Ticket>, now: Timestamp) -> Vec<Effect> {
        let quote = self.world.market.quote(ticket.instrument.id).copied();
        let confirmed = ticket.confirm(quote.as_ref(), self.enter_at, now);
        if let Err(not_yet) = confirmed.and_then(|()| self.has_shown(ticket.seen_at(), now)) {
            return self.keep_ticket(ticket, not_yet.words(), now);
        }
        if !self.is_attached() {
            return self.keep_ticket(ticket, "not sent: there is no link to the engine", now);
        }
        let command = match ticket.command((self.new_id)()) {
            Ok(command) => command,
            Err(missing) => return self.keep_ticket(ticket, missing, now),
        };
        // What the engine would refuse is not sent: the draft stays, to be mended.
        if let Some(denial) = forecast(&command, &self.world.view(now)).denial {
            let why = format!("not sent: {}", foot::mended(&denial));
            return self.keep_ticket(ticket, &why, now);
        }
        if ticket.purpose == Purpose::New {
            self.quantities.insert(ticket.instrument.id, ticket.quantity);
            self.last_order = Some(LastOrder::Ticket(ticket.clone()));
        }
        let what = words(&command);
        self.send(ticket.sealed(command, now), what, now)
    }
    fn keep_ticket(&mut self, ticket: Box<Ticket>, why: &str, now: Timestamp) -> Vec<Effect> {
        self.say(Tone::Warn, why, now);
        self.modal = Some(Modal::Ticket(ticket));
        Vec::new()
    }

    fn act_on_question(&mut self, action: Action, question: Question, now: Timestamp) -> Vec<Effect> {
        match action {
            Action::Escape => {
                self.say(Tone::Plain, "dropped; nothing was sent", now);
                Vec::new()
            }
            Action::Enter => match self.may_pledge(question.pledge, question.at, now) {
                Ok(()) => match question.pledge {
                    Pledge::Cancel(id) => self.cancel(id, now),
                    Pledge::Flatten(account) => self.flatten_account(account, now),
                    Pledge::Disconnect => vec![Effect::Tell(ToEngine::Ask(Ask::Connection(false)))],
                    Pledge::CancelStopsToo(account, instrument) => {
                        let command = Command::CancelAll {
                            account,
                            instrument,
                            stops_too: true,
                        };
                        let what = words(&command);
                        self.send(command, what, now)
                    }
                    Pledge::Resolve(about) => {
                        let command = about.command((self.new_id)());
                        let what = words(&command);
                        self.send(command, what, now)
                    }
                    Pledge::HaltStopsToo(account) => {
                        let command = Command::Halt {
                            account: Some(account),
                            reason: SafeText::new("from a terminal"),
                            stops_too: true,
                        };
                        let what = words(&command);
                        self.send(command, what, now)
                    }
                    Pledge::Close(account, instrument) => {
                        let command = Command::Close {
                            id: (self.new_id)(),
                            account,
                            instrument,
                        };
                        let what = words(&command);
                        self.send(command, what, now)
                    }
                },
                Err(not_yet) => {
                    self.say(Tone::Warn, not_yet.words(), now);
                    self.modal = Some(Modal::Question(question));
                    Vec::new()
                }
            },
            _ => {
                self.modal = Some(Modal::Question(question));
                Vec::new()
            }
        }
    }

    fn act_on_search(&mut self, action: Action, mut search: Search, now: Timestamp) -> Vec<Effect> {
        match action {
            Action::Escape => return Vec::new(),
            Action::Enter => {
                let typed = search.input.value().trim().to_owned();
                let Some(chosen) = search.chosen(&self.world.state) else {
                    return self.find(&typed, now);
                };
                return self.grant(vec![Wish::Select(chosen)], now);
            }
            Action::Down => search.selected = (search.selected + 1).min(self.world.state.instruments.len()),
            Action::Up => search.selected = search.selected.saturating_sub(1),
            _ => {}
        }
        self.modal = Some(Modal::Search(search));
        Vec::new()
    }

    /// Asks the broker for what is not listed here.
    pub(super) fn find(&mut self, typed: &str, now: Timestamp) -> Vec<Effect> {
        if typed.is_empty() {
            self.say(Tone::Plain, "type a symbol, such as AAPL, ES or EUR.USD", now);
            return Vec::new();
        }
        self.say(Tone::Plain, format!("asking the broker for '{typed}' …"), now);
        vec![Effect::Tell(ToEngine::Find(SafeText::new(typed)))]
    }

    /// On the simulated exchange leaving asks what is meant; elsewhere it always leaves the engine to its orders.
    fn leave(&mut self) -> Vec<Effect> {
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
    pub(super) fn go(&mut self, workspace: u8) {
        if usize::from(workspace) >= WORKSPACES.len() {
            return;
        }
        self.workspace = workspace;
        self.zoomed = false;
        self.keep_focus_in_view();
    }
}

/// The pane whose business an action is, where the focused one did not take it.
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

/// The help after an action; nothing where it is closed.
fn scrolled(action: Action, scroll: u16) -> Option<u16> {
    Some(match action {
        Action::Escape => return None,
        Action::Down => scroll.saturating_add(1),
        Action::Up => scroll.saturating_sub(1),
        Action::PageDown => scroll.saturating_add(10),
        Action::PageUp => scroll.saturating_sub(10),
        Action::Top => 0,
        Action::Bottom => u16::MAX,
        _ => scroll,
    })
}

/// What the help is narrowed to after a key that is no binding of it; nothing where that changes nothing.
fn narrowed(filter: &str, chord: Chord) -> Option<String> {
    match chord.key {
        Key::Backspace => {
            let mut shorter = filter.to_owned();
            shorter.pop().map(|_| shorter)
        }
        _ => chord
            .typed()
            .filter(|_| filter.len() < 40)
            .map(|c| format!("{filter}{c}")),
    }
}

/// What a key does in a line of text.
fn editing(chord: Chord) -> Option<InputRequest> {
    if let Some(c) = chord.typed() {
        return Some(InputRequest::InsertChar(c));
    }
    Some(match (chord.ctrl, chord.key) {
        (false, Key::Backspace) | (true, Key::Char('h')) => InputRequest::DeletePrevChar,
        (false, Key::Delete) => InputRequest::DeleteNextChar,
        (false, Key::Left) => InputRequest::GoToPrevChar,
        (false, Key::Right) => InputRequest::GoToNextChar,
        (true, Key::Left) => InputRequest::GoToPrevWord,
        (true, Key::Right) => InputRequest::GoToNextWord,
        (false, Key::Home) | (true, Key::Char('a')) => InputRequest::GoToStart,
        (false, Key::End) | (true, Key::Char('e')) => InputRequest::GoToEnd,
        (true, Key::Char('w')) => InputRequest::DeletePrevWord,
        (true, Key::Char('u')) => InputRequest::DeleteLine,
        (true, Key::Char('k')) => InputRequest::DeleteTillEnd,
        _ => return None,
    })
}
