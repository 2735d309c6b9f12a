//! The RPC gateway: turns away what is not signed, hands the rest to its action, answers JSON or XML.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::header::{CONTENT_TYPE, DATE};
use axum::http::{HeaderValue, Response, StatusCode};
use cloudauth_protocol::UnixTime;
use quick_xml::escape::escape;
use serde_json::{Map, Value};

use crate::actions;
use crate::error::GatewayError;
use crate::fault::Call;
use crate::line::Line;
use crate::state::State;
use crate::verify::{Incoming, verify};
use crate::wire;

/// The largest request that is read, in bytes.
const LARGEST: usize = 4 << 20;

/// An answer before it is written.
pub(crate) struct Draft {
    pub(crate) status: StatusCode,
    pub(crate) kind: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) date: UnixTime,
    pub(crate) retry_after: Option<Duration>,
}

pub(crate) async fn call(
    Shared(state): Shared<Arc<State>>,
    Extension(line): Extension<Line>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let unread = state.faults().plan(&Call { unread: true, ..Call::default() });
    if unread.fault.is_some() {
        line.close_after(0);
        return Response::new(Body::empty());
    }
    let body = to_bytes(body, LARGEST).await.map(|bytes| bytes.to_vec()).unwrap_or_default();
    let request = Incoming::new(parts, body);
    let plan = {
        let (order, certify_id) = (request.param("OuterOrderNo"), request.param("CertifyId"));
        state.faults().plan(&Call { unread: false, action: request.action(), order, certify_id })
    };
    tokio::time::sleep(plan.delay).await;
    let request_id = state.fresh_request_id();
    let answer = match plan.fault.and_then(wire::instead) {
        Some(error) => Err(error),
        None => answer(&state, &request, &request_id).await,
    };
    let mut draft = match answer {
        Ok((action, fields)) => write(&state, &request, StatusCode::OK, &format!("{action}Response"), fields),
        Err(error) => {
            let host = request.header("host").unwrap_or_default();
            let draft = write(&state, &request, error.status, "Error", error.body(&request_id, host));
            Draft { retry_after: error.retry_after, ..draft }
        }
    };
    if let Some(fault) = plan.fault {
        wire::spoil(fault, &mut draft, &line);
    }
    draft.into_response()
}

async fn answer<'a>(
    state: &State,
    request: &'a Incoming,
    request_id: &str,
) -> Result<(&'a str, Map<String, Value>), GatewayError> {
    let action = request.action().ok_or_else(|| GatewayError::missing("Action"))?;
    let now = state.clock.now();
    let access_key_id = verify(request, &state.keys, &state.nonces, now)?;
    if let Some(most) = state.calls_a_second
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
    let answer = match action {
        "InitFaceVerify" => actions::init_face_verify(state, request).await,
        "DescribeFaceVerify" => actions::describe_face_verify(state, request),
        "DeleteFaceVerifyResult" => actions::delete_face_verify_result(state, request),
        _ => {
            return Err(GatewayError::new(
                StatusCode::NOT_FOUND,
                "InvalidAction.NotFound",
                "Specified api is not found, please check your url and method.",
            ));
        }
    };
    let mut fields = Map::new();
    fields.insert("RequestId".into(), request_id.into());
    fields.insert("Message".into(), answer.message.into());
    fields.insert("Code".into(), answer.code.into());
    if let Some(result) = answer.result {
        fields.insert("ResultObject".into(), result);
    }
    Ok((action, fields))
}

fn write(
    state: &State,
    request: &Incoming,
    status: StatusCode,
    root: &str,
    fields: Map<String, Value>,
) -> Draft {
    let (kind, text) = if request.wants_xml() {
        (
            "text/xml;charset=utf-8",
            format!("<?xml version='1.0' encoding='UTF-8'?>{}", xml(root, &Value::Object(fields))),
        )
    } else {
        ("application/json;charset=utf-8", Value::Object(fields).to_string())
    };
    Draft { status, kind, body: text.into_bytes(), date: state.clock.now(), retry_after: None }
}

impl Draft {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(self.date.to_system_time())) {
            headers.insert(DATE, date);
        }
        if let Some(wait) = self.retry_after {
            headers.insert("x-acs-retry-after", HeaderValue::from(wait.as_millis() as u64));
        }
        response
    }
}

fn xml(name: &str, value: &Value) -> String {
    let inside = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| xml(name, value)).collect(),
        Value::String(text) => escape(text).into_owned(),
        other => other.to_string(),
    };
    format!("<{name}>{inside}</{name}>")
}
