//! The connections, and what is done to them on demand.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Sleep;

use crate::bounds::{HEAD, Limits};

/// What a connection does with the answer that comes next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Arc<Mutex<Mode>>);

#[derive(Clone, Copy, Debug, Default)]
enum Mode {
    #[default]
    Clear,
    /// Closes after so many bytes, by a reset if told so.
    CloseAfter {
        left: usize,
        reset: bool,
    },
    Dribble(Duration),
}

impl Line {
    pub(crate) fn close_after(&self, bytes: usize) {
        self.set(Mode::CloseAfter { left: bytes, reset: false });
    }

    pub(crate) fn reset(&self) {
        self.set(Mode::CloseAfter { left: 0, reset: true });
    }

    pub(crate) fn dribble(&self, pause: Duration) {
        self.set(Mode::Dribble(pause));
    }

    fn set(&self, mode: Mode) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    fn get(&self) -> Mode {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
        let stream =
            TokioIo::new(Faulty { stream, line, write_time: limits.write_time, pause: None, stalled: None });
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

struct Faulty {
    stream: TcpStream,
    line: Line,
    write_time: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    /// Runs while the client reads nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Faulty {
    fn write_some(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let limit = match self.line.get() {
            Mode::Clear => bytes.len(),
            Mode::CloseAfter { left: 0, reset } => {
                if reset {
                    self.stream.set_zero_linger()?;
                }
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            Mode::CloseAfter { left, .. } => left,
            Mode::Dribble(pause) => {
                let sleep = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
                ready!(sleep.as_mut().poll(context));
                self.pause = None;
                1
            }
        };
        let part = bytes.get(..limit.min(bytes.len())).unwrap_or_default();
        let Poll::Ready(written) = Pin::new(&mut self.stream).poll_write(context, part) else {
            let time = self.write_time;
            let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
            ready!(stalled.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        };
        self.stalled = None;
        let written = written?;
        if let Mode::CloseAfter { left, reset } = self.line.get() {
            self.line.set(Mode::CloseAfter { left: left.saturating_sub(written), reset });
        }
        Poll::Ready(Ok(written))
    }
}

impl AsyncRead for Faulty {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Faulty {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write_some(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

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
