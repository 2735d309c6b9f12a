//! What a process keeps after many calls and after many minutes.
//!
//! `cargo bench -p cloudauth-tests --bench soak`: memory over 100,000 calls, and the uniqueness of 10 million nonces; with
//! `-- --test`, a hundredth of it. `-- --minutes 30`, which is `cargo xtask soak`: a whole service with faults, and the lab.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench may panic")]

mod calls;
mod flat;
mod lab;
mod resources;
mod service;
#[path = "../stand_in.rs"]
mod stand_in;

use std::time::Duration;

fn main() {
    stand_in::serve_if_told();
    let args: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Some(at) = args.iter().position(|arg| arg == "--minutes") {
        let minutes: f64 = args.get(at + 1).map_or(Ok(30.0), |minutes| minutes.parse()).unwrap();
        return runtime.block_on(service::soak(Duration::from_secs_f64(60.0 * minutes)));
    }
    let smoke = args.iter().any(|arg| arg == "--test");
    let (calls, nonces) = if smoke { (2_560, 100_000) } else { (100_096, 10_000_000) };
    runtime.block_on(calls::soak(calls));
    calls::never_twice(nonces);
    if smoke {
        flat::finds_what_is_not_flat();
        runtime.block_on(service::soak(Duration::from_secs(6)));
    }
}
