//! A reply and the policy's decision about it.

use cloudauth_policy::{Decision, LivePolicy, Ruling};
use cloudauth_protocol::{DescribeFaceVerify, FaceVerifyStatus, Reply};

/// A reply of `DescribeFaceVerify` and the decision of the policy in force.
#[derive(Debug)]
#[must_use = "a decision that is not looked at lets nobody in"]
pub struct Decided {
    reply: Reply<FaceVerifyStatus>,
    ruling: Option<Ruling>,
}

impl Decided {
    /// Decides the reply to a call, once.
    pub(crate) fn new(asked: &DescribeFaceVerify, reply: Reply<FaceVerifyStatus>, live: &LivePolicy) -> Self {
        let ruling = live.decide_reply(asked, &reply);
        Self { reply, ruling }
    }

    /// The decision; `None` while the verification is pending. Its approval, if any, is for this verification.
    pub fn decision(&self) -> Option<Decision<'_>> {
        self.ruling.as_ref().map(Ruling::decision)
    }

    /// The answer that was decided on.
    #[must_use]
    pub const fn reply(&self) -> &Reply<FaceVerifyStatus> {
        &self.reply
    }
}
