//! What the engine's task has to do with a broker beside orders: which market data is wanted, history that has to be asked
//! for, and questions that only the broker can answer. Answers come back on channels: the task never waits.

use super::market_out::MarketOut;
use crate::broker::{Adapter, Answer, Question, Want};
use crate::domain::{BrokerId, InstrumentId, OrderSpec, SafeText, Timestamp};
use crate::engine::State;
use crate::engine::port::Health;
use crate::market::what_if::Told;
use crate::market::{AskedFor, Bar, Market, Timeframe, WhatIf};
use crate::wire::Reply;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Most bars that are asked of a broker at once.
const HISTORY_MAX: u32 = 2_000;

/// History as it came.
#[derive(Debug)]
pub(super) struct BarsTold {
    /// Of what.
    pub(super) instrument: InstrumentId,
    /// How long each.
    pub(super) timeframe: Timeframe,
    /// Oldest first; none where the broker has none. Nothing where it could not be asked.
    pub(super) bars: Option<Vec<Bar>>,
}

/// How long after a question that got no answer it is put again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Daily bars that are asked for unasked, so that a list shows the day's change; and of so many instruments at most.
const DAYS: u32 = 5;
const DAYS_OF: usize = 40;

/// Somebody who waits for bars: of which length, how many, and where to tell.
type Asker = (Timeframe, u32, oneshot::Sender<Reply>);

/// History to ask for: instrument, a base timeframe, and how many bars.
pub(super) type Missing = (InstrumentId, Timeframe, u32);

/// A broker as the engine's task has it.
#[derive(Debug)]
pub(super) struct BrokerSide {
    /// Its name.
    pub(super) id: BrokerId,
    /// The adapter.
    pub(super) adapter: Box<dyn Adapter>,
    /// How the connection is, once it told.
    pub(super) health: Option<Health>,
    wanted: Want,
    told: mpsc::UnboundedSender<BarsTold>,
    listening: Option<mpsc::UnboundedReceiver<BarsTold>>,
    what_ifs: mpsc::UnboundedSender<WhatIf>,
    hearing: Option<mpsc::UnboundedReceiver<WhatIf>>,
    /// Questions that are open: how many bars, and who waits for them.
    waiting: BTreeMap<(InstrumentId, Timeframe), (u32, Vec<Asker>)>,
    asked: BTreeMap<(InstrumentId, Timeframe), u32>,
}

impl BrokerSide {
    /// Nothing is wanted yet.
    pub(super) fn new(id: BrokerId, adapter: Box<dyn Adapter>) -> Self {
        // Bounded by the questions that are open, of which there is one for each instrument and timeframe.
        let (told, listening) = mpsc::unbounded_channel();
        // By those who ask, each of whom waits for its answer, and by the orders that wait.
        let (what_ifs, hearing) = mpsc::unbounded_channel();
        Self {
            id,
            adapter,
            health: None,
            wanted: Want::default(),
            told,
            listening: Some(listening),
            what_ifs,
            hearing: Some(hearing),
            waiting: BTreeMap::new(),
            asked: BTreeMap::new(),
        }
    }

    /// The end on which history comes. There is one.
    pub(super) fn listen(&mut self) -> mpsc::UnboundedReceiver<BarsTold> {
        self.listening
            .take()
            .unwrap_or_else(|| mpsc::unbounded_channel().1)
    }

    /// The end on which comes what orders would bind. There is one.
    pub(super) fn hear_what_ifs(&mut self) -> mpsc::UnboundedReceiver<WhatIf> {
        self.hearing.take().unwrap_or_else(|| mpsc::unbounded_channel().1)
    }

    /// Tells the adapter what is wanted now, if that changed: what is held and works first, then what sessions watch, then all that is listed.
    pub(super) fn want<'a>(&mut self, state: &State, watches: impl Iterator<Item = &'a MarketOut> + Clone) {
        let held = state
            .ledgers
            .iter()
            .filter(|((account, _), ledger)| account.broker == self.id && !ledger.position.quantity.is_zero())
            .map(|((_, instrument), _)| *instrument);
        let working = state
            .all_live()
            .filter(|order| order.spec.account.broker == self.id)
            .map(|order| order.spec.instrument);
        let mut want = Want::default();
        let mut seen = BTreeSet::new();
        let looked_at = watches.clone().flat_map(MarketOut::instruments);
        // What nobody looks at comes last: a shell's order wants a price too.
        let listed = state.instruments.keys().copied();
        let alerting = state.alerts.instruments();
        for instrument in working.chain(held).chain(alerting).chain(looked_at).chain(listed) {
            if seen.insert(instrument) {
                want.lines.push(instrument);
            }
        }
        let mut seen = BTreeSet::new();
        want.depth = watches
            .flat_map(MarketOut::depth)
            .filter(|id| seen.insert(*id))
            .collect();
        if want == self.wanted {
            return;
        }
        self.wanted = want.clone();
        self.adapter.want(want);
        if self.adapter.has_history() {
            let first: Vec<InstrumentId> = self.wanted.lines.iter().take(DAYS_OF).copied().collect();
            for instrument in first {
                let key = (instrument, Timeframe::Day);
                if !self.asked.contains_key(&key) && !self.waiting.contains_key(&key) {
                    self.waiting.insert(key, (DAYS, Vec::new()));
                    self.put(key, DAYS, Duration::ZERO);
                }
            }
        }
    }

    /// The connection is new, or was of no use for a while: what was told of the past has a gap. It is asked for again.
    pub(super) fn refresh(&mut self) {
        for (key, count) in std::mem::take(&mut self.asked) {
            if let std::collections::btree_map::Entry::Vacant(entry) = self.waiting.entry(key) {
                entry.insert((count, Vec::new()));
                self.put(key, count, Duration::ZERO);
            }
        }
    }

    /// What has to be asked of the broker before bars can be told; nothing where it has told all or has nothing to tell.
    pub(super) fn missing(
        &self,
        market: &Market,
        instrument: InstrumentId,
        timeframe: Timeframe,
        count: u32,
    ) -> Option<Missing> {
        let base = timeframe.base()?;
        if !self.adapter.has_history()
            || self
                .asked
                .get(&(instrument, base))
                .is_some_and(|told| *told >= count)
        {
            return None;
        }
        let ratio = match (timeframe, base) {
            (Timeframe::Seconds(long), Timeframe::Seconds(short)) => long.checked_div(short).unwrap_or(1),
            (Timeframe::Week, _) => 5,
            (Timeframe::Month, _) => 22,
            _ => 1,
        };
        market.instrument(instrument)?;
        Some((instrument, base, count.saturating_mul(ratio).min(HISTORY_MAX)))
    }

    /// Asks for history. Who asks for the same while it is under way waits with the first.
    pub(super) fn ask_bars(
        &mut self,
        (instrument, base, bars): Missing,
        (_, timeframe, count): (InstrumentId, Timeframe, u32),
        answer: oneshot::Sender<Reply>,
    ) {
        let key = (instrument, base);
        let under_way = self.waiting.get(&key).is_some_and(|(count, _)| *count >= bars);
        let (most, askers) = self.waiting.entry(key).or_default();
        *most = bars.max(*most);
        askers.push((timeframe, count, answer));
        if !under_way {
            self.put(key, bars, Duration::ZERO);
        }
    }

    /// Puts a question, after a while.
    fn put(&self, key: (InstrumentId, Timeframe), count: u32, after: Duration) {
        let (instrument, timeframe) = key;
        let (reply, answered) = oneshot::channel();
        let question = Question::Bars {
            instrument,
            timeframe,
            count,
        };
        self.adapter.ask(question, reply);
        let told = self.told.clone();
        tokio::spawn(async move {
            let bars = match answered.await {
                Ok(Answer::Bars(bars)) => Some(bars),
                Ok(Answer::Failed(why)) => {
                    tracing::debug!(%instrument, %timeframe, %why, "no history");
                    tokio::time::sleep(after.max(AGAIN_AFTER)).await;
                    None
                }
                _ => None,
            };
            let _ = told.send(BarsTold {
                instrument,
                timeframe,
                bars,
            });
        });
    }

    /// A question got no answer: it is put again while somebody wants the instrument, and given up otherwise.
    pub(super) fn again(&mut self, instrument: InstrumentId, base: Timeframe) {
        let key = (instrument, base);
        let wanted = self.wanted.lines.contains(&instrument);
        match self.waiting.get(&key) {
            Some((count, _)) if wanted => self.put(key, *count, AGAIN_AFTER),
            _ => drop(self.waiting.remove(&key)),
        }
    }

    /// Those who wait for this history, which has come.
    pub(super) fn askers(&mut self, instrument: InstrumentId, base: Timeframe) -> Vec<Asker> {
        let key = (instrument, base);
        let (count, askers) = self.waiting.remove(&key).unwrap_or_default();
        let told = self.asked.entry(key).or_default();
        *told = count.max(*told);
        askers
    }

    /// Makes the connection, or cuts it.
    pub(super) fn connection(&self, up: bool) -> Reply {
        match self.adapter.connection(up) {
            Ok(()) => Reply::Told {
                text: SafeText::new(&if up {
                    format!("connecting to {}", self.id)
                } else {
                    format!(
                        "disconnecting from {}: its orders stay; :connect comes back",
                        self.id
                    )
                }),
            },
            Err(why) => Reply::Failed {
                reason: SafeText::new(why),
            },
        }
    }

    /// Asks for instruments by what a person typed.
    pub(super) fn find(&self, text: SafeText, answer: oneshot::Sender<Reply>) {
        self.ask(Question::Find(text), answer);
    }

    /// Asks what an order would bind: for the controls, and for who asked, where somebody did.
    pub(super) fn margin(
        &self,
        spec: Box<OrderSpec>,
        number: i32,
        at: Timestamp,
        asker: Option<oneshot::Sender<Reply>>,
    ) {
        let order = AskedFor::from(spec.as_ref());
        let (reply, answered) = oneshot::channel();
        self.adapter.ask(Question::Margin { spec, number }, reply);
        let what_ifs = self.what_ifs.clone();
        tokio::spawn(async move {
            let answer = answered
                .await
                .unwrap_or_else(|_| Answer::Failed(SafeText::new("the broker gave no answer")));
            let told = match &answer {
                Answer::Margin(margin) => margin.binds().map_or_else(Told::Nothing, Told::Binds),
                Answer::Refused(words) => Told::Refused(words.clone()),
                Answer::Failed(why) => Told::Nothing(why.clone()),
                Answer::Found(_) | Answer::Bars(_) => Told::Nothing(SafeText::new("it told something else")),
            };
            let _ = what_ifs.send(WhatIf { order, at, told });
            if let Some(asker) = asker {
                let _ = asker.send(reply_of(answer));
            }
        });
    }

    fn ask(&self, question: Question, answer: oneshot::Sender<Reply>) {
        let (reply, answered) = oneshot::channel();
        self.adapter.ask(question, reply);
        tokio::spawn(async move {
            let reply = match answered.await {
                Ok(answer) => reply_of(answer),
                Err(_) => Reply::Failed {
                    reason: SafeText::new("the broker gave no answer"),
                },
            };
            let _ = answer.send(reply);
        });
    }
}

fn reply_of(answer: Answer) -> Reply {
    match answer {
        Answer::Found(found) => Reply::Found(found),
        Answer::Margin(margin) => Reply::Margin(margin),
        Answer::Bars(bars) => Reply::Bars(bars),
        Answer::Refused(reason) | Answer::Failed(reason) => Reply::Failed { reason },
    }
}
