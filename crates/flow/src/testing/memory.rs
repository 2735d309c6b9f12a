//! A store in memory: the reference of the contract. It is not durable.

mod pages;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_protocol::{SceneId, UnixTime};

use crate::machine::commit::{Commit, Stored, Usage};
use crate::machine::event::Event;
use crate::machine::ids::{CapabilityHash, EndpointId, IdentityRef, OrderRef, SubjectRef, VerificationId};
use crate::machine::state::{Redaction, Verification};
use crate::machine::time::day;
use crate::store::contract::{Cursor, LONGEST_SKEW, LoggedEvent, Lookup, Queue, Store, UsageOf};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::outbox::{ClaimedDeliveries, Delivery, DeliveryEnd, Outbox};
use crate::store::pages::{NewPage, Page, Pages};

/// A store in memory, for tests and examples.
///
/// ```
/// use cloudauth_flow::testing::{MemoryStore, conformance};
///
/// let failures = pollster::block_on(conformance::run(async || MemoryStore::default()));
/// assert!(failures.is_empty(), "{failures:#?}");
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    rows: BTreeMap<VerificationId, Stored>,
    /// What each unique identifier belongs to.
    index: BTreeMap<Key, VerificationId>,
    events: BTreeMap<Cursor, LoggedEvent>,
    last: Cursor,
    starts: BTreeMap<(u32, SubjectRef, SceneId), u32>,
    blocks: BTreeMap<IdentityRef, UnixTime>,
    /// The rows whose documents cannot be read, and whether a claim knows.
    damaged: BTreeMap<VerificationId, bool>,
    /// The second of the last reservation of each operation, and the calls reserved in it.
    calls: BTreeMap<String, (u64, u32)>,
    /// The deliveries of each endpoint that are not done.
    deliveries: BTreeMap<EndpointId, BTreeMap<Cursor, Waiting>>,
    pages: pages::PageTable,
}

/// A delivery that is not done.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// `None` if it is dead.
    due_at: Option<UnixTime>,
    attempts: u32,
    fence: u64,
}

/// A unique identifier: its column, and its text.
type Key = (&'static str, String);

impl MemoryStore {
    /// Makes a document unreadable, for tests of what depends on a store. See [`mend`](Self::mend).
    pub fn damage(&self, id: &VerificationId) {
        self.tables().damaged.insert(*id, false);
    }

    /// Makes a document readable again.
    pub fn mend(&self, id: &VerificationId) {
        self.tables().damaged.remove(id);
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keys(verification: &Verification) -> Vec<Key> {
    let mut keys = vec![("order", verification.order.as_str().to_owned())];
    for attempt in &verification.attempts {
        keys.push(("order_no", attempt.order_no.to_string()));
        keys.extend(attempt.certify_id.as_ref().map(|id| ("certify_id", id.to_string())));
        keys.extend(attempt.capability.as_ref().map(|capability| ("capability", String::from(*capability))));
    }
    keys
}

impl Tables {
    fn usage(&self, starts: &(u32, SubjectRef, SceneId), identity: &IdentityRef) -> Usage {
        Usage {
            starts_today: self.starts.get(starts).copied().unwrap_or_default(),
            blocked_until: self.blocks.get(identity).copied(),
        }
    }

    /// Checks everything before the first change.
    fn check(&self, commit: &Commit) -> Result<(), StoreErrorKind> {
        let verification = commit.verification();
        let version = self.rows.get(&verification.id).map(|row| row.version);
        if version != commit.expected() {
            return Err(StoreErrorKind::Conflict);
        }
        for key in keys(verification) {
            if self.index.get(&key).is_some_and(|owner| *owner != verification.id) {
                let is_race = key.0 == "order";
                return Err(if is_race { StoreErrorKind::Conflict } else { StoreErrorKind::Duplicate });
            }
        }
        if let Some(take) = commit.take() {
            let usage = self.usage(&(take.day, take.subject, take.scene), &take.identity);
            let blocked = usage.blocked_until.is_some_and(|until| until > take.at);
            if blocked || usage.starts_today >= take.limit {
                return Err(StoreErrorKind::Limit);
            }
        }
        if let Some(page) = commit.needs_page()
            && !self.pages.waits(page, verification.head.at)
        {
            return Err(StoreErrorKind::PageEnded);
        }
        Ok(())
    }

    fn read(&self, id: &VerificationId) -> Result<Option<Stored>, StoreError> {
        if self.damaged.contains_key(id) {
            return Err(StoreErrorKind::Corrupt.into());
        }
        Ok(self.rows.get(id).cloned())
    }

    fn remove(&mut self, id: &VerificationId) {
        self.rows.remove(id);
        self.index.retain(|_, owner| owner != id);
        self.events.retain(|_, event| event.verification != *id);
        let events = &self.events;
        self.deliveries
            .values_mut()
            .for_each(|waiting| waiting.retain(|cursor, _| events.contains_key(cursor)));
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, by: Lookup<'_>) -> Result<Option<Stored>, StoreError> {
        let tables = self.tables();
        let key = match by {
            Lookup::Id(id) => return tables.read(id),
            Lookup::Order(order) => ("order", order.as_str().to_owned()),
            Lookup::OrderNo(order_no) => ("order_no", order_no.to_string()),
            Lookup::CertifyId(certify_id) => ("certify_id", certify_id.to_string()),
            Lookup::Capability(capability) => ("capability", String::from(*capability)),
        };
        tables.index.get(&key).map_or(Ok(None), |id| tables.read(id))
    }

    async fn usage(&self, of: &UsageOf) -> Result<Usage, StoreError> {
        Ok(self.tables().usage(&(of.day(), of.subject, of.scene), &of.identity))
    }

    async fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let mut tables = self.tables();
        tables.check(commit)?;
        let verification = commit.verification();
        let id = verification.id;
        if let Some(take) = commit.take() {
            *tables.starts.entry((take.day, take.subject, take.scene)).or_default() += 1;
        }
        if let Some(refund) = commit.refund()
            && let Some(count) = tables.starts.get_mut(&(refund.day, refund.subject, refund.scene))
        {
            *count = count.saturating_sub(1);
        }
        if let Some(block) = commit.block() {
            let until = tables.blocks.entry(block.identity).or_insert(block.until);
            *until = block.until.max(*until);
        }
        let before = tables.rows.get(&id);
        let row = Stored {
            version: commit.expected().unwrap_or_default() + 1,
            fence: before.map_or(0, |row| row.fence),
            lease_until: before.and_then(|row| row.lease_until).filter(|_| !commit.releases()),
            verification: verification.clone(),
        };
        tables.rows.insert(id, row);
        tables.index.retain(|_, owner| *owner != id);
        tables.index.extend(keys(verification).into_iter().map(|key| (key, id)));
        tables.pages.end(commit);
        for event in commit.events() {
            let cursor = Cursor(tables.last.0 + 1);
            tables.last = cursor;
            if event.kind.starts_with("verification.") {
                let waiting = Waiting { due_at: Some(event.at), attempts: 0, fence: 0 };
                for endpoint in tables.deliveries.values_mut() {
                    endpoint.insert(cursor, waiting);
                }
            }
            let order = verification.order.clone();
            let logged = LoggedEvent { cursor, verification: id, order, event: event.clone() };
            tables.events.insert(cursor, logged);
        }
        Ok(())
    }

    async fn claim(
        &self,
        queue: Queue,
        now: UnixTime,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        let mut tables = self.tables();
        let is_due = |row: &Stored| {
            Queue::of(row.verification.redaction) == queue
                && row.verification.due_at.is_some_and(|at| at <= now)
                && row.lease_until.is_none_or(|end| end <= now || end > now.plus(lease).plus(LONGEST_SKEW))
        };
        let Tables { rows, damaged, .. } = &mut *tables;
        let mut due: Vec<_> = rows.values_mut().filter(|row| is_due(row)).collect();
        due.retain(|row| match damaged.get_mut(&row.verification.id) {
            Some(known) => {
                *known = true;
                false
            }
            None => true,
        });
        due.sort_by_key(|row| row.verification.due_at);
        let claimed = due.into_iter().take(limit).map(|row| {
            row.version += 1;
            row.fence += 1;
            row.lease_until = Some(now.plus(lease));
            row.clone()
        });
        Ok(claimed.collect())
    }

    async fn unreadable(&self, limit: usize) -> Result<Vec<VerificationId>, StoreError> {
        let tables = self.tables();
        let known = tables.damaged.iter().filter(|(_, known)| **known);
        Ok(known.map(|(id, _)| *id).take(limit).collect())
    }

    async fn events_after(&self, cursor: Cursor, limit: usize) -> Result<Vec<LoggedEvent>, StoreError> {
        let after = Cursor(cursor.0.saturating_add(1));
        Ok(self.tables().events.range(after..).take(limit).map(|(_, event)| event.clone()).collect())
    }

    async fn history(&self, id: &VerificationId) -> Result<Vec<Event>, StoreError> {
        let tables = self.tables();
        let own = tables.events.values().filter(|event| event.verification == *id);
        Ok(own.map(|event| event.event.clone()).collect())
    }

    async fn purge(&self, now: UnixTime, limit: usize) -> Result<usize, StoreError> {
        let mut tables = self.tables();
        let is_over = |row: &&Stored| {
            row.verification.purge_at.is_some_and(|at| at <= now)
                && row.verification.redaction != Redaction::Requested
        };
        let over: Vec<_> =
            tables.rows.values().filter(is_over).take(limit).map(|row| row.verification.id).collect();
        for id in &over {
            tables.remove(id);
        }
        tables.starts.retain(|(of, ..), _| *of >= day(now));
        tables.blocks.retain(|_, until| *until > now);
        Ok(over.len())
    }

    async fn reserve_calls(
        &self,
        operation: &str,
        now: UnixTime,
        want: u32,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let mut tables = self.tables();
        let (second, reserved) = tables.calls.entry(operation.to_owned()).or_default();
        // A clock that is a little behind shares the second of the one that is ahead. A second far ahead came from a clock
        // that was wrong.
        let now = now.as_secs();
        if now > *second || *second - now > 60 {
            (*second, *reserved) = (now, 0);
        }
        let granted = want.min(limit.saturating_sub(*reserved));
        *reserved += granted;
        Ok(granted)
    }

    fn outbox(&self) -> Option<&dyn Outbox> {
        Some(self)
    }

    fn pages(&self) -> Option<&dyn Pages> {
        Some(self)
    }
}

#[async_trait]
impl Pages for MemoryStore {
    async fn open_page(&self, page: &NewPage, now: UnixTime) -> Result<bool, StoreError> {
        Ok(self.tables().pages.open(page, now))
    }

    async fn find_page(
        &self,
        capability: &CapabilityHash,
        now: UnixTime,
    ) -> Result<Option<Page>, StoreError> {
        Ok(self.tables().pages.find(capability, now))
    }

    async fn end_pages(&self, order: &OrderRef, now: UnixTime) -> Result<(), StoreError> {
        self.tables().pages.end_all(order, now);
        Ok(())
    }

    async fn erase_pages(&self, now: UnixTime, limit: usize) -> Result<usize, StoreError> {
        Ok(self.tables().pages.erase(now, limit))
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn subscribe(&self, endpoint: &EndpointId) -> Result<(), StoreError> {
        self.tables().deliveries.entry(endpoint.clone()).or_default();
        Ok(())
    }

    async fn unsubscribe(&self, endpoint: &EndpointId) -> Result<(), StoreError> {
        self.tables().deliveries.remove(endpoint);
        Ok(())
    }

    async fn claim_deliveries(
        &self,
        endpoint: &EndpointId,
        now: UnixTime,
        lease: Duration,
        limit: usize,
    ) -> Result<ClaimedDeliveries, StoreError> {
        let mut tables = self.tables();
        let Tables { events, deliveries, .. } = &mut *tables;
        let Some(waiting) = deliveries.get_mut(endpoint) else { return Ok(ClaimedDeliveries::default()) };
        let mut due: Vec<_> =
            waiting.iter_mut().filter(|(_, row)| row.due_at.is_some_and(|at| at <= now)).collect();
        due.sort_by_key(|(cursor, row)| (row.due_at, **cursor));
        let claimed = due.into_iter().take(limit).filter_map(|(cursor, row)| {
            row.due_at = Some(now.plus(lease));
            row.fence += 1;
            let event = events.get(cursor)?.clone();
            let attempt = row.attempts + 1;
            Some(Delivery { endpoint: endpoint.clone(), event, attempt, fence: row.fence })
        });
        Ok(ClaimedDeliveries { deliveries: claimed.collect(), dead: 0 })
    }

    async fn end_delivery(&self, delivery: &Delivery, end: DeliveryEnd) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let Some(waiting) = tables.deliveries.get_mut(&delivery.endpoint) else { return Ok(false) };
        let cursor = delivery.event.cursor;
        let Some(row) = waiting.get_mut(&cursor).filter(|row| row.fence == delivery.fence) else {
            return Ok(false);
        };
        match end {
            DeliveryEnd::Done => {
                waiting.remove(&cursor);
            }
            DeliveryEnd::RetryAt(at) => (row.due_at, row.attempts) = (Some(at), row.attempts + 1),
            DeliveryEnd::Dead => row.due_at = None,
        }
        Ok(true)
    }

    async fn revive_deliveries(
        &self,
        endpoint: &EndpointId,
        now: UnixTime,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let mut tables = self.tables();
        let Some(waiting) = tables.deliveries.get_mut(endpoint) else { return Ok(0) };
        let dead = waiting.values_mut().filter(|row| row.due_at.is_none()).take(limit);
        Ok(dead.map(|row| (row.due_at, row.attempts) = (Some(now), 0)).count())
    }
}
