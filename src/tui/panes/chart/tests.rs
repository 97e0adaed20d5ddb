//! The chart as a person meets it: whole screens, the crosshair, studies put on and taken off, and what it says of its data.

use super::*;
use crate::engine::Command;
use crate::market::{Market, Print, Quality, Quote};
use crate::tui::panes::DepthChart;
use crate::tui::panes::fixture::{Desk, id, price};
use crate::tui::widgets::screen_of;

fn screen(pane: &dyn Pane, desk: &Desk, width: u16, height: u16) -> Vec<String> {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    pane.render(&desk.view(), buf.area, true, &mut buf);
    screen_of(&buf)
}
fn press(pane: &mut dyn Pane, desk: &Desk, actions: &[Action]) {
    for action in actions {
        pane.act(*action, &desk.view());
    }
}
fn say(pane: &mut Chart, desk: &Desk, line: &str) -> Result<String, String> {
    let (word, rest) = line.split_once(' ').unwrap();
    let wishes = pane.word(word, rest, &desk.view()).unwrap()?;
    Ok(wishes
        .into_iter()
        .find_map(|wish| match wish {
            Wish::Say(said) => Some(said),
            _ => None,
        })
        .unwrap())
}
/// A rich desk whose bars were told with all lengths that a chart has.
fn desk() -> Desk {
    let mut desk = Desk::rich();
    for timeframe in Timeframe::CHARTED {
        desk.market.want_bars(id("AAPL"), timeframe);
    }
    desk
}
/// A screen is as it was looked at; `TRADEWIND_BLESS=1` keeps it as it is now.
#[track_caller]
fn is_kept(wrong: &mut Vec<String>, name: &str, screen: &[String]) {
    let place = format!(
        "{}/src/tui/panes/chart/screens/{name}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    let now = screen.join("\n");
    if std::env::var_os("TRADEWIND_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&place, format!("{}\n", now.trim_end())).unwrap();
    }
    let kept = std::fs::read_to_string(&place).unwrap();
    if now.trim_end() != kept.trim_end() {
        wrong.push(format!("{name} is now\n{now}\nEND OF {name}\nand was\n{kept}"));
    }
}

/// Looked at as pictures when they were made; `kept` is what was seen then.
#[test]
fn whole_screens_are_those_that_were_looked_at() {
    let (desk, mut wrong) = (desk(), Vec::new());
    let mut chart = Chart::new();
    is_kept(&mut wrong, "candles-80x24", &screen(&chart, &desk, 80, 24));
    for line in ["study add bb", "study add rsi 14", "study add macd"] {
        say(&mut chart, &desk, line).unwrap();
    }
    press(&mut chart, &desk, &[Action::Enter]);
    press(&mut chart, &desk, &[Action::Left; 20]);
    press(&mut chart, &desk, &[Action::Down; 15]);
    is_kept(&mut wrong, "cross-160x45", &screen(&chart, &desk, 160, 45));
    let mut chart = Chart::of("chart2", Timeframe::M15);
    chart.without_colour();
    say(&mut chart, &desk, "study clear").unwrap();
    is_kept(&mut wrong, "bare-40x12", &screen(&chart, &desk, 40, 12));
    say(&mut chart, &desk, "style ascii").unwrap();
    say(&mut chart, &desk, "bars 5m").unwrap();
    let plain = screen(&chart, &desk, 60, 14);
    assert!(plain.join("").is_ascii(), "{plain:?}");
    is_kept(&mut wrong, "ascii-60x14", &plain);
    is_kept(
        &mut wrong,
        "depth-60x14",
        &screen(&DepthChart::new(), &desk, 60, 14),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_crosshair_holds_a_bar_and_a_price_while_the_market_moves() {
    let mut desk = desk();
    let mut chart = Chart::new();
    screen(&chart, &desk, 80, 24);
    assert_eq!(chart.price(&desk.view()), None);
    press(
        &mut chart,
        &desk,
        &[Action::Enter, Action::Left, Action::Left, Action::Up, Action::Up],
    );
    assert_eq!(chart.price(&desk.view()), Some(price("190.47")));
    let read = |chart: &Chart, desk: &Desk| -> String {
        let line = screen(chart, desk, 80, 24)[0].clone();
        line.split('┈').next().unwrap_or_default().to_owned()
    };
    let reading = read(&chart, &desk);
    assert!(
        reading.contains("Nov 20 09:55") && reading.contains(" V "),
        "{reading}"
    );
    // A new minute, another price: the bar that is held is read as before.
    let (at, mut none) = (desk.now.after(std::time::Duration::from_secs(60)), Vec::new());
    let instrument = id("AAPL");
    let number = desk.market.last(instrument).unwrap().number + 1;
    let print = Print {
        at,
        number,
        price: price("190.90"),
        ..*desk.market.last(instrument).unwrap()
    };
    desk.market.on_print(print, &mut none);
    assert_eq!(read(&chart, &desk), reading);
    assert_eq!(chart.price(&desk.view()), Some(price("190.47")));
    // Beyond the left edge the chart follows; another instrument has no crosshair of this one; Esc drops it.
    press(&mut chart, &desk, &[Action::Left; 100]);
    let far = screen(&chart, &desk, 80, 24);
    assert!(
        far[0].contains("Nov 20 08:15") && chart.title(&desk.view()).1.ends_with("✛ Esc leaves"),
        "{far:?}"
    );
    desk.instrument = Some(id("MSFT"));
    assert_eq!(chart.price(&desk.view()), None);
    desk.instrument = Some(instrument);
    press(&mut chart, &desk, &[Action::Escape]);
    assert_eq!(chart.price(&desk.view()), None);
    assert!(
        chart.act(Action::Escape, &desk.view()).is_none(),
        "the desk's business again"
    );
}

/// The crosshair points at an order as the ladder's cursor does; far from every order the keys say so and touch none.
#[test]
fn an_order_is_changed_moved_and_cancelled_at_the_crosshair() {
    let desk = desk();
    let mut chart = Chart::new();
    screen(&chart, &desk, 160, 45);
    assert!(chart.act(Action::Modify, &desk.view()).is_none(), "no crosshair");
    press(&mut chart, &desk, &[Action::Enter]);
    let view = desk.view();
    let stop = view
        .state
        .live_orders(view.account.unwrap(), id("AAPL"))
        .find(|order| order.spec.kind.is_stop())
        .unwrap();
    let at = crate::tui::panes::depth::own::stands_at(stop).unwrap();
    let mut steps = 0;
    while chart.price(&view) != Some(at) {
        let down = chart.price(&view).unwrap() > at;
        chart
            .act(if down { Action::Down } else { Action::Up }, &view)
            .unwrap();
        steps += 1;
        assert!(steps < 10_000, "{:?}", chart.price(&view));
    }
    assert!(chart.title(&view).1.contains("stp"), "{}", chart.title(&view).1);
    assert_eq!(chart.act(Action::Modify, &view), Some(vec![Wish::Edit(stop.id)]));
    let cancel = Command::Cancel { id: stop.id };
    assert_eq!(
        chart.act(Action::Cancel, &view),
        Some(vec![Wish::Send(Box::new(cancel))])
    );
    let up = |ticks| {
        let tick = price("0.01").raw() * ticks;
        Some(vec![Wish::Move(stop.id, Price::from_raw(at.raw() + tick))])
    };
    assert_eq!(chart.act(Action::OrderUp, &view), up(1));
    assert_eq!(
        chart.act(Action::OrderUp, &view),
        up(2),
        "a count goes on from there"
    );
    for _ in 0..100 {
        press(&mut chart, &desk, &[Action::PageDown]);
    }
    let said = chart.act(Action::Cancel, &view).unwrap();
    assert!(
        matches!(&said[..], [Wish::Say(text)] if text.contains("no order of yours is near")),
        "{said:?}"
    );
}

#[test]
fn a_price_off_the_screen_can_be_reached_and_stays_on_a_tick() {
    let desk = desk();
    let mut chart = Chart::new();
    for _ in 0..40 {
        screen(&chart, &desk, 80, 24);
        press(&mut chart, &desk, &[Action::Enter, Action::PageDown]);
    }
    let held = chart.price(&desk.view()).unwrap();
    assert!(
        held < price("185") && held.raw() % price("0.01").raw() == 0,
        "{held}"
    );
    let drawn = screen(&chart, &desk, 80, 24).join("\n");
    assert!(drawn.contains(&format!("{held:.2}")), "{drawn}");
}

#[test]
fn studies_are_put_on_and_taken_off_by_list_and_by_word() {
    let desk = desk();
    let mut chart = Chart::new();
    use Action::{Down, Enter, Escape, Right, ToggleStudy};
    // The first of the list off, the second two bars longer, the third on.
    press(
        &mut chart,
        &desk,
        &[ToggleStudy, Enter, Down, Right, Right, Down, Enter, Escape],
    );
    assert_eq!(chart.studies, [StudySpec::Ema(23), StudySpec::Sma(20)]);
    assert_eq!(
        say(&mut chart, &desk, "study add RSI 7").unwrap(),
        "rsi 7 is on the chart"
    );
    assert!(screen(&chart, &desk, 80, 24).join("\n").contains(" rsi 7 "));
    for (line, why) in [
        ("study add rsi 7", "already"),
        ("study add rsi seven", "a study is sma"),
        ("study remove atr", "there are ema 23, sma 20, rsi 7"),
        ("study what", "study add NAME"),
        ("bars 7m", "5s 15s 30s 1m 2m 5m 15m 30m 1h 4h 1d 1w 1mo"),
        ("style pie", "heikin-ashi"),
    ] {
        let error = say(&mut chart, &desk, line).unwrap_err();
        assert!(error.contains(why), "{line}: {error}");
    }
    say(&mut chart, &desk, "study remove rsi").unwrap();
    say(&mut chart, &desk, "study clear").unwrap();
    assert_eq!(chart.studies, []);
    // 100 moves of one study leave one study.
    press(&mut chart, &desk, &[ToggleStudy, Enter]);
    press(&mut chart, &desk, &[Right; 100]);
    assert_eq!(chart.studies, [StudySpec::Sma(120)]);
}

#[test]
fn several_charts_beside_each_other_have_lengths_of_their_own() {
    let desk = desk();
    let mut one = Chart::new();
    let other = Chart::of("chart2", Timeframe::Day);
    say(&mut one, &desk, "bars 4h").unwrap();
    assert_eq!(
        (one.title(&desk.view()).0.as_str(), one.name()),
        ("AAPL 4h", "chart")
    );
    assert_eq!(
        (other.title(&desk.view()).0.as_str(), other.name()),
        ("AAPL 1d", "chart2")
    );
    for timeframe in Timeframe::CHARTED {
        let chart = Chart::of("chart3", timeframe);
        assert!(!desk.market.bars(id("AAPL"), timeframe).is_empty(), "{timeframe}");
        assert_eq!(
            chart.wants(&desk.view()).is_some(),
            desk.market.bars(id("AAPL"), timeframe).len() < ENOUGH
        );
    }
}

#[test]
fn the_chart_says_how_good_its_data_are() {
    let mut desk = desk();
    let chart = Chart::new();
    let said = |desk: &Desk| chart.title(&desk.view()).1;
    assert!(said(&desk).ends_with("vol   raw   ← live"), "{}", said(&desk));
    // An open market that has told nothing for two minutes is not live whatever it calls itself.
    desk.now = desk.now.after(std::time::Duration::from_secs(120));
    assert!(said(&desk).contains("   stale 2:0"), "{}", said(&desk));
    let quote = Quote {
        at: desk.now,
        quality: Quality::Delayed,
        ..*desk.market.quote(id("AAPL")).unwrap()
    };
    desk.market.on_quote(quote);
    assert!(said(&desk).contains("   delayed   "), "{}", said(&desk));
    desk.attached = false;
    assert!(said(&desk).ends_with("   no link 0:00"), "{}", said(&desk));
    assert!(
        !screen(&chart, &desk, 80, 24).join("").contains("no link"),
        "old bars stay in sight"
    );
    desk.market = Market::replica();
    assert!(
        screen(&chart, &desk, 80, 24)
            .join("")
            .contains("no link to the engine")
    );
    desk.attached = true;
    for instrument in desk.state.instruments.values() {
        desk.market.list(instrument.clone());
    }
    assert!(
        screen(&chart, &desk, 80, 24)
            .join("")
            .contains("loading bars of 1m")
    );
    desk.market.set_bars(id("AAPL"), Timeframe::M1, Vec::new());
    assert!(
        screen(&chart, &desk, 80, 24)
            .join("")
            .contains("no bars of 1m: nothing has traded")
    );
    desk.state.instruments.clear();
    assert!(
        screen(&chart, &desk, 80, 24)
            .join("")
            .contains("loading instruments")
    );
    desk.instrument = None;
    assert!(
        screen(&DepthChart::new(), &desk, 40, 4)
            .join(" ")
            .contains("loading instruments")
    );
}

#[test]
fn lines_of_alerts_have_their_price_beside_the_axis() {
    let desk = desk();
    let lines = marks::levels(&desk.view(), [(price("190.40"), "above".to_owned())]);
    assert_eq!((lines[0].label.as_str(), lines[0].is_ours), ("◆ above", false));
}

/// No row that words take has a bar in it: what stood under them could not be read.
#[test]
fn words_above_and_below_the_bars_have_rows_of_their_own() {
    let desk = desk();
    let mut chart = Chart::new();
    for line in ["study add bb", "study add sma 50"] {
        say(&mut chart, &desk, line).unwrap();
    }
    let bars = |row: &str| row.contains(['┃', '╻', '╹', '╷', '╵', '╽', '╿']);
    let plain = screen(&chart, &desk, 120, 35);
    assert!(
        plain[0].contains("ema 9") && !bars(&plain[0]),
        "{}",
        plain.join("\n")
    );
    press(&mut chart, &desk, &[Action::Enter]);
    let crossed = screen(&chart, &desk, 120, 35);
    assert!(
        crossed[0].contains(" O ") && crossed[1].contains("ema 9"),
        "{}",
        crossed.join("\n")
    );
    assert!(!bars(&crossed[0]) && !bars(&crossed[1]), "{}", crossed.join("\n"));
}
