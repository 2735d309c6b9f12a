//! The exchange under fire: every rule by scenario and by model, with a clock that the test moves and no socket.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::HashSet;
use std::time::Duration;

use cloudauth_client::{Entropy, Error, Exchange, Memory, Now, Settings, Step};
use cloudauth_protocol::{
    Body, CertName, CertNo, CertifyId, Credentials, DescribeFaceVerify, Identity, InitFaceVerify, MetaInfo,
    Operation, OuterOrderNo, Reply, ReturnUrl, SceneId, UnixTime,
};
use cloudauth_transport::{Sent, TransportError, TransportErrorKind};
use http::{Request, Response};
use proptest::prelude::*;

type Answer = Result<Response<Body>, TransportError>;

const SHANGHAI: &str = "cloudauth.cn-shanghai.aliyuncs.com";
const BEIJING: &str = "cloudauth.cn-beijing.aliyuncs.com";
const START: u64 = 1_767_323_045;

fn describe() -> DescribeFaceVerify {
    DescribeFaceVerify::new(SceneId::new(1).unwrap(), CertifyId::new("sha1").unwrap())
}

fn init() -> InitFaceVerify {
    InitFaceVerify::new(
        SceneId::new(1).unwrap(),
        OuterOrderNo::new("order1").unwrap(),
        Identity::plain(CertName::new("张三").unwrap(), CertNo::new("999999199001012003").unwrap()),
        ReturnUrl::new("https://shop.example").unwrap(),
        MetaInfo::new("{}").unwrap(),
    )
}

/// A world of its own: one client's memory, and a clock that only waits and answers move.
struct World {
    settings: Settings,
    memory: Memory,
    steady: Duration,
    /// How far the wall clock is off.
    behind: Duration,
    drawn: u64,
    /// Jitter as a part of the longest wait, of 255.
    jitter: u8,
}

/// What one call did.
struct Call<T> {
    hosts: Vec<String>,
    nonces: Vec<String>,
    times: Vec<String>,
    waits: Vec<Duration>,
    took: Duration,
    result: Result<Reply<T>, Error>,
}

impl World {
    fn new() -> Self {
        Self {
            settings: Settings::default(),
            memory: Memory::default(),
            steady: Duration::ZERO,
            behind: Duration::ZERO,
            drawn: 0,
            jitter: 255,
        }
    }

    fn now(&self) -> Now {
        let wall = UnixTime::from_millis(START * 1000 + 7_200_000 - self.behind.as_millis() as u64);
        Now { wall: wall.plus(self.steady), steady: self.steady }
    }

    fn entropy(&mut self) -> Entropy {
        self.drawn += 1;
        let mut bytes = [self.jitter; 24];
        bytes[..8].copy_from_slice(&self.drawn.to_be_bytes());
        Entropy(bytes)
    }

    /// Runs a call; `answer` is told which attempt it is, counted from one.
    fn call<O: Operation>(
        &mut self,
        op: &O,
        mut answer: impl FnMut(usize, &Request<Body>) -> (Duration, Answer),
    ) -> Call<O::Output> {
        let by = Credentials::new("testid", "testsecret").unwrap();
        let (settings, begun) = (self.settings.clone(), self.steady);
        let memory = std::mem::take(&mut self.memory);
        let mut exchange = Exchange::new(op, &by, &settings, &memory);
        let (mut hosts, mut nonces, mut times, mut waits) = (vec![], vec![], vec![], vec![]);
        let result = loop {
            let entropy = self.entropy();
            match exchange.poll(self.now(), entropy) {
                Step::Send(request, limits) => {
                    let body = std::str::from_utf8(request.body().as_bytes()).unwrap().to_owned();
                    let field = |name: &str| {
                        body.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap().to_owned()
                    };
                    hosts.push(request.uri().host().unwrap().to_owned());
                    nonces.push(field("SignatureNonce="));
                    times.push(field("Timestamp="));
                    let (took, answer) = answer(hosts.len(), &request);
                    self.steady += took.min(limits.attempt);
                    exchange.answer(self.now(), answer);
                }
                Step::Wait(time) => {
                    waits.push(time);
                    self.steady += time;
                }
                Step::Done(result) => break result,
                _ => panic!("a step that the test does not know"),
            }
        };
        drop(exchange);
        self.memory = memory;
        Call { hosts, nonces, times, waits, took: self.steady - begun, result }
    }
}

const AT_ONCE: Duration = Duration::from_millis(20);

fn response(status: u16, headers: &[(&str, &str)], body: &'static str) -> Answer {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Ok(response.body(Body::from(body)).unwrap())
}

fn pending() -> Answer {
    response(200, &[], r#"{"Code":"424"}"#)
}

fn started() -> Answer {
    response(200, &[], r#"{"Code":"200","ResultObject":{"CertifyId":"sha1"}}"#)
}

fn unknown() -> Answer {
    response(200, &[], r#"{"Code":"406"}"#)
}

fn lost(sent: Sent) -> Answer {
    Err(TransportError::new(TransportErrorKind::Connect, sent))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn what_was_not_sent_goes_to_the_next_endpoint_at_once() {
    let mut world = World::new();
    let call =
        world.call(&init(), |attempt, _| (AT_ONCE, if attempt == 1 { lost(Sent::No) } else { started() }));
    assert_eq!((call.hosts, call.waits), (vec![SHANGHAI.to_owned(), BEIJING.to_owned()], vec![]));
    assert!(call.result.is_ok());
}

#[test]
fn an_endpoint_that_does_not_connect_costs_its_timeout_and_no_more() {
    let mut world = World::new();
    let call = world.call(&describe(), |attempt, _| {
        if attempt == 1 { (seconds(3), lost(Sent::No)) } else { (AT_ONCE, pending()) }
    });
    assert!(call.result.is_ok() && call.took < seconds(4), "{:?}", call.took);
}

#[test]
fn a_read_that_may_have_been_sent_is_repeated_and_a_write_once() {
    let mut world = World::new();
    let call = world.call(&describe(), |_, _| (AT_ONCE, lost(Sent::Maybe)));
    assert_eq!(call.hosts.len(), 3);
    let call = World::new().call(&init(), |_, _| (AT_ONCE, lost(Sent::Maybe)));
    assert_eq!(call.hosts.len(), 2);
    assert_eq!(
        call.result.unwrap_err().to_string(),
        "InitFaceVerify at cloudauth.cn-beijing.aliyuncs.com, attempt 2: the request brought no answer"
    );
}

#[test]
fn an_endpoint_that_is_unwell_is_left_for_the_next() {
    for (status, body) in [
        (500, r#"{"Code":"InternalError"}"#),
        (503, r#"{"Code":"ServiceUnavailable"}"#),
        (200, r#"{"Code":"500"}"#),
        (502, "<html>bad gateway</html>"),
        (504, ""),
    ] {
        for _ in 0..2 {
            let call = World::new().call(&init(), |attempt, _| {
                (AT_ONCE, if attempt == 1 { response(status, &[], body) } else { started() })
            });
            assert_eq!(call.hosts, [SHANGHAI, BEIJING], "{status} {body}");
            assert!(call.result.is_ok());
        }
    }
}

#[test]
fn after_all_endpoints_there_is_a_wait_that_grows_with_jitter() {
    let mut world = World::new();
    world.settings.attempts = 5;
    let call = world.call(&describe(), |_, _| (AT_ONCE, lost(Sent::No)));
    assert_eq!(call.hosts, [SHANGHAI, BEIJING, SHANGHAI, BEIJING, SHANGHAI]);
    assert_eq!(call.waits, [seconds(1), seconds(2), seconds(4)]);
    world = World::new();
    (world.settings.attempts, world.jitter) = (5, 0);
    assert!(
        world.call(&describe(), |_, _| (AT_ONCE, lost(Sent::No))).waits.is_empty(),
        "jitter goes down to nothing"
    );
}

#[test]
fn throttling_is_waited_for_at_the_same_endpoint() {
    for code in [
        r#"{"Code":"Throttling"}"#,
        r#"{"Code":"Throttling.User"}"#,
        r#"{"Code":"Throttling.Api"}"#,
        r#"{"Code":"Throttling.New"}"#,
    ] {
        let mut world = World::new();
        let call = world.call(&init(), |attempt, _| {
            (AT_ONCE, if attempt == 1 { response(400, &[], code) } else { started() })
        });
        assert_eq!(
            (call.hosts, call.waits),
            (vec![SHANGHAI.to_owned(); 2], vec![Duration::from_millis(200)]),
            "{code}"
        );
    }
}

#[test]
fn the_servers_hint_is_followed_within_five_seconds_of_the_own_wait() {
    for (hint, expected) in [("0", 200), ("1500", 1500), ("60000", 5200), ("junk", 200), ("-5", 200)] {
        let call = World::new().call(&describe(), |attempt, _| {
            let throttled = response(400, &[("x-acs-retry-after", hint)], r#"{"Code":"Throttling.User"}"#);
            (AT_ONCE, if attempt == 1 { throttled } else { pending() })
        });
        assert_eq!(call.waits, [Duration::from_millis(expected)], "{hint}");
    }
}

#[test]
fn other_codes_are_final() {
    for (status, body) in [
        (400, r#"{"Code":"SignatureDoesNotMatch"}"#),
        (404, r#"{"Code":"InvalidAccessKeyId.NotFound"}"#),
        (403, r#"{"Code":"Forbidden.RAM"}"#),
        (400, r#"{"Code":"Something.New"}"#),
        (200, r#"{"Code":"401"}"#),
        (200, r#"{"Code":"417"}"#),
        (200, r#"{"Code":"999"}"#),
        (404, "<html>"),
    ] {
        let call = World::new().call(&describe(), |_, _| (AT_ONCE, response(status, &[], body)));
        assert_eq!((call.hosts.len(), call.result.is_err()), (1, true), "{status} {body}");
    }
}

/// An emulated gateway with a clock two hours ahead of `START`, whose window is a quarter of an hour.
fn clocked(request: &Request<Body>, age: bool) -> Answer {
    let body = std::str::from_utf8(request.body().as_bytes()).unwrap();
    let date = "Fri, 02 Jan 2026 05:04:05 GMT";
    let headers: &[(&str, &str)] = if age { &[("date", date), ("age", "7")] } else { &[("date", date)] };
    if body.contains("Timestamp=2026-01-02T05%3A0") {
        response(200, headers, r#"{"Code":"424"}"#)
    } else {
        response(400, headers, r#"{"Code":"InvalidTimeStamp.Expired"}"#)
    }
}

#[test]
fn a_clock_that_is_off_is_learnt_once_and_remembered() {
    let mut world = World::new();
    world.behind = seconds(7200);
    let call = world.call(&describe(), |_, request| (AT_ONCE, clocked(request, false)));
    assert!(call.result.is_ok());
    assert_eq!(call.times, ["2026-01-02T03%3A04%3A05Z", "2026-01-02T05%3A04%3A05Z"]);
    let call = world.call(&describe(), |_, request| (AT_ONCE, clocked(request, false)));
    assert_eq!(call.times.len(), 1, "the next call knows");
}

#[test]
fn a_clock_that_is_right_again_is_no_longer_corrected() {
    let mut world = World::new();
    world.behind = seconds(7200);
    assert!(world.call(&describe(), |_, request| (AT_ONCE, clocked(request, false))).result.is_ok());
    world.behind = Duration::ZERO;
    // Signed four hours ahead of the true clock: refused, learnt, and right.
    let call = world.call(&describe(), |_, request| (AT_ONCE, clocked(request, false)));
    assert!(call.result.is_ok());
    assert_eq!(call.times[1], "2026-01-02T05%3A04%3A05Z");
    assert_eq!(world.call(&describe(), |_, request| (AT_ONCE, clocked(request, false))).times.len(), 1);
}

#[test]
fn a_date_that_cannot_be_trusted_teaches_nothing() {
    let mut world = World::new();
    world.behind = seconds(7200);
    let call = world.call(&describe(), |_, request| (AT_ONCE, clocked(request, true)));
    assert_eq!((call.times.len(), call.result.is_err()), (1, true), "it came out of a cache");
    for date in ["Sun, 04 Jan 2026 05:04:05 GMT", "yesterday"] {
        let call = World::new().call(&describe(), |_, _| {
            (AT_ONCE, response(400, &[("date", date)], r#"{"Code":"InvalidTimeStamp.Expired"}"#))
        });
        assert_eq!(call.times.len(), 1, "{date} is more than a day off, or no date");
    }
}

#[test]
fn a_used_nonce_is_renewed_once() {
    let used = || response(400, &[], r#"{"Code":"SignatureNonceUsed"}"#);
    let call =
        World::new().call(&init(), |attempt, _| (AT_ONCE, if attempt == 1 { used() } else { started() }));
    assert!(call.result.is_ok() && call.nonces[0] != call.nonces[1]);
    let call = World::new().call(&init(), |_, _| (AT_ONCE, used()));
    assert_eq!((call.nonces.len(), call.result.is_err()), (2, true));
}

#[test]
fn a_verification_is_asked_about_where_it_was_started() {
    let mut world = World::new();
    let call =
        world.call(&init(), |attempt, _| (AT_ONCE, if attempt == 1 { lost(Sent::No) } else { started() }));
    assert_eq!(call.hosts, [SHANGHAI, BEIJING]);
    assert_eq!(world.call(&describe(), |_, _| (AT_ONCE, pending())).hosts, [BEIJING]);
    // Beijing is down, and Shanghai does not know it: that is not believed.
    let call = world
        .call(&describe(), |attempt, _| (AT_ONCE, if attempt == 2 { unknown() } else { lost(Sent::No) }));
    assert_eq!(call.hosts, [BEIJING, SHANGHAI, BEIJING]);
    assert_eq!(call.result.unwrap_err().kind(), cloudauth_client::ErrorKind::Transport);
    // Beijing itself is believed.
    assert_eq!(world.call(&describe(), |_, _| (AT_ONCE, unknown())).hosts, [BEIJING]);
}

#[test]
fn a_verification_that_somebody_else_started_is_looked_for_everywhere() {
    let call = World::new()
        .call(&describe(), |attempt, _| (AT_ONCE, if attempt == 1 { unknown() } else { pending() }));
    assert_eq!((call.hosts, call.result.is_ok()), (vec![SHANGHAI.to_owned(), BEIJING.to_owned()], true));
    let call = World::new().call(&describe(), |_, _| (AT_ONCE, unknown()));
    assert_eq!((call.hosts.len(), call.result.is_err()), (2, true));
}

#[test]
fn a_dead_endpoint_is_left_alone_and_found_again_within_35_seconds() {
    let mut world = World::new();
    let dead = |dead: bool| {
        move |_: usize, request: &Request<Body>| {
            let primary = request.uri().host() == Some(SHANGHAI);
            (AT_ONCE, if primary && dead { lost(Sent::No) } else { pending() })
        }
    };
    for _ in 0..5 {
        assert_eq!(world.call(&describe(), dead(true)).hosts, [SHANGHAI, BEIJING]);
    }
    let call = world.call(&describe(), dead(true));
    assert_eq!(
        (call.hosts, call.took),
        (vec![BEIJING.to_owned()], AT_ONCE),
        "the breaker is open and costs nothing"
    );
    let recovered = world.steady;
    while world.call(&describe(), dead(false)).hosts != [SHANGHAI] {
        world.steady += seconds(1);
        assert!(world.steady - recovered < seconds(35));
    }
}

#[test]
fn nothing_is_waited_for_beyond_the_deadline() {
    let mut world = World::new();
    world.settings.deadline = seconds(2);
    world.settings.attempts = 9;
    let call = world.call(&describe(), |_, _| (AT_ONCE, lost(Sent::No)));
    assert!(call.took <= seconds(2), "{:?}", call.took);
    assert_eq!(
        call.result.unwrap_err().kind(),
        cloudauth_client::ErrorKind::Transport,
        "the last failure is the call's"
    );
    // An attempt gets no more than what is left.
    let call = world.call(&describe(), |_, _| (seconds(60), lost(Sent::Maybe)));
    assert!(call.took <= seconds(2), "{:?}", call.took);
}

#[test]
fn in_a_full_outage_each_call_is_sent_once_when_the_budget_is_spent() {
    let mut world = World::new();
    let sent = |world: &mut World| world.call(&describe(), |_, _| (AT_ONCE, lost(Sent::Maybe))).hosts.len();
    (0..30).for_each(|_| _ = sent(&mut world));
    let total: usize = (0..1000).map(|_| sent(&mut world)).sum();
    assert!(total <= 1100, "{total} requests for 1000 calls");
}

#[test]
fn a_limiter_paces_the_calls_of_one_operation_within_their_deadline() {
    let mut world = World::new();
    world.settings.rate = Some(1);
    let waits: Vec<_> =
        (0..3).map(|_| world.call(&describe(), |_, _| (Duration::ZERO, pending())).waits).collect();
    assert_eq!(waits, [vec![], vec![seconds(1)], vec![seconds(1)]]);
    assert!(
        world.call(&init(), |_, _| (Duration::ZERO, started())).waits.is_empty(),
        "the other operation is not paced"
    );
    world.settings.deadline = seconds(1);
    let call = world.call(&describe(), |_, _| (Duration::ZERO, pending()));
    assert_eq!(call.result.unwrap_err().kind(), cloudauth_client::ErrorKind::Deadline);
    assert!(call.hosts.is_empty());
}

#[test]
fn without_any_endpoint_the_main_one_is_asked() {
    let mut world = World::new();
    world.settings.endpoints.clear();
    assert_eq!(world.call(&describe(), |_, _| (AT_ONCE, pending())).hosts, [SHANGHAI]);
}

/// One of everything that can come back.
fn any_answer(kind: u8) -> Answer {
    match kind {
        0 => pending(),
        1 => lost(Sent::No),
        2 => lost(Sent::Maybe),
        3 => response(500, &[], r#"{"Code":"InternalError"}"#),
        4 => response(200, &[], r#"{"Code":"500"}"#),
        5 => response(400, &[("x-acs-retry-after", "3000")], r#"{"Code":"Throttling.User"}"#),
        6 => response(
            400,
            &[("date", "Fri, 02 Jan 2026 09:00:00 GMT")],
            r#"{"Code":"InvalidTimeStamp.Expired"}"#,
        ),
        7 => response(400, &[], r#"{"Code":"SignatureNonceUsed"}"#),
        8 => unknown(),
        9 => response(200, &[], r#"{"Code":"#),
        10 => response(400, &[], r#"{"Code":"SignatureDoesNotMatch"}"#),
        _ => Err(TransportError::new(TransportErrorKind::TooLarge, Sent::Maybe)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever comes in whatever order: no more attempts than allowed, no signature twice, no wait and no attempt
    /// beyond the deadline, and no more retries than the budget pays for.
    #[test]
    fn the_limits_hold_whatever_happens(
        calls in prop::collection::vec(prop::collection::vec((0..12_u8, 0..12_000_u64), 1..8), 1..40),
        attempts in 1..6_u32,
        deadline in 0..30_u64,
        jitter in any::<u8>(),
        reads in any::<bool>(),
    ) {
        let mut world = World::new();
        (world.settings.attempts, world.settings.deadline, world.jitter) = (attempts, seconds(deadline), jitter);
        let (mut nonces, mut sent, mut successes) = (HashSet::new(), 0, 0);
        // Sent again without a cost to the budget, once a call each: a learnt clock, a new nonce, another region.
        let mut free = 0;
        for script in &calls {
            let mut answer = |attempt: usize, _: &Request<Body>| {
                let (kind, millis) = script[(attempt - 1).min(script.len() - 1)];
                free += usize::from(matches!(kind, 6..=8));
                (Duration::from_millis(millis), any_answer(kind))
            };
            let (call_nonces, waits, took, failed) = if reads {
                let call = world.call(&describe(), &mut answer);
                (call.nonces, call.waits, call.took, call.result.is_err())
            } else {
                let call = world.call(&init(), &mut answer);
                (call.nonces, call.waits, call.took, call.result.is_err())
            };
            prop_assert!(call_nonces.len() <= attempts as usize);
            prop_assert!(took <= seconds(deadline), "{took:?}");
            prop_assert!(waits.iter().all(|wait| *wait < seconds(deadline)));
            prop_assert!(deadline > 0 || call_nonces.is_empty());
            sent += call_nonces.len();
            successes += usize::from(!failed);
            for nonce in call_nonces {
                prop_assert!(nonces.insert(nonce), "a nonce twice");
            }
        }
        let retries = sent.saturating_sub(calls.len());
        prop_assert!(retries <= (500 + successes) / 5 + free, "{retries} retries");
    }
}
