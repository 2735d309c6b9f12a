//! Commits: whole or not at all, guarded by version, limits and unique identifiers.

use std::time::Duration;

use cloudauth_protocol::{CertifyId, Code, SceneId, UnixTime};

use super::support::{Check, begin, equal, fails, get, machine, open, put, reviewed_life, step, text};
use crate::join::{Boxed, join_all};
use crate::machine::commit::{Commit, Snapshot, Stored, Usage};
use crate::machine::ids::{IdentityRef, SubjectRef};
use crate::machine::input::{Input, Start, StartFailed};
use crate::store::contract::{Cursor, Lookup, Store, UsageOf};
use crate::store::error::StoreErrorKind;
use crate::testing::samples::{self, BEGIN};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("each identifier finds its verification", |store| Box::pin(lookups(store))),
    ("an unknown identifier finds nothing", |store| Box::pin(unknown(store))),
    ("a verification is read as it was written", |store| Box::pin(faithful(store))),
    ("an old version conflicts and changes nothing", |store| Box::pin(old_version(store))),
    ("a new verification needs a new order and a new id", |store| Box::pin(new_order(store))),
    ("an identifier of another verification is a duplicate", |store| Box::pin(duplicates(store))),
    ("of concurrent commits of one version one succeeds", |store| Box::pin(one_wins(store))),
    ("of concurrent first starts of an order one succeeds", |store| Box::pin(one_creates(store))),
    ("starts are counted per person, scene and day", |store| Box::pin(counts(store))),
    ("concurrent starts do not exceed the limit", |store| Box::pin(limit(store))),
    ("a refund subtracts one start of its day", |store| Box::pin(refund(store))),
    ("a blocked identity is not started", |store| Box::pin(block(store))),
];

async fn lookups(store: &dyn Store) -> Result<(), String> {
    for order in 1..4 {
        let stored = open(store, order).await?;
        let start = samples::start(order, 1).map_err(text)?;
        let certify_id = samples::opened(order, 1).map_err(text)?.certify_id;
        for by in each_lookup(&start, &certify_id) {
            equal("found", store.load(by).await.map_err(text)?.as_ref(), Some(&stored))?;
        }
    }
    Ok(())
}

/// The lookups by each identifier of a start and its session.
const fn each_lookup<'a>(start: &'a Start, certify_id: &'a CertifyId) -> [Lookup<'a>; 5] {
    [
        Lookup::Id(&start.id),
        Lookup::Order(&start.order),
        Lookup::OrderNo(&start.order_no),
        Lookup::CertifyId(certify_id),
        Lookup::Capability(&start.capability),
    ]
}

async fn unknown(store: &dyn Store) -> Result<(), String> {
    begin(store, 1).await?;
    let start = samples::start(2, 1).map_err(text)?;
    let certify_id = samples::opened(1, 1).map_err(text)?.certify_id;
    for by in each_lookup(&start, &certify_id) {
        equal("found", store.load(by).await.map_err(text)?, None)?;
    }
    equal("events", store.history(&start.id).await.map_err(text)?.len(), 0)
}

/// A life with every kind of value in it: times, digests, scores, a reviewer.
async fn faithful(store: &dyn Store) -> Result<(), String> {
    let life = reviewed_life().map_err(text)?;
    for (version, commit) in (1..).zip(&life) {
        store.commit(commit).await.map_err(text)?;
        let id = commit.verification().id;
        let found = store.load(Lookup::Id(&id)).await.map_err(text)?;
        let verification = commit.verification().clone();
        equal("stored", found, Some(Stored { version, fence: 0, lease_until: None, verification }))?;
    }
    Ok(())
}

async fn old_version(store: &dyn Store) -> Result<(), String> {
    begin(store, 1).await?;
    let opened = Input::Opened(samples::opened(1, 1).map_err(text)?);
    let (_, late) = step(store, 1, opened, BEGIN).await?;
    let canceled = put(store, 1, Input::Cancel, BEGIN).await?;
    unchanged(store, &late, StoreErrorKind::Conflict, Some(&canceled)).await
}

async fn new_order(store: &dyn Store) -> Result<(), String> {
    let stored = begin(store, 1).await?;
    let mut same_order = samples::start(2, 1).map_err(text)?;
    same_order.order = samples::start(1, 1).map_err(text)?.order;
    unchanged(store, &first(same_order)?, StoreErrorKind::Conflict, Some(&stored)).await?;
    let mut same_id = samples::start(2, 1).map_err(text)?;
    same_id.id = samples::start(1, 1).map_err(text)?.id;
    unchanged(store, &first(same_id)?, StoreErrorKind::Conflict, Some(&stored)).await
}

async fn duplicates(store: &dyn Store) -> Result<(), String> {
    let stored = open(store, 1).await?;
    let taken = samples::start(1, 1).map_err(text)?;
    let mut same_number = samples::start(2, 1).map_err(text)?;
    same_number.order_no = taken.order_no;
    let mut same_capability = samples::start(2, 1).map_err(text)?;
    same_capability.capability = taken.capability;
    for start in [same_number, same_capability] {
        unchanged(store, &first(start)?, StoreErrorKind::Duplicate, Some(&stored)).await?;
    }
    begin(store, 2).await?;
    let mut same_certify_id = samples::opened(2, 1).map_err(text)?;
    same_certify_id.certify_id = samples::opened(1, 1).map_err(text)?.certify_id;
    let (before, commit) = step(store, 2, Input::Opened(same_certify_id), BEGIN).await?;
    unchanged(store, &commit, StoreErrorKind::Duplicate, before.as_ref()).await
}

/// The commit fails in this way, and neither the verification nor the events nor the counts change.
async fn unchanged(
    store: &dyn Store,
    commit: &Commit,
    kind: StoreErrorKind,
    before: Option<&Stored>,
) -> Result<(), String> {
    let start = samples::start(2, 1).map_err(text)?;
    let of = UsageOf { subject: start.subject, scene: start.scene, identity: start.identity, at: BEGIN };
    let used = store.usage(&of).await.map_err(text)?;
    let events = store.events_after(Cursor::default(), 1000).await.map_err(text)?;
    fails("commit", store.commit(commit).await, kind)?;
    if let Some(before) = before {
        let found = store.load(Lookup::Id(&before.verification.id)).await.map_err(text)?;
        equal("verification after the failed commit", found.as_ref(), Some(before))?;
    }
    equal("usage after the failed commit", store.usage(&of).await.map_err(text)?, used)?;
    let after = store.events_after(Cursor::default(), 1000).await.map_err(text)?;
    equal("events after the failed commit", after, events)
}

async fn one_wins(store: &dyn Store) -> Result<(), String> {
    let stored = open(store, 1).await?;
    let snapshot = Snapshot { stored: Some(&stored), usage: Usage::default() };
    let mut commits = Vec::new();
    for second in 0..8 {
        let now = BEGIN.plus(Duration::from_secs(second));
        commits.push(machine().step(&snapshot, Input::Cancel, now).map_err(text)?);
    }
    equal("commits that succeed", race(store, &commits, StoreErrorKind::Conflict).await?, 1)?;
    equal("version", get(store, 1).await?.version, stored.version + 1)
}

async fn one_creates(store: &dyn Store) -> Result<(), String> {
    let order = samples::start(0, 1).map_err(text)?.order;
    let mut commits = Vec::new();
    for number in 1..9 {
        let mut start = samples::start(number, 1).map_err(text)?;
        start.order = order.clone();
        commits.push(first(start)?);
    }
    equal("commits that succeed", race(store, &commits, StoreErrorKind::Conflict).await?, 1)?;
    equal("events", store.events_after(Cursor::default(), 1000).await.map_err(text)?.len(), 3)
}

async fn counts(store: &dyn Store) -> Result<(), String> {
    let stored = begin(store, 1).await?;
    let start = samples::start(1, 1).map_err(text)?;
    let of = UsageOf { subject: start.subject, scene: start.scene, identity: start.identity, at: BEGIN };
    let other_scene = SceneId::new(1).map_err(text)?;
    let day_before = BEGIN.as_secs() - 86_400;
    for (what, of, expected) in [
        ("this person", of, 1),
        ("another person", UsageOf { subject: SubjectRef::from_hmac([0; 32]), ..of }, 0),
        ("another scene", UsageOf { scene: other_scene, ..of }, 0),
        ("the day before", UsageOf { at: UnixTime::from_secs(day_before), ..of }, 0),
        ("the next day", UsageOf { at: BEGIN.plus(Duration::from_secs(86_400)), ..of }, 0),
    ] {
        equal(what, store.usage(&of).await.map_err(text)?.starts_today, expected)?;
    }
    let opened = samples::opened(1, 1).map_err(text)?;
    put(store, 1, Input::Opened(opened), BEGIN).await?;
    equal("after a commit without a start", store.usage(&of).await.map_err(text)?.starts_today, 1)?;
    equal("version", get(store, 1).await?.version, stored.version + 1)
}

async fn limit(store: &dyn Store) -> Result<(), String> {
    let person = samples::start(0, 1).map_err(text)?;
    let mut commits = Vec::new();
    for number in 1..9 {
        let mut start = samples::start(number, 1).map_err(text)?;
        (start.subject, start.identity) = (person.subject, person.identity);
        commits.push(first(start)?);
    }
    let limit = machine().rules().starts_per_day;
    equal("starts that succeed", race(store, &commits, StoreErrorKind::Limit).await?, limit)?;
    let (subject, scene, identity) = (person.subject, person.scene, person.identity);
    let used = store.usage(&UsageOf { subject, scene, identity, at: BEGIN }).await.map_err(text)?;
    equal("starts", used.starts_today, limit)?;
    let events = store.events_after(Cursor::default(), 1000).await.map_err(text)?.len();
    equal("events of the starts that succeeded", events, 3 * limit as usize)
}

async fn block(store: &dyn Store) -> Result<(), String> {
    let start = samples::start(1, 1).map_err(text)?;
    let mut other = samples::start(2, 1).map_err(text)?;
    other.identity = start.identity;
    let before_the_block = first(other.clone())?;
    begin(store, 1).await?;
    let code = Some(Code::CannotUseFace);
    let failed = StartFailed { order_no: start.order_no.clone(), maybe_executed: false, code };
    put(store, 1, Input::StartFailed(failed), BEGIN).await?;
    let (subject, scene, identity) = (other.subject, other.scene, other.identity);
    let of = UsageOf { subject, scene, identity, at: BEGIN };
    let until = Some(BEGIN.plus(machine().rules().identity_block));
    equal("block", store.usage(&of).await.map_err(text)?.blocked_until, until)?;
    let free = UsageOf { identity: IdentityRef::from_hmac([0; 32]), ..of };
    equal("block of another", store.usage(&free).await.map_err(text)?.blocked_until, None)?;
    unchanged(store, &before_the_block, StoreErrorKind::Limit, None).await?;
    shorter_block(store, start).await?;
    equal("the later end", store.usage(&of).await.map_err(text)?.blocked_until, until)
}

/// A second block of the same identity, until the end of the day. It comes from a start that was committed before the first.
async fn shorter_block(store: &dyn Store, start: Start) -> Result<(), String> {
    let mut stored = begin(store, 3).await?;
    if let Some(attempt) = stored.verification.attempts.first_mut() {
        attempt.identity = Some(start.identity);
    }
    let order_no = samples::start(3, 1).map_err(text)?.order_no;
    let code = Some(Code::TooManyAttempts);
    let failed = StartFailed { order_no, maybe_executed: false, code };
    let snapshot = Snapshot { stored: Some(&stored), usage: Usage::default() };
    let commit = machine().step(&snapshot, Input::StartFailed(failed), BEGIN).map_err(text)?;
    store.commit(&commit).await.map_err(text)
}

/// The commit of a first start.
fn first(start: Start) -> Result<Commit, String> {
    let snapshot = Snapshot { stored: None, usage: Usage::default() };
    machine().step(&snapshot, Input::Start(start), BEGIN).map_err(text)
}

/// Commits concurrently. Returns how many succeed; the others must fail in the right way.
async fn race(store: &dyn Store, commits: &[Commit], kind: StoreErrorKind) -> Result<u32, String> {
    let futures: Vec<Boxed<'_, _>> =
        commits.iter().map(|commit| Box::pin(store.commit(commit)) as Boxed<'_, _>).collect();
    let mut succeeded = 0;
    for result in join_all(futures).await {
        match result {
            Ok(()) => succeeded += 1,
            result => fails("a commit that lost", result, kind)?,
        }
    }
    Ok(succeeded)
}

async fn refund(store: &dyn Store) -> Result<(), String> {
    // The second start of the person was certainly not executed.
    for (attempt, maybe_executed, left) in [(1, true, 1), (2, false, 1), (3, true, 2)] {
        let start = samples::start(1, attempt).map_err(text)?;
        let of = UsageOf { subject: start.subject, scene: start.scene, identity: start.identity, at: BEGIN };
        let order_no = start.order_no.clone();
        put(store, 1, Input::Start(start), BEGIN).await?;
        put(store, 1, Input::StartFailed(StartFailed { order_no, maybe_executed, code: None }), BEGIN)
            .await?;
        equal("starts", store.usage(&of).await.map_err(text)?.starts_today, left)?;
    }
    Ok(())
}
