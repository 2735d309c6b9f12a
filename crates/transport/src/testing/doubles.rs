//! Test doubles without sockets or clocks.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_protocol::Body;
use http::{Request, Response};

use crate::{BlockingTransport, Limits, Sent, Transport, TransportError, TransportErrorKind};

/// Returns scripted responses in order, and never waits. After the last one it returns a connect error.
#[derive(Debug)]
pub struct Scripted(Mutex<VecDeque<Result<Response<Body>, TransportError>>>);

impl Scripted {
    /// Creates a transport with these responses.
    pub fn new(answers: impl IntoIterator<Item = Result<Response<Body>, TransportError>>) -> Self {
        Self(Mutex::new(answers.into_iter().collect()))
    }

    /// Creates a transport with these bodies, each with HTTP 200.
    pub fn bodies(bodies: impl IntoIterator<Item = &'static str>) -> Self {
        Self::new(bodies.into_iter().map(|body| Ok(Response::new(Body::from(body)))))
    }

    fn next(&self) -> Result<Response<Body>, TransportError> {
        let at_the_end = || Err(TransportError::new(TransportErrorKind::Connect, Sent::No));
        lock(&self.0).pop_front().unwrap_or_else(at_the_end)
    }

    /// Returns the number of remaining responses.
    #[must_use]
    pub fn left(&self) -> usize {
        lock(&self.0).len()
    }
}

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, _: Request<Body>, _: &Limits) -> Result<Response<Body>, TransportError> {
        self.next()
    }

    async fn sleep(&self, _: Duration) {}
}

impl BlockingTransport for Scripted {
    fn send(&self, _: Request<Body>, _: &Limits) -> Result<Response<Body>, TransportError> {
        self.next()
    }

    fn sleep(&self, _: Duration) {}
}

/// Records requests and waits, and passes them to another transport. `Debug` does not show the requests.
pub struct Recording<T> {
    inner: T,
    requests: Mutex<Vec<Request<Body>>>,
    waits: Mutex<Vec<Duration>>,
}

impl<T: fmt::Debug> fmt::Debug for Recording<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recording({} requests, {:?})", lock(&self.requests).len(), self.inner)
    }
}

impl<T> Recording<T> {
    /// Records the calls to `inner`.
    pub const fn new(inner: T) -> Self {
        Self { inner, requests: Mutex::new(Vec::new()), waits: Mutex::new(Vec::new()) }
    }

    /// Removes and returns the recorded requests.
    #[must_use]
    pub fn take_requests(&self) -> Vec<Request<Body>> {
        std::mem::take(&mut lock(&self.requests))
    }

    /// Removes and returns the recorded waits.
    #[must_use]
    pub fn take_waits(&self) -> Vec<Duration> {
        std::mem::take(&mut lock(&self.waits))
    }

    /// Returns the inner transport.
    pub const fn inner(&self) -> &T {
        &self.inner
    }
}

#[async_trait]
impl<T: Transport> Transport for Recording<T> {
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        lock(&self.requests).push(request.clone());
        self.inner.send(request, limits).await
    }

    async fn sleep(&self, time: Duration) {
        lock(&self.waits).push(time);
        self.inner.sleep(time).await;
    }
}

impl<T: BlockingTransport> BlockingTransport for Recording<T> {
    fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        lock(&self.requests).push(request.clone());
        self.inner.send(request, limits)
    }

    fn sleep(&self, time: Duration) {
        lock(&self.waits).push(time);
        self.inner.sleep(time);
    }
}

/// Never responds, and ends every wait immediately. For tests of deadlines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Never;

#[async_trait]
impl Transport for Never {
    async fn send(&self, _: Request<Body>, _: &Limits) -> Result<Response<Body>, TransportError> {
        std::future::pending().await
    }

    async fn sleep(&self, _: Duration) {}
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
