//! The clients over scripted transports, without sockets or real waits.

#![cfg(test)]

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use cloudauth_client::{
    BlockingClient, Client, Entropy, Error, ErrorKind, Exchange, Executed, Now, Settings, SharedState, Step,
    WaitPlan,
};
use cloudauth_protocol::{
    Body, Code, Credentials, DescribeFaceVerify, GatewayCode, InitFaceVerify, Outcome, UnixTime,
};
use cloudauth_transport::testing::{Never, Recording, Scripted, describe_face_verify, init_face_verify};
use cloudauth_transport::{Sent, Transport, TransportError, TransportErrorKind};
use http::Response;

const ID: &str = "130A2C10-B9EE-4D84-88E3-5384FF039795";

fn credentials() -> Credentials {
    Credentials::new("testid", "testsecret").unwrap()
}

fn init() -> InitFaceVerify {
    init_face_verify("order1").unwrap()
}

fn describe() -> DescribeFaceVerify {
    describe_face_verify("sha1").unwrap()
}

fn client(transport: impl Transport + 'static) -> Client {
    Client::builder(transport, credentials()).attempts(1).build()
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

#[test]
fn client_can_be_shared_between_tasks() {
    fn shareable<T: Clone + Send + Sync + 'static>() {}
    shareable::<Client>();
}

#[tokio::test]
async fn returns_results_and_keeps_the_url_free_of_parameters() {
    let script = Arc::new(Recording::new(Scripted::bodies([
        r#"{"Code":"200","RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795","ResultObject":{"CertifyId":"sha1","CertifyUrl":"https://t.example/x"}}"#,
        r#"{"Code":"424"}"#,
        r#"{"Code":"200","ResultObject":{"Passed":"T","SubCode":"200"}}"#,
    ])));
    let client = client(script.clone());
    let started = client.init_face_verify(&init()).await.unwrap();
    assert_eq!(started.request_id.unwrap().as_str(), ID);
    assert_eq!(client.describe_face_verify(&describe()).await.unwrap().output.outcome(), Outcome::Pending);
    assert_eq!(client.describe_face_verify(&describe()).await.unwrap().output.outcome(), Outcome::Passed);
    let requests = script.take_requests();
    assert_eq!(requests.len(), 3);
    let nonces: std::collections::BTreeSet<_> = requests
        .iter()
        .map(|request| {
            assert_eq!(request.uri(), "https://cloudauth.cn-shanghai.aliyuncs.com/");
            let body = String::from_utf8(request.body().as_bytes().to_vec()).unwrap();
            body.split('&').find(|pair| pair.starts_with("SignatureNonce=")).unwrap().to_owned()
        })
        .collect();
    assert_eq!(nonces.len(), 3, "every request has its own nonce");
}

#[tokio::test]
async fn refusal_is_an_error_with_code_meaning_and_request_id() {
    let body =
        r#"{"Code":"417","Message":"无法使用刷脸服务","RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795"}"#;
    let error = client(Scripted::bodies([body])).init_face_verify(&init()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Refused, Some(&Code::CannotUseFace)));
    assert_eq!((error.executed(), error.request_id().unwrap().as_str()), (Executed::No, ID));
    assert_eq!(
        chain(&error),
        format!(
            "InitFaceVerify at cloudauth.cn-shanghai.aliyuncs.com: the service refused the call with \
             code 417 (no reference picture exists to compare this person with; also the response to a new start after SubCode \
             201, 202 or 203), HTTP 200, RequestId {ID}"
        )
    );
}

#[tokio::test]
async fn gateway_error_has_its_code() {
    let answer = Response::builder().status(400).body(Body::from(r#"{"Code":"Throttling.User"}"#)).unwrap();
    let error = client(Scripted::new([Ok(answer)])).describe_face_verify(&describe()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.gateway_code()),
        (ErrorKind::Gateway, Some(&GatewayCode::ThrottlingUser))
    );
}

#[tokio::test]
async fn error_says_whether_the_call_may_have_been_executed() {
    let response = |status: u16, body| Ok(Response::builder().status(status).body(Body::from(body)).unwrap());
    for (answer, expected) in [
        (Err(TransportError::new(TransportErrorKind::Connect, Sent::No)), Executed::No),
        (Err(TransportError::new(TransportErrorKind::Broken, Sent::Maybe)), Executed::Maybe),
        (response(400, r#"{"Code":"SignatureDoesNotMatch"}"#), Executed::No),
        (response(500, r#"{"Code":"InternalError"}"#), Executed::Maybe),
        (response(200, r#"{"Code":"401"}"#), Executed::No),
        (response(200, r#"{"Code":"500"}"#), Executed::Maybe),
        (response(502, "<html>"), Executed::Maybe),
    ] {
        let error = client(Scripted::new([answer])).init_face_verify(&init()).await.unwrap_err();
        assert_eq!(error.executed(), expected, "{}", chain(&error));
    }
}

#[tokio::test]
async fn gives_up_on_a_transport_that_never_answers() {
    let error = client(Never).init_face_verify(&init()).await.unwrap_err();
    assert_eq!(error.transport().unwrap().kind(), TransportErrorKind::Timeout);
    assert_eq!(error.executed(), Executed::Maybe);
}

#[tokio::test]
async fn sends_nothing_after_the_deadline() {
    let script = Arc::new(Recording::new(Scripted::bodies([])));
    let client = Client::builder(script.clone(), credentials()).deadline(Duration::ZERO).build();
    let error = client.init_face_verify(&init()).await.unwrap_err();
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Deadline, Executed::No));
    assert!(script.take_requests().is_empty());
}

fn now(elapsed: u64) -> Now {
    Now { wall: UnixTime::from_secs(1_767_323_045), steady: Duration::from_secs(elapsed) }
}

#[test]
fn exchange_needs_neither_clock_nor_socket() {
    let (op, by, settings, shared) = (describe(), credentials(), Settings::default(), SharedState::default());
    let mut exchange = Exchange::new(&op, &by, &settings, &shared);
    let Step::Send(request, limits) = exchange.poll(now(0), Entropy([7; 24])) else { panic!() };
    assert_eq!(limits.attempt, Duration::from_secs(10));
    assert!(
        std::str::from_utf8(request.as_http().body().as_bytes())
            .unwrap()
            .contains("Timestamp=2026-01-02T03%3A04%3A05Z")
    );
    exchange.answer(now(1), Ok(Response::new(Body::from(r#"{"Code":"424"}"#))));
    let Step::Done(Ok(reply)) = exchange.poll(now(1), Entropy([8; 24])) else { panic!() };
    assert_eq!(reply.output.outcome(), Outcome::Pending);
}

#[test]
fn attempt_ends_no_later_than_the_call() {
    let (op, by, settings, shared) = (describe(), credentials(), Settings::default(), SharedState::default());
    let mut exchange = Exchange::new(&op, &by, &settings, &shared);
    // The first attempt takes 20 of the 25 seconds.
    assert!(matches!(exchange.poll(now(0), Entropy([7; 24])), Step::Send(..)));
    exchange.answer(now(20), Err(TransportError::new(TransportErrorKind::Connect, Sent::No)));
    let Step::Send(_, limits) = exchange.poll(now(20), Entropy([7; 24])) else { panic!() };
    assert_eq!(limits.attempt, Duration::from_secs(5));
}

#[test]
fn exchange_polled_without_an_answer_ends_and_sends_no_second_request() {
    let (op, by, settings, shared) = (init(), credentials(), Settings::default(), SharedState::default());
    let mut exchange = Exchange::new(&op, &by, &settings, &shared);
    assert!(matches!(exchange.poll(now(0), Entropy([7; 24])), Step::Send(..)));
    for _ in 0..2 {
        let Step::Done(Err(error)) = exchange.poll(now(0), Entropy([7; 24])) else { panic!() };
        assert_eq!(error.executed(), Executed::Maybe);
    }
}

#[tokio::test]
async fn wait_polls_by_the_plan_until_there_is_a_result() {
    let result = r#"{"Code":"200","ResultObject":{"Passed":"F","SubCode":"204"}}"#;
    let script = Arc::new(Recording::new(Scripted::new([
        Ok(Response::new(Body::from(r#"{"Code":"424"}"#))),
        Err(TransportError::new(TransportErrorKind::Broken, Sent::Maybe)),
        Ok(Response::new(Body::from(r#"{"Code":"403"}"#))),
        Ok(Response::new(Body::from(result))),
    ])));
    let reply = client(script.clone()).wait(&describe(), &WaitPlan::default()).await.unwrap();
    assert_eq!(reply.output.outcome(), Outcome::NotPassed);
    let pauses: Vec<u64> = script.take_waits().iter().map(Duration::as_secs).collect();
    assert_eq!(pauses, [5, 10, 20]);
}

#[tokio::test]
async fn wait_ends_with_the_plan_or_at_a_permanent_refusal() {
    let plan = WaitPlan::new([Duration::from_secs(1), Duration::from_secs(2)]);
    let pending = client(Scripted::bodies([r#"{"Code":"424"}"#; 5]));
    assert_eq!(pending.wait(&describe(), &plan).await.unwrap().output.outcome(), Outcome::Pending);
    let script = Arc::new(Scripted::bodies([r#"{"Code":"406"}"#; 5]));
    let refused = Client::builder(script.clone(), credentials())
        .endpoint(cloudauth_protocol::Endpoint::global())
        .build();
    assert_eq!(refused.wait(&describe(), &plan).await.unwrap_err().code(), Some(&Code::InvalidCertifyId));
}

#[test]
fn blocking_client_does_the_same_on_the_calling_thread() {
    let script = Arc::new(Recording::new(Scripted::new([
        Err(TransportError::new(TransportErrorKind::Connect, Sent::No)),
        Ok(Response::new(Body::from(r#"{"Code":"200","ResultObject":{"CertifyId":"sha1"}}"#))),
        Ok(Response::new(Body::from(r#"{"Code":"424"}"#))),
        Ok(Response::new(Body::from(r#"{"Code":"200","ResultObject":{"Passed":"T","SubCode":"200"}}"#))),
    ])));
    let client = BlockingClient::new(script.clone(), credentials());
    assert_eq!(client.init_face_verify(&init()).unwrap().output.certify_id.as_str(), "sha1");
    let reply = client.wait_blocking(&describe(), &WaitPlan::default()).unwrap();
    assert_eq!(reply.output.outcome(), Outcome::Passed);
    assert_eq!(script.take_waits(), [Duration::from_secs(5)]);
    let hosts: Vec<_> =
        script.take_requests().iter().map(|request| request.uri().host().unwrap().to_owned()).collect();
    let beijing = "cloudauth.cn-beijing.aliyuncs.com";
    assert_eq!(hosts, ["cloudauth.cn-shanghai.aliyuncs.com", beijing, beijing, beijing]);
}

#[tokio::test]
async fn error_message_is_one_line_that_is_useful_alone() {
    let response = |status: u16, body: &'static str| {
        Ok(Response::builder().status(status).body(Body::from(body)).unwrap())
    };
    let broken = TransportError::new(TransportErrorKind::Broken, Sent::Maybe).with_source("reset by peer");
    let answers = [
        (
            response(
                400,
                r#"{"Code":"SignatureDoesNotMatch","RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795"}"#,
            ),
            "SignatureDoesNotMatch",
        ),
        (response(200, r#"{"Code":"417","RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795"}"#), "code 417"),
        (response(200, r#"{"RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795"}"#), "Code"),
        (response(200, r#"{"RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795"#), "ends in the middle"),
        (response(403, "<html>"), "HTML or XML"),
        (Err(broken), "the connection broke"),
        (Err(TransportError::new(TransportErrorKind::Connect, Sent::No)), "nothing was sent"),
    ];
    let mut lines = std::collections::BTreeSet::new();
    for (answer, says) in answers {
        let has_id = answer.as_ref().is_ok_and(|answer| answer.body().as_bytes().starts_with(b"{"));
        let client = client(Scripted::new([answer])).with(|settings| settings.attempts = 1);
        let error = client.init_face_verify(&init()).await.unwrap_err();
        let line = error.to_string();
        assert!(line.starts_with("InitFaceVerify at cloudauth.cn-shanghai.aliyuncs.com: "), "{line}");
        assert!(line.contains(says) && !line.contains('\n'), "{line}");
        assert!(!has_id || line.contains(ID), "{line}");
        // The sources repeat nothing of the line.
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            assert!(!line.contains(&error.to_string()), "{line} repeats {error}");
            source = error.source();
        }
        lines.insert(line);
    }
    assert_eq!(lines.len(), 7, "the messages differ: {lines:#?}");
}
