//! Was this id ever used: exact for any id, or in constant memory where ids are handed out in ascending order.

use std::collections::BTreeMap;

/// How a book tells a used id from a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdPolicy {
    /// Ids come in any order and each is remembered: about one bit an id where they lie together.
    #[default]
    Any,
    /// Ids only ever ascend, as those an exchange hands out: one that is not above the highest is a duplicate,
    /// and the id is at the same time the rank of acceptance.
    Ascending,
}

/// Ids that were ever used.
#[derive(Clone, Debug)]
pub(super) enum UsedIds {
    /// See [`IdPolicy::Ascending`]: the lowest id not used yet; none once `u64::MAX` was used.
    Ascending(Option<u64>),
    /// See [`IdPolicy::Any`].
    Any(Box<IdPages>),
}

impl UsedIds {
    pub(super) fn new(policy: IdPolicy) -> Self {
        match policy {
            IdPolicy::Ascending => Self::Ascending(Some(0)),
            IdPolicy::Any => Self::Any(Box::default()),
        }
    }

    /// The rank of acceptance of an order that is the `count`th to be accepted.
    #[inline]
    pub(super) const fn rank(&self, id: u64, count: u64) -> u64 {
        match self {
            Self::Ascending(_) => id,
            Self::Any(_) => count,
        }
    }

    /// Marks an id as used; false if it was already.
    #[inline]
    pub(super) fn claim(&mut self, id: u64) -> bool {
        match self {
            Self::Ascending(next) => {
                let fresh = next.is_some_and(|n| id >= n);
                if fresh {
                    *next = id.checked_add(1);
                }
                fresh
            }
            Self::Any(pages) => pages.claim(id),
        }
    }
}

/// Words of a page: 256 ids, so that a stray id costs tens of bytes and a dense run a bit each.
const WORDS: usize = 4;
type Page = [u64; WORDS];
const FULL: Page = [u64::MAX; WORDS];

/// A set of ids as sparse bitmap pages. The page in use is open; pages with every id used are kept as
/// ranges of page numbers, so that an unbroken run costs nothing at all.
#[derive(Clone, Debug, Default)]
pub(super) struct IdPages {
    number: u64,
    open: Page,
    pages: BTreeMap<u64, Page>,
    /// First to last number of neighbouring full pages.
    full: BTreeMap<u64, u64>,
}

impl IdPages {
    #[inline]
    fn claim(&mut self, id: u64) -> bool {
        let number = id / 256;
        if number != self.number {
            self.turn_to(number);
        }
        let word = &mut self.open[usize::from(id.to_le_bytes()[0] / 64)];
        let bit = 1u64 << (id % 64);
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    #[cold]
    fn turn_to(&mut self, number: u64) {
        if self.open == FULL {
            self.close_full(self.number);
        } else if self.open != Page::default() {
            self.pages.insert(self.number, self.open);
        }
        self.number = number;
        self.open = if self.is_full(number) {
            FULL
        } else {
            self.pages.remove(&number).unwrap_or_default()
        };
    }

    fn is_full(&self, number: u64) -> bool {
        self.full
            .range(..=number)
            .next_back()
            .is_some_and(|(_, last)| number <= *last)
    }

    fn close_full(&mut self, number: u64) {
        if self.is_full(number) {
            return;
        }
        let (mut first, mut last) = (number, number);
        if let Some((&f, &l)) = self.full.range(..number).next_back()
            && l + 1 == number
        {
            first = f;
        }
        // Page numbers stay below u64::MAX / 256, so the next one exists.
        if let Some(l) = self.full.remove(&(number + 1)) {
            last = l;
        }
        self.full.insert(first, last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn mix(n: u64) -> u64 {
        let mut z = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    #[test]
    fn used_ids_equal_a_plain_set() {
        let (mut used, mut plain) = (UsedIds::new(IdPolicy::Any), BTreeSet::new());
        for n in 0..40_000u64 {
            let r = mix(n);
            let id = match r % 4 {
                0 | 1 => r / 4 % 6_000,
                2 => u64::MAX - r / 4 % 700,
                _ => n,
            };
            assert_eq!(used.claim(id), plain.insert(id), "id {id}");
        }
    }

    #[test]
    fn an_unbroken_run_is_one_range() {
        let mut pages = IdPages::default();
        for id in 0..100_000u64 {
            assert!(pages.claim(id));
        }
        assert_eq!((pages.pages.len(), pages.full.len()), (0, 1));
        assert!(!pages.claim(77));
        assert!(!pages.claim(99_999));
    }

    #[test]
    fn ascending_ids_refuse_everything_below() {
        let mut used = UsedIds::new(IdPolicy::Ascending);
        assert!(used.claim(0) && used.claim(7) && used.claim(u64::MAX));
        assert!(!used.claim(7) && !used.claim(3) && !used.claim(u64::MAX));
    }
}
