//! The delay of events: from the acknowledgment of a commit until a reader that follows has its events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cloudauth_flow::{Cursor, Store, VerificationId};
use cloudauth_flow_postgres::PostgresStore;
use cloudauth_flow_postgres::tokio_postgres::Client;

use crate::orders;

const WRITERS: usize = 64;

/// Measures while the writers commit, first alone, then beside a transaction of another kind that stays open.
pub(crate) async fn delays(store: &Arc<PostgresStore>, other: &mut Client, lives: u64) {
    delay(store, lives, "64 writers").await;
    let long = other.transaction().await.unwrap();
    long.batch_execute("CREATE TABLE own (one integer); INSERT INTO own VALUES (1)").await.unwrap();
    delay(store, lives, "64 writers, beside another transaction that stays open").await;
    long.rollback().await.unwrap();
}

type Times = HashMap<(VerificationId, u64), Instant>;

async fn delay(store: &Arc<PostgresStore>, lives: u64, what: &str) {
    let acknowledged = Arc::new(Mutex::new(Times::new()));
    let start = last(store).await;
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(follow(Arc::clone(store), start, Arc::clone(&done)));
    let lives: Vec<_> = orders(lives).collect();
    let commits = 4 * lives.len();
    let began = Instant::now();
    let writers = lives.chunks(lives.len().div_ceil(WRITERS)).map(|part| {
        let (store, acknowledged, part) = (Arc::clone(store), Arc::clone(&acknowledged), part.to_vec());
        tokio::spawn(async move {
            for commit in part.iter().flatten() {
                store.commit(commit).await.unwrap();
                if let Some(event) = commit.events().last() {
                    let key = (commit.verification().id, event.n);
                    acknowledged.lock().unwrap().insert(key, Instant::now());
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let took = began.elapsed();
    done.store(true, Ordering::Relaxed);
    let seen = reader.await.unwrap();
    let acknowledged = acknowledged.lock().unwrap();
    let mut delays: Vec<Duration> =
        acknowledged.iter().map(|(key, at)| seen.get(key).unwrap().saturating_duration_since(*at)).collect();
    delays.sort();
    let at = |percent: usize| delays.get((delays.len() * percent / 100).min(delays.len() - 1)).unwrap();
    let rate = commits as f64 / took.as_secs_f64();
    println!(
        "{what}: {rate:.0} commits a second, events after a median of {:?}, p99 {:?}, at most {:?}",
        at(50),
        at(99),
        at(100)
    );
}

/// Reads until the writers are done and nothing is left.
async fn follow(store: Arc<PostgresStore>, mut cursor: Cursor, done: Arc<AtomicBool>) -> Times {
    let mut seen = Times::new();
    loop {
        let is_last = done.load(Ordering::Relaxed);
        let events = store.events_after(cursor, 1_000).await.unwrap();
        let now = Instant::now();
        cursor = events.last().map_or(cursor, |event| event.cursor);
        seen.extend(events.iter().map(|event| ((event.verification, event.event.n), now)));
        if events.is_empty() {
            if is_last {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// The last place so far.
async fn last(store: &PostgresStore) -> Cursor {
    let mut cursor = Cursor::default();
    loop {
        let events = store.events_after(cursor, 10_000).await.unwrap();
        let Some(event) = events.last() else { return cursor };
        cursor = event.cursor;
    }
}
