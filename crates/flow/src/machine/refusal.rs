//! The inputs that the machine refuses, and why.

use std::fmt;

use cloudauth_protocol::UnixTime;

use crate::machine::state::State;

/// The reason why an input was refused. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such verification or attempt, or the callback names another CertifyId. Answer all of these alike.
    NotFound,
    /// The order exists with another person, scene or purpose.
    OrderConflict,
    /// The idempotency key was used with another identity or consent.
    KeyReused,
    /// Another request is creating a link.
    StartInProgress {
        /// When its lease ends.
        until: UnixTime,
    },
    /// The verification has this final state.
    Final(State),
    /// A reviewer must decide first.
    InReview,
    /// There is nothing to review.
    NotInReview,
    /// The time for the review is over: the verification expires with the next sweep.
    ReviewOver,
    /// The verification is not in a final state.
    NotFinal,
    /// The time in which the person may start is over.
    TooLate,
    /// The verification has used its links.
    NoAttemptsLeft,
    /// The person has used the day's starts.
    DailyLimit {
        /// When the next day begins.
        until: UnixTime,
    },
    /// The service refuses this identity.
    IdentityBlocked {
        /// When the block ends.
        until: UnixTime,
    },
    /// The consent is in the future.
    ConsentInFuture,
    /// The reviewer did not see the last event.
    SeenTooLittle,
    /// Another worker has claimed the verification since.
    StaleFence,
    /// The attempt has another CertifyId.
    OtherCertifyId,
    /// The attempt is not in a state in which this can happen.
    WrongAttemptState,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |time: &UnixTime| time.as_secs();
        match self {
            Self::NotFound => f.write_str("no such verification"),
            Self::OrderConflict => f.write_str("the order exists with another person, scene or purpose"),
            Self::KeyReused => f.write_str("the idempotency key was used with another identity or consent"),
            Self::StartInProgress { until } => {
                write!(f, "another request is creating a link: try again after Unix time {}", at(until))
            }
            Self::Final(state) => write!(f, "the verification is {} already", state.as_str()),
            Self::InReview => f.write_str("a reviewer must decide first"),
            Self::NotInReview => f.write_str("the verification is not in review"),
            Self::ReviewOver => f.write_str("the time for the review is over"),
            Self::NotFinal => f.write_str("the verification has not ended: cancel it first"),
            Self::TooLate => f.write_str("the time in which the person may start is over"),
            Self::NoAttemptsLeft => f.write_str("the verification has no attempts left"),
            Self::DailyLimit { until } => {
                write!(f, "the person has no starts left until Unix time {}", at(until))
            }
            Self::IdentityBlocked { until } => {
                write!(f, "the service refuses this identity: blocked until Unix time {}", at(until))
            }
            Self::ConsentInFuture => f.write_str("the consent is in the future: check the clocks"),
            Self::SeenTooLittle => f.write_str("the verification has events that the reviewer did not see"),
            Self::StaleFence => f.write_str("another worker has claimed the verification"),
            Self::OtherCertifyId => f.write_str("the attempt has another CertifyId"),
            Self::WrongAttemptState => f.write_str("the attempt is in another state"),
        }
    }
}

impl std::error::Error for Refusal {}
