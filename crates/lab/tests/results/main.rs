//! The results of runs: decisions, counts, statistics, reports, and output files.

#![cfg(test)]

#[path = "../checkpoint/mod.rs"]
mod checkpoint;
mod compare;
mod costs;
mod drift;
#[path = "../history/mod.rs"]
mod history;
mod holdout;
mod kept;
mod outputs;
mod people;
mod report;
mod runs;
mod segments;
mod sql;
#[path = "../sqlite/mod.rs"]
mod sqlite;
mod statistics;
mod sweep;
mod thresholds;
mod wide_range;
