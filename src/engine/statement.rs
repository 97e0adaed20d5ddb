//! The statement of a trading day: what was traded, what it cost, and what each instrument won, by the day that the
//! instrument's own calendar keeps. As text for people and as CSV for programs. It is made of what the state remembers (a
//! week of executions); what the broker says of the day stands beside it elsewhere.

use super::pnl;
use super::state::State;
use crate::domain::{AccountKey, Currency, Execution, InstrumentId, Money, Price, Quantity, Side, Timestamp};
use crate::market::Market;
use std::collections::BTreeMap;

/// One instrument's day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub instrument: InstrumentId,
    /// Its currency.
    pub currency: Currency,
    /// How often it was traded.
    pub fills: usize,
    /// Bought in all.
    pub bought: Quantity,
    /// Sold in all.
    pub sold: Quantity,
    /// Fees in its currency, so far as they are known.
    pub fees: Money,
    /// Executions whose fee nobody has told, or told in another currency.
    pub fees_unknown: usize,
    /// Realised by average cost since the day began, fees not taken off.
    pub realized: Money,
    /// The day's profit at the mark, fees taken off; nothing where a price is unknown.
    pub day: Option<Money>,
    /// What is held now.
    pub held: Quantity,
    /// What it is valued at.
    pub mark: Option<Price>,
}

/// A trading day of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Whose.
    pub account: AccountKey,
    /// Until when, by the venue's clock.
    pub until: Timestamp,
    /// By instrument: those that were traded or are held.
    pub rows: Vec<Row>,
    /// What was traded, oldest first.
    pub fills: Vec<Execution>,
}

impl Statement {
    /// The day up to `at`, by the venue's clock.
    pub fn of(state: &State, market: &Market, at: Timestamp, account: AccountKey) -> Self {
        let (mut rows, mut fills) = (Vec::new(), Vec::new());
        for ((owner, id), ledger) in &state.ledgers {
            let Some(instrument) = state.instruments.get(id).filter(|_| *owner == account) else {
                continue;
            };
            let Some(began) = pnl::day_began(instrument, at) else {
                continue;
            };
            let today = || ledger.executions.iter().filter(|execution| execution.at >= began);
            if today().next().is_none() && ledger.position.quantity.is_zero() {
                continue;
            }
            let traded = |side| {
                today()
                    .filter(|execution| execution.side == side)
                    .fold(Quantity::ZERO, |sum, execution| {
                        sum.saturating_add(execution.quantity)
                    })
            };
            let known = || {
                today()
                    .filter_map(|execution| execution.fee)
                    .filter(|fee| fee.currency == instrument.currency)
            };
            rows.push(Row {
                instrument: *id,
                currency: instrument.currency,
                fills: today().count(),
                bought: traded(Side::Buy),
                sold: traded(Side::Sell),
                fees: known().fold(Money::ZERO, |sum, fee| sum.saturating_add(fee.amount)),
                fees_unknown: today().count() - known().count(),
                realized: pnl::realized_since(ledger, began),
                day: pnl::day(market, at, instrument, ledger),
                held: ledger.position.quantity,
                mark: market.mark(*id).map(|mark| mark.price),
            });
            fills.extend(today().cloned());
        }
        fills.sort_by_key(|execution| (execution.at, execution.id));
        Self {
            account,
            until: at,
            rows,
            fills,
        }
    }

    /// Fees, realised and the day's profit by currency. A sum with an unknown part is unknown.
    pub fn totals(&self) -> Vec<(Currency, Money, Money, Option<Money>)> {
        let mut sums: BTreeMap<Currency, (Money, Money, Option<Money>)> = BTreeMap::new();
        for row in &self.rows {
            let sum = sums
                .entry(row.currency)
                .or_insert((Money::ZERO, Money::ZERO, Some(Money::ZERO)));
            sum.0 = sum.0.saturating_add(row.fees);
            sum.1 = sum.1.saturating_add(row.realized);
            sum.2 = sum
                .2
                .and_then(|day| row.day.and_then(|part| day.checked_add(part)));
        }
        sums.into_iter()
            .map(|(currency, (fees, realized, day))| (currency, fees, realized, day))
            .collect()
    }

    /// For people, lines of some 75 columns: a terminal of eighty shows them whole.
    pub fn text(&self) -> String {
        let mut text = format!("statement of {} until {}\n\n", self.account, second(self.until));
        text += &format!(
            "{:<8} {:>5} {:>8} {:>8} {:>9} {:>11} {:>11} {:>8}\n",
            "symbol", "fills", "bought", "sold", "fees", "realised", "day P&L", "held"
        );
        for row in &self.rows {
            let places = row.currency.minor_decimals();
            let fees = match row.fees_unknown {
                0 => money(Some(row.fees), places),
                some => format!("{} +{some}?", money(Some(row.fees), places)),
            };
            text += &format!(
                "{:<8} {:>5} {:>8} {:>8} {:>9} {:>11} {:>11} {:>8}\n",
                row.instrument.as_str(),
                row.fills,
                row.bought.to_string(),
                row.sold.to_string(),
                fees,
                money(Some(row.realized), places),
                money(row.day, places),
                row.held.to_string()
            );
        }
        if self.rows.is_empty() {
            text += "nothing was traded and nothing is held\n";
        }
        for (currency, fees, realized, day) in self.totals() {
            let places = currency.minor_decimals();
            text += &format!(
                "{:<8} {:>5} {:>8} {:>8} {:>9} {:>11} {:>11}\n",
                currency.as_str(),
                "",
                "",
                "",
                money(Some(fees), places),
                money(Some(realized), places),
                money(day, places)
            );
        }
        text += "\n";
        for fill in &self.fills {
            let fee = fill.fee.map_or("fee --".to_owned(), |fee| {
                format!(
                    "fee {} {}",
                    money(Some(fee.amount), fee.currency.minor_decimals()),
                    fee.currency.as_str()
                )
            });
            text += &format!(
                "{}  {:<4} {:>8} {:<8} @ {:<10} {fee}\n",
                second(fill.at),
                fill.side.word(),
                fill.quantity.to_string(),
                fill.instrument.as_str(),
                fill.price.to_string()
            );
        }
        text += "\nfees and profit in each instrument's currency; nothing is converted; '--' is not known\n";
        text
    }

    /// For programs (RFC 4180): a line for each fill, each instrument and each currency, told apart by `record`. What is
    /// not known is empty.
    pub fn csv(&self) -> String {
        let mut lines = vec![
            "record,at,account,symbol,side,quantity,price,bought,sold,held,mark,fee,fees_unknown,realised,day_pnl,currency,execution_id,order_id"
                .to_owned(),
        ];
        let account = self.account.to_string();
        for fill in &self.fills {
            let fee = fill.fee.map(|fee| fee.amount.to_string()).unwrap_or_default();
            let currency = fill.fee.map(|fee| fee.currency.as_str().to_owned());
            let order = fill.order.map(|id| id.as_str().to_owned());
            lines.push(record(&[
                "fill",
                &fill.at.to_string(),
                &account,
                fill.instrument.as_str(),
                fill.side.word(),
                &fill.quantity.to_string(),
                &fill.price.to_string(),
                "",
                "",
                "",
                "",
                &fee,
                "",
                "",
                "",
                currency.as_deref().unwrap_or_default(),
                &fill.id.to_string(),
                order.as_deref().unwrap_or_default(),
            ]));
        }
        let until = self.until.to_string();
        for row in &self.rows {
            let places = row.currency.minor_decimals();
            lines.push(record(&[
                "symbol",
                &until,
                &account,
                row.instrument.as_str(),
                "",
                "",
                "",
                &row.bought.to_string(),
                &row.sold.to_string(),
                &row.held.to_string(),
                &row.mark.map(|mark| mark.to_string()).unwrap_or_default(),
                &money(Some(row.fees), places),
                &row.fees_unknown.to_string(),
                &money(Some(row.realized), places),
                &row.day.map_or(String::new(), |day| money(Some(day), places)),
                row.currency.as_str(),
                "",
                "",
            ]));
        }
        for (currency, fees, realized, day) in self.totals() {
            let places = currency.minor_decimals();
            let mut cells = [""; 18];
            let (fees, realized) = (money(Some(fees), places), money(Some(realized), places));
            let day = day.map_or(String::new(), |day| money(Some(day), places));
            (cells[0], cells[1], cells[2]) = ("total", &until, &account);
            (cells[11], cells[13], cells[14]) = (&fees, &realized, &day);
            cells[15] = currency.as_str();
            lines.push(record(&cells));
        }
        lines.push(String::new());
        lines.join("\r\n")
    }
}

/// A moment to the second: what is finer is in the CSV.
fn second(at: Timestamp) -> String {
    at.to_jiff().map_or_else(
        || at.to_string(),
        |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

fn money(amount: Option<Money>, places: u32) -> String {
    amount.map_or("--".to_owned(), |amount| {
        format!("{:.*}", places as usize, amount.round_to(places))
    })
}

/// One line; what would be read as more than one cell, or as a formula by a spreadsheet, is quoted.
fn record(cells: &[&str]) -> String {
    let cell = |text: &&str| {
        let formula = text.starts_with(['=', '@', '+', '\t'])
            || text.starts_with('-') && text.parse::<Money>().is_err();
        let text = if formula {
            format!("'{text}")
        } else {
            (*text).to_owned()
        };
        if text.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text
        }
    };
    cells.iter().map(cell).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::record;

    #[test]
    fn a_cell_stays_one_cell_and_is_no_formula() {
        assert_eq!(
            record(&["a,b", "say \"no\"", "-1.50"]),
            "\"a,b\",\"say \"\"no\"\"\",-1.50"
        );
        assert_eq!(record(&["=1+1", "-x", "@SUM(A1)"]), "'=1+1,'-x,'@SUM(A1)");
    }
}
