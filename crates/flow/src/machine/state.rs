//! The state of a verification and its attempts: what a store keeps.

use cloudauth_protocol::{CertifyId, Code, Identity, OuterOrderNo, SceneId, UnixTime};
use serde::{Deserialize, Serialize};

use crate::machine::chain::ChainHead;
use crate::machine::finding::{DecisionRecord, Finding};
use crate::machine::ids::{
    CapabilityHash, ConsentText, Digest, IdempotencyKey, IdentityRef, LookError, OrderRef, Purpose, Region,
    ReviewReason, Reviewer, SubjectRef, VerificationId,
};
use crate::machine::ref_key::RefKey;
use crate::machine::rules::MOST_DELETIONS;
use crate::machine::time::{millis, optional_millis};

/// The state of a verification.
///
/// Exhaustive on purpose: a caller's `match` must handle every state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The person can start, or start again.
    RequiresInput,
    /// A link is being created, or is with the person, or its result is awaited.
    Processing,
    /// A reviewer must decide.
    InReview,
    /// Approved, by a policy or a reviewer. Final.
    Approved,
    /// Declined, by a policy or a reviewer. Final.
    Declined,
    /// Ended without a result. Final.
    Expired,
    /// Canceled by your service, also during a review. Final.
    Canceled,
}

impl State {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::RequiresInput,
        Self::Processing,
        Self::InReview,
        Self::Approved,
        Self::Declined,
        Self::Expired,
        Self::Canceled,
    ];

    /// Whether the state never changes again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Approved | Self::Declined | Self::Expired | Self::Canceled)
    }

    /// Returns the name as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequiresInput => "requires_input",
            Self::Processing => "processing",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Canceled => "canceled",
        }
    }
}

/// The state of an attempt.
///
/// Exhaustive on purpose: a caller's `match` must handle every state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// Committed before `InitFaceVerify` is called.
    Reserved,
    /// The person may have the link.
    Open,
    /// A later attempt replaced it. Its result still counts, so that a person who finished the first link is not lost.
    Superseded,
    /// It has a result.
    Settled,
    /// Its link expired without a result. A late callback can still bring one.
    Expired,
    /// `InitFaceVerify` was refused, or not sent.
    Refused,
    /// The answer to `InitFaceVerify` is not known. Its link was given to no one.
    Orphaned,
}

impl AttemptState {
    /// Returns the name as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Open => "open",
            Self::Superseded => "superseded",
            Self::Settled => "settled",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Orphaned => "orphaned",
        }
    }
}

/// Whether the personal references and the evidence of a verification were erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redaction {
    /// Not requested.
    None,
    /// Erased here; the vendor has not confirmed yet.
    Requested,
    /// Erased here and deleted by the vendor.
    Done,
    /// Erased here. The vendor confirmed no deletion in 12 requests over eight days: request the redaction again, or ask the
    /// vendor. The purge does not wait any longer.
    Failed,
}

impl Redaction {
    /// Returns the name as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Requested => "requested",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// One verification, with all of its attempts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Verification {
    /// The id, which the events carry.
    pub id: VerificationId,
    /// Your order, unique.
    pub order: OrderRef,
    /// The person; `None` after a redaction.
    pub subject: Option<SubjectRef>,
    /// The scene of all attempts.
    pub scene: SceneId,
    /// The purpose.
    pub purpose: Purpose,
    /// The state.
    pub state: State,
    /// The decision, if there is one. In review: that of the policy.
    pub decision: Option<DecidedBy>,
    /// Whether personal references were erased.
    pub redaction: Redaction,
    /// When it was created.
    #[serde(with = "millis")]
    pub created_at: UnixTime,
    /// Until when the person may start again.
    #[serde(with = "millis")]
    pub expires_at: UnixTime,
    /// Until when a reviewer must decide; `None` unless it is in review. Then it expires.
    #[serde(with = "optional_millis")]
    pub review_by: Option<UnixTime>,
    /// When the vendor is asked to delete its data, during a redaction.
    #[serde(with = "optional_millis")]
    pub delete_at: Option<UnixTime>,
    /// When the sweeper must act next. A store needs an index on it.
    #[serde(with = "optional_millis")]
    pub due_at: Option<UnixTime>,
    /// When the store may delete it. A store needs an index on it.
    #[serde(with = "optional_millis")]
    pub purge_at: Option<UnixTime>,
    /// The attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// The end of the chain of events.
    pub head: ChainHead,
}

/// The origin of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", deny_unknown_fields)]
#[non_exhaustive]
pub enum DecidedBy {
    /// A policy, from the evidence of an attempt.
    Policy {
        /// The attempt.
        attempt: OuterOrderNo,
        /// The policy and the rule.
        record: DecisionRecord,
    },
    /// A reviewer, after the policy asked for a review.
    Reviewer {
        /// The reviewer.
        reviewer: Reviewer,
        /// The reason.
        reason: ReviewReason,
        /// The attempt that the policy sent to review.
        attempt: OuterOrderNo,
        /// The policy and the rule that asked for the review.
        record: DecisionRecord,
    },
}

/// The consent of the person, which the law requires separately from other terms.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Consent {
    /// When the person agreed.
    #[serde(with = "millis")]
    pub at: UnixTime,
    /// The version of the text.
    pub text: ConsentText,
}

impl Consent {
    /// The consent to a text, given at a time.
    #[must_use]
    pub const fn new(at: UnixTime, text: ConsentText) -> Self {
        Self { at, text }
    }
}

/// One attempt: one `OuterOrderNo`, one CertifyId, one link.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Attempt {
    /// The number that the vendor gets; it is in the path of the callback.
    pub order_no: OuterOrderNo,
    /// The key of the request that started it.
    pub key: IdempotencyKey,
    /// The claimed identity; `None` after a redaction.
    pub identity: Option<IdentityRef>,
    /// The consent.
    pub consent: Consent,
    /// The digest of what the browser holds; `None` after a redaction.
    pub capability: Option<CapabilityHash>,
    /// The state.
    pub state: AttemptState,
    /// The day (UTC+8) on which the start was counted; `None` if it was given back.
    pub counted_on: Option<u32>,
    /// The end of the lease of `InitFaceVerify`.
    #[serde(with = "millis")]
    pub lease_until: UnixTime,
    /// The service's id, from the moment when it is known.
    pub certify_id: Option<CertifyId>,
    /// The region that created the id. Only this region can say that it does not know the id.
    pub region: Option<Region>,
    /// When the link was created.
    #[serde(with = "optional_millis")]
    pub opened_at: Option<UnixTime>,
    /// The next look at the result.
    #[serde(with = "optional_millis")]
    pub next_look_at: Option<UnixTime>,
    /// The last look.
    #[serde(with = "optional_millis")]
    pub looked_at: Option<UnixTime>,
    /// The number of looks.
    pub looks: u32,
    /// Why the last look failed; `None` if it did not. An error of your own, such as a disabled key, stays here until a look
    /// succeeds: watch it.
    pub last_look_error: Option<LookError>,
    /// The digests of the callbacks, at most 8. The same callback counts once.
    pub callbacks: Vec<Digest>,
    /// The returns of the browser that led to a look, at most 8.
    pub returns: u8,
    /// The result.
    pub finding: Option<Finding>,
    /// The code with which the service refused `InitFaceVerify`, if it sent one.
    pub refused: Option<Code>,
    /// Whether the service may have executed an `InitFaceVerify` that failed.
    pub maybe_executed: bool,
    /// Whether the vendor deleted its data.
    pub deleted: bool,
    /// The number of deletions that the vendor did not confirm.
    pub deletions: u32,
}

impl Attempt {
    /// Whether the vendor must be asked to delete its data.
    pub(crate) const fn must_delete(&self) -> bool {
        self.certify_id.is_some() && !self.deleted && self.deletions < MOST_DELETIONS
    }
}

impl Verification {
    /// Returns the attempt with this number.
    #[must_use]
    pub fn attempt(&self, order_no: &OuterOrderNo) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.order_no == *order_no)
    }

    /// Returns the attempt that the person can use, if there is one.
    #[must_use]
    pub fn open_attempt(&self) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.state == AttemptState::Open)
    }

    /// Returns whether this verification approved a person, and that person has this identity. Check it where you admit the person:
    /// between your request and the result, the order may have been started with another identity. `false` after a redaction, which
    /// erases the reference.
    ///
    /// `refs` is the key of the flow's settings. For a ciphertext, give the same ciphertext, as for [`RefKey::of`].
    #[must_use]
    pub fn approves(&self, refs: &RefKey, identity: &Identity) -> bool {
        let by = match (&self.state, &self.decision) {
            (
                State::Approved,
                Some(DecidedBy::Policy { attempt, .. } | DecidedBy::Reviewer { attempt, .. }),
            ) => attempt,
            _ => return false,
        };
        self.attempt(by).is_some_and(|attempt| attempt.identity == Some(refs.of(identity)))
    }

    /// The identity that the verification is about: that of the latest attempt, refused ones left out. The result of another
    /// identity decides nothing, and neither does that of a missing one.
    pub(crate) fn identity(&self) -> Option<IdentityRef> {
        let exists = |attempt: &&Attempt| attempt.state != AttemptState::Refused;
        self.attempts.iter().rev().find(exists).and_then(|attempt| attempt.identity)
    }

    /// Whether the time for the review is over.
    pub(crate) fn is_review_over(&self, now: UnixTime) -> bool {
        self.state == State::InReview && self.review_by.is_some_and(|by| by <= now)
    }

    /// Whether an attempt is being created or is open.
    pub(crate) fn is_busy(&self) -> bool {
        self.attempts
            .iter()
            .any(|attempt| matches!(attempt.state, AttemptState::Reserved | AttemptState::Open))
    }

    /// Whether the result of an attempt is awaited: nothing may end the verification before.
    pub(crate) fn is_awaited(&self) -> bool {
        self.is_busy() || self.attempts.iter().any(|attempt| attempt.next_look_at.is_some())
    }

    /// The links that were used: refused and orphaned attempts do not count.
    pub(crate) fn links_used(&self) -> usize {
        let unused =
            |attempt: &&Attempt| !matches!(attempt.state, AttemptState::Refused | AttemptState::Orphaned);
        self.attempts.iter().filter(unused).count()
    }
}
