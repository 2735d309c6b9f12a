//! An emulator: its settings, its start, and the handle of a running one.

mod builder;
mod router;
mod running;

pub use builder::Builder;
pub use running::Emulator;
