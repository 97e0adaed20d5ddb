//! The ladder under a person's hands: what is in the hand, what a key does with it, and what is refused.

use super::*;
use crate::domain::{OrderKind, Phase, Quantity, Role};
use crate::engine::state::Group;
use crate::tui::panes::fixture::{Desk, account, id, price, units};
use crate::tui::widgets::screen_of;
use std::time::Duration;

fn screen(pane: &DepthPane, desk: &Desk, width: u16, height: u16) -> Vec<String> {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    pane.render(&desk.view(), buf.area, true, &mut buf);
    screen_of(&buf)
}
fn order_id(name: &str) -> ClientOrderId {
    ClientOrderId::new(name).unwrap()
}
/// The market goes on by so much.
fn shift(desk: &mut Desk, by: &str) {
    let mut depth = desk.market.depth(id("AAPL")).unwrap().clone();
    for level in depth.bids.iter_mut().chain(&mut depth.asks) {
        level.price = level.price.checked_add(price(by)).unwrap();
    }
    desk.market.on_depth(depth);
    let mut quote = *desk.market.quote(id("AAPL")).unwrap();
    let up = |level: (Price, Quantity)| (level.0.checked_add(price(by)).unwrap(), level.1);
    (quote.bid, quote.ask) = (quote.bid.map(up), quote.ask.map(up));
    desk.market.on_quote(quote);
}
/// Puts the cursor on a price.
fn hold(pane: &mut DepthPane, desk: &Desk, at: &str) {
    screen(pane, desk, 34, 60);
    pane.cursor = Some((id("AAPL"), price(at)));
}
/// Another live order of the desk's account, like A1.
fn order(desk: &mut Desk, name: &str, side: Side, kind: OrderKind, role: Role) {
    let mut order = desk.state.orders[&order_id("A1")].clone();
    order.id = order_id(name);
    (order.spec.side, order.spec.kind, order.spec.role) = (side, kind, role);
    order.filled = Quantity::ZERO;
    order.created_at = desk.now;
    let key = (account(), order.spec.instrument, order.id);
    desk.state.live.insert(key);
    desk.state.orders.insert(order.id, order);
    desk.state.reindex();
}
fn limit(at: &str) -> OrderKind {
    OrderKind::Limit { price: price(at) }
}
fn stop(at: &str) -> OrderKind {
    OrderKind::Stop { trigger: price(at) }
}
/// A bracket whose entry works below the market; its children wait.
fn with_bracket(desk: &mut Desk) {
    order(desk, "B", Side::Buy, limit("190.40"), Role::Entry);
    order(desk, "B.1", Side::Sell, stop("190.10"), Role::StopLoss);
    order(desk, "B.2", Side::Sell, limit("190.90"), Role::Target);
    for name in ["B.1", "B.2"] {
        let child = desk.state.orders.get_mut(&order_id(name)).unwrap();
        (child.spec.parent, child.oco, child.phase) =
            (Some(order_id("B")), Some(order_id("B")), Phase::Created);
    }
    desk.state.reindex();
    let group = Group {
        parent: Some(order_id("B")),
        size: Quantity::ZERO,
        members: vec![order_id("B.1"), order_id("B.2")],
        set_aside: Quantity::ZERO,
    };
    desk.state.groups.insert(order_id("B"), group);
}
/// The changes that wishes send: order and new price.
fn sent(wishes: &[Wish], desk: &Desk) -> Vec<(String, Price)> {
    let change = |wish: &Wish| match wish {
        Wish::Send(command) => match **command {
            Command::Modify { id, change } => {
                assert!(desk.state.orders.contains_key(&id));
                (id.as_str().to_owned(), change.price.or(change.trigger).unwrap())
            }
            ref other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    wishes.iter().map(change).collect()
}
fn said(wishes: Option<Vec<Wish>>) -> String {
    match wishes.as_deref() {
        Some([Wish::Say(text)]) => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_moves_behind_a_preview_and_the_held_price_stays_in_sight() {
    let mut desk = Desk::rich();
    let mut pane = DepthPane::new();
    let before = screen(&pane, &desk, 34, 13);
    let row_of = |screen: &[String], text: &str| screen.iter().position(|line| line.contains(text));
    desk.holding = true;
    shift(&mut desk, "0.50");
    let behind = screen(&pane, &desk, 34, 13);
    assert_eq!(
        row_of(&behind, " 190.43"),
        row_of(&before, " 190.43"),
        "{behind:#?}"
    );
    assert!(behind[0].contains("↑ ask 190.96"), "{behind:#?}");
    desk.holding = false;
    assert!(
        row_of(&screen(&pane, &desk, 34, 13), " 190.96").is_some(),
        "then it follows again"
    );
    // The cursor goes beyond the edge and takes the ladder along.
    for _ in 0..40 {
        pane.act(Action::Up, &desk.view());
        let seen = screen(&pane, &desk, 34, 13);
        let held = format!("{:.2}", pane.price(&desk.view()).unwrap());
        let marked = seen.iter().find(|line| line.starts_with('▸')).unwrap();
        assert!(marked.contains(&held), "{held} {seen:#?}");
    }
}

/// What is ours and has no row stands at the edge by which it left, and never over an order of ours or the price in hand.
#[test]
fn what_is_ours_beyond_the_ladder_is_told_at_its_edge() {
    let mut desk = Desk::rich();
    let mut pane = DepthPane::new();
    order(&mut desk, "S", Side::Sell, stop("180.00"), Role::Entry);
    order(&mut desk, "T", Side::Sell, limit("199.00"), Role::Entry);
    let seen = screen(&pane, &desk, 60, 13);
    let edge = |rows: &[String], text: &str| rows.iter().any(|line| line.contains(text));
    assert!(edge(&seen[..3], "199.00") && edge(&seen[..3], "↑"), "{seen:#?}");
    assert!(edge(&seen[10..], "▸s50 180.00"), "{seen:#?}");
    // Rows of more ticks have room for more of it.
    for _ in 0..9 {
        pane.act(Action::ZoomOut, &desk.view());
        screen(&pane, &desk, 60, 13);
    }
    let far = screen(&pane, &desk, 60, 13);
    assert!(!edge(&far, "↑") && !edge(&far, "↓"), "{far:#?}");
}

#[test]
fn no_price_in_the_middle_of_the_book_gives_way_to_what_lies_beyond() {
    let mut desk = Desk::rich();
    let mut pane = DepthPane::new();
    order(&mut desk, "S", Side::Sell, stop("180.00"), Role::Entry);
    hold(&mut pane, &desk, "190.46");
    let at_edge = |rows: &[String]| rows.iter().any(|line| line.contains("180.00"));
    assert!(at_edge(&screen(&pane, &desk, 60, 13)));
    let mut hidden = 0;
    for _ in 0..12 {
        shift(&mut desk, "-0.01");
        let seen = screen(&pane, &desk, 60, 13);
        hidden += u32::from(!at_edge(&seen));
        let ask = desk.market.quote(id("AAPL")).unwrap().ask.unwrap().0;
        let above = ask.checked_add(price("0.01")).unwrap();
        let row_of = |price: Price| {
            let text = format!(" {price:.2}");
            seen.iter()
                .position(|line| line.contains(&text) && !line.contains('↓'))
        };
        if let Some(row) = row_of(ask).filter(|row| *row > 0) {
            assert_eq!(row_of(above), Some(row - 1), "{seen:#?}");
        }
    }
    assert!(hidden > 0, "the market stood at the edge once");
}

#[test]
fn cancel_takes_the_order_at_the_held_price_and_no_other() {
    let mut desk = Desk::rich();
    let mut pane = DepthPane::new();
    screen(&pane, &desk, 34, 60);
    assert!(said(pane.act(Action::Cancel, &desk.view())).contains("put the cursor on an order"));
    hold(&mut pane, &desk, "190.39");
    assert!(said(pane.act(Action::Cancel, &desk.view())).contains("no order of yours stands at 190.39"));
    hold(&mut pane, &desk, "190.38");
    let cancel = |name: &str| Some(vec![Wish::Send(Box::new(Command::Cancel { id: order_id(name) }))]);
    assert_eq!(pane.act(Action::Cancel, &desk.view()), cancel("A1"));
    // Of several the newest goes first, and protection last.
    order(&mut desk, "N", Side::Buy, limit("190.38"), Role::Entry);
    order(&mut desk, "S", Side::Sell, stop("190.38"), Role::StopLoss);
    assert_eq!(pane.act(Action::Cancel, &desk.view()), cancel("N"));
    desk.state.live.remove(&(account(), id("AAPL"), order_id("N")));
    desk.state.live.remove(&(account(), id("AAPL"), order_id("A1")));
    assert_eq!(pane.act(Action::Cancel, &desk.view()), cancel("S"));
    desk.state.orders.get_mut(&order_id("S")).unwrap().foreign = true;
    assert!(said(pane.act(Action::Cancel, &desk.view())).contains("another session"));
}

#[test]
fn an_order_moves_by_a_tick_and_the_hand_stays_on_it() {
    let mut desk = Desk::rich();
    let mut pane = DepthPane::new();
    hold(&mut pane, &desk, "190.38");
    let moved = pane.act(Action::OrderDown, &desk.view());
    assert_eq!(moved, Some(vec![Wish::Move(order_id("A1"), price("190.37"))]));
    assert_eq!(pane.price(&desk.view()), Some(price("190.37")));
    // A count moves on at the same moment; later it starts from where the order is.
    let moved = pane.act(Action::OrderDown, &desk.view());
    assert_eq!(moved, Some(vec![Wish::Move(order_id("A1"), price("190.36"))]));
    desk.now = desk.now.after(Duration::from_secs(1));
    // Until the broker has answered it is not moved again; then the same one is, although another stands there now.
    let a1 = desk.state.orders.get_mut(&order_id("A1")).unwrap();
    a1.pending = Some(crate::domain::Pending::Cancel);
    assert!(said(pane.act(Action::OrderDown, &desk.view())).contains("not answered yet"));
    let a1 = desk.state.orders.get_mut(&order_id("A1")).unwrap();
    (a1.pending, a1.spec.kind) = (None, limit("190.37"));
    order(&mut desk, "N", Side::Buy, limit("190.37"), Role::Entry);
    let moved = pane.act(Action::OrderUp, &desk.view());
    assert_eq!(moved, Some(vec![Wish::Move(order_id("A1"), price("190.38"))]));
    // The cursor moved by hand lets go.
    hold(&mut pane, &desk, "190.38");
    pane.act(Action::Down, &desk.view());
    let moved = pane.act(Action::OrderUp, &desk.view());
    assert_eq!(moved, Some(vec![Wish::Move(order_id("N"), price("190.38"))]));
}

#[test]
fn friction_follows_the_effect_on_risk() {
    let mut desk = Desk::rich();
    with_bracket(&mut desk);
    order(&mut desk, "X", Side::Sell, limit("190.60"), Role::Entry);
    order(&mut desk, "Y", Side::Buy, stop("190.80"), Role::Entry);
    let adds = |name: &str, to: &str| own::adds(&desk.view(), &desk.state.orders[&order_id(name)], price(to));
    // An entry that becomes less aggressive costs nothing; a more aggressive one may.
    assert_eq!(adds("A1", "190.37"), None);
    assert_eq!(adds("A1", "190.39"), Some("more aggressive"));
    // The stop of the long position: closer is less risk, looser is more, and at the market it is an order now.
    assert_eq!(adds("A2", "190.21"), None);
    assert_eq!(adds("A2", "190.19"), Some("it loosens the stop"));
    assert_eq!(adds("A2", "190.45"), Some("it would trigger at once"));
    // Two exits of 100 for 100 held: one of them could open a short, which the engine says too.
    assert_eq!(adds("X", "190.59"), Some("more aggressive"));
    assert_eq!(adds("X", "190.61"), None);
    assert_eq!(adds("Y", "190.81"), Some("a stop that opens"));
    // An entry never passes its own stop unseen; a child that waits for it triggers nothing.
    assert_eq!(adds("B", "190.10"), Some("it would pass its own stop"));
    assert_eq!(adds("B.1", "190.11"), None);
    assert_eq!(adds("B.1", "190.09"), Some("it loosens the stop"));
    let mut unknown = Desk::rich();
    unknown.market = crate::market::Market::replica();
    let a2 = &unknown.state.orders[&order_id("A2")];
    assert_eq!(
        own::adds(&unknown.view(), a2, price("190.21")),
        Some("it would trigger at once")
    );
}

#[test]
fn a_bracket_moves_as_one_and_what_leads_goes_first() {
    let mut desk = Desk::rich();
    let mut pane = DepthPane::new();
    screen(&pane, &desk, 34, 60);
    assert!(said(pane.act(Action::MoveBracket, &desk.view())).contains("no bracket"));
    with_bracket(&mut desk);
    assert_eq!(pane.act(Action::MoveBracket, &desk.view()), Some(Vec::new()));
    pane.act(Action::Up, &desk.view());
    pane.act(Action::Up, &desk.view());
    assert_eq!(
        pane.title(&desk.view()).1,
        "MOVE BRACKET +2 ticks  Enter sends, Esc drops"
    );
    // Each leg stands in the preview, whether the ladder has a row for it or not.
    let ahead = pane.in_hand_ahead(&desk.view()).unwrap();
    let told: Vec<String> = ahead
        .lines(160)
        .iter()
        .map(|line| line.iter().map(|span| span.content.as_ref()).collect())
        .collect();
    for (line, words) in told.iter().zip([
        "CHANGE SELL 50 AAPL @ 190.90 → 50 @ 190.92",
        "CHANGE BUY 50 AAPL @ 190.40 → 50 @ 190.42",
        "CHANGE SELL 50 AAPL stp 190.10 → 50 stp 190.12",
    ]) {
        assert!(line.contains(words), "{told:#?}");
    }
    assert_eq!(told.len(), 4, "{told:#?}");
    assert!(told[3].contains("the risk stays"), "{told:#?}");
    let ghosts = screen(&pane, &desk, 34, 140);
    for (line, ghost) in [("190.42", "◇50"), ("190.92", "50◇"), ("190.12", "50◇")] {
        assert!(
            ghosts.iter().any(|l| l.contains(line) && l.contains(ghost)),
            "{ghosts:#?}"
        );
    }
    // Nobody sends what has only just appeared.
    assert!(said(pane.act(Action::Enter, &desk.view())).contains("not sent"));
    desk.now = desk.now.after(STANDS);
    let wishes = pane.act(Action::Enter, &desk.view()).unwrap();
    let up = |name: &str, at: &str| (name.to_owned(), price(at));
    assert_eq!(
        sent(&wishes, &desk),
        [up("B.2", "190.92"), up("B", "190.42"), up("B.1", "190.12")]
    );
    assert!(
        pane.act(Action::Enter, &desk.view()).is_none(),
        "a held Enter sends nothing more"
    );
    // Down it is the stop that leads.
    pane.act(Action::MoveBracket, &desk.view());
    pane.act(Action::Down, &desk.view());
    desk.now = desk.now.after(STANDS);
    let wishes = pane.act(Action::Enter, &desk.view()).unwrap();
    assert_eq!(
        sent(&wishes, &desk),
        [up("B.1", "190.09"), up("B", "190.39"), up("B.2", "190.89")]
    );
}

#[test]
fn a_bracket_that_would_cross_or_cannot_be_touched_stays_whole_where_it_is() {
    let mut desk = Desk::rich();
    let mut pane = DepthPane::new();
    with_bracket(&mut desk);
    let mut put = |desk: &mut Desk, ticks: i64| {
        pane.act(Action::MoveBracket, &desk.view());
        for _ in 0..ticks.abs() {
            pane.act(if ticks > 0 { Action::Up } else { Action::Down }, &desk.view());
        }
        desk.now = desk.now.after(Duration::from_secs(1));
        let text = said(pane.act(Action::Enter, &desk.view()));
        pane.act(Action::Escape, &desk.view());
        text
    };
    assert_eq!(put(&mut desk, 0), "the bracket stays where it is");
    // The ask is at 190.46.
    assert_eq!(
        put(&mut desk, 6),
        "not sent: the entry at 190.46 would trade at once"
    );
    desk.state.orders.get_mut(&order_id("B.1")).unwrap().pending = Some(crate::domain::Pending::Cancel);
    assert!(put(&mut desk, -1).contains("not answered yet"));
    desk.state.orders.get_mut(&order_id("B.1")).unwrap().pending = None;
    // Filled: stop and target hold a position now, and neither may act at once. The bid is at 190.45.
    let entry = desk.state.orders.get_mut(&order_id("B")).unwrap();
    (entry.filled, entry.phase) = (units(50), Phase::Filled);
    desk.state.live.remove(&(account(), id("AAPL"), order_id("B")));
    for name in ["B.1", "B.2"] {
        desk.state.orders.get_mut(&order_id(name)).unwrap().phase = Phase::Working;
    }
    assert_eq!(
        put(&mut desk, 35),
        "not sent: the stop at 190.45 would trigger at once"
    );
    assert_eq!(
        put(&mut desk, -45),
        "not sent: the target at 190.45 would trade at once"
    );
    // Another instrument on the desk: what was in hand is not in hand there.
    pane.act(Action::MoveBracket, &desk.view());
    desk.instrument = Some(id("MSFT"));
    assert!(pane.lifted(&desk.view()).is_none());
}

#[test]
fn a_click_fills_a_preview_and_sends_nothing() {
    let desk = Desk::rich();
    let mut pane = DepthPane::new();
    let mut buf = Buffer::empty(Rect::new(0, 0, 34, 6));
    let hits = pane.render(&desk.view(), buf.area, true, &mut buf).rows;
    let at = |x: u16, y: u16| {
        hits.iter()
            .find(|(area, _)| area.contains((x, y).into()))
            .unwrap()
            .1
    };
    assert_eq!(
        pane.click(at(3, 4), &desk.view()),
        [Wish::Ticket(Side::Buy, price("190.44"))]
    );
    assert_eq!(
        pane.click(at(32, 2), &desk.view()),
        [Wish::Ticket(Side::Sell, price("190.46"))]
    );
    assert_eq!(pane.click(at(16, 0), &desk.view()), []);
    assert_eq!(pane.price(&desk.view()), Some(price("190.48")));
    assert_eq!(pane.click(9_999, &desk.view()), []);
}

#[test]
fn a_roomy_ladder_shows_what_was_traded_at_each_price() {
    let desk = Desk::rich();
    assert_eq!(
        screen(&DepthPane::new(), &desk, 80, 9),
        [
            " own  ≈ traded     sold          bid  price   ask                 bought    own",
            "      ██████████                     190.49 229                   380",
            "      ████████▊     155              190.48 147                   387",
            "      ███████▎      106              190.47 46                    11",
            "      █████▏                         190.46 403",
            "      ████▋                      185 190.45•                      145",
            "      ████▏                      474 190.44",
            "      ██████▌                    352 190.43",
            "      ██████▏                    147 190.42",
        ]
    );
}
