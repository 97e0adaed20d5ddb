//! The last order anew: a key opens what was sent last once more, as a preview. Nothing is sent by it, prices stay as they
//! were said, and a sentence is understood anew at the market of now.

use super::desk::{Desk, Modal, Tone};
use super::line::Line;
use super::ticket::Ticket;
use crate::domain::Timestamp;

/// What was sent last.
#[derive(Clone, Debug)]
pub(super) enum LastOrder {
    /// From a ticket.
    Ticket(Box<Ticket>),
    /// From the order line, as it was typed.
    Line(String),
}

impl Desk {
    /// Opens the last order once more.
    pub(super) fn order_again(&mut self, now: Timestamp) {
        match self.last_order.clone() {
            Some(LastOrder::Ticket(ticket)) => {
                let id = ticket.instrument.id;
                let Some(listed) = self.world.state.instruments.get(&id) else {
                    return self.say(Tone::Warn, format!("nothing is known of {id} any more"), now);
                };
                let quote = self.world.market.quote(id);
                self.modal = Some(Modal::Ticket(Box::new(ticket.anew(listed, quote, now))));
            }
            Some(LastOrder::Line(text)) => {
                let mut line = Line::new(now);
                line.insert(&text, now);
                self.modal = Some(Modal::Line(line));
            }
            None => self.say(Tone::Plain, "no order was sent from this terminal yet", now),
        }
    }
}
