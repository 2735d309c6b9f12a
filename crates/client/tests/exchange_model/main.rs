//! The exchange against an exact model: every request, wait and result, over random scripts and over every short one.

#![cfg(test)]

mod answers;
mod model;
#[path = "../world/mod.rs"]
mod world;

use std::time::{Duration, UNIX_EPOCH};

use cloudauth_client::credentials::ProvideError;
use cloudauth_client::{Endpoints, Error, Exchange, Executed, Settings, Step};
use cloudauth_protocol::{Body, Credentials, Effect, Endpoint, Operation, RawOperation, Reply};
use http::Request;
use proptest::prelude::*;

use answers::{Answered, Date, Kind, Op};
use model::{End, Model, Plan, Renewal, Seen, TRUE_START};
use world::{World, describe, init, seconds};

/// The endpoints of a test, at most three.
fn endpoints(count: usize) -> Vec<Endpoint> {
    let all = [Endpoint::cn_shanghai(), Endpoint::cn_beijing(), Endpoint::global()];
    all.into_iter().take(count).collect()
}

/// The exchange of one client, and its model.
struct Pair {
    world: World,
    model: Model,
    endpoints: Vec<Endpoint>,
}

impl Pair {
    fn new(count: usize) -> Self {
        let endpoints = endpoints(count);
        let mut world = World::new();
        world.settings.endpoints = Endpoints::new(endpoints.clone()).unwrap();
        Self { world, model: Model::new(count), endpoints }
    }

    fn idle(&mut self, time: Duration) {
        self.world.steady += time;
        self.model.steady += time;
    }

    /// Makes a call with both, and returns what each shows.
    fn call(&mut self, plan: &Plan, script: &[Answered]) -> (Vec<Seen>, Vec<Seen>) {
        let world = &mut self.world;
        let Settings { attempts, deadline, rate, .. } = &mut world.settings;
        (*attempts, *deadline, *rate) = (u32::try_from(plan.attempts).unwrap(), plan.deadline, plan.rate);
        (world.jitter, world.oversleep, world.behind) = (plan.jitter, plan.oversleep, plan.behind);
        let seen = match plan.op {
            Op::Read => self.run(&describe(), plan, script),
            Op::Start => self.run(&init(), plan, script),
            Op::Write => self.run(&RawOperation::new("Id2MetaVerify", Effect::Write).unwrap(), plan, script),
        };
        (seen, self.model.call(plan, script))
    }

    fn run<O: Operation>(&mut self, op: &O, plan: &Plan, script: &[Answered]) -> Vec<Seen> {
        let by = |id: &str| Credentials::new(id, "testsecret").unwrap();
        let (world, endpoints) = (&mut self.world, &self.endpoints);
        let settings = world.settings.clone();
        let shared = std::mem::take(&mut world.shared);
        let (mut seen, mut sent) = (Vec::new(), 0);
        let first = by("testid");
        let mut exchange = Exchange::new(op, &first, &settings, &shared);
        loop {
            let entropy = world.entropy();
            match exchange.poll(world.now(), entropy) {
                Step::Send(request, limits) => {
                    seen.push(sent_request(&request.into_http(), endpoints, limits.attempt));
                    let answered = script[sent.min(script.len() - 1)];
                    sent += 1;
                    world.steady += answered.took.min(limits.attempt);
                    exchange.answer(world.now(), on_the_wire(answered, plan.op, world.steady));
                }
                Step::Wait(time) => {
                    seen.push(Seen::Waited(time));
                    world.steady += time + world.oversleep;
                }
                Step::RenewCredentials => {
                    seen.push(Seen::Renewed);
                    exchange.set_credentials(match plan.renewal {
                        Renewal::New => Ok(by("renewed")),
                        Renewal::Unchanged => Ok(by("testid")),
                        Renewal::Failed => Err(ProvideError::new("test", "no credentials")),
                    });
                }
                Step::Done(result) => {
                    seen.push(Seen::Ended(end(&result, endpoints)));
                    break;
                }
                _ => panic!("unexpected step"),
            }
        }
        drop(exchange);
        world.shared = shared;
        seen
    }
}

fn on_the_wire(answered: Answered, op: Op, steady: Duration) -> world::Answer {
    let now = UNIX_EPOCH + Duration::from_millis(TRUE_START.unsigned_abs()) + steady;
    let right = httpdate::fmt_http_date(now);
    let ahead = httpdate::fmt_http_date(now + 2 * seconds(86_400));
    let mut headers = match answered.date {
        Date::Missing => vec![],
        Date::Right => vec![("date", right.as_str())],
        Date::Cached => vec![("date", right.as_str()), ("age", "7")],
        Date::TwoDaysAhead => vec![("date", ahead.as_str())],
    };
    let hint = match answered.kind {
        Kind::Throttled(Some(hint)) => hint.to_string(),
        _ => String::new(),
    };
    if !hint.is_empty() {
        headers.push(("x-acs-retry-after", &hint));
    }
    answered.kind.answer(op, &headers)
}

/// What a request shows: where it goes, its time in seconds since 1970, its key, and its limit.
fn sent_request(request: &Request<Body>, endpoints: &[Endpoint], limit: Duration) -> Seen {
    let body = std::str::from_utf8(request.body().as_bytes()).unwrap();
    let field = |name: &str| body.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap();
    // All times of these tests are in January 2026.
    let time = field("Timestamp=2026-01-").replace("%3A", "T").replace('Z', "");
    let parts: Vec<i64> = time.split('T').map(|part| part.parse().unwrap()).collect();
    let second = 1_767_225_600 + (parts[0] - 1) * 86_400 + parts[1] * 3_600 + parts[2] * 60 + parts[3];
    let key = if field("AccessKeyId=") == "renewed" { "renewed" } else { "testid" };
    Seen::Sent { endpoint: index(request.uri().host().unwrap(), endpoints), second, key, limit }
}

fn index(host: &str, endpoints: &[Endpoint]) -> usize {
    endpoints.iter().position(|endpoint| endpoint.host() == host).unwrap()
}

fn end<T>(result: &Result<Reply<T>, Error>, endpoints: &[Endpoint]) -> End {
    match result {
        Ok(_) => End::Success,
        Err(error) => End::Error {
            kind: error.kind(),
            endpoint: index(error.host(), endpoints),
            attempts: error.attempts() as usize,
            may_be_executed: error.executed() == Executed::Maybe,
            is_transient: error.is_transient(),
        },
    }
}

const DEFAULT: Plan = Plan {
    op: Op::Read,
    attempts: 3,
    deadline: Duration::from_secs(25),
    rate: None,
    jitter: 255,
    oversleep: Duration::ZERO,
    renewal: Renewal::New,
    behind: Duration::from_secs(7_200),
};

fn any_answer() -> impl Strategy<Value = Answered> {
    let kind = prop_oneof![1 => Just(Kind::Success), 2 => prop::sample::select(&Kind::ALL[..])];
    let date = prop_oneof![
        1 => Just(Date::Missing),
        3 => Just(Date::Right),
        1 => Just(Date::Cached),
        1 => Just(Date::TwoDaysAhead)
    ];
    (kind, date, 0..12_000_u64).prop_map(|(kind, date, took)| Answered {
        kind,
        date,
        took: Duration::from_millis(took),
    })
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let op = prop::sample::select(&[Op::Read, Op::Start, Op::Write][..]);
    let renewal = prop::sample::select(&[Renewal::New, Renewal::Unchanged, Renewal::Failed][..]);
    let rate = prop_oneof![3 => Just(None), 1 => (1..4_u32).prop_map(Some)];
    let oversleep = prop_oneof![2 => Just(0), 1 => 0..3_000_u64];
    let behind = prop_oneof![Just(0), Just(30), Just(7_200)];
    (op, 0..6_usize, 0..30_u64, rate, any::<u8>(), oversleep, renewal, behind).prop_map(
        |(op, attempts, deadline, rate, jitter, oversleep, renewal, behind)| Plan {
            op,
            attempts,
            deadline: seconds(deadline),
            rate,
            jitter,
            oversleep: Duration::from_millis(oversleep),
            renewal,
            behind: seconds(behind),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Many calls of one client, so that breakers open and close, the budget runs out, and offsets are learned and dropped.
    #[test]
    fn calls_match_the_model_in_every_step(
        count in 1..=3_usize,
        calls in prop::collection::vec(
            (any_plan(), prop::collection::vec(any_answer(), 1..7), prop_oneof![0..3_000_u64, 0..40_000_u64]),
            1..40,
        ),
    ) {
        let mut pair = Pair::new(count);
        for (plan, script, idle) in &calls {
            let (seen, expected) = pair.call(plan, script);
            prop_assert_eq!(seen, expected);
            prop_assert_eq!(pair.world.steady, pair.model.steady);
            pair.idle(Duration::from_millis(*idle));
        }
    }
}

/// Every answer, then every two rows of the retry table, for each effect and number of endpoints, with a new client.
#[test]
fn every_script_of_three_answers_matches_the_model() {
    let took = Duration::from_millis(20);
    let answer = |kind| Answered { kind, date: Date::Right, took };
    let scripts = Kind::ALL.iter().flat_map(|first| {
        let rest = Kind::ROWS.iter().flat_map(|second| Kind::ROWS.iter().map(move |third| (second, third)));
        rest.map(move |(second, third)| [*first, *second, *third])
    });
    for script in scripts {
        let script = script.map(answer);
        for (op, count) in [(Op::Read, 2), (Op::Start, 2), (Op::Write, 2), (Op::Read, 3)] {
            let mut pair = Pair::new(count);
            let (seen, expected) = pair.call(&Plan { op, ..DEFAULT }, &script);
            assert_eq!(seen, expected, "{op:?} with {count} endpoints after {script:?}");
        }
    }
}

/// A nonce that repeats is refused by the service: over all attempts of many calls, none does.
#[test]
fn no_nonce_is_used_twice() {
    let mut world = World::new();
    let mut nonces = std::collections::HashSet::new();
    for _ in 0..50 {
        let call = world.call(&describe(), |_, _| (seconds(1), world::lost(cloudauth_transport::Sent::No)));
        assert!(call.nonces.into_iter().all(|nonce| nonces.insert(nonce)));
    }
    assert!(nonces.len() > 50);
}

/// The scripts reach what is rare: an exhausted budget, an open breaker, a learned offset, a deadline.
#[test]
fn a_long_outage_matches_the_model() {
    let mut pair = Pair::new(2);
    let answered = |kind, took| Answered { kind, date: Date::Right, took: seconds(took) };
    let mut attempts = Vec::new();
    for number in 0..200 {
        let script = if number < 120 {
            [answered(Kind::NotSent, number % 3), answered(Kind::BadGateway, 1)]
        } else {
            [answered(Kind::Success, 0), answered(Kind::Success, 0)]
        };
        let (seen, expected) = pair.call(&DEFAULT, &script);
        assert_eq!(seen, expected, "call {number}");
        attempts.push(seen.iter().filter(|seen| matches!(seen, Seen::Sent { .. })).count());
    }
    assert_eq!((attempts[0], attempts[119]), (3, 1), "the budget runs out");
}
