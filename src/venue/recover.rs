//! Starting the venue: what is listed, who is a member, and what the books hold put back where it stood, before anybody
//! trades.

use super::books::{Books, Changes, OrderRecord, Saved};
use super::customers::{in_book, kind_in_book};
use super::floor::{Pit, terms};
use super::message::{Report, VenueEvent};
use super::participants::Crowd;
use super::tape::TapeClock;
use super::universe::{self, Listing};
use super::{ENDED_KEPT, EXECUTIONS_KEPT, Population, Venue, VenueError, VenueSettings};
use crate::domain::{AccountId, InstrumentId, Phase, SafeText, Timestamp};
use crate::exchange::{
    Exchange, MemberKind, MemberNo, OrderNo, OrderRequest, OrderState, Outbox, PositionState,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The exchange's own accounts.
const HOUSE: [&str; 3] = ["HOUSE-FEES", "HOUSE-MAKER", "HOUSE-TAKER"];

impl Venue {
    /// Opens the venue at `now` (on a tape: at the tape's start) with what `books` hold. Accounts that they do not have
    /// yet are opened as the settings say. Nothing is traded or told before the first [`Venue::advance`].
    pub fn open(
        settings: VenueSettings,
        mut books: Box<dyn Books>,
        now: Timestamp,
    ) -> Result<Self, VenueError> {
        let populated = matches!(settings.population, Population::Crowd);
        let (tape, tape_clock, mut listings) = match settings.population {
            Population::Tape(tape, speed) => {
                let listings = tape.listings().to_vec();
                let clock = TapeClock::new(tape.start(), speed);
                (Some(tape), Some(clock), listings)
            }
            Population::Crowd | Population::Nobody => {
                (None, None, universe::listings(now, settings.real_hours))
            }
        };
        let now = tape.as_ref().map_or(now, |tape| tape.start());
        // Executions on a tape may be older or younger than its clock: a tape can be played again.
        let saved = books.load(now.before(ENDED_KEPT), now.before(EXECUTIONS_KEPT))?;
        relist(&saved, &mut listings, now, settings.real_hours, tape.is_some())?;
        let house = |name| AccountId::new(name).map_err(|error| VenueError::Restore(error.to_string()));
        let mut exchange = Exchange::new(house(HOUSE[0])?);
        let maker = exchange.join(house(HOUSE[1])?, MemberKind::House);
        let taker = exchange.join(house(HOUSE[2])?, MemberKind::House);
        let mut venue = Self {
            broker: settings.broker,
            latency: settings.latency,
            exchange,
            maker,
            taker,
            instruments: listings
                .iter()
                .map(|listing| listing.instrument.clone())
                .collect(),
            pits: Vec::with_capacity(listings.len()),
            by_listing: BTreeMap::new(),
            by_instrument: BTreeMap::new(),
            members: BTreeMap::new(),
            accounts: BTreeMap::new(),
            orders: BTreeMap::new(),
            ids: BTreeMap::new(),
            executions: BTreeMap::new(),
            last_execution: saved.last_execution,
            last_rank: saved.last_rank,
            tape,
            tape_clock,
            tape_next: None,
            delayed: VecDeque::new(),
            books,
            changes: Changes::default(),
            pending: Vec::new(),
            outbox: Outbox::default(),
            acts: Vec::new(),
            now,
            tidy_at: now.after(std::time::Duration::from_secs(3600)),
        };
        venue.tape_next = venue.tape.as_mut().and_then(|tape| tape.next_at());
        for listing in listings {
            venue.list(listing, settings.seed, populated, now)?;
        }
        venue
            .exchange
            .resume_numbers(saved.last_order.saturating_add(1), 1);
        venue.restore(saved, now)?;
        venue.open_accounts(&settings.accounts)?;
        let mut silence = Vec::new();
        let held_back = std::mem::take(&mut venue.pending);
        venue.flush(&mut silence)?;
        venue.pending = held_back;
        Ok(venue)
    }

    fn list(
        &mut self,
        listing: Listing,
        seed: u64,
        populated: bool,
        now: Timestamp,
    ) -> Result<(), VenueError> {
        let number = self.exchange.list(terms(&listing))?;
        let reference = listing
            .instrument
            .ticks
            .toward_less_risk(listing.reference, crate::domain::Side::Buy);
        let expired = listing.instrument.expires.is_some_and(|at| at <= now);
        let crowd = (populated && !expired).then(|| Crowd::new(&listing, seed, now));
        let reference = match &crowd {
            Some(crowd) => {
                let fair = crowd.fair().at(now);
                listing
                    .instrument
                    .ticks
                    .toward_less_risk(fair, crate::domain::Side::Buy)
            }
            None => reference,
        };
        self.exchange
            .restore_price(number, reference, false)
            .map_err(|why| VenueError::Restore(format!("{}: {why}", listing.instrument.id)))?;
        let at = self.pits.len();
        self.by_listing.insert(number, at);
        self.by_instrument.insert(listing.instrument.id, at);
        let mut pit = Pit::new(listing, number, crowd, seed);
        pit.expired = expired;
        self.pits.push(pit);
        Ok(())
    }

    fn join(&mut self, account: AccountId, base: crate::domain::Currency) -> MemberNo {
        let member = self.exchange.join(account, MemberKind::Customer);
        self.members.insert(account, member);
        self.accounts.insert(member, (account, base));
        member
    }

    /// Opens the accounts that the books do not have.
    fn open_accounts(&mut self, accounts: &[super::AccountSetup]) -> Result<(), VenueError> {
        for setup in accounts {
            if self.members.contains_key(&setup.account) {
                continue;
            }
            if HOUSE.contains(&setup.account.as_str()) {
                let why = format!(
                    "{} is the exchange's own account; give the account another name",
                    setup.account
                );
                return Err(VenueError::Restore(why));
            }
            let member = self.join(setup.account, setup.base);
            for (currency, amount) in &setup.cash {
                self.exchange
                    .deposit(member, *currency, *amount)
                    .map_err(|why| VenueError::Restore(format!("{}: {why}", setup.account)))?;
            }
            self.note_cash(member);
        }
        Ok(())
    }

    /// Puts accounts, positions, orders and executions back.
    fn restore(&mut self, saved: Saved, now: Timestamp) -> Result<(), VenueError> {
        for record in &saved.accounts {
            let member = self.join(record.account, record.base);
            let positions = saved
                .positions
                .iter()
                .filter(|position| position.account == record.account);
            let positions: Vec<PositionState> = positions
                .filter_map(|position| {
                    let pit = self.by_instrument.get(&position.instrument)?;
                    Some(PositionState {
                        listing: self.pits.get(*pit)?.number,
                        quantity: position.quantity,
                        cost: position.cost,
                        realized: position.realized,
                    })
                })
                .collect();
            let cash: Vec<_> = record
                .cash
                .iter()
                .map(|(currency, amount)| (*currency, *amount))
                .collect();
            self.exchange
                .restore_account(member, &cash, &positions)
                .map_err(|why| VenueError::Restore(format!("account {}: {why}", record.account)))?;
        }
        self.executions = saved.executions.into_iter().collect();
        let (mut live, ended): (Vec<OrderRecord>, Vec<OrderRecord>) =
            saved.orders.into_iter().partition(OrderRecord::is_live);
        for record in ended {
            self.ids
                .insert((record.spec.account.account, record.id), record.number);
            self.orders.insert(record.number, record);
        }
        live.sort_by_key(|record| (record.rank, record.number));
        for record in live {
            self.put_back(record, now);
        }
        Ok(())
    }

    /// Puts one live order back in its queue. One that the exchange does not take back ends, and the customer is told.
    fn put_back(&mut self, mut record: OrderRecord, now: Timestamp) {
        let refused = match self.state_of(&record) {
            Some(state) => self
                .exchange
                .restore_order(&state)
                .err()
                .map(|why| why.to_string()),
            None => Some(format!(
                "{} or the account is not here any more",
                record.spec.instrument
            )),
        };
        let Some(why) = refused else {
            self.ids
                .insert((record.spec.account.account, record.id), record.number);
            self.orders.insert(record.number, record);
            return;
        };
        let reason = SafeText::from(format!(
            "the exchange was restarted and could not put the order back: {why}"
        ));
        record.phase = Phase::Cancelled;
        record.reason = Some(reason.clone());
        record.ended_at = Some(now);
        let (account, id) = (record.spec.account, record.id);
        self.keep(record);
        self.pending
            .push(VenueEvent::Report(account, Report::Cancelled { id, reason }));
    }

    fn state_of(&self, record: &OrderRecord) -> Option<OrderState> {
        let pit = self.pits.get(*self.by_instrument.get(&record.spec.instrument)?)?;
        Some(OrderState {
            order: OrderNo(record.number),
            member: *self.members.get(&record.spec.account.account)?,
            listing: pit.number,
            request: OrderRequest {
                side: record.spec.side,
                kind: kind_in_book(record),
                tif: in_book(record.spec.tif, record.day_end),
                quantity: record.spec.quantity,
                display: record.spec.display,
            },
            filled: record.filled,
            filled_value: record.filled_value,
            fees: record.fees,
            visible: record
                .visible
                .unwrap_or(record.spec.quantity.saturating_sub(record.filled)),
        })
    }
}

/// Adds what the books hold and is listed no longer: expired contracts. On a tape, and for anything else, that is an error:
/// positions must not vanish.
fn relist(
    saved: &Saved,
    listings: &mut Vec<Listing>,
    now: Timestamp,
    real_hours: bool,
    tape: bool,
) -> Result<(), VenueError> {
    let listed: BTreeSet<InstrumentId> = listings.iter().map(|listing| listing.instrument.id).collect();
    let held = saved
        .positions
        .iter()
        .filter(|position| !position.quantity.is_zero());
    let held = held.map(|position| position.instrument);
    let working = saved.orders.iter().filter(|order| order.is_live());
    let working = working.map(|order| order.spec.instrument);
    let missing: BTreeSet<InstrumentId> = held.chain(working).filter(|id| !listed.contains(id)).collect();
    for id in missing {
        let again = if tape {
            None
        } else {
            universe::delisted(id, now, real_hours)
        };
        listings.push(again.ok_or(VenueError::NotListed(id))?);
    }
    Ok(())
}
