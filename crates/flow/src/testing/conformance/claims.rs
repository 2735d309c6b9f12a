//! Claims: due verifications, one worker each, a lease and a fence.

use std::time::Duration;

use cloudauth_protocol::UnixTime;

use super::support::{Check, after, begin, equal, fails, get, machine, open, put, step, text};
use crate::join::{Boxed, join_all};
use crate::machine::commit::{Snapshot, Usage};
use crate::machine::ids::VerificationId;
use crate::machine::input::{Fence, Input};
use crate::store::contract::{Queue, Store};
use crate::store::error::StoreErrorKind;
use crate::testing::samples::BEGIN;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("only what is due is claimed, the longest due first", |store| Box::pin(due(store))),
    ("a claim adds one to version and fence and sets the lease", |store| Box::pin(claimed(store))),
    ("a claimed verification is free after its lease or its release", |store| Box::pin(leases(store))),
    ("a claim invalidates the commits of earlier versions", |store| Box::pin(invalidates(store))),
    ("a commit without a release keeps the lease", |store| Box::pin(keeps(store))),
    ("concurrent claims share nothing", |store| Box::pin(disjoint(store))),
    ("a deletion delays no result: each has its own queue", |store| Box::pin(queues(store))),
];

const LEASE: Duration = Duration::from_secs(30);

pub(super) async fn claim(
    store: &dyn Store,
    now: UnixTime,
    limit: usize,
) -> Result<Vec<VerificationId>, String> {
    let claimed = store.claim(Queue::Results, now, LEASE, limit).await.map_err(text)?;
    Ok(claimed.into_iter().map(|stored| stored.verification.id).collect())
}

async fn due(store: &dyn Store) -> Result<(), String> {
    // The lease of the second ends after 60 s; the first look of the others is after 5 s.
    let (first, second) = (open(store, 1).await?, begin(store, 2).await?);
    let third = open(store, 3).await?;
    let ids = [first, third, second].map(|stored| stored.verification.id);
    equal("claimed before anything is due", claim(store, after(4), 9).await?.len(), 0)?;
    equal("claimed with a limit of 0", claim(store, after(5), 0).await?.len(), 0)?;
    let mut early = claim(store, after(5), 9).await?;
    early.sort();
    equal("claimed after 5 s", early, ids.iter().copied().take(2).collect())?;
    let late = claim(store, after(60), 1).await?;
    let first_due = late.first().is_some_and(|id| ids.iter().take(2).any(|due| due == id));
    if late.len() == 1 && first_due { Ok(()) } else { Err(format!("not the longest due first: {late:?}")) }
}

async fn claimed(store: &dyn Store) -> Result<(), String> {
    let before = open(store, 1).await?;
    let claimed = store.claim(Queue::Results, after(5), LEASE, 1).await.map_err(text)?;
    let mut expected = before;
    expected.version += 1;
    expected.fence += 1;
    expected.lease_until = Some(after(35));
    equal("claimed", claimed.first(), Some(&expected))?;
    equal("stored", get(store, 1).await?, expected)
}

async fn leases(store: &dyn Store) -> Result<(), String> {
    let id = open(store, 1).await?.verification.id;
    equal("first claim", claim(store, after(5), 9).await?, vec![id])?;
    equal("claim during the lease", claim(store, after(34), 9).await?, Vec::new())?;
    equal("claim after the lease", claim(store, after(35), 9).await?, vec![id])?;
    let (_, commit) = step(store, 1, Input::Tick(Fence(2)), after(36)).await?;
    equal("the commit releases", commit.releases(), true)?;
    store.commit(&commit).await.map_err(text)?;
    equal("lease after the release", get(store, 1).await?.lease_until, None)?;
    equal("claim after the release", claim(store, after(37), 9).await?, vec![id])
}

async fn invalidates(store: &dyn Store) -> Result<(), String> {
    open(store, 1).await?;
    let (_, earlier) = step(store, 1, Input::Cancel, BEGIN).await?;
    claim(store, after(5), 1).await?;
    fails("commit", store.commit(&earlier).await, StoreErrorKind::Conflict)
}

async fn keeps(store: &dyn Store) -> Result<(), String> {
    open(store, 1).await?;
    claim(store, after(5), 1).await?;
    let stored = get(store, 1).await?;
    let snapshot = Snapshot { stored: Some(&stored), usage: Usage::default() };
    let commit = machine().step(&snapshot, Input::Cancel, after(6)).map_err(text)?;
    store.commit(&commit).await.map_err(text)?;
    let kept = get(store, 1).await?;
    equal("fence and lease", (kept.fence, kept.lease_until), (1, Some(after(35))))
}

async fn disjoint(store: &dyn Store) -> Result<(), String> {
    for order in 1..21 {
        open(store, order).await?;
    }
    let claims: Vec<Boxed<'_, Result<Vec<VerificationId>, String>>> =
        (0..4).map(|_| Box::pin(claim(store, after(5), 5)) as Boxed<'_, _>).collect();
    let mut all = Vec::new();
    for claimed in join_all(claims).await {
        let claimed: Vec<VerificationId> = claimed?;
        all.extend(claimed);
    }
    // Claims that meet may leave something to the next one, but never claim it twice.
    all.extend(claim(store, after(5), 99).await?);
    let claims = all.len();
    all.sort();
    all.dedup();
    equal("verifications claimed once", (claims, all.len()), (20, 20))
}

async fn queues(store: &dyn Store) -> Result<(), String> {
    let mut erased = Vec::new();
    for order in 1..4 {
        open(store, order).await?;
        put(store, order, Input::Cancel, BEGIN).await?;
        erased.push(put(store, order, Input::Redact, BEGIN).await?.verification.id);
    }
    let result = open(store, 9).await?.verification.id;
    // The deletions have been due for longer.
    equal("results", claim(store, after(5), 1).await?, vec![result])?;
    let claimed = store.claim(Queue::Deletions, after(5), LEASE, 9).await.map_err(text)?;
    let mut deletions: Vec<_> = claimed.iter().map(|stored| stored.verification.id).collect();
    deletions.sort();
    erased.sort();
    equal("deletions", deletions, erased)?;
    let again = store.claim(Queue::Deletions, after(6), LEASE, 9).await.map_err(text)?;
    equal("deletions during the lease", again.len(), 0)
}
