//! The RPC gateway: turns away what is not signed, hands the rest to its action, answers JSON or XML.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};
use serde_json::Value;

use super::answer::Answer;
use super::response::Draft;
use super::{delete, describe, fault_injection, init};
use crate::faults::{Call, FaultKind};
use crate::gateway::{EXPLAINABLE, GatewayError, Incoming, verify};
use crate::http::{BodyError, CALL_BODY, Line, is_cross_origin, read_body};
use crate::sessions;
use crate::state::{Entry, State, What};

/// The request id in the answer to a page of another origin.
const FOREIGN_REQUEST_ID: &str = "00000000-0000-0000-0000-000000000000";

pub(crate) async fn call(
    Shared(state): Shared<Arc<State>>,
    Extension(line): Extension<Line>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // SDKs send no `Origin`. A page of another origin cannot read the answer: its request must leave no trace, neither in
    // the journal nor in the faults and the ids.
    if is_cross_origin(&parts.headers) {
        let words = "The emulator takes no calls from pages of another origin.";
        let error = GatewayError::new(StatusCode::FORBIDDEN, "Forbidden.Origin", words);
        return refusal(&state, &error, FOREIGN_REQUEST_ID).into_response();
    }
    let unread = state.faults().plan(&Call { unread: true, ..Call::default() });
    if unread.fault.is_some() {
        line.close_after(0);
        journal(&state, Entry::new(state.clock.now(), What::Call, "", 0), unread.fault);
        return Response::new(Body::empty());
    }
    let request = match read(parts, body, state.setup.limits.body_time).await {
        Ok(request) => request,
        Err(error) => return refuse(&state, &error),
    };
    let plan = {
        let (order, certify_id) = (request.param("OuterOrderNo"), request.param("CertifyId"));
        state.faults().plan(&Call { unread: false, action: request.action(), order, certify_id })
    };
    tokio::time::sleep(plan.delay).await;
    let request_id = state.fresh_request_id();
    let answer = match plan.fault.and_then(fault_injection::instead) {
        Some(error) => Err(error),
        None => answer(&state, &request).await,
    };
    let (mut draft, entry) = match answer {
        Ok(answer) => {
            let root = format!("{}Response", request.action().unwrap_or_default());
            let draft = Draft::write(&state, &request, StatusCode::OK, &root, answer.fields(&request_id));
            let entry = entry(&state, &request, &draft, &answer.code);
            let certify_id = answer.certify_id().map(str::to_owned).or(entry.certify_id);
            (draft, Entry { hint: answer.hint, certify_id, ..entry })
        }
        Err(error) => {
            let host = request.header("host").unwrap_or_default();
            let draft = Draft::write(&state, &request, error.status, "Error", error.body(&request_id, host));
            let entry = entry(&state, &request, &draft, error.code);
            let entry = Entry { hint: error.hint, refused: error.is_unmatched_signature, ..entry };
            (Draft { retry_after: error.retry_after, ..draft }, entry)
        }
    };
    if let Some(fault) = plan.fault {
        fault_injection::spoil(fault, &mut draft, &line);
    }
    let is_kept = entry.refused && request.size() <= EXPLAINABLE;
    let refused_request = is_kept.then(|| Arc::new(request));
    journal(&state, Entry { request_id: Some(request_id), refused_request, ..entry }, plan.fault);
    state.save();
    draft.into_response()
}

async fn read(parts: Parts, body: Body, time: Duration) -> Result<Incoming, GatewayError> {
    let body = read_body(body, CALL_BODY, time).await.map_err(|error| {
        let code = match error {
            BodyError::TooLarge { .. } => "RequestEntityTooLarge",
            BodyError::TooSlow { .. } => "RequestTimeout",
            BodyError::Broken => "IncompleteBody",
        };
        GatewayError::new(error.status(), code, format!("Invalid request: {error}."))
    })?;
    Incoming::new(parts, body)
}

/// Answers a request whose body could not be read.
fn refuse(state: &State, error: &GatewayError) -> Response<Body> {
    let request_id = state.fresh_request_id();
    let draft = refusal(state, error, &request_id);
    let entry = Entry::new(state.clock.now(), What::Call, "", error.status.as_u16());
    let entry = Entry { code: Some(error.code.to_owned()), request_id: Some(request_id), ..entry };
    journal(state, entry, None);
    draft.into_response()
}

/// The answer to a request that is refused before its parameters are known.
fn refusal(state: &State, error: &GatewayError, request_id: &str) -> Draft {
    let text = Value::Object(error.body(request_id, "")).to_string();
    Draft::json(state, error.status, text)
}

/// What the journal keeps of a call: names and ids.
fn entry(state: &State, request: &Incoming, draft: &Draft, code: &str) -> Entry {
    // What is no name or id of ours may be anything.
    let id = |name| request.param(name).filter(|id| is_id(id)).map(str::to_owned);
    let action = request.action().filter(|action| is_id(action)).unwrap_or_default();
    Entry {
        code: Some(code.to_owned()),
        certify_id: id("CertifyId"),
        outer_order_no: id("OuterOrderNo"),
        signature: Some(if request.is_v3() { "V3" } else { "V1" }),
        ..Entry::new(state.clock.now(), What::Call, action, draft.status.as_u16())
    }
}

/// Whether a text is made as ids are, and is no ID number.
fn is_id(text: &str) -> bool {
    text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !sessions::is_id_number(text)
}

fn journal(state: &State, entry: Entry, fault: Option<FaultKind>) {
    let fault = fault.and_then(|fault| serde_json::to_value(fault).ok());
    // One more of its times is used up.
    if fault.is_some() {
        state.changed("faults");
    }
    state.journal().write(Entry { fault, ..entry });
    state.changed("journal");
    state.changed("sessions");
}

async fn answer(state: &State, request: &Incoming) -> Result<Answer, GatewayError> {
    if !matches!(request.parts.method, Method::GET | Method::POST) {
        return Err(GatewayError::bad_request("UnsupportedHTTPMethod", "This http method is not supported."));
    }
    let action = request.action().ok_or_else(|| GatewayError::missing("Action"))?;
    let now = state.clock.now();
    let access_key_id = verify(request, &state.setup.keys, || state.nonces(), now)?;
    if let Some(most) = state.setup.calls_a_second
        && let Some(wait) = state.quota().count(access_key_id, action, most, now)
    {
        return Err(GatewayError::throttled(wait));
    }
    if request.version() != Some("2019-03-07") {
        return Err(GatewayError::new(
            StatusCode::NOT_FOUND,
            "InvalidVersion",
            "Specified parameter Version is not valid.",
        ));
    }
    match action {
        "InitFaceVerify" => Ok(init::init_face_verify(state, request).await),
        "DescribeFaceVerify" => Ok(describe::describe_face_verify(state, request)),
        "DeleteFaceVerifyResult" => Ok(delete::delete_face_verify_result(state, request)),
        _ => Err(GatewayError::new(
            StatusCode::NOT_FOUND,
            "InvalidAction.NotFound",
            "Specified api is not found, please check your url and method.",
        )),
    }
}
