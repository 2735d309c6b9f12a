//! What a call tells whoever watches: a span with the operation, the endpoint's host, the attempt, the HTTP status, the
//! code and the RequestId. Never a parameter. Nothing at all without the feature `tracing`.

use std::future::Future;

use cloudauth_protocol::{Body, Endpoint, Reply};
use cloudauth_transport::TransportError;
use http::Response;

use crate::error::Error;

#[cfg(feature = "tracing")]
pub(crate) struct Watch(tracing::Span);

#[cfg(not(feature = "tracing"))]
pub(crate) struct Watch;

#[cfg(feature = "tracing")]
impl Watch {
    pub(crate) fn new(operation: &str) -> Self {
        use tracing::field::Empty;
        Self(tracing::info_span!(
            "cloudauth",
            operation,
            endpoint = Empty,
            attempt = Empty,
            status = Empty,
            code = Empty,
            request_id = Empty,
        ))
    }

    /// Runs a call inside the span.
    pub(crate) fn around<F: Future>(&self, call: F) -> impl Future<Output = F::Output> {
        tracing::Instrument::instrument(call, self.0.clone())
    }

    pub(crate) fn answered(
        &self,
        progress: (&Endpoint, u32),
        answer: &Result<Response<Body>, TransportError>,
    ) {
        self.0.record("endpoint", progress.0.host());
        self.0.record("attempt", progress.1);
        match answer {
            Ok(response) => {
                self.0.record("status", response.status().as_u16());
                tracing::debug!(parent: &self.0, status = response.status().as_u16(), "answered");
            }
            Err(error) => {
                tracing::debug!(parent: &self.0, kind = ?error.kind(), sent = ?error.sent(), "not answered")
            }
        }
    }

    pub(crate) fn ended<T>(&self, result: &Result<Reply<T>, Error>) {
        let request_id = match result {
            Ok(reply) => reply.request_id.as_ref(),
            Err(error) => error.request_id(),
        };
        if let Some(id) = request_id {
            self.0.record("request_id", tracing::field::display(id));
        }
        match result {
            Ok(_) => tracing::debug!(parent: &self.0, "succeeded"),
            Err(error) => {
                let code = error.code().map(ToString::to_string);
                if let Some(code) = code.or_else(|| error.gateway_code().map(ToString::to_string)) {
                    self.0.record("code", code);
                }
                tracing::debug!(parent: &self.0, kind = ?error.kind(), "failed");
            }
        }
    }
}

#[cfg(not(feature = "tracing"))]
impl Watch {
    pub(crate) const fn new(_: &str) -> Self {
        Self
    }

    pub(crate) fn around<F: Future>(&self, call: F) -> impl Future<Output = F::Output> {
        call
    }

    pub(crate) const fn answered(&self, _: (&Endpoint, u32), _: &Result<Response<Body>, TransportError>) {}

    pub(crate) const fn ended<T>(&self, _: &Result<Reply<T>, Error>) {}
}
