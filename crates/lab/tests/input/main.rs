//! Data files: what a run reads, how each format reads, and what it refuses.

#![cfg(test)]

mod agree;
mod files;
mod keys;
#[cfg(feature = "parquet")]
mod memory;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_files;
mod refused;
#[path = "../sqlite/mod.rs"]
mod sqlite;
