//! The policy that is in force: changed while calls are under way, and watched by a candidate.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use cloudauth_protocol::{DescribeFaceVerify, FaceVerifyStatus, Reply};

use crate::decide::decision::{Decision, Verification};
use crate::document::problem::PolicyError;
use crate::evidence::Evidence;
use crate::policy::Policy;

/// A policy in force, shared by all who decide by it.
///
/// ```
/// use cloudauth_policy::{Evidence, LivePolicy, Policy, builtin};
///
/// let live = LivePolicy::new(Policy::parse(builtin::ONBOARDING)?);
/// assert!(live.replace("rubbish").is_err()); // refused, and the old one stays in force
/// assert_eq!(live.decide(&Evidence::default()).decision().rule(), "unknown-code");
/// # Ok::<(), cloudauth_policy::PolicyError>(())
/// ```
#[derive(Debug)]
pub struct LivePolicy {
    active: RwLock<Arc<Policy>>,
    shadow: RwLock<Option<Arc<Shadow>>>,
}

/// A candidate beside the policy in force: asked each time, never followed.
pub struct Shadow {
    candidate: Policy,
    asked: AtomicU64,
    disagreed: AtomicU64,
    report: Box<dyn Fn(&Disagreement<'_>) + Send + Sync>,
}

/// Where the candidate would have decided otherwise.
#[derive(Debug)]
#[non_exhaustive]
pub struct Disagreement<'a> {
    /// What is known of the verification; no personal data.
    pub evidence: &'a Evidence<'a>,
    /// What the policy in force said.
    pub active: Decision<'a>,
    /// What the candidate said.
    pub candidate: Decision<'a>,
}

impl LivePolicy {
    /// Puts a policy in force.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { active: RwLock::new(Arc::new(policy)), shadow: RwLock::new(None) }
    }

    /// The policy in force now.
    #[must_use]
    pub fn current(&self) -> Arc<Policy> {
        Arc::clone(&self.active.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another in force, and gives the one before.
    ///
    /// # Errors
    /// If the checker refuses the file; then nothing changes.
    pub fn replace(&self, text: &str) -> Result<Arc<Policy>, PolicyError> {
        let policy = Arc::new(Policy::parse(text)?);
        Ok(std::mem::replace(&mut *self.active.write().unwrap_or_else(PoisonError::into_inner), policy))
    }

    /// Has a candidate decide beside the policy in force from now on; `report` is told of each disagreement. It is called
    /// where the decision is made, and should be quick.
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

    /// Ends the shadow's work.
    pub fn end_shadow(&self) {
        *self.shadow.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Decides a reply of `DescribeFaceVerify` by the policy in force; the candidate, if there is one, is asked too. `None`
    /// while the verification is pending. This is where an [`Approval`](crate::Approval) comes from.
    ///
    /// `asked` is the operation that `reply` answers: the approval is for its CertifyId. A client's `decide` method calls
    /// the service and passes both.
    pub fn decide_reply(
        &self,
        asked: &DescribeFaceVerify,
        reply: &Reply<FaceVerifyStatus>,
    ) -> Option<Ruling> {
        if !matches!(reply.output, FaceVerifyStatus::Finished(_)) {
            return None;
        }
        let verification =
            Verification { certify_id: asked.certify_id().clone(), request_id: reply.request_id.clone() };
        Some(Ruling { verification: Some(verification), ..self.decide(&Evidence::from(&reply.output)) })
    }

    /// Decides evidence by the policy in force; the candidate, if there is one, is asked too. The decision has no
    /// [`Approval`](crate::Approval), even if its verdict is approve.
    pub fn decide(&self, evidence: &Evidence<'_>) -> Ruling {
        let policy = self.current();
        let rule = policy.decide(evidence).rule;
        let shadow = self.shadow.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(shadow) = shadow {
            shadow.watch(&policy, evidence);
        }
        Ruling { policy, rule, verification: None }
    }
}

/// A decision that keeps its policy, whatever is put in force meanwhile.
#[derive(Clone, Debug)]
#[must_use = "a decision that is not looked at lets nobody in"]
pub struct Ruling {
    policy: Arc<Policy>,
    rule: usize,
    verification: Option<Verification>,
}

impl Ruling {
    /// The decision.
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
            // Who only watches does not stop a decision: what panics there is told by the panic hook.
            let _ = catch_unwind(AssertUnwindSafe(|| (self.report)(&disagreement)));
        }
    }

    /// How often it was asked, and how often it disagreed.
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
