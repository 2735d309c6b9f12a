//! The conformance suite of all transports, over loopback, against a server that misbehaves on purpose.
//!
//! Run it once per transport, and assert that it reports no failures:
//!
//! ```no_run
//! # fn send(_: http::Request<cloudauth_protocol::Body>, _: &cloudauth_transport::Limits)
//! #     -> Result<http::Response<cloudauth_protocol::Body>, cloudauth_transport::TransportError> { todo!() }
//! let failures = cloudauth_transport::testing::conformance::run(&send);
//! assert!(failures.is_empty(), "{failures:#?}");
//! ```

use std::time::{Duration, Instant};

use cloudauth_protocol::{
    Body, Credentials, Endpoint, InvalidValue, Nonce, Operation, Signing, Stamp, UnixTime, prepare,
};
use http::{Request, Response};

pub use super::cancel::{cancel, cancel_many};
use super::operations::{describe_face_verify, init_face_verify};
use super::server::{Server, Then};
use crate::{Limits, Sent, TransportError, TransportErrorKind};

/// The time after which a send counts as stuck. Even a busy machine needs less, and a silent server keeps the
/// connection open for longer.
pub(super) const STUCK: Duration = Duration::from_secs(30);

/// Sends one request. For an async transport, it runs the future to completion.
pub type Send<'a> = &'a dyn Fn(Request<Body>, &Limits) -> Result<Response<Body>, TransportError>;

/// Runs the whole suite, and returns the failures, one line each.
#[must_use]
pub fn run(send: Send<'_>) -> Vec<String> {
    let mut failures = Vec::new();
    for fault in faults() {
        for operation in [Op::Init, Op::Describe] {
            if let Err(problem) = meet(&fault, operation, send) {
                failures.push(format!("{} ({operation:?}): {problem}", fault.name));
            }
        }
    }
    let others: [(&str, Check); 7] = [
        ("a closed port", nothing_listens),
        ("a host that does not exist", no_such_host),
        ("no time at all", no_time_is_not_for_ever),
        ("a redirect", redirects_stay),
        ("the request as it was given", requests_are_faithful),
        ("connections are used again", connections_are_reused),
        ("a connection that dies", nothing_is_sent_twice),
    ];
    for (name, check) in others {
        failures.extend(check(send).err().map(|problem| format!("{name}: {problem}")));
    }
    failures
}

/// A check that needs more than one scripted fault.
type Check = fn(Send<'_>) -> Result<(), String>;

#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Init,
    Describe,
}

impl Op {
    /// Returns a request signed with V3, which puts personal data into the URL. This detects an error that
    /// shows it.
    pub(super) fn request(self, endpoint: &str) -> Result<Request<Body>, String> {
        self.signed(endpoint, Signing::V3)
    }

    fn signed(self, endpoint: &str, signing: Signing) -> Result<Request<Body>, String> {
        let why = |error: InvalidValue| error.to_string();
        match self {
            Self::Init => signed(&init_face_verify("order1").map_err(why)?, endpoint, signing),
            Self::Describe => signed(&describe_face_verify("sha1").map_err(why)?, endpoint, signing),
        }
    }
}

fn signed(op: &impl Operation, endpoint: &str, signing: Signing) -> Result<Request<Body>, String> {
    let endpoint: Endpoint = endpoint.parse().map_err(|_| "no endpoint".to_owned())?;
    let by = Credentials::new("testid", "testsecret").map_err(|error| error.to_string())?;
    let stamp = Stamp::new(UnixTime::from_secs(1_767_323_045), Nonce::from_entropy([7; 16]));
    let request = prepare(op, &endpoint, &by, signing, stamp).map_err(|error| error.to_string())?;
    Ok(request.into_http())
}

/// A server's behaviour, and the expected outcome.
struct Fault {
    name: &'static str,
    answer: Vec<u8>,
    then: Then,
    expected: Expected,
}

enum Expected {
    Response { status: u16, body: Vec<u8> },
    Error { kind: TransportErrorKind },
}

fn faults() -> Vec<Fault> {
    let fault = |name, answer: &[u8], then, expected| Fault { name, answer: answer.to_vec(), then, expected };
    let answers = |status, body: &[u8]| Expected::Response { status, body: body.to_vec() };
    let fails = |kind| Expected::Error { kind };
    let (broken, late) = (TransportErrorKind::Broken, TransportErrorKind::Timeout);
    let html = b"<html>502</html>";
    let large = "x".repeat(2 << 20);
    let with_length = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{large}", large.len());
    let to_the_end = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{large}");
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    vec![
        fault("200", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", Then::Close, answers(200, b"{}")),
        fault(
            "200 without a body",
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            Then::Close,
            answers(200, b""),
        ),
        fault(
            "200 in chunks",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
            Then::Close,
            answers(200, b"{}"),
        ),
        fault(
            "200 up to the end",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
            Then::Close,
            answers(200, b"{}"),
        ),
        fault(
            "400 with its body",
            b"HTTP/1.1 400 x\r\nContent-Length: 2\r\n\r\n{}",
            Then::Close,
            answers(400, b"{}"),
        ),
        fault("403", b"HTTP/1.1 403 x\r\nContent-Length: 2\r\n\r\nno", Then::Close, answers(403, b"no")),
        fault("500", b"HTTP/1.1 500 x\r\nContent-Length: 2\r\n\r\n{}", Then::Close, answers(500, b"{}")),
        fault(
            "502 with a proxy's page",
            b"HTTP/1.1 502 x\r\nContent-Type: text/html\r\nContent-Length: 16\r\n\r\n<html>502</html>",
            Then::Close,
            answers(502, html),
        ),
        fault(
            "503 without a body",
            b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n",
            Then::Close,
            answers(503, b""),
        ),
        fault(
            "bytes that are not UTF-8",
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\x00\xfe",
            Then::Close,
            answers(200, b"\xff\x00\xfe"),
        ),
        fault(
            "a wrong content type",
            b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 2\r\n\r\n{}",
            Then::Close,
            answers(200, b"{}"),
        ),
        fault("closed before reading", b"", Then::CloseUnread, fails(broken)),
        fault("closed after reading", b"", Then::Close, fails(broken)),
        fault("cut in the status line", b"HTTP/1.", Then::Close, fails(broken)),
        fault("cut in the headers", b"HTTP/1.1 200 OK\r\nContent-Le", Then::Close, fails(broken)),
        fault(
            "cut in the body",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
            Then::Close,
            fails(broken),
        ),
        fault(
            "cut in a chunk",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n63\r\n{",
            Then::Close,
            fails(broken),
        ),
        fault("not HTTP", b"\x00\x01\x02 this is something else\r\n\r\n", Then::Close, fails(broken)),
        fault(
            "too large, by its length",
            with_length.as_bytes(),
            Then::Close,
            fails(TransportErrorKind::TooLarge),
        ),
        fault(
            "too large, up to the end",
            to_the_end.as_bytes(),
            Then::Close,
            fails(TransportErrorKind::TooLarge),
        ),
        fault("too large, in chunks", chunked.as_bytes(), Then::Close, fails(TransportErrorKind::TooLarge)),
        fault("silence", b"", Then::Hang, fails(late)),
        fault(
            "silence after the headers",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
            Then::Hang,
            fails(late),
        ),
        fault(
            "a dribbling body",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
            Then::Dribble,
            fails(late),
        ),
        fault("dribbling headers", b"HTTP/1.1 200 OK\r\nX: ", Then::Dribble, fails(late)),
        fault(
            "headers without end",
            b"HTTP/1.1 200 OK\r\n",
            Then::Repeat("X-Header: some value\r\n"),
            fails(TransportErrorKind::TooLarge),
        ),
        fault(
            "one header without end",
            b"HTTP/1.1 200 OK\r\nX: ",
            Then::Repeat("a value that does not end, "),
            fails(TransportErrorKind::TooLarge),
        ),
    ]
}

fn meet(fault: &Fault, operation: Op, send: Send<'_>) -> Result<(), String> {
    let server = Server::start(fault.answer.clone(), fault.then).map_err(|error| error.to_string())?;
    // Only a fault that must time out gets a short limit, because a busy machine may need long for the
    // others.
    let times_out = matches!(fault.expected, Expected::Error { kind: TransportErrorKind::Timeout });
    let time = if times_out { Duration::from_millis(400) } else { STUCK };
    let begun = Instant::now();
    let came = send(operation.request(server.url())?, &Limits::DEFAULT.with_attempt(time));
    if begun.elapsed() > STUCK {
        return Err(format!("took {:?}, with {time:?} allowed", begun.elapsed()));
    }
    match (&fault.expected, came) {
        (Expected::Response { status, body }, Ok(response)) => {
            let found = (response.status().as_u16(), response.body().as_bytes());
            expect(found == (*status, body), || {
                format!("expected {status}, found {} with {}", found.0, found.1.len())
            })
        }
        // The peer may have read the request: the correct value is `Maybe`.
        (Expected::Error { kind }, Err(error)) => {
            expect((error.kind(), error.sent()) == (*kind, Sent::Maybe), || {
                format!("expected {kind:?}, found {error:?}")
            })?;
            shows_nothing(&error)
        }
        (Expected::Response { status, .. }, Err(error)) => Err(format!("expected {status}, found {error:?}")),
        (Expected::Error { kind }, Ok(response)) => {
            Err(format!("expected {kind:?}, found {}", response.status()))
        }
    }
}

fn nothing_listens(send: Send<'_>) -> Result<(), String> {
    // A free port may get a listener in a test that runs beside this one.
    is_not_sent(send(Op::Init.request("http://127.0.0.1:1")?, &Limits::DEFAULT))
}

/// Checks that the error says that no connection existed and nothing was sent.
pub(super) fn is_not_sent(came: Result<Response<Body>, TransportError>) -> Result<(), String> {
    match came {
        Err(error) => {
            let found = (error.kind(), error.sent());
            expect(found == (TransportErrorKind::Connect, Sent::No), || {
                format!("found {found:?} by {error:?}")
            })?;
            shows_nothing(&error)
        }
        Ok(response) => Err(format!("found {}", response.status())),
    }
}

/// Checks a name that cannot be resolved: `.invalid` never can (RFC 6761).
fn no_such_host(send: Send<'_>) -> Result<(), String> {
    let mut request = Op::Init.request("http://127.0.0.1:1")?;
    let uri = request.uri().to_string().replace("127.0.0.1:1", "cloudauth.invalid");
    *request.uri_mut() = uri.parse().map_err(|_| "not a URI".to_owned())?;
    is_not_sent(send(request, &Limits::DEFAULT))
}

/// Checks the error when no file descriptor is left. It exhausts the descriptors of the process, so run it in
/// its own test binary, with a low limit. It checks all forms of a transport in one call. Otherwise a
/// finished form could free a descriptor on another thread while the next one is checked.
///
/// # Errors
/// If the contract is violated. The error says which part.
pub fn without_descriptors(forms: &[Send<'_>]) -> Result<(), String> {
    let server = Server::start(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec(), Then::Close);
    let server = server.map_err(|error| error.to_string())?;
    let file = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut taken = Vec::new();
    while let Ok(file) = std::fs::File::open(&file) {
        taken.push(file);
        expect(taken.len() < 1_000_000, || "the limit of descriptors is too high for this test".to_owned())?;
    }
    for send in forms {
        let limits = Limits::DEFAULT.with_attempt(Duration::from_secs(3));
        is_not_sent(send(Op::Init.request(server.url())?, &limits))?;
    }
    drop(taken);
    expect(server.requests().is_empty(), || "a request arrived".to_owned())?;
    for send in forms {
        let next = send(Op::Init.request(server.url())?, &Limits::DEFAULT);
        next.map_err(|error| format!("the next one failed: {error:?}"))?;
    }
    Ok(())
}

/// Checks time limits shorter than the resolution of the client's clock: the remaining time of a call may be
/// that short.
fn no_time_is_not_for_ever(send: Send<'_>) -> Result<(), String> {
    let server = Server::start(Vec::new(), Then::Hang).map_err(|error| error.to_string())?;
    for micros in [0, 1, 500] {
        let begun = Instant::now();
        let limits = Limits::DEFAULT.with_attempt(Duration::from_micros(micros));
        let came = send(Op::Init.request(server.url())?, &limits);
        expect(came.is_err() && begun.elapsed() < STUCK, || {
            format!("{micros} microseconds became {:?}", begun.elapsed())
        })?;
    }
    Ok(())
}

/// Checks that a redirect is a response: the transport must not contact its target.
fn redirects_stay(send: Send<'_>) -> Result<(), String> {
    let trap = Server::start(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec(), Then::Close);
    let trap = trap.map_err(|error| error.to_string())?;
    for status in [301, 302, 303, 307, 308] {
        let answer = format!("HTTP/1.1 {status} x\r\nLocation: {}/\r\nContent-Length: 0\r\n\r\n", trap.url());
        let server = Server::start(answer.into_bytes(), Then::Close).map_err(|error| error.to_string())?;
        let response =
            send(Op::Init.request(server.url())?, &Limits::DEFAULT).map_err(|error| format!("{error:?}"))?;
        expect(response.status().as_u16() == status, || format!("{status} became {}", response.status()))?;
        expect(response.headers().contains_key("location"), || "the header is lost".to_owned())?;
    }
    expect(trap.requests().is_empty(), || "it was followed".to_owned())
}

fn requests_are_faithful(send: Send<'_>) -> Result<(), String> {
    let answer = b"HTTP/1.1 200 OK\r\nX-Acs-Request-Id: 7\r\nContent-Length: 0\r\n\r\n".to_vec();
    let server = Server::start(answer, Then::Close).map_err(|error| error.to_string())?;
    let given = Op::Init.request(server.url())?;
    let response = send(given.clone(), &Limits::DEFAULT).map_err(|error| format!("{error:?}"))?;
    expect(response.headers().get("x-acs-request-id").is_some_and(|id| id == "7"), || {
        "a header is lost".to_owned()
    })?;
    let requests = server.requests();
    let text = requests.first().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    let (head, body) = text.split_once("\r\n\r\n").ok_or("no request came")?;
    let target = given.uri().path_and_query().map_or("/", |target| target.as_str());
    expect(head.starts_with(&format!("{} {target} HTTP/1.1\r\n", given.method())), || {
        "the target changed".to_owned()
    })?;
    expect(body.as_bytes() == given.body().as_bytes(), || "the body changed".to_owned())?;
    for (name, value) in given.headers() {
        let found: Vec<_> = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(found, _)| found.eq_ignore_ascii_case(name.as_str()))
            .map(|(_, value)| value.trim().as_bytes())
            .collect();
        expect(found == [value.as_bytes()], || {
            format!("the header {name} is there {} times, or changed", found.len())
        })?;
    }
    expect(!head.to_ascii_lowercase().contains("expect: 100"), || "it waits for 100-continue".to_owned())
}

fn connections_are_reused(send: Send<'_>) -> Result<(), String> {
    let server = Server::keep_alive(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec());
    let server = server.map_err(|error| error.to_string())?;
    for _ in 0..5 {
        send(Op::Describe.request(server.url())?, &Limits::DEFAULT).map_err(|error| format!("{error:?}"))?;
    }
    let (requests, connections) = (server.requests().len(), server.connections());
    expect((requests, connections) == (5, 1), || {
        format!("{requests} requests took {connections} connections")
    })
}

/// Checks that a signed request on a lost connection is not resent: the exchange retries it with a new nonce.
fn nothing_is_sent_twice(send: Send<'_>) -> Result<(), String> {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec();
    let server = Server::answers_once(answer).map_err(|error| error.to_string())?;
    let request = || Op::Init.signed(server.url(), Signing::V1);
    send(request()?, &Limits::DEFAULT).map_err(|error| format!("{error:?}"))?;
    let came = send(request()?, &Limits::DEFAULT);
    expect(came.is_err(), || "it returned a response that the server never sent".to_owned())?;
    let requests = server.requests().len();
    expect(requests == 2, || format!("2 requests arrived {requests} times"))
}

/// Checks that the error shows no personal data, which V3 puts into the URL.
pub(super) fn shows_nothing(error: &TransportError) -> Result<(), String> {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text += &format!(" {error} {error:?}");
        source = error.source();
    }
    let shown =
        ["999999199001012003", "%E5%BC%A0", "CertNo"].into_iter().find(|planted| text.contains(planted));
    shown.map_or(Ok(()), |planted| Err(format!("the error shows {planted}")))
}

pub(super) fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
