//! Positions by average cost: what is held, what it cost, and what was realised. Moves by executions only; the caller
//! keeps them in order and re-folds after a correction, so nothing here ever has to be undone.

use super::number::{Money, Multiplier, Price, Quantity};
use super::order::Side;
use serde::{Deserialize, Serialize};

/// A position of one account in one instrument, all money in the instrument's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// What is held; negative is short.
    pub quantity: Quantity,
    /// What it cost, multiplier included; negative for a short, whose sale brought money in.
    pub cost: Money,
    /// Profit of what was closed, fees not taken off.
    pub realized: Money,
    /// Fees that are known and were charged in the instrument's currency.
    pub fees: Money,
}

impl Position {
    /// Books one execution. What closes realises against average cost; what crosses zero closes all of the old
    /// position and opens the rest at the execution's price.
    pub fn execute(&mut self, side: Side, quantity: Quantity, price: Price, multiplier: Multiplier) {
        let change = side.signed(quantity);
        let closes = self.quantity.raw().signum() * change.raw().signum() < 0;
        let closed = if closes {
            Quantity::from_raw(quantity.raw().min(self.quantity.abs().raw()))
        } else {
            Quantity::ZERO
        };
        if !closed.is_zero() {
            let basis = self.cost.share(closed, self.quantity.abs());
            let proceeds = value(price, side.opposite().signed(closed), multiplier);
            self.realized = self.realized.saturating_add(proceeds.saturating_sub(basis));
            self.cost = self.cost.saturating_sub(basis);
        }
        let opened = quantity.saturating_sub(closed);
        self.cost = self
            .cost
            .saturating_add(value(price, side.signed(opened), multiplier));
        self.quantity = self.quantity.saturating_add(change);
        if self.quantity.is_zero() {
            self.cost = Money::ZERO;
        }
    }
    /// Average price of what is held; nothing when flat.
    pub fn average_price(&self, multiplier: Multiplier) -> Option<Price> {
        self.cost.per_unit(self.quantity, multiplier)
    }
    /// Profit of what is held at `mark`; nothing where it does not fit.
    pub fn unrealized(&self, mark: Price, multiplier: Multiplier) -> Option<Money> {
        mark.notional(self.quantity, multiplier)?.checked_sub(self.cost)
    }
    /// Long or short?
    pub fn side(&self) -> Option<Side> {
        match self.quantity.raw().signum() {
            1 => Some(Side::Buy),
            -1 => Some(Side::Sell),
            _ => None,
        }
    }
}

/// Value of a signed quantity, held at the ends of the range (a fold cannot fail; no checked order comes near them).
fn value(price: Price, quantity: Quantity, multiplier: Multiplier) -> Money {
    price
        .notional(quantity, multiplier)
        .unwrap_or(Money::from_raw(if quantity.is_negative() {
            i128::MIN
        } else {
            i128::MAX
        }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fold(trades: &[(Side, i64, &str)], multiplier: Multiplier) -> Position {
        let mut position = Position::default();
        for (side, quantity, price) in trades {
            position.execute(
                *side,
                Quantity::whole(*quantity).unwrap(),
                price.parse().unwrap(),
                multiplier,
            );
        }
        position
    }

    #[test]
    fn long_short_and_crossing_zero() {
        use Side::{Buy, Sell};
        let long = fold(
            &[(Buy, 100, "10"), (Buy, 100, "12"), (Sell, 50, "13")],
            Multiplier::ONE,
        );
        assert_eq!(long.average_price(Multiplier::ONE).unwrap().to_string(), "11");
        assert_eq!(long.realized.to_string(), "100");
        let crossed = fold(&[(Buy, 100, "10"), (Sell, 150, "9")], Multiplier::ONE);
        assert_eq!(
            (crossed.quantity, crossed.realized.to_string()),
            (Quantity::whole(-50).unwrap(), "-100".into())
        );
        assert_eq!(crossed.average_price(Multiplier::ONE).unwrap().to_string(), "9");
        let covered = fold(
            &[(Buy, 100, "10"), (Sell, 150, "9"), (Buy, 50, "8.50")],
            Multiplier::ONE,
        );
        assert_eq!(
            (covered.quantity, covered.cost, covered.realized.to_string()),
            (Quantity::ZERO, Money::ZERO, "-75".into())
        );
        let es = Multiplier::whole(50).unwrap();
        let futures = fold(&[(Sell, 2, "5000.25"), (Buy, 1, "4990.25")], es);
        assert_eq!(futures.realized.to_string(), "500");
        assert_eq!(
            futures
                .unrealized("4995.25".parse().unwrap(), es)
                .unwrap()
                .to_string(),
            "250"
        );
    }

    proptest! {
        /// Money cannot appear: realised plus unrealised equals the cash of all trades plus the value of what is held.
        #[test]
        fn profit_equals_cash_flow_plus_value(trades in prop::collection::vec((any::<bool>(), 1i64..1000, 1i64..100_000), 1..40), mark in 1i64..100_000) {
            let multiplier = Multiplier::whole(5).unwrap();
            let (mut position, mut cash) = (Position::default(), Money::ZERO);
            for (buy, quantity, cents) in trades {
                let side = if buy { Side::Buy } else { Side::Sell };
                let (quantity, price) = (Quantity::whole(quantity).unwrap(), Price::from_raw(cents * 10_000_000));
                position.execute(side, quantity, price, multiplier);
                cash = cash.saturating_sub(price.notional(side.signed(quantity), multiplier).unwrap());
            }
            let mark = Price::from_raw(mark * 10_000_000);
            let total = position.realized.saturating_add(position.unrealized(mark, multiplier).unwrap());
            let expected = cash.saturating_add(mark.notional(position.quantity, multiplier).unwrap());
            prop_assert_eq!(total, expected);
        }
    }
}
