//! The store beside the same commits by hand, in turns: a life of four commits, 64 lives at the same time, the delay of events, a
//! claim of 100 verifications of a million, and claims of results while 100,000 deletions are due.
//!
//! `CLOUDAUTH_POSTGRES='host=/run/postgresql user=app dbname=scratch' cargo run --release -p cloudauth-flow-postgres --example lives`.
//! It needs an empty database.

#![allow(clippy::unwrap_used, reason = "a measurement may panic")]

mod events;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cloudauth_flow::testing::lives::life;
use cloudauth_flow::testing::samples::BEGIN;
use cloudauth_flow::testing::{Boxed, join_all};
use cloudauth_flow::{Commit, Queue, Store, write_document};
use cloudauth_flow_postgres::PostgresStore;
use cloudauth_flow_postgres::tokio_postgres::{Client, Config, NoTls, Statement};

const LIVES: u64 = 320;
const ROUNDS: usize = 9;
const ROWS: i64 = 1_000_000;

#[tokio::main]
async fn main() {
    let address = std::env::var("CLOUDAUTH_POSTGRES").unwrap_or_default();
    let config: Config = address.parse().unwrap();
    let store = Arc::new(PostgresStore::open(config.clone()).await.unwrap());
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let mut by_hand = ByHand::new(client).await;

    let (mut own, mut bare, mut many) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let commits: Vec<_> = orders(LIVES).flatten().collect();
        own.push(time(commit_all(&store, &commits)).await);
        let commits: Vec<_> = orders(LIVES).flatten().map(|commit| (document(&commit), commit)).collect();
        bare.push(
            time(async {
                for (document, commit) in &commits {
                    by_hand.commit(commit, document).await;
                }
            })
            .await,
        );
        let commits: Vec<_> = orders(LIVES).collect();
        let parts = commits.chunks(commits.len() / 64);
        let parts = parts.map(|part| -> Boxed<'_, ()> {
            let store = &store;
            Box::pin(async move {
                for life in part {
                    commit_all(store, life).await;
                }
            })
        });
        many.push(time(join_all(parts.collect())).await);
    }
    let (own, bare, many) = (median(own), median(bare), median(many));
    let ratio = own.as_secs_f64() / bare.as_secs_f64();
    let each = |time: Duration| time / u32::try_from(LIVES).unwrap();
    println!("a life, one at a time: store {:?}, by hand {:?}, ratio {ratio:.2}", each(own), each(bare));
    let rate = |time: Duration| f64::from(u32::try_from(LIVES).unwrap()) / time.as_secs_f64();
    let (alone, times) = (rate(own), own.as_secs_f64() / many.as_secs_f64());
    println!(
        "lives a second: {alone:.0} one at a time, {:.0} with 64 at the same time, {times:.1} times",
        rate(many)
    );

    events::delays(&store, &mut by_hand.client, 6 * LIVES).await;

    let first = orders(1).flatten().take(2).collect::<Vec<_>>();
    commit_all(&store, &first).await;
    let copies = "INSERT INTO ca_verification (id, order_ref, state, redaction, version, due_at, format, document) \
        SELECT id, 'copy-' || n, state, redaction, 2, due_at, format, document || \
            jsonb_build_object('id', encode(id, 'hex'), 'order', 'copy-' || n) \
        FROM (SELECT n, uuid_send(gen_random_uuid()) AS id FROM generate_series(1, $1) AS n) AS ids, \
            (SELECT state, redaction, due_at, format, document FROM ca_verification WHERE due_at IS NOT NULL LIMIT 1) AS one";
    by_hand.client.execute(copies, &[&ROWS]).await.unwrap();
    by_hand.client.batch_execute("ANALYZE ca_verification").await.unwrap();
    let claims = claims_of(&store, Queue::Results).await;
    println!("a claim of 100 of {ROWS} due verifications: {claims:?}");

    let erase = "UPDATE ca_verification SET version = version + 1, state = 'canceled', redaction = 'requested', \
        due_at = 1, purge_at = 1, document = document || jsonb_build_object('state', 'canceled', 'redaction', 'requested', \
            'due_at', 1, 'purge_at', 1) \
        WHERE id IN (SELECT id FROM ca_verification WHERE lease_until IS NULL AND order_ref LIKE 'copy-%' LIMIT $1)";
    by_hand.client.execute(erase, &[&(ROWS / 10)]).await.unwrap();
    let (results, deletions) =
        (claims_of(&store, Queue::Results).await, claims_of(&store, Queue::Deletions).await);
    println!(
        "claims of 100 while {} deletions are due: results {results:?}, deletions {deletions:?}",
        ROWS / 10
    );
}

/// The median of claims.
async fn claims_of(store: &PostgresStore, queue: Queue) -> Duration {
    let mut claims = Vec::new();
    for _ in 0..ROUNDS {
        claims.push(
            time(async {
                let now = BEGIN.plus(Duration::from_secs(3600));
                let claimed = store.claim(queue, now, Duration::from_secs(60), 100).await.unwrap();
                assert_eq!(claimed.len(), 100);
            })
            .await,
        );
    }
    median(claims)
}

/// The lives of orders that no measurement has used.
fn orders(count: u64) -> impl Iterator<Item = Vec<Commit>> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let first = NEXT.fetch_add(count, Ordering::Relaxed);
    (first..first + count).map(|order| life(order).unwrap())
}

async fn commit_all(store: &PostgresStore, commits: &[Commit]) {
    for commit in commits {
        store.commit(commit).await.unwrap();
    }
}

fn document(commit: &Commit) -> String {
    write_document(commit.verification()).unwrap()
}

async fn time<T>(run: impl Future<Output = T>) -> Duration {
    let start = Instant::now();
    run.await;
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    *times.get(times.len() / 2).unwrap()
}

/// A transaction as a service would write it: prepared statements, and tables with the same columns and indexes as the store's,
/// without a check, a trigger or a foreign key.
struct ByHand {
    client: Client,
    statements: [Statement; 5],
}

impl ByHand {
    async fn new(client: Client) -> Self {
        client.batch_execute(TABLES).await.unwrap();
        let [insert, update, attempt, quota, event] = STATEMENTS.map(|statement| client.prepare(statement));
        let statements = [
            insert.await.unwrap(),
            update.await.unwrap(),
            attempt.await.unwrap(),
            quota.await.unwrap(),
            event.await.unwrap(),
        ];
        Self { client, statements }
    }

    async fn commit(&mut self, commit: &Commit, document: &str) {
        let millis = |at: cloudauth_protocol::UnixTime| i64::try_from(at.as_millis()).unwrap();
        let [insert, update, attempt, quota, event] = &self.statements;
        let transaction = self.client.transaction().await.unwrap();
        let verification = commit.verification();
        let (id, state) = (&verification.id.as_bytes()[..], verification.state.as_str());
        let due_at = verification.due_at.map(millis);
        match commit.expected() {
            None => {
                let order = verification.order.as_str();
                transaction.execute(insert, &[&id, &order, &state, &due_at, &document]).await.unwrap()
            }
            Some(version) => {
                let version = i64::try_from(version).unwrap();
                transaction.execute(update, &[&id, &state, &due_at, &document, &version]).await.unwrap()
            }
        };
        for of in &verification.attempts {
            let certify_id = of.certify_id.as_ref().map(|id| id.as_str());
            let capability = of.capability.as_ref().map(|capability| &capability.as_bytes()[..]);
            let row: [&(dyn cloudauth_flow_postgres::tokio_postgres::types::ToSql + Sync); 5] =
                [&of.order_no.as_str(), &id, &of.state.as_str(), &certify_id, &capability];
            transaction.execute(attempt, &row).await.unwrap();
        }
        if let Some(take) = commit.take() {
            let (day, subject) = (i32::try_from(take.day).unwrap(), &take.subject.as_bytes()[..]);
            transaction.execute(quota, &[&day, &subject, &take.scene.to_string()]).await.unwrap();
        }
        for of in commit.events() {
            let (n, at) = (i64::try_from(of.n).unwrap(), millis(of.at));
            let (prev, hash) = (&of.prev.as_bytes()[..], &of.hash.as_bytes()[..]);
            transaction.execute(event, &[&id, &n, &at, &&*of.kind, &&*of.body, &prev, &hash]).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }
}

const TABLES: &str = "
    CREATE TABLE verification (id bytea PRIMARY KEY, order_ref text UNIQUE, state text, redaction text, version bigint,
        lease_until bigint, due_at bigint, purge_at bigint, document jsonb);
    CREATE INDEX due ON verification (due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX purge ON verification (purge_at) WHERE purge_at IS NOT NULL;
    CREATE TABLE attempt (order_no text PRIMARY KEY, verification bytea, state text, certify_id text UNIQUE, capability bytea UNIQUE);
    CREATE INDEX attempts ON attempt (verification);
    CREATE UNIQUE INDEX busy ON attempt (verification) WHERE state IN ('reserved', 'open');
    CREATE TABLE event (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, verification bytea, n bigint, at bigint, kind text,
        body text, prev bytea, hash bytea, UNIQUE (verification, n));
    CREATE TABLE quota (day integer, subject bytea, scene text, starts bigint, UNIQUE (day, subject, scene));";

const STATEMENTS: [&str; 5] = [
    "INSERT INTO verification VALUES ($1, $2, $3, 'none', 1, NULL, $4, NULL, $5::text::jsonb)",
    "UPDATE verification SET state = $2, version = version + 1, due_at = $3, document = $4::text::jsonb \
     WHERE id = $1 AND version = $5",
    "INSERT INTO attempt VALUES ($1, $2, $3, $4, $5) ON CONFLICT (order_no) DO UPDATE \
     SET state = excluded.state, certify_id = excluded.certify_id, capability = excluded.capability",
    "INSERT INTO quota VALUES ($1, $2, $3, 1) ON CONFLICT (day, subject, scene) DO UPDATE SET starts = quota.starts + 1",
    "INSERT INTO event (verification, n, at, kind, body, prev, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)",
];
