//! What the tests share: an empty schema for each store, and commits of the sample orders.

use std::sync::atomic::{AtomicU32, Ordering};

use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{Commit, Input, Lookup, Machine, Snapshot, Store, Stored, Usage, verify_document};
use cloudauth_flow_postgres::PostgresStore;
use cloudauth_flow_postgres::tokio_postgres::{Client, Config, NoTls};

/// A schema of its own in the database that `cargo xtask postgres` starts.
pub(crate) struct Schema(String);

impl Schema {
    pub(crate) async fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let client = connect(&address()).await;
        client.batch_execute(&format!("CREATE SCHEMA {name}")).await.unwrap();
        Self(name)
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = address();
        config.options(format!("-c search_path={}", self.0));
        config
    }

    pub(crate) async fn store(&self) -> PostgresStore {
        PostgresStore::open(self.config()).await.unwrap()
    }

    pub(crate) async fn connect(&self) -> Client {
        connect(&self.config()).await
    }
}

fn address() -> Config {
    let address = std::env::var("CLOUDAUTH_POSTGRES").expect("`cargo xtask postgres` starts the server");
    address.parse().unwrap()
}

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The commit of the first start of an order.
pub(crate) fn first(order: u64) -> Commit {
    step(None, Input::Start(samples::start(order, 1).unwrap()))
}

/// The commit that opens the link of a stored order.
pub(crate) fn opened(stored: &Stored, order: u64) -> Commit {
    step(Some(stored), Input::Opened(samples::opened(order, 1).unwrap()))
}

pub(crate) fn step(stored: Option<&Stored>, input: Input) -> Commit {
    let snapshot = Snapshot { stored, usage: Usage::default() };
    Machine::new(samples::rules()).step(&snapshot, input, BEGIN).unwrap()
}

pub(crate) async fn begin(store: &PostgresStore, order: u64) -> Stored {
    store.commit(&first(order)).await.unwrap();
    get(store, order).await.unwrap()
}

pub(crate) async fn open(store: &PostgresStore, order: u64) -> Stored {
    let commit = opened(&begin(store, order).await, order);
    store.commit(&commit).await.unwrap();
    get(store, order).await.unwrap()
}

pub(crate) async fn get(store: &PostgresStore, order: u64) -> Option<Stored> {
    let order = samples::start(order, 1).unwrap().order;
    store.load(Lookup::Order(&order)).await.unwrap()
}

/// Checks that the events of a verification are whole, and that its document says what they say.
pub(crate) async fn check_chain(store: &PostgresStore, stored: &Stored) {
    let id = stored.verification.id;
    let events = store.history(&id).await.unwrap();
    assert_eq!(verify_document(&stored.verification, &events), Ok(()));
}
