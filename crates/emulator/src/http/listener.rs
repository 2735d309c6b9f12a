//! Accepts and serves connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::connection::{Faulty, Line};
use super::limits::{HEAD, Limits};

/// Serves connections within the limits until accepting fails for good. Connections end with it.
pub(crate) async fn serve(listener: TcpListener, router: Router, limits: Limits) -> io::Result<()> {
    let mut connections = JoinSet::new();
    let free = Arc::new(Semaphore::new(limits.connections));
    loop {
        // Never closed.
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
        // An error concerns this connection alone: it may be closed already.
        let _ = stream.set_nodelay(true);
        let line = Line::default();
        let service = TowerToHyperService::new(router.clone().layer(Extension(line.clone())));
        let stream = TokioIo::new(Faulty::new(stream, line, limits.write_time));
        connections.spawn(async move {
            let _permit = permit;
            let mut server = hyper::server::conn::http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(limits.head_time).max_buf_size(HEAD);
            // An error here is the client's: it left, or sent no HTTP.
            let _ = server.serve_connection(stream, service).await;
        });
    }
}

/// One connection that failed before it was there, or too many open at once.
fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    // 23 and 24: no more files, for the system or for the process.
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
        || matches!(error.raw_os_error(), Some(23 | 24))
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

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
