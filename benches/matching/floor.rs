//! The whole exchange at work: one share on margin, fifty accounts, fees, settlement and records.

use super::workload::{Kind, Step, Sums, small};
use std::collections::BTreeMap;
use tradewind::domain::{
    CalendarId, Currency, Instrument, InstrumentKind, Money, Multiplier, OrderKind, Price, Quantity, Side,
    TickTable, TimeInForce, Timestamp,
};
use tradewind::exchange::book::{Algorithm, DoneReason};
use tradewind::exchange::{
    Exchange, FeeSchedule, Happening, Listing, ListingNo, Margin, MemberKind, MemberNo, OrderNo,
    OrderRequest, Outbox, Settlement,
};

/// Customers on each side. Buyers and sellers are different accounts, so that nobody meets himself.
pub const CUSTOMERS: usize = 25;
pub const CENT: i64 = 10_000_000;

/// An exchange with one share on margin, fees and all, and what the venue would remember.
pub struct Floor {
    pub exchange: Exchange,
    pub listing: ListingNo,
    pub buyers: Vec<MemberNo>,
    pub sellers: Vec<MemberNo>,
    /// By step: the number its order got, and whose it is.
    pub orders: Vec<(OrderNo, MemberNo)>,
    pub out: Outbox,
}

impl Floor {
    pub fn new(steps: usize) -> Self {
        let mut exchange = Exchange::new("FEES".parse().expect("an account"));
        let listing = exchange.list(share()).expect("a listing");
        let mut join = |name: &str, n: usize| {
            let member = exchange.join(
                format!("{name}{n}").parse().expect("an account"),
                MemberKind::Customer,
            );
            exchange
                .deposit(member, Currency::USD, Money::whole(1_000_000_000_000))
                .expect("a member");
            member
        };
        let buyers = (0..CUSTOMERS).map(|n| join("BUYER", n)).collect();
        let sellers = (0..CUSTOMERS).map(|n| join("SELLER", n)).collect();
        let nobody = (OrderNo(0), exchange.fee_member());
        Self {
            exchange,
            listing,
            buyers,
            sellers,
            orders: vec![nobody; steps],
            out: Outbox::default(),
        }
    }

    #[inline]
    pub fn step(&mut self, step: &Step) {
        self.out.clear();
        let now = Timestamp(i64::from(step.id));
        let at = step.id as usize;
        if step.kind == Kind::Cancel {
            let (order, member) = self.orders[at];
            self.exchange
                .cancel(now, member, order, &mut self.out)
                .expect("the order is alive");
            return;
        }
        let (side, members) = if step.buy {
            (Side::Buy, &self.buyers)
        } else {
            (Side::Sell, &self.sellers)
        };
        let member = members[at % CUSTOMERS];
        let price = Price::from_raw(i64::from(step.price) * CENT);
        let request = OrderRequest {
            side,
            kind: if step.kind == Kind::Market {
                OrderKind::Market
            } else {
                OrderKind::Limit { price }
            },
            tif: TimeInForce::Gtc,
            quantity: Quantity::from_raw(i64::from(step.qty) * Quantity::ONE.raw()),
            display: None,
        };
        let placed = self
            .exchange
            .place(now, member, self.listing, &request, &mut self.out);
        self.orders[at] = (placed.expect("an order with funds"), member);
    }

    pub fn count(&self, sums: &mut Sums) {
        for trade in &self.out.trades {
            let lots = trade.quantity.raw() / Quantity::ONE.raw();
            sums.trade(small(trade.price.raw() / CENT), small(lots));
        }
        let cancelled = self.out.reports.iter().filter(|report| {
            matches!(
                report.what,
                Happening::Done {
                    why: DoneReason::Cancelled,
                    ..
                }
            )
        });
        sums.cancels += cancelled.count() as u64;
    }

    pub fn sums(&self, sums: Sums) -> Sums {
        let bbo = self.exchange.bbo(self.listing);
        let price = |level: Option<Price>| level.map_or(0, |p| u64::from(small(p.raw() / CENT)));
        Sums {
            bid: price(bbo.bid.map(|l| l.price)),
            ask: price(bbo.ask.map(|l| l.price)),
            ..sums
        }
    }
}

pub fn share() -> Listing {
    Listing {
        instrument: Instrument {
            id: "SHARE".parse().expect("an id"),
            name: "A share".into(),
            kind: InstrumentKind::Equity,
            currency: Currency::USD,
            multiplier: Multiplier::ONE,
            ticks: TickTable::uniform(Price::from_raw(CENT)).expect("a tick"),
            lot: Quantity::ONE,
            calendar: CalendarId::Always,
            root: None,
            expires: None,
            broker_ids: BTreeMap::new(),
            option: None,
            sector: None,
            listed_on: None,
        },
        algorithm: Algorithm::Fifo,
        margin: Margin::Rate { ppm: 500_000 },
        settlement: Settlement::Delivery,
        fees: FeeSchedule::per_share("0.005".parse().expect("a rate"), Money::whole(1)),
    }
}
