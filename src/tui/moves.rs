//! What the ladder wishes of the desk: an order moved by a tick, and a ticket at a price. Friction follows the effect on
//! risk: what could not cost more goes at once, all else opens the ticket with the new price, where Enter sends it.

use super::desk::{Desk, Effect, Modal, Tone, words};
use super::pane::Wish;
use super::panes::depth::own;
use super::ticket::Ticket;
use crate::domain::{ClientOrderId, Price, Side, Timestamp};
use crate::engine::Command;

/// Of several moves of one order in a row only the last is meant: a count before the key.
pub(super) fn last_moves(wishes: Vec<Wish>) -> Vec<Wish> {
    let mut kept: Vec<Wish> = Vec::with_capacity(wishes.len());
    for wish in wishes {
        if let (Wish::Move(id, _), Some(Wish::Move(before, _))) = (&wish, kept.last())
            && id == before
        {
            kept.pop();
        }
        kept.push(wish);
    }
    kept
}

impl Desk {
    /// Moves the price of a live order, or opens the ticket on it where that could cost more.
    pub(super) fn move_order(&mut self, id: ClientOrderId, to: Price, now: Timestamp) -> Vec<Effect> {
        let view = self.world.view(now);
        let Some(order) = view.state.orders.get(&id).filter(|order| order.phase.is_live()) else {
            self.say(Tone::Warn, "the order has ended", now);
            return Vec::new();
        };
        let (Some(change), Some(instrument)) = (
            own::change_to(order, to),
            view.state.instruments.get(&order.spec.instrument),
        ) else {
            self.say(Tone::Warn, "the market moves the price of this order", now);
            return Vec::new();
        };
        let Some(why) = own::adds(&view, order, to) else {
            let command = Command::Modify { id, change };
            let what = words(&command);
            return self.send(command, what, now);
        };
        let quote = view.market.quote(instrument.id);
        let mut ticket = Ticket::modify(order, instrument, quote, now);
        ticket.price = change.price.or(ticket.price);
        ticket.trigger = change.trigger.or(ticket.trigger);
        self.modal = Some(Modal::Ticket(Box::new(ticket)));
        self.say(Tone::Plain, format!("{why}: Enter sends it, Esc leaves it"), now);
        Vec::new()
    }
    /// Opens the ticket of a new order at a price, or puts the price into the one that is open on this instrument.
    pub(super) fn ticket_at(&mut self, side: Side, price: Price, now: Timestamp) {
        let on_desk = self.world.instrument;
        if let Some(Modal::Ticket(ticket)) = &mut self.modal {
            let fits = Some(ticket.instrument.id) == on_desk && ticket.price.is_some();
            if fits {
                ticket.put_price(price, now);
            }
            return;
        }
        if self.modal.is_some() {
            return;
        }
        self.open_ticket(side, false, now);
        if let Some(Modal::Ticket(ticket)) = &mut self.modal {
            ticket.put_price(price, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OrderChange;
    use crate::tui::chord::Chord;
    use crate::tui::input::Input;
    use crate::tui::layout::PaneId;
    use crate::tui::link::ToEngine;
    use crate::tui::view::{self, Drawn};
    use crate::tui::{panes::fixture, sample};
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use std::time::Duration;

    struct Hands {
        desk: Desk,
        now: Timestamp,
        sent: Vec<Command>,
    }
    impl Hands {
        fn new() -> Self {
            let mut desk = sample::desk().0;
            desk.focus_on(PaneId::Depth);
            Self {
                desk,
                now: sample::now(),
                sent: Vec::new(),
            }
        }
        fn draw(&mut self) -> Drawn {
            let mut buf = Buffer::empty(Rect::new(0, 0, 160, 60));
            self.desk.body = view::body_of(buf.area);
            view::draw(&self.desk, self.now, &mut buf)
        }
        fn take(&mut self, input: &Input) {
            let drawn = self.draw();
            for effect in self.desk.on_input(input, &drawn, self.now) {
                if let Effect::Tell(ToEngine::Command { command, .. }) = effect {
                    self.sent.push(command);
                }
            }
        }
        fn press(&mut self, keys: &str) -> &mut Self {
            for name in keys.split(' ') {
                self.now = self.now.after(Duration::from_millis(800));
                self.take(&Input::Key(Chord::parse(name).unwrap()));
            }
            self
        }
        fn said(&self) -> &str {
            self.desk.message.as_ref().map_or("", |message| &message.text)
        }
        fn ticket(&self) -> &Ticket {
            match &self.desk.modal {
                Some(Modal::Ticket(ticket)) => ticket,
                other => panic!("{other:?}"),
            }
        }
    }
    fn price(text: &str) -> Price {
        fixture::price(text)
    }

    #[test]
    fn less_risk_goes_at_once_and_more_is_looked_at_first() {
        let mut hands = Hands::new();
        // The bid is at 190.45: seven ticks down stands the buy at 190.38.
        hands.press("j 7 j J");
        let change = |price, trigger| OrderChange {
            price,
            trigger,
            ..OrderChange::default()
        };
        let id = |name: &str| ClientOrderId::new(name).unwrap();
        let less = Command::Modify {
            id: id("A1"),
            change: change(Some(price("190.37")), None),
        };
        assert_eq!(hands.sent, [less], "{}", hands.said());
        hands.press("K");
        assert_eq!(hands.sent.len(), 1);
        assert_eq!(hands.ticket().price, Some(price("190.39")));
        assert!(hands.said().contains("more aggressive"), "{}", hands.said());
        hands.press("Enter");
        assert_eq!(hands.sent.len(), 2, "{}", hands.said());
        // A count moves it in one go.
        hands.press("3 J");
        let Some(Command::Modify { change, .. }) = hands.sent.last() else {
            panic!("{:?}", hands.sent)
        };
        assert_eq!((hands.sent.len(), change.price), (3, Some(price("190.35"))));
    }

    #[test]
    fn the_last_stop_is_not_cancelled_from_the_ladder_unasked() {
        let mut hands = Hands::new();
        hands.press("j 2 5 j x");
        assert!(hands.sent.is_empty(), "{:?}", hands.sent);
        assert!(
            matches!(&hands.desk.modal, Some(Modal::Question(question)) if question.text.contains("100 AAPL NAKED")),
            "{:?} {}",
            hands.desk.modal,
            hands.said()
        );
    }

    #[test]
    fn a_click_on_the_ladder_fills_the_ticket_and_sends_nothing() {
        let mut hands = Hands::new();
        let drawn = hands.draw();
        let (_, _, hits) = drawn
            .panes
            .iter()
            .find(|(pane, ..)| *pane == PaneId::Depth)
            .unwrap();
        let left = hits.rows.iter().filter(|(_, index)| index % 3 == 0);
        let rows: Vec<Rect> = left.map(|(area, _)| *area).collect();
        hands.take(&Input::Click(rows[4].x + 2, rows[4].y));
        let first = hands.ticket().price.unwrap();
        hands.take(&Input::Click(rows[6].x + 2, rows[6].y));
        assert_eq!(hands.ticket().price, first.checked_sub(price("0.02")));
        assert!(hands.sent.is_empty());
    }
}
