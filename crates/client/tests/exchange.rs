//! The exchange under fire, rule by rule: with a clock that the test moves and no socket.

#![cfg(test)]

mod world;

use std::time::Duration;

use cloudauth_protocol::{Body, CertifyId, DeleteFaceVerifyResult, Effect, RawOperation};
use cloudauth_transport::Sent;
use http::Request;

use world::*;

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
        "InitFaceVerify at cloudauth.cn-beijing.aliyuncs.com, 2 attempts: no connection to the endpoint \
         (the request may have been executed)"
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
        (500, r#"{"Code":"UnknownError"}"#),
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
fn a_wait_that_takes_too_long_does_not_hide_the_failure() {
    let mut world = World::new();
    (world.settings.deadline, world.oversleep) = (seconds(5), seconds(5));
    let throttled = || response(400, &[], r#"{"Code":"Throttling.User","RequestId":"130A2C10-B9EE"}"#);
    let call = world.call(&describe(), |_, _| (AT_ONCE, throttled()));
    assert_eq!((call.hosts.len(), call.waits.len()), (1, 1));
    assert_eq!(call.result.unwrap_err().request_id().unwrap().as_str(), "130A2C10-B9EE");
}

#[test]
fn an_earlier_attempt_that_may_have_been_executed_is_not_forgotten() {
    for last in [lost(Sent::No), response(400, &[], r#"{"Code":"Forbidden.RAM"}"#)] {
        let mut last = Some(last);
        let call = World::new().call(&init(), |attempt, _| {
            (
                AT_ONCE,
                if attempt == 1 { lost(Sent::Maybe) } else { last.take().unwrap_or_else(|| lost(Sent::No)) },
            )
        });
        assert_eq!(call.result.unwrap_err().executed(), cloudauth_client::Executed::Maybe);
    }
}

#[test]
fn a_write_that_is_not_harmless_is_repeated_only_if_it_was_not_sent() {
    let op = RawOperation::new("Id2MetaVerify", Effect::Write).unwrap();
    for (answer, attempts) in [
        (lost(Sent::Maybe), 1),
        (response(502, &[], "<html>"), 1),
        (response(500, &[], r#"{"Code":"InternalError"}"#), 1),
        (lost(Sent::No), 2),
        (response(400, &[], r#"{"Code":"Throttling.User"}"#), 2),
    ] {
        let mut answer = Some(answer);
        let call = World::new()
            .call(&op, |_, _| (AT_ONCE, answer.take().unwrap_or_else(|| response(200, &[], "{}"))));
        assert_eq!(call.hosts.len(), attempts);
    }
}

#[test]
fn a_region_that_did_not_start_it_is_not_believed_even_at_the_end() {
    let mut world = World::new();
    world.settings.attempts = 2;
    world.call(&init(), |attempt, _| (AT_ONCE, if attempt == 1 { lost(Sent::No) } else { started() }));
    let call = world
        .call(&describe(), |attempt, _| (AT_ONCE, if attempt == 1 { lost(Sent::No) } else { unknown() }));
    assert_eq!(call.hosts, [BEIJING, SHANGHAI]);
    let error = call.result.unwrap_err();
    assert!(error.transport().is_some() && error.is_transient(), "{error}");
    // A deletion asks the right region, too.
    let delete = DeleteFaceVerifyResult::new(CertifyId::new("sha1").unwrap());
    world.settings.attempts = 3;
    let call = world.call(&delete, |attempt, _| {
        let deleted = response(200, &[], r#"{"Code":"200","ResultObject":{"DeleteResult":"Y"}}"#);
        (AT_ONCE, [lost(Sent::No), unknown(), deleted].into_iter().nth(attempt - 1).unwrap())
    });
    assert_eq!(call.hosts, [BEIJING, SHANGHAI, BEIJING]);
    assert!(call.result.is_ok());
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
