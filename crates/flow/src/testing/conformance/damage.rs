//! Documents that cannot be read: they are reported, and they stop no other verification.

use super::claims::claim;
use super::support::{after, equal, open, text};
use crate::machine::ids::VerificationId;
use crate::store::contract::{Lookup, READ_AGAIN_AFTER, Store};
use crate::store::error::StoreErrorKind;

/// More than a claim takes.
const DAMAGED: u64 = 5;
const LIMIT: usize = 2;

pub(super) async fn check(
    store: &dyn Store,
    damage: impl AsyncFn(&VerificationId),
    mend: impl AsyncFn(&VerificationId),
) -> Result<(), String> {
    let mut damaged = Vec::new();
    for order in 0..DAMAGED {
        damaged.push(open(store, order).await?.verification.id);
    }
    let whole = open(store, DAMAGED).await?.verification.id;
    let start = after(5);
    for id in &damaged {
        damage(id).await;
        let kind = store.load(Lookup::Id(id)).await.map_err(|error| error.kind());
        equal("the load of a damaged document", kind, Err(StoreErrorKind::Corrupt))?;
    }
    equal("unreadable before a claim", store.unreadable(9).await.map_err(text)?.len(), 0)?;
    // All are due at the same time, and more of them are damaged than a claim takes.
    let mut claims = claim(store, start, LIMIT).await?;
    claims.extend(claim(store, start, LIMIT).await?);
    equal("claimed", claims, vec![whole])?;
    let mut unreadable = store.unreadable(9).await.map_err(text)?;
    unreadable.sort();
    equal("unreadable", &unreadable, &damaged)?;
    equal("unreadable, with a limit", store.unreadable(1).await.map_err(text)?.len(), 1)?;

    // It is tried again later, and takes no place of another then.
    let later = start.plus(READ_AGAIN_AFTER);
    equal("claimed after the pause", claim(store, later, LIMIT).await?, vec![whole])?;
    for id in &damaged {
        mend(id).await;
    }
    let mut mended = Vec::new();
    for _ in 0..2 * DAMAGED {
        mended.extend(claim(store, later.plus(READ_AGAIN_AFTER), LIMIT).await?);
    }
    mended.retain(|id| *id != whole);
    mended.sort();
    equal("claimed after the repair", &mended, &damaged)?;
    equal("unreadable after the repair", store.unreadable(9).await.map_err(text)?.len(), 0)
}
