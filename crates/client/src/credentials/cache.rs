//! What a client holds of its provider's credentials: asked for once, and again shortly before they expire.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_lock::Mutex as FetchLock;
use async_trait::async_trait;
use cloudauth_protocol::{Body, Credentials, UnixTime};
use cloudauth_transport::{BlockingTransport, Limits, Transport, TransportError};
use http::{Request, Response};

use super::provide::{FetchStep, ProvideCredentials, ProvideError, Provided};
use crate::client::in_time;
use crate::exchange::Entropy;

/// How long before the end new ones are fetched; later for short-lived ones, at half of their time.
const AHEAD: Duration = Duration::from_secs(15 * 60);
/// While the held ones still hold, a failure is not repeated with every call.
const AFTER_FAILURE: Duration = Duration::from_secs(10);
/// How long a call waits for new ones while the held ones hold.
const NOT_FOR_LONG: Duration = Duration::from_secs(5);

/// Shared by the clones of a client.
#[derive(Debug)]
pub(crate) struct CredentialCache {
    provider: Arc<dyn ProvideCredentials>,
    state: Mutex<State>,
    /// Whoever fetches has it; the others wait for it, and then find what came of that.
    fetching: FetchLock<()>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    /// How many fetches have ended, and how the last one failed, if it did.
    fetches: u64,
    failure: Option<ProvideError>,
}

#[derive(Debug)]
struct Held {
    credentials: Credentials,
    expires: Option<UnixTime>,
    /// From when on new ones are to be fetched.
    renew: Option<UnixTime>,
}

/// What is held.
enum Look {
    Good(Credentials),
    /// Good, and others should be fetched.
    Ageing(Credentials),
    Nothing,
}

pub(crate) type Clock<'a> = &'a (dyn Fn() -> UnixTime + Sync);

impl CredentialCache {
    pub(crate) fn new(provider: Arc<dyn ProvideCredentials>) -> Self {
        Self { provider, state: Mutex::default(), fetching: FetchLock::new(()) }
    }

    /// What is held while it is good, or else what the provider gives, asked for no longer than `within`.
    pub(crate) async fn get(
        &self,
        within: Duration,
        clock: Clock<'_>,
        transport: &dyn Transport,
    ) -> Result<Credentials, ProvideError> {
        match self.look(clock()) {
            Look::Good(credentials) => return Ok(credentials),
            Look::Ageing(credentials) => {
                // One call renews them, the others need not wait; and that one not for long.
                let Some(_turn) = self.fetching.try_lock() else { return Ok(credentials) };
                return Ok(match self.look(clock()) {
                    Look::Good(renewed) => renewed,
                    _ => self.fetch(within.min(NOT_FOR_LONG), clock, transport).await.unwrap_or(credentials),
                });
            }
            Look::Nothing => {}
        }
        let before = self.lock().fetches;
        let _turn = self.fetching.lock().await;
        {
            // What came of the fetch that this call has waited for is its own, too.
            let state = self.lock();
            if state.fetches > before {
                let failure =
                    || ProvideError::new("the provider", "gave credentials that were refused at once");
                let held = state.held.as_ref().map(|held| held.credentials.clone());
                return held.ok_or_else(|| state.failure.clone().unwrap_or_else(failure));
            }
        }
        self.fetch(within, clock, transport).await
    }

    /// The same on the calling thread.
    pub(crate) fn get_blocking(
        &self,
        within: Duration,
        clock: Clock<'_>,
        transport: &dyn BlockingTransport,
    ) -> Result<Credentials, ProvideError> {
        pollster::block_on(self.get(within, clock, &OnThisThread(transport)))
    }

    /// The service says that these have expired: they are not held any longer.
    pub(crate) fn refused(&self, credentials: &Credentials) {
        let mut state = self.lock();
        if state.held.as_ref().is_some_and(|held| same(&held.credentials, credentials)) {
            state.held = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, now: UnixTime) -> Look {
        match &self.lock().held {
            Some(held) if held.expires.is_some_and(|end| end <= now) => Look::Nothing,
            Some(held) if held.renew.is_some_and(|time| time <= now) => {
                Look::Ageing(held.credentials.clone())
            }
            Some(held) => Look::Good(held.credentials.clone()),
            None => Look::Nothing,
        }
    }

    async fn fetch(
        &self,
        within: Duration,
        clock: Clock<'_>,
        transport: &dyn Transport,
    ) -> Result<Credentials, ProvideError> {
        let came = self.converse(within, clock, transport).await;
        let (now, mut state) = (clock(), self.lock());
        state.fetches += 1;
        match came {
            Ok(Provided { credentials, expires, renew }) => {
                let ahead = |end: UnixTime| {
                    let ahead = UnixTime::from_millis(end.as_millis().saturating_sub(millis(AHEAD)));
                    ahead.max(now.plus(end.since(now) / 2))
                };
                let renew = renew.or_else(|| expires.map(ahead));
                state.held = Some(Held { credentials: credentials.clone(), expires, renew });
                state.failure = None;
                Ok(credentials)
            }
            Err(error) => {
                if let Some(held) = &mut state.held {
                    held.renew = held.renew.map(|_| now.plus(AFTER_FAILURE));
                }
                state.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    async fn converse(
        &self,
        within: Duration,
        clock: Clock<'_>,
        transport: &dyn Transport,
    ) -> Result<Provided, ProvideError> {
        let begun = Instant::now();
        let mut fetch = self.provider.begin();
        let mut answer = None;
        loop {
            let mut entropy = Entropy([0; 24]);
            getrandom::fill(&mut entropy.0).map_err(|error| {
                ProvideError::new("the system", "gave no random bytes").with_source(error)
            })?;
            match fetch.next(clock(), entropy, answer.take()) {
                FetchStep::Send(request, limits) => {
                    let left = within.saturating_sub(begun.elapsed());
                    if left.is_zero() {
                        return Err(ProvideError::new("fetching credentials", "takes too long").passing());
                    }
                    let limits = limits.with_attempt(limits.attempt.min(left));
                    answer = Some(in_time(transport, request, &limits).await);
                }
                FetchStep::Done(result) => return result,
            }
        }
    }
}

/// Whether two are the same key.
pub(crate) fn same(one: &Credentials, other: &Credentials) -> bool {
    let token = |of| Credentials::security_token(of).map(|token| token.expose());
    one.access_key_id() == other.access_key_id() && token(one) == token(other)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A blocking transport where an async one is wanted: each of its futures is ready when it is first looked at.
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
mod tests {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use cloudauth_transport::testing::Scripted;

    use super::super::provide::Fetch;
    use super::*;

    const LONG: Duration = Duration::from_secs(25);
    const START: u64 = 1_767_323_045;

    /// Gives keys that are numbered and hold for an hour, or fails, as told.
    #[derive(Debug, Default)]
    struct Numbered {
        now: AtomicU64,
        asked: AtomicUsize,
        fails: AtomicUsize,
        /// Seconds; an hour unless set.
        lives: AtomicU64,
    }

    impl Numbered {
        fn at(seconds: u64) -> Arc<Self> {
            Arc::new(Self { now: AtomicU64::new(seconds), lives: AtomicU64::new(3600), ..Self::default() })
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }
    }

    /// Goes over the transport once before it is done, so that others come in between.
    struct Slow<'a>(&'a Numbered, bool);

    impl Fetch for Slow<'_> {
        fn next(
            &mut self,
            now: UnixTime,
            _: Entropy,
            _: Option<Result<Response<Body>, TransportError>>,
        ) -> FetchStep {
            if !std::mem::replace(&mut self.1, true) {
                return FetchStep::Send(Request::new(Body::empty()), Limits::DEFAULT);
            }
            let number = self.0.asked.fetch_add(1, Ordering::SeqCst) + 1;
            let failing =
                self.0.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            FetchStep::Done(match failing {
                Ok(_) => Err(ProvideError::new("the test", format!("failure {number}"))),
                Err(_) => {
                    let credentials = Credentials::temporary(&format!("key{number}"), "s", "t").unwrap();
                    let lives = Duration::from_secs(self.0.lives.load(Ordering::SeqCst));
                    Ok(Provided::until(credentials, now.plus(lives)))
                }
            })
        }
    }

    impl ProvideCredentials for Numbered {
        fn begin(&self) -> Box<dyn Fetch + '_> {
            Box::new(Slow(self, false))
        }
    }

    /// Lets everybody else run before it answers.
    #[derive(Debug)]
    struct Yielding;

    #[async_trait]
    impl Transport for Yielding {
        async fn send(&self, _: Request<Body>, _: &Limits) -> Result<Response<Body>, TransportError> {
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            Ok(Response::new(Body::empty()))
        }

        async fn sleep(&self, _: Duration) {
            std::future::pending().await
        }
    }

    fn get(cache: &CredentialCache, numbered: &Numbered) -> Result<String, String> {
        let clock = || UnixTime::from_secs(START + numbered.now.load(Ordering::SeqCst));
        let got = cache.get_blocking(LONG, &clock, &Scripted::bodies([]));
        got.map(|got| got.access_key_id().to_owned()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn however_many_wait_one_asks() {
        for (fails, expected) in [(0, Ok("key1")), (1, Err("the test: failure 1"))] {
            let numbered = Numbered::at(0);
            numbered.fails.store(fails, Ordering::SeqCst);
            let cache = Arc::new(CredentialCache::new(numbered.clone()));
            let calls: Vec<_> = (0..100)
                .map(|_| {
                    let cache = Arc::clone(&cache);
                    tokio::spawn(
                        async move { cache.get(LONG, &|| UnixTime::from_secs(START), &Yielding).await },
                    )
                })
                .collect();
            for call in calls {
                let got = call.await.unwrap();
                let got = got.map(|got| got.access_key_id().to_owned()).map_err(|error| error.to_string());
                assert_eq!(got.as_deref().map_err(String::as_str), expected);
            }
            assert_eq!(numbered.asked(), 1);
        }
    }

    #[tokio::test]
    async fn who_gives_up_in_the_middle_leaves_the_turn_to_the_next() {
        let numbered = Numbered::at(0);
        let cache = CredentialCache::new(numbered.clone());
        let clock = || UnixTime::from_secs(START);
        {
            let mut first = std::pin::pin!(cache.get(LONG, &clock, &Yielding));
            std::future::poll_fn(|context| {
                assert!(first.as_mut().poll(context).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
        }
        assert_eq!(get(&cache, &numbered).unwrap(), "key1");
    }

    #[test]
    fn new_ones_are_fetched_a_quarter_of_an_hour_ahead_or_at_half_time() {
        let numbered = Numbered::at(0);
        let cache = CredentialCache::new(numbered.clone());
        for (at, lives, expected) in [
            (0, 3600, "key1"),
            (2699, 3600, "key1"),
            (2700, 600, "key2"),
            (2999, 600, "key2"),
            (3000, 600, "key3"),
            // Long after the end.
            (90_000, 600, "key4"),
        ] {
            numbered.now.store(at, Ordering::SeqCst);
            numbered.lives.store(lives, Ordering::SeqCst);
            assert_eq!(get(&cache, &numbered).unwrap(), expected, "after {at} seconds");
        }
    }

    #[test]
    fn a_failure_is_not_kept_and_what_still_holds_is_used() {
        let numbered = Numbered::at(0);
        let cache = CredentialCache::new(numbered.clone());
        numbered.fails.store(1, Ordering::SeqCst);
        assert_eq!(get(&cache, &numbered).unwrap_err(), "the test: failure 1");
        assert_eq!(get(&cache, &numbered).unwrap(), "key2");
        numbered.fails.store(usize::MAX, Ordering::SeqCst);
        for (at, asked) in [(2700, 3), (2705, 3), (2710, 4)] {
            numbered.now.store(at, Ordering::SeqCst);
            assert_eq!((get(&cache, &numbered).unwrap().as_str(), numbered.asked()), ("key2", asked));
        }
        numbered.now.store(3600, Ordering::SeqCst);
        assert_eq!(get(&cache, &numbered).unwrap_err(), "the test: failure 5");
    }

    #[test]
    fn what_was_refused_is_replaced_once_for_all() {
        let numbered = Numbered::at(0);
        let cache = CredentialCache::new(numbered.clone());
        let first = Credentials::temporary("key1", "s", "t").unwrap();
        assert_eq!(get(&cache, &numbered).unwrap(), "key1");
        cache.refused(&first);
        assert_eq!(get(&cache, &numbered).unwrap(), "key2");
        cache.refused(&first);
        assert_eq!(get(&cache, &numbered).unwrap(), "key2", "somebody has renewed them already");
    }

    #[tokio::test]
    async fn a_source_that_never_answers_is_given_up() {
        use cloudauth_transport::testing::Never;

        let numbered = Numbered::at(0);
        numbered.fails.store(1, Ordering::SeqCst);
        let cache = CredentialCache::new(numbered);
        let clock = || UnixTime::from_secs(START);
        let error = cache.get(Duration::from_millis(1), &clock, &Never).await.unwrap_err();
        assert_eq!(error.to_string(), "the test: failure 1");
    }
}
