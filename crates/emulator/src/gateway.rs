//! The RPC gateway: turns away what is not signed, hands the rest to its action, answers JSON or XML.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::header::{CONTENT_TYPE, DATE};
use axum::http::{HeaderValue, Response, StatusCode};
use quick_xml::escape::escape;
use serde_json::{Map, Value};

use crate::actions;
use crate::error::GatewayError;
use crate::state::State;
use crate::verify::{Incoming, verify};

/// The largest request that is read, in bytes.
const LARGEST: usize = 4 << 20;

pub(crate) async fn call(Shared(state): Shared<Arc<State>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST).await.map(|bytes| bytes.to_vec()).unwrap_or_default();
    let request = Incoming::new(parts, body);
    let request_id = state.fresh_request_id();
    match answer(&state, &request, &request_id).await {
        Ok((action, fields)) => write(&state, &request, StatusCode::OK, &format!("{action}Response"), fields),
        Err(error) => {
            let host = request.header("host").unwrap_or_default();
            write(&state, &request, error.status, "Error", error.body(&request_id, host))
        }
    }
}

async fn answer<'a>(
    state: &State,
    request: &'a Incoming,
    request_id: &str,
) -> Result<(&'a str, Map<String, Value>), GatewayError> {
    let action = request.action().ok_or_else(|| GatewayError::missing("Action"))?;
    verify(request, &state.keys, &state.nonces, state.clock.now())?;
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
) -> Response<Body> {
    let (kind, text) = if request.wants_xml() {
        (
            "text/xml;charset=utf-8",
            format!("<?xml version='1.0' encoding='UTF-8'?>{}", xml(root, &Value::Object(fields))),
        )
    } else {
        ("application/json;charset=utf-8", Value::Object(fields).to_string())
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(date) = HeaderValue::from_str(&state.http_date()) {
        response.headers_mut().insert(DATE, date);
    }
    response
}

fn xml(name: &str, value: &Value) -> String {
    let inside = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| xml(name, value)).collect(),
        Value::String(text) => escape(text).into_owned(),
        other => other.to_string(),
    };
    format!("<{name}>{inside}</{name}>")
}
