//! From a sentence to commands: names are looked up, and each order is resolved as `order` and `closing` say.

use super::closing::{breakeven, is_held, reverse};
use super::order::order;
use super::protect::protect;
use super::words::{SentenceError, Word, shown, wrong};
use super::{OrderWords, Sentence, Templates};
use crate::domain::{
    AccountClass, AccountKey, ClientOrderId, Currency, Instrument, InstrumentId, Money, OrderSpec, Timestamp,
};
use crate::engine::command::{Command, Entry, Legs, Seen};
use crate::engine::digest;
use crate::engine::state::State;
use crate::market::Market;

/// What a sentence is resolved against.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The state.
    pub state: &'a State,
    /// The market.
    pub market: &'a Market,
    /// Whose orders.
    pub account: AccountKey,
    /// The venue's time.
    pub now: Timestamp,
    /// What the account is worth by the broker's own word, where it tells; nothing counts it from cash and marks.
    pub net_liquidation: Option<(Money, Currency)>,
    /// Named exits.
    pub templates: &'a Templates,
}

/// What a sentence comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// In the order they are sent.
    pub commands: Vec<Command>,
    /// What was rounded, converted or chosen, for people: `half of 5 is 2.5: 3, toward less exposure`.
    pub notes: Vec<String>,
}

/// Looks names and prices up and makes the commands.
///
/// # Errors
/// A symbol that nobody trades (with those that are near), a price or rate that does not exist, or nothing to close.
pub fn resolve(
    sentence: &Sentence,
    scene: &Scene<'_>,
    new_id: &mut dyn FnMut() -> ClientOrderId,
) -> Result<Resolved, SentenceError> {
    let mut notes = Vec::new();
    let account = scene.account;
    let commands = match sentence {
        Sentence::Order(words) => {
            let (spec, legs) = order(words, scene, &mut notes)?;
            let Entry { id, spec, legs, seen } = entry(words, spec, legs, scene, new_id());
            if let Some(park) = &words.park {
                let seconds = park.seconds;
                return Ok(Resolved {
                    commands: vec![Command::Park {
                        id,
                        spec,
                        seconds,
                        seen,
                    }],
                    notes,
                });
            }
            vec![Command::Submit { id, spec, legs, seen }]
        }
        Sentence::Pair(both) => {
            let (first, second) = both.as_ref();
            let (first_spec, _) = order(first, scene, &mut notes)?;
            let (second_spec, _) = order(second, scene, &mut Vec::new())?;
            vec![Command::SubmitPair {
                first_spec,
                second_spec,
                first: new_id(),
                second: new_id(),
                seen: Vec::new(),
            }]
        }
        Sentence::Then(both) => {
            let (first, second) = both.as_ref();
            let (first_spec, legs) = order(first, scene, &mut notes)?;
            let Entry {
                spec: first_spec,
                seen,
                ..
            } = entry(first, first_spec, legs, scene, ClientOrderId::LOWEST);
            let (second_spec, second_legs) = order(second, scene, &mut notes)?;
            // Only the first can promise to close; of the second that is known once the first has filled.
            let seen = seen.map(|seen| vec![seen, digest::seen_now(scene.market, &second_spec, second_legs)]);
            vec![Command::SubmitThen {
                first_spec,
                second_spec,
                first: new_id(),
                second: new_id(),
                seen: seen.unwrap_or_default(),
            }]
        }
        Sentence::Basket(all) => vec![basket(all, scene, &mut notes, new_id)?],
        Sentence::Cancel { symbol, stops_too } => {
            let found = symbol.as_ref();
            let found = found.map(|symbol| find_held(scene, symbol, &mut notes));
            vec![Command::CancelAll {
                account,
                instrument: found.transpose()?.map(|instrument| instrument.id),
                stops_too: *stops_too,
            }]
        }
        Sentence::Close { symbol } => {
            let instrument = find_held(scene, symbol, &mut notes)?;
            is_held(symbol, instrument, scene)?;
            vec![Command::Close {
                id: new_id(),
                account,
                instrument: instrument.id,
            }]
        }
        Sentence::Reverse { symbol } => vec![reverse(symbol, scene, &mut notes, new_id)?],
        Sentence::Breakeven { symbol } => breakeven(symbol, scene, &mut notes)?,
        Sentence::Confirm { symbol } => vec![Command::ConfirmParked {
            id: parked(symbol, scene, &mut notes)?,
        }],
        Sentence::Protect { symbol, place } => vec![protect(symbol, place, scene, &mut notes, new_id)?],
        Sentence::Flat {
            symbol: Some(symbol), ..
        } => vec![Command::Flatten {
            id: new_id(),
            account,
            instrument: find_held(scene, symbol, &mut notes)?.id,
        }],
        Sentence::Flat {
            symbol: None,
            last_four,
        } => {
            names_account(scene.state, account, last_four.as_ref())?;
            let known = |id: &InstrumentId| scene.state.instruments.contains_key(id);
            let all = scene.state.concerned(account).into_iter().filter(known);
            all.map(|instrument| Command::Flatten {
                id: new_id(),
                account,
                instrument,
            })
            .collect()
        }
    };
    notes.dedup();
    Ok(Resolved { commands, notes })
}

/// The order that is parked in an instrument: the one that waits the longest for a person's word.
fn parked(symbol: &Word, scene: &Scene<'_>, notes: &mut Vec<String>) -> Result<ClientOrderId, SentenceError> {
    let instrument = find_held(scene, symbol, notes)?;
    let waiting = scene.state.parking.orders.iter().filter(|(id, parked)| {
        let order = scene.state.orders.get(*id);
        parked.account == scene.account && order.is_some_and(|order| order.spec.instrument == instrument.id)
    });
    match waiting.min_by_key(|(_, parked)| (!parked.asked, parked.since)) {
        Some((id, _)) => {
            let order = scene.state.orders.get(id);
            notes.extend(order.map(|order| format!("confirms {}", order.spec)));
            Ok(*id)
        }
        None => wrong(
            symbol.at.clone(),
            format!("nothing is parked in {}", instrument.id),
        ),
    }
}

fn basket(
    all: &[OrderWords],
    scene: &Scene<'_>,
    notes: &mut Vec<String>,
    new_id: &mut dyn FnMut() -> ClientOrderId,
) -> Result<Command, SentenceError> {
    let mut orders: Vec<Entry> = Vec::new();
    for words in all {
        let (spec, legs) = order(words, scene, notes)?;
        // Two names may mean one instrument: a root and its contract.
        if orders
            .iter()
            .any(|entry| entry.spec.instrument == spec.instrument)
        {
            return wrong(
                words.symbol.at.clone(),
                format!("{} stands there twice", spec.instrument),
            );
        }
        orders.push(entry(words, spec, legs, scene, new_id()));
    }
    Ok(Command::SubmitAll { orders })
}

/// An order with its promise, where it made one: what was said to close must not open anything.
fn entry(words: &OrderWords, spec: OrderSpec, legs: Legs, scene: &Scene<'_>, id: ClientOrderId) -> Entry {
    let seen = words.amount.closes().then(|| Seen {
        reduces: true,
        ..digest::seen_now(scene.market, &spec, legs)
    });
    Entry { id, spec, legs, seen }
}

/// Four letters end a whole day: of a real account `flat all` wants to hear which is meant, by the last four characters
/// of its name. What was typed for another account is refused whatever its class.
///
/// # Errors
/// In words, where they are missing or another's.
pub fn names_account(
    state: &State,
    account: AccountKey,
    last_four: Option<&Word>,
) -> Result<(), SentenceError> {
    let known = state.accounts.get(&account);
    let is_live = known.is_none_or(|known| known.account.class == AccountClass::Live);
    let id = account.account.as_str();
    let last = &id[id.len().saturating_sub(4)..];
    match last_four {
        Some(typed) if typed.text.eq_ignore_ascii_case(last) => Ok(()),
        Some(typed) => wrong(
            typed.at.clone(),
            format!("'{}' is not how {account} ends", shown(&typed.text)),
        ),
        None if is_live => wrong(
            0..0,
            format!(
                "flat all closes everything in {account}: type the last four characters of its name behind it"
            ),
        ),
        None => Ok(()),
    }
}

/// Whether the account holds an instrument or has live orders in it.
fn is_concerned(scene: &Scene<'_>, id: InstrumentId) -> bool {
    let held = !scene.state.position(scene.account, id).quantity.is_zero();
    held || scene.state.live_orders(scene.account, id).next().is_some()
}

/// The instrument of a new order. A root stands for the first dated contract that may still be opened.
pub(super) fn find_traded<'a>(
    scene: &Scene<'a>,
    symbol: &Word,
    notes: &mut Vec<String>,
) -> Result<&'a Instrument, SentenceError> {
    if let Some(exact) = exact(scene, symbol) {
        return Ok(exact);
    }
    let open = contracts(scene, symbol)
        .filter(|i| i.entries_end().is_none_or(|end| scene.now < end))
        .min_by_key(|i| i.expires);
    let front = open.or_else(|| scene.state.resolve(&symbol.text, scene.now));
    front.map_or_else(
        || unknown(scene, symbol),
        |instrument| Ok(dated(instrument, symbol, notes)),
    )
}

/// The instrument of a closing word or a cancel. A root stands for the one contract of it that is held or worked.
pub(super) fn find_held<'a>(
    scene: &Scene<'a>,
    symbol: &Word,
    notes: &mut Vec<String>,
) -> Result<&'a Instrument, SentenceError> {
    if let Some(exact) = exact(scene, symbol) {
        return Ok(exact);
    }
    let ours: Vec<&Instrument> = contracts(scene, symbol)
        .filter(|i| is_concerned(scene, i.id))
        .collect();
    match ours[..] {
        [] => find_traded(scene, symbol, notes),
        [one] => Ok(dated(one, symbol, notes)),
        _ => {
            let names: Vec<&str> = ours.iter().map(|i| i.id.as_str()).collect();
            let text = format!("there are {} here: say which", names.join(" and "));
            wrong(symbol.at.clone(), text)
        }
    }
}

fn exact<'a>(scene: &Scene<'a>, symbol: &Word) -> Option<&'a Instrument> {
    let id = InstrumentId::new(&symbol.text.to_ascii_uppercase()).ok()?;
    scene.state.instruments.get(&id)
}

/// The contracts of a root that have not expired.
fn contracts<'a>(scene: &Scene<'a>, symbol: &Word) -> impl Iterator<Item = &'a Instrument> {
    let (upper, now) = (symbol.text.to_ascii_uppercase(), scene.now);
    scene
        .state
        .instruments
        .values()
        .filter(move |i| i.root.is_some_and(|root| root.as_str() == upper) && !i.is_expired(now))
}

/// Says which contract a root stands for.
fn dated<'a>(instrument: &'a Instrument, symbol: &Word, notes: &mut Vec<String>) -> &'a Instrument {
    let until = instrument
        .last_trading_day()
        .map_or_else(String::new, |day| format!(", trades until {}", day.date));
    let root = symbol.text.to_ascii_uppercase();
    notes.push(format!("{} is {}{until}", shown(&root), instrument.id));
    instrument
}

fn unknown<T>(scene: &Scene<'_>, symbol: &Word) -> Result<T, SentenceError> {
    let upper = symbol.text.to_ascii_uppercase();
    let first: String = upper.chars().take(1).collect();
    let near: Vec<&str> = scene
        .state
        .instruments
        .keys()
        .map(|id| id.as_str())
        .filter(|id| !first.is_empty() && id.starts_with(&first))
        .take(5)
        .collect();
    let hint = if near.is_empty() {
        String::new()
    } else {
        format!("; did you mean {}?", near.join(", "))
    };
    // The exchange in the box lists all that it has.
    let find = match scene.account.broker.as_str() {
        "sim" => String::new(),
        _ => format!("; find {} asks the broker", shown(&upper)),
    };
    wrong(
        symbol.at.clone(),
        format!("no instrument '{}'{hint}{find}", shown(&upper)),
    )
}
