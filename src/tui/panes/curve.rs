//! The curve of the day's profit, or of the account's worth since the engine began, in its own currency: a line of
//! braille dots, zero (or where it began) as a rule, the highest and lowest value, and how far it is below its peak. The
//! engine's process notes the points; this asks for the newest once a minute and adds what is true at this moment.

use super::read;
use crate::domain::{AccountKey, Currency, Money, Timestamp};
use crate::engine::pnl::CurvePoint;
use crate::tui::action::Action;
use crate::tui::link::{Answer, Ask};
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::profit;
use crate::tui::widgets::candles::Dots;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, ink};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often new points are asked for.
const EVERY: Duration = Duration::from_secs(20);
/// Points kept here of each currency: as many as the engine's process keeps.
const KEPT: usize = 3_000;
/// A shorter curve has seconds on its axis.
const SECONDS_UP_TO: Duration = Duration::from_secs(600);
/// Cells for the values beside the curve.
const AXIS: u16 = 13;

/// The curve.
#[derive(Debug, Default)]
pub struct CurvePane {
    of: Option<AccountKey>,
    points: BTreeMap<Currency, Vec<CurvePoint>>,
    asked: Option<Timestamp>,
    /// The account's worth, in place of the day's profit.
    worth: bool,
}

/// What a curve says in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Figures {
    newest: Money,
    high: Money,
    low: Money,
    /// How far the newest is below the highest before it; never negative.
    below_peak: Money,
    /// The deepest fall from a peak.
    drawdown: Money,
}

impl Figures {
    fn of(values: &[(Timestamp, Money)]) -> Option<Self> {
        let (_, first) = values.first()?;
        let (mut high, mut low, mut drawdown, mut newest) = (*first, *first, Money::ZERO, *first);
        for (_, value) in values {
            high = high.max(*value);
            low = low.min(*value);
            drawdown = drawdown.max(high.saturating_sub(*value));
            newest = *value;
        }
        Some(Self {
            newest,
            high,
            low,
            below_peak: high.saturating_sub(newest),
            drawdown,
        })
    }
}

impl CurvePane {
    /// The day's profit of the account on the desk.
    pub fn new() -> Self {
        Self::default()
    }

    /// The currency that is drawn, and its values, oldest first, with that of this moment.
    fn values(&self, view: &View<'_>) -> Option<(Currency, Vec<(Timestamp, Money)>)> {
        let account = view.account?;
        let base = view.state.accounts.get(&account)?.account.base;
        let pick = |net: Option<Money>, day: Option<Money>| if self.worth { net } else { day };
        let began = self.began(view);
        let known = self.points.get(&base).filter(|_| self.of == Some(account));
        let mut values: Vec<(Timestamp, Money)> = known
            .into_iter()
            .flatten()
            .filter(|point| self.worth || point.at >= began)
            .filter_map(|point| Some((point.at, pick(point.net, point.day)?)))
            .collect();
        let now = profit::totals(view, account);
        let now = now.iter().find(|(currency, _)| *currency == base);
        if let Some(value) = now.and_then(|(_, total)| pick(total.net, total.day))
            && view.attached
        {
            values.push((view.venue_now, value));
        }
        Some((base, values))
    }

    /// When the day began that is drawn: that of the instrument on the desk, for each has its own.
    fn began(&self, view: &View<'_>) -> Timestamp {
        let instrument = view.instrument.and_then(|id| view.state.instruments.get(&id));
        instrument
            .and_then(|instrument| crate::engine::pnl::day_began(instrument, view.venue_now))
            .unwrap_or(Timestamp::MIN)
    }
}

/// The row of dots of a value, the highest at the top.
fn row(value: Money, low: Money, high: Money, dots: u16) -> u16 {
    let last = i128::from(dots.saturating_sub(1));
    // Coarse enough that nothing overflows, fine enough for any screen.
    let unit = |money: Money| money.raw() / 1_000_000;
    let span = unit(high).saturating_sub(unit(low)).max(1);
    let from_top = unit(high).saturating_sub(unit(value)).clamp(0, span);
    let at = from_top.checked_mul(last).map_or(last, |scaled| scaled / span);
    u16::try_from(at).unwrap_or(0)
}

/// Draws the line, zero or the beginning as a rule, and the axis.
fn plot(pen: &mut Pen<'_>, view: &View<'_>, values: &[(Timestamp, Money)], rule: Money, places: u32) {
    let (width, height) = (pen.width().saturating_sub(AXIS), pen.height());
    let Some(figures) = Figures::of(values).filter(|_| width > 2 && height > 0) else {
        return;
    };
    let (low, high) = (figures.low.min(rule), figures.high.max(rule));
    let theme = view.theme;
    let rule_at = row(rule, low, high, height * Dots::PER_ROW) / Dots::PER_ROW;
    pen.line(0, width, rule_at, '┄', theme.rule);
    let columns = width * 2;
    let mut dots = Dots::new(width, height);
    let mut last: Option<(u16, u16, ratatui::style::Color)> = None;
    let (first, until) = (
        values.first().map_or(0, |v| v.0.0),
        values.last().map_or(0, |v| v.0.0),
    );
    let span = i128::from(until).saturating_sub(i128::from(first)).max(1);
    for (at, value) in values {
        let passed = i128::from(at.0).saturating_sub(i128::from(first));
        let x = passed.saturating_mul(i128::from(columns.saturating_sub(1))) / span;
        let x = u16::try_from(x.clamp(0, i128::from(columns))).unwrap_or(0);
        let y = row(*value, low, high, height * Dots::PER_ROW);
        let colour = if *value >= rule { theme.up } else { theme.down };
        // A value holds until the next one.
        if let Some((from, height, before)) = last {
            for between in from..x {
                dots.set(between, height, before);
            }
        }
        dots.column(x, last.map_or(y, |(_, height, _)| height), y, colour);
        last = Some((x, y, colour));
    }
    dots.write(pen, &['┄']);
    let mut label = |value: Money, colour| {
        let y = row(value, low, high, height * Dots::PER_ROW) / Dots::PER_ROW;
        let end = pen.width().saturating_sub(1);
        if pen.is_free(end.saturating_sub(1), y, &[]) {
            pen.right_within(width, end, y, &number::money(value, places), ink(colour));
        }
    };
    label(figures.newest, theme.bright);
    label(high, theme.dim);
    label(low, theme.dim);
    label(rule, theme.faint);
}

impl Pane for CurvePane {
    fn name(&self) -> &'static str {
        "curve"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let left = if self.worth { "CURVE worth" } else { "CURVE day" };
        let right = self.values(view).and_then(|(currency, values)| {
            let figures = Figures::of(&values)?;
            let places = currency.minor_decimals();
            let now = if self.worth {
                number::money(figures.newest, places)
            } else {
                number::profit(figures.newest, places)
            };
            let fall = number::money(figures.drawdown, places);
            let below = number::money(figures.below_peak, places);
            let code = currency.as_str();
            Some(format!(
                "deepest fall {fall}  {below} below the peak  {now} {code}"
            ))
        });
        let mut right = right.unwrap_or_default();
        if let Some(old) = read::stale(view) {
            right.push_str(&format!("  {old}"));
        }
        (left.to_owned(), right)
    }

    fn render(&self, view: &View<'_>, area: Rect, _focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let values = self.values(view);
        let Some((currency, values)) = values.filter(|(_, values)| values.len() > 1) else {
            let words = match self.of {
                None => read::nothing(view, "reading the curve"),
                Some(_) => read::nothing(view, "a point a minute: the curve begins with the second"),
            };
            pen.say(&words, view.theme.dim);
            return Hits::default();
        };
        let rule = if self.worth {
            values.first().map_or(Money::ZERO, |(_, first)| *first)
        } else {
            Money::ZERO
        };
        let (wide, high) = (pen.width(), pen.height());
        let axis = u16::from(high > 3);
        plot(
            &mut pen.part(1, 0, wide.saturating_sub(1), high - axis),
            view,
            &values,
            rule,
            currency.minor_decimals(),
        );
        if axis == 1 {
            let (first, last) = (values.first().map(|v| v.0), values.last().map(|v| v.0));
            let long = first
                .zip(last)
                .is_some_and(|(first, last)| last.since(first) > SECONDS_UP_TO);
            let pattern = if long { "%H:%M" } else { "%H:%M:%S" };
            let at = |at: Timestamp| read::local(view, None, at, pattern);
            pen.put_within(
                1,
                wide,
                high - 1,
                &first.map_or(String::new(), at),
                view.theme.faint,
            );
            let end = wide.saturating_sub(AXIS);
            pen.right_within(
                8,
                end,
                high - 1,
                &last.map_or(String::new(), at),
                view.theme.faint,
            );
            pen.right_within(end, wide.saturating_sub(1), high - 1, "NY", view.theme.faint);
        }
        Hits::default()
    }

    fn act(&mut self, action: Action, _view: &View<'_>) -> Option<Vec<Wish>> {
        if !matches!(action, Action::Sort | Action::ChartStyle) {
            return None;
        }
        self.worth = !self.worth;
        Some(Vec::new())
    }

    fn asks(&mut self, view: &View<'_>) -> Option<Ask> {
        let account = view.account?;
        if self.of != Some(account) {
            *self = Self {
                worth: self.worth,
                of: Some(account),
                ..Self::default()
            };
        }
        if self.asked.is_some_and(|at| view.now.since(at) < EVERY) {
            return None;
        }
        self.asked = Some(view.now);
        let newest = self.points.values().filter_map(|points| points.last());
        let after = newest.map(|point| point.at).max().unwrap_or(Timestamp::MIN);
        Some(Ask::Curve(account, after))
    }

    fn answered(&mut self, ask: &Ask, answer: &Answer) {
        let (Ask::Curve(account, after), Answer::Curve(curves)) = (ask, answer) else {
            return;
        };
        if self.of != Some(*account) {
            return;
        }
        for (currency, points) in curves {
            let known = self.points.entry(*currency).or_default();
            // An engine that began again tells its own: what was known before it stays.
            let newest = known.last().map_or(*after, |point| point.at);
            known.extend(points.iter().filter(|point| point.at > newest));
            let over = known.len().saturating_sub(KEPT);
            known.drain(..over);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_fall_is_from_the_peak_before_it() {
        let values: Vec<(Timestamp, Money)> = [0, 50, -30, 80, 60]
            .into_iter()
            .zip(1..)
            .map(|(amount, at)| (Timestamp(at), Money::whole(amount)))
            .collect();
        let figures = Figures::of(&values).unwrap();
        assert_eq!(figures.drawdown, Money::whole(80));
        assert_eq!((figures.high, figures.low), (Money::whole(80), Money::whole(-30)));
        assert_eq!(figures.below_peak, Money::whole(20));
        assert_eq!(row(Money::whole(80), figures.low, figures.high, 40), 0);
        assert_eq!(row(Money::whole(-30), figures.low, figures.high, 40), 39);
        let far = Money::from_raw(i128::MAX);
        assert!(row(far, Money::from_raw(i128::MIN), far, u16::MAX) < u16::MAX);
    }

    #[test]
    fn the_day_is_a_line_about_zero_with_its_ends_named() {
        use crate::tui::panes::fixture::{Desk, account};
        use crate::tui::widgets::screen_of;
        let desk = Desk::rich();
        let mut pane = CurvePane::new();
        let ask = pane.asks(&desk.view()).unwrap();
        assert_eq!(pane.asks(&desk.view()), None, "one question at a time");
        let point = |ago: u64, day: i64| CurvePoint {
            at: desk.now.before(Duration::from_secs(ago)),
            net: None,
            day: Some(Money::whole(day)),
        };
        // The first of them was yesterday.
        let points = vec![
            point(90_000, 7_000),
            point(3_600, 0),
            point(2_400, -600),
            point(1_200, 300),
        ];
        pane.answered(&ask, &Answer::Curve(vec![(Currency::USD, points)]));
        assert_eq!(ask, Ask::Curve(account(), Timestamp::MIN));
        let area = Rect::new(0, 0, 60, 7);
        let mut buf = Buffer::empty(area);
        pane.render(&desk.view(), area, true, &mut buf);
        let screen = screen_of(&buf);
        let text = screen.join("\n");
        for wanted in ["300.00", "08:58", "09:58", "NY"] {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
        assert!(!text.contains("7,000"), "{text}");
        assert!(
            text.chars().any(|c| ('\u{2801}'..='\u{28FF}').contains(&c)),
            "{text}"
        );
        assert!(pane.title(&desk.view()).1.starts_with("deepest fall"));
    }
}
