//! Round trips: from flat to flat, made of the executions that the state remembers. A trip that reverses a position ends one
//! and begins the next. Profit is what came in less what was paid, fees apart; exact, in the instrument's own currency.
//! Pure; who shows them is told elsewhere.

use super::changes::{PositionChange, Step, scaled};
use super::state::{Ledger, State};
use crate::domain::{AccountKey, InstrumentId, Money, Multiplier, Price, Quantity, Side, Timestamp};

/// One round trip, ended or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trip {
    /// Whose.
    pub account: AccountKey,
    /// Of what.
    pub instrument: InstrumentId,
    /// `Buy` for a long, `Sell` for a short.
    pub side: Side,
    /// When it began; nothing where that lies before what is remembered.
    pub opened_at: Option<Timestamp>,
    /// When it ended; nothing for one that is held.
    pub closed_at: Option<Timestamp>,
    /// All that was entered.
    pub entered: Quantity,
    /// All that was left.
    pub left: Quantity,
    /// The average price of what was entered.
    pub entry: Option<Price>,
    /// The average price of what was left.
    pub exit: Option<Price>,
    /// What came in less what was paid; nothing while it is held.
    pub profit: Option<Money>,
    /// Fees so far as they are known.
    pub fees: Money,
    /// How many executions it has.
    pub executions: u32,
}

/// All trips of an account in one instrument, oldest first.
pub fn trips(account: AccountKey, instrument: InstrumentId, ledger: &Ledger) -> Vec<Trip> {
    let mut walk = Walk {
        account,
        instrument,
        multiplier: ledger.multiplier,
        open: None,
        done: Vec::new(),
    };
    let opening = ledger.opening.quantity;
    if let Some(side) = ledger.opening.side() {
        // What was there before counts at its average price.
        let price = ledger.opening.average_price(ledger.multiplier);
        walk.begin(side, None);
        walk.enter(opening.abs(), price);
    }
    for step in ledger.steps() {
        let execution = match step {
            Step::Change(change) => {
                walk.change(change);
                continue;
            }
            Step::Execution(one) if one.quantity.is_positive() => one,
            Step::Execution(_) => continue,
        };
        let fee = execution.fee.map_or(Money::ZERO, |fee| fee.amount);
        walk.take(
            execution.side,
            execution.quantity,
            execution.price,
            fee,
            execution.at,
        );
    }
    let Walk { mut done, open, .. } = walk;
    done.extend(open.map(|open| open.trip));
    done
}

/// All trips of the accounts that `sees` lets through: those that are held first, then the newest.
pub fn all(state: &State, sees: impl Fn(AccountKey) -> bool) -> Vec<Trip> {
    let ledgers = state.ledgers.iter().filter(|((account, _), _)| sees(*account));
    let mut all: Vec<Trip> = ledgers
        .flat_map(|((account, instrument), ledger)| trips(*account, *instrument, ledger))
        .collect();
    all.sort_by_key(|trip| {
        std::cmp::Reverse((
            trip.closed_at.is_none(),
            trip.closed_at,
            trip.opened_at,
            trip.instrument,
        ))
    });
    all
}

struct Open {
    trip: Trip,
    held: Quantity,
    paid: Option<Money>,
    came: Option<Money>,
}

struct Walk {
    account: AccountKey,
    instrument: InstrumentId,
    multiplier: Multiplier,
    open: Option<Open>,
    done: Vec<Trip>,
}

impl Walk {
    fn begin(&mut self, side: Side, at: Option<Timestamp>) {
        self.open = Some(Open {
            trip: Trip {
                account: self.account,
                instrument: self.instrument,
                side,
                opened_at: at,
                closed_at: None,
                entered: Quantity::ZERO,
                left: Quantity::ZERO,
                entry: None,
                exit: None,
                profit: None,
                fees: Money::ZERO,
                executions: 0,
            },
            held: Quantity::ZERO,
            paid: Some(Money::ZERO),
            came: Some(Money::ZERO),
        });
    }
    fn enter(&mut self, quantity: Quantity, price: Option<Price>) {
        let Some(open) = &mut self.open else { return };
        let value = price.and_then(|price| price.notional(quantity, self.multiplier));
        open.held = open.held.saturating_add(quantity);
        open.trip.entered = open.trip.entered.saturating_add(quantity);
        open.paid = open.paid.and_then(|sum| sum.checked_add(value?));
        open.trip.entry = open
            .paid
            .and_then(|sum| sum.per_unit(open.trip.entered, self.multiplier));
    }
    /// What is no trade: a split scales what is held and was entered, the money stays; what comes or goes beside trades is
    /// held more or less.
    fn change(&mut self, change: PositionChange) {
        let Some(open) = &mut self.open else { return };
        match change {
            PositionChange::Scale { new, old } => {
                for quantity in [&mut open.held, &mut open.trip.entered, &mut open.trip.left] {
                    *quantity = scaled(*quantity, new, old).unwrap_or(*quantity);
                }
                let entered = open.trip.entered;
                open.trip.entry = open.paid.and_then(|sum| sum.per_unit(entered, self.multiplier));
            }
            PositionChange::Book { quantity, price } => {
                let toward = open.trip.side.signed(quantity);
                let value = price.map_or(Some(Money::ZERO), |price| {
                    price.notional(toward.abs(), self.multiplier)
                });
                open.held = Quantity::from_raw(open.held.saturating_add(toward).raw().max(0));
                let (sum, count) = if toward.is_negative() {
                    (&mut open.came, &mut open.trip.left)
                } else {
                    (&mut open.paid, &mut open.trip.entered)
                };
                *sum = sum.and_then(|sum| sum.checked_add(value?));
                *count = count.saturating_add(toward.abs());
            }
        }
        if open.held.is_zero()
            && let Some(open) = self.open.take()
        {
            self.end(open, None);
        }
    }

    fn end(&mut self, mut open: Open, at: Option<Timestamp>) {
        open.trip.closed_at = at;
        open.trip.profit = open
            .paid
            .zip(open.came)
            .and_then(|(paid, came)| match open.trip.side {
                Side::Buy => came.checked_sub(paid),
                Side::Sell => paid.checked_sub(came),
            });
        self.done.push(open.trip);
    }

    /// One execution: enters, leaves, or both.
    fn take(&mut self, side: Side, quantity: Quantity, price: Price, fee: Money, at: Timestamp) {
        let mut rest = quantity;
        let mut charged = false;
        if let Some(open) = self.open.as_mut().filter(|open| open.trip.side != side) {
            let leaves = rest.min(open.held);
            let value = price.notional(leaves, self.multiplier);
            open.held = open.held.saturating_sub(leaves);
            open.trip.left = open.trip.left.saturating_add(leaves);
            open.came = open.came.and_then(|sum| sum.checked_add(value?));
            open.trip.exit = open
                .came
                .and_then(|sum| sum.per_unit(open.trip.left, self.multiplier));
            open.trip.fees = open.trip.fees.saturating_add(fee);
            open.trip.executions += 1;
            charged = true;
            rest = rest.saturating_sub(leaves);
            if open.held.is_zero()
                && let Some(open) = self.open.take()
            {
                self.end(open, Some(at));
            }
        }
        if rest.is_zero() {
            return;
        }
        if self.open.is_none() {
            self.begin(side, Some(at));
        }
        self.enter(rest, Some(price));
        if let Some(open) = &mut self.open {
            open.trip.executions += 1;
            if !charged {
                open.trip.fees = open.trip.fees.saturating_add(fee);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reversal_ends_one_trip_and_begins_the_next_and_profit_is_exact() {
        let account = AccountKey {
            broker: "sim".parse().unwrap(),
            account: "SIM100001".parse().unwrap(),
        };
        let mut walk = Walk {
            account,
            instrument: "AAPL".parse().unwrap(),
            multiplier: Multiplier::ONE,
            open: None,
            done: Vec::new(),
        };
        let take = |walk: &mut Walk, side, quantity: &str, price: &str, at| {
            let fee = "1".parse().unwrap();
            walk.take(
                side,
                quantity.parse().unwrap(),
                price.parse().unwrap(),
                fee,
                Timestamp(at),
            );
        };
        take(&mut walk, Side::Buy, "10", "100", 1);
        take(&mut walk, Side::Buy, "10", "101", 2);
        take(&mut walk, Side::Sell, "30", "102.5", 3);
        let long = walk.done[0].clone();
        assert_eq!(
            (long.side, long.entered, long.left),
            (Side::Buy, "20".parse().unwrap(), "20".parse().unwrap())
        );
        assert_eq!(
            (long.entry, long.exit),
            ("100.5".parse().ok(), "102.5".parse().ok())
        );
        assert_eq!(
            (long.profit, long.fees),
            ("40".parse().ok(), "3".parse().unwrap())
        );
        assert_eq!(
            (long.opened_at, long.closed_at),
            (Some(Timestamp(1)), Some(Timestamp(3)))
        );
        let short = &walk.open.as_ref().unwrap().trip;
        assert_eq!(
            (short.side, short.entered, short.profit),
            (Side::Sell, "10".parse().unwrap(), None)
        );
        assert_eq!(short.fees, Money::ZERO);
        take(&mut walk, Side::Buy, "10", "103", 4);
        assert_eq!(walk.done[1].profit, "-5".parse().ok());
        assert!(walk.open.is_none());
    }
}
