//! One engine an account. Two profiles are two engines that know nothing of each other: on one account of a broker each would
//! hold its own limits against half of the orders. So an engine locks each account as the broker names it, in a file beside
//! the profiles; the kernel lets go of it when the engine dies. The exchange in the box is each profile's own, and an engine
//! that only looks locks nothing.

use super::locked_file::LockedFile;
use crate::domain::{Account, AccountClass, AccountKey};
use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

/// The accounts that this engine holds.
#[derive(Debug)]
pub(super) struct AccountLocks {
    folder: PathBuf,
    /// What another engine is told of this one.
    name: String,
    only_looks: bool,
    held: BTreeMap<AccountKey, LockedFile>,
}

impl AccountLocks {
    /// None yet. `profile` is the name of this engine's profile; one that `only_looks` takes none.
    pub(super) fn new(folder: PathBuf, profile: &str, only_looks: bool) -> Self {
        Self {
            folder,
            name: format!("profile {profile}, process {}", std::process::id()),
            only_looks,
            held: BTreeMap::new(),
        }
    }

    /// Takes every account that is not this process's own exchange; in words where another engine has one.
    pub(super) fn take(&mut self, accounts: &[Account]) -> Result<(), String> {
        let concerns = |account: &&Account| account.class != AccountClass::Sim && !self.only_looks;
        let concerned: Vec<&Account> = accounts.iter().filter(concerns).collect();
        for account in concerned {
            if !self.held.contains_key(&account.key) {
                let lock = self.lock(account.key)?;
                self.held.insert(account.key, lock);
            }
        }
        Ok(())
    }

    fn lock(&self, key: AccountKey) -> Result<LockedFile, String> {
        let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let name = format!(
            "{}-{}",
            plain(&key.broker.to_string()),
            plain(&key.account.to_string())
        );
        let path = self.folder.join(name);
        let failed = |error: std::io::Error| format!("{} can't be locked: {error}", path.display());
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        made.map_err(failed)?;
        let mut file = LockedFile::open(&path).map_err(failed)?;
        if !file.try_lock() {
            return Err(format!(
                "account {} of {} is traded by another engine already ({}): stop that one first, or sign in to another account",
                key.account,
                key.broker,
                file.signature()
            ));
        }
        file.sign(&self.name).map_err(failed)?;
        Ok(file)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::domain::{AccountId, BrokerId, Currency};

    fn account(name: &str, class: AccountClass) -> Account {
        Account {
            key: AccountKey {
                broker: BrokerId::new("ibkr").unwrap(),
                account: AccountId::new(name).unwrap(),
            },
            class,
            base: Currency::USD,
            cash: None,
        }
    }

    #[test]
    fn f40_of_two_engines_on_one_account_the_second_is_refused_and_told_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let locks = |profile| AccountLocks::new(folder.path().join("accounts"), profile, profile == "looks");
        let (mut first, mut second) = (locks("day"), locks("night"));
        let (one, two) = (
            account("DU1", AccountClass::Paper),
            account("DU2", AccountClass::Live),
        );
        let own = account("DU1", AccountClass::Sim);
        first.take(std::slice::from_ref(&one)).unwrap();
        // A new connection names it again.
        first.take(std::slice::from_ref(&one)).unwrap();
        let said = second.take(&[two.clone(), one.clone()]).unwrap_err();
        assert!(
            said.contains("DU1") && said.contains("profile day, process"),
            "{said}"
        );
        second.take(&[two, own]).unwrap();
        locks("looks").take(std::slice::from_ref(&one)).unwrap();
        drop(first);
        second.take(&[one]).unwrap();
    }
}
