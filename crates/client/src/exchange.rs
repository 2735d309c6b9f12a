//! One call, many attempts, as a state machine: no I/O, no clock, no randomness.
//!
//! ```text
//!              poll: sign                 answer
//!   Ready ────────────────────▶ Sent ───────────────▶ Settled ──poll──▶ Over
//!     ▲  ▲                        │ may be repeated      ▲
//!     │  ├──── at once ───────────┤                      │
//!     │  └──── renewed ─ Renewing ◀┤ token expired ──────▶│ no others
//!     │                           ▼                      │
//!     └──────── poll ───────── Resting ── too late ──────┘
//! ```
//!
//! *Ready* signs with a new nonce and time, and picks an endpoint that is well. What may be repeated, and where, is the
//! table in `verdict.rs`; a repetition goes at once to the next endpoint or, where there is none or the answer was "too
//! fast", after a wait (*Resting*). Nothing is waited for beyond the call's deadline: the last failure is then the call's.

use std::time::Duration;

use cloudauth_protocol::{
    Body, Credentials, Effect, Endpoint, Nonce, Operation, Reply, Stamp, UnixTime, parse, prepare,
};
use cloudauth_transport::{Limits, TransportError};
use http::{Request, Response};

use crate::credentials::{ProvideError, same};
use crate::error::{Error, Problem};
use crate::memory::Memory;
use crate::settings::Settings;
use crate::verdict::{self, Fate, Verdict};

/// The two clocks of one moment.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The wall clock, which is signed.
    pub wall: UnixTime,
    /// A clock that never goes back, since any point that all calls of the client share.
    pub steady: Duration,
}

/// Random bytes for one step: 16 for a nonce, 8 for a wait.
#[derive(Clone, Copy)]
pub struct Entropy(pub [u8; 24]);

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy")
    }
}

impl Entropy {
    pub(crate) fn nonce(self) -> Nonce {
        Nonce::from_entropy(*self.0.first_chunk().unwrap_or(&[0; 16]))
    }

    /// A part of `longest`, all parts alike.
    fn part_of(self, longest: Duration) -> Duration {
        let number = u64::from_be_bytes(*self.0.last_chunk().unwrap_or(&[0; 8]));
        longest.mul_f64(number as f64 / u64::MAX as f64)
    }
}

/// What to do next. `Debug` does not show the request, whose URL holds personal data under some signatures.
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
pub enum Step<T> {
    /// Send this request within these limits, and [`answer`](Exchange::answer) with what came of it.
    Send(Request<Body>, Limits),
    /// Wait this long, then poll again.
    Wait(Duration),
    /// The credentials have expired: get others, and tell by [`renewed`](Exchange::renewed).
    Renew,
    /// The call is over.
    Done(Result<Reply<T>, Error>),
}

impl<T: std::fmt::Debug> std::fmt::Debug for Step<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Send(request, limits) => {
                write!(
                    f,
                    "Send({} to {}, {limits:?})",
                    request.method(),
                    request.uri().host().unwrap_or_default()
                )
            }
            Self::Wait(time) => write!(f, "Wait({time:?})"),
            Self::Renew => f.write_str("Renew"),
            Self::Done(result) => f.debug_tuple("Done").field(result).finish(),
        }
    }
}

/// One call of one operation.
#[derive(Debug)]
pub struct Exchange<'a, O: Operation> {
    op: &'a O,
    by: Credentials,
    settings: &'a Settings,
    memory: &'a Memory,
    state: State<O::Output>,
    begun: Option<Duration>,
    sent: u32,
    /// The endpoint of the last attempt, and the one that the next should begin with.
    endpoint: usize,
    next: usize,
    /// What is done once a call at most.
    done: Once,
    /// The endpoints that said 406.
    unknown_at: Vec<usize>,
    /// Whether the limiter has let it through.
    paced: bool,
    /// How the attempt before failed, and whether any may have been executed.
    last: Option<Problem>,
    maybe_executed: bool,
}

#[derive(Debug, Default)]
struct Once {
    learnt_time: bool,
    new_nonce: bool,
    new_credentials: bool,
    repeated_write: bool,
}

/// How long to wait before the next attempt.
#[derive(Clone, Copy, Debug)]
struct Rest {
    /// The own wait is drawn from between nothing and this.
    longest: Duration,
    /// What the server asked for; followed from the own wait on, and five seconds beyond at most.
    hint: Option<Duration>,
}

impl Rest {
    const NONE: Self = Self { longest: Duration::ZERO, hint: None };

    fn draw(self, entropy: Entropy) -> Duration {
        let own = entropy.part_of(self.longest);
        self.hint.map_or(own, |hint| hint.clamp(own, own + Settings::HINT_BEYOND))
    }
}

#[derive(Debug)]
enum State<T> {
    Ready,
    Sent {
        wall: UnixTime,
    },
    Resting(Rest, Problem),
    /// Other credentials are wanted; the flag says whether they were asked for.
    Renewing(bool, Problem),
    Settled(Result<Reply<T>, Problem>),
    Over,
}

impl<'a, O: Operation> Exchange<'a, O> {
    /// A call that has not begun.
    pub fn new(op: &'a O, by: &Credentials, settings: &'a Settings, memory: &'a Memory) -> Self {
        let mut exchange = Self {
            op,
            by: by.clone(),
            settings,
            memory,
            state: State::Ready,
            begun: None,
            sent: 0,
            endpoint: 0,
            next: 0,
            done: Once::default(),
            unknown_at: Vec::new(),
            paced: settings.rate.is_none(),
            last: None,
            maybe_executed: false,
        };
        // A verification is asked about where it was started.
        exchange.next = exchange.origin().unwrap_or_default();
        exchange.endpoint = exchange.next;
        exchange
    }

    /// What to do next.
    pub fn poll(&mut self, now: Now, entropy: Entropy) -> Step<O::Output> {
        let left = self.left(now);
        match std::mem::replace(&mut self.state, State::Over) {
            State::Ready if !self.paced => {
                (self.paced, self.state) = (true, State::Ready);
                let rate = self.settings.rate.unwrap_or(u32::MAX);
                match self.memory.pace(self.op.action(), rate, now.steady, left) {
                    None => self.finish(Err(Problem::Deadline)),
                    Some(Duration::ZERO) => self.poll(now, entropy),
                    Some(wait) => Step::Wait(wait),
                }
            }
            State::Ready => match self.attempt(now, entropy, left) {
                Ok(step) => step,
                Err(problem) => self.finish(Err(problem)),
            },
            State::Resting(rest, problem) => {
                let wait = rest.draw(entropy);
                if wait >= left {
                    return self.finish(Err(problem));
                }
                (self.state, self.last) = (State::Ready, Some(problem));
                if wait.is_zero() { self.poll(now, entropy) } else { Step::Wait(wait) }
            }
            State::Renewing(false, problem) => {
                self.state = State::Renewing(true, problem);
                Step::Renew
            }
            State::Renewing(true, problem) => self.finish(Err(problem)),
            State::Settled(result) => self.finish(result),
            // Polled without an answer, or once more after the end: there is nothing to wait for.
            State::Sent { .. } | State::Over => self.finish(Err(Problem::Abandoned)),
        }
    }

    /// What came of the last [`Step::Renew`]. The same credentials once more help nothing: then the call ends as it was
    /// refused.
    pub fn renewed(&mut self, credentials: Result<Credentials, ProvideError>) {
        if let State::Renewing(_, problem) = std::mem::replace(&mut self.state, State::Over) {
            self.state = match credentials {
                Ok(others) if !same(&others, &self.by) => {
                    (self.by, self.last) = (others, Some(problem));
                    State::Ready
                }
                Ok(_) => State::Settled(Err(problem)),
                Err(error) => State::Settled(Err(Problem::Credentials(error))),
            };
        }
    }

    /// The same call, which began then: its time is counted from there.
    pub(crate) fn since(mut self, begun: Now) -> Self {
        self.begun = Some(begun.steady);
        self
    }

    /// What it signs with.
    pub(crate) fn credentials(&self) -> &Credentials {
        &self.by
    }

    /// Whether the next step draws on entropy: to send, or to rest for a while.
    pub(crate) fn wants_entropy(&self) -> bool {
        matches!(self.state, State::Ready | State::Resting(..))
    }

    /// The error of a call for which the system gives no random bytes.
    pub(crate) fn without_entropy(&self, error: getrandom::Error) -> Error {
        self.error(Problem::Entropy(error))
    }

    fn error(&self, problem: Problem) -> Error {
        let maybe = self.maybe_executed || (self.sent > 0 && problem.maybe_executed());
        Error::new(self.op.action(), self.current(), self.sent, maybe, problem)
    }

    /// Why the attempt before the last one failed, if the call was retried.
    #[cfg(feature = "tracing")]
    pub(crate) fn retried(&self) -> Option<&Problem> {
        self.last.as_ref()
    }

    /// The endpoint of the last attempt and the number of attempts, for logs.
    #[must_use]
    pub fn progress(&self) -> (&Endpoint, u32) {
        (self.current(), self.sent)
    }

    fn left(&mut self, now: Now) -> Duration {
        let begun = *self.begun.get_or_insert(now.steady);
        self.settings.deadline.saturating_sub(now.steady.saturating_sub(begun))
    }

    fn finish(&mut self, result: Result<Reply<O::Output>, Problem>) -> Step<O::Output> {
        self.state = State::Over;
        Step::Done(result.map_err(|problem| self.error(problem)))
    }

    /// The endpoint of the last attempt.
    fn current(&self) -> &Endpoint {
        self.settings.endpoints.at(self.endpoint)
    }

    fn attempt(&mut self, now: Now, entropy: Entropy, left: Duration) -> Result<Step<O::Output>, Problem> {
        if left.is_zero() {
            return Err(self.last.take().unwrap_or(Problem::Deadline));
        }
        let count = self.settings.endpoints.len();
        let (first, refused) = (self.next, &self.unknown_at);
        let wanted = (0..count).map(|further| (first + further) % count).filter(|at| !refused.contains(at));
        let wanted = wanted.map(|at| (at, self.settings.endpoints.at(at)));
        self.endpoint = self.memory.choose(wanted, now.steady);
        let stamp = Stamp::new(self.memory.time_at(self.current(), now.wall), entropy.nonce());
        let request = prepare(self.op, self.current(), &self.by, self.settings.signing, stamp)?;
        self.sent += 1;
        self.state = State::Sent { wall: now.wall };
        let limits = self.settings.limits;
        Ok(Step::Send(request, limits.with_attempt(limits.attempt.min(left))))
    }

    /// What came of the last [`Step::Send`].
    pub fn answer(&mut self, now: Now, answer: Result<Response<Body>, TransportError>) {
        let State::Sent { wall } = std::mem::replace(&mut self.state, State::Over) else { return };
        let midpoint = wall.plus(now.wall.since(wall) / 2);
        let (problem, verdict, hints) = match answer {
            Err(error) => {
                let verdict = verdict::of_transport(&error);
                (Problem::Transport(error), verdict, Hints::default())
            }
            Ok(response) => {
                let hints = Hints::of(&response);
                // A clock that was corrected is looked at again with every answer.
                if let Some(date) = hints.date
                    && self.memory.is_corrected(self.current())
                {
                    self.memory.learn(self.current(), midpoint, date);
                }
                match parse::<O>(&response) {
                    Ok(reply) => {
                        self.memory.record(self.current(), now.steady, true);
                        self.memory.earn();
                        if let Some(session) = O::started(&reply.output) {
                            self.memory.started(session, self.current());
                        }
                        self.state = State::Settled(Ok(reply));
                        return;
                    }
                    Err(error) => {
                        let verdict = verdict::of_reply(&error);
                        (Problem::Reply(error), verdict, hints)
                    }
                }
            }
        };
        self.memory.record(self.current(), now.steady, verdict.endpoint_is_well());
        self.maybe_executed |= problem.maybe_executed();
        self.state = match self.repetition(verdict, hints, midpoint) {
            Some(_) if verdict == Verdict::NewCredentials => State::Renewing(false, problem),
            Some(rest) => State::Resting(rest, problem),
            // What another region than the verification's does not know says less than what came before.
            None if verdict == Verdict::OtherRegion && self.is_elsewhere() => {
                State::Settled(Err(self.last.take().unwrap_or(problem)))
            }
            None => State::Settled(Err(problem)),
        };
    }

    /// Whether the call is to be sent again, and after how long.
    fn repetition(&mut self, verdict: Verdict, hints: Hints, sent_at: UnixTime) -> Option<Rest> {
        if self.sent >= self.settings.attempts {
            return None;
        }
        let count = self.settings.endpoints.len();
        match verdict {
            Verdict::Final => None,
            Verdict::NextEndpoint(fate) => {
                let may = match (self.op.effect(), fate) {
                    (Effect::Read, _) | (_, Fate::NotSent) | (Effect::HarmlessWrite, Fate::Failed) => true,
                    (Effect::HarmlessWrite, Fate::Unknown) => {
                        !std::mem::replace(&mut self.done.repeated_write, true)
                    }
                    (_, Fate::Failed | Fate::Unknown) => false,
                };
                if !may || !self.memory.spend(false) {
                    return None;
                }
                self.next = (self.endpoint + 1) % count;
                // Another endpoint need not be waited for, until all have been asked.
                let another = (self.sent as usize) < count;
                Some(if another {
                    Rest::NONE
                } else {
                    Rest { longest: self.backoff(Settings::BACKOFF), hint: None }
                })
            }
            Verdict::BackOff => {
                self.next = self.endpoint;
                let longest = self.backoff(Settings::THROTTLE_BACKOFF);
                self.memory.spend(true).then_some(Rest { longest, hint: hints.retry_after })
            }
            Verdict::LearnTime => {
                let learnt = hints.date.is_some_and(|date| self.memory.learn(self.current(), sent_at, date));
                self.next = self.endpoint;
                (learnt && !std::mem::replace(&mut self.done.learnt_time, true)).then_some(Rest::NONE)
            }
            Verdict::NewNonce => {
                self.next = self.endpoint;
                // Something below sent it twice, and the first may have been executed.
                (self.op.effect() != Effect::Write && !std::mem::replace(&mut self.done.new_nonce, true))
                    .then_some(Rest::NONE)
            }
            Verdict::NewCredentials => {
                self.next = self.endpoint;
                (!std::mem::replace(&mut self.done.new_credentials, true)).then_some(Rest::NONE)
            }
            Verdict::OtherRegion => {
                self.op.session()?;
                self.unknown_at.push(self.endpoint);
                let origin = self.origin();
                // Who started it is believed; where that is not known, all are asked.
                let others = origin != Some(self.endpoint) && self.unknown_at.len() < count;
                self.next = origin.unwrap_or((self.endpoint + 1) % count);
                others.then_some(Rest::NONE)
            }
        }
    }

    /// Which of the endpoints the verification was started at, if this client knows.
    fn origin(&self) -> Option<usize> {
        let origin = self.memory.origin(self.op.session()?)?;
        self.settings.endpoints.iter().position(|endpoint| *endpoint == origin)
    }

    fn is_elsewhere(&self) -> bool {
        self.origin().is_some_and(|origin| origin != self.endpoint)
    }

    /// The longest wait before the next attempt.
    fn backoff(&self, base: Duration) -> Duration {
        let doublings = self.sent.saturating_sub(1).min(10);
        (base * 2_u32.pow(doublings)).min(Settings::LONGEST_BACKOFF)
    }
}

/// What the headers of an answer say beside its body.
#[derive(Clone, Copy, Debug, Default)]
struct Hints {
    date: Option<UnixTime>,
    retry_after: Option<Duration>,
}

impl Hints {
    fn of(response: &Response<Body>) -> Self {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        // An answer out of a cache has the date of when it was put there.
        let date = header("date").filter(|_| header("age").is_none());
        Self {
            date: date.and_then(|date| httpdate::parse_http_date(date).ok()).map(UnixTime::from),
            retry_after: header("x-acs-retry-after")
                .and_then(|text| text.parse().ok())
                .map(Duration::from_millis),
        }
    }
}
