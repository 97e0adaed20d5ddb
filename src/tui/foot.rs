//! The foot of the screen: the message line, which is also the rule under the panes, the order line or the ticket with
//! what they would do, and the row of keys. What is open may take one row more, over the panes: nothing above moves.

mod typed;

use self::typed::{Typed, draw_line};
use super::desk::{Desk, Modal, Pledge, Question, Tone};
use super::forecast::{Forecast, Group, bold, forecast, span};
use super::keymap::{Context, Danger};
use super::layout::WORKSPACES;
use super::pane::View;
use super::status::put;
use super::ticket::{Field, Purpose, Style, Ticket};
use super::view::Drawn;
use super::widgets::number;
use super::widgets::text::{Pen, wrap};
use super::world::Standing;
use crate::domain::{AccountKey, InstrumentId, Price, Quantity, Side, Timestamp, counted};
use crate::engine::risk::{self, Effect};
use crate::engine::{Abilities, Command, Denial, DenialCode, changed, digest};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::text::Span;

/// From this width on what is no order is explained beside the line; below it, and orders always, above it.
const BESIDE: u16 = 120;
/// How many rows of the screen a preview leaves to the panes and to itself.
const LEFT: u16 = 10;

/// Draws the foot into the last rows of `screen`.
pub fn draw(desk: &Desk, now: Timestamp, screen: Rect, buf: &mut Buffer, drawn: &mut Drawn) {
    let view = desk.world.view(now);
    let typed = match &desk.modal {
        Some(Modal::Line(line)) => Some(Typed::new(desk, line, &view, screen)),
        _ => None,
    };
    let drafted = match &desk.modal {
        Some(Modal::Ticket(ticket)) => Some(Drafted::new(desk, ticket, &view, screen)),
        _ => None,
    };
    let asked = match &desk.modal {
        Some(Modal::Question(question)) => Some(Asked::new(desk, question, &view, screen)),
        _ => None,
    };
    let held = desk.in_hand(&desk.view_of(desk.focus, now));
    let refused = held.as_ref().and_then(|ahead| ahead.denial.clone());
    let held = held.map(|ahead| ahead.lines(usize::from(screen.width.saturating_sub(2))));
    let below = drafted.as_ref().map_or(1, |drafted| drafted.lines.len());
    let below = u16::try_from(below.max(1)).unwrap_or(1);
    let rows = match (&desk.modal, &typed) {
        (Some(Modal::Ticket(_)), _) => 3 + below,
        (Some(Modal::Question(_)), _) => 2 + asked.as_ref().map_or(2, Asked::rows),
        (_, Some(typed)) => 3 + u16::try_from(typed.above.len()).unwrap_or(0),
        (None, _) if held.is_some() => {
            2 + u16::try_from(held.as_ref().map_or(1, |lines| lines.len().max(1))).unwrap_or(1)
        }
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
        Some(Modal::Ticket(ticket)) => drafted.map(|drafted| {
            for (n, spans) in (2..).zip(drafted.lines.iter().rev()) {
                put(&mut Pen::new(buf, row(n)), 1, spans);
            }
            draw_ticket(ticket, &view, row(2 + below), buf);
            drafted.said
        }),
        Some(Modal::Question(_)) => asked.map(|asked| {
            for (n, (spans, ground)) in (2..).zip(asked.lines.iter().rev()) {
                let mut pen = Pen::new(buf, row(n));
                pen.clear(*ground);
                put(&mut pen, 1, spans);
            }
            asked.said
        }),
        Some(Modal::Line(line)) => typed.map(|typed| {
            for (n, spans) in (3..).zip(typed.above.iter().rev()) {
                let mut pen = Pen::new(buf, row(n));
                pen.clear(view.theme.panel);
                put(&mut pen, 1, spans);
            }
            draw_line(desk, line, typed, &view, row(2), buf, drawn)
        }),
        None if held.is_some() => {
            for (n, spans) in (2..).zip(held.iter().flatten().rev()) {
                let mut pen = Pen::new(buf, row(n));
                pen.clear(view.theme.panel);
                put(&mut pen, 1, spans);
            }
            refused.map(|denial| Some((Tone::Warn, format!("would be denied: {}", mended(&denial)))))
        }
        _ => {
            idle(&desk.view_of(desk.focus, now), Pen::new(buf, row(2)));
            None
        }
    };
    let more = message(desk, said.flatten(), &view, now, [row(rows + 1), row(rows)], buf);
    drawn.foot = rows + u16::from(more);
    hints(desk, &view, row(1), buf, drawn);
}

/// The rule under the panes with what there is to say on it. What the open ticket or line says stands, but gives way for
/// some seconds to what has just come: a warning, why Enter did not send, what the engine answered to a key. True where it took
/// the row above, too.
fn message(
    desk: &Desk,
    said: Option<(Tone, String)>,
    view: &View<'_>,
    now: Timestamp,
    [above, rule]: [Rect; 2],
    buf: &mut Buffer,
) -> bool {
    let theme = view.theme;
    let told = desk
        .message
        .as_ref()
        .map(|message| (message.tone, view.ours(message.words())));
    let is_news = desk.message.as_ref().is_some_and(|message| message.is_news(now));
    let shown = if is_news { told } else { said.or(told) };
    let Some((tone, text)) = shown else {
        let mut pen = Pen::new(buf, rule);
        pen.line(0, rule.width, 0, '─', theme.rule);
        return false;
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
    lines.len() > 1
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

/// Who watches over stop and target.
fn holder(ticket: &Ticket) -> Option<(Tone, String)> {
    let text = if Abilities::of(ticket.account.broker).holds_brackets {
        "stop and target are held by the broker"
    } else {
        "stop and target are held by the engine: they reach the broker as the entry fills"
    };
    let has_legs = ticket.stop.is_some() || ticket.target.is_some();
    has_legs.then(|| (Tone::Plain, text.to_owned()))
}

impl Desk {
    /// What the pane with the focus has in hand and would send.
    fn in_hand(&self, view: &View<'_>) -> Option<Forecast> {
        let shown = self.world.is_known && !self.too_small;
        self.pane(self.focus)
            .filter(|_| shown)
            .and_then(|place| place.pane.in_hand_ahead(view))
    }
}

/// What keeps this terminal from adding risk.
fn unarmed(desk: &Desk) -> Option<(Tone, String)> {
    let text = match desk.world.standing() {
        Standing::Armed => return None,
        Standing::Disarmed => "this terminal is not armed: :arm first",
        Standing::NoToken => "no terminal has the trading token: Space t takes it",
        Standing::TokenElsewhere => "another terminal has the trading token: Space t takes it",
        Standing::Looks => "this terminal only looks: it can't send orders",
    };
    Some((Tone::Warn, text.to_owned()))
}

/// Whether a draft adds risk, as the engine asks it of a terminal without the token.
fn adds_risk(command: &Command, view: &View<'_>) -> bool {
    match command {
        Command::Modify { id, change } => view.state.orders.get(id).is_some_and(|order| {
            risk::change_effect(view.state, order, &changed(&order.spec, *change)) == Effect::Adds
        }),
        other => digest::adds_risk(other, view.state),
    }
}

/// What the open ticket would do.
struct Drafted {
    /// Rows under the fields.
    lines: Vec<Group>,
    /// What speaks against it.
    said: Option<(Tone, String)>,
}

impl Drafted {
    fn new(desk: &Desk, ticket: &Ticket, view: &View<'_>, screen: Rect) -> Self {
        let theme = view.theme;
        let command = match ticket.command(desk.preview_id) {
            Ok(command) => command,
            Err(missing) => {
                return Self {
                    lines: vec![vec![span(missing, theme.dim)]],
                    said: None,
                };
            }
        };
        let mut ahead = forecast(&command, view);
        if let [row] = &mut ahead.rows[..] {
            // What the broker says of it goes before what its public terms say.
            let told = desk.what_if_words(&command, view);
            let told = told.map(|span| vec![Span::styled(span.content.trim().to_owned(), span.style)]);
            let placed = placement(ticket, view).map(|words| vec![span(words, theme.warn)]);
            let at = row.len().min(1);
            row.splice(at..at, placed.into_iter().chain(told));
        }
        let most = usize::from(screen.height.saturating_sub(LEFT)).max(1);
        let mut lines = ahead.lines(usize::from(screen.width.saturating_sub(2)));
        lines.truncate(most);
        let said = match ahead.denial {
            Some(denial) => Some((Tone::Warn, format!("would be denied: {}", mended(&denial)))),
            // The way out needs neither the token nor arming.
            None => unarmed(desk)
                .filter(|_| adds_risk(&command, view))
                .or_else(|| holder(ticket)),
        };
        Self { lines, said }
    }
}

/// The ticket's fields.
fn draw_ticket(ticket: &Ticket, view: &View<'_>, fields: Rect, buf: &mut Buffer) {
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
    match ticket.date() {
        Some(date) => all.push((Some(Field::Until), "gtd", date)),
        None => all.push((None, "", ticket.tif.word().to_owned())),
    }
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

/// An open question: what would be done, and what Enter and Esc mean.
struct Asked {
    /// From above to below, each with its ground.
    lines: Vec<(Group, Color)>,
    /// What speaks against it.
    said: Option<(Tone, String)>,
}

impl Asked {
    fn new(desk: &Desk, question: &Question, view: &View<'_>, screen: Rect) -> Self {
        let theme = view.theme;
        let width = usize::from(screen.width.saturating_sub(2));
        let most = usize::from(screen.height.saturating_sub(LEFT)).max(1);
        let (lead, mut ahead) = pledged(desk, question, view);
        if let Some(lead) = lead {
            let begins = bold(lead, theme.bright);
            match ahead.rows.first_mut().and_then(|row| row.first_mut()) {
                Some(group) => group.insert(0, begins),
                None => ahead.rows.push(vec![vec![begins]]),
            }
        }
        let colour = match question.pledge {
            Pledge::Close(..) => theme.text,
            _ => theme.warn,
        };
        let mut lines: Vec<(Group, Color)> = ahead
            .lines(width)
            .into_iter()
            .take(most)
            .map(|line| (line, theme.panel))
            .collect();
        let text = wrap(&question.text, width);
        lines.extend(
            text.into_iter()
                .map(|line| (vec![span(line, colour)], theme.background)),
        );
        let said = ahead
            .denial
            .map(|denial| (Tone::Warn, format!("would be denied: {denial}")));
        Self { lines, said }
    }
    fn rows(&self) -> u16 {
        u16::try_from(self.lines.len()).unwrap_or(2)
    }
}

/// What a question's Enter would do, and the word it begins with where the preview has none of its own.
fn pledged(desk: &Desk, question: &Question, view: &View<'_>) -> (Option<String>, Forecast) {
    let theme = view.theme;
    let one = |text: String| Forecast::of(vec![span(text, theme.text)]);
    match question.pledge {
        Pledge::Close(account, instrument) => {
            let command = Command::Close {
                id: desk.preview_id,
                account,
                instrument,
            };
            (Some("CLOSE ".to_owned()), forecast(&command, view))
        }
        Pledge::Cancel(id) => {
            let order = view
                .state
                .orders
                .get(&id)
                .map_or(String::new(), |order| order.spec.to_string());
            (Some("CANCEL ".to_owned()), one(order))
        }
        Pledge::Disconnect => {
            let left = Forecast::of(super::words::left_alone(view));
            (Some("DISCONNECT ".to_owned()), left)
        }
        Pledge::CancelStopsToo(account, instrument) => {
            let command = Command::CancelAll {
                account,
                instrument,
                stops_too: true,
            };
            (None, forecast(&command, view))
        }
        Pledge::Flatten(account) => {
            let rows = vec![what_goes(desk, account, view)];
            let ahead = Forecast { rows, denial: None };
            (Some("FLATTEN ACCOUNT ".to_owned()), ahead)
        }
        Pledge::Resolve(about) => {
            let word = format!("{} ", about.deed.word().to_uppercase());
            (Some(word), one(view.ours(about.words(view))))
        }
        Pledge::HaltStopsToo(account) => {
            let what = view.ours(format!("{}: every order goes, stops too", account.account));
            (Some("HALT ".to_owned()), one(what))
        }
    }
}

/// What flattening the account takes away: `SIM100001: +2 ESZ6, 3 orders SPY`.
fn what_goes(desk: &Desk, account: AccountKey, view: &View<'_>) -> Vec<Group> {
    let goes = desk.to_flatten(account);
    let one = |(id, held, orders): &(InstrumentId, Quantity, usize)| match (held.is_zero(), *orders) {
        (true, n) => format!("{} {id}", counted(n, "order")),
        (false, 0) => format!("{} {id}", number::quantity_signed(*held)),
        (false, n) => format!(
            "{} {id} and {}",
            number::quantity_signed(*held),
            counted(n, "order")
        ),
    };
    let last = goes.len().saturating_sub(1);
    let told = |(n, of): (usize, &(InstrumentId, Quantity, usize))| {
        let name = if n == 0 {
            format!("{}: ", account.account)
        } else {
            String::new()
        };
        let comma = if n < last { "," } else { "" };
        let text = view.ours(format!("{name}{}{comma}", one(of)));
        vec![span(text, view.theme.text)]
    };
    goes.iter().enumerate().map(told).collect()
}

/// The row of keys, from the table, and the workspaces.
fn hints(desk: &Desk, view: &View<'_>, row: Rect, buf: &mut Buffer, drawn: &mut Drawn) {
    let theme = view.theme;
    let context = desk.context();
    let mut pen = Pen::new(buf, row);
    let width = pen.width();
    let mut hints = desk.keymap.hints(context);
    let in_hand = desk.modal.is_none() && desk.in_hand(&desk.view_of(desk.focus, view.now)).is_some();
    if in_hand {
        hints = [
            ("k", "up"),
            ("j", "down"),
            ("Enter", "send all legs"),
            ("Esc", "leave as it is"),
        ]
        .map(|(key, word)| (key.to_owned(), word, Danger::None))
        .into();
    }
    if let Some(Modal::Question(question)) = &desk.modal {
        hints.retain(|(key, ..)| key == "Enter" || key == "Esc");
        let words = match question.pledge {
            Pledge::Close(..) => ["close", "keep"],
            Pledge::Cancel(_) => ["cancel the stop", "keep it"],
            Pledge::CancelStopsToo(..) => ["cancel stops too", "keep them"],
            Pledge::Flatten(_) => ["flatten the account", "keep"],
            Pledge::HaltStopsToo(_) => ["halt, stops go too", "nothing"],
            Pledge::Resolve(about) => [about.deed.word(), "leave it"],
            Pledge::Disconnect => ["cut the connection", "keep it"],
        };
        for ((_, word, _), meant) in hints.iter_mut().zip(words) {
            *word = meant;
        }
    }
    if context == Context::Desk && !in_hand {
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
        "zoom", "close", "go", "edit", "history", "less", "mkt/lmt", "then", "field", "type",
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
