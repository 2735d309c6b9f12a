//! An Arrow table in memory, or a stream of batches. Its buffers are read where they are.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema, SchemaRef};

use super::{Batches, Place, invalid};

/// The most rows of a part, which one thread decides.
const PART: usize = 1 << 16;

/// A table in parts that share its buffers.
#[derive(Clone)]
pub(crate) struct Memory {
    schema: SchemaRef,
    parts: Arc<Parts>,
}

enum Parts {
    All(Vec<RecordBatch>),
    Stream(Mutex<Stream>),
}

/// A stream that is read once, part by part.
struct Stream {
    is_begun: bool,
    /// `None` after the end or the first error: the iterator is not asked again.
    batches: Option<Box<dyn Iterator<Item = io::Result<RecordBatch>> + Send>>,
    /// The parts of the last batch that are not asked for yet.
    left: VecDeque<RecordBatch>,
    /// The parts that are asked for and not read yet, by number.
    asked: BTreeMap<usize, RecordBatch>,
}

impl Memory {
    /// Divides batches into parts.
    pub(crate) fn new(batches: &[RecordBatch]) -> io::Result<Self> {
        let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        let mut parts = Vec::new();
        for batch in batches {
            check(batch, &schema)?;
            parts.extend(slices(batch, PART));
        }
        Ok(Self { schema, parts: Parts::All(parts).into() })
    }

    /// Divides the batches of a stream as they arrive.
    pub(crate) fn stream(
        schema: SchemaRef,
        batches: impl Iterator<Item = io::Result<RecordBatch>> + Send + 'static,
    ) -> Self {
        let batches = Some(Box::new(batches) as _);
        let stream = Stream { is_begun: false, batches, left: VecDeque::new(), asked: BTreeMap::new() };
        Self { schema, parts: Parts::Stream(Mutex::new(stream)).into() }
    }

    pub(crate) const fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Begins to read the parts, from the first.
    ///
    /// # Errors
    /// If it is a stream that was begun before.
    pub(super) fn begin(&self) -> io::Result<()> {
        let Parts::Stream(stream) = &*self.parts else { return Ok(()) };
        match std::mem::replace(&mut lock(stream).is_begun, true) {
            true => Err(io::Error::new(io::ErrorKind::Unsupported, "the stream was already read")),
            false => Ok(()),
        }
    }

    /// Returns the number of rows of the next part; `None` after the last one. Parts of a stream are asked for in order.
    pub(crate) fn next(&self, part: usize) -> io::Result<Option<usize>> {
        let mut stream = match &*self.parts {
            Parts::All(parts) => return Ok(parts.get(part).map(RecordBatch::num_rows)),
            Parts::Stream(stream) => lock(stream),
        };
        while stream.left.is_empty() {
            let Some(mut batches) = stream.batches.take() else { return Ok(None) };
            let Some(batch) = batches.next().transpose()? else { return Ok(None) };
            check(&batch, &self.schema)?;
            stream.batches = Some(batches);
            stream.left.extend(slices(&batch, PART));
        }
        let Some(next) = stream.left.pop_front() else { return Ok(None) };
        let rows = next.num_rows();
        stream.asked.insert(part, next);
        Ok(Some(rows))
    }

    /// Returns a part. A stream gives it once.
    fn take(&self, part: usize) -> Option<RecordBatch> {
        match &*self.parts {
            Parts::All(parts) => parts.get(part).cloned(),
            Parts::Stream(stream) => lock(stream).asked.remove(&part),
        }
    }

    /// Returns the number of rows of a part, instead of reading it.
    pub(crate) fn rows(&self, part: usize) -> usize {
        self.take(part).map_or(0, |part| part.num_rows())
    }

    /// Returns the top-level columns of these places, in batches of this many rows.
    pub(crate) fn read(&self, part: usize, places: &[&Place], rows: usize) -> Result<Batches, ArrowError> {
        let mut roots: Vec<usize> = places.iter().map(|place| place.root).collect();
        roots.sort_unstable();
        roots.dedup();
        let part = self.take(part).map(|part| part.project(&roots)).transpose()?;
        let slices: Vec<_> = part.iter().flat_map(|part| slices(part, rows)).map(Ok).collect();
        Ok(Box::new(slices.into_iter()))
    }
}

fn check(batch: &RecordBatch, schema: &Schema) -> io::Result<()> {
    if batch.schema_ref().fields() == schema.fields() {
        return Ok(());
    }
    Err(invalid("the batches of a table must have the same columns"))
}

/// A panic of a thread ends the run, so a poisoned lock does not matter.
fn lock(stream: &Mutex<Stream>) -> MutexGuard<'_, Stream> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

fn slices(batch: &RecordBatch, rows: usize) -> impl Iterator<Item = RecordBatch> {
    let starts = (0..batch.num_rows()).step_by(rows);
    starts.map(move |start| batch.slice(start, rows.min(batch.num_rows() - start)))
}

/// Shows no values: they are of people.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

/// Two copies of one table are equal.
impl PartialEq for Memory {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parts, &other.parts)
    }
}
