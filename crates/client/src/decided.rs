//! An answer and what a policy makes of it.

use cloudauth_policy::{Decision, Evidence, LivePolicy, Ruling};
use cloudauth_protocol::{FaceVerifyStatus, Reply};

/// How a verification ended, and what the policy in force says to that.
#[derive(Debug)]
#[must_use = "a decision that is not looked at lets nobody in"]
pub struct Decided {
    reply: Reply<FaceVerifyStatus>,
    ruling: Option<Ruling>,
}

impl Decided {
    /// Decides on an answer, once.
    pub(crate) fn new(reply: Reply<FaceVerifyStatus>, live: &LivePolicy) -> Self {
        let is_finished = matches!(reply.output, FaceVerifyStatus::Finished(_));
        let ruling = is_finished.then(|| live.decide(&Evidence::from(&reply.output)));
        Self { reply, ruling }
    }

    /// The decision; `None` while the verification has not ended, and there is nothing to decide on.
    pub fn decision(&self) -> Option<Decision<'_>> {
        self.ruling.as_ref().map(Ruling::decision)
    }

    /// The answer that was decided on.
    #[must_use]
    pub const fn reply(&self) -> &Reply<FaceVerifyStatus> {
        &self.reply
    }
}
