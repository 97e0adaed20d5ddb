//! What somebody does about a line of the difference view. What a line is, is `engine/difference.rs`.

use super::basket::fold_ahead;
use super::commands::Desk;
use super::{Decision, sessions};
use crate::domain::{AccountKey, InstrumentId, SafeText};
use crate::engine::changes::{self, ChangeCause, PositionChange};
use crate::engine::command::{Denial, DenialCode, SessionKind};
use crate::engine::difference::{self, Difference, LONGEST_IGNORE, Remedy, Subject};
use crate::engine::programs;
use std::time::Duration;

impl Desk<'_> {
    pub(super) fn resolve(
        &self,
        account: AccountKey,
        subject: Subject,
        how: (Remedy, u32),
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        let line = difference::meant(self.state, account, subject, how, self.now)?;
        match (how.0, subject) {
            (Remedy::Cancel, Subject::Order(id)) => self.cancel(id),
            (Remedy::Adopt, subject) => self.adopt(&line, subject),
            (Remedy::Split, Subject::Position(instrument)) => self.split(&line, instrument),
            (Remedy::Ignore { minutes }, _) => self.ignore(&line, minutes),
            (Remedy::Flatten { exit }, subject) => {
                let Some(instrument) = line.instrument else {
                    return Err(not_so(&line));
                };
                // What is closed is what the broker holds: it is taken for ours first.
                let mut facts = match subject {
                    Subject::Position(_) | Subject::Overfill(_) => self.adopt(&line, subject)?.facts,
                    _ => Vec::new(),
                };
                let mut state = self.state.clone();
                fold_ahead(&mut state, &facts, crate::engine::event::Actor::Engine, self.now);
                let taken = Desk {
                    state: &state,
                    ..*self
                };
                let mut flatten = taken.flatten(exit, account, instrument)?;
                facts.append(&mut flatten.facts);
                Ok(Decision { facts, ..flatten })
            }
            (Remedy::Cancel | Remedy::Split, _) => Err(not_so(&line)),
        }
    }

    fn adopt(&self, line: &Difference, subject: Subject) -> Result<Decision, Denial> {
        programs::by_a_person(self.origin)?;
        match subject {
            Subject::Position(instrument) | Subject::Overfill(instrument) => {
                self.accept_difference(line.account, instrument)
            }
            Subject::Gap => self.accept_gap(line.account),
            Subject::Order(_) => Ok(Decision::noted(
                vec![difference::left(line, &self.who(), None)],
                "it is known from now on",
            )),
        }
    }

    /// The split is recorded as one that a person had typed: what was paid stays to the last digit.
    fn split(&self, line: &Difference, instrument: InstrumentId) -> Result<Decision, Denial> {
        programs::by_a_person(self.origin)?;
        let found = difference::split_of(self.state, line.account, instrument, self.now);
        let (new, old) = found.ok_or_else(|| not_so(line))?;
        let change = PositionChange::Scale { new, old };
        let note = SafeText::new(&format!(
            "split {instrument} {new}:{old}, as the broker's {} and its average price say",
            line.theirs
        ));
        let facts = changes::decide(
            self.state,
            line.account,
            instrument,
            (ChangeCause::Split, change, &note),
        )?;
        Ok(Decision::noted(facts, note.as_str()))
    }

    /// What is left does not keep anybody from arming; what it is about stays as careful as it was.
    fn ignore(&self, line: &Difference, minutes: u32) -> Result<Decision, Denial> {
        programs::by_a_person(self.origin)?;
        if !(1..=LONGEST_IGNORE).contains(&minutes) {
            let text = format!("a difference is ignored for 1 to {LONGEST_IGNORE} minutes, not {minutes}");
            return Err(Denial::new(DenialCode::BadOrder, text));
        }
        let until = self
            .now
            .after(Duration::from_secs(60 * u64::from(minutes)))
            .to_the_second();
        let note = format!("left as it is until {until}");
        let facts = vec![difference::left(line, &self.who(), Some(until))];
        Ok(Decision::noted(facts, &note))
    }

    /// Whoever asks, as the journal knows them.
    fn who(&self) -> SafeText {
        let kind = match self.origin.kind {
            SessionKind::Terminal => "a terminal",
            SessionKind::Shell => "a shell",
            SessionKind::Monitor => "a monitor",
            SessionKind::Program => "a program",
        };
        SafeText::new(&format!("{kind}, session {}", self.origin.session.0))
    }
}

fn not_so(line: &Difference) -> Denial {
    let text = format!("that can't be done about it: {}", line.words());
    Denial::new(DenialCode::NothingToAccept, text)
}
