//! What refuses nothing and is worth a word before an order is sent: a sector that comes near to its limit, two names that move
//! as one and count as one against the limit of a name, a halt that an order waits in, a fund that follows by a multiple. Correlations are statistics of daily
//! closes: they warn and never decide.

use super::day::{part, standing};
use super::geared::{Geared, geared};
use super::worth::{Exposure, money, share};
use super::{Check, Effect, effect};
use crate::domain::{Instrument, InstrumentId, InstrumentKind, Money, OrderSpec, SafeText, Side};
use crate::engine::figures::{Days, Histories, correlation, sectors};
use crate::market::{Quality, Timeframe};

impl Check<'_> {
    /// What there is to say of an order that passes, the most important first.
    pub fn advice(&self, spec: &OrderSpec) -> Vec<SafeText> {
        let Some(instrument) = self.state.instruments.get(&spec.instrument) else {
            return Vec::new();
        };
        let quote = self.market.quote(instrument.id);
        let halted = quote.is_some_and(|quote| quote.quality == Quality::Halted);
        let halted = halted.then(|| {
            format!(
                "{} is halted: it waits for the reopening and takes its price",
                instrument.id
            )
        });
        let adds = effect(self.state, spec) == Effect::Adds;
        let shares = adds
            .then(|| self.shares(spec, instrument))
            .flatten()
            .unwrap_or_default();
        let follows = (adds && sectors::is_fund(self.state, instrument))
            .then(|| geared(instrument.name.as_str()))
            .flatten();
        let follows = follows.map(|how| match how {
            Geared::Leveraged => format!(
                "{} moves by a multiple of what it follows, of each day alone",
                instrument.id
            ),
            Geared::Inverse => format!(
                "{} moves against what it follows, of each day alone",
                instrument.id
            ),
        });
        let all = halted.into_iter().chain(follows).chain(shares);
        all.map(|text| SafeText::new(&text)).collect()
    }

    /// Of the sector, and of names that move as one. Nothing where what the account is worth is not known: then the order is
    /// refused in any case.
    fn shares(&self, spec: &OrderSpec, instrument: &Instrument) -> Option<Vec<String>> {
        let limits = self.state.limits_of(spec.account);
        let at = self.market.venue_time(instrument.id).unwrap_or(self.now);
        let standing = standing(self.state, self.market, spec.account, at).ok()?;
        let base = standing.base;
        let exposure = Exposure::new(self.state, self.market, spec.account, base);
        let price = self.entry_price(spec)?;
        let value = price.notional(spec.quantity, instrument.multiplier)?.abs();
        let value = crate::engine::worth::convert(self.state, self.market, value, instrument.currency, base);
        let value = value.ok()?.amount;
        let own = exposure.of(instrument.id).ok()?.checked_add(value)?;
        let mut said = Vec::new();
        let sector = sectors::sector(self.state, instrument);
        if limits.warn_sector_bps > 0 && sector.counts() {
            let sum = exposure
                .sector(&sector, Some(instrument.id))
                .ok()?
                .checked_add(own)?;
            if sum >= part(standing.worth(), limits.warn_sector_bps) {
                said.push(format!(
                    "{} could come to {}, {} of the account is where it warns",
                    sector.word(),
                    money(sum, base),
                    share(limits.warn_sector_bps)
                ));
            }
        }
        if limits.max_name_bps > 0 {
            let most = part(standing.worth(), limits.max_name_bps);
            said.extend(self.as_one_name(spec, instrument, own, most, &exposure));
        }
        Some(said)
    }

    /// The names that move as this one does and are held the same way, where all of them together are more than one name may
    /// be.
    fn as_one_name(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        own: Money,
        most: Money,
        exposure: &Exposure<'_>,
    ) -> Option<String> {
        let held = self.state.ledgers.iter();
        let others = held.filter(|((owner, id), ledger)| {
            *owner == spec.account && *id != instrument.id && !ledger.position.quantity.is_zero()
        });
        let (mut sum, mut names) = (own, Vec::new());
        for ((_, id), ledger) in others {
            let alike = (ledger.position.side() == Some(Side::Buy)) == (spec.side == Side::Buy);
            let is_option = |id: &InstrumentId| {
                self.state
                    .instruments
                    .get(id)
                    .is_none_or(|one| one.kind == InstrumentKind::Option)
            };
            if is_option(id) || is_option(&instrument.id) {
                continue;
            }
            let pair = self.correlation(instrument.id, *id);
            // Where the days are not there nothing is said of that pair.
            let Some(moves) = pair.pearson.filter(|_| pair.days >= correlation::DAYS) else {
                continue;
            };
            let effect = if alike { moves } else { -moves };
            if effect > correlation::ONE_NAME {
                sum = sum.checked_add(exposure.of(*id).ok()?)?;
                names.push(format!("{id} ({moves:.2})"));
            }
        }
        (!names.is_empty() && sum > most).then(|| {
            format!(
                "it moves as {} did over {} days: as one name they come to {}, above {}",
                names.join(", "),
                correlation::DAYS,
                money(sum, exposure.base),
                money(most, exposure.base)
            )
        })
    }

    fn correlation(&self, first: InstrumentId, second: InstrumentId) -> correlation::Pair {
        let days = |id: InstrumentId| {
            let instrument = self.state.instruments.get(&id)?;
            let at = self.market.venue_time(instrument.id).unwrap_or(self.now);
            Some((id, Days::of(instrument, self.market.bars(id, Timeframe::Day), at)))
        };
        let histories: Histories = [first, second].into_iter().filter_map(days).collect();
        correlation::of(&histories, first, second)
    }
}
