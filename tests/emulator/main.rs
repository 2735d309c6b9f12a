//! Tests of the emulator over HTTP: as a shop, as a browser, and as an administrator.

#![cfg(test)]

mod admin;
mod bounds;
mod callbacks;
mod errors;
mod kept;
mod page;
#[path = "../receiver/mod.rs"]
mod receiver;
mod shown;
mod state;
mod support;
