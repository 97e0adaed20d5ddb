//! What the limits are where nobody set them at a broker outside the box: sizes of one person's account, not of play money.
//! Who set what is known where settings are read; here is what holds otherwise.

use super::limits::{LimitName, Limits};

/// The limits that differ there, each as config.toml would say it. All are stricter than the built-in defaults. Contracts of
/// micros count like any other.
pub const STRICT: &[(LimitName, &str)] = &[
    (LimitName::MaxQuantityEquity, "1000"),
    (LimitName::MaxQuantityFuture, "5"),
    (LimitName::MaxQuantityForex, "100000"),
    (LimitName::MaxVolumeBps, "100"),
    (LimitName::MaxOrderCost, "25000"),
    (LimitName::MaxOrderBps, "1000"),
    (LimitName::MaxLiveOrders, "15"),
    (LimitName::DuplicateWindowMs, "1000"),
    (LimitName::AllowShortSale, "false"),
    (LimitName::AllowOtc, "false"),
    (LimitName::PauseBeforeHaltMinutes, "5"),
    (LimitName::MaxPriceAgeSeconds, "60"),
    (LimitName::MaxEntries5m, "10"),
    (LimitName::MaxContractsEach, "5"),
];

impl Limits {
    /// Makes every limit strict that nobody set.
    pub fn be_strict(&mut self, is_set: impl Fn(LimitName) -> bool) {
        for (name, text) in STRICT.iter().filter(|(name, _)| !is_set(*name)) {
            if let Ok(value) = name.read(text) {
                self.set(*name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_strict_can_be_read_and_is_never_looser_than_the_defaults() {
        let mut limits = Limits::default();
        limits.be_strict(|_| false);
        for (name, text) in STRICT.iter().copied() {
            let (strict, default) = (name.read(text).unwrap(), Limits::default().get(name));
            assert_eq!(limits.get(name), strict, "{name}");
            assert!(name.is_looser(default, strict), "{name}");
        }
        let mut set = Limits::default();
        set.be_strict(|_| true);
        assert_eq!(set, Limits::default());
    }
}
