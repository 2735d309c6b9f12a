//! An audit finds what a person who can write to the file changed beside the chains.

#![cfg(test)]

mod common;

use std::path::Path;
use std::time::Duration;

use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{
    AuditProblem, DOCUMENT_FORMAT, Deleted, DocumentPart, Fence, Input, Look, Looked, Machine, Review,
    ReviewReason, Reviewer, Snapshot, StartFailed, State, Store, Usage,
};
use cloudauth_flow_sqlite::rusqlite::Connection;
use cloudauth_flow_sqlite::{OpenErrorKind, SqliteStore, audit};
use common::{get, open, step};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/kept/0.1/");

/// The number of broken verifications, and what is wrong with the first one.
fn found(path: &Path) -> (u64, Option<AuditProblem>) {
    let audit = audit(path, None).unwrap();
    (audit.broken, audit.named.first().map(|broken| broken.problem))
}

fn commit(store: &SqliteStore, order: u64, input: Input) {
    let stored = get(store, order);
    pollster::block_on(store.commit(&step(stored.as_ref(), input))).unwrap();
}

/// Order 1 waits for its result, order 2 was declined by a reviewer.
fn orders(path: &Path) {
    let store = SqliteStore::open(path).unwrap();
    open(&store, 1);
    open(&store, 2);
    let opened = samples::opened(2, 1).unwrap();
    let answer = Look::Finished(Box::new(samples::finding(&opened.certify_id, "205").unwrap()));
    commit(&store, 2, Input::Looked(Looked { order_no: opened.order_no, fence: Fence(0), answer }));
    let seen = get(&store, 2).unwrap().verification.head.n;
    let (reviewer, reason) = (Reviewer::new("r.lee@example").unwrap(), ReviewReason::new("other").unwrap());
    commit(&store, 2, Input::Review(Review { reviewer, reason, approve: false, seen }));
}

/// Sets the state in the column and in the document.
fn set_state(state: &str, order: u64) -> String {
    format!(
        "UPDATE ca_verification SET version = version + 1, state = '{state}',
         document = json_set(document, '$.state', '{state}') WHERE order_ref = 'order-{order}';"
    )
}

/// A decision for order 1 that no policy and no reviewer made. Every constraint of the database holds.
const INVENTED: &str = r#"UPDATE ca_verification SET version = version + 1, state = 'approved', purge_at = 1, due_at = NULL,
    document = json_set(document, '$.state', 'approved', '$.purge_at', 1, '$.due_at', NULL, '$.decision', json_object(
        'by', 'policy', 'attempt', document ->> '$.attempts[0].order_no', 'record', json(
        '{"verdict":"approve","policy":"own","version":"1","policy_hash":"00","rule":"own","reason":"own","hint":null,"queue":null}')))
    WHERE order_ref = 'order-1';"#;

#[test]
fn a_state_and_a_decision_that_were_written_by_hand_are_found() {
    use AuditProblem::{Document, Unreadable};
    let unlock = "DROP TRIGGER ca_verification_final; DROP TRIGGER ca_verification_version; PRAGMA ignore_check_constraints = ON;";
    let exchange = "UPDATE ca_verification SET order_ref = 'x', document = json_set(document, '$.order', 'x') WHERE order_ref = 'order-1';
        UPDATE ca_verification SET order_ref = 'order-1', document = json_set(document, '$.order', 'order-1') WHERE order_ref = 'order-2';
        UPDATE ca_verification SET order_ref = 'order-2', document = json_set(document, '$.order', 'order-2') WHERE order_ref = 'x';";
    let only_columns = "UPDATE ca_verification SET order_ref = 'order-3' WHERE order_ref = 'order-2';";
    let state_column = "UPDATE ca_verification SET state = 'approved' WHERE order_ref = 'order-2';";
    let no_document = "UPDATE ca_verification SET document = '{}' WHERE order_ref = 'order-2';";
    let not_a_text = "UPDATE ca_verification SET document = cast(x'ff' AS TEXT) WHERE order_ref = 'order-2';";
    for (change, broken, problem) in [
        (String::new(), 0, None),
        (INVENTED.to_owned(), 1, Some(Document(DocumentPart::State))),
        (unlock.to_owned() + &set_state("approved", 2), 1, Some(Document(DocumentPart::State))),
        (unlock.to_owned() + exchange, 2, Some(Document(DocumentPart::Request))),
        (unlock.to_owned() + only_columns, 1, Some(Unreadable)),
        (unlock.to_owned() + state_column, 1, Some(Unreadable)),
        (unlock.to_owned() + no_document, 1, Some(Unreadable)),
        (unlock.to_owned() + not_a_text, 1, Some(Unreadable)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        orders(&path);
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(&change).unwrap();
        assert_eq!(found(&path), (broken, problem), "{change}");
    }
}

/// The flow finds a callback, a browser and a look by the rows of the attempts.
#[test]
fn a_row_of_an_attempt_that_was_changed_is_found() {
    let unlock = "DROP TRIGGER ca_attempt_unchanged; DROP TRIGGER ca_attempt_kept;";
    let of = |order: u8| {
        format!("WHERE verification = (SELECT id FROM ca_verification WHERE order_ref = 'order-{order}');")
    };
    for (change, order) in [
        ("UPDATE ca_attempt SET capability = zeroblob(32)", 1),
        ("UPDATE ca_attempt SET capability = NULL", 2),
        ("UPDATE ca_attempt SET certify_id = 'other'", 1),
        ("UPDATE ca_attempt SET order_no = 'other'", 1),
        ("UPDATE ca_attempt SET state = 'superseded'", 1),
        ("UPDATE ca_attempt SET next_look_at = next_look_at + 1", 1),
        ("DELETE FROM ca_attempt", 2),
        (
            "INSERT INTO ca_attempt (order_no, verification, state) SELECT 'other', verification, 'orphaned' FROM ca_attempt",
            2,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        orders(&path);
        let change = format!("{unlock} {change} {}", of(order));
        Connection::open(&path).unwrap().execute_batch(&change).unwrap();
        assert_eq!(found(&path), (1, Some(AuditProblem::Unreadable)), "{change}");
    }
}

/// While a new version is rolled out, an older one cannot say anything of the documents that the new one writes.
#[test]
fn a_document_of_a_newer_version_is_not_broken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    orders(&path);
    let newer = format!(
        "UPDATE ca_verification SET version = version + 1, format = {} WHERE order_ref = 'order-2';",
        DOCUMENT_FORMAT + 1
    );
    Connection::open(&path).unwrap().execute_batch(&newer).unwrap();
    assert_eq!(audit(&path, None).unwrap_err().kind(), OpenErrorKind::NewerSchema);
}

/// What the flow reads after such a change: the audit is the only thing that notices it.
#[test]
fn the_flow_itself_believes_the_document() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    orders(&path);
    Connection::open(&path).unwrap().execute_batch(INVENTED).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(get(&store, 1).unwrap().verification.state, State::Approved);
}

#[test]
fn the_verifications_of_the_oldest_supported_version_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["flow.db", "flow-lives.db"] {
        let path = folder.path().join(name);
        std::fs::copy(Path::new(KEPT).join(name), &path).unwrap();
        // Their tables have no start pages yet.
        drop(SqliteStore::open(&path).unwrap());
        assert_eq!(found(&path), (0, None), "{name}");
    }
}

/// How the file `flow-lives.db` was made: with every type of event, except for those that it shares with `flow.db`.
#[test]
#[ignore = "writes a file that the repository keeps"]
fn writes_the_kept_lives() {
    let path = Path::new(KEPT).join("flow-lives.db");
    assert!(!path.exists(), "a kept file is never rewritten");
    let store = SqliteStore::open(&path).unwrap();
    let lives = Lives(&store);
    // Approved; approved and declined by a reviewer; canceled during a review.
    lives.attempt(1, 1, "200", 0);
    for order in 2..=4 {
        lives.attempt(order, 1, "205", 0);
    }
    lives.review(2, true);
    lives.review(3, false);
    lives.take(4, Input::Cancel, 90);
    // Declined, because no link is left; superseded, with late evidence.
    for attempt in 1..=3 {
        lives.attempt(5, attempt, "204", 100 * u64::from(attempt));
    }
    lives.start(6, 1, 0);
    lives.open(6, 1, 1);
    lives.attempt(6, 2, "200", 100);
    lives.look(6, 1, "204", 170);
    // Refused, not answered with a link that came too late, forgotten; then expired.
    lives.start(7, 1, 0);
    lives.failed(7, 1, false, 2);
    lives.start(7, 2, 10);
    lives.failed(7, 2, true, 20);
    lives.open(7, 2, 30);
    lives.start(7, 3, 40);
    lives.take(7, Input::Tick(Fence(0)), 101);
    lives.take(7, Input::Tick(Fence(0)), 90_000);
    // Erased; an erasure that the service did not confirm; a link that came after an erasure.
    lives.attempt(8, 1, "202", 0);
    lives.review(8, false);
    lives.take(8, Input::Redact, 100);
    lives.deleted(8, true, 110);
    lives.attempt(9, 1, "200", 0);
    lives.take(9, Input::Redact, 100);
    (0..12).for_each(|day| lives.deleted(9, false, 1_000 + day * 90_000));
    lives.start(10, 1, 0);
    lives.take(10, Input::Cancel, 1);
    lives.take(10, Input::Redact, 2);
    lives.open(10, 1, 3);
    // A link that expired.
    lives.start(11, 1, 0);
    lives.open(11, 1, 1);
    for after in [5, 1_900] {
        let order_no = samples::start(11, 1).unwrap().order_no;
        lives.take(11, Input::Looked(Looked { order_no, fence: Fence(0), answer: Look::Pending }), after);
    }
    lives.take(11, Input::Tick(Fence(0)), 90_000);
    drop(store);
    Connection::open(&path).unwrap().execute_batch("VACUUM").unwrap();
}

/// Steps of the sample orders, so many seconds after the beginning.
struct Lives<'a>(&'a SqliteStore);

impl Lives<'_> {
    fn take(&self, order: u64, input: Input, after: u64) {
        let stored = get(self.0, order);
        let snapshot = Snapshot { stored: stored.as_ref(), usage: Usage::default() };
        let now = BEGIN.plus(Duration::from_secs(after));
        let commit = Machine::new(samples::rules()).step(&snapshot, input, now).unwrap();
        pollster::block_on(self.0.commit(&commit)).unwrap();
    }

    fn start(&self, order: u64, attempt: u8, after: u64) {
        self.take(order, Input::Start(samples::start(order, attempt).unwrap()), after);
    }

    fn open(&self, order: u64, attempt: u8, after: u64) {
        self.take(order, Input::Opened(samples::opened(order, attempt).unwrap()), after);
    }

    fn failed(&self, order: u64, attempt: u8, maybe_executed: bool, after: u64) {
        let order_no = samples::start(order, attempt).unwrap().order_no;
        let failed = StartFailed { order_no, maybe_executed, code: None };
        self.take(order, Input::StartFailed(failed), after);
    }

    fn look(&self, order: u64, attempt: u8, code: &str, after: u64) {
        let opened = samples::opened(order, attempt).unwrap();
        let answer = Look::Finished(Box::new(samples::finding(&opened.certify_id, code).unwrap()));
        let looked = Looked { order_no: opened.order_no, fence: Fence(0), answer };
        self.take(order, Input::Looked(looked), after);
    }

    fn attempt(&self, order: u64, attempt: u8, code: &str, after: u64) {
        self.start(order, attempt, after);
        self.open(order, attempt, after + 1);
        self.look(order, attempt, code, after + 60);
    }

    fn review(&self, order: u64, approve: bool) {
        let seen = get(self.0, order).unwrap().verification.head.n;
        let reviewer = Reviewer::new("r.lee@example").unwrap();
        let reason = ReviewReason::new("same-person").unwrap();
        self.take(order, Input::Review(Review { reviewer, reason, approve, seen }), 90);
    }

    fn deleted(&self, order: u64, done: bool, after: u64) {
        let order_no = samples::start(order, 1).unwrap().order_no;
        self.take(order, Input::Deleted(Deleted { order_no, fence: Fence(0), done }), after);
    }
}
