//! What a person does, turned into changes of the desk and effects. What is open gets the keys first and answers for
//! itself; the panic keys go before everything. Pasted text is only ever text. What an action does on the desk is `update/desk.rs`'s,
//! what it does to that which is open `update/modal.rs`'s.

mod desk;
mod modal;

use super::action::Action;
use super::chord::{Chord, Key};
use super::desk::{Desk, Effect, Modal, Pledge, Question, Tone, words};
use super::input::Input;
use super::keymap::{Context, Meaning};
use super::line::Line;
use super::run::Exit;
use super::view::Drawn;
use crate::domain::{Timestamp, TradingState};
use crate::engine::Command;
use modal::scrolled;
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
        self.let_go_of(open, said, matches!(input, Input::Key(_)));
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
    /// told stands; on a terminal that is too small for the desk any key ends it, for it takes rows of the one pane.
    fn let_go_of(
        &mut self,
        open: Option<(Discriminant<Modal>, Option<Timestamp>)>,
        said: Option<super::desk::Message>,
        by_key: bool,
    ) {
        let stands = self.message == said;
        let other = self.what_is_open() != open;
        if stands && by_key && self.too_small {
            self.message = None;
        } else if stands && other {
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
