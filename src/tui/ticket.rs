//! The order ticket: a draft of one order, or of one change, and the rules of when Enter may send it. What it would do is
//! shown by `forecast`; the draft itself knows prices and quantities and nothing of the screen.

mod sentence;
mod style;
mod template;
mod until;

pub use style::Style;

use crate::domain::{
    AccountKey, ClientOrderId, Distance, ExitTemplate, Instrument, InstrumentKind, Order, OrderChange,
    OrderKind, OrderSpec, Price, Quantity, Role, Side, TimeInForce, Timestamp,
};
use crate::engine::digest::{self, FRESH};
use crate::engine::{Command, Legs, Seen};
use crate::market::Quote;
use std::time::Duration;

/// A preview must have stood this long before Enter counts: nobody confirms what they have not seen.
pub const STANDS: Duration = Duration::from_millis(200);
/// Between two Enters that both count: longer than the pause before a held key repeats.
pub const QUIET: Duration = Duration::from_millis(700);

/// What the draft is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new order.
    New,
    /// A change of this order.
    Modify(ClientOrderId),
}

/// The part of the draft that digits go into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// How much.
    Quantity,
    /// The limit.
    Price,
    /// The trigger of a stop.
    Trigger,
    /// How far a trailing stop trails.
    Distance,
    /// How far beyond its trigger the limit of a trailing stop lies.
    Offset,
    /// The protective stop.
    Stop,
    /// The profit target.
    Target,
    /// The date that it lives until.
    Until,
}

/// One order being drafted.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// New, or a change.
    pub purpose: Purpose,
    /// For which account.
    pub account: AccountKey,
    /// Of what.
    pub instrument: Instrument,
    /// Which way.
    pub side: Side,
    /// How much.
    pub quantity: Quantity,
    /// How it executes: which of the prices below it has.
    pub style: Style,
    /// At what limit, or up to what price an order in the middle follows.
    pub price: Option<Price>,
    /// The trigger of a stop.
    pub trigger: Option<Price>,
    /// How far a trailing stop trails.
    pub distance: Option<Distance>,
    /// How far beyond its trigger the limit of a trailing stop lies.
    pub offset: Option<Price>,
    /// How long it lives.
    pub tif: TimeInForce,
    /// The protective stop's trigger.
    pub stop: Option<Price>,
    /// The profit target's price.
    pub target: Option<Price>,
    /// The template that stop and target came from.
    pub template: Option<String>,
    /// What that said of how the stop moves by itself.
    pub rules: ExitTemplate,
    /// It may open a short.
    pub short: bool,
    /// Outside the regular session too.
    pub outside: bool,
    /// Where digits go.
    pub field: Field,
    /// What has been typed into that field, until it is left.
    pub typing: Option<String>,
    /// How far the market's clock is ahead of ours, in nanoseconds: a tape's is years away.
    pub market_ahead_ns: i64,
    /// What is typed as a date is none yet.
    date_missing: bool,
    /// The order as it was, for a change.
    before: Option<OrderSpec>,
    /// When the person last saw something new here.
    seen_at: Timestamp,
    /// The market then.
    seen: Option<Quote>,
}

/// Why Enter did not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotYet {
    /// The preview has only just appeared.
    TooSoon,
    /// The same key was pressed a moment ago: it may be held down.
    Held,
    /// The market moved since the preview was looked at.
    Moved,
    /// It was looked at too long ago.
    Old,
    /// The terminal has not said yet that it shows the preview.
    Unshown,
    /// What is held changed: it no longer does to the risk what it did.
    Changed,
}
impl NotYet {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::TooSoon => "not sent: the preview has only just appeared; look, then press Enter again",
            Self::Held => "not sent: Enter was pressed a moment ago; let go, then press it again",
            Self::Moved => {
                "not sent: the market moved since you looked; this is the new preview, Enter sends it"
            }
            Self::Changed => {
                "not sent: what is held changed since you looked; this is the new preview, Enter sends it"
            }
            Self::Old => "not sent: the preview was old; this is the new one, Enter sends it",
            Self::Unshown => {
                "not sent: the terminal has not shown this preview yet; look, then press Enter again"
            }
        }
    }
    /// In words, before Enter is pressed.
    pub fn hint(self) -> &'static str {
        match self {
            Self::TooSoon | Self::Held | Self::Unshown => "",
            Self::Moved => "the market moved since this preview: Enter makes a new one, and sends nothing",
            Self::Changed => {
                "what is held changed since this preview: Enter makes a new one, and sends nothing"
            }
            Self::Old => "this preview is old: Enter makes a new one, and sends nothing",
        }
    }
}

/// May an Enter at `now` confirm what appeared at `appeared`, given the Enter before it?
pub fn may_confirm(
    appeared: Timestamp,
    enter_before: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), NotYet> {
    if now.since(appeared) < STANDS {
        return Err(NotYet::TooSoon);
    }
    if enter_before.is_some_and(|before| now.since(before) < QUIET) {
        return Err(NotYet::Held);
    }
    Ok(())
}

/// What a first order in each kind of instrument starts with.
#[derive(Clone, Copy, Debug)]
pub struct FirstQuantities {
    /// Shares.
    pub equity: Quantity,
    /// Contracts.
    pub future: Quantity,
    /// Units of the base currency.
    pub forex: Quantity,
    /// Coins.
    pub crypto: Quantity,
    /// Option contracts.
    pub option: Quantity,
}

impl FirstQuantities {
    /// For this instrument: at least one lot, and whole lots.
    pub fn of(&self, instrument: &Instrument) -> Quantity {
        let wanted = match instrument.kind {
            InstrumentKind::Equity => self.equity,
            InstrumentKind::Forex => self.forex,
            InstrumentKind::Crypto => self.crypto,
            InstrumentKind::Option => self.option,
            InstrumentKind::Future | InstrumentKind::Index => self.future,
        };
        instrument.quantity_down(wanted).max(instrument.lot)
    }
}

impl Ticket {
    /// A new order at the touch on its own side, or at the market. Without a quote a limit has no price yet.
    pub fn new(
        (account, instrument): (AccountKey, &Instrument),
        side: Side,
        quantity: Quantity,
        at_market: bool,
        quote: Option<&Quote>,
        now: Timestamp,
    ) -> Self {
        let mut ticket = Self {
            purpose: Purpose::New,
            account,
            instrument: instrument.clone(),
            side,
            quantity: instrument.quantity_down(quantity),
            style: if at_market { Style::Market } else { Style::Limit },
            price: None,
            trigger: None,
            distance: None,
            offset: None,
            tif: TimeInForce::Day,
            stop: None,
            target: None,
            template: None,
            rules: ExitTemplate::default(),
            short: false,
            outside: false,
            field: if at_market { Field::Quantity } else { Field::Price },
            typing: None,
            market_ahead_ns: 0,
            date_missing: false,
            before: None,
            seen_at: now,
            seen: quote.copied(),
        };
        if !at_market {
            ticket.price = ticket.touch(quote);
        }
        ticket
    }
    /// A change of a live order.
    pub fn modify(order: &Order, instrument: &Instrument, quote: Option<&Quote>, now: Timestamp) -> Self {
        let spec = &order.spec;
        let style = Style::of(spec.kind);
        let own = match style.fields() {
            [Field::Trigger, Field::Price] => Field::Price,
            [first, ..] => *first,
            [] => Field::Quantity,
        };
        Self {
            purpose: Purpose::Modify(order.id),
            account: spec.account,
            instrument: instrument.clone(),
            side: spec.side,
            quantity: spec.quantity,
            style,
            price: spec.kind.limit(),
            trigger: spec.kind.trigger(),
            distance: spec.kind.distance(),
            offset: match spec.kind {
                OrderKind::TrailLimit { offset, .. } => Some(offset),
                _ => None,
            },
            tif: spec.tif,
            stop: None,
            target: None,
            template: None,
            rules: ExitTemplate::default(),
            short: spec.allow_short,
            outside: spec.outside_hours,
            field: own,
            typing: None,
            market_ahead_ns: 0,
            date_missing: false,
            before: Some(spec.clone()),
            seen_at: now,
            seen: quote.copied(),
        }
    }
    /// The same order once more, as a draft of now: its prices stay as they were said.
    pub fn anew(&self, instrument: &Instrument, quote: Option<&Quote>, now: Timestamp) -> Self {
        Self {
            instrument: instrument.clone(),
            typing: None,
            date_missing: false,
            seen_at: now,
            seen: quote.copied(),
            ..self.clone()
        }
    }
    /// The best price on the order's own side, or failing that the other side's.
    fn touch(&self, quote: Option<&Quote>) -> Option<Price> {
        let quote = quote?;
        let (own, other) = match self.side {
            Side::Buy => (quote.bid, quote.ask),
            Side::Sell => (quote.ask, quote.bid),
        };
        own.or(other).map(|(price, _)| price)
    }
    /// The fields that digits may go into.
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = vec![Field::Quantity];
        // The offset of a live order stays as it is.
        let own = self.style.fields().iter().copied();
        fields.extend(own.filter(|field| *field != Field::Offset || self.purpose == Purpose::New));
        if self.has_date() {
            fields.push(Field::Until);
        }
        if self.purpose == Purpose::New {
            fields.extend([Field::Stop, Field::Target]);
        }
        fields
    }
    /// Another field, forward or back. What was typed into the old one counts, or is dropped where it is no number.
    pub fn next_field(&mut self, forward: bool, now: Timestamp) {
        self.settle(now);
        let fields = self.fields();
        let here = fields.iter().position(|field| *field == self.field).unwrap_or(0);
        let step = if forward { 1 } else { fields.len() - 1 };
        self.field = fields[(here + step) % fields.len()];
    }
    /// Takes a typed digit, point or backspace (as `'\u{8}'`) into the field, and for a distance the per cent sign; false
    /// for other characters.
    pub fn type_char(&mut self, c: char, now: Timestamp) -> bool {
        let mut text = self.typing.clone().unwrap_or_default();
        match c {
            '0'..='9' | '.' if text.len() < 20 => text.push(c),
            '%' if text.len() < 20 && self.field == Field::Distance => text.push(c),
            '\u{8}' => {
                text.pop();
            }
            _ => return false,
        }
        if text.is_empty() {
            match self.field {
                Field::Stop => self.stop = None,
                Field::Target => self.target = None,
                Field::Price if self.style == Style::Midprice => self.price = None,
                _ => {}
            }
        }
        if self.field == Field::Until {
            self.type_until(&text, now);
        }
        self.typing = Some(text);
        self.apply_typing();
        self.seen_at = now;
        true
    }
    /// Puts what is typed into the draft where it is a number already.
    fn apply_typing(&mut self) {
        let Some(text) = self.typing.as_deref() else {
            return;
        };
        if self.field == Field::Until {
            return;
        }
        if self.field == Field::Quantity {
            self.quantity = text.parse().unwrap_or(Quantity::ZERO);
        } else if self.field == Field::Distance {
            self.distance = text.parse().ok();
        } else if let Ok(price) = text.parse::<Price>() {
            *self.price_field() = Some(price);
        }
    }
    /// Puts a price in as the limit, rounded toward less risk: as if it had been typed.
    pub fn put_price(&mut self, price: Price, now: Timestamp) {
        self.settle(now);
        self.price = Some(self.instrument.ticks.toward_less_risk(price, self.side));
        self.seen_at = now;
    }
    /// Ends the typing in this field.
    fn settle(&mut self, now: Timestamp) {
        if self.typing.take().is_some() {
            self.date_missing = false;
            self.seen_at = now;
        }
    }
    fn price_field(&mut self) -> &mut Option<Price> {
        match self.field {
            Field::Stop => &mut self.stop,
            Field::Target => &mut self.target,
            Field::Trigger => &mut self.trigger,
            Field::Offset => &mut self.offset,
            Field::Price | Field::Quantity | Field::Distance | Field::Until => &mut self.price,
        }
    }
    /// The price in the field (the limit, where the quantity has the field) by so many ticks. An empty stop or target
    /// starts at one part in a hundred from the limit, or from the market, on its proper side.
    pub fn step_price(&mut self, ticks: i64, quote: Option<&Quote>, now: Timestamp) {
        self.settle(now);
        self.seen_at = now;
        if self.field == Field::Quantity
            && let [Field::Trigger | Field::Distance, ..] = self.style.fields()
            && self.style != Style::StopLimit
        {
            self.field = self.style.fields().first().copied().unwrap_or(self.field);
        }
        match self.field {
            Field::Distance => return self.step_distance(ticks, quote),
            Field::Offset => return self.step_offset(ticks, quote),
            Field::Until => return self.step_until(ticks, now),
            _ => {}
        }
        let (side, instrument) = (self.side, self.instrument.clone());
        let anchor = self.price.or_else(|| self.touch(quote));
        let below = (self.field == Field::Stop) == (side == Side::Buy);
        let capped = self.style == Style::Midprice && self.field == Field::Price;
        let empty_leg = matches!(self.field, Field::Stop | Field::Target);
        let begun = anchor.map(|anchor| self.one_in_a_hundred(anchor, below));
        let place = self.price_field();
        *place = match *place {
            Some(price) => Some(instrument.ticks.step(price, ticks)),
            None if empty_leg => begun,
            None if capped => anchor,
            None => None,
        };
    }
    /// The quantity by so many steps; never below one step.
    pub fn step_quantity(&mut self, steps: i64, now: Timestamp) {
        self.settle(now);
        let unit = Quantity::ONE.raw();
        let step = match self.instrument.kind {
            InstrumentKind::Equity => 10 * unit,
            InstrumentKind::Forex => 1_000 * unit,
            InstrumentKind::Crypto => unit / 100,
            InstrumentKind::Future | InstrumentKind::Option | InstrumentKind::Index => unit,
        };
        let step = step.max(self.instrument.lot.raw()).max(1);
        let raw = self.quantity.raw().saturating_add(step.saturating_mul(steps));
        self.quantity = self.instrument.quantity_down(Quantity::from_raw(raw.max(step)));
        self.seen_at = now;
    }
    /// The command this draft stands for, under `id` where it is a new order. In words what is missing, where something is.
    pub fn command(&self, id: ClientOrderId) -> Result<Command, &'static str> {
        if !self.quantity.is_positive() {
            return Err("a quantity is missing");
        }
        if self.date_missing {
            return Err("the date is eight digits of a trading day to come, such as 20261224");
        }
        if self.purpose != Purpose::New {
            return self.change();
        }
        Ok(Command::Submit {
            id,
            spec: self.spec(self.kind()?),
            legs: Legs {
                stop: self.stop,
                target: self.target,
                moves: self.moves()?,
            },
            seen: None,
        })
    }
    fn spec(&self, kind: OrderKind) -> OrderSpec {
        OrderSpec {
            account: self.account,
            instrument: self.instrument.id,
            side: self.side,
            quantity: self.quantity,
            kind,
            tif: self.tif,
            display: None,
            allow_short: self.short,
            role: Role::Entry,
            parent: None,
            outside_hours: self.outside,
        }
    }
    fn change(&self) -> Result<Command, &'static str> {
        let (Purpose::Modify(id), Some(before)) = (self.purpose, &self.before) else {
            return Err("there is no order to change");
        };
        let differs = |new: Option<Price>, old: Option<Price>| new.filter(|_| new != old);
        let change = OrderChange {
            quantity: Some(self.quantity).filter(|quantity| *quantity != before.quantity),
            price: differs(self.price, before.kind.limit()),
            trigger: differs(self.trigger, before.kind.trigger()),
            distance: self
                .distance
                .filter(|distance| Some(*distance) != before.kind.distance()),
        };
        if change == OrderChange::default() {
            return Err("nothing is changed yet");
        }
        Ok(Command::Modify { id, change })
    }
    /// May Enter send at `now`? Where the preview is old or the market moved, the draft is shown anew instead: a limit
    /// that nobody touched is not moved, but the person has to look again.
    pub fn confirm(
        &mut self,
        quote: Option<&Quote>,
        enter_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), NotYet> {
        may_confirm(self.seen_at, enter_before, now)?;
        let reason = if now.since(self.seen_at) > FRESH {
            NotYet::Old
        } else if self.moved(quote) {
            NotYet::Moved
        } else {
            return Ok(());
        };
        self.seen_at = now;
        self.seen = quote.copied();
        Err(reason)
    }
    /// Since when the draft has been as it is.
    pub fn seen_at(&self) -> Timestamp {
        self.seen_at
    }
    /// A new order with what the person saw of it, as it is sent at `now`.
    pub fn sealed(&self, command: Command, now: Timestamp) -> Command {
        match command {
            Command::Submit { id, spec, legs, .. } => {
                let level = |side: Option<(Price, Quantity)>| side.map(|level| level.0);
                let seen = Seen {
                    digest: digest::digest(&spec, legs),
                    bid: self.seen.and_then(|quote| level(quote.bid)),
                    ask: self.seen.and_then(|quote| level(quote.ask)),
                    age_ms: u64::try_from(now.since(self.seen_at).as_millis()).unwrap_or(u64::MAX),
                    reduces: false,
                };
                let seen = Some(seen);
                Command::Submit { id, spec, legs, seen }
            }
            other => other,
        }
    }
    /// How long the draft has been as it is.
    pub fn stood_for(&self, now: Timestamp) -> Duration {
        now.since(self.seen_at)
    }
    /// True where bid or ask moved further than a few ticks since the person looked, or came or went.
    fn moved(&self, quote: Option<&Quote>) -> bool {
        let far = |before: Option<(Price, Quantity)>, now: Option<(Price, Quantity)>| {
            let prices = (before.map(|level| level.0), now.map(|level| level.0));
            digest::moved(prices.0, prices.1, &self.instrument.ticks)
        };
        match (&self.seen, quote) {
            (Some(before), Some(now)) => far(before.bid, now.bid) || far(before.ask, now.ask),
            (before, now) => before.is_some() != now.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn enter_sends_only_what_stood_and_was_looked_at() {
        let (instrument, quote) = (
            sample::instrument("AAPL"),
            sample::quote("AAPL", "189.51", "189.53"),
        );
        let new = || {
            Ticket::new(
                (sample::account(), &instrument),
                Side::Buy,
                Quantity::whole(100).unwrap(),
                false,
                Some(&quote),
                at(0),
            )
        };
        assert_eq!(new().confirm(Some(&quote), None, at(199)), Err(NotYet::TooSoon));
        assert_eq!(new().confirm(Some(&quote), None, at(200)), Ok(()));
        assert_eq!(
            new().confirm(Some(&quote), Some(at(-100)), at(500)),
            Err(NotYet::Held)
        );
        let mut old = new();
        assert_eq!(old.confirm(Some(&quote), None, at(5_001)), Err(NotYet::Old));
        assert_eq!(
            old.confirm(Some(&quote), None, at(5_900)),
            Ok(()),
            "looked at anew"
        );
        let moved = sample::quote("AAPL", "189.61", "189.63");
        let mut ticket = new();
        assert_eq!(ticket.confirm(Some(&moved), None, at(1_000)), Err(NotYet::Moved));
        assert_eq!(
            ticket.price,
            "189.51".parse().ok(),
            "a limit does not follow the market by itself"
        );
        assert_eq!(
            ticket.confirm(None, None, at(2_000)),
            Err(NotYet::Moved),
            "a quote that went is a move"
        );
    }

    #[test]
    fn a_draft_says_exactly_what_was_typed() {
        let (instrument, quote) = (
            sample::instrument("AAPL"),
            sample::quote("AAPL", "189.51", "189.53"),
        );
        let id = ClientOrderId::new("TW1").unwrap();
        let mut ticket = Ticket::new(
            (sample::account(), &instrument),
            Side::Sell,
            Quantity::whole(100).unwrap(),
            false,
            Some(&quote),
            at(0),
        );
        ticket.step_price(2, Some(&quote), at(1));
        ticket.next_field(true, at(2));
        assert_eq!(ticket.field, Field::Stop);
        for c in "190.9".chars() {
            assert!(ticket.type_char(c, at(3)));
        }
        ticket.next_field(false, at(4));
        ticket.next_field(false, at(4));
        for c in "250".chars() {
            assert!(ticket.type_char(c, at(5)));
        }
        assert!(!ticket.type_char('x', at(6)));
        let Ok(Command::Submit { spec, legs, .. }) = ticket.command(id) else {
            panic!("no order")
        };
        assert_eq!(spec.to_string(), "SELL 250 AAPL lmt 189.55 day");
        assert_eq!((legs.stop, legs.target), ("190.9".parse().ok(), None));
        for _ in 0..3 {
            assert!(ticket.type_char('\u{8}', at(7)));
        }
        assert_eq!(ticket.command(id), Err("a quantity is missing"));
    }
}
