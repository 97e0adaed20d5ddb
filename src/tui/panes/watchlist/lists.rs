//! The groups of the watchlist: all, what is held, a kind of instrument, or a list of the traders' own. Knows which
//! instruments are in them and how the own ones are changed by a word; draws nothing.

use super::column::kind_word;
use crate::domain::{InstrumentId, InstrumentKind};
use crate::tui::pane::View;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How many symbols a list of one's own may have, and how many lists there may be.
const MOST: usize = 1_000;
/// The kinds that are groups, in their order.
const KINDS: [InstrumentKind; 6] = [
    InstrumentKind::Equity,
    InstrumentKind::Future,
    InstrumentKind::Option,
    InstrumentKind::Forex,
    InstrumentKind::Crypto,
    InstrumentKind::Index,
];

/// Which instruments are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Group {
    /// All.
    #[default]
    All,
    /// What is held or has a live order.
    Positions,
    /// One kind.
    Kind(InstrumentKind),
    /// A list of one's own, by its name.
    Own(String),
}

impl Group {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::All => "all",
            Self::Positions => "positions",
            Self::Kind(kind) => kind_word(*kind),
            Self::Own(name) => name,
        }
    }
}

/// A list of one's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnList {
    /// Its name.
    pub name: String,
    /// Its symbols in the order of the list. They may not be listed (yet).
    pub symbols: Vec<String>,
}

/// The lists of one's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists(pub Vec<OwnList>);

impl Lists {
    /// The group of a name; nothing where there is none.
    pub fn named(&self, name: &str) -> Option<Group> {
        let lower = name.to_ascii_lowercase();
        let kind = KINDS.into_iter().find(|kind| kind_word(*kind) == lower);
        match lower.as_str() {
            "all" => Some(Group::All),
            "positions" | "held" => Some(Group::Positions),
            _ => kind.map(Group::Kind).or_else(|| {
                let own = self.0.iter().find(|list| list.name.eq_ignore_ascii_case(name));
                own.map(|list| Group::Own(list.name.clone()))
            }),
        }
    }
    /// Every group in which there may be something, in the order in which a key goes through them.
    pub fn groups(&self, view: &View<'_>) -> Vec<Group> {
        let kinds: BTreeSet<&str> = view
            .state
            .instruments
            .values()
            .map(|instrument| kind_word(instrument.kind))
            .collect();
        let mut groups = vec![Group::All, Group::Positions];
        groups.extend(self.0.iter().map(|list| Group::Own(list.name.clone())));
        if kinds.len() > 1 {
            let there = KINDS.into_iter().filter(|kind| kinds.contains(kind_word(*kind)));
            groups.extend(there.map(Group::Kind));
        }
        groups
    }
    /// The group before or after `group`.
    pub fn step(&self, group: &Group, forward: bool, view: &View<'_>) -> Group {
        let groups = self.groups(view);
        let here = groups.iter().position(|other| other == group).unwrap_or(0);
        let step = if forward { 1 } else { groups.len() - 1 };
        groups
            .get((here + step) % groups.len())
            .cloned()
            .unwrap_or_default()
    }
    /// Opens a list of one's own, or makes an empty one of that name.
    ///
    /// # Errors
    /// The name is none.
    pub fn open(&mut self, name: &str) -> Result<Group, String> {
        if let Some(group) = self.named(name) {
            return Ok(group);
        }
        let fits = (1..=16).contains(&name.chars().count())
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
        if !fits {
            return Err(format!(
                "'{name}' is no name of a list: 1 to 16 letters, digits, - or _"
            ));
        }
        if self.0.len() >= MOST {
            return Err(format!("there are {MOST} lists already"));
        }
        self.0.push(OwnList {
            name: name.to_owned(),
            symbols: Vec::new(),
        });
        Ok(Group::Own(name.to_owned()))
    }
    fn own(&mut self, group: &Group) -> Result<&mut OwnList, String> {
        let found = self
            .0
            .iter_mut()
            .find(|list| matches!(group, Group::Own(name) if *name == list.name));
        found.ok_or_else(|| {
            format!(
                "'{}' is no list of your own: :watch group NAME opens one, or makes it",
                group.name()
            )
        })
    }
    /// Puts a symbol at the end of a list of one's own.
    ///
    /// # Errors
    /// The group is no list, the symbol is not listed, or it is there already.
    pub fn add(&mut self, group: &Group, symbol: &str, view: &View<'_>) -> Result<InstrumentId, String> {
        let list = self.own(group)?;
        let Some(instrument) = view.state.resolve(symbol, view.venue_now) else {
            return Err(format!(
                "{symbol} is not listed here: :find {symbol} asks the broker"
            ));
        };
        let id = instrument.id;
        if list.symbols.iter().any(|known| known == id.as_str()) {
            return Err(format!("{id} is in {} already", list.name));
        }
        if list.symbols.len() >= MOST {
            return Err(format!("{} is full: {MOST} symbols", list.name));
        }
        list.symbols.push(id.as_str().to_owned());
        Ok(id)
    }
    /// Takes a symbol off a list of one's own.
    ///
    /// # Errors
    /// The group is no list, or the symbol is not in it.
    pub fn remove(&mut self, group: &Group, symbol: &str, view: &View<'_>) -> Result<(), String> {
        let list = self.own(group)?;
        let id = view
            .state
            .resolve(symbol, view.venue_now)
            .map_or(symbol, |instrument| instrument.id.as_str());
        let before = list.symbols.len();
        list.symbols
            .retain(|known| !known.eq_ignore_ascii_case(symbol) && known != id);
        if list.symbols.len() == before {
            return Err(format!("{symbol} is not in {}", list.name));
        }
        Ok(())
    }
    /// The instruments of a group, by id, or in the list's own order.
    pub fn members(&self, group: &Group, view: &View<'_>) -> Vec<InstrumentId> {
        match group {
            Group::All => view.state.instruments.keys().copied().collect(),
            Group::Positions => held(view),
            Group::Kind(kind) => view
                .state
                .instruments
                .values()
                .filter(|instrument| instrument.kind == *kind)
                .map(|instrument| instrument.id)
                .collect(),
            Group::Own(name) => {
                let list = self.0.iter().find(|list| list.name == *name);
                let symbols = list.map_or(&[][..], |list| &list.symbols);
                let listed = |symbol: &String| Some(view.state.resolve(symbol, view.venue_now)?.id);
                symbols.iter().filter_map(listed).collect()
            }
        }
    }
    /// How many symbols a list of one's own has, listed here or not; nothing for other groups.
    pub fn length(&self, group: &Group) -> Option<usize> {
        let Group::Own(name) = group else { return None };
        let list = self.0.iter().find(|list| list.name == *name)?;
        Some(list.symbols.len())
    }
}

/// What the account on the desk holds or has live orders in, by id.
pub fn held(view: &View<'_>) -> Vec<InstrumentId> {
    let Some(account) = view.account else {
        return Vec::new();
    };
    let positions = view
        .state
        .ledgers
        .iter()
        .filter(|((owner, _), ledger)| *owner == account && !ledger.position.quantity.is_zero())
        .map(|((_, id), _)| *id);
    let orders = view.state.live.iter().filter(|(owner, ..)| *owner == account);
    let all: BTreeSet<InstrumentId> = positions.chain(orders.map(|(_, id, _)| *id)).collect();
    all.into_iter().collect()
}
