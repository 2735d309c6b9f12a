//! What the calls of one client know from each other: how the endpoints are, how far their clocks are off, how
//! much may still be repeated, and where a verification was started.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloudauth_protocol::{CertifyId, Endpoint, UnixTime};

use crate::breaker::Breaker;

/// A full budget. A retry takes [`RETRY`], a success gives one back: when everything fails, what is left is spent
/// once, and then each call is sent once.
const FULL: u32 = 500;
const RETRY: u32 = 14;
const THROTTLED: u32 = 5;
/// How many verifications' endpoints are remembered.
const SESSIONS: usize = 10_000;
/// The farthest that a clock is corrected.
const LARGEST_OFFSET: i64 = 24 * 60 * 60 * 1000;
/// A clock that is less off than this is right.
const NO_OFFSET: i64 = 60 * 1000;

/// Shared by the clones of a client. `Default` is a client that has not called yet.
#[derive(Debug)]
pub struct Memory(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    tokens: u32,
    /// Few, and so found sooner by looking at each than by a hash.
    endpoints: Vec<(Endpoint, Known)>,
    sessions: HashMap<CertifyId, Endpoint>,
    order: VecDeque<CertifyId>,
    /// By action: when the next call is due.
    due: HashMap<Box<str>, Duration>,
}

#[derive(Debug, Default)]
struct Known {
    breaker: Breaker,
    offset_millis: i64,
}

impl Default for Memory {
    fn default() -> Self {
        Self(Mutex::new(Inner {
            tokens: FULL,
            endpoints: Vec::new(),
            sessions: HashMap::new(),
            order: VecDeque::new(),
            due: HashMap::new(),
        }))
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what a retry costs; `false` if the budget does not hold as much.
    pub(crate) fn spend(&self, throttled: bool) -> bool {
        let cost = if throttled { THROTTLED } else { RETRY };
        let mut inner = self.lock();
        let left = inner.tokens.checked_sub(cost);
        inner.tokens = left.unwrap_or(inner.tokens);
        left.is_some()
    }

    /// A call succeeded.
    pub(crate) fn earn(&self) {
        let mut inner = self.lock();
        inner.tokens = (inner.tokens + 1).min(FULL);
    }

    /// How long a call of `action` has to wait so that no more than `rate` a second are made; `None` if that is not
    /// within `left`, and then it takes no turn.
    pub(crate) fn pace(&self, action: &str, rate: u32, now: Duration, left: Duration) -> Option<Duration> {
        let mut inner = self.lock();
        let due = inner.due.get(action).copied().unwrap_or_default().max(now);
        let wait = due.saturating_sub(now);
        if wait >= left {
            return None;
        }
        inner.due.insert(action.into(), due + Duration::from_secs(1) / rate.max(1));
        Some(wait)
    }

    /// The first of these endpoints that may be asked; the very first where none may, since something must be
    /// tried.
    pub(crate) fn choose<'a>(
        &self,
        wanted: impl Iterator<Item = (usize, &'a Endpoint)> + Clone,
        now: Duration,
    ) -> usize {
        let mut inner = self.lock();
        let may = wanted.clone().find(|(_, endpoint)| inner.known(endpoint).breaker.lets_through(now));
        may.or_else(|| wanted.clone().next()).map(|(at, _)| at).unwrap_or_default()
    }

    pub(crate) fn record(&self, endpoint: &Endpoint, now: Duration, well: bool) {
        self.lock().known(endpoint).breaker.record(now, well);
    }

    /// The time as an endpoint sees it.
    pub(crate) fn time_at(&self, endpoint: &Endpoint, wall: UnixTime) -> UnixTime {
        shifted(wall, self.lock().known(endpoint).offset_millis)
    }

    /// Learns from what an endpoint's `Date` said when it was `wall` here. `false` if it is too far off to be
    /// believed. A clock that is right again needs no correction.
    pub(crate) fn learn(&self, endpoint: &Endpoint, wall: UnixTime, date: UnixTime) -> bool {
        let millis = |time: UnixTime| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let offset = millis(date) - millis(wall);
        if offset.abs() > LARGEST_OFFSET {
            return false;
        }
        self.lock().known(endpoint).offset_millis = if offset.abs() < NO_OFFSET { 0 } else { offset };
        true
    }

    pub(crate) fn is_corrected(&self, endpoint: &Endpoint) -> bool {
        self.lock().known(endpoint).offset_millis != 0
    }

    /// Remembers where a verification was started.
    pub(crate) fn started(&self, session: &CertifyId, endpoint: &Endpoint) {
        let mut inner = self.lock();
        if inner.sessions.insert(session.clone(), endpoint.clone()).is_none() {
            inner.order.push_back(session.clone());
        }
        if inner.order.len() > SESSIONS
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.sessions.remove(&oldest);
        }
    }

    /// Where a verification was started, if this client started it.
    pub(crate) fn origin(&self, session: &CertifyId) -> Option<Endpoint> {
        self.lock().sessions.get(session).cloned()
    }
}

impl Inner {
    fn known(&mut self, endpoint: &Endpoint) -> &mut Known {
        let at = self.endpoints.iter().position(|(found, _)| found == endpoint).unwrap_or_else(|| {
            self.endpoints.push((endpoint.clone(), Known::default()));
            self.endpoints.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it was found there, or put there just now")]
        &mut self.endpoints[at].1
    }
}

fn shifted(time: UnixTime, millis: i64) -> UnixTime {
    let span = Duration::from_millis(millis.unsigned_abs());
    if millis < 0 {
        UnixTime::from_millis(
            time.as_millis().saturating_sub(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        )
    } else {
        time.plus(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_holds_thirty_five_retries_and_fills_by_successes() {
        let memory = Memory::default();
        assert_eq!((0..1000).filter(|_| memory.spend(false)).count(), 35);
        assert_eq!((0..1000).filter(|_| memory.spend(true)).count(), 2);
        (0..14).for_each(|_| memory.earn());
        assert!(memory.spend(false), "nothing was left, and 14 came back");
        (0..10_000).for_each(|_| memory.earn());
        assert_eq!(
            (0..1000).filter(|_| memory.spend(false)).count(),
            35,
            "it never holds more than at first"
        );
    }

    #[test]
    fn a_clock_is_corrected_by_a_day_at_most_and_left_alone_when_right() {
        let (memory, here) = (Memory::default(), UnixTime::from_secs(1_767_323_045));
        let (one, other) = (&Endpoint::cn_shanghai(), &Endpoint::cn_beijing());
        let later = |seconds: u64| here.plus(Duration::from_secs(seconds));
        assert!(memory.learn(one, here, later(3600)));
        assert_eq!((memory.time_at(one, here), memory.time_at(other, here)), (later(3600), here));
        assert!(memory.learn(one, later(7200), here));
        assert_eq!(memory.time_at(one, later(7200)), here);
        assert!(!memory.learn(one, here, later(25 * 3600)));
        assert!(memory.learn(one, here, later(5)) && !memory.is_corrected(one));
    }

    #[test]
    fn the_oldest_verifications_are_forgotten() {
        let memory = Memory::default();
        let id = |number: usize| CertifyId::new(format!("c{number}")).unwrap();
        (0..=SESSIONS).for_each(|number| memory.started(&id(number), &Endpoint::global()));
        assert_eq!((memory.origin(&id(0)), memory.origin(&id(1))), (None, Some(Endpoint::global())));
    }

    #[test]
    fn calls_are_paced_by_action() {
        let (memory, millis, left) = (Memory::default(), Duration::from_millis, Duration::from_secs(25));
        let waits: Vec<_> = (0..4).filter_map(|_| memory.pace("A", 50, millis(1000), left)).collect();
        assert_eq!(waits, [0, 20, 40, 60].map(millis));
        assert_eq!(memory.pace("B", 50, millis(1000), left), Some(Duration::ZERO));
        assert_eq!(
            memory.pace("A", 50, millis(5000), left),
            Some(Duration::ZERO),
            "what was not used is not saved up"
        );
    }

    #[test]
    fn a_call_that_cannot_wait_takes_no_turn() {
        let (memory, now) = (Memory::default(), Duration::from_secs(1));
        let left = Duration::from_millis(50);
        let through = (0..1000).filter(|_| memory.pace("A", 50, now, left).is_some()).count();
        assert_eq!(through, 3);
        assert_eq!(
            memory.pace("A", 50, now + left, left),
            Some(Duration::from_millis(10)),
            "the rest left no queue"
        );
    }
}
