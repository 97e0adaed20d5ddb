//! Which orders a command places: said once, for all that look at them. What else a command names - an order that it changes, cancels
//! or closes with - each asker adds for itself.

use super::{Command, Entry, Legs, Seen};
use crate::domain::{ClientOrderId, OrderSpec};

/// An order that a command places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed<'a> {
    /// Its id.
    pub id: ClientOrderId,
    /// The order.
    pub spec: &'a OrderSpec,
    /// Its children.
    pub legs: Legs,
    /// What was seen of it.
    pub seen: Option<&'a Seen>,
}

impl<'a> Placed<'a> {
    /// One without children.
    pub(in crate::engine) fn alone(id: ClientOrderId, spec: &'a OrderSpec, seen: Option<&'a Seen>) -> Self {
        Self {
            id,
            spec,
            legs: Legs::default(),
            seen,
        }
    }
}

impl Command {
    /// The orders that it places, in the order they are checked. None where it places none of its own: what a close or a flatten sends
    /// depends on what is held.
    pub fn places(&self) -> impl Iterator<Item = Placed<'_>> {
        let (one, two, several): (_, _, &[Entry]) = match self {
            Command::Submit { id, spec, legs, seen } => {
                let placed = Placed {
                    legs: *legs,
                    ..Placed::alone(*id, spec, seen.as_ref())
                };
                (Some(placed), None, &[])
            }
            Command::Park { id, spec, seen, .. } => {
                (Some(Placed::alone(*id, spec, seen.as_ref())), None, &[])
            }
            Command::SubmitPair {
                first,
                first_spec,
                second,
                second_spec,
                seen,
            }
            | Command::SubmitThen {
                first,
                first_spec,
                second,
                second_spec,
                seen,
            } => (
                Some(Placed::alone(*first, first_spec, seen.first())),
                Some(Placed::alone(*second, second_spec, seen.get(1))),
                &[],
            ),
            Command::SubmitAll { orders } => (None, None, orders),
            _ => (None, None, &[]),
        };
        let several = several.iter().map(|entry| Placed {
            legs: entry.legs,
            ..Placed::alone(entry.id, &entry.spec, entry.seen.as_ref())
        });
        one.into_iter().chain(two).chain(several)
    }

    /// Lets `change` write the id of each order that it places, and what was seen of it, in the order of [`Command::places`].
    pub fn for_each_placed(&mut self, mut change: impl FnMut(&mut ClientOrderId, &mut Option<Seen>)) {
        match self {
            Command::Submit { id, seen, .. } | Command::Park { id, seen, .. } => change(id, seen),
            Command::SubmitPair {
                first, second, seen, ..
            }
            | Command::SubmitThen {
                first, second, seen, ..
            } => {
                let mut both = std::mem::take(seen).into_iter();
                let (mut one, mut two) = (both.next(), both.next());
                change(first, &mut one);
                change(second, &mut two);
                // Told by their places: what was seen of the second says nothing without the first's.
                *seen = one
                    .into_iter()
                    .flat_map(|one| std::iter::once(one).chain(two.take()))
                    .collect();
            }
            Command::SubmitAll { orders } => orders
                .iter_mut()
                .for_each(|entry| change(&mut entry.id, &mut entry.seen)),
            _ => {}
        }
    }
}
