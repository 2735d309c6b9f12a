//! The rate of the account: the instances share the calls of a second.

use std::time::Duration;

use super::support::{Check, equal, text};
use crate::join::{Boxed, join_all};
use crate::store::contract::Store;
use crate::store::error::StoreError;
use crate::testing::samples::BEGIN;

pub(super) const CHECKS: &[(&str, Check)] =
    &[("the calls of a second are shared", |store| Box::pin(shared(store)))];

/// A store may have a clock of its own, so that a second ends between two reservations: then another operation is tried.
async fn shared(store: &dyn Store) -> Result<(), String> {
    const LIMIT: u32 = 5;
    for number in 0..20 {
        let operation = format!("Operation{number}");
        let first = store.reserve_calls(&operation, BEGIN, 3, LIMIT).await.map_err(text)?;
        equal("the first calls", first, 3)?;
        let calls = (0..4).map(|_| -> Boxed<'_, Result<u32, StoreError>> {
            Box::pin(store.reserve_calls(&operation, BEGIN, 1, LIMIT))
        });
        let mut granted = first;
        for call in join_all(calls.collect()).await {
            granted += call.map_err(text)?;
        }
        if granted == LIMIT {
            // In another second there are new calls, unless the store has a clock of its own.
            let later = BEGIN.plus(Duration::from_secs(1));
            let next = store.reserve_calls(&operation, later, 9, LIMIT).await.map_err(text)?;
            return if next <= LIMIT { Ok(()) } else { Err(format!("{next} of {LIMIT} calls granted")) };
        }
    }
    Err(format!("more than {LIMIT} calls of a second were granted, of each operation"))
}
