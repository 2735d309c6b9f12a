//! A reply together with the decision of the policy in force.

use cloudauth_policy::{Decision, LiveDecision, LivePolicy};
use cloudauth_protocol::{DescribeFaceVerify, FaceVerifyStatus, Reply};

/// A reply to `DescribeFaceVerify`, and the decision of the policy in force.
#[derive(Debug)]
#[must_use = "the decision says whether the person may continue"]
pub struct DecidedReply {
    reply: Reply<FaceVerifyStatus>,
    decision: Option<LiveDecision>,
}

impl DecidedReply {
    /// Applies the policy in force to a reply, once.
    pub(super) fn new(op: &DescribeFaceVerify, reply: Reply<FaceVerifyStatus>, live: &LivePolicy) -> Self {
        let decision = live.decide_reply(op, &reply);
        Self { reply, decision }
    }

    /// Returns the decision, or `None` while the verification is pending. An approval is valid only for this verification.
    pub fn decision(&self) -> Option<Decision<'_>> {
        self.decision.as_ref().map(LiveDecision::decision)
    }

    /// Returns the reply.
    #[must_use]
    pub const fn reply(&self) -> &Reply<FaceVerifyStatus> {
        &self.reply
    }
}
