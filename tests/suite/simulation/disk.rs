//! The engine's disk. What a commit has synced is there for good; what it has not is lost in part when the process dies: of
//! the batches under way a beginning survives, each whole or not at all (a transaction of a write-ahead log whose end is
//! torn is not taken back). It may be full or fail for a while. Beside the list that the other checks rest on, a part of
//! the worlds writes the same batches into a real journal, and recovers from that.

use super::check::{Checker, Wrong};
use super::faults::Fault;
use super::plan::Plan;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use tradewind::domain::Timestamp;
use tradewind::engine::{Event, State};
use tradewind::store::{Journal, JournalSettings, SnapshotFile, Stamp, recover};

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    Well,
    /// It is durable, but only because the reserve was opened for it.
    OnReserve,
    /// It is not.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Full(Timestamp),
    Fails(Timestamp),
}

/// Batches that the reserve has room for.
const RESERVE: u32 = 120;

#[derive(Debug)]
pub struct Disk {
    /// What is durable.
    pub journal: Vec<Event>,
    trouble: Option<Trouble>,
    /// The reserve is in use until the process ends.
    pub on_reserve: bool,
    reserve_left: u32,
    snapshot: Option<(u64, Vec<u8>)>,
    snapshot_every: u64,
    real: Option<Real>,
}

impl Disk {
    pub fn new(plan: &Plan) -> Self {
        Self {
            journal: Vec::new(),
            trouble: None,
            on_reserve: false,
            reserve_left: RESERVE,
            snapshot: None,
            snapshot_every: 200 + plan.seed % 7 * 150,
            real: plan.faults.has(Fault::RealJournal).then(Real::new),
        }
    }

    pub fn fill(&mut self, until: Timestamp) {
        self.trouble = Some(Trouble::Full(until));
    }

    pub fn fail(&mut self, until: Timestamp) {
        self.trouble = Some(Trouble::Fails(until));
    }

    pub fn mend(&mut self) {
        self.trouble = None;
    }

    /// When it is well again.
    pub fn well_at(&self, now: Timestamp) -> Timestamp {
        match self.trouble {
            Some(Trouble::Full(until) | Trouble::Fails(until)) => until.max(now),
            None => now,
        }
    }

    /// Makes a batch durable, if it can.
    pub fn store(&mut self, events: &[Event], now: Timestamp) -> Stored {
        let trouble = self.trouble.filter(
            |trouble| matches!(trouble, Trouble::Full(until) | Trouble::Fails(until) if *until > now),
        );
        self.trouble = trouble;
        match trouble {
            Some(Trouble::Fails(_)) => return Stored::Lost,
            Some(Trouble::Full(_)) if self.reserve_left == 0 => return Stored::Lost,
            Some(Trouble::Full(_)) => {
                self.reserve_left -= 1;
                self.on_reserve = true;
            }
            None => {}
        }
        self.keep(events);
        if self.on_reserve {
            Stored::OnReserve
        } else {
            Stored::Well
        }
    }

    /// What made it to the disk before the process died.
    pub fn keep(&mut self, events: &[Event]) {
        self.journal.extend(events.iter().cloned());
        if let Some(real) = &mut self.real {
            real.append(events);
        }
    }

    /// Now and then the state is kept: only what is durable is in it.
    pub fn keep_snapshot(&mut self, state: &State) {
        let last = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.0);
        if state.sequence >= last + self.snapshot_every {
            let mut bytes = Vec::new();
            let mut encoder = rmp_serde::Serializer::new(&mut bytes)
                .with_struct_map()
                .with_human_readable();
            state.serialize(&mut encoder).unwrap();
            self.snapshot = Some((state.sequence, bytes));
            if let Some(real) = &self.real {
                real.keep_snapshot(state);
            }
        }
    }

    /// A new process reads what there is: the snapshot, and the events after it.
    pub fn recover(&mut self) -> Result<State, String> {
        self.on_reserve = false;
        if self.trouble.is_none() {
            // A disk that is still full has no room to keep one.
            self.reserve_left = RESERVE;
        }
        let mut state = match &self.snapshot {
            Some((_, bytes)) => {
                let mut decoder = rmp_serde::Deserializer::new(bytes.as_slice()).with_human_readable();
                // By the trait: the derived function of the same name leaves the index of what lives empty.
                <State as Deserialize>::deserialize(&mut decoder).map_err(|error| error.to_string())?
            }
            None => State::default(),
        };
        let from = usize::try_from(state.sequence).unwrap();
        for event in &self.journal[from..] {
            state.apply(event);
        }
        if let Some(real) = &mut self.real {
            let recovered = real.recover()?;
            if recovered != state {
                return Err("the state recovered from the file differs".into());
            }
        }
        Ok(state)
    }

    pub fn is_real(&self) -> bool {
        self.real.is_some()
    }

    /// The chain of the real journal holds, counted anew from its rows by the words of the protocol.
    pub fn check_chain(&self) -> Result<(), Wrong> {
        let wrong = |words: String| Wrong {
            checker: Checker::I10,
            words,
        };
        self.real
            .as_ref()
            .map_or(Ok(()), |real| real.check().map_err(wrong))
    }
}

/// A real journal in a folder of its own, in memory where the machine has a place for that.
#[derive(Debug)]
struct Real {
    folder: tempfile::TempDir,
    journal: Option<Journal>,
}

const SETTINGS: JournalSettings = JournalSettings {
    max_bytes: 64 << 20,
    reserve_bytes: 4_096,
};

impl Real {
    fn new() -> Self {
        let memory = PathBuf::from("/dev/shm");
        let folder = tempfile::tempdir_in(&memory)
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let mut real = Self {
            folder,
            journal: None,
        };
        real.open().unwrap();
        real
    }
    fn path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }
    fn open(&mut self) -> Result<(), String> {
        let opened = Journal::open(&self.path(), SETTINGS, Timestamp::default());
        self.journal = Some(opened.map_err(|error| error.to_string())?.0);
        Ok(())
    }
    fn append(&mut self, events: &[Event]) {
        let journal = self.journal.as_mut().unwrap();
        journal.append(events, Stamp::default()).unwrap();
    }
    fn keep_snapshot(&self, state: &State) {
        let journal = self.journal.as_ref().unwrap();
        let file = SnapshotFile::beside(&self.path());
        file.write(journal.reader(), state).unwrap();
    }
    fn recover(&mut self) -> Result<State, String> {
        self.journal = None;
        self.open()?;
        let journal = self.journal.as_ref().unwrap();
        recover(journal)
            .map(|recovered| recovered.state)
            .map_err(|error| error.to_string())
    }

    /// SHA-256 of the hash before and the record: whole numbers as eight bytes, kind and version as two, texts and contents
    /// after their length, a missing cause as -1.
    fn check(&self) -> Result<(), String> {
        let file = rusqlite::Connection::open(self.path()).unwrap();
        let meta = |key: &str| -> String {
            let sql = "SELECT value FROM meta WHERE key = ?1";
            file.query_row(sql, [key], |row| row.get(0)).unwrap()
        };
        let genesis = format!("tradewind journal {} {}", meta("prefix"), Timestamp::default().0);
        let mut before: Vec<u8> = Sha256::digest(genesis).to_vec();
        let sql = "SELECT sequence, at_ns, mono_ns, wall_ns, batch, coalesce(cause, -1), kind, version, actor, body, hash \
                   FROM journal ORDER BY sequence";
        let mut statement = file.prepare(sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        let mut expected = 0;
        while let Some(row) = rows.next().unwrap() {
            expected += 1;
            let mut hasher = Sha256::new();
            hasher.update(&before);
            for column in 0..6usize {
                hasher.update(row.get::<_, i64>(column).unwrap().to_be_bytes());
            }
            for column in 6..8usize {
                hasher.update(row.get::<_, u16>(column).unwrap().to_be_bytes());
            }
            let (actor, body): (String, Vec<u8>) = (row.get(8).unwrap(), row.get(9).unwrap());
            for part in [actor.as_bytes(), &body] {
                hasher.update((part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
            let hash = hasher.finalize().to_vec();
            let stored: Vec<u8> = row.get(10).unwrap();
            if hash != stored || row.get::<_, i64>(0).unwrap() != expected {
                return Err(format!("the chain does not hold at record {expected}"));
            }
            before = hash;
        }
        Ok(())
    }
}
