//! The flow: its machine under scripts of inputs, its stored documents, and the check of a webhook's headers.

use std::error::Error as _;

use cloudauth_flow::{
    DOCUMENT_FORMAT, State, StoreError, VerificationId, WebhookHeaders, WebhookSecret, read_document,
    write_document,
};
use cloudauth_protocol::UnixTime;
use serde_json::Value;

use crate::invariants::INVARIANTS;
use crate::reach::reached;
use crate::secrets::{assert_hidden, is_telling, strings, words};
use crate::world::{MANY, Move, World};

/// Each byte chooses one of the moves that can matter. The invariants of the model hold after each.
pub(super) fn machine(data: &[u8]) {
    let mut world = World::new();
    for byte in data.iter().take(64) {
        let moves = world.moves(MANY);
        let by = &moves[usize::from(*byte) % moves.len()];
        let next = match by {
            Move::Wait | Move::Day => world.later(by),
            Move::Step(_, input) => {
                let result = world.step(input);
                let next = result.as_ref().ok().map(|commit| world.after(commit));
                for (name, check) in INVARIANTS {
                    if let Err(problem) = check(&world, input, &result, next.as_ref()) {
                        panic!("{name}: {problem}");
                    }
                }
                next
            }
        };
        world = next.unwrap_or(world);
    }
    if world.stored.is_some_and(|stored| stored.verification.state == State::Approved) {
        reached("an approved verification");
    }
}

/// A document that is read is written and read again as the same verification. The error of any other text quotes nothing.
pub(super) fn document(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let document: Option<Value> = serde_json::from_str(text).ok();
    let id = document.as_ref().and_then(|document| document.get("id")).cloned();
    let own = id.and_then(|id| serde_json::from_value(id).ok());
    let id = own.unwrap_or(VerificationId::new([9; 16]));
    match read_document(DOCUMENT_FORMAT, &id, text) {
        Ok(verification) => {
            reached("a verification");
            let written = write_document(&verification).expect("a verification is written");
            let again = read_document(DOCUMENT_FORMAT, &id, &written).expect("a verification is read");
            assert_eq!(verification, again);
        }
        Err(error) => {
            let (shown, mut texts) = (shown_with_source(&error), Vec::new());
            match &document {
                Some(document) => strings(document, &[], &mut texts),
                None => texts.extend(words(text).filter(|word| is_telling(word))),
            }
            if texts.iter().any(|text| is_telling(text)) {
                let is_json = document.is_some();
                reached(if is_json { "a document with an error" } else { "a document that is not JSON" });
            }
            assert_hidden(&shown, texts);
        }
    }
}

/// The source says more than the error.
fn shown_with_source(error: &StoreError) -> String {
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    format!("{error} {error:?} {source}")
}

/// Three lines of headers and a body: accepted only if the signature is the one of the specification's vector.
pub(super) fn webhook(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut parts = text.splitn(4, '\n');
    let mut next = || parts.next().unwrap_or_default();
    let headers = WebhookHeaders { id: next(), timestamp: next(), signature: next() };
    let body = next();
    // The secret, the message and the signature of the specification's own tests.
    let secret = WebhookSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let now = UnixTime::from_secs(1_614_265_330);
    if headers.verify(&[secret], body.as_bytes(), now).is_err() {
        reached("headers that are refused");
    } else {
        reached("the vector of the specification");
        assert_eq!(headers.id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
        assert_eq!(headers.timestamp, "1614265330");
        assert_eq!(body, r#"{"test": 2432232314}"#);
        assert!(headers.signature.contains("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }
    let _ = WebhookSecret::new(body);
}
