//! What a policy says.

use std::fmt;

use cloudauth_protocol::{CertifyId, RequestId};

use crate::document::Outcome;
use crate::document::verdict::Verdict;
use crate::proof::compiled::{CompiledPolicy, PolicyRef};

/// A decision: made by a policy, and by nothing else.
#[derive(Clone, Copy)]
#[must_use = "a decision that is not looked at lets nobody in"]
pub struct Decision<'p> {
    pub(crate) by: &'p CompiledPolicy,
    /// The number after the last rule is `otherwise`.
    pub(crate) rule: usize,
    /// The verification that was decided; `None` for evidence alone.
    pub(crate) verification: Option<&'p Verification>,
}

impl<'p> Decision<'p> {
    pub(crate) const fn new(by: &'p CompiledPolicy, rule: usize) -> Self {
        Self { by, rule, verification: None }
    }

    fn outcome(&self) -> &'p Outcome {
        self.by.document.outcome(self.rule)
    }

    /// What to do.
    pub fn verdict(&self) -> Verdict {
        self.outcome().verdict
    }

    /// The rule that decided; `otherwise` if none did.
    #[must_use]
    pub fn rule(&self) -> &'p str {
        self.by.document.rule_id(self.rule)
    }

    /// Its number, from 0 on; that of `otherwise` is the number of rules. As [`Batch`](crate::Batch) writes it.
    #[must_use]
    pub const fn rule_number(&self) -> usize {
        self.rule
    }

    /// Why, as a code for programs.
    #[must_use]
    pub fn reason(&self) -> &'p str {
        &self.outcome().reason
    }

    /// What to tell the person, as a code.
    #[must_use]
    pub fn hint(&self) -> Option<&'p str> {
        self.outcome().hint.as_deref()
    }

    /// Whose queue a review goes to.
    #[must_use]
    pub fn queue(&self) -> Option<&'p str> {
        self.outcome().queue.as_deref()
    }

    /// Which policy decided.
    #[must_use]
    pub const fn policy(&self) -> &'p PolicyRef {
        &self.by.reference
    }

    /// The approval, if a reply of `DescribeFaceVerify` was decided and the verdict is [`Verdict::Approve`]. A decision
    /// about evidence alone ([`Policy::decide`](crate::Policy::decide)) never has one.
    #[must_use]
    pub fn approval(&self) -> Option<Approval> {
        let verification = self.verification.filter(|_| self.verdict() == Verdict::Approve)?;
        Some(Approval {
            verification: verification.clone(),
            policy: self.policy().clone(),
            rule: self.rule().to_owned(),
        })
    }
}

impl fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decision({} by {} of {})", self.verdict(), self.rule(), self.policy().id)
    }
}

/// Equal if the same rule of the same policy decided.
impl PartialEq for Decision<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.rule == other.rule && self.policy() == other.policy()
    }
}

impl Eq for Decision<'_> {}

/// The verification that a decision is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verification {
    pub(crate) certify_id: CertifyId,
    pub(crate) request_id: Option<RequestId>,
}

/// The approval of one verification by a policy. It comes from [`LivePolicy::decide_reply`](crate::LivePolicy::decide_reply)
/// and from nothing else, and it cannot be copied: code that takes an `Approval` runs only for a verification that a
/// policy approved.
///
/// ```compile_fail,E0599
/// # fn twice(approval: cloudauth_policy::Approval) {
/// let copy = approval.clone();
/// # }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an approval approves nothing until it is used"]
pub struct Approval {
    verification: Verification,
    policy: PolicyRef,
    rule: String,
}

impl Approval {
    /// The verification that was approved. Compare it with the one that the person started.
    #[must_use]
    pub const fn certify_id(&self) -> &CertifyId {
        &self.verification.certify_id
    }

    /// The RequestId of the reply that was decided, if it had one.
    #[must_use]
    pub const fn request_id(&self) -> Option<&RequestId> {
        self.verification.request_id.as_ref()
    }

    /// Which policy has approved.
    #[must_use]
    pub const fn policy(&self) -> &PolicyRef {
        &self.policy
    }

    /// By which of its rules.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }
}
