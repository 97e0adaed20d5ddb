//! Records of what is alive, found by a 64-bit id or by a 32-bit slot. Slots are reused first, so that a busy
//! table stays within a few cache lines however many ids have passed through it.
//!
//! An id's place in the index is its low bits, checked against the record itself: ids handed out in sequence
//! never meet until an index's length lies between them, and a record that is then still alive moves aside to
//! an ordered map. Index and records grow with the number of live records and with nothing else.

use std::collections::BTreeMap;

/// "No slot".
pub(super) const NIL: u32 = u32::MAX;
/// Places of an empty index, a power of two.
const FIRST: usize = 4096;

/// A record that knows its id.
pub(super) trait Keyed {
    /// Unique among live records; fixed as long as the record is in a table.
    fn id(&self) -> u64;
}

/// Live records by id and by slot.
#[derive(Clone, Debug)]
pub(super) struct IdTable<T> {
    records: Vec<T>,
    free: Vec<u32>,
    places: Vec<u32>,
    aside: BTreeMap<u64, u32>,
}

impl<T: Keyed> IdTable<T> {
    pub(super) fn new() -> Self {
        Self {
            records: Vec::new(),
            free: Vec::new(),
            places: vec![NIL; FIRST],
            aside: BTreeMap::new(),
        }
    }

    /// Stores a record whose id is not here and gives its slot. The caller keeps the number of live records
    /// far below `u32::MAX`.
    #[inline]
    pub(super) fn insert(&mut self, record: T) -> u32 {
        let place = self.place(record.id());
        let at = if let Some(at) = self.free.pop() {
            self.records[at as usize] = record;
            at
        } else {
            let at = u32::try_from(self.records.len()).unwrap_or(NIL);
            self.records.push(record);
            at
        };
        let before = std::mem::replace(&mut self.places[place], at);
        if before != NIL {
            self.put_aside(before);
        }
        at
    }

    /// Drops the live record at `at`.
    #[inline]
    pub(super) fn remove(&mut self, at: u32) {
        let id = self.get(at).id();
        let place = self.place(id);
        if self.places[place] == at {
            self.places[place] = NIL;
        } else {
            self.aside.remove(&id);
        }
        self.free.push(at);
    }

    /// The slot of the live record `id`.
    #[inline]
    pub(super) fn find(&self, id: u64) -> Option<u32> {
        let at = self.places[self.place(id)];
        if at != NIL && self.get(at).id() == id {
            return Some(at);
        }
        if self.aside.is_empty() {
            None
        } else {
            self.aside.get(&id).copied()
        }
    }

    /// The record at a slot that is in use.
    #[inline]
    pub(super) fn get(&self, at: u32) -> &T {
        &self.records[at as usize]
    }

    /// The record at a slot that is in use, to change.
    #[inline]
    pub(super) fn get_mut(&mut self, at: u32) -> &mut T {
        &mut self.records[at as usize]
    }

    /// Records alive.
    #[inline]
    pub(super) fn live(&self) -> usize {
        self.records.len() - self.free.len()
    }

    /// Slots ever in use at the same time: every slot lies below.
    pub(super) fn slots(&self) -> usize {
        self.records.len()
    }

    /// All live records, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places
            .iter()
            .filter(|at| **at != NIL)
            .chain(self.aside.values())
            .map(|at| self.get(*at))
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "only the low bits make the place")]
    fn place(&self, id: u64) -> usize {
        id as usize & (self.places.len() - 1)
    }

    #[cold]
    fn put_aside(&mut self, at: u32) {
        self.aside.insert(self.get(at).id(), at);
        if self.aside.len() > self.places.len() / 2 {
            self.grow();
        }
    }

    fn grow(&mut self) {
        let size = self.places.len() * 2;
        let mut known: Vec<u32> = std::mem::replace(&mut self.places, vec![NIL; size]);
        known.retain(|at| *at != NIL);
        known.extend(std::mem::take(&mut self.aside).into_values());
        for at in known {
            let place = self.place(self.get(at).id());
            let before = std::mem::replace(&mut self.places[place], at);
            if before != NIL {
                self.aside.insert(self.get(before).id(), before);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Keyed for u64 {
        fn id(&self) -> u64 {
            *self
        }
    }

    #[test]
    fn equals_a_plain_map_whatever_the_ids() {
        let (mut table, mut plain, mut seed) = (IdTable::new(), BTreeMap::new(), 1u64);
        for n in 0..60_000u64 {
            seed = seed
                .wrapping_mul(0x5851_F42D_4C95_7F2D)
                .wrapping_add(0x1405_7B7E_F767_814F);
            let r = seed >> 33;
            // Ids in sequence, ids that share a place, and more alive than the first index has places.
            let id = match r % 4 {
                0 => (r >> 8) % 40 * 0x1_0000_0000,
                1 => (r >> 8) % 30_000,
                _ => n,
            };
            if let Some(at) = plain.remove(&id) {
                assert_eq!(table.find(id), Some(at));
                table.remove(at);
            } else {
                plain.insert(id, table.insert(id));
            }
            assert_eq!(table.find(id), plain.get(&id).copied());
        }
        assert!(table.places.len() > FIRST, "the test outgrows the first index");
        assert_eq!(table.live(), plain.len());
        assert!(plain.iter().all(|(id, at)| table.find(*id) == Some(*at)));
        let mut all: Vec<u64> = table.iter().copied().collect();
        all.sort_unstable();
        assert!(all.iter().eq(plain.keys()));
    }
}
