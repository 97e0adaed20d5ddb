//! The shell's side of a trading day: `preopen`, `close` and `statement`. Made from one look at state and market; the desk
//! shows the same from its replica.

use super::shell::{Result, Shell, ShellError, answer, choose_account};
use crate::domain::{AccountKey, InstrumentId, SafeText, Timestamp};
use crate::engine::changes::ChangeCause;
use crate::engine::port::Health;
use crate::engine::sheet::{self, Ground, Line};
use crate::engine::statement::{self, Statement};
use crate::engine::{State, explain};
use crate::market::{Market, Timeframe};
use crate::server::views;
use crate::store::JournalReader;
use crate::wire::{Query, Reply};
use jiff::civil::Date;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Days whose close is asked for: yesterday's is what a day's profit is counted from.
const DAYS: u32 = 5;

/// Everything that a sheet is made from.
struct Look {
    state: State,
    market: Market,
    account: AccountKey,
    now: Timestamp,
    venue_now: Timestamp,
    health: Option<Health>,
}

impl Look {
    fn ground(&self) -> Ground<'_> {
        Ground {
            state: &self.state,
            market: &self.market,
            account: self.account,
            now: self.now,
            venue_now: self.venue_now,
            health: self.health.as_ref(),
        }
    }
}

async fn look(shell: &mut Shell, wanted: Option<&str>) -> Result<Look> {
    let (state, now) = shell.state().await?;
    let status = shell.status().await?;
    let account = choose_account(&state, wanted, status.default_account)?;
    let mut market = super::shell::market(&state, shell.quotes().await?);
    let held = state
        .ledgers
        .iter()
        .filter(|((owner, _), _)| *owner == account)
        .map(|((_, id), _)| *id);
    for instrument in held.collect::<BTreeSet<InstrumentId>>() {
        let query = Query::Bars {
            instrument,
            timeframe: Timeframe::Day,
            count: DAYS,
        };
        // Without it the profit of what was held over night is not known, and is said to be.
        if let Reply::Bars(bars) = shell.engine.query(query).await? {
            market.set_bars(instrument, Timeframe::Day, bars);
        }
    }
    let offset = shell.engine.welcome.venue_offset_ns;
    Ok(Look {
        health: status
            .health
            .into_iter()
            .find(|health| health.broker == account.broker),
        venue_now: Timestamp(now.0.saturating_add(offset)),
        state,
        market,
        account,
        now,
    })
}

/// Which sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Before the open.
    Preopen,
    /// Before the close.
    Close,
}

/// `tradewind preopen` and `tradewind close`.
///
/// # Errors
/// No engine, or no answer.
pub async fn sheet(
    paths: &super::paths::Paths,
    which: Which,
    account: Option<&str>,
    json: bool,
) -> Result<()> {
    let mut shell = Shell::connect(paths, json).await?;
    let look = look(&mut shell, account).await?;
    let lines = match which {
        Which::Preopen => sheet::preopen(&look.ground()),
        Which::Close => sheet::close(&look.ground()),
    };
    let value: Vec<Value> = lines
        .iter()
        .map(|line| json!({"state": line.mark.word(), "topic": line.topic, "text": line.text}))
        .collect();
    shell.print(&Value::Array(value), || text(&lines))
}

fn text(lines: &[Line]) -> String {
    let line = |line: &Line| format!("{} {:<11} {}", line.mark.sign(), line.topic, line.text);
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// How a statement is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// Comma-separated.
    Csv,
    /// A page that stands by itself.
    Html,
    /// JSON.
    Json,
}

/// `tradewind statement`: today's, or that of another day.
///
/// # Errors
/// No engine, or no answer; a day that is to come, or that nothing here trades on.
pub async fn statement(
    paths: &super::paths::Paths,
    form: Form,
    account: Option<&str>,
    day: Option<&str>,
) -> Result<()> {
    let day = day.map(statement::date).transpose().map_err(ShellError::Usage)?;
    let mut shell = Shell::connect(paths, form == Form::Json).await?;
    let look = look(&mut shell, account).await?;
    let made = match day {
        None => Statement::of(&look.state, &look.market, look.venue_now, look.account),
        Some(day) => of_day(&mut shell, paths, &look, day).await?,
    };
    match form {
        Form::Text => answer(&made.text()),
        Form::Csv => answer(&made.csv()),
        Form::Html => answer(&made.html()),
        Form::Json => shell.print(&json_of(&made), String::new),
    }
}

/// The statement of another day, from the whole journal and the daily bars that the engine has. The journal is read here: of
/// years of it that takes longer than a command waits for an answer.
async fn of_day(shell: &mut Shell, paths: &super::paths::Paths, look: &Look, day: Date) -> Result<Statement> {
    let failed = |why: String| Err(ShellError::Failed(why));
    statement::has_begun(&look.state, day, look.venue_now).map_err(ShellError::Failed)?;
    let (journal, offset) = (paths.journal(), shell.engine.welcome.venue_offset_ns);
    let read = tokio::task::spawn_blocking(move || {
        JournalReader::open(&journal).and_then(|reader| reader.books_at_end_of(day, offset))
    });
    let books = match read.await {
        Ok(Ok(books)) => books,
        Ok(Err(error)) => return failed(error.to_string()),
        Err(error) => return failed(error.to_string()),
    };
    let mut closes = BTreeMap::new();
    for instrument in statement::instruments(&books, look.account) {
        let query = Query::Bars {
            instrument,
            timeframe: Timeframe::Day,
            count: statement::DAYS_BACK,
        };
        let Some(listed) = books.instruments.get(&instrument) else {
            continue;
        };
        if let Reply::Bars(bars) = shell.engine.query(query).await? {
            closes.insert(instrument, statement::closes_of(&bars, listed, day));
        }
    }
    Ok(Statement::of_day(&books, day, look.account, |instrument| {
        closes.get(&instrument).copied().unwrap_or_default()
    }))
}

/// `tradewind statement explain FILE`: a broker's statement held against what is booked here. Nothing is changed.
///
/// # Errors
/// A file that can't be read or understood, or no engine.
pub async fn explain(
    paths: &super::paths::Paths,
    file: &std::path::Path,
    account: Option<&str>,
    json: bool,
) -> Result<()> {
    let failed = |why: String| ShellError::Failed(format!("{}: {why}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8_lossy(&bytes);
    let trades = explain::read(&text).map_err(failed)?;
    let actions = explain::read_actions(&text).map_err(failed)?;
    let mut shell = Shell::connect(paths, json).await?;
    let (state, _) = shell.state().await?;
    let default = shell.status().await?.default_account;
    let account = choose_account(&state, account, default)?;
    let explained = explain::explain(&state, account, &trades, &actions);
    let trade = |trade: &explain::Trade| {
        json!({"line": trade.line, "symbol": SafeText::new(&trade.symbol).as_str(), "quantity": trade.quantity.to_string(),
               "price": trade.price.to_string(), "at": trade.at.map(|at| at.to_string())})
    };
    let sums: Vec<Value> = explained
        .sums
        .iter()
        .map(|(instrument, sum)| {
            json!({"symbol": instrument.as_str(), "unknown": sum.unknown.to_string(),
                   "differs": sum.differs.map(|differs| differs.to_string()),
                   "changed": sum.changed.to_string(),
                   "explained": sum.differs.is_some_and(|differs| differs == sum.all())})
        })
        .collect();
    let change = |(action, words): &(explain::Action, Option<String>)| {
        json!({"line": action.line, "symbol": SafeText::new(&action.symbol).as_str(), "quantity": action.quantity.to_string(),
               "cause": action.cause.map(ChangeCause::word), "said": SafeText::new(&action.said).as_str(),
               "at": action.at.map(|at| at.to_string()), "record": words})
    };
    let value = json!({"account": account.account.as_str(), "broker": account.broker.as_str(), "known": explained.known,
                       "unknown": explained.unknown.iter().map(trade).collect::<Vec<_>>(),
                       "strange": explained.strange.iter().map(trade).collect::<Vec<_>>(),
                       "changes": explained.changes.iter().map(change).collect::<Vec<_>>(),
                       "elsewhere": explained.elsewhere, "symbols": sums});
    shell.print(&value, || explained.text())
}

fn json_of(statement: &Statement) -> Value {
    let rows: Vec<Value> = statement
        .rows
        .iter()
        .map(|row| {
            json!({
                "symbol": row.instrument.as_str(),
                "currency": row.currency.as_str(),
                "fills": row.fills,
                "bought": row.bought.to_string(),
                "sold": row.sold.to_string(),
                "fees": row.fees.to_string(),
                "fees_unknown": row.fees_unknown,
                "realized_pnl": row.realized.to_string(),
                "day_pnl": row.day.map(|day| day.to_string()),
                "quantity": row.held.to_string(),
                "market_price": row.mark.map(|mark| mark.to_string()),
            })
        })
        .collect();
    let totals: Vec<Value> = statement
        .totals()
        .into_iter()
        .map(|(currency, fees, realized, day)| {
            json!({
                "currency": currency.as_str(),
                "fees": fees.to_string(),
                "realized_pnl": realized.to_string(),
                "day_pnl": day.map(|day| day.to_string()),
            })
        })
        .collect();
    json!({
        "broker": statement.account.broker.as_str(),
        "account": statement.account.account.as_str(),
        "until": statement.until.to_string(),
        "symbols": rows,
        "totals": totals,
        "fills": statement.fills.iter().map(views::execution).collect::<Vec<_>>(),
    })
}
