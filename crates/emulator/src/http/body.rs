//! Reading request bodies, within limits of size and time.

use std::error::Error as _;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::middleware::Next;
use axum::response::IntoResponse;

use super::limits::{Limits, MAX_SMALL_BODY};
use super::message::{Message, both, problem};

/// The reason why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge { limit: usize },
    TooSlow { limit: Duration },
    Broken,
}

impl BodyError {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }

    pub(crate) fn message(self) -> Message {
        match self {
            Self::TooLarge { limit } => Message::new(
                format!("the body is larger than {limit} bytes"),
                format!("请求体超过 {limit} 字节"),
            ),
            Self::TooSlow { limit } => {
                let seconds = limit.as_secs();
                Message::new(
                    format!("the body did not arrive within {seconds} seconds"),
                    format!("请求体未在 {seconds} 秒内到达"),
                )
            }
            Self::Broken => both("the body did not arrive completely", "请求体未完整到达").into(),
        }
    }
}

/// Reads a body of at most `limit` bytes that arrives within `time`.
pub(crate) async fn read_body(body: Body, limit: usize, time: Duration) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge { limit });
    }
    match tokio::time::timeout(time, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error))
            if error.source().is_some_and(|source| source.is::<http_body_util::LengthLimitError>()) =>
        {
            Err(BodyError::TooLarge { limit })
        }
        Ok(Err(_)) => Err(BodyError::Broken),
        Err(_) => Err(BodyError::TooSlow { limit: time }),
    }
}

/// Middleware for forms and admin requests: reads the body, within its limits, before the handler runs.
pub(crate) async fn small_body(State(limits): State<Limits>, request: Request, next: Next) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match read_body(body, MAX_SMALL_BODY, limits.body_time).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(error) => error.into_response(),
    }
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response<Body> {
        let hint = both("docs/emulator.md lists the limits", "各项限制见 docs/zh/emulator.md");
        problem(self.status(), &self.message(), hint, None)
    }
}
