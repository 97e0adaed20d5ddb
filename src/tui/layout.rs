//! Where the panes are: a pure function of the workspace and the size. Small is the same desk with fewer panes beside each
//! other: what has no place of its own shares one, as tabs.

use ratatui::layout::Rect;

/// The panes of the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PaneId {
    /// Instruments with last prices.
    Watchlist,
    /// Bars of the desk's instrument.
    Chart,
    /// Its book.
    Depth,
    /// What is held.
    Positions,
    /// Live orders, and those that ended today.
    Orders,
    /// What was traded.
    Executions,
    /// Cash, worth and profit of the account.
    Account,
    /// This terminal's log.
    Log,
    /// How the link to the broker is, and what is used of what it allows.
    Connections,
    /// The desk's instrument again, with bars of another length.
    Chart2,
    /// And again.
    Chart3,
    /// And again.
    Chart4,
    /// Its book, summed up as a picture.
    DepthChart,
}

impl PaneId {
    /// True for what shows the market, where nothing but marks is ours.
    pub fn is_market(self) -> bool {
        use PaneId::{Chart, Chart2, Chart3, Chart4, Depth, DepthChart, Watchlist};
        matches!(
            self,
            Watchlist | Chart | Chart2 | Chart3 | Chart4 | Depth | DepthChart
        )
    }
}

/// The workspaces, in the order of their numbers: name and the key after `g`.
pub const WORKSPACES: [(&str, char); 4] = [("Trade", 't'), ("Chart", 'c'), ("Portfolio", 'p'), ("Log", 'l')];

/// A place with one pane, or several as tabs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Title line included.
    pub area: Rect,
    /// Which panes share it.
    pub tabs: Vec<PaneId>,
}

/// Where everything is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Places of panes, in the order of Tab.
    pub slots: Vec<Slot>,
    /// Where the newest notices are told, where there is room.
    pub feed: Option<Rect>,
    /// Rules between panes, one cell wide or high.
    pub rules: Vec<Rect>,
}

impl Layout {
    fn add(&mut self, area: Rect, tabs: &[PaneId]) {
        if area.width > 0 && area.height > 0 {
            self.slots.push(Slot {
                area,
                tabs: tabs.to_vec(),
            });
        }
    }
    /// Splits off the left `width` columns, with a rule after them.
    fn left(&mut self, area: &mut Rect, width: u16) -> Rect {
        let width = width.min(area.width);
        let part = Rect { width, ..*area };
        let after = (area.width - width).min(1);
        if after > 0 {
            self.rules.push(Rect {
                x: area.x + width,
                width: 1,
                ..*area
            });
        }
        *area = Rect {
            x: area.x + width + after,
            width: area.width - width - after,
            ..*area
        };
        part
    }
    /// Splits off the lower `height` rows, with a rule before them.
    fn below(&mut self, area: &mut Rect, height: u16) -> Rect {
        let height = height.min(area.height.saturating_sub(1));
        let upper = area.height - height - u16::from(height > 0);
        if height > 0 {
            self.rules.push(Rect {
                y: area.y + upper,
                height: 1,
                ..*area
            });
        }
        let part = Rect {
            y: area.y + area.height - height,
            height,
            ..*area
        };
        *area = Rect {
            height: upper,
            ..*area
        };
        part
    }
}

/// Lays a workspace out in `body`. A zoomed pane has it alone.
pub fn arrange(workspace: u8, zoomed: Option<PaneId>, body: Rect) -> Layout {
    let mut layout = Layout::default();
    match (zoomed, workspace) {
        (Some(pane), _) => layout.add(body, &[pane]),
        (None, 1) => chart(&mut layout, body),
        (None, 2) => portfolio(&mut layout, body),
        (None, 3) => log(&mut layout, body),
        (None, _) => trade(&mut layout, body),
    }
    layout
}

fn trade(layout: &mut Layout, mut body: Rect) {
    use PaneId::{Chart, Depth, DepthChart, Executions, Orders, Positions, Watchlist};
    let (wide, high) = (body.width, body.height);
    let lower = match high {
        0..12 => 0,
        12..24 => 5,
        24..32 => 8,
        _ => (high / 4).clamp(10, 16),
    };
    let bottom = layout.below(&mut body, lower);
    if wide >= 140 {
        let watch = layout.left(&mut body, 46);
        let chart_width = body.width.saturating_sub(35);
        let middle = layout.left(&mut body, chart_width);
        layout.add(watch, &[Watchlist]);
        layout.add(middle, &[Chart]);
        layout.add(body, &[Depth, DepthChart]);
    } else {
        let watch = layout.left(&mut body, if wide >= 110 { 36 } else { 28 });
        layout.add(watch, &[Watchlist]);
        layout.add(body, &[Chart, Depth, DepthChart]);
    }
    lower_half(layout, bottom, [&[Positions], &[Orders, Executions]]);
}

/// Two places side by side where there is room, else one with all as tabs.
fn lower_half(layout: &mut Layout, mut area: Rect, [left, right]: [&[PaneId]; 2]) {
    if area.width < 120 {
        let all: Vec<PaneId> = left.iter().chain(right).copied().collect();
        layout.add(area, &all);
        return;
    }
    let width = area.width / 2 - 4;
    let first = layout.left(&mut area, width);
    layout.add(first, left);
    if area.height >= 9 {
        let feed = Rect {
            y: area.y + area.height - 3,
            height: 3,
            ..area
        };
        area.height -= 3;
        layout.feed = Some(feed);
    }
    layout.add(area, right);
}

fn chart(layout: &mut Layout, mut body: Rect) {
    if body.width >= 120 {
        let width = body.width - 35;
        let main = layout.left(&mut body, width);
        charts(layout, main);
        layout.add(body, &[PaneId::Depth, PaneId::DepthChart]);
    } else {
        layout.add(body, &[PaneId::Chart, PaneId::Depth, PaneId::DepthChart]);
    }
}

/// One chart, two beside each other where there is room for both, four where there is also height for two.
fn charts(layout: &mut Layout, mut area: Rect) {
    use PaneId::{Chart, Chart2, Chart3, Chart4};
    if area.width < 120 {
        return layout.add(area, &[Chart]);
    }
    let half = area.height / 2;
    let lower = (area.height >= 36).then(|| layout.below(&mut area, half));
    let pairs = [(Some(area), [Chart, Chart2]), (lower, [Chart3, Chart4])];
    for (row, [one, other]) in pairs {
        let Some(mut row) = row else { continue };
        let width = row.width / 2;
        let left = layout.left(&mut row, width);
        layout.add(left, &[one]);
        layout.add(row, &[other]);
    }
}

fn portfolio(layout: &mut Layout, mut body: Rect) {
    let height = body.height / 2;
    let lower = layout.below(&mut body, height);
    if body.width >= 120 {
        let width = body.width - (body.width / 2).clamp(45, 75);
        let positions = layout.left(&mut body, width);
        layout.add(positions, &[PaneId::Positions]);
        layout.add(body, &[PaneId::Account]);
    } else {
        layout.add(body, &[PaneId::Positions, PaneId::Account]);
    }
    lower_half(layout, lower, [&[PaneId::Orders], &[PaneId::Executions]]);
}

fn log(layout: &mut Layout, mut body: Rect) {
    if body.width >= 120 {
        let width = body.width - 56;
        let mut left = layout.left(&mut body, width);
        let height = left.height / 3;
        let lower = layout.below(&mut left, height);
        layout.feed = Some(left).filter(|area| area.height > 0);
        layout.add(lower, &[PaneId::Log]);
        layout.add(body, &[PaneId::Connections]);
        return;
    }
    let height = (body.height * 3 / 5).min(14);
    let lower = layout.below(&mut body, height);
    layout.feed = Some(body).filter(|area| area.height > 0);
    layout.add(lower, &[PaneId::Connections, PaneId::Log]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overlaps_or_leaves_the_body_at_any_size() {
        for workspace in 0..4 {
            for width in 0..=200u16 {
                for height in (0..=60u16).step_by(3) {
                    let body = Rect::new(0, 1, width, height);
                    let layout = arrange(workspace, None, body);
                    let areas = layout.slots.iter().map(|slot| slot.area).chain(layout.feed);
                    let all: Vec<Rect> = areas.chain(layout.rules.iter().copied()).collect();
                    for (i, area) in all.iter().enumerate() {
                        assert_eq!(area.intersection(body), *area, "{workspace} {width}x{height}");
                        let clash = all[i + 1..]
                            .iter()
                            .find(|other| !area.intersection(**other).is_empty());
                        assert_eq!(clash, None, "{area:?} at {width}x{height}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_pane_of_the_trade_workspace_has_a_place_at_80x24() {
        let layout = arrange(0, None, Rect::new(0, 1, 80, 20));
        let panes: Vec<PaneId> = layout.slots.iter().flat_map(|slot| slot.tabs.clone()).collect();
        use PaneId::{Chart, Depth, DepthChart, Executions, Orders, Positions, Watchlist};
        assert_eq!(
            panes,
            [Watchlist, Chart, Depth, DepthChart, Positions, Orders, Executions]
        );
    }
}
