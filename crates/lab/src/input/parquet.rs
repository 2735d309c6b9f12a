//! Parquet files and Arrow tables in memory. Of a file it reads one row group at a time, only the columns that are needed, in
//! batches, so that memory does not grow with the groups. Values mean the same as in JSON: a number is a double, NULL is missing, NaN and the infinities are the strings of
//! that name. A 32-bit float is widened as it is: a stored 74.99 is 74.989997.. and may fall below a threshold of 74.99.

mod column_data;
mod columns;
mod meanings;
mod memory;
mod strings;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Encoding, Type};
use parquet::errors::ParquetError;

pub(crate) use column_data::{ColumnData, Keys, is_taken, number, wanted};
pub(crate) use columns::Place;
pub(crate) use meanings::Meanings;
pub(crate) use memory::Memory;
pub(crate) use strings::is_text;

/// The largest footer that is read, in bytes. It has about a hundred for each column of each row group.
const LARGEST_FOOTER: u32 = 256 << 20;

/// The rows of a batch.
const BATCH: usize = 8192;

/// The row groups of a file, or the parts of a table in memory, in order.
pub(crate) struct Groups {
    table: Arc<Table>,
    next: usize,
    row: u64,
}

/// A file, a table in memory or a stream, and its columns.
pub(crate) struct Table {
    pub(crate) path: PathBuf,
    rows: Rows,
    pub(crate) places: Vec<Place>,
}

enum Rows {
    /// The footer of a file.
    File(ArrowReaderMetadata),
    Memory(Memory),
}

/// The batches of a group.
pub(crate) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>;

/// Only the Parquet types count. The Arrow schema that a writer stores next to them describes the writer's memory.
fn options() -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_skip_arrow_metadata(true)
}

/// Returns the error of a file that is not valid Parquet.
pub(crate) fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Runs the library's reader, which panics where a damaged file breaks one of its assertions.
fn caught<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    let damaged = |_| Err(ParquetError::General("the file is damaged".to_owned()));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(damaged)
}

/// The batches of a file, up to the first error: the reader is not used after a panic.
struct Caught<B>(Option<B>);

impl<B: Iterator<Item = Result<RecordBatch, ArrowError>>> Iterator for Caught<B> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batches = self.0.as_mut()?;
        let next = caught(|| Ok(batches.next())).unwrap_or_else(|error| Some(Err(error.into())));
        if !matches!(next, Some(Ok(_))) {
            self.0 = None;
        }
        next
    }
}

/// Checks the length of the footer, which the last eight bytes of a file say. Other files are left to the reader.
fn check_footer(mut file: &File) -> io::Result<()> {
    let mut tail = [0; 8];
    if file.seek(SeekFrom::End(-8)).is_err() {
        return Ok(());
    }
    file.read_exact(&mut tail)?;
    let [a, b, c, d, magic @ ..] = tail;
    if magic == *b"PAR1" && u32::from_le_bytes([a, b, c, d]) > LARGEST_FOOTER {
        return Err(invalid("the footer is larger than 256 MiB"));
    }
    Ok(())
}

impl Groups {
    /// Starts from this group.
    pub(crate) fn open(path: &Path, from: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        check_footer(&file)?;
        let about = caught(|| ArrowReaderMetadata::load(&file, options())).map_err(invalid)?;
        let places = Place::all(about.schema().fields());
        let mut groups = Self::of(Table { path: path.to_owned(), rows: Rows::File(about), places });
        while (groups.next as u64) < from && groups.next()?.is_some() {}
        Ok(groups)
    }

    /// Starts at the first row of a table in memory, which errors name by this path.
    ///
    /// # Errors
    /// If it is a stream that was already read.
    pub(crate) fn in_memory(path: &Path, memory: &Memory) -> io::Result<Self> {
        memory.begin()?;
        let places = Place::all(memory.schema().fields());
        Ok(Self::of(Table { path: path.to_owned(), rows: Rows::Memory(memory.clone()), places }))
    }

    fn of(table: Table) -> Self {
        Self { table: Arc::new(table), next: 0, row: 0 }
    }

    pub(crate) fn table(&self) -> Arc<Table> {
        self.table.clone()
    }

    /// Returns the next group: its number, the rows before it, and its bytes.
    ///
    /// # Errors
    /// If a stream fails.
    pub(crate) fn next(&mut self) -> io::Result<Option<(usize, u64, u64)>> {
        let found = match &self.table.rows {
            Rows::File(about) => {
                let group = about.metadata().row_groups().get(self.next);
                let unsigned = |number: i64| u64::try_from(number).unwrap_or_default();
                group.map(|group| (unsigned(group.num_rows()), unsigned(group.compressed_size())))
            }
            Rows::Memory(memory) => memory.next(self.next)?.map(|rows| (rows as u64, 0)),
        };
        let Some((rows, bytes)) = found else { return Ok(None) };
        let (number, row) = (self.next, self.row);
        self.next += 1;
        self.row = self.row.saturating_add(rows);
        Ok(Some((number, row, bytes)))
    }
}

impl Table {
    /// Reads columns of a group. Each reader opens the file, because copies of a file handle share one position.
    pub(crate) fn read(&self, group: usize, places: &[&Place]) -> parquet::errors::Result<Batches> {
        let about = match &self.rows {
            Rows::File(about) => about,
            Rows::Memory(memory) => return Ok(memory.read(group, places, BATCH)?),
        };
        let metadata = about.metadata();
        let leaves = about.parquet_schema();
        let field = |(root, field): (usize, &Arc<Field>)| {
            let chunk = (0..leaves.num_columns()).find(|leaf| leaves.get_column_root_idx(*leaf) == root);
            let chunk = chunk.and_then(|leaf| metadata.row_groups().get(group)?.columns().get(leaf));
            let is_coded = chunk.is_some_and(|chunk| {
                let only =
                    |encoding| chunk.page_encoding_stats_mask().is_none_or(|mask| mask.is_only(encoding));
                let is = only(Encoding::RLE_DICTIONARY) || only(Encoding::PLAIN_DICTIONARY);
                is && chunk.dictionary_page_offset().is_some()
            });
            let is_int96 = chunk.is_some_and(|chunk| chunk.column_type() == Type::INT96);
            if is_int96 && *field.data_type() == DataType::Timestamp(TimeUnit::Nanosecond, None) {
                // Spark and Hive write instants in UTC this way. The format has no flag for it.
                let instant = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
                Arc::new(field.as_ref().clone().with_data_type(instant))
            } else if *field.data_type() == DataType::Utf8
                && is_coded
                && places.iter().any(|place| place.root == root)
            {
                // Dictionaries are kept: each string once.
                let coded = DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into());
                Arc::new(field.as_ref().clone().with_data_type(coded))
            } else {
                field.clone()
            }
        };
        let fields: Vec<_> = about.schema().fields().iter().enumerate().map(field).collect();
        let about = ArrowReaderMetadata::try_new(
            metadata.clone(),
            options().with_schema(Arc::new(Schema::new(fields))),
        )?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(File::open(&self.path)?, about)
            .with_row_groups(vec![group])
            .with_projection(ProjectionMask::leaves(leaves, places.iter().map(|place| place.leaf)))
            .with_batch_size(BATCH);
        Ok(Box::new(Caught(Some(caught(|| reader.build())?))))
    }

    /// Returns the number of rows of a group, instead of reading it.
    pub(crate) fn rows(&self, group: usize) -> usize {
        match &self.rows {
            Rows::File(about) => {
                let group = about.metadata().row_groups().get(group);
                group.and_then(|group| usize::try_from(group.num_rows()).ok()).unwrap_or_default()
            }
            Rows::Memory(memory) => memory.rows(group),
        }
    }
}
