//! The contract of the outbox: the webhooks that a store has still to send.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_protocol::UnixTime;

use crate::machine::ids::EndpointId;
use crate::store::error::StoreError;
use crate::store::logged::LoggedEvent;

/// The outbox of a store: a delivery for each event `verification.*` and each endpoint.
///
/// It has the ids of the endpoints, and no address and no secret. The rules, each checked by `testing::conformance::outbox`:
///
/// | rule | why |
/// | --- | --- |
/// | a delivery is written in the transaction of its event | an event that is committed is delivered, also after a crash |
/// | a claimed delivery is free again when its lease ends | a process that crashed while sending did not deliver |
/// | only the last claim ends a delivery | a slow process must not undo the end by another one |
/// | a retry counts as an attempt, a claim alone does not | processes that crash while sending use up no attempts |
/// | a purge deletes the deliveries of its verifications | nothing refers to what was erased |
#[async_trait]
pub trait Outbox: Debug + Send + Sync {
    /// Adds an endpoint: it gets the events that are committed from now on. An endpoint that is there already keeps its deliveries.
    async fn subscribe(&self, endpoint: &EndpointId) -> Result<(), StoreError>;

    /// Removes an endpoint, then its deliveries, in batches. If it fails halfway, call it again before the next
    /// [`subscribe`](Self::subscribe).
    async fn unsubscribe(&self, endpoint: &EndpointId) -> Result<(), StoreError>;

    /// Claims up to `limit` deliveries of an endpoint whose time has come, the longest due first. It adds one to the fence of each,
    /// and makes it due again at `now` plus `lease`. A delivery whose event cannot be read becomes dead, and is only counted.
    async fn claim_deliveries(
        &self,
        endpoint: &EndpointId,
        now: UnixTime,
        lease: Duration,
        limit: usize,
    ) -> Result<ClaimedDeliveries, StoreError>;

    /// Ends the claim of a delivery; [`DeliveryEnd::RetryAt`] adds one to its attempts. Returns `false`, and changes nothing, if it
    /// was claimed again since.
    async fn end_delivery(&self, delivery: &Delivery, end: DeliveryEnd) -> Result<bool, StoreError>;

    /// Makes up to `limit` dead deliveries of an endpoint due again, without attempts. Returns how many.
    async fn revive_deliveries(
        &self,
        endpoint: &EndpointId,
        now: UnixTime,
        limit: usize,
    ) -> Result<usize, StoreError>;
}

/// The result of a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimedDeliveries {
    /// What to send.
    pub deliveries: Vec<Delivery>,
    /// The number of deliveries that became dead, because their events cannot be read.
    pub dead: usize,
}

/// A claimed delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// The event.
    pub event: LoggedEvent,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// The number of the claim.
    pub fence: u64,
}

/// The end of a claim.
///
/// Exhaustive on purpose: a store must handle each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// The endpoint has the event: the delivery is deleted.
    Done,
    /// Another attempt follows at this time.
    RetryAt(UnixTime),
    /// No attempt is left. The delivery stays until it is revived or purged.
    Dead,
}
