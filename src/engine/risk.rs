//! The controls before every order, in one place, right before the intent is recorded. Working, uncertain and waiting
//! orders count in full. Every denial has a stable code, plain words, and the nearest value that would pass. What reduces
//! a position is never held up by a limit that is there to keep it small.

use super::abilities::Abilities;
use super::command::{Denial, DenialCode};
use super::fold::named_price;
use super::planted::{Bug, planted};
use super::state::{AccountState, State};
use crate::domain::{
    ClientOrderId, Distance, Instrument, InstrumentKind, LinkState, Money, Order, OrderKind, OrderSpec,
    Price, Quantity, Side, TimeInForce, Timestamp, TradingState,
};
use crate::market::Market;
use std::time::Duration;

/// What an order does to the risk of an account if all of it executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only takes off what is held, working exits counted.
    Reduces,
    /// Anything else.
    Adds,
}

/// Whether `spec` only reduces: opposite to the position, and with all working exits no larger than it.
pub fn effect(state: &State, spec: &OrderSpec) -> Effect {
    let position = state.position(spec.account, spec.instrument);
    let exits = state.working_exits(spec.account, spec.instrument);
    let opposite = position.side() == Some(spec.side.opposite());
    if opposite && spec.quantity.saturating_add(exits) <= position.quantity.abs() {
        Effect::Reduces
    } else {
        Effect::Adds
    }
}

/// Whether a live order only takes off what is held, itself counted among the working exits.
pub fn reduces_now(state: &State, order: &Order) -> bool {
    let spec = &order.spec;
    let position = state.position(spec.account, spec.instrument);
    let opposite = position.side() == Some(spec.side.opposite());
    opposite && state.working_exits(spec.account, spec.instrument) <= position.quantity.abs()
}

/// What a change does to the risk of an account: it reduces where the order, as it would be, only takes off what is held,
/// and also where nothing but its quantity shrinks.
pub fn change_effect(state: &State, order: &Order, to: &OrderSpec) -> Effect {
    if to.kind == order.spec.kind && to.quantity <= order.spec.quantity {
        return Effect::Reduces;
    }
    let position = state.position(to.account, to.instrument);
    let more = to.quantity.saturating_sub(order.spec.quantity);
    let exits = state
        .working_exits(to.account, to.instrument)
        .saturating_add(more);
    if position.side() == Some(to.side.opposite()) && exits <= position.quantity.abs() {
        Effect::Reduces
    } else {
        Effect::Adds
    }
}

/// The controls of one new order, in the order a person would ask them.
#[derive(Debug)]
pub struct Check<'a> {
    /// The state before the order.
    pub state: &'a State,
    /// Prices to compare with.
    pub market: &'a Market,
    /// The moment.
    pub now: Timestamp,
}

impl Check<'_> {
    /// Every control; the first that refuses wins.
    pub fn order(&self, spec: &OrderSpec) -> Result<(), Denial> {
        let account = self.account(spec)?;
        let instrument = self.instrument(spec)?;
        self.well_formed(spec, instrument)?;
        let effect = effect(self.state, spec);
        self.may_leave(spec, account, effect)?;
        self.short(spec, account)?;
        self.size(spec, instrument)?;
        let price = self.reference(spec, instrument, effect)?;
        self.collar(spec, instrument, effect)?;
        if effect == Effect::Adds {
            self.expiring(spec, instrument)?;
            self.value(spec, instrument, price)?;
            self.resulting_position(spec, instrument, price)?;
        }
        self.count(spec)?;
        self.duplicate(spec, account)?;
        match effect {
            Effect::Adds => self.rate(account),
            Effect::Reduces => Ok(()),
        }
    }

    /// The controls of a change, seen as the order it would make. What only shrinks or closes passes.
    pub fn change(&self, order: &Order, spec: &OrderSpec) -> Result<(), Denial> {
        let instrument = self.instrument(spec)?;
        self.well_formed(spec, instrument)?;
        let effect = change_effect(self.state, order, spec);
        if effect == Effect::Adds {
            let account = self.account(spec)?;
            self.may_leave(spec, account, effect)?;
            let more = OrderSpec {
                quantity: Quantity::from_raw(spec.quantity.saturating_sub(order.spec.quantity).raw().max(0)),
                ..spec.clone()
            };
            if more.quantity.is_positive() {
                self.short(&more, account)?;
                self.size(spec, instrument)?;
            }
            let price = self.reference(spec, instrument, effect)?;
            self.value(spec, instrument, price)?;
            self.resulting_position(&more, instrument, price)?;
        }
        if spec.kind == order.spec.kind {
            return Ok(());
        }
        self.collar(spec, instrument, effect)
    }

    /// The price an entry is expected to fill at: its own, else the other side of the market, else the last trade.
    pub fn entry_price(&self, spec: &OrderSpec) -> Option<Price> {
        let behind = || {
            let trigger = self.trigger(spec)?;
            spec.kind.trailing_limit(spec.side, trigger).or(Some(trigger))
        };
        let own = spec.kind.limit().or_else(behind);
        own.or_else(|| self.mark(spec))
    }

    /// True where the source of an instrument's prices is away: what is shown is from before.
    fn prices_are_away(&self, spec: &OrderSpec) -> bool {
        let quote = self.market.quote(spec.instrument);
        quote.is_some_and(|quote| !quote.quality.is_there())
    }

    /// The other side of the market, else the last trade; nothing while their source is away.
    fn mark(&self, spec: &OrderSpec) -> Option<Price> {
        if self.prices_are_away(spec) {
            return None;
        }
        let across = self
            .market
            .quote(spec.instrument)
            .and_then(|quote| quote.opposite(spec.side))
            .map(|level| level.0);
        across.or(self.market.last(spec.instrument).map(|print| print.price))
    }

    /// Where an order's trigger is: as told, or where a trailing stop's will be when it starts from the market as it is.
    fn trigger(&self, spec: &OrderSpec) -> Option<Price> {
        let trailing = || {
            let ticks = &self.state.instruments.get(&spec.instrument)?.ticks;
            let distance = spec.kind.distance()?;
            distance.trigger(self.mark(spec)?, spec.side, ticks)
        };
        spec.kind.trigger().or_else(trailing)
    }

    fn account(&self, spec: &OrderSpec) -> Result<&AccountState, Denial> {
        self.state.accounts.get(&spec.account).ok_or_else(|| {
            let known: Vec<String> = self.state.accounts.keys().map(ToString::to_string).collect();
            let known = if known.is_empty() {
                "none is known yet".into()
            } else {
                known.join(", ")
            };
            Denial::new(
                DenialCode::UnknownAccount,
                format!("no account {}; known: {known}", spec.account),
            )
        })
    }

    fn instrument(&self, spec: &OrderSpec) -> Result<&Instrument, Denial> {
        self.state.instruments.get(&spec.instrument).ok_or_else(|| {
            Denial::new(
                DenialCode::UnknownInstrument,
                format!("no instrument {}", spec.instrument),
            )
        })
    }

    /// Sizes, ticks and combinations: what no venue would take.
    pub fn well_formed(&self, spec: &OrderSpec, instrument: &Instrument) -> Result<(), Denial> {
        if instrument.kind == InstrumentKind::Index {
            return Err(Denial::new(
                DenialCode::NotTradable,
                format!("{} is an index: it is quoted, not traded", instrument.id),
            ));
        }
        if self
            .venue_now(instrument)
            .is_some_and(|now| instrument.is_expired(now))
        {
            return Err(Denial::new(
                DenialCode::NotTradable,
                format!("{} has expired", instrument.id),
            ));
        }
        if !instrument.allows_quantity(spec.quantity) {
            let nearest = instrument.quantity_down(spec.quantity).max(instrument.lot);
            let text = format!(
                "{} takes multiples of {}; nearest: {nearest}",
                instrument.id, instrument.lot
            );
            return Err(Denial::new(DenialCode::BadQuantity, text).near(nearest));
        }
        Abilities::of(spec.account.broker).takes(spec)?;
        for price in [spec.kind.limit(), spec.kind.trigger()].into_iter().flatten() {
            on_tick(price, spec.side, instrument)?;
        }
        self.trail(spec, instrument)?;
        shape(spec)?;
        self.hours(spec, instrument)
    }

    /// What a trailing stop adds: a distance that leaves a price, and steps that its trigger and limit can take.
    fn trail(&self, spec: &OrderSpec, instrument: &Instrument) -> Result<(), Denial> {
        let Some(distance) = spec.kind.distance() else {
            return Ok(());
        };
        if !distance.is_sound() {
            return Err(Denial::new(
                DenialCode::BadPrice,
                "a trailing distance is above zero, and below 100%",
            ));
        }
        let at = self.trigger(spec);
        if let (None, Some(mark)) = (at, self.mark(spec)) {
            let text = format!("a distance of {distance} is more than the market at {mark}; trail less");
            return Err(Denial::new(DenialCode::BadPrice, text));
        }
        let tick = at.map_or(instrument.ticks.finest(), |at| instrument.ticks.tick_at(at));
        if let Distance::Amount { amount } = distance {
            in_ticks("distance", amount, tick, tick)?;
        }
        match spec.kind {
            OrderKind::TrailLimit { offset, .. } => in_ticks("offset", offset, tick, Price::ZERO),
            _ => Ok(()),
        }
    }

    /// Auctions and dates: what the instrument's market does not have, or has no more.
    fn hours(&self, spec: &OrderSpec, instrument: &Instrument) -> Result<(), Denial> {
        let bad = |text: String| Err(Denial::new(DenialCode::BadOrder, text));
        let auction = spec.kind.is_on_close() || spec.tif == TimeInForce::Opg;
        if auction && matches!(instrument.kind, InstrumentKind::Forex | InstrumentKind::Crypto) {
            return bad(format!(
                "{} has no auctions; a plain mkt or limit would pass",
                instrument.id
            ));
        }
        match (spec.tif, self.venue_now(instrument)) {
            (TimeInForce::Gtd { until }, Some(now)) if until <= now => bad(format!(
                "{until} has already come: there it is {now}; give a later moment"
            )),
            _ => Ok(()),
        }
    }

    /// A future that is about to end is closed or rolled, not opened: what is held then is delivered or settled.
    fn expiring(&self, spec: &OrderSpec, instrument: &Instrument) -> Result<(), Denial> {
        let ends = instrument.entries_end().zip(self.venue_now(instrument));
        if ends.is_none_or(|(end, now)| now < end) {
            return Ok(());
        }
        let last = instrument
            .last_trading_day()
            .map_or_else(|| "soon".to_owned(), |day| format!("on {}", day.date));
        let next = self.state.instruments.values().filter(|other| {
            other.root == instrument.root && other.root.is_some() && other.expires > instrument.expires
        });
        let next = next.min_by_key(|other| other.expires);
        let remedy = next.map_or_else(String::new, |next| format!("; {} would pass", next.id));
        let text = format!(
            "{} trades for the last time {last}: it can be closed, not opened{remedy}",
            spec.instrument
        );
        Err(Denial::new(DenialCode::Expiring, text))
    }

    /// The venue's time as its data tell it: a tape's is years away from ours. Nothing where there are no data; then the
    /// venue itself is left to say that an instrument has expired.
    fn venue_now(&self, instrument: &Instrument) -> Option<Timestamp> {
        let quote = self.market.quote(instrument.id).map(|quote| quote.at);
        quote.max(self.market.last(instrument.id).map(|print| print.at))
    }

    fn may_leave(&self, spec: &OrderSpec, account: &AccountState, effect: Effect) -> Result<(), Denial> {
        let link = self.state.link(spec.account.broker);
        if !account.opened {
            let text = format!("what {} holds has not been read yet", spec.account);
            return Err(Denial::new(DenialCode::PositionUnknown, text));
        }
        if let Some(pause) = self.state.pauses.get(&spec.account.broker)
            && effect == Effect::Adds
        {
            let text = format!(
                "planned {}; cancels and reducing orders pass",
                pause.words(self.now)
            );
            return Err(Denial::new(DenialCode::NotReady, text));
        }
        match (link, effect) {
            (LinkState::Ready, _) | (LinkState::Degraded | LinkState::Syncing, Effect::Reduces) => {}
            (link, _) => {
                let text = format!(
                    "the link to {} is {}; only cancels and reducing orders pass",
                    spec.account.broker,
                    link.word()
                );
                return Err(Denial::new(DenialCode::NotReady, text));
            }
        }
        if let Some(mismatch) = account.mismatches.get(&spec.instrument).filter(|m| m.passes > 1)
            && effect == Effect::Adds
        {
            let text = format!(
                "{}: we have {}, the broker has {}; orders wait until both agree",
                spec.instrument, mismatch.ours, mismatch.theirs
            );
            return Err(Denial::new(DenialCode::Unexplained, text));
        }
        if account.overfilled.contains(&spec.instrument) && effect == Effect::Adds {
            let text = format!(
                "{}: more was executed than an order asked for; look at it, then accept {}: until then cancels and reducing orders pass",
                spec.instrument, spec.instrument
            );
            return Err(Denial::new(DenialCode::Unexplained, text));
        }
        match (account.trading, effect) {
            (TradingState::Active, _) | (TradingState::Reducing | TradingState::Halted, Effect::Reduces) => {
                Ok(())
            }
            _ if planted(Bug::HaltNotHeld) => Ok(()),
            (trading, Effect::Adds) => {
                let text = format!(
                    "{} is {}; cancels and reducing orders pass",
                    spec.account,
                    trading.word()
                );
                Err(Denial::new(DenialCode::Trading, text))
            }
        }
    }

    fn short(&self, spec: &OrderSpec, account: &AccountState) -> Result<(), Denial> {
        if spec.side == Side::Buy || spec.parent.is_some() {
            return Ok(());
        }
        let held = self.state.position(spec.account, spec.instrument).quantity;
        let selling = self
            .state
            .working_sells(spec.account, spec.instrument)
            .saturating_add(spec.quantity);
        if held >= selling {
            return Ok(());
        }
        let free = Quantity::from_raw(
            held.saturating_sub(selling)
                .saturating_add(spec.quantity)
                .raw()
                .max(0),
        );
        if !self.state.limits.allow_short {
            let text = format!(
                "{} holds {held} {}; {free} more can be sold; shorts are off",
                account.account.key, spec.instrument
            );
            return Err(Denial::new(DenialCode::Short, text));
        }
        if !spec.allow_short {
            let text = format!(
                "{held} {} held, {free} more can be sold; say 'short' to sell more than that",
                spec.instrument
            );
            return Err(Denial::new(DenialCode::Short, text));
        }
        Ok(())
    }

    fn size(&self, spec: &OrderSpec, instrument: &Instrument) -> Result<(), Denial> {
        let most = self.state.limits.max_quantity(instrument.kind);
        if spec.quantity > most && effect(self.state, spec) == Effect::Adds {
            let text = format!(
                "{} {} is above the limit of {most} in one order; {most} would pass",
                spec.quantity, spec.instrument
            );
            return Err(Denial::new(DenialCode::MaxQuantity, text));
        }
        Ok(())
    }

    /// The price an order's value is counted at: its own limit or trigger, else the other side of the market, else the
    /// last trade. A reducing order needs none.
    fn reference(&self, spec: &OrderSpec, instrument: &Instrument, effect: Effect) -> Result<Price, Denial> {
        match self.entry_price(spec) {
            Some(price) => Ok(price),
            None if effect == Effect::Reduces => Ok(Price::ZERO),
            None => Err(Denial::new(
                DenialCode::NoPrice,
                format!("{} has no quote and no trade yet; give a limit", instrument.id),
            )),
        }
    }

    fn value(&self, spec: &OrderSpec, instrument: &Instrument, price: Price) -> Result<(), Denial> {
        let most = self.state.limits.max_order_value;
        let value = price
            .notional(spec.quantity, instrument.multiplier)
            .map(Money::abs);
        match value {
            Some(value) if value <= most => Ok(()),
            value => {
                let passes = largest_within(most, price, instrument);
                let shown = value.map_or("more than can be counted".into(), |value| {
                    format!("{:.2}", value.round_to(2))
                });
                let text = format!(
                    "worth {shown} {}, the limit is {:.0}; {passes} would pass",
                    instrument.currency,
                    most.round_to(0)
                );
                Err(Denial::new(DenialCode::MaxValue, text))
            }
        }
    }

    fn resulting_position(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        price: Price,
    ) -> Result<(), Denial> {
        let held = self.state.position(spec.account, spec.instrument).quantity;
        let working = self
            .state
            .working(spec.account, spec.instrument, spec.side)
            .saturating_add(spec.quantity);
        let working = if planted(Bug::WorkingNotCounted) {
            spec.quantity
        } else {
            working
        };
        let worst = held.saturating_add(spec.side.signed(working)).abs();
        let most = self.state.limits.max_position_value;
        match price.notional(worst, instrument.multiplier).map(Money::abs) {
            Some(value) if value <= most => Ok(()),
            _ => {
                let cap = largest_within(most, price, instrument);
                let passes = Quantity::from_raw(
                    cap.saturating_sub(worst.saturating_sub(spec.quantity))
                        .raw()
                        .max(0),
                );
                let text = format!(
                    "with working orders it could become {worst} {}, above the limit of {:.0} {}; {passes} would pass",
                    spec.instrument,
                    most.round_to(0),
                    instrument.currency
                );
                Err(Denial::new(DenialCode::MaxPosition, text))
            }
        }
    }

    /// A limit may not reach further through the market than the collar; a market order needs a market to reach into.
    fn collar(&self, spec: &OrderSpec, instrument: &Instrument, effect: Effect) -> Result<(), Denial> {
        // A stop-limit goes to the market once its trigger is reached: that is where its limit is measured from.
        let reference = self.trigger(spec).or_else(|| self.mark(spec));
        let trailing = || spec.kind.trailing_limit(spec.side, reference?);
        let (limit, reference) = match (spec.kind.limit().or_else(trailing), reference) {
            (None, Some(_)) => return Ok(()),
            (None, None) if effect == Effect::Reduces || spec.kind.is_stop() => return Ok(()),
            (None, None) => {
                let text = format!("{} has no market to trade against; give a limit", instrument.id);
                return Err(Denial::new(DenialCode::NoPrice, text));
            }
            (Some(_), None) if effect == Effect::Adds && self.prices_are_away(spec) => {
                let text = format!(
                    "the source of {}'s prices is away: there is nothing to hold the limit against",
                    instrument.id
                );
                return Err(Denial::new(DenialCode::NoPrice, text));
            }
            (Some(_), None) => return Ok(()),
            (Some(limit), Some(reference)) => (limit, reference),
        };
        let reach =
            i128::from(reference.raw().unsigned_abs()) * i128::from(self.state.limits.collar_bps) / 10_000;
        let beyond = match spec.side {
            Side::Buy => i128::from(limit.raw()) - i128::from(reference.raw()),
            Side::Sell => i128::from(reference.raw()) - i128::from(limit.raw()),
        };
        if beyond <= reach {
            return Ok(());
        }
        let edge = match spec.side {
            Side::Buy => i128::from(reference.raw()) + reach,
            Side::Sell => i128::from(reference.raw()) - reach,
        };
        let edge = Price::from_raw(i64::try_from(edge).unwrap_or(reference.raw()));
        let nearest = instrument.ticks.toward_less_risk(edge, spec.side);
        if let OrderKind::TrailLimit { offset, .. } = spec.kind {
            let passes = nearest.raw().saturating_sub(reference.raw()).saturating_abs();
            let text = format!(
                "an offset of {offset} is {} of the trigger at {}; the collar is {} bps, {} would pass",
                percent(beyond, reference),
                instrument.show(reference),
                self.state.limits.collar_bps,
                instrument.show(Price::from_raw(passes))
            );
            return Err(Denial::new(DenialCode::Collar, text).near(Price::from_raw(passes)));
        }
        let text = format!(
            "{} is {} through the market at {}; the collar is {} bps, {} would pass",
            instrument.show(limit),
            percent(beyond, reference),
            instrument.show(reference),
            self.state.limits.collar_bps,
            instrument.show(nearest)
        );
        Err(Denial::new(DenialCode::Collar, text).near(nearest))
    }

    fn count(&self, spec: &OrderSpec) -> Result<(), Denial> {
        let live = self
            .state
            .live_orders(spec.account, spec.instrument)
            .filter(|o| o.spec.side == spec.side)
            .count();
        let most = self.state.limits.max_live_orders as usize;
        if live >= most && effect(self.state, spec) == Effect::Adds {
            let text = format!(
                "{live} live {} orders in {}; the limit is {most}; cancel one first",
                spec.side.word(),
                spec.instrument
            );
            return Err(Denial::new(DenialCode::MaxOrders, text));
        }
        Ok(())
    }

    fn duplicate(&self, spec: &OrderSpec, account: &AccountState) -> Result<(), Denial> {
        let window = Duration::from_millis(self.state.limits.duplicate_window_ms);
        let price = named_price(spec);
        let same = account
            .recent
            .iter()
            .rev()
            .take_while(|s| self.now.since(s.at) < window)
            .any(|s| {
                s.instrument == spec.instrument
                    && s.side == spec.side
                    && s.quantity == spec.quantity
                    && s.price == price
            });
        if !same || planted(Bug::DoubleEnter) {
            return Ok(());
        }
        let text = format!(
            "an equal order was sent less than {} ms ago; wait a moment or change it",
            window.as_millis()
        );
        Err(Denial::new(DenialCode::Duplicate, text))
    }

    fn rate(&self, account: &AccountState) -> Result<(), Denial> {
        let (burst, per_second) = (
            self.state.limits.rate_burst as usize,
            self.state.limits.rate_per_second.max(1),
        );
        let window = Duration::from_secs(burst.max(1) as u64)
            .checked_div(per_second)
            .unwrap_or_default();
        let recent = account
            .recent
            .iter()
            .rev()
            .take_while(|s| self.now.since(s.at) < window)
            .count();
        if recent < burst || planted(Bug::RateNotHeld) {
            return Ok(());
        }
        let text = format!(
            "{recent} orders within {} ms; {burst} at once and {per_second} a second pass",
            window.as_millis()
        );
        Err(Denial::new(DenialCode::Rate, text))
    }
}

/// True prices are positive multiples of the tick; the nearest valid one is named, never sent instead.
fn on_tick(price: Price, side: Side, instrument: &Instrument) -> Result<(), Denial> {
    if price <= Price::ZERO {
        return Err(Denial::new(
            DenialCode::BadPrice,
            format!("a price of {price} is not positive"),
        ));
    }
    if !instrument.ticks.allows(price) {
        let nearest = instrument.ticks.toward_less_risk(price, side);
        let text = format!(
            "{price} is between ticks of {}; nearest: {}",
            instrument.ticks.tick_at(price),
            instrument.show(nearest)
        );
        return Err(Denial::new(DenialCode::BadPrice, text).near(nearest));
    }
    Ok(())
}

/// A difference of prices is a multiple of the tick, and no less than `least`; the nearest that keeps the order closer to
/// the market is named.
fn in_ticks(what: &str, step: Price, tick: Price, least: Price) -> Result<(), Denial> {
    let down = Price::from_raw(
        step.raw()
            .saturating_sub(step.raw().rem_euclid(tick.raw().max(1))),
    );
    if down == step && step >= least {
        return Ok(());
    }
    let text = format!(
        "the {what} {step} is no multiple of the tick of {tick}; nearest: {}",
        down.max(least)
    );
    Err(Denial::new(DenialCode::BadPrice, text).near(down.max(least)))
}

/// Combinations that contradict themselves.
pub fn shape(spec: &OrderSpec) -> Result<(), Denial> {
    let bad = |text: &str| Err(Denial::new(DenialCode::BadOrder, text));
    let immediate = matches!(spec.tif, TimeInForce::Ioc | TimeInForce::Fok);
    let at_opening = spec.tif == TimeInForce::Opg;
    let waits = spec.kind.is_on_close() || matches!(spec.kind, OrderKind::Midprice { .. });
    if waits && spec.tif != TimeInForce::Day {
        return bad("moc, loc and mid orders are for the day; leave the time in force out");
    }
    if at_opening && !matches!(spec.kind, OrderKind::Market | OrderKind::Limit { .. }) {
        return bad("only mkt and limit orders go to the opening auction");
    }
    if spec.outside_hours && (waits || at_opening) {
        return bad("auctions and mid orders have no hours outside the regular session; leave 'outside' out");
    }
    if let Some(display) = spec.display {
        if !matches!(spec.kind, OrderKind::Limit { .. }) || immediate || at_opening {
            return bad("only a resting limit order can show a part of itself");
        }
        if !display.is_positive() || display > spec.quantity {
            return bad("the shown part is between one lot and the whole order");
        }
    }
    if spec.kind.is_stop() && immediate {
        return bad("a stop waits; ioc and fok don't");
    }
    Ok(())
}

/// The largest whole-lot quantity whose value stays within `most` at `price`.
fn largest_within(most: Money, price: Price, instrument: &Instrument) -> Quantity {
    let one = match price.notional(Quantity::ONE, instrument.multiplier) {
        Some(one) if one.abs() > Money::ZERO => one.abs(),
        _ => return Quantity::ZERO,
    };
    let raw = most.raw().saturating_mul(i128::from(Quantity::ONE.raw())) / one.raw();
    instrument.quantity_down(Quantity::from_raw(i64::try_from(raw).unwrap_or(i64::MAX)))
}

/// A difference as a share of a price, in words.
fn percent(part: i128, whole: Price) -> String {
    let whole = i128::from(whole.raw().unsigned_abs()).max(1);
    let hundredths = part.saturating_mul(10_000) / whole;
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// The answer to the same submission again: known if it is the same order, refused if another has its id.
pub fn repeated(state: &State, id: ClientOrderId, spec: &OrderSpec) -> Option<Result<ClientOrderId, Denial>> {
    let known = state.orders.get(&id).filter(|_| !planted(Bug::KnownIdIgnored))?;
    Some(if known.asked == *spec {
        Ok(id)
    } else {
        Err(Denial::new(
            DenialCode::IdReused,
            format!("{id} is already {}; make a new id", known.asked),
        ))
    })
}
