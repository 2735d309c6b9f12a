//! The emulator as its users meet it: over HTTP, as a shop, as a browser, as whoever looks after it.

#![cfg(test)]

mod admin;
mod bounds;
mod callbacks;
mod errors;
mod page;
mod state;
mod support;
