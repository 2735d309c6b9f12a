//! The contract of the start pages: what a store keeps between the order on your server and the browser's MetaInfo.

use std::fmt::{self, Debug};
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_protocol::UnixTime;

use crate::machine::commit::Sealed;
use crate::machine::ids::{CapabilityHash, IdempotencyKey, OrderRef};
use crate::store::error::StoreError;

/// How long an identity is kept at most, and then how long its link is: ten minutes.
pub const PAGE_LIFETIME: Duration = Duration::from_secs(600);

/// How long a store knows of a page that was used or expired.
pub const PAGE_REMEMBERED: Duration = Duration::from_secs(86_400);

/// The start pages of a store.
///
/// A page belongs to an order and the key of one request. It has a sealed identity, then the sealed link, then neither. The rules,
/// each checked by `testing::conformance::pages`:
///
/// | rule | why |
/// | --- | --- |
/// | times are those of the store's own clock; a page that ends later than [`PAGE_LIFETIME`] from now is over | the clock of one process keeps no identity for longer |
/// | [`Commit::page`](crate::Commit::page) erases the identity in the transaction of the commit | a crash leaves no identity whose call was made |
/// | a commit that [needs a page](crate::Commit::needs_page) is refused unless the page waits, in the commit's transaction | of a start and a cancellation that ends the page, one sees the other |
/// | a commit of a final verification erases the pages of its order | nothing can be started any more, and an erasure is one |
/// | what is over is not returned, also before [`erase_pages`](Self::erase_pages) | a sweeper may be late |
/// | what is erased is overwritten as far as the database can | it is in no copy of the file |
#[async_trait]
pub trait Pages: Debug + Send + Sync {
    /// Keeps a page. It replaces a page of the same order and key that waits or expired, whose capability is then unknown. Returns
    /// `false`, and keeps nothing, if that page was used. A store with a clock of its own uses that instead of `now`.
    async fn open_page(&self, page: &NewPage, now: UnixTime) -> Result<bool, StoreError>;

    /// Returns the page of a capability.
    async fn find_page(&self, capability: &CapabilityHash, now: UnixTime)
    -> Result<Option<Page>, StoreError>;

    /// Ends the pages of an order, and erases what they have.
    async fn end_pages(&self, order: &OrderRef, now: UnixTime) -> Result<(), StoreError>;

    /// Erases up to `limit` identities and links that are over, and forgets up to as many pages that ended [`PAGE_REMEMBERED`] ago.
    /// Returns the number of both.
    async fn erase_pages(&self, now: UnixTime, limit: usize) -> Result<usize, StoreError>;
}

/// A page to keep. `Debug` shows the lifetime alone.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPage {
    /// The digest of what the browser holds.
    pub capability: CapabilityHash,
    /// Your order.
    pub order: OrderRef,
    /// The key of the request.
    pub key: IdempotencyKey,
    /// The request: a text that must be kept byte by byte.
    pub request: Box<str>,
    /// The identity.
    pub sealed: Sealed,
    /// How long the identity is kept: at most [`PAGE_LIFETIME`], also if this is longer.
    pub lifetime: Duration,
}

/// A page, as a store has it.
///
/// Exhaustive on purpose: a caller must handle each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// It waits for the browser.
    Waiting(SealedPage),
    /// The service created a session, and the page has its link.
    Linked(SealedPage),
    /// Its link is gone, or no link was given out.
    Used,
    /// Its identity was erased before a browser came.
    Expired,
}

/// What a page has until it is used or expired. `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedPage {
    /// The digest of its capability.
    pub capability: CapabilityHash,
    /// The request, as it was given.
    pub request: Box<str>,
    /// The identity or the link.
    pub sealed: Sealed,
}

impl Debug for NewPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPage").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

impl Debug for SealedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedPage([redacted])")
    }
}

impl Page {
    /// The page of a row: its state is `waiting`, `linked`, `used` or `expired`. `sealed` is `None` if it was erased or its time is over.
    #[must_use]
    pub fn stored(state: &str, sealed: Option<SealedPage>) -> Self {
        match (state, sealed) {
            ("waiting", Some(sealed)) => Self::Waiting(sealed),
            ("linked", Some(sealed)) => Self::Linked(sealed),
            ("waiting" | "expired", _) => Self::Expired,
            _ => Self::Used,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_request() {
        let (request, sealed): (Box<str>, _) = ("planted".into(), Sealed::new(*b"planted"));
        let capability = CapabilityHash::new([0xab; 32]);
        let page = Page::Waiting(SealedPage { capability, request: request.clone(), sealed: sealed.clone() });
        let (order, key) = (OrderRef::new("planted").unwrap(), IdempotencyKey::new("planted").unwrap());
        let new = NewPage { capability, order, key, request, sealed, lifetime: PAGE_LIFETIME };
        let shown = format!("{page:?} {new:?}");
        assert_eq!(shown, "Waiting(SealedPage([redacted])) NewPage { lifetime: 600s, .. }");
    }

    #[test]
    fn a_row_is_a_page_by_its_state_and_by_what_is_left_of_it() {
        let sealed = || SealedPage {
            capability: CapabilityHash::new([0xab; 32]),
            request: "{}".into(),
            sealed: Sealed::new(*b"sealed"),
        };
        for (state, with, without) in [
            ("waiting", Page::Waiting(sealed()), Page::Expired),
            ("linked", Page::Linked(sealed()), Page::Used),
            ("used", Page::Used, Page::Used),
            ("expired", Page::Expired, Page::Expired),
        ] {
            assert_eq!((Page::stored(state, Some(sealed())), Page::stored(state, None)), (with, without));
        }
    }
}
