//! The store against a real server, which `cargo xtask postgres` starts.

#![cfg(test)]

mod audit;
mod common;
mod events;
mod flow;
mod logs;
mod migrations;
mod pages;

use std::time::Duration;

use cloudauth_flow::testing::conformance;
use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{
    Fence, Input, Look, Looked, Lookup, Queue, Store, StoreErrorKind, UsageOf, VerificationId,
};
use cloudauth_flow_postgres::{OpenErrorKind, PostgresStore, commit_in};
use cloudauth_protocol::UnixTime;
use common::{Schema, begin, first, get, open, opened, step};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask postgres"]
async fn the_store_in_postgres_conforms() {
    let failures = conformance::run(async || Schema::new().await.store().await).await;
    assert!(failures.is_empty(), "{failures:#?}");
    let failures = conformance::outbox(async || Schema::new().await.store().await).await;
    assert!(failures.is_empty(), "{failures:#?}");
    let failures = conformance::pages(async || Schema::new().await.store().await).await;
    assert!(failures.is_empty(), "{failures:#?}");
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_damaged_document_in_postgres_stops_no_other() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    let client = schema.connect().await;
    let change = async |id: &VerificationId, document: &str| {
        let update =
            format!("UPDATE ca_verification SET version = version + 1, document = {document} WHERE id = $1");
        assert_eq!(client.execute(&update, &[&&id.as_bytes()[..]]).await.unwrap(), 1);
    };
    let failure = conformance::run_damaged(
        &store,
        async |id| change(id, r#"document || '{"canary":1}'"#).await,
        async |id| change(id, "document - 'canary'").await,
    );
    assert_eq!(failure.await, None);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn rows_of_the_service_change_with_the_verification_or_not_at_all() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    let mut client = schema.connect().await;
    client.batch_execute("CREATE TABLE shipment (order_ref text PRIMARY KEY)").await.unwrap();
    let mut same = samples::start(3, 1).unwrap();
    same.capability = samples::start(1, 1).unwrap().capability;
    let third = step(None, Input::Start(same));
    let mut results = Vec::new();
    for (order, commit, keep) in
        [("order-1", first(1), true), ("order-2", first(2), false), ("order-3", third, true)]
    {
        let mut transaction = client.transaction().await.unwrap();
        transaction.execute("INSERT INTO shipment VALUES ($1)", &[&order]).await.unwrap();
        let result = commit_in(&mut transaction, &commit).await.map_err(|error| error.kind());
        if keep {
            transaction.commit().await.unwrap()
        } else {
            transaction.rollback().await.unwrap()
        }
        let rows = client.query("SELECT FROM shipment WHERE order_ref = $1", &[&order]).await.unwrap();
        results.push((result, rows.len()));
    }
    // The service decides about its own rows after an error.
    assert_eq!(results, [(Ok(()), 1), (Ok(()), 0), (Err(StoreErrorKind::Duplicate), 1)]);
    let mut found = Vec::new();
    for order in 1..4 {
        found.push(get(&store, order).await.is_some());
    }
    assert_eq!(found, [true, false, false]);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_clock_ahead_of_the_database_claims_and_purges_nothing_early() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    let client = schema.connect().await;
    let stored = begin(&store, 1).await;
    // Due an hour from now, and to be purged then.
    let soon = "UPDATE ca_verification SET version = version + 1, due_at = now, purge_at = now, document = document || \
        jsonb_build_object('due_at', now, 'purge_at', now) \
        FROM (SELECT ((extract(epoch FROM clock_timestamp()) + 3600) * 1000)::bigint AS now) AS clock";
    client.execute(soon, &[]).await.unwrap();
    let ahead = UnixTime::from_secs(stored.verification.created_at.as_secs() + 100 * 365 * 86_400);
    assert!(store.claim(Queue::Results, ahead, Duration::from_secs(30), 9).await.unwrap().is_empty());
    assert_eq!(store.purge(ahead, 9).await.unwrap(), 0);
    assert!(get(&store, 1).await.is_some());
}

/// The lease is as long as the caller asked for, by the clock that all instances share.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_lease_under_a_clock_behind_counts_from_the_time_of_the_database() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    open(&store, 1).await;
    let before = store.now().await.unwrap().unwrap();
    let behind = UnixTime::from_millis(before.as_millis() - 50_000);
    let claimed = store.claim(Queue::Results, behind, Duration::from_secs(60), 9).await.unwrap();
    let until = claimed.first().and_then(|stored| stored.lease_until).unwrap();
    assert!(until >= before.plus(Duration::from_secs(60)), "{until:?}, claimed at {before:?}");
    // Another instance with the same clock sees the lease.
    assert!(store.claim(Queue::Results, behind, Duration::from_secs(60), 9).await.unwrap().is_empty());
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn the_clock_of_the_store_is_that_of_the_database() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    let clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let client = schema.connect().await;
    let read = async || u64::try_from(client.query_one(clock, &[]).await.unwrap().get::<_, i64>(0)).unwrap();
    let (before, now, after) = (read().await, store.now().await.unwrap().unwrap(), read().await);
    assert!((before..=after).contains(&now.as_millis()), "{before} {now:?} {after}");
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_lease_under_a_clock_ahead_counts_from_the_time_of_the_database() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    open(&store, 1).await;
    let ahead = BEGIN.plus(Duration::from_secs(100 * 365 * 86_400));
    let claimed = store.claim(Queue::Results, ahead, Duration::from_secs(30), 9).await.unwrap();
    let until = claimed.first().and_then(|stored| stored.lease_until).unwrap();
    assert!(until < BEGIN.plus(Duration::from_secs(50 * 365 * 86_400)), "{until:?}");
}

/// A purge that waits for a commit sees what the commit wrote.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_purge_keeps_a_block_that_is_extended_meanwhile() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    let mut client = schema.connect().await;
    client.execute("INSERT INTO ca_block VALUES (sha256(''), 1)", &[]).await.unwrap();
    let extends = client.transaction().await.unwrap();
    extends.execute("UPDATE ca_block SET until = $1", &[&i64::MAX]).await.unwrap();
    let finish = async {
        let waits = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pg_backend_pid() = ANY (pg_blocking_pids(pid))";
        while extends.query(waits, &[]).await.unwrap().is_empty() {}
        extends.commit().await.unwrap();
    };
    let (purged, ()) = tokio::join!(store.purge(BEGIN, 9), finish);
    assert_eq!(purged.unwrap(), 0);
    assert_eq!(client.query("SELECT FROM ca_block", &[]).await.unwrap().len(), 1);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn the_next_second_of_the_database_has_new_calls() {
    let store = Schema::new().await.store().await;
    assert_eq!(store.reserve_calls("InitFaceVerify", BEGIN, 9, 5).await.unwrap(), 5);
    // The caller's clock stands still.
    while store.reserve_calls("InitFaceVerify", BEGIN, 1, 5).await.unwrap() == 0 {}
}

#[tokio::test]
async fn a_server_on_another_machine_needs_tls() {
    for address in
        ["host=db.example user=app", "host=192.0.2.1 user=app", "host=localhost hostaddr=192.0.2.1 user=app"]
    {
        let error = PostgresStore::open(address.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), OpenErrorKind::NeedsTls, "{address}");
    }
}

/// The errors of PostgreSQL quote rows; those of the store do not.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn errors_quote_no_row() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    let stored = begin(&store, 1).await;
    let client = schema.connect().await;
    // Of the next statement the server refuses the row, and shows it.
    client.batch_execute("ALTER TABLE ca_verification ADD CONSTRAINT own CHECK (version < 2)").await.unwrap();
    let error = store.commit(&opened(&stored, 1)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    let text = format!("{error:?}");
    assert!(
        text.contains("23514") && !text.contains("order-1") && !text.contains("account-opening"),
        "{text}"
    );
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_document_that_cannot_be_read_is_corrupt_and_stops_no_other() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    open(&store, 1).await;
    let second = open(&store, 2).await;
    open(&store, 3).await;
    let client = schema.connect().await;
    let damage = "UPDATE ca_verification SET version = version + 1, document = document || '{\"scene\":\"canary\"}' \
                  WHERE order_ref = 'order-1'";
    client.execute(damage, &[]).await.unwrap();
    let newer =
        "UPDATE ca_verification SET version = version + 1, format = format + 1 WHERE order_ref = 'order-3'";
    client.execute(newer, &[]).await.unwrap();
    for order in [1, 3] {
        let order = samples::start(order, 1).unwrap().order;
        let error = store.load(Lookup::Order(&order)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    let due = BEGIN.plus(Duration::from_secs(60));
    let claimed = store.claim(Queue::Results, due, Duration::from_secs(30), 9).await.unwrap();
    let ids: Vec<_> = claimed.iter().map(|stored| stored.verification.id).collect();
    assert_eq!(ids, [second.verification.id]);
    // A program of the next format can still claim its own.
    let free = client.query("SELECT FROM ca_verification WHERE lease_until IS NULL", &[]).await.unwrap();
    assert_eq!(free.len(), 1);
}

/// Counts and blocks are found by the person, and no column has the person's digest.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_redaction_leaves_no_digest_of_the_person() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    let stored = open(&store, 1).await;
    let start = samples::start(1, 1).unwrap();
    let opened = samples::opened(1, 1).unwrap();
    let finding = samples::finding(&opened.certify_id, "202").unwrap();
    let answer = Look::Finished(Box::new(finding));
    let look = Looked { order_no: opened.order_no, fence: Fence(0), answer };
    store.commit(&step(Some(&stored), Input::Looked(look))).await.unwrap();
    let of = UsageOf { subject: start.subject, scene: start.scene, identity: start.identity, at: BEGIN };
    let usage = store.usage(&of).await.unwrap();
    assert_eq!((usage.starts_today, usage.blocked_until.is_some()), (1, true));
    let client = schema.connect().await;
    let digest = String::from(start.subject);
    let rows = async || {
        let mut found = Vec::new();
        for table in ["ca_verification", "ca_attempt", "ca_event", "ca_quota", "ca_block"] {
            let select = format!("SELECT FROM {table} AS t WHERE t::text LIKE '%' || $1 || '%'");
            found.push((table, client.query(&select, &[&digest]).await.unwrap().len()));
        }
        found.into_iter().filter(|(_, count)| *count > 0).map(|(table, _)| table).collect::<Vec<_>>()
    };
    assert_eq!(rows().await, ["ca_verification"], "the search finds what is there");
    let review = cloudauth_flow::Review {
        reviewer: cloudauth_flow::Reviewer::new("r.lee@example").unwrap(),
        reason: cloudauth_flow::ReviewReason::new("other-person").unwrap(),
        approve: false,
        seen: get(&store, 1).await.unwrap().verification.head.n,
    };
    for input in [Input::Review(review), Input::Redact] {
        let stored = get(&store, 1).await;
        store.commit(&step(stored.as_ref(), input)).await.unwrap();
    }
    assert!(rows().await.is_empty(), "{:?}", rows().await);
    assert_eq!(store.usage(&of).await.unwrap(), usage, "the limits hold after the redaction");
}

/// The constraints hold for any program, such as a repair by hand.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn the_database_refuses_what_the_flow_forbids() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    open(&store, 1).await;
    begin(&store, 2).await;
    let client = schema.connect().await;
    // Changes the document with its columns.
    let set = |order: u32, column: &str, value: &str| {
        format!(
            "UPDATE ca_verification SET version = version + 1, {column} = {value}, \
             document = document || jsonb_build_object('{column}', {value}) WHERE order_ref = 'order-{order}'"
        )
    };
    client.execute(&set(1, "purge_at", "1::bigint"), &[]).await.unwrap();
    client.execute(&set(1, "state", "'canceled'::text"), &[]).await.unwrap();
    let change = |change: &str| {
        format!("UPDATE ca_verification SET version = version + 1, {change} WHERE order_ref = 'order-2'")
    };
    let event = |n: &str, prev: &str| {
        format!(
            "INSERT INTO ca_event (verification, n, at, kind, body, prev, hash) SELECT verification, {n}, at, kind, body, \
             {prev}, hash FROM ca_event WHERE n = 3 LIMIT 1"
        )
    };
    let attempt = |state: &str| {
        format!(
            "INSERT INTO ca_attempt (order_no, verification, state, certify_id, capability, next_look_at) \
             SELECT 'other', verification, '{state}', 'other', sha256('other'), 1 FROM ca_attempt WHERE state = 'open'"
        )
    };
    for (statement, reason) in [
        (set(1, "state", "'expired'::text"), "a final state never changes"),
        ("UPDATE ca_verification SET fence = fence + 1".to_owned(), "each change adds one to the version"),
        (change("fence = -1"), "each change adds one to the version"),
        (set(2, "state", "'passed'::text"), "ca_verification_state_check"),
        (set(2, "state", "'canceled'::text"), "ca_verification_end"),
        (set(1, "purge_at", "NULL::bigint"), "ca_verification_end"),
        (set(2, "due_at", "NULL::bigint"), "ca_verification_due"),
        (change("due_at = due_at + 1"), "the document differs from its columns"),
        (
            change(
                "state = 'approved', purge_at = 1, document = document || '{\"state\":\"approved\",\"purge_at\":1}'",
            ),
            "a decision has a policy and a rule",
        ),
        ("UPDATE ca_event SET body = '{}' WHERE seq = 1".to_owned(), "an event never changes"),
        ("DELETE FROM ca_event WHERE seq = 1".to_owned(), "an event is deleted with its verification only"),
        (event("6", "hash"), "an event follows the one before it"),
        (event("1", "hash"), "ca_event_verification_n_key"),
        (event("5", "prev"), "an event follows the one before it"),
        (attempt("open"), "ca_attempt_busy"),
        (attempt("reserved"), "ca_attempt_busy"),
        (
            "UPDATE ca_attempt SET certify_id = 'other' WHERE state = 'open'".to_owned(),
            "an attempt keeps its numbers until the purge",
        ),
        ("DELETE FROM ca_attempt".to_owned(), "an attempt is deleted with its verification only"),
        ("UPDATE ca_attempt SET next_look_at = NULL WHERE state = 'open'".to_owned(), "ca_attempt_look"),
        ("UPDATE ca_attempt SET state = 'settled' WHERE state = 'reserved'".to_owned(), "ca_attempt_session"),
    ] {
        let error = client.execute(&statement, &[]).await.unwrap_err();
        let refused = error.as_db_error().unwrap();
        let text = format!("{} {}", refused.message(), refused.constraint().unwrap_or_default());
        assert!(text.contains(reason), "{statement}: {text}");
    }
}
