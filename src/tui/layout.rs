//! Where the panes are. A workspace is a tree of splits (`layout/tree.rs`), pure data that a person changes by keys, that is
//! written as a short text and read back; where it lands on a screen is a pure function of the tree and the size
//! (`layout/place.rs`). Small is the same desk with fewer panes beside each other: what has no place of its own shares one,
//! as tabs. A new pane is one line in the table below, and its name in the workspaces that show it.

mod place;
mod tree;

pub use place::{Layout, Slot, arrange, neighbour, resized};
pub use tree::{Node, Size, Split};

/// Which way on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the left.
    Left,
    /// Down.
    Down,
    /// Up.
    Up,
    /// To the right.
    Right,
}

/// Names each pane once: its word in layouts and tabs, the least columns and rows at which it stands beside others, whether
/// what it shows is the market's or ours (which the privacy key hides), and what it is.
macro_rules! panes {
    ($($id:ident $name:literal $columns:literal $rows:literal $of:ident $doc:literal;)*) => {
        /// The panes of the desk.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum PaneId {
            $(#[doc = $doc] $id,)*
        }
        impl PaneId {
            /// Every pane there is.
            pub const ALL: &[Self] = &[$(Self::$id,)*];
            /// Its word: in layouts, on tabs, after `:pane`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$id => $name,)* }
            }
            /// What it is.
            pub fn doc(self) -> &'static str {
                match self { $(Self::$id => $doc,)* }
            }
            /// The least columns and rows at which it stands beside others.
            pub fn least(self) -> (u16, u16) {
                match self { $(Self::$id => ($columns, $rows),)* }
            }
            /// True where what it shows is ours: the privacy key hides its numbers.
            pub fn is_ours(self) -> bool {
                match self { $(Self::$id => panes!(@$of),)* }
            }
        }
    };
    (@Market) => { false };
    (@Ours) => { true };
}
panes! {
    Watchlist "watch" 24 4 Market "Instruments with last prices.";
    Chart "chart" 44 6 Market "Bars of the desk's instrument.";
    Depth "depth" 35 6 Market "Its book.";
    Positions "positions" 52 4 Ours "What is held.";
    Orders "orders" 52 5 Ours "Live orders, and those that ended today.";
    Executions "executions" 52 4 Ours "What was traded.";
    Account "account" 45 4 Ours "Cash, worth and profit of the account.";
    Log "log" 40 4 Ours "This terminal's log.";
    Connections "links" 56 4 Ours "How the link to the broker is, and what is used of what it allows.";
    PositionDetail "detail" 45 5 Ours "How the position in the desk's instrument came about, and what it risks.";
    Activity "activity" 52 4 Ours "What happened, newest first.";
    Tape "tape" 30 4 Market "Its prints.";
    Overview "market" 24 4 Market "What gained, lost and traded most.";
    Chart2 "chart2" 44 6 Market "A second chart of the instrument.";
    Chart3 "chart3" 44 6 Market "A third chart of the instrument.";
    Chart4 "chart4" 44 6 Market "A fourth chart of the instrument.";
    DepthChart "depthchart" 30 6 Market "Its book as two slopes.";
    Alerts "alerts" 52 4 Ours "Alerts, and how they were told of.";
    Curve "curve" 44 6 Ours "Worth and profit over the day.";
    Differences "differences" 52 4 Ours "Where ours and the broker's do not agree, and what to do about it.";
    Exposure "exposure" 40 5 Ours "What the account is exposed to: by symbol, sector and currency.";
    Limits "limits" 40 5 Ours "Limits with how much of each is used, and what holds the account back.";
    AtRisk "atrisk" 40 6 Ours "What a bad day has cost, what a move would do, and what margin binds.";
    Correlation "correlation" 40 5 Ours "What of what is held moves together.";
}

impl PaneId {
    /// The pane of this word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|pane| pane.name() == name)
    }
}

/// The workspaces, in the order of their numbers: name and the key after `g`.
pub const WORKSPACES: [(&str, char); 6] = [
    ("Trade", 't'),
    ("Chart", 'c'),
    ("Portfolio", 'p'),
    ("Log", 'l'),
    ("Overview", 'o'),
    ("Risk", 'r'),
];

/// How each workspace begins, as text (see [`Node::parse`]): `rows` and `cols` of two parts, the size of the first (`46` cells,
/// `75%`) or of the second (`-35` cells), panes that share a place with `|` between them. `feed` is the newest notices.
const BEGINNINGS: [&str; 6] = [
    "rows(75%, cols(46, watch, cols(-35, chart, depth|tape|depthchart)), cols(48%, positions|detail|curve, rows(-3, orders|executions|alerts|activity, feed)))",
    "cols(-35, rows(50%, cols(50%, chart, chart2), cols(50%, chart3, chart4)), depth|tape|depthchart)",
    "rows(50%, cols(55%, positions|detail, account|curve), cols(48%, orders, executions|alerts|activity))",
    "cols(-56, rows(66%, activity, log), links)",
    "cols(60%, market, rows(60%, watch, tape))",
    "cols(52%, rows(52%, exposure, limits), rows(62%, atrisk, correlation))",
];

/// How a workspace begins.
pub fn beginning(workspace: u8) -> Node {
    BEGINNINGS
        .get(usize::from(workspace))
        .and_then(|text| Node::parse(text).ok())
        .map_or_else(|| Node::Tabs(vec![PaneId::Watchlist]), |(node, _)| node)
}

/// How all workspaces begin.
pub fn beginnings() -> Vec<Node> {
    (0u8..).zip(WORKSPACES).map(|(n, _)| beginning(n)).collect()
}

/// The number of a workspace by its name, whatever the case.
pub fn workspace_named(name: &str) -> Option<u8> {
    (0u8..)
        .zip(WORKSPACES)
        .find(|(_, (known, _))| known.eq_ignore_ascii_case(name))
        .map(|(n, _)| n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    #[test]
    fn nothing_overlaps_or_leaves_the_body_at_any_size() {
        for (workspace, node) in beginnings().iter().enumerate() {
            for width in 0..=200u16 {
                for height in (0..=60u16).step_by(3) {
                    let body = Rect::new(0, 1, width, height);
                    let layout = arrange(node, None, body);
                    let areas = layout.slots.iter().map(|slot| slot.area).chain(layout.feed);
                    let all: Vec<Rect> = areas.chain(layout.rules.iter().copied()).collect();
                    for (i, area) in all.iter().enumerate() {
                        assert_eq!(area.intersection(body), *area, "{workspace} {width}x{height}");
                        let clash = all[i + 1..]
                            .iter()
                            .find(|other| !area.intersection(**other).is_empty());
                        assert_eq!(clash, None, "{area:?} at {width}x{height}");
                    }
                    let mut shown: Vec<PaneId> = layout.slots.iter().flat_map(|s| s.tabs.clone()).collect();
                    let mut all = node.panes();
                    if width > 0 && height > 0 {
                        shown.sort_unstable();
                        all.sort_unstable();
                        assert_eq!(shown, all, "every pane has a place at {width}x{height}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_trade_workspace_folds_as_the_terminal_gets_smaller() {
        use PaneId::{
            Activity, Alerts, Chart, Curve, Depth, DepthChart, Executions, Orders, PositionDetail, Positions,
            Tape, Watchlist,
        };
        let tabs = |width, height| -> Vec<Vec<PaneId>> {
            let layout = arrange(&beginning(0), None, Rect::new(0, 1, width, height));
            layout.slots.into_iter().map(|slot| slot.tabs).collect()
        };
        assert_eq!(
            tabs(80, 20),
            [
                vec![Watchlist],
                vec![Chart, Depth, Tape, DepthChart],
                vec![
                    Positions,
                    PositionDetail,
                    Curve,
                    Orders,
                    Executions,
                    Alerts,
                    Activity
                ]
            ]
        );
        let wide = [
            vec![Watchlist],
            vec![Chart],
            vec![Depth, Tape, DepthChart],
            vec![Positions, PositionDetail, Curve],
            vec![Orders, Executions, Alerts, Activity],
        ];
        assert_eq!(tabs(160, 41), wide);
        let layout = arrange(&beginning(0), None, Rect::new(0, 1, 160, 41));
        assert_eq!(layout.slots[0].area.width, 46);
        assert_eq!(layout.slots[2].area.width, 35);
        assert_eq!(layout.feed.map(|feed| feed.height), Some(3));
    }
}
