//! The order line under a person's hands: what Enter does with what is typed, be it an order, a symbol, or a word of the
//! desk itself.

use super::action::Action;
use super::again::LastOrder;
use super::desk::{Desk, Effect, Modal, Pledge, Question, Tone, words};
use super::line::{self, Line, Meaning, Reading};
use super::pane::Wish;
use super::pin::Pin;
use super::run::Exit;
use super::theme::Theme;
use super::ticket::{NotYet, may_confirm};
use crate::domain::{AccountClass, AccountId, AccountKey, SafeText, Timestamp, TradingState};
use crate::engine::{Command, changes, programs};
use std::time::Duration;

/// What can't be pinned is read again after this long: the market or the state may have come to it.
const TRY_AGAIN: Duration = Duration::from_millis(100);

impl Desk {
    pub(super) fn act_on_line(&mut self, action: Action, mut line: Line, now: Timestamp) -> Vec<Effect> {
        match action {
            Action::Escape => {
                self.back_to_ticket(line, now);
                return Vec::new();
            }
            Action::Enter => return self.enter_line(line, now),
            Action::Complete => {
                let rest = self.completion(&line, &self.world.view(now));
                match (rest, self.completed(line.text())) {
                    (Some(rest), _) => line.complete(&rest, now),
                    (None, Some(word)) => {
                        line = Line::new(now);
                        line.insert(&word, now);
                    }
                    (None, None) => {}
                }
            }
            Action::Up => line.recall(&self.history, true, now),
            Action::Down => line.recall(&self.history, false, now),
            _ => {}
        }
        self.modal = Some(Modal::Line(line));
        Vec::new()
    }

    /// Enter on the order line: does what the preview beside it says. A line that means nothing stays open.
    fn enter_line(&mut self, mut line: Line, now: Timestamp) -> Vec<Effect> {
        let text = line.text().to_owned();
        let preview_id = self.preview_id;
        let reading = line::read(&text, &self.world.view(now), &mut || preview_id);
        let effects = match reading {
            Reading::Empty => return Vec::new(),
            Reading::Wrong(_, why) => {
                self.say(Tone::Warn, why, now);
                self.modal = Some(Modal::Line(line));
                return Vec::new();
            }
            Reading::FlattenAccount => {
                self.ask_flatten_account(now);
                Vec::new()
            }
            Reading::Symbol(instrument) => self.grant(vec![Wish::Select(instrument)], now),
            Reading::Desk(word, rest) => self.desk_word(word, &rest, now),
            Reading::Commands(meaning) => {
                let places = meaning
                    .commands
                    .iter()
                    .any(|command| command.places().next().is_some());
                match self.enter_commands(&line, meaning, now) {
                    Ok(effects) => {
                        if places {
                            self.last_order = Some(LastOrder::Line(text.clone()));
                        }
                        effects
                    }
                    Err((why, pin)) => {
                        self.say(Tone::Warn, why, now);
                        line.pin = pin.map(|pin| *pin).or(line.pin.take());
                        self.modal = Some(Modal::Line(line));
                        return Vec::new();
                    }
                }
            }
        };
        line::remember(&mut self.history, &text);
        effects
    }

    /// Sends what the line's preview shows, or says why not, with a new preview where the old one had its time. What takes
    /// risk off goes at once.
    fn enter_commands(
        &mut self,
        line: &Line,
        meaning: Meaning,
        now: Timestamp,
    ) -> Result<Vec<Effect>, (String, Option<Box<Pin>>)> {
        if let Some(denial) = meaning.ahead.iter().find_map(|forecast| forecast.denial.clone()) {
            return Err((format!("not sent: {denial}"), None));
        }
        let view = self.world.view(now);
        let Some(pin) = &line.pin else {
            let pin = Pin::new(meaning, &view).map(|pin| Box::new(pin.anew()));
            return Err((NotYet::TooSoon.words().to_owned(), pin));
        };
        if let Some(why) = pin.outdated(&view) {
            let pin = Pin::new(meaning, &view).map(|pin| Box::new(pin.anew()));
            return Err((why.words().to_owned(), pin));
        }
        // A held Enter is no danger here, the line closes with the first one that counts; unless the preview is new.
        let before = self.enter_at.filter(|_| pin.is_new_price);
        let appeared = line.changed_at.max(pin.at);
        let may = may_confirm(appeared, before, now).and_then(|()| self.has_shown(appeared, now));
        if pin.adds()
            && !pin.is_confirmed
            && let Err(not_yet) = may
        {
            return Err((not_yet.words().to_owned(), None));
        }
        let mut effects = Vec::new();
        for command in pin.sealed(now, &mut *self.new_id) {
            match self.asks_first(&command, now) {
                Some(question) => self.modal = Some(Modal::Question(question)),
                None => {
                    let what = words(&command);
                    effects.extend(self.send(command, what, now));
                }
            }
        }
        Ok(effects)
    }

    /// A halt that takes protective stops off as well: it asks first, because what is held is bare then.
    fn ask_halt_all(&mut self, now: Timestamp) -> Vec<Effect> {
        let Some(account) = self.need_account(now) else {
            return Vec::new();
        };
        self.modal = Some(Modal::Question(Question {
            text: "that takes protective stops off too: Enter halts and cancels everything, Esc does nothing"
                .to_owned(),
            pledge: Pledge::HaltStopsToo(account),
            at: now,
        }));
        Vec::new()
    }

    /// A cancel that would leave something without its stop asks first.
    fn asks_first(&self, command: &Command, now: Timestamp) -> Option<Question> {
        let Command::CancelAll {
            account,
            instrument,
            stops_too: true,
        } = command
        else {
            return None;
        };
        let state = &self.world.state;
        let naked: Vec<String> = state
            .ledgers
            .keys()
            .filter(|(owner, id)| owner == account && instrument.is_none_or(|wanted| wanted == *id))
            .map(|(_, id)| (id, state.protected(*account, *id)))
            .filter(|(_, covered)| covered.is_positive())
            .map(|(id, covered)| format!("{covered} {id}"))
            .collect();
        if naked.is_empty() {
            return None;
        }
        Some(Question {
            text: format!(
                "that leaves {} NAKED: Enter cancels the stops too, Esc keeps them",
                naked.join(", ")
            ),
            pledge: Pledge::CancelStopsToo(*account, *instrument),
            at: now,
        })
    }

    /// Pins what the open line means, where it is an order and is not pinned yet.
    pub(super) fn pin_line(&mut self, now: Timestamp) {
        let Some(Modal::Line(line)) = &self.modal else {
            return;
        };
        let just_tried = line.tried_at.is_some_and(|at| now.since(at) < TRY_AGAIN);
        if line.pin.is_some() || line.text().is_empty() || just_tried {
            return;
        }
        let view = self.world.view(now);
        let preview_id = self.preview_id;
        let pin = match line::read(line.text(), &view, &mut || preview_id) {
            Reading::Commands(meaning) => Pin::new(meaning, &view),
            _ => None,
        };
        if let Some(Modal::Line(line)) = &mut self.modal {
            line.pin = pin;
            line.tried_at = Some(now);
        }
    }

    /// The order line with the beginning of what arms a real account: what is missing is typed by hand.
    fn ask_last_four(&mut self, account: AccountKey, now: Timestamp) {
        let mut line = Line::new(now);
        line.insert("arm ", now);
        self.modal = Some(Modal::Line(line));
        let hint = format!("real money: the last four characters of {account} arm this terminal");
        self.say(Tone::Plain, hint, now);
    }

    /// A word of the desk itself.
    fn desk_word(&mut self, word: &str, rest: &str, now: Timestamp) -> Vec<Effect> {
        match word {
            "theme" => self.choose_theme(rest, now),
            "layout" => self.layout_words(rest, now),
            "workspace" => self.workspace_words(rest, now),
            "pane" | "split" | "vsplit" => self.pane_words(word, rest, now),
            "help" => self.open_help(),
            "do" => return self.do_named(rest.trim(), now),
            "quit" => return vec![Effect::Leave(Exit::Detached)],
            "stop" => return vec![Effect::Leave(Exit::StopEngine)],
            "halt" if rest.trim().eq_ignore_ascii_case("all") => return self.ask_halt_all(now),
            "halt" => return self.set_trading(TradingState::Halted, now),
            "reduce" => return self.set_trading(TradingState::Reducing, now),
            "resume" => return self.set_trading(TradingState::Active, now),
            "token" => return self.send(Command::TakeToken, words(&Command::TakeToken), now),
            "alert" => self.show_alerts(),
            "differences" => self.show_differences(now),
            "account" => return self.choose_account(rest, now),
            "orders" | "executions" | "activity" | "log" | "watch" | "filter" | "columns" | "sort"
            | "tape" | "study" | "bars" | "style" => {
                return self.tell_pane(word, rest, now);
            }
            "preopen" | "close" | "statement" => return self.open_sheet(word, rest.trim(), now),
            "connect" => return self.ask_connection(true, now),
            "disconnect" => return self.ask_connection(false, now),
            _ => {
                let Some(account) = self.need_account(now) else {
                    return Vec::new();
                };
                let accepted = self
                    .world
                    .state
                    .resolve(rest, now)
                    .map(|instrument| instrument.id);
                let command = match word {
                    "find" => return self.find(rest.trim(), now),
                    "accept" if rest.trim().eq_ignore_ascii_case("gap") => Command::AcceptGap { account },
                    "accept" if rest.trim().eq_ignore_ascii_case("double") => {
                        Command::AcceptDouble { account }
                    }
                    "accept" => match accepted {
                        Some(instrument) => Command::AcceptDifference { account, instrument },
                        None => {
                            self.say(
                                Tone::Warn,
                                "accept what: a symbol whose position differs, gap, or double",
                                now,
                            );
                            return Vec::new();
                        }
                    },
                    "arm" | "disarm" if rest.trim() == "api" || rest.trim().starts_with("api ") => {
                        match programs_word(word, rest, account) {
                            Ok(command) => command,
                            Err(why) => {
                                self.say(Tone::Warn, why, now);
                                return Vec::new();
                            }
                        }
                    }
                    "record" => match changes::read(rest, &self.world.state, account, now) {
                        Ok(command) => command,
                        Err(why) => {
                            self.say(Tone::Warn, why, now);
                            return Vec::new();
                        }
                    },
                    "limit" => match crate::engine::risk::change::read(rest, account) {
                        Ok(command) => command,
                        Err(why) => {
                            self.say(Tone::Warn, why, now);
                            return Vec::new();
                        }
                    },
                    "arm" if rest.trim().is_empty() && self.class() == Some(AccountClass::Live) => {
                        self.ask_last_four(account, now);
                        return Vec::new();
                    }
                    "arm" => Command::Arm {
                        account,
                        confirmation: SafeText::new(rest),
                    },
                    "disarm" => Command::Disarm { account },
                    "acknowledge" => Command::AcknowledgeBreaker {
                        broker: account.broker,
                        by: SafeText::new("a person at a terminal"),
                    },
                    _ => Command::Reconcile { account },
                };
                let what = words(&command);
                return self.send(command, what, now);
            }
        }
        Vec::new()
    }
    fn choose_account(&mut self, name: &str, now: Timestamp) -> Vec<Effect> {
        let wanted = AccountId::new(name).ok();
        let found = self
            .world
            .state
            .accounts
            .keys()
            .find(|key| Some(key.account) == wanted)
            .copied();
        match found {
            Some(account) => {
                let before = self.world.account.replace(account);
                return self.disarm_left(before, now);
            }
            None => {
                let names: Vec<&str> = self
                    .world
                    .state
                    .accounts
                    .keys()
                    .map(|key| key.account.as_str())
                    .collect();
                self.say(
                    Tone::Warn,
                    format!("there is no account '{name}'; there are {}", names.join(", ")),
                    now,
                );
            }
        }
        Vec::new()
    }
    fn choose_theme(&mut self, name: &str, now: Timestamp) {
        let (theme, faults) = Theme::choose(&self.themes, name);
        match faults.first() {
            None => self.say(Tone::Plain, format!("theme {}", theme.name), now),
            Some(fault) => self.say(Tone::Warn, fault.clone(), now),
        }
        if faults.is_empty() || self.themes.iter().any(|(known, _)| known == name) {
            self.world.theme = theme;
        }
    }
    pub(super) fn next_theme(&mut self, now: Timestamp) {
        let here = self
            .themes
            .iter()
            .position(|(name, _)| *name == self.world.theme.name);
        let next = here.map_or(0, |here| (here + 1) % self.themes.len());
        if let Some((name, _)) = self.themes.get(next).cloned() {
            self.choose_theme(&name, now);
        }
    }
}

/// `arm api [15m] [key NAME] [LAST FOUR]` and `disarm api [key NAME]`: what programs may do, all or one key.
fn programs_word(word: &str, rest: &str, account: AccountKey) -> Result<Command, String> {
    let mut words: Vec<&str> = rest.split_ascii_whitespace().skip(1).collect();
    let key = match words.iter().position(|word| *word == "key") {
        None => None,
        Some(at) if at + 1 < words.len() => {
            let name = words.remove(at + 1);
            words.remove(at);
            Some(SafeText::new(name))
        }
        Some(_) => return Err("which key? such as 'arm api 15m key bot'".to_owned()),
    };
    if word == "disarm" {
        return Ok(Command::DisarmPrograms { account, key });
    }
    let mut words = words.into_iter().peekable();
    // What ends in a letter is a time; the last four of an account may be any characters, and come after it.
    let minutes = match words.peek() {
        None => programs::USUAL_MINUTES,
        Some(_) => programs::minutes(words.next().unwrap_or_default())?,
    };
    Ok(Command::ArmPrograms {
        account,
        confirmation: SafeText::new(words.next().unwrap_or_default()),
        minutes,
        key,
    })
}
