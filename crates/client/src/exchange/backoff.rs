//! The wait before a retry: full jitter, adjusted by the server's hint.

use std::time::Duration;

use cloudauth_protocol::{Body, UnixTime};
use http::Response;
use http::header::{AGE, AsHeaderName, DATE};

use crate::inputs::Entropy;

/// The upper bound of the first wait after a failure. It doubles with each attempt.
const BASE: Duration = Duration::from_millis(500);
/// The same bound after throttling. It is lower, because the endpoint itself works.
const THROTTLED_BASE: Duration = Duration::from_millis(200);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(20);
/// The longest time by which the server's `x-acs-retry-after` may extend the jittered wait.
const LONGEST_EXTENSION: Duration = Duration::from_secs(5);

/// The wait before the next attempt, before it is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    /// The upper bound of the jittered wait.
    longest: Duration,
    /// The wait that the server asks for. It can extend the jittered wait, never shorten it.
    hint: Option<Duration>,
}

impl Backoff {
    /// An immediate retry.
    pub(super) const NONE: Self = Self { longest: Duration::ZERO, hint: None };

    /// Returns the wait after `attempts` failed attempts.
    pub(super) fn after_failure(attempts: u32) -> Self {
        Self { longest: doubled(BASE, attempts), hint: None }
    }

    /// Returns the wait after `attempts` attempts, the last of which was throttled.
    pub(super) fn after_throttling(attempts: u32, hint: Option<Duration>) -> Self {
        Self { longest: doubled(THROTTLED_BASE, attempts), hint }
    }

    /// Draws the wait.
    pub(super) fn draw(self, entropy: Entropy) -> Duration {
        let jittered = entropy.fraction_of(self.longest);
        self.hint.map_or(jittered, |hint| hint.clamp(jittered, jittered + LONGEST_EXTENSION))
    }
}

fn doubled(base: Duration, attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(10);
    (base * 2_u32.pow(doublings)).min(LONGEST)
}

/// The response headers that guide a retry.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hints {
    /// The server's time.
    pub(super) date: Option<UnixTime>,
    /// The wait that the server asks for.
    pub(super) retry_after: Option<Duration>,
}

impl Hints {
    pub(super) fn of(response: &Response<Body>) -> Self {
        let retry_after = header(response, "x-acs-retry-after").and_then(|text| text.parse().ok());
        Self { date: date(response), retry_after: retry_after.map(Duration::from_millis) }
    }
}

/// The server's time.
pub(super) fn date(response: &Response<Body>) -> Option<UnixTime> {
    // The date of a cached response is the time at which it was stored.
    let date = header(response, DATE).filter(|_| !response.headers().contains_key(AGE))?;
    httpdate::parse_http_date(date).ok().map(UnixTime::from)
}

fn header(response: &Response<Body>, name: impl AsHeaderName) -> Option<&str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}
