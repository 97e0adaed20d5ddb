//! A cursor that holds a thing and not a row: rows may come, go and change places, and what the hand acts on stays the
//! same. Until a person has moved it, it holds nothing, so that no key can act on a row that just slid under it.

use crate::domain::InstrumentId;
use crate::tui::action::Action;
use std::cell::Cell;
use std::ops::Range;

/// How far a page goes.
const PAGE: usize = 10;
/// How far one notch of the wheel goes.
const NOTCH: usize = 3;

/// Which of a list's things is selected.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<K> {
    key: Option<K>,
    /// Where it was last seen: from there it goes on when its thing has gone.
    index: usize,
}

impl<K: Copy + PartialEq> Default for Cursor<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Copy + PartialEq> Cursor<K> {
    /// A cursor that holds nothing.
    pub const fn new() -> Self {
        Self { key: None, index: 0 }
    }
    /// The row of what is held, nothing where that is not in the list.
    pub fn position(&self, keys: &[K]) -> Option<usize> {
        let key = self.key?;
        keys.iter().position(|other| *other == key)
    }
    /// What is held, where it is in the list.
    pub fn held(&self, keys: &[K]) -> Option<K> {
        self.position(keys).and(self.key)
    }
    /// Holds `key`.
    pub fn hold(&mut self, key: K) {
        self.key = Some(key);
    }
    /// Holds nothing.
    pub fn release(&mut self) {
        self.key = None;
    }
    /// Moves. `from` is where it starts while it holds nothing. False where `action` is no movement or there is
    /// nothing to hold.
    pub fn act(&mut self, action: Action, keys: &[K], from: Option<K>) -> bool {
        let known = self
            .position(keys)
            .or_else(|| keys.iter().position(|key| Some(*key) == from));
        let last = keys.len().saturating_sub(1);
        let at = known.unwrap_or(self.index).min(last);
        let to = match action {
            // The first step onto a list that is not yet held lands on the row itself.
            Action::Up | Action::Down if known.is_none() => at,
            Action::Up => at.saturating_sub(1),
            Action::Down => at.saturating_add(1),
            Action::PageUp => at.saturating_sub(PAGE),
            Action::PageDown => at.saturating_add(PAGE),
            Action::Top => 0,
            Action::Bottom => last,
            _ => return false,
        };
        let to = to.min(last);
        match keys.get(to) {
            Some(key) => {
                self.key = Some(*key);
                self.index = to;
                true
            }
            None => false,
        }
    }
}

/// Which rows of `total` are seen in `height`, with `cursor` among them.
pub fn window(total: usize, height: u16, cursor: Option<usize>) -> Range<usize> {
    let height = usize::from(height);
    let first = cursor
        .map_or(0, |at| at.saturating_sub(height / 2))
        .min(total.saturating_sub(height));
    first..first.saturating_add(height).min(total)
}

/// A list whose cursor is the desk's instrument, rolled with the wheel: it shows other rows then, and the instrument stays.
/// That holds until a key moves the cursor or the desk shows another instrument.
#[derive(Debug, Default)]
pub struct Rolled {
    /// The first row, and what was on the desk.
    at: Option<(usize, Option<InstrumentId>)>,
    /// What the last frame showed, of how many.
    drawn: Cell<(usize, usize, usize)>,
}

impl Rolled {
    /// Which rows of `total` are seen in `height`.
    pub fn window(
        &self,
        total: usize,
        height: u16,
        cursor: Option<usize>,
        on_desk: Option<InstrumentId>,
    ) -> Range<usize> {
        let seen = match self.at {
            Some((first, id)) if id == on_desk => {
                let height = usize::from(height);
                let first = first.min(total.saturating_sub(height));
                first..first.saturating_add(height).min(total)
            }
            _ => window(total, height, cursor),
        };
        self.drawn.set((seen.start, seen.len(), total));
        seen
    }
    /// Rolls on from what the last frame showed.
    pub fn roll(&mut self, up: bool, on_desk: Option<InstrumentId>) {
        let (first, seen, total) = self.drawn.get();
        let first = if up {
            first.saturating_sub(NOTCH)
        } else {
            first.saturating_add(NOTCH).min(total.saturating_sub(seen))
        };
        self.at = Some((first, on_desk));
    }
    /// Shows the cursor again.
    pub fn rest(&mut self) {
        self.at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rolled_list_keeps_its_rows_until_the_desk_shows_another_instrument() {
        let id = |text: &str| InstrumentId::new(text).ok();
        let mut rolled = Rolled::default();
        assert_eq!(rolled.window(20, 5, Some(0), id("A")), 0..5);
        rolled.roll(false, id("A"));
        assert_eq!(rolled.window(20, 5, Some(0), id("A")), 3..8);
        for _ in 0..9 {
            rolled.roll(false, id("A"));
            rolled.window(20, 5, Some(0), id("A"));
        }
        assert_eq!(rolled.window(20, 5, Some(0), id("A")), 15..20);
        // The list has become shorter, and the pane taller.
        assert_eq!(rolled.window(10, 5, Some(0), id("A")), 5..10);
        assert_eq!(rolled.window(10, 50, Some(0), id("A")), 0..10);
        assert_eq!(rolled.window(20, 5, Some(19), id("B")), 15..20);
    }

    #[test]
    fn the_cursor_stays_with_its_thing_and_never_slides_onto_another() {
        let mut cursor = Cursor::new();
        assert_eq!(cursor.held(&[1, 2, 3]), None);
        assert!(cursor.act(Action::Down, &[1, 2, 3], None));
        assert_eq!(cursor.held(&[1, 2, 3]), Some(1));
        cursor.act(Action::Down, &[1, 2, 3], None);
        assert_eq!(cursor.position(&[9, 8, 1, 2, 3]), Some(3));
        // What was held has gone: nothing is held, and the next step starts where it was.
        assert_eq!(cursor.held(&[1, 3, 4]), None);
        cursor.act(Action::Down, &[1, 3, 4], None);
        assert_eq!(cursor.held(&[1, 3, 4]), Some(3));
        assert!(!cursor.act(Action::Down, &[], None));
        assert!(!cursor.act(Action::Buy, &[1], None));
    }

    #[test]
    fn the_window_keeps_the_cursor_in_sight() {
        assert_eq!(window(100, 10, Some(50)), 45..55);
        assert_eq!(window(100, 10, Some(99)), 90..100);
        assert_eq!(window(3, 10, Some(2)), 0..3);
        assert_eq!(window(3, 0, Some(2)), 2..2);
        assert_eq!(window(0, 5, None), 0..0);
    }
}
