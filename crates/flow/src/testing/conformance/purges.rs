//! Purges: after the retention, and not before.

use std::time::Duration;

use cloudauth_protocol::UnixTime;

use super::support::{Check, begin, equal, get, machine, open, put, text};
use crate::machine::input::{Fence, Input};
use crate::store::contract::{Cursor, Lookup, Store, UsageOf};
use crate::testing::samples::{self, BEGIN};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("a purge deletes what is over, with its events", |store| Box::pin(over(store))),
    ("a purge keeps its limit", |store| Box::pin(limit(store))),
    ("a purge waits for the vendor's deletion", |store| Box::pin(waits(store))),
    ("a purge deletes counts of past days", |store| Box::pin(counts(store))),
    ("a redaction removes the capability", |store| Box::pin(capability(store))),
];

fn end() -> UnixTime {
    BEGIN.plus(machine().rules().retention.get())
}

async fn over(store: &dyn Store) -> Result<(), String> {
    begin(store, 1).await?;
    let ended = put(store, 1, Input::Cancel, BEGIN).await?.verification;
    let stays = open(store, 2).await?;
    let before = UnixTime::from_millis(end().as_millis() - 1);
    equal("purged before the retention", store.purge(before, 9).await.map_err(text)?, 0)?;
    equal("purged after the retention", store.purge(end(), 9).await.map_err(text)?, 1)?;
    let start = samples::start(1, 1).map_err(text)?;
    for by in [Lookup::Id(&ended.id), Lookup::Order(&ended.order), Lookup::OrderNo(&start.order_no)] {
        equal("found after the purge", store.load(by).await.map_err(text)?, None)?;
    }
    equal("history after the purge", store.history(&ended.id).await.map_err(text)?.len(), 0)?;
    equal("the other verification", get(store, 2).await?, stays)?;
    let left = store.events_after(Cursor::default(), 1000).await.map_err(text)?;
    equal("events of the other", left.len(), 4)?;
    // The order may be used again, and its events come after all earlier ones.
    let last = left.last().map_or(Cursor::default(), |event| event.cursor);
    begin(store, 1).await?;
    equal("new events", store.events_after(last, 9).await.map_err(text)?.len(), 3)
}

async fn limit(store: &dyn Store) -> Result<(), String> {
    for order in 1..4 {
        begin(store, order).await?;
        put(store, order, Input::Cancel, BEGIN).await?;
    }
    for expected in [2, 1, 0] {
        equal("purged", store.purge(end(), 2).await.map_err(text)?, expected)?;
    }
    Ok(())
}

async fn waits(store: &dyn Store) -> Result<(), String> {
    open(store, 1).await?;
    put(store, 1, Input::Cancel, BEGIN).await?;
    let redacted = put(store, 1, Input::Redact, BEGIN).await?;
    equal("purged while requested", store.purge(end(), 9).await.map_err(text)?, 0)?;
    let order_no = samples::start(1, 1).map_err(text)?.order_no;
    let deleted = crate::Deleted { order_no, fence: Fence(redacted.fence), done: true };
    put(store, 1, Input::Deleted(deleted), BEGIN).await?;
    equal("purged when done", store.purge(end(), 9).await.map_err(text)?, 1)
}

async fn counts(store: &dyn Store) -> Result<(), String> {
    begin(store, 1).await?;
    let start = samples::start(1, 1).map_err(text)?;
    let of = UsageOf { subject: start.subject, scene: start.scene, identity: start.identity, at: BEGIN };
    store.purge(BEGIN, 9).await.map_err(text)?;
    equal("starts on the same day", store.usage(&of).await.map_err(text)?.starts_today, 1)?;
    store.purge(BEGIN.plus(Duration::from_secs(86_400)), 9).await.map_err(text)?;
    equal("starts after the day", store.usage(&of).await.map_err(text)?.starts_today, 0)
}

async fn capability(store: &dyn Store) -> Result<(), String> {
    open(store, 1).await?;
    put(store, 1, Input::Cancel, BEGIN).await?;
    put(store, 1, Input::Redact, BEGIN).await?;
    let start = samples::start(1, 1).map_err(text)?;
    let found = store.load(Lookup::Capability(&start.capability)).await.map_err(text)?;
    equal("found by the capability", found, None)?;
    let certify_id = samples::opened(1, 1).map_err(text)?.certify_id;
    let found = store.load(Lookup::CertifyId(&certify_id)).await.map_err(text)?;
    equal("found by the CertifyId", found.is_some(), true)
}
