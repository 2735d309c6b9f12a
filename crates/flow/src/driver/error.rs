//! The error of the driver.

use std::error::Error;
use std::fmt;

use crate::driver::clock::ClockJump;
use crate::machine::refusal::Refusal;
use crate::store::error::StoreError;
use crate::store::pages::Page;

/// The error of a [`Flow`](crate::Flow). None of them shows a parameter of a call or of a statement.
#[derive(Debug)]
#[non_exhaustive]
pub enum FlowError {
    /// The verification is in a state in which this cannot happen, or a limit is reached. Nothing changed.
    Refused(Refusal),
    /// The store failed.
    Store(StoreError),
    /// The service did not create a session. The attempt is recorded: the person can start again.
    Call(cloudauth_client::Error),
    /// The closure of [`start_with`](crate::Flow::start_with) returned another order number, scene or return URL, or a request that
    /// does not compare the face with the identity. Nothing was sent.
    OtherRequest,
    /// This request was answered before, and its link was given out. To get another link, start with a new idempotency key.
    AlreadyStarted,
    /// The link came too late: the verification moved on. Start again.
    LinkDropped,
    /// The service created a session without a link: the MetaInfo is not that of the person's browser. Start again with a new
    /// idempotency key.
    NoLink,
    /// All instances together have used the account's calls. Nothing was sent: try again in some seconds.
    Busy,
    /// The system's clock jumped, or differs from the clock of the store: nothing was started or swept. Set it right.
    Clock(ClockJump),
    /// The system provided no random bytes.
    Entropy,
    /// The store keeps no webhooks.
    NoOutbox,
    /// The flow has no start page, or its store keeps none.
    NoStartPage,
    /// The start page cannot be used.
    Page(PageRefusal),
    /// An identity or a link cannot be sealed because it is too long, or not be opened: its key is not among the keys of this
    /// process, or it was changed.
    Sealed,
}

/// Why a start page cannot be used. The person must begin again on your server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageRefusal {
    /// There is no such page: the address is wrong, a later one replaced it, or it ended a day ago.
    Unknown,
    /// The page led to a verification, which needs it no longer.
    Used,
    /// The identity was erased before a browser came.
    Expired,
}

impl PageRefusal {
    /// Why a page starts nothing.
    pub(crate) const fn of(page: Option<&Page>) -> Self {
        match page {
            None => Self::Unknown,
            Some(Page::Expired) => Self::Expired,
            Some(Page::Waiting(_) | Page::Linked(_) | Page::Used) => Self::Used,
        }
    }
}

impl fmt::Display for FlowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Call(error) => error.fmt(f),
            Self::Clock(jump) => jump.fmt(f),
            Self::OtherRequest => f.write_str(
                "the request has another order number, scene or return URL, or does not compare the face with the identity",
            ),
            Self::AlreadyStarted => f.write_str("this request was answered before: start with a new key"),
            Self::LinkDropped => f.write_str("the link came too late: start again"),
            Self::NoLink => f.write_str("the service returned no link: send the browser's own MetaInfo"),
            Self::Busy => f.write_str("the account's calls of this second are used: try again later"),
            Self::Entropy => f.write_str("the system provided no random bytes"),
            Self::NoOutbox => f.write_str("the store keeps no webhooks: use another store"),
            Self::NoStartPage => f.write_str("the flow has no start page, or its store keeps none"),
            Self::Page(PageRefusal::Unknown) => f.write_str("no such start page: begin again"),
            Self::Page(PageRefusal::Used) => {
                f.write_str("the start page was used: begin again with a new key")
            }
            Self::Page(PageRefusal::Expired) => f.write_str("the start page has expired: begin again"),
            Self::Sealed => {
                f.write_str("a sealed text is too long, or its key is missing: check the sealing keys")
            }
        }
    }
}

impl Error for FlowError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // `Display` includes these errors: the chain continues with their sources.
        match self {
            Self::Store(error) => error.source(),
            Self::Call(error) => error.source(),
            _ => None,
        }
    }
}

impl From<Refusal> for FlowError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<PageRefusal> for FlowError {
    fn from(refusal: PageRefusal) -> Self {
        Self::Page(refusal)
    }
}

impl From<StoreError> for FlowError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ClockJump> for FlowError {
    fn from(jump: ClockJump) -> Self {
        Self::Clock(jump)
    }
}
