//! The emulator as its users meet it: over HTTP, as a shop, as a browser, as whoever looks after it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod admin;
mod bounds;
mod callbacks;
mod errors;
mod page;
mod state;
mod support;
