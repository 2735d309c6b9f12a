//! Tests of the credentials cache, with a provider that numbers its keys.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use cloudauth_transport::testing::Scripted;

use super::super::provider::CredentialExchange;
use super::*;

const LONG: Duration = Duration::from_secs(25);
const START: u64 = 1_767_323_045;

/// A provider of numbered keys. It can be set to fail.
#[derive(Debug, Default)]
struct Numbered {
    now: AtomicU64,
    fetches: AtomicUsize,
    /// The number of upcoming fetches that fail.
    fails: AtomicUsize,
    /// The lifetime of a key, in seconds.
    lifetime: AtomicU64,
}

impl Numbered {
    fn at(seconds: u64) -> Arc<Self> {
        Arc::new(Self { now: AtomicU64::new(seconds), lifetime: AtomicU64::new(3600), ..Self::default() })
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

/// An exchange with one request, so that other calls run in between.
struct NumberedExchange<'a>(&'a Numbered, bool);

impl CredentialExchange for NumberedExchange<'_> {
    fn next(
        &mut self,
        now: UnixTime,
        _: Entropy,
        _: Option<Result<Response<Body>, TransportError>>,
    ) -> CredentialStep {
        if !std::mem::replace(&mut self.1, true) {
            return CredentialStep::Send(Request::new(Body::empty()), Limits::DEFAULT);
        }
        let number = self.0.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        let failing =
            self.0.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        CredentialStep::Done(match failing {
            Ok(_) => Err(ProvideError::new("the test", format!("failure {number}"))),
            Err(_) => {
                let credentials = Credentials::temporary(&format!("key{number}"), "s", "t").unwrap();
                let lifetime = Duration::from_secs(self.0.lifetime.load(Ordering::SeqCst));
                Ok(ExpiringCredentials::new(credentials, now.plus(lifetime)))
            }
        })
    }
}

impl ProvideCredentials for Numbered {
    fn begin(&self) -> Box<dyn CredentialExchange + '_> {
        Box::new(NumberedExchange(self, false))
    }
}

/// A transport that lets all other tasks run before it answers.
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
    let got = cache.get_blocking(clock(), LONG, &clock, &Scripted::bodies([]));
    got.map(|got| got.access_key_id().to_owned()).map_err(|error| error.to_string())
}

/// Gets the credentials this many seconds after the start.
async fn get_at(
    cache: &CredentialCache,
    seconds: u64,
    limit: Duration,
    transport: &dyn Transport,
) -> Result<Credentials, ProvideError> {
    let clock = || UnixTime::from_secs(START + seconds);
    cache.get(clock(), limit, &clock, transport).await
}

#[tokio::test]
async fn concurrent_calls_share_one_fetch() {
    for (fails, expected) in [(0, Ok("key1")), (1, Err("the test: failure 1"))] {
        let numbered = Numbered::at(0);
        numbered.fails.store(fails, Ordering::SeqCst);
        let cache = Arc::new(CredentialCache::new(numbered.clone()));
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let cache = Arc::clone(&cache);
                tokio::spawn(async move { get_at(&cache, 0, LONG, &Yielding).await })
            })
            .collect();
        for call in calls {
            let got = call.await.unwrap();
            let got = got.map(|got| got.access_key_id().to_owned()).map_err(|error| error.to_string());
            assert_eq!(got.as_deref().map_err(String::as_str), expected);
        }
        assert_eq!(numbered.fetches(), 1);
    }
}

#[tokio::test]
async fn cancelled_fetch_is_taken_over_by_the_next_call() {
    let numbered = Numbered::at(0);
    let cache = CredentialCache::new(numbered.clone());
    {
        let mut first = std::pin::pin!(get_at(&cache, 0, LONG, &Yielding));
        std::future::poll_fn(|context| {
            assert!(first.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
    }
    assert_eq!(get(&cache, &numbered).unwrap(), "key1");
}

#[test]
fn renews_15_minutes_before_expiry_or_at_half_time() {
    let numbered = Numbered::at(0);
    let cache = CredentialCache::new(numbered.clone());
    for (at, lifetime, expected) in [
        (0, 3600, "key1"),
        (2699, 3600, "key1"),
        (2700, 600, "key2"),
        (2999, 600, "key2"),
        (3000, 600, "key3"),
        // Long after expiry.
        (90_000, 600, "key4"),
    ] {
        numbered.now.store(at, Ordering::SeqCst);
        numbered.lifetime.store(lifetime, Ordering::SeqCst);
        assert_eq!(get(&cache, &numbered).unwrap(), expected, "after {at} seconds");
    }
}

#[test]
fn failures_are_not_cached_and_valid_credentials_stay_in_use() {
    let numbered = Numbered::at(0);
    let cache = CredentialCache::new(numbered.clone());
    numbered.fails.store(1, Ordering::SeqCst);
    assert_eq!(get(&cache, &numbered).unwrap_err(), "the test: failure 1");
    assert_eq!(get(&cache, &numbered).unwrap(), "key2");
    numbered.fails.store(usize::MAX, Ordering::SeqCst);
    for (at, fetches) in [(2700, 3), (2705, 3), (2710, 4)] {
        numbered.now.store(at, Ordering::SeqCst);
        assert_eq!((get(&cache, &numbered).unwrap().as_str(), numbered.fetches()), ("key2", fetches));
    }
    numbered.now.store(3600, Ordering::SeqCst);
    assert_eq!(get(&cache, &numbered).unwrap_err(), "the test: failure 5");
}

#[tokio::test]
async fn waiting_call_gets_the_failure_and_not_expired_credentials() {
    let numbered = Numbered::at(0);
    let cache = Arc::new(CredentialCache::new(numbered.clone()));
    assert_eq!(get(&cache, &numbered).unwrap(), "key1");
    numbered.fails.store(1, Ordering::SeqCst);
    let calls: Vec<_> = (0..2)
        .map(|_| {
            let cache = Arc::clone(&cache);
            tokio::spawn(async move { get_at(&cache, 3600, LONG, &Yielding).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap_err().to_string(), "the test: failure 2");
    }
}

/// Fetches like a call that holds the lock.
fn fetch(cache: &CredentialCache, seconds: u64) -> Result<Credentials, ProvideError> {
    let clock = || UnixTime::from_secs(START + seconds);
    pollster::block_on(cache.fetch(LONG, &clock, &OnThisThread(&Scripted::bodies([]))))
}

#[test]
fn call_that_finds_the_credentials_renewed_meanwhile_does_not_renew_them_again() {
    let numbered = Numbered::at(2700);
    let cache = CredentialCache::new(numbered.clone());
    assert_eq!(fetch(&cache, 0).unwrap().access_key_id(), "key1");
    // The clock is read after the call found that the credentials are due, and before it looks again.
    let reads = AtomicUsize::new(0);
    let clock = || {
        if reads.fetch_add(1, Ordering::SeqCst) == 0 {
            assert_eq!(fetch(&cache, 2700).unwrap().access_key_id(), "key2");
        }
        UnixTime::from_secs(START + 2700)
    };
    let now = UnixTime::from_secs(START + 2700);
    let got = cache.get_blocking(now, LONG, &clock, &Scripted::bodies([])).unwrap();
    assert_eq!((got.access_key_id(), numbered.fetches()), ("key2", 2));
}

#[tokio::test]
async fn waiting_call_gets_credentials_that_a_later_failure_left_valid() {
    let numbered = Numbered::at(0);
    let cache = CredentialCache::new(numbered.clone());
    let mut waiting = std::pin::pin!(get_at(&cache, 0, LONG, &Yielding));
    let turn = cache.fetching.try_lock().unwrap();
    std::future::poll_fn(|context| {
        assert!(waiting.as_mut().poll(context).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    // Two other calls have their turn first: one fetches, the next fails to renew.
    fetch(&cache, 0).unwrap();
    numbered.fails.store(1, Ordering::SeqCst);
    fetch(&cache, 0).unwrap_err();
    drop(turn);
    assert_eq!(waiting.await.unwrap().access_key_id(), "key1");
    assert_eq!(numbered.fetches(), 2);
}

#[test]
fn refused_credentials_are_replaced_once() {
    let numbered = Numbered::at(0);
    let cache = CredentialCache::new(numbered.clone());
    let first = Credentials::temporary("key1", "s", "t").unwrap();
    assert_eq!(get(&cache, &numbered).unwrap(), "key1");
    cache.drop_expired(&first);
    assert_eq!(get(&cache, &numbered).unwrap(), "key2");
    cache.drop_expired(&first);
    assert_eq!(get(&cache, &numbered).unwrap(), "key2", "another call has renewed them already");
}

#[tokio::test]
async fn gives_up_on_a_provider_that_never_answers() {
    use cloudauth_transport::testing::Never;

    let numbered = Numbered::at(0);
    numbered.fails.store(1, Ordering::SeqCst);
    let cache = CredentialCache::new(numbered);
    let error = get_at(&cache, 0, Duration::from_millis(1), &Never).await.unwrap_err();
    assert_eq!(error.to_string(), "the test: failure 1");
}
