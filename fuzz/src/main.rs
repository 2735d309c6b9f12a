//! Fuzz targets for everything that reads bytes from outside. `FUZZ_TARGET` names the target; `cargo xtask fuzz` sets it.
//!
//! Each target asserts something: a round trip, agreement with an independent reader, no secret in what is printed. Each also
//! has a bound on its CPU time and its memory, and places that its seeds must reach, in [`targets`].

#![no_main]

// The flow's model and requests, and the client's simulated clock, are also what their own tests use.
#[path = "../../crates/client/tests/world/mod.rs"]
mod client_world;
#[path = "../../crates/flow/tests/model/invariants.rs"]
mod invariants;
mod measure;
mod mutate;
mod reach;
#[path = "../../crates/flow/tests/requests/mod.rs"]
mod requests;
mod secrets;
mod targets;
#[path = "../../crates/flow/tests/model/world.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod world;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(init: { targets::prepare(); }, |data: &[u8]| targets::chosen().run(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
