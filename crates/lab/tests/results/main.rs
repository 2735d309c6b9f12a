//! The results of runs: decisions, counts, statistics, reports, and output files.

#![cfg(test)]

mod costs;
mod drift;
mod flips;
#[path = "../history/mod.rs"]
mod history;
mod holdout;
mod kept;
mod matchers;
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
