//! The commands, one file each.

pub(crate) mod clock;
pub(crate) mod codes;
pub(crate) mod demo;
pub(crate) mod describe;
pub(crate) mod emulator;
pub(crate) mod faults;
pub(crate) mod init;
#[cfg(feature = "lab")]
pub(crate) mod lab;
pub(crate) mod listen;
pub(crate) mod policy;
pub(crate) mod sessions;
pub(crate) mod shop;
pub(crate) mod sign;
pub(crate) mod trigger;

use cloudauth::{
    BlockingClient, FaceVerifyStatus, Manual, Outcome, Reply, SubCode, UreqTransport, credentials,
};
use serde_json::{Value, json};

use crate::args::Target;
use crate::failure::{Failure, NOT_PASSED, PENDING};
use crate::output::Output;

/// A client for the account that the vendor's default chain finds.
fn client(target: Target) -> Result<BlockingClient, Failure> {
    let endpoint = target.endpoint()?;
    let transport = match target.proxy()? {
        Some(proxy) => UreqTransport::with_proxy(&proxy).map_err(|error| Failure::chained(&error))?,
        None => UreqTransport::new(),
    };
    let credentials = credentials::Chain::from_environment();
    let mut builder = BlockingClient::builder(transport, credentials).signing(target.signing.into());
    if let Some(endpoint) = endpoint {
        builder = builder.endpoint(endpoint);
    }
    Ok(builder.build())
}

/// Random bytes.
pub(crate) fn entropy<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Failure::other)?;
    Ok(bytes)
}

/// A status for people and for programs, and the exit code that goes with it.
fn status(reply: &Reply<FaceVerifyStatus>, output: &Output) -> (String, Value, u8) {
    let outcome = reply.output.outcome();
    let (word, exit) = match outcome {
        Outcome::Passed => ("passed", 0),
        Outcome::NotPassed => ("not passed", NOT_PASSED),
        Outcome::Unclear => ("unclear: the answer contradicts itself, have somebody look", NOT_PASSED),
        Outcome::Pending => ("pending", PENDING),
    };
    let (code, manual, scores) = match &reply.output {
        FaceVerifyStatus::Pending(code) => (Some(code.to_string()), code.manual(), None),
        FaceVerifyStatus::Finished(result) => (
            result.sub_code.as_ref().map(ToString::to_string),
            result.sub_code.as_ref().and_then(SubCode::manual),
            result
                .material_info
                .parse()
                .ok()
                .map(|material| material.facial_picture_front.verify_score.value()),
        ),
        _ => (None, None, None),
    };
    let score = scores.flatten();
    let request_id = reply.request_id.as_ref().map(ToString::to_string);
    let mut human =
        format!("{word}{}\n", code.as_ref().map(|code| format!(" (code {code})")).unwrap_or_default());
    if let Some(score) = score {
        human += &format!("verifyScore {score}\n");
    }
    human += &manual.map(|entry: &Manual| output.manual(entry)).unwrap_or_default();
    let document = json!({
        "outcome": format!("{outcome:?}"),
        "code": code,
        "verify_score": score,
        "meaning": manual.map(|entry| output.say(entry.meaning)),
        "next": manual.map(|entry| output.say(entry.next)),
        "request_id": request_id,
    });
    (human, document, exit)
}
