//! Accepts connections and serves them, up to the limit.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::connection::{ConnectionControl, FaultyStream};
use super::limits::{Limits, MAX_HEAD};

/// Serves connections within the limits. Returns if accepting fails permanently; all connections are then dropped.
pub(crate) async fn serve(listener: TcpListener, router: Router, limits: Limits) -> io::Result<()> {
    let mut connections = JoinSet::new();
    let free = Arc::new(Semaphore::new(limits.connections));
    loop {
        // The semaphore is never closed.
        let permit = Arc::clone(&free).acquire_owned().await.ok();
        let (stream, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) if is_transient(&error) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        while connections.try_join_next().is_some() {}
        // An error affects only this connection, which may already be closed.
        let _ = stream.set_nodelay(true);
        let control = ConnectionControl::default();
        let service = TowerToHyperService::new(router.clone().layer(Extension(control.clone())));
        let stream = TokioIo::new(FaultyStream::new(stream, control, limits.write_time));
        connections.spawn(async move {
            let _permit = permit;
            let mut server = hyper::server::conn::http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(limits.head_time).max_buf_size(MAX_HEAD);
            // The client caused this error: it disconnected, or did not send HTTP.
            let _ = server.serve_connection(stream, service).await;
        });
    }
}

/// Returns whether accepting can be retried: one connection failed early, or too many files are open.
fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    // ENFILE, EMFILE and the WSAEMFILE of Windows: too many open files in the system or the process.
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
        || matches!(error.raw_os_error(), Some(23 | 24 | 10024))
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    #[test]
    fn accepting_goes_on_when_too_many_files_are_open() {
        for code in [23, 24, 10024] {
            assert!(is_transient(&io::Error::from_raw_os_error(code)), "{code}");
        }
        assert!(!is_transient(&io::ErrorKind::PermissionDenied.into()));
    }

    #[tokio::test]
    async fn further_connections_wait_until_one_closes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = Limits { connections: 2, ..Limits::default() };
        let server = tokio::spawn(serve(listener, Router::new().route("/", get("hello")), limits));
        let mut open = Vec::new();
        for _ in 0..2 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), b'H');
            open.push(stream);
        }
        let mut further = TcpStream::connect(address).await.unwrap();
        further.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let waited = tokio::time::timeout(Duration::from_millis(100), further.read_u8()).await;
        assert!(waited.is_err(), "no answer while two connections are open");
        open.pop();
        assert_eq!(further.read_u8().await.unwrap(), b'H');
        server.abort();
    }
}
