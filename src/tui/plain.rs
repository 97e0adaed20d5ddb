//! The desk as a stream of sentences, for screen readers and for terminals that can do nothing else: each notice, change of
//! an order and change of a position is a line, and each line that is typed is read as on the order line. What would add
//! risk is previewed in words and goes with `yes` alone; Enter never sends by itself. Reads and writes nothing: whoever runs
//! it does.

use super::action::Action;
use super::desk::{Desk, Effect, Modal, Question, Tone};
use super::line::{self, Line, Reading};
use super::link::FromEngine;
use super::panes::read;
use super::pin::Pin;
use super::run::Exit;
use super::widgets::number;
use super::world::Link;
use crate::domain::{AccountKey, ClientOrderId, InstrumentId, SafeText, Timestamp};
use crate::engine::Command;
use crate::engine::state::Notice;
use std::collections::BTreeMap;

/// What may be typed beside orders and the words of the desk.
const WORDS: &str = "orders, positions, account, quote SYMBOL and state tell how things stand; an order is a sentence, such as buy 100 AAPL @bid; yes sends \
                     what was previewed; cancel orders with x SYMBOL, halt with halt; quit leaves";

/// A desk that speaks.
#[derive(Debug)]
pub struct Plain {
    desk: Desk,
    link: Option<Link>,
    noticed: u64,
    is_known: bool,
    orders: BTreeMap<ClientOrderId, String>,
    positions: BTreeMap<(AccountKey, InstrumentId), String>,
    /// What the message line said last.
    said: Option<(String, Timestamp)>,
    /// A line that waits for `yes`.
    waiting: Option<(String, Option<Pin>)>,
}

/// What is said, and what is to be done.
pub type Answer = (Vec<String>, Vec<Effect>);

impl Plain {
    /// Over a desk that nobody has told anything.
    pub fn new(desk: Desk) -> Self {
        Self {
            desk,
            link: None,
            noticed: 0,
            is_known: false,
            orders: BTreeMap::new(),
            positions: BTreeMap::new(),
            said: None,
            waiting: None,
        }
    }

    /// Whether the engine has told how it stands: a line that is read before would be read against nothing.
    pub fn is_ready(&self) -> bool {
        self.is_known
    }
    /// Takes what the engine tells.
    pub fn on_engine(&mut self, message: FromEngine, now: Timestamp) -> Answer {
        let is_snapshot = matches!(message, FromEngine::Snapshot(..));
        let effects = self.desk.on_engine(message, now);
        let mut said = Vec::new();
        self.tell_link(&mut said);
        self.tell_message(now, &mut said);
        if self.desk.world.is_known {
            self.tell_notices(now, &mut said);
            self.tell_orders(now, &mut said);
            self.tell_positions(now, &mut said);
        }
        if is_snapshot && !self.is_known {
            self.is_known = true;
            said = self.begin(now);
        }
        (said, effects)
    }
    /// How it stands when the state first comes.
    fn begin(&self, now: Timestamp) -> Vec<String> {
        let mut said = vec![self.account_line(now)];
        said.extend(self.orders.values().map(|line| format!("order: {line}")));
        said.extend(self.positions.values().map(|line| format!("position: {line}")));
        said.push("type help for the words; nothing is sent before you type yes".to_owned());
        said
    }
    fn tell_link(&mut self, said: &mut Vec<String>) {
        let link = &self.desk.world.link;
        if self.link.as_ref() == Some(link) {
            return;
        }
        said.push(match link {
            Link::Starting(_) => "starting the engine".to_owned(),
            Link::Attached => "attached to the engine".to_owned(),
            Link::Lost(_, why) => format!("LINK LOST: {}; trying again", SafeText::new(why)),
        });
        self.link = Some(link.clone());
    }
    fn tell_message(&mut self, now: Timestamp, said: &mut Vec<String>) {
        let Some(message) = &self.desk.message else { return };
        let is_new = self.said.as_ref() != Some(&(message.text.clone(), message.at));
        self.said = Some((message.text.clone(), message.at));
        let view = self.desk.world.view(now);
        let mut notices = view.state.notices.iter().rev().take(20);
        let told = |notice: &Notice| read::in_zone(&view, notice.text.as_str(), notice.at);
        if !is_new || notices.any(|notice| message.text.starts_with(&told(notice))) {
            return;
        }
        let mark = if message.tone == Tone::Warn {
            "warning: "
        } else {
            ""
        };
        said.push(self.ours(format!("{mark}{}", message.text)));
    }
    fn tell_notices(&mut self, now: Timestamp, said: &mut Vec<String>) {
        let view = self.desk.world.view(now);
        let new = view
            .state
            .notices
            .iter()
            .filter(|notice| notice.sequence > self.noticed);
        let lines: Vec<String> = new
            .map(|notice| {
                let told = read::in_zone(&view, notice.text.as_str(), notice.at);
                format!("{} {told}", read::when(&view, notice.at))
            })
            .map(|line| view.ours(line))
            .collect();
        said.extend(lines);
        self.noticed = view
            .state
            .notices
            .back()
            .map_or(self.noticed, |notice| notice.sequence);
    }
    fn tell_orders(&mut self, now: Timestamp, said: &mut Vec<String>) {
        let view = self.desk.world.view(now);
        for order in view.state.orders.values() {
            let line = format!(
                "{}: {}, {} filled",
                order.spec,
                order.phase.word(),
                number::quantity(order.filled)
            );
            let line = view.ours(line);
            if self.orders.get(&order.id) != Some(&line) {
                said.push(format!("order: {line}"));
                self.orders.insert(order.id, line);
            }
        }
        let known = &view.state.orders;
        self.orders.retain(|id, _| known.contains_key(id));
    }
    fn tell_positions(&mut self, now: Timestamp, said: &mut Vec<String>) {
        let view = self.desk.world.view(now);
        for ((account, id), ledger) in &view.state.ledgers {
            let held = ledger.position.quantity;
            let known = self.positions.get(&(*account, *id));
            if held.is_zero() && known.is_none() {
                continue;
            }
            let line = match ledger.position.average_price(ledger.multiplier) {
                _ if held.is_zero() => format!("{id} flat"),
                Some(average) => format!(
                    "{} {id}, average {}",
                    number::quantity_signed(held),
                    read::average(&view, *id, Some(average))
                ),
                None => format!("{} {id}", number::quantity_signed(held)),
            };
            let line = view.ours(line);
            if known != Some(&line) {
                said.push(format!("position: {line}"));
                self.positions.insert((*account, *id), line);
            }
        }
    }
    fn ours(&self, text: String) -> String {
        if self.desk.world.masked {
            super::pane::hidden(&text)
        } else {
            text
        }
    }
    /// How far the link is, and up to which event this terminal knows the engine's state, with its digest: two that show the
    /// same know the same.
    fn state_line(&self) -> String {
        let world = &self.desk.world;
        let far = world
            .round_trip
            .map_or(number::UNKNOWN.to_owned(), number::latency);
        let digest = world.state.digest();
        let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let known = if world.is_known {
            ""
        } else {
            " (old: the link is down)"
        };
        format!(
            "state: event {}, {digits}, {far} away{known}",
            world.state.sequence
        )
    }
    fn account_line(&self, now: Timestamp) -> String {
        let world = &self.desk.world;
        let Some(account) = world.account else {
            return "no account is known".to_owned();
        };
        let class = self.desk.class().map_or("", crate::domain::AccountClass::word);
        let standing = match world.standing() {
            super::world::Standing::Armed => "armed",
            super::world::Standing::Disarmed => "read-only, not armed: arm",
            super::world::Standing::NoToken => "read-only, nobody has the trading token: token takes it",
            super::world::Standing::TokenElsewhere => {
                "read-only, the trading token is elsewhere: token takes it"
            }
            super::world::Standing::Looks => "read-only, this terminal only looks",
        };
        let totals = super::profit::totals(&world.view(now), account);
        let money: Vec<String> = totals
            .iter()
            .map(|(currency, total)| format!("day {} {currency}", read::profit(total.day, Some(*currency))))
            .collect();
        let state = world.state.link(account.broker).word();
        self.ours(format!(
            "account {class} {}, {standing}, broker {state}, {}",
            account.account,
            money.join(", ")
        ))
    }

    /// Takes a line that was typed. Nothing typed does nothing.
    pub fn on_line(&mut self, text: &str, now: Timestamp) -> Answer {
        let text = SafeText::new(text.trim().trim_start_matches(':')).to_string();
        let waiting = self.waiting.take();
        let asks = matches!(self.desk.modal, Some(Modal::Question(_)));
        let (mut said, effects) = match (text.as_str(), waiting) {
            ("", None) if !asks => return (Vec::new(), Vec::new()),
            ("yes", Some((line, pin))) => (Vec::new(), self.enter(&line, pin, now)),
            ("yes", None) if asks => (Vec::new(), self.confirm(now)),
            ("yes", None) => (vec!["nothing waits for a yes".to_owned()], Vec::new()),
            ("" | "no", _) => {
                self.desk.modal = None;
                (vec!["dropped; nothing was sent".to_owned()], Vec::new())
            }
            (text, waiting) => {
                self.desk.modal = None;
                let mut answer = self.read(text, now);
                if waiting.is_some() || asks {
                    answer.0.insert(0, "what waited is dropped".to_owned());
                }
                answer
            }
        };
        self.tell_message(now, &mut said);
        match &self.desk.modal {
            Some(Modal::Question(question)) => {
                said.push(self.ours(question.text.clone()));
                said.push("type yes to do it; anything else drops it".to_owned());
            }
            Some(_) => self.desk.modal = None,
            None => {}
        }
        (said, effects)
    }
    fn read(&mut self, text: &str, now: Timestamp) -> Answer {
        let mut words = text.split_whitespace();
        let list = |lines: Vec<String>, none: &str| {
            if lines.is_empty() {
                vec![none.to_owned()]
            } else {
                lines
            }
        };
        let told = match (words.next().unwrap_or_default(), words.next()) {
            ("help" | "?", None) => Some(vec![WORDS.to_owned(), self.desk_words()]),
            ("account", None) => Some(vec![self.account_line(now)]),
            ("state", None) => Some(vec![self.state_line()]),
            ("orders", None) => {
                let live = self
                    .desk
                    .world
                    .state
                    .all_live()
                    .filter_map(|order| self.orders.get(&order.id));
                Some(list(live.cloned().collect(), "no order is working"))
            }
            ("positions", None) => {
                let held = self.positions.values().filter(|line| !line.ends_with(" flat"));
                Some(list(held.cloned().collect(), "nothing is held"))
            }
            ("quote", symbol) => Some(vec![self.quote(symbol, now)]),
            ("quit" | "q", None) => return (Vec::new(), vec![Effect::Leave(Exit::Detached)]),
            _ => None,
        };
        if let Some(told) = told {
            return (told, Vec::new());
        }
        let view = self.desk.world.view(now);
        let mut id = || self.desk.preview_id;
        match line::read(text, &view, &mut id) {
            Reading::Commands(meaning) => {
                let mut said = Vec::new();
                let mut denied = false;
                for forecast in &meaning.ahead {
                    for row in forecast.lines(usize::MAX) {
                        let words: String = row.iter().map(|span| span.content.as_ref()).collect();
                        said.extend(Some(words).filter(|words| !words.trim().is_empty()));
                    }
                    if let Some(denial) = &forecast.denial {
                        denied = true;
                        said.push(format!("would be denied: {denial}"));
                    }
                }
                let takes_away = |command: &Command| {
                    matches!(
                        command,
                        Command::Cancel { .. }
                            | Command::CancelAll { .. }
                            | Command::Halt { .. }
                            | Command::SetTrading { .. }
                    )
                };
                if denied {
                    return (said, Vec::new());
                }
                said.extend(meaning.notes.iter().cloned());
                let takes_away = meaning.commands.iter().all(takes_away);
                let pin = Pin::new(meaning, &view);
                if takes_away {
                    let effects = self.enter(text, pin, now);
                    return (said, effects);
                }
                said.push("type yes to send; anything else drops it".to_owned());
                self.waiting = Some((text.to_owned(), pin));
                (said, Vec::new())
            }
            Reading::Wrong(_, why) => (vec![format!("not understood: {why}")], Vec::new()),
            Reading::Symbol(id) => {
                self.desk.world.instrument = Some(id);
                let mut effects = self.desk.ask();
                effects.dedup();
                (vec![self.quote(Some(id.as_str()), now)], effects)
            }
            _ => (Vec::new(), self.enter(text, None, now)),
        }
    }
    fn desk_words(&self) -> String {
        let words: Vec<&str> = line::DESK_WORDS.iter().map(|(word, ..)| *word).collect();
        format!("words of the desk: {}", words.join(", "))
    }
    fn quote(&self, symbol: Option<&str>, now: Timestamp) -> String {
        let view = self.desk.world.view(now);
        let found = match symbol {
            Some(symbol) => view
                .state
                .resolve(symbol, view.venue_now)
                .map(|instrument| instrument.id),
            None => view.instrument,
        };
        let Some(id) = found else {
            return format!("no instrument '{}'", symbol.unwrap_or("is chosen"));
        };
        let quote = view.market.quote(id);
        let side = |level: Option<(crate::domain::Price, crate::domain::Quantity)>| {
            level.map_or(number::UNKNOWN.to_owned(), |(price, size)| {
                format!("{} for {}", read::price(&view, id, price), number::quantity(size))
            })
        };
        let last = read::price_or_unknown(&view, id, read::last(&view, id));
        let (bid, ask) = (
            side(quote.and_then(|quote| quote.bid)),
            side(quote.and_then(|quote| quote.ask)),
        );
        let fresh = read::freshness(&view, id).map_or(String::new(), |word| format!(", {word}"));
        format!("{id}: last {last}, bid {bid}, ask {ask}{fresh}")
    }
    /// Enter on a line that was previewed long enough: a person has heard it and typed `yes`.
    fn enter(&mut self, text: &str, pin: Option<Pin>, now: Timestamp) -> Vec<Effect> {
        let mut line = Line::new(now);
        line.insert(text, now);
        line.pin = pin.map(|pin| pin.confirmed(now));
        self.desk.modal = Some(Modal::Line(line));
        let effects = self.desk.act(Action::Enter, now);
        if matches!(self.desk.modal, Some(Modal::Line(_))) {
            self.desk.modal = None;
        }
        effects
    }
    fn confirm(&mut self, now: Timestamp) -> Vec<Effect> {
        if let Some(Modal::Question(question)) = self.desk.modal.take() {
            self.desk.modal = Some(Modal::Question(Question {
                at: Timestamp::MIN,
                ..question
            }));
        }
        self.desk.act(Action::Enter, now)
    }
    /// What was typed and is waiting is dropped, as when somebody else uses the desk.
    pub fn tick(&mut self, now: Timestamp) {
        self.desk.tick(now);
    }
}

#[cfg(test)]
mod tests {
    use super::super::link::ToEngine;
    use super::super::sample;
    use super::*;
    use crate::domain::Side;

    fn plain() -> Plain {
        let (desk, _) = sample::desk();
        let state = desk.world.state.clone();
        let mut plain = Plain::new(desk);
        let (said, _) = plain.on_engine(
            FromEngine::Snapshot(Box::new(state), sample::now()),
            sample::now(),
        );
        let all = said.join("\n");
        assert!(all.contains("account SIM SIM100001, armed"), "{all}");
        assert!(all.contains("position: +100 AAPL, average "), "{all}");
        plain
    }
    fn commands(effects: Vec<Effect>) -> Vec<Command> {
        let command = |effect| match effect {
            Effect::Tell(ToEngine::Command { command, .. }) => Some(command),
            _ => None,
        };
        effects.into_iter().filter_map(command).collect()
    }

    #[test]
    fn an_order_is_heard_before_it_goes_and_only_yes_sends_it() {
        let mut plain = plain();
        for dropped in ["", "no", "y", "positions"] {
            let (said, effects) = plain.on_line("buy 10 AAPL @189", sample::now());
            assert!(said.join("\n").contains("BUY 10 AAPL @ 189.00 day"), "{said:?}");
            assert_eq!(effects, []);
            let (said, effects) = plain.on_line(dropped, sample::now());
            assert_eq!(effects, []);
            assert!(said[0].contains("dropped"), "{said:?}");
            assert_eq!(plain.on_line("yes", sample::now()).1, [], "nothing waits");
        }
        plain.on_line("buy 10 AAPL @189", sample::now());
        let (_, effects) = plain.on_line("yes", sample::now());
        let sent = commands(effects);
        assert!(
            matches!(&sent[..], [Command::Submit { spec, .. }] if spec.side == Side::Buy && spec.quantity.to_string() == "10"),
            "{sent:?}"
        );
        let (said, effects) = plain.on_line("halt", sample::now());
        assert_eq!(commands(effects).len(), 1, "the brake asks nothing: {said:?}");
        let (said, effects) = plain.on_line("flat all", sample::now());
        assert!(
            effects.is_empty() && said.join(" ").contains("type yes"),
            "{said:?}"
        );
        let sent = commands(plain.on_line("yes", sample::now()).1);
        assert!(matches!(&sent[..], [Command::FlattenAccount { .. }]), "{sent:?}");
    }

    #[test]
    fn it_tells_how_things_stand_and_what_is_wrong() {
        let mut plain = plain();
        let say = |plain: &mut Plain, text: &str| plain.on_line(text, sample::now()).0.join("\n");
        assert!(say(&mut plain, "quote AAPL").starts_with("AAPL: last "));
        assert!(say(&mut plain, "buy 0100 AAPL").starts_with("not understood: "));
        assert!(say(&mut plain, "positions").contains("+100 AAPL"));
        assert!(say(&mut plain, "nosuch").contains("not understood"));
        let lost = FromEngine::Lost {
            reason: "gone".into(),
        };
        let (said, _) = plain.on_engine(lost, sample::now());
        assert_eq!(said, ["LINK LOST: gone; trying again"]);
        let (said, effects) = plain.on_line("halt", sample::now());
        assert!(
            effects.is_empty() && said.join("\n").contains("not sent"),
            "{said:?}"
        );
    }
}
