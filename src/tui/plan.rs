//! How the desk is arranged and which instrument each pane follows: the workspaces as a person has changed them, layouts
//! saved by name, link groups, and the way back. Changes here move what is seen and nothing else; none of them is an order.

use super::action::Action;
use super::desk::{Desk, Effect, Tone};
use super::layout::{
    self, Layout, Node, PaneId, WORKSPACES, Way, arrange, beginning, beginnings, neighbour, resized,
};
use super::link::ToEngine;
use super::pane::View;
use super::theme::hint;
use crate::domain::{InstrumentId, Timestamp};
use ratatui::layout::Rect;
use std::collections::BTreeMap;
use std::fmt;

/// How many steps can be taken back.
const STEPS: usize = 50;
/// How many layouts may be saved.
const SAVED: usize = 100;
/// How far a border moves by one key, in cells.
const NUDGE: u16 = 2;

/// A link group: panes of one group show one instrument, in every terminal of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The first.
    A,
    /// The second.
    B,
    /// The third.
    C,
    /// The fourth.
    D,
}
impl Group {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::A, Self::B, Self::C, Self::D];
    /// Its letter.
    pub fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::B => 'B',
            Self::C => 'C',
            Self::D => 'D',
        }
    }
    /// The group of a letter, whatever its case.
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|group| text.eq_ignore_ascii_case(&group.letter().to_string()))
    }
}
impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}

/// One step that can be taken back.
#[derive(Clone, Debug, PartialEq)]
pub enum Undone {
    /// A workspace as it was.
    Layout(u8, Node),
    /// What a pane remembers, as it was.
    Pane(PaneId, toml::Table),
}

/// The arrangement.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Each workspace as it is now.
    pub workspaces: Vec<Node>,
    /// Layouts by name.
    pub saved: BTreeMap<String, Node>,
    /// The group that a pane follows, where it follows one.
    pub links: BTreeMap<PaneId, Group>,
    /// Panes whose group this start was told, with the one that was remembered: a hand that links anew ends it.
    pub told: BTreeMap<PaneId, Option<Group>>,
    /// What each group shows.
    pub groups: BTreeMap<Group, InstrumentId>,
    /// Steps that can be taken back, newest last.
    pub undo: Vec<Undone>,
}
impl Default for Plan {
    fn default() -> Self {
        Self {
            workspaces: beginnings(),
            saved: BTreeMap::new(),
            links: BTreeMap::new(),
            told: BTreeMap::new(),
            groups: BTreeMap::new(),
            undo: Vec::new(),
        }
    }
}
impl Plan {
    /// A workspace's tree.
    pub fn tree(&self, workspace: u8) -> &Node {
        // There is always a first workspace.
        &self.workspaces[usize::from(workspace).min(self.workspaces.len() - 1)]
    }
    /// Notes a step, so that it can be taken back.
    pub fn note(&mut self, step: Undone) {
        self.undo.push(step);
        let more = self.undo.len().saturating_sub(STEPS);
        self.undo.drain(..more);
    }
}

impl Desk {
    /// Where the panes are now.
    pub fn layout(&self, body: Rect) -> Layout {
        let zoomed = self.zoomed.then_some(self.focus);
        let mut layout = arrange(self.plan.tree(self.workspace), zoomed, body);
        layout.give_feed_to(|slot| self.front(&slot.tabs) == Some(PaneId::Activity));
        layout
    }
    /// The panes in the order of Tab.
    pub(super) fn tab_order(&self) -> Vec<PaneId> {
        self.plan.tree(self.workspace).panes()
    }
    /// The instrument that a pane shows: its group's, else the desk's.
    pub fn instrument_of(&self, pane: PaneId) -> Option<InstrumentId> {
        let group = self.plan.links.get(&pane);
        let linked = group.and_then(|group| self.plan.groups.get(group)).copied();
        linked
            .filter(|id| self.world.state.instruments.contains_key(id))
            .or(self.world.instrument)
    }
    /// The instrument that keys mean: that of the focused pane.
    pub fn instrument(&self) -> Option<InstrumentId> {
        self.instrument_of(self.focus)
    }
    /// What a pane looks at.
    pub fn view_of(&self, pane: PaneId, now: Timestamp) -> View<'_> {
        View {
            instrument: self.instrument_of(pane),
            ..self.world.view(now)
        }
    }
    /// Puts an instrument where the focused pane looks: on its group, in every terminal, or on the desk.
    pub(super) fn select(&mut self, instrument: InstrumentId) -> Vec<Effect> {
        let Some(group) = self.plan.links.get(&self.focus).copied() else {
            self.world.instrument = Some(instrument);
            return Vec::new();
        };
        if self.plan.groups.insert(group, instrument) == Some(instrument) {
            return Vec::new();
        }
        vec![Effect::Tell(ToEngine::Link {
            group: group.letter(),
            instrument,
        })]
    }
    /// Another terminal put an instrument on a group.
    pub(super) fn take_link(&mut self, group: char, instrument: InstrumentId) {
        if let Some(group) = Group::of(&group.to_string()) {
            self.plan.groups.insert(group, instrument);
        }
    }

    /// Does what changes the arrangement; nothing where an action does not.
    pub(super) fn act_on_plan(&mut self, action: Action, now: Timestamp) -> Option<Vec<Effect>> {
        let before = self.plan.tree(self.workspace).clone();
        let done = match action {
            Action::Focus(way) => {
                self.focus_that_way(way);
                return Some(Vec::new());
            }
            Action::Follow(group) => return Some(self.follow(group, now)),
            Action::Undo => {
                self.undo(now);
                return Some(Vec::new());
            }
            Action::Resize(way) => {
                let cells = NUDGE.saturating_mul(self.times());
                let (focus, body) = (self.focus, self.body);
                self.tree_mut()
                    .is_some_and(|tree| resized(tree, body, focus, way, cells))
            }
            Action::Swap(way) => self.swap_that_way(way),
            Action::SplitRight => self.split(false, None),
            Action::SplitBelow => self.split(true, None),
            Action::ClosePane => self.close_pane(),
            Action::MovePane => self.move_pane(),
            Action::AddPane => self.not_shown().is_some_and(|pane| self.show_pane(pane)),
            Action::EvenPanes => {
                if let Some(tree) = self.tree_mut() {
                    tree.even();
                }
                true
            }
            Action::ResetLayout => {
                let fronts = |desk: &Self| {
                    let mut node = desk.plan.tree(desk.workspace).clone();
                    let mut shown = Vec::new();
                    node.each_place(&mut |tabs| shown.push(desk.front(tabs)));
                    shown
                };
                let (first, shown) = (beginning(self.workspace), fronts(self));
                let moved = self.put_tree(first);
                self.forget_fronts();
                let turned = shown != fronts(self);
                let front = self
                    .plan
                    .tree(self.workspace)
                    .place_of(self.focus)
                    .and_then(|tabs| self.front(tabs));
                if let Some(front) = front {
                    self.focus_on(front);
                }
                moved || turned
            }
            _ => return None,
        };
        if !done {
            self.say(Tone::Plain, "that changes nothing here", now);
        }
        let split = matches!(action, Action::SplitRight | Action::SplitBelow);
        if done && split && self.is_folded() {
            let text = "there is no room for both here: they are tabs until the terminal is larger or a pane is closed";
            self.say(Tone::Plain, text, now);
        }
        self.note_layout(before);
        Some(Vec::new())
    }
    /// True where the focused pane has a place of its own in the tree, but not on this screen.
    fn is_folded(&self) -> bool {
        let tree = self.plan.tree(self.workspace);
        let wanted = tree.place_of(self.focus).map_or(0, <[PaneId]>::len);
        let shown = arrange(tree, None, self.body);
        shown
            .slot_of(self.focus)
            .is_some_and(|slot| slot.tabs.len() > wanted)
    }
    /// Notes a workspace as it was, where it is another now.
    fn note_layout(&mut self, before: Node) {
        if *self.plan.tree(self.workspace) != before {
            self.zoomed = false;
            self.plan.note(Undone::Layout(self.workspace, before));
            self.keep_focus_in_view();
        }
    }
    fn times(&self) -> u16 {
        u16::try_from(self.count.unwrap_or(1).clamp(1, 500)).unwrap_or(1)
    }
    fn tree_mut(&mut self) -> Option<&mut Node> {
        self.plan.workspaces.get_mut(usize::from(self.workspace))
    }
    fn put_tree(&mut self, node: Node) -> bool {
        match self.tree_mut() {
            Some(tree) if *tree != node => {
                *tree = node;
                true
            }
            _ => false,
        }
    }
    pub(super) fn keep_focus_in_view(&mut self) {
        let order = self.tab_order();
        if !order.contains(&self.focus)
            && let Some(pane) = order.first()
        {
            self.focus_on(*pane);
        }
    }
    fn that_way(&self, way: Way) -> Option<PaneId> {
        let layout = arrange(self.plan.tree(self.workspace), None, self.body);
        neighbour(&layout, self.focus, way, |tabs| self.front(tabs))
    }
    fn focus_that_way(&mut self, way: Way) {
        if let Some(pane) = self.that_way(way) {
            self.zoomed = false;
            self.focus_on(pane);
        }
    }
    fn swap_that_way(&mut self, way: Way) -> bool {
        let (focus, other) = (self.focus, self.that_way(way));
        other.is_some_and(|other| self.tree_mut().is_some_and(|tree| tree.swap(focus, other)))
    }
    /// The first pane after the focused one that the workspace does not show.
    fn not_shown(&self) -> Option<PaneId> {
        let shown = self.tab_order();
        let from = PaneId::ALL
            .iter()
            .position(|pane| *pane == self.focus)
            .unwrap_or(0);
        let all = PaneId::ALL.iter().cycle().skip(from).take(PaneId::ALL.len());
        all.copied()
            .find(|pane| !shown.contains(pane) && self.pane(*pane).is_some())
    }
    /// Splits the focused place: `named` gets the new part, else the focused tab, else a pane that is not shown yet.
    fn split(&mut self, rows: bool, named: Option<PaneId>) -> bool {
        let focus = self.focus;
        let alone = self
            .plan
            .tree(self.workspace)
            .place_of(focus)
            .is_some_and(|tabs| tabs.len() == 1);
        let new = named.or(if alone { self.not_shown() } else { Some(focus) });
        let Some(new) = new else { return false };
        let done = self.tree_mut().is_some_and(|tree| tree.split(focus, rows, new));
        if done {
            self.focus_on(new);
        }
        done
    }
    fn close_pane(&mut self) -> bool {
        let focus = self.focus;
        self.tree_mut().is_some_and(|tree| tree.close(focus))
    }
    /// Takes the focused pane into the next place, as a tab.
    fn move_pane(&mut self) -> bool {
        let layout = arrange(self.plan.tree(self.workspace), None, self.body);
        let here = layout
            .slots
            .iter()
            .position(|slot| slot.tabs.contains(&self.focus));
        let next = here.and_then(|here| layout.slots.get((here + 1) % layout.slots.len().max(1)));
        let to = next.and_then(|slot| slot.tabs.iter().copied().find(|tab| *tab != self.focus));
        let focus = self.focus;
        to.is_some_and(|to| self.tree_mut().is_some_and(|tree| tree.join(to, focus)))
    }
    /// Shows a pane as a tab of the focused place, or goes there where it is shown.
    fn show_pane(&mut self, pane: PaneId) -> bool {
        let focus = self.focus;
        let shown = self.tab_order().contains(&pane);
        let done = !shown && self.tree_mut().is_some_and(|tree| tree.join(focus, pane));
        self.focus_on(pane);
        done
    }

    fn follow(&mut self, group: Option<Group>, now: Timestamp) -> Vec<Effect> {
        let (pane, shown) = (self.focus, self.instrument());
        self.plan.told.remove(&pane);
        match group {
            None => {
                self.plan.links.remove(&pane);
                self.say(Tone::Plain, format!("{} follows the desk", pane.name()), now);
            }
            Some(group) => {
                self.plan.links.insert(pane, group);
                self.say(Tone::Plain, format!("{} follows group {group}", pane.name()), now);
                // A group that shows nothing yet begins with what this pane shows.
                if let (false, Some(shown)) = (self.plan.groups.contains_key(&group), shown) {
                    return self.select(shown);
                }
            }
        }
        self.ask()
    }

    /// Takes the last change of a layout or of a list back.
    fn undo(&mut self, now: Timestamp) {
        match self.plan.undo.pop() {
            None => self.say(
                Tone::Plain,
                "nothing to take back; orders are cancelled with x",
                now,
            ),
            Some(Undone::Layout(workspace, node)) => {
                if let Some(tree) = self.plan.workspaces.get_mut(usize::from(workspace)) {
                    *tree = node;
                }
                self.go(workspace);
                self.say(Tone::Plain, "the layout is as it was", now);
            }
            Some(Undone::Pane(pane, table)) => {
                if let Some(place) = self.panes.iter_mut().find(|place| place.id == pane) {
                    place.pane.recall(&table);
                }
                self.say(Tone::Plain, format!("{} is as it was", pane.name()), now);
            }
        }
    }

    /// `:layout save NAME`, `:layout NAME`, `:layout drop NAME`, `:layout reset`, `:layout`.
    pub(super) fn layout_words(&mut self, rest: &str, now: Timestamp) {
        let before = self.plan.tree(self.workspace).clone();
        let words: Vec<&str> = rest.split_whitespace().collect();
        match words[..] {
            [] => {
                let names: Vec<&str> = self.plan.saved.keys().map(String::as_str).collect();
                let text = match names.len() {
                    0 => "no layout is saved; layout save NAME saves this one".to_owned(),
                    _ => format!("saved: {}", names.join(", ")),
                };
                self.say(Tone::Plain, text, now);
            }
            ["reset"] => {
                let first = beginning(self.workspace);
                self.put_tree(first);
            }
            ["save", name] if is_name(name) => {
                if self.plan.saved.len() >= SAVED && !self.plan.saved.contains_key(name) {
                    let text = format!("{SAVED} layouts are saved already; layout drop NAME makes room");
                    return self.say(Tone::Warn, text, now);
                }
                let mut saved = before.clone();
                // What is in front stands first: so it is when the layout is laid out again.
                saved.each_place(&mut |tabs| {
                    if let Some(front) = self.front(tabs) {
                        tabs.sort_by_key(|tab| *tab != front);
                    }
                });
                self.plan.saved.insert(name.to_owned(), saved);
                self.say(Tone::Plain, format!("layout {name} saved"), now);
            }
            ["save", ..] => {
                let text = "a layout is saved by a name of at most 24 letters, digits, - and _; save, drop and reset are taken";
                self.say(Tone::Warn, text, now);
            }
            ["drop", name] => {
                let text = match self.plan.saved.remove(name) {
                    Some(_) => format!("layout {name} dropped"),
                    None => self.no_layout(name),
                };
                self.say(Tone::Plain, text, now);
            }
            _ => match self.plan.saved.get(rest.trim()).cloned() {
                Some(mut node) => {
                    self.put_tree(node.clone());
                    let mut fronts = Vec::new();
                    node.each_place(&mut |tabs| fronts.extend(tabs.first().copied()));
                    self.bring_to_front(&fronts);
                    let here = self.plan.tree(self.workspace).place_of(self.focus);
                    if let Some(front) = here.and_then(|tabs| self.front(tabs)) {
                        self.focus_on(front);
                    }
                    self.say(Tone::Plain, format!("layout {}", rest.trim()), now);
                }
                None => self.say(Tone::Warn, self.no_layout(rest.trim()), now),
            },
        }
        self.note_layout(before);
    }
    /// What to say of a name that no layout has.
    fn no_layout(&self, name: &str) -> String {
        if self.plan.saved.is_empty() {
            return format!("there is no layout '{name}': none is saved; layout save NAME saves this one");
        }
        let names = self.plan.saved.keys().map(String::as_str);
        format!("there is no layout '{name}'{}", hint(name, names))
    }
    /// `:pane NAME`, `:split NAME`, `:vsplit NAME`.
    pub(super) fn pane_words(&mut self, word: &str, rest: &str, now: Timestamp) {
        let before = self.plan.tree(self.workspace).clone();
        let Some(pane) =
            PaneId::named(&rest.trim().to_ascii_lowercase()).filter(|pane| self.pane(*pane).is_some())
        else {
            let text = format!("which pane? {}", self.pane_names().join(", "));
            return self.say(Tone::Warn, text, now);
        };
        match word {
            "split" => self.split(true, Some(pane)),
            "vsplit" => self.split(false, Some(pane)),
            _ => self.show_pane(pane),
        };
        self.note_layout(before);
    }
    /// `:workspace NAME`.
    pub(super) fn workspace_words(&mut self, rest: &str, now: Timestamp) {
        match layout::workspace_named(rest.trim()) {
            Some(workspace) => self.go(workspace),
            None => {
                let names: Vec<&str> = WORKSPACES.iter().map(|(name, _)| *name).collect();
                self.say(Tone::Warn, format!("which workspace? {}", names.join(", ")), now);
            }
        }
    }
}

/// A name that a layout may have.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    name.chars().count() <= 24 && name.chars().all(plain) && !matches!(name, "save" | "drop" | "reset")
}
