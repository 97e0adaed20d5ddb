//! The ways to execute that a ticket can be switched through: which prices each of them has, what they begin with, and the
//! order kind they make. A broker's ticket offers only what that broker can take.

use super::{Field, Purpose, Ticket};
use crate::domain::{Distance, OrderKind, OrderSpec, Price, Side, TimeInForce, Timestamp};
use crate::engine::{Abilities, risk};
use crate::market::Quote;

/// How the drafted order executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// At the best price there is.
    Market,
    /// At a price or better.
    Limit,
    /// At the market, once a trigger is reached.
    Stop,
    /// With a limit, once a trigger is reached.
    StopLimit,
    /// A stop that follows the market.
    Trail,
    /// The same, with a limit behind its trigger.
    TrailLimit,
    /// In the closing auction.
    MarketOnClose,
    /// The same, with a limit.
    LimitOnClose,
    /// Following the middle of the market.
    Midprice,
}

impl Style {
    /// In the order in which a key goes through them.
    pub const ALL: [Self; 9] = [
        Self::Limit,
        Self::Market,
        Self::Stop,
        Self::StopLimit,
        Self::Trail,
        Self::TrailLimit,
        Self::MarketOnClose,
        Self::LimitOnClose,
        Self::Midprice,
    ];

    /// That of an order.
    pub fn of(kind: OrderKind) -> Self {
        match kind {
            OrderKind::Market => Self::Market,
            OrderKind::Limit { .. } => Self::Limit,
            OrderKind::Stop { .. } => Self::Stop,
            OrderKind::StopLimit { .. } => Self::StopLimit,
            OrderKind::Trail { .. } => Self::Trail,
            OrderKind::TrailLimit { .. } => Self::TrailLimit,
            OrderKind::MarketOnClose => Self::MarketOnClose,
            OrderKind::LimitOnClose { .. } => Self::LimitOnClose,
            OrderKind::Midprice { .. } => Self::Midprice,
        }
    }

    /// The prices it has, the one that is set first at the front.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Market | Self::MarketOnClose => &[],
            Self::Limit | Self::LimitOnClose | Self::Midprice => &[Field::Price],
            Self::Stop => &[Field::Trigger],
            Self::StopLimit => &[Field::Trigger, Field::Price],
            Self::Trail => &[Field::Distance],
            Self::TrailLimit => &[Field::Distance, Field::Offset],
        }
    }

    /// Any order of this style: what a broker is asked about.
    fn example(self) -> OrderKind {
        let (price, trigger) = (Price::ZERO, Price::ZERO);
        let distance = Distance::Percent { hundredths: 100 };
        match self {
            Self::Market => OrderKind::Market,
            Self::Limit => OrderKind::Limit { price },
            Self::Stop => OrderKind::Stop { trigger },
            Self::StopLimit => OrderKind::StopLimit { trigger, price },
            Self::Trail => OrderKind::Trail {
                trigger: None,
                distance,
            },
            Self::TrailLimit => OrderKind::TrailLimit {
                trigger: None,
                distance,
                offset: price,
            },
            Self::MarketOnClose => OrderKind::MarketOnClose,
            Self::LimitOnClose => OrderKind::LimitOnClose { price },
            Self::Midprice => OrderKind::Midprice { cap: None },
        }
    }

    /// The next one that a broker of these abilities can take.
    fn next(self, abilities: Abilities) -> Self {
        let here = Self::ALL.iter().position(|style| *style == self).unwrap_or(0);
        let rest = Self::ALL.iter().cycle().skip(here + 1).take(Self::ALL.len());
        let mut taken = rest.filter(|style| abilities.takes_kind(style.example()));
        taken.next().copied().unwrap_or(self)
    }
}

impl Ticket {
    /// What the account's broker can take.
    fn abilities(&self) -> Abilities {
        Abilities::of(self.account.broker)
    }

    /// The next way to execute that the broker can take, for a new order.
    pub fn next_style(&mut self, quote: Option<&Quote>, now: Timestamp) {
        if self.purpose == Purpose::New {
            self.begin(self.style.next(self.abilities()), quote, now);
        }
    }

    /// Limit or market, for a new order.
    pub fn toggle_market(&mut self, quote: Option<&Quote>, now: Timestamp) {
        let style = match self.style {
            Style::Limit => Style::Market,
            _ => Style::Limit,
        };
        if self.purpose == Purpose::New {
            self.begin(style, quote, now);
        }
    }

    /// Outside the regular session too, or not. False where the broker has no such hours.
    pub fn toggle_outside(&mut self, now: Timestamp) -> bool {
        if self.purpose == Purpose::New && self.abilities().outside_hours {
            self.outside = !self.outside;
            self.seen_at = now;
        }
        self.abilities().outside_hours
    }

    /// The next time in force that the broker can take and that goes with the order, for a new order.
    pub fn next_tif(&mut self, now: Timestamp) {
        if self.purpose != Purpose::New {
            return;
        }
        self.settle(now);
        let mut all = vec![TimeInForce::Day, TimeInForce::Gtc];
        all.extend(self.first_until(now));
        all.extend([TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Opg]);
        let here = all
            .iter()
            .position(|tif| tif.word() == self.tif.word())
            .unwrap_or(0);
        let mut rest = all.iter().copied().cycle().skip(here + 1).take(all.len());
        self.tif = rest.find(|tif| self.goes_with(*tif)).unwrap_or(TimeInForce::Day);
        if self.has_date() {
            self.field = Field::Until;
        } else if self.field == Field::Until {
            self.field = self.style.fields().first().copied().unwrap_or(Field::Quantity);
        }
        self.seen_at = now;
    }

    fn goes_with(&self, tif: TimeInForce) -> bool {
        let kind = self.style.example();
        let spec = OrderSpec {
            tif,
            ..self.spec(kind)
        };
        self.abilities().takes_tif(tif) && risk::shape(&spec).is_ok()
    }

    /// Switches to `style`: prices it lacks go, those it has not yet begin near the market.
    fn begin(&mut self, style: Style, quote: Option<&Quote>, now: Timestamp) {
        self.settle(now);
        let fields = style.fields();
        let has = |field| fields.contains(&field);
        let anchor = self.touch(quote);
        self.style = style;
        self.trigger = anchor
            .filter(|_| has(Field::Trigger))
            .map(|anchor| self.one_in_a_hundred(anchor, self.side == Side::Sell));
        self.price = match style {
            Style::Midprice => None,
            Style::StopLimit => self.trigger,
            _ => anchor.filter(|_| has(Field::Price)),
        };
        self.distance = has(Field::Distance).then(|| self.first_distance(anchor));
        self.offset = self
            .distance
            .filter(|_| has(Field::Offset))
            .map(|distance| self.first_offset(distance, anchor));
        self.field = fields.first().copied().unwrap_or(Field::Quantity);
        if !self.goes_with(self.tif) {
            self.tif = TimeInForce::Day;
        }
        self.outside &= !matches!(
            style,
            Style::MarketOnClose | Style::LimitOnClose | Style::Midprice
        );
        self.seen_at = now;
    }

    /// A price one part in a hundred below `anchor`, or above it, on a tick.
    pub(super) fn one_in_a_hundred(&self, anchor: Price, below: bool) -> Price {
        let away = anchor.raw() / 100;
        let raw = if below {
            anchor.raw().saturating_sub(away)
        } else {
            anchor.raw().saturating_add(away)
        };
        self.instrument
            .ticks
            .toward_less_risk(Price::from_raw(raw), self.side)
    }

    /// One part in a hundred of the market in whole ticks, or one per cent where there is no market.
    fn first_distance(&self, anchor: Option<Price>) -> Distance {
        let Some(anchor) = anchor.filter(|anchor| *anchor > Price::ZERO) else {
            return Distance::Percent { hundredths: 100 };
        };
        let amount = self.in_ticks(anchor.raw() / 100, Some(anchor));
        Distance::Amount { amount }
    }

    /// A tenth of the distance in whole ticks.
    fn first_offset(&self, distance: Distance, anchor: Option<Price>) -> Price {
        let away = anchor.and_then(|anchor| distance.from_mark(anchor));
        self.in_ticks(away.map_or(0, |away| away.raw() / 10), anchor)
    }

    /// `raw` in whole ticks, at least one.
    fn in_ticks(&self, raw: i64, anchor: Option<Price>) -> Price {
        let ticks = &self.instrument.ticks;
        let tick = anchor
            .map_or(ticks.finest(), |anchor| ticks.tick_at(anchor))
            .raw();
        Price::from_raw(raw.saturating_sub(raw.rem_euclid(tick.max(1))).max(tick))
    }

    /// The distance by so many steps: ticks of an amount, tenths of one per cent. Never below one of them.
    pub(super) fn step_distance(&mut self, steps: i64, quote: Option<&Quote>) {
        let anchor = self.touch(quote);
        self.distance = Some(match self.distance {
            None => self.first_distance(anchor),
            Some(Distance::Amount { amount }) => {
                let tick = self.in_ticks(0, anchor).raw();
                let raw = amount.raw().saturating_add(steps.saturating_mul(tick));
                Distance::Amount {
                    amount: Price::from_raw(raw.max(tick)),
                }
            }
            Some(Distance::Percent { hundredths }) => {
                let stepped = i64::from(hundredths).saturating_add(steps.saturating_mul(10));
                Distance::Percent {
                    hundredths: u32::try_from(stepped.clamp(10, 9_990)).unwrap_or(100),
                }
            }
        });
    }

    /// The offset by so many ticks, never below zero.
    pub(super) fn step_offset(&mut self, steps: i64, quote: Option<&Quote>) {
        let tick = self.in_ticks(0, self.touch(quote)).raw();
        let old = self.offset.map_or(0, Price::raw);
        let raw = old.saturating_add(steps.saturating_mul(tick)).max(0);
        self.offset = Some(Price::from_raw(raw));
    }

    /// The order kind of the draft. In words what is missing, where something is.
    pub(super) fn kind(&self) -> Result<OrderKind, &'static str> {
        let price = || self.price.ok_or("a limit price is missing");
        let trigger = || self.trigger.ok_or("a trigger price is missing");
        let distance = || self.distance.ok_or("how far it trails is missing");
        Ok(match self.style {
            Style::Market => OrderKind::Market,
            Style::Limit => OrderKind::Limit { price: price()? },
            Style::Stop => OrderKind::Stop { trigger: trigger()? },
            Style::StopLimit => OrderKind::StopLimit {
                trigger: trigger()?,
                price: price()?,
            },
            // Where the trigger of a new order begins is the broker's to say.
            Style::Trail => OrderKind::Trail {
                trigger: None,
                distance: distance()?,
            },
            Style::TrailLimit => OrderKind::TrailLimit {
                trigger: None,
                distance: distance()?,
                offset: self
                    .offset
                    .ok_or("how far the limit lies beyond the trigger is missing")?,
            },
            Style::MarketOnClose => OrderKind::MarketOnClose,
            Style::LimitOnClose => OrderKind::LimitOnClose { price: price()? },
            Style::Midprice => OrderKind::Midprice { cap: self.price },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;
    use crate::domain::{AccountKey, BrokerId, ClientOrderId, Quantity};
    use crate::engine::Command;

    fn ticket(broker: &str) -> (Ticket, Quote) {
        let quote = sample::quote("AAPL", "189.51", "189.53");
        let account = AccountKey {
            broker: BrokerId::new(broker).unwrap(),
            ..sample::account()
        };
        let instrument = sample::instrument("AAPL");
        let quantity = Quantity::whole(100).unwrap();
        let of = (account, &instrument);
        let ticket = Ticket::new(of, Side::Sell, quantity, false, Some(&quote), sample::now());
        (ticket, quote)
    }

    fn said(ticket: &Ticket) -> String {
        match ticket.command(ClientOrderId::new("TW1").unwrap()) {
            Ok(Command::Submit { spec, .. }) => spec.to_string(),
            other => format!("{other:?}"),
        }
    }

    /// Every style and life that `broker`'s ticket can be switched to, as orders.
    fn offered(broker: &str) -> Vec<String> {
        let (mut ticket, quote) = ticket(broker);
        let mut all = Vec::new();
        for _ in Style::ALL {
            let first = ticket.tif;
            loop {
                let order = said(&ticket);
                if !all.contains(&order) {
                    all.push(order);
                }
                ticket.next_tif(sample::now());
                if ticket.tif == first {
                    break;
                }
            }
            ticket.next_style(Some(&quote), sample::now());
        }
        all
    }

    #[test]
    fn a_ticket_offers_what_its_broker_takes_and_nothing_else() {
        let here = offered("sim");
        assert_eq!(here.len(), 5 + 5 + 3 + 3, "{here:?}");
        assert!(
            here.contains(&"SELL 100 AAPL stp 187.64 gtc".to_owned()),
            "{here:?}"
        );
        let there = offered("ibkr");
        for order in [
            "SELL 100 AAPL mkt opg",
            "SELL 100 AAPL trail 1.89 gtc",
            "SELL 100 AAPL trail 1.89 lmt 0.18 day",
            "SELL 100 AAPL moc day",
            "SELL 100 AAPL loc 189.53 day",
            "SELL 100 AAPL mid day",
        ] {
            assert!(there.contains(&order.to_owned()), "{order} in {there:?}");
        }
        assert_eq!(there.len(), 6 + 6 + 3 + 3 + 3 + 3 + 1 + 1 + 1, "{there:?}");
        let (mut ticket, _) = ticket("sim");
        assert!(!ticket.toggle_outside(sample::now()) && !ticket.outside);
    }

    #[test]
    fn a_trailing_draft_says_exactly_what_was_typed() {
        let (mut ticket, quote) = ticket("ibkr");
        while ticket.style != Style::TrailLimit {
            ticket.next_style(Some(&quote), sample::now());
        }
        assert!(ticket.toggle_outside(sample::now()));
        assert_eq!(ticket.field, Field::Distance);
        for c in "2.5%".chars() {
            assert!(ticket.type_char(c, sample::now()));
        }
        ticket.next_field(true, sample::now());
        assert_eq!(ticket.field, Field::Offset);
        assert!(
            !ticket.type_char('%', sample::now()),
            "an offset is a difference of prices"
        );
        ticket.step_price(2, Some(&quote), sample::now());
        assert_eq!(said(&ticket), "SELL 100 AAPL trail 2.5% lmt 0.20 day outside");
        // Half a number is no distance: nothing is sent that was not read.
        ticket.next_field(false, sample::now());
        for c in "2%5".chars() {
            ticket.type_char(c, sample::now());
        }
        assert!(
            said(&ticket).contains("how far it trails is missing"),
            "{}",
            said(&ticket)
        );
    }

    #[test]
    fn without_a_market_nothing_is_made_up() {
        let (mut ticket, _) = ticket("ibkr");
        ticket.begin(Style::Limit, None, sample::now());
        assert!(said(&ticket).contains("a limit price is missing"));
        ticket.begin(Style::Stop, None, sample::now());
        assert!(said(&ticket).contains("a trigger price is missing"));
        ticket.begin(Style::Trail, None, sample::now());
        assert_eq!(said(&ticket), "SELL 100 AAPL trail 1% day");
    }
}
