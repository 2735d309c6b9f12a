//! The span and the events of a call; `docs/observability.md` lists them. They hold the operation, the endpoint's host, the
//! attempts, the HTTP status, the code and the RequestId, never a parameter. Without the feature `tracing` nothing is logged.

use std::future::Future;

use cloudauth_protocol::{Body, Operation, Reply};
use cloudauth_transport::TransportError;
use http::Response;

use crate::error::Error;
use crate::exchange::Exchange;

/// The span of one call. Its fields are recorded once, at the end.
#[cfg(feature = "tracing")]
pub(crate) struct CallSpan {
    span: tracing::Span,
    /// The HTTP status of the last answer; 0 without one.
    status: std::sync::atomic::AtomicU16,
}

#[cfg(not(feature = "tracing"))]
pub(crate) struct CallSpan;

#[cfg(feature = "tracing")]
impl CallSpan {
    pub(crate) fn new(operation: &str) -> Self {
        use tracing::field::Empty;
        let span = tracing::info_span!(
            "cloudauth",
            operation,
            endpoint = Empty,
            attempts = Empty,
            status = Empty,
            code = Empty,
            request_id = Empty,
        );
        Self { span, status: 0.into() }
    }

    /// Runs a call inside the span.
    pub(crate) fn around<F: Future>(&self, call: F) -> impl Future<Output = F::Output> {
        tracing::Instrument::instrument(call, self.span.clone())
    }

    /// An attempt begins. For every one after the first this logs why the one before failed.
    pub(crate) fn attempt<O: Operation>(&self, exchange: &Exchange<'_, O>) {
        let (endpoint, attempt) = exchange.progress();
        if let Some(reason) = exchange.retried() {
            tracing::info!(parent: &self.span, attempt, to = endpoint.host(), reason = %reason, "retrying");
        }
    }

    pub(crate) fn answered(&self, answer: &Result<Response<Body>, TransportError>) {
        let status = answer.as_ref().map_or(0, |response| response.status().as_u16());
        self.status.store(status, std::sync::atomic::Ordering::Relaxed);
    }

    pub(crate) fn succeeded<O: Operation>(&self, exchange: &Exchange<'_, O>, reply: &Reply<O::Output>) {
        let (endpoint, attempts) = exchange.progress();
        self.record(endpoint.host(), attempts, reply.request_id.as_ref());
        tracing::debug!(parent: &self.span, "call succeeded");
    }

    pub(crate) fn failed(&self, error: &Error) {
        let code = error.code().map(ToString::to_string);
        if let Some(code) = code.or_else(|| error.gateway_code().map(ToString::to_string)) {
            self.span.record("code", code);
        }
        self.record(error.host(), error.attempts(), error.request_id());
        let (kind, executed) = (error.kind(), error.executed());
        tracing::warn!(parent: &self.span, ?kind, ?executed, reason = %error.problem(), "call failed");
    }

    fn record(&self, host: &str, attempts: u32, request_id: Option<&cloudauth_protocol::RequestId>) {
        self.span.record("endpoint", host);
        self.span.record("attempts", attempts);
        let status = self.status.load(std::sync::atomic::Ordering::Relaxed);
        if status > 0 {
            self.span.record("status", status);
        }
        if let Some(id) = request_id {
            self.span.record("request_id", tracing::field::display(id));
        }
    }
}

#[cfg(not(feature = "tracing"))]
impl CallSpan {
    pub(crate) const fn new(_: &str) -> Self {
        Self
    }

    pub(crate) fn around<F: Future>(&self, call: F) -> impl Future<Output = F::Output> {
        call
    }

    pub(crate) const fn attempt<O: Operation>(&self, _: &Exchange<'_, O>) {}

    pub(crate) const fn answered(&self, _: &Result<Response<Body>, TransportError>) {}

    pub(crate) const fn succeeded<O: Operation>(&self, _: &Exchange<'_, O>, _: &Reply<O::Output>) {}

    pub(crate) const fn failed(&self, _: &Error) {}
}
