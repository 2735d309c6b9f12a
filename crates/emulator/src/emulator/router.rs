//! The routes of the emulator.

use std::sync::Arc;

use axum::routing::{any, get, post};
use axum::{Router, middleware};

use crate::http::small_body;
use crate::state::AppState;
use crate::web::{assets, h5, picture};
use crate::{admin, api};

pub(super) fn router(state: &Arc<AppState>) -> Router {
    Router::new()
        .route("/s/{code}", get(h5::short))
        .route("/s/{token}/submit", post(h5::submit))
        .route("/s/{token}/cancel", post(h5::cancel))
        .route("/s/{token}/expire", post(h5::expire))
        .route("/h5/{token}", get(h5::page))
        .route("/h5/{token}/submit", post(h5::submit))
        .route("/h5/{token}/cancel", post(h5::cancel))
        .route("/h5/{token}/expire", post(h5::expire))
        .route("/jsvm_all.js", get(assets::meta_info_script))
        .route("/oss/{bucket}/{*object}", get(picture::get))
        .route("/_emu/assets/{file}", get(assets::asset))
        .layer(middleware::from_fn_with_state(state.settings.limits, small_body))
        .route("/", any(api::call))
        .merge(admin::router(state))
        .with_state(Arc::clone(state))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::super::running::Emulator;
    use crate::faults::{Fault, FaultKind};
    use crate::http::Limits;

    const SHORT: Duration = Duration::from_millis(50);

    async fn emulator(limits: Limits) -> Emulator {
        Emulator::builder().limits(limits).start().await.unwrap()
    }

    async fn send(emulator: &Emulator, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream
    }

    /// Reads the answer until the emulator closes the connection.
    async fn answer(mut stream: TcpStream) -> String {
        let mut answer = Vec::new();
        // Some systems report an error if a connection closes with unread bytes.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn an_incomplete_body_times_out() {
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
    async fn closes_a_connection_whose_request_head_is_incomplete() {
        let emulator = emulator(Limits { head_time: SHORT, ..Limits::default() }).await;
        let stream = send(&emulator, "POST / HTTP/1.1\r\nHost: x\r\nA: ").await;
        assert_eq!(answer(stream).await, "", "closed");
    }

    #[tokio::test]
    async fn closes_a_connection_whose_client_does_not_read() {
        let size = 64 << 20;
        // One connection: the second one is served only after the first one is closed.
        let emulator = emulator(Limits { write_time: SHORT, connections: 1, ..Limits::default() }).await;
        emulator.inject(Fault::new(FaultKind::Padded(size)).times(1)).unwrap();
        let unread = send(&emulator, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut next = send(&emulator, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert_eq!(next.read_u8().await.unwrap(), b'H');
        let read = answer(unread).await;
        assert!(read.starts_with("HTTP/1.1") && read.len() < size, "closed before the end");
    }
}
