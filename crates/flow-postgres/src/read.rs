//! The statements that read.

use cloudauth_flow::integers::{from_limit, from_number, to_number, to_time};
use cloudauth_flow::{
    Cursor, Digest, Event, LoggedEvent, Lookup, OrderRef, StoreError, StoreErrorKind, Stored, Usage, UsageOf,
    VerificationId, events_before_damage, read_document,
};
use deadpool_postgres::Pool;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};

use crate::connect::{Effect, run};
use crate::error::{OpenError, OpenErrorKind};
use crate::migrate::SCHEMA;

/// The columns of a [`LoggedEvent`], in the order in which [`logged`] reads them.
pub(crate) const LOGGED: &str = "r_n, r_at, r_kind, r_body, r_prev, r_hash, r_seq, r_verification, r_order";

/// The columns of a [`Stored`], in the order in which [`stored`] reads them.
pub(crate) const STORED: &str = "id, version, fence, lease_until, format, document::text";

pub(crate) async fn load(pool: &Pool, by: Lookup<'_>) -> Result<Option<Stored>, StoreError> {
    let (id, text);
    let (condition, parameter): (_, &(dyn ToSql + Sync)) = match by {
        Lookup::Id(of) => {
            id = &of.as_bytes()[..];
            ("id = $1", &id)
        }
        Lookup::Order(order) => {
            text = order.as_str();
            ("order_ref = $1", &text)
        }
        Lookup::OrderNo(order_no) => {
            text = order_no.as_str();
            ("id = (SELECT verification FROM ca_attempt WHERE order_no = $1)", &text)
        }
        Lookup::CertifyId(certify_id) => {
            text = certify_id.as_str();
            ("id = (SELECT verification FROM ca_attempt WHERE certify_id = $1)", &text)
        }
        Lookup::Capability(capability) => {
            id = &capability.as_bytes()[..];
            ("id = (SELECT verification FROM ca_attempt WHERE capability = $1)", &id)
        }
    };
    let select =
        format!("SELECT {STORED}, schema FROM {SCHEMA_ROW} LEFT JOIN ca_verification ON {condition}");
    let rows = run(pool, Effect::Reads, &select, &[parameter]).await?;
    let row = checked(&rows, 6)?;
    let found: Option<&[u8]> = get(row, 0)?;
    found.map(|_| stored(row)).transpose()
}

pub(crate) async fn usage(pool: &Pool, of: &UsageOf) -> Result<Usage, StoreError> {
    let select = "SELECT \
                  (SELECT version FROM ca_schema), \
                  (SELECT starts FROM ca_quota WHERE day = $1 AND person = ca_counted($2, $1) AND scene = $3), \
                  (SELECT until FROM ca_block WHERE person = ca_blocked($4))";
    let day = i32::try_from(of.day()).unwrap_or(i32::MAX);
    let (subject, scene) = (&of.subject.as_bytes()[..], of.scene.to_string());
    let identity = &of.identity.as_bytes()[..];
    let rows = run(pool, Effect::Reads, select, &[&day, &subject, &scene, &identity]).await?;
    let row = checked(&rows, 0)?;
    let starts: Option<i64> = get(row, 1)?;
    let until: Option<i64> = get(row, 2)?;
    Ok(Usage {
        starts_today: u32::try_from(starts.unwrap_or_default()).unwrap_or(u32::MAX),
        blocked_until: until.map(to_time),
    })
}

pub(crate) async fn events_after(
    pool: &Pool,
    cursor: Cursor,
    limit: usize,
) -> Result<Vec<LoggedEvent>, StoreError> {
    let select = format!("SELECT {LOGGED} FROM ca_events($1, $2, $3)");
    let after = from_number(cursor.0);
    let rows = run(pool, Effect::Reads, &select, &[&SCHEMA, &after, &from_limit(limit)]).await?;
    events_before_damage(rows.iter().map(logged))
}

/// Reads a row that begins with [`LOGGED`].
pub(crate) fn logged(row: &Row) -> Result<LoggedEvent, StoreError> {
    let order: String = get(row, 8)?;
    Ok(LoggedEvent {
        cursor: Cursor(to_number(get(row, 6)?)),
        verification: VerificationId::new(bytes(row, 7)?),
        order: OrderRef::new(&order).map_err(|error| corrupt(error.to_string()))?,
        event: event(row)?,
    })
}

pub(crate) async fn history(pool: &Pool, id: &VerificationId) -> Result<Vec<Event>, StoreError> {
    let select = format!(
        "SELECT n, at, kind, body, prev, hash, schema \
         FROM {SCHEMA_ROW} LEFT JOIN ca_event ON verification = $1 ORDER BY n"
    );
    let rows = run(pool, Effect::Reads, &select, &[&&id.as_bytes()[..]]).await?;
    let first: Option<i64> = get(checked(&rows, 6)?, 0)?;
    if first.is_none() {
        return Ok(Vec::new());
    }
    rows.iter().map(event).collect()
}

/// The schema's version, to join with: the answer has a row even if nothing else is found.
pub(crate) const SCHEMA_ROW: &str = "(SELECT version AS schema FROM ca_schema WHERE one = 1) AS current";

/// Returns the first row, if its column has the schema of this version: another program may have migrated the tables since.
pub(crate) fn checked(rows: &[Row], column: usize) -> Result<&Row, StoreError> {
    let row = rows.first().ok_or_else(|| corrupt("the schema has no version".to_owned()))?;
    if get::<i32>(row, column)? == SCHEMA {
        return Ok(row);
    }
    Err(StoreError::with_source(StoreErrorKind::Corrupt, OpenError::new(OpenErrorKind::NewerSchema)))
}

/// Reads a row of the columns [`STORED`].
pub(crate) fn stored(row: &Row) -> Result<Stored, StoreError> {
    let id = VerificationId::new(bytes(row, 0)?);
    let lease_until: Option<i64> = get(row, 3)?;
    let document: &str = get(row, 5)?;
    Ok(Stored {
        version: to_number(get(row, 1)?),
        fence: to_number(get(row, 2)?),
        lease_until: lease_until.map(to_time),
        verification: read_document(u32::try_from(get::<i32>(row, 4)?).unwrap_or(u32::MAX), &id, document)?,
    })
}

/// Reads the first six columns.
pub(crate) fn event(row: &Row) -> Result<Event, StoreError> {
    Ok(Event::stored(
        to_number(get(row, 0)?),
        to_time(get(row, 1)?),
        get::<String>(row, 2)?.into(),
        get::<String>(row, 3)?.into(),
        Digest::new(bytes(row, 4)?),
        Digest::new(bytes(row, 5)?),
    ))
}

/// Reads the one value of an answer.
pub(crate) fn value<T: for<'a> FromSql<'a> + Default>(rows: &[Row]) -> Result<T, StoreError> {
    Ok(rows.first().map(|row| get(row, 0)).transpose()?.unwrap_or_default())
}

/// Reads a column.
pub(crate) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(|_| corrupt(format!("column {column} of an answer has another type")))
}

pub(crate) fn bytes<const N: usize>(row: &Row, column: usize) -> Result<[u8; N], StoreError> {
    let bytes: &[u8] = get(row, column)?;
    bytes.try_into().map_err(|_| corrupt(format!("column {column} of an answer has another length")))
}

fn corrupt(problem: String) -> StoreError {
    StoreError::with_source(StoreErrorKind::Corrupt, problem)
}
