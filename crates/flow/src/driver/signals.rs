//! Logs and metrics of the driver, listed in `docs/observability.md`. They have counts and codes only.

use std::time::Duration;

use crate::driver::error::FlowError;
use crate::machine::ids::VerificationId;
use crate::machine::input::Look;
use crate::store::contract::Queue;
use crate::store::outbox::DeliveryEnd;

/// Counts an occurrence, by its result.
fn count(name: &'static str, result: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!(name, "result" => result).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = (name, result);
}

pub(crate) fn started<T>(result: &Result<T, FlowError>) {
    count("cloudauth_flow_starts_total", name(result));
}

#[cfg(feature = "hosted")]
pub(crate) fn paged<T>(result: &Result<T, FlowError>) {
    let result = match result {
        Err(FlowError::Page(_)) => "refused",
        result => name(result),
    };
    count("cloudauth_flow_pages_total", result);
}

pub(crate) fn called_back(known: bool) {
    count("cloudauth_flow_callbacks_total", if known { "accepted" } else { "ignored" });
}

pub(crate) fn looked(answer: &Look) {
    let result = match answer {
        Look::Pending => "pending",
        Look::Finished(_) => "finished",
        Look::Unknown { .. } => "unknown",
        Look::Failed { transient: true, .. } => "transient",
        Look::Failed { transient: false, .. } => "failed",
    };
    count("cloudauth_flow_looks_total", result);
    #[cfg(feature = "tracing")]
    if let Look::Failed { transient: false, error } = answer {
        tracing::warn!(error = error.as_str(), "a look failed; the attempt waits until you fix the cause");
    }
}

/// An answer of `InitFaceVerify` is not committed yet.
pub(crate) fn waiting() {
    #[cfg(feature = "tracing")]
    tracing::warn!("a CertifyId waits for its commit");
}

pub(crate) fn deleted(done: bool) {
    count("cloudauth_flow_deletions_total", if done { "done" } else { "failed" });
}

pub(crate) fn delivered(end: DeliveryEnd) {
    let result = match end {
        DeliveryEnd::Done => "done",
        DeliveryEnd::RetryAt(_) => "retry",
        DeliveryEnd::Dead => "dead",
    };
    count("cloudauth_flow_deliveries_total", result);
    #[cfg(feature = "tracing")]
    if end == DeliveryEnd::Dead {
        tracing::warn!("webhook delivery failed permanently; revive it to send it again");
    }
}

/// A batch of deliveries of an endpoint ended; each delivery is counted by [`delivered`].
pub(crate) fn deliveries(result: &Result<usize, FlowError>) {
    if result.is_err() {
        count("cloudauth_flow_deliveries_total", name(result));
    }
    #[cfg(feature = "tracing")]
    if let Err(error) = result {
        tracing::warn!(%error, "deliveries failed");
    }
}

/// A claim found verifications, the oldest of which was due for so long; or none.
pub(crate) fn claimed(queue: Queue, oldest: Option<Duration>) {
    let queue = match queue {
        Queue::Results => "results",
        Queue::Deletions => "deletions",
    };
    #[cfg(feature = "metrics")]
    metrics::gauge!("cloudauth_flow_oldest_due_seconds", "queue" => queue)
        .set(oldest.unwrap_or_default().as_secs_f64());
    #[cfg(not(feature = "metrics"))]
    let _ = (queue, oldest);
}

pub(crate) fn swept(result: &Result<usize, FlowError>) {
    count("cloudauth_flow_sweeps_total", name(result));
    #[cfg(feature = "metrics")]
    if let Ok(due) = result {
        metrics::counter!("cloudauth_flow_claims_total").increment(*due as u64);
    }
    #[cfg(feature = "tracing")]
    if let Err(error) = result {
        tracing::warn!(%error, "a sweep failed");
    }
}

/// The work on a verification that was claimed ended.
pub(crate) fn worked(result: &Result<(), FlowError>) {
    count("cloudauth_flow_work_total", if result.is_ok() { "ok" } else { "failed" });
    #[cfg(feature = "tracing")]
    if let Err(error) = result {
        tracing::warn!(%error, "work on a verification failed; it is claimed again");
    }
}

pub(crate) fn unreadable(ids: &[VerificationId], more: bool) {
    #[cfg(feature = "metrics")]
    metrics::gauge!("cloudauth_flow_unreadable").set(ids.len() as f64);
    #[cfg(feature = "tracing")]
    if let Some(first) = ids.first().filter(|_| more) {
        tracing::warn!(count = ids.len(), %first, "documents of verifications cannot be read");
    }
    #[cfg(not(all(feature = "metrics", feature = "tracing")))]
    let _ = (ids, more);
}

fn name<T>(result: &Result<T, FlowError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(FlowError::Refused(_)) => "refused",
        Err(FlowError::Store(_)) => "store",
        Err(FlowError::Call(_)) => "call",
        Err(FlowError::Busy) => "busy",
        Err(FlowError::Clock(_)) => "clock",
        Err(_) => "other",
    }
}
