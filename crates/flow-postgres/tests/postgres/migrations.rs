//! Migrations: numbered, in one schema, as long as they take, and never under a program that runs.

use std::time::Duration;

use cloudauth_flow::testing::join_all;
use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{Cursor, Lookup, Queue, Store, StoreErrorKind, UsageOf};
use cloudauth_flow_postgres::{OpenErrorKind, PostgresStore};

use crate::common::{Schema, begin, check_chain, first, get, opened};

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
