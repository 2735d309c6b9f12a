//! Data files: what a run reads, how each format reads, and what it refuses.

#![cfg(test)]

mod agree;
#[path = "../checkpoint/mod.rs"]
mod checkpoint;
mod checkpoints;
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
mod support;
