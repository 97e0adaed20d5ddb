//! The panes of the Risk workspace say what they rest on, and what they do not know.

use super::{AtRisk, CorrelationPane, ExposurePane, LimitsPane};
use crate::domain::{InstrumentId, Money, Quantity};
use crate::market::{Market, Timeframe};
use crate::tui::action::Action;
use crate::tui::pane::{Pane, Wish};
use crate::tui::panes::fixture::{Desk, account, days, id};
use crate::tui::widgets::screen_of;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

fn screen(pane: &dyn Pane, desk: &Desk, (width, height): (u16, u16)) -> String {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    pane.render(&desk.view(), buf.area, true, &mut buf);
    screen_of(&buf).join("\n")
}

fn past() -> Desk {
    let mut desk = Desk::rich();
    days(&mut desk.market);
    desk
}

/// A market that knows of nothing but what is listed.
fn without_prices(desk: &mut Desk) {
    desk.market = Market::replica();
    for instrument in desk.state.instruments.values() {
        desk.market.list(instrument.clone());
    }
}

#[test]
fn exposure_is_by_symbol_sector_and_currency_and_one_alone_by_a_key() {
    let mut desk = past();
    desk.state.sectors.insert(id("AAPL"), "Technology".into());
    let mut pane = ExposurePane::new();
    let all = screen(&pane, &desk, (100, 20));
    for wanted in [
        "by symbol",
        "ESZ6",
        "by sector",
        "Technology",
        "futures",
        "unknown",
        "by currency",
        "EUR",
    ] {
        assert!(all.contains(wanted), "{wanted}\n{all}");
    }
    assert!(pane.act(Action::Sort, &desk.view()).is_some());
    let symbols = screen(&pane, &desk, (100, 20));
    assert!(
        symbols.contains("NVDA") && !symbols.contains("EUR\n") && !symbols.contains("by "),
        "{symbols}"
    );
    assert!(pane.title(&desk.view()).0.ends_with("by symbol"));
    // Its row is its instrument.
    for _ in 0..2 {
        pane.act(Action::Down, &desk.view());
    }
    assert!(matches!(
        pane.act(Action::Enter, &desk.view()).as_deref(),
        Some([Wish::Select(_)])
    ));
}

#[test]
fn an_unknown_price_is_said_and_never_a_zero() {
    let mut desk = past();
    without_prices(&mut desk);
    let exposure = screen(&ExposurePane::new(), &desk, (100, 20));
    assert!(
        exposure.contains("--") && exposure.contains("! AAPL is held and has no price now"),
        "{exposure}"
    );
    let at_risk = screen(&AtRisk::new(), &desk, (80, 24));
    assert!(
        at_risk.contains("-- AAPL is held and has no price now"),
        "{at_risk}"
    );
    assert!(!at_risk.contains(" 0 "), "{at_risk}");
}

#[test]
fn a_bad_day_is_told_with_its_days_or_with_how_many_are_missing() {
    let desk = past();
    let pane = AtRisk::new();
    let known = screen(&pane, &desk, (80, 24));
    for wanted in [
        "1 in 20",
        "1 in 100",
        "250 days from",
        "with SPY",
        "-5 %",
        "MARGIN ~",
    ] {
        assert!(known.contains(wanted), "{wanted}\n{known}");
    }
    assert!(pane.title(&desk.view()).1.starts_with("1 day in 100 loses"));
    let few = screen(&AtRisk::new(), &Desk::rich(), (80, 24));
    assert!(
        few.contains("no daily closes here") || few.contains("days are wanted"),
        "{few}"
    );
}

#[test]
fn a_move_that_takes_what_is_left_until_the_lock_says_so_without_a_colour() {
    let mut desk = past();
    desk.state.limits.max_daily_loss = Money::whole(19_000);
    let text = screen(&AtRisk::new(), &desk, (80, 24));
    assert!(text.contains("!▼"), "{text}");
    assert!(text.contains("until the session locks"), "{text}");
    desk.state.limits.max_daily_loss = Money::whole(10_000_000);
    desk.state.limits.daily_loss_lock_bps = 0;
    assert!(!screen(&AtRisk::new(), &desk, (80, 24)).contains("!▼"));
}

#[test]
fn bars_are_asked_for_one_instrument_at_a_time_and_only_while_it_is_looked_at() {
    let desk = Desk::rich();
    let pane = AtRisk::new();
    assert_eq!(pane.wants(&desk.view()), None, "nobody looks");
    screen(&pane, &desk, (80, 24));
    let asked = |_| match pane.wants(&desk.view()) {
        Some(Wish::Bars(id, Timeframe::Day)) => id,
        other => panic!("{other:?}"),
    };
    let asked: std::collections::BTreeSet<InstrumentId> = (0..5).map(asked).collect();
    let wanted = ["AAPL", "ESZ6", "NVDA", "SAP", "SPY"].map(id);
    assert_eq!(asked.into_iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn two_shares_that_move_as_one_are_named_below_the_map() {
    let mut desk = past();
    let bars = desk.market.bars(id("AAPL"), Timeframe::Day).iter();
    // They outrank those that are there.
    let bars = bars
        .map(|bar| crate::market::Bar {
            revision: u32::MAX,
            ..*bar
        })
        .collect();
    desk.market.set_bars(id("NVDA"), Timeframe::Day, bars);
    let ledger = desk.state.ledgers.get_mut(&(account(), id("NVDA"))).unwrap();
    ledger.position.quantity = Quantity::whole(50).unwrap();
    let text = screen(&CorrelationPane::new(), &desk, (60, 12));
    assert!(text.contains("█"), "{text}");
    let found = text.lines().find(|line| line.contains("are one bet"));
    assert!(
        found.is_some_and(|line| line.contains("AAPL") && line.contains("NVDA")),
        "{text}"
    );
}

#[test]
fn the_limit_nearest_to_its_breach_is_on_top_and_what_holds_back_above_all() {
    use crate::domain::TradingState;
    let mut desk = past();
    desk.state.limits.max_total_orders = 1;
    let entry = desk.state.accounts.get_mut(&account()).unwrap();
    entry.trading = TradingState::Halted;
    let text = screen(&LimitsPane::new(), &desk, (90, 20));
    let line = |wanted: &str| text.lines().position(|line| line.contains(wanted));
    assert!(line("! HALTED").is_some_and(|at| at == 0), "{text}");
    assert!(
        line("!max_total_orders").unwrap() < line("max_gross_bps").unwrap(),
        "{text}"
    );
}
