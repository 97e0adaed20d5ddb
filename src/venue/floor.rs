//! The venue's trading floor: for each instrument its terms, its maker's ladder, and the crowd or the tape that moves it.
//! Turns what they want into operations on the exchange, and what changed into quotes, prints and depth. Customers'
//! orders are handled beside it.
//!
//! On a tape three named rules hold. `print-comes-to-the-book`: after each print, an immediate order of the print's size and
//! price comes to the book from the print's aggressor (from both sides where that is unknown), so a customer's resting
//! limit order fills when the tape trades at its price and its turn in the queue has come, or through it, and stops are
//! elected by the tape's trades. `quotes-stand-on-the-tape`: the maker stands with ten levels on the tape's best bid and ask
//! and follows them; where that meets a customer's order, the order fills at its own price. `customers-do-not-print`: the
//! prints told are the tape's, unchanged; what customers trade was not there and is not among them.

use super::fair::{key, mix};
use super::ladder::{Act, Ladder, Stand};
use super::message::VenueEvent;
use super::participants::Crowd;
use super::tape::{self, Moment};
use super::universe::Listing;
use super::{CROWD_LAG, Venue};
use crate::domain::{InstrumentKind, Money, OrderKind, Price, Quantity, Side, TimeInForce, Timestamp};
use crate::exchange::book::Algorithm;
use crate::exchange::{self, FeeSchedule, ListingNo, Margin, OrderRequest, Settlement, TradeRecord};
use crate::market::{Depth, Level, Print, Quality, Quote};

/// Levels told in a depth event.
const DEPTH: usize = 10;

/// One instrument on the floor.
#[derive(Debug)]
pub(super) struct Pit {
    pub listing: Listing,
    pub number: ListingNo,
    pub ladder: Ladder,
    pub crowd: Option<Crowd>,
    /// Where the tape's best bid and ask stand.
    stand: [Option<(Price, Quantity)>; 2],
    quality: Quality,
    told: Option<Quote>,
    told_depth: u64,
    quoted_at: u64,
    prints: u64,
    /// Set once a contract's last moment has passed.
    pub expired: bool,
    key: u64,
}

impl Pit {
    pub(super) fn new(listing: Listing, number: ListingNo, crowd: Option<Crowd>, seed: u64) -> Self {
        Self {
            key: key(seed, listing.instrument.id.as_str()),
            listing,
            number,
            ladder: Ladder::default(),
            crowd,
            stand: [None; 2],
            quality: Quality::Live,
            told: None,
            told_depth: 0,
            quoted_at: 0,
            prints: 0,
            expired: false,
        }
    }

    /// The size of the maker's n-th level on a tape: seeded by price, so that a level looks the same when it comes back.
    fn level_size(&self, side: Side, n: i64, price: Price) -> Quantity {
        let salt = mix(price.raw().unsigned_abs() ^ u64::from(side == Side::Buy));
        let percent = 40 + i64::try_from(mix(self.key ^ salt) % 120).unwrap_or(0) + n * 15;
        let size = self.listing.size.raw() / 100 * percent;
        self.listing
            .instrument
            .quantity_down(Quantity::from_raw(size))
            .max(self.listing.instrument.lot)
    }

    /// Moves the maker's ladder to where the tape stands.
    fn follow(&mut self, acts: &mut Vec<Act>) {
        let stands = [Side::Buy, Side::Sell].map(|side| {
            self.stand[usize::from(side == Side::Sell)].map(|(edge, size)| {
                let edge = self.listing.instrument.ticks.toward_less_risk(edge, side);
                (
                    Stand { side, edge, gap: 1 },
                    self.listing.instrument.quantity_down(size),
                )
            })
        });
        let ticks = &self.listing.instrument.ticks;
        for (side, stand) in [Side::Buy, Side::Sell].into_iter().zip(&stands) {
            match stand {
                Some((stand, _)) => self.ladder.clear(stand, ticks, acts),
                None => self.ladder.withdraw(side, acts),
            }
        }
        for (stand, first) in stands.iter().flatten() {
            let size = |n: i64| {
                if n == 0 && first.is_positive() {
                    *first
                } else {
                    self.level_size(stand.side, n, stand.edge)
                }
            };
            self.ladder.fill(stand, ticks, size, acts);
        }
    }
}

/// The terms of an instrument, near those of a retail broker: shares at half their value as margin and half a cent a share,
/// coins in full and ten basis points, currencies at a thirtieth and a fifth of a basis point, futures a fixed margin and
/// 2.25 a contract.
pub(super) fn terms(listing: &Listing) -> exchange::Listing {
    let instrument = &listing.instrument;
    let hundredths = |n: i64| Money::from_raw(Money::whole(n).raw() / 100);
    let (margin, settlement, fees) = match instrument.kind {
        InstrumentKind::Equity | InstrumentKind::Index => (
            Margin::Rate { ppm: 500_000 },
            Settlement::Delivery,
            FeeSchedule::per_share(Money::from_raw(hundredths(1).raw() / 2), Money::whole(1)),
        ),
        InstrumentKind::Crypto => (Margin::Cash, Settlement::Delivery, FeeSchedule::basis_points(10)),
        InstrumentKind::Forex => (
            Margin::Rate { ppm: 33_333 },
            Settlement::Difference,
            FeeSchedule {
                per_unit: Money::ZERO,
                ppm: 20,
                minimum: Money::whole(if instrument.currency.minor_decimals() == 0 {
                    200
                } else {
                    2
                }),
            },
        ),
        // The exchange refuses to list options: their terms are never asked for.
        InstrumentKind::Future | InstrumentKind::Option => {
            let initial = match instrument.root.as_ref().map_or("", |root| root.as_str()) {
                "ES" => 13_000,
                "NQ" => 19_000,
                "CL" => 6_500,
                "GC" => 11_000,
                _ => 5_000,
            };
            (
                Margin::PerContract {
                    initial: Money::whole(initial),
                },
                Settlement::Difference,
                FeeSchedule::per_contract(hundredths(225)),
            )
        }
    };
    exchange::Listing {
        instrument: instrument.clone(),
        algorithm: Algorithm::Fifo,
        margin,
        settlement,
        fees,
    }
}

impl Venue {
    /// Lets the crowd of one pit act at `now`.
    pub(super) fn wake_crowd(&mut self, pit: usize, now: Timestamp) {
        let mut acts = std::mem::take(&mut self.acts);
        acts.clear();
        if let Some(Pit {
            crowd: Some(crowd),
            ladder,
            ..
        }) = self.pits.get_mut(pit)
        {
            crowd.act(now, ladder, &mut acts);
        }
        self.perform(pit, &acts, now);
        self.acts = acts;
        self.tell_quote(pit, now);
    }

    /// Crowds that slept far behind `now` go on from there: nobody replays an hour in a second.
    pub(super) fn skip_slept(&mut self, now: Timestamp) {
        let horizon = now.before(CROWD_LAG);
        for crowd in self.pits.iter_mut().filter_map(|pit| pit.crowd.as_mut()) {
            if crowd.next_wake() < horizon {
                crowd.skip_to(now);
            }
        }
    }

    /// Plays one moment of the tape.
    pub(super) fn play(&mut self, moment: &Moment) {
        let (pit, now) = (moment.listing, moment.at);
        match moment.what {
            tape::Happening::Quote { bid, ask, quality } => {
                self.move_stand(pit, [bid, ask], quality, now);
            }
            tape::Happening::Print {
                price,
                size,
                aggressor,
            } => {
                let Some(floor) = self.pits.get_mut(pit) else {
                    return;
                };
                floor.prints += 1;
                let print = Print {
                    instrument: floor.listing.instrument.id,
                    number: floor.prints,
                    at: now,
                    price,
                    size,
                    aggressor,
                };
                self.pending.push(VenueEvent::Print(print));
                let size = floor.listing.instrument.quantity_down(size);
                if size.is_positive() {
                    let sides: &[Side] = match aggressor {
                        Some(Side::Buy) => &[Side::Buy],
                        Some(Side::Sell) => &[Side::Sell],
                        None => &[Side::Buy, Side::Sell],
                    };
                    let ticks = &floor.listing.instrument.ticks;
                    let takes = sides.iter().map(|side| Act::Take {
                        side: *side,
                        price: Some(ticks.toward_less_risk(price, *side)),
                        size,
                    });
                    let takes: Vec<Act> = takes.collect();
                    self.perform(pit, &takes, now);
                    self.follow(pit, now);
                }
            }
        }
        self.tell_quote(pit, now);
    }

    fn move_stand(
        &mut self,
        pit: usize,
        sides: [Option<(Price, Quantity)>; 2],
        quality: Quality,
        now: Timestamp,
    ) {
        let mut acts = Vec::new();
        if let Some(pit) = self.pits.get_mut(pit) {
            pit.quality = quality;
            for (at, side) in [Side::Buy, Side::Sell].into_iter().enumerate() {
                // The recorded size of the best level is the size that stands there.
                let resized = match (pit.stand[at], sides[at]) {
                    (Some(old), Some(new)) => old.0 == new.0 && old.1 != new.1 && new.1.is_positive(),
                    _ => false,
                };
                if let (true, Some((price, _))) = (resized, sides[at]) {
                    let price = pit.listing.instrument.ticks.toward_less_risk(price, side);
                    pit.ladder.lift(side, price, &mut acts);
                }
            }
            pit.stand = sides;
        }
        self.perform(pit, &acts, now);
        self.follow(pit, now);
    }

    fn follow(&mut self, pit: usize, now: Timestamp) {
        let mut acts = std::mem::take(&mut self.acts);
        acts.clear();
        if let Some(pit) = self.pits.get_mut(pit) {
            pit.follow(&mut acts);
        }
        self.perform(pit, &acts, now);
        self.acts = acts;
    }

    /// Does what participants want. What the exchange refuses (a book that is full) does not happen.
    pub(super) fn perform(&mut self, pit: usize, acts: &[Act], now: Timestamp) {
        let Some(number) = self.pits.get(pit).map(|pit| pit.number) else {
            return;
        };
        for act in acts {
            match *act {
                Act::Cancel { order } => {
                    // A quote that filled in the meantime is refused, and gone as well.
                    let _ = self.exchange.cancel(now, self.maker, order, &mut self.outbox);
                }
                Act::Quote { side, price, size } => {
                    let request = request(side, OrderKind::Limit { price }, TimeInForce::Gtc, size);
                    let placed = self
                        .exchange
                        .place(now, self.maker, number, &request, &mut self.outbox);
                    if let (Ok(order), Some(pit)) = (placed, self.pits.get_mut(pit)) {
                        pit.ladder.add(order, side, price);
                    }
                }
                Act::Take { side, price, size } => {
                    let kind = price.map_or(OrderKind::Market, |price| OrderKind::Limit { price });
                    let request = request(side, kind, TimeInForce::Ioc, size);
                    let _ = self
                        .exchange
                        .place(now, self.taker, number, &request, &mut self.outbox);
                }
            }
            self.absorb(now, None);
        }
    }

    /// A trade on the book becomes a print, except on a tape.
    pub(super) fn print(&mut self, trade: &TradeRecord) {
        if self.tape.is_some() {
            return;
        }
        let Some(pit) = self.pit_of(trade.listing).and_then(|pit| self.pits.get_mut(pit)) else {
            return;
        };
        pit.prints += 1;
        self.pending.push(VenueEvent::Print(Print {
            instrument: pit.listing.instrument.id,
            number: pit.prints,
            at: trade.at,
            price: trade.price,
            size: trade.quantity,
            aggressor: Some(trade.aggressor),
        }));
    }

    /// The pit of a listing: both are numbered alike.
    pub(super) fn pit_of(&self, listing: ListingNo) -> Option<usize> {
        self.by_listing.get(&listing).copied()
    }

    /// Tells the best bid and ask where they changed.
    pub(super) fn tell_quote(&mut self, pit: usize, now: Timestamp) {
        let Some(pit) = self.pits.get_mut(pit) else {
            return;
        };
        let revision = self.exchange.revision(pit.number);
        if revision == pit.quoted_at {
            return;
        }
        pit.quoted_at = revision;
        let best = self.exchange.bbo(pit.number);
        let side = |level: Option<exchange::DepthLevel>| level.map(|level| (level.price, level.quantity));
        let quote = Quote {
            instrument: pit.listing.instrument.id,
            bid: side(best.bid),
            ask: side(best.ask),
            at: now,
            quality: pit.quality,
        };
        let same = pit
            .told
            .is_some_and(|told| (told.bid, told.ask, told.quality) == (quote.bid, quote.ask, quote.quality));
        let empty = pit.told.is_none() && quote.bid.is_none() && quote.ask.is_none();
        if !same && !empty {
            pit.told = Some(quote);
            self.pending.push(VenueEvent::Quote(quote));
        }
    }

    /// Tells quotes and depth of every book that changed since they were last told.
    pub(super) fn tell_books(&mut self, now: Timestamp) {
        for pit in 0..self.pits.len() {
            self.tell_quote(pit, now);
            let Some(pit) = self.pits.get_mut(pit) else {
                continue;
            };
            let revision = self.exchange.revision(pit.number);
            if revision == pit.told_depth {
                continue;
            }
            pit.told_depth = revision;
            let view = self.exchange.depth(pit.number, DEPTH);
            let side = |levels: Vec<exchange::DepthLevel>| {
                let levels = levels.into_iter().map(|level| Level {
                    price: level.price,
                    size: level.quantity,
                    orders: level.orders,
                });
                levels.collect()
            };
            self.pending.push(VenueEvent::Depth(Depth {
                instrument: pit.listing.instrument.id,
                at: now,
                bids: side(view.bids),
                asks: side(view.asks),
            }));
        }
    }
}

fn request(side: Side, kind: OrderKind, tif: TimeInForce, quantity: Quantity) -> OrderRequest {
    OrderRequest {
        side,
        kind,
        tif,
        quantity,
        display: None,
    }
}
