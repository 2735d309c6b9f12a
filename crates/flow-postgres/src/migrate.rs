//! Creates the tables, or brings older ones to the current schema.

use tokio_postgres::{Client, Transaction};

use crate::error::{OpenError, OpenErrorKind};

/// The steps from an empty database to the current schema. The schema's version is the number of steps.
const MIGRATIONS: [&str; 2] = [include_str!("schema-1.sql"), include_str!("schema-2.sql")];

/// The version of the schema.
pub(crate) const SCHEMA: i32 = 2;
const _: () = assert!(MIGRATIONS.len() == 2, "SCHEMA is the number of steps");

/// The lock that programs take before they look at the schema: `cafl` and its purpose.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1667327596, 1)";

/// The oldest server: PostgreSQL 13 has `gen_random_uuid`.
const OLDEST: i32 = 130_000;

/// Migrates in one transaction. Programs that start concurrently wait for each other.
pub(crate) async fn migrate(client: &mut Client) -> Result<(), OpenError> {
    let transaction = client.transaction().await?;
    let server = transaction.query_one("SELECT current_setting('server_version_num')::integer", &[]).await?;
    if server.try_get::<_, i32>(0)? < OLDEST {
        return Err(OpenError::new(OpenErrorKind::OldServer));
    }
    // A migration of large tables takes longer than a statement of the store may, and so does the wait for it.
    transaction.batch_execute("SET LOCAL statement_timeout = 0").await?;
    transaction.batch_execute(LOCK).await?;
    let found = version(&transaction).await?;
    let done = usize::try_from(found).unwrap_or_default();
    let steps = MIGRATIONS.get(done..).ok_or(OpenError::new(OpenErrorKind::NewerSchema))?;
    if steps.is_empty() {
        return Ok(());
    }
    if found > 0 {
        // Waits for the commits that run, and lets the later ones see the new version. They wait meanwhile: not for long.
        transaction.batch_execute("SET LOCAL lock_timeout = '10s'").await?;
        transaction.batch_execute("LOCK TABLE ca_schema IN ACCESS EXCLUSIVE MODE").await?;
    }
    for step in steps {
        transaction.batch_execute(step).await?;
    }
    let write =
        "INSERT INTO ca_schema (one, version) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET version = $1";
    transaction.execute(write, &[&SCHEMA]).await?;
    Ok(transaction.commit().await?)
}

/// The version of the tables; 0 before the first migration.
async fn version(transaction: &Transaction<'_>) -> Result<i32, OpenError> {
    // In the schema of the store only: another one on the `search_path` may have a store too.
    let exists = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'ca_schema')";
    let exists = transaction.query_one(exists, &[]).await?;
    if !exists.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let version = transaction.query_opt("SELECT version FROM ca_schema", &[]).await?;
    Ok(version.map(|row| row.try_get(0)).transpose()?.unwrap_or(0))
}
