//! Where a tree lands on a screen. A split that has no room for both of its parts is folded: its panes share one place, as
//! tabs, and the notices go.

use super::tree::{Node, Size, Split};
use super::{PaneId, Way};
use ratatui::layout::Rect;

/// The least of the notices.
const FEED: (u16, u16) = (30, 3);

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

/// Lays a workspace out in `body`. A zoomed pane has it alone.
pub fn arrange(node: &Node, zoomed: Option<PaneId>, body: Rect) -> Layout {
    let mut layout = Layout::default();
    match zoomed {
        Some(pane) => layout.add(body, vec![pane]),
        None => layout.place(node, body),
    }
    layout
}

impl Layout {
    /// Where a place above the newest notices tells them already, their rows are that place's: the same twice says nothing.
    pub fn give_feed_to(&mut self, tells_them: impl Fn(&Slot) -> bool) {
        let Some(feed) = self.feed else { return };
        let above = |slot: &&mut Slot| {
            let area = slot.area;
            (area.x, area.width, area.bottom()) == (feed.x, feed.width, feed.y) && tells_them(slot)
        };
        if let Some(slot) = self.slots.iter_mut().find(above) {
            slot.area.height = slot.area.height.saturating_add(feed.height);
            self.feed = None;
        }
    }
    fn add(&mut self, area: Rect, tabs: Vec<PaneId>) {
        if area.width > 0 && area.height > 0 && !tabs.is_empty() {
            self.slots.push(Slot { area, tabs });
        }
    }
    fn place(&mut self, node: &Node, area: Rect) {
        match node {
            Node::Tabs(panes) => self.add(area, panes.clone()),
            Node::Feed => self.feed = Some(area).filter(|area| !area.is_empty()),
            Node::Split(split) => match parts(split, area) {
                None => self.add(area, node.panes()),
                Some([first, rule, second]) => {
                    if !rule.is_empty() {
                        self.rules.push(rule);
                    }
                    self.place(&split.first, first);
                    self.place(&split.second, second);
                }
            },
        }
    }
    /// The place of a pane.
    pub fn slot_of(&self, pane: PaneId) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.tabs.contains(&pane))
    }
}

/// The first part, the rule, and the second part of a split; nothing where there is no room for both.
fn parts(split: &Split, area: Rect) -> Option<[Rect; 3]> {
    let length = if split.rows { area.height } else { area.width };
    // The notices stand right under what they are about.
    let gap = u16::from(!(split.rows && split.second == Node::Feed));
    let (least, other) = (least(&split.first, split.rows), least(&split.second, split.rows));
    if least.saturating_add(gap).saturating_add(other) > length {
        return None;
    }
    let wanted = match split.size {
        Size::Share(share) => scaled(length, share),
        Size::First(cells) if split.rows => cells.min(length / 3),
        // Symbol, price and change need these.
        Size::First(cells) => cells.min((length / 3).max(28)),
        Size::Second(cells) => (length - gap).saturating_sub(cells.min(length / 2)),
    };
    let first = wanted.clamp(least, length - gap - other);
    let cut = |from: u16, long: u16| {
        if split.rows {
            Rect {
                y: area.y + from,
                height: long,
                ..area
            }
        } else {
            Rect {
                x: area.x + from,
                width: long,
                ..area
            }
        }
    };
    Some([
        cut(0, first),
        cut(first, gap),
        cut(first + gap, length - first - gap),
    ])
}

/// So many thousandths of a length.
fn scaled(length: u16, share: u16) -> u16 {
    u16::try_from(u32::from(length) * u32::from(share) / 1_000).unwrap_or(length)
}

/// The least columns (or rows) of a part once everything in it is folded.
fn least(node: &Node, rows: bool) -> u16 {
    let pick = |(columns, high): (u16, u16)| if rows { high } else { columns };
    match node {
        Node::Feed => pick(FEED),
        _ => node
            .panes()
            .into_iter()
            .map(|pane| pick(pane.least()))
            .max()
            .unwrap_or(1),
    }
}

/// The pane of `tabs_in_front` whose place is next to that of `from`, that way; the one across from its middle.
pub fn neighbour(
    layout: &Layout,
    from: PaneId,
    way: Way,
    in_front: impl Fn(&[PaneId]) -> Option<PaneId>,
) -> Option<PaneId> {
    let here = layout.slot_of(from)?.area;
    let (x, y) = (here.x + here.width / 2, here.y + here.height / 2);
    let gap_and_offset = |area: Rect| -> Option<(u16, u16)> {
        let across = |from: u16, long: u16, at: u16| {
            let end = from.saturating_add(long);
            if at < from {
                from - at
            } else {
                (at + 1).saturating_sub(end)
            }
        };
        match way {
            Way::Left => here
                .x
                .checked_sub(area.right())
                .map(|gap| (gap, across(area.y, area.height, y))),
            Way::Right => area
                .x
                .checked_sub(here.right())
                .map(|gap| (gap, across(area.y, area.height, y))),
            Way::Up => here
                .y
                .checked_sub(area.bottom())
                .map(|gap| (gap, across(area.x, area.width, x))),
            Way::Down => area
                .y
                .checked_sub(here.bottom())
                .map(|gap| (gap, across(area.x, area.width, x))),
        }
    };
    let beside = layout
        .slots
        .iter()
        .filter_map(|slot| gap_and_offset(slot.area).map(|(gap, offset)| ((offset, gap), slot)));
    let (_, slot) = beside.min_by_key(|(far, _)| *far)?;
    in_front(&slot.tabs)
}

/// Moves the border nearest to a pane by so many cells; false where there is none that moves that way, or no room. The
/// size is kept as a share, so that it holds on a terminal of another size.
pub fn resized(node: &mut Node, body: Rect, pane: PaneId, way: Way, cells: u16) -> bool {
    let Node::Split(split) = node else { return false };
    let Some([first, _, second]) = parts(split, body) else {
        return false;
    };
    let (inner, area) = if split.first.has(pane) {
        (&mut split.first, first)
    } else {
        (&mut split.second, second)
    };
    if !inner.has(pane) {
        return false;
    }
    if resized(inner, area, pane, way, cells) {
        return true;
    }
    if split.rows != matches!(way, Way::Up | Way::Down)
        || split.first == Node::Feed
        || split.second == Node::Feed
    {
        return false;
    }
    let (length, now) = if split.rows {
        (body.height, first.height)
    } else {
        (body.width, first.width)
    };
    let wanted = match way {
        Way::Left | Way::Up => now.saturating_sub(cells),
        Way::Right | Way::Down => now.saturating_add(cells),
    };
    let before = split.size;
    let share = (u32::from(wanted) * 1_000).div_ceil(u32::from(length.max(1)));
    split.size = Size::Share(u16::try_from(share).unwrap_or(999).clamp(1, 999));
    let moved = parts(split, body).is_some_and(|[new, ..]| new != first);
    if !moved {
        split.size = before;
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use PaneId::{Chart, Depth, Orders, Positions, Watchlist};

    #[test]
    fn borders_move_by_the_cell_and_never_off_the_screen() {
        let mut node = super::super::beginning(0);
        let body = Rect::new(0, 1, 160, 41);
        let width = |node: &Node, pane| {
            arrange(node, None, body)
                .slot_of(pane)
                .map(|slot| slot.area.width)
        };
        assert!(resized(&mut node, body, Watchlist, Way::Right, 2));
        assert_eq!(width(&node, Watchlist), Some(48));
        assert!(resized(&mut node, body, Depth, Way::Left, 3));
        assert_eq!(
            (width(&node, Watchlist), width(&node, Depth)),
            (Some(48), Some(38))
        );
        assert!(
            resized(&mut node, body, Chart, Way::Down, 2),
            "the border under the upper half"
        );
        for _ in 0..200 {
            resized(&mut node, body, Watchlist, Way::Left, 5);
        }
        assert_eq!(width(&node, Watchlist), Some(24), "not below what it needs");
        let small = Rect::new(0, 1, 40, 8);
        assert!(
            !resized(&mut node, small, Watchlist, Way::Right, 1),
            "what is folded has no border"
        );
    }

    #[test]
    fn the_neighbour_is_the_one_across() {
        let layout = arrange(&super::super::beginning(0), None, Rect::new(0, 1, 160, 41));
        let next = |from, way| neighbour(&layout, from, way, |tabs| tabs.first().copied());
        assert_eq!(next(Watchlist, Way::Right), Some(Chart));
        assert_eq!(next(Depth, Way::Left), Some(Chart));
        assert_eq!(next(Depth, Way::Down), Some(Orders));
        assert_eq!(next(Watchlist, Way::Down), Some(Positions));
        assert_eq!(next(Positions, Way::Left), None);
    }
}
