//! The output of the machine: one transaction for the store, and the next step for the caller.

use std::fmt;

use cloudauth_protocol::{CertifyId, OuterOrderNo, SceneId, UnixTime};

use crate::machine::event::Event;
use crate::machine::ids::{CapabilityHash, IdempotencyKey, IdentityRef, SubjectRef};
use crate::machine::state::Verification;

/// A verification as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The version. Every commit and every claim increases it by one.
    pub version: u64,
    /// The number of claims.
    pub fence: u64,
    /// Until when a worker has claimed it.
    pub lease_until: Option<UnixTime>,
    /// The verification.
    pub verification: Verification,
}

/// What the machine knows before a step.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// The verification, if there is one.
    pub stored: Option<&'a Stored>,
    /// For a start: how much the person has used.
    pub usage: Usage,
}

/// The usage of the limits, before a start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The starts of the person in the scene on this day.
    pub starts_today: u32,
    /// Until when the identity is blocked.
    pub blocked_until: Option<UnixTime>,
}

/// One transaction. A store makes all of it durable, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "nothing happens until a store commits it"]
pub struct Commit {
    pub(crate) expected: Option<u64>,
    pub(crate) release: bool,
    pub(crate) verification: Verification,
    pub(crate) events: Vec<Event>,
    pub(crate) take: Option<Take>,
    pub(crate) refund: Option<Refund>,
    pub(crate) block: Option<Block>,
    pub(crate) page: Option<PageEnd>,
    pub(crate) needs_page: Option<CapabilityHash>,
    pub(crate) outcome: CommitOutcome,
    /// Whether neither the verification nor its events change.
    pub(crate) unchanged: bool,
}

/// One start of a person. The store counts it, unless the limit is reached or the identity is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Take {
    /// The person.
    pub subject: SubjectRef,
    /// The scene.
    pub scene: SceneId,
    /// The day in UTC+8, counted from 1970-01-01.
    pub day: u32,
    /// The limit: the store refuses the commit if the count has reached it.
    pub limit: u32,
    /// The identity: the store refuses the commit if it is blocked after `at`.
    pub identity: IdentityRef,
    /// The time of the start.
    pub at: UnixTime,
}

/// One start of a person that was counted and certainly not executed: the store subtracts it from the count of that day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refund {
    /// The person.
    pub subject: SubjectRef,
    /// The scene.
    pub scene: SceneId,
    /// The day on which the start was counted, as in [`Take::day`].
    pub day: u32,
}

/// An identity that must not be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Block {
    /// The identity.
    pub identity: IdentityRef,
    /// Until when. The store keeps the later of two ends.
    pub until: UnixTime,
}

/// The end of a start page: the store erases its identity, and keeps its link for some minutes. There may be no such page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageEnd {
    /// The key of its request; the order is that of the verification.
    pub key: IdempotencyKey,
    /// The link, for the page with this capability only; `None` if none was given out.
    pub link: Option<PageLink>,
}

/// The link of a start page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageLink {
    /// The digest of the page's capability.
    pub page: CapabilityHash,
    /// The link.
    pub sealed: Sealed,
}

/// An identity or a link, encrypted with a key that is not in the store. `Debug` shows its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Box<[u8]>);

impl Sealed {
    /// Takes the ciphertext.
    #[must_use]
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the ciphertext.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// The next step of the caller, after the commit.
///
/// Exhaustive on purpose: a caller must handle each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// An attempt was reserved: call `InitFaceVerify` with this number, then report [`Opened`](crate::Opened) or
    /// [`StartFailed`](crate::StartFailed).
    Started(OuterOrderNo),
    /// The request was a repetition: this attempt exists already, and no link is created.
    Replayed(OuterOrderNo),
    /// Give the link to the person.
    Opened,
    /// Give the link to no one.
    LinkDropped,
    /// Nothing else to do.
    Recorded,
}

/// What a worker must do for a verification that it claimed.
///
/// Exhaustive on purpose: a worker must handle each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Report [`Tick`](crate::Input::Tick).
    Tick,
    /// Ask `DescribeFaceVerify`, then report [`Looked`](crate::Looked).
    Look(OuterOrderNo, CertifyId),
    /// Ask `DeleteFaceVerifyResult`, then report [`Deleted`](crate::Deleted).
    Delete(OuterOrderNo, CertifyId),
}

impl Commit {
    /// Returns the version that the store must have; `None` if the verification is new.
    #[must_use]
    pub const fn expected(&self) -> Option<u64> {
        self.expected
    }

    /// Whether the worker's lease ends with this commit.
    #[must_use]
    pub const fn releases(&self) -> bool {
        self.release
    }

    /// Returns the verification after the commit.
    #[must_use]
    pub const fn verification(&self) -> &Verification {
        &self.verification
    }

    /// Returns the events to append, in order.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Returns the start to count.
    #[must_use]
    pub const fn take(&self) -> Option<&Take> {
        self.take.as_ref()
    }

    /// Returns the start to subtract. A commit never counts one and subtracts one.
    #[must_use]
    pub const fn refund(&self) -> Option<&Refund> {
        self.refund.as_ref()
    }

    /// Returns the identity to block.
    #[must_use]
    pub const fn block(&self) -> Option<&Block> {
        self.block.as_ref()
    }

    /// Returns the start page that ends.
    #[must_use]
    pub const fn page(&self) -> Option<&PageEnd> {
        self.page.as_ref()
    }

    /// Returns the digest of the start page's capability, for a start from a page. The store refuses the commit unless the page still
    /// waits with its identity: a cancellation either ends the page before, or finds the verification.
    #[must_use]
    pub const fn needs_page(&self) -> Option<&CapabilityHash> {
        self.needs_page.as_ref()
    }

    /// Returns the next step of the caller.
    #[must_use]
    pub const fn outcome(&self) -> &CommitOutcome {
        &self.outcome
    }

    /// Whether nothing changes. There is nothing to store then.
    #[must_use]
    pub const fn is_noop(&self) -> bool {
        self.unchanged && !self.release
    }

    /// The same commit, without the end of the lease: the worker has more jobs of this claim.
    pub const fn keeping_lease(mut self) -> Self {
        self.release = false;
        self
    }
}
