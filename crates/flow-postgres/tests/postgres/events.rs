//! The order of events: a reader skips nothing, and waits for no more than it must.

use std::collections::BTreeMap;
use std::time::Duration;

use cloudauth_flow::testing::join_all;
use cloudauth_flow::{AuditProblem, Cursor, Lookup, Store, VerificationId};
use cloudauth_flow_postgres::{PostgresStore, commit_in};

use crate::common::{Schema, begin, first, get};

/// The orders of the events after a place, each once.
pub(crate) async fn orders(store: &PostgresStore, after: Cursor) -> Vec<String> {
    let events = store.events_after(after, 999).await.unwrap();
    let mut orders: Vec<_> = events.iter().map(|event| event.order.as_str().to_owned()).collect();
    orders.dedup();
    orders
}

/// There is always a transaction that has not ended, and the events of those that have are seen.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn events_do_not_wait_for_later_commits_that_overlap() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    let (mut one, mut other) = (schema.connect().await, schema.connect().await);
    let mut earlier = one.transaction().await.unwrap();
    commit_in(&mut earlier, &first(1)).await.unwrap();
    for order in [2, 4] {
        let mut later = other.transaction().await.unwrap();
        commit_in(&mut later, &first(order)).await.unwrap();
        earlier.commit().await.unwrap();
        assert_eq!(orders(&store, Cursor::default()).await.last(), Some(&format!("order-{}", order - 1)));
        earlier = one.transaction().await.unwrap();
        commit_in(&mut earlier, &first(order + 1)).await.unwrap();
        later.commit().await.unwrap();
        assert_eq!(orders(&store, Cursor::default()).await.last(), Some(&format!("order-{order}")));
    }
}

/// A transaction of another kind holds up nothing, however long it runs.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn events_do_not_wait_for_other_transactions_of_the_database() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    let mut other = schema.connect().await;
    let long = other.transaction().await.unwrap();
    long.batch_execute("CREATE TABLE own (one integer); INSERT INTO own VALUES (1)").await.unwrap();
    begin(&store, 1).await;
    assert_eq!(orders(&store, Cursor::default()).await, ["order-1"]);
    long.rollback().await.unwrap();
}

/// A rollback to a savepoint gives the lock back: the next commit of the transaction takes it again.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_transaction_with_many_commits_holds_one_lock_even_after_a_savepoint() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    let mut slow = schema.connect().await;
    let mut transaction = slow.transaction().await.unwrap();
    let mut savepoint = transaction.transaction().await.unwrap();
    commit_in(&mut savepoint, &first(1)).await.unwrap();
    savepoint.rollback().await.unwrap();
    begin(&store, 2).await;
    for order in 3..8 {
        commit_in(&mut transaction, &first(order)).await.unwrap();
    }
    let locks = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
    assert_eq!(transaction.query(locks, &[]).await.unwrap().len(), 1);
    begin(&store, 8).await;
    assert_eq!(orders(&store, Cursor::default()).await, ["order-2"]);
    transaction.commit().await.unwrap();
    let all = ["order-2", "order-3", "order-4", "order-5", "order-6", "order-7", "order-8"];
    assert_eq!(orders(&store, Cursor::default()).await, all);
}

/// A lock has 32 bits of the place only.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_reader_waits_also_where_the_low_bits_of_a_place_overflow() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    let mut slow = schema.connect().await;
    for (round, start) in [(0, u32::MAX - 1), (1, i32::MAX.unsigned_abs() - 1)] {
        let order = 10 * round;
        let place = u64::from(start) + round * (1 << 40);
        slow.batch_execute(&format!("ALTER SEQUENCE ca_event_seq RESTART WITH {place}")).await.unwrap();
        begin(&store, order).await;
        let mut transaction = slow.transaction().await.unwrap();
        commit_in(&mut transaction, &first(order + 1)).await.unwrap();
        begin(&store, order + 2).await;
        let seen = orders(&store, Cursor(place - 1)).await;
        assert_eq!(seen, [format!("order-{order}")], "from place {place}");
        transaction.commit().await.unwrap();
        assert_eq!(orders(&store, Cursor(place - 1)).await.len(), 3);
    }
}

/// The first transaction takes its places before the second one, and commits after it.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_reader_waits_for_places_that_an_open_transaction_took() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    begin(&store, 1).await;
    let mut slow = schema.connect().await;
    let mut transaction = slow.transaction().await.unwrap();
    commit_in(&mut transaction, &first(2)).await.unwrap();
    begin(&store, 3).await;

    let orders = async |after| -> Vec<(u64, String)> {
        let events = store.events_after(after, 99).await.unwrap();
        events.iter().map(|event| (event.cursor.0, event.order.as_str().to_owned())).collect()
    };
    let before = orders(Cursor::default()).await;
    assert!(before.iter().all(|(_, order)| order != "order-3"), "{before:?}");
    let last = Cursor(before.last().map_or(0, |(place, _)| *place));
    transaction.commit().await.unwrap();
    let after = orders(last).await;
    let missing: Vec<_> = ["order-2", "order-3"]
        .into_iter()
        .filter(|order| after.iter().filter(|(_, found)| found == order).count() != 3)
        .collect();
    assert!(missing.is_empty(), "{missing:?} in {after:?}");
}

/// A transaction that is rolled back leaves a gap, and no reader waits for it.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_reader_passes_the_gap_of_a_transaction_that_was_rolled_back() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    let mut slow = schema.connect().await;
    let mut transaction = slow.transaction().await.unwrap();
    commit_in(&mut transaction, &first(1)).await.unwrap();
    begin(&store, 2).await;
    transaction.rollback().await.unwrap();
    assert_eq!(store.events_after(Cursor::default(), 99).await.unwrap().len(), 3);
    assert_eq!(get(&store, 1).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_reader_that_follows_concurrent_writers_sees_each_event_once() {
    const WRITERS: u64 = 8;
    const ORDERS: u64 = 60;
    let schema = Schema::new().await;
    let store = schema.store().await;
    let write = async |writer: u64| {
        let mut client = schema.connect().await;
        for order in (0..ORDERS).map(|order| order * WRITERS + writer) {
            let mut transaction = client.transaction().await.unwrap();
            commit_in(&mut transaction, &first(order)).await.unwrap();
            tokio::time::sleep(Duration::from_millis(order * 7 % 5)).await;
            if order % 3 == 0 {
                transaction.rollback().await.unwrap()
            } else {
                transaction.commit().await.unwrap()
            }
        }
    };
    let writers = join_all((0..WRITERS).map(|writer| Box::pin(write(writer)) as _).collect());
    let reader = async {
        let (mut cursor, mut seen) = (Cursor::default(), Vec::new());
        let expected = 3 * (0..ORDERS * WRITERS).filter(|order| order % 3 != 0).count();
        // A skipped event makes the reader wait until the runner's time is over.
        while seen.len() < expected {
            for event in store.events_after(cursor, 7).await.unwrap() {
                cursor = event.cursor;
                seen.push((event.verification, event.event.n));
            }
        }
        seen
    };
    let (_, seen) = tokio::join!(writers, reader);
    let mut last: BTreeMap<VerificationId, u64> = BTreeMap::new();
    for (id, n) in seen {
        assert_eq!(last.insert(id, n).unwrap_or(0) + 1, n, "the order of a verification's events");
    }
}

/// An audit waits for a commit that is under way, so that its checkpoint still matches afterwards.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn an_audit_names_the_event_that_was_changed_and_its_checkpoint_matches_while_the_store_grows() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    begin(&store, 1).await;
    let mut other = schema.connect().await;
    let mut open = other.transaction().await.unwrap();
    commit_in(&mut open, &first(2)).await.unwrap();
    let (audit, ended) = tokio::join!(store.audit(None), open.commit());
    ended.unwrap();
    let before = audit.unwrap();
    assert_eq!((before.chains, before.broken), (2, 0));
    begin(&store, 3).await;
    let later = store.audit(Some(before.checkpoint.cursor)).await.unwrap();
    assert_eq!((later.chains, later.broken, later.earlier), (3, 0, Some(before.checkpoint)));

    let id = get(&store, 3).await.unwrap().verification.id;
    let change = "ALTER TABLE ca_event DISABLE TRIGGER ca_event_unchanged; UPDATE ca_event SET at = at + 1 WHERE seq = ";
    let last = later.checkpoint.cursor.0;
    other.batch_execute(&format!("{change} {last}")).await.unwrap();
    let named = store.audit(None).await.unwrap().named;
    let events = store.history(&id).await.unwrap().len() as u64;
    assert_eq!(
        named.iter().map(|broken| (broken.id, broken.problem)).collect::<Vec<_>>(),
        [(id, AuditProblem::Event(events))]
    );
}

/// A view refuses every read under a limit, as a database of years would.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn an_audit_has_no_limit_of_time_and_leaves_the_limit_of_its_connection() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    begin(&store, 1).await;
    let other = schema.connect().await;
    let view = "ALTER TABLE ca_verification RENAME TO own;
        CREATE FUNCTION without_limit() RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            IF current_setting('statement_timeout') <> '0' THEN
                RAISE query_canceled;
            END IF;
            RETURN true;
        END $$;
        CREATE VIEW ca_verification AS SELECT * FROM own WHERE without_limit()";
    other.batch_execute(view).await.unwrap();
    let audit = store.audit(None).await.unwrap();
    assert_eq!((audit.chains, audit.broken), (1, 0));
    // The store has one connection so far: a read on it is within the limit again.
    assert!(store.load(Lookup::Id(&first(1).verification().id)).await.is_err());
}
