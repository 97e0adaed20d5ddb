//! Named exits in the ticket: one key gives the draft the stop and target of the next template, counted from the price
//! that the draft has then. What they came to is shown as prices, and can be changed like any other.

use super::{Purpose, Ticket};
use crate::domain::{ExitTemplate, Price, Role, StopMoves, Timestamp};
use crate::engine::sentence::Templates;
use crate::market::Quote;

impl Ticket {
    /// Gives the draft the exits of the template after the one it has, or after the last none; answers its name.
    ///
    /// # Errors
    /// There is no template, the draft takes none, or an exit can't be where the template says.
    pub fn next_template(
        &mut self,
        templates: &Templates,
        quote: Option<&Quote>,
        now: Timestamp,
    ) -> Result<Option<String>, String> {
        if self.purpose != Purpose::New {
            return Err("exits are given to new orders; change the stop and target themselves".to_owned());
        }
        if templates.is_empty() {
            return Err("config.toml has no templates; [templates.NAME] makes one".to_owned());
        }
        self.settle(now);
        self.seen_at = now;
        let names: Vec<&String> = templates.keys().collect();
        let here = self.template.as_ref();
        let next = match here.and_then(|here| names.iter().position(|name| *name == here)) {
            Some(at) => names.get(at + 1),
            None => names.first(),
        };
        let Some((name, template)) = next.and_then(|name| templates.get_key_value(*name)) else {
            (self.template, self.stop, self.target) = (None, None, None);
            self.rules = ExitTemplate::default();
            return Ok(None);
        };
        let entry = self
            .price
            .or(self.trigger)
            .or_else(|| Some(quote?.opposite(self.side)?.0))
            .ok_or_else(|| "there is no price to count the exits from".to_owned())?;
        let leg = |place: Option<crate::domain::ExitPrice>, role: Role, stop: Option<Price>| {
            place
                .map(|place| place.price(role, self.side, entry, stop, &self.instrument.ticks))
                .transpose()
                .map_err(|error| format!("template {name}: {error}"))
        };
        let stop = leg(template.stop, Role::StopLoss, None)?;
        let target = leg(template.target, Role::Target, stop)?;
        template
            .moves(entry, stop, &self.instrument.ticks)
            .map_err(|error| format!("template {name}: {error}"))?;
        (self.stop, self.target, self.rules) = (stop, target, *template);
        self.template = Some(name.clone());
        Ok(Some(name.clone()))
    }

    /// How the stop moves by itself, counted from the draft as it is now: a stop that was changed by hand is another risk.
    /// A draft whose stop was taken out has none to move.
    pub(super) fn moves(&self) -> Result<Option<StopMoves>, &'static str> {
        if self.stop.is_none() {
            return Ok(None);
        }
        let at_market = || Some(self.seen.as_ref()?.opposite(self.side)?.0);
        let Some(entry) = self.price.or(self.trigger).or_else(at_market) else {
            return match self.rules == ExitTemplate::default() {
                true => Ok(None),
                false => Err("there is no price to count the template's distances from"),
            };
        };
        self.rules
            .moves(entry, self.stop, &self.instrument.ticks)
            .map_err(|_| "the template's breakeven does not fit this stop")
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;
    use crate::domain::{ClientOrderId, Quantity, Side};
    use crate::engine::Command;

    #[test]
    fn a_key_goes_through_the_templates_and_back_to_none() {
        let instrument = sample::instrument("AAPL");
        let quote = sample::quote("AAPL", "189.51", "189.53");
        let draft = (sample::account(), &instrument);
        let lot = Quantity::whole(10).unwrap();
        let mut ticket = Ticket::new(draft, Side::Buy, lot, false, Some(&quote), sample::now());
        let scalp = ExitTemplate {
            stop: "-8t".parse().ok(),
            target: "2R".parse().ok(),
            breakeven: "1R".parse().ok(),
            ..ExitTemplate::default()
        };
        let templates = Templates::from([("scalp".to_owned(), scalp)]);
        let mut next = |templates: &Templates| {
            let named = ticket.next_template(templates, Some(&quote), sample::now());
            (named, ticket.stop, ticket.target)
        };
        assert!(next(&Templates::new()).0.is_err());
        let given = next(&templates);
        assert_eq!(given.0, Ok(Some("scalp".to_owned())));
        assert_eq!((given.1, given.2), ("189.43".parse().ok(), "189.67".parse().ok()));
        // What moves by itself is counted from the draft as it stands: a nearer stop is a smaller risk.
        let planned = |ticket: &Ticket| {
            let Ok(Command::Submit { legs, .. }) = ticket.command(ClientOrderId::new("TW1").unwrap()) else {
                panic!("no order")
            };
            legs.moves.map(|moves| moves.to_string())
        };
        assert_eq!(planned(&ticket).as_deref(), Some("breakeven +0 after +0.08"));
        ticket.stop = "189.47".parse().ok();
        assert_eq!(planned(&ticket).as_deref(), Some("breakeven +0 after +0.04"));
        ticket.stop = None;
        assert_eq!(planned(&ticket), None);
        let none = ticket.next_template(&templates, Some(&quote), sample::now());
        assert_eq!((none, ticket.stop, ticket.target), (Ok(None), None, None));
        assert_eq!(ticket.rules, ExitTemplate::default());
    }
}
