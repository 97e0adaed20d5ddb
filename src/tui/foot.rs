//! The foot of the screen: the message line, which is also the rule under the panes, the order line or the ticket with
//! what they would do, and the row of keys. What is open may take one row more, over the panes: nothing above moves.

use super::desk::{Desk, Modal, Pledge, Question, Tone};
use super::forecast::{Forecast, bold, forecast, span};
use super::keymap::{Context, Danger};
use super::layout::WORKSPACES;
use super::line::{self, Line, Reading};
use super::pane::View;
use super::status::put;
use super::ticket::{Field, Purpose, Style, Ticket};
use super::view::Drawn;
use super::widgets::number;
use super::widgets::text::{Pen, wrap};
use super::world::Standing;
use crate::domain::{AccountKey, InstrumentId, Price, Quantity, Side, Timestamp};
use crate::engine::{Command, Denial, DenialCode};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;
use std::time::Duration;

/// From this width on the preview stands beside the order line, below it above.
const BESIDE: u16 = 120;
/// How long a warning is news.
const NEWS: Duration = Duration::from_secs(3);

/// Draws the foot into the last rows of `screen`.
pub fn draw(desk: &Desk, now: Timestamp, screen: Rect, buf: &mut Buffer, drawn: &mut Drawn) {
    let view = desk.world.view(now);
    let rows = match &desk.modal {
        Some(Modal::Ticket(_) | Modal::Question(_)) => 4,
        Some(Modal::Line(_)) if screen.width < BESIDE => 4,
        _ => 3,
    };
    let row = |n: u16| Rect {
        y: (screen.y + screen.height).saturating_sub(n),
        height: 1,
        ..screen
    };
    for n in 1..=rows {
        Pen::new(buf, row(n)).clear(view.theme.background);
    }
    let said = match &desk.modal {
        Some(Modal::Ticket(ticket)) => Some(draw_ticket(desk, ticket, &view, [row(3), row(2)], buf)),
        Some(Modal::Question(question)) => Some(draw_question(desk, question, &view, [row(3), row(2)], buf)),
        Some(Modal::Line(line)) => Some(draw_line(desk, line, &view, [row(3), row(2)], buf, drawn)),
        _ => {
            idle(&view, Pen::new(buf, row(2)));
            None
        }
    };
    message(desk, said.flatten(), &view, now, [row(rows + 1), row(rows)], buf);
    hints(desk, &view, row(1), buf, drawn);
}

/// The rule under the panes with what there is to say on it. What the open ticket or line says stands, but gives way for
/// some seconds to a warning that has just come: why Enter did not send, or what the engine answered.
fn message(
    desk: &Desk,
    said: Option<(Tone, String)>,
    view: &View<'_>,
    now: Timestamp,
    [above, rule]: [Rect; 2],
    buf: &mut Buffer,
) {
    let theme = view.theme;
    let told = desk
        .message
        .as_ref()
        .map(|message| (message.tone, view.ours(message.text.clone())));
    let is_news = desk
        .message
        .as_ref()
        .is_some_and(|m| m.tone > Tone::Plain && now.since(m.at) < NEWS);
    let shown = if is_news { told } else { said.or(told) };
    let Some((tone, text)) = shown else {
        let mut pen = Pen::new(buf, rule);
        pen.line(0, rule.width, 0, '─', theme.rule);
        return;
    };
    let colour = match tone {
        Tone::Plain => theme.text,
        Tone::Good => theme.up,
        Tone::Warn => theme.warn,
    };
    // What does not fit takes one row more, over the panes, rather than lose its end.
    let room = rule.width.saturating_sub(4);
    let lines = wrap(&text, usize::from(room));
    let begins = lines.first().copied().unwrap_or_default();
    let first = if lines.len() > 1 { above } else { rule };
    let mut pen = Pen::new(buf, first);
    pen.clear(theme.background);
    pen.line(0, first.width, 0, '─', theme.rule);
    pen.put(1, 0, " ", colour);
    let end = pen.put_within(2, first.width.saturating_sub(2), 0, begins, theme.style(colour));
    pen.put(end, 0, " ", colour);
    if lines.len() > 1 {
        let rest = text[begins.len()..].trim_start();
        let mut pen = Pen::new(buf, rule);
        pen.put_within(2, rule.width.saturating_sub(2), 0, rest, theme.style(colour));
    }
}

fn idle(view: &View<'_>, mut pen: Pen<'_>) {
    let x = pen.put(1, 0, ":", view.theme.dim);
    let example = view.instrument.map_or("AAPL".to_owned(), |id| id.to_string());
    pen.put(
        x + 1,
        0,
        &format!("buy 100 {example} @bid    sell 100 {example} mkt    x {example}"),
        view.theme.faint,
    );
}

/// The order line and what it would do; answers what is wrong with it.
fn draw_line(
    desk: &Desk,
    line: &Line,
    view: &View<'_>,
    [above, row]: [Rect; 2],
    buf: &mut Buffer,
    drawn: &mut Drawn,
) -> Option<(Tone, String)> {
    let theme = view.theme;
    let mut id = || desk.preview_id;
    let reading = line::read(line.text(), view, &mut id);
    let mut pen = Pen::new(buf, row);
    let width = pen.width();
    // A line longer than the row shows its end: that is where one types.
    let room = usize::from(width.saturating_sub(4));
    let skip = (line.cursor() + 1).saturating_sub(room);
    let shown: String = line.text().chars().skip(skip).collect();
    pen.put(1, 0, ":", bold("", theme.bright).style);
    let mut end = pen.put_within(2, width, 0, &shown, theme.style(theme.bright));
    if let Reading::Wrong(at, _) = &reading {
        mark(&mut pen, line.text(), at.clone(), skip, theme.error);
    }
    if let Some(rest) = line.completion(view) {
        end = pen.put_within(end, width, 0, &rest, theme.style(theme.faint));
    }
    let cursor = u16::try_from(line.cursor() - skip.min(line.cursor())).unwrap_or(0);
    drawn.cursor = Some(Position::new(row.x + 2 + cursor, row.y));
    let ahead = ahead(&reading, view);
    let place = if width >= BESIDE {
        let start = end.saturating_add(4).max(46);
        Rect {
            x: row.x + start.min(width),
            width: width.saturating_sub(start),
            ..row
        }
    } else {
        above
    };
    put(&mut Pen::new(buf, place), u16::from(width < BESIDE), &ahead.spans);
    match (reading, ahead.denial) {
        (Reading::Wrong(at, why), _) if at.start < line.text().trim_end().len() || at.start == 0 => {
            Some((Tone::Warn, why))
        }
        (Reading::Wrong(_, why), _) => Some((Tone::Plain, why)),
        (_, Some(denial)) => Some((Tone::Warn, format!("would be denied: {denial}"))),
        (Reading::Commands(commands, _), None) => match commands.first() {
            Some(Command::Submit { legs, .. }) => unarmed(desk).or_else(|| holder(!legs.is_empty())),
            _ => None,
        },
        _ => None,
    }
}

/// Underlines the word that is wrong.
fn mark(
    pen: &mut Pen<'_>,
    text: &str,
    at: std::ops::Range<usize>,
    skip: usize,
    colour: ratatui::style::Color,
) {
    let before = text.get(..at.start).map_or(0, |part| part.chars().count());
    let wrong: String = text.get(at).unwrap_or_default().chars().collect();
    if before >= skip {
        let x = u16::try_from(before - skip).unwrap_or(u16::MAX).saturating_add(2);
        let style = ratatui::style::Style::new().fg(colour).underlined();
        pen.put_within(
            x,
            pen.width(),
            0,
            if wrong.is_empty() { " " } else { &wrong },
            style,
        );
    }
}

/// What Enter would do with a line.
fn ahead(reading: &Reading, view: &View<'_>) -> Forecast {
    let theme = view.theme;
    let only = |spans| Forecast { spans, denial: None };
    match reading {
        Reading::Commands(_, ahead) => ahead.first().cloned().unwrap_or_default(),
        Reading::Symbol(id) => {
            let name = view
                .state
                .instruments
                .get(id)
                .map_or(String::new(), |i| format!("  {}", i.name));
            only(vec![
                bold(id.to_string(), theme.bright),
                span(name, theme.dim),
                span("  Enter puts it on the desk", theme.dim),
            ])
        }
        Reading::FlattenAccount => only(vec![
            bold("FLATTEN ALL ", theme.bright),
            span(
                "every order and position of the account; Enter asks once more",
                theme.text,
            ),
        ]),
        Reading::Desk(word, _) => {
            let found = line::DESK_WORDS.iter().find(|(known, ..)| known == word);
            let (args, what) = found.map_or(("", ""), |(_, args, what)| (*args, *what));
            let gap = if args.is_empty() { "" } else { " " };
            only(vec![
                span(format!("{word}{gap}{args}"), theme.bright),
                span(format!("  {what}"), theme.dim),
            ])
        }
        Reading::Empty => only(vec![span(
            "buy|sell QTY SYM [@PRICE|mkt] [stop P] [target P] [day|gtc|ioc|fok]   x   close   flat",
            theme.faint,
        )]),
        Reading::Wrong(..) => only(Vec::new()),
    }
}

/// Who watches over stop and target.
fn holder(has_legs: bool) -> Option<(Tone, String)> {
    let text = "stop and target are held by the engine: they reach the broker as the entry fills";
    has_legs.then(|| (Tone::Plain, text.to_owned()))
}

/// What keeps this terminal from adding risk.
fn unarmed(desk: &Desk) -> Option<(Tone, String)> {
    let text = match desk.world.standing() {
        Standing::Armed => return None,
        Standing::Disarmed => "this terminal is not armed: :arm first",
        Standing::NoToken => "no terminal has the trading token: Space t takes it",
        Standing::TokenElsewhere => "another terminal has the trading token: Space t takes it",
    };
    Some((Tone::Warn, text.to_owned()))
}

/// The ticket's fields and what it would do; answers what speaks against it.
fn draw_ticket(
    desk: &Desk,
    ticket: &Ticket,
    view: &View<'_>,
    [fields, below]: [Rect; 2],
    buf: &mut Buffer,
) -> Option<(Tone, String)> {
    let theme = view.theme;
    let mut pen = Pen::new(buf, fields);
    let width = pen.width();
    pen.clear(theme.panel);
    let side = if ticket.side == Side::Buy {
        theme.buy
    } else {
        theme.sell
    };
    let what = if ticket.purpose == Purpose::New {
        ticket.side.word().to_owned()
    } else {
        format!("CHANGE {}", ticket.side.word())
    };
    let mut x = pen.put(1, 0, &what, bold("", side).style) + 1;
    for (field, label, value) in values(ticket) {
        if !label.is_empty() {
            x = pen.put(x + 1, 0, label, theme.faint);
        }
        let here = field == Some(ticket.field);
        let text = match (&ticket.typing, here) {
            (Some(typed), true) => format!(" {typed}▏"),
            _ => format!(" {value} "),
        };
        if here {
            let end = x + u16::try_from(text.chars().count()).unwrap_or(0);
            pen.ground(x, 0, end - x, 1, theme.selection);
        }
        let style = if here {
            bold("", theme.bright).style.bg(theme.selection)
        } else {
            theme.style(theme.text)
        };
        x = pen.put_within(x, width, 0, &text, style);
    }
    let market = market_words(ticket, view);
    let room = usize::from(width.saturating_sub(x + 3));
    if market.iter().map(Span::width).sum::<usize>() <= room {
        let wide: usize = market.iter().map(Span::width).sum();
        put(&mut pen, width - u16::try_from(wide).unwrap_or(0) - 1, &market);
    }
    let command = ticket.command(desk.preview_id);
    let mut pen = Pen::new(buf, below);
    match command {
        Err(missing) => {
            put(&mut pen, 1, &[span(missing, theme.dim)]);
            None
        }
        Ok(command) => {
            let ahead = forecast(&command, view);
            let mut spans = ahead.spans;
            if let Some(words) = placement(ticket, view) {
                spans.insert(spans.len().min(4), span(format!("  {words}"), theme.warn));
            }
            // What the broker says of it goes on the message line where the preview has no room.
            let bound = desk.what_if_words(&command, view);
            let used: usize = spans.iter().chain(&bound).map(Span::width).sum();
            let beside = bound.filter(|_| used >= usize::from(pen.width()));
            if beside.is_none() {
                spans.extend(desk.what_if_words(&command, view));
            }
            let beside = beside.map(|span| (Tone::Plain, span.content.trim().to_owned()));
            put(&mut pen, 1, &spans);
            match ahead.denial {
                Some(denial) => Some((Tone::Warn, format!("would be denied: {}", mended(&denial)))),
                None => unarmed(desk)
                    .or_else(|| holder(ticket.stop.is_some() || ticket.target.is_some()))
                    .or(beside),
            }
        }
    }
}

/// A denial with the ticket's key that helps, where one does.
pub fn mended(denial: &Denial) -> String {
    match denial.code {
        DenialCode::Short => format!("o allows a short; {denial}"),
        _ => denial.to_string(),
    }
}

/// The ticket's fields from left to right: label and value.
fn values(ticket: &Ticket) -> Vec<(Option<Field>, &'static str, String)> {
    let show = |price: Option<Price>| {
        price.map_or(number::UNKNOWN.to_owned(), |p| {
            number::price(p, ticket.instrument.decimals_at(p))
        })
    };
    let mut all = vec![
        (Some(Field::Quantity), "", number::quantity(ticket.quantity)),
        (None, "", ticket.instrument.id.to_string()),
    ];
    match ticket.style {
        Style::Market => all.push((None, "", "mkt".to_owned())),
        Style::MarketOnClose => all.push((None, "", "moc".to_owned())),
        _ => {}
    }
    let distance = ticket
        .distance
        .map(|distance| distance.text(|amount| show(Some(amount))));
    for field in ticket.style.fields() {
        let (label, value) = match (field, ticket.style) {
            (Field::Trigger, _) => ("trigger", show(ticket.trigger)),
            (Field::Distance, _) => ("trail", distance.clone().unwrap_or(number::UNKNOWN.to_owned())),
            (Field::Offset, _) => ("lmt", show(ticket.offset)),
            (_, Style::LimitOnClose) => ("loc", show(ticket.price)),
            (_, Style::Midprice) => ("mid to", show(ticket.price)),
            _ => ("@", show(ticket.price)),
        };
        all.push((Some(*field), label, value));
    }
    all.push((None, "", ticket.tif.word().to_owned()));
    if ticket.outside {
        all.push((None, "", "outside".to_owned()));
    }
    if ticket.purpose == Purpose::New {
        all.push((Some(Field::Stop), "stop", show(ticket.stop)));
        all.push((Some(Field::Target), "target", show(ticket.target)));
    }
    if ticket.short && ticket.purpose == Purpose::New {
        all.push((None, "", "short".to_owned()));
    }
    all
}

/// Bid and ask with their sizes.
fn market_words(ticket: &Ticket, view: &View<'_>) -> Vec<Span<'static>> {
    let theme = view.theme;
    let Some(quote) = view.market.quote(ticket.instrument.id) else {
        return vec![span("no quote", theme.warn)];
    };
    let show = |level: Option<(Price, Quantity)>| {
        level.map_or(number::UNKNOWN.to_owned(), |(price, size)| {
            format!(
                "{} × {}",
                number::price(price, ticket.instrument.decimals_at(price)),
                number::quantity(size)
            )
        })
    };
    vec![
        span("bid ", theme.faint),
        span(show(quote.bid), theme.up),
        span("  ask ", theme.faint),
        span(show(quote.ask), theme.down),
    ]
}

/// Where a limit stands to the market, where that is worth a word: it crosses, or it is far away.
fn placement(ticket: &Ticket, view: &View<'_>) -> Option<String> {
    let limit = ticket.price.filter(|_| ticket.style == Style::Limit);
    let (price, quote) = (limit?, view.market.quote(ticket.instrument.id)?);
    let (other, _) = quote.opposite(ticket.side)?;
    let tick = ticket.instrument.ticks.tick_at(other).raw().max(1);
    let into = match ticket.side {
        Side::Buy => price.raw().saturating_sub(other.raw()),
        Side::Sell => other.raw().saturating_sub(price.raw()),
    };
    match into / tick {
        0 if into == 0 => Some("takes the other side".to_owned()),
        n if into > 0 => Some(format!("crosses by {n} tick{}", if n == 1 { "" } else { "s" })),
        _ => None,
    }
}

fn draw_question(
    desk: &Desk,
    question: &Question,
    view: &View<'_>,
    [above, below]: [Rect; 2],
    buf: &mut Buffer,
) -> Option<(Tone, String)> {
    let theme = view.theme;
    let ahead = match question.pledge {
        Pledge::Close(account, instrument) => {
            let command = Command::Close {
                id: desk.preview_id,
                account,
                instrument,
            };
            forecast(&command, view)
        }
        Pledge::Cancel(id) => {
            let order = view
                .state
                .orders
                .get(&id)
                .map_or(String::new(), |order| order.spec.to_string());
            Forecast {
                spans: vec![bold("CANCEL ", theme.bright), span(order, theme.text)],
                denial: None,
            }
        }
        Pledge::Disconnect => Forecast {
            spans: super::words::left_alone(view),
            denial: None,
        },
        Pledge::Flatten(account) => Forecast {
            spans: vec![span(what_goes(desk, account, view), theme.text)],
            denial: None,
        },
    };
    let mut pen = Pen::new(buf, above);
    pen.clear(theme.panel);
    let lead = match question.pledge {
        Pledge::Close(..) => vec![bold("CLOSE ", theme.bright)],
        Pledge::Flatten(_) => vec![bold("FLATTEN ACCOUNT ", theme.bright)],
        Pledge::Disconnect => vec![bold("DISCONNECT ", theme.bright)],
        Pledge::Cancel(_) => Vec::new(),
    };
    let x = put(&mut pen, 1, &lead);
    put(&mut pen, x, &ahead.spans);
    let colour = match question.pledge {
        Pledge::Cancel(_) | Pledge::Flatten(_) | Pledge::Disconnect => theme.warn,
        Pledge::Close(..) => theme.text,
    };
    put(
        &mut Pen::new(buf, below),
        1,
        &[span(question.text.clone(), colour)],
    );
    ahead
        .denial
        .map(|denial| (Tone::Warn, format!("would be denied: {denial}")))
}

/// What flattening the account takes away, as many words as fit: `SIM100001: +2 ESZ6, 3 orders SPY`.
fn what_goes(desk: &Desk, account: AccountKey, view: &View<'_>) -> String {
    let goes = desk.to_flatten(account);
    let one = |(id, held, orders): &(InstrumentId, Quantity, usize)| match (held.is_zero(), *orders) {
        (true, 1) => format!("1 order {id}"),
        (true, n) => format!("{n} orders {id}"),
        (false, 0) => format!("{} {id}", number::quantity_signed(*held)),
        (false, 1) => format!("{} {id} and 1 order", number::quantity_signed(*held)),
        (false, n) => format!("{} {id} and {n} orders", number::quantity_signed(*held)),
    };
    let all: Vec<String> = goes.iter().map(one).collect();
    view.ours(format!("{}: {}", account.account, all.join(", ")))
}

/// The row of keys, from the table, and the workspaces.
fn hints(desk: &Desk, view: &View<'_>, row: Rect, buf: &mut Buffer, drawn: &mut Drawn) {
    let theme = view.theme;
    let context = desk.context();
    let mut pen = Pen::new(buf, row);
    let width = pen.width();
    let mut hints = desk.keymap.hints(context);
    if let Some(Modal::Question(question)) = &desk.modal {
        hints.retain(|(key, ..)| key == "Enter" || key == "Esc");
        let words = match question.pledge {
            Pledge::Close(..) => ["close", "keep"],
            Pledge::Cancel(_) => ["cancel the stop", "keep it"],
            Pledge::Flatten(_) => ["flatten the account", "keep"],
            Pledge::Disconnect => ["cut the connection", "keep it"],
        };
        for ((_, word, _), meant) in hints.iter_mut().zip(words) {
            *word = meant;
        }
    }
    if context == Context::Desk {
        let at = hints
            .iter()
            .position(|(_, word, _)| *word == "help")
            .unwrap_or(hints.len());
        hints.insert(at, ("g".to_owned(), "go", Danger::None));
    }
    let panic = ("^x".to_owned(), "PANIC", Danger::Panic);
    let at = hints
        .iter()
        .position(|(_, word, _)| *word == "help")
        .unwrap_or(hints.len());
    hints.insert(at, panic);
    let names: u16 = WORKSPACES
        .iter()
        .map(|(name, _)| u16::try_from(name.len()).unwrap_or(0) + 2)
        .sum();
    let reserved = if context == Context::Desk && width >= 110 {
        names + 2
    } else {
        0
    };
    // Where there is no room for all, the ones that can be done without go first.
    for least in [
        "zoom", "close", "go", "edit", "history", "less", "mkt/lmt", "field", "type",
    ] {
        if hint_width(&hints) + 2 <= width.saturating_sub(reserved) {
            break;
        }
        hints.retain(|(_, word, _)| *word != least);
    }
    let mut x = 1;
    if let Some(count) = desk.count {
        x = pen.put(x, 0, &format!("{count}… "), bold("", theme.warn).style);
    }
    for (key, word, danger) in &hints {
        let colour = if *danger == Danger::Panic {
            theme.down
        } else {
            theme.dim
        };
        let from = x;
        x = pen.put(x, 0, key, bold("", theme.bright).style);
        x = pen.put(x + 1, 0, word, colour) + 3;
        let width = x.saturating_sub(from + 3);
        let area = Rect {
            x: row.x + from,
            width,
            ..row
        };
        drawn.hints.push((area, key.clone()));
    }
    if reserved > 0 {
        let mut x = width.saturating_sub(names);
        for (n, (name, _)) in (0u8..).zip(WORKSPACES) {
            let here = n == desk.workspace;
            let style = if here {
                bold("", theme.bright).style
            } else {
                theme.style(theme.faint)
            };
            let end = pen.put(x, 0, name, style);
            drawn.workspaces.push((
                Rect {
                    x: row.x + x,
                    width: end - x,
                    ..row
                },
                n,
            ));
            x = end + 2;
        }
    }
}

fn hint_width(hints: &[(String, &'static str, Danger)]) -> u16 {
    let all: usize = hints
        .iter()
        .map(|(key, word, _)| key.chars().count() + word.chars().count() + 4)
        .sum();
    u16::try_from(all).unwrap_or(u16::MAX).saturating_sub(3)
}
