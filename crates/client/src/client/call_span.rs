//! The span and the events of a call, listed in `docs/observability.md`.
//!
//! The names are OpenTelemetry's where it has one. They record the operation, the endpoint's host and port, the number of
//! retries, the HTTP status, the code and the RequestId. They never record a parameter: `url.full` of OpenTelemetry is left out. Without
//! the feature `tracing`, nothing is logged.

use std::future::Future;

use cloudauth_protocol::{Body, Operation, Reply, Signing};
use cloudauth_transport::TransportError;
use http::Response;

use crate::error::Error;
use crate::exchange::Exchange;

/// The span of one call. Its fields are recorded once, at the end.
#[cfg(feature = "tracing")]
pub(super) struct CallSpan {
    span: tracing::Span,
    /// The port of the last attempt's endpoint, and the HTTP status of the last response; 0 without one.
    port: std::sync::atomic::AtomicU16,
    status: std::sync::atomic::AtomicU16,
}

#[cfg(not(feature = "tracing"))]
pub(super) struct CallSpan;

#[cfg(feature = "tracing")]
impl CallSpan {
    pub(super) fn new(operation: &str, signing: Signing) -> Self {
        use tracing::field::Empty;
        let method = signing.method();
        let span = tracing::info_span!(
            "cloudauth",
            otel.name = format!("{method} {operation}"),
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = method.as_str(),
            rpc.system.name = "alibaba_cloud",
            rpc.method = format!("Cloudauth/{operation}"),
            server.address = Empty,
            server.port = Empty,
            http.request.resend_count = Empty,
            http.response.status_code = Empty,
            error.type = Empty,
            cloudauth.code = Empty,
            cloudauth.request_id = Empty,
        );
        Self { span, port: 0.into(), status: 0.into() }
    }

    /// Runs a call inside the span.
    pub(super) fn around<F: Future>(&self, call: F) -> impl Future<Output = F::Output> {
        tracing::Instrument::instrument(call, self.span.clone())
    }

    /// Logs why the previous attempt failed, if the attempt that begins is a retry.
    pub(super) fn attempt<O: Operation>(&self, exchange: &Exchange<'_, O>) {
        let (endpoint, attempt) = exchange.progress();
        let standard = if *endpoint.scheme() == http::uri::Scheme::HTTP { 80 } else { 443 };
        let port = endpoint.authority().port_u16().unwrap_or(standard);
        self.port.store(port, std::sync::atomic::Ordering::Relaxed);
        if let Some(reason) = exchange.retry_reason() {
            tracing::info!(
                parent: &self.span,
                http.request.resend_count = i64::from(attempt.saturating_sub(1)),
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
        self.span.record("otel.status_code", "ERROR");
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

    /// Numbers are `i64`, the only integers that `tracing-opentelemetry` keeps as integers.
    fn record(&self, host: &str, attempts: u32, request_id: Option<&cloudauth_protocol::RequestId>) {
        let record = |field, value: i64| {
            if value > 0 {
                self.span.record(field, value);
            }
        };
        self.span.record("server.address", host);
        record("server.port", self.port.load(std::sync::atomic::Ordering::Relaxed).into());
        record("http.request.resend_count", attempts.saturating_sub(1).into());
        record("http.response.status_code", self.status.load(std::sync::atomic::Ordering::Relaxed).into());
        if let Some(id) = request_id {
            self.span.record("cloudauth.request_id", tracing::field::display(id));
        }
    }
}

#[cfg(not(feature = "tracing"))]
impl CallSpan {
    pub(super) const fn new(_: &str, _: Signing) -> Self {
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
