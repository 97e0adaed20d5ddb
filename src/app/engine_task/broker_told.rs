//! What the broker tells: facts go to the engine, market data to the market, to alerts and, once a frame, to those who
//! listen. What leaves for the broker goes out here too, once released.

use super::super::figures::Queues;
use super::{EngineTask, Listener};
use crate::broker::{FromBroker, MarketData};
use crate::domain::{InstrumentId, SafeText};
use crate::engine::alerts::{STUDY_BARS, bars_wanted};
use crate::engine::{BrokerEvent, Fact, Input, Request};
use crate::metrics::metrics;
use crate::server::handle::Told;
use tokio::sync::oneshot;

impl EngineTask {
    /// Alerts that concern an instrument are evaluated on each piece of its data: what is conflated later was seen here.
    pub(super) fn look_at_alerts(&mut self, instrument: InstrumentId) {
        let batch = self.engine.on_market(&self.market, instrument, self.clock.now());
        if !batch.events.is_empty() {
            self.store(batch.events, None);
        }
    }

    /// History that alerts rest on is asked for once, where the broker tells it only when asked.
    pub(super) fn want_bars_of_alerts(&mut self) {
        for (instrument, timeframe) in bars_wanted(self.engine.state()) {
            if self.alerts.asked.insert((instrument, timeframe))
                && let Some(ask) = self
                    .broker
                    .missing(&self.market, instrument, timeframe, STUDY_BARS)
            {
                let nobody = oneshot::channel().0;
                self.broker
                    .ask_bars(ask, (instrument, timeframe, STUDY_BARS), nobody);
            }
        }
    }

    pub(super) fn send(&mut self, request: Request) {
        tracing::debug!(?request, "released");
        self.figures.sent(&request, self.clock.monotonic_ns());
        if let Err(not_sent) = self.broker.adapter.send(request) {
            tracing::warn!(reason = not_sent.reason, "a request did not leave");
            if let Some(id) = not_sent.order {
                self.record(Fact::NotSent {
                    id,
                    reason: SafeText::new(not_sent.reason),
                });
            }
        }
    }

    pub(super) fn hear(&mut self, said: FromBroker) {
        match said {
            FromBroker::Broker(event) => {
                let (broker, event) = (self.broker.id, *event);
                // As long as another engine has an account of it, the broker does not count as connected here.
                if let BrokerEvent::Up { accounts, .. } = &event
                    && let Err(words) = self.accounts.take(accounts)
                {
                    self.taken = Some(words);
                    return;
                }
                if has_gap_behind(&event) {
                    self.broker.refresh();
                }
                self.step(Input::Broker { broker, event }, None);
            }
            FromBroker::Market(data) => self.market_data(&data),
            FromBroker::Restarted(instrument) => self.market.restart_feed(instrument),
            FromBroker::Health(health) => {
                for out in self.watches.values_mut() {
                    out.put_health(health.as_ref().clone());
                }
                self.broker.health = Some(*health);
            }
            FromBroker::Clock(venue) => {
                self.life.venue_clock.engine = self.clock.now();
                self.life.venue_clock.venue = venue;
            }
        }
    }

    pub(super) fn market_data(&mut self, data: &[MarketData]) {
        self.market.received_at(self.clock.now());
        for piece in data {
            match piece {
                MarketData::Terms(news) => {
                    self.market.on_terms(news.clone());
                }
                MarketData::Quote(quote) => {
                    metrics().quotes.inc();
                    self.market.on_quote(*quote);
                }
                MarketData::Depth(depth) => {
                    metrics().books.inc();
                    self.market.on_depth(depth.clone());
                }
                MarketData::Print(print) => {
                    metrics().prints.inc();
                    self.market.on_print(*print, &mut self.bars);
                }
            }
            if let Some(instrument) = alerting(piece) {
                self.look_at_alerts(instrument);
            }
        }
        let bars = std::mem::take(&mut self.bars);
        for (session, out) in &mut self.watches {
            let room = self.listeners.get(session).filter(|listener| has_room(listener));
            if let Some(listener) = room
                && let Some(batch) = out.pass(data, &bars)
            {
                if !batch.is_empty() {
                    let _ = listener.queue.try_send(Told::Market(batch));
                }
                continue;
            }
            data.iter().for_each(|piece| out.put(piece));
            bars.iter().for_each(|update| out.put_bar(update));
        }
        bars.iter().for_each(|update| self.questions.keep_bar(update));
        self.bars = bars;
        self.bars.clear();
    }

    /// Sends waiting market data to those who have room; for the others it goes on being conflated.
    pub(super) fn flush(&mut self) {
        let now = self.clock.now();
        let queue = crate::server::handle::QUEUE;
        let fullest = self
            .listeners
            .values()
            .map(|listener| queue.saturating_sub(listener.queue.capacity()));
        let queues = Queues {
            journal: self.uncommitted,
            told: fullest.max().unwrap_or(0),
            kinds: &self.kinds,
            storage_failed: self.on_reserve || self.storage_held,
        };
        self.figures.look(now, self.engine.state(), &queues);
        if self.curves.is_due(now) {
            let venue = self.venue_now();
            self.curves.sample(self.engine.state(), &self.market, now, venue);
            self.days.keep(self.engine.state(), &self.market, venue);
        }
        self.want_bars_of_alerts();
        self.broker.want(self.engine.state(), self.watches.values());
        for (session, out) in &mut self.watches {
            let Some(listener) = self.listeners.get(session) else {
                continue;
            };
            if has_room(listener)
                && let Some(batch) = out.drain()
            {
                let _ = listener.queue.try_send(Told::Market(batch));
            }
        }
    }
}

/// Facts go first: market data takes at most half of a queue.
fn has_room(listener: &Listener) -> bool {
    listener.queue.capacity() > crate::server::handle::QUEUE / 2
}

/// The instrument whose alerts a piece of data may concern. A book moves none.
fn alerting(piece: &MarketData) -> Option<InstrumentId> {
    match piece {
        MarketData::Quote(quote) => Some(quote.instrument),
        MarketData::Print(print) => Some(print.instrument),
        MarketData::Depth(_) | MarketData::Terms(_) => None,
    }
}

/// Whether bars may be missing before this: the connection is new, or a part that was away is back.
fn has_gap_behind(event: &BrokerEvent) -> bool {
    matches!(
        event,
        BrokerEvent::Up { .. } | BrokerEvent::Impaired { reason: None } | BrokerEvent::Paused { pause: None }
    )
}
