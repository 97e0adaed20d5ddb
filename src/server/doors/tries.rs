//! Failed sign-ins: after a few, each next one has to wait longer, by user and address together, by address, and by user. A
//! try counts before it is looked at and is taken back where it was right, so that many at once gain nothing. Bounded:
//! what is oldest is forgotten first.

use crate::domain::Timestamp;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Names and addresses remembered at most, of each kind.
const REMEMBERED: usize = 4_096;
/// After so long without a failure nothing is remembered.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(1_800);

/// How strict a kind is.
struct Rule {
    /// Failures without a wait.
    free: u32,
    /// The longest wait, in seconds.
    longest: u64,
}

/// By user and address: who mistypes.
const BOTH: Rule = Rule {
    free: 3,
    longest: 900,
};
/// By address: who tries many names.
const ADDRESS: Rule = Rule {
    free: 10,
    longest: 900,
};
/// By user, from wherever: who tries from many addresses. Short, so that a stranger can't keep a user out for long.
const USER: Rule = Rule {
    free: 20,
    longest: 30,
};

#[derive(Clone, Copy, Debug)]
struct Count {
    failures: u32,
    last: Timestamp,
    until: Timestamp,
}

/// The failures of one engine.
#[derive(Debug, Default)]
pub(super) struct Tries {
    both: BTreeMap<(String, IpAddr), Count>,
    address: BTreeMap<IpAddr, Count>,
    user: BTreeMap<String, Count>,
}

/// An address as it is counted: a whole network of 2^64 belongs to one.
fn counted(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        four => four,
    }
}

fn wait<K: Ord>(all: &BTreeMap<K, Count>, key: &K, now: Timestamp) -> Option<Duration> {
    all.get(key)
        .map(|count| count.until.since(now))
        .filter(|wait| !wait.is_zero())
}

fn add<K: Ord + Clone>(all: &mut BTreeMap<K, Count>, key: K, rule: &Rule, now: Timestamp) {
    if all.len() >= REMEMBERED && !all.contains_key(&key) {
        all.retain(|_, count| now.since(count.last) < FORGOTTEN_AFTER);
        if all.len() >= REMEMBERED {
            // A quarter at once, so that a crowd of names does not cost a look at all of them for each.
            let mut times: Vec<Timestamp> = all.values().map(|count| count.last).collect();
            let (_, quarter, _) = times.select_nth_unstable(REMEMBERED / 4);
            let (quarter, mut gone) = (*quarter, 0);
            all.retain(|_, count| {
                gone += usize::from(count.last <= quarter);
                count.last > quarter || gone > REMEMBERED / 4
            });
        }
    }
    let count = all.entry(key).or_insert(Count {
        failures: 0,
        last: now,
        until: now,
    });
    if now.since(count.last) >= FORGOTTEN_AFTER {
        count.failures = 0;
    }
    count.failures = count.failures.saturating_add(1);
    count.last = now;
    if let Some(beyond) = count.failures.checked_sub(rule.free) {
        let seconds = 1_u64.checked_shl(beyond).unwrap_or(u64::MAX).min(rule.longest);
        count.until = now.after(Duration::from_secs(seconds));
    }
}

fn take<K: Ord>(all: &mut BTreeMap<K, Count>, key: &K, now: Timestamp) {
    if let Some(count) = all.get_mut(key) {
        count.failures = count.failures.saturating_sub(1);
        count.until = now;
        if count.failures == 0 {
            all.remove(key);
        }
    }
}

impl Tries {
    /// How long a try has to wait; it does not count.
    pub(super) fn waits(&self, user: &str, address: IpAddr, now: Timestamp) -> Option<Duration> {
        // Names that nobody has are as long as they please.
        let user: String = user.chars().take(64).collect();
        let address = counted(address);
        let waits = [
            wait(&self.both, &(user.clone(), address), now),
            wait(&self.address, &address, now),
            wait(&self.user, &user, now),
        ];
        waits.into_iter().flatten().max()
    }
    /// Counts a try as a failure; how long it has to wait where it has come too early, and then it does not count.
    pub(super) fn begin(&mut self, user: &str, address: IpAddr, now: Timestamp) -> Result<(), Duration> {
        if let Some(longest) = self.waits(user, address, now) {
            return Err(longest);
        }
        let user: String = user.chars().take(64).collect();
        let (address, both) = (counted(address), (user.clone(), counted(address)));
        add(&mut self.both, both, &BOTH, now);
        add(&mut self.address, address, &ADDRESS, now);
        add(&mut self.user, user, &USER, now);
        Ok(())
    }
    /// The try was no failure.
    pub(super) fn undo(&mut self, user: &str, address: IpAddr, now: Timestamp) {
        let user: String = user.chars().take(64).collect();
        let address = counted(address);
        take(&mut self.both, &(user.clone(), address), now);
        take(&mut self.address, &address, now);
        take(&mut self.user, &user, now);
    }
    /// The try was right, to the end: what went before was its own slips.
    pub(super) fn right(&mut self, user: &str, address: IpAddr, now: Timestamp) {
        self.undo(user, address, now);
        self.both.remove(&(user.to_owned(), counted(address)));
        self.user.remove(user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from(n))
    }
    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn each_failure_waits_longer_and_being_right_forgets_them() {
        let mut tries = Tries::default();
        let mut now = at(1_000);
        let mut waits = Vec::new();
        for _ in 0..8 {
            if let Err(wait) = tries.begin("anna", address(1), now) {
                now = now.after(wait);
                waits.push(wait.as_secs());
                assert!(tries.begin("anna", address(1), now).is_ok());
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16]);
        // Somebody else, and the same one from elsewhere, do not wait.
        assert!(tries.begin("bert", address(1), now).is_ok());
        assert!(tries.begin("anna", address(2), now).is_ok());
        tries.right("anna", address(1), now);
        assert!(tries.begin("anna", address(1), now).is_ok());
        assert!(tries.begin("anna", address(1), now).is_ok());
    }

    #[test]
    fn a_million_strangers_are_remembered_no_longer_than_there_is_room() {
        let mut tries = Tries::default();
        for n in 0..20_000 {
            let _ = tries.begin(&format!("nobody{n}"), address(n), at(i64::from(n)));
        }
        assert!(tries.both.len() <= REMEMBERED && tries.address.len() <= REMEMBERED);
        assert!(tries.user.len() <= REMEMBERED);
        // Many addresses, one user: the waits stay short.
        let mut refused = 0;
        for n in 0..1_000 {
            if let Err(wait) = tries.begin("anna", address(1_000_000 + n), at(20_000)) {
                assert!(wait.as_secs() <= USER.longest);
                refused += 1;
            }
        }
        assert!(refused > 900);
    }
}
