//! The limits of the exchange, under random sequences of outcomes.

#![cfg(test)]

mod world;

use std::collections::HashSet;
use std::time::Duration;

use cloudauth_protocol::Body;
use cloudauth_transport::{Sent, TransportError, TransportErrorKind};
use http::Request;
use proptest::prelude::*;

use world::*;

/// An outcome of each kind.
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

    /// After any sequence of outcomes: no more attempts than allowed, no nonce used twice, no wait and no attempt beyond
    /// the deadline, and no more retries than the budget pays for.
    #[test]
    fn limits_hold_for_any_sequence_of_outcomes(
        calls in prop::collection::vec(prop::collection::vec((0..12_u8, 0..12_000_u64), 1..8), 1..40),
        attempts in 1..6_u32,
        deadline in 0..30_u64,
        jitter in any::<u8>(),
        reads in any::<bool>(),
    ) {
        let mut world = World::new();
        (world.settings.attempts, world.settings.deadline, world.jitter) = (attempts, seconds(deadline), jitter);
        let (mut nonces, mut sent, mut successes) = (HashSet::new(), 0, 0);
        // Retries that the budget does not count, each once per call: a corrected clock, a new nonce, another region.
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
                prop_assert!(nonces.insert(nonce), "the nonce was used twice");
            }
        }
        let retries = sent.saturating_sub(calls.len());
        prop_assert!(retries <= (500 + successes) / 5 + free, "{retries} retries");
    }
}
