//! Requests to start a verification.

use cloudauth_flow::NewVerification;
use cloudauth_flow::testing::samples;

/// The request of a sample.
pub(crate) fn new_verification(order: u64, attempt: u8) -> NewVerification {
    let sample = samples::start(order, attempt).unwrap();
    NewVerification {
        order: sample.order,
        subject: sample.subject,
        scene: sample.scene,
        purpose: sample.purpose,
        key: sample.key,
        consent: sample.consent,
    }
}
