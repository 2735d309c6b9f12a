//! The contract of a store.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_protocol::{CertifyId, OuterOrderNo, SceneId, UnixTime};

use crate::machine::commit::{Commit, Stored, Usage};
use crate::machine::event::Event;
use crate::machine::ids::{CapabilityHash, IdentityRef, OrderRef, SubjectRef, VerificationId};
use crate::machine::state::Redaction;
use crate::machine::time::day;
use crate::store::error::StoreError;
use crate::store::outbox::Outbox;
use crate::store::pages::Pages;

pub use crate::store::logged::{Cursor, LoggedEvent, events_before_damage};

/// How to find a verification.
///
/// Exhaustive on purpose: a store must find a verification by each of these, with a unique index.
#[derive(Clone, Copy, Debug)]
pub enum Lookup<'a> {
    /// By its id.
    Id(&'a VerificationId),
    /// By your order.
    Order(&'a OrderRef),
    /// By the number of an attempt.
    OrderNo(&'a OuterOrderNo),
    /// By the service's id of an attempt.
    CertifyId(&'a CertifyId),
    /// By the capability of an attempt.
    Capability(&'a CapabilityHash),
}

/// Whose usage a start needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageOf {
    /// The person.
    pub subject: SubjectRef,
    /// The scene.
    pub scene: SceneId,
    /// The identity.
    pub identity: IdentityRef,
    /// The time: it determines the day.
    pub at: UnixTime,
}

impl UsageOf {
    /// Returns the day in UTC+8, counted from 1970-01-01, as in [`Take::day`](crate::Take::day).
    #[must_use]
    pub const fn day(&self) -> u32 {
        day(self.at)
    }
}

/// The kind of work for which a worker claims verifications. Each kind has its own queue, so that an erasure of many verifications
/// delays no result.
///
/// Exhaustive on purpose: a store must have both queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Results, and the ends of leases, links and reviews.
    Results,
    /// Deletions at the service: the verifications whose redaction is [`Requested`](crate::Redaction::Requested).
    Deletions,
}

impl Queue {
    /// Returns the queue of a verification with this redaction.
    #[must_use]
    pub const fn of(redaction: Redaction) -> Self {
        match redaction {
            Redaction::Requested => Self::Deletions,
            Redaction::None | Redaction::Done | Redaction::Failed => Self::Results,
        }
    }
}

/// How much later than `now` plus `lease` a lease may end.
pub const LONGEST_SKEW: Duration = Duration::from_secs(600);

/// How long a claim passes over a verification whose document it could not read.
pub const READ_AGAIN_AFTER: Duration = Duration::from_secs(3_600);

/// A durable store of verifications.
///
/// A store keeps the [`Verification`](crate::Verification) as it is, for instance as JSON in one column, together with the
/// columns that it searches by. The rules, each checked by `testing::conformance`:
///
/// | rule | why |
/// | --- | --- |
/// | a commit is durable as a whole, or nothing of it happened | a decision without its event is lost for the rest of the company |
/// | a commit needs the version that it expects; every commit and every claim adds one | of two workers one writes |
/// | the count of starts and the block of an identity are checked in the commit's transaction | two orders of one person start concurrently |
/// | a refund subtracts one start of its day, and never below zero | a start that was not executed costs the person nothing |
/// | an order, an order number, a CertifyId and a capability belong to one verification, until its purge | a callback must find its attempt |
/// | an error says [`Unavailable`](crate::StoreErrorKind::Unavailable) only if nothing happened | a caller repeats the commit |
/// | a body of an event is kept byte by byte | it is hashed |
/// | a cursor never skips an event, even if a later event commits first | a reader would miss it for ever |
/// | the events of a verification have their order in the sequence | readers apply them in order |
///
/// A store that keeps start pages has more rules: see [`Pages`].
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Finds a verification.
    async fn load(&self, by: Lookup<'_>) -> Result<Option<Stored>, StoreError>;

    /// Returns the starts of a person on the day, and the block of an identity. A block that is over may be left out.
    async fn usage(&self, of: &UsageOf) -> Result<Usage, StoreError>;

    /// Makes a commit durable:
    ///
    /// 1. Check that the stored version is [`Commit::expected`], or that no verification has this id or order.
    /// 2. Check and count [`Commit::take`], subtract [`Commit::refund`], and keep [`Commit::block`].
    /// 3. If the store keeps [`Pages`], check that the page of [`Commit::needs_page`] waits, else
    ///    [`PageEnded`](crate::StoreErrorKind::PageEnded). Of several refusals, the first in this order is returned.
    /// 4. Write [`Commit::verification`] with the next version (1 for a new one), and append [`Commit::events`].
    /// 5. End the lease if [`Commit::releases`].
    /// 6. End [`Commit::page`], and the pages of the order of a final verification, if the store keeps [`Pages`].
    async fn commit(&self, commit: &Commit) -> Result<(), StoreError>;

    /// Claims up to `limit` verifications of a queue whose [`due_at`](crate::Verification::due_at) has come and that no worker has
    /// claimed, the longest due first. It adds one to the version and the fence of each, and sets its lease to `now` plus `lease`.
    /// A lease that ends more than [`LONGEST_SKEW`] after that comes from a clock that was wrong, and counts as over.
    ///
    /// A verification is in the queue of its redaction, see [`Queue::of`]. A store needs an index on `due_at` for each queue.
    ///
    /// A verification whose document cannot be read takes no place of another: the claim passes over it, and so do later ones
    /// for [`READ_AGAIN_AFTER`]. [`unreadable`](Self::unreadable) names it until a claim can read it.
    async fn claim(
        &self,
        queue: Queue,
        now: UnixTime,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Stored>, StoreError>;

    /// Returns up to `limit` verifications that claims pass over, because their documents cannot be read. An operator must mend
    /// them, or update the program.
    ///
    /// The default returns none, for a store that keeps no documents.
    async fn unreadable(&self, limit: usize) -> Result<Vec<VerificationId>, StoreError> {
        let _ = limit;
        Ok(Vec::new())
    }

    /// Returns up to `limit` events after a place, in order. An event may come again after a crash of the reader; none is
    /// skipped. An event that cannot be read ends the list; if it is the first, it is an error of the kind
    /// [`Corrupt`](crate::StoreErrorKind::Corrupt). To pass over it, add one to the cursor until the error ends.
    async fn events_after(&self, cursor: Cursor, limit: usize) -> Result<Vec<LoggedEvent>, StoreError>;

    /// Returns all events of a verification, in order. Empty if there is no such verification.
    async fn history(&self, id: &VerificationId) -> Result<Vec<Event>, StoreError>;

    /// Deletes up to `limit` verifications whose [`purge_at`](crate::Verification::purge_at) has come, with their events; and
    /// the counts and blocks that are over. Returns the number of verifications. One whose redaction is still
    /// [`Requested`](crate::Redaction::Requested) stays.
    async fn purge(&self, now: UnixTime, limit: usize) -> Result<usize, StoreError>;

    /// Reserves up to `want` calls of an operation in the current second, and returns how many it grants. All instances that
    /// share the store share the `limit` of the second, which is the account's. A store with a clock of its own uses that
    /// instead of `now`. Reservations of earlier seconds need not be kept.
    ///
    /// The default grants every call: the instances then share no rate.
    async fn reserve_calls(
        &self,
        operation: &str,
        now: UnixTime,
        want: u32,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let _ = (operation, now);
        Ok(want.min(limit))
    }

    /// Returns the time of the store's own clock, which all instances share; `None` if it has none. A flow whose clock differs by
    /// more than its tolerance neither starts, reviews nor sweeps.
    ///
    /// The default has no clock.
    async fn now(&self) -> Result<Option<UnixTime>, StoreError> {
        Ok(None)
    }

    /// Returns the outbox: the webhooks that are still to be sent. The default is a store without one.
    fn outbox(&self) -> Option<&dyn Outbox> {
        None
    }

    /// Returns the start pages. The default is a store without them.
    fn pages(&self) -> Option<&dyn Pages> {
        None
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    async fn load(&self, by: Lookup<'_>) -> Result<Option<Stored>, StoreError> {
        (**self).load(by).await
    }

    async fn usage(&self, of: &UsageOf) -> Result<Usage, StoreError> {
        (**self).usage(of).await
    }

    async fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        (**self).commit(commit).await
    }

    async fn claim(
        &self,
        queue: Queue,
        now: UnixTime,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        (**self).claim(queue, now, lease, limit).await
    }

    async fn unreadable(&self, limit: usize) -> Result<Vec<VerificationId>, StoreError> {
        (**self).unreadable(limit).await
    }

    async fn events_after(&self, cursor: Cursor, limit: usize) -> Result<Vec<LoggedEvent>, StoreError> {
        (**self).events_after(cursor, limit).await
    }

    async fn history(&self, id: &VerificationId) -> Result<Vec<Event>, StoreError> {
        (**self).history(id).await
    }

    async fn purge(&self, now: UnixTime, limit: usize) -> Result<usize, StoreError> {
        (**self).purge(now, limit).await
    }

    async fn reserve_calls(
        &self,
        operation: &str,
        now: UnixTime,
        want: u32,
        limit: u32,
    ) -> Result<u32, StoreError> {
        (**self).reserve_calls(operation, now, want, limit).await
    }

    async fn now(&self) -> Result<Option<UnixTime>, StoreError> {
        (**self).now().await
    }

    fn outbox(&self) -> Option<&dyn Outbox> {
        (**self).outbox()
    }

    fn pages(&self) -> Option<&dyn Pages> {
        (**self).pages()
    }
}
