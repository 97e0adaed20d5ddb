//! Faults on demand: what stands between the core and its clients and spoils what they are told. The truth stays in the
//! venue's books, and answers to questions about it are spoiled by `cut-reply` alone. The words are read in `scenario`.

use super::core::{Gateway, GatewayError, Output};
use super::scenario::{self, Commission, HELP, Rejecting, Reply, Scenario, Word};
use super::server::Doors;
use super::session::ConnectionId;
use super::tws::message::Outgoing;
use super::tws::{PROTOBUF_FROM, frame, proto};
use crate::domain::{Execution, Timestamp};
use rand_core::Rng;
use rand_pcg::Pcg64Mcg;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// How long after a wrong execution the right one is told.
const CORRECTED_AFTER: Duration = Duration::from_millis(500);
/// How long a message waits for others to be mixed with.
const MIXED_WITHIN: Duration = Duration::from_millis(500);
/// How far the next order id goes back at a restart.
const BACK_AT_RESTART: i32 = 3;

/// The faults in force.
#[derive(Debug)]
pub(super) struct Faults {
    chance: Pcg64Mcg,
    muted_until: Timestamp,
    paused_until: Timestamp,
    refused_until: Timestamp,
    silent_until: Timestamp,
    slow: Duration,
    held_ids: BTreeMap<i32, Timestamp>,
    lower_by: i32,
    rejecting: Rejecting,
    reject_with: (i32, String),
    duplicate: f64,
    window: usize,
    lose_executions: f64,
    lose_statuses: f64,
    late: Duration,
    commission: Commission,
    dead_next: bool,
    correct_next: bool,
    pending_submit: bool,
    /// Logins are entitled to delayed data alone.
    delayed: bool,
    /// Another session of the login has the data: no line is served.
    competing: bool,
    /// Messages a second that a client may say.
    pace: Option<u32>,
    /// The second that is counted, and how much each client has said in it.
    said: (i64, BTreeMap<ConnectionId, u32>),
    cut_replies: BTreeMap<Reply, u32>,
    /// Executions that were told wrong and are of revision 2 now.
    corrected: BTreeSet<String>,
    /// The answer that is being given, and what of it has left; nothing more leaves of one that is cut short.
    answering: Option<(bool, usize)>,
    /// What is told later, by time and number.
    later: BTreeMap<(Timestamp, u64), Output>,
    /// What waits to be mixed.
    mixing: BTreeMap<ConnectionId, Vec<Outgoing>>,
    mix_until: Timestamp,
    number: u64,
    script: VecDeque<(Timestamp, String)>,
}

impl Faults {
    pub fn new(seed: u64) -> Self {
        Self {
            chance: Pcg64Mcg::new(u128::from(seed) | 1),
            muted_until: Timestamp::MIN,
            paused_until: Timestamp::MIN,
            refused_until: Timestamp::MIN,
            silent_until: Timestamp::MIN,
            slow: Duration::ZERO,
            held_ids: BTreeMap::new(),
            lower_by: 0,
            rejecting: Rejecting::Off,
            reject_with: (201, String::new()),
            duplicate: 0.0,
            window: 0,
            lose_executions: 0.0,
            lose_statuses: 0.0,
            late: Duration::ZERO,
            commission: Commission::OnTime,
            dead_next: false,
            correct_next: false,
            pending_submit: false,
            delayed: false,
            competing: false,
            pace: None,
            said: (0, BTreeMap::new()),
            cut_replies: BTreeMap::new(),
            corrected: BTreeSet::new(),
            answering: None,
            later: BTreeMap::new(),
            mixing: BTreeMap::new(),
            mix_until: Timestamp::MAX,
            number: 0,
            script: VecDeque::new(),
        }
    }

    pub fn doors(&self, now: Timestamp) -> Doors {
        Doors {
            refuse: now < self.refused_until,
            silent: now < self.silent_until,
            paused: now < self.paused_until,
        }
    }

    pub fn next_wake(&self) -> Timestamp {
        let later = self.later.keys().next().map_or(Timestamp::MAX, |key| key.0);
        let step = self.script.front().map_or(Timestamp::MAX, |step| step.0);
        later.min(step).min(self.mix_until)
    }

    pub fn forget(&mut self, connection: ConnectionId) {
        self.mixing.remove(&connection);
        self.later
            .retain(|_, output| !matches!(output, Output::Tell(to, _) if *to == connection));
    }

    pub fn holds_id(&self, client: i32, now: Timestamp) -> bool {
        self.held_ids.get(&client).is_some_and(|until| now < *until)
    }

    pub fn lowered(&self, next: i32) -> i32 {
        next.saturating_sub(self.lower_by).max(1)
    }

    /// True where a client has said more in this second than it may.
    pub fn is_too_fast(&mut self, connection: ConnectionId, now: Timestamp) -> bool {
        let Some(most) = self.pace else {
            return false;
        };
        if self.said.0 != now.seconds() {
            self.said = (now.seconds(), BTreeMap::new());
        }
        let count = self.said.1.entry(connection).or_default();
        *count = count.saturating_add(1);
        *count > most
    }

    /// What an order on its way to the exchange is refused with, if it is.
    pub fn rejects(&mut self, is_child: bool) -> Option<(i32, String)> {
        let spared = self.rejecting == Rejecting::Child && !is_child;
        if spared || self.rejecting == Rejecting::Off {
            return None;
        }
        if self.rejecting != Rejecting::Always {
            self.rejecting = Rejecting::Off;
        }
        Some(self.reject_with.clone())
    }

    /// True where the next cancel is told before it is done.
    pub fn plays_dead(&mut self) -> bool {
        std::mem::take(&mut self.dead_next)
    }

    /// True where clients are told of an order before the exchange has it.
    pub fn tells_pending(&self) -> bool {
        self.pending_submit
    }

    /// Whether live data are not told, so that who asks for delayed ones gets those.
    pub(super) fn only_delayed(&self) -> bool {
        self.delayed
    }

    /// Whether another session has the data.
    pub(super) fn has_competition(&self) -> bool {
        self.competing
    }

    pub fn execution_id(&self, execution: &Execution) -> String {
        let base = execution.id.base.to_string();
        if self.corrected.contains(&base) {
            return format!("{base}.02");
        }
        execution.id.to_string()
    }

    /// An answer begins: it is told as it is, or cut short.
    pub fn begin_answer(&mut self, reply: Reply) {
        let left = self.cut_replies.entry(reply).or_default();
        let cut = *left > 0;
        *left = left.saturating_sub(1);
        self.answering = Some((cut, 0));
    }

    pub fn end_answer(&mut self) {
        self.answering = None;
    }

    /// Lets a message through, or what the faults make of it.
    pub fn pass(&mut self, to: ConnectionId, message: Outgoing, now: Timestamp, out: &mut Vec<Output>) {
        if now < self.muted_until {
            return;
        }
        if let Some((cut, told)) = &mut self.answering {
            *told += 1;
            if !*cut || *told == 1 && !is_end(&message) {
                self.leave(to, message, Duration::ZERO, now, out);
            }
            return;
        }
        match &message {
            Outgoing::ExecutionDetails(details) if details.req_id == Some(-1) => {
                self.execution(to, message, now, out);
            }
            Outgoing::CommissionAndFees(report) => match self.commission_delay(report) {
                Some(delay) if !self.happens(self.lose_executions) => {
                    self.order_message(to, message, delay, now, out);
                }
                _ => {}
            },
            Outgoing::OrderStatus(_) | Outgoing::OpenOrder(_) => {
                if !self.happens(self.lose_statuses) {
                    self.order_message(to, message, Duration::ZERO, now, out);
                }
            }
            _ => self.leave(to, message, Duration::ZERO, now, out),
        }
    }

    fn execution(&mut self, to: ConnectionId, message: Outgoing, now: Timestamp, out: &mut Vec<Output>) {
        if self.happens(self.lose_executions) {
            return;
        }
        if std::mem::take(&mut self.correct_next)
            && let Outgoing::ExecutionDetails(right) = &message
            && let Some((wrong, right)) = self.corrected(right)
        {
            self.order_message(to, wrong.into(), Duration::ZERO, now, out);
            return self.order_message(to, right.into(), CORRECTED_AFTER, now, out);
        }
        self.order_message(to, message, Duration::ZERO, now, out);
    }

    /// A wrong execution of revision 1, and the right one as revision 2.
    fn corrected(
        &mut self,
        told: &proto::ExecutionDetails,
    ) -> Option<(proto::ExecutionDetails, proto::ExecutionDetails)> {
        let (mut wrong, mut right) = (told.clone(), told.clone());
        let id = told.execution.as_ref()?.exec_id.clone()?;
        let base = id.strip_suffix(".01")?.to_owned();
        let execution = wrong.execution.as_mut()?;
        execution.price = execution.price.map(|price| price + 1.0);
        execution.avg_price = execution.avg_price.map(|price| price + 1.0);
        right.execution.as_mut()?.exec_id = Some(format!("{base}.02"));
        self.corrected.insert(base);
        Some((wrong, right))
    }

    /// How long a commission waits; nothing where it is never told. That of a corrected execution follows it.
    fn commission_delay(&self, report: &proto::CommissionAndFeesReport) -> Option<Duration> {
        let id = report.exec_id.as_deref().unwrap_or_default();
        let corrected = id
            .strip_suffix(".02")
            .is_some_and(|base| self.corrected.contains(base));
        let follows = if corrected {
            CORRECTED_AFTER
        } else {
            Duration::ZERO
        };
        match self.commission {
            Commission::OnTime => Some(follows),
            Commission::Late(delay) => Some(delay.max(follows)),
            Commission::Never => None,
        }
    }

    /// A message about an order: late, twice, or out of its turn.
    fn order_message(
        &mut self,
        to: ConnectionId,
        message: Outgoing,
        delay: Duration,
        now: Timestamp,
        out: &mut Vec<Output>,
    ) {
        let delay = delay + self.late;
        if self.happens(self.duplicate) {
            self.leave(to, message.clone(), delay, now, out);
        }
        if self.window > 1 && delay.is_zero() {
            let waiting = self.mixing.entry(to).or_default();
            waiting.push(message);
            self.mix_until = self.mix_until.min(now.after(MIXED_WITHIN));
            if waiting.len() >= self.window {
                self.mix(to, now, out);
            }
            return;
        }
        self.leave(to, message, delay, now, out);
    }

    /// Lets go of what waits for a client, in an order of chance.
    fn mix(&mut self, to: ConnectionId, now: Timestamp, out: &mut Vec<Output>) {
        let mut waiting = self.mixing.remove(&to).unwrap_or_default();
        while !waiting.is_empty() {
            let count = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
            let at = usize::try_from(self.chance.next_u32() % count).unwrap_or(0);
            let message = waiting.remove(at);
            self.leave(to, message, Duration::ZERO, now, out);
        }
        if self.mixing.is_empty() {
            self.mix_until = Timestamp::MAX;
        }
    }

    fn leave(
        &mut self,
        to: ConnectionId,
        message: Outgoing,
        delay: Duration,
        now: Timestamp,
        out: &mut Vec<Output>,
    ) {
        let delay = delay + self.slow;
        let output = Output::Tell(to, Box::new(message));
        if delay.is_zero() {
            out.push(output);
        } else {
            self.number += 1;
            self.later.insert((now.after(delay), self.number), output);
        }
    }

    fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && f64::from(self.chance.next_u32()) / f64::from(u32::MAX) < probability
    }

    /// Everything that was held back and is due.
    fn due(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        if self.mix_until <= now {
            for to in self.mixing.keys().copied().collect::<Vec<_>>() {
                self.mix(to, now, out);
            }
        }
        let rest = self.later.split_off(&(Timestamp(now.0.saturating_add(1)), 0));
        out.extend(std::mem::replace(&mut self.later, rest).into_values());
    }

    /// Takes everything back; what was held back leaves.
    fn clear(&mut self, out: &mut Vec<Output>) {
        for to in self.mixing.keys().copied().collect::<Vec<_>>() {
            self.slow = Duration::ZERO;
            self.mix(to, Timestamp::MIN, out);
        }
        out.extend(std::mem::take(&mut self.later).into_values());
        let old = std::mem::replace(self, Self::new(0));
        self.chance = old.chance;
        // An execution that was corrected stays so.
        self.corrected = old.corrected;
        self.script = old.script;
        self.number = old.number;
    }
}

/// Is this the mark that proves an answer complete?
fn is_end(message: &Outgoing) -> bool {
    matches!(
        message,
        Outgoing::PositionEnd(_)
            | Outgoing::OpenOrdersEnd(_)
            | Outgoing::ExecutionDetailsEnd(_)
            | Outgoing::CompletedOrdersEnd(_)
    )
}

/// What TWS says with a code, where nobody says otherwise.
fn usual_text(code: i32) -> &'static str {
    match code {
        100 => "Max rate of messages per second has been exceeded",
        162 => "Historical Market Data Service error message:API historical data query cancelled",
        1100 => "Connectivity between IBKR and Trader Workstation has been lost.",
        1101 => "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
        1102 => "Connectivity between IBKR and Trader Workstation has been restored - data maintained.",
        1300 => "TWS socket port has been reset and this connection is being dropped.",
        2103 => "Market data farm connection is broken:simfarm",
        2104 => "Market data farm connection is OK:simfarm",
        2105 => "HMDS data farm connection is broken:simhmds",
        2106 => "HMDS data farm connection is OK:simhmds",
        2107 => "HMDS data farm connection is inactive but should be available upon demand.simhmds",
        2108 => "Market data farm connection is inactive but should be available upon demand.simfarm",
        2110 => {
            "Connectivity between Trader Workstation and server is broken. It will be restored automatically."
        }
        2119 => "Market data farm is connecting:simfarm",
        2157 => "Sec-def data farm connection is broken:simsecdef",
        2158 => "Sec-def data farm connection is OK:simsecdef",
        10197 => super::quotes::COMPETING,
        _ => "said on demand",
    }
}

impl Gateway {
    /// Takes faults to begin with from a scenario's text.
    ///
    /// # Errors
    /// A text that can't be read: in words.
    pub fn load_scenario(&mut self, text: &str) -> Result<(), GatewayError> {
        let scenario = Scenario::read(text).map_err(GatewayError::Scenario)?;
        if let Some(seed) = scenario.seed {
            self.faults.chance = Pcg64Mcg::new(u128::from(seed) | 1);
        }
        let steps = scenario.steps.into_iter();
        self.faults.script = steps
            .map(|(after, words)| (self.now.after(after), words))
            .collect();
        Ok(())
    }

    /// Does what a scenario wants by now.
    pub(super) fn play_script(&mut self) {
        while self.faults.script.front().is_some_and(|step| step.0 <= self.now) {
            if let Some((_, words)) = self.faults.script.pop_front() {
                match self.play(&words) {
                    Ok(done) => tracing::info!(words, done, "scenario"),
                    Err(why) => tracing::warn!(words, why, "scenario"),
                }
            }
        }
    }

    /// Tells what was held back until now.
    pub(super) fn tell_held(&mut self) {
        let (now, mut out) = (self.now, Vec::new());
        self.faults.due(now, &mut out);
        self.push_all(out);
    }

    /// Does what an operator wants; answers what was done.
    pub(super) fn play(&mut self, words: &str) -> Result<String, String> {
        let word = scenario::parse(words)?;
        let now = self.now;
        let until = |span: Duration| now.after(span);
        let faults = &mut self.faults;
        let done = match word {
            Word::Help => return Ok(HELP.to_owned()),
            Word::Say {
                code,
                client,
                id,
                text,
            } => return Ok(self.say(code, client, id, &text)),
            Word::Cut(client) => {
                let clients = self.clients(client);
                for at in &clients {
                    self.push(Output::Cut(*at));
                }
                return Ok(format!("cut {} connections", clients.len()));
            }
            Word::Garbage(client) => return Ok(self.raw(client, Garbage::Noise)),
            Word::WrongLength(client) => return Ok(self.raw(client, Garbage::Length)),
            Word::BadOrder(client) => return Ok(self.raw(client, Garbage::Order)),
            Word::Competing(true) => {
                faults.competing = true;
                for at in self.sessions.keys().copied().collect::<Vec<_>>() {
                    self.take_lines(at);
                }
                "another session has the data"
            }
            Word::DataLost => {
                for session in self.sessions.values_mut() {
                    session.drop_market_data();
                }
                self.say(1101, None, -1, "");
                "market data subscriptions are dropped"
            }
            Word::Restart(span) => {
                faults.refused_until = until(span);
                faults.lower_by = BACK_AT_RESTART;
                for at in self.sessions.keys().copied().collect::<Vec<_>>() {
                    self.push(Output::Cut(at));
                }
                "everybody is cut off and the doors are closed for a while"
            }
            Word::Clear => {
                let mut out = Vec::new();
                faults.clear(&mut out);
                self.push_all(out);
                "no faults are in force"
            }
            word => {
                faults.set(word, now);
                "in force"
            }
        };
        Ok(done.to_owned())
    }

    fn say(&mut self, code: i32, client: Option<i32>, id: i32, text: &str) -> String {
        let text = if text.is_empty() { usual_text(code) } else { text };
        let clients = self.clients(client);
        for at in &clients {
            self.error(*at, id, code, text);
        }
        format!("said to {} clients", clients.len())
    }

    fn clients(&self, client: Option<i32>) -> Vec<ConnectionId> {
        match client {
            Some(client) => self.connection_of(client).into_iter().collect(),
            None => self.started(),
        }
    }

    fn raw(&mut self, client: Option<i32>, what: Garbage) -> String {
        let clients = self.clients(client);
        for at in &clients {
            let version = self.sessions.get(at).map_or(0, |session| session.version);
            let bytes = match what {
                Garbage::Length => vec![0xf0, 0, 0, 0, 1, 2, 3, 4],
                Garbage::Noise => (0..16)
                    .flat_map(|_| self.faults.chance.next_u32().to_le_bytes())
                    .collect(),
                Garbage::Order => bad_order(version),
            };
            self.push(Output::Raw(*at, bytes));
        }
        format!("sent to {} clients", clients.len())
    }
}

/// What is sent in place of a message.
#[derive(Clone, Copy, Debug)]
enum Garbage {
    Length,
    Noise,
    Order,
}

/// A status of an order that no client can read.
fn bad_order(version: i32) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, |out| {
        if version < PROTOBUF_FROM {
            out.extend_from_slice(b"3\0not a number\0");
        } else {
            out.extend_from_slice(&203_i32.to_be_bytes());
            // A field that claims to be longer than the message is.
            out.extend_from_slice(&[0x12, 0x7f, 0x01]);
        }
    });
    bytes
}

impl Faults {
    /// Puts a lasting fault in force.
    fn set(&mut self, word: Word, now: Timestamp) {
        match word {
            Word::Mute(span) => self.muted_until = now.after(span),
            Word::HalfOpen(span) => self.paused_until = now.after(span),
            Word::Refuse(span) => self.refused_until = now.after(span),
            Word::AcceptOnly(span) => self.silent_until = now.after(span),
            Word::Slow(delay) => self.slow = delay,
            Word::HoldId(client, span) => {
                self.held_ids.insert(client, now.after(span));
            }
            Word::LowerNextId(by) => self.lower_by = by.max(0),
            Word::Reject(which, code, text) => {
                self.rejecting = which;
                self.reject_with = (code, text);
            }
            Word::Duplicate(probability) => self.duplicate = probability,
            Word::Reorder(window) => self.window = window,
            Word::Lose(executions, statuses) => {
                self.lose_executions = executions.unwrap_or(self.lose_executions);
                self.lose_statuses = statuses.unwrap_or(self.lose_statuses);
            }
            Word::Late(delay) => self.late = delay,
            Word::Commission(commission) => self.commission = commission,
            Word::FillAfterCancel => self.dead_next = true,
            Word::Correct => self.correct_next = true,
            Word::CutReply(reply, count) => {
                self.cut_replies.insert(reply, count);
            }
            Word::Pace(most) => self.pace = most,
            Word::PendingSubmit(on) => self.pending_submit = on,
            Word::Delayed(on) => self.delayed = on,
            Word::Competing(on) => self.competing = on,
            // Done once, not in force.
            _ => {}
        }
    }
}
