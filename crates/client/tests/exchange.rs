//! The rules of the exchange, one by one, with a simulated clock and without sockets.

#![cfg(test)]

mod world;

use std::time::Duration;

use cloudauth_protocol::{Body, CertifyId, DeleteFaceVerifyResult, Effect, RawOperation};
use cloudauth_transport::Sent;
use http::Request;

use world::*;

#[test]
fn unsent_request_goes_to_the_next_endpoint_immediately() {
    let mut world = World::new();
    let call =
        world.call(&init(), |attempt, _| (FAST, if attempt == 1 { lost(Sent::No) } else { started() }));
    assert_eq!((call.hosts, call.waits), (vec![SHANGHAI.to_owned(), BEIJING.to_owned()], vec![]));
    assert!(call.result.is_ok());
}

#[test]
fn endpoint_without_connection_costs_only_its_timeout() {
    let mut world = World::new();
    let call =
        world.call(
            &describe(),
            |attempt, _| {
                if attempt == 1 { (seconds(3), lost(Sent::No)) } else { (FAST, pending()) }
            },
        );
    assert!(call.result.is_ok() && call.took < seconds(4), "{:?}", call.took);
}

#[test]
fn read_that_may_have_been_sent_is_retried_and_write_only_once() {
    let mut world = World::new();
    let call = world.call(&describe(), |_, _| (FAST, lost(Sent::Maybe)));
    assert_eq!(call.hosts.len(), 3);
    let call = World::new().call(&init(), |_, _| (FAST, lost(Sent::Maybe)));
    assert_eq!(call.hosts.len(), 2);
    assert_eq!(
        call.result.unwrap_err().to_string(),
        "InitFaceVerify at cloudauth.cn-beijing.aliyuncs.com, 2 attempts: no connection to the endpoint \
         (the request may have been executed)"
    );
}

#[test]
fn server_failure_moves_to_the_next_endpoint() {
    for (status, body) in [
        (500, r#"{"Code":"InternalError"}"#),
        (503, r#"{"Code":"ServiceUnavailable"}"#),
        (200, r#"{"Code":"500"}"#),
        (502, "<html>bad gateway</html>"),
        (504, ""),
        (500, r#"{"Code":"UnknownError"}"#),
    ] {
        for _ in 0..2 {
            let call = World::new().call(&init(), |attempt, _| {
                (FAST, if attempt == 1 { response(status, &[], body) } else { started() })
            });
            assert_eq!(call.hosts, [SHANGHAI, BEIJING], "{status} {body}");
            assert!(call.result.is_ok());
        }
    }
}

#[test]
fn waits_with_growing_jitter_after_all_endpoints_failed() {
    let mut world = World::new();
    world.settings.attempts = 5;
    let call = world.call(&describe(), |_, _| (FAST, lost(Sent::No)));
    assert_eq!(call.hosts, [SHANGHAI, BEIJING, SHANGHAI, BEIJING, SHANGHAI]);
    assert_eq!(call.waits, [seconds(1), seconds(2), seconds(4)]);
    world = World::new();
    (world.settings.attempts, world.jitter) = (5, 0);
    assert!(world.call(&describe(), |_, _| (FAST, lost(Sent::No))).waits.is_empty(), "jitter may be zero");
}

#[test]
fn throttled_call_waits_for_the_same_endpoint() {
    for code in [
        r#"{"Code":"Throttling"}"#,
        r#"{"Code":"Throttling.User"}"#,
        r#"{"Code":"Throttling.Api"}"#,
        r#"{"Code":"Throttling.New"}"#,
    ] {
        let mut world = World::new();
        let call = world.call(&init(), |attempt, _| {
            (FAST, if attempt == 1 { response(400, &[], code) } else { started() })
        });
        assert_eq!(
            (call.hosts, call.waits),
            (vec![SHANGHAI.to_owned(); 2], vec![Duration::from_millis(200)]),
            "{code}"
        );
    }
}

#[test]
fn server_hint_extends_the_wait_by_at_most_5_seconds() {
    for (hint, expected) in [("0", 200), ("1500", 1500), ("60000", 5200), ("junk", 200), ("-5", 200)] {
        let call = World::new().call(&describe(), |attempt, _| {
            let throttled = response(400, &[("x-acs-retry-after", hint)], r#"{"Code":"Throttling.User"}"#);
            (FAST, if attempt == 1 { throttled } else { pending() })
        });
        assert_eq!(call.waits, [Duration::from_millis(expected)], "{hint}");
    }
}

#[test]
fn other_codes_are_not_retried() {
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
        let call = World::new().call(&describe(), |_, _| (FAST, response(status, &[], body)));
        assert_eq!((call.hosts.len(), call.result.is_err()), (1, true), "{status} {body}");
    }
}

/// A gateway whose clock is two hours ahead of `START`, and which accepts 15 minutes of difference.
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
fn learns_a_clock_offset_once_and_remembers_it() {
    let mut world = World::new();
    world.behind = seconds(7200);
    let call = world.call(&describe(), |_, request| (FAST, clocked(request, false)));
    assert!(call.result.is_ok());
    assert_eq!(call.times, ["2026-01-02T03%3A04%3A05Z", "2026-01-02T05%3A04%3A05Z"]);
    let call = world.call(&describe(), |_, request| (FAST, clocked(request, false)));
    assert_eq!(call.times.len(), 1, "the next call uses the offset");
}

#[test]
fn drops_the_offset_once_the_clock_is_right_again() {
    let mut world = World::new();
    world.behind = seconds(7200);
    assert!(world.call(&describe(), |_, request| (FAST, clocked(request, false))).result.is_ok());
    world.behind = Duration::ZERO;
    // Signed with a stale offset: refused, then corrected.
    let call = world.call(&describe(), |_, request| (FAST, clocked(request, false)));
    assert!(call.result.is_ok());
    assert_eq!(call.times[1], "2026-01-02T05%3A04%3A05Z");
    assert_eq!(world.call(&describe(), |_, request| (FAST, clocked(request, false))).times.len(), 1);
}

#[test]
fn ignores_an_untrustworthy_date() {
    let mut world = World::new();
    world.behind = seconds(7200);
    let call = world.call(&describe(), |_, request| (FAST, clocked(request, true)));
    assert_eq!((call.times.len(), call.result.is_err()), (1, true), "the response came from a cache");
    for date in ["Sun, 04 Jan 2026 05:04:05 GMT", "yesterday"] {
        let call = World::new().call(&describe(), |_, _| {
            (FAST, response(400, &[("date", date)], r#"{"Code":"InvalidTimeStamp.Expired"}"#))
        });
        assert_eq!(call.times.len(), 1, "{date} is more than a day off, or not a date");
    }
}

#[test]
fn used_nonce_is_replaced_once() {
    let used = || response(400, &[], r#"{"Code":"SignatureNonceUsed"}"#);
    let call = World::new().call(&init(), |attempt, _| (FAST, if attempt == 1 { used() } else { started() }));
    assert!(call.result.is_ok() && call.nonces[0] != call.nonces[1]);
    let call = World::new().call(&init(), |_, _| (FAST, used()));
    assert_eq!((call.nonces.len(), call.result.is_err()), (2, true));
}

#[test]
fn asks_the_region_that_started_the_verification() {
    let mut world = World::new();
    let call =
        world.call(&init(), |attempt, _| (FAST, if attempt == 1 { lost(Sent::No) } else { started() }));
    assert_eq!(call.hosts, [SHANGHAI, BEIJING]);
    assert_eq!(world.call(&describe(), |_, _| (FAST, pending())).hosts, [BEIJING]);
    // Beijing is down. Shanghai does not know the verification, which means nothing.
    let call =
        world.call(&describe(), |attempt, _| (FAST, if attempt == 2 { unknown() } else { lost(Sent::No) }));
    assert_eq!(call.hosts, [BEIJING, SHANGHAI, BEIJING]);
    assert_eq!(call.result.unwrap_err().kind(), cloudauth_client::ErrorKind::Transport);
    // The same answer from Beijing is final.
    assert_eq!(world.call(&describe(), |_, _| (FAST, unknown())).hosts, [BEIJING]);
}

#[test]
fn asks_all_regions_if_another_client_started_the_verification() {
    let call =
        World::new().call(&describe(), |attempt, _| (FAST, if attempt == 1 { unknown() } else { pending() }));
    assert_eq!((call.hosts, call.result.is_ok()), (vec![SHANGHAI.to_owned(), BEIJING.to_owned()], true));
    let call = World::new().call(&describe(), |_, _| (FAST, unknown()));
    assert_eq!((call.hosts.len(), call.result.is_err()), (2, true));
}

#[test]
fn dead_endpoint_is_skipped_and_used_again_within_35_seconds_of_recovery() {
    let mut world = World::new();
    let dead = |dead: bool| {
        move |_: usize, request: &Request<Body>| {
            let primary = request.uri().host() == Some(SHANGHAI);
            (FAST, if primary && dead { lost(Sent::No) } else { pending() })
        }
    };
    for _ in 0..5 {
        assert_eq!(world.call(&describe(), dead(true)).hosts, [SHANGHAI, BEIJING]);
    }
    let call = world.call(&describe(), dead(true));
    assert_eq!((call.hosts, call.took), (vec![BEIJING.to_owned()], FAST), "the open breaker costs no time");
    let recovered = world.steady;
    while world.call(&describe(), dead(false)).hosts != [SHANGHAI] {
        world.steady += seconds(1);
        assert!(world.steady - recovered < seconds(35));
    }
}

#[test]
fn no_wait_exceeds_the_deadline() {
    let mut world = World::new();
    world.settings.deadline = seconds(2);
    world.settings.attempts = 9;
    let call = world.call(&describe(), |_, _| (FAST, lost(Sent::No)));
    assert!(call.took <= seconds(2), "{:?}", call.took);
    assert_eq!(
        call.result.unwrap_err().kind(),
        cloudauth_client::ErrorKind::Transport,
        "the error of the call is the last failure"
    );
    // The last attempt gets only the time that is left.
    let call = world.call(&describe(), |_, _| (seconds(60), lost(Sent::Maybe)));
    assert!(call.took <= seconds(2), "{:?}", call.took);
}

#[test]
fn overlong_wait_does_not_hide_the_failure() {
    let mut world = World::new();
    (world.settings.deadline, world.oversleep) = (seconds(5), seconds(5));
    let throttled = || response(400, &[], r#"{"Code":"Throttling.User","RequestId":"130A2C10-B9EE"}"#);
    let call = world.call(&describe(), |_, _| (FAST, throttled()));
    assert_eq!((call.hosts.len(), call.waits.len()), (1, 1));
    assert_eq!(call.result.unwrap_err().request_id().unwrap().as_str(), "130A2C10-B9EE");
}

#[test]
fn error_covers_earlier_attempts_that_may_have_been_executed() {
    for last in [lost(Sent::No), response(400, &[], r#"{"Code":"Forbidden.RAM"}"#)] {
        let mut last = Some(last);
        let call = World::new().call(&init(), |attempt, _| {
            (
                FAST,
                if attempt == 1 { lost(Sent::Maybe) } else { last.take().unwrap_or_else(|| lost(Sent::No)) },
            )
        });
        let error = call.result.unwrap_err();
        assert_eq!(error.executed(), cloudauth_client::Executed::Maybe);
        let is_said = error.to_string().ends_with("an earlier attempt may have been executed");
        assert_eq!(is_said, error.transport().is_some(), "{error}");
    }
}

#[test]
fn other_write_is_retried_only_if_it_was_not_executed() {
    let op = RawOperation::new("Id2MetaVerify", Effect::Write).unwrap();
    for (answer, attempts) in [
        (lost(Sent::Maybe), 1),
        (response(502, &[], "<html>"), 1),
        (response(500, &[], r#"{"Code":"InternalError"}"#), 1),
        (lost(Sent::No), 2),
        (response(400, &[], r#"{"Code":"Throttling.User"}"#), 2),
    ] {
        let mut answer = Some(answer);
        let call =
            World::new().call(&op, |_, _| (FAST, answer.take().unwrap_or_else(|| response(200, &[], "{}"))));
        assert_eq!(call.hosts.len(), attempts);
    }
}

#[test]
fn answer_of_another_region_is_ignored_even_in_the_last_attempt() {
    let mut world = World::new();
    world.settings.attempts = 2;
    world.call(&init(), |attempt, _| (FAST, if attempt == 1 { lost(Sent::No) } else { started() }));
    let call =
        world.call(&describe(), |attempt, _| (FAST, if attempt == 1 { lost(Sent::No) } else { unknown() }));
    assert_eq!(call.hosts, [BEIJING, SHANGHAI]);
    let error = call.result.unwrap_err();
    assert!(error.transport().is_some() && error.is_transient(), "{error}");
    // A deletion asks the right region too.
    let delete = DeleteFaceVerifyResult::new(CertifyId::new("sha1").unwrap());
    world.settings.attempts = 3;
    let call = world.call(&delete, |attempt, _| {
        let deleted = response(200, &[], r#"{"Code":"200","ResultObject":{"DeleteResult":"Y"}}"#);
        (FAST, [lost(Sent::No), unknown(), deleted].into_iter().nth(attempt - 1).unwrap())
    });
    assert_eq!(call.hosts, [BEIJING, SHANGHAI, BEIJING]);
    assert!(call.result.is_ok());
}

#[test]
fn full_outage_sends_each_call_once_after_the_budget_is_spent() {
    let mut world = World::new();
    let sent = |world: &mut World| world.call(&describe(), |_, _| (FAST, lost(Sent::Maybe))).hosts.len();
    (0..30).for_each(|_| _ = sent(&mut world));
    let total: usize = (0..1000).map(|_| sent(&mut world)).sum();
    assert!(total <= 1100, "{total} requests for 1000 calls");
}

#[test]
fn rate_limiter_paces_calls_of_one_operation_within_their_deadline() {
    let mut world = World::new();
    world.settings.rate = Some(1);
    let waits: Vec<_> =
        (0..3).map(|_| world.call(&describe(), |_, _| (Duration::ZERO, pending())).waits).collect();
    assert_eq!(waits, [vec![], vec![seconds(1)], vec![seconds(1)]]);
    assert!(
        world.call(&init(), |_, _| (Duration::ZERO, started())).waits.is_empty(),
        "the other operation has its own limit"
    );
    world.settings.deadline = seconds(1);
    let call = world.call(&describe(), |_, _| (Duration::ZERO, pending()));
    assert_eq!(call.result.unwrap_err().kind(), cloudauth_client::ErrorKind::Deadline);
    assert!(call.hosts.is_empty());
}

#[test]
fn throttled_call_stays_at_its_endpoint_while_the_preferred_one_recovers() {
    let mut world = World::new();
    let is_primary = |request: &Request<Body>| request.uri().host() == Some(SHANGHAI);
    for _ in 0..5 {
        world.call(&describe(), |_, request| {
            (FAST, if is_primary(request) { lost(Sent::No) } else { pending() })
        });
    }
    // The breaker admits a probe during the wait after the throttled attempt.
    world.steady += seconds(30) - FAST * 3;
    let call = world.call(&describe(), |attempt, _| {
        (FAST, if attempt == 1 { response(400, &[], r#"{"Code":"Throttling.User"}"#) } else { pending() })
    });
    assert_eq!((call.hosts, call.waits.len()), (vec![BEIJING.to_owned(); 2], 1));
    assert_eq!(
        world.call(&describe(), |_, _| (FAST, pending())).hosts,
        [SHANGHAI],
        "the preferred endpoint works"
    );
}
