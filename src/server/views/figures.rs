//! Risk in figures as programs see it: exposure, margin, value at risk, stress and correlation of an account. Amounts are in
//! its base currency and of no more digits than it has; what is not known is null, and `unknown` beside it says why.

use crate::domain::{Currency, Money};
use crate::engine::figures::exposure::Known;
use crate::engine::figures::margin::{Bound, Source};
use crate::engine::figures::{self, Figures, Sum};
use serde::Serialize;
use utoipa::ToSchema;

/// All risk figures of an account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FiguresRow {
    /// Which broker.
    pub broker: String,
    /// Which account.
    pub account: String,
    /// The base currency, in which amounts are.
    pub currency: String,
    /// What it is exposed to.
    pub exposure: ExposureRow,
    /// What margin binds.
    pub margin: MarginRow,
    /// What a bad day has cost.
    pub value_at_risk: ValueAtRiskRow,
    /// What a move would do.
    pub stress: StressRow,
    /// What moves together.
    pub correlation: CorrelationRow,
}

/// What an account is exposed to. Working orders don't count here; limits count them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExposureRow {
    /// What the account is worth: cash, what is held at its mark, open profit.
    pub worth: Option<String>,
    /// All that is held.
    pub total: SumRow,
    /// By symbol, the largest first. A contract counts in full, an option with its premium.
    pub symbols: Vec<SymbolRow>,
    /// By sector: what the settings say, else the broker; what nobody says is `unknown`. Instruments without a sector are
    /// `futures`, `currencies`, `coins`, `indices`.
    pub sectors: Vec<SumRow>,
    /// By currency: what of the worth moves with it. The nets add up to `worth`.
    pub currencies: Vec<SumRow>,
}

/// One position.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SymbolRow {
    /// Of what.
    pub symbol: String,
    /// Its sector.
    pub sector: String,
    /// How much; negative is short.
    pub quantity: String,
    /// The price that it is counted at.
    pub mark: Option<String>,
    /// Its own currency.
    pub currency: String,
    /// Its value there; negative is short.
    pub value: Option<String>,
    /// The same in the base currency.
    pub in_base: Option<String>,
    /// Its size as a share of the account's worth, in per cent.
    pub percent: Option<String>,
    /// How much it moves with the benchmark, by daily returns.
    pub beta: Option<String>,
    /// What of this is not known, in words.
    pub unknown: Option<String>,
}

/// Longs and shorts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SumRow {
    /// Of what: a sector, a currency; `all`.
    pub name: String,
    /// Longs.
    pub long: Option<String>,
    /// Shorts, without a sign.
    pub short: Option<String>,
    /// Both added.
    pub gross: Option<String>,
    /// Longs less shorts.
    pub net: Option<String>,
    /// Gross as a share of the account's worth, in per cent.
    pub percent: Option<String>,
    /// What of this is not known, in words.
    pub unknown: Option<String>,
}

/// What margin binds.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MarginRow {
    /// `broker`: by its word. `terms`: counted here by its public terms, an estimate. `nobody`: not known.
    pub source: &'static str,
    /// Now.
    pub now: BoundRow,
    /// By the broker's word after its next change of margins (look-ahead); by our count with all working orders executed.
    pub ahead: BoundRow,
    /// The hour of the broker's next change, by its clock.
    pub hour: Option<i64>,
    /// What of our count is not known, in words.
    pub unknown: Option<String>,
}

/// One state of margin.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BoundRow {
    /// Initial margin.
    pub initial: Option<String>,
    /// Maintenance margin.
    pub maintenance: Option<String>,
    /// What is left for new risk.
    pub available: Option<String>,
    /// What is left before the broker sells.
    pub excess: Option<String>,
    /// Initial margin as a share of the account's worth, in per cent.
    pub percent: Option<String>,
}

/// What a bad day has cost, had it been held as now. A loss is positive.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ValueAtRiskRow {
    /// Days that it is counted from.
    pub days: usize,
    /// The first of them, and the last.
    pub from: Option<String>,
    /// The last.
    pub until: Option<String>,
    /// By confidence.
    pub levels: Vec<LevelRow>,
    /// The usual move of a day (one standard deviation, exponentially weighted at 0.94).
    pub daily_move: Option<String>,
    /// What the worst of the days would have cost.
    pub worst: Option<String>,
    /// Which day that was.
    pub worst_day: Option<String>,
    /// Why nothing is known, in words.
    pub unknown: Option<String>,
}

/// One confidence, over one day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LevelRow {
    /// `0.95` is the worst day in twenty.
    pub confidence: String,
    /// Days that it wants: with fewer the rest is null.
    pub wants: usize,
    /// By what happened.
    pub historical: Option<String>,
    /// The mean of the losses at least as large.
    pub historical_beyond: Option<String>,
    /// By a normal distribution.
    pub parametric: Option<String>,
    /// The mean beyond that.
    pub parametric_beyond: Option<String>,
}

/// What a move would do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StressRow {
    /// Everything that is held moves by the same share.
    pub all: Vec<MoveRow>,
    /// Why that is not known, in words.
    pub all_unknown: Option<String>,
    /// The benchmark moves, and each position by its beta to it.
    pub market: Vec<MoveRow>,
    /// Why that is not known, in words.
    pub market_unknown: Option<String>,
    /// The benchmark, where it is listed.
    pub benchmark: Option<String>,
    /// The beta of all that is held to it, as a share of the account's worth.
    pub beta: Option<String>,
}

/// One move.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MoveRow {
    /// By so many per cent.
    pub percent: i64,
    /// What it would win; negative loses.
    pub result: String,
    /// The same as a share of the account's worth, in per cent.
    pub of_worth: Option<String>,
}

/// What moves together: daily returns of the newest 60 days on which both traded.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CorrelationRow {
    /// What is compared, the largest position first; the rows and columns below.
    pub symbols: Vec<String>,
    /// Pearson's correlations; null with fewer than 20 days.
    pub pearson: Vec<Vec<Option<String>>>,
    /// Spearman's, of the ranks.
    pub spearman: Vec<Vec<Option<String>>>,
    /// Days that each is counted from.
    pub days: Vec<Vec<usize>>,
    /// Pairs that win and lose as one: above 0.8 over all 60 days, held the way they move.
    pub one_name: Vec<OneNameRow>,
    /// Positions that are left out because there are too many.
    pub left_out: usize,
}

/// Two positions that are one bet.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OneNameRow {
    /// The larger.
    pub first: String,
    /// The other.
    pub second: String,
    /// Their correlation.
    pub correlation: String,
    /// What both are worth together, without signs.
    pub together: Option<String>,
    /// The same as a share of the account's worth, in per cent.
    pub percent: Option<String>,
}

/// Makes the rows of one account.
struct Make<'a> {
    all: &'a Figures,
    base: Currency,
}

impl Make<'_> {
    fn money(&self, amount: Money) -> String {
        money(amount, self.base)
    }
    fn known(&self, amount: &Known) -> Option<String> {
        amount.as_ref().ok().map(|amount| self.money(*amount))
    }
    fn binary(&self, amount: f64) -> String {
        fixed(amount, self.base.minor_decimals() as usize)
    }
    fn percent(&self, amount: Option<Money>) -> Option<String> {
        self.all.exposure.share_bps(amount).map(hundredths)
    }
    fn sum(&self, name: &str, sum: &Sum) -> SumRow {
        let known = |amount: Money| sum.unknown.is_none().then(|| self.money(amount));
        SumRow {
            name: name.to_owned(),
            long: known(sum.long),
            short: known(sum.short),
            gross: sum.gross().map(|gross| self.money(gross)),
            net: sum.net().map(|net| self.money(net)),
            percent: self.percent(sum.gross()),
            unknown: sum.unknown.clone(),
        }
    }
    fn exposure(&self) -> ExposureRow {
        let exposure = &self.all.exposure;
        let betas = exposure.held.iter().zip(&self.all.stress.betas);
        let symbol = |(held, (_, beta)): (&figures::Held, &(_, Result<f64, String>))| SymbolRow {
            symbol: held.instrument.to_string(),
            sector: held.sector.word().to_owned(),
            quantity: held.quantity.to_string(),
            mark: held.mark.map(|mark| mark.to_string()),
            currency: held.currency.to_string(),
            value: held.value.as_ref().ok().map(|value| money(*value, held.currency)),
            in_base: self.known(&held.in_base),
            percent: self.percent(held.in_base.as_ref().ok().map(|value| value.abs())),
            beta: beta.as_ref().ok().map(|beta| format!("{beta:.4}")),
            unknown: held.in_base.as_ref().err().cloned(),
        };
        ExposureRow {
            worth: self.known(&exposure.worth),
            total: self.sum("all", &exposure.all),
            symbols: betas.map(symbol).collect(),
            sectors: exposure
                .sectors
                .iter()
                .map(|(sector, sum)| self.sum(sector.word(), sum))
                .collect(),
            currencies: exposure
                .currencies
                .iter()
                .map(|(currency, sum)| self.sum(currency.as_str(), sum))
                .collect(),
        }
    }
    fn margin(&self) -> MarginRow {
        let margin = &self.all.margin;
        let bound = |bound: &Bound| BoundRow {
            initial: bound.initial.map(|amount| self.money(amount)),
            maintenance: bound.maintenance.map(|amount| self.money(amount)),
            available: bound.available.map(|amount| self.money(amount)),
            excess: bound.excess.map(|amount| self.money(amount)),
            percent: self.percent(bound.initial),
        };
        MarginRow {
            source: match margin.source {
                Source::Broker => "broker",
                Source::Terms => "terms",
                Source::Nobody => "nobody",
            },
            now: bound(&margin.now),
            ahead: bound(&margin.ahead),
            hour: margin.hour,
            unknown: margin.unknown.clone(),
        }
    }
    fn at_risk(&self) -> ValueAtRiskRow {
        let at_risk = self.all.at_risk.as_ref();
        let found = at_risk.ok();
        let level = |level: &figures::tail::Level| {
            let (past, normal) = (level.historical, level.parametric);
            let text = |amount: Option<f64>| amount.map(|amount| self.binary(amount));
            LevelRow {
                confidence: level.confidence.to_string(),
                wants: level.wants,
                historical: text(past.map(|tail| tail.at_risk)),
                historical_beyond: text(past.map(|tail| tail.beyond)),
                parametric: text(normal.map(|tail| tail.at_risk)),
                parametric_beyond: text(normal.map(|tail| tail.beyond)),
            }
        };
        let worst = found.and_then(|found| found.worst.as_ref());
        ValueAtRiskRow {
            days: found.map_or(0, |found| found.days),
            from: found.map(|found| found.span.0.clone()),
            until: found.map(|found| found.span.1.clone()),
            levels: found.map_or_else(Vec::new, |found| found.levels.iter().map(level).collect()),
            daily_move: found
                .and_then(|found| found.daily_move)
                .map(|amount| self.binary(amount)),
            worst: worst.map(|(amount, _)| self.binary(*amount)),
            worst_day: worst.map(|(_, day)| day.clone()),
            unknown: at_risk.err().cloned(),
        }
    }
    fn stress(&self) -> StressRow {
        let stress = &self.all.stress;
        let worth = self.all.exposure.worth.as_ref().ok().map(|worth| worth.to_f64());
        let worth = worth.filter(|worth| *worth > 0.0);
        let exact = |(percent, result): &(i64, Money)| MoveRow {
            percent: *percent,
            result: self.money(*result),
            of_worth: self.percent(Some(*result)),
        };
        let straight = |(percent, result): &(i64, f64)| MoveRow {
            percent: *percent,
            result: self.binary(*result),
            of_worth: worth.map(|worth| fixed(100.0 * result / worth, 2)),
        };
        StressRow {
            all: stress.all.iter().flatten().map(exact).collect(),
            all_unknown: stress.all.as_ref().err().cloned(),
            market: stress.market.iter().flatten().map(straight).collect(),
            market_unknown: stress.market.as_ref().err().cloned(),
            benchmark: stress.benchmark.map(|id| id.to_string()),
            beta: stress.beta.map(|beta| format!("{beta:.4}")),
        }
    }
    fn correlation(&self) -> CorrelationRow {
        let found = &self.all.correlation;
        let rows = |of: fn(&figures::correlation::Pair) -> Option<f64>| {
            let row = |row: &Vec<figures::correlation::Pair>| {
                let cell = |pair| of(pair).map(|value| format!("{value:.4}"));
                row.iter().map(cell).collect()
            };
            found.pairs.iter().map(row).collect()
        };
        let days = |row: &Vec<figures::correlation::Pair>| row.iter().map(|pair| pair.days).collect();
        let one_name = |one: &figures::correlation::OneName| OneNameRow {
            first: one.first.to_string(),
            second: one.second.to_string(),
            correlation: format!("{:.4}", one.pearson),
            together: one.together.map(|amount| self.money(amount)),
            percent: self.percent(one.together),
        };
        CorrelationRow {
            symbols: found.instruments.iter().map(ToString::to_string).collect(),
            pearson: rows(|pair| pair.pearson),
            spearman: rows(|pair| pair.spearman),
            days: found.pairs.iter().map(days).collect(),
            one_name: found.one_name.iter().map(one_name).collect(),
            left_out: found.left_out,
        }
    }
}

/// The figures of an account as rows.
pub fn row(all: &Figures) -> FiguresRow {
    let key = all.exposure.account;
    let make = Make {
        all,
        base: all.exposure.base,
    };
    FiguresRow {
        broker: key.broker.to_string(),
        account: key.account.to_string(),
        currency: make.base.to_string(),
        exposure: make.exposure(),
        margin: make.margin(),
        value_at_risk: make.at_risk(),
        stress: make.stress(),
        correlation: make.correlation(),
    }
}

fn money(amount: Money, currency: Currency) -> String {
    let decimals = currency.minor_decimals();
    format!("{:.*}", decimals as usize, amount.round_to(decimals))
}

/// A binary figure with so many decimals; one that rounds to nothing has no sign.
fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(size) if size.chars().all(|c| matches!(c, '0' | '.')) => size.to_owned(),
        _ => text,
    }
}

/// Basis points as per cent with two decimals: `-3.07`.
fn hundredths(bps: i64) -> String {
    let sign = if bps < 0 { "-" } else { "" };
    let size = bps.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_has_no_sign() {
        assert_eq!(super::fixed(-0.004, 2), "0.00");
        assert_eq!(super::fixed(-0.005_1, 2), "-0.01");
        assert_eq!(super::fixed(-0.2, 0), "0");
    }
}
