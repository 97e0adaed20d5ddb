//! What a command would do, as groups of text: side, quantity, price and its distance from the last trade, worth, the
//! position after it, what is lost at the stop and at worst, cost and margin, the limit it comes nearest to, who holds the
//! bracket, and why it would be refused. The numbers are the engine's own preview of the same command on the same state,
//! so that the line can't promise what the engine refuses. An estimate is marked `~`.

mod change;

use super::pane::View;
use super::panes::read;
use super::widgets::number;
use crate::domain::{Currency, Money, OrderKind, Price, Quantity, Side, TimeInForce};
use crate::engine::decide::change_refused;
use crate::engine::life;
use crate::engine::preview::{Preview, Previews, Share, Worst, previews};
use crate::engine::{Command, Denial};
use crate::market::Quality;
use crate::market::terms::Borrow;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

/// Spans that stay together.
pub type Group = Vec<Span<'static>>;

/// What a command would do.
#[derive(Clone, Debug, Default)]
pub struct Forecast {
    /// One row an order, in groups, the most important first.
    pub rows: Vec<Vec<Group>>,
    /// Why it would be refused.
    pub denial: Option<Denial>,
}

impl Forecast {
    /// A single row that is one group.
    pub fn of(spans: Group) -> Self {
        Self {
            rows: vec![vec![spans]],
            denial: None,
        }
    }
    /// The first row on one line; what does not fit at the end may be cut.
    pub fn spans(&self) -> Group {
        self.rows
            .first()
            .map(|row| fitting(row, usize::MAX))
            .unwrap_or_default()
    }
    /// The rows as lines of a width: a single order goes on over lines, of several each has one.
    pub fn lines(&self, width: usize) -> Vec<Group> {
        match &self.rows[..] {
            [] => Vec::new(),
            [one] => flow(one, width),
            many => many.iter().map(|row| fitting(row, width)).collect(),
        }
    }
}

fn width_of(group: &[Span<'_>]) -> usize {
    group.iter().map(Span::width).sum()
}

/// Groups one after the other, a new line where the next does not fit.
fn flow(groups: &[Group], width: usize) -> Vec<Group> {
    let mut lines: Vec<Group> = Vec::new();
    for group in groups.iter().filter(|group| !group.is_empty()) {
        match lines.last_mut() {
            Some(line) if width_of(line) + 2 + width_of(group) <= width => {
                line.push(Span::raw("  "));
                line.extend(group.iter().cloned());
            }
            _ => lines.push(group.clone()),
        }
    }
    lines
}

/// As many groups as fit on one line.
fn fitting(groups: &[Group], width: usize) -> Group {
    flow(groups, width).into_iter().next().unwrap_or_default()
}

/// A span of one colour.
pub fn span(text: impl Into<String>, colour: Color) -> Span<'static> {
    Span::styled(text.into(), Style::new().fg(colour))
}

/// A span of one colour, bold.
pub fn bold(text: impl Into<String>, colour: Color) -> Span<'static> {
    Span::styled(text.into(), Style::new().fg(colour).add_modifier(Modifier::BOLD))
}

/// Looks ahead.
pub fn forecast(command: &Command, view: &View<'_>) -> Forecast {
    let previews = match previews(view.state, view.market, command, view.now) {
        Ok(previews) => previews,
        Err(denial) => {
            return Forecast {
                rows: Vec::new(),
                denial: Some(denial),
            };
        }
    };
    if let Command::Modify { id, change } = command {
        return Forecast {
            rows: vec![change::modify(*id, *change, view)],
            denial: change_refused(view.state, view.market, (*id, *change), view.now),
        };
    }
    let row = if previews.rows.len() > 1 { one_of } else { order };
    let mut rows: Vec<Vec<Group>> = previews.rows.iter().map(|each| row(each, view)).collect();
    match rows.len() {
        0 => rows = vec![plain(command, view)],
        1 => {}
        // They do not go together: the second is told beside the first.
        _ if previews.rows.iter().any(|row| row.after.is_some()) => {}
        _ => rows.push(total(&previews, view)),
    }
    Forecast {
        rows,
        denial: previews.denial,
    }
}

/// Changes that go together, one row each, and what all of them do to the risk: what is lost and gained of a leg that waits
/// for its entry is told where the entry goes.
pub fn together(commands: &[Command], view: &View<'_>) -> Forecast {
    let row = |command: &Command| match command {
        Command::Modify { id, change } => change::leg(*id, *change, view),
        other => plain(other, view),
    };
    let mut rows: Vec<Vec<Group>> = commands.iter().map(row).collect();
    rows.extend(change::total(commands, view).map(|group| vec![group]));
    let refused = commands.iter().find_map(|command| match command {
        Command::Modify { id, change } => change_refused(view.state, view.market, (*id, *change), view.now),
        _ => None,
    });
    Forecast {
        rows,
        denial: refused,
    }
}

/// The order a command places, and what follows from it.
fn order(preview: &Preview, view: &View<'_>) -> Vec<Group> {
    let mut groups = vec![what(preview, view, &ends(preview, view))];
    groups.extend(distance(preview, view));
    groups.extend(value(preview, view));
    groups.push(position(preview, view));
    groups.extend(warnings(preview, view));
    groups.extend(exits(preview, view));
    groups.extend(worst(preview, view));
    groups.extend(terms(preview, view));
    groups.extend(shows(preview, view));
    groups.push(account(preview, view));
    groups
}

/// One order of several, for which there is one line: what could be lost comes right behind what it is, and what it ends by where that
/// was asked for.
fn one_of(preview: &Preview, view: &View<'_>) -> Vec<Group> {
    let mut groups = Vec::new();
    if preview.after.is_some() {
        groups.push(vec![bold("once that has filled:", view.theme.bright)]);
    }
    let dated = matches!(preview.spec.tif, TimeInForce::Gtd { .. });
    let ends = if dated { ends(preview, view) } else { String::new() };
    groups.push(what(preview, view, &ends));
    let risk_first = !matches!(preview.worst, Worst::Less);
    groups.extend(worst(preview, view).filter(|_| risk_first));
    groups.extend(value(preview, view));
    groups.push(position(preview, view));
    groups.extend(warnings(preview, view));
    groups.extend(exits(preview, view));
    groups.extend(worst(preview, view).filter(|_| !risk_first));
    groups.extend(terms(preview, view));
    groups.extend(distance(preview, view));
    groups.extend(shows(preview, view));
    groups.push(account(preview, view));
    groups
}

/// A price as its instrument shows it.
fn shown(preview: &Preview, view: &View<'_>, price: Price) -> String {
    let instrument = view.state.instruments.get(&preview.spec.instrument);
    instrument.map_or(price.to_string(), |i| number::price(price, i.decimals_at(price)))
}

fn distance(preview: &Preview, view: &View<'_>) -> Option<Group> {
    let (ticks, hundredths) = preview.from_last?;
    Some(vec![span(from_last(ticks, hundredths), view.theme.dim)])
}

fn value(preview: &Preview, view: &View<'_>) -> Option<Group> {
    Some(vec![span(
        amount(preview.value?, preview, view, true),
        view.theme.text,
    )])
}

/// What is held before and after.
fn position(preview: &Preview, view: &View<'_>) -> Group {
    let (before, after) = preview.position;
    vec![
        span(
            view.ours(format!("pos {} → ", number::quantity_signed(before))),
            view.theme.dim,
        ),
        span(view.ours(number::quantity_signed(after)), signed(after, view)),
    ]
}

fn shows(preview: &Preview, view: &View<'_>) -> Option<Group> {
    let (Some(part), OrderKind::Limit { .. }) = (preview.spec.display, preview.spec.kind) else {
        return None;
    };
    Some(vec![span(
        format!("shows {}", number::quantity(part)),
        view.theme.dim,
    )])
}

fn account(preview: &Preview, view: &View<'_>) -> Group {
    let account = preview.spec.account.account.to_string();
    vec![span(view.ours(account), view.theme.dim)]
}

/// `BUY 100 AAPL @ 189.50 day`, and when it ends.
fn what(preview: &Preview, view: &View<'_>, ends: &str) -> Group {
    let (theme, spec) = (view.theme, &preview.spec);
    let side = match spec.side {
        Side::Buy => theme.buy,
        Side::Sell => theme.sell,
    };
    let outside = if spec.outside_hours { " outside" } else { "" };
    vec![
        bold(spec.side.word(), side),
        span(
            format!(" {} {} ", number::quantity(spec.quantity), spec.instrument),
            theme.bright,
        ),
        span(
            kind(spec.kind, preview.price, &|price| shown(preview, view, price)),
            theme.text,
        ),
        span(format!(" {}{outside}{ends}", spec.tif.word()), theme.dim),
    ]
}

/// ` until 16:00 EST` of an order that ends by itself, ` 24 Dec 10:00 EST` of one with a date.
fn ends(preview: &Preview, view: &View<'_>) -> String {
    let spec = &preview.spec;
    let told = || {
        let instrument = view.state.instruments.get(&spec.instrument)?;
        let until = life::until(spec, instrument, view.venue_now)?;
        life::moment(until, view.venue_now, &read::zone(view, Some(spec.instrument)))
    };
    match (told(), spec.tif) {
        (None, _) => String::new(),
        (Some(moment), TimeInForce::Gtd { .. }) => format!(" {moment}"),
        (Some(moment), _) => format!(" until {moment}"),
    }
}

/// `12t under last -0.06%`.
fn from_last(ticks: i64, hundredths: i64) -> String {
    let sign = if ticks < 0 { "-" } else { "+" };
    let part = format!(
        "{sign}{}.{:02}%",
        hundredths.unsigned_abs() / 100,
        hundredths.unsigned_abs() % 100
    );
    match ticks {
        0 => "at last".to_owned(),
        n if n < 0 => format!("{}t under last {part}", n.unsigned_abs()),
        n => format!("{n}t over last {part}"),
    }
}

fn amount(money: Money, preview: &Preview, view: &View<'_>, with_currency: bool) -> String {
    let decimals = preview.currency.map_or(2, |currency| currency.minor_decimals());
    let text = number::money(money, decimals);
    view.ours(match preview.currency.filter(|_| with_currency) {
        Some(currency) => format!("{text} {currency}"),
        None => text,
    })
}

/// What the broker says of the market that an order goes to: that it is halted, and whether shares can be borrowed where it
/// sells short.
fn warnings(preview: &Preview, view: &View<'_>) -> Vec<Group> {
    let (theme, id) = (view.theme, preview.spec.instrument);
    let mut groups = Vec::new();
    let quality = view.market.quote(id).map(|quote| quote.quality);
    if quality == Some(Quality::Halted) {
        groups.push(vec![bold("HALTED", theme.error)]);
    }
    for words in &preview.advice {
        groups.push(vec![span(view.ours(format!("! {words}")), theme.warn)]);
    }
    let (before, after) = preview.position;
    let terms = view
        .market
        .terms(id)
        .filter(|_| after.is_negative() && after < before);
    if let Some(borrow) = terms.and_then(|terms| terms.borrow) {
        let shares = terms.and_then(|terms| terms.shares);
        let shares = shares.map_or(String::new(), |shares| {
            format!(", {} shares", number::short(i128::from(shares.raw())))
        });
        let colour = if borrow == Borrow::Easy {
            theme.dim
        } else {
            theme.warn
        };
        groups.push(vec![span(
            format!("to borrow: {}{shares}", borrow.word()),
            colour,
        )]);
    }
    groups
}

/// Stop and target, what is lost and gained there, and who holds them.
fn exits(preview: &Preview, view: &View<'_>) -> Vec<Group> {
    let (theme, legs) = (view.theme, preview.legs);
    let show = |price: Price| shown(preview, view, price);
    let mut groups = Vec::new();
    if let Some(stop) = legs.stop {
        groups.push(vec![span(format!("stop {}", show(stop)), theme.down)]);
    }
    if let Some(risk) = preview.risk {
        let text = amount(risk, preview, view, false);
        groups.push(vec![span(format!("risk {text} = 1R"), theme.warn)]);
    }
    if let Some(target) = legs.target {
        let reward = preview.reward.map_or(String::new(), |hundredths| {
            format!(" {}.{}R", hundredths / 100, hundredths % 100 / 10)
        });
        groups.push(vec![span(format!("target {}{reward}", show(target)), theme.up)]);
    }
    if let Some(moves) = legs.moves {
        groups.push(vec![span(moves.to_string(), theme.text)]);
    }
    if let Some(other) = &preview.pair {
        groups.push(vec![span(format!("oco {other}"), theme.text)]);
    }
    if preview.pair.is_some() || preview.after.is_some() || !legs.is_empty() {
        let holder = if preview.held_by_engine {
            "held by the engine"
        } else {
            "held by the broker"
        };
        groups.push(vec![span(holder, theme.dim)]);
    }
    groups
}

/// The most that can be lost.
fn worst(preview: &Preview, view: &View<'_>) -> Option<Group> {
    let theme = view.theme;
    Some(match preview.worst {
        Worst::Less => vec![span("takes risk off", theme.dim)],
        Worst::AtStop(money) => vec![span(
            format!("worst ~{} at the stop", amount(money, preview, view, false)),
            theme.dim,
        )],
        Worst::All(money) => vec![span(
            format!("worst all {}, no stop", amount(money, preview, view, false)),
            theme.dim,
        )],
        Worst::Unlimited => vec![span("worst without limit: a short, no stop", theme.warn)],
        Worst::Unknown => return None,
    })
}

/// Cost, margin, and the limit it comes nearest to.
fn terms(preview: &Preview, view: &View<'_>) -> Vec<Group> {
    let theme = view.theme;
    let estimate = |word: &str, money: Option<Money>| {
        let text = money.map_or_else(
            || number::UNKNOWN.to_owned(),
            |money| format!("~{}", amount(money, preview, view, false)),
        );
        vec![span(format!("{word} {text}"), theme.dim)]
    };
    let mut groups = vec![estimate("fee", preview.fee)];
    if !preview.reduces {
        groups.push(estimate("margin", preview.margin));
    }
    if let Some(share) = preview.tightest {
        groups.push(vec![limit(share, view)]);
    }
    groups
}

/// `37% of order value`.
fn limit(share: Share, view: &View<'_>) -> Span<'static> {
    let colour = match share.percent {
        0..=79 => view.theme.dim,
        _ => view.theme.warn,
    };
    span(format!("{}% of max {}", share.percent, share.limit), colour)
}

/// What all orders come to.
fn total(previews: &Previews, view: &View<'_>) -> Vec<Group> {
    let theme = view.theme;
    let count = previews.rows.len();
    let mut groups = vec![vec![
        bold("ALL ", theme.bright),
        span(format!("{count} orders or none"), theme.text),
    ]];
    let sum = |(currency, money): &(Currency, Money)| {
        let text = number::money(*money, currency.minor_decimals());
        vec![span(view.ours(format!("{text} {currency}")), theme.text)]
    };
    groups.extend(previews.total.iter().map(sum));
    groups.extend(previews.share.map(|share| vec![limit(share, view)]));
    let binding = previews.rows.iter().filter(|row| !row.reduces);
    let parts = [
        ("fees", sum_of(previews.rows.iter(), |row| row.fee)),
        ("margin", sum_of(binding, |row| row.margin)),
    ];
    for (word, sum) in parts {
        let Some((currency, money)) = sum else { continue };
        let text = number::money(money, currency.minor_decimals());
        groups.push(vec![span(view.ours(format!("{word} ~{text}")), theme.dim)]);
    }
    groups
}

/// A sum over orders of one currency; nothing where one of them is not known, or they have several.
fn sum_of<'a>(
    mut rows: impl Iterator<Item = &'a Preview>,
    part: impl Fn(&Preview) -> Option<Money>,
) -> Option<(Currency, Money)> {
    let first = rows.next()?;
    let (currency, begun) = (first.currency?, part(first)?);
    let sum = rows.try_fold(begun, |sum, row| {
        (row.currency? == currency).then_some(())?;
        Some(sum.saturating_add(part(row)?))
    })?;
    Some((currency, sum))
}

fn signed(quantity: Quantity, view: &View<'_>) -> Color {
    match quantity.raw().signum() {
        1 => view.theme.up,
        -1 => view.theme.down,
        _ => view.theme.text,
    }
}

fn kind(kind: OrderKind, counted_at: Option<Price>, show: &dyn Fn(Price) -> String) -> String {
    match (kind, counted_at) {
        (OrderKind::Market, Some(price)) => format!("mkt, now {}", show(price)),
        (OrderKind::Market, None) => "mkt, no price now".to_owned(),
        (OrderKind::Limit { price }, _) => format!("@ {}", show(price)),
        (OrderKind::MarketOnClose, Some(price)) => format!("moc, now {}", show(price)),
        (kind, _) => kind.text(show),
    }
}

/// Commands that place nothing, in words.
fn plain(command: &Command, view: &View<'_>) -> Vec<Group> {
    let theme = view.theme;
    match command {
        Command::CancelAll {
            instrument,
            stops_too,
            ..
        } => {
            let what = instrument.map_or("every order of the account".to_owned(), |id| {
                format!("every order on {id}")
            });
            let stops = if *stops_too {
                "protective stops too"
            } else {
                "protective stops stay"
            };
            vec![
                vec![bold("CANCEL ", theme.bright), span(what, theme.text)],
                vec![span(stops, theme.dim)],
            ]
        }
        Command::Flatten {
            account, instrument, ..
        } => change::flatten("FLATTEN ", *account, *instrument, view),
        // Only what is protected comes here, and goes as a flatten does: everything else that closes has a preview.
        Command::Close {
            account, instrument, ..
        } => change::flatten("CLOSE ", *account, *instrument, view),
        _ => Vec::new(),
    }
}
