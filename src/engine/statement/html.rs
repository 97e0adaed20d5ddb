//! A statement as one page that stands by itself: nothing is fetched, it prints on paper, and every text in it is text.

use super::{Statement, money, second};
use crate::domain::Money;

/// Looks on a screen and on paper; the page asks no address for anything.
const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:14px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.25rem;margin:0 0 .25rem}h2{font-size:1rem;margin:1.5rem 0 .5rem}p{margin:.25rem 0;opacity:.75}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
th,td{padding:.25rem .5rem;text-align:right;border-bottom:1px solid #8884}th{font-weight:600;opacity:.75}\
th:first-child,td:first-child,.l{text-align:left}tfoot td{font-weight:600;border-top:2px solid #8888}\
@media print{:root{color-scheme:light}body{margin:0;max-width:none;font-size:10pt}\
thead{display:table-header-group}tr{break-inside:avoid}@page{margin:15mm}}";

impl Statement {
    /// As a page of HTML.
    pub fn html(&self) -> String {
        let title = format!("Statement of {} until {}", self.account, second(self.until));
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
             <p>Fees and profit in each instrument's currency; nothing is converted; -- is not known.</p>\n\
             {}{}</body>\n</html>\n",
            self.symbols(),
            self.trades(),
            title = text(&title)
        )
    }

    fn symbols(&self) -> String {
        if self.rows.is_empty() {
            return "<p>Nothing was traded and nothing is held.</p>\n".to_owned();
        }
        let head = [
            "symbol", "fills", "bought", "sold", "fees", "realised", "day P&L", "held", "mark", "",
        ];
        let mut page = format!("<h2>By symbol</h2>\n<table>\n{}<tbody>\n", header(&head));
        for row in &self.rows {
            let places = row.currency.minor_decimals();
            let unknown = match row.fees_unknown {
                0 => String::new(),
                some => format!(" +{some}?"),
            };
            page += &line(&[
                row.instrument.to_string(),
                row.fills.to_string(),
                row.bought.to_string(),
                row.sold.to_string(),
                format!("{}{unknown}", money(Some(row.fees), places)),
                signed(Some(row.realized), places),
                signed(row.day, places),
                row.held.to_string(),
                row.mark.map_or("--".to_owned(), |mark| mark.to_string()),
                row.currency.to_string(),
            ]);
        }
        page += "</tbody>\n<tfoot>\n";
        for (currency, fees, realized, day) in self.totals() {
            let places = currency.minor_decimals();
            let none = String::new;
            page += &line(&[
                "all".to_owned(),
                none(),
                none(),
                none(),
                money(Some(fees), places),
                signed(Some(realized), places),
                signed(day, places),
                none(),
                none(),
                currency.to_string(),
            ]);
        }
        page + "</tfoot>\n</table>\n"
    }

    fn trades(&self) -> String {
        if self.fills.is_empty() {
            return String::new();
        }
        let head = [
            "time (UTC)",
            "side",
            "quantity",
            "symbol",
            "price",
            "fee",
            "execution",
        ];
        let mut page = format!("<h2>Trades</h2>\n<table>\n{}<tbody>\n", header(&head));
        for fill in &self.fills {
            let fee = fill.fee.map_or("--".to_owned(), |fee| {
                let amount = money(Some(fee.amount), fee.currency.minor_decimals());
                format!("{amount} {}", fee.currency)
            });
            page += &line(&[
                second(fill.at),
                fill.side.word().to_owned(),
                fill.quantity.to_string(),
                fill.instrument.to_string(),
                fill.price.to_string(),
                fee,
                fill.id.to_string(),
            ]);
        }
        page + "</tbody>\n</table>\n"
    }
}

/// A result with its sign, so that no colour has to say it.
fn signed(amount: Option<Money>, places: u32) -> String {
    let plus = amount.is_some_and(|amount| amount > Money::ZERO);
    format!("{}{}", if plus { "+" } else { "" }, money(amount, places))
}

fn header(cells: &[&str]) -> String {
    let cells: String = cells
        .iter()
        .map(|cell| format!("<th>{}</th>", text(cell)))
        .collect();
    format!("<thead><tr>{cells}</tr></thead>\n")
}

fn line(cells: &[String]) -> String {
    let cells: String = cells
        .iter()
        .map(|cell| format!("<td>{}</td>", text(cell)))
        .collect();
    format!("<tr>{cells}</tr>\n")
}

/// Text as text, whatever is in it.
fn text(raw: &str) -> String {
    raw.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
