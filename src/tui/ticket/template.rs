//! Named exits in the ticket: one key gives the draft the stop and target of the next template, counted from the price
//! that the draft has then. What they came to is shown as prices, and can be changed like any other.

use super::{Purpose, Ticket};
use crate::domain::{Price, Role, Timestamp};
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
        (self.stop, self.target) = (stop, target);
        self.template = Some(name.clone());
        Ok(Some(name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;
    use crate::domain::{ExitTemplate, Quantity, Side};

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
        assert_eq!(next(&templates), (Ok(None), None, None));
    }
}
