//! Changes of a position that are no trade: splits, dividends in shares, expiries, assignments, transfers. Each is a fact with
//! its cause, recorded by a person, and stands in the ledger between the executions before it and those after, so that a late
//! correction of either folds right. Executions and round trips are untouched. A split leaves the cost as it is, to the last
//! digit. Also dates from which an instrument trades without something (`ex`): orders that would live over one are flagged.

use super::command::{Command, Denial, DenialCode};
use super::event::Fact;
use super::state::{Ledger, State};
use crate::domain::{
    AccountKey, Execution, InstrumentId, Multiplier, Order, Position, Price, Quantity, SafeText, Side,
    TimeInForce, Timestamp,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Why a position changed without a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeCause {
    /// So many new for so many old.
    Split,
    /// Paid in shares.
    Dividend,
    /// It expired.
    Expiry,
    /// An option was assigned or exercised.
    Assignment,
    /// It came from elsewhere, or went there.
    Transfer,
}
impl ChangeCause {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::Dividend => "dividend",
            Self::Expiry => "expiry",
            Self::Assignment => "assignment",
            Self::Transfer => "transfer",
        }
    }
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionChange {
    /// So many new for so many old; what was paid stays.
    Scale {
        /// New.
        new: u32,
        /// Old.
        old: u32,
    },
    /// More, or less where negative. At a price it is booked like a trade; without one what comes costs nothing, and what goes
    /// takes its cost with it and realises nothing.
    Book {
        /// How much.
        quantity: Quantity,
        /// At what price.
        price: Option<Price>,
    },
}

/// A change in its place among the executions of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// So many of the ledger's executions came before it.
    pub after: usize,
    /// What it does.
    pub change: PositionChange,
}

/// `quantity` scaled; nothing where that is no multiple of the smallest part.
pub fn scaled(quantity: Quantity, new: u32, old: u32) -> Option<Quantity> {
    let product = i128::from(quantity.raw()) * i128::from(new);
    let exact = old > 0 && product % i128::from(old) == 0;
    let raw = exact.then(|| product / i128::from(old))?;
    i64::try_from(raw).ok().map(Quantity::from_raw)
}

impl PositionChange {
    /// Does it to a position. Total: what does not fit changes nothing.
    pub fn apply(self, position: &mut Position, multiplier: Multiplier) {
        match self {
            Self::Scale { new, old } => {
                position.quantity = scaled(position.quantity, new, old).unwrap_or(position.quantity);
            }
            Self::Book { quantity, price } => {
                let side = if quantity.is_negative() {
                    Side::Sell
                } else {
                    Side::Buy
                };
                let goes = position.side() == Some(side.opposite());
                match price {
                    Some(price) => position.execute(side, quantity.abs(), price, multiplier),
                    None if goes => {
                        let gone = quantity.abs().min(position.quantity.abs());
                        let basis = position.cost.share(gone, position.quantity.abs());
                        position.cost = position.cost.saturating_sub(basis);
                        position.quantity = position.quantity.saturating_add(side.signed(gone));
                    }
                    None => position.quantity = position.quantity.saturating_add(quantity),
                }
            }
        }
    }
}

/// What makes a position, in order.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// A trade.
    Execution(&'a Execution),
    /// Something else.
    Change(PositionChange),
}

impl Ledger {
    /// All that made the position out of the opening one, in the order it was booked.
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let mut changes = self.changes.iter().peekable();
        let mut executions = self.executions.iter().enumerate().peekable();
        std::iter::from_fn(move || {
            let next = executions.peek().map_or(usize::MAX, |(index, _)| *index);
            if let Some(placed) = changes.next_if(|placed| placed.after <= next) {
                return Some(Step::Change(placed.change));
            }
            executions.next().map(|(_, execution)| Step::Execution(execution))
        })
    }
}

/// A date from which an instrument trades without something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExDate {
    /// The first day without, in the instrument's market: `2026-12-04`.
    pub date: SafeText,
    /// What it is: `split 4:1`.
    pub what: SafeText,
}

impl ExDate {
    /// The day.
    pub fn day(&self) -> Option<Date> {
        self.date.as_str().parse().ok()
    }
}

/// The date that an order would live over, where it would: who placed it did so at prices before it.
pub fn over<'a>(state: &'a State, order: &Order, now: Timestamp) -> Option<&'a ExDate> {
    let ex = state.ex_dates.get(&order.spec.instrument)?;
    let instrument = state.instruments.get(&order.spec.instrument)?;
    let begins = instrument.calendar.calendar().day(ex.day()?)?.start;
    let lives = match order.spec.tif {
        TimeInForce::Gtc => true,
        TimeInForce::Gtd { until } => until >= begins,
        _ => false,
    };
    let is_ahead = begins > now && order.created_at < begins;
    (order.phase.is_live() && lives && is_ahead).then_some(ex)
}

/// The largest ratio of a split that is believed.
const MOST: u32 = 10_000;

/// Whether a change can be recorded, and its facts: the broker is read behind it, because both have to agree.
pub(super) fn decide(
    state: &State,
    account: AccountKey,
    instrument: InstrumentId,
    (cause, change, note): (ChangeCause, PositionChange, &SafeText),
) -> Result<Vec<Fact>, Denial> {
    let entry = state.accounts.get(&account).filter(|entry| entry.opened);
    let Some(entry) = entry else {
        let text = format!("what {account} holds has not been read yet");
        return Err(Denial::new(DenialCode::PositionUnknown, text));
    };
    if !state.instruments.contains_key(&instrument) {
        return Err(Denial::new(
            DenialCode::UnknownInstrument,
            format!("no instrument {instrument}"),
        ));
    }
    let held = state.position(account, instrument).quantity;
    fits(held, instrument, change)?;
    let mut facts = vec![Fact::PositionChanged {
        account,
        instrument,
        cause,
        change,
        note: note.clone(),
    }];
    let pass = entry.passes.saturating_add(1);
    facts.extend(
        entry
            .reading
            .is_none()
            .then_some(Fact::ReconcileStarted { account, pass }),
    );
    Ok(facts)
}

fn fits(held: Quantity, instrument: InstrumentId, change: PositionChange) -> Result<(), Denial> {
    let bad = |text: String| Err(Denial::new(DenialCode::BadQuantity, text));
    match change {
        _ if held.is_zero() && !matches!(change, PositionChange::Book { price: Some(_), .. }) => {
            let text = format!("no {instrument} is held");
            Err(Denial::new(DenialCode::NothingToClose, text))
        }
        PositionChange::Scale { new, old } => {
            if new == old || !(1..=MOST).contains(&new) || !(1..=MOST).contains(&old) {
                return bad(format!(
                    "{new}:{old} is no split such as 4:1, or 1:10 for a reverse one"
                ));
            }
            match scaled(held, new, old) {
                Some(_) => Ok(()),
                None => bad(format!(
                    "{held} {instrument} at {new}:{old} is no exact quantity: take off what was paid in cash with 'transfer' first"
                )),
            }
        }
        PositionChange::Book { quantity, .. } if quantity.is_zero() => bad("a change of nothing".to_owned()),
        PositionChange::Book {
            quantity,
            price: None,
        } => {
            let goes = quantity.raw().signum() != held.raw().signum();
            if goes && quantity.abs() > held.abs() {
                return bad(format!("{held} {instrument} are held; no more can go"));
            }
            Ok(())
        }
        PositionChange::Book { .. } => Ok(()),
    }
}

/// The words that record a change.
pub const WORDS: [&str; 6] = ["split", "dividend", "expire", "assign", "transfer", "exdate"];

/// Reads `split AAPL 4:1`, `dividend AAPL 3`, `expire ES5000C [0.25]`, `assign AAPL +100 @190`, `transfer AAPL -50`,
/// `transfer AAPL +50 @181.20`, `exdate AAPL 2026-12-04 split 4:1` and `exdate AAPL off`.
///
/// # Errors
/// In words, with an example.
pub fn read(text: &str, state: &State, account: AccountKey, now: Timestamp) -> Result<Command, String> {
    let text = text.trim();
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    if !WORDS.contains(&word) {
        let shown = SafeText::new(word);
        return Err(format!("'{shown}' is nothing to record: {}", WORDS.join(", ")));
    }
    if word == "exdate" {
        return read_ex(rest, state, now);
    }
    let mut words = rest.split_ascii_whitespace();
    let symbol = words.next().unwrap_or_default();
    let instrument = state
        .resolve(symbol, now)
        .ok_or_else(|| format!("no instrument '{}': {word} SYMBOL …", SafeText::new(symbol)))?
        .id;
    let held = state.position(account, instrument).quantity;
    let amount = words.next();
    let price = words.next().map(|price| price.strip_prefix('@').unwrap_or(price));
    let price = match price {
        Some(text) => Some(text.parse::<Price>().map_err(|error| error.to_string())?),
        None => None,
    };
    let quantity = || {
        let text = amount.ok_or_else(|| format!("how many: {word} {symbol} +100"))?;
        let plain = text.strip_prefix('+').unwrap_or(text);
        plain.parse::<Quantity>().map_err(|error| error.to_string())
    };
    let (cause, change) = match word {
        "split" => (ChangeCause::Split, ratio(amount)?),
        "dividend" => {
            // What a short pays is more of the short.
            let paid = quantity()?.abs();
            let quantity = if held.is_negative() { paid.negated() } else { paid };
            (
                ChangeCause::Dividend,
                PositionChange::Book {
                    quantity,
                    price: None,
                },
            )
        }
        "expire" => {
            let at = amount.map(|price| price.strip_prefix('@').unwrap_or(price).parse::<Price>());
            let at = at.transpose().map_err(|error| error.to_string())?;
            let (quantity, price) = (held.negated(), Some(at.unwrap_or(Price::ZERO)));
            (ChangeCause::Expiry, PositionChange::Book { quantity, price })
        }
        "assign" => {
            let quantity = quantity()?;
            (ChangeCause::Assignment, PositionChange::Book { quantity, price })
        }
        _ => {
            let quantity = quantity()?;
            (ChangeCause::Transfer, PositionChange::Book { quantity, price })
        }
    };
    Ok(Command::ChangePosition {
        account,
        instrument,
        cause,
        change,
        note: SafeText::new(&format!("{word} {}", rest.trim())),
    })
}

/// `AAPL 2026-12-04 split 4:1`, or `AAPL off`.
fn read_ex(text: &str, state: &State, now: Timestamp) -> Result<Command, String> {
    let mut words = text.split_ascii_whitespace();
    let symbol = words.next().unwrap_or_default();
    let instrument = state
        .resolve(symbol, now)
        .ok_or_else(|| {
            format!(
                "no instrument '{}': exdate AAPL 2026-12-04 split 4:1",
                SafeText::new(symbol)
            )
        })?
        .id;
    let date = words.next().unwrap_or_default();
    let what: Vec<&str> = words.collect();
    let ex = (date != "off").then(|| ExDate {
        date: SafeText::new(date),
        what: SafeText::new(&if what.is_empty() {
            "dividend".to_owned()
        } else {
            what.join(" ")
        }),
    });
    if ex.as_ref().is_some_and(|ex| ex.day().is_none()) {
        return Err(format!("'{}' is no date such as 2026-12-04", SafeText::new(date)));
    }
    Ok(Command::SetExDate { instrument, ex })
}

fn ratio(text: Option<&str>) -> Result<PositionChange, String> {
    let wrong = || "a split is NEW:OLD, such as 4:1".to_owned();
    let (new, old) = text.and_then(|text| text.split_once(':')).ok_or_else(wrong)?;
    Ok(PositionChange::Scale {
        new: new.parse().map_err(|_| wrong())?,
        old: old.parse().map_err(|_| wrong())?,
    })
}

impl State {
    /// A change that is no trade.
    pub(super) fn fold_change(
        &mut self,
        account: AccountKey,
        instrument: InstrumentId,
        change: PositionChange,
        at: Timestamp,
    ) {
        let ledger = self.ledger(account, instrument);
        let was_flat = ledger.position.quantity.is_zero();
        let after = ledger.executions.len();
        ledger.changes.push(Placed { after, change });
        change.apply(&mut ledger.position, ledger.multiplier);
        let held = ledger.position.quantity;
        if was_flat || held.is_zero() {
            ledger.opened_at = (!held.is_zero()).then_some(at);
        }
        if let Some(entry) = self.accounts.get_mut(&account) {
            let agrees = entry
                .mismatches
                .get(&instrument)
                .is_some_and(|m| m.theirs == held);
            if agrees {
                entry.mismatches.remove(&instrument);
            }
        }
    }
}
