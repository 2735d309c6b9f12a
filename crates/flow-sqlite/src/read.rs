//! The statements that read.

use cloudauth_flow::integers::{from_limit, from_number, to_number, to_time};
use cloudauth_flow::{
    Cursor, Digest, Event, LoggedEvent, Lookup, OrderRef, StoreError, StoreErrorKind, Stored, Usage, UsageOf,
    VerificationId, events_before_damage, read_document,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::cached::Cached;
use crate::error::failed;
use crate::salt::Salt;

/// The columns of a [`Stored`], in the order in which [`stored`] reads them.
pub(crate) const STORED: &str = "id, version, fence, lease_until, format, document";

/// The condition of a lookup, and its parameter.
pub(crate) fn condition(by: Lookup<'_>) -> (&'static str, Value) {
    match by {
        Lookup::Id(id) => ("id = ?1", Value::Blob(id.as_bytes().to_vec())),
        Lookup::Order(order) => ("order_ref = ?1", Value::Text(order.as_str().to_owned())),
        Lookup::OrderNo(order_no) => (
            "id = (SELECT verification FROM ca_attempt WHERE order_no = ?1)",
            Value::Text(order_no.as_str().to_owned()),
        ),
        Lookup::CertifyId(certify_id) => (
            "id = (SELECT verification FROM ca_attempt WHERE certify_id = ?1)",
            Value::Text(certify_id.as_str().to_owned()),
        ),
        Lookup::Capability(capability) => (
            "id = (SELECT verification FROM ca_attempt WHERE capability = ?1)",
            Value::Blob(capability.as_bytes().to_vec()),
        ),
    }
}

pub(crate) fn load(
    connection: &Cached<'_>,
    condition: &str,
    value: &Value,
) -> Result<Option<Stored>, StoreError> {
    let select = format!("SELECT {STORED} FROM ca_verification WHERE {condition}");
    let row = connection.query_row(&select, [value], StoredRow::read).optional().map_err(failed)?;
    row.map(StoredRow::parse).transpose()
}

pub(crate) fn usage(connection: &Cached<'_>, of: &UsageOf) -> Result<Usage, StoreError> {
    let salt = Salt::of(connection)?;
    let starts: Option<u32> = connection
        .query_row(
            "SELECT starts FROM ca_quota WHERE day = ?1 AND person = ?2 AND scene = ?3",
            params![of.day(), salt.counted(&of.subject, of.day()), of.scene.to_string()],
            |row| row.get(0),
        )
        .optional()
        .map_err(failed)?;
    let until: Option<i64> = connection
        .query_row("SELECT until FROM ca_block WHERE person = ?1", [salt.blocked(&of.identity)], |row| {
            row.get(0)
        })
        .optional()
        .map_err(failed)?;
    Ok(Usage { starts_today: starts.unwrap_or_default(), blocked_until: until.map(to_time) })
}

pub(crate) fn events_after(
    connection: &Connection,
    cursor: Cursor,
    limit: usize,
) -> Result<Vec<LoggedEvent>, StoreError> {
    let select = format!("{LOGGED} WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    let mut statement = connection.prepare(&select).map_err(failed)?;
    let after = from_number(cursor.0);
    let rows = statement.query_map([after, from_limit(limit)], LoggedRow::read).map_err(failed)?;
    events_before_damage(rows.map(|row| row.map_err(failed).and_then(LoggedRow::parse)))
}

/// Selects the columns of a [`LoggedEvent`], in the order in which [`LoggedRow`] reads them.
pub(crate) const LOGGED: &str = "SELECT n, at, kind, body, prev, hash, seq, verification, order_ref \
                                 FROM ca_event JOIN ca_verification ON id = verification";

/// A row of [`LOGGED`].
pub(crate) struct LoggedRow {
    event: Event,
    seq: i64,
    id: [u8; 16],
    order: String,
}

impl LoggedRow {
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { event: event(row)?, seq: row.get(6)?, id: row.get(7)?, order: row.get(8)? })
    }

    pub(crate) fn parse(self) -> Result<LoggedEvent, StoreError> {
        Ok(LoggedEvent {
            cursor: Cursor(to_number(self.seq)),
            verification: VerificationId::new(self.id),
            order: OrderRef::new(&self.order).map_err(|error| corrupt(error.to_string()))?,
            event: self.event,
        })
    }
}

pub(crate) fn history(connection: &Connection, id: &VerificationId) -> Result<Vec<Event>, StoreError> {
    let select = "SELECT n, at, kind, body, prev, hash FROM ca_event WHERE verification = ?1 ORDER BY n";
    let mut statement = connection.prepare(select).map_err(failed)?;
    let events = statement.query_map([id.as_bytes()], event).map_err(failed)?;
    events.collect::<Result<_, _>>().map_err(failed)
}

/// A row of the columns [`STORED`].
pub(crate) struct StoredRow {
    id: [u8; 16],
    version: i64,
    fence: i64,
    lease_until: Option<i64>,
    format: i64,
    document: Vec<u8>,
}

impl StoredRow {
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            version: row.get(1)?,
            fence: row.get(2)?,
            lease_until: row.get(3)?,
            format: row.get(4)?,
            // A damaged text may be no UTF-8: that is an error of this row only.
            document: row.get_ref(5)?.as_bytes().unwrap_or_default().to_vec(),
        })
    }

    pub(crate) const fn id(&self) -> VerificationId {
        VerificationId::new(self.id)
    }

    pub(crate) fn parse(self) -> Result<Stored, StoreError> {
        let format = u32::try_from(self.format).unwrap_or(u32::MAX);
        let document = std::str::from_utf8(&self.document)
            .map_err(|_| corrupt("the document is not valid UTF-8".to_owned()))?;
        Ok(Stored {
            version: to_number(self.version),
            fence: to_number(self.fence),
            lease_until: self.lease_until.map(to_time),
            verification: read_document(format, &VerificationId::new(self.id), document)?,
        })
    }
}

/// Reads the first six columns.
pub(crate) fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event::stored(
        to_number(row.get(0)?),
        to_time(row.get(1)?),
        row.get::<_, String>(2)?.into(),
        row.get::<_, String>(3)?.into(),
        Digest::new(row.get(4)?),
        Digest::new(row.get(5)?),
    ))
}

fn corrupt(problem: String) -> StoreError {
    StoreError::with_source(StoreErrorKind::Corrupt, problem)
}
