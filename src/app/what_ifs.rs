//! Commands that wait for the broker's word of what a large order would bind: which wait, for which answers, in what order they go on,
//! and what takes them back meanwhile. None has been decided while it waits here, so all controls are asked when it goes on; each asker
//! is answered once. What has to be asked about is the engine's to say (`Engine::to_ask`).

use crate::domain::{AccountKey, ClientOrderId, InstrumentId, Timestamp, TradingState};
use crate::engine::{Command, Denial, DenialCode, Fact, Origin, Outcome, SessionKind};
use crate::market::AskedFor;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::oneshot;

/// A broker that has not answered by then is not waited for: shorter than anybody waits for the engine's answer.
pub(super) const WAITS: Duration = Duration::from_secs(4);
/// So many may wait at once. One more is decided at once, and refused.
const MOST: usize = 32;

/// A command that waits.
#[derive(Debug)]
pub(super) struct Held {
    /// Who sent it.
    pub(super) origin: Origin,
    /// What was sent.
    pub(super) command: Command,
    /// Where its answer goes.
    pub(super) answer: oneshot::Sender<Outcome>,
    /// What is asked about it and unanswered; nothing where it only stands behind another of the same id.
    waits: Vec<AskedFor>,
    /// When it goes on all the same.
    until: Timestamp,
    /// It was asked about, and is decided next, whatever was answered.
    pub(super) was_asked: bool,
}

/// All that wait, the first come first.
#[derive(Debug, Default)]
pub(super) struct WhatIfs {
    held: VecDeque<Held>,
    /// What the broker is being asked.
    under_way: Vec<AskedFor>,
}

impl WhatIfs {
    /// Whether another may wait.
    pub(super) fn has_room(&self) -> bool {
        self.held.len() < MOST
    }

    /// Whether nothing waits.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether something waits that makes, or means, an order of the same id: it goes first.
    pub(super) fn is_behind(&self, command: &Command) -> bool {
        self.held.iter().any(|held| share(&held.command, command))
    }

    /// True where this has to be asked now: nobody has asked it already.
    pub(super) fn asks(&mut self, order: AskedFor) -> bool {
        let is_new = !self.under_way.contains(&order);
        if is_new {
            self.under_way.push(order);
        }
        is_new
    }

    /// Lets a command wait for these answers, or behind others where there are none.
    pub(super) fn hold(
        &mut self,
        (origin, command): (Origin, Command),
        waits: Vec<AskedFor>,
        answer: oneshot::Sender<Outcome>,
        now: Timestamp,
    ) {
        self.held.push_back(Held {
            origin,
            command,
            answer,
            was_asked: !waits.is_empty(),
            waits,
            until: now.after(WAITS),
        });
    }

    /// The broker has answered, or can't.
    pub(super) fn answered(&mut self, order: &AskedFor) {
        self.under_way.retain(|asked| asked != order);
        for held in &mut self.held {
            held.waits.retain(|asked| asked != order);
        }
    }

    /// The next that goes on: answered, or not waited for any longer, and with none of the same id before it.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Held> {
        let goes = |at: usize, held: &Held| {
            let mut before = self.held.iter().take(at);
            let first = !before.any(|before| share(&before.command, &held.command));
            first && (held.waits.is_empty() || now >= held.until)
        };
        let at = self.held.iter().enumerate().find(|(at, held)| goes(*at, held))?.0;
        self.held.remove(at)
    }

    /// What a command takes back of what waits.
    pub(super) fn taken_back(&mut self, by: Origin, command: &Command) -> Vec<Held> {
        if self.held.is_empty() {
            return Vec::new();
        }
        let of = |held: &Held, account: AccountKey, instrument: Option<InstrumentId>| {
            held.command.places().any(|order| {
                let spec = order.spec;
                spec.account == account && instrument.is_none_or(|instrument| spec.instrument == instrument)
            })
        };
        match command {
            Command::Cancel { id } => self.take(|held| ids_of(&held.command).any(|held| held == *id)),
            Command::CancelAll {
                account, instrument, ..
            } => self.take(|held| of(held, *account, *instrument)),
            Command::Flatten {
                account, instrument, ..
            }
            | Command::Close {
                account, instrument, ..
            } => self.take(|held| of(held, *account, Some(*instrument))),
            Command::FlattenAccount { account, .. } => self.take(|held| of(held, *account, None)),
            Command::SetTrading { account, state, .. } if *state != TradingState::Active => {
                self.take(|held| of(held, *account, None))
            }
            Command::Halt { account, .. } => {
                self.take(|held| account.is_none_or(|account| of(held, account, None)))
            }
            Command::Disarm { account } => {
                self.take(|held| held.origin.session == by.session && of(held, *account, None))
            }
            Command::DisarmPrograms { account, .. } => {
                self.take(|held| held.origin.kind == SessionKind::Program && of(held, *account, None))
            }
            _ => Vec::new(),
        }
    }

    /// All that waits: nothing goes on any more.
    pub(super) fn take_all(&mut self) -> Vec<Held> {
        self.take(|_| true)
    }

    fn take(&mut self, mut goes: impl FnMut(&Held) -> bool) -> Vec<Held> {
        let (taken, kept): (Vec<Held>, Vec<Held>) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|held| goes(held));
        self.held = kept.into();
        taken
    }
}

/// What is recorded of a command that was taken back, and its answer: orders that never were are denied, as by any control.
pub(super) fn withdrawn(command: &Command, why: &str) -> (Vec<Fact>, Outcome) {
    let text = format!("{why} while the broker was asked what it would bind; nothing was sent");
    let denial = Denial::new(DenialCode::WhatIf, text);
    let facts: Vec<Fact> = command
        .places()
        .map(|order| Fact::Denied {
            id: order.id,
            spec: order.spec.clone(),
            denial: denial.clone(),
        })
        .collect();
    let outcome = match facts.is_empty() {
        true => Outcome::Refused(denial),
        false => Outcome::Denied(denial),
    };
    (facts, outcome)
}

/// The orders that a command makes or means. A cancel waits behind nothing.
fn ids_of(command: &Command) -> impl Iterator<Item = ClientOrderId> {
    let meant = match command {
        Command::Modify { id, .. } | Command::ConfirmParked { id } => Some(*id),
        _ => None,
    };
    meant.into_iter().chain(command.places().map(|order| order.id))
}

fn share(one: &Command, other: &Command) -> bool {
    ids_of(one).any(|id| ids_of(other).any(|same| same == id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        AccountId, BrokerId, OrderKind, OrderSpec, Price, Quantity, Role, SafeText, SessionId, Side,
        TimeInForce,
    };
    use crate::engine::Legs;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000_000);

    fn key() -> AccountKey {
        AccountKey {
            broker: BrokerId::new("ibkr").unwrap(),
            account: AccountId::new("DU1").unwrap(),
        }
    }
    fn id(text: &str) -> ClientOrderId {
        ClientOrderId::new(text).unwrap()
    }
    fn submit(name: &str, quantity: i64) -> (Command, AskedFor) {
        let spec = OrderSpec {
            account: key(),
            instrument: InstrumentId::new("AAPL").unwrap(),
            side: Side::Buy,
            quantity: Quantity::whole(quantity).unwrap(),
            kind: OrderKind::Limit {
                price: Price::from_raw(1),
            },
            tif: TimeInForce::Day,
            display: None,
            allow_short: false,
            role: Role::Entry,
            parent: None,
            outside_hours: false,
        };
        let asked = AskedFor::from(&spec);
        let command = Command::Submit {
            id: id(name),
            spec,
            legs: Legs::default(),
            seen: None,
        };
        (command, asked)
    }
    const BY: Origin = Origin {
        session: SessionId(1),
        kind: SessionKind::Shell,
    };

    fn hold(what_ifs: &mut WhatIfs, name: &str, quantity: i64) -> oneshot::Receiver<Outcome> {
        let (command, asked) = submit(name, quantity);
        let (answer, answered) = oneshot::channel();
        what_ifs.hold((BY, command), vec![asked], answer, NOW);
        answered
    }
    fn names(held: &[Held]) -> Vec<String> {
        held.iter()
            .flat_map(|held| ids_of(&held.command))
            .map(|id| id.to_string())
            .collect()
    }

    #[test]
    fn what_is_answered_goes_on_in_its_turn_and_what_is_not_after_a_few_seconds() {
        let mut what_ifs = WhatIfs::default();
        let _all = [("A", 1), ("B", 2), ("C", 1)].map(|(name, count)| hold(&mut what_ifs, name, count));
        let asked = submit("A", 1).1;
        assert!(
            what_ifs.asks(asked) && !what_ifs.asks(asked),
            "once while it is under way"
        );
        assert!(what_ifs.next(NOW).is_none());
        what_ifs.answered(&asked);
        assert!(what_ifs.asks(asked));
        let mut next = |at: Timestamp| what_ifs.next(at).map(|held| names(&[held]).concat());
        assert_eq!(
            (next(NOW).as_deref(), next(NOW).as_deref()),
            (Some("A"), Some("C"))
        );
        assert_eq!(next(NOW), None);
        assert_eq!(next(NOW.after(WAITS)).as_deref(), Some("B"));
    }

    #[test]
    fn the_first_of_an_id_goes_first_and_what_means_it_waits_behind_it() {
        let mut what_ifs = WhatIfs::default();
        let _first = hold(&mut what_ifs, "A", 1);
        let again = submit("A", 2).0;
        assert!(what_ifs.is_behind(&again));
        assert!(what_ifs.is_behind(&Command::Modify {
            id: id("A"),
            change: Default::default()
        }));
        assert!(
            !what_ifs.is_behind(&submit("B", 1).0) && !what_ifs.is_behind(&Command::Cancel { id: id("A") })
        );
        let (answer, _answered) = oneshot::channel();
        what_ifs.hold((BY, again), Vec::new(), answer, NOW);
        assert!(
            what_ifs.next(NOW).is_none(),
            "the one behind has nothing to wait for but the first"
        );
        what_ifs.answered(&submit("A", 1).1);
        assert!(what_ifs.next(NOW).unwrap().was_asked && !what_ifs.next(NOW).unwrap().was_asked);
        assert!(what_ifs.is_empty());
    }

    #[test]
    fn what_ends_trading_or_orders_takes_back_what_waits() {
        let (account, instrument) = (key(), InstrumentId::new("AAPL").unwrap());
        let other = InstrumentId::new("MSFT").unwrap();
        let halt = |account| Command::Halt {
            account,
            reason: SafeText::default(),
            stops_too: false,
        };
        let all = |instrument| Command::CancelAll {
            account,
            instrument,
            stops_too: false,
        };
        let set = |state| Command::SetTrading {
            account,
            state,
            reason: SafeText::default(),
        };
        let takes = [
            (Command::Cancel { id: id("A") }, true),
            (Command::Cancel { id: id("B") }, false),
            (halt(None), true),
            (halt(Some(account)), true),
            (all(None), true),
            (all(Some(instrument)), true),
            (all(Some(other)), false),
            (
                Command::FlattenAccount {
                    account,
                    exits: Vec::new(),
                },
                true,
            ),
            (set(TradingState::Reducing), true),
            (set(TradingState::Active), false),
            (Command::Disarm { account }, true),
            (Command::DisarmPrograms { account, key: None }, false),
            (submit("C", 1).0, false),
        ];
        for (command, wanted) in takes {
            let mut what_ifs = WhatIfs::default();
            let _waits = hold(&mut what_ifs, "A", 1);
            let taken = what_ifs.taken_back(BY, &command);
            assert_eq!(
                (taken.len() == 1, what_ifs.is_empty()),
                (wanted, wanted),
                "{command:?}"
            );
            for held in taken {
                let (facts, outcome) = withdrawn(&held.command, "taken back");
                assert!(matches!(facts.as_slice(), [Fact::Denied { id: denied, .. }] if *denied == id("A")));
                assert!(matches!(outcome, Outcome::Denied(_)));
            }
        }
    }

    #[test]
    fn no_more_wait_than_there_is_room_for() {
        let mut what_ifs = WhatIfs::default();
        let mut waiting = Vec::new();
        while what_ifs.has_room() {
            waiting.push(hold(&mut what_ifs, "A", 1));
        }
        assert_eq!(waiting.len(), MOST);
        assert_eq!(what_ifs.take_all().len(), MOST);
    }
}
