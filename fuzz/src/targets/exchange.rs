//! The exchange under scripts of answers: the limits of its documentation hold.

use std::collections::HashSet;
use std::time::Duration;

use cloudauth_protocol::Body;
use cloudauth_transport::{Sent, TransportError, TransportErrorKind};
use http::Response;

use crate::client_world::{Answer, World, describe, init, seconds};
use crate::reach::reached;

/// Two bytes of settings; then each line is an answer: its milliseconds in a byte, its kind in a byte, its headers' value and
/// its body.
pub(super) fn exchange(data: &[u8]) {
    let [settings, jitter, rest @ ..] = data else { return };
    let mut lines = rest.split(|byte| *byte == b'\n');
    let mut world = World::new();
    (world.settings.attempts, world.settings.deadline) = (1 + u32::from(settings & 7), seconds(25));
    world.jitter = *jitter;
    let mut nonces = HashSet::new();
    for _ in 0..3 {
        let mut answer = |_: usize, _: &http::Request<Body>| answer(lines.next().unwrap_or_default());
        let (call, took, shown, is_done) = if settings & 128 == 0 {
            let call = world.call(&describe(), &mut answer);
            (call.nonces, call.took, format!("{:?}", call.result), call.result.is_ok())
        } else {
            let call = world.call(&init(), &mut answer);
            (call.nonces, call.took, format!("{:?}", call.result), call.result.is_ok())
        };
        reached(match (is_done, call.len()) {
            (true, 1) => "a success",
            (true, _) => "a success after a retry",
            (false, 1) => "an error",
            (false, _) => "an error after a retry",
        });
        assert!(call.len() <= world.settings.attempts as usize, "{} attempts", call.len());
        assert!(took <= world.settings.deadline, "{took:?}");
        assert!(call.into_iter().all(|nonce| nonces.insert(nonce)), "a nonce is used twice");
        assert!(!shown.contains("testsecret"));
    }
}

fn answer(line: &[u8]) -> (Duration, Answer) {
    let [time, kind, rest @ ..] = line else { return (Duration::ZERO, lost(Sent::No)) };
    let took = Duration::from_millis(u64::from(*time) * 64);
    let status = match kind % 8 {
        0 => return (took, lost(Sent::No)),
        1 => return (took, lost(Sent::Maybe)),
        2 => 503,
        3 => 400,
        _ => 200,
    };
    let at = rest.iter().position(|byte| *byte == b'{').unwrap_or(0);
    let (value, body) = rest.split_at(at);
    let mut response = Response::builder().status(status);
    if let Ok(value) = http::HeaderValue::from_bytes(value) {
        let name =
            ["date", "retry-after", "x-acs-retry-after", "x-acs-request-id"][usize::from(kind / 8) % 4];
        response = response.header(name, value);
    }
    (took, Ok(response.body(Body::from(body.to_vec())).unwrap()))
}

fn lost(sent: Sent) -> Answer {
    Err(TransportError::new(TransportErrorKind::Connect, sent))
}
