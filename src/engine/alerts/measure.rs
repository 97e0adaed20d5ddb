//! What is true now, of each test: yes, no, or unknown. Unknown is what rests on a price that is not there, is from before
//! the link was lost, or was not confirmed for long: an alert neither fires on it nor is armed again by it. Prices are
//! compared exactly; a study is a statistic and is compared as one.

use super::condition::{Condition, Field, LinkWord, Op, OrderWord, SystemWord, Test, Value};
use super::studies::Studies;
use super::{Outage, Seen, profit};
use crate::domain::{
    BrokerId, InstrumentId, LinkState, Order, Phase, Price, SafeText, Timestamp, TradingState,
};
use crate::engine::event::{Event, Fact};
use crate::engine::state::State;
use crate::market::{Market, Quality};
use std::collections::BTreeMap;
use std::time::Duration;

/// A price that nothing has confirmed for so long is no ground for anything.
pub const STALE_AFTER: Duration = Duration::from_secs(15 * 60);

/// A price as the market has it, however old.
pub fn price(market: &Market, instrument: InstrumentId, field: Field) -> Option<Price> {
    let ticker = market.ticker(instrument)?;
    match field {
        Field::Last => ticker.price(),
        Field::Bid => ticker.quote?.bid.map(|(price, _)| price),
        Field::Ask => ticker.quote?.ask.map(|(price, _)| price),
        Field::Mid => ticker.quote?.mid(),
    }
}

/// What an evaluation looks at.
pub(super) struct Look<'a> {
    /// The state.
    pub(super) state: &'a State,
    /// The market.
    pub(super) market: &'a Market,
    /// The engine's time.
    pub(super) now: Timestamp,
    /// When data of an instrument last came, since the link stands.
    pub(super) heard: &'a BTreeMap<InstrumentId, Timestamp>,
    /// What has just happened.
    pub(super) events: &'a [Event],
}

/// What one test says: whether it holds, the values it saw, and on which side of a crossing it is.
pub(super) struct Said {
    /// Yes, no or unknown.
    pub(super) holds: Option<bool>,
    /// What was seen.
    pub(super) seen: Vec<Seen>,
}

/// On which side of its level each crossing test was last seen, in the order of the sentence.
pub(super) type Sides = Vec<Option<bool>>;

impl Look<'_> {
    /// Whether a condition holds, and what was seen. `sides` remembers crossings from look to look.
    pub(super) fn condition(&self, condition: &Condition, studies: &mut Studies, sides: &mut Sides) -> Said {
        let mut at = 0;
        self.part(condition, studies, sides, &mut at)
    }

    fn part(&self, condition: &Condition, studies: &mut Studies, sides: &mut Sides, at: &mut usize) -> Said {
        let (parts, wanted) = match condition {
            Condition::Is(test) => {
                let place = *at;
                *at += 1;
                if sides.len() <= place {
                    sides.resize(place + 1, None);
                }
                let mut said = self.test(test, studies);
                if let (Test::Market { op, .. }, Some(side)) = (test, sides.get_mut(place))
                    && op.crosses()
                {
                    let before = *side;
                    *side = said.holds.or(before);
                    said.holds = said.holds.map(|beyond| beyond && before == Some(false));
                }
                return said;
            }
            Condition::All(parts) => (parts, false),
            Condition::Any(parts) => (parts, true),
        };
        // Every test is asked, whatever the ones before it said: crossings remember.
        let (mut holds, mut seen) = (Some(!wanted), Vec::new());
        for part in parts {
            let said = self.part(part, studies, sides, at);
            holds = match (holds, said.holds) {
                (Some(known), _) if known == wanted => holds,
                (_, Some(known)) if known == wanted => Some(wanted),
                (None, _) | (_, None) => None,
                _ => holds,
            };
            seen.extend(said.seen);
        }
        Said { holds, seen }
    }

    fn test(&self, test: &Test, studies: &mut Studies) -> Said {
        match test {
            Test::Market {
                instrument,
                left,
                op,
                right,
            } => self.market(*instrument, (left, *op, right), studies),
            Test::Profit {
                account,
                instrument,
                currency,
                of,
                op,
                amount,
            } => {
                let mark = |id| {
                    self.is_fresh(id)
                        .then(|| self.market.mark(id))
                        .flatten()
                        .map(|mark| mark.price)
                };
                let scope = (*instrument, *currency);
                let now = profit::profit(self.state, self.market, *account, scope, *of, &mark);
                let decimals = currency.minor_decimals();
                said(
                    now.map(|now| op.holds(&now, amount)),
                    subject(test, *op),
                    now.map(|now| format!("{:.*}", decimals as usize, now.round_to(decimals))),
                )
            }
            Test::Position {
                account,
                instrument,
                op,
                quantity,
            } => {
                let known = self.state.positions_known(*account);
                let held = known.then(|| self.state.position(*account, *instrument).quantity);
                said(
                    held.map(|held| op.holds(&held, quantity)),
                    subject(test, *op),
                    held.map(|held| held.to_string()),
                )
            }
            Test::Order { instrument, became } => self.order(*instrument, *became),
            Test::Link { broker, is, for_s } => self.link(*broker, *is, *for_s),
            Test::System(word) => {
                let holds = self.system(*word);
                said(Some(holds), format!("system {}", word.word()), Some(yes(holds)))
            }
        }
    }

    /// True where data of the instrument came since the link stands, and not too long ago, from a source that is there.
    fn is_fresh(&self, instrument: InstrumentId) -> bool {
        let heard = self
            .heard
            .get(&instrument)
            .is_some_and(|at| self.now.since(*at) <= STALE_AFTER);
        let quality = self.market.quote(instrument).map(|quote| quote.quality);
        heard
            && !matches!(
                quality,
                Some(Quality::Missing | Quality::Competing | Quality::Frozen | Quality::Halted)
            )
    }

    fn market(
        &self,
        instrument: InstrumentId,
        (left, op, right): (&Value, Op, &Value),
        studies: &mut Studies,
    ) -> Said {
        let fresh = self.is_fresh(instrument);
        let exact = |value: &Value| match value {
            Value::Price(field) => price(self.market, instrument, *field),
            Value::Number(number) => Some(*number),
            _ => None,
        };
        let mut rough = |value: &Value| match value {
            Value::DayPercent => self.market.ticker(instrument)?.change_percent(),
            Value::Study { study, timeframe } => studies.value(self.market, (instrument, *timeframe, study)),
            other => exact(other).map(Price::to_f64),
        };
        let is_exact = |value: &Value| matches!(value, Value::Price(_) | Value::Number(_));
        let holds = if is_exact(left) && is_exact(right) {
            exact(left).zip(exact(right)).map(|(a, b)| op.holds(&a, &b))
        } else {
            rough(left).zip(rough(right)).map(|(a, b)| op.holds(&a, &b))
        };
        let mut seen = Vec::new();
        for value in [left, right] {
            let text = match value {
                Value::Number(_) => continue,
                Value::Price(_) => exact(value).map(|price| self.price_text(instrument, price)),
                Value::DayPercent => rough(value).map(|percent| format!("{percent:+.2} %")),
                Value::Study { .. } => rough(value).map(|value| format!("{value:.4}")),
            };
            seen.push(Seen {
                what: SafeText::new(&format!("{instrument} {value}")),
                value: SafeText::new(&text.unwrap_or_else(|| "--".to_owned())),
            });
        }
        Said {
            holds: holds.filter(|_| fresh),
            seen,
        }
    }

    fn price_text(&self, instrument: InstrumentId, price: Price) -> String {
        let listed = self.state.instruments.get(&instrument);
        let decimals = listed.map_or(2, |listed| listed.decimals_at(price));
        format!("{price:.*}", decimals as usize)
    }

    fn order(&self, instrument: Option<InstrumentId>, became: OrderWord) -> Said {
        let here = |order: &&Order| instrument.is_none_or(|of| of == order.spec.instrument);
        let found = match became {
            OrderWord::Working(seconds) => self
                .state
                .all_live()
                .filter(here)
                .find(|order| works_since(order).is_some_and(|at| self.now.since(at) >= span(seconds))),
            _ => self
                .events
                .iter()
                .filter(|event| ends(&event.fact, became))
                .filter_map(|event| self.state.orders.get(&event.fact.order()?))
                .filter(here)
                .find(|order| became != OrderWord::Filled || order.phase == Phase::Filled),
        };
        let value = found.map_or("none".to_owned(), |order| {
            format!("{} {}", order.spec, order.phase.word())
        });
        said(Some(found.is_some()), "order".to_owned(), Some(value))
    }

    fn link(&self, broker: Option<BrokerId>, is: LinkWord, for_s: u32) -> Said {
        let chosen = |id: &BrokerId| broker.is_none_or(|broker| broker == *id);
        let mut links = self.state.links.iter().filter(|(id, _)| chosen(id));
        let found = links.find_map(|(id, link)| {
            let since = link_since(self.state, *id, link.state, link.since, is)?;
            (self.now.since(since) >= span(for_s)).then_some((*id, since))
        });
        let value = found.map_or("no".to_owned(), |(id, since)| {
            format!("{id} for {} s", self.now.since(since).as_secs())
        });
        said(
            Some(found.is_some()),
            format!("link {is:?}").to_lowercase(),
            Some(value),
        )
    }

    fn system(&self, word: SystemWord) -> bool {
        let mut accounts = self.state.accounts.values();
        match word {
            SystemWord::Halted => accounts.any(|account| account.trading == TradingState::Halted),
            SystemWord::Reducing => accounts.any(|account| account.trading == TradingState::Reducing),
            SystemWord::Mismatch => accounts.any(|account| {
                account
                    .mismatches
                    .values()
                    .any(|found| found.is_confirmed(self.now))
            }),
            SystemWord::Gap => accounts.any(|account| account.gap.is_some()),
        }
    }
}

/// Since when a link is so; nothing where it is not.
pub(super) fn link_since(
    state: &State,
    broker: BrokerId,
    link: LinkState,
    since: Timestamp,
    is: LinkWord,
) -> Option<Timestamp> {
    match (is, link) {
        // Tries to connect do not end an outage.
        (LinkWord::Down, LinkState::Down | LinkState::Connecting) => {
            let outage: Option<&Outage> = state.alerts.outages.get(&broker);
            Some(outage.map_or(since, |outage| outage.since))
        }
        (LinkWord::Degraded, LinkState::Degraded) | (LinkWord::Ready, LinkState::Ready) => Some(since),
        _ => None,
    }
}

/// Since when an order works; nothing where it does not.
pub(super) fn works_since(order: &Order) -> Option<Timestamp> {
    matches!(order.phase, Phase::Working | Phase::Held).then_some(order.acked_at)?
}

/// A span of whole seconds.
pub(super) fn span(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds))
}

/// Whether a fact may end an order so.
fn ends(fact: &Fact, became: OrderWord) -> bool {
    match became {
        OrderWord::Filled => matches!(fact, Fact::Executed { .. }),
        OrderWord::Rejected => matches!(
            fact,
            Fact::Rejected { .. } | Fact::Denied { .. } | Fact::NotSent { .. }
        ),
        OrderWord::Cancelled => matches!(fact, Fact::Cancelled { .. } | Fact::Expired { .. }),
        OrderWord::Working(_) => false,
    }
}

fn said(holds: Option<bool>, what: String, value: Option<String>) -> Said {
    Said {
        holds,
        seen: vec![Seen {
            what: SafeText::new(&what),
            value: SafeText::new(&value.unwrap_or_else(|| "--".to_owned())),
        }],
    }
}

fn yes(holds: bool) -> String {
    if holds { "yes" } else { "no" }.to_owned()
}

/// A test's text up to its comparison: what was looked at.
fn subject(test: &Test, op: Op) -> String {
    let text = test.to_string();
    let word = format!(" {} ", op.word());
    text.split(&word).next().unwrap_or(&text).to_owned()
}

/// What the tests of a condition would see now, for people: however old the prices are, and without studies.
pub fn glance(state: &State, market: &Market, condition: &Condition, now: Timestamp) -> Vec<Seen> {
    let mut heard = BTreeMap::new();
    condition.each(&mut |test| {
        heard.extend(test.instrument().map(|id| (id, now)));
        if let Test::Profit { .. } = test {
            heard.extend(state.ledgers.keys().map(|(_, id)| (*id, now)));
        }
    });
    let look = Look {
        state,
        market,
        now,
        heard: &heard,
        events: &[],
    };
    look.condition(condition, &mut Studies::blind(), &mut Sides::new())
        .seen
}

/// How far a price is from its level, for people: `+1.20`, in the price's unit; nothing for tests that have none.
pub fn distance(market: &Market, test: &Test) -> Option<(Price, Price)> {
    let Test::Market {
        instrument,
        left: Value::Price(field),
        right: Value::Number(level),
        ..
    } = test
    else {
        return None;
    };
    let now = price(market, *instrument, *field)?;
    Some((now, level.checked_sub(now)?))
}
