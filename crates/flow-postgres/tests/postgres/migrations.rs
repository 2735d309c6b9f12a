//! Migrations: numbered, in one schema, as long as they take, and never under a program that runs.

use std::time::Duration;

use cloudauth_flow::testing::join_all;
use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{
    Cursor, Lookup, NewPage, PAGE_LIFETIME, Page, Queue, Sealed, Store, StoreErrorKind, UsageOf,
};
use cloudauth_flow_postgres::{OpenErrorKind, PostgresStore};

use crate::common::{Schema, begin, check_chain, first, get, open, opened};

/// The event trigger notes the settings under which the tables are created.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_migration_has_no_limit_of_time() {
    let schema = Schema::new().await;
    let client = schema.connect().await;
    let name = schema.name();
    client
        .batch_execute(&format!(
            "CREATE TABLE seen (timeout text);
            CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF current_schema() = '{name}' THEN
                    INSERT INTO {name}.seen VALUES (current_setting('statement_timeout'));
                END IF;
            END $$;
            CREATE EVENT TRIGGER note_{name} ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION note()"
        ))
        .await
        .unwrap();
    let store = schema.store().await;
    let rows = client.query("SELECT DISTINCT timeout FROM seen", &[]).await.unwrap();
    let timeouts: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(timeouts, ["0"]);
    begin(&store, 1).await;
}

/// Another store may be in a later schema of the `search_path`, such as `public`.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn the_tables_are_in_the_first_schema_whatever_the_others_have() {
    let (later, first_schema) = (Schema::new().await, Schema::new().await);
    let other = later.store().await;
    begin(&other, 1).await;
    let mut config = first_schema.config();
    config.options(format!("-c search_path={},{}", first_schema.name(), later.name()));
    let store = PostgresStore::open(config).await.unwrap();
    assert_eq!(get(&store, 1).await, None);
    begin(&store, 2).await;
    assert_eq!(get(&other, 2).await, None);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask postgres"]
async fn several_programs_create_the_tables_at_once() {
    let schema = Schema::new().await;
    let stores = join_all((0..8).map(|_| Box::pin(schema.store()) as _).collect()).await;
    for (order, store) in (0..).zip(&stores) {
        check_chain(store, &begin(store, order).await).await;
    }
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_newer_schema_is_refused_even_by_a_program_that_runs() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    let stored = begin(&store, 1).await;
    let client = schema.connect().await;
    client.execute("UPDATE ca_schema SET version = version + 1", &[]).await.unwrap();
    let error = PostgresStore::open(schema.config()).await.unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::NewerSchema);
    let start = samples::start(1, 1).unwrap();
    let of = UsageOf { subject: start.subject, scene: start.scene, identity: start.identity, at: BEGIN };
    for (what, result) in [
        ("commit", store.commit(&opened(&stored, 1)).await),
        ("claim", store.claim(Queue::Results, BEGIN, Duration::ZERO, 9).await.map(drop)),
        ("purge", store.purge(BEGIN, 9).await.map(drop)),
        ("reserve_calls", store.reserve_calls("InitFaceVerify", BEGIN, 1, 5).await.map(drop)),
        ("load", store.load(Lookup::Id(&start.id)).await.map(drop)),
        ("usage", store.usage(&of).await.map(drop)),
        ("events_after", store.events_after(Cursor::default(), 9).await.map(drop)),
        ("history", store.history(&start.id).await.map(drop)),
        ("unreadable", store.unreadable(9).await.map(drop)),
        ("now", store.now().await.map(drop)),
        ("find_page", store.pages().unwrap().find_page(&start.capability, BEGIN).await.map(drop)),
        ("erase_pages", store.pages().unwrap().erase_pages(BEGIN, 9).await.map(drop)),
    ] {
        assert_eq!(result.map_err(|error| error.kind()), Err(StoreErrorKind::Corrupt), "{what}");
    }
    // A column that the newer schema has no longer.
    client.execute("UPDATE ca_schema SET version = version - 1", &[]).await.unwrap();
    client.batch_execute("ALTER TABLE ca_event RENAME COLUMN body TO text").await.unwrap();
    let error = store.history(&start.id).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert_eq!(get(&store, 1).await, Some(stored));
}

/// The tables of the first version with rows of every kind, written by its own functions.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn the_tables_of_the_first_version_keep_their_rows() {
    let (schema, current) = (Schema::new().await, Schema::new().await);
    let client = schema.connect().await;
    client.batch_execute(include_str!("../../src/schema-1.sql")).await.unwrap();
    client.execute("INSERT INTO ca_schema (one, version) VALUES (1, 1)", &[]).await.unwrap();
    // Orders 1 and 2 come from a store of today, in a schema of its own: the documents have had the same format ever since.
    let source = current.store().await;
    let written = [open(&source, 1).await, begin(&source, 2).await];
    client.execute("INSERT INTO ca_endpoint (id) VALUES ('crm')", &[]).await.unwrap();
    let from = current.name();
    for (order, stored) in [(1, &written[0]), (2, &written[1])] {
        let commit = format!(
            "SELECT ca_commit(1, v.id, v.order_ref, v.state, v.redaction, v.due_at, v.purge_at, v.format, v.document::text, NULL,
                false, a.n, a.s, a.c, a.p, a.l, sha256('{order}'), '1000000006', 20455, 5, sha256('{order}'), 1,
                sha256('{order} blocked'), 9000000000000, e.n, e.at, e.kind, e.body, e.prev, e.hash)
             FROM {from}.ca_verification AS v,
                LATERAL (SELECT array_agg(order_no) AS n, array_agg(state) AS s, array_agg(certify_id) AS c,
                    array_agg(capability) AS p, array_agg(next_look_at) AS l
                    FROM {from}.ca_attempt WHERE verification = v.id) AS a,
                LATERAL (SELECT array_agg(n ORDER BY n) AS n, array_agg(at ORDER BY n) AS at, array_agg(kind ORDER BY n) AS kind,
                    array_agg(body ORDER BY n) AS body, array_agg(prev ORDER BY n) AS prev, array_agg(hash ORDER BY n) AS hash
                    FROM {from}.ca_event WHERE verification = v.id) AS e
             WHERE v.order_ref = $1"
        );
        client.execute(&commit, &[&stored.verification.order.as_str()]).await.unwrap();
    }
    let rows = async || {
        let counts = "SELECT (SELECT count(*) FROM ca_verification), (SELECT count(*) FROM ca_attempt), (SELECT count(*) FROM ca_event),
            (SELECT count(*) FROM ca_delivery), (SELECT count(*) FROM ca_quota), (SELECT count(*) FROM ca_block)";
        let row = client.query_one(counts, &[]).await.unwrap();
        [0, 1, 2, 3, 4, 5].map(|column| row.get::<_, i64>(column))
    };
    let before = rows().await;
    assert_eq!(before, [2, 2, 7, 4, 2, 2]);

    let store = schema.store().await;
    assert_eq!(rows().await, before);
    for (order, old) in [(1, &written[0]), (2, &written[1])] {
        let stored = get(&store, order).await.unwrap();
        assert_eq!(stored.verification, old.verification);
        check_chain(&store, &stored).await;
    }
    let audit = store.audit(None).await.unwrap();
    assert_eq!((audit.chains, audit.events, audit.broken), (2, 7, 0));
    // Old rows and the new tables work together: the page of order 2 ends with its session.
    let start = samples::start(2, 1).unwrap();
    let page = NewPage {
        capability: start.capability,
        order: start.order,
        key: start.key,
        request: "{}".into(),
        sealed: Sealed::new([7; 9]),
        lifetime: PAGE_LIFETIME,
    };
    let pages = store.pages().unwrap();
    assert!(pages.open_page(&page, BEGIN).await.unwrap());
    let stored = get(&store, 2).await.unwrap();
    store.commit(&opened(&stored, 2)).await.unwrap();
    assert_eq!(pages.find_page(&page.capability, BEGIN).await.unwrap(), Some(Page::Used));
    check_chain(&store, &get(&store, 2).await.unwrap()).await;
    assert_eq!(
        store
            .claim(Queue::Results, BEGIN.plus(Duration::from_secs(60)), Duration::ZERO, 9)
            .await
            .unwrap()
            .len(),
        2
    );
}

/// A migration locks the version. A commit that waits for it sees the new one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_commit_that_waits_for_a_migration_is_refused() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    begin(&store, 1).await;
    let mut client = schema.connect().await;
    let migration = client.transaction().await.unwrap();
    migration
        .batch_execute(
            "LOCK TABLE ca_schema IN ACCESS EXCLUSIVE MODE; UPDATE ca_schema SET version = version + 1",
        )
        .await
        .unwrap();
    let commit = first(2);
    let finish = async {
        // Until the commit waits for the lock.
        let waits = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = ANY (SELECT pid FROM pg_locks \
                     WHERE NOT granted AND relation = 'ca_schema'::regclass)";
        while migration.query(waits, &[]).await.unwrap().is_empty() {}
        migration.commit().await.unwrap();
    };
    let (result, ()) = tokio::join!(store.commit(&commit), finish);
    assert_eq!(result.map_err(|error| error.kind()), Err(StoreErrorKind::Corrupt));
    let orders = stored_orders(&schema).await;
    assert_eq!(orders, ["order-1"]);
}

/// The orders in the tables, also in those of another schema version.
async fn stored_orders(schema: &Schema) -> Vec<String> {
    let rows = schema.connect().await.query("SELECT order_ref FROM ca_verification", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
