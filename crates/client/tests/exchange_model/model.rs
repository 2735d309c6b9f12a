//! The exact model of an exchange: which request goes where and when, which waits are between, and how the call ends.
//!
//! It is written from the tables of the modules `retry` and `settings` and shares no code with the exchange. It favours plain
//! lists over speed: the breaker keeps every outcome.

use std::collections::HashMap;
use std::time::Duration;

use cloudauth_client::ErrorKind;

use crate::answers::{Answered, Date, Kind, Op, Row};

/// The true time at the start, in milliseconds since 1970.
pub(crate) const TRUE_START: i64 = 1_767_330_245_000;
const SECOND: Duration = Duration::from_secs(1);
const DAY_MILLIS: i64 = 86_400_000;

/// An observation of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    /// A request: its endpoint, the time and the key in it, and the limit of the attempt.
    Sent {
        endpoint: usize,
        second: i64,
        key: &'static str,
        limit: Duration,
    },
    Waited(Duration),
    Renewed,
    Ended(End),
}

/// The end of a call: a success, or what its error says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    Success,
    Error { kind: ErrorKind, endpoint: usize, attempts: usize, may_be_executed: bool, is_transient: bool },
}

/// What a renewal of the credentials returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewal {
    New,
    Unchanged,
    Failed,
}

/// The settings of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) op: Op,
    pub(crate) attempts: usize,
    pub(crate) deadline: Duration,
    pub(crate) rate: Option<u32>,
    /// The jitter: a fraction of the longest wait, 0 to 255.
    pub(crate) jitter: u8,
    /// How much longer than requested each wait takes.
    pub(crate) oversleep: Duration,
    pub(crate) renewal: Renewal,
    /// How far the wall clock is behind.
    pub(crate) behind: Duration,
}

/// What the calls of a client share.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) steady: Duration,
    budget: u32,
    endpoints: Vec<EndpointModel>,
    /// The endpoint that started the verification.
    origin: Option<usize>,
    next_call: HashMap<Op, Duration>,
}

#[derive(Clone, Debug, Default)]
struct EndpointModel {
    offset: i64,
    breaker: Breaker,
    /// The outcomes since the breaker closed: the second, and whether it was good.
    outcomes: Vec<(u64, bool)>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Breaker {
    #[default]
    Closed,
    Open(Duration),
    Probing(Duration),
}

/// What a call remembers.
struct CallModel {
    next: usize,
    sent: usize,
    corrected: bool,
    renewed_nonce: bool,
    renewed_key: bool,
    repeated: bool,
    unknown_at: Vec<usize>,
    may_be_executed: bool,
    /// The failure before the last retry.
    earlier: Option<Kind>,
}

enum Retry {
    After { longest: Duration, hint: Option<Duration> },
    Renew,
}

impl Model {
    pub(crate) fn new(endpoints: usize) -> Self {
        let endpoints = vec![EndpointModel::default(); endpoints];
        Self { steady: Duration::ZERO, budget: 500, endpoints, origin: None, next_call: HashMap::new() }
    }

    /// Predicts a call.
    pub(crate) fn call(&mut self, plan: &Plan, script: &[Answered]) -> Vec<Seen> {
        let mut seen = Vec::new();
        let end = self.run(plan, script, &mut seen);
        seen.push(Seen::Ended(end));
        seen
    }

    fn run(&mut self, plan: &Plan, script: &[Answered], seen: &mut Vec<Seen>) -> End {
        let ends_at = self.steady + plan.deadline;
        let home = self.origin.filter(|_| plan.op == Op::Read);
        let mut call = CallModel {
            next: home.unwrap_or(0),
            sent: 0,
            corrected: false,
            renewed_nonce: false,
            renewed_key: false,
            repeated: false,
            unknown_at: Vec::new(),
            may_be_executed: false,
            earlier: None,
        };
        let mut key = "testid";
        let mut endpoint = call.next;
        if let Some(rate) = plan.rate {
            let slot = self.next_call.get(&plan.op).copied().unwrap_or_default().max(self.steady);
            if slot >= ends_at {
                return deadline(endpoint, &call);
            }
            self.next_call.insert(plan.op, slot + SECOND / rate);
            self.wait(plan, slot - self.steady, seen);
        }
        loop {
            if self.steady >= ends_at {
                return call
                    .earlier
                    .map_or_else(|| deadline(endpoint, &call), |kind| error(kind, endpoint, &call));
            }
            endpoint = self.choose(&call);
            let limit = Duration::from_secs(10).min(ends_at - self.steady);
            let signed = self.wall(plan);
            let second = (signed + self.endpoints[endpoint].offset).div_euclid(1000);
            seen.push(Seen::Sent { endpoint, second, key, limit });
            let answered = script[call.sent.min(script.len() - 1)];
            call.sent += 1;
            self.steady += answered.took.min(limit);
            let received = self.wall(plan);
            let offset = self.date(answered).map(|date| date - (signed + (received - signed) / 2));
            if let Some(offset) = offset.filter(|_| self.endpoints[endpoint].offset != 0) {
                self.learn(endpoint, offset);
            }
            let kind = answered.kind;
            let Some(row) = kind.row() else {
                self.record(endpoint, true);
                self.budget = (self.budget + 1).min(500);
                if plan.op == Op::Start {
                    self.origin = Some(endpoint);
                }
                return End::Success;
            };
            let is_its_fault = matches!(row, Row::NotSent | Row::MaybeExecuted | Row::ServerFailed);
            self.record(endpoint, !is_its_fault);
            call.may_be_executed |= kind.may_be_executed();
            match self.retry(plan, row, endpoint, offset, home, &mut call) {
                None if row == Row::UnknownVerification && home.is_some_and(|home| home != endpoint) => {
                    return error(call.earlier.unwrap_or(kind), endpoint, &call);
                }
                None => return error(kind, endpoint, &call),
                Some(Retry::Renew) => {
                    seen.push(Seen::Renewed);
                    match plan.renewal {
                        Renewal::New => key = "renewed",
                        Renewal::Unchanged => return error(kind, endpoint, &call),
                        Renewal::Failed => {
                            return End::Error {
                                kind: ErrorKind::Credentials,
                                endpoint,
                                attempts: call.sent,
                                may_be_executed: call.may_be_executed,
                                is_transient: false,
                            };
                        }
                    }
                }
                Some(Retry::After { longest, hint }) => {
                    let share = u64::from_be_bytes([plan.jitter; 8]) as f64 / u64::MAX as f64;
                    let drawn = longest.mul_f64(share);
                    let wait = hint.map_or(drawn, |hint| hint.max(drawn).min(drawn + 5 * SECOND));
                    if self.steady + wait >= ends_at {
                        return error(kind, endpoint, &call);
                    }
                    self.wait(plan, wait, seen);
                }
            }
            call.earlier = Some(kind);
        }
    }

    /// The retry table.
    fn retry(
        &mut self,
        plan: &Plan,
        row: Row,
        endpoint: usize,
        offset: Option<i64>,
        home: Option<usize>,
        call: &mut CallModel,
    ) -> Option<Retry> {
        const NOW: Retry = Retry::After { longest: Duration::ZERO, hint: None };
        if call.sent >= plan.attempts {
            return None;
        }
        let count = self.endpoints.len();
        let doublings = 1 << (call.sent - 1);
        let longest = |base: u64| Duration::from_millis(base * doublings).min(20 * SECOND);
        match row {
            Row::Final => None,
            Row::NotSent | Row::MaybeExecuted | Row::ServerFailed => {
                let allowed = match (plan.op, row) {
                    (Op::Read, _) | (_, Row::NotSent) | (Op::Start, Row::ServerFailed) => true,
                    (Op::Start, _) => !std::mem::replace(&mut call.repeated, true),
                    (Op::Write, _) => false,
                };
                if !allowed || !self.pay(14) {
                    return None;
                }
                call.next = (endpoint + 1) % count;
                let longest = if call.sent < count { Duration::ZERO } else { longest(500) };
                Some(Retry::After { longest, hint: None })
            }
            Row::Throttled(hint) => {
                call.next = endpoint;
                self.pay(5).then(|| Retry::After { longest: longest(200), hint })
            }
            Row::ClockWrong => {
                call.next = endpoint;
                let learned = self.learn(endpoint, offset?);
                (learned && !std::mem::replace(&mut call.corrected, true)).then_some(NOW)
            }
            Row::NonceUsed => {
                call.next = endpoint;
                let again = plan.op != Op::Write && !std::mem::replace(&mut call.renewed_nonce, true);
                again.then_some(NOW)
            }
            Row::TokenExpired => {
                call.next = endpoint;
                (!std::mem::replace(&mut call.renewed_key, true)).then_some(Retry::Renew)
            }
            Row::UnknownVerification if plan.op != Op::Read => None,
            Row::UnknownVerification => {
                call.unknown_at.push(endpoint);
                call.next = home.unwrap_or((endpoint + 1) % count);
                (home != Some(endpoint) && call.unknown_at.len() < count).then_some(NOW)
            }
        }
    }

    fn pay(&mut self, cost: u32) -> bool {
        let can_pay = self.budget >= cost;
        self.budget -= if can_pay { cost } else { 0 };
        can_pay
    }

    fn wait(&mut self, plan: &Plan, wait: Duration, seen: &mut Vec<Seen>) {
        if wait > Duration::ZERO {
            seen.push(Seen::Waited(wait));
            self.steady += wait + plan.oversleep;
        }
    }

    /// The endpoint of the next attempt: the first whose breaker admits it, from the preferred one on.
    fn choose(&mut self, call: &CallModel) -> usize {
        let count = self.endpoints.len();
        let all: Vec<_> = (0..count).map(|step| (call.next + step) % count).collect();
        let asked: Vec<_> = all.into_iter().filter(|index| !call.unknown_at.contains(index)).collect();
        let now = self.steady;
        let admits = |index: &usize| match self.endpoints[*index].breaker {
            Breaker::Closed => true,
            Breaker::Open(since) | Breaker::Probing(since) => now >= since + 30 * SECOND,
        };
        let Some(admitted) = asked.iter().copied().find(admits) else { return asked[0] };
        if !matches!(self.endpoints[admitted].breaker, Breaker::Closed) {
            self.endpoints[admitted].breaker = Breaker::Probing(now);
        }
        admitted
    }

    /// The circuit breaker: 5 failures and half of all in 30 s open it for 30 s; then a probe decides.
    fn record(&mut self, endpoint: usize, is_good: bool) {
        let (now, endpoint) = (self.steady, &mut self.endpoints[endpoint]);
        match (endpoint.breaker, is_good) {
            (Breaker::Closed, _) => {}
            (_, true) => (endpoint.breaker, endpoint.outcomes) = (Breaker::Closed, Vec::new()),
            (Breaker::Probing(_), false) => endpoint.breaker = Breaker::Open(now),
            // Sent because no endpoint admitted it.
            (Breaker::Open(_), false) => {}
        }
        endpoint.outcomes.push((now.as_secs(), is_good));
        let recent = endpoint.outcomes.iter().filter(|(second, _)| second + 30 > now.as_secs());
        let (good, bad): (Vec<bool>, Vec<bool>) =
            recent.map(|(_, is_good)| *is_good).partition(|is_good| *is_good);
        if !is_good
            && matches!(endpoint.breaker, Breaker::Closed)
            && bad.len() >= 5
            && bad.len() >= good.len()
        {
            endpoint.breaker = Breaker::Open(now);
        }
    }

    /// The wall clock, in milliseconds since 1970.
    fn wall(&self, plan: &Plan) -> i64 {
        self.true_time() - millis(plan.behind)
    }

    fn true_time(&self) -> i64 {
        TRUE_START + millis(self.steady)
    }

    /// The time in a response that can be trusted.
    pub(crate) fn date(&self, answered: Answered) -> Option<i64> {
        let second = self.true_time().div_euclid(1000) * 1000;
        match answered.date {
            _ if !answered.kind.is_response() => None,
            Date::Missing | Date::Cached => None,
            Date::Right => Some(second),
            Date::TwoDaysAhead => Some(second + 2 * DAY_MILLIS),
        }
    }

    /// Learns a clock offset, unless it is implausible.
    fn learn(&mut self, endpoint: usize, offset: i64) -> bool {
        let is_plausible = offset.abs() <= DAY_MILLIS;
        if is_plausible {
            self.endpoints[endpoint].offset = if offset.abs() < 60_000 { 0 } else { offset };
        }
        is_plausible
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap()
}

/// The error of a call whose time ended before a request could be sent.
fn deadline(endpoint: usize, call: &CallModel) -> End {
    End::Error {
        kind: ErrorKind::Deadline,
        endpoint,
        attempts: call.sent,
        may_be_executed: call.may_be_executed,
        is_transient: true,
    }
}

/// The error of a call that ends with an answer.
fn error(kind: Kind, endpoint: usize, call: &CallModel) -> End {
    let is_final = matches!(kind.row(), Some(Row::Final | Row::TokenExpired | Row::UnknownVerification));
    End::Error {
        kind: kind.error(),
        endpoint,
        attempts: call.sent,
        may_be_executed: call.may_be_executed,
        is_transient: !is_final,
    }
}
