//! The rate of the account: the instances share the calls of a second.

use std::time::{Duration, SystemTime};

use super::support::{Check, equal, text};
use crate::join::{Boxed, join_all};
use crate::store::contract::Store;
use crate::store::error::StoreError;
use crate::testing::samples::BEGIN;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("the calls of a second are shared", |store| Box::pin(shared(store))),
    ("concurrent reservations do not exceed the limit", |store| Box::pin(concurrent(store))),
    ("operations have limits of their own", |store| Box::pin(operations(store))),
    ("the next second has new calls", |store| Box::pin(next_second(store))),
    ("no calls are granted beyond a limit of zero", |store| Box::pin(none(store))),
];

/// How many operations a check tries.
const TRIES: u32 = 20;

const LIMIT: u32 = 5;

async fn reserve(store: &dyn Store, operation: &str, seconds: u64, want: u32) -> Result<u32, String> {
    let now = BEGIN.plus(Duration::from_secs(seconds));
    store.reserve_calls(operation, now, want, LIMIT).await.map_err(text)
}

/// The second of the store's clock. A store that shows none may use the clock of the machine.
async fn second(store: &dyn Store) -> Result<u64, String> {
    let now = store.now().await.map_err(text)?;
    Ok(now.unwrap_or_else(|| SystemTime::now().into()).as_secs())
}

/// The second of the store's clock, or the one before: a store may round its time up to the next millisecond.
async fn at_least(store: &dyn Store) -> Result<u64, String> {
    match store.now().await.map_err(text)? {
        Some(now) => Ok(now.as_millis().saturating_sub(1) / 1000),
        None => second(store).await,
    }
}

/// The calls that may be granted since a second. The next one may have begun.
async fn most(store: &dyn Store, from: u64) -> Result<u32, String> {
    let seconds = second(store).await?.saturating_sub(from);
    Ok(u32::try_from(seconds).unwrap_or(u32::MAX).saturating_add(1).saturating_mul(LIMIT))
}

async fn shared(store: &dyn Store) -> Result<(), String> {
    for number in 0..TRIES {
        let operation = format!("Operation{number}");
        let from = at_least(store).await?;
        let mut granted = Vec::new();
        for want in [3, 3, 1] {
            granted.push(reserve(store, &operation, 0, want).await?);
        }
        if granted != [3, 2, 0] && most(store, from).await? == LIMIT {
            return Err(format!("{granted:?} calls of a second were granted, not [3, 2, 0]"));
        }
    }
    Ok(())
}

async fn concurrent(store: &dyn Store) -> Result<(), String> {
    for number in 0..TRIES {
        let operation = format!("Operation{number}");
        let from = at_least(store).await?;
        let calls = (0..32).map(|_| -> Boxed<'_, Result<u32, StoreError>> {
            Box::pin(store.reserve_calls(&operation, BEGIN, 1, LIMIT))
        });
        let mut granted = 0;
        for call in join_all(calls.collect()).await {
            granted += call.map_err(text)?;
        }
        let most = most(store, from).await?;
        if granted < LIMIT || granted > most {
            return Err(format!("{granted} calls were granted to 32 callers, not {LIMIT} to {most}"));
        }
    }
    Ok(())
}

async fn operations(store: &dyn Store) -> Result<(), String> {
    equal("calls of the first", reserve(store, "InitFaceVerify", 0, 9).await?, LIMIT)?;
    equal("calls of the second", reserve(store, "DescribeFaceVerify", 0, 9).await?, LIMIT)
}

/// A store with a clock of its own is asked until its second ends.
async fn next_second(store: &dyn Store) -> Result<(), String> {
    equal("calls of a second", reserve(store, "InitFaceVerify", 0, 9).await?, LIMIT)?;
    for _ in 0..1_000_000 {
        match reserve(store, "InitFaceVerify", 1, 9).await? {
            0 => {}
            granted => return equal("calls of the next second", granted, LIMIT),
        }
    }
    Err("the calls of the next second are never granted".to_owned())
}

async fn none(store: &dyn Store) -> Result<(), String> {
    let granted = store.reserve_calls("InitFaceVerify", BEGIN, 3, 0).await.map_err(text)?;
    equal("calls granted", granted, 0)
}
