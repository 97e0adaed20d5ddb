//! Every pane at every size on every kind of desk: nothing outside its area, no panic, nothing a terminal would act on;
//! and a few screens written out as they should look.

use super::fixture::{Desk, account, id, price, units};
use super::{
    AccountPane, Activity, Chart, Connections, CurvePane, DepthChart, DepthPane, Executions, LogPane, Orders,
    Overview, PositionDetail, Positions, TapePane, Watchlist,
};
use crate::domain::{ClientOrderId, LinkState, Money, Price, Quantity, SafeText, Timestamp};
use crate::engine::Command;
use crate::engine::pause::Pause;
use crate::engine::port::{Farm, FarmKind, FarmState};
use crate::engine::state::Mismatch;
use crate::market::{Bar, Market, Timeframe};
use crate::tui::action::Action;
use crate::tui::pane::{Pane, Wish};
use crate::tui::widgets::screen_of;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use std::sync::{Arc, Mutex};

fn log_lines() -> Arc<Mutex<std::collections::VecDeque<String>>> {
    let hostile = "\u{1b}]0;evil\u{7}\u{202E}line \u{9b}31m".to_owned();
    Arc::new(Mutex::new([hostile, "engine ready".to_owned()].into()))
}

fn panes() -> Vec<Box<dyn Pane>> {
    vec![
        Box::new(Watchlist::new()),
        Box::new(Chart::new()),
        Box::new(every_study()),
        Box::new(DepthPane::new()),
        Box::new(TapePane::new()),
        Box::new(Overview::default()),
        Box::new(DepthChart::new()),
        Box::new(Positions::new()),
        Box::new(Orders::new()),
        Box::new(Executions::new()),
        Box::new(LogPane::new(log_lines())),
        Box::new(AccountPane::new()),
        Box::new(Connections::new()),
        Box::new(PositionDetail::new()),
        Box::new(Activity::new()),
        Box::new(CurvePane::new()),
        Box::new(super::AlertsPane::new()),
        Box::new(super::Differences::new()),
        Box::new(super::ExposurePane::new()),
        Box::new(super::LimitsPane::new()),
        Box::new(super::AtRisk::new()),
        Box::new(super::CorrelationPane::new()),
    ]
}

/// A chart with all studies, in plain characters.
fn every_study() -> Chart {
    let (mut chart, desk) = (Chart::of("chart2", Timeframe::M5), Desk::empty());
    for spec in crate::market::studies::StudySpec::OFFERED {
        let _ = chart.word("study", &format!("add {spec}"), &desk.view());
    }
    assert!(matches!(chart.word("style", "ascii", &desk.view()), Some(Ok(_))));
    chart
}

/// A desk with numbers at the ends of their ranges and with text as wild as its types let in.
fn wild() -> Desk {
    let mut desk = Desk::rich();
    super::alerts::tests::fill(&mut desk);
    let ends = [i64::MAX, i64::MIN, 0, -1];
    for (raw, ledger) in ends.into_iter().zip(desk.state.ledgers.values_mut()) {
        ledger.position.quantity = Quantity::from_raw(raw);
        ledger.position.cost = Money::from_raw(i128::MIN + 1);
        ledger.position.realized = Money::from_raw(i128::MAX);
        for execution in &mut ledger.executions {
            execution.price = Price::from_raw(raw);
            execution.at = Timestamp(raw);
        }
    }
    for (raw, order) in ends.into_iter().cycle().zip(desk.state.orders.values_mut()) {
        order.filled = Quantity::from_raw(raw);
        order.spec.quantity = Quantity::from_raw(raw);
        order.created_at = Timestamp(raw);
        order.reason = Some(SafeText::new(&"日本語\u{1b}[2J\u{202E}".repeat(90)));
    }
    desk.connect();
    let evil = SafeText::new(&"日本語\u{1b}[2J\u{202E}".repeat(40));
    if let Some(health) = &mut desk.health {
        health.peer = evil.clone();
        let farm = Farm {
            name: evil.clone(),
            kind: FarmKind::Prices,
            state: FarmState::Down,
            since: Timestamp(i64::MIN),
        };
        health.farms = vec![farm; 3];
        let pause = |at, until| Pause {
            what: evil.clone(),
            at: Timestamp(at),
            until: Timestamp(until),
        };
        health.planned = vec![pause(i64::MAX, i64::MAX), pause(i64::MIN, i64::MIN)];
        health.round_trip_us = Some(u64::MAX);
        for budget in &mut health.budgets {
            (budget.used, budget.wanted) = (u32::MAX, u32::MAX);
            budget.name = evil.clone();
        }
        for (_, currency, amount) in health.figures.values_mut().flatten() {
            *currency = SafeText::new("USD");
            *amount = Money::from_raw(i128::MIN + 1);
        }
    }
    for link in desk.state.links.values_mut() {
        (link.state, link.reason) = (LinkState::Down, Some(evil.clone()));
    }
    if let Some(account) = desk.state.accounts.get_mut(&account()) {
        account.gap = Some((Timestamp(i64::MIN), Timestamp(i64::MAX)));
        for symbol in ["AAPL", "NVDA", "SPY"] {
            let other = Mismatch {
                ours: Quantity::from_raw(i64::MIN),
                theirs: Quantity::from_raw(i64::MAX),
                passes: 2,
                since: Timestamp(i64::MIN),
                average: Some(Price::from_raw(i64::MIN)),
            };
            account.mismatches.insert(id(symbol), other);
        }
    }
    for notice in &mut desk.state.notices {
        notice.text = SafeText::new("\u{1b}c\u{200D}日本語 e\u{301}\u{FE0F} a word");
    }
    desk.market = Market::replica();
    for instrument in desk.state.instruments.values() {
        desk.market.list(instrument.clone());
        let bar = |start: i64, low: i64, high: i64| Bar {
            start: Timestamp(start),
            open: Price::from_raw(low),
            high: Price::from_raw(high),
            low: Price::from_raw(low),
            close: Price::from_raw(high),
            volume: i128::MAX,
            value: i128::MIN,
            count: 1,
            revision: 1,
        };
        let bars = vec![
            bar(i64::MIN, i64::MIN, i64::MAX),
            bar(0, -5, 5),
            bar(i64::MAX, i64::MAX, i64::MAX),
        ];
        for timeframe in Timeframe::BASE {
            desk.market.set_bars(instrument.id, timeframe, bars.clone());
        }
    }
    desk
}

/// Draws into the middle of a larger buffer and checks what came of it.
fn draw(pane: &dyn Pane, desk: &Desk, width: u16, height: u16) -> Vec<String> {
    let area = Rect::new(2, 1, width, height);
    let mut buf = Buffer::filled(Rect::new(0, 0, width + 4, height + 2), Cell::new("¤"));
    for position in area.positions() {
        buf[position].reset();
    }
    let hits = pane.render(&desk.view(), area, true, &mut buf);
    for (row, _) in hits.rows {
        assert_eq!(row.intersection(area), row, "{} {width}x{height}", pane.name());
    }
    for position in buf.area.positions() {
        let symbol = buf[position].symbol();
        assert_eq!(
            area.contains(position),
            symbol != "¤",
            "{} {width}x{height}",
            pane.name()
        );
        assert!(!symbol.chars().any(char::is_control), "{symbol:?}");
    }
    let mut inside = Buffer::empty(Rect::new(0, 0, width, height));
    for position in inside.area.positions() {
        inside[position] = buf[(position.x + 2, position.y + 1)].clone();
    }
    screen_of(&inside)
}

#[test]
fn every_pane_draws_at_every_size_on_every_desk() {
    let mut cut_off = Desk::rich();
    cut_off.attached = false;
    let mut untold = Desk::rich();
    untold.market = Market::replica();
    untold.state.accounts.clear();
    for desk in [Desk::empty(), Desk::rich(), cut_off, untold, wild()] {
        let mut panes = panes();
        for pane in &mut panes {
            for width in (0..=60).step_by(4).chain([1, 2, 3, 7, 13, 27]) {
                for height in (0..=40).step_by(4).chain([1, 2, 3, 5, 6, 9]) {
                    draw(pane.as_ref(), &desk, width, height);
                }
            }
            draw(pane.as_ref(), &desk, 80, 24);
            draw(pane.as_ref(), &desk, 160, 45);
            let (left, right) = pane.title(&desk.view());
            assert!(!left.is_empty() && !(left + &right).chars().any(char::is_control));
        }
    }
}

#[test]
fn any_keys_in_any_order_leave_a_pane_that_draws() {
    use Action::{
        Bottom, Cancel, ChartGlyphs, ChartStyle, Down, Enter, Escape, Left, Modify, PageDown, PageUp, Right,
        ScrollLive, Sort, TimeframeNext, TimeframePrevious, ToggleStudy, ToggleVolume, Top, Up, ZoomIn,
        ZoomOut,
    };
    let keys = [
        Down,
        ZoomOut,
        PageDown,
        Left,
        TimeframeNext,
        ChartStyle,
        Sort,
        Up,
        ZoomOut,
        ToggleStudy,
        Top,
        PageUp,
        Left,
        TimeframePrevious,
        ChartGlyphs,
        ChartStyle,
        ZoomOut,
        ToggleVolume,
        Bottom,
        Right,
        Enter,
        ChartStyle,
        Escape,
        ZoomIn,
        ScrollLive,
        Cancel,
        Modify,
        Action::OrderUp,
        Action::MoveBracket,
        Action::Timeframe(255),
        Action::Timeframe(0),
    ];
    for mut desk in [Desk::rich(), Desk::empty(), wild()] {
        for pane in &mut panes() {
            let mut at = 0;
            for round in 0..200 {
                at = (at * 7 + round * 3 + 1) % keys.len();
                for wish in pane.act(keys[at], &desk.view()).unwrap_or_default() {
                    if let Wish::Select(id) = wish {
                        desk.instrument = Some(id);
                    }
                }
                let wishes = pane.click(round % 9, &desk.view());
                assert!(
                    wishes
                        .iter()
                        .all(|wish| matches!(wish, Wish::Select(_) | Wish::Ticket(..))),
                    "a click sends nothing"
                );
                draw(pane.as_ref(), &desk, 64, 26);
            }
        }
    }
}

#[test]
fn cancel_acts_on_the_held_order_only_and_never_on_one_that_slid_under_it() {
    let mut desk = Desk::rich();
    let mut pane = Orders::new();
    let asked = pane.act(Action::Cancel, &desk.view()).unwrap();
    assert!(
        matches!(asked[..], [Wish::Say(_)]),
        "nothing is selected at first"
    );
    pane.act(Action::Down, &desk.view());
    pane.act(Action::Down, &desk.view());
    let held = ClientOrderId::new("A1").unwrap();
    // A newer order comes in above it.
    let newer = ClientOrderId::new("A9").unwrap();
    let mut order = desk.state.orders[&held].clone();
    (order.id, order.created_at) = (newer, desk.now);
    desk.state.orders.insert(newer, order);
    assert_eq!(
        pane.act(Action::Cancel, &desk.view()),
        Some(vec![Wish::Send(Box::new(Command::Cancel { id: held }))])
    );
    // It has gone altogether: no other takes its place.
    desk.state.orders.remove(&held);
    let asked = pane.act(Action::Cancel, &desk.view()).unwrap();
    assert!(matches!(asked[..], [Wish::Say(_)]));
}

#[test]
fn the_ladders_cursor_holds_a_price_while_the_market_moves() {
    let mut desk = Desk::rich();
    let mut pane = DepthPane::new();
    draw(&pane, &desk, 34, 21);
    pane.act(Action::Down, &desk.view());
    pane.act(Action::Down, &desk.view());
    assert_eq!(pane.price(&desk.view()), Some(price("190.44")));
    let row = |screen: &[String]| screen.iter().position(|line| line.contains("190.44"));
    let before = draw(&pane, &desk, 34, 21);
    let mut depth = desk.market.depth(id("AAPL")).unwrap().clone();
    for level in depth.bids.iter_mut().chain(&mut depth.asks) {
        level.price = level.price.checked_add(price("0.09")).unwrap();
    }
    assert!(desk.market.on_depth(depth));
    let after = draw(&pane, &desk, 34, 21);
    assert!(row(&before).is_some() && row(&before) == row(&after));
    assert_eq!(pane.price(&desk.view()), Some(price("190.44")));
    // The price of another instrument is not this one's.
    desk.instrument = Some(id("MSFT"));
    assert_eq!(pane.price(&desk.view()), None);
}

#[test]
fn sorting_keeps_the_instrument_under_the_cursor() {
    let mut desk = Desk::rich();
    let mut pane = Watchlist::new();
    let wishes = pane.act(Action::Down, &desk.view()).unwrap();
    assert_eq!(wishes, [Wish::Select(id("BTC.USD"))]);
    desk.instrument = Some(id("BTC.USD"));
    pane.act(Action::Sort, &desk.view());
    let screen = draw(&pane, &desk, 28, 10);
    let symbols: Vec<&str> = screen[1..9]
        .iter()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    // Where what is held has no column, it has a sign.
    assert_eq!(
        symbols,
        [
            "+AAPL", "SPY", "-NVDA", "MSFT", "+SAP", "EUR.USD", "BTC.USD", "+ESZ6"
        ]
    );
    let wishes = pane.act(Action::Down, &desk.view()).unwrap();
    assert_eq!(wishes, [Wish::Select(id("ESZ6"))]);
}

#[test]
fn a_poisoned_log_is_still_shown() {
    let lines = log_lines();
    let poisoner = Arc::clone(&lines);
    let died = std::thread::spawn(move || {
        let _held = poisoner.lock().unwrap();
        panic!("on purpose");
    });
    assert!(died.join().is_err() && lines.is_poisoned());
    let screen = draw(&LogPane::new(lines), &Desk::rich(), 40, 12);
    assert_eq!(
        screen[..2],
        ["  ]0;evil line 31m", " engine ready"].map(|s| s.replace("  ]", " ]"))
    );
}

#[test]
fn unknown_is_never_shown_as_zero() {
    let mut desk = Desk::rich();
    desk.market = Market::replica();
    let positions = draw(&Positions::new(), &desk, 80, 6);
    assert_eq!(
        positions[1],
        " AAPL        +100     190.31         --           --           --     190.20"
    );
    assert_eq!(Positions::new().title(&desk.view()).1, "Σ -- EUR  -- USD");
    desk.state.accounts.get_mut(&account()).unwrap().account.cash = None;
    let figures = draw(&AccountPane::new(), &desk, 80, 6);
    assert_eq!(
        figures[3],
        " USD               --             --            --            --      ▲ 175.00"
    );
    desk.state.accounts.get_mut(&account()).unwrap().opened = false;
    desk.state.ledgers.clear();
    assert!(
        draw(&Positions::new(), &desk, 60, 6)
            .join(" ")
            .contains("not known yet")
    );
}

#[test]
fn a_partly_protected_position_says_how_much_is_naked() {
    let mut desk = Desk::rich();
    let stop = ClientOrderId::new("A2").unwrap();
    desk.state.orders.get_mut(&stop).unwrap().spec.quantity = units(60);
    let screen = draw(&Positions::new(), &desk, 80, 6);
    assert!(screen[1].ends_with("NAKED 40"), "{}", screen[1]);
}

#[test]
fn the_screens_look_as_they_should() {
    let desk = Desk::rich();
    assert_eq!(
        draw(&Watchlist::new(), &desk, 46, 5),
        [
            " symbol       last       %  day          pos",
            " AAPL       190.45  ▲ 0.77  ▅▃▁▄▅█▅▃▆▄  +100",
            " BTC.USD    95,244  ▼ 0.89  █▇▆▇▅▄▄▃▁▁",
            " ESZ6     4,909.75  ▼ 2.04  ▅▇█▆▆▅▂▁▁▁    +2",
            " EUR.USD   1.07472  ▼ 0.87  ▇█▇▇▇▅▄▂▁▁",
        ]
    );
    assert_eq!(
        draw(&Orders::new(), &desk, 80, 5),
        [
            " symbol   order                state                            filled      age",
            " MSFT     BUY 10 lmt 401.00    uncertain                          0/10     0:12",
            " AAPL     BUY 50 lmt 190.38    working                           20/50     2:14",
            " ESZ6     SELL 2 lmt 5,018.25  working · pending cancel · oco      0/2     4:02",
            " AAPL     SELL 100 stp 190.20  held                              0/100    12:40",
        ]
    );
    assert_eq!(
        draw(&DepthPane::new(), &desk, 34, 6),
        [
            " █████        190.48 147",
            " ████         190.47 46",
            " ██▉          190.46 403",
            " ██▌      185 190.45•",
            " ██▍      474 190.44",
            " ███▋     352 190.43",
        ]
    );
}

#[test]
fn the_connection_says_what_is_wrong_at_any_size() {
    let mut desk = Desk::rich();
    let simulated = draw(&Connections::new(), &desk, 60, 12).join("\n");
    assert!(simulated.contains("● sim ready"), "{simulated}");
    assert!(simulated.contains("the exchange in the box"), "{simulated}");
    desk.connect();
    desk.state.notices.clear();
    let screen = draw(&Connections::new(), &desk, 64, 15);
    assert_eq!(
        screen,
        [
            " ● sim ready  for 1:06:40",
            " planned       in 13:46:46, restart of TWS at 23:45 New York",
            " peer          127.0.0.1:7497 client 7 version 213",
            " round trip    1.2 ms broker, 0.2 ms engine",
            " reconnects    1",
            " farm          usfarm down 0:12",
            " farms up      usfuture, cashfarm",
            " messages/s    █          3/40",
            " lines         █████████  98/100 (+4 waiting)",
            " books         ███        1/3",
            " history/10min █          6/55",
            " sent → acked  p50 0.8 ms  p95 0.8 ms  p99 0.8 ms  of 5",
            " key → engine  p50 0.1 ms  p99 0.2 ms  of 20",
            " engine → TWS  p50 1.9 ms  p99 6.4 ms  of 5",
            " data → screen p50 10 ms  p99 20 ms  of 20",
        ]
    );
    let link = desk.state.links.get_mut(&account().broker).unwrap();
    link.state = LinkState::Down;
    link.reason = Some(SafeText::new(
        "nothing listens on 127.0.0.1:7497: is TWS running, and are socket clients enabled?",
    ));
    assert_eq!(
        draw(&Connections::new(), &desk, 32, 4),
        [
            " ● sim down  for 1:06:40",
            " nothing listens on",
            " 127.0.0.1:7497: is TWS",
            " running, and are socket",
        ]
    );
    let tiny = draw(&Connections::new(), &desk, 20, 4);
    assert_eq!(tiny[0], " ● sim down  for 1…");
}

#[test]
fn a_difference_shows_both_sides_and_the_word_that_accepts_it() {
    let mut desk = Desk::rich();
    let other = |ours, theirs| Mismatch {
        ours: units(ours),
        theirs: units(theirs),
        passes: 2,
        since: desk.now.before(std::time::Duration::from_secs(20)),
        average: None,
    };
    let (held, unknown) = (other(100, 200), other(0, 30));
    let entry = desk.state.accounts.get_mut(&account()).unwrap();
    entry.mismatches.insert(id("AAPL"), held);
    let screen = draw(&Positions::new(), &desk, 80, 7);
    assert!(
        screen.iter().any(|line| line.contains("+100 ≠ +200")),
        "{screen:#?}"
    );
    assert_eq!(
        screen[6],
        " ! AAPL ours +100, sim's +200: :accept AAPL takes theirs"
    );
    // What only the broker holds is in the list all the same.
    let entry = desk.state.accounts.get_mut(&account()).unwrap();
    entry.mismatches.clear();
    entry
        .mismatches
        .insert(id("SPY"), Mismatch { passes: 1, ..unknown });
    let screen = draw(&Positions::new(), &desk, 80, 7);
    assert!(
        screen[1].starts_with(" SPY") && screen[1].contains("0 ≠ +30"),
        "{screen:#?}"
    );
    assert_eq!(screen[6], " ! SPY ours 0, sim's +30: reading again");
}

#[test]
fn the_brokers_figures_stand_beside_ours_and_unknown_is_no_zero() {
    let mut desk = Desk::rich();
    desk.connect();
    let entry = desk.state.accounts.get_mut(&account()).unwrap();
    entry.gap = Some((desk.now.before(std::time::Duration::from_secs(3_600)), desk.now));
    let screen = draw(&AccountPane::new(), &desk, 80, 20);
    let text = screen.join("\n");
    for wanted in [
        "then :accept gap",
        "sim says, USD, 0:02 ago",
        "net liquidation        998,765.00",
        "initial margin          41,000.00        62,000.00",
        "maint. margin                  --               --",
        "open P&L                       --  ours",
        "rates            EUR 1.0000",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
}

#[test]
fn an_order_of_another_session_can_be_neither_cancelled_nor_changed_here() {
    let mut desk = Desk::rich();
    let held = ClientOrderId::new("A1").unwrap();
    let order = desk.state.orders.get_mut(&held).unwrap();
    (order.foreign, order.external, order.number) = (true, true, Some(12));
    let mut pane = Orders::new();
    pane.act(Action::Down, &desk.view());
    pane.act(Action::Down, &desk.view());
    for action in [Action::Cancel, Action::Modify] {
        let asked = pane.act(action, &desk.view()).unwrap();
        assert!(
            matches!(&asked[..], [Wish::Say(words)] if words.contains("another session of sim")),
            "{asked:?}"
        );
    }
    let screen = draw(&Orders::new(), &desk, 200, 8).join("\n");
    assert!(
        screen.contains("other session's") && screen.contains("#12"),
        "{screen}"
    );
}

#[test]
fn orders_of_all_days_come_page_by_page_and_no_page_is_taken_twice() {
    use crate::engine::history::OrdersPage;
    use crate::tui::link::{Answer, Ask};
    let desk = Desk::rich();
    let mut pane = Orders::new();
    let asked = |wishes: Option<Vec<Wish>>| match wishes.as_deref() {
        Some([Wish::Ask(ask @ Ask::Orders(page))]) => Some((*ask, *page)),
        _ => None,
    };
    let (ask, page) = asked(pane.word("orders", "all aapl", &desk.view()).and_then(Result::ok)).unwrap();
    assert_eq!((page.instrument, page.before), (Some(id("AAPL")), None));
    assert!(
        asked(pane.word("orders", "all aapl", &desk.view()).and_then(Result::ok)).is_none(),
        "one is on its way"
    );
    let known = desk.state.orders[&ClientOrderId::new("A1").unwrap()].clone();
    let older = |name: &str| {
        let mut order = known.clone();
        (order.id, order.phase) = (ClientOrderId::new(name).unwrap(), crate::domain::Phase::Filled);
        order
    };
    let answer = Answer::Orders(OrdersPage {
        // The first of them is the desk's own: it is shown once.
        orders: vec![known.clone(), older("OLD2")],
        next: Some(40),
    });
    pane.answered(&ask, &answer);
    pane.answered(&ask, &answer);
    let screen = draw(&pane, &desk, 160, 12);
    let rows = screen.iter().filter(|line| line.contains("AAPL")).count();
    assert_eq!(rows, 3, "{screen:#?}");
    assert!(pane.title(&desk.view()).1.ends_with("older below"));
    let (_, page) = (0..4)
        .find_map(|_| asked(pane.act(Action::PageDown, &desk.view())))
        .unwrap();
    assert_eq!(page.before, Some(40));
    // Nothing of that ended day can be cancelled.
    let said = pane.act(Action::Cancel, &desk.view()).unwrap();
    assert!(
        matches!(&said[..], [Wish::Say(words)] if words.contains("has ended")),
        "{said:?}"
    );
}

#[test]
fn a_hundred_thousand_orders_scroll_like_ten() {
    let mut desk = Desk::rich();
    let model = desk.state.orders[&ClientOrderId::new("A5").unwrap()].clone();
    for number in 0..100_000u32 {
        let mut order = model.clone();
        order.id = ClientOrderId::new(&format!("N{number:07}")).unwrap();
        order.created_at = Timestamp(i64::from(number));
        desk.state.orders.insert(order.id, order);
    }
    let mut pane = Orders::new();
    pane.act(Action::Bottom, &desk.view());
    let area = Rect::new(0, 0, 160, 40);
    // A hundred frames: a second of them where each made a hundred thousand rows would be minutes.
    for _ in 0..100 {
        let mut buf = Buffer::empty(area);
        let hits = pane.render(&desk.view(), area, true, &mut buf);
        assert_eq!(hits.rows.last().unwrap().1, 100_005);
        assert!(hits.rows.len() < 40);
    }
}

#[test]
fn the_detail_knows_the_risk_to_the_stop_and_how_far_it_has_been() {
    let mut desk = Desk::rich();
    let screen = draw(&PositionDetail::new(), &desk, 78, 14).join("\n");
    for wanted in [
        "AAPL +100 @ 190.31  mark 190.45",
        // From 190.31 to the stop at 190.20, and from the mark.
        "at stop    ▼ 11.00",
        "from here  ▼ 25.00",
        "since 04:00 NY",
        "-- (no bracket's stop)",
    ] {
        assert!(screen.contains(wanted), "{wanted}\n{screen}");
    }
    // What began before the memory of the state has no beginning, and so no extremes.
    let ledger = desk.state.ledgers.get_mut(&(account(), id("AAPL"))).unwrap();
    ledger.opening.quantity = units(10);
    let screen = draw(&PositionDetail::new(), &desk, 78, 14).join("\n");
    assert!(screen.contains("MAE        --"), "{screen}");
    assert!(screen.contains("it began before"), "{screen}");
}
