//! The watchlist under a person's hands: groups, order, filter, columns, and a hundred thousand rows.

use super::*;
use crate::domain::Price;
use crate::market::Quality;
use crate::tui::panes::fixture::{Desk, id};
use crate::tui::widgets::screen_of;

fn screen(pane: &Watchlist, desk: &Desk, width: u16, height: u16) -> Vec<String> {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    pane.render(&desk.view(), buf.area, true, &mut buf);
    screen_of(&buf)
}
fn symbols(pane: &Watchlist, desk: &Desk) -> Vec<String> {
    screen(pane, desk, 30, 20)[1..]
        .iter()
        .filter_map(|line| line.split_whitespace().next())
        // What is held has its sign there.
        .map(|word| word.trim_start_matches(['+', '-']).to_owned())
        .collect()
}
fn word(pane: &mut Watchlist, desk: &Desk, text: &str) -> Result<String, String> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let wishes = pane.word(word, rest, &desk.view()).unwrap()?;
    match &wishes[..] {
        [Wish::Say(said)] => Ok(said.clone()),
        other => panic!("{other:?}"),
    }
}
/// A price that moves the whole order.
fn trade(desk: &mut Desk, symbol: &str, at: &str) {
    let last = *desk.market.last(id(symbol)).unwrap();
    for extra in 1..4 {
        let print = crate::market::Print {
            number: last.number + extra,
            at: desk.now,
            price: at.parse::<Price>().unwrap(),
            ..last
        };
        desk.market.on_print(print, &mut Vec::new());
    }
}

#[test]
fn groups_are_gone_through_by_a_key_and_own_lists_keep_their_order() {
    let mut desk = Desk::rich();
    let mut pane = Watchlist::new();
    pane.act(Action::Right, &desk.view());
    assert_eq!(pane.group, Group::Positions);
    assert_eq!(symbols(&pane, &desk), ["AAPL", "ESZ6", "MSFT", "NVDA", "SAP"]);
    assert!(
        word(&mut pane, &desk, "watch add SPY")
            .unwrap_err()
            .contains("no list of your own")
    );
    word(&mut pane, &desk, "watch group tech").unwrap();
    assert!(
        screen(&pane, &desk, 60, 6)
            .join(" ")
            .contains("tech is empty: :watch add SYMBOL")
    );
    word(&mut pane, &desk, "watch add NVDA esz6 aapl").unwrap();
    assert_eq!(symbols(&pane, &desk), ["NVDA", "ESZ6", "AAPL"]);
    assert!(
        word(&mut pane, &desk, "watch add XYZ")
            .unwrap_err()
            .contains(":find XYZ")
    );
    assert!(
        word(&mut pane, &desk, "watch add AAPL")
            .unwrap_err()
            .contains("already")
    );
    word(&mut pane, &desk, "watch remove esz6").unwrap();
    assert_eq!(symbols(&pane, &desk), ["NVDA", "AAPL"]);
    assert_eq!(pane.title(&desk.view()).0, "WATCH tech 2");
    // What is kept brings the same list back.
    let mut other = Watchlist::new();
    other.recall(&pane.remember());
    assert_eq!(
        (symbols(&other, &desk), other.memory()),
        (symbols(&pane, &desk), pane.memory())
    );
    desk.state.instruments.clear();
    other.edition += 1;
    assert_eq!(other.title(&desk.view()).0, "WATCH tech 0 +2 not listed");
}

#[test]
fn no_row_changes_its_place_under_a_hand_or_behind_a_preview() {
    let mut desk = Desk::rich();
    let mut pane = Watchlist::new();
    word(&mut pane, &desk, "sort %").unwrap();
    let before = symbols(&pane, &desk);
    assert_eq!(before[0], "AAPL");
    trade(&mut desk, "ESZ6", "5300");
    pane.act(Action::Down, &desk.view());
    desk.now = desk.now.after(HAND_STAYS - Duration::from_millis(1));
    assert_eq!(symbols(&pane, &desk), before, "a hand was there a moment ago");
    desk.now = desk.now.after(Duration::from_secs(10));
    desk.holding = true;
    assert_eq!(symbols(&pane, &desk), before, "a preview is open");
    // A click lands on what was drawn, not on what has come since.
    desk.holding = false;
    assert_eq!(pane.click(0, &desk.view()), [Wish::Select(id("AAPL"))]);
    desk.now = desk.now.after(Duration::from_secs(10));
    assert_eq!(symbols(&pane, &desk)[0], "ESZ6");
    // A click on a head sorts by it, another the other way round.
    let mut buf = Buffer::empty(Rect::new(0, 0, 46, 9));
    let hits = pane.render(&desk.view(), buf.area, true, &mut buf).rows;
    let last = hits.iter().find(|(_, index)| *index == HEADS + 1).unwrap();
    assert_eq!(last.0.y, 0);
    assert!(pane.click(last.1, &desk.view()).is_empty());
    assert_eq!(symbols(&pane, &desk)[0], "BTC.USD");
    pane.click(last.1, &desk.view());
    assert_eq!(symbols(&pane, &desk)[0], "EUR.USD");
}

#[test]
fn a_filter_says_what_it_hides() {
    let desk = Desk::rich();
    let mut pane = Watchlist::new();
    word(&mut pane, &desk, "filter pos != 0 and kind = equity").unwrap();
    assert_eq!(symbols(&pane, &desk), ["AAPL", "NVDA", "SAP"]);
    assert_eq!(
        pane.title(&desk.view()),
        (
            "WATCH 3 of 8".into(),
            "by symbol  pos != 0 and kind = equity".into()
        )
    );
    assert!(
        word(&mut pane, &desk, "filter lst > 5")
            .unwrap_err()
            .contains("'last'")
    );
    assert_eq!(
        symbols(&pane, &desk).len(),
        3,
        "a filter that is none changes nothing"
    );
    word(&mut pane, &desk, "filter last > 1b").unwrap();
    assert!(
        screen(&pane, &desk, 60, 6)
            .join(" ")
            .contains(":filter shows all again")
    );
    word(&mut pane, &desk, "filter").unwrap();
    assert_eq!(symbols(&pane, &desk).len(), 8);
}

#[test]
fn columns_are_chosen_by_name_and_a_halt_cannot_be_overlooked() {
    let mut desk = Desk::rich();
    let mut pane = Watchlist::new();
    assert!(
        word(&mut pane, &desk, "columns bid aask")
            .unwrap_err()
            .contains("'ask'")
    );
    word(
        &mut pane,
        &desk,
        "columns last change bid bidsize ask asksize spread range session pnl short",
    )
    .unwrap();
    let lines = screen(&pane, &desk, 110, 4);
    assert_eq!(
        lines[..2],
        [
            " symbol       last  change       bid b.size       ask a.size spread  low─high  session            P&L  short",
            " AAPL       190.45   +1.45    190.45    185    190.46    403   0.01  ●───────┤ open 6h01      ▲ 14.00  yes",
        ]
    );
    let mut quote = *desk.market.quote(id("AAPL")).unwrap();
    quote.quality = Quality::Halted;
    desk.market.on_quote(quote);
    assert!(screen(&pane, &desk, 110, 4)[1].contains("HALTED"));
    // Without that column the badge says it, which is there only when it has something to say.
    let usual = Watchlist::new();
    let lines = screen(&usual, &desk, 46, 4);
    assert!(
        lines[0].contains("data") && lines[1].contains("HALT"),
        "{lines:#?}"
    );
}

#[test]
fn a_hundred_thousand_rows_cost_a_frame_what_ten_cost() {
    let mut desk = Desk::rich();
    let model = desk.state.instruments[&id("AAPL")].clone();
    for n in 0..100_000 {
        let mut instrument = model.clone();
        instrument.id = id(&format!("S{n:06}"));
        desk.state.instruments.insert(instrument.id, instrument);
    }
    let mut pane = Watchlist::new();
    word(&mut pane, &desk, "sort %").unwrap();
    word(&mut pane, &desk, "filter % > 0 or symbol != AAPL").unwrap();
    let looked = |pane: &Watchlist| pane.roster.borrow().looked;
    screen(&pane, &desk, 46, 30);
    let first = looked(&pane);
    assert_eq!(first, 100_008, "once, when it was asked for");
    for _ in 0..20 {
        desk.now = desk.now.after(Duration::from_secs(3));
        let before = looked(&pane);
        screen(&pane, &desk, 46, 30);
        assert!(looked(&pane) - before <= roster::SLICE as u64);
    }
    assert!(looked(&pane) > first, "it does go on looking");
    assert_eq!(pane.seen().len(), 29, "only what is in sight is made and watched");
    pane.act(Action::Bottom, &desk.view());
    assert_eq!(screen(&pane, &desk, 46, 30).len(), 30);
}

#[test]
fn a_row_is_copied_with_every_chosen_column_and_ours_hidden() {
    let mut desk = Desk::rich();
    let mut pane = Watchlist::new();
    word(&mut pane, &desk, "columns last low high bid ask pos pnl kind").unwrap();
    desk.instrument = Some(id("AAPL"));
    let narrow = screen(&pane, &desk, 30, 10).join(" ");
    assert!(!narrow.contains("equity"), "{narrow}");
    let copied = pane.copied(&desk.view()).unwrap();
    let words: Vec<&str> = copied.split("  ").collect();
    assert_eq!(
        (words[0], words[6], words[8]),
        ("AAPL", "+100", "equity"),
        "{copied}"
    );
    assert_eq!(words.len(), 9, "{copied}");
    let view = View {
        masked: true,
        ..desk.view()
    };
    let hidden = pane.copied(&view).unwrap();
    assert!(
        hidden.starts_with(&words[..6].join("  ")),
        "the market is everybody's: {hidden}"
    );
    assert!(!hidden.contains("100") && hidden.ends_with("equity"), "{hidden}");
    // What is on the desk and not in this list is no row of it.
    word(&mut pane, &desk, "filter last > 1000").unwrap();
    desk.instrument = Some(id("SAP"));
    assert_eq!(pane.copied(&desk.view()), None);
}
