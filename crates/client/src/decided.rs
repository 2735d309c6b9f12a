//! An answer and what a policy makes of it.

use std::sync::Arc;

use cloudauth_policy::{Decision, Evidence, LivePolicy, Policy};
use cloudauth_protocol::{FaceVerifyStatus, Reply};

/// How a verification ended, and what the policy in force says to that.
#[derive(Debug)]
#[must_use = "a decision that is not looked at lets nobody in"]
pub struct Decided {
    /// The answer.
    pub reply: Reply<FaceVerifyStatus>,
    policy: Arc<Policy>,
}

impl Decided {
    /// Looks at an answer by the policy in force, and by its shadow if it has one.
    pub(crate) fn new(reply: Reply<FaceVerifyStatus>, live: &LivePolicy) -> Self {
        let policy = match &reply.output {
            FaceVerifyStatus::Finished(_) => live.look(&Evidence::from(&reply.output)),
            _ => live.current(),
        };
        Self { reply, policy }
    }

    /// The decision; `None` while the verification has not ended, and there is nothing to decide on.
    pub fn decision(&self) -> Option<Decision<'_>> {
        matches!(self.reply.output, FaceVerifyStatus::Finished(_))
            .then(|| self.policy.decide(&Evidence::from(&self.reply.output)))
    }

    /// The policy that was in force when the answer came.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}
