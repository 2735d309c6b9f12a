//! A simulated world for the tests of the exchange. Only waits and answers advance its clock.

#![allow(dead_code, reason = "each test file uses only some of the helpers")]

use std::time::Duration;

use cloudauth_client::{Entropy, Error, Exchange, Now, Settings, SharedState, Step};
use cloudauth_protocol::{Body, Credentials, DescribeFaceVerify, InitFaceVerify, Operation, Reply, UnixTime};
use cloudauth_transport::testing::{describe_face_verify, init_face_verify};
use cloudauth_transport::{Sent, TransportError, TransportErrorKind};
use http::{Request, Response};

pub(crate) type Answer = Result<Response<Body>, TransportError>;

pub(crate) const SHANGHAI: &str = "cloudauth.cn-shanghai.aliyuncs.com";
pub(crate) const BEIJING: &str = "cloudauth.cn-beijing.aliyuncs.com";
pub(crate) const START: u64 = 1_767_323_045;

pub(crate) fn describe() -> DescribeFaceVerify {
    describe_face_verify("sha1").unwrap()
}

pub(crate) fn init() -> InitFaceVerify {
    init_face_verify("order1").unwrap()
}

/// The state of one client, and a clock that only waits and answers advance.
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) shared: SharedState,
    pub(crate) steady: Duration,
    /// How far the wall clock is behind.
    pub(crate) behind: Duration,
    /// How often entropy was drawn.
    pub(crate) drawn: u64,
    /// The jitter, as a fraction of the longest wait: 0 to 255.
    pub(crate) jitter: u8,
    /// How much longer than requested every wait takes.
    pub(crate) oversleep: Duration,
}

/// The record of one call.
pub(crate) struct Call<T> {
    pub(crate) hosts: Vec<String>,
    pub(crate) nonces: Vec<String>,
    pub(crate) times: Vec<String>,
    pub(crate) waits: Vec<Duration>,
    pub(crate) took: Duration,
    pub(crate) result: Result<Reply<T>, Error>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            settings: Settings::default(),
            shared: SharedState::default(),
            steady: Duration::ZERO,
            behind: Duration::ZERO,
            drawn: 0,
            jitter: 255,
            oversleep: Duration::ZERO,
        }
    }

    pub(crate) fn now(&self) -> Now {
        let wall = UnixTime::from_millis(START * 1000 + 7_200_000 - self.behind.as_millis() as u64);
        Now { wall: wall.plus(self.steady), steady: self.steady }
    }

    pub(crate) fn entropy(&mut self) -> Entropy {
        self.drawn += 1;
        let mut bytes = [self.jitter; 24];
        bytes[..8].copy_from_slice(&self.drawn.to_be_bytes());
        Entropy(bytes)
    }

    /// Runs a call. `answer` takes the number of the attempt, from 1.
    pub(crate) fn call<O: Operation>(
        &mut self,
        op: &O,
        mut answer: impl FnMut(usize, &Request<Body>) -> (Duration, Answer),
    ) -> Call<O::Output> {
        let by = Credentials::new("testid", "testsecret").unwrap();
        let (settings, begun) = (self.settings.clone(), self.steady);
        let shared = std::mem::take(&mut self.shared);
        let mut exchange = Exchange::new(op, &by, &settings, &shared);
        let (mut hosts, mut nonces, mut times, mut waits) = (vec![], vec![], vec![], vec![]);
        let result = loop {
            let entropy = self.entropy();
            match exchange.poll(self.now(), entropy) {
                Step::Send(request, limits) => {
                    let request = request.into_http();
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
                    self.steady += time + self.oversleep;
                }
                Step::Done(result) => break result,
                _ => panic!("unexpected step"),
            }
        };
        drop(exchange);
        self.shared = shared;
        Call { hosts, nonces, times, waits, took: self.steady - begun, result }
    }
}

/// The time that a fast answer takes.
pub(crate) const FAST: Duration = Duration::from_millis(20);

pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: &'static str) -> Answer {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Ok(response.body(Body::from(body)).unwrap())
}

pub(crate) fn pending() -> Answer {
    response(200, &[], r#"{"Code":"424"}"#)
}

pub(crate) fn started() -> Answer {
    response(200, &[], r#"{"Code":"200","ResultObject":{"CertifyId":"sha1"}}"#)
}

pub(crate) fn unknown() -> Answer {
    response(200, &[], r#"{"Code":"406"}"#)
}

pub(crate) fn lost(sent: Sent) -> Answer {
    Err(TransportError::new(TransportErrorKind::Connect, sent))
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
