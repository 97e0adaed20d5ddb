//! Alerts at this terminal: the `:alert` line, the keys that begin one and that take up a staged order, and how the terminal
//! rings. What fires, and when, is the engine's; here it is only told, at a pace that can be borne, and without numbers where
//! they are masked. A staged order is never put under a person's hands by itself: a key asks for it, Enter sends it.

use super::clipboard::through;
use super::desk::{Desk, Effect, Modal, Tone};
use super::forecast::{Forecast, bold, span};
use super::layout::PaneId;
use super::line::{Line, Meaning, Reading};
use super::pane::{View, hidden};
use super::panes::read as clock;
use super::widgets::number;
use crate::domain::{SafeText, Timestamp};
use crate::engine::alerts::grammar::{Names, Said, read, span_text};
use crate::engine::alerts::{AlertId, AlertSpec, Channel, Condition, Firing, measure};
use crate::engine::{Command, Event, Fact, State};
use std::time::Duration;

/// Between two bells or notifications at least.
const APART: Duration = Duration::from_secs(2);
/// The longest notification, in characters.
const LONGEST: usize = 200;
/// A staged order is offered for this long.
const STAGED_FOR: Duration = Duration::from_secs(24 * 3_600);

/// How the terminal tells of alerts, beside the message line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlarmSettings {
    /// It rings.
    pub bell: bool,
    /// A notification by OSC 9.
    pub osc9: bool,
    /// A notification by OSC 777.
    pub osc777: bool,
    /// The terminal is one of tmux, which would keep notifications to itself.
    pub in_tmux: bool,
}

/// What waits to be told, and the order that waits for a person.
#[derive(Debug)]
pub(super) struct Alarm {
    settings: AlarmSettings,
    due: Vec<String>,
    rang_at: Option<Timestamp>,
    staged: Option<(AlertId, SafeText)>,
    /// The last firing that a person had before their eyes in the pane of alerts.
    pub(super) seen: u64,
}

impl Alarm {
    pub(super) fn new(settings: AlarmSettings) -> Self {
        Self {
            settings,
            due: Vec::new(),
            rang_at: None,
            staged: None,
            seen: 0,
        }
    }
    /// An order that was staged while nobody was attached waits still.
    pub(super) fn take_snapshot(&mut self, state: &State) {
        let new = |at: Timestamp| state.at.since(at) <= STAGED_FOR;
        let mut firings = state.alerts.firings.iter().rev().filter(|firing| new(firing.at));
        self.staged = firings.find_map(|firing| Some((firing.alert?, firing.stage.clone()?)));
    }
    /// Takes an event that is folded already.
    pub(super) fn take_event(&mut self, event: &Event, state: &State) {
        if !matches!(event.fact, Fact::AlertFired { .. } | Fact::BrokerAway { .. }) {
            return;
        }
        let mut firings = state.alerts.firings.iter().rev();
        let Some(firing) = firings.find(|firing| firing.sequence == event.sequence) else {
            return;
        };
        if firing.channels.is_empty() || firing.channels.contains(&Channel::Terminal) {
            self.due.push(firing.text.to_string());
        }
        if let Some(staged) = firing.alert.zip(firing.stage.clone()) {
            self.staged = Some(staged);
        }
    }
}

/// Bytes that make a terminal ring and notify. The text is harmless already; what parts fields of the sequence is not let in.
fn bytes(settings: AlarmSettings, text: &str) -> Vec<u8> {
    let text: String = text.replace(';', ",").chars().take(LONGEST).collect();
    let mut bytes = Vec::new();
    let mut notify = |sequence: String| bytes.extend(through(sequence, settings.in_tmux).bytes());
    if settings.osc9 {
        notify(format!("\u{1b}]9;tradewind: {text}\u{7}"));
    }
    if settings.osc777 {
        notify(format!("\u{1b}]777;notify;tradewind;{text}\u{7}"));
    }
    if settings.bell {
        bytes.push(7);
    }
    bytes
}

impl Desk {
    /// Rings for what fired, where the last bell is long enough ago.
    pub(super) fn ring(&mut self, now: Timestamp) -> Option<Effect> {
        let rested = self.alarm.rang_at.is_none_or(|at| now.since(at) >= APART);
        let last = self.alarm.due.last().filter(|_| rested)?;
        let more = match self.alarm.due.len() {
            1 => String::new(),
            count => format!(" (+{} more)", count - 1),
        };
        let text = SafeText::new(&format!("{last}{more}")).to_string();
        let text = if self.world.masked { hidden(&text) } else { text };
        self.alarm.due.clear();
        self.alarm.rang_at = Some(now);
        let bytes = bytes(self.alarm.settings, &text);
        (!bytes.is_empty()).then_some(Effect::Ring(bytes))
    }

    /// How many alerts are waited for, and how many firings nobody has looked at.
    pub(super) fn alerts_count(&self) -> (usize, usize) {
        let alerts = &self.world.state.alerts;
        let live = alerts.all.values().filter(|alert| alert.is_active()).count();
        let new = |firing: &&Firing| firing.alert.is_some() && firing.sequence > self.alarm.seen;
        (live, alerts.firings.iter().filter(new).count())
    }

    /// What fired is seen while the pane of alerts has the focus in sight.
    pub(super) fn see_alerts(&mut self) {
        let in_sight = self.focus == PaneId::Alerts && !self.too_small && self.is_in_front(PaneId::Alerts);
        let last = self
            .world
            .state
            .alerts
            .firings
            .iter()
            .map(|firing| firing.sequence)
            .max();
        if let (true, Some(last)) = (in_sight, last) {
            self.alarm.seen = last;
        }
    }

    /// Begins an alert at the price under the cursor, else at the last price.
    pub(super) fn alert_here(&mut self, now: Timestamp) {
        let Some((_, id)) = self.need_instrument(now) else {
            return;
        };
        let view = self.world.view(now);
        let last = view.market.ticker(id).and_then(|ticker| ticker.price());
        let held = self.pane(self.focus).and_then(|place| place.pane.price(&view));
        let text = match held.or(last) {
            Some(price) => {
                let side = if last.is_some_and(|last| price < last) {
                    '<'
                } else {
                    '>'
                };
                let decimals = view
                    .state
                    .instruments
                    .get(&id)
                    .map_or(2, |listed| listed.decimals_at(price));
                format!("alert {id} {side} {price:.*}", decimals as usize)
            }
            None => format!("alert {id} > "),
        };
        self.open_line(&text, now);
    }

    /// Puts the staged order into the order line, as if it had been typed.
    pub(super) fn open_staged(&mut self, now: Timestamp) {
        match self.alarm.staged.take() {
            Some((id, order)) => {
                self.open_line(order.as_str(), now);
                self.say(
                    Tone::Plain,
                    format!("staged by alert {id}; Enter sends it, Esc drops it"),
                    now,
                );
            }
            None => self.say(Tone::Plain, "no alert has staged an order", now),
        }
    }

    fn open_line(&mut self, text: &str, now: Timestamp) {
        let mut line = Line::new(now);
        line.insert(text, now);
        self.modal = Some(Modal::Line(line));
    }

    /// Shows the alerts, where they have a place.
    pub(super) fn show_alerts(&mut self) {
        if !self.tab_order().contains(&PaneId::Alerts) {
            self.go(0);
        }
        self.focus_on(PaneId::Alerts);
    }
}

/// What an `alert` line means now.
pub(super) fn read_line(text: &str, view: &View<'_>) -> Reading {
    let begins = text.len() - text.trim_start().len() + "alert".len();
    let rest = text.get(begins..).unwrap_or_default();
    let names = Names {
        state: view.state,
        market: view.market,
        account: view.account,
        now: view.now,
        venue_now: view.venue_now,
    };
    let one = |command: Command, ahead: Forecast| {
        Reading::Commands(Meaning {
            commands: vec![command],
            ahead: vec![ahead],
            notes: Vec::new(),
        })
    };
    match read(rest, &names) {
        Err(error) => Reading::Wrong(error.at.start + begins..error.at.end + begins, error.text),
        Ok(Said::List) => Reading::Desk("alert", "list".to_owned()),
        Ok(Said::Make(spec)) => {
            let ahead = ahead(&spec, view);
            one(Command::SetAlert { spec }, ahead)
        }
        Ok(Said::Remove(id)) => {
            let command = Command::RemoveAlert { id };
            let what = id.map_or("all alerts".to_owned(), |id| about(id, view));
            let ahead = plain("REMOVE ", what, view);
            one(command, ahead)
        }
        Ok(Said::Pause(id, paused)) => {
            let ahead = plain(if paused { "PAUSE " } else { "RESUME " }, about(id, view), view);
            one(Command::PauseAlert { id, paused }, ahead)
        }
    }
}

fn plain(verb: &str, what: String, view: &View<'_>) -> Forecast {
    Forecast::of(vec![
        bold(verb.to_owned(), view.theme.bright),
        span(what, view.theme.text),
    ])
}

fn about(id: AlertId, view: &View<'_>) -> String {
    let known = view.state.alerts.all.get(&id);
    known.map_or(format!("{id}: there is none"), |alert| {
        format!("{id}: {}", alert.spec.condition)
    })
}

/// What an alert would wait for, and how far that is.
fn ahead(spec: &AlertSpec, view: &View<'_>) -> Forecast {
    let theme = view.theme;
    let mut groups = vec![vec![
        bold("ALERT ", theme.bright),
        span(spec.condition.to_string(), theme.text),
    ]];
    if let Some(away) = away(&spec.condition, view) {
        groups.push(vec![span(away, theme.text)]);
    }
    let often = spec.repeat_s.map_or("once".to_owned(), |seconds| {
        format!("again after {} at the soonest", span_text(seconds))
    });
    groups.push(vec![span(often, theme.dim)]);
    if let Some(at) = spec.expires {
        let mut named = None;
        spec.condition
            .each(&mut |test| named = named.or_else(|| test.instrument()));
        let until = clock::local(view, named, at, "until %a %d %b %Y %H:%M %Z");
        groups.push(vec![span(until, theme.dim)]);
    }
    if let Some(order) = &spec.stage {
        groups.push(vec![span(format!("stages {order}, unsent"), theme.warn)]);
    }
    if !spec.channels.is_empty() {
        let ways: Vec<&str> = spec.channels.iter().map(|way| way.word()).collect();
        groups.push(vec![span(format!("told by {}", ways.join(", ")), theme.dim)]);
    }
    Forecast {
        rows: vec![groups],
        denial: None,
    }
}

/// How far the first price of a condition is from its level: `189.50, +10.50 to go`.
pub(super) fn away(condition: &Condition, view: &View<'_>) -> Option<String> {
    let mut found = None;
    condition.each(&mut |test| {
        if found.is_none() {
            found = measure::distance(view.market, test).zip(test.instrument());
        }
    });
    let ((now, distance), id) = found?;
    let decimals = view
        .state
        .instruments
        .get(&id)
        .map_or(2, |listed| listed.decimals_at(now));
    let sign = if distance.raw() > 0 { "+" } else { "" };
    Some(format!(
        "now {}, {sign}{} to go",
        number::price(now, decimals),
        number::price(distance, decimals)
    ))
}

#[cfg(test)]
mod tests;
