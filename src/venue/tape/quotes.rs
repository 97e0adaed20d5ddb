//! Where the best bid and ask of a tape come from, by one of four named rules:
//!
//! - `as-quoted`: the tape's own quotes, one bid and ask for the whole market.
//! - `nbbo-by-exchange`: each row sets one exchange's side; the best over all exchanges is the market. A side of another
//!   exchange that would cross the newest one is passed over: it is stale.
//! - `tick-around-last`: a tape without quotes. A print on an uptick trades at the ask, one on a downtick at the bid, an
//!   unchanged price keeps its predecessor's direction (the first print is an uptick); the other side is one tick away.
//! - `midpoint-prints`: a tape without trades, as currencies have it. Each new midpoint, rounded down to a tick, is a print
//!   of one lot, so that there are bars and stops.

use super::record::Quotes;
use crate::domain::{Price, Side, TickTable};
use std::collections::BTreeMap;

/// The best bid and ask of one instrument over all exchanges.
#[derive(Clone, Debug, Default)]
pub(super) struct Nbbo {
    exchanges: BTreeMap<u8, Quotes>,
}

impl Nbbo {
    /// Takes one row in and says what is best now.
    pub(super) fn update(&mut self, exchange: u8, row: Quotes) -> Quotes {
        let own = self.exchanges.entry(exchange).or_default();
        own.bid = row.bid.or(own.bid);
        own.ask = row.ask.or(own.ask);
        // The newest side stands; what contradicts it is older.
        let (floor, ceiling) = (row.bid.map(|side| side.0), row.ask.map(|side| side.0));
        let own = *own;
        let mut best = own;
        if let (Some(bid), Some(ask)) = (own.bid, own.ask)
            && bid.0 >= ask.0
        {
            best = row;
        }
        for quotes in self.exchanges.values() {
            if let Some(bid) = quotes.bid
                && ceiling.is_none_or(|ceiling| bid.0 < ceiling)
                && best.ask.is_none_or(|ask| bid.0 < ask.0)
                && best.bid.is_none_or(|best| bid.0 > best.0)
            {
                best.bid = Some(bid);
            }
            if let Some(ask) = quotes.ask
                && floor.is_none_or(|floor| ask.0 > floor)
                && best.bid.is_none_or(|bid| ask.0 > bid.0)
                && best.ask.is_none_or(|best| ask.0 < best.0)
            {
                best.ask = Some(ask);
            }
        }
        best
    }
}

/// The rule `tick-around-last`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TickAroundLast {
    last: Option<(Price, Side)>,
}

impl TickAroundLast {
    /// Takes a print in; says which side came to the other, and the bid and ask that follow. Prices between two ticks
    /// are taken to the tick inside which they lie.
    pub fn print(&mut self, price: Price, ticks: &TickTable) -> (Side, Price, Price) {
        let aggressor = match self.last {
            Some((last, _)) if price > last => Side::Buy,
            Some((last, _)) if price < last => Side::Sell,
            Some((_, direction)) => direction,
            None => Side::Buy,
        };
        self.last = Some((price, aggressor));
        let (down, up) = (
            ticks.toward_less_risk(price, Side::Buy),
            ticks.toward_less_risk(price, Side::Sell),
        );
        let (bid, ask) = match aggressor {
            _ if down < up => (down, up),
            Side::Buy => (ticks.step(up, -1), up),
            Side::Sell => (down, ticks.step(down, 1)),
        };
        (aggressor, bid, ask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Quantity;

    fn p(text: &str) -> Price {
        text.parse().unwrap()
    }

    fn bid(price: &str) -> Quotes {
        Quotes {
            bid: Some((p(price), Quantity::ONE)),
            ask: None,
        }
    }

    fn ask(price: &str) -> Quotes {
        Quotes {
            bid: None,
            ask: Some((p(price), Quantity::ONE)),
        }
    }

    #[test]
    fn a_print_trades_at_the_ask_on_an_uptick_and_at_the_bid_on_a_downtick() {
        let ticks = TickTable::uniform(p("0.01")).unwrap();
        let mut rule = TickAroundLast::default();
        assert_eq!(rule.print(p("10"), &ticks), (Side::Buy, p("9.99"), p("10")));
        assert_eq!(rule.print(p("9.99"), &ticks), (Side::Sell, p("9.99"), p("10")));
        assert_eq!(rule.print(p("9.99"), &ticks), (Side::Sell, p("9.99"), p("10")));
        assert_eq!(
            rule.print(p("9.9950"), &ticks),
            (Side::Buy, p("9.99"), p("10")),
            "between two ticks"
        );
    }

    #[test]
    fn the_best_of_all_exchanges_and_never_crossed() {
        let mut nbbo = Nbbo::default();
        nbbo.update(b'P', bid("10"));
        nbbo.update(b'P', ask("10.05"));
        let best = nbbo.update(b'Q', bid("10.01"));
        assert_eq!(
            (best.bid.unwrap().0, best.ask.unwrap().0),
            (p("10.01"), p("10.05"))
        );
        let best = nbbo.update(b'N', ask("10"));
        assert_eq!(best.ask.unwrap().0, p("10"));
        assert!(best.bid.is_none(), "both bids are at or above the new ask: stale");
        let best = nbbo.update(b'N', ask("10.03"));
        assert_eq!(
            (best.bid.unwrap().0, best.ask.unwrap().0),
            (p("10.01"), p("10.03"))
        );
    }
}
