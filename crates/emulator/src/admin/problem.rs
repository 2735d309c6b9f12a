//! Errors and results of the admin API.

use std::error::Error;
use std::iter;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use cloudauth_protocol::{Bilingual, plain_name, plain_parse_error};
use serde::Serialize;
use serde_path_to_error::Segment;

use crate::http::{Message, both, problem};

/// An error of the admin API: what failed, and what to do. The document has both languages: `error` and `hint` in English, and
/// `zh` with the same members in Chinese. `command` is the hint for users of the command `cloudauth`.
pub(super) struct AdminError {
    status: StatusCode,
    error: Message,
    hint: Bilingual,
    command: Option<Bilingual>,
}

pub(super) type AdminResult<T> = Result<Json<T>, AdminError>;

impl AdminError {
    pub(super) fn new(status: StatusCode, error: impl Into<Message>, hint: Bilingual) -> Self {
        Self { status, error: error.into(), hint, command: None }
    }

    /// Adds the hint for users of the command.
    pub(super) fn command(self, hint: Bilingual) -> Self {
        Self { command: Some(hint), ..self }
    }

    pub(super) fn bad(error: impl Into<Message>, hint: Bilingual) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, hint)
    }

    pub(super) fn not_found(error: Bilingual, hint: Bilingual) -> Self {
        Self::new(StatusCode::NOT_FOUND, error, hint)
    }
}

impl From<JsonRejection> for AdminError {
    /// The message names the field and what it must be, and quotes no value.
    fn from(rejection: JsonRejection) -> Self {
        let error: Message = match &rejection {
            JsonRejection::JsonDataError(error) => wrong_field(error),
            JsonRejection::JsonSyntaxError(_) => {
                both("the body is not valid JSON", "请求体不是有效的 JSON").into()
            }
            JsonRejection::MissingJsonContentType(_) => {
                both("the body must be application/json", "请求体的类型须为 application/json").into()
            }
            _ => both("the body cannot be read", "无法读取请求体").into(),
        };
        Self::bad(
            error,
            both(
                "GET /_emu/v1/openapi.json describes the requests",
                "请求的格式见 GET /_emu/v1/openapi.json",
            ),
        )
    }
}

/// Tells which field of a JSON document is wrong. A path with a name that may be a person's is not shown.
fn wrong_field(error: &(dyn Error + 'static)) -> Message {
    let mut sources = iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
    let Some(error) = sources.find_map(|error| error.downcast_ref::<Misfit>()) else {
        return both("the body does not have the form of the request", "请求体不符合要求的格式").into();
    };
    let reason = plain_parse_error(&error.inner().to_string());
    let path = error.path();
    let is_plain = |segment: &Segment| match segment {
        Segment::Map { key: name } | Segment::Enum { variant: name } => plain_name(name).is_some(),
        Segment::Seq { .. } => true,
        Segment::Unknown => false,
    };
    match path.iter().next().is_some() && path.iter().all(is_plain) {
        true => Message::new(format!("`{path}`: {}", reason.en), format!("`{path}`：{}", reason.zh)),
        false => Message::new(reason.en, reason.zh),
    }
}

/// The error that axum wraps: the path of the field, and why serde refuses its value.
type Misfit = serde_path_to_error::Error<serde_json::Error>;

impl IntoResponse for AdminError {
    fn into_response(self) -> Response<Body> {
        problem(self.status, &self.error, self.hint, self.command)
    }
}

/// The error of a CertifyId without a session.
pub(super) fn unknown_session() -> AdminError {
    AdminError::not_found(
        both("unknown CertifyId", "没有这个 CertifyId"),
        both("GET /_emu/v1/sessions lists sessions", "会话列表见 GET /_emu/v1/sessions"),
    )
    .command(both("`cloudauth sessions` lists the verifications", "运行 `cloudauth sessions` 查看认证列表"))
}

/// Returns HTTP 201 with the created object.
pub(super) fn created(what: impl Serialize) -> Response<Body> {
    (StatusCode::CREATED, Json(what)).into_response()
}
