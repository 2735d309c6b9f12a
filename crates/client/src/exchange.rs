//! One call as a state machine: no I/O, no clock, no randomness.
//!
//! ```text
//!            poll                     answer
//!  Ready ───────────▶ Send ──▶ Waiting ──────▶ Settled ──▶ Done
//!    │                                            ▲
//!    └── deadline over, or it cannot be built ────┘
//! ```
//!
//! There is one attempt. Whatever repeats it (another endpoint, a new nonce, a corrected clock) goes from
//! `Waiting` back to `Ready`, by way of [`Step::Wait`].

use std::time::Duration;

use cloudauth_protocol::{
    Body, Credentials, Endpoint, Nonce, Operation, Reply, Signing, Stamp, UnixTime, parse, prepare,
};
use cloudauth_transport::{Limits, TransportError};
use http::{Request, Response};

use crate::error::{Error, Problem};

/// What an exchange goes by.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Where the call goes.
    pub endpoint: Endpoint,
    /// Which signature, and where the parameters stand.
    pub signing: Signing,
    /// What one attempt may take.
    pub limits: Limits,
    /// What the whole call may take.
    pub deadline: Duration,
}

impl Default for Settings {
    /// The main endpoint, V1 with everything in the form body, ten seconds an attempt, 25 seconds a call.
    fn default() -> Self {
        Self {
            endpoint: Endpoint::cn_shanghai(),
            signing: Signing::default(),
            limits: Limits::DEFAULT,
            deadline: Duration::from_secs(25),
        }
    }
}

/// The two clocks of one moment.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The wall clock, which is signed.
    pub wall: UnixTime,
    /// Time since the call began, by a clock that never goes back.
    pub elapsed: Duration,
}

/// Random bytes for one step, of which the nonce is made.
#[derive(Clone, Copy)]
pub struct Entropy(pub [u8; 16]);

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy")
    }
}

/// What to do next.
#[derive(Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
pub enum Step<T> {
    /// Send this request within these limits, and [`answer`](Exchange::answer) with what came of it.
    Send(Request<Body>, Limits),
    /// Wait this long, then poll again.
    Wait(Duration),
    /// The call is over.
    Done(Result<Reply<T>, Error>),
}

/// One call of one operation.
#[derive(Debug)]
pub struct Exchange<'a, O: Operation> {
    op: &'a O,
    by: &'a Credentials,
    settings: &'a Settings,
    state: State<O::Output>,
}

#[derive(Debug)]
enum State<T> {
    Ready,
    Waiting,
    Settled(Result<Reply<T>, Problem>),
    Over,
}

impl<'a, O: Operation> Exchange<'a, O> {
    /// A call that has not begun.
    pub const fn new(op: &'a O, by: &'a Credentials, settings: &'a Settings) -> Self {
        Self { op, by, settings, state: State::Ready }
    }

    /// What to do next.
    pub fn poll(&mut self, now: Now, entropy: Entropy) -> Step<O::Output> {
        if matches!(self.state, State::Ready) {
            match self.attempt(now, entropy) {
                Ok((request, limits)) => {
                    self.state = State::Waiting;
                    return Step::Send(request, limits);
                }
                Err(problem) => self.state = State::Settled(Err(problem)),
            }
        }
        let result = match std::mem::replace(&mut self.state, State::Over) {
            State::Settled(result) => result,
            // Polled without an answer, or once more after the end: there is nothing to wait for.
            State::Ready | State::Waiting | State::Over => Err(Problem::Abandoned),
        };
        Step::Done(result.map_err(|problem| Error::new(self.op.action(), &self.settings.endpoint, problem)))
    }

    fn attempt(&self, now: Now, entropy: Entropy) -> Result<(Request<Body>, Limits), Problem> {
        let left = self.settings.deadline.saturating_sub(now.elapsed);
        if left.is_zero() {
            return Err(Problem::Deadline);
        }
        let stamp = Stamp::new(now.wall, Nonce::from_entropy(entropy.0));
        let request = prepare(self.op, &self.settings.endpoint, self.by, self.settings.signing, stamp)?;
        let limits = self.settings.limits;
        Ok((request, limits.with_attempt(limits.attempt.min(left))))
    }

    /// What came of the last [`Step::Send`].
    pub fn answer(&mut self, _now: Now, answer: Result<Response<Body>, TransportError>) {
        if matches!(self.state, State::Waiting) {
            self.state = State::Settled(match answer {
                Ok(response) => parse::<O>(&response).map_err(Problem::Reply),
                Err(error) => Err(Problem::Transport(error)),
            });
        }
    }
}
