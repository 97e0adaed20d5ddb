//! What a terminal remembers between runs: theme, layouts, groups, lines, what its panes want kept, and that the tour was
//! seen. A small TOML text with a version; reading and writing the file is the app's business. A part that can't be used
//! any more costs that part, with a word; a text that can't be read at all is the caller's to put aside, never to lose.

use super::desk::{Desk, Tone};
use super::layout::{Node, PaneId, WORKSPACES, beginning};
use super::plan::Group;
use super::theme::Theme;
use super::world::Zone;
use crate::domain::{InstrumentId, SafeText, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The version that is written. A text of a later one is left alone.
const VERSION: u32 = 1;
/// What the file says of itself.
const HEAD: &str =
    "# What this terminal remembers of itself; written by the program. Settings belong into config.toml.\n";

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeskMemory {
    /// The text's version.
    pub version: u32,
    /// The theme that was chosen here.
    pub theme: String,
    /// The theme that the settings named then: a newer decision there wins.
    pub theme_over: String,
    /// Whose time is shown.
    pub zone: String,
    /// The tour was seen.
    pub tour_seen: bool,
    /// Earlier lines, newest last.
    pub history: Vec<String>,
    /// Workspaces that were changed, by name.
    pub workspaces: BTreeMap<String, String>,
    /// Layouts by name.
    pub layouts: BTreeMap<String, String>,
    /// The group that each pane follows.
    pub links: BTreeMap<String, String>,
    /// What each group shows.
    pub groups: BTreeMap<String, String>,
    /// The last firing of an alert that was looked at.
    pub alerts_seen: u64,
    /// What each pane wants kept.
    pub panes: BTreeMap<String, toml::Table>,
}

impl DeskMemory {
    /// Reads a text.
    ///
    /// # Errors
    /// It is broken, or of a later version.
    pub fn read(text: &str) -> Result<Self, String> {
        let memory: Self = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        if memory.version > VERSION {
            return Err(format!(
                "it is of version {}, and this program knows {VERSION}",
                memory.version
            ));
        }
        Ok(memory)
    }
    /// As a text.
    pub fn text(&self) -> String {
        let body = toml::to_string(self).unwrap_or_default();
        format!("{HEAD}{body}")
    }
}

/// Takes a text that is to be kept. It must not wait for a disk.
#[derive(Clone)]
pub struct Keep(pub Arc<dyn Fn(String) + Send + Sync>);
impl fmt::Debug for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keep")
    }
}
impl Default for Keep {
    /// Keeps nothing.
    fn default() -> Self {
        Self(Arc::new(|_| ()))
    }
}

impl Desk {
    /// What there is to remember now.
    pub fn memory(&self) -> DeskMemory {
        let changed = (0u8..)
            .zip(WORKSPACES)
            .filter(|(n, _)| *self.plan.tree(*n) != beginning(*n))
            .map(|(n, (name, _))| (name.to_owned(), self.plan.tree(n).to_string()));
        let name_of = |pane: PaneId| pane.name().to_owned();
        let panes = self
            .panes
            .iter()
            .map(|place| (name_of(place.id), place.pane.remember()));
        // What this start alone was told is no wish for the next one.
        let told = self.plan.told.iter();
        let told = told.filter_map(|(pane, before)| Some((name_of(*pane), before.as_ref()?.to_string())));
        DeskMemory {
            version: VERSION,
            theme: self.remembered_theme(),
            theme_over: self.configured_theme.clone(),
            zone: self.world.zone.word().to_owned(),
            tour_seen: !self.tour,
            history: self.history.clone(),
            workspaces: changed.collect(),
            layouts: self
                .plan
                .saved
                .iter()
                .map(|(name, node)| (name.clone(), node.to_string()))
                .collect(),
            links: self
                .plan
                .links
                .iter()
                .filter(|(pane, _)| !self.plan.told.contains_key(pane))
                .map(|(pane, group)| (name_of(*pane), group.to_string()))
                .chain(told)
                .collect(),
            groups: self
                .plan
                .groups
                .iter()
                .map(|(group, id)| (group.to_string(), id.to_string()))
                .collect(),
            alerts_seen: self.alarm.seen,
            panes: panes.filter(|(_, table)| !table.is_empty()).collect(),
        }
    }
    /// The theme as chosen here; empty where it is the one of the settings.
    fn remembered_theme(&self) -> String {
        let name = &self.world.theme.name;
        if *name == self.configured_theme || !self.themes.iter().any(|(known, _)| known == name) {
            return String::new();
        }
        name.clone()
    }
    /// The text to keep, where there is something new to remember.
    pub fn to_keep(&mut self) -> Option<String> {
        let memory = self.memory();
        if memory == self.kept {
            return None;
        }
        let text = memory.text();
        self.kept = memory;
        Some(text)
    }
    /// Takes what was remembered. What can't be used is said and left out.
    pub(super) fn recall(&mut self, memory: &DeskMemory, theme_is_told: bool, now: Timestamp) {
        let mut faults = Vec::new();
        self.tour = !memory.tour_seen;
        self.alarm.seen = memory.alerts_seen;
        self.world.zone = Zone::of(&memory.zone);
        self.history = memory
            .history
            .iter()
            .map(|line| SafeText::new(line).to_string())
            .collect();
        let chosen = !memory.theme.is_empty() && memory.theme_over == self.configured_theme;
        if chosen && !theme_is_told {
            let (theme, wrong) = Theme::choose(&self.themes, &memory.theme);
            faults.extend(wrong);
            if self.themes.iter().any(|(name, _)| *name == memory.theme) {
                self.world.theme = theme;
            }
        }
        let mut tree = |what: String, text: &str| match Node::parse(text) {
            Ok((node, left_out)) => {
                faults.extend(left_out.into_iter().map(|fault| format!("{what}: {fault}")));
                Some(node)
            }
            Err(fault) => {
                faults.push(format!("{what}: {fault}"));
                None
            }
        };
        for (name, text) in &memory.workspaces {
            let node = tree(format!("workspace {name}"), text);
            let at = super::layout::workspace_named(name).map(usize::from);
            if let (Some(node), Some(place)) = (node, at.and_then(|at| self.plan.workspaces.get_mut(at))) {
                *place = node;
            }
        }
        for (name, text) in &memory.layouts {
            if let Some(node) = tree(format!("layout {name}"), text) {
                self.plan.saved.insert(SafeText::new(name).to_string(), node);
            }
        }
        for (pane, group) in &memory.links {
            if let (Some(pane), Some(group)) = (PaneId::named(pane), Group::of(group)) {
                self.plan.links.insert(pane, group);
            }
        }
        for (group, id) in &memory.groups {
            if let (Some(group), Ok(id)) = (Group::of(group), InstrumentId::new(id)) {
                self.plan.groups.insert(group, id);
            }
        }
        for (name, table) in &memory.panes {
            let pane = PaneId::named(name);
            if let Some(place) = self.panes.iter_mut().find(|place| Some(place.id) == pane) {
                place.pane.recall(table);
            }
        }
        for fault in &faults {
            tracing::warn!("remembered: {fault}");
        }
        if let Some(fault) = faults.first() {
            self.say(Tone::Warn, format!("remembered: {fault}"), now);
        }
        self.keep_focus_in_view();
        self.kept = self.memory();
    }
}
