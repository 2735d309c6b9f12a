//! A decision, and the approval that can come from it.

use std::fmt;

use cloudauth_protocol::{CertifyId, RequestId};

use crate::document::Outcome;
use crate::document::verdict::Verdict;
use crate::proof::compiled::{CompiledPolicy, PolicyRef};

/// A decision of a policy. Only a policy can make one.
#[derive(Clone, Copy)]
#[must_use = "a decision has no effect until the caller acts on it"]
pub struct Decision<'p> {
    pub(crate) by: &'p CompiledPolicy,
    /// The rule that decided; the number after the last rule is `otherwise`.
    pub(crate) rule: usize,
    /// The verification that the decision is about; `None` for evidence alone.
    pub(crate) verification: Option<&'p Verification>,
}

impl<'p> Decision<'p> {
    pub(crate) const fn new(by: &'p CompiledPolicy, rule: usize) -> Self {
        Self { by, rule, verification: None }
    }

    fn outcome(&self) -> &'p Outcome {
        self.by.document.outcome(self.rule)
    }

    /// Returns the verdict.
    pub fn verdict(&self) -> Verdict {
        self.outcome().verdict
    }

    /// Returns the id of the rule that decided, or `otherwise`.
    #[must_use]
    pub fn rule(&self) -> &'p str {
        self.by.document.rule_id(self.rule)
    }

    /// Returns the number of the rule, from 0; `otherwise` comes after the last rule. [`Batch`](crate::Batch) uses the same
    /// numbers.
    #[must_use]
    pub const fn rule_number(&self) -> usize {
        self.rule
    }

    /// Returns the reason, as a code for programs.
    #[must_use]
    pub fn reason(&self) -> &'p str {
        &self.outcome().reason
    }

    /// Returns what to tell the person, as a code.
    #[must_use]
    pub fn hint(&self) -> Option<&'p str> {
        self.outcome().hint.as_deref()
    }

    /// Returns the queue of a review.
    #[must_use]
    pub fn queue(&self) -> Option<&'p str> {
        self.outcome().queue.as_deref()
    }

    /// Returns the policy that decided.
    #[must_use]
    pub const fn policy(&self) -> &'p PolicyRef {
        &self.by.reference
    }

    /// Returns the approval, if the decision is about a reply of `DescribeFaceVerify` and the verdict is [`Verdict::Approve`].
    /// A decision about evidence alone ([`Policy::decide`](crate::Policy::decide)) never has one.
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

/// Two decisions are equal if the same rule of the same policy made them.
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

/// The approval of one verification by a policy. Only [`LivePolicy::decide_reply`](crate::LivePolicy::decide_reply) makes one,
/// and it cannot be copied: code that takes an `Approval` runs only for a verification that a policy approved.
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
    /// Returns the approved verification. Compare it with the one that the person started.
    #[must_use]
    pub const fn certify_id(&self) -> &CertifyId {
        &self.verification.certify_id
    }

    /// Returns the RequestId of the reply, if it had one.
    #[must_use]
    pub const fn request_id(&self) -> Option<&RequestId> {
        self.verification.request_id.as_ref()
    }

    /// Returns the policy that approved.
    #[must_use]
    pub const fn policy(&self) -> &PolicyRef {
        &self.policy
    }

    /// Returns the id of the rule that approved.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }
}
