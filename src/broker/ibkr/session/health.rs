//! How the connection is, for people: budgets, figures, clocks, and how many lines came back. Nothing decides by it
//! but excess liquidity, which is told as a report.

use super::{Session, lock};
use crate::broker::FromBroker;
use crate::broker::ibkr::market::Used;
use crate::broker::ibkr::translate;
use crate::domain::{AccountKey, Money, SafeText, Spans, Timestamp};
use crate::engine::BrokerEvent;
use crate::engine::port::{Budget, Health, Report, Sent};
use ibapi::accounts::AccountMultiValue;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long lines may take to answer before it is told how many did.
const RESTORE_WITHIN: Duration = Duration::from_secs(10);
/// A difference of clocks that is told.
const CLOCKS_APART: Duration = Duration::from_secs(2);

/// What is told of an account, by name and currency.
type Figures = BTreeMap<(String, String), Money>;

/// Whether a broker lends: a cash account's buying power is what it has available, of one with margin it is two or four times
/// that. Nothing where neither is told, or nothing is available.
fn is_lent(figures: &Figures, currency: &str) -> Option<bool> {
    let of = |name: &str| figures.get(&(name.to_owned(), currency.to_owned())).copied();
    let available = of("AvailableFunds").filter(|money| *money > Money::ZERO)?;
    let with_a_little = available.saturating_add(Money::from_raw(available.raw() / 20));
    Some(of("BuyingPower")? > with_a_little)
}

impl Session {
    pub(super) fn figure(&mut self, key: AccountKey, value: &AccountMultiValue) {
        let amount = value.value.parse().ok().and_then(translate::money);
        if let Some(amount) = amount {
            let name = (value.key.clone(), value.currency.clone());
            self.figures.entry(key).or_default().insert(name, amount);
        }
    }

    pub(super) async fn tick(&mut self) {
        let used = self.lines.used();
        if let Some(since) = self.restoring {
            let all = used.lines.0;
            let over = self.env.now().since(since) >= RESTORE_WITHIN;
            if all > 0 && (used.answering >= all || over) {
                self.restoring = None;
                let text = format!("restored {}/{all} market data lines", used.answering.min(all));
                self.env
                    .event(BrokerEvent::Told {
                        text: SafeText::new(&text),
                    })
                    .await;
            }
        }
        self.judge_competition().await;
        self.tell_funds().await;
        let health = self.health(&used);
        self.env.say(FromBroker::Health(Box::new(health))).await;
    }

    /// Excess liquidity, and whether anything is lent, where they changed: of all figures those that an order is held against.
    async fn tell_funds(&mut self) {
        let figures = self.figures.iter().flat_map(|(key, figures)| {
            let excess = figures.iter().filter(|((name, _), _)| name == "ExcessLiquidity");
            excess.filter_map(|((_, currency), amount)| {
                let known = self.funds.get(key).and_then(|(_, _, lends)| *lends);
                let lends = is_lent(figures, currency).or(known);
                Some((*key, (currency.parse().ok()?, *amount, lends)))
            })
        });
        let news: Vec<_> = figures
            .filter(|(key, told)| self.funds.get(key) != Some(told))
            .collect();
        for (account, told) in news {
            self.funds.insert(account, told);
            let (currency, excess, lends) = told;
            let report = Report::Funds {
                currency,
                excess,
                lends,
            };
            self.env.event(BrokerEvent::Report { account, report }).await;
        }
    }

    pub(super) fn health(&self, used: &Used) -> Health {
        let now = self.env.now();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let settings = &self.env.settings;
        let (sent, allowed, waiting) = self.env.pace.used(now);
        let mut history = lock(&self.history);
        let (asked, askable) = (history.used(now), history.most());
        drop(history);
        let budget = |name: &str, used: usize, of: usize, wanted: usize| Budget {
            name: SafeText::new(name),
            used: count(used),
            of: count(of),
            wanted: count(wanted),
        };
        Health {
            broker: settings.broker,
            peer: SafeText::new(&format!(
                "{} client {} version {}",
                self.address,
                settings.client_id,
                self.client.server_version()
            )),
            round_trip_us: self
                .round_trip
                .map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
            reconnects: self.reconnects,
            budgets: vec![
                budget("messages/s", sent, allowed, sent + waiting),
                budget("lines", used.lines.0, settings.lines, used.lines.1),
                budget("books", used.books.0, settings.depth, used.books.1),
                budget("history/10min", asked, askable, asked),
            ],
            sent: times(&lock(&self.sent)),
            farms: self.lines.farms(),
            planned: settings.plan.shown(now),
            figures: self
                .figures
                .iter()
                .map(|(key, figures)| {
                    let rows = figures.iter().map(|((name, currency), amount)| {
                        (SafeText::new(name), SafeText::new(currency), *amount)
                    });
                    (*key, rows.collect())
                })
                .collect(),
        }
    }

    /// The broker's time is seconds behind or ahead: what depends on the time of day is then off.
    pub(super) async fn compare_clocks(&mut self, theirs: Timestamp) {
        let now = self.env.now();
        let apart = now.since(theirs).max(theirs.since(now));
        let is_apart = apart > CLOCKS_APART;
        // Told while they are apart, and once when they agree again.
        if is_apart || std::mem::replace(&mut self.clocks_apart, is_apart) {
            self.clocks_apart = is_apart;
            let seconds = if is_apart { apart.as_secs() } else { 0 };
            self.env.event(BrokerEvent::ClockApart { seconds }).await;
        }
        if apart > CLOCKS_APART && !std::mem::replace(&mut self.told_clock, true) {
            let text = format!("the clock here and the broker's are {} s apart", apart.as_secs());
            self.env
                .event(BrokerEvent::Told {
                    text: SafeText::new(&text),
                })
                .await;
        }
    }
}

/// How long the last orders took to leave; nothing before the first.
fn times(spans: &Spans) -> Option<Sent> {
    let micros = |hundredth| {
        let span = spans.percentile(hundredth)?;
        Some(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
    };
    Some(Sent {
        p50_us: micros(50)?,
        p99_us: micros(99)?,
        of: u32::try_from(spans.len()).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_whose_buying_power_is_what_it_has_is_lent_nothing() {
        let of = |available: i64, power: i64| {
            let figure = |name: &str, amount| ((name.to_owned(), "USD".to_owned()), Money::whole(amount));
            is_lent(
                &Figures::from([figure("AvailableFunds", available), figure("BuyingPower", power)]),
                "USD",
            )
        };
        assert_eq!(of(10_000, 10_000), Some(false));
        assert_eq!(of(10_000, 40_000), Some(true));
        assert_eq!(of(0, 0), None);
        assert_eq!(is_lent(&Figures::new(), "USD"), None);
    }
}
