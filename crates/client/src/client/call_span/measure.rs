//! The metrics of a call. Their labels have few values: no action of the caller's own, and no text of a response.

#[cfg(feature = "metrics")]
use std::time::Instant;

use cloudauth_protocol::Operation;

use crate::error::ErrorKind;
use crate::exchange::Exchange;

/// The measurement of one call.
#[cfg(feature = "metrics")]
pub(super) struct Measure {
    begun: Instant,
    method: &'static str,
}

#[cfg(not(feature = "metrics"))]
pub(super) struct Measure;

#[cfg(feature = "metrics")]
impl Measure {
    pub(super) fn new(operation: &str) -> Self {
        let method = match operation {
            "InitFaceVerify" => "Cloudauth/InitFaceVerify",
            "DescribeFaceVerify" => "Cloudauth/DescribeFaceVerify",
            "DeleteFaceVerifyResult" => "Cloudauth/DeleteFaceVerifyResult",
            // The name is the caller's: it could be anything.
            _ => "_OTHER",
        };
        Self { begun: Instant::now(), method }
    }

    /// Counts the attempt that begins, if it is a retry.
    pub(super) fn attempt<O: Operation>(&self, exchange: &Exchange<'_, O>) {
        if let Some(reason) = exchange.retry_reason() {
            let kind = format!("{:?}", reason.kind());
            metrics::counter!(
                "cloudauth_client_retries_total",
                "rpc_method" => self.method,
                "error_type" => kind
            )
            .increment(1);
        }
    }

    /// Records the duration of the call. The status is 0 if the last attempt received no response.
    pub(super) fn ended(&self, status: u16, failure: Option<ErrorKind>) {
        let status = if status == 0 { String::new() } else { status.to_string() };
        let kind = failure.map(|kind| format!("{kind:?}")).unwrap_or_default();
        metrics::histogram!(
            "cloudauth_client_call_duration_seconds",
            "rpc_method" => self.method,
            "http_response_status_code" => status,
            "error_type" => kind
        )
        .record(self.begun.elapsed());
    }
}

#[cfg(not(feature = "metrics"))]
impl Measure {
    pub(super) const fn new(_: &str) -> Self {
        Self
    }

    pub(super) const fn attempt<O: Operation>(&self, _: &Exchange<'_, O>) {}

    pub(super) const fn ended(&self, _: u16, _: Option<ErrorKind>) {}
}
