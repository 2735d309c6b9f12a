//! A policy that can be replaced during calls, and shadowed by a candidate.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use cloudauth_protocol::{DescribeFaceVerify, FaceVerifyStatus, Reply};

use crate::decide::decision::{Decision, Verification};
use crate::document::problem::PolicyError;
use crate::evidence::Evidence;
use crate::policy::Policy;

/// The policy in force, shared by all callers.
///
/// ```
/// use cloudauth_policy::{Evidence, LivePolicy, Policy, builtin};
///
/// let live = LivePolicy::new(Policy::parse(builtin::ONBOARDING)?);
/// assert!(live.replace("rubbish").is_err()); // fails, and the old policy stays in force
/// assert_eq!(live.decide(&Evidence::default()).decision().rule(), "unknown-code");
/// # Ok::<(), cloudauth_policy::PolicyError>(())
/// ```
#[derive(Debug)]
pub struct LivePolicy {
    active: RwLock<Arc<Policy>>,
    shadow: RwLock<Option<Arc<Shadow>>>,
}

/// A candidate that decides beside the policy in force. Its decisions have no effect.
pub struct Shadow {
    candidate: Policy,
    asked: AtomicU64,
    disagreed: AtomicU64,
    report: Box<dyn Fn(&Disagreement<'_>) + Send + Sync>,
}

/// A case in which the candidate gives another verdict than the policy in force.
#[derive(Debug)]
#[non_exhaustive]
pub struct Disagreement<'a> {
    /// The evidence of the verification, without personal data.
    pub evidence: &'a Evidence<'a>,
    /// The decision of the policy in force.
    pub active: Decision<'a>,
    /// The decision of the candidate.
    pub candidate: Decision<'a>,
}

impl LivePolicy {
    /// Puts a policy in force.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { active: RwLock::new(Arc::new(policy)), shadow: RwLock::new(None) }
    }

    /// Returns the policy in force.
    #[must_use]
    pub fn current(&self) -> Arc<Policy> {
        Arc::clone(&self.active.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another policy in force, and returns the previous one.
    ///
    /// # Errors
    /// If the policy check fails; the policy in force stays the same.
    pub fn replace(&self, text: &str) -> Result<Arc<Policy>, PolicyError> {
        let policy = Arc::new(Policy::parse(text)?);
        Ok(std::mem::replace(&mut *self.active.write().unwrap_or_else(PoisonError::into_inner), policy))
    }

    /// Starts a shadow: a candidate that decides beside the policy in force. `report` is called for each disagreement, on the
    /// thread that decides, and should return quickly.
    pub fn shadow(
        &self,
        candidate: Policy,
        report: impl Fn(&Disagreement<'_>) + Send + Sync + 'static,
    ) -> Arc<Shadow> {
        let (asked, disagreed) = (AtomicU64::new(0), AtomicU64::new(0));
        let shadow = Arc::new(Shadow { candidate, asked, disagreed, report: Box::new(report) });
        *self.shadow.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&shadow));
        shadow
    }

    /// Ends the shadow.
    pub fn end_shadow(&self) {
        *self.shadow.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Decides a reply of `DescribeFaceVerify` by the policy in force, and by the candidate of a shadow. Returns `None` while
    /// the verification is pending. Only this method can lead to an [`Approval`](crate::Approval).
    ///
    /// `asked` is the operation that `reply` answers: the approval is for its CertifyId. The client's `decide` method calls
    /// the service and passes both.
    pub fn decide_reply(
        &self,
        asked: &DescribeFaceVerify,
        reply: &Reply<FaceVerifyStatus>,
    ) -> Option<LiveDecision> {
        if !matches!(reply.output, FaceVerifyStatus::Finished(_)) {
            return None;
        }
        let verification =
            Verification { certify_id: asked.certify_id().clone(), request_id: reply.request_id.clone() };
        Some(LiveDecision { verification: Some(verification), ..self.decide(&Evidence::from(&reply.output)) })
    }

    /// Decides evidence by the policy in force, and by the candidate of a shadow. The decision has no
    /// [`Approval`](crate::Approval), even if its verdict is approve.
    pub fn decide(&self, evidence: &Evidence<'_>) -> LiveDecision {
        let policy = self.current();
        let rule = policy.decide(evidence).rule;
        let shadow = self.shadow.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(shadow) = shadow {
            shadow.watch(&policy, evidence);
        }
        LiveDecision { policy, rule, verification: None }
    }
}

/// A decision of a live policy. It keeps the policy that made it, also after a replacement.
#[derive(Clone, Debug)]
#[must_use = "a decision has no effect until the caller acts on it"]
pub struct LiveDecision {
    policy: Arc<Policy>,
    rule: usize,
    verification: Option<Verification>,
}

impl LiveDecision {
    /// Returns the decision.
    pub fn decision(&self) -> Decision<'_> {
        Decision { verification: self.verification.as_ref(), ..self.policy.decision(self.rule) }
    }
}

impl Shadow {
    fn watch(&self, policy: &Policy, evidence: &Evidence<'_>) {
        let (active, candidate) = (policy.decide(evidence), self.candidate.decide(evidence));
        self.asked.fetch_add(1, Ordering::Relaxed);
        if active.verdict() != candidate.verdict() {
            self.disagreed.fetch_add(1, Ordering::Relaxed);
            let disagreement = Disagreement { evidence, active, candidate };
            // A shadow must not stop a decision. The panic hook has reported the panic.
            let _ = catch_unwind(AssertUnwindSafe(|| (self.report)(&disagreement)));
        }
    }

    /// Returns how many decisions the candidate made, and how many of them disagreed.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.asked.load(Ordering::Relaxed), self.disagreed.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Shadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (asked, disagreed) = self.counts();
        write!(f, "Shadow({}, asked {asked}, disagreed {disagreed})", self.candidate.reference().id)
    }
}
