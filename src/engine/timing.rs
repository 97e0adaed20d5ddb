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
/// Arming for a real account ends after this long without a connection to its broker.
pub const ARMED_WITHOUT_LINK: Duration = Duration::from_secs(60);
/// A flatten that is not flat after this long says so, whatever step it is at.
pub const FLAT_WITHIN: Duration = Duration::from_secs(60);
/// Cancels of a flatten are answered within this, or it ends with the orders named.
pub const CLEAR_WITHIN: Duration = Duration::from_secs(15);
/// The exit of a flatten fills within this: it is a market order.
pub const EXIT_WITHIN: Duration = Duration::from_secs(15);
/// A flatten hears what the broker holds within this: one read without an answer, and another.
pub const PROVE_WITHIN: Duration = Duration::from_secs(25);
/// A stop whose change is under way for longer than this does not hold up the exit of a flatten any more.
pub const SETTLES_WITHIN: Duration = Duration::from_secs(3);
/// Stops that give way to an exit of a part are smaller within this, or it does not leave.
pub const GIVES_WAY_WITHIN: Duration = Duration::from_secs(5);
/// While a flatten waits for it, the broker is read again this soon after a read that failed.
pub const FLATTEN_READS_APART: Duration = Duration::from_secs(1);
/// A cancel of a halt is asked for again after this, and after twice as long each further time,
pub const CANCEL_AGAIN: Duration = Duration::from_secs(1);
/// but never later than this.
pub const CANCEL_AGAIN_AT_MOST: Duration = Duration::from_secs(30);
/// Cancels of a halt that are not confirmed within this are named.
pub const CONFIRM_WITHIN: Duration = Duration::from_secs(15);
/// A position that no stop at the broker covers for this long is told of.
pub const NAKED_AFTER: Duration = Duration::from_secs(5);
/// Ended orders stay in the state for this long.
pub const ENDED_KEPT: Duration = Duration::from_secs(24 * 3600);
/// Executions are remembered for this long, so that a repeated one is known.
pub const EXECUTIONS_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often the state is trimmed.
pub const TRIM_EVERY: Duration = Duration::from_secs(3600);
