//! `tradewind risk`: an account's exposure, margin, value at risk, stress and what moves together.

use super::{Result, Shell, ShellError, cell, choose_account, market, rows, table};
use crate::app::paths::Paths;
use crate::domain::Timestamp;
use crate::engine::figures::{self, Days, Histories};
use crate::market::Timeframe;
use crate::server::views::figures::row;
use crate::wire::{Query, Reply};
use serde_json::Value;

/// Daily bars that are asked for.
const BARS: u32 = 400;

/// Tells the risk figures of an account.
///
/// # Errors
/// No engine, no such account, or it has not been read yet.
pub async fn risk(paths: &Paths, account: Option<&str>, json: bool) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let (state, now) = shell.state().await?;
    let status = shell.status().await?;
    let account = choose_account(&state, account, status.default_account)?;
    let market = market(&state, shell.quotes().await?);
    let at = Timestamp(now.0.saturating_add(shell.engine.welcome.venue_offset_ns));
    let mut histories = Histories::new();
    for instrument in figures::wanted(&state, account) {
        let query = Query::Bars {
            instrument: instrument.id,
            timeframe: Timeframe::Day,
            count: BARS,
        };
        // What can't be told is said to be unknown where it is wanted.
        if let Reply::Bars(bars) = shell.engine.query(query).await? {
            histories.insert(instrument.id, Days::of(instrument, &bars, at));
        }
    }
    let health = status
        .health
        .iter()
        .find(|health| health.broker == account.broker);
    let all = figures::look(&state, &market, health, &histories, account).map_err(ShellError::Failed)?;
    let value = serde_json::to_value(row(&all)).unwrap_or_default();
    shell.print(&value, || text(&value))
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn text(value: &Value) -> String {
    let (exposure, margin) = (&value["exposure"], &value["margin"]);
    let symbols = [
        "symbol", "sector", "quantity", "mark", "value", "currency", "in_base", "percent", "beta",
    ];
    let sums = ["name", "long", "short", "gross", "net", "percent"];
    let mut text = format!(
        "account   {}/{}, worth {} {}\n\n",
        cell(&value["broker"]),
        cell(&value["account"]),
        cell(&exposure["worth"]),
        cell(&value["currency"])
    );
    text += &table(&symbols, &rows(&list(&exposure["symbols"]), &symbols));
    let mut all = vec![exposure["total"].clone()];
    all.extend(list(&exposure["sectors"]));
    all.extend(list(&exposure["currencies"]));
    text += &format!("\n\n{}\n\n", table(&sums, &rows(&all, &sums)));
    for (what, bound) in [("now", &margin["now"]), ("ahead", &margin["ahead"])] {
        text += &format!(
            "margin    {what:<6} initial {}  maintenance {}  available {}  excess {}  ({})\n",
            cell(&bound["initial"]),
            cell(&bound["maintenance"]),
            cell(&bound["available"]),
            cell(&bound["excess"]),
            cell(&margin["source"])
        );
    }
    text += &tail(&value["value_at_risk"]);
    text += &stress(&value["stress"]);
    for pair in list(&value["correlation"]["one_name"]) {
        text += &format!(
            "one name  {} and {}: {} over 60 days, together {} ({} % of the account)\n",
            cell(&pair["first"]),
            cell(&pair["second"]),
            cell(&pair["correlation"]),
            cell(&pair["together"]),
            cell(&pair["percent"])
        );
    }
    text
}

fn tail(at_risk: &Value) -> String {
    if let Some(why) = at_risk["unknown"].as_str() {
        return format!("at risk   -- {why}\n");
    }
    let mut text = format!(
        "at risk   a day, from {} days, {} to {}\n",
        cell(&at_risk["days"]),
        cell(&at_risk["from"]),
        cell(&at_risk["until"])
    );
    for level in list(&at_risk["levels"]) {
        text += &format!(
            "          {:<5} historical {} (beyond {})  normal {} (beyond {}){}\n",
            cell(&level["confidence"]),
            cell(&level["historical"]),
            cell(&level["historical_beyond"]),
            cell(&level["parametric"]),
            cell(&level["parametric_beyond"]),
            if level["historical"].is_null() {
                format!("  wants {} days", cell(&level["wants"]))
            } else {
                String::new()
            }
        );
    }
    text
}

fn stress(stress: &Value) -> String {
    let moves = |name: &str, what: &str| {
        if let Some(why) = stress[format!("{name}_unknown")].as_str() {
            return format!("stress    {what}: -- {why}\n");
        }
        let one = |row: &Value| {
            let percent = row["percent"].as_i64().unwrap_or_default();
            format!("{percent:+} %: {}", cell(&row["result"]))
        };
        let all: Vec<String> = list(&stress[name]).iter().map(one).collect();
        format!("stress    {what}: {}\n", all.join("  "))
    };
    let benchmark = format!("{} moves", cell(&stress["benchmark"]));
    moves("all", "all moves") + &moves("market", &benchmark)
}
