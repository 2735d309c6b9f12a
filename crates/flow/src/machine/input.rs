//! What can happen to a verification.

use cloudauth_protocol::{Callback, CallbackKeys, CertifyId, Code, OuterOrderNo, SceneId};
use sha2::{Digest as _, Sha256};

use crate::machine::commit::PageLink;
use crate::machine::finding::Finding;
use crate::machine::ids::{
    CapabilityHash, Digest, IdempotencyKey, IdentityRef, LookError, OrderRef, Purpose, Region, ReviewReason,
    Reviewer, SubjectRef, VerificationId,
};
use crate::machine::state::Consent;

/// An input of the machine.
///
/// Exhaustive on purpose: the machine handles every input in every state.
#[derive(Clone, Debug)]
pub enum Input {
    /// Your service asks for a link.
    Start(Start),
    /// `InitFaceVerify` returned a session.
    Opened(Opened),
    /// `InitFaceVerify` failed.
    StartFailed(StartFailed),
    /// The vendor called back, and the token is right.
    Callback(CheckedCallback),
    /// The browser came back with its capability.
    Returned(CapabilityHash),
    /// A worker asked `DescribeFaceVerify`.
    Looked(Looked),
    /// A reviewer decides.
    Review(Review),
    /// Your service gives up.
    Cancel,
    /// The person's references and evidence must be erased.
    Redact,
    /// A worker asked `DeleteFaceVerifyResult`.
    Deleted(Deleted),
    /// A worker claimed the verification: its leases and its own time may be over.
    Tick(Fence),
}

/// The number of a claim. A later claim has a greater one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

/// A request to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The id of the verification if it is new: random.
    pub id: VerificationId,
    /// Your order.
    pub order: OrderRef,
    /// The person.
    pub subject: SubjectRef,
    /// The scene.
    pub scene: SceneId,
    /// The purpose.
    pub purpose: Purpose,
    /// The key of this request.
    pub key: IdempotencyKey,
    /// The claimed identity.
    pub identity: IdentityRef,
    /// The consent.
    pub consent: Consent,
    /// The number of the attempt if one is made: random, never used before.
    pub order_no: OuterOrderNo,
    /// The digest of what the browser will hold.
    pub capability: CapabilityHash,
    /// The start page that leads to the start, if there is one. The store refuses the commit unless the page still has its identity.
    pub page: Option<CapabilityHash>,
}

/// A session that `InitFaceVerify` returned. The link stays with the caller, and sealed with the start page if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The attempt.
    pub order_no: OuterOrderNo,
    /// The service's id.
    pub certify_id: CertifyId,
    /// The region that created it, if it is known.
    pub region: Option<Region>,
    /// The link of the start page that led to the call.
    pub link: Option<PageLink>,
}

/// A failure of `InitFaceVerify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFailed {
    /// The attempt.
    pub order_no: OuterOrderNo,
    /// Whether the service may have executed the call.
    pub maybe_executed: bool,
    /// The service's code, if it sent one.
    pub code: Option<Code>,
}

/// A callback whose token is right. It is a hint to look, never a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedCallback {
    pub(crate) order_no: OuterOrderNo,
    pub(crate) certify_id: CertifyId,
    pub(crate) digest: Digest,
}

impl CheckedCallback {
    /// Checks the query of a callback that came for an order number. Returns `None` if the query is too long, is not a callback
    /// or has another token: answer all of these alike.
    #[must_use]
    pub fn check(keys: &CallbackKeys, scene: SceneId, order_no: &OuterOrderNo, query: &str) -> Option<Self> {
        let callback = Callback::parse(query).ok()?;
        if !keys.verify(&callback, scene, order_no) {
            return None;
        }
        let digest = Digest::new(Sha256::digest(query.as_bytes()).into());
        Some(Self { order_no: order_no.clone(), certify_id: callback.certify_id().clone(), digest })
    }

    /// Returns the attempt.
    #[must_use]
    pub const fn order_no(&self) -> &OuterOrderNo {
        &self.order_no
    }
}

/// The answer to a look.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The attempt.
    pub order_no: OuterOrderNo,
    /// The claim under which the worker asked.
    pub fence: Fence,
    /// The answer.
    pub answer: Look,
}

/// The answer to a look.
///
/// Exhaustive on purpose: every answer is one of these.
#[derive(Clone, Debug)]
pub enum Look {
    /// No result yet.
    Pending,
    /// A result, decided by the policy in force.
    Finished(Box<Finding>),
    /// The service does not know the CertifyId (Code 406). After the last planned look this ends the attempt, if the region that
    /// created the CertifyId answered. Another region does not know it: its answer is a failed look.
    Unknown {
        /// The region that answered.
        region: Option<Region>,
    },
    /// The call failed for a reason that says nothing about the session: the network, throttling, a wrong key. This never ends an
    /// attempt before [`Rules::look_until`](crate::Rules::look_until).
    Failed {
        /// Whether the same call may succeed without a change on your side.
        transient: bool,
        /// The reason.
        error: LookError,
    },
}

/// A reviewer's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// The reviewer.
    pub reviewer: Reviewer,
    /// The reason.
    pub reason: ReviewReason,
    /// Whether the reviewer approves.
    pub approve: bool,
    /// The number of events that the reviewer saw. A later event refuses the decision.
    pub seen: u64,
}

/// The answer to `DeleteFaceVerifyResult`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The attempt.
    pub order_no: OuterOrderNo,
    /// The claim under which the worker asked.
    pub fence: Fence,
    /// Whether the service holds no data any more.
    pub done: bool,
}
