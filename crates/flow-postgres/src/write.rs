//! The statements that write. Each is one call of a function in the database, in one round trip. Only the commit of a start from a
//! page has a second statement, in the same transaction.

use cloudauth_flow::integers::{from_limit, from_number, from_time};
use cloudauth_flow::{CapabilityHash, Commit, DOCUMENT_FORMAT, StoreError, StoreErrorKind, write_document};
use cloudauth_protocol::UnixTime;
use deadpool_postgres::Pool;
use tokio_postgres::types::ToSql;
use tokio_postgres::{ToStatement, Transaction};

use crate::connect::{Effect, check_logs, run, run_transaction};
use crate::error::{failed, failed_write};
use crate::migrate::SCHEMA;
use crate::read::value;

/// Commits within your transaction, so that your own rows change with the verification, or not at all. The tables of the store must
/// be on the `search_path` of your connection.
///
/// Nothing happened until you commit it. While your transaction runs, readers see no event of a later commit: keep it short.
///
/// # Errors
/// Those of [`Store::commit`](cloudauth_flow::Store::commit), and [`StoreErrorKind::Unavailable`] while tokio-postgres would log
/// the parameters. After an error, the transaction has nothing of this commit; you may
/// continue it, unless the connection is lost.
pub async fn commit_in(transaction: &mut Transaction<'_>, commit: &Commit) -> Result<(), StoreError> {
    check_logs()?;
    let row = CommitRow::new(commit)?;
    let savepoint = transaction.transaction().await.map_err(|error| failed(&error))?;
    savepoint.query(COMMIT, &row.parameters()).await.map_err(|error| failed_write(&error))?;
    if let Some(page) = commit.needs_page() {
        check_page(&savepoint, WAITS, page).await?;
    }
    savepoint.commit().await.map_err(|error| failed_write(&error))
}

pub(crate) async fn commit(pool: &Pool, commit: &Commit) -> Result<(), StoreError> {
    let row = CommitRow::new(commit)?;
    let Some(page) = commit.needs_page() else {
        return run(pool, Effect::Writes, COMMIT, &row.parameters()).await.map(drop);
    };
    let from_page = COMMIT.replacen("SELECT", FROM_PAGE, 1);
    run_transaction(pool, async |transaction| {
        let prepared = async |sql| transaction.prepare_cached(sql).await.map_err(|error| failed(&error));
        let (write, waits) = (prepared(&from_page).await?, prepared(WAITS).await?);
        transaction.query(&write, &row.parameters()).await.map_err(|error| failed(&error))?;
        check_page(transaction, &waits, page).await
    })
    .await
}

/// Begins the commit of a start from a page, whose transaction goes on: it holds the lock of `ca_announce`, for which readers of
/// events wait. If this process stops between the statements, the server soon ends the transaction.
const FROM_PAGE: &str = "SELECT set_config('idle_in_transaction_session_timeout', '5s', true),";

/// Finds a page that waits with its identity. Its lock makes a cancellation wait: it then finds the verification.
const WAITS: &str = "SELECT 1 FROM ca_page WHERE capability = $1 AND state = 'waiting' \
                     AND until > ca_clock() AND until <= ca_clock() + 600000 FOR UPDATE";

/// Checks that a page waits: after the verification is written, because a commit that ends it locks both in this order.
async fn check_page(
    transaction: &Transaction<'_>,
    waits: &(impl ToStatement + Sync + ?Sized),
    page: &CapabilityHash,
) -> Result<(), StoreError> {
    let rows = transaction.query(waits, &[&&page.as_bytes()[..]]).await.map_err(|error| failed(&error))?;
    if rows.is_empty() { Err(StoreErrorKind::PageEnded.into()) } else { Ok(()) }
}

pub(crate) async fn purge(pool: &Pool, now: UnixTime, limit: usize) -> Result<usize, StoreError> {
    let purge = "SELECT ca_purge($1, $2, $3, $4)";
    let parameters: [&(dyn ToSql + Sync); 4] =
        [&SCHEMA, &from_time(now), &from_limit(limit), &from_limit(usize::MAX)];
    let rows = run(pool, Effect::Writes, purge, &parameters).await?;
    let purged: i64 = value(&rows)?;
    Ok(usize::try_from(purged).unwrap_or_default())
}

/// Reserves calls in the current second of the database.
pub(crate) async fn reserve_calls(
    pool: &Pool,
    operation: &str,
    want: u32,
    limit: u32,
) -> Result<u32, StoreError> {
    let reserve = "SELECT ca_reserve($1, $2, $3, $4)";
    let parameters: [&(dyn ToSql + Sync); 4] = [&SCHEMA, &operation, &i64::from(want), &i64::from(limit)];
    let rows = run(pool, Effect::Writes, reserve, &parameters).await?;
    let granted: i64 = value(&rows)?;
    Ok(u32::try_from(granted).unwrap_or_default())
}

const COMMIT: &str = "SELECT ca_commit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
                      $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30), \
                      ca_end_pages($3, $4, $31, $32, $33)";

pub(crate) const FORMAT: i32 = DOCUMENT_FORMAT as i32;

/// The parameters of [`COMMIT`], in its order.
struct CommitRow<'a> {
    id: &'a [u8],
    order: &'a str,
    state: &'static str,
    redaction: &'static str,
    due_at: Option<i64>,
    purge_at: Option<i64>,
    document: String,
    expected: Option<i64>,
    release: bool,
    attempts: Attempts<'a>,
    take: Take<'a>,
    block_identity: Option<&'a [u8]>,
    block_until: Option<i64>,
    events: Events<'a>,
    page: Page<'a>,
}

/// The page that ends.
#[derive(Default)]
struct Page<'a> {
    key: Option<&'a str>,
    capability: Option<&'a [u8]>,
    sealed: Option<&'a [u8]>,
}

/// The attempts, a column each.
#[derive(Default)]
struct Attempts<'a> {
    order_no: Vec<&'a str>,
    state: Vec<&'static str>,
    certify_id: Vec<Option<&'a str>>,
    capability: Vec<Option<&'a [u8]>>,
    next_look_at: Vec<Option<i64>>,
}

/// The start to count, or without a limit the one to subtract.
#[derive(Default)]
struct Take<'a> {
    subject: Option<&'a [u8]>,
    scene: Option<String>,
    day: Option<i32>,
    limit: Option<i64>,
    identity: Option<&'a [u8]>,
    at: Option<i64>,
}

/// The events, a column each.
#[derive(Default)]
struct Events<'a> {
    n: Vec<i64>,
    at: Vec<i64>,
    kind: Vec<&'a str>,
    body: Vec<&'a str>,
    prev: Vec<&'a [u8]>,
    hash: Vec<&'a [u8]>,
}

impl<'a> CommitRow<'a> {
    fn new(commit: &'a Commit) -> Result<Self, StoreError> {
        let verification = commit.verification();
        let mut attempts = Attempts::default();
        for attempt in &verification.attempts {
            attempts.order_no.push(attempt.order_no.as_str());
            attempts.state.push(attempt.state.as_str());
            attempts.certify_id.push(attempt.certify_id.as_ref().map(|id| id.as_str()));
            attempts
                .capability
                .push(attempt.capability.as_ref().map(|capability| &capability.as_bytes()[..]));
            attempts.next_look_at.push(attempt.next_look_at.map(from_time));
        }
        let take = commit.take().map(|take| Take {
            subject: Some(&take.subject.as_bytes()[..]),
            scene: Some(take.scene.to_string()),
            day: Some(i32::try_from(take.day).unwrap_or(i32::MAX)),
            limit: Some(take.limit.into()),
            identity: Some(&take.identity.as_bytes()[..]),
            at: Some(from_time(take.at)),
        });
        let refund = commit.refund().map(|refund| Take {
            subject: Some(&refund.subject.as_bytes()[..]),
            scene: Some(refund.scene.to_string()),
            day: Some(i32::try_from(refund.day).unwrap_or(i32::MAX)),
            ..Take::default()
        });
        let mut events = Events::default();
        for event in commit.events() {
            events.n.push(from_number(event.n));
            events.at.push(from_time(event.at));
            events.kind.push(&event.kind);
            events.body.push(&event.body);
            events.prev.push(event.prev.as_bytes());
            events.hash.push(event.hash.as_bytes());
        }
        let page = commit.page().map(|end| {
            let link = end.link.as_ref();
            Page {
                key: Some(end.key.as_str()),
                capability: link.map(|link| &link.page.as_bytes()[..]),
                sealed: link.map(|link| link.sealed.as_bytes()),
            }
        });
        let page = page.unwrap_or_default();
        Ok(Self {
            id: verification.id.as_bytes(),
            order: verification.order.as_str(),
            state: verification.state.as_str(),
            redaction: verification.redaction.as_str(),
            due_at: verification.due_at.map(from_time),
            purge_at: verification.purge_at.map(from_time),
            document: write_document(verification)?,
            expected: commit.expected().map(from_number),
            release: commit.releases(),
            attempts,
            take: take.or(refund).unwrap_or_default(),
            block_identity: commit.block().map(|block| &block.identity.as_bytes()[..]),
            block_until: commit.block().map(|block| from_time(block.until)),
            events,
            page,
        })
    }

    fn parameters(&self) -> [&(dyn ToSql + Sync); 33] {
        let Self { attempts, take, events, page, .. } = self;
        [
            &SCHEMA,
            &self.id,
            &self.order,
            &self.state,
            &self.redaction,
            &self.due_at,
            &self.purge_at,
            &FORMAT,
            &self.document,
            &self.expected,
            &self.release,
            &attempts.order_no,
            &attempts.state,
            &attempts.certify_id,
            &attempts.capability,
            &attempts.next_look_at,
            &take.subject,
            &take.scene,
            &take.day,
            &take.limit,
            &take.identity,
            &take.at,
            &self.block_identity,
            &self.block_until,
            &events.n,
            &events.at,
            &events.kind,
            &events.body,
            &events.prev,
            &events.hash,
            &page.key,
            &page.capability,
            &page.sealed,
        ]
    }
}
