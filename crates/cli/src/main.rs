//! The `cloudauth` command.

use std::process::ExitCode;

/// Reuses the buffers of Parquet's columns.
#[cfg(feature = "parquet")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(cloudauth_cli::run(std::env::args_os().collect()))
}
