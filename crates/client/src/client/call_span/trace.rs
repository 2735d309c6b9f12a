//! The span and the events of a call. The names are OpenTelemetry's where it has one. They record the operation, the endpoint's
//! host and port, the number of retries, the HTTP status, the code and the RequestId. They never record a parameter: `url.full`
//! of OpenTelemetry is left out.

#[cfg(feature = "tracing")]
use std::cell::OnceCell;
use std::future::Future;
#[cfg(feature = "tracing")]
use std::sync::atomic::{AtomicU16, Ordering};

use cloudauth_protocol::{Endpoint, Operation, Reply, Signing};

use crate::error::Error;
use crate::exchange::Exchange;

/// The span of one call.
#[cfg(feature = "tracing")]
pub(super) struct Trace {
    span: tracing::Span,
    /// The endpoint that the span began with, if the span is enabled.
    first: Option<Endpoint>,
    /// The port of the last attempt's endpoint.
    port: AtomicU16,
}

#[cfg(not(feature = "tracing"))]
pub(super) struct Trace;

#[cfg(feature = "tracing")]
impl Trace {
    pub(super) fn new(operation: &str, signing: Signing, first: impl Fn() -> Endpoint) -> Self {
        use tracing::field::Empty;
        let method = signing.method();
        let endpoint = OnceCell::new();
        // Samplers see the fields that have a value here.
        let span = tracing::info_span!(
            "cloudauth",
            otel.name = format!("{method} {operation}"),
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = method.as_str(),
            rpc.system.name = "alibaba_cloud",
            rpc.method = format!("Cloudauth/{operation}"),
            server.address = endpoint.get_or_init(&first).host(),
            server.port = i64::from(port_of(endpoint.get_or_init(&first))),
            http.request.resend_count = Empty,
            http.response.status_code = Empty,
            error.type = Empty,
            cloudauth.code = Empty,
            cloudauth.request_id = Empty,
        );
        Self { span, first: endpoint.into_inner(), port: 0.into() }
    }

    pub(super) fn around<F: Future>(&self, call: F) -> impl Future<Output = F::Output> {
        tracing::Instrument::instrument(call, self.span.clone())
    }

    /// Logs why the previous attempt failed, if the attempt that begins is a retry.
    pub(super) fn attempt<O: Operation>(&self, exchange: &Exchange<'_, O>) {
        let (endpoint, attempt) = exchange.progress();
        self.port.store(port_of(endpoint), Ordering::Relaxed);
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

    pub(super) fn succeeded<O: Operation>(
        &self,
        exchange: &Exchange<'_, O>,
        reply: &Reply<O::Output>,
        status: u16,
    ) {
        let (endpoint, attempts) = exchange.progress();
        self.record(endpoint.host(), attempts, status, reply.request_id.as_ref());
        tracing::debug!(parent: &self.span, "call succeeded");
    }

    pub(super) fn failed(&self, error: &Error, status: u16) {
        let code = error.code().map(ToString::to_string);
        if let Some(code) = code.or_else(|| error.gateway_code().map(ToString::to_string)) {
            self.span.record("cloudauth.code", code);
        }
        self.span.record("otel.status_code", "ERROR");
        let kind = format!("{:?}", error.kind());
        self.span.record("error.type", kind.as_str());
        self.record(error.host(), error.attempts(), status, error.request_id());
        tracing::warn!(
            parent: &self.span,
            error.type = kind,
            cloudauth.executed = ?error.executed(),
            reason = %error.failure(),
            "call failed"
        );
    }

    /// Records what the last attempt adds. Numbers are `i64`, the only integers that `tracing-opentelemetry` keeps as integers.
    fn record(
        &self,
        host: &str,
        attempts: u32,
        status: u16,
        request_id: Option<&cloudauth_protocol::RequestId>,
    ) {
        // Without it, the span is disabled.
        let Some(first) = &self.first else { return };
        let port = self.port.load(Ordering::Relaxed);
        if attempts > 0 && host != first.host() {
            self.span.record("server.address", host);
        }
        if attempts > 0 && port != port_of(first) {
            self.span.record("server.port", i64::from(port));
        }
        if attempts > 1 {
            self.span.record("http.request.resend_count", i64::from(attempts - 1));
        }
        if status > 0 {
            self.span.record("http.response.status_code", i64::from(status));
        }
        if let Some(id) = request_id {
            self.span.record("cloudauth.request_id", tracing::field::display(id));
        }
    }
}

/// Returns the port, also the default one of the scheme.
#[cfg(feature = "tracing")]
fn port_of(endpoint: &Endpoint) -> u16 {
    let standard = if *endpoint.scheme() == http::uri::Scheme::HTTP { 80 } else { 443 };
    endpoint.authority().port_u16().unwrap_or(standard)
}

#[cfg(not(feature = "tracing"))]
impl Trace {
    pub(super) fn new(_: &str, _: Signing, _: impl Fn() -> Endpoint) -> Self {
        Self
    }

    pub(super) fn around<F: Future>(&self, call: F) -> impl Future<Output = F::Output> {
        call
    }

    pub(super) const fn attempt<O: Operation>(&self, _: &Exchange<'_, O>) {}

    pub(super) const fn succeeded<O: Operation>(&self, _: &Exchange<'_, O>, _: &Reply<O::Output>, _: u16) {}

    pub(super) const fn failed(&self, _: &Error, _: u16) {}
}
