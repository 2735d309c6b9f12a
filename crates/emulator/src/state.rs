//! What all requests share, and how it is kept.

mod app;
mod callback_queue;
mod journal;
mod persistence;
mod saver;
mod setup;
mod snapshot;
mod store;
mod sync;

pub(crate) use app::State;
pub(crate) use callback_queue::{Attempt, Kind, Waiting};
pub(crate) use journal::{Entry, What};
pub(crate) use setup::Setup;
pub(crate) use snapshot::Snapshot;
pub(crate) use store::Store;
