//! One call, which may take several attempts, as a state machine without I/O, clock or randomness.
//!
//! ```text
//!              poll: sign                 answer
//!   Ready ────────────────────▶ Sent ───────────────▶ Settled ──poll──▶ Over
//!     ▲  ▲                        │ may be retried       ▲
//!     │  ├──── immediately ───────┤                      │
//!     │  └──── renewed ─ Renewing ◀┤ token expired ──────▶│ no new credentials
//!     │                           ▼                      │
//!     └──────── poll ────── BackingOff ── deadline ──────┘
//! ```
//!
//! *Ready* signs with a new nonce and time, and picks an endpoint whose circuit breaker is closed. The table
//! in `retry.rs` says what may be retried and where. A retry goes to the next endpoint immediately. If every
//! endpoint was tried, or the endpoint throttles calls, the retry waits first (*BackingOff*). If the wait
//! would reach the deadline of the call, the call ends with its last failure instead.

mod backoff;
mod breaker;
mod shared_state;
mod step;

use std::time::Duration;

use cloudauth_protocol::{
    Body, Credentials, Effect, Endpoint, Operation, Reply, Stamp, UnixTime, parse, prepare,
};
use cloudauth_transport::TransportError;
use http::Response;

use crate::credentials::{ProvideError, is_same_key};
use crate::endpoints::Endpoints;
use crate::error::{Error, Failure};
use crate::inputs::{Entropy, Now};
use crate::retry::{DeliveryStatus, RetryAction};
use crate::settings::Settings;
use backoff::{Backoff, Hints};
pub use shared_state::SharedState;
use shared_state::{RETRY_COST, THROTTLED_COST};
pub use step::Step;

/// One call of one operation.
#[derive(Debug)]
pub struct Exchange<'a, O: Operation> {
    op: &'a O,
    credentials: Credentials,
    settings: &'a Settings,
    shared: &'a SharedState,
    state: State<O::Output>,
    begun: Option<Duration>,
    /// The number of requests sent.
    sent: u32,
    /// The endpoint of the last attempt, by its index.
    endpoint: usize,
    /// The endpoint that the next attempt tries first.
    next: usize,
    used: UsedRetries,
    /// The endpoints that answered 406: they do not know the verification.
    unknown_at: Vec<usize>,
    /// Whether the rate limiter has admitted the call.
    paced: bool,
    /// The failure of the previous attempt.
    last: Option<Failure>,
    /// Whether any attempt may have been executed.
    maybe_executed: bool,
}

/// The retries that a call makes only once.
#[derive(Debug, Default)]
struct UsedRetries {
    clock: bool,
    nonce: bool,
    credentials: bool,
    write: bool,
}

#[derive(Debug)]
enum State<T> {
    Ready,
    Sent {
        /// The wall clock when the request was signed.
        wall: UnixTime,
        /// Whether the signed time includes the endpoint's clock offset.
        is_corrected: bool,
    },
    BackingOff(Backoff, Failure),
    /// New credentials are needed; `requested` once [`Step::RenewCredentials`] was returned.
    Renewing {
        requested: bool,
        failure: Failure,
    },
    Settled(Result<Reply<T>, Failure>),
    Over,
}

impl<'a, O: Operation> Exchange<'a, O> {
    /// Creates a call that has not begun.
    pub fn new(op: &'a O, by: &Credentials, settings: &'a Settings, shared: &'a SharedState) -> Self {
        let mut exchange = Self {
            op,
            credentials: by.clone(),
            settings,
            shared,
            state: State::Ready,
            begun: None,
            sent: 0,
            endpoint: 0,
            next: 0,
            used: UsedRetries::default(),
            unknown_at: Vec::new(),
            paced: settings.rate.is_none(),
            last: None,
            maybe_executed: false,
        };
        // Requests about a verification go to the endpoint that started it.
        exchange.next = exchange.origin().unwrap_or_default();
        exchange.endpoint = exchange.next;
        exchange
    }

    /// Returns the next step.
    pub fn poll(&mut self, now: Now, entropy: Entropy) -> Step<O::Output> {
        let left = self.time_left(now);
        match std::mem::replace(&mut self.state, State::Over) {
            State::Ready if !self.paced => {
                (self.paced, self.state) = (true, State::Ready);
                let rate = self.settings.rate.unwrap_or(u32::MAX);
                match self.shared.pace(self.op.action(), rate, now.steady, left) {
                    None => self.finish(Err(Failure::Deadline)),
                    Some(Duration::ZERO) => self.poll(now, entropy),
                    Some(wait) => Step::Wait(wait),
                }
            }
            State::Ready => match self.attempt(now, entropy, left) {
                Ok(step) => step,
                Err(failure) => self.finish(Err(failure)),
            },
            State::BackingOff(backoff, failure) => {
                let wait = backoff.draw(entropy);
                if wait >= left {
                    return self.finish(Err(failure));
                }
                (self.state, self.last) = (State::Ready, Some(failure));
                if wait.is_zero() { self.poll(now, entropy) } else { Step::Wait(wait) }
            }
            State::Renewing { requested: false, failure } => {
                self.state = State::Renewing { requested: true, failure };
                Step::RenewCredentials
            }
            State::Renewing { requested: true, failure } => self.finish(Err(failure)),
            State::Settled(result) => self.finish(result),
            // Polled without a response, or again after the end.
            State::Sent { .. } | State::Over => self.finish(Err(Failure::Abandoned)),
        }
    }

    /// Records the outcome of the last [`Step::Send`].
    pub fn answer(&mut self, now: Now, answer: Result<Response<Body>, TransportError>) {
        let State::Sent { wall, is_corrected } = std::mem::replace(&mut self.state, State::Over) else {
            return;
        };
        let midpoint = wall.plus(now.wall.since(wall) / 2);
        let response = match answer {
            Ok(response) => response,
            Err(error) => {
                let action = RetryAction::after_transport(&error);
                return self.failed(now, midpoint, Failure::Transport(error), action, Hints::default());
            }
        };
        // Each response refreshes an offset that is in use.
        if is_corrected
            && let Some(date) = backoff::date(&response)
            && self.shared.has_offset(self.current())
        {
            self.shared.learn_offset(self.current(), midpoint, date);
        }
        match parse::<O>(&response) {
            Ok(reply) => {
                self.shared.succeeded(self.current(), now.steady);
                if let Some(session) = O::started(&reply.output) {
                    self.shared.remember_origin(session, self.current());
                }
                self.state = State::Settled(Ok(reply));
            }
            Err(error) => {
                let action = RetryAction::after_reply(&error);
                self.failed(now, midpoint, Failure::Reply(error), action, Hints::of(&response));
            }
        }
    }

    /// Records the outcome of the last [`Step::RenewCredentials`]. If the credentials have not changed, the
    /// call ends with the refusal that caused the step.
    pub fn set_credentials(&mut self, credentials: Result<Credentials, ProvideError>) {
        if let State::Renewing { failure, .. } = std::mem::replace(&mut self.state, State::Over) {
            self.state = match credentials {
                Ok(renewed) if !is_same_key(&renewed, &self.credentials) => {
                    (self.credentials, self.last) = (renewed, Some(failure));
                    State::Ready
                }
                Ok(_) => State::Settled(Err(failure)),
                Err(error) => State::Settled(Err(Failure::Credentials(error))),
            };
        }
    }

    /// Returns the endpoint of the last attempt and the number of attempts, for logs.
    #[must_use]
    pub fn progress(&self) -> (&Endpoint, u32) {
        (self.current(), self.sent)
    }

    /// Measures the deadline from an earlier moment.
    pub(crate) fn since(mut self, begun: Now) -> Self {
        self.begun = Some(begun.steady);
        self
    }

    /// Returns the credentials that sign the next attempt.
    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Returns whether the next step uses entropy, for a nonce or for jitter.
    pub(crate) fn needs_entropy(&self) -> bool {
        matches!(self.state, State::Ready | State::BackingOff(..))
    }

    /// Returns the error of the call after the system provided no random bytes.
    pub(crate) fn entropy_failed(&self, error: getrandom::Error) -> Error {
        self.error(Failure::Entropy(error))
    }

    /// Returns the reason for the last retry, if the call was retried.
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    pub(crate) fn retry_reason(&self) -> Option<&Failure> {
        self.last.as_ref()
    }

    fn attempt(&mut self, now: Now, entropy: Entropy, left: Duration) -> Result<Step<O::Output>, Failure> {
        if left.is_zero() {
            return Err(self.last.take().unwrap_or(Failure::Deadline));
        }
        let count = self.settings.endpoints.len();
        let (first, unknown_at) = (self.next, &self.unknown_at);
        let candidates =
            (0..count).map(|offset| (first + offset) % count).filter(|index| !unknown_at.contains(index));
        let candidates = candidates.map(|index| (index, self.settings.endpoints.at(index)));
        let (endpoint, time) = self.shared.choose(candidates, now);
        self.endpoint = endpoint;
        let stamp = Stamp::new(time, entropy.nonce());
        let request = prepare(self.op, self.current(), &self.credentials, self.settings.signing, stamp)?;
        self.sent += 1;
        self.state = State::Sent { wall: now.wall, is_corrected: time != now.wall };
        let limits = self.settings.limits;
        Ok(Step::Send(request, limits.with_attempt(limits.attempt.min(left))))
    }

    /// Retries the failed attempt, or settles the call.
    fn failed(&mut self, now: Now, sent_at: UnixTime, failure: Failure, action: RetryAction, hints: Hints) {
        self.shared.failed(self.current(), now.steady, action.blames_endpoint());
        self.maybe_executed |= failure.maybe_executed();
        self.state = match self.retry(action, hints, sent_at) {
            Some(_) if action == RetryAction::NewCredentials => State::Renewing { requested: false, failure },
            Some(backoff) => State::BackingOff(backoff, failure),
            // Only the region that started the verification knows it: the earlier failure is more useful.
            None if action == RetryAction::OtherRegion && self.is_away_from_origin() => {
                State::Settled(Err(self.last.take().unwrap_or(failure)))
            }
            None => State::Settled(Err(failure)),
        };
    }

    /// Chooses the next endpoint and the wait before the retry. `None` means no retry.
    fn retry(&mut self, action: RetryAction, hints: Hints, sent_at: UnixTime) -> Option<Backoff> {
        if self.sent >= self.settings.attempts {
            return None;
        }
        let count = self.settings.endpoints.len();
        self.next = self.endpoint;
        match action {
            RetryAction::GiveUp => None,
            RetryAction::NextEndpoint(delivery) => {
                if !self.may_repeat(delivery) || !self.shared.spend(RETRY_COST) {
                    return None;
                }
                self.next = (self.endpoint + 1) % count;
                let all_tried = self.sent as usize >= count;
                Some(if all_tried { Backoff::after_failure(self.sent) } else { Backoff::NONE })
            }
            RetryAction::BackOff => {
                let backoff = Backoff::after_throttling(self.sent, hints.retry_after);
                self.shared.spend(THROTTLED_COST).then_some(backoff)
            }
            RetryAction::CorrectClock => {
                let learned =
                    hints.date.is_some_and(|date| self.shared.learn_offset(self.current(), sent_at, date));
                (learned && first_use(&mut self.used.clock)).then_some(Backoff::NONE)
            }
            RetryAction::NewNonce => {
                // Something below this client sent the request twice, and the first one may have been executed.
                let is_safe = self.op.effect() != Effect::Write;
                (is_safe && first_use(&mut self.used.nonce)).then_some(Backoff::NONE)
            }
            RetryAction::NewCredentials => first_use(&mut self.used.credentials).then_some(Backoff::NONE),
            RetryAction::OtherRegion => {
                self.op.session()?;
                self.unknown_at.push(self.endpoint);
                // The region that started the verification is authoritative. If it is not known, ask all: the next
                // attempt skips those in `unknown_at`.
                let origin = self.origin();
                let has_others = origin != Some(self.endpoint) && self.unknown_at.len() < count;
                self.next = origin.unwrap_or(self.endpoint);
                has_others.then_some(Backoff::NONE)
            }
        }
    }

    /// Returns whether the operation may be repeated after an attempt with this delivery status.
    fn may_repeat(&mut self, delivery: DeliveryStatus) -> bool {
        match (self.op.effect(), delivery) {
            (Effect::Read, _)
            | (_, DeliveryStatus::NotSent)
            | (Effect::HarmlessWrite, DeliveryStatus::ServerFailed) => true,
            (Effect::HarmlessWrite, DeliveryStatus::Unknown) => first_use(&mut self.used.write),
            (_, DeliveryStatus::ServerFailed | DeliveryStatus::Unknown) => false,
        }
    }

    fn origin(&self) -> Option<usize> {
        origin_of(self.op, &self.settings.endpoints, self.shared)
    }

    fn is_away_from_origin(&self) -> bool {
        self.origin().is_some_and(|origin| origin != self.endpoint)
    }

    /// Returns the endpoint of the last attempt.
    fn current(&self) -> &Endpoint {
        self.settings.endpoints.at(self.endpoint)
    }

    fn time_left(&mut self, now: Now) -> Duration {
        let begun = *self.begun.get_or_insert(now.steady);
        self.settings.deadline.saturating_sub(now.steady.saturating_sub(begun))
    }

    fn finish(&mut self, result: Result<Reply<O::Output>, Failure>) -> Step<O::Output> {
        self.state = State::Over;
        Step::Done(result.map_err(|failure| self.error(failure)))
    }

    fn error(&self, failure: Failure) -> Error {
        let maybe = self.maybe_executed || (self.sent > 0 && failure.maybe_executed());
        Error::new(self.op.action(), self.current(), self.sent, maybe, failure)
    }
}

/// Returns the index of the endpoint that started the verification of a call, if this client started it.
pub(crate) fn origin_of<O: Operation>(op: &O, endpoints: &Endpoints, shared: &SharedState) -> Option<usize> {
    let origin = shared.origin(op.session()?)?;
    endpoints.iter().position(|endpoint| *endpoint == origin)
}

/// Sets a flag and returns whether it was unset.
fn first_use(used: &mut bool) -> bool {
    !std::mem::replace(used, true)
}
