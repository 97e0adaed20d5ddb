//! A broker's statement held against what was booked here: which of its trades are known, which are not, what else it tells of
//! positions (`actions`), and whether those explain a position that differs or a gap of executions. It only reads; what follows
//! from it a person says (`accept`, `record`).
//!
//! Read are comma-separated files with a head: those of this program (`statement --csv`), Flex queries of Interactive Brokers
//! (section Trades, executions) and its activity statements (`Trades,Header,…`). Columns are found by their names, others are
//! passed over. A time without a zone is New York's, as in statements of that broker. Leaves to others: the file.

mod actions;

pub use actions::{Action, read_actions};

use super::changes::PositionChange;
use super::state::State;
use crate::domain::{
    AccountKey, Execution, Instrument, InstrumentId, Price, Quantity, SafeText, Side, Timestamp,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// No statement of a day has more lines.
const MOST_LINES: usize = 200_000;
/// Two clocks may tell a trade this far apart.
const APART: Duration = Duration::from_secs(2);

/// A trade as a statement tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    /// In which line of the file, from 1.
    pub line: usize,
    /// Whose, where the file says it.
    pub account: Option<String>,
    /// Of what, in the file's word.
    pub symbol: String,
    /// How much: bought is positive.
    pub quantity: Quantity,
    /// At what price.
    pub price: Price,
    /// When, where it can be read.
    pub at: Option<Timestamp>,
    /// The execution's id, where the file has one.
    pub id: Option<String>,
}

/// What a statement and the books come to, of one instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// What trades unknown here add to the position.
    pub unknown: Quantity,
    /// What other changes that are not recorded here add to it.
    pub changed: Quantity,
    /// What the broker holds more than we do, where that differs.
    pub differs: Option<Quantity>,
}

impl Sum {
    /// All of it.
    pub fn all(&self) -> Quantity {
        self.unknown.saturating_add(self.changed)
    }
}

/// A statement, explained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// Trades that are booked here, and changes that are recorded.
    pub known: usize,
    /// Those that aren't.
    pub unknown: Vec<Trade>,
    /// Trades of other accounts.
    pub elsewhere: usize,
    /// Trades of instruments that are not known here.
    pub strange: Vec<Trade>,
    /// Changes that are no trade and not recorded here, with the words that record each, where it can be.
    pub changes: Vec<(Action, Option<String>)>,
    /// Instruments with something to say.
    pub sums: BTreeMap<InstrumentId, Sum>,
}

/// The columns that are looked for, under any of these names.
const NAMES: [(&str, &[&str]); 12] = [
    ("account", &["account", "clientaccountid", "accountid"]),
    ("symbol", &["symbol", "localsymbol"]),
    ("quantity", &["quantity", "qty", "shares"]),
    ("side", &["side", "buysell", "action"]),
    (
        "price",
        &["price", "tradeprice", "tprice", "transferprice", "xferprice"],
    ),
    (
        "time",
        &["at", "datetime", "tradedatetime", "time", "reportdate", "date"],
    ),
    ("action", &["actiondescription", "corporateaction"]),
    ("description", &["description"]),
    ("direction", &["direction"]),
    ("event", &["transactiontype", "transaction"]),
    ("type", &["type"]),
    ("id", &["executionid", "ibexecid", "execid"]),
];

/// Where each column is.
#[derive(Debug, Default)]
struct Head(BTreeMap<&'static str, usize>);

impl Head {
    fn read(fields: &[String]) -> Self {
        let plain = |name: &str| -> String {
            name.chars()
                .filter(char::is_ascii_alphanumeric)
                .collect::<String>()
                .to_ascii_lowercase()
        };
        let names: Vec<String> = fields.iter().map(|field| plain(field)).collect();
        let place = |known: &&[&str]| names.iter().position(|name| known.contains(&name.as_str()));
        let found = NAMES
            .iter()
            .filter_map(|(what, known)| Some((*what, place(known)?)));
        Self(found.collect())
    }
    fn has(&self, what: &str) -> bool {
        self.0.contains_key(what)
    }
    fn is_one(&self) -> bool {
        ["symbol", "quantity", "price"]
            .iter()
            .all(|what| self.0.contains_key(what))
    }
    fn of<'a>(&self, what: &str, fields: &'a [String]) -> &'a str {
        let field = self.0.get(what).and_then(|at| fields.get(*at));
        field.map_or("", |field| field.trim())
    }
}

/// The trades of a statement.
///
/// # Errors
/// In words: no head that names symbol, quantity and price, or the line that can't be read.
pub fn read(text: &str) -> Result<Vec<Trade>, String> {
    let mut head: Option<Head> = None;
    let (mut any, mut other) = (false, false);
    let mut trades = Vec::new();
    for (number, fields) in (1..).zip(lines(text)?) {
        let sectioned = fields.first().map(String::as_str);
        // An activity statement has many sections, each with a head of its own.
        let (section, is_head) = match (sectioned, fields.get(1).map(String::as_str)) {
            (Some("Trades"), Some("Header")) => (true, true),
            (Some("Trades"), Some("Data")) => (true, false),
            (Some("Corporate Actions" | "Transfers"), _) => {
                other = true;
                continue;
            }
            (Some(_), Some("Header" | "Data" | "SubTotal" | "Total" | "Notes")) => continue,
            _ => (false, false),
        };
        let found = Head::read(&fields);
        // Other tables of the same file are not for here.
        if !section && !is_head && actions::is_head(&found) {
            (head, other) = (None, true);
            continue;
        }
        if is_head || (head.is_none() && !section && found.is_one()) {
            head = Some(found);
            any = true;
            continue;
        }
        let Some(head) = &head else { continue };
        // Lines of sums and of lots repeat what the trades say.
        let is_other = section && !matches!(fields.get(2).map(String::as_str), Some("Order" | "Trade"));
        let of_ours = fields
            .first()
            .is_some_and(|first| first == "symbol" || first == "total");
        if is_other || of_ours || head.of("quantity", &fields).is_empty() {
            continue;
        }
        trades.push(trade(number, head, &fields)?);
    }
    if !any && !other {
        return Err(
            "no line names the columns symbol, quantity and price: a statement has a head".to_owned(),
        );
    }
    Ok(trades)
}

fn trade(line: usize, head: &Head, fields: &[String]) -> Result<Trade, String> {
    let number = |what: &str| head.of(what, fields).replace(',', "");
    let wrong = |what: &str| {
        let said: String = head.of(what, fields).chars().take(24).collect();
        format!("line {line}: the {what} '{}' is no number", SafeText::new(&said))
    };
    let quantity: Quantity = number("quantity").parse().map_err(|_| wrong("quantity"))?;
    let price: Price = number("price").parse().map_err(|_| wrong("price"))?;
    let sells = matches!(
        head.of("side", fields).to_ascii_uppercase().as_str(),
        "SELL" | "S" | "SLD"
    );
    let quantity = if sells { quantity.abs().negated() } else { quantity };
    let text = |what: &str| Some(head.of(what, fields).to_owned()).filter(|text| !text.is_empty());
    Ok(Trade {
        line,
        account: text("account"),
        symbol: head.of("symbol", fields).to_owned(),
        quantity,
        price,
        at: moment(head.of("time", fields)),
        id: text("id"),
    })
}

/// RFC 3339, or a date and a time of New York in digits, however they are parted.
fn moment(text: &str) -> Option<Timestamp> {
    if let Some(at) = Timestamp::parse(text) {
        return Some(at);
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() != 14 {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i8>().ok();
    let year: i16 = digits.get(..4)?.parse().ok()?;
    let at = jiff::civil::DateTime::new(
        year,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?,
        0,
    );
    let zone = jiff::tz::TimeZone::get("America/New_York").ok()?;
    let at = at.ok()?.to_zoned(zone).ok()?.timestamp();
    i64::try_from(at.as_nanosecond()).ok().map(Timestamp)
}

/// A file as fields (RFC 4180): quotes may hold commas, ends of lines and doubled quotes.
fn lines(text: &str) -> Result<Vec<Vec<String>>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut all, mut fields, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                fields.push(std::mem::take(&mut field));
                all.push(std::mem::take(&mut fields));
                if all.len() > MOST_LINES {
                    return Err(format!(
                        "more than {MOST_LINES} lines: give a statement of fewer days"
                    ));
                }
            }
            '\r' if !quoted => {}
            c => field.push(c),
        }
    }
    if quoted {
        return Err("a quote is opened and never closed".to_owned());
    }
    if !field.is_empty() || !fields.is_empty() {
        fields.push(field);
        all.push(fields);
    }
    Ok(all)
}

/// Holds a statement against the books of an account.
pub fn explain(state: &State, account: AccountKey, trades: &[Trade], actions: &[Action]) -> Explained {
    let mut explained = Explained::default();
    let mut booked: BTreeMap<InstrumentId, Vec<&Execution>> = BTreeMap::new();
    for ((owner, instrument), ledger) in &state.ledgers {
        if *owner == account {
            booked.insert(*instrument, ledger.executions.iter().collect());
        }
    }
    for trade in trades {
        let name = account.account.as_str();
        let other = |said: &String| said != name && *said != account.to_string();
        if trade.account.as_ref().is_some_and(other) {
            explained.elsewhere += 1;
            continue;
        }
        let Some(instrument) = named(state, &trade.symbol) else {
            explained.strange.push(trade.clone());
            continue;
        };
        let candidates = booked.entry(instrument.id).or_default();
        match candidates.iter().position(|execution| same(execution, trade)) {
            Some(at) => {
                candidates.remove(at);
                explained.known += 1;
            }
            None => {
                let sum = explained.sums.entry(instrument.id).or_default();
                sum.unknown = sum.unknown.saturating_add(trade.quantity);
                explained.unknown.push(trade.clone());
            }
        }
    }
    explained.add(state, account, actions);
    for (instrument, mismatch) in state
        .accounts
        .get(&account)
        .into_iter()
        .flat_map(|entry| &entry.mismatches)
    {
        let differs = mismatch.theirs.saturating_sub(mismatch.ours);
        explained.sums.entry(*instrument).or_default().differs = Some(differs);
    }
    explained
}

fn named<'a>(state: &'a State, symbol: &str) -> Option<&'a Instrument> {
    let plain: String = symbol.split_whitespace().collect();
    [
        symbol.to_ascii_uppercase(),
        plain.to_ascii_uppercase(),
        symbol.replace(' ', ".").to_ascii_uppercase(),
    ]
    .iter()
    .find_map(|name| state.instruments.get(&InstrumentId::new(name).ok()?))
}

/// The same trade: by its id where both have one, else by what, how much, at what price and about when.
fn same(execution: &Execution, trade: &Trade) -> bool {
    if let Some(id) = &trade.id {
        let base = execution.id.base.as_str();
        let rest = id.strip_prefix(base);
        return rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    }
    let when = trade
        .at
        .is_none_or(|at| at.since(execution.at).max(execution.at.since(at)) <= APART);
    when && execution.side.signed(execution.quantity) == trade.quantity && execution.price == trade.price
}

/// The same change, recorded here already.
fn recorded(change: PositionChange, action: &Action) -> bool {
    match change {
        PositionChange::Scale { new, old } => action.ratio == Some((new, old)),
        PositionChange::Book { quantity, .. } => action.ratio.is_none() && quantity == action.quantity,
    }
}

impl Explained {
    /// What the statement tells beside trades.
    fn add(&mut self, state: &State, account: AccountKey, actions: &[Action]) {
        let mut booked: BTreeMap<InstrumentId, Vec<PositionChange>> = BTreeMap::new();
        for action in actions {
            let name = account.account.as_str();
            let other = |said: &String| said != name && *said != account.to_string();
            if action.account.as_ref().is_some_and(other) {
                self.elsewhere += 1;
                continue;
            }
            let Some(instrument) = named(state, &action.symbol) else {
                self.changes.push((action.clone(), None));
                continue;
            };
            let known = booked.entry(instrument.id).or_insert_with(|| {
                let ledger = state.ledgers.get(&(account, instrument.id));
                ledger.map_or_else(Vec::new, |ledger| {
                    ledger.changes.iter().map(|placed| placed.change).collect()
                })
            });
            if let Some(at) = known.iter().position(|change| recorded(*change, action)) {
                known.remove(at);
                self.known += 1;
                continue;
            }
            let sum = self.sums.entry(instrument.id).or_default();
            sum.changed = sum.changed.saturating_add(action.quantity);
            let words = action.words(instrument.id.as_str());
            self.changes.push((action.clone(), words));
        }
    }

    /// For people: what is known, what isn't, and what to do.
    pub fn text(&self) -> String {
        let mut lines = vec![format!(
            "{} trades of the statement are booked here, {} are not",
            self.known,
            self.unknown.len()
        )];
        for (action, words) in &self.changes {
            let what = match words {
                Some(words) => format!(":record {words}"),
                None => "nothing that can be recorded: compare by hand".to_owned(),
            };
            let said: String = action.said.chars().take(60).collect();
            lines.push(format!(
                "  no trade  {} {}: {}  (line {}): {what}",
                SafeText::new(&action.symbol),
                action.quantity,
                SafeText::new(&said),
                action.line
            ));
        }
        for trade in &self.unknown {
            let side = if trade.quantity.is_negative() {
                Side::Sell
            } else {
                Side::Buy
            };
            let at = trade.at.map_or_else(|| "--".to_owned(), |at| at.to_string());
            lines.push(format!(
                "  not here  {at}  {} {} {} @ {}  (line {})",
                side.word(),
                trade.quantity.abs(),
                SafeText::new(&trade.symbol),
                trade.price,
                trade.line
            ));
        }
        for (instrument, sum) in &self.sums {
            lines.push(match sum.differs {
                Some(differs) if !sum.changed.is_zero() && differs == sum.all() => format!(
                    "{instrument}: the broker holds {differs} more, and what is no trade makes exactly that with the trades: explained; record it as said above"
                ),
                Some(differs) if differs == sum.unknown => format!(
                    "{instrument}: the broker holds {differs} more, and these trades are exactly that: explained; :accept {instrument} takes it over"
                ),
                Some(differs) => format!(
                    "{instrument}: the broker holds {differs} more, these trades make {}: NOT explained by this statement",
                    sum.all()
                ),
                None if sum.all().is_zero() => continue,
                None => format!(
                    "{instrument}: these trades make {}, and positions agree: they are part of what was read at the beginning, or not of this account",
                    sum.all()
                ),
            });
        }
        if !self.strange.is_empty() {
            let names: Vec<String> = self
                .strange
                .iter()
                .take(5)
                .map(|trade| SafeText::new(&trade.symbol).to_string())
                .collect();
            lines.push(format!(
                "{} trades are of instruments that are not known here: {}",
                self.strange.len(),
                names.join(", ")
            ));
        }
        if self.elsewhere > 0 {
            lines.push(format!("{} trades are of other accounts", self.elsewhere));
        }
        if self.unknown.is_empty() && self.strange.is_empty() && self.changes.is_empty() {
            lines.push("nothing is missing here of what the statement tells".to_owned());
        }
        lines.join("\n")
    }
}
