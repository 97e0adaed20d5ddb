//! The preview of an order and of the one that waits for it.

use super::{Look, Preview, Previews};
use crate::domain::OrderSpec;
use crate::engine::command::{Command, Entry, Legs};
use crate::engine::decide::{Ahead, filled_ahead, of_second};

/// An order, and the one that waits for it: that one on the state as it would be with the first filled.
pub(super) fn both(look: Look<'_>, command: &Command) -> Previews {
    let Command::SubmitThen {
        first,
        first_spec,
        second,
        second_spec,
        ..
    } = command
    else {
        return Previews::default();
    };
    let row = look.at(first_spec, Legs::default(), None);
    let ahead = Ahead::new(look.state, look.market, look.now);
    let filled = filled_ahead(ahead, &look.check(), (*first, first_spec), |_, _| Ok(()));
    let (mut ahead, _) = match filled {
        Ok(filled) => filled,
        Err(denial) => {
            return Previews {
                rows: vec![
                    Preview {
                        denial: Some(denial.clone()),
                        ..row
                    },
                    waiting(look, first_spec, second_spec),
                ],
                denial: Some(denial),
                ..Previews::default()
            };
        }
    };
    let then = Look {
        state: ahead.state(),
        ..look
    };
    let mut second_row = waiting(then, first_spec, second_spec);
    let entry = Entry {
        id: *second,
        spec: second_spec.clone(),
        legs: Legs::default(),
        seen: None,
    };
    let added = ahead.add(&entry, |_, _| Ok(())).map(drop);
    second_row.denial = added.and_then(|()| ahead.total()).map_err(of_second).err();
    Previews {
        denial: row.denial.clone().or_else(|| second_row.denial.clone()),
        rows: vec![row, second_row],
        ..Previews::default()
    }
}

fn waiting(look: Look<'_>, first: &OrderSpec, second: &OrderSpec) -> Preview {
    Preview {
        after: Some(first.clone()),
        held_by_engine: true,
        ..look.at(second, Legs::default(), None)
    }
}
