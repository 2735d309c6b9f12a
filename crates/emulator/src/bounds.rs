//! The bounds of what is read from outside: bodies, heads, connections, and the time that each may take. The table in
//! `docs/emulator.md` lists them all.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::{Response, StatusCode};
use axum::middleware::Next;
use axum::response::IntoResponse;
use serde_json::json;

use crate::state::State;

/// The most bytes in the body of a call.
pub(crate) const CALL_BODY: usize = 4 << 20;
/// The most bytes in the body of a form or of an admin request.
pub(crate) const SMALL_BODY: usize = 1 << 20;
/// The most bytes in a snapshot that is put back.
pub(crate) const SNAPSHOT_BODY: usize = 512 << 20;
/// The most bytes in a request's head. A query may hold 65,534 of them.
pub(crate) const HEAD: usize = 128 << 10;

/// The bounds on connections and on time. Tests shorten them; everybody else has the defaults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most open connections; further ones wait.
    pub(crate) connections: usize,
    /// The time for a request's head to arrive, and for a connection to be idle.
    pub(crate) head_time: Duration,
    /// The time for a body to arrive.
    pub(crate) body_time: Duration,
    /// The time for a snapshot to arrive.
    pub(crate) snapshot_time: Duration,
    /// The time that a client may leave an answer unread.
    pub(crate) write_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            head_time: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            snapshot_time: Duration::from_secs(300),
            write_time: Duration::from_secs(60),
        }
    }
}

/// A body that is not read to its end.
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
}

impl std::fmt::Display for BodyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge { limit } => write!(f, "the body is larger than {limit} bytes"),
            Self::TooSlow { limit } => {
                write!(f, "the body did not arrive within {} seconds", limit.as_secs())
            }
            Self::Broken => f.write_str("the body did not arrive completely"),
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

/// Middleware: reads the body of a form or of an admin request within its bounds before the request goes on.
pub(crate) async fn small_body(
    Shared(state): Shared<Arc<State>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match read_body(body, SMALL_BODY, state.setup.limits.body_time).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(error) => error.into_response(),
    }
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response<Body> {
        let hint = "docs/emulator.md lists the bounds";
        (self.status(), Json(json!({ "error": self.to_string(), "hint": hint }))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::{Emulator, Fault, FaultKind};

    const SHORT: Duration = Duration::from_millis(50);

    async fn emulator(limits: Limits) -> Emulator {
        Emulator::builder().limits(limits).start().await.unwrap()
    }

    async fn send(emulator: &Emulator, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream
    }

    /// Reads until the emulator closes the connection.
    async fn answer(mut stream: TcpStream) -> String {
        let mut answer = Vec::new();
        // A close with bytes unread is an error on some systems.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn a_body_that_does_not_arrive_times_out() {
        let emulator = emulator(Limits { body_time: SHORT, snapshot_time: SHORT, ..Limits::default() }).await;
        for path in ["/", "/h5/x/submit", "/_emu/v1/faults", "/_emu/v1/snapshot"] {
            let method = if path.ends_with("snapshot") { "PUT" } else { "POST" };
            let head = format!(
                "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
                emulator.address()
            );
            let answer = answer(send(&emulator, &head).await).await;
            assert!(answer.starts_with("HTTP/1.1 408"), "{path}: {answer}");
        }
    }

    #[tokio::test]
    async fn a_head_that_does_not_end_is_closed_after_its_time() {
        let emulator = emulator(Limits { head_time: SHORT, ..Limits::default() }).await;
        let stream = send(&emulator, "POST / HTTP/1.1\r\nHost: x\r\nA: ").await;
        assert_eq!(answer(stream).await, "", "closed");
    }

    #[tokio::test]
    async fn an_answer_that_is_not_read_times_out() {
        let size = 64 << 20;
        // One connection: the second one is served only after the first one is closed.
        let emulator = emulator(Limits { write_time: SHORT, connections: 1, ..Limits::default() }).await;
        emulator.inject(Fault::new(FaultKind::Padded(size)).times(1));
        let unread = send(&emulator, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut next = send(&emulator, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert_eq!(next.read_u8().await.unwrap(), b'H');
        let read = answer(unread).await;
        assert!(read.starts_with("HTTP/1.1") && read.len() < size, "closed before the end");
    }
}
