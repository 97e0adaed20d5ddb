//! What a change and a flatten would do, as groups of text: the order as it is and as it would be, how far that is from the
//! last trade, what closing there comes to, and for whom. An order that is placed is told by the file above this one.

use super::{Group, bold, from_last, kind, span};
use crate::domain::{
    AccountKey, ClientOrderId, Instrument, InstrumentId, Money, Order, OrderChange, OrderSpec, Price,
    Quantity, Side, counted,
};
use crate::engine::preview::away_from_last;
use crate::engine::{Command, changed};
use crate::tui::pane::View;
use crate::tui::panes::depth::own;
use crate::tui::widgets::number;

/// `CHANGE SELL 200 AAPL stp 188.00 → 200 stp 188.03`, and what follows from it.
pub(super) fn modify(id: ClientOrderId, change: OrderChange, view: &View<'_>) -> Vec<Group> {
    let theme = view.theme;
    let known = view.state.orders.get(&id);
    let listed = known.and_then(|order| view.state.instruments.get(&order.spec.instrument));
    let (Some(order), Some(instrument)) = (known, listed) else {
        return vec![vec![span("the order is gone", theme.warn)]];
    };
    let to = changed(&order.spec, change);
    let mut groups = vec![what(order, &to, instrument, view)];
    let stands = own::price_of(&to);
    if let Some((ticks, hundredths)) = stands.and_then(|price| away_from_last(view.market, instrument, price))
    {
        groups.push(vec![span(from_last(ticks, hundredths), theme.dim)]);
    }
    groups.extend(moved(order, &to, instrument, view));
    groups.push(comes_to(order, &to, instrument, view));
    if !order.filled.is_zero() {
        let text = format!("{} filled already", number::quantity(order.filled));
        groups.push(vec![span(text, theme.warn)]);
    }
    groups.push(vec![span(
        view.ours(order.spec.account.account.to_string()),
        theme.dim,
    )]);
    groups
}

/// The same of one that goes with others: what it comes to beside an entry that moves too is not its own to say.
pub(super) fn leg(id: ClientOrderId, change: OrderChange, view: &View<'_>) -> Vec<Group> {
    let mut groups = modify(id, change, view);
    let waits = view
        .state
        .orders
        .get(&id)
        .is_some_and(|order| order.spec.parent.is_some() && view.state.waits(order));
    if waits {
        groups.truncate(2);
        groups.push(vec![span(
            "goes with its entry: the distance stays",
            view.theme.dim,
        )]);
    }
    groups
}

fn what(order: &Order, to: &OrderSpec, instrument: &Instrument, view: &View<'_>) -> Group {
    let (theme, spec) = (view.theme, &order.spec);
    let show = |price: Price| number::price(price, instrument.decimals_at(price));
    let side = match spec.side {
        Side::Buy => theme.buy,
        Side::Sell => theme.sell,
    };
    vec![
        bold("CHANGE ", theme.bright),
        span(format!("{} ", spec.side.word()), side),
        span(
            format!("{} {} ", number::quantity(spec.quantity), spec.instrument),
            theme.text,
        ),
        span(kind(spec.kind, None, &show), theme.dim),
        span(" → ", theme.dim),
        span(format!("{} ", number::quantity(to.quantity)), theme.bright),
        span(kind(to.kind, None, &show), theme.bright),
    ]
}

/// Which way its price goes: a stop that closes comes closer or goes away; of others, why that could cost more.
fn moved(order: &Order, to: &OrderSpec, instrument: &Instrument, view: &View<'_>) -> Option<Group> {
    let theme = view.theme;
    let (from, at) = (own::stands_at(order)?, own::price_of(to)?);
    let tick = instrument.ticks.tick_at(at).raw().max(1);
    let ticks = at.raw().saturating_sub(from.raw()) / tick;
    if ticks == 0 {
        return None;
    }
    let why = own::adds(view, order, at);
    if order.spec.kind.is_stop() && basis(order, instrument, view).is_some() {
        let closer = (ticks > 0) == (order.spec.side == Side::Sell);
        let (word, colour) = if closer {
            ("tighter", theme.text)
        } else {
            ("looser", theme.warn)
        };
        let by = at_risk(order, to, basis(order, instrument, view), instrument)
            .zip(at_risk(
                order,
                &order.spec,
                basis(order, instrument, view),
                instrument,
            ))
            .and_then(|(after, before)| after.checked_sub(before));
        let decimals = instrument.currency.minor_decimals();
        let by = by.map_or(String::new(), |by| {
            view.ours(format!(" by {}", number::money(by.abs(), decimals)))
        });
        let mut group = vec![span(format!("{}t {word}{by}", ticks.unsigned_abs()), colour)];
        group.extend(
            why.filter(|_| closer)
                .map(|why| span(format!(", {why}"), theme.warn)),
        );
        return Some(group);
    }
    why.map(|why| vec![span(why, theme.warn)])
}

/// What an order that closes is counted against: what was paid for the position, or the price of the entry that it waits
/// for. Nothing for an order that opens.
fn basis(order: &Order, instrument: &Instrument, view: &View<'_>) -> Option<Price> {
    let (spec, state) = (&order.spec, view.state);
    if state.waits(order) {
        let entry = spec.parent.and_then(|id| state.orders.get(&id));
        return entry.and_then(own::stands_at);
    }
    let position = state.position(spec.account, spec.instrument);
    let closes = position.side() == Some(spec.side.opposite());
    position.average_price(instrument.multiplier).filter(|_| closes)
}

/// What a stop that closes loses against what was paid, or against its entry; below zero where it keeps a gain.
fn at_risk(order: &Order, to: &OrderSpec, basis: Option<Price>, instrument: &Instrument) -> Option<Money> {
    let (basis, stop) = (basis?, own::price_of(to)?);
    let each = match to.side {
        Side::Sell => basis.checked_sub(stop)?,
        Side::Buy => stop.checked_sub(basis)?,
    };
    each.notional(to.quantity.saturating_sub(order.filled), instrument.multiplier)
}

/// `all legs: at the stop -586.00 USD, was -612.00: 26.00 tighter`, where a stop is among what moves: of one that waits, with
/// its entry where that would be. Nothing where a price is not known.
pub(super) fn total(commands: &[Command], view: &View<'_>) -> Option<Group> {
    let moved = |id: ClientOrderId| {
        commands.iter().find_map(|command| match command {
            Command::Modify { id: of, change } if *of == id => Some(*change),
            _ => None,
        })
    };
    let (mut before, mut after, mut currency) = (Money::ZERO, Money::ZERO, None);
    for command in commands {
        let Command::Modify { id, change } = command else {
            continue;
        };
        let order = view.state.orders.get(id)?;
        let instrument = view.state.instruments.get(&order.spec.instrument)?;
        let was = basis(order, instrument, view);
        if !order.spec.kind.is_stop() || was.is_none() {
            continue;
        }
        let entry = order.spec.parent.filter(|_| view.state.waits(order));
        let entry = entry.and_then(|id| view.state.orders.get(&id));
        let is = entry
            .and_then(|entry| own::price_of(&changed(&entry.spec, moved(entry.id)?)))
            .or(was);
        before = before.checked_add(at_risk(order, &order.spec, was, instrument)?)?;
        after = after.checked_add(at_risk(order, &changed(&order.spec, *change), is, instrument)?)?;
        currency = Some(instrument.currency);
    }
    let currency = currency?;
    let decimals = currency.minor_decimals();
    let result = |risk: Money| number::profit(Money::ZERO.saturating_sub(risk), decimals);
    let by = number::money(after.checked_sub(before)?.abs(), decimals);
    let (words, colour) = match after.cmp(&before) {
        std::cmp::Ordering::Less => (format!("{by} tighter"), view.theme.text),
        std::cmp::Ordering::Equal => ("the risk stays".to_owned(), view.theme.text),
        std::cmp::Ordering::Greater => (format!("{by} looser"), view.theme.warn),
    };
    let text = format!(
        "all legs: at the stop {} {currency}, was {}: {words}",
        result(after),
        result(before)
    );
    Some(vec![span(view.ours(text), colour)])
}

/// `at the stop -586.00 USD, was -592.00` of an order that closes; of others what they are worth. What is not known is `--`.
fn comes_to(order: &Order, to: &OrderSpec, instrument: &Instrument, view: &View<'_>) -> Group {
    let theme = view.theme;
    let basis = basis(order, instrument, view);
    let amount_of = |spec: &OrderSpec| -> Option<Money> {
        let price = own::price_of(spec)?;
        let left = spec.quantity.saturating_sub(order.filled);
        let each = match (basis, spec.side) {
            (None, _) => price,
            (Some(basis), Side::Sell) => price.checked_sub(basis)?,
            (Some(basis), Side::Buy) => basis.checked_sub(price)?,
        };
        each.notional(left, instrument.multiplier)
    };
    let decimals = instrument.currency.minor_decimals();
    let show = |amount: Option<Money>| match (amount, basis) {
        (None, _) => number::UNKNOWN.to_owned(),
        (Some(amount), Some(_)) => number::profit(amount, decimals),
        (Some(amount), None) => number::money(amount, decimals),
    };
    let word = match basis {
        None => "worth",
        Some(_) if to.kind.is_stop() => "at the stop",
        Some(_) => "at the limit",
    };
    let (before, after) = (amount_of(&order.spec), amount_of(to));
    let was = if before == after {
        String::new()
    } else {
        format!(", was {}", show(before))
    };
    let text = format!("{word} {} {}{was}", show(after), instrument.currency);
    vec![span(view.ours(text), theme.text)]
}

/// `FLATTEN NVDA: cancel 2 orders, then BUY 50 at the market, now 181.40`, and what follows from it.
pub(super) fn flatten(
    word: &'static str,
    account: AccountKey,
    id: InstrumentId,
    view: &View<'_>,
) -> Vec<Group> {
    let (theme, state) = (view.theme, view.state);
    let mut groups = vec![vec![
        bold(word, theme.bright),
        span(format!("{id}: "), theme.bright),
        span(
            match state.live_orders(account, id).count() {
                0 => "no order to cancel".to_owned(),
                count => format!("cancel {}", counted(count, "order")),
            },
            theme.text,
        ),
    ]];
    let Some(instrument) = state.instruments.get(&id) else {
        return groups;
    };
    let position = state.position(account, id);
    let Some(side) = position.side().filter(|_| state.positions_known(account)) else {
        let text = if state.positions_known(account) {
            "nothing is held"
        } else {
            "what is held has not been read yet: pos --"
        };
        groups.push(vec![span(text, theme.text)]);
        groups.push(vec![span(view.ours(account.account.to_string()), theme.dim)]);
        return groups;
    };
    let quote = view.market.quote(id);
    let mark = quote
        .and_then(|quote| quote.opposite(side.opposite()))
        .map(|(price, _)| price);
    let held = position.quantity;
    let decimals = instrument.currency.minor_decimals();
    let now = mark.map_or("no price now".to_owned(), |price| {
        format!("now {}", number::price(price, instrument.decimals_at(price)))
    });
    let closing = match side {
        Side::Buy => theme.sell,
        Side::Sell => theme.buy,
    };
    groups.push(vec![
        span("then ", theme.text),
        bold(side.opposite().word(), closing),
        span(
            view.ours(format!(" {}", number::quantity(held.abs()))),
            theme.bright,
        ),
        span(format!(" mkt, {now}"), theme.text),
    ]);
    let worth = mark.and_then(|price| price.notional(held.abs(), instrument.multiplier));
    let worth = worth.map_or(number::UNKNOWN.to_owned(), |worth| number::money(worth, decimals));
    groups.push(vec![span(
        view.ours(format!("worth {worth} {}", instrument.currency)),
        theme.text,
    )]);
    groups.push(vec![span(
        view.ours(format!(
            "pos {} → {}",
            number::quantity_signed(held),
            number::quantity_signed(Quantity::ZERO)
        )),
        theme.dim,
    )]);
    let result = mark.and_then(|price| position.unrealized(price, instrument.multiplier));
    let result = result.map_or(number::UNKNOWN.to_owned(), |result| {
        format!("~{}", number::profit(result, decimals))
    });
    groups.push(vec![span(view.ours(format!("result {result}")), theme.text)]);
    groups.push(vec![span(view.ours(account.account.to_string()), theme.dim)]);
    groups
}
