//! The durable face verification: from an order to a decision, through crashes, lost callbacks and several instances.
//!
//! A *verification* is your request, such as "order 4711, account opening". An *attempt* is one `OuterOrderNo`, one CertifyId and
//! one link. The [`Machine`] takes an [`Input`] and returns a [`Commit`]; a [`Store`] makes it durable. The machine does no I/O,
//! reads no clock and draws no randomness. No type that is stored holds a name, an ID number, a
//! phone number or a link, except for the sealed ones of a start page.
//!
//! | to ... | see |
//! | --- | --- |
//! | start verifications, take callbacks, sweep (feature `driver`) | `Flow` |
//! | start them from a page that collects the MetaInfo (feature `hosted`) | `StartPage`, `Flow::begin`, `Flow::serve` |
//! | refer to people without their data | [`RefKey`] |
//! | take an input | [`Machine::step`], [`Input`], [`Refusal`] |
//! | read a verification | [`Verification`], [`State`], [`Attempt`] |
//! | write a store | [`Store`]; prove it with `testing::conformance` (feature `testing`) |
//! | send webhooks (feature `driver`), or receive them (feature `webhooks`) | `Webhooks`, `WebhookHeaders` |
//! | follow the events, and check their chain | [`Store::events_after`], [`EventKind`], [`verify_chain`] |
//! | check that a document follows from its events | [`verify_document`] |
//! | audit a whole store | [`Auditor`], [`Checkpoint`] |
//!
//! The states of a verification:
//!
//! ```text
//! requires_input <-> processing -> approved | declined | in_review | expired | canceled
//!                                                        in_review -> approved | declined | expired | canceled
//! ```
//!
//! and of an attempt:
//!
//! ```text
//! reserved -> open -> settled | expired | superseded
//! reserved -> refused | orphaned
//! superseded -> settled | expired       expired -> settled (late evidence)
//! ```

mod audit;
#[cfg(feature = "driver")]
mod driver;
#[cfg(feature = "hosted")]
mod hosted;
#[cfg(any(feature = "driver", feature = "testing"))]
mod join;
mod machine;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "webhooks")]
mod webhook;

pub use audit::problem::{AuditProblem, DocumentPart};
pub use audit::{Audit, Auditor, BrokenVerification, Checkpoint, DayOfChains, Differences, verify_document};
#[cfg(feature = "driver")]
pub use driver::{
    blocking::{BlockingFlow, Inline},
    clock::{ClockAndRandom, ClockJump},
    error::{FlowError, PageRefusal},
    flow::Flow,
    settings::{FlowSettings, Urls},
    ticket::{NewVerification, Started},
};
#[cfg(feature = "hosted")]
pub use hosted::{
    seal::SealingKeys,
    serve::{PAGE_BODY_LIMIT, PageRequest, PageResponse},
    settings::{BrowserUrl, StartPage},
};
pub use machine::chain::ChainHead;
pub use machine::commit::{
    Block, Commit, CommitOutcome, Job, PageEnd, PageLink, Refund, Sealed, Snapshot, Stored, Take, Usage,
};
pub use machine::event::{BrokenChain, Decided, Event, EventKind, verify_chain};
pub use machine::finding::{DecisionRecord, EvidenceRecord, Finding, Score, VerdictRecord};
pub use machine::ids::{
    CapabilityHash, ConsentText, Digest, EndpointId, IdempotencyKey, IdentityRef, InvalidId, LookError,
    OrderRef, Purpose, Region, ReviewReason, Reviewer, SubjectRef, VerificationId,
};
pub use machine::input::{
    CheckedCallback, Deleted, Fence, Input, Look, Looked, Opened, Review, Start, StartFailed,
};
pub use machine::ref_key::RefKey;
pub use machine::refusal::Refusal;
pub use machine::rules::{Retention, Rules};
pub use machine::state::{Attempt, AttemptState, Consent, DecidedBy, Redaction, State, Verification};
pub use machine::step::Machine;
pub use machine::time::day;
pub use store::contract::{
    Cursor, LONGEST_SKEW, LoggedEvent, Lookup, Queue, READ_AGAIN_AFTER, Store, UsageOf, events_before_damage,
};
pub use store::document::{DOCUMENT_FORMAT, read_document, write_document};
pub use store::error::{BoxError, StoreError, StoreErrorKind};
pub use store::integers;
pub use store::outbox::{ClaimedDeliveries, Delivery, DeliveryEnd, Outbox};
pub use store::pages::{NewPage, PAGE_LIFETIME, PAGE_REMEMBERED, Page, Pages, SealedPage};
#[cfg(feature = "driver")]
pub use webhook::endpoint::{WebhookEndpoint, Webhooks};
#[cfg(feature = "webhooks")]
pub use webhook::{
    secret::WebhookSecret,
    signature::{WEBHOOK_TOLERANCE, WebhookError, WebhookHeaders},
};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
