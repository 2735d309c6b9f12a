//! The state that all calls of a client share: circuit breakers, clock offsets, the retry budget, the rate limiter, and where
//! each verification was started.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloudauth_protocol::{CertifyId, Endpoint, UnixTime};

use super::breaker::Breaker;
use crate::inputs::Now;

/// A full retry budget, in tokens. A success returns one token. In an outage the budget pays for about 35 retries; after
/// that each call is sent once.
const FULL_BUDGET: u32 = 500;
/// The tokens that a retry costs.
pub(super) const RETRY_COST: u32 = 14;
/// The tokens that a retry after throttling costs.
pub(super) const THROTTLED_COST: u32 = 5;
/// The maximum number of verifications whose endpoint is remembered.
const MOST_SESSIONS: usize = 10_000;
/// The largest clock offset that is corrected, in milliseconds.
const LARGEST_OFFSET: i64 = 24 * 60 * 60 * 1000;
/// The smallest clock offset that is corrected, in milliseconds.
const SMALLEST_OFFSET: i64 = 60 * 1000;

/// The state that the clones of a client share. `Default` is the state before the first call.
#[derive(Debug)]
pub struct SharedState(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    budget: u32,
    /// A list, because a linear search of a few endpoints is faster than hashing.
    endpoints: Vec<(Endpoint, EndpointState)>,
    origins: HashMap<CertifyId, Endpoint>,
    /// The keys of `origins`, oldest first.
    order: VecDeque<CertifyId>,
    /// The earliest time of the next call, by action.
    next_call: HashMap<Box<str>, Duration>,
}

#[derive(Debug, Default)]
struct EndpointState {
    breaker: Breaker,
    offset_millis: i64,
}

impl Default for SharedState {
    fn default() -> Self {
        Self(Mutex::new(Inner {
            budget: FULL_BUDGET,
            endpoints: Vec::new(),
            origins: HashMap::new(),
            order: VecDeque::new(),
            next_call: HashMap::new(),
        }))
    }
}

impl SharedState {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `cost` tokens from the retry budget. Returns `false`, and takes nothing, if fewer are left.
    pub(super) fn spend(&self, cost: u32) -> bool {
        let mut inner = self.lock();
        let left = inner.budget.checked_sub(cost);
        inner.budget = left.unwrap_or(inner.budget);
        left.is_some()
    }

    /// Reserves a slot of the rate limiter: at most `rate` calls of `action` per second. Returns the wait until the slot.
    /// Returns `None`, and reserves nothing, if the wait is not shorter than `left`.
    pub(super) fn pace(&self, action: &str, rate: u32, now: Duration, left: Duration) -> Option<Duration> {
        let mut inner = self.lock();
        let slot = inner.next_call.get(action).copied().unwrap_or_default().max(now);
        let wait = slot.saturating_sub(now);
        if wait >= left {
            return None;
        }
        inner.next_call.insert(action.into(), slot + Duration::from_secs(1) / rate.max(1));
        Some(wait)
    }

    /// Returns the index of the first candidate whose breaker admits a request, and the time by its clock. If none does, returns
    /// the first candidate, so that the call is sent somewhere.
    pub(super) fn choose<'a>(
        &self,
        candidates: impl Iterator<Item = (usize, &'a Endpoint)> + Clone,
        now: Now,
    ) -> (usize, UnixTime) {
        let mut inner = self.lock();
        let mut first = None;
        for (index, endpoint) in candidates {
            let state = inner.endpoint(endpoint);
            let chosen = (index, shifted(now.wall, state.offset_millis));
            if state.breaker.admits(now.steady) {
                return chosen;
            }
            first.get_or_insert(chosen);
        }
        first.unwrap_or((0, now.wall))
    }

    /// Records a success in the breaker of its endpoint, and returns one token to the retry budget.
    pub(super) fn succeeded(&self, endpoint: &Endpoint, now: Duration) {
        let mut inner = self.lock();
        inner.endpoint(endpoint).breaker.record(now, true);
        inner.budget = (inner.budget + 1).min(FULL_BUDGET);
    }

    /// Records a failed request in the breaker of its endpoint: as a failure if the endpoint is to blame.
    pub(super) fn failed(&self, endpoint: &Endpoint, now: Duration, is_to_blame: bool) {
        self.lock().endpoint(endpoint).breaker.record(now, !is_to_blame);
    }

    /// Learns the clock offset of an endpoint from its `Date` header, received at `wall`. Returns `false` if the offset is
    /// implausibly large. A small offset removes the correction.
    pub(super) fn learn_offset(&self, endpoint: &Endpoint, wall: UnixTime, date: UnixTime) -> bool {
        let millis = |time: UnixTime| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let offset = millis(date) - millis(wall);
        if offset.abs() > LARGEST_OFFSET {
            return false;
        }
        self.lock().endpoint(endpoint).offset_millis =
            if offset.abs() < SMALLEST_OFFSET { 0 } else { offset };
        true
    }

    /// Returns whether the clock of an endpoint is corrected.
    pub(super) fn has_offset(&self, endpoint: &Endpoint) -> bool {
        self.lock().endpoint(endpoint).offset_millis != 0
    }

    /// Remembers which endpoint started a verification.
    pub(crate) fn remember_origin(&self, session: &CertifyId, endpoint: &Endpoint) {
        let mut inner = self.lock();
        if inner.origins.insert(session.clone(), endpoint.clone()).is_none() {
            inner.order.push_back(session.clone());
        }
        if inner.order.len() > MOST_SESSIONS
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.origins.remove(&oldest);
        }
    }

    /// Returns the endpoint that started a verification, if this client started it and still remembers it.
    pub(super) fn origin(&self, session: &CertifyId) -> Option<Endpoint> {
        self.lock().origins.get(session).cloned()
    }
}

impl Inner {
    /// Returns the state of an endpoint, and adds it if it is new.
    fn endpoint(&mut self, endpoint: &Endpoint) -> &mut EndpointState {
        let at = self.endpoints.iter().position(|(found, _)| is_same(found, endpoint)).unwrap_or_else(|| {
            self.endpoints.push((endpoint.clone(), EndpointState::default()));
            self.endpoints.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the index was found or pushed above")]
        &mut self.endpoints[at].1
    }
}

/// Compares the spelling first: a comparison without case takes longer.
fn is_same(one: &Endpoint, other: &Endpoint) -> bool {
    (one.authority().as_str() == other.authority().as_str() && one.scheme() == other.scheme()) || one == other
}

fn shifted(time: UnixTime, millis: i64) -> UnixTime {
    UnixTime::from_millis(time.as_millis().saturating_add_signed(millis))
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    #[test]
    fn budget_pays_for_35_retries_and_refills_with_successes() {
        let shared = SharedState::default();
        let spent = |cost| (0..1000).filter(|_| shared.spend(cost)).count();
        assert_eq!((spent(RETRY_COST), spent(THROTTLED_COST)), (35, 2));
        let succeeds = || shared.succeeded(&Endpoint::global(), Duration::ZERO);
        (0..14).for_each(|_| succeeds());
        assert!(shared.spend(RETRY_COST), "the budget was empty, and 14 tokens came back");
        (0..10_000).for_each(|_| succeeds());
        assert_eq!(spent(RETRY_COST), 35, "the budget has an upper limit");
    }

    #[test]
    fn corrects_clock_offsets_between_a_minute_and_a_day() {
        let (shared, here) = (SharedState::default(), UnixTime::from_secs(1_767_323_045));
        let (one, other) = (&Endpoint::cn_shanghai(), &Endpoint::cn_beijing());
        let later = |seconds: u64| here.plus(Duration::from_secs(seconds));
        assert!(shared.learn_offset(one, here, later(3600)));
        let time_at =
            |endpoint, wall| shared.choose(iter::once((0, endpoint)), Now { wall, steady: Duration::ZERO }).1;
        assert_eq!((time_at(one, here), time_at(other, here)), (later(3600), here));
        assert!(shared.learn_offset(one, later(7200), here));
        assert_eq!(time_at(one, later(7200)), here);
        // A day and a minute belong to the range.
        assert!(shared.learn_offset(one, here, later(24 * 3600)) && shared.has_offset(one));
        assert!(!shared.learn_offset(one, here, later(24 * 3600 + 1)));
        assert!(shared.learn_offset(one, here, later(60)) && shared.has_offset(one));
        assert!(shared.learn_offset(one, here, later(5)) && !shared.has_offset(one));
        // Another spelling is the same endpoint.
        let [lower, upper] =
            ["https://a.example", "https://A.example"].map(|url| url.parse::<Endpoint>().unwrap());
        assert!(shared.learn_offset(&lower, here, later(60)) && shared.has_offset(&upper));
    }

    #[test]
    fn endpoints_of_two_schemes_have_two_clocks() {
        let (shared, here) = (SharedState::default(), UnixTime::from_secs(1_767_323_045));
        let [plain, secure] =
            ["http://127.0.0.1:8443", "https://127.0.0.1:8443"].map(|url| url.parse::<Endpoint>().unwrap());
        assert!(shared.learn_offset(&plain, here, here.plus(Duration::from_secs(60))));
        assert!(shared.has_offset(&plain) && !shared.has_offset(&secure));
    }

    #[test]
    fn forgets_the_oldest_verifications() {
        let shared = SharedState::default();
        let id = |number: usize| CertifyId::new(&format!("c{number}")).unwrap();
        (0..=MOST_SESSIONS).for_each(|number| shared.remember_origin(&id(number), &Endpoint::global()));
        assert_eq!((shared.origin(&id(0)), shared.origin(&id(1))), (None, Some(Endpoint::global())));
    }

    #[test]
    fn paces_calls_by_action_without_saving_unused_slots() {
        let (shared, millis, left) = (SharedState::default(), Duration::from_millis, Duration::from_secs(25));
        let waits: Vec<_> = (0..4).filter_map(|_| shared.pace("A", 50, millis(1000), left)).collect();
        assert_eq!(waits, [0, 20, 40, 60].map(millis));
        assert_eq!(shared.pace("B", 50, millis(1000), left), Some(Duration::ZERO));
        assert_eq!(shared.pace("A", 50, millis(5000), left), Some(Duration::ZERO));
    }

    #[test]
    fn call_that_cannot_wait_reserves_no_slot() {
        let (shared, now) = (SharedState::default(), Duration::from_secs(1));
        let left = Duration::from_millis(50);
        let admitted = (0..1000).filter(|_| shared.pace("A", 50, now, left).is_some()).count();
        assert_eq!(admitted, 3);
        assert_eq!(shared.pace("A", 50, now + left, left), Some(Duration::from_millis(10)));
    }
}
