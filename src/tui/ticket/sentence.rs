//! The draft as an order sentence, which means the very same order: what the order line takes over to go on with. What no
//! sentence can say is refused with the reason; a sentence that says nearly the same would be another order.

use super::{Purpose, Style, Ticket};
use crate::domain::{ClientOrderId, OrderKind, OrderSpec, TimeInForce};
use crate::engine::sentence::parse;
use crate::engine::{Command, Legs};

impl Ticket {
    /// The draft in words: `buy 100 AAPL @ 189.50 gtc stop 187.60`.
    ///
    /// # Errors
    /// It is a change, something is missing, or no sentence says it.
    pub fn sentence(&self) -> Result<String, String> {
        if self.purpose != Purpose::New {
            return Err("a change of an order is no order of its own: no sentence says it".to_owned());
        }
        let Command::Submit { spec, legs, .. } = self.command(ClientOrderId::LOWEST)? else {
            return Err("no sentence says this".to_owned());
        };
        let mut words = vec![
            spec.side.word().to_ascii_lowercase(),
            spec.quantity.to_string(),
            spec.instrument.to_string(),
            kind(spec.kind),
        ];
        words.extend(self.tif_words(&spec));
        words.extend(spec.outside_hours.then(|| "outside".to_owned()));
        words.extend(spec.allow_short.then(|| "short".to_owned()));
        words.extend(self.leg_words(legs)?);
        let text = words.join(" ");
        parse(&text).map_err(|error| format!("no sentence says this order: {}", error.text))?;
        Ok(text)
    }

    /// The same, to go on behind it with `joint` (`then` or `oco`) and another order.
    ///
    /// # Errors
    /// As [`Ticket::sentence`], and where stop or target hang on it: two orders that are joined have none.
    pub fn sentence_before(&self, joint: &str) -> Result<String, String> {
        if self.stop.is_some() || self.target.is_some() {
            return Err(format!(
                "an order before {joint} has no stop and target: empty both (Tab, then Backspace)"
            ));
        }
        Ok(format!("{} {joint}", self.sentence()?))
    }

    /// How long it lives, where that is not the day.
    fn tif_words(&self, spec: &OrderSpec) -> Option<String> {
        match spec.tif {
            TimeInForce::Day => None,
            TimeInForce::Gtd { until } => {
                let day = self.last_day().filter(|day| day.end == until);
                Some(day.map_or(format!("gtd {until}"), |day| format!("gtd {}", day.date)))
            }
            other => Some(other.word().to_owned()),
        }
    }

    /// Stop and target at their prices; their template only where it also moves the stop, which prices can't say.
    fn leg_words(&self, legs: Legs) -> Result<Vec<String>, String> {
        let mut words = Vec::new();
        if legs.moves.is_some() {
            // A sentence counts a template's distances from where a trailing entry would trigger, a draft from the market.
            let trails = matches!(self.style, Style::Trail | Style::TrailLimit);
            let Some(name) = self.template.as_ref().filter(|_| !trails) else {
                return Err("no sentence says how this stop moves".to_owned());
            };
            if legs.target.is_none() && self.rules.target.is_some() {
                return Err(format!("tpl {name} has a target, and this order has none"));
            }
            words.push(format!("tpl {name}"));
        }
        words.extend(legs.stop.map(|price| format!("stop {price:.2}")));
        words.extend(legs.target.map(|price| format!("target {price:.2}")));
        Ok(words)
    }
}

fn kind(kind: OrderKind) -> String {
    match kind {
        OrderKind::Limit { price } => format!("@ {price:.2}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::super::{Field, FirstQuantities};
    use super::*;
    use crate::domain::{AccountKey, BrokerId, ExitTemplate, Price, Quantity, Side};
    use crate::engine::sentence::{Resolved, Scene, Templates, resolve};
    use crate::tui::panes::fixture;
    use proptest::prelude::*;

    fn account(broker: &str) -> AccountKey {
        AccountKey {
            broker: BrokerId::new(broker).unwrap(),
            ..sample::account()
        }
    }
    fn draft(broker: &str, symbol: &str, side: Side) -> Ticket {
        let desk = fixture::Desk::rich();
        let instrument = sample::instrument(symbol);
        let first: FirstQuantities = sample::settings().first_quantities;
        let quantity = first.of(&instrument);
        let quote = desk.market.quote(instrument.id).copied();
        Ticket::new(
            (account(broker), &instrument),
            side,
            quantity,
            false,
            quote.as_ref(),
            sample::now(),
        )
    }
    fn templates() -> Templates {
        let scalp = ExitTemplate {
            stop: "-8t".parse().ok(),
            target: "2R".parse().ok(),
            breakeven: "1R".parse().ok(),
            ..ExitTemplate::default()
        };
        let plain = ExitTemplate {
            breakeven: None,
            ..scalp
        };
        Templates::from([("plain".to_owned(), plain), ("scalp".to_owned(), scalp)])
    }
    /// What a text means at the market that the draft was made in, or why it means nothing.
    fn meant(text: &str, account: AccountKey) -> Result<Vec<Command>, String> {
        let (desk, templates) = (fixture::Desk::rich(), templates());
        let scene = Scene {
            state: &desk.state,
            market: &desk.market,
            account,
            now: sample::now(),
            net_liquidation: None,
            templates: &templates,
        };
        let sentence = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let resolved = resolve(&sentence, &scene, &mut || ClientOrderId::LOWEST);
        let Resolved { commands, .. } = resolved.map_err(|error| error.to_string())?;
        Ok(commands)
    }
    fn same(ticket: &Ticket) {
        let text = ticket.sentence().unwrap();
        let wanted = ticket.command(ClientOrderId::LOWEST).unwrap();
        match meant(&text, ticket.account) {
            Ok(commands) => assert_eq!(commands, [wanted], "{text}"),
            // A draft may have its stop on the wrong side, which its preview says; a line says it at the word.
            Err(why) => assert!(
                why.contains(" goes below ") || why.contains(" goes above "),
                "{text}: {why}"
            ),
        }
    }

    proptest! {
        #[test]
        fn a_draft_and_its_sentence_are_one_order(
            (at_ibkr, symbol, sell) in (any::<bool>(), prop::sample::select(vec!["AAPL", "ESZ6", "NVDA", "SAP"]), any::<bool>()),
            (styles, tifs, days) in (0..9_usize, 0..6_usize, 0..9_i64),
            (more, steps) in (0..500_i64, -40..40_i64),
            (outside, short, stop, target, named) in any::<(bool, bool, bool, bool, bool)>(),
        ) {
            let broker = if at_ibkr { "ibkr" } else { "sim" };
            let mut ticket = draft(broker, symbol, if sell { Side::Sell } else { Side::Buy });
            let (desk, now) = (fixture::Desk::rich(), sample::now());
            let quote = desk.market.quote(ticket.instrument.id).copied();
            let quote = quote.as_ref();
            for _ in 0..styles {
                ticket.next_style(quote, now);
            }
            ticket.step_price(steps, quote, now);
            ticket.step_quantity(more, now);
            if named {
                ticket.next_template(&templates(), quote, now).unwrap();
                ticket.next_template(&templates(), quote, now).unwrap();
            }
            for (wanted, field) in [(stop, Field::Stop), (target, Field::Target)] {
                ticket.field = field;
                if wanted {
                    ticket.step_price(steps, quote, now);
                }
            }
            for _ in 0..tifs {
                ticket.next_tif(now);
            }
            if ticket.has_date() {
                ticket.step_price(days, quote, now);
            }
            if outside {
                ticket.toggle_outside(now);
            }
            ticket.short = short;
            // A template's distance may not fit a stop that was moved: then there is no order either.
            let order = ticket.command(ClientOrderId::LOWEST);
            let trails = matches!(ticket.style, Style::Trail | Style::TrailLimit);
            if let Ok(Command::Submit { legs, .. }) = order {
                match ticket.sentence() {
                    Err(why) if trails && (legs.moves.is_some() || ticket.offset == Some(Price::ZERO)) => {
                        prop_assert!(why.contains("no sentence says"), "{}", why);
                    }
                    _ => same(&ticket),
                }
            }
        }
    }

    #[test]
    fn the_words_are_those_that_a_person_would_type() {
        let mut ticket = draft("ibkr", "AAPL", Side::Buy);
        let price: Price = "189.5".parse().unwrap();
        (ticket.price, ticket.quantity) = (Some(price), Quantity::whole(100).unwrap());
        assert_eq!(ticket.sentence().unwrap(), "buy 100 AAPL @ 189.50");
        assert_eq!(
            ticket.sentence_before("then").unwrap(),
            "buy 100 AAPL @ 189.50 then"
        );
        ticket.tif = TimeInForce::Gtc;
        (ticket.outside, ticket.stop) = (true, "187.6".parse().ok());
        assert_eq!(
            ticket.sentence().unwrap(),
            "buy 100 AAPL @ 189.50 gtc outside stop 187.60"
        );
        ticket.tif = ticket.first_until(sample::now()).unwrap();
        assert_eq!(
            ticket.sentence().unwrap(),
            "buy 100 AAPL @ 189.50 gtd 2026-11-23 outside stop 187.60"
        );
        // A moment that is no day's end is said as one.
        let until = crate::domain::Timestamp::parse("2026-11-23T15:00:00.5Z").unwrap();
        ticket.tif = TimeInForce::Gtd { until };
        same(&ticket);
    }

    #[test]
    fn what_no_sentence_says_is_refused_with_the_reason() {
        let mut ticket = draft("ibkr", "AAPL", Side::Buy);
        let refused = |ticket: &Ticket, why: &str| {
            let said = ticket.sentence().unwrap_err();
            assert!(said.contains(why), "{said}");
        };
        ticket.stop = "187".parse().ok();
        assert!(ticket.sentence_before("oco").unwrap_err().contains("before oco"));
        ticket.stop = None;
        ticket.price = None;
        refused(&ticket, "a limit price is missing");
        (ticket.style, ticket.distance) = (Style::TrailLimit, "1%".parse().ok());
        ticket.offset = Some(Price::ZERO);
        refused(&ticket, "a price is above zero");
        let quote = sample::quote("AAPL", "189.51", "189.53");
        let mut named = draft("ibkr", "AAPL", Side::Buy);
        for _ in 0..2 {
            named
                .next_template(&templates(), Some(&quote), sample::now())
                .unwrap();
        }
        assert!(named.sentence().unwrap().contains("tpl scalp stop "));
        named.target = None;
        refused(&named, "tpl scalp has a target, and this order has none");
        let desk = fixture::Desk::rich();
        let order = desk.state.orders.values().next().unwrap();
        let listed = &desk.state.instruments[&order.spec.instrument];
        refused(
            &Ticket::modify(order, listed, None, sample::now()),
            "a change of an order",
        );
    }
}
