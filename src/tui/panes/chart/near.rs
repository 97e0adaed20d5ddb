//! Our orders near the crosshair: which one its price means, and what the keys that cancel, change and move an order do to
//! it. What may be done to an order, and what that adds, is told by the ladder's rules; nothing is sent from here.

use super::Chart;
use crate::domain::{Order, Phase, Price};
use crate::engine::Command;
use crate::tui::action::Action;
use crate::tui::pane::{View, Wish};
use crate::tui::panes::depth::own;
use crate::tui::panes::read;
use std::cmp::Reverse;

/// Rows of prices that an order may be away from the crosshair: what is farther is not what a person points at.
const REACH: i64 = 2;

impl Chart {
    /// The order that the crosshair points at: the nearest in reach, of several there the newest, protective stops last.
    pub(super) fn pointed<'a>(&self, view: &View<'a>) -> Option<&'a Order> {
        let cross = self.cross(view)?;
        let tick = read::tick(view, cross.id, cross.price).raw().max(1);
        let reach = self.drawn.get().row.max(tick).saturating_mul(REACH);
        let away = |order: &Order| {
            let price = own::stands_at(order)?;
            Some(price.raw().abs_diff(cross.price.raw()))
        };
        let account = view.account?;
        view.state
            .live_orders(account, cross.id)
            .filter(|order| order.phase != Phase::Parked)
            .filter_map(|order| Some((away(order)?, order)))
            .filter(|(away, _)| *away <= reach.unsigned_abs())
            .min_by_key(|(away, order)| (*away, order.spec.kind.is_stop(), Reverse(order.created_at)))
            .map(|(_, order)| order)
    }

    /// Takes the keys of an order, where there is a crosshair.
    pub(super) fn act_on_order(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        let cross = self.cross(view)?;
        if !matches!(
            action,
            Action::Cancel | Action::Modify | Action::OrderUp | Action::OrderDown
        ) {
            return None;
        }
        let gripped = self
            .grip
            .filter(|(_, at)| *at == view.now)
            .and_then(|(id, _)| view.state.orders.get(&id));
        let Some(order) = gripped.or_else(|| self.pointed(view)) else {
            let text = format!(
                "no order of yours is near {}: up and down move the crosshair",
                read::price(view, cross.id, cross.price)
            );
            return Some(vec![Wish::Say(text)]);
        };
        if action == Action::Cancel && !order.foreign {
            return Some(vec![Wish::Send(Box::new(Command::Cancel { id: order.id }))]);
        }
        if let Some(why) = own::untouchable(order) {
            return Some(vec![Wish::Say(why)]);
        }
        Some(match action {
            Action::Modify => vec![Wish::Edit(order.id)],
            Action::OrderUp => self.nudge(order, 1, view),
            _ => self.nudge(order, -1, view),
        })
    }

    /// An order by some ticks; the crosshair goes with it. Several in one moment, as by a count, go on from each other.
    fn nudge(&mut self, order: &Order, ticks: i64, view: &View<'_>) -> Vec<Wish> {
        let instrument = view.state.instruments.get(&order.spec.instrument);
        let (Some(from), Some(instrument)) = (own::stands_at(order), instrument) else {
            return Vec::new();
        };
        let again = self.grip == Some((order.id, view.now));
        let from: Price = self.price_held(view).filter(|_| again).unwrap_or(from);
        let to = instrument.ticks.step(from, ticks);
        if own::change_to(order, to).is_none() {
            return vec![Wish::Say(format!("{}: the market moves it", order.spec))];
        }
        self.grip = Some((order.id, view.now));
        if let Some(cross) = &mut self.cross {
            cross.price = to;
        }
        vec![Wish::Move(order.id, to)]
    }

    fn price_held(&self, view: &View<'_>) -> Option<Price> {
        self.cross(view).map(|cross| cross.price)
    }
}
