//! What a call reports, listed in `docs/observability.md`: a span and events (feature `tracing`), a duration and the number of
//! retries (feature `metrics`). Neither shows a parameter. Without the features, nothing is reported.

mod measure;
mod trace;

use std::future::Future;
use std::sync::atomic::{AtomicU16, Ordering};

use cloudauth_protocol::{Body, Endpoint, Operation, Reply, Signing};
use cloudauth_transport::TransportError;
use http::Response;

use self::measure::Measure;
use self::trace::Trace;
use crate::error::Error;
use crate::exchange::Exchange;

/// The report of one call, from its start to its end.
pub(super) struct CallSpan {
    trace: Trace,
    measure: Measure,
    /// The HTTP status of the last attempt's response; 0 without one.
    status: AtomicU16,
}

impl CallSpan {
    /// Starts the report of a call. `first` returns the endpoint that is tried first.
    pub(super) fn new(operation: &str, signing: Signing, first: impl Fn() -> Endpoint) -> Self {
        let trace = Trace::new(operation, signing, first);
        Self { trace, measure: Measure::new(operation), status: 0.into() }
    }

    /// Runs a call inside the span.
    pub(super) fn around<F: Future>(&self, call: F) -> impl Future<Output = F::Output> {
        self.trace.around(call)
    }

    /// Reports why the previous attempt failed, if the attempt that begins is a retry.
    pub(super) fn attempt<O: Operation>(&self, exchange: &Exchange<'_, O>) {
        self.trace.attempt(exchange);
        self.measure.attempt(exchange);
    }

    pub(super) fn answered(&self, answer: &Result<Response<Body>, TransportError>) {
        let status = answer.as_ref().map_or(0, |response| response.status().as_u16());
        self.status.store(status, Ordering::Relaxed);
    }

    pub(super) fn succeeded<O: Operation>(&self, exchange: &Exchange<'_, O>, reply: &Reply<O::Output>) {
        let status = self.status.load(Ordering::Relaxed);
        self.trace.succeeded(exchange, reply, status);
        self.measure.ended(status, None);
    }

    pub(super) fn failed(&self, error: &Error) {
        let status = self.status.load(Ordering::Relaxed);
        self.trace.failed(error, status);
        self.measure.ended(status, Some(error.kind()));
    }
}
