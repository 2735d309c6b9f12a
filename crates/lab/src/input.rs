//! Reading recorded results: finding files, the shapes of their rows, and the time of a row.

pub(crate) mod bounded;
pub(crate) mod chunks;
pub(crate) mod format;
pub(crate) mod header;
pub(crate) mod json;
pub(crate) mod mapping;
pub(crate) mod mapping_error;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
pub(crate) mod quotes;
pub(crate) mod row;
pub(crate) mod search;
pub(crate) mod skipped;
pub(crate) mod source;
pub(crate) mod time;
pub(crate) mod timezone;
pub(crate) mod word;
