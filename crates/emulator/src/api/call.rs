//! The handler of API calls: reads the request, plans faults, checks the signature, runs the action, writes the journal.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};
use serde_json::Value;

use super::answer::ActionReply;
use super::response::PendingResponse;
use super::{delete, describe, fault_injection, init};
use crate::faults::{CallFacts, FaultKind};
use crate::gateway::{ApiRequest, GatewayError, MAX_EXPLAINED, verify};
use crate::http::{BodyError, ConnectionControl, MAX_CALL_BODY, is_cross_origin, read_body};
use crate::sessions;
use crate::state::{AppState, Change, EntrySource, JournalEntry, SignatureVersion};

/// The request id in answers to cross-origin requests.
const FOREIGN_REQUEST_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Handles a call of the API.
pub(crate) async fn call(
    State(state): State<Arc<AppState>>,
    Extension(connection): Extension<ConnectionControl>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // SDKs send no `Origin`. A page of another origin cannot read the answer, and its request must not affect the journal,
    // the faults or the ids.
    if is_cross_origin(&parts.headers) {
        let message = "The emulator does not accept calls from pages of another origin.";
        let error = GatewayError::new(StatusCode::FORBIDDEN, "Forbidden.Origin", message);
        return refusal(&state, &error, FOREIGN_REQUEST_ID).into_response();
    }
    let unread = state.faults().plan(&CallFacts { unread: true, ..CallFacts::default() });
    if unread.fault.is_some() {
        connection.close_after(0);
        journal(&state, JournalEntry::new(state.clock.now(), EntrySource::Call, "", 0), unread.fault);
        return Response::new(Body::empty());
    }
    let request = match read(parts, body, state.settings.limits.body_time).await {
        Ok(request) => request,
        Err(error) => return refuse(&state, &error),
    };
    let plan = {
        let (order, certify_id) = (request.param("OuterOrderNo"), request.param("CertifyId"));
        state.faults().plan(&CallFacts { unread: false, action: request.action(), order, certify_id })
    };
    // Even a sleep of zero duration lasts until the runtime's next millisecond.
    if !plan.delay.is_zero() {
        tokio::time::sleep(plan.delay).await;
    }
    let request_id = state.fresh_request_id();
    let answer = match plan.fault.and_then(fault_injection::error_for) {
        Some(error) => Err(error),
        None => answer(&state, &request).await,
    };
    let (mut response, entry) = match answer {
        Ok(answer) => {
            let root = format!("{}Response", request.action().unwrap_or_default());
            let response =
                PendingResponse::write(&state, &request, StatusCode::OK, &root, answer.fields(&request_id));
            let entry = entry(&state, &request, &response, &answer.code);
            let certify_id = answer.certify_id().map(str::to_owned).or(entry.certify_id);
            (response, JournalEntry { certify_id, ..entry }.hinted(answer.hint))
        }
        Err(error) => {
            let host = request.header("host").unwrap_or_default();
            let response = PendingResponse::write(
                &state,
                &request,
                error.status,
                "Error",
                error.body(&request_id, host),
            );
            let entry = entry(&state, &request, &response, error.code);
            let entry = JournalEntry { refused: error.is_signature_mismatch, ..entry };
            let entry = entry.hinted(error.hint.map(Into::into));
            (PendingResponse { retry_after: error.retry_after, ..response }, entry)
        }
    };
    if let Some(fault) = plan.fault {
        fault_injection::apply(fault, &mut response, &connection);
    }
    let is_kept = entry.refused && request.size() <= MAX_EXPLAINED;
    let refused_request = is_kept.then(|| Arc::new(request));
    journal(&state, JournalEntry { request_id: Some(request_id), refused_request, ..entry }, plan.fault);
    state.save();
    response.into_response()
}

async fn read(parts: Parts, body: Body, time: Duration) -> Result<ApiRequest, GatewayError> {
    let body = read_body(body, MAX_CALL_BODY, time).await.map_err(|error| {
        let code = match error {
            BodyError::TooLarge { .. } => "RequestEntityTooLarge",
            BodyError::TooSlow { .. } => "RequestTimeout",
            BodyError::Broken => "IncompleteBody",
        };
        GatewayError::new(error.status(), code, format!("Invalid request: {}.", error.message().en))
    })?;
    ApiRequest::new(parts, body)
}

/// Answers and journals a request whose body could not be read.
fn refuse(state: &AppState, error: &GatewayError) -> Response<Body> {
    let request_id = state.fresh_request_id();
    let response = refusal(state, error, &request_id);
    let entry = JournalEntry::new(state.clock.now(), EntrySource::Call, "", error.status.as_u16());
    let entry = JournalEntry { code: Some(error.code.to_owned()), request_id: Some(request_id), ..entry };
    journal(state, entry, None);
    response.into_response()
}

/// Returns the response to a request that is refused before its parameters are known.
fn refusal(state: &AppState, error: &GatewayError, request_id: &str) -> PendingResponse {
    let text = Value::Object(error.body(request_id, "")).to_string();
    PendingResponse::json(state, error.status, text)
}

/// Returns the journal entry of a call. It contains only names and ids.
fn entry(state: &AppState, request: &ApiRequest, response: &PendingResponse, code: &str) -> JournalEntry {
    // Other values may be personal data.
    let id = |name| request.param(name).filter(|id| is_id(id)).map(|id| sessions::masked(id).into_owned());
    let action = sessions::masked(request.action().filter(|action| is_id(action)).unwrap_or_default());
    JournalEntry {
        code: Some(code.to_owned()),
        certify_id: id("CertifyId"),
        outer_order_no: id("OuterOrderNo"),
        signature: Some(if request.is_v3() { SignatureVersion::V3 } else { SignatureVersion::V1 }),
        ..JournalEntry::new(state.clock.now(), EntrySource::Call, &action, response.status.as_u16())
    }
}

/// Returns whether a text has the form of an order number or CertifyId, and is not an ID number.
fn is_id(text: &str) -> bool {
    text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !sessions::is_id_number(text)
}

fn journal(state: &AppState, entry: JournalEntry, fault: Option<FaultKind>) {
    // The remaining `times` of the fault has decreased.
    if fault.is_some() {
        state.changed(Change::Faults);
    }
    state.journal().write(JournalEntry { fault, ..entry });
    state.changed(Change::Journal);
    state.changed(Change::Sessions);
}

async fn answer(state: &AppState, request: &ApiRequest) -> Result<ActionReply, GatewayError> {
    if !matches!(request.parts.method, Method::GET | Method::POST) {
        return Err(GatewayError::bad_request("UnsupportedHTTPMethod", "This http method is not supported."));
    }
    let action = request.action().ok_or_else(|| GatewayError::missing("Action"))?;
    let now = state.clock.now();
    let access_key_id = verify(request, &state.settings.keys, || state.nonces(), now)?;
    if let Some(limit) = state.settings.calls_per_second
        && let Some(wait) = state.quota().count(access_key_id, action, limit, now)
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
