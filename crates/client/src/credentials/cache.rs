//! The cache of a client's credentials: fetched once for all calls, and renewed shortly before they expire.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_lock::Mutex as FetchLock;
use async_trait::async_trait;
use cloudauth_protocol::{Body, Credentials, UnixTime};
use cloudauth_transport::{BlockingTransport, Limits, Transport, TransportError};
use http::{Request, Response};

use super::error::ProvideError;
use super::provide_problem::ProvideProblem;
use super::provider::{CredentialStep, ExpiringCredentials, ProvideCredentials};
use crate::inputs::Entropy;
use crate::timeout::send_in_time;

/// How long before their expiry credentials are renewed. Short-lived credentials are renewed halfway through
/// their lifetime.
const RENEW_AHEAD: Duration = Duration::from_secs(15 * 60);
/// The pause after a failed renewal, while the cached credentials are valid.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// How long a call waits for a renewal while the cached credentials are valid.
const LONGEST_RENEWAL: Duration = Duration::from_secs(5);

/// The cached credentials of a client and its clones.
#[derive(Debug)]
pub(crate) struct CredentialCache {
    provider: Arc<dyn ProvideCredentials>,
    state: Mutex<State>,
    /// Held by the call that fetches. The other calls wait for it and then share its outcome.
    fetching: FetchLock<()>,
}

#[derive(Debug, Default)]
struct State {
    cached: Option<Cached>,
    /// The number of completed fetches.
    fetches: u64,
    /// The error of the last fetch, if it failed.
    failure: Option<ProvideError>,
}

#[derive(Debug)]
struct Cached {
    credentials: Credentials,
    expires_at: Option<UnixTime>,
    renew_at: Option<UnixTime>,
}

impl Cached {
    fn has_expired(&self, now: UnixTime) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// The state of the cached credentials at one moment.
enum Lookup {
    Fresh(Credentials),
    /// Valid, but due for renewal.
    Stale(Credentials),
    Missing,
}

/// The wall clock.
pub(crate) type Clock<'a> = &'a (dyn Fn() -> UnixTime + Sync);

impl CredentialCache {
    pub(crate) fn new(provider: Arc<dyn ProvideCredentials>) -> Self {
        Self { provider, state: Mutex::default(), fetching: FetchLock::new(()) }
    }

    /// Returns the cached credentials if they are valid and need no renewal.
    pub(crate) fn fresh(&self, now: UnixTime) -> Option<Credentials> {
        match self.lookup(now) {
            Lookup::Fresh(credentials) => Some(credentials),
            Lookup::Stale(_) | Lookup::Missing => None,
        }
    }

    /// Returns the cached credentials while they are valid. Otherwise fetches new ones within `limit`.
    pub(crate) async fn get(
        &self,
        now: UnixTime,
        limit: Duration,
        clock: Clock<'_>,
        transport: &dyn Transport,
    ) -> Result<Credentials, ProvideError> {
        match self.lookup(now) {
            Lookup::Fresh(credentials) => return Ok(credentials),
            Lookup::Stale(credentials) => {
                // One call renews them. The others use the old ones.
                let Some(_turn) = self.fetching.try_lock() else { return Ok(credentials) };
                return Ok(match self.lookup(clock()) {
                    Lookup::Fresh(renewed) => renewed,
                    _ => {
                        let renewed = self.fetch(limit.min(LONGEST_RENEWAL), clock, transport).await;
                        renewed.unwrap_or(credentials)
                    }
                });
            }
            Lookup::Missing => {}
        }
        let fetches = self.lock().fetches;
        let _turn = self.fetching.lock().await;
        if let Some(outcome) = self.outcome_since(fetches, clock()) {
            return outcome;
        }
        self.fetch(limit, clock, transport).await
    }

    /// Returns the credentials like `get`, but on the calling thread.
    pub(crate) fn get_blocking(
        &self,
        now: UnixTime,
        limit: Duration,
        clock: Clock<'_>,
        transport: &dyn BlockingTransport,
    ) -> Result<Credentials, ProvideError> {
        pollster::block_on(self.get(now, limit, clock, &OnThisThread(transport)))
    }

    /// Drops credentials that the service rejected as expired.
    pub(crate) fn drop_expired(&self, credentials: &Credentials) {
        let mut state = self.lock();
        if state.cached.as_ref().is_some_and(|cached| is_same_key(&cached.credentials, credentials)) {
            state.cached = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lookup(&self, now: UnixTime) -> Lookup {
        match &self.lock().cached {
            Some(cached) if cached.has_expired(now) => Lookup::Missing,
            Some(cached) if cached.renew_at.is_some_and(|time| time <= now) => {
                Lookup::Stale(cached.credentials.clone())
            }
            Some(cached) => Lookup::Fresh(cached.credentials.clone()),
            None => Lookup::Missing,
        }
    }

    /// Returns the outcome of a fetch that completed while a call waited, if any. `fetches` is the number of
    /// completed fetches when the wait began.
    fn outcome_since(&self, fetches: u64, now: UnixTime) -> Option<Result<Credentials, ProvideError>> {
        let state = self.lock();
        if state.fetches == fetches {
            return None;
        }
        Some(match (&state.cached, &state.failure) {
            (Some(cached), None) => Ok(cached.credentials.clone()),
            (Some(cached), Some(_)) if !cached.has_expired(now) => Ok(cached.credentials.clone()),
            (_, Some(failure)) => Err(failure.clone()),
            (None, None) => Err(ProvideError::of("provider", ProvideProblem::RefusedAtOnce)),
        })
    }

    async fn fetch(
        &self,
        limit: Duration,
        clock: Clock<'_>,
        transport: &dyn Transport,
    ) -> Result<Credentials, ProvideError> {
        let fetched = self.run_exchange(limit, clock, transport).await;
        let (now, mut state) = (clock(), self.lock());
        state.fetches += 1;
        match fetched {
            Ok(ExpiringCredentials { credentials, expires_at, renew_at }) => {
                let renew_at = renew_at.or_else(|| expires_at.map(|end| default_renewal(now, end)));
                state.cached = Some(Cached { credentials: credentials.clone(), expires_at, renew_at });
                state.failure = None;
                Ok(credentials)
            }
            Err(error) => {
                if let Some(cached) = &mut state.cached {
                    cached.renew_at = cached.renew_at.map(|_| now.plus(RETRY_AFTER));
                }
                state.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    async fn run_exchange(
        &self,
        limit: Duration,
        clock: Clock<'_>,
        transport: &dyn Transport,
    ) -> Result<ExpiringCredentials, ProvideError> {
        let begun = Instant::now();
        let mut exchange = self.provider.begin();
        let mut answer = None;
        loop {
            let mut entropy = Entropy([0; 24]);
            getrandom::fill(&mut entropy.0).map_err(|error| {
                ProvideError::of("system", ProvideProblem::NoRandomness).with_source(error)
            })?;
            match exchange.next(clock(), entropy, answer.take()) {
                CredentialStep::Send(request, limits) => {
                    let left = limit.saturating_sub(begun.elapsed());
                    if left.is_zero() {
                        return Err(ProvideError::of("provider", ProvideProblem::TooSlow).transient());
                    }
                    let limits = limits.with_attempt(limits.attempt.min(left));
                    answer = Some(send_in_time(transport, request, &limits).await);
                }
                CredentialStep::Done(result) => return result,
            }
        }
    }
}

/// Returns the renewal time of credentials whose provider sets none.
fn default_renewal(now: UnixTime, expires_at: UnixTime) -> UnixTime {
    let ahead = u64::try_from(RENEW_AHEAD.as_millis()).unwrap_or(u64::MAX);
    let ahead = UnixTime::from_millis(expires_at.as_millis().saturating_sub(ahead));
    ahead.max(now.plus(expires_at.since(now) / 2))
}

/// Returns whether both have the same key id and security token.
pub(crate) fn is_same_key(one: &Credentials, other: &Credentials) -> bool {
    let token = |of| Credentials::security_token(of).map(|token| token.expose());
    one.access_key_id() == other.access_key_id() && token(one) == token(other)
}

/// An async adapter of a blocking transport. Its futures are ready at the first poll.
#[derive(Debug)]
struct OnThisThread<'a>(&'a dyn BlockingTransport);

#[async_trait]
impl Transport for OnThisThread<'_> {
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        self.0.send(request, limits)
    }

    async fn sleep(&self, time: Duration) {
        self.0.sleep(time);
    }
}

#[cfg(test)]
mod tests;
