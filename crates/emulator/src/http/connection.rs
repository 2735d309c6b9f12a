//! A connection whose answers can be slowed down, cut off or reset on demand.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// Controls how a connection sends its next answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionControl(Arc<Mutex<WriteMode>>);

#[derive(Clone, Copy, Debug, Default)]
enum WriteMode {
    #[default]
    Normal,
    /// Closes the connection after `left` bytes, with a TCP reset if `reset` is set.
    CloseAfter {
        left: usize,
        reset: bool,
    },
    Dribble(Duration),
}

impl ConnectionControl {
    pub(crate) fn close_after(&self, bytes: usize) {
        self.set(WriteMode::CloseAfter { left: bytes, reset: false });
    }

    pub(crate) fn reset(&self) {
        self.set(WriteMode::CloseAfter { left: 0, reset: true });
    }

    pub(crate) fn dribble(&self, pause: Duration) {
        self.set(WriteMode::Dribble(pause));
    }

    fn set(&self, mode: WriteMode) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    fn get(&self) -> WriteMode {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct FaultyStream {
    stream: TcpStream,
    control: ConnectionControl,
    write_time: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    /// The timer that runs while the client does not read.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl FaultyStream {
    pub(super) const fn new(stream: TcpStream, control: ConnectionControl, write_time: Duration) -> Self {
        Self { stream, control, write_time, pause: None, stalled: None }
    }

    fn write_some(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let limit = match self.control.get() {
            WriteMode::Normal => bytes.len(),
            WriteMode::CloseAfter { left: 0, reset } => {
                if reset {
                    self.stream.set_zero_linger()?;
                }
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            WriteMode::CloseAfter { left, .. } => left,
            WriteMode::Dribble(pause) => {
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
        if let WriteMode::CloseAfter { left, reset } = self.control.get() {
            self.control.set(WriteMode::CloseAfter { left: left.saturating_sub(written), reset });
        }
        Poll::Ready(Ok(written))
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for FaultyStream {
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
