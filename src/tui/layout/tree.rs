//! The tree of a workspace: what is beside what. Pure data with a short text of its own, and the changes that keys make to
//! it. A tree always has at least one pane, and each pane at most once; no change can take it out of that.

use super::PaneId;
use std::fmt;

/// Trees deeper than this are refused: no terminal has room for them.
const DEEPEST: usize = 12;

/// How large the parts of a split are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// The first has so many thousandths of the whole.
    Share(u16),
    /// The first has so many cells, at most a third of the whole.
    First(u16),
    /// The second has so many cells, at most half of the whole.
    Second(u16),
}

/// Two parts, beside or below each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// True where the second is below the first, false where it is to the right of it.
    pub rows: bool,
    /// How large they are.
    pub size: Size,
    /// Left or above.
    pub first: Node,
    /// Right or below.
    pub second: Node,
}

/// A part of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// One pane, or several that share a place.
    Tabs(Vec<PaneId>),
    /// The newest notices, where there is room.
    Feed,
    /// Two parts.
    Split(Box<Split>),
}

impl Node {
    /// Goes through the places with their tabs.
    pub fn each_place(&mut self, work: &mut dyn FnMut(&mut Vec<PaneId>)) {
        match self {
            Self::Tabs(tabs) => work(tabs),
            Self::Feed => {}
            Self::Split(split) => {
                split.first.each_place(work);
                split.second.each_place(work);
            }
        }
    }
    /// Every pane, in the order of Tab.
    pub fn panes(&self) -> Vec<PaneId> {
        match self {
            Self::Tabs(panes) => panes.clone(),
            Self::Feed => Vec::new(),
            Self::Split(split) => {
                let mut panes = split.first.panes();
                panes.extend(split.second.panes());
                panes
            }
        }
    }
    /// True where it holds a pane.
    pub fn has(&self, pane: PaneId) -> bool {
        match self {
            Self::Tabs(panes) => panes.contains(&pane),
            Self::Feed => false,
            Self::Split(split) => split.first.has(pane) || split.second.has(pane),
        }
    }
    /// The panes that share a place with this one, itself among them.
    pub fn place_of(&self, pane: PaneId) -> Option<&[PaneId]> {
        match self {
            Self::Tabs(panes) => panes.contains(&pane).then_some(panes),
            Self::Feed => None,
            Self::Split(split) => split.first.place_of(pane).or_else(|| split.second.place_of(pane)),
        }
    }
    fn leaf_of(&mut self, pane: PaneId) -> Option<&mut Self> {
        if let Self::Tabs(panes) = self {
            return if panes.contains(&pane) { Some(self) } else { None };
        }
        match self {
            Self::Split(split) => match split.first.leaf_of(pane) {
                Some(leaf) => Some(leaf),
                None => split.second.leaf_of(pane),
            },
            _ => None,
        }
    }

    /// Gives `new` a place of its own beside (`rows`: below) that of `at`; it leaves the place it had. False where that
    /// changes nothing.
    pub fn split(&mut self, at: PaneId, rows: bool, new: PaneId) -> bool {
        let alone = self.place_of(at).is_some_and(|tabs| tabs.len() == 1);
        if !self.has(at) || (new == at && alone) {
            return false;
        }
        // A pane that leaves its own place splits from one that stays there.
        let stays = self
            .place_of(at)
            .and_then(|tabs| tabs.iter().copied().find(|tab| *tab != new));
        let Some(stays) = stays else { return false };
        if self.has(new) && !self.close(new) {
            return false;
        }
        let Some(leaf) = self.leaf_of(stays) else {
            return false;
        };
        let first = std::mem::replace(leaf, Self::Feed);
        *leaf = Self::Split(Box::new(Split {
            rows,
            size: Size::Share(500),
            first,
            second: Self::Tabs(vec![new]),
        }));
        true
    }
    /// Shows `new` as a tab in the place of `at`; it leaves the place it had.
    pub fn join(&mut self, at: PaneId, new: PaneId) -> bool {
        let together = self.place_of(at).is_some_and(|tabs| tabs.contains(&new));
        if together || !self.has(at) || (self.has(new) && !self.close(new)) {
            return false;
        }
        match self.leaf_of(at) {
            Some(Self::Tabs(panes)) => panes.push(new),
            _ => return false,
        }
        true
    }
    /// Takes a pane off the workspace; the last one stays.
    pub fn close(&mut self, pane: PaneId) -> bool {
        if !self.has(pane) || self.panes().len() < 2 {
            return false;
        }
        if let Some(Self::Tabs(panes)) = self.leaf_of(pane) {
            panes.retain(|other| *other != pane);
        }
        self.tidy();
        true
    }
    /// Takes out places without a pane, and notices that would stand alone.
    fn tidy(&mut self) {
        let Self::Split(split) = self else { return };
        split.first.tidy();
        split.second.tidy();
        let empty = |node: &Self| matches!(node, Self::Tabs(panes) if panes.is_empty());
        let kept = if empty(&split.first) {
            &mut split.second
        } else if empty(&split.second) {
            &mut split.first
        } else {
            return;
        };
        *self = match std::mem::replace(kept, Self::Feed) {
            // Without a neighbour the notices go too: an empty place is tidied further up.
            Self::Feed => Self::Tabs(Vec::new()),
            kept => kept,
        };
    }
    /// Lets the places of two panes change, with all tabs.
    pub fn swap(&mut self, one: PaneId, other: PaneId) -> bool {
        let (Some(a), Some(b)) = (self.place_of(one), self.place_of(other)) else {
            return false;
        };
        let (a, b) = (a.to_vec(), b.to_vec());
        if a == b {
            return false;
        }
        // Through an empty place, so that no pane is ever found twice.
        if let Some(leaf) = self.leaf_of(one) {
            *leaf = Self::Tabs(Vec::new());
        }
        if let Some(leaf) = self.leaf_of(other) {
            *leaf = Self::Tabs(a);
        }
        if let Some(leaf) = self.empty_leaf() {
            *leaf = Self::Tabs(b);
        }
        true
    }
    fn empty_leaf(&mut self) -> Option<&mut Self> {
        if let Self::Tabs(panes) = self {
            return if panes.is_empty() { Some(self) } else { None };
        }
        match self {
            Self::Split(split) => match split.first.empty_leaf() {
                Some(leaf) => Some(leaf),
                None => split.second.empty_leaf(),
            },
            _ => None,
        }
    }
    /// Every split in two halves.
    pub fn even(&mut self) {
        if let Self::Split(split) = self {
            if split.first != Self::Feed && split.second != Self::Feed {
                split.size = Size::Share(500);
            }
            split.first.even();
            split.second.even();
        }
    }

    /// Reads the text that [`Node`] shows itself as. Answers the tree and what was left out of it, in words: panes that are
    /// unknown here or stand there twice.
    ///
    /// # Errors
    /// What is wrong, and where; or no pane is left.
    pub fn parse(text: &str) -> Result<(Self, Vec<String>), String> {
        let mut reader = Reader {
            rest: text.trim(),
            seen: Vec::new(),
            left_out: Vec::new(),
        };
        let mut node = reader.node(0)?;
        if !reader.rest.is_empty() {
            return Err(format!("'{}' is too much", beginning_of(reader.rest)));
        }
        node.tidy();
        if node.panes().is_empty() {
            return Err("a layout needs at least one pane".to_owned());
        }
        Ok((node, reader.left_out))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tabs(panes) => {
                let names: Vec<&str> = panes.iter().map(|pane| pane.name()).collect();
                f.write_str(&names.join("|"))
            }
            Self::Feed => f.write_str("feed"),
            Self::Split(split) => {
                let word = if split.rows { "rows" } else { "cols" };
                let Split {
                    size, first, second, ..
                } = split.as_ref();
                write!(f, "{word}({size}, {first}, {second})")
            }
        }
    }
}
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) if share % 10 == 0 => write!(f, "{}%", share / 10),
            Self::Share(share) => write!(f, "{}.{}%", share / 10, share % 10),
            Self::First(cells) => write!(f, "{cells}"),
            Self::Second(cells) => write!(f, "-{cells}"),
        }
    }
}

/// Reads a layout's text from left to right.
struct Reader<'a> {
    rest: &'a str,
    seen: Vec<PaneId>,
    left_out: Vec<String>,
}
impl Reader<'_> {
    fn node(&mut self, depth: usize) -> Result<Node, String> {
        if depth > DEEPEST {
            return Err(format!("more than {DEEPEST} splits within each other"));
        }
        for (word, rows) in [("rows", true), ("cols", false)] {
            if let Some(rest) = self
                .rest
                .strip_prefix(word)
                .and_then(|rest| rest.trim_start().strip_prefix('('))
            {
                self.rest = rest.trim_start();
                return self.split(rows, depth);
            }
        }
        let end = self.rest.find([',', ')']).unwrap_or(self.rest.len());
        let (names, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(self.tabs(names))
    }
    fn split(&mut self, rows: bool, depth: usize) -> Result<Node, String> {
        let end = self
            .rest
            .find(',')
            .ok_or("a size is missing: rows(50%, chart, depth)")?;
        let (text, rest) = self.rest.split_at(end);
        let size = size(text.trim()).ok_or_else(|| {
            format!(
                "'{}' is no size: 46 or -35 for cells, 75% for a share",
                beginning_of(text.trim())
            )
        })?;
        self.rest = rest;
        self.take(',')?;
        let first = self.node(depth + 1)?;
        self.take(',')?;
        let second = self.node(depth + 1)?;
        self.take(')')?;
        Ok(Node::Split(Box::new(Split {
            rows,
            size,
            first,
            second,
        })))
    }
    fn tabs(&mut self, names: &str) -> Node {
        if names.trim() == "feed" {
            return Node::Feed;
        }
        let mut panes = Vec::new();
        for name in names.split('|').map(str::trim) {
            match PaneId::named(name) {
                None => self
                    .left_out
                    .push(format!("there is no pane '{}'", beginning_of(name))),
                Some(pane) if self.seen.contains(&pane) => {
                    self.left_out.push(format!("'{name}' stands there twice"));
                }
                Some(pane) => {
                    self.seen.push(pane);
                    panes.push(pane);
                }
            }
        }
        Node::Tabs(panes)
    }
    fn take(&mut self, mark: char) -> Result<(), String> {
        let rest = self.rest.trim_start().strip_prefix(mark);
        self.rest = rest
            .ok_or_else(|| format!("'{mark}' is missing before '{}'", beginning_of(self.rest)))?
            .trim_start();
        Ok(())
    }
}

fn size(text: &str) -> Option<Size> {
    if let Some(share) = text.strip_suffix('%') {
        let (whole, tenth) = share.split_once('.').unwrap_or((share, "0"));
        let tenth: u16 = tenth.parse().ok().filter(|tenth| *tenth < 10)?;
        let share = whole.parse::<u16>().ok()?.checked_mul(10)?.checked_add(tenth)?;
        return (1..1_000).contains(&share).then_some(Size::Share(share));
    }
    let cells = |text: &str| {
        text.parse::<u16>()
            .ok()
            .filter(|cells| (1..=1_000).contains(cells))
    };
    match text.strip_prefix('-') {
        Some(text) => cells(text).map(Size::Second),
        None => cells(text).map(Size::First),
    }
}

fn beginning_of(text: &str) -> String {
    text.chars().take(24).collect()
}

#[cfg(test)]
mod tests {
    use super::super::beginnings;
    use super::*;
    use PaneId::{Account, Chart, Depth, Log, Orders, Watchlist};
    use proptest::prelude::*;

    fn read(text: &str) -> Node {
        Node::parse(text).unwrap().0
    }

    #[test]
    fn a_layout_is_read_as_it_is_written_and_faults_are_named() {
        for node in beginnings() {
            assert_eq!(read(&node.to_string()), node);
        }
        let (node, left_out) =
            Node::parse("rows(33.3%, cols(20, chart|radar, watch), cols(-9, chart, feed))").unwrap();
        assert_eq!(node.to_string(), "cols(20, chart, watch)");
        assert_eq!(
            left_out,
            ["there is no pane 'radar'", "'chart' stands there twice"]
        );
        for (text, wanted) in [
            ("", "at least one pane"),
            ("feed", "at least one pane"),
            ("rows(chart, depth)", "'chart' is no size"),
            ("rows(0%, chart, depth)", "is no size"),
            ("rows(50%, chart depth)", "',' is missing"),
            ("rows(50%, chart, depth", "')' is missing"),
            ("chart)", "is too much"),
        ] {
            let said = Node::parse(text).unwrap_err();
            assert!(said.contains(wanted), "{text:?} said {said:?}");
        }
        let deep = "rows(50%, ".repeat(20);
        assert!(Node::parse(&deep).unwrap_err().contains("12 splits"));
    }

    #[test]
    fn panes_split_join_swap_and_close_and_one_always_stays() {
        let mut node = read("cols(-35, chart, depth)");
        assert!(node.split(Chart, true, Orders));
        assert_eq!(node.to_string(), "cols(-35, rows(50%, chart, orders), depth)");
        assert!(node.join(Depth, Chart));
        assert_eq!(node.to_string(), "cols(-35, orders, depth|chart)");
        assert!(node.split(Chart, false, Chart), "a tab gets a place of its own");
        assert_eq!(node.to_string(), "cols(-35, orders, cols(50%, depth, chart))");
        assert!(node.swap(Orders, Chart));
        assert_eq!(node.to_string(), "cols(-35, chart, cols(50%, depth, orders))");
        assert!(node.close(Depth) && node.close(Orders));
        assert_eq!(node.to_string(), "chart");
        assert!(!node.close(Chart), "the last one stays");
        assert!(!node.split(Chart, true, Chart));
        let mut node = read("rows(45%, feed, log)");
        assert!(node.join(Log, Account) && node.close(Log));
        assert_eq!(node.to_string(), "rows(45%, feed, account)");
        assert!(!node.swap(Account, Watchlist));
    }

    proptest! {
        /// No text panics; what is read has a pane, each once, and reads back as itself.
        #[test]
        fn no_text_is_too_wild(text in "(rows|cols)?[(]?[0-9%-]{0,4}[,(]? ?(chart|depth|feed|log|watch|[a-z|]{0,8}|rows[(]5%,chart,log[)])?[,)]?.{0,12}") {
            if let Ok((node, _)) = Node::parse(&text) {
                let mut panes = node.panes();
                prop_assert!(!panes.is_empty());
                let count = panes.len();
                panes.sort_unstable();
                panes.dedup();
                prop_assert_eq!(panes.len(), count);
                prop_assert_eq!(Node::parse(&node.to_string()).unwrap().0, node);
            }
        }
    }
}
