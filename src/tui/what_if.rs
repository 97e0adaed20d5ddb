//! What the ticket's order would bind, by the broker's word. Asked once for each draft that has stood for a moment, of
//! brokers that tell of themselves; nothing waits for the answer, and no answer holds an order up.

use super::desk::{Desk, Effect, Modal};
use super::forecast::{Forecast, forecast, span};
use super::line::Line;
use super::link::ToEngine;
use super::pane::View;
use super::ticket::Ticket;
use super::widgets::number;
use crate::domain::{Currency, Money, OrderSpec, Timestamp};
use crate::engine::Command;
use crate::engine::port::Margin;
use ratatui::text::Span;
use std::time::Duration;

/// A draft must have stood this long before the broker is asked: every question counts against its budget.
const SETTLED: Duration = Duration::from_millis(500);

/// A question about one draft, and the answer once it came.
#[derive(Clone, Debug)]
pub struct WhatIf {
    /// What was asked about.
    spec: OrderSpec,
    /// The question's token.
    token: u64,
    /// Nothing while it is open; then what the broker said, or nothing where it could not say.
    answer: Option<Option<Margin>>,
}

impl Desk {
    /// Asks about the open ticket's draft, where it has settled, could be sent, and was not asked about before.
    pub(super) fn ask_what_if(&mut self, now: Timestamp) -> Vec<Effect> {
        let (stood_for, spec) = match &self.modal {
            Some(Modal::Ticket(ticket)) => (ticket.stood_for(now), sendable(ticket, self, now)),
            Some(Modal::Line(line)) => (now.since(line.changed_at), pinned(line)),
            _ => {
                self.what_if = None;
                return Vec::new();
            }
        };
        let Some(spec) = spec.filter(|_| stood_for >= SETTLED && self.is_attached()) else {
            return Vec::new();
        };
        if !self.world.health.contains_key(&spec.account.broker) {
            return Vec::new();
        }
        if self.what_if.as_ref().is_some_and(|asked| asked.spec == spec) {
            return Vec::new();
        }
        let token = self.next_token;
        self.next_token += 1;
        self.what_if = Some(WhatIf {
            spec: spec.clone(),
            token,
            answer: None,
        });
        let spec = Box::new(spec);
        vec![Effect::Tell(ToEngine::Margin { token, spec })]
    }

    /// Takes the answer; one to an earlier draft is dropped.
    pub(super) fn take_margin(&mut self, token: u64, margin: Option<Margin>) {
        if let Some(asked) = self.what_if.as_mut().filter(|asked| asked.token == token) {
            asked.answer = Some(margin);
        }
    }

    /// What the broker said of the order on the line.
    pub(super) fn what_if_line(&self, line: &Line, view: &View<'_>) -> Option<Span<'static>> {
        self.what_if_words(line.pin.as_ref()?.commands().first()?, view)
    }

    /// What the broker said of exactly this order, as the preview shows it.
    pub(super) fn what_if_words(&self, command: &Command, view: &View<'_>) -> Option<Span<'static>> {
        let Command::Submit { spec, .. } = command else {
            return None;
        };
        let asked = self.what_if.as_ref().filter(|asked| asked.spec == *spec)?;
        Some(match asked.answer.as_ref()? {
            Some(margin) => span(view.ours(words(margin)), view.theme.text),
            None => span(format!("  margin {}", number::UNKNOWN), view.theme.dim),
        })
    }
}

/// The one order that a line's preview shows; nothing for a pair or several.
fn pinned(line: &Line) -> Option<OrderSpec> {
    match line.pin.as_ref()?.commands() {
        [Command::Submit { spec, .. }] => Some(spec.clone()),
        _ => None,
    }
}

/// The order of a draft that the engine would take; nothing for a change, or for what would be denied.
fn sendable(ticket: &Ticket, desk: &Desk, now: Timestamp) -> Option<OrderSpec> {
    let command = ticket.command(desk.preview_id).ok()?;
    let Forecast { denial, .. } = forecast(&command, &desk.world.view(now));
    match command {
        Command::Submit { spec, .. } if denial.is_none() => Some(spec),
        _ => None,
    }
}

/// `  margin +1,234.00 → 5,678.00 USD, fee 1.00`.
fn words(margin: &Margin) -> String {
    let currency = margin.currency.as_str();
    let decimals = currency
        .parse::<Currency>()
        .map_or(2, |currency| currency.minor_decimals());
    let amount = |money: Option<Money>| {
        money.map_or_else(
            || number::UNKNOWN.to_owned(),
            |money| number::money(money, decimals),
        )
    };
    let plus = if margin.initial_change.is_some_and(|change| change.raw() > 0) {
        "+"
    } else {
        ""
    };
    let mut text = format!(
        "  margin {plus}{} → {} {currency}",
        amount(margin.initial_change),
        amount(margin.initial_after)
    );
    match margin.fee {
        Some((low, high)) if low == high => text += &format!(", fee {}", number::money(low, decimals.max(2))),
        Some((low, high)) => {
            let decimals = decimals.max(2);
            text += &format!(
                ", fee {}–{}",
                number::money(low, decimals),
                number::money(high, decimals)
            );
        }
        None => {}
    }
    if !margin.warning.as_str().is_empty() {
        text += &format!("  {}", margin.warning);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::panes::fixture;
    use super::super::sample;
    use super::*;
    use crate::domain::{Quantity, SafeText, Side};
    use crate::tui::link::FromEngine;

    fn asked(effects: &[Effect]) -> Vec<u64> {
        let token = |effect: &Effect| match effect {
            Effect::Tell(ToEngine::Margin { token, .. }) => Some(*token),
            _ => None,
        };
        effects.iter().filter_map(token).collect()
    }

    #[test]
    fn a_settled_draft_is_asked_about_once_and_an_answer_to_another_is_never_shown() {
        let (mut desk, _) = sample::desk();
        let after = |millis| sample::now().after(Duration::from_millis(millis));
        let mut told = fixture::Desk::rich();
        told.connect();
        let ticket = |desk: &Desk| {
            let instrument = &desk.world.state.instruments[&fixture::id("AAPL")];
            let quote = desk.world.market.quote(instrument.id);
            let quantity = Quantity::whole(10).unwrap();
            Ticket::new(
                (sample::account(), instrument),
                Side::Buy,
                quantity,
                false,
                quote,
                sample::now(),
            )
        };
        desk.modal = Some(Modal::Ticket(Box::new(ticket(&desk))));
        assert_eq!(
            asked(&desk.ask_what_if(after(900))),
            [0; 0],
            "a broker that tells nothing of itself is not asked"
        );
        let health = Box::new(told.health.unwrap());
        desk.on_engine(FromEngine::Health(health), sample::now());
        assert_eq!(asked(&desk.ask_what_if(after(300))), [0; 0], "not settled");
        let tokens = asked(&desk.ask_what_if(after(600)));
        assert_eq!(tokens.len(), 1);
        assert_eq!(asked(&desk.ask_what_if(after(1_600))), [0; 0], "once");
        let margin = Margin {
            currency: SafeText::new("USD"),
            initial_change: Some(Money::whole(1_234)),
            initial_after: Some(Money::whole(5_678)),
            fee: Some((Money::whole(1), Money::whole(1))),
            ..Margin::default()
        };
        let command = ticket(&desk).command(desk.preview_id).unwrap();
        let shown = |desk: &Desk| {
            let view = desk.world.view(sample::now());
            desk.what_if_words(&command, &view)
                .map(|span| span.content.into_owned())
        };
        desk.take_margin(tokens[0] + 1, Some(margin.clone()));
        assert_eq!(shown(&desk), None, "an answer to another question");
        desk.take_margin(tokens[0], Some(margin));
        assert_eq!(
            shown(&desk).unwrap(),
            "  margin +1,234.00 → 5,678.00 USD, fee 1.00"
        );
        if let Some(Modal::Ticket(ticket)) = &mut desk.modal {
            ticket.quantity = Quantity::whole(20).unwrap();
        }
        let other = desk.modal.as_ref().and_then(|modal| match modal {
            Modal::Ticket(ticket) => ticket.command(desk.preview_id).ok(),
            _ => None,
        });
        let view = desk.world.view(sample::now());
        assert!(desk.what_if_words(&other.unwrap(), &view).is_none());
    }
}
