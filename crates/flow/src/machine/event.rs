//! The events of a verification: what happened, for the rest of your company and for an audit.

use std::fmt;

use cloudauth_protocol::{Code, OuterOrderNo, SceneId, UnixTime};
use serde::{Deserialize, Serialize};

use crate::machine::chain::ChainHead;
use crate::machine::finding::VerdictRecord;
use crate::machine::ids::{ConsentText, Digest, OrderRef, Purpose, ReviewReason, Reviewer, VerificationId};
use crate::machine::state::State;
use crate::machine::time::millis;

/// An event, as stored. Events are never changed; they are deleted only with their verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// The number within the verification, from 1, without gaps.
    pub n: u64,
    /// When it happened.
    #[serde(with = "millis")]
    pub at: UnixTime,
    /// The type, such as `verification.approved`.
    pub kind: Box<str>,
    /// The body: canonical JSON. Store it byte by byte: it is hashed.
    pub body: Box<str>,
    /// The hash of the previous event, or of the chain's start.
    pub prev: Digest,
    /// SHA-256 of `prev`, `n`, `kind`, `at` and `body`.
    pub hash: Digest,
}

/// What happened. No variant has personal data, evidence or a score: events are kept when evidence is erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[non_exhaustive]
pub enum EventKind {
    /// A verification was created.
    #[serde(rename = "verification.created")]
    Created {
        /// Your order.
        order: OrderRef,
        /// The purpose.
        purpose: Purpose,
        /// The scene.
        scene: SceneId,
    },
    /// An attempt was committed; `InitFaceVerify` follows.
    #[serde(rename = "attempt.reserved")]
    Reserved {
        /// The attempt.
        attempt: OuterOrderNo,
        /// The version of the text that the person agreed to.
        consent: ConsentText,
        /// When the person agreed.
        #[serde(with = "millis")]
        consent_at: UnixTime,
    },
    /// The attempt has a link.
    #[serde(rename = "attempt.opened")]
    Opened {
        /// The attempt.
        attempt: OuterOrderNo,
    },
    /// The link came too late and was given to no one.
    #[serde(rename = "attempt.link_dropped")]
    LinkDropped {
        /// The attempt.
        attempt: OuterOrderNo,
    },
    /// `InitFaceVerify` was refused, or not sent.
    #[serde(rename = "attempt.refused")]
    Refused {
        /// The attempt.
        attempt: OuterOrderNo,
        /// The service's code, if it sent one.
        code: Option<Code>,
    },
    /// The answer to `InitFaceVerify` is not known.
    #[serde(rename = "attempt.orphaned")]
    Orphaned {
        /// The attempt.
        attempt: OuterOrderNo,
    },
    /// A later attempt replaced it.
    #[serde(rename = "attempt.superseded")]
    Superseded {
        /// The attempt.
        attempt: OuterOrderNo,
    },
    /// The link expired without a result.
    #[serde(rename = "attempt.expired")]
    AttemptExpired {
        /// The attempt.
        attempt: OuterOrderNo,
    },
    /// The attempt has a result, and a policy decided on it.
    #[serde(rename = "attempt.settled")]
    Settled(Decided),
    /// The attempt has a result, but the verification was decided before. Nothing changes.
    #[serde(rename = "attempt.late_evidence")]
    LateEvidence(Decided),
    /// The verification has another state.
    #[serde(rename = "verification.state")]
    StateChanged {
        /// The previous state.
        from: State,
        /// The new state.
        to: State,
    },
    /// A reviewer decided.
    #[serde(rename = "verification.reviewed")]
    Reviewed {
        /// The reviewer.
        reviewer: Reviewer,
        /// The reason.
        reason: ReviewReason,
        /// Whether the reviewer approved.
        approved: bool,
    },
    /// Personal references and evidence were erased here.
    #[serde(rename = "verification.redaction_requested")]
    RedactionRequested,
    /// The vendor deleted its data too.
    #[serde(rename = "verification.redacted")]
    Redacted,
    /// The vendor did not confirm the deletion. An operator must act.
    #[serde(rename = "verification.redaction_failed")]
    RedactionFailed,
}

/// The decision of a policy on the result of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Decided {
    /// The attempt.
    pub attempt: OuterOrderNo,
    /// The verdict.
    pub verdict: VerdictRecord,
    /// The policy.
    pub policy: Box<str>,
    /// The hash of the policy's content.
    pub policy_hash: Box<str>,
    /// The rule that decided.
    pub rule: Box<str>,
    /// The reason, a code for programs.
    pub reason: Box<str>,
}

impl EventKind {
    /// Returns the type. A change of state is named after the new state.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "verification.created",
            Self::Reserved { .. } => "attempt.reserved",
            Self::Opened { .. } => "attempt.opened",
            Self::LinkDropped { .. } => "attempt.link_dropped",
            Self::Refused { .. } => "attempt.refused",
            Self::Orphaned { .. } => "attempt.orphaned",
            Self::Superseded { .. } => "attempt.superseded",
            Self::AttemptExpired { .. } => "attempt.expired",
            Self::Settled(_) => "attempt.settled",
            Self::LateEvidence(_) => "attempt.late_evidence",
            Self::StateChanged { to, .. } => match to {
                State::RequiresInput => "verification.requires_input",
                State::Processing => "verification.processing",
                State::InReview => "verification.in_review",
                State::Approved => "verification.approved",
                State::Declined => "verification.declined",
                State::Expired => "verification.expired",
                State::Canceled => "verification.canceled",
            },
            Self::Reviewed { .. } => "verification.reviewed",
            Self::RedactionRequested => "verification.redaction_requested",
            Self::Redacted => "verification.redacted",
            Self::RedactionFailed => "verification.redaction_failed",
        }
    }
}

impl Event {
    /// The event after `head`. Its time is never before the head's.
    pub(crate) fn after(head: &ChainHead, kind: &EventKind, now: UnixTime) -> Self {
        #[expect(clippy::expect_used, reason = "texts and numbers under text keys are always JSON")]
        let body = serde_json::to_string(kind).expect("JSON");
        let at = now.max(head.at);
        let next = head.next(kind.name(), at, &body);
        Self { n: next.n, at, kind: kind.name().into(), body: body.into(), prev: head.hash, hash: next.hash }
    }

    /// The event that a store read back. [`verify_chain`] checks it.
    #[must_use]
    pub const fn stored(
        n: u64,
        at: UnixTime,
        kind: Box<str>,
        body: Box<str>,
        prev: Digest,
        hash: Digest,
    ) -> Self {
        Self { n, at, kind, body, prev, hash }
    }

    /// Reads the body; `None` for a type that this version does not know.
    #[must_use]
    pub fn read(&self) -> Option<EventKind> {
        serde_json::from_str(&self.body).ok()
    }
}

/// Checks the whole chain of a verification, and returns its end.
///
/// # Errors
/// If an event is missing, added, moved or changed. The error names the first one.
pub fn verify_chain(id: &VerificationId, events: &[Event]) -> Result<ChainHead, BrokenChain> {
    let mut head = ChainHead::new(id);
    for event in events {
        head = head.follow(event)?;
    }
    Ok(head)
}

impl ChainHead {
    /// Checks the next event of the chain, and returns the head after it.
    ///
    /// # Errors
    /// If the event does not follow this head, or was changed.
    pub fn follow(&self, event: &Event) -> Result<Self, BrokenChain> {
        let next = self.next(&event.kind, event.at, &event.body);
        let fits =
            event.n == next.n && event.prev == self.hash && event.hash == next.hash && event.at >= self.at;
        if fits { Ok(next) } else { Err(BrokenChain { n: next.n }) }
    }
}

/// The error of a chain that was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenChain {
    n: u64,
}

impl BrokenChain {
    /// Returns the number of the first event that does not fit.
    #[must_use]
    pub const fn event(&self) -> u64 {
        self.n
    }
}

impl fmt::Display for BrokenChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the chain of events is broken: event {} does not fit", self.n)
    }
}

impl std::error::Error for BrokenChain {}
