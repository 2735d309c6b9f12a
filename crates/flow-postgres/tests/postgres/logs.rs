//! tokio-postgres logs the parameters of statements at DEBUG: nothing is sent while that level is on.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::sync::Once;

use cloudauth_flow::{Lookup, Store, StoreError, StoreErrorKind};
use cloudauth_flow_postgres::{OpenErrorKind, PostgresStore, commit_in};
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::common::{Schema, first, get};

thread_local! {
    static LEVEL: Cell<LevelFilter> = const { Cell::new(LevelFilter::Off) };
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// A log per thread, because the tests of this process share one logger. The runtime of each test has one thread.
struct PerThread;

impl Log for PerThread {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= LEVEL.get()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            LINES.with_borrow_mut(|lines| lines.push(format!("{} {}", record.target(), record.args())));
        }
    }

    fn flush(&self) {}
}

fn listen(level: LevelFilter) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&PerThread).unwrap();
        log::set_max_level(LevelFilter::Trace);
    });
    LEVEL.set(level);
}

fn assert_names_the_filter(error: &StoreError) {
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let why = error.source().map(ToString::to_string).unwrap_or_default();
    assert!(why.contains("set its log filter to `tokio_postgres=info`"), "{why}");
}

#[tokio::test]
async fn a_store_is_not_opened_while_parameters_would_be_logged() {
    listen(LevelFilter::Debug);
    // No server is needed: nothing is sent.
    let error = PostgresStore::open("host=127.0.0.1 port=1 user=app".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Unavailable);
    assert_names_the_filter(
        error.source().and_then(<dyn Error>::downcast_ref).expect("an error of the store"),
    );
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn nothing_is_sent_while_parameters_would_be_logged() {
    let schema = Schema::new().await;
    listen(LevelFilter::Info);
    let store = schema.store().await;
    let mut client = schema.connect().await;
    let commit = first(1);
    let order = commit.verification().order.clone();

    listen(LevelFilter::Debug);
    log::debug!("the log is on");
    assert_names_the_filter(&store.commit(&commit).await.unwrap_err());
    assert_names_the_filter(&store.load(Lookup::Order(&order)).await.unwrap_err());
    let mut transaction = client.transaction().await.unwrap();
    assert_names_the_filter(&commit_in(&mut transaction, &commit).await.unwrap_err());
    drop(transaction);
    let shown = LINES.with_borrow(|lines| lines.join("\n"));
    assert!(shown.contains("the log is on"), "{shown}");
    assert!(!shown.contains("with parameters") && !shown.contains(order.as_str()), "{shown}");

    listen(LevelFilter::Info);
    assert!(log::log_enabled!(target: "tokio_postgres::query", Level::Info));
    assert!(get(&store, 1).await.is_none());
    store.commit(&commit).await.unwrap();
}
