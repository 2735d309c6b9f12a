//! Calls of the service, and their results.

use cloudauth::{
    BlockingClient, Credentials, FaceVerifyStatus, Manual, Outcome, Reply, Signing, SubCode, UreqTransport,
    credentials,
};
use cloudauth_emulator::Emulator;
use serde_json::{Value, json};

use crate::args::Call;
use crate::failure::{Failure, NOT_PASSED, PENDING};
use crate::output::Output;
use crate::words::{self, calls};

/// A client with the credentials that the vendor's default chain finds.
pub(super) fn client(call: &Call) -> Result<BlockingClient, Failure> {
    let endpoint = call.target.endpoint()?;
    let transport = match call.proxy()? {
        Some(proxy) => UreqTransport::with_proxy(&proxy).map_err(Failure::other)?,
        None => UreqTransport::new(),
    };
    let credentials = credentials::Chain::from_environment();
    let mut builder = BlockingClient::builder(transport, credentials).signing(call.target.signing.into());
    if let Some(endpoint) = endpoint {
        builder = builder.endpoint(endpoint);
    }
    Ok(builder.build())
}

/// A client of an emulator in this process.
pub(super) fn emulator_client(emulator: &Emulator, signing: Signing) -> Result<BlockingClient, Failure> {
    let credentials = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET);
    let credentials = credentials.map_err(|error| Failure::credentials(words::credentials::made(error)))?;
    let endpoint = emulator.url().parse().map_err(Failure::usage)?;
    let builder = BlockingClient::builder(UreqTransport::new(), credentials);
    Ok(builder.endpoint(endpoint).signing(signing).build())
}

/// A status for people and for programs, and its exit code.
pub(super) fn status(reply: &Reply<FaceVerifyStatus>, output: &Output) -> (String, Value, u8) {
    let outcome = reply.output.outcome();
    let (word, exit) = match outcome {
        Outcome::Passed => (calls::PASSED, 0),
        Outcome::NotPassed => (calls::NOT_PASSED, NOT_PASSED),
        Outcome::Unclear => (calls::UNCLEAR, NOT_PASSED),
        Outcome::Pending => (calls::PENDING, PENDING),
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
    let mut human = output.pick(calls::outcome(word, code.as_deref())) + "\n";
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
