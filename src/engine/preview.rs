//! What a command would do, before it is sent: resolved with the same functions that decide it, so that a preview and the
//! engine can't disagree about an order on the same state. One row an order; what is an estimate says so where it is shown.

mod chained;

use super::abilities::Abilities;
use super::command::{Command, Denial, DenialCode, Entry, Legs};
use super::decide::{Ahead, closing};
use super::in_the_way;
use super::parking;
use super::risk::worth::is_bought;
use super::risk::{self, Check, Effect, Sender, cost};
use super::scale_out;
use super::state::State;
use super::terms;
use crate::domain::{
    Currency, Instrument, InstrumentKind, Money, OrderSpec, Price, Quantity, SafeText, Side, Timestamp,
};
use crate::market::Market;

/// One order of a preview.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// The order as it would be sent.
    pub spec: OrderSpec,
    /// Its children.
    pub legs: Legs,
    /// The price it is counted at: its own, or the other side of the market.
    pub price: Option<Price>,
    /// How far that is from the last trade: in ticks there, and in hundredths of one per cent.
    pub from_last: Option<(i64, i64)>,
    /// Its value at that price.
    pub value: Option<Money>,
    /// What prices and values are in.
    pub currency: Option<Currency>,
    /// Position before, and after if all of it executes.
    pub position: (Quantity, Quantity),
    /// What it would bind as initial margin, by the broker's public terms.
    pub margin: Option<Money>,
    /// What it would cost, by the broker's public terms: an estimate until the broker reports.
    pub fee: Option<Money>,
    /// What is lost at the protective stop, where there is one.
    pub risk: Option<Money>,
    /// What the target gains for what the stop loses, in hundredths: 200 is 2R.
    pub reward: Option<i64>,
    /// The most that can be lost.
    pub worst: Worst,
    /// The limit of which it takes the largest part.
    pub tightest: Option<Share>,
    /// True where it only takes off what is held.
    pub reduces: bool,
    /// Why it would be refused.
    pub denial: Option<Denial>,
    /// What is worth a word though it passes.
    pub advice: Vec<SafeText>,
    /// The other order of a pair: one shrinks as the other fills.
    pub pair: Option<OrderSpec>,
    /// The order that has to fill before this one leaves: what is shown of it is as it would be then.
    pub after: Option<OrderSpec>,
    /// True where the engine, not the broker, holds the bracket's children or the pair.
    pub held_by_engine: bool,
}

/// The most that an order can lose if all of it executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worst {
    /// It takes risk off.
    Less,
    /// At the stop, with fees there and back where they are known; more where the market jumps over it.
    AtStop(Money),
    /// All that it is worth.
    All(Money),
    /// A short without a stop.
    Unlimited,
    /// There is no price to count with.
    Unknown,
}

/// How much of a limit an order takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which limit, as people read it.
    pub limit: &'static str,
    /// In per cent, rounded up; above 100 it is denied.
    pub percent: u32,
}

/// All orders of a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Previews {
    /// One for each order, in the order they are checked.
    pub rows: Vec<Preview>,
    /// What those that add risk are worth together, by currency, where there are several orders.
    pub total: Vec<(Currency, Money)>,
    /// How much of the value allowed in one order that is.
    pub share: Option<Share>,
    /// Why all of them would be refused.
    pub denial: Option<Denial>,
}

/// Previews a command that would place one order or a pair; nothing for others.
///
/// # Errors
/// A closing word with nothing to close.
pub fn preview(
    state: &State,
    market: &Market,
    command: &Command,
    now: Timestamp,
) -> Result<Option<Preview>, Denial> {
    Ok(previews(state, market, command, now)?.rows.into_iter().next())
}

/// Previews every order that a command would place; no rows for a command that places none.
///
/// # Errors
/// A closing word with nothing to close.
pub fn previews(
    state: &State,
    market: &Market,
    command: &Command,
    now: Timestamp,
) -> Result<Previews, Denial> {
    previews_by(state, market, command, now, None)
}

/// The same for a sender, whose own limits may be tighter.
///
/// # Errors
/// A closing word with nothing to close.
pub fn previews_by(
    state: &State,
    market: &Market,
    command: &Command,
    now: Timestamp,
    sender: Option<&Sender>,
) -> Result<Previews, Denial> {
    let look = Look {
        state,
        market,
        now,
        sender,
        closes: &[],
        before: Quantity::ZERO,
    };
    let one = |row: Preview| Previews {
        denial: row.denial.clone(),
        rows: vec![row],
        ..Previews::default()
    };
    Ok(match command {
        Command::Submit { spec, legs, seen, .. } => {
            let promised = seen.as_ref().is_some_and(|seen| seen.reduces);
            one(look.submitted(spec, *legs, promised))
        }
        Command::Park { spec, seconds, .. } => one(look.parked(spec, *seconds)),
        Command::SubmitPair {
            first_spec,
            second_spec,
            ..
        } => one(look.at(first_spec, Legs::default(), Some(second_spec))),
        Command::SubmitThen { .. } => chained::both(look, command),
        // It goes as a flatten does, which has no preview of its own.
        Command::Close {
            account, instrument, ..
        } if in_the_way::only_protection(state, *account, *instrument) => Previews::default(),
        Command::Close {
            account, instrument, ..
        } => one(look.at(&closing(state, *account, *instrument)?, Legs::default(), None)),
        Command::SubmitAll { orders } => several(look, orders),
        _ => Previews::default(),
    })
}

/// Each order on the state as it would be with those before it.
fn several(first: Look<'_>, orders: &[Entry]) -> Previews {
    let Look {
        state, market, now, ..
    } = first;
    let mut ahead = Ahead::new(state, market, now);
    let mut all = Previews::default();
    for (n, entry) in orders.iter().enumerate() {
        let same = |other: &&Entry| {
            (other.spec.account, other.spec.instrument) == (entry.spec.account, entry.spec.instrument)
        };
        let earlier = orders.iter().take(n).filter(same);
        let look = Look {
            state: ahead.state(),
            closes: ahead.closes(),
            before: earlier.fold(Quantity::ZERO, |sum, other| {
                sum.saturating_add(other.spec.side.signed(other.spec.quantity))
            }),
            ..first
        };
        let mut row = look.at(&entry.spec, entry.legs, None);
        if let Err(denial) = ahead.add(entry, |_, _| Ok(())) {
            row.denial.get_or_insert(denial);
        }
        all.denial = all.denial.or_else(|| row.denial.clone());
        all.rows.push(row);
    }
    all.denial = all.denial.or_else(|| ahead.total().err());
    all.total = ahead
        .worth()
        .iter()
        .map(|(currency, sum)| (*currency, *sum))
        .collect();
    let most = match orders.first() {
        Some(first) => state.limits_of(first.spec.account).max_order_value,
        None => state.limits.max_order_value,
    };
    let shares = all.total.iter().map(|(_, sum)| percent(sum.raw(), most.raw()));
    let values = shares.max().map(|percent| Share {
        limit: "order value",
        percent,
    });
    let costs = ahead.costs().map(|(sum, most)| Share {
        limit: "order cost",
        percent: percent(sum.raw(), most.amount.raw()),
    });
    all.share = values.into_iter().chain(costs).max_by_key(|share| share.percent);
    all
}

#[derive(Clone, Copy)]
struct Look<'a> {
    state: &'a State,
    market: &'a Market,
    now: Timestamp,
    sender: Option<&'a Sender>,
    /// Orders of the same command before this one that only close.
    closes: &'a [OrderSpec],
    /// What the orders of the same command before this one add to the position.
    before: Quantity,
}

impl Look<'_> {
    /// One order; where it closes what its own stops cover, as it will be once these have given way.
    fn submitted(&self, spec: &OrderSpec, legs: Legs, promised: bool) -> Preview {
        if !legs.is_empty() {
            return self.at(spec, legs, None);
        }
        if in_the_way::takes_all(self.state, spec) {
            let ahead = in_the_way::uncovered(self.state, spec.account, spec.instrument, self.now);
            return self.then(&ahead, spec, "what protects it goes as this begins");
        }
        let row = self.at(spec, legs, None);
        let ways = scale_out::ways(self.state, spec);
        match ways.filter(|_| promised || row.denial.is_some()) {
            None => row,
            Some(ways) => {
                let ahead = scale_out::ahead(self.state, &ways, self.now);
                self.then(&ahead, spec, &scale_out::words(self.state, &ways))
            }
        }
    }

    /// An order as it will be on the state that it leaves on, and what comes before it.
    fn then(&self, ahead: &State, spec: &OrderSpec, words: &str) -> Preview {
        let then = Look {
            state: ahead,
            ..*self
        };
        let mut row = then.at(spec, Legs::default(), None);
        row.advice.push(SafeText::new(words));
        row
    }

    /// An order that is parked where the broker is away.
    fn parked(&self, spec: &OrderSpec, seconds: Option<u32>) -> Preview {
        let mut row = self.at(spec, Legs::default(), None);
        let away = |denial: &Denial| denial.code == DenialCode::NotReady;
        if row.denial.as_ref().is_some_and(away) {
            row.denial = parking::terms(
                self.state,
                self.market,
                spec,
                seconds,
                self.sender.cloned(),
                self.now,
            )
            .err();
        }
        row
    }

    fn check(&self) -> Check<'_> {
        Check {
            state: self.state,
            market: self.market,
            now: self.now,
            sender: self.sender.cloned(),
        }
    }

    fn at(&self, spec: &OrderSpec, legs: Legs, pair: Option<&OrderSpec>) -> Preview {
        let check = self.check();
        let instrument = self.state.instruments.get(&spec.instrument);
        let price = check.entry_price(spec);
        let worth = |price: Price| {
            instrument
                .and_then(|i| price.notional(spec.quantity, i.multiplier))
                .map(Money::abs)
        };
        let value = price.and_then(worth);
        let held = self.held(spec);
        let between = |a: Option<Price>, b: Option<Price>| worth(a?.checked_sub(b?)?);
        // A stop on the wrong side protects nothing: there is no risk to count by it.
        let lost = check
            .sides(spec, legs)
            .ok()
            .and_then(|()| between(price, legs.stop));
        let broker = spec.account.broker;
        let fee = instrument.and_then(|i| terms::fee(broker, i, spec.quantity, value?));
        let reduces = risk::effect(self.state, spec) == Effect::Reduces;
        let reward = between(legs.target, price).zip(lost);
        Preview {
            price,
            from_last: instrument.and_then(|i| away_from_last(self.market, i, price?)),
            value,
            currency: instrument.map(|instrument| instrument.currency),
            position: (held, held.saturating_add(spec.side.signed(spec.quantity))),
            margin: instrument.and_then(|i| terms::margin(broker, i, spec.quantity, price?)),
            fee,
            risk: lost,
            reward: reward.and_then(|(gain, loss)| in_r(gain, loss)),
            worst: self.worst(spec, reduces, lost, fee, value),
            tightest: instrument
                .filter(|_| !reduces)
                .and_then(|i| self.tightest(spec, i, price)),
            reduces,
            advice: check.advice(spec),
            denial: refused(&check, (spec, legs, pair), self.closes),
            pair: pair.cloned(),
            after: None,
            held_by_engine: (!legs.is_empty() || pair.is_some()) && !Abilities::of(broker).holds_brackets,
            spec: spec.clone(),
            legs,
        }
    }

    /// The position before the order, those before it in the command executed.
    fn held(&self, spec: &OrderSpec) -> Quantity {
        let held = self.state.position(spec.account, spec.instrument).quantity;
        held.saturating_add(self.before)
    }

    fn worst(
        &self,
        spec: &OrderSpec,
        reduces: bool,
        lost: Option<Money>,
        fee: Option<Money>,
        value: Option<Money>,
    ) -> Worst {
        if reduces {
            return Worst::Less;
        }
        if let Some(lost) = lost {
            let fees = fee.map_or(Money::ZERO, |fee| fee.saturating_add(fee));
            return Worst::AtStop(lost.saturating_add(fees));
        }
        let after = self.held(spec).saturating_add(spec.side.signed(spec.quantity));
        if spec.side == Side::Sell && after.is_negative() {
            return Worst::Unlimited;
        }
        value.map_or(Worst::Unknown, Worst::All)
    }

    /// The limit that an order comes nearest to, working orders counted as the engine counts them.
    fn tightest(&self, spec: &OrderSpec, instrument: &Instrument, price: Option<Price>) -> Option<Share> {
        let limits = self.state.limits_of(spec.account);
        let quantity = limits.max_quantity(instrument.kind);
        let worth = |quantity: Quantity| {
            price?
                .notional(quantity, instrument.multiplier)
                .map(|money| money.abs().raw())
        };
        let working = self
            .state
            .working(spec.account, spec.instrument, spec.side)
            .saturating_add(spec.quantity);
        let held = self.state.position(spec.account, spec.instrument).quantity;
        let then = held.saturating_add(spec.side.signed(working)).abs();
        let size = if instrument.kind == InstrumentKind::Future {
            "contracts in one order"
        } else {
            "quantity in one order"
        };
        let shares = [
            Some((size, percent(spec.quantity.raw().into(), quantity.raw().into()))),
            worth(spec.quantity).map(|raw| ("order value", percent(raw, limits.max_order_value.raw()))),
            worth(then).map(|raw| ("position value", percent(raw, limits.max_position_value.raw()))),
        ];
        let all = shares
            .into_iter()
            .chain([self.cost(spec, instrument, price)])
            .flatten();
        let (limit, percent) = all.max_by_key(|(_, percent)| *percent)?;
        Some(Share { limit, percent })
    }
}

/// How far a price is from the last trade: in ticks there, and in hundredths of one per cent.
pub fn away_from_last(market: &Market, instrument: &Instrument, price: Price) -> Option<(i64, i64)> {
    let last = market.last(instrument.id)?.price;
    let tick = instrument.ticks.tick_at(last).raw().max(1);
    let away = price.raw().checked_sub(last.raw())?;
    let part = i128::from(away) * 10_000 / i128::from(last.raw().max(1));
    Some((away / tick, i64::try_from(part).ok()?))
}

impl Look<'_> {
    /// What an order of shares, options or coins costs of what one may; nothing where that is off or not known.
    fn cost(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        price: Option<Price>,
    ) -> Option<(&'static str, u32)> {
        if !is_bought(instrument) {
            return None;
        }
        let (state, market) = (self.state, self.market);
        let limits = state.limits_for(spec.account, Some(instrument), self.sender);
        let at = market.venue_time(instrument.id).unwrap_or(self.now);
        let worth = || cost::worth_at(state, market, spec.account, at);
        let most = cost::most(state, spec.account, &limits, worth).ok()??;
        let costs = cost::of(state, market, (instrument, price?, spec.quantity), most.base).ok()?;
        Some(("order cost", percent(costs.raw(), most.amount.raw())))
    }
}

/// Why an order would be refused, with all that is recorded beside it.
fn refused(
    check: &Check<'_>,
    (spec, legs, pair): (&OrderSpec, Legs, Option<&OrderSpec>),
    closes: &[OrderSpec],
) -> Option<Denial> {
    let alone = |spec: &OrderSpec| check.foreseen(spec, closes);
    let children = usize::from(legs.stop.is_some()) + usize::from(legs.target.is_some());
    let both = |second: &OrderSpec| {
        alone(second)?;
        let (same, other) = if spec.side == second.side { (2, 0) } else { (1, 1) };
        check.room(spec, same, other)
    };
    let all = alone(spec)
        .and_then(|()| check.exits(spec, legs))
        .and_then(|_| check.room(spec, 1, children));
    all.and_then(|()| pair.map_or(Ok(()), both)).err()
}

/// `part` of `whole` in per cent, rounded up: what is on the limit is 100, what is above it more.
fn percent(part: i128, whole: i128) -> u32 {
    if whole <= 0 {
        return if part > 0 { u32::MAX } else { 0 };
    }
    let scaled = part.saturating_mul(100);
    let up = scaled / whole + i128::from(scaled % whole > 0);
    u32::try_from(up).unwrap_or(u32::MAX)
}

/// A gain as hundredths of a loss.
fn in_r(gain: Money, loss: Money) -> Option<i64> {
    let hundredths = gain.raw().checked_mul(100)?.checked_div(loss.raw())?;
    i64::try_from(hundredths).ok()
}
