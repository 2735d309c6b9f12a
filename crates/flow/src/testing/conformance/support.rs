//! What the checks share: comparisons, and steps of the machine.

use std::fmt::{Debug, Display};
use std::time::Duration;

use cloudauth_protocol::UnixTime;

use crate::join::Boxed;
use crate::machine::commit::{Commit, Snapshot, Stored, Usage};
use crate::machine::ids::{ReviewReason, Reviewer};
use crate::machine::input::{Fence, Input, Look, Looked, Review, Start};
use crate::machine::step::Machine;
use crate::store::contract::{Lookup, Store, UsageOf};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::testing::samples::{self, BEGIN, SampleError};

/// A check of one rule. It returns what is wrong.
pub(crate) type Check = for<'a> fn(&'a dyn Store) -> Boxed<'a, Result<(), String>>;

/// Fails a check unless two values are equal.
pub(crate) fn equal<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}

/// Fails a check unless a commit failed in the right way.
pub(crate) fn fails(what: &str, result: Result<(), StoreError>, kind: StoreErrorKind) -> Result<(), String> {
    equal(what, result.map_err(|error| error.kind()), Err(kind))
}

/// The time after the begin of the samples.
pub(crate) const fn after(seconds: u64) -> UnixTime {
    UnixTime::from_secs(BEGIN.as_secs() + seconds)
}

/// Turns any error into a failure of the check.
pub(crate) fn text(error: impl Display) -> String {
    error.to_string()
}

/// Steps the machine with what the store has.
pub(crate) async fn step(
    store: &dyn Store,
    order: u64,
    input: Input,
    now: UnixTime,
) -> Result<(Option<Stored>, Commit), String> {
    let start = samples::start(order, 1).map_err(text)?;
    let stored = store.load(Lookup::Order(&start.order)).await.map_err(text)?;
    let usage = match &input {
        Input::Start(start) => {
            let Start { subject, scene, identity, .. } = *start;
            store.usage(&UsageOf { subject, scene, identity, at: now }).await.map_err(text)?
        }
        _ => Usage::default(),
    };
    let snapshot = Snapshot { stored: stored.as_ref(), usage };
    let commit = machine().step(&snapshot, input, now).map_err(text)?;
    Ok((stored, commit))
}

/// Steps the machine and commits. Returns what the store has afterwards.
pub(crate) async fn put(
    store: &dyn Store,
    order: u64,
    input: Input,
    now: UnixTime,
) -> Result<Stored, String> {
    let (_, commit) = step(store, order, input, now).await?;
    store.commit(&commit).await.map_err(text)?;
    get(store, order).await
}

/// Commits a first start of an order.
pub(crate) async fn begin(store: &dyn Store, order: u64) -> Result<Stored, String> {
    let start = samples::start(order, 1).map_err(text)?;
    put(store, order, Input::Start(start), BEGIN).await
}

/// Commits a start and its session.
pub(crate) async fn open(store: &dyn Store, order: u64) -> Result<Stored, String> {
    begin(store, order).await?;
    let opened = samples::opened(order, 1).map_err(text)?;
    put(store, order, Input::Opened(opened), BEGIN).await
}

pub(crate) async fn get(store: &dyn Store, order: u64) -> Result<Stored, String> {
    let start = samples::start(order, 1).map_err(text)?;
    let found = store.load(Lookup::Order(&start.order)).await.map_err(text)?;
    found.ok_or_else(|| format!("order {order} is not found"))
}

pub(crate) fn machine() -> Machine {
    Machine::new(samples::rules())
}

/// The commits of a life that ends with a reviewer's decision.
pub(crate) fn reviewed_life() -> Result<Vec<Commit>, SampleError> {
    let start = samples::start(1, 1)?;
    let opened = samples::opened(1, 1)?;
    let finding = samples::finding(&opened.certify_id, "205")?;
    let order_no = start.order_no.clone();
    let answer = Look::Finished(Box::new(finding));
    let inputs = [
        Input::Start(start),
        Input::Opened(opened),
        Input::Looked(Looked { order_no, fence: Fence(0), answer }),
        Input::Review(Review {
            reviewer: Reviewer::new("r.lee@example")?,
            reason: ReviewReason::new("same-person")?,
            approve: true,
            seen: 6,
        }),
        Input::Redact,
    ];
    let mut commits: Vec<Commit> = Vec::new();
    for (second, input) in inputs.into_iter().enumerate() {
        let stored = commits.last().map(|commit| Stored {
            version: commits.len() as u64,
            fence: 0,
            lease_until: None,
            verification: commit.verification().clone(),
        });
        let snapshot = Snapshot { stored: stored.as_ref(), usage: Usage::default() };
        let now = BEGIN.plus(Duration::from_secs(second as u64));
        commits.push(machine().step(&snapshot, input, now)?);
    }
    Ok(commits)
}
