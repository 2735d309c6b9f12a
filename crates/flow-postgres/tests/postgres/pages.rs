//! Start pages: what a sweep reads, and what a start from a page holds.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{CapabilityHash, Cursor, Input, NewPage, PAGE_LIFETIME, Sealed, Store, StoreErrorKind};

use crate::common::{Schema, begin, get, step};
use crate::events::orders;

/// A hundred thousand pages have time left, and as many are remembered for a day: a sweep reads the three that are over.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_sweep_reads_only_what_is_over() {
    let schema = Schema::new().await;
    let _store = schema.store().await;
    let mut client = schema.connect().await;
    let insert = "INSERT INTO ca_page (capability, order_ref, key, state, request, sealed, until) \
        SELECT sha256(($2 || $4 || n)::bytea), $2 || $4, n, $2, CASE WHEN $3 THEN '{}' END, \
               CASE WHEN $3 THEN '\\x07'::bytea END, ca_clock() + $4::bigint FROM generate_series(1, $1::bigint) AS n";
    for (pages, state, is_sealed, until) in [
        (100_000_i64, "waiting", true, "300000"),
        (100_000, "used", false, "80000000"),
        (1, "linked", true, "-1"),
        (1, "linked", true, "900000"),
        (1, "expired", false, "-1"),
    ] {
        client.execute(insert, &[&pages, &state, &is_sealed, &until]).await.unwrap();
    }
    // As autovacuum does, or before it does.
    for statistics in ["ANALYZE ca_page", "DELETE FROM pg_statistic WHERE starelid = 'ca_page'::regclass"] {
        client.batch_execute(statistics).await.unwrap();
        let sweep = client.transaction().await.unwrap();
        let erased: i64 = sweep.query_one("SELECT ca_erase_pages(2, 1000)", &[]).await.unwrap().get(0);
        let read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'ca_page'::regclass";
        let read: i64 = sweep.query_one(read, &[]).await.unwrap().get(0);
        assert!(erased == 3 && read < 100, "{erased} pages, {read} rows read, after {statistics}");
    }
}

/// The process stops between the two statements: the server ends the transaction, and the readers go on.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_start_from_a_page_that_stops_holds_the_events_for_some_seconds() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    let client = schema.connect().await;
    let mut start = samples::start(1, 1).unwrap();
    let page = NewPage {
        capability: CapabilityHash::new([1; 32]),
        order: start.order.clone(),
        key: start.key.clone(),
        request: "{}".into(),
        sealed: Sealed::new(vec![1; 700]),
        lifetime: PAGE_LIFETIME,
    };
    assert!(store.pages().unwrap().open_page(&page, BEGIN).await.unwrap());
    start.page = Some(page.capability);
    let commit = step(None, Input::Start(start));
    {
        let mut stopping = pin!(store.commit(&commit));
        let written = "SELECT count(*) FROM pg_stat_activity \
                       WHERE state = 'idle in transaction' AND query LIKE '%set_config(%ca_commit%' \
                       AND pid IN (SELECT pid FROM pg_locks WHERE relation = 'ca_verification'::regclass)";
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        // A look between an answer of the server and the next statement: a poll sends it, and only an answer wakes.
        loop {
            assert!(
                stopping.as_mut().poll(&mut Context::from_waker(&waker)).is_pending(),
                "the commit ended"
            );
            let answered = async {
                while !woken.0.swap(false, Ordering::AcqRel) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), answered).await.expect("an answer");
            if client.query_one(written, &[]).await.unwrap().get::<_, i64>(0) == 1 {
                break;
            }
        }
        begin(&store, 2).await;
        assert_eq!(orders(&store, Cursor::default()).await, [""; 0]);
        let mut read = Vec::new();
        for _ in 0..60 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            read = orders(&store, Cursor::default()).await;
            if !read.is_empty() {
                break;
            }
        }
        assert_eq!(read, ["order-2"]);
        assert_eq!(stopping.await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    }
    assert_eq!(get(&store, 1).await, None);
    store.commit(&commit).await.unwrap();
    assert!(get(&store, 1).await.is_some());
}

/// Whether a future that was pending can go on.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}
