//! The statement of a trading day: what was traded, what it cost, and what each instrument won, by the day that the
//! instrument's own calendar keeps. As text and as a page for people, as CSV for programs. Today's is made of what the state
//! remembers (a week of executions), another day's of the books as they stood at its end (`store/day.rs`); what the broker
//! says of the day stands beside it elsewhere.

mod day;
mod html;

pub use day::{DAYS_BACK, closes_of, date, has_begun, instruments};

use super::pnl;
use super::state::{Ledger, State};
use crate::domain::{
    AccountKey, CalendarId, Currency, Execution, Instrument, InstrumentId, Money, Price, Quantity, Side,
    Timestamp,
};
use crate::market::Market;
use jiff::civil::Date;
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
        let mut statement = Self::begin(account, at);
        for (instrument, ledger) in books(state, account) {
            if let Some(began) = pnl::day_began(instrument, at) {
                let mark = market.mark(instrument.id).map(|mark| mark.price);
                let day = pnl::day(market, at, instrument, ledger);
                statement.add(instrument, ledger, began, (mark, day));
            }
        }
        statement.sorted()
    }

    /// Another day, from the books as they stood at its end. `closes` knows of an instrument the last price of that day and
    /// of the trading day before it, where there are any. Until the last market's end.
    pub fn of_day(
        books_then: &State,
        date: Date,
        account: AccountKey,
        closes: impl Fn(InstrumentId) -> (Option<Price>, Option<Price>),
    ) -> Self {
        // Where nothing is known of the day, it is the one that ends with that date in New York.
        let end = CalendarId::Always.calendar().day(date).map(|day| day.end);
        let mut statement = Self::begin(account, end.unwrap_or(Timestamp::MIN));
        for (instrument, ledger) in books(books_then, account) {
            let Some(day) = instrument.calendar.calendar().day(date) else {
                continue;
            };
            let (mark, before) = closes(instrument.id);
            let profit = pnl::day_at((mark, before), day.start, instrument, ledger);
            statement.add(instrument, ledger, day.start, (mark, profit));
            statement.until = statement.until.max(day.end);
        }
        statement.sorted()
    }

    fn begin(account: AccountKey, until: Timestamp) -> Self {
        Self {
            account,
            until,
            rows: Vec::new(),
            fills: Vec::new(),
        }
    }

    fn sorted(mut self) -> Self {
        self.fills.sort_by_key(|execution| (execution.at, execution.id));
        self
    }

    /// One instrument, where it was traded since the day began or is held.
    fn add(
        &mut self,
        instrument: &Instrument,
        ledger: &Ledger,
        began: Timestamp,
        (mark, day): (Option<Price>, Option<Money>),
    ) {
        let today = || ledger.executions.iter().filter(|execution| execution.at >= began);
        if today().next().is_none() && ledger.position.quantity.is_zero() {
            return;
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
        self.rows.push(Row {
            instrument: instrument.id,
            currency: instrument.currency,
            fills: today().count(),
            bought: traded(Side::Buy),
            sold: traded(Side::Sell),
            fees: known().fold(Money::ZERO, |sum, fee| sum.saturating_add(fee.amount)),
            fees_unknown: today().count() - known().count(),
            realized: pnl::realized_since(ledger, began),
            day,
            held: ledger.position.quantity,
            mark,
        });
        self.fills.extend(today().cloned());
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

/// What an account has traded or holds, by instrument.
fn books(state: &State, account: AccountKey) -> impl Iterator<Item = (&Instrument, &Ledger)> {
    let own = state
        .ledgers
        .iter()
        .filter(move |((owner, _), _)| *owner == account);
    own.filter_map(|((_, id), ledger)| Some((state.instruments.get(id)?, ledger)))
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
    use super::{Statement, record};
    use crate::domain::{Execution, ExecutionBase, ExecutionId, Side};
    use crate::engine::tests::{Desk, aapl, account, p, q};

    /// A share that was held over night, sold at a gain, on a day with known closes.
    #[test]
    fn another_day_is_counted_from_its_own_closes_and_its_page_is_only_text() {
        let desk = Desk::holding(100);
        let mut books = desk.engine.state().clone();
        let day = books.instruments[&aapl()].calendar.trading_day(desk.now).unwrap();
        let id = |base: &str| ExecutionId {
            base: ExecutionBase::new(base).unwrap(),
            revision: 1,
        };
        let ledger = books.ledgers.get_mut(&(account(), aapl())).unwrap();
        ledger.executions.push(Execution {
            id: id("<b>&1"),
            account: account(),
            order: None,
            broker_order: None,
            instrument: aapl(),
            side: Side::Sell,
            quantity: q(40),
            price: p("103"),
            at: day.open,
            fee: None,
            maker: None,
        });
        ledger
            .position
            .execute(Side::Sell, q(40), p("103"), ledger.multiplier);
        let closes = |_| (Some(p("102")), Some(p("101")));
        let statement = Statement::of_day(&books, day.date, account(), closes);
        let [row] = &statement.rows[..] else {
            panic!("{statement:?}")
        };
        // 40 sold at 3 above what was paid; 100 held over night gained 1 to the close, the 40 sold 1 more than that.
        assert_eq!((row.sold, row.held, row.fees_unknown), (q(40), q(60), 1));
        assert_eq!(row.realized.to_string(), "120");
        assert_eq!(row.day.unwrap().to_string(), "140");
        let unknown = Statement::of_day(&books, day.date, account(), |_| (Some(p("102")), None));
        assert_eq!(
            unknown.rows[0].day, None,
            "without the close before it is not known"
        );
        let page = statement.html();
        assert!(
            page.contains("&lt;b&gt;&amp;1.01") && !page.contains("<b>"),
            "{page}"
        );
        assert!(!page.contains("http"), "nothing is fetched");
        assert!(page.contains("+120.00") && page.contains("+140.00"), "{page}");
    }

    #[test]
    fn a_cell_stays_one_cell_and_is_no_formula() {
        assert_eq!(
            record(&["a,b", "say \"no\"", "-1.50"]),
            "\"a,b\",\"say \"\"no\"\"\",-1.50"
        );
        assert_eq!(record(&["=1+1", "-x", "@SUM(A1)"]), "'=1+1,'-x,'@SUM(A1)");
    }
}
