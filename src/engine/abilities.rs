//! What each broker can take, as a table: asked before an order is recorded, and by the ticket before a kind of order is
//! offered. What a broker lacks is denied here in words that name what would pass, never sent as something else.

use super::command::{Denial, DenialCode};
use crate::domain::{BrokerId, OrderKind, OrderSpec, TimeInForce};

/// What a broker can take beyond what every broker here can: market, limit, stop and stop-limit orders for the day, until
/// cancelled, until a moment, or at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Stops whose trigger follows the market.
    pub trails: bool,
    /// Orders for the closing auction.
    pub on_close: bool,
    /// Orders for the opening auction.
    pub at_opening: bool,
    /// Orders that follow the middle of the market.
    pub midprice: bool,
    /// Orders that also live outside the regular session.
    pub outside_hours: bool,
    /// It keeps a bracket's children waiting for their entry, and lets a fill of one take from the others, by itself.
    pub holds_brackets: bool,
    /// It cancels by the number that an order was placed under, not by the order's name.
    pub by_number: bool,
    /// It takes an order in place of others in one step: they end and it begins, or nothing happens.
    pub replaces: bool,
    /// It says what an order would bind before it is sent, where it is asked.
    pub tells_margin: bool,
}

impl Abilities {
    /// Those of a broker. One that has no row here can do what all can.
    pub fn of(broker: BrokerId) -> Self {
        match broker.as_str() {
            "ibkr" => Self {
                trails: true,
                on_close: true,
                at_opening: true,
                midprice: true,
                outside_hours: true,
                holds_brackets: true,
                by_number: true,
                replaces: false,
                tells_margin: true,
            },
            "sim" => Self {
                replaces: true,
                ..Self::default()
            },
            _ => Self::default(),
        }
    }

    /// Whether orders of this kind can be taken.
    pub fn takes_kind(self, kind: OrderKind) -> bool {
        match kind {
            OrderKind::Market
            | OrderKind::Limit { .. }
            | OrderKind::Stop { .. }
            | OrderKind::StopLimit { .. } => true,
            OrderKind::Trail { .. } | OrderKind::TrailLimit { .. } => self.trails,
            OrderKind::MarketOnClose | OrderKind::LimitOnClose { .. } => self.on_close,
            OrderKind::Midprice { .. } => self.midprice,
        }
    }

    /// Whether orders of this life can be taken.
    pub fn takes_tif(self, tif: TimeInForce) -> bool {
        match tif {
            TimeInForce::Day
            | TimeInForce::Gtc
            | TimeInForce::Ioc
            | TimeInForce::Fok
            | TimeInForce::Gtd { .. } => true,
            TimeInForce::Opg => self.at_opening,
        }
    }

    /// Whether this order can be taken.
    ///
    /// # Errors
    /// What the broker lacks, and what it has that comes nearest.
    pub fn takes(self, spec: &OrderSpec) -> Result<(), Denial> {
        let broker = spec.account.broker;
        let denied = |text: String| Err(Denial::new(DenialCode::NotSupported, text));
        if !self.takes_kind(spec.kind) {
            let word = spec.kind.word();
            return denied(format!(
                "{broker} has no {word} orders; {} would pass",
                nearest(spec)
            ));
        }
        if !self.takes_tif(spec.tif) {
            let word = spec.tif.word();
            return denied(format!(
                "{broker} has no {word} orders; day, gtc, gtd, ioc and fok would pass"
            ));
        }
        if spec.outside_hours && !self.outside_hours {
            return denied(format!(
                "{broker} has no hours outside the regular session; without 'outside' it would pass"
            ));
        }
        Ok(())
    }
}

/// The kind that every broker has and that comes nearest, as it is typed.
fn nearest(spec: &OrderSpec) -> String {
    let stop = |trigger: Option<_>| trigger.map_or("stp PRICE".to_owned(), |at| format!("stp {at}"));
    match spec.kind {
        OrderKind::Trail { trigger, .. } => stop(trigger),
        OrderKind::TrailLimit { trigger, .. } => {
            let limit = trigger.and_then(|at| spec.kind.trailing_limit(spec.side, at));
            let limit = limit.map_or("PRICE".to_owned(), |limit| limit.to_string());
            format!("{} lmt {limit}", stop(trigger))
        }
        OrderKind::LimitOnClose { price } => format!("@{price}"),
        OrderKind::Midprice { cap: Some(cap) } => format!("@{cap}"),
        OrderKind::Midprice { cap: None } => "@mid".to_owned(),
        _ => "mkt".to_owned(),
    }
}
