//! What the numbers of TWS mean for an order, a link, or market data: our own table. An order's end is decided by its
//! status alone, never by a number; a number only says what has to be looked at. One that is not known here is taken for
//! the worst that is not yet certain: it affects the order it names, and the broker is asked what became of it.

use super::farms::farm_word;
use crate::engine::port::{FarmKind, FarmState};

/// What a number that names an order says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderWord {
    /// The order lives on; somebody may want to know.
    Alive,
    /// What was asked is refused: a new order is not accepted, a change leaves the order as it was.
    Refused,
    /// A cancel was refused; what the order is, its status has to tell.
    CancelRefused,
    /// The order is being cancelled: its status follows.
    Cancelled,
    /// Not known here: the order may be anything.
    Unclear,
}

/// What a number that names an order says of it. `changing` is true while a change of a live order is under way.
pub fn order_word(code: i32, changing: bool) -> OrderWord {
    match code {
        202 => OrderWord::Cancelled,
        // 105 a parameter is not used, 399 held until the market opens, 404 shares are being located, 10349 the time in
        // force was set by a preset, 2109 outside hours is ignored: warnings that read like errors.
        165 | 399 | 404 | 434 | 492 | 2100..=2199 | 10167 | 10349 => OrderWord::Alive,
        105 if !changing => OrderWord::Alive,
        161 | 10147 | 10148 | 10149 => OrderWord::CancelRefused,
        // 103 the id was used, 104 the order has filled, 105 it can't be changed, 106 to 120 a part of it is wrong (110 the
        // price lies between ticks), 131 to 140, 200 no such contract, 201 rejected, 203 not allowed, 321 refused by a
        // setting such as read-only, 329 not changed, 10xxx refused with a reason.
        103..=120
        | 131..=140
        | 200
        | 201
        | 203
        | 321
        | 329
        | 382..=384
        | 387..=394
        | 401..=403
        | 405..=449 => OrderWord::Refused,
        _ => OrderWord::Unclear,
    }
}

/// What a number that names nothing says of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkWord {
    /// The broker's servers can't be reached by its own program.
    ServersAway,
    /// They are back. `data_lost`: everything that was subscribed to has to be asked for again.
    ServersBack {
        /// Whether subscriptions are gone.
        data_lost: bool,
    },
    /// How a part that serves data is.
    Farm(FarmKind, FarmState),
    /// Another session of the same user gets the data.
    Competing,
    /// We sent too much.
    TooFast,
    /// Something was lost on the way to us: what the orders are has to be read.
    Lagging,
    /// The port of the program was changed: the connection is of no use any more.
    Leave,
    /// For the record.
    Info,
}

/// What a number that names nothing says of the connection.
pub fn link_word(code: i32) -> LinkWord {
    if let Some((kind, state)) = farm_word(code) {
        return LinkWord::Farm(kind, state);
    }
    match code {
        1100 | 2110 => LinkWord::ServersAway,
        1101 => LinkWord::ServersBack { data_lost: true },
        1102 => LinkWord::ServersBack { data_lost: false },
        1300 => LinkWord::Leave,
        10197 => LinkWord::Competing,
        100 => LinkWord::TooFast,
        -8..=-6 => LinkWord::Lagging,
        _ => LinkWord::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_like_an_error_and_is_none_leaves_the_order_alive() {
        for code in [399, 404, 2109, 2137, 10167, 10349] {
            assert_eq!(order_word(code, false), OrderWord::Alive, "{code}");
        }
        assert_eq!(order_word(201, false), OrderWord::Refused);
        assert_eq!(order_word(103, false), OrderWord::Refused);
        assert_eq!(order_word(10148, false), OrderWord::CancelRefused);
        assert_eq!(
            order_word(105, true),
            OrderWord::Refused,
            "a change that can't be made"
        );
    }

    #[test]
    fn no_number_is_taken_for_the_end_of_an_order_and_unknown_ones_are_asked_about() {
        for code in -100..20_000 {
            // By its type a word can't end an order; what is not listed is unclear, never harmless.
            let word = order_word(code, false);
            if matches!(code, 450..=480 | 600..=900 | 3_000..=9_999 | 11_000..=19_999) {
                assert_eq!(word, OrderWord::Unclear, "{code}");
            }
        }
    }
}
