//! The span and the events of a call, listed in `docs/observability.md`.
//!
//! The names are OpenTelemetry's where it has one. They record the operation, the host of the endpoint, the number of
//! retries, the HTTP status, the code and the RequestId. They never record a parameter. Without the feature `tracing`, nothing is logged.

use std::future::Future;

use cloudauth_protocol::{Body, Operation, Reply};
use cloudauth_transport::TransportError;
use http::Response;

use crate::error::Error;
use crate::exchange::Exchange;

/// The span of one call. Its fields are recorded once, at the end.
#[cfg(feature = "tracing")]
pub(super) struct CallSpan {
    span: tracing::Span,
    /// The HTTP status of the last response; 0 without a response.
    status: std::sync::atomic::AtomicU16,
}

#[cfg(not(feature = "tracing"))]
pub(super) struct CallSpan;

#[cfg(feature = "tracing")]
impl CallSpan {
    pub(super) fn new(operation: &str) -> Self {
        use tracing::field::Empty;
        let span = tracing::info_span!(
            "cloudauth",
            otel.kind = "client",
            rpc.service = "Cloudauth",
            rpc.method = operation,
            server.address = Empty,
            http.request.resend_count = Empty,
            http.response.status_code = Empty,
            error.type = Empty,
            cloudauth.code = Empty,
            cloudauth.request_id = Empty,
        );
        Self { span, status: 0.into() }
    }

    /// Runs a call inside the span.
    pub(super) fn around<F: Future>(&self, call: F) -> impl Future<Output = F::Output> {
        tracing::Instrument::instrument(call, self.span.clone())
    }

    /// Logs why the previous attempt failed, if the attempt that begins is a retry.
    pub(super) fn attempt<O: Operation>(&self, exchange: &Exchange<'_, O>) {
        let (endpoint, attempt) = exchange.progress();
        if let Some(reason) = exchange.retry_reason() {
            tracing::info!(
                parent: &self.span,
                http.request.resend_count = attempt.saturating_sub(1),
                server.address = endpoint.host(),
                reason = %reason,
                "retrying"
            );
        }
    }

    pub(super) fn answered(&self, answer: &Result<Response<Body>, TransportError>) {
        let status = answer.as_ref().map_or(0, |response| response.status().as_u16());
        self.status.store(status, std::sync::atomic::Ordering::Relaxed);
    }

    pub(super) fn succeeded<O: Operation>(&self, exchange: &Exchange<'_, O>, reply: &Reply<O::Output>) {
        if !self.span.is_none() {
            let (endpoint, attempts) = exchange.progress();
            self.record(endpoint.host(), attempts, reply.request_id.as_ref());
        }
        tracing::debug!(parent: &self.span, "call succeeded");
    }

    pub(super) fn failed(&self, error: &Error) {
        let code = error.code().map(ToString::to_string);
        if let Some(code) = code.or_else(|| error.gateway_code().map(ToString::to_string)) {
            self.span.record("cloudauth.code", code);
        }
        let kind = format!("{:?}", error.kind());
        self.span.record("error.type", kind.as_str());
        self.record(error.host(), error.attempts(), error.request_id());
        tracing::warn!(
            parent: &self.span,
            error.type = kind,
            cloudauth.executed = ?error.executed(),
            reason = %error.failure(),
            "call failed"
        );
    }

    fn record(&self, host: &str, attempts: u32, request_id: Option<&cloudauth_protocol::RequestId>) {
        self.span.record("server.address", host);
        self.span.record("http.request.resend_count", attempts.saturating_sub(1));
        let status = self.status.load(std::sync::atomic::Ordering::Relaxed);
        if status > 0 {
            self.span.record("http.response.status_code", status);
        }
        if let Some(id) = request_id {
            self.span.record("cloudauth.request_id", tracing::field::display(id));
        }
    }
}

#[cfg(not(feature = "tracing"))]
impl CallSpan {
    pub(super) const fn new(_: &str) -> Self {
        Self
    }

    pub(super) fn around<F: Future>(&self, call: F) -> impl Future<Output = F::Output> {
        call
    }

    pub(super) const fn attempt<O: Operation>(&self, _: &Exchange<'_, O>) {}

    pub(super) const fn answered(&self, _: &Result<Response<Body>, TransportError>) {}

    pub(super) const fn succeeded<O: Operation>(&self, _: &Exchange<'_, O>, _: &Reply<O::Output>) {}

    pub(super) const fn failed(&self, _: &Error) {}
}
