//! The difference view: where ours, the broker's and what was meant do not agree, one line each. A pure function of the state,
//! so that desk, port and the rule that blocks arming all see the same. A line is told by what it is about; what stands on it
//! has a fingerprint, and who does something about it names that: what was seen is what is acted on.
//!
//! What can be done: take the broker's word (adopt), record the split that it looks like (split), leave it for a time with one's name on it (ignore), cancel, flatten.
//! Nothing here is done by itself. Cash is not among the lines: the broker's figure is the only one there is.
//! Leaves to others: finding differences (`reconcile`, `doubles`), the steps of a flatten.

mod nouns;
mod split;

pub use nouns::{Kind, Remedy, Subject};

use super::command::{Denial, DenialCode};
use super::event::Fact;
use super::state::{Mismatch, State};
use super::timing::ANSWER_WITHIN;
use crate::domain::{AccountKey, InstrumentId, Order, Pending, Phase, Quantity, SafeText, Side, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::Digest;

/// The longest time for which a line can be ignored, in minutes: a week.
pub const LONGEST_IGNORE: u32 = 7 * 24 * 60;

/// A line that somebody said to leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    /// Whose.
    pub account: AccountKey,
    /// What it is about.
    pub subject: Subject,
    /// What stood on it: where that changes it is there again.
    pub seen: u32,
    /// Who said so.
    pub by: SafeText,
    /// Until when; nothing for an order that was taken for a known one.
    pub until: Option<Timestamp>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Whose.
    pub account: AccountKey,
    /// Its name.
    pub subject: Subject,
    /// What kind.
    pub kind: Kind,
    /// Of which instrument, where it is of one.
    pub instrument: Option<InstrumentId>,
    /// What we have.
    pub ours: String,
    /// What the broker says.
    pub theirs: String,
    /// What was meant.
    pub intent: String,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// Not explained by reports that are under way.
    pub is_certain: bool,
    /// Who left it, and until when.
    pub ignored: Option<Ignored>,
    /// The words of what can be done.
    pub remedies: Vec<&'static str>,
    /// The fingerprint of what stands on it.
    pub seen: u32,
}

impl Difference {
    /// True where arming waits for it.
    pub fn blocks(&self) -> bool {
        self.kind.blocks() && self.is_certain && self.ignored.is_none()
    }
    /// The line as one sentence.
    pub fn words(&self) -> String {
        let of = self.instrument.map_or(String::new(), |id| format!(" {id}"));
        format!(
            "{}{of}: ours {}, the broker's {}, meant {}",
            self.kind.word(),
            self.ours,
            self.theirs,
            self.intent
        )
    }
}

const ADOPT: &str = "adopt";
const SPLIT: &str = "split";
const IGNORE: &str = "ignore";
const CANCEL: &str = "cancel";
const FLATTEN: &str = "flatten";

/// Every line of an account: what blocks first, then the oldest.
pub fn differences(state: &State, account: AccountKey, now: Timestamp) -> Vec<Difference> {
    let book = Book { state, account, now };
    let mut lines = book.of_the_account();
    let mine = state
        .orders
        .values()
        .filter(|order| order.spec.account == account);
    lines.extend(mine.filter_map(|order| book.of_an_order(order)));
    let known = |line: &Difference| {
        line.ignored
            .as_ref()
            .is_some_and(|ignored| ignored.until.is_none())
    };
    lines.retain(|line| !known(line));
    lines.sort_by_key(|line| (!line.blocks(), line.kind, line.since, line.subject));
    lines
}

/// The first line for which arming waits.
pub fn blocking(state: &State, account: AccountKey, now: Timestamp) -> Option<Difference> {
    differences(state, account, now)
        .into_iter()
        .find(Difference::blocks)
}

/// The split that a position's line tells of.
pub(super) fn split_of(
    state: &State,
    account: AccountKey,
    instrument: InstrumentId,
    now: Timestamp,
) -> Option<(u32, u32)> {
    let mismatch = state.accounts.get(&account)?.mismatches.get(&instrument)?;
    Book { state, account, now }.split(instrument, mismatch)
}

/// True while somebody has said to leave this difference of a position as it is.
pub(super) fn is_left(
    state: &State,
    account: AccountKey,
    instrument: InstrumentId,
    mismatch: &Mismatch,
    now: Timestamp,
) -> bool {
    let book = Book { state, account, now };
    book.position(instrument, mismatch).ignored.is_some()
}

/// What lines are made from.
#[derive(Clone, Copy)]
struct Book<'a> {
    state: &'a State,
    account: AccountKey,
    now: Timestamp,
}

/// What a line says, before it is one.
struct Said<'a> {
    subject: Subject,
    kind: Kind,
    instrument: Option<InstrumentId>,
    sides: [String; 3],
    since: Option<Timestamp>,
    is_certain: bool,
    remedies: &'a [&'static str],
}

impl Book<'_> {
    fn line(&self, said: Said<'_>) -> Difference {
        let [ours, theirs, intent] = said.sides;
        let seen = fingerprint(&[said.kind.name(), &ours, &theirs]);
        let left = self.state.ignored.iter().find(|ignored| {
            ignored.account == self.account
                && ignored.subject == said.subject
                && ignored.seen == seen
                && ignored.until.is_none_or(|until| self.now < until)
        });
        Difference {
            account: self.account,
            subject: said.subject,
            kind: said.kind,
            instrument: said.instrument,
            ours,
            theirs,
            intent,
            since: said.since,
            is_certain: said.is_certain,
            ignored: left.cloned(),
            remedies: said.remedies.to_vec(),
            seen,
        }
    }

    /// Positions, overfills and the gap.
    fn of_the_account(&self) -> Vec<Difference> {
        let Some(entry) = self.state.accounts.get(&self.account) else {
            return Vec::new();
        };
        let mut lines: Vec<Difference> = entry
            .mismatches
            .iter()
            .map(|(instrument, mismatch)| self.position(*instrument, mismatch))
            .collect();
        for instrument in &entry.overfilled {
            let held = self.state.position(self.account, *instrument).quantity;
            lines.push(self.line(Said {
                subject: Subject::Overfill(*instrument),
                kind: Kind::Overfill,
                instrument: Some(*instrument),
                sides: [
                    signed(held),
                    "executed more than ordered".to_owned(),
                    self.meant(*instrument),
                ],
                since: None,
                is_certain: true,
                remedies: &[ADOPT, IGNORE, FLATTEN],
            }));
        }
        if let Some((from, until)) = entry.gap {
            lines.push(self.line(Said {
                subject: Subject::Gap,
                kind: Kind::Gap,
                instrument: None,
                sides: [
                    format!("not known {from} to {until}"),
                    "none that old".to_owned(),
                    "every execution".to_owned(),
                ],
                since: Some(from),
                is_certain: true,
                remedies: &[ADOPT, IGNORE],
            }));
        }
        lines
    }

    fn position(&self, instrument: InstrumentId, mismatch: &Mismatch) -> Difference {
        let is_certain = mismatch.is_confirmed(self.now);
        let split = self.split(instrument, mismatch).filter(|_| is_certain);
        let meant = self.meant(instrument);
        self.line(Said {
            subject: Subject::Position(instrument),
            kind: Kind::Position,
            instrument: Some(instrument),
            sides: [
                signed(mismatch.ours),
                signed(mismatch.theirs),
                match split {
                    Some((new, old)) => format!("{meant}; looks like a split {new}:{old}"),
                    None => meant,
                },
            ],
            since: Some(mismatch.since),
            is_certain,
            // What the next read may explain is nobody's to accept yet.
            remedies: match (is_certain, split) {
                (true, Some(_)) => &[SPLIT, ADOPT, IGNORE, FLATTEN],
                (true, None) => &[ADOPT, IGNORE, FLATTEN],
                (false, _) => &[],
            },
        })
    }

    fn split(&self, instrument: InstrumentId, mismatch: &Mismatch) -> Option<(u32, u32)> {
        let ledger = self.state.ledgers.get(&(self.account, instrument))?;
        split::split(&ledger.position, ledger.multiplier, mismatch)
    }

    /// What live orders would still make of a position.
    fn meant(&self, instrument: InstrumentId) -> String {
        let (buys, sells) = (
            self.state.working(self.account, instrument, Side::Buy),
            self.state.working(self.account, instrument, Side::Sell),
        );
        match (buys.is_zero(), sells.is_zero()) {
            (true, true) => "nothing works".to_owned(),
            (false, true) => format!("+{buys} working"),
            (true, false) => format!("-{sells} working"),
            (false, false) => format!("+{buys} -{sells} working"),
        }
    }

    /// The line of an order, where there is something to say of it; the most serious thing.
    fn of_an_order(&self, order: &Order) -> Option<Difference> {
        let phase = order.phase.word().to_lowercase();
        let asked = order.asked.to_string();
        let made = |kind, ours: &str, theirs: String, since, remedies| {
            let intent = match order.pending {
                Some(Pending::Cancel) => format!("cancel {asked}"),
                Some(Pending::Modify { .. }) => format!("change {asked}"),
                None => asked.clone(),
            };
            Some(self.line(Said {
                subject: Subject::Order(order.id),
                kind,
                instrument: Some(order.spec.instrument),
                sides: [ours.to_owned(), theirs, intent],
                since,
                is_certain: true,
                remedies,
            }))
        };
        let live = order.phase.is_live();
        if let Some(first) = self.state.doubles.get(&order.id).filter(|_| live) {
            let remedies: &[&'static str] = if order.foreign {
                &[IGNORE]
            } else {
                &[IGNORE, CANCEL, FLATTEN]
            };
            let theirs = format!("a second order, {phase}");
            return made(
                Kind::Doubled,
                &format!("one: {first}"),
                theirs,
                Some(order.created_at),
                remedies,
            );
        }
        if order.phase == Phase::Uncertain {
            let theirs = "not told yet".to_owned();
            let since = order.sent_at;
            return made(
                Kind::InDoubt,
                "sent, no answer",
                theirs,
                since,
                &[IGNORE, CANCEL, FLATTEN],
            );
        }
        let halt = self.state.halts.get(&self.account);
        if live && halt.is_some_and(|halt| halt.told && halt.waiting.contains_key(&order.id)) {
            let since = halt.map(|halt| halt.since);
            return made(
                Kind::Unconfirmed,
                "cancel asked",
                phase,
                since,
                &[CANCEL, FLATTEN],
            );
        }
        if let Some((_, since)) = order.missing.filter(|_| live) {
            let theirs = "not in its list".to_owned();
            return made(Kind::Missing, &phase, theirs, Some(since), &[IGNORE, CANCEL]);
        }
        let pending = order.pending.and(order.pending_since);
        if let Some(since) = pending.filter(|since| live && since.after(ANSWER_WITHIN) <= self.now) {
            let what = match order.pending {
                Some(Pending::Cancel) => "cancel asked",
                _ => "change asked",
            };
            return made(
                Kind::Unanswered,
                what,
                "no answer".to_owned(),
                Some(since),
                &[IGNORE, CANCEL],
            );
        }
        if order.phase == Phase::Lost {
            let theirs = "does not know it".to_owned();
            return made(Kind::Lost, "acknowledged once", theirs, order.ended_at, &[ADOPT]);
        }
        if order.external && live {
            let remedies: &[&'static str] = if order.foreign {
                &[ADOPT, IGNORE]
            } else {
                &[ADOPT, IGNORE, CANCEL]
            };
            let theirs = format!("{phase} {}", order.spec);
            return made(Kind::Unknown, "none", theirs, Some(order.created_at), remedies);
        }
        None
    }
}

fn signed(quantity: Quantity) -> String {
    if quantity.is_positive() {
        format!("+{quantity}")
    } else {
        quantity.to_string()
    }
}

/// The first four bytes of SHA-256 over the parts: short enough for a number in any language, and what is compared is only
/// whether the same line still says the same.
fn fingerprint(parts: &[&str]) -> u32 {
    let mut hash = sha2::Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let bytes = hash.finalize();
    bytes
        .iter()
        .take(4)
        .fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}

/// The line that is meant, as it was seen, with this remedy among what can be done.
///
/// # Errors
/// It is gone (`NOTHING_TO_ACCEPT`), says something else by now (`STALE_PREVIEW`), or can't be treated so.
pub(super) fn meant(
    state: &State,
    account: AccountKey,
    subject: Subject,
    (remedy, seen): (Remedy, u32),
    now: Timestamp,
) -> Result<Difference, Denial> {
    let found = differences(state, account, now);
    let Some(line) = found.into_iter().find(|line| line.subject == subject) else {
        let text = format!("nothing differs any more about {subject} in {account}");
        return Err(Denial::new(DenialCode::NothingToAccept, text));
    };
    if line.seen != seen {
        let text = format!("it says something else by now: {}; look again", line.words());
        return Err(Denial::new(DenialCode::StalePreview, text));
    }
    if !line.remedies.contains(&remedy.word()) {
        let can = match line.remedies.as_slice() {
            [] => "nothing yet: the broker is being read again".to_owned(),
            some => some.join(", "),
        };
        let text = format!("{}: what can be done is {can}", line.words());
        return Err(Denial::new(DenialCode::NothingToAccept, text));
    }
    Ok(line)
}

/// The fact that a line is left, by whom and until when.
pub(super) fn left(line: &Difference, by: &SafeText, until: Option<Timestamp>) -> Fact {
    Fact::DifferenceIgnored {
        ignored: Ignored {
            account: line.account,
            subject: line.subject,
            seen: line.seen,
            by: by.clone(),
            until,
        },
    }
}

impl State {
    /// A line is left. What is over, and what concerns an order that has gone, makes room.
    pub(super) fn leave(&mut self, ignored: &Ignored, at: Timestamp) {
        let orders = &self.orders;
        self.ignored.retain(|old| {
            let other = (old.account, old.subject) != (ignored.account, ignored.subject);
            let known = match old.subject {
                Subject::Order(id) => orders.contains_key(&id),
                _ => true,
            };
            other && known && old.until.is_none_or(|until| at < until)
        });
        self.ignored.push(ignored.clone());
    }
}
