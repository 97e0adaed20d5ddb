//! Orders in an outage. What would add risk is denied while the broker is away; a person may park a limit order instead, for
//! a minute, at most five. A parked order never left: it counts in no exposure, a cancel ends it at once, a halt ends all of
//! them. It leaves only if everything holds in one moment: the link is ready, a person's word for it is no older than ten
//! seconds (after a restart it always takes a second one), the quote is no older than two, the market has hardly moved since
//! and the price lies inside its collar, as much is held as was assumed, every control passes anew, and none left within the
//! last second. What may still come is waited for while its time runs; what speaks against it ends it, with the reason.
//!
//! One that only closes may wait for five minutes, and leaves no larger than what is held then.
//!
//! Leaves to others: the commands (`decide/parking.rs`), the last gate (`release`).

mod terms;

use super::command::Origin;
use super::decide::may_add_risk;
use super::event::Fact;
use super::fold::blank;
use super::order_flow::Step;
use super::risk::Check;
use super::state::State;
use crate::domain::{
    AccountKey, ClientOrderId, InstrumentId, LinkState, Order, OrderSpec, Phase, Price, Quantity, SafeText,
    Timestamp,
};
use crate::market::Market;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

pub use terms::terms;

/// For how many seconds an order that adds risk is parked where nothing is said.
pub const USUAL_SECONDS: u32 = 60;
/// For how many seconds at most; also what one that only closes has where nothing is said.
pub const LONGEST_SECONDS: u32 = 300;
/// How many may be parked at a time.
pub const MOST: usize = 3;
/// So old may a person's word for an order be when it leaves.
pub const WORD_HOLDS: Duration = Duration::from_secs(10);
/// So old may the quote be.
pub const QUOTE_HOLDS: Duration = Duration::from_secs(2);
/// So far may the market have moved from where it was: 0.5 %, in hundredths of one per cent.
pub const MOVE_BPS: i128 = 50;
/// No two leave within this.
pub const APART: Duration = Duration::from_secs(1);

/// What has to hold when a parked order leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkTerms {
    /// When its time is over, by the engine's clock.
    pub until: Timestamp,
    /// When its market's session is over, by the venue's clock.
    pub session_ends: Timestamp,
    /// Where the market was: the middle of the last quote, else the last trade.
    pub reference: Price,
    /// What was held.
    pub held: Quantity,
    /// It only closes: it leaves no larger than what is held then.
    pub closes: bool,
}

/// A parked order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Whose.
    pub account: AccountKey,
    /// Since when.
    pub since: Timestamp,
    /// What has to hold.
    pub terms: ParkTerms,
    /// Who said the last word for it.
    pub by: Origin,
    /// When that was; nothing where a new process began since.
    pub said_at: Option<Timestamp>,
    /// The broker is back, and it was said that it waits for a person.
    pub asked: bool,
}

impl Parked {
    /// True while a person's word for it counts.
    fn is_meant(&self, now: Timestamp) -> bool {
        self.said_at.is_some_and(|said| now.since(said) <= WORD_HOLDS)
    }
}

/// All that is parked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parking {
    /// By their ids.
    pub orders: BTreeMap<ClientOrderId, Parked>,
    /// When one last left.
    pub released_at: Option<Timestamp>,
}

impl Parking {
    /// How many of an account are parked.
    pub fn count(&self, account: AccountKey) -> usize {
        let of = |parked: &&Parked| parked.account == account;
        self.orders.values().filter(of).count()
    }
}

/// Where the market is: the middle, a side where there is one only, else the last trade.
fn reference(market: &Market, instrument: InstrumentId) -> Option<Price> {
    let quote = market.quote(instrument);
    let side = quote.and_then(|quote| quote.mid().or(quote.bid.or(quote.ask).map(|level| level.0)));
    side.or(market.last(instrument).map(|print| print.price))
        .filter(|price| *price > Price::ZERO)
}

/// What it remembers of the market; no part of the state.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// The newest quote of each instrument with something parked: its own time, and when it came.
    quotes: BTreeMap<InstrumentId, (Timestamp, Timestamp)>,
    /// When it was last looked.
    looked: Timestamp,
}

impl Watch {
    /// Market data of an instrument came.
    pub(super) fn on_market(
        &mut self,
        state: &State,
        market: &Market,
        instrument: InstrumentId,
        now: Timestamp,
    ) -> Vec<Fact> {
        if state.parking.orders.is_empty() {
            self.quotes.clear();
            return Vec::new();
        }
        if let Some(quote) = market.quote(instrument).filter(|quote| quote.quality.is_there()) {
            let known = self.quotes.get(&instrument);
            if known.is_none_or(|(at, _)| *at < quote.at) {
                self.quotes.insert(instrument, (quote.at, now));
            }
        }
        self.judge(state, market, now)
    }

    /// What leaves now, what ends now, and what a person is asked about. At most one leaves.
    pub(super) fn judge(&mut self, state: &State, market: &Market, now: Timestamp) -> Vec<Fact> {
        self.looked = now;
        let mut facts = Vec::new();
        let mut rests = state.parking.released_at.is_some_and(|at| now.since(at) < APART);
        for (id, parked) in &state.parking.orders {
            let Some(order) = state.orders.get(id) else {
                continue;
            };
            let look = Look {
                state,
                market,
                order,
                parked,
                now,
            };
            if now >= parked.terms.until {
                facts.push(not_sent(*id, &look.time_is_over()));
                continue;
            }
            if !look.is_ready() {
                continue;
            }
            if !look.is_meant() || look.is_unanswered() {
                facts.extend((!parked.asked).then_some(Fact::ParkAsked { id: *id }));
                continue;
            }
            let came = self.quotes.get(&order.spec.instrument);
            if rests || came.is_none_or(|(_, came)| now.since(*came) > QUOTE_HOLDS) {
                continue;
            }
            rests = true;
            facts.push(match look.holds() {
                Ok(quantity) => Fact::ParkReleased { id: *id, quantity },
                Err(why) => not_sent(*id, &why),
            });
        }
        facts
    }

    /// When to look again.
    pub(super) fn next_deadline(&self, state: &State) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        let mut tell = |at: Timestamp| next = Some(next.map_or(at, |earliest| earliest.min(at)));
        for parked in state.parking.orders.values() {
            tell(parked.terms.until);
            if state.link(parked.account.broker) == LinkState::Ready {
                let rested = state.parking.released_at.map(|at| at.after(APART));
                let worn = parked
                    .said_at
                    .map(|at| at.after(WORD_HOLDS + Duration::from_millis(1)));
                rested
                    .into_iter()
                    .chain(worn)
                    .filter(|at| *at > self.looked)
                    .for_each(&mut tell);
            }
        }
        next
    }
}

/// One parked order, looked at.
struct Look<'a> {
    state: &'a State,
    market: &'a Market,
    order: &'a Order,
    parked: &'a Parked,
    now: Timestamp,
}

impl Look<'_> {
    fn is_ready(&self) -> bool {
        let broker = self.parked.account.broker;
        self.state.link(broker) == LinkState::Ready && !self.state.pauses.contains_key(&broker)
    }

    /// A person's word counts while that person may still trade there.
    fn is_meant(&self) -> bool {
        let parked = self.parked;
        let may = || may_add_risk(self.state, parked.by, parked.account, self.now).is_ok();
        parked.is_meant(self.now) && (parked.terms.closes || may())
    }

    /// A large one waits for the broker's word of what it would bind, which is asked for when a person says the second word.
    fn is_unanswered(&self) -> bool {
        !self.parked.terms.closes && self.check().answered(&self.order.spec).is_err()
    }

    fn check(&self) -> Check<'_> {
        Check {
            state: self.state,
            market: self.market,
            now: self.now,
            sender: Some(self.state.sender(self.parked.by.session, self.parked.by.kind)),
        }
    }

    fn time_is_over(&self) -> String {
        let time = self.parked.terms.until.since(self.parked.since).as_secs();
        let missing = if !self.is_ready() {
            format!("the link to {} was not ready in time", self.parked.account.broker)
        } else if !self.is_meant() {
            "nobody said the second word for it".to_owned()
        } else {
            format!("no fresh quote of {} came", self.order.spec.instrument)
        };
        format!("parked for {time} s, and {missing}")
    }

    /// The quantity that leaves, or what speaks against it.
    fn holds(&self) -> Result<Quantity, String> {
        let (spec, terms) = (&self.order.spec, &self.parked.terms);
        let quote = self.market.quote(spec.instrument);
        if quote.is_some_and(|quote| quote.at >= terms.session_ends) {
            return Err("the session it was parked in is over".to_owned());
        }
        let market = reference(self.market, spec.instrument).ok_or("there is no price now")?;
        let moved = i128::from(market.raw()) - i128::from(terms.reference.raw());
        if moved.abs() * 10_000 > i128::from(terms.reference.raw()) * MOVE_BPS {
            return Err(format!(
                "the market was at {} when it was parked and is at {market} now",
                terms.reference
            ));
        }
        let quantity = self.size()?;
        let check = self.check();
        let spec = OrderSpec {
            quantity,
            ..spec.clone()
        };
        match check.order(&spec).and_then(|()| check.room(&spec, 1, 0)) {
            Ok(()) => Ok(quantity),
            Err(denial) => Err(denial.to_string()),
        }
    }

    /// All of it where as much is held as was assumed; of what only closes no more than can be closed.
    fn size(&self) -> Result<Quantity, String> {
        let (spec, terms) = (&self.order.spec, &self.parked.terms);
        let position = self.state.position(spec.account, spec.instrument);
        if !terms.closes {
            return if position.quantity == terms.held {
                Ok(spec.quantity)
            } else {
                Err(format!(
                    "{} {} were held when it was parked, {} are now",
                    terms.held, spec.instrument, position.quantity
                ))
            };
        }
        let exits = self.state.working_exits(spec.account, spec.instrument);
        let free = position.quantity.abs().saturating_sub(exits);
        if position.side() != Some(spec.side.opposite()) || !free.is_positive() {
            return Err(format!("nothing of {} is left for it to close", spec.instrument));
        }
        Ok(spec.quantity.min(free))
    }
}

fn not_sent(id: ClientOrderId, why: &str) -> Fact {
    Fact::NotSent {
        id,
        reason: SafeText::new(why),
    }
}

impl State {
    /// Facts about parked orders.
    pub(super) fn fold_parking(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::OrderParked { id, spec, terms, by } => {
                let reason = format!("the broker is away; until {} it waits for it", terms.until);
                let order = Order {
                    reason: Some(SafeText::new(&reason)),
                    ..blank(*id, spec, Phase::Parked, at)
                };
                self.insert_order(order);
                let parked = Parked {
                    account: spec.account,
                    since: at,
                    terms: *terms,
                    by: *by,
                    said_at: Some(at),
                    asked: false,
                };
                self.parking.orders.insert(*id, parked);
            }
            Fact::ParkAsked { id } => self.park_waits(*id, true, "READY: it waits for your second word"),
            Fact::ParkConfirmed { id, by } => {
                if let Some(parked) = self.parking.orders.get_mut(id) {
                    (parked.said_at, parked.by) = (Some(at), *by);
                }
                self.park_waits(*id, false, "confirmed; it leaves with the next quote");
            }
            Fact::ParkReleased { id, quantity } => {
                let Some(order) = self.step(*id, Step::Release, at) else {
                    return;
                };
                order.spec.quantity = *quantity;
                order.sent_at = Some(at);
                let spec = order.spec.clone();
                self.sent_now(*id, &spec, at);
                self.parking.released_at = Some(at);
            }
            _ => {}
        }
    }

    fn park_waits(&mut self, id: ClientOrderId, asked: bool, words: &str) {
        let Some(parked) = self.parking.orders.get_mut(&id) else {
            return;
        };
        parked.asked = asked;
        let reason = if asked {
            let symbol = self.orders.get(&id).map(|order| order.spec.instrument);
            let symbol = symbol.map_or_else(String::new, |symbol| format!(": confirm {symbol}"));
            format!("{words}{symbol}, until {}", parked.terms.until)
        } else {
            words.to_owned()
        };
        self.edit(id, |order| order.reason = Some(SafeText::new(&reason)));
    }

    /// What is parked no more is forgotten.
    pub(super) fn leave_parking(&mut self, id: ClientOrderId) {
        let parked = |order: &Order| order.phase == Phase::Parked;
        if self.parking.orders.contains_key(&id) && !self.orders.get(&id).is_some_and(parked) {
            self.parking.orders.remove(&id);
        }
    }

    /// A new process: whatever was said before, a person says it again.
    pub(super) fn resume_parking(&mut self) {
        for parked in self.parking.orders.values_mut() {
            (parked.said_at, parked.asked) = (None, false);
        }
    }
}
