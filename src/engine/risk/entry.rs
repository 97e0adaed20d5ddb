//! What an entry has to keep beside its size: instruments that nothing is opened in, hours, how wide a market it may cross, how
//! far from the previous close, and orders of its own account.

use super::Check;
use super::price::percent;
use crate::domain::calendar::SessionState;
use crate::domain::{Instrument, InstrumentKind, Limits, OrderKind, OrderSpec, Price, Side, TimeInForce};
use crate::engine::abilities::Abilities;
use crate::engine::command::{Denial, DenialCode};
use crate::engine::working::Lane;
use std::time::Duration;

/// A spread of so many ticks is never too wide: there is hardly a narrower one.
const TICKS_OF_SPREAD: i64 = 2;

impl Check<'_> {
    /// Nothing is opened in what the settings restrict, by its name, its root or its underlying.
    pub(super) fn restricted(&self, instrument: &Instrument, limits: &Limits) -> Result<(), Denial> {
        let underlying = instrument.option.map(|option| option.underlying);
        let root = instrument.root.as_ref().map(|root| root.as_str());
        let named = limits.restricted.iter().find(|name| {
            **name == instrument.id || Some(**name) == underlying || Some(name.as_str()) == root
        });
        let Some(name) = named else {
            return self.listed(instrument, limits);
        };
        let text = format!(
            "{name} is on the restricted list (limits.restricted): {} can be closed, not opened",
            instrument.id
        );
        Err(Denial::new(DenialCode::Restricted, text))
    }

    /// Where it is so set, nothing is opened in shares that no exchange lists: quotes there bind nobody.
    fn listed(&self, instrument: &Instrument, limits: &Limits) -> Result<(), Denial> {
        if limits.allow_otc || !instrument.is_over_the_counter() {
            return Ok(());
        }
        let text = format!(
            "{} trades over the counter ({}): it can be closed, not opened (limits.allow_otc)",
            instrument.id,
            instrument
                .listed_on
                .map_or_else(String::new, |market| market.to_string())
        );
        Err(Denial::new(DenialCode::Restricted, text))
    }

    /// Nothing is opened in a future shortly before it stops trading, for the daily break or the weekend: what is held then
    /// can't be closed while the world goes on.
    pub(super) fn before_halt(&self, instrument: &Instrument, limits: &Limits) -> Result<(), Denial> {
        let minutes = limits.pause_before_halt_minutes;
        if minutes == 0 || instrument.kind != InstrumentKind::Future {
            return Ok(());
        }
        let at = self.market.venue_time(instrument.id).unwrap_or(self.now);
        let Some(day) = instrument
            .calendar
            .trading_day(at)
            .filter(|day| day.end < day.next)
        else {
            return Ok(());
        };
        let from = day.end.before(Duration::from_secs(60 * u64::from(minutes)));
        if at < from || at >= day.end {
            return Ok(());
        }
        let text = format!(
            "{} stops trading at {}, and nothing is opened in the {minutes} minutes before (limits.pause_before_halt_minutes)",
            instrument.id, day.end
        );
        Err(Denial::new(DenialCode::OutsideHours, text))
    }

    /// An entry at the market relies on a quote or a trade that was heard a short while ago: by our clock, whatever year the venue lives
    /// in. A market that nobody tells when it heard something, as a one-shot command's, foresees nothing here.
    pub(super) fn fresh(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        limits: &Limits,
    ) -> Result<(), Denial> {
        let seconds = u64::from(limits.max_price_age_seconds);
        if seconds == 0 || !is_at_market(spec) {
            return Ok(());
        }
        let Some(heard) = self.market.heard_at(instrument.id) else {
            return Ok(());
        };
        let age = self.now.since(heard);
        if age <= Duration::from_secs(seconds) {
            return Ok(());
        }
        let text = format!(
            "what is known of {} was heard {} s ago, an order at the market relies on at most {seconds} s (limits.max_price_age_seconds); give a limit",
            instrument.id,
            age.as_secs()
        );
        Err(Denial::new(DenialCode::NoPrice, text))
    }

    /// An entry at the market waits for the regular hours, unless it says that it may trade outside of them; where no
    /// session is known it does not leave. A priced order may wait at the broker.
    pub(super) fn in_hours(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        limits: &Limits,
    ) -> Result<(), Denial> {
        if !limits.keep_hours || !is_at_market(spec) {
            return Ok(());
        }
        let at = self.market.venue_time(instrument.id).unwrap_or(self.now);
        let session = instrument.calendar.session_at(at);
        // A broker that knows no orders outside of the hours knows no hours either.
        let outside = spec.outside_hours || !Abilities::of(spec.account.broker).outside_hours;
        let why = match session.state {
            SessionState::Open => return Ok(()),
            SessionState::Pre | SessionState::Post if outside => return Ok(()),
            SessionState::Pre | SessionState::Post => format!(
                "{} is outside its regular hours until {}; say 'outside', or give a limit",
                instrument.id, session.until
            ),
            SessionState::Closed => format!(
                "{} is closed until {}; a limit may wait for it",
                instrument.id, session.until
            ),
            SessionState::Unknown => format!(
                "the hours of {} are not known for {at}; give a limit",
                instrument.id
            ),
        };
        Err(Denial::new(DenialCode::OutsideHours, why))
    }

    /// An entry at the market crosses no spread that is wider than the limit; the far side as a limit would.
    pub(super) fn spread(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        limits: &Limits,
    ) -> Result<(), Denial> {
        if limits.max_spread_bps == 0 || !is_at_market(spec) {
            return Ok(());
        }
        let quote = self.market.quote(instrument.id);
        let Some((bid, ask, mid)) = quote.and_then(|quote| Some((quote.bid?.0, quote.ask?.0, quote.mid()?)))
        else {
            return Ok(());
        };
        let wide = i128::from(ask.raw()) - i128::from(bid.raw());
        let most = i128::from(mid.raw().unsigned_abs()) * i128::from(limits.max_spread_bps) / 10_000;
        let ticks = instrument
            .ticks
            .tick_at(mid)
            .raw()
            .saturating_mul(TICKS_OF_SPREAD);
        if wide <= most.max(i128::from(ticks)) {
            return Ok(());
        }
        let nearest = match spec.side {
            Side::Buy => ask,
            Side::Sell => bid,
        };
        let text = format!(
            "the spread from {} to {} is {}; the limit is {} bps; a limit at {} would pass",
            instrument.show(bid),
            instrument.show(ask),
            percent(wide, mid),
            limits.max_spread_bps,
            instrument.show(nearest)
        );
        Err(Denial::new(DenialCode::Spread, text).near(nearest))
    }

    /// An entry's price lies no further beyond the previous close than the band, where that is known: above it for a buy,
    /// below it for a sell.
    pub(super) fn band(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        price: Price,
        limits: &Limits,
    ) -> Result<(), Denial> {
        let ticker = self.market.ticker(instrument.id);
        let close = ticker.and_then(|ticker| ticker.previous_close);
        let Some(close) = close.filter(|close| limits.close_band_bps > 0 && *close > Price::ZERO) else {
            return Ok(());
        };
        let reach = i128::from(close.raw()) * i128::from(limits.close_band_bps) / 10_000;
        let beyond = match spec.side {
            Side::Buy => i128::from(price.raw()) - i128::from(close.raw()),
            Side::Sell => i128::from(close.raw()) - i128::from(price.raw()),
        };
        if beyond <= reach {
            return Ok(());
        }
        let edge = match spec.side {
            Side::Buy => i128::from(close.raw()) + reach,
            Side::Sell => i128::from(close.raw()) - reach,
        };
        let edge = Price::from_raw(i64::try_from(edge).unwrap_or(close.raw()));
        let nearest = instrument.ticks.toward_less_risk(edge, spec.side);
        let text = format!(
            "{} is {} beyond the previous close of {}; the band is {} bps, {} would pass",
            instrument.show(price),
            percent(beyond, close),
            instrument.show(close),
            limits.close_band_bps,
            instrument.show(nearest)
        );
        Err(Denial::new(DenialCode::CloseBand, text).near(nearest))
    }

    /// An entry does not trade with an order of its own account.
    pub(super) fn self_cross(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        limits: &Limits,
    ) -> Result<(), Denial> {
        if !limits.deny_self_cross || spec.kind.is_stop() {
            return Ok(());
        }
        // A market order reaches the best price of the other side, and what of ours is there.
        let reach = spec.kind.limit().or_else(|| self.mark(spec));
        let lane = self.state.working.lane(spec.account, spec.instrument);
        let meets = |price: Price| match (spec.side, reach) {
            (_, None) => true,
            (Side::Buy, Some(reach)) => price <= reach,
            (Side::Sell, Some(reach)) => price >= reach,
        };
        let own = lane.into_iter().flat_map(Lane::rows).filter_map(|(id, row)| {
            let price = row
                .resting()
                .filter(|price| row.side != spec.side && meets(*price))?;
            (!self.state.row_waits(&row)).then_some((id, price))
        });
        let nearest = match spec.side {
            Side::Buy => own.min_by_key(|(_, price)| *price),
            Side::Sell => own.max_by_key(|(_, price)| *price),
        };
        let nearest = nearest.and_then(|(id, price)| Some((self.state.orders.get(&id)?, price)));
        let Some((order, price)) = nearest else {
            return Ok(());
        };
        let ticks = if spec.side == Side::Buy { -1 } else { 1 };
        let passes = instrument.ticks.step(price, ticks);
        let text = format!(
            "it would trade with your own {}; a limit of {} would pass, or cancel that one first",
            order.spec,
            instrument.show(passes)
        );
        Err(Denial::new(DenialCode::SelfCross, text).near(passes))
    }
}

/// What trades at once at the price that is there.
fn is_at_market(spec: &OrderSpec) -> bool {
    let at_once = matches!(spec.kind, OrderKind::Market | OrderKind::Midprice { .. });
    at_once && spec.tif != TimeInForce::Opg
}
