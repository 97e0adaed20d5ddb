//! From the ticket into the order line: the draft as its sentence, with the cursor behind it, to go on with `then`, `oco`
//! or any word, and back again by Esc. Nothing is sent by it: from there on it is a line like any other, with its preview
//! and its Enter.

use super::desk::{Desk, Modal, Tone};
use super::line::Line;
use super::ticket::Ticket;
use crate::domain::Timestamp;

impl Desk {
    /// Hands the draft over, followed by `joint` where there is one. A draft that can't be said stays as it is, with why.
    pub(super) fn ticket_to_line(&mut self, ticket: Box<Ticket>, joint: &str, now: Timestamp) {
        let said = if self.world.account != Some(ticket.account) {
            Err(format!(
                "this draft is for {}, and a line is for the desk's account",
                ticket.account
            ))
        } else if joint.is_empty() {
            ticket.sentence()
        } else {
            ticket.sentence_before(joint)
        };
        self.modal = Some(match said {
            Ok(text) => {
                let mut line = Line::new(now);
                line.insert(&format!("{text} "), now);
                line.draft = Some(ticket);
                Modal::Line(line)
            }
            Err(why) => {
                self.say(Tone::Warn, why, now);
                Modal::Ticket(ticket)
            }
        });
    }

    /// Leaves a line. One that a ticket was handed to gives it back, as a draft of now.
    pub(super) fn back_to_ticket(&mut self, line: Line, now: Timestamp) {
        let Some(draft) = line.draft else { return };
        let id = draft.instrument.id;
        if let Some(listed) = self.world.state.instruments.get(&id) {
            let quote = self.world.market.quote(id);
            self.modal = Some(Modal::Ticket(Box::new(draft.anew(listed, quote, now))));
        }
    }
}
