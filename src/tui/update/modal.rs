//! What is open over the panes answers for itself: the ticket, a question, the search; and how far what is only read is scrolled.
//! What a ticket makes of its fields is `ticket`'s, and the line's keys are `command`'s.

use crate::domain::{SafeText, Timestamp};
use crate::engine::Command;
use crate::tui::action::Action;
use crate::tui::again::LastOrder;
use crate::tui::desk::{Desk, Effect, Modal, Pledge, Question, Tone, words};
use crate::tui::foot;
use crate::tui::forecast::forecast;
use crate::tui::link::{Ask, ToEngine};
use crate::tui::pane::Wish;
use crate::tui::search::Search;
use crate::tui::ticket::{Purpose, Ticket};

impl Desk {
    pub(super) fn act_on_ticket(
        &mut self,
        action: Action,
        mut ticket: Box<Ticket>,
        now: Timestamp,
    ) -> Vec<Effect> {
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
            Action::ToLine | Action::ToLineThen | Action::ToLineOco => {
                let joint = match action {
                    Action::ToLineThen => "then",
                    Action::ToLineOco => "oco",
                    _ => "",
                };
                self.ticket_to_line(ticket, joint, now);
                return Vec::new();
            }
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

    pub(super) fn act_on_question(
        &mut self,
        action: Action,
        question: Question,
        now: Timestamp,
    ) -> Vec<Effect> {
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

    pub(super) fn act_on_search(
        &mut self,
        action: Action,
        mut search: Search,
        now: Timestamp,
    ) -> Vec<Effect> {
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
    pub(in crate::tui) fn find(&mut self, typed: &str, now: Timestamp) -> Vec<Effect> {
        if typed.is_empty() {
            self.say(Tone::Plain, "type a symbol, such as AAPL, ES or EUR.USD", now);
            return Vec::new();
        }
        self.say(Tone::Plain, format!("asking the broker for '{typed}' …"), now);
        vec![Effect::Tell(ToEngine::Find(SafeText::new(typed)))]
    }
}

/// The help after an action; nothing where it is closed.
pub(super) fn scrolled(action: Action, scroll: u16) -> Option<u16> {
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
