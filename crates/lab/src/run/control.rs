//! The progress of a run, and a way to stop it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The progress of a run, and a way to stop it: for progress bars and Ctrl-C.
#[derive(Debug, Default)]
pub struct RunControl {
    read: AtomicU64,
    stop: AtomicBool,
    /// The number of chunks until the run stops automatically, for tests.
    chunks: AtomicU64,
}

impl RunControl {
    /// Returns the bytes read of the files, before decompression.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Counts bytes that were read.
    pub(super) fn add_read(&self, bytes: u64) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Stops the run after the current chunks. The run then returns what it has counted.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Stops the run after this many chunks of about a megabyte, for tests.
    #[doc(hidden)]
    pub fn stop_after(&self, chunks: u64) {
        self.chunks.store(chunks, Ordering::Relaxed);
    }

    /// Counts a chunk that was handed out.
    pub(super) fn count_chunk(&self) {
        if self.chunks.load(Ordering::Relaxed) > 0 && self.chunks.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.stop();
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
