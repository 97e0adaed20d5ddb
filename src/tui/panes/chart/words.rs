//! What a chart says of itself: how new its prices are, whether its past is adjusted, and why there is nothing to see.

use crate::domain::calendar::SessionState;
use crate::domain::{InstrumentId, InstrumentKind, Timestamp};
use crate::market::{Quality, Timeframe};
use crate::tui::pane::View;
use crate::tui::panes::read;
use crate::tui::widgets::number;
use std::time::Duration;

/// Prices that are told to be live and have not moved for this long in an open market are called stale.
const STALE: Duration = Duration::from_secs(60);

/// When anything was last told of an instrument's prices, by the venue's clock.
fn newest(view: &View<'_>, id: InstrumentId) -> Option<Timestamp> {
    let quote = view.market.quote(id).map(|quote| quote.at);
    quote.max(view.market.last(id).map(|print| print.at))
}

/// How new an instrument's prices are, with their age where that matters; nothing where they come as they happen.
pub fn freshness(view: &View<'_>, id: InstrumentId) -> Option<String> {
    if let Some(away) = read::away(view).filter(|_| view.attached) {
        return Some(away);
    }
    let age = newest(view, id).map(|at| view.venue_now.since(at));
    let old = |word: &str| match age {
        Some(age) => format!("{word} {}", number::age(age)),
        None => word.to_owned(),
    };
    let Some(word) = read::freshness(view, id) else {
        let session = view
            .state
            .instruments
            .get(&id)?
            .calendar
            .session_at(view.venue_now);
        let open = session.state == SessionState::Open;
        return age.filter(|age| open && *age > STALE).map(|_| old("stale"));
    };
    let quality = view.market.quote(id).map(|quote| quote.quality);
    let tells_age = !view.attached || matches!(quality, Some(Quality::Frozen | Quality::Competing));
    Some(if tells_age { old(word) } else { word.to_owned() })
}

/// Whether bars of the past were changed for what happened to the instrument since. The simulated exchange tells them as
/// they traded. Interactive Brokers takes splits out of the bars of shares, dividends it leaves in; what has no splits is as
/// it traded.
pub fn adjustment(view: &View<'_>, id: InstrumentId) -> &'static str {
    let kind = view.state.instruments.get(&id).map(|instrument| instrument.kind);
    let by_broker = view
        .account
        .is_some_and(|account| account.broker.as_str() == "ibkr");
    match kind {
        Some(InstrumentKind::Equity | InstrumentKind::Index) if by_broker => "split-adj",
        _ => "raw",
    }
}

/// Why there are no bars.
pub fn nothing(view: &View<'_>, id: InstrumentId, timeframe: Timeframe) -> String {
    if view.market.knows_bars(id, timeframe) {
        read::nothing(view, &format!("no bars of {timeframe}: nothing has traded"))
    } else {
        read::nothing(view, &format!("loading bars of {timeframe}"))
    }
}
