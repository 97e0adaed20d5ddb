//! How long the engine waits for what: every span in one place, each with its reason.

use std::time::Duration;

/// A request without any answer for this long makes its order uncertain.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Two complete reads must lie this far apart before what they don't contain is concluded to be missing.
pub const READS_APART: Duration = Duration::from_secs(5);
/// And the order must have been sent this long ago, so that a slow network has delivered it.
pub const ABSENT_AFTER: Duration = Duration::from_secs(30);
/// A pass without an answer for this long has failed.
pub const READ_WITHIN: Duration = Duration::from_secs(10);
/// The broker is read this often while nothing is in doubt.
pub const READ_EVERY: Duration = Duration::from_secs(30);
/// A flatten that is not flat after this long says so.
pub const FLAT_WITHIN: Duration = Duration::from_secs(15);
/// Ended orders stay in the state for this long.
pub const ENDED_KEPT: Duration = Duration::from_secs(24 * 3600);
/// Executions are remembered for this long, so that a repeated one is known.
pub const EXECUTIONS_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often the state is trimmed.
pub const TRIM_EVERY: Duration = Duration::from_secs(3600);
