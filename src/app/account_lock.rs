//! One engine an account. Two profiles are two engines that know nothing of each other: on one account of a broker each would
//! hold its own limits against half of the orders. So an engine locks each account as the broker names it, in a file beside
//! the profiles, which holds whoever runs them, and in one of this user's, which holds across data folders; the kernel lets go of
//! both when the engine dies. Engines of other users with other data folders, and on other machines, are not kept off: each sees
//! the other's orders as foreign. The exchange in the box is each profile's own, and an engine
//! that only looks locks nothing.

use super::locked_file::LockedFile;
use crate::domain::{Account, AccountClass, AccountKey};
use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The accounts that this engine holds.
#[derive(Debug)]
pub(super) struct AccountLocks {
    folder: PathBuf,
    /// This user's place, which all data folders share; none where there is none.
    shared: Option<PathBuf>,
    /// What another engine is told of this one.
    name: String,
    only_looks: bool,
    held: BTreeMap<AccountKey, Vec<LockedFile>>,
}

impl AccountLocks {
    /// None yet. `folder` is beside the profiles, `shared` this user's place; `profile` is the name of this engine's profile; one
    /// that `only_looks` takes none.
    pub(super) fn new(folder: PathBuf, shared: Option<PathBuf>, profile: &str, only_looks: bool) -> Self {
        let place = folder.parent().unwrap_or(&folder).display();
        Self {
            name: format!(
                "profile {profile}, process {}, data in {place}",
                std::process::id()
            ),
            folder,
            shared,
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
                let mut locks = vec![self.lock(&self.folder, account.key).map_err(NotLocked::words)?];
                match self.shared.as_ref().map(|shared| self.lock(shared, account.key)) {
                    Some(Ok(lock)) => locks.push(lock),
                    Some(Err(NotLocked::Taken(words))) => return Err(words),
                    // An engine must be able to trade where its user has no home that can be written.
                    Some(Err(NotLocked::Failed(words))) => tracing::warn!(
                        "{words}: an engine with another data folder is not kept off this account"
                    ),
                    None => tracing::warn!(
                        "this user has no home folder: an engine with another data folder is not kept off account {}",
                        account.key.account
                    ),
                }
                self.held.insert(account.key, locks);
            }
        }
        Ok(())
    }

    fn lock(&self, folder: &Path, key: AccountKey) -> Result<LockedFile, NotLocked> {
        let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let name = format!(
            "{}-{}",
            plain(&key.broker.to_string()),
            plain(&key.account.to_string())
        );
        let path = folder.join(name);
        let failed =
            |error: std::io::Error| NotLocked::Failed(format!("{} can't be locked: {error}", path.display()));
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(failed)?;
        let mut file = LockedFile::open(&path).map_err(failed)?;
        if !file.try_lock() {
            return Err(NotLocked::Taken(format!(
                "account {} of {} is traded by another engine already ({}): stop that one first, or sign in to another account",
                key.account,
                key.broker,
                file.signature()
            )));
        }
        file.sign(&self.name).map_err(failed)?;
        Ok(file)
    }
}

/// Why a file is not locked, in words.
enum NotLocked {
    /// Another engine has it.
    Taken(String),
    /// It can't be made or locked at all.
    Failed(String),
}
impl NotLocked {
    fn words(self) -> String {
        match self {
            Self::Taken(words) | Self::Failed(words) => words,
        }
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
        let shared = folder.path().join("state");
        let elsewhere = |data: &str, profile| {
            let data = folder.path().join(data).join("accounts");
            AccountLocks::new(data, Some(shared.clone()), profile, profile == "looks")
        };
        let locks = |profile| elsewhere("data", profile);
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
        // Another data folder is no way around it.
        let said = elsewhere("other", "day")
            .take(std::slice::from_ref(&one))
            .unwrap_err();
        assert!(
            said.contains("profile day, process") && said.contains("data in"),
            "{said}"
        );
        second.take(&[two, own]).unwrap();
        locks("looks").take(std::slice::from_ref(&one)).unwrap();
        drop(first);
        second.take(std::slice::from_ref(&one)).unwrap();
        drop(second);
        // Where this user's place can't be used, the one beside the profiles is.
        std::fs::remove_dir_all(&shared).unwrap();
        std::fs::write(&shared, "").unwrap();
        let mut third = locks("third");
        third.take(std::slice::from_ref(&one)).unwrap();
        assert!(locks("fourth").take(&[one]).is_err());
    }
}
