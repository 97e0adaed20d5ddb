//! What outlives the process: the journal of events with its hash chain, its archived files, snapshots of the state,
//! recovery from all of them, the thread that writes, and stored bars. Events are stored in frozen formats that later versions keep reading. What an
//! event means is told by the engine; when a snapshot is taken, and what follows from a failed commit, by the app.

mod archive;
mod bars;
mod day;
mod error;
pub mod format;
mod head_file;
mod history;
mod journal;
mod older;
mod reader;
mod recover;
mod row;
mod schema;
mod snapshot;
mod writer;

pub use archive::{Archived, Step, archive, archive_up_to};
pub use bars::BarStore;
pub use error::{Fault, StoreError};
pub use history::Wanted;
pub use journal::{Journal, JournalSettings, Opened, Stamp};
pub use older::{ARCHIVE, Older};
pub use reader::{JournalReader, VerifyReport};
pub use recover::{Recovered, recover};
pub use snapshot::{Snapshot, SnapshotFile};
pub use writer::{Committed, Writer};
