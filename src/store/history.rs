//! Orders and executions of all days, a page at a time, read from the journal and its archived files: newest first, each with
//! what became of it later. A page costs the rows that it covers and a bounded number after them, whatever the journal's length.

use super::error::StoreError;
use super::reader::JournalReader;
use crate::domain::{AccountKey, ClientOrderId, Execution, ExecutionBase, InstrumentId, OrderSpec};
use crate::engine::history::{ExecutionsPage, Hoped, OrdersPage, Traded};
use crate::engine::{Event, Fact, State};
use crate::market::Quote;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Kinds that begin an order: submitted, denied, adopted, chained.
const BEGIN: &[u16] = &[20, 21, 38, 128];
/// Kinds among which are all that move an order or book a trade.
const MOVES: std::ops::RangeInclusive<u16> = 20..=129;
/// Kinds that book a trade or name no order, and are asked for what became of one all the same, go as far as this.
const TRADES_END: u16 = 43;
/// Kinds among which are all that name an order.
const OF_ORDERS: std::ops::RangeInclusive<u16> = 20..=129;
/// What orders that waited for another hoped for.
const CHAINED: std::ops::RangeInclusive<u16> = 128..=129;
/// Events of one order that are told at most.
const EVENTS_MAX: usize = 5_000;
/// Kinds of trades.
const TRADES: &[u16] = &[40];
/// Kinds that change what a trade was: a correction, a fee.
const LATER: std::ops::RangeInclusive<u16> = 41..=42;
/// How many rows after a page are read to see what became of it: an order that lives longer is shown as it was then.
const LOOK_AHEAD: u64 = 200_000;
/// How many rows before a page are read to find the orders of its executions.
const LOOK_BACK: u64 = 50_000;
/// How many candidates are looked at for one page: with a filter most may not fit.
const LOOKED_AT: usize = 20_000;

/// What a page is to hold.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Of one account; of all without.
    pub account: Option<AccountKey>,
    /// In one instrument; in all without.
    pub instrument: Option<InstrumentId>,
    /// Only what began before this event; the newest without.
    pub before: Option<u64>,
    /// How many at most.
    pub count: usize,
}

impl Wanted {
    fn takes(&self, account: AccountKey, instrument: InstrumentId) -> bool {
        self.account.is_none_or(|wanted| wanted == account)
            && self.instrument.is_none_or(|wanted| wanted == instrument)
    }
}

/// A page's rows: what was found, newest first, and where the next begins.
struct Found<T> {
    rows: Vec<(u64, T)>,
    next: Option<u64>,
}

impl JournalReader {
    /// A page of orders, newest first, each as it ended.
    ///
    /// # Errors
    /// The journal can't be read.
    pub fn orders_page(&self, wanted: Wanted) -> Result<OrdersPage, StoreError> {
        let found = self.collect(BEGIN, wanted, |fact| match fact {
            Fact::Submitted { id, spec, .. }
            | Fact::Denied { id, spec, .. }
            | Fact::OrderChained { id, spec, .. } => Some((*id, spec.clone())),
            Fact::Adopted { order } => Some((order.id, order.spec.clone())),
            _ => None,
        })?;
        let ids: BTreeSet<ClientOrderId> = found.rows.iter().map(|(_, (id, _))| *id).collect();
        let Some((first, _)) = found.rows.last() else {
            return Ok(OrdersPage::default());
        };
        let mut scratch = State::default();
        let mut open = ids.len();
        let until = first.saturating_add(LOOK_AHEAD);
        // Whose last word comes after its end (a fee, a correction) changes no order: the end is enough.
        let newest = found.rows.first().map_or(0, |(sequence, _)| *sequence);
        self.visit(MOVES, *first..until, &mut |event| {
            let of_none = event.fact.kind() <= TRADES_END;
            if event.fact.order().map_or(of_none, |id| ids.contains(&id)) {
                // The fold takes events without a gap only.
                scratch.sequence = event.sequence.saturating_sub(1);
                scratch.apply(&event);
            }
            if event.sequence >= newest {
                let live = |id: &&ClientOrderId| scratch.orders.get(id).is_some_and(|o| o.phase.is_live());
                open = ids.iter().filter(live).count();
            }
            if open == 0 && event.sequence > newest {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        let orders = found.rows.iter().filter_map(|(_, (id, _))| {
            let mut order = scratch.orders.remove(id)?;
            // Numbers are counted from the journal's beginning, which was not read.
            order.number = None;
            Some(order)
        });
        Ok(OrdersPage {
            orders: orders.collect(),
            next: found.next,
        })
    }

    /// A page of executions, newest first, each in its newest revision and with what it is measured by.
    ///
    /// # Errors
    /// The journal can't be read.
    pub fn executions_page(&self, wanted: Wanted) -> Result<ExecutionsPage, StoreError> {
        let found = self.collect(TRADES, wanted, |fact| match fact {
            Fact::Executed { execution } => Some(execution.clone()),
            _ => None,
        })?;
        let (Some((first, _)), Some((last, _))) = (found.rows.last(), found.rows.first()) else {
            return Ok(ExecutionsPage::default());
        };
        let orders = self.hopes(first.saturating_sub(LOOK_BACK)..last.saturating_add(1))?;
        let (from, until) = (*first, last.saturating_add(LOOK_AHEAD));
        let keys: Vec<(AccountKey, ExecutionBase)> =
            found.rows.iter().map(|(_, e)| (e.account, e.id.base)).collect();
        let mut known: BTreeMap<(AccountKey, ExecutionBase), Execution> = found
            .rows
            .into_iter()
            .map(|(_, execution)| ((execution.account, execution.id.base), execution))
            .collect();
        self.visit(LATER, from..until, &mut |event| {
            amend(&mut known, event.fact);
            ControlFlow::Continue(())
        })?;
        let executions = keys.iter().filter_map(|key| {
            let execution = known.remove(key)?;
            let hoped = execution.order.and_then(|id| orders.get(&id).copied());
            Some(Traded { execution, hoped })
        });
        Ok(ExecutionsPage {
            executions: executions.collect(),
            next: found.next,
        })
    }

    /// Everything that became of one order, oldest first: its beginning is looked for among the newest orders, and what
    /// followed in a bounded number of events after it. Empty where it is not found there.
    ///
    /// # Errors
    /// The journal can't be read.
    pub fn order_events(&self, wanted: ClientOrderId) -> Result<Vec<Event>, StoreError> {
        let (mut begun, mut looked) = (None, 0);
        self.visit_back(BEGIN, u64::MAX, &mut |event| {
            looked += 1;
            if event.fact.order() == Some(wanted) {
                begun = Some(event.sequence);
            }
            if begun.is_some() || looked > LOOKED_AT {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        let Some(begun) = begun else {
            return Ok(Vec::new());
        };
        let mut events = Vec::new();
        self.visit(OF_ORDERS, begun..begun.saturating_add(LOOK_AHEAD), &mut |event| {
            if event.fact.order() == Some(wanted) {
                events.push(event);
            }
            if events.len() < EVENTS_MAX {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        Ok(events)
    }

    /// What the orders of a stretch hoped for.
    fn hopes(&self, range: std::ops::Range<u64>) -> Result<BTreeMap<ClientOrderId, Hoped>, StoreError> {
        let (mut hopes, mut released) = (BTreeMap::new(), Vec::new());
        let mut visitor = |event: Event| {
            if let Fact::Submitted { id, spec, quote, .. } = &event.fact
                && let Some(hoped) = hoped(spec, quote.as_ref())
            {
                hopes.insert(*id, hoped);
            }
            ControlFlow::Continue(())
        };
        let mut chained = BTreeMap::new();
        let mut of_chained = |event: Event| {
            match event.fact {
                Fact::OrderChained { id, spec, .. } => drop(chained.insert(id, spec)),
                Fact::ChainReleased { id, quote } => {
                    let hoped = chained.get(&id).and_then(|spec| hoped(spec, quote.as_ref()));
                    released.extend(hoped.map(|hoped| (id, hoped)));
                }
                _ => {}
            }
            ControlFlow::Continue(())
        };
        match self.visit(CHAINED, range.clone(), &mut of_chained) {
            Err(StoreError::Elsewhere { last, .. }) => {
                self.visit(CHAINED, last.saturating_add(1)..range.end, &mut of_chained)?;
            }
            seen => seen.map(drop)?,
        }
        match self.visit(20..=20, range.clone(), &mut visitor) {
            // What an order hoped for that is in a file elsewhere is not known; its executions are shown all the same.
            Err(StoreError::Elsewhere { last, .. }) => {
                self.visit(20..=20, last.saturating_add(1)..range.end, &mut visitor)?;
            }
            seen => seen.map(drop)?,
        }
        hopes.extend(released);
        Ok(hopes)
    }

    /// What fits, newest first, and where the next page begins.
    fn collect<T>(
        &self,
        kinds: &[u16],
        wanted: Wanted,
        read: impl Fn(&Fact) -> Option<T>,
    ) -> Result<Found<T>, StoreError> {
        let mut found = Found {
            rows: Vec::new(),
            next: None,
        };
        let mut looked = 0;
        let seen = self.visit_back(kinds, wanted.before.unwrap_or(u64::MAX), &mut |event| {
            looked += 1;
            if found.rows.len() >= wanted.count || looked > LOOKED_AT {
                // There is one more: the next page begins with it.
                found.next = Some(event.sequence.saturating_add(1));
                return ControlFlow::Break(());
            }
            if fits(&event, &wanted)
                && let Some(row) = read(&event.fact)
            {
                found.rows.push((event.sequence, row));
            }
            ControlFlow::Continue(())
        });
        match seen {
            // What is here is a page; the next one says what is missing.
            Err(StoreError::Elsewhere { last, .. }) if !found.rows.is_empty() => {
                found.next = Some(last.saturating_add(1));
            }
            seen => seen?,
        }
        Ok(found)
    }
}

fn fits(event: &Event, wanted: &Wanted) -> bool {
    match &event.fact {
        Fact::Submitted { spec, .. } | Fact::Denied { spec, .. } | Fact::OrderChained { spec, .. } => {
            wanted.takes(spec.account, spec.instrument)
        }
        Fact::Adopted { order } => wanted.takes(order.spec.account, order.spec.instrument),
        Fact::Executed { execution } => wanted.takes(execution.account, execution.instrument),
        _ => false,
    }
}

fn hoped(spec: &OrderSpec, quote: Option<&Quote>) -> Option<Hoped> {
    let own = || spec.kind.limit().or(spec.kind.trigger()).map(Hoped::Limit);
    quote.and_then(Quote::mid).map(Hoped::Mid).or_else(own)
}

/// What came later of a trade.
fn amend(known: &mut BTreeMap<(AccountKey, ExecutionBase), Execution>, fact: Fact) {
    match fact {
        Fact::Corrected { execution } => {
            let key = (execution.account, execution.id.base);
            if let Some(old) = known.get_mut(&key)
                && old.id.revision < execution.id.revision
            {
                let (order, fee) = (old.order, old.fee);
                *old = execution;
                old.order = old.order.or(order);
                old.fee = old.fee.or(fee);
            }
        }
        Fact::FeeReported {
            account,
            execution,
            fee,
        } => {
            if let Some(old) = known.get_mut(&(account, execution)) {
                old.fee = Some(fee);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        AccountId, BrokerId, BrokerOrderId, Currency, ExecutionId, Fee, Money, OrderKind, Phase, Quantity,
        Role, SafeText, Side, TimeInForce, Timestamp,
    };
    use crate::engine::Actor;
    use crate::market::Quality;
    use crate::store::{Journal, JournalSettings, Stamp};

    /// Orders in the journal, besides the first.
    const ORDERS: u64 = 250;

    fn account() -> AccountKey {
        AccountKey {
            broker: BrokerId::new("sim").unwrap(),
            account: AccountId::new("SIM100001").unwrap(),
        }
    }

    fn spec(symbol: &str) -> OrderSpec {
        OrderSpec {
            account: account(),
            instrument: InstrumentId::new(symbol).unwrap(),
            side: Side::Buy,
            quantity: Quantity::ONE,
            kind: OrderKind::Market,
            tif: TimeInForce::Gtc,
            display: None,
            allow_short: false,
            role: Role::Entry,
            parent: None,
            outside_hours: false,
        }
    }

    fn id(number: u64) -> ClientOrderId {
        ClientOrderId::new(&format!("TW{number:04}")).unwrap()
    }

    /// One order that is cancelled at the very end; between, many that are filled, each with its fee told later.
    fn facts() -> Vec<Fact> {
        let price = |text: &str| text.parse().unwrap();
        let submitted = |number: u64, symbol: &str| Fact::Submitted {
            id: id(number),
            spec: spec(symbol),
            oco: None,
            quote: Some(Quote {
                instrument: InstrumentId::new(symbol).unwrap(),
                bid: Some((price("99"), Quantity::ONE)),
                ask: Some((price("101"), Quantity::ONE)),
                at: Timestamp(1),
                quality: Quality::Live,
            }),
        };
        let accepted = |number: u64| Fact::Accepted {
            id: id(number),
            broker_id: BrokerOrderId::new(&format!("B{number}")).unwrap(),
            phase: Phase::Working,
        };
        let mut facts = vec![submitted(0, "AAPL"), accepted(0)];
        for number in 1..=ORDERS {
            let symbol = if number % 5 == 0 { "MSFT" } else { "AAPL" };
            let base = ExecutionBase::new(&format!("X{number}")).unwrap();
            facts.extend([submitted(number, symbol), accepted(number)]);
            facts.push(Fact::Executed {
                execution: Execution {
                    id: ExecutionId { base, revision: 1 },
                    account: account(),
                    order: Some(id(number)),
                    broker_order: None,
                    instrument: InstrumentId::new(symbol).unwrap(),
                    side: Side::Buy,
                    quantity: Quantity::ONE,
                    price: price("101"),
                    at: Timestamp(i64::try_from(number).unwrap()),
                    fee: None,
                    maker: None,
                },
            });
            let (amount, currency) = (Money::whole(1), Currency::USD);
            facts.push(Fact::FeeReported {
                account: account(),
                execution: base,
                fee: Fee { amount, currency },
            });
        }
        facts.push(Fact::Trimmed {
            orders_before: Timestamp(i64::MAX),
            executions_before: Timestamp(i64::MAX),
        });
        facts.push(Fact::Cancelled {
            id: id(0),
            reason: SafeText::new("by hand"),
        });
        facts
    }

    #[test]
    fn pages_join_without_gap_or_double_and_show_how_each_order_ended() {
        pages_join(&[]);
    }

    #[test]
    fn pages_go_on_through_archived_files() {
        pages_join(&[300, 301, 900]);
    }

    /// With the journal's file closed behind so many events.
    fn pages_join(closed: &[usize]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let settings = JournalSettings {
            max_bytes: 64 << 20,
            reserve_bytes: 1 << 20,
        };
        let events: Vec<Event> = facts()
            .into_iter()
            .zip(1..)
            .map(|(fact, sequence)| Event {
                sequence,
                at: Timestamp(i64::try_from(sequence).unwrap()),
                batch: sequence,
                actor: Actor::Engine,
                cause: None,
                fact,
            })
            .collect();
        let mut stored = 0;
        for until in closed.iter().copied().chain([events.len()]) {
            let (mut journal, _) = Journal::open(&path, settings, Timestamp(1)).unwrap();
            journal.append(&events[stored..until], Stamp::default()).unwrap();
            drop(journal);
            stored = until;
            if stored < events.len() {
                crate::store::archive(&path, settings, Timestamp(1)).unwrap();
            }
        }
        let reader = JournalReader::open(&path).unwrap();
        let wanted = |before, instrument| Wanted {
            account: Some(account()),
            instrument,
            before,
            count: 100,
        };
        let (mut all, mut before, mut sizes) = (Vec::new(), None, Vec::new());
        loop {
            let page = reader.orders_page(wanted(before, None)).unwrap();
            sizes.push(page.orders.len());
            all.extend(page.orders);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(sizes, [100, 100, 51]);
        let ids: Vec<ClientOrderId> = all.iter().map(|order| order.id).collect();
        assert_eq!(ids, (0..=ORDERS).rev().map(id).collect::<Vec<_>>());
        let last = all.last().unwrap();
        assert_eq!(last.phase, Phase::Cancelled, "its end is a thousand events later");
        assert!(all[..250].iter().all(|order| order.phase == Phase::Filled));
        assert_eq!(all[0].arrival, Some("100".parse().unwrap()));

        let msft = InstrumentId::new("MSFT").ok();
        let page = reader.executions_page(wanted(None, msft)).unwrap();
        assert_eq!((page.executions.len(), page.next), (50, None));
        for traded in &page.executions {
            assert_eq!(traded.execution.fee.unwrap().amount, Money::whole(1));
            assert_eq!(traded.slippage(), Some("1".parse().unwrap()));
        }
        let other = AccountKey {
            account: AccountId::new("SIM100002").unwrap(),
            ..account()
        };
        let none = reader.orders_page(Wanted {
            account: Some(other),
            ..wanted(None, None)
        });
        assert!(none.unwrap().orders.is_empty());
    }
}
