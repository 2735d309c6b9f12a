//! The commands, one file each.

#[cfg(feature = "audit")]
pub(crate) mod audit;
mod call;
pub(crate) mod codes;
pub(crate) mod demo;
pub(crate) mod describe;
pub(crate) mod emulator;
pub(crate) mod init;
#[cfg(feature = "lab")]
pub(crate) mod lab;
pub(crate) mod listen;
pub(crate) mod policy;
pub(crate) mod sessions;
#[cfg(feature = "shell")]
pub(crate) mod shell;
pub(crate) mod shop;
pub(crate) mod sign;
pub(crate) mod trigger;
