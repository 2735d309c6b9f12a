//! An Arrow table in memory. Its buffers are read where they are.

use std::fmt;
use std::io;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema, SchemaRef};

use super::{Batches, Place, invalid};

/// The most rows of a part, which one thread decides.
const PART: usize = 1 << 16;

/// A table in parts that share its buffers.
#[derive(Clone)]
pub(crate) struct Memory {
    schema: SchemaRef,
    parts: Arc<[RecordBatch]>,
}

impl Memory {
    /// Divides batches into parts.
    pub(crate) fn new(batches: &[RecordBatch]) -> io::Result<Self> {
        let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        let mut parts = Vec::new();
        for batch in batches {
            if batch.schema_ref().fields() != schema.fields() {
                return Err(invalid("the batches of a table must have the same columns"));
            }
            parts.extend(slices(batch, PART));
        }
        Ok(Self { schema, parts: parts.into() })
    }

    pub(crate) const fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the number of rows of a part; `None` after the last one.
    pub(crate) fn rows(&self, part: usize) -> Option<i64> {
        i64::try_from(self.parts.get(part)?.num_rows()).ok()
    }

    /// Returns the top-level columns of these places, in batches of this many rows.
    pub(crate) fn read(&self, part: usize, places: &[&Place], rows: usize) -> Result<Batches, ArrowError> {
        let mut roots: Vec<usize> = places.iter().map(|place| place.root).collect();
        roots.sort_unstable();
        roots.dedup();
        let part = self.parts.get(part).map(|part| part.project(&roots)).transpose()?;
        let slices: Vec<_> = part.iter().flat_map(|part| slices(part, rows)).map(Ok).collect();
        Ok(Box::new(slices.into_iter()))
    }
}

fn slices(batch: &RecordBatch, rows: usize) -> impl Iterator<Item = RecordBatch> {
    let starts = (0..batch.num_rows()).step_by(rows);
    starts.map(move |start| batch.slice(start, rows.min(batch.num_rows() - start)))
}

/// Shows no values: they are of people.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: usize = self.parts.iter().map(RecordBatch::num_rows).sum();
        f.debug_struct("Memory").field("rows", &rows).finish_non_exhaustive()
    }
}

/// Two copies of one table are equal.
impl PartialEq for Memory {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parts, &other.parts)
    }
}
