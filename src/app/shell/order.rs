//! `tradewind order`: sentences from the command line or from standard input, previewed, asked about, sent, and what
//! became of them. All are understood before the first is sent; the first that is refused ends it.

use super::{Result, Shell, ShellError, answer, cell, failed};
use crate::app::clock::Clock;
use crate::app::identity::IdMaker;
use crate::app::paths::Paths;
use crate::domain::{
    AccountKey, ClientOrderId, Currency, Money, Order, OrderKind, Phase, SafeText, Timestamp,
};
use crate::engine::known::quiet_words;
use crate::engine::life;
use crate::engine::preview::{Preview, Previews, Worst, previews};
use crate::engine::sentence::{Resolved, Scene, Sentence, SentenceError, Templates, parse_outside, resolve};
use crate::engine::{Command, Outcome, Placed, Seen, State, digest};
use crate::market::{Market, Print, Quote};
use crate::server::views;
use serde_json::{Value, json};
use std::io::{BufRead, IsTerminal, Write};
use std::time::{Duration, Instant};

/// An exit that waits for what is in its way is watched for this long; it goes on without anybody who watches.
const COMES_WITHIN: Duration = Duration::from_secs(15);

/// What `tradewind order` was told.
#[derive(Clone, Debug)]
pub struct OrderOptions {
    /// The sentence; `-` reads standard input, one sentence a line.
    pub sentence: String,
    /// Send without asking.
    pub yes: bool,
    /// The id to use, so that a repeated call is the same order.
    pub client_order_id: Option<ClientOrderId>,
    /// The last four characters of a live account, to arm this one command.
    pub arm: Option<String>,
    /// The account; nothing for the engine's default.
    pub account: Option<String>,
    /// Named exits.
    pub templates: Templates,
    /// Answer as JSON.
    pub json: bool,
}

/// What was known when the sentences were resolved.
struct Known {
    state: State,
    market: Market,
    now: Timestamp,
    venue_now: Timestamp,
}

/// `tradewind order`: previews, asks, sends, and says what became of it.
///
/// # Errors
/// A sentence that can't be understood (wrong usage), a refusal, or no engine.
pub async fn order(paths: &Paths, options: &OrderOptions) -> Result<()> {
    let mut answers = Vec::new();
    let ended = carried_out(paths, options, &mut answers).await;
    // What was sent before the one that is refused is told in any case: it works at the broker.
    let nobody = answers.is_empty() && matches!(ended, Err(ShellError::NoEngine(_)));
    if options.json && !nobody {
        answers.extend(ended.as_ref().err().map(ShellError::json));
        answer(&format!("{:#}", Value::Array(answers)))?;
    } else if !answers.is_empty() {
        answer(&answers.iter().map(sentence_of).collect::<Vec<_>>().join("\n"))?;
    }
    ended
}

/// Understands, previews, asks and sends; what became of each goes to `answers`, until one is refused.
async fn carried_out(paths: &Paths, options: &OrderOptions, answers: &mut Vec<Value>) -> Result<()> {
    let sentences = sentences(&options.sentence)?;
    one_id_one_order(&sentences, options)?;
    let mut shell = Shell::connect(paths, options.json).await?;
    let mut known = look(&mut shell).await?;
    let default = shell.status().await?.default_account;
    let account = choose_account(&known.state, options.account.as_deref(), default)?;
    let mut ids = IdMaker::new(shell.engine.welcome.prefix.as_str(), Clock::start());
    let mut resolved = understood(&sentences, &known, account, options, &mut ids)?;
    loop {
        if options.yes {
            break;
        }
        confirm(&known, &resolved)?;
        let before = std::mem::replace(&mut known, look(&mut shell).await?);
        if let Some(seen) = still(&resolved, &before, &known) {
            resolved = seen;
            break;
        }
        say("not sent: the market moved while you looked; this is the new preview");
        resolved = understood(&sentences, &known, account, options, &mut ids)?;
    }
    if let Some(confirmation) = &options.arm {
        let arm = Command::Arm {
            account,
            confirmation: SafeText::new(confirmation),
        };
        told(shell.engine.command(arm).await?)?;
    }
    for command in resolved.into_iter().flat_map(|resolved| resolved.commands) {
        let (ids, what) = (ids_of(&command), plain(&command));
        let note = told(shell.engine.command(command).await?)?;
        if ids.is_empty() {
            // Without a word of its own from the engine: what was asked, which it took.
            answers.push(json!({"note": note.as_ref().map_or(what, ToString::to_string)}));
        }
        for id in ids {
            let order = followed(&mut shell, id).await?;
            let unheard = || json!({"client_order_id": id.as_str(), "note": note});
            answers.push(order.map_or_else(unheard, |order| views::order(&order)));
        }
    }
    Ok(())
}

/// The sentences with their texts: what was given, or the lines of standard input that are neither empty nor begin with #.
fn sentences(given: &str) -> Result<Vec<(String, Sentence)>> {
    let text = match given {
        "-" => std::io::read_to_string(std::io::stdin())?,
        text => text.to_owned(),
    };
    let lines = text.lines().map(str::trim);
    let lines: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    if lines.is_empty() {
        return Err(ShellError::Usage(
            "there is no sentence; such as 'buy 100 AAPL @189.50'".into(),
        ));
    }
    let parsed = |line: &str| {
        let sentence = parse_outside(line).map_err(|error| usage(line, &error))?;
        Ok((line.to_owned(), sentence))
    };
    lines.into_iter().map(parsed).collect()
}

/// One id names one order, or a pair; the same id for several would make a repeated call another one.
fn one_id_one_order(sentences: &[(String, Sentence)], options: &OrderOptions) -> Result<()> {
    let several = match sentences {
        [(_, sentence)] => matches!(
            sentence,
            Sentence::Basket(_) | Sentence::Reverse { .. } | Sentence::Flat { symbol: None, .. }
        ),
        _ => true,
    };
    if several && options.client_order_id.is_some() {
        return Err(ShellError::Usage(
            "--client-order-id names one order; this is more than one".into(),
        ));
    }
    Ok(())
}

/// State, market and time as they are now.
async fn look(shell: &mut Shell) -> Result<Known> {
    let (state, now) = shell.state().await?;
    let market = market(&state, shell.quotes().await?);
    // A root stands for the contract that trades now at the venue, whose time is a tape's on a tape.
    let venue_now = Timestamp(now.0.saturating_add(shell.engine.welcome.venue_offset_ns));
    Ok(Known {
        state,
        market,
        now,
        venue_now,
    })
}

fn understood(
    sentences: &[(String, Sentence)],
    known: &Known,
    account: AccountKey,
    options: &OrderOptions,
    ids: &mut IdMaker,
) -> Result<Vec<Resolved>> {
    let scene = Scene {
        state: &known.state,
        market: &known.market,
        account,
        now: known.venue_now,
        net_liquidation: None,
        templates: &options.templates,
    };
    let mut given = options.client_order_id;
    let mut new_id = || given.take().unwrap_or_else(|| ids.next_id());
    let mut one = |(text, sentence): &(String, Sentence)| {
        let resolved = resolve(sentence, &scene, &mut new_id).map_err(|error| usage(text, &error))?;
        if resolved.commands.is_empty() {
            let flat = "nothing is held and nothing is working";
            return failed(quiet_words(&known.state, account, flat));
        }
        Ok(resolved)
    };
    sentences.iter().map(&mut one).collect()
}

/// What was previewed, with what was seen of it, where the market is still as it was then; nothing where it moved.
fn still(then: &[Resolved], before: &Known, now: &Known) -> Option<Vec<Resolved>> {
    let mut all = then.to_vec();
    for command in all.iter_mut().flat_map(|resolved| &mut resolved.commands) {
        let look = |order: Placed<'_>| digest::seen_now(&before.market, order.spec, order.legs);
        let seen: Vec<Seen> = command.places().map(look).collect();
        let moved = command
            .places()
            .zip(&seen)
            .any(|(order, seen)| digest::has_moved(seen, &now.state, &now.market, order.spec));
        if moved && digest::adds_risk(command, &now.state) {
            return None;
        }
        digest::attach(command, seen);
    }
    Some(all)
}

fn sentence_of(answer: &Value) -> String {
    if answer["phase"].is_null() {
        return cell(&answer["note"]);
    }
    let average = if answer["average_price"].is_null() {
        String::new()
    } else {
        format!(" @ {}", cell(&answer["average_price"]))
    };
    let reason = if answer["reason"].is_null() {
        String::new()
    } else {
        format!(" ({})", cell(&answer["reason"]))
    };
    format!(
        "{} {} {} {}: {} {}/{}{average}{reason}  {}",
        cell(&answer["side"]),
        cell(&answer["quantity"]),
        cell(&answer["symbol"]),
        cell(&answer["type"]),
        cell(&answer["phase"]),
        cell(&answer["filled"]),
        cell(&answer["quantity"]),
        cell(&answer["client_order_id"])
    )
}

pub(in crate::app) fn usage(text: &str, error: &SentenceError) -> ShellError {
    let column = text
        .get(..error.at.start)
        .map_or(0, |before| before.chars().count());
    let width = text
        .get(error.at.clone())
        .map_or(1, |word| word.chars().count())
        .max(1);
    // Both quote what was given, which may be anything.
    let (error, shown) = (SafeText::new(&error.to_string()), SafeText::new(text));
    ShellError::Usage(format!(
        "{error}\n  {shown}\n  {}{}",
        " ".repeat(column),
        "^".repeat(width)
    ))
}

pub(in crate::app) fn choose_account(
    state: &State,
    wanted: Option<&str>,
    default: Option<AccountKey>,
) -> Result<AccountKey> {
    match wanted {
        None => default.ok_or_else(|| {
            ShellError::Failed("no broker has reported an account yet; try again in a moment".into())
        }),
        Some(wanted) => {
            let found = state
                .accounts
                .keys()
                .find(|key| key.account.as_str() == wanted || key.to_string() == wanted);
            found.copied().ok_or_else(|| {
                let known: Vec<String> = state.accounts.keys().map(ToString::to_string).collect();
                ShellError::Failed(format!(
                    "no account {}; known: {}",
                    SafeText::new(wanted),
                    known.join(", ")
                ))
            })
        }
    }
}

pub(in crate::app) fn market(state: &State, (quotes, prints): (Vec<Quote>, Vec<Print>)) -> Market {
    let mut market = Market::replica();
    for instrument in state.instruments.values() {
        market.list(instrument.clone());
    }
    for quote in quotes {
        market.on_quote(quote);
    }
    for print in prints {
        market.on_print(print, &mut Vec::new());
    }
    market
}

/// Shows what would be sent on standard error and asks; without a terminal to ask on, `--yes` is needed.
fn confirm(known: &Known, resolved: &[Resolved]) -> Result<()> {
    for one in resolved {
        for note in &one.notes {
            say(note);
        }
        for command in &one.commands {
            match previews(&known.state, &known.market, command, known.now) {
                Err(denial) => return failed(denial.to_string()),
                Ok(previews) if previews.rows.is_empty() => say(&plain(command)),
                Ok(previews) => show(&previews, known),
            }
        }
    }
    if !std::io::stdin().is_terminal() {
        return Err(ShellError::Usage(
            "not sent: there is no terminal to ask on; --yes sends without asking".into(),
        ));
    }
    let mut err = std::io::stderr().lock();
    write!(err, "send? [y/N] ")?;
    err.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if matches!(line.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        failed("not sent")
    }
}

/// One row an order, and what all of them come to.
fn show(previews: &Previews, known: &Known) {
    for row in &previews.rows {
        say(&describe(row, &lives(row, known)));
    }
    let chained = previews.rows.iter().any(|row| row.after.is_some());
    if previews.rows.len() > 1 && !chained {
        let sums: Vec<String> = previews
            .total
            .iter()
            .map(|(currency, sum)| money(*sum, Some(*currency)))
            .collect();
        let share = previews.share.map_or(String::new(), |share| {
            format!(", {}% of max {}", share.percent, share.limit)
        });
        let count = previews.rows.len();
        let worth = match &sums[..] {
            [] => String::new(),
            sums => format!(", worth {}", sums.join(" and ")),
        };
        say(&format!("all {count} orders or none{worth}{share}"));
        if let Some(denial) = &previews.denial {
            say(&format!("would be refused: {denial}"));
        }
    }
}

fn money(amount: Money, currency: Option<Currency>) -> String {
    let decimals = currency.map_or(2, |currency| currency.minor_decimals());
    let currency = currency.map_or(String::new(), |currency| format!(" {currency}"));
    format!("{:.*}{currency}", decimals as usize, amount.round_to(decimals))
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn plain(command: &Command) -> String {
    match command {
        Command::CancelAll {
            account,
            instrument,
            stops_too,
        } => {
            let what = instrument.map_or("every order".into(), |id| format!("orders in {id}"));
            let stops = if *stops_too {
                "protective stops too, which leaves positions NAKED"
            } else {
                "protective stops stay"
            };
            format!("cancel {what} of {account}, {stops}")
        }
        Command::Flatten {
            account, instrument, ..
        } => format!("cancel everything in {instrument} of {account} and close the position"),
        Command::FlattenAccount { account, .. } => {
            format!("cancel everything of {account} and close every position")
        }
        Command::Close { instrument, .. } => format!("close what is held of {instrument}"),
        Command::Modify { id, change } => {
            let to = change.trigger.map_or(String::new(), |to| format!(" to {to}"));
            format!("move the stop {id}{to}")
        }
        other => format!("{other:?}"),
    }
}

/// ` until 16:00 EST`, where an order ends by itself.
fn lives(preview: &Preview, known: &Known) -> String {
    let told = || {
        let instrument = known.state.instruments.get(&preview.spec.instrument)?;
        let until = life::until(&preview.spec, instrument, known.venue_now)?;
        let zone = jiff::tz::TimeZone::get(instrument.calendar.zone()).unwrap_or(jiff::tz::TimeZone::UTC);
        life::moment(until, known.venue_now, &zone)
    };
    told().map_or(String::new(), |moment| format!(" until {moment}"))
}

fn describe(preview: &Preview, lives: &str) -> String {
    let currency = preview.currency;
    let known = |amount: Option<Money>| amount.map_or("--".into(), |amount| money(amount, currency));
    let at = preview.price.map_or("--".into(), |price| format!("{price:.2}"));
    let from_last = preview.from_last.map_or(String::new(), |(ticks, hundredths)| {
        let sign = if hundredths < 0 { "-" } else { "+" };
        let part = hundredths.unsigned_abs();
        format!(
            " ({ticks:+} ticks, {sign}{}.{:02}% from last)",
            part / 100,
            part % 100
        )
    });
    let mut text = format!(
        "{}{lives}  {}  at {at}{from_last}, worth {}; position {} -> {}",
        preview.spec,
        preview.spec.account,
        known(preview.value),
        preview.position.0,
        preview.position.1
    );
    if let Some(stop) = preview.legs.stop {
        text += &format!("; stop {stop}");
    }
    if let Some(risk) = preview.risk {
        text += &format!("; lost at the stop {}", money(risk, currency));
    }
    if let Some(target) = preview.legs.target {
        let reward = preview.reward.map_or(String::new(), |hundredths| {
            format!(", {}.{:02}R", hundredths / 100, hundredths % 100)
        });
        text += &format!("; target {target}{reward}");
    }
    if let Some(moves) = preview.legs.moves {
        text += &format!("; the stop moves by itself: {moves}");
    }
    text += &match preview.worst {
        Worst::Less => "; takes risk off".to_owned(),
        Worst::AtStop(amount) => format!("; worst ~{} at the stop", money(amount, currency)),
        Worst::All(amount) => format!("; worst all {}, no stop", money(amount, currency)),
        Worst::Unlimited => "; worst without limit: a short without a stop".to_owned(),
        Worst::Unknown => String::new(),
    };
    text += &format!("; fee ~{}", known(preview.fee));
    if !preview.reduces {
        text += &format!(", margin ~{}", known(preview.margin));
    }
    if let Some(share) = preview.tightest {
        text += &format!(", {}% of max {}", share.percent, share.limit);
    }
    let holder = if preview.held_by_engine {
        "engine"
    } else {
        "broker"
    };
    if let Some(first) = &preview.after {
        text += &format!(
            "; it leaves once all of {first} has filled, if every control still passes, and ends if that ends; the engine holds it"
        );
    } else if let Some(other) = &preview.pair {
        text +=
            &format!("; {other} shrinks as it fills, and the other way round; the {holder} holds the pair");
    } else if !preview.legs.is_empty() {
        text += &format!("; stop and target are held by the {holder} until the entry fills");
    }
    for words in &preview.advice {
        text += &format!("\n! {words}");
    }
    if let Some(denial) = &preview.denial {
        text += &format!("\nwould be refused: {denial}");
    }
    text
}

/// The orders that a command places, or closes with.
fn ids_of(command: &Command) -> Vec<ClientOrderId> {
    match command {
        Command::Close { id, .. } => vec![*id],
        _ => command.places().map(|order| order.id).collect(),
    }
}

pub(in crate::app) fn told(outcome: Outcome) -> Result<Option<SafeText>> {
    match outcome {
        Outcome::Done { note, .. } => Ok(note),
        Outcome::Known { .. } => Ok(None),
        Outcome::Denied(denial) | Outcome::Refused(denial) => Err(ShellError::Refused(Box::new(denial))),
    }
}

/// True while the engine makes way for an order before it records it: it is the exit of a flatten, or of a part beside stops.
fn is_coming(state: &State, id: ClientOrderId) -> bool {
    let parts = state.scaling_out.values().map(|part| part.exit);
    let all = state.flattening.values().map(|flattening| flattening.exit);
    !state.orders.contains_key(&id) && parts.chain(all).any(|exit| exit == id)
}

/// Watches the order for a moment, until the broker has answered: what is printed is what the broker said.
async fn followed(shell: &mut Shell, id: ClientOrderId) -> Result<Option<Order>> {
    let begun = Instant::now();
    while begun.elapsed() < COMES_WITHIN && is_coming(&shell.state().await?.0, id) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut last = None;
    for _ in 0..40 {
        let (state, _) = shell.state().await?;
        last = state.orders.get(&id).cloned();
        let Some(order) = &last else { return Ok(None) };
        let parked = order.phase == Phase::Parked;
        let answered = order.acked_at.is_some() || !order.phase.is_live() || parked;
        // A market order is worth a moment more: it is usually filled right behind its acknowledgement.
        let settled = order.spec.kind != OrderKind::Market || !order.phase.is_live();
        if answered && settled {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    if let Some(order) = last
        .as_ref()
        .filter(|order| matches!(order.phase, Phase::Denied | Phase::Rejected | Phase::NotSent))
    {
        let reason = order.reason.as_ref().map_or(String::new(), ToString::to_string);
        return failed(format!("{}: {}: {reason}", order.spec, order.phase.word()));
    }
    Ok(last)
}
