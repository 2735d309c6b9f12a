//! The state that all requests share: in memory, in snapshots, and in the state file.

mod app;
mod callback_queue;
mod change;
mod file_error;
mod journal;
mod persistence;
mod saver;
mod settings;
mod snapshot;
#[cfg(feature = "sqlite")]
mod sqlite_uri;
mod store;
mod sync;

pub(crate) use app::AppState;
pub(crate) use callback_queue::{Callback, CallbackAttempt, CallbackKind};
pub(crate) use change::Change;
pub use file_error::StateFileError;
pub(crate) use journal::{EntrySource, JournalEntry, SignatureVersion};
pub(crate) use settings::Settings;
pub(crate) use snapshot::Snapshot;
pub use snapshot::SnapshotError;
pub(crate) use store::Store;
