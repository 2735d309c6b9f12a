//! Start pages: an identity is kept sealed, for some minutes, and erased with the call that needs it.

use std::time::Duration;

use cloudauth_protocol::{Code, UnixTime};

use super::support::{Check, begin, equal, fails, machine, open, put, step, text};
use crate::join::{Boxed, join_all};
use crate::machine::commit::{PageLink, Sealed, Stored};
use crate::machine::ids::CapabilityHash;
use crate::machine::input::{Input, Start, StartFailed};
use crate::store::contract::{Lookup, Store};
use crate::store::error::StoreErrorKind;
use crate::store::pages::{NewPage, PAGE_LIFETIME, Page, Pages, SealedPage};
use crate::testing::samples::{self, BEGIN};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("a page is found by its capability only", |store| Box::pin(found(store))),
    ("a page of the same request replaces the one before", |store| Box::pin(replaced(store))),
    ("the commit of the session replaces the identity by the link", |store| Box::pin(linked(store))),
    ("a commit that fails erases no identity", |store| Box::pin(failed(store))),
    ("the link of another page is not kept", |store| Box::pin(other_link(store))),
    ("a refused person's identity is erased", |store| Box::pin(refused(store))),
    ("a start from a page is committed while the page waits", |store| Box::pin(started(store))),
    ("of a start and a cancellation one sees the other", |store| Box::pin(raced(store))),
    ("a final verification erases the pages of its order", |store| Box::pin(ended(store))),
    ("a canceled order has no page, also without a verification", |store| Box::pin(canceled(store))),
    ("an identity is over after its lifetime, and then erased", |store| Box::pin(over(store))),
    ("an erasure keeps its limit", |store| Box::pin(limit(store))),
];

/// How often a check looks whether a page is over, by a store with a clock of its own.
const LOOKS: u32 = 1_000_000;

fn pages(store: &dyn Store) -> Result<&dyn Pages, String> {
    store.pages().ok_or_else(|| "the store keeps no start pages".to_owned())
}

fn capability(number: u8) -> CapabilityHash {
    CapabilityHash::new([number; 32])
}

fn sealed(number: u8) -> Sealed {
    Sealed::new(vec![number; 700])
}

/// A page of the first attempt of an order.
fn page(order: u64, number: u8) -> Result<NewPage, String> {
    let start = samples::start(order, 1).map_err(text)?;
    Ok(NewPage {
        capability: capability(number),
        order: start.order,
        key: start.key,
        request: format!("{{\"number\": {number}}}").into(),
        sealed: sealed(number),
        lifetime: PAGE_LIFETIME,
    })
}

fn waiting(number: u8) -> Page {
    Page::Waiting(SealedPage {
        capability: capability(number),
        request: format!("{{\"number\": {number}}}").into(),
        sealed: sealed(number),
    })
}

async fn keep(store: &dyn Store, page: &NewPage) -> Result<bool, String> {
    pages(store)?.open_page(page, BEGIN).await.map_err(text)
}

async fn find(store: &dyn Store, number: u8) -> Result<Option<Page>, String> {
    pages(store)?.find_page(&capability(number), BEGIN).await.map_err(text)
}

async fn erase(store: &dyn Store, now: UnixTime, limit: usize) -> Result<usize, String> {
    pages(store)?.erase_pages(now, limit).await.map_err(text)
}

/// Reports the session of an order's attempt, with the link of a page.
fn opened(order: u64, link: Option<u8>) -> Result<Input, String> {
    let mut opened = samples::opened(order, 1).map_err(text)?;
    opened.link = link.map(|number| PageLink { page: capability(number), sealed: sealed(number + 100) });
    Ok(Input::Opened(opened))
}

async fn found(store: &dyn Store) -> Result<(), String> {
    for number in 1..4 {
        equal("kept", keep(store, &page(number.into(), number)?).await?, true)?;
    }
    for number in 1..4 {
        equal("found", find(store, number).await?, Some(waiting(number)))?;
    }
    equal("found by another capability", find(store, 9).await?, None)?;
    equal("erased before its time", erase(store, BEGIN, 9).await?, 0)
}

async fn replaced(store: &dyn Store) -> Result<(), String> {
    keep(store, &page(1, 1)?).await?;
    equal("kept again", keep(store, &page(1, 2)?).await?, true)?;
    equal("found by the first capability", find(store, 1).await?, None)?;
    equal("found by the second one", find(store, 2).await?, Some(waiting(2)))?;
    let mut other = page(1, 3)?;
    other.key = samples::start(1, 2).map_err(text)?.key;
    keep(store, &other).await?;
    equal("the page of another request", find(store, 3).await?, Some(waiting(3)))?;
    equal("the page before", find(store, 2).await?, Some(waiting(2)))
}

async fn linked(store: &dyn Store) -> Result<(), String> {
    keep(store, &page(1, 1)?).await?;
    keep(store, &page(2, 2)?).await?;
    begin(store, 1).await?;
    equal("during the call", find(store, 1).await?, Some(waiting(1)))?;
    put(store, 1, opened(1, Some(1))?, BEGIN).await?;
    let Some(Page::Linked(found)) = find(store, 1).await? else { return Err("no link is kept".to_owned()) };
    equal("link", (found.capability, found.sealed), (capability(1), sealed(101)))?;
    equal("request", &*found.request, "{\"number\": 1}")?;
    equal("the page of another order", find(store, 2).await?, Some(waiting(2)))?;
    equal("kept after the session", keep(store, &page(1, 3)?).await?, false)?;
    equal("found by its capability", find(store, 3).await?, None)
}

async fn failed(store: &dyn Store) -> Result<(), String> {
    keep(store, &page(1, 1)?).await?;
    begin(store, 1).await?;
    let (_, stale) = step(store, 1, opened(1, Some(1))?, BEGIN).await?;
    let claim = store.claim(crate::Queue::Results, BEGIN.plus(Duration::from_secs(99)), PAGE_LIFETIME, 9);
    equal("claimed", claim.await.map_err(text)?.len(), 1)?;
    equal("committed", store.commit(&stale).await.is_ok(), false)?;
    equal("after the conflict", find(store, 1).await?, Some(waiting(1)))
}

async fn other_link(store: &dyn Store) -> Result<(), String> {
    keep(store, &page(1, 1)?).await?;
    keep(store, &page(2, 2)?).await?;
    begin(store, 1).await?;
    put(store, 1, opened(1, Some(2))?, BEGIN).await?;
    equal("the page of the session", find(store, 1).await?, Some(Page::Used))?;
    equal("the other page", find(store, 2).await?, Some(waiting(2)))?;
    begin(store, 2).await?;
    put(store, 2, opened(2, None)?, BEGIN).await?;
    equal("the page of a session without a link", find(store, 2).await?, Some(Page::Used))
}

async fn refused(store: &dyn Store) -> Result<(), String> {
    for (order, code, expected) in [
        (1, Some(Code::CannotUseFace), Page::Used),
        (2, Some(Code::SystemError), waiting(2)),
        (3, None, waiting(3)),
    ] {
        let number = u8::try_from(order).map_err(text)?;
        keep(store, &page(order, number)?).await?;
        begin(store, order).await?;
        let order_no = samples::start(order, 1).map_err(text)?.order_no;
        let refused = StartFailed { order_no, maybe_executed: false, code };
        put(store, order, Input::StartFailed(refused), BEGIN).await?;
        equal("page", find(store, number).await?, Some(expected))?;
    }
    Ok(())
}

/// A start from a page.
fn from_page(order: u64, attempt: u8, page: u8) -> Result<Input, String> {
    let mut start = samples::start(order, attempt).map_err(text)?;
    start.page = Some(capability(page));
    Ok(Input::Start(start))
}

async fn started(store: &dyn Store) -> Result<(), String> {
    let refuses = async |what: &str, order, attempt, number| {
        let before = load(store, order).await?;
        let (_, commit) = step(store, order, from_page(order, attempt, number)?, BEGIN).await?;
        fails(what, store.commit(&commit).await, StoreErrorKind::PageEnded)?;
        equal(what, load(store, order).await?, before)
    };
    keep(store, &page(1, 1)?).await?;
    put(store, 1, from_page(1, 1, 1)?, BEGIN).await?;
    equal("the page of the start", find(store, 1).await?, Some(waiting(1)))?;
    put(store, 1, opened(1, Some(1))?, BEGIN).await?;
    refuses("a page that was used", 1, 2, 1).await?;
    refuses("a page that is unknown", 1, 2, 9).await?;
    keep(store, &page(2, 2)?).await?;
    pages(store)?.end_pages(&page(2, 2)?.order, BEGIN).await.map_err(text)?;
    refuses("a page that was ended", 2, 1, 2).await?;
    keep(store, &NewPage { lifetime: Duration::ZERO, ..page(3, 3)? }).await?;
    refuses("a page that is over", 3, 1, 3).await?;
    keep(store, &page(4, 4)?).await?;
    keep(store, &page(4, 5)?).await?;
    refuses("a page that was replaced", 4, 1, 4).await?;
    put(store, 4, from_page(4, 1, 5)?, BEGIN).await?;
    // The limit is checked first.
    let of_one_person = |start: Start| -> Result<_, String> {
        let Start { subject, identity, .. } = samples::start(5, 1).map_err(text)?;
        Ok(Input::Start(Start { subject, identity, ..start }))
    };
    let (_, late) = step(store, 5, from_page(5, 1, 9)?, BEGIN).await?;
    for order in (6..).take(machine().rules().starts_per_day as usize) {
        put(store, order, of_one_person(samples::start(order, 1).map_err(text)?)?, BEGIN).await?;
    }
    fails("a page that is unknown, after the limit", store.commit(&late).await, StoreErrorKind::Limit)
}

/// The verification of an order, if there is one.
async fn load(store: &dyn Store, order: u64) -> Result<Option<Stored>, String> {
    let order = samples::start(order, 1).map_err(text)?.order;
    store.load(Lookup::Order(&order)).await.map_err(text)
}

async fn raced(store: &dyn Store) -> Result<(), String> {
    for order in 1..=32 {
        let number = u8::try_from(order).map_err(text)?;
        keep(store, &page(order, number)?).await?;
        let (_, commit) = step(store, order, from_page(order, 1, number)?, BEGIN).await?;
        let start = async { store.commit(&commit).await.map(|()| true).map_err(|error| error.kind()) };
        let cancellation = async {
            let ended = pages(store)?.end_pages(&commit.verification().order, BEGIN).await;
            ended.map_err(text)?;
            Ok(load(store, order).await?.is_some())
        };
        let mut sides = [
            Box::pin(async { Side::Start(start.await) }) as Boxed<'_, _>,
            Box::pin(async { Side::End(cancellation.await) }),
        ];
        if order % 2 == 0 {
            sides.reverse();
        }
        let (mut started, mut seen) = (false, false);
        for side in join_all(sides.into()).await {
            match side {
                Side::Start(Err(StoreErrorKind::PageEnded)) => {}
                Side::Start(result) => started = result.map_err(|kind| format!("{kind:?}"))?,
                Side::End(found) => seen = found?,
            }
        }
        equal("the start that the cancellation finds", seen, started)?;
    }
    Ok(())
}

/// How one side of a race ended.
enum Side {
    Start(Result<bool, StoreErrorKind>),
    End(Result<bool, String>),
}

async fn ended(store: &dyn Store) -> Result<(), String> {
    open(store, 1).await?;
    let mut other = page(1, 1)?;
    other.key = samples::start(1, 2).map_err(text)?.key;
    keep(store, &other).await?;
    keep(store, &page(2, 2)?).await?;
    put(store, 1, Input::Cancel, BEGIN).await?;
    equal("after the end", find(store, 1).await?, Some(Page::Used))?;
    equal("the page of another order", find(store, 2).await?, Some(waiting(2)))?;
    equal("kept after the end", keep(store, &NewPage { capability: capability(3), ..other }).await?, false)
}

async fn canceled(store: &dyn Store) -> Result<(), String> {
    let pages = pages(store)?;
    keep(store, &page(1, 1)?).await?;
    keep(store, &page(2, 2)?).await?;
    for _ in 0..2 {
        pages.end_pages(&page(1, 1)?.order, BEGIN).await.map_err(text)?;
        equal("the page of the order", find(store, 1).await?, Some(Page::Used))?;
    }
    equal("the page of another order", find(store, 2).await?, Some(waiting(2)))?;
    equal("kept again", keep(store, &page(1, 3)?).await?, false)
}

async fn over(store: &dyn Store) -> Result<(), String> {
    let lifetime = Duration::from_millis(300);
    keep(store, &NewPage { lifetime, ..page(1, 1)? }).await?;
    keep(store, &NewPage { lifetime: Duration::from_secs(86_400), ..page(2, 2)? }).await?;
    let later = BEGIN.plus(lifetime);
    for look in 0.. {
        match pages(store)?.find_page(&capability(1), later).await.map_err(text)? {
            Some(Page::Expired) => break,
            found if look < LOOKS => equal("before its end", found, Some(waiting(1)))?,
            _ => return Err("the page is never over".to_owned()),
        }
    }
    equal("the page with its time left", find(store, 2).await?, Some(waiting(2)))?;
    equal("erased", erase(store, later, 9).await?, 1)?;
    equal("erased again", erase(store, later, 9).await?, 0)?;
    let found = pages(store)?.find_page(&capability(1), later).await.map_err(text)?;
    equal("after the erasure", found, Some(Page::Expired))?;
    // The same request may get another page.
    equal("kept again", keep(store, &page(1, 3)?).await?, true)?;
    equal("the new page", find(store, 3).await?, Some(waiting(3)))
}

async fn limit(store: &dyn Store) -> Result<(), String> {
    for number in 1..4 {
        let page = NewPage { lifetime: Duration::ZERO, ..page(number.into(), number)? };
        keep(store, &page).await?;
    }
    // A clock that counts milliseconds shows the next one.
    let later = BEGIN.plus(machine().rules().start_lease);
    for expected in [2, 1, 0] {
        equal("erased", erase(store, later, 2).await?, expected)?;
    }
    Ok(())
}
